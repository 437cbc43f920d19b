"""The full-text index of papers: FTS5 on SQLite, tsvector with GIN on PostgreSQL, behind one interface.

The engines store no texts. The index keeps them compressed in `indexed_papers`, since a row can only be removed with the
tokens that it was added with.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import glossary, indexed_papers, mention_counts, papers, term_counts

# A boolean query nests ANDs and ORs of tokens. Tokens come from the analyser and are quoted in the syntax of each engine, so
# typed text is never read as an operator.


class AllOf(NamedTuple):
    """A conjunction. Of a `phrase` only the rarest parts need to match: these seldom meet by chance."""

    parts: tuple[BooleanQuery, ...]
    phrase: bool = False


class AnyOf(NamedTuple):
    """A disjunction."""

    parts: tuple[BooleanQuery, ...]


class Prefix(NamedTuple):
    """Any token with this prefix."""

    token: str


BooleanQuery: TypeAlias = str | Prefix | AllOf | AnyOf


_TOKEN_SEPARATORS = re.compile(r"[\x00- \"$-*,\-/:-@\[-^`{-\x7f]")
"""Characters at which FTS5 would split a token into a phrase: all of ASCII but letters, digits and `+#._!` (see the tokenizer
in the migration). A class of all others takes 5 ms to compile.
"""
_FREQUENCY_RATIO = 3
_SKIP_COST = 500
"""Cost of a skip in a posting list, in entries read."""


def to_fts5(query: BooleanQuery) -> str:
    """Return the expression for SQLite's MATCH."""
    if isinstance(query, Prefix):
        return f"{to_fts5(query.token)}*"
    if isinstance(query, str):
        token = query if query.isalnum() else _TOKEN_SEPARATORS.sub("_", query) or "_"
        return f'"{token}"'
    operator = " AND " if isinstance(query, AllOf) else " OR "
    return f"({operator.join(map(to_fts5, query.parts))})"


def to_tsquery(query: BooleanQuery) -> str:
    """Return the expression for a cast to PostgreSQL's tsquery."""
    if isinstance(query, Prefix):
        return f"{to_tsquery(query.token)}:*"
    if isinstance(query, str):
        token = query.replace("\0", "") or "_"
        return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"
    operator = " & " if isinstance(query, AllOf) else " | "
    return f"({operator.join(map(to_tsquery, query.parts))})"


def with_suffix(query: BooleanQuery, suffix: str) -> BooleanQuery:
    """Return a query with a suffix added to each token; prefixes stay as they are."""
    if isinstance(query, str):
        return query + suffix
    if isinstance(query, Prefix):
        return query
    parts = tuple(with_suffix(part, suffix) for part in query.parts)
    return AllOf(parts, phrase=query.phrase) if isinstance(query, AllOf) else AnyOf(parts)


def query_tokens(query: BooleanQuery) -> set[str]:
    """Return every complete token of a query."""
    tokens: set[str] = set()
    pending = [query]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            tokens.add(part)
        elif not isinstance(part, Prefix):
            pending += part.parts
    return tokens


def prune_phrases(
    query: BooleanQuery,
    document_frequencies: Mapping[str, int],
    pruned: dict[int, BooleanQuery] | None = None,
) -> BooleanQuery:
    """Return a query with only the two or three rarest parts of its phrases.

    An engine reads the posting list of every part; those of common words are long and narrow the result little. `pruned`
    has the results by the identity of each part, for queries that share parts.
    """
    if isinstance(query, str | Prefix):
        return query
    known = {} if pruned is None else pruned
    if (result := known.get(id(query))) is not None:
        return result
    parts = [
        part if isinstance(part, str) else prune_phrases(part, document_frequencies, known)
        for part in query.parts
    ]
    if isinstance(query, AnyOf):
        result = any_of(parts)
    else:
        result = all_of(_list_rarest(parts, document_frequencies) if query.phrase else parts)
    known[id(query)] = result = result or query
    return result


