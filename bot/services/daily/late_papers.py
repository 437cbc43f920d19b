"""Finds late papers: those that a day gained after its post, by a correction of its digest or by another digest. Pure.

They are shown below the papers of the next post that has papers of its own, and not counted among its `top_n`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol, TypeAlias

from bot.services.daily import selection
from bot.services.daily.schedule import DAY
from storage import models
from storage.entries import DigestPaper

MAX_SHOWN = 5
LATE_DAYS = 7
"""Papers added to older digests are not posted."""


LatePapers: TypeAlias = tuple[tuple[DigestPaper, ...], tuple[models.LateDay, ...], tuple[int, ...]]
"""The late papers to show, newest day first and best first; their days; the digests that they come from."""


class Pool(Protocol):
    """Digests with their papers."""

    digests: Sequence[models.StoredDigest]
    matching: dict[str, Collection[int]]

    def papers_of(self, digest_id: int) -> Sequence[DigestPaper]:
        """Return the papers of a digest."""
        ...


def list_supplements(digests: Iterable[models.StoredDigest], covered_ids: Collection[int]) -> set[int]:
    """Return the digests that only add to a day that was posted: a listing and another digest hold the same day.

    Two written digests of one day are posted one after the other.
    """
    digests = tuple(digests)
    covered: dict[date, set[models.DigestFormat]] = defaultdict(set)
    for digest in digests:
        if digest.id in covered_ids:
            covered[digest.date].add(digest.format)
    return {
        digest.id
        for digest in digests
        if digest.id not in covered_ids
        and (formats := covered.get(digest.date))
        and any(is_listing(found) for found in {*formats, digest.format})
    }


def is_listing(digest_format: models.DigestFormat) -> bool:
    """Return whether digests of a format are the day's list, which written digests describe."""
    return digest_format is models.DigestFormat.LISTING


def find(
    subscription: models.Subscription,
    digest_on: date,
    drawn: Iterable[models.StoredDigest],
    pool: Pool,
    covered: Mapping[int, int],
    posted_ids: Collection[int],
    *,
    room: int = 0,
) -> LatePapers:
    """Return the papers that days before `digest_on` gained since they were posted, at most MAX_SHOWN besides `room`.

    `drawn` are the digests of the post, `covered` the revisions posted by digest.
    """
    first_on = digest_on - LATE_DAYS * DAY
    recent = [digest for digest in pool.digests if first_on <= digest.date < digest_on]
    supplements = list_supplements(recent, covered)
    candidates: list[DigestPaper] = []
    for digest in recent:
        if digest.id in covered:
            since = covered[digest.id]
            if digest.revision > since:
                candidates += (paper for paper in pool.papers_of(digest.id) if paper.since_revision > since)
        elif digest.id in supplements:
            candidates += pool.papers_of(digest.id)
    if not candidates:
        return (), (), ()
    known = {paper.paper_id for digest in drawn for paper in pool.papers_of(digest.id)}
    for digest in recent:
        since = covered.get(digest.id, 0)
        known.update(paper.paper_id for paper in pool.papers_of(digest.id) if paper.since_revision <= since)
    late = [
        paper
        for paper in selection.rank(candidates)
        if paper.paper_id not in known
        and paper.paper_id not in posted_ids
        and selection.meets_minimum(paper.votes, subscription.min_votes)
        and (not subscription.topic or paper.paper_id in pool.matching.get(subscription.topic, ()))
    ]
    return _group(late, MAX_SHOWN + room)


def _group(ranked: Iterable[DigestPaper], limit: int) -> LatePapers:
    """Return papers by day, the newest day first, and at most `limit` of them."""
    by_day: dict[date, list[DigestPaper]] = defaultdict(list)
    for paper in ranked:
        by_day[paper.date_on].append(paper)
    shown: list[DigestPaper] = []
    days: list[models.LateDay] = []
    for day in sorted(by_day, reverse=True):
        chosen = by_day[day][: limit - len(shown)]
        if chosen:
            shown += chosen
            days.append((day, len(chosen), len(by_day[day])))
    digest_ids = {paper.digest_id for papers in by_day.values() for paper in papers}
    return tuple(shown), tuple(days), tuple(sorted(digest_ids))
