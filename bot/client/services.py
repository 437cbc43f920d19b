"""The services that commands and pages depend on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.client.guilds import Guilds
from bot.client.text_tokens import TextTokenStore
from bot.core.admission import Admission
from bot.core.clock import Clock
from bot.core.day_close import DayClose
from bot.outbox.contents import DeliveryFactory
from bot.outbox.request_pacing import Pace
from bot.rendering.charts import ChartRenderer
from bot.search.glossary_service import GlossaryService
from bot.search.service import SearchService
from bot.sources.arxiv import PaperLookup
from bot.sources.kinds import SourceRegistry
from storage import models
from storage.database import Database

Service = TypeVar("Service")


@dataclass(frozen=True, slots=True)
class Services:
    """The services for commands, pages and planners, built by `bot.app.container`, and those of the features by class.

    `locale` and `timezone` are the defaults for new readers and subscriptions. `web_url` is the web archive's
    URL, and `lists_url` the same if the bot serves it, so that it shows lists too. `secret` is known
    to this bot alone.
    """

    database: Database
    clock: Clock
    search: SearchService
    glossary: GlossaryService
    lookups: Admission
    transfers: Admission
    deliveries: DeliveryFactory
    guilds: Guilds
    text_tokens: TextTokenStore
    paper_lookup: PaperLookup
    sources: SourceRegistry
    charts: ChartRenderer
    pace: Pace
    request: Callable[..., Awaitable[Any]]
    """Makes a request to Discord: method, path, and the arguments of `bot.client.rest.RestClient.request`."""
    day_close: DayClose
    locale: models.Locale
    timezone: str
    web_url: str | None
    lists_url: str | None
    secret: bytes
    features: dict[type, object]
    """What features built or share, by class."""

    def add(self, built: Iterable[object]) -> None:
        """Add what a feature built. It replaces an earlier object of its class."""
        self.features.update({type(one): one for one in built})

    def get(self, kind: type[Service]) -> Service:
        service = self.features[kind]
        assert isinstance(service, kind)
        return service
