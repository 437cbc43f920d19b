"""Matching: names, forms of the other language, and retrieval by alert terms, which finds what a naive matcher finds."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import fields, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alerts import matcher
from bot.outbox import contents
from bot.search import glossary as search_glossary
from bot.search import query as search_query
from bot.text import analyser, people
from storage import alerts, key_values, models, papers, search_index
from tests.support import alert_builders, digest_builders, paper_records
from tests.support.alert_harness import AUTHOR, MONDAY, NOW, AlertHarness


@given(
    st.sampled_from(["Jürgen Müller-Lüdenscheid", "Kim Min-jun", "Søren Ågård", "王 小明", "O'Neil, Ann"]),
    st.randoms(),
)
def test_all_spellings_of_a_name_share_one_alert_term(name: str, rng: random.Random) -> None:
    words = name.replace(",", "").split()
    rng.shuffle(words)
    typed = " ".join(words)
    for change in (
        str.upper,
        analyser.fold_name,
        analyser.fold_name_german,
        lambda text: text.replace("-", ""),
    ):
        spelling = change(typed)
        assert matcher.name_variants(spelling) & matcher.name_variants(name)
        terms = matcher.author_alert_terms(name)
        assert matcher.text_alert_terms(AUTHOR, spelling) <= terms


@pytest.mark.parametrize(
    ("followed", "author"),
    [
        ("박건우", "Gunwoo Park"),
        ("박건우", "Geon-Woo Pak"),
        ("Gunwoo Park", "박건우"),
        ("유세진", "Sejin Ryu"),
    ],
)
def test_a_hangul_name_and_its_spellings_trigger_each_others_alerts(followed: str, author: str) -> None:
    terms = matcher.author_alert_terms(author)
    assert matcher.text_alert_terms(AUTHOR, followed) <= terms


_MERGED = paper_records.merged_paper(1)
PAPER = models.PaperDetail(
    **{of.name: getattr(_MERGED, of.name) for of in fields(_MERGED)}, id=1, appearances=()
)
_HANGUL = [
    "박건우",
    "유세진",
    "남궁 민",
    "김 규",
    "건우-박",
    "박 건우",
    "한규근",
    "정하",
    "하 정",
    "김건우 교수님",
]
_LATIN = [
    "Gunwoo Park",
    "Geon-Woo Pak",
    "Park, Gun Woo",
    "Sejin Ryu",
    "Hanqkeun",
    "Qgeun Han",
    "G Park",
    "Ha Jung",
]
_OTHER = [
    "Jürgen Müller-Lüdenscheid",
    "Juergen Muellerludenscheid",
    "王 小明",
    "O'Neil, Ann",
    "ann oneil",
    "@@",
    "",
]


@settings(max_examples=300)
@given(
    st.text(alphabet="박건우김민수규유세진", min_size=1, max_size=5)
    | st.sampled_from(_HANGUL + _LATIN + _OTHER),
    st.lists(st.sampled_from(_HANGUL + _LATIN + _OTHER), max_size=8),
    st.randoms(),
)
def test_an_author_is_found_as_by_comparing_each_one(
    followed: str, others: list[str], rng: random.Random
) -> None:
    spellings = list(people.list_spellings(followed))
    names = [*others, *rng.sample(spellings, min(3, len(spellings)))]
    rng.shuffle(names)
    for typed, authors in [(followed, names), *((name, [*others, followed]) for name in names)]:
        paper = replace(PAPER, authors=tuple(authors))
        alert = alert_builders.draft(typed, kind=AUTHOR)
        naive = next(
            (
                name
                for name in authors
                if matcher.name_variants(typed) & matcher.name_variants(name)
                or people.is_same_name(typed, name)
            ),
            None,
        )
        found = [reason.text for reason in matcher.match(alert, paper, matcher.keyword_text(paper))]
        assert found == ([] if naive is None else [naive])


def test_authors_are_keyed_once_for_all_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    names = tuple(f"Kim {chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}n" for n in range(3000))
    paper = replace(PAPER, authors=names)
    text, compared = matcher.keyword_text(paper), 0
    variants, is_same = matcher.name_variants, people.is_same_name

    def count_variants(name: str) -> set[str]:
        nonlocal compared
        compared += 1
        return variants(name)

    def count_same(left: str, right: str) -> bool:
        nonlocal compared
        compared += 1
        return is_same(left, right)

    monkeypatch.setattr(matcher, "name_variants", count_variants)
    monkeypatch.setattr(people, "is_same_name", count_same)
    for n in range(50):
        alert = alert_builders.draft(*(f"Lee Nobody {n} {k}" for k in range(20)), kind=AUTHOR)
        assert not matcher.match(alert, paper, text)
    assert compared <= 3000 + 50 * 20


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


def test_a_reason_quotes_the_form_that_stands_in_the_paper() -> None:
    forms = ((("reinforcement learning",), ("RL", "reinforc")),)
    alert = replace(alert_builders.draft("강화 학습", translations=True), forms=forms)
    for title, text, quoted in (
        ("Robots", TWICE, ("reinforcement learning", contents.MatchField.TEXT)),
        ("Reinforcement learning", "Robots.", ("reinforcement learning", contents.MatchField.TITLE)),
        ("강화 학습", TWICE, ("강화 학습", contents.MatchField.TITLE)),
    ):
        paper = replace(PAPER, title=title, abstract=text)
        (reason,) = matcher.match(alert, paper, matcher.keyword_text(paper))
        assert (reason.text, reason.found_in) == quoted


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
        await search_index.save(connection, NOW + timedelta(days=1), 0, "{}")
    assert await matcher.rebuild_if_outdated(alert_harness.database) == 1


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


async def test_alerts_stored_by_another_version_match_again(alert_harness: AlertHarness) -> None:
    first = await alert_harness.add_alert("care")
    second = await alert_harness.add_alert("lovelace, ada", kind=AUTHOR, user_id=8)
    async with alert_harness.database.transaction() as connection:
        await alerts.replace_terms(connection, {first: ["former"], second: ["@former"]})
        await key_values.set_value(connection, key_values.ALERT_TERMS_VERSION, "1")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    assert sorted(alert_harness.notified_papers()) == [["2601.00001"], ["2601.00001"]]
    assert await matcher.rebuild_if_outdated(alert_harness.database) == 0
