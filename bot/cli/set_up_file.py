"""Exports and applies the set-up as a TOML file: sources, daily posts and alerts, without secrets.

Entries refer only to earlier entries, such as posts to sources. What an entry leaves out is kept, so an export names all
settings. An entry changes the stored record of its identity: a source's address, a post's place, topic and source, an
alert's place and terms. What has another identity is another record.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self, TypeAlias

import pydantic
import tomli_w
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer

from bot.core import clock, day_close, files, schedule
from bot.core.clock import Clock
from bot.core.settings import Settings
from bot.features.alerts import service as alerts_service
from bot.features.daily import choice
from bot.features.daily import options as daily_options
from bot.features.daily.service import Subscriptions
from bot.sources import kinds
from storage import archive, daily, errors, key_values, models
from storage.database import Database

HEADER = """\
# The set-up of Paperround, for `paperround config apply FILE`. An entry changes only the settings that it names.
# Secrets are left out: tokens of webhooks, and passwords and tokens in source addresses.
"""


def read_file(file: Path) -> str:
    """Return the text of a file. Raises UsageError if it cannot be read."""
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise errors.UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise errors.UsageError(f"{file} is not UTF-8. Save the file as UTF-8.") from None


def _reader(read: Callable[[str], object]) -> BeforeValidator:
    """Return a validator that reads a text by a function, which may raise UsageError."""

    def validate(value: object) -> object:
        try:
            return read(value) if isinstance(value, str) else value
        except errors.UsageError as error:
            raise ValueError(str(error)) from None

    return BeforeValidator(validate)


Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
DiscordId = Annotated[
    int,
    Field(gt=0, lt=1 << 63),
    BeforeValidator(lambda value: int(value) if isinstance(value, str) and value.isdecimal() else value),
    PlainSerializer(str, when_used="json-unless-none"),
]
OptionalId = Annotated[
    DiscordId | None,
    BeforeValidator(lambda value: None if value == "" else value),
    PlainSerializer(lambda value: str(value or ""), when_used="json"),
]
Address = Annotated[Text, _reader(lambda text: text and kinds.normalise(text))]
Time = Annotated[Text, _reader(lambda text: text and f"{schedule.parse_time(text):%H:%M}")]
Zone = Annotated[Text | None, _reader(lambda text: str(clock.parse_zone(text)))]
Topic = Annotated[Text, _reader(daily_options.validate_topic)]
Days = Annotated[
    tuple[int, ...],
    Field(strict=False),  # a list too
    _reader(schedule.parse_days),
    PlainSerializer(daily_options.format_days, when_used="json"),
]
Weekday = Annotated[
    int,
    Field(ge=1, le=7),
    _reader(lambda text: schedule.parse_days(text)[0]),
    PlainSerializer(lambda day: daily_options.format_days((day,)), when_used="json"),
]


class _Entry(pydantic.BaseModel):
    """An entry in a set-up file, with fields of a stored record. `removed` deletes that record."""

    model_config = ConfigDict(extra="forbid", strict=True)

    removed: bool = False

    @classmethod
    def read(cls, row: object, **values: object) -> Self:
        """Return the entry for a stored record. `values` override its fields."""
        stored = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls.model_construct(**{**stored, **values})

    def given(self, record: type[Any]) -> dict[str, Any]:
        """Return the values that the file gives for fields of the record class."""
        names = {row.name for row in fields(record)}
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name in self.model_fields_set & names
        }

    def write(self) -> dict[str, Any]:
        """Return the entry's values for TOML."""
        values = self.model_dump(mode="json", by_alias=True, exclude={"removed"})
        return {key: value for key, value in values.items() if value not in (None, {})}


class SourceEntry(_Entry):
    """A source. If priorities are equal, the earlier entry wins."""

    source: Annotated[Address, Field(min_length=1)]
    kind: models.SourceKind | None = None
    priority: Annotated[int, Field(ge=-(1 << 31), lt=1 << 31)] = 0
    options: dict[Text, Text] = {}


