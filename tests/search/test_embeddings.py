"""Vectors of papers and passages from a server: made once in the background; without it the words alone decide the order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import structlog.testing
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.features.ask import passages
from bot.search import embeddings
from bot.search.embeddings import EmbeddingServer, TextVectors, VectorMaker
from bot.search.results import MatchKind, SearchRequest, SearchResult, Sort
from bot.search.service import SearchService
from storage import paper_texts, vectors
from storage.database import Database
from tests.support import asked_paper, sample_archive
from tests.support.sample_archive import NewsletterPaper

NOW = asked_paper.paper_text().fetched_at
TEXT = asked_paper.paper_text()
PASSAGES = [passage.headed_text for passage in passages.split(TEXT)]
LANTERNS = NewsletterPaper(TEXT.arxiv_id, "Quiet Lanterns", "Removes noise.")
SECONDS = 60.0
"""How long a question waits for its vector: long, since a busy machine may take longer than a reader would wait."""
WORDS = ("blick", "licence", "hours", "fog", "mist", "zorb")


def vector_of(text: str) -> list[float]:
    *others, fog, mist, zorb = (text.lower().count(word) for word in WORDS)
    return [1.0 + count for count in (*others, fog + mist + zorb)]


@dataclass
class Server:
    """A server whose vectors count words. `change` replaces its answers. It keeps `docs/services.md`, section *Embeddings*."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    change: Callable[[dict[str, Any]], web.Response] | None = None
    seconds: float = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.requests.append(body)
        await asyncio.sleep(self.seconds)
        rows = [{"index": n, "embedding": vector_of(text)} for n, text in enumerate(body["input"])]
        answer = {"data": rows[::-1]}
        return self.change(answer | body) if self.change else web.json_response(answer)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    fake, app = Server(), web.Application()
    app.router.add_post("/v1/embeddings", fake.answer)
    async with TestServer(app) as running:
        fake.url = str(running.make_url("/v1"))
        yield fake


@pytest.fixture
async def stored(db: Database) -> Database:
    await sample_archive.add_digest(db, "2025-01-02", LANTERNS)
    await db.write(paper_texts.save, TEXT)
    return db


@dataclass
class Bot:
    """What a bot has of vectors, at a time that may be changed."""

    database: Database
    client: EmbeddingServer
    server: Server
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.vectors = TextVectors(self.database, lambda: self.now, self.client, SECONDS)
        self.maker = VectorMaker(self.database, self.client, passages.list_headed)
        self.search = SearchService(self.database, clock=lambda: self.now, vectors=self.vectors)

    async def rank(self, asked: str) -> list[int]:
        return await self.vectors.rank(TEXT, PASSAGES, asked)


@pytest.fixture
async def open_bot(db: Database, server: Server) -> AsyncIterator[Callable[..., Bot]]:
    """Starts bots, with the name of a model."""
    clients: list[EmbeddingServer] = []

    def open_(model: str = "lamps") -> Bot:
        clients.append(EmbeddingServer(server.url, model, key=None))
        return Bot(db, clients[-1], server)

    yield open_
    for client in clients:
        await client.close()


@pytest.fixture
def bot(open_bot: Callable[..., Bot]) -> Bot:
    return open_bot()


async def read_vectors(db: Database) -> dict[str, vectors.Vectors]:
    """Return what is stored, by kind."""
    async with db.read() as connection:
        rows = await connection.execute(sa.select(vectors.vectors))
        return {row.kind: vectors.Vectors(**row._mapping) for row in rows}


@pytest.mark.engines("sqlite", "postgresql")
async def test_vectors_are_made_once_in_batches_and_rank_the_passages(stored: Database, bot: Bot) -> None:
    assert await bot.rank("licence") == []
    assert [await bot.maker.make() for _ in range(2)] == [True, True]
    whole, rest = divmod(len(PASSAGES), embeddings.BATCH)
    # A first request for their length; the paper's title and summary come last.
    assert [len(request["input"]) for request in bot.server.requests] == [
        1,
        *whole * [embeddings.BATCH],
        rest,
        1,
    ]
    assert bot.server.requests[-1]["input"] == ["Quiet Lanterns\nRemoves noise."]
    first, *_ = await bot.rank("licence")
    assert "Apache" in PASSAGES[first]


