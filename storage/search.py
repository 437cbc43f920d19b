"""What look-ups read: the full-text index of papers (FTS5 on SQLite, tsvector with GIN on PostgreSQL), papers, authors, glossary.

The engines store no texts. The index keeps them compressed in `indexed_papers`, since a row can only be removed with the
tokens that it was added with. `storage.search_index` writes the index.
"""

from __future__ import annotations

import json
import re
import zlib
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

from storage.models import Author, PaperRow, share_name
from storage.snapshot import Snapshot, parse_date

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
MARK = "!"
"""Begins the mark of a token: where in a paper it is."""


def to_fts5(query: BooleanQuery, written: dict[int, str] | None = None) -> str:
    """Return the expression for SQLite's MATCH. `written` has those of other queries, which share parts, by identity."""
    if isinstance(query, str):
        return _quote(query)
    if isinstance(query, Prefix):
        return f"{_quote(query.token)}*"
    known = {} if written is None else written
    if id(query) not in known:
        operator = " AND " if isinstance(query, AllOf) else " OR "
        parts = [_quote(part) if isinstance(part, str) else to_fts5(part, known) for part in query.parts]
        known[id(query)] = f"({operator.join(parts)})"
    return known[id(query)]


@lru_cache(maxsize=1 << 13)
def _quote(token: str) -> str:
    return f'"{token if token.isalnum() else _TOKEN_SEPARATORS.sub("_", token) or "_"}"'


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
    parts = tuple([with_suffix(part, suffix) for part in query.parts])
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


def prune_phrases(query: BooleanQuery, document_frequencies: Mapping[str, int]) -> BooleanQuery:
    """Return a query with only the two or three rarest parts of its phrases.

    An engine reads the posting list of every part; those of common words are long and narrow the result little. A token with a
    mark is as rare as the token without.
    """
    if isinstance(query, (str, Prefix)):
        return query
    if isinstance(query, AllOf) and query.phrase:
        # Its parts are tokens and alternatives of tokens.
        parts = query.parts if len(query.parts) < 3 else _list_rarest(query.parts, document_frequencies)
    else:
        pruned = [prune_phrases(part, document_frequencies) for part in query.parts]
        parts = tuple(dict.fromkeys(pruned))
    return parts[0] if len(parts) == 1 else AnyOf(parts) if isinstance(query, AnyOf) else AllOf(parts)


def _list_rarest(
    parts: Sequence[BooleanQuery], document_frequencies: Mapping[str, int]
) -> tuple[BooleanQuery, ...]:
    ranked = sorted(
        [(estimate_matches(part, document_frequencies), number) for number, part in enumerate(parts)]
    )
    kept = [number for _, number in ranked[:2]]
    (rarest, _), (second, _), (third, number) = ranked[:3]
    if third <= _FREQUENCY_RATIO * min(second, _FREQUENCY_RATIO * rarest):
        kept.append(number)
    return tuple([parts[number] for number in sorted(kept)])


def estimate_matches(query: BooleanQuery, document_frequencies: Mapping[str, int]) -> int:
    """Return the maximum number of papers that match. A token with a mark counts as the token."""
    if isinstance(query, str):
        return document_frequencies.get(query.partition(MARK)[0], 0)
    if isinstance(query, Prefix):
        return 0
    matches = [estimate_matches(part, document_frequencies) for part in query.parts]
    return sum(matches) if isinstance(query, AnyOf) else min(matches)


def keep_frequent(query: BooleanQuery, document_frequencies: Mapping[str, int], enough: int) -> BooleanQuery:
    """Return the most frequent alternatives of a query, as few as about `enough` papers match: an engine looks each token up."""
    if not isinstance(query, AnyOf):
        return query
    expected = [(estimate_matches(part, document_frequencies), part) for part in query.parts]
    kept, total = list[BooleanQuery](), 0
    for papers, part in sorted(expected, key=lambda pair: -pair[0]):
        if total < enough:
            kept.append(part)
            total += papers
    return any_of(kept) or query


