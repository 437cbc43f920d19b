"""Digests at addresses: one a day, its date in the address, or a single one that changes. Reads no feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta

from bot.sources import base, digest_detector, kinds, url_template
from bot.sources.http import errors, fetcher
from storage import models

ACCEPT = "text/markdown, text/plain, text/html;q=0.8, */*;q=0.5"


class UrlSource:
    """Digests at dated addresses, or at one address."""

    def __init__(
        self,
        url_template: url_template.UrlTemplate,
        fetch: fetcher.Fetcher,
        schedule: kinds.PublishingSchedule,
    ) -> None:
        self._url_template = url_template
        self._fetcher = fetch
        self._schedule = schedule

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Ask for each day that is due: those of the visit, else today from its usual hour on and the last few."""
        if not self._url_template.is_dated:
            yield await self._fetch_document(self._url_template.template, request, None)
            return
        today = request.now.astimezone(self._schedule.timezone).date()
        asked: set[str] = set()
        failures_in_a_row = 0
        for day in self._due_days(request, today):
            place = self._url_template.expand(day)
            if place in asked:
                continue  # an address with the month alone stands for all of its days
            asked.add(place)
            if request.days is None and day == today and self._is_before_publishing(request.now):
                hour = f"{self._schedule.from_time:%H:%M} {self._schedule.timezone}"
                yield base.FetchResult(place, models.FetchStatus.NOT_YET, f"asked from {hour} on", day=day)
                continue
            outcome = await self._fetch_document(place, request, day)
            yield outcome
            failures_in_a_row = failures_in_a_row + 1 if outcome.status is models.FetchStatus.FAILED else 0
            if failures_in_a_row == base.MAX_CONSECUTIVE_FAILURES:
                return

    def _due_days(self, visit: base.FetchRequest, today: date) -> Sequence[date]:
        if visit.days is not None:
            return visit.days
        return [today - timedelta(days=back) for back in range(self._schedule.corrected_days + 1)]

    def _is_before_publishing(self, now: datetime) -> bool:
        return now.astimezone(self._schedule.timezone).time() < self._schedule.from_time

    async def _fetch_document(
        self, place: str, visit: base.FetchRequest, day: date | None
    ) -> base.FetchResult:
        gone = base.known_gone_result(place, visit, day)
        if gone is not None:
            return gone
        try:
            answer = await self._fetcher.get(place, visit.page_states.get(place), accept=ACCEPT)
            if answer.body is None:
                return base.FetchResult(
                    place, models.FetchStatus.UNCHANGED, page_states=(answer.page_state,), day=day
                )
            found = await digest_detector.detect_in_response(answer, place)
        except errors.NotFoundError as error:
            return _not_found_result(place, error, day)
        except errors.FetchError as error:
            return base.failed_result(place, error, visit, day)
        return base.FetchResult(
            place, models.FetchStatus.OK, documents=(found,), page_states=(answer.page_state,), day=day
        )


def _not_found_result(place: str, error: errors.NotFoundError, day: date | None) -> base.FetchResult:
    """Return the outcome of a day without digest, which is normal, or of an address without anything, which is not."""
    if day is None:
        return base.FetchResult(place, models.FetchStatus.FAILED, error.reason)
    return base.FetchResult(place, models.FetchStatus.NOT_YET, f"{day}: {error.reason}", day=day)
