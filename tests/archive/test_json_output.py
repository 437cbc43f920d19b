"""Golden files: texts and the JSON that `paperround parse` prints for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.archive import parse

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("path", sorted(DATA.glob("*.md")), ids=lambda path: path.stem)
def test_a_text_gives_the_expected_json(path: Path) -> None:
    digests = parse.parse_text(parse.decode(path.read_bytes()))
    printed = [parse.digest_to_json(digest, path.name) for digest in digests]
    expected = json.loads(path.with_suffix(".expected.json").read_text("utf-8"))
    assert printed == expected


def test_the_keys_are_in_the_order_of_the_contract() -> None:
    (digest,) = parse.parse_text((DATA / "review.md").read_text("utf-8"))
    printed = parse.digest_to_json(digest, "a/b.md")
    assert list(printed) == ["file", "format", "date", "papers", "problems"]
    assert list(printed["papers"][0]) == [
        "rank",
        "arxiv_id",
        "title",
        "url",
        "votes",
        "authors",
        "authors_truncated",
        "thumbnail",
        "video",
        "sections",
        "summary_missing",
    ]
    assert list(printed["papers"][0]["sections"][0]) == ["heading", "body"]
    assert printed["file"] == "a/b.md"
