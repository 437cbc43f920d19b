"""Vectors of texts from an OpenAI-compatible server, as unit vectors of half floats.

They are made in the background (`VectorMaker`), and fused with orders by words (`TextVectors`).
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from operator import mul
from typing import Any, Literal, NamedTuple

import structlog

from bot.archive import summaries
from bot.core import isolation
from bot.core.clock import Clock
from bot.core.model_server import ModelError, ModelServer, read_response
from bot.core.settings import Settings
from bot.text import typography
from storage import models, paper_texts, search, vectors
from storage.database import Database
from storage.snapshot import Snapshot, chunked
from storage.vectors import VectorKind

log = structlog.get_logger(__name__)

BATCH = 8
"""Texts in a request."""
MAX_CHARACTERS = 2_000
"""Of a text; models read some 512 tokens."""
_MAX_BYTES, _MAX_DIMENSIONS = 16_000_000, 8_192
_BYTES = 2
"""Of a half float."""
_REFUSALS = (400, 413, 422, 500)
"""Statuses of servers that cannot read a text, such as one of too many tokens."""
TextRole = Literal["query", "passage"]


class RefusedError(ModelError):
    """Raised if a server may have refused one of the texts."""


@dataclass(eq=False, repr=False)
class EmbeddingServer:
    """A model on a server, by the address of its API (`…/v1`), its name there, and a key if it needs one.

    Models of the E5 family distinguish questions from passages by a word in front of the text; `{type}` in the name is replaced
    by it for servers that take it from there. `dimensions` is the length of the last vectors, 0 before the first ones.
    """

    url: str
    model: str
    key: str | None
    dimensions: int = field(default=0, init=False)
    _server: ModelServer = field(init=False)
    _has_changed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        url = self.url.rstrip("/").removesuffix("/embeddings")
        self._server = ModelServer(url, self.key, max_bytes=_MAX_BYTES)

    async def embed(self, texts: Sequence[str], kind: TextRole, seconds: float) -> list[bytes]:
        """Return the vectors of at most BATCH texts. Raises ModelError, also after `seconds`."""
        is_named, is_e5 = "{type}" in self.model, "e5" in self.model.lower()
        begin = f"{kind}: " if is_e5 and not is_named else ""
        request: dict[str, Any] = {
            "model": self.model.replace("{type}", kind),
            "input": [begin + text[:MAX_CHARACTERS] for text in texts],
        }
        status, record, _ = await read_response(*await self._server.post("embeddings", request, seconds))
        if status != 200:
            kind_of_error = RefusedError if status in _REFUSALS else ModelError
            raise kind_of_error(f"it answers with status {status}")
        made = await asyncio.to_thread(_read_vectors, record, len(texts))
        self._note(len(made[0]) // _BYTES)
        return made

    def _note(self, dimensions: int) -> None:
        if self.dimensions not in (0, dimensions) and not self._has_changed:
            self._has_changed = True
            log.warning(
                "the embeddings server's vectors have another length than before; all are made again",
                before=self.dimensions,
                now=dimensions,
            )
        self.dimensions = dimensions

    async def close(self) -> None:
        await self._server.aclose()


def find_server(settings: Settings) -> EmbeddingServer | None:
    if settings.embeddings_url is None or settings.embeddings_model is None:
        return None
    key = None if settings.embeddings_key is None else settings.embeddings_key.get_secret_value()
    return EmbeddingServer(settings.embeddings_url, settings.embeddings_model, key)


def _read_vectors(record: Mapping[str, Any], count: int) -> list[bytes]:
    """Return the vectors in an answer in their order. Raises ModelError if it has not one of one length for each text."""
    try:
        rows = sorted(record["data"], key=lambda row: int(row["index"]))
        made = [[float(number) for number in row["embedding"]] for row in rows]
        [dimensions] = {len(vector) for vector in made}
        lengths = [math.hypot(*vector) for vector in made]
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        raise ModelError("its answer has no vectors of one length") from None
    if len(made) != count or not 0 < dimensions <= _MAX_DIMENSIONS:
        raise ModelError(f"its answer has {len(made)} vectors for {count} texts")
    if not all(length and math.isfinite(length) for length in lengths):
        raise ModelError("its answer has a vector without a direction")
    return [
        struct.pack(f"<{dimensions}e", *(number / length for number in vector))
        for vector, length in zip(made, lengths, strict=True)
    ]


# Orders.


def rank(query: bytes, made: bytes) -> list[int]:
    """Return the numbers of joined vectors by similarity to a query's of the same length, nearest first."""
    if not made:
        return []
    dimensions = len(query) // _BYTES
    wanted = struct.unpack(f"<{dimensions}e", query)
    similarities = [sum(map(mul, wanted, vector)) for vector in struct.iter_unpack(f"<{dimensions}e", made)]
    return sorted(range(len(similarities)), key=lambda number: -similarities[number])


