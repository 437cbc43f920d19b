"""Merging follows the precedence of providers and does not depend on the order of statements."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import digest_writer
from storage.models import Appearance, DigestFormat, Entry, MergedPaper, PaperFacts

DAY = date(2026, 1, 2)
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
ENTRY = Entry(1, "2601.00001", "From a newsletter", "https://arxiv.org/abs/2601.00001", votes=5)
NEWSLETTER = Appearance(1, DigestFormat.NEWSLETTER, DAY, "ko", ENTRY)
REVIEW = Appearance(
    2,
    DigestFormat.REVIEW,
    DAY + timedelta(days=1),
    "ko",
    replace(ENTRY, title="A review's heading", votes=None),
)
FACTS = PaperFacts(
    "2601.00001",
    "huggingface",
    "https://huggingface.co",
    NOW,
    title="From the service",
    authors=("A B", "C D"),
)

names = st.lists(st.sampled_from(["A B", "C D", "E F", "G H"]), unique=True, max_size=4).map(tuple)
texts = st.sampled_from([None, "", "one", "two"])
entries = st.builds(
    Entry,
    rank=st.integers(1, 3),
    arxiv_id=st.just("2601.00001"),
    title=texts,
    url=st.sampled_from(["u1", "u2"]),
    votes=st.none() | st.integers(0, 9),
    authors=names,
    authors_truncated=st.booleans(),
    thumbnail=texts,
    video=texts,
)
days = st.dates(date(2026, 1, 1), date(2026, 1, 4))
appearances = st.lists(
    st.builds(
        Appearance,
        digest_id=st.integers(1, 9),
        format=st.sampled_from(DigestFormat),
        date=days,
        language=st.just("en"),
        entry=entries,
    ),
    max_size=5,
    unique_by=lambda appearance: appearance.digest_id,
)
facts = st.lists(
    st.builds(
        PaperFacts,
        arxiv_id=st.just("2601.00001"),
        source=st.sampled_from(["huggingface", "arxiv", "https://feed"]),
        location=st.just(""),
        read_at=st.just(NOW),
        title=texts,
        authors=names,
        abstract=texts,
        listed_on=st.none() | days,
    ),
    max_size=3,
    unique_by=lambda fact: fact.source,
)
votes = st.none() | st.tuples(
    st.integers(-50, 50).map(lambda hours: NOW + timedelta(hours=hours)), st.integers(0, 9)
)


def merged(*statements: Appearance | PaperFacts, votes: tuple[datetime, int] | None = None) -> MergedPaper:
    return digest_writer.merge(
        "2601.00001",
        [statement for statement in statements if isinstance(statement, Appearance)],
        [statement for statement in statements if isinstance(statement, PaperFacts)],
        votes,
    )


def test_a_title_of_a_newsletter_or_a_service_beats_a_reviews_heading() -> None:
    assert merged(REVIEW).title == "A review's heading"
    assert merged(REVIEW, FACTS).title == "From the service"
    assert merged(REVIEW, FACTS, NEWSLETTER).title == "From a newsletter"


def test_the_organization_and_the_codes_stars_are_those_of_hugging_face() -> None:
    listed = replace(FACTS, organization="A Lab", code_stars=1200)
    feed = replace(FACTS, source="https://feed", organization="Another", code_stars=3)
    for paper in (merged(NEWSLETTER, feed, listed), merged(listed, REVIEW, feed)):
        assert (paper.organization, paper.code_stars) == ("A Lab", 1200)
    assert (merged(NEWSLETTER, feed).organization, merged(NEWSLETTER).code_stars) == (None, None)


def test_the_newest_newsletter_decides_a_title() -> None:
    newer = replace(
        NEWSLETTER, digest_id=3, date=DAY + timedelta(days=9), entry=replace(ENTRY, title="Newer")
    )
    assert merged(NEWSLETTER, newer).title == "Newer"


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([(("A",), False), (("A", "B"), False)], (("A",), False)),
        ([(("A",), True), (("A", "B"), False)], (("A", "B"), False)),
        ([(("A", "B", "A", "B"), False)], (("A", "B"), False)),
        ([(("A", "a", "B  C", "B C"), False)], (("A", "B  C"), False)),
        ([(("A", "B", "C"), True), (("A", "B"), False)], (("A", "B"), False)),
        ([(("A",), True), (("A", "B"), True)], (("A", "B"), True)),
        ([((), False), (("A",), True)], (("A",), True)),
        ([((), False), ((), True)], ((), False)),
    ],
)
def test_a_longer_author_list_wins_only_where_the_shorter_is_truncated_and_repeats_go(
    lists: list[tuple[tuple[str, ...], bool]], expected: tuple[tuple[str, ...], bool]
) -> None:
    statements = [
        replace(
            NEWSLETTER,
            digest_id=digest_id,
            entry=replace(ENTRY, authors=authors, authors_truncated=truncated),
        )
        for digest_id, (authors, truncated) in enumerate(lists)
    ]
    paper = merged(*statements)
    assert (paper.authors, paper.authors_truncated) == expected


def test_the_order_and_number_of_authors_come_from_arxiv_then_hugging_face_then_the_digest() -> None:
    shuffled = replace(NEWSLETTER, entry=replace(ENTRY, authors=("E F", "C D", "A B")))
    huggingface = replace(FACTS, source="huggingface", authors=("C D", "A B"))
    arxiv = replace(FACTS, source="arxiv", authors=("A B", "C D"))
    assert merged(shuffled).authors == ("E F", "C D", "A B")
    assert merged(shuffled, huggingface).authors == ("C D", "A B")
    assert merged(shuffled, huggingface, arxiv).authors == ("A B", "C D")


def test_a_services_vote_count_of_the_digests_day_wins_and_an_older_one_loses() -> None:
    assert merged(NEWSLETTER, votes=(NOW, 3)).votes == 3
    assert merged(NEWSLETTER, votes=(NOW - timedelta(days=1), 3)).votes == 5


def test_unknown_votes_stay_unknown() -> None:
    assert merged(REVIEW).votes is None
    assert merged(REVIEW, NEWSLETTER).votes == 5


def test_an_unlisted_paper_has_no_dates() -> None:
    assert merged(FACTS).last_on is None
    assert merged(replace(FACTS, listed_on=DAY)).last_on == DAY
    assert merged(FACTS).url == "https://arxiv.org/abs/2601.00001"


@given(appearances, facts, votes, st.randoms())
def test_the_order_of_statements_does_not_matter(
    appearances: list[Appearance],
    facts: list[PaperFacts],
    votes: tuple[datetime, int] | None,
    rng: random.Random,
) -> None:
    expected = digest_writer.merge("2601.00001", appearances, facts, votes)
    appearances, facts = list(appearances), list(facts)
    rng.shuffle(appearances)
    rng.shuffle(facts)
    assert digest_writer.merge("2601.00001", appearances, facts, votes) == expected


@given(appearances, facts, votes)
def test_merged_values_come_from_statements_and_known_values_are_kept(
    appearances: list[Appearance], facts: list[PaperFacts], votes: tuple[datetime, int] | None
) -> None:
    paper = digest_writer.merge("2601.00001", appearances, facts, votes)
    statements: list[Entry | PaperFacts] = [*(appearance.entry for appearance in appearances), *facts]
    titles = {statement.title for statement in statements if statement.title}
    assert paper.title in titles if titles else paper.title is None
    assert paper.authors in {
        (),
        *(digest_writer.remove_repeats(statement.authors) for statement in statements),
    }
    assert bool(paper.authors) == any(statement.authors for statement in statements)
    counts = {appearance.entry.votes for appearance in appearances} | ({votes[1]} if votes else set())
    assert paper.votes in counts or paper.votes is None
    assert (paper.votes is None) == (not counts - {None})
    dates = [appearance.date for appearance in appearances]
    dates += [fact.listed_on for fact in facts if fact.listed_on]
    assert (paper.first_on, paper.last_on) == (min(dates, default=None), max(dates, default=None))


@given(appearances, facts, votes, st.integers(0, 9), days)
def test_older_votes_never_replace_newer_ones(
    appearances: list[Appearance],
    facts: list[PaperFacts],
    votes: tuple[datetime, int] | None,
    older_count: int,
    on: date,
) -> None:
    before = digest_writer.merge("2601.00001", appearances, facts, votes)
    older = replace(NEWSLETTER, digest_id=99, date=on, entry=replace(ENTRY, votes=older_count))
    after = digest_writer.merge("2601.00001", [*appearances, older], facts, votes)
    if before.votes_read_at is not None and datetime.combine(on, time(), UTC) < before.votes_read_at:
        assert (after.votes, after.votes_read_at) == (before.votes, before.votes_read_at)
