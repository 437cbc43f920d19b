"""Readers' saved papers with their notes and tags, and servers' lists.

A server's list is stored as that of a reader whose id is the server's: Discord gives no id twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import accounts, day_counts, models, statements, withdrawals
from storage.errors import UsageError
from storage.snapshot import chunked
from storage.tables import (
    READER_MENTION,
    READER_ROWS,
    SERVER_ROWS,
    UtcTime,
    guilds,
    metadata,
    paper_names,
    papers,
    reference,
    required,
)


def _make_columns() -> list[sa.Column[Any]]:
    owner = {**READER_ROWS, **SERVER_ROWS}
    return [
        # The reader, or the server whose list it is.
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=owner),
        reference("paper_id", "papers.id", primary_key=True, index=True),
        required("saved_at", UtcTime),
        required("note", sa.Text, server_default=""),
        required("tags", sa.Text, server_default="", comment="each between spaces"),
        # Not `guild_id`: the row belongs to the reader and outlives the server.
        sa.Column("server_id", sa.BigInteger, comment="where it was saved; NULL: in direct messages"),
        # Who put it on a list; NULL: the reader's own, or a former member.
        sa.Column("added_by", sa.BigInteger, index=True, info=READER_MENTION),
        # By the reader's import, of a paper that no source describes.
        sa.Column("own_title", sa.Text),
        # Those of the paper's keys under which it was saved, with spaces; NULL: its key.
        sa.Column("saved_keys", sa.Text),
    ]


saved_papers = sa.Table(
    "saved_papers", metadata, *_make_columns(), sa.Index("ix_saved_papers_server_id", "server_id", "saved_at")
)
# What was taken off a server's list, until it cannot be put back any more.
removed_papers = sa.Table(
    "removed_papers", metadata, *_make_columns(), required("removed_at", UtcTime, index=True)
)

list_addresses = sa.Table(
    "list_addresses",
    metadata,
    sa.Column(
        "user_id", sa.BigInteger, primary_key=True, autoincrement=False, info={**READER_ROWS, **SERVER_ROWS}
    ),
    sa.Column("token", sa.Text, unique=True, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose papers a reader asks for: those on a server's list or, without a server, the reader's own saved papers."""

    reader_id: int
    server_id: int = 0

    @property
    def id(self) -> int:
        """The Discord id under which the papers are stored."""
        return self.server_id or self.reader_id

    @property
    def limit(self) -> int:
        """The most papers."""
        return MAX_LISTED if self.server_id else MAX_SAVED


MAX_SAVED = 5_000
"""The maximum number of papers that a reader can save."""
MAX_LISTED, MAX_ADDED = 2_000, 50
"""The most papers on a server's list, and the most that a member adds within a day, imports left out."""
MIN_SAVERS = 3
"""Show save counts only from this many members on, so that individuals stay anonymous."""


async def save(
    connection: AsyncConnection, user_id: int, paper_ids: Iterable[int], now: datetime, server_id: int | None
) -> None:
    """Save papers for a reader, with the server if one is given. Papers already saved stay unchanged.

    Raises UsageError if there are too many; roll the transaction back.
    """
    await save_at(
        connection, user_id, dict.fromkeys(await _follow_joins(connection, paper_ids), now), server_id
    )
    await _count_within(connection, user_id, MAX_SAVED, "saved-full")


async def _follow_joins(connection: AsyncConnection, paper_ids: Iterable[int]) -> list[int]:
    """Return the ids of papers, each once; of one that was joined to another since its id was read, that of the other.

    A join that follows waits until the transaction ends.
    """
    ids, of_name = [*paper_ids], paper_names.c
    query = sa.select(papers.c.id, papers.c.key).with_for_update(read=True, key_share=True)
    rows = await statements.execute_in(connection, query, papers.c.id, ids)
    # As `papers.join` leaves the row.
    names = {id_: key.removesuffix(f":{id_}") for id_, key in rows if key.endswith(f":{id_}")}
    query = sa.select(of_name.name, of_name.paper_id)
    current = dict(map(tuple, await statements.execute_in(connection, query, of_name.name, names.values())))
    return list(dict.fromkeys(current.get(names.get(id_), id_) for id_ in ids))


