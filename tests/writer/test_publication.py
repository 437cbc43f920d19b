"""Rendered digests parse back exactly, and state each text's basis."""

import itertools
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.archive import parse, summaries
from bot.archive.summaries import Basis
from bot.claims import judging
from bot.features.writer import prompts, publication
from bot.rendering.templates import Templates
from storage import models
from tests.fake_model import papers
from tests.support import written_digests

DAY = date(2026, 11, 19)
FORMATS = tuple(prompts.SECTIONS)
TEMPLATES = Templates(None)
TAMARIN = papers.load()[0]
PAPER = {"arxiv_id": "2611.10001", "title": "A Study", "votes": 12, "authors": ["Ada Lovelace", "Kim Minsu"]}
MARKDOWN = st.sampled_from(
    r"""# |## 2611.10002|- |* |1. |> |```|~~~|---|***|**Vote**: 3|Vote: 7|Authors: X|<!--|-->|![](https://a.example/b.png)
[x](https://arxiv.org/abs/2611.10003)|**|__|`|🔗 |**Summary**:|Summary: |논문 요약: |</p>|<b>|: |What's New|(RL)|[Watch
Video](https://v.example/a.mp4)|[|]|(|)|\|$x_1$|*|_|•|죄송합니다|🔗|2611.10004|https://arxiv.org/abs/2611.10005|제목: 나|=
## Daily Papers (2026-11-20)|Title: A""".replace("\n", "|\n|").split("|")
)
TEXTS = st.lists(
    MARKDOWN | st.text(max_size=12) | st.just("It is 3.5 times faster."), min_size=1, max_size=6
).map(" ".join)


def _claims(form: models.DigestFormat) -> st.SearchStrategy[list[judging.Claim]]:
    sections = st.lists(st.sampled_from([*prompts.SECTIONS[form]]), max_size=5, unique=True)
    keys = sections.map(lambda names: [key for key in prompts.SECTIONS[form] if key in names for _ in "12"])
    return keys.flatmap(
        lambda names: st.tuples(
            *(st.builds(judging.Claim, st.just(name), TEXTS, st.just("x")) for name in names)
        )
    ).map(list)


def _check_round_trip(form: models.DigestFormat, *entries: models.Entry) -> str:
    """Render entries and return the text, after checking that it parses back and renders identically."""
    text = publication.render_digest(DAY, form, entries, TEMPLATES)
    [digest] = parse.parse_text(text)
    assert (digest.format, digest.problems) == (form, ())
    parsed, expected = ([replace(entry, title="") for entry in row] for row in (digest.entries, entries))
    assert parsed == expected
    assert publication.render_digest(DAY, form, digest.entries, TEMPLATES) == text
    return text


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=30)
@given(st.data())
def test_rendered_summaries_and_extracts_parse_to_the_same_entries(
    form: models.DigestFormat, data: st.DataObject
) -> None:
    language = data.draw(st.sampled_from(models.Locale))
    entries = []
    for number in range(1, data.draw(st.integers(1, 3)) + 1):
        basis = data.draw(st.sampled_from([Basis.PAPER, Basis.ABSTRACT, Basis.EXTRACT, Basis.HUGGINGFACE]))
        if basis in (Basis.PAPER, Basis.ABSTRACT):
            claims, dropped = data.draw(_claims(form)), data.draw(st.integers(0, 2))
            sections = publication.build_sections(form, language, claims, basis, dropped)
        else:
            sections = publication.build_extract(form, language, data.draw(TEXTS), basis)
        named = {"arxiv_id": f"2611.1000{number}", "title": data.draw(TEXTS), "votes": number % 3 or None}
        entries.append(publication.build_entry(number, PAPER | named, sections))
    _check_round_trip(form, *entries)


def _build(
    form: models.DigestFormat, language: models.Locale, basis: Basis, claims_dropped: int = 0
) -> models.Entry:
    sections = written_digests.build_sections(TAMARIN, form, language, basis, claims_dropped)
    return publication.build_entry(1, PAPER, sections)


LABELS = {models.Locale.KO: ("초록", "발췌"), models.Locale.EN: ("abstract", "extract")}
BASES = {
    Basis.PAPER: (False, False),
    Basis.ABSTRACT: (True, False),
    Basis.EXTRACT: (True, True),
    Basis.HUGGINGFACE: (True, True),
}
"""Whether the label of each basis names the abstract, and an extract."""


def test_a_label_states_what_a_summary_is_based_on() -> None:
    for form, language, basis in itertools.product(FORMATS, models.Locale, BASES):
        entry = _build(form, language, basis)
        text = _check_round_trip(form, entry)
        assert tuple(label in text for label in LABELS[language]) == BASES[basis], (form, language, basis)
        if basis is not Basis.PAPER:
            assert summaries.find_labelled_basis(entry.sections) is basis
        assert LABELS[language][0] not in "".join(part.body for part in summaries.shown_sections(entry))


def test_an_entry_says_how_many_claims_it_lacks() -> None:
    for form, language, count in itertools.product(FORMATS, models.Locale, (1, 3)):
        text = _check_round_trip(form, _build(form, language, Basis.PAPER, count))
        assert summaries.label_dropped(language, count) in text, (form, language)


def test_title_that_would_parse_as_markup_loses_its_punctuation() -> None:
    sections = _build(FORMATS[0], models.Locale.EN, Basis.PAPER).sections
    entry = publication.build_entry(1, {**PAPER, "title": "Attention [is all (you"}, sections)
    [digest] = parse.parse_text(publication.render_digest(DAY, FORMATS[0], [entry], TEMPLATES))
    assert "you" in (digest.entries[0].title or "")


def test_texts_lose_what_a_digest_reads_as_a_field() -> None:
    rows = [
        ("Vote: 3 models", "3 models"),
        ("제목: 나무", "나무"),
        ("Title: A tree", "A tree"),
        ("![](https://a.example/b.png)", ""),
        ("See https://a.example/b for more.", "See https://a.example/b for more."),
        ("The authors: how they worked", "The authors: how they worked"),
    ]
    assert [(typed, judging.clean_text(typed)) for typed, _ in rows] == rows
