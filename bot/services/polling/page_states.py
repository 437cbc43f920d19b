"""What is remembered of a source's places, by names in a length that a database can index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from storage import models

_LONGEST = 600


class Memory(Mapping[str, models.Page]):
    """A source's pages by place. A place too long to be indexed is found by the name that stands for it."""

    def __init__(self, pages: Mapping[str, models.Page]) -> None:
        self._pages = pages

    def __getitem__(self, place: str) -> models.Page:
        return self._pages[name(place)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pages)

    def __len__(self) -> int:
        return len(self._pages)


def news(pages: Iterable[models.Page], before: Mapping[str, models.Page]) -> tuple[models.Page, ...]:
    """Return the pages that say more than what is remembered; a later reading alone counts from the next day on."""
    return tuple(page for page in pages if not _is_repeat(page, before.get(page.place)))


def _is_repeat(page: models.Page, before: models.Page | None) -> bool:
    if before is None or page.read_at.date() != before.read_at.date():
        return False
    return (page.etag, page.last_modified, page.hash, page.moved_to) == (
        before.etag,
        before.last_modified,
        before.hash,
        before.moved_to,
    ) and models.FetchStatus.GONE not in (page.status, before.status)


def name(place: str) -> str:
    """Return the place, or for a long one its beginning with a hash of the whole."""
    if len(place) <= _LONGEST:
        return place
    return f"{place[: _LONGEST - 64]}{hashlib.sha256(place.encode('utf-8', 'replace')).hexdigest()}"


def bounded(page: models.Page) -> models.Page:
    """Return the page under the name that storage knows it by."""
    return page if len(page.place) <= _LONGEST else replace(page, place=name(page.place))
