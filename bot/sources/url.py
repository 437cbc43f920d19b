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
        self, address: url_template.DatedAddress, fetch: fetcher.Fetcher, habits: kinds.Habits
    ) -> None:
        self._address = address
        self._fetch = fetch
        self._habits = habits

    async def fetch(self, visit: base.Visit) -> AsyncIterator[base.Outcome]:
        """Ask for each day that is due: those of the visit, else today from its usual hour on and the last few."""
        if not self._address.is_dated:
            yield await self._read(self._address.template, visit, None)
            return
        today = visit.now.astimezone(self._habits.zone).date()
        asked: set[str] = set()
        failures_in_a_row = 0
        for day in self._days(visit, today):
            place = self._address.on(day)
            if place in asked:
                continue  # an address with the month alone stands for all of its days
            asked.add(place)
            if visit.days is None and day == today and self._is_early(visit.now):
                hour = f"{self._habits.from_time:%H:%M} {self._habits.zone}"
                yield base.Outcome(place, models.FetchStatus.NOT_YET, f"asked from {hour} on", day=day)
                continue
            outcome = await self._read(place, visit, day)
            yield outcome
            failures_in_a_row = failures_in_a_row + 1 if outcome.status is models.FetchStatus.FAILED else 0
            if failures_in_a_row == base.PATIENCE:
                return

    def _days(self, visit: base.Visit, today: date) -> Sequence[date]:
        if visit.days is not None:
            return visit.days
        return [today - timedelta(days=back) for back in range(self._habits.corrected_days + 1)]

    def _is_early(self, now: datetime) -> bool:
        return now.astimezone(self._habits.zone).time() < self._habits.from_time

    async def _read(self, place: str, visit: base.Visit, day: date | None) -> base.Outcome:
        gone = base.still_gone(place, visit, day)
        if gone is not None:
            return gone
        try:
            answer = await self._fetch.get(place, visit.pages.get(place), accept=ACCEPT)
            if answer.body is None:
                return base.Outcome(place, models.FetchStatus.UNCHANGED, pages=(answer.page,), day=day)
            found = await digest_detector.read_answer(answer, place)
        except errors.AbsentError as error:
            return _absent(place, error, day)
        except errors.FetchError as error:
            return base.failed(place, error, visit, day)
        return base.Outcome(place, models.FetchStatus.OK, digests=(found,), pages=(answer.page,), day=day)


def _absent(place: str, error: errors.AbsentError, day: date | None) -> base.Outcome:
    """Return the outcome of a day without digest, which is normal, or of an address without anything, which is not."""
    if day is None:
        return base.Outcome(place, models.FetchStatus.FAILED, error.reason)
    return base.Outcome(place, models.FetchStatus.NOT_YET, f"{day}: {error.reason}", day=day)
