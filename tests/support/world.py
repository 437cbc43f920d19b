"""One stage for tests: channels, daily posts, alerts, digests and times in a line each, and what was sent where.

Days and moments are of the week of `MONDAY`: "Mon", "Sun-1" a week before it, "Tue+1" a week after; "Mon 09:00" is in Seoul, and
"Mon 09:00 Berlin" is not. Papers are a letter or a letter and a number, with votes and a title if they matter: `A▲9 B C1▲3`,
`A▲9 "How moss grows"`, `A "Rewards | A summary."`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bot.alerts.planner import AlertPlanner, AlertPost
from bot.alerts.service import Alerts
from bot.archive import ingest, listing
from bot.client.accounts import Guilds
from bot.daily import choice
from bot.daily.planner import DailyPlanner
from bot.daily.service import OnDemandPosts, Subscriptions
from bot.daily.why import Explanation, WhyAnswer, WhyExplainer
from bot.outbox import contents, outcomes
from bot.outbox.contents import DeliveryFactory
from bot.outbox.outcomes import Classification, DeliveryError, Disposition, SendRequest
from bot.outbox.relay import Relay
from bot.search.service import SearchService
from storage import alerts, daily, models, outbox, sources
from storage.database import Connection, Database
from storage.models import DigestFormat
from tests.support import alert_builders, digest_builders, outbox_builders

MONDAY = date(2026, 1, 5)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
CHANNEL, READER = 20, 7
"""The channel of daily posts, and the reader with alerts, if a test names no others."""
GUILD = 10
ZONES = {"Seoul": "Asia/Seoul", "Berlin": "Europe/Berlin", "New_York": "America/New_York", "UTC": "UTC"}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
AWAY = outcomes.CONNECT_FAILED
LOST = outcomes.OUTCOME_UNKNOWN
FORBIDDEN = Classification(Disposition.REFUSED, models.Reason.NO_SEND)
UNVERIFIABLE = outcomes.HISTORY_UNREADABLE
"""How Discord may answer: not at all, with the answer lost after the message came, with a refusal, or hiding its history."""


def day(text: str) -> date:
    """Return the date of "Mon", "Sun-1" or "Tue+1"."""
    name, weeks = text[:3], int(text[3:] or 0)
    return MONDAY + timedelta(days=DAYS.index(name), weeks=weeks)


def moment(text: str) -> datetime:
    """Return "Mon 09:00" of Seoul, or of the city that follows, in UTC."""
    on, at, *city = text.split()
    zone = ZoneInfo(ZONES[city[0] if city else "Seoul"])
    return datetime.combine(day(on), time.fromisoformat(at), zone).astimezone(UTC)


def arxiv_id(name: str) -> str:
    """Return the arXiv id of a paper's name: 2601.01000 of A, 2601.02013 of B13."""
    return f"2601.{(ord(name[0]) - 64) * 1000 + int(name[1:] or 0):05}"


def names(ids: Sequence[str]) -> str:
    """Return the names of arXiv ids, as a test writes them."""
    found = [divmod(int(id_.partition(".")[2]), 1000) for id_ in ids]
    return " ".join(f"{chr(64 + letter)}{number or ''}" for letter, number in found)


class Paper(NamedTuple):
    """A paper as a test writes it, with its arXiv id."""

    arxiv_id: str
    votes: int | None
    title: str
    summary: str


_PAPER = re.compile(r'([A-Z]\d*)(?:▲(\d+))?(?: "([^"|]*)(?:\| ([^"]*))?")?(?:\s+|$)')


def papers(text: str) -> list[Paper]:
    """Return the papers of a text such as `A▲9 B "Rewards | A summary."`."""
    found = list(_PAPER.finditer(text))
    assert "".join(match[0] for match in found) == text, f"not papers: {text}"
    return [
        Paper(
            arxiv_id(name), int(votes) if votes else None, (title or f"Paper {name}").strip(), summary or ""
        )
        for name, votes, title, summary in (match.groups() for match in found)
    ]


class Renderer:
    """Renders a post as one message with the names of its papers; `posts` and `alerts` are those rendered, as data.

    Raises for a style of `failing`.
    """

    def __init__(self) -> None:
        self.posts: list[choice.DailyPost] = []
        self.alerts: list[AlertPost] = []
        self.failing: set[str] = set()

    def render_daily(self, post: choice.DailyPost) -> tuple[contents.RenderedPart, ...]:
        self.posts.append(post)
        if post.style.value in self.failing:
            raise ValueError("template error")
        return self._render(post.marker, names([paper.arxiv_id for paper in post.papers]))

    def render_alert(self, post: AlertPost) -> tuple[contents.RenderedPart, ...]:
        if "alert" in self.failing:
            raise ValueError("template error")
        self.alerts.append(post)
        return self._render(post.marker, names([match.paper.arxiv_id for match in post.matches]))

    def render_notice(self, post: contents.NoticePost) -> tuple[contents.RenderedPart, ...]:
        return self._render(post.marker, f"notice {post.kind.value} {post.reason}")

    def _render(self, marker: str, text: str) -> tuple[contents.RenderedPart, ...]:
        payload = {"content": text, "marker": contents.part_marker(marker, 0)}
        return (contents.RenderedPart(models.PartKind.MESSAGE, payload),)


