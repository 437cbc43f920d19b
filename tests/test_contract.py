"""What operators and their programs rely on (docs/compatibility.md) is still there: names of 0.1.0 and later releases."""

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pydantic

from bot.cli import set_up_file
from bot.core import settings
from tests.support import digest_builders
from tests.support.shell_fixtures import POST, Paperround

ROOT = Path(__file__).parents[1]
INSTALLATIONS = Path(__file__).parent / "upgrades"
COMMANDS = (
    "ingest day.md",
    "parse day.md",
    "search robot",
    "author lovelace",
    "paper 2601.00001",
    "digest 2026-01-05",
    "sources add https://a.example/feed.xml",
    "sources list",
    "sources fetch",
    "config apply set-up.toml --yes",
    "glossary rl",
    "glossary",
    "doctor",
    "backup copy.db",
    "reindex",
    "web build site --base-url https://a.example",
)


def _paths(value: Any, path: str = "") -> set[str]:
    """Return the paths of the fields in JSON, such as `papers[].title`."""
    if isinstance(value, Mapping):
        inner = ((f"{path}.{name}".lstrip("."), item) for name, item in value.items())
        return {name for name, _ in inner} | {
            below for name, item in value.items() for below in _paths(item, f"{path}.{name}".lstrip("."))
        }
    if isinstance(value, list):
        return {below for item in value for below in _paths(item, f"{path}[]")}
    return set()


def read_contract(paperround: Paperround, folder: Path) -> dict[str, Any]:
    """Return the names that the code has now."""
    text = digest_builders.newsletter(date(2026, 1, 5), [("2601.00001", 5)], text="A robot.")
    (folder / "day.md").write_text(text, encoding="utf-8")
    (folder / "set-up.toml").write_text(POST, encoding="utf-8")
    printed = {}
    for command in COMMANDS:
        result = paperround(*command.split(), *([] if command.startswith("parse") else ["--json"]))
        assert result.stdout, (command, result.stderr)
        printed[command.split(" --")[0]] = sorted(_paths(json.loads(result.stdout.splitlines()[0])))
    entries: dict[str, type[pydantic.BaseModel]] = {
        "sources": set_up_file.SourceEntry,
        "posts": set_up_file.PostEntry,
        "alerts": set_up_file.AlertEntry,
    }
    templates = sorted((ROOT / "templates").glob("*.j2"))
    blocks = {
        path.name: sorted(re.findall(r"\{% block (\w+) %\}", path.read_text(encoding="utf-8")))
        for path in templates
        if not path.name.startswith(("web.", "trend."))
    }
    return {
        "settings": sorted(map(settings.setting_name, settings.Settings.model_fields)),
        "set-up file": {
            name: sorted(field.alias or key for key, field in entry.model_fields.items())
            for name, entry in entries.items()
        },
        "blocks of templates": blocks,
        "JSON": printed,
    }


GONE = {f"/settings: {name}" for name in settings.GONE}
"""Settings of former releases that were taken out; the start says what to do instead."""


def _missing(former: Any, current: Any, path: str = "") -> list[str]:
    """Return what a former contract has and the current one lacks."""
    if isinstance(former, dict):
        return [
            name
            for key, value in former.items()
            for name in _missing(value, (current or {}).get(key), f"{path}/{key}")
        ]
    return [f"{path}: {name}" for name in former if name not in (current or ())]


def test_names_of_every_release_are_still_there(paperround: Paperround, tmp_path: Path) -> None:
    """A release's names are written into the folder that `make installation` makes, and reviewed there."""
    current = read_contract(paperround, tmp_path)
    folders = sorted(INSTALLATIONS.iterdir())
    assert folders
    for path in (folder / "contract.json" for folder in folders):
        if not path.exists():
            path.write_text(json.dumps(current, indent=1) + "\n", encoding="utf-8")
            raise AssertionError(f"{path} was missing and is written: review it")
        assert set(_missing(json.loads(path.read_text(encoding="utf-8")), current)) <= GONE, path


def test_every_release_left_a_stored_installation() -> None:
    """The next version is tested on it: `make installation`."""
    released = re.findall(
        r"^## \[([0-9.]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    stored = {folder.name: {path.name for path in folder.iterdir()} for folder in INSTALLATIONS.iterdir()}
    assert set(released) == set(stored)
    assert all(names >= {"paperround.db.xz", "dump.sql.xz", "contract.json"} for names in stored.values())
