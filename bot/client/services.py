"""The services that commands and pages depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from bot.client.accounts import Guilds, Readers, TextTokenStore
from bot.core.admission import Admission
from bot.core.clock import Clock
from bot.outbox.contents import DeliveryFactory
from bot.rendering.charts import ChartRenderer
from bot.search.glossary import GlossaryService
from bot.search.service import SearchService
from bot.sources.arxiv import PaperLookup
from bot.sources.kinds import SourceRegistry
from storage import models
from storage.database import Database

Feature = TypeVar("Feature")


@dataclass(frozen=True, slots=True)
class Services:
    """The services for commands and buttons, built by `bot.app.container`.

    `locale` and `timezone` are the defaults for new readers and subscriptions. `web_url` is the web archive's
    URL.
    """

    database: Database
    clock: Clock
    search: SearchService
    glossary: GlossaryService
    lookups: Admission
    transfers: Admission
    deliveries: DeliveryFactory
    guilds: Guilds
    readers: Readers
    text_tokens: TextTokenStore
    paper_lookup: PaperLookup
    sources: SourceRegistry
    charts: ChartRenderer
    features: Mapping[type, object]
    """The features' services by class."""
    locale: models.Locale = models.Locale.EN
    timezone: str = "UTC"
    web_url: str | None = None

    def get(self, kind: type[Feature]) -> Feature:
        """Return the feature service of this class."""
        service = self.features[kind]
        assert isinstance(service, kind)
        return service
