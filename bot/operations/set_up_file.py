"""The set-up as a TOML file: sources, daily posts, alerts and the names of the templates in use, without secrets.

Nothing in a file refers to what comes after it: posts name sources, and sources name nothing.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import pydantic
import tomli_w
from pydantic import BeforeValidator, ConfigDict, Field

from bot.alerts import service as alerts_service
from bot.core.clock import Clock
from bot.core.settings import Settings
from bot.daily import options as daily_options
from bot.daily import schedule
from bot.daily.service import Subscriptions, find_same
from bot.sources import folder, kinds
from storage import archive, errors, key_values, models
from storage.database import Connection, Database

Place = tuple[int | None, int]

HEADER = """\
# The set-up of Paperround, for `paperround config apply FILE`. What is off, empty or not given is left out.
# Secrets are left out: tokens of webhooks, and passwords and tokens in source addresses.
"""
MAX_PROBLEMS = 20
"""Problems that are shown."""


def _to_id(value: object) -> object:
    if not re.fullmatch("[0-9]{1,19}", str(value)) or not 0 < int(str(value)) < 1 << 63:
        raise ValueError('not a Discord ID such as "123456789012345678"')
    return str(value)


Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
DiscordId = Annotated[str, BeforeValidator(_to_id)]


class _Entry(pydantic.BaseModel):
    """An entry of a file. One with `removed` is deleted from the set-up."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    removed: bool = False

    def write(self) -> dict[str, Any]:
        """Return the entry as TOML has it, without what is off or empty."""
        values = self.model_dump(mode="json", by_alias=True)
        return {key: value for key, value in values.items() if value}


EntryT = TypeVar("EntryT", bound=_Entry)
Record = TypeVar("Record")


class SourceEntry(_Entry):
    """A source; of equally trusted ones the first comes first."""

    source: Annotated[Text, Field(min_length=1)]
    kind: models.SourceKind | None = None
    language: models.Locale | None = None
    priority: Annotated[int, Field(ge=-(1 << 31), lt=1 << 31)] = 0
    options: dict[Text, Text] = {}

    @classmethod
    def of(cls, row: models.StoredSource) -> SourceEntry:
        """Return the entry of a stored source."""
        return cls(
            source=errors.redact(row.url),
            kind=row.kind,
            language=row.language,
            priority=row.priority,
            options=row.options,
        )


class PostEntry(_Entry):
    """A daily post: of a channel, or through a webhook, whose whole URL adds it and whose id names it."""

    guild: DiscordId | None = None
    channel: DiscordId | None = None
    webhook: Text | None = None
    at: Text = ""
    timezone: Text | None = None
    top: int = 5
    min_votes: int = 0
    days: Text = "mon-sun"
    locale: models.Locale | None = None
    style: models.Style = models.Style.COMPACT
    topic: Text = ""
    source: Annotated[Text, Field(alias="from")] = ""
    mention: DiscordId | None = None
    silent: bool = False
    paused: bool = False

    @pydantic.model_validator(mode="after")
    def _require_place(self) -> PostEntry:
        if (self.guild is None) != (self.channel is None) or (self.guild is None) == (self.webhook is None):
            raise ValueError("a daily post needs either a guild and a channel, or a webhook")
        return self

    @classmethod
    def of(cls, row: models.Subscription) -> PostEntry:
        """Return the entry of a stored daily post."""
        return cls(
            guild=None if row.is_by_webhook else str(row.guild_id),
            channel=None if row.is_by_webhook else str(row.channel_id),
            webhook=str(row.channel_id) if row.is_by_webhook else None,
            at=row.at_time,
            timezone=row.timezone,
            top=row.top_n,
            min_votes=row.min_votes,
            days=daily_options.format_days(row.days),
            locale=row.locale,
            style=row.style,
            topic=row.topic,
            source=errors.redact(row.source),
            mention=None if row.mention_role_id is None else str(row.mention_role_id),
            silent=row.silent,
            paused=_is_paused(row),
        )

    def to_draft(self, settings: Settings, source: str, webhook_id: int | None) -> models.Subscription:
        """Return the daily post, with the address of its source. Raises UsageError."""
        return daily_options.validated(
            models.Subscription(
                guild_id=int(self.guild or models.NO_GUILD),
                channel_id=webhook_id or int(self.channel or 0),
                at_time=self.at,
                timezone=self.timezone or settings.timezone,
                days=schedule.parse_days(self.days),
                top_n=self.top,
                min_votes=self.min_votes,
                locale=self.locale or models.Locale(settings.locale),
                style=self.style,
                topic=self.topic,
                source=source,
                mention_role_id=None if self.mention is None else int(self.mention),
                silent=self.silent,
            )
        )


