"""The use cases of saved papers. A query has words, which are searched, and tags such as `#rl`, of which a paper has all."""

from __future__ import annotations

import asyncio
import heapq
import io
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from bot.archive import arxiv_ids, digest_writer, fields
from bot.archive.exports import ReferenceFile, ReferenceFormat
from bot.client.accounts import TooLargeError
from bot.core import isolation
from bot.core.clock import Clock
from bot.daily import choice
from bot.rendering import discord_text
from bot.shelf import references
from bot.shelf.references import Reference, UnreadableFileError
from bot.sources.base import FetchError
from bot.text import analyser
from storage import accounts, archive, database, models, papers, shelf
from storage.archive import DigestPaper
from storage.database import Connection, Database
from storage.errors import PaperroundError
from storage.shelf import Order

MAX_SAVED = 5_000
"""Papers on a reader's shelf."""
MAX_LISTED_TAGS = 25
"""Tags that are offered: as many as Discord shows."""

Matcher: TypeAlias = Callable[[Connection, str, Sequence[DigestPaper]], Awaitable[Collection[int]]]
"""Returns the ids of those papers that match all of a query, as `/topic` finds them."""


class FullShelfError(PaperroundError):
    """The shelf holds `MAX_SAVED` papers."""


async def _require_room(connection: Connection, user_id: int) -> None:
    """Raise FullShelfError, which undoes the transaction, if it has saved more than `MAX_SAVED` papers."""
    if await shelf.count(connection, user_id) > MAX_SAVED:
        raise FullShelfError(f"You already have {MAX_SAVED:,} saved papers, the maximum.")


