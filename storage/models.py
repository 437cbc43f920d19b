"""The records that several rooms read, and their enums. Those of one room are with its table and SQL."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from storage.withdrawals import Withdrawal, find_withdrawal

# Authors of papers, readers and servers.


class Locale(StrEnum):
    """The languages of the interface. Digests use the same codes."""

    EN = "en"
    KO = "ko"


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader's settings, and the DM channel with the reader."""

    user_id: int
    locale: Locale | None
    timezone: str | None
    dm_channel_id: int | None


@dataclass(frozen=True, slots=True)
class Guild:
    """A server that the bot is in, or was in until `left_at`. `answers_mentions`: questions in messages are answered.

    `name` is None until the Gateway has given it.
    """

    guild_id: int
    locale: Locale | None
    system_channel_id: int | None
    left_at: datetime | None
    answers_mentions: bool
    name: str | None = None


# Digests as parsed and as stored.


class DigestFormat(StrEnum):
    """The formats of digests.

    NEWSLETTER and REVIEW are written, LISTING is a service's list for a day, and LIST any other list. LOOKUP
    contains all new papers of a source that does not select papers, such as an arXiv category. They are used
    for search and alerts, and posted only by subscriptions to that source.
    """

    NEWSLETTER = "newsletter"
    REVIEW = "review"
    LISTING = "listing"
    LIST = "list"
    LOOKUP = "look-up"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a summary: a newsletter's highlight or a review's chapter. Both texts are Markdown."""

    heading: str | None
    body: str


class SkipReason(StrEnum):
    """Why a reader of a source skipped an item, or a part of one (`ReadingReport.warnings`)."""

    NO_ID = "no-arXiv-ID"
    """Nor that of a paper elsewhere."""
    UNKNOWN_ID = "unknown-ID"
    NO_PAPER = "no-paper"
    NO_TITLE = "no-title"
    REPEATED = "same-as-another"
    MENTION = "only-mentioned"
    NO_DATE = "date-that-cannot-be-told"
    TOO_OLD = "older-than-is-posted"
    REFUSED = "refused-by-its-service"
    NOT_READ = "not-read"
    NO_LIST = "no-list-of-papers"
    NEW_VERSION = "new-version"
    OTHER_CATEGORY = "other-category"
    TOO_MANY = "too-many"
    MADE_UP = "made-up-summary"
    NO_VOTES = "no-votes"

    @property
    def words(self) -> str:
        return self.value.replace("-arXiv", "").replace(
            "-", " "
        )  # a stored name of before other IDs were read


@dataclass(frozen=True, slots=True)
class Skipped:
    """How many items were skipped for one reason, and up to three of them as one-line examples."""

    reason: SkipReason
    number: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingReport:
    """What a reading of a source found: entries of a feed, papers of a list, files without a list.

    Each item found was `kept` or skipped. Of those kept, the archive lacked `stored` ones, which is counted at the end of
    a poll, and knew the others. `warnings` are about items that were kept, for example without the date that they state.
    """

    kept: int = 0
    stored: int = 0
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[Skipped, ...] = ()

    @property
    def known(self) -> int:
        return self.kept - self.stored

    @property
    def skipped_count(self) -> int:
        return sum(row.number for row in self.skipped)

    @property
    def found(self) -> int:
        return self.kept + self.skipped_count

    def to_json(self) -> dict[str, Any]:
        """Return the report as it is stored and printed, where skipped items are `left_out` and warnings `remarks`."""
        rows = {"left_out": self.skipped, "remarks": self.warnings}
        return {"stored": self.stored, "known": self.known} | {
            name: list(map(asdict, of_reason)) for name, of_reason in rows.items()
        }

    def __add__(self, other: ReadingReport) -> ReadingReport:
        skipped, warnings = add_up(self.skipped + other.skipped), add_up(self.warnings + other.warnings)
        return ReadingReport(self.kept + other.kept, self.stored + other.stored, skipped, warnings)


MAX_EXAMPLES = 3


def add_up(rows: Iterable[Skipped]) -> tuple[Skipped, ...]:
    """Return one row for each reason that occurred, in the order of `SkipReason`, with the first examples."""
    found: dict[SkipReason, Skipped] = {}
    for row in rows:
        former = found.get(row.reason, Skipped(row.reason, 0))
        examples = (*former.examples, *row.examples)[:MAX_EXAMPLES]
        found[row.reason] = Skipped(row.reason, former.number + row.number, examples)
    return tuple(found[reason] for reason in SkipReason if reason in found and found[reason].number)


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a digest that could not be parsed. `line` is the line number in the file, from 1.

    `reason` is given if a paper was skipped. It is not stored.
    """

    line: int
    message: str
    reason: SkipReason | None = field(default=None, compare=False)


