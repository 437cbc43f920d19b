"""Build the objects that the command line, the demo and the bot share. Modules used by one command are imported locally."""

from __future__ import annotations

import copy
import functools
import importlib.metadata
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog

from bot.alerts.planner import AlertPlanner
from bot.alerts.service import Alerts
from bot.app.health import Liveness
from bot.archive.dates import DigestDates
from bot.archive.ingest import IngestService
from bot.client import texts as client_texts
from bot.client.accounts import Guilds, Readers, TextTokenStore
from bot.core import day_close
from bot.core.clock import Clock, DiscordClock, system_clock
from bot.core.settings import Settings
from bot.daily.service import OnDemandPosts, Subscriptions
from bot.daily.why import WhyExplainer
from bot.operations.retention import Retention
from bot.operations.service import StatusService
from bot.outbox.contents import DeliveryFactory, DeliveryKinds
from bot.outbox.outcomes import notify_operator
from bot.outbox.pace import Pace
from bot.search import glossary as search_glossary
from bot.sources import arxiv, base, fetcher, huggingface, kinds, paper_text, poller, ssrf_guard
from bot.sources.poller import Poller
from bot.writer import drafting, language_model, publication
from bot.writer import service as writer_service
from storage import alerts, archive, club, locks, migrate, models
from storage.database import READER_CONNECTIONS, Connection, Database

if TYPE_CHECKING:
    from bot.app.client import DiscordRenderer, PaperroundBot
    from bot.ask.service import PaperQuestions
    from bot.client.messages import CommandMentions
    from bot.client.rest import HttpObserver, RestClient
    from bot.client.services import Services
    from bot.client.texts import Translations
    from bot.core.admission import Admission
    from bot.outbox.pace import HttpAnswer
    from bot.rendering.templates import Templates
    from bot.search.index import SearchIndex
    from bot.sources.base import Throttle
    from bot.today.service import TodayPlanner
    from bot.web.service import WebPages

log = structlog.get_logger(__name__)

TEXT_LIMITS = fetcher.Limits(
    connect_timeout=4.0,
    read_timeout=10.0,
    total_timeout=15.0,
    max_bytes=5_000_000,
    max_redirects=3,
    max_attempts=1,
)
"""Limits for the full text of a paper that a reader waits for."""
LOOKUP_LIMITS = fetcher.Limits(
    connect_timeout=4.0,
    read_timeout=6.0,
    total_timeout=8.0,
    max_bytes=3_000_000,
    max_redirects=3,
    max_attempts=1,
)
"""Limits for requests that a reader waits for: small responses, no retry."""


def open_fetcher(
    settings: Settings, clock: Clock, limits: fetcher.Limits | None = None
) -> AbstractAsyncContextManager[fetcher.HttpFetcher]:
    """Open a fetcher with the allowed hosts and proxy from the settings."""
    return fetcher.open_fetcher(
        now=clock,
        random=random.random,
        user_agent=f"Paperround/{importlib.metadata.version('paperround')} (a Discord bot for paper digests)",
        allowed_hosts=allowances(settings),
        proxy=settings.fetch_proxy,
        limits=limits,
    )


def allowances(settings: Settings) -> list[ssrf_guard.AllowedHost]:
    """Return the hosts exempt from the SSRF guard: the operator's list, and non-default service URLs."""
    allowed = [ssrf_guard.parse_allowed_host(host) for host in settings.fetch_allow]
    fields = Settings.model_fields
    for name in ("hf_endpoint", "arxiv_url", "arxiv_rss_url", "arxiv_html_url"):
        url = getattr(settings, name)
        if url != fields[name].default:
            allowed.append(ssrf_guard.allowed_host_of_url(url))
    return allowed