class Discord:
    """Keeps the messages that are sent, by channel; direct messages are in the channel -N of the user N.

    `answer` is a failure of all requests, if not None; `closed` are channels that refuse. A message comes although its answer
    is lost.
    """

    def __init__(self) -> None:
        self.messages: list[tuple[int, str, str | None]] = []
        self.answer: Classification | None = None
        self.closed: set[int] = set()
        self.tried: list[int] = []
        """The channels of the attempts."""

    async def send(self, request: SendRequest) -> models.Receipt:
        self.tried.append(request.channel_id)
        if request.channel_id in self.closed:
            raise DeliveryError(FORBIDDEN, "Discord refuses")
        if self.answer is None or self.answer is LOST:
            self.messages.append((request.channel_id, request.payload["content"], request.marker))
        if self.answer is not None:
            raise DeliveryError(self.answer, "Discord fails")
        return models.Receipt(1000 + len(self.messages), request.channel_id)

    async def find(self, request: SendRequest, since: datetime) -> models.Receipt | None:
        if self.answer is not None:
            raise DeliveryError(self.answer, "Discord fails")
        found = [n for n, (_, _, marker) in enumerate(self.messages, 1) if marker == request.marker]
        return models.Receipt(1000 + found[0], request.channel_id) if found else None

    async def open_dm(self, user_id: int) -> int:
        return -user_id


