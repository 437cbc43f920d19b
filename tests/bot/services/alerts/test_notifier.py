"""Alerts raised by fresh and corrected digests, on both engines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.services.posts import contents
from storage import digests, models
from storage.outbox import attempts, queries
from tests.support.alert_harness import AUTHOR, KEYWORD, MONDAY, NOW, AlertHarness


async def test_a_reader_gets_one_message_per_digest_with_all_reasons(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("강화 학습")
    await alert_harness.add_alert("kim minjun", kind=AUTHOR)
    await alert_harness.add_alert("lovelace, ada", kind=AUTHOR)
    await alert_harness.add_digest(
        MONDAY, ("2601.00001", 5), ("2601.00002", 9), summary="강화학습(RL)을 쓴다."
    )
    assert alert_harness.notified_papers() == [["2601.00002", "2601.00001"]]
    _, reasons = alert_harness.renderer.alerts[0].matches[0]
    assert [(reason.text, reason.found_in) for reason in reasons] == [
        ("강화 학습", contents.MatchField.TEXT),
        ("Kim Min-jun", contents.MatchField.AUTHOR),
        ("Ada Lovelace", contents.MatchField.AUTHOR),
    ]
    async with alert_harness.database.read() as connection:
        planned = await queries.list_rows(connection, user_id=7)
    assert [delivery.kind for delivery in planned] == [models.DeliveryKind.ALERT]
    assert planned[0].priority < models.Priority.SCHEDULED


async def test_a_recipient_is_notified_of_a_paper_once(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    await alert_harness.add_digest(MONDAY, ("2601.00001", 6), ("2601.00002", 1), location="another source")
    assert alert_harness.notified_papers() == [["2601.00001"], ["2601.00002"]]


async def test_papers_added_by_a_correction_raise_alerts(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), location="here")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00003", 2), location="here")
    assert alert_harness.notified_papers() == [["2601.00001"], ["2601.00003"]]


async def test_an_old_digest_raises_no_alerts(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY - timedelta(days=10), ("2601.00001", 5))
    assert alert_harness.notified_papers() == []


async def test_snoozed_alerts_and_papers_with_too_few_votes_are_left_out(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care", min_votes=10)
    snoozed_id = await alert_harness.add_alert("better", user_id=8)
    await alert_harness.alerts.snooze([snoozed_id], user_id=8)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00002", None), ("2601.00003", 10))
    assert alert_harness.notified_papers() == [["2601.00003"]]


async def test_papers_of_an_unsent_expired_alert_raise_an_alert_again(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5))
    await alert_harness.expire(NOW + timedelta(hours=25))
    await alert_harness.add_digest(MONDAY, ("2601.00001", 6), location="another source")
    assert alert_harness.notified_papers()[1:] == [["2601.00001"]]


async def test_papers_of_an_uncertain_expired_alert_raise_none_again(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    async with alert_harness.database.transaction() as connection:
        (due,) = await queries.list_due(connection, NOW)
        await attempts.mark_sending(connection, [due.part.id], NOW)
        await attempts.mark_uncertain(connection, due.part.id, reason="uncertain")
    await alert_harness.expire(NOW + timedelta(hours=25))
    await alert_harness.add_digest(MONDAY, ("2601.00001", 6), location="another source")
    assert len(alert_harness.notified_papers()) == 1


async def test_an_alert_that_fails_to_render_does_not_block_the_digest(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    alert_harness.renderer.is_failing = True
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    async with alert_harness.database.read() as connection:
        assert await digests.list_dates(connection, limit=1) == [MONDAY]
    alert_harness.renderer.is_failing = False
    await alert_harness.add_digest(MONDAY, ("2601.00001", 6), location="another source")
    assert alert_harness.notified_papers() == [["2601.00001"]]


async def test_latin_words_match_on_word_boundaries(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("car")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    assert alert_harness.notified_papers() == []


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("language model", "Of large-language models."),
        ("gpt-4o", "It asks GPT4o."),
        ("fine-tuning", "모델을 Finetuning 한다."),
        ("fine-tuning", "After fine tuning, it works."),
        ("finetuning", "A fine-tuned one."),
        ("강화학습", "강화 학습으로 배운다."),
        ("언어 모델", "대규모언어모델을 쓴다."),
        ("LLMs", "LLM을 쓴다."),
        ("RL fine-tuning", "RL finetuned"),
    ],
)
async def test_a_keyword_matches_its_written_variants_as_its_preview_says(
    alert_harness: AlertHarness, text: str, summary: str
) -> None:
    await alert_harness.add_alert(text)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), summary=summary)
    assert alert_harness.notified_papers() == [["2601.00001"]]
    assert (await alert_harness.alerts.preview(KEYWORD, text))[0] == 1


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("reinforcement learning", "강화 학습(RL)을 쓴다."),
        ("RAG", "Storage of fragments."),
        ("화학", "강화 학습을 쓴다."),
        ("gpt-4", "It asks GPT-4o."),
    ],
)
async def test_a_keyword_matches_neither_other_words_nor_its_concept(
    alert_harness: AlertHarness, text: str, summary: str
) -> None:
    await alert_harness.add_alert(text)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), summary=summary)
    assert alert_harness.notified_papers() == []
    assert (await alert_harness.alerts.preview(KEYWORD, text))[0] == 0


async def test_every_reader_is_notified_when_there_are_many(alert_harness: AlertHarness) -> None:
    for user_id in range(1, 41):
        await alert_harness.add_alert("care" if user_id % 2 else "cares", user_id=user_id)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5))
    assert len(alert_harness.notified_papers()) == 40
    assert all(len(arxiv_ids) == 2 for arxiv_ids in alert_harness.notified_papers())
