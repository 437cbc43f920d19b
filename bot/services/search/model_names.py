"""Names of models in Korean spelling: adds Gemini to a query for 제미나이, where the archive speaks for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.services.search import candidates, index_query
from bot.text.analysis import analyser, korean, title_names
from bot.text.glossary.model import expansion
from bot.text.glossary.resolution import resolver
from bot.text.matching import term_variants
from storage.database import Connection
from storage.search import index

_MIN_SHARE = 0.3
"""A word that papers have is a name's spelling if this share of them has the name too."""
_EVIDENCE_LIMIT = 40
"""The most popular papers that have a word, read for evidence."""
_WORD_END = f"(?:{analyser.PARTICLE_MARK}|[이가도로과만]?) "
_SPELLING_AND_VERSION = re.compile(
    rf"([{korean.SYLLABLES}]+(?: [{korean.SYLLABLES}]+)*) ?([^{korean.SYLLABLES}]*)"
)


async def add_names(
    connection: Connection, glossary: resolver.Glossary, expanded: expansion.Expansion
) -> expansion.Expansion:
    """Return an expansion with the names that its unknown Korean words are spellings of.

    A name for the whole query, with a version behind it or not, is an alternative to all of it.
    """
    if len(expanded.segments) == 1 and expanded.segments[0].key is not None:
        return expanded
    words = " ".join(segment.text for segment in expanded.segments).split()
    whole = _SPELLING_AND_VERSION.fullmatch(" ".join(title_names.trim(words)))
    names = await _find_names(connection, glossary, whole[1]) if whole else []
    if whole and names:
        texts = (expanded.text, *(f"{name} {whole[2]}".strip() for name in names))
        forms = tuple(expansion.WeightedForm(text, 1.0) for text in texts)
        return replace(expanded, composed=(expansion.Segment(expanded.text, forms), *expanded.composed))
    if len(expanded.segments) < 2:
        return expanded
    segments = [await _add_name(connection, glossary, segment) for segment in expanded.segments]
    return replace(expanded, segments=tuple(segments))


async def _add_name(
    connection: Connection, glossary: resolver.Glossary, segment: expansion.Segment
) -> expansion.Segment:
    if segment.key is not None:
        return segment
    spelling = _SPELLING_AND_VERSION.fullmatch(korean.strip_ending(segment.text))
    names = await _find_names(connection, glossary, spelling[1]) if spelling else []
    added = (expansion.WeightedForm(f"{name} {spelling[2]}".strip(), 1.0) for name in names if spelling)
    return replace(segment, forms=(*segment.forms, *added)) if names else segment


async def _find_names(connection: Connection, glossary: resolver.Glossary, spelling: str) -> list[str]:
    """Return the names that a word sounds like, unless papers use the word without them."""
    names = glossary.find_names(spelling)
    query = index_query.from_text(spelling) if names else None
    if query is None:
        return []
    positions = await candidates.list_popular(connection, query, index.NO_FILTERS, _EVIDENCE_LIMIT)
    rows = await index.list_by_positions(connection, positions)
    texts = [f"{row.texts.title}\n{row.texts.body}" for row in rows]
    word = re.compile(f" {analyser.canonicalise(spelling).strip()}{_WORD_END}")
    using = [text for text in texts if word.search(text)]
    return [name for name in names if len(_having(name, using)) >= _MIN_SHARE * len(using)]


def _having(name: str, texts: Sequence[str]) -> list[str]:
    """Return the canonical texts that have a name."""
    term = term_variants.compile_term(name)
    return [text for text in texts if any(term.count(term_variants.Document("", text)))]
