"""arXiv's Atom API: facts about papers by id, for the archive and for readers who look up a paper.

https://info.arxiv.org/help/api/

A request has at most 100 ids, and at most one request is made every 3 seconds, including retries. If arXiv
considers an id malformed, it rejects the whole request, with status 400 or an entry whose id starts with
`http://arxiv.org/api/errors#incorrect_id`. At times it counts papers (`totalResults`) that its page lacks, or answers
without entries and counts none, as if there were nothing. So an empty answer says nothing until a later one agrees.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

import structlog

from bot.archive import arxiv_ids, sorting
from bot.core import isolation
from bot.core.clock import Clock
from bot.sources import base, feed_entries
from bot.text import analyser, typography
from storage import models
from storage.snapshot import chunked

if TYPE_CHECKING:
    from bot.archive.ingest import IngestService

log = structlog.get_logger(__name__)

IDS_PER_REQUEST = 100
TITLES_PER_REQUEST = 10
SECONDS_PER_REQUEST = 3.1
"""arXiv asks for three seconds; the margin covers network delays."""
ACCEPT = "application/atom+xml, */*;q=0.1"
"""At times arXiv answers 406 to a client that accepts nothing else."""
MAX_REQUESTS_PER_PAGE = 2
"""How often an incomplete or empty page is requested before its papers are left for later."""
MAX_RESULTS, _SEARCH_SECONDS = 30_000, 900.0
"""The most results of a query that arXiv gives, and the longest that they are read."""
_TITLE_PAGE, _MAX_TITLE_RESULTS = 100, 200
"""Results read for titles in one request, and for a title alone: arXiv finds all titles with its words."""
_MAX_PHRASE, _MAX_TITLE_QUERY = 300, 3_000
"""The characters of a title that are searched for, and those that the titles of a request take in its address."""
_AGREES_AFTER, _MAX_ABSENCES = timedelta(minutes=10), 10_000
_ERROR_MARK = "api/errors"
_BAD_ID_MARK = f"{_ERROR_MARK}#incorrect_id"


@dataclass(eq=False)
class Absences:
    """The ids and titles about which arXiv's answer was empty, with the time of the first such answer."""

    clock: Clock
    since: dict[str, datetime] = field(default_factory=dict)

    def confirm(self, names: Sequence[str]) -> list[str]:
        """Return those of these names for which an answer some minutes ago was empty, too. The others are remembered."""
        now = self.clock()
        if len(self.since) > _MAX_ABSENCES:
            self.since.clear()
        return [name for name in names if now - self.since.setdefault(name, now) >= _AGREES_AFTER]


