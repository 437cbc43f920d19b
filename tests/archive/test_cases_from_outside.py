"""Small files by others, with what a reader would take from them. Skipped if they are not beside the checkout."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.archive import parse
from storage import errors

FILES = Path(__file__).parents[2] / "../shared/cases/files"
TODAY = date(2026, 11, 25)
DAY = "2026-11-20"
TITLES = [
    "Quiet kettles: reading tea leaves with small models",
    "Loud geese and how to count them in fog",
    "Slow bridges that learn to carry heavy carts",
]
EXPECTED: dict[str, dict[str | None, list[int]]] = {
    "title-span.md": {DAY: [20001, 20002, 20003]},
    "title-burst.md": {DAY: [20011, 20012, 20013]},
    "korean-week.md": {"2026-11-22": [20021, 20022, 20023]},
    "korean-span.md": {DAY: [20031, 20032, 20033]},
    "short-span.md": {"2026-11-06": [20041, 20042, 20043]},
    "from-now.md": {None: [20051, 20052, 20053]},
    "2026-W53.md": {"2027-01-03": [20061, 20062, 20063]},
    "week-heading.md": {"2026-11-22": [20071, 20072, 20073]},
    "impossible-date.md": {None: [20083], DAY: [20081, 20082]},
    "korean-no-year.md": {DAY: [20091, 20092], "2026-11-18": [20093]},
    "hf-undated.json": {None: [20101, 20102]},
    "hf-wrapped.json": {DAY: [20111, 20112]},
    "image.md": {DAY: [20121, 20122]},
    "caption.md": {DAY: [20131, 20132]},
    "pipes.md": {DAY: [20141, 20142]},
    "open-svg.html": {DAY: [20151, 20152, 20153]},
    "open-head.html": {DAY: [20161, 20162]},
    "one-dated.md": {DAY: [20171]},
    "bare-urls.md": {DAY: [20181, 20182, 20183]},
    "underscore.md": {DAY: [20191, 20192, 20193]},
    "short-title.json": {DAY: [20201, 20202, 20203]},
    "title-above.md": {DAY: [20211, 20212]},
    "newsletter-cool.md": {DAY: [20221, 20222, 20223]},
    "newsletter-video.md": {DAY: [20301, 20302]},
    "undated.md": {None: [20241, 20242, 20243]},
}
OTHER_TITLES = {
    "underscore.md": ["Using snake_case names in kettle code", *TITLES[1:]],
    "short-title.json": ["Cold Soup Matter", *TITLES[1:]],
    "title-above.md": TITLES[:2],
    "caption.md": TITLES[:2],
    "bare-urls.md": TITLES,
}

pytestmark = pytest.mark.skipif(not FILES.exists(), reason="no cases next to this checkout")


def read(name: str) -> list[dict[str, Any]]:
    digests = parse.parse_text(parse.decode((FILES / name).read_bytes()), name, TODAY)
    return [parse.digest_to_json(digest, name) for digest in digests]


@pytest.mark.parametrize("name", EXPECTED)
def test_reads_what_a_reader_would_take_from_the_file(name: str) -> None:
    found = read(name)
    days = {row["date"]: [int(paper["arxiv_id"][5:]) for paper in row["papers"]] for row in found}
    assert days == EXPECTED[name]
    if name in OTHER_TITLES:
        assert [paper["title"] for row in found for paper in row["papers"]] == OTHER_TITLES[name]
    assert name != "hf-undated.json" or found[0]["format"] == "list"


def test_reads_a_video_whose_link_lacks_its_brackets() -> None:
    first, second = read("newsletter-video.md")[0]["papers"]
    assert (first["video"], len(first["sections"])) == ("https://media.example.org/kettles/first.mp4", 2)
    assert (second["thumbnail"], len(second["sections"])) == ("https://media.example.org/ants/bridge.png", 1)


def test_refuses_a_feed_by_its_name() -> None:
    with pytest.raises(errors.NotADigestError, match="it is a feed"):
        read("picks-rss.xml")
