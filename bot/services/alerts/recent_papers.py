"""The papers of the last days, prepared for previews: a preview compares all of them, and few change between two."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TypeAlias

from bot.services.alerts import matcher
from bot.services.daily import selection
from bot.text.matching import keyword_match
from storage import bulk, entries, models, papers
from storage.database import Connection

MAX_CHARACTERS = 6_000_000
"""Characters of the papers that stay prepared, ten bytes each: 6,000 summaries. A month of digests has a twentieth."""
_BATCH_SIZE = 50

_Prepared: TypeAlias = tuple[int, models.PaperDetail, keyword_match.KeywordText]
"""The fingerprint of a paper's texts, and the paper without its sections."""


class RecentPapers:
    """Compares alerts with the papers of the last days. It keeps these prepared, and reads only those that changed."""

    def __init__(self) -> None:
        self._prepared: dict[int, _Prepared] = {}
        self._lock = asyncio.Lock()

    async def list_matching(
        self, connection: Connection, alert: models.Alert, since_on: date
    ) -> list[tuple[int, date]]:
        """Return the ids and dates of the papers since a date that match, the latest first, then by votes."""
        async with self._lock:
            recent = await entries.list_fingerprints(connection, since_on)
            await asyncio.to_thread(self._forget, recent)
            characters = sum(text.characters for _, _, text in self._prepared.values())
            matching: list[int] = await asyncio.to_thread(self._match, alert, recent)
            missing = [paper_id for paper_id in recent if paper_id not in self._prepared]
            for batch in bulk.chunked(missing, _BATCH_SIZE):
                details = await papers.list_details(connection, batch)
                found = await asyncio.to_thread(_prepare, details, recent)
                matching += await asyncio.to_thread(_list_matching, alert, list(found.values()), recent)
                characters += sum(text.characters for _, _, text in found.values())
                if characters <= MAX_CHARACTERS:
                    self._prepared |= found
        order = {paper_id: _order(paper_id, recent[paper_id]) for paper_id in matching}
        return [(paper_id, recent[paper_id][0]) for paper_id in sorted(order, key=order.__getitem__)]

    def _forget(self, recent: entries.Fingerprints) -> None:
        """Drop the papers that changed, or that are not recent any more."""
        for paper_id, (fingerprint, *_) in list(self._prepared.items()):
            if paper_id not in recent or recent[paper_id][2] != fingerprint:
                del self._prepared[paper_id]

    def _match(self, alert: models.Alert, recent: entries.Fingerprints) -> list[int]:
        return _list_matching(alert, list(self._prepared.values()), recent)


def _order(paper_id: int, recent: tuple[date, int | None, int]) -> tuple[int, bool, int, int]:
    last_on, votes, _ = recent
    return -last_on.toordinal(), votes is None, -(votes or 0), paper_id


def _prepare(details: Sequence[models.PaperDetail], recent: entries.Fingerprints) -> dict[int, _Prepared]:
    prepared = {}
    for detail in details:
        text = matcher.keyword_text(detail)
        text.prepare()
        appearances = tuple(replace(of, entry=replace(of.entry, sections=())) for of in detail.appearances)
        light = replace(detail, abstract=None, appearances=appearances)
        prepared[detail.id] = recent[detail.id][2], light, text
    return prepared


def _list_matching(
    alert: models.Alert, prepared: Sequence[_Prepared], recent: entries.Fingerprints
) -> list[int]:
    matching = []
    for _, paper, text in prepared:
        votes = recent[paper.id][1]
        if selection.meets_minimum(votes, alert.min_votes) and matcher.match(alert, paper, text):
            matching.append(paper.id)
        text.forget()
    return matching