class IdAnswer(NamedTuple):
    """Facts about papers, the ids unknown to arXiv, and those whose request failed or had an empty answer."""

    facts: Sequence[models.PaperFacts] = ()
    unknown: Sequence[str] = ()
    failed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ArxivReader:
    """Reads arXiv's API. Without `absences`, an empty answer is never evidence that arXiv lacks a paper."""

    endpoint: str
    fetcher: base.Fetcher
    throttle: base.Throttle
    absences: Absences | None = None

    async def read_papers(self, ids: Sequence[str], today: date) -> AsyncIterator[IdAnswer]:
        """Yield the answers to batches of ids. Ids that an incomplete response lacks are in none. Raises FetchError."""
        possible = [arxiv_id for arxiv_id in dict.fromkeys(ids) if arxiv_ids.is_possible(arxiv_id, today)]
        if impossible := sorted({*ids} - {*possible}):
            yield IdAnswer(unknown=impossible)
        todo = [list(batch) for batch in chunked(possible, IDS_PER_REQUEST)][::-1]
        while todo:
            batch = todo.pop()
            try:
                answered, missing_count = await self.search({"id_list": ",".join(batch)}, len(batch))
            except base.FetchError as error:
                if not error.is_of_page:
                    raise
                if middle := len(batch) // 2:
                    todo += (batch[middle:], batch[:middle])
                    continue
                log.info("arXiv does not answer about a paper", paper=batch[0], reason=str(error))
                is_rejected = error.code == base.BAD_REQUEST
                yield IdAnswer(unknown=batch) if is_rejected else IdAnswer(failed=batch)
            else:
                facts = [fact for fact in answered if fact.paper_key in batch]
                rest = sorted({*batch} - {fact.paper_key for fact in facts})
                if missing_count:
                    yield IdAnswer(facts)
                else:
                    unknown = rest if answered else self._list_confirmed(rest)
                    yield IdAnswer(facts, unknown, failed=sorted({*rest} - {*unknown}))

    def _list_confirmed(self, names: Sequence[str]) -> Sequence[str]:
        """Return those names of an empty answer that are unknown to arXiv, since an earlier answer was empty, too."""
        return () if self.absences is None else self.absences.confirm(names)

    async def find_titled(
        self, titles: Sequence[str]
    ) -> AsyncIterator[tuple[Mapping[str, models.PaperFacts], Sequence[str], Sequence[str]]]:
        """Yield facts about papers with exactly these titles, by title, the titles unknown to arXiv, and all that were asked for.

        A title whose answer was incomplete or empty is in neither of the first two. Raises FetchError.
        """
        todo = list(_batch_titles(titles))
        while todo:
            batch = todo.pop(0)
            answered, missing_count = await self._search_titles(batch)
            facts = {analyser.fold_title(fact.title): fact for fact in answered if fact.title}
            folded = {title: analyser.fold_title(title) for title in batch}
            found = {title: facts[key] for title, key in folded.items() if key and key in facts}
            rest = [title for title in batch if title not in found]
            if not missing_count:
                yield found, rest if answered else self._list_confirmed(rest), batch
            else:
                yield found, (), batch
                if len(batch) > 1:  # together they have too many hits: ask for each alone
                    todo += [[title] for title in rest]

    async def _search_titles(self, titles: Sequence[str]) -> tuple[list[models.PaperFacts], int]:
        """Return what `search` does about papers whose titles have all the words of one of these, in order."""
        query = " OR ".join(f'ti:"{phrase}"' for phrase in map(_read_phrase, titles) if phrase)
        most = _MAX_TITLE_RESULTS if len(titles) == 1 else _TITLE_PAGE
        return await self.search({"search_query": query}, _TITLE_PAGE, most) if query else ([], 0)

    async def search(
        self, query: Mapping[str, str], page_size: int, most: int = MAX_RESULTS
    ) -> tuple[list[models.PaperFacts], int]:
        """Return facts about the papers that a query finds, in order, and how many more arXiv counts. Raises FetchError.

        Reads the first `most` papers, and each incomplete or empty page twice.
        """
        entries: dict[str, feed_entries.FeedEntry] = {}
        total, read_at = 0, models.NEVER
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                for start in range(0, most, page_size):
                    before = len(entries)
                    for _ in range(MAX_REQUESTS_PER_PAGE):
                        page, read_at = await self._get_page(query, page_size, start)
                        entries |= {entry.key: entry for entry in _check_entries(page)}
                        # A later page may be empty and count nothing.
                        total = max(total, page.total or 0)
                        if entries and len(entries) - before >= min(page_size, min(total, most) - start):
                            break
                    if start + page_size >= total or len(entries) == before:
                        break
        except TimeoutError:
            raise base.FetchError(f"reading its results took longer than {_SEARCH_SECONDS:g} s") from None
        read = [sorting.attempt(read_facts, entry, self.endpoint, read_at) for entry in entries.values()]
        failed = sum(isinstance(facts, models.Skipped) for facts in read)
        found = [facts for facts in read if isinstance(facts, models.PaperFacts)]
        return found, max(0, total - len(entries)) + failed

    async def _get_page(
        self, query: Mapping[str, str], page_size: int, start: int
    ) -> tuple[feed_entries.Feed, datetime]:
        asked = {**query, "max_results": page_size} | ({"start": start} if start else {})
        url = f"{self.endpoint}{'&' if '?' in self.endpoint else '?'}{urlencode(asked, safe=',/')}"
        try:
            response = await self.fetcher.get(url, accept=ACCEPT, throttle=self.throttle)
        except base.FetchError as error:
            if error.code in (base.NOT_FOUND, base.GONE):  # all queries have one address
                raise base.FetchError(str(error)) from None
            raise
        return await feed_entries.read_document(response), response.page_state.read_at