def all_of(parts: Iterable[BooleanQuery | None]) -> BooleanQuery | None:
    """Return the conjunction of the distinct parts that are not None; None without parts."""
    distinct = tuple(dict.fromkeys(part for part in parts if part is not None))
    return None if not distinct else distinct[0] if len(distinct) == 1 else AllOf(distinct)


def any_of(parts: Iterable[BooleanQuery | None]) -> BooleanQuery | None:
    """Return the disjunction of the distinct parts that are not None; None without parts."""
    distinct = tuple(dict.fromkeys(part for part in parts if part is not None))
    return None if not distinct else distinct[0] if len(distinct) == 1 else AnyOf(distinct)


# A tier is a range of positions with its number of rows. PostgreSQL's index has a token per tier, so that it can search the most
# popular tiers alone; SQLite reads its index in order of positions.

TIER_BITS = {"paper_words": 17, "paper_titles": 17, "author_words": 32}
"""Bits of a position within its tier. A tier of papers is a factor of 1.8 in votes, or half a year; one of authors is a
doubling of papers.
"""
_MIN_TIERED_ROWS = 4000
"""Tables up to this size are searched as a whole."""
_STAGE_SHARES = (1 / 32, 1 / 4)


def _list_tiers(snapshot: Snapshot, table: str) -> tuple[list[int], list[int]]:
    """Return the tiers of a table that have rows, and the cumulative number of their rows."""
    statement = "SELECT tier, entries FROM search_tiers WHERE name = ? AND entries > 0 ORDER BY tier"
    rows = snapshot.fetch(statement, table)
    return [int(tier) for tier, _ in rows], list(accumulate(int(entries) for _, entries in rows))


def count_papers(snapshot: Snapshot) -> int:
    """Return the number of papers in the index, without reading it."""
    _, sums = _list_tiers(snapshot, WORDS_TABLE)
    return sums[-1] if sums else 0


def _list_stages(snapshot: Snapshot, table: str) -> list[str]:
    """Return the tsquery conditions of PostgreSQL's stages, from the most popular tiers to all; "" for all rows.

    GIN is unordered: it finds all matches, which are too many of a frequent word, unless the query also names tiers.
    """
    if snapshot.is_sqlite:
        return [""]
    # In this transaction. The planner prices a scan without the lexemes, which are stored apart: 300 ms instead of 3.
    snapshot.fetch("SELECT set_config('enable_seqscan', 'off', true)")
    tiers, sums = _list_tiers(snapshot, table)
    if not sums or sums[-1] <= _MIN_TIERED_ROWS:
        return [""]
    stops = dict.fromkeys(bisect_left(sums, share * sums[-1]) + 1 for share in _STAGE_SHARES)
    return [" | ".join(f"'.e{tier}'" for tier in tiers[:stop]) for stop in stops if stop < len(tiers)] + [""]


WORDS_TABLE, TITLES_TABLE, AUTHORS_TABLE = "paper_words", "paper_titles", "author_words"
STEPS_PER_UNIT = 512
"""Popularity steps per unit of popularity: a step is a day and a half, or a factor of 1.0045 in votes."""
SLOTS_PER_STEP = 1024
"""Positions of a step; further papers use those of the next one. A million papers of ten years fill a third of them."""
TOP_STEP = 1 << 15


def popularity_at(position: int) -> float:
    """Return the popularity of the papers near a position of the index, since the epoch of the index."""
    return (TOP_STEP - position / SLOTS_PER_STEP) / STEPS_PER_UNIT


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

    def to_sql(self, snapshot: Snapshot, table: str) -> tuple[str, list[Any]]:
        """Return the conditions on the columns of a table, "" for none, and their values."""
        conditions = {
            f"{table}.last_on >= ?": self.since_on,
            f"{table}.last_on <= ?": self.until_on,
            f"{table}.votes >= ?": self.min_votes or None,
        }
        given: dict[str, Any] = {text: value for text, value in conditions.items() if value is not None}
        # SQLite stores dates as text.
        values = [
            value.isoformat() if snapshot.is_sqlite and isinstance(value, date) else value
            for value in given.values()
        ]
        return " AND ".join(given), values


