"""Output without control sequences or passwords, invalid arguments and settings, and the help."""

import asyncio
import re
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from unittest import mock

import pytest
import typer
from typer.testing import CliRunner

from bot import cli
from bot.cli import shell
from storage import errors
from tests.support.shell_fixtures import Paperround

HOSTILE = "\x1b]0;pwned\x07\x1b[2J\x1b]8;;https://evil.example\x1b\\Robots\x9b31m\u202e"
DIGEST = f"""# Daily Papers (2026-01-05)

## [{HOSTILE}](https://arxiv.org/abs/2601.00001) (▲ 5)
- authors: Ada {HOSTILE} Lovelace
- ***What's New***: text {HOSTILE}

## {HOSTILE} no address here
"""


def assert_printable(text: str) -> None:
    assert [letter for letter in text if letter not in "\n\t" and not letter.isprintable()] == []


@pytest.mark.parametrize("as_json", [False, True], ids=["people", "json"])
def test_no_command_prints_control_sequences(
    paperround: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    (tmp_path / "a.md").write_text(DIGEST, encoding="utf-8")
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "daily.en.j2").write_text(f"{{% {HOSTILE} %}}", encoding="utf-8")
    monkeypatch.setenv("PAPERROUND_TEMPLATES", str(templates))
    shown = ""
    for command in (
        ("ingest", "a.md"),
        ("parse", "a.md"),
        ("search", HOSTILE),
        ("paper", "2601.00001"),
        ("sources", "add", f"http://u:pass@127.0.0.1:9/{HOSTILE}"),
        ("sources", "list"),
    ):
        result = paperround(*command, *(["--json"] if as_json else []))
        assert_printable(result.stdout + result.stderr)
        shown += result.stdout
    assert "Robots" in shown
    assert ("\\u001b" if as_json else "\\x1b") in shown


