"""The features: what each builds, posts and plans, and its commands.

An entry gets the services that all features share, and finds those of other features by class (`shared.get`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from discord.ext import commands

from bot.client.handler_context import Client
from bot.client.services import Services
from bot.client.wording import PostWording
from bot.features.alerts import commands as alerts_commands
from bot.features.alerts import messages as alerts_messages
from bot.features.alerts.planner import ALERT, AlertPost
from bot.features.alerts.service import Alerts
from bot.features.ask import commands as ask_commands
from bot.features.ask import messages as ask_messages
from bot.features.ask.service import ANSWER, AnswerPost
from bot.features.club import commands as club_commands
from bot.features.club import messages as club_messages
from bot.features.club.service import CLUB, ClubPost, Clubs
from bot.features.club.thread_news import THREAD_NEWS, ThreadNews, ThreadNewsPlanner
from bot.features.daily import commands as daily_commands
from bot.features.daily import post as daily_post
from bot.features.daily.choice import DailyPost
from bot.features.daily.planner import DAILY, ON_DEMAND, DailyPlanner, find_ready
from bot.features.daily.service import OnDemandPosts, Subscriptions
from bot.features.daily.why import WhyExplainer
from bot.features.lists import commands as lists_commands
from bot.features.operations import commands as operations_commands
from bot.features.operations import guild_events
from bot.features.operations import messages as operations_messages
from bot.features.operations.readers import Readers
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
from bot.papers.paper_lists import PaperLists
from bot.papers.replies import Additions


class Tick(NamedTuple):
    """A minute's planning at `now` (UTC) by the planners of `shared`.

    `wake` makes the relay send, and `plan_posts` plans what cannot wait. Work in batches calls one of them after each: it is a
    sign of life.
    """

    now: datetime
    shared: Services
    wake: Callable[[], None]
    plan_posts: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """The parts of a feature, except its tables and texts."""

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
    planned = await tick.shared.get(Clubs).tick(tick.now, tick.wake)
    return planned + await tick.shared.get(ThreadNewsPlanner).tick(tick.now)


LISTS = Feature(
    cogs=(lists_commands.ListsCog, lists_commands.PapersCog),
    services=lambda shared: [PaperLists(shared.search, shared.database, shared.clock), Additions()],
)
ASK = Feature(cogs=(ask_commands.AskCog,), kinds=(ANSWER,), renderers={AnswerPost: ask_messages.render})
SHELF = Feature(
    cogs=(shelf_commands.ShelfCog,),
    services=lambda shared: [
        Shelf(
            shared.database,
            shared.clock,
            shared.search.match_papers,
            find_titled=shared.search.find_titled,
            fetch_titled=shared.paper_lookup.fetch_titled if shared.paper_lookup.endpoint else None,
        )
    ],
    kinds=(NEWS,),
    renderers={NewsPost: shelf_messages.render},
    planners=lambda shared: [NewsPlanner(shared.database, shared.deliveries, default_locale=shared.locale)],
    plan=lambda tick: tick.shared.get(NewsPlanner).tick(tick.now, between=tick.plan_posts),
)
ALERTS = Feature(
    cogs=(alerts_commands.AlertsCog,),
    services=lambda shared: [Alerts(shared.database, shared.clock, shared.search)],
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
    services=lambda shared: [
        Subscriptions(shared.database, shared.clock, shared.day_close),
        OnDemandPosts(
            shared.database, shared.clock, shared.deliveries, shared.search.match_papers, shared.day_close
        ),
        WhyExplainer(shared.database, shared.clock, shared.search, shared.day_close),
    ],
    kinds=(DAILY, ON_DEMAND),
    renderers={DailyPost: daily_post.render},
    planners=lambda shared: [
        DailyPlanner(shared.database, shared.deliveries, shared.search.match_papers, shared.day_close)
    ],
    plan=lambda tick: tick.shared.get(DailyPlanner).tick(tick.now, on_planned=tick.wake),
)
TRENDS = Feature(
    cogs=(trends_commands.TrendsCog,),
    services=lambda shared: [
        rising := RisingTopicService(shared.database, shared.glossary, shared.clock),
        TrendService(shared.database, shared.clock, shared.search, rising),
    ],
)
CLUBS = Feature(
    cogs=(club_commands.ClubCog,),
    services=lambda shared: [Clubs(shared.database, shared.clock, shared.deliveries, shared.request)],
    kinds=(CLUB, THREAD_NEWS),
    renderers={ClubPost: club_messages.render, ThreadNews: club_messages.render_news},
    planners=lambda shared: [
        Clubs(shared.database, shared.clock, shared.deliveries, shared.request),
        ThreadNewsPlanner(shared.database, shared.deliveries, shared.locale),
    ],
    plan=_plan_clubs,
)
TODAY_PAPERS = Feature(
    cogs=(today_commands.TodayCog,),
    services=lambda shared: [
        TodayService(
            shared.database,
            shared.clock,
            shared.get(Profiles),
            shared.search,
            shared.glossary,
            shared.day_close,
        )
    ],
    kinds=(TODAY,),
    renderers={TodayPost: today_messages.render},
    planners=lambda shared: [
        TodayPlanner(
            shared.database,
            shared.deliveries,
            shared.get(TodayService),
            shared.day_close,
            default_locale=shared.locale,
        )
    ],
    plan=lambda tick: tick.shared.get(TodayPlanner).tick(tick.now, between=tick.plan_posts),
)
OPERATIONS = Feature(
    cogs=(
        operations_commands.MeCog,
        operations_commands.StatusCog,
        operations_commands.SourcesCog,
        guild_events.GuildEventsCog,
    ),
    services=lambda shared: [
        StatusService(
            shared.database,
            shared.clock,
            shared.deliveries,
            shared.pace,
            shared.day_close,
            partial(find_ready, shared.search.match_papers),
        ),
        Readers(shared.database, shared.clock, shared.get(Profiles).forget),
    ],
    kinds=(NOTICE,),
    renderers={NoticePost: operations_messages.render_notice},
)

FEATURES = (LISTS, ASK, ALERTS, DAILY_POSTS, TRENDS, CLUBS, TODAY_PAPERS, SHELF, OPERATIONS)
"""In the order in which a minute plans: posts in servers first, and what costs a transaction for each reader last."""
DELIVERY_KINDS: tuple[DeliveryHandler, ...] = tuple(kind for feature in FEATURES for kind in feature.kinds)
