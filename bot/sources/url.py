"""Digests at addresses: one a day, its date in the address, or a single one that changes. Reads no feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta

from bot.sources import dated, failures, fetcher, kinds, sift, source
from storage import models

ACCEPT = "text/markdown, text/plain, text/html;q=0.8, */*;q=0.5"


class UrlSource:
    """Digests at dated addresses, or at one address."""

    def __init__(self, address: dated.DatedAddress, fetch: fetcher.Fetcher, habits: kinds.Habits) -> None:
        self._address = address
        self._fetch = fetch
        self._habits = habits

    async def fetch(self, visit: source.Visit) -> AsyncIterator[source.Outcome]:
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
                yield source.Outcome(place, models.FetchStatus.NOT_YET, f"asked from {hour} on", day=day)
                continue
            outcome = await self._read(place, visit, day)
            yield outcome
            failures_in_a_row = failures_in_a_row + 1 if outcome.status is models.FetchStatus.FAILED else 0
            if failures_in_a_row == source.PATIENCE:
                return

    def _days(self, visit: source.Visit, today: date) -> Sequence[date]:
        if visit.days is not None:
            return visit.days
        return [today - timedelta(days=back) for back in range(self._habits.corrected_days + 1)]

    def _is_early(self, now: datetime) -> bool:
        return now.astimezone(self._habits.zone).time() < self._habits.from_time

    async def _read(self, place: str, visit: source.Visit, day: date | None) -> source.Outcome:
        gone = source.still_gone(place, visit, day)
        if gone is not None:
            return gone
        try:
            answer = await self._fetch.get(place, visit.pages.get(place), accept=ACCEPT)
            if answer.body is None:
                return source.Outcome(place, models.FetchStatus.UNCHANGED, pages=(answer.page,), day=day)
            found = await sift.read_answer(answer, place)
        except failures.AbsentError as error:
            return _absent(place, error, day)
        except failures.FetchError as error:
            return source.failed(place, error, visit, day)
        return source.Outcome(place, models.FetchStatus.OK, digests=(found,), pages=(answer.page,), day=day)


def _absent(place: str, error: failures.AbsentError, day: date | None) -> source.Outcome:
    """Return the outcome of a day without digest, which is normal, or of an address without anything, which is not."""
    if day is None:
        return source.Outcome(place, models.FetchStatus.FAILED, error.reason)
    return source.Outcome(place, models.FetchStatus.NOT_YET, f"{day}: {error.reason}", day=day)
