"""Log records, and control characters in printed text."""

import asyncio
import json
import logging
import re

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.core import logs
from storage import errors, key_values, migrate, snapshot


@pytest.mark.parametrize("style", ["console", "json"])
def test_traceback_shows_no_local_variables(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(style)
    token = "hidden-in-" + "a-local"
    try:
        raise ValueError(len(token))
    except ValueError:
        structlog.get_logger("test").exception("went wrong")
    stderr = capsys.readouterr().err
    assert "went wrong" in stderr
    assert "Traceback" in stderr
    assert token not in stderr


@pytest.mark.parametrize("style", ["console", "json"])
def test_what_an_error_quotes_reaches_no_terminal_raw(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a password, nor escape sequences, nor a change of direction, nor a line that looks like a record of its own."""
    logs.configure(style)
    forged = (
        "http://ada:s3cretpw@127.0.0.1:7804 \x1b[2J\x9b31m\u202e\r\n2026-01-05T09:00:00Z [error    ] forged"
    )
    try:
        raise ValueError(forged)
    except ValueError:
        structlog.get_logger("test").exception("went wrong", title=forged, path=forged.replace(" ", ""))
        within = [{forged: (forged, {"error": ValueError(forged)})}, {forged}]
        structlog.get_logger("test").error("refused", payload=within, error=ValueError(forged))
        logging.getLogger("library").exception(forged)
    logging.getLogger("library").error("cannot read %s", forged)
    printed = capsys.readouterr().err
    assert printed.count("forged") >= 6
    assert "s3cretpw" not in printed
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", printed)
    assert not re.search("^2026-01-05", printed, re.MULTILINE)


def test_json_logs_have_one_line_per_event(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json:warning")
    structlog.get_logger("test").info("not this")
    structlog.get_logger("test").warning("this", delivery="daily:1:2026-01-05", reason=None)
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["delivery"]) == ("this", "warning", "daily:1:2026-01-05")
    assert event["timestamp"].endswith("Z")
    assert "reason" not in event, "None says nothing"


def test_does_not_log_errors_caused_by_cancellation(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console")
    for error in (asyncio.CancelledError(), OSError("the line is cut")):
        logger = logging.getLogger("sqlalchemy.pool.impl.QueuePool")
        logger.error("Exception closing connection", exc_info=error)
    stderr = capsys.readouterr().err
    assert stderr.count("Exception closing connection") == 1
    assert "the line is cut" in stderr


def test_lost_connections_to_discord_are_a_line_each_once_an_hour(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console")
    for now in (5000.0, 5005.0, 8600.0):
        for error in (OSError("the line is cut"), TimeoutError("slow")):
            record = logging.LogRecord("discord.shard", logging.ERROR, "", 1, "again in %ds", (5,), None)
            record.created, record.exc_info = now, (type(error), error, None)
            logging.getLogger(record.name).handle(record)
    lines = capsys.readouterr().err.splitlines()
    told = [re.search(r"again in 5s: \w+: [\w ]*\w", line) for line in lines]
    assert [match and match[0] for match in told] == [
        "again in 5s: OSError: the line is cut",
        "again in 5s: TimeoutError: slow",
    ] * 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;pwned\x07title\r", r"\x1b]0;pwned\x07title\r"),
        ("\x9b31mred", r"\x9b31mred"),
        ("abc\u202edcba\u2066", r"abc\u202edcba\u2066"),
        ("half \ud83d", r"half \ud83d"),
        ("강화 학습\tRL\n", "강화 학습\tRL\n"),
    ],
)
def test_makes_control_characters_visible(text: str, shown: str) -> None:
    assert errors.make_printable(text) == shown


@given(st.text())
def test_printable_text_has_no_control_characters(text: str) -> None:
    shown = errors.make_printable(text)
    assert not any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in shown if letter not in "\n\t")
    shown.encode()


@pytest.mark.engines("sqlite", "postgresql")
async def test_statements_and_slow_look_ups_are_logged_with_their_times(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def look(view: snapshot.Snapshot) -> object:
        return view.fetch("SELECT value FROM meta WHERE key = ?", "hidden")

    monkeypatch.setattr(snapshot, "SLOW_SECONDS", 0.0)
    logs.configure("json")
    async with await migrate.open_database(database_url) as opened:
        await opened.look_up(look)
    assert "look-up" not in capsys.readouterr().err, "an operator can do nothing about it"
    logs.configure("json:debug")
    async with await migrate.open_database(database_url) as opened:
        capsys.readouterr()
        await opened.look_up(look)
        await opened.write(key_values.set_value, "a", "hidden")
    stderr = capsys.readouterr().err
    events = [json.loads(line) for line in stderr.splitlines()]
    [slow] = [event for event in events if event["event"] == "slow look-up"]
    assert slow.keys() > {"waited_ms", "statements_ms", "computed_ms"}
    times = {event["statement"][:11]: event["ms"] for event in events if event["event"] == "statement"}
    assert times["SELECT valu"] >= 0
    assert times["INSERT INTO"] >= 0
    assert "hidden" not in stderr
