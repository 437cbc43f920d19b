"""BibTeX entries are valid for any title."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import exports
from bot.rendering.templates import Templates
from storage import models


def test_an_entry_has_title_authors_year_and_url() -> None:
    entry = exports.render_entry(
        "2502.02737", "SmolLM2: 100% & $\\alpha$_x", ["Haojun Zhao", "Andrés Marafioti"], truncated=True
    )
    assert entry == (
        "@misc{zhao2025smollm2,\n"
        "  title         = {{SmolLM2: 100\\% \\& α\\_x}},\n"
        "  author        = {Haojun Zhao and Andrés Marafioti and others},\n"
        "  year          = {2025},\n"
        "  eprint        = {2502.02737},\n"
        "  archivePrefix = {arXiv},\n"
        "  url           = {https://arxiv.org/abs/2502.02737},\n"
        "}\n"
    )


@pytest.mark.parametrize(("arxiv_id", "year"), [("0704.0001", "2007"), ("math/9910001", "1999"), ("x", "")])
def test_the_year_comes_from_the_id(arxiv_id: str, year: str) -> None:
    assert (f"{{{year}}}" in exports.render_entry(arxiv_id, "T", [])) == bool(year)


def test_names_that_bibtex_would_split_are_in_braces() -> None:
    entry = exports.render_entry("2502.02737", "T", ["Lee, Inc.", "Alpha and Beta", "Anderson"])
    assert "author        = {{Lee, Inc.} and {Alpha and Beta} and Anderson}," in entry


@given(st.text(), st.lists(st.text(), max_size=3))
def test_braces_are_balanced_and_special_characters_escaped(title: str, authors: list[str]) -> None:
    entry = exports.render_entry("2502.02737", title, authors)
    depth = 0
    for char in entry:
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"(?<!\\)[$&#%_]", entry)
    assert len(entry.splitlines()) == entry.count("\n")


@pytest.mark.parametrize(
    ("authors", "is_confirmed", "noted"),
    [
        (["A B", "C D"], False, True),
        (["A B", "C D"], True, False),
        (["A B"], False, False),
        ([], False, False),
    ],
)
def test_an_unconfirmed_order_of_authors_is_noted(
    authors: list[str], is_confirmed: bool, noted: bool
) -> None:
    entry = exports.render_entry("2502.02737", "T", authors, is_order_confirmed=is_confirmed)
    assert ("  note          = {Author order unconfirmed},\n" in entry) is noted


def test_the_stored_authors_count_before_those_of_the_digest() -> None:
    paper = models.Entry(1, "2502.02737", "T", "https://e.org", authors=("C D", "A B", "C D"))
    stored = {"authors": ["A B", "C D"], "authors_truncated": False, "author_order_confirmed": True}
    digest = models.Digest(models.DigestFormat.NEWSLETTER, date(2025, 2, 6), (paper,), (), "")
    confirmed, unconfirmed = (
        exports.render_export(
            exports.ExportFormat.BIBTEX, [exports.ExportDigest(digest, "", stored=known)], Templates()
        )
        for known in ({paper.arxiv_id: stored}, {})
    )
    assert "{A B and C D}" in confirmed
    assert "note" not in confirmed
    assert "Author order unconfirmed" in unconfirmed