async def _count_within(connection: AsyncConnection, owner_id: int, limit: int, key: str) -> int:
    """Return how many papers a reader or a list has. Raises UsageError with this key if they are more than `limit`."""
    if (total := await count(connection, owner_id)) > limit:
        raise UsageError(f"{limit:,} papers are the maximum.", key, count=limit)
    return total


async def save_at(
    connection: AsyncConnection,
    user_id: int,
    times_by_paper: Mapping[int, datetime],
    server_id: int | None = None,
    added_by: int | None = None,
    own_titles: Mapping[int, str] = MappingProxyType({}),
) -> None:
    """Save papers for a reader, each with the time (UTC) that determines its position in the list.

    `own_titles` are shown to the reader alone, until a source describes the paper.
    """
    same = {"user_id": user_id, "server_id": server_id, "added_by": added_by}
    rows = [
        {**same, "paper_id": paper_id, "saved_at": at, "own_title": own_titles.get(paper_id)}
        for paper_id, at in times_by_paper.items()
    ]
    await statements.insert_rows(connection, saved_papers, rows, "skip")


async def add_to_list(
    connection: AsyncConnection,
    server_id: int,
    paper_ids: Iterable[int],
    user_id: int,
    now: datetime,
    secret: bytes,
) -> tuple[list[int], int]:
    """Put papers on a server's list for a member. Returns those that were not on it, and how many it has now.

    Who added the others stays. `secret` makes the name under which `day_counts` counts a member's additions over all servers.
    Raises UsageError if the list exceeds `MAX_LISTED` or the member `MAX_ADDED`; roll the transaction back.
    """
    await lock(connection, server_id, user_id)
    c, ids = saved_papers.c, await _follow_joins(connection, paper_ids)
    query = sa.select(c.paper_id).where(c.user_id == server_id)
    listed = {row.paper_id for row in await statements.execute_in(connection, query, c.paper_id, ids)}
    added = [paper_id for paper_id in ids if paper_id not in listed]
    await save_at(connection, server_id, dict.fromkeys(added, now), added_by=user_id)
    total = await _count_within(connection, server_id, MAX_LISTED, "list-full")
    if added:
        member = day_counts.name_reader("list", secret, user_id, now.date())
        await day_counts.add(connection, now.date(), {member: MAX_ADDED}, "list-too-many", len(added))
    return added, total


async def lock(connection: AsyncConnection, server_id: int, user_id: int | None) -> None:
    """Lock a server's list, and the data of the member who adds to it, so that `/me forget` waits."""
    for owner_id in sorted({server_id, user_id or server_id}):
        await accounts.lock_reader(connection, owner_id)


async def take_off(connection: AsyncConnection, owner_id: int, paper_id: int, now: datetime) -> bool:
    """Remove a paper from a reader's papers or a server's list, and return whether it was there; `put_back` undoes it."""
    is_listed = _is_of(saved_papers, owner_id, paper_id)
    adder = sa.select(saved_papers.c.added_by).where(is_listed)
    await lock(connection, owner_id, await connection.scalar(adder))
    former = _is_of(removed_papers, owner_id, paper_id)
    await connection.execute(removed_papers.delete().where(former, sa.exists().where(is_listed)))
    row = sa.select(*saved_papers.c, sa.literal(now, UtcTime)).where(is_listed)
    await connection.execute(removed_papers.insert().from_select([*removed_papers.c], row))
    return await remove(connection, owner_id, paper_id)


async def put_back(
    connection: AsyncConnection,
    owner: Owner,
    *,
    paper_id: int | None = None,
    removed_at: datetime | None = None,
    added_by: int | None = None,
) -> int:
    """Put a paper, or those that were taken off at a time, back as they were, if that member added them (None: any member).

    Returns how many were put back; a newer entry stays, and gets note and tags, too. Raises UsageError
    if there are too many; roll the transaction back.
    """
    c = removed_papers.c
    wanted = {c.paper_id: paper_id, c.removed_at: removed_at, c.added_by: added_by}
    is_removed = sa.and_(
        c.user_id == owner.id, *(column == value for column, value in wanted.items() if value is not None)
    )
    adder = sa.select(c.added_by).where(is_removed)
    await lock(connection, owner.id, await connection.scalar(adder))
    rows = sa.select(*(c[column.name] for column in saved_papers.c)).where(is_removed)
    for row in (await connection.execute(rows)).all():
        await _add_texts(connection, saved_papers, owner.id, row.paper_id, row)
    insert = statements.dialect_insert(connection.dialect, saved_papers).from_select([*saved_papers.c], rows)
    await connection.execute(insert.on_conflict_do_nothing())
    removed = await connection.execute(removed_papers.delete().where(is_removed))
    await _count_within(connection, owner.id, owner.limit, "list-full" if owner.server_id else "saved-full")
    return removed.rowcount


