"""What is remembered of a source's places, by names in a length that a database can index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from storage import models

_MAX_KEY_LENGTH = 600


class PageStates(Mapping[str, models.PageState]):
    """A source's pages by place. A place too long to be indexed is found by the name that stands for it."""

    def __init__(self, pages: Mapping[str, models.PageState]) -> None:
        self._pages = pages

    def __getitem__(self, place: str) -> models.PageState:
        return self._pages[page_key(place)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pages)

    def __len__(self) -> int:
        return len(self._pages)


def changed_pages(
    pages: Iterable[models.PageState], before: Mapping[str, models.PageState]
) -> tuple[models.PageState, ...]:
    """Return the pages that say more than what is remembered; a later reading alone counts from the next day on."""
    return tuple(page for page in pages if not _is_unchanged(page, before.get(page.location)))


def _is_unchanged(page: models.PageState, before: models.PageState | None) -> bool:
    if before is None or page.read_at.date() != before.read_at.date():
        return False
    return (page.etag, page.last_modified, page.hash, page.moved_to) == (
        before.etag,
        before.last_modified,
        before.hash,
        before.moved_to,
    ) and models.FetchStatus.GONE not in (page.status, before.status)


def page_key(place: str) -> str:
    """Return the place, or for a long one its beginning with a hash of the whole."""
    if len(place) <= _MAX_KEY_LENGTH:
        return place
    return f"{place[: _MAX_KEY_LENGTH - 64]}{hashlib.sha256(place.encode('utf-8', 'replace')).hexdigest()}"


def with_page_key(page: models.PageState) -> models.PageState:
    """Return the page under the name that storage knows it by."""
    return page if len(page.location) <= _MAX_KEY_LENGTH else replace(page, location=page_key(page.location))
