"""Alert messages, from `/alerts add` to delivery, and their buttons."""

from typing import Any

from inline_snapshot import snapshot

from bot.outbox import contents
from storage import models
from tests.support.client_harness import ClientHarness, both_languages, component_ids, shown_text


async def _add(harness: ClientHarness, member: Any = None, **options: Any) -> None:
    """Create an alert with the command and its button."""
    member = member or harness.reader
    preview = await harness.ask("alerts add", by=member, **options)
    made = await harness.press(preview, "alert-create", by=member)
    assert harness.texts("alert-made") in shown_text(made)


KOREAN = (
    "🔔 **알림 조건에 맞는 새 논문 2편** · 2026년 1월 1일\n",
    "\n-# 요약에 “quantization”, 저자 Ada Lovelace\n",
    "\n🔔 **새 논문 2편** · quantization\n",
    "\n-# 한국어 요약이 없어 영어로 보여 드려요\n",
)
"""Sentences whose order and particles are not those of the English ones."""


@both_languages
async def test_alert_messages_match_their_snapshots_in_a_dm_and_a_channel(harness: ClientHarness) -> None:
    text = "It begins with a large robot. Then *post-training* quantization halves its memory. It ends."
    await _add(harness, keyword="quantization")
    await _add(harness, author="lovelace, ada")
    await _add(harness, harness.manager, keyword="quantization", channel=harness.channel)
    await harness.publish("A▲53 B▲5", text)
    await harness.wait(minutes=3)
    [message] = harness.received()
    drawn = harness.screen(message, harness.channel.last_message)
    if harness.texts.locale is models.Locale.KO:
        assert all(line in drawn for line in KOREAN), drawn
        return
    assert drawn == snapshot("""\
🔔 **2 new papers match your alerts** · January 1, 2026
**[Paper 2601.01000](https://arxiv.org/abs/2601.01000)** ▲ 53
-# “quantization” in the summary, author Ada Lovelace
Then post-training **quantization** halves its memory. [Read]
**[Paper 2601.02000](https://arxiv.org/abs/2601.02000)** ▲ 5
-# “quantization” in the summary, author Ada Lovelace
Then post-training **quantization** halves its memory. [Read]
<Pick papers to save: Paper 2601.01000 … 2>
[All the day's papers] [Manage alerts]

🔔 **2 new papers** · quantization
**[Paper 2601.01000](https://arxiv.org/abs/2601.01000)** ▲ 53
-# “quantization” in the summary
Then post-training **quantization** halves its memory. [Read]
**[Paper 2601.02000](https://arxiv.org/abs/2601.02000)** ▲ 5
-# “quantization” in the summary
Then post-training **quantization** halves its memory. [Read]
<Pick papers to save: Paper 2601.01000 … 2>
<Pick papers for our list: Paper 2601.01000 … 2>
[All the day's papers] [Manage alerts]
""")


async def test_buttons_of_a_message_open_the_paper_and_the_alert(harness: ClientHarness) -> None:
    await _add(harness, keyword="로봇")
    await harness.publish(" ".join(f"A{number}▲{40 - number}" for number in range(1, 28)))
    await harness.wait(minutes=3)
    await harness.wait(minutes=1)
    message, rest = harness.received()
    assert shown_text(rest).startswith("🔔 **2 new papers match")
    assert shown_text(message).startswith("🔔 **27 new papers match")
    assert "-# 2 more in the next message" in shown_text(message)
    assert harness.texts("alert-more", count=20) in shown_text(message)
    marker = contents.part_marker(f"alert:user:{harness.reader.id}:2601_01001", 0)
    assert any(marker in custom_id for custom_id in component_ids(message))
    opened = await harness.press(message, custom_id="pr:o:2601.01001", by=harness.user)
    assert "2601.01001" in shown_text(opened)
    everything = await harness.press(
        message, label=harness.texts("alert-show-all", count=27), by=harness.user
    )
    assert "Paper 2601.01020" in shown_text(everything)
    assert "Paper 2601.01027" in shown_text(
        await harness.press(everything, label="Next (2 of 2) ▶", by=harness.user)
    )
    card = await harness.press(message, "alert-manage", by=harness.user)
    assert harness.texts("alert-active") in shown_text(card)
    await _add(harness, keyword="care")
    await harness.publish("B▲9")
    await harness.wait(minutes=3)
    assert harness.texts("save") in shown_text(harness.received()[-1])
    listed = await harness.press(harness.received()[-1], "alert-manage", by=harness.user)
    assert harness.texts("alerts-heading", count=2) in shown_text(listed)
