"""The index of a static site's search: JSON files that search.js loads as it needs them.

Papers are numbered by votes and then date, so that a list of numbers is also a ranking. `find/XY.json` has the words
that begin with the letters XY (in Korean, with a syllable), and for each word two lists of papers: those that name it
in the title or its topics, and those with an author of that name. A list starts with a number and continues with
differences. `find/X-words.json` has the words that begin with X (in Korean, with a consonant), the most frequent first,
to correct a typed word. `find/rows-N.json` has the papers themselves.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

ROWS_AT_ONCE = 25
"""Papers in a file of rows. search.js has the same number."""
_WORD = re.compile(r"[^\W_]+")


class Found(NamedTuple):
    """A paper that can be found. `day` is ISO; `topics` are the terms of the title in both languages."""

    arxiv_id: str
    title: str
    day: str
    votes: int | None
    topics: Sequence[str]
    authors: Sequence[str]


def make_files(papers: Sequence[Found]) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each file."""
    ranked = sorted(papers, key=lambda paper: (paper.votes or -1, paper.day), reverse=True)
    lists: defaultdict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for number, paper in enumerate(ranked):
        # Also without spaces, so that Hangul is found with any spacing.
        in_title = _words(paper.title, *paper.topics, *(topic.replace(" ", "") for topic in paper.topics))
        for place, found in enumerate((in_title, _words(*paper.authors) - in_title)):
            for word in found:
                lists[word][place].append(number)
    files: defaultdict[str, dict[str, list[list[int]]]] = defaultdict(dict)
    words: defaultdict[str, list[str]] = defaultdict(list)
    for word in sorted(lists, key=lambda word: (-sum(map(len, lists[word])), word)):
        initial, file = _place(word)
        words[initial].append(word)
        files[file][word] = [_differences(numbers) for numbers in lists[word]]
    for file, of_file in files.items():
        yield f"find/{file}.json", _dump(of_file)
    for initial, of_initial in words.items():
        yield f"find/{initial}-words.json", _dump(of_initial)
    for start in range(0, len(ranked), ROWS_AT_ONCE):
        yield (
            f"find/rows-{start // ROWS_AT_ONCE}.json",
            _dump([row[:4] for row in ranked[start:][:ROWS_AT_ONCE]]),
        )


def _words(*texts: str) -> set[str]:
    """Return the words of texts in lower case without accents, as search.js reads a query."""
    folded = unicodedata.normalize("NFKD", " ".join(texts).lower())
    plain = "".join(letter for letter in folded if unicodedata.category(letter) != "Mn")
    return set(_WORD.findall(unicodedata.normalize("NFC", plain)))


def _place(word: str) -> tuple[str, str]:
    """Return a word's initial and the name of its file."""
    if "가" <= word[0] <= "힣":
        return f"k{(ord(word[0]) - ord('가')) // 588}", f"{ord(word[0]):x}"
    initial, second = (letter if letter.isascii() and letter.isalpha() else "0" for letter in f"{word} "[:2])
    return initial, initial + second


def _differences(numbers: Sequence[int]) -> list[int]:
    return [*numbers[:1], *(second - first for first, second in pairwise(numbers))]


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
