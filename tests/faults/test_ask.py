"""A question in a paper's thread is answered once, or said to be lost, wherever the bot is killed."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import web

from bot.features.ask import service
from bot.features.daily.service import Subscriptions
from storage import models
from tests.fake_discord import model
from tests.support import fork_server, origin_server, paper_pages
from tests.support.fault_harness import FaultHarness

pytestmark = pytest.mark.promise

PAPER, FACT = "2601.00001", "Training takes 31 hours on four RTX A6000 cards."
ANSWER = "RTX A6000"
QUESTION = f"<@{model.BOT_ID}> How long did the training take?"
READING = "Reading the paper"
LOST = "Paperround was interrupted before it could answer."
PAST_NONCE_WINDOW = timedelta(minutes=10)


@dataclass
class Asking:
    """A bot, and the thread of a paper whose text is at `origin`."""

    harness: FaultHarness
    origin: origin_server.OriginServer
    bot: fork_server.ForkedProcess = field(init=False)
    thread: int = 0

    async def start(self) -> None:
        """Start the bot, and wait until its Gateway is connected."""
        gateway = self.harness.fake.gateway
        before = gateway.identifies
        pages = {"HF_ENDPOINT": self.origin.url, "PAPERROUND_ARXIV_HTML_URL": f"{self.origin.url}/html"}
        self.bot = self.harness.start_bot(**pages)
        await self.harness.wait_until(lambda: gateway.identifies > before)

    async def restart(self) -> None:
        await self.harness.kill(self.bot)
        self.harness.fake.set_faults()
        await self.start()

    async def ask(self, content: str = QUESTION, reply_to: int | None = None) -> int:
        """Send a member's message. Returns its id."""
        return self.harness.fake.send_message(self.thread, content, reply_to)

    async def replies(self) -> dict[int, list[str]]:
        """Return the JSON of the bot's replies, by the id of the message that they reply to."""
        found: dict[int, list[str]] = {}
        for message in self.harness.fake.messages(self.thread):
            if message["author"]["bot"] and (reference := message.get("message_reference")):
                found.setdefault(int(reference["message_id"]), []).append(json.dumps(message))
        return found

    async def wait_for_reply(self, question: int, *texts: str) -> str:
        """Wait for a reply with one of the texts to a question, assert that there is no other, and return it."""

        async def is_replied() -> bool:
            replies = (await self.replies()).get(question, [])
            return any(text in reply for reply in replies for text in texts)

        await self.harness.wait_until(is_replied)
        [reply] = (await self.replies())[question]
        return reply


@pytest.fixture
async def asking(harness: FaultHarness) -> AsyncIterator[Asking]:
    """A bot that has posted a paper in a forum."""
    [forum] = harness.fake.add_channels(1, kind=model.FORUM)
    due = harness.now().replace(second=0, microsecond=0) + timedelta(minutes=2)
    draft = models.Subscription(
        guild_id=model.GUILD_ID, channel_id=forum, at_time=f"{due:%H:%M}", style=models.Style.FORUM
    )
    await Subscriptions(harness.db, harness.now).add(draft)
    await harness.store_digest(PAPER, on=due.date())
    await harness.advance_clock(due + timedelta(seconds=1) - harness.now())
    async with origin_server.run_origin() as origin:
        page = paper_pages.markdown_page(title=f"Paper {PAPER}", paper_id=PAPER, content=FACT)
        origin.pages[f"/papers/{PAPER}.md"] = page
        asking = Asking(harness, origin)
        await asking.start()
        await harness.wait_for_sent(1)
        await harness.wait_until_all_sent()
        [asking.thread] = harness.fake.all_messages()
        yield asking


async def test_a_mention_is_answered_once_and_other_messages_are_left_alone(asking: Asking) -> None:
    fake, thread = asking.harness.fake, asking.thread
    await asking.ask("How long did the training take?")
    await asking.ask(
        "How long did the training take?", reply_to=thread
    )  # mentions the bot by Discord's ping alone
    first = await asking.ask()
    await fake.gateway.replay("MESSAGE_CREATE")
    await asking.wait_for_reply(first, ANSWER)
    second = await asking.ask(f"{QUESTION} 학습에 얼마나 걸렸어?", reply_to=thread)
    await asking.wait_for_reply(second, ANSWER)
    await asking.harness.wait_until_all_sent()
    assert list(await asking.replies()) == [first, second]
    asking.harness.assert_no_traceback()


@pytest.mark.all_faults
async def test_a_question_is_answered_once_or_said_to_be_lost_after_a_kill(asking: Asking) -> None:
    harness = asking.harness
    page, is_read = asking.origin.pages[f"/papers/{PAPER}.md"], asyncio.Event()

    async def hang(_: web.BaseRequest) -> web.StreamResponse:
        is_read.set()
        await asyncio.Event().wait()
        raise AssertionError

    for is_announced in (False, True):
        asking.origin.pages[f"/papers/{PAPER}.md"] = hang
        question = await asking.ask()
        await is_read.wait()
        is_read.clear()
        if is_announced:
            await asking.wait_for_reply(question, READING)
        asking.origin.pages[f"/papers/{PAPER}.md"] = page
        await asking.restart()
        await harness.advance_clock(service.LOST_AFTER)
        await asking.wait_for_reply(question, LOST)

    path = f"/channels/{asking.thread}/messages"
    for is_stored, passes in ((False, timedelta(0)), (True, timedelta(0)), (True, PAST_NONCE_WINDOW)):
        requests = len(harness.fake.log("POST", path))
        harness.fake.set_faults({"kind": "slow", "path": path, "seconds": 600.0, "stored": is_stored})
        question = await asking.ask()
        await harness.fake.wait_for_requests(requests + 1, "POST", path, harness.read_log)
        await harness.advance_clock(passes)
        await asking.restart()
        if READING in await asking.wait_for_reply(question, READING, ANSWER):  # first on a slow machine
            # The answer comes if it was stored before the kill.
            await harness.advance_clock(service.LOST_AFTER)
            await asking.wait_for_reply(question, LOST, ANSWER)
        await harness.wait_until_all_sent()  # else the next fault may hold a repeated request for its 20 s
    assert [len(found) for found in (await asking.replies()).values()] == [1] * 5
