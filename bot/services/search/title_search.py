"""Title search: papers by a part of their title, for look-ups and for autocomplete."""

from __future__ import annotations

import unicodedata

from bot.digests.elements import arxiv_ids
from bot.services.indexing import document_tokens
from bot.services.search import index_query
from bot.text.analysis import analyser, korean, normalisation
from storage import models, papers
from storage.database import Connection
from storage.search import engines, index
from storage.search.query import BooleanQuery, Prefix, all_of, any_of

_CANDIDATE_LIMIT = 60
_MAX_TEXT_LENGTH = 300
_MIN_PREFIX_LENGTH = 2
"""Letters of a Latin word from which it is completed: one letter begins half of all words."""
_MIN_STEM_LENGTH = 3


def parse_id(text: str) -> str | None:
    """Return the arXiv id that a text consists of or links to; punctuation around it and wide digits are accepted."""
    plain = unicodedata.normalize("NFKC", normalisation.clean_typed(text)).strip(" \t\n.,;:!?()[]<>\"'`")
    return arxiv_ids.extract_arxiv_id(plain)


async def find_by_id(connection: Connection, text: str) -> models.PaperDetail | None:
    """Return the paper whose arXiv id or link a text is; None if the archive does not have it."""
    arxiv_id = parse_id(text)
    return None if arxiv_id is None else await papers.get_detail(connection, arxiv_id)


async def find_papers(
    connection: Connection, text: str, *, limit: int, is_prefix: bool = False
) -> list[models.PaperRow]:
    """Return the papers whose titles contain a text, best first: equal titles, titles that begin with it, then popularity.

    With `is_prefix` the last word may be incomplete.
    """
    query = _prefix_query(text) if is_prefix else _phrase_query(text)
    if query is None:
        return []
    if is_prefix:
        query = await engines.expand_prefixes(
            connection, query, document_tokens.TITLE_MARK, document_tokens.SHINGLE_SEPARATOR
        )
    candidate_limit = limit if is_prefix else max(_CANDIDATE_LIMIT, limit)
    request = engines.SearchRequest(index.TITLES_TABLE, query, candidate_limit)
    (positions,) = await index.list_positions(connection, [request])
    rows = await papers.list_rows_by_position(connection, positions)
    folded = _fold_title(text)
    if not is_prefix:
        rows = [row for row in rows if f" {folded} " in f" {_fold_title(row.title)} "]
    return sorted(rows, key=lambda row: _match_rank(folded, _fold_title(row.title)))[:limit]


def _fold_title(text: str | None) -> str:
    """Return the words of a title as they are typed: folded, without punctuation."""
    return normalisation.fold_name(text or "")


def _match_rank(text: str, title: str) -> int:
    if title == text:
        return 0
    if title.startswith(text):
        return 1
    return 2 if text in title else 3


def _phrase_query(text: str) -> BooleanQuery | None:
    query = index_query.from_words(analyser.stemmed_words(text[:_MAX_TEXT_LENGTH]))
    return None if query is None else query.anywhere


def _prefix_query(text: str) -> BooleanQuery | None:
    """Return the query for all words but the last, and for a completion or a stem of the last."""
    words = text[:_MAX_TEXT_LENGTH].split()
    if not words or text.endswith(" "):
        return _phrase_query(text)
    last_word = any_of(_last_word_queries(normalisation.fold(words[-1])))
    if last_word is None:
        return _phrase_query(text)
    other_words = index_query.from_words(analyser.stemmed_words(" ".join(words[:-1])), adjacent=False)
    return all_of([None if other_words is None else other_words.anywhere, last_word])


def _last_word_queries(word: str) -> list[BooleanQuery]:
    tokens = [token for run in analyser.split_runs(word) for token in run.tokens]
    if not tokens:
        return []
    if korean.is_hangul(tokens[-1]):
        return [all_of([*tokens[:-1], Prefix(tokens[-1])]) or tokens[-1]]
    if len(word) < _MIN_PREFIX_LENGTH:
        return [word]
    if not word.isalnum():
        return [Prefix(tokens[-1]), *tokens]
    # The index has stems: "reasonin" is a part of reasoning, which is indexed as "reason".
    stems = [word[:-cut] for cut in (1, 2, 3) if len(word) - cut >= _MIN_STEM_LENGTH]
    return [Prefix(tokens[-1]), Prefix(word), *tokens, *stems]
