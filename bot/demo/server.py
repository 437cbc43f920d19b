"""Serve the demo: the bot on SimCord's local page, with sample digests, a daily post and alerts.

The clock starts at SimCord's fixed time, and the samples are dated to match. Those of later days are stored when
the clock reaches their day.
"""

from __future__ import annotations

import dataclasses
import gc
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import discord
import simcord
from discord import http

from bot.app.container import open_container
from bot.app.runtime import Runtime, build_runtime
from bot.archive import parse
from bot.archive.ingest import IngestService
from bot.client.rest import RestClient
from bot.core import http_server, isolation, schedule
from bot.core.settings import Settings
from bot.core.timers import Job, Timers
from bot.demo import sample_digests
from bot.demo import simcord_page as demo_page
from bot.demo import texts as demo_texts
from bot.demo.simcord_additions import Stage
from bot.demo.simcord_page import Viewer
from bot.features.alerts import planner
from bot.features.alerts.service import Alerts
from bot.features.daily.service import Subscriptions
from bot.features.web import server as web_server
from bot.features.web.pages import Page
from bot.features.web.service import WebPages
from bot.outbox import outcomes
from bot.outbox.request_pacing import Pace
from storage import accounts, alerts, club, daily, locks, models, paper_texts, papers, shelf, sources
from storage.today import list_hours

START_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""The start of SimCord's clock: 09:00 in Seoul."""
GARBAGE_THRESHOLD = 700
"""The number of allocations between garbage collections."""
ALERT_KEYWORDS = {models.Locale.KO: "강화 학습", models.Locale.EN: "reinforcement learning"}
DISCORD_LOCALES = {models.Locale.KO: "ko", models.Locale.EN: "en-US"}
ZONES = {models.Locale.KO: "Asia/Seoul", models.Locale.EN: "UTC"}
"""The time zones at the start. An English page then names its browser's."""
LISTED = (
    *("2204.01691", "2212.06817", "2306.08647", "2307.15818", "2307.05973"),
    *("2501.01895", "2501.09747", "2410.24164", "2501.03841", "2411.12734"),
)
"""The server's list: papers on robots, by their arXiv ids."""


class DemoPages(WebPages):
    """The web archive without its pictures, which would have to be loaded from other hosts."""

    def render(self, page: Page) -> str:
        """Render a page without pictures."""
        rows = [dataclasses.replace(row, picture=None) for row in page.values.get("rows", ())]
        values = {**page.values, "rows": rows, "picture": None}
        return super().render(dataclasses.replace(page, values=values) if page.template else page)