@pytest.mark.engines("sqlite", "postgresql")
async def test_another_model_or_another_text_makes_them_again(
    stored: Database, server: Server, open_bot: Callable[..., Bot]
) -> None:
    for model in ("lamps", "lanterns"):
        bot = open_bot(model)
        assert await bot.rank("fog") == []
        await bot.maker.make()
        assert await bot.rank("fog") != []
    assert {request["model"] for request in server.requests} == {"lamps", "lanterns"}
    # Passages are split otherwise by another version.
    assert await bot.vectors.rank(TEXT, PASSAGES[1:], "fog") == []
    assert [*await read_vectors(stored)] == ["summary"]
    await bot.maker.make()
    assert await bot.rank("fog") != []


async def test_votes_leave_a_papers_vector_and_another_summary_makes_it_again(db: Database, bot: Bot) -> None:
    for paper, requests in (
        (LANTERNS, 2),
        (replace(LANTERNS, votes=77), 2),
        (replace(LANTERNS, text="It sees in fog."), 3),
    ):
        await sample_archive.add_digest(db, "2025-01-02", paper)
        assert await bot.maker.make()
        assert len(bot.server.requests) == requests
    async with db.transaction() as connection:
        await connection.execute(sa.text("DELETE FROM entries"))
        await connection.execute(sa.text("DELETE FROM paper_authors"))
        await connection.execute(sa.text("DELETE FROM papers"))
    assert await read_vectors(db) == {}


def _shorten(answer: dict[str, Any]) -> web.Response:
    for row in answer["data"]:
        row["embedding"] = row["embedding"][:2]
    return web.json_response(answer)


@pytest.mark.parametrize(
    "change",
    [
        _shorten,
        lambda _: web.Response(status=500),
        lambda _: web.Response(text="<html>"),
        lambda _: web.json_response({"data": []}),
        lambda _: web.json_response({"data": [{"index": 0, "embedding": ["x"]}]}),
        lambda _: web.json_response({"data": [{"index": 0, "embedding": [0.0, 0.0]}]}),
        lambda _: web.Response(text='{"data": [{"index": 0, "embedding": [NaN, 1e999]}]}'),
        lambda _: web.Response(status=302, headers={"Location": "http://169.254.169.254/"}),
    ],
    ids=["other length", "500", "page", "none", "text", "zero", "not finite", "redirect"],
)
async def test_a_server_that_answers_wrongly_changes_nothing(
    stored: Database, bot: Bot, change: Callable[[dict[str, Any]], web.Response]
) -> None:
    await bot.maker.make()
    bot.server.change = change
    assert await bot.rank("fog") == []


async def test_a_slow_server_is_not_waited_for(stored: Database, bot: Bot) -> None:
    await bot.maker.make()
    assert embeddings.QUESTION_SECONDS == 0.3
    bot.vectors.seconds, bot.server.seconds = 0.01, 0.5
    assert await bot.rank("fog") == []


async def test_a_server_that_is_away_is_left_alone_for_a_minute(stored: Database, bot: Bot) -> None:
    bot.server.change = lambda _: web.Response(status=503)
    assert not await bot.maker.make()
    assert len(bot.server.requests) == 1
    bot.server.change = None
    assert await bot.maker.make()
    # Questions do not wait for it one after another.
    bot.server.change, before = (lambda _: web.Response(status=503)), len(bot.server.requests)
    assert [await bot.rank("fog") for _ in range(3)] == [[], [], []]
    assert len(bot.server.requests) == before + 1
    bot.server.change, bot.now = None, NOW + timedelta(minutes=1)
    assert await bot.rank("fog") != []


