"""Each kind of rule, from `/alerts add` to the message that arrives."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from bot.app.runtime import build_runtime
from bot.services.alerts import timing
from storage import models
from storage.outbox import sender_lock
from tests.support.client_harness import ClientHarness, last_response, shown_text

DIGEST = """## Daily Papers (2026-01-01)

### [Rewards One](https://arxiv.org/abs/2601.90001)

Vote: 60

Authors: Ada Kim

- ***What's New***: 로봇을 가르쳐요.

### [Diffusion Two](https://arxiv.org/abs/2601.90002)

Vote: 5

Authors: Ben Park

- ***What's New***: A survey of maps.

### [Motion Three](https://arxiv.org/abs/2601.90003)

Vote: 7

Authors: Cleo Lee

- ***What's New***: 로봇이 diffusion으로 움직여요.

### [Symmetry Four](https://arxiv.org/abs/2601.90004)

Vote: 8

Authors: Ada Kim, Emmy Noether

- ***What's New***: Finds what is conserved.

### [Chips Five](https://arxiv.org/abs/2601.90005)

Vote: 9

Authors: Dan Choi

- ***What's New***: Fits a model on a phone.
"""

RULES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "any": ({"keyword": "로봇, diffusion"}, {"One", "Two", "Three"}),
    "all": ({"keyword": "로봇, diffusion", "match": "all"}, {"Three"}),
    "excluded": ({"keyword": "diffusion", "without": "survey"}, {"Three"}),
    "author": ({"author": "Noether, Emmy"}, {"Four"}),
    "institution": ({"institution": "카이스트"}, {"Five"}),
    "votes": ({"keyword": "로봇", "votes": 50}, {"One"}),
    "mixed": ({"keyword": "로봇", "author": "ada kim", "match": "all"}, {"One"}),
}
DAILY: tuple[dict[str, Any], set[str]] = {"keyword": "로봇", "when": "daily"}, {"One", "Three"}
NUMBERS = ("One", "Two", "Three", "Four", "Five")


def _papers(messages: list[Any]) -> set[str]:
    shown = "\n".join(map(shown_text, messages))
    return {number for number in NUMBERS if f" {number}]" in shown}


async def test_each_kind_of_rule_sends_its_papers_and_no_others(harness: ClientHarness) -> None:
    members = {}
    for name, (options, _) in {**RULES, "daily": DAILY}.items():
        members[name] = harness.guild.add_member(harness.env.create_user(name))
        await _make(harness, members[name], **options)
    await _make(harness, harness.manager, keyword="diffusion", channel=harness.channel)
    ingest = harness.container.create_ingest()
    await ingest.add_text(DIGEST, location="rules.md")
    facts = models.PaperFacts("2601.90005", "huggingface", "u", harness.env.now(), organization="KAIST")
    await ingest.add_facts([facts])
    lock = sender_lock.SenderLock(harness.container.database)
    await lock.try_acquire()
    relay = build_runtime(harness.container, harness.bot, asyncio.Event(), lock).relay
    for wait, is_morning in ((timing.GATHERING_TIME, False), (timedelta(days=1), True)):
        await harness.container.alert_planner.drain()
        await harness.env.advance_time(wait.total_seconds())
        await harness.container.alert_planner.drain()
        await relay.drain(harness.env.now())
        arrived = {name: _papers(member.user.dm_channel.history()) for name, member in members.items()}
        expected = {name: papers for name, (_, papers) in RULES.items()}
        assert arrived == {**expected, "daily": DAILY[1] if is_morning else set()}
    await lock.release()
    assert _papers(harness.channel.history()) == {"Two", "Three"}
    assert harness.texts("alert-manage") not in "\n".join(map(shown_text, harness.channel.history()))


async def _make(harness: ClientHarness, member: Any, **options: Any) -> None:
    preview = last_response(await member.slash(harness.channel, "alerts add", **options))
    made = await member.click(preview, label=harness.texts("alert-create"))
    assert harness.texts("alert-made") in shown_text(last_response(made))
