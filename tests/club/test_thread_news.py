"""News of a thread's paper: one short message for each event, at most three, until its opener stops them."""

from datetime import timedelta
from typing import Any

from bot.features.club.thread_news import ThreadNewsPlanner
from storage import papers
from storage.papers import EventKind, PaperEvent
from tests.club.conftest import Lab, text_of
from tests.support.client_harness import last_response, shown_text

PAPER = "2501.00003"


async def open_thread(lab: Lab) -> tuple[Any, int]:
    """Open a discussion as a reader, and return its thread and the paper's id."""
    await lab.press_on_card(PAPER, "discuss", lab.readers[2])
    await lab.tick()
    await lab.harness.wait(minutes=2)
    await lab.tick()
    [thread] = lab.threads()
    [paper_id] = (await lab.harness.container.database.fetch(papers.get_ids, [PAPER])).values()
    return thread, paper_id


async def happen(lab: Lab, paper_id: int, kind: EventKind, text: str) -> None:
    """Store an event, and plan and send what is due."""
    event = PaperEvent(0, paper_id, kind, text, lab.now)
    await lab.harness.container.database.write(papers.add_events, [event])
    await lab.runtime.workers.services.get(ThreadNewsPlanner).tick(lab.now)
    await lab.tick()


def count_told(lab: Lab, thread: object) -> int:
    return sum("🆕" in text_of(message) for message in lab.messages(thread))


async def test_a_thread_is_told_of_code_and_venues_until_its_opener_stops_that(lab: Lab) -> None:
    thread, paper_id = await open_thread(lab)
    await happen(lab, paper_id, EventKind.CODE, "https://github.com/a/b")
    await happen(lab, paper_id, EventKind.COMMENT, "Accepted to *ICML* @everyone")
    code, comment = [one for one in lab.messages(thread) if "🆕" in text_of(one)]
    assert "https://github.com/a/b" in text_of(code)
    assert "Accepted to \\*ICML\\*" in text_of(comment)
    assert "@everyone" not in text_of(comment)
    texts = lab.harness.texts
    lab.harness.take_roles(lab.readers[3])
    refused = await lab.readers[3].click(code, label=texts("thread-news-stop"))
    assert texts("thread-news-not-yours") in shown_text(last_response(refused))
    stopped = await lab.readers[2].click(code, label=texts("thread-news-stop"))
    assert texts("thread-news-stopped") in shown_text(last_response(stopped))
    await happen(lab, paper_id, EventKind.JOURNAL, "Proceedings")
    assert count_told(lab, thread) == 2


async def test_a_thread_is_told_for_a_year_after_it_was_opened(lab: Lab) -> None:
    thread, paper_id = await open_thread(lab)
    for days, kind in ((364, EventKind.CODE), (2, EventKind.JOURNAL)):
        await lab.harness.env.advance_time(timedelta(days=days).total_seconds())
        await happen(lab, paper_id, kind, "https://github.com/a/b")
        assert count_told(lab, thread) == 1, kind