_SCHEMES = frozenset(("doi", "acl", "openreview", "pmlr", "cvf"))
"""What the keys of papers that are not arXiv's begin with."""


def scheme_of(key: str) -> str:
    """Return the scheme of a paper's key: an arXiv id, which may have a slash (`math/0309136`), or `SCHEME/VALUE`."""
    scheme = key.partition("/")[0]
    return scheme if scheme in _SCHEMES else "arxiv"


def arxiv_id_of(key: str) -> str | None:
    """Return a paper's arXiv id, which is its key, or None if the key is of another scheme."""
    return key if scheme_of(key) == "arxiv" else None


MAX_PACKED_KEY = 23
"""The most characters of a key in a control: of the 100 of its id a delivery's marker and a verb may take the others."""


def alias_of(key: str) -> str:
    """Return what names a paper in a control: its key or, for a long one, `~` and the start of its SHA-256 in base 64.

    `papers.add` stores that as a further name of the paper, so what reads further names reads it.
    """
    if len(key) <= MAX_PACKED_KEY:
        return key
    return f"~{base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()[:16]).decode().rstrip('=')}"


def is_alias(text: str) -> bool:
    """Return whether a text has the form of a long key's alias, which no key has."""
    return len(text) == MAX_PACKED_KEY and text.startswith("~")


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper as listed in one digest.

    `rank` is the position in the digest, from 1. `votes` is None if the digest gives no number.
    `authors_truncated`: the digest shortened the list of authors.
    """

    rank: int
    paper_key: str
    title: str | None
    url: str
    votes: int | None = None
    authors: tuple[str, ...] = ()
    authors_truncated: bool = False
    thumbnail: str | None = None
    video: str | None = None
    sections: tuple[Section, ...] = ()
    summary_missing: bool = False
    names: tuple[str, ...] = field(default=(), compare=False)
    """Its further keys, where the digest has several of it. They are stored with the paper."""

    @property
    def arxiv_id(self) -> str | None:
        return arxiv_id_of(self.paper_key)


@dataclass(frozen=True, slots=True)
class Digest:
    r"""The digest for one date from one source.

    `text` is the part of the file for this date, with `\n` line endings; parsing it again gives the same
    digest. `problems` have line numbers of the whole file. `is_rolling`: the list has no date, so `date` is
    the day it was read, and only papers that are new at its location belong to that day. `skipped` are the papers
    of the file that are in none of its digests; a problem with a reason is another one. For `warnings` see `ReadingReport`.
    """

    format: DigestFormat
    date: date
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    text: str
    is_rolling: bool = False
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredDigest:
    """A stored digest without its text. `hash` is the text's SHA-256 in hex; `source` is a URL or `files`."""

    id: int
    source: str
    location: str
    format: DigestFormat
    date_on: date
    language: str
    hash: str
    problems: tuple[Problem, ...]
    ingested_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ArchiveExtent:
    """The size and date range of the archive. Both dates are None if it is empty."""

    paper_count: int
    first_on: date | None
    last_on: date | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters by the dates of the digests and by votes, all inclusive. Unknown votes count as 0."""

    since_on: date | None = None
    until_on: date | None = None
    min_votes: int | None = None
    max_votes: int | None = None

    def allow(self, on: date, votes: int | None) -> bool:
        return (
            (self.since_on is None or on >= self.since_on)
            and (self.until_on is None or on <= self.until_on)
            and (not self.min_votes or (votes or 0) >= self.min_votes)
            and (self.max_votes is None or (votes or 0) <= self.max_votes)
        )

    def narrowed(self, other: Filters) -> Filters:
        """Return the filters that papers pass if they pass both."""
        pairs = zip(astuple(self), astuple(other), (max, min, max, min), strict=True)
        return Filters(
            *(pick((limit for limit in both if limit is not None), default=None) for *both, pick in pairs)
        )


NO_FILTERS = Filters()


def votes_descending(votes: int | None) -> tuple[bool, int]:
    """Return a sort key for most votes first, with unknown votes last."""
    return votes is None, -(votes or 0)


def meets_minimum(votes: int | None, min_votes: int) -> bool:
    """Return whether votes reach a minimum. Unknown votes count as 0."""
    return min_votes <= 0 or (votes is not None and votes >= min_votes)


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A paper in a list. `date` is that of its latest digest, in a period; `score` is 0.0 outside a search.

    `authors_truncated`: `authors` is incomplete.
    """

    id: int
    key: str
    title: str | None
    url: str
    date: date
    votes: int | None
    authors: tuple[str, ...]
    thumbnail: str | None
    score: float
    authors_truncated: bool
    withdrawn_by: Withdrawal | None

    @property
    def arxiv_id(self) -> str | None:
        return arxiv_id_of(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPaper(PaperRow):
    """A paper saved by a reader, or on a server's list. If no digest lists it, `date` is the date of `saved_at` (UTC).

    `own_title` is that of the reader's file, which nobody else may see (`with_own_title`). `added_by` is the member who put
    it on the list; None: the reader's own, or by a former member. `comment` and `journal` are as in `PaperDescription`.
    """

    saved_at: datetime
    note: str = ""
    tags: tuple[str, ...] = ()
    comment: str | None = None
    journal: str | None = None
    is_listed: bool = True
    added_by: int | None = None
    published_on: date | None = None
    own_title: str | None = None

    def with_own_title(self) -> SavedPaper:
        """Return the paper as its reader alone sees it: with the title of their file, unless a source gives one."""
        return replace(self, title=self.title or self.own_title)


_Date: TypeAlias = date
"""The type `date` in records that have a field of this name."""


class SourceRank(NamedTuple):
    """A source's rank, lowest first: its negated priority, then its id, so that older sources win.

    Services always rank first (see `bot.archive.digest_writer`), then files (`sources.FILES`) and folders.
    """

    rank: int
    age: int = 0


FILES_RANK = SourceRank(-(2**31))


@dataclass(frozen=True, slots=True)
class Appearance:
    """A paper's entry in one digest. `writer` is the language model if Paperround wrote the digest, or None.

    `source_rank` is the rank of the digest's `source`, and `label` the name that the source has, such as ICLR 2026. `ingested_on`
    is the day (UTC) when the digest was first stored.
    """

    digest_id: int
    format: DigestFormat
    date: date
    language: str
    entry: Entry
    writer: str | None = None
    source_rank: SourceRank = FILES_RANK
    ingested_on: _Date = _Date.max
    source: str = ""
    label: str = ""

    @property
    def ranking_date(self) -> _Date:
        """The date by which a source's digests are ordered, which is never after the day of arrival."""
        return min(self.date, self.ingested_on)


def label_key(label: str) -> str:
    """Return the key by which labels of sources are equal, without case, accents, spaces and signs: ICLR-2026 is iclr2026."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", label.casefold())))


intern_name = lru_cache(maxsize=1 << 13)(str)
"""Returns a shared copy of a name, since a collaboration's papers repeat the same three thousand authors."""

ARXIV_FIELDS = ("version", "version_on", "comment", "journal")
"""What only arXiv states about a paper. If it names no version, the other fields are unknown."""
SHOWN_ARXIV_FIELDS = (*ARXIV_FIELDS, "withdrawn_by")
"""The fields of it that exports have, with those derived from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperDescription:
    """Facts about a paper from digests or a service. `media` are URLs of images and videos."""

    title: str | None = None
    authors: tuple[str, ...] = ()
    votes: int | None = None
    abstract: str | None = None
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    code_url: str | None = None
    code_stars: int | None = None
    project_url: str | None = None
    thumbnail: str | None = None
    media: tuple[str, ...] = ()
    organization: str | None = None
    affiliations: tuple[str, ...] = ()
    version: int | None = None
    """arXiv's number of the version; None if unknown. Only with it are the next three fields known."""
    version_on: date | None = None
    comment: str | None = None
    """What the authors wrote for arXiv about the paper, on one line, such as "Accepted to …"."""
    journal: str | None = None
    """Where arXiv says that it was published, on one line."""

    @property
    def withdrawn_by(self) -> Withdrawal | None:
        return find_withdrawal(self.abstract, self.comment)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPaper(PaperDescription):
    """A paper merged from all digests and services; see `bot.archive.digest_writer`.

    `last_on` is None if no digest lists the paper now, and `first_on` if no digest ever did; lists omit both
    kinds of papers. For one that is `hidden` by the operator, `last_on` is None whatever lists it.
    """

    key: str
    url: str
    votes_read_at: datetime | None
    authors_truncated: bool
    video: str | None
    first_on: date | None
    last_on: date | None
    hidden: bool = False

    @property
    def arxiv_id(self) -> str | None:
        return arxiv_id_of(self.key)

    @property
    def institutions(self) -> tuple[str, ...]:
        """The paper's organization and its authors' affiliations."""
        return (*((self.organization,) if self.organization else ()), *self.affiliations)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperDetail(MergedPaper):
    """A paper with its appearances, newest first.

    `is_author_order_confirmed`: the authors come from arXiv. `is_listed` is false for a paper known only from
    services, whose first and last dates are both its publication date.
    """

    first_on: date
    last_on: date
    id: int
    appearances: tuple[Appearance, ...]
    is_author_order_confirmed: bool = False
    is_listed: bool = True
    published_on: date | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(of.label for of in self.appearances if of.label))


