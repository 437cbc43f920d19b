"""Commands with invalid settings and unusable databases."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.shell_fixtures import ADD_CHANNEL, Paperround


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("PAPERROUND_TIMEZONE", "Mars", "Asia/Seoul"),
        ("PAPERROUND_LOCALE", "fr", "'fr' is not one of its values; write 'en' or 'ko'"),
        ("PAPERROUND_HTTP", "here", "127.0.0.1:9464"),
        ("PAPERROUND_HTTP", "x..y:80", "127.0.0.1:9464"),
        ("PAPERROUND_HTTP", "127.0.0.1:99999999", "127.0.0.1:9464"),
        ("PAPERROUND_OPERATOR_CHANNEL", "9" * 30, "less than"),
        ("PAPERROUND_SOURCES", '[{"url":', "separated by blanks"),
        ("PAPERROUND_LOG", "loud", "json"),
        ("PAPERROUND_EXPIRE_HOURS", "soon", "integer"),
    ],
)
def test_an_invalid_setting_is_named(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, name: str, value: str, hint: str
) -> None:
    monkeypatch.setenv(name, value)
    answer = paperround("channels", "list")
    assert answer.exit_status == 2
    assert name in answer.stderr
    assert hint in answer.stderr


def test_a_setting_that_is_nested_too_deeply_is_wrong_usage(paperround: Paperround, tmp_path: Path) -> None:
    (tmp_path / "paperround.toml").write_text("a = " + "[" * 3000)
    answer = paperround("channels", "list")
    assert (answer.exit_status, "nested too deeply" in answer.stderr) == (2, True)


def test_a_number_beyond_what_the_database_stores_is_named(paperround: Paperround) -> None:
    for command in (("channels", "resume"), ("alerts", "remove")):
        answer = paperround(*command, "9" * 30)
        assert (answer.exit_status, "too large" in answer.stderr) == (1, True)
        assert "went wrong" not in answer.stderr


@pytest.mark.parametrize(
    "line", ["writer_formats = 5", "arxiv_html_url = 5", "expire_hours = true", "timezone = 5", "sources = 5"]
)
def test_a_setting_of_another_type_is_named(paperround: Paperround, tmp_path: Path, line: str) -> None:
    (tmp_path / "paperround.toml").write_text(line + "\n")
    answer = paperround("channels", "list")
    assert answer.exit_status == 2
    assert f"PAPERROUND_{line.split()[0].upper()}" in answer.stderr


@pytest.mark.parametrize(("command", "name"), [(("backup",), "FILE"), (("sources", "add"), "URL")])
def test_an_empty_argument_is_named(paperround: Paperround, command: tuple[str, ...], name: str) -> None:
    answer = paperround(*command, "")
    assert answer.exit_status == 2
    assert f"{name} is empty" in answer.stderr


def test_an_env_file_precedes_the_toml_file(paperround: Paperround, tmp_path: Path) -> None:
    (tmp_path / "paperround.toml").write_text('timezone = "Asia/Tokyo"\nlocale = "ko"\n')
    (tmp_path / ".env").write_text("PAPERROUND_TIMEZONE=Asia/Seoul\n")
    origins = {row["what"]: (row["value"], row["origin"]) for row in paperround("doctor", "--json").data}
    assert origins["PAPERROUND_TIMEZONE"] == ("Asia/Seoul", ".env")
    assert origins["PAPERROUND_LOCALE"] == ("ko", "paperround.toml")


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("mysql://x/y", "sqlite+aiosqlite"),
        ("nonsense", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:////no/such/folder/x.db", "folder does not exist"),
        ("sqlite+aiosqlite:////proc/x.db", "/proc/x.db"),
        ("postgresql+asyncpg://nobody@127.0.0.1:1/none", "PostgreSQL"),
    ],
)
def test_an_unusable_database_is_reported_on_one_line(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, url: str, hint: str
) -> None:
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", url)
    answer = paperround("channels", "list")
    assert answer.exit_status in {1, 2}
    assert hint in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_newer_database_and_a_foreign_one_are_refused(paperround: Paperround, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "paperround.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'r9999'")
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
def test_a_read_only_database_is_reported(paperround: Paperround, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (tmp_path / "paperround.db").chmod(0o400)
    try:
        assert "read-only" in paperround(*ADD_CHANNEL).stderr
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["parse", "nowhere.md"], {"discord", "sqlalchemy", "pydantic_settings", "aiohttp", "structlog"}),
        (["search", "x", "--json"], {"discord", "aiohttp", "structlog", "apscheduler", "feedparser"}),
    ],
)
def test_a_command_loads_only_what_it_needs(tmp_path: Path, arguments: list[str], heavy: set[str]) -> None:
    code = (
        f"import sys; sys.argv = ['paperround', *{arguments}]\n"
        "from bot import cli\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        f"loaded = {heavy} & set(sys.modules)\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
