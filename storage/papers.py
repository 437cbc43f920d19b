"""Papers: facts from services, merged records, lists and details, and authors."""

from __future__ import annotations

import hashlib
import operator
import secrets
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import alerts, archive, club, models, search, shelf, snapshot, sources, statements, withdrawals
from storage import tables as t
from storage.models import (
    ARXIV_FIELDS,
    ArchiveExtent,
    DigestFormat,
    MergedPaper,
    PaperDetail,
    PaperFacts,
    PaperRow,
)
from storage.search import Author
from storage.tables import RowId, metadata, name_claims, paper_names, papers, reference, required, table_of

paper_changes = sa.Table(
    "paper_changes",
    metadata,
    sa.Column("number", RowId, primary_key=True, autoincrement=False, comment="as in `papers.changed`"),
    required("token", sa.Text, comment="random; other after a backup is restored"),
)

facts = table_of(
    models.PaperFacts,
    "facts",
    reference("paper_id", "papers.id", primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    omit=("paper_key", "source_rank", "names"),
)


class EventKind(StrEnum):
    """A kind of change to a paper that the archive already had."""

    CODE = "code"
    VERSION = "version"
    COMMENT = "comment"
    JOURNAL = "journal"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class PaperEvent:
    """Something new about a paper, found at a time (UTC) and stored once.

    `text` is the address of the code, the number of the version, the comment or the journal reference; "" for a
    withdrawal.
    """

    id: int
    paper_id: int
    kind: EventKind
    text: str
    found_at: datetime


def name_events(events: Iterable[PaperEvent]) -> str:
    """Return a short name of events that stays the same if they are found again, as after a restored backup."""
    texts = sorted(f"{event.paper_id} {event.kind} {event.text}" for event in events)
    return hashlib.sha256("\n".join(texts).encode("utf-8", "replace")).hexdigest()[:16]


paper_events = table_of(
    PaperEvent,
    "paper_events",
    reference("paper_id", "papers.id", nullable=False),
    sa.UniqueConstraint("paper_id", "kind", "text"),
    sa.Index("ix_paper_events_found_at", "found_at"),
    # Ids must never be reused: `key_values.NEWS_OF_THREADS` is the last one that threads were notified of.
    sqlite_autoincrement=True,
)

authors = table_of(Author, "authors", sa.UniqueConstraint("key"))

paper_authors = sa.Table(
    "paper_authors",
    metadata,
    reference("paper_id", "papers.id", primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    reference("author_id", "authors.id", nullable=False),
    required("name", sa.Text, comment="name as written in the source"),
    sa.Index("ix_paper_authors_author_id", "author_id", "paper_id"),
)


async def add_facts(connection: AsyncConnection, paper_facts: Sequence[tuple[int, PaperFacts]]) -> None:
    """Store (paper id, facts) pairs. Newer facts replace older ones from the same service."""
    statement = statements.dialect_insert(connection.dialect, facts)
    new = statement.excluded
    newer = facts.c.read_at <= new.read_at
    changes: dict[str, Any] = {
        name: sa.case((newer, new[name]), else_=facts.c[name]) for name in _FACT_FIELDS if name != "source"
    }
    # Keep the first listing: later facts may come without a list, or from a feed with new dates.
    changes["listed_on"] = sa.func.coalesce(facts.c.listed_on, new.listed_on)
    changes["votes"] = sa.func.coalesce(changes["votes"], facts.c.votes)
    # arXiv's announcements name no version, and with it leave out the comment and the journal. A version that goes back
    # comes from an old copy.
    is_stated = sa.and_(newer, new.version >= sa.func.coalesce(facts.c.version, 0))
    for name in ARXIV_FIELDS:
        changes[name] = sa.case((is_stated, new[name]), else_=facts.c[name])
    statement = statement.on_conflict_do_update(index_elements=["paper_id", "source"], set_=changes)
    await connection.execute(
        statement,
        [statements.record_values(reading, facts, paper_id=paper_id) for paper_id, reading in paper_facts],
    )


async def remove_listing(
    connection: AsyncConnection, paper_ids: Iterable[int], on: date | None = None
) -> None:
    """Forget that services listed papers (on a date), since the digest or the source that stated it was removed."""
    unlisted = (
        facts.update().where(sa.true() if on is None else facts.c.listed_on == on).values(listed_on=None)
    )
    await statements.execute_in(connection, unlisted, facts.c.paper_id, paper_ids)


async def list_listed_by_arxiv(connection: AsyncConnection) -> dict[int, tuple[str, ...]]:
    """Return the categories of the papers that arXiv's announcements and back-fills listed, keyed by paper id."""
    query = sa.select(facts.c.paper_id, facts.c.categories)
    query = query.where(facts.c.source == ARXIV, facts.c.listed_on.is_not(None))
    return dict(map(tuple, await connection.execute(query)))


async def add_events(connection: AsyncConnection, events: Sequence[PaperEvent]) -> None:
    """Store events that are not known yet. Their ids are generated."""
    rows = [statements.record_values(event, paper_events) for event in events]
    await statements.insert_rows(connection, paper_events, rows, "skip")


async def list_described(connection: AsyncConnection, paper_ids: Iterable[int], service: str) -> set[int]:
    """Return those of the given papers with facts from a service."""
    query = sa.select(facts.c.paper_id).where(facts.c.source == service)
    return {
        row.paper_id for row in await statements.execute_in(connection, query, facts.c.paper_id, paper_ids)
    }


async def list_facts_by_paper(
    connection: AsyncConnection, paper_ids: Iterable[int]
) -> dict[int, list[PaperFacts]]:
    """Return each paper's facts, ordered by service."""
    facts_by_paper: dict[int, list[PaperFacts]] = defaultdict(list)
    origin = t.sources.c.priority, t.sources.c.id.label("source_id")
    query = sa.select(facts, papers.c.key.label("paper_key"), *origin).join(
        papers, papers.c.id == facts.c.paper_id
    )
    query = query.outerjoin(t.sources, t.sources.c.url == facts.c.source).order_by(facts.c.source)
    for row in await statements.execute_in(connection, query, facts.c.paper_id, paper_ids):
        source_rank = sources.rank_source(row.source, row.priority, row.source_id)
        read = statements.build_record(PaperFacts, row._mapping, source_rank=source_rank, names=())
        facts_by_paper[row.paper_id].append(read)
    return facts_by_paper


_IS_ARXIV = papers.c.scheme == "arxiv"
"""Only such papers are asked about at arXiv and Hugging Face."""


async def list_arxiv_due(connection: AsyncConnection, now: datetime, *, limit: int) -> list[str]:
    """Return the arXiv ids to look up at arXiv now, newest first.

    Listed papers without a title, and papers of lists and reviews without facts from arXiv, come first. Saved
    papers without a title that no digest lists follow, one of each reader in turn.
    """
    # Facts without a title only record a request: arXiv does not have the paper.
    described = sa.exists().where(
        facts.c.paper_id == papers.c.id, facts.c.source == ARXIV, facts.c.title.is_not(None)
    )
    is_of_ids = t.digests.c.format.in_((DigestFormat.LIST, DigestFormat.REVIEW))
    is_undescribed = sa.or_(papers.c.title.is_(None), sa.and_(is_of_ids, ~described))
    is_due = sa.or_(papers.c.arxiv_due_at.is_(None), papers.c.arxiv_due_at <= now)
    query = (
        sa.select(papers.c.key)
        .join(t.entries, t.entries.c.paper_id == papers.c.id)
        .join(t.digests, t.digests.c.id == t.entries.c.digest_id)
        .where(papers.c.last_on.is_not(None), is_undescribed, is_due, _IS_ARXIV)
        .group_by(papers.c.id)
        .order_by(sa.func.max(t.digests.c.date_on).desc(), papers.c.id)
        .limit(limit)
    )
    listed = list(await connection.scalars(query))
    turn = sa.func.row_number().over(partition_by=shelf.saved_papers.c.user_id, order_by=papers.c.id)
    unlisted = (
        sa.select(papers.c.key, turn.label("turn"))
        .join(shelf.saved_papers, shelf.saved_papers.c.paper_id == papers.c.id)
        .where(papers.c.last_on.is_(None), papers.c.title.is_(None), is_due, _IS_ARXIV)
        .subquery()
    )
    turns = sa.select(unlisted.c.key).group_by(unlisted.c.key)
    turns = turns.order_by(sa.func.min(unlisted.c.turn), unlisted.c.key)
    return [*listed, *await connection.scalars(turns.limit(limit - len(listed)))]


async def list_delayed(connection: AsyncConnection, paper_keys: Iterable[str]) -> list[str]:
    """Return those of these papers that arXiv did not give before."""
    query = sa.select(papers.c.key).where(papers.c.arxiv_asks > 0)
    return [row.key for row in await statements.execute_in(connection, query, papers.c.key, paper_keys)]


async def delay_arxiv(
    connection: AsyncConnection, paper_keys: Iterable[str], now: datetime, unit: timedelta = timedelta(days=1)
) -> None:
    """Delay the next lookup of papers that arXiv did not give: by one unit, then by 2, 4 … 32."""
    query = sa.select(papers.c.id, papers.c.arxiv_asks)
    rows = await statements.execute_in(connection, query, papers.c.key, paper_keys)
    changed = [
        {"id": id_, "arxiv_asks": asks + 1, "arxiv_due_at": now + unit * 2 ** min(asks, 5)}
        for id_, asks in rows
    ]
    await statements.update_rows(connection, papers, changed)


async def list_withdrawn(connection: AsyncConnection, paper_ids: Iterable[int]) -> set[int]:
    texts = papers.c.abstract, papers.c.comment
    may_be_withdrawn = sa.or_(*(text.contains(stem) for text in texts for stem in withdrawals.STEMS))
    query = sa.select(papers.c.id, *texts).where(may_be_withdrawn)
    rows = await statements.execute_in(connection, query, papers.c.id, paper_ids)
    return {id_ for id_, *stored in rows if withdrawals.find_withdrawal(*stored)}


OFTEN, SELDOM = timedelta(days=7), timedelta(days=30)
"""The interval between refreshes of a paper's facts: in its first months, and later."""
FIRST_MONTHS = timedelta(days=91)


async def list_followed_due(
    connection: AsyncConnection, service: str, now: datetime, *, limit: int, without: Collection[str] = ()
) -> dict[str, int]:
    """Return the ids, by key, of the papers on a shelf or in a thread whose facts from a service are due, oldest first.

    Those in `without` (keys) are left out.

    A paper's first months begin when it was first listed or, if it never was, with the month in its arXiv id.
    """
    kept = sa.union(*(sa.select(of.c.paper_id) for of in (shelf.saved_papers, club.club_threads)))
    new_since = now - FIRST_MONTHS
    is_new_id = papers.c.key.between(f"{new_since:%y%m}", "9999.")
    is_new = sa.or_(papers.c.first_on > new_since.date(), sa.and_(papers.c.first_on.is_(None), is_new_id))
    is_due = sa.or_(
        facts.c.read_at.is_(None),
        facts.c.read_at <= now - SELDOM,
        sa.and_(is_new, facts.c.read_at <= now - OFTEN),
    )
    of_service = sa.and_(facts.c.paper_id == papers.c.id, facts.c.source == service)
    query = (
        sa.select(papers.c.key, papers.c.id)
        .outerjoin(facts, of_service)
        .where(papers.c.id.in_(kept), is_due, _IS_ARXIV, papers.c.key.not_in(without))
        .order_by(facts.c.read_at.is_not(None), facts.c.read_at, papers.c.id)
        .limit(limit)
    )
    return dict(map(tuple, await connection.execute(query)))


async def list_with_arxiv_authors(connection: AsyncConnection, paper_ids: Iterable[int]) -> set[int]:
    """Return those of the given papers whose full, ordered author list is known from arXiv."""
    query = sa.select(facts.c.paper_id, facts.c.authors).where(facts.c.source == ARXIV)
    rows = await statements.execute_in(connection, query, facts.c.paper_id, paper_ids)
    return {paper_id for paper_id, authors in rows if authors}


async def list_published(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[int, date]:
    """Return the first day on which a source says that each paper was published, by paper id."""
    first = sa.func.min(facts.c.published_on)
    query = sa.select(facts.c.paper_id, first).where(facts.c.published_on.is_not(None))
    rows = await statements.execute_in(
        connection, query.group_by(facts.c.paper_id), facts.c.paper_id, paper_ids
    )
    return dict(map(tuple, rows))


ARXIV = "arxiv"
_FACT_FIELDS = [column.name for column in facts.c if column.name != "paper_id"]


async def add(connection: AsyncConnection, merged: Sequence[MergedPaper]) -> dict[str, int]:
    """Store new papers, with the aliases of long keys. Returns their ids by their keys."""
    ids = await statements.reserve_ids(connection, papers, len(merged))
    rows = [
        statements.record_values(paper, papers, id=id_, scheme=models.scheme_of(paper.key))
        for id_, paper in zip(ids, merged, strict=True)
    ]
    await statements.insert_rows(connection, papers, rows)
    added = {paper.key: id_ for id_, paper in zip(ids, merged, strict=True)}
    aliases = {models.alias_of(key): id_ for key, id_ in added.items()}
    named = [{"name": alias, "paper_id": id_} for alias, id_ in aliases.items() if alias not in added]
    # An alias goes with the key to the paper that has it now.
    await statements.insert_rows(connection, paper_names, named, "update")
    return added


async def update(connection: AsyncConnection, merged: Sequence[tuple[int, MergedPaper]]) -> None:
    await statements.update_rows(
        connection, papers, [statements.record_values(paper, papers, id=id_) for id_, paper in merged]
    )


async def mark_changed(connection: AsyncConnection, paper_ids: Collection[int]) -> None:
    """Mark papers as changed for the search index. The transaction must hold the ingest lock."""
    if not paper_ids:
        return
    changes = paper_changes
    number = (await connection.scalar(sa.select(sa.func.max(changes.c.number))) or 0) + 1
    await connection.execute(changes.insert().values(number=number, token=secrets.token_hex(4)))
    await connection.execute(changes.delete().where(changes.c.number <= number - search.MAX_CHANGES))
    await statements.execute_in(connection, sa.update(papers).values(changed=number), papers.c.id, paper_ids)


async def purge_unkept(
    connection: AsyncConnection,
    limit: int,
    ids: Iterable[int] | None = None,
    *,
    read_before: datetime | None = None,
) -> int:
    """Delete up to `limit` papers that no digest ever listed and no row refers to. Returns the number deleted.

    `ids` restricts the papers. Facts keep a paper, unless all were read before `read_before` (UTC). The transaction
    must hold the ingest lock (`archive.lock_ingest`).
    """
    named = [
        sa.exists().where(column == papers.c.id)
        for table in t.metadata.sorted_tables
        for column in table.c
        if table not in (facts, paper_events, paper_names, name_claims)
        and any(key.column is papers.c.id for key in column.foreign_keys)
    ]
    is_recent = sa.true() if read_before is None else facts.c.read_at >= read_before
    named.append(sa.exists().where(facts.c.paper_id == papers.c.id, is_recent))
    # Buttons and posts contain ids, so ids are never reused: SQLite continues from the last row, which stays.
    last = sa.select(sa.func.max(papers.c.id)).scalar_subquery()
    unkept = sa.and_(
        papers.c.last_on.is_(None), papers.c.first_on.is_(None), papers.c.id < last, ~papers.c.hidden
    )
    unkept &= sa.not_(sa.or_(*named))
    candidates = sa.select(papers.c.id).where(unkept).limit(limit).with_for_update()
    candidate_ids: Sequence[int]
    if ids is None:
        candidate_ids = (await connection.execute(candidates)).scalars().all()
    else:
        candidate_ids = [
            id_
            for (id_,) in await statements.execute_in(connection, candidates, papers.c.id, islice(ids, limit))
        ]
    # Checked again under the lock: rows may have come to refer to them, but no longer can.
    deletion = papers.delete().where(unkept).returning(papers.c.id)
    return len(await statements.execute_in(connection, deletion, papers.c.id, candidate_ids))


async def list_names(connection: AsyncConnection, paper_id: int) -> list[str]:
    """Return a paper's further keys, without the aliases of long ones."""
    query = sa.select(paper_names.c.name).where(paper_names.c.paper_id == paper_id)
    return [name for name in await connection.scalars(query) if not models.is_alias(name)]


async def _add_names(connection: AsyncConnection, paper_id: int, names: Iterable[str]) -> None:
    """Give a paper further keys and aliases, which other papers lose."""
    rows = [{"name": name, "paper_id": paper_id} for name in names]
    await statements.insert_rows(connection, paper_names, rows, "update")


async def add_name(connection: AsyncConnection, paper_id: int, name: str) -> None:
    """Store a further key of a paper, unless it is one already."""
    await statements.insert_rows(connection, paper_names, [{"name": name, "paper_id": paper_id}], "skip")


async def list_claims(
    connection: AsyncConnection, names: Iterable[str], paper_ids: Iterable[int] = ()
) -> dict[tuple[int, str], bool]:
    """Return the claims of keys as (paper id, key), by key or paper, and whether the operator has parted the two.

    A paper that claims a key has it, without being joined with another, until a source tells of it under this key.
    """
    query = sa.select(name_claims.c.paper_id, name_claims.c.name, name_claims.c.parted)
    rows = await statements.execute_in(connection, query, name_claims.c.name, names)
    rows += await statements.execute_in(connection, query, name_claims.c.paper_id, paper_ids)
    return {(row.paper_id, row.name): row.parted for row in rows}


async def add_claim(connection: AsyncConnection, paper_id: int, name: str) -> None:
    await statements.insert_rows(connection, name_claims, [{"name": name, "paper_id": paper_id}], "skip")


async def confirm_claim(connection: AsyncConnection, paper_id: int, name: str) -> None:
    """Note that a source told of a paper under a key that it had only claimed."""
    is_it = name_claims.c.paper_id == paper_id, name_claims.c.name == name
    await connection.execute(name_claims.delete().where(*is_it))


def _claims_between(paper_id: int, other_id: int) -> sa.ColumnElement[bool]:
    """The claims of either of two papers on a key of the other."""
    claims = []
    for first, second in ((paper_id, other_id), (other_id, paper_id)):
        keys = sa.select(papers.c.key).where(papers.c.id == second)
        keys_of = keys.union_all(sa.select(paper_names.c.name).where(paper_names.c.paper_id == second))
        claims.append(sa.and_(name_claims.c.paper_id == first, name_claims.c.name.in_(keys_of)))
    return sa.or_(*claims)


async def are_parted(connection: AsyncConnection, paper_id: int, other_id: int) -> bool:
    """Return whether the operator has parted two papers."""
    parted = sa.and_(name_claims.c.parted, _claims_between(paper_id, other_id))
    return bool(await connection.scalar(sa.select(sa.exists().where(parted))))


async def part(
    connection: AsyncConnection,
    paper_id: int,
    new: MergedPaper,
    leaving: Collection[str],
    *,
    is_final: bool = False,
) -> int:
    """Store a new paper, which takes some of another's keys and what was saved under them, and return its id.

    Posts and alerts count as those of both, so that nothing is sent again. If `is_final`, the same claims do not join them
    again. Both have to be merged again. The transaction must hold the ingest lock.
    """
    of_key = sa.select(papers.c.key).where(papers.c.id == paper_id)
    key: str = (await connection.execute(of_key)).scalar_one()
    names = await list_names(connection, paper_id)
    await shelf.record_keys(connection, paper_id)
    taken = {*leaving}
    if key in leaving:
        first = min({*names} - taken, key=lambda of: (models.scheme_of(of) != "arxiv", of))
        taken.add(first)
        values = {"key": first, "scheme": models.scheme_of(first)}
        await connection.execute(papers.update().where(papers.c.id == paper_id).values(values))
        await _add_names(connection, paper_id, {models.alias_of(first)} - {first})
    await connection.execute(paper_names.delete().where(paper_names.c.name.in_(taken)))
    [new_id] = (await add(connection, [new])).values()
    await _add_names(connection, new_id, {*leaving, *map(models.alias_of, leaving)} - {new.key})
    await shelf.part(connection, paper_id, new_id, leaving)
    for table in (t.delivery_papers, alerts.matches):
        columns = [sa.literal(new_id) if column.name == "paper_id" else column for column in table.c]
        rows = sa.select(*columns).where(table.c.paper_id == paper_id)
        await connection.execute(table.insert().from_select([*table.c], rows))
    threads = club.club_threads
    query = sa.select(t.deliveries.c.id, t.deliveries.c.papers)
    query = query.join(threads, threads.c.delivery_id == t.deliveries.c.id).where(
        threads.c.paper_id == paper_id
    )
    opened = [id_ for id_, keys in await connection.execute(query) if not {*leaving}.isdisjoint(keys)]
    moved = threads.update().where(threads.c.paper_id == paper_id).values(paper_id=new_id)
    await statements.execute_in(connection, moved, threads.c.delivery_id, opened)
    if is_final:
        claims = [{"name": name, "paper_id": paper_id} for name in leaving]
        await statements.insert_rows(connection, name_claims, claims, "skip")
        claimed = name_claims.c.paper_id == paper_id, name_claims.c.name.in_(leaving)
        await connection.execute(name_claims.update().where(*claimed).values(parted=True))
    return new_id


async def divide_facts(connection: AsyncConnection, paper_id: int, other_id: int) -> None:
    """Give a paper that was parted from another the facts of those sources whose digests now list it alone."""

    def of_sources(of_id: int) -> sa.Select[Any]:
        listed = sa.select(t.digests.c.source).join(t.entries, t.entries.c.digest_id == t.digests.c.id)
        return listed.where(t.entries.c.paper_id == of_id)

    is_own = facts.c.source.in_(of_sources(paper_id)), facts.c.source.not_in(of_sources(other_id))
    await connection.execute(
        facts.update().where(facts.c.paper_id == other_id, *is_own).values(paper_id=paper_id)
    )


async def join(connection: AsyncConnection, paper_id: int, other_id: int) -> None:
    """Make two stored papers one: what refers to the other refers to the first, and the other's key becomes a name.

    A row that the first has already is dropped. If one is hidden, the first is. The other stays as an empty row without a key
    until it is purged, as the search index has to learn of it. The first has to be read and merged again. The transaction must
    hold the ingest lock.
    """
    of_other = papers.c.id == other_id
    # Whoever saves the other one at this moment comes first, or follows to the one that stays.
    await connection.execute(sa.select(papers.c.id).where(of_other).with_for_update())
    await shelf.unite(connection, paper_id, other_id)
    await connection.execute(name_claims.delete().where(_claims_between(paper_id, other_id)))
    await set_authors(connection, {other_id: ()})
    for table in t.metadata.sorted_tables:
        for column in table.c:
            if any(key.column is papers.c.id for key in column.foreign_keys):
                await _move_rows(connection, column, paper_id, other_id)
    former = (await connection.execute(sa.select(papers.c.key, papers.c.hidden).where(of_other))).one()
    if former.hidden:
        await connection.execute(papers.update().where(papers.c.id == paper_id).values(hidden=True))
    empty = {
        "key": f"{former.key}:{other_id}",
        "title": None,
        "first_on": None,
        "last_on": None,
        "hidden": False,
    }
    await connection.execute(papers.update().where(of_other).values(empty))
    await add_name(connection, paper_id, former.key)
    await mark_changed(connection, [other_id])


_TAKEN = {
    alerts.matches.c.delivery_id: operator.gt,
    alerts.matches.c.ready_at: operator.lt,
    club.club_threads.c.meets_on: operator.gt,
    t.delivery_papers.c.position: operator.lt,
    t.entries.c.summary_missing: operator.lt,
    name_claims.c.parted: operator.gt,
}
"""When the row that stays takes the value of the one that is dropped: that a paper was sent, is ready, has a meeting or a
summary, and the first part of a post with it.
"""


async def _move_rows(
    connection: AsyncConnection, column: sa.Column[Any], paper_id: int, other_id: int
) -> None:
    table: sa.Table = column.table
    unique = [[*part.columns] for part in table.constraints if isinstance(part, sa.UniqueConstraint)]
    unique += [[*table.primary_key.columns], *([[column, table.c.digest_id]] if table is t.entries else [])]
    other = table.alias()
    for columns in unique:
        if column in columns:
            same = [other.c[each.name] == each for each in columns if each is not column]
            is_same = sa.and_(column == paper_id, other.c[column.name] == other_id, *same)
            await _unite_rows(connection, table, other, is_same)
            stays = sa.exists().where(other.c[column.name] == paper_id, *same).correlate(table)
            await connection.execute(table.delete().where(column == other_id, stays))
    await connection.execute(table.update().where(column == other_id).values({column.name: paper_id}))


async def _unite_rows(
    connection: AsyncConnection, own: sa.Table, other: sa.FromClause, is_same: sa.ColumnElement[bool]
) -> None:
    """Give the rows that stay what they lack, or is taken from the other paper's row, wherever `is_same` pairs the two."""
    if own is t.entries:
        without = sa.select(own.c.id).where(
            is_same, own.c.summary_missing, other.c.id == archive.sections.c.entry_id
        )
        moved = archive.sections.update().where(without.exists()).values(entry_id=without.scalar_subquery())
        await connection.execute(moved)
    values: dict[str, sa.ColumnElement[Any]] = {}
    for value in own.c:
        of_other = sa.select(other.c[value.name]).where(is_same).scalar_subquery()
        is_taken = value.is_(None) | (sa.cast(value, sa.Text) == "[]")
        if value in _TAKEN:
            is_taken |= _TAKEN[value](of_other, value)
        elif own not in (facts, t.entries) or value.primary_key:
            continue
        values[value.name] = sa.case((is_taken, of_other), else_=value)
    if values:
        await connection.execute(own.update().where(sa.exists().where(is_same)).values(values))


async def list_merged(
    connection: AsyncConnection, *, paper_keys: Iterable[str] = (), ids: Iterable[int]
) -> dict[int, MergedPaper]:
    """Return stored papers, keyed by id, listed or not. They can be selected by key or id."""
    rows = await statements.execute_in(connection, sa.select(papers), papers.c.key, paper_keys)
    rows += await statements.execute_in(connection, sa.select(papers), papers.c.id, ids)
    return {row.id: statements.build_record(MergedPaper, row._mapping) for row in rows}


async def get_ids(connection: AsyncConnection, paper_keys: Iterable[str]) -> dict[str, int]:
    return await snapshot.read(connection, search.get_paper_ids, paper_keys)


async def list_keys(connection: AsyncConnection, scheme: str) -> Sequence[str]:
    """Return the keys of a scheme's papers, in the order in which they were stored."""
    query = sa.select(papers.c.key).where(papers.c.scheme == scheme).order_by(papers.c.id)
    return (await connection.execute(query)).scalars().all()


async def list_hidden(connection: AsyncConnection) -> Sequence[sa.Row[Any, Any]]:
    """Return the keys and titles of the hidden papers, in the order in which they were stored."""
    query = sa.select(papers.c.key, papers.c.title).where(papers.c.hidden).order_by(papers.c.id)
    return (await connection.execute(query)).all()


async def find_hidden(connection: AsyncConnection, paper_keys: Iterable[str]) -> set[str]:
    """Return those of these keys or further names that are a hidden paper's."""
    ids = await get_ids(connection, paper_keys)
    query = sa.select(papers.c.id).where(papers.c.hidden)
    hidden = {id_ for (id_,) in await statements.execute_in(connection, query, papers.c.id, ids.values())}
    return {key for key, id_ in ids.items() if id_ in hidden}


async def get_current_keys(connection: AsyncConnection, paper_keys: Iterable[str]) -> dict[str, str]:
    return await snapshot.read(connection, search.get_current_keys, paper_keys)


async def list_current_keys(connection: AsyncConnection, paper_keys: Iterable[str]) -> list[str]:
    """Return the distinct keys of today of papers that are named by a key of any time or by an alias, in order."""
    named = list(paper_keys)
    current = await get_current_keys(connection, named)
    return list(dict.fromkeys(current.get(name, name) for name in named))


async def list_rows(connection: AsyncConnection, paper_ids: Sequence[int]) -> list[PaperRow]:
    """Return those of the given papers that a digest lists, in the order of `paper_ids`."""
    return await snapshot.read(connection, search.list_paper_rows, paper_ids)


async def rank_by_votes(connection: AsyncConnection, paper_ids: Iterable[int]) -> list[int]:
    """Return the ids of papers, most votes first, then by their keys."""
    query = sa.select(papers.c.id, papers.c.votes, papers.c.key)
    rows = await statements.execute_in(connection, query, papers.c.id, paper_ids)
    return [row.id for row in sorted(rows, key=lambda row: (*models.votes_descending(row.votes), row.key))]


async def list_by_date(
    connection: AsyncConnection, on: date, *, min_votes: int = 0, origin: archive.Origin = archive.POSTED
) -> list[PaperRow]:
    """Return the distinct papers in a date's digests, without their authors, most votes first.

    Papers with unknown votes come last, in digest order, and do not meet a minimum above 0. Authors are left
    out because thousands of papers may have thousands of authors each.
    """
    best_ranks = (
        sa.select(t.entries.c.paper_id, sa.func.min(t.entries.c.rank).label("rank"))
        .join(t.digests, t.digests.c.id == t.entries.c.digest_id)
        .where(t.digests.c.date_on == on, archive.is_from(origin))
        .group_by(t.entries.c.paper_id)
        .subquery()
    )
    query = (
        sa.select(papers.c.id)
        .join(best_ranks, best_ranks.c.paper_id == papers.c.id)
        .where(papers.c.last_on.is_not(None), papers.c.votes >= min_votes if min_votes > 0 else sa.true())
        .order_by(papers.c.votes.is_(None), papers.c.votes.desc(), best_ranks.c.rank, papers.c.id)
    )
    ids = (await connection.execute(query)).scalars().all()
    return await snapshot.read(connection, search.list_paper_rows, ids, with_authors=False)


async def count_by_date(
    connection: AsyncConnection, days: Sequence[date], origin: archive.Origin = archive.POSTED
) -> dict[date, int]:
    """Return the number of distinct papers on each date."""
    query = (
        sa.select(t.digests.c.date_on, sa.func.count(sa.distinct(t.entries.c.paper_id)))
        .join(t.entries, t.entries.c.digest_id == t.digests.c.id)
        .join(papers, papers.c.id == t.entries.c.paper_id)
        .where(t.digests.c.date_on.in_(days), archive.is_from(origin), papers.c.last_on.is_not(None))
        .group_by(t.digests.c.date_on)
    )
    counted = {day: number for day, number in await connection.execute(query)}  # noqa: C416
    return {day: counted.get(day, 0) for day in days}


async def list_newest_ids(connection: AsyncConnection, *, limit: int) -> list[int]:
    """Return the ids of the most recently stored listed papers, newest first."""
    query = (
        sa.select(papers.c.id).where(papers.c.last_on.is_not(None)).order_by(papers.c.id.desc()).limit(limit)
    )
    return list(await connection.scalars(query))


async def get_detail(
    connection: AsyncConnection, paper_key: str, *, also_unlisted: bool = True
) -> PaperDetail | None:
    """Return a paper's details, or None if no digest lists it and, unless `also_unlisted`, no metadata for it is stored.

    A hidden paper has none.
    """
    ids = list((await get_ids(connection, [paper_key])).values())
    details = await list_details(connection, ids, also_unlisted=also_unlisted)
    if not details:
        return None
    confirmed = await list_with_arxiv_authors(connection, [details[0].id])
    published = await list_published(connection, [details[0].id])
    on = published.get(details[0].id)
    return replace(details[0], is_author_order_confirmed=bool(confirmed), published_on=on)


async def _list_unlisted_details(connection: AsyncConnection, paper_ids: Sequence[int]) -> list[PaperDetail]:
    """Return the details of unlisted papers with a title, dated by their publication."""
    described = await list_facts_by_paper(connection, paper_ids)
    merged = await list_merged(connection, ids=described)
    details = []
    for paper_id, paper in merged.items():
        if paper.last_on is None and paper.title and not paper.hidden:
            on = min(fact.published_on or fact.read_at.date() for fact in described[paper_id])
            values = statements.record_values(paper, papers, first_on=on, last_on=on)
            details.append(PaperDetail(id=paper_id, appearances=(), is_listed=False, **values))
    return details


async def list_details(
    connection: AsyncConnection, paper_ids: Sequence[int], *, also_unlisted: bool = False
) -> list[PaperDetail]:
    """Return the details of those of the given papers that a digest lists or, if `also_unlisted`, whose metadata is stored.

    They are in the order of `paper_ids`.
    """
    merged = await list_merged(connection, ids=paper_ids)
    appearances = await archive.list_appearances(connection, merged)
    details = {
        paper_id: PaperDetail(
            id=paper_id,
            appearances=tuple(appearances.get(paper_id, ())),
            **statements.record_values(merged[paper_id], papers),
        )
        for paper_id in paper_ids
        if paper_id in merged and merged[paper_id].last_on is not None
    }
    if also_unlisted and (others := [paper_id for paper_id in paper_ids if paper_id not in details]):
        details |= {detail.id: detail for detail in await _list_unlisted_details(connection, others)}
    return [details[paper_id] for paper_id in paper_ids if paper_id in details]


async def get_extent(connection: AsyncConnection, *, until_on: date) -> ArchiveExtent:
    """Return the number of listed papers and the date range of digests, ignoring dates after `until_on`."""
    query = sa.select(sa.func.min(t.digests.c.date_on), sa.func.max(t.digests.c.date_on))
    first_on, last_on = (await connection.execute(query.where(t.digests.c.date_on <= until_on))).one()
    return ArchiveExtent(await snapshot.read(connection, search.count_listed), first_on, last_on)


# Authors and their papers.

AuthorNames = Sequence[tuple[str, str]]
"""A paper's authors in order, as (folded key, name as written)."""


async def set_authors(
    connection: AsyncConnection, names: Mapping[int, AuthorNames], *, new_paper_ids: Iterable[int] = ()
) -> None:
    """Replace the authors of papers, keyed by paper id. Papers in `new_paper_ids` have no stored authors yet."""
    former_ids = set(names).difference(new_paper_ids)
    former = paper_authors.delete().returning(paper_authors.c.author_id, paper_authors.c.paper_id)
    rows = await statements.execute_in(connection, former, paper_authors.c.paper_id, former_ids)
    removed = {(author_id, paper_id) for author_id, paper_id in rows}
    names_by_key = {key: name for paper in names.values() for key, name in paper}
    paper_counts = Counter(key for paper in names.values() for key in {key for key, _ in paper})
    known_ids = await _match_existing(connection, names_by_key)
    ids = known_ids | await _add_authors(connection, names_by_key, paper_counts, known_ids)
    listed = [
        {"paper_id": paper_id, "position": position, "author_id": ids[key], "name": name}
        for paper_id, paper in names.items()
        for position, (key, name) in enumerate(paper)
    ]
    await statements.insert_rows(connection, paper_authors, listed)
    # Applies only differences: recounting the papers of a collaboration's authors takes seconds.
    added = Counter({id_: paper_counts[key] for key, id_ in known_ids.items()})
    added.subtract(author_id for author_id, _ in removed)
    changed = [{"author_id": id_, "added": number} for id_, number in added.items() if number]
    if changed:
        new_count = authors.c.paper_count + sa.bindparam("added")
        statement = authors.update().where(authors.c.id == sa.bindparam("author_id"))
        await connection.execute(statement.values(paper_count=new_count), changed)


async def _add_authors(
    connection: AsyncConnection,
    names_by_key: Mapping[str, str],
    paper_counts: Mapping[str, int],
    known: Collection[str],
) -> dict[str, int]:
    """Store the authors whose keys are not known, with their numbers of papers. Returns their ids, keyed by author key."""
    keys = [key for key in names_by_key if key not in known]
    ids = dict(zip(keys, await statements.reserve_ids(connection, authors, len(keys)), strict=True))
    rows = [
        {"id": id_, "key": key, "name": names_by_key[key], "paper_count": paper_counts[key]}
        for key, id_ in ids.items()
    ]
    await statements.insert_rows(connection, authors, rows)
    return ids


async def _match_existing(connection: AsyncConnection, names_by_key: Mapping[str, str]) -> dict[str, int]:
    """Return the ids of known authors, keyed by author key. An ASCII name is replaced if the new one has diacritics."""
    query = sa.select(authors.c.key, authors.c.id, authors.c.name)
    stored = await statements.execute_in(connection, query, authors.c.key, names_by_key)
    renamed = [
        {"id": id_, "name": names_by_key[key]}
        for key, id_, name in stored
        if name.isascii() and not names_by_key[key].isascii()
    ]
    await statements.update_rows(connection, authors, renamed)
    return {key: id_ for key, id_, _ in stored}
