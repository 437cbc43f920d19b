"""The features. Each is one entry, which says what it builds, what it posts and plans, and what of it speaks Discord.

An entry gets the services that all features share, and finds those of other features by class (`its.get`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from discord.ext import commands

from bot.client.context import Client
from bot.client.messages import PostWording
from bot.client.services import Services
from bot.features.alerts import commands as alerts_commands
from bot.features.alerts import messages as alerts_messages
from bot.features.alerts.planner import ALERT, AlertPost
from bot.features.alerts.service import Alerts
from bot.features.ask import commands as ask_commands
from bot.features.ask import messages as ask_messages
from bot.features.ask.service import ANSWER, AnswerPost
from bot.features.club import commands as club_commands
from bot.features.club import messages as club_messages
from bot.features.club.news import THREAD_NEWS, ThreadNews, ThreadNewsPlanner
from bot.features.club.service import CLUB, ClubPost, Clubs
from bot.features.daily import commands as daily_commands
from bot.features.daily import post as daily_post
from bot.features.daily.choice import DailyPost
from bot.features.daily.planner import DAILY, ON_DEMAND, DailyPlanner
from bot.features.daily.service import OnDemandPosts, Subscriptions
from bot.features.daily.why import WhyExplainer
from bot.features.lists import commands as lists_commands
from bot.features.operations import commands as operations_commands
from bot.features.operations import guild_events
from bot.features.operations import messages as operations_messages
from bot.features.operations.service import StatusService
from bot.features.shelf import commands as shelf_commands
from bot.features.shelf import messages as shelf_messages
from bot.features.shelf.news import NEWS, NewsPlanner, NewsPost
from bot.features.shelf.service import Shelf
from bot.features.today import commands as today_commands
from bot.features.today import messages as today_messages
from bot.features.today.profiles import Profiles
from bot.features.today.service import TODAY, TodayPlanner, TodayPost, TodayService
from bot.features.trends import commands as trends_commands
from bot.features.trends.rising import RisingTopicService
from bot.features.trends.service import TrendService
from bot.outbox.contents import DeliveryHandler, DeliveryKinds, NoticePost, Post, RenderedPart
from bot.outbox.outcomes import NOTICE
from bot.papers.lists import PaperLists


class Tick(NamedTuple):
    """A minute's planning at `now` (UTC) by the planners of `its`.

    `wake` makes the relay send, and `plan_posts` plans what cannot wait. Work in batches calls one of them after each: it is a
    sign of life.
    """

    now: datetime
    its: Services
    wake: Callable[[], None]
    plan_posts: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What a feature consists of, apart from its tables and texts."""

    cogs: tuple[Callable[[Client], commands.Cog], ...]
    services: Callable[[Services], Iterable[object]] = lambda _: ()
    """Builds what its commands call, which they find by class."""
    kinds: DeliveryKinds = ()
    renderers: Mapping[type[Post], Callable[[PostWording, Any], tuple[RenderedPart, ...]]] = field(
        default_factory=dict
    )
    """Draw its posts, by their class."""
    planners: Callable[[Services], Iterable[object]] = lambda _: ()
    """Builds what plans its posts. The `database` of these services accepts writes of the sender alone."""
    plan: Callable[[Tick], Awaitable[int | None]] | None = None
    """Plans what is due, each minute, after the features above it."""


async def _plan_clubs(tick: Tick) -> int:
    planned = await tick.its.get(Clubs).tick(tick.now, tick.wake)
    return planned + await tick.its.get(ThreadNewsPlanner).tick(tick.now)


