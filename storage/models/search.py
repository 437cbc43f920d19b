"""Input of the search index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from storage.models.digests import Section


@dataclass(frozen=True, slots=True)
class IndexDocument:
    """The indexed fields of a paper. `is_new`: the paper is not in the index yet.

    `sections` are the distinct sections of all digests, newest first; `abstract` comes from a service.
    """

    id: int
    arxiv_id: str
    title: str | None
    authors: tuple[str, ...]
    sections: tuple[Section, ...]
    abstract: str | None
    keywords: tuple[str, ...]
    votes: int | None
    last_on: date
    is_new: bool = False
