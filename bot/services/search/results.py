"""What look-ups give back. Plain records; lists are pages, `total` counts what all pages hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from storage import models


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page of papers, best first.

    `terms`: what the query was taken apart into; `also`: forms that were looked for besides. `partial`: too few papers had
    all words, so those with most of them follow. `suggestions`: other queries, for when this one finds nothing or too
    little. `ignored`: what in the query could not be used.
    `explanations`: what each score is made of, by arXiv id, if asked for.
    """

    rows: tuple[models.PaperRow, ...] = ()
    total: int = 0
    added_forms: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    is_partial: bool = False
    suggestions: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    explanations: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuthorResult:
    """A page of one person's papers. `matches`: all names found, best first; `author` is None when none was.

    `forms` are the ways in which papers write the name, the most frequent first.
    """

    author: str | None = None
    matches: tuple[str, ...] = ()
    name_variants: tuple[str, ...] = ()
    rows: tuple[models.PaperRow, ...] = ()
    total: int = 0
    coauthors: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DigestResult:
    """A page of one date's papers, top-voted first. `on` is None in an empty archive."""

    on: date | None = None
    rows: tuple[models.PaperRow, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class TopResult:
    """A page of a period's papers, top-voted first; of a topic as it was `understood`, if one was asked for."""

    rows: tuple[models.PaperRow, ...] = ()
    total: int = 0
    topic_result: SearchResult = field(default_factory=SearchResult)


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing offered while somebody types: what is shown (in any length), and what is then asked for.

    A paper's name is its title, "" for one without. `papers` are an author's, `votes` a paper's; None for what has none
    or unknown ones.
    """

    name: str
    value: str
    papers: int | None = None
    votes: int | None = None
