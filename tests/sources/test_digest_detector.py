"""A large answer is read in a process with a limit of memory, a small one in a thread."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bot.sources import base
from storage import models
from storage.models import FetchStatus
from tests.support import source_payloads

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
STATE = models.PageState("https://example.org/a.md", NOW, FetchStatus.OK)


async def detect(text: str) -> tuple[models.Digest, ...]:
    return await base.detect_in_response(base.Response(STATE.location, text.encode(), STATE))


async def test_an_answer_beyond_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "LARGE_BYTES", 0)
    monkeypatch.setattr(base, "_MAX_MEGABYTES", 60)
    with pytest.raises(base.FetchError, match="cannot be read within 60 MB"):
        await detect(source_payloads.newsletter(date(2026, 1, 5)) + "- a\n\n" * 450_000)


async def test_no_text_is_read_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "LARGE_BYTES", 200_000)
    threads: list[int] = []
    detect_in_text = base.detect_in_text

    def read(*arguments: Any) -> tuple[models.Digest, ...]:
        threads.append(threading.get_ident())
        return detect_in_text(*arguments)

    monkeypatch.setattr(base, "detect_in_text", read)
    for length in (0, 20_000):
        await detect(source_payloads.newsletter() + "a" * length)
    assert len(threads) == 2
    assert threading.get_ident() not in threads
