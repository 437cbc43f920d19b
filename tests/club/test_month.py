"""A month of a club with four meetings, six readers and two outages."""

from datetime import datetime
from itertools import pairwise

from storage import models, outbox
from tests.club.conftest import DAY, MEETS, MINUTE, Lab, answers, text_of
from tests.support.client_harness import shown_text

FIRST = MEETS - 7 * DAY
"""The Friday two days after the club is set up, too soon for a vote."""


async def test_each_club_step_in_a_month_happens_once(lab: Lab) -> None:
    harness = lab.harness
    answer = await lab.set_up_in(harness.channel)
    assert "Fridays at 5:00 PM" in answer
    assert not lab.polls()
    await lab.press_on_card("2501.00004", "list-add", lab.readers[0])
    await lab.press_on_card("2501.00005", "list-add", lab.readers[1])
    card = await harness.ask("paper", by=lab.readers[1], paper="2501.00005")
    listed = await harness.press(card, "list-has", by=lab.readers[1])
    assert "Taken off" in shown_text(await harness.press(listed, "list-remove", by=lab.readers[1]))
    await lab.wait(MINUTE)
    assert "Opening" in await lab.press_on_card("2501.00003", "discuss", lab.readers[2])
    await lab.tick()
    [discussion] = lab.threads()
    assert discussion.name == "Speech without a Score"
    assert "already has a discussion" in await lab.press_on_card("2501.00003", "discuss", lab.readers[3])
    await lab.tick()
    assert len(lab.threads()) == 1

    meetings = [FIRST + number * 7 * DAY for number in range(5)]
    chosen = []
    for number, (begins, meets) in enumerate(pairwise(meetings)):
        await lab.until(begins - 20 * MINUTE)
        if number:
            await lab.add_day((f"2602.0000{number}", 30 + number), (f"2602.0001{number}", 20))
        lab.is_away = number == 2  # when the vote should begin
        await lab.until(begins)
        lab.is_away = False
        await lab.until(begins + (DAY if number == 2 else MINUTE))
        assert len(lab.polls()) == number + 1
        poll = lab.polls()[-1]
        titles = answers(poll)
        if number == 0:
            assert titles[:2] == ["Maps for Robots", "Speech without a Score"], "on the list, then discussed"
            assert len(titles) == 5
        for reader in lab.readers[:3]:
            await reader.set_poll_votes(poll, answers=[2])
        await lab.readers[3].set_poll_votes(poll, answers=[1])
        chosen.append(titles[1])
        await lab.until(meets - 2 * DAY - MINUTE)
        assert len(lab.events()) == number
        lab.is_away = number == 3  # when the vote ends
        await lab.until(meets - 2 * DAY + MINUTE)
        lab.is_away = False
        await lab.until(meets - DAY)
        assert len(lab.events()) == number + 1
        assert datetime.fromisoformat(lab.events()[-1].scheduled_start_time) == meets
        await lab.until(meets - 59 * MINUTE)
        await lab.until(meets - 30 * MINUTE)
    assert lab.thread_names() == chosen, "the discussed paper won the first vote"
    assert (len(lab.events()), len(lab.polls())) == (4, 4)
    for thread in lab.threads():
        reminders = ["The meeting about this paper" in text_of(message) for message in lab.messages(thread)]
        assert sum(reminders) == 1

    reader = lab.readers[0]
    read, to_read = [
        shown_text(await harness.ask("saved", by=reader, tag=tag, list="server"))
        for tag in ("read", "unread")
    ]
    assert ("Speech without a Score" in read, "Maps for Robots" in read) == (True, False)
    assert f"in the club on {harness.texts.format_date(meetings[1].date())}" in read
    assert f"[discussed](https://discord.com/channels/{harness.guild.id}/{discussion.id})" in read
    assert ("Speech without a Score" in to_read, "Maps for Robots" in to_read) == (False, True)
    card = await harness.ask("paper", by=reader, paper="2501.00003")
    await harness.press(card, "save", by=reader)
    card = await harness.ask("paper", by=reader, paper="2501.00001")
    await harness.press(card, "save", by=reader)
    card = await harness.ask("paper", by=reader, paper="2501.00003")
    assert "Mark as unread" in shown_text(await harness.press(card, "club-read", by=reader))
    unread = shown_text(await harness.ask("saved", by=reader, tag="unread"))
    assert ("Speech" in unread, "Small Language" in unread) == (False, True)
    assert "#unread · 1" in shown_text(await harness.ask("saved", by=reader))
    shown = shown_text(await harness.ask("club list", by=lab.readers[5]))
    assert shown.count("[discussion]") == 4
    assert "read by 1 member" in shown
    assert reader.user.name not in shown
    assert "Speech" in shown_text(await harness.ask("saved", by=reader, tag="read"))
    states = {row.state for row in await lab.harness.container.database.fetch(outbox.list_rows)}
    assert models.DeliveryState.STOPPED not in states
