"""Trends by month, week and day, and rising topics."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.clock import system_clock
from bot.features.trends.rising import RisingTopicService, extract_topics
from bot.features.trends.service import Interval, Trend, TrendService
from bot.features.trends.trend_texts import list_notes
from bot.i18n import texts as i18n_texts
from bot.search import glossary_service, term_resolver
from bot.search.service import SearchService
from bot.text import seed
from storage import models
from storage.database import Database
from tests.support import digest_builders, sample_archive
from tests.support.sample_archive import NewsletterPaper

both_engines = pytest.mark.engines("sqlite", "postgresql")

NOW = datetime(2025, 3, 20, tzinfo=UTC)


def _paper(number: int, title: str, text: str = "A study.", votes: int = 10) -> NewsletterPaper:
    return NewsletterPaper(f"2501.{number:05}", title, text, votes)


def _service(db: Database, at: datetime = NOW) -> TrendService:
    return TrendService(db, lambda: at, SearchService(db), _rising(db))


@pytest.fixture
async def trends(db: Database) -> TrendService:
    """The trends of five papers in three months. Three papers are about reinforcement learning, in different words."""
    await sample_archive.add_digest(
        db,
        "2025-01-10",
        _paper(1, "Rewards for Robots", "강화 학습(Reinforcement Learning; RL)으로 걷습니다.", votes=5),
        _paper(2, "Colours of Films", votes=90),
    )
    await sample_archive.add_digest(db, "2025-01-31", _paper(3, "Reinforcement Learning at Home", votes=7))
    await sample_archive.add_digest(
        db,
        "2025-03-02",
        _paper(4, "Planning Steps", "강화학습 방법입니다. 강화 학습은 느립니다.", votes=3),
        _paper(5, "Weather", "날씨를 봅니다. 강화 학습과는 다릅니다."),  # only mentioned
    )
    # A paper in no digest is not counted.
    unlisted = models.PaperFacts("2501.00009", "arxiv", "u", NOW, title="Reinforcement Learning", votes=50)
    await digest_builders.add_facts(db, unlisted)
    return _service(db)


async def _counts(trends: TrendService, query: str, months: int = 3) -> list[tuple[int, int | None]]:
    return [
        (month.paper_count, month.votes) for month in (await trends.get_trend(query, months=months)).months
    ]


@both_engines
async def test_all_forms_of_a_topic_have_the_same_trend(trends: TrendService) -> None:
    for query in ["강화 학습", "강화학습", "reinforcement learning", "RL"]:
        assert await _counts(trends, query) == [(2, 12), (0, None), (1, 3)]
        assert (await trends.get_trend(query)).read.added_forms


@both_engines
async def test_papers_for_look_up_alone_count_only_where_nothing_else_is(db: Database) -> None:
    """What a category of arXiv announced is in no digest or list, and so not in `/top` of its day."""
    announced = [
        {"arxiv_id": f"2501.1000{number}", "title": f"Moss in Winter {number}"} for number in range(8)
    ]
    text = json.dumps({"format": "look-up", "date": "2025-03-01", "papers": announced})
    await sample_archive.make_ingest(db).add_text(text, location="a.json")
    assert await _counts(_service(db), "", months=1) == [(8, None)]
    await sample_archive.add_digest(db, "2025-03-02", _paper(5, "Weather"))
    assert await _counts(_service(db), "", months=1) == [(1, 10)]


async def test_a_trend_begins_no_earlier_than_the_archive(trends: TrendService) -> None:
    for span, months in ((2, [2, 3]), (12, [1, 2, 3]), (60, [1, 2, 3])):
        trend = await trends.get_trend("robots", months=span)
        assert [month.starts_on for month in trend.months] == [date(2025, month, 1) for month in months]


async def test_only_the_current_month_is_partial(db: Database, trends: TrendService) -> None:
    assert (await trends.get_trend("")).is_last_month_partial
    later = _service(db, NOW + timedelta(days=30))
    assert not (await later.get_trend("")).is_last_month_partial


async def test_a_young_archive_has_a_column_per_week(trends: TrendService) -> None:
    for query in ("강화 학습", "강화 학습 author:lovelace"):
        weeks = await trends.get_trend(query, by_age=True)
        counted = [(week.starts_on, week.paper_count, week.votes) for week in weeks.months]
        assert [on for on, _, _ in counted] == [date(2025, 1, 6) + timedelta(weeks=n) for n in range(8)]
        known = [(on.day, papers, votes) for on, papers, votes in counted if papers]
        assert known == [(6, 1, 5), (27, 1, 7), (24, 1, 3)]
        assert (weeks.step, weeks.is_last_month_partial) == (Interval.WEEK, False)


@both_engines
async def test_a_trend_has_the_months_of_its_filters_and_of_a_named_period(trends: TrendService) -> None:
    """Outside the period no month is said to have no papers."""
    nothing = (0, None)
    for query, counts in {
        "강화 학습 votes:5": [(2, 12), nothing, nothing],
        "강화 학습 since:2025-01-15": [(1, 7), nothing, (1, 3)],
        "author:lovelace": [(3, 102), nothing, (2, 13)],
        "author:nobody": [nothing] * 3,
        "강화 학습 2025년 1월": [(2, 12)],
        "reinforcement learning January 2025": [(2, 12)],
        "강화 학습 since:2025-01 until:2025-01": [(2, 12)],
        "강화 학습 before march 2025": [(2, 12), nothing],
        "강화 학습 2월부터": [nothing, (1, 3)],
        "이번 달 강화 학습": [(1, 3)],
        "last month": [nothing],
        "January 2025": [(3, 102)],
        "강화 학습 since:2030": [],
        "votes:10": [(1, 90), nothing, (1, 10)],
        "강화 학습 author:lovelace": [(2, 12), nothing, (1, 3)],
    }.items():
        assert await _counts(trends, query) == counts, query


async def test_a_paper_counts_in_each_month_that_lists_it_as_in_a_list_of_the_month(db: Database) -> None:
    for on in ("2025-01-30", "2025-01-31", "2025-03-02"):
        await sample_archive.add_digest(db, on, _paper(1, "Reinforcement Learning", votes=5))
    for query in ("reinforcement learning", ""):
        assert await _counts(_service(db), query) == [(1, 5), (0, None), (1, 5)]
        trend = await _service(db).get_trend(query)
        assert trend.total == 1
        # The columns have more than the heading, which is said.
        texts = i18n_texts.for_locale(models.Locale.EN)
        again = texts("trend-again", step="month")
        assert list_notes(texts, trend)[-1] == again
        assert again not in list_notes(texts, replace(trend, total=2))


async def test_an_empty_archive_has_no_months_and_no_rising_topics(db: Database) -> None:
    assert await _service(db).get_trend("강화 학습") == Trend()
    assert await _rising(db).list_topics(models.Locale.EN) == ()


def _rising(db: Database) -> RisingTopicService:
    return RisingTopicService(db, glossary_service.GlossaryService(db), system_clock)


async def _add_rising_titles(db: Database) -> None:
    """Add digests for January and March. Of March's 8 titles, 4 mention film critics and 3 diffusion."""
    others = [_paper(60 + n, f"Notes on {n}") for n in range(10)]
    before = [*others, _paper(10, "Diffusion Models for Sound")]
    await sample_archive.add_digest(db, "2025-01-20", *before)
    recent = [_paper(20 + n, f"Film Critics Number {n}") for n in range(4)]
    recent += [_paper(30 + n, f"Better Diffusion Models: Part {n}") for n in range(3)]
    await sample_archive.add_digest(db, "2025-03-02", *recent, _paper(40, "Weather"))