@dataclass(frozen=True, slots=True)
class PaperFacts(PaperDescription):
    """Facts about a paper from a service. `source` is 'huggingface', 'arxiv' or a feed's URL.

    `votes` were read at `read_at` (UTC); None if the service has no votes. `listed_on` is the date of the
    service's list that contains the paper. `location` is the URL that was read. `source_rank` is a feed's rank.
    """

    paper_key: str
    source: str
    location: str
    read_at: datetime
    published_on: date | None = None
    listed_on: date | None = None
    source_rank: SourceRank = FILES_RANK
    names: tuple[str, ...] = field(default=(), compare=False)
    """Its further keys. They are stored with the paper."""


@dataclass(frozen=True, slots=True)
class PaperText:
    """A paper's URL, and its text as Markdown without references and acknowledgements.

    `basis` is a value of `summaries.Basis`: `paper` for the full text, `abstract` for the abstract alone.
    """

    paper_key: str
    text: str
    url: str
    fetched_at: datetime
    basis: str = "paper"


# Sources and the state of their pages.


class SourceKind(StrEnum):
    """The kinds of sources: a local folder, dated URLs, a feed, or a service with facts about papers."""

    FOLDER = "folder"
    URL = "url"
    FEED = "feed"
    HUGGINGFACE = "huggingface"
    ARXIV = "arxiv"


