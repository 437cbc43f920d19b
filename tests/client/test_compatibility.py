"""Buttons and menus of earlier versions, which stay in Discord's messages for years, are still answered."""

import json
import re
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import ui

from bot.app.client import COGS
from bot.client import custom_ids, message_builder, router
from bot.outbox.contents import RenderedPart
from storage import alerts, models, papers
from tests.support.client_harness import ClientHarness, last_response, send_parts, shown_text

pytestmark = pytest.mark.promise

CONTROLS = [
    json.loads(line)
    for path in sorted(Path(__file__).parents[1].glob("upgrades/*/controls.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
]
"""Each control's type (2: button, else menu), custom id, and some of a menu's values."""

DRAFT = re.compile(r"\b[0-9a-f]{16}$")
"""A custom id that names a text kept for 30 days; later its control says that the command has to be run again."""


def _build_view(kind: int, custom_id: str, values: list[str]) -> ui.LayoutView:
    item: ui.Item[Any]
    if kind == discord.ComponentType.button.value:
        item = ui.Button(label="old", custom_id=custom_id)
    else:
        options = [discord.SelectOption(label=value[:100], value=value) for value in values]
        item = ui.Select(custom_id=custom_id, options=options)
    # The button for the other language shows the papers of the menu beside it.
    papers = ui.Select[Any](custom_id="pr:open:0", options=[discord.SelectOption(label="2501.00001")])
    rows = [item] if custom_ids.unpack_custom_id(custom_id).verb == "open" else [item, papers]
    view = ui.LayoutView(timeout=None)
    for row in rows:
        view.add_item(ui.ActionRow(row))
    return view


async def _press(harness: ClientHarness, kind: int, custom_id: str, value: str) -> str | None:
    """Press a button, or choose a menu's value, as a manager. Return the answer, or None for a form."""
    view = _build_view(kind, custom_id, [value] if value else [])
    part = RenderedPart(models.PartKind.MESSAGE, message_builder.layout_payload(view))
    message = await send_parts(harness, harness.channel.id, part)
    if value:
        result = await harness.manager.select(message, [value], custom_id=custom_id)
    else:
        result = await harness.manager.click(message, custom_id=custom_id)
    return None if result.modal is not None else shown_text(last_response(result))


def test_each_verb_has_a_stored_custom_id_with_its_fields() -> None:
    """`controls.jsonl` is the list of all verbs with their fields; forms are sent back at once and need none."""
    stored = {custom_ids.unpack_custom_id(custom_id).verb for _, custom_id, _ in CONTROLS}
    handled = {route.verb: route.run.__name__ for cog in COGS for route in router.list_routes(cog)}
    assert len(handled) > 70
    assert stored - handled.keys() == set(), "old messages have these verbs: answer them for ever"
    new = {verb: name for verb, name in handled.items() if verb not in stored}
    assert {name for name in new.values() if not name.startswith("submit_")} == set(), (
        "add a custom id to controls.jsonl"
    )


async def test_controls_of_earlier_versions_are_answered(harness: ClientHarness) -> None:
    # The rows that the custom ids name: a daily post with its message, an alert, a saved paper.
    await harness.plan_post(await harness.add_subscription())
    await harness.add_alert("robot")
    await harness.press(await harness.ask("paper", paper="2501.00001"), "save")
    async with harness.container.database.transaction() as connection:
        (paper_id,) = (await papers.get_ids(connection, ["2501.00001"])).values()
        now = harness.container.clock()
        match = alerts.Match(f"channel:{harness.channel.id}", paper_id, 1, now, now)
        await alerts.add_matches(connection, [match])
    broken = harness.texts("broken", reference="\0").partition("\0")[0]
    unanswered = []
    for kind, custom_id, values in CONTROLS:
        for value in values or [""]:
            answer = await _press(harness, kind, custom_id, value)
            is_outdated = answer == harness.texts("outdated-control") and not DRAFT.search(custom_id)
            if answer == "" or is_outdated or (answer or "").startswith(broken):
                unanswered.append((custom_id, value, answer))
    assert unanswered == []
