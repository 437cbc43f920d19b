"""What became of saved papers: asked of arXiv and Hugging Face every six days, and told in a weekly message.

`PaperWatch` reads what a service says now: versions, withdrawals, venues, code, models. `PaperSweep` asks it about a hundred
papers at most in a run, so that ten thousand are swept in a day and a request of arXiv is one of a hundred; an interrupted
run loses nothing, since what it did not store is still due. Half of a run are the longest overdue, half go round the readers.

`NewsPlanner` plans the messages, on Mondays at nine in the reader's zone and only if there is news: what a reader is told of
and the message itself are stored in one transaction, so that a restart repeats neither.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import structlog

from bot.archive import arxiv_ids, fields
from bot.core import clock, isolation
from bot.core.clock import Clock, TimeSlices
from bot.daily import schedule
from bot.outbox.contents import DeliveryFactory, KindRecord
from bot.sources import arxiv, base, feed, huggingface
from storage import accounts, alerts, errors, models, outbox, shelf
from storage.database import Connection, Database
from storage.models import NewsKind, SourceKind

log = structlog.get_logger(__name__)

HUGGINGFACE_SECONDS = 1.0
"""Time between two requests to Hugging Face for single papers, of which there is no list."""
_VERSION = re.compile(r"v(\d{1,3})\Z")
_MODEL_NAME = re.compile(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}")

RECHECK_AFTER = timedelta(days=6)
"""Less than a week, since a run comes every quarter of an hour only."""
BATCH_SIZE = 100
"""Papers per run and service; arXiv takes as many in a request."""
MAX_NEW = 5_000
"""Saved papers that a run begins to watch."""
MAX_FAILURES = 3
"""Failures of Hugging Face in a row after which the rest waits for the next run."""
RETRY_AFTER = timedelta(days=1)
"""Until Hugging Face is asked again about a paper that it failed for, so that the next run begins with others."""
AT = time(9)
MIN_INTERVAL = timedelta(days=6)
"""Between two messages, also if the reader's zone changes."""
MAX_PAPERS = 15
"""In a message; the others are in that of the next week."""
_EASTERNMOST, _WESTERNMOST = ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Etc/GMT+12")
"""Where Monday begins first and last."""

Facts: TypeAlias = dict[NewsKind, str]


@dataclass(frozen=True, slots=True)
class NewsPost:
    """What became of a reader's saved papers."""

    marker: str
    locale: models.Locale
    news: tuple[models.PaperNews, ...]


class PaperWatch:
    """Reads the present state of papers. `throttle` and `huggingface_throttle` keep the pace of the two services.

    Paper by paper Hugging Face has `{endpoint}/api/papers/{id}` with the code, and `{endpoint}/api/arxiv/{id}/repos` with
    the models that name the paper.
    """

    def __init__(
        self,
        fetch: base.Fetcher,
        endpoints: base.Endpoints,
        throttle: base.Throttle,
        huggingface_throttle: base.Throttle,
    ) -> None:
        self._fetcher = fetch
        self._endpoints = endpoints
        self._throttle = throttle
        self._huggingface_throttle = huggingface_throttle

    async def read_arxiv(self, arxiv_ids: Sequence[str]) -> dict[str, tuple[Facts, datetime | None]]:
        """Return what arXiv says of at most 100 papers, with the time (UTC) of their last version.

        Raises FetchError, of it BadRequestError if arXiv refuses one of the ids and so the request.
        """
        url = arxiv.query_url(self._endpoints[SourceKind.ARXIV], arxiv_ids)
        response = await self._fetcher.get(url, accept="application/atom+xml", throttle=self._throttle)
        entries = await arxiv.read_entries(response)
        return {
            arxiv_id: (_arxiv_facts(entry), entry.updated_at)
            for entry in entries
            if (arxiv_id := entry.arxiv_id) is not None and arxiv_id in arxiv_ids
        }

    async def read_huggingface(self, arxiv_id: str) -> Facts:
        """Return what Hugging Face says of a paper; nothing of one that it does not know. Raises FetchError."""
        paper = await self._get_json(f"/api/papers/{arxiv_id}")
        facts: Facts = {}
        if code := fields.clean_url(paper.get("githubRepo")):
            facts[NewsKind.CODE] = code
        models = (await self._get_json(f"/api/arxiv/{arxiv_id}/repos")).get("models")
        for model in models if isinstance(models, list) else ():
            name = model.get("id") if isinstance(model, Mapping) else None
            if isinstance(name, str) and _MODEL_NAME.fullmatch(name):
                facts[NewsKind.MODEL] = f"https://huggingface.co/{name}"
                break
        return facts

    async def _get_json(self, path: str) -> Mapping[str, Any]:
        url = self._endpoints[SourceKind.HUGGINGFACE].rstrip("/") + path
        try:
            response = await self._fetcher.get(
                url,
                accept="application/json",
                throttle=self._huggingface_throttle,
                max_bytes=huggingface.MAX_PAPER_BYTES,
            )
        except (base.NotFoundError, base.GoneError):
            return {}
        try:
            answer = await asyncio.to_thread(lambda: fields.decode_json(response.text()))
        except errors.TooManyPartsError as error:
            raise base.FetchError(str(error)) from None
        except ValueError:
            raise base.FetchError("its response is not JSON") from None
        return answer if isinstance(answer, Mapping) else {}


