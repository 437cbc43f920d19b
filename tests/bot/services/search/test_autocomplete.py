"""What is offered while somebody types: of the archive's own words, in the reader's language, from the first keystroke."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from bot.services.search import autocomplete, glossary_service, service
from bot.services.search.results import SearchRequest
from bot.services.search.service import SearchService
from bot.text.analysis import korean
from bot.text.glossary.extraction import alignment, title_phrases
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import resolver
from storage import models
from storage.database import Database
from storage.search import glossary as search_glossary
from tests.support import growth, sample_archive
from tests.support.sample_archive import NOW, NewsletterPaper

EN, KO = models.Locale.EN, models.Locale.KO
LONG_TITLE = "Walking Lanterns " + "that keep walking " * 8
PAPERS = (
    NewsletterPaper(
        "2501.00001",
        "Walking Lanterns in the Snow",
        "강화 학습(Reinforcement Learning; RL)으로 걷습니다.",
        40,
    ),
    NewsletterPaper("2501.00002", LONG_TITLE, "강화 학습(Reinforcement Learning; RL)을 씁니다.", 7),
    NewsletterPaper(
        "2501.00003", "On walking lanterns", "지도를 그립니다.", 3, ("Ada Lovelace", "Jürgen Müller")
    ),
    NewsletterPaper("2501.00004", "느린 등불 지도를 위한 보행", "지도를 그립니다."),
    NewsletterPaper("2501.00005", "느린 등불 지도", "지도를 그립니다."),
    NewsletterPaper("2501.00006", r"$\pi_0$: Plans", "지도를 그립니다.", 2),
)


@pytest.fixture
async def lookup(db: Database) -> SearchService:
    """Five papers, and the glossary made of them."""
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    await glossary_service.GlossaryService(db, lambda: NOW).rebuild()
    return SearchService(db)


async def test_frequent_phrases_of_titles_are_offered_and_find_their_papers(lookup: SearchService) -> None:
    (offered,) = await lookup.complete_topic("walking lan", EN)
    assert (offered.name, offered.value) == ("Walking Lanterns", "Walking Lanterns")
    assert (await lookup.search(SearchRequest(offered.value))).total == 3
    assert [one.value for one in await lookup.complete_topic("느린 드", KO)] == ["느린 등불 지도"]


@pytest.mark.parametrize("typed", ["w", "wal", "WALKING-LANTERNS", "walking l", "lanterns"])
async def test_a_phrase_is_offered_at_any_keystroke_and_from_its_later_words(
    lookup: SearchService, typed: str
) -> None:
    assert "Walking Lanterns" in [one.value for one in await lookup.complete_topic(typed, EN)]


async def test_every_keystroke_on_a_korean_keyboard_keeps_what_is_being_typed(lookup: SearchService) -> None:
    for typed in (
        "ㄱ",
        "가",
        "강",
        "강ㅎ",
        "강호",
        "강화",
        "강화 ㅎ",
        "강화 하",
        "강화 학",
        "강화학스",
        "강화 학습",
    ):
        offered = [one.value for one in await lookup.complete_topic(typed, KO)]
        assert "강화 학습" in offered, typed
    assert (await lookup.complete_topic("강화 학습", KO))[0].value == "강화 학습"


async def test_a_topic_says_its_other_names(lookup: SearchService) -> None:
    for typed, locale, name in (
        ("강화 학", KO, "강화 학습 · reinforcement learning (RL)"),
        ("reinf", EN, "reinforcement learning (RL) · 강화 학습"),
        ("rl", EN, "RL · reinforcement learning"),
        ("rl", KO, "RL · 강화 학습"),
    ):
        assert (await lookup.complete_topic(typed, locale))[0].name == name


async def test_before_a_word_is_typed_the_readers_language_is_offered(lookup: SearchService) -> None:
    assert (await lookup.complete_topic("", KO))[0].value == "강화 학습"
    english = [one.value for one in await lookup.complete_topic("", EN)]
    assert english[0] == "Walking Lanterns", "three papers' titles say more than two papers' glosses"
    assert english[1] == "reinforcement learning"
    assert not any(map(korean.is_hangul, english))


async def test_a_topic_is_offered_once_under_one_value(lookup: SearchService) -> None:
    for typed in ("", "r", "l", "ㅁ", "모델", "learning"):
        offered = await lookup.complete_topic(typed, KO)
        assert len(offered) <= autocomplete.MAX_CHOICES
        assert len({one.value for one in offered}) == len(offered)
        assert all(len(one.value) <= autocomplete.MAX_VALUE_LENGTH for one in offered)


async def test_what_was_learnt_since_is_offered(
    db: Database, lookup: SearchService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "TOPICS_CACHE_SECONDS", -1)
    assert await lookup.complete_topic("harbour", EN) == []
    lights = [
        NewsletterPaper(f"2501.0002{number}", f"Harbour Lights {number}", "등불입니다.")
        for number in range(3)
    ]
    await sample_archive.add_digest(db, "2025-01-03", *lights)
    await glossary_service.GlossaryService(db, lambda: NOW + timedelta(hours=1)).rebuild()
    typed = await asyncio.gather(*(lookup.complete_topic("harbour", EN) for _ in range(4)))
    assert "Harbour Lights" in [one.value for one in typed[0]]
    assert "Harbour Lights" in [one.value for one in await lookup.complete_topic("harbour", EN)]


async def test_authors_come_with_the_number_of_their_papers(lookup: SearchService) -> None:
    (offered,) = await lookup.complete_author("lovel")
    assert (offered.value, offered.papers) == ("Ada Lovelace", 6)


def test_a_short_form_that_no_paper_explains_does_not_hide_what_it_begins() -> None:
    extraction = (concepts.SurfaceForm("relation extraction", "en", 0), concepts.SurfaceForm("RE", "abbr", 0))
    reward = (concepts.SurfaceForm("reward", "en", 2), concepts.SurfaceForm("RW", "abbr", 2))
    found = [concepts.Concept("relat extract", extraction), concepts.Concept("reward", reward)]
    topics = autocomplete.TopicIndex(resolver.Glossary(found))
    for locale in (EN, KO):
        assert [one.value for one in topics.complete("re", locale)] == ["reward", "relation extraction"]
        assert topics.complete("rw", locale)[0].value == "RW"


def test_typed_syllables_come_before_what_they_are_only_on_the_way_to() -> None:
    found = [
        concepts.Concept("gaussian", (concepts.SurfaceForm("가우시안", "ko", 9),)),
        concepts.Concept("reinforc", (concepts.SurfaceForm("강화", "ko", 2),)),
    ]
    topics = autocomplete.TopicIndex(resolver.Glossary(found))
    for typed, values in (("가", ["가우시안", "강화"]), ("강", ["강화", "가우시안"]), ("강호", ["강화"])):
        assert [one.value for one in topics.complete(typed, KO)] == values


async def test_before_a_name_is_begun_those_with_most_papers_are_offered(lookup: SearchService) -> None:
    for typed in ("", " ", "-"):
        assert [one.value for one in await lookup.complete_author(typed)] == ["Ada Lovelace", "Jürgen Müller"]


async def test_of_people_with_equally_many_papers_those_whose_name_begins_so_come_first(db: Database) -> None:
    people = ("Jie Lou", "Ana Lou", "Louis Braille", "Bo Lin")
    await sample_archive.add_digest(
        db, "2025-01-02", NewsletterPaper("2501.00001", "One", "하나입니다.", authors=people)
    )
    assert [one.value for one in await SearchService(db).complete_author("lou")] == [
        "Louis Braille",
        "Ana Lou",
        "Jie Lou",
    ]


def test_what_one_paper_alone_calls_so_in_korean_is_not_offered() -> None:
    forms = (
        concepts.SurfaceForm("lantern", "en", 3),
        concepts.SurfaceForm("등롱", "ko", 1),
        concepts.SurfaceForm("등불", "ko", 0, seeded=True),
        concepts.SurfaceForm("초롱", "ko", 2),
    )
    topics = autocomplete.TopicIndex(resolver.Glossary([concepts.Concept("lantern", forms)]))
    assert topics.complete("등", KO)[0].name == "등불 · lantern"
    assert topics.complete("등롱", KO) == []
    assert [one.value for one in topics.complete("초", KO)] == ["초롱"]


@pytest.mark.parametrize(
    "typed",
    ["2501.00004v2", "https://arxiv.org/abs/2501.00004", "느린 등불 지도를 위한", "느린 등붌"],
)
async def test_a_paper_is_offered_by_its_address_and_while_korean_is_typed(
    lookup: SearchService, typed: str
) -> None:
    offered = await lookup.complete_paper(typed)
    assert "2501.00004" in [one.value for one in offered]
    assert all(one.votes == 10 for one in offered)


async def test_a_title_is_offered_without_its_latex(lookup: SearchService) -> None:
    assert [one.name for one in await lookup.complete_paper("2501.00006")] == ["π_0: Plans"]


async def test_a_lone_korean_letter_offers_papers_too(lookup: SearchService) -> None:
    assert len(await lookup.complete_paper("ㄱ")) == len(PAPERS)


async def test_a_glossary_of_an_older_version_is_made_anew_and_not_read_wrongly(db: Database) -> None:
    words = glossary_service.GlossaryService(db, lambda: NOW)
    assert not await words.is_stale(), "nothing to learn from"
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    assert await words.is_stale()
    await words.rebuild()
    assert not await words.is_stale()
    async with db.transaction() as connection:
        older = '{"version":1,"concepts":[],"readings":{},"words":{}}'
        await search_glossary.save(connection, search_glossary.StoredGlossary(NOW, len(PAPERS), older))
    assert await words.is_stale()
    offered = await SearchService(db).complete_topic("reinforcement l", EN)
    assert offered[0].value == "reinforcement learning", "the starting list stands in"


def test_a_keystroke_among_tens_of_thousands_of_forms_costs_little_more_than_among_hundreds() -> None:
    few = autocomplete.TopicIndex(_glossary_of(400))
    many = autocomplete.TopicIndex(_glossary_of(20_000))
    typed = [
        text[:end] for text in ("강화 학습", "model ab", "ba", "추론", "c") for end in range(len(text) + 1)
    ]

    def type_keys(topics: autocomplete.TopicIndex) -> None:
        for text in typed * 5:
            topics.complete(text, KO)

    # A search through all forms would cost fifty times as much.
    growth.assert_growth(lambda: type_keys(few), lambda: type_keys(many), limit=12)


def _glossary_of(size: int) -> resolver.Glossary:
    chance = random.Random(1)
    syllables = "강화학습추론모델지도확산"

    def concept(number: int) -> concepts.Concept:
        english = " ".join("".join(chance.choices("abcdelmo", k=5)) for _ in range(3))
        name = "".join(chance.choices(syllables, k=5))
        forms = (
            concepts.SurfaceForm(f"model {english}", "en", number % 50),
            concepts.SurfaceForm(name, "ko", 1),
        )
        return concepts.Concept(f"{number}", forms)

    said = tuple(
        title_phrases.Phrase(f"phrase {number}", "en", 3)
        for number in range(min(size, title_phrases.MAX_PHRASES))
    )
    found = [concept(number) for number in range(size)]
    return resolver.Glossary(
        found, {}, alignment.AssociationTable({}, {}), title_phrases.TitleStatistics(said, {})
    )
