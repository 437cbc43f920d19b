"""What the glossary consists of: concepts, each an English term with all the forms it is written in."""

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
    """One writing of a concept. `papers` explain it so; 0 for what only the starting list says.

    `share` is, for an abbreviation, how often it stands for this concept. An `alias` holds a shorter form of the
    same concept: it is asked for, but need not be searched for. Two letters that no paper has explained do not
    expand: they resolve a query, but are not looked for when another form was asked. `seeded` forms are on our list.
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
    """A term with its forms, the usual ones of each language first. `key` is the English key."""

    key: str
    forms: tuple[SurfaceForm, ...]

    @property
    def support(self) -> int:
        """Return how many papers explain any of the forms, at least 1."""
        return max(1, sum(form.papers for form in self.forms))

    def forms_in(self, language: Language) -> list[SurfaceForm]:
        """Return the forms in one language."""
        return [form for form in self.forms if form.language == language]

    def usual_form(self, language: Language) -> str:
        """Return the most usual presentable form in a language, "" if there is none."""
        return next((form.text for form in self.forms_in(language) if form.is_presentable), "")


class AbbreviationSense(NamedTuple):
    """What an abbreviation may stand for: the English key, its share and the papers that say so."""

    key: str
    share: float
    papers: int
