"""The client tests' harness: the bot in a simulated server, with users who have different permissions."""

import asyncio
import copy
import re
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from unittest import mock

import discord
import pytest
import simcord
from discord import app_commands
from discord.http import MultipartParameters
from simcord import components, results
from simcord.backend import serializers
from simcord.components import walk_components

from bot.app.client import PaperroundBot
from bot.app.container import Container
from bot.app.runtime import Runtime, build_runtime
from bot.app.workers import Workers
from bot.client import autocomplete, verbs
from bot.core.settings import Settings
from bot.demo.server import SimulatedRest
from bot.features.alerts.service import Alerts
from bot.features.daily.service import OnDemandPosts, Subscriptions
from bot.i18n.texts import Texts, for_locale
from bot.outbox import contents
from bot.rendering.templates import Templates
from bot.sources import base
from storage import errors, locks, models, outbox
from storage.database import Database
from tests.support import alert_builders, digest_builders, patience, world

SIMCORD_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The start of SimCord's clock."""

NOWHERE = "http://127.0.0.1:9"
"""The default URL of arXiv and Hugging Face, where no server listens."""

SETTLE_SECONDS = 60.0
TIMER_SECONDS = 1.0
"""How long SimCord waits for the bot's work on an idle machine, and within how many seconds a timer is part of it."""


class PatientEnv(simcord.Env):
    """SimCord that waits for the bot's work as long as the machine's load demands, but not for its timers.

    SimCord waits for each timer that fires before its limit, such as aiohttp's, which looks for idle connections every 15 s.
    """

    async def _settle_internal(self, **options: Any) -> None:
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        while True:
            try:
                await super()._settle_internal(**options | {"timeout": TIMER_SECONDS})
                return
            except TimeoutError:
                if loop.time() - started_at > patience.scaled(SETTLE_SECONDS):
                    raise

    async def _run_pre_shutdown(self) -> None:
        """Let the bot's work end. SQLAlchemy loses a connection whose closing task is cancelled before its first step."""
        await super()._run_pre_shutdown()
        with suppress(TimeoutError):  # a test may hold work back
            await super()._settle_internal(timeout=patience.scaled(TIMER_SECONDS))


both_languages = pytest.mark.parametrize("locale", list(models.Locale), ids=lambda locale: locale.value)
"""For tests of a text whose Korean differs in kind, or of its length, and of what is typed in Korean."""


@dataclass
class SimulatedClock:
    """A clock that shows SimCord's time, which is also Discord's."""

    env: simcord.Env | None = None

    def __call__(self) -> datetime:
        return SIMCORD_EPOCH if self.env is None else self.env.now()


