"""Reads a question about a paper: its parts, each with the forms that papers have for it in both languages.

The forms come from the glossary, from the everyday words of search, and from `asked_words.tsv`: what questions say
about any paper ("what did it cost", 학습 데이터는 뭐예요), and the words of papers for it, the nearest first. A Korean word of
that table matches by its beginning, so that one row reads 줄였어, 줄이려고 and 줄어드는.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from bot.core import data
from bot.search.term_resolver import Glossary
from bot.text import analyser, concepts, plain, questions, term_keys, tokens
from bot.text.concepts import Form, QueryPart

MAX_LENGTH = 500
"""In characters. The rest of a longer question is not read."""
_MAX_WORDS, _MAX_RUN = 40, 4
"""The number of words that are read of a question, and of one part."""
_MAX_ENDING = 4
"""Syllables that may follow a Korean word of the table; after a single syllable they are a known ending."""
_EVERYDAY = 0.8
NEAREST, _STEP, _LEAST = 0.9, 0.08, 0.5
"""The weight of a row's first form, how much less each further one weighs, and the least."""
VAGUE = 0.5
"""The weight of a part that says little, such as 방법 or "use"."""


_NO_GLOSSARY = Glossary(())
_VERSION = re.compile(r"(\d{1,3}(?:\.\d+)*[a-z]?)([가-힣]*)")
"""A number after a word, and its ending: the 3.0 of EXAONE 3.0은."""
_UNVERSIONED = 0.5
"""The weight of a name without the version that was typed, relative to the name with it."""
_STATES, _ASKS = re.compile(r"[^:]*[.!。]"), re.compile(r"[?？]")
"""A sentence that asks nothing and has no operator, and the sign of one that asks."""
_KOREAN_ENDS = re.compile(r"(?<=[가-힣][.!?])\s+")
"""The end of a Korean sentence, also before a word in small Latin letters."""
_REFERS = re.compile(
    r"\b(?:it|its|this|that|these|those|they|them|their|such)\b|(?:^|\s)[이그저](?:걸|게|거|것|런|런데|를|은)?(?=\s|$)|(?:이|그)(?:거|것|걸|건)",
    re.IGNORECASE,
)
"""A word by which a question refers to the sentence before it."""


def drop_chatter(text: str) -> str:
    """Return a text without the sentences that only state something, such as who asks, where another one asks by itself."""
    sentences = [one for piece in _KOREAN_ENDS.split(text) for one in plain.split_sentences(piece)]
    asking = [sentence for sentence in sentences if not _STATES.fullmatch(sentence)]
    asks = any(map(_ASKS.search, asking)) and not any(map(_REFERS.search, asking))
    return " ".join(asking) if asks else text


def read(text: str, glossary: Glossary) -> tuple[QueryPart, ...]:
    """Return the parts of a question, without what says nothing about where the answer is."""
    typed = plain.clean_typed(text)[:MAX_LENGTH].split()[:_MAX_WORDS]
    trimmed = (questions.trim_filler(word).replace("’", "'").removesuffix("'s") for word in typed)
    words = list(filter(None, trimmed))
    words = [word for word, is_date in zip(words, questions.mask_dates(words), strict=True) if not is_date]
    parts: dict[str, QueryPart] = {}
    for part in _divide(words, glossary):
        if any(tokens.phrases(form.text) for form in part.forms):
            parts.setdefault(term_keys.term_key(part.text), part)
    return tuple(parts.values())


def has_words(text: str) -> bool:
    """Return whether a text has more than words that say nothing, such as thanks: whether it can be a question."""
    return bool(read(text, _NO_GLOSSARY))


def _divide(words: Sequence[str], glossary: Glossary) -> Iterator[QueryPart]:
    """Split words into the longest runs that are known."""
    start = 0
    while start < len(words):
        for end in range(min(len(words), start + _MAX_RUN), start, -1):
            if (part := _read_run(words[start:end], glossary)) is not None:
                break
        else:
            end, part = start + 1, _read_unknown(words[start])
        if part is not None and part.forms and end < len(words):
            match = _VERSION.fullmatch(words[end])
            if match and (not match[2] or questions.is_ending(match[2])):
                end, part = end + 1, _add_number(part, match[1])
        if part is not None:
            yield part
        start = end


def _add_number(part: QueryPart, number: str) -> QueryPart:
    """Return a part and the number after it as one: LLaMA 3, stage 1. A number is found nowhere without its word.

    A name also counts without it, though less; a plain noun as it is.
    """
    is_plain = part.key and part.text == part.text.lower()
    without = (
        form._replace(token="", weight=form.weight * (1.0 if is_plain else _UNVERSIONED))
        for form in part.forms
    )
    numbered = (
        form._replace(text=f"{form.text} {number}", token="") for form in part.forms if form.weight >= NEAREST
    )
    forms = concepts.merge_forms((*numbered, *without))
    return part._replace(text=f"{part.text} {number}", forms=forms)


_NOTHING = QueryPart("", ())


def _read_run(words: Sequence[str], glossary: Glossary) -> QueryPart | None:
    """Return the part that a run of words is; None if it is not known."""
    row, kinds = _find_row(words), set(map(questions.classify_filler, words))
    if row == ():
        return _NOTHING
    if kinds == {"filler"} and row is None:
        return None
    last = questions.strip_query_word(
        words[-1], lambda stem: glossary.is_word(stem) or questions.is_everyday(stem)
    )
    text, is_single = " ".join((*words[:-1], last)), len(words) == 1
    keys = glossary.find(text)
    forms = [form for key in keys for form in glossary.forms_of(key)]
    if not keys:
        forms += [Form(term) for term in (glossary.translate(text) if is_single else ())]
        forms += [Form(term, _EVERYDAY) for term in questions.find_everyday_terms(text)]
    forms += [Form(term, max(NEAREST - _STEP * place, _LEAST)) for place, term in enumerate(row or ())]
    if not forms:
        return None
    # 단점 is filler in a search, but what a question is about.
    is_asked = bool(row) and questions.is_noun(text) and analyser.has_hangul(text)
    weight = 1.0 if "" in kinds or is_asked else VAGUE
    merged = concepts.merge_forms((Form(text), *forms))
    return QueryPart(text, merged, keys[0] if keys else term_keys.term_key(text), weight=weight)


def _read_unknown(word: str) -> QueryPart | None:
    kind = questions.classify_filler(word)
    if kind == "filler" or questions.is_verb(word):
        return None
    text = questions.strip_query_word(word, lambda _: False)
    weight = VAGUE if kind or analyser.is_hangul(text) else 1.0
    return QueryPart(text, (Form(text),), weight=weight)


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
