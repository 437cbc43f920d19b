"""Hugging Face's daily papers: each day's list as a digest of format *listing*, and facts including votes.

`{endpoint}/api/daily_papers?date=YYYY-MM-DD` returns a JSON list, in pages: 50 papers unless `limit` (at most 100) asks
for more, and the next ones for `p` (from 0). Days are in UTC. A list grows until it closes; see `bot.core.day_close`.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import aiolimiter
import structlog

from bot.archive import fields, listing, sorting
from bot.core import day_close
from bot.sources import base, pages
from storage import models, sources
from storage.models import FetchStatus

log = structlog.get_logger(__name__)

_DAILY_PAPERS_PATH = "/api/daily_papers"
_PAGE_SIZE, _MAX_PAGES, _MAX_LIST_BYTES, _LIST_SECONDS = 100, 10, 10_000_000, 120.0
"""Papers on a page, and the limits of a day's list."""
_AT_ONCE, _PER_SECOND = 100, 1.25
"""Requests: at most 475 in five minutes. Hugging Face allows an address 500."""
ADDRESS = "https://huggingface.co"
"""The address of the source, even if the settings give another endpoint."""
_SPELLINGS = re.compile(
    r"(?:https?://)?(?:www\.)?(?:huggingface\.(?:co|com)|hf\.co)/?(?:(?:daily[_-])?papers(?:[/?#].*)?|api/daily_papers.*)?",
    re.IGNORECASE | re.ASCII,
)
_VOTE_REFRESH_DAYS = (1, 3, 7)
"""Ages in days at which a list's votes are refreshed."""


@dataclass(frozen=True, slots=True)
class HuggingFaceSource:
    """The daily papers of one endpoint. Locations are the URLs of daily lists."""

    endpoint: str
    fetcher: base.Fetcher
    day_close: day_close.DayClose
    throttle: base.Throttle = field(
        default_factory=lambda: aiolimiter.AsyncLimiter(_AT_ONCE, _AT_ONCE / _PER_SECOND).acquire
    )

    def daily_papers_url(self, day: date) -> str:
        return f"{self.endpoint.rstrip('/')}{_DAILY_PAPERS_PATH}?date={day.isoformat()}"

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Fetch the requested days, or today and the days whose votes are due for a refresh."""
        for day in self._due_days(request) if request.days is None else request.days:
            yield await self.fetch_day(day, request)

    def _due_days(self, request: base.FetchRequest) -> Sequence[date]:
        """Return today, days whose lists are open, and days not read since their close or their last vote refresh."""
        today = request.now.astimezone(UTC).date()
        due = [today]
        for age in range(1, max(_VOTE_REFRESH_DAYS) + 1):
            day = today - timedelta(days=age)
            page_state = request.known(self.daily_papers_url(day))
            refresh_age = max((days for days in _VOTE_REFRESH_DAYS if days <= age), default=0)
            refresh_on = day + timedelta(days=refresh_age)
            if (
                page_state is None
                or self.day_close.is_list_growing(day, request.now)
                or page_state.read_at < self.day_close.closes_at(day)
                or page_state.read_at.astimezone(UTC).date() < refresh_on
            ):
                due.append(day)
        return due

    async def fetch_day(self, day: date, request: base.FetchRequest) -> base.FetchResult:
        location, today = self.daily_papers_url(day), request.now.astimezone(UTC).date()
        if day > today:
            return base.FetchResult(location, FetchStatus.NOT_YET, f"{day} has not begun", day=day)
        try:
            found, state = await self._read_list(day)
            digest = await asyncio.to_thread(_join, found)
        except base.FetchError as error:
            # A day that has not begun by Hugging Face's clock is a bad request.
            if error.code == base.BAD_REQUEST and day == today:
                return base.FetchResult(location, FetchStatus.NOT_YET, f"{day}: {error}", day=day)
            return base.failed_result(location, error, day)
        known = request.known(location)
        if known is not None and known.hash == state.hash:
            return base.unchanged_result(location, request, state, day)
        log.info("daily list read", day=str(day), papers=len(digest.entries))
        # Lists are empty at weekends. An empty list's state is saved only once the list can no longer grow.
        digests = (digest,) if digest.entries else ()
        is_final = digests or day < today or state.read_at >= self.day_close.closes_at(day)
        result = base.read_result(location, digests, [state] if is_final else [], day=day)
        if not digests:
            return replace(result, status=FetchStatus.NOT_YET, reason=f"{day}: its list of papers is empty")
        facts = await asyncio.to_thread(_facts_of, digests, location, day, state.read_at)
        return replace(result, facts=facts)

    async def _read_list(self, day: date) -> tuple[list[models.Digest], sources.PageState]:
        """Read a day's list to a page that is empty or brings no new paper. Raises FetchError if any page is not read.

        A short page need not be the last: it may have fewer items than requested. The state is that of the whole list,
        as of the first page's time. Pages are read without their validators, since an unchanged page does not imply an
        unchanged next one.
        """
        location, first_state = self.daily_papers_url(day), None
        digests, bodies, listed, count = list[models.Digest](), list[bytes](), set[str](), 0
        try:
            async with asyncio.timeout(_LIST_SECONDS):
                for number in range(_MAX_PAGES + 1):
                    url = f"{location}&limit={_PAGE_SIZE}&p={number}"
                    response = await self.fetcher.get(url, accept="application/json", throttle=self.throttle)
                    first_state = first_state or response.page_state
                    bodies.append(response.body or b"")
                    if sum(map(len, bodies)) > _MAX_LIST_BYTES:
                        raise base.FetchError(
                            f"its list is larger than {_MAX_LIST_BYTES / 1_000_000:g} MB", code=base.TOO_LARGE
                        )
                    [page] = await base.read_digests(_read_page, bodies[-1], response.charset, day, count)
                    new = {entry.paper_key for entry in page.entries} - listed
                    if new or not page.entries:
                        digests.append(page)
                    if not new:
                        content = hashlib.sha256(b"".join(bodies)).hexdigest()
                        state = sources.PageState(location, first_state.read_at, FetchStatus.OK, hash=content)
                        return digests, state
                    listed |= new
                    count += len(page.entries) + len(page.problems)
        except base.FetchError as error:
            if not digests:
                raise
            # A later page that is missing does not mean that the list is not there yet.
            raise base.FetchError(f"at page {len(digests) + 1}: {error}", retry_at=error.retry_at) from None
        except TimeoutError:
            raise base.FetchError(f"reading its list took longer than {_LIST_SECONDS:g} s") from None
        raise base.FetchError(f"its list has more than {_MAX_PAGES} pages", code=base.TOO_LARGE)


def _read_page(body: bytes, charset: str | None, day: date, before: int) -> tuple[models.Digest, ...]:
    """Parse a page of a day's list, after as many items as there are `before` it. Raises FetchError for other content."""
    text = base.decode_text(body, charset)
    try:
        items = fields.decode_json(text)
    except ValueError:
        kind = (
            "an HTML page instead of a list of papers" if text.lstrip(" \r\n\t[")[:1] == "<" else "not JSON"
        )
        raise base.FetchError(f"its response is {kind}") from None
    if not isinstance(items, list):
        note = fields.clean_line(items.get("error"), 200) if isinstance(items, dict) else None
        raise base.FetchError(f"its response is not a list of papers{f': {note}' if note else ''}")
    return (listing.build(day, listing.from_services(items), first=before + 1),)


