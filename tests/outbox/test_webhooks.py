"""Daily posts by webhook against a fake Discord: sent once, and never retried if the outcome is unknown."""

import json
import logging
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from simcord.components import walk_components

from bot.client import webhook
from storage import daily, key_values, models, outbox
from storage.errors import ConflictError, UsageError
from storage.models import Locale, Style
from tests.fake_discord import model
from tests.support import digest_builders
from tests.support.relay_harness import RelayHarness
from tests.support.world import HOUR, MINUTE, MONDAY, moment

pytestmark = pytest.mark.wire

SEOUL_9AM = moment("Mon 09:00")
TEXT = digest_builders.newsletter(MONDAY, [("2601.00001", 90), ("2601.00002", 80), ("2601.00003", 70)])


class Posting:
    def __init__(self, wire: RelayHarness) -> None:
        self.wire, self.fake = wire, wire.fake
        self.channel_id, self.token = 0, ""

    async def subscribe(
        self, number: int = 1, *, in_thread: bool = False, **options: Any
    ) -> models.Subscription:
        """Subscribe a webhook and plan its post for MONDAY."""
        [self.channel_id] = self.fake.add_channels(1, first=number)
        address = self.fake.add_webhook(self.channel_id, number)
        if in_thread:
            [self.channel_id] = self.fake.add_channels(
                1, first=number + 500, kind=model.THREAD, parent_id=self.channel_id
            )
            address += f"?thread_id={self.channel_id}"
        webhook_id, self.token = webhook.parse_address(address, self.fake.api_url)
        settings = {"at_time": "09:00", "timezone": "Asia/Seoul", **options}
        draft = models.Subscription(guild_id=models.NO_GUILD, channel_id=webhook_id, **settings)
        self.wire.now = SEOUL_9AM - HOUR
        added = await self.wire.subscriptions.add(draft, webhook_token=self.token)
        await self.wire.ingest().add_text(TEXT, location="digest")
        await self.wire.daily_planner.tick(SEOUL_9AM)
        return added

    async def drain(self, after: timedelta = timedelta(0)) -> list[str]:
        """Send with a new relay at a time after SEOUL_9AM and return the states of the parts."""
        self.wire.now = SEOUL_9AM + after
        await self.wire.drain()
        return await self.wire.list_states()

    async def messages(self) -> list[dict[str, Any]]:
        return self.fake.messages(self.channel_id)


@pytest.fixture
def posting(wire: RelayHarness) -> Posting:
    return Posting(wire)


async def test_a_webhook_with_a_thread_posts_there(posting: Posting) -> None:
    await posting.subscribe(in_thread=True, style=Style.CARDS)
    assert set(await posting.drain()) == {"sent"}
    assert len(await posting.messages()) == 4
    assert len(posting.fake.all_messages()) == 1


@pytest.mark.parametrize(
    ("style", "locale", "count"),
    [(Style.COMPACT, Locale.KO, 1), (Style.CARDS, Locale.EN, 4), (Style.WEEKLY, Locale.KO, 1)],
)
async def test_a_webhook_posts_once_without_buttons_or_mentions(
    posting: Posting, caplog: pytest.LogCaptureFixture, style: Style, locale: Locale, count: int
) -> None:
    caplog.set_level(logging.INFO)
    await posting.subscribe(style=style, locale=locale)
    assert set(await posting.drain()) == {"sent"}
    assert set(await posting.drain(MINUTE)) == {"sent"}
    posted = await posting.messages()
    assert len(posted) == count
    for entry in posting.fake.log("POST", "/webhooks/"):
        assert entry["payload"]["allowed_mentions"] == {"parse": []}
    for payload in posted:
        components = list(walk_components(payload["components"]))
        assert not any("custom_id" in component for component in components)
        assert len(components) > 1
    assert "2601.00001" in json.dumps(posted)
    assert posting.token not in caplog.text


LOST = {"kind": "lose"}
BEFORE_SENDING = {"method": "GET", "path": "/webhooks/*"}
SENDING = {"method": "POST", "path": "/webhooks/*"}


@pytest.mark.parametrize(
    ("fault", "states", "posts"),
    [
        (LOST | BEFORE_SENDING, ["waiting", "sent"], 1),
        ({"kind": "page", "status": 403} | SENDING, ["waiting", "sent"], 1),
        ({"kind": "page", "status": 503} | SENDING, ["waiting", "sent"], 1),
        (LOST | SENDING, ["waiting", "stopped"], 0),
        (LOST | SENDING | {"stored": True}, ["waiting", "stopped"], 1),
        ({"kind": "page", "status": 504, "stored": True} | SENDING, ["waiting", "stopped"], 1),
    ],
)
async def test_a_webhook_post_is_retried_only_if_it_certainly_failed(
    posting: Posting, fault: dict[str, Any], states: list[str], posts: int
) -> None:
    await posting.subscribe()
    posting.fake.set_faults(fault)
    seen = [(await posting.drain())[0]]
    posting.fake.set_faults()
    # After half a minute, a nonce would still prevent a second message, but webhooks have no nonces.
    seen.append((await posting.drain(MINUTE / 2))[0])
    seen.append((await posting.drain(20 * MINUTE))[0])
    assert (seen, len(await posting.messages())) == ([*states, states[-1]], posts)


