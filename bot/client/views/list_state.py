"""What a list of papers is a list of, and the codes by which its buttons ask for other pages of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bot.client.components import custom_ids
from bot.text import query_parser

PAGE_SIZE = 5
SHOW = "l"
MAX_TEXT_LENGTH = 72
"""Longer texts are kept in storage and named by a token (`bot/services/accounts/text_tokens.py`)."""


class ListKind(StrEnum):
    """Which question a list answers."""

    DIGEST = "d"
    TOP = "p"
    TOPIC = "t"
    AUTHOR = "a"
    SIMILAR = "s"
    SAVED = "m"


class Period(StrEnum):
    """How far back a list goes."""

    WEEK = "w"
    MONTH = "m"
    QUARTER = "q"
    YEAR = "y"
    ALL = "a"


@dataclass(frozen=True, slots=True)
class ListState:
    """All that is needed to show a page of a list again.

    `text` is the query, the name, the date (ISO) or the arXiv id; `page` counts from 0. `token` stands for a `text`
    that is too long for a custom id. `literal` searches for just what was typed; `by_date` orders an author's papers.
    """

    kind: ListKind
    text: str = ""
    page: int = 0
    period: Period = Period.ALL
    min_votes: int = 0
    literal: bool = False
    by_date: bool = False
    token: str = ""

    def replace(self, **changes: object) -> ListState:
        """Return the same list with something changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]


class FollowTarget(NamedTuple):
    """What an alert for a list would watch for: a person's name or words, and a minimum of votes."""

    is_author: bool
    text: str
    min_votes: int


def follow_target(state: ListState) -> FollowTarget | None:
    """Return what following a topic or an author would watch for; None if there is nothing to watch for.

    An alert knows no operators: of a query it takes the words, else a phrase, else the author, and its votes.
    """
    if state.kind is ListKind.AUTHOR:
        named = any(map(str.isalpha, state.text))
        return FollowTarget(True, state.text, state.min_votes) if named else None
    if state.kind is not ListKind.TOPIC:
        return None
    asked = query_parser.parse_query(state.text)
    votes = max(state.min_votes, asked.min_votes or 0)
    for is_author, texts in ((False, (asked.text,)), (False, asked.phrases), (True, asked.authors)):
        for text in texts[:1]:
            if any(map(str.isalpha, text)):
                return FollowTarget(is_author, text, votes)
    return None


def pack(state: ListState, verb: str = SHOW, *, marker: str | None = None) -> str:
    """Return the custom id that asks for this page."""
    flags = "".join(
        flag
        for flag, is_set in (("l", state.literal), ("d", state.by_date), ("k", bool(state.token)))
        if is_set
    )
    text = state.token or state.text
    fields = state.kind, min(state.page, 9999), state.period, min(state.min_votes, 99999), flags, text
    return custom_ids.pack(verb, *fields, marker=marker)


def unpack(action: custom_ids.Action) -> ListState:
    """Read the state back; a text that is kept in storage comes as its token alone. Raises UnreadableError."""
    kind, page, period, min_votes, flags, text = action.fields(6)
    is_token = "k" in flags
    with custom_ids.map_parse_errors():
        return ListState(
            kind=ListKind(kind),
            text="" if is_token else text,
            page=int(page),
            period=Period(period),
            min_votes=int(min_votes),
            literal="l" in flags,
            by_date="d" in flags,
            token=text if is_token else "",
        )