LISTS = Feature(
    cogs=(lists_commands.ListsCog, lists_commands.PapersCog),
    services=lambda its: [PaperLists(its.search, its.database, its.clock)],
)
ASK = Feature(cogs=(ask_commands.AskCog,), kinds=(ANSWER,), renderers={AnswerPost: ask_messages.render})
SHELF = Feature(
    cogs=(shelf_commands.ShelfCog,),
    services=lambda its: [
        Shelf(
            its.database,
            its.clock,
            its.search.match_papers,
            find_titled=its.search.find_titled,
            fetch_titled=its.paper_lookup.fetch_titled,
        )
    ],
    kinds=(NEWS,),
    renderers={NewsPost: shelf_messages.render},
    planners=lambda its: [NewsPlanner(its.database, its.deliveries, default_locale=its.locale)],
    plan=lambda tick: tick.its.get(NewsPlanner).tick(tick.now, between=tick.plan_posts),
)
ALERTS = Feature(
    cogs=(alerts_commands.AlertsCog,),
    services=lambda its: [Alerts(its.database, its.clock, its.search)],
    kinds=(ALERT,),
    renderers={AlertPost: alerts_messages.render},
)
DAILY_POSTS = Feature(
    cogs=(
        daily_commands.SubscriptionsCog,
        daily_commands.SubscriptionButtonsCog,
        daily_commands.PostButtonsCog,
        daily_commands.WhyCog,
    ),
    services=lambda its: [
        Subscriptions(its.database, its.clock, its.day_close),
        OnDemandPosts(its.database, its.clock, its.deliveries, its.search.match_papers, its.day_close),
        WhyExplainer(its.database, its.clock, its.search.match_papers, its.day_close),
    ],
    kinds=(DAILY, ON_DEMAND),
    renderers={DailyPost: daily_post.render},
    planners=lambda its: [DailyPlanner(its.database, its.deliveries, its.search.match_papers, its.day_close)],
    plan=lambda tick: tick.its.get(DailyPlanner).tick(tick.now, on_planned=tick.wake),
)
TRENDS = Feature(
    cogs=(trends_commands.TrendsCog,),
    services=lambda its: [
        rising := RisingTopicService(its.database, its.glossary, its.clock),
        TrendService(its.database, its.clock, its.search, rising),
    ],
)
CLUBS = Feature(
    cogs=(club_commands.ClubCog,),
    services=lambda its: [Clubs(its.database, its.clock, its.deliveries, its.request)],
    kinds=(CLUB, THREAD_NEWS),
    renderers={ClubPost: club_messages.render, ThreadNews: club_messages.render_news},
    planners=lambda its: [
        Clubs(its.database, its.clock, its.deliveries, its.request),
        ThreadNewsPlanner(its.database, its.deliveries, its.locale),
    ],
    plan=_plan_clubs,
)
TODAYS = Feature(
    cogs=(today_commands.TodayCog,),
    services=lambda its: [
        TodayService(
            its.database,
            its.clock,
            its.get(Profiles),
            its.get(RisingTopicService),
            its.search,
            its.glossary,
            its.day_close,
        )
    ],
    kinds=(TODAY,),
    renderers={TodayPost: today_messages.render},
    planners=lambda its: [
        TodayPlanner(
            its.database, its.deliveries, its.get(TodayService), its.day_close, default_locale=its.locale
        )
    ],
    plan=lambda tick: tick.its.get(TodayPlanner).tick(tick.now, between=tick.plan_posts),
)
OPERATIONS = Feature(
    cogs=(
        operations_commands.MeCog,
        operations_commands.StatusCog,
        operations_commands.SourcesCog,
        guild_events.GuildEventsCog,
    ),
    services=lambda its: [StatusService(its.database, its.clock, its.deliveries, its.pace, its.day_close)],
    kinds=(NOTICE,),
    renderers={NoticePost: operations_messages.render_notice},
)

FEATURES = (LISTS, ASK, ALERTS, DAILY_POSTS, TRENDS, CLUBS, TODAYS, SHELF, OPERATIONS)
"""In the order in which a minute plans: posts in servers first, and what costs a transaction for each reader last."""
DELIVERY_KINDS: tuple[DeliveryHandler, ...] = tuple(kind for feature in FEATURES for kind in feature.kinds)
