"""Build the objects that the command line, the demo and the bot share, each once. `workers` builds what works without a command.

Modules that load discord.py are imported locally.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog

from bot.archive.ingest import IngestService
from bot.client.guilds import Guilds
from bot.client.services import Services
from bot.client.text_tokens import TextTokenStore
from bot.core import admission, day_close, program
from bot.core.clock import Clock, DiscordClock, system_clock
from bot.core.model_server import LanguageModel, ModelServer, TokenBudget
from bot.core.settings import Settings
from bot.features.ask.archive_questions import ArchiveQuestions
from bot.features.ask.model_sentences import SentenceWriter
from bot.features.ask.service import PaperQuestions
from bot.features.operations.error_reports import FailureReports
from bot.features.operations.liveness import Liveness
from bot.features.shelf.zotero import ZoteroLibrary
from bot.features.today.profiles import Profiles
from bot.features.web.service import Answered, FoundPassage, WebPages
from bot.outbox.contents import DeliveryFactory
from bot.outbox.request_pacing import Pace
from bot.rendering.charts import ChartRenderer
from bot.rendering.templates import Templates
from bot.search import index as search_index
from bot.search import titles
from bot.search.glossary_service import GlossaryService
from bot.search.service import SearchService
from bot.sources import arxiv, fetcher, kinds, paper_text, ssrf_guard
from storage import migrate, models
from storage.database import READER_CONNECTIONS, Database

if TYPE_CHECKING:
    from bot.app.client import DiscordRenderer, PaperroundBot
    from bot.client.rest import HttpObserver, RestClient
    from bot.client.wording import CommandMentions
    from bot.i18n.texts import Texts
    from bot.outbox.request_pacing import HttpAnswer
    from bot.sources.base import Throttle

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
LOOKUP_LIMITS = replace(TEXT_LIMITS, read_timeout=6.0, total_timeout=8.0, max_bytes=3_000_000)
"""Limits for requests that a reader waits for: small responses, no retry."""


SOURCE_LIMITS = fetcher.Limits()
"""Limits for the pages of sources."""


def create_fetcher(
    settings: Settings, clock: Clock, limits: fetcher.Limits = SOURCE_LIMITS
) -> fetcher.HttpFetcher:
    """Return a fetcher with the allowed hosts and proxy from the settings."""
    return fetcher.HttpFetcher(
        now=clock,
        user_agent=f"Paperround/{program.find_number()} (a Discord bot for paper digests)",
        allowed_hosts=allowed_hosts(settings),
        proxy=settings.fetch_proxy,
        limits=limits,
    )


def find_library(settings: Settings, fetch: fetcher.HttpFetcher) -> ZoteroLibrary | None:
    """Return the configured library of Zotero, if there is one."""
    if settings.zotero_key is None or settings.zotero_library is None:
        return None
    key = settings.zotero_key.get_secret_value()
    return ZoteroLibrary(fetch, settings.zotero_url, settings.zotero_library, key)


def allowed_hosts(settings: Settings) -> list[ssrf_guard.AllowedHost]:
    """Return the hosts exempt from the SSRF guard: the operator's list, and non-default service URLs."""
    allowed = [ssrf_guard.parse_allowed_host(host) for host in settings.fetch_allow]
    fields = Settings.model_fields
    for name in ("hf_endpoint", "arxiv_url", "arxiv_rss_url", "arxiv_html_url", "zotero_url"):
        url = getattr(settings, name)
        if url != fields[name].default:
            allowed.append(ssrf_guard.allowed_host_of_url(url))
    return allowed


