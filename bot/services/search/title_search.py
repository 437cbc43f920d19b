"""Finds papers by a part of their titles, also while it is being typed. What the papers say is `search`'s."""

from __future__ import annotations

from bot.services.search import document_tokens, index_query
from bot.text.analysis import analyser, korean, normalisation
from storage import models, papers
from storage.database import Connection
from storage.search import engines, index
from storage.search.query import BooleanQuery, Prefix, all_of, any_of

_CANDIDATE_LIMIT = 60
_MIN_PREFIX_LENGTH = 2
"""Letters of a Latin word from which its beginning is looked for: one letter begins half of all words."""


async def find_papers(
    connection: Connection, text: str, *, limit: int, is_prefix: bool = False
) -> list[models.PaperRow]:
    """Return the papers whose titles hold this text, best first: the whole title, its beginning, then popularity.

    While `typing`, the last word may go on.
    """
    wanted = _prefix_query(text) if is_prefix else _phrase_query(text)
    if wanted is None:
        return []
    if is_prefix:
        wanted = await engines.expand_prefixes(
            connection, wanted, document_tokens.TITLE_MARK, document_tokens.SHINGLE_SEPARATOR
        )
    tier = engines.SearchRequest(
        index.TITLES_TABLE, wanted, limit if is_prefix else max(_CANDIDATE_LIMIT, limit)
    )
    (positions,) = await index.list_positions(connection, [tier])
    rows = await papers.list_rows_by_position(connection, positions)
    asked = _fold_title(text)
    fitting = [row for row in rows if is_prefix or f" {asked} " in f" {_fold_title(row.title or '')} "]
    return sorted(fitting, key=lambda row: _match_rank(asked, _fold_title(row.title or "")))[:limit]


def _fold_title(text: str) -> str:
    """Return the words of a title as people type them: folded, without signs."""
    return normalisation.fold_name(text)


def _match_rank(asked: str, title: str) -> int:
    if title == asked:
        return 0
    if title.startswith(asked):
        return 1
    return 2 if asked in title else 3


def _phrase_query(text: str) -> BooleanQuery | None:
    question = index_query.from_words(analyser.stemmed_words(text[:300]))
    return None if question is None else question.anywhere


def _prefix_query(text: str) -> BooleanQuery | None:
    """Ask for all words but the last, and for one that begins as that, or that it is a form of."""
    words = text[:300].split()
    if not words or text.endswith(" "):
        return _phrase_query(text)
    last = normalisation.fold(words[-1])
    before = index_query.from_words(analyser.stemmed_words(" ".join(words[:-1])), adjacent=False)
    begun = any_of(_last_word_queries(last))
    if begun is None:
        return _phrase_query(text)
    return all_of([None if before is None else before.anywhere, begun])


def _last_word_queries(last: str) -> list[BooleanQuery]:
    tokens = [token for run in analyser.split_runs(last) for token in run.tokens]
    if not tokens:
        return []
    if korean.is_hangul(tokens[-1]):
        return [all_of([*tokens[:-1], Prefix(tokens[-1])]) or tokens[-1]]
    if len(last) < _MIN_PREFIX_LENGTH:
        return [last]
    # The index has stems: "reasonin" is on the way to reasoning, which stands there as "reason".
    stems = [last[:-cut] for cut in (1, 2, 3) if len(last) - cut >= 3] if last.isalnum() else []
    return [Prefix(tokens[-1]), *([Prefix(last)] if last.isalnum() else []), *tokens, *stems]
