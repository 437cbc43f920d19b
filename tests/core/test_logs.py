"""The format of logs, and that they contain no local variables."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.core import logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


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


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_line_holds_no_control_sequence_and_no_password(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(style)
    structlog.get_logger("test").warning(
        "line not parsed", message="\x1b]0;pwned\x07", source="https://user:Gehe1m@host/feed"
    )
    stderr = capsys.readouterr().err
    assert "Gehe1m" not in stderr
    assert "pwned" in stderr
    assert [letter for letter in stderr if letter != "\n" and not letter.isprintable()] == []
