"""/trends: a topic's papers and votes by month as a picture and as numbers, and what rises. Neither counts nor draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import empty_list, list_state, paper_list, paper_text
from bot.rendering import charts
from bot.rendering.discord_text import limits, split
from bot.services.trends.monthly import Month, Trend
from bot.services.trends.rising import RisingReport, RisingTopic
from storage import models

SHOW = "tr"
SELECT_SPAN = "trs"
SELECT = "trp"
SHARE = "trx"
IMAGE_FILENAME = "trend.png"
MAX_EXPANSIONS = 5
MAX_TITLE_LENGTH = 60
NO_BREAK_SPACE = "\u00a0"
"""Keeps the figures of a month on one line."""


class Span(StrEnum):
    """How many months a curve shows."""

    HALF_YEAR = "half-year"
    YEAR = "y"
    TWO_YEARS = "two-years"
    ALL = "a"


SPAN_MONTHS = {Span.HALF_YEAR: 6, Span.YEAR: 12, Span.TWO_YEARS: 24, Span.ALL: None}


@dataclass(frozen=True, slots=True)
class TrendState:
    """All that is needed to show a curve again. `text` is the topic, "" for the whole archive; `token` as in lists."""

    text: str = ""
    span: Span = Span.YEAR
    token: str = ""

    def replace(self, **changes: object) -> TrendState:
        """Return the same curve with something changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @property
    def topic_list(self) -> list_state.ListState:
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
    extent: models.ArchiveExtent
    rising: RisingReport | None = None
    suggestions: tuple[str, ...] = ()
    has_papers_outside_span: bool = True
    has_image: bool = False


def with_image(answer: TrendAnswer) -> TrendAnswer:
    """Return the answer as one whose picture is sent along."""
    return dataclasses.replace(answer, has_image=True)


def pack(state: TrendState, verb: str = SHOW) -> str:
    """Return the custom id that asks for this curve."""
    return custom_ids.pack(verb, state.span, "k" if state.token else "", state.token or state.text)


def unpack(action: custom_ids.Action) -> TrendState:
    """Read the state back; a text that is kept in storage comes as its token alone. Raises UnreadableError."""
    span, flag, text = action.fields(3)
    with custom_ids.map_parse_errors():
        known = Span(span)
    return TrendState("", known, text) if flag else TrendState(text, known)


def trend_view(words: Texts, answer: TrendAnswer, *, may_share: bool) -> ui.LayoutView:
    """Return the answer for whoever asked: the curve, what rises, and the ways on."""
    message = message_builder.MessageBuilder()
    found = answer.trend.total > 0
    if found:
        _add_trend(words, message, answer)
    else:
        _add_no_results(words, message, answer)
    if answer.rising is not None and found:
        _add_rising(words, message, answer.rising)
        message.add_select(_rising_menu(words, answer.rising.topics, answer.state))
    if found or answer.state.span is not Span.ALL:
        message.add_select(_span_menu(words, answer.state))
    message.add_buttons(*_suggestion_buttons(answer))
    message.add_buttons(*_navigation_buttons(words, answer, may_share=may_share and found))
    return message.view


def shared_view(words: Texts, answer: TrendAnswer, *, sharer: str) -> ui.LayoutView:
    """Return the curve for a channel: whoever asks for more is answered privately."""
    message = message_builder.MessageBuilder()
    _add_trend(words, message, answer)
    message.add_buttons(message_builder.button(words("trend-privately"), pack(answer.state)))
    message.add_text(paper_text.subtext(words("shared-by", name=sharer)))
    return message.view


def build_chart(words: Texts, answer: TrendAnswer) -> charts.Chart:
    """Return what is drawn of an answer."""
    trend = answer.trend
    last = len(trend.months) - 1
    columns = [
        charts.MonthColumn(
            month.starts_on,
            month.paper_count,
            month.votes,
            running=trend.is_last_month_partial and place == last,
        )
        for place, month in enumerate(trend.months)
    ]
    title = answer.state.text or words("trend-everything")
    return charts.Chart(title, words("trend-papers"), words("trend-votes"), words.locale.value, columns)


def _add_trend(words: Texts, message: message_builder.MessageBuilder, answer: TrendAnswer) -> None:
    trend = answer.trend
    message.add_text(f"### {_heading(words, answer)}")
    notes = []
    if trend.added_forms:
        also = ", ".join(
            paper_text.escape_untrusted(form, max_length=60) for form in trend.added_forms[:MAX_EXPANSIONS]
        )
        notes.append(words("list-also", forms=also))
    if trend.is_estimated:
        notes.append(words("trend-estimated"))
    message.add_text("\n".join(map(paper_text.subtext, notes)))
    if answer.has_image:
        message.add_image(IMAGE_FILENAME, _monthly_figures(words, trend, plain=True))
    message.add_text(_summary(words, trend))
    message.add_text(paper_text.subtext(words("trend-numbers")) + "\n" + _monthly_figures(words, trend))


def _heading(words: Texts, answer: TrendAnswer) -> str:
    topic = _topic(words, answer.state)
    span = words(f"trend-span-{answer.state.span.value}")
    return words("trend-heading", topic=topic, count=answer.trend.total, period=span)


def _topic(words: Texts, state: TrendState) -> str:
    return (
        paper_text.escape_untrusted(state.text, max_length=MAX_TITLE_LENGTH)
        if state.text
        else words("trend-everything")
    )