def _list_rarest(
    parts: Sequence[BooleanQuery], document_frequencies: Mapping[str, int]
) -> list[BooleanQuery]:
    ranked = sorted(
        (
            document_frequencies.get(part, 0)
            if isinstance(part, str)
            else sum(document_frequencies.get(token, 0) for token in query_tokens(part)),
            number,
        )
        for number, part in enumerate(parts)
    )
    kept = [number for _, number in ranked[:2]]
    if len(ranked) > 2:
        (rarest, _), (second, _), (third, number) = ranked[:3]
        if third <= _FREQUENCY_RATIO * min(second, _FREQUENCY_RATIO * rarest):
            kept.append(number)
    return [parts[number] for number in sorted(kept)]


def estimate_cost(query: BooleanQuery, document_frequencies: Mapping[str, int]) -> int:
    """Return the approximate number of posting list entries that an engine reads for all matches."""
    return _estimate(query, document_frequencies)[1]


def estimate_matches(query: BooleanQuery, document_frequencies: Mapping[str, int]) -> int:
    """Return the maximum number of papers that match."""
    return _estimate(query, document_frequencies)[0]


def _estimate(query: BooleanQuery, document_frequencies: Mapping[str, int]) -> tuple[int, int]:
    """Return the maximum number of matches, and the number of entries read for them."""
    if isinstance(query, Prefix):
        return 0, 0
    if isinstance(query, str):
        frequency = document_frequencies.get(query, 0)
        return frequency, frequency
    estimates = [
        (document_frequencies.get(part, 0),) * 2
        if isinstance(part, str)
        else _estimate(part, document_frequencies)
        for part in query.parts
    ]
    if isinstance(query, AnyOf):
        return sum(matches for matches, _ in estimates), sum(cost for _, cost in estimates)
    rarest = min(matches for matches, _ in estimates)
    # In a long list an engine skips to the papers of the rarest part.
    return rarest, sum(min(cost, _SKIP_COST * rarest) for _, cost in estimates)


def all_of(parts: Iterable[BooleanQuery | None]) -> BooleanQuery | None:
    """Return the conjunction of the distinct parts that are not None; None without parts."""
    distinct = tuple(dict.fromkeys(part for part in parts if part is not None))
    return None if not distinct else distinct[0] if len(distinct) == 1 else AllOf(distinct)


def any_of(parts: Iterable[BooleanQuery | None]) -> BooleanQuery | None:
    """Return the disjunction of the distinct parts that are not None; None without parts."""
    distinct = tuple(dict.fromkeys(part for part in parts if part is not None))
    return None if not distinct else distinct[0] if len(distinct) == 1 else AnyOf(distinct)


# A tier is a range of positions with its number of rows, by which a search is limited to the most popular papers.
# PostgreSQL's index has a token per tier, so that it can search the popular tiers alone; SQLite reads its index in order of
# positions and only needs the position to stop at.

_TIER_BITS = {"paper_words": 17, "paper_titles": 17, "author_words": 32}
"""Bits of a position within its tier. A tier of papers is a factor of 1.8 in votes, or half a year; one of authors is a
doubling of papers.
"""
_MIN_TIERED_ROWS = 4000
"""Tables up to this size are searched as a whole."""
_STAGE_SHARES = (1 / 32, 1 / 4)


async def _change_counts(connection: AsyncConnection, table: str, positions: Sequence[int], by: int) -> None:
    """Add a number to the row counts of the tiers of these positions."""
    changes = Counter(position >> _TIER_BITS[table] for position in positions)
    await bulk.execute_many(
        connection,
        "INSERT INTO search_tiers (name, tier, entries) VALUES (?, ?, ?)"
        " ON CONFLICT (name, tier) DO UPDATE SET entries = search_tiers.entries + excluded.entries",
        [(table, tier, by * number) for tier, number in sorted(changes.items())],
    )


async def _list_tiers(connection: AsyncConnection, table: str) -> tuple[list[int], list[int]]:
    """Return the tiers of a table that have rows, and the cumulative number of their rows."""
    statement = "SELECT tier, entries FROM search_tiers WHERE name = ? AND entries > 0 ORDER BY tier"
    rows = list(
        await bulk.read_once(connection, table, lambda: bulk.fetch_all(connection, statement, (table,)))
    )
    return [int(tier) for tier, _ in rows], list(accumulate(int(entries) for _, entries in rows))


