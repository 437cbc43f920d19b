"""The conditions that the operator should know of: each is found once, and told wherever the operator looks.

`paperround doctor` shows all findings. Those with a sentence in `told` are also in the notices of `/health` and, once a day, in
the bot's message to the operator. To add one, write a function that yields findings and name it in `OF_STORAGE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any

from bot.archive import sorting
from bot.client import webhook
from bot.core.clock import latest_date
from bot.core.settings import Settings
from bot.features.operations import post_overview
from bot.sources import arxiv_categories, kinds
from storage import alerts, daily, errors, key_values, models, outbox, papers, sources, zotero
from storage.database import Connection

SILENT = timedelta(days=1)
"""The time that a source may fail before it is told."""
NO_PAPERS = timedelta(days=5)
"""The time without papers before it is told: longer than a weekend with holidays."""
MAX_REFUSED, MAX_SERVERS = 5, 20
"""The most papers named that Zotero refused, and the most servers of which the stuck posts are shown."""
MANY_READERS = 10
"""So many readers whose direct messages Discord refuses in a day are no longer each reader's own choice."""
BACKUP_AGE = timedelta(days=8)
"""The age of a backup that a weekly habit or a nightly timer does not reach."""

NO_POST = (
    "No channel has a daily post. Use `/daily setup` in Discord, or a file for `paperround config apply`."
)
IDLE = (
    "The bot has been in a server for over a day, and no channel has a post or an alert. If there were some, look first for"
    " another bot with this token, in another folder or on another machine: if it has them, stop this one. Only if their database"
    " was lost, stop the bot and run `paperround restore FILE`."
)
WRONG_CLOCK = (
    "The machine's clock differs from Discord's by over a minute. Posts go by Discord's; but certificates, logs and backups go by"
    " the machine's: set it, as by `timedatectl set-ntp true`."
)
REPORT = "If its pages show votes, they are named in another way now: report it."
_ZOTERO_ADVICE = {
    0: ". Set it, and restart the bot.",
    403: ". Make a key at https://www.zotero.org/settings/keys with write access to the library, set PAPERROUND_ZOTERO_KEY to it,"
    " and restart the bot.",
    404: ". Set PAPERROUND_ZOTERO_LIBRARY to one that is there, groups/NUMBER or users/NUMBER, and restart the bot.",
    zotero.AWAY: ". Nothing is to be done: the bot tries again every two minutes.",
}
"""What to do about a problem of Zotero, by its code."""
_EXPECTED = (models.SkipReason.REPEATED, models.SkipReason.NEW_VERSION, models.SkipReason.OTHER_CATEGORY)
"""Reasons by which no paper is missing from a source."""


class Status(StrEnum):
    """The status of a finding, most urgent first. ERROR and TODO make `doctor` exit with status 1."""

    ERROR = "error"
    TODO = "todo"
    WARNING = "warning"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a condition found. `origin` is where a setting was set; `note` is a problem or a hint.

    `told`: the sentence for `/health` and the operator's message, the same while its cause lasts; "" for `doctor` alone.
    """

    what: str
    value: str
    origin: str = ""
    status: Status = Status.OK
    note: str = ""
    told: str = ""

    @property
    def ok(self) -> bool:
        """Whether this is not an error."""
        return self.status is not Status.ERROR

    @property
    def is_default(self) -> bool:
        """Whether this is a setting that has its default value and no note."""
        return self.origin == "default" and self.status is Status.OK and not self.note

    def to_dict(self) -> dict[str, Any]:
        shown = {name: value for name, value in asdict(self).items() if name != "told"}
        return {**shown, "well": self.ok}


_EMPTY, _NO_TROUBLE = models.ArchiveExtent(0, None, None), zotero.Trouble(None, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What conditions are found in: what is stored, what the process knows, and the settings.

    `problem` is why the database cannot be used, or "". `is_settled`: the bot has been in a server for over a day.
    """

    settings: Settings
    now: datetime
    is_settled: bool = False
    is_clock_wrong: bool = False
    schema: int | None = None
    extent: models.ArchiveExtent = _EMPTY
    problem: str = ""
    sources: Sequence[models.StoredSource] = ()
    counted: Mapping[str, Mapping[models.DigestFormat, Mapping[date, int]]] = field(default_factory=dict)
    posts: Sequence[models.Subscription] = ()
    has_alert: bool = False
    uncertain: Sequence[models.Delivery] = ()
    unaddressed: Sequence[int] = ()
    of_servers: Sequence[post_overview.ListedPost] = ()
    refused_readers: int = 0
    backup: str | None = None
    """What is stored about the last one; None for PostgreSQL, whose backups leave no trace."""
    trouble: zotero.Trouble = _NO_TROUBLE


