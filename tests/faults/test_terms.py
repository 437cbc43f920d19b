"""Senders and standbys killed and frozen at random: each term has one writer, and each post arrives once."""

import asyncio
import signal
from collections import defaultdict

import pytest
import sqlalchemy as sa

from tests.support import fault_harness, seeds
from tests.support.fault_harness import FaultHarness
from tests.support.relay_harness import message_texts

pytestmark = [pytest.mark.engines("postgresql"), pytest.mark.promise, pytest.mark.all_faults]

CHANNELS = 60
BREAKS = 25
"""How often a process is killed, or frozen for up to half a minute, which is longer than a lease."""

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
"""Logs who began each term and who claimed parts in it.

Both lock the row of the current term, so the ids give the order.
"""


async def test_each_term_has_one_writer_while_processes_die_and_freeze(harness: FaultHarness) -> None:
    rng = seeds.rng()
    channels = harness.fake.add_channels(CHANNELS)
    async with harness.db.transaction() as connection:
        for statement in LOG_OF_TERMS.split(";\n"):
            await connection.execute(sa.text(statement))

    running = {"sender": harness.start_cli("run")}
    await harness.fake.wait_until_connected()
    running["standby"] = harness.start_cli("run")

    async def break_one(name: str, *, is_killed: bool) -> None:
        """Kill and restart a process, or freeze it for a while."""
        process = running.pop(name)
        if is_killed:
            process.kill()
            process.wait()
            process = harness.start_cli("run")
        else:
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(rng.uniform(0.2, 30.0))
            process.send_signal(signal.SIGCONT)
        running[name] = process

    # A sender ends if it was frozen longer than its lease.
    supervising = asyncio.create_task(fault_harness.supervise(running, lambda _: harness.start_cli("run")))
    rounds = 1
    await harness.fan_out(channels, name="0-")
    await harness.wait_for_sent(1)
    breaking = [asyncio.create_task(break_one("sender", is_killed=True))]
    while len(breaking) < BREAKS:
        if (await harness.count_states()).get("waiting", 0) < CHANNELS / 2:
            await harness.fan_out(channels, name=f"{rounds}-")
            rounds += 1
        await asyncio.sleep(rng.uniform(0.2, 2.0))
        if running:
            name, is_killed = rng.choice([*running]), rng.random() < 0.5
            breaking.append(asyncio.create_task(break_one(name, is_killed=is_killed)))
    await asyncio.gather(*breaking)
    await harness.wait_until_all_sent()
    messages = (harness.fake.all_messages()).values()
    expected = [f"{number}-{channel} 0" for number in range(rounds) for channel in channels]
    texts = [text for found in messages for text in message_texts(found)]
    assert sorted(texts) == sorted(expected), harness.read_log()[-3000:]
    await harness.wait_for_value(lambda: harness.ask(channels[0], 6), all)
    supervising.cancel()
    async with harness.db.read() as connection:
        log = (
            await connection.execute(sa.text("SELECT term, writer, has_begun FROM log_of_terms ORDER BY id"))
        ).all()
    writers: defaultdict[int, set[str]] = defaultdict(set)
    present = 0
    for term, writer, has_begun in log:
        writers[term].add(writer)
        assert has_begun or term == present, "a claim under an old term"
        present = term
    assert [len(found) for found in writers.values()] == [1] * len(writers)
    assert len({writer for found in writers.values() for writer in found}) > 1
    harness.assert_no_traceback()
    await harness.assert_no_error_kept()
