"""Sources and the state of their pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.models.people import Locale


class SourceKind(StrEnum):
    """The kinds of source: a local folder, dated URLs, a feed, or a service with facts about papers."""

    FOLDER = "folder"
    URL = "url"
    FEED = "feed"
    HUGGINGFACE = "huggingface"
    ARXIV = "arxiv"


class FetchStatus(StrEnum):
    """The outcomes of fetching a page.

    NOT_YET: not published so far, not an error. REFUSED: blocked by our own rules. GONE: permanently removed and
    not fetched again (the command line shows it as failed).
    """

    OK = "ok"
    UNCHANGED = "unchanged"
    NOT_YET = "not_yet"
    REFUSED = "refused"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A configured source and its health. All times are UTC.

    The highest `priority` wins when sources disagree. `failures` counts consecutive failures; `reason` describes the
    last one. `noticed_at` is the time of the notice to the operator.
    """

    id: int
    url: str
    kind: SourceKind
    language: Locale | None
    priority: int
    options: dict[str, str]
    added_at: datetime
    next_attempt_at: datetime | None = None
    last_attempt_at: datetime | None = None
    last_success_at: datetime | None = None
    failures: int = 0
    status: FetchStatus | None = None
    reason: str | None = None
    noticed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PageState:
    """The HTTP validators and result of the last read of a page (a URL, a file or a feed entry).

    `etag` and `last_modified` are sent back unchanged; for a file, `last_modified` holds its modification time and
    size. `hash` is the SHA-256 of the content in hex. `moved_to` is the target of a permanent redirect.
    """

    location: str
    read_at: datetime
    status: FetchStatus
    etag: str | None = None
    last_modified: str | None = None
    hash: str | None = None
    moved_to: str | None = None
