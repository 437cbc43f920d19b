"""`paperround healthcheck` against servers on loopback, `run`, `readers forget` and `config`."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bot.cli import healthcheck, shell
from bot.core.clock import system_clock
from bot.features.alerts.service import EMPTY_DRAFT, Alerts
from bot.features.operations import conditions, doctor
from storage import migrations, models, outbox
from tests.conftest import VERSION
from tests.support import fork_server, outbox_builders, patience
from tests.support.shell_fixtures import Paperround, apply_set_up, run_python, serving

HEALTHY = {"role": "sender", "tick_seconds": 12.3, "problems": []}
PROBLEM = "For 120 s, the relay has not looked for parts to send."


def respond(status: int, body: Any) -> Callable[[str], tuple[int, bytes]]:
    """Return a server's response to GET /health: the body as JSON, or unchanged if it is bytes."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda path: (status if path == "/health" else 404, sent)


@pytest.mark.parametrize(
    ("status", "change", "exit_status", "shown"),
    [(200, {}, 0, "healthy: sender"), (503, {"problems": [PROBLEM]}, 1, f"paperround: unhealthy: {PROBLEM}")],
)
def test_healthcheck_prints_one_line_and_sets_the_exit_status(
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


def test_healthcheck_fails_without_a_valid_response(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    for body in (b"<html>", b"[]", b'{"ok": true}'):
        with serving(respond(200, body)) as port:
            monkeypatch.setenv("PAPERROUND_HTTP", f"127.0.0.1:{port}")
            answer = paperround("healthcheck")
        assert (answer.exit_status, len(answer.stderr.splitlines())) == (1, 1)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        monkeypatch.setattr(healthcheck, "TIMEOUT_SECONDS", 0.05)
        monkeypatch.setenv("PAPERROUND_HTTP", f"127.0.0.1:{bound.getsockname()[1]}")
        assert "timed out" in paperround("healthcheck").stderr  # it accepts and never answers
    assert "refused" in paperround("healthcheck").stderr


def test_healthcheck_loads_no_third_party_library() -> None:
    program = (
        "import sys; sys.argv = ['paperround', 'healthcheck']; from bot import cli\n"
        "try: cli.main()\n"
        "except SystemExit as end: print(end.code)\n"
        "heavy = {'typer', 'rich', 'pydantic', 'discord', 'sqlalchemy', 'aiohttp', 'asyncio', 'structlog'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    with serving(respond(200, HEALTHY)) as port:
        path = ":".join(filter(None, sys.path))
        ran = run_python(program, env={"PAPERROUND_HTTP": f"127.0.0.1:{port}", "PYTHONPATH": path})
    assert ran.stdout.splitlines()[-2:] == ["0", "[]"]


def test_run_without_a_token_explains_where_to_get_one(
    paperround: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_TOKEN", "abc")
    for _ in range(2):
        answer = paperround("run")
        assert answer.exit_status == 2
        assert "discord.com/developers" in answer.stderr
        assert "demo" in answer.stderr
        (tmp_path / "paperround.db").unlink(missing_ok=True)
    assert [*tmp_path.glob("*.db")] == [], "no empty database is left behind"


@pytest.mark.parametrize("is_mended", [True, False])
async def test_a_wrong_setting_is_waited_for_where_docker_would_start_the_bot_again(
    tmp_path: Path, is_mended: bool
) -> None:
    log, environment = tmp_path / "log" / "bot.log", {**os.environ, "PAPERROUND_KEEP_DAYS": "1"}
    log.parent.mkdir()
    bot = fork_server.ForkedProcess(
        "bot", ["run", "--wait-for-settings"], cwd=tmp_path, env=environment, log=log
    )
    try:
        await patience.wait_until(lambda: "Waiting until a file" in log.read_text(), describe=log.read_text)
        assert "PAPERROUND_KEEP_DAYS" in log.read_text()
        assert bot.poll() is None
        if is_mended:
            (tmp_path / ".env").write_text("PAPERROUND_LOCALE=ko\n")
        else:
            bot.terminate()
        assert await patience.wait_for(asyncio.to_thread(bot.wait)) == (2 if is_mended else 0)
    finally:
        bot.kill()


NEEDED_TO_START = ("pydantic", "run", 2), ("babel", "run", 2), ("typer", "doctor", 2)


@pytest.mark.parametrize(
    ("library", "command", "status"),
    [("apscheduler", "run", 2), ("apscheduler", "doctor", 1), *NEEDED_TO_START],
)
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    tmp_path: Path, library: str, command: str, status: int
) -> None:
    program = (
        f"import sys; sys.modules['{library}'] = None; sys.argv = ['paperround', '{command}']\n"
        "from bot import cli; cli.main()"
    )
    environment = {**os.environ, "DISCORD_TOKEN": "a.b.c", "PAPERROUND_DISCORD_API_URL": "http://127.0.0.1:1"}
    environment["PYTHONPATH"] = str(fork_server.ROOT)
    ended = run_python(program, cwd=tmp_path, env=environment)
    said = ended.stdout + ended.stderr
    assert (ended.returncode, f"{library} is missing" in said) == (status, True), said
    assert "-m pip install -c constraints.txt ." in said.replace("'", "")


def test_prints_the_version(paperround: Paperround) -> None:
    assert paperround("--version").stdout == f"paperround {VERSION}, schema {migrations.VERSION}\n"


async def _add_alerts() -> None:
    async with shell.open_storage() as database:
        for user in (7, 8):
            terms = (models.AlertTerm(models.AlertKind.KEYWORD, "강화 학습"),)
            await Alerts(database, system_clock).add(replace(EMPTY_DRAFT, user_id=user, terms=terms))


def test_forget_command_deletes_all_rows_of_the_reader(paperround: Paperround) -> None:
    asyncio.run(_add_alerts())
    asked = paperround("readers", "forget", "--user", "8")
    assert (asked.exit_status, "Add --yes" in asked.stderr) == (2, True), (
        "as each command that removes something"
    )
    removed = paperround("readers", "forget", "--user", "8", "--yes")
    assert "deleted rows" in removed.stdout.splitlines()[0]
    assert "Backups" in removed.stderr
    assert paperround("readers", "forget", "--user", "7", "--yes", "--json").data["removed"]["alerts"] == 1
    again = paperround("readers", "forget", "--user", "7", "--yes").stdout
    assert again == "Nothing was stored about this user, so nothing was deleted.\n"


def test_what_is_stored_about_a_reader_is_exported_as_they_get_it(
    paperround: Paperround, tmp_path: Path
) -> None:
    asyncio.run(_add_alerts())
    shown = paperround("readers", "export", "--user", "8").data
    assert (shown["user_id"], len(shown["tables"]["alerts"])) == ("8", 1)
    assert "강화 학습" in paperround("readers", "export", "--user", "8").stdout
    assert paperround("readers", "export", "--user", "8", "--output", "8.json").exit_status == 0
    assert json.loads((tmp_path / "8.json").read_text())["tables"] == shown["tables"]
    nobody = paperround("readers", "export", "--user", "9", "--output", "9.json")
    assert (nobody.exit_status, "Nothing is stored about the user 9" in nobody.stderr) == (1, True)
    assert not (tmp_path / "9.json").exists()
    for command, typed in (("export", "bob"), ("forget", "0"), ("forget", "9" * 19)):
        refused = paperround("readers", command, "--user", typed)
        assert (
            refused.exit_status,
            f"'{typed}' is not a user's ID, which is a number" in refused.stderr,
        ) == (2, True)


def test_the_log_of_posts_has_what_came_in_the_last_30_days(paperround: Paperround) -> None:
    now = system_clock()

    async def fill() -> None:
        async with shell.open_storage() as database:
            sent = [
                outbox_builders.new_delivery("old", 20, now - timedelta(days=31), papers=("2601.00001",)),
                outbox_builders.new_delivery("first", 20, now - timedelta(days=2), papers=("2601.00002",)),
                outbox_builders.new_delivery("hook", 30, now - timedelta(days=1), guild_id=None),
                outbox_builders.new_delivery("reader", 40, now - timedelta(days=1), guild_id=None, user_id=7),
            ]
            ids = await outbox_builders.add(database, *sent)
            for delivery_id, delivery in zip(ids, sent, strict=True):
                parts = await database.fetch(outbox.list_parts, delivery_id)
                receipts = {part.id: models.Receipt(1, 20) for part in parts}
                await database.write(outbox.mark_sent, receipts, delivery.due_at)
            await outbox_builders.add(database, outbox_builders.new_delivery("waits", 20, now))

    asyncio.run(fill())
    rows = paperround("posts", "--log", "--json").data
    assert [(row["channel"], row["papers"]) for row in rows] == [("30", []), ("20", ["2601.00002"])]
    shown = paperround("posts", "--log").stdout
    assert "webhook" in shown
    assert "2601.00002" in shown


def test_doctor_counts_warnings_only_where_they_are_asked_for(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    warning = conditions.Finding("backup", "none yet", status=conditions.Status.WARNING)
    monkeypatch.setattr(doctor, "examine", mock.AsyncMock(return_value=[warning]))
    assert paperround("doctor").exit_status == 0
    strict = paperround("doctor", "--strict")
    assert (strict.exit_status, strict.stderr) == (1, "paperround: 1 problem to solve: backup.\n")
    # It counts them besides what is counted without it.
    step = conditions.Finding("sources", "none", status=conditions.Status.TODO)
    monkeypatch.setattr(doctor, "examine", mock.AsyncMock(return_value=[step]))
    assert [paperround("doctor", *options).exit_status for options in ((), ("--strict",))] == [1, 1]


def test_exported_set_up_can_be_edited_and_applied(paperround: Paperround, tmp_path: Path) -> None:
    assert apply_set_up(paperround).exit_status == 0
    assert paperround("config", "export", "set-up.toml").exit_status == 0
    file = tmp_path / "set-up.toml"
    assert file.read_text(encoding="utf-8") == paperround("config", "export").stdout
    assert "0 to change" in paperround("config", "apply", "set-up.toml").stdout
    # With Windows line endings.
    file.write_bytes(file.read_bytes().replace(b"top = 3", b"top = 4").replace(b"\n", b"\r\n"))
    asked = paperround("config", "apply", "set-up.toml")
    assert (asked.exit_status, "--yes" in asked.stderr, "top 3 → 4" in asked.stdout) == (2, True, True)
    assert "top = 3" in paperround("config", "export").stdout
    assert paperround("config", "apply", "set-up.toml", "--yes", "--json").data["applied"] is True
    assert "top = 4" in paperround("config", "export").stdout
    assert paperround("config", "apply", "nothing.toml").exit_status == 2
