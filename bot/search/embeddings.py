"""Vectors of texts from an OpenAI-compatible server, as unit vectors of half floats."""

from __future__ import annotations

import asyncio
import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import mul
from typing import Any, Literal, NamedTuple

import aiohttp
import structlog

from bot.core import isolation
from bot.core.clock import Clock
from bot.core.settings import Settings
from storage import database, errors, models, paper_texts
from storage.database import Database

log = structlog.get_logger(__name__)

BATCH = 8
"""Texts in a request."""
MAX_CHARACTERS = 2_000
"""Of a text; models read some 512 tokens."""
_MAX_BYTES, _MAX_DIMENSIONS = 16_000_000, 8_192
_BYTES = 2
"""Of a half float."""
Kind = Literal["query", "passage"]


class EmbeddingError(errors.PaperroundError):
    """Raised if a server gives no vectors."""


class EmbeddingServer(NamedTuple):
    """A model on a server, by the address of its API (`…/v1`), its name there, and a key if it needs one.

    Models of the E5 family tell questions from passages by a word in front of the text; `{type}` in the name is replaced
    by it for servers that take it from there.
    """

    url: str
    model: str
    key: str | None = None

    async def embed(self, texts: Sequence[str], kind: Kind, seconds: float) -> list[bytes]:
        """Return the vectors of at most BATCH texts. Raises EmbeddingError, also after `seconds`."""
        is_named, is_e5 = "{type}" in self.model, "e5" in self.model.lower()
        begin = f"{kind}: " if is_e5 and not is_named else ""
        request: dict[str, Any] = {
            "model": self.model.replace("{type}", kind),
            "input": [begin + text[:MAX_CHARACTERS] for text in texts],
        }
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        url = f"{self.url.rstrip('/').removesuffix('/embeddings')}/embeddings"
        try:
            async with (
                asyncio.timeout(seconds),
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.post(url, json=request, headers=headers, allow_redirects=False) as response,
            ):
                body = bytearray()
                async for chunk in response.content.iter_chunked(1 << 16):
                    body += chunk
                    if len(body) > _MAX_BYTES:
                        raise EmbeddingError("its answer is too large")
                if response.status != 200:
                    raise EmbeddingError(f"it answers with status {response.status}")
        except TimeoutError:
            raise EmbeddingError(f"it did not answer within {seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise EmbeddingError(f"connection error: {type(error).__name__}") from None
        return await asyncio.to_thread(_read_vectors, bytes(body), len(texts))


def find_server(settings: Settings) -> EmbeddingServer | None:
    """Return the server in the settings, or None."""
    if settings.embeddings_url is None or settings.embeddings_model is None:
        return None
    key = None if settings.embeddings_key is None else settings.embeddings_key.get_secret_value()
    return EmbeddingServer(settings.embeddings_url, settings.embeddings_model, key)


def _read_vectors(body: bytes, count: int) -> list[bytes]:
    """Return the vectors in an answer in their order. Raises EmbeddingError if it has not one of one length for each text."""
    try:
        rows = sorted(json.loads(body)["data"], key=lambda row: int(row["index"]))
        vectors = [[float(number) for number in row["embedding"]] for row in rows]
        [dimensions] = {len(vector) for vector in vectors}
        lengths = [math.hypot(*vector) for vector in vectors]
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        raise EmbeddingError("its answer has no vectors of one length") from None
    if len(vectors) != count or not 0 < dimensions <= _MAX_DIMENSIONS:
        raise EmbeddingError(f"its answer has {len(vectors)} vectors for {count} texts")
    if not all(length and math.isfinite(length) for length in lengths):
        raise EmbeddingError("its answer has a vector without a direction")
    return [
        struct.pack(f"<{dimensions}e", *(number / length for number in vector))
        for vector, length in zip(vectors, lengths, strict=True)
    ]


def rank(query: bytes, vectors: bytes) -> list[int]:
    """Return the numbers of joined vectors by similarity to a query's, nearest first; [] if their length is another."""
    dimensions = len(query) // _BYTES
    if not query or len(vectors) % len(query):
        return []
    wanted = struct.unpack(f"<{dimensions}e", query)
    similarities = [
        sum(map(mul, wanted, vector)) for vector in struct.iter_unpack(f"<{dimensions}e", vectors)
    ]
    return sorted(range(len(similarities)), key=lambda number: -similarities[number])


_FUSION = 10
"""The constant of reciprocal rank fusion (Cormack et al. 2009), for short lists."""


def fuse(*orders: Sequence[int]) -> list[int]:
    """Return what several orders have, by the sum of its reciprocal ranks."""
    scores: dict[int, float] = {}
    for order in orders:
        for place, number in enumerate(order, start=1):
            scores[number] = scores.get(number, 0.0) + 1 / (_FUSION + place)
    return sorted(scores, key=lambda number: (-scores[number], number))


QUESTION_SECONDS, BATCH_SECONDS = 0.3, 120.0
"""How long a question waits for its vector, and the background for those of a batch."""
_MAX_MAKING = 100
"""Texts that wait for vectors. Those beyond are tried with the next question."""
_PAUSE = timedelta(minutes=1)
"""How long a server that failed is left alone."""


@dataclass(eq=False)
class TextVectors:
    """The vectors of papers' texts. Those that are missing, or of another model, are made in the background, a text at a time."""

    database: Database
    clock: Clock
    server: EmbeddingServer
    _making: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _resumes_at: datetime = field(default=models.NEVER, init=False)

    async def rank(self, text: models.PaperText, passages: Sequence[str], asked: str) -> list[int]:
        """Return the numbers of a stored text's passages by similarity to a question, or [] if that is not known in time."""
        async with self.database.read() as connection:
            vectors = await paper_texts.get_vectors(connection, text, self.server.model)
        if not vectors:
            self._make_later(text, passages)
        elif self.clock() >= self._resumes_at:
            try:
                [query] = await self.server.embed([asked], "query", QUESTION_SECONDS)
            except EmbeddingError as error:
                self._resumes_at = self.clock() + _PAUSE
                log.info("question has no vector; the server is left alone for a minute", reason=str(error))
            else:
                order = await asyncio.to_thread(rank, query, vectors)
                if len(order) == len(passages):
                    return order
                log.warning("vectors have another length than the question's; they are made again")
                self._make_later(text, passages)
        return []

    def _make_later(self, text: models.PaperText, passages: Sequence[str]) -> None:
        key = text.arxiv_id
        if (
            passages
            and key not in self._making
            and len(self._making) < _MAX_MAKING
            and self.clock() >= self._resumes_at
        ):
            task = self._making[key] = asyncio.create_task(self._make(text, passages))
            task.add_done_callback(lambda _: self._making.pop(key, None))

    async def _make(self, text: models.PaperText, passages: Sequence[str]) -> None:
        async with self._turn:
            if self.clock() < self._resumes_at:
                return
            made: list[bytes] = []
            try:
                for batch in database.chunked(passages, BATCH):
                    made += await self.server.embed(batch, "passage", BATCH_SECONDS)
                if len({*map(len, made)}) > 1:
                    raise EmbeddingError("its vectors have several lengths")
            except EmbeddingError as error:
                self._resumes_at = self.clock() + _PAUSE
                log.warning("vectors not made; will retry later", paper=text.arxiv_id, reason=str(error))
                return
            with isolation.isolated(log, "vectors not stored"):
                async with self.database.transaction() as connection:
                    await paper_texts.put_vectors(connection, text, self.server.model, b"".join(made))

    async def close(self) -> None:
        """Stop making vectors."""
        tasks = [*self._making.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
