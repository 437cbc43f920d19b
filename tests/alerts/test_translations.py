"""Forms of an alert's words in the other language: those that look-ups show."""

from __future__ import annotations

from datetime import timedelta

from bot.alerts import matcher
from bot.search import glossary as search_glossary
from bot.search import query as search_query
from storage import models, search
from tests.support import alert_builders
from tests.support.alert_harness import MONDAY, NOW, AlertHarness

TWICE = "We use reinforcement learning. Reinforcement learning helps."


async def test_an_alert_finds_papers_about_its_topic_in_the_other_language(
    alert_harness: AlertHarness,
) -> None:
    for user_id, translated in ((1, True), (2, False)):
        await alert_harness.alerts.add(
            alert_builders.draft("강화 학습", user_id=user_id, translations=translated)
        )
    draft = alert_builders.draft("강화 학습", "robot", match_all=True, translations=True)
    await alert_harness.alerts.add(draft)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), summary=TWICE)
    assert await alert_harness.list_recipients() == [1]
    await alert_harness.add_digest(
        MONDAY, ("2601.00002", 5), summary="It mentions reinforcement learning.", location="b"
    )
    assert await alert_harness.list_recipients() == [1]
    await alert_harness.add_digest(
        MONDAY, ("2601.00003", 5), summary=f"{TWICE} Robots. A robot.", location="c"
    )
    assert sorted(map(int, filter(None, await alert_harness.list_recipients()))) == [1, 1, 7]


async def test_the_forms_are_those_that_a_look_up_shows(alert_harness: AlertHarness) -> None:
    service = search_glossary.GlossaryService(alert_harness.database)
    async with alert_harness.database.read() as connection:
        glossary = await service.get_current(connection)
    for text in ("강화 학습", "LLM", "diffusion model", "word of no glossary", "LLM 환각"):
        alert = alert_builders.draft(text, "강화 학습", translations=True)
        forms, _ = matcher.list_forms(glossary, alert)
        expanded = search_query.expand_query(glossary, text)
        shown = search_query.added_forms(expanded)
        assert {form for form, *_ in forms} <= set(shown)
        if len(expanded.segments) == 1:
            assert [form for form, *_ in forms] == list(shown)[: matcher.MAX_FORMS]
    author = alert_builders.draft("RL", kind=models.AlertKind.AUTHOR, translations=True)
    assert matcher.list_forms(glossary, author) == ((),)


async def test_a_new_glossary_replaces_the_forms_of_stored_alerts(alert_harness: AlertHarness) -> None:
    await alert_harness.alerts.add(alert_builders.draft("강화 학습", translations=True))
    await alert_harness.alerts.add(alert_builders.draft("robot", user_id=8))
    assert await matcher.rebuild_if_outdated(alert_harness.database) == 2
    assert await matcher.rebuild_if_outdated(alert_harness.database) == 0
    async with alert_harness.database.transaction() as connection:
        await search.save(connection, NOW + timedelta(days=1), 0, "{}")
    assert await matcher.rebuild_if_outdated(alert_harness.database) == 1
