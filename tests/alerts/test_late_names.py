"""Authors and institutions that facts add after a digest was matched with alerts, on both engines."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from storage import alerts, models, papers
from tests.support import alert_builders
from tests.support.alert_harness import AUTHOR, KEYWORD, MONDAY, NOW, AlertHarness

both_engines = pytest.mark.engines("sqlite", "postgresql")


INSTITUTION = models.AlertKind.INSTITUTION
PAPER = "2601.00001"
INSTITUTIONS = {
    "KAIST": "KAIST",
    "School of Computing, 카이스트": "KAIST",
    "Yonsei University": "Yonsei University",
}
"""Affiliations, with the institution that each names."""
KOREAN = "사람을 도우며 걷는 방법을 강화 학습으로 배우고, 넘어지지 않고 계단을 오르는 방법을 알아봐요. " * 3
AUTHORS = ("Emmy Noether", "Alan Turing")


def _facts(arxiv_id: str, *affiliations: str, authors: tuple[str, ...] = ()) -> models.PaperFacts:
    return models.PaperFacts(arxiv_id, "arxiv", "u", NOW, affiliations=affiliations, authors=authors)


class Rule(NamedTuple):
    """An alert of the naive matcher."""

    words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    is_all: bool = False
    without: str = ""
    language: models.Locale | None = None
    min_votes: int = 0

    def draft(self, user_id: int) -> models.Alert:
        kinds = [(KEYWORD, word) for word in self.words]
        kinds += [(AUTHOR if name in AUTHORS else INSTITUTION, name) for name in self.names]
        fields: dict[str, Any] = {"terms": tuple(models.AlertTerm(*term) for term in kinds)}
        return alert_builders.draft(
            user_id=user_id,
            **fields,
            match_all=self.is_all,
            excluded=(self.without,) if self.without else (),
            language=self.language,
            min_votes=self.min_votes,
        )

    def matches(self, words: set[str], names: set[str], votes: int) -> bool:
        found = [word in words for word in self.words] + [name in names for name in self.names]
        is_allowed = self.without not in words and self.language is not models.Locale.EN
        return (all(found) if self.is_all else any(found)) and is_allowed and votes >= self.min_votes


RULES = (
    Rule(names=("KAIST",)),
    Rule(names=("Emmy Noether",)),
    Rule(words=("robots",)),
    Rule(words=("robots",), names=("KAIST",)),
    Rule(words=("robots",), names=("KAIST",), is_all=True),
    Rule(names=("KAIST", "Emmy Noether"), is_all=True),
    Rule(names=("KAIST", "Yonsei University"), is_all=True),
    Rule(names=("KAIST", "Alan Turing"), without="survey"),
    Rule(names=("KAIST",), language=models.Locale.KO),
    Rule(names=("KAIST",), language=models.Locale.EN),
    Rule(names=("KAIST",), min_votes=10),
)
READINGS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(sorted(INSTITUTIONS))), st.sets(st.sampled_from(AUTHORS)), st.booleans()
    ),
    max_size=4,
)
"""Facts that arrive one after the other, and whether the alerts are planned before."""


@dataclass
class NaiveMatcher:
    """What each reader should be told of one paper: a full scan of all rules, by sets of words and names."""

    words: set[str]
    votes: int

    def __post_init__(self) -> None:
        self.told: set[int] = set()
        self.names: set[str] = set()
        self.former: list[set[str]] = []
        self.is_new = True

    def read(self, affiliations: set[str], authors: set[str]) -> None:
        self.former.append(self.names)
        self.names = {INSTITUTIONS[name] for name in affiliations} | authors

    def plan(self) -> set[int]:
        """Return who is told now."""
        now = set()
        for user_id, rule in enumerate(RULES, 1):
            is_added = any(set(rule.names) & self.names - names for names in self.former)
            if (self.is_new or is_added) and rule.matches(self.words, self.names, self.votes):
                now.add(user_id)
        now -= self.told
        self.told |= now
        self.is_new, self.former = False, []
        return now


async def test_readers_are_told_once_of_what_late_names_match_as_by_a_full_scan(
    alert_harness: AlertHarness,
) -> None:
    for user_id, rule in enumerate(RULES, 1):
        await alert_harness.alerts.add(rule.draft(user_id))
    recipients = {f"user:{user_id}": user_id for user_id in range(1, len(RULES) + 1)}
    loop, numbers = asyncio.get_running_loop(), itertools.count(1)

    async def compare(naive: NaiveMatcher, paper_id: int) -> None:
        assert await alert_harness.plan() == len(naive.plan())
        async with alert_harness.database.read() as connection:
            told = await alerts.list_notified(connection, recipients, [paper_id])
        assert {recipients[name] for name, _ in told} == naive.told

    async def check(words: set[str], votes: int, readings: list[tuple[set[str], set[str], bool]]) -> None:
        arxiv_id = f"2601.{next(numbers):05}"
        alert_harness.now = NOW
        naive = NaiveMatcher(words, votes)
        await alert_harness.store_digest(
            MONDAY, (arxiv_id, votes), summary=f"{KOREAN} {' '.join(sorted(words))}", location=arxiv_id
        )
        async with alert_harness.database.read() as connection:
            paper_id = (await papers.get_ids(connection, [arxiv_id]))[arxiv_id]
        for affiliations, authors, is_planned in readings:
            if is_planned:
                await compare(naive, paper_id)
            facts = _facts(arxiv_id, *sorted(affiliations), authors=tuple(sorted(authors)))
            await alert_harness.store_facts(facts)
            naive.read(affiliations, authors)
        await compare(naive, paper_id)
        assert await alert_harness.list_pending() == []

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @example(
        words=set(), votes=5, readings=[(set(), set(), True), ({"KAIST"}, set(), True), (set(), set(), True)]
    )
    @example(
        words={"robots"},
        votes=15,
        readings=[(set(), {"Emmy Noether"}, True), ({"KAIST"}, {"Emmy Noether"}, True)],
    )
    @given(
        words=st.sets(st.sampled_from(["robots", "survey"])),
        votes=st.sampled_from([5, 15]),
        readings=READINGS,
    )
    def run(words: set[str], votes: int, readings: list[tuple[set[str], set[str], bool]]) -> None:
        asyncio.run_coroutine_threadsafe(check(words, votes, readings), loop).result()

    await asyncio.to_thread(run)


@both_engines
async def test_an_alert_made_after_the_digest_gets_what_facts_add_and_nothing_by_words(
    alert_harness: AlertHarness,
) -> None:
    await alert_harness.alerts.add(Rule(words=("unheard of",), names=("KAIST",), is_all=True).draft(1))
    await alert_harness.store_digest(MONDAY, (PAPER, 5), ("2601.00002", 5))
    await alert_harness.store_facts(_facts("2601.00002", "KAIST"))
    await alert_harness.plan()
    await alert_harness.add_alert("care", user_id=2)
    await alert_harness.add_alert("카이스트", kind=INSTITUTION, user_id=3)
    await alert_harness.store_facts(
        _facts(PAPER, "School of Computing, KAIST"), _facts("2601.00002", "School of Computing, KAIST")
    )
    await alert_harness.planner.drain()
    async with alert_harness.database.read() as connection:
        queued = await alerts.list_due_matches(connection, ["user:1", "user:2", "user:3"], NOW + timedelta(1))
    assert [match.recipient for match in queued] == ["user:3"]
    await alert_harness.plan()
    assert await alert_harness.list_recipients() == [3]
    assert alert_harness.notified_papers() == [[PAPER]]


async def test_facts_of_old_papers_and_facts_without_new_names_leave_nothing_to_match(
    alert_harness: AlertHarness,
) -> None:
    await alert_harness.add_alert("KAIST", kind=INSTITUTION)
    old, fresh = [f"2512.{number:05}" for number in range(1, 31)], PAPER
    await alert_harness.add_digest(MONDAY - timedelta(days=4), *((arxiv_id, 5) for arxiv_id in old))
    await alert_harness.add_digest(MONDAY, (fresh, 5))
    await alert_harness.store_facts(*(_facts(arxiv_id, "KAIST") for arxiv_id in (*old, "2601.00009")))
    await alert_harness.store_facts(models.PaperFacts(fresh, "huggingface", "u", NOW, votes=50))
    listed = replace(_facts(old[0], "POSTECH"), listed_on=MONDAY)  # by a service, in no digest of these days
    await alert_harness.store_facts(listed)
    assert await alert_harness.list_pending() == []
    await alert_harness.store_facts(*(_facts(arxiv_id, "KAIST") for arxiv_id in (*old, fresh)))
    async with alert_harness.database.read() as connection:
        ids = await papers.get_ids(connection, [fresh])
    (pending,) = await alert_harness.list_pending()
    assert pending.paper_ids == tuple(ids.values())
    alert_harness.now += timedelta(days=4)
    await alert_harness.store_facts(_facts(fresh, "KAIST", "Yonsei University"))
    assert await alert_harness.list_pending() == [pending]


@both_engines
async def test_matching_that_is_stopped_goes_on_and_a_later_row_is_not_taken_for_an_earlier_one(
    alert_harness: AlertHarness,
) -> None:
    ids = [
        await alert_harness.add_alert("KAIST", kind=INSTITUTION, user_id=user_id) for user_id in range(1, 8)
    ]
    await alert_harness.add_digest(MONDAY, (PAPER, 5), ("2601.00002", 5))
    await alert_harness.store_facts(_facts(PAPER, "KAIST"))
    await alert_harness.match_first_batch()
    (stopped,) = await alert_harness.list_pending()
    assert (stopped.papers_done, stopped.alert_id) == (0, ids[1])
    alert_harness.now += timedelta(seconds=1)
    await alert_harness.store_facts(_facts("2601.00002", "KAIST"))
    alert_harness.planner = alert_harness.new_planner()
    assert await alert_harness.plan() == 7
    assert await alert_harness.plan() == 0
    assert sorted(map(int, filter(None, await alert_harness.list_recipients()))) == list(range(1, 8))
    assert all(sorted(told) == [PAPER, "2601.00002"] for told in alert_harness.notified_papers())
    await alert_harness.store_facts(_facts(PAPER, "POSTECH"))
    (later,) = await alert_harness.list_pending()
    assert later.revision == stopped.revision
    async with alert_harness.database.transaction() as connection:
        assert await alerts.get_pending(connection, stopped) is None
        await alerts.remove_pending(connection, stopped)
    assert await alert_harness.list_pending() == [later]
