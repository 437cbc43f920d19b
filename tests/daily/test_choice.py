"""Ranking and selection of the papers of a post."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.daily import choice, schedule
from storage import models
from storage.archive import DigestPaper
from storage.daily import Mark

ON = date(2026, 1, 5)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def candidate(paper_id: int, votes: int | None, rank: int = 1, on: date = ON) -> DigestPaper:
    return DigestPaper(1, on, paper_id, f"2601.{paper_id:05}", rank, votes)


def _select(
    candidates: Sequence[DigestPaper], posted_ids: Collection[int], top_n: int, min_votes: int
) -> choice.PlannedPost:
    subscription = models.Subscription(guild_id=1, channel_id=1, top_n=top_n, min_votes=min_votes)
    pool = choice.CandidatePool({choice.find_origin(subscription): candidates}, NOON, ON)
    return pool.choose(subscription, schedule.Slot(ON, NOON, ON), Mark(date(2025, 1, 1), 0), posted_ids)


DAY_BEFORE = date(2026, 1, 4)


@pytest.mark.parametrize(
    ("candidates", "options", "chosen"),
    [
        # Most votes first, unknown votes last in the digest's order.
        ([(1, None, 3), (2, 5, 4), (3, None, 1), (4, 81, 2), (5, 0, 5)], {}, [4, 2, 5, 3, 1]),
        ([(1, 9), (2, 8), (3, 7)], {"posted_ids": {1}, "top_n": 2}, [2, 3]),
        # Unknown votes reach no minimum above 0.
        ([(1, None), (2, 10), (3, 9)], {"min_votes": 10}, [2]),
        ([(1, None)], {"min_votes": 0}, [1]),
        # A paper of two digests once, and of equal votes that of the newer digest first.
        ([(1, 9), (1, 9, 7, DAY_BEFORE)], {}, [1]),
        ([(1, 9, 1, DAY_BEFORE), (2, 9, 2, ON)], {}, [2, 1]),
    ],
)
def test_ranks_papers_by_votes(
    candidates: list[tuple[Any, ...]], options: dict[str, Any], chosen: list[int]
) -> None:
    values: dict[str, Any] = {"posted_ids": (), "top_n": 5, "min_votes": 0} | options
    selection = _select([candidate(*facts) for facts in candidates], **values)
    assert [paper.paper_id for paper in selection.papers] == chosen


CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.integers(1, 12),
        st.none() | st.integers(0, 20),
        st.integers(1, 30),
        st.dates(date(2026, 1, 3), ON),
    )
)


@given(CANDIDATES, st.sets(st.integers(1, 12)), st.integers(1, 10), st.integers(0, 20))
def test_a_selection_accounts_for_every_candidate(
    candidates: list[DigestPaper], posted_ids: set[int], top_n: int, min_votes: int
) -> None:
    post = _select(candidates, posted_ids, top_n, min_votes)
    papers = post.papers
    ids = [paper.paper_id for paper in papers]
    assert len(ids) == len(set(ids)) <= top_n
    assert not posted_ids & set(ids)
    assert list(papers) == sorted(papers, key=choice.sort_key)
    ranked = choice.rank_papers(candidates)
    eligible = [
        paper
        for paper in ranked
        if paper.paper_id not in posted_ids and models.meets_minimum(paper.votes, min_votes)
    ]
    assert post.total == len([paper for paper in ranked if paper.paper_id not in posted_ids])
    assert list(post.eligible) == eligible
    assert len(ids) == min(top_n, len(eligible))
