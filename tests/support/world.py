"""A stage for tests: set up daily posts, alerts, digests and times in a line each, and read what was sent.

Days are in the week of `MONDAY`: "Mon"; "Sun-1" is a week earlier, "Tue+1" a week later. "Mon 09:00" is in
Seoul, and "Mon 09:00 Berlin" in Berlin. A paper is a letter with an optional number, votes, title and
summary: `A▲9 B C1▲3`, `A▲9 "How moss grows"`, `A "Rewards | A summary."`.
"""

import itertools
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bot.app.container import Container
from bot.app.workers import Workers
from bot.archive import ingest, listing
from bot.client.guilds import Guilds
from bot.core import day_close
from bot.core.settings import Settings
from bot.features.alerts.planner import AlertPlanner, AlertPost
from bot.features.alerts.service import Alerts
from bot.features.club.thread_news import ThreadNews
from bot.features.daily import choice
from bot.features.daily.planner import DailyPlanner
from bot.features.daily.service import OnDemandPosts, Subscriptions
from bot.features.daily.why import Explanation, WhyAnswer, WhyExplainer
from bot.features.shelf.news import NewsPost
from bot.features.today.service import TodayPost
from bot.outbox import contents, outcomes
from bot.outbox.contents import DeliveryFactory
from bot.outbox.outcomes import Classification, DeliveryError, Sender, SendRequest
from bot.outbox.relay import Relay
from bot.search.service import SearchService
from storage import daily, models, outbox, sources
from storage.alerts import OwnerRight
from storage.database import Database
from storage.models import DigestFormat
from tests.support import alert_builders, digest_builders, outbox_builders

MONDAY = date(2026, 1, 5)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
CHANNEL, READER = 20, 7
"""The default channel of daily posts, and the default reader of alerts."""
GUILD = 10
ZONES = {"Seoul": "Asia/Seoul", "Berlin": "Europe/Berlin", "New_York": "America/New_York", "UTC": "UTC"}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
AWAY = outcomes.NOT_ACCEPTED
LOST = outcomes.OUTCOME_UNKNOWN
FORBIDDEN = outcomes.classify(403, 50013, models.PartKind.MESSAGE)
UNVERIFIABLE = outcomes.HISTORY_UNREADABLE
BLOCKED = outcomes.classify(400, 200000, models.PartKind.MESSAGE)
"""Discord's failures: unreachable, reply lost after sending, message refused, history unreadable, and content refused."""


def day(text: str) -> date:
    """Parse a date such as "Mon", "Sun-1" or "Tue+1"."""
    name, weeks = text[:3], int(text[3:] or 0)
    return MONDAY + timedelta(days=DAYS.index(name), weeks=weeks)


def moment(text: str) -> datetime:
    """Convert "Mon 09:00" (in Seoul) or "Mon 09:00 Berlin" to UTC."""
    on, at, *city = text.split()
    zone = ZoneInfo(ZONES[city[0] if city else "Seoul"])
    return datetime.combine(day(on), time.fromisoformat(at), zone).astimezone(UTC)


def arxiv_id(name: str) -> str:
    """Return the arXiv id of a named paper: 2601.01000 for A, 2601.02013 for B13."""
    return f"2601.{(ord(name[0]) - 64) * 1000 + int(name[1:] or 0):05}"


def names(ids: Sequence[str]) -> str:
    return " ".join(map(_name, ids))


def _name(key: str) -> str:
    if models.arxiv_id_of(key) is None:
        return key
    letter, number = divmod(int(key.partition(".")[2]), 1000)
    return f"{chr(64 + letter)}{number or ''}"


class Paper(NamedTuple):
    arxiv_id: str
    votes: int | None
    title: str
    summary: str


_PAPER = re.compile(r'([A-Z]\d*)(?:▲(\d+))?(?: "([^"|]*)(?:\| ([^"]*))?")?(?:\s+|$)')


def papers(text: str) -> list[Paper]:
    """Parse papers such as `A▲9 B "Rewards | A summary."`."""
    found = list(_PAPER.finditer(text))
    assert "".join(match[0] for match in found) == text, f"not papers: {text}"
    return [
        Paper(
            arxiv_id(name), int(votes) if votes else None, (title or f"Paper {name}").strip(), summary or ""
        )
        for name, votes, title, summary in (match.groups() for match in found)
    ]


