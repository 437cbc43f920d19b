"""A club in a simulated server with six readers and a manager. Moving the clock plans and sends posts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import discord
import pytest

from bot.app.runtime import Runtime
from bot.features.club.service import Clubs
from tests.support import digest_builders
from tests.support.client_harness import ClientHarness, shown_text
from tests.support.world import moment

MEETS = datetime(2026, 1, 9, 17, tzinfo=UTC)
"""The meeting of the week that tests play, a Friday: its vote lasts from "Fri-1 17:00" to "Wed 17:00"."""
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DENIED: dict[str, Any] = {"status": 403, "code": 50013, "message": "Missing Permissions"}
BLOCKED: dict[str, Any] = {
    "status": 400,
    "code": 200000,
    "message": "Message was blocked by automatic moderation",
}


@dataclass
class Lab:
    """The club's server. The bot is offline while `is_away`."""

    harness: ClientHarness
    runtime: Runtime
    readers: Sequence[Any]
    is_away: bool = False

    @property
    def now(self) -> datetime:
        return self.harness.env.now()

    async def until(self, moment: datetime) -> None:
        """Move the clock to a moment, then plan and send."""
        await self.harness.env.advance_time((moment - self.now).total_seconds())
        await self.tick()

    async def at(self, *moments: str) -> None:
        """Move the clock to each moment (UTC) in turn, such as "Fri-1 17:01", and plan and send what is due."""
        for when in moments:
            await self.until(moment(f"{when} UTC"))

    async def wait(self, duration: timedelta) -> None:
        await self.until(self.now + duration)

    async def set_up(self, listed: str = "") -> None:
        """Set up a club an hour before its first vote, with a paper that the first reader put on the list."""
        await self.at("Fri-1 16:00")
        await self.set_up_in(self.harness.channel)
        if listed:
            await self.press_on_card(listed, "list-add", self.readers[0])

    async def set_up_in(self, channel: Any, day: str = "fri", time: str = "17:00 UTC") -> str:
        """Set up the club in a channel as its manager, or change it, and return the reply's text."""
        return await self.manage("setup", channel=channel, day=day, time=time)

    async def begin_vote(self, listed: str = "") -> Any:
        """Set up a club, let its first vote begin, and return that."""
        await self.set_up(listed)
        await self.at("Fri-1 17:01")
        [poll] = self.polls()
        return poll

    async def tick(self, times: int = 2) -> None:
        for _ in range(0 if self.is_away else times):
            await self.runtime.workers.services.get(Clubs).tick(self.now)
            await self.runtime.relay.drain(self.now)
        await self.harness.env.settle()

    async def add_day(self, *papers: tuple[str, int]) -> None:
        """Store today's newsletter with these papers and votes."""
        text = digest_builders.newsletter(self.now.date(), list(papers))
        ingest = self.runtime.workers.ingest
        await ingest.add_text(text, location=f"{self.now:%m-%d}.md")

    async def press_on_card(self, paper: str, key: str, by: Any, where: Any = None) -> str:
        """Press a button on a paper's card, and return the reply's text."""
        card = await self.harness.ask("paper", by=by, where=where, paper=paper)
        return shown_text(await self.harness.press(card, key, by=by))

    async def manage(self, command: str, **options: Any) -> str:
        """Run and confirm a `/club` command as the manager, send what it planned, and return the reply's text."""
        run = (
            self.harness.set_up_club
            if command == "setup"
            else partial(self.harness.manage, f"club {command}")
        )
        text = shown_text(await run(**options))
        await self.tick()
        return text

    def refuse(
        self, answer: dict[str, Any], method: str = "POST", below: str = "", times: int | None = None
    ) -> None:
        """Let Discord answer requests to the channel's messages (to `below` them) with an error, always or some times."""
        path = f"/channels/{self.harness.channel.id}/messages{below}"
        self.harness.env.inject_error(method, path, times=times, **answer)

    def allow(self) -> None:
        self.harness.env.backend.faults.clear()

    def notices(self) -> list[str]:
        """Return the manager's direct messages."""
        return [text_of(message) for message in self.harness.manager.user.dm_channel.history()]

    def thread_names(self) -> list[str]:
        return [thread.name for thread in self.threads()]

    def messages(self, channel: Any = None) -> list[Any]:
        """Return a channel's public messages, oldest first."""
        found = (channel or self.harness.channel).history()
        return [one for one in found if not one.flags.ephemeral and one.type is discord.MessageType.default]

    def polls(self, channel: Any = None) -> list[Any]:
        return [message for message in self.messages(channel) if message.poll]

    def threads(self, channel: Any = None) -> list[Any]:
        return list((channel or self.harness.channel).threads)

    def events(self) -> list[Any]:
        guild = self.harness.env.backend.get_guild(self.harness.guild.id)
        return list(guild.scheduled_events.values())


def answers(poll: Any) -> list[str]:
    """Return a poll's answers without their numbers."""
    texts = [answer.text for answer in poll.poll.answers]
    assert [text.split(". ")[0] for text in texts] == [f"{n}" for n in range(1, len(texts) + 1)]
    return [text.partition(". ")[2] for text in texts]


def text_of(message: Any) -> str:
    """Return all visible text of a message."""
    return f"{message.content}{shown_text(message)}"


@pytest.fixture
async def lab(harness: ClientHarness) -> Lab:
    readers = [harness.guild.add_member(harness.env.create_user(f"reader{number}")) for number in range(6)]
    return Lab(harness, await harness.start_runtime(), readers)
