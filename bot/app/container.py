"""The object graph that the command line, the demo and the bot share. Imports of single commands are local."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from bot import day_close
from bot.clock import Clock, system_clock
from bot.services.accounts.guilds import Guilds
from bot.services.accounts.reader_data import ReaderData
from bot.services.accounts.readers import Readers
from bot.services.accounts.text_tokens import TextTokenStore
from bot.services.alerts.alerts import Alerts
from bot.services.alerts.planner import AlertPlanner
from bot.services.daily.edits import EditPlanner
from bot.services.daily.on_demand import OnDemandPosts
from bot.services.daily.subscriptions import Subscriptions
from bot.services.daily.why import WhyExplainer
from bot.services.ingest.service import IngestService
from bot.services.operations.clock_monitor import ClockMonitor
from bot.services.operations.liveness import Liveness
from bot.services.operations.retention import Retention
from bot.services.operations.status import StatusService
from bot.services.outbox.discord_health import DiscordHealth
from bot.services.outbox.suspension import DestinationResumer
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.services.posts.kinds import DeliveryKinds
from bot.settings import WRITTEN_FORMATS, Settings
from storage import alerts, key_values, migrate, models, subscriptions
from storage.database import READER_CONNECTIONS, Connection, Database
from storage.errors import DatabaseBusyError
from storage.outbox import pending_alerts

if TYPE_CHECKING:
    from bot.client.bot import PaperroundBot
    from bot.client.discord_api.command_sync import CommandMentions
    from bot.client.discord_api.http_observer import HttpObserver
    from bot.client.renderer import DiscordRenderer
    from bot.client.translations import Translations
    from bot.rendering.wording.templates import Templates
    from bot.services.bundle import Services
    from bot.services.outbox.discord_health import Answer
    from bot.services.polling.paper_lookup import PaperLookup
    from bot.services.recommendation.planner import TodayPlanner
    from bot.sources.http.fetcher import Throttle


@dataclass
class Container:
    """Settings, storage and factories of the services on them."""

    settings: Settings
    database: Database
    clock: Clock = system_clock
    clock_monitor: ClockMonitor | None = None

    def monitor_clock(self) -> ClockMonitor:
        """Make the monitor of the clock the clock of all services. Call it before they are built."""
        monitor = self.clock = self.clock_monitor = ClockMonitor(self.clock)

        def compare(answer: Answer) -> None:
            # A proxy's own page has the time of the proxy, which may be this machine.
            if answer.is_json and answer.answered_at is not None:
                monitor.compare_with_discord(answer.answered_at)

        self.http_observer.on_answer(compare)
        return monitor

    @property
    def day_close(self) -> day_close.DayClose:
        """When the list of a day closes."""
        minutes = self.settings.writer_minutes if self.settings.writes_digests else 0
        return day_close.parse(self.settings.day_closes, timedelta(minutes=minutes))

    @property
    def locale(self) -> models.Locale:
        """The default language of posts and answers."""
        return models.Locale(self.settings.locale)

    @cached_property
    def source_throttles(self) -> dict[models.SourceKind, Throttle]:
        """The pace of the kinds of source that have one, shared by all that ask such a source."""
        from aiolimiter import AsyncLimiter

        from bot.sources import kinds

        return {
            record.kind: AsyncLimiter(1, record.seconds_per_request).acquire
            for record in kinds.RECORDS
            if record.seconds_per_request is not None
        }

    @cached_property
    def deliveries(self) -> DeliveryFactory:
        """The factory of all deliveries; the renderer is loaded with the first post."""
        return DeliveryFactory(lambda: self.renderer, lifetime=timedelta(hours=self.settings.expire_hours))

    @cached_property
    def texts(self) -> Translations:
        """The texts of the interface; loads discord.py."""
        from bot.client import translations

        return translations.load()

    @cached_property
    def mentions(self) -> CommandMentions:
        """The mentions of slash commands, without ids until `load`."""
        from bot.client.discord_api.command_sync import CommandMentions

        return CommandMentions()

    @cached_property
    def http_observer(self) -> HttpObserver:
        """The observer of the Discord client's requests; add listeners before the client logs in."""
        from bot.client.discord_api.http_observer import HttpObserver

        observer = HttpObserver()
        observer.on_answer(self.discord_health.record_answer)
        observer.on_answer(self.liveness.record_answer)
        observer.on_failure(lambda _: self.liveness.record_discord_failure())
        return observer

    @cached_property
    def liveness(self) -> Liveness:
        """The signs of life behind `/health`."""
        return Liveness(get_discord_state=lambda: self.discord_health.state)

    @cached_property
    def discord_health(self) -> DiscordHealth:
        """What is known of Discord as a whole."""
        return DiscordHealth(time.monotonic, random.Random())

    @cached_property
    def renderer(self) -> DiscordRenderer:
        """The renderer of posts as Discord messages."""
        from bot.client.renderer import DiscordRenderer

        return DiscordRenderer(self.texts, self.templates, self.mentions)

    @cached_property
    def templates(self) -> Templates:
        """The templates of posts and charts. Raises UsageError for a checkout without symbolic links."""
        from bot.rendering.wording.templates import Templates

        return Templates(self.settings.templates)

    async def load_mentions(self) -> None:
        """Load the ids of slash commands if there are alerts, the only deliveries of an ingest that mention commands."""
        async with self.database.read() as connection:
            if not await alerts.exist(connection):
                return
        await self.mentions.load(self.database)

    @cached_property
    def alert_planner(self) -> AlertPlanner:
        """The planner of alert deliveries."""
        return AlertPlanner(self.database, self.clock, self.deliveries, default_locale=self.locale)

    @cached_property
    def edits(self) -> EditPlanner:
        """The planner of edits after a digest's correction."""
        return EditPlanner(self.deliveries)

    def create_bot(
        self, *, shard_count: int | None = None, locale: models.Locale | None = None
    ) -> PaperroundBot:
        """Return the Discord client. The demo and tests use both options: see `PaperroundBot`."""
        from bot.client.bot import PaperroundBot
        from bot.client.discord_api import request_gate

        bot = PaperroundBot(
            self.create_services(),
            self.texts,
            self.mentions,
            self.renderer.wording_for,
            observer=self.http_observer,
            shard_count=shard_count,
            locale=locale,
        )
        request_gate.RequestGate(self.discord_health, request_gate.make_request_limiter()).install(bot)
        return bot

    def create_services(self) -> Services:
        """Return the services of the client's commands."""
        from bot.rendering.charts import ChartRenderer
        from bot.services.bundle import Services
        from bot.services.indexing.glossary_service import GlossaryService
        from bot.services.polling import registry
        from bot.services.recommendation.paper_vectors import PaperVectors
        from bot.services.recommendation.profiles import Profiles
        from bot.services.recommendation.today import TodayService

        # The service imports these on first use, which would hold up the event loop.
        from bot.services.search import author_search, autocomplete, similar, snippets  # noqa: F401
        from bot.services.search.admission import LookupAdmission
        from bot.services.search.service import SearchService
        from bot.services.search.word_vectors import WordVectors
        from bot.services.shelf.imports import ReferenceImporter
        from bot.services.shelf.shelf import Shelf
        from bot.services.trends.monthly import TrendService
        from bot.services.trends.rising import RisingTopicService
        from bot.services.writer.status import WriterStatus
        from bot.text import topic_similarity

        database = self.database.limited(READER_CONNECTIONS)
        glossary = GlossaryService(database, self.clock)
        rising = RisingTopicService(database, glossary)
        profiles = Profiles(database, self.clock, PaperVectors(glossary))
        topic_similarity.prepare()
        search = SearchService(database, glossary, WordVectors(self.settings.word_vectors), self.clock)
        return Services(
            database=database,
            clock=self.clock,
            search=search,
            glossary=glossary,
            lookups=LookupAdmission(),
            trends=TrendService(database, self.clock, glossary),
            rising=rising,
            profiles=profiles,
            today=TodayService(database, self.clock, profiles, rising, self.settings.timezone),
            charts=ChartRenderer(self.templates, own_process=True),
            subscriptions=Subscriptions(database, self.clock),
            on_demand_posts=OnDemandPosts(
                database, self.clock, self.deliveries, search.match_papers, self.day_close
            ),
            alerts=Alerts(database, self.clock, glossary),
            status=StatusService(
                database, self.clock, self.deliveries, self.templates, self.discord_health, self.clock_monitor
            ),
            destination_resumer=DestinationResumer(database, self.deliveries, delivery_kinds(), self.locale),
            why=WhyExplainer(database, self.clock, search.match_papers, self.day_close),
            guilds=Guilds(database, self.clock),
            readers=Readers(database, self.clock),
            reader_data=ReaderData(database, self.clock),
            shelf=Shelf(database, self.clock, search.match_papers),
            reference_importer=ReferenceImporter(database, self.clock),
            text_tokens=TextTokenStore(database),
            writer=WriterStatus(
                database,
                self.clock,
                model=self.settings.writer_model if self.settings.writer_url else None,
                formats=self.settings.writer_formats or WRITTEN_FORMATS,
                language=self.settings.writer_language or self.locale,
                daily_tokens=self.settings.writer_daily_tokens,
                monthly_tokens=self.settings.writer_monthly_tokens,
            ),
            paper_lookup=self._create_paper_lookup(database),
            sources=registry.build_source_registry(database, self.clock, self.settings),
            inbox=self.settings.inbox,
            locale=self.locale,
            timezone=self.settings.timezone,
        )

    def _create_paper_lookup(self, database: Database) -> PaperLookup:
        from aiolimiter import AsyncLimiter

        from bot.app import fetching
        from bot.services.indexing.indexer import SearchIndexer
        from bot.services.polling import paper_lookup, registry

        return paper_lookup.PaperLookup(
            self.clock,
            IngestService(database, self.clock, SearchIndexer()),
            lambda: fetching.open_lookup_fetcher(self.settings, self.clock),
            registry.service_endpoints(self.settings),
            self.source_throttles[models.SourceKind.ARXIV],
            AsyncLimiter(paper_lookup.BATCH_SIZE, paper_lookup.BATCH_SIZE).acquire,
        )

    def create_today_planner(self, services: Services, database: Database) -> TodayPlanner:
        """Return the planner of readers' papers of the day; it shares the vectors and counts of the client's services."""
        from bot.services.recommendation.planner import TodayPlanner
        from bot.services.recommendation.profiles import Profiles
        from bot.services.recommendation.today import TodayService

        profiles = Profiles(database, self.clock, services.profiles.vectors)
        today = TodayService(database, self.clock, profiles, services.rising, self.settings.timezone)
        return TodayPlanner(database, self.deliveries, profiles, today, default_locale=self.locale)

    def create_retention(self) -> Retention:
        """Return the removal of what is too old by the settings."""
        days, guild_days = self.settings.keep_days, self.settings.keep_server_days
        return Retention(self.database, self.clock, days=days, guild_days=guild_days)

    def create_ingest(self, *, on_planned: Callable[[], None] = lambda: None) -> IngestService:
        """Return the ingest service. `on_planned` is called after a fresh digest has caused deliveries or planning."""
        from bot.services.indexing.indexer import SearchIndexer

        async def on_fresh(
            connection: Connection,
            digest_id: int,
            paper_ids: Sequence[int],
            revision: int,
            changed_ids: Collection[int],
        ) -> None:
            now = self.clock()
            await subscriptions.wake_waiting(connection, now)
            if await alerts.exist(connection):
                await pending_alerts.add(connection, digest_id, revision, paper_ids, now)
            await self.edits.plan(connection, digest_id, revision, now, changed_ids)
            on_planned()

        async def on_added_names(
            connection: Connection, digest_id: int, former: Mapping[int, models.FormerNames]
        ) -> None:
            if await alerts.exist(connection):
                await pending_alerts.add_named(connection, digest_id, former, self.clock())

        return IngestService(
            self.database,
            self.clock,
            SearchIndexer(),
            on_fresh_digest=on_fresh,
            on_added_names=on_added_names,
            fresh_days=self.settings.alert_days,
        )


