"""Papers: merged records, list rows, details and facts from services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from storage.models.digests import DigestFormat, Entry


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A paper in a list. `date` is that of its latest digest; `score` is 0.0 outside a search."""

    id: int
    arxiv_id: str
    title: str | None
    url: str
    date: date
    votes: int | None
    authors: tuple[str, ...]
    thumbnail: str | None = None
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPaper(PaperRow):
    """A paper on a reader's shelf. `date` is that of `saved_at` (UTC) if no digest lists the paper.

    The title and the authors of such a paper are those of the imported file, unless a service gave them.
    """

    saved_at: datetime
    note: str = ""
    tags: tuple[str, ...] = ()
    is_listed: bool = True
    authors_truncated: bool = False


@dataclass(frozen=True, slots=True)
class Appearance:
    """A paper's entry in one digest. `writer` is the model that Paperround wrote the digest with, None for all others."""

    digest_id: int
    format: DigestFormat
    date: date
    language: str
    entry: Entry
    writer: str | None = None


@dataclass(frozen=True, slots=True)
class MergedPaper:
    """A paper merged from all digests and services; see `bot.services.ingest.merge`.

    `first_on` and `last_on` are None if no digest lists the paper; such a paper is in no list.
    """

    arxiv_id: str
    title: str | None
    url: str
    abstract: str | None
    votes: int | None
    votes_read_at: datetime | None
    authors: tuple[str, ...]
    authors_truncated: bool
    thumbnail: str | None
    video: str | None
    code_url: str | None
    project_url: str | None
    organization: str | None
    affiliations: tuple[str, ...]
    code_stars: int | None
    keywords: tuple[str, ...]
    categories: tuple[str, ...]
    first_on: date | None
    last_on: date | None

    @property
    def institutions(self) -> tuple[str, ...]:
        """The organization behind the paper, and the affiliations of its authors."""
        return (*((self.organization,) if self.organization else ()), *self.affiliations)


@dataclass(frozen=True, slots=True)
class PaperDetail(MergedPaper):
    """A paper with its appearances, newest first.

    `is_author_order_confirmed`: the authors come from arXiv. `is_listed` is false for a paper that only services
    described; both its dates are that of its publication. Only `papers.get_detail` looks for either.
    """

    first_on: date
    last_on: date
    id: int
    appearances: tuple[Appearance, ...]
    is_author_order_confirmed: bool = False
    is_listed: bool = True


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """Facts about a paper from a service. `source` is 'huggingface', 'arxiv' or the URL of a feed.

    `votes` were read at `read_at` (UTC); None if the service has no votes. `listed_on` is the date of the
    service's list that contains the paper. `location` is the URL that was read.
    """

    arxiv_id: str
    source: str
    location: str
    read_at: datetime
    title: str | None = None
    authors: tuple[str, ...] = ()
    votes: int | None = None
    abstract: str | None = None
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    code_url: str | None = None
    project_url: str | None = None
    thumbnail: str | None = None
    published_on: date | None = None
    listed_on: date | None = None
    organization: str | None = None
    affiliations: tuple[str, ...] = ()
    code_stars: int | None = None


@dataclass(frozen=True, slots=True)
class PaperText:
    """The text of a paper as Markdown, without references and acknowledgements, and where it came from.

    `basis` is a value of `summary_basis.Basis`: `paper` for the full text, `abstract` for the abstract alone.
    """

    arxiv_id: str
    text: str
    url: str
    fetched_at: datetime
    basis: str = "paper"


class NewsKind(StrEnum):
    """What can become of a paper after it was saved."""

    VERSION = "version"
    """A new version on arXiv; the value is its number."""
    WITHDRAWN = "withdrawn"
    CODE = "code"
    """The value is an address, as of MODEL."""
    MODEL = "model"
    VENUE = "venue"
    """Accepted somewhere; the value is its name."""


PaperNews: TypeAlias = tuple[str, str | None, NewsKind, str]
"""One thing that became of a paper: its arXiv id and title, the kind and the value."""
