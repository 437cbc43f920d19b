"""Digests as parsed and as stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import PurePath


class DigestFormat(StrEnum):
    """The digest formats: two that are written, and the list of a day's papers that a service gives."""

    NEWSLETTER = "newsletter"
    REVIEW = "review"
    LISTING = "listing"


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part of a summary: a newsletter's highlight or a review's chapter. Both texts are Markdown."""

    heading: str | None
    body: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a digest that could not be parsed. `line` counts from 1 in the source file."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class LocatedProblem:
    """What is wrong in a file, a page or a template. `line`, from 1, is None for the whole text or if it is not known."""

    location: str
    line: int | None
    message: str

    def __str__(self) -> str:
        location = f"{self.location}, line {self.line}" if self.line else self.location
        return f"{location}: {self.message}"

    @property
    def short_location(self) -> str:
        """The file's name without its folder, and the line: `daily.en.j2:3`."""
        name = PurePath(self.location).name
        return f"{name}:{self.line}" if self.line else name


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper as listed in one digest.

    `rank` is the position in the digest, from 1. `votes` is None if the digest gives no number.
    `authors_truncated` is true if the digest shortened the list.
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
    """The digest of one date from one source.

    `text` is the part of the file for this date, with `\\n` line ends; parsing it again gives the same digest.
    `problems` keep the line numbers of the whole file.
    """

    format: DigestFormat
    date: date
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    text: str


@dataclass(frozen=True, slots=True)
class SourcedDigest:
    """A parsed digest with the location it was read from.

    `hash` is the SHA-256 of its text. `digest_keys` are the dates and formats of all digests at the location now.
    """

    digest: Digest
    language: str
    hash: str
    source: str
    location: str
    digest_keys: frozenset[tuple[date, DigestFormat]]

    @property
    def location_key(self) -> tuple[str, str]:
        """The source and the location."""
        return self.source, self.location


@dataclass(frozen=True, slots=True)
class StoredDigest:
    """The row of a stored digest, without its text. `revision` starts at 1 and grows with each correction."""

    id: int
    format: DigestFormat
    date: date
    language: str
    hash: str
    revision: int
    problems: tuple[Problem, ...]
    ingested_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DigestLocation:
    """The digest last read from a location of a source (a path, a URL or a feed entry) for a date and format."""

    source: str
    location: str
    date: date
    format: DigestFormat
    digest_id: int
    hash: str


@dataclass(frozen=True, slots=True)
class ArchiveExtent:
    """Size and date range of the archive. Both dates are None if it is empty."""

    digest_count: int
    paper_count: int
    first_on: date | None
    last_on: date | None