class SimulatedRest(RestClient):
    """Sends posts through the HTTP client of a bot in SimCord, which only replaces discord.py's connection."""

    def __init__(self, client: discord.Client, pace: Pace) -> None:
        super().__init__(pace, pace.record_answer, token=None)
        self._client = client

    async def request(
        self,
        method: str,
        path: str,
        kind: models.PartKind = models.PartKind.MESSAGE,
        *,
        payload: dict[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        fence: Callable[[], None] = lambda: None,
    ) -> Any:
        """Make a request and return the JSON of the response. Raises DeliveryError if it fails."""
        try:
            return await self._client.http.request(http.Route(method, path), json=payload, params=query)
        except discord.HTTPException as error:
            classification = outcomes.classify(error.status, error.code, kind)
            raise outcomes.DeliveryError(
                classification, str(error), status=error.status, code=error.code or None
            ) from error


class DemoClock:
    """Returns SimCord's time once SimCord's environment exists, so that message ids agree with stored times."""

    def __init__(self) -> None:
        self.env: simcord.Env | None = None

    def __call__(self) -> datetime:
        return START_AT if self.env is None else self.env.now()


async def _populate(
    env: simcord.Env, runtime: Runtime, *, guild_id: int, channel_id: int, list_channel_id: int, user_id: int
) -> None:
    """Store the sample digests until today and the server's list, and send the daily posts and the alerts."""
    container, ingest = runtime.container, runtime.workers.ingest
    services = container.services
    today = START_AT.date()
    samples = [sample for sample in sample_digests.sample_texts() if sample.date_on <= today]
    past = (sample_digests.FOLDER / "samples" / "past-months.json").read_text(encoding="utf-8")
    await ingest.add_text(past, source="demo", location="past-months")
    async with container.database.transaction() as connection:
        for url, kind in dict(sample_digests.SOURCES.values()).items():
            source = await sources.add(connection, url=url, kind=kind, now=START_AT)
            read = dataclasses.replace(source, status=models.FetchStatus.OK, last_success_at=START_AT)
            await sources.set_health(connection, read)
    for sample in samples:
        if sample.date_on < today:
            await ingest.add_text(sample.text, source=sample.source, location=sample.name)
    await ingest.add_facts(sample_digests.load_facts())
    async with container.database.transaction() as connection:
        for text in sample_digests.load_paper_texts(container.clock()):
            await paper_texts.save(connection, text)
        ids = await papers.get_ids(connection, LISTED)
        listed = guild_id, ids.values(), user_id, START_AT
        await shelf.add_to_list(connection, *listed, container.services.secret)
    keyword = ALERT_KEYWORDS[container.locale]
    terms = (models.AlertTerm(models.AlertKind.KEYWORD, keyword),)
    alert = models.Alert(0, user_id, terms, START_AT)
    await services.get(Alerts).add(alert)
    await services.get(Alerts).add(dataclasses.replace(alert, guild_id=guild_id, channel_id=channel_id))
    await services.database.write(accounts.upsert_reader, user_id, locale=container.locale)
    # A subscription added yesterday is due now.
    yesterday = START_AT - timedelta(days=1)
    subscriptions = Subscriptions(container.database, lambda: yesterday)
    draft = models.Subscription(guild_id=guild_id, channel_id=channel_id, created_by=user_id)
    # In Seoul the clock starts at nine, so that each further day brings its post.
    draft = dataclasses.replace(draft, timezone="Asia/Seoul", locale=container.locale)
    await subscriptions.add(draft)
    await subscriptions.add(dataclasses.replace(draft, channel_id=list_channel_id, topic="like:list"))
    for sample in samples:
        if sample.date_on == today:
            await ingest.add_text(sample.text, source=sample.source, location=sample.name)
    await container.glossary.rebuild()
    await runtime.workers.alert_planner.drain()
    await env.advance_time(planner.GATHERING_TIME.total_seconds())
    await make_delivery(runtime)()


@asynccontextmanager
async def open_demo(
    locale: models.Locale, folder: Path
) -> AsyncIterator[tuple[simcord.Env, Runtime, list[simcord.ChannelHandle], list[Viewer]]]:
    """Start the bot in a new simulated Discord with sample content. Yields channels and viewers.

    The reader owns the server, which has an ordinary member and six channels: one with a daily post, one without, one
    with what is like the server's list, an announcement channel, a locked one, and a forum.
    """
    clock = DemoClock()
    settings = Settings(database_url=f"sqlite+aiosqlite:///{folder / 'demo.db'}", locale=locale.value)
    async with open_container(settings, clock=clock) as container:
        bot = container.create_bot(shard_count=1, locale=locale)
        container.rest = SimulatedRest(bot, container.pace)
        container.services.paper_lookup.endpoint = ""  # without network
        # A command of the demo may take longer on a slow machine than SimCord allows a bot in a test.
        async with simcord.run(bot, check_errors=False, settle_timeout=60.0) as env:
            clock.env = env
            assert bot.user is not None
            await bot.user.edit(username="Paperround")
            user = env.create_user("reader", global_name="독자" if locale is models.Locale.KO else "Reader")
            guild = env.create_guild("Paper Club", owner=user, preferred_locale=DISCORD_LOCALES[locale])
            channels = [
                *(guild.create_text_channel(name) for name in ("papers", "vision", "robots")),
                guild.create_news_channel("news"),
                guild.create_text_channel(
                    "locked", overwrites={bot.user: discord.PermissionOverwrite(send_messages=False)}
                ),
                guild.create_forum_channel("reading"),
            ]
            reader = guild.add_member(user)
            name = "민아" if locale is models.Locale.KO else "Mina"
            member = guild.add_member(env.create_user("mina", global_name=name))
            lock = locks.SenderLock(container.database)
            await lock.try_acquire()
            try:
                runtime = build_runtime(container, bot, lock)
                ids = {"guild_id": guild.id, "channel_id": channels[0].id, "user_id": user.id}
                await _populate(env, runtime, **ids, list_channel_id=channels[2].id)
                await use_zone(runtime, [reader, member], ZONES[locale])
                yield env, runtime, channels, [reader, member]
            finally:
                await lock.release()


async def use_zone(runtime: Runtime, viewers: Sequence[Viewer], zone: str) -> None:
    """Store the time zone of the viewers."""
    for viewer in viewers:
        await runtime.bot.services.database.write(accounts.upsert_reader, viewer.id, timezone=zone)


async def serve(*, port: int, locale: models.Locale) -> None:
    """Serve the page until Ctrl-C or SIGTERM."""
    stop = isolation.stop_on_signals()
    with tempfile.TemporaryDirectory(prefix="paperround-demo-") as folder:
        async with open_demo(locale, Path(folder)) as (env, runtime, channels, viewers):
            digests = [
                digest for sample in sample_digests.sample_texts() for digest in parse.parse_text(sample.text)
            ]
            preview = env.preview(
                channels[0],
                viewers=viewers,
                layout="channel",
                locale=DISCORD_LOCALES[locale],
                timezone=ZONES[locale],
                assets=sample_digests.assign_covers(entry for digest in digests for entry in digest.entries)
                | sample_digests.load_media(),
                port=port or None,
            )
            container, guild = runtime.container, channels[0].guild
            assert guild is not None
            pages = DemoPages(runtime.bot.services, container.templates, container.answer_page)
            archive = web_server.WebServer(pages)
            serving = http_server.serving("127.0.0.1:0", "the archive", [archive.add_routes])
            async with AsyncExitStack() as stack:
                archive_url = await stack.enter_async_context(serving)
                services = runtime.bot.services
                runtime.bot.services = dataclasses.replace(services, lists_url=archive_url)
                change_zone = partial(use_zone, runtime, viewers)
                demo_page.dress(preview, channels, locale, archive_url, change_zone)
                page = await stack.enter_async_context(preview)
                sys.stdout.write(f"{page.url}\n{demo_texts.load(locale).introduction}\n")
                sys.stdout.flush()
                stage = Stage(
                    env, page, channels, locale, make_delivery(runtime), partial(list_minutes, runtime)
                )
                # The command line collects garbage rarely, and SimCord leaves 30 MB of it for each answer.
                gc.collect()
                gc.freeze()
                gc.set_threshold(GARBAGE_THRESHOLD)
                watch = Job("watch", stage.watch, every=timedelta(seconds=0.5))
                await stack.enter_async_context(Timers([watch]))
                await isolation.run_unless_stopped(page.wait_closed(), stop)


NEWS_AFTER = timedelta(days=4)
"""When followed papers get code and a second version."""


async def _publish_news(runtime: Runtime) -> None:
    """Store facts about papers that readers follow: first without, then with code and a second version."""
    # Found before nine in Seoul, so that a Korean reader is notified at once.
    database, now = runtime.container.database, START_AT + NEWS_AFTER
    ingest = IngestService(database, lambda: now)
    kept = await database.fetch(papers.list_followed_due, "demo", now, limit=100)
    stored = await database.fetch(papers.list_facts_by_paper, kept.values())
    new_code: dict[str, Any] = {"code_url": "https://github.com/example/code"}
    new_version = {"version": 2, "comment": "Accepted to a sample conference"}
    for service, old, new in (
        (models.SourceKind.HUGGINGFACE, {}, new_code),
        (models.SourceKind.ARXIV, {"version": 1}, new_version),
    ):
        known = {arxiv_id: models.PaperFacts(arxiv_id, service.value, "demo", now) for arxiv_id in kept}
        known |= {fact.paper_key: fact for rows in stored.values() for fact in rows if fact.source == service}
        for step in (old, new):
            changed = (fact for fact in known.values() if not fact.code_url)
            facts = [dataclasses.replace(fact, read_at=now, **step) for fact in changed]
            await ingest.add_facts(facts)


async def list_minutes(runtime: Runtime) -> list[int]:
    """Return the minutes of an hour (UTC) at which something is due, sorted: 60 is the full hour."""
    database, now = runtime.container.database, runtime.container.clock()
    times = await database.fetch(list_hours)
    posts, all_alerts = await database.fetch(daily.list_rows), await database.fetch(alerts.list_rows)
    rows: list[models.Subscription | models.Alert | club.Club] = [*posts, *all_alerts]
    rows += await database.fetch(club.list_present)
    times += [(row.at_time, row.timezone) for row in rows if row.at_time]
    rules = [schedule.rule_of(at, zone) for at, zone in times]
    return sorted({60, *(schedule.next_due(now, rule).at.minute or 60 for rule in rules)})


def make_delivery(runtime: Runtime) -> Callable[[], Awaitable[bool]]:
    """Return a function that stores the samples of new days, and then plans and sends all that is due by the clock.

    It returns whether there were such samples.
    """
    container = runtime.container
    coming = [sample for sample in sample_digests.sample_texts() if sample.date_on > START_AT.date()]
    news_at = [START_AT + NEWS_AFTER]

    async def deliver() -> bool:
        today = container.clock().date()
        if news_at and news_at[0] <= container.clock():
            news_at.clear()
            await _publish_news(runtime)
        if is_new := bool(coming) and coming[0].date_on <= today:
            while coming and coming[0].date_on <= today:
                sample = coming.pop(0)
                await runtime.workers.ingest.add_text(sample.text, source=sample.source, location=sample.name)
            await container.glossary.rebuild()
        await runtime.workers.alert_planner.drain()
        await runtime.tick()
        await runtime.relay.drain(container.clock())
        return is_new

    return deliver
