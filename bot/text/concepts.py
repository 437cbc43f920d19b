"""Concepts, each an English term with all its surface forms, shared by all code that reads the glossary; and the seed list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from bot.text import analyser, questions, term_keys

Language = Literal["ko", "en", "abbr"]

DOMINANT_SHARE = 0.6
"""An abbreviation belongs to a term that has at least this share of the papers that explain it."""
SEED_PAPERS = 2
"""Weight of a seed term against evidence, in papers."""


class SurfaceForm(NamedTuple):
    """One spelling of a concept. `seeded`: the seed list or the operator has it; `papers` explain it.

    Of a Korean form, `found` papers contain it, `confirmed` of them with the term in English or as an abbreviation. A form that
    is not `searched` is only recognised in queries: another form finds it, or too many papers have it in another meaning.
    """

    text: str
    language: Language
    papers: int = 0
    seeded: bool = False
    found: int = 0
    confirmed: int = 0
    searched: bool = True

    @property
    def share_with_term(self) -> float:
        """The share of the papers with a Korean form that have the term too."""
        return self.confirmed / max(1, self.found)

    @property
    def is_sure(self) -> bool:
        """Whether it may decide what a channel, alert or trend has: a Korean form or abbreviation that two papers explain."""
        return self.language == "en" or self.seeded or self.papers > 1

    @property
    def is_presentable(self) -> bool:
        """Whether readers may see it as a name. A form in only one paper is often a slip or a word in capitals: LARGE."""
        return self.searched and (self.is_sure or self.confirmed > 1)


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


# What is searched for: plain data for queries of the index, checks of single papers, and answers.


class Form(NamedTuple):
    """A form to search for. `is_shown` is false for what no answer names, such as translations of single words.

    A form that is not `is_sure` ranks papers, and decides no filter. `token` is that of a concept of the seed list which the
    index has wherever a text has this form (see `bot.text.tokens`).
    """

    text: str
    weight: float = 1.0
    is_shown: bool = True
    is_sure: bool = True
    token: str = ""

    @property
    def key(self) -> str:
        """The term key: forms with the same key are equal."""
        return term_keys.term_key(self.text)


_OBJECT = re.compile(f"(?<=[{analyser.SYLLABLES}])(?:[을를]|에서?)$")


class Part(NamedTuple):
    """What a paper should have, in any of its forms: a part of a query as typed. `key` is that of its concept, "" for a word."""

    text: str
    forms: tuple[Form, ...]
    key: str = ""

    @property
    def shown_text(self) -> str:
        """How an answer names the part: an everyday word or phrase as typed (스마트폰에서 도는), others without particles."""
        start, space, word = self.text.rpartition(" ")
        if not analyser.is_hangul(word):
            return self.text
        if space or self.key:
            # For a verb (까먹는, 모르는 걸, AI가 쓴) the term of papers says more, best in Korean.
            names = [form.text for form in self.forms if form.is_shown and form.text != self.text]
            korean = filter(analyser.has_hangul, names)
            term = "" if questions.is_noun(self.text) else next(korean, names[0] if names and space else "")
            return term or start + space + _OBJECT.sub("", word)
        return word[0] if len(word) == 2 and word[1] in "을를" else analyser.strip_ending(word)


def literal_part(text: str) -> Part:
    """Return a part that is searched for exactly as typed."""
    return Part(text, (Form(text),))


def merge_forms(forms: Iterable[Form]) -> tuple[Form, ...]:
    """Keep the heaviest form per term key, in the order of their weights.

    Its spelling is the one with most spaces and hyphens: an index query from it covers all spacings, one from a closed
    spelling does not.
    """
    by_key: dict[str, Form] = {}
    for form in sorted(forms, key=lambda candidate: -candidate.weight):
        key = form.key
        known = by_key.setdefault(key, form)
        if known is not form:
            is_spaced = len(form.text.replace("-", " ").split()) > len(known.text.replace("-", " ").split())
            by_key[key] = known._replace(
                text=form.text if is_spaced else known.text, token=known.token or form.token
            )
    by_key.pop("", None)
    return tuple(by_key.values())
