"""Exports and applies the set-up as a TOML file: sources, daily posts and alerts, without secrets.

Entries refer only to earlier entries, such as posts to sources.
"""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, NamedTuple, Self, TypeVar, get_args, get_type_hints

import pydantic
import tomli_w
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer

from bot.alerts import service as alerts_service
from bot.core import day_close, schedule
from bot.core.clock import Clock
from bot.core.settings import Settings
from bot.daily import choice
from bot.daily import options as daily_options
from bot.daily.service import Subscriptions
from bot.sources import folder, kinds
from storage import archive, daily, errors, key_values, models
from storage.database import Connection, Database

HEADER = """\
# The set-up of Paperround, for `paperround config apply FILE`. What is off, empty or not given is left out.
# Secrets are left out: tokens of webhooks, and passwords and tokens in source addresses.
"""
Record = models.Subscription | models.Alert


def _to_days(value: object) -> object:
    try:
        return schedule.parse_days(value) if isinstance(value, str) else value
    except errors.UsageError as error:
        raise ValueError(str(error)) from None


def _to_weekday(value: object) -> object:
    return _to_days(value)[0] if isinstance(value, str) else value  # type: ignore[index]


Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
DiscordId = Annotated[int, Field(gt=0, lt=1 << 63), PlainSerializer(str, when_used="json-unless-none")]
Days = Annotated[
    tuple[int, ...], BeforeValidator(_to_days), PlainSerializer(daily_options.format_days, when_used="json")
]
Weekday = Annotated[
    int,
    BeforeValidator(_to_weekday),
    PlainSerializer(lambda day: daily_options.format_days((day,)), when_used="json"),
]


class _Entry(pydantic.BaseModel):
    """An entry in a set-up file, with the fields of a stored record. `removed` deletes that record."""

    model_config = ConfigDict(extra="forbid")

    removed: bool = False

    @classmethod
    def read(cls, row: object, **values: object) -> Self:
        """Return the entry for a stored record. `values` override its fields."""
        stored = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls.model_validate({**stored, **values}, by_alias=False, by_name=True)

    def values_for(self, record: type[Any]) -> dict[str, Any]:
        """Return the values of the fields that the record class also has."""
        names = {row.name for row in fields(record)}
        return {name: getattr(self, name) for name in type(self).model_fields if name in names}

    def write(self) -> dict[str, Any]:
        """Return the entry's values for TOML, leaving out False and empty values."""
        values = self.model_dump(mode="json", by_alias=True)
        return {key: value for key, value in values.items() if value}


class SourceEntry(_Entry):
    """A source. If priorities are equal, the earlier entry wins."""

    source: Annotated[Text, Field(min_length=1)]
    kind: models.SourceKind | None = None
    priority: Annotated[int, Field(ge=-(1 << 31), lt=1 << 31)] = 0
    options: dict[Text, Text] = {}

    @classmethod
    def of(cls, row: models.StoredSource) -> SourceEntry:
        """Return the entry for a stored source."""
        return cls.read(row, source=errors.redact(row.url))


E = TypeVar("E", bound=_Entry)


def _with_settings(entry: type[E]) -> type[E]:
    """Add the settings of a daily post that the entry does not declare, with their types, defaults and limits."""
    hints = get_type_hints(models.Subscription)
    added: dict[str, Any] = {}
    for row in fields(models.Subscription):
        if row.name in daily_options.OPTIONS and row.name not in entry.model_fields:
            option, hint = daily_options.OPTIONS[row.name], hints[row.name]
            low, high = option.limits if option.takes is int and option.limits else (None, None)
            added[row.name] = Text if hint is str else hint, Field(row.default, ge=low, le=high)
    return pydantic.create_model(entry.__name__, __base__=entry, __doc__=entry.__doc__, **added)


_POST_DEFAULTS: dict[str, Any] = {row.name: row.default for row in fields(models.Subscription)}


