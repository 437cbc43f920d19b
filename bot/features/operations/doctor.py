"""`paperround doctor`: checks the settings, database and token and reports their values and any problems."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydantic

from bot.client import command_sync
from bot.core import isolation, program
from bot.core.clock import MAX_MACHINE_ERROR, system_clock
from bot.core.model_server import ModelError
from bot.core.settings import (
    HIDDEN_HEALTH,
    Settings,
    SourceSetting,
    find_unknown,
    setting_name,
    setting_origins,
)
from bot.features.operations import conditions, post_overview
from bot.features.operations.conditions import Finding, Status
from bot.rendering.templates import Templates
from bot.search import index
from bot.sources import kinds
from bot.sources.base import FetchError
from storage import database, errors, key_values, migrate, sources, sqlite_file, zotero

TokenCheck = Callable[[Settings], Awaitable[command_sync.Application]]
"""Returns the bot token's application or raises PaperroundError."""

LibraryCheck = Callable[[Settings], Awaitable[None]]
"""Raises FetchError unless the key of Zotero may write in its library."""

ModelCheck = Callable[[Settings], Awaitable[None]]
"""Raises ModelError unless each language model of the settings answers."""

MakeFinder = Callable[[database.Database], post_overview.FindReady]

HealthCheck = Callable[[], tuple[bool, dict[str, Any]]]
"""Returns whether the running bot is healthy, and the answer of `/health`. Raises PaperroundError if it does not answer."""

NO_TOKEN = "`paperround setup` asks for one and writes it to .env; `paperround demo` works without one."


async def examine(
    settings: Settings,
    check_token: TokenCheck,
    ask_health: HealthCheck | None = None,
    check_library: LibraryCheck | None = None,
    make_finder: MakeFinder = lambda _: post_overview.find_none,
    check_model: ModelCheck | None = None,
) -> list[Finding]:
    """Run all checks and return the findings, most urgent first. Problems are findings, never exceptions."""
    of_database, needs_token = await _database(settings, make_finder)
    of_discord = await _discord(settings, check_token, is_needed=needs_token)
    of_zotero = [await _zotero(settings, check_library)] if check_library and settings.zotero_library else []
    of_model = [await _model(settings, check_model)] if check_model and settings.writer_url else []
    of_health = [] if ask_health is None else [await asyncio.to_thread(_health, settings, ask_health)]

    def run_checks() -> list[Finding]:
        return [finding for check in OF_MACHINE for finding in check(settings)]

    findings = [
        *of_discord,
        *of_zotero,
        *of_model,
        *of_health,
        *of_database,
        *await asyncio.to_thread(run_checks),
    ]
    return sorted(findings, key=lambda finding: [*Status].index(finding.status))


def _installation(_: Settings) -> Iterator[Finding]:
    """Yield a finding on the version, and on the libraries that `run` needs."""
    status, note = Status.OK, ""
    try:
        program.check_installation()
    except ModuleNotFoundError as error:
        status, note = Status.ERROR, program.describe_missing(error)
    yield Finding("Paperround", program.describe_version(), status=status, note=note)


def _settings(settings: Settings) -> Iterator[Finding]:
    origins = setting_origins()
    for name in Settings.model_fields:
        label, value = setting_name(name), getattr(settings, name)
        ok, note = OF_SETTINGS[label](value, settings) if value and label in OF_SETTINGS else (True, "")
        status = Status.OK if ok else Status.ERROR
        yield Finding(label, _display_value(label, value), origins[label], status, note)
    if settings.hides_health:
        yield Finding("health", "not served", status=Status.WARNING, note=HIDDEN_HEALTH)
    for name, origin, note in find_unknown():
        yield Finding(name, "ignored", origin, Status.WARNING, note)


