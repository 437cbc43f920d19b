"""Examines an installation: settings, database, token. Says what is in force, where it came from and what is wrong."""

from __future__ import annotations

import importlib.util
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

import pydantic

from bot import settings as settings_room
from bot.rendering.wording.templates import Templates
from bot.services.search import document_tokens, maintenance_tasks, rebuild
from bot.settings import Settings
from storage import errors as storage_errors
from storage import migrate, papers
from storage.database import Database

TokenCheck = Callable[[Settings], Awaitable[str]]
"""Asks Discord who we are: gives the bot's name, or raises PaperroundError in words."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `origin` says where a setting's value came from; `note` what is wrong or to be known."""

    what: str
    value: str
    origin: str = ""
    well: bool = True
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return asdict(self)


async def examine(settings: Settings, check_token: TokenCheck) -> list[Finding]:
    """Look at everything. Never raises for what is wrong: that is among the findings."""
    return [
        *_versions(),
        *_settings(settings),
        *await _database(settings),
        await _token(settings, check_token),
    ]


def _versions() -> list[Finding]:
    found = [
        Finding("Python", sys.version.split()[0]),
        Finding("SQLite", sqlite3.sqlite_version),
    ]
    for name in ("bot", "storage"):
        # Both are common names: another package of that name before ours on the path would be found here.
        spec = importlib.util.find_spec(name)
        found.append(Finding(f"package {name}", str(spec.origin if spec else None), "import path"))
    return found


def _settings(settings: Settings) -> list[Finding]:
    origins = settings_room.setting_origins()
    found = []
    for name in Settings.model_fields:
        label = settings_room.setting_name(name)
        value = getattr(settings, name)
        shown = _redacted(value) if isinstance(value, pydantic.SecretStr) else _display_value(label, value)
        well, note = _check_folder(label, value)
        found.append(Finding(label, shown, origins[label], well, note))
    return found


def _redacted(value: pydantic.SecretStr) -> str:
    return "set, not shown" if value.get_secret_value() else "empty"


def _display_value(label: str, value: Any) -> str:
    if label == "PAPERROUND_DATABASE_URL":
        try:
            return migrate.redact_url(str(value))
        except storage_errors.StorageError:
            return "not shown: there may be a password in it"
    if value is None or value == ():
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _check_folder(label: str, value: Any) -> tuple[bool, str]:
    if label not in {"PAPERROUND_INBOX", "PAPERROUND_TEMPLATES"} or value is None:
        return True, ""
    if not value.is_dir():
        return False, f"{value} is no folder. Create it, or take the setting away."
    problems = Templates(value).find_problems() if label == "PAPERROUND_TEMPLATES" else []
    return not problems, "; ".join(map(str, problems))


async def _database(settings: Settings) -> list[Finding]:
    name = "database"
    try:
        opened = await migrate.open_database(settings.database_url)
    except storage_errors.StorageError as error:
        return [Finding(name, "cannot be used", well=False, note=str(error))]
    try:
        async with opened.read() as connection:
            extent = await papers.get_extent(connection)
        return [Finding(name, f"schema {migrate.HEAD}, {extent.paper_count} papers"), await _index(opened)]
    except storage_errors.StorageError as error:
        return [Finding(name, "cannot be read", well=False, note=str(error))]
    finally:
        await opened.close()


async def _index(opened: Database) -> Finding:
    """Say how the search index is; one that is made anew meanwhile answers as before, so that alone is no trouble."""
    found = await rebuild.get_index_status(opened)
    version = found.version or ("unknown" if found.papers else document_tokens.VERSION)
    value = f"version {version}, {found.papers} papers"
    if found.progress is not None:
        value += f"; a new one has {found.progress.papers}"
    remedy = "`paperround run` sees to it by itself; `paperround reindex` does so at once."
    reason = maintenance_tasks.describe(found)
    well = not found.is_outdated and not found.missing
    return Finding(
        "search index", value, well=well, note=f"The index is {reason}. {remedy}" if reason else ""
    )


async def _token(settings: Settings, check_token: TokenCheck) -> Finding:
    from bot import errors

    if settings.discord_token is None:
        return Finding(
            "Discord", "no token", note="`paperround run` needs one; `paperround demo` needs none."
        )
    try:
        return Finding("Discord", f"logged in as {await check_token(settings)}")
    except errors.PaperroundError as error:
        return Finding("Discord", "token not accepted or not reachable", well=False, note=str(error))
