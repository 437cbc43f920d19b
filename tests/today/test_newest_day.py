"""Which days /today shows and sends, through Discord: the newest complete day with papers once, and none that still grows.

The lists of January 2026 close at 02:30 UTC of the next day, which is 11:30 in Seoul.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from bot.archive import listing
from bot.client import message_builder
from bot.client import messages as client_messages
from bot.shelf.service import Shelf
from storage import models, outbox
from tests.support import outbox_builders
from tests.support.client_harness import ClientHarness, component_ids, last_response, shown_text
from tests.support.world import read_lists

HOUSE = "https://huggingface.co"
HOURS = (2, 3, 8, 9, 15, 24)
"""Hours of UTC at which the planner looks: around the close of lists and at the readers' times."""
THU, FRI, SAT, SUN, MON, TUE, WED = (date(2026, 1, day) for day in range(1, 8))


def moment(text: str) -> datetime:
    """Return `2 09:30` as 2026-01-02T09:30Z."""
    day, _, time = text.partition(" ")
    return datetime.fromisoformat(f"2026-01-{int(day):02}T{time}+00:00")


def arxiv_ids(on: date, numbers: Iterable[int]) -> list[str]:
    return [f"2601.{on.day:02}{number:03}" for number in numbers]


@dataclass
class Days:
    """The bot, its archive, and what its reader is sent: when, of which day, and which papers."""

    harness: ClientHarness
    sent: list[tuple[datetime, date, list[str]]] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    is_discord_down: bool = False

    @property
    def now(self) -> datetime:
        return self.harness.env.now()

    async def wait_until(self, text: str) -> None:
        """Plan and send what is due in the meantime."""
        planner = self.harness.container.create_today_planner(self.harness.bot.services)
        recorder = outbox_builders.make_recorder(
            self.harness.container.database, self.harness.container.deliveries
        )
        end = moment(text)
        while self.now < end:
            await self._deliver()
            midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
            hours = (midnight + timedelta(hours=hour) for hour in HOURS)
            step = min(end, next(hour for hour in hours if hour > self.now))
            await self.harness.env.advance_time((step - self.now).total_seconds())
            await recorder.expire(self.now)
            await planner.tick(self.now)
        await self._deliver()

    async def _deliver(self) -> None:
        if self.is_discord_down:
            return
        async with self.harness.container.database.read() as connection:
            if not await outbox.list_rows(connection, state=models.DeliveryState.WAITING):
                return
        await self.harness.wait()
        for message in self.harness.received()[len(self.messages) :]:
            async with self.harness.container.database.read() as connection:
                newest, *_ = await outbox.list_rows(connection, kind=models.DeliveryKind.TODAY)
            assert newest.digest_on is not None
            self.messages.append(message)
            self.sent.append((self.now, newest.digest_on, shown_papers(message)))

    async def add(
        self,
        on: date,
        numbers: Iterable[int | str],
        form: models.DigestFormat = models.DigestFormat.LISTING,
        source: str = HOUSE,
    ) -> None:
        """Store what a source has of a day by now, papers by number or id."""
        ids = [name if isinstance(name, str) else arxiv_ids(on, [name])[0] for name in numbers]
        votes = {name: 99 - int(name[-2:]) for name in ids}
        papers = [{"arxiv_id": name, "title": f"Paper {name}", "votes": votes[name]} for name in ids]
        digest = listing.build(on, papers, form=form)
        ingest = self.harness.container.create_ingest()
        await ingest.add_digests([digest], source=source, location=f"{source}/{on}")

    async def read(self, on: date, numbers: Sequence[int | str] = ()) -> None:
        """Read a day's list from Hugging Face now."""
        if numbers:
            await self.add(on, numbers)
        await read_lists(self.harness.container.database, self.now, on)

    async def ask(self, **options: str) -> tuple[str, list[str]]:
        """Ask for the papers. Returns the text and the papers."""
        message = last_response(await self.harness.reader.slash(self.harness.channel, "today", **options))
        return shown_text(message), shown_papers(message)

    async def shows(self, on: date) -> bool:
        """Return whether /today shows the papers of a day."""
        text, _ = await self.ask()
        return self.harness.texts.format_date(on) in text.splitlines()[0]

    def days(self) -> list[tuple[str, date]]:
        return [(f"{at.day} {at:%H:%M}", on) for at, on, _ in self.sent]

    def check_once(self) -> None:
        """No day and no paper twice."""
        of_days = [on for _, on, _ in self.sent]
        shown = [paper for _, _, papers in self.sent for paper in papers]
        assert len(set(of_days)) == len(of_days)
        assert len(set(shown)) == len(shown)


def shown_papers(message: Any) -> list[str]:
    actions = map(message_builder.unpack_custom_id, component_ids(message))
    return [action.payload for action in actions if action.verb == client_messages.OPEN_PAPER]


