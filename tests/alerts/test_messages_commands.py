"""Messages of alerts of each kind of rule, from `/alerts add` to what arrives, and their buttons."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from bot.alerts import options as alerts_options
from bot.alerts import planner
from bot.alerts.service import Alerts
from bot.app.runtime import Runtime, build_runtime
from bot.demo.simulated_rest import SimulatedRest
from storage import locks, models
from tests.support import digest_builders
from tests.support.client_harness import ClientHarness, component_ids, shown_text
from tests.support.sample_archive import NewsletterPaper, newsletter


@dataclass
class Delivery:
    """The bot's background work on the simulated server, at the test's pace."""

    harness: ClientHarness
    runtime: Runtime

    async def ingest(self, *papers: tuple[str, int | None], text: str = "로봇을 care로 기른다.") -> None:
        """Store a digest of today."""
        digest = digest_builders.newsletter(self.harness.env.now().date(), papers, text=text)
        await self.harness.container.create_ingest().add_text(digest, location=str(papers))

    async def run(self, wait: timedelta = planner.GATHERING_TIME) -> None:
        """Plan what is due now and after `wait`, and send it."""
        await self.harness.container.alert_planner.drain()
        await self.harness.env.advance_time(wait.total_seconds())
        await self.harness.container.alert_planner.drain()
        await self.runtime.relay.drain(self.harness.env.now())

    def received(self) -> list[Any]:
        """The direct messages of the reader, oldest first."""
        return sorted(self.harness.user.dm_channel.history(), key=lambda message: message.id)


@pytest.fixture
async def delivery(harness: ClientHarness) -> AsyncIterator[Delivery]:
    lock = locks.SenderLock(harness.container.database)
    await lock.try_acquire()
    harness.container.rest = SimulatedRest(harness.bot, harness.container.pace)
    yield Delivery(harness, build_runtime(harness.container, harness.bot, asyncio.Event(), lock))
    await lock.release()


async def _add(
    harness: ClientHarness, member: Any = None, fields: dict[str, Any] | None = None, **options: Any
) -> models.Alert:
    """Make an alert by its command, the preview's modal if there are `fields`, and the button."""
    member = member or harness.reader
    preview = await harness.ask("alerts add", by=member, **options)
    if fields:
        preview = await harness.fill(preview, "alert-edit-conditions", by=member, **fields)
    made = await harness.press(preview, "alert-create", by=member)
    assert harness.texts("alert-made") in shown_text(made)
    return (await harness.bot.services.get(Alerts).list_rows(user_id=member.id))[-1]


async def _stored(harness: ClientHarness) -> models.Alert:
    (alert,) = await harness.bot.services.get(Alerts).list_rows(user_id=harness.reader.id)
    return alert


async def test_a_paper_that_gets_the_votes_later_arrives_once_with_its_reason(delivery: Delivery) -> None:
    harness = delivery.harness
    await _add(harness, keyword="로봇", without="설문", votes=50)
    await delivery.ingest(("2601.90001", 12))
    await delivery.ingest(("2601.90002", 99), text="로봇 설문 조사다.")
    await delivery.run()
    assert delivery.received() == []
    for votes in (53, 70, 40):
        reading = models.PaperFacts("2601.90001", "huggingface", "u", harness.env.now(), votes=votes)
        await harness.container.create_ingest().add_facts([reading])
        await delivery.run()
    (message,) = delivery.received()
    assert "▲\u00a053" in shown_text(message)
    assert "“로봇” in the summary" in shown_text(message)


async def test_a_message_leads_to_its_alert_or_to_all_of_its_alerts(delivery: Delivery) -> None:
    harness = delivery.harness
    await _add(harness, keyword="로봇")
    await delivery.ingest(*((f"2601.9000{number}", 10 - number) for number in range(7)))
    await delivery.run()
    (message,) = delivery.received()
    opened = await harness.press(message, custom_id="pr:o:2601.90000", by=harness.user)
    assert "2601.90000" in shown_text(opened)
    card = await harness.press(message, "alert-manage", by=harness.user)
    await harness.user.click(card, label=harness.texts("alert-pause"))
    assert (await _stored(harness)).paused
    await harness.bot.services.get(Alerts).resume((await _stored(harness)).id)
    await _add(harness, keyword="care")
    await delivery.ingest(("2601.90009", 10))
    await delivery.run()
    listed = await harness.press(delivery.received()[-1], "alert-manage", by=harness.user)
    assert harness.texts("alerts-heading", count=2) in shown_text(listed)