@dataclass
class Container:
    """Settings, storage, and factories for the services built on them."""

    settings: Settings
    database: Database
    clock: Clock = system_clock
    client: PaperroundBot | None = None
    """The Discord client, once it is created."""

    def follow_discord(self) -> DiscordClock:
        """Set the clock from Discord's responses. Must be called before the services are built."""
        clock = self.clock = DiscordClock(self.clock)

        def set_clock(answer: HttpAnswer) -> None:
            # A proxy's own page carries the time of the proxy, which may be this machine.
            if answer.is_discords and answer.answered_at is not None:
                clock.set(answer.answered_at)

        self.http_observer.on_answer(set_clock)
        return clock

    @property
    def day_close(self) -> day_close.DayClose:
        """The time at which a day's list closes."""
        minutes = self.settings.writer_minutes if self.settings.writes_digests else 0
        return day_close.parse(self.settings.day_closes, timedelta(minutes=minutes))

    @property
    def token(self) -> str | None:
        """The bot's token, or None if it is not set."""
        secret = self.settings.discord_token
        return None if secret is None else secret.get_secret_value()

    @property
    def locale(self) -> models.Locale:
        """The default language of posts and replies."""
        return models.Locale(self.settings.locale)

    @cached_property
    def arxiv_throttle(self) -> Throttle:
        """The limit on requests to arXiv, shared by all processes."""
        return fetcher.shared_throttle(self.database, self.clock, "arxiv", arxiv.SECONDS_PER_REQUEST)

    @cached_property
    def deliveries(self) -> DeliveryFactory:
        """The factory of all deliveries. The renderer is loaded when the first post is rendered."""
        return DeliveryFactory(lambda: self.renderer)

    @cached_property
    def search_index(self) -> SearchIndex:
        """This machine's search index of the database."""
        from bot.search import index

        return index.SearchIndex(index.folder_of(self.database))

    @cached_property
    def texts(self) -> Translations:
        """The user interface's strings. The first access imports discord.py."""

        return client_texts.Translations()

    @cached_property
    def mentions(self) -> CommandMentions:
        """The mentions of slash commands. Their ids are unknown until `load`."""
        from bot.client.messages import CommandMentions

        return CommandMentions()

    @cached_property
    def http_observer(self) -> HttpObserver:
        """Observes the Discord client's requests. Add listeners before the client logs in."""
        from bot.client.rest import HttpObserver

        observer = HttpObserver(self.pace)
        observer.on_answer(self.liveness.record_answer)
        return observer

    @cached_property
    def rest(self) -> RestClient:
        """The REST client that sends posts."""
        from bot.client.rest import RestClient

        return RestClient(self.pace, self.http_observer.report, self.token)

    @cached_property
    def liveness(self) -> Liveness:
        """The signs of life that `/health` reports."""
        return Liveness(is_discord_well=lambda: self.pace.is_well)

    @cached_property
    def pace(self) -> Pace:
        """The limiter that decides when requests may go to Discord."""
        return Pace(time.monotonic, random.Random())

    @cached_property
    def renderer(self) -> DiscordRenderer:
        """Renders posts as Discord messages."""
        from bot.app.client import DiscordRenderer

        return DiscordRenderer(self.texts, self.templates, self.mentions, self.settings.web_url)

    @cached_property
    def templates(self) -> Templates:
        """The templates for posts and charts. Raises UsageError for a checkout without symbolic links."""
        from bot.rendering.templates import Templates

        return Templates(self.settings.templates)

    def fenced(self, get_term: Callable[[], int | None]) -> Container:
        """Return this container with a database fenced for the sender (`locks.fenced`).

        Call it after the client is built, so that both share services.
        """
        if self.database.is_sqlite:
            return self
        fenced = copy.copy(self)
        fenced.database = locks.fenced(self.database, get_term)
        vars(fenced).pop("alert_planner", None)
        return fenced

    async def load_mentions(self) -> None:
        """Load the command ids if there are alerts. Of the posts that an ingest triggers, only alerts mention commands."""
        async with self.database.read() as connection:
            if not await alerts.exist(connection):
                return
        await self.mentions.load(self.database)

    @cached_property
    def alert_planner(self) -> AlertPlanner:
        """Plans alert deliveries."""
        from bot.search.service import SearchService

        search = SearchService(self.database, clock=self.clock, index=self.search_index)
        return AlertPlanner(
            self.database,
            self.clock,
            self.deliveries,
            search,
            default_locale=self.locale,
            may_alert=self._may_alert,
        )

    async def _may_alert(self, alert: models.Alert) -> bool:
        """Return whether the owner of a channel's alert keeps the right to it. True in the shell, without a client."""
        from bot.client import router

        place = alert.guild_id or 0, alert.channel_id or 0
        return self.client is None or await router.may_alert(self.client, alert.user_id, *place)

    def create_bot(
        self, *, shard_count: int | None = None, locale: models.Locale | None = None
    ) -> PaperroundBot:
        """Return the Discord client. Only the demo and tests use the options: see `PaperroundBot`."""
        from bot.app.client import PaperroundBot

        self.client = PaperroundBot(
            self.create_services(),
            self.texts,
            self.mentions,
            self.renderer.wording_for,
            observer=self.http_observer,
            shard_count=shard_count,
            locale=locale,
        )
        return self.client

    def create_services(self) -> Services:
        """Return the services that the client's commands use."""
        from bot.client.services import Services
        from bot.club.service import Clubs
        from bot.core import admission
        from bot.papers.lists import PaperLists
        from bot.papers.trends import TrendAnswers
        from bot.rendering.charts import ChartRenderer
        from bot.search import index as search_index
        from bot.search.glossary import GlossaryService

        # The service imports these on first use, which would hold up the event loop.
        from bot.search.service import SearchService
        from bot.search.trends import RisingTopicService, TrendService
        from bot.shelf.service import Shelf
        from bot.today.profiles import PaperVectors, Profiles
        from bot.today.service import TodayService

        database = self.database.limited(READER_CONNECTIONS)
        glossary = GlossaryService(database, self.clock, self.search_index)
        rising = RisingTopicService(database, glossary, self.clock)
        dates = DigestDates(database)
        profiles = Profiles(database, PaperVectors(database, self.clock))
        search_index.prepare()
        search = SearchService(database, glossary, self.clock, self.search_index)
        paper_lookup = arxiv.PaperLookup(
            self.clock,
            IngestService(database, self.clock),
            lambda: open_fetcher(self.settings, self.clock, LOOKUP_LIMITS),
            self.settings.arxiv_url,
            self.arxiv_throttle,
        )
        lookups = admission.Admission(admission.MAX_AT_ONCE)
        return Services(
            database=database,
            clock=self.clock,
            search=search,
            glossary=glossary,
            lookups=lookups,
            transfers=admission.Admission(1),
            charts=ChartRenderer(self.templates),
            deliveries=self.deliveries,
            guilds=Guilds(database, self.clock),
            readers=Readers(database, self.clock, [profiles]),
            text_tokens=TextTokenStore(database, self.clock),
            paper_lookup=paper_lookup,
            features={
                type(service): service
                for service in (
                    Alerts(database, self.clock, search),
                    Subscriptions(database, self.clock, self.day_close),
                    OnDemandPosts(database, self.clock, self.deliveries, search.match_papers, self.day_close),
                    StatusService(database, self.clock, self.deliveries, self.pace, self.day_close),
                    WhyExplainer(database, self.clock, search.match_papers, self.day_close),
                    Shelf(
                        database,
                        self.clock,
                        search.match_papers,
                        {"unread": club.list_unread},
                        find_titled=search.find_titled,
                        fetch_titled=paper_lookup.fetch_titled,
                    ),
                    Clubs(database, self.clock, self.deliveries, self._request),
                    profiles,
                    TodayService(database, self.clock, profiles, rising, search, glossary, self.day_close),
                    PaperLists(search, dates, self.clock),
                    TrendAnswers(search, TrendService(database, self.clock, search), rising),
                    self.create_questions(database, glossary, lookups),
                )
            },
            dates=dates,
            sources=kinds.build_source_registry(database, self.clock, self.settings),
            locale=self.locale,
            timezone=self.settings.timezone,
            web_url=self.settings.web_url,
        )

    def create_today_planner(self, services: Services) -> TodayPlanner:
        """Return the planner that sends readers their papers of the day."""
        from bot.today.service import TodayPlanner, TodayService

        today = services.get(TodayService)
        return TodayPlanner(self.database, self.deliveries, today, self.day_close, default_locale=self.locale)

    def list_ticks(self) -> Sequence[Callable[[datetime], Awaitable[int]]]:
        """Return the functions that plan posts that depend only on the time (UTC), one per feature."""
        from bot.club.service import Clubs

        return (Clubs(self.database, self.clock, self.deliveries, self._request).tick,)

    async def _request(self, method: str, path: str, **fields: Any) -> Any:
        """Make a request with the current REST client, which a simulation may replace after this object is created."""
        return await self.rest.request(method, path, **fields)

    def create_web_pages(self, services: Services) -> WebPages:
        """Return the pages of the web archive."""
        from bot.web.service import WebPages

        return WebPages(services, self.texts, self.templates)

    def create_questions(
        self, database: Database, glossary: search_glossary.GlossaryService, lookups: Admission
    ) -> PaperQuestions:
        """Return the service that answers questions about papers."""
        from bot.ask.service import PaperQuestions

        return PaperQuestions(database, self.clock, glossary, self.create_texts(), self.deliveries, lookups)

    def create_texts(self) -> paper_text.PaperTexts:
        """Return the texts of papers for readers, who do not wait as long as the writer."""

        @asynccontextmanager
        async def open_reader() -> AsyncIterator[paper_text.PaperTextReader]:
            async with open_fetcher(self.settings, self.clock, TEXT_LIMITS) as fetch:
                yield self.create_text_reader(fetch)

        return paper_text.PaperTexts(self.database, self.clock, open_reader)

    def create_text_reader(self, fetch: fetcher.HttpFetcher) -> paper_text.PaperTextReader:
        """Return a reader of papers' texts."""
        settings = self.settings
        return paper_text.PaperTextReader(
            settings.hf_endpoint, settings.arxiv_html_url, fetch, now=self.clock, throttle=self.arxiv_throttle
        )

    def create_retention(self) -> Retention:
        """Return the service that purges rows older than the configured age."""
        return Retention(self.database, self.clock, days=self.settings.keep_days)

    def create_ingest(self) -> IngestService:
        """Return the ingest service, which queues the papers it adds for alerts."""

        async def on_fresh(connection: Connection, paper_ids: Sequence[int]) -> None:
            if await alerts.exist(connection):
                await alerts.add_unmatched(connection, paper_ids, self.clock())

        return IngestService(self.database, self.clock, on_fresh=on_fresh)


