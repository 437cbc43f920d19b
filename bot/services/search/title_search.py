"""Finds papers by a part of their titles, also while it is being typed. What the papers say is `search`'s."""

from __future__ import annotations

from bot.services.search import document_tokens, index_query
from bot.text.analysis import analyser, korean, normalisation
from storage import models, papers
from storage.database import Connection
from storage.search import engines, index
from storage.search.query import Prefix, Wanted, all_of, any_of

_POOL = 60
_SHORTEST_BEGINNING = 2
"""Letters of a Latin word from which its beginning is looked for: one letter begins half of all words."""


async def list_rows(
    connection: Connection, text: str, *, limit: int, typing: bool = False
) -> list[models.PaperRow]:
    """Return the papers whose titles hold this text, best first: the whole title, its beginning, then popularity.

    While `typing`, the last word may go on.
    """
    wanted = _begun(text) if typing else _whole(text)
    if wanted is None:
        return []
    if typing:
        wanted = await engines.spelled_out(connection, wanted, document_tokens.TITLED, document_tokens.LINK)
    tier = engines.Tier(index.TITLES, wanted, limit if typing else max(_POOL, limit))
    (positions,) = await index.list_positions(connection, [tier])
    rows = await papers.list_rows_at(connection, positions)
    asked = _plain(text)
    fitting = [row for row in rows if typing or f" {asked} " in f" {_plain(row.title or '')} "]
    return sorted(fitting, key=lambda row: _distance(asked, _plain(row.title or "")))[:limit]


def _plain(text: str) -> str:
    """Return the words of a title as people type them: folded, without signs."""
    return normalisation.fold_name(text)


def _distance(asked: str, title: str) -> int:
    if title == asked:
        return 0
    if title.startswith(asked):
        return 1
    return 2 if asked in title else 3


def _whole(text: str) -> Wanted | None:
    question = index_query.of_words(analyser.words(text[:300]))
    return None if question is None else question.anywhere


def _begun(text: str) -> Wanted | None:
    """Ask for all words but the last, and for one that begins as that, or that it is a form of."""
    words = text[:300].split()
    if not words or text.endswith(" "):
        return _whole(text)
    last = normalisation.fold(words[-1])
    before = index_query.of_words(analyser.words(" ".join(words[:-1])), linked=False)
    begun = any_of(_beginnings(last))
    if begun is None:
        return _whole(text)
    return all_of([None if before is None else before.anywhere, begun])


def _beginnings(last: str) -> list[Wanted]:
    tokens = [token for run in analyser.runs(last) for token in run.tokens]
    if not tokens:
        return []
    if korean.is_hangul(tokens[-1]):
        return [all_of([*tokens[:-1], Prefix(tokens[-1])]) or tokens[-1]]
    if len(last) < _SHORTEST_BEGINNING:
        return [last]
    # The index has stems: "reasonin" is on the way to reasoning, which stands there as "reason".
    stems = [last[:-cut] for cut in (1, 2, 3) if len(last) - cut >= 3] if last.isalnum() else []
    return [Prefix(tokens[-1]), *([Prefix(last)] if last.isalnum() else []), *tokens, *stems]