async def count_tier_rows(connection: AsyncConnection, table: str) -> int:
    """Return the number of rows of a table, without reading it."""
    _, sums = await _list_tiers(connection, table)
    return sums[-1] if sums else 0


async def _end_positions(
    connection: AsyncConnection, table: str, shares: Sequence[float]
) -> list[int | None]:
    """Return the last position of each most popular share of a table's rows, in whole tiers; None for all rows."""
    if all(share >= 1 for share in shares):
        return [None] * len(shares)
    tiers, sums = await _list_tiers(connection, table)
    if not sums or sums[-1] <= _MIN_TIERED_ROWS:
        return [None] * len(shares)
    last_tiers = (tiers[bisect_left(sums, min(1.0, share) * sums[-1])] for share in shares)
    return [
        (tier + 1 << _TIER_BITS[table]) - 1 if share < 1 else None
        for tier, share in zip(last_tiers, shares, strict=True)
    ]


async def _tsquery_stages(connection: AsyncConnection, table: str, end: int | None) -> list[str]:
    """Return the tsquery conditions of PostgreSQL's stages up to `end`, from the most popular tiers to all; "" for all rows."""
    tiers, sums = await _list_tiers(connection, table)
    if not sums or sums[-1] <= _MIN_TIERED_ROWS:
        return [""]
    stops = [bisect_left(sums, share * sums[-1]) + 1 for share in _STAGE_SHARES]
    last = len(tiers)
    if end is not None:
        last = sum(1 for tier in tiers if tier <= end >> _TIER_BITS[table])
    conditions = [_any_tier(tiers[:stop]) for stop in dict.fromkeys(stops) if stop < last]
    return [*conditions, "" if last == len(tiers) else _any_tier(tiers[:last])]


def _any_tier(tiers: Sequence[int]) -> str:
    return " | ".join(f"'.e{tier}'" for tier in tiers)


# The engines are contentless FTS5 tables without positions on SQLite, and tables of lexemes with GIN on PostgreSQL. Both order
# results by a row id, the *position*. Neither tokenises text itself.

TokenRows = Sequence[tuple[int, str]]
"""Positions, each with its tokens separated by spaces."""
_MIN_MERGE_CHANGES = 2
"""Rows that a merge changes if it has merged anything."""


