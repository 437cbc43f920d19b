"""The index of a static site's search: JSON files that search.js loads as it needs them.

Papers are numbered by votes and then date, so that a list of numbers is also a ranking. `find/XY.json` has the words
that begin with the letters XY (in Korean, with a syllable), and for each word three lists of papers: those that have it
in the title, as an author's name, and as a term of the text; empty lists at the end are left out. A list starts with a
number and continues with differences. Terms of the glossary are words without spaces, each under all its forms.
`find/X-words.json` has the words that begin with X (in Korean, with a consonant), the most frequent first, to correct a
typed word. `find/id-YYMM.json` has the numbers of a month's arXiv ids, `find/filters.json` the days since 1970 and the
votes of all papers, `find/rows-N.json` the papers themselves.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

ROWS_AT_ONCE = 25
"""Papers in a file of rows. search.js has the same number."""
_WORD = re.compile(r"[^\W_]+")
_EPOCH = date(1970, 1, 1)


class Found(NamedTuple):
    """A paper that can be found. `topics` are the forms of the terms in its title, `terms` of those in its text."""

    arxiv_id: str
    title: str
    day: date
    votes: int | None
    topics: Sequence[str]
    terms: Sequence[str]
    authors: Sequence[str]


def make_files(papers: Sequence[Found]) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each file."""
    ranked = sorted(papers, key=lambda paper: (paper.votes or -1, paper.day), reverse=True)
    lists: defaultdict[str, list[list[int]]] = defaultdict(lambda: [[], [], []])
    joined: set[str] = set()
    ids: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for number, paper in enumerate(ranked):
        topics, terms = ({"".join(_words(form)) for form in forms} for forms in (paper.topics, paper.terms))
        in_title = {*_words(paper.title, *paper.topics), *topics}
        for place, found in enumerate((in_title, {*_words(*paper.authors)}, terms - in_title)):
            for word in found - {""}:
                lists[word][place].append(number)
        joined |= {"".join(words) for form in (*paper.topics, *paper.terms) if len(words := _words(form)) > 1}
        ids[re.sub(r"\D", "", paper.arxiv_id)[:4]][paper.arxiv_id] = number
    files: defaultdict[str, dict[str, list[list[int]]]] = defaultdict(dict)
    vocabulary: defaultdict[str, list[str]] = defaultdict(list)
    for word in sorted(lists, key=lambda word: (-sum(map(len, lists[word])), word)):
        initial, file = _place(word)
        if not word.isascii() or word not in joined:  # an English term is corrected word by word
            vocabulary[initial].append(word)
        kept = [_differences(numbers) for numbers in lists[word]]
        while not kept[-1]:
            kept.pop()
        files[file][word] = kept
    for file, of_file in files.items():
        yield f"find/{file}.json", _dump(of_file)
    for initial, of_initial in vocabulary.items():
        yield f"find/{initial}-words.json", _dump(of_initial)
    for month, of_month in ids.items():
        yield f"find/id-{month}.json", _dump(of_month)
    days = [(paper.day - _EPOCH).days for paper in ranked]
    yield "find/filters.json", _dump([days, [paper.votes or 0 for paper in ranked]])
    for start in range(0, len(ranked), ROWS_AT_ONCE):
        rows = [
            (paper.arxiv_id, paper.title, paper.day.isoformat(), paper.votes)
            for paper in ranked[start:][:ROWS_AT_ONCE]
        ]
        yield f"find/rows-{start // ROWS_AT_ONCE}.json", _dump(rows)


def _words(*texts: str) -> list[str]:
    """Return the words of texts in lower case without accents, as search.js reads a query."""
    folded = unicodedata.normalize("NFKD", " ".join(texts).lower())
    plain = "".join(letter for letter in folded if unicodedata.category(letter) != "Mn")
    return _WORD.findall(unicodedata.normalize("NFC", plain))


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
