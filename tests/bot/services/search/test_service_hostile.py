"""Hostile input: any text gives a result on both engines, never an error or an operator of the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.services.search.results import SearchRequest
from bot.services.search.service import SearchService
from storage import migrate, models
from tests.conftest import ENGINES, create_postgres_database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

OPERATORS = [
    '"',
    "*",
    "^",
    "NEAR(",
    "AND",
    "OR",
    "NOT",
    "(",
    ")",
    ":",
    "-",
    "+",
    "{",
    "}",
    "|",
    "&",
    "!",
    "<->",
    "'",
    "\\",
]
WORDS = [
    "추론",
    "강화",
    "학습",
    "model",
    "RL",
    "gpt-4o",
    "c++",
    "뇌",
    "é",
    "🦜",
    "שלום",
    "\x00",
    "\u202e",
    "%",
    "_",
    "author:",
    "since:2025",
    "votes:x",
]
HOSTILE = [
    "",
    " ",
    "a",
    "가",
    "…",
    '"',
    '"unpaired',
    "-",
    "--",
    "*" * 50,
    "tokens:model",
    "rowid:1",
    'x" OR tokens:"y',
    "'; DROP TABLE papers; --",
    "a & b | !c <-> d:*",
    "NEAR(a b, 5)",
    "{a b}: c",
    "\x00\x01\x02",
    "\ud800",
    "🦜" * 200,
    "مرحبا بالعالم",
    "모" * 2000,
    "ab " * 700,
    "가나다라마바사" * 280,
    "author:",
    'author:"',
    "since:9999-99 votes:-1",
    "-모델",
    "\n\r\t",
]

texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(OPERATORS + WORDS), max_size=12).map(" ".join),
    st.lists(st.sampled_from(OPERATORS + WORDS), max_size=12).map("".join),
)


class HostileInputHarness:
    """A small archive that is shared by all examples, with its event loop."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._database = self._runner.run(migrate.open_database(url, migrate=True))
        self._runner.run(
            sample_archive.add_digest(
                self._database,
                "2025-01-02",
                NewsletterPaper(
                    "2501.00001", "Reasoning with gpt-4o & C++", "강화 학습(RL)으로 추론 모델을 학습합니다."
                ),
                NewsletterPaper("2501.00002", "뇌 신호", "뇌를 읽습니다.", authors=("Zoë O'Neil", "김철수")),
            )
        )
        self._search = SearchService(self._database)

    def call_all(self, text: str) -> None:
        """Call every method of the search service with a text."""
        self._runner.run(self._call_all(text))

    async def _call_all(self, text: str) -> None:
        search = self._search
        for result in (
            await search.search(SearchRequest(text)),
            await search.search(SearchRequest(text, literal=True, author=text)),
        ):
            assert len(result.rows) <= result.total or result.total == 0
        await search.find_author(text)
        await search.find_paper(text)
        await search.list_top(SearchRequest(query=text))
        await search.list_similar(text)
        await search.explain_term(text)
        for choices in (
            await search.complete_topic(text, models.Locale.KO),
            await search.complete_author(text),
            await search.complete_paper(text),
        ):
            assert len(choices) <= 25
            assert all(0 < len(choice.name) <= 100 and 0 < len(choice.value) <= 100 for choice in choices)

    def close(self) -> None:
        """Close the database and the loop."""
        self._runner.run(self._database.close())
        self._runner.close()


@pytest.fixture(scope="module", params=ENGINES)
def harness(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostileInputHarness]:
    """One harness for each engine."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('hostile') / 'a.db'}"
    else:
        url = asyncio.run(create_postgres_database(request.getfixturevalue("postgres_url")))
    created = HostileInputHarness(url)
    yield created
    created.close()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_gives_a_result(harness: HostileInputHarness, text: str) -> None:
    harness.call_all(text)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=texts)
def test_any_text_gives_a_result(harness: HostileInputHarness, text: str) -> None:
    harness.call_all(text)
