"""Reads a question about a paper, by the search's reader and by what any paper is asked.

`asked_words.tsv` has what questions say about any paper ("what did it cost", 학습 데이터는 뭐예요), and the words of papers for
it, the nearest first. A Korean word of that table matches by its beginning, so that one row reads 줄였어, 줄이려고 and 줄어드는.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def read(text: str, glossary: Glossary) -> tuple[QueryPart, ...]:
    """Return the parts of a question: of each word that any paper is asked about its row's, and the search's of the rest."""
    trimmed = map(questions.trim_filler, plain.clean_typed(text)[:MAX_LENGTH].split()[:_MAX_WORDS])
    words = [word.replace("’", "'").removesuffix("'s") for word in trimmed if word]
    parts, rest, start = dict[str, QueryPart](), list[str](), 0
    while start < len(words):
        end, row = _find_longest(words, start)
        if row:
            asked = " ".join(words[start:end])
            parts.setdefault(term_keys.term_key(asked), _make_part(asked, row))
        rest += words[start:end] if row is None else []
        start = end
    searched = QueryReader(glossary).read(ParsedQuery(" ".join(rest))).parts if rest else ()
    for part in searched:
        if part.key or any(questions.classify_filler(word) != "filler" for word in part.text.split()):
            parts.setdefault(term_keys.term_key(part.text), part)
    return tuple(parts.values())


def has_words(text: str) -> bool:
    """Return whether a text has more than words that say nothing, such as thanks: whether it can be a question."""
    return bool(read(text, Glossary(())))


def _make_part(asked: str, row: Sequence[str]) -> QueryPart:
    """Return the part of what any paper is asked, by the words of papers for it; a word that a search leaves out says little."""
    forms = [Form(term, max(NEAREST - _STEP * place, _LEAST)) for place, term in enumerate(row)]
    is_content = any(not questions.classify_filler(word) for word in asked.split())
    key = term_keys.term_key(asked)
    return QueryPart(
        asked, concepts.merge_forms((Form(asked), *forms)), key, weight=1.0 if is_content else VAGUE
    )


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


def _find_longest(words: Sequence[str], start: int) -> tuple[int, tuple[str, ...] | None]:
    """Return where the longest run from a word on ends that a row is of, and its forms; without a row, the word and None."""
    for end in range(min(len(words), start + _MAX_RUN), start, -1):
        if (row := _find_row(words[start:end])) is not None:
            return end, row
    return start + 1, None


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
