"""The command line in an empty folder with its own database."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot import cli
from bot.sources import arxiv
from tests.conftest import restored_logs
from tests.support import digest_builders, origin_server


@dataclass(frozen=True)
class CommandResult:
    exit_status: int
    stdout: str
    stderr: str

    @property
    def data(self) -> Any:
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.stdout.splitlines()]


Paperround = Callable[..., CommandResult]

PAPERS = (("2601.00001", 5), ("2601.00002", 81), ("2601.00003", None))
"""The arXiv ids and votes in `filled`."""
POST = '[[posts]]\nguild = "10"\nchannel = "20"\nat = "09:00"\ntimezone = "Asia/Seoul"\ntop = 3\n'
"""A set-up file with a daily post."""


@pytest.fixture
def paperround(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, sqlite_template: Path
) -> Paperround:
    """Run a command in an empty folder that contains an empty, migrated database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(arxiv, "SECONDS_PER_REQUEST", 0.0)
    (tmp_path / "paperround.db").write_bytes(sqlite_template.read_bytes())

    def run(*arguments: str, stdin: str = "") -> CommandResult:
        monkeypatch.setattr("sys.argv", ["paperround", *arguments])
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        status: object = 0
        with restored_logs() as handlers:
            # A command is a process of its own: a handler whose stream an earlier test has closed is not its own.
            handlers[:] = [
                one for one in handlers if not getattr(getattr(one, "stream", None), "closed", False)
            ]
            try:
                cli.main()
            except SystemExit as end:
                status = end.code or 0
        captured = capsys.readouterr()
        assert isinstance(status, int)
        assert "Traceback" not in captured.err
        return CommandResult(status, captured.out, captured.err)

    return run


def run_python(program: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def apply_set_up(paperround: Paperround, text: str = POST) -> CommandResult:
    """Apply a set-up file in the current folder."""
    Path("set-up.toml").write_text(text, encoding="utf-8")
    return paperround("config", "apply", "set-up.toml", "--yes")


@contextmanager
def serving(respond: Callable[[str], tuple[int, bytes]]) -> Iterator[int]:
    """Serve requests by path in a thread, since commands block the event loop. Yields the port."""

    async def handle(request: web.Request) -> web.StreamResponse:
        status, body = respond(request.path_qs)
        return web.Response(status=status, body=body)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    with origin_server.serving_in_thread(web.AppRunner(app, access_log=None, shutdown_timeout=0.1)) as port:
        yield port


@pytest.fixture
def digest_folder(tmp_path: Path) -> Path:
    """A folder with a digest, a text file that is not a digest, and a binary file."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.md").write_text(digest_builders.newsletter(date(2026, 1, 5), PAPERS), encoding="utf-8")
    (folder / "b.txt").write_text("Nothing of interest.\n", encoding="utf-8")
    (folder / "c.md").write_bytes(b"\x00\x01\x02" * 100)
    return folder


@pytest.fixture
def filled(paperround: Paperround, digest_folder: Path) -> Paperround:
    """Run a command on an archive of three papers."""
    paperround("ingest", str(digest_folder / "a.md"))
    return paperround
