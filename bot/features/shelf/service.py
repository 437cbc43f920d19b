"""Saves, lists, searches, imports and exports readers' papers, and those of servers' lists.

A paper matches a query if it has all of the query's words and tags (such as `#rl`).
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, TypeAlias, assert_never

import structlog

from bot.archive import digest_writer, references, schemes
from bot.archive.exports import ReferenceFormat, render_references
from bot.archive.references import Reference
from bot.core import isolation
from bot.core.clock import Clock
from bot.features.shelf import notes
from bot.rendering import discord_text
from bot.text import analyser, typography
from storage import accounts, archive, club, models, news, outbox, papers, shelf
from storage.archive import DigestPaper
from storage.database import Connection, Database
from storage.errors import UsageError
from storage.papers import PaperEvent
from storage.shelf import Owner
from storage.snapshot import chunked

log = structlog.get_logger(__name__)

MAX_LISTED_TAGS = 25
"""The maximum number of tags offered, limited by Discord."""

Matcher: TypeAlias = Callable[[str, Sequence[DigestPaper]], Awaitable[Collection[int]]]
"""Returns the ids of the papers that fully match a query, as in `/topic`."""

FindTitled: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, str]]]
"""Returns the keys of the archive's papers with exactly these titles, by title."""

FetchTitled: TypeAlias = Callable[[int, Sequence[str]], Awaitable[Mapping[str, str | None]]]
"""Asks arXiv for papers with exactly these titles for a reader. None: arXiv lacks it. Titles left out were not asked for."""


class View(StrEnum):
    """Selections that are computed and used like tags.

    Unread are saved papers without `#read`, and those on a server's list that it neither discussed nor read in its club. Read
    are those that the club read, mine those that the reader added, updated those about which something is new.
    """

    UNREAD = "unread"
    READ = "read"
    MINE = "mine"
    UPDATED = "updated"


def list_views(owner: Owner) -> list[View]:
    """Return the views that an owner's papers have."""
    return [*View] if owner.server_id else [View.UNREAD, View.UPDATED]


@dataclass(frozen=True, slots=True)
class SavedPage:
    """A page of an owner's papers, and what is shown with them. Mappings are keyed by paper id."""

    papers: tuple[models.SavedPaper, ...]
    total: int
    tags: Sequence[tuple[str, int]]
    """The tags and views of all papers of the owner, each with its number of papers."""
    events: Mapping[int, Sequence[PaperEvent]]
    discussions: Mapping[int, club.Discussion]
    savers: Mapping[tuple[int, int], int]
    """How many members of a server saved a paper, by server and paper id."""
    news: news.NewsReader | None
    """The reader's switch for weekly messages; None: off, or a server's list."""


_READ_SECONDS, _READ_MEGABYTES, _RESULT_MEGABYTES = 20, 500, 6
"""The CPU time and memory of a process that reads a file, and what it may send: some twice the largest file."""
_ADDED_AT_ONCE = 500
"""Papers of an import. Thousands would hold the event loop."""