async def test_questions_leave_a_server_alone_for_as_long_as_it_asks(stored: Database, bot: Bot) -> None:
    await bot.maker.make()
    bot.server.change = lambda _: web.Response(status=429, headers={"Retry-After": "600"})
    assert await bot.rank("fog") == []
    bot.server.change, before = None, len(bot.server.requests)
    bot.now = NOW + timedelta(seconds=599)
    assert await bot.rank("fog") == []
    assert len(bot.server.requests) == before
    bot.now = NOW + timedelta(seconds=600)
    assert await bot.rank("fog") != []


TOO_LARGE = "input is too large to process"


@pytest.mark.parametrize(
    "refuse",
    [
        lambda: web.Response(status=500, text=TOO_LARGE),
        # OpenRouter answers so once a model has begun.
        lambda: web.json_response({"error": {"code": 400, "message": TOO_LARGE}}),
    ],
)
async def test_a_text_that_the_server_refuses_does_not_keep_the_others_from_vectors(
    stored: Database, bot: Bot, refuse: Callable[[], web.Response]
) -> None:
    bot.server.change = lambda answer: (
        refuse() if any("Fog" in text for text in answer["input"]) else web.json_response(answer)
    )
    with structlog.testing.capture_logs() as logged:
        assert await bot.maker.make()
    [refused] = [line for line in logged if line["log_level"] == "warning"]
    assert refused["paper"] == TEXT.arxiv_id
    assert "4 Limitations" in refused["text"]
    assert "Fog" in PASSAGES[(await bot.rank("licence"))[-1]]


async def test_a_long_text_that_the_server_refuses_is_cut(
    db: Database, bot: Bot, open_bot: Callable[..., Bot]
) -> None:
    for number, length in enumerate((100, 300)):
        paper = NewsletterPaper(f"2501.0000{number + 1}", "Fog", "phone " * length)
        await sample_archive.add_digest(db, f"2025-01-0{number + 1}", paper)
    bot.server.change = lambda answer: (
        web.Response(status=400) if max(map(len, answer["input"])) > 800 else web.json_response(answer)
    )
    assert await bot.maker.make()
    assert len(bot.server.requests[-1]["input"][0]) in range(100, 801)
    # All are refused: nothing is stored, and the rest is left for later.
    other = open_bot("lanterns")
    bot.server.change, before = (lambda _: web.Response(status=400)), len(bot.server.requests)
    assert not await other.maker.make()
    assert (await read_vectors(db))["summary"].model == "lamps"
    assert len(bot.server.requests) < before + 8


async def test_vectors_of_another_length_are_said_once_and_made_again(stored: Database, bot: Bot) -> None:
    await bot.maker.make()

    def lengthen(answer: dict[str, Any]) -> web.Response:
        for row in answer["data"]:
            row["embedding"] += [1.0, 1.0]
        return web.json_response(answer)

    bot.server.change = lengthen
    with structlog.testing.capture_logs() as logged:
        for asked in ("fog", "phone", "licence"):
            assert await bot.rank(asked) == []
        await bot.maker.make()
        first, *_ = await bot.rank("licence")
    assert "Apache" in PASSAGES[first]
    assert [(line["before"], line["now"]) for line in logged] == [(4, 6)]


async def test_a_server_whose_vectors_change_their_length_each_time_is_not_asked_without_end(
    stored: Database, bot: Bot
) -> None:
    """As an address behind which two models answer, by what is asked: what one made is missing for the other."""

    def alternate(answer: dict[str, Any]) -> web.Response:
        if len(bot.server.requests) > 50:
            return web.json_response({}, status=500)
        is_passage = any(passage in text for passage in PASSAGES for text in answer["input"])
        for row in answer["data"] if is_passage else ():
            row["embedding"] += [1.0, 1.0]
        return web.json_response(answer)

    bot.server.change = alternate
    await bot.maker.make()
    assert len(bot.server.requests) <= 10