class PostEntry(_Entry):
    """A daily post in a channel or through a webhook. A URL adds a webhook; an id refers to a stored one."""

    guild_id: Annotated[DiscordId | None, Field(alias="guild")] = None
    channel_id: Annotated[DiscordId | None, Field(alias="channel")] = None
    webhook: Text | None = None
    at_time: Annotated[Time, Field(alias="at")] = ""
    timezone: Zone = None
    top_n: Annotated[int, Field(alias="top", ge=1, le=choice.MAX_TOP_N)] = 5
    min_votes: Annotated[int, Field(ge=0, le=daily_options.MAX_VOTES)] = 0
    days: Days | None = None
    locale: models.Locale | None = None
    style: models.Style = models.Style.COMPACT
    topic: Topic = ""
    source: Annotated[Address, Field(alias="from")] = ""
    mention_role_id: Annotated[OptionalId, Field(alias="mention")] = None
    tag_id: Annotated[OptionalId, Field(alias="tag")] = None
    silent: bool = False
    paused: bool = False

    @pydantic.model_validator(mode="after")
    def _require_place(self) -> PostEntry:
        has_guild = self.guild_id is not None
        if has_guild != (self.channel_id is not None) or has_guild == (self.webhook is not None):
            raise ValueError("a daily post needs either a guild and a channel, or a webhook")
        return self


class AlertEntry(_Entry):
    """An alert for a channel or, if it has no channel, for a reader's direct messages."""

    user_id: Annotated[DiscordId, Field(alias="user")]
    guild_id: Annotated[DiscordId | None, Field(alias="guild")] = None
    channel_id: Annotated[DiscordId | None, Field(alias="channel")] = None
    keywords: list[Text] = []
    authors: list[Text] = []
    institutions: list[Text] = []
    match_all: bool = False
    excluded: tuple[Text, ...] = ()
    min_votes: Annotated[int, Field(ge=0, le=alerts_service.MAX_VOTES)] = 0
    timing: Annotated[models.AlertTiming, Field(alias="when")] = models.AlertTiming.AT_ONCE
    at_time: Annotated[Time, Field(alias="at")] = "09:00"
    timezone: Zone = None
    weekday: Weekday = 1
    max_a_day: Annotated[int, Field(ge=0, le=alerts_service.MAX_A_DAY)] = 0
    paused: bool = False

    @pydantic.model_validator(mode="after")
    def _require_place(self) -> AlertEntry:
        if (self.guild_id is None) != (self.channel_id is None):
            raise ValueError("an alert of a channel needs its guild and its channel")
        return self


_ENTRIES: Mapping[str, type[_Entry]] = {"sources": SourceEntry, "posts": PostEntry, "alerts": AlertEntry}


@dataclass
class _Wanted:
    """An entry in a file, with its place there, the stored record that it names, and its draft."""

    place: str
    entry: Any
    row: Any = None
    draft: Any = None
    """None for an entry to remove that is not stored."""


_Identity: TypeAlias = tuple[Hashable, Hashable, Hashable]
_SetUp: TypeAlias = Mapping[str, Sequence[_Wanted]]
"""The entries of a file, by their tables."""


class Plan(NamedTuple):
    """The changes made by a file, the number of unchanged entries, and names of the stored ones missing from the file.

    `unmatched` has a sentence for each entry that should be removed and is not stored.
    """

    changes: tuple[str, ...]
    unmatched: tuple[str, ...]
    unchanged: int
    others: tuple[str, ...]


