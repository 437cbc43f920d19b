"""Latin names of a claim: models, datasets and people have to be in the source; terms there or in the glossary.

Case, hyphens and spaces make no difference: GPT4, GPT-4 and "gpt 4" are one name, GPT-4o is another.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import accumulate, pairwise

from bot.text.analysis import korean, normalisation, stopwords
from bot.text.claims import plain_text, units

_LETTER = "A-Za-z\u00c0-\u024f"
_WORD = rf"[{_LETTER}0-9]+(?:(?<=[0-9])\.[0-9][{_LETTER}0-9]*)*"
_SOURCE_WORD = re.compile(_WORD)
_JOINED = re.compile(
    rf"(?<![{_LETTER}0-9])[{_LETTER}][{_LETTER}0-9]*(?:(?<=[0-9])\.[0-9][{_LETTER}0-9]*)*(?:[-_&@+]{_WORD})*"
)
_VERSION = re.compile(r"[ -]([0-9](?:\.[0-9])?|[12][0-9])(?![0-9.%×]|[A-Za-z])")
_RUN = re.compile(rf"(?<![{_LETTER}0-9])[A-Z]{_WORD}(?: [A-Z0-9]{_WORD}){{1,3}}")
"""Words that may be one name apart, such as "Live Code Bench"."""
_COUNTED = re.compile(r"\s?(?:여 ?)?[가-힣]")
_PARTICLE = re.compile(
    r"(?:은|는|이|가|을|를|의|에|와|과|로|도|만|보다|에서|으로|처럼|까지|부터|에게|라는|라고|이라|이며|이고)(?![가-힣]{2})"
)
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s+|\n\s*(?:[-*•]\s*)?)[\"'“(]?$")
_PARENTHESES = re.compile(r"\(([^()]{2,200})\)")
_ORDINARY = re.compile(
    r"(?:ly|ing|ed|tions?|ments?|ness|ity|ities|ences?|ances?|ers?|als?|ists?|isms?|ous|ive|ful|less)$"
)
_OPENING_WORDS = (
    "a an the this these those that it its they their we our by with using unlike while when where in on at"
    " for from to as each all both such after before during if since because although though despite however"
    " moreover thus hence here there no not only also and or but across among between within without under over"
    " more most many few several every one two three four five six seven eight nine ten half first second third"
    " finally then next other another about around nearly roughly even given like instead through some any"
    " small large new long short prior recent results authors experiments users people models data training"
    " work tests code accuracy answers scores images humans researchers compute memory precision recall length"
    " error cost costs inference performance peak"
)
_OPENINGS = frozenset(_OPENING_WORDS.split())
_MIN_PREFIX, _MAX_PREFIX = 4, 10
"""Letters that two forms of an English word have in common, such as "quantized" and "quantization"."""


class SourceNames:
    """The words of a paper, by which names are found however they are joined."""

    def __init__(self, text: str, terms: Collection[str] = ()) -> None:
        words = [
            normalisation.fold(word)
            for part in text.split("\n\n")
            for word in _SOURCE_WORD.findall(plain_text.plain(part))
        ]
        self._text = "".join(words)
        offsets = accumulate(map(len, words), initial=0)
        self._bounds = dict(pairwise(offsets))
        self._ends = set(self._bounds.values())
        self._words = frozenset(words)
        self._prefixes = {
            word[:length]
            for word in self._words
            if word.isalpha()
            for length in range(_MIN_PREFIX, min(len(word), _MAX_PREFIX) + 1)
        }
        term_words = [normalisation.fold(word) for term in terms for word in _SOURCE_WORD.findall(term)]
        self._term_words = frozenset(term_words)

    def has(self, name: str) -> bool:
        """Whether a name is in the source as whole words, joined or apart."""
        return self._has_joined("".join(normalisation.fold(word) for word in _SOURCE_WORD.findall(name)))

    def _has_joined(self, wanted: str) -> bool:
        position = self._text.find(wanted)
        while position >= 0:
            if position in self._bounds and position + len(wanted) in self._ends:
                return True
            position = self._text.find(wanted, position + 1)
        return False

    def has_word(self, word: str) -> bool:
        """Whether the source has an ordinary word, in any of its forms, or the glossary has it."""
        folded = normalisation.fold(word)
        if folded in self._words or folded in self._term_words or folded in stopwords.FUNCTION_WORDS:
            return True
        return len(folded) > _MIN_PREFIX and folded[: _prefix_length(folded)] in self._prefixes

    def is_term(self, word: str) -> bool:
        """Whether the glossary has a word."""
        return normalisation.fold(word) in self._term_words

    def has_versions(self, name: str) -> bool:
        """Whether the source has a name with a version behind it, such as Llama 3."""
        return any(self._has_joined(f"{normalisation.fold(name)}{version}") for version in _VERSIONS)


_VERSIONS = [str(number) for number in range(1, 10)] + [
    f"{major}.{minor}" for major in range(1, 6) for minor in range(10)
]


def _prefix_length(word: str) -> int:
    return max(_MIN_PREFIX, min(len(word) - 2, round(len(word) * 0.55), _MAX_PREFIX))


def find_problems(claim: str, source: SourceNames) -> list[str]:
    """Return the names and words of a claim that stand neither in the source nor in the glossary, as problems."""
    text = plain_text.plain(claim)
    unknown = [name for name in _names(text, source) if not _is_known(name, source)]
    if unknown:
        joined = {word for run in _RUN.findall(text) if source.has(run) for word in run.split()}
        unknown = [name for name in unknown if name not in joined]
    initials = _initials(text, source)
    return [
        f'"{name}" does not stand in the source'
        for name in dict.fromkeys(unknown)
        if name.removesuffix("s").casefold() not in initials
    ]


def versioned_names(claim: str, source: SourceNames) -> set[str]:
    """Return the names with a version of a claim that are in the source: their digits are no numbers."""
    text = plain_text.plain(claim)
    return {name for name in _names(text, source) if name[-1:].isdigit() and " " in name and source.has(name)}


def _names(text: str, source: SourceNames) -> Iterator[str]:
    # The lower-case words of a Korean text are terms, those of an English one its own words.
    has_hangul = korean.has_hangul(text)
    for match in _JOINED.finditer(text):
        name = match[0]
        if _is_unit(text, match.start(), name):
            continue
        version = _VERSION.match(text, match.end())
        if version and name[0].isupper() and _is_version(text, version.end()) and source.has_versions(name):
            yield f"{name} {version[1]}"
        elif not (name.islower() and name.replace("-", "").isalpha() and not has_hangul) and not (
            _opens_sentence(text, match.start()) and _is_plain_word(name)
        ):
            yield name


def _is_version(text: str, end: int) -> bool:
    """Whether what follows a number leaves it a version: 3는, but not 3개 or 3 points."""
    if _PARTICLE.match(text, end):
        return True
    return not (_COUNTED.match(text, end) or units.read(text, end))


def _is_unit(text: str, start: int, name: str) -> bool:
    """Whether a word is the unit of the number before it."""
    before = text[:start].rstrip(" -")
    return before[-1:].isdigit() and units.read(name, 0) is not None


def _opens_sentence(text: str, start: int) -> bool:
    return _SENTENCE_START.search(text, max(0, start - 12), start) is not None or not text[:start].strip()


def _is_plain_word(name: str) -> bool:
    """Whether a capitalised word at the start of a sentence may be an ordinary one."""
    lower = name.lower()
    return name[1:] == lower[1:] and (lower in _OPENINGS or _ORDINARY.search(lower) is not None)


def _is_known(name: str, source: SourceNames) -> bool:
    if len(name) < 2 or source.has(name):
        return True
    if all(map(source.is_term, _SOURCE_WORD.findall(name))):
        return True
    if source.has(name[:-1] if name.endswith("s") else f"{name}s"):
        return True
    parts = re.split("[-_&@+]", name)
    if all(part.isascii() and part.islower() and part.isalpha() for part in parts):
        return all(source.has_word(part) for part in parts)
    return (
        len(parts) > 1
        and all(_is_known(part, source) or part.isdigit() for part in parts)
        and not any(map(str.isdigit, name))
    )


def _initials(text: str, source: SourceNames) -> set[str]:
    """Return the abbreviations that a claim itself explains by words of the source: (reinforcement learning; RL)."""
    found = set()
    for match in _PARENTHESES.finditer(text):
        long, separator, _ = match[1].partition(";")
        words = re.findall(rf"[{_LETTER}]+", long)
        if separator and len(words) > 1 and all(source.has_word(word) for word in words):
            found.add("".join(word[0] for word in words).casefold())
    return found
