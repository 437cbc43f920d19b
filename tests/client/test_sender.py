"""Single attempts to send to Discord, and the search for earlier copies."""

import asyncio
import json
import time
from datetime import timedelta
from typing import Any

import discord
import pytest

from bot.client import rest, sender
from bot.core.clock import system_clock
from bot.outbox import contents, outcomes
from bot.outbox.contents import new_nonce
from bot.outbox.outcomes import Disposition
from storage.models import PartKind
from tests.fake_discord import model
from tests.support import origin_server, outbox_builders
from tests.support.relay_harness import RelayHarness

pytestmark = pytest.mark.wire

MARKER = contents.part_marker("daily:1:2026-11-20", 0)
LONG_AGO = timedelta(minutes=30)


def make_request(channel_id: int, kind: PartKind = PartKind.MESSAGE, **fields: Any) -> outcomes.SendRequest:
    body = json.loads(outbox_builders.message_payload(MARKER))
    if kind is PartKind.FORUM_POST:
        body = {"name": "2026-11-20", "message": body}
    defaults = {"payload": body, "nonce": new_nonce(), "marker": MARKER, "guild_id": model.GUILD_ID}
    defaults |= {"message_id": None, "webhook_token": None, "claimed_at": time.monotonic()}
    return outcomes.SendRequest(kind=kind, channel_id=channel_id, **defaults | fields)


async def classification_of(attempt: Any) -> outcomes.Classification:
    with pytest.raises(outcomes.DeliveryError) as caught:
        await attempt
    return caught.value.classification


@pytest.mark.parametrize("ids", [None, {}, {"id": str(2**63)}, {"id": "-1"}, {"channel_id": None}])
def test_response_without_valid_ids_leaves_the_outcome_unknown(ids: dict[str, Any] | None) -> None:
    answer = {"id": "1", "channel_id": "2"} | ids if ids else ids
    with pytest.raises(outcomes.DeliveryError) as caught:
        sender._read_receipt(answer, "channel_id")
    assert caught.value.classification == outcomes.OUTCOME_UNKNOWN


async def test_message_mentions_only_the_role_of_its_post(wire: RelayHarness) -> None:
    [channel_id], [forum] = wire.fake.add_channels(1), wire.fake.add_channels(1, first=1, kind=model.FORUM)
    mentions = {"parse": [], "roles": ["5"]}
    link = f"<@&5> [Papers](<https://huggingface.co/papers#{MARKER}>)"
    nobody: dict[str, list[str]] = {"parse": []}
    for allowed in (nobody, mentions):
        body = {"content": link, "allowed_mentions": mentions} if allowed is mentions else {"content": link}
        post = {"name": "day", "message": body}
        await wire.sender.send(make_request(channel_id, payload=body))
        await wire.sender.send(make_request(forum, PartKind.FORUM_POST, payload=post))
        for said in (entry["payload"] for entry in wire.fake.log("POST", "/channels/")[-2:]):
            assert said.get("message", said)["allowed_mentions"] == allowed


async def test_an_edit_replaces_what_a_message_says_also_by_a_layout(wire: RelayHarness) -> None:
    [channel_id] = wire.fake.add_channels(1)
    sent = await wire.sender.send(make_request(channel_id))
    lamps = {"type": 10, "content": "Lamps"}
    layout = {"content": None, "components": [lamps], "flags": 1 << 15}
    edit = make_request(channel_id, PartKind.EDIT, payload=layout, message_id=sent.message_id)
    for _ in range(2):
        assert await wire.sender.send(edit) == sent
    [message] = wire.fake.messages(channel_id)
    assert message["components"] == [{"id": 1, **lamps}]


async def test_finds_a_sent_message_among_later_ones(wire: RelayHarness) -> None:
    [channel_id] = wire.fake.add_channels(1)
    request = make_request(channel_id)
    sent = await wire.sender.send(request)
    channel = wire.client.get_partial_messageable(channel_id)
    await asyncio.gather(*(channel.send(f"chatter {n}") for n in range(120)))
    # The local clock may have been half an hour ahead or behind at the attempt.
    for since in (system_clock() - LONG_AGO, system_clock(), system_clock() + LONG_AGO):
        assert await wire.sender.find(request, since) == sent
    other = make_request(channel_id, marker=contents.part_marker("daily:2:2026-11-20", 0))
    assert await wire.sender.find(other, system_clock() - LONG_AGO) is None