@dataclass(eq=False)
class Shelf:
    """Stores readers' saved papers. `_matcher` searches digests' papers.

    `find_titled` and then `fetch_titled` find the papers of references without an arXiv id. None: arXiv is not asked.
    """

    _database: Database
    _clock: Clock
    _matcher: Matcher
    find_titled: FindTitled
    fetch_titled: FetchTitled | None

    async def save(self, user_id: int, paper_ids: Collection[int], server_id: int | None = None) -> None:
        """Save papers that are not saved yet. Raises UsageError, without saving any, if there are too many."""
        await self._database.write(shelf.save, user_id, paper_ids, self._clock(), server_id)

    async def _find_in_view(self, connection: Connection, owner: Owner, view: View) -> Collection[int]:
        """Return the papers of an owner that are in a view."""
        now = self._clock()
        match view:
            case View.UPDATED:
                return (await news.list_waiting(connection, owner, now)).keys()
            case View.MINE:
                return await shelf.list_paper_ids(connection, owner.id, added_by=owner.reader_id)
            case View.UNREAD if not owner.server_id:
                return await club.list_unread(connection, owner.reader_id)
            case View.UNREAD | View.READ:
                listed = set(await shelf.list_paper_ids(connection, owner.id))
                discussions = await club.list_discussions(connection, owner.server_id, now)
                if view is View.UNREAD:
                    return listed - discussions.keys()
                return listed & {
                    paper_id for paper_id, discussion in discussions.items() if discussion.is_read
                }
            case _:
                assert_never(view)

    async def import_file(
        self, owner: Owner, data: bytes, *, is_kept: bool, with_tags: bool = False
    ) -> Imported:
        """Save the papers of a file's references, the first as the newest. Raises UsageError if it names none.

        A server's list gets the papers alone: a file's titles, notes and tags may be private.

        A reference without an arXiv id is looked up by its title. Notes and tags of this bot's exports, and tags of other
        files `with_tags`, are restored where the paper lacks them. `is_kept`: the reader had data when the import was
        requested. If that data has been deleted since, nothing is saved.
        """
        now, user_id = self._clock(), owner.reader_id
        file = await _read_file(data, now.date(), with_tags=with_tags)
        titled = await self._find_by_title(user_id, file)
        by_id: dict[str, Reference] = {}
        skipped, unasked, repeated = list[str](), list[str](), list[str]()
        for reference in file:
            paper_key = reference.arxiv_id or titled.get(reference.title) or reference.other_key
            if paper_key is not None:
                if by_id.setdefault(paper_key, reference) is not reference:
                    repeated.append(reference.label)
            else:
                is_known = not reference.is_title_stated or reference.title in titled
                (skipped if is_known else unasked).append(reference.label)
        async with self._database.transaction() as connection:
            await archive.lock_ingest(connection)
            await shelf.lock(connection, owner.id, user_id)
            if is_kept and not await accounts.count_reader_data(connection, user_id):
                return Imported()
            saved_ids = set(await shelf.list_paper_ids(connection, owner.id))
            ids = await papers.get_ids(connection, by_id)
            keys = {ids[paper_key]: paper_key for paper_key in reversed([*by_id]) if paper_key in ids}
            by_other_name = [key for key in by_id if key in ids and keys[ids[key]] != key]
            repeated += [by_id.pop(paper_key).label for paper_key in by_other_name]
            fresh = [paper_key for paper_key in by_id if ids.get(paper_key) not in saved_ids]
            taken = fresh[: max(0, owner.limit - len(saved_ids))]
            missing = [paper_key for paper_key in taken if paper_key not in ids]
            for chunk in chunked(missing, _ADDED_AT_ONCE):
                ids |= await papers.add(connection, digest_writer.unlisted_papers(chunk))
            taken_ids = [ids[paper_key] for paper_key in taken]
            listed = await papers.list_rows(connection, [ids[key] for key in by_id if key in ids])
            times = {id_: now - timedelta(microseconds=number) for number, id_ in enumerate(taken_ids)}
            if owner.server_id:
                await shelf.save_at(connection, owner.id, times, added_by=user_id)
            else:
                titles = {ids[key]: title for key in taken if (title := by_id[key].title)}
                await shelf.save_at(connection, user_id, times, own_titles=titles)
                await self._restore(
                    connection, user_id, {ids[key]: by_id[key] for key in by_id if key in ids}
                )
        known_titles = {row.key: row.title for row in listed}
        names = {paper_key: known_titles.get(paper_key) or row.label for paper_key, row in by_id.items()}
        return Imported(
            saved={paper_key: names[paper_key] for paper_key in taken},
            unlisted=sum(
                schemes.is_arxiv(paper_key) and paper_key not in known_titles for paper_key in taken
            ),
            known=tuple(names[paper_key] for paper_key in by_id if paper_key not in fresh),
            repeated=tuple(repeated),
            full=len(fresh) - len(taken),
            skipped=tuple(skipped),
            unasked=tuple(unasked),
            asks_arxiv=self.fetch_titled is not None,
        )

    async def _find_by_title(self, user_id: int, file: Sequence[Reference]) -> dict[str, str | None]:
        """Return the arXiv ids of references without one, by title.

        None: no paper has the title. Titles that were not looked up are left out. A line of a text is sought in the archive
        alone: it may be private.
        """
        rows = [row for row in file if row.arxiv_id is None and row.title][:MAX_TITLES]
        ids: dict[str, str | None] = dict(await self.find_titled([row.title for row in rows])) if rows else {}
        others = [row.title for row in rows if row.is_title_stated and row.title not in ids]
        if self.fetch_titled and others:
            ids |= await self.fetch_titled(user_id, others)
        return ids

    async def _restore(
        self, connection: Connection, user_id: int, references: Mapping[int, Reference]
    ) -> None:
        """Give saved papers the notes and tags of their references, unless they have some. Names of views are no tags."""
        noted = {id_: row for id_, row in references.items() if row.note or row.tags}
        views = list_views(Owner(user_id))
        for row in await shelf.list_annotations(connection, user_id) if noted else ():
            if (reference := noted.get(row.paper_id)) is not None:
                tags = notes.join_tags([tag for tag in notes.parse_tags(reference.tags) if tag not in views])
                await shelf.update(
                    connection,
                    user_id,
                    row.paper_id,
                    note=row.note or notes.clean_note(reference.note),
                    tags=row.tags or tags,
                )

    async def annotate(self, owner: Owner, paper_id: int, *, note: str, tags: str) -> list[str]:
        """Replace the note and tags of an owner's paper.

        Returns the tags that are not kept: those beyond the limits, and names of views, which would hide them.
        """
        typed, views = notes.split_tags(tags), list_views(owner)
        fitting = [tag for tag in typed if len(tag) <= notes.MAX_TAG_LENGTH and tag not in views]
        kept = fitting[: notes.MAX_TAGS]
        # The form bounds what is typed, but not a note that two papers had before they became one.
        values = {"note": notes.clean_note(note, discord_text.TEXT), "tags": notes.join_tags(kept)}
        await self._database.write(shelf.update, owner.id, paper_id, **values)
        return [tag for tag in typed if tag not in kept]

    async def start_news(self, user_id: int, zone: str) -> None:
        """Tell a reader of events of saved papers, in a zone (IANA) unless the reader chose one."""
        now = self._clock()
        async with self._database.transaction() as connection:
            await news.switch_on(connection, news.NewsReader(user_id, now, zone))
            await outbox.try_direct(connection, models.DeliveryKind.NEWS, user_id, now)

    async def list_tags(self, owner: Owner, containing: str = "") -> list[tuple[str, int]]:
        """Return the tags of an owner's papers that contain a text, each with its number of papers.

        The most used come first; before them views, unless they contain none or all of the papers.
        """
        async with self._database.read() as connection:
            tags = await shelf.get_tags(connection, owner.id)
            total = await shelf.count(connection, owner.id)
            views = [
                (view.value, len(await self._find_in_view(connection, owner, view)))
                for view in list_views(owner)
                if total and containing in view
            ]
        counts = Counter(tag for tag in tags.split() if containing in tag)
        of_tags = heapq.nsmallest(MAX_LISTED_TAGS, counts.items(), key=lambda item: (-item[1], item[0]))
        return [*((name, count) for name, count in views if 0 < count < total), *of_tags][:MAX_LISTED_TAGS]

    async def load_page(
        self, owner: Owner, query: str = "", *, limit: int | None = None, offset: int = 0
    ) -> SavedPage:
        """Return a page of an owner's papers that match all words and tags of a query."""
        tags, now, server_id = await self.list_tags(owner), self._clock(), owner.server_id
        async with self._database.read() as connection:
            saved, total = await self._list_matching(connection, owner, query, limit=limit, offset=offset)
            return SavedPage(
                papers=tuple(saved),
                total=total,
                tags=tags,
                events=await news.list_waiting(connection, owner, now),
                discussions=await club.list_discussions(connection, server_id, now) if server_id else {},
                savers=await shelf.count_savers(connection, [row.id for row in saved]) if server_id else {},
                news=None if server_id else await news.get(connection, owner.reader_id),
            )

    async def export(self, owner: Owner, form: ReferenceFormat, query: str = "") -> tuple[bytes, int]:
        """Return all papers of `load_page` as a file, and their number. Raises UsageError if it is too large."""
        async with self._database.read() as connection:
            saved, count = await self._list_matching(connection, owner, query)
            confirmed = await papers.list_with_arxiv_authors(connection, [paper.id for paper in saved])
            published = await papers.list_published(connection, [paper.id for paper in saved])
        dated = [replace(paper, published_on=published.get(paper.id)) for paper in saved]
        data = (await asyncio.to_thread(render_references, form, dated, confirmed)).encode()
        if len(data) > discord_text.FILE_BYTES:
            text = "The file is larger than Discord accepts. Export only one tag or the results of a search."
            raise UsageError(text, "saved-export-too-large")
        return data, count

    async def _list_matching(
        self, connection: Connection, owner: Owner, query: str, *, limit: int | None = None, offset: int = 0
    ) -> tuple[list[models.SavedPaper], int]:
        """Return a page of the papers that match all words of a query and have all its tags, and how many these are."""
        words, typed = notes.split_query(query)
        views = [view for view in list_views(owner) if view in typed]
        conditions = [set(await self._find_in_view(connection, owner, view)) for view in views]
        if words:
            conditions.append(await self._find_words(connection, owner, words))
        rows, total = await shelf.list_rows(
            connection,
            owner.id,
            tags=[tag for tag in typed if tag not in views],
            paper_ids=set.intersection(*conditions) if conditions else None,
            limit=limit,
            offset=offset,
        )
        return [row.with_own_title() for row in rows], total

    async def _find_words(self, connection: Connection, owner: Owner, words: str) -> set[int]:
        """Return the papers with these words in their title, note, tags or id, or in a digest's text."""
        saved = await shelf.list_texts(connection, owner.id)
        listed = [
            DigestPaper(0, row.last_on, row.paper_id, row.key, 0, row.votes) for row in saved if row.last_on
        ]
        return await asyncio.to_thread(_find_in_texts, saved, words) | {*await self._matcher(words, listed)}


