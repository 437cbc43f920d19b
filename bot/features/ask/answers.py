"""Answers to questions: passages of papers, word for word, with their origin, and a language model's sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from bot.archive.summaries import Basis
from bot.features.ask.model_sentences import ModelInput, QuotedSentence, Written, number_quotes
from bot.features.ask.passages import Passage
from bot.search.results import Snippet, make_excerpt
from storage import models

_OF_ONE, _OF_SEVERAL = 300, 600
"""Characters of a passage that are shown, fewer where a message is full: three are of one paper, or each is of another."""


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


class ArchiveExtent(NamedTuple):
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

    Of the archive: `absent` has the names and terms in the question that nothing stored has, `excluded` the terms that it leaves
    out, `corrected` the pairs of a misspelt word and what it was read as. `topic` is the question as a search. `is_cut`: only the
    question's first characters, and papers, are read. If no paper is found, `extent` is given.

    `lacks_number`: a number is asked of a paper, and nothing that is stored of it has one with what is asked.

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
    excluded: tuple[str, ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    topic: str = ""
    is_cut: bool = False
    extent: ArchiveExtent | None = None
    lacks_number: bool = False
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
            ModelInput(paper.title or paper.arxiv_id, [one.passage for one in sources], order)
            for paper, sources, order in self.asked
        ]

    def with_found(self, found: Iterable[tuple[AskedPaper, int, Sequence[re.Pattern[str]]]]) -> Answer:
        """Return the answer with passages, each given by its paper, its number there and patterns of the question."""
        most = _OF_SEVERAL if self.paper is None else _OF_ONE
        shown = (
            ShownPassage(one.paper, source, make_excerpt(source.passage.text, patterns, most))
            for one, number, patterns in found
            for source in (one.sources[number],)
        )
        return replace(self, found=tuple(shown))

    def with_sentences(self, written: Written) -> Answer:
        """Return the answer with sentences, or the reason for their absence, and with the quotes that they rest on."""
        if not written.sentences:
            return replace(self, note=written.note)
        asked = self.asked
        sentences, quotes = number_quotes(
            written.sentences, lambda one: asked[one.paper].sources[one.passage].passage.text
        )
        quoted = self.with_found((asked[one.paper], one.passage, patterns) for one, patterns in quotes)
        return replace(
            quoted, kind=AnswerStatus.NEAR, sentences=sentences, disagree=written.disagree, note="ask-written"
        )
