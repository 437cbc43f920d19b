"""Reads a question about a paper, by the search's reader and by what any paper is asked.

`asked_words.tsv` has what questions say about any paper ("what did it cost", 학습 데이터는 뭐예요), and the words of papers for
it, the nearest first. A Korean word of that table matches by its beginning, so that one row reads 줄였어, 줄이려고 and 줄어드는.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from bot.core import data
from bot.search.query_reader import QueryReader
from bot.search.term_resolver import Glossary
from bot.text import analyser, concepts, plain, questions, term_keys
from bot.text.concepts import Form, QueryPart
from bot.text.parsed_query import ParsedQuery

MAX_LENGTH = 500
"""In characters. The rest of a longer question is not read."""
_MAX_WORDS, _MAX_RUN = 40, 4
"""The number of words that are read of a question, and of one row's word."""
_MAX_ENDING = 4
"""Syllables that may follow a Korean word of the table; after a single syllable they are a known ending."""
NEAREST, _STEP, _LEAST = 0.9, 0.08, 0.5
"""The weight of a row's first form, how much less each further one weighs, and the least."""
VAGUE = 0.5
"""The weight of a part that says little, such as 방법 or "use"."""
_AMOUNT = re.compile(
    r"how (?:many|much|long|often|big|large|fast|small)"
    r"|(?:what|which) (?:\w+ ){0,4}(?:rate|size|score|number|share|percent\w*)\b|얼마|몇|며칠",
    re.IGNORECASE,
)


def read(text: str, glossary: Glossary) -> tuple[QueryPart, ...]:
    """Return the parts of a question: a search's, and what any paper is asked."""
    query = ParsedQuery(plain.clean_typed(text)[:MAX_LENGTH])
    return add_asked_words(text, QueryReader(glossary).read(query).parts)


def add_asked_words(text: str, searched: Sequence[QueryPart]) -> tuple[QueryPart, ...]:
    """Return the parts that a search reads in a question, and those of what any paper is asked, by the words of papers for it.

    Such a part has the forms of those that the search reads in its words. Words that say nothing are no part.
    """
    parts, rest = list[QueryPart](), [part for part in searched if part.key or not _is_filler(part.text)]
    for asked, row in _list_asked(text):
        if any(len(part.text.split()) > len(asked.split()) and _covers(part.text, asked) for part in rest):
            continue  # GUI 에이전트 is a term, and not any paper's 에이전트
        read = [part for part in rest if _covers(asked, part.text)]
        rest = [part for part in rest if part not in read]
        parts += [_make_part(asked, row, read)] if row else []
    return (*parts, *rest)


def asks_number(text: str) -> bool:
    """Return whether a question asks for an amount, so that an excerpt rather shows a sentence with a number."""
    return _AMOUNT.search(text) is not None


def _is_filler(text: str) -> bool:
    return all(questions.classify_filler(word) == "filler" for word in text.split())


def _covers(text: str, other: str) -> bool:
    """Return whether each word of another text is one of a text's, but for its ending."""
    words = text.split()
    return all(
        any(word.startswith(part) or part.startswith(word) for word in words) for part in other.split()
    )


def has_words(text: str) -> bool:
    """Return whether a text has more than words that say nothing, such as thanks: whether it can be a question."""
    return bool(read(text, Glossary(())))


def _make_part(asked: str, row: Sequence[str], read: Sequence[QueryPart]) -> QueryPart:
    """Return the part of what any paper is asked, by the words of papers for it; a word that a search leaves out says little."""
    nearest = [Form(term, max(NEAREST - _STEP * place, _LEAST)) for place, term in enumerate(row)]
    searched = (form for part in read for form in part.forms)
    says_little = all(map(questions.classify_filler, asked.split()))
    forms = concepts.merge_forms((Form(asked), *searched, *nearest))
    return QueryPart(asked, forms, term_keys.term_key(asked), weight=VAGUE if says_little else 1.0)


@lru_cache(maxsize=1)
def _load_rows() -> dict[str, tuple[str, ...]]:
    """Return the forms of each asked word: Korean ones by their key, English ones in lower case."""
    rows: dict[str, tuple[str, ...]] = {}
    for line in data.read_text("features/ask/asked_words.tsv").splitlines():
        if line and not line.startswith("#"):
            asked, _, forms = line.partition("\t")
            listed = tuple(filter(None, forms.split("|")))
            words = asked.split("|")
            korean = [word for word in words if listed and analyser.has_hangul(word) and len(word) > 1]
            for word in words:
                rows.setdefault(_key(word), (*listed, *korean))
    return rows


def is_asked_word(word: str) -> bool:
    """Return whether a word is one of any paper, such as a table or a stage, and no name."""
    return _find_row([word]) is not None


def _key(text: str) -> str:
    if analyser.has_hangul(text):
        return term_keys.korean_key(text)
    return " ".join(map(analyser.stem, text.casefold().split()))


def _list_asked(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the longest runs of a text's words that a row is of, each with its forms."""
    trimmed = map(questions.trim_filler, plain.clean_typed(text)[:MAX_LENGTH].split()[:_MAX_WORDS])
    words = [word.replace("’", "'").removesuffix("'s") for word in trimmed if word]
    while words:
        for size in range(min(len(words), _MAX_RUN), 0, -1):
            if (row := _find_row(words[:size])) is not None:
                yield " ".join(words[:size]), row
                break
        del words[:size]


def _find_row(words: Sequence[str]) -> tuple[str, ...] | None:
    """Return the forms of the longest asked word that a run begins with and ends in, or None."""
    rows, key = _load_rows(), _key(" ".join(words))
    if not analyser.has_hangul(key):
        return rows.get(key)
    before_last = len(key) - len(_key(words[-1]))
    for end in range(len(key), before_last, -1):
        rest = key[end:]  # particles, but not the k of pass@k
        is_ending = questions.is_ending(rest) if end == 1 else analyser.is_hangul(rest)
        row = rows.get(key[:end]) if not rest or (is_ending and len(rest) <= _MAX_ENDING) else None
        if row is not None:
            return row
    return None
