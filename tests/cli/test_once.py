"""`paperround run --once`: what is due is read, planned and sent, and the process ends."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from bot.cli import single_run
from bot.core.clock import system_clock
from storage import migrate, models, sources
from storage.database import Database
from storage.locks import SenderLock
from tests.fake_discord import model
from tests.fake_discord.server import FakeDiscord
from tests.support import origin_server, outbox_builders
from tests.support.running_bot import PAPER, SingleRuns, midday_zone, post, post_in

pytestmark = pytest.mark.wire


@pytest.fixture
def single(fake: FakeDiscord, tmp_path: Path) -> SingleRuns:
    runs = SingleRuns(fake, tmp_path)
    runs.write_digest()
    return runs


async def make_due(single: SingleRuns, folder: Path, change: Callable[[datetime], datetime]) -> None:
    """Change when a folder is read next."""
    async with Database(f"sqlite+aiosqlite:///{single.folder / 'paperround.db'}") as database:
        [row] = [row for row in await database.fetch(sources.list_rows) if row.url == str(folder)]
        assert row.next_attempt_at is not None
        await database.write(sources.set_health, replace(row, next_attempt_at=change(row.next_attempt_at)))


def count_posts(fake: FakeDiscord, channel_id: int) -> int:
    """Return in how many messages of a channel the paper is."""
    return sum(PAPER in json.dumps(message) for message in fake.messages(channel_id))


@pytest.mark.promise
async def test_a_first_run_posts_and_a_second_says_when_it_is_due_again(single: SingleRuns) -> None:
    fake = single.fake
    channels = by_bot, by_webhook, alerted = fake.add_channels(3)
    address = fake.add_webhook(by_webhook)
    owner = f'user = "{model.OWNER_ID}"\nguild = "{model.GUILD_ID}"\nchannel = "{alerted}"\n'
    alert = f'[[alerts]]\n{owner}authors = ["Ada Lovelace"]\n'
    single.write_set_up(post_in(by_bot), post(webhook=address), post(webhook=address, at="23:30"), alert)
    first = await single.run("--site", "public", "--base-url", "https://papers.example.org")
    assert first.exit_status == 0, first
    lines = first.stdout.splitlines()
    assert sum(line.startswith("set-up: add ") for line in lines) == 4
    assert f"source {single.folder / 'inbox'}: 1 new paper" in lines
    assert f"daily post 1 in channel {by_bot}: sent" in lines
    by_hook = [
        line.partition(": ")[2] for line in lines if line.startswith("daily post") and "webhooks/" in line
    ]
    assert by_hook[0] == "sent"
    assert by_hook[1].startswith("not due until")
    assert f"alert in channel {alerted}: sent" in lines
    assert [count_posts(fake, id_) for id_ in channels] == [1, 1, 1]
    assert PAPER in (single.folder / "public" / "index.html").read_text()
    assert {file.name for file in single.folder.glob("*.db*")} == {
        "paperround.db",
        "paperround.db.migrate.lock",
        "paperround.db.sender.lock",
    }
    shutil.rmtree(index := single.folder / "paperround.search")
    second = await single.run()
    assert (second.exit_status, second.stderr, index.exists()) == (0, "", False)
    # The folder may be due again: it is read each minute.
    assert all("not due until" in line or "nothing new" in line for line in second.stdout.splitlines())
    assert [count_posts(fake, id_) for id_ in channels] == [1, 1, 1]
    assert not [secret for secret in ("token-of_webhook", model.TOKEN) if secret in f"{first} {second}"]
    single.write_set_up(post(guild=model.GUILD_ID, channel=by_webhook, topic="language models"))
    await single.run()
    assert index.exists(), "a post with a topic is due"


@pytest.mark.promise
async def test_a_source_that_is_read_once_a_day_is_due_in_a_run_each_day(single: SingleRuns) -> None:
    daily = single.folder / "daily"
    single.write_set_up(f'[[sources]]\nsource = "{daily}"\noptions = {{ every = "1440" }}\n')
    single.write_digest(folder=daily, papers=["2601.00003"])  # the other folder has the fixture's
    assert f"source {daily}: 1 new paper" in (await single.run()).stdout
    single.write_digest(folder=daily, papers=["2601.00002"])
    assert f"source {daily}: not due until" in (await single.run()).stdout
    # Yesterday's run began late, and today's early.
    await make_due(single, daily, lambda at: at - timedelta(hours=22))
    assert f"source {daily}: 1 new paper" in (await single.run()).stdout


@pytest.mark.promise
async def test_a_date_given_up_today_is_looked_at_again(single: SingleRuns) -> None:
    [channel_id] = single.fake.add_channels(1)
    single.write_set_up(post(guild=model.GUILD_ID, channel=channel_id, at="00:05", timezone=midday_zone(13)))
    shutil.rmtree(single.folder / "inbox")
    (single.folder / "inbox").mkdir()
    assert (await single.run()).stdout.splitlines()[
        -1
    ] == f"daily post 1 in channel {channel_id}: nothing new"


@pytest.mark.promise
async def test_a_run_beside_another_sender_does_nothing(single: SingleRuns) -> None:
    [channel_id] = single.fake.add_channels(1)
    single.write_set_up(post_in(channel_id))
    address = f"sqlite+aiosqlite:///{single.folder / 'paperround.db'}"
    async with await migrate.open_database(address, migrate=True) as database:
        lock = SenderLock(database)
        assert await lock.try_acquire()
        beside = await single.run()
        await lock.release()
    assert (beside.exit_status, beside.stdout, single.fake.count_messages()) == (1, "", 0)
    assert "Another process sends from this database" in beside.stderr
    assert (await single.run()).exit_status == 0
    assert count_posts(single.fake, channel_id) == 1


@pytest.mark.promise
async def test_what_failed_is_named_and_costs_itself_alone(single: SingleRuns) -> None:
    fake = single.fake
    whole, refused, gone = fake.add_channels(3)
    lost = fake.add_webhook(gone)
    fake.deny(refused, model.SEND_MESSAGES)
    missing = f"{fake.url}/feed.xml"
    source = f'[[sources]]\nsource = "{missing}"\n'
    single.write_set_up(source, post_in(refused), post(webhook=lost), post_in(whole))
    fake.world.webhooks.clear()
    wrong = await single.run(DISCORD_TOKEN="wrong.token", PAPERROUND_FETCH_ALLOW=missing.split("/")[2])
    assert (wrong.exit_status, fake.count_messages()) == (1, 0)
    assert "sending: failed because Discord does not accept DISCORD_TOKEN." in wrong.stdout
    assert f"daily post 3 in channel {whole}: not planned" in wrong.stdout
    failed = await single.run(PAPERROUND_FETCH_ALLOW=missing.split("/")[2])
    lines = failed.stdout.splitlines()
    assert failed.exit_status == 1
    assert f"source {missing}: failed because " in wrong.stdout
    on = system_clock().astimezone(ZoneInfo(midday_zone())).date()
    [told] = [line for line in lines if line.startswith(f"daily post 1 in channel {refused}")]
    assert told.startswith(f"daily post 1 in channel {refused}, of {on}: failed because "), (
        "as docs/no-server.md has it"
    )
    assert [line for line in lines if "webhooks/" in line and ": failed because " in line]
    assert f"daily post 3 in channel {whole}: sent" in lines
    assert count_posts(fake, whole) == 1
    single.write_set_up("[[posts]]\nat = 'nine'\n")
    unreadable = await single.run()
    assert (unreadable.exit_status, unreadable.stdout) == (2, "")
    assert "posts.toml" in unreadable.stderr


FEED = '<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>'


@pytest.mark.parametrize("is_due_meanwhile", [False, True])
async def test_a_source_that_comes_due_meanwhile_has_not_failed(
    single: SingleRuns, is_due_meanwhile: bool
) -> None:
    other = single.folder / "other"
    single.write_digest(folder=other, papers=["2601.00003"])
    [channel_id] = single.fake.add_channels(1)
    single.write_set_up(
        f'[[sources]]\nsource = "{other}"\noptions = {{ every = "120" }}\n', post_in(channel_id)
    )
    assert (await single.run()).exit_status == 0

    async def answer(request: web.BaseRequest) -> web.Response:
        if is_due_meanwhile:
            await make_due(single, other, lambda _: system_clock())
        return web.Response(text=FEED.format(items=""), content_type="application/rss+xml")

    async with origin_server.serving(web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)) as port:
        await make_due(single, other, lambda _: system_clock() + timedelta(hours=1))
        single.write_set_up(f'[[sources]]\nsource = "http://127.0.0.1:{port}/feed.xml"\n')
        run = await single.run(PAPERROUND_FETCH_ALLOW=f"127.0.0.1:{port}")
    assert (run.exit_status, f"source {other}: not due until" in run.stdout) == (0, True), run


@pytest.mark.parametrize("status", [503, 404, 200])
async def test_what_could_not_be_read_or_was_empty_is_read_by_the_next_run(
    single: SingleRuns, status: int
) -> None:
    """Whoever presses *Run workflow* again gets what is there by then."""
    is_there, is_read = False, False
    item = f"<item><title>A</title><link>https://arxiv.org/abs/{PAPER}</link></item>"

    async def answer(request: web.BaseRequest) -> web.Response:
        nonlocal is_read
        is_read |= is_there
        text = FEED.format(items=item if is_there else "")
        return web.Response(text=text, content_type="application/rss+xml", status=200 if is_there else status)

    [channel_id] = single.fake.add_channels(1)
    async with origin_server.serving(web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)) as port:
        single.settings |= {"PAPERROUND_FETCH_ALLOW": f"127.0.0.1:{port}", "PAPERROUND_INBOX": None}
        source = f'[[sources]]\nsource = "http://127.0.0.1:{port}/feed.xml"\n'
        single.write_set_up(source, post_in(channel_id))
        first = await single.run()
        is_there = True
        again = await single.run()
    assert (is_read, "not due until" in again.stdout) == (True, False), (first, again)


async def test_what_a_run_lacks_is_said(single: SingleRuns) -> None:
    """Each is an obstacle, and no wrong call. A file whose `[[posts]]` was mistyped away would else be green for ever."""
    there = post_in(*single.fake.add_channels(1))
    site = "--site", "public", "--base-url", "https://papers.example.org"
    nowhere = {"PAPERROUND_INBOX": None, "PAPERROUND_LOCAL": "ko"}
    rows: tuple[tuple[str, tuple[str, ...], dict[str, Any], int, tuple[str, ...]], ...] = (
        (
            there,
            (),
            nowhere,
            1,
            ("sources: failed because there is none", "setting PAPERROUND_LOCAL: unknown"),
        ),
        (
            there,
            (),
            {"DISCORD_TOKEN": None},
            1,
            ("set-up: add daily post", "sending: failed because DISCORD_TOKEN is not set"),
        ),
        ("# [[posts]]", (), {}, 1, ("posts: failed because there is none",)),
        ("# [[posts]]", site, {}, 0, ("posts: there is none",)),  # it may be for the pages alone
    )
    for entry, options, settings, status, said in rows:
        for left in single.folder.glob("paperround.db*"):
            left.unlink()
        single.write_set_up(entry)
        run = await single.run(*options, **settings)
        lines = run.stdout.splitlines()
        found = [start for start in said if any(line.startswith(start) for line in lines)]
        assert (run.exit_status, found) == (status, [*said]), run


async def test_refused_and_later_messages_and_readers(single: SingleRuns) -> None:
    """A refused source is a failure; a reader's closed direct messages and what is due later are none."""
    [channel_id] = single.fake.add_channels(1)
    refused = "http://10.0.0.1/feed.xml"
    single.write_set_up(post_in(channel_id))
    assert (await single.run()).exit_status == 0
    now, kind = system_clock(), models.DeliveryKind.ALERT
    to_reader: dict[str, Any] = {"user_id": model.OWNER_ID, "guild_id": None}
    alert = outbox_builders.new_delivery("direct", 4040, now, kind=kind, **to_reader)
    later = outbox_builders.new_delivery("later", channel_id, now, kind=kind, due_at=now + timedelta(hours=9))
    async with Database(f"sqlite+aiosqlite:///{single.folder / 'paperround.db'}") as database:
        await outbox_builders.add(database, alert, later)
    direct = await single.run()
    assert (direct.exit_status, "alert to a reader: " in direct.stdout) == (0, True), direct
    assert f"alert in channel {channel_id}" not in direct.stdout
    single.write_set_up(f'[[sources]]\nsource = "{refused}"\n', post_in(channel_id))
    run = await single.run()
    assert (run.exit_status, f"source {refused}: failed because " in run.stdout) == (1, True), run


