"""`paperround healthcheck` against real servers on loopback, `run` and `templates`."""

from __future__ import annotations

import importlib.metadata
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.cli import healthcheck
from tests.support import patience
from tests.support.shell_fixtures import Paperround, serving

HEALTHY = {
    "up": True,
    "role": "sender",
    "gateway_connected": True,
    "tick_seconds": 12.3,
    "claim_seconds": 0.4,
    "discord_seconds": None,
    "problems": [],
}
PROBLEM = "For 120 s, the relay has not looked for parts to send."


def respond(status: int, body: Any) -> Callable[[str], tuple[int, bytes]]:
    """Return the answer of a bot at /health: JSON, or the bytes that are given."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda path: (status if path == "/health" else 404, sent)


@pytest.mark.parametrize(
    ("status", "change", "exit_status", "shown"),
    [
        (200, {}, 0, "healthy: last tick of the planner 12 s ago, last check for parts to send 0 s ago."),
        (200, {"role": "standby"}, 0, "healthy: a standby, ready to take over from the process that sends."),
        (
            *(503, {"problems": [PROBLEM], "outage": True}, 0),
            "healthy: Discord does not answer, and a restart of the bot would not help.",
        ),
        (503, {"problems": [PROBLEM]}, 1, f"paperround: unhealthy: {PROBLEM}"),
    ],
)
def test_the_health_of_a_bot_is_an_exit_status_and_one_line(
    paperround: Paperround,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    change: dict[str, Any],
    exit_status: int,
    shown: str,
) -> None:
    with serving(respond(status, HEALTHY | change)) as port:
        monkeypatch.setenv("PAPERROUND_HTTP", f"0.0.0.0:{port}")
        answer, as_json = paperround("healthcheck"), paperround("healthcheck", "--json")
    assert (answer.exit_status, answer.stdout + answer.stderr) == (exit_status, f"{shown}\n")
    assert (as_json.exit_status, as_json.data) == (exit_status, HEALTHY | change)
    assert as_json.stderr == (f"{shown}\n" if exit_status else "")


def test_an_answer_of_another_program_is_exit_status_one(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    for body in (b"<html>", b"[]", b'{"ok": true}'):
        with serving(respond(200, body)) as port:
            monkeypatch.setenv("PAPERROUND_HTTP", f"127.0.0.1:{port}")
            answer = paperround("healthcheck")
        assert (answer.exit_status, len(answer.stderr.splitlines())) == (1, 1)


def test_no_answer_is_exit_status_one(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
        monkeypatch.setattr(healthcheck, "TIMEOUT_SECONDS", 0.05)
        monkeypatch.setenv("PAPERROUND_HTTP", f"127.0.0.1:{port}")
        assert "timed out" in paperround("healthcheck").stderr  # it accepts and says nothing
    answer = paperround("healthcheck")
    assert (answer.exit_status, len(answer.stderr.splitlines())) == (1, 1)
    assert "refused" in answer.stderr


def test_without_the_setting_it_says_so(paperround: Paperround, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "", "  "):
        if value is not None:
            monkeypatch.setenv("PAPERROUND_HTTP", value)
        answer = paperround("healthcheck")
        assert answer.exit_status == 2
        assert "PAPERROUND_HTTP is not set" in answer.stderr


def test_the_setting_may_be_in_the_toml_file(paperround: Paperround, tmp_path: Any) -> None:
    with serving(respond(200, HEALTHY)) as port:
        (tmp_path / "paperround.toml").write_text(f'http = "127.0.0.1:{port}"')
        assert paperround("healthcheck").exit_status == 0


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("0.0.0.0:9464", "127.0.0.1"),
        ("[::]:9464", "::1"),
        (":9464", "127.0.0.1"),
        ("[::1]:9464", "::1"),
        ("localhost:9464", "localhost"),
        ("192.0.2.7:9464", "192.0.2.7"),
    ],
)
def test_a_server_on_all_addresses_is_asked_on_loopback(address: str, host: str) -> None:
    assert healthcheck.split_address(address) == (host, 9464)


def test_an_invalid_address_is_wrong_usage(paperround: Paperround, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("here", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999"):
        monkeypatch.setenv("PAPERROUND_HTTP", address)
        answer = paperround("healthcheck")
        assert (answer.exit_status, "9464" in answer.stderr) == (2, True)


def test_an_answer_over_ipv6_is_read() -> None:
    try:
        with serving(respond(200, HEALTHY), "::1") as port:
            assert healthcheck.request_health(f"[::]:{port}") == (True, HEALTHY)
    except OSError:
        pytest.skip("no IPv6 here")


def test_the_check_loads_neither_the_other_commands_nor_a_library() -> None:
    program = (
        "import sys; sys.argv = ['paperround', 'healthcheck']; from bot import cli\n"
        "try: cli.main()\n"
        "except SystemExit as end: print(end.code)\n"
        "heavy = {'typer', 'rich', 'pydantic', 'discord', 'sqlalchemy', 'aiohttp', 'asyncio', 'structlog'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    with serving(respond(200, HEALTHY)) as port:
        ran = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=patience.scaled(60),
            check=True,
            env={"PAPERROUND_HTTP": f"127.0.0.1:{port}", "PYTHONPATH": ":".join(filter(None, sys.path))},
        )
    assert ran.stdout.splitlines()[-2:] == ["0", "[]"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_the_disk_has_no_room_for_is_an_error(tmp_path: Path, unbuffered: str) -> None:
    path = tmp_path / "full"
    program = (
        "import resource, sys; sys.argv = ['paperround', 'config', '--help']; from bot import cli\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "cli.main()"
    )
    with path.open("wb") as file:
        ran = subprocess.run(
            [sys.executable, "-B", "-c", program],
            stdout=file,
            stderr=subprocess.PIPE,
            timeout=patience.scaled(60),
            check=False,
            env={"PYTHONUNBUFFERED": unbuffered, "PYTHONPATH": ":".join(filter(None, sys.path))},
        )
    assert ran.returncode
    assert b"File too large" in ran.stderr
    assert path.stat().st_size <= 100


def test_run_without_a_token_explains_how_to_get_one(paperround: Paperround) -> None:
    answer = paperround("run")
    assert answer.exit_status == 2
    assert "discord.com/developers" in answer.stderr
    assert "demo" in answer.stderr


def test_the_version_is_printed(paperround: Paperround) -> None:
    assert paperround("--version").stdout == f"paperround {importlib.metadata.version('paperround')}\n"


def test_without_a_folder_all_templates_are_in_order(paperround: Paperround) -> None:
    answer = paperround("templates", "check")
    assert (answer.exit_status, answer.stderr) == (0, "")
    assert "PAPERROUND_TEMPLATES" in answer.stdout


def test_problems_are_named_by_file_and_line(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "wording"
    monkeypatch.setenv("PAPERROUND_TEMPLATES", str(folder))
    missing = paperround("templates", "check")
    assert missing.exit_status == 2
    assert "not a folder" in missing.stderr
    folder.mkdir()
    (folder / "daily.en.j2").write_text("{% block headline %}Today{% endblock %}")
    assert paperround("templates", "check").exit_status == 0
    (folder / "notice.ko.j2").write_text("\n{% block text %}{{ kind }{% endblock %}")
    broken = paperround("templates", "check")
    assert (broken.exit_status, broken.stdout) == (1, "")
    assert f"paperround: {folder / 'notice.ko.j2'}, line 2: " in broken.stderr
    (problem,) = paperround("templates", "check", "--json").data
    assert (problem["file"], problem["line"]) == (str(folder / "notice.ko.j2"), 2)