@dataclass
class ClientHarness:
    """The running bot and its users. `manager` manages the server; no user may write in `readonly_channel`."""

    env: simcord.Env
    container: Container
    bot: PaperroundBot
    guild: Any
    channel: Any
    reader: Any
    manager: Any
    readonly_channel: Any
    texts: Texts
    expected_errors: list[type[BaseException]] = field(default_factory=lambda: [errors.UsageError])
    runtime: Runtime | None = None
    lock: locks.SenderLock | None = None
    """The lock for the bot's background work, once a test waits for that work."""

    @property
    def user(self) -> Any:
        """The reader in direct messages."""
        return self.reader.user

    @property
    def alerts(self) -> Alerts:
        return self.bot.services.get(Alerts)

    @property
    def subscriptions(self) -> Subscriptions:
        return self.bot.services.get(Subscriptions)

    async def ask(self, command: str, *, by: Any = None, where: Any = None, **options: Any) -> Any:
        """Run a slash command, by default as the reader in the channel. Returns the reply's last message."""
        return last_response(await (by or self.reader).slash(where or self.channel, command, **options))

    async def press(
        self,
        message: Any,
        key: str = "",
        *,
        by: Any = None,
        label: str | None = None,
        custom_id: str | None = None,
    ) -> Any:
        """Press the button with a text id, label or custom id, and return the reply's last message."""
        wanted = {"custom_id": custom_id} if custom_id else {"label": label or self.texts(key)}
        return await self.click(message, by=by, **wanted)

    async def turn(self, message: Any, *, back: bool = False) -> Any:
        """Press the button for the next page (`back`: the previous page), and return the last message."""
        labels = [part["label"] for part in raw_components(message) if "label" in part]
        label = next(label for label in labels if (label.startswith("◀ ") if back else label.endswith(" ▶")))
        return await self.click(message, label=label)

    async def choose(self, message: Any, custom_id: str, *values: str, by: Any = None) -> Any:
        """Choose values in a menu, and return the reply's last message."""
        return last_response(await (by or self.reader).select(message, list(values), custom_id=custom_id))

    async def share(self, message: Any) -> tuple[Any, Any]:
        """Share a message, and return the public message and the private confirmation."""
        result = await self.reader.click(message, label=self.texts("share"))
        return result.response, result.followups[-1]

    async def fill(self, message: Any, key: str, *, by: Any = None, **values: Any) -> Any:
        """Open a form with the button of a text id, submit it, and return the reply's last message."""
        form = await (by or self.reader).click(message, label=self.texts(key))
        return last_response(await (by or self.reader).submit_modal(form, values))

    async def click(self, message: Any, *, by: Any = None, **button: Any) -> Any:
        """Press a button (default: as the reader) and return the reply's last message."""
        return last_response(await (by or self.reader).click(message, **button))

    async def select(self, message: Any, values: list[str], *, by: Any = None, custom_id: str) -> Any:
        """Select values in the menu whose custom id starts with a text, and return the last message."""
        found = next(name for name in component_ids(message) if name.startswith(custom_id))
        return last_response(await (by or self.reader).select(message, values, custom_id=found))

    async def add_subscription(self, channel_id: int | None = None, **options: Any) -> models.Subscription:
        draft = models.Subscription(
            guild_id=self.guild.id,
            channel_id=channel_id or self.channel.id,
            created_by=self.manager.id,
            **{"locale": self.texts.locale, "at_time": "09:00"} | options,
        )
        return await self.subscriptions.add(draft)

    async def add_alert(self, *texts: str, **fields: Any) -> models.Alert:
        """Add an alert, by default of the reader."""
        return await self.alerts.add(alert_builders.draft(*texts, **{"user_id": self.reader.id} | fields))

    async def manage(self, command: str, **options: Any) -> Any:
        """Run a command as the manager in `channel`, and return the reply's last message."""
        return await self.ask(command, by=self.manager, **options)

    async def set_up_club(self, **options: Any) -> Any:
        """Set up or change the club as the manager, confirm it, and return the reply's last message."""
        shown = await self.manage("club setup", **options)
        ids = [str(part.get("custom_id")) for part in raw_components(shown)]
        for custom_id in ids:
            if custom_id.startswith(f"pr:{verbs.START_CLUB}:"):
                shown = await self.press(shown, by=self.manager, custom_id=custom_id)
        return shown

    async def manager_press(self, message: Any, text_id: str, **arguments: Any) -> Any:
        """Press the button with a text id as the manager, and return the last message or the form."""
        result = await self.manager.click(message, label=self.texts(text_id, **arguments))
        return result if result.modal else last_response(result)

    async def publish(self, text: str, summary: str = "로봇을 care로 기른다.") -> None:
        """Ingest a written digest for today, with papers in the notation of `tests/support/world.py`."""
        listed = [(paper.arxiv_id, paper.votes) for paper in world.papers(text)]
        digest = digest_builders.newsletter(self.env.now().date(), listed, text=summary)
        await Workers(self.container).ingest.add_text(digest, location=text)

    async def wait(self, **delay: float) -> None:
        """Plan and send the alerts that are due now and after a delay."""
        runtime = self.runtime or await self.start_runtime()
        await Workers(self.container).alert_planner.drain()
        await self.env.advance_time(timedelta(**delay).total_seconds())
        await Workers(self.container).alert_planner.drain()
        await runtime.relay.drain(self.env.now())

    async def start_runtime(self) -> Runtime:
        """Build what plans and sends in the background, which the test runs."""
        self.lock = locks.SenderLock(self.container.database)
        assert await self.lock.try_acquire()
        self.runtime = build_runtime(self.container, self.bot, self.lock)
        return self.runtime

    def take_roles(self, actor: Any) -> None:
        member = self.env.backend.get_member(self.guild.id, actor.id)
        for role_id in list(member.role_ids):
            self.env.backend.remove_member_role(self.guild.id, actor.id, role_id)

    def received(self) -> list[Any]:
        """Return the reader's direct messages, oldest first."""
        return sorted(self.user.dm_channel.history(), key=lambda message: message.id)

    async def plan_post(self, subscription: models.Subscription) -> tuple[models.Delivery, models.Part]:
        """Plan a single-message post now, and return its stored delivery and part."""
        await self.bot.services.get(OnDemandPosts).plan(subscription.id, 1)
        async with self.container.database.read() as connection:
            delivery = max(await outbox.list_rows(connection), key=lambda row: row.id)
            (part,) = await outbox.list_parts(connection, delivery.id)
        return delivery, part

    def screen(self, *messages: Any) -> str:
        """Return messages as readers see them, for snapshots.

        They contain texts, `[buttons]` and `<menu: chosen or first option … count>`. Mentions are names, and
        times are in UTC; lines are at most 100 columns wide.
        """
        return "\n".join(map(self._draw, messages))

    def _draw(self, message: Any) -> str:
        lines: list[str] = []
        for part in raw_components(message):
            match part["type"]:
                case 1:
                    lines.append("")
                case 2:
                    label = part.get("label") or (part.get("emoji") or {}).get("name")
                    lines[-1] = f"{lines[-1]} [{label}]".strip()
                case 3 | 5 | 6 | 7 | 8:
                    options = part.get("options", ())
                    chosen = next(
                        (option for option in options if option.get("default")), (*options, None)[0]
                    )
                    shown = f": {chosen['label']} … {len(options)}" if chosen else ""
                    lines[-1] = f"<{part.get('placeholder') or ''}{shown}>"
                case 10:
                    lines += part["content"].splitlines()
                case _:
                    pass
        text = "\n".join(lines).replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ")
        text = re.sub(r"</([a-z ]+):\d+>", r"`/\1`", text)
        text = re.sub(r"<#(\d+)>", lambda found: f"#{self.bot.get_channel(int(found[1]))}", text)
        people = {str(self.reader.id): "reader", str(self.manager.id): "manager"}
        text = re.sub(r"<@(\d+)>", lambda found: f"@{people[found[1]]}", text)
        text = re.sub(
            r"<t:(\d+)(?::\w)?>",
            lambda found: f"{datetime.fromtimestamp(int(found[1]), UTC):%b %d %H:%M}",
            text,
        )
        wrapped = [
            textwrap.wrap(
                line,
                60 if re.search("[가-힣]", line) else 100,
                subsequent_indent="  ",
                break_long_words=False,
            )
            for line in text.splitlines()
        ]
        return "\n".join(line for of in wrapped for line in of or [""]) + "\n"

    def unexpected_errors(self) -> list[BaseException]:
        return [
            error
            for error in self.env.errors
            if not isinstance(getattr(error, "original", error), tuple(self.expected_errors))
        ]