def _set_up_post(single: SingleRuns, *, with_token: bool) -> int:
    """Set up a post with a token or by a webhook alone. Returns its channel's id."""
    [channel_id] = single.fake.add_channels(1)
    address = single.fake.add_webhook(channel_id)
    single.write_set_up(post_in(channel_id) if with_token else post(webhook=address))
    if not with_token:
        single.settings["DISCORD_TOKEN"] = None
    return channel_id


@pytest.mark.promise
@pytest.mark.parametrize("with_token", [True, False])
async def test_what_was_stored_before_sending_doubles_nothing(single: SingleRuns, with_token: bool) -> None:
    channel_id = _set_up_post(single, with_token=with_token)
    refused = await single.run("--before-sending", "exit 3")
    assert (refused.exit_status, single.fake.count_messages()) == (1, 0)
    assert "sending: failed because the command before it ended with status 3" in refused.stdout
    sent = await single.run("--before-sending", "cp paperround.db stored.db; echo told")
    assert (sent.exit_status, count_posts(single.fake, channel_id)) == (0, 1)
    assert (sent.stderr, "told" in sent.stdout) == ("told\n", False)
    # What the run stored after it had sent is lost.
    shutil.move(single.folder / "stored.db", single.folder / "paperround.db")
    after = await single.run()
    assert count_posts(single.fake, channel_id) == 1
    if with_token:
        assert after.exit_status == 0
        assert after.stdout.splitlines()[-1] == f"daily post 1 in channel {channel_id}: sent"
    else:
        assert (after.exit_status, "daily post 1 in …/webhooks/" in after.stdout) == (1, True)
        assert "failed because" in after.stdout
    again = await single.run("--before-sending", "exit 3")
    assert again.exit_status == 0, again
    assert count_posts(single.fake, channel_id) == 1


