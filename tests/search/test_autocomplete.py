"""Autocomplete of topics, authors and papers."""

from datetime import timedelta

import pytest

from bot.search import completion, glossary_service, term_resolver
from bot.search.service import SearchService
from bot.text import seed
from storage import glossary as stored_glossary
from storage import models
from storage.database import Database
from tests.support.sample_archive import NOW, NewsletterPaper, add_digest, make_paper

EN, KO = models.Locale.EN, models.Locale.KO
LONG_TITLE = "Walking Lanterns " + "that keep walking " * 8
PAPERS = (
    make_paper(1, "Walking Lanterns in the Snow", "강화 학습(Reinforcement Learning; RL)으로 걷습니다.", 40),
    make_paper(2, LONG_TITLE, "강화 학습(Reinforcement Learning; RL)을 씁니다.", 7),
    make_paper(
        3,
        "On walking lanterns",
        "대규모 언어 모델(Large Language Model; LLM)로 그립니다.",
        3,
        ("Ada Lovelace", "Jürgen Müller"),
    ),
    make_paper(4, "느린 등불 지도를 위한 보행", "대규모 언어 모델(LLM)을 씁니다."),
    make_paper(5, "느린 등불 지도", "지도를 그립니다."),
    make_paper(6, r"$\pi_0$: Plans", "지도를 그립니다.", 2),
)


@pytest.fixture
async def induced_search(db: Database) -> SearchService:
    """The search service for six papers and the glossary learnt from them."""
    await add_digest(db, "2025-01-02", *PAPERS)
    await glossary_service.GlossaryService(db, lambda: NOW).rebuild()
    return SearchService(db)


async def test_a_korean_topic_is_offered_at_every_keystroke(induced_search: SearchService) -> None:
    typed_in_order = "ㄱ|가|강|강ㅎ|강호|강화|강화 ㅎ|강화 하|강화 학|강화학스|강화 학습"
    for typed in typed_in_order.split("|"):
        offered = [choice.value for choice in await induced_search.complete_topic(typed, KO)]
        assert "강화 학습" in offered, typed
    assert (await induced_search.complete_topic("강화 학습", KO))[0].value == "강화 학습"


async def test_a_topics_label_includes_its_other_names(induced_search: SearchService) -> None:
    for typed, locale, name in (
        ("대규모 언", KO, "대규모 언어 모델 · large language model (LLM)"),
        ("large lang", EN, "large language model (LLM) · 대규모 언어 모델"),
        ("llm", EN, "LLM · large language model"),
        ("llm", KO, "LLM · 대규모 언어 모델"),
        ("강화 학", KO, "강화 학습 · reinforcement learning"),
        ("rl", EN, "RL · reinforcement learning"),
        ("rl", KO, "RL · 강화 학습"),
    ):
        assert (await induced_search.complete_topic(typed, locale))[0].name.startswith(name), typed


async def test_each_topic_is_offered_once(induced_search: SearchService) -> None:
    for typed in ("", "r", "l", "ㅁ", "모델", "learning"):
        offered = await induced_search.complete_topic(typed, KO)
        assert len(offered) <= completion.MAX_CHOICES
        assert len({choice.value for choice in offered}) == len(offered)
        assert all(len(choice.value) <= completion.MAX_VALUE_LENGTH for choice in offered)


async def test_autocomplete_follows_a_new_glossary(db: Database, induced_search: SearchService) -> None:
    assert await induced_search.complete_topic("harbour", EN) == []
    lights = [
        NewsletterPaper(f"2501.0002{number}", f"Lights {number}", "항구 등불(Harbour Lights; HBL)입니다.")
        for number in range(3)
    ]
    await add_digest(db, "2025-01-03", *lights)
    await glossary_service.GlossaryService(db, lambda: NOW + timedelta(hours=1)).rebuild()
    assert "Harbour Lights" in [choice.value for choice in await induced_search.complete_topic("harbour", EN)]


def test_an_abbreviation_without_papers_ranks_below_longer_topics() -> None:
    terms = [seed.SeedTerm((), ("relation extraction",), ("RE",))]
    learnt = term_resolver.LearntTerms([term_resolver.LearntForm("reward", "RWD", 2)])
    topics = completion.TopicIndex(term_resolver.Glossary(terms, learnt))
    for locale in (EN, KO):
        assert [choice.value for choice in topics.complete("re", locale)] == ["reward", "relation extraction"]
        assert topics.complete("rwd", locale)[0].value == "RWD"


def test_matches_by_syllable_rank_before_matches_by_keystroke() -> None:
    rows = [
        term_resolver.LearntForm("Gaussian", "가우시안", 9),
        term_resolver.LearntForm("reinforce", "강화", 2),
    ]
    topics = completion.TopicIndex(term_resolver.Glossary((), term_resolver.LearntTerms(rows)))
    for typed, values in (("가", ["가우시안", "강화"]), ("강", ["강화", "가우시안"]), ("강호", ["강화"])):
        assert [choice.value for choice in topics.complete(typed, KO)] == values


@pytest.mark.engines("sqlite", "postgresql")
async def test_an_empty_author_field_offers_the_most_published_authors(induced_search: SearchService) -> None:
    for typed in ("", " ", "-"):
        offered = await induced_search.complete_author(typed)
        assert [(one.value, one.papers) for one in offered] == [("Ada Lovelace", 6), ("Jürgen Müller", 1)]
    for typed in ["mul", "jur", "müll", "muller j", "Jürgen M"]:
        assert [choice.value for choice in await induced_search.complete_author(typed)] == ["Jürgen Müller"]


def test_autocomplete_omits_a_korean_form_that_only_one_paper_defines() -> None:
    terms = [seed.SeedTerm(("등불",), ("lantern",), ())]
    rows = [term_resolver.LearntForm("lantern", "등롱", 1), term_resolver.LearntForm("lantern", "초롱", 2)]
    topics = completion.TopicIndex(term_resolver.Glossary(terms, term_resolver.LearntTerms(rows)))
    assert topics.complete("등", KO)[0].name == "등불 · lantern"
    assert topics.complete("등롱", KO) == []
    assert [choice.value for choice in topics.complete("초", KO)] == ["초롱"]


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_link_or_an_incomplete_korean_title_offers_the_paper(induced_search: SearchService) -> None:
    for typed in ["2501.00004v2", "https://arxiv.org/abs/2501.00004", "느린 등불 지도를 위한", "느린 등붌"]:
        offered = await induced_search.complete_paper(typed)
        assert "2501.00004" in [choice.value for choice in offered]
        assert all(choice.votes == 10 for choice in offered)
    assert [choice.name for choice in await induced_search.complete_paper("2501.00006")] == ["π0: Plans"]
    assert len(await induced_search.complete_paper("ㄱ")) == len(PAPERS)
    assert await induced_search.complete_paper("존재하지않는논문제목") == []


async def test_a_glossary_stored_by_an_older_version_is_ignored(db: Database) -> None:
    glossaries = glossary_service.GlossaryService(db, lambda: NOW)
    assert not await glossaries.is_stale(), "there are no papers"
    await add_digest(db, "2025-01-02", *PAPERS)
    assert await glossaries.is_stale()
    await glossaries.rebuild()
    assert not await glossaries.is_stale()
    async with db.transaction() as connection:
        outdated = '{"version":0,"concepts":[]}'
        await stored_glossary.save(connection, NOW, len(PAPERS), outdated)
    assert await glossaries.is_stale()
    offered = await SearchService(db).complete_topic("reinforcement l", EN)
    assert offered[0].value == "reinforcement learning", "the seed list is used instead"
