"""Installations of former versions: all that is in them is there after the upgrade, and their life goes on."""

import json
import tomllib
from collections import Counter
from datetime import UTC, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa

from bot.cli.set_up_file import SetUpFile
from bot.client import sender
from bot.client.custom_ids import unpack_custom_id
from bot.core.clock import system_clock
from bot.core.settings import Settings
from bot.outbox.contents import RenderedPart
from bot.outbox.outcomes import SendRequest
from storage import database, locks, migrate, models
from storage.database import Connection
from tests.conftest import SHARED_FOLDER
from tests.support import installation, origin_server, payload_checks, upgrades
from tests.support.client_harness import (
    ClientHarness,
    component_ids,
    last_response,
    open_harness,
    raw_components,
    send_parts,
)
from tests.support.polling_harness import PollingHarness

pytestmark = [pytest.mark.engines("sqlite", "postgresql"), pytest.mark.promise]
BUTTON = 2
DERIVED = {locks.sender_lease.name, "sqlite_sequence"}


async def read_rows(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all tables, as the driver gives them."""
    reflected = sa.MetaData()
    await connection.run_sync(reflected.reflect)
    return {
        name: [dict(row) for row in (await connection.execute(sa.select(*table.c))).mappings()]
        for name, table in reflected.tables.items()
        if name not in DERIVED
    }


async def read_unopened(url: str) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of a database of a former version."""
    unopened = database.Database(url)
    rows = await unopened.fetch(read_rows)
    await unopened.close()
    return rows


def frozen(rows: list[dict[str, Any]], names: set[str]) -> Counter[str]:
    """Return how often each row is there, by these columns."""
    return Counter(repr([(name, row[name]) for name in sorted(names)]) for row in rows)


@pytest.mark.parametrize(
    "folder", [*upgrades.STORED, SHARED_FOLDER / "upgrades"], ids=lambda folder: folder.name
)
async def test_everything_is_there_after_the_upgrade(folder: Path, empty_database_url: str) -> None:
    if not folder.exists():
        pytest.skip("only where it was made")
    set_up = upgrades.restore(folder, empty_database_url)
    before = await read_unopened(empty_database_url)
    opened = await migrate.open_database(empty_database_url, approve=upgrades.approve)
    after = await opened.fetch(read_rows)
    set_up_file = await SetUpFile(opened, system_clock, Settings()).export()
    await opened.close()
    values = {row["key"]: row["value"] for row in before.pop("meta")}
    if "search:changes" in values:
        changes = [f"{row['number']}:{row['token']}" for row in after["paper_changes"]]
        assert changes == json.loads(values["search:changes"])
    before.pop("vectors", None)  # of an embeddings server, which is gone
    before["saved_papers"] += list_nominated(before.pop("club_nominations", []))
    for name, rows in before.items():
        assert rows or folder not in upgrades.STORED, (
            f"{name} has no row: let tests/support/installation.py add one"
        )
        names = set(rows[0]) & set(after[name][0]) if rows else set()
        assert frozen(rows, names) == frozen(after[name], names), name
    if set_up is not None:
        exported = tomllib.loads(set_up_file)
        for kind, entries in tomllib.loads(set_up.read_text(encoding="utf-8")).items():
            for entry in entries:
                assert any(spelled(entry).items() <= spelled(other).items() for other in exported[kind]), (
                    entry
                )


def list_nominated(nominations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of servers' lists that nominations become, each paper by the first who nominated it."""
    latest_first = sorted(nominations, key=lambda row: row["nominated_at"], reverse=True)
    same = {"note": "", "tags": "", "server_id": None}
    first = {(row["guild_id"], row["paper_id"]): row["nominated_at"] for row in latest_first}
    return [
        {**same, "user_id": guild_id, "paper_id": paper_id, "saved_at": at}
        for (guild_id, paper_id), at in first.items()
    ]


def spelled(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of a set-up file with ranges of days as lists, which earlier versions exported."""
    ranges = {"mon-fri": "mon,tue,wed,thu,fri", "mon-sun": "mon,tue,wed,thu,fri,sat,sun"}
    days = entry.get("days")
    return {**entry, "days": ranges.get(str(days), days)}


class Recorder:
    """Discord, which accepts all."""

    def __init__(self) -> None:
        self.sent: list[SendRequest] = []

    async def send(self, request: SendRequest) -> models.Receipt:
        self.sent.append(request)
        return models.Receipt(len(self.sent), request.channel_id)

    async def find(self, request: SendRequest, since: Any) -> models.Receipt | None:
        return None

    async def open_dm(self, user_id: int) -> int:
        return user_id


@pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
@pytest.mark.parametrize("folder", upgrades.STORED, ids=lambda folder: folder.name)
async def test_a_day_passes_and_old_buttons_are_answered(folder: Path, empty_database_url: str) -> None:
    upgrades.restore(folder, empty_database_url)
    before = await read_unopened(empty_database_url)
    opened = await migrate.open_database(empty_database_url, approve=upgrades.approve)
    waiting = {row["id"] for row in before["deliveries"] if row["state"] == "waiting"}
    in_time = {
        row["id"]
        for row in before["deliveries"]
        if row["id"] in waiting
        and row["expires_at"].replace(tzinfo=UTC) > installation.ENDS_AT + timedelta(hours=1)
    }
    told = {(row["recipient"], row["paper_id"]) for row in before["matches"] if row["delivery_id"]}
    assert in_time
    recorder = Recorder()
    async with (
        origin_server.run_origin() as origin,
        open_harness(opened, models.Locale.EN, origin.url) as harness,
    ):
        for guild_id in {row["guild_id"] for row in before["guilds"]} - {harness.guild.id}:
            harness.env.create_guild("Paper Club", id=guild_id)
        await harness.env.advance_time((installation.ENDS_AT - harness.env.now()).total_seconds())
        with mock.patch.object(sender, "DiscordSender", return_value=recorder):
            await harness.start_runtime()
        life = installation.Installation(harness, PollingHarness(opened, origin), ())
        await life.live_until(installation.ENDS_AT + timedelta(hours=26))
        after = await opened.fetch(read_rows)
        assert await _press_all(harness, before["parts"]) > 10
    await opened.close()
    of_before = {row["id"]: row for row in before["deliveries"]}
    of_after = {row["id"]: row for row in after["deliveries"]}
    for id_, row in of_before.items():
        same = {name: of_after[id_][name] for name in row if name in of_after[id_]}
        assert id_ in waiting or same == {name: row[name] for name in same}, (
            "what was finished stays as it was"
        )
    assert {of_after[id_]["state"] for id_ in in_time} == {"sent"}
    planned = [row for id_, row in of_after.items() if id_ not in of_before]
    assert {row["state"] for row in planned} == {"sent"}
    kinds = {row["kind"] for row in planned}
    weekly = {row["id"] for row in before["subscriptions"] if row["style"] == "weekly"}
    every_day = {
        row["id"] for row in before["subscriptions"] if (row["state"], row["days"]) == ("active", "1234567")
    }
    assert {row["subscription_id"] for row in planned} >= every_day - weekly, "each daily post came"
    assert kinds >= {"daily", "alert", "today", "club"}
    markers = [request.marker for request in recorder.sent if request.marker]
    assert len(markers) == len(set(markers)), "nothing is sent twice"
    assert not set(markers) & {row["marker"] for row in before["parts"] if row["state"] == "sent"}
    posted = Counter(
        (of_after[row["delivery_id"]]["subscription_id"], row["paper_id"])
        for row in after["delivery_papers"]
        if of_after[row["delivery_id"]]["state"] == "sent"
    )
    assert {of for of, count in posted.items() if count > 1 and of[0] not in {*weekly, None}} == set()
    newly = Counter(
        (row["recipient"], row["paper_id"], row["alert_id"]) for row in after["matches"] if row["delivery_id"]
    )
    assert told < {of[:2] for of in newly}, "alerts that waited are told"
    alerts = [
        (row["user_id"] or row["channel_id"], row["key"])
        for row in after["deliveries"]
        if row["kind"] == "alert"
    ]
    assert len(alerts) == len(set(alerts))


async def _press_all(harness: ClientHarness, parts: list[dict[str, Any]]) -> int:
    """Post the newest stored message with each kind of button again, and press it. Returns the number of kinds."""
    messages: dict[str, tuple[dict[str, Any], str]] = {}
    for part in parts:
        payload = part["payload"] and json.loads(part["payload"])
        if payload and payload.get("components") and part["kind"] == "message":
            for custom_id in component_ids(SimpleNamespace(components=payload["components"])):
                messages[unpack_custom_id(custom_id).verb] = payload, custom_id
    for payload, custom_id in messages.values():
        shown = await send_parts(harness, harness.channel.id, RenderedPart(models.PartKind.MESSAGE, payload))
        [component] = [one for one in raw_components(shown) if one.get("custom_id") == custom_id]
        if component["type"] == BUTTON:
            result = await harness.manager.click(shown, custom_id=custom_id)
        else:
            value = component["options"][0]["value"]
            result = await harness.manager.select(shown, [value], custom_id=custom_id)
        answer = result.modal or last_response(result)
        assert answer is not None, custom_id
    payload_checks.check_requests(harness.env.http_requests)
    assert harness.unexpected_errors() == []
    return len(messages)