class SetUpFile:
    """Exports a database's set-up as a file and applies such a file."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    async def export(self) -> str:
        """Return the set-up as a file, without readers' own alerts. Equal set-ups give identical files."""
        sources, posts, alerts = await self._load(self._database, {})
        texts = [HEADER, *(_write(sources, row) for row in sources.rows)]  # in the order of their ranks
        texts += sorted(_write(posts, row) for row in posts.rows)
        texts += sorted(_write(alerts, row) for row in alerts.rows if row.channel_id is not None)
        return "\n".join(texts)

    async def apply(self, text: str, location: str, *, keep: bool = True) -> Plan:
        """Apply a set-up file in one transaction and return the changes. Stored entries missing from the file are kept.

        Unless `keep`, the changes are undone. Raises UsageError with one line per problem, each beginning with
        `location`. In that case nothing is changed.
        """
        set_up, problems = _parse(text, location)
        plan = Plan((), (), 0, ())
        with suppress(_UndoneError):
            async with self._database.transaction() as connection:
                await archive.lock_ingest(connection)  # before adding a source takes its locks
                tables = await self._load(self._database.within(connection), set_up)
                plan = await _apply(tables, set_up, problems)
                if not keep:
                    raise _UndoneError
        return plan

    async def _load(self, database: Database, set_up: _SetUp) -> tuple[_Sources, _Posts, _Alerts]:
        """Return the tables with the stored records. Those that others refer to come first."""
        registry = kinds.build_source_registry(database, self._clock, self._settings)
        subscriptions = Subscriptions(database, self._clock, day_close.parse(self._settings.day_closes))
        alerts = alerts_service.Alerts(database, self._clock)
        sources = _Sources(registry, await registry.list_rows())
        posts = await subscriptions.list_rows()
        tokens = await database.fetch(key_values.list_by_prefix, key_values.WEBHOOK)
        return (
            sources,
            _Posts(
                subscriptions,
                posts,
                tokens,
                self._settings,
                sources.rows,
                [one.entry for one in set_up.get("posts", ())],
            ),
            _Alerts(alerts, await alerts.list_rows(), self._settings),
        )


class _UndoneError(Exception):
    """Raised to roll back the transaction of changes that are only shown."""


def _parse(text: str, location: str) -> tuple[_SetUp, list[str]]:
    """Parse a file. Returns its valid entries, and a line for each problem of the others. Raises UsageError."""
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also raised for a number with too many digits
        raise errors.UsageError(f"{location} is not valid TOML: {error}.\nNothing was applied.") from None
    problems = [
        f"{location}: {name}: unknown key; known are {', '.join(_ENTRIES)}."
        for name in values
        if name not in _ENTRIES
    ]
    set_up: dict[str, list[_Wanted]] = {}
    for name, of in _ENTRIES.items():
        rows = values.get(name, [])
        found = re.finditer(rf"^[ \t]*\[\[[ \t]*{name}[ \t]*\]\]", text, re.MULTILINE)
        lines = [text.count("\n", 0, head.start()) + 1 for head in found]
        entries = set_up[name] = []
        if not isinstance(rows, list):
            problems.append(f"{location}: {name}: write each entry below [[{name}]].")
            continue
        for number, row in enumerate(rows, 1):
            # An array that is not written with headings has no lines.
            line = f":{lines[number - 1]}" if len(lines) == len(rows) else ""
            place = errors.redact(f"{location}{line}: {name} {number}")
            try:
                # As JSON, whose strict reading takes names of members, and neither floats nor `true` for a number.
                entries.append(_Wanted(place, of.model_validate_json(json.dumps(row, default=str))))
            except pydantic.ValidationError as error:
                problems += [f"{place}: {_describe(problem, of)}." for problem in error.errors()]
    return set_up, problems


def _describe(found: Any, of: type[_Entry]) -> str:
    """Return a problem of an entry, which begins with its key."""
    message = found["msg"].removeprefix("Value error, ").removesuffix(".")
    if found["type"] == "int_type":
        message = f"write a whole number, not {_show(found['input'])}; an ID may be a text of digits"
    if found["type"] == "extra_forbidden":
        known = ", ".join(each.alias or name for name, each in of.model_fields.items())
        message = f"unknown key; known are {known}"
    return ": ".join([*map(str, found["loc"]), message])


