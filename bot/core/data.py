"""The data files of the package `bot`: tables, word lists, templates and texts. Each is read here, and once."""

from __future__ import annotations

from functools import cache
from importlib import resources

SUFFIXES = (".ftl", ".j2", ".tsv", ".txt")


@cache
def read_text(name: str) -> str:
    """Return a data file of the package `bot`, named by its path there: `text/seed.tsv`."""
    return resources.files("bot").joinpath(name).read_text(encoding="utf-8")


@cache
def list_files(folder: str) -> tuple[str, ...]:
    """Return the names of the data files in a folder of the package `bot`, sorted. Empty if it is not a folder."""
    found = resources.files("bot").joinpath(folder)
    names = (entry.name for entry in found.iterdir()) if found.is_dir() else ()
    return tuple(sorted(name for name in names if name.endswith(SUFFIXES)))
