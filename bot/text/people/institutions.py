"""Names of universities and companies: one key for the forms of a name, in English and Korean, and those within a longer name.

The table is ours: institutions that often occur in papers on machine learning, with the forms that papers and readers use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from bot.text.analysis import normalisation

MAX_WORDS = 8
"""Words of an institution's name; longer sequences of an affiliation are not compared."""
_MAX_LENGTH = 400
_TABLE = "institutions.tsv"
_SPELLINGS = {"univ": "university", "inst": "institute", "tech": "technology", "lab": "labs"}
_GENERIC = (
    "university of college institute institution school department faculty division center centre laboratory labs research"
    " science sciences engineering technology academy group team national state computer computing ai and for at in"
    " 대학교 대학 대학원 연구소 연구원 학교 학과 학부 공학부 컴퓨터공학부 인공지능"
)
_GENERIC_WORDS = frozenset(_GENERIC.split())
_EMPTY_WORDS = frozenset(("the", "inc", "ltd", "co", "corp", "corporation", "company", "llc", "gmbh"))


def institution_key(name: str) -> str:
    """Return the key of an institution: the same for all forms of a known name, the folded name of another; "" for none."""
    folded = _fold(name)
    return _keys().get(folded, folded)


@lru_cache(maxsize=1 << 12)
def find_keys(text: str) -> frozenset[str]:
    """Return the keys of all institutions that a name or an affiliation may contain, as whole words in this order."""
    words = _fold(text).split()
    keys = _keys()
    return frozenset(
        keys.get(name, name)
        for start in range(len(words))
        for end in range(start + 1, min(len(words), start + MAX_WORDS) + 1)
        if (name := " ".join(words[start:end]))
    )


def is_generic(name: str) -> bool:
    """Tell whether a name has only words that many institutions share, such as "university of science"."""
    return all(word in _GENERIC_WORDS for word in institution_key(name).split())


def complete(prefix: str, counts: Mapping[str, int]) -> list[str]:
    """Return names of institutions, in either language, that begin with `prefix`, or have a word that does.

    `counts` are the papers by name as written. A known institution is offered once, in the form that was typed.
    """
    typed = normalisation.fold_name(prefix)
    papers: Counter[str] = Counter()
    names: dict[str, str] = {}
    for forms in _rows():
        if begins := [form for form in forms if _begins(form, typed)]:
            names[institution_key(forms[0])] = begins[0]
    for name, count in counts.items():
        key = institution_key(name)
        papers.update(dict.fromkeys(find_keys(name), count))
        if key and _begins(name, typed):
            names.setdefault(key, name)
    ordered = sorted(names, key=lambda key: (not _begins(names[key], typed, inside=False), -papers[key], key))
    return [names[key] for key in ordered]


def _begins(name: str, typed: str, *, inside: bool = True) -> bool:
    folded = normalisation.fold_name(name)
    return folded.startswith(typed) or (inside and f" {typed}" in folded)


def _fold(name: str) -> str:
    """Return a name folded, with abbreviated words written out and without words of the legal form."""
    words = normalisation.fold_name(name[:_MAX_LENGTH].replace("&", " and ")).split()
    kept = [_SPELLINGS.get(word, word) for word in words if word not in _EMPTY_WORDS]
    return " ".join(kept)


@lru_cache(maxsize=1)
def _keys() -> dict[str, str]:
    """Return the keys of the table by folded form."""
    return {_fold(form): _fold(forms[0]) for forms in _rows() for form in forms}


@lru_cache(maxsize=1)
def _rows() -> tuple[tuple[str, ...], ...]:
    """Return for each known institution its English name, then its other forms, in both languages."""
    text = Path(__file__).with_name(_TABLE).read_text("utf-8")
    return tuple(tuple(line.split("\t")) for line in text.splitlines() if line and not line.startswith("#"))
