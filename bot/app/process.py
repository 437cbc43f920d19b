"""`paperround run`: acquire the sender lock, log in, run background tasks, and shut down on a signal.

Recurring work is the table in `bot.app.jobs`. It starts once this process is the sender; the Discord client starts none of it.
"""

from __future__ import annotations

import asyncio
import gc
import resource
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import structlog

from bot.app import health, jobs
from bot.app.container import Container
from bot.app.runtime import Runtime, build_runtime
from bot.app.supervision import Supervision
from bot.client import command_sync, gateway, rest, webhook
from bot.core import error_collector, http_server, isolation, program
from bot.core.clock import DiscordClock
from bot.core.settings import HIDDEN_HEALTH, NO_FRONTS, Settings
from bot.core.timers import Timers
from bot.features.web import server as web_server
from bot.outbox import outcomes
from storage import daily, engines, errors, key_values, migrate
from storage.database import Database
from storage.locks import RETRY_SECONDS, SenderLock

log = structlog.get_logger(__name__)


async def hold_lock(lock: SenderLock, acquired: asyncio.Event, database: Database) -> None:
    """Acquire the lock, set `acquired`, and keep the lock.

    Raises StorageError when it is lost, or when another version of Paperround upgrades the database.
    """
    while not await lock.try_acquire():
        await migrate.check_version(database)
        await asyncio.sleep(RETRY_SECONDS)
    await migrate.check_version(database)
    acquired.set()
    await lock.keep()


SHUTDOWN_SECONDS = 9.0
"""`run` ends within 10 s of SIGTERM."""
HAND_OVER_SECONDS = 1.0
"""A standby takes over after this time, unless a part is still being sent."""
STANDBY_SECONDS = 1.5
"""A process that has waited this long for the lock counts as a standby."""
FIRST_READ_SECONDS = 60.0
"""How long planning waits at startup for the first read of the sources."""


async def run(container: Container, supervision: Supervision | None = None) -> None:
    """Run until SIGTERM or SIGINT. Raises PaperroundError if Discord rejects the bot or the lock is lost."""
    raise_descriptor_limit()
    await check_destinations(container)
    stopping = install_signal_handlers(container)
    container.templates.log_problems()
    clock = container.follow_discord()
    lock = SenderLock(container.database)
    bot = container.create_bot()
    runtime = build_runtime(container, bot, lock)
    # Modules and tables live forever: scanning them for garbage would block the event loop for 80 ms.
    gc.freeze()
    async with AsyncExitStack() as stack:
        stack.enter_context(runtime.failures.listening(open_sentry(container.settings)))
        stack.push_async_callback(runtime.report_failures)
        await _start_servers(runtime, stack)
        stack.push_async_callback(container.rest.close)
        stack.push_async_callback(lock.release)
        stack.push_async_callback(gateway.close_client, bot)
        watch = (supervision or Supervision()).watch(runtime.liveness, lambda: lock.term is not None)
        watching = await stack.enter_async_context(in_background(watch))
        acquired = asyncio.Event()
        hold = hold_lock(lock, acquired, container.database)
        holding = await stack.enter_async_context(in_background(hold))
        preparing = _prepare(runtime, clock, acquired)
        await isolation.run_unless_stopped(preparing, stopping, holding, watching)
        if not stopping.is_set():
            runtime.liveness.record_start()
            await container.mentions.load(container.database)
            async with in_background(_log_identity(runtime)):
                await _run_tasks(runtime, clock, stopping, holding, watching)
    log.info("stopped")


def raise_descriptor_limit() -> None:
    """Raise the soft limit of open files, which is 256 to 1,024 on most machines, to 4,096, or to the hard limit below that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4_096 if hard == resource.RLIM_INFINITY else min(hard, 4_096)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def check_destinations(container: Container) -> None:
    """Raise UsageError if there is neither a token nor the address of a webhook."""
    if container.token is not None:
        return
    async with container.database.read() as connection:
        if not await key_values.list_by_prefix(connection, key_values.WEBHOOK):
            missing = await daily.list_unaddressed(connection)
            raise errors.UsageError(webhook.describe_missing(missing) if missing else MISSING_TOKEN_MESSAGE)
    log.info("posting only through webhooks: DISCORD_TOKEN is not set")


def open_sentry(settings: Settings) -> error_collector.Sink | None:
    """Return what sends errors to Sentry, or None if it is not configured. Raises UsageError without its extra."""
    if settings.sentry_dsn is None:
        return None
    try:
        release = f"paperround@{program.find_number()}"
        return error_collector.open_sentry(settings.sentry_dsn.get_secret_value(), release)
    except ModuleNotFoundError as error:
        raise errors.UsageError(
            f"SENTRY_DSN is set, but {error.name} is missing. In the folder of the checkout, run:"
            " pip install -c constraints.txt '.[sentry]'"
        ) from None


def install_signal_handlers(container: Container) -> asyncio.Event:
    """Install the signal handlers, and set Discord's URLs. Returns the event that SIGTERM and SIGINT set."""
    stopping = isolation.stop_on_signals()
    rest.override_endpoints(container.settings.discord_api_url, container.settings.discord_gateway_url)
    return stopping