class FetchStatus(StrEnum):
    """The outcomes of fetching a page. NOT_YET: not published yet (no error). REFUSED: blocked by our rules."""

    OK = "ok"
    UNCHANGED = "unchanged"
    NOT_YET = "not_yet"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A configured source and its health. All times are UTC.

    When sources disagree, the highest `priority` wins; among equal priorities, the oldest source. `failures`
    counts consecutive failures, and `reason` describes the last one. `noticed_at` is when the operator was
    notified of them. `progress` describes a back-fill in the source's own format, or how many new papers a limited
    source brought on a day. `reading` is the report on its last reading.
    """

    id: int
    url: str
    kind: SourceKind
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
    progress: Mapping[str, Any] | None = None
    reading: ReadingReport | None = None


# Subscriptions: the daily posts of a channel.


class Style(StrEnum):
    """The layouts of daily posts."""

    COMPACT = "compact"
    CARDS = "cards"
    THREAD = "thread"
    FORUM = "forum"
    ANNOUNCEMENT = "announcement"
    WEEKLY = "weekly"


class ActivityState(StrEnum):
    """The states of a subscription. PAUSED lasts until a person resumes it or the bot rejoins the server."""

    ACTIVE = "active"
    PAUSED = "paused"


NEVER = datetime(1970, 1, 1, tzinfo=UTC)
NO_GUILD = 0
"""The server id for webhooks, which do not reveal their server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A channel's daily post; a draft if `id` is 0. `bot.features.daily.options` validates the settings.

    It is posted at `at_time` (`HH:MM` in `timezone`, an IANA name); if that is "", when the day's list is
    complete. `days` are ISO weekdays from 1 (Monday) to 7 in that zone; dates up to `last_on` are finished.
    All papers match the search query `topic` ("": any paper) and come from the source with the URL `source`
    ("": all sources that select papers). `created_by` is None if it was created on the command line. A
    `silent` post sends no notification. A forum's posts have its tag `tag_id`; None: the first one if the forum
    requires a tag.
    """

    id: int = 0
    guild_id: int
    channel_id: int
    at_time: str = ""
    timezone: str = "UTC"
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    top_n: int = 5
    min_votes: int = 0
    locale: Locale = Locale.EN
    style: Style = Style.COMPACT
    topic: str = ""
    source: str = ""
    mention_role_id: int | None = None
    tag_id: int | None = None
    silent: bool = False
    state: ActivityState = ActivityState.ACTIVE
    reason: str | None = None
    created_by: int | None = None
    created_at: datetime = NEVER
    """Set when the subscription is stored."""
    last_on: date | None = None

    @property
    def is_by_webhook(self) -> bool:
        """Whether a webhook posts the subscription. If so, `channel_id` is the webhook's id, and the server is unknown."""
        return self.guild_id == NO_GUILD


