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
from bot.alerts.service import PREVIEW_DAYS
from bot.client.accounts import TOKEN_LENGTH, TextPurpose, TextTokenStore
from bot.client.message_builder import InvalidCustomIdError
from bot.client.router import UserError
from bot.text import keywords
from storage import errors, models, outbox, papers, search, snapshot
from storage.database import Database
from tests.support import alert_builders, digest_builders
from tests.support.alert_harness import AUTHOR, KEYWORD, MONDAY, NOW, AlertHarness

both_engines = pytest.mark.engines("sqlite", "postgresql")


@pytest.mark.parametrize(
    ("texts", "fields", "message"),
    [
        ((), {}, "needs a word"),
        (("", "  "), {}, "“” has no letters"),
        (("***",), {}, r"“\*\*\*” has no letters"),
        (("ﷺ ㎯",), {}, "has no letters"),
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
        (("Robots",), {"excluded": ["robot"]}, "Nothing can match"),
        (("로봇 팔", "로봇팔"), {"excluded": ["로봇"]}, "Nothing can match"),
        (("robot", "speech"), {"excluded": ["speech"], "match_all": True}, "Nothing can match"),
        (("robot",), {"min_votes": -1}, "from 0"),
        (("robot",), {"max_papers": 0}, "from 1 to"),
        (("robot",), {"weekday": 8}, "weekday"),
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
        alert_builders.draft(
            "로봇", "language model", match_all=True, excluded=("car", "Beam"), translations=True
        ),
        alert_builders.draft("로봇", "language model", kind=models.AlertKind.AUTHOR, match_all=True),
    ]
    assert len({first.key, *(alerts_service.validate_alert(other).key for other in others)}) == 5


def test_one_term_that_an_exclusion_kills_does_not_kill_the_alert() -> None:
    draft = alert_builders.draft("robot arm", "speech", excluded=("robot",))
    assert alerts_service.validate_alert(draft).excluded == ("robot",)


@both_engines
async def test_resuming_alerts_has_their_refused_messages_tried_at_once(alert_harness: AlertHarness) -> None:
    alert_id = await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    async with alert_harness.database.transaction() as connection:
        (due,) = await outbox.list_due(connection, alert_harness.now)
        await outbox.mark_sending(connection, [due.part.id], alert_harness.now)
        await outbox.mark_retry(
            connection,
            due.part.id,
            next_attempt_at=alert_harness.now + timedelta(hours=1),
            unknown_since=None,
            error="dms-closed",
            is_refused=True,
        )
    assert await alert_harness.alerts.resume([alert_id], user_id=8) == 0
    async with alert_harness.database.read() as connection:
        assert await outbox.list_due(connection, alert_harness.now) == []
    assert await alert_harness.alerts.resume([alert_id], user_id=7) == 1
    async with alert_harness.database.read() as connection:
        assert len(await outbox.list_due(connection, alert_harness.now)) == 1


async def test_an_equal_alert_and_a_fifty_first_are_refused(alert_harness: AlertHarness) -> None:
    first = await alert_harness.add_alert("Diffusion")
    with pytest.raises(errors.DuplicateError, match=f"already exists: alert {first}"):
        await alert_harness.add_alert("diffusion ")
    for number in range(49):
        await alert_harness.add_alert(f"word{number}x")
    with pytest.raises(errors.UsageError, match="50"):
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
    other_id = await alert_harness.add_alert("robot")
    await alert_harness.alerts.snooze([alert_id])
    changed = alert_builders.draft("care", "better", match_all=True, excluded=("speech",))
    with pytest.raises(errors.UsageError, match="no longer exists"):
        await alert_harness.alerts.change(alert_id, changed, user_id=8)
    with pytest.raises(errors.DuplicateError):
        await alert_harness.alerts.change(alert_id, alert_builders.draft(" ROBOT"), user_id=7)
    await alert_harness.alerts.change(alert_id, changed, user_id=7)
    stored, _ = await alert_harness.alerts.list_rows(user_id=7)
    assert (stored.id, stored.match_all, stored.paused_until_at is not None) == (alert_id, True, True)
    assert (await alert_harness.alerts.preview(changed)).existing == stored
    await alert_harness.alerts.resume([alert_id, other_id])
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5), summary="Of care.")
    assert alert_harness.notified_papers() == [["2601.00001", "2601.00002"]]


async def test_the_preview_counts_the_matches_of_thirty_days(alert_harness: AlertHarness) -> None:
    await alert_harness.add_digest(MONDAY - timedelta(days=20), ("2601.00001", 5), ("2601.00002", 5))
    await alert_harness.add_digest(MONDAY - timedelta(days=2), ("2601.00003", 5))
    await alert_harness.add_digest(MONDAY - timedelta(days=40), ("2601.00004", 5))
    draft = alert_builders.draft("with care")
    preview = await alert_harness.alerts.preview(draft)
    assert (preview.paper_count, preview.max_per_day, preview.existing) == (3, 2, None)
    assert preview.latest[0].arxiv_id == "2601.00003"
    assert preview.is_complete


