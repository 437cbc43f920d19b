"""Random days of daily posts: what readers saw, held against `docs/planning.md` and `docs/delivery.md`.

Lists arrive late, grow, fall silent, are corrected, or have the wrong date at first; the bot and Discord go down; channels
refuse for days or after half a post; replies are lost; managers edit, pause and post at once. Of the bot, the checks know
only the settings, the documents that it was given, and which papers it meant to post when; everything else is what arrived
in a channel.

By default some weeks are played on SQLite, and each night those of more seeds, on both engines. `make test-year` plays whole
years, in which no table may grow without bound; `RANDOM_PLAY=refusals,edits` plays only some of TROUBLES.
"""

import itertools
import os
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.archive import listing
from bot.core import day_close
from bot.features.daily.why import WhyExplainer
from bot.features.operations.retention import Retention
from bot.outbox import contents
from bot.outbox.outcomes import DeliveryError, SendRequest
from bot.search.results import Relevance
from storage import archive, daily, models, schema
from storage.database import Database
from tests.support import digest_builders, seeds
from tests.support import world as stage
from tests.support.world import AWAY, BLOCKED, DAY, FORBIDDEN, HOUR, LOST, World, read_lists

YEARS = int(os.environ.get("RANDOM_YEARS", "0"))
TROUBLES = {
    *("lists", "dates", "outages", "refusals", "halves"),
    *("losses", "content", "edits", "pauses", "asked"),
}
GROWING = {"authors", "digests", "entries", "facts", "paper_authors", "papers", "sections"}
"""Tables that grow with the papers (`docs/storage.md`). All others are bounded by retention."""
MAX_GROWTH = 1.15
PLAY = set(filter(None, os.environ.get("RANDOM_PLAY", "").split(","))) or TROUBLES
FIRST = (date(2025, 10, 20), date(2026, 2, 26), date(2026, 3, 28))
"""Two weeks before the clocks change: in New York in both directions; on Lord Howe Island and in Cairo, at midnight."""
TOPIC = "even"
"""A topic that matches all papers with even numbers."""
WEEK = 7 * DAY
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


def is_even(name: str) -> bool:
    return int(name.partition(".")[2]) % 2 == 0


def days_since_last(row: models.Subscription, on: date) -> list[date]:
    """Return the days after a post's date before, newest first: a week for a weekly post."""
    days = [on - n * DAY for n in range(7)]
    if row.style is models.Style.WEEKLY:
        return days
    return [on, *itertools.takewhile(lambda day: day.isoweekday() not in row.days, days[1:])]


@dataclass
class Post:
    """A post that the bot planned: its papers by message, its newest day, and when its next date comes."""

    key: str
    row: models.Subscription
    on: date
    planned_at: datetime
    ends_at: datetime
    newest_on: date
    groups: list[list[str]]

    @property
    def names(self) -> list[str]:
        return [name for group in self.groups for name in group]

    @property
    def markers(self) -> list[str]:
        return [contents.part_marker(self.key, position) for position in range(len(self.groups))]

    def marker_of(self, name: str) -> str:
        return next(marker for marker, group in zip(self.markers, self.groups, strict=True) if name in group)