def _join(pages: Sequence[models.Digest]) -> models.Digest:
    """Join the pages of a day's list, and note if no paper has votes. Raises FetchError if it has items, but no paper."""
    digest = listing.join(pages)
    if digest.problems and not digest.entries:
        count = len(digest.problems)
        raise base.FetchError(f"its list of {count} paper{'s' if count > 1 else ''} cannot be understood")
    if digest.entries and all(entry.votes is None for entry in digest.entries):
        lacking = sorting.skip(models.SkipReason.NO_VOTES, str(digest.date), len(digest.entries))
        return replace(digest, warnings=(*digest.warnings, lacking))
    return digest


def _facts_of(
    digests: tuple[models.Digest, ...], location: str, day: date, read_at: datetime
) -> tuple[models.PaperFacts, ...]:
    place = models.SourceKind.HUGGINGFACE.value, location, read_at
    papers = (paper for digest in digests for paper in listing.papers_of(digest.text))
    return tuple(listing.to_facts(paper, *place, votes=paper.get("votes"), listed_on=day) for paper in papers)


def normalise(address: str) -> str:
    """Return `ADDRESS` for common spellings such as hf.co/papers. Other addresses are unchanged."""
    return ADDRESS if _SPELLINGS.fullmatch(address.strip()) else address


def _matches(address: str, endpoints: base.Endpoints) -> bool:
    addresses = endpoints[models.SourceKind.HUGGINGFACE].rstrip("/"), ADDRESS
    return normalise(address).rstrip("/") in addresses or _DAILY_PAPERS_PATH in address


def _open(address: str, options: Mapping[str, object], context: base.SourceContext) -> HuggingFaceSource:
    """Open a source. For Hugging Face's own address, use the endpoint in the settings."""
    endpoint = normalise(address).partition(_DAILY_PAPERS_PATH)[0].rstrip("/").removesuffix("/papers")
    if endpoint == ADDRESS:
        endpoint = context.endpoints[models.SourceKind.HUGGINGFACE]
    return HuggingFaceSource(endpoint, context.fetch, context.day_close)


KIND = base.KindRecord(
    kind=models.SourceKind.HUGGINGFACE,
    matches=_matches,
    check=pages.check_address,
    open=_open,
    poll_interval=timedelta(minutes=30),
    has_daily_list=True,
)
