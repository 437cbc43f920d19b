"""Similar papers: those that share the most of a paper's rarest words, weighted by TF-IDF."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import mul
from pathlib import Path

from bot.core import errors
from bot.core.clock import TimeSlices
from bot.glossary import concepts, resolver
from bot.search import completion, engine, scoring
from bot.search import index as search_index
from bot.search import query as search_query
from bot.text import analyser, questions, term_keys, term_variants, typography
from storage import models, papers, search
from storage.database import Connection
from storage.search import all_of

_MAX_TERMS = 12
_CANDIDATES_PER_TERM = 25
"""Candidates retrieved by each of the rarest words, the most popular first."""


async def list_similar(connection: Connection, arxiv_id: str, *, limit: int) -> list[models.PaperRow]:
    """Return the papers most similar to one; none if it is unknown or shares no rare word.

    A paper that no digest has is compared by its title and abstract.
    """
    ids = await papers.get_ids(connection, [arxiv_id])
    own = (await search.list_by_paper_ids(connection, ids.values())).get(ids.get(arxiv_id, -1))
    texts = (own.texts.title, own.texts.body) if own else await _read_abstract(connection, arxiv_id)
    frequencies = scoring.count_words(*texts)
    weights = await _tf_idf_weights(connection, frequencies, is_indexed=own is not None)
    rarest = sorted(weights, key=lambda word: (-weights[word], word))[:_MAX_TERMS]
    queries = [all_of(analyser.word_tokens(word)) for word in rarest]
    requests = [
        search.SearchRequest(search.WORDS_TABLE, query, _CANDIDATES_PER_TERM)
        for query in queries
        if query is not None
    ]
    if not requests:
        return []
    positions = set().union(*await search.list_positions(connection, requests))
    positions -= {own.position} if own else set()
    rows = await search.list_by_positions(connection, positions)
    scores, slices = dict[int, float](), TimeSlices()
    for row in rows:
        words = scoring.count_words(row.texts.title, row.texts.body)
        scores[row.paper_id] = sum(weights.get(word, 0.0) for word in words)
        await slices.pause()
    best = sorted(scores, key=lambda paper_id: (-scores[paper_id], -paper_id))[:limit]
    return await papers.list_rows(connection, best)


async def _read_abstract(connection: Connection, arxiv_id: str) -> tuple[str, str]:
    """Return the canonical title and abstract of a paper that the index does not have; two empty texts if it is unknown."""
    detail = await papers.get_detail(connection, arxiv_id)
    texts = (detail.title, detail.abstract) if detail else (None, None)
    title, abstract = (analyser.canonicalise(typography.to_plain_text(text or "")) for text in texts)
    return title, abstract


async def _tf_idf_weights(
    connection: Connection, frequencies: Mapping[str, int], *, is_indexed: bool
) -> dict[str, float]:
    """Return the TF-IDF weight of each word that other papers have too. The paper with the words may be in the index.

    A word is as frequent in the archive as the rarest of its tokens.
    """
    tokens_of = {word: analyser.word_tokens(word) for word in frequencies if len(word) > 1}
    document_frequencies = await search.get_document_frequencies(
        connection, {token for tokens in tokens_of.values() for token in tokens}
    )
    total = max(await search.count_all(connection), 1)
    # A sampled count may miss a token that others have; it may miss also one that no paper has, if this one is not indexed.
    uncounted = (2 if total > search_index.EXACT_COUNT_LIMIT else 1) if is_indexed else 0
    weights = {}
    for word, tokens in tokens_of.items():
        frequency = min((document_frequencies.get(token, uncounted) for token in tokens), default=0)
        if is_indexed < frequency <= max(3.0, scoring.MAX_DOCUMENT_SHARE * total):
            weights[word] = (1 + math.log(frequencies[word])) * math.log(1 + total / frequency)
    return weights


# Word vectors from an operator's folder: the nearest terms of the glossary for a word that no paper has. Optional.

MAX_WORDS = 200_000
MAX_DIMENSION = 300
MAX_BYTES = 500_000_000
_MAX_LINE_BYTES = 16_384
_MIN_COSINE = 0.6
_MAX_VECTOR_TERMS = 2

Vectors = dict[str, "array[float]"]


class WordVectors:
    """Expands queries with the vectors of a folder (`*.vec`), which are read when a word is unknown for the first time."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._files: list[Vectors] | None = None
        self._forms: tuple[resolver.Glossary, list[Vectors]] | None = None
        self._reading = asyncio.Lock()

    async def expand(
        self, connection: Connection, glossary: resolver.Glossary, text: str
    ) -> concepts.Expansion:
        """Return the expansion of a query. A word that the vectors know is no typing error."""
        expanded = search_query.expand_query(glossary, text)
        unknown = await completion.list_unknown_words(connection, expanded) if self._folder else []
        if not unknown or self._folder is None:
            return expanded
        async with self._reading:
            near = await asyncio.to_thread(self._find_nearest, self._folder, glossary, unknown)
        return search_query.expand_query(
            glossary, text, lambda word: questions.find_terms(word) or near.get(analyser.strip_term(word), ())
        )

    def _find_nearest(
        self, folder: Path, glossary: resolver.Glossary, words: Sequence[str]
    ) -> dict[str, tuple[str, ...]]:
        if self._files is None:
            self._files = _read_folder(folder)
        if self._forms is None or self._forms[0] is not glossary:
            self._forms = glossary, [_form_vectors(glossary, vectors) for vectors in self._files]
        spaces = list(zip(self._files, self._forms[1], strict=True))
        return {word: _nearest(word, spaces) for word in words}


