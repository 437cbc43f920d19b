"""The bot's metrics for Prometheus."""

from __future__ import annotations

import functools

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from bot.core import program
from storage import models, sqlite_file

LATENESS_BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)


class Metrics:
    """The bot's metrics in a registry of their own."""

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
        self.lookup_seconds = histogram(
            "paperround_lookup_seconds",
            "Time that an admitted look-up took",
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
        )
        self.planning = histogram(
            "paperround_planning_seconds",
            "Time that the minute tick took: expiry, daily posts, alerts, clubs and papers of the day",
            buckets=(0.03, 0.1, 0.3, 1, 3, 10, 30, 60),
        )
        self.unindexed_papers = gauge(
            "paperround_index_behind", "Changes of papers that are not in the search index yet"
        )
        self.source_success = gauge(
            "paperround_source_success_timestamp_seconds",
            "When a source was last read, by its name",
            ["source"],
        )
        self.source_items = gauge(
            "paperround_source_items",
            "Items of a source's last reading: stored, known, or why they were left out",
            ["source", "outcome"],
        )
        self.digests = counter("paperround_digests", "Digests stored or corrected")
        self.problems = gauge("paperround_problems", "Problems that /health names; 0 if it is healthy")
        self.stuck_posts = gauge("paperround_stuck_posts", "Posts that `paperround posts` calls stuck")
        build = Info("paperround_build", "The running version and its schema", registry=registry)
        build.info({"version": program.find_version(), "schema": str(sqlite_file.SCHEMA_VERSION)})
        self.leader = gauge("paperround_leader", "1 for the process that sends, 0 for a standby")

    def record(
        self, result: str, kind: models.DeliveryKind, reason: str | None, late_seconds: float | None
    ) -> None:
        """Record an outcome reported by the relay (an `OutcomeListener`)."""
        self.part_outcomes.labels(result, kind.value).inc()
        if reason is not None:
            self.failures.labels(reason).inc()
        if late_seconds is not None:
            self.lateness.labels(kind.value).observe(max(0.0, late_seconds))

    def record_lookup(self, seconds: float | None) -> None:
        """Record a lookup and how long it took; None if it was rejected as busy."""
        self.lookups.labels("busy" if seconds is None else "admitted").inc()
        if seconds is not None:
            self.lookup_seconds.observe(seconds)

    def render(self) -> bytes:
        return generate_latest(self.registry)
