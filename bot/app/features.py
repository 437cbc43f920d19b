"""The parts of each feature, listed once: what serves its commands, what it posts and plans, and what speaks Discord."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.alerts.planner import ALERT, AlertPost
from bot.alerts.service import Alerts
from bot.ask.service import ANSWER, AnswerPost, PaperQuestions
from bot.club.news import THREAD_NEWS, ThreadNews, ThreadNewsPlanner
from bot.club.service import CLUB, ClubPost, Clubs
from bot.core.clock import Clock
from bot.core.day_close import DayClose
from bot.daily.choice import DailyPost
from bot.daily.planner import DAILY, ON_DEMAND, DailyPlanner
from bot.daily.service import OnDemandPosts, Subscriptions
from bot.daily.why import WhyExplainer
from bot.operations.service import StatusService
from bot.outbox.contents import (
    BarePost,
    DeliveryFactory,
    DeliveryHandler,
    DeliveryKinds,
    NoticePost,
    Post,
    RenderedPart,
)
from bot.outbox.outcomes import NOTICE
from bot.outbox.pace import Pace
from bot.papers.lists import PaperLists
from bot.papers.trends import TrendAnswers
from bot.search.glossary import GlossaryService
from bot.search.service import SearchService
from bot.search.trends import RisingTopicService, TrendService
from bot.shelf.news import NEWS, NewsPlanner, NewsPost
from bot.shelf.service import Shelf
from bot.sources.arxiv import PaperLookup
from bot.today.profiles import Profiles
from bot.today.service import TODAY, TodayPlanner, TodayPost, TodayService
from storage import club, news
from storage.database import Connection, Database

if TYPE_CHECKING:
    from discord.ext import commands

    from bot.client.context import Client
    from bot.client.messages import PostWording


class Shared(NamedTuple):
    """What services are built on; see `bot.app.container.Container`."""

    clock: Clock
    database: Database
    search: SearchService
    glossary: GlossaryService
    deliveries: DeliveryFactory
    pace: Pace
    request: Callable[..., Awaitable[Any]]
    profiles: Profiles
    rising: RisingTopicService
    paper_lookup: PaperLookup
    questions: PaperQuestions
    day_close: DayClose


class Tick(NamedTuple):
    """A minute's planning at `now` (UTC). `wake` makes the relay send; slow work calls `plan_posts` in between."""

    now: datetime
    wake: Callable[[], None]
    plan_posts: Callable[[], Awaitable[None]]
    daily_planner: DailyPlanner
    clubs: Clubs
    today_planner: TodayPlanner
    news_planner: NewsPlanner
    thread_news: ThreadNewsPlanner


