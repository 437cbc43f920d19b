"""A world in which a reader receives the papers of the day by direct message."""

from collections.abc import Iterable

from bot.features.today.service import TodayPlanner, TodayPost, TodayService
from storage import models
from storage.database import Database
from tests.support import world
from tests.support.world import DAY, MINUTE, READER, ZONES, World

HOURS = {0, 1, 3, 6, 8, 9, 10, 13, 15, 23}
"""Full hours (UTC): a message is due at 09:00 or 13:00 here or at 09:00 in Seoul, or six hours later."""
LETTERS = {"Thu-1": "A", "Fri-1": "B", "Sat-1": "C", "Sun-1": "D", "Mon": "E", "Tue": "F", "Wed": "G"}
"""The letter that names the papers on each day's list."""


class TodayWorld(World):
    """A world with the planner for the papers of the day. It starts on January 1, 2026 (UTC), a Thursday.

    A list closes at 02:30 UTC on the next day.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, "Thu-1 00:00 UTC")
        self.services = self.workers.container.services
        self.today = self.services.get(TodayService)
        self.planner = self.workers.services.get(TodayPlanner)
        self.arrived: list[tuple[str, str]] = []
        """Each message and when it was sent (UTC)."""

    async def subscribe(self, at: str = "09:00 UTC", by: int = READER) -> None:
        """Send a reader's papers each day at a local time in a city."""
        at_time, city = at.split()
        await self.today.send_daily(by, at_time, ZONES[city])

    async def read(self, on: str, numbers: Iterable[int] = (), *more: str) -> None:
        """Read a day's list from Hugging Face. Numbers are the day's own papers; names are papers of other days."""
        if listed := " ".join([*more, *(f"{LETTERS[on]}{number}" for number in numbers)]):
            await self.list(on, listed)
        await self.read_lists(on)

    async def tick(self) -> None:
        await self.relay.expire(self.now)
        await self.planner.tick(self.now)
        await self.relay.drain(self.now)
        self.arrived += [(f"{self.now:%a %H:%M}", text) for text in self.sent[len(self.arrived) :]]

    async def read_closed(self, on: str, numbers: Iterable[int] = (), *more: str) -> None:
        """Read a day's list a minute after it closes."""
        await self.until(f"{on} 02:31 UTC", days=1)
        await self.read(on, numbers, *more)

    async def until(self, when: str, *, days: int = 0, every: int = 0) -> None:
        """Move the clock to a given time or days after it, planning and sending each `every` minutes on the way.

        By default at HOURS: each hour around those at which messages are due, and some others.
        """
        end = world.moment(when) + days * DAY
        while self.now < end:
            left = every - self.now.minute % every if every else 60 - self.now.minute
            while not every and (self.now + left * MINUTE).hour not in HOURS:
                left += 60
            await self.wait(minutes=min(left, (end - self.now) / MINUTE))

    async def show(self) -> TodayPost | None:
        return await self.today.build_post(READER, models.Locale.EN)

    async def shows(self, on: str) -> bool:
        """Return whether /today shows the papers of the given day."""
        post = await self.show()
        return post is not None and post.digest_on == world.day(on)
