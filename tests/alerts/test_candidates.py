"""Retrieval by alert terms gives what comparing every alert with every paper gives, on both engines."""

from __future__ import annotations

import asyncio
import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alerts import matcher
from storage import alerts, models, papers
from tests.support import alert_builders, digest_builders
from tests.support.alert_harness import MONDAY, NOW, AlertHarness

_WORDS = st.sampled_from(
    [
        "language model",
        "Language-Models",
        "languagemodel",
        "강화 학습",
        "강화학습을",
        "LLM",
        "LLM의 추론",
        "추론",
        "로봇",
        "care",
    ]
)
_TERMS = st.one_of(
    _WORDS.map(lambda text: models.AlertTerm(models.AlertKind.KEYWORD, text)),
    st.sampled_from(["Kim, Min-jun", "김민준", "Lovelace Ada", "Someone Else"]).map(
        lambda text: models.AlertTerm(models.AlertKind.AUTHOR, text)
    ),
    st.sampled_from(["카이스트", "KAIST", "A Lab"]).map(
        lambda text: models.AlertTerm(models.AlertKind.INSTITUTION, text)
    ),
    st.integers(1, 25).map(lambda number: models.AlertTerm(models.AlertKind.PAPER, f"2601.{number:05}")),
)
_ALERTS = st.lists(
    st.builds(
        lambda terms, match_all, excluded, translations, language: alert_builders.draft(
            terms=tuple(dict.fromkeys(terms)),
            match_all=match_all,
            excluded=tuple(excluded),
            translations=translations,
            language=language,
        ),
        st.lists(_TERMS, min_size=1, max_size=3),
        st.booleans(),
        st.lists(_WORDS, max_size=1),
        st.booleans(),
        st.sampled_from([None, *models.Locale]),
    ),
    min_size=1,
    max_size=6,
)


async def test_retrieval_finds_what_a_naive_matcher_finds(alert_harness: AlertHarness) -> None:
    numbers = itertools.count(1)
    loop = asyncio.get_running_loop()

    async def check(drafts: list[models.Alert], summary: list[str], organization: str) -> None:
        arxiv_id = f"2601.{next(numbers):05}"
        stored = []
        async with alert_harness.database.transaction() as connection:
            await alerts.remove(connection, [alert.id for alert in await alerts.list_rows(connection)])
            for user_id, draft in enumerate(drafts, 1):
                # The service's forms, without its validation: what it refuses must not break the matching either.
                forms = tuple(
                    (("reinforcement learning",),) if draft.translations else () for _ in draft.terms
                )
                alert = alert_builders.draft(
                    user_id=user_id, terms=draft.terms, forms=forms, match_all=draft.match_all,
                    excluded=draft.excluded, language=draft.language, key=str(user_id),
                )  # fmt: skip
                stored.append(await alerts.add(connection, alert, matcher.alert_terms(alert)))
        text = digest_builders.newsletter(MONDAY, [(arxiv_id, 5)], text=" ".join(summary))
        await digest_builders.ingest_digest(alert_harness.database, text, at=NOW, location=arxiv_id)
        fact = models.PaperFacts(arxiv_id, "huggingface", "u", NOW, organization=organization)
        await digest_builders.add_facts(alert_harness.database, fact)
        async with alert_harness.database.read() as connection:
            ids = await papers.get_ids(connection, [arxiv_id])
            (detail,) = await papers.list_details(connection, list(ids.values()))
        keywords = matcher.keyword_text(detail)
        expected = {alert.id for alert in stored if matcher.match(alert, detail, keywords)}
        source = matcher.AlertTermSource(alert_harness.database, matcher.PaperTexts(alert_harness.database))
        found = [own async for _, own in source.iterate(list(ids.values()), None)]
        assert expected <= {alert_id for own in found for alert_id, _, _ in own}
        by_id = {alert.id: alert for alert in stored}
        decided = {
            alert_id
            for own in found
            for alert_id, term, _ in own
            if matcher.is_decided(by_id[alert_id], term)
        }
        assert decided <= expected

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        _ALERTS,
        st.lists(_WORDS | st.just("Reinforcement learning."), max_size=4),
        st.sampled_from(["KAIST AI", "x"]),
    )
    def run(drafts: list[models.Alert], summary: list[str], organization: str) -> None:
        asyncio.run_coroutine_threadsafe(check(drafts, summary, organization), loop).result()

    await asyncio.to_thread(run)
