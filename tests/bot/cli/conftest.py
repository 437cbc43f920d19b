"""The command line as a person or a script calls it, in a folder of its own with a database of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot import cli


@dataclass(frozen=True)
class CommandResult:
    """What a command printed, and its exit status."""

    exit_status: int
    stdout: str
    stderr: str

    @property
    def data(self) -> Any:
        """Its JSON."""
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[Any]:
        """Its JSON Lines."""
        return [json.loads(line) for line in self.stdout.splitlines()]


Paperround = Callable[..., CommandResult]


@pytest.fixture
def paperround(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    sqlite_template: Path,
) -> Paperround:
    """Run a command in an empty folder, with an empty, migrated database there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paperround.db").write_bytes(sqlite_template.read_bytes())

    def run(*arguments: str) -> CommandResult:
        monkeypatch.setattr("sys.argv", ["paperround", *arguments])
        status: object = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code or 0
        printed = capsys.readouterr()
        assert isinstance(status, int)
        assert "Traceback" not in printed.err
        return CommandResult(status, printed.out, printed.err)

    return run
