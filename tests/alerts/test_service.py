"""The use cases around alerts: settings as they are typed, validation of drafts, changes, and previews."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.alerts import commands as alerts_commands
from bot.alerts import matcher
from bot.alerts import options as alerts_options
from bot.alerts import service as alerts_service
from bot.client.accounts import TOKEN_LENGTH, TextPurpose, TextTokenStore
from bot.client.message_builder import InvalidCustomIdError
from bot.client.router import UserError
from storage import errors, models, outbox
from storage.database import Database
from tests.support import alert_builders, digest_builders, source_payloads
from tests.support.alert_harness import MONDAY, NOW, AlertHarness

both_engines = pytest.mark.engines("sqlite", "postgresql")


@pytest.mark.parametrize(
    ("texts", "fields", "message"),
    [
        ((), {}, "needs a word"),
        (("", "  "), {}, "“” has no letters"),
        (("***",), {}, r"“\*\*\*” has no letters"),
        (("x" * 2000,), {}, "100 characters; this one has 2000"),
        ([f"word{number}" for number in range(50)], {}, "20 terms; this one has 50"),
        (("의",), {}, "only of common words"),
        (("은 는", "에서"), {}, "only of common words"),
        (("of the",), {}, "only of common words"),
        (("University of Science",), {"kind": models.AlertKind.INSTITUTION}, "full name"),
        (("robot",), {"excluded": ["?!"]}, r"“\?!” has no letters"),
        (
            ("robot",),
            {"excluded": [f"word{number}" for number in range(21)]},
            "20 excluded words.* Remove some",
        ),
        (("robot",), {"at_time": "25:00"}, "HH:MM"),
        (("robot",), {"timezone": "Mars/Olympus"}, "time zone"),
    ],
)
def test_a_draft_that_cannot_work_is_refused_with_what_to_change(
    texts: list[str], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.UsageError, match=message):
        alerts_service.validate_alert(alert_builders.draft(*texts, **fields))


def test_equal_drafts_have_the_same_key() -> None:
    first = alerts_service.validate_alert(
        alert_builders.draft("Language  Model", "로봇", "로봇 ", match_all=True, excluded=("beam", "Car"))
    )
    second = alert_builders.draft("로봇", "language model", match_all=True, excluded=("car", "Beam"))
    assert first.terms == ((models.AlertKind.KEYWORD, "Language Model"), (models.AlertKind.KEYWORD, "로봇"))
    assert first.key == alerts_service.validate_alert(second).key
    others = [
        alert_builders.draft("로봇", "language model", excluded=("car", "Beam")),
        alert_builders.draft("로봇", "language model", match_all=True, excluded=("car",)),
        alert_builders.draft("로봇", "language model", kind=models.AlertKind.AUTHOR, match_all=True),
    ]
    assert len({first.key, *(alerts_service.validate_alert(other).key for other in others)}) == 4


@both_engines
async def test_resuming_alerts_has_their_refused_messages_tried_at_once(alert_harness: AlertHarness) -> None:
    alert_id = await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    await alert_harness.refuse_messages()
    async with alert_harness.database.read() as connection:
        assert await outbox.list_due(connection, alert_harness.now) == []
    await alert_harness.alerts.resume(alert_id)
    async with alert_harness.database.read() as connection:
        assert len(await outbox.list_due(connection, alert_harness.now)) == 1


async def test_an_equal_alert_and_one_too_many_are_refused(alert_harness: AlertHarness) -> None:
    first = await alert_harness.add_alert("Diffusion")
    with pytest.raises(errors.DuplicateError, match=f"already exists: alert {first}"):
        await alert_harness.add_alert("diffusion ")
    for number in range(alerts_service.MAX_ALERTS - 1):
        await alert_harness.add_alert(f"word{number}x")
    with pytest.raises(errors.UsageError, match="25"):
        await alert_harness.add_alert("one more")


@both_engines
async def test_two_presses_at_once_add_one_alert(alert_harness: AlertHarness) -> None:
    presses = (alert_harness.add_alert("diffusion") for _ in range(4))
    outcomes = await asyncio.gather(*presses, return_exceptions=True)
    assert sum(isinstance(outcome, errors.DuplicateError) for outcome in outcomes) == 3
    assert len(await alert_harness.alerts.list_rows(user_id=7)) == 1


@both_engines
async def test_a_changed_alert_matches_what_it_says_now(alert_harness: AlertHarness) -> None:
    alert_id = await alert_harness.add_alert("speech")
    await alert_harness.add_alert("robot")
    await alert_harness.alerts.pause(alert_id)
    changed = alert_builders.draft("care", "better", match_all=True, excluded=("speech",))
    with pytest.raises(errors.UsageError, match="no longer exists"):
        await alert_harness.alerts.change(alert_id, changed, user_id=8)
    with pytest.raises(errors.DuplicateError):
        await alert_harness.alerts.change(alert_id, alert_builders.draft(" ROBOT"), user_id=7)
    await alert_harness.alerts.change(alert_id, changed, user_id=7)
    stored, _ = await alert_harness.alerts.list_rows(user_id=7)
    assert (stored.id, stored.match_all, stored.paused) == (alert_id, True, True)
    await alert_harness.alerts.resume(alert_id)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5), summary="Of care.")
    assert alert_harness.notified_papers() == [["2601.00001", "2601.00002"]]


async def test_the_preview_counts_the_matches_of_thirty_days(alert_harness: AlertHarness) -> None:
    await alert_harness.store_digest(MONDAY - timedelta(days=20), ("2601.00001", 5), ("2601.00002", 5))
    await alert_harness.store_digest(MONDAY - timedelta(days=2), ("2601.00003", 9), ("2601.00005", None))
    await alert_harness.store_digest(MONDAY - timedelta(days=40), ("2601.00004", 5))
    preview = await alert_harness.alerts.preview(alert_builders.draft("care"))
    assert preview.paper_count == 4
    assert [row.arxiv_id for row in preview.latest] == ["2601.00003", "2601.00005", "2601.00001"]
    preview = await alert_harness.alerts.preview(alert_builders.draft("care", min_votes=6))
    assert [row.arxiv_id for row in preview.latest] == ["2601.00003"]


async def test_a_preview_has_the_papers_of_the_author_and_leaves_excluded_words_out(
    alert_harness: AlertHarness,
) -> None:
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), summary="Of robots.", location="1")
    await alert_harness.store_digest(MONDAY, ("2601.00002", 5), summary="A survey of robots.", location="2")
    for draft, count in (
        (alert_builders.draft("lovelace, ada", kind=models.AlertKind.AUTHOR), 2),
        (alert_builders.draft("Ada Love", kind=models.AlertKind.AUTHOR), 0),
        (alert_builders.draft("robot", excluded=("survey",)), 1),
        (alert_builders.draft("robot", "survey", match_all=True), 1),
    ):
        assert (await alert_harness.alerts.preview(draft)).paper_count == count, draft


async def test_a_preview_counts_the_latest_papers_of_a_frequent_word(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts_service, "MAX_FOUND", 5)
    for number in range(1, 9):
        on = MONDAY - timedelta(days=number)
        await alert_harness.store_digest(on, (f"2601.{number:05}", number))
    preview = await alert_harness.alerts.preview(alert_builders.draft("care"))
    assert (preview.paper_count, preview.latest[0].arxiv_id) == (5, "2601.00001")


@both_engines
async def test_a_korean_alert_finds_papers_of_an_english_list_and_the_preview_names_the_related_terms(
    alert_harness: AlertHarness,
) -> None:
    """Where Hugging Face is the only source, no text is Korean."""
    listed = source_payloads.listing_text(MONDAY, ["2601.00001"], title="Offline Reinforcement Learning")
    await alert_harness.store_text(listed, "huggingface")
    preview = await alert_harness.alerts.preview(alert_builders.draft("강화 학습"))
    assert preview.paper_count == 1
    assert "reinforcement learning" in preview.related
    alert_harness.now += timedelta(minutes=1)
    await alert_harness.add_alert("강화학습")
    other = source_payloads.listing_text(MONDAY, ["2601.00002"], title="Reinforcement learning at scale")
    await alert_harness.store_text(other, "another list")
    await alert_harness.plan()
    assert alert_harness.notified_papers() == [["2601.00002"]]
    (reason,) = alert_harness.renderer.alerts[0].matches[0].reasons
    assert (reason.text.lower(), reason.found_in) == ("reinforcement learning", matcher.MatchField.TITLE)


@both_engines
async def test_an_institution_is_followed_in_either_language(alert_harness: AlertHarness) -> None:
    for user_id, name in ((1, "카이스트"), (2, "A Lab"), (3, "서울대")):
        await alert_harness.add_alert(name, user_id=user_id, kind=models.AlertKind.INSTITUTION)
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5))
    await digest_builders.add_facts(
        alert_harness.database,
        models.PaperFacts("2601.00001", "huggingface", "u", NOW, organization="KAIST AI"),
        models.PaperFacts("2601.00002", "arxiv", "u", NOW, affiliations=("x", "A Lab, SNU")),
    )
    await alert_harness.plan()
    assert await alert_harness.list_recipients() == [1, 2, 3]
    (match,) = alert_harness.renderer.alerts[0].matches
    (reason,) = match.reasons
    assert (reason.text, reason.found_in) == ("KAIST AI", matcher.MatchField.INSTITUTION)


async def test_a_token_that_is_gone_or_not_a_drafts_is_an_outdated_component(sqlite_db: Database) -> None:
    tokens = TextTokenStore(sqlite_db, lambda: NOW)
    with pytest.raises(UserError, match="outdated-control"):
        await alerts_commands.load_draft(tokens, "0" * TOKEN_LENGTH)
    for text in ("a long topic", "[]", '{"id":1}'):
        token = await tokens.save(7, TextPurpose.ALERT, text)
        with pytest.raises(InvalidCustomIdError):
            await alerts_commands.load_draft(tokens, token)


@pytest.mark.parametrize(
    ("typed", "items"),
    [
        ("강화 학습, diffusion", ["강화 학습", "diffusion"]),
        (" one ,, two,\n", ["one", "two"]),
        ("Doe, Jane; Roe, Ann", ["Doe, Jane", "Roe, Ann"]),
        ("로봇，확산、언어", ["로봇", "확산", "언어"]),
        (" , ;\n", []),
    ],
)
def test_items_are_separated_by_commas_or_semicolons(typed: str, items: list[str]) -> None:
    assert alerts_options.split_items(typed) == items
    assert alerts_options.split_items(alerts_options.join_items(items)) == items


@pytest.mark.parametrize(
    ("draft", "wider"),
    [
        (alert_builders.draft("care", min_votes=50), alert_builders.draft("care")),
        (
            alert_builders.draft('"강화 학습"', "zeta", match_all=True),
            alert_builders.draft("강화", "학습", "zeta"),
        ),
        (alert_builders.draft("better zeta"), alert_builders.draft("better", "zeta")),
        (alert_builders.draft("zeta"), None),
    ],
)
async def test_a_preview_without_a_match_offers_the_nearest_wider_alert_that_has_some(
    alert_harness: AlertHarness, draft: models.Alert, wider: models.Alert | None
) -> None:
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), summary="학습에 쓴다.")
    preview = await alert_harness.alerts.preview(draft)
    assert preview.paper_count == 0
    if wider is None:
        assert preview.wider is None
    else:
        assert preview.wider is not None
        assert (preview.wider.terms, preview.wider.match_all) == (wider.terms, False)
        assert preview.wider_count == 1