# The tables of a file, each with its stored records. `locate` returns the place of an entry, which changes only records in
# it. `read` returns an entry's draft: the stored record with the entry's settings, or without one a new record. `identify`
# returns the place of a record, what is its identity there, and what only one record can have. `find_secret` names the
# secret of a draft that is not stored yet. `store` adds a draft or gives the record `old` its settings. All raise
# PaperroundError.


@dataclass
class _Sources:
    service: kinds.SourceRegistry
    rows: Sequence[models.StoredSource]
    name = "sources"

    def __post_init__(self) -> None:
        self._addresses = _addresses(row.url for row in self.rows)

    def locate(self, entry: SourceEntry) -> Hashable:
        return self._addresses.get(entry.source, entry.source)

    async def read(self, entry: SourceEntry, row: models.StoredSource | None) -> models.StoredSource:
        if row is None:
            address = str(self.locate(entry))
            if errors.HIDDEN in address:
                raise errors.UsageError(
                    f"The address {address} has a secret, which is never written to a file. Write the whole address here once."
                )
            kind = entry.kind or kinds.guess_kind(address, self.service.endpoints)
            row = models.StoredSource(0, address, kind, 0, {}, models.NEVER)
        return replace(row, **entry.given(models.StoredSource))

    def find_secret(self, draft: models.StoredSource) -> str:
        return ""

    def to_entry(self, row: models.StoredSource) -> SourceEntry:
        return SourceEntry.read(row, source=errors.redact(row.url))

    def identify(self, row: models.StoredSource) -> _Identity:
        return row.url, (), ()

    def label(self, row: models.StoredSource) -> str:
        return f"source {errors.redact(row.url)}"

    async def store(self, old: models.StoredSource | None, draft: models.StoredSource) -> models.StoredSource:
        if old is None:
            return await self.service.add(
                draft.url, kind=draft.kind, priority=draft.priority, options=draft.options
            )
        label = draft.options.get("label", "")
        fixed = {**old.options, "label": label}, {**draft.options, "label": label}
        if old.kind is not draft.kind or fixed[0] != fixed[1]:
            raise errors.UsageError(
                f"The kind and options of {self.label(old)} cannot be changed:"
                f" {_compare(self.to_entry(old), self.to_entry(draft))}. Remove it first with `removed = true`."
            )
        await self.service.change(old.url, priority=draft.priority, label=label)
        return draft

    async def remove(self, row: models.StoredSource) -> None:
        await self.service.remove(row.url)