def _read_phrase(title: str) -> str:
    """Return the words of a title by which arXiv is searched."""
    return " ".join(re.findall(r"\w+", typography.to_plain_text(title))[:20])[:_MAX_PHRASE]


def _batch_titles(titles: Iterable[str]) -> Iterator[list[str]]:
    """Yield the titles of each request. In an address a sign of Hangul takes nine characters."""
    batch, size = list[str](), 0
    for title in titles:
        length = len(urlencode({" OR ti": f'"{_read_phrase(title)}"'}))
        if batch and (len(batch) == TITLES_PER_REQUEST or size + length > _MAX_TITLE_QUERY):
            yield batch
            batch, size = [], 0
        batch.append(title)
        size += length
    if batch:
        yield batch


def _check_entries(answer: feed_entries.Feed) -> Sequence[feed_entries.FeedEntry]:
    """Return the entries in a response. Raises FetchError if it reports an error."""
    for entry in answer.entries:
        if _ERROR_MARK in entry.key:
            code = base.BAD_REQUEST if _BAD_ID_MARK in entry.key else None
            raise base.FetchError(f"it reports an error: {' '.join(entry.contents)[:200]}", code=code)
    return answer.entries


def read_facts(entry: feed_entries.FeedEntry, location: str, read_at: datetime) -> models.PaperFacts | None:
    """Return the facts in an entry of an answer, or None if it names no paper."""
    if (paper := feed_entries.read_paper(entry)) is None:
        return None
    return feed_entries.paper_facts(entry, paper, location, models.SourceKind.ARXIV.value, read_at)


# Lookups of papers in no digest. Their facts are stored, but the papers stay unlisted until a digest lists
# them.

PATIENCE_SECONDS = 10.0
"""How long a reader waits at most. A later response is stored for the next attempt."""
MAX_PER_DAY = 20
"""The most papers that arXiv answers for one reader a day (UTC)."""


class LookupOutcome(StrEnum):
    FOUND = "found"
    UNKNOWN = "unknown"
    """arXiv does not have the paper."""
    UNREACHABLE = "unreachable"
    LATE = "late"
    """The paper is still being fetched."""
    LIMITED = "limited"
    """The reader has reached the daily limit."""
    ELSEWHERE = "elsewhere"
    """It is not a paper of arXiv."""
    OFF = "off"
    """This bot sends no requests to arXiv."""
    HIDDEN = "hidden"
    """The operator has hidden it."""


