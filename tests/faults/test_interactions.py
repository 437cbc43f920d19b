"""Interactions through the Gateway: replayed, expired, and answered by a proxy."""

import json
import re
from dataclasses import replace

import pytest
from simcord.backend.models import EPHEMERAL_FLAG

from storage import daily, models
from tests.support import outbox_builders
from tests.support.fault_harness import FaultHarness, mostly_on_postgresql

pytestmark = mostly_on_postgresql


@pytest.mark.promise
async def test_replayed_or_expired_interaction_posts_nothing_twice(harness: FaultHarness) -> None:
    [channel_id] = harness.fake.add_channels(1)
    for number in range(3):
        await harness.store_digest(f"2601.0000{number + 1}")
    async with harness.db.transaction() as connection:
        subscription = outbox_builders.new_subscription(channel_id, top_n=1)
        subscription_id = await daily.add(connection, subscription)
    with_button = outbox_builders.message_payload("pr:").replace("pr:more", f"pr:dn:{subscription_id}")
    part = models.NewPart(kind=models.PartKind.MESSAGE, payload=with_button, nonce="button", marker="pr:")
    delivery = outbox_builders.new_delivery("button", channel_id, harness.now())
    await outbox_builders.add(harness.db, replace(delivery, parts=(part,)))
    harness.start_bot()
    await harness.wait_for_sent(1)
    await harness.fake.wait_until_connected()
    [message] = harness.fake.messages(channel_id)

    async def press(count: int) -> None:
        """Press "Post now", and wait until the log reports `count` late interactions."""
        data = {"custom_id": f"pr:dn:{subscription_id}", "component_type": 2}
        await harness.fake.interact(channel_id, data, kind=3, message_id=int(message["id"]), seconds=0.1)
        await harness.wait_until(lambda: harness.read_log().count("interaction too late") == count)

    await press(0)
    await harness.wait_for_sent(2)
    await harness.fake.gateway.replay("GUILD_CREATE")
    await harness.fake.gateway.replay("INTERACTION_CREATE")
    await harness.wait_until(lambda: harness.read_log().count("interaction too late") == 1)
    unknown = {"kind": "status", "status": 404, "code": 10062, "path": "/interactions/*", "times": 1}
    harness.fake.set_faults(unknown)
    await press(2)
    gone = {"kind": "status", "status": 401, "code": 50027, "path": "/webhooks/*", "times": 1}
    harness.fake.set_faults(gone)
    await press(3)
    await harness.wait_until_all_sent()
    assert harness.fake.count_messages() == 3, "the button, and a post for each acknowledged press"
    harness.assert_no_traceback()


async def test_shares_a_page_once_if_a_proxy_hides_the_response(harness: FaultHarness) -> None:
    [channel_id] = harness.fake.add_channels(1)
    await harness.store_digest("2601.00001")
    harness.start_bot()
    await harness.fake.wait_until_connected()
    asked = await harness.fake.interact(
        channel_id, {"id": "1", "name": "digest", "type": 1}, answer=True, seconds=30.0
    )
    [reply] = asked.replies
    [share] = set(re.findall(r'"(pr:ls:[^"]*)"', json.dumps(reply)))
    harness.fake.set_faults(
        {"kind": "page", "status": 502, "path": "/webhooks/*", "times": 1, "stored": True}
    )
    shared = await harness.fake.interact(
        channel_id, {"custom_id": share, "component_type": 2}, kind=3, message_id=int(reply["id"])
    )

    async def is_repeated() -> bool:
        log = harness.fake.log(path="/webhooks/")
        return [entry["status"] for entry in log if shared.token in entry["path"]][:2] == [502, 200]

    await harness.wait_until(is_repeated)
    assert sum(not reply["flags"] & EPHEMERAL_FLAG for reply in shared.replies) == 1