@dataclass
class Channels(stage.Discord):
    """Discord. `room` is how many more messages a channel takes; `poison` has papers whose titles are refused.

    Of those in `toxic` the plain form is refused as well.
    """

    world: World
    random: random.Random
    is_away: bool = False
    loss: float = 0.0
    room: dict[int, int] = field(default_factory=dict)
    poison: set[str] = field(default_factory=set)
    toxic: set[str] = field(default_factory=set)
    arrived: dict[str, tuple[datetime, int, list[str]]] = field(default_factory=dict)
    """When, where and with which papers each message arrived, by marker."""
    uncertain: set[str] = field(default_factory=set)
    """The markers of messages whose reply was lost."""
    refused: set[str] = field(default_factory=set)
    """The markers of messages whose content was refused."""
    left_out: set[str] = field(default_factory=set)
    """The markers of those whose plain form was refused, too."""

    async def send(self, request: SendRequest) -> models.Receipt:
        channel_id, names = request.channel_id, request.payload["content"].split()
        is_plain = names[:1] == ["plain"]
        names = names[is_plain:]
        if self.is_away:
            raise DeliveryError(AWAY, "away")
        if channel_id > 0 and self.room.get(channel_id, 1) <= 0:
            raise DeliveryError(FORBIDDEN, "closed")
        if (self.toxic if is_plain else self.poison) & {*names}:
            (self.left_out if is_plain else self.refused).add(request.marker or "")
            self.uncertain.discard(request.marker or "")
            raise DeliveryError(BLOCKED, "content")
        is_lost = request.marker is not None and self.random.random() < self.loss
        marker = request.marker or ""
        if not is_lost or self.random.random() < 0.5:
            assert marker not in self.arrived, f"{marker} came twice"
            self.arrived[marker] = self.world.now, channel_id, names
            if channel_id in self.room:
                self.room[channel_id] -= 1
        if is_lost:
            self.uncertain.add(marker)
            raise DeliveryError(LOST, "lost")
        return models.Receipt(1000 + len(self.arrived), channel_id)

    async def find(self, request: SendRequest, since: datetime) -> models.Receipt | None:
        if self.is_away:
            raise DeliveryError(AWAY, "away")
        return models.Receipt(1, request.channel_id) if request.marker in self.arrived else None


class Renderer(stage.Renderer):
    """Renders compact posts with two papers a message, others as a headline and a message a paper."""

    def render_daily(self, post: Any) -> tuple[contents.RenderedPart, ...]:
        names = [paper.key for paper in post.papers]
        return tuple(
            self.part(post.marker, group, n)
            for n, group in enumerate(groups_of(post.subscription.style, names))
        )

    def part(self, marker: str, group: list[str], position: int) -> contents.RenderedPart:
        body = {"content": " ".join(group), "marker": contents.part_marker(marker, position)}
        plain = body | {"content": f"plain {body['content']}"}
        return contents.RenderedPart(models.PartKind.MESSAGE, body, plain, paper_count=len(group))


def groups_of(style: models.Style, names: Sequence[str]) -> list[list[str]]:
    if style is models.Style.CARDS:
        return [[], *([name] for name in names)]
    return [list(names[start : start + 2]) for start in range(0, len(names), 2)]


