"""Classifying Discord's errors, and delays between retries."""

import random
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
import structlog

from bot.outbox import outcomes
from bot.outbox.contents import DeliveryFactory
from bot.outbox.outcomes import Disposition
from storage import outbox
from storage.database import Database
from storage.models import NewPart, Part, PartKind, Reason
from tests.support import outbox_builders, rendered_posts


@pytest.mark.parametrize(
    ("status", "code", "kind", "disposition", "reason"),
    [
        (401, 0, PartKind.MESSAGE, Disposition.INVALID_TOKEN, Reason.NO_ACCESS),
        (403, 50001, PartKind.MESSAGE, Disposition.REFUSED, Reason.NO_ACCESS),
        (403, 50013, PartKind.MESSAGE, Disposition.REFUSED, Reason.NO_SEND),
        (403, 50013, PartKind.THREAD, Disposition.REFUSED, Reason.NO_THREADS),
        (403, 50013, PartKind.THREAD_MESSAGE, Disposition.REFUSED, Reason.NO_SEND_IN_THREADS),
        (403, 50007, PartKind.MESSAGE, Disposition.REFUSED, Reason.DMS_CLOSED),
        (404, 10008, PartKind.EDIT, Disposition.ALREADY_DONE, Reason.UNCERTAIN),
        (400, 160002, PartKind.MESSAGE, Disposition.CONTENT_REFUSED, Reason.REFUSED_CONTENT),
        (403, 160005, PartKind.MESSAGE, Disposition.REFUSED, Reason.THREAD_LOCKED),
        (403, 160005, PartKind.THREAD_MESSAGE, Disposition.REFUSED, Reason.THREAD_LOCKED),
        (403, 50083, PartKind.MESSAGE, Disposition.REFUSED, Reason.THREAD_LOCKED),
        (403, 50083, PartKind.THREAD_MESSAGE, Disposition.REFUSED, Reason.THREAD_LOCKED),
        (404, 10003, PartKind.MESSAGE, Disposition.REFUSED, Reason.UNKNOWN_CHANNEL),
        (404, 10003, PartKind.THREAD_MESSAGE, Disposition.TARGET_GONE, Reason.TARGET_GONE),
        (404, 10003, PartKind.COUNT, Disposition.REFUSED, Reason.UNKNOWN_CHANNEL),
        (404, 10008, PartKind.COUNT, Disposition.TARGET_GONE, Reason.TARGET_GONE),
        (404, 10004, PartKind.MESSAGE, Disposition.REFUSED, Reason.GUILD_LEFT),
        (404, 10008, PartKind.MESSAGE, Disposition.ALREADY_DONE, Reason.UNCERTAIN),
        (404, 10008, PartKind.THREAD, Disposition.TARGET_GONE, Reason.TARGET_GONE),
        (400, 40033, PartKind.CROSSPOST, Disposition.ALREADY_DONE, Reason.UNCERTAIN),
        (400, 50035, PartKind.MESSAGE, Disposition.CONTENT_REFUSED, Reason.REFUSED_CONTENT),
        (400, 40067, PartKind.FORUM_POST, Disposition.REFUSED, Reason.TAG_NEEDED),
        (500, 0, PartKind.MESSAGE, Disposition.UNKNOWN, Reason.DISCORD_TROUBLE),
        (503, 130000, PartKind.MESSAGE, Disposition.UNKNOWN, Reason.DISCORD_TROUBLE),
        (403, 999999, PartKind.MESSAGE, Disposition.REFUSED, Reason.NO_PERMISSION),
        (403, 999999, PartKind.CROSSPOST, Disposition.TARGET_GONE, Reason.NO_PERMISSION),
        (403, 999999, PartKind.THREAD, Disposition.TARGET_GONE, Reason.NO_PERMISSION),
        (404, 999999, PartKind.MESSAGE, Disposition.TARGET_GONE, Reason.TARGET_GONE),
        (400, 999999, PartKind.MESSAGE, Disposition.CONTENT_REFUSED, Reason.REFUSED_CONTENT),
    ],
)
def test_every_error_code_is_classified(
    status: int, code: int, kind: PartKind, disposition: Disposition, reason: Reason
) -> None:
    classification = outcomes.classify(status, code, kind)
    assert (classification.disposition, classification.reason) == (disposition, reason)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 429, 451])
@pytest.mark.parametrize("kind", list(PartKind))
def test_a_refusal_without_discords_error_code_is_retried(status: int, kind: PartKind) -> None:
    assert outcomes.classify(status, 0, kind).disposition is Disposition.RETRY


def test_retry_delays_double_up_to_a_limit_unless_discord_sets_one() -> None:
    rng, now, delay = random.Random(1), outbox_builders.NOW, timedelta(0)
    values: dict[str, Any] = dict.fromkeys(part_field.name for part_field in fields(Part))
    part = Part(**values | {"next_attempt_at": now})
    for _ in range(20):
        former, delay = delay, outcomes.retry_delay(part, outcomes.OUTCOME_UNKNOWN, rng)
        expected = min(outcomes.MAX_DELAY, max(outcomes.INITIAL_DELAY, 2 * former))
        assert 0.5 * expected <= delay <= 1.5 * expected
        part = replace(part, last_attempt_at=now, next_attempt_at=now + delay)
    limited = replace(outcomes.RATE_LIMITED, wait_seconds=600.0)
    assert timedelta(seconds=600) <= outcomes.retry_delay(part, limited, rng) <= timedelta(seconds=601)


@pytest.mark.parametrize(("user_id", "is_logged"), [(None, True), (7, False)])
async def test_a_refused_message_is_logged_unless_it_is_private(
    db: Database, user_id: int | None, is_logged: bool
) -> None:
    part = NewPart(PartKind.MESSAGE, '{"content": "for your alert: robots"}', "n")
    delivery = replace(outbox_builders.new_delivery(guild_id=None, user_id=user_id), parts=(part,))
    await outbox_builders.add(db, delivery)
    (due,) = await db.fetch(outbox_builders.list_due, outbox_builders.NOW)
    claimed = outbox.ClaimedPart(due.delivery, due.part, term=0, claimed_at=0.0)
    refused = outcomes.DeliveryError(outcomes.classify(400, 50035, PartKind.MESSAGE), "invalid form body")
    now = outbox_builders.NOW
    recorder = outbox_builders.make_recorder(db, DeliveryFactory(rendered_posts.new_renderer, lambda: "m"))
    with structlog.testing.capture_logs() as lines:
        await recorder.record_failure(claimed, refused, now, now)
    assert ("robots" in repr(lines)) is is_logged
