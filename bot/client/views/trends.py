"""/trends: a topic's papers and votes by month as a picture and as numbers, and what rises. Neither counts nor draws."""

from __future__ import annotations

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
class TrendAnswer:
    """The content of one answer. `topic` is the list of the topic's papers, with the text "" for the whole archive.

    `rising` is None if it was not requested. `suggestions` are other topics if this one has no papers;
    `has_papers_outside_span`: it has some in another span. `has_image`: the chart is sent with the answer.
    """

    topic: list_state.ListState
    span: Span
    trend: Trend
    extent: models.ArchiveExtent
    rising: RisingReport | None = None
    suggestions: tuple[str, ...] = ()
    has_papers_outside_span: bool = True
    has_image: bool = False


def make_topic(text: str, span: Span, token: str = "") -> list_state.ListState:
    """Return the list of a topic's papers over a similar time."""
    period = list_state.Period.YEAR if span is Span.YEAR else list_state.Period.ALL
    return list_state.ListState(list_state.ListKind.TOPIC, text, period=period, token=token)


def pack(topic: list_state.ListState, span: Span, verb: str = SHOW) -> str:
    """Return the custom id that shows the trend of a topic."""
    return custom_ids.pack(verb, span, "k" if topic.token else "", topic.token or topic.text)


def unpack(action: custom_ids.Action) -> tuple[list_state.ListState, Span]:
    """Return the topic and span that `pack` wrote; a stored text as its token alone. Raises InvalidCustomIdError."""
    code, flag, text = action.fields(3)
    with custom_ids.map_parse_errors():
        span = Span(code)
    return (make_topic("", span, text) if flag else make_topic(text, span)), span


def trend_view(texts: Texts, answer: TrendAnswer, *, may_share: bool) -> ui.LayoutView:
    """Return the answer for whoever asked: the curve, what rises, and the ways on."""
    message = message_builder.MessageBuilder()
    found = answer.trend.total > 0
    if found:
        _add_trend(texts, message, answer)
    else:
        _add_no_results(texts, message, answer)
    if answer.rising is not None and found:
        _add_rising(texts, message, answer.rising)
        message.add_select(_rising_menu(texts, answer.rising.topics, answer.span))
    if found or answer.span is not Span.ALL:
        message.add_select(_span_menu(texts, answer))
    message.add_buttons(*_suggestion_buttons(answer))
    message.add_buttons(*_navigation_buttons(texts, answer, may_share=may_share and found))
    return message.view


def shared_view(texts: Texts, answer: TrendAnswer, *, sharer: str) -> ui.LayoutView:
    """Return the curve for a channel: whoever asks for more is answered privately."""
    message = message_builder.MessageBuilder()
    _add_trend(texts, message, answer)
    message.add_buttons(message_builder.button(texts("trend-privately"), pack(answer.topic, answer.span)))
    message.add_text(paper_text.subtext(texts("shared-by", name=sharer)))
    return message.view


def build_chart(texts: Texts, answer: TrendAnswer) -> charts.Chart:
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
    title = answer.topic.text or texts("trend-everything")
    return charts.Chart(title, texts("trend-papers"), texts("trend-votes"), texts.locale.value, columns)


def _add_trend(texts: Texts, message: message_builder.MessageBuilder, answer: TrendAnswer) -> None:
    trend = answer.trend
    message.add_text(f"### {_heading(texts, answer)}")
    notes = []
    if trend.added_forms:
        also = ", ".join(
            paper_text.escape_untrusted(form, max_length=60) for form in trend.added_forms[:MAX_EXPANSIONS]
        )
        notes.append(texts("list-also", forms=also))
    if trend.is_estimated:
        notes.append(texts("trend-estimated"))
    message.add_text("\n".join(map(paper_text.subtext, notes)))
    if answer.has_image:
        message.add_image(IMAGE_FILENAME, _monthly_figures(texts, trend, plain=True))
    message.add_text(_summary(texts, trend))
    message.add_text(paper_text.subtext(texts("trend-numbers")) + "\n" + _monthly_figures(texts, trend))


def _heading(texts: Texts, answer: TrendAnswer) -> str:
    topic = _topic_name(texts, answer.topic.text)
    span = texts(f"trend-span-{answer.span.value}")
    return texts("trend-heading", topic=topic, count=answer.trend.total, period=span)


def _topic_name(texts: Texts, text: str) -> str:
    name = paper_text.escape_untrusted(text, max_length=MAX_TITLE_LENGTH)
    return name if text else texts("trend-everything")


def _summary(texts: Texts, trend: Trend) -> str:
    """Say how the last month stands beside the one before, and which had most."""
    last = _month_papers(texts, trend.months[-1])
    if trend.is_last_month_partial:
        last = texts("trend-so-far", month=last)
    before = _month_papers(texts, trend.months[-2]) if len(trend.months) > 1 else None
    most = max(trend.months, key=lambda month: month.paper_count)
    peak = texts("trend-most", month=_month_papers(texts, most, with_year=True))
    return paper_text.join_dotted(last, before, peak if most not in trend.months[-2:] else None)


