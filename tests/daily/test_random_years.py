"""Random years of daily posts, compared with an oracle that only knows the rules in `docs/planning.md`.

Lists arrive late, grow, are corrected or arrive twice; the bot and Discord go down; managers edit. By default, one fixed seed
runs for some weeks on each engine. `RANDOM_YEARS=10` runs ten whole years, starting from the seed `RANDOM_SEED`.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.archive import listing
from bot.daily.planner import DailyPlanner
from bot.daily.service import Subscriptions
from storage import archive, daily, models, outbox
from storage.database import Connection, Database
from tests.support import digest_builders, outbox_builders
from tests.support.world import DAY, HOUR, World, read_lists

YEARS = int(os.environ.get("RANDOM_YEARS", "0"))
SEED = int(os.environ.get("RANDOM_SEED", "0"))
DAYS = 365 if YEARS else 45
FIRST = date(2025, 10, 20)
"""Two weeks before the clocks change in New York. They change again in March."""
NEW_YORK = ZoneInfo("America/New_York")
TOPIC = "even"
"""A topic that matches all papers with even numbers."""


def close_of(day: date) -> datetime:
    return datetime.combine(day, time(21, 30), NEW_YORK).astimezone(UTC)


def number_of(name: str) -> int:
    return int(name.partition(".")[2])


@dataclass
class Posted:
    """A planned post."""

    id: int
    subscription_id: int
    place: tuple[int, str]
    planned_at: datetime
    on: date
    about_on: date
    ingests: int
    names: list[str]
    lives: timedelta
    is_live: bool = True


@dataclass
class Oracle:
    """The events so far and the posts that the rules require."""

    ingests: int = 0
    listed: dict[tuple[str, date], dict[str, int]] = field(default_factory=dict)
    """The number of the ingest that added each paper, by place and day."""
    votes: dict[str, int] = field(default_factory=dict)
    reads: dict[date, datetime] = field(default_factory=dict)
    posts: dict[tuple[int, str], list[Posted]] = field(default_factory=lambda: defaultdict(list))
    """The posts in each channel and language."""
    last_on: dict[int, date] = field(default_factory=dict)

    def store(self, place: str, day: date, names: Sequence[str], *, is_list: bool) -> None:
        before = self.listed.get((place, day), {})
        kept = {name: number for name, number in before.items() if is_list or name in names}
        if {*kept} | {*names} == {*before}:
            return
        self.ingests += 1
        self.listed[place, day] = kept | {name: self.ingests for name in names if name not in kept}

    def due_at(self, row: models.Subscription, on: date) -> tuple[datetime, date | None]:
        zone = ZoneInfo(row.timezone)
        at = datetime.combine(on, time.fromisoformat(row.at_time or "09:00"), zone).astimezone(UTC)
        if row.at_time:
            return at, None
        day = max(on + n * DAY for n in range(-3, 2) if close_of(on + n * DAY) <= at + 6 * HOUR)
        return max(at, close_of(day)), day

    def newest(self, row: models.Subscription, now: datetime) -> date:
        today = now.astimezone(ZoneInfo(row.timezone)).date()
        dates = (today + n * DAY for n in range(-8, 2))
        return max(on for on in dates if on.isoweekday() in row.days and self.due_at(row, on)[0] <= now)

    def expect(self, row: models.Subscription, now: datetime) -> tuple[date, list[str]] | None:
        """Return the date and papers of the post to plan now, if any, and mark dates that are done."""
        on = self.newest(row, now)
        at, day = self.due_at(row, on)
        is_over = now >= at + 12 * HOUR
        if self.last_on[row.id] >= on:
            return None
        if day is not None and not is_over and self.reads.get(day, at - DAY) < close_of(day):
            return None
        names = self.choose(row, now, on, day)
        if names or is_over:
            self.last_on[row.id] = on
        return (on, names) if names else None

    def choose(self, row: models.Subscription, now: datetime, on: date, day: date | None) -> list[str]:
        until = day or (now + 14 * HOUR).date()
        dates = self.list_dates(on - 20 * DAY, until)
        here = [post for post in self.posts[place_of(row)] if post.is_live]
        posted = {name for post in here if now - post.planned_at <= 30 * DAY for name in post.names}

        def is_postable(name: str) -> bool:
            return (
                name not in posted
                and self.votes[name] >= row.min_votes
                and (not row.topic or number_of(name) % 2 == 0)
            )

        def best(names: set[str]) -> list[str]:
            return sorted(filter(is_postable, names), key=lambda name: -self.votes[name])

        if row.style is models.Style.WEEKLY:
            until = min(on, until)
            week = {name for name, of in dates.items() if any(on - 6 * DAY <= d <= until for d, _ in of)}
            return best(week)[: row.top_n]
        about = day or on
        window = {
            name: [(dated, number) for dated, number in of if about - 7 * DAY <= dated <= until]
            for name, of in dates.items()
        }
        newest = {name: max(dated for dated, _ in of) for name, of in window.items() if of}
        mine = [post for post in here if post.subscription_id == row.id]
        if not mine:
            last = max(newest.values(), default=about)
            first_post = {name for name, dated in newest.items() if dated == last}
            return best(first_post)[: row.top_n] if last > about - 3 * DAY else []
        last_post = max(mine, key=lambda post: post.id)
        new = {
            name: dated
            for name, dated in newest.items()
            if dated > last_post.about_on or min(number for _, number in window[name]) > last_post.ingests
        }
        had_papers = {
            dated
            for of in window.values()
            for dated, number in of
            if dated <= last_post.about_on and number <= last_post.ingests
        }
        late = {
            name
            for name, dated in new.items()
            if dated <= about - 3 * DAY or (dated in had_papers and close_of(dated) <= now)
        }
        own = best({*new} - late)[: row.top_n]
        by_day = sorted(best(late), key=lambda name: newest[name], reverse=True)
        return own + by_day[: 5 + row.top_n - len(own)] if own else []

    def list_dates(self, since: date, until: date) -> dict[str, list[tuple[date, int]]]:
        """Return each paper's days between two dates, with the numbers of the ingests that added it."""
        dates: dict[str, list[tuple[date, int]]] = defaultdict(list)
        for (_, dated), papers in self.listed.items():
            if since <= dated <= until:
                for name, number in papers.items():
                    dates[name].append((dated, number))
        return dates

    def newest_day(self, row: models.Subscription, now: datetime, on: date) -> date:
        """Return the newest day that a date's post draws from."""
        _, day = self.due_at(row, on)
        until = day or (now + 14 * HOUR).date()
        return max(
            (dated for (_, dated), papers in self.listed.items() if papers and dated <= until), default=until
        )