# Papers in the order of a question.

QUESTION = "show me papers about denoising photographs in the mist"


def studies(count: int, text: str) -> list[NewsletterPaper]:
    """Return papers on photographs, of which each fifth is about mist by a word that only the server knows."""
    return [
        NewsletterPaper(
            f"2501.{number:05}",
            f"Study {number}",
            f"{text} {'Zorb' if number % 5 == 0 else 'Blick'}.",
            votes=number * 37 % 101,
        )
        for number in range(1, count + 1)
    ]


async def list_pages(
    bot: Bot, query: str, size: int = 7, change: Callable[[], None] = lambda: None
) -> SearchResult:
    """Return all pages of an answer as one. `change` is called after the first page."""
    page = await bot.search.search(SearchRequest(query, limit=size))
    rows, missing, kinds = page.rows, page.missing, page.kinds
    change()
    for offset in range(size, page.total, size):
        following = await bot.search.search(SearchRequest(query, limit=size, offset=offset))
        rows = rows + following.rows
        missing, kinds = missing | following.missing, kinds | following.kinds
    return replace(page, rows=rows, missing=missing, kinds=kinds)


def ids(result: SearchResult) -> list[str]:
    return [row.arxiv_id for row in result.rows]


@pytest.mark.parametrize(
    "text", ["Denoising photographs.", "Denoising photographs in the mist."], ids=["partial", "full"]
)
async def test_a_sentence_is_ordered_by_meaning_too_and_has_the_same_papers(
    db: Database, bot: Bot, open_bot: Callable[..., Bot], text: str
) -> None:
    await sample_archive.add_digest(db, "2025-01-02", *studies(45, text))
    by_words = await list_pages(bot, QUESTION)
    assert bot.server.requests == [], "no paper has a vector"
    await bot.maker.make()
    bot = open_bot()
    fused = await list_pages(bot, QUESTION)
    assert sorted(ids(fused)) == sorted(ids(by_words))
    assert replace(fused, rows=()) == replace(by_words, rows=())
    assert bool(fused.missing) == ("mist" not in text)
    foggy = {paper.arxiv_id for paper in studies(45, "")[4::5]}
    assert len(foggy.intersection(ids(fused)[:10])) > len(foggy.intersection(ids(by_words)[:10]))
    # What the query excludes, a period, and another order.
    for query, sort in (
        (f"{QUESTION} -blick", None),
        (f"{QUESTION} until:2024", None),
        (QUESTION, Sort.VOTES),
    ):
        request = SearchRequest(query, sort=sort, limit=50)
        found, expected = (
            await bot.search.search(request),
            await SearchService(db, clock=lambda: NOW).search(request),
        )
        assert sorted(ids(found)) == sorted(ids(expected))
        assert sort is None or ids(found) == ids(expected)


async def test_each_kind_is_ordered_by_meaning_for_itself(
    db: Database, bot: Bot, open_bot: Callable[..., Bot]
) -> None:
    texts = (
        "Denoising photographs in the mist.",
        "Ropes. Snow. Denoising once photographs in mist.",
        "Mist.",
    )
    titles = ("Denoising Photographs in Mist", "Ropes", "Photographs")
    papers = [
        NewsletterPaper(
            f"2501.{number:05}",
            f"{titles[number % 3]} {number}",
            f"{texts[number % 3]} {'Blick, blick' if number % 4 else 'Quiet'}.",
            votes=90 if number % 4 else 0,
        )
        for number in range(1, 28)
    ]
    await sample_archive.add_digest(db, "2025-01-02", *papers)
    by_words = await list_pages(bot, QUESTION)
    await bot.maker.make()
    fused = await list_pages(open_bot(), QUESTION)
    assert (fused.kinds, fused.missing) == (by_words.kinds, by_words.missing)
    kinds = MatchKind.ON_TOPIC, MatchKind.ALL_TERMS, MatchKind.SOME_TERMS
    assert fused.kinds == {paper.arxiv_id: kinds[int(paper.arxiv_id[-5:]) % 3] for paper in papers}
    for kind in kinds:
        before, after = ([id_ for id_ in ids(one) if one.kinds[id_] is kind] for one in (by_words, fused))
        assert sorted(before) == sorted(after)
        assert before != after, kind
        near = {f"2501.{number:05}" for number in range(4, 28, 4)} & {*after}
        assert sum(map(after.index, near)) < sum(map(before.index, near)), kind
    shown = [fused.kinds[id_] for id_ in ids(fused)]
    assert shown == sorted(shown, key=[*MatchKind].index)