async def test_of_more_text_than_a_preview_compares_the_most_voted_papers_are_prepared_once(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(f"2601.{number:05}", 200 - number) for number in range(1, 161)]
    await alert_harness.add_digest(MONDAY - timedelta(days=2), *rows)
    prepared: list[str] = []

    def keyword_text(paper: models.PaperDetail) -> keywords.KeywordText:
        prepared.append(paper.arxiv_id)
        return original(paper)

    original = matcher.keyword_text
    monkeypatch.setattr(matcher, "keyword_text", keyword_text)
    monkeypatch.setattr(alerts_service, "MAX_CHARACTERS", 1)
    draft = alert_builders.draft("with care")
    for _ in range(2):
        preview = await alert_harness.alerts.preview(draft)
        assert 0 < preview.paper_count < len(rows)
        assert not preview.is_complete
        assert prepared == [arxiv_id for arxiv_id, _ in rows[: preview.paper_count]]


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_preview_looks_at_the_texts_of_no_more_papers_than_it_can_compare(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(f"2601.{number:05}", None if number < 3 else number) for number in range(1, 9)]
    await alert_harness.add_digest(MONDAY - timedelta(days=2), *rows)
    found = []
    for most in (5, 8, 9):
        monkeypatch.setattr(alerts_service, "MAX_COMPARED", most)
        preview = await alert_harness.alerts.preview(alert_builders.draft("with care"))
        found.append((preview.paper_count, preview.latest[0].arxiv_id, preview.is_complete))
    assert found == [(5, "2601.00008", False), (8, "2601.00008", False), (8, "2601.00008", True)]


async def test_only_the_owner_can_remove_an_alert(alert_harness: AlertHarness) -> None:
    alert_id = await alert_harness.add_alert("care")
    assert await alert_harness.alerts.remove([alert_id], user_id=8) == 0
    assert await alert_harness.alerts.remove([alert_id], user_id=7) == 1


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
    ((_, (reason,)),) = alert_harness.renderer.alerts[0].matches
    assert (reason.text, reason.found_in) == ("KAIST AI", matcher.MatchField.INSTITUTION)
    assert await alert_harness.alerts.list_institutions("ka") == ["KAIST", "KAIST AI", "Kakao", "KAUST"]


_TERMS = tuple(
    models.AlertTerm(kind, text)
    for kind, text in (
        (KEYWORD, "language model"),
        (KEYWORD, "강화학습"),
        (KEYWORD, "로봇"),
        (AUTHOR, "Ada Lovelace"),
        (models.AlertKind.INSTITUTION, "카이스트"),
    )
)
_DRAFTS = (
    *(alert_builders.draft(terms=(term,)) for term in _TERMS),
    alert_builders.draft(terms=_TERMS[:3], match_all=True),
    alert_builders.draft(terms=_TERMS, excluded=("robots",)),
    alert_builders.draft(terms=_TERMS, min_votes=6),
    alert_builders.draft(terms=_TERMS, language=models.Locale.KO),
    alert_builders.draft(terms=_TERMS[:2], language=models.Locale.EN),
)
_SUMMARIES = (
    "Language models for robots.",
    "강화 학습을 쓰는 로봇.",
    "Nothing of it.",
    "A language-model and 강화학습, 로봇.",
)


@both_engines
async def test_a_preview_finds_what_a_naive_matcher_finds(alert_harness: AlertHarness) -> None:
    for number, summary in enumerate(_SUMMARIES):
        votes = [(f"2601.{number}000{paper + 1}", 4 + number + paper) for paper in range(3)]
        await alert_harness.store_digest(
            MONDAY - timedelta(days=9 * number), *votes, summary=summary, location=str(number)
        )
    await _compare(alert_harness)
    fact = models.PaperFacts("2601.20001", "huggingface", "u", NOW, organization="KAIST AI")
    await digest_builders.add_facts(alert_harness.database, fact)
    changed = digest_builders.newsletter(
        MONDAY, [("2601.00001", 9), ("2601.00002", 3)], text="로봇 없는 language model."
    )
    await alert_harness.store_text(changed, "0")
    assert await _compare(alert_harness) > 0


async def _compare(harness: AlertHarness) -> int:
    """Compare all previews with all papers; returns the number of matches."""
    async with harness.database.read() as connection:
        since_on = (harness.now - timedelta(days=PREVIEW_DAYS)).date()
        recent = await snapshot.read(connection, search.list_top, search.Filters(since_on), limit=100)
        details = await papers.list_details(connection, [row.id for row in recent])
    total = 0
    for draft in _DRAFTS:
        alert = alerts_service.validate_alert(draft)
        expected = [
            paper
            for paper in details
            if models.meets_minimum(paper.votes, alert.min_votes)
            and matcher.match(alert, paper, matcher.keyword_text(paper))
        ]
        expected.sort(key=lambda paper: paper.last_on, reverse=True)
        preview = await harness.alerts.preview(draft)
        assert preview.paper_count == len(expected), draft
        assert [paper.id for paper in preview.latest] == [paper.id for paper in expected[:3]], draft
        total += len(expected)
    return total


async def test_a_token_that_is_gone_or_not_a_drafts_is_an_outdated_component(sqlite_db: Database) -> None:
    tokens = TextTokenStore(sqlite_db, lambda: NOW)
    with pytest.raises(UserError, match="outdated-control"):
        await alerts_commands.load_draft(tokens, "0" * TOKEN_LENGTH)
    for text in ("a long topic", "[]", '{"id":1}'):
        token = await tokens.save(7, TextPurpose.ALERT, text)
        with pytest.raises(InvalidCustomIdError):
            await alerts_commands.load_draft(tokens, token)


def test_a_form_keeps_the_papers_of_an_alert_which_have_no_field() -> None:
    paper = models.AlertTerm(models.AlertKind.PAPER, "2505.04321")
    draft = alert_builders.draft(terms=(paper, models.AlertTerm(models.AlertKind.KEYWORD, "old")))
    word = models.AlertTerm(models.AlertKind.KEYWORD, "robots")
    assert alerts_options.apply_conditions(draft, {"keyword": "robots"}).terms == (word, paper)


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