async def test_the_command_before_sending_ends_with_its_run(single: SingleRuns) -> None:
    """What it stored later would be doubted by the next run, though nothing was sent."""
    _set_up_post(single, with_token=False)
    os.mkfifo(alive := single.folder / "alive")
    reading = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    stopped = await single.run(
        "--before-sending", "exec > alive; echo $$; kill -TERM $PPID; sleep 600; exit 1"
    )
    assert (stopped.exit_status, single.fake.count_messages()) == (1, 0)
    assert os.read(reading, 100)
    assert os.read(reading, 100) == b"", "it still runs"
    os.close(reading)
    assert (await single.run()).exit_status == 0


async def test_the_heartbeat_tells_how_a_run_ended(single: SingleRuns) -> None:
    """A schedule that drops runs, or runs that fail, alarm the service that waits for the ping."""
    [channel_id] = single.fake.add_channels(1)
    async with origin_server.run_origin() as origin:
        origin.pages |= {"/ping/a-key": "ok", "/ping/a-key/fail": "ok"}
        single.settings |= {
            "PAPERROUND_HEARTBEAT_URL": f"{origin.url}/ping/a-key?from=lab",
            "PAPERROUND_FETCH_ALLOW": f"127.0.0.1:{origin.port}",
        }
        single.write_set_up(post_in(channel_id))
        well = await single.run()
        refused = await single.run(DISCORD_TOKEN="wrong.token")
        single.write_set_up("[[posts]]\nat = 'nine'\n")
        wrong = await single.run()
    assert [run.exit_status for run in (well, refused, wrong)] == [0, 1, 2]
    assert origin.paths == ["/ping/a-key?from=lab", *["/ping/a-key/fail?from=lab"] * 2]
    assert "a-key" not in f"{well} {refused} {wrong}"


