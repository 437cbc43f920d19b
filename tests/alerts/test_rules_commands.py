"""Each kind of rule, from `/alerts add` to the message that arrives."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, TypeAlias

from bot.alerts import matcher
from bot.alerts import options as alerts_options
from bot.app.runtime import build_runtime
from storage import locks, models
from tests.support.client_harness import ClientHarness, shown_text
from tests.support.sample_archive import NewsletterPaper, newsletter

PAPERS = (
    NewsletterPaper("2601.90001", "Rewards One", "로봇을 가르쳐요.", 60, ["Ada Kim"]),
    NewsletterPaper("2601.90002", "Diffusion Two", "A survey of maps.", 5, ["Ben Park"]),
    NewsletterPaper("2601.90003", "Motion Three", "로봇이 diffusion으로 움직여요.", 7, ["Cleo Lee"]),
    NewsletterPaper(
        "2601.90004", "Symmetry Four", "Teleports what is conserved.", 8, ["Ada Kim", "Emmy Noether"]
    ),
    NewsletterPaper(
        "2601.90005",
        "Chips Five",
        "휴대전화에서 강화학습을 해요. 강화학습을 하는 모델은 작아요.",
        9,
        ["Dan Choi"],
    ),
)
ENGLISH_PAPER = NewsletterPaper(
    "2601.90006",
    "Portals Six",
    "Teleports photons through a hole in the wall of a laboratory.",
    4,
    ["Eve Jung"],
)

FORM = {"keyword": "", "author": "", "institution": "", "without": ""}
"""The fields of the modal that says what an alert matches."""

Rule: TypeAlias = tuple[dict[str, Any], dict[str, Any], set[str]]
"""The options of the command, the fields of a modal of the preview or none, and the papers that match."""

RULES: dict[str, Rule] = {
    "any": ({"keyword": "로봇, diffusion"}, {}, {"One", "Two", "Three"}),
    "all": ({"keyword": "로봇, diffusion", "match": "all"}, {}, {"Three"}),
    "excluded": ({"keyword": "diffusion", "without": "survey"}, {}, {"Three"}),
    "author": ({"author": "Noether, Emmy"}, {}, {"Four"}),
    "institution": ({"institution": "카이스트"}, {}, {"Five"}),
    "English institution": ({"institution": "kaist"}, {}, {"Five"}),
    "votes": ({"keyword": "로봇", "votes": 50}, {}, {"One"}),
    "mixed": ({"keyword": "로봇", "author": "ada kim", "match": "all"}, {}, {"One"}),
    "one form": ({"keyword": "reinforcement learning"}, {}, set()),
    "forms": (
        {"author": "Ada"},
        {**FORM, "keyword": "reinforcement learning", "options": [alerts_options.FORMS]},
        {"Five"},
    ),
    "both languages": ({"keyword": "teleports"}, {}, {"Four", "Six"}),
    "Korean": ({"author": "Ada"}, {**FORM, "keyword": "teleports", "options": ["ko"]}, {"Four"}),
    "English": ({"author": "Ada"}, {**FORM, "keyword": "teleports", "options": ["en"]}, {"Six"}),
    "most": (
        {"keyword": "로봇, diffusion"},
        {"timing": ["now"], "time": "9", "zone": "서울", "votes": "", "most": "2"},
        {"One", "Three"},
    ),
}
GATHERED: dict[str, Rule] = {
    "daily": ({"keyword": "로봇", "when": "daily"}, {}, {"One", "Three"}),
    "weekly": ({"keyword": "로봇", "when": alerts_options.weekly_value(1)}, {}, {"One", "Three"}),
}
STEPS = {
    matcher.GATHERING_TIME: {"daily", "weekly"},
    timedelta(days=1): {"weekly"},
    timedelta(days=3, hours=12): set[str](),
}
"""How long is waited, one after the other, and what has not arrived then: the test begins on a Thursday."""
NUMBERS = ("One", "Two", "Three", "Four", "Five", "Six")


def _papers(messages: list[Any]) -> set[str]:
    shown = "\n".join(map(shown_text, messages))
    return {number for number in NUMBERS if f" {number}]" in shown}


async def test_each_kind_of_rule_sends_its_papers_and_no_others(harness: ClientHarness) -> None:
    members = {}
    for name, (options, fields, _) in {**RULES, **GATHERED}.items():
        members[name] = harness.guild.add_member(harness.env.create_user(name))
        await _make(harness, members[name], options, fields)
    await _make(harness, harness.manager, {"keyword": "diffusion", "channel": harness.channel}, {})
    ingest = harness.container.create_ingest()
    await ingest.add_text(newsletter("2026-01-01", PAPERS), location="rules.md")
    await ingest.add_text(newsletter("2026-01-01", [ENGLISH_PAPER]), location="english.md")
    await harness.container.alert_planner.drain()  # what facts add is matched later
    facts = models.PaperFacts("2601.90005", "huggingface", "u", harness.env.now(), organization="KAIST")
    await ingest.add_facts([facts])
    lock = locks.SenderLock(harness.container.database)
    await lock.try_acquire()
    relay = build_runtime(harness.container, harness.bot, asyncio.Event(), lock).relay
    expected = {name: papers for name, (_, _, papers) in {**RULES, **GATHERED}.items()}
    for wait, missing in STEPS.items():
        await harness.container.alert_planner.drain()
        await harness.env.advance_time(wait.total_seconds())
        await harness.container.alert_planner.drain()
        await relay.drain(harness.env.now())
        arrived = {name: _papers(member.user.dm_channel.history()) for name, member in members.items()}
        assert arrived == {**expected, **{name: set[str]() for name in missing}}
    await lock.release()
    assert _papers(harness.channel.history()) == {"Two", "Three"}
    assert harness.texts("alert-manage") not in "\n".join(map(shown_text, harness.channel.history()))


async def _make(harness: ClientHarness, member: Any, options: dict[str, Any], fields: dict[str, Any]) -> None:
    """Make an alert by its command, one of the preview's modals if there are `fields`, and the button."""
    preview = await harness.ask("alerts add", by=member, **options)
    if fields:
        key = "alert-edit-conditions" if "keyword" in fields else "alert-edit-timing"
        preview = await harness.fill(preview, key, by=member, **fields)
    made = await harness.press(preview, "alert-create", by=member)
    assert harness.texts("alert-made") in shown_text(made)
