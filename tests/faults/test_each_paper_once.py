"""Each paper once: six weeks of posts on all weekdays, counted paper by paper in each channel.

Lists grow from the morning to 21:30 in New York, as Hugging Face's do. The papers of four weeks are counted, with a change of New
York's clocks in their middle; the lists of the last two weeks let the last of them come. Which paper may be missing is
derived from when it was listed and when its post was set up, paused and due, and from nothing of the bot.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from bot.features.daily.why import Cause
from storage import models
from storage.database import Database
from storage.models import Style
from tests.support.promises import DAY, HOUR, NEW_YORK, close_of, due_at
from tests.support.world import DAYS, GUILD, MONDAY, World, read_lists

pytestmark = [pytest.mark.promise, pytest.mark.engines("sqlite")]

SIDES = {"spring": date(2026, 2, 23), "autumn": date(2026, 10, 19)}
"""The Mondays two weeks before New York's clocks change."""
ZONES = ("Asia/Seoul", "America/New_York")
TROUBLES = ("nothing", "holiday", "silence", "pause", "away", "late start")
"""A Wednesday without a list; a week without lists; eight days of pause; a bot that is off from Saturday to Tuesday noon;
posts that are set up on a Wednesday."""
COUNTED_DAYS, ALL_DAYS = 28, 42
GROWS_AT = (time(9), time(13), time(18), time(21, 25))
"""When the list of a weekday gets a paper, in New York."""


SHORT = ("spring", "Asia/Seoul", "holiday")
"""The one that is played without `--all-faults`."""


def kinds() -> Iterable[tuple[tuple[int, ...], str, Style]]:
    """Yield weekdays, time and style of each post: each single weekday at three hours, and posts of several weekdays."""
    for weekday in range(1, 8):
        for at in ("00:30", "09:00", "18:00"):
            yield (weekday,), at, Style.WEEKLY
            yield (weekday,), at, Style.COMPACT
        yield (weekday,), "", Style.COMPACT
    for days in ((1, 4), (2, 3), (1, 2, 3, 4, 5), (6, 7), (1, 2, 3, 4, 5, 6, 7)):
        yield days, "09:00", Style.COMPACT
        yield days, "18:00", Style.WEEKLY
        yield days, "", Style.COMPACT


