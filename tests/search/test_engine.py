"""The search engine: sorting by votes, partial matches, and consistent pages."""

import gc
import random
import statistics
import weakref
from datetime import date, timedelta
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.quality import measures, questions
from bot.search import index as search_index
from bot.search.engine import Engine
from bot.search.results import MatchKind, SearchRequest, Sort
from bot.search.service import SearchService
from bot.text import analyser
from storage import models
from storage.database import Database
from storage.models import Filters
from tests.support.sample_archive import NOW, NewsletterPaper, add_digest, make_paper, search_over


def make_studies(count: int, topic: str, start: int = 1) -> list[NewsletterPaper]:
    """Return papers with a topic in the title and votes in random order."""
    return [
        make_paper(number, f"Study {number} of {topic}", f"{topic}.", votes=number * 37 % 101)
        for number in range(start, start + count)
    ]


async def test_of_papers_with_one_score_the_last_added_is_first(db: Database) -> None:
    """As in a day's list; else their order would be that of the index, which a rebuild changes."""
    alike = [make_paper(number, "A Study of Graphs", "그래프입니다.") for number in range(1, 5)]
    service = await search_over(db, *alike)
    found = (await service.search(SearchRequest("graphs"))).rows
    assert [row.key for row in found] == [paper.arxiv_id for paper in reversed(alike)]


async def test_a_match_inside_a_longer_word_ranks_below_a_whole_word(db: Database) -> None:
    whole = make_paper(31, "Exams", "과학 시험을 제안한다.")
    within = make_paper(32, "More Exams", "생명과학 시험을 제안한다. 시험이 쉽다.", votes=900)
    service = await search_over(db, whole, within)
    found = await service.search(SearchRequest("과학 시험"))
    assert [row.key for row in found.rows] == [whole.arxiv_id, within.arxiv_id]


WORDS = ("robots", "graphs", "speech", "로봇", "그래프", "음성", "reinforcement learning", "강화 학습", "RL")
WORD_QUERIES = st.lists(
    st.sampled_from([*WORDS, "-robots", "-그래프", '"speech robots"', "votes:20"]), min_size=1, max_size=4
)


def make_papers() -> list[NewsletterPaper]:
    """Return papers that each contain a few of the words."""
    chance = random.Random(4)
    return [
        make_paper(
            number + 1,
            f"Study {number} of {chance.choice(WORDS)}",
            f"{', '.join(chance.sample(WORDS, 2))}.",
            votes=chance.randrange(50),
        )
        for number in range(60)
    ]


@pytest.fixture
async def archive_search(db: Database) -> SearchService:
    return await search_over(db, *make_papers())


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    words=WORD_QUERIES,
    request=st.sampled_from(["", "논문 찾아줘", "please"]),
    size=st.sampled_from([3, 7, 25]),
    sort=st.sampled_from(Sort),
)
async def test_pages_show_every_paper_once(
    archive_search: SearchService, words: list[str], request: str, size: int, sort: Sort
) -> None:
    query = " ".join([*words, request])
    whole = await archive_search.search(SearchRequest(query, limit=1000, sort=sort))
    pages = [
        await archive_search.search(SearchRequest(query, limit=size, offset=offset, sort=sort))
        for offset in range(0, max(1, whole.total), size)
    ]
    assert [row.key for page in pages for row in page.rows] == [row.key for row in whole.rows]
    counts = (len(whole.rows), whole.on_topic, whole.all_terms)
    assert {(page.total, page.on_topic, page.all_terms) for page in pages} == {counts}
    kinds = [whole.kinds[row.key] for row in whole.rows]
    assert kinds == sorted(kinds, key=[*MatchKind].index)
    assert (kinds.count(MatchKind.ON_TOPIC), kinds.count(MatchKind.ALL_TERMS)) == counts[1:]
    assert dict(chain.from_iterable(page.kinds.items() for page in pages)) == whole.kinds
    assert {id_ for id_, kind in whole.kinds.items() if kind is MatchKind.SOME_TERMS} == whole.missing.keys()


async def test_the_partial_match_with_the_rarer_term_comes_first(db: Database) -> None:
    lanterns = NewsletterPaper("2502.00001", "Lanterns", "lanterns in the snow", votes=0)
    service = await search_over(db, *make_studies(30, "robots"), lanterns)
    found = await service.search(SearchRequest("robots lanterns", limit=50))
    assert found.rows[0].key == "2502.00001"
    assert found.missing.keys() == {row.key for row in found.rows}
    assert (found.on_topic, found.all_terms, found.total, len(found.rows)) == (0, 0, 31, 31)