def read_vectors(path: Path) -> Vectors:
    """Return the first 200,000 words of a file with their vectors, of length 1. Raises bot.core.errors.UsageError."""
    number = 1
    vectors: Vectors = {}
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"the file is larger than {MAX_BYTES:,} bytes")
        with path.open("rb") as file:
            _, dimension = map(int, file.readline(_MAX_LINE_BYTES).split())
            if not 1 <= dimension <= MAX_DIMENSION:
                raise ValueError(f"{dimension} dimensions, not 1 to {MAX_DIMENSION}")
            for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE_BYTES), b""), 2):  # noqa: B007 - named below
                if len(vectors) == MAX_WORDS:
                    break
                word, *numbers = line.decode().rstrip().rsplit(" ", dimension)
                if len(numbers) != dimension:
                    raise ValueError(f"{len(numbers)} numbers, not {dimension}")
                vectors.setdefault(word.casefold(), _normalise(map(float, numbers)))
    except (OSError, ValueError, OverflowError) as error:
        raise errors.UsageError(f"{path}, line {number}: {error}") from error
    return vectors


def _read_folder(folder: Path) -> list[Vectors]:
    """Return the vectors of each file; without a file that cannot be read, search goes on as without vectors."""
    try:
        paths = sorted(folder.glob("*.vec"))
        if not paths:
            raise errors.UsageError(f"{folder} has no word vectors (*.vec)")
        return [read_vectors(path) for path in paths]
    except errors.UsageError as error:
        # Not structlog, which is not set up on the command line: there this goes to stderr.
        logging.getLogger(__name__).error("word vectors are not used: %s", error)
        return []


def _form_vectors(glossary: resolver.Glossary, vectors: Vectors) -> Vectors:
    """Return the vectors of the glossary's English and Korean forms: of a phrase the mean of its words."""
    forms = [form for concept in glossary.all_concepts() for form in concept.forms]
    texts = {form.text for form in forms if form.language != "abbr" and not form.is_alias}
    words = {text: text.casefold().replace("-", " ").split() for text in sorted(texts)}
    return {
        text: _normalise(map(sum, zip(*(vectors[part] for part in parts), strict=True)))
        for text, parts in words.items()
        if parts and all(part in vectors for part in parts)
    }