class DiscordParts(NamedTuple):
    """What of a feature speaks Discord: its cogs, and what draws its posts."""

    cogs: tuple[Callable[[Client], commands.Cog], ...]
    renderers: Mapping[type[Post], Callable[[PostWording, Any], tuple[RenderedPart, ...]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature. `load_discord` imports discord.py, which a look-up in the shell does without."""

    load_discord: Callable[[], DiscordParts]
    build_services: Callable[[Shared], Iterable[object]] = lambda _: ()
    """Returns what its commands call, which they find by class."""
    kinds: DeliveryKinds = ()
    plan: Callable[[Tick], Awaitable[int | None]] | None = None
    """Plans what is due, each minute, after the features above it."""


def _load_lists() -> DiscordParts:
    from bot.lists import commands

    return DiscordParts((commands.ListsCog, commands.PapersCog))


def _load_ask() -> DiscordParts:
    from bot.ask import commands, messages

    return DiscordParts((commands.AskCog,), {AnswerPost: messages.render})


def _load_shelf() -> DiscordParts:
    from bot.shelf import commands, messages

    return DiscordParts((commands.ShelfCog,), {NewsPost: messages.render})


def _load_alerts() -> DiscordParts:
    from bot.alerts import commands, messages

    return DiscordParts((commands.AlertsCog,), {AlertPost: messages.render})


def _load_daily() -> DiscordParts:
    from bot.daily import commands, post

    cogs = commands.SubscriptionsCog, commands.SubscriptionButtonsCog, commands.WhyCog
    return DiscordParts(cogs, {DailyPost: post.render})


def _load_trends() -> DiscordParts:
    from bot.trends import commands

    return DiscordParts((commands.TrendsCog,))


def _load_club() -> DiscordParts:
    from bot.club import commands, messages

    return DiscordParts((commands.ClubCog,), {ClubPost: messages.render, ThreadNews: messages.render_news})


def _load_today() -> DiscordParts:
    from bot.today import commands, messages

    return DiscordParts((commands.TodayCog,), {TodayPost: messages.render})


def _load_operations() -> DiscordParts:
    from bot.client.messages import render_bare
    from bot.operations import commands, messages

    cogs = commands.MeCog, commands.StatusCog, commands.SourcesCog
    return DiscordParts(cogs, {NoticePost: messages.render_notice, BarePost: render_bare})


async def _plan_clubs(tick: Tick) -> int:
    return await tick.clubs.tick(tick.now) + await tick.thread_news.tick(tick.now)


async def _list_updated(clock: Clock, connection: Connection, user_id: int) -> frozenset[int]:
    return frozenset(await news.list_waiting(connection, user_id, clock()))


LISTS = Feature(
    load_discord=_load_lists, build_services=lambda its: [PaperLists(its.search, its.database, its.clock)]
)
ASK = Feature(load_discord=_load_ask, build_services=lambda its: [its.questions], kinds=(ANSWER,))
SHELF = Feature(
    load_discord=_load_shelf,
    build_services=lambda its: [
        Shelf(
            its.database,
            its.clock,
            its.search.match_papers,
            {"unread": club.list_unread, "updated": partial(_list_updated, its.clock)},
            find_titled=its.search.find_titled,
            fetch_titled=its.paper_lookup.fetch_titled,
        )
    ],
    kinds=(NEWS,),
    plan=lambda tick: tick.news_planner.tick(tick.now, between=tick.plan_posts),
)
ALERTS = Feature(
    load_discord=_load_alerts,
    build_services=lambda its: [Alerts(its.database, its.clock, its.search)],
    kinds=(ALERT,),
)
DAILY_POSTS = Feature(
    load_discord=_load_daily,
    build_services=lambda its: [
        Subscriptions(its.database, its.clock, its.day_close),
        OnDemandPosts(its.database, its.clock, its.deliveries, its.search.match_papers, its.day_close),
        WhyExplainer(its.database, its.clock, its.search.match_papers, its.day_close),
    ],
    kinds=(DAILY, ON_DEMAND),
    plan=lambda tick: tick.daily_planner.tick(tick.now, on_planned=tick.wake),
)
TRENDS = Feature(
    load_discord=_load_trends,
    build_services=lambda its: [
        TrendAnswers(its.search, TrendService(its.database, its.clock, its.search), its.rising)
    ],
)
CLUBS = Feature(
    load_discord=_load_club,
    build_services=lambda its: [Clubs(its.database, its.clock, its.deliveries, its.request)],
    kinds=(CLUB, THREAD_NEWS),
    plan=_plan_clubs,
)
TODAYS = Feature(
    load_discord=_load_today,
    build_services=lambda its: [
        its.profiles,
        TodayService(
            its.database, its.clock, its.profiles, its.rising, its.search, its.glossary, its.day_close
        ),
    ],
    kinds=(TODAY,),
    plan=lambda tick: tick.today_planner.tick(tick.now, between=tick.plan_posts),
)
OPERATIONS = Feature(
    load_discord=_load_operations,
    build_services=lambda its: [
        StatusService(its.database, its.clock, its.deliveries, its.pace, its.day_close)
    ],
    kinds=(NOTICE,),
)

FEATURES = (LISTS, ASK, ALERTS, DAILY_POSTS, TRENDS, CLUBS, TODAYS, SHELF, OPERATIONS)
"""In the order in which a minute plans: posts in servers first, and what costs a transaction for each reader last."""
DELIVERY_KINDS: tuple[DeliveryHandler, ...] = tuple(kind for feature in FEATURES for kind in feature.kinds)