@asynccontextmanager
async def open_harness(
    database: Database, locale: models.Locale, services_url: str = NOWHERE
) -> AsyncIterator[ClientHarness]:
    """Start the bot in a new simulated server whose users share a language.

    arXiv and Hugging Face are at `services_url`.
    """
    clock = SimulatedClock()
    container = Container(_load_settings(locale, services_url), database, clock)
    container.templates = _load_templates()
    container.arxiv_throttle = base.no_throttle
    bot = container.create_bot(shard_count=1, locale=locale)
    container.rest = SimulatedRest(bot, container.pace)
    for waiting in (bot.services.lookups, bot.services.paper_lookup):
        waiting.patience = patience.scaled(waiting.patience)
    # `simcord.run` fails in a fixture, because pytest runs set-up and tear-down in different contexts.
    env = PatientEnv(bot, check_errors=False, settle_timeout=patience.scaled(SETTLE_SECONDS))
    with _translated_once(), _quick_copies():
        await env.start()
    clock.env = env
    try:
        with (
            _quick_copies(),
            mock.patch.multiple(
                autocomplete,
                TIMEOUT_SECONDS=patience.scaled(autocomplete.TIMEOUT_SECONDS),
                PATIENCE_SECONDS=patience.scaled(autocomplete.PATIENCE_SECONDS),
            ),
        ):
            harness = _populate(env, container, bot, locale)
            yield harness
            if harness.lock is not None:
                await harness.lock.release()
    finally:
        await env.shutdown()


@lru_cache
def _load_settings(locale: models.Locale, services_url: str) -> Settings:
    return Settings(locale=locale.value, arxiv_url=f"{services_url}/api/query", hf_endpoint=services_url)