_FUSION = 10
"""The constant of reciprocal rank fusion (Cormack et al. 2009), for short lists."""


def fuse(by_words: Sequence[int], by_meaning: Sequence[int], weight: float = 1.0) -> list[int]:
    """Return what two orders have, by the sum of its reciprocal ranks; equals as the first one has them.

    `weight` is that of the second one.
    """
    scores: dict[int, float] = {}
    for order, share in ((by_words, 1.0), (by_meaning, weight)):
        for place, number in enumerate(order, start=1):
            scores[number] = scores.get(number, 0.0) + share / (_FUSION + place)
    return sorted(scores, key=lambda number: -scores[number])


_PAPERS_WEIGHT = 0.5
"""Of the order of papers by meaning: as much as that of words lowers nDCG@10 of questions."""


def _fuse_papers(order: Sequence[int], query: bytes, made: Mapping[int, bytes]) -> list[int]:
    """Fuse an order of papers with their similarity to a query. Those without a vector keep their places in both."""
    with_vector = [paper_id for paper_id in order if query and len(made.get(paper_id, b"")) == len(query)]
    nearest = rank(query, b"".join(made[paper_id] for paper_id in with_vector))
    placed, following = {*with_vector}, iter(nearest)
    by_meaning = [with_vector[next(following)] if paper_id in placed else paper_id for paper_id in order]
    return fuse(order, by_meaning, _PAPERS_WEIGHT)


QUESTION_SECONDS, BATCH_SECONDS = 0.3, 120.0
"""The maximum time that a question waits for its vector, and the background for those of a batch."""
_PAUSE = timedelta(minutes=1)
"""The time for which questions skip a server that failed, unless it names a longer one."""
_MAX_ASKED = 256
"""The questions whose vectors are cached, so that a list's later pages have the order of the first one."""


@dataclass(eq=False)
class TextVectors:
    """Orders passages and papers by the vectors stored for them (see `VectorMaker`) and that of a question."""

    database: Database
    clock: Clock
    server: EmbeddingServer
    seconds: float = QUESTION_SECONDS
    _asked: dict[str, bytes] = field(default_factory=dict, init=False)
    _resumes_at: datetime = field(default=models.NEVER, init=False)

    async def rank(self, text: models.PaperText, passages: Sequence[str], asked: str) -> list[int]:
        """Return the numbers of a stored text's passages by similarity to a question, or [] if that is not known in time."""

        def find(view: Snapshot) -> dict[int, tuple[str, bytes]]:
            ids = search.get_paper_ids(view, [text.arxiv_id]).values()
            return vectors.list_data(view, VectorKind.PASSAGES, ids, self.server.model)

        for text_hash, made in (await self.database.look_up(find)).values():
            if text_hash != _hash(passages):
                await self.database.write(vectors.remove_passages, [text.arxiv_id])
            else:
                query = await self._find_vector(asked)
                if len(made) == len(passages) * len(query):
                    return await asyncio.to_thread(rank, query, made)
        return []

    async def fuse(self, orders: Sequence[Sequence[int]], asked: str) -> list[list[int]]:
        """Fuse each of several orders of papers with their similarity to a question, if that is known in time."""
        ids = [paper_id for order in orders for paper_id in order]
        made = await self.database.look_up(self._list_data, ids)
        query = await self._find_vector(asked) if made else b""
        return await asyncio.to_thread(lambda: [_fuse_papers(order, query, made) for order in orders])

    def fuse_similar(self, view: Snapshot, paper_id: int, order: Sequence[int]) -> list[int]:
        made = self._list_data(view, [paper_id, *order])
        return _fuse_papers(order, made.get(paper_id, b""), made)

    def _list_data(self, view: Snapshot, paper_ids: Iterable[int]) -> dict[int, bytes]:
        stored = vectors.list_data(view, VectorKind.SUMMARY, paper_ids, self.server.model)
        return {paper_id: made for paper_id, (_, made) in stored.items() if made}

    async def _find_vector(self, asked: str) -> bytes:
        """Return a question's vector, or b"" if the server does not give it in time."""
        if len(self._asked.get(asked, b"")) != self.server.dimensions * _BYTES or not self.server.dimensions:
            if self.clock() < self._resumes_at:
                return b""
            try:
                [query] = await self.server.embed([asked], "query", self.seconds)
            except ModelError as error:
                self._resumes_at = self.clock() + max(_PAUSE, timedelta(seconds=error.retry_after))
                log.info("question has no vector; the server is skipped for a while", reason=str(error))
                return b""
            self._asked[asked] = query
            if len(self._asked) > _MAX_ASKED:
                del self._asked[next(iter(self._asked))]
        return self._asked[asked]


# Making vectors.

