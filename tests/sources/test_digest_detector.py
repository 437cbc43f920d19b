"""A large answer is read in a process of its own, with the same digests and errors as in this one."""

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


@pytest.fixture(autouse=True)
def _in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "LARGE_BYTES", 0)


async def detect(text: str, *, encoding: str = "utf-8") -> tuple[models.Digest, ...]:
    response = base.Response("https://example.org/a.md", text.encode(encoding), STATE, charset=encoding)
    return await base.detect_in_response(response)


@pytest.mark.parametrize("encoding", ["utf-8", "euc-kr"])
async def test_the_digests_are_the_same(encoding: str) -> None:
    text = source_payloads.newsletter() + "강화 학습\n"
    [digest] = await detect(text, encoding=encoding)
    assert (digest,) == base.detect_in_text(text)
    assert digest.text.endswith("강화 학습\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<!doctype html><p>Welcome</p>", "it is an HTML page without a digest"),
        ("nothing", "there is no digest in it"),
        ("## Daily Papers (2026-01-05)\n", "its list of papers is empty"),
    ],
)
async def test_the_errors_are_the_same(text: str, reason: str) -> None:
    with pytest.raises(base.FetchError, match=reason):
        await detect(text)


async def test_an_answer_beyond_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
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
