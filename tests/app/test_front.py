"""A front: which requests it accepts, and commands and buttons over HTTP in servers that it has to fetch.

`pytest --by-http` sends the interactions of every client test this way.
"""

import asyncio
import json
import logging
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import discord
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from bot.app import front, process
from bot.app.container import Container
from bot.client import gateway, permissions, refusals
from bot.client.guild_directory import GuildDirectory
from bot.client.handler_context import Client
from bot.client.wording import CommandMentions
from bot.core.settings import Settings
from bot.features.operations.liveness import Liveness
from storage import daily, errors, failures
from storage.database import Database
from tests.support import client_harness
from tests.support.client_harness import SIMCORD_EPOCH, ClientHarness, shown_text

KEY = Ed25519PrivateKey.generate()


class ClientStub:
    """A client that records the interactions it should parse."""

    def __init__(self) -> None:
        self.parsed: list[Any] = []
        self._connection = self
        self.parsers = {"INTERACTION_CREATE": self.parsed.append}


def sign(body: bytes, *, key: Ed25519PrivateKey = KEY, seconds: float = 0) -> dict[str, str]:
    timestamp = str(int(SIMCORD_EPOCH.timestamp() + seconds))
    return {front.SIGNATURE: key.sign(timestamp.encode() + body).hex(), front.TIMESTAMP: timestamp}


def make_server(client: Any) -> front.InteractionServer:
    stub: Client = client
    return front.InteractionServer(stub, KEY.public_key().public_bytes_raw().hex(), lambda: SIMCORD_EPOCH)


PING = json.dumps({"type": 1}).encode()


async def test_front_finishes_received_interactions_before_stopping() -> None:
    client, answered = ClientStub(), list[Any]()

    async def answer(data: Any) -> None:
        await asyncio.sleep(0)
        answered.append(data)

    tasks: list[asyncio.Task[None]] = []
    client.parsers["INTERACTION_CREATE"] = lambda data: tasks.append(asyncio.create_task(answer(data)))
    server, body = make_server(client), json.dumps({"type": 2}).encode()
    await server.finish()
    assert server.receive(sign(body), body).status == 202
    await server.finish()
    assert answered == [{"type": 2}]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (sign(PING), PING, 200),
        ({}, PING, 401),
        (sign(PING) | {front.SIGNATURE: "not hexadecimal"}, PING, 401),
        (sign(PING, key=Ed25519PrivateKey.generate()), PING, 401),
        (sign(PING), PING + b" ", 401),
        (sign(PING) | {front.TIMESTAMP: "\udcff\udcfe"}, PING, 401),
        # Five minutes either way, as the clocks of a request's two ends may differ.
        *((sign(PING, seconds=minutes * 60), PING, 200) for minutes in (-4, 4)),
        *((sign(PING, seconds=minutes * 60), PING, 401) for minutes in (-6, 6, -12_000_000)),
        *((sign(body), body, 400) for body in (b"", b"[]", b"{}", b"\xff", b"[" * 100_000)),
    ],
)
def test_accepts_only_signed_interactions(headers: dict[str, str], body: bytes, status: int) -> None:
    client = ClientStub()
    response = make_server(client).receive(headers, body)
    assert (response.status, client.parsed) == (status, [])
    assert (response.text == '{"type": 1}') == (status == 200)


async def test_an_interaction_is_handled_once_however_often_its_signed_request_is_sent() -> None:
    client, seconds = ClientStub(), [0.0]
    client.parsers["INTERACTION_CREATE"] = client.parsed.append
    server = make_server(client)
    server._clock = lambda: SIMCORD_EPOCH + timedelta(seconds=seconds[0])

    def receive(id_: str, at: float) -> int:
        body = json.dumps({"type": 2, "id": id_}).encode()
        return server.receive(sign(body, seconds=at), body).status

    assert [receive(id_, 0) for id_ in ("1", "2", "1", "2")] == [202, 202, 409, 409]
    assert receive("1", 200) == 409, "signed again, as by another request to the proxy"
    seconds[0] = 299
    assert [receive("1", 0), receive("3", 290)] == [409, 202]
    seconds[0] = 700
    assert [receive("1", 0), receive("4", 700)] == [401, 202]
    assert [*server._received] == ["3", "4"], "what is too old to be sent again is forgotten"
    await server.finish()
    assert [one["id"] for one in client.parsed] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("key", ["", "zz", "00" * 31, "x" * 64])
def test_rejects_an_invalid_public_key(key: str) -> None:
    with pytest.raises(errors.UsageError, match="PAPERROUND_PUBLIC_KEY is not a public key"):
        front.read_public_key(key)