@dataclass
class _Posts:
    service: Subscriptions
    rows: Sequence[models.Subscription]
    tokens: dict[str, str]
    """The stored tokens of webhooks, by their keys in the database."""
    settings: Settings
    sources: Sequence[models.StoredSource]
    of_file: Sequence[PostEntry]
    name = "posts"

    def __post_init__(self) -> None:
        posted = (row.source for row in self.rows if row.source)
        self._addresses = _addresses([*(row.url for row in self.sources), *posted])
        self._given_tokens: dict[str, str] = {}
        # The default zone of a server's post is that of its other posts.
        self._zones: dict[int | None, str] = {row.guild_id: row.timezone for row in self.rows}
        self._zones |= {row.guild_id: row.timezone for row in self.of_file if row.guild_id and row.timezone}

    def locate(self, entry: PostEntry) -> tuple[int, int]:
        if entry.webhook is None:
            return entry.guild_id or models.NO_GUILD, entry.channel_id or 0
        return models.NO_GUILD, self._read_webhook(entry.webhook, is_needed=not entry.removed)

    def _read_webhook(self, text: str, *, is_needed: bool) -> int:
        """Return the id of a post's webhook, and remember the token of a full URL, or of one in a file. Raises UsageError."""
        if (path := text.removeprefix("file:")) != text:
            text = files.read_value(path, "a webhook")
        if text.isdecimal():
            key = f"{key_values.WEBHOOK}{int(text)}"
            if is_needed and key not in self.tokens | self._given_tokens:
                raise errors.UsageError(
                    f"The URL of webhook {text} is a secret, which is never written to a file. Write the whole URL here once."
                )
            return int(text)
        from bot.client import webhook  # imports discord.py

        webhook_id, token = webhook.parse_address(text, self.settings.discord_api_url)
        if self._given_tokens.setdefault(f"{key_values.WEBHOOK}{webhook_id}", token) != token:
            raise errors.UsageError(
                "A webhook posts in one place. Create another webhook for the other thread."
            )
        return webhook_id

    async def read(self, entry: PostEntry, row: models.Subscription | None) -> models.Subscription:
        if row is None:
            guild_id, channel_id = self.locate(entry)
            locale = entry.locale or models.Locale(self.settings.locale)
            zone = self._zones.get(guild_id) or clock.default_zone(locale, self.settings.timezone)
            row = models.Subscription(guild_id=guild_id, channel_id=channel_id, timezone=zone, locale=locale)
        given = {
            name: value
            for name, value in entry.given(models.Subscription).items()
            if name in daily_options.SETTINGS
        }
        if "source" in given:
            given["source"] = self._addresses.get(entry.source, entry.source)
        changed = daily_options.validated(daily_options.change(row, given))
        return await self.service.fit_label(changed)

    def find_secret(self, draft: models.Subscription) -> str:
        key = f"{key_values.WEBHOOK}{draft.channel_id}"
        is_new = key in self._given_tokens and self._given_tokens[key] != self.tokens.get(key)
        return "the webhook's address" if draft.is_by_webhook and is_new else ""

    def to_entry(self, row: models.Subscription) -> PostEntry:
        place = {"guild_id": None, "channel_id": None, "webhook": str(row.channel_id)}
        # Posts blocked by Discord resume automatically.
        is_by_hand = row.reason in (None, models.Reason.BY_HAND)
        paused = row.state is models.ActivityState.PAUSED and is_by_hand
        place = place if row.is_by_webhook else {}
        return PostEntry.read(row, source=errors.redact(row.source), paused=paused, **place)

    def identify(self, row: models.Subscription) -> _Identity:
        return (row.guild_id, row.channel_id), (row.topic, row.source), daily.identify(row)

    def label(self, row: models.Subscription) -> str:
        place = f"{'through webhook' if row.is_by_webhook else 'in channel'} {row.channel_id}"
        topic = f", on {row.topic}" if row.topic else ""
        at = f"at {row.at_time}" if row.at_time else "once the list is complete"
        return f"daily post {place} {at} ({row.timezone}){topic}"

    async def store(self, old: models.Subscription | None, draft: models.Subscription) -> models.Subscription:
        tokens = self.tokens | self._given_tokens if draft.is_by_webhook else {}
        token = tokens.get(f"{key_values.WEBHOOK}{draft.channel_id}")
        if old is None:
            return await self.service.add(draft, webhook_token=token)
        return await self.service.edit(draft, new_webhook_token=token if self.find_secret(draft) else None)

    async def remove(self, row: models.Subscription) -> None:
        await self.service.remove(row.id)


@dataclass
class _Alerts:
    service: alerts_service.Alerts
    rows: Sequence[models.Alert]
    settings: Settings
    name = "alerts"

    def locate(self, entry: AlertEntry) -> Hashable:
        return entry.channel_id, entry.user_id

    async def read(self, entry: AlertEntry, row: models.Alert | None) -> models.Alert:
        row = row or models.Alert(0, entry.user_id, (), models.NEVER, timezone=self.settings.timezone)
        before, terms = self.to_entry(row), list[models.AlertTerm]()
        for kind in models.AlertKind:
            name = f"{kind.value}s"
            texts = getattr(entry if name in entry.model_fields_set else before, name)
            terms += [models.AlertTerm(kind, text) for text in texts]
        draft = replace(row, terms=tuple(terms), **entry.given(models.Alert))
        return alerts_service.validate_alert(await self.service.complete_names(draft))

    def find_secret(self, draft: models.Alert) -> str:
        return ""

    def to_entry(self, row: models.Alert) -> AlertEntry:
        texts: dict[str, list[str]] = defaultdict(list)
        for term in row.terms:
            texts[f"{term.kind.value}s"].append(term.text)
        return AlertEntry.read(row, **texts)

    def identify(self, row: models.Alert) -> _Identity:
        return (row.channel_id, row.user_id), frozenset(row.terms), (row.key, row.min_votes)

    def label(self, row: models.Alert) -> str:
        place = f"of user {row.user_id}" if row.channel_id is None else f"in channel {row.channel_id}"
        return f"alert {place} for {', '.join(term.text for term in row.terms)}"

    async def store(self, old: models.Alert | None, draft: models.Alert) -> models.Alert:
        return await (self.service.add(draft) if old is None else self.service.change(old.id, draft))

    async def remove(self, row: models.Alert) -> None:
        await self.service.remove(row.id)