def test_escapes_a_document_only_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.print_document(HOSTILE)
    assert capsys.readouterr().out == HOSTILE
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    shell.print_document(HOSTILE)
    assert_printable(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HF_ENDPOINT", "ftp://user:Gehe1m@host"),
        ("PAPERROUND_FETCH_PROXY", "http://user:Gehe1m@127.0.0.1:1"),
        ("PAPERROUND_DATABASE_URL", "postgresql://u:x@Gehe1m@127.0.0.1:1/db"),
    ],
)
def test_no_command_prints_a_password_from_the_settings(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    for command in (("sources", "fetch"), ("doctor",), ("doctor", "--json")):
        result = paperround(*command)
        assert "Gehe1m" not in result.stdout + result.stderr


def test_removes_a_source_by_its_redacted_url(paperround: Paperround) -> None:
    address = "https://user:Gehe1m@example.org/feed.xml"
    for command in (("add", address), ("add", address), ("list",), ("list", "--json")):
        result = paperround("sources", *command)
        assert "Gehe1m" not in result.stdout + result.stderr
    assert (
        paperround("sources", "list", "--json").data[0]["source"] == "https://user:***@example.org/feed.xml"
    )
    removed = paperround("sources", "remove", "https://user:***@example.org/feed.xml")
    assert (removed.exit_status, paperround("sources", "list", "--json").data) == (0, [])


def test_invalid_arguments_exit_with_status_2(paperround: Paperround) -> None:
    for arguments, named in (
        (("digest", "--limit", "0"), "--limit"),
        (("search", "x", "--limit", "5000"), "--limit"),
        (("channels", "list"), "channels"),
        (("ingest",), "--again"),
        (("author", " "), "NAME is an empty string"),
        (("glossary", "add", "one"), "glossary add TERM FORM"),
        (("sources", "add", " "), "an empty string"),
        (("run", "--role", "front"), "Interactions Endpoint URL"),
        (("run", "--role", "leader"), "DISCORD_TOKEN is not set"),
        (("healthcheck",), "PAPERROUND_HTTP is not set"),
    ):
        answer = paperround(*arguments)
        assert (answer.exit_status, named in answer.stderr) == (2, True)


def test_typed_date_must_be_a_single_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_TIMEZONE", "UTC")
    days = {shell.parse_date(text) for text in ("dec 30 2024", "2024-12-30", "2024년 12월 30일")}
    assert days == {date(2024, 12, 30)}
    assert shell.parse_date("yesterday") == shell.parse_date("오늘") - timedelta(days=1)
    for text in ("dec 2024", "soon"):
        with pytest.raises(errors.UsageError):
            shell.parse_date(text)


CLOSES = ("", "21:30", "25:00 Asia/Seoul", "21:30 Mars/Olympus", "21:30 Asia/Seoul x")


def test_error_names_the_invalid_setting(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value, hint in (
        ("PAPERROUND_TIMEZONE", "Mars", "Asia/Seoul"),
        ("PAPERROUND_LOCALE", "fr", "'en' or 'ko'"),
        ("PAPERROUND_HTTP", "here", "127.0.0.1:9464"),
        ("PAPERROUND_HTTP", "127.0.0.1:99999999", "127.0.0.1:9464"),
        ("PAPERROUND_OPERATOR_CHANNEL", "9" * 30, "less than"),
        ("PAPERROUND_SOURCES", '[{"url":', "separated by spaces"),
        ("PAPERROUND_LOG", "loud", "json"),
        ("PAPERROUND_FETCH_PROXY", "proxy:3128", "not a web address. Example: http://user"),
        ("PAPERROUND_WRITER_FORMATS", "poem", "use newsletter, review or"),
        ("PAPERROUND_WRITER_URL", "http://127.0.0.1:1/v1", "PAPERROUND_WRITER_MODEL"),
        ("PAPERROUND_WRITER_JUDGE", "strict", "PAPERROUND_WRITER_URL"),
        ("PAPERROUND_KEEP_DAYS", "soon", "integer"),
        *(("PAPERROUND_DAY_CLOSES", closes, "America/New_York") for closes in CLOSES),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            answer = paperround("sources", "list")
        assert (answer.exit_status, name in answer.stderr, hint in answer.stderr) == (2, True, True), answer
    for url, hint in (
        ("sqlite+aiosqlite://", "database in memory"),
        ("sqlite+aiosqlite:////", "is a folder"),
        ("postgresql://bot:p@ss@/papers", "Write %40 instead"),
        ("postgresql://bot@127.0.0.1:1/papers?nope=3", "An option in PAPERROUND_DATABASE_URL"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv("PAPERROUND_DATABASE_URL", url)
            answer = paperround("sources", "list")
        assert (answer.exit_status, hint in answer.stderr) == (2, True), answer
    for line, name in (
        ("timezone = 5", "PAPERROUND_TIMEZONE"),
        ("keep_days = true", "PAPERROUND_KEEP_DAYS: must not be true or false"),
        ("fetch_allow = 5", "PAPERROUND_FETCH_ALLOW: 5 is not a list of strings"),
    ):
        (tmp_path / "paperround.toml").write_text(line)
        answer = paperround("sources", "list")
        assert (answer.exit_status, name in answer.stderr) == (2, True), answer


def test_an_internal_error_prints_one_line_unless_debugging(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "load_settings", mock.Mock(side_effect=KeyError("a bug")))
    answer = paperround("sources", "list")
    assert (answer.exit_status, "Internal error: KeyError: 'a bug'" in answer.stderr) == (1, True)
    monkeypatch.setenv("PAPERROUND_LOG", "console:debug")
    with pytest.raises(KeyError):
        paperround("sources", "list")


def test_output_that_cannot_be_written_is_a_sentence_and_a_closed_one_is_none(filled: Paperround) -> None:
    """A full disk is not an internal error, `paperround … | head` says nothing, and `>&-` is no error."""
    program = [sys.executable, "-c", "from bot import cli; cli.main()"]
    for arguments in (("search", "care"), ("export", "--format", "bibtex"), ("--help",)):
        with Path("/dev/full").open("wb") as full:
            ran = subprocess.run([*program, *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
        said = "paperround: The output cannot be written: No space left on device."
        assert (ran.returncode, ran.stderr.splitlines()[-1:]) == (1, [said])
    command = [*program, "search", "care", "--json"]
    for line, status in (('"$@" | exec true', 1), ('"$@" >&-', 0)):
        shell_line = ["bash", "-c", f"set -o pipefail; {line}", "bash", *command]
        ran = subprocess.run(shell_line, capture_output=True, text=True)
        complaints = [row for row in ran.stderr.splitlines() if "Papers:" not in row]
        assert (ran.returncode, complaints) == (status, [])


def test_help_lists_every_command_under_a_heading() -> None:
    app = cli.build_app()
    shown = CliRunner().invoke(app, ["--help"]).output
    listed = re.findall(r"^  ([a-z]+)  ", shown, re.MULTILINE)
    assert sorted(listed) == sorted(typer.main.get_group(app).commands)
    assert shown.index("Start here") < shown.index("Papers") < shown.index("Advanced")


def test_ctrl_c_at_a_question_ends_a_command_at_once() -> None:
    """With exit status 130, as docs/commands.md says: not held back by asyncio, nor taken for a failure."""

    def prompt(_: str) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise typer.Abort() from None

    async def command() -> None:
        shell.ask(prompt, "Apply?")

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(command())


def test_a_python_without_a_library_of_unix_is_told_where_paperround_runs() -> None:
    """As on Windows, where reinstalling, which was the advice, changes nothing."""
    code = "import sys, runpy; sys.modules['fcntl'] = None; runpy.run_module('bot', run_name='__main__')"
    ran = subprocess.run([sys.executable, "-c", code, "backup", "x.db"], capture_output=True, text=True)
    assert (ran.returncode, "runs on Linux, macOS and, on Windows, in WSL." in ran.stderr) == (2, True), ran
    assert "pip" not in ran.stderr
