"""Responses: updates in place, and private answers to components of public messages."""

from __future__ import annotations

from tests.support.client_harness import ClientHarness, component_ids, last_response, post_daily, shown_text


async def test_pages_are_turned_in_place(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "author", name="ada lovelace")
    first = last_response(result)
    assert "Ada Lovelace · 4 papers" in shown_text(first)
    digest = last_response(await harness.reader.slash(harness.channel, "digest"))
    turned = await harness.reader.click(digest, label="▶")
    assert last_response(turned).id == digest.id
    assert "**6 · " in shown_text(last_response(turned))
    assert "2/2" in shown_text(last_response(turned))
    back = await harness.reader.click(last_response(turned), label="◀")
    assert "**1 · " in shown_text(last_response(back))


async def test_the_daily_posts_menu_opens_the_card_privately(harness: ClientHarness) -> None:
    message = await post_daily(harness)
    menu = next(name for name in component_ids(message) if name.endswith("/open"))
    opened = await harness.reader.select(message, ["2501.00002"], custom_id=menu)
    assert last_response(opened).ephemeral
    assert "Rewards That Teach Reasoning" in shown_text(last_response(opened))