_Table: TypeAlias = Any
"""One of the three, with records and entries of its own."""


def _addresses(urls: Iterable[str]) -> dict[str, str]:
    """Return full URLs by redacted URL, as entries have it. Leaves out URLs that differ only in a secret."""
    known = {url: kinds.normalise(errors.redact(url)) for url in urls}
    shown = Counter(known.values())
    return {text: url for url, text in known.items() if shown[text] == 1}


@dataclass
class _Applied:
    """What applying a file has found and changed so far."""

    problems: list[str]
    changes: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    unchanged: int = 0
    others: list[str] = field(default_factory=list)

    @contextmanager
    def reported(self, one: _Wanted) -> Iterator[None]:
        """Make an error that is raised a problem of an entry."""
        try:
            yield
        except errors.PaperroundError as error:
            self.problems.append(f"{one.place}: {error}")


async def _apply(tables: Iterable[_Table], set_up: _SetUp, problems: list[str]) -> Plan:
    """Apply all entries and return the changes. Raises UsageError with a line for each problem, also the given ones."""
    applied = _Applied(problems)
    for table in tables:
        stored: dict[Hashable, list[Any]] = defaultdict(list)
        for row in table.rows:
            stored[table.identify(row)[0]].append(row)
        by_place: dict[Hashable, list[_Wanted]] = defaultdict(list)
        for one in set_up[table.name]:
            with applied.reported(one):
                by_place[table.locate(one.entry)].append(one)
        missing = (rows for place, rows in stored.items() if place not in by_place)
        applied.others += [table.label(row) for rows in missing for row in rows]
        for place, wanted in by_place.items():
            await _apply_at(table, wanted, stored[place], applied)
    if problems:
        raise errors.UsageError("\n".join((*problems, "Nothing was applied.")))
    return Plan(tuple(applied.changes), tuple(applied.unmatched), applied.unchanged, tuple(applied.others))


async def _apply_at(table: _Table, wanted: Sequence[_Wanted], rows: Sequence[Any], applied: _Applied) -> None:
    """Apply the entries for one place. As many new ones as stored records that no entry names replace those."""
    left = await _pair(table, wanted, rows)
    for one in wanted:
        with applied.reported(one):
            one.draft = await _draft(table, one, wanted, left)
    if len(left) == sum(one.row is None and one.draft is not None for one in wanted):
        while left:
            row = left.pop(0)
            applied.changes.append(f"remove {table.label(row)}: the file has another entry in its place")
            await table.remove(row)
    applied.others += map(table.label, left)
    for one in wanted:
        with applied.reported(one):
            if one.draft is None and one.entry.removed:
                applied.unmatched.append(f"{one.place}: {_describe_unmatched(table, rows)}")
            elif one.draft is not None and (change := _describe_change(table, one)):
                applied.changes.append(change)
                await _store(table, one)
            else:
                applied.unchanged += 1


async def _store(table: _Table, one: _Wanted) -> None:
    """Add, change or remove the record that an entry describes, and pause or resume it."""
    if one.entry.removed:
        await table.remove(one.row)
        return
    row = await table.store(one.row, one.draft)
    if "paused" in one.entry.model_fields_set and table.to_entry(row).paused != one.entry.paused:
        await (table.service.pause if one.entry.paused else table.service.resume)(row.id)


