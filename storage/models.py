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
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    text: str


@dataclass(frozen=True, slots=True)
class VoteCount:
    """A reading of a paper's Hugging Face upvotes: the number, when it was read (UTC) and by which source."""

    votes: int
    read_at: datetime
    source: str


class Locale(StrEnum):
    """The languages that the interface speaks. A digest's own language uses the same two codes."""

    EN = "en"
    KO = "ko"


class Style(StrEnum):
    """How a subscription's daily post looks (`looks.md` has a sketch of each)."""

    COMPACT = "compact"
    CARDS = "cards"
    THREAD = "thread"
    FORUM = "forum"
    ANNOUNCEMENT = "announcement"
    WEEKLY = "weekly"


class SubscriptionState(StrEnum):
    """ACTIVE is posted; PAUSED waits for a person or a permission; CLOSED never posts again."""

    ACTIVE = "active"
    PAUSED = "paused"
    CLOSED = "closed"


class DeliveryState(StrEnum):
    """The life of a delivery: PLANNED until every part is SENT, or one of the ends that need an explanation."""

    PLANNED = "planned"
    SENT = "sent"
    PAUSED = "paused"
    UNCERTAIN = "uncertain"
    EXPIRED = "expired"
    FAILED = "failed"


class PartState(StrEnum):
    """The life of one message. SENDING means that an attempt was begun and its outcome is not stored yet."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    PAUSED = "paused"
    UNCERTAIN = "uncertain"
    EXPIRED = "expired"
    FAILED = "failed"


class DeliveryKind(StrEnum):
    """Why something is posted. Alerts and notices go before the fan-out of daily posts."""

    DAILY = "daily"
    ON_DEMAND = "now"
    ALERT = "alert"
    NOTICE = "notice"
    EDIT = "edit"


class PartKind(StrEnum):
    """What Discord is asked for: a plain message, a forum post, the thread of the delivery's first message, an edit."""

    MESSAGE = "message"
    FORUM_POST = "forum_post"
    THREAD = "thread"
    THREAD_MESSAGE = "thread_message"
    CROSSPOST = "crosspost"
    EDIT = "edit"


class AlertKind(StrEnum):
    """What an alert looks for."""

    KEYWORD = "keyword"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A paper as a list shows it. `date` is the latest digest date that holds it; `score` is 0.0 outside a search."""

    id: int
    arxiv_id: str
    title: str | None
    url: str
    date: date
    votes: int | None
    authors: tuple[str, ...]
    thumbnail: str | None = None
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Appearance:
    """One digest that a paper stood in, with what it said there."""

    digest_id: int
    format: DigestFormat
    date: date
    language: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class PaperDetail:
    """All that is known of one paper, merged; `appearances` newest first."""

    id: int
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
    keywords: tuple[str, ...]
    categories: tuple[str, ...]
    first_on: date
    last_on: date
    appearances: tuple[Appearance, ...]


@dataclass(frozen=True, slots=True)
class MergedPaper:
    """What all digests and services together say of one paper; `bot.services.ingest.merge` makes it.

    `first_on` and `last_on` are None while nothing lists the paper: then no reader gets to see it.
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
    keywords: tuple[str, ...]
    categories: tuple[str, ...]
    first_on: date | None
    last_on: date | None


