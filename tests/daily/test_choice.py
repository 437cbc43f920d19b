"""Ranking papers in a post."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.core import schedule
from bot.daily import choice
from storage import models
from storage.archive import DigestPaper
from storage.daily import HighWaterMark

ON = date(2026, 1, 5)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY_BEFORE = ON - timedelta(days=1)


def candidate(paper_id: int, votes: int | None, rank: int = 1, on: date = ON) -> DigestPaper:
    return DigestPaper(1, on, paper_id, f"2601.{paper_id:05}", rank, votes)


@pytest.mark.parametrize(
    ("candidates", "options", "chosen"),
    [
        # Most votes first. Papers without votes come last, in the digest's order.
        ([(1, None, 3), (2, 5, 4), (3, None, 1), (4, 81, 2), (5, 0, 5)], {}, [4, 2, 5, 3, 1]),
        ([(1, 9), (2, 8), (3, 7), (4, 6)], {"top_n": 2}, [1, 2]),
        # Unknown votes fail every minimum above 0.
        ([(1, None), (2, 10), (3, 9)], {"min_votes": 10}, [2]),
        ([(1, None)], {"min_votes": 0}, [1]),
        # A paper in two digests counts once. If votes are equal, the newer digest wins.
        ([(1, 9), (1, 9, 7, DAY_BEFORE)], {}, [1]),
        ([(1, 9, 1, DAY_BEFORE), (2, 9, 2, ON)], {}, [2, 1]),
    ],
)
def test_papers_are_ranked_by_votes_then_newest_digest(
    candidates: list[tuple[Any, ...]], options: dict[str, Any], chosen: list[int]
) -> None:
    row = models.Subscription(guild_id=1, channel_id=1, **{"top_n": 5} | options)
    pool = choice.CandidatePool(
        {choice.find_origin(row): [candidate(*facts) for facts in candidates]}, NOON, ON
    )
    post = pool.choose(row, schedule.Slot(ON, NOON, ON), HighWaterMark(date(2025, 1, 1), 0), ())
    assert [paper.paper_id for paper in post.papers] == chosen
