"""The demo's samples, server and clock, without a browser."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import simcord

from bot.archive import parse
from bot.demo import page, sample_digests, server, stage
from storage import models
from tests.support.client_harness import last_response, shown_text


def test_every_sample_parses_without_problems() -> None:
    for name, text in sample_digests.sample_texts():
        (digest,) = parse.parse_text(text)
        assert digest.problems == (), name


async def test_demo_has_a_member_a_locked_channel_and_a_forum(tmp_path: Path) -> None:
    async with server.open_demo(models.Locale.EN, tmp_path, dm=False) as (env, runtime, channels, viewers):
        papers, *_, locked, forum = channels
        assert forum not in page.list_shown(channels)
        manager, member = viewers
        assert isinstance(manager, simcord.MemberActor)
        seen = {
            viewer.id: {leaf["name"] for path, leaf in page.list_leaves(env, viewer, papers)}
            for viewer in viewers
        }
        assert "edit" in seen[manager.id] - seen[member.id]
        asked = await manager.slash(papers, "daily setup", channel=locked)
        texts = runtime.container.texts.for_locale(models.Locale.EN)
        assert texts("permission-send-messages") in shown_text(last_response(asked))


async def test_moving_the_clock_ends_a_vote_and_opens_the_thread(tmp_path: Path) -> None:
    async with server.open_demo(models.Locale.EN, tmp_path, dm=False) as (env, runtime, channels, viewers):
        page_of_viewer: Any = SimpleNamespace(
            _pages={}, refresh=env.settle, _action=env.settle, viewers=viewers
        )
        shown = stage.Stage(env, page_of_viewer, channels, models.Locale.EN, lambda: server._deliver(runtime))
        manager, _ = viewers
        assert isinstance(manager, simcord.MemberActor)
        for line in ("/club setup channel:papers day:wed time:5pm", "/club now", "+5 days"):
            await manager.send(channels[0], line)
            await shown.step()
        assert [thread.name for thread in channels[0].threads] == [
            "SmolLM2: When Smol Goes Big – Data-Centric Training of a Small Language Model"
        ]