@_with_settings
class PostEntry(_Entry):
    """A daily post in a channel or through a webhook. A URL adds a webhook; an id refers to a stored one."""

    guild_id: Annotated[DiscordId | None, Field(alias="guild")] = None
    channel_id: Annotated[DiscordId | None, Field(alias="channel")] = None
    webhook: Text | None = None
    at_time: Annotated[Text, Field(alias="at")] = _POST_DEFAULTS["at_time"]
    timezone: Text | None = None
    top_n: Annotated[int, Field(alias="top", ge=1, le=choice.MAX_TOP_N)] = _POST_DEFAULTS["top_n"]
    days: Days | None = None
    locale: models.Locale | None = None
    source: Annotated[Text, Field(alias="from")] = ""
    mention_role_id: Annotated[DiscordId | None, Field(alias="mention")] = None
    paused: bool = False

    @pydantic.model_validator(mode="after")
    def _require_place(self) -> PostEntry:
        has_guild = self.guild_id is not None
        if has_guild != (self.channel_id is not None) or has_guild == (self.webhook is not None):
            raise ValueError("a daily post needs either a guild and a channel, or a webhook")
        return self

    @classmethod
    def of(cls, row: models.Subscription) -> PostEntry:
        """Return the entry for a stored daily post."""
        place = {"guild_id": None, "channel_id": None, "webhook": str(row.channel_id)}
        place = place if row.is_by_webhook else {}
        return cls.read(row, source=errors.redact(row.source), paused=_is_paused(row), **place)

    def to_draft(
        self, settings: Settings, source: str, webhook_id: int | None, of_server: str | None
    ) -> models.Subscription:
        """Return the daily post with its source's URL. Raises UsageError.

        The default zone is `of_server`, the zone of the server's other posts, or else the zone for its language.
        """
        locale = self.locale or models.Locale(settings.locale)
        values = self.values_for(models.Subscription)
        values |= {
            "guild_id": self.guild_id or models.NO_GUILD,
            "channel_id": webhook_id or self.channel_id or 0,
            "timezone": self.timezone or of_server or daily_options.default_zone(locale, settings.timezone),
            "days": self.days or daily_options.default_days(values["style"]),
            "locale": locale,
            "source": source,
        }
        return daily_options.validated(models.Subscription(**values))


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
    at_time: Annotated[Text, Field(alias="at")] = "09:00"
    timezone: Text | None = None
    weekday: Weekday = 1
    max_a_day: Annotated[int, Field(ge=0, le=alerts_service.MAX_A_DAY)] = 0
    paused: bool = False

    @pydantic.model_validator(mode="after")
    def _require_place(self) -> AlertEntry:
        if (self.guild_id is None) != (self.channel_id is None):
            raise ValueError("an alert of a channel needs its guild and its channel")
        return self

    @classmethod
    def of(cls, row: models.Alert) -> AlertEntry:
        """Return the entry for a stored alert."""
        texts: dict[str, list[str]] = defaultdict(list)
        for term in row.terms:
            texts[f"{term.kind.value}s"].append(term.text)
        return cls.read(row, **texts)

    def to_draft(self, settings: Settings) -> models.Alert:
        """Return the alert. Raises UsageError."""
        terms = [
            models.AlertTerm(kind, text)
            for kind in models.AlertKind
            for text in getattr(self, f"{kind.value}s")
        ]
        values = self.values_for(models.Alert) | {"timezone": self.timezone or settings.timezone}
        return alerts_service.validate_alert(
            models.Alert(id=0, terms=tuple(terms), created_at=models.NEVER, **values)
        )


class SetUp(pydantic.BaseModel):
    """The contents of a set-up file."""

    model_config = ConfigDict(extra="forbid")

    sources: list[SourceEntry] = []
    posts: list[PostEntry] = []
    alerts: list[AlertEntry] = []


class Plan(NamedTuple):
    """The changes made by a file, and the numbers of unchanged entries and of stored entries missing from the file."""

    changes: tuple[str, ...]
    unchanged: int
    others: int


class _Stored(NamedTuple):
    """The stored set-up, as listed by the services."""

    sources: list[models.StoredSource]
    posts: list[models.Subscription]
    alerts: list[models.Alert]

    def addresses(self) -> dict[str, str]:
        """Return the full URLs of sources, keyed by redacted URL. Leaves out URLs that differ only in a secret."""
        known = {row.url for row in self.sources} | {row.source for row in self.posts if row.source}
        shown = [errors.redact(address) for address in known]
        return {text: url for text, url in zip(shown, known, strict=True) if shown.count(text) == 1}