async def test_partial_matches_respect_filters_and_exclusions(db: Database) -> None:
    one = NewsletterPaper("2502.00001", "Quaternions", "quaternions", votes=0)
    archive_search = await search_over(db, *make_papers(), one)
    every = await archive_search.search(SearchRequest("robots quaternions", limit=100))
    assert every.total == len(every.rows) > 10
    popular = await archive_search.search(SearchRequest("robots quaternions votes:25", limit=100))
    assert {row.key for row in popular.rows} == {row.key for row in every.rows if (row.votes or 0) >= 25}
    without = await archive_search.search(SearchRequest("robots quaternions -speech", limit=100))
    assert 0 < without.total == len(without.rows) < every.total
    late = SearchRequest("robots quaternions", Filters(date(2025, 1, 3)))
    assert (await archive_search.search(late)).rows == ()


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize(("minutes", "kept"), [(1, True), (16, False)])
async def test_a_former_version_of_the_index_is_freed_once_no_page_needs_it(
    db: Database, monkeypatch: pytest.MonkeyPatch, minutes: int, kept: bool
) -> None:
    """At once, not by a garbage collection in days: it keeps deleted files mapped, and on the disk."""
    made: list[weakref.ref[Engine]] = []
    begin = Engine.__init__

    def note(engine: Engine, searcher: Any) -> None:
        begin(engine, searcher)
        made.append(weakref.ref(engine))

    monkeypatch.setattr(Engine, "__init__", note)
    now = NOW
    await add_digest(db, "2025-01-02", *make_studies(3, "robots"))
    service = SearchService(db, clock=lambda: now)
    gc.disable()
    try:
        await service.search(SearchRequest("robots"))
        now += timedelta(minutes=minutes)
        await add_digest(db, "2025-01-03", *make_studies(3, "video", 10))
        await service.search(SearchRequest("video"))
        assert [engine() is not None for engine in made] == [kept, True]
    finally:
        gc.enable()


def test_a_very_long_summary_does_not_hide_the_abstract() -> None:
    long = tuple(models.Section("", f"{number} " + "word " * 5_000) for number in range(6))
    paper = models.IndexDocument(
        id=1,
        key="2501.00001",
        title="One",
        sections=long,
        abstract="zebra",
        keywords=("okapi",),
        votes=1,
        days=(date(2025, 1, 1),),
        institutions=(),
    )
    body = "\n".join(search_index.build_texts(paper).bodies)
    assert {"0", "zebra", "okapi"} <= set(body.split())
    assert len(body) < 61_000


@pytest.mark.parametrize(
    ("heading", "text", "is_indexed"),
    [
        ("7. 후속 연구", "Astrolabe로 넓히는 연구로 이어질 수 있습니다.", False),
        ("**6. 한계**", "Astrolabe보다 약합니다.", False),
        ("본 연구의 한계점", "Astrolabe는 다루지 않았습니다.", False),
        ("5 Limitations and future work", "It was not tried on an astrolabe.", False),
        ("2. 기존 연구의 한계", "Astrolabe는 느립니다.", True),
        ("3. 한계를 넘는 학습", "Astrolabe를 씁니다.", True),
        ("3. 후속 학습", "Astrolabe로 다시 학습합니다.", True),
        ("7. 결론 및 향후 연구", "Astrolabe를 제안했습니다.", True),
        ("Future frame prediction", "The astrolabe predicts frames.", True),
        ("Method", "We release the astrolabe to support future research on agents.", True),
    ],
)
def test_a_chapter_on_later_work_is_not_indexed(heading: str, text: str, is_indexed: bool) -> None:
    sections = models.Section("Summary", "One."), models.Section(heading, f"Two. {text} Three.")
    paper = models.IndexDocument(1, "2501.00001", "Title", sections, None, (), 1, (date(2025, 1, 1),), ())
    words = " ".join(search_index.build_texts(paper).bodies).replace(analyser.PARTICLE_MARK, " ").split()
    assert ("astrolab" in words) is is_indexed


async def test_a_look_up_asks_the_index_at_most_three_times(
    search: SearchService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The measured queries of all kinds: half of their words are in no paper of a small archive, and none is what is typed."""
    asked: list[object] = []
    search_index = Engine._search_index

    def count(engine: Engine, *query: Any, **options: Any) -> Any:
        asked.append(query)
        return search_index(engine, *query, **options)

    monkeypatch.setattr(Engine, "_search_index", count)
    texts = [one.text for one in questions.load_queries()][::5]
    texts += [text for text, *_ in measures.load_mixed_queries()][::5]
    texts += ["RLHF 2025", "NAVER", "Google robots", "Junyang Lin"]
    texts += ["강화 핵습 로봇 -비디오", "not 제미나이, robots", "GPT-likeness"]
    asked_by_text = {}
    for text in texts:
        asked.clear()
        await search.search(SearchRequest(text))
        asked_by_text[text] = len(asked)
    assert max(asked_by_text.values()) <= 3, max(asked_by_text, key=asked_by_text.__getitem__)
    assert statistics.median(asked_by_text.values()) <= 2