NO_FILTERS = Filters()


def list_positions(
    snapshot: Snapshot,
    requests: Sequence[tuple[BooleanQuery, int]],
    filters: Filters = NO_FILTERS,
    table: str = WORDS_TABLE,
) -> list[list[int]]:
    """Return for each query and limit the positions of the rows that match, the lowest first: the most popular papers."""
    conditions, values = filters.to_sql(snapshot, "indexed_papers")
    position = f"{table}.{'rowid' if snapshot.is_sqlite else 'position'}"
    matches = f"{table} MATCH ?" if snapshot.is_sqlite else f"{table}.tokens @@ CAST(? AS tsquery)"
    join = f"JOIN indexed_papers ON indexed_papers.position = {position}" if conditions else ""
    where = f" AND {conditions}" if conditions else ""
    # Sorted by an expression on PostgreSQL: else the planner may read all rows in order of position.
    order = position if snapshot.is_sqlite else f"{position} + 0"
    selected = (
        f"SELECT {{0}} AS request, position FROM (SELECT {position} AS position FROM {table} {join}"  # noqa: S608
        f" WHERE {matches}{where} ORDER BY {order} LIMIT ?) AS request_{{0}}"
    )
    found: list[list[int]] = [[] for _ in requests]
    written: dict[int, str] = {}
    for tiers in _list_stages(snapshot, table) if requests else ():
        pending = [number for number, (_, limit) in enumerate(requests) if len(found[number]) < limit]
        if not pending:
            break
        parameters: list[Any] = []
        for number in pending:
            query, limit = requests[number]
            wanted = to_fts5(query, written) if snapshot.is_sqlite else to_tsquery(query)
            parameters += (f"({wanted}) & ({tiers})" if tiers else wanted, *values, limit)
            found[number].clear()
        for number, at in snapshot.fetch(" UNION ALL ".join(map(selected.format, pending)), *parameters):
            found[number].append(at)
    return [sorted(positions) for positions in found]


def count_matches(snapshot: Snapshot, query: BooleanQuery, *, limit: int) -> int:
    """Count the papers that match a query, up to `limit`. Shingles may match a few too many."""
    return len(list_positions(snapshot, [(query, limit)])[0])


class DocumentTexts(NamedTuple):
    """The indexed texts of a paper: title and body in the analyser's canonical form, its mentions for the glossary.

    `institutions` are the tokens of those that it comes from, as far as services know them.
    """

    title: str
    body: str
    mentions: tuple[str, ...] = ()
    institutions: tuple[str, ...] = ()


def unpack_texts(packed: Iterable[bytes]) -> list[DocumentTexts]:
    """Return texts from their stored form."""
    import zstandard  # loaded with the first use of the index, not by an idle bot

    decompressor, texts = zstandard.ZstdDecompressor(), []
    for data in packed:
        title, body, *found = str(decompressor.decompress(data), "utf-8").split("\0")
        # The last field, if it begins with a tab: an index of an older version lacks it.
        institutions = found.pop().split() if found and found[-1].startswith("\t") else []
        texts.append(DocumentTexts(title, body, tuple(found), tuple(institutions)))
    return texts


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


_INDEX_COLUMNS = "position, paper_id, texts, votes, last_on"


def list_by_positions(snapshot: Snapshot, positions: Iterable[int]) -> list[IndexRow]:
    """Return the rows at these positions, in no order."""
    return _list_rows(snapshot, "position", positions)


def list_by_paper_ids(snapshot: Snapshot, paper_ids: Iterable[int]) -> dict[int, IndexRow]:
    """Return the rows of these papers by id."""
    return {row.paper_id: row for row in _list_rows(snapshot, "paper_id", paper_ids)}


