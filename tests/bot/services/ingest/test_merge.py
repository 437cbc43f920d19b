"""Merging: whom to believe, and that nothing depends on the order in which things were heard."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.ingest import language, merge
from storage import models

DAY = date(2026, 1, 2)
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
ENTRY = models.Entry(1, "2601.00001", "From a newsletter", "https://arxiv.org/abs/2601.00001", votes=5)
NEWSLETTER = models.Appearance(1, models.DigestFormat.NEWSLETTER, DAY, "ko", ENTRY)
REVIEW = models.Appearance(
    2,
    models.DigestFormat.REVIEW,
    DAY + timedelta(days=1),
    "ko",
    replace(ENTRY, title="A review's heading", votes=None),
)
FACTS = models.PaperFacts(
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
    models.Entry,
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
        models.Appearance,
        digest_id=st.integers(1, 9),
        format=st.sampled_from(models.DigestFormat),
        date=days,
        language=st.just("en"),
        entry=entries,
    ),
    max_size=5,
    unique_by=lambda one: one.digest_id,
)
facts = st.lists(
    st.builds(
        models.PaperFacts,
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
    unique_by=lambda one: one.source,
)
votes = st.none() | st.builds(
    models.VoteCount,
    votes=st.integers(0, 9),
    read_at=st.integers(-50, 50).map(lambda hours: NOW + timedelta(hours=hours)),
    source=st.just("huggingface"),
)


def merged(
    *said: models.Appearance | models.PaperFacts, votes: models.VoteCount | None = None
) -> models.MergedPaper:
    return merge.merge(
        "2601.00001",
        [one for one in said if isinstance(one, models.Appearance)],
        [one for one in said if isinstance(one, models.PaperFacts)],
        votes,
    )


def test_a_title_of_a_newsletter_or_a_service_beats_a_reviews_heading() -> None:
    assert merged(REVIEW).title == "A review's heading"
    assert merged(REVIEW, FACTS).title == "From the service"
    assert merged(REVIEW, FACTS, NEWSLETTER).title == "From a newsletter"


def test_the_newest_newsletter_decides_a_title() -> None:
    newer = replace(
        NEWSLETTER, digest_id=3, date=DAY + timedelta(days=9), entry=replace(ENTRY, title="Newer")
    )
    assert merged(NEWSLETTER, newer).title == "Newer"


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([(("A",), False), (("A", "B"), False)], (("A", "B"), False)),
        ([(("A", "B", "C"), True), (("A", "B"), False)], (("A", "B"), False)),
        ([(("A",), True), (("A", "B"), True)], (("A", "B"), True)),
        ([((), False), (("A",), True)], (("A",), True)),
        ([((), False), ((), True)], ((), False)),
    ],
)
def test_a_whole_list_of_authors_beats_a_cut_one_and_then_the_longer_wins(
    lists: list[tuple[tuple[str, ...], bool]], expected: tuple[tuple[str, ...], bool]
) -> None:
    said = [
        replace(NEWSLETTER, digest_id=n, entry=replace(ENTRY, authors=authors, authors_truncated=cut))
        for n, (authors, cut) in enumerate(lists)
    ]
    found = merged(*said)
    assert (found.authors, found.authors_truncated) == expected


def test_a_services_order_of_equally_many_authors_is_believed_since_digests_shuffle_them() -> None:
    shuffled = replace(NEWSLETTER, entry=replace(ENTRY, authors=("C D", "A B")))
    assert merged(shuffled, FACTS).authors == ("A B", "C D")


def test_a_reading_of_the_day_is_fresher_than_the_digest_of_the_day_and_an_older_one_is_not() -> None:
    assert merged(NEWSLETTER, votes=models.VoteCount(3, NOW, "huggingface")).votes == 3
    assert merged(NEWSLETTER, votes=models.VoteCount(3, NOW - timedelta(days=1), "huggingface")).votes == 5


def test_unknown_votes_stay_unknown() -> None:
    assert merged(REVIEW).votes is None
    assert merged(REVIEW, NEWSLETTER).votes == 5


def test_a_paper_that_nothing_lists_has_no_dates() -> None:
    assert merged(FACTS).last_on is None
    assert merged(replace(FACTS, listed_on=DAY)).last_on == DAY
    assert merged(FACTS).url == "https://arxiv.org/abs/2601.00001"


@given(appearances, facts, votes, st.randoms())
def test_the_order_of_what_was_said_does_not_matter(
    said: list[models.Appearance],
    services: list[models.PaperFacts],
    reading: models.VoteCount | None,
    chance: object,
) -> None:
    expected = merge.merge("2601.00001", said, services, reading)
    said, services = list(said), list(services)
    chance.shuffle(said)  # type: ignore[attr-defined]
    chance.shuffle(services)  # type: ignore[attr-defined]
    assert merge.merge("2601.00001", said, services, reading) == expected


@given(appearances, facts, votes)
def test_nothing_is_made_up_and_nothing_known_is_left_out(
    said: list[models.Appearance], services: list[models.PaperFacts], reading: models.VoteCount | None
) -> None:
    found = merge.merge("2601.00001", said, services, reading)
    everybody: list[models.Entry | models.PaperFacts] = [*(one.entry for one in said), *services]
    titles = {one.title for one in everybody if one.title}
    assert found.title in titles if titles else found.title is None
    assert (found.authors in {one.authors for one in everybody}) or found.authors == ()
    assert bool(found.authors) == any(one.authors for one in everybody)
    readings = {one.entry.votes for one in said} | ({reading.votes} if reading else set())
    assert found.votes in readings or found.votes is None
    assert (found.votes is None) == (not readings - {None})
    dates = [one.date for one in said] + [one.listed_on for one in services if one.listed_on]
    assert (found.first_on, found.last_on) == (min(dates, default=None), max(dates, default=None))


@given(appearances, facts, votes, st.integers(0, 9), days)
def test_older_votes_never_replace_newer_ones(
    said: list[models.Appearance],
    services: list[models.PaperFacts],
    reading: models.VoteCount | None,
    number: int,
    on: date,
) -> None:
    before = merge.merge("2601.00001", said, services, reading)
    older = replace(NEWSLETTER, digest_id=99, date=on, entry=replace(ENTRY, votes=number))
    after = merge.merge("2601.00001", [*said, older], services, reading)
    if before.votes_read_at is not None and merge.counted_at(on) < before.votes_read_at:
        assert (after.votes, after.votes_read_at) == (before.votes, before.votes_read_at)


def test_every_field_that_is_merged_by_precedence_is_one_of_the_papers() -> None:
    assert set(merge.PRECEDENCE) <= set(models.MergedPaper.__dataclass_fields__)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("소형 언어 모델(Small Language Model; SLM)의 개발을 다룹니다.", "ko"),
        ("A small model with one Korean word, 모델, in a long English sentence.", "en"),
        ("", "en"),
        ("2026: 42 %", "en"),
    ],
)
def test_the_language_is_that_of_most_letters(body: str, expected: str) -> None:
    entry = replace(ENTRY, sections=(models.Section("What's New", body),))
    assert language.detect_language([entry]).value == expected
