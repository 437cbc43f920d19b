"""The installed program: its version, whether it is whole, and whether it was replaced."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from bot.core import data
from storage import sqlite_file

_PACKAGES = ("bot", "storage")
_NOT_RUN = ("bot/__main__", "bot/cli/", "bot/demo/")
_COMMIT_FILE = "commit.txt"
"""The commit that the package was built from, if the build knew it (`hatch_build.py`)."""
_COMMIT_DIGITS = 12
_GIT_SECONDS = 5.0


@cache
def find_number() -> str:
    """Return the version's number: `0.2.0`."""
    return importlib.metadata.version("paperround")


@cache
def find_version() -> str:
    """Return the version with its commit, if it is known: `0.2.0 (1a2b3c4d5e6f)`."""
    number = find_number()
    commit = find_commit(Path(__file__).parents[2])
    if not commit and _COMMIT_FILE in data.list_files(""):
        commit = data.read_text(_COMMIT_FILE).strip()
    return f"{number} ({commit})" if commit else number


def describe_version() -> str:
    """Return the version and the schema: `0.2.0 (1a2b3c4d5e6f), schema 18`."""
    return f"{find_version()}, schema {sqlite_file.SCHEMA_VERSION}"


def find_commit(folder: Path) -> str:
    """Return the commit of a git checkout, with `-dirty` if its files were changed; "" without one or if git fails."""
    if not (folder / ".git").exists():
        return ""
    command = (
        "git",
        "-C",
        folder,
        "describe",
        "--always",
        "--dirty",
        "--exclude=*",
        f"--abbrev={_COMMIT_DIGITS}",
    )
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


def watch_files() -> Callable[[], bool]:
    """Return a function that returns whether installed files have been replaced, changed or removed since this call."""
    found = _stat_files()
    find_version()  # cached now, for the files that this process runs
    return lambda: _stat_files() != found


def check_installation() -> None:
    """Import what a running bot needs, and look for the libraries. Raises ModuleNotFoundError."""
    for name in _stat_files():
        if name.endswith(".py") and not name.startswith(_NOT_RUN):
            importlib.import_module(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    for requirement in importlib.metadata.requires("paperround") or ():
        if "extra ==" not in requirement:
            importlib.metadata.version(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])


def describe_missing(error: ModuleNotFoundError, extra: str = "") -> str:
    """Return a message that names the missing library and the command that reinstalls the program, or adds an extra."""
    pip = f"{shlex.quote(sys.executable)} -m pip install -c constraints.txt"
    wanted, library = (
        shlex.quote(f".[{extra}]" if extra else "."),
        (error.name or str(error)).partition(".")[0],
    )
    if library in sys.stdlib_module_names:  # fcntl, resource
        return f"This Python has no {library}: Paperround runs on Linux, macOS and, on Windows, in WSL."
    return f"{library} is missing. In the folder of the checkout, run: {pip} {wanted}"


def _stat_files() -> dict[str, tuple[int, int]]:
    """Return the time of change (nanoseconds) and the size of each module and data file, by its path: `bot/text/seed.tsv`."""
    found = {}
    for package in _PACKAGES:
        top = Path(__file__).parents[2] / package
        for folder, _, names in os.walk(top, followlinks=True):
            for path in (Path(folder, name) for name in names if name.endswith((".py", *data.SUFFIXES))):
                with suppress(OSError):  # being replaced
                    stat = path.stat()
                    found[path.relative_to(top.parent).as_posix()] = stat.st_mtime_ns, stat.st_size
    return found
