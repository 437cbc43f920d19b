"""Words by what they do in a claim, in both languages, from `claim_words.tsv`: negations, directions, doubts, accusations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=1)
def patterns() -> Mapping[str, Sequence[re.Pattern[str]]]:
    """Return the groups of words of the packaged list; a group of several lines has a pattern for each."""
    groups: dict[str, list[re.Pattern[str]]] = {}
    text = resources.files(__package__).joinpath("claim_words.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            name, english, korean = line.split("\t")
            groups.setdefault(name, []).append(_compile(english, korean))
    return groups


def _compile(english: str, korean: str) -> re.Pattern[str]:
    forms = [_english_form(entry) for entry in english.split("|")]
    forms += [re.escape(entry.replace(" ", "_")) for entry in korean.split("|") if entry != "-"]
    return re.compile("|".join(forms))


def _english_form(entry: str) -> str:
    return rf"(?<=_){re.escape(entry.replace(' ', '_'))}(?=_)".replace(r"\*", "[a-z]*")


def has(group: str, padded: str) -> bool:
    return any(pattern.search(padded) for pattern in patterns()[group])


def find(group: str, padded: str) -> Iterator[tuple[int, int]]:
    """Yield where words of a group are in a padded text."""
    for pattern in patterns()[group]:
        for match in pattern.finditer(padded):
            yield match.span()


_SEPARATOR = re.compile(r"[^\w%]+")
_CLAUSE = re.compile(r"(?<!\d)[,;:.!?()]+|[,;:.!?()]+(?!\d)|\s[-–—]+\s|—")
BORDER = "¦"
"""Stands for the end of a clause in a padded text."""


_PLAIN = {"n't": " not", "n’t": " not", "cannot": "can not cannot", " at all": "", "잘못": "틀린"}
_PLAIN |= {"no matter": "whatever", "no longer": "not"}
_PLAIN |= dict.fromkeys(
    ("no more than", "no less than", "no fewer than", "not only", "no later than"), "at most"
)


def pad(text: str) -> str:
    """Return the lower-case words of a text between "_" signs, with "¦" for the borders of clauses."""
    text = text.casefold()
    for phrase, plain in _PLAIN.items():
        text = text.replace(phrase, plain)
    text = _CLAUSE.sub(f" {BORDER} ", text)
    parts = ([part] if part == BORDER else _SEPARATOR.split(part) for part in text.split())
    return "_" + "_".join(word for row in parts for word in row if word) + "_"
