"""Repeated SIGKILL while messages come in their plain form because Discord refuses a title: no paper is lost or comes twice."""

import asyncio
import random
from collections import Counter
from functools import partial
from typing import Any

import pytest

from bot.outbox.contents import DeliveryFactory
from storage import models, outbox
from storage.models import DeliveryKind, DeliveryState
from tests.fake_discord import model, server
from tests.support import refused_titles, rendered_posts, seeds
from tests.support.fault_harness import FaultHarness
from tests.support.refused_titles import BAD, IDS, REFUSES

pytestmark = [pytest.mark.promise, pytest.mark.all_faults]

LOST = {"kind": "lose", "method": "POST", "path": "/channels/*", "probability": 0.05}


def _is_further(fake: server.FakeDiscord, before: int, waiting: list[models.Delivery]) -> bool:
    return not waiting or fake.count_messages() > before


@pytest.mark.parametrize("seed", seeds.plays(5))
async def test_kills_lose_and_repeat_nothing_of_refused_messages(harness: FaultHarness, seed: int) -> None:
    rng, fake = random.Random(seed), harness.fake
    texts, forums = fake.add_channels(9), fake.add_channels(3, first=9, kind=model.FORUM)
    await refused_titles.store_papers(harness.db, harness.now(), bad=(BAD, IDS[8]))
    factory = DeliveryFactory(rendered_posts.new_renderer)
    for number, channel_id in enumerate((*texts, *forums)):
        style = models.Style.FORUM if channel_id in forums else models.Style.COMPACT
        is_alert = number % 2 and channel_id in texts
        kind, wanted = (DeliveryKind.ALERT, IDS[:5]) if is_alert else (DeliveryKind.DAILY, IDS)
        settings: dict[str, Any] = {
            "style": style,
            "kind": kind,
            "guild_id": model.GUILD_ID,
            "wanted": wanted,
        }
        await refused_titles.plan_post(harness.db, factory, channel_id, harness.now(), **settings)

    async def list_waiting() -> list[models.Delivery]:
        return await harness.db.fetch(outbox.list_rows, state=DeliveryState.WAITING)

    fake.set_faults(REFUSES, LOST | {"stored": True}, LOST, seed=seed)
    for _ in range(6):
        before, bot = fake.count_messages(), harness.start_bot()
        # On a fast machine all may have come before the last kill.
        is_further = partial(_is_further, fake, before)
        await harness.wait_for_value(list_waiting, is_further)
        await asyncio.sleep(rng.uniform(0.0, 0.4))
        await harness.kill(bot)
    fake.set_faults(REFUSES)
    harness.start_bot()
    await harness.wait_for_value(list_waiting, lambda rows: not rows, 150.0)
    threads = {
        channel_id: [one.id for one in fake.world.channels.values() if one.parent_id == channel_id]
        for channel_id in forums
    }
    for number, channel_id in enumerate((*texts, *forums)):
        places = threads.get(channel_id, [channel_id])
        assert len(places) == 1, "a forum post is opened once"
        counts = refused_titles.count_papers(fake.messages(places[0]))
        wanted = IDS[:5] if number % 2 and channel_id in texts else IDS
        assert counts == Counter(wanted), harness.read_log()[-3000:]
