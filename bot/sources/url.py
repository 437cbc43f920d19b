"""Digests at web addresses: one address a day, with the date in it, or a single address whose content changes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import date, time, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yarl import URL

from bot.archive import parse
from bot.sources import base, fetch_errors
from storage import errors, models
from storage.models import FetchStatus

if TYPE_CHECKING:
    from bot.sources import fetcher

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_DIRECTIVES = frozenset("YmdyjbBaAUWVGuwCe%")
_UNPADDED = frozenset("mdjyUW")
_MAX_CORRECTED_DAYS = 30
SAMPLE_DATE = date(2025, 5, 6)


def expand_template(template: str, day: date) -> str:
    """Return the address for a day, from one with date fields such as `https://host/{date:%Y/%m/%d}.md`."""
    return _PLACEHOLDER.sub(lambda field: day.strftime(field[1].removeprefix("date:")), template)


def check_template(template: str) -> None:
    """Raise UsageError naming the part of an address, with or without date fields, that is not understood."""
    for field in _PLACEHOLDER.finditer(template):
        name, colon, pattern = field[1].partition(":")
        if name != "date" or not colon or not pattern:
            raise errors.UsageError(f"{field[0]} is not understood; a date is written as {{date:%Y/%m/%d}}")
        _validate_strftime(pattern)
    if re.search(r"[{}]", _PLACEHOLDER.sub("", template)):
        raise errors.UsageError(f"{template!r} has a brace without its partner")


def _validate_strftime(pattern: str) -> None:
    """Raise UsageError for a directive that is not part of a date."""
    position = 0
    while (position := pattern.find("%", position)) >= 0:
        directive = pattern[position + 1 : position + 2]
        if directive == "-" and pattern[position + 2 : position + 3] in _UNPADDED:
            position += 3
        elif directive in _DIRECTIVES and directive:
            position += 2
        else:
            raise errors.UsageError(f"%{directive} is not a date directive. Use %Y, %m, %d, %-d, %b or %j.")


def check_address(address: str) -> None:
    """Raise UsageError unless this is an http or https address, with or without date fields."""
    check_template(address)
    try:
        target = URL(expand_template(address, SAMPLE_DATE))
    except ValueError:
        raise errors.UsageError(f"{address} is not a web address") from None
    if target.scheme not in ("http", "https") or not target.raw_host:
        raise errors.UsageError(f"{address} is not a web address: it must begin with http:// or https://")


def check_undated(address: str, kind: models.SourceKind) -> None:
    """Raise UsageError unless this is an http or https address without date fields."""
    check_template(address)
    if "{" in address:
        raise errors.UsageError(f"{address} holds a date, so it is of kind url, not {kind.value}")
    check_address(address)


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

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Fetch each due day: the requested ones, else today from its usual hour on and the last few days."""
        if "{" not in self._template:
            yield await self._fetch_document(self._template, request, None)
            return
        now = request.now.astimezone(self._timezone)
        days = request.days
        if days is None:
            days = [now.date() - timedelta(days=age) for age in range(self._corrected_days + 1)]
        # A template without the day of the month gives one address for many days.
        days_by_location = {expand_template(self._template, day): day for day in reversed(days)}
        async for result in base.fetch_days(self._fetch_day, reversed(days_by_location.values()), request):
            yield result

    async def _fetch_day(self, day: date, request: base.FetchRequest) -> base.FetchResult:
        location, now = expand_template(self._template, day), request.now.astimezone(self._timezone)
        if request.days is None and day == now.date() and now.time() < self._from_time:
            reason = f"asked from {self._from_time:%H:%M} {self._timezone} on"
            return base.FetchResult(location, FetchStatus.NOT_YET, reason, day=day)
        return await self._fetch_document(location, request, day)

    async def _fetch_document(
        self, location: str, request: base.FetchRequest, day: date | None
    ) -> base.FetchResult:
        page = await base.get_page(self._fetcher, location, request, accept=base.ACCEPT, day=day)
        if isinstance(page, base.FetchResult):
            return page
        try:
            digests = await base.detect_in_response(page, day)
        except fetch_errors.FetchError as error:
            return base.failed_result(location, error, request, day)
        return base.FetchResult(
            location, FetchStatus.OK, digests=digests, page_states=(page.page_state,), day=day
        )


def _matches(address: str, endpoints: base.Endpoints) -> bool:
    # A page of HTML may link to a feed, and a feed's kind reads pages too.
    suffixes = tuple(parse.FILE_SUFFIXES - {".html", ".htm"})
    return "{" in address or address.rstrip("/").lower().endswith(suffixes)


def _open(address: str, options: Mapping[str, object], context: base.SourceContext) -> UrlSource:
    check_template(address)
    return UrlSource(address, context.fetch, *parse_publishing_schedule(options, context.default_timezone))


KIND = base.KindRecord(
    kind=models.SourceKind.URL,
    matches=_matches,
    check=check_address,
    open=_open,
    max_new_papers=base.MAX_NEW_PAPERS,
    poll_interval=timedelta(hours=1),
    pending_poll_interval=timedelta(minutes=15),
    stale_after=timedelta(days=10),
)