# Alerts: saved queries that notify a reader or a channel of new papers.


class AlertKind(StrEnum):
    KEYWORD = "keyword"
    """Words in the title or in a summary."""
    AUTHOR = "author"
    INSTITUTION = "institution"
    """A university or company of the authors or the paper."""


class AlertTiming(StrEnum):
    """The times at which matching papers are sent."""

    AT_ONCE = "now"
    DAILY = "daily"
    WEEKLY = "weekly"


class AlertTerm(NamedTuple):
    """A keyword or a name that a paper must contain."""

    kind: AlertKind
    text: str


class AlertSchedule(NamedTuple):
    """An alert's schedule: at once, or daily or weekly at a time (HH:MM) in a zone, on an ISO weekday."""

    timing: AlertTiming
    at_time: str
    timezone: str
    weekday: int


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert; a draft if `id` is 0. It is sent to `channel_id`, or by DM to the reader if that is None.

    A paper matches if it contains any of the terms (all of them if `match_all`) and none of the words in
    `excluded`.
    """

    id: int
    user_id: int
    terms: tuple[AlertTerm, ...]
    created_at: datetime
    key: str = ""
    """The normalised terms. Equal alerts have equal keys. The service computes it."""
    match_all: bool = False
    excluded: tuple[str, ...] = ()
    min_votes: int = 0
    """A paper that reaches this later is sent then, once."""
    timing: AlertTiming = AlertTiming.AT_ONCE
    at_time: str = "09:00"
    """Time of day in `timezone` for a daily or weekly alert."""
    timezone: str = "UTC"
    weekday: int = 1
    """ISO weekday for a weekly alert."""
    max_a_day: int = 0
    """The most messages of an immediate alert within 24 hours; 0 means unlimited."""
    channel_id: int | None = None
    guild_id: int | None = None
    paused: bool = False
    right_lost_at: datetime | None = None
    """Since when the owner is known to lack the right to the channel (UTC). Such an alert sends nothing; if it is
    also `paused`, it was paused for that."""

    @property
    def schedule(self) -> AlertSchedule:
        return AlertSchedule(self.timing, self.at_time, self.timezone, self.weekday)


# Deliveries and their parts: the transactional outbox of Discord messages.


class DeliveryState(StrEnum):
    """The states of a delivery. SENT: every part was sent. STOPPED: it was abandoned, and its `reason` says why."""

    WAITING = "waiting"
    SENT = "sent"
    STOPPED = "stopped"


class PartState(StrEnum):
    """The states of a part. SENDING: an attempt has begun, and its outcome is not stored yet."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    STOPPED = "stopped"


