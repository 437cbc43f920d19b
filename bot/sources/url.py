"""Digests at web addresses: one address a day, with the date in it, or a single address whose content changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot import errors
from bot.sources import base, digest_detector, url_template, web_address
from bot.sources.http import errors as http_errors
from storage import models

if TYPE_CHECKING:
    from bot.sources.http import fetcher

_MAX_CORRECTED_DAYS = 30


def parse_publishing_schedule(
    options: Mapping[str, object], default_timezone: str
) -> tuple[tzinfo, time, int]:
    """Parse the options `timezone`, `from` (HH:MM in that zone) and `corrected_days`.

    Raises UsageError for values that cannot be used.
    """
    try:
        timezone = ZoneInfo(str(options.get("timezone") or default_timezone))
        from_time = time.fromisoformat(str(options.get("from") or "00:00"))
        days = int(str(options.get("corrected_days", 3)))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise errors.UsageError(f"the source's options cannot be used: {error}") from error
    if not 0 <= days <= _MAX_CORRECTED_DAYS:
        raise errors.UsageError(f"corrected_days is 0 to {_MAX_CORRECTED_DAYS}, not {days}")
    return timezone, from_time.replace(tzinfo=None), days


class UrlSource:
    """Digests at dated addresses, or at one address.

    The publisher usually puts up a day's digest from `from_time` on, on the wall clock of `timezone`. The last
    `corrected_days` days are fetched again, for corrections and late digests.
    """

    def __init__(
        self,
        template: str,
        fetch: fetcher.Fetcher,
        timezone: tzinfo,
        from_time: time = time(0, 0),
        corrected_days: int = 3,
    ) -> None:
        self._template = template
        self._fetcher = fetch
        self._timezone = timezone
        self._from_time = from_time
        self._corrected_days = corrected_days

    def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Fetch each due day: the requested ones, else today from its usual hour on and the last few days."""
        return base.stop_after_failures(self._fetch_days(request))

    async def _fetch_days(self, request: base.FetchRequest) -> AsyncGenerator[base.FetchResult]:
        if not url_template.is_dated(self._template):
            yield await self._fetch_document(self._template, request, None)
            return
        today = request.now.astimezone(self._timezone).date()
        seen: set[str] = set()
        for day in self._due_days(request, today):
            location = url_template.expand(self._template, day)
            if location in seen:
                continue  # a template without the day of the month gives one address for many days
            seen.add(location)
            if request.days is None and day == today and self._is_before_publishing(request.now):
                reason = f"asked from {self._from_time:%H:%M} {self._timezone} on"
                yield base.FetchResult(location, models.FetchStatus.NOT_YET, reason, day=day)
            else:
                yield await self._fetch_document(location, request, day)

    def _due_days(self, request: base.FetchRequest, today: date) -> Sequence[date]:
        if request.days is not None:
            return request.days
        return [today - timedelta(days=age) for age in range(self._corrected_days + 1)]

    def _is_before_publishing(self, now: datetime) -> bool:
        return now.astimezone(self._timezone).time() < self._from_time

    async def _fetch_document(
        self, location: str, request: base.FetchRequest, day: date | None
    ) -> base.FetchResult:
        page = await base.get_page(self._fetcher, location, request, accept=digest_detector.ACCEPT, day=day)
        if isinstance(page, base.FetchResult):
            return page
        try:
            digests = await digest_detector.detect_in_response(page)
        except http_errors.FetchError as error:
            return base.failed_result(location, error, request, day)
        return base.FetchResult(
            location, models.FetchStatus.OK, digests=digests, page_states=(page.page_state,), day=day
        )


def _matches(address: str, endpoints: base.Endpoints) -> bool:
    return "{" in address or address.rstrip("/").lower().endswith(tuple(digest_detector.SUFFIXES))


def _open(address: str, options: Mapping[str, object], context: base.SourceContext) -> UrlSource:
    url_template.check(address)
    return UrlSource(address, context.fetch, *parse_publishing_schedule(options, context.default_timezone))


KIND = base.KindRecord(
    kind=models.SourceKind.URL,
    matches=_matches,
    check=web_address.check,
    open=_open,
    public_label=web_address.public_label,
    poll_interval=timedelta(hours=1),
    pending_poll_interval=timedelta(minutes=15),
    stale_after=timedelta(days=10),
)