async def growing_list_in_seoul(days: Days) -> None:
    """A list with enough papers that still grows; the reader's day ends at 15:00 UTC, the list's does not."""
    await days.read(THU, range(1, 8))
    await days.wait_until("2 02:31")
    await days.read(THU, range(1, 9))
    await days.ask(at="9am 서울")
    await days.wait_until("2 09:00")
    await days.read(FRI, range(1, 8))
    await days.wait_until("2 16:00")
    await days.read(FRI, range(1, 12))
    assert await days.shows(THU)
    await days.wait_until("3 00:30")  # 09:30 in Seoul
    assert days.sent == []
    assert await days.shows(THU)
    await days.wait_until("3 02:29")
    await days.read(FRI, [*range(2, 14), 1])
    await days.wait_until("3 02:34")
    assert days.sent == []  # read before its close, it proves nothing
    await days.read(FRI, [*range(2, 15), 1])
    await days.wait_until("3 09:00")
    assert days.days() == [("3 03:00", FRI)]
    assert await days.shows(FRI)


async def weekend(days: Days) -> None:
    """A full Friday, a Saturday of two papers, a Sunday without a list."""
    await days.ask(at="9am UTC")
    for on, numbers in (
        (THU, range(1, 8)),
        (FRI, range(1, 8)),
        (SAT, range(1, 3)),
        (SUN, ()),
        (MON, range(1, 8)),
    ):
        await days.wait_until(f"{on.day + 1} 02:31")
        await days.read(on, numbers)
    await days.wait_until("7 00:00")
    assert days.days() == [("2 09:00", THU), ("3 09:00", FRI), ("4 09:00", SAT), ("6 09:00", MON)]
    assert [len(papers) for _, _, papers in days.sent] == [5, 5, 2, 5]


async def blogs_alone(days: Days) -> None:
    """Without a source of lists: one author's list counts at the close of its day, a newsletter at once."""
    await days.ask(at="9am UTC")
    await days.wait_until("1 01:00")
    await days.add(THU, [50], models.DigestFormat.LIST, "https://blog.example")
    await days.wait_until("1 09:30")
    await days.add(THU, range(1, 4), models.DigestFormat.LIST, "https://other.example")
    await days.wait_until("3 08:00")
    await days.add(SAT, range(1, 8), models.DigestFormat.NEWSLETTER, "files")
    await days.wait_until("4 00:00")
    assert days.days() == [("2 09:00", THU), ("3 09:00", SAT)]
    assert len(days.sent[0][2]) == 4


async def arxiv_alone(days: Days) -> None:
    """arXiv announces nothing on Saturdays, Sundays and holidays."""
    await days.ask(at="9am UTC")
    for on in (FRI, TUE):  # Monday is a holiday
        await days.wait_until(f"{on.day} 01:00")
        await days.add(on, range(1, 8), models.DigestFormat.LOOKUP, "arxiv:cs.CL")
    await days.wait_until("8 00:00")
    assert days.days() == [("2 09:00", FRI), ("6 09:00", TUE)]


async def source_down_for_two_days(days: Days) -> None:
    """A day whose reading began, and one that could not be read; a blog goes on. A paper is on both days."""
    await days.ask(at="9am UTC")
    await days.wait_until("2 02:31")
    await days.read(THU, range(1, 8))
    await days.wait_until("2 12:00")
    await days.read(FRI, range(1, 7))
    for on in (FRI, SAT):
        await days.wait_until(f"{on.day} 13:00")
        await days.add(on, [50], models.DigestFormat.LIST, "https://blog.example")
    await days.wait_until("4 20:00")
    assert days.days() == [("2 09:00", THU)]
    await days.read(FRI, range(1, 12))
    await days.read(SAT, [*arxiv_ids(FRI, range(1, 4)), *arxiv_ids(SAT, range(10, 12))])
    await days.wait_until("5 02:31")
    await days.read(SUN)
    await days.wait_until("6 00:00")
    assert days.days() == [("2 09:00", THU), ("5 09:00", SAT)]
    # A mark in the older message keeps the papers of that message's day.
    older = days.messages[0]
    (menu,) = (id_ for id_ in component_ids(older) if message_builder.unpack_custom_id(id_).verb == "tm")
    await days.harness.user.select(older, [f"less:{days.sent[0][2][0]}"], custom_id=menu)
    channel = days.harness.bot.get_partial_messageable(days.harness.user.dm_channel.id)
    assert shown_papers(await channel.fetch_message(older.id)) == shown_papers(older)


async def nothing_left(days: Days) -> None:
    """A day whose only papers the reader was sent before, or has saved."""
    await days.ask(at="9am UTC")
    await days.wait_until("2 02:31")
    await days.read(THU, range(1, 6))
    await days.wait_until("3 02:31")
    await days.read(FRI, [*arxiv_ids(THU, range(1, 4)), *arxiv_ids(FRI, [9])])
    paper = await days.harness.bot.services.search.find_paper(arxiv_ids(FRI, [9])[0])
    assert paper is not None
    await days.harness.bot.services.get(Shelf).save(days.harness.reader.id, [paper.id])
    text, papers = await days.ask()
    assert papers == []
    assert days.harness.texts("today-none-left") in text
    await days.wait_until("4 02:31")
    await days.read(SAT, range(1, 3))
    await days.wait_until("5 00:00")
    assert days.days() == [("2 09:00", THU), ("4 09:00", SAT)]