async def load(
    connection: Connection,
    /,
    settings: Settings,
    now: datetime,
    find_ready: post_overview.FindReady = post_overview.find_none,
    **known: Any,
) -> State:
    """Return the state at `now` (UTC), with what else is `known`."""
    stopped = await outbox.list_rows(connection, state=models.DeliveryState.STOPPED)
    return State(
        settings=settings,
        now=now,
        extent=await papers.get_extent(connection, until_on=latest_date(now)),
        sources=await sources.list_rows(connection),
        posts=await daily.list_rows(connection),
        has_alert=await alerts.exist(connection),
        uncertain=[row for row in stopped if row.is_uncertain],
        unaddressed=await daily.list_unaddressed(connection),
        of_servers=await post_overview.list_all(connection, settings.close_rule, now, find_ready),
        refused_readers=await outbox.count_closed(connection, now - SILENT),
        backup=await key_values.get(connection, key_values.BACKED_UP)
        or ("" if connection.dialect.name == "sqlite" else None),
        trouble=await zotero.find_trouble(connection, now),
        **known,
    )


def find(state: State) -> list[Finding]:
    """Return what is found in a state, in the order of the conditions."""
    return [finding for condition in OF_STORAGE for finding in condition(state)]


def list_told(state: State) -> list[str]:
    """Return the sentences for `/health` and the operator's message."""
    return [finding.told for finding in find(state) if finding.told]


def _schema(state: State) -> Iterator[Finding]:
    number = state.extent.paper_count
    value = f"schema {state.schema}, {number} paper{'s' * (number != 1)}"
    yield Finding("database", value, status=Status.ERROR if state.problem else Status.OK, note=state.problem)


def list_steps(state: State) -> Iterator[Finding]:
    """Yield the findings on sources and daily posts. Alerts do not require a daily post."""
    settings = state.settings
    inbox = str(settings.inbox and settings.inbox.absolute())
    count = sum(row.url != inbox for row in state.sources) or len(settings.sources)
    count += settings.inbox is not None and state.extent.paper_count > 0
    yield step("sources", str(count), is_done=count > 0, note=kinds.NO_SOURCE)
    is_set_up = bool(state.posts) or state.has_alert
    idle = IDLE if state.is_settled and not is_set_up else ""
    yield step("daily posts", str(len(state.posts)), is_done=is_set_up, note=NO_POST, told=idle)


def step(what: str, value: str, *, is_done: bool, note: str, told: str = "") -> Finding:
    return Finding(what, value) if is_done else Finding(what, value, status=Status.TODO, note=note, told=told)


def _clock(state: State) -> Iterator[Finding]:
    if state.is_clock_wrong:
        yield Finding("clock", "wrong", status=Status.WARNING, note=WRONG_CLOCK, told=WRONG_CLOCK)


def _webhooks(state: State) -> Iterator[Finding]:
    """Yield a finding for each webhook's post, with the problems of its deliveries, which `/status` cannot show."""
    stuck = {post.number: post for post in post_overview.only_stuck(state.of_servers)}
    for row in state.posts:
        if not row.is_by_webhook:
            continue
        notes = ["It is paused."] if row.state is not models.ActivityState.ACTIVE else []
        if (post := stuck.get(row.id)) is not None and post.stuck is not post_overview.Stuck.UNCLEAR:
            notes = [f"It is {post.stuck}: {post.reason}"]
        days = ", ".join(f"{of.local_on}" for of in state.uncertain if of.subscription_id == row.id)
        notes += [f"The post of {days}: {post_overview.explain(models.Reason.UNCERTAIN)}"] if days else []
        value = f"webhook {webhook.shorten_address(row.channel_id)}"
        status = Status.WARNING if notes else Status.OK
        if row.channel_id in state.unaddressed:
            status, notes = Status.ERROR, [*notes, webhook.describe_missing([row.channel_id])]
        yield Finding(f"daily post {row.id}", value, status=status, note=" ".join(notes))


def _sources(state: State) -> Iterator[Finding]:
    """Yield what each source delivers, or why it fails."""
    for row in state.sources:
        brought, url = kinds.of_stored(row, state.counted.get(row.url, {})), errors.redact(row.url)
        value, number, told = brought.brings.value, brought.papers_a_day, ""
        since = row.last_success_at or row.added_at
        if row.failures:
            value = row.status.value if row.status else "failed"
            reason = f": {row.reason}" if row.reason else ""
            is_long = state.now - since >= SILENT
            told = f"{url} could not be read since {since:%Y-%m-%d}{reason}" if is_long else ""
        elif number is not None:
            value += f", about {number} paper{'s' * (number != 1)} a day"
        elif row.last_attempt_at is None:
            value = "not read yet"
        status, note = (Status.WARNING, row.reason or "") if row.failures else (Status.OK, "")
        yield Finding(f"source {url}", value, status=status, note=note, told=told)


def _readings(state: State) -> Iterator[Finding]:
    """Yield a finding for each source whose last reading left out more than it kept, or found no votes."""
    for row in state.sources:
        url = errors.redact(row.url)
        missing = [of for of in row.reading.skipped if of.reason not in _EXPECTED] if row.reading else []
        number = sum(of.number for of in missing)
        if row.reading is not None and number > row.reading.kept:
            value = f"{number:,} of {row.reading.found:,} items left out"
            yield Finding(f"reading of {url}", value, status=Status.WARNING, note=sorting.describe(missing))
        if row.reading and any(of.reason is models.SkipReason.NO_VOTES for of in row.reading.warnings):
            note = f"{sorting.describe(row.reading.warnings)}. What is chosen by votes is in the order of the list. {REPORT}"
            yield Finding(f"votes of {url}", "none", status=Status.WARNING, note=note)