def _summary(words: Texts, trend: Trend) -> str:
    """Say how the last month stands beside the one before, and which had most."""
    last = _month_papers(words, trend.months[-1])
    if trend.is_last_month_partial:
        last = words("trend-so-far", month=last)
    before = _month_papers(words, trend.months[-2]) if len(trend.months) > 1 else None
    most = max(trend.months, key=lambda month: month.paper_count)
    peak = words("trend-most", month=_month_papers(words, most, with_year=True))
    return paper_text.join_dotted(last, before, peak if most not in trend.months[-2:] else None)


def _month_papers(words: Texts, month: Month, *, with_year: bool = False) -> str:
    name = charts.month_name(month.starts_on, words.locale.value, with_year=with_year)
    return words("trend-month", month=name, count=month.paper_count)


def _monthly_figures(words: Texts, trend: Trend, *, plain: bool = False) -> str:
    """Return every month in figures, a line a year, for those who do not see the picture."""
    lines = []
    for year, months in groupby(trend.months, key=lambda month: month.starts_on.year):
        figures = ", ".join(_month_figures(words, month) for month in months)
        lines.append(f"{year}: {figures}" if plain else paper_text.subtext(f"**{year}** {figures}"))
    return "\n".join(lines)


def _month_figures(words: Texts, month: Month) -> str:
    votes = "" if month.votes is None else f" ({paper_text.format_votes(month.votes)})"
    figures = f"{charts.month_name(month.starts_on, words.locale.value)} {month.paper_count}{votes}"
    return figures.replace(" ", NO_BREAK_SPACE)


def _add_rising(words: Texts, message: message_builder.MessageBuilder, rising: RisingReport) -> None:
    message.add_separator()
    if not rising.topics:
        message.add_text(paper_text.subtext(words("rising-none")))
        return
    rows = [_rising_row(words, place, topic) for place, topic in enumerate(rising.topics, start=1)]
    head = f"**{words('rising-heading')}**\n{paper_text.subtext(words('rising-note'))}"
    message.add_text("\n".join((head, *rows)))


def _rising_row(words: Texts, place: int, topic: RisingTopic) -> str:
    name = f"{place} · **{paper_text.escape_untrusted(topic.text, max_length=MAX_TITLE_LENGTH)}**"
    other = (
        paper_text.escape_untrusted(topic.translation, max_length=MAX_TITLE_LENGTH)
        if topic.translation
        else None
    )
    before, now = (f"{100 * share:.1f}".removesuffix(".0") for share in (topic.baseline_share, topic.share))
    facts = words("rising-facts", count=topic.papers, before=before, now=now)
    return f"{paper_text.join_dotted(name, other)} · {facts}"


def _rising_menu(
    words: Texts, topics: Sequence[RisingTopic], state: TrendState
) -> ui.Item[ui.LayoutView] | None:
    options = [
        message_builder.select_option(topic.text, topic.text, description=topic.translation or None)
        for topic in topics
        if len(topic.text) <= limits.SELECT_VALUE
    ]
    return message_builder.select_menu(words("rising-pick"), custom_ids.pack(SELECT, state.span), options)


def _span_menu(words: Texts, state: TrendState) -> ui.Item[ui.LayoutView] | None:
    options = [
        message_builder.select_option(
            words(f"trend-span-{span.value}"), span.value, selected=span is state.span
        )
        for span in Span
    ]
    return message_builder.select_menu(words("choose-period"), pack(state, SELECT_SPAN), options)


def _navigation_buttons(
    words: Texts, answer: TrendAnswer, *, may_share: bool
) -> list[ui.Item[ui.LayoutView] | None]:
    state = answer.state
    ways: list[ui.Item[ui.LayoutView] | None] = []
    if state.text and answer.has_papers_outside_span:
        ways.append(message_builder.button(words("trend-list"), list_state.pack(state.topic_list)))
    if state.text:
        ways.append(paper_list.follow_button(words, state.topic_list))
        ways.append(message_builder.button(words("rising-heading-short"), pack(TrendState(span=state.span))))
    if may_share:
        ways.append(message_builder.button(words("share"), pack(state, SHARE)))
    if not ways and answer.extent.paper_count:
        ways.append(
            message_builder.button(
                words("newest-digest"), list_state.pack(list_state.ListState(list_state.ListKind.DIGEST))
            )
        )
    return ways


def _suggestion_buttons(answer: TrendAnswer) -> list[ui.Item[ui.LayoutView]]:
    """Return buttons for topics that were perhaps meant."""
    return [
        message_builder.button(text, pack(answer.state.replace(text=text, token="")))
        for text in answer.suggestions
        if len(text) <= list_state.MAX_TEXT_LENGTH
    ][: limits.ROW_BUTTONS]


def _add_no_results(words: Texts, message: message_builder.MessageBuilder, answer: TrendAnswer) -> None:
    if answer.extent.paper_count:
        span = words(f"trend-span-{answer.state.span.value}")
        message.add_text(words("trend-nothing", topic=_topic(words, answer.state), period=span))
    message.add_text(empty_list.extent_line(words, answer.extent))
    if answer.suggestions:
        message.add_text(paper_text.subtext(words("try-instead")))


def alt_text(words: Texts, answer: TrendAnswer) -> str:
    """Return what the picture shows, in words, for its file."""
    text = f"{_heading(words, answer)}\n{_monthly_figures(words, answer.trend, plain=True)}"
    return split.shorten(text, limits.ALT_TEXT, markdown=False)
