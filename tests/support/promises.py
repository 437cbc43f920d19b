"""What `docs/planning.md` and `docs/delivery.md` promise of daily posts and alerts, whichever tests play the days.

It knows settings, lists' days and what arrived, and nothing of the bot.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from storage import models

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONTH = 30 * DAY
NEW_YORK = ZoneInfo("America/New_York")

Place = tuple[int, str]
"""A channel and a language: the papers of its posts do not repeat."""


def place_of(row: models.Subscription) -> Place:
    return row.channel_id, row.locale.value


def close_of(day: date) -> datetime:
    """Return when a day's list is complete (UTC)."""
    return datetime.combine(day, time(21, 30), NEW_YORK).astimezone(UTC)


@lru_cache(maxsize=10_000)
def first_minute(zone: ZoneInfo, on: date, at: time) -> datetime:
    """Return the first minute at which the zone's clock shows this time or a later one."""
    wall = datetime.combine(on, at)
    first, _ = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    return next(
        moment
        for n in range(180)
        if (moment := first + timedelta(minutes=n)).astimezone(zone).replace(tzinfo=None) >= wall
    )


def due_at(row: models.Subscription, on: date) -> tuple[datetime, date | None]:
    """Return when a date's post is due, and the day whose complete list it waits for."""
    at = first_minute(ZoneInfo(row.timezone), on, time.fromisoformat(row.at_time or "09:00"))
    if row.at_time:
        return at, None
    day = max(on + n * DAY for n in range(-3, 2) if close_of(on + n * DAY) <= at + 6 * HOUR)
    return max(at, close_of(day)), day


@dataclass
class Arrivals:
    """The papers that arrived in each place, or came to each reader as matches, and what was wrong with them."""

    papers: dict[Hashable, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))
    """When each paper last came."""
    faults: list[str] = field(default_factory=list)
    markers: set[str] = field(default_factory=set)
    _deliveries: dict[tuple[Hashable, str], str] = field(default_factory=dict)

    def add(self, marker: str, delivery: str, place: Hashable, names: Iterable[str], at: datetime) -> None:
        """Take note of a message: each comes once, and a paper once in a month.

        Messages of one `delivery` may share papers, as a headline and its cards do. Elsewhere that is the marker.
        """
        if marker in self.markers:
            self.faults.append(f"{marker} came twice")
        self.markers.add(marker)
        for name in names:
            before, of_delivery = self.papers[place].get(name), self._deliveries.get((place, name))
            if before is not None and at - before <= MONTH and of_delivery != delivery:
                self.faults.append(f"{name} came to {place} at {before} and by {delivery} at {at}")
            self.papers[place][name], self._deliveries[place, name] = at, delivery
