"""Corrects typing errors of a query: words that no paper of the archive has and that exactly one known word is near.

Digests have typing errors too, so a Hangul word that two papers have may be one, if the near word is far more frequent.
"""

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
MAX_MISSPELT_PAPERS = 2
"""Papers that may have the same typing error in a Hangul word."""
_MEANT_PAPERS = 30
"""Papers with the word meant for each with the typing error."""


async def list_unknown_words(
    connection: Connection, expanded: expansion.Expansion, *, hangul_papers: int = 0
) -> list[str]:
    """Return the words of a query that no paper of the archive has, of Hangul words at most `hangul_papers`."""
    plain = [korean.strip_term(segment.text) for segment in expanded.segments if segment.key is None]
    tokens_by_word = {
        text: [token for word in analyser.stemmed_words(text) for token in analyser.word_tokens(word)]
        for text in plain
    }
    tokens = set().union(*tokens_by_word.values())
    frequencies = await index.get_document_frequencies(connection, tokens) if tokens else {}
    # A part of a compound, such as the 화학 of 강화학습, may be in no paper, as most write the compound apart.
    limits = {word: hangul_papers if korean.is_hangul(word) else 0 for word in tokens_by_word}
    rare = [
        word
        for word, parts in tokens_by_word.items()
        if min((frequencies.get(part, 0) for part in parts), default=1) <= limits[word]
    ]
    return [word for word in rare if await _count_papers(connection, word, limits[word] + 1) <= limits[word]]


async def find_corrections(
    connection: Connection, vocabulary: Vocabulary, unknown_words: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Return those of the words that are typing errors of a word of the archive, as typed and as meant."""
    pairs = [(word, vocabulary.correct(word)) for word in unknown_words]
    return tuple(
        [
            (word, meant)
            for word, meant in pairs[:_MAX_CORRECTED]
            if meant is not None and await _is_meant(connection, word, meant)
        ]
    )


def apply(text: str, corrections: Sequence[tuple[str, str]]) -> str:
    """Return a text with its words corrected; what is joined to a word, such as a particle, stays."""
    for typed, meant in corrections:
        text = re.sub(rf"(?<!\w){re.escape(typed)}", lambda _, meant=meant: meant, text)  # type: ignore[misc]
    return text


async def _is_meant(connection: Connection, typed: str, meant: str) -> bool:
    """Tell whether papers have the word meant, many if any have the one typed."""
    needed = max(1, _MEANT_PAPERS * await _count_papers(connection, typed, MAX_MISSPELT_PAPERS))
    return await _count_papers(connection, meant, needed) >= needed


async def _count_papers(connection: Connection, text: str, limit: int) -> int:
    query = index_query.from_text(text)
    return 0 if query is None else await index.count_matches(connection, query.anywhere, limit=limit)
