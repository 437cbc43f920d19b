"""Matching: names, forms of the other language, and retrieval by automata, which finds what a naive matcher finds."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import fields, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alerts import matcher
from bot.search import glossary as search_glossary
from bot.search import query as search_query
from bot.text import analyser, keywords, people
from storage import alerts, glossary, models, papers
from tests.support import alert_builders, digest_builders, keyword_strategies, paper_records
from tests.support.alert_harness import AUTHOR, MONDAY, NOW, AlertHarness


@given(
    st.sampled_from(["Jürgen Müller-Lüdenscheid", "Kim Min-jun", "Søren Ågård", "王 小明", "O'Neil, Ann"]),
    st.randoms(),
)
def test_all_spellings_of_a_name_share_one_needle(name: str, rng: random.Random) -> None:
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
        assert _is_retrieved(spelling, name)


def _is_retrieved(followed: str, author: str) -> bool:
    return not matcher.term_needles(AUTHOR, followed).isdisjoint(matcher.term_needles(AUTHOR, author))


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
    spellings = [
        f"{given} {family}"
        for family, given_name in people.split_hangul(followed)
        for given in people.given_spellings(given_name)
    ]
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
        assert naive is None or _is_retrieved(typed, naive)


TWICE = "We use reinforcement learning. Reinforcement learning helps."


def test_a_reason_quotes_the_form_that_stands_in_the_paper() -> None:
    forms = (("reinforcement learning", "RL"),)
    alert = replace(alert_builders.draft("강화 학습", translations=True), forms=forms)
    for title, text, quoted in (
        ("Robots", TWICE, ("reinforcement learning", matcher.MatchField.TEXT)),
        ("Reinforcement learning", "Robots.", ("reinforcement learning", matcher.MatchField.TITLE)),
        ("강화 학습", TWICE, ("강화 학습", matcher.MatchField.TITLE)),
    ):
        paper = replace(PAPER, title=title, abstract=text)
        (reason,) = matcher.match(alert, paper, matcher.keyword_text(paper))
        assert (reason.text, reason.found_in) == quoted
    # A paper that mentions a form of the glossary once is not about it, and the switch has to be on.
    for own, text in (
        (alert, "It mentions reinforcement learning."),
        (alert_builders.draft("강화 학습"), TWICE),
    ):
        paper = replace(PAPER, title="Robots", abstract=text, keywords=())
        assert not matcher.match(own, paper, matcher.keyword_text(paper))


async def test_the_forms_are_those_that_a_look_up_shows(alert_harness: AlertHarness) -> None:
    service = search_glossary.GlossaryService(alert_harness.database)
    async with alert_harness.database.read() as connection:
        glossary = await service.get_current(connection)
    for text in ("강화 학습", "LLM", "diffusion model", "word of no glossary", "LLM 환각"):
        alert = alert_builders.draft(text, "강화 학습", translations=True)
        forms, _ = matcher.list_forms(glossary, alert)
        expanded = search_query.expand_query(glossary, text)
        shown = search_query.added_forms(expanded)
        assert set(forms) <= set(shown)
        if len(expanded.segments) == 1:
            assert forms == shown[: matcher.MAX_FORMS]
    author = alert_builders.draft("RL", kind=models.AlertKind.AUTHOR, translations=True)
    assert matcher.list_forms(glossary, author) == ((),)


async def test_a_new_glossary_replaces_the_forms_of_stored_alerts(alert_harness: AlertHarness) -> None:
    added = await alert_harness.alerts.add(alert_builders.draft("강화 학습", translations=True))
    for made_at in (None, NOW):
        async with alert_harness.database.transaction() as connection:
            await alerts.set_forms(connection, {added.id: ()})
            if made_at is not None:
                await glossary.save(connection, made_at, 0, "{}")
        for _ in range(2):
            await matcher.refresh_forms(alert_harness.database)
        assert await alert_harness.alerts.list_rows(user_id=added.user_id) == [added]


async def test_a_reason_quotes_what_stands_in_the_paper(alert_harness: AlertHarness) -> None:
    cases = (
        ("강화 학습", False, "강화학습(RL)을 쓴다.", "강화학습"),
        ("fine tuning", False, "We Fine-Tuned a model.", "Fine-Tuned"),
        ("gpt-4o", False, "It asks GPT4o, twice.", "GPT4o"),
        ("강화 학습", True, TWICE, "reinforcement learning"),
        ("reinforcement learning", True, "강화 학습을 쓴다. 강화학습이다.", "강화 학습"),
        ("reinforcement learning", True, TWICE, "reinforcement learning"),
        ("CARE", False, "", "care"),
    )
    for number, (text, translations, summary, quoted) in enumerate(cases, 1):
        alert = await alert_harness.alerts.add(alert_builders.draft(text, translations=translations))
        await alert_harness.add_digest(
            MONDAY, (f"2601.{number:05}", 5), summary=summary, location=str(number)
        )
        _, reasons = alert_harness.renderer.alerts[-1].matches[-1]
        assert [(reason.text, reason.topic) for reason in reasons] == [(quoted, text)]
        await alert_harness.alerts.remove([alert.id])


_WORDS = keyword_strategies.KEYWORDS | st.sampled_from(
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
    (_WORDS | keyword_strategies.TEXTS).map(lambda text: models.AlertTerm(models.AlertKind.KEYWORD, text)),
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


@pytest.mark.parametrize("present", [(), ("benchmark",)])
def test_a_paper_is_compared_with_few_of_the_many_excluded_words_of_a_reader(
    present: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # `/today` compares each paper of a day with all alerts of a reader: fifty with twenty excluded words each took 10 s.
    text = keywords.KeywordText("A diffusion model", "It learns from one benchmark.")
    own = [
        alert_builders.draft(
            "diffusion", id=number, excluded=(*(f"absent {number} {word}" for word in range(19)), *present)
        )
        for number in range(1, 51)
    ]
    compared: list[str] = []
    compare = keywords.KeywordText.match

    def record(self: keywords.KeywordText, keyword: str) -> tuple[bool, bool]:
        compared.append(keyword)
        return compare(self, keyword)

    followed, haystack = matcher.Followed(own), matcher.build_haystack(PAPER, text)
    with monkeypatch.context() as patch:
        patch.setattr(keywords.KeywordText, "match", record)
        found = followed.match_all(PAPER, text, haystack)
    assert len(compared) <= len(own)
    assert found == matcher.match_all(own, PAPER, text)
    assert bool(found) is not bool(present)


@pytest.mark.engines("sqlite", "postgresql")
async def test_retrieval_finds_what_a_naive_matcher_finds_after_any_changes(
    alert_harness: AlertHarness,
) -> None:
    numbers = itertools.count(1)
    loop = asyncio.get_running_loop()
    index = matcher.AlertIndex(alert_harness.database)

    async def check(
        drafts: list[models.Alert], removed: set[int], summary: list[str], organization: str
    ) -> None:
        """Remove some of the alerts of the last call, change the others' keys, add new ones, and look up a paper."""
        arxiv_id = f"2601.{next(numbers):05}"
        async with alert_harness.database.transaction() as connection:
            former = await alerts.list_rows(connection)
            gone = [alert.id for place, alert in enumerate(former) if place in removed or place > 8]
            await alerts.remove(connection, gone)
            for draft in drafts:
                # The service's forms, without its validation: what it refuses must not break the matching either.
                forms = tuple(("reinforcement learning",) if draft.translations else () for _ in draft.terms)
                new = replace(draft, forms=forms, key=f"{arxiv_id} {draft.terms} {draft.match_all}")
                await alerts.add(connection, replace(new, user_id=next(numbers)))
            for place, alert in enumerate(await alerts.list_rows(connection)):
                if place in removed:
                    await alerts.change(connection, replace(alert, terms=drafts[0].terms, forms=()))
            stored = {alert.id: alert for alert in await alerts.list_rows(connection)}
        text = digest_builders.newsletter(MONDAY, [(arxiv_id, 5)], text=" ".join(summary))
        await digest_builders.ingest_digest(alert_harness.database, text, at=NOW, location=arxiv_id)
        fact = models.PaperFacts(arxiv_id, "huggingface", "u", NOW, organization=organization)
        await digest_builders.add_facts(alert_harness.database, fact)
        async with alert_harness.database.read() as connection:
            ids = await papers.get_ids(connection, [arxiv_id])
            (detail,) = await papers.list_details(connection, list(ids.values()))
        prepared = detail, matcher.keyword_text(detail)
        haystacks = ["", matcher.build_haystack(*prepared)]
        found = await index.find(haystacks)
        assert found == sorted(found)
        assert all(places == [1] for _, places in found)
        matched = [alert_id for alert_id, _ in found if matcher.match(stored[alert_id], *prepared)]
        assert matched == [alert.id for alert in stored.values() if matcher.match(alert, *prepared)]
        followed = matcher.Followed(list(stored.values()))
        assert followed.match_all(*prepared, haystacks[1]) == matcher.match_all(stored.values(), *prepared)

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        _ALERTS,
        st.sets(st.integers(0, 8), max_size=4),
        st.lists(_WORDS | st.just("Reinforcement learning."), max_size=4),
        st.sampled_from(["KAIST AI", "x"]),
    )
    def run(drafts: list[models.Alert], removed: set[int], summary: list[str], organization: str) -> None:
        asyncio.run_coroutine_threadsafe(check(drafts, removed, summary, organization), loop).result()

    await asyncio.to_thread(run)


def test_an_alert_for_all_of_several_terms_is_found_by_the_rarest_of_them() -> None:
    drafts = (("model", "robot navigation"), ("모델", "강화 학습"), ("AI", "diffusion"))
    for texts in drafts:
        draft = alert_builders.draft(*texts, match_all=True)
        rarest = matcher.term_needles(models.AlertKind.KEYWORD, texts[1])
        assert matcher.list_needles(draft.terms, (), True) == rarest
        both = [*draft.terms, models.AlertTerm(AUTHOR, "Ada Lovelace")]
        assert matcher.list_needles(both, (), True) == matcher.term_needles(AUTHOR, "Ada Lovelace")