def _month_papers(texts: Texts, month: Month, *, with_year: bool = False) -> str:
    name = charts.month_name(month.starts_on, texts.locale.value, with_year=with_year)
    return texts("trend-month", month=name, count=month.paper_count)


def _monthly_figures(texts: Texts, trend: Trend, *, plain: bool = False) -> str:
    """Return every month in figures, a line a year, for those who do not see the picture."""
    lines = []
    for year, months in groupby(trend.months, key=lambda month: month.starts_on.year):
        figures = ", ".join(_month_figures(texts, month) for month in months)
        lines.append(f"{year}: {figures}" if plain else paper_text.subtext(f"**{year}** {figures}"))
    return "\n".join(lines)


def _month_figures(texts: Texts, month: Month) -> str:
    votes = "" if month.votes is None else f" ({paper_text.format_votes(month.votes)})"
    figures = f"{charts.month_name(month.starts_on, texts.locale.value)} {month.paper_count}{votes}"
    return figures.replace(" ", NO_BREAK_SPACE)


def _add_rising(texts: Texts, message: message_builder.MessageBuilder, rising: RisingReport) -> None:
    message.add_separator()
    if not rising.topics:
        message.add_text(paper_text.subtext(texts("rising-none")))
        return
    rows = [_rising_row(texts, place, topic) for place, topic in enumerate(rising.topics, start=1)]
    head = f"**{texts('rising-heading')}**\n{paper_text.subtext(texts('rising-note'))}"
    message.add_text("\n".join((head, *rows)))


def _rising_row(texts: Texts, place: int, topic: RisingTopic) -> str:
    name = f"{place} · **{paper_text.escape_untrusted(topic.text, max_length=MAX_TITLE_LENGTH)}**"
    other = (
        paper_text.escape_untrusted(topic.translation, max_length=MAX_TITLE_LENGTH)
        if topic.translation
        else None
    )
    before, now = (f"{100 * share:.1f}".removesuffix(".0") for share in (topic.baseline_share, topic.share))
    facts = texts("rising-facts", count=topic.papers, before=before, now=now)
    return f"{paper_text.join_dotted(name, other)} · {facts}"


def _rising_menu(texts: Texts, topics: Sequence[RisingTopic], span: Span) -> ui.Item[ui.LayoutView] | None:
    options = [
        message_builder.select_option(topic.text, topic.text, description=topic.translation or None)
        for topic in topics
        if len(topic.text) <= limits.SELECT_VALUE
    ]
    return message_builder.select_menu(texts("rising-pick"), custom_ids.pack(SELECT, span), options)


def _span_menu(texts: Texts, answer: TrendAnswer) -> ui.Item[ui.LayoutView] | None:
    options = [
        message_builder.select_option(
            texts(f"trend-span-{span.value}"), span.value, selected=span is answer.span
        )
        for span in Span
    ]
    return message_builder.select_menu(
        texts("choose-period"), pack(answer.topic, answer.span, SELECT_SPAN), options
    )


def _navigation_buttons(
    texts: Texts, answer: TrendAnswer, *, may_share: bool
) -> list[ui.Item[ui.LayoutView] | None]:
    topic, span = answer.topic, answer.span
    ways: list[ui.Item[ui.LayoutView] | None] = []
    if topic.text and answer.has_papers_outside_span:
        ways.append(message_builder.button(texts("trend-list"), list_state.pack(topic)))
    if topic.text:
        ways.append(paper_list.follow_button(texts, topic))
        ways.append(message_builder.button(texts("rising-heading-short"), pack(make_topic("", span), span)))
    if may_share:
        ways.append(message_builder.button(texts("share"), pack(topic, span, SHARE)))
    if not ways and answer.extent.paper_count:
        ways.append(
            message_builder.button(
                texts("newest-digest"), list_state.pack(list_state.ListState(list_state.ListKind.DIGEST))
            )
        )
    return ways


def _suggestion_buttons(answer: TrendAnswer) -> list[ui.Item[ui.LayoutView]]:
    """Return buttons for topics that were perhaps meant."""
    return [
        message_builder.button(text, pack(make_topic(text, answer.span), answer.span))
        for text in answer.suggestions
        if len(text) <= list_state.MAX_TEXT_LENGTH
    ][: limits.ROW_BUTTONS]


def _add_no_results(texts: Texts, message: message_builder.MessageBuilder, answer: TrendAnswer) -> None:
    if answer.extent.paper_count:
        span = texts(f"trend-span-{answer.span.value}")
        message.add_text(texts("trend-nothing", topic=_topic_name(texts, answer.topic.text), period=span))
    message.add_text(empty_list.extent_line(texts, answer.extent))
    if answer.suggestions:
        message.add_text(paper_text.subtext(texts("try-instead")))


def alt_text(texts: Texts, answer: TrendAnswer) -> str:
    """Return what the picture shows, in texts, for its file."""
    text = f"{_heading(texts, answer)}\n{_monthly_figures(texts, answer.trend, plain=True)}"
    return split.shorten(text, limits.ALT_TEXT, markdown=False)