@dataclass
class Weeks:
    """Weeks of lists, and a channel with a post for each of the kinds."""

    world: World
    monday: date
    zone: str
    trouble: str
    listed: dict[date, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))
    """When each paper of a day's list was listed (UTC)."""

    def __post_init__(self) -> None:
        self.begin = datetime.combine(self.monday, time(0), UTC) - 2 * DAY
        self.set_up_at = self.begin + (4 * DAY + 12 * HOUR if self.trouble == "late start" else 0 * DAY)
        self.paused = (self.begin + 12 * DAY + 6 * HOUR, self.begin + 20 * DAY + 6 * HOUR)
        self.away = [
            datetime.combine(self.monday + number * DAY, time(12), ZoneInfo(self.zone)).astimezone(UTC)
            for number in (12, 15)
        ]
        self.rows = {
            channel_id: models.Subscription(
                guild_id=GUILD,
                channel_id=channel_id,
                at_time=at,
                timezone=self.zone,
                top_n=25,
                days=days,
                style=style,
            )
            for channel_id, (days, at, style) in enumerate(kinds(), 100)
        }

    def days(self) -> list[date]:
        return [self.monday + number * DAY for number in range(-1, ALL_DAYS)]

    def has_list(self, on: date) -> bool:
        number = (on - self.monday).days
        is_silent = {"holiday": number == 9, "silence": 7 <= number < 14}.get(self.trouble, False)
        return on.isoweekday() <= 5 and not is_silent

    def is_away(self, moment: datetime) -> bool:
        return self.trouble == "away" and self.away[0] <= moment < self.away[1]

    def moments(self) -> list[datetime]:
        """Return when something happens: a list grows or has closed, or a post is due."""
        found = {self.set_up_at, *self.paused}
        for on in self.days():
            found |= {datetime.combine(on, at, NEW_YORK).astimezone(UTC) for at in GROWS_AT}
            found.add(close_of(on) + timedelta(minutes=5))
            found |= {due_at(row, on)[0] for row in self.rows.values() if on.isoweekday() in row.days}
        return sorted(moment for moment in found if moment >= self.set_up_at - 4 * DAY)

    async def read(self) -> None:
        """Read what the lists have by now."""
        now = self.world.now
        for number, on in enumerate(self.days()):
            grown_at = [datetime.combine(on, at, NEW_YORK).astimezone(UTC) for at in GROWS_AT]
            names = [f"A{number * len(GROWS_AT) + n}" for n, at in enumerate(grown_at) if at <= now]
            if self.has_list(on) and len(names) > len(self.listed[on]):
                self.listed[on] = dict.fromkeys(names, now) | self.listed[on]
                weeks, weekday = divmod((on - MONDAY).days, 7)
                await self.world.list(f"{DAYS[weekday]}{weeks:+}", " ".join(f"{name}▲5" for name in names))
        closed = [on for on in self.days() if timedelta() <= now - close_of(on) < 4 * DAY]
        await read_lists(self.world.database, now, *closed)

    async def run(self) -> None:
        world, is_set_up, is_paused = self.world, False, False
        for moment in self.moments():
            world.now = moment
            if self.is_away(moment):
                continue
            await self.read()
            if not is_set_up and moment >= self.set_up_at:
                is_set_up = True
                for channel_id, row in self.rows.items():
                    self.rows[channel_id] = await world.subscriptions.add(row)
            if self.trouble == "pause" and is_paused != (self.paused[0] <= moment < self.paused[1]):
                is_paused = not is_paused
                change = world.subscriptions.pause if is_paused else world.subscriptions.resume
                for row in self.rows.values():
                    await change(row.id)
            await world.tick()

    async def check(self) -> None:
        """Each paper of the counted weeks came once to each channel, or `/why` says the true reason."""
        came: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for channel_id, text, _ in self.world.discord.messages:
            for name in text.split():
                came[channel_id][name] += 1
        faults = []
        for channel_id, row in self.rows.items():
            kind = f"{row.style.value} {row.days} {row.at_time!r}"
            twice = [name for name, count in came[channel_id].items() if count > 1]
            if twice:
                faults.append(f"{kind}: twice {twice}")
            missing = [
                (name, on, at)
                for on in self.days()[:COUNTED_DAYS]
                for name, at in self.listed[on].items()
                if not came[channel_id][name]
            ]
            first = await self.find_first(channel_id) if missing else None
            for name, on, listed_at in missing:
                answer = await self.world.why(name, channel_id)
                cause = answer.explanations[0].cause
                if not self.is_excused(cause, on, listed_at, row, first):
                    faults.append(f"{kind}: {name} of {on:%a %d %b}, listed {listed_at}: {cause}")
        assert not faults, f"{len(faults)} faults, such as " + "\n".join(faults[:: len(faults) // 20 + 1])

    async def find_first(self, channel_id: int) -> models.Delivery | None:
        """Return a channel's first post after it was set up, after the pause, or after the bot was away."""
        since_at = {"pause": self.paused[1], "away": self.away[1]}.get(self.trouble, self.set_up_at)
        posts = [post for post in await self.world.planned() if post.channel_id == channel_id]
        return next((post for post in posts if post.planned_at >= since_at), None)

    def is_excused(
        self,
        cause: Cause,
        on: date,
        listed_at: datetime,
        row: models.Subscription,
        first: models.Delivery | None,
    ) -> bool:
        """Return whether a paper may be missing, and for this reason. `first` is that of `find_first`."""
        match self.trouble:
            case "away" if first is not None:
                # A late post takes what is known by then, which may be more than it shows.
                is_full = cause is Cause.BELOW_TOP and len(first.papers) >= row.top_n
                return is_full and listed_at < first.planned_at
            case "late start" if first is not None:
                is_full = cause is Cause.BELOW_TOP and len(first.papers) >= row.top_n
                return listed_at < self.set_up_at and (cause is Cause.TOO_EARLY or is_full)
            case "pause" if first is not None and first.local_on is not None:
                if not self.paused[0] - 7 * DAY <= listed_at < first.planned_at:
                    return False
                if cause in (Cause.LATE, Cause.BELOW_TOP):
                    return len(first.papers) >= row.top_n + (5 if cause is Cause.LATE else 0)
                # As posts of each day since the date before would have: each reaches back by seven days.
                since = [day for n in range(7) if (day := first.local_on - n * DAY).isoweekday() in row.days]
                before = since[1] if len(since) > 1 else first.local_on - 7 * DAY
                return cause is Cause.TOO_OLD and on <= before - 6 * DAY
        return False


@pytest.mark.parametrize(
    ("side", "zone", "trouble"),
    [
        pytest.param(*run, marks=[] if run == SHORT else [pytest.mark.all_faults])
        for run in product(SIDES, ZONES, TROUBLES)
    ],
)
async def test_each_paper_of_four_weeks_comes_once_to_each_channel(
    db: Database, side: str, zone: str, trouble: str
) -> None:
    weeks = Weeks(World(db), SIDES[side], zone, trouble)
    await weeks.run()
    await weeks.check()