def _arxiv_facts(entry: feed.FeedEntry) -> Facts:
    facts: Facts = {}
    if match := _VERSION.search(entry.key):
        facts[NewsKind.VERSION] = match[1].lstrip("0") or "1"
    texts = (entry.comment, *entry.contents[:1])
    if any(fields.says_withdrawn(text) for text in texts):
        facts[NewsKind.WITHDRAWN] = "withdrawn"
    elif venue := fields.find_venue(entry.comment):
        facts[NewsKind.VENUE] = venue
    return facts


class PaperSweep:
    """Runs over the papers that are due. Failures of a service are logged, and its papers stay due.

    An id that arXiv refuses counts as asked about. For whom Hugging Face failed is kept in memory only.
    """

    def __init__(self, database: Database, clock: Clock, reader: PaperWatch) -> None:
        self._database = database
        self._clock = clock
        self._reader = reader
        self._failed_at: dict[int, datetime] = {}

    async def run(self) -> int:
        """Watch newly saved papers and ask about those that are due. Returns the number of news from the services."""
        count = 0
        await self._watch_saved()
        for ask in (self._ask_arxiv, self._ask_huggingface):
            with isolation.isolated(
                log, "looking for news of saved papers failed", reraise=(errors.StorageError,)
            ):
                count += await ask()
        return count

    async def _watch_saved(self) -> None:
        """Watch newly saved papers and no longer those that no reader keeps, and store code that the archive learnt of."""
        async with self._database.read() as connection:
            unwatched = await shelf.list_unwatched(connection, MAX_NEW)
            unsaved = await shelf.list_unsaved(connection)
            found = await shelf.list_archived_code(connection)
        code = {paper_id: address for paper_id, address in found.items() if paper_id not in unsaved}
        # Usually nothing has changed, and the one writer of SQLite is not held for it.
        if unwatched or unsaved or code:
            async with self._database.transaction() as connection:
                await shelf.unwatch_papers(connection, unsaved)
                await shelf.add_code(connection, code, self._clock())
                await shelf.watch_papers(connection, unwatched, self._clock())

    async def _list_due(self, service: SourceKind) -> dict[str, int]:
        """Return the papers to ask about. An invalid id, stored before ids were checked, counts as asked about."""
        now = self._clock()
        self._failed_at = {id_: at for id_, at in self._failed_at.items() if now - at < RETRY_AFTER}
        failed = self._failed_at if service is SourceKind.HUGGINGFACE else ()
        async with self._database.read() as connection:
            due = await shelf.list_due_watched(connection, service, now - RECHECK_AFTER, BATCH_SIZE, failed)
        possible = {name: id_ for name, id_ in due.items() if arxiv_ids.is_possible(name, now.date())}
        if impossible := set(due.values()).difference(possible.values()):
            await self._record(service, list(impossible), {})
        return possible

    async def _ask_arxiv(self) -> int:
        due, count = await self._list_due(SourceKind.ARXIV), 0
        try:
            async for asked, found in arxiv.read_halved(list(due), self._reader.read_arxiv):
                readings: dict[int, shelf.Reading] = {
                    due[arxiv_id]: (facts, at or shelf.ALWAYS)
                    for arxiv_id, (facts, at) in (found or {}).items()
                }
                count += await self._record(SourceKind.ARXIV, [due[name] for name in asked], readings)
        except base.FetchError as error:
            log.info("arXiv was not asked about saved papers", reason=str(error))
        return count

    async def _ask_huggingface(self) -> int:
        count = failures = 0
        for arxiv_id, paper_id in (await self._list_due(SourceKind.HUGGINGFACE)).items():
            failed: list[Exception] = []
            with isolation.collected(failed, reraise=(errors.StorageError,)):
                facts = await self._reader.read_huggingface(arxiv_id)
            for error in failed:
                if isinstance(error, base.FetchError):
                    log.info(
                        "Hugging Face was not asked about a saved paper", paper=arxiv_id, reason=str(error)
                    )
                else:
                    isolation.log_error(log, "news of a saved paper not read", error, paper=arxiv_id)
                self._failed_at[paper_id] = self._clock()
            failures = failures + 1 if failed else 0
            if failures == MAX_FAILURES:
                break
            if failed:
                continue
            count += await self._record(SourceKind.HUGGINGFACE, [paper_id], {paper_id: (facts, shelf.ALWAYS)})
        return count

    async def _record(
        self, service: SourceKind, asked_ids: Sequence[int], readings: dict[int, shelf.Reading]
    ) -> int:
        async with self._database.transaction() as connection:
            return await shelf.record_news(connection, service, asked_ids, readings, self._clock())


