"""Cooldowns and busy answers, for commands, components and autocomplete, in both languages."""

from __future__ import annotations

from contextlib import AsyncExitStack

from bot.client import context
from bot.search import service as search_service
from tests.support.client_harness import ClientHarness, last_response, shown_text


async def _occupy(harness: ClientHarness, stack: AsyncExitStack) -> None:
    """Let as many look-ups run as may, and let no further one wait."""
    for _ in range(search_service.MAX_AT_ONCE):
        await stack.enter_async_context(harness.bot.services.lookups.admitted())
    harness.bot.services.lookups.patience = 0.0


async def test_a_reader_is_told_privately_that_the_bot_is_busy(harness: ClientHarness) -> None:
    post = await harness.reader.slash(harness.channel, "digest")
    async with AsyncExitStack() as stack:
        await _occupy(harness, stack)
        for name, options in (
            ("topic", {"query": "강화 학습"}),
            ("top", {"topic": "로봇"}),
            ("paper", {"paper": "2501.00001"}),
            ("trends", {}),
            ("alerts add", {"keyword": "로봇"}),
        ):
            result = await harness.reader.slash(harness.channel, name, **options)
            # An alert that could not be previewed can be opened again with what was typed.
            assert shown_text(last_response(result)).split("\n")[0] == harness.texts("busy")
            assert last_response(result).ephemeral
        turned = await harness.reader.click(last_response(post), label="▶")
        assert shown_text(last_response(turned)) == harness.texts("busy")
    answered = await harness.reader.slash(harness.channel, "topic", query="소형 언어 모델")
    assert "2501.00001" in shown_text(last_response(answered))


async def test_autocomplete_offers_nothing_while_the_bot_is_busy(harness: ClientHarness) -> None:
    async with AsyncExitStack() as stack:
        await _occupy(harness, stack)
        assert not await harness.reader.autocomplete(harness.channel, "author", "name", "lovel")
    assert await harness.reader.autocomplete(harness.channel, "author", "name", "lovel")


async def test_nothing_is_shared_publicly_while_the_bot_is_busy(harness: ClientHarness) -> None:
    listed = last_response(await harness.reader.slash(harness.channel, "digest"))
    async with AsyncExitStack() as stack:
        await _occupy(harness, stack)
        shared = await harness.reader.click(listed, label=harness.texts("share"))
        assert shown_text(last_response(shared)) == harness.texts("busy")
        assert last_response(shared).ephemeral


async def test_a_reader_who_asks_too_often_is_told_to_wait(harness: ClientHarness) -> None:
    listed = last_response(await harness.reader.slash(harness.channel, "digest"))
    for _ in range(context.MAX_LOOKUPS - 1):
        await harness.reader.slash(harness.channel, "paper", paper="2501.00001")
    seconds = int(context.LOOKUP_PERIOD_SECONDS)
    sentence = harness.texts("cooldown", seconds=seconds)
    refused = last_response(await harness.reader.slash(harness.channel, "topic", query="로봇"))
    assert (shown_text(refused), refused.ephemeral) == (sentence, True)
    turned = await harness.reader.click(listed, label="▶")
    assert shown_text(last_response(turned)) == sentence
    others = await harness.manager.slash(harness.channel, "paper", paper="2501.00001")
    assert shown_text(last_response(others)) != sentence
    await harness.env.advance_time(seconds + 1)
    later = await harness.reader.slash(harness.channel, "topic", query="소형 언어 모델")
    assert "2501.00001" in shown_text(last_response(later))


async def test_cooldowns_of_readers_who_are_gone_are_forgotten(harness: ClientHarness) -> None:
    await harness.reader.slash(harness.channel, "digest")
    await harness.env.advance_time(context.LOOKUP_PERIOD_SECONDS + 1)
    await harness.manager.slash(harness.channel, "digest")
    assert len(harness.bot.cooldowns._cache) == 1
