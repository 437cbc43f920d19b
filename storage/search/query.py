"""Boolean queries to the search index: nested ANDs and ORs of tokens, and their syntax in each engine.

Tokens come from the analyser and are quoted, so typed text is never read as an operator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias


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
    result = known.get(id(query))
    if result is None:
        result = known[id(query)] = _prune(query, document_frequencies, known)
    return result


def _prune(
    query: AllOf | AnyOf, document_frequencies: Mapping[str, int], pruned: dict[int, BooleanQuery]
) -> BooleanQuery:
    parts = [
        part if isinstance(part, str) else prune_phrases(part, document_frequencies, pruned)
        for part in query.parts
    ]
    if isinstance(query, AnyOf):
        return any_of(parts) or query
    if not query.phrase:
        return all_of(parts) or query
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
    return all_of(parts[number] for number in sorted(kept)) or query


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