@pytest.mark.parametrize("is_first_fused", [True, False])
@pytest.mark.parametrize("size", [7, 20])
async def test_a_server_that_comes_or_goes_between_pages_loses_and_repeats_no_paper(
    db: Database, bot: Bot, is_first_fused: bool, size: int
) -> None:
    await sample_archive.add_digest(db, "2025-01-02", *studies(45, "Denoising photographs in the mist."))
    await bot.maker.make()
    away, there = lambda _: web.Response(status=503), None
    bot.server.change = there if is_first_fused else away

    def change() -> None:
        bot.server.change = away if is_first_fused else there
        bot.now += timedelta(minutes=2)

    found = ids(await list_pages(bot, QUESTION, size, change))
    assert len(found) == len({*found}) == 45


async def test_terms_and_names_stay_as_they_are(db: Database, bot: Bot) -> None:
    await sample_archive.add_digest(db, "2025-01-02", LANTERNS, *studies(9, "Denoising quiet lanterns."))
    await bot.maker.make()
    before = len(bot.server.requests)
    for query in ("denoising", "Quiet Lanterns", TEXT.arxiv_id, "votes:20"):
        assert (await bot.search.search(SearchRequest(query))).rows
    assert len(bot.server.requests) == before


async def test_similar_papers_are_ordered_by_meaning_too_without_a_request(db: Database, bot: Bot) -> None:
    papers = studies(20, "Reinforcement learning.")
    await sample_archive.add_digest(db, "2025-01-02", *papers)
    foggy = {paper.arxiv_id for paper in papers[4::5]}

    async def list_similar() -> list[str]:
        return [row.arxiv_id for row in await bot.search.list_similar(papers[4].arxiv_id, limit=19)]

    by_words = await list_similar()
    await bot.maker.make()
    before = len(bot.server.requests)
    similar = await list_similar()
    assert sorted(similar) == sorted(by_words)
    places = [[order.index(one) for one in sorted(foggy & {*order})] for order in (similar, by_words)]
    assert sum(places[0]) < sum(places[1])
    assert papers[4].arxiv_id not in similar
    assert len(bot.server.requests) == before


@pytest.mark.parametrize(
    ("model", "name", "text"),
    [
        # As the model card of multilingual-e5 asks for; a server may take the kind from the name instead.
        ("multilingual-e5-small", "multilingual-e5-small", "query: fog?"),
        ("e5-{type}", "e5-query", "fog?"),
        ("bge-m3", "bge-m3", "fog?"),
    ],
)
async def test_a_model_that_tells_questions_from_passages_is_told(
    server: Server, model: str, name: str, text: str
) -> None:
    real = EmbeddingServer(server.url, model, "secret")
    [vector] = await real.embed(["fog?"], "query", 10)
    await real.close()
    assert len(vector) == 2 * 4
    assert server.requests == [{"model": name, "input": [text]}]


def test_orders_are_fused_by_reciprocal_ranks() -> None:
    # 1/11 + 1/13 for 7; 1/12 + 1/12 for 8; 1/13 for 5; 1/11 for 9.
    assert embeddings.fuse([7, 8, 5], [9, 8, 7]) == [7, 8, 9, 5]
