"""The preview of an alert says what comparing it with every recent paper says, also after papers changed."""

from __future__ import annotations

from datetime import timedelta

from bot.alerts import matcher
from bot.alerts import service as alerts_service
from bot.alerts.service import PREVIEW_DAYS
from bot.daily import choice
from storage import models, papers
from tests.support import alert_builders, digest_builders
from tests.support.alert_harness import AUTHOR, KEYWORD, MONDAY, NOW, AlertHarness

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


async def test_a_preview_finds_what_a_naive_matcher_finds(alert_harness: AlertHarness) -> None:
    for number, summary in enumerate(_SUMMARIES):
        votes = [(f"2601.{number}000{paper}", 4 + number + paper) for paper in range(3)]
        await alert_harness.store_digest(
            MONDAY - timedelta(days=9 * number), *votes, summary=summary, location=str(number)
        )
    await _compare(alert_harness)
    fact = models.PaperFacts("2601.20001", "huggingface", "u", NOW, organization="KAIST AI")
    await digest_builders.add_facts(alert_harness.database, fact)
    changed = digest_builders.newsletter(
        MONDAY, [("2601.00000", 9), ("2601.00001", 3)], text="로봇 없는 language model."
    )
    await alert_harness.store_text(changed, "0")
    assert await _compare(alert_harness) > 0


async def _compare(harness: AlertHarness) -> int:
    """Compare all previews with all papers; returns the number of matches."""
    async with harness.database.read() as connection:
        since_on = (harness.now - timedelta(days=PREVIEW_DAYS)).date()
        recent = await papers.list_top(connection, since_on=since_on, limit=100)
        details = await papers.list_details(connection, [row.id for row in recent])
    total = 0
    for draft in _DRAFTS:
        alert = alerts_service.validate_alert(draft)
        expected = [
            paper
            for paper in details
            if choice.meets_minimum(paper.votes, alert.min_votes)
            and matcher.match(alert, paper, matcher.keyword_text(paper))
        ]
        expected.sort(key=lambda paper: paper.last_on, reverse=True)
        preview = await harness.alerts.preview(draft)
        assert preview.paper_count == len(expected), draft
        assert [paper.id for paper in preview.latest] == [paper.id for paper in expected[:3]], draft
        total += len(expected)
    return total