class Shelf:
    """Readers' saved papers. `matcher` searches those that the archive lists."""

    def __init__(self, database: Database, clock: Clock, matcher: Matcher) -> None:
        self._database = database
        self._clock = clock
        self._matcher = matcher

    async def save(self, user_id: int, paper_ids: Collection[int], guild_id: int | None = None) -> None:
        """Save papers, in a server or outside; a saved one stays as it is, one removed lately gets back its note and tags.

        Raises FullShelfError, and saves none then.
        """
        now = self._clock()
        async with self._database.transaction() as connection:
            for paper_id in paper_ids:
                await shelf.restore(connection, user_id, paper_id, saved_at=now, guild_id=guild_id)
            await shelf.save(connection, user_id, paper_ids, now, guild_id)
            await _require_room(connection, user_id)

    async def find_ids(self, arxiv_ids: Collection[str]) -> dict[str, int]:
        """Return the ids of the archive's papers among these, by arXiv id."""
        async with self._database.read() as connection:
            return await papers.get_ids(connection, arxiv_ids)

    async def remove(self, user_id: int, paper_id: int) -> bool:
        """Remove a saved paper; `restore` brings it back for a day. Returns False if it was not saved."""
        async with self._database.transaction() as connection:
            return await shelf.remove(connection, user_id, paper_id, self._clock())

    async def restore(self, user_id: int, paper_id: int) -> bool:
        """Bring back a removed paper with its note and tags. Returns False if they are gone. Raises FullShelfError."""
        async with self._database.transaction() as connection:
            is_restored = await shelf.restore(connection, user_id, paper_id)
            await _require_room(connection, user_id)
            return is_restored

    async def has_saved(self, user_id: int, paper_id: int) -> bool:
        """Whether a reader saved this paper."""
        async with self._database.read() as connection:
            return bool((await shelf.list_rows(connection, user_id, paper_ids=[paper_id], limit=1))[1])

    async def get(self, user_id: int, arxiv_id: str) -> models.SavedPaper | None:
        """Return a saved paper, or None."""
        async with self._database.read() as connection:
            return await shelf.get(connection, user_id, arxiv_id)

    async def set_note(self, user_id: int, paper_id: int, note: str) -> None:
        """Replace the note of a saved paper; an empty one removes it."""
        async with self._database.transaction() as connection:
            await shelf.update(connection, user_id, paper_id, note=references.clean_note(note))

    async def set_tags(self, user_id: int, paper_id: int, typed: str) -> None:
        """Replace the tags of a saved paper; `typed` is as of `references.parse_tags`."""
        async with self._database.transaction() as connection:
            await shelf.update(
                connection, user_id, paper_id, tags=references.join_tags(references.parse_tags(typed))
            )

    async def list_tags(self, user_id: int, containing: str = "") -> list[tuple[str, int]]:
        """Return a reader's most used tags that contain a text with the number of their papers, the most used first."""
        async with self._database.read() as connection:
            tags = await shelf.get_tags(connection, user_id)
        return await asyncio.to_thread(_count_tags, tags, containing)

    async def list_saved(
        self,
        user_id: int,
        query: str = "",
        *,
        order: Order = Order.NEWEST,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[models.SavedPaper], int]:
        """Return a page of the saved papers that a query finds, and the number of all of them."""
        async with self._database.read() as connection:
            tags, found = await self._find(connection, user_id, query)
            return await shelf.list_rows(
                connection, user_id, order=order, tags=tags, paper_ids=found, limit=limit, offset=offset
            )

    async def export(
        self, user_id: int, form: ReferenceFormat, query: str = "", order: Order = Order.NEWEST
    ) -> tuple[bytes, int]:
        """Return the saved papers that a query finds as a file, and their number. Raises TooLargeError.

        A few papers are in memory at a time, and none is read once the file is too large.
        """
        rendering, count = ReferenceFile(form), 0
        file = io.BytesIO(rendering.start.encode())
        file.seek(0, io.SEEK_END)
        async with self._database.read() as connection:
            tags, found = await self._find(connection, user_id, query)
            pages = shelf.stream_rows(connection, user_id, order=order, tags=tags, paper_ids=found)
            async with aclosing(pages):
                async for rows in pages:
                    confirmed = await papers.list_with_arxiv_authors(connection, [row.id for row in rows])
                    await asyncio.to_thread(_write, file, rendering, rows, confirmed)
                    count += len(rows)
                    if file.tell() > discord_text.FILE_BYTES:
                        raise TooLargeError(
                            "The file is larger than Discord accepts. Export only one tag or the results of a search."
                        )
        file.write(rendering.end.encode())
        return file.getvalue(), count

    async def share(self, guild_id: int, user_id: int, paper_id: int) -> None:
        """Record that a member shared a paper in a server."""
        async with self._database.transaction() as connection:
            await shelf.add_shared(connection, guild_id, user_id, paper_id, self._clock())

    async def list_of_guild(
        self, guild_id: int, since: datetime, topic: str = "", *, limit: int, offset: int = 0
    ) -> tuple[tuple[choice.ServerPickRow, ...], int]:
        """Return a page of a server's papers as `choice.list_top` orders them, those on a topic if any, and the number of all."""
        async with self._database.read() as connection:
            picked = (await choice.list_top(connection, [guild_id], since)).get(guild_id, ())
            if topic:
                rows = [pick.paper for pick in picked]
                listed = [DigestPaper(0, row.date, row.id, row.arxiv_id, 0, row.votes) for row in rows]
                found = await self._matcher(connection, topic, listed)
                picked = tuple(pick for pick in picked if pick.paper.id in found)
            page = {guild_id: picked[offset : offset + limit]}
            return (await choice.read_authors(connection, page))[guild_id], len(picked)

    async def _find(
        self, connection: Connection, user_id: int, query: str
    ) -> tuple[list[str], frozenset[int] | None]:
        """Return the tags of a query, and the papers that match its words: by the search, or by title, note or id.

        The papers of a query without words are None: any.
        """
        words, tags = references.split_query(query)
        if not words:
            return tags, None
        listed: list[DigestPaper] = []
        found: frozenset[int] = frozenset()
        async with aclosing(shelf.stream_texts(connection, user_id)) as parts:
            async for rows in parts:
                listed += [
                    DigestPaper(0, row.last_on, row.paper_id, row.arxiv_id, 0, row.votes)
                    for row in rows
                    if row.last_on
                ]
                found |= await asyncio.to_thread(_find_in_texts, rows, words)
        if listed:
            found |= frozenset(await self._matcher(connection, words, listed))
        return tags, found