async def _find_unknown_right(alert: models.Alert) -> OwnerRight:
    return OwnerRight.UNKNOWN


class Renderer:
    """Renders a post as one message with the names of its papers, and records it in `posts` or `alerts`.

    News have the language and what is new, such as `ko A+code`.

    The plain form of `A B` is `plain a b`.
    Raises ValueError for the styles in `failing`.
    """

    def __init__(self) -> None:
        self.posts: list[choice.DailyPost] = []
        self.alerts: list[AlertPost] = []
        self.failing: set[str] = set()

    def render(self, post: Any) -> tuple[contents.RenderedPart, ...]:
        match post:
            case choice.DailyPost():
                return self.render_daily(post)
            case AlertPost():
                if "alert" in self.failing:
                    raise ValueError("template error")
                self.alerts.append(post)
                text = names([match.paper.key for match in post.matches])
            case contents.NoticePost():
                about = names(post.papers) or post.reason
                [part] = self._message(post.marker, f"notice {post.kind.value} {about}")
                return (replace(part, fallback=None),)
            case TodayPost():
                text = names([pick.paper.key for pick in post.picks])
            case NewsPost():
                news = (
                    f"{names([paper.key])}+{'+'.join(event.kind for event in post.events[paper.id])}"
                    for paper in post.papers
                )
                text = " ".join([post.locale, *news, f"{post.more or ''}"]).strip()
            case ThreadNews():
                text = f"{post.locale} {post.event.kind}"
            case _:
                text = f"{type(post).__name__} {getattr(post, 'step', '')}".strip()
        return self._message(post.marker, text)

    def render_daily(self, post: choice.DailyPost) -> tuple[contents.RenderedPart, ...]:
        self.posts.append(post)
        if post.subscription.style.value in self.failing:
            raise ValueError("template error")
        return self._message(post.marker, names([paper.key for paper in post.papers]))

    def _message(self, marker: str, text: str) -> tuple[contents.RenderedPart, ...]:
        payload = {"content": text, "marker": contents.part_marker(marker, 0)}
        plain = payload | {"content": f"plain {text.lower()}"}
        return (contents.RenderedPart(models.PartKind.MESSAGE, payload, plain),)


class Discord:
    """A Discord in process: it records the messages that it accepts, and what it refuses is data.

    Direct messages to user N go to channel -N. A LOST reply still records the message.
    """

    def __init__(self) -> None:
        self.messages: list[tuple[int, str, str | None]] = []
        self.tried: list[int] = []
        """The channels of all attempts."""
        self.answer: Classification | None = None
        """The failure of every request."""
        self.answers: dict[str, Classification] = {}
        """The failures of messages with exactly these texts."""
        self.forbidden: set[str] = set()
        """Words whose messages AutoMod blocks, but not notices: A is the title of a paper, a what its plain form says."""
        self.closed: set[int] = set()
        """Channels that accept no messages."""
        self.closes_after: str | None = None
        """A text whose message is the last that its channel accepts."""
        self.before: Callable[[SendRequest], Awaitable[object]] = _do_nothing
        """What happens while a message is on its way."""

    async def send(self, request: SendRequest) -> models.Receipt:
        channel_id, text = request.channel_id, request.payload.get("content", "")
        self.tried.append(channel_id)
        await self.before(request)
        answer = FORBIDDEN if channel_id in self.closed else self._judge(text)
        if answer is None or answer is LOST:
            self.messages.append((channel_id, text, request.marker))
        if text == self.closes_after:
            self.closed.add(channel_id)
        if answer is not None:
            raise DeliveryError(answer, "Discord fails")
        return models.Receipt(1000 + len(self.messages), channel_id)

    def _judge(self, text: str) -> Classification | None:
        if "notice" not in text and self.forbidden.intersection(re.findall(r"\w+", text)):
            return BLOCKED
        return self.answer or self.answers.get(text)

    async def find(self, request: SendRequest, since: datetime) -> models.Receipt | None:
        if self.answer is not None:
            raise DeliveryError(self.answer, "Discord fails")
        found = [n for n, (_, _, marker) in enumerate(self.messages, 1) if marker == request.marker]
        return models.Receipt(1000 + found[0], request.channel_id) if found else None

    async def open_dm(self, user_id: int) -> int:
        return -user_id