class DeliveryKind(StrEnum):
    DAILY = "daily"
    ON_DEMAND = "now"
    ALERT = "alert"
    TODAY = "today"
    NEWS = "news"
    THREAD_NEWS = "thread-news"
    CLUB = "club"
    NOTICE = "notice"
    ANSWER = "answer"


class Priority(IntEnum):
    """The order of due deliveries, lowest value first."""

    INTERACTIVE = 5
    NOTIFICATION = 10
    SCHEDULED = 50
    DISCUSSION = 60
    """Threads that readers open wait for their channel's own posts."""


class PartKind(StrEnum):
    """The Discord requests for parts.

    THREAD opens a thread on the first message, EDIT replaces what that says, COUNT reads the votes of a poll that has
    ended; REQUEST is any other.
    """

    MESSAGE = "message"
    FORUM_POST = "forum_post"
    THREAD = "thread"
    THREAD_MESSAGE = "thread_message"
    CROSSPOST = "crosspost"
    EDIT = "edit"
    REQUEST = "request"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery to one channel or reader; not stored yet if `id` is 0.

    `key` is unique, so planning a delivery twice has no effect. `local_on` is the date of a daily post, or of a
    reader's papers of the day, in its zone, `digest_on` the newest day it includes, and `drawn_until` the number of
    ingests until then. `papers` are the keys of its papers, as shown. The lowest `priority` is sent first.
    `reason` is why it was stopped or, while it is WAITING, why Discord rejects it. `asked_by` is the reader who
    asked for a post in a channel.
    """

    id: int = 0
    key: str
    kind: DeliveryKind
    subscription_id: int | None = None
    guild_id: int | None = None
    channel_id: int | None = None
    user_id: int | None = None
    asked_by: int | None = None
    locale: Locale
    local_on: date | None = None
    digest_on: date | None = None
    drawn_until: int | None = None
    papers: tuple[str, ...] = ()
    priority: int = Priority.SCHEDULED
    state: DeliveryState = DeliveryState.WAITING
    reason: str | None = None
    planned_at: datetime
    due_at: datetime
    expires_at: datetime
    finished_at: datetime | None = None

    @property
    def is_direct(self) -> bool:
        """Whether the delivery goes only to a reader's direct messages and cannot be sent to a server instead."""
        return self.user_id is not None and self.guild_id is None

    @property
    def is_uncertain(self) -> bool:
        """Whether the delivery stopped with an unknown outcome. If so, it can be retried manually."""
        return self.state is DeliveryState.STOPPED and self.reason in UNCERTAIN