async def source_gone(days: Days) -> None:
    """A source that is not answering any more holds up nothing for longer than three days."""
    await days.ask(at="9am UTC")
    await days.wait_until("2 02:31")
    await days.read(THU, range(1, 8))
    for on in (SAT, SUN, MON, TUE, WED):
        await days.wait_until(f"{on.day} 08:00")
        await days.add(on, range(1, 8), models.DigestFormat.NEWSLETTER, "files")
    await days.wait_until("8 00:00")
    assert days.days() == [("2 09:00", THU), ("5 09:00", MON), ("6 09:00", TUE), ("7 09:00", WED)]


async def first_start(days: Days) -> None:
    """An empty archive, then a list that grows: it is shown, and sent when it is complete."""
    message = last_response(await days.harness.reader.slash(days.harness.channel, "today"))
    assert days.harness.texts("today-nothing") in shown_text(message)
    text, _ = await days.ask(at="9am UTC")
    assert "DM으로 보내" in text
    await days.wait_until("1 06:00")
    await days.read(THU, [1])
    assert await days.shows(THU)
    old = THU - timedelta(days=9)
    await days.add(old, ["2512.23001"], models.DigestFormat.REVIEW, "files")
    assert await days.shows(old)
    await days.ask(at="8am UTC")
    await days.wait_until("2 02:31")
    # The list of the day before, which was not read either, is awaited for six hours.
    assert days.days() == [("1 09:00", old)]
    await days.read(THU, range(1, 8))
    await days.wait_until("3 00:00")
    assert days.days() == [("1 09:00", old), ("2 08:00", THU)]


async def list_in_the_future(days: Days) -> None:
    """Days dated ahead by a mistake come when their day has; they end nothing."""
    await days.ask(at="9am UTC")
    await days.add(date(2099, 12, 31), [1], models.DigestFormat.NEWSLETTER, "files")
    await days.add(MON, range(40, 46), models.DigestFormat.NEWSLETTER, "files")
    for on in (THU, FRI):
        await days.wait_until(f"{on.day + 1} 02:31")
        await days.read(on, range(1, 8))
        assert await days.shows(on)
    for on in (SAT, SUN, MON):
        await days.wait_until(f"{on.day + 1} 02:31")
        await days.read(on)
    await days.wait_until("7 00:00")
    assert days.days() == [("2 09:00", THU), ("3 09:00", FRI), ("6 09:00", MON)]


async def discord_down_on_the_last_day(days: Days) -> None:
    """A reader's first message expires: its day comes at the next hour, though no newer one does."""
    await days.ask(at="9am UTC")
    await days.wait_until("2 02:31")
    await days.read(THU, range(1, 8))
    days.is_discord_down = True
    await days.wait_until("3 09:00")
    days.is_discord_down = False
    await days.wait_until("6 00:00")
    assert days.days() == [("3 09:00", THU)]


Case = Callable[[Days], Awaitable[None]]
CASES: tuple[Case, ...] = (
    growing_list_in_seoul,
    weekend,
    blogs_alone,
    arxiv_alone,
    source_down_for_two_days,
    nothing_left,
    source_gone,
    first_start,
    list_in_the_future,
    discord_down_on_the_last_day,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_newest_complete_day_is_sent_once_and_none_that_still_grows(
    empty_harness: ClientHarness, case: Case
) -> None:
    days = Days(empty_harness)
    await case(days)
    days.check_once()


async def test_hostile_texts_reach_no_one_and_break_no_message(empty_harness: ClientHarness) -> None:
    days = Days(empty_harness)
    hostile = [
        "@everyone <@1> <@&2> [x](http://y.example) ||`**",
        "\u202e" + "가" * 4000,
        "*" * 1500 + "\n## Heading\n> quote",
        "😀" * 1500,
        "</today:1> <t:1:F> <#1> discord.gg/x",
    ]
    papers = [
        {
            "arxiv_id": f"2601.0{number:04}",
            "title": text,
            "authors": [text],
            "abstract": text,
            "votes": number,
        }
        for number, text in enumerate(hostile, start=1)
    ]
    ingest = empty_harness.container.create_ingest()
    facts = [
        models.PaperFacts(source="arxiv", location="u", read_at=days.now, **_facts(row)) for row in papers
    ]
    await ingest.add_digests([listing.build(date(2025, 12, 31), papers)], source=HOUSE, location="l")
    await ingest.add_facts(facts)
    await days.ask(at="9am UTC")
    await days.wait_until("2 12:00")
    (message,) = days.messages
    assert len(shown_papers(message)) == 5
    text = shown_text(message)
    assert "\u202e" not in text
    assert "@everyone" not in text
    assert re.findall(r"(?<!\\)<(?:@|#|/|t:)", text) == []
    assert "](http://y.example)" not in text
    assert "\n## Heading" not in text
    assert len(text) <= 4000


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "authors": tuple(row["authors"])}
