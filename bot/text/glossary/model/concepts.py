"""The data of the glossary: concepts, each an English term with all its surface forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Language = Literal["ko", "en", "abbr"]

DOMINANT_SHARE = 0.6
"""An abbreviation belongs to a term that has at least this share of the papers that explain it."""
SEED_PAPERS = 2
"""Weight of a seed term against evidence, in papers."""


@dataclass(frozen=True, slots=True)
class SurfaceForm:
    """One spelling of a concept. `papers` is the number of papers that explain it; 0 if only the seed list has it.

    `share` is the share of an abbreviation's papers that mean this concept. An alias contains a shorter form of the same
    concept, so it is recognised in queries but need not be searched for. An abbreviation of two letters that no paper
    explains does not expand: it is recognised in queries but not added to them. `seeded` forms are on the seed list.
    """

    text: str
    language: Language
    papers: int
    share: float = 1.0
    is_alias: bool = False
    expands: bool = True
    seeded: bool = False

    @property
    def is_presentable(self) -> bool:
        """Whether readers may see it as a name. A Korean form that one paper alone uses is often a slip."""
        is_established = self.language != "ko" or self.papers > 1 or self.seeded
        return is_established and not self.is_alias


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
    """A sense of an abbreviation: the English key, its share and the number of papers that explain it so."""

    key: str
    share: float
    papers: int