async def test_cannot_search_for_a_message_without_the_history_permission(wire: RelayHarness) -> None:
    open_id, closed_id = wire.fake.add_channels(2)
    [forum] = wire.fake.add_channels(1, first=2, kind=model.FORUM)
    since = system_clock() - LONG_AGO
    wire.fake.deny(closed_id, model.READ_MESSAGE_HISTORY)
    wire.fake.deny(forum, model.READ_MESSAGE_HISTORY)
    assert await wire.sender.find(make_request(open_id), since) is None
    for request in (
        make_request(closed_id),
        make_request(forum, PartKind.FORUM_POST),
        make_request(open_id, marker=None),
    ):
        classification = await classification_of(wire.sender.find(request, since))
        assert classification.disposition is Disposition.UNVERIFIABLE


async def test_finds_earlier_messages_in_direct_messages_and_threads(wire: RelayHarness) -> None:
    [channel_id] = wire.fake.add_channels(1)
    dm = await wire.sender.open_dm(77)
    in_dm = make_request(dm, guild_id=None)
    sent = await wire.sender.send(in_dm)
    assert await wire.sender.find(in_dm, system_clock()) == sent
    headline = await wire.sender.send(make_request(channel_id))
    opened = make_request(
        channel_id, PartKind.THREAD, payload={"name": "Papers"}, message_id=headline.message_id
    )
    thread = await wire.sender.send(opened)
    assert await wire.sender.send(opened) == thread
    in_thread = make_request(thread.channel_id, PartKind.THREAD_MESSAGE)
    sent = await wire.sender.send(in_thread)
    assert await wire.sender.find(in_thread, system_clock()) == sent
    address = f"https://discord.com/#{MARKER}"
    for payload in ({"content": f"[Paperround](<{address}>)"}, {"embeds": [{"title": "A", "url": address}]}):
        linked = make_request(channel_id, payload=payload)
        sent = await wire.sender.send(linked)
        assert await wire.sender.find(linked, system_clock()) == sent


async def test_finds_a_forum_post_by_its_marker_even_if_renamed_or_archived(wire: RelayHarness) -> None:
    [forum] = wire.fake.add_channels(1, kind=model.FORUM)
    other = make_request(forum, PartKind.FORUM_POST)
    payload = json.loads(json.dumps(other.payload).replace(MARKER, contents.part_marker("other", 0)))
    await wire.sender.send(make_request(forum, PartKind.FORUM_POST, payload=payload))
    request = make_request(forum, PartKind.FORUM_POST)
    assert await wire.sender.find(request, system_clock()) is None
    sent = await wire.sender.send(request)
    assert await wire.sender.find(request, system_clock()) == sent
    wire.fake.world.channels[sent.channel_id].name = "renamed by a manager"
    assert await wire.sender.find(request, system_clock()) == sent
    wire.fake.archive(sent.channel_id)
    assert await wire.sender.find(request, system_clock() + LONG_AGO) == sent


