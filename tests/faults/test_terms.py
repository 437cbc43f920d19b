"""Leaders and fronts that are killed and frozen at random: each term has one writer, and each post arrives once."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import defaultdict
from contextlib import suppress

import aiohttp
import pytest
import sqlalchemy as sa

from tests.support import fault_harness, fork_server

pytestmark = [pytest.mark.faults, pytest.mark.wire, pytest.mark.engines("postgresql"), pytest.mark.promise]

SEEDS = 1
CHANNELS = 60
SECONDS, SHORT_SECONDS = 60.0, 8.0
"""How long processes are killed and frozen, with `--all-faults` and without."""

TOPIC = {"id": "1", "name": "topic", "type": 1, "options": [{"name": "query", "type": 3, "value": "robots"}]}
LIST = {"id": "2", "name": "daily", "type": 1, "options": [{"name": "list", "type": 1}]}

LOG_OF_TERMS = """
CREATE TABLE log_of_terms (
    id bigserial PRIMARY KEY, term bigint NOT NULL, writer text NOT NULL DEFAULT current_setting('application_name'),
    has_begun boolean NOT NULL
);
CREATE FUNCTION log_begin() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO log_of_terms (term, has_begun) VALUES (NEW.holder, true); RETURN NULL; END $$;
CREATE FUNCTION log_claim() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO log_of_terms (term, has_begun) VALUES (NEW.term, false); RETURN NULL; END $$;
CREATE TRIGGER begins AFTER UPDATE OF holder ON sender_lease FOR EACH ROW WHEN (NEW.holder <> 0) EXECUTE FUNCTION log_begin();
CREATE TRIGGER claims AFTER UPDATE ON parts FOR EACH ROW WHEN (NEW.state = 'sending') EXECUTE FUNCTION log_claim();
"""
"""Who began each term and who claimed parts in it; both hold the row of the present term, so their order is that of the ids."""


async def _ask(harness: fault_harness.FaultHarness, channel_id: int, count: int) -> list[bool]:
    """Return for each of this number of commands whether it was answered."""
    asked = (
        harness.fake.interact(channel_id, (TOPIC, LIST)[number % 2], user_id=1_000 + number, answer=True)
        for number in range(count)
    )
    return [record["callback"] is not None for record in await asyncio.gather(*asked)]


async def test_a_term_has_one_writer_on_postgresql_while_leaders_and_fronts_are_killed_and_frozen(
    harness: fault_harness.FaultHarness, seed: int, all_seeds: bool
) -> None:
    rng = random.Random(seed)
    await harness.fake.add_guild()
    channels = await harness.fake.add_channels(CHANNELS)
    async with harness.db.transaction() as connection:
        for statement in LOG_OF_TERMS.split(";\n"):
            await connection.execute(sa.text(statement))

    def start_leader() -> fork_server.ForkedProcess:
        return harness.start_cli("run", "--role", "leader")

    running: dict[int | str, fork_server.ForkedProcess] = {"sender": start_leader()}
    await harness.fake.wait_until_connected()
    running["standby"] = start_leader()
    fronts = await harness.start_fronts(2)
    running.update(fronts.items())

    async def break_one(name: int | str, *, is_killed: bool) -> None:
        """Kill a process and start it again at once, or freeze it for up to half of the time, longer than a lease."""
        process = running.pop(name)
        if is_killed:
            process.kill()
            process.wait()
            process = start(name)
        else:
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(rng.uniform(0.2, seconds / 2))
            process.send_signal(signal.SIGCONT)
        running[name] = process

    def start(name: int | str) -> fork_server.ForkedProcess:
        return harness.start_front(name) if isinstance(name, int) else start_leader()

    # A leader that was frozen for longer than its lease ends.
    supervising = asyncio.create_task(fault_harness.supervise(running, start))
    seconds, rounds = SECONDS if all_seeds else SHORT_SECONDS, 1
    await fault_harness.add_round(harness, channels, 0)
    await harness.wait_for_sent(1)
    breaking = [asyncio.create_task(break_one("sender", is_killed=True))]
    asking: list[asyncio.Task[list[bool]]] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):  # noqa: TID251 - the length of the run, not a limit
            while True:
                if (await harness.count_states()).get("waiting", 0) < CHANNELS / 2:
                    await fault_harness.add_round(harness, channels, rounds)
                    rounds += 1
                asking.append(asyncio.create_task(_ask(harness, channels[0], 1)))
                await asyncio.sleep(rng.uniform(0.2, 2.0))
                if running:
                    name, is_killed = rng.choice([*running]), rng.random() < 0.5
                    breaking.append(asyncio.create_task(break_one(name, is_killed=is_killed)))
    await asyncio.gather(*breaking)
    await harness.wait_until_all_sent()
    assert await fault_harness.count_faults(harness, channels, rounds) == (0, 0), harness.read_log()[-3000:]
    assert len(breaking) > 2
    assert any(answered for answers in await asyncio.gather(*asking) for answered in answers)
    await _wait_for_fronts(harness, [*fronts])
    assert await _ask(harness, channels[0], 6) == [True] * 6, harness.read_log()
    supervising.cancel()
    async with harness.db.read() as connection:
        log = (
            await connection.execute(sa.text("SELECT term, writer, has_begun FROM log_of_terms ORDER BY id"))
        ).all()
    writers: defaultdict[int, set[str]] = defaultdict(set)
    present = 0
    for term, writer, has_begun in log:
        writers[term].add(writer)
        assert has_begun or term == present, "a claim of a term that is over"
        present = term
    assert [len(found) for found in writers.values()] == [1] * len(writers)
    assert len({writer for found in writers.values() for writer in found}) > 1
    assert "Traceback" not in harness.read_log(), harness.read_log()[-6000:]


async def _wait_for_fronts(harness: fault_harness.FaultHarness, ports: list[int]) -> None:
    async with aiohttp.ClientSession() as session:
        for port in ports:

            async def takes_posts_only(url: str = fault_harness.front_url(port)) -> bool:
                with suppress(aiohttp.ClientError):
                    async with session.get(url) as response:
                        return response.status == 405
                return False

            await harness.wait_until(takes_posts_only)