def _list_rows(snapshot: Snapshot, by: str, values: Iterable[int]) -> list[IndexRow]:
    return _build_rows(snapshot.fetch_in(f"SELECT {_INDEX_COLUMNS} FROM indexed_papers WHERE %s", by, values))  # noqa: S608


def list_by_popularity(snapshot: Snapshot, *, after_position: int = -1, limit: int = 500) -> list[IndexRow]:
    """Return the rows after a position, the most popular first: a page of the whole index."""
    statement = f"SELECT {_INDEX_COLUMNS} FROM indexed_papers WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608
    return _build_rows(snapshot.fetch(statement, after_position, limit))


def _build_rows(rows: Sequence[tuple[Any, ...]]) -> list[IndexRow]:
    texts = unpack_texts(packed for _, _, packed, _, _ in rows)
    return [
        IndexRow(position, paper_id, document_texts, votes, parse_date(last_on))
        for (position, paper_id, _, votes, last_on), document_texts in zip(rows, texts, strict=True)
    ]


def list_ids(snapshot: Snapshot, positions: Iterable[int]) -> dict[int, tuple[int, int | None]]:
    """Return the id and the votes, None for unknown ones, of the paper at each of these positions."""
    statement = "SELECT position, paper_id, votes FROM indexed_papers WHERE %s"
    return {
        position: (id_, votes) for position, id_, votes in snapshot.fetch_in(statement, "position", positions)
    }


def get_document_frequencies(snapshot: Snapshot, tokens: Collection[str]) -> dict[str, int]:
    """Return the approximate number of papers with each token; tokens of no paper are left out."""
    statement = "SELECT token, papers FROM term_counts WHERE papers > 0 AND %s"
    return dict(snapshot.fetch_in(statement, "token", tokens, is_text=True))


GLOSSARY_DECISIONS = "glossary:decisions"
"""Key of what an operator has said of forms, as JSON: rows of (English term, form, whether it is one)."""


def get_glossary_version(snapshot: Snapshot) -> str | None:
    """Return a value that changes with each induction and decision, None before the first. Cheap enough for every search."""
    statement = "SELECT (SELECT made_at FROM glossary), (SELECT value FROM meta WHERE key = ?)"
    ((made_at, decisions),) = snapshot.fetch(statement, GLOSSARY_DECISIONS)
    if decisions is None:
        return None if made_at is None else str(made_at)
    return f"{made_at}|{zlib.crc32(decisions.encode()):x}"


def list_glossary_decisions(snapshot: Snapshot) -> list[tuple[str, str, bool]]:
    """Return what an operator has said of forms: English term, form, and whether it is one, the oldest first."""
    rows = snapshot.fetch("SELECT value FROM meta WHERE key = ?", GLOSSARY_DECISIONS)
    return [(term, form, is_form) for (value,) in rows for term, form, is_form in json.loads(value)]


def get_glossary(snapshot: Snapshot) -> tuple[int, str] | None:
    """Return the number of papers that the stored glossary was induced from, and its JSON; None without one."""
    rows = snapshot.fetch("SELECT papers, data FROM glossary")
    return next(((papers, zlib.decompress(data).decode()) for papers, data in rows), None)


INDEX_GENERATION = "index:generation"
"""Key of the number of changes of the index, by which answers are kept."""


def get_generation(snapshot: Snapshot) -> str:
    """Return a value that changes with the index."""
    rows = snapshot.fetch("SELECT value FROM meta WHERE key = ?", INDEX_GENERATION)
    return next((str(value) for (value,) in rows), "")


# Papers and authors as answers list them.

_ROW_COLUMNS = "id, arxiv_id, title, url, last_on, papers.votes, authors, thumbnail, authors_truncated"
_BY_VOTES = "papers.votes IS NULL, papers.votes DESC"


