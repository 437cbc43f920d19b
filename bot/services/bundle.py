"""The services that the client's cogs use, in one frozen record built by `bot.app.container`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.clock import Clock
from bot.rendering.charts import ChartRenderer
from bot.services.accounts.guilds import Guilds
from bot.services.accounts.reader_data import ReaderData
from bot.services.accounts.readers import Readers
from bot.services.accounts.text_tokens import TextTokenStore
from bot.services.alerts.alerts import Alerts
from bot.services.daily.on_demand import OnDemandPosts
from bot.services.daily.subscriptions import Subscriptions
from bot.services.daily.why import WhyExplainer
from bot.services.indexing.glossary_service import GlossaryService
from bot.services.operations.status import StatusService
from bot.services.outbox.suspension import DestinationResumer
from bot.services.polling.paper_lookup import PaperLookup
from bot.services.polling.registry import SourceRegistry
from bot.services.recommendation.profiles import Profiles
from bot.services.recommendation.today import TodayService
from bot.services.search.admission import LookupAdmission
from bot.services.search.service import SearchService
from bot.services.shelf.imports import ReferenceImporter
from bot.services.shelf.shelf import Shelf
from bot.services.trends.monthly import TrendService
from bot.services.trends.rising import RisingTopicService
from bot.services.writer.status import WriterStatus
from storage import models
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    """The services of commands and buttons. `locale` and `timezone` are the defaults of new readers and subscriptions."""

    database: Database
    clock: Clock
    search: SearchService
    glossary: GlossaryService
    lookups: LookupAdmission
    subscriptions: Subscriptions
    on_demand_posts: OnDemandPosts
    alerts: Alerts
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
