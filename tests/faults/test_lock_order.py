"""All writers of the outbox at the same time on PostgreSQL, in pairs: none waits for another that waits for it."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from storage import accounts, ask, daily, models, outbox
from storage.database import Connection, Database
from tests.fake_discord.model import GUILD_ID
from tests.support import seeds
from tests.support.outbox_builders import MINUTE, NOW, add, new_delivery, new_subscription, retry, stop

pytestmark = [pytest.mark.engines("postgresql"), pytest.mark.promise, pytest.mark.all_faults]
READER = 42
Write = Callable[[Connection, list[int], list[int]], Awaitable[object]]
"""A write about deliveries and their parts, both in ascending order."""


async def send(connection: Connection, _: list[int], parts: list[int]) -> None:
    await outbox.mark_sent(connection, {part: models.Receipt(part, 7) for part in reversed(parts)}, NOW)


async def repeat(connection: Connection, ids: list[int], _: list[int]) -> None:
    await outbox.repeat_uncertain(
        connection, ids[-1], new_nonce=lambda: f"{random.random()}", now=NOW, expires_at=NOW + MINUTE
    )


async def answer(connection: Connection, ids: list[int], _: list[int]) -> None:
    shown = models.NewPart(models.PartKind.MESSAGE, "{}", "")
    for id_ in ids[:1]:
        edit = models.NewPart(models.PartKind.EDIT, "{}", f"{random.random()}")
        await ask.put_answer(connection, id_, shown, NOW, edit, rest_at=NOW, about=["2501.00001"])


async def set_expiry(connection: Connection, *_: list[int]) -> None:
    for row in sorted(await daily.list_rows(connection, guild_id=GUILD_ID), key=lambda row: row.id):
        await outbox.set_expiry(connection, row.id, NOW + MINUTE, NOW)


async def set_payload(connection: Connection, _: list[int], parts: list[int]) -> None:
    await outbox.set_payload(connection, parts[-1], "{}", None)


async def pause(connection: Connection, *_: list[int]) -> None:
    rows = await daily.list_rows(connection, guild_id=GUILD_ID)
    ids = [row.id for row in rows]
    await daily.set_state(connection, ids, models.ActivityState.PAUSED, reason=models.Reason.NO_ACCESS)


async def release(connection: Connection, *_: list[int]) -> None:
    options: dict[str, Any] = {"term": 0, "forum_posts_at": None, "in_flight_ids": ()}
    await outbox.release_interrupted(connection, NOW, **options)


WRITES: dict[str, Write] = {
    "take back": lambda c, *_: outbox.withdraw(c, user_id=READER),
    "cancel": lambda c, ids, _: outbox.cancel(c, ids[::-1], reason="by-hand", now=NOW),
    "expire": lambda c, *_: outbox.expire(c, NOW + timedelta(days=2), unknown_until=NOW),
    "claim": lambda c, _, parts: outbox.mark_sending(c, parts[::-1], NOW, term=0),
    "retry": lambda c, _, parts: retry(c, parts[0], NOW + MINUTE, unknown_since=None),
    "plain form": lambda c, _, parts: outbox.use_fallback(
        c, parts[0], term=0, nonce=f"{random.random()}", now=NOW
    ),
    "stop": lambda c, _, parts: stop(c, parts[0], models.Reason.NO_ACCESS),
    "send": send,
    "release": release,
    "try now": lambda c, *_: outbox.try_now(c, NOW, user_id=[READER]),
    "try direct": lambda c, *_: outbox.try_direct(c, models.DeliveryKind.ALERT, READER, NOW),
    "repeat": repeat,
    "clear": lambda c, *_: outbox.clear_payloads(c, NOW + timedelta(days=9), 99),
    "purge": lambda c, *_: outbox.purge(c, NOW + timedelta(days=9), 99),
    "forget": lambda c, *_: accounts.remove_reader_data(c, READER),
    "redirect": lambda c, ids, _: outbox.redirect(c, ids[-1], 8, nonce=f"{random.random()}", now=NOW),
    "direct channel": lambda c, ids, _: outbox.set_channel(c, ids[-1], 9),
    "payload": set_payload,
    "answer": answer,
    "expiry": set_expiry,
    "pause": pause,
    "server removed": lambda c, *_: accounts.remove_server_rows(c, GUILD_ID),
}


async def test_no_two_writers_of_the_outbox_wait_for_each_other(db: Database) -> None:
    pairs = list(itertools.combinations_with_replacement(WRITES, 2))
    rng, names = seeds.rng(), itertools.count()
    other = Database(db.url, "paperround standby", 8)
    deadlocks = set[str]()

    async def run(database: Database, write: Write, ids: list[int], parts: list[int]) -> None:
        await asyncio.sleep(rng.random() * 0.004)
        async with database.transaction() as connection:
            await write(connection, ids, parts)

    rng.shuffle(pairs)
    for first, second in pairs * 3:
        posts = [await db.write(daily.add, new_subscription(n)) for n in (21, 20)]
        about: dict[str, Any] = {"kind": models.DeliveryKind.DAILY, "user_id": READER, "parts": 2}
        alert = about | {"kind": models.DeliveryKind.ALERT}
        new = [
            new_delivery(
                f"n:{next(names)}", None, **(about | {"subscription_id": posts[n // 2]} if n < 4 else alert)
            )
            for n in range(8)
        ]
        ids = sorted(await add(db, *new))
        for id_ in rng.sample(
            ids, len(ids)
        ):  # so that PostgreSQL does not find them in the order of their ids
            async with db.transaction() as connection:
                await outbox.set_channel(connection, id_, id_)
        async with db.read() as connection:
            found = [await outbox.list_parts(connection, id_) for id_ in ids]
        parts = [of_delivery[0].id for of_delivery in found]
        async with db.transaction() as connection:
            await outbox.mark_sending(connection, parts[::2], NOW, term=0)
        done = await asyncio.gather(
            run(db, WRITES[first], ids, parts),
            run(other, WRITES[second], ids, parts),
            run(other, WRITES[first], ids, parts),
            run(db, WRITES[second], ids, parts),
            return_exceptions=True,
        )
        failures = [error for error in done if isinstance(error, BaseException)]
        deadlocks |= {
            f"{first}, {second}" for error in failures if "deadlock" in f"{error} {error.__cause__}"
        }
        assert all("deadlock" in f"{error} {error.__cause__}" for error in failures), failures
        async with db.transaction() as connection:
            await accounts.remove_reader_data(connection, READER)
            await accounts.remove_server_rows(connection, GUILD_ID)
    await other.close()
    assert not deadlocks
