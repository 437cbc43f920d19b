"""Which papers a post takes, and in which order. Pure: it is given what the digests said and what the channel had."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper that could be posted: its freshest votes (None: unknown), and where it first stood in the digests drawn from."""

    paper_id: int
    votes: int | None
    digest_on: date
    rank: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The papers chosen, best first; how many there were to choose from, and how many of those the channel had."""

    papers: tuple[Candidate, ...]
    total: int
    already_posted: int
    too_few_votes: int


def sort_key(candidate: Candidate) -> tuple[bool, int, int, int, int]:
    """Sort by votes, most first; unknown votes last; then the newer digest, then the digest's own order."""
    newest_first = -candidate.digest_on.toordinal()
    return (*votes_sort_key(candidate.votes), newest_first, candidate.rank, candidate.paper_id)


def votes_sort_key(votes: int | None) -> tuple[bool, int]:
    """Sort by votes alone: most first, unknown last."""
    return votes is None, -(votes or 0)


def meets_minimum(votes: int | None, min_votes: int) -> bool:
    """Whether votes reach a minimum. Unknown votes meet no minimum above 0."""
    return min_votes <= 0 or (votes is not None and votes >= min_votes)


def rank(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates best first; a paper that stands in several digests counts once, where it ranks best."""
    best: dict[int, Candidate] = {}
    for candidate in sorted(candidates, key=sort_key):
        best.setdefault(candidate.paper_id, candidate)
    return tuple(best.values())


def select(
    ranked: Sequence[Candidate], *, posted_ids: Collection[int], top_n: int, min_votes: int
) -> Selection:
    """Choose, of candidates that are ranked, the `top_n` best that are new to the place and have votes enough."""
    new = [candidate for candidate in ranked if candidate.paper_id not in posted_ids]
    enough = [candidate for candidate in new if meets_minimum(candidate.votes, min_votes)]
    return Selection(tuple(enough[:top_n]), len(ranked), len(ranked) - len(new), len(new) - len(enough))
