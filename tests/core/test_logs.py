"""Logs and terminals show no local variables or control sequences."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.core import logs
from storage import errors


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before, level, configuration = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**configuration)


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_traceback_shows_no_local_variable(style: str, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_json_logs_have_one_line_per_event_with_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json:warning")
    structlog.get_logger("test").info("not this")
    structlog.get_logger("test").warning("this", delivery="daily:1:2026-01-05")
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["delivery"]) == ("this", "warning", "daily:1:2026-01-05")
    assert event["timestamp"].endswith("Z")


def test_what_a_cancellation_interrupts_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console")
    for error in (asyncio.CancelledError(), OSError("the line is cut")):
        logging.getLogger("sqlalchemy.pool.impl.QueuePool").error(
            "Exception closing connection", exc_info=error
        )
    stderr = capsys.readouterr().err
    assert stderr.count("Exception closing connection") == 1
    assert "the line is cut" in stderr


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_line_holds_no_control_sequence(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(style)
    structlog.get_logger("test").warning("line not parsed", message="\x1b]0;pwned\x07")
    stderr = capsys.readouterr().err
    assert "pwned" in stderr
    assert [letter for letter in stderr if letter != "\n" and not letter.isprintable()] == []


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_message_of_a_library_forges_no_second_line(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(style)
    logging.getLogger("library").warning("bad header: %s", "x\n2026-01-05T09:00:00Z [info     ] forged")
    (line,) = capsys.readouterr().err.splitlines()
    assert "forged" in line


@pytest.mark.parametrize("style", ["console", "json"])
def test_no_part_of_a_line_is_obeyed_by_a_terminal(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(style)
    hostile = 'x\x85{"event":"forged"}\u2028\x7f\x9b2J\x1b[2J\u202e\ud83d'
    try:
        raise ValueError(hostile)
    except ValueError:
        structlog.get_logger("test").exception(hostile, file=hostile, files=[hostile])
        logging.getLogger("library").exception("of %s", hostile)
    stderr = capsys.readouterr().err
    assert [letter for letter in stderr if letter != "\n" and not letter.isprintable()] == []
    if style == "json":
        events = [json.loads(line) for line in stderr.splitlines()]
        assert [event["file"] for event in events if "file" in event] == [hostile]
        assert len(events) == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;pwned\x07title", r"\x1b]0;pwned\x07title"),
        ("\x1b]8;;https://evil.example\x1b\\link", "\\x1b]8;;https://evil.example\\x1b\\link"),
        ("\x1b[2Jclear\r", r"\x1b[2Jclear\r"),
        ("\x9b31mred", r"\x9b31mred"),
        ("abc\u202edcba\u2066", r"abc\u202edcba\u2066"),
        ("half \ud83d", r"half \ud83d"),
        ("강화 학습\tRL\n", "강화 학습\tRL\n"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    assert errors.make_printable(text) == shown


@given(st.text())
def test_nothing_but_tab_and_line_feed_is_left_that_a_terminal_obeys(text: str) -> None:
    shown = errors.make_printable(text)
    assert not any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in shown if letter not in "\n\t")
    shown.encode()
