"""/trends: a topic's papers and votes by month as a picture and as numbers, and what rises. Neither counts nor draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Words
from bot.client.views import empty_list, list_state, paper_list, paper_text
from bot.rendering import charts
from bot.rendering.discord_text import limits, split
from bot.services.trends.monthly import Month, Trend
from bot.services.trends.rising import Rising, RisingTopic

VERB = "tr"
SPAN = "trs"
PICK = "trp"
SHARE = "trx"
FILE = "trend.png"
NAMED = 5
LONGEST_TITLE = 60
UNBROKEN = "\u00a0"
"""Keeps the figures of a month on one line."""


class Span(StrEnum):
    """How many months a curve shows."""

    HALF_YEAR = "half-year"
    YEAR = "y"
    TWO_YEARS = "two-years"
    ALL = "a"


MONTHS = {Span.HALF_YEAR: 6, Span.YEAR: 12, Span.TWO_YEARS: 24, Span.ALL: None}


@dataclass(frozen=True, slots=True)
class TrendState:
    """All that is needed to show a curve again. `text` is the topic, "" for the whole archive; `token` as in lists."""

    text: str = ""
    span: Span = Span.YEAR
    token: str = ""

    def with_(self, **changes: object) -> TrendState:
        """Return the same curve with something changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @property
    def listed(self) -> list_state.ListState:
        """The list of the topic's papers, for as long a time."""
        period = list_state.Period.YEAR if self.span is Span.YEAR else list_state.Period.ALL
        return list_state.ListState(list_state.ListKind.TOPIC, self.text, period=period, token=self.token)


@dataclass(frozen=True, slots=True)
class TrendAnswer:
    """What one answer shows. `rising` is None where nobody asked for it; `drawn`: a picture comes along.

    `suggestions` are other topics where this one has no papers; `is_elsewhere`: it has some, if not in this span.
    """

    state: TrendState
    trend: Trend
    extent: empty_list.Extent
    rising: Rising | None = None
    suggestions: tuple[str, ...] = ()
    is_elsewhere: bool = True
    drawn: bool = False


def with_picture(answer: TrendAnswer) -> TrendAnswer:
    """Return the answer as one whose picture is sent along."""
    return dataclasses.replace(answer, drawn=True)


def pack(state: TrendState, verb: str = VERB) -> str:
    """Return the custom id that asks for this curve."""
    return custom_ids.pack(verb, state.span, "k" if state.token else "", state.token or state.text)


def unpack(action: custom_ids.Action) -> TrendState:
    """Read the state back; a text that is kept in storage comes as its token alone. Raises UnreadableError."""
    span, flag, text = action.fields(3)
    with custom_ids.reading():
        known = Span(span)
    return TrendState("", known, text) if flag else TrendState(text, known)


def trend_view(words: Words, answer: TrendAnswer, *, may_share: bool) -> ui.LayoutView:
    """Return the answer for whoever asked: the curve, what rises, and the ways on."""
    message = message_builder.Sheet()
    found = answer.trend.total > 0
    if found:
        _curve(words, message, answer)
    else:
        _nothing(words, message, answer)
    if answer.rising is not None and found:
        _rising(words, message, answer.rising)
        message.select(_rising_menu(words, answer.rising.topics, answer.state))
    if found or answer.state.span is not Span.ALL:
        message.select(_span_menu(words, answer.state))
    message.buttons(*_others(answer))
    message.buttons(*_ways_on(words, answer, may_share=may_share and found))
    return message.view


def shared_view(words: Words, answer: TrendAnswer, *, sharer: str) -> ui.LayoutView:
    """Return the curve for a channel: whoever asks for more is answered privately."""
    message = message_builder.Sheet()
    _curve(words, message, answer)
    message.buttons(message_builder.button(words("trend-privately"), pack(answer.state)))
    message.text(paper_text.small(words("shared-by", name=sharer)))
    return message.view


def chart_of(words: Words, answer: TrendAnswer) -> charts.Chart:
    """Return what is drawn of an answer."""
    trend = answer.trend
    last = len(trend.months) - 1
    columns = [
        charts.Column(month.on, month.papers, month.votes, running=trend.running and place == last)
        for place, month in enumerate(trend.months)
    ]
    title = answer.state.text or words("trend-everything")
    return charts.Chart(title, words("trend-papers"), words("trend-votes"), words.locale.value, columns)


def _curve(words: Words, message: message_builder.Sheet, answer: TrendAnswer) -> None:
    trend = answer.trend
    message.text(f"### {_heading(words, answer)}")
    notes = []
    if trend.also:
        also = ", ".join(paper_text.quoted(form, length=60) for form in trend.also[:NAMED])
        notes.append(words("list-also", forms=also))
    if trend.estimated:
        notes.append(words("trend-estimated"))
    message.text("\n".join(map(paper_text.small, notes)))
    if answer.drawn:
        message.picture(FILE, _numbers(words, trend, plain=True))
    message.text(_summary(words, trend))
    message.text(paper_text.small(words("trend-numbers")) + "\n" + _numbers(words, trend))


def _heading(words: Words, answer: TrendAnswer) -> str:
    topic = _topic(words, answer.state)
    span = words(f"trend-span-{answer.state.span.value}")
    return words("trend-heading", topic=topic, count=answer.trend.total, period=span)