async def test_the_address_of_a_webhook_may_be_in_a_file(single: SingleRuns) -> None:
    [channel_id] = single.fake.add_channels(1)
    secret = single.folder / "webhook"
    single.write_set_up(post(webhook=f"file:{secret}"))
    missing = await single.run(DISCORD_TOKEN=None)
    assert missing.exit_status == 2
    assert f"{secret}, the file of a webhook, is missing" in missing.stderr
    secret.write_text(f"{single.fake.add_webhook(channel_id)}\n")
    run = await single.run(DISCORD_TOKEN=None)
    assert (run.exit_status, count_posts(single.fake, channel_id)) == (0, 1), run


@pytest.mark.parametrize(
    ("hours", "doubted", "is_former"), [(-1, (), True), (-1, (7,), False), (1, (), False)]
)
def test_a_post_of_a_former_run_is_reported_once_unless_it_is_in_doubt_now(
    hours: int, doubted: tuple[int, ...], is_former: bool
) -> None:
    planned_at = system_clock()
    run = SimpleNamespace(_planned_at=planned_at, _doubted={*doubted})
    of = SimpleNamespace(id=7, finished_at=planned_at + timedelta(hours=hours))
    assert single_run.SingleRun._is_former(cast(Any, run), cast(Any, of)) is is_former


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PAPERROUND_SOURCES", "https://huggingface.co foo", "foo is neither an address nor"),
        ("PAPERROUND_DATABASE_URL", "nonsense", "not a database URL"),
    ],
)
async def test_a_wrong_setting_ends_a_run_with_2_before_anything_is_done(
    single: SingleRuns, name: str, value: str, said: str
) -> None:
    [channel_id] = single.fake.add_channels(1)
    single.write_set_up(post_in(channel_id))
    ended = await single.run(**{name: value})
    assert (ended.exit_status, ended.stdout, said in ended.stderr) == (2, "", True), ended
    assert not (single.folder / "paperround.db").exists()
    assert count_posts(single.fake, channel_id) == 0