def _write(
    file: io.BytesIO, rendering: ReferenceFile, rows: Sequence[models.SavedPaper], confirmed: Collection[int]
) -> None:
    file.writelines(rendering.add(row, confirmed).encode() for row in rows)


def _count_tags(tags: str, containing: str) -> list[tuple[str, int]]:
    counts = Counter(tags.split())
    found = (item for item in counts.items() if containing in item[0])
    return heapq.nsmallest(MAX_LISTED_TAGS, found, key=lambda item: (-item[1], item[0]))


def _find_in_texts(rows: Sequence[Any], words: str) -> frozenset[int]:
    wanted = analyser.fold(words).split()
    texts = {
        row.paper_id: analyser.fold(f"{row.arxiv_id} {row.title or ''} {row.note} {row.tags}") for row in rows
    }
    return frozenset(paper_id for paper_id, text in texts.items() if all(word in text for word in wanted))


# Importing files: their references are added to the saved papers, those too that no digest has.

MAX_SECONDS = 8.0
"""Time for a file, of the clock and of the processor. The largest of real libraries take two."""
_MAX_MEGABYTES = 400


async def read_references(data: bytes) -> tuple[list[Reference], list[str], int]:
    """Return what `parse_references` returns for a file, in another process. Raises UnreadableFileError."""
    from bot.sources import base  # which imports aiohttp, and the shell shows saved papers without it

    found: list[Reference] = []
    try:
        text = base.decode_text(data)
        parts = isolation.stream_isolated(
            references.stream_references, text, seconds=MAX_SECONDS, megabytes=_MAX_MEGABYTES
        )
        async with asyncio.timeout(MAX_SECONDS), aclosing(parts):
            problems, left_out = await anext(parts)
            async for part in parts:
                found += part
    except TimeoutError as error:
        raise UnreadableFileError("reading it took too long") from error
    except (FetchError, isolation.ChildError) as error:
        raise UnreadableFileError(str(error)) from error
    return found, problems, left_out


MAX_FILE_BYTES = 2_000_000
MAX_NEW = 5_000
"""New papers (of no reader or digest) that one reader may add within NEW_PERIOD: the services are asked about each.

One with more than its share of `fields.MAX_NAMES_LENGTH` counts as several. `saved-import-limited` names both."""
NEW_PERIOD = timedelta(days=30)
BATCH_SIZE = 100


class Imported(NamedTuple):
    """What became of the references of a file, and where some of those are that were not taken.

    The counts are `saved`, of these `unlisted` in no digest and `new` to the archive; and not taken: `known`, which
    were saved before, `without_id`, `broken`, `unread` behind MAX_REFERENCES, `limited` by MAX_NEW, and `full` for want
    of room.
    """

    counts: Counter[str]
    broken_places: list[str]
    """Lines, or `#3` for the third entry of a file that is not read by lines."""
    without_id: list[tuple[str, str]]
    """Such a place, and the title, of some references without an arXiv id."""


