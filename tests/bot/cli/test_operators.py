"""Commands for operators: channels, alerts, deliveries, backup, doctor, and what bad settings and databases answer."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Paperround

ADD = (
    "channels",
    "add",
    "--guild",
    "10",
    "--channel",
    "20",
    "--at",
    "09:00",
    "--timezone",
    "Asia/Seoul",
    "--top",
    "3",
)


def test_a_channel_is_added_listed_changed_paused_resumed_and_removed(paperround: Paperround) -> None:
    added = paperround(*ADD, "--days", "mon-fri", "--locale", "ko", "--json").data
    assert (added["channel"], added["days"], added["locale"], added["top"]) == (
        "20",
        "mon,tue,wed,thu,fri",
        "ko",
        3,
    )
    assert added["next_due_at"].endswith("00:00:00+00:00")
    assert [row["id"] for row in paperround("channels", "list", "--json").data] == [added["id"]]
    number = str(added["id"])
    assert (
        paperround("channels", "edit", number, "--top", "8", "--at", "7:30", "--json").data["at"] == "07:30"
    )
    assert paperround("channels", "pause", number, "--json").data["state"] == "paused"
    assert paperround("channels", "resume", number, "--json").data["state"] == "active"
    assert paperround("channels", "remove", number).exit_status == 0
    assert paperround("channels", "list", "--json").data == []


def test_an_identical_channel_is_refused(paperround: Paperround) -> None:
    assert paperround(*ADD).exit_status == 0
    answer = paperround(*ADD)
    assert answer.exit_status == 1
    assert "already" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--at", "25:00"), "09:00"),
        (("--timezone", "Seoul"), "Asia/Seoul"),
        (("--days", "someday"), "mon"),
        (("--top", "0"), "1 to 25"),
        (("--locale", "fr"), "en or ko"),
        (("--style", "loud"), "compact"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_one_that_can(
    paperround: Paperround, arguments: tuple[str, str], hint: str
) -> None:
    answer = paperround(*ADD, *arguments)
    assert answer.exit_status == 2
    assert hint in answer.stderr


def test_alerts_are_added_listed_and_removed(paperround: Paperround) -> None:
    added = paperround(
        "alerts", "add", "--user", "7", "--keyword", "강화 학습", "--min-votes", "3", "--json"
    ).data
    assert (added["user"], added["kind"], added["text"], added["min_votes"]) == (
        "7",
        "keyword",
        "강화 학습",
        3,
    )
    paperround("alerts", "add", "--user", "7", "--author", "Ada Lovelace")
    assert len(paperround("alerts", "list", "--json").data) == 2
    assert paperround("alerts", "remove", str(added["id"])).exit_status == 0
    assert paperround("alerts", "remove", str(added["id"])).exit_status == 2
    assert paperround("alerts", "add", "--user", "7").exit_status == 2


def test_deliveries_of_an_unknown_state_are_wrong_usage(paperround: Paperround) -> None:
    assert paperround("deliveries", "--json").data == []
    answer = paperround("deliveries", "--state", "lost")
    assert answer.exit_status == 2
    assert "uncertain" in answer.stderr


def test_a_backup_is_a_database(paperround: Paperround, tmp_path: Path) -> None:
    paperround(*ADD)
    assert paperround("backup", "copy.db").exit_status == 0
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy, copy:
        assert copy.execute("SELECT count(*) FROM subscriptions").fetchone() == (1,)


def test_doctor_says_what_is_in_force_and_never_the_token(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_TIMEZONE", "Asia/Seoul")
    answer = paperround("doctor", "--json")
    assert answer.exit_status == 0
    found = {row["what"]: row for row in answer.data}
    assert (found["PAPERROUND_TIMEZONE"]["value"], found["PAPERROUND_TIMEZONE"]["origin"]) == (
        "Asia/Seoul",
        "environment",
    )
    assert paperround("doctor", "--quiet").stdout == ""


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("PAPERROUND_TIMEZONE", "Mars", "Asia/Seoul"),
        ("PAPERROUND_LOCALE", "fr", "'en' or 'ko'"),
        ("PAPERROUND_HTTP", "here", "127.0.0.1:9464"),
        ("PAPERROUND_LOG", "loud", "json"),
        ("PAPERROUND_EXPIRE_HOURS", "soon", "integer"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, name: str, value: str, hint: str
) -> None:
    monkeypatch.setenv(name, value)
    answer = paperround("channels", "list")
    assert answer.exit_status == 2
    assert name in answer.stderr
    assert hint in answer.stderr


def test_settings_come_from_env_file_and_toml_in_this_order(paperround: Paperround, tmp_path: Path) -> None:
    (tmp_path / "paperround.toml").write_text('timezone = "Asia/Tokyo"\nlocale = "ko"\n')
    (tmp_path / ".env").write_text("PAPERROUND_TIMEZONE=Asia/Seoul\n")
    found = {row["what"]: (row["value"], row["origin"]) for row in paperround("doctor", "--json").data}
    assert found["PAPERROUND_TIMEZONE"] == ("Asia/Seoul", ".env")
    assert found["PAPERROUND_LOCALE"] == ("ko", "paperround.toml")


def test_run_without_a_token_says_how_to_get_one(paperround: Paperround) -> None:
    answer = paperround("run")
    assert answer.exit_status == 2
    assert "discord.com/developers" in answer.stderr
    assert "demo" in answer.stderr


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("mysql://x/y", "sqlite+aiosqlite"),
        ("nonsense", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:////no/such/folder/x.db", "folder does not exist"),
        ("postgresql+asyncpg://nobody@127.0.0.1:1/none", "PostgreSQL"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_clear_line(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, url: str, hint: str
) -> None:
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", url)
    answer = paperround("channels", "list")
    assert answer.exit_status in {1, 2}
    assert hint in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_newer_database_and_a_foreign_one_are_refused(paperround: Paperround, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "paperround.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    answer = paperround("channels", "list")
    assert answer.exit_status == 1
    assert "newer" in answer.stderr
    (tmp_path / "paperround.db").unlink()
    with closing(sqlite3.connect(tmp_path / "paperround.db")) as connection, connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    assert "not Paperround's" in paperround("channels", "list").stderr
    (tmp_path / "paperround.db").write_text("These are no pages of SQLite." * 100)
    assert "not a Paperround database" in paperround("channels", "list").stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_database_is_one_clear_line(paperround: Paperround, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (tmp_path / "paperround.db").chmod(0o400)
    try:
        assert "read-only" in paperround(*ADD).stderr
    finally:
        tmp_path.chmod(0o700)


def test_parse_loads_neither_discord_nor_sqlalchemy(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['paperround', 'parse', 'nowhere.md']\n"
        "from bot import cli\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'discord', 'sqlalchemy', 'pydantic_settings', 'aiohttp', 'structlog'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_storage_command_loads_no_discord(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['paperround', 'search', 'x', '--json']\n"
        "from bot import cli\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'discord', 'aiohttp', 'structlog', 'apscheduler', 'feedparser'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
