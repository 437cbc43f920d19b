"""Matching papers with alerts: the same papers that a search finds, with reasons."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.alerts.service import validate_alert
from bot.client import paper_texts
from bot.search import matcher
from bot.search.results import SearchRequest
from bot.text import seed
from storage import models, papers
from storage.models import AlertKind
from tests.support import alert_builders
from tests.support.world import World

SUMMARIES = (
    "Trains an agent by reinforcement learning.",
    "에이전트를 강화학습으로 학습시킨다.",
    "강화 학습의 보상을 다룬다.",
    "RL without rewards.",
    "A chemistry of learning: 화학 학습.",
    "Of large-language models and their reasoning.",
    "대규모언어모델의 추론을 다룬다.",
    "A survey of diffusion models for video generation.",
    "확산 모델로 비디오를 생성하고 자동화한다.",
    "Nothing of it.",
)


async def prepare(world: World, *summaries: str) -> list[matcher.PreparedPaper]:
    """Store one paper per summary and return the papers prepared for matching."""
    for number, summary in enumerate(summaries, 1):
        await world.written("Mon", f"A{number}▲5", summary=summary, location=str(number))
    async with world.database.read() as connection:
        details = await papers.list_details(connection, range(1, len(summaries) + 1))
    return list(map(matcher.PreparedPaper, details))


async def read(world: World, *drafts: models.Alert) -> list[matcher.AlertQuery]:
    rows = [replace(validate_alert(draft), id=number) for number, draft in enumerate(drafts)]
    return list((await matcher.read_alerts(world.search, rows)).values())


async def list_matching(
    world: World, papers_: Sequence[matcher.PreparedPaper], *texts: str, **fields: Any
) -> list[int]:
    (query,) = await read(world, alert_builders.draft(*texts, **fields))
    return [number for number, paper in enumerate(papers_) if matcher.match(query, paper)]


async def test_translations_abbreviations_and_spacing_variants_match(world: World) -> None:
    prepared = await prepare(world, *SUMMARIES)
    for text in ("강화 학습", "강화학습", "reinforcement learning", "강화학습을"):
        assert await list_matching(world, prepared, text) == [0, 1, 2], text
    # Single words are not translated, as in search.
    assert await list_matching(world, prepared, "화학") == [4]
    assert await list_matching(world, prepared, '"강화 학습"') == [1, 2]
    assert await list_matching(world, prepared, "LLM 추론") == [5, 6]
    assert await list_matching(world, prepared, "diffusion video") == [7, 8]
    assert await list_matching(world, prepared, "동화") == []


async def test_an_alert_matches_any_or_all_terms_but_no_excluded_words(world: World) -> None:
    prepared = await prepare(world, *SUMMARIES)
    assert await list_matching(world, prepared, "agent", "diffusion") == [0, 1, 7, 8]
    both = await list_matching(world, prepared, "agent", "강화 학습", match_all=True)
    assert both == [0, 1]
    without = await list_matching(world, prepared, "강화 학습", excluded=("보상", "에이전트"))
    assert without == []
    # If an excluded word is also a term, only its typed form is excluded.
    without = await list_matching(world, prepared, "강화 학습", excluded=("강화 학습",))
    assert without == [0]


async def test_a_match_reason_has_the_matching_form_and_field(world: World) -> None:
    (paper,) = await prepare(world, SUMMARIES[0])
    (query,) = await read(world, alert_builders.draft("강화 학습", "paper"))
    reasons = matcher.match(query, paper)
    assert [(reason.topic, reason.text, reason.found_in) for reason in reasons] == [
        ("강화 학습", "reinforcement learning", matcher.MatchField.TEXT),
        ("paper", "paper", matcher.MatchField.TITLE),
    ]
    sentence = matcher.find_sentence(paper.detail, reasons[0].forms, models.Locale.EN)
    assert sentence is not None
    assert paper_texts.mark_matches(sentence) == "Trains an agent by **reinforcement learning**."
    words = "trains", "agent", "reinforcement", "learning", "care", "better"
    (many,) = await read(world, alert_builders.draft(*words))
    (none,) = await read(world, alert_builders.draft("care", excluded=("agent",)))
    assert len(matcher.match_all([none, query, many], paper)) == 6


async def test_the_quoted_sentence_is_in_the_readers_language(world: World) -> None:
    (paper,) = await prepare(world, "Nothing.")
    (of,) = paper.detail.appearances
    korean, english = (
        replace(
            of, language=language, entry=replace(of.entry, sections=(models.Section("What's New", text),))
        )
        for language, text in (
            ("ko", "강화 학습(RL)으로 에이전트를 학습시키는 방법을 다룬다."),
            ("en", "This work trains an agent by means of RL."),
        )
    )
    for both in ((korean, english), (english, korean)):
        detail = replace(paper.detail, appearances=both)
        for locale in models.Locale:
            sentence = matcher.find_sentence(detail, ["RL"], locale)
            assert sentence is not None
            assert sentence.language == locale.value


async def test_names_match_in_any_order_spelling_or_script(world: World) -> None:
    (paper,) = await prepare(world, "Nothing.")
    for name in (
        "kim minjun",
        "Min-jun Kim",
        "김민준",
        "lovelace, ada",
        "ADA LOVELACE",
        "Love Lace, Ada",
        "Ада Ловелаће",
    ):
        (query,) = await read(world, alert_builders.draft(name, kind=AlertKind.AUTHOR))
        assert matcher.match(query, paper), name
    (query,) = await read(world, alert_builders.draft("Ada Love", kind=AlertKind.AUTHOR))
    assert not matcher.match(query, paper)


@pytest.mark.parametrize("text", ["강화 학습", "LLM 추론", "diffusion", "video generation", "보상", "agent"])
async def test_an_alert_matches_the_papers_that_a_search_matches_completely(world: World, text: str) -> None:
    prepared = await prepare(world, *SUMMARIES)
    result = await world.search.search(SearchRequest(text, limit=100))
    whole = {row.id for row in result.rows if row.arxiv_id not in result.missing}
    matching = await list_matching(world, prepared, text)
    assert {prepared[number].detail.id for number in matching} == whole


WORDS = sorted({form for term in seed.load_terms()[:300] for form in (*term.korean, *term.english)})


async def test_every_matching_paper_shares_a_key_with_the_query(world: World) -> None:
    """Otherwise, the index would miss the match."""
    (detail,) = [paper.detail for paper in await prepare(world, "Nothing.")]
    (of,) = detail.appearances
    pick, matching = random.Random(5), 0
    for _ in range(60):
        texts = pick.choices(WORDS, k=pick.randint(1, 3))
        words = [*pick.choices(WORDS, k=pick.randint(0, 6)), texts[0].replace(" ", "")]
        entry = replace(of.entry, sections=(models.Section(None, " ".join(words)),))
        paper = matcher.PreparedPaper(replace(detail, appearances=(replace(of, entry=entry),)))
        (query,) = await read(world, alert_builders.draft(*texts, match_all=pick.random() < 0.5))
        if matcher.match(query, paper):
            matching += 1
            assert matcher.list_keys(query) & paper.keys
    assert matching > 20


async def test_the_index_finds_the_same_alerts_as_comparing_each_one(world: World) -> None:
    prepared = await prepare(world, *SUMMARIES)
    index = matcher.AlertIndex(world.database, world.search)
    texts = ["강화 학습", "LLM 추론", "diffusion", "agent", "학습", "nothing of it", '"RL"']
    ids = {await world.alert(text, by=number): text for number, text in enumerate(texts, 1)}
    ids[await world.alert("agent", by=99)] = "agent"
    for removed in (None, next(iter(ids))):
        if removed is not None:
            await world.alerts.remove(removed)
            del ids[removed]
        expected = {
            (alert_id, prepared[number].detail.id)
            for alert_id, text in ids.items()
            for number in await list_matching(world, prepared, text)
        }
        found = {(alert_id, paper.id) for alert_id, paper in await index.find(prepared)}
        assert found == expected