def _topic(words: Words, state: TrendState) -> str:
    return paper_text.quoted(state.text, length=LONGEST_TITLE) if state.text else words("trend-everything")


def _summary(words: Words, trend: Trend) -> str:
    """Say how the last month stands beside the one before, and which had most."""
    last = _month_papers(words, trend.months[-1])
    if trend.running:
        last = words("trend-so-far", month=last)
    before = _month_papers(words, trend.months[-2]) if len(trend.months) > 1 else None
    most = max(trend.months, key=lambda month: month.papers)
    peak = words("trend-most", month=_month_papers(words, most, with_year=True))
    return paper_text.joined(last, before, peak if most not in trend.months[-2:] else None)


def _month_papers(words: Words, month: Month, *, with_year: bool = False) -> str:
    name = charts.month_name(month.on, words.locale.value, with_year=with_year)
    return words("trend-month", month=name, count=month.papers)


def _numbers(words: Words, trend: Trend, *, plain: bool = False) -> str:
    """Return every month in figures, a line a year, for those who do not see the picture."""
    lines = []
    for year, months in groupby(trend.months, key=lambda month: month.on.year):
        figures = ", ".join(_figures(words, month) for month in months)
        lines.append(f"{year}: {figures}" if plain else paper_text.small(f"**{year}** {figures}"))
    return "\n".join(lines)


def _figures(words: Words, month: Month) -> str:
    votes = "" if month.votes is None else f" ({paper_text.votes(month.votes)})"
    figures = f"{charts.month_name(month.on, words.locale.value)} {month.papers}{votes}"
    return figures.replace(" ", UNBROKEN)


def _rising(words: Words, message: message_builder.Sheet, rising: Rising) -> None:
    message.rule()
    if not rising.topics:
        message.text(paper_text.small(words("rising-none")))
        return
    rows = [_rising_row(words, place, topic) for place, topic in enumerate(rising.topics, start=1)]
    head = f"**{words('rising-heading')}**\n{paper_text.small(words('rising-note'))}"
    message.text("\n".join((head, *rows)))


def _rising_row(words: Words, place: int, topic: RisingTopic) -> str:
    name = f"{place} · **{paper_text.quoted(topic.text, length=LONGEST_TITLE)}**"
    other = paper_text.quoted(topic.other, length=LONGEST_TITLE) if topic.other else None
    before, now = (f"{100 * share:.1f}".removesuffix(".0") for share in (topic.before, topic.share))
    facts = words("rising-facts", count=topic.papers, before=before, now=now)
    return f"{paper_text.joined(name, other)} · {facts}"


def _rising_menu(
    words: Words, topics: Sequence[RisingTopic], state: TrendState
) -> ui.Item[ui.LayoutView] | None:
    options = [
        message_builder.option(topic.text, topic.text, description=topic.other or None)
        for topic in topics
        if len(topic.text) <= limits.SELECT_VALUE
    ]
    return message_builder.menu(words("rising-pick"), custom_ids.pack(PICK, state.span), options)


def _span_menu(words: Words, state: TrendState) -> ui.Item[ui.LayoutView] | None:
    options = [
        message_builder.option(words(f"trend-span-{span.value}"), span.value, chosen=span is state.span)
        for span in Span
    ]
    return message_builder.menu(words("choose-period"), pack(state, SPAN), options)


def _ways_on(words: Words, answer: TrendAnswer, *, may_share: bool) -> list[ui.Item[ui.LayoutView] | None]:
    state = answer.state
    ways: list[ui.Item[ui.LayoutView] | None] = []
    if state.text and answer.is_elsewhere:
        ways.append(message_builder.button(words("trend-list"), list_state.pack(state.listed)))
    if state.text:
        ways.append(paper_list.follow_button(words, state.listed))
        ways.append(message_builder.button(words("rising-heading-short"), pack(TrendState(span=state.span))))
    if may_share:
        ways.append(message_builder.button(words("share"), pack(state, SHARE)))
    if not ways and answer.extent.papers:
        ways.append(
            message_builder.button(
                words("newest-digest"), list_state.pack(list_state.ListState(list_state.ListKind.DIGEST))
            )
        )
    return ways


def _others(answer: TrendAnswer) -> list[ui.Item[ui.LayoutView]]:
    """Return buttons for topics that were perhaps meant."""
    return [
        message_builder.button(text, pack(answer.state.with_(text=text, token="")))
        for text in answer.suggestions
        if len(text) <= list_state.LONGEST_TEXT
    ][: limits.ROW_BUTTONS]


def _nothing(words: Words, message: message_builder.Sheet, answer: TrendAnswer) -> None:
    if answer.extent.papers:
        span = words(f"trend-span-{answer.state.span.value}")
        message.text(words("trend-nothing", topic=_topic(words, answer.state), period=span))
    message.text(empty_list.extent_line(words, answer.extent))
    if answer.suggestions:
        message.text(paper_text.small(words("try-instead")))


def alt_text(words: Words, answer: TrendAnswer) -> str:
    """Return what the picture shows, in words, for its file."""
    text = f"{_heading(words, answer)}\n{_numbers(words, answer.trend, plain=True)}"
    return split.shorten(text, limits.ALT_TEXT, markdown=False)