class SetUpFile:
    """Exports a database's set-up as a file and applies such a file."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    async def export(self) -> str:
        """Return the set-up as a file, without readers' own alerts. Equal set-ups give identical files."""
        stored = await _read(self._database, self._clock, self._settings)
        alerts = (row for row in stored.alerts if row.channel_id is not None)
        texts = [HEADER, *(_write("sources", SourceEntry.of(row)) for row in stored.sources)]
        texts += sorted(_write("posts", PostEntry.of(row)) for row in stored.posts)
        texts += sorted(_write("alerts", AlertEntry.of(row)) for row in alerts)
        return "\n".join(texts)

    async def plan(self, text: str, location: str) -> Plan:
        """Return the changes that `apply` would make. Raises the same errors as `apply`."""
        return await self._run(text, location, keep=False)

    async def apply(self, text: str, location: str) -> Plan:
        """Apply a set-up file in one transaction and return the changes. Stored entries missing from the file are kept.

        Raises UsageError with one line per problem, each beginning with `location`. In that case nothing is changed.
        """
        return await self._run(text, location, keep=True)

    async def _run(self, text: str, location: str, *, keep: bool) -> Plan:
        set_up, plan = parse(text, location), Plan((), 0, 0)
        with suppress(_UndoneError):
            async with self._database.transaction() as connection:
                await archive.lock_ingest(connection)  # before adding a source takes its locks
                database = self._database.within(connection)
                stored = await _read(database, self._clock, self._settings)
                run = _Run(database, connection, self._clock, self._settings, stored, location)
                plan = await run.apply(set_up)
                if not keep:
                    raise _UndoneError
        return plan


class _UndoneError(Exception):
    """Raised to roll back the transaction of a plan."""


def parse(text: str, location: str) -> SetUp:
    """Parse a file. Raises UsageError, naming the entry and key of every problem."""
    try:
        return SetUp.model_validate(tomllib.loads(text))
    except pydantic.ValidationError as error:
        raise _refused([_describe(found, location) for found in error.errors()]) from None
    except (ValueError, RecursionError) as error:  # also raised for a number with too many digits
        raise errors.UsageError(f"{location} is not valid TOML: {error}.\nNothing was applied.") from None


def _describe(found: Any, location: str) -> str:
    """Return a sentence that describes a pydantic error."""
    place = [part + 1 if isinstance(part, int) else part for part in found["loc"]]
    message = found["msg"].removeprefix("Value error, ").removesuffix(".")
    if found["type"] == "extra_forbidden":
        of = SetUp if len(place) == 1 else get_args(SetUp.model_fields[found["loc"][0]].annotation)[0]
        known = ", ".join(field.alias or name for name, field in of.model_fields.items())
        message = f"unknown key; known are {known}"
    return f"{_name_place(location, *place[:2])}: {': '.join([*map(str, place[2:]), message])}."


def _name_place(location: str, *place: object) -> str:
    """Return how to refer to an entry, such as `set-up.toml, posts 2`."""
    return errors.redact(", ".join(filter(None, (location, " ".join(map(str, place))))))


def _refused(problems: Sequence[str]) -> errors.UsageError:
    return errors.UsageError("\n".join((*problems, "Nothing was applied.")))


class _Wanted(NamedTuple):
    """An entry in a file, its number in its table (from 1), and the record it describes."""

    number: int
    entry: PostEntry | AlertEntry
    draft: Any


class _Table(NamedTuple):
    """A table of the set-up: its service, its stored records, how to compare them, and functions to change them."""

    name: str
    service: Subscriptions | alerts_service.Alerts
    rows: Sequence[Any]
    of: Callable[[Any], PostEntry | AlertEntry]
    place: Callable[[Any], object]
    is_same: Callable[[Any, Any], bool]
    label: Callable[[Any], str]
    add: Callable[[Any], Awaitable[Any]]
    change: Callable[[int, Any], Awaitable[object]]