async def test_rising_topics_are_ranked_by_gain_in_the_readers_language(db: Database) -> None:
    await _add_rising_titles(db)
    service = _rising(db)
    english = await service.list_topics(models.Locale.EN)
    assert [topic.text for topic in english] == ["Film Critics", "diffusion model"]
    film, diffusion = english
    assert (film.papers, film.share, film.baseline_share, film.translation) == (4, 0.5, 0.0, "")
    assert diffusion.baseline_share == pytest.approx(1 / 11)
    korean = await service.list_topics(models.Locale.KO)
    assert [topic.text for topic in korean] == ["Film Critics", "확산 모델"]
    assert korean[1].translation == "diffusion model"


async def test_rising_topics_need_three_papers_and_a_baseline(db: Database) -> None:
    service = _rising(db)

    async def add(on: str, first: int, count: int) -> list[str]:
        added = [
            _paper(first + n, f"Film Critics Number {n}" if count > 1 else "Weather") for n in range(count)
        ]
        await sample_archive.add_digest(db, on, *added)
        return [topic.text for topic in await service.list_topics(models.Locale.EN)]

    assert await add("2025-03-02", 1, 2) == []
    assert await add("2025-03-03", 9, 5) == []
    assert await add("2025-01-03", 50, 1) == ["Film Critics"]


@pytest.mark.parametrize(
    ("before", "now", "is_rising"),
    [(4, 4, False), (4, 3, False), (8, 9, False), (8, 10, True), (8, 11, True), (0, 3, True)],
)
async def test_a_topic_rises_if_its_share_of_the_titles_grows_by_a_quarter(
    db: Database, before: int, now: int, is_rising: bool
) -> None:
    """Of 20 titles each month. Large topics vary more by chance."""
    for first, on, count in ((1, "2025-01-20", before), (101, "2025-03-02", now)):
        papers = [
            _paper(first + n, f"Film Critics Number {n}" if n < count else f"{first}th Notes {n}")
            for n in range(20)
        ]
        await sample_archive.add_digest(db, on, *papers)
    rising = await _rising(db).list_topics(models.Locale.EN)
    assert ("Film Critics" in [topic.text for topic in rising]) is is_rising


@pytest.fixture(scope="module")
def glossary() -> term_resolver.Glossary:
    return term_resolver.Glossary(seed.load_terms())


@pytest.mark.parametrize(
    ("title", "topics"),
    [
        ("Deep Reinforcement Learning for Robots", {"reinforc learn"}),
        ("RL in the Wild", {"reinforc learn"}),
        ("강화 학습 입문", {"reinforc learn"}),
        ("A Vision-Language-Action Flow for VLA Arms", {"vision languag action model"}),
        ("Inverse Reinforcement Learning for Diffusion Models", {"reinforc learn", "diffus model", "diffus"}),
        ("LoRA-Fine-Tuning-Aware Quantization", {"finetun", "low rank adapt", "quantiz"}),
        ("Colour Films: A Survey", {"colour film"}),
        ("", set()),
        (": : ()", set()),
    ],
)
def test_the_topics_in_a_title_are_its_concepts_and_phrases(
    glossary: term_resolver.Glossary, title: str, topics: set[str]
) -> None:
    assert topics <= {key for key, _ in extract_topics(glossary, title)}


@pytest.mark.parametrize(
    "title", ["Qwen3 Technical Report", "Gemma: Technical Reports", "o3 System Card", "큐원 기술 보고서"]
)
def test_words_such_as_technical_report_are_not_topics(glossary: term_resolver.Glossary, title: str) -> None:
    assert [spelling for _, spelling in extract_topics(glossary, title) if spelling] == []
