"""What the writer prints is parsed back exactly, without a problem, and is printed again to the same bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.archive import parse, summaries
from bot.archive.summaries import Basis
from bot.rendering.templates import Templates
from bot.writer import prompts, publication
from storage import models
from tests.fake_model import papers, writing

DAY = date(2026, 11, 19)
FORMATS = tuple(prompts.SECTIONS)
TEMPLATES = Templates()
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


def _claims(form: models.DigestFormat) -> st.SearchStrategy[list[prompts.Claim]]:
    sections = st.lists(st.sampled_from([*prompts.SECTIONS[form]]), max_size=5, unique=True)
    keys = sections.map(lambda names: [key for key in prompts.SECTIONS[form] if key in names for _ in "12"])
    return keys.flatmap(
        lambda names: st.tuples(
            *(st.builds(prompts.Claim, st.just(name), TEXTS, st.just("x")) for name in names)
        )
    ).map(list)


def _check_round_trip(form: models.DigestFormat, entries: list[models.Entry]) -> str:
    text = publication.render_digest(DAY, form, entries, TEMPLATES)
    [digest] = parse.parse_text(text)
    assert digest.problems == ()
    assert digest.format is form
    assert [replace(entry, title="") for entry in digest.entries] == [
        replace(entry, title="") for entry in entries
    ]
    assert publication.render_digest(DAY, form, digest.entries, TEMPLATES) == text
    return text


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=30)
@given(st.data())
def test_summaries_are_parsed_back_exactly(form: models.DigestFormat, data: st.DataObject) -> None:
    language = data.draw(st.sampled_from(models.Locale))
    entries = []
    for rank, number in enumerate(range(data.draw(st.integers(1, 3))), 1):
        claims = data.draw(_claims(form))
        basis = data.draw(st.sampled_from([Basis.PAPER, Basis.ABSTRACT]))
        dropped = data.draw(st.integers(0, 2))
        sections = publication.build_sections(form, language, claims, basis, dropped)
        paper = {
            **PAPER,
            "arxiv_id": f"2611.1000{number}",
            "title": data.draw(TEXTS),
            "votes": number or None,
        }
        entries.append(publication.build_entry(rank, paper, sections))
    _check_round_trip(form, entries)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("language", [*models.Locale])
@settings(max_examples=30)
@given(TEXTS, st.sampled_from([Basis.EXTRACT, Basis.HUGGINGFACE]))
def test_extracts_are_parsed_back_exactly(
    form: models.DigestFormat, language: models.Locale, text: str, basis: Basis
) -> None:
    sections = publication.build_extract(form, language, text, basis)
    _check_round_trip(form, [publication.build_entry(1, PAPER, sections)])


def _written(
    form: models.DigestFormat, language: models.Locale, basis: Basis, claims_dropped: int = 0
) -> models.Entry:
    schema = prompts.build_schema(form)
    is_korean = language is models.Locale.KO
    answer = writing.write(papers.markdown(TAMARIN), schema, korean=is_korean)
    claims = prompts.read_answer(json.dumps(answer), form)
    sections = publication.build_sections(form, language, claims, basis, claims_dropped)
    return publication.build_entry(1, PAPER, sections)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("language", "abstract", "extract"),
    [(models.Locale.KO, "초록", "발췌"), (models.Locale.EN, "abstract", "extract")],
)
def test_an_entry_says_that_it_rests_on_the_abstract_and_only_then(
    form: models.DigestFormat, language: models.Locale, abstract: str, extract: str
) -> None:
    entries = {basis: _written(form, language, basis) for basis in (Basis.PAPER, Basis.ABSTRACT)}
    for basis in (Basis.EXTRACT, Basis.HUGGINGFACE):
        sections = publication.build_extract(form, language, TAMARIN.summary, basis)
        entries[basis] = publication.build_entry(1, PAPER, sections)
    labels = {
        basis: (abstract in text, extract in text)
        for basis, entry in entries.items()
        for text in [_check_round_trip(form, [entry])]
    }
    assert labels == {
        Basis.PAPER: (False, False),
        Basis.ABSTRACT: (True, False),
        Basis.EXTRACT: (True, True),
        Basis.HUGGINGFACE: (True, True),
    }
    for basis, entry in entries.items():
        if basis is not Basis.PAPER:
            assert summaries.find_labelled_basis(entry.sections) is basis
        assert abstract not in "".join(section.body for section in summaries.shown_sections(entry)) or (
            abstract in TAMARIN.summary
        )


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("language", [*models.Locale])
@pytest.mark.parametrize("count", [1, 3])
def test_an_entry_says_how_many_claims_were_dropped(
    form: models.DigestFormat, language: models.Locale, count: int
) -> None:
    entry = _written(form, language, Basis.PAPER, count)
    assert summaries.label_dropped(language, count) in _check_round_trip(form, [entry])


def test_a_title_that_would_parse_as_markup_loses_its_punctuation() -> None:
    paper = {**PAPER, "title": "Attention [is all (you"}
    entries = [
        publication.build_entry(1, paper, _written(FORMATS[0], models.Locale.EN, Basis.PAPER).sections)
    ]
    [digest] = parse.parse_text(publication.render_digest(DAY, FORMATS[0], entries, TEMPLATES))
    assert "you" in (digest.entries[0].title or "")
