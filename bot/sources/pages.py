"""Web pages with digests: a dated URL for each day, or one URL with changing content."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta, tzinfo

from yarl import URL

from bot.archive import parse
from bot.core import clock
from bot.sources import base
from storage import errors, models
from storage.models import FetchStatus

_PLACEHOLDER = re.compile(r"\{date:((?:[^%{}]|%-[mdjyUW]|%[YmdyjbBaAUWVGuwCe%])+)\}")
_CORRECTED_DAYS = 3
"""Earlier days that are fetched again, for corrections and late digests."""
SAMPLE_DATE = date(2025, 5, 6)


def expand_template(template: str, day: date) -> str:
    """Return a day's URL, given a template such as `https://host/{date:%Y/%m/%d}.md`."""
    return _PLACEHOLDER.sub(lambda field: day.strftime(field[1]), template)


def check_address(address: str) -> None:
    """Raise UsageError if this is not an http or https URL, or if it has braces that are not a date."""
    if re.search(r"[{}]", _PLACEHOLDER.sub("", address)):
        raise errors.UsageError(
            f"The date in {address!r} is not understood. Write it as {{date:%Y/%m/%d}}, of %Y, %m, %d, %-d, %b, %j and others."
        )
    try:
        target = URL(expand_template(address, SAMPLE_DATE))
    except ValueError:
        raise errors.UsageError(f"{address} is not a web address. Example: https://huggingface.co") from None
    if target.scheme not in ("http", "https") or not target.raw_host:
        raise errors.UsageError(f"{address} is not a web address, which begins with http:// or https://.")


def parse_publishing_schedule(options: Mapping[str, object], default_timezone: str) -> tuple[tzinfo, time]:
    """Parse the options `timezone` and `from` (HH:MM in that zone). Raises UsageError for invalid values."""
    try:
        timezone = clock.load_zone(str(options.get("timezone") or default_timezone))
        from_time = time.fromisoformat(str(options.get("from") or "00:00"))
    except ValueError as error:
        raise errors.UsageError(
            f"An option of the source is invalid ({error}): timezone is a name such as Asia/Seoul, and from is HH:MM."
        ) from error
    return timezone, from_time.replace(tzinfo=None)


def is_arxiv(address: str) -> bool:
    """Return whether a URL is on arXiv's own servers."""
    host = URL(expand_template(address, SAMPLE_DATE)).raw_host or ""
    return host == "arxiv.org" or host.endswith(".arxiv.org")


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A page with a digest, or a dated page for each day.

    Today's page is not requested before `from_time` in `timezone`.
    """

    template: str
    fetcher: base.Fetcher
    timezone: tzinfo
    from_time: time

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Fetch the requested days, or today and the last few days."""
        if "{" not in self.template:
            yield await self._fetch_document(self.template, request, None)
            return
        now = request.now.astimezone(self.timezone)
        days = request.days
        if days is None:
            days = [now.date() - timedelta(days=age) for age in range(_CORRECTED_DAYS + 1)]
        # Several days share a URL if the template lacks the day of the month.
        days_by_location = {expand_template(self.template, day): day for day in reversed(days)}
        for day in reversed(days_by_location.values()):
            yield await self._fetch_day(day, request)

    async def _fetch_day(self, day: date, request: base.FetchRequest) -> base.FetchResult:
        location, now = expand_template(self.template, day), request.now.astimezone(self.timezone)
        if request.days is None and day == now.date() and now.time() < self.from_time:
            reason = f"not requested before {self.from_time:%H:%M} {self.timezone}"
            return base.FetchResult(location, FetchStatus.NOT_YET, reason, day=day)
        return await self._fetch_document(location, request, day)

    async def _fetch_document(
        self, location: str, request: base.FetchRequest, day: date | None
    ) -> base.FetchResult:
        page = await base.get_page(self.fetcher, location, request, accept=base.ACCEPT, day=day)
        return page if isinstance(page, base.FetchResult) else await base.read_page(location, page, day)


def _is_page(address: str, endpoints: base.Endpoints) -> bool:
    # HTML URLs are left to the feed kind, which also reads pages.
    suffixes = tuple(parse.FILE_SUFFIXES - {".html", ".htm"})
    return "{" in address or address.rstrip("/").lower().endswith(suffixes)


def _open_pages(address: str, options: Mapping[str, object], context: base.SourceContext) -> UrlSource:
    return UrlSource(address, context.fetch, *parse_publishing_schedule(options, context.default_timezone))


KIND = base.KindRecord(
    kind=models.SourceKind.URL,
    matches=_is_page,
    check=check_address,
    open=_open_pages,
    is_limited=lambda address: not is_arxiv(address),
    poll_interval=timedelta(minutes=15),
    stale_after=timedelta(days=10),
)