async def insert(connection: AsyncConnection, table: str, rows: TokenRows) -> None:
    """Insert rows; their positions must be free."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table} (rowid, tokens) VALUES (?, ?)"  # noqa: S608 - constant table
        values = sorted(rows)
    else:
        statement = (
            f"INSERT INTO {table} (position, tokens)"  # noqa: S608 - constant table
            " VALUES (?, array_to_tsvector(array_remove(string_to_array(?, ' '), '')))"
        )
        # The token of the tier: no token of the analyser begins with a full stop.
        bits = _TIER_BITS[table]
        values = sorted((position, f"{tokens} .e{position >> bits}") for position, tokens in rows)
    await bulk.execute_many(connection, statement, values)
    await _change_counts(connection, table, [position for position, _ in rows], 1)


async def delete(connection: AsyncConnection, table: str, rows: TokenRows) -> None:
    """Delete rows. On SQLite they must have exactly the tokens that they were inserted with."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table} ({table}, rowid, tokens) VALUES ('delete', ?, ?)"  # noqa: S608
        await bulk.execute_many(connection, statement, rows)
    else:
        statement = f"DELETE FROM {table} WHERE position = ?"  # noqa: S608 - constant table
        await bulk.execute_many(connection, statement, [(position,) for position, _ in rows])
    await _change_counts(connection, table, [position for position, _ in rows], -1)


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A request for the first `limit` positions of a table that match a query.

    `share` limits the search to that most popular share of the rows, which bounds the cost of rare matches.
    """

    table: str
    query: BooleanQuery
    limit: int
    share: float = 1.0


async def list_engine_positions(
    connection: AsyncConnection,
    requests: Sequence[SearchRequest],
    *,
    filter_sql: str = "",
    filter_values: Sequence[Any] = (),
) -> list[list[int]]:
    """Return the matching positions of each request, the lowest first. All requests are to one table.

    `filter_sql` is a join `JOIN … ON ….position = place WHERE …`, in which `place` is replaced by the position, with `?`
    placeholders. The SQL is not built by SQLAlchemy, which takes longer for it than the engine for the search.
    """
    if not requests:
        return []
    ends = await _end_positions(connection, requests[0].table, [request.share for request in requests])
    if connection.dialect.name != "sqlite":
        return [
            await _list_in_stages(connection, request, end, filter_sql, filter_values)
            for request, end in zip(requests, ends, strict=True)
        ]
    values: list[Any] = []
    statements = []
    for number, (request, end) in enumerate(zip(requests, ends, strict=True)):
        statements.append(_sqlite_statement(number, request, end, filter_sql))
        values += [to_fts5(request.query), *filter_values, request.limit]
    positions: list[list[int]] = [[] for _ in requests]
    for number, position in await bulk.fetch_all(connection, " UNION ALL ".join(statements), values):
        positions[number].append(position)
    return positions


def _sqlite_statement(number: int, request: SearchRequest, end: int | None, filter_sql: str) -> str:
    table = request.table
    join, _, conditions = filter_sql.replace("place", f"{table}.rowid").partition(" WHERE ")
    where = f"{table} MATCH ?" + (f" AND {table}.rowid <= {end}" if end is not None else "")
    where += f" AND {conditions}" if conditions else ""
    return (
        f"SELECT {number} AS request, position FROM (SELECT {table}.rowid AS position FROM {table} {join}"  # noqa: S608
        f" WHERE {where} ORDER BY {table}.rowid LIMIT ?) AS request_{number}"
    )


async def _list_in_stages(
    connection: AsyncConnection,
    request: SearchRequest,
    end: int | None,
    filter_sql: str,
    filter_values: Sequence[Any],
) -> list[int]:
    """Return a request's positions from PostgreSQL, searching the most popular tiers, then more, until there are enough.

    GIN is unordered: it finds all matches, which are too many of a frequent word, unless the query also names tiers.
    """
    query = to_tsquery(request.query)
    column = f"{request.table}.position"
    join, _, conditions = filter_sql.replace("place", column).partition(" WHERE ")
    where = f"{request.table}.tokens @@ CAST(? AS tsquery)" + (f" AND {conditions}" if conditions else "")
    # Sorted by an expression: else the planner may read all rows in order of position.
    statement = f"SELECT {column} FROM {request.table} {join} WHERE {where} ORDER BY {column} + 0 LIMIT ?"  # noqa: S608
    positions: list[int] = []
    for tier_query in await _tsquery_stages(connection, request.table, end):
        staged = f"({query}) & ({tier_query})" if tier_query else query
        rows = await bulk.fetch_all(connection, statement, (staged, *filter_values, request.limit))
        positions = [position for (position,) in rows]
        if len(positions) >= request.limit:
            break
    return positions


COMPRESSION_LEVEL = 3


class DocumentTexts(NamedTuple):
    """The indexed texts of a paper: title and body in the analyser's canonical form, and its mentions for the glossary."""

    title: str
    body: str
    mentions: tuple[str, ...] = ()


def pack_texts(texts: Iterable[DocumentTexts]) -> list[bytes]:
    """Return texts as they are stored, compressed by Zstandard."""
    import zstandard  # loaded with the first use of the index, not by an idle bot

    # One for each call, since several threads may not share one.
    compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=False)
    return [compressor.compress("\0".join((title, body, *found)).encode()) for title, body, found in texts]


def unpack_texts(packed: Iterable[bytes]) -> list[DocumentTexts]:
    """Return texts from their stored form."""
    import zstandard

    decompressor, texts = zstandard.ZstdDecompressor(), []
    for data in packed:
        title, body, *found = decompressor.decompress(data).decode().split("\0")
        texts.append(DocumentTexts(title, body, tuple(found)))
    return texts


WORDS_TABLE = "paper_words"
TITLES_TABLE = "paper_titles"

