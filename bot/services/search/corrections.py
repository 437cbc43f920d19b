"""Corrects typing errors of a query: words that no paper of the archive has and that exactly one known word is near."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.services.search import index_query
from bot.text.analysis import analyser, korean
from bot.text.glossary.model import expansion
from storage.database import Connection
from storage.search import index

if TYPE_CHECKING:
    from bot.text.queries.spelling import Vocabulary

_MAX_CORRECTED = 4
_MENT = re.compile(r"(?<!\S)[a-z]+(?<!dg)(?<!dge)ments?(?!\S)", re.IGNORECASE)
"""A word in -ment: with an e too few or too many (reinforcment, alignement) it has the stem of the word that was meant.

Both spellings are right after dg: judgment, judgement.
"""


async def list_unknown_words(connection: Connection, expanded: expansion.Expansion) -> list[str]:
    """Return the words of a query that no paper of the archive has."""
    plain = [korean.strip_term(segment.text) for segment in expanded.segments if segment.key is None]
    tokens_by_word = {
        text: [token for word in analyser.stemmed_words(text) for token in analyser.word_tokens(word)]
        for text in plain
    }
    tokens = set().union(*tokens_by_word.values())
    frequencies = await index.get_document_frequencies(connection, tokens) if tokens else {}
    # A part of a compound, such as the 화학 of 강화학습, may be in no paper, as most write the compound apart.
    rare = [word for word, parts in tokens_by_word.items() if not all(map(frequencies.get, parts))]
    return [word for word in rare if not await _has_papers(connection, word)]


def list_ambiguous_stems(expanded: expansion.Expansion) -> list[str]:
    """Return the words of a query whose stem does not show whether they are misspelt."""
    return _MENT.findall(expanded.text)


async def find_corrections(
    connection: Connection,
    vocabulary: Vocabulary,
    unknown_words: Sequence[str],
    ambiguous_stems: Sequence[str] = (),
) -> tuple[tuple[str, str], ...]:
    """Return those of the words that are typing errors of a word of the archive, as typed and as meant."""
    pairs = [(word, vocabulary.correct(word)) for word in ambiguous_stems if word not in unknown_words]
    pairs = [(word, meant) for word, meant in pairs if meant and _without_e(word) == _without_e(meant)]
    pairs += [(word, vocabulary.correct(word)) for word in unknown_words]
    return tuple(
        [
            (word, meant)
            for word, meant in pairs[:_MAX_CORRECTED]
            if meant is not None and await _has_papers(connection, meant)
        ]
    )


def apply(text: str, corrections: Sequence[tuple[str, str]]) -> str:
    """Return a text with its words corrected; what is joined to a word, such as a particle, stays."""
    for typed, meant in corrections:
        text = re.sub(rf"(?<!\w){re.escape(typed)}", lambda _, meant=meant: meant, text)  # type: ignore[misc]
    return text


def _without_e(word: str) -> str:
    return re.sub(r"ement(s?)\Z", r"ment\1", word.lower())


async def _has_papers(connection: Connection, text: str) -> bool:
    query = index_query.from_text(text)
    return query is not None and await index.count_matches(connection, query.anywhere, limit=1) > 0
