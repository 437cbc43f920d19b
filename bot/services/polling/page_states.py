"""Page states of one source by location, under keys short enough for a database index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from bot import day_close
from bot.digests.elements import sanitize
from storage import models

_MAX_KEY_LENGTH = 600


class PageStates(Mapping[str, models.PageState]):
    """The page states of a source by location; a long location is looked up under its key."""

    def __init__(self, page_states: Mapping[str, models.PageState]) -> None:
        self._page_states = page_states

    def __getitem__(self, location: str) -> models.PageState:
        return self._page_states[page_key(location)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._page_states)

    def __len__(self) -> int:
        return len(self._page_states)


def changed_pages(
    page_states: Iterable[models.PageState],
    before: Mapping[str, models.PageState],
    rule: day_close.DayClose | None = None,
) -> tuple[models.PageState, ...]:
    """Return the page states that differ from the stored ones.

    A new `read_at` alone counts from the next day on, or if a list has closed since by the `rule`.
    """
    return tuple(page for page in page_states if not _is_unchanged(page, before.get(page.location), rule))


def _is_unchanged(
    page: models.PageState, before: models.PageState | None, rule: day_close.DayClose | None
) -> bool:
    if before is None or page.read_at.date() != before.read_at.date():
        return False
    if rule is not None and rule.last_closed(page.read_at) != rule.last_closed(before.read_at):
        return False
    if models.FetchStatus.GONE in (page.status, before.status):
        return False
    same = replace(page, location=before.location, read_at=before.read_at, status=before.status)
    return same == before


def page_key(location: str) -> str:
    """Return the key under which storage keeps the state of a location."""
    return sanitize.bounded_key(location, _MAX_KEY_LENGTH)


def with_page_key(page: models.PageState) -> models.PageState:
    """Return the page state with its key as location."""
    return replace(page, location=page_key(page.location))