def build_paper_rows(rows: Iterable[Sequence[Any]]) -> Iterator[PaperRow]:
    """Yield the listed papers among rows of `_ROW_COLUMNS`."""
    for id_, arxiv_id, title, url, last_on, votes, names, thumbnail, truncated in rows:
        if last_on is not None:
            # SQLite returns JSON as text.
            authors = tuple(map(share_name, json.loads(names) if isinstance(names, str) else names))
            day = parse_date(last_on)
            yield PaperRow(
                *(id_, arxiv_id, title, url, day, votes, authors, thumbnail),
                authors_truncated=bool(truncated),
            )


def list_paper_rows(
    snapshot: Snapshot, paper_ids: Sequence[int], *, with_authors: bool = True
) -> list[PaperRow]:
    """Return the listed papers among these ids, in the given order; thousands of them may have thousands of authors each."""
    columns = _ROW_COLUMNS if with_authors else _ROW_COLUMNS.replace(" authors,", " '[]',")
    statement = f"SELECT {columns} FROM papers WHERE %s"  # noqa: S608 - constant columns
    rows = {row.id: row for row in build_paper_rows(snapshot.fetch_in(statement, "id", paper_ids))}
    return [rows[paper_id] for paper_id in paper_ids if paper_id in rows]


def list_votes(
    snapshot: Snapshot, paper_ids: Iterable[int], filters: Filters = NO_FILTERS
) -> list[tuple[int, Any, int | None]]:
    """Return id, date and votes of the listed papers among these ids that pass filters; the dates are the driver's."""
    conditions, values = _listed(snapshot, filters)
    statement = f"SELECT id, last_on, votes FROM papers WHERE %s AND {conditions}"  # noqa: S608 - constant columns
    return snapshot.fetch_in(statement, "id", paper_ids, *values)


def get_paper_ids(snapshot: Snapshot, arxiv_ids: Iterable[str]) -> dict[str, int]:
    """Return the ids of stored papers by arXiv id."""
    statement = "SELECT arxiv_id, id FROM papers WHERE %s"
    return dict(snapshot.fetch_in(statement, "arxiv_id", arxiv_ids, is_text=True))


def list_top(
    snapshot: Snapshot, filters: Filters = NO_FILTERS, *, limit: int = 25, offset: int = 0
) -> list[PaperRow]:
    """Return the listed papers that pass filters, by votes (unknown last), then newest first."""
    conditions, values = _listed(snapshot, filters)
    statement = f"SELECT {_ROW_COLUMNS} FROM papers WHERE {conditions} ORDER BY {_BY_VOTES}, last_on DESC, id LIMIT ? OFFSET ?"  # noqa: S608
    return list(build_paper_rows(snapshot.fetch(statement, *values, limit, offset)))


def count_top(snapshot: Snapshot, filters: Filters = NO_FILTERS) -> int:
    """Count the papers that `list_top` returns without a limit."""
    conditions, values = _listed(snapshot, filters)
    ((number,),) = snapshot.fetch(f"SELECT count(*) FROM papers WHERE {conditions}", *values)  # noqa: S608
    return int(number)


def _listed(snapshot: Snapshot, filters: Filters) -> tuple[str, list[Any]]:
    conditions, values = filters.to_sql(snapshot, "papers")
    return " AND ".join(filter(None, ("last_on IS NOT NULL", conditions))), values


def list_by_prefix(snapshot: Snapshot, prefix: str, *, limit: int) -> list[PaperRow]:
    """Return listed papers by arXiv id prefix, for autocomplete: of the newest ids, most votes first."""
    # LIKE is case-insensitive on SQLite, so it would scan the whole table.
    # The range, in which every collation has what begins with digits, is for PostgreSQL's index.
    begins = "starts_with(arxiv_id, ?) AND arxiv_id >= ? AND arxiv_id < ?"
    values = [prefix, prefix, f"{prefix}zzz"]
    if snapshot.is_sqlite:
        begins, values = "arxiv_id >= ? AND arxiv_id < ?", [prefix, f"{prefix}\U0010ffff"]
    statement = (
        f"SELECT {_ROW_COLUMNS} FROM papers WHERE last_on IS NOT NULL AND id IN (SELECT id FROM papers"  # noqa: S608
        f" WHERE {begins} ORDER BY arxiv_id DESC LIMIT 200) ORDER BY {_BY_VOTES}, id LIMIT ?"
    )
    return list(build_paper_rows(snapshot.fetch(statement, *values, limit)))


