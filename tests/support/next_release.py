"""The next release: this tree with made-up revisions of the schema behind its own, which are not in the tree.

`python -m tests.support.next_release SCRIPTS run …` is the command line of that release.
"""

from __future__ import annotations

import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from storage import migrate, snapshot


class Revision(NamedTuple):
    """A made-up revision; it contracts the schema if it has an `oldest_compatible`."""

    statements: tuple[str, ...]
    oldest_compatible: str | None = None


EXPANDING = Revision(
    (
        "ALTER TABLE alerts ADD COLUMN mood TEXT",
        "ALTER TABLE deliveries ADD COLUMN weight INTEGER NOT NULL DEFAULT 1",
        "CREATE TABLE moods (name TEXT PRIMARY KEY)",
    )
)
CONTRACTING = Revision(("DROP TABLE moods", "ALTER TABLE alerts DROP COLUMN mood"), oldest_compatible="r0002")

_TEXT = """
from alembic import op

revision, down_revision = "r{number:04}", "r{former:04}"
branch_labels = depends_on = None
{attribute}

def upgrade():
    for statement in {statements!r}:
        op.execute(statement)
"""


def make_scripts(folder: Path, *revisions: Revision) -> Path:
    """Copy the migrations into a new folder, with further revisions behind them. Returns the folder."""
    shutil.copytree(migrate.SCRIPTS, folder)
    for number, (statements, oldest) in enumerate(revisions, int(migrate.HEAD[1:]) + 1):
        attribute = f"oldest_compatible = {oldest!r}" if oldest else ""
        text = _TEXT.format(number=number, former=number - 1, attribute=attribute, statements=statements)
        (folder / "versions" / f"{number:04}_made_up.py").write_text(text)
    return folder


def install(scripts: Path, replace: Callable[[Any, str, object], None] = setattr) -> None:
    """Make this process one of the release with these migrations."""
    head = max(f"r{path.name[:4]}" for path in (scripts / "versions").glob("[0-9]*.py"))
    for module, name, value in (
        (migrate, "SCRIPTS", scripts),
        (migrate, "HEAD", head),
        (snapshot, "SCHEMA", head),
    ):
        replace(module, name, value)


if __name__ == "__main__":
    install(Path(sys.argv[1]))
    sys.argv = ["paperround", *sys.argv[2:]]
    runpy.run_module("bot", run_name="__main__")