MISSING_TOKEN_MESSAGE = (
    "DISCORD_TOKEN is not set. `paperround setup` asks for the token of your application"
    " (https://discord.com/developers/applications) and writes it into .env; in a repository that posts it is a secret."
    " `paperround demo` and a daily post by a webhook (docs/no-server.md) work without one."
)


async def _log_identity(runtime: Runtime) -> None:
    """Log in one sentence what runs: version, schema, database, as whom, and in how many servers, which the Gateway names."""
    bot = runtime.bot
    if runtime.has_bot:
        await bot.wait_until_ready()
    engine = await runtime.container.database.fetch(engines.describe)
    parts = [f"Paperround {program.describe_version()}", engine]
    if bot.user is not None:
        servers = len(bot.guilds)
        parts += [f"logged in as {bot.user}", f"in {servers} server{'s' * (servers != 1)}"]
    log.info(", ".join(parts))
    if bot.application is not None and (url := bot.application.interactions_endpoint_url):
        log.error(
            "Discord sends all commands to an address, where nothing takes them", url=url, reason=NO_FRONTS
        )


async def _prepare(runtime: Runtime, clock: DiscordClock, acquired: asyncio.Event) -> None:
    """Learn Discord's time, by a login or (without a token) a webhook request; then wait for the lock.

    A standby logs in before it has the lock, so that it can send at once.
    """
    with suppress(TimeoutError):
        await asyncio.wait_for(acquired.wait(), STANDBY_SECONDS)
    if not acquired.is_set():
        log.info("waiting for the sender lock; another process is running")
    if (token := runtime.container.token) is not None:
        await gateway.log_in(runtime.bot, token, runtime.liveness.record_start)
    else:
        await jobs.ask_for_time(runtime, clock)
    runtime.liveness.record_obstacle(None)
    await acquired.wait()


async def _start_servers(runtime: Runtime, stack: AsyncExitStack) -> None:
    """Serve health, metrics and the web archive at the configured addresses.

    The address of the archive is public, and has the others only if the settings say so.
    """
    container, bot, settings = runtime.container, runtime.bot, runtime.container.settings
    monitoring = health.MonitoringServer(
        container.database,
        runtime.metrics,
        container.clock,
        runtime.liveness,
        role=lambda: "sender" if runtime.lock.term is not None else "standby",
        is_connected=bot.is_gateway_connected,
        index=container.search_index,
    )
    servers: dict[str, list[http_server.AddRoutes]] = {}
    if settings.hides_health:
        log.warning(HIDDEN_HEALTH)
    elif settings.http is not None:
        servers[settings.http] = [monitoring.add_routes]
    if settings.web is not None:
        # Added last, since the archive handles every remaining path.
        servers.setdefault(settings.web, []).append(web_server.WebServer(container.web_pages).add_routes)
    for address, add_routes in servers.items():
        setting = "PAPERROUND_WEB" if address == settings.web else "PAPERROUND_HTTP"
        url = await stack.enter_async_context(http_server.serving(address, setting, add_routes))
        log.info("serving", setting=setting, url=url)


async def _run_tasks(
    runtime: Runtime, clock: DiscordClock, stopping: asyncio.Event, *watched: asyncio.Task[object]
) -> None:
    """Run the background tasks until `stopping` is set, or until a task, including those of `watched`, fails.

    The relay starts at once and sends deliveries that the previous process planned.
    """
    workers = runtime.workers
    async with (
        in_background(runtime.relay.run()) as relaying,
        workers.open_poller() as poller,
        workers.open_zotero(lambda: [guild.id for guild in runtime.bot.guilds]) as zotero_outbox,
        # After downtime, read new digests before giving up a post for the day.
        in_background(asyncio.wait_for(poller.first_round.wait(), FIRST_READ_SECONDS)) as first_read,
        in_background(gateway.connect(runtime.bot) if runtime.has_bot else stopping.wait()) as connection,
        in_background(runtime.sync_commands()),
        in_background(stopping.wait()) as stopper,
        Timers(jobs.list_jobs(runtime, poller, zotero_outbox, clock)) as timers,
    ):
        runtime.is_reading = lambda: not first_read.done()
        needed: list[asyncio.Future[Any]] = [relaying, timers.failure, connection, *watched]
        await asyncio.wait([*needed, stopper], return_when=asyncio.FIRST_COMPLETED)
        runtime.relay.stop()
        await timers.stop(HAND_OVER_SECONDS)
        await asyncio.wait({relaying}, timeout=SHUTDOWN_SECONDS - HAND_OVER_SECONDS)
        if not workers.database.is_sqlite:
            # A standby takes over now. This process answers no more commands, and its writes are fenced.
            connection.cancel()
            await gateway.close_client(runtime.bot)
            await runtime.lock.release()
        await isolation.cancel(relaying)
        error_collector = [task.exception() for task in needed if task.done() and not task.cancelled()]
    for failure in error_collector:
        if isinstance(failure, outcomes.DeliveryError):
            raise errors.PaperroundError(command_sync.WRONG_TOKEN) from failure
        if failure is not None:
            raise failure


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, object]) -> AsyncIterator[asyncio.Task[object]]:
    """Run `work` in a task, and cancel the task at the end."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await isolation.cancel(task)