@lru_cache(maxsize=1)
def _load_templates() -> Templates:
    return Templates(None)


_copy_any = copy.deepcopy


@contextmanager
def _quick_copies() -> Iterator[None]:
    """Copy by `_copy_json` wherever a command copies JSON."""
    with ExitStack() as patches:
        for module in (copy, components, results, serializers):
            patches.enter_context(mock.patch.object(module, "deepcopy", _copy_json))
        yield


def _copy_json(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """Copy JSON, which SimCord does often, in a fifth of the time of `copy.deepcopy`."""
    if type(value) is dict:
        return {key: _copy_json(item) for key, item in value.items()}
    if type(value) is list:
        return [_copy_json(item) for item in value]
    return value if type(value) in (str, int, bool, type(None)) else _copy_any(value, memo)


_payloads: dict[tuple[type, str], Any] = {}


@contextmanager
def _translated_once() -> Iterator[None]:
    """Translate each command only once, since all bots have the same commands."""

    def remembering(translate: Any) -> Any:
        async def get(command: Any, *arguments: Any) -> Any:
            key = type(command), command.qualified_name
            if key not in _payloads:
                _payloads[key] = await translate(command, *arguments)
            return _payloads[key]

        return get

    with ExitStack() as patches:
        for kind in (app_commands.Command, app_commands.Group, app_commands.ContextMenu):
            get = remembering(kind.get_translated_payload)
            patches.enter_context(mock.patch.object(kind, "get_translated_payload", get))
        yield


def _populate(
    env: simcord.Env, container: Container, bot: PaperroundBot, locale: models.Locale
) -> ClientHarness:
    # IDs count from the clock's time. The owner's is of another time, so that the others are those of the stored
    # installation of 0.1.0, which was made with a command less.
    earlier = env.backend.clock.now() - timedelta(days=1)
    with mock.patch.object(env.backend.clock, "now", return_value=earlier):
        owner = env.create_user("owner")
    guild = env.create_guild("Paper Club", owner=owner)
    channel = guild.create_text_channel("papers")
    permissions = discord.Permissions(manage_guild=True, manage_messages=True)
    managers = guild.create_role("managers", permissions=permissions)
    reader = guild.add_member(env.create_user("reader"))
    manager = guild.add_member(env.create_user("manager"), roles=[managers])
    overwrites: dict[Any, discord.PermissionOverwrite] = {
        guild.default_role: discord.PermissionOverwrite(send_messages=False)
    }
    readonly = guild.create_text_channel("quiet", overwrites=overwrites)
    texts = for_locale(locale)
    return ClientHarness(env, container, bot, guild, channel, reader, manager, readonly, texts)


def shown_text(message: Any) -> str:
    """Return a message's visible texts line by line: texts, labels, placeholders, options."""
    lines = []
    for component in raw_components(message):
        lines += [str(component[key]) for key in ("content", "label", "placeholder") if component.get(key)]
        lines += [option["label"] for option in component.get("options", ())]
    return "\n".join(lines)


def component_ids(message: Any) -> list[str]:
    return [part["custom_id"] for part in raw_components(message) if part.get("custom_id")]


def raw_components(message: Any) -> list[dict[str, Any]]:
    """Return all components of a message, including nested ones, as Discord's JSON."""
    components = [part if isinstance(part, dict) else part.to_dict() for part in message.components]
    return list(walk_components(components))


def last_response(result: Any) -> Any:
    return result.followups[-1] if result.followups else result.response


async def post_daily(harness: ClientHarness, **options: Any) -> Any:
    """Add a subscription, send its post, and return the last message."""
    subscription = await harness.add_subscription(**options)
    post, _ = await harness.bot.services.get(OnDemandPosts).preview(subscription)
    parts = harness.container.renderer.render(replace(post, marker=f"daily:{subscription.id}:2026-01-01"))
    return await send_parts(harness, harness.channel.id, *parts)


async def send_parts(harness: ClientHarness, channel_id: int, *parts: contents.RenderedPart) -> Any:
    """Send rendered messages, and return the last one as stored in the channel."""
    sent: Any = None
    for part in parts:
        body = MultipartParameters(payload=dict(part.payload), multipart=None, files=None)
        sent = await harness.bot.http.send_message(channel_id, params=body)
    await harness.env.settle()
    return await harness.bot.get_partial_messageable(channel_id).fetch_message(int(sent["id"]))