class AlertEntry(_Entry):
    """An alert of a channel, or of a reader without one, who gets it as a direct message."""

    user: DiscordId
    guild: DiscordId | None = None
    channel: DiscordId | None = None
    keywords: list[Text] = []
    authors: list[Text] = []
    institutions: list[Text] = []
    papers: list[Text] = []
    match_all: bool = False
    excluded: list[Text] = []
    min_votes: int = 0
    when: models.AlertTiming = models.AlertTiming.AT_ONCE
    at: Text = "09:00"
    timezone: Text | None = None
    weekday: Text = "mon"
    max_papers: int = 10
    max_a_day: int = 0
    silent: bool = False
    paused: bool = False

    @pydantic.model_validator(mode="after")
    def _require_place(self) -> AlertEntry:
        if (self.guild is None) != (self.channel is None):
            raise ValueError("an alert of a channel needs its guild and its channel")
        return self

    @classmethod
    def of(cls, row: models.Alert) -> AlertEntry:
        """Return the entry of a stored alert."""
        texts = defaultdict(list)
        for term in row.terms:
            texts[term.kind].append(term.text)
        return cls(
            user=str(row.user_id),
            guild=None if row.guild_id is None else str(row.guild_id),
            channel=None if row.channel_id is None else str(row.channel_id),
            keywords=texts[models.AlertKind.KEYWORD],
            authors=texts[models.AlertKind.AUTHOR],
            institutions=texts[models.AlertKind.INSTITUTION],
            papers=texts[models.AlertKind.PAPER],
            match_all=row.match_all,
            excluded=list(row.excluded),
            min_votes=row.min_votes,
            when=row.timing,
            at=row.at_time,
            timezone=row.timezone,
            weekday=schedule.DAY_NAMES[row.weekday - 1],
            max_papers=row.max_papers,
            max_a_day=row.max_a_day,
            silent=row.silent,
            paused=_is_paused(row),
        )

    def to_draft(self, settings: Settings) -> models.Alert:
        """Return the alert. Raises UsageError."""
        kinds_and_texts = (
            (models.AlertKind.KEYWORD, self.keywords),
            (models.AlertKind.AUTHOR, self.authors),
            (models.AlertKind.INSTITUTION, self.institutions),
            (models.AlertKind.PAPER, self.papers),
        )
        return alerts_service.validate_alert(
            models.Alert(
                0,
                int(self.user),
                tuple(models.AlertTerm(kind, text) for kind, texts in kinds_and_texts for text in texts),
                models.NEVER,
                match_all=self.match_all,
                excluded=tuple(self.excluded),
                min_votes=self.min_votes,
                timing=self.when,
                at_time=self.at,
                timezone=self.timezone or settings.timezone,
                weekday=schedule.parse_days(self.weekday)[0],
                max_papers=self.max_papers,
                max_a_day=self.max_a_day,
                silent=self.silent,
                channel_id=None if self.channel is None else int(self.channel),
                guild_id=None if self.guild is None else int(self.guild),
            )
        )


class SetUp(pydantic.BaseModel):
    """A whole file."""

    model_config = ConfigDict(extra="forbid")

    templates: list[Text] = []
    sources: list[SourceEntry] = []
    posts: list[PostEntry] = []
    alerts: list[AlertEntry] = []


class Plan(NamedTuple):
    """What applying a file changes, and how many entries already match the file, or are not in it and stay."""

    changes: tuple[str, ...]
    unchanged: int
    others: int