@dataclass(eq=False)
class PaperLookup:
    """Fetches papers for readers. Concurrent look-ups of the same paper share a request.

    `throttle` enforces arXiv's rate limit. `patience` is the longest that a reader waits, in seconds. Without an `endpoint`,
    as in the demo, no request is sent.
    """

    clock: Clock
    ingest: IngestService
    open_fetcher: Callable[[], AbstractAsyncContextManager[base.Fetcher]]
    endpoint: str
    throttle: base.Throttle
    patience: float = PATIENCE_SECONDS

    def __post_init__(self) -> None:
        self._resume_at: datetime | None = None
        self._counted_on = date.min
        self._counts: Counter[int] = Counter()
        self._running: dict[str, asyncio.Task[dict[str, LookupOutcome]]] = {}
        self._absences = Absences(self.clock)

    async def fetch(self, user_id: int, ids: Sequence[str]) -> dict[str, LookupOutcome]:
        """Fetch and store papers of arXiv. Returns the outcomes by the papers' keys."""
        outcomes = dict.fromkeys(await self.ingest.find_hidden(ids), LookupOutcome.HIDDEN)
        started: list[str] = []
        for arxiv_id in dict.fromkeys(ids):
            if arxiv_id in outcomes:
                continue
            if models.scheme_of(arxiv_id) != "arxiv":
                outcomes[arxiv_id] = LookupOutcome.ELSEWHERE
            elif arxiv_id not in self._running:
                is_possible = arxiv_ids.is_possible(arxiv_id, self.clock().date())
                outcome = self._refuse(user_id) if is_possible else LookupOutcome.UNKNOWN
                if outcome is None:
                    started.append(arxiv_id)
                else:
                    outcomes[arxiv_id] = outcome
        if started:
            task = asyncio.create_task(self._fetch_batch(started, user_id))
            self._running |= dict.fromkeys(started, task)
        running = {arxiv_id: self._running[arxiv_id] for arxiv_id in ids if arxiv_id in self._running}
        if running:
            await asyncio.wait({*running.values()}, timeout=self.patience)
        for arxiv_id, task in running.items():
            is_done = task.done() and not task.cancelled()
            outcomes[arxiv_id] = task.result()[arxiv_id] if is_done else LookupOutcome.LATE
        return {arxiv_id: outcomes[arxiv_id] for arxiv_id in ids}

    async def fetch_titled(self, user_id: int, titles: Sequence[str]) -> dict[str, str | None]:
        """Fetch papers with exactly these titles from arXiv and store them. Returns the arXiv ids by title.

        None: arXiv has no such paper. Titles beyond the reader's daily limit, that arXiv did not answer in time or that
        could not be looked up are left out. An incomplete answer counts towards the limit, too.
        """
        ids: dict[str, str | None] = {}
        allowed = [title for title in titles if self._refuse(user_id) is None]
        unanswered = {*allowed}
        expected = TimeoutError, base.FetchError
        with suppress(*expected), isolation.isolated(log, "titles not looked up", reraise=expected):
            async with asyncio.timeout(self.patience), self.open_fetcher() as fetch:
                reader = ArxivReader(self.endpoint, fetch, self.throttle, self._absences)
                async for found, unknown, answered in reader.find_titled(allowed):
                    unanswered -= {*answered}
                    await self.ingest.add_facts([*found.values()])
                    ids |= {title: fact.paper_key for title, fact in found.items()} | dict.fromkeys(unknown)
        self._give_back(user_id, unanswered)
        return ids

    async def close(self) -> None:
        await isolation.cancel(*{*self._running.values()})

    def _refuse(self, user_id: int) -> LookupOutcome | None:
        """Return why a paper may not be fetched, or None, which is counted towards the reader's limit."""
        if not self.endpoint:
            return LookupOutcome.OFF
        today = self.clock().date()
        if today != self._counted_on:
            self._counted_on = today
            self._counts.clear()
        if self._resume_at is not None and self.clock() < self._resume_at:
            return LookupOutcome.UNREACHABLE
        if self._counts[user_id] >= MAX_PER_DAY:
            return LookupOutcome.LIMITED
        self._counts[user_id] += 1
        return None

    def _give_back(self, user_id: int, names: Collection[str]) -> None:
        """Take papers that arXiv did not answer for off the reader's count. An empty or incomplete answer is one."""
        number = sum(name not in self._absences.since for name in names)
        self._counts[user_id] = max(0, self._counts[user_id] - number)

    async def _fetch_batch(self, batch: Sequence[str], user_id: int) -> dict[str, LookupOutcome]:
        outcomes = dict.fromkeys(batch, LookupOutcome.UNREACHABLE)
        try:
            with isolation.isolated(log, "papers not fetched", reraise=(base.FetchError,), papers=batch):
                async with self.open_fetcher() as fetch:
                    reader = ArxivReader(self.endpoint, fetch, self.throttle, self._absences)
                    async for facts, missing, _ in reader.read_papers(batch, self.clock().date()):
                        titled = [fact for fact in facts if fact.title]
                        await self.ingest.add_facts(titled)
                        outcomes |= dict.fromkeys(missing, LookupOutcome.UNKNOWN)
                        outcomes |= {fact.paper_key: LookupOutcome.FOUND for fact in titled}
        except base.FetchError as error:
            self._resume_at = error.retry_at
            log.info("could not ask arXiv about papers for readers", papers=batch, reason=str(error))
        finally:
            failed = [name for name, outcome in outcomes.items() if outcome is LookupOutcome.UNREACHABLE]
            self._give_back(user_id, failed)
            for arxiv_id in batch:
                del self._running[arxiv_id]
        return outcomes
