"""Concepts (English terms with all their Korean, English and abbreviated forms) and the parts of a query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from bot.text import analyser, questions, term_keys

Language = Literal["ko", "en", "abbr"]

DOMINANT_SHARE = 0.6
"""An abbreviation means only one term if at least this share of the explaining papers agree."""
SEED_PAPERS = 2
"""A seeded abbreviation counts as if this many papers explained it."""
ALL_PAPERS = frozenset(
    map(term_keys.term_key, ("AI", "artificial intelligence", "machine learning", "deep learning"))
)
"""Terms that all papers are about, whether or not they say so."""


class SurfaceForm(NamedTuple):
    """One spelling of a concept.

    `papers` counts the papers that define the form; `seeded` forms come from the seed list or the operator. `confirmed`
    papers have a Korean form and the English term or abbreviation. A form with `searched=False` is only recognised in
    queries, because it usually means something else in papers.
    """

    text: str
    language: Language
    papers: int = 0
    seeded: bool = False
    confirmed: int = 0
    searched: bool = True

    @property
    def is_sure(self) -> bool:
        """Whether filters may use the form: it is English, in the seed list, or defined by several papers."""
        return self.language == "en" or self.seeded or self.papers > 1

    @property
    def is_presentable(self) -> bool:
        """Whether replies may show the form. A form from only one paper is often a slip or a word in capitals: LARGE."""
        return (self.searched or self.language == "abbr") and (self.is_sure or self.confirmed > 1)


@dataclass(frozen=True, slots=True)
class Concept:
    """A term and its forms, each language's main form first. `key` is the key of the English term."""

    key: str
    forms: tuple[SurfaceForm, ...]

    @property
    def support(self) -> int:
        """The number of papers that define any of the forms, but at least 1."""
        return max(1, sum(form.papers for form in self.forms))

    def forms_in(self, language: Language) -> list[SurfaceForm]:
        return [form for form in self.forms if form.language == language]

    def usual_form(self, language: Language) -> str:
        """Return the main form that can be shown in a language, or ""."""
        return next((form.text for form in self.forms_in(language) if form.is_presentable), "")


class AbbreviationSense(NamedTuple):
    """A sense of an abbreviation: its English key and name, and the number and share of papers that define it."""

    key: str
    share: float
    papers: int
    text: str


# Parts of a query, used to search the index, check single papers and write answers.


class Form(NamedTuple):
    """A form to search for.

    Replies do not mention a form with `is_shown=False`, such as the translation of a single word. A form with
    `is_sure=False` affects ranking but not filters. `token` is the index token that represents this form of a seeded
    concept (see `bot.text.tokens`), or "".
    """

    text: str
    weight: float = 1.0
    is_shown: bool = True
    is_sure: bool = True
    token: str = ""

    @property
    def key(self) -> str:
        """The term key, which is the same for equivalent spellings."""
        return term_keys.term_key(self.text)


class QueryPart(NamedTuple):
    """A part of a query; a paper matches it by any of its forms. `key` is the concept's key, or "" for plain words. In a question
    it has a `weight`, less if it says little.

    With `either`, it is a choice: a paper matches it if it has all parts of one of these. `forms` are then those of all.
    """

    text: str
    forms: tuple[Form, ...]
    key: str = ""
    either: tuple[tuple[QueryPart, ...], ...] = ()
    weight: float = 1.0

    @property
    def is_quoted(self) -> bool:
        """Whether it is a phrase, which a paper has only side by side and in order."""
        return self.key.startswith('"')

    @property
    def single(self) -> tuple[QueryPart, ...]:
        """The parts of a choice, or else this part."""
        return tuple(part for parts in self.either for part in parts) or (self,)

    @property
    def shown_text(self) -> str:
        """The part's name in replies: as typed, without particles."""
        start, space, word = self.text.rpartition(" ")
        if not analyser.is_hangul(word):
            return self.text
        if space or self.key:
            return start + space + word.removesuffix("에서").rstrip("을를")
        return word[0] if len(word) == 2 and word[1] in "을를" else analyser.strip_ending(word)

    @property
    def term(self) -> str:
        """The part's name as a term: for an everyday verb (까먹는, 모르는 걸) what papers call it, preferably in Korean."""
        if self.either:
            return " | ".join(" ".join(part.term for part in parts) for parts in self.either)
        _, space, word = self.text.rpartition(" ")
        if analyser.is_hangul(word) and (space or self.key) and not questions.is_noun(self.text):
            names = [form.text for form in self.forms if form.is_shown and form.text != self.text]
            return next(filter(analyser.has_hangul, names), names[0] if names and space else self.shown_text)
        return self.shown_text

    def sure(self) -> QueryPart:
        """Return the part for use as a filter, without the forms that only one paper defines."""
        if not self.either and all(form.is_sure for form in self.forms):
            return self
        either = tuple(tuple(part.sure() for part in parts) for parts in self.either)
        return self._replace(forms=tuple(form for form in self.forms if form.is_sure), either=either)


def literal_part(*texts: str) -> QueryPart:
    return QueryPart(" ".join(texts[:1]), tuple(map(Form, texts)))


def quoted_part(phrase: str) -> QueryPart:
    return literal_part(phrase)._replace(key=f'"{phrase}"')


def choose(groups: Iterable[Sequence[QueryPart]]) -> QueryPart:
    """Return the part that a paper matches if it has all parts of one of these groups."""
    either = tuple(tuple(parts) for parts in groups if parts)
    text = " | ".join(" ".join(part.text for part in parts) for parts in either)
    parts = [part for parts in either for part in parts]
    key = " | ".join(part.key for part in parts) if all(part.key for part in parts) else ""
    return QueryPart(text, merge_forms(form for part in parts for form in part.forms), key, either)


def merge_forms(forms: Iterable[Form]) -> tuple[Form, ...]:
    """Keep one form per term key, with the highest weight among its spellings. Returns the heaviest forms first.

    The text is the spelling with the most spaces and hyphens, because its index query covers all spacings.
    """
    by_key: dict[str, Form] = {}
    for form in sorted(forms, key=lambda candidate: -candidate.weight):
        key = form.key
        first = by_key.setdefault(key, form)
        if first is not form:
            is_spaced = len(form.text.replace("-", " ").split()) > len(first.text.replace("-", " ").split())
            by_key[key] = first._replace(
                text=form.text if is_spaced else first.text, token=first.token or form.token
            )
    by_key.pop("", None)
    return tuple(by_key.values())