async def list_servers(connection: AsyncConnection, user_id: int) -> Sequence[Any]:
    """Return `guild_id` and `name` of servers with a list that the bot is in, and whether a reader added nothing there."""
    c = saved_papers.c
    saved_in = sa.select(c.server_id).where(c.user_id == user_id, c.server_id.is_not(None))
    known = sa.select(c.user_id).where(c.added_by == user_id).union(saved_in)
    has_list = sa.exists().where(c.user_id == guilds.c.guild_id)
    is_other = guilds.c.guild_id.not_in(known).label("is_other")
    query = sa.select(guilds.c.guild_id, guilds.c.name, is_other).where(guilds.c.left_at.is_(None), has_list)
    return (await connection.execute(query.order_by(guilds.c.guild_id))).all()


async def set_address(
    connection: AsyncConnection, owner_id: int, token: str | None, *, keep: bool = False
) -> str | None:
    """Show the list of a reader or server in the web archive under a token (None: nowhere), and no more under a former one.

    Returns the token that holds: with `keep` a former one.
    """
    # Two presses at once leave one address, or none if the later one closes it.
    await accounts.lock_reader(connection, owner_id)
    own = list_addresses.c.user_id == owner_id
    former = await connection.scalar(sa.select(list_addresses.c.token).where(own)) if keep else None
    if former is None:
        await connection.execute(list_addresses.delete().where(own))
        if token is not None:
            await connection.execute(list_addresses.insert().values(user_id=owner_id, token=token))
    return former or token


async def find_owner(connection: AsyncConnection, token: str) -> int | None:
    """Return whose list is shown under a token, or None."""
    query = sa.select(list_addresses.c.user_id).where(list_addresses.c.token == token)
    return await connection.scalar(query)


async def update(connection: AsyncConnection, /, user_id: int, paper_id: int, **values: Any) -> None:
    """Set a saved paper's `note`, `tags` or `server_id`."""
    await connection.execute(
        saved_papers.update().where(_is_of(saved_papers, user_id, paper_id)).values(values)
    )


async def remove(connection: AsyncConnection, user_id: int, paper_id: int) -> bool:
    """Remove a paper from a reader's papers, and return whether it was there."""
    removed = await connection.execute(saved_papers.delete().where(_is_of(saved_papers, user_id, paper_id)))
    return removed.rowcount > 0


async def unite(connection: AsyncConnection, paper_id: int, other_id: int) -> None:
    """Give whoever has both papers the notes and tags of the other one, too, and record under which keys they were saved."""
    await record_keys(connection, other_id)
    for table in (saved_papers, removed_papers):
        rows = await connection.execute(sa.select(table).where(table.c.paper_id == other_id))
        for row in rows.all():
            await record_keys(connection, paper_id, row.user_id)
            await _add_texts(connection, table, row.user_id, paper_id, row)


async def part(connection: AsyncConnection, paper_id: int, new_id: int, leaving: Collection[str]) -> None:
    """Give a new paper, which takes some keys of another, what was saved under these (see `record_keys`).

    Who saved both keeps both, each with note and tags, as these are united for good.
    """
    for table in (saved_papers, removed_papers):
        for row in (await connection.execute(sa.select(table).where(table.c.paper_id == paper_id))).all():
            taken = [key for key in row.saved_keys.split() if key in leaving]
            left = [key for key in row.saved_keys.split() if key not in leaving]
            of_row = _is_of(table, row.user_id, paper_id)
            if taken and left:
                await connection.execute(table.update().where(of_row).values(saved_keys=" ".join(left)))
                new = {**row._mapping, "paper_id": new_id, "saved_keys": " ".join(taken)}
                await connection.execute(table.insert().values(new))
            elif taken:
                await connection.execute(table.update().where(of_row).values(paper_id=new_id))


