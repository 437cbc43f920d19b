"""What a running bot tells its operator: the signs of life behind `/health`, its metrics, and both over HTTP."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Literal, get_args

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot.core import isolation
from bot.core.clock import Clock
from bot.core.clock_monitor import ClockMonitor
from bot.operations import service
from bot.outbox.discord_health import Answer, DiscordHealth, HealthState
from storage import errors, locks, migrate, models, outbox
from storage.database import Database

log = structlog.get_logger(__name__)

TICK_SECONDS = 150.0
"""The planner runs every minute, and planning for 10,000 channels takes less than another."""
DATABASE_AWAY_SECONDS = 60.0
"""PostgreSQL restarts within less."""
CLAIM_SECONDS = 60.0
"""The relay claims every two seconds. While every slot is taken it waits for an attempt, which ends within 20 s."""
DISCORD_SECONDS = 120.0
"""discord.py notices a dead connection within a minute and connects again within seconds."""
DISCORD_FAILURE_SECONDS = 1200.0
"""During this time after a failed request Discord's silence is an outage: discord.py waits up to 1,024 s between attempts to
connect again."""


Sign = Literal["tick", "claim", "discord"]
"""A sign of life: the planner has finished a tick; the relay has claimed parts, or has decided that none can be sent now; the
Gateway is connected, or a request to Discord has succeeded."""


class Liveness:
    """The moments of the last signs of life. `monotonic` is in seconds, so that a changed clock does not count.

    Before its first sign each of them is as old as the start, which is the grace for starting up. While requests to
    Discord are made and fail, or Discord limits the bot, its silence is an outage, which starting this process again would
    not end. Until the login succeeds, an outage excuses the other signs.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        get_discord_state: Callable[[], HealthState] = lambda: HealthState.WELL,
    ) -> None:
        self._get_discord_state = get_discord_state
        self._monotonic = monotonic
        self._started_at = monotonic()
        self._signs: dict[Sign, float | None] = dict.fromkeys(get_args(Sign))
        self._discord_failed_at = float("-inf")
        self._database_away: tuple[float, str] | None = None
        self._is_ready = False

    def record_start(self) -> None:
        """Begin the grace again: the sender lock was acquired, or Discord is asked again to accept the login."""
        self._started_at = self._monotonic()

    def record(self, sign: Sign) -> None:
        """Record a sign of life: see `Sign`."""
        self._signs[sign] = self._monotonic()

    def record_discord_failure(self) -> None:
        """Record that a request to Discord got an error or no answer."""
        self._discord_failed_at = self._monotonic()

    def record_database(self, reason: str | None) -> None:
        """Record why the database cannot be used, or (None) that it can."""
        if reason is None:
            self._database_away = None
        else:
            away_at = self._monotonic() if self._database_away is None else self._database_away[0]
            self._database_away = away_at, reason

    def record_readiness(self, *, is_ready: bool) -> None:
        """Record whether Discord has accepted the login, without which a standby cannot take over."""
        self._is_ready = is_ready

    def record_answer(self, answer: Answer) -> None:
        """Record an answer of Discord, or of a proxy before it. Any answer to the request itself is a success."""
        if answer.is_discords and answer.status < 500 and answer.status != 429:
            self.record("discord")
        else:
            self.record_discord_failure()

    def get_fields(self) -> dict[str, float | str | bool | None]:
        """Return the fields of `/health`: Discord's state, and the seconds since each sign, None before the first."""
        ages = {
            f"{sign}_seconds": None if at is None else self._seconds_since(at)
            for sign, at in self._signs.items()
        }
        return {"discord": self._get_discord_state().value, "outage": self.is_outage(), **ages}

    def find_problems(self, *, is_standby: bool = False) -> list[str]:
        """Return a sentence for each sign that is overdue. A standby needs the database and its login."""
        problems = self._find_database_problems()
        if is_standby:
            return problems + (
                [] if self._is_ready else ["Discord has not accepted the standby's login so far."]
            )
        problems += self._find_own_problems()
        if self._is_overdue("discord", DISCORD_SECONDS):
            problems.append(
                f"The Gateway is disconnected, and no request to Discord has succeeded for {DISCORD_SECONDS:.0f} s."
            )
        return problems

    def is_outage(self) -> bool:
        """Return whether nothing is wrong but that Discord does not answer, although it is asked."""
        is_silent = self._is_overdue("discord", DISCORD_SECONDS)
        has_own = self._find_database_problems() or self._find_own_problems()
        return is_silent and self._is_discord_ill() and not has_own

    def _find_database_problems(self) -> list[str]:
        if (
            self._database_away is None
            or self._seconds_since(self._database_away[0]) <= DATABASE_AWAY_SECONDS
        ):
            return []
        return [f"The database is unavailable; the bot is waiting for it. {self._database_away[1]}"]

    def _find_own_problems(self) -> list[str]:
        is_logging_in = (self._signs["tick"] or float("-inf")) < self._started_at
        if is_logging_in and self._is_discord_ill():
            return []
        problems = []
        if self._is_overdue("tick", TICK_SECONDS):
            problems.append(f"The planner has not finished a tick for {TICK_SECONDS:.0f} s.")
        if self._is_overdue("claim", CLAIM_SECONDS):
            problems.append(f"For {CLAIM_SECONDS:.0f} s, the relay has not looked for parts to send.")
        return problems

    def _is_discord_ill(self) -> bool:
        has_failed_lately = self._seconds_since(self._discord_failed_at) <= DISCORD_FAILURE_SECONDS
        return has_failed_lately or self._get_discord_state() is not HealthState.WELL

    def _is_overdue(self, sign: Sign, limit: float) -> bool:
        return self._seconds_since(max(self._started_at, self._signs[sign] or self._started_at)) > limit

    def _seconds_since(self, moment: float) -> float:
        return round(self._monotonic() - moment, 1)