def _nearest(word: str, spaces: Iterable[tuple[Vectors, Vectors]]) -> tuple[str, ...]:
    """Return the nearest forms of a word. Each file is a space of its own, as its numbers compare with no other's."""
    typed = word.casefold()
    near = [
        (sum(map(mul, vectors[typed], form)), text)
        for vectors, forms in spaces
        if typed in vectors
        for text, form in forms.items()
    ]
    ranked = sorted((pair for pair in near if pair[0] >= _MIN_COSINE), reverse=True)
    return tuple(text for _, text in ranked[:_MAX_VECTOR_TERMS])


def _normalise(numbers: Iterable[float]) -> array[float]:
    values = array("f", numbers)
    length = math.hypot(*values)
    if not math.isfinite(length):
        raise ValueError("a number that is not finite")
    return array("f", (value / length for value in values)) if length else values


# Names of models in Korean spelling: adds Gemini to a query for 제미나이, where the archive speaks for it.

_MIN_SHARE = 0.3
"""A word that papers have is a name's spelling if this share of them has the name too."""
_EVIDENCE_LIMIT = 40
"""The most popular papers that have a word, read for evidence."""
_WORD_END = f"(?:{analyser.PARTICLE_MARK}|[이가도로과만]?) "
_SPELLING_AND_VERSION = re.compile(
    rf"([{analyser.SYLLABLES}]+(?: [{analyser.SYLLABLES}]+)*) ?([^{analyser.SYLLABLES}]*)"
)


async def add_names(
    connection: Connection, glossary: resolver.Glossary, expanded: concepts.Expansion
) -> concepts.Expansion:
    """Return an expansion with the names that its unknown Korean words are spellings of.

    A name for the whole query, with a version behind it or not, is an alternative to all of it.
    """
    if len(expanded.segments) == 1 and expanded.segments[0].key is not None:
        return expanded
    words = " ".join(segment.text for segment in expanded.segments).split()
    whole = _SPELLING_AND_VERSION.fullmatch(" ".join(term_keys.trim_title(words)))
    names = await _find_names(connection, glossary, whole[1]) if whole else []
    if whole and names:
        texts = (expanded.text, *(f"{name} {whole[2]}".strip() for name in names))
        forms = tuple(concepts.WeightedForm(text, 1.0) for text in texts)
        return replace(expanded, composed=(concepts.Segment(expanded.text, forms), *expanded.composed))
    if len(expanded.segments) < 2:
        return expanded
    segments = [await _add_name(connection, glossary, segment) for segment in expanded.segments]
    return replace(expanded, segments=tuple(segments))


async def _add_name(
    connection: Connection, glossary: resolver.Glossary, segment: concepts.Segment
) -> concepts.Segment:
    if segment.key is not None:
        return segment
    spelling = _SPELLING_AND_VERSION.fullmatch(analyser.strip_ending(segment.text))
    names = await _find_names(connection, glossary, spelling[1]) if spelling else []
    added = (concepts.WeightedForm(f"{name} {spelling[2]}".strip(), 1.0) for name in names if spelling)
    return replace(segment, forms=(*segment.forms, *added)) if names else segment


async def _find_names(connection: Connection, glossary: resolver.Glossary, spelling: str) -> list[str]:
    """Return the names that a word sounds like, unless papers use the word without them."""
    names = glossary.find_names(spelling)
    query = search_query.from_text(spelling) if names else None
    if query is None:
        return []
    positions = await engine.list_popular(connection, query, search.NO_FILTERS, _EVIDENCE_LIMIT)
    rows = await search.list_by_positions(connection, positions)
    texts = [f"{row.texts.title}\n{row.texts.body}" for row in rows]
    word = re.compile(f" {analyser.canonicalise(spelling).strip()}{_WORD_END}")
    using = [text for text in texts if word.search(text)]
    return [name for name in names if len(_having(name, using)) >= _MIN_SHARE * len(using)]


def _having(name: str, texts: Sequence[str]) -> list[str]:
    """Return the canonical texts that have a name."""
    term = term_variants.compile_term(name)
    return [text for text in texts if any(term.count(term_variants.Document("", text)))]