_PAPERS_AT_ONCE = 64
_MIN_CHARACTERS = 200
"""A text that a server refuses is cut by halves to no less."""
_PROBE = "paper"
"""A text that any model reads."""


class _Source(NamedTuple):
    """Texts whose vectors are missing, with the paper's id and change."""

    paper_id: int
    kind: VectorKind
    changed: int
    name: str
    texts: Sequence[str]


def _hash(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(text[:MAX_CHARACTERS] for text in texts).encode()).hexdigest()


@dataclass(eq=False)
class VectorMaker:
    """Makes the vectors that are missing, or of another model. `split` returns the passages of a paper's text."""

    database: Database
    server: EmbeddingServer
    split: Callable[[models.PaperText], Awaitable[Sequence[str]]]

    async def make(self) -> bool:
        """Make all missing vectors: of texts, then of papers, the newest first, until their length changes.

        Returns False after an error, which is logged.
        """
        with isolation.isolated(log, "vectors not made; will retry later"):
            if not self.server.dimensions:
                # It may serve another model by the same name.
                await self.server.embed([_PROBE], "passage", BATCH_SECONDS)
            dimensions = self.server.dimensions
            # If two models share an address, each would discard what the other made, endlessly.
            while await self._make_some() and self.server.dimensions == dimensions:
                pass
            return True
        return False

    async def _make_some(self) -> bool:
        """Make the vectors of a text or of some papers. Returns False if none was missing."""
        made_by = self.server.model, self.server.dimensions
        async with self.database.read() as connection:
            unsplit = await paper_texts.find_without_vectors(connection, *made_by)
            due = [] if unsplit else await vectors.list_due(connection, *made_by, limit=_PAPERS_AT_ONCE)
        if unsplit:
            paper_id, text = unsplit
            passages = await self.split(text)
            await self._make([_Source(paper_id, VectorKind.PASSAGES, 0, text.arxiv_id, passages)])
            return True
        by_id = {paper.paper_id: paper for paper in due}

        def read(view: Snapshot) -> list[_Source]:
            return [
                _Source(
                    paper.id, VectorKind.SUMMARY, by_id[paper.id].changed, paper.arxiv_id, _summarise(paper)
                )
                for paper in search.list_documents(view, [*by_id], summaries.select_shown)
            ]

        sources = await self.database.look_up(read)
        unchanged = [source for source in sources if _hash(source.texts) == by_id[source.paper_id].hash]
        if unchanged:
            await self.database.write(vectors.follow, [by_id[source.paper_id] for source in unchanged])
        await self._make([source for source in sources if source not in unchanged])
        return bool(due)

    async def _make(self, sources: Sequence[_Source]) -> None:
        texts = [(source.name, text) for source in sources for text in source.texts]
        made = [vector for batch in chunked(texts, BATCH) for vector in await self._embed(batch)]
        if len({self.server.dimensions * _BYTES, *map(len, made)}) > 1:
            raise ModelError("its vectors have several lengths")
        following = iter(made)
        rows = [
            vectors.Vectors(
                source.paper_id,
                source.kind,
                self.server.model,
                self.server.dimensions,
                _hash(source.texts),
                source.changed,
                b"".join(islice(following, len(source.texts))),
            )
            for source in sources
        ]
        async with self.database.transaction() as connection:
            await vectors.put(connection, rows)
            if any(row.kind is VectorKind.PASSAGES for row in rows):
                await paper_texts.trim(connection)

    async def _embed(self, texts: Sequence[tuple[str, str]]) -> list[bytes]:
        """Return the vectors of (name, text) pairs. One that the server refuses is cut; if that does not help, it gets zero."""
        try:
            return await self.server.embed([text for _, text in texts], "passage", BATCH_SECONDS)
        except RefusedError as error:
            half = len(texts) // 2
            if half:
                return [*await self._embed(texts[:half]), *await self._embed(texts[half:])]
            [(name, text)] = texts
            shown = text[: min(len(text), MAX_CHARACTERS) // 2]
            if len(shown) >= _MIN_CHARACTERS:
                log.info(
                    "the embeddings server refused a text; its first half is tried",
                    paper=name,
                    characters=len(shown),
                )
                return await self._embed([(name, shown)])
            # Raises if the server refuses everything.
            [accepted] = await self.server.embed([_PROBE], "passage", BATCH_SECONDS)
            log.warning("a text has no vector", paper=name, text=text[:60], reason=str(error))
            return [bytes(len(accepted))]


def _summarise(paper: models.IndexDocument) -> list[str]:
    """Return the title and summary of a paper as one text; [] without any."""
    title = typography.to_plain_text(paper.title or "")
    bodies = (section.body for section in paper.sections)
    text = "\n".join(filter(None, (title, *bodies, paper.abstract)))
    return [text] if text.strip() else []