async def _do_nothing(_: object) -> None:
    return


class World:
    """The bot's planners and relay on a database. The test moves the clock, which starts Monday 04:00 in Seoul."""

    def __init__(self, database: Database, begin: str = "Mon 04:00") -> None:
        self.database = database
        self.now = moment(begin)
        self.renderer, self.discord = Renderer(), Discord()
        self.sender: Sender = self.discord
        self.pace = outbox_builders.make_pace()
        self.is_matching = True
        """Whether new papers are matched with alerts immediately instead of at the next tick."""
        numbers = itertools.count()
        self.deliveries = DeliveryFactory(lambda: self.renderer, lambda: f"n{next(numbers)}")
        self.search = SearchService(database, clock=self.clock)
        self.alerts = Alerts(database, self.clock, self.search)
        self.subscriptions = Subscriptions(database, self.clock)
        self.guilds = Guilds(database, self.clock)
        self.on_demand = OnDemandPosts(
            database, self.clock, self.deliveries, self.search.match_papers, day_close.default()
        )
        self.outcomes: list[str] = []
        """The results that the relay reported."""
        self.restart()

    def clock(self) -> datetime:
        return self.now

    @cached_property
    def workers(self) -> Workers:
        """The planners and services of a whole bot, whose posts the renderer of this world draws."""
        container = Container(Settings(), self.database, self.clock)
        container.deliveries = self.deliveries
        return Workers(container)

    def restart(self, get_term: Callable[[], int | None] = lambda: 0) -> None:
        """Replace the planners and the relay, like a new process."""
        self.daily_planner = DailyPlanner(
            self.database, self.deliveries, self.search.match_papers, day_close.default()
        )
        self.alert_planner = AlertPlanner(
            self.database, self.clock, self.deliveries, self.search, models.Locale.EN, _find_unknown_right
        )
        self.relay = Relay(
            self.database,
            self.sender,
            outbox_builders.make_recorder(
                self.database,
                self.deliveries,
                on_outcome=lambda result, *_: self.outcomes.append(result),
                linger_seconds=0.0,
            ),
            self.pace,
            clock=self.clock,
            monotonic=lambda: self.now.timestamp(),
            get_term=get_term,
            on_claimed=lambda: None,
            on_failed=lambda _: None,
            follow=_do_nothing,
        )

    # Readers' and managers' settings.

    async def daily(
        self, at: str = "09:00 Seoul", papers: int = 2, channel: int = CHANNEL, **fields: Any
    ) -> models.Subscription:
        """Add a daily post at a time in a city; an empty `at` posts once the day's list is complete."""
        at_time, _, city = at.partition(" ")
        zone = ZONES[city or "Seoul"]
        draft = models.Subscription(
            guild_id=GUILD, channel_id=channel, at_time=at_time, timezone=zone, top_n=papers, **fields
        )
        return await self.subscriptions.add(draft)

    async def edit(self, row: models.Subscription, **changes: Any) -> models.Subscription:
        return await self.subscriptions.edit(replace(await self.subscriptions.get(row.id), **changes))

    async def force(self, row: models.Subscription, **changes: Any) -> None:
        """Change a daily post in the database, bypassing validation."""
        await self.database.write(daily.update, replace(await self.subscriptions.get(row.id), **changes))

    async def alert(self, *texts: str, by: int = READER, **fields: Any) -> int:
        """Add an alert for a reader, and return its id."""
        return (await self.alerts.add(alert_builders.draft(*texts, user_id=by, **fields))).id

    async def source(self, url: str, kind: models.SourceKind) -> models.StoredSource:
        return await self.database.write(sources.add, url=url, kind=kind, now=self.now)

    # Published digests.

    async def list(
        self,
        on: str,
        text: str,
        *,
        source: str = "",
        form: DigestFormat = DigestFormat.LISTING,
        at: str = "",
        for_lookup: bool = False,
    ) -> None:
        """Ingest a day's list from Hugging Face or another source. `at` moves the clock first."""
        self.now = moment(at) if at else self.now
        items = [
            {"arxiv_id": paper.arxiv_id, "title": paper.title, "votes": paper.votes}
            | ({"summary": paper.summary} if paper.summary else {})
            for paper in papers(text)
        ]
        digest = listing.build(day(on), items, form=form)
        if source:
            await self.ingest().put(source, f"{source}#{day(on)}", [digest], is_for_lookup=for_lookup)
        else:
            await self.ingest().add_text(digest.text, location=f"https://huggingface.co/{day(on)}")
        await self._match()

    async def written(
        self, on: str, text: str, *, summary: str = "", location: str = "", at: str = ""
    ) -> None:
        """Ingest a day's newsletter. Its papers have two authors, and `summary` in their texts."""
        self.now = moment(at) if at else self.now
        listed = [(paper.arxiv_id, paper.votes) for paper in papers(text)]
        digest = digest_builders.newsletter(day(on), listed, text=summary)
        await self.ingest().add_text(digest, location=location or on)
        await self._match()

    async def facts(self, name: str, source: str = "huggingface", **fields: Any) -> None:
        found = models.PaperFacts(arxiv_id(name), source, "u", self.now, **fields)
        await self.ingest().add_facts([found])
        await self._match()

    async def _match(self) -> None:
        if self.is_matching:
            await self.alert_planner.drain()

    def ingest(self) -> ingest.IngestService:
        on_fresh = digest_builders.add_pending_alerts(self.now)
        return ingest.IngestService(self.database, self.clock, on_fresh=on_fresh)

    async def read_lists(self, *on: str) -> None:
        """Add Hugging Face as a source, and record that its lists for these days were just read."""
        await read_lists(self.database, self.now, *map(day, on))

    # Time and sent messages.

    async def at(self, *moments: str) -> None:
        """Move the clock to each moment in turn, and plan and send everything due then."""
        for when in moments:
            self.now = moment(when)
            await self.tick()

    async def wait(self, **delay: float) -> None:
        """Move the clock by days, hours or minutes, then plan and send everything due."""
        self.now += timedelta(**delay)
        await self.tick()

    async def tick(self) -> None:
        await self.relay.expire(self.now)
        await self.daily_planner.tick(self.now)
        await self.alert_planner.drain()
        await self.relay.drain(self.now)

    @property
    def sent(self) -> Sequence[str]:
        """The sent messages in order: `A B` in CHANNEL, `#21 A B` in another channel, `@7 A B` to a reader."""
        prefixes = {CHANNEL: ""}
        return [
            prefixes.get(channel, f"#{channel} " if channel > 0 else f"@{-channel} ") + text
            for channel, text, _ in self.discord.messages
        ]

    async def planned(self, **only: Any) -> Sequence[models.Delivery]:
        """Return the stored deliveries, oldest first."""
        return sorted(await self.database.fetch(outbox.list_rows, **only), key=lambda row: row.id)

    async def last_on(self, row: models.Subscription) -> date | None:
        """Return the last date that a daily post has finished."""
        return (await self.subscriptions.get(row.id)).last_on

    async def why(self, name: str, channel: int = CHANNEL) -> WhyAnswer:
        """Explain what happened to a paper, given by its name or arXiv id, in a channel."""
        paper = await self.search.find_paper(name if "." in name else arxiv_id(name))
        assert paper is not None
        explainer = WhyExplainer(self.database, self.clock, self.search, day_close.default())
        return await explainer.explain(paper, guild_id=GUILD, channel_id=channel)

    async def explain(self, name: str) -> Explanation:
        """Explain what happened to a paper in CHANNEL, which must have one daily post."""
        (found,) = (await self.why(name)).explanations
        return found


async def read_lists(database: Database, now: datetime, *days: date) -> None:
    """Add Hugging Face as a source, and record that its lists for these days were just read."""
    url = "https://huggingface.co"
    async with database.transaction() as connection:
        if not await sources.list_rows(connection):
            await sources.add(connection, url=url, kind=models.SourceKind.HUGGINGFACE, now=now)
        for on in days:
            page = sources.PageState(f"{url}/api/daily_papers?date={on}", now, models.FetchStatus.OK)
            await sources.upsert_page_states(connection, 1, [page])
