"""`python -m bench.replay`: how many rooms the commits of the past would touch in the present tree.

Takes the last commits before the modules were put into rooms that changed at least three modules of bot and storage. Each
module is followed through git's renames to its path at the end of that history, and from there to its present file through
`moved_modules.tsv`, which knows what git cannot: a module that was merged into another. A module that was deleted, or has
no row, does not count. A room is a package of bot; storage is one.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
MOVED_MODULES = Path(__file__).with_name("moved_modules.tsv")
LAST_BEFORE_ROOMS = "49a586ee55a6d32e275852b2ec7ba024128e90e5"
COMMITS = 178
MIN_MODULES = 3
MANY = 8


class Commit(NamedTuple):
    """A commit: its subject, its modules as it names them, and those that are left, by their paths before the move."""

    subject: str
    named: frozenset[str]
    followed: frozenset[str]


class Change(NamedTuple):
    """What a commit did to a module, as git's status letter; an old path differs from the new one after a rename."""

    status: str
    old: str
    new: str


def main() -> None:
    """Print the figures as the commits name their modules and in the present tree; with `--list` each commit's rooms."""
    parser = argparse.ArgumentParser(prog="bench.replay", description=__doc__)
    parser.add_argument("--commits", type=int, default=COMMITS, help="how many, the newest first")
    parser.add_argument("--list", action="store_true", help="name the rooms of each commit")
    options = parser.parse_args()
    moved = read_moved_modules()
    present = {new for new in moved.values() if (ROOT / new).is_file()}
    if lost := sorted(set(moved.values()) - present):
        sys.stderr.write(f"{len(lost)} paths in {MOVED_MODULES.name} name no file, such as {lost[0]}\n")
    commits = read_commits()[: options.commits]
    rooms = [_rooms({moved.get(path, "") for path in commit.followed} & present) for commit in commits]
    _show("folders, as named in the commits", [_folders(commit.named) for commit in commits])
    _show("rooms, in the present tree", rooms)
    if options.list:
        for commit, touched in zip(commits, rooms, strict=True):
            print(f"{len(touched):3} {commit.subject[:80]:<80} {' '.join(sorted(touched))}")


def read_moved_modules() -> dict[str, str]:
    """Read the present path of each module, by its path before the move."""
    lines = MOVED_MODULES.read_text(encoding="utf-8").splitlines()
    return {old: new for old, _, new in (line.partition("\t") for line in lines)}


def read_commits() -> list[Commit]:
    """Return the commits before the move that changed enough modules, the newest first."""
    paths = {path: path for path in _list_modules()}
    """Where the modules are before the move, by their paths after the commit that is read."""
    commits = []
    for subject, changes in _read_log():
        named = frozenset(change.new for change in changes)
        if len(named) >= MIN_MODULES:
            commits.append(Commit(subject, named, frozenset(paths[path] for path in named if path in paths)))
        renamed = {
            change.old: paths[change.new]
            for change in changes
            if change.status == "R" and change.new in paths
        }
        for change in changes:
            if change.status != "M":
                paths.pop(change.new, None)
        paths |= renamed
    return commits


def _read_log() -> Iterator[tuple[str, Sequence[Change]]]:
    """Yield each commit's subject and its changes of modules, the newest first."""
    form = ("--no-merges", "-M50%", "--name-status", "--format=@%s")
    for entry in _git("log", *form, LAST_BEFORE_ROOMS, "--", "bot", "storage").split("\n@"):
        subject, *lines = entry.removeprefix("@").splitlines()
        cells = [line.split("\t") for line in lines if line.endswith(".py")]
        yield subject, [Change(status[0], paths[0], paths[-1]) for status, *paths in cells]


def _list_modules() -> list[str]:
    names = _git("ls-tree", "-r", "--name-only", LAST_BEFORE_ROOMS, "bot", "storage").splitlines()
    return [name for name in names if name.endswith(".py")]


def _git(*arguments: str) -> str:
    command = ["git", "-c", "core.quotePath=false", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _folders(modules: Iterable[str]) -> set[str]:
    return {path.rpartition("/")[0] for path in modules}


def _rooms(modules: Iterable[str]) -> set[str]:
    return {"storage" if folder.startswith("storage") else folder for folder in _folders(modules)}


def _show(name: str, touched: Sequence[Collection[str]]) -> None:
    counts = [len(places) for places in touched]
    many = sum(count >= MANY for count in counts)
    print(
        f"{name:<34} median {statistics.median(counts):g}; {many} of {len(counts)} commits in {MANY} or more"
    )


if __name__ == "__main__":
    main()
