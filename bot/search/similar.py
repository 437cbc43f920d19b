"""What is like what: the papers that share the most of a paper's rarest words, and the names that Korean words spell."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from bot.glossary import concepts, resolver
from bot.search import query as search_query
from bot.search import scoring
from bot.text import analyser, term_keys, typography
from storage import models, search
from storage.search import all_of
from storage.snapshot import Snapshot

_MAX_TERMS = 12
_MAX_DOCUMENT_SHARE = 0.1
"""Words in a larger share of the papers say nothing of what one is about."""
_CANDIDATES_PER_TERM = 25
"""Candidates retrieved by each of the rarest words, the most popular first."""


def list_similar(snapshot: Snapshot, arxiv_id: str, *, limit: int) -> list[models.PaperRow]:
    """Return the papers most similar to one; none if it is unknown or shares no rare word.

    A paper that no digest has is compared by its title and abstract.
    """
    ids = search.get_paper_ids(snapshot, [arxiv_id])
    own = search.list_by_paper_ids(snapshot, ids.values()).get(ids.get(arxiv_id, -1))
    texts = (own.texts.title, own.texts.body) if own else _read_abstract(snapshot, arxiv_id)
    frequencies = scoring.count_words(*texts)
    weights = _tf_idf_weights(snapshot, frequencies, is_indexed=own is not None)
    rarest = sorted(weights, key=lambda word: (-weights[word], word))[:_MAX_TERMS]
    queries = [all_of(analyser.word_tokens(word)) for word in rarest]
    requests = [(query, _CANDIDATES_PER_TERM) for query in queries if query]
    if not requests:
        return []
    positions = set().union(*search.list_positions(snapshot, requests))
    positions -= {own.position} if own else set()
    rows = search.list_by_positions(snapshot, positions)
    scores = dict[int, float]()
    for row in rows:
        words = scoring.count_words(row.texts.title, row.texts.body)
        scores[row.paper_id] = sum(weights.get(word, 0.0) for word in words)
    best = sorted(scores, key=lambda paper_id: (-scores[paper_id], -paper_id))[:limit]
    return search.list_paper_rows(snapshot, best)


def _read_abstract(snapshot: Snapshot, arxiv_id: str) -> tuple[str, str]:
    """Return the canonical title and abstract of a paper that the index does not have; two empty texts if it is unknown."""
    rows = snapshot.fetch("SELECT title, abstract FROM papers WHERE arxiv_id = ?", arxiv_id)
    texts = next(iter(rows), ("", ""))
    title, abstract = (analyser.canonicalise(typography.to_plain_text(text or "")) for text in texts)
    return title, abstract


def _tf_idf_weights(
    snapshot: Snapshot, frequencies: Mapping[str, int], *, is_indexed: bool
) -> dict[str, float]:
    """Return the TF-IDF weight of each word that other papers have too. The paper with the words may be in the index.

    A word is as frequent in the archive as the rarest of its tokens.
    """
    tokens_of = {word: analyser.word_tokens(word) for word in frequencies if len(word) > 1}
    document_frequencies = search.get_document_frequencies(
        snapshot, {token for tokens in tokens_of.values() for token in tokens}
    )
    total = max(search.count_papers(snapshot), 1)
    # A sampled count may miss a token that others have; it may miss also one that no paper has, if this one is not indexed.
    uncounted = (2 if total > scoring.EXACT_COUNT_LIMIT else 1) if is_indexed else 0
    weights = {}
    for word, tokens in tokens_of.items():
        frequency = min((document_frequencies.get(token, uncounted) for token in tokens), default=0)
        if is_indexed < frequency <= max(3.0, _MAX_DOCUMENT_SHARE * total):
            weights[word] = (1 + math.log(frequencies[word])) * math.log(1 + total / frequency)
    return weights


_MIN_SHARE = 0.3
"""A word that papers have is a name's spelling if this share of them has the name too."""
_EVIDENCE_LIMIT = 40
"""The most popular papers that have a word, read for evidence."""
_WORD_END = f"(?:{analyser.PARTICLE_MARK}|[이가도로과만]?) "
_SPELLING_AND_VERSION = re.compile(
    rf"([{analyser.SYLLABLES}]+(?: [{analyser.SYLLABLES}]+)*) ?([^{analyser.SYLLABLES}]*)"
)


def add_names(
    snapshot: Snapshot, glossary: resolver.Glossary, expanded: concepts.Expansion
) -> concepts.Expansion:
    """Return an expansion with the names that its unknown Korean words are spellings of, such as Gemini of 제미나이.

    A name for the whole query, with a version behind it or not, is an alternative to all of it.
    """
    if len(expanded.segments) == 1 and expanded.segments[0].key is not None:
        return expanded
    words = " ".join(segment.text for segment in expanded.segments).split()
    whole = _find_names(snapshot, glossary, " ".join(term_keys.trim_title(words)))
    if whole:
        forms = tuple(concepts.WeightedForm(text, 1.0) for text in (expanded.text, *whole))
        return replace(expanded, composed=(concepts.Segment(expanded.text, forms), *expanded.composed))
    if len(expanded.segments) < 2:
        return expanded
    segments = []
    for segment in expanded.segments:
        if segment.key is None:
            names = _find_names(snapshot, glossary, analyser.strip_ending(segment.text))
            added = [concepts.WeightedForm(name, 1.0) for name in names]
            segment = replace(segment, forms=(*segment.forms, *added)) if added else segment
        segments.append(segment)
    return replace(expanded, segments=tuple(segments))


def _find_names(snapshot: Snapshot, glossary: resolver.Glossary, text: str) -> list[str]:
    """Return the names that a text sounds like, with its version, unless papers use its word without them."""
    match = _SPELLING_AND_VERSION.fullmatch(text)
    names = glossary.find_names(match[1]) if match else []
    query = search_query.from_text(match[1]) if match and names else None
    if query is None or match is None:
        return []
    (positions,) = search.list_positions(snapshot, [(query.anywhere, _EVIDENCE_LIMIT)])
    rows = search.list_by_positions(snapshot, positions)
    word = re.compile(f" {analyser.canonicalise(match[1]).strip()}{_WORD_END}")
    texts = (f"{row.texts.title}\n{row.texts.body}" for row in rows)
    using = [term_keys.Document("", text) for text in texts if word.search(text)]
    return [
        f"{name} {match[2]}".strip()
        for name, term in zip(names, map(term_keys.compile_term, names), strict=True)
        if sum(any(term.count(document)) for document in using) >= _MIN_SHARE * len(using)
    ]