async def _undo(connection: Connection, unsent: Sequence[models.Delivery], now: datetime) -> None:
    """Let the news come with the next ones."""
    await shelf.mark_unsent(connection, [row.id for row in unsent])


NEWS: KindRecord[NewsPost] = KindRecord(
    kind=models.DeliveryKind.NEWS,
    priority=models.Priority.NOTIFICATION,
    render=lambda renderer, post: renderer.render_news(post),
    undo=_undo,
)


class NewsPlanner:
    """Plans the messages that are due. `locale` and `timezone` are for readers who have not chosen."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        deliveries: DeliveryFactory,
        *,
        locale: models.Locale,
        timezone: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries
        self._locale = locale
        self._timezone = timezone

    async def run(self) -> int:
        """Plan the messages that are due now. Returns their number."""
        now = self._clock()
        first, last = _latest_monday(now, _EASTERNMOST), _latest_monday(now, _WESTERNMOST)
        # While it is nine in one zone after the other, what was found just now may be due in the next one.
        found_until = now if last < first else last
        async with self._database.read() as connection:
            unsent = await shelf.list_unsent(connection, found_until, now - MIN_INTERVAL)
            known = await accounts.list_readers_by_id(connection, list(unsent))
        planned, slices = 0, TimeSlices()
        for user_id in unsent:
            if _latest_monday(now, self._zone_of(known.get(user_id))) < first:
                continue  # this week's Monday has not come yet
            # A reader whose message fails to render must not hold up the others.
            with isolation.isolated(log, "news of saved papers not planned", reader=user_id):
                planned += await self._plan(user_id, now)
            await slices.pause()
        return planned

    async def _plan(self, user_id: int, now: datetime) -> bool:
        async with self._database.transaction() as connection:
            # `/me forget` takes the same lock: a reader who is forgotten meanwhile gets no message.
            await alerts.lock_planning(connection)
            reader = await accounts.get_reader(connection, user_id)
            found_until = _latest_monday(now, self._zone_of(reader))
            unsent = await shelf.list_unsent(connection, found_until, now - MIN_INTERVAL, user_id)
            chosen = _choose(unsent.get(user_id, []))
            if not chosen:
                return False
            last_id = chosen[-1][0]
            marker = f"news:{user_id}:{found_until:%Y%m%d}"
            locale = (reader and reader.locale) or self._locale
            delivery = self._deliveries.build_post(
                NEWS,
                NewsPost(marker, locale, tuple(news for _, news in chosen)),
                now,
                key=f"news:{user_id}:{last_id}:{int(now.timestamp())}",
                due_at=found_until,
                user_id=user_id,
                channel_id=reader.dm_channel_id if reader is not None else None,
            )
            delivery_id = await outbox.add(connection, delivery)
            if delivery_id is not None:
                await shelf.mark_sent(connection, user_id, last_id, delivery_id, now)
            return delivery_id is not None

    def _zone_of(self, reader: models.Reader | None) -> ZoneInfo:
        name = (reader and reader.timezone) or self._timezone
        return clock.parse_zone(name if clock.is_known_zone(name) else "UTC")


def _latest_monday(now: datetime, zone: ZoneInfo) -> datetime:
    """Return the last Monday at nine in a zone that is not after `now`, in UTC."""
    on = clock.local_date(now, zone)
    monday = on - timedelta(days=on.weekday())
    due = schedule.wall_clock_to_utc(monday, AT, zone)
    return due if due <= now else schedule.wall_clock_to_utc(monday - timedelta(days=7), AT, zone)


def _choose(unsent: shelf.Unsent) -> shelf.Unsent:
    """Return the first news, of at most MAX_PAPERS papers."""
    papers: set[str] = set()
    for index, (_, news) in enumerate(unsent):
        papers.add(news[0])
        if len(papers) > MAX_PAPERS:
            return unsent[:index]
    return unsent