def delivery_kinds() -> DeliveryKinds:
    """Return the records of all kinds of deliveries."""
    from bot.alerts.planner import ALERT
    from bot.ask.service import ANSWER
    from bot.club.service import CLUB
    from bot.daily.planner import DAILY, ON_DEMAND
    from bot.outbox.outcomes import NOTICE
    from bot.today.service import TODAY

    return DAILY, ON_DEMAND, ALERT, TODAY, CLUB, NOTICE, ANSWER


@asynccontextmanager
async def open_container(
    settings: Settings, *, clock: Clock = system_clock, migrating: bool | None = None
) -> AsyncIterator[Container]:
    """Open the database and build a container. See `storage.migrate.open_database` for errors.

    `migrating` permits to create the schema, and to upgrade it unless the settings say otherwise.
    """
    approve = log.info if migrating and settings.upgrade == "auto" else None
    database = await migrate.open_database(settings.database_url, migrate=migrating, approve=approve)
    try:
        yield Container(settings, database, clock)
    finally:
        await database.close()


@asynccontextmanager
async def open_poller(container: Container, ingest: IngestService) -> AsyncIterator[Poller]:
    """Open the fetcher and poller, after adding the configured sources and inbox. Raises UsageError."""
    settings = container.settings
    source_registry = kinds.build_source_registry(container.database, container.clock, settings)
    await source_registry.add_configured(settings.sources, settings.inbox)
    async with open_fetcher(settings, container.clock) as fetch:
        endpoints = kinds.service_endpoints(settings)
        throttle, rule = container.arxiv_throttle, container.day_close
        context = base.SourceContext(
            fetch, endpoints, throttle, settings.timezone, rule, arxiv_rss_url=settings.arxiv_rss_url
        )
        notify = poller.skip_notification
        if (channel_id := settings.operator_channel) is not None:
            notify = functools.partial(notify_operator, container.deliveries, channel_id, container.locale)
        yield Poller(
            container.database, container.clock, ingest, context, random.random, notify_failure=notify
        )