def _back_fills(state: State) -> Iterator[Finding]:
    """Yield a finding for each arXiv category that lacks papers of earlier days."""
    for row in state.sources:
        url, back_fill = errors.redact(row.url), arxiv_categories.read_back_fill(row.progress)
        if back_fill is not None and back_fill.gaps:
            told = f"{url} lacks papers from {min(back_fill.gaps)} on, which are read again daily: see `paperround sources list`."
            yield Finding(f"papers of {url}", "some are missing", status=Status.WARNING, note=told, told=told)


def _quiet(state: State) -> Iterator[Finding]:
    """Yield a finding if no source has had a paper for days, and readers wait for them."""
    is_wanted = state.sources and any(row.state is models.ActivityState.ACTIVE for row in state.posts)
    last_on = state.extent.last_on
    if is_wanted and last_on is not None and state.now.date() - last_on >= NO_PAPERS:
        told = f"No source has had a paper since {last_on}: look at `paperround sources list`."
        yield Finding("papers", "none for days", status=Status.WARNING, note=told, told=told)


def _zotero(state: State) -> Iterator[Finding]:
    """Yield a finding for each thing that does not come into Zotero."""
    trouble, sentences = state.trouble, list[str]()
    if trouble.problem is not None:
        reason = explain_zotero(trouble.problem.reason, trouble.problem.code)
        sentences.append(f"The list does not come into Zotero: {reason}")
    refused = trouble.refused[:MAX_REFUSED]
    sentences += (f"{paper_key} of the list is not in Zotero: {reason}" for paper_key, reason in refused)
    for told in sentences:
        value = "not complete, tried again by itself"
        yield Finding("list in Zotero", value, status=Status.WARNING, note=told, told=told)


def explain_zotero(reason: str, code: int) -> str:
    """Return a problem of Zotero as sentences. `code` is that of a `ZoteroProblem`; what to do about it follows."""
    return reason.removesuffix(".") + _ZOTERO_ADVICE.get(code, "")


def _stuck(state: State) -> Iterator[Finding]:
    """Yield a finding for each server with posts that are stuck. Webhooks have findings of their own."""
    stuck = [post for post in post_overview.only_stuck(state.of_servers) if post.server is not None]
    servers = [(server, [*its]) for server, its in groupby(stuck, lambda post: post.server)]
    for server, its in servers[:MAX_SERVERS]:
        notes = [
            f"Channel {post.channel} ({post.kind.value}, {post.stuck}): {post.reason}" for post in its[:3]
        ]
        more = ["`paperround posts` lists all."] if len(its) > len(notes) else []
        value = f"{len(its)} stuck post{'s' if len(its) != 1 else ''}"
        yield Finding(f"server {server}", value, status=Status.WARNING, note=" ".join([*notes, *more]))
    if len(servers) > MAX_SERVERS:
        value = f"{len(servers) - MAX_SERVERS} with stuck posts"
        yield Finding("other servers", value, status=Status.WARNING, note="`paperround posts` lists all.")


def _readers(state: State) -> Iterator[Finding]:
    """Yield a finding if Discord refuses the direct messages of many readers."""
    if state.refused_readers > MANY_READERS:
        told = (
            "Discord refuses direct messages to more than ten readers in a day. A reader may have closed them; of so many look"
            " at the bot's page on https://discord.com/developers/applications whether Discord has restricted it."
        )
        value = f"{state.refused_readers} readers refused in a day"
        yield Finding("direct messages", value, status=Status.WARNING, note=told, told=told)


def _backup(state: State) -> Iterator[Finding]:
    """Yield a finding on the age of the last backup, once there is something to lose."""
    if state.backup is None or not (state.posts or state.backup):
        return
    stamp, _, reason = state.backup.partition(" ")
    if not stamp:
        note = "`paperround backup FILE` makes one while the bot runs, and deploy/paperround-backup.timer one each night."
        yield Finding("backup", "none yet", status=Status.WARNING, note=note)
        return
    at = datetime.fromisoformat(stamp)
    days, is_old = (state.now - at).days, state.now - at >= BACKUP_AGE
    value = "failed" if reason else f"{days} day{'s' * (days != 1)} old"
    status = Status.WARNING if reason or is_old else Status.OK
    told = f"The last backup is of {at:%Y-%m-%d}." if is_old else ""
    told = f"The backup of {at:%Y-%m-%d} failed: {reason}" if reason else told
    yield Finding("backup", f"{value}, of {at:%Y-%m-%d %H:%M} UTC", status=status, note=reason, told=told)


OF_STORAGE: tuple[Callable[[State], Iterable[Finding]], ...] = (
    _clock, _schema, list_steps, _webhooks, _sources, _readings, _back_fills, _quiet, _zotero, _stuck, _readers, _backup
)  # fmt: skip
"""The conditions of what is stored and of the process; `doctor` has those of the machine, Discord and other services."""
