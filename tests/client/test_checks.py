"""Permissions to share and to manage, checked through commands."""

from __future__ import annotations

import pytest

from tests.support.client_harness import ClientHarness, last_response, shown_text


async def test_sharing_is_not_offered_to_users_who_may_not_write(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.readonly_channel, "topic", query="로봇")
    assert harness.texts("share") not in shown_text(last_response(result))


async def test_direct_messages_get_the_same_answers_without_sharing(harness: ClientHarness) -> None:
    result = await harness.user.slash("topic", query="로봇")
    shown = shown_text(last_response(result))
    assert "Maps for Robots" in shown
    assert harness.texts("share") not in shown


async def test_daily_requires_a_manager_of_the_server(harness: ClientHarness) -> None:
    subscription = await harness.add_subscription()
    listed = last_response(await harness.manager.slash(harness.channel, "daily list"))
    with pytest.raises(Exception, match="daily"):
        await harness.reader.slash(harness.channel, "daily list")
    assert str(subscription.channel_id) in shown_text(listed)
