"""The set-up as a TOML file: daily posts, alerts of channels, sources and the names of the templates in force, without secrets.

A key of the file is that of `channels list --json`, `alerts list --json` or `sources list --json`. Which settings there are is
read from their tables and records, so that a new one is in the file too. Nothing in a file refers to what comes after it: posts
name sources, and sources name nothing, so that there are no cycles.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, NamedTuple, TypeVar

import pydantic

from bot.alerts import service as alerts_service
from bot.core.clock import Clock
from bot.core.settings import Settings
from bot.daily import options as daily_options
from bot.daily.service import Subscriptions, find_same
from bot.sources import folder, kinds
from storage import archive, errors, key_values, models
from storage.database import Connection, Database

Record = TypeVar("Record")

HEADER = """\
# The set-up of Paperround, for `paperround config apply FILE`. What is off, empty or not given is left out.
# It has no secrets: webhook URLs, and passwords and tokens in source addresses, are left out.
"""
MAX_PROBLEMS, MAX_FOUND = 20, 100
"""Problems that are shown, and after which the rest of a file is not checked: nothing else is written meanwhile."""
MAX_DOTS = 20
"""On a line, outside of texts and comments: what tomllib does for a key `a.a.a…` grows with the square of their number."""
MAX_CHANGES = 500
"""Nothing else is written while they are applied: 5 ms of processor time for a post."""
TEMPLATES, PAUSED, WEBHOOK = "templates", "paused", "webhook"
_MAX_ID = 1 << 63
_MAX_NUMBER = 1 << 31
"""Numbers of the database are smaller: ids, and others."""
_IDS = {"guild": "guild_id", "channel": "channel_id", "user": "user_id"}


class _Table(NamedTuple):
    """A table of the file: the type of its records, and the field of a record for each key. `states` are the keys of states."""

    name: str
    record: type[Any]
    fields: Mapping[str, str]
    required: tuple[str, ...]
    states: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = {}
    """Of fields that have none in the record."""


_OF_THE_SERVICE = {"id", "created_at", "key", "forms", "state", "reason", "paused_until_at", *_IDS.values()}
"""Fields of an alert that nobody sets, and ids, which have other keys."""
_RENAMED = {"timing": "when", "at_time": "at"}

POSTS = _Table(
    "posts",
    models.Subscription,
    {"guild": "guild_id", "channel": "channel_id"}
    | {setting.key: name for name, setting in daily_options.SETTINGS.items()},
    ("guild", "channel"),
    (PAUSED, WEBHOOK),
)
ALERTS = _Table(
    "alerts",
    models.Alert,
    _IDS
    | {
        _RENAMED.get(row.name, row.name): row.name
        for row in fields(models.Alert)
        if row.name not in _OF_THE_SERVICE
    },
    ("guild", "channel", "user", "terms"),
    (PAUSED,),
)
SOURCES = _Table(
    "sources",
    models.StoredSource,
    {"source": "url", "kind": "kind", "language": "language", "priority": "priority", "options": "options"},
    ("source",),
    defaults={"language": None, "priority": 0, "options": {}},
)
TABLES = (SOURCES, POSTS, ALERTS)


class Plan(NamedTuple):
    """What applying a file changes, and how many entries already match the file, or are not in it and stay."""

    changes: tuple[str, ...]
    unchanged: int
    others: int


class SetUp(NamedTuple):
    """What a database has of a set-up; each list is that of its service."""

    posts: list[models.Subscription]
    alerts: list[models.Alert]
    sources: list[models.StoredSource]


class _KeyError(errors.UsageError):
    """What is wrong with the value of one key."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(slots=True)
class _Item:
    """An entry of a table of the file, with the lines of its keys; "" is that of its beginning."""

    values: dict[str, Any]
    lines: Mapping[str, int]

    @property
    def is_paused(self) -> bool:
        return self.values.get(PAUSED) is True


