"""`/why` in a channel with daily posts, in its threads and in other channels."""

from typing import Any

import discord
from inline_snapshot import snapshot

from bot.features.daily import why
from storage import models, outbox
from tests.support.client_harness import ClientHarness, both_languages, last_response, shown_text

FIRST = "2501.00001"


KOREAN = (
    "\n**매일 · 오전 9:00 · #papers**\n이 자동 게시는 일시중지 상태예요. 수동으로 일시중지했어요.\n",
    "\n곧 올라와요. 다음 글(Jan 01 09:00)에서 6편 중 1위예요.\n",
    "\n이 자동 게시의 주제를 다루지 않아요. 주제: diffusion\n",
    "\n-# 함께 검색한 관련 용어: 확산, 디퓨전\n",
    "\n2412\\.56789 논문은 다이제스트에 실린 적이 없어요. 번호를 확인해 주세요.\n",
    "\nJan 01 00:00에 이 채널에 올라왔어요. [글\n  보기](https://discord.com/channels/1/2/4242)\n",
)
"""Sentences whose order and particles are not those of the English ones."""


async def _why(harness: ClientHarness, paper: str, channel: Any = None) -> Any:
    result = await harness.reader.slash(channel or harness.channel, "why", paper=paper)
    assert result.ephemeral
    return last_response(result)


@both_languages
async def test_why_screens_match_their_snapshots(harness: ClientHarness) -> None:
    shown = [await _why(harness, FIRST)]
    subscription = await harness.add_subscription()
    service = harness.subscriptions
    await service.pause(subscription.id)
    shown.append(await _why(harness, FIRST))
    await service.resume(subscription.id)
    await harness.add_subscription(topic="diffusion", at_time="18:00")
    shown += [await _why(harness, text) for text in (FIRST, "arxiv.org/abs/2412.56789v2", "xyzzyplugh")]
    _, part = await harness.plan_post(subscription)
    async with harness.container.database.transaction() as connection:
        receipts = {part.id: models.Receipt(4242, harness.channel.id)}
        await outbox.mark_sent(connection, receipts, harness.env.now())
    shown.append(await _why(harness, FIRST))
    drawn = harness.screen(*shown).replace(str(harness.guild.id), "1").replace(str(harness.channel.id), "2")
    if harness.texts.locale is models.Locale.KO:
        assert all(line in drawn for line in KOREAN), drawn
        return
    assert drawn == snapshot("""\
### [Small Language Models (at Work): A \\*Survey\\*](https://arxiv.org/abs/2501.00001)
▲ 81
This channel doesn't have a daily post. A server manager can set one up with `/daily setup`.
[Read] [See status]

### [Small Language Models (at Work): A \\*Survey\\*](https://arxiv.org/abs/2501.00001)
▲ 81
**Daily · 9:00 AM · #papers**
This daily post is paused. Paused manually.
[Read] [See status]

### [Small Language Models (at Work): A \\*Survey\\*](https://arxiv.org/abs/2501.00001)
▲ 81
**Daily · 9:00 AM · #papers**
It is on its way: number 1 of 6 for the next post, Jan 01 09:00.
**diffusion · 6:00 PM · #papers**
It isn't about this daily post's topic: diffusion.
-# A server manager can change this with `/daily edit`.
[Read] [See status]

No digest has listed 2412\\.56789. Check the number.

Paper “xyzzyplugh” not found. Use an arXiv ID such as 2502.02737, a DOI, a link to the paper, or
  part of a title.

### [Small Language Models (at Work): A \\*Survey\\*](https://arxiv.org/abs/2501.00001)
▲ 81
**Daily · 9:00 AM · #papers**
It was posted here on Jan 01 00:00. [See the
  post](https://discord.com/channels/1/2/4242)
**diffusion · 6:00 PM · #papers**
It isn't about this daily post's topic: diffusion.
-# A server manager can change this with `/daily edit`.
[Read] [See status]
""")


async def test_why_in_a_thread_explains_its_channel(harness: ClientHarness) -> None:
    await harness.add_subscription()
    channel: Any = harness.bot.get_channel(harness.channel.id)
    await channel.create_thread(name="talk", type=discord.ChannelType.public_thread)
    (thread,) = harness.channel.threads
    assert shown_text(await _why(harness, FIRST, thread)) == shown_text(await _why(harness, FIRST))


async def test_why_explains_a_limited_number_of_posts(harness: ClientHarness) -> None:
    for hour in range(why.MAX_EXPLAINED + 3):
        await harness.add_subscription(topic="language", at_time=f"{hour:02}:00")
    answer = await _why(harness, FIRST)
    assert harness.texts("and-more", count=3) in shown_text(answer)
    assert FIRST in shown_text(await harness.press(answer, "read"))
    assert harness.texts("status-heading") in shown_text(await harness.press(answer, "see-status"))
