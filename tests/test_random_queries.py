"""Random texts of words, operators, commas, quotation marks and brackets are read in linear steps, at every entry point.

A step is a line of the reader's code, so that a loop without end fails after a known number of them. `SEED=7 pytest FILE` repeats
a run.
"""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from bot.cli.set_up_file import SetUpFile
from bot.core import http_server
from bot.core.settings import Settings
from bot.features.web import server
from bot.text import query_parser, questions
from storage import errors
from tests.support import seeds
from tests.support.client_harness import ClientHarness, shown_text

pytestmark = pytest.mark.promise

TEXTS, WALKED = 1_000, 6
"""How many texts are read in a run, and how many of these at each entry point."""
STEPS, STEPS_A_CHARACTER = 5_000, 200
"""The steps of a text of any length, and of each of its characters."""
DAY = date(2026, 1, 4)
WORDS = """
robots surveys Kim Lee language models graph a the on of works with 로봇 서베이 벤치마크 강화 학습 의료 논문 에이전트는 나
not NOT no without except excluding and AND or OR nor neither but are that 제외 빼고 말고 제외하고 제외한 아닌 아니고 도
와 과 이나 또는 혹은 아니면
, , , ， 、 ; . | / - – — & · " " “ ” 「 」 ' ( ) ( ) [ ] { } : < > # ? ! * - +
author: from: since: until: votes: 저자: 기관: since:2025 votes:>5 author:"Kim 2025 어제 last week 👍 \u200b -" -( NOT(
"""
TOKENS = WORDS.split()


def make_text(rng: random.Random) -> str:
    """Return a text of up to thirty tokens, spaces between some of them; one token in forty is repeated up to 400 times."""
    tokens = (
        rng.choice(TOKENS) * (rng.randrange(1, 400) if rng.random() < 1 / 40 else 1)
        for _ in range(rng.randrange(1, 30))
    )
    spacing = rng.random()
    return "".join(f"{token}{' ' * (rng.random() < spacing)}" for token in tokens)


FOUND = '논문 기관: neither 어제 NOT( nor " NOT but ( 제외한 votes:>5 Kim」 | 이나 와 " ; from: excluding 과 '
"""A text of a former run that took too many steps."""


def make_texts(count: int) -> Iterator[str]:
    rng = random.Random(seeds.OF_RUN)
    return (FOUND if number == 0 else make_text(rng) for number in range(count))


READERS = str(Path(query_parser.__file__).parent)


@contextmanager
def limit_steps(most: int) -> Iterator[None]:
    """Raise AssertionError in a block once `bot.text` has taken more than some steps."""
    left = most

    def count(frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        nonlocal left
        if not frame.f_code.co_filename.startswith(READERS):
            return None
        left -= event == "line"
        if left < 0:
            raise AssertionError(f"more than {most} steps")
        return count

    former = sys.gettrace()
    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(former)


def read(text: str) -> None:
    """Read a text in each way in which a query is read or written again."""
    query = query_parser.parse_query(text, DAY)
    query_parser.find_negated(query)
    query_parser.split_clause(text)
    query_parser.name_author(text, query)
    query_parser.list_accepted_forms(query.ignored)
    query_parser.leave_out(query.wanted, query.excluded[1:])
    query_parser.leave_out(text, ["surveys", "graph models"])
    query_parser.split_words(query.text)
    query_parser.parse_query(query_parser.write_query(query))


@pytest.fixture(autouse=True)
def _tables() -> None:
    """Load the tables of words, whose rows are no steps of a text."""
    with limit_steps(10_000_000):
        for token in TOKENS:
            read(token)
            read(f"since:{token}")
        questions.is_noun("로봇 이해")
        questions.is_term("x" * 1_000)  # too long to be remembered from another test


def test_any_text_is_read_in_linear_steps() -> None:
    for number, text in enumerate(make_texts(TEXTS)):
        try:
            with limit_steps(STEPS + STEPS_A_CHARACTER * len(text)):
                read(text)
        except Exception as error:
            raise AssertionError(f"SEED={seeds.OF_RUN}, text {number}: {text!r}") from error


async def test_any_text_is_answered_at_each_entry_point(harness: ClientHarness) -> None:
    of_file = SetUpFile(harness.container.database, harness.container.clock, Settings())
    broken = harness.texts("broken", reference="").partition(".")[0]
    pages = server.WebServer(harness.container.web_pages)

    async def apply(text: str) -> None:
        post = f"[[posts]]\nguild = '1'\nchannel = '2'\ntopic = '''{text}'''\n"
        with suppress(errors.UsageError):
            await of_file.apply(f"{post}[[alerts]]\nuser = '7'\nkeywords = ['''{text}''']\n", "file")

    async with (
        http_server.serving("127.0.0.1:0", "PAPERROUND_WEB", [pages.add_routes]) as url,
        aiohttp.ClientSession() as session,
    ):
        for number, text in enumerate(make_texts(WALKED)):
            text = text[:90].replace("'", "") or "x"
            said = f"SEED={seeds.OF_RUN}, text {number}: {text!r}"
            with limit_steps(STEPS + STEPS_A_CHARACTER * len(text)):
                read(text)  # so that a loop without end fails here
            answers = [
                await harness.ask("topic", query=text),
                await harness.ask("ask", question=text),
                await harness.ask("alerts add", keyword=text),
                await harness.manage("daily setup", topic=text),
            ]
            assert all(map(shown_text, answers)), said
            assert broken not in "".join(map(shown_text, answers)), said
            for page in ("search", "ask", "trends"):
                async with session.get(f"{url}/{page}?q={quote(text)}") as response:
                    assert response.status in (200, 400), f"{page}, {said}"
            await apply(text)
            assert not harness.unexpected_errors(), said
