"""Answers to questions: passages of papers, word for word, with their origin, and a language model's sentences."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from bot.archive.summaries import Basis
from bot.features.ask.model_sentences import ModelInput, QuotedSentence, Written, number_quotes
from bot.features.ask.passages import Passage
from bot.search.results import MAX_EXCERPT, Snippet, WeightedPattern, is_shown, make_excerpt
from bot.text import analyser
from storage import models

_WHOLE = 20_000
"""The most characters of a whole passage."""
_FIRST = 2 * MAX_EXCERPT
"""The first excerpt's characters: a number often stands some sentences below what a question names."""
_LONG = 3
"""How many excerpts are long; further ones have the best sentence alone."""


class PassageOrigin(StrEnum):
    """The text that a passage is from."""

    DIGEST = "digest"
    ABSTRACT = "abstract"
    PAPER = "paper"
    TITLE = "title"
    """Of a paper of which nothing else is stored."""


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A stored passage of a paper, and its origin.

    `on` is the day of its digest, else None; `language` is "en" or "ko"; `url` is the address of its place.
    """

    words: PassageOrigin
    on: date | None
    language: str
    url: str
    passage: Passage

    @property
    def key(self) -> str:
        """A name of the passage among its paper's, which it keeps while its words stay the same."""
        return f"{zlib.crc32(self.passage.text.encode('utf-8', 'replace')):08x}"


class AskedPaper(NamedTuple):
    """A paper with its passages in order; `order` names those that have any of the question, best first."""

    paper: models.PaperDetail
    sources: Sequence[StoredPassage]
    order: Sequence[int]


class ShownPassage(NamedTuple):
    """A passage that is shown, with its paper, and the part of it that has the most of a question."""

    paper: models.PaperDetail
    source: StoredPassage
    excerpt: Snippet

    @property
    def is_cut(self) -> bool:
        """Whether its excerpt is not all of it."""
        return "…" in (self.excerpt.text[:1], self.excerpt.text[-1:])

    def whole(self) -> ShownPassage:
        return self._replace(excerpt=make_excerpt(self.source.passage.text, (), most=_WHOLE))


class AnswerStatus(StrEnum):
    """How well the found passages answer."""

    NEAR = "nearest"
    """They are the nearest that were found."""
    NOTHING = "nothing"
    """The search finds no paper, or the paper has no word of the question."""
    OUTSIDE = "outside"
    """No paper is within the limits of the question, such as votes:99."""
    UNASKED = "unasked"
    """The text has no words to look for, such as a greeting."""
    NAMED = "named"
    """The text has only ids of papers, which these are."""


class ArchiveContents(NamedTuple):
    """The number of papers in the archive, the day of its first digest, and the names of its sources."""

    papers: int
    since: date | None
    origins: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """The passages nearest to a question, the nearest first: of one paper, or each of another paper of the archive.

    `language` is the question's, "en" or "ko". `asked` are the papers in `found` with all of their passages.

    Of one paper, which is `paper`: `basis` says what was read of it, and `read_as` has the parts of the question that were read
    as other forms, with those that the paper has.

    Of the archive: `absent` has the names and terms in the question that nothing stored has, `lacking` its rare words if no
    found paper has any of them, `excluded` the terms that it leaves out, `days` the first and last day of the digests that it
    asks for, `corrected` the pairs of a misspelt word and what it was read as. `topic` is the question as a search. `is_cut`:
    only the question's first characters, and papers, are read. If no paper is found, `extent` is given.

    With `sentences`, `found` are their quotes; `disagree`: their papers do, as the model says. `note` (a Fluent id) says why
    sentences are absent, or that a model is asked.
    """

    kind: AnswerStatus
    language: str
    found: tuple[ShownPassage, ...] = ()
    asked: tuple[AskedPaper, ...] = ()
    paper: models.PaperDetail | None = None
    basis: Basis = Basis.NONE
    read_as: tuple[tuple[str, tuple[str, ...]], ...] = ()
    absent: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    days: tuple[date | None, date | None] = (None, None)
    corrected: tuple[tuple[str, str], ...] = ()
    topic: str = ""
    is_cut: bool = False
    extent: ArchiveContents | None = None
    sentences: tuple[QuotedSentence, ...] = ()
    disagree: bool = False
    note: str = ""

    @property
    def is_near(self) -> bool:
        return self.kind is AnswerStatus.NEAR

    @property
    def list_topic(self) -> str:
        """The question as a search for all papers on it; "" if nothing was found or left out, or only ids were given."""
        return self.topic if (self.found or self.excluded) and self.kind is not AnswerStatus.NAMED else ""

    @property
    def is_readable(self) -> bool:
        """Whether a language model may read the passages.

        Of one paper it reads the full text alone: a summary proves nothing about it. Its sentences on several papers are shown
        with the passages' origins.
        """
        return bool(self.asked) and (self.is_near if self.paper is None else self.basis is Basis.PAPER)

    def list_read(self) -> list[ModelInput]:
        """Return the passages that a language model reads."""
        return [
            ModelInput(paper.title or paper.key, [one.passage for one in sources], order)
            for paper, sources, order in self.asked
        ]

    def with_found(
        self, found: Iterable[tuple[AskedPaper, int]], patterns: Sequence[WeightedPattern]
    ) -> Answer:
        """Return the answer with passages, each given by its paper and its number there, for the patterns of a question.

        What two summaries of a paper have in the same words is shown once.
        """
        shown: dict[tuple[str, str], ShownPassage] = {}
        for one, number in found:
            source = one.sources[number]
            most = (MAX_EXCERPT if shown else _FIRST) if len(shown) < _LONG else 0
            excerpt = make_excerpt(source.passage.text, patterns, most=most)
            shown.setdefault((one.paper.key, excerpt.text), ShownPassage(one.paper, source, excerpt))
        texts = [text for one in shown.values() for text in (one.paper.title or "", one.excerpt.text)]

        def not_shown(names: Iterable[str]) -> tuple[str, ...]:
            return tuple(
                name for name in names if not is_shown((name, analyser.stem(name.casefold())), texts)
            )

        absent, lacking = not_shown(self.absent), not_shown(self.lacking)
        return replace(self, found=tuple(shown.values()), absent=absent, lacking=lacking)

    def with_sentences(self, written: Written) -> Answer:
        """Return the answer with sentences, or the reason for their absence, and with the quotes that they rest on."""
        if not written.sentences:
            return replace(self, note=written.note)
        asked = self.asked
        sentences, quotes = number_quotes(
            written.sentences, lambda one: asked[one.paper].sources[one.passage].passage.text
        )
        quoted = (
            ShownPassage(
                asked[one.paper].paper, source, make_excerpt(source.passage.text, words, is_quote=True)
            )
            for one, words in quotes
            for source in (asked[one.paper].sources[one.passage],)
        )
        return replace(
            self,
            kind=AnswerStatus.NEAR,
            found=tuple(quoted),
            sentences=sentences,
            disagree=written.disagree,
            note="ask-written",
        )