async def test_a_certain_failure_is_known_although_storing_it_lost_to_another_transaction(
    posting: Posting, monkeypatch: pytest.MonkeyPatch
) -> None:
    await posting.subscribe()
    posting.fake.set_faults({"kind": "page", "status": 403} | SENDING)
    conflict = ConflictError("a deadlock")
    monkeypatch.setattr(
        outbox, "mark_retry", mock.AsyncMock(side_effect=[conflict, mock.DEFAULT], wraps=outbox.mark_retry)
    )
    await posting.drain()
    posting.fake.set_faults()
    assert (await posting.drain(MINUTE / 2), len(await posting.messages())) == (["sent"], 1)


async def test_a_post_is_not_repeated_if_storing_its_receipt_fails(
    posting: Posting, monkeypatch: pytest.MonkeyPatch
) -> None:
    await posting.subscribe()
    mark_sent, failures = outbox.mark_sent, ["once"]

    async def fail_once(*args: Any) -> None:
        if failures:
            raise RuntimeError(failures.pop())
        await mark_sent(*args)

    monkeypatch.setattr(outbox, "mark_sent", fail_once)
    assert await posting.drain() == ["sent"]
    assert (failures, len(await posting.messages())) == ([], 1)


REFUSALS = {
    "403 50013": BEFORE_SENDING,
    "403 50001": SENDING,
    "403 40001": SENDING,
    "404 10004": BEFORE_SENDING,
}


@pytest.mark.parametrize("how", ["deleted", "another token", *REFUSALS])
async def test_an_invalid_webhook_blocks_only_its_own_posts(posting: Posting, how: str) -> None:
    """A webhook has no rights that could be given to it, whatever code Discord's refusal has (docs/no-server.md)."""
    other = await posting.subscribe(2, at_time="08:59")
    added = await posting.subscribe()
    if how == "deleted":
        posting.fake.world.webhooks.popitem()
    elif how in REFUSALS:
        (status, code), path = map(int, how.split()), f"/webhooks/{added.channel_id}/*"
        posting.fake.set_faults(
            REFUSALS[how] | {"kind": "status", "path": path, "status": status, "code": code}
        )
    else:
        async with posting.wire.database.transaction() as connection:
            key = f"{key_values.WEBHOOK}{added.channel_id}"
            await key_values.set_value(connection, key, "another_token-of-it")
    assert sorted(await posting.drain()) == ["sent", "waiting"]
    rows = await posting.wire.database.fetch(outbox.list_rows)  # no notice, since nobody could receive it
    assert {row.subscription_id: row.reason for row in rows} == {other.id: None, added.id: "webhook-gone"}


async def test_a_webhooks_secret_is_deleted_with_its_last_subscription(posting: Posting) -> None:
    first = await posting.subscribe()
    second = await posting.subscribe(at_time="08:59")
    for subscription, left in ((first, 1), (second, 0)):
        await posting.wire.subscriptions.remove(subscription.id)
        async with posting.wire.database.read() as connection:
            assert len(await key_values.list_by_prefix(connection, key_values.WEBHOOK)) == left
            assert len(await daily.list_rows(connection)) == left


ADDRESS = "https://discord.com/api/webhooks/123456789012345678/abc-DEF_0123456789"


HOSTS = (
    "discordapp.com",
    "Discord.com",
    "canary.discordapp.com",
    *(f"{name}.discord.com" for name in ("canary", "ptb", "www")),
)


@pytest.mark.parametrize(
    "address",
    [
        ADDRESS,
        f" {ADDRESS}/",
        ADDRESS.replace("/api", "/api/v10"),
        "http://127.0.0.1:8/api/v10" + ADDRESS[23:],
        *(ADDRESS.replace("discord.com", host) for host in HOSTS),
    ],
)
@pytest.mark.parametrize("query", ["", "?thread_id=81234", "?wait=true&thread_id=81234", "?wait=true"])
def test_a_webhook_url_is_parsed_into_id_and_token_with_its_thread(address: str, query: str) -> None:
    thread = "?thread_id=81234" if "thread_id" in query else ""
    assert webhook.parse_address(f"{address}{query}\n", "http://127.0.0.1:8/api/v10") == (
        123456789012345678,
        f"abc-DEF_0123456789{thread}",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 100_000,
        ADDRESS.replace("discord.com", "discord.com.evil.example"),
        ADDRESS.replace("https", "http"),
        ADDRESS.replace("https://", "https://me:pw@"),
        ADDRESS.replace("discord.com", "nightly.discord.com"),
        ADDRESS.replace("discord.com", "canary-discord.com"),
        ADDRESS.replace("discord.com", "canary.discord.com.evil.example"),
        f"{ADDRESS}?thread_id=general",
        f"{ADDRESS}?thread_id=0",
        f"{ADDRESS}?thread_name=Papers",
        ADDRESS.replace("123456789012345678", "9999999999999999999"),
        "http://127.0.0.1:9/api/v10" + ADDRESS[23:],
    ],
)
def test_an_invalid_webhook_url_is_rejected_without_quoting_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        webhook.parse_address(text, "http://127.0.0.1:8/api/v10")
    assert "abc-" not in str(caught.value)
    assert ("?thread_id=ID" if "?" in text else "Copy Webhook URL") in str(caught.value)
