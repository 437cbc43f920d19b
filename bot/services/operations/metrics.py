"""The Prometheus metrics: outcomes of parts, failure reasons, lateness and queue depth."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot.services.operations.clock_monitor import ClockMonitor
from bot.services.outbox.discord_health import DiscordHealth, HealthState
from storage import models

LATENESS_BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)

LOOKUP_WAIT_BUCKETS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2)


class Metrics:
    """The bot's metrics, in their own registry."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.part_outcomes = Counter(
            "paperround_parts", "Outcomes of attempts at parts", ["outcome", "kind"], registry=self.registry
        )
        self.failures = Counter(
            "paperround_failures",
            "Attempts that brought no message, by reason",
            ["reason"],
            registry=self.registry,
        )
        self.lateness = Histogram(
            "paperround_lateness_seconds",
            "From when a part was due until Discord had it",
            ["kind"],
            buckets=LATENESS_BUCKETS,
            registry=self.registry,
        )
        self.queue_depth = Gauge(
            "paperround_queue_depth", "Parts of the outbox, by state", ["state"], registry=self.registry
        )
        self.oldest_unsent = Gauge(
            "paperround_oldest_unsent_seconds",
            "Age of the oldest delivery that waits",
            registry=self.registry,
        )
        self.lookups = Counter(
            "paperround_lookups",
            "Look-ups of readers: admitted, or refused as busy",
            ["decision"],
            registry=self.registry,
        )
        self.lookup_wait = Histogram(
            "paperround_lookup_wait_seconds",
            "Time that a reader's look-up waited for its turn, or until it was refused",
            buckets=LOOKUP_WAIT_BUCKETS,
            registry=self.registry,
        )
        self.connected = Gauge(
            "paperround_gateway_connected", "1 while the gateway is up", registry=self.registry
        )
        self.clock_steps = Counter(
            "paperround_clock_steps", "Steps of the clock by more than two minutes", registry=self.registry
        )
        self.clock_held = Gauge(
            "paperround_clock_held",
            "1 while a step ahead is not confirmed and posts follow the time before it",
            registry=self.registry,
        )
        self.clock_offset = Gauge(
            "paperround_clock_offset_seconds",
            "How far the clock is ahead of Discord's; negative if it is behind",
            registry=self.registry,
        )
        self.discord_state = Gauge(
            "paperround_discord_state",
            "1 for the state of Discord's health",
            ["state"],
            registry=self.registry,
        )
        self.invalid_requests = Gauge(
            "paperround_invalid_requests",
            "Answers of 401, 403 and 429 within ten minutes",
            registry=self.registry,
        )
        self.digests = Counter("paperround_digests", "Digests stored or corrected", registry=self.registry)

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

    def render(self) -> bytes:
        """Return the metrics in the Prometheus text format."""
        return generate_latest(self.registry)