def place_of(row: models.Subscription) -> tuple[int, str]:
    return row.channel_id, row.locale.value


class Year:
    """An archive, a planner and subscriptions that go through random events for up to a year."""

    def __init__(self, database: Database, seed: int) -> None:
        self.random = random.Random(seed)
        self.database = database
        self.deliveries = World(database).deliveries
        self.planner = DailyPlanner(database, self.deliveries, self.match)
        self.oracle = Oracle()
        self.now = datetime.combine(FIRST, time(0), UTC)
        self.service = Subscriptions(database, lambda: self.now)
        self.count = 0
        self.lists: dict[date, list[str]] = {}
        self.bot_away_until = self.discord_away_until = self.now
        self.waiting: list[Posted] = []
        self.unsettled: list[datetime] = []
        """When posts with an unknown outcome were planned."""
        self.subscriptions: list[models.Subscription] = []

    async def match(
        self, _: Connection, topic: str, papers: Sequence[archive.DigestPaper]
    ) -> dict[int, float]:
        return {paper.paper_id: 1.0 for paper in papers if number_of(paper.arxiv_id) % 2 == 0}

    def new_papers(self, most: int) -> list[str]:
        names = []
        for _ in range(self.random.randint(1, most)):
            self.count += 1
            name = f"{2501 + self.count // 9000:04}.{self.count % 9000 + 10000:05}"
            # No two papers have the same number of votes, so votes alone decide the order.
            self.oracle.votes[name] = self.random.randint(0, 60) * 10_000 + self.count
            names.append(name)
        return names

    async def subscribe(self, channel_id: int, **options: Any) -> None:
        row = await self.service.add(
            models.Subscription(
                guild_id=10, channel_id=channel_id, top_n=self.random.choice((1, 2, 4)), **options
            )
        )
        self.oracle.last_on[row.id] = self.oracle.newest(row, self.now)
        self.subscriptions.append(row)

    async def store(self, place: str, day: date, names: Sequence[str], *, is_list: bool) -> None:
        """Ingest a digest."""
        self.oracle.store(place, day, names, is_list=is_list)
        votes = [(name, self.oracle.votes[name]) for name in names]
        papers = [{"arxiv_id": name, "title": name, "votes": count} for name, count in votes]
        text = listing.build(day, papers).text if is_list else digest_builders.newsletter(day, votes)
        await digest_builders.ingest_digest(self.database, text, at=self.now, location=f"{place}/{day}")

    async def happen(self) -> None:
        """Simulate the random events of a few hours."""
        chance = self.random.random
        today = self.now.date()
        if today.isoweekday() <= 5 and chance() < 0.6:
            known = self.lists.setdefault(today, [])
            known += self.new_papers(4)
            await self.store("list", today, known, is_list=True)
        for ago in (1, 1, 2, 5):
            day = today - ago * DAY
            if day in self.lists and chance() < 0.08:  # the list grows after its day
                self.lists[day] += self.new_papers(2)
                await self.store("list", day, self.lists[day], is_list=True)
        if chance() < 0.03 and self.lists:  # a list arrives truncated, or again
            day = self.random.choice([*self.lists][-3:])
            names = self.lists[day]
            await self.store(
                "list", day, self.random.sample(names, self.random.randint(1, len(names))), is_list=True
            )
        if chance() < 0.15:
            day = today - self.random.choice((0, 1, 1, 2)) * DAY
            listed = self.oracle.listed.get(("written", day), {})
            names = [name for name in {*listed, *self.lists.get(day, ())} if chance() < 0.7]
            await self.store("written", day, sorted([*names, *self.new_papers(1)]), is_list=False)
        if chance() < 0.02:  # a list repeats papers from earlier weeks
            names = self.random.sample([*self.oracle.votes], min(5, len(self.oracle.votes)))
            self.lists.setdefault(today, []).extend(set(names) - {*self.lists.get(today, ())})
            await self.store("list", today, self.lists[today], is_list=True)
        if chance() < 0.03:
            self.bot_away_until = self.now + self.random.randint(5, 80) * HOUR
        if chance() < 0.03:
            self.discord_away_until = self.now + self.random.randint(5, 60) * HOUR

    async def edit(self) -> None:
        row = self.random.choice(self.subscriptions)
        changes: dict[str, Any] = self.random.choice(
            [
                {"top_n": self.random.choice((1, 3, 5))},
                {"min_votes": self.random.choice((0, 100_000, 250_000))},
                {"at_time": self.random.choice(("07:00", "10:00", "18:30"))} if row.at_time else {},
                {"timezone": self.random.choice(("Asia/Seoul", "America/New_York", "UTC"))},
                {"days": self.random.choice(((1, 2, 3, 4, 5), (1, 4), (1, 2, 3, 4, 5, 6, 7)))},
            ]
        )
        wanted = replace(row, **changes)
        before, after = self.oracle.newest(row, self.now), self.oracle.newest(wanted, self.now)
        if (row.at_time, row.timezone, row.days) != (wanted.at_time, wanted.timezone, wanted.days):
            at, day = self.oracle.due_at(row, before)
            is_read = day is None or self.oracle.reads.get(day, at - DAY) >= close_of(day)
            is_due = self.oracle.last_on[row.id] < before and (is_read or self.now >= at + 12 * HOUR)
            if not is_due or before != after:
                self.oracle.last_on[row.id] = max(after, self.oracle.last_on[row.id])
        self.subscriptions[self.subscriptions.index(row)] = await self.service.edit(wanted)

    async def tick(self) -> None:
        """Plan due posts, and compare them with the oracle's."""
        expected: list[Posted] = []
        before = dict(self.oracle.last_on)
        for row in sorted(self.subscriptions, key=lambda row: (bool(row.topic), row.id)):
            if (post := self.oracle.expect(row, self.now)) is not None:
                on, names = post
                about = on if row.style is models.Style.WEEKLY else self.oracle.newest_day(row, self.now, on)
                next_on = next(on + n * DAY for n in range(1, 8) if (on + n * DAY).isoweekday() in row.days)
                posted = Posted(
                    0, row.id, place_of(row), self.now, on, about, self.oracle.ingests, names, next_on - on
                )
                self.oracle.posts[posted.place].append(posted)
                expected.append(posted)
        # In whole years, skip most ticks at which nothing is due.
        if YEARS and self.oracle.last_on == before and self.random.random() < 0.7:
            return
        await self.planner.tick(self.now)
        async with self.database.read() as connection:
            planned = await outbox.list_rows(connection, since_at=self.now)
            last_on = {row.id: row.last_on for row in await daily.list_rows(connection)}
        found = {(row.subscription_id, row.local_on): (row.id, [*row.papers]) for row in planned}
        assert {key: names for key, (_, names) in found.items()} == {
            (post.subscription_id, post.on): post.names for post in expected
        }, self.now
        assert last_on == self.oracle.last_on, self.now
        for posted in expected:
            posted.id, _ = found[posted.subscription_id, posted.on]
            self.waiting.append(posted)

    async def deliver(self) -> None:
        """Send waiting posts unless Discord is down, lose some replies, and expire old posts."""
        is_down = self.now < self.discord_away_until
        chances = {post.id: 1.0 if is_down else self.random.random() for post in self.waiting}
        async with self.database.transaction() as connection:
            for id_, chance in chances.items():
                if chance >= 0.9:
                    continue
                (part,) = await outbox.list_parts(connection, id_)
                await outbox.mark_sending(connection, [part.id], self.now)
                if chance < 0.85:
                    receipts = {part.id: models.Receipt(1000 + part.id, 20)}
                    await outbox.mark_sent(connection, receipts, self.now)
                else:
                    await outbox.mark_retry(
                        connection, part.id, next_attempt_at=self.now, unknown_since=self.now, error="lost"
                    )
                    self.unsettled.append(self.now)
        self.waiting = [post for post in self.waiting if chances[post.id] >= 0.9]
        for post in self.waiting:
            post.is_live = self.now - post.planned_at < post.lives
        is_settled = bool(self.unsettled) and self.now - self.unsettled[0] >= 2 * DAY
        if is_settled or not all(post.is_live for post in self.waiting):
            await outbox_builders.make_recorder(self.database, self.deliveries).expire(self.now)
            self.unsettled = [lost_at for lost_at in self.unsettled if self.now - lost_at < 2 * DAY]
            self.waiting = [post for post in self.waiting if post.is_live]

    async def run(self, days: int) -> None:
        await read_lists(self.database, self.now)
        await self.subscribe(20, at_time="09:00", timezone="Asia/Seoul")
        await self.subscribe(20, at_time="18:00", timezone="Asia/Seoul", topic=TOPIC)
        await self.subscribe(21, timezone="America/New_York")
        await self.subscribe(22, timezone="Asia/Seoul", min_votes=100_000)
        await self.subscribe(23, at_time="11:00", style=models.Style.WEEKLY, days=(1,))
        end = self.now + days * DAY
        while self.now < end:
            await self.happen()
            if self.now >= self.bot_away_until:
                today = self.now.date()
                days_read = [day for day in (today - DAY, today) if self.random.random() < 0.9]
                self.oracle.reads |= dict.fromkeys(days_read, self.now)
                await read_lists(self.database, self.now, *days_read)
                if self.random.random() < 0.6:
                    await self.deliver()
                if self.random.random() < 0.06:
                    await self.edit()
                await self.tick()
            self.now += self.random.randint(2, 14 if YEARS else 6) * HOUR


@pytest.mark.promise
@pytest.mark.engines("sqlite", "postgresql")
@pytest.mark.parametrize("seed", range(SEED, SEED + max(1, YEARS)))
async def test_posts_in_a_randomly_simulated_year_follow_the_rules(db: Database, seed: int) -> None:
    year = Year(db, seed)
    await year.run(DAYS)
    count = 0
    for at_place in year.oracle.posts.values():
        posts = [post for post in at_place if post.is_live]
        count += len(posts)
        for post in posts:
            others = (
                other
                for other in posts
                if other is not post and timedelta(0) <= post.planned_at - other.planned_at < 30 * DAY
            )
            assert not {*post.names} & {name for other in others for name in other.names}
        dates = [(post.subscription_id, post.on) for post in posts]
        assert len(dates) == len(set(dates))
    assert count > DAYS
