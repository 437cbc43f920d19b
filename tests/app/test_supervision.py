"""A running process and what is around it: an upgrade of its files, a second bot, its supervisor."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp
import pytest

from bot.app import supervision
from bot.client import refusals
from bot.core import program
from bot.features.operations.liveness import CLAIM_SECONDS, HANG_SECONDS, NO_LOGIN, Liveness
from storage import errors, sqlite_file
from storage.database import Database
from tests.fake_discord import model, server
from tests.support import fork_server, origin_server, outbox_builders, patience, running_bot, upgrades
from tests.support.supervised import watching

pytestmark = pytest.mark.wire

HELP = {"id": "1", "name": "help", "type": 1, "options": []}


async def _ask_health(port: int) -> dict[str, Any]:
    """Return the body of `/health`; {} before it is served."""
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/health") as answer,
        ):
            body: dict[str, Any] = await answer.json()
            return body
    except aiohttp.ClientConnectionError:
        return {}


def _change(file: Path) -> None:
    file.write_text(f"{file.read_text('utf-8')}\n", "utf-8")


@pytest.mark.parametrize("change", [Path.unlink, _change])
@pytest.mark.parametrize(
    "name", ["bot/features/daily/post.py", "bot/i18n/locales/ko.ftl", "storage/daily.py"]
)
def test_a_module_or_data_file_that_is_replaced_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object], name: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    shutil.copy2(fork_server.ROOT / name, tmp_path / name)
    monkeypatch.setattr(program, "__file__", str(tmp_path / "bot/core/program.py"))
    is_replaced = program.watch_files()
    assert not is_replaced()
    change(tmp_path / name)
    assert is_replaced()


@pytest.mark.all_faults
async def test_a_bot_whose_files_were_replaced_asks_for_a_restart(
    fake: server.FakeDiscord, tmp_path: Path
) -> None:
    """It runs from a copy of its packages, bytecode included."""
    for package in ("bot", "storage"):
        ignored = shutil.ignore_patterns("demo", "*.pyc.*")
        shutil.copytree(fork_server.ROOT / package, tmp_path / "lib" / package, ignore=ignored)
    port, log = origin_server.find_free_port(), tmp_path / "bot.log"
    own = {"PYTHONPATH": str(tmp_path / "lib"), "PAPERROUND_HTTP": f"127.0.0.1:{port}"}

    async def is_told() -> bool:
        return supervision.REPLACED in (await _ask_health(port)).get("notices", ())

    with log.open("wb") as output:
        env, command = running_bot.environment(fake, own), (sys.executable, "-P", "-m", "bot", "run")
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, env=env, stdout=output, stderr=output
        )
    try:
        await fake.wait_until_connected()
        assert (await _ask_health(port))["notices"] == []
        _change(tmp_path / "lib/storage/daily.py")
        await patience.wait_until(is_told, describe=log.read_text)
        assert (await _ask_health(port))["problems"] == []
        process.terminate()
        assert await patience.wait_for(process.wait()) == 0, log.read_text()[-3000:]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert log.read_text().count("restart it") == 1


@pytest.mark.all_faults
async def test_two_bots_with_one_token_say_so(fake: server.FakeDiscord, tmp_path: Path) -> None:
    """Each has a database of its own, so that only Discord's answers tell that there is another."""
    [channel_id] = fake.add_channels(1)
    async with contextlib.AsyncExitStack() as stack:
        bots = []
        for name in "ab":
            (tmp_path / name).mkdir()
            port = origin_server.find_free_port()
            address = f"127.0.0.1:{port}"
            running = running_bot.run_process(fake, tmp_path / name, PAPERROUND_HTTP=address)
            process, log = await stack.enter_async_context(running)
            bots.append((process, log, port))
        await patience.wait_until(lambda: fake.gateway.count_connected() == 2)

        async def is_noticed() -> bool:
            await fake.interact(channel_id, HELP, answer=True, seconds=5.0)
            told = [(await _ask_health(port)).get("notices") for _, _, port in bots]
            now = datetime.now(UTC)
            times = [f"{now - timedelta(minutes=ago):%Y-%m-%d %H:%M} UTC." for ago in (0, 1)]
            expected = {f"{supervision.DOUBLED} It last did at {at}" for at in times}
            answers[:] = told
            return any(expected & {*(notices or ())} for notices in told)

        answers: list[object] = []
        await patience.wait_until(
            is_noticed,
            60,
            describe=lambda: "\n".join([str(answers), *(log.read_text() for _, log, _ in bots)]),
        )
    logs = [log.read_text() for _, log, _ in bots]
    assert sum("Another process answers" in log for log in logs) in (1, 2)
    assert all(log.count("Another process answers") <= 1 for log in logs)