_SELECT_AUTHORS = (
    "SELECT authors.id, authors.key, authors.name, authors.papers"
    " FROM indexed_authors JOIN authors ON authors.id = indexed_authors.author_id"
)


def find_authors(snapshot: Snapshot, *queries: BooleanQuery, limit: int) -> list[Author]:
    """Return the authors whose names match any query, roughly those with most papers first, at most `limit` per query."""
    requests = [(query, limit) for query in queries]
    positions = set().union(*list_positions(snapshot, requests, table=AUTHORS_TABLE))
    rows = snapshot.fetch_in(f"{_SELECT_AUTHORS} WHERE %s ORDER BY position", "position", sorted(positions))
    return [Author(*row) for row in rows]


def list_most_published(snapshot: Snapshot, *, limit: int) -> list[Author]:
    """Return authors with most papers, roughly in that order, for autocomplete of an empty text."""
    return [Author(*row) for row in snapshot.fetch(f"{_SELECT_AUTHORS} ORDER BY position LIMIT ?", limit)]


def list_known_words(snapshot: Snapshot, words: Iterable[str]) -> set[str]:
    """Return those of these words that are in any name."""
    rows = snapshot.fetch_in("SELECT word FROM name_words WHERE %s", "word", words, is_text=True)
    return {word for (word,) in rows}


_WORDS_AT_ONCE = 50_000


def list_words(snapshot: Snapshot, *, limit: int) -> Iterator[list[str]]:
    """Yield the words of names in order, a group at a time, at most `limit` of them."""
    last, statement = "", "SELECT word FROM name_words WHERE word > ? ORDER BY word LIMIT ?"
    while rows := snapshot.fetch(statement, last, min(limit, _WORDS_AT_ONCE)):
        yield [word for (word,) in rows]
        last, limit = rows[-1][0], limit - len(rows)


def list_paper_ids(snapshot: Snapshot, author_ids: Sequence[int]) -> list[int]:
    """Return the ids of the papers written by any of these authors."""
    rows = snapshot.fetch_in("SELECT DISTINCT paper_id FROM paper_authors WHERE %s", "author_id", author_ids)
    return [paper_id for (paper_id,) in rows]


def list_name_variants(snapshot: Snapshot, author_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the spellings of authors' names by author id, most frequent first."""
    statement = "SELECT author_id, name FROM paper_authors WHERE %s GROUP BY author_id, name ORDER BY count(*) DESC, name"
    variants: dict[int, list[str]] = {}
    for author_id, name in snapshot.fetch_in(statement, "author_id", author_ids):
        variants.setdefault(author_id, []).append(name)
    return variants


MAX_COMPARED_AUTHORS = 100
"""Authors of a paper who count as co-authors: those of a collaboration share a thousand papers with three thousand others."""


def list_coauthors(snapshot: Snapshot, author_id: int, *, limit: int) -> list[tuple[Author, int]]:
    """Return the co-authors of an author with the number of joint papers, most first; of each paper the first hundred count."""
    statement = (
        "SELECT authors.id, authors.key, authors.name, authors.papers, joint"
        " FROM (SELECT author_id, count(DISTINCT paper_id) AS joint FROM paper_authors WHERE position < ? AND author_id <> ?"
        " AND paper_id IN (SELECT paper_id FROM paper_authors WHERE author_id = ?) GROUP BY author_id) AS counted"
        " JOIN authors ON authors.id = author_id ORDER BY joint DESC, authors.name LIMIT ?"
    )
    rows = snapshot.fetch(statement, MAX_COMPARED_AUTHORS, author_id, author_id, limit)
    return [(Author(*row), joint) for *row, joint in rows]
