"""The services that the client's cogs use, in one frozen record built by `bot.app.container`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.accounts.service import Guilds, ReaderData, Readers, TextTokenStore
from bot.alerts.service import Alerts
from bot.core.admission import Admission
from bot.core.clock import Clock
from bot.daily.service import OnDemandPosts, Subscriptions
from bot.daily.why import WhyExplainer
from bot.operations.service import StatusService
from bot.outbox.deliveries import DeliveryFactory
from bot.outbox.outcomes import DestinationResumer
from bot.rendering.charts import ChartRenderer
from bot.search.glossary import GlossaryService
from bot.search.service import SearchService
from bot.shelf.imports import ReferenceImporter
from bot.shelf.service import Shelf
from bot.sources.arxiv import PaperLookup
from bot.sources.kinds import SourceRegistry
from bot.today.profiles import Profiles
from bot.today.service import TodayService
from bot.trends.service import RisingTopicService, TrendService
from bot.writer.service import WriterStatus
from storage import models
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    """The services of commands and buttons. `locale` and `timezone` are the defaults of new readers and subscriptions."""

    database: Database
    clock: Clock
    search: SearchService
    glossary: GlossaryService
    lookups: Admission
    transfers: Admission
    subscriptions: Subscriptions
    on_demand_posts: OnDemandPosts
    alerts: Alerts
    deliveries: DeliveryFactory
    destination_resumer: DestinationResumer
    status: StatusService
    why: WhyExplainer
    guilds: Guilds
    readers: Readers
    reader_data: ReaderData
    shelf: Shelf
    reference_importer: ReferenceImporter
    text_tokens: TextTokenStore
    paper_lookup: PaperLookup
    sources: SourceRegistry
    trends: TrendService
    rising: RisingTopicService
    profiles: Profiles
    today: TodayService
    charts: ChartRenderer
    writer: WriterStatus
    inbox: Path | None = None
    locale: models.Locale = models.Locale.EN
    timezone: str = "UTC"
