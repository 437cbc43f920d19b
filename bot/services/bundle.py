"""The use cases that the client's cogs are given, in one frozen bundle. Made by `bot/app.py` and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.clock import Clock
from bot.rendering.charts import Charts
from bot.services.accounts.guilds import Guilds
from bot.services.accounts.readers import Readers
from bot.services.accounts.text_tokens import RememberedTexts
from bot.services.alerts.alerts import Alerts
from bot.services.daily.on_demand import NowPosts
from bot.services.daily.subscriptions import Subscriptions
from bot.services.daily.why import Why
from bot.services.operations.status import Status
from bot.services.polling.registry import Sources
from bot.services.search.service import Lookup
from bot.services.trends.monthly import Trends
from bot.services.trends.rising import RisingTopics
from storage import models
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a command or a button may ask for. `locale` and `timezone` are for those who say nothing."""

    database: Database
    clock: Clock
    lookup: Lookup
    subscriptions: Subscriptions
    now: NowPosts
    alerts: Alerts
    status: Status
    why: Why
    guilds: Guilds
    readers: Readers
    remembered: RememberedTexts
    sources: Sources
    trends: Trends
    rising: RisingTopics
    charts: Charts
    inbox: Path | None = None
    locale: models.Locale = models.Locale.EN
    timezone: str = "UTC"
