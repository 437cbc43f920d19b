"""What the command line prints holds no control sequence from outside and no password; arguments as people type them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.cli import output
from storage import errors
from tests.support.shell_fixtures import ADD_CHANNEL, Paperround

HOSTILE = "\x1b]0;pwned\x07\x1b[2J\x1b]8;;https://evil.example\x1b\\Robots\x9b31m\u202e"
DIGEST = f"""# 2026-01-05

## [{HOSTILE}](https://arxiv.org/abs/2601.00001) (▲ 5)
- authors: Ada {HOSTILE} Lovelace
- ***What's New***: text {HOSTILE}

## {HOSTILE} no address here
"""


def assert_printable(text: str) -> None:
    assert [letter for letter in text if letter not in "\n\t" and not letter.isprintable()] == []


@pytest.mark.parametrize("as_json", [False, True], ids=["people", "json"])
def test_no_command_prints_a_control_sequence(
    paperround: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    (tmp_path / "a.md").write_text(DIGEST, encoding="utf-8")
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "daily.en.j2").write_text(f"{{% {HOSTILE} %}}", encoding="utf-8")
    monkeypatch.setenv("PAPERROUND_TEMPLATES", str(templates))
    paperround(*ADD_CHANNEL)
    shown = ""
    for command in (
        ("ingest", "a.md"),
        ("parse", "a.md"),
        ("digest",),
        ("search", "robots"),
        ("search", HOSTILE),
        ("author", "Ada"),
        ("paper", "2601.00001"),
        ("similar", "2601.00001"),
        ("sources", "add", f"https://u:pass@example.org/{HOSTILE}"),
        ("sources", "list"),
        ("channels", "list"),
        ("alerts", "list"),
        ("deliveries",),
        ("templates", "check"),
    ):
        result = paperround(*command, *(["--json"] if as_json else []))
        assert_printable(result.stdout)
        assert_printable(result.stderr)
        shown += result.stdout
    assert "Robots" in shown
    assert ("\\u001b" if as_json else "\\x1b") in shown


def test_json_means_the_same_with_every_control_character_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"title": HOSTILE})
    printed = capsys.readouterr().out
    assert_printable(printed)
    assert json.loads(printed) == {"title": HOSTILE}


def test_an_export_is_unchanged_in_a_file_and_printable_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output.print_document(HOSTILE)
    assert capsys.readouterr().out == HOSTILE
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.print_document(HOSTILE)
    assert_printable(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAPERROUND_FETCH_ALLOW", "user:Gehe1m@host"),
        ("HF_ENDPOINT", "ftp://user:Gehe1m@host"),
        ("PAPERROUND_FETCH_PROXY", "socks5://user:Gehe1m@host"),
        ("PAPERROUND_FETCH_PROXY", "http://user:Gehe1m@127.0.0.1:1"),
        ("PAPERROUND_DATABASE_URL", "postgresql+asyncpg://u:x@Gehe1m@127.0.0.1:1/db"),
        ("PAPERROUND_DATABASE_URL", "postgresql+asyncpg://u:Gehe1m@127.0.0.1:1/db"),
    ],
)
def test_no_error_or_report_shows_a_password_of_the_settings(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    for command in (("sources", "fetch"), ("doctor",), ("doctor", "--json")):
        result = paperround(*command)
        assert "Gehe1m" not in result.stdout + result.stderr


def test_sources_are_shown_and_removed_without_their_passwords(paperround: Paperround) -> None:
    address = "https://user:Gehe1m@example.org/feed.xml"
    for command in (("add", address), ("add", address), ("list",), ("list", "--json")):
        result = paperround("sources", *command)
        assert "Gehe1m" not in result.stdout + result.stderr
    assert (
        paperround("sources", "list", "--json").data[0]["source"] == "https://user:***@example.org/feed.xml"
    )
    removed = paperround("sources", "remove", "https://user:***@example.org/feed.xml")
    assert (removed.exit_status, paperround("sources", "list", "--json").data) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("digest", "--limit", "0"), "--limit"),
        (("channels", "list", "--guild", "abc"), "--guild"),
        (("chanels",), "channels"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_help(
    paperround: Paperround, arguments: tuple[str, ...], named: str
) -> None:
    answer = paperround(*arguments)
    assert answer.exit_status == 2
    [line] = answer.stderr.splitlines()
    assert line.startswith("paperround: ")
    assert named in line
    assert "--help` lists" in line


def test_a_day_is_read_as_people_type_it_and_a_period_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_TIMEZONE", "UTC")
    days = {output.parse_date(text) for text in ("dec 30 2024", "2024-12-30", "2024년 12월 30일")}
    assert days == {date(2024, 12, 30)}
    assert output.parse_date("yesterday") == output.parse_date("오늘") - timedelta(days=1)
    for text in ("dec 2024", "soon"):
        with pytest.raises(errors.UsageError):
            output.parse_date(text)


def test_an_ingest_shows_what_is_read_and_stored_and_what_comes_after(
    paperround: Paperround, digest_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    answer = paperround("ingest", str(digest_folder), "--json")
    assert answer.data["digests"] == 1
    assert "Read 3 of 3, stored: 3" in answer.stderr
    assert "Messages of alerts: 0" in answer.stderr
    assert "Learning terms and merging the index, papers: 3" in answer.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [("paperround so", "sources"), ("paperround sources l", "list"), ("paperround doctor --qu", "--quiet")],
)
def test_the_shell_completes_commands_and_options(words: str, offered: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "_PAPERROUND_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    code = "from bot import cli; cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == ([offered], "")