class ReferenceImporter:
    """Imports files. Reading one takes seconds of CPU time, so readers' files are transfers, one at a time.

    How many papers are new by each reader is kept in memory only, so that it outlasts `/me forget`, but no restart.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._added: list[tuple[datetime, int, int]] = []
        """When papers were added, by whom, and how many they count as."""

    async def import_file(self, user_id: int, data: bytes, *, is_kept: bool = False) -> Imported:
        """Save the papers of a file, and return what became of its references. Raises UnreadableFileError.

        It ends without those left if the reader's data is deleted meanwhile: since now, or if `is_kept`, which says that there
        was some then, since the reader asked for the import.
        """
        async with self._database.read() as connection:
            is_kept = is_kept or await accounts.has_reader_data(connection, user_id)
        found, problems, left_out = await read_references(data)
        ordered, counts, without_id = await asyncio.to_thread(_prepare, found, self._clock())
        counts["unread"] = max(0, len(found) + left_out - references.MAX_REFERENCES)
        counts["broken"] = left_out - counts["unread"]
        async with self._database.read() as connection:
            known = set(await shelf.list_paper_ids(connection, user_id))
        for batch in database.chunked(ordered, BATCH_SIZE):
            async with self._database.transaction() as connection:
                await archive.lock_ingest(connection)
                await accounts.lock_reader(connection, user_id)
                if is_kept and not await accounts.has_reader_data(connection, user_id):
                    # The reader's data was deleted meanwhile: nothing may be kept of the rest, or said to be.
                    return Imported(Counter(), [], [])
                # Not by what is known: another process may read a file of the same reader.
                room = max(0, MAX_SAVED - await shelf.count(connection, user_id))
                saved = await _save(connection, user_id, batch, known, self._count_room(user_id), room)
            is_kept = is_kept or bool(saved["saved"])
            self._added.append((self._clock(), user_id, saved.pop("cost")))
            counts += saved
        return Imported(counts, problems, without_id)

    def _count_room(self, user_id: int) -> int:
        """Return how many new papers a reader may add now."""
        since = self._clock() - NEW_PERIOD
        self._added = [added for added in self._added if added[0] > since and added[2]]
        return max(0, MAX_NEW - sum(cost for _, reader, cost in self._added if reader == user_id))


def _prepare(
    read: Iterable[Reference], now: datetime
) -> tuple[list[Reference], Counter[str], list[tuple[str, str]]]:
    """Return the references as they are stored, each paper once, the counts of the others, and some of those without an id."""
    without_id: list[tuple[str, str]] = []
    found: dict[str, Reference] = {}
    counts: Counter[str] = Counter()
    for reference in read:
        if not arxiv_ids.is_possible(reference["arxiv_id"] or "", now.date()):
            counts["without_id"] += 1
            if len(without_id) < references.MAX_NAMED_PROBLEMS:
                without_id.append((reference["place"], reference["title"]))
        elif reference["arxiv_id"] in found:
            counts["known"] += 1
        else:
            found[reference["arxiv_id"]] = {
                **reference,
                "tags": references.join_tags(reference["tags"]),
                # The first of a file is the newest of the list, as in an export.
                "saved_at": now - timedelta(microseconds=len(found)),
            }
    return list(found.values()), counts, without_id


async def _save(
    connection: Connection, user_id: int, batch: Sequence[Reference], known: set[int], max_new: int, room: int
) -> Counter[str]:
    """Save a batch of references as far as there is room, add them to those known, and return the counts."""
    ids = await papers.get_ids(connection, [reference["arxiv_id"] for reference in batch])
    fresh = [reference for reference in batch if ids.get(reference["arxiv_id"]) not in known]
    listed = {row.id for row in await papers.list_rows(connection, list(ids.values()))}
    allowed: list[tuple[Reference, int]] = []
    for reference in fresh:
        paper_id, names = ids.get(reference["arxiv_id"]), sum(map(len, reference["authors"]))
        cost = 0 if paper_id in listed else (paper_id is None) + names * MAX_NEW // fields.MAX_NAMES_LENGTH
        if cost <= max_new:
            max_new -= cost
            allowed.append((reference, cost))
    taken = [reference for reference, _ in allowed[:room]]
    new = [reference["arxiv_id"] for reference in taken if reference["arxiv_id"] not in ids]
    ids |= await papers.add(connection, digest_writer.unlisted_papers(new))
    taken_ids = [ids[reference["arxiv_id"]] for reference in taken]
    rows = [
        {
            "paper_id": paper_id,
            **{name: reference[name] for name in ("saved_at", "note", "tags")},
            # The title and the authors of a file count only for this reader.
            "title": None if paper_id in listed else reference["title"] or None,
            "authors": None if paper_id in listed else reference["authors"],
        }
        for paper_id, reference in zip(taken_ids, taken, strict=True)
    ]
    await shelf.add(connection, user_id, rows)
    for paper_id in await shelf.list_removed(connection, user_id, taken_ids):
        # Its note and tags are there again where the file gives no others.
        await shelf.restore(connection, user_id, paper_id)
    known.update(taken_ids)
    return Counter(
        saved=len(taken),
        unlisted=len([id_ for id_ in taken_ids if id_ not in listed]),
        new=len(new),
        known=len(batch) - len(fresh),
        limited=len(fresh) - len(allowed),
        full=len(allowed) - len(taken),
        cost=sum(cost for _, cost in allowed[:room]),
    )
