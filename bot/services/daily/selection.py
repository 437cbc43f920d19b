"""Ranks the candidate papers of a post and selects the best ones. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from storage.entries import DigestPaper


def sort_key(paper: DigestPaper) -> tuple[bool, int, int, int, int]:
    """Sort by votes, most first and unknown last; then by the newer digest; then by rank in the digest."""
    return (*votes_sort_key(paper.votes), -paper.date_on.toordinal(), paper.rank, paper.paper_id)


def votes_sort_key(votes: int | None) -> tuple[bool, int]:
    """Sort by votes only: most first, unknown last."""
    return votes is None, -(votes or 0)


def meets_minimum(votes: int | None, min_votes: int) -> bool:
    """Return whether votes reach a minimum. Unknown votes reach no minimum above 0."""
    return min_votes <= 0 or (votes is not None and votes >= min_votes)


def rank(papers: Iterable[DigestPaper]) -> tuple[DigestPaper, ...]:
    """Return the papers best first. A paper of several digests is kept once, at its best position."""
    best: dict[int, DigestPaper] = {}
    for paper in sorted(papers, key=sort_key):
        best.setdefault(paper.paper_id, paper)
    return tuple(best.values())


def select(
    ranked: Sequence[DigestPaper], *, posted_ids: Collection[int], top_n: int, min_votes: int
) -> tuple[tuple[DigestPaper, ...], tuple[DigestPaper, ...], int]:
    """Return the `top_n` best papers, those that came after them, and the number of all candidates.

    Both hold only papers that are not posted yet and have at least `min_votes`.
    """
    eligible = tuple(
        paper
        for paper in ranked
        if paper.paper_id not in posted_ids and meets_minimum(paper.votes, min_votes)
    )
    return eligible[:top_n], eligible[top_n:], len(ranked)


def ranks_of(ranked: Sequence[DigestPaper], papers: Sequence[DigestPaper]) -> tuple[int, ...]:
    """Return the ranks of selected papers, from 1; () if they are the first ones, so that none was posted before."""
    chosen = {paper.paper_id for paper in papers}
    ranks = tuple(rank for rank, paper in enumerate(ranked, 1) if paper.paper_id in chosen)
    return () if ranks == tuple(range(1, len(papers) + 1)) else ranks
