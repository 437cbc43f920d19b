"""What is asked of the search index, as nested ANDs and ORs of tokens, and how each engine is told.

Tokens are the analyser's; neither engine gets to see an operator that somebody typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part must be in a paper. Of a `phrase` the rarest parts are enough to ask for: they hardly meet by chance."""

    parts: tuple[BooleanQuery, ...]
    phrase: bool = False


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part must be in a paper."""

    parts: tuple[BooleanQuery, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    """Some token that begins so must be there."""

    token: str


BooleanQuery: TypeAlias = str | Prefix | AllOf | AnyOf


# What FTS5 would cut a token at, so that it became a phrase; see the tokenizer in the migration.
_TOKEN_SEPARATORS = re.compile(r"[^0-9A-Za-z+#._!\u0080-\U0010ffff]")


def to_fts5(wanted: BooleanQuery) -> str:
    """Return the expression for SQLite's MATCH."""
    if isinstance(wanted, Prefix):
        return f"{to_fts5(wanted.token)}*"
    if isinstance(wanted, str):
        return f'"{_TOKEN_SEPARATORS.sub("_", wanted) or "_"}"'
    sign = " AND " if isinstance(wanted, AllOf) else " OR "
    return f"({sign.join(map(to_fts5, wanted.parts))})"


def to_tsquery(wanted: BooleanQuery) -> str:
    """Return the expression for a cast to PostgreSQL's tsquery."""
    if isinstance(wanted, Prefix):
        return f"{to_tsquery(wanted.token)}:*"
    if isinstance(wanted, str):
        token = wanted.replace("\0", "") or "_"
        return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"
    sign = " & " if isinstance(wanted, AllOf) else " | "
    return f"({sign.join(map(to_tsquery, wanted.parts))})"


def with_suffix(wanted: BooleanQuery, mark: str) -> BooleanQuery:
    """Return the same question for tokens that end with a mark."""
    if isinstance(wanted, str):
        return wanted + mark
    if isinstance(wanted, Prefix):
        return Prefix(wanted.token)
    parts = tuple(with_suffix(part, mark) for part in wanted.parts)
    return AllOf(parts, phrase=wanted.phrase) if isinstance(wanted, AllOf) else AnyOf(parts)


def query_tokens(wanted: BooleanQuery) -> set[str]:
    """Return every token that is asked for; not those that are only begun."""
    if isinstance(wanted, Prefix):
        return set()
    if isinstance(wanted, str):
        return {wanted}
    return set().union(*map(query_tokens, wanted.parts))


def prune_phrases(wanted: BooleanQuery, document_frequencies: Mapping[str, int]) -> BooleanQuery:
    """Return the question with only the rarest parts of its phrases, given in how many papers each token is.

    An engine reads the list of every part; that of a word like "model" is long and tells little beside the others.
    """
    if isinstance(wanted, str | Prefix):
        return wanted
    parts = [prune_phrases(part, document_frequencies) for part in wanted.parts]
    if isinstance(wanted, AnyOf):
        return any_of(parts) or wanted
    if not wanted.phrase:
        return all_of(parts) or wanted
    numbers = sorted(
        (sum(document_frequencies.get(token, 0) for token in query_tokens(part)), place)
        for place, part in enumerate(parts)
    )
    kept = numbers[:2]
    if len(numbers) > 2 and numbers[2][0] <= _FREQUENCY_RATIO * min(
        numbers[1][0], _FREQUENCY_RATIO * numbers[0][0]
    ):
        kept.append(numbers[2])
    return all_of(parts[place] for _, place in sorted(kept, key=lambda one: one[1])) or wanted


_FREQUENCY_RATIO = 3


def estimate_cost(wanted: BooleanQuery, document_frequencies: Mapping[str, int]) -> int:
    """Return about how many entries of its lists an engine reads to find everything, given in how many papers tokens are."""
    return _estimate(wanted, document_frequencies)[1]


def _estimate(wanted: BooleanQuery, document_frequencies: Mapping[str, int]) -> tuple[int, int]:
    """Return how many papers there may be, and how many entries are read for them."""
    if isinstance(wanted, Prefix):
        return 0, 0
    if isinstance(wanted, str):
        number = document_frequencies.get(wanted, 0)
        return number, number
    parts = [_estimate(part, document_frequencies) for part in wanted.parts]
    if isinstance(wanted, AnyOf):
        return sum(number for number, _ in parts), sum(read for _, read in parts)
    rarest = min(number for number, _ in parts)
    # In a long list an engine leaps to the papers of the rarest part.
    return rarest, sum(min(read, _SKIP_COST * rarest) for _, read in parts)


_SKIP_COST = 500
"""Entries that finding one's place in a list costs as much as reading."""


def all_of(parts: Iterable[BooleanQuery | None]) -> BooleanQuery | None:
    """Return the AND of the parts that there are; None for no part."""
    distinct = tuple(dict.fromkeys(part for part in parts if part is not None))
    return None if not distinct else distinct[0] if len(distinct) == 1 else AllOf(distinct)


def any_of(parts: Iterable[BooleanQuery | None]) -> BooleanQuery | None:
    """Return the OR of the parts that there are; None for no part."""
    distinct = tuple(dict.fromkeys(part for part in parts if part is not None))
    return None if not distinct else distinct[0] if len(distinct) == 1 else AnyOf(distinct)