async def record_keys(connection: AsyncConnection, paper_id: int, user_id: int | None = None) -> None:
    """Record a paper's key of now, which changes, in the rows, or a reader's, that were saved under it."""
    key = sa.select(papers.c.key).where(papers.c.id == paper_id).scalar_subquery()
    for table in (saved_papers, removed_papers):
        rows = sa.and_(table.c.paper_id == paper_id, table.c.saved_keys.is_(None))
        rows &= sa.true() if user_id is None else table.c.user_id == user_id
        await connection.execute(table.update().where(rows).values(saved_keys=key))


async def _add_texts(
    connection: AsyncConnection, table: sa.Table, user_id: int, paper_id: int, added: Any
) -> None:
    """Give a row, if it is there, the note and tags of another one, too, and its title if it has none."""
    own = _is_of(table, user_id, paper_id)
    query = sa.select(table.c.note, table.c.tags, table.c.own_title, table.c.saved_keys).where(own)
    if (row := (await connection.execute(query)).one_or_none()) is None:
        return
    notes = dict.fromkeys(filter(None, (row.note, added.note)))
    names = dict.fromkeys((row.tags + added.tags).split())
    keys = dict.fromkeys(f"{row.saved_keys or ''} {added.saved_keys or ''}".split())
    values = {
        "note": "\n".join(notes),
        "tags": f" {' '.join(names)} " if names else "",
        "own_title": row.own_title or added.own_title,
        "saved_keys": " ".join(keys) or None,
    }
    await connection.execute(table.update().where(own).values(values))


async def count(connection: AsyncConnection, user_id: int) -> int:
    query = sa.select(sa.func.count()).select_from(saved_papers).where(saved_papers.c.user_id == user_id)
    return await connection.scalar(query) or 0


async def count_known(connection: AsyncConnection, owner_id: int) -> int:
    """Return how many of a reader's or a list's papers have a title or an abstract and are not hidden."""
    texts = sa.func.coalesce(papers.c.title, papers.c.abstract, saved_papers.c.own_title)
    chosen = _select_ids(owner_id, (), None).where(~papers.c.hidden, texts.is_not(None))
    return await connection.scalar(chosen.with_only_columns(sa.func.count())) or 0


async def list_paper_ids(
    connection: AsyncConnection, user_id: int, *, added_by: int | None = None
) -> list[int]:
    """Return the ids of a reader's saved papers, most recently saved first; of a list's, also those that a member added."""
    query = sa.select(saved_papers.c.paper_id).where(saved_papers.c.user_id == user_id)
    if added_by is not None:
        query = query.where(saved_papers.c.added_by == added_by)
    return list(await connection.scalars(query.order_by(*_NEWEST)))


async def list_rows(
    connection: AsyncConnection,
    user_id: int,
    *,
    tags: Iterable[str] = (),
    paper_ids: Collection[int] | None = None,
    limit: int | None = None,
    offset: int = 0,
    with_hidden: bool = True,
) -> tuple[list[models.SavedPaper], int]:
    """Return a page of a reader's saved papers that have all tags and are among `paper_ids`, and their total number."""
    chosen = _select_ids(user_id, tags, paper_ids).where(sa.true() if with_hidden else ~papers.c.hidden)
    total = await connection.scalar(chosen.with_only_columns(sa.func.count()))
    page = chosen.order_by(*_NEWEST).limit(limit).offset(offset)
    return await _read_rows(connection, user_id, await connection.scalars(page)), total or 0


_ROWS_AT_ONCE = 100
"""Rows converted before other tasks can run."""


async def _read_rows(
    connection: AsyncConnection, user_id: int, paper_ids: Iterable[int]
) -> list[models.SavedPaper]:
    """Return a reader's saved papers in the order of these ids.

    The database only sorts ids, since the rows of 5,000 papers can take hundreds of megabytes in SQLite's
    memory.
    """
    ids, rows = list(paper_ids), dict[int, models.SavedPaper]()
    query = sa.select(papers, *_SAVED_COLUMNS).select_from(_JOINED).where(saved_papers.c.user_id == user_id)
    for chunk in chunked(ids, _ROWS_AT_ONCE):
        found = await connection.execute(query.where(papers.c.id.in_(chunk)))
        rows |= {row.id: _from_row(row) for row in found}
    return [rows[paper_id] for paper_id in ids if paper_id in rows]


