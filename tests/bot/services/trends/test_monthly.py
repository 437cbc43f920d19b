"""Curves of topics and what rises, on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.search import glossary_service
from bot.services.trends import monthly, rising
from bot.text.glossary.resolution import resolver
from storage import models, papers
from storage import trends as stored
from storage.database import Database
from storage.search import index
from tests.support import digest_builders, sample_archive
from tests.support.sample_archive import NewsletterPaper

NOW = datetime(2025, 3, 20, tzinfo=UTC)


def _paper(number: int, title: str, text: str = "A study.", votes: int = 10) -> NewsletterPaper:
    return NewsletterPaper(f"2501.{number:05}", title, text, votes)


def _service(db: Database, at: datetime = NOW) -> monthly.TrendService:
    return monthly.TrendService(db, lambda: at, glossary_service.GlossaryService(db))


@pytest.fixture
async def curves(db: Database) -> monthly.TrendService:
    """Five papers of three months, three of them on reinforcement learning, each in other words."""
    await sample_archive.add_digest(
        db,
        "2025-01-10",
        _paper(1, "Rewards for Robots", "강화 학습(Reinforcement Learning; RL)으로 걷습니다.", votes=5),
        _paper(2, "Colours of Films", votes=90),
    )
    await sample_archive.add_digest(db, "2025-01-31", _paper(3, "Reinforcement Learning at Home", votes=7))
    await sample_archive.add_digest(
        db, "2025-03-02", _paper(4, "Planning Steps", "강화학습 방법입니다.", votes=3), _paper(5, "Weather")
    )
    return _service(db)


async def _counts(
    curves: monthly.TrendService, query: str, months: int | None = 3
) -> list[tuple[int, int | None]]:
    return [
        (month.paper_count, month.votes) for month in (await curves.get_trend(query, months=months)).months
    ]


@pytest.mark.parametrize("query", ["강화 학습", "강화학습", "reinforcement learning", "RL"])
async def test_every_writing_of_a_topic_gives_the_same_curve(
    curves: monthly.TrendService, query: str
) -> None:
    assert await _counts(curves, query) == [(2, 12), (0, None), (1, 3)]
    assert (await curves.get_trend(query)).added_forms


async def test_without_words_all_papers_are_counted(curves: monthly.TrendService) -> None:
    assert await _counts(curves, "") == [(3, 102), (0, None), (2, 13)]
    assert await _counts(curves, "   ") == await _counts(curves, "")


async def test_a_span_has_all_its_months_and_all_time_begins_with_the_first_digest(
    curves: monthly.TrendService,
) -> None:
    year = await curves.get_trend("robots", months=12)
    assert [month.starts_on for month in year.months][:2] == [date(2024, 4, 1), date(2024, 5, 1)]
    assert len(year.months) == 12
    every = await curves.get_trend("robots", months=None)
    assert [month.starts_on.month for month in every.months] == [1, 2, 3]


async def test_the_last_month_runs_while_it_is_the_clocks_month(
    db: Database, curves: monthly.TrendService
) -> None:
    assert (await curves.get_trend("")).is_last_month_partial
    later = _service(db, NOW + timedelta(days=30))
    assert not (await later.get_trend("")).is_last_month_partial


async def test_what_the_query_itself_says_narrows(curves: monthly.TrendService) -> None:
    assert await _counts(curves, "강화 학습 votes:5") == [(2, 12), (0, None), (0, None)]
    assert await _counts(curves, "강화 학습 since:2025-01-15") == [(1, 7), (0, None), (1, 3)]
    assert await _counts(curves, "author:lovelace") == [(3, 102), (0, None), (2, 13)]
    assert await _counts(curves, "author:nobody") == [(0, None)] * 3
    assert await _counts(curves, "votes:10") == [(1, 90), (0, None), (1, 10)]
    assert await _counts(curves, "강화 학습 author:lovelace") == [(2, 12), (0, None), (1, 3)]


async def test_papers_that_have_only_some_of_the_words_are_not_counted(curves: monthly.TrendService) -> None:
    assert await _counts(curves, "robots weather") == [(0, None)] * 3


async def test_unknown_votes_are_no_zero(db: Database) -> None:
    text = digest_builders.newsletter(date(2025, 1, 2), [("2501.00001", None)])
    await sample_archive.make_ingest(db).add_text(text, location="a.md")
    assert await _counts(_service(db), "work", 1) == [(1, None)]


async def test_an_empty_archive_has_no_month(db: Database) -> None:
    assert await _service(db).get_trend("강화 학습") == monthly.Trend()


async def test_of_many_papers_a_sample_gives_about_the_same(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 600
    for month in (1, 2):
        every = [_paper(month * 1000 + n, f"Robots {month} {n}", votes=4) for n in range(number // month)]
        await sample_archive.add_digest(db, f"2025-0{month}-10", *every)
    exact = await _service(db).get_trend("robots", months=2)
    assert [(month.paper_count, month.votes) for month in exact.months] == [(600, 2400), (300, 1200)]
    assert not exact.is_estimated
    monkeypatch.setattr(monthly, "sample_groups", lambda there: stored.SAMPLE_GROUPS // 3)
    for query in ("robots", ""):
        found = await _service(db).get_trend(query, months=2)
        assert found.is_estimated
        first, second = found.months
        assert 450 < first.paper_count < 750
        assert 200 < second.paper_count < 400
        assert first.votes is not None
        assert abs(first.votes - 4 * first.paper_count) <= 12


@given(st.integers(0, 10**9))
def test_a_sample_is_never_empty_and_never_more_than_asked(number: int) -> None:
    groups = monthly.sample_groups(number)
    assert 1 <= groups <= stored.SAMPLE_GROUPS
    assert number * groups / stored.SAMPLE_GROUPS <= monthly.SAMPLE_SIZE or groups == 1


async def _rise(db: Database) -> None:
    """Bring two digests: in March agents of films are in 4 of 8 titles and diffusion in 3, before that in few."""
    old = [_paper(n, f"Notes on {n}") for n in range(10)]
    before = [*old, _paper(10, "Diffusion Models for Sound")]
    await sample_archive.add_digest(db, "2025-01-20", *before)
    now = [_paper(20 + n, f"Film Critics Number {n}") for n in range(4)]
    now += [_paper(30 + n, f"Better Diffusion Models: Part {n}") for n in range(3)]
    await sample_archive.add_digest(db, "2025-03-02", *now, _paper(40, "Weather"))


async def test_what_rises_is_ordered_by_its_gain_and_named_in_the_readers_language(db: Database) -> None:
    await _rise(db)
    service = rising.RisingTopicService(db, glossary_service.GlossaryService(db))
    english = await service.get_report(models.Locale.EN)
    assert english.until_on == date(2025, 3, 2)
    assert [topic.text for topic in english.topics] == ["Film Critics", "diffusion model"]
    film, diffusion = english.topics
    assert (film.papers, film.share, film.baseline_share, film.translation) == (4, 0.5, 0.0, "")
    assert diffusion.baseline_share == pytest.approx(1 / 11)
    korean = await service.get_report(models.Locale.KO)
    assert [topic.text for topic in korean.topics] == ["Film Critics", "확산 모델"]
    assert korean.topics[1].translation == "diffusion model"


async def test_two_papers_are_chance_and_nothing_before_is_nothing_to_compare_with(db: Database) -> None:
    now = [_paper(n, f"Film Critics Number {n}") for n in range(2)]
    await sample_archive.add_digest(db, "2025-03-02", *now)
    service = rising.RisingTopicService(db, glossary_service.GlossaryService(db))
    assert (await service.get_report(models.Locale.EN)).topics == ()
    await sample_archive.add_digest(
        db, "2025-03-03", *[_paper(9 + n, f"Film Critics Again {n}") for n in range(5)]
    )
    assert (await service.get_report(models.Locale.EN)).topics == ()
    await sample_archive.add_digest(db, "2025-01-03", _paper(50, "Weather"))
    assert [one.text for one in (await service.get_report(models.Locale.EN)).topics] == ["Film Critics"]


async def test_an_empty_archive_has_nothing_that_rises(db: Database) -> None:
    service = rising.RisingTopicService(db, glossary_service.GlossaryService(db))
    assert await service.get_report(models.Locale.EN) == rising.RisingReport()


@pytest.fixture(scope="module")
def glossary() -> resolver.Glossary:
    return glossary_service._load(None)


@pytest.mark.parametrize(
    ("title", "topics"),
    [
        ("Deep Reinforcement Learning for Robots", {"reinforc learn"}),
        ("RL in the Wild", {"reinforc learn"}),
        ("강화 학습 입문", {"reinforc learn"}),
        ("Colour Films: A Survey", {"colour film"}),
        ("", set()),
        (": : ()", set()),
    ],
)
def test_titles_name_concepts_and_phrases(glossary: resolver.Glossary, title: str, topics: set[str]) -> None:
    assert topics <= {key for key, _ in rising.extract_topics(glossary, title)}


@given(st.text(max_size=300))
def test_any_title_is_read(title: str) -> None:
    list(rising.extract_topics(_EMPTY, title))


_EMPTY = resolver.Glossary([])


async def test_counts_come_from_the_index_and_not_from_a_walk_over_all_papers(db: Database) -> None:
    await sample_archive.add_digest(db, "2025-01-10", _paper(1, "Robots"))
    async with db.read() as connection:
        span = index.Filters(date(2025, 1, 1), date(2025, 2, 1))
        assert [one.paper_count for one in await stored.count_matches(connection, "robot", span)] == [1]
        assert [one.paper_count for one in await stored.count_papers(connection, span)] == [1]
        assert await papers.count(connection, since_on=span.since_on, until_on=span.until_on) == 1