async def log_missing_source(container: Container) -> None:
    """Log how to add Hugging Face's list if there is no source and no digest from the inbox."""
    settings = container.settings
    source_registry = kinds.build_source_registry(container.database, container.clock, settings)
    inbox = str(settings.inbox and settings.inbox.absolute())
    if any(row.url != inbox for row in await source_registry.list_rows()):
        return
    async with container.database.read() as connection:
        has_digest = bool(await archive.list_dates(connection, limit=1))
    if settings.inbox is None or not has_digest:
        log.warning(kinds.NO_SOURCE)


@asynccontextmanager
async def open_writer(
    container: Container, ingest: IngestService
) -> AsyncIterator[writer_service.WriterService]:
    """Open the writer for one run. It has no model if none is configured."""
    async with open_fetcher(container.settings, container.clock) as fetch:
        source = huggingface.HuggingFaceSource(container.settings.hf_endpoint, fetch, container.day_close)
        publisher = publication.Publisher(container.database, ingest, container.settings.writer_model)
        parts = container.database, container.clock, source, container.templates, ingest, publisher
        settings = container.settings
        if settings.writer_url is None or settings.writer_model is None:
            yield writer_service.WriterService(*parts)
            return
        async with language_model.open_session() as session:
            draft_writer = await _create_draft_writer(
                container, fetch, session, settings.writer_url, settings.writer_model
            )
            yield writer_service.WriterService(*parts, draft_writer)


def inbox_of(settings: Settings) -> Path | None:
    """Return the inbox folder, where a written digest becomes a file that people can edit.

    Returns None if there is no inbox or it is read-only, as in `docker-compose.yml`; the digest is then
    stored without a file.
    """
    is_place = settings.inbox is not None and settings.inbox.is_dir() and os.access(settings.inbox, os.W_OK)
    return settings.inbox if is_place else None


async def _create_draft_writer(
    container: Container, fetch: fetcher.HttpFetcher, session: aiohttp.ClientSession, url: str, name: str
) -> drafting.DraftWriter:
    settings, database, clock = container.settings, container.database, container.clock
    key = None if settings.writer_key is None else settings.writer_key.get_secret_value()
    by_name = {
        each: language_model.LanguageModel(session, url, each, key)
        for each in (name, settings.writer_judge or name)
    }
    reader = container.create_text_reader(fetch)
    glossary = await search_glossary.GlossaryService(database).get_current()
    return drafting.DraftWriter(
        database,
        clock,
        by_name[name],
        by_name[settings.writer_judge or name],
        paper_text.PaperTexts(database, clock, lambda: nullcontext(reader)),
        glossary,
        daily=settings.writer_daily_tokens,
        monthly=settings.writer_monthly_tokens,
    )