class _Stored(NamedTuple):
    """What a database has of a set-up; each list is that of its service."""

    sources: list[models.StoredSource]
    posts: list[models.Subscription]
    alerts: list[models.Alert]

    def addresses(self) -> dict[str, str]:
        """Return the addresses of sources by what a file has of them, without those that differ only in their secret."""
        known = {row.url for row in self.sources} | {row.source for row in self.posts if row.source}
        shown = [errors.redact(address) for address in known]
        return {text: url for text, url in zip(shown, known, strict=True) if shown.count(text) == 1}


class SetUpFile:
    """Writes the set-up of a database as a file, and changes it to that of a file. `templates` are those in use, by name."""

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, templates: Sequence[str]
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._templates = templates

    async def export(self) -> str:
        """Return the set-up as a file, without readers' own alerts: the same text for the same set-up."""
        stored = await _read(self._database, self._clock, self._settings)
        posts = (row for row in stored.posts if row.state is not models.ActivityState.CLOSED)
        alerts = (row for row in stored.alerts if row.channel_id is not None)
        texts = [HEADER]
        if self._templates:
            texts.append(tomli_w.dumps({"templates": list(self._templates)}))
        texts += [_write("sources", SourceEntry.of(row)) for row in stored.sources]
        texts += sorted(_write("posts", PostEntry.of(row)) for row in posts)
        texts += sorted(_write("alerts", AlertEntry.of(row)) for row in alerts)
        return "\n".join(texts)

    async def plan(self, text: str, location: str) -> Plan:
        """Return what `apply` would change, and change nothing. Raises UsageError as `apply` does."""
        return await self._run(text, location, keep=False)

    async def apply(self, text: str, location: str) -> Plan:
        """Change the set-up to that of a file, in one transaction, and return what changed. Entries that are not in it stay.

        Raises UsageError, whose lines name `location` and the line of each problem; nothing is changed then.
        """
        return await self._run(text, location, keep=True)

    async def _run(self, text: str, location: str, *, keep: bool) -> Plan:
        set_up, lines = parse(text, location)
        problems: list[models.LocatedProblem] = []
        if missing := [name for name in set_up.templates if name not in self._templates]:
            message = f"templates: not in use: {', '.join(missing)}. Put them into the folder that PAPERROUND_TEMPLATES names."
            problems.append(models.LocatedProblem(location, lines.get(("templates",)), message))
        plan = None
        try:
            async with self._database.transaction() as connection:
                await archive.lock_ingest(connection)  # before what adding a source locks
                database = self._database.within(connection)
                stored = await _read(database, self._clock, self._settings)
                run = _Run(
                    database, connection, self._clock, self._settings, stored, location, lines, problems
                )
                plan = await run.apply(set_up)
                if problems:
                    raise _refused(problems)
                if not keep:
                    raise _UndoneError
        except _UndoneError:
            pass
        assert plan is not None
        return plan


class _UndoneError(Exception):
    """Ends a transaction whose changes are not kept."""


Lines = Mapping[tuple[str | int, ...], int]
"""Lines of a file by table, number of the entry and key, or by the first of these."""