LATENESS_BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
LOOKUP_WAIT_BUCKETS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2)


class Metrics:
    """The bot's metrics, in their own registry."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        counter = functools.partial(Counter, registry=registry)
        gauge = functools.partial(Gauge, registry=registry)
        histogram = functools.partial(Histogram, registry=registry)
        self.part_outcomes = counter(
            "paperround_parts", "Outcomes of attempts to send parts", ["outcome", "kind"]
        )
        self.failures = counter(
            "paperround_failures", "Failed attempts to send a part, by reason", ["reason"]
        )
        self.lateness = histogram(
            "paperround_lateness_seconds",
            "Time from when a part was due until Discord accepted it",
            ["kind"],
            buckets=LATENESS_BUCKETS,
        )
        self.queue_depth = gauge("paperround_queue_depth", "Parts of the outbox, by state", ["state"])
        self.oldest_unsent = gauge("paperround_oldest_unsent_seconds", "Age of the oldest waiting delivery")
        self.lookups = counter(
            "paperround_lookups",
            "Readers' look-ups: admitted, or refused because the bot was busy",
            ["decision"],
        )
        self.lookup_wait = histogram(
            "paperround_lookup_wait_seconds",
            "Time that a reader's look-up waited for its turn, or until it was refused",
            buckets=LOOKUP_WAIT_BUCKETS,
        )
        self.connected = gauge("paperround_gateway_connected", "1 while the Gateway is connected")
        self.clock_steps = counter("paperround_clock_steps", "Clock steps of more than two minutes")
        self.clock_held = gauge(
            "paperround_clock_held",
            "1 while a forward jump of the clock is unconfirmed and posts still follow the old time",
        )
        self.clock_offset = gauge(
            "paperround_clock_offset_seconds",
            "How far the clock is ahead of Discord's; negative if it is behind",
        )
        self.discord_state = gauge(
            "paperround_discord_state", "1 for the current state of Discord's health", ["state"]
        )
        self.invalid_requests = gauge(
            "paperround_invalid_requests", "Responses with status 401, 403 or 429 in the last ten minutes"
        )
        self.digests = counter("paperround_digests", "Digests stored or corrected")
        self.leader = gauge("paperround_leader", "1 for the process that sends, 0 for a standby")
        self.term = gauge(
            "paperround_term", "Number of the term in which this process is the sender; 0 for a standby"
        )

    def watch_term(self, get_term: Callable[[], int | None]) -> None:
        """Show from now on whether this process is the sender, and the number of its term."""
        self.leader.set_function(lambda: get_term() is not None)
        self.term.set_function(lambda: locks.number_of(get_term() or 0))

    def watch_clock(self, monitor: ClockMonitor) -> None:
        """Show the state of the clock's monitor from now on."""
        self.clock_held.set_function(lambda: monitor.is_held)
        self.clock_offset.set_function(monitor.get_discord_offset)

    def watch_discord(self, health: DiscordHealth) -> None:
        """Show the health of Discord from now on."""
        for state in HealthState:
            self.discord_state.labels(state.value).set_function(
                lambda state=state: health.state is state  # type: ignore[misc]
            )
        self.invalid_requests.set_function(lambda: health.budget.spent)

    def record(
        self, result: str, kind: models.DeliveryKind, reason: str | None, late_seconds: float | None
    ) -> None:
        """Record one outcome of the relay, as its `OutcomeListener`."""
        self.part_outcomes.labels(result, kind.value).inc()
        if reason is not None:
            self.failures.labels(reason).inc()
        if late_seconds is not None:
            self.lateness.labels(kind.value).observe(max(0.0, late_seconds))

    def record_lookup(self, is_admitted: bool, seconds: float) -> None:
        """Record the admission of a look-up, as its listener."""
        self.lookups.labels("admitted" if is_admitted else "busy").inc()
        self.lookup_wait.observe(seconds)

    def record_preview(self, is_admitted: bool, seconds: float) -> None:
        """Record the refusal of a preview, as its listener: one that is admitted is a look-up, which is recorded then."""
        if not is_admitted:
            self.record_lookup(is_admitted, seconds)

    def render(self) -> bytes:
        """Return the metrics in the Prometheus text format."""
        return generate_latest(self.registry)