async def list_annotations(connection: AsyncConnection, user_id: int) -> Sequence[Any]:
    """Return the paper_id, note and tags of a reader's saved papers."""
    c = saved_papers.c
    query = sa.select(c.paper_id, c.note, c.tags).where(c.user_id == user_id)
    return (await connection.execute(query)).all()


async def count_savers(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[tuple[int, int], int]:
    """Return how many members saved each paper in their server, by server and paper id, from `MIN_SAVERS` on."""
    c, number = saved_papers.c, sa.func.count()
    query = sa.select(c.server_id, c.paper_id, number).where(c.server_id.is_not(None))
    query = query.group_by(c.server_id, c.paper_id).having(number >= MIN_SAVERS)
    rows = await statements.execute_in(connection, query, c.paper_id, paper_ids)
    return {(server_id, paper_id): count for server_id, paper_id, count in rows}


async def list_texts(connection: AsyncConnection, user_id: int) -> Sequence[Any]:
    """Return the searchable columns: paper_id, last_on, votes, key, title, note and tags."""
    query = sa.select(
        saved_papers.c.paper_id,
        papers.c.last_on,
        papers.c.votes,
        papers.c.key,
        sa.func.coalesce(papers.c.title, saved_papers.c.own_title).label("title"),
        saved_papers.c.note,
        saved_papers.c.tags,
    ).join(papers, papers.c.id == saved_papers.c.paper_id)
    return (await connection.execute(query.where(saved_papers.c.user_id == user_id))).all()


async def get(connection: AsyncConnection, user_id: int, paper_key: str) -> models.SavedPaper | None:
    of_name = sa.select(paper_names.c.paper_id).where(paper_names.c.name == paper_key)
    chosen = _select_ids(user_id, (), None).where(sa.or_(papers.c.key == paper_key, papers.c.id.in_(of_name)))
    rows = await _read_rows(connection, user_id, await connection.scalars(chosen))
    return rows[0] if rows else None


async def list_first_days(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[int, date]:
    """Return the day (UTC) on which each of some papers was first saved, by paper id."""
    first = sa.func.min(saved_papers.c.saved_at, type_=saved_papers.c.saved_at.type)
    query = sa.select(saved_papers.c.paper_id, first).group_by(saved_papers.c.paper_id)
    found = await statements.execute_in(connection, query, saved_papers.c.paper_id, paper_ids)
    return {paper_id: saved_at.date() for paper_id, saved_at in found}


async def get_tags(connection: AsyncConnection, user_id: int) -> str:
    """Return the tags of all of a reader's papers, separated by spaces. A tag is repeated for each paper that has it."""
    # Read as one value, since thousands of rows would block the event loop.
    joined = sa.func.aggregate_strings(saved_papers.c.tags, "")
    query = sa.select(joined).where(saved_papers.c.user_id == user_id, saved_papers.c.tags != "")
    return await connection.scalar(query) or ""


_SAVED_COLUMNS = tuple(saved_papers.c[name] for name in ("saved_at", "note", "tags", "added_by", "own_title"))
_NEWEST = saved_papers.c.saved_at.desc(), saved_papers.c.paper_id.desc()


_JOINED = saved_papers.join(papers, papers.c.id == saved_papers.c.paper_id)


def _select_ids(user_id: int, tags: Iterable[str], paper_ids: Collection[int] | None) -> sa.Select[Any]:
    chosen = [saved_papers.c.user_id == user_id]
    chosen += [saved_papers.c.tags.contains(f" {tag} ", autoescape=True) for tag in tags]
    if paper_ids is not None:
        chosen.append(saved_papers.c.paper_id.in_(paper_ids))
    return sa.select(saved_papers.c.paper_id).select_from(_JOINED).where(*chosen)


def _is_of(table: sa.Table, user_id: int, paper_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.user_id == user_id, table.c.paper_id == paper_id)


def _from_row(row: sa.Row[Any]) -> models.SavedPaper:
    return statements.build_record(
        models.SavedPaper,
        row._mapping,
        date=row.last_on or row.saved_at.date(),
        score=0.0,
        published_on=None,
        tags=tuple(row.tags.split()),
        withdrawn_by=withdrawals.find_withdrawal(row.abstract, row.comment),
        is_listed=row.last_on is not None,
    )