@dataclass(slots=True)
class _Run:
    """One pass over a file's entries within a transaction."""

    database: Database
    connection: Connection
    clock: Clock
    settings: Settings
    stored: _Stored
    location: str
    problems: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    unchanged: int = 0
    kept: int = 0
    """The number of stored entries that are also in the file."""

    async def apply(self, set_up: SetUp) -> Plan:
        """Apply all entries and return the changes. Raises UsageError with a line for each problem."""
        count = sum(len(rows) for rows in self.stored)
        addresses = self.stored.addresses()
        for number, source in enumerate(set_up.sources, start=1):
            with self._reported("sources", number):
                is_repeated = any(source.source == row.source for row in set_up.sources[: number - 1])
                await self._apply_source(source, addresses, is_repeated=is_repeated)
        await self._apply_posts(set_up.posts, addresses)
        await self._apply_alerts(set_up.alerts)
        if self.problems:
            raise _refused(self.problems)
        return Plan(tuple(self.changes), self.unchanged, count - self.kept)

    @contextmanager
    def _reported(self, table: str, number: int) -> Iterator[None]:
        """Report an error raised in this block as a problem of the entry."""
        try:
            yield
        except errors.PaperroundError as error:
            self.problems.append(f"{_name_place(self.location, table, number)}: {error}")

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
        before = None if old is None else SourceEntry.of(old)
        after = entry
        if before is not None:
            after = entry.model_copy(update={"source": before.source, "kind": entry.kind or before.kind})
        if not self._begin(label, before, after):
            return
        if before is None:
            await registry.add(address, kind=entry.kind, priority=entry.priority, options=entry.options)
        elif entry.removed:
            await registry.remove(address)
        elif before.model_copy(update={"priority": after.priority}) == after:
            await registry.set_priority(address, entry.priority)
        else:
            raise errors.UsageError(
                f"The kind and options of {label} cannot be changed: {_compare(before, after)}."
                " Remove it first with `removed = true`."
            )

    async def _apply_posts(self, entries: Sequence[PostEntry], addresses: Mapping[str, str]) -> None:
        rule = day_close.parse(self.settings.day_closes)
        service = Subscriptions(self.database, self.clock, rule)
        tokens: dict[int, str] = {}
        zones: dict[int | None, str] = {row.guild_id: row.timezone for row in self.stored.posts}
        zones |= {entry.guild_id: entry.timezone for entry in entries if entry.guild_id and entry.timezone}
        table = _Table(
            "posts",
            service,
            self.stored.posts,
            PostEntry.of,
            place=lambda row: (row.guild_id, row.channel_id),
            is_same=daily.are_same,
            label=_label_post,
            add=lambda draft: service.add(draft, webhook_token=tokens.get(draft.channel_id)),
            change=lambda old, draft: service.edit(replace(draft, id=old)),
        )

        async def read(entry: PostEntry) -> models.Subscription:
            webhook_id = await self._read_webhook(entry, tokens)
            source, zone = addresses.get(entry.source, entry.source), zones.get(entry.guild_id)
            return entry.to_draft(self.settings, source, webhook_id, zone)

        await self._apply_table(table, entries, read)

    async def _read_webhook(self, entry: PostEntry, tokens: dict[int, str]) -> int | None:
        """Return the id of a post's webhook, storing the token of a full URL in `tokens`. Raises UsageError."""
        if entry.webhook is None:
            return None
        if not entry.webhook.isdecimal():
            from bot.client import webhook  # imports discord.py

            webhook_id, token = webhook.parse_address(entry.webhook, self.settings.discord_api_url)
            if tokens.setdefault(webhook_id, token) != token:
                raise errors.UsageError(
                    "A webhook posts in one place. Create another webhook for the other thread."
                )
            key = f"{key_values.WEBHOOK}{webhook_id}"
            if await key_values.get(self.connection, key) not in (None, token):
                await key_values.set_value(self.connection, key, token)
            return webhook_id
        webhook_id = int(entry.webhook)
        is_stored = await key_values.get(self.connection, f"{key_values.WEBHOOK}{webhook_id}") is not None
        if not is_stored and webhook_id not in tokens and not entry.removed:
            raise errors.UsageError(
                f"The URL of webhook {webhook_id} is a secret, which is never written to a file. Write the whole URL here once."
            )
        return webhook_id

    async def _apply_alerts(self, entries: Sequence[AlertEntry]) -> None:
        service = alerts_service.Alerts(self.database, self.clock)
        table = _Table(
            "alerts",
            service,
            self.stored.alerts,
            AlertEntry.of,
            place=lambda row: (row.channel_id, row.user_id),
            is_same=lambda row, draft: (row.key, row.min_votes) == (draft.key, draft.min_votes),
            label=_label_alert,
            add=service.add,
            change=service.change,
        )

        async def read(entry: AlertEntry) -> models.Alert:
            return entry.to_draft(self.settings)

        await self._apply_table(table, entries, read)

    async def _apply_table(
        self, table: _Table, entries: Sequence[Any], read: Callable[[Any], Awaitable[Any]]
    ) -> None:
        by_place: dict[object, list[_Wanted]] = defaultdict(list)
        for number, entry in enumerate(entries, start=1):
            with self._reported(table.name, number):
                draft = await read(entry)
                by_place[table.place(draft)].append(_Wanted(number, entry, draft))
        for place, wanted in by_place.items():
            rows = [row for row in table.rows if table.place(row) == place]
            for one, old in _pair(wanted, rows, table.is_same):
                with self._reported(table.name, one.number):
                    await self._apply_entry(table, one, old)

    async def _apply_entry(self, table: _Table, wanted: _Wanted, old: Any) -> None:
        _, entry, draft = wanted
        after = table.of(draft).model_copy(update={"paused": entry.paused, "removed": entry.removed})
        before = None if old is None else table.of(old)
        if not self._begin(table.label(draft), before, after):
            return
        if old is None:
            old = await table.add(draft)
            before = table.of(old)
        elif entry.removed:
            await table.service.remove(old.id)
            return
        elif before != after:
            await table.change(old.id, draft)
        if before is not None and before.paused != entry.paused:
            await (table.service.pause if entry.paused else table.service.resume)(old.id)

    def _begin(self, label: str, before: _Entry | None, after: _Entry) -> bool:
        """Record the changes that an entry makes. Returns whether it makes any."""
        self.kept += before is not None
        if before == after or (before is None and after.removed):
            self.unchanged += 1
            return False
        if before is None:
            self.changes.append(f"add {label}{', paused' if 'paused' in after.write() else ''}")
        elif after.removed:
            self.changes.append(f"remove {label}")
        else:
            self.changes.append(f"change {label}: {_compare(before, after)}")
        return True