class SetUpFile:
    """Writes the set-up of a database as a file, and changes it to that of a file. `templates` are those in force, by name."""

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, templates: Sequence[str]
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._templates = templates

    async def export(self) -> str:
        """Return the set-up as a file: the same text for the same set-up, independent of ids and order."""
        stored = await _read(self._database, self._clock, self._settings)
        texts = [HEADER] + ([f"{TEMPLATES} = {_write(self._templates)}\n"] if self._templates else [])
        # Of equally trusted sources the oldest comes first, so that their order is a setting.
        texts += [_write_table(SOURCES, _dump(SOURCES, row)) for row in stored.sources]
        posts = (row for row in stored.posts if row.state is not models.ActivityState.CLOSED)
        for table, rows in ((POSTS, posts), (ALERTS, stored.alerts)):
            texts += sorted(_write_table(table, _dump(table, row) | _dump_state(row)) for row in rows)
        return "\n".join(texts)

    async def plan(self, text: str, location: str) -> Plan:
        """Return what `apply` would change, and change nothing. Raises UsageError as `apply` does."""
        return await self._run(text, location, None)

    async def apply(self, text: str, location: str, expected: Plan) -> Plan:
        """Change the set-up to that of a file, in one transaction, and return what changed.

        Entries that are not in the file stay. Raises UsageError, whose lines name `location` and the line of each problem, and
        if what would change is not the `expected` any more; nothing is changed then.
        """
        return await self._run(text, location, expected)

    async def _run(self, text: str, location: str, expected: Plan | None) -> Plan:
        templates, items = parse(text, location)
        plan = None
        try:
            async with self._database.transaction() as connection:
                # What another one adds meanwhile would be a problem for each of its entries.
                await archive.lock_ingest(connection)
                database = self._database.within(connection)
                stored = await _read(database, self._clock, self._settings)
                run = _Run(database, self._clock, self._settings, stored, location)
                plan = await run.apply(connection, items)
                missing = [name for name in templates if name not in self._templates]
                if missing:
                    remedy = "Put them into the folder that PAPERROUND_TEMPLATES names, or remove them from this list."
                    message = f"not in use: {', '.join(missing)}. {remedy}"
                    run.problems.insert(0, models.LocatedProblem("", None, f"{TEMPLATES}: {message}"))
                if run.problems:
                    raise _refused(location, run.problems)
                if plan != expected:
                    raise _UndoneError
        except _UndoneError:
            if expected is not None:
                raise errors.UsageError(
                    "The set-up has changed in the meantime, and nothing was applied."
                    " Run `paperround config apply` again and check its plan."
                ) from None
        assert plan is not None
        return plan


class _UndoneError(Exception):
    """Ends a transaction whose changes are not kept."""


