"""A new server by the command line alone: Hugging Face as the only source, one subscription, and the next due post."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from aiohttp import web

from tests.fake_discord import process
from tests.support import fork_server, origin_server, source_payloads
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.faults, pytest.mark.wire, pytest.mark.engines("sqlite")]


async def test_huggingface_alone_gives_the_next_due_post(harness: FaultHarness) -> None:
    [channel_id] = await harness.fake.add_channels(1)
    listed = [
        source_payloads.daily_papers_item("2505.00001", 5, ai_summary="A sentence about the first."),
        source_payloads.daily_papers_item("2505.00002", 81, ai_summary="A sentence about the second."),
    ]

    async def daily_papers(request: web.BaseRequest) -> web.StreamResponse:
        today = harness.now().date().isoformat()
        return web.Response(
            text=source_payloads.daily_papers(*(listed if request.query["date"] == today else ()))
        )

    async def run_command(*arguments: str) -> None:
        command = harness.start_cli(*arguments, **settings)
        await harness.wait_until(lambda: _has_ended(command))
        assert command.returncode == 0, harness.read_log()

    async with origin_server.run_origin() as origin:
        origin.pages["/api/daily_papers"] = daily_papers
        settings = {"HF_ENDPOINT": origin.url}
        minute_ago = harness.now() - timedelta(minutes=1)
        await run_command("sources", "add", origin.url)
        await run_command(
            "channels",
            "add",
            *("--guild", str(process.GUILD_ID), "--channel", str(channel_id), "--top", "5"),
            *("--at", f"{minute_ago:%H:%M}", "--timezone", "UTC"),
        )
        await harness.advance_clock(timedelta(days=1))
        harness.start_bot(**settings)
        await harness.wait_for_sent(1)
    [message] = await harness.fake.messages(channel_id)
    text = json.dumps(message, ensure_ascii=False)
    assert text.index("2505.00002") < text.index("2505.00001")
    for shown in ("▲ 81", "Ada Lovelace", "A sentence about the first.", "https://cdn.example/a.png"):
        assert shown in text
    assert "no source yet" not in harness.read_log()


async def _has_ended(command: fork_server.ForkedProcess) -> bool:
    return command.poll() is not None
