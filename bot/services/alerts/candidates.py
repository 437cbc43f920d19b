"""Retrieves the alerts that may match papers, recipient by recipient: the first step of a percolator."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Sequence
from typing import Protocol, TypeAlias

from bot.services.alerts import matcher
from bot.text.matching import keyword_match
from bot.time_slices import TimeSlices
from storage import bulk, models, papers
from storage.database import Database
from storage.outbox import alert_matches
from storage.search import trigger_terms

PAPER_BATCH_SIZE = 8
"""Papers whose terms are looked up at once; a paper has thousands."""
MAX_CACHED_CHARACTERS = 1_000_000
"""Characters of the papers that stay prepared for matching; a paper takes about ten times as many bytes."""

Candidates: TypeAlias = tuple[str, list[tuple[int, Sequence[int]]]]
"""A recipient (`user:<id>` or `channel:<id>`), and the ids of their alerts, each with the papers it may match."""


class CandidateSource(Protocol):
    """Finds the recipients of papers. It does not decide what matches: the planner compares each candidate."""

    def iterate(self, paper_ids: Sequence[int], after: str | None) -> AsyncGenerator[Candidates, None]:
        """Yield each recipient after `after` once, in ascending order of their names."""
        ...


class PaperTexts:
    """Papers prepared for matching. The latest stay in memory; others are read and prepared again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._prepared: dict[int, tuple[models.PaperDetail, keyword_match.KeywordText]] = {}

    def clear(self) -> None:
        """Forget the papers, whose texts may have changed."""
        self._prepared.clear()

    async def get(self, paper_id: int) -> tuple[models.PaperDetail, keyword_match.KeywordText] | None:
        """Return a paper with its text; None if no digest names it any more."""
        if paper_id not in self._prepared:
            async with self._database.read() as connection:
                for detail in await papers.list_details(connection, [paper_id]):
                    text = await asyncio.to_thread(_prepare, detail)
                    self._evict(text.characters)
                    self._prepared[paper_id] = detail, text
        return self._prepared.get(paper_id)

    def _evict(self, characters: int) -> None:
        characters += sum(text.characters for _, text in self._prepared.values())
        while self._prepared and characters > MAX_CACHED_CHARACTERS:
            _, text = self._prepared.pop(next(iter(self._prepared)))
            characters -= text.characters


def _prepare(detail: models.PaperDetail) -> keyword_match.KeywordText:
    text = matcher.keyword_text(detail)
    text.prepare()
    return text


class TriggerTermSource:
    """Retrieves candidates by the trigger terms that stored alerts have in common with the papers."""

    def __init__(self, database: Database, texts: PaperTexts) -> None:
        self._database = database
        self._texts = texts

    async def iterate(self, paper_ids: Sequence[int], after: str | None) -> AsyncGenerator[Candidates, None]:
        """Yield the recipients; all candidates are retrieved before the first, as ids."""
        found: dict[str, list[tuple[int, Sequence[int]]]] = {}
        for batch in bulk.chunked(paper_ids, PAPER_BATCH_SIZE):
            await self._retrieve(batch, after, found)
        recipients = list(found)
        heapq.heapify(recipients)  # sorting a hundred thousand at once would block the event loop
        while recipients:
            recipient = heapq.heappop(recipients)
            yield recipient, found.pop(recipient)

    async def _retrieve(
        self, paper_ids: Sequence[int], after: str | None, found: dict[str, list[tuple[int, Sequence[int]]]]
    ) -> None:
        """Add the candidates of a few papers to `found`."""
        terms: dict[int, set[str]] = {}
        for paper_id in paper_ids:
            if prepared := await self._texts.get(paper_id):
                detail, text = prepared
                terms[paper_id] = await asyncio.to_thread(matcher.candidate_terms, detail, text)
        papers_by_term: dict[str, tuple[int, ...]] = {}
        slices = TimeSlices()
        async with self._database.read() as connection:
            all_terms = await asyncio.to_thread(lambda: set[str]().union(*terms.values()))
            async for rows in trigger_terms.stream_alerts(connection, all_terms):
                for term, alert_id, user_id, channel_id in rows:
                    recipient = alert_matches.recipient_name(user_id, channel_id)
                    if after is not None and recipient <= after:
                        continue
                    if term not in papers_by_term:
                        papers_by_term[term] = tuple(id_ for id_, own in terms.items() if term in own)
                    found.setdefault(recipient, []).append((alert_id, papers_by_term[term]))
                await slices.pause()