def _display_value(label: str, value: Any) -> str:
    if isinstance(value, pydantic.SecretStr):
        return "set, not shown" if value.get_secret_value() else "empty"
    if label == "PAPERROUND_DATABASE_URL":
        try:
            return migrate.redact_url(str(value))
        except errors.StorageError:
            return "not shown: there may be a password in it"
    if value is None or value == ():
        return "–"
    return errors.redact(", ".join(map(str, value)) if isinstance(value, tuple) else str(value))


def _check_inbox(inbox: Path, _: Settings) -> tuple[bool, str]:
    if inbox.exists():
        problem = f"{inbox} is not a folder. Create it, or unset PAPERROUND_INBOX."
        return inbox.is_dir(), "" if inbox.is_dir() else problem
    place = next(parent for parent in inbox.absolute().parents if parent.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return False, f"The folder is missing, and this user cannot create it in {place}."
    return True, "The folder is missing; `paperround run` creates it, unless it has read it before."


def _check_templates(folder: Path, _: Settings) -> tuple[bool, str]:
    problems = Templates(folder).find_problems()
    return not problems, "; ".join(map(str, problems))


def _check_sources(rows: Iterable[SourceSetting], settings: Settings) -> tuple[bool, str]:
    problems = []
    for row in rows:
        address = kinds.normalise(row.url)
        try:
            kinds.check(
                row.kind or kinds.guess_kind(address, kinds.service_endpoints(settings)), address, row.options
            )
        except errors.UsageError as error:
            problems.append(str(error))
    return not problems, " ".join(problems)


OF_SETTINGS: dict[str, Callable[[Any, Settings], tuple[bool, str]]] = {
    "PAPERROUND_INBOX": _check_inbox,
    "PAPERROUND_TEMPLATES": _check_templates,
    "PAPERROUND_SOURCES": _check_sources,
}
"""The checks of a setting's value. Each returns whether it passes, and a note."""


async def _database(settings: Settings, make_finder: MakeFinder) -> tuple[list[Finding], bool]:
    """Return the findings on the database, and whether the bot needs a token (False if only webhooks post)."""
    with isolation.collected([]) as failures:
        return await _examine_database(settings, make_finder)
    [error] = failures
    if isinstance(error, errors.StorageError):
        note = str(error)
    else:  # such as a missing table or a value that no version writes
        reason = str(error).partition("\n")[0][:200]
        note = (
            f"Its schema or a row is not as this version expects ({type(error).__name__}: {reason})."
            " Check PAPERROUND_DATABASE_URL. If it is right, the database is probably sound: report this line."
        )
    return [Finding("database", "cannot be used", status=Status.ERROR, note=errors.redact(note))], True


async def _examine_database(settings: Settings, make_finder: MakeFinder) -> tuple[list[Finding], bool]:
    now = system_clock()
    if (path := sqlite_file.find_missing_file(settings.database_url)) is not None:
        sqlite_file.check_access(path)
        note = f"{path} does not exist; `paperround run` creates it. If you already have a database, change to its folder."
        if leftover := sqlite_file.find_remains(path):  # what it had is not known
            lost = sqlite_file.describe_loss(path, leftover)
            return [Finding("database", "missing", status=Status.ERROR, note=lost)], True
        missing = Finding("database", "none yet", status=Status.WARNING, note=note)
        return [missing, *conditions.list_steps(conditions.State(settings=settings, now=now))], True
    opened = await migrate.open_database(settings.database_url)
    try:
        damage = "" if opened.path is None else await asyncio.to_thread(_find_damage, opened.path)
        async with opened.read() as connection:
            state = await conditions.load(connection, settings, now, make_finder(opened))
            counted = await sources.count_papers(connection, now.date() - kinds.YIELD_DAYS)
        with errors.collected([], reraise=(errors.OtherVersionError,)) as failed:
            await opened.write(_write_nothing)
        problem = "; ".join(errors.redact(str(error)) for error in failed)
        if damage:
            problem = f"Its file is damaged ({damage}). Stop the bot, and put a backup in its place by `paperround restore FILE`."
        version = await migrate.find_version(opened)
    finally:
        await opened.close()
    state = replace(state, counted=counted, problem=problem, schema=version)
    needs_token = state.has_alert or not all(row.is_by_webhook for row in state.posts) or not state.posts
    return conditions.find(state), needs_token


def _find_damage(path: Path) -> str:
    with closing(sqlite_file.connect_reader(path)) as connection:
        return sqlite_file.find_damage(connection)


async def _write_nothing(connection: database.Connection) -> None:
    """Write a row and remove it: the commit writes its page to the disk."""
    await key_values.set_value(connection, "doctor", "written")
    await key_values.remove(connection, "doctor")


LOG = "`journalctl -u paperround`, or `docker compose logs`"
RESTART = "The running bot has another version than the one that is installed: restart it."
OTHER_BOT = "The bot that answers there uses another database: it is another bot, or this is not its folder."


def _health(settings: Settings, ask: HealthCheck) -> Finding:
    """Return a finding on the running bot, or a warning if none answers: it may not have been started yet."""
    try:
        is_healthy, answer = ask()
    except errors.PaperroundError as error:
        note = f"{error} It does not run, or not at this address. If it should, its log says why it ended: {LOG}."
        return Finding("running bot", "no answer", status=Status.WARNING, note=note)
    notices = [str(notice) for notice in answer.get("notices", ())]
    with suppress(errors.StorageError):  # of a wrong address, which is another finding
        if answer.get("database") not in (None, database.Database(settings.database_url).fingerprint):
            notices.insert(0, OTHER_BOT)
    is_other = answer.get("version", "") != program.describe_version()
    notices += [RESTART] * is_other  # before what is said of its database, which follows from it
    status = Status.ERROR if is_other or not is_healthy else Status.WARNING if notices else Status.OK
    value = f"{'healthy' if is_healthy else 'unhealthy'}, {answer.get('version', 'an older version')}"
    sentences = (f"{text.removesuffix('.')}." for text in (*map(str, answer.get("problems", ())), *notices))
    return Finding("running bot", value, status=status, note=" ".join(sentences))


PROBE_BYTES = 1_000_000
MIN_FREE_BYTES = 100_000_000
"""A disk with less free space is reported."""


def _places(settings: Settings) -> Iterator[Finding]:
    """Yield findings on the disks and files that the bot writes. Those of a database's address are found elsewhere."""
    try:
        opened = database.Database(settings.database_url)
    except errors.StorageError:
        return
    folder = index.folder_of(opened)
    path = opened.path and opened.path.resolve()
    yield from _disks([*([path.parent] if path else []), folder], path)
    yield from _files(path, folder)


def _disks(folders: Sequence[Path], path: Path | None) -> Iterator[Finding]:
    """Yield a finding for each disk of some folders, which a file is written to and removed from."""
    size = path.stat().st_size if path and os.path.exists(path) else 0
    known = set()
    for folder in folders:
        place = next((one for one in (folder, *folder.parents) if os.path.isdir(one)), folder)
        try:
            if (disk := place.stat().st_dev) in known:
                continue
            known.add(disk)
            free = shutil.disk_usage(place).free
            value, status, note = f"{free / 1e9:,.1f} GB free", Status.OK, ""
            if free < max(size, MIN_FREE_BYTES):
                value, status = f"{free / 1e6:,.1f} MB free", Status.ERROR if free < size else Status.WARNING
                need = "a backup and an upgrade need a copy of the database, and a full disk stops all posts"
                note = f"Free some space: {need if path else 'the search index is written there'}."
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(bytes(PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            value, status = "cannot be written", Status.ERROR
            note = f"Writing 1 MB in {place} failed: {error.strerror}. Nothing is posted that could not be recorded: mend it."
        yield Finding(f"disk of {place}", value, status=status, note=note)


def _files(path: Path | None, folder: Path) -> Iterator[Finding]:
    """Yield a finding on the files that the bot's user may not write: the owner of the database's file.

    Those on a read-only file system are left out, since no owner may write them: `_disks` finds it.
    Root's files come from a command that was run as root. If root owns all of them, the next file of another owner is reported.
    """
    of_database = [path.with_name(f"{path.name}{end}") for end in _FILE_SUFFIXES] if path else []
    of_index = [folder, *folder.rglob("*")] if os.path.isdir(folder) else []
    written = [file for file in (*of_database, *of_index) if os.path.exists(file)]
    owners = [file.stat().st_uid for file in written] or [os.geteuid()]
    owner = next((uid for uid in owners if uid != 0), owners[0])
    shut = [file for file in written if not (_may_write(file, owner) or sqlite_file.is_read_only(file))]
    if shut:
        names = ", ".join(map(str, shut[:5])) + (", …" if len(shut) > 5 else "")
        note = f"The bot's user (uid {owner}) may not write {names}. Change the owner or the permissions."
        yield Finding("files", f"{len(shut)} read-only", status=Status.ERROR, note=note)
    elif owner != os.geteuid():
        note = f"This command runs as uid {os.geteuid()}, and the bot as uid {owner}. Type commands as the bot's user."
        yield Finding("files", f"of uid {owner}", status=Status.WARNING, note=note)


_FILE_SUFFIXES = ("", "-wal", "-shm", ".sender.lock", ".migrate.lock")


def _may_write(file: Path, owner: int) -> bool:
    """Return whether a user may write a file. Of the groups of another user than this one nothing is known."""
    if owner == os.geteuid():
        return os.access(file, os.W_OK)
    found = file.stat()
    return bool(found.st_mode & (0o200 if found.st_uid == owner else 0o022))


async def _discord(settings: Settings, check_token: TokenCheck, *, is_needed: bool) -> list[Finding]:
    """Return a finding on whether Discord accepts the token, and one if the machine's clock is wrong by Discord's answer."""
    if settings.discord_token is None and not is_needed:
        return [Finding("Discord", "no token", note="All posts go through webhooks, which need no token.")]
    if settings.discord_token is None:
        return [conditions.step("Discord", "no token", is_done=False, note=NO_TOKEN)]
    try:
        application = await check_token(settings)
    except errors.PaperroundError as error:
        return [Finding("Discord", "not logged in", status=Status.ERROR, note=str(error))]
    found = [Finding("Discord", f"logged in as {application.name}")]
    seconds = application.seconds_ahead
    if abs(seconds) > MAX_MACHINE_ERROR.total_seconds():
        value = f"{abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} Discord's"
        found.append(Finding("clock", value, status=Status.WARNING, note=conditions.WRONG_CLOCK))
    return found


async def _zotero(settings: Settings, check: LibraryCheck) -> Finding:
    """Return a finding on whether the key of Zotero may write in its library."""
    try:
        await check(settings)
    except FetchError as error:
        if not error.is_lasting:
            note = conditions.explain_zotero(f"{error}", zotero.AWAY)
            return Finding("Zotero", "away", status=Status.WARNING, note=note)
        note = conditions.explain_zotero(f"{error}", error.code or 0)
        return Finding("Zotero", "no access", status=Status.ERROR, note=note)
    return Finding("Zotero", f"may write in {settings.zotero_library}")


async def _model(settings: Settings, check: ModelCheck) -> Finding:
    """Return a finding on whether the language models answer. One that is away may come back by itself."""
    try:
        await check(settings)
    except ModelError as error:
        status = Status.WARNING if error.is_outage else Status.ERROR
        note = f"{error}. Until it answers, digests are extracts. See PAPERROUND_WRITER_URL, _MODEL and _KEY."
        return Finding("language model", "no answer", status=status, note=note)
    return Finding("language model", f"{settings.writer_model} answers")


OF_MACHINE: tuple[Callable[[Settings], Iterable[Finding]], ...] = (_installation, _places, _settings)
"""The checks of the machine and the settings. To add one, write a function that yields findings."""