def delivery_kinds() -> DeliveryKinds:
    """Return the records of all delivery kinds, in the order in which a destination's are suspended and resumed."""
    from bot.services.alerts.deliveries import ALERT
    from bot.services.daily.deliveries import DAILY, EDIT, ON_DEMAND
    from bot.services.news.planner import NEWS
    from bot.services.outbox.owner_notice import NOTICE
    from bot.services.recommendation.planner import TODAY

    return DAILY, ON_DEMAND, EDIT, ALERT, TODAY, NEWS, NOTICE


@asynccontextmanager
async def open_container(
    settings: Settings, *, clock: Clock = system_clock, migrating: bool | None = None
) -> AsyncIterator[Container]:
    """Open the database and build a container. `migrating` and errors are those of `storage.migrate.open_database`."""
    database = await migrate.open_database(settings.database_url, migrate=migrating)
    try:
        await _ensure_index_version(database)
        yield Container(settings, database, clock)
    finally:
        await database.close()


async def _ensure_index_version(database: Database) -> None:
    """Record the index version of a database that has none; usually this is one read."""
    async with database.read() as connection:
        if await key_values.get(connection, key_values.INDEX_VERSION) is not None:
            return
    from bot.services.indexing import rebuild

    # A read-only database cannot be indexed anyway.
    with suppress(DatabaseBusyError):
        await rebuild.record_version(database)