def parse(text: str, location: str) -> tuple[SetUp, Lines]:
    """Return a file's entries and their lines. Raises UsageError, which names the line of each problem."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also for a number of more digits than Python converts
        raise errors.UsageError(f"{location} is not valid TOML: {error}.\nNothing was applied.") from None
    lines = _find_lines(text)
    try:
        return SetUp.model_validate(document), lines
    except pydantic.ValidationError as error:
        raise _refused([_to_problem(found, location, lines) for found in error.errors()]) from None


def _to_problem(found: Any, location: str, lines: Lines) -> models.LocatedProblem:
    """Return what pydantic found, as a problem at its line."""
    place = tuple(found["loc"])
    key = next((part for part in reversed(place) if isinstance(part, str)), "")
    message = found["msg"].removeprefix("Value error, ")
    if found["type"] == "extra_forbidden":
        message = "unknown key"
    nearest = (place[:length] for length in range(len(place), 0, -1))
    return models.LocatedProblem(
        location, next((lines[part] for part in nearest if part in lines), None), f"{key}: {message}."
    )


def _find_lines(text: str) -> Lines:
    """Return the lines of keys and of the beginnings of entries, which tomllib does not keep."""
    lines: dict[tuple[str | int, ...], int] = {}
    counts: dict[str, int] = {}
    place: tuple[str | int, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if header := re.match(r"\s*\[\[\s*(\w+)\s*\]\]", line):
            counts[header[1]] = counts.get(header[1], -1) + 1
            place = (header[1], counts[header[1]])
            lines.setdefault((header[1],), number)
            lines.setdefault(place, number)
        elif key := re.match(r"\s*\[?[\w.]*?(\w+)\s*[=\]]", line):
            lines.setdefault((*place, key[1]), number)
    return lines


def _refused(problems: Sequence[models.LocatedProblem]) -> errors.UsageError:
    ordered = sorted(problems, key=lambda problem: problem.line or 0)
    sentences = [str(problem) for problem in ordered[:MAX_PROBLEMS]]
    if len(ordered) > MAX_PROBLEMS:
        sentences.append(f"And {len(ordered) - MAX_PROBLEMS} more.")
    return errors.UsageError("\n".join((*sentences, "Nothing was applied.")))


class _Wanted(NamedTuple, Generic[EntryT, Record]):
    """An entry of a file with its number in its table, and the record that it stands for."""

    number: int
    entry: EntryT
    draft: Record


@dataclass(slots=True)
class _Run:
    """One pass over the entries of a file, in a transaction."""

    database: Database
    connection: Connection
    clock: Clock
    settings: Settings
    stored: _Stored
    location: str
    lines: Lines
    problems: list[models.LocatedProblem]
    changes: list[str] = field(default_factory=list)
    unchanged: int = 0
    kept: int = 0
    """Stored entries that the file has too."""

    async def apply(self, set_up: SetUp) -> Plan:
        count = sum(len(rows) for rows in self.stored)
        addresses = self.stored.addresses()
        for number, source in enumerate(set_up.sources):
            with self._reported("sources", number):
                is_repeated = any(source.source == row.source for row in set_up.sources[:number])
                await self._apply_source(source, addresses, is_repeated=is_repeated)
        await self._apply_posts(set_up.posts, addresses)
        await self._apply_alerts(set_up.alerts)
        return Plan(tuple(self.changes), self.unchanged, count - self.kept)

    @contextmanager
    def _reported(self, table: str, number: int) -> Iterator[None]:
        """Turn an error of the block into a problem at the entry's line."""
        try:
            yield
        except (errors.DatabaseBusyError, errors.DatabaseUnavailableError):
            raise
        except errors.PaperroundError as error:
            line = self.lines.get((table, number))
            self.problems.append(models.LocatedProblem(self.location, line, str(error)))

    async def _apply_source(
        self, entry: SourceEntry, addresses: Mapping[str, str], *, is_repeated: bool
    ) -> None:
        registry = kinds.build_source_registry(self.database, self.clock, self.settings)
        address = addresses.get(entry.source) or folder.make_absolute(entry.source)
        old = next((row for row in self.stored.sources if row.url == address), None)
        label = f"source {errors.redact(address)}"
        if is_repeated:
            raise errors.UsageError(f"{label} is in the file already. Remove one of the two.")
        if old is None and errors.HIDDEN in address and not entry.removed:
            raise errors.UsageError(
                f"The address {address} has a secret, which is never written to a file. Write the whole address here once."
            )
        if old is None and not entry.removed:
            await registry.add(
                address,
                kind=entry.kind,
                language=entry.language,
                priority=entry.priority,
                options=entry.options,
            )
            self.changes.append(f"add {label}")
            return
        if old is None:
            self.unchanged += 1
            return
        self.kept += 1
        if entry.removed:
            await registry.remove(address)
            self.changes.append(f"remove {label}")
            return
        shown = SourceEntry.of(old)
        wanted = entry.model_copy(update={"source": shown.source, "kind": entry.kind or old.kind})
        if shown.model_copy(update={"priority": wanted.priority}) != wanted:
            raise errors.UsageError(
                f"The kind, language and options of {label} cannot be changed: {_compare(shown, wanted)}."
                " Remove it first with `removed = true`."
            )
        self._note(label, shown, wanted)
        if entry.priority != old.priority:
            await registry.set_priority(address, entry.priority)

    async def _apply_posts(self, entries: Sequence[PostEntry], addresses: Mapping[str, str]) -> None:
        service = Subscriptions(self.database, self.clock)
        drafts: dict[Place, list[_Wanted[PostEntry, models.Subscription]]] = defaultdict(list)
        tokens: dict[int, str] = {}
        for number, entry in enumerate(entries):
            with self._reported("posts", number):
                webhook_id = await self._read_webhook(entry, tokens)
                source = addresses.get(entry.source, entry.source)
                draft = entry.to_draft(self.settings, source, webhook_id)
                drafts[draft.guild_id, draft.channel_id].append(_Wanted(number, entry, draft))
        for place, wanted in drafts.items():
            rows = [row for row in self.stored.posts if (row.guild_id, row.channel_id) == place]
            for one, old in _pair(wanted, rows, lambda row, draft: find_same([row], draft) is not None):
                with self._reported("posts", one.number):
                    await self._apply_post(service, one, old, tokens.get(one.draft.channel_id))

    async def _read_webhook(self, entry: PostEntry, tokens: dict[int, str]) -> int | None:
        """Return the id of a post's webhook, and keep the token of one given by its URL. Raises UsageError."""
        if entry.webhook is None:
            return None
        if not entry.webhook.isdecimal():
            from bot.client import webhook  # imports discord.py

            webhook_id, tokens[webhook_id] = webhook.parse_address(
                entry.webhook, self.settings.discord_api_url
            )
            return webhook_id
        webhook_id = int(entry.webhook)
        is_stored = await key_values.get(self.connection, f"{key_values.WEBHOOK}{webhook_id}") is not None
        if not is_stored and webhook_id not in tokens and not entry.removed:
            raise errors.UsageError(
                f"The URL of webhook {webhook_id} is a secret, which is never written to a file. Write the whole URL here once."
            )
        return webhook_id

    async def _apply_post(
        self,
        service: Subscriptions,
        wanted: _Wanted[PostEntry, models.Subscription],
        old: models.Subscription | None,
        webhook_token: str | None,
    ) -> None:
        _, entry, draft = wanted
        place = f"{'through webhook' if draft.is_by_webhook else 'in channel'} {draft.channel_id}"
        label = f"daily post {place} at {draft.at_time} ({draft.timezone})"
        label += f", on {draft.topic}" if draft.topic else ""
        shown = PostEntry.of(draft).model_copy(update={"paused": entry.paused})
        before = None if old is None else PostEntry.of(old)
        if not self._begin(label, entry, before, shown):
            return
        if old is None:
            old = await service.add(draft, webhook_token=webhook_token)
            before = PostEntry.of(old)
        elif entry.removed:
            await service.remove(old.id)
            return
        elif before != shown:
            await service.edit(replace(draft, id=old.id))
        if before is not None and before.paused != entry.paused:
            await (service.pause if entry.paused else service.resume)(old.id)

    async def _apply_alerts(self, entries: Sequence[AlertEntry]) -> None:
        service = alerts_service.Alerts(self.database, self.clock)
        drafts: dict[Place, list[_Wanted[AlertEntry, models.Alert]]] = defaultdict(list)
        for number, entry in enumerate(entries):
            with self._reported("alerts", number):
                draft = entry.to_draft(self.settings)
                drafts[draft.channel_id, draft.user_id].append(_Wanted(number, entry, draft))
        for place, wanted in drafts.items():
            rows = [row for row in self.stored.alerts if (row.channel_id, row.user_id) == place]
            for one, old in _pair(
                wanted, rows, lambda row, of: (row.key, row.min_votes) == (of.key, of.min_votes)
            ):
                with self._reported("alerts", one.number):
                    await self._apply_alert(service, one, old)

    async def _apply_alert(
        self,
        service: alerts_service.Alerts,
        wanted: _Wanted[AlertEntry, models.Alert],
        old: models.Alert | None,
    ) -> None:
        _, entry, draft = wanted
        place = f"of user {draft.user_id}" if draft.channel_id is None else f"in channel {draft.channel_id}"
        label = f"alert {place} for {', '.join(term.text for term in draft.terms)}"
        shown = AlertEntry.of(draft).model_copy(update={"paused": entry.paused})
        before = None if old is None else AlertEntry.of(old)
        if not self._begin(label, entry, before, shown):
            return
        if old is None:
            old = await service.add(draft)
            before = AlertEntry.of(old)
        elif entry.removed:
            await service.remove([old.id])
            return
        elif before != shown:
            await service.change(old.id, draft)
        if before is not None and before.paused != entry.paused:
            await (service.pause if entry.paused else service.resume)([old.id])

    def _begin(self, label: str, entry: _Entry, before: _Entry | None, after: _Entry) -> bool:
        """Note what becomes of an entry, and return whether anything does."""
        if before is None and entry.removed:
            self.unchanged += 1
            return False
        if before is None:
            self.changes.append(f"add {label}{', paused' if 'paused' in after.write() else ''}")
            return True
        self.kept += 1
        if entry.removed:
            self.changes.append(f"remove {label}")
            return True
        return self._note(label, before, after)

    def _note(self, label: str, before: _Entry, after: _Entry) -> bool:
        """Say what changes of a stored entry, or count it as unchanged. Returns whether it changes."""
        changed = _compare(before, after)
        if changed:
            self.changes.append(f"change {label}: {changed}")
        else:
            self.unchanged += 1
        return bool(changed)


