"""The state of a list of papers, and its encoding in the custom ids of its components."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from bot.client.components import custom_ids
from bot.services.search.results import Sort
from bot.text import query_parser
from storage import models
from storage.shelf.saved_papers import Order

PAGE_SIZE = 5
SHOW = "l"
_MAX_PAGE = 9_999
_MAX_VOTES = 99_999
MAX_TEXT_LENGTH = 72
"""Longest text in a custom id; a longer text is stored under a token (`bot/services/accounts/text_tokens.py`)."""


class ListKind(StrEnum):
    """The query of a list."""

    DIGEST = "d"
    TOP = "p"
    TOPIC = "t"
    AUTHOR = "a"
    SIMILAR = "s"
    SAVED = "m"
    GUILD_SHELF = "g"


class Period(StrEnum):
    """The time span of a list, up to today."""

    WEEK = "w"
    MONTH = "m"
    QUARTER = "q"
    YEAR = "y"
    ALL = "a"


PERIOD_DAYS = {Period.WEEK: 7, Period.MONTH: 30, Period.QUARTER: 91, Period.YEAR: 365}
"""The days of each period except ALL."""

ORDER_FLAGS = {Order.NEWEST: "", Order.OLDEST: "o", Order.VOTES: "v", Order.TITLE: "t"}
"""The letters of the orders of saved papers in a custom id."""


@dataclass(frozen=True, slots=True)
class ListState:
    """The query, the filters and the page of a list.

    `text` is the query, the name, the date (ISO) or the arXiv id; of saved papers words and tags; of a server's shelf
    its id and the topic, with a colon between. `page` counts from 0. `token` replaces a `text` that is too long for a
    custom id. `literal` turns off query expansion; `by_date` sorts a topic's or an author's papers by date; `order` is
    that of saved papers, and VOTES also one of a topic's.
    """

    kind: ListKind
    text: str = ""
    page: int = 0
    period: Period = Period.ALL
    min_votes: int = 0
    literal: bool = False
    by_date: bool = False
    token: str = ""
    order: Order = Order.NEWEST

    @property
    def offset(self) -> int:
        """The position of the page's first paper in the list, from 0."""
        return self.page * PAGE_SIZE

    @property
    def topic_sort(self) -> Sort:
        """The order of a topic's papers."""
        if self.by_date:
            return Sort.DATE
        return Sort.VOTES if self.order is Order.VOTES else Sort.RELEVANCE

    def replace(self, **changes: object) -> ListState:
        """Return a copy with changed fields."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]


def alert_terms(state: ListState) -> tuple[models.AlertKind, str, int] | None:
    """Return the kind, text and minimum votes of an alert for a topic or an author; None if there is no text.

    Alerts have no operators: a query gives its words, else its first phrase, else its first author.
    """
    if state.kind is ListKind.AUTHOR:
        candidates = [(models.AlertKind.AUTHOR, state.text)]
        min_votes = state.min_votes
    elif state.kind is ListKind.TOPIC:
        query = query_parser.parse_query(state.text)
        candidates = [(models.AlertKind.KEYWORD, text) for text in (query.text, *query.phrases[:1])]
        candidates += [(models.AlertKind.AUTHOR, name) for name in query.authors[:1]]
        min_votes = max(state.min_votes, query.min_votes or 0)
    else:
        return None
    return next(((kind, text, min_votes) for kind, text in candidates if any(map(str.isalpha, text))), None)


def pack(state: ListState, verb: str = SHOW, *, marker: str | None = None) -> str:
    """Return the custom id that shows this page."""
    flags = "l" * state.literal + "d" * state.by_date + "k" * bool(state.token) + ORDER_FLAGS[state.order]
    text = state.token or state.text
    fields = (
        state.kind,
        min(state.page, _MAX_PAGE),
        state.period,
        min(state.min_votes, _MAX_VOTES),
        flags,
        text,
    )
    return custom_ids.pack(verb, *fields, marker=marker)


def unpack(action: custom_ids.Action) -> ListState:
    """Return the state that `pack` wrote, of a stored text the token alone. Raises InvalidCustomIdError."""
    kind, page, period, min_votes, flags, text = action.fields(6)
    is_token = "k" in flags
    with custom_ids.map_parse_errors():
        return ListState(
            kind=ListKind(kind),
            text="" if is_token else text,
            page=custom_ids.parse_number(page, _MAX_PAGE),
            period=Period(period),
            min_votes=custom_ids.parse_number(min_votes, _MAX_VOTES),
            literal="l" in flags,
            by_date="d" in flags,
            token=text if is_token else "",
            order=next(
                (order for order, flag in ORDER_FLAGS.items() if flag and flag in flags), Order.NEWEST
            ),
        )