_STEPS_PER_UNIT = 512
"""Popularity steps per unit of popularity: a step is a day and a half, or a factor of 1.0045 in votes."""
SLOTS_PER_STEP = 1024
"""Positions of a step; further papers use those of the next one. A million papers of ten years fill a third of them."""
HASH_MULTIPLIER = 2654435761
"""Multiplier of the hash from a paper's id to its slot. The papers of one slot are a sample of all papers."""
_PROBE_LENGTH = 16
"""Slots checked at once when a slot is taken."""
_TOP_STEP = 1 << 15
_MERGED_PAGES = 200
ROWS_AT_ONCE = 200
"""Rows read and decompressed in one step: 2 ms on the event loop."""


class IndexRow(NamedTuple):
    """A paper in the index. `position` orders by popularity, the lowest first.

    `tokens` (all) and `title_tokens` are separated by spaces. They are made from the texts to add or remove a row, and
    are empty in rows that were read.
    """

    position: int
    paper_id: int
    texts: DocumentTexts
    votes: int | None
    last_on: date
    tokens: str = ""
    title_tokens: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters of papers: last digest date, both ends included, and votes. Unknown votes meet no minimum above 0."""

    since_on: date | None = None
    until_on: date | None = None
    min_votes: int | None = None

    def allow(self, on: date, votes: int | None) -> bool:
        """Tell whether a paper of this date with these votes passes."""
        return (
            (self.since_on is None or on >= self.since_on)
            and (self.until_on is None or on <= self.until_on)
            and (not self.min_votes or (votes or 0) >= self.min_votes)
        )


NO_FILTERS = Filters()


def popularity_step(popularity: float) -> int:
    """Return the step of a popularity, higher for more popular papers."""
    return int(_STEPS_PER_UNIT * popularity)


async def assign_positions(connection: AsyncConnection, popularity: Mapping[int, float]) -> dict[int, int]:
    """Return a free position for each paper id, given its popularity (0 to 64): linear probing from its hashed slot."""
    assigned: dict[int, int] = {}
    taken: set[int] = set()
    starts = {
        paper_id: (_TOP_STEP - popularity_step(value)) * SLOTS_PER_STEP
        + paper_id * HASH_MULTIPLIER % SLOTS_PER_STEP
        for paper_id, value in popularity.items()
    }
    length = 1
    column = indexed_papers.c.position
    while starts:
        probed = {start + offset for start in starts.values() for offset in range(length)}
        rows = await bulk.select_where_in(connection, column, probed, (column,))
        taken.update(position for (position,) in rows)
        unassigned: dict[int, int] = {}
        for paper_id, start in starts.items():
            free = next((slot for slot in range(start, start + length) if slot not in taken), None)
            if free is None:
                unassigned[paper_id] = start + length
            else:
                assigned[paper_id] = free
                taken.add(free)
        starts, length = unassigned, _PROBE_LENGTH
    return assigned


async def list_by_paper_ids(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[int, IndexRow]:
    """Return the rows of these papers by id."""
    rows = await _list_where_in(connection, indexed_papers.c.paper_id, paper_ids)
    return {row.paper_id: row for row in rows}


async def add(connection: AsyncConnection, rows: Sequence[IndexRow]) -> None:
    """Add rows with their tokens; their positions must be free."""
    if not rows:
        return
    columns = ("position", "paper_id", "texts", "votes", "last_on")
    packed = pack_texts(row.texts for row in rows)
    values = [
        (row.position, row.paper_id, texts, row.votes, row.last_on)
        for row, texts in zip(rows, packed, strict=True)
    ]
    await bulk.insert_rows(connection, indexed_papers, columns, values)
    await insert(connection, WORDS_TABLE, [(row.position, row.tokens) for row in rows])
    await insert(connection, TITLES_TABLE, [(row.position, row.title_tokens) for row in rows])


async def remove(connection: AsyncConnection, rows: Sequence[IndexRow]) -> None:
    """Remove rows. On SQLite they must have exactly the tokens that they were added with."""
    if not rows:
        return
    statement = indexed_papers.delete().where(indexed_papers.c.position == sa.bindparam("b_position"))
    await connection.execute(statement, [{"b_position": row.position} for row in rows])
    await delete(connection, WORDS_TABLE, [(row.position, row.tokens) for row in rows])
    await delete(connection, TITLES_TABLE, [(row.position, row.title_tokens) for row in rows])


async def list_positions(
    connection: AsyncConnection, requests: Sequence[SearchRequest], filters: Filters = NO_FILTERS
) -> list[list[int]]:
    """Return the positions of the papers that match each request, the most popular first."""
    stores_dates_as_text = connection.dialect.name == "sqlite"
    conditions = {
        condition: value.isoformat() if stores_dates_as_text and isinstance(value, date) else value
        for condition, value in (
            ("indexed_papers.last_on >= ?", filters.since_on),
            ("indexed_papers.last_on <= ?", filters.until_on),
            ("indexed_papers.votes >= ?", filters.min_votes or None),
        )
        if value is not None
    }
    join = f"JOIN indexed_papers ON indexed_papers.position = place WHERE {' AND '.join(conditions)}"
    return await list_engine_positions(
        connection, requests, filter_sql=join if conditions else "", filter_values=tuple(conditions.values())
    )


async def merge_step(connection: AsyncConnection, *, is_first: bool) -> bool:
    """Merge the segments that additions leave in SQLite's index, and that each query reads one by one; PostgreSQL's has none.

    Returns whether there may be more to merge. A step writes about a megabyte; a merged index of 700,000 papers answers in
    half of the time.
    """
    if connection.dialect.name != "sqlite":
        return False
    has_more, counting = False, "SELECT total_changes()"
    for table in (WORDS_TABLE, TITLES_TABLE):
        ((before,),) = await bulk.fetch_all(connection, counting)
        # A negative number makes all segments one, a positive one goes on with it (SQLite, FTS5, "The merge command").
        statement = f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)"  # noqa: S608 - constant table
        await connection.exec_driver_sql(statement, (-_MERGED_PAGES if is_first else _MERGED_PAGES,))
        ((after,),) = await bulk.fetch_all(connection, counting)
        has_more |= after - before >= _MIN_MERGE_CHANGES
    return has_more


async def count_matches(connection: AsyncConnection, query: BooleanQuery, *, limit: int) -> int:
    """Count the papers that match a query, up to `limit`. Shingles may match a few too many."""
    if connection.dialect.name == "sqlite":
        matches, text = "SELECT rowid FROM paper_words WHERE paper_words MATCH ? LIMIT ?", to_fts5(query)
    else:
        matches = "SELECT 1 FROM paper_words WHERE tokens @@ CAST(? AS tsquery) LIMIT ?"
        text = to_tsquery(query)
    statement = f"SELECT count(*) FROM ({matches}) AS matches"  # noqa: S608 - constant text
    ((number,),) = await bulk.fetch_all(connection, statement, (text, limit))
    return int(number)


async def list_by_positions(connection: AsyncConnection, positions: Iterable[int]) -> list[IndexRow]:
    """Return the rows at these positions, in no order."""
    return await _list_where_in(connection, indexed_papers.c.position, positions)


async def _list_where_in(
    connection: AsyncConnection, by: sa.Column[Any], values: Iterable[Any]
) -> list[IndexRow]:
    c = indexed_papers.c
    columns = (c.position, c.paper_id, c.texts, c.votes, c.last_on)
    found: list[IndexRow] = []
    for chunk in bulk.chunked(values, ROWS_AT_ONCE):
        rows = list(await bulk.select_where_in(connection, by, chunk, columns))
        texts = unpack_texts(packed for _, _, packed, _, _ in rows)
        found += [
            IndexRow(position, paper_id, document_texts, votes, bulk.parse_date(last_on))
            for (position, paper_id, _, votes, last_on), document_texts in zip(rows, texts, strict=True)
        ]
    return found


async def list_votes(connection: AsyncConnection, positions: Iterable[int]) -> dict[int, int | None]:
    """Return the votes of the papers at these positions, None for unknown votes."""
    columns = (indexed_papers.c.position, indexed_papers.c.votes)
    rows = await bulk.select_where_in(connection, indexed_papers.c.position, positions, columns)
    return {position: votes for position, votes in rows}  # noqa: C416 - gives the tuples their types


async def change_document_frequencies(connection: AsyncConnection, changes: Mapping[str, int]) -> None:
    """Add to the document frequencies of tokens; a change may be negative."""
    await bulk.increment_counts(connection, term_counts, changes)


async def list_unindexed(connection: AsyncConnection, *, before_id: int | None, limit: int) -> list[int]:
    """Return the ids of listed papers that are not in the index, below `before_id`, in descending order."""
    query = (
        sa.select(papers.c.id)
        .outerjoin(indexed_papers, indexed_papers.c.paper_id == papers.c.id)
        .where(papers.c.last_on.is_not(None), indexed_papers.c.paper_id.is_(None))
        .order_by(papers.c.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(papers.c.id < before_id)
    return list((await connection.execute(query)).scalars())


async def list_by_popularity(
    connection: AsyncConnection, *, after_position: int = -1, limit: int = 500
) -> list[IndexRow]:
    """Return the rows after a position, the most popular first: a page of the whole index."""
    query = (
        sa.select(indexed_papers)
        .where(indexed_papers.c.position > after_position)
        .order_by(indexed_papers.c.position)
        .limit(limit)
    )
    rows = (await connection.execute(query)).all()
    texts = unpack_texts(row.texts for row in rows)
    return [
        IndexRow(row.position, row.paper_id, document_texts, row.votes, row.last_on)
        for row, document_texts in zip(rows, texts, strict=True)
    ]


async def count_all(connection: AsyncConnection) -> int:
    """Return the number of papers in the index."""
    query = sa.select(sa.func.count()).select_from(indexed_papers)
    return int((await connection.execute(query)).scalar_one())


async def get_document_frequencies(connection: AsyncConnection, tokens: Collection[str]) -> dict[str, int]:
    """Return the approximate number of papers with each token; tokens of no paper are left out."""
    known = await bulk.read_once(connection, term_counts.name, _no_frequencies)
    unread = [token for token in tokens if token not in known]
    if unread:
        columns = (term_counts.c.token, term_counts.c.papers)
        rows = await bulk.select_where_in(connection, term_counts.c.token, unread, columns)
        known.update(dict.fromkeys(unread, 0) | dict(rows))
    return {token: known[token] for token in tokens if known[token] > 0}


async def _no_frequencies() -> dict[str, int]:
    return {}


# The glossary is stored as opaque JSON, with the counts of mentions that it is induced from.


async def change_mention_counts(connection: AsyncConnection, changes: Mapping[str, int]) -> None:
    """Add to the numbers of papers with each mention; a change may be negative."""
    await bulk.increment_counts(connection, mention_counts, changes)


async def get_mention_counts(connection: AsyncConnection, *, limit: int) -> dict[str, int]:
    """Return the number of papers with each mention, for at most `limit` of the most frequent mentions."""
    query = (
        sa.select(mention_counts.c.mention, mention_counts.c.papers)
        .where(mention_counts.c.papers > 0)
        .order_by(mention_counts.c.papers.desc(), mention_counts.c.mention)
        .limit(limit)
    )
    return {mention: papers for mention, papers in await connection.execute(query)}  # noqa: C416


async def get_version(connection: AsyncConnection) -> str | None:
    """Return a value that changes with each induction, None without a glossary. Cheap enough for every search."""
    statement = f"SELECT made_at FROM {glossary.name}"  # noqa: S608 - constant name
    rows = await bulk.read_once(connection, glossary.name, lambda: bulk.fetch_all(connection, statement))
    return next((str(moment) for (moment,) in rows), None)


async def get(connection: AsyncConnection) -> tuple[datetime, int, str] | None:
    """Return when the stored glossary was induced (UTC), from how many papers, and its JSON; None without one."""
    query = sa.select(glossary.c.made_at, glossary.c.papers, glossary.c.data)
    row = (await connection.execute(query)).first()
    return None if row is None else (row.made_at, row.papers, zlib.decompress(row.data).decode())


async def save(connection: AsyncConnection, made_at: datetime, papers: int, data: str) -> None:
    """Store a glossary, replacing the former one: the values that `get` returns."""
    values = {"made_at": made_at, "papers": papers, "data": zlib.compress(data.encode())}
    statement = bulk.dialect_insert(connection, glossary).values(id=1, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