@dataclass(frozen=True, slots=True)
class NewPart:
    """A message to store. `nonce` is globally unique; `marker` identifies the message in the channel.

    `paper_count` is how many of a post's papers it has.
    """

    kind: PartKind
    payload: str
    nonce: str
    fallback: str | None = None
    marker: str | None = None
    paper_count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery(Delivery):
    """A delivery to store, with its parts in sending order."""

    parts: tuple[NewPart, ...]


DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
"""From which Discord's ids count milliseconds, in all but their last 22 bits."""


@dataclass(frozen=True, slots=True)
class Part:
    """One Discord message of a delivery. `payload` is the JSON body, cleared 30 days after the delivery's end.

    `fallback` is the plain form, sent once under its own nonce if Discord refuses the payload. It is None from then on.
    `first_attempt_at` is the first attempt that Discord may have accepted; None if it was certainly not sent.
    """

    id: int
    delivery_id: int
    position: int
    kind: PartKind
    payload: str | None
    fallback: str | None
    nonce: str
    state: PartState
    first_attempt_at: datetime | None
    last_attempt_at: datetime | None
    next_attempt_at: datetime
    channel_id: int | None
    message_id: int | None
    error_code: int | None
    error: str | None
    marker: str | None = None
    answer: Mapping[str, Any] | None = None
    """Of a message with a poll, `ends_at` (ISO 8601); of a COUNT, `votes`: a number for each answer, in their order."""

    @property
    def made_at(self) -> datetime | None:
        """When Discord made the message (UTC), which its id says; None without one. It may be stored much later."""
        if self.message_id is None:
            return None
        return DISCORD_EPOCH + timedelta(milliseconds=self.message_id >> 22)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A sent message and its channel, thread or DM. `message_id` is None if it was deleted later.

    `answer` is what was asked for, see `Part`.
    """

    message_id: int | None
    channel_id: int
    answer: Mapping[str, Any] | None = None


# Input of the search index.


@dataclass(frozen=True, slots=True)
class IndexDocument:
    """A paper's indexed fields.

    `sections` are the distinct sections of all digests, newest first, and `days` the dates of those. A service provides the
    `abstract`.
    """

    id: int
    key: str
    title: str | None
    sections: tuple[Section, ...]
    abstract: str | None
    keywords: tuple[str, ...]
    votes: int | None
    days: tuple[date, ...]
    institutions: tuple[str, ...]


class Reason(StrEnum):
    """The reasons why something was paused, refused or stopped. The interface translates them."""

    UNKNOWN_CHANNEL = "unknown-channel"
    TARGET_GONE = "target-gone"
    GUILD_LEFT = "guild-left"
    NO_ACCESS = "no-access"
    NO_PERMISSION = "no-permission"
    NO_SEND = "no-send"
    NO_SEND_IN_THREADS = "no-send-in-threads"
    NO_THREADS = "no-threads"
    NO_HISTORY = "no-history"
    NO_POLLS = "no-polls"
    NO_EVENTS = "no-events"
    DMS_CLOSED = "dms-closed"
    NO_SHARED_SERVER = "no-shared-server"
    THREAD_LOCKED = "thread-locked"
    TAG_NEEDED = "tag-needed"
    WRONG_CHANNEL_KIND = "wrong-channel-kind"
    REFUSED_CONTENT = "refused-content"
    DISCORD_TROUBLE = "discord-trouble"
    RATE_LIMITED = "rate-limited"
    TOO_OLD = "too-old"
    UNCERTAIN = "uncertain"
    WEBHOOK_GONE = "webhook-gone"
    BY_HAND = "by-hand"


UNCERTAIN = (Reason.UNCERTAIN, Reason.NO_HISTORY)
"""The reasons of a delivery that stopped with an unknown outcome."""