async def test_a_reason_quotes_the_sentence_that_it_stands_on(delivery: Delivery) -> None:
    harness = delivery.harness
    await _add(harness, keyword="quantization")
    text = "It begins with a large model. Then *post-training* quantization halves its memory. It ends."
    await delivery.ingest(("2601.90001", 5), text=text)
    await delivery.run()
    (message,) = delivery.received()
    sentence = "Then post-training **quantization** halves its memory."
    assert sentence in shown_text(message)
    assert "It begins" not in shown_text(message)
    assert "“quantization” in the summary" in shown_text(message)


async def test_a_channel_is_told_what_is_new_without_your(delivery: Delivery) -> None:
    harness = delivery.harness
    await _add(harness, harness.manager, keyword="로봇", channel=harness.channel)
    await delivery.ingest(("2601.90001", 5), ("2601.90002", 5))
    await delivery.run()
    shown = shown_text(harness.channel.last_message)
    assert "**2 new papers** · 로봇" in shown
    assert "your" not in shown


async def test_direct_messages_closed_in_the_middle_lose_nothing(delivery: Delivery) -> None:
    harness = delivery.harness
    await _add(harness, keyword="care")
    await delivery.ingest(("2601.90001", 5))
    await delivery.run(timedelta())
    await harness.env.advance_time(100)
    await delivery.ingest(("2601.90002", 5))
    await delivery.runtime.container.alert_planner.drain()
    harness.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    await delivery.run()
    assert delivery.received() == []
    await harness.env.advance_time(timedelta(minutes=11).total_seconds())
    await delivery.run()
    shown_ids = [id_ for message in delivery.received() for id_ in component_ids(message)]
    assert [f"pr:o:2601.9000{number}" in shown_ids for number in (1, 2)] == [True, True]


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
    "related": ({"author": "Ada"}, {**FORM, "keyword": "reinforcement learning"}, {"Five"}),
    "exactly": ({"keyword": '"reinforcement learning"'}, {}, set()),
    "both languages": ({"keyword": "teleports"}, {}, {"Four", "Six"}),
}
GATHERED: dict[str, Rule] = {
    "daily": ({"keyword": "로봇", "when": "daily"}, {}, {"One", "Three"}),
    "weekly": ({"keyword": "로봇", "when": alerts_options.weekly_value(1)}, {}, {"One", "Three"}),
}
STEPS = {
    planner.GATHERING_TIME: {"daily", "weekly"},
    timedelta(days=1): {"weekly"},
    timedelta(days=3, hours=12): set[str](),
}
"""How long is waited, one after the other, and what has not arrived then: the test begins on a Thursday."""
NUMBERS = ("One", "Two", "Three", "Four", "Five", "Six")


def _papers(messages: list[Any]) -> set[str]:
    shown = "\n".join(map(shown_text, messages))
    return {number for number in NUMBERS if f" {number}]" in shown}


async def test_each_kind_of_rule_sends_its_papers_and_no_others(delivery: Delivery) -> None:
    harness, members = delivery.harness, {}
    for name, (options, fields, _) in {**RULES, **GATHERED}.items():
        members[name] = harness.guild.add_member(harness.env.create_user(name))
        await _add(harness, members[name], fields, **options)
    await _add(harness, harness.manager, keyword="diffusion", channel=harness.channel)
    ingest = harness.container.create_ingest()
    await ingest.add_text(newsletter("2026-01-01", PAPERS), location="rules.md")
    await ingest.add_text(newsletter("2026-01-01", [ENGLISH_PAPER]), location="english.md")
    await harness.container.alert_planner.drain()  # what facts add is matched later
    facts = models.PaperFacts("2601.90005", "huggingface", "u", harness.env.now(), organization="KAIST")
    await ingest.add_facts([facts])
    expected = {name: papers for name, (_, _, papers) in {**RULES, **GATHERED}.items()}
    for wait, missing in STEPS.items():
        await delivery.run(wait)
        arrived = {name: _papers(member.user.dm_channel.history()) for name, member in members.items()}
        assert arrived == {**expected, **{name: set[str]() for name in missing}}
    assert _papers(harness.channel.history()) == {"Two", "Three"}
    assert harness.texts("alert-manage") not in "\n".join(map(shown_text, harness.channel.history()))


async def test_a_changed_alert_that_its_reader_paused_says_that_it_is(delivery: Delivery) -> None:
    harness = delivery.harness
    alert = await _add(harness, keyword="로봇")
    await harness.bot.services.get(Alerts).pause(alert.id)
    shown = await harness.choose(await harness.ask("alerts list"), "pr:as", str(alert.id))
    saved = await harness.fill(shown, "alert-edit-conditions", keyword="robots")
    assert harness.texts("alert-resting") in shown_text(saved)
    assert (await _stored(harness)).paused
