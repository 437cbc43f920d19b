"""Retrieves the alerts that may match papers, recipient by recipient: the first step of a percolator."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Mapping, Sequence, Set
from typing import Protocol, TypeAlias

from bot.services.alerts import matcher
from bot.text.matching import exact_keys, keyword_match
from bot.time_slices import TimeSlices
from storage import bulk, models, papers
from storage.database import Database
from storage.outbox import alert_matches
from storage.search import alert_terms

PAPER_BATCH_SIZE = 25
"""Papers whose terms are looked up at once; a paper has thousands."""
MAX_CACHED_CHARACTERS = 1_000_000
"""Characters of the papers that stay prepared for matching; a paper takes about ten times as many bytes."""

Candidate: TypeAlias = tuple[int, str, Sequence[int]]
"""The id of an alert, one of its alert terms, and the papers that have it."""
Candidates: TypeAlias = tuple[str, list[Candidate]]
"""A recipient (`user:<id>` or `channel:<id>`), and their alerts with the papers that these may match."""
PreparedPaper: TypeAlias = tuple[models.PaperDetail, keyword_match.KeywordText]


class CandidateSource(Protocol):
    """Finds the recipients of papers. It does not decide what matches: the planner compares each candidate."""

    def iterate(
        self, paper_ids: Sequence[int], after: str | None, *, only_names: bool = False
    ) -> AsyncGenerator[Candidates, None]:
        """Yield each recipient after `after` once, in ascending order of their names.

        `only_names` leaves out alerts without an author or an institution.
        """
        ...


class PaperTexts:
    """Papers prepared for matching. The latest stay in memory; others are read and prepared again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._prepared: dict[int, PreparedPaper] = {}

    def clear(self) -> None:
        """Forget the papers, whose texts may have changed."""
        self._prepared.clear()

    async def get(self, paper_id: int) -> PreparedPaper | None:
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


class AlertTermSource:
    """Retrieves candidates by the alert terms that stored alerts have in common with the papers."""

    def __init__(self, database: Database, texts: PaperTexts) -> None:
        self._database = database
        self._texts = texts

    async def iterate(
        self, paper_ids: Sequence[int], after: str | None, *, only_names: bool = False
    ) -> AsyncGenerator[Candidates, None]:
        """Yield the recipients; all candidates are retrieved before the first, as ids."""
        found: dict[str, list[Candidate]] = {}
        for batch in bulk.chunked(paper_ids, PAPER_BATCH_SIZE):
            prepared = [one for paper_id in batch if (one := await self._texts.get(paper_id))]
            papers_by_term = await self.list_terms(prepared, only_names=only_names)
            await self._retrieve(papers_by_term, after, found)
        recipients = list(found)
        heapq.heapify(recipients)  # sorting a hundred thousand at once would block the event loop
        while recipients:
            recipient = heapq.heappop(recipients)
            yield recipient, found.pop(recipient)

    async def list_terms(
        self, prepared: Sequence[PreparedPaper], *, only_names: bool = False
    ) -> dict[str, list[int]]:
        """Return the alert terms of stored alerts that papers have, each with the papers. Reads no alert.

        `only_names` leaves out those of keywords.
        """
        terms: dict[int, set[str]] = {}
        for detail, text in prepared:
            if only_names:
                terms[detail.id] = await asyncio.to_thread(matcher.candidate_names, detail)
            else:
                terms[detail.id] = await asyncio.to_thread(matcher.paper_alert_terms, detail, text)
        async with self._database.read() as connection:
            distinct = await asyncio.to_thread(lambda: set[str]().union(*terms.values()))
            long = await asyncio.to_thread(lambda: set(filter(exact_keys.is_beginning, distinct)))
            beginnings = frozenset(await alert_terms.list_beginnings(connection, long))
            for detail, text in prepared:
                terms[detail.id] |= await asyncio.to_thread(text.long_keys, beginnings)
            distinct = await asyncio.to_thread(
                lambda: set[str]().union(*terms.values()) - (long - beginnings)
            )
            stored = frozenset(await alert_terms.list_stored(connection, distinct))
        return await asyncio.to_thread(_invert, terms, stored)

    async def _retrieve(
        self, papers_by_term: Mapping[str, list[int]], after: str | None, found: dict[str, list[Candidate]]
    ) -> None:
        """Add the candidates of a few papers to `found`."""
        slices = TimeSlices()
        async with self._database.read() as connection:
            async for rows in alert_terms.stream_alerts(connection, papers_by_term):
                for term, alert_id, user_id, channel_id in rows:
                    recipient = alert_matches.recipient_name(user_id, channel_id)
                    if after is None or recipient > after:
                        found.setdefault(recipient, []).append((alert_id, term, papers_by_term[term]))
                    await slices.pause()


def _invert(terms: Mapping[int, Set[str]], stored: frozenset[str]) -> dict[str, list[int]]:
    """Return for each stored term the papers that have it."""
    papers_by_term: dict[str, list[int]] = {}
    for paper_id, own in terms.items():
        for term in own & stored:
            papers_by_term.setdefault(term, []).append(paper_id)
    return papers_by_term