@dataclass
class Container:
    """The settings, the database, and the shared objects for commands, pages and posts."""

    settings: Settings
    database: Database
    clock: Clock
    client: PaperroundBot | None = None
    """The Discord client, once it is created."""

    def follow_discord(self) -> DiscordClock:
        """Set the clock from Discord's responses. Must be called before the services are built."""
        clock = self.clock = DiscordClock(self.clock)

        def set_clock(answer: HttpAnswer) -> None:
            # A proxy's own page carries the time of the proxy, which may be this machine.
            if answer.is_discords and answer.answered_at is not None:
                clock.set(answer.answered_at, answer.seconds)

        self.http_observer.on_answer(set_clock)
        return clock

    @property
    def day_close(self) -> day_close.DayClose:
        return self.settings.close_rule

    @property
    def token(self) -> str | None:
        """The bot's token, or None if it is not set."""
        secret = self.settings.discord_token
        return None if secret is None else secret.get_secret_value()

    @property
    def secret(self) -> bytes:
        """What this bot alone knows: its token."""
        return (self.token or "").encode()

    @property
    def locale(self) -> models.Locale:
        """The default language of posts and replies."""
        return models.Locale(self.settings.locale)

    @cached_property
    def arxiv_throttle(self) -> Throttle:
        """The limit on requests to arXiv, shared by all processes."""
        return fetcher.arxiv_throttle(self.database, self.clock, arxiv.SECONDS_PER_REQUEST)

    @cached_property
    def deliveries(self) -> DeliveryFactory:
        """The factory of all deliveries. The renderer is loaded when the first post is rendered."""
        return DeliveryFactory(lambda: self.renderer)

    @cached_property
    def failure_reports(self) -> FailureReports:
        """Stores what this process logs as errors, for the operator."""
        return FailureReports(self.database, self.clock, self.deliveries, self.locale)

    @cached_property
    def search_index(self) -> search_index.SearchIndex:
        """This machine's search index of the database."""
        return search_index.SearchIndex(search_index.folder_of(self.database))

    @cached_property
    def mentions(self) -> CommandMentions:
        """The mentions of slash commands. Their ids are unknown until `load`."""
        from bot.client.wording import CommandMentions

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
        from bot.client.rest import RestClient

        return RestClient(self.pace, self.http_observer.report, self.token, self.settings.proxy)

    @cached_property
    def liveness(self) -> Liveness:
        """The signs of life that `/health` reports."""
        from bot.client.rest import describe_way

        way = describe_way(self.settings.proxy)
        return Liveness(is_discord_well=lambda: self.pace.is_well, way=way and f"It is asked{way}.")

    @cached_property
    def pace(self) -> Pace:
        """The limiter that decides when requests may go to Discord."""
        return Pace(time.monotonic, random.Random())

    @cached_property
    def renderer(self) -> DiscordRenderer:
        from bot.app.client import DiscordRenderer

        return DiscordRenderer(self.templates, self.mentions, self.settings.web_url)

    @cached_property
    def templates(self) -> Templates:
        """The templates for posts and charts. Raises UsageError for a checkout without symbolic links."""
        return Templates(self.settings.templates)

    def create_bot(
        self, *, shard_count: int | None = None, locale: models.Locale | None = None
    ) -> PaperroundBot:
        """Return the Discord client. Only the demo and tests use the options: see `PaperroundBot`."""
        from bot.app.client import PaperroundBot

        self.client = PaperroundBot(
            self.services,
            self.mentions,
            self.renderer.wording_for,
            observer=self.http_observer,
            proxy=self.settings.proxy,
            shard_count=shard_count,
            locale=locale,
        )
        self.client.observe_interaction = self.liveness.record_interaction
        return self.client

    @cached_property
    def reader_database(self) -> Database:
        """The database with few connections, so that commands and pages leave the others to background jobs."""
        return self.database.limited(READER_CONNECTIONS)

    @cached_property
    def glossary(self) -> GlossaryService:
        return GlossaryService(self.reader_database, self.clock, self.search_index)

    @cached_property
    def search(self) -> SearchService:
        return SearchService(self.reader_database, self.glossary, self.clock, self.search_index)

    async def close(self) -> None:
        """Close the open connections, except those of the client, the REST client and the database."""
        if (server := vars(self).get("model_server")) is not None:
            await server.aclose()

    @cached_property
    def services(self) -> Services:
        """The services for commands, pages and planners."""
        from bot.app.features import FEATURES

        database = self.reader_database
        titles.prepare()
        profiles = Profiles(database, self.search.our_lists.vectors)
        paper_lookup = arxiv.PaperLookup(
            self.clock,
            IngestService(database, self.clock),
            lambda: create_fetcher(self.settings, self.clock, LOOKUP_LIMITS),
            self.settings.arxiv_url,
            self.arxiv_throttle,
        )
        lookups = admission.Admission(admission.MAX_AT_ONCE)
        shared = (profiles, self.create_questions(lookups))
        services = Services(
            database=database,
            clock=self.clock,
            search=self.search,
            glossary=self.glossary,
            lookups=lookups,
            transfers=admission.Admission(1),
            charts=ChartRenderer(self.templates),
            deliveries=self.deliveries,
            guilds=Guilds(database, self.clock),
            text_tokens=TextTokenStore(database, self.clock),
            paper_lookup=paper_lookup,
            sources=kinds.build_source_registry(database, self.clock, self.settings),
            pace=self.pace,
            request=self.request,
            day_close=self.day_close,
            locale=self.locale,
            timezone=self.settings.timezone,
            web_url=self.settings.web_url,
            lists_url=self.settings.web_url if self.settings.web else None,
            secret=self.secret,
            features={type(service): service for service in shared},
        )
        for feature in FEATURES:
            services.add(feature.services(services))
        return services

    async def request(self, method: str, path: str, **fields: Any) -> Any:
        """Make a request with the current REST client, which a simulation may replace after this object is created."""
        return await self.rest.request(method, path, **fields)

    @cached_property
    def web_pages(self) -> WebPages:
        return WebPages(self.services, self.templates, self.answer_page)

    async def answer_page(self, asked: str, texts: Texts) -> Answered:
        from bot.features.ask import messages as ask_messages

        archive = ArchiveQuestions(self.reader_database, self.search.public, self.glossary, self.clock)
        answer = await archive.answer(asked, texts.locale)
        passages = [FoundPassage(*row) for row in ask_messages.list_passages(texts, answer)]
        notes = (*ask_messages.describe(texts, answer), *ask_messages.list_notes(texts, answer))
        return Answered(passages, notes)

    def create_questions(self, lookups: admission.Admission) -> PaperQuestions:
        """Return the service that answers questions about papers. Readers wait less long for a text than the writer."""

        @asynccontextmanager
        async def open_reader() -> AsyncIterator[paper_text.PaperTextReader]:
            async with create_fetcher(self.settings, self.clock, TEXT_LIMITS) as fetch:
                yield self.create_text_reader(fetch)

        sentences = (
            SentenceWriter(self.token_budget, *self.create_models()) if self.settings.writer_url else None
        )
        texts, deliveries = paper_text.PaperTexts(self.database, self.clock, open_reader), self.deliveries
        database = self.reader_database
        topics = TextTokenStore(database, self.clock)
        archive = ArchiveQuestions(database, self.search, self.glossary, self.clock)
        return PaperQuestions(
            database,
            self.clock,
            self.glossary,
            texts,
            deliveries,
            topics,
            lookups,
            archive,
            sentences,
            self.secret,
        )

    @cached_property
    def model_server(self) -> ModelServer:
        """The server of the language models, which is configured."""
        url, key = self.settings.writer_url, self.settings.writer_key
        assert url is not None
        return ModelServer(url, None if key is None else key.get_secret_value())

    def create_models(self) -> tuple[LanguageModel, LanguageModel]:
        """Return the language model and its judge, which may be the same. Both are configured."""
        name, judge = self.settings.writer_model, self.settings.writer_judge
        assert name is not None
        model = LanguageModel(self.model_server, name)
        return model, model if judge is None else LanguageModel(self.model_server, judge)

    @property
    def token_budget(self) -> TokenBudget:
        """The caps on what language models use."""
        settings = self.settings
        return TokenBudget(
            self.database, self.clock, settings.writer_daily_tokens, settings.writer_monthly_tokens
        )

    def create_text_reader(self, fetch: fetcher.HttpFetcher) -> paper_text.PaperTextReader:
        settings = self.settings
        return paper_text.PaperTextReader(
            settings.hf_endpoint,
            settings.arxiv_html_url,
            fetch,
            now=self.clock,
            throttle=self.arxiv_throttle,
            process=self._parsing,
            markdown_throttle=self._text_throttle,
        )

    @cached_property
    def _text_throttle(self) -> Throttle:
        return paper_text.markdown_throttle()

    @cached_property
    def _parsing(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(1)


@asynccontextmanager
async def open_container(
    settings: Settings, *, clock: Clock = system_clock, migrating: bool | None = None
) -> AsyncIterator[Container]:
    """Open the database and build a container. See `storage.migrate.open_database` for errors.

    `migrating` permits to create the schema, and to upgrade it unless the settings say otherwise.
    """
    approve = log.info if migrating and settings.upgrade == "auto" else None
    database = await migrate.open_database(
        settings.database_url, migrate=migrating, approve=approve, on_step=log.info
    )
    container = Container(settings, database, clock)
    try:
        yield container
    finally:
        await container.close()
        await database.close()