async def test_finds_a_forum_post_beyond_the_first_archived_page(
    wire: RelayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    [forum] = wire.fake.add_channels(1, kind=model.FORUM)
    request = make_request(forum, PartKind.FORUM_POST)
    sent = await wire.sender.send(request)
    wire.fake.archive(sent.channel_id)
    fields: dict[str, Any] = {"parent_id": forum, "archived": True, "owner_id": 42}
    for minute in (1, 2, 3):  # 60 other posts, created and archived at the same time
        after = sent.channel_id + ((minute + 1) * 60_000 << 22)
        for n in range(60):
            wire.fake.world.add_channel(after + n, model.THREAD, model.GUILD_ID, **fields)
    assert await wire.sender.find(request, system_clock() + LONG_AGO) == sent
    absent = make_request(forum, PartKind.FORUM_POST, marker=contents.part_marker("another", 0))
    assert await wire.sender.find(absent, system_clock()) is None
    monkeypatch.setattr("bot.client.sender.MAX_PAGES", 1)
    classification = await classification_of(wire.sender.find(absent, system_clock() - LONG_AGO))
    assert classification.disposition is Disposition.UNVERIFIABLE


@pytest.mark.parametrize("kind", [PartKind.MESSAGE, PartKind.FORUM_POST])
async def test_a_search_ends_also_in_a_history_that_never_does(
    wire: RelayHarness, kind: PartKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page is full of others' messages and threads that are newer than what is looked for."""
    [channel_id] = wire.fake.add_channels(1, kind=model.FORUM if kind is PartKind.FORUM_POST else model.TEXT)
    asked, now = [], system_clock()
    newest = discord.utils.time_snowflake(now)
    message = {"id": f"{newest}", "author": {"id": "7"}, "content": "chatter"}
    archived = {"archive_timestamp": now.isoformat()}
    thread = {"id": f"{newest}", "owner_id": "7", "name": "chatter", "thread_metadata": archived}

    async def answer(_: str, path: str, *arguments: Any, **options: Any) -> Any:
        asked.append(path)
        if path.endswith("/messages"):
            return [message] * sender.PAGE_SIZE
        return {"threads": [thread] * sender.PAGE_SIZE if "archived" in path else [], "has_more": True}

    monkeypatch.setattr(wire.sender, "_request", answer)
    classification = await classification_of(wire.sender.find(make_request(channel_id, kind), now - LONG_AGO))
    assert classification.disposition is Disposition.UNVERIFIABLE
    assert len(asked) <= sender.MAX_PAGES + 1


async def test_does_not_send_a_message_whose_nonce_expired(wire: RelayHarness) -> None:
    [channel_id] = wire.fake.add_channels(1)
    claimed_at = time.monotonic() - sender.MESSAGE_FENCE_SECONDS
    classification = await classification_of(
        wire.sender.send(make_request(channel_id, claimed_at=claimed_at))
    )
    assert classification.disposition is Disposition.RETRY
    assert wire.fake.messages(channel_id) == []


@pytest.mark.parametrize(
    ("rule", "disposition"),
    [
        ({"kind": "lose", "stored": True}, Disposition.UNKNOWN),
        ({"kind": "lose"}, Disposition.UNKNOWN),
        ({"kind": "status", "status": 503}, Disposition.UNKNOWN),
        ({"kind": "status", "status": 200}, Disposition.UNKNOWN),
        ({"kind": "status", "status": 401}, Disposition.INVALID_TOKEN),
        ({"kind": "status", "status": 403, "code": 50001}, Disposition.REFUSED),
        ({"kind": "status", "status": 400, "code": 50035}, Disposition.CONTENT_REFUSED),
        ({"kind": "status", "status": 429}, Disposition.RETRY),
    ],
)
async def test_classifies_every_failure(
    wire: RelayHarness, rule: dict[str, Any], disposition: Disposition
) -> None:
    [channel_id] = wire.fake.add_channels(1)
    wire.fake.set_faults({"method": "POST", **rule})
    assert (await classification_of(wire.sender.send(make_request(channel_id)))).disposition is disposition


async def test_retries_a_refused_connection(wire: RelayHarness) -> None:
    restore = rest.override_endpoints("http://127.0.0.1:9/api/v10", None)
    try:
        classification = await classification_of(wire.sender.send(make_request(5)))
        assert classification == outcomes.NOT_ACCEPTED
    finally:
        restore()


async def test_forum_post_gets_the_chosen_tag_or_the_first_open_one_if_required(wire: RelayHarness) -> None:
    tags = [
        {"id": "4", "name": "Staff", "moderated": True},
        {"id": "5", "name": "News", "moderated": False},
        {"id": "6", "name": "Papers", "moderated": False},
    ]
    [forum] = wire.fake.add_channels(1, kind=model.FORUM, available_tags=tags)
    wire.fake.world.tag_required.add(forum)
    # Without a choice; the chosen tag; one that the forum has lost; one that only moderators may set.
    for chosen, applied in (None, "5"), ("6", "6"), ("7", "5"), ("4", "5"):
        payload: dict[str, Any] = {"name": "papers", "message": {"content": "papers"}}
        if chosen is not None:
            payload["applied_tags"] = [chosen]
        await wire.sender.send(make_request(forum, PartKind.FORUM_POST, payload=payload))
        *_, entry = [entry for entry in wire.fake.log("POST") if entry["path"].endswith(f"/{forum}/threads")]
        assert (entry["status"] < 300, entry["payload"]["applied_tags"]) == (True, [applied])


async def test_invalid_http_response_does_not_expose_the_token(
    wire: RelayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with origin_server.run_raw_origin(b"HTTP/1.1 what\r\n\r\n") as origin:
        for token in (None, "webhook-secret"):
            with monkeypatch.context() as patched:
                patched.setattr(discord.http.Route, "BASE", origin.url.rstrip("/"))
                with pytest.raises(outcomes.DeliveryError) as caught:
                    await wire.sender.send(make_request(5, webhook_token=token))
            shown = str(caught.value)
            assert "ClientResponseError" in shown
            assert model.TOKEN not in shown
            assert "webhook-secret" not in shown