async def _pair(table: _Table, wanted: Sequence[_Wanted], rows: Sequence[Any]) -> list[Any]:
    """Give each entry for a place the stored record that it names, and return the records that are left.

    Records that have all settings of an entry come first, and entries with more settings: two posts may have one topic.
    """
    left = list(rows)
    for is_whole in (True, False):
        for one in sorted(wanted, key=lambda one: -len(one.entry.model_fields_set)):
            if one.row is None and (is_whole or not one.entry.removed):
                named = await _list_named(table, one.entry, left, is_whole=is_whole)
                if len(named) == 1:
                    one.row = named[0]
                    left.remove(one.row)
    return left


async def _list_named(table: _Table, entry: Any, rows: Sequence[Any], *, is_whole: bool) -> list[Any]:
    """Return the records that keep their identity with an entry's settings; if `is_whole`, with all that is theirs alone."""
    named = []
    parts = 3 if is_whole else 2
    for row in rows:
        with suppress(errors.PaperroundError):
            if table.identify(await table.read(entry, row))[:parts] == table.identify(row)[:parts]:
                named.append(row)
    return named


async def _draft(table: _Table, one: _Wanted, wanted: Sequence[_Wanted], left: Sequence[Any]) -> Any:
    """Return an entry's draft, or None if it removes a record that is not stored.

    Raises UsageError if the entry names several records, or one that the file has already.
    """
    if one.row is None and (named := await _list_named(table, one.entry, left, is_whole=True)):
        labels = "; ".join(map(table.label, named))
        raise errors.UsageError(f"It could be any of these: {labels}. Add settings of the one that you mean.")
    if one.row is None and one.entry.removed:
        return None
    draft = await table.read(one.entry, one.row)
    if any(other.draft and table.identify(other.draft) == table.identify(draft) for other in wanted):
        raise errors.UsageError(f"{table.label(draft)} is in the file already. Remove one of the two.")
    return draft


def _describe_unmatched(table: _Table, rows: Sequence[Any]) -> str:
    there = f" Stored there: {'; '.join(map(table.label, rows))}." if rows else ""
    return f"nothing to remove: no stored entry has these settings.{there}"


def _describe_change(table: _Table, one: _Wanted) -> str:
    """Return what an entry changes, or "" if it changes nothing."""
    draft, label, is_paused = one.draft, table.label(one.draft), getattr(one.entry, "paused", False)
    if one.row is None:
        return f"add {label}{', paused' if is_paused else ''}"
    if one.entry.removed:
        return f"remove {table.label(one.row)}"
    before, after = table.to_entry(one.row), table.to_entry(draft)
    if "paused" in one.entry.model_fields_set:
        after = after.model_copy(update={"paused": is_paused})
    secret = table.find_secret(draft)
    change = ", ".join(filter(None, (_compare(before, after), secret)))
    return f"change {label}: {change}" if change else ""


def _compare(before: _Entry, after: _Entry) -> str:
    """Describe the differences between two entries, such as `top 3 → 4, paused false → true`."""
    old, new = (entry.model_dump(mode="json", by_alias=True) for entry in (before, after))
    return ", ".join(f"{key} {_show(old[key])} → {_show(new[key])}" for key in old if old[key] != new[key])


def _show(value: object) -> str:
    return "–" if value is None else json.dumps(value, ensure_ascii=False)


def _write(table: _Table, row: Any) -> str:
    """Return a record's entry as TOML with `[[table]]` on its own line."""
    values = table.to_entry(row).write()
    tables = {key: values.pop(key) for key in list(values) if isinstance(values[key], dict)}
    text = f"[[{table.name}]]\n{tomli_w.dumps(values)}"
    for key, rows in tables.items():
        text += f"[{table.name}.{key}]\n{tomli_w.dumps(rows)}"
    return text
