"""An item: what one line, record or entry of a text says of a paper."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

from bot.archive import schemes, sorting
from storage.models import Skipped, SkipReason


class Item(NamedTuple):
    """A paper found in a text. `is_mention`: it occurs only in prose; `needs_day`: so it does, but in an item.

    `begins_cell`: its link is first in a cell, or its id is alone there, so that the title in another cell is its own.
    `names` are its further keys, and `others` what a file of records says about it.
    """

    key: str
    title: str | None
    on: date | None
    row: int = 0
    is_mention: bool = False
    begins_cell: bool = False
    needs_day: bool = False
    names: tuple[str, ...] = ()
    others: Mapping[str, Any] = MappingProxyType({})

    @property
    def is_of_arxiv(self) -> bool:
        return schemes.is_arxiv(self.key)

    def skip(self, reason: SkipReason) -> Skipped:
        return sorting.skip(reason, f"{schemes.short_name(self.key)} in line {self.row + 1}")
