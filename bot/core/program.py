"""The installed program: its version, and what a running bot keeps of it, so that an upgrade breaks nothing that runs."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import IO

from bot.core import data, isolation
from storage import models, sqlite_file

_PACKAGES = ("bot", "storage")
_UNUSED = ("bot/__main__", "bot/cli/", "bot/demo/")
"""What neither a running bot nor its child processes import later."""
_COMMIT_FILE = "commit.txt"
"""The commit that the package was built from, if the build knew it (`hatch_build.py`)."""
_COMMIT_DIGITS = 12
_GIT_SECONDS = 5.0
_MAGIC, _BY_TIME, _UNCHECKED = importlib.util.MAGIC_NUMBER, bytes(4), bytes([1, 0, 0, 0])
LATE_MODULES = (
    "bibtexparser.model",
    "bibtexparser.splitter",
    "charset_normalizer.md",
    "feedparser",
    "rapidfuzz.distance.OSA",
    "rapidfuzz.fuzz",
    "rapidfuzz.process",
    "rispy",
)
"""Modules of libraries that functions import when they first need them; `tests/app/test_imports.py` finds one that is missing."""


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
    """Return the commit of a git checkout, with `-dirty` if its files were changed; "" if the folder is none or git fails."""
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


@contextmanager
def kept() -> Iterator[Callable[[], bool]]:
    """Keep the program as it is now, for this process and for the child processes that it starts in the block.

    Yields a function that returns whether installed files have been replaced, changed or removed since.
    """
    found = _stat_files()
    find_version()
    modules = import_all(found)
    texts = {
        name: data.read_text(name.removeprefix("bot/")) for name in found if name.endswith(data.SUFFIXES)
    }
    for folder in {os.path.dirname(name).removeprefix("bot/") for name in texts}:
        data.list_files(folder)
    import babel.localedata  # what `describe_missing` needs is in the standard library

    for locale in models.Locale:
        babel.localedata.load(locale.value)
    with _open_archive() as archive:
        if archive is not None:
            try:
                _write_archive(archive, modules, texts)
            except OSError as error:  # no memory, or a limit on the size of files
                import structlog  # a shell command that prints the version needs none

                log = structlog.get_logger(__name__)
                log.warning("child processes run the installed files", reason=str(error))
                archive = None
        with isolation.running_code(None if archive is None else archive.fileno()):
            yield lambda: _stat_files() != found


def import_all(files: Iterable[str] = ()) -> dict[str, str]:
    """Import what a running bot and its child processes need, and return the files of our modules by name.

    `files` are all installed ones, if they are known. Raises ModuleNotFoundError.
    """
    names = files or _stat_files()
    modules = {
        _name_module(name): name for name in names if name.endswith(".py") and not name.startswith(_UNUSED)
    }
    for module in (*modules, *LATE_MODULES):
        importlib.import_module(module)
    return modules


def describe_missing(error: ModuleNotFoundError, extra: str = "") -> str:
    """Return that a library is missing, and the command that installs the program again, or with an extra."""
    pip = f"{shlex.quote(sys.executable)} -m pip install -c constraints.txt"
    wanted, library = (
        shlex.quote(f".[{extra}]" if extra else "."),
        (error.name or str(error)).partition(".")[0],
    )
    return f"{library} is missing. In the folder of the checkout, run: {pip} {wanted}"


def _stat_files() -> dict[str, tuple[int, int]]:
    """Return the time of change (nanoseconds) and the size of each module and data file, by its path: `bot/text/seed.tsv`."""
    found = {}
    for package in _PACKAGES:
        top = Path(__file__).parents[2] / package
        for folder, _, names in os.walk(top, followlinks=True):
            for path in (Path(folder, name) for name in names if name.endswith((".py", *data.SUFFIXES))):
                with suppress(OSError):  # it is being replaced
                    stat = path.stat()
                    found[path.relative_to(top.parent).as_posix()] = stat.st_mtime_ns, stat.st_size
    return found


def _name_module(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _open_archive() -> AbstractContextManager[IO[bytes] | None]:
    """Return a file in memory; None where the system has none, so that child processes run the installed files."""
    if not hasattr(os, "memfd_create"):
        return nullcontext()
    return os.fdopen(os.memfd_create("paperround"), "w+b", buffering=0)  # closing it writes nothing


def _write_archive(archive: IO[bytes], modules: Mapping[str, str], texts: Mapping[str, str]) -> None:
    """Write modules, whose paths are the values, and data files, so that a process can import from the archive."""
    with zipfile.ZipFile(archive, "w") as written:
        for module, name in modules.items():
            spec = sys.modules[module].__spec__
            assert spec is not None
            assert spec.origin is not None
            source = Path(spec.origin)
            bytecode = _read_bytecode(source, Path(spec.cached or ""))
            written.writestr(name if bytecode is None else f"{name}c", bytecode or source.read_bytes())
        for name, text in texts.items():
            written.writestr(name, text)
    archive.flush()


def _read_bytecode(source: Path, cached: Path) -> bytes | None:
    """Return the cached bytecode of a source file; None if it is missing or of another source (PEP 552)."""
    with suppress(OSError):
        found, stat = cached.read_bytes(), source.stat()
        numbers = int(stat.st_mtime), stat.st_size
        of_source = b"".join((number & 0xFFFFFFFF).to_bytes(4, "little") for number in numbers)
        if found[:8] == _MAGIC + _UNCHECKED or found[:16] == _MAGIC + _BY_TIME + of_source:
            return found
    return None