async def test_a_post_that_no_database_of_ours_planned_is_a_second_bots(
    fake: server.FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Gateway sends a bot its account's messages, with their nonces, whichever process sent them."""
    told, channels = list[bool](), fake.add_channels(2)
    monkeypatch.setattr(Liveness, "record_interaction", lambda _, is_elsewhere: told.append(is_elsewhere))
    for name in "ab":
        (tmp_path / name).mkdir()
    async with running_bot.run_here(fake, tmp_path / "a"), running_bot.run_process(fake, tmp_path / "b"):
        await patience.wait_until(lambda: fake.gateway.count_connected() == 2)
        for number, name in enumerate("abb"):
            async with Database(f"sqlite+aiosqlite:///{tmp_path / name / 'paperround.db'}") as database:
                channel = channels["ab".index(name)]
                delivery = outbox_builders.new_delivery(f"{name}{number}", channel, datetime.now(UTC))
                await outbox_builders.add(database, delivery)
            await patience.wait_until(lambda: fake.count_messages() == number + 1)  # noqa: B023
        await patience.wait_until(lambda: len(told) == 2)
    assert told == [True, True], "the bot's own post is none"


async def test_an_answer_that_seemed_lost_or_was_asked_for_twice_is_no_second_bot(
    fake: server.FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a 5xx discord.py answers again, and Discord says that the interaction is answered; also if it is replayed."""
    [channel_id] = fake.add_channels(1)
    told, log = list[bool](), mock.Mock()
    monkeypatch.setattr(Liveness, "record_interaction", lambda _, is_elsewhere: told.append(is_elsewhere))
    async with running_bot.run_here(fake, tmp_path):
        monkeypatch.setattr(refusals, "log", log)
        for kind in ("page", "status"):
            lost = {"kind": kind, "status": 502, "path": "/interactions/*", "times": 1, "stored": True}
            fake.set_faults(lost)
            await fake.interact(channel_id, HELP, answer=True)
        await patience.wait_until(lambda: log.warning.call_count == 2)
        await fake.interact(channel_id, HELP, answer=True)
        await fake.gateway.replay("INTERACTION_CREATE")  # all three
        await patience.wait_until(lambda: log.warning.call_count == 5)
    assert {call.args for call in log.warning.call_args_list} == {("interaction too late",)}
    assert not any(told), "each was answered by this process"


async def test_one_lost_answer_is_no_second_bot() -> None:
    liveness = Liveness()
    for number in range(40):
        liveness.record_interaction(False)
        if number in (3, 20):
            liveness.record_interaction(True)
        assert liveness.find_double() is None


async def test_systemd_is_told_that_the_bot_is_ready_and_lives_and_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, liveness = Path(tempfile.mkdtemp()) / "notify", Liveness()
    liveness.record_obstacle(None)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        systemd.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        watching_ = asyncio.create_task(supervision.Supervision().watch(liveness))
        ready, alive = [await asyncio.get_running_loop().sock_recv(systemd, 4096) for _ in range(2)]
        assert ready == b"READY=1"
        assert alive.startswith(b"WATCHDOG=1\nSTATUS=")
        watching_.cancel()
        await asyncio.gather(watching_, return_exceptions=True)
        assert systemd.recv(4096) == b"STOPPING=1"


async def test_a_bot_is_ready_once_discord_has_accepted_its_login() -> None:
    seconds = 0.0
    liveness = Liveness(lambda: seconds)
    async with watching(liveness) as watch:
        assert "READY=1" not in watch.told
        seconds = 61.0
        liveness.record_start()  # it is tried again
        assert liveness.find_problems() == [NO_LOGIN], "as without DNS"
        liveness.record_obstacle(None)
        await patience.wait_until(lambda: "READY=1" in watch.told)
        assert liveness.find_problems() == []


async def test_systemd_is_told_while_all_shared_threads_wait() -> None:
    """As for the addresses of servers, while DNS does not answer."""
    ended = threading.Event()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    waiting = asyncio.get_running_loop().run_in_executor(None, ended.wait)
    try:
        async with patience.limit(), watching(Liveness()):
            pass
    finally:
        ended.set()
        await waiting


async def test_a_full_disk_is_a_problem_at_once_and_no_longer_when_there_is_space(tmp_path: Path) -> None:
    liveness, file = Liveness(), tmp_path / "paperround.db"
    file.touch()
    async with watching(liveness, file=file):
        with upgrades.no_space():
            await patience.wait_until(lambda: bool(liveness.find_problems()))
            assert f"The disk of {tmp_path} is full." in " ".join(liveness.find_problems())
        await patience.wait_until(lambda: not liveness.find_problems())


async def test_a_locked_database_is_a_problem_within_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "LOCK_SECONDS", 0.01)
    liveness, file = Liveness(), tmp_path / "paperround.db"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("CREATE TABLE a (b)")
        async with watching(liveness, file=file) as watch:
            await watch.turn()
            assert liveness.find_problems() == []
            other.execute("BEGIN IMMEDIATE")
            await patience.wait_until(lambda: bool(liveness.find_problems()))
            said = " ".join(liveness.find_problems())
            assert f"Another process has {file} locked" in said
            assert f"`fuser -v {file}` lists it and the bot" in said, "the bot is not to be ended"
            other.execute("COMMIT")
            await patience.wait_until(lambda: not liveness.find_problems())


@pytest.mark.parametrize("fails", [False, True])
async def test_a_relay_that_hangs_ends_the_process_and_one_that_fails_does_not(fails: bool) -> None:
    """A full disk, for instance, is no better after a restart."""
    seconds = 0.0
    liveness = Liveness(lambda: seconds)
    async with watching(liveness, is_sending=lambda: True) as watch:
        for _ in range(20):
            seconds += (CLAIM_SECONDS + HANG_SECONDS) / 10
            liveness.record("tick")
            liveness.record("discord")
            if fails:
                liveness.record_failure("claim", errors.PaperroundError("The disk is full."))
            await watch.turn(1)
        assert any("disk is full" in problem for problem in liveness.find_problems()) == fails
        assert watch.task.done() != fails
        if not fails:
            with pytest.raises(errors.PaperroundError, match=r"relay.*started again"):
                watch.task.result()


async def test_a_day_without_discord_is_no_hang() -> None:
    """A restart would try the same: the outage, or the network, is not mended by it."""
    seconds = 0.0
    liveness = Liveness(lambda: seconds)
    liveness.record_obstacle(None)
    async with watching(liveness, is_sending=lambda: True) as watch:
        liveness.record("discord")
        for _ in range(24 * 60):
            seconds += 60.0
            liveness.record("tick")
            liveness.record("claim")
        await watch.turn()
        assert [problem.partition(" for ")[0] for problem in liveness.find_problems()] == [
            "Discord has not been reached"
        ]
        assert not watch.task.done()


@pytest.mark.parametrize(
    ("signal", "stands", "status"),
    [(0, "time.sleep(600)", 1), (0, "re.match('(a+)+b', 'a' * 40)", -27), (6, "time.sleep(600)", -6)],
    ids=["by itself", "in code that lets no other thread run", "by the watchdog of systemd"],
)
async def test_a_process_whose_event_loop_stands_still_ends_with_its_places_in_the_code(
    signal: int, stands: str, status: int
) -> None:
    program = """
import asyncio, re, time
from bot.app import supervision
from bot.features.operations.liveness import Liveness
async def main():
    watching = asyncio.create_task(supervision.Supervision(may_exit=True).watch(Liveness()))
    await asyncio.sleep(0.5)
    if {signal}:
        supervision.os.kill(supervision.os.getpid(), {signal})
    {stands}
supervision.HANG_SECONDS = 600 if {signal} else {hang}
supervision.EVERY_SECONDS = 0.05
asyncio.run(main())
"""
    hang = patience.scaled(1.0)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program.format(signal=signal, stands=stands, hang=hang)),
        cwd=fork_server.ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, printed = await patience.wait_for(process.communicate())
    assert process.returncode == status
    assert b"in main" in printed


async def test_commands_that_discord_sends_to_an_address_are_an_error(
    fake: server.FakeDiscord, tmp_path: Path
) -> None:
    """Discord sends commands there or to the Gateway (Discord docs, interactions/overview.mdx)."""
    fake.application["interactions_endpoint_url"] = "https://bot.example/interactions"
    async with running_bot.run_process(fake, tmp_path, PAPERROUND_LOG="json") as (_, log):
        await patience.wait_until(lambda: "bot.example" in log.read_text(), describe=log.read_text)
    [line] = [json.loads(line) for line in log.read_text().splitlines() if "bot.example" in line]
    assert (line["level"], "Interactions Endpoint URL" in line["reason"]) == ("error", True)


async def test_the_start_says_who_it_is_and_the_last_line_is_json_too(
    fake: server.FakeDiscord, tmp_path: Path
) -> None:
    fake.add_guild(model.GUILD_ID + 1)
    async with running_bot.run_process(fake, tmp_path, PAPERROUND_LOG="json") as (_, log):
        await patience.wait_until(lambda: "logged in" in log.read_text(), describe=log.read_text)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert lines[0]["event"] == "starting"
    [said] = [line["event"] for line in lines if "logged in" in line["event"]]
    assert said.startswith(f"Paperround {lines[0]['version']}, SQLite 3.")
    assert said.endswith("logged in as paperround, in 2 servers")
    process = fork_server.ForkedProcess(
        "bot",
        ["run"],
        cwd=tmp_path,
        env={**os.environ, "PAPERROUND_LOG": "json", "PAPERROUND_KEEP_DAYS": "1"},
        log=tmp_path / "refused.log",
    )
    assert await patience.wait_for(asyncio.to_thread(process.wait)) == 2
    last = json.loads((tmp_path / "refused.log").read_text().splitlines()[-1])
    assert "PAPERROUND_KEEP_DAYS" in last["reason"]