@dataclass(frozen=True, slots=True)
class IndexDocument:
    """All that the search index is made from. `is_new`: nothing of this paper is in the index yet.

    `sections` are those of all digests, the newest first, none twice; `abstract` is a service's.
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


@dataclass(frozen=True, slots=True)
class Author:
    """One person: the folded name as key, the form to show, and how many papers name them."""

    id: int
    key: str
    name: str
    paper_count: int


@dataclass(frozen=True, slots=True)
class StoredDigest:
    """A digest as it is kept, without its text. `revision` is 1, and 1 more with each correction."""

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
    """What a place (a path, an address or a feed's entry) of a source last said for a date in a format."""

    source: str
    location: str
    date: date
    format: DigestFormat
    digest_id: int
    hash: str


@dataclass(frozen=True, slots=True)
class ArchiveExtent:
    """What the archive holds. Both dates are None while it is empty."""

    digest_count: int
    paper_count: int
    first_on: date | None
    last_on: date | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel's standing order.

    `at_time` is `HH:MM` on the wall clock of `timezone` (an IANA name). `days` holds ISO weekdays 1 (Monday)
    to 7 as seen in that zone. `next_due_at` is UTC; None while nothing is planned; `due_on` is the local date that it
    stands for. `waiting_for_on` is the local date whose digest is being waited for, `waiting_until_at` when that ends.
    `last_digest_on` is the date of the newest digest posted. `created_by` is None when it came from the command line.
    """

    id: int
    guild_id: int
    channel_id: int
    at_time: str
    timezone: str
    days: tuple[int, ...]
    top_n: int
    min_votes: int
    locale: Locale
    style: Style
    say_when_empty: bool
    fresh_days: int
    wait_minutes: int
    settle_hours: int
    state: SubscriptionState
    reason: str | None
    created_by: int | None
    created_at: datetime
    next_due_at: datetime | None
    waiting_for_on: date | None
    due_on: date | None = None
    waiting_until_at: datetime | None = None
    last_digest_on: date | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A standing rule. Told by DM to `user_id` where `channel_id` is None, else in that channel."""

    id: int
    user_id: int
    channel_id: int | None
    guild_id: int | None
    kind: AlertKind
    text: str
    min_votes: int
    state: SubscriptionState
    reason: str | None
    paused_until_at: datetime | None
    created_at: datetime
    key: str = ""


@dataclass(frozen=True, slots=True)
class NewAlert:
    """A standing rule as it is made.

    `key` is the text folded, so that equal rules are equal; `anchor` is a token that every matching paper holds.
    """

    user_id: int
    kind: AlertKind
    text: str
    key: str
    anchor: str
    created_at: datetime
    min_votes: int = 0
    channel_id: int | None = None
    guild_id: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to be posted in one place. `key` is unique, so planning twice plans once.

    `local_on` is the date of a daily post in its own zone, `digest_on` the date of the digest that it shows, `papers` the
    arXiv ids in the order shown, `fingerprint` stands for what is shown of them. The lower `priority` goes first.
    """

    id: int
    key: str
    kind: DeliveryKind
    subscription_id: int | None
    guild_id: int | None
    channel_id: int | None
    user_id: int | None
    locale: Locale
    local_on: date | None
    state: DeliveryState
    reason: str | None
    planned_at: datetime
    due_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    priority: int = 50
    digest_on: date | None = None
    papers: tuple[str, ...] = ()
    total: int | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class NewPart:
    """A message as it is planned. An EDIT names the message that it changes; `nonce` is unique in the world."""

    kind: PartKind
    payload: str
    nonce: str
    fallback: str | None = None
    channel_id: int | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery as it is planned, with its parts in their order. The lower `priority` goes first."""

    key: str
    kind: DeliveryKind
    locale: Locale
    planned_at: datetime
    due_at: datetime
    expires_at: datetime
    parts: tuple[NewPart, ...]
    priority: int = 50
    subscription_id: int | None = None
    guild_id: int | None = None
    channel_id: int | None = None
    user_id: int | None = None
    local_on: date | None = None
    digest_on: date | None = None
    papers: tuple[str, ...] = ()
    total: int | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One Discord message of a delivery. `payload` is the JSON body as it will be sent, emptied 30 days after the end.

    `fallback` is the plain form for when Discord refuses the payload (50035); it is then sent under a nonce of its own.
    `first_attempt_at` is the first attempt that Discord may have accepted: None means that it was surely not sent yet.
    """

    id: int
    delivery_id: int
    position: int
    kind: PartKind
    payload: str | None
    fallback: str | None
    nonce: str
    state: PartState
    attempts: int
    first_attempt_at: datetime | None
    last_attempt_at: datetime | None
    next_attempt_at: datetime
    channel_id: int | None
    message_id: int | None
    error_code: int | None
    error: str | None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """What a reader chose: language, zone and the DM channel that was opened on their wish."""

    user_id: int
    locale: Locale | None
    timezone: str | None
    dm_channel_id: int | None


@dataclass(frozen=True, slots=True)
class Guild:
    """A server that the bot is, or was, a member of."""

    guild_id: int
    locale: Locale | None
    timezone: str | None
    installed_by: int | None
    system_channel_id: int | None
    left_at: datetime | None


class SourceKind(StrEnum):
    """What a source is: files of ours, dated addresses, a feed, or one of the two services with facts on papers."""

    FOLDER = "folder"
    URL = "url"
    FEED = "feed"
    HUGGINGFACE = "huggingface"
    ARXIV = "arxiv"


class FetchStatus(StrEnum):
    """How asking a place ended.

    NOT_YET: nothing there so far, and that is no fault. REFUSED: we declined to go there. GONE: taken away for
    good, so never asked again (the command line calls it failed).
    """

    OK = "ok"
    UNCHANGED = "unchanged"
    NOT_YET = "not_yet"
    REFUSED = "refused"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A source as it was added, and its health. All times are UTC.

    The higher `priority` is believed first. `failures` counts those in a row; `reason` is the last one in words.
    `noticed_at` is when the operator was told of them.
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
    """What is remembered of one place of a source (an address, a file, a feed's entry) from its last reading.

    `etag` and `last_modified` are sent back as they came; a file keeps its modification time and size in
    `last_modified`. `hash` is the SHA-256 of what was read, in hex. `moved_to` is where a permanent redirect led.
    """

    location: str
    read_at: datetime
    status: FetchStatus
    etag: str | None = None
    last_modified: str | None = None
    hash: str | None = None
    moved_to: str | None = None


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """What a service says of one paper, apart from any digest. `source` is 'huggingface', 'arxiv' or a feed's address.

    `votes` were read at `read_at` (UTC); None when the service does not count any. `listed_on` is the day on
    whose list the paper stood. `place` is the address that said so.
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
