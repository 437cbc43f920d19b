"""The state of a list of papers, and its custom id: query, filters and page."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeAlias

from bot.client import verbs
from bot.client.custom_ids import Action, map_parse_errors, pack_custom_id, parse_number
from bot.i18n import texts as i18n_texts
from bot.i18n.typed_values import parse_dates
from bot.rendering import discord_text
from bot.search.results import Sort
from bot.text.parsed_query import EITHER, ParsedQuery
from storage import models

PAGE_SIZE = 5
DAY_PAGE_SIZE = 20
"""Papers per page of a day, by title only: as many as fit into a menu and a message."""
_SORT_FLAGS: Mapping[Sort | None, str] = {
    Sort.RELEVANCE: "r",
    Sort.DATE: "d",
    Sort.OLDEST: "o",
    Sort.VOTES: "v",
}
_MAX_PAGE = 9_999
_MAX_VOTES = 99_999
_LONGEST_VERB = "x" * 6


class ListKind(StrEnum):
    DIGEST = "d"
    TOP = "p"
    TOPIC = "t"
    AUTHOR = "a"
    SIMILAR = "s"
    SAVED = "m"


class Period(StrEnum):
    """A list's period, which ends today."""

    WEEK = "w"
    MONTH = "m"
    QUARTER = "q"
    YEAR = "y"
    ALL = "a"

    @property
    def text_id(self) -> str:
        """The Fluent id of the period's name."""
        return f"period-{self.name.lower()}"


PERIOD_DAYS = {Period.WEEK: 7, Period.MONTH: 30, Period.QUARTER: 91, Period.YEAR: 365}
"""The days of each period except ALL."""


DateRange: TypeAlias = tuple[date, date]
"""The first and the last day of a period."""


def limits_of(period: Period, span: DateRange | None, today: date) -> tuple[date | None, date | None]:
    """Return the first and the last day of a period or of dates, or None without a limit."""
    days = PERIOD_DAYS.get(period)
    return span or (None if days is None else today - timedelta(days=days - 1), None)


def _pack_span(span: DateRange) -> str:
    first, last = span
    return f"{first}" if first == last else f"{first}/{last}"


def parse_span(text: str) -> DateRange:
    """Parse a day or a period in ISO 8601. Raises ValueError."""
    first, _, last = text.partition("/")
    return date.fromisoformat(first), date.fromisoformat(last or first)


_OLD_SPAN = re.compile(r"since:([0-9-]{10}) until:([0-9-]{10})$")
"""The period in the text of a list sent by version 0.1, which had no field for it; its days are texts too."""


@dataclass(frozen=True, slots=True)
class ListState:
    """The query, filters and page of a list.

    `text` is the query, name or paper's key, or the words and tags of saved papers. `span` is a period typed as
    dates (first and last day), or the day of a digest; None means `period`, or the newest day. `server_id` is the
    server whose list it is; 0 for saved papers of the reader. `guild_id`, which no custom id has, is the server in which the list
    is read, 0 in direct messages and None on the web. `page` counts from 0. `token` replaces a `text` that is
    too long for a custom id. If `sort` is None, the list has its default order, the first of SORTS. If `page_size` is
    None, the page has the default size for messages.
    """

    kind: ListKind
    text: str = ""
    page: int = 0
    period: Period = Period.ALL
    min_votes: int = 0
    sort: Sort | None = None
    token: str = ""
    page_size: int | None = None
    span: DateRange | None = None
    server_id: int = 0
    guild_id: int | None = dataclasses.field(default=None, compare=False)

    @property
    def max_text_length(self) -> int:
        """The longest text that fits into the custom ids of all controls of the list; a longer one is stored under a token."""
        most = self.replace(text="", token="", page=_MAX_PAGE, min_votes=_MAX_VOTES, sort=Sort.DATE)
        return discord_text.CUSTOM_ID - len(pack_state(most, _LONGEST_VERB))

    @property
    def has_titles_only(self) -> bool:
        """Whether each paper takes one line, so that a day fits on a screen."""
        return self.kind is ListKind.DIGEST and self.page_size is None

    @property
    def size(self) -> int:
        """The number of papers per page."""
        return self.page_size or (DAY_PAGE_SIZE if self.has_titles_only else PAGE_SIZE)

    @property
    def offset(self) -> int:
        """The index of the page's first paper in the list, from 0."""
        return self.page * self.size

    def replace(self, **changes: object) -> ListState:
        """Return a copy with the given fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]


def pack_state(state: ListState, verb: str = verbs.SHOW_LIST, *, marker: str | None = None) -> str:
    """Return the custom id that shows this page of the list; its text is short (`max_text_length`), or stored under a token."""
    flags = _SORT_FLAGS.get(state.sort, "") + "k" * bool(state.token)
    page, votes = min(state.page, _MAX_PAGE), min(state.min_votes, _MAX_VOTES)
    text, period = state.token or state.text, _pack_span(state.span) if state.span else state.period.value
    # Saved papers have no period.
    period = str(state.server_id) if state.server_id else period
    return pack_custom_id(verb, state.kind, page, period, votes, flags, text, marker=marker)


def unpack_state(action: Action) -> ListState:
    """Parse the state in a custom id. For a stored text, only its token is set. Raises InvalidCustomIdError."""
    kind, page, period, min_votes, flags, text = action.fields(6)
    is_token = "k" in flags
    with map_parse_errors():
        server_id = parse_number(period) if kind == ListKind.SAVED and period.isdecimal() else 0
        period = Period.ALL if server_id else period
        is_span = len(period) > 1
        span = parse_span(period) if is_span else None
        if kind == ListKind.DIGEST and text:
            span, text = parse_span(text), ""
        elif kind == ListKind.TOP and period == Period.ALL and (old := _OLD_SPAN.search(text)):
            span, text = parse_span("/".join(old.groups())), text[: old.start()].rstrip()
        return ListState(
            kind=ListKind(kind),
            text="" if is_token else text,
            page=parse_number(page, _MAX_PAGE),
            server_id=server_id,
            period=Period.ALL if is_span else Period(period),
            span=span,
            min_votes=parse_number(min_votes, _MAX_VOTES),
            sort=next((sort for sort, flag in _SORT_FLAGS.items() if flag in flags), None),
            token=text if is_token else "",
        )


@functools.cache
def _periods_by_name() -> dict[str, Period]:
    named = {
        i18n_texts.for_locale(locale)(period.text_id).casefold(): period
        for locale in models.Locale
        for period in Period
    }
    return named | {period.value: period for period in Period}


def parse_period(text: str, today: date) -> tuple[Period, DateRange | None]:
    """Parse the period of a list: the value or the name of a `Period`, or else dates, which `parse_dates` understands.

    The second item has the dates; it is None for a `Period`. Raises UsageError if the text is not understood.
    """
    if period := _periods_by_name().get(" ".join(text.casefold().split())):
        return period, None
    return Period.ALL, parse_dates(text, today)


def find_alert_term(query: ParsedQuery) -> models.AlertTerm | None:
    """Return what an alert on a query is about: its words, or else its first phrase, author or institution; None without any."""
    named = ((models.AlertKind.AUTHOR, query.authors), (models.AlertKind.INSTITUTION, query.institutions))
    terms = (
        *(models.AlertTerm(models.AlertKind.KEYWORD, text) for text in (query.text, *query.phrases[:1])),
        *(models.AlertTerm(kind, name) for kind, names in named for name in names[:1] if EITHER not in name),
    )
    return next((term for term in terms if any(map(str.isalpha, term.text))), None)