class World:
    """The bot's planners and relay on a database, at a time that the test moves. It begins at four o'clock of Monday in Seoul."""

    def __init__(self, database: Database, begin: str = "Mon 04:00") -> None:
        self.database = database
        self.now = moment(begin)
        self.renderer, self.discord = Renderer(), Discord()
        self.is_matching = True
        """Whether new papers are compared with alerts at once, not at the next tick."""
        numbers = itertools.count()
        self.deliveries = DeliveryFactory(lambda: self.renderer, lambda: f"n{next(numbers)}")
        self.search = SearchService(database, clock=self.clock)
        self.alerts = Alerts(database, self.clock, self.search)
        self.subscriptions = Subscriptions(database, self.clock)
        self.guilds = Guilds(database, self.clock)
        self.on_demand = OnDemandPosts(database, self.clock, self.deliveries, self.search.match_papers)
        self.daily_planner = DailyPlanner(database, self.deliveries, self.search.match_papers)
        self.restart()

    def clock(self) -> datetime:
        return self.now

    def restart(self) -> None:
        """Begin with new planners of alerts and a new relay, as another process does."""
        self.alert_planner = AlertPlanner(self.database, self.clock, self.deliveries, self.search)
        self.relay = Relay(
            self.database,
            self.discord,
            outbox_builders.make_recorder(self.database, self.deliveries, linger_seconds=0.0),
            outbox_builders.make_pace(),
            clock=self.clock,
            monotonic=lambda: self.now.timestamp(),
        )

    # What readers and managers set up.

    async def daily(
        self, at: str = "09:00 Seoul", papers: int = 2, channel: int = CHANNEL, **fields: Any
    ) -> models.Subscription:
        """Add a daily post: at a time of a city, or with an empty time once the list of the day is complete."""
        at_time, _, city = at.partition(" ")
        zone = ZONES[city or "Seoul"]
        draft = models.Subscription(
            guild_id=GUILD, channel_id=channel, at_time=at_time, timezone=zone, top_n=papers, **fields
        )
        return await self.subscriptions.add(draft)

    async def edit(self, row: models.Subscription, **changes: Any) -> models.Subscription:
        """Edit a daily post as its manager does."""
        return await self.subscriptions.edit(replace(await self.subscriptions.get(row.id), **changes))

    async def force(self, row: models.Subscription, **changes: Any) -> None:
        """Store other values of a daily post, without the service and its checks."""
        async with self.database.transaction() as connection:
            await daily.update(connection, replace(await self.subscriptions.get(row.id), **changes))

    async def alert(self, *texts: str, by: int = READER, **fields: Any) -> int:
        """Add an alert of a reader, and return its id."""
        return (await self.alerts.add(alert_builders.draft(*texts, user_id=by, **fields))).id

    async def source(self, url: str, kind: models.SourceKind) -> None:
        async with self.database.transaction() as connection:
            await sources.add(connection, url=url, kind=kind, now=self.now)

    # What is published.

    async def list(
        self, on: str, text: str, *, source: str = "", form: DigestFormat = DigestFormat.LISTING, at: str = ""
    ) -> None:
        """Ingest the list of a day, of Hugging Face or of another source, now or at a moment to which the clock moves."""
        self.now = moment(at) if at else self.now
        items = [
            {"arxiv_id": paper.arxiv_id, "title": paper.title, "votes": paper.votes}
            | ({"summary": paper.summary} if paper.summary else {})
            for paper in papers(text)
        ]
        digest = listing.build(day(on), items, form=form)
        if source:
            await self.ingest().add_digests([digest], source=source, location=f"{source}#{day(on)}")
        else:
            await self.ingest().add_text(digest.text, location=f"https://huggingface.co/{day(on)}")
        await self._match()

    async def written(
        self, on: str, text: str, *, summary: str = "", location: str = "", at: str = ""
    ) -> None:
        """Ingest a written digest of a day; its papers have `summary` in their texts, and two authors."""
        self.now = moment(at) if at else self.now
        listed = [(paper.arxiv_id, paper.votes) for paper in papers(text)]
        digest = digest_builders.newsletter(day(on), listed, text=summary)
        await self.ingest().add_text(digest, location=location or on)
        await self._match()

    async def facts(self, name: str, source: str = "huggingface", **fields: Any) -> None:
        """Store what a service says of a paper."""
        found = models.PaperFacts(arxiv_id(name), source, "u", self.now, **fields)
        await self.ingest().add_facts([found])
        await self._match()

    async def _match(self) -> None:
        if self.is_matching:
            await self.alert_planner.drain()

    def ingest(self) -> ingest.IngestService:
        async def add_pending(connection: Connection, paper_ids: Sequence[int]) -> None:
            await alerts.add_unmatched(connection, paper_ids, self.now)

        return ingest.IngestService(self.database, self.clock, on_fresh=add_pending)

    async def read_lists(self, *on: str) -> None:
        """Store that Hugging Face is a source, and that its lists of some days were read now."""
        await read_lists(self.database, self.now, *map(day, on))

    # Time, and what was sent.

    async def at(self, when: str) -> None:
        """Move the clock to a moment, and let the bot plan and send what is due then."""
        self.now = moment(when)
        await self.tick()

    async def wait(self, **delay: float) -> None:
        """Move the clock by days, hours or minutes, and let the bot plan and send what is due then."""
        self.now += timedelta(**delay)
        await self.tick()

    async def tick(self) -> None:
        await self.relay.expire(self.now)
        await self.daily_planner.tick(self.now)
        await self.alert_planner.drain()
        await self.relay.drain(self.now)

    @property
    def sent(self) -> Sequence[str]:
        """The messages that came, in their order: `A B` in CHANNEL, `#21 A B` in another one, `@7 A B` to a reader."""
        prefixes = {CHANNEL: ""}
        return [
            prefixes.get(channel, f"#{channel} " if channel > 0 else f"@{-channel} ") + text
            for channel, text, _ in self.discord.messages
        ]

    async def planned(self, **only: Any) -> Sequence[models.Delivery]:
        """Return the stored deliveries, oldest first."""
        async with self.database.read() as connection:
            return sorted(await outbox.list_rows(connection, **only), key=lambda row: row.id)

    async def last_on(self, row: models.Subscription) -> date | None:
        """Return the last date of a daily post that is done."""
        return (await self.subscriptions.get(row.id)).last_on

    async def why(self, name: str, channel: int = CHANNEL, **options: Any) -> WhyAnswer:
        """Return what became of a paper in a channel."""
        paper = await self.search.find_paper(arxiv_id(name))
        assert paper is not None
        explainer = WhyExplainer(self.database, self.clock, self.search.match_papers, **options)
        return await explainer.explain(paper, guild_id=GUILD, channel_id=channel)

    async def explain(self, name: str) -> Explanation:
        """Return what became of a paper in the only daily post of CHANNEL."""
        (found,) = (await self.why(name)).explanations
        return found


async def read_lists(database: Database, now: datetime, *days: date) -> None:
    """Store the source of the days' lists, and that those of some days were read now."""
    url = "https://huggingface.co"
    async with database.transaction() as connection:
        if not await sources.list_rows(connection):
            await sources.add(connection, url=url, kind=models.SourceKind.HUGGINGFACE, now=now)
        for on in days:
            page = models.PageState(f"{url}/api/daily_papers?date={on}", now, models.FetchStatus.OK)
            await sources.upsert_page_states(connection, 1, [page])
