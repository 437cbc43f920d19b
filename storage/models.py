"""The frozen records that every layer shares.

Plain data only: no SQL, no Discord, no parsing. Times are aware and in UTC (`…_at`), dates end in
`_on`, local clock times in `_time`. Discord ids are `int`. An arXiv id never carries a version.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class DigestFormat(StrEnum):
    """The two families of digest that people publish."""

    NEWSLETTER = "newsletter"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part of a summary: a newsletter's highlight or a review's chapter. Both texts are Markdown."""

    heading: str | None
    body: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a digest that was not understood. `line` counts from 1 in the file it came from."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What one digest says of one paper.

    `rank` counts from 1 in the order of the digest. `votes` is None when the digest does not say.
    `authors_truncated` is true when the digest itself cut the list off.
    """

    rank: int
    arxiv_id: str
    title: str | None
    url: str
    votes: int | None = None
    authors: tuple[str, ...] = ()
    authors_truncated: bool = False
    thumbnail: str | None = None
    video: str | None = None
    sections: tuple[Section, ...] = ()
    summary_missing: bool = False


@dataclass(frozen=True, slots=True)
class Digest:
    """One day's document from one source.

    `text` is the part of the file that this digest was read from (a file may hold several dates), with
    line ends as `\\n`; parsing it again gives the same digest. `problems` keep the file's line numbers.
    """

    format: DigestFormat
    date: date
    papers: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Vote:
    """A reading of a paper's Hugging Face upvotes: the number, when it was read (UTC) and by which source."""

    votes: int
    read_at: datetime
    source: str