DATABASE_SECONDS = 2.0
"""`/health` waits this long for the age of the oldest delivery; its status does not depend on it."""
DATABASE_CONNECTIONS = 2
"""For all requests together: a flood of them must leave the pool to the bot."""
METRICS_SECONDS = 8.0
"""`/metrics` waits this long for the database: Prometheus, and the connection, for 10 s."""


class MonitoringServer:
    """Serves the state of one running bot.

    `role` gives "sender", "standby" while another process holds the lock, or "front". `needs_front` says whether commands come
    by HTTP, which a front answers.
    """

    def __init__(
        self,
        database: Database,
        metrics: Metrics,
        clock: Clock,
        liveness: Liveness,
        *,
        role: Callable[[], str],
        is_connected: Callable[[], bool],
        needs_front: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database.limited(DATABASE_CONNECTIONS)
        self._needs_front = needs_front
        self._metrics = metrics
        self._clock = clock
        self._liveness = liveness
        self._role = role
        self._is_connected = is_connected

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the two addresses to a server."""
        router.add_get("/health", self._handle_health)
        router.add_get("/metrics", self._handle_metrics)

    async def _handle_health(self, request: web.Request) -> web.Response:
        role, is_connected = self._role(), self._is_connected()
        if is_connected:
            self._liveness.record("discord")
        problems = self._liveness.find_problems(is_standby=role != "sender")
        oldest, other = await self._read_database(role)
        problems += [other] if other else []
        body = {
            "up": True,
            "role": role,
            "gateway_connected": is_connected,
            "oldest_unsent_at": None if oldest is None else oldest.isoformat(),
            "oldest_unsent_seconds": None if oldest is None else self._seconds_since(oldest),
            **self._liveness.get_fields(),
            "problems": problems,
        }
        return web.json_response(body, status=503 if problems else 200)

    async def _read_database(self, role: str) -> tuple[datetime | None, str | None]:
        """Return the time of the oldest unsent delivery, and a sentence if what other processes left is a problem for this role.

        None for what the database does not answer.
        """
        oldest = problem = None
        # Not for each probe: what waits for a silent database logs it.
        with isolation.isolated(log, "the database could not be read for /health"), suppress(TimeoutError):
            async with asyncio.timeout(DATABASE_SECONDS):
                if role == "standby":
                    problem = await migrate.find_mismatch(self._database)
                async with self._database.read() as connection:
                    if role == "sender" and self._needs_front():
                        live = await locks.list_processes(connection, self._clock())
                        problem = None if locks.has_front(live) else service.NO_FRONT
                    oldest = await outbox.oldest_unsent_at(connection)
        return oldest, problem

    async def _handle_metrics(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(METRICS_SECONDS), self._database.read() as connection:
                depth = await outbox.count_by_state(connection)
                oldest = await outbox.oldest_unsent_at(connection)
        except errors.StorageError as error:
            return web.Response(status=503, text=str(error))
        except TimeoutError:
            return web.Response(status=503, text="The database does not answer.")
        # A state without parts is set to 0; its former value would stay otherwise.
        for state in models.PartState:
            self._metrics.queue_depth.labels(state.value).set(depth.get(state, 0))
        self._metrics.oldest_unsent.set(0.0 if oldest is None else self._seconds_since(oldest))
        self._metrics.connected.set(self._is_connected())
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _seconds_since(self, moment: datetime) -> float:
        return max(0.0, (self._clock() - moment).total_seconds())
