"""The fake model itself: it keeps the protocol, and fails as it is told to."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from bot.archive.summaries import Basis
from bot.writer import prompts
from storage import models
from tests.fake_model import papers, server
from tests.fake_model.process import FakeModelProcess

FORMATS = tuple(prompts.SECTIONS)
TEXT = papers.markdown(papers.load()[0])


async def _ask(
    fake_model: FakeModelProcess,
    mode: str = "json_schema",
    digest_format: models.DigestFormat = FORMATS[0],
    language: models.Locale = models.Locale.KO,
    text: str = TEXT,
) -> tuple[int, dict[str, Any]]:
    schema = prompts.build_schema(digest_format)
    messages = prompts.build_messages("Tamarin", text, Basis.PAPER, digest_format, language)
    if mode != "json_schema":
        messages[0]["content"] += "\n" + json.dumps(schema)
    body: dict[str, Any] = {"model": "fake-1", "messages": messages, "max_tokens": 3_000}
    if mode != "text":
        body["response_format"] = {"type": mode, "json_schema": {"name": "x", "schema": schema}}
    url = f"{fake_model.url}/v1/chat/completions"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        return response.status, await response.json()


def _content(record: dict[str, Any]) -> str:
    return str(record["choices"][0]["message"]["content"])


@pytest.mark.parametrize("fault", server.FAULTS)
async def test_each_fault_breaks_the_answer(fake_model: FakeModelProcess, fault: str) -> None:
    fake_model.reset(faults=[fault], fault_share=1.0)
    status, record = await _ask(fake_model)
    assert [entry["fault"] for entry in fake_model.log()] == [fault]
    if fault.isdecimal():
        assert status == int(fault)
        return
    assert (record["choices"][0]["finish_reason"] == "length") is (fault == "length")
    with pytest.raises(prompts.AnswerError):
        prompts.read_answer(_content(record), FORMATS[0])