def _pair(
    wanted: Sequence[_Wanted], rows: Sequence[Record], is_same: Callable[[Any, Any], bool]
) -> list[tuple[_Wanted, Record | None]]:
    """Pair each entry for a channel with the stored record that it equals or changes, or with None if it is new.

    Equal ones are paired first. If one is left on each side, these two are paired.
    """
    left = list(rows)
    pairs: list[tuple[_Wanted, Record | None]] = []
    for one in wanted:
        found = next((row for row in left if is_same(row, one.draft)), None)
        if found is not None:
            left.remove(found)
        pairs.append((one, found))
    new = [number for number, (one, found) in enumerate(pairs) if found is None and not one.entry.removed]
    if len(left) == len(new) == 1:
        pairs[new[0]] = pairs[new[0]][0], left[0]
    return pairs


def _label_post(draft: models.Subscription) -> str:
    place = f"{'through webhook' if draft.is_by_webhook else 'in channel'} {draft.channel_id}"
    topic = f", on {draft.topic}" if draft.topic else ""
    return f"daily post {place} at {draft.at_time} ({draft.timezone}){topic}"


def _label_alert(draft: models.Alert) -> str:
    place = f"of user {draft.user_id}" if draft.channel_id is None else f"in channel {draft.channel_id}"
    return f"alert {place} for {', '.join(term.text for term in draft.terms)}"


async def _read(database: Database, clock: Clock, settings: Settings) -> _Stored:
    return _Stored(
        await kinds.build_source_registry(database, clock, settings).list_rows(),
        await Subscriptions(database, clock).list_rows(),
        await alerts_service.Alerts(database, clock).list_rows(),
    )


def _compare(before: _Entry, after: _Entry) -> str:
    """Describe the differences between two entries, such as `top 3 → 4, paused false → true`."""
    old, new = (entry.model_dump(mode="json", by_alias=True) for entry in (before, after))
    return ", ".join(f"{key} {_show(old[key])} → {_show(new[key])}" for key in old if old[key] != new[key])


def _show(value: object) -> str:
    return "–" if value is None else json.dumps(value, ensure_ascii=False)


def _write(table: str, entry: _Entry) -> str:
    """Return an entry as TOML with `[[table]]` on its own line."""
    values = entry.write()
    tables = {key: values.pop(key) for key in list(values) if isinstance(values[key], dict)}
    text = f"[[{table}]]\n{tomli_w.dumps(values)}"
    for key, rows in tables.items():
        text += f"[{table}.{key}]\n{tomli_w.dumps(rows)}"
    return text


def _is_paused(row: models.Subscription) -> bool:
    """Return whether a person paused the subscription. Posts blocked by Discord resume automatically."""
    by_hand = row.reason in (None, models.Reason.BY_HAND)
    return row.state is models.ActivityState.PAUSED and by_hand