async def _read_file(data: bytes, today: date, *, with_tags: bool) -> list[Reference]:
    """Read a file's references in a child process. Raises UsageError for none, beyond its limits, and if it cannot be read."""
    try:
        rows = await isolation.run_isolated(
            references.read_references,
            data,
            today,
            with_tags,
            seconds=_READ_SECONDS,
            megabytes=_READ_MEGABYTES,
            result_megabytes=_RESULT_MEGABYTES,
        )
    except isolation.ChildLimitError as error:
        raise UsageError("The whole file cannot be read in time.", "saved-import-too-slow") from error
    except isolation.ChildError as error:
        isolation.log_error(log, "file of references not read because of a bug", error)
        raise UsageError("The file cannot be read.", "saved-import-unreadable") from error
    if not rows:
        raise UsageError("The file names no paper by its arXiv id or title.", "saved-import-no-ids")
    if len(rows) > references.MAX_REFERENCES:
        text = f"The file has more than {references.MAX_REFERENCES:,} references."
        raise UsageError(text, "saved-import-too-many", count=references.MAX_REFERENCES)
    return [Reference(**row) for row in rows]


def _find_in_texts(rows: Sequence[Any], words: str) -> set[int]:
    wanted = analyser.fold(words).split()
    texts = {
        row.paper_id: analyser.fold(
            f"{row.key} {typography.to_plain_text(row.title or '')} {row.note} {row.tags}"
        )
        for row in rows
    }
    return {paper_id for paper_id, text in texts.items() if all(word in text for word in wanted)}


# Imports save the papers of all references in a file, including those that no digest lists.

MAX_FILE_BYTES = 2_000_000
MAX_TITLES = 500
"""The most titles of references that are looked up."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The papers that an import saved, each with its title or what else the file calls it, by arXiv id, and those it skipped.

    `unlisted` papers were saved but are in no digest. `known` papers had been saved before, `repeated` are further entries of a
    paper in the file, `full` papers were skipped because the shelf was full. `skipped` are the labels of references without
    an arXiv id or a known title, `unasked` of those whose title was not looked up at arXiv, now or, if this bot never
    `asks_arxiv`, at all.
    """

    saved: Mapping[str, str] = field(default_factory=dict)
    unlisted: int = 0
    known: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    full: int = 0
    skipped: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    asks_arxiv: bool = True
