"""Requests to the search service and its results."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from bot.rendering.discord_text.escape import SafeMarkdown
from storage import models
from storage.search import index


class Sort(StrEnum):
    """The order of a list of papers: the best matches, the most votes, or the newest first."""

    RELEVANCE = "relevance"
    VOTES = "votes"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search for papers on a topic.

    `query` is as typed; its own filters (author:, since:, until:, votes:) narrow the others further. `literal` turns
    query expansion off, `explain` asks for the components of each score, `snippet_locale` for snippets.
    """

    query: str = ""
    author: str = ""
    since: date | None = None
    until: date | None = None
    min_votes: int | None = None
    limit: int = 10
    offset: int = 0
    literal: bool = False
    sort: Sort = Sort.RELEVANCE
    explain: bool = False
    snippet_locale: models.Locale | None = None

    @property
    def filters(self) -> index.Filters:
        """The filters given apart from the query."""
        return index.Filters(self.since, self.until, self.min_votes)


@dataclass(frozen=True, slots=True)
class PaperPage:
    """A page of a list of papers. `total` counts the papers of all pages."""

    rows: tuple[models.PaperRow, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class SearchResult(PaperPage):
    """A page of search results, best first.

    `total_is_exact`: no more papers match than `total`. `terms`: the terms of the query; `added_forms`: forms that
    query expansion added. `missing`: the terms that a paper lacks, by arXiv id, of papers that match only some;
    `complete`: how many match all. `is_inside`: a part of two syllables is in papers only within longer words.
    `corrected`: words as typed and as searched for. `suggestions`: alternative queries when too little was found.
    `meanings`: the terms of an abbreviation that has several. `term_forms`: each term, and those that a
    question implies, with the added forms.
    `is_shortened`: words of the query were left out as filler. `period`: the dates that its words name.
    `ignored`: parts of the query that could not be used.
    `unknown_id`: an arXiv id that the archive does not have.
    `explanations` (score components) and `snippets` are by arXiv id and empty unless requested.
    """

    added_forms: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    total_is_exact: bool = True
    complete: int = 0
    is_inside: bool = False
    corrected: tuple[tuple[str, str], ...] = ()
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()
    meanings: tuple[str, ...] = ()
    term_forms: tuple[tuple[str, ...], ...] = ()
    is_shortened: bool = False
    period: str = ""
    ignored: tuple[str, ...] = ()
    unknown_id: str = ""
    explanations: dict[str, dict[str, float]] = field(default_factory=dict)
    snippets: dict[str, SafeMarkdown] = field(default_factory=dict)

    @property
    def is_partial(self) -> bool:
        """Whether papers of the page match only some of the terms."""
        return bool(self.missing)

    @property
    def has_full_matches(self) -> bool:
        """Whether any paper matches all terms."""
        return self.complete > 0


@dataclass(frozen=True, slots=True)
class AuthorResult(PaperPage):
    """A page of one author's papers. `author` is None if no name matches; `matches` are all matching names, best first.

    `name_variants` are the spellings of the author's name, the most frequent first. `namesakes` are the people whose papers
    these are, if a Hangul name may be several. `is_corrected`: no author has the name as typed.
    """

    author: str | None = None
    matches: tuple[str, ...] = ()
    name_variants: tuple[str, ...] = ()
    coauthors: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    namesakes: tuple[str, ...] = ()
    is_corrected: bool = False


def votes_descending(row: models.PaperRow) -> tuple[bool, int]:
    """Return the sort key for top-voted first, unknown votes last."""
    return row.votes is None, -(row.votes or 0)


@dataclass(frozen=True, slots=True)
class Choice:
    """An autocomplete choice: the label to show (of any length) and the value to search for.

    The label of a paper is its title, "" if it has none. `papers` counts an author's papers, `votes` are a paper's
    votes; None where not applicable or unknown.
    """

    name: str
    value: str
    papers: int | None = None
    votes: int | None = None
