"""Ranking and selection of the papers of a post, and the days that posts of each style draw from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from bot.daily import choice
from storage import models
from storage.archive import DigestPaper

ON = date(2026, 1, 5)


def candidate(paper_id: int, votes: int | None, rank: int = 1, on: date = ON) -> DigestPaper:
    return DigestPaper(1, on, paper_id, f"2601.{paper_id:05}", rank, votes)


def _select(
    candidates: Sequence[DigestPaper], posted_ids: Collection[int], top_n: int, min_votes: int
) -> choice.Selection:
    subscription = models.Subscription(guild_id=1, channel_id=1, top_n=top_n, min_votes=min_votes)
    return choice.CandidatePool({}, candidates).select((1,), subscription, posted_ids)


def chosen(
    *candidates: DigestPaper, posted_ids: set[int] | None = None, top_n: int = 5, min_votes: int = 0
) -> list[int]:
    selection = _select(candidates, posted_ids or set(), top_n, min_votes)
    return [paper.paper_id for paper in selection.papers]


def test_papers_are_sorted_by_votes_with_unknown_votes_last_in_digest_order() -> None:
    papers = [
        candidate(1, None, 3),
        candidate(2, 5, 4),
        candidate(3, None, 1),
        candidate(4, 81, 2),
        candidate(5, 0, 5),
    ]
    assert chosen(*papers) == [4, 2, 5, 3, 1]


def test_posted_papers_are_replaced_by_the_next_ones() -> None:
    assert chosen(candidate(1, 9), candidate(2, 8), candidate(3, 7), posted_ids={1}, top_n=2) == [2, 3]


def test_unknown_votes_meet_no_minimum_above_zero() -> None:
    assert chosen(candidate(1, None), candidate(2, 10), candidate(3, 9), min_votes=10) == [2]
    assert chosen(candidate(1, None), min_votes=0) == [1]


def test_a_paper_of_two_digests_is_ranked_once() -> None:
    papers, _, total, _ = _select([candidate(1, 9), candidate(1, 9, 7, date(2026, 1, 4))], (), 5, 0)
    assert (len(papers), total) == (1, 1)


def test_with_equal_votes_the_newer_digest_is_first() -> None:
    assert chosen(candidate(1, 9, 1, date(2026, 1, 4)), candidate(2, 9, 2, ON)) == [2, 1]


CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.integers(1, 12),
        st.none() | st.integers(0, 20),
        st.integers(1, 30),
        st.dates(date(2026, 1, 1), ON),
    )
)


@given(CANDIDATES, st.sets(st.integers(1, 12)), st.integers(1, 10), st.integers(0, 20))
def test_a_selection_accounts_for_every_candidate(
    candidates: list[DigestPaper], posted_ids: set[int], top_n: int, min_votes: int
) -> None:
    papers, left_out, total, _ = _select(candidates, posted_ids, top_n, min_votes)
    ids = [paper.paper_id for paper in papers]
    assert len(ids) == len(set(ids)) <= top_n
    assert not posted_ids & set(ids)
    assert list(papers) == sorted(papers, key=choice.sort_key)
    ranked = choice.rank_papers(candidates)
    eligible = [
        paper
        for paper in ranked
        if paper.paper_id not in posted_ids and choice.meets_minimum(paper.votes, min_votes)
    ]
    assert total == len(ranked)
    assert [*papers, *left_out] == eligible
    assert len(ids) == min(top_n, len(eligible))


def test_every_style_has_its_number_of_rolling_days() -> None:
    assert set(choice.ROLLING_DAYS) == set(models.Style)


def test_only_weekly_posts_draw_from_a_digest_again() -> None:
    rolling = {style for style, days in choice.ROLLING_DAYS.items() if days is not None}
    assert rolling == {models.Style.WEEKLY}
