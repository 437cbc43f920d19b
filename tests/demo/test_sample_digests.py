"""The samples parse without problems, are consistent; the months before them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import simcord

from bot.archive import parse
from bot.demo import page, sample_digests, server, stage
from storage import models
from tests.support.client_harness import last_response, shown_text

ROOT = Path(__file__).parents[2]


@cache
def parsed() -> dict[str, models.Digest]:
    digests = {}
    for name, text in sample_digests.sample_texts():
        (digests[name],) = parse.parse_text(text)
    return digests


def entries(folder: str = "") -> list[models.Entry]:
    return [entry for name, digest in parsed().items() if name.startswith(folder) for entry in digest.entries]


def test_every_sample_parses_as_one_digest_without_any_problem() -> None:
    assert {name: digest.problems for name, digest in parsed().items() if digest.problems} == {}


async def test_the_demo_has_a_second_member_a_locked_channel_and_a_forum(tmp_path: Path) -> None:
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


async def test_a_typed_day_ends_a_vote_and_brings_the_papers_thread(tmp_path: Path) -> None:
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
