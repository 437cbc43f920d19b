"""Ranks the candidate papers of a post and selects the best ones. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper that a post can show. `votes` is the latest reading (None: unknown); `rank` is its place in the digest."""

    paper_id: int
    votes: int | None
    digest_on: date
    rank: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The papers selected, best first, and those that came after them.

    `left_out` holds only papers that are new to the channel and have enough votes. `total` counts all candidates.
    """

    papers: tuple[Candidate, ...]
    left_out: tuple[Candidate, ...]
    total: int


def sort_key(candidate: Candidate) -> tuple[bool, int, int, int, int]:
    """Sort by votes, most first and unknown last; then by the newer digest; then by rank in the digest."""
    newest_first = -candidate.digest_on.toordinal()
    return (*votes_sort_key(candidate.votes), newest_first, candidate.rank, candidate.paper_id)


def votes_sort_key(votes: int | None) -> tuple[bool, int]:
    """Sort by votes only: most first, unknown last."""
    return votes is None, -(votes or 0)


def meets_minimum(votes: int | None, min_votes: int) -> bool:
    """Return whether votes reach a minimum. Unknown votes reach no minimum above 0."""
    return min_votes <= 0 or (votes is not None and votes >= min_votes)


def rank(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates best first. A paper of several digests is kept once, at its best position."""
    best: dict[int, Candidate] = {}
    for candidate in sorted(candidates, key=sort_key):
        best.setdefault(candidate.paper_id, candidate)
    return tuple(best.values())


def select(
    ranked: Sequence[Candidate], *, posted_ids: Collection[int], top_n: int, min_votes: int
) -> Selection:
    """Select the `top_n` best of the ranked candidates that are not posted yet and have at least `min_votes`."""
    eligible = tuple(
        candidate
        for candidate in ranked
        if candidate.paper_id not in posted_ids and meets_minimum(candidate.votes, min_votes)
    )
    return Selection(eligible[:top_n], eligible[top_n:], len(ranked))
