"""Errors of commands and components: the answer and its reference in the log."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from bot.client.router import UserError, map_service_errors
from storage import errors
from tests.support.client_harness import ClientHarness, last_response, shown_text


async def test_an_error_of_a_command_is_answered_with_a_logged_reference(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.expected_errors.append(errors.DatabaseBusyError)

    async def fail(*_: Any, **__: Any) -> None:
        raise errors.DatabaseBusyError("the database is away")

    monkeypatch.setattr(type(harness.bot.services.search), "search", fail)
    with structlog.testing.capture_logs() as logs:
        result = await harness.reader.slash(harness.channel, "topic", query="로봇")
    (entry,) = [log for log in logs if log["event"] == "interaction failed"]
    assert shown_text(last_response(result)) == harness.texts("broken", reference=entry["reference"])
    assert last_response(result).ephemeral


async def test_an_error_of_a_component_is_answered_in_a_new_message(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = last_response(await harness.reader.slash(harness.channel, "digest"))

    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(type(harness.bot.services.search), "get_digest", fail)
    with structlog.testing.capture_logs() as logs:
        result = await harness.reader.click(listed, label="▶")
    (entry,) = [log for log in logs if log["event"] == "interaction failed"]
    assert entry["reference"] in shown_text(last_response(result))
    assert last_response(result).id != listed.id


def test_an_exception_in_the_table_becomes_a_user_error() -> None:
    with (
        pytest.raises(UserError, match="no-paper") as raised,
        map_service_errors({LookupError: "no-paper"}, most=3),
    ):
        raise KeyError
    assert raised.value.arguments == {"most": 3}


def test_other_exceptions_pass_through() -> None:
    with pytest.raises(ValueError, match="x"), map_service_errors({LookupError: "no-paper"}):
        raise ValueError("x")