def _pair(
    wanted: Sequence[_Wanted[EntryT, Record]],
    rows: Sequence[Record],
    is_same: Callable[[Record, Record], bool],
) -> list[tuple[_Wanted[EntryT, Record], Record | None]]:
    """Return the entries of a place, each with the stored one that it is or changes; None for a new one.

    One that is the same in what tells entries apart comes first. If one entry is left on each side, it changes the stored one.
    """
    left = list(rows)
    pairs: list[tuple[_Wanted[EntryT, Record], Record | None]] = []
    for one in wanted:
        found = next((row for row in left if is_same(row, one.draft)), None)
        if found is not None:
            left.remove(found)
        pairs.append((one, found))
    new = [number for number, (one, found) in enumerate(pairs) if found is None and not one.entry.removed]
    if len(left) == len(new) == 1:
        pairs[new[0]] = pairs[new[0]][0], left[0]
    return pairs


async def _read(database: Database, clock: Clock, settings: Settings) -> _Stored:
    return _Stored(
        await kinds.build_source_registry(database, clock, settings).list_rows(),
        await Subscriptions(database, clock).list_rows(),
        await alerts_service.Alerts(database, clock).list_rows(),
    )


def _compare(before: _Entry, after: _Entry) -> str:
    """Return what differs of two entries: `top 3 → 4, paused false → true`."""
    old, new = (entry.model_dump(mode="json", by_alias=True) for entry in (before, after))
    return ", ".join(f"{key} {_show(old[key])} → {_show(new[key])}" for key in old if old[key] != new[key])


def _show(value: object) -> str:
    return "–" if value is None else json.dumps(value, ensure_ascii=False)


def _write(table: str, entry: _Entry) -> str:
    """Return an entry as TOML, with `[[table]]` on a line of its own."""
    values = entry.write()
    tables = {key: values.pop(key) for key in list(values) if isinstance(values[key], dict)}
    text = f"[[{table}]]\n{tomli_w.dumps(values)}"
    for key, rows in tables.items():
        text += f"[{table}.{key}]\n{tomli_w.dumps(rows)}"
    return text


def _is_paused(row: models.Subscription | models.Alert) -> bool:
    """Return whether somebody paused it; a snoozed alert and what Discord blocks come back by themselves."""
    is_snoozed = isinstance(row, models.Alert) and row.paused_until_at is not None
    by_hand = row.reason in (None, models.Reason.BY_HAND)
    return row.state is models.ActivityState.PAUSED and by_hand and not is_snoozed
