"""Word vectors from an operator's folder: the nearest terms of the glossary for a word that no paper has. Optional."""

from __future__ import annotations

import asyncio
import logging
import math
from array import array
from collections.abc import Iterable, Sequence
from operator import mul
from pathlib import Path

from bot import errors
from bot.services.search import corrections, query_expansion
from bot.text.analysis import korean
from bot.text.glossary.model import expansion
from bot.text.glossary.resolution import resolver
from bot.text.queries import lay_words
from storage.database import Connection

MAX_WORDS = 200_000
MAX_DIMENSION = 300
MAX_BYTES = 500_000_000
_MAX_LINE_BYTES = 16_384
_MIN_COSINE = 0.6
_MAX_TERMS = 2

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
    ) -> expansion.Expansion:
        """Return the expansion of a query. A word that the vectors know is no typing error."""
        expanded = query_expansion.expand(glossary, text)
        unknown = await corrections.list_unknown_words(connection, expanded) if self._folder else []
        if not unknown or self._folder is None:
            return expanded
        async with self._reading:
            near = await asyncio.to_thread(self._find_nearest, self._folder, glossary, unknown)
        return query_expansion.expand(
            glossary, text, lambda word: lay_words.find_terms(word) or near.get(korean.strip_term(word), ())
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
    """Return the first 200,000 words of a file with their vectors, of length 1. Raises bot.errors.UsageError."""
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
    return tuple(text for _, text in ranked[:_MAX_TERMS])


def _normalise(numbers: Iterable[float]) -> array[float]:
    values = array("f", numbers)
    length = math.hypot(*values)
    if not math.isfinite(length):
        raise ValueError("a number that is not finite")
    return array("f", (value / length for value in values)) if length else values
