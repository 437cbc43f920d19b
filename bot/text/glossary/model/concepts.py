"""The data of the glossary: concepts, each an English term with all its surface forms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Language = Literal["ko", "en", "abbr"]

DOMINANT_SHARE = 0.6
"""An abbreviation belongs to a term that has at least this share of the papers that explain it."""
SEED_PAPERS = 2
"""Weight of a seed term against evidence, in papers."""
_MIN_SENSE_SHARE = 0.2
_SAME_STEM_LETTERS = 5
"""Words with this beginning in common are spellings of one word: adaptation, adaptor."""


class SurfaceForm(NamedTuple):
    """One spelling of a concept. `papers` is the number of papers that explain it; 0 if only the seed list has it.

    `share` is the share of an abbreviation's papers that mean this concept. An alias contains a shorter form of the same
    concept, so it is recognised in queries but need not be searched for. An abbreviation of two letters that no paper
    explains does not expand: it is recognised in queries but not added to them. `seeded` forms are on the seed list. Of a
    Korean form, `found` papers contain it, `confirmed` of them with another form of the term.
    """

    text: str
    language: Language
    papers: int
    share: float = 1.0
    is_alias: bool = False
    expands: bool = True
    seeded: bool = False
    found: int = 0
    confirmed: int = 0

    @property
    def is_presentable(self) -> bool:
        """Whether readers may see it as a name. A Korean form that one paper alone explains is often a slip."""
        return not self.is_rare and not self.is_alias

    @property
    def is_rare(self) -> bool:
        """Whether it is a Korean form that fewer than two papers explain or use next to another form."""
        return self.language == "ko" and not self.seeded and max(self.papers, self.confirmed) < 2


@dataclass(frozen=True, slots=True)
class Concept:
    """A term with its forms, the main ones of each language first. `key` is the English key."""

    key: str
    forms: tuple[SurfaceForm, ...]

    @property
    def support(self) -> int:
        """The number of papers that explain any of the forms, at least 1."""
        return max(1, sum(form.papers for form in self.forms))

    def forms_in(self, language: Language) -> list[SurfaceForm]:
        """Return the forms in one language."""
        return [form for form in self.forms if form.language == language]

    def usual_form(self, language: Language) -> str:
        """Return the most usual presentable form in a language, "" if there is none."""
        return next((form.text for form in self.forms_in(language) if form.is_presentable), "")


class AbbreviationSense(NamedTuple):
    """A sense of an abbreviation: the English key, its share and the number of papers that explain it so, its usual writing."""

    key: str
    share: float
    papers: int
    text: str = ""


def distinct_senses(senses: Iterable[AbbreviationSense], known: Iterable[str]) -> list[AbbreviationSense]:
    """Return the senses, best first, that are neither other writings of a better one nor rare.

    A sense of the `known` keys is never rare; any other needs two papers or a fifth of all.
    """
    keys, distinct = frozenset(known), list[AbbreviationSense]()
    for sense in senses:
        is_rare = sense.key not in keys and sense.papers < 2 and sense.share < _MIN_SENSE_SHARE
        if not is_rare and not any(_is_same_term(sense.key, other.key) for other in distinct):
            distinct.append(sense)
    return distinct


def _is_same_term(left: str, right: str) -> bool:
    """Tell whether two English keys differ in no word, or only in the ends of words."""
    words, others = left.split(), right.split()
    rest = [word for word in words if word not in others]
    other_rest = [word for word in others if word not in words]
    if not rest or not other_rest:
        return True
    return len(rest) == len(other_rest) and all(
        word[:_SAME_STEM_LETTERS] == other[:_SAME_STEM_LETTERS]
        for word, other in zip(rest, other_rest, strict=True)
    )