def parse(text: str, location: str) -> tuple[list[str], dict[str, list[_Item]]]:
    """Return the names of templates, and the entries of each table. Raises UsageError with the line for any other text."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > MAX_DOTS and _TEXTS.sub("", line).count(".") > MAX_DOTS:
            raise errors.UsageError(f"{location}, line {number}: a key has more than {MAX_DOTS} dots.")
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise errors.UsageError(f"{location} is not valid TOML: it is nested too deeply.") from None
    except ValueError as error:  # also for a number of more digits than Python converts
        raise errors.UsageError(f"{location} is not valid TOML: {error}.") from None
    lines = _find_lines(text)
    problems: list[models.LocatedProblem] = []
    tables = {table.name for table in TABLES}
    templates = document.get(TEMPLATES, [])
    if not isinstance(templates, list) or not all(isinstance(name, str) for name in templates):
        message = f'{TEMPLATES} must be a list of names, such as ["daily.ko.j2"].'
        problems.append(models.LocatedProblem("", _first_line(lines, TEMPLATES), message))
    for name, rows in document.items():
        is_table = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
        if name not in {*tables, TEMPLATES}:
            message = f"unknown name {name[:40]!r}. A file may have {TEMPLATES}, {', '.join(sorted(tables))}."
            problems.append(models.LocatedProblem("", _first_line(lines, name), message))
        elif name in tables and not is_table:
            message = f"{name} is not a list of tables. Begin each of them with a line [[{name}]]."
            problems.append(models.LocatedProblem("", _first_line(lines, name), message))
    if problems:
        raise _refused(location, problems)
    return templates, {
        name: [
            _Item(row, lines.get((name, number), {})) for number, row in enumerate(document.get(name, []), 1)
        ]
        for name in tables
    }


_TEXTS = re.compile(r""""(?:[^"\\]|\\.?)*(?:"|$)|'[^']*(?:'|$)|#.*""")
_HEADER_LINE = re.compile(r"\s*(\[{1,2})\s*([A-Za-z0-9_-]+)\s*(\.?)\s*([A-Za-z0-9_-]*)")
_KEY_LINE = re.compile(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*[=.]")
_LONG_QUOTES = ('"""', "'''")


def _find_lines(text: str) -> dict[tuple[str, int], dict[str, int]]:
    """Return the lines of keys, from 1, by table and number of its entry; those before all tables by ("", 0).

    `tomllib` keeps no places. Texts in three quotation marks are passed over.
    """
    counts: Counter[str] = Counter()
    place, quote = ("", 0), ""
    lines: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
    for number, line in enumerate(text.split("\n"), 1):
        was_quoted, quote = quote, _open_quote(line, quote)
        if was_quoted:
            continue
        if header := _HEADER_LINE.match(line):
            brackets, name, dot, key = header.groups()
            if not dot:
                counts[name] += len(brackets) - 1
                place, key = (name, counts[name]), ""
            lines[place].setdefault(key, number)
        elif key_line := _KEY_LINE.match(line):
            lines[place].setdefault(key_line[1], number)
    return lines


def _open_quote(line: str, quote: str) -> str:
    """Return the three quotation marks that are open at the end of a line, "" for none; `quote` was at its beginning."""
    for mark in _LONG_QUOTES:
        if mark in line and quote in ("", mark) and line.count(mark) % 2:
            return "" if quote else mark
    return quote


def _first_line(lines: Mapping[tuple[str, int], Mapping[str, int]], name: str) -> int | None:
    for place, keys in lines.items():
        if place[0] == name or (place[0] == "" and name in keys):
            return keys.get("" if place[0] else name)
    return None


def _refused(location: str, problems: Sequence[models.LocatedProblem]) -> errors.UsageError:
    ordered = sorted(problems, key=lambda problem: problem.line or 0)
    sentences = [str(replace(problem, location=location)) for problem in ordered[:MAX_PROBLEMS]]
    if len(ordered) > MAX_PROBLEMS:
        rest = f"{len(ordered) - MAX_PROBLEMS} more" if len(ordered) < MAX_FOUND else "more"
        sentences.append(f"{location}: and {rest}.")
    return errors.UsageError("\n".join((*sentences, "Nothing was applied.")))


@dataclass(slots=True)
class _Run:
    """One pass over the entries of a file, in a transaction."""

    database: Database
    clock: Clock
    settings: Settings
    stored: SetUp
    location: str
    problems: list[models.LocatedProblem] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    """Addresses of sources of the file so far."""
    unchanged: int = 0
    kept: int = 0

    async def apply(self, connection: Connection, items: Mapping[str, Sequence[_Item]]) -> Plan:
        for item in items[SOURCES.name]:
            with self._reported(item):
                await self._apply_source(item)
        await self._apply_posts(connection, items[POSTS.name])
        await self._apply_alerts(items[ALERTS.name])
        others = sum(len(rows) for rows in self.stored) - self.kept
        return Plan(tuple(self.changes), self.unchanged, others)

    @contextmanager
    def _reported(self, item: _Item) -> Iterator[None]:
        """Turn an error of the block into a problem at the item's line. Raises UsageError at a change or problem too many."""
        line = item.lines.get("")
        try:
            yield
        except (errors.DatabaseBusyError, errors.DatabaseUnavailableError):
            raise
        except errors.PaperroundError as error:
            key = error.key if isinstance(error, _KeyError) else ""
            self.problems.append(models.LocatedProblem("", item.lines.get(key, line), str(error)))
            if len(self.problems) >= MAX_FOUND:
                raise _refused(self.location, self.problems) from None
        if len(self.changes) > MAX_CHANGES:
            message = (
                f"more than {MAX_CHANGES:,} entries would change at once. Split the file (what is not in a file stays), or"
                " move a whole database with `paperround db copy`. Nothing was applied."
            )
            raise errors.UsageError(str(models.LocatedProblem(self.location, line, message)))

    async def _apply_source(self, item: _Item) -> None:
        registry = kinds.build_source_registry(self.database, self.clock, self.settings)
        shown = _addresses(self.stored)
        typed = str(_require(SOURCES, item.values)["source"])
        address = _find_address(shown, typed, "source") or folder.make_absolute(typed)
        kind = kinds.guess_kind(address, kinds.service_endpoints(self.settings))
        base = models.StoredSource(0, address, kind, None, 0, {}, models.NEVER)
        wanted: models.StoredSource = replace(_load(SOURCES, base, item.values), url=address)
        old = next((row for row in self.stored.sources if row.url == address), None)
        label = errors.redact(address)
        if address in self.named:
            raise _KeyError("source", f"source {label} is in the file already. Remove one of the two.")
        self.named.add(address)
        if old is None:
            if errors.HIDDEN in address:
                raise _KeyError(
                    "source",
                    f"the address of {address} has a secret, which is never written to a file."
                    " Add it with `paperround sources add`, then apply the file again.",
                )
            added = await registry.add(
                address,
                kind=wanted.kind,
                language=wanted.language,
                priority=wanted.priority,
                options=wanted.options,
            )
            self.stored.sources.append(added)
            self.kept += 1
            self.changes.append(f"add source {label}")
            return
        self.kept += 1
        changed = _differences(SOURCES, old, wanted)
        for key in changed:
            if key != "priority":
                raise _KeyError(
                    key,
                    f"source {label} already exists with another {key} ({changed[key]}), which cannot be changed."
                    " Remove it first with `paperround sources remove`.",
                )
        self._note(f"source {label}", changed)
        if changed:
            await registry.set_priority(address, wanted.priority)

    async def _apply_posts(self, connection: Connection, items: Sequence[_Item]) -> None:
        service = Subscriptions(self.database, self.clock)
        default = models.Subscription(
            guild_id=models.NO_GUILD,
            channel_id=0,
            timezone=self.settings.timezone,
            locale=models.Locale(self.settings.locale),
        )
        shown = _addresses(self.stored)
        drafts: dict[tuple[int, int], list[tuple[_Item, models.Subscription]]] = defaultdict(list)
        for item in items:
            with self._reported(item):
                draft: models.Subscription = _load(POSTS, default, _require(POSTS, item.values))
                source = _find_address(shown, draft.source, "from") or draft.source
                draft = daily_options.validated(replace(draft, source=source))
                if draft.is_by_webhook:
                    await self._require_token(connection, draft)
                drafts[draft.guild_id, draft.channel_id].append((item, draft))
        stored = defaultdict(list)
        for row in self.stored.posts:
            stored[row.guild_id, row.channel_id].append(row)
        for place, wanted in drafts.items():
            for (item, draft), old in _pair(
                wanted, stored[place], lambda row, of: find_same([row], of) is not None
            ):
                with self._reported(item):
                    await self._apply_post(service, draft, old, item.is_paused)

    async def _require_token(self, connection: Connection, draft: models.Subscription) -> None:
        if await key_values.get(connection, f"{key_values.WEBHOOK}{draft.channel_id}") is None:
            raise _KeyError(
                WEBHOOK,
                f"the URL of webhook {draft.channel_id} is a secret, which is never written to a file. Give it with"
                " `paperround channels add --webhook -`, then apply the file again: it sets the rest.",
            )

    async def _apply_post(
        self,
        service: Subscriptions,
        draft: models.Subscription,
        old: models.Subscription | None,
        paused: bool,
    ) -> None:
        place = f"{'through webhook' if draft.is_by_webhook else 'in channel'} {draft.channel_id}"
        label = f"daily post {place} at {draft.at_time} ({draft.timezone})"
        label += f", on {draft.topic}" if draft.topic else ""
        self.kept += 1
        if old is None:
            added = await service.add(draft)
            self.stored.posts.append(added)
            self.changes.append(f"add {label}{', paused' if paused else ''}")
            if paused:
                await service.pause(added.id)
            return
        changed = _differences(POSTS, old, draft)
        is_paused = PAUSED in _dump_state(old)
        self._note(label, changed, (is_paused, paused))
        if changed:
            await service.edit(replace(draft, id=old.id))
        if is_paused != paused:
            await (service.pause if paused else service.resume)(old.id)

    async def _apply_alerts(self, items: Sequence[_Item]) -> None:
        service = alerts_service.Alerts(self.database, self.clock)
        default = replace(alerts_service.EMPTY_DRAFT, timezone=self.settings.timezone)
        drafts: dict[tuple[int | None, int], list[tuple[_Item, models.Alert]]] = defaultdict(list)
        for item in items:
            with self._reported(item):
                draft = alerts_service.validate_alert(_load(ALERTS, default, _require(ALERTS, item.values)))
                drafts[draft.channel_id, draft.user_id].append((item, draft))
        stored = defaultdict(list)
        for row in self.stored.alerts:
            stored[row.channel_id, row.user_id].append(row)
        for place, wanted in drafts.items():
            for (item, draft), old in _pair(
                wanted, stored[place], lambda row, of: (row.key, row.min_votes) == (of.key, of.min_votes)
            ):
                with self._reported(item):
                    await self._apply_alert(service, draft, old, item.is_paused)

    async def _apply_alert(
        self, service: alerts_service.Alerts, draft: models.Alert, old: models.Alert | None, paused: bool
    ) -> None:
        label = f"alert in channel {draft.channel_id} for {', '.join(term.text for term in draft.terms)}"
        self.kept += 1
        if old is None:
            added = await service.add(draft)
            self.stored.alerts.append(added)
            self.changes.append(f"add {label}{', paused' if paused else ''}")
            if paused:
                await service.pause([added.id])
            return
        changed = _differences(ALERTS, old, draft)
        is_paused = PAUSED in _dump_state(old)
        self._note(label, changed, (is_paused, paused))
        if changed:
            await service.change(old.id, draft)
        if is_paused != paused:
            await (service.pause if paused else service.resume)([old.id])

    def _note(
        self, label: str, changed: Mapping[str, str], paused: tuple[bool, bool] = (False, False)
    ) -> None:
        """Count an entry that is stored already, or say what changes; `paused` is whether it was and will be."""
        what = [f"{key} {values}" for key, values in changed.items()]
        if paused[0] != paused[1]:
            what.append(f"{PAUSED} {_write(paused[0])} → {_write(paused[1])}")
        if what:
            self.changes.append(f"change {label}: {', '.join(what)}")
        else:
            self.unchanged += 1


@cache
def _codec(name: str) -> pydantic.TypeAdapter[Any]:
    """Return the codec of a table's records, which takes milliseconds to make."""
    return pydantic.TypeAdapter(next(table.record for table in TABLES if table.name == name))


def _pair(
    wanted: Sequence[tuple[_Item, Record]], rows: Sequence[Record], is_same: Callable[[Record, Record], bool]
) -> list[tuple[tuple[_Item, Record], Record | None]]:
    """Return the entries of a place, each with the stored one that it is or changes; None for a new one.

    One that is the same in what tells entries apart comes first. If one entry is left on each side, it changes the stored one.
    """
    left = list(rows)
    pairs: list[tuple[tuple[_Item, Record], Record | None]] = []
    for entry in wanted:
        found = next((row for row in left if is_same(row, entry[1])), None)
        if found is not None:
            left.remove(found)
        pairs.append((entry, found))
    new = [number for number, (_, old) in enumerate(pairs) if old is None]
    if len(left) == len(new) == 1:
        pairs[new[0]] = pairs[new[0]][0], left[0]
    return pairs


async def _read(database: Database, clock: Clock, settings: Settings) -> SetUp:
    alerts = await alerts_service.Alerts(database, clock).list_rows()
    return SetUp(
        await Subscriptions(database, clock).list_rows(),
        [row for row in alerts if row.channel_id is not None],
        await kinds.build_source_registry(database, clock, settings).list_rows(),
    )


def _addresses(stored: SetUp) -> dict[str, set[str]]:
    """Return the addresses of the sources, also of removed ones that posts name still, by what a file has of them."""
    found: dict[str, set[str]] = defaultdict(set)
    for address in (*(row.source for row in stored.posts), *(row.url for row in stored.sources)):
        if address:
            found[errors.redact(address)].add(address)
    return found


def _find_address(shown: Mapping[str, set[str]], typed: str, key: str) -> str | None:
    """Return the address of a known source by what a file has of it. Raises _KeyError if it stands for several."""
    found = shown.get(typed, set())
    if len(found) > 1:
        raise _KeyError(
            key,
            f"{typed} stands for {len(found)} sources whose addresses differ only in their secret. Write the whole address"
            " here, or remove this entry: what is not in the file stays.",
        )
    return next(iter(found), None)


def _require(table: _Table, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values of an entry that has all it needs; that of a webhook as a channel. Raises _KeyError."""
    if WEBHOOK in table.states and WEBHOOK in values:
        if values.keys() & {*table.required}:
            raise _KeyError(WEBHOOK, "a daily post has either a webhook, or a guild and a channel.")
        return {"channel": values[WEBHOOK]} | {key: values[key] for key in values if key != WEBHOOK}
    missing = [key for key in table.required if key not in values]
    if missing:
        raise _KeyError("", f"[[{table.name}]] lacks {' and '.join(missing)}.")
    return values


def _load(table: _Table, base: Any, values: Mapping[str, Any]) -> Any:
    """Return the record `base` with the values of an entry. Raises _KeyError."""
    codec = _codec(table.name)
    data = codec.dump_python(base, mode="json")
    keys = {name: key for key, name in table.fields.items()}
    for key, value in values.items():
        if key in table.fields:
            data[table.fields[key]] = _load_value(key, table.fields[key], value)
        elif key not in table.states:
            known = ", ".join((*table.fields, *table.states))
            raise _KeyError(key, f"unknown key {key[:40]!r}. [[{table.name}]] may have {known}.")
        elif key == PAUSED and not isinstance(value, bool):
            raise _KeyError(key, f"{key} must be true or false, not {str(value)[:40]!r}.")
    try:
        # Read as JSON, in which numbers, texts and lists are not taken for each other.
        return codec.validate_json(json.dumps(data, default=str), strict=True)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = keys.get(str(first["loc"][0]), "") if first["loc"] else ""
        raise _KeyError(
            key,
            f"{key} is {str(values.get(key))[:40]!r}. {first['msg'].replace('Input should be', 'It must be')}.",
        ) from None


def _load_value(key: str, name: str, value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False, default=str)
    if "\\u0000" in text:
        raise _KeyError(key, f"{key} has a NUL character, which the database cannot hold. Remove it.")
    if name.endswith("_id"):
        number = str(value)
        if (
            isinstance(value, bool)
            or not re.fullmatch("[0-9]{1,19}", number)
            or not 0 < int(number) < _MAX_ID
        ):
            raise _KeyError(key, f'{key} is {number[:40]!r}, not a Discord ID such as "123456789012345678".')
        return int(number)
    if isinstance(value, int) and abs(value) >= _MAX_NUMBER:
        raise _KeyError(key, f"{key} is too large. Use a smaller number.")
    setting = daily_options.SETTINGS.get(name)
    try:
        return setting.load(value) if setting is not None and isinstance(value, str) else value
    except errors.UsageError as error:
        raise _KeyError(key, str(error)) from error


def _differences(table: _Table, old: Any, new: Any) -> dict[str, str]:
    """Return what differs of two records, as `old → new`, by key."""
    before, after = _dump_all(table, old), _dump_all(table, new)
    return {
        key: f"{_write(before[key])} → {_write(after[key])}"
        for key, name in table.fields.items()
        if getattr(old, name) != getattr(new, name)
    }


def _dump(table: _Table, record: Any) -> dict[str, Any]:
    """Return an entry of the file without its state: all values but those that are off or empty, as by default."""
    defaults = {row.name: row.default for row in fields(table.record)} | dict(table.defaults)
    values = {
        key: value
        for key, value in _dump_all(table, record).items()
        if (raw := getattr(record, table.fields[key])) or raw != defaults[table.fields[key]]
    }
    if isinstance(record, models.Subscription) and record.is_by_webhook:
        values = {WEBHOOK: values["channel"]} | values
        del values["guild"], values["channel"]
    return values


def _dump_all(table: _Table, record: Any) -> dict[str, Any]:
    data = _codec(table.name).dump_python(record, mode="json")
    values: dict[str, Any] = {}
    for key, name in table.fields.items():
        value = data[name]
        if isinstance(record, models.Subscription) and name in daily_options.SETTINGS:
            value = daily_options.SETTINGS[name].dump(getattr(record, name))
        elif name == "url":
            value = errors.redact(value)
        elif name.endswith("_id"):
            value = None if value is None else str(value)
        values[key] = value
    return values


def _dump_state(record: models.Subscription | models.Alert) -> dict[str, bool]:
    """Return that an entry is paused. One that comes back by itself is not: a snoozed alert, or what Discord blocks."""
    is_snoozed = isinstance(record, models.Alert) and record.paused_until_at is not None
    is_paused = record.state is models.ActivityState.PAUSED
    is_blocked = is_paused and record.reason not in (None, models.Reason.BY_HAND)
    is_running = record.state is models.ActivityState.ACTIVE or is_snoozed or is_blocked
    return {} if is_running else {PAUSED: True}


# TOML is written here: the file has flat tables of texts, numbers and lists, and a library would choose their form.


def _write_table(table: _Table, values: Mapping[str, Any]) -> str:
    return "".join(
        f"{line}\n"
        for line in (f"[[{table.name}]]", *(f"{key} = {_write(value)}" for key, value in values.items()))
    )


def _write(value: Any) -> str:
    """Return a value as TOML; `–` for None, which a file leaves out."""
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_write(key)} = {_write(item)}' for key, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_write, value))}]"
    # A text of JSON is one of TOML, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