NO_DATABASE = {"database_url": "postgresql://user@127.0.0.1:1/none"}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "needs PostgreSQL"),
        (NO_DATABASE, "PAPERROUND_INTERACTIONS is not set"),
        (NO_DATABASE | {"interactions": "127.0.0.1:0"}, "DISCORD_TOKEN is not set"),
        (
            NO_DATABASE | {"interactions": "127.0.0.1:0", "discord_token": "a.b.c", "public_key": "zz"},
            "PAPERROUND_PUBLIC_KEY is not a public key",
        ),
    ],
)
async def test_error_names_the_missing_setting(
    sqlite_db: Database, settings: dict[str, Any], reason: str
) -> None:
    url = settings.get("database_url")
    database = Database(url) if url else sqlite_db
    with pytest.raises(errors.UsageError, match=reason):
        await front.run(Container(Settings(**settings), database, lambda: SIMCORD_EPOCH))


@pytest.mark.engines("postgresql")
async def test_an_error_of_a_fronts_last_minute_is_kept(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = asyncio.Event()

    async def log_in(*_: object) -> None:
        logging.getLogger("test").error("the last error")
        stopping.set()

    monkeypatch.setattr(process, "install_signal_handlers", lambda _: stopping)
    monkeypatch.setattr(gateway, "log_in", log_in)
    settings = Settings(discord_token=SecretStr("a.b.c"), interactions="127.0.0.1:0")
    await front.run(Container(settings, db, lambda: SIMCORD_EPOCH))
    assert [row.event for row in await db.fetch(failures.list_rows)] == ["the last error"]


class TestByHttp:
    @pytest.fixture(autouse=True)
    def _by_http(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_harness, "SENDS_BY_HTTP", True)

    async def test_lookup_does_not_fetch_the_server(
        self, harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As Discord says with each command where the bot is installed; SimCord names no installation.
        monkeypatch.setattr(discord.Interaction, "is_guild_integration", lambda _: True)
        answer = await harness.ask("topic", query="강화학습")
        assert "강화학습" in shown_text(answer)
        assert harness.bot.get_guild(harness.guild.id) is None

    async def test_sets_up_a_daily_post_with_the_form_over_http(self, harness: ClientHarness) -> None:
        forum = harness.guild.create_forum_channel("papers-forum")
        tag = {"id": "5", "name": "News", "moderated": False, "emoji_id": None, "emoji_name": None}
        harness.env.backend.edit_channel(forum.id, {"available_tags": [tag]})
        form = await harness.manager.slash(harness.channel, "daily setup")
        values = {"channel": [forum], "time": "9am", "topic": ""}
        summary = client_harness.last_response(await harness.manager.submit_modal(form, values))
        form = await harness.manager_press(summary, "more-settings")
        values = {"tag": ["5"], "language": [], "style": [], "role": []}
        chosen = client_harness.last_response(await harness.manager.submit_modal(form, values))
        started = await harness.manager_press(chosen, "setup-start")
        assert harness.texts("subscription-tag", tag="News") in shown_text(started)
        [subscription] = await harness.container.database.fetch(daily.list_rows)
        assert (subscription.channel_id, subscription.tag_id) == (forum.id, 5)

    async def test_fetches_a_server_at_most_once_a_minute(self, harness: ClientHarness) -> None:
        now = 0.0
        directory = GuildDirectory(harness.bot, lambda: now)
        guild_id = harness.guild.id
        http = harness.bot.http
        asked = mock.Mock(wraps=http.get_guild)
        http.get_guild = asked  # type: ignore[method-assign]
        await asyncio.gather(directory.load(guild_id), directory.load(guild_id))
        now = 60.0
        await directory.load(guild_id)
        assert asked.call_count == 1
        now = 61.0
        await directory.load(guild_id)
        assert asked.call_count == 2
        for _ in range(2):  # Discord does not return this server
            await directory.load(guild_id + 1)
        assert asked.call_count == 3
        guild = harness.bot.get_guild(guild_id)
        assert guild is not None
        assert guild.get_channel(harness.channel.id) is not None
        assert guild.me is not None
        now = 200.0
        await directory.load(guild_id + 1)
        assert harness.bot.get_guild(guild_id) is None

    async def test_revoked_permission_takes_effect_in_direct_messages(self, harness: ClientHarness) -> None:
        now = 0.0
        harness.bot.load_guild = GuildDirectory(harness.bot, lambda: now).load
        await harness.bot.prepare_guild(harness.guild.id)
        kept = harness.bot.get_guild(harness.guild.id)
        assert kept is not None
        kept.default_role._permissions = discord.Permissions(manage_guild=True).value  # as it was
        in_dm: Any = SimpleNamespace(user=harness.reader, client=harness.bot)
        await permissions.require_manager_of(in_dm, harness.guild.id)
        now = 61.0
        with pytest.raises(refusals.UserError, match="needs-manage-server"):
            await permissions.require_manager_of(in_dm, harness.guild.id)


async def test_front_reports_an_unreachable_database() -> None:
    liveness = Liveness()
    database = Database("postgresql://reader:word@127.0.0.1:9/papers")  # nothing listens there
    container: Any = SimpleNamespace(database=database, liveness=liveness, mentions=CommandMentions())
    liveness.record_obstacle(None)
    await front.follow_database(container)
    [problem] = liveness.find_problems(is_standby=True)
    assert "cannot be reached" in problem
    await database.close()