class Year:
    """An archive, the bot and subscriptions that go through random days."""

    def __init__(self, database: Database, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = world = World(database)
        world.now = datetime.combine(FIRST[seed % 3], time(0), UTC)
        world.renderer = Renderer()
        world.discord = world.sender = self.discord = Channels(world, self.random)
        world.search.match_papers = self.match_papers  # type: ignore[method-assign]
        world.restart()
        self.votes: dict[str, int] = {}
        self.lists: dict[date, list[str]] = {}
        self.listed: dict[tuple[str, date], dict[str, datetime]] = {}
        """When each document, as it is now, first had its papers, by location and day."""
        self.reads: dict[date, datetime] = {}
        self.posts: dict[str, Post] = {}
        self.posts_with: dict[tuple[Place, str], list[Post]] = defaultdict(list)
        self.last_posts: dict[int, Post] = {}
        self.finished: dict[int, date] = {}
        """The newest date of each subscription that had its post, was given up, or was before its beginning."""
        self.bot_away_until = self.discord_away_until = self.silent_until = world.now
        self.closed_until: dict[int, datetime] = {}
        self.wrong_dates: list[tuple[str, date, date, list[str]]] = []
        self.came: dict[Place, dict[str, datetime]] = defaultdict(dict)
        """When each paper last came to each place."""
        self.checked: set[str] = set()
        self.asked = 0
        self.ticked_at = world.now

    @property
    def now(self) -> datetime:
        return self.world.now

    async def match_papers(
        self, text: str, digest_papers: Sequence[archive.DigestPaper], server_id: int = 0
    ) -> dict[int, Relevance]:
        return {paper.paper_id: Relevance(1.0) for paper in digest_papers if is_even(paper.paper_key)}

    # The settings and the documents.

    async def rows(self) -> list[models.Subscription]:
        return await self.world.database.fetch(daily.list_rows)

    async def subscribe(self, channel_id: int, **options: Any) -> None:
        top_n = self.random.choice((1, 2, 4))
        draft = models.Subscription(guild_id=10, channel_id=channel_id, top_n=top_n, **options)
        row = await self.world.subscriptions.add(draft)
        self.finished[row.id] = self.newest(row)

    def draw_post(self) -> dict[str, Any]:
        """Return any weekdays, hour, zone and style of a post."""
        choose = self.random.choice
        style = choose((models.Style.COMPACT, models.Style.CARDS, models.Style.WEEKLY))
        days = tuple(sorted(self.random.sample(range(1, 8), self.random.randint(1, 7))))
        hours = (
            ("00:30", "09:00", "18:00") if style is models.Style.WEEKLY else ("", "00:30", "09:00", "18:00")
        )
        zone = choose(("Asia/Seoul", "America/New_York"))
        return {"at_time": choose(hours), "timezone": zone, "days": days, "style": style}

    def new_papers(self, most: int) -> list[str]:
        names = []
        for _ in range(self.random.randint(1, most)):
            count = len(self.votes) + 1
            name = f"{2501 + count // 9000:04}.{count % 9000 + 10000:05}"
            # No two papers have the same number of votes, so votes alone decide the order.
            self.votes[name] = self.random.randint(0, 60) * 10_000 + count
            names.append(name)
        return names

    async def store(self, place: str, day: date, names: Sequence[str], *, is_list: bool) -> None:
        """Ingest a document. Lists only grow; in others, papers come and go."""
        key = f"{place}/{day}" if is_list else place, day
        before = self.listed.get(key, {})
        kept = {name: at for name, at in before.items() if is_list or name in names}
        self.listed[key] = kept | {name: self.now for name in names if name not in kept}
        votes = [(name, self.votes[name]) for name in names]
        papers = [{"arxiv_id": name, "title": name, "votes": count} for name, count in votes]
        text = listing.build(day, papers).text if is_list else digest_builders.newsletter(day, votes)
        await digest_builders.ingest_digest(self.world.database, text, at=self.now, location=key[0])
        self.withdraw({*before} - {name for of in self.listed.values() for name in of})

    def withdraw(self, gone: set[str]) -> None:
        """Forget waiting posts of which nothing came or was refused, and of which a paper left all documents.

        They are planned again.
        """
        for post in [post for post in self.posts.values() if gone & {*post.names}]:
            is_tried = {*post.markers} & (
                self.discord.uncertain | self.discord.refused | self.discord.arrived.keys()
            )
            is_asked = post.key.startswith("now:")
            if is_tried or is_asked or self.ticked_at + stage.MINUTE >= post.ends_at:
                continue
            del self.posts[post.key]
            for name in post.names:
                self.posts_with[place_of(post.row), name].remove(post)
            own = [other for other in self.posts.values() if other.row.id == post.row.id]
            daily_posts = [other for other in own if other.key.startswith("daily:")]
            self.last_posts.pop(post.row.id)
            if daily_posts:
                self.last_posts[post.row.id] = daily_posts[-1]
            self.finished[post.row.id] = post.on - DAY

    def dates(self, row: models.Subscription) -> Iterable[date]:
        today = self.now.astimezone(ZoneInfo(row.timezone)).date()
        return (on for n in range(-9, 18) if (on := today + n * DAY).isoweekday() in row.days)

    def newest(self, row: models.Subscription) -> date:
        return max(on for on in self.dates(row) if due_at(row, on)[0] <= self.now)

    def next_at(self, row: models.Subscription) -> datetime:
        """Return when the next date comes that is not finished."""
        on = self.finished[row.id]
        return next(at for day in self.dates(row) if day > on and (at := due_at(row, day)[0]) > self.now)

    # What happened to papers, as far as readers and the documents can tell.

    def is_free(self, place: Place, name: str, *, is_sure: bool) -> bool:
        """Return whether a paper may come: the place did not have it in a month, and no message brings it or may have."""
        seen_at = self.came[place].get(name)
        if seen_at is not None and self.now - seen_at <= (MONTH + 10 * DAY if is_sure else MONTH):
            return False
        posts = self.posts_with[place, name]
        if is_sure and any(self.is_left_out(post, name) for post in posts):
            return False
        recent = [post for post in posts if self.now - post.planned_at <= MONTH]
        return all(self.is_unsent(post, name, is_sure=is_sure) for post in recent)

    def is_unsent(self, post: Post, name: str, *, is_sure: bool) -> bool:
        """Return whether a paper of a post did not come and will not: surely a day later where a reply was lost."""
        if post.marker_of(name) in self.discord.arrived.keys() | self.discord.uncertain:
            return False
        if self.is_left_out(post, name):
            return self.now > post.planned_at
        lost = self.discord.uncertain.intersection(post.markers)
        return self.now >= post.ends_at + (DAY if lost and is_sure else timedelta())

    def is_left_out(self, post: Post, name: str) -> bool:
        return post.marker_of(name) in self.discord.left_out

    def is_returned(self, place: Place, name: str, *, is_sure: bool) -> bool:
        """Return whether a paper was in a message that ended unsent within seven days."""
        within = WEEK if is_sure else 2 * WEEK
        posts = [post for post in self.posts_with[place, name] if self.now - post.ends_at <= within]
        return any(self.is_unsent(post, name, is_sure=is_sure) for post in posts)

    def candidates(
        self, row: models.Subscription, on: date, *, is_sure: bool
    ) -> tuple[set[str], dict[str, date]]:
        """Return the papers of a date's post, before the top N: its own, and the late ones with their day.

        Where the time of an event is not exactly known, `is_sure` leaves out papers that need not come.
        """
        day = due_at(row, on)[1]
        last_on = day or (self.now + 14 * HOUR).date()
        about_on, is_weekly = day or on, row.style is models.Style.WEEKLY
        since = days_since_last(row, on)
        if is_weekly:
            last_on = min(on, last_on)
        is_of_next_day = len(since) == 1
        # What posts of each of these days would have: of three days up to their own, and late ones of seven.
        oldest_on = about_on - (on - since[-1])
        own_on, first_on = oldest_on - 2 * DAY, oldest_on - 7 * DAY
        last = self.last_posts.get(row.id)
        entries: dict[str, list[tuple[date, datetime]]] = defaultdict(list)
        drawn_on: set[date] = set()
        for (_, dated), names in self.listed.items():
            if first_on - (WEEK if is_sure else 2 * WEEK) <= dated <= last_on:
                for name, listed_at in names.items():
                    entries[name].append((dated, listed_at))
                    if last and dated <= last.newest_on and listed_at <= last.planned_at:
                        drawn_on.add(dated)
        newest_on = max((dated for of in entries.values() for dated, _ in of), default=last_on)
        own, late = set[str](), dict[str, date]()
        for name, of_paper in entries.items():
            is_returned = last is not None and self.is_returned(place_of(row), name, is_sure=is_sure)
            last_drawn_on = last.newest_on if last is not None else first_on
            dates = [
                entry
                for entry in of_paper
                if entry[0] >= first_on or entry[0] == last_drawn_on or is_returned
            ]
            if not dates or self.votes[name] < row.min_votes or (row.topic and not is_even(name)):
                continue
            dated, listed_at = max(dates)[0], min(at for _, at in dates)
            is_added = last is not None and listed_at > last.planned_at
            if last is None:
                from_on = on - WEEK if is_weekly else own_on
                is_new = dated == newest_on >= own_on if is_of_next_day else dated >= from_on
            elif is_weekly:
                is_new = dated > min(on - WEEK, last.newest_on) or is_added or is_returned
            else:
                is_new = dated > last.newest_on or is_added or is_returned
            if is_new and self.is_free(place_of(row), name, is_sure=is_sure):
                was_drawn = is_of_next_day and is_added and dated in drawn_on and close_of(dated) <= self.now
                if dated < own_on or was_drawn:
                    late[name] = dated
                else:
                    own.add(name)
        return own, late

    def best(self, names: Iterable[str]) -> list[str]:
        return sorted(names, key=lambda name: -self.votes[name])

    # The promises.

    def check_post(self, row: models.Subscription, on: date, names: list[str]) -> None:
        """A date's post has the best of its papers, and no others: each paper left out is worse or not new."""
        at, day = due_at(row, on)
        assert on == self.newest(row) > self.finished[row.id], f"{row.id} posted {on} at {self.now}"
        is_complete = day is None or self.reads.get(day, at - DAY) >= close_of(day)
        assert is_complete or self.now >= at + 12 * HOUR, f"{row.id} did not wait for the list of {day}"
        own, late = self.candidates(row, on, is_sure=True)
        may_own, may_late = self.candidates(row, on, is_sure=False)
        where = f"subscription {row.id}, {on}, planned {self.now}: {names}"
        if (own, late) == (may_own, may_late):
            top = self.best(own)[: row.top_n]
            by_day = sorted(self.best(late), key=late.__getitem__, reverse=True)
            assert names == [*top, *by_day[: row.top_n + 5 - len(top)]], where
            return
        strange = {*names} - may_own - {*may_late}
        assert not strange, f"{where}: neither new nor in a document: {strange}"
        for name in own - {*names}:
            better = [other for other in names if self.votes[other] > self.votes[name]]
            assert len(better) >= row.top_n, f"{where}: {name} is better and was left out"

    async def check_messages(self) -> None:
        """What arrived came once in a month, and before its next date (a day later where a reply was lost)."""
        for marker in self.discord.arrived.keys() - self.checked:
            self.checked.add(marker)
            at, _, names = self.discord.arrived[marker]
            key = marker.removeprefix("pr:d:").rpartition(":")[0]
            if (post := self.posts.get(key)) is None:
                continue
            is_unknown = not self.discord.uncertain.isdisjoint(post.markers)
            assert at < post.ends_at + (DAY if is_unknown else timedelta()), (
                f"{key} came at {at}, after {post.ends_at}"
            )
            came = self.came[place_of(post.row)]
            for name in names:
                before = came.get(name)
                assert before is None or at - before > MONTH, f"{name} came at {before} and by {key} at {at}"
                came[name] = at

    async def check_reasons(self, count: int) -> None:
        """`/why` says that a paper was posted where readers saw it, and names a rule that holds where they did not."""
        rows = {row.id: row for row in await self.rows()}
        listed = [name for (_, day), names in self.listed.items() if day <= self.now.date() for name in names]
        explainer = WhyExplainer(
            self.world.database, self.world.clock, self.world.search, day_close.default()
        )
        for name in self.random.sample(sorted({*listed}), min(count, len({*listed}))):
            paper = await self.world.search.find_paper(name)
            assert paper is not None
            for channel_id in {row.channel_id for row in rows.values()}:
                answer = await explainer.explain(paper, guild_id=stage.GUILD, channel_id=channel_id)
                for found in answer.explanations:
                    self.check_reason(name, found.subscription, found.cause.value)

    def check_reason(self, name: str, row: models.Subscription, cause: str) -> None:
        seen = name in self.came[place_of(row)]
        posts = self.posts_with[place_of(row), name]
        is_open = any(not self.is_unsent(post, name, is_sure=True) for post in posts)
        holds = {
            "posted": seen,
            "posted-by-another": seen,
            "waiting": is_open or any(self.is_left_out(post, name) for post in posts),
            "uncertain": is_open,
            "unsent": bool(posts) and not seen,
            "too-few-votes": self.votes[name] < row.min_votes,
            "off-topic": bool(row.topic) and not is_even(name),
        }
        assert holds.get(cause, not seen), f"/why says of {name} in {row.id} at {self.now}: {cause}"

    async def count_rows(self) -> dict[str, int]:
        """Purge what is old, and return the number of rows in each table."""
        await Retention(self.world.database, self.world.clock, days=90).purge()
        async with self.world.database.read() as connection:
            return {
                table.name: await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
                for table in schema.METADATA.sorted_tables
            }

    def check_growth(self, before: dict[str, int], after: dict[str, int]) -> None:
        """From the middle of a year to its end, tables grow with the papers or not at all."""
        papers = after["papers"] / before["papers"]
        grown = {
            name: (before[name], count)
            for name, count in after.items()
            if count > MAX_GROWTH * before[name] * (papers if name in GROWING else 1.0) + 20
        }
        assert not grown

    # Random events.

    def chance(self, most: float, trouble: str) -> bool:
        return self.random.random() < most and trouble in PLAY

    async def publish(self) -> None:
        """Publish, correct and repeat the documents of a few hours."""
        today, chance = self.now.date(), partial(self.chance, trouble="lists")
        if chance(0.01):  # a holiday
            self.silent_until = self.now + self.random.randint(3, 12) * DAY
        if today.isoweekday() <= 5 and self.random.random() < 0.6 and self.now >= self.silent_until:
            known = self.lists.setdefault(today, [])
            known += self.new_papers(4)
            await self.store("list", today, known, is_list=True)
        for ago in (1, 1, 2, 5):
            day = today - ago * DAY
            if day in self.lists and chance(0.08):  # the list grows after its day
                self.lists[day] += self.new_papers(2)
                await self.store("list", day, self.lists[day], is_list=True)
        if self.lists and chance(0.03):  # a list arrives truncated, or again
            day = self.random.choice([*self.lists][-3:])
            names = self.lists[day]
            some = self.random.sample(names, self.random.randint(1, len(names)))
            await self.store("list", day, some, is_list=True)
        if chance(0.15):
            day = today - self.random.choice((0, 1, 1, 2)) * DAY
            listed = self.listed.get((f"written/{day}", day), {})
            known = sorted({*listed, *self.lists.get(day, ())})
            names = [name for name in known if self.random.random() < 0.7]
            await self.store(f"written/{day}", day, sorted([*names, *self.new_papers(1)]), is_list=False)
        if chance(0.02):  # a list repeats papers from earlier weeks
            names = self.random.sample([*self.votes], min(5, len(self.votes)))
            self.lists.setdefault(today, []).extend(sorted({*names} - {*self.lists.get(today, ())}))
            await self.store("list", today, self.lists[today], is_list=True)
        await self.mistake_dates(today)

    def disturb(self) -> None:
        """Begin the random troubles of a few hours."""
        chance = self.chance
        if chance(0.03, "outages"):
            self.bot_away_until = self.now + self.random.randint(5, 80) * HOUR
        if chance(0.03, "outages"):
            self.discord_away_until = self.now + self.random.randint(5, 60) * HOUR
        self.discord.is_away = self.now < self.discord_away_until
        self.discord.loss = 0.1 if "losses" in PLAY else 0.0
        if chance(0.04, "content") and self.votes:
            self.discord.poison.add([*self.votes][-1])
            self.discord.toxic |= set([*self.votes][-1:]) if self.random.random() < 0.3 else set()
        for trouble, least in (("refusals", 0), ("halves", 1)):
            if chance(0.06, trouble):
                channel_id = self.random.randint(20, 29)
                self.discord.room[channel_id] = self.random.randint(least, 3 * least)
                self.closed_until[channel_id] = self.now + self.random.randint(3, 80) * HOUR

    async def mistake_dates(self, today: date) -> None:
        """Write a document with a date that is weeks late, and correct it some hours later."""
        for wrong in [each for each in self.wrong_dates if self.random.random() < 0.3]:
            location, typed, meant, names = wrong
            self.wrong_dates.remove(wrong)
            del self.listed[location, typed]
            await self.store(location, meant, names, is_list=False)
        if self.random.random() < 0.04 and "dates" in PLAY:
            location, typed = f"dates/{self.now}", today + self.random.randint(20, 36) * DAY
            wrong = location, typed, today, self.new_papers(3)
            self.wrong_dates.append(wrong)
            await self.store(location, typed, wrong[3], is_list=False)

    async def manage(self) -> None:
        """Let managers open channels again, edit, pause, resume, and post at once."""
        for channel_id in [id_ for id_, until in self.closed_until.items() if until <= self.now]:
            del self.closed_until[channel_id]
            self.discord.room.pop(channel_id, None)
            await self.world.guilds.try_refused(channel_id=[channel_id])
        rows = await self.rows()
        for row in rows:
            is_shut = row.channel_id in self.closed_until
            if row.state is not models.ActivityState.ACTIVE and not is_shut and self.random.random() < 0.3:
                await self.world.subscriptions.resume(row.id)
                if row.reason == models.Reason.BY_HAND:
                    self.finished[row.id] = max(self.newest(row), self.finished[row.id])
        waiting = [row for row in rows if self.finished[row.id] < self.newest(row)]
        row = self.random.choice(waiting if waiting and self.random.random() < 0.5 else rows)
        if self.random.random() < 0.03 and "pauses" in PLAY:
            await self.world.subscriptions.pause(row.id)
        if self.random.random() < 0.12 and "edits" in PLAY:
            await self.edit(row)
        if self.random.random() < 0.03 and "asked" in PLAY and not row.topic:
            await self.post_now(row)

    async def edit(self, row: models.Subscription) -> None:
        choose = self.random.choice
        changes: dict[str, Any] = choose(
            [
                {"top_n": choose((1, 3, 5))},
                {"min_votes": choose((0, 100_000, 250_000))},
                {"at_time": choose(("07:00", "10:00", "18:30"))} if row.at_time else {},
                {"timezone": choose(("Asia/Seoul", "America/New_York", "UTC", "Australia/Lord_Howe"))},
                {"days": choose(((1, 2, 3, 4, 5), (1, 4), (3,), (1, 2, 3, 4, 5, 6, 7)))},
            ]
        )
        wanted = replace(row, **changes)
        is_open, was_on = self.finished[row.id] < self.newest(row), self.newest(row)
        if (row.at_time, row.timezone, row.days) != (wanted.at_time, wanted.timezone, wanted.days):
            if not is_open or self.newest(wanted) < was_on:  # begins with its next date
                self.finished[row.id] = max(self.newest(wanted), self.finished[row.id])
            for post in self.posts.values():
                if post.row.id == row.id and post.key.startswith("daily") and post.ends_at > self.now:
                    post.ends_at = self.next_at(wanted)
        await self.world.subscriptions.edit(wanted)

    async def post_now(self, row: models.Subscription) -> None:
        self.asked += 1
        delivery = await self.world.on_demand.plan(row.id, self.asked)
        if delivery is not None:
            names = [*delivery.papers]
            assert all(self.is_free(place_of(row), name, is_sure=False) for name in names), names
            self.add_post(delivery.key, row, self.newest(row), names, self.now + DAY)

    def add_post(
        self, key: str, row: models.Subscription, on: date, names: list[str], ends_at: datetime
    ) -> Post:
        day = due_at(row, on)[1]
        last_on = day or (self.now + 14 * HOUR).date()
        last_on = min(on, last_on) if row.style is models.Style.WEEKLY else last_on
        days = [dated for (_, dated), papers in self.listed.items() if papers and dated <= last_on]
        newest_on = max(days, default=last_on)
        post = Post(key, row, on, self.now, ends_at, newest_on, groups_of(row.style, names))
        self.posts[key] = post
        for name in names:
            self.posts_with[place_of(row), name].append(post)
        return post

    async def tick(self) -> None:
        """Let the bot plan and send, and check what it did."""
        self.ticked_at = self.now
        await self.world.relay.expire(self.now)
        active = {row.id: row for row in await self.rows() if row.state is models.ActivityState.ACTIVE}
        await self.world.daily_planner.tick(self.now)
        posts = await self.world.planned(kind=models.DeliveryKind.DAILY)
        planned = [row for row in posts if row.planned_at >= self.now]
        for delivery in planned:
            assert delivery.local_on is not None
            row = active.pop(delivery.subscription_id or 0)
            names = [*delivery.papers]
            self.check_post(row, delivery.local_on, names)
            self.finished[row.id] = delivery.local_on
            post = self.add_post(delivery.key, row, delivery.local_on, names, self.next_at(row))
            self.last_posts[row.id] = post
        for row in active.values():
            self.check_absence(row)
        await self.world.relay.drain(self.now)
        await self.check_messages()

    def check_absence(self, row: models.Subscription) -> None:
        """A date without a post had no paper, or waits for its list."""
        on = self.newest(row)
        at, day = due_at(row, on)
        is_over = self.now >= at + 12 * HOUR
        is_complete = day is None or self.reads.get(day, at - DAY) >= close_of(day)
        if self.finished[row.id] < on and (is_complete or is_over):
            own, _ = self.candidates(row, on, is_sure=True)
            # A paper that came back is noticed within an hour.
            fresh = {name for name in own if not self.posts_with[place_of(row), name]}
            assert not fresh, f"subscription {row.id} had no post for {on} at {self.now}, but {fresh}"
            if is_over:
                self.finished[row.id] = on

    async def run(self, days: int) -> None:
        seoul, weekly = "Asia/Seoul", models.Style.WEEKLY
        await read_lists(self.world.database, self.now)
        await self.subscribe(20, at_time="09:00", timezone=seoul)
        await self.subscribe(20, at_time="18:00", timezone=seoul, topic=TOPIC)
        await self.subscribe(21, timezone="America/New_York", style=models.Style.CARDS)
        await self.subscribe(22, timezone=seoul, min_votes=100_000)
        await self.subscribe(23, at_time="11:00", style=weekly, days=(1,))
        await self.subscribe(23, at_time="19:00", style=weekly, days=(2, 5), locale=models.Locale.KO)
        await self.subscribe(21, at_time="10:00", timezone=seoul, days=(1, 4), locale=models.Locale.KO)
        await self.subscribe(22, at_time="21:00", days=(5,), locale=models.Locale.KO)
        await self.subscribe(24, at_time="00:30", timezone="Africa/Cairo", style=models.Style.CARDS)
        await self.subscribe(25, at_time="02:15", timezone="Australia/Lord_Howe", days=(1, 2, 3, 4, 5))
        for channel_id in range(26, 30):
            await self.subscribe(channel_id, **self.draw_post())
        middle, end, rows = self.now + days / 2 * DAY, self.now + days * DAY, dict[str, int]()
        while self.now < end:
            await self.publish()
            self.disturb()
            if self.now >= self.bot_away_until:
                today = self.now.date()
                days_read = [day for day in (today - DAY, today) if self.random.random() < 0.6]
                self.reads |= dict.fromkeys(days_read, self.now)
                await read_lists(self.world.database, self.now, *days_read)
                await self.manage()
                await self.tick()
            self.world.now += self.random.randint(2, 14 if YEARS else 6) * HOUR + 10 * stage.MINUTE
            if YEARS and self.now >= middle and not rows:
                rows = await self.count_rows()
        self.world.now = max(self.now, self.bot_away_until)
        await self.tick()
        await self.check_reasons(20)
        if rows:
            self.check_growth(rows, await self.count_rows())


@pytest.mark.promise
@pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
@pytest.mark.parametrize("seed", seeds.plays(YEARS) if YEARS else seeds.few(1, 8))
async def test_readers_see_what_the_documents_promise_on_random_days(db: Database, seed: int) -> None:
    days = 365 if YEARS else 30 if db.is_sqlite else 8
    year = Year(db, seed)
    await year.run(days)
    assert len(year.discord.arrived) > 2 * days
