"""Views of `/trends`: a topic's papers and votes by month, as a chart and as numbers, and rising topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from discord import ui

from bot.client import custom_ids, list_state, paper_texts
from bot.client import messages as client_messages
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import MessageBuilder, button, select_menu, select_option
from bot.client.texts import Texts
from bot.rendering import charts, discord_text, typesetting
from bot.search.trends import Month, RisingTopic, Step, Trend
from storage import models

SHOW = "tr"
SELECT_SPAN = "trs"
SELECT = "trp"
SHARE = "trx"
IMAGE_FILENAME = "trend.png"
MAX_EXPANSIONS = 5
MAX_TITLE_LENGTH = 60


class Span(StrEnum):
    """The period that a chart covers."""

    HALF_YEAR = "half-year"
    YEAR = "y"
    TWO_YEARS = "two-years"
    FIVE_YEARS = "five-years"


SPAN_MONTHS = {Span.HALF_YEAR: 6, Span.YEAR: 12, Span.TWO_YEARS: 24, Span.FIVE_YEARS: 60}


@dataclass(frozen=True, slots=True)
class TrendAnswer:
    """The content of a reply. `topic` is the state of the topic's list; its text is "" for the whole archive.

    `rising` is None unless requested. `has_image` is True if the chart is attached.
    """

    topic: list_state.ListState
    span: Span
    trend: Trend
    extent: models.ArchiveExtent
    rising: tuple[RisingTopic, ...] | None = None
    has_image: bool = False


def make_topic(text: str, span: Span, token: str = "") -> list_state.ListState:
    """Return the state for a list of a topic's papers from about the same period."""
    period = list_state.Period.YEAR if span is Span.YEAR else list_state.Period.ALL
    return list_state.ListState(list_state.ListKind.TOPIC, text, period=period, token=token)


def pack(topic: list_state.ListState, span: Span, verb: str = SHOW) -> str:
    """Return the custom id of a control for a topic's trend."""
    return pack_custom_id(verb, span, "k" if topic.token else "", topic.token or topic.text)


def unpack(action: custom_ids.Action) -> tuple[list_state.ListState, Span]:
    """Return the topic and span packed by `pack`. Of a stored topic, only the token is set. Raises InvalidCustomIdError."""
    code, flag, text = action.fields(3)
    with custom_ids.map_parse_errors():
        span = Span(code)
    return (make_topic("", span, text) if flag else make_topic(text, span)), span


def trend_view(texts: Texts, answer: TrendAnswer, *, may_share: bool) -> ui.LayoutView:
    """Return a private reply with the trend, rising topics, and buttons for related lists and charts."""
    message = MessageBuilder()
    has_papers = answer.trend.total > 0
    if has_papers:
        _add_trend(texts, message, answer)
    else:
        _add_no_results(texts, message, answer)
    if answer.rising is not None and has_papers:
        _add_rising(texts, message, answer.rising)
        message.add_buttons(_rising_menu(texts, answer.rising, answer.span))
    message.add_buttons(_span_menu(texts, answer))
    message.add_buttons(*_navigation_buttons(texts, answer, may_share=may_share and has_papers))
    return message.view


def shared_view(texts: Texts, answer: TrendAnswer, *, sharer: str) -> ui.LayoutView:
    """Return a public reply. Its button replies privately to the person who presses it."""
    message = MessageBuilder()
    message.add_text(paper_texts.subtext(texts("shared-by", name=sharer)))
    _add_trend(texts, message, answer)
    message.add_buttons(button(texts("trend-privately"), pack(answer.topic, answer.span)))
    return message.view


def make_chart(texts: Texts, trend: Trend) -> charts.Chart:
    """Return the chart of a trend."""
    return charts.Chart(
        trend.months,
        label=texts("trend-papers"),
        locale=texts.locale.value,
        is_last_partial=trend.is_last_month_partial,
        by_month=trend.step is Step.MONTH,
    )


def list_notes(texts: Texts, trend: Trend) -> list[str]:
    """Return the notes above a trend: the other forms of the topic that were counted."""
    if not trend.added_forms:
        return []
    also = paper_texts.name_related(texts, trend.added_forms, most=MAX_EXPANSIONS)
    return [texts("list-also", forms=also)]


def _add_trend(texts: Texts, message: MessageBuilder, answer: TrendAnswer) -> None:
    trend = answer.trend
    message.add_text(f"### {heading(texts, answer)}")
    message.add_text("\n".join(map(paper_texts.subtext, list_notes(texts, trend))))
    if answer.has_image:
        message.add_media([f"attachment://{IMAGE_FILENAME}"], monthly_figures(texts, trend, plain=True))
    message.add_text(summary(texts, trend))
    if not answer.has_image:
        # If there is a picture, the numbers are its alt text.
        numbers = paper_texts.subtext(texts("trend-numbers", step=trend.step.name.lower()))
        message.add_text(f"{numbers}\n{monthly_figures(texts, trend)}")


def heading(texts: Texts, answer: TrendAnswer) -> str:
    """Return the topic, its number of papers and the period covered, such as the last 12 months."""
    topic = _topic_name(texts, answer.topic.text)
    span = texts(f"trend-span-{answer.span.value}")
    return texts("trend-heading", topic=topic, count=answer.trend.total, period=span)


def _topic_name(texts: Texts, text: str) -> str:
    name = paper_texts.escape_untrusted(text, max_length=MAX_TITLE_LENGTH)
    return name if text else texts("trend-everything")


def summary(texts: Texts, trend: Trend) -> str:
    """Describe the last two months (or weeks or days) and the one with the most papers."""
    last = _month_papers(texts, trend, trend.months[-1])
    if trend.is_last_month_partial:
        last = texts("trend-so-far", month=last)
    previous = _month_papers(texts, trend, trend.months[-2]) if len(trend.months) > 1 else None
    # Of equal months take the latest, since the last two are named anyway.
    peak_month = max(reversed(trend.months), key=lambda month: month.paper_count)
    peak = texts(
        "trend-most",
        month=_month_papers(texts, trend, peak_month, with_year=True),
        step=trend.step.name.lower(),
    )
    return paper_texts.join_dotted(last, previous, peak if peak_month not in trend.months[-2:] else None)


def _name(texts: Texts, trend: Trend, month: Month, *, with_year: bool = False) -> str:
    name = charts.month_name if trend.step is Step.MONTH else charts.day_name
    return name(month.starts_on, texts.locale.value, with_year=with_year)


def _month_papers(texts: Texts, trend: Trend, month: Month, *, with_year: bool = False) -> str:
    name = _name(texts, trend, month, with_year=with_year)
    text = texts("trend-month", month=name, count=month.paper_count)
    if trend.totals and month.paper_count:
        share = month.paper_count / trend.totals[trend.months.index(month)]
        text += texts("trend-share", share=f"{100 * share:.0f}" if share >= 0.01 else "<1")
    return text


def monthly_figures(texts: Texts, trend: Trend, *, plain: bool = False) -> str:
    """Return the numbers for all months, one line per year."""
    lines = []
    for year, months in groupby(trend.months, key=lambda month: month.starts_on.year):
        shown = []
        for month in months:
            votes = "" if month.votes is None else f" ({paper_texts.format_votes(month.votes)})"
            count = texts("trend-figure", month=_name(texts, trend, month), count=month.paper_count)
            shown.append(f"{count}{votes}")
        figures = ", ".join(shown)
        lines.append(f"{year}: {figures}" if plain else paper_texts.subtext(f"**{year}** {figures}"))
    return "\n".join(lines)


def _add_rising(texts: Texts, message: MessageBuilder, rising: Sequence[RisingTopic]) -> None:
    message.add_separator()
    if not rising:
        message.add_text(paper_texts.subtext(texts("rising-none")))
        return
    rows = [_rising_row(texts, rank, topic) for rank, topic in enumerate(rising, start=1)]
    head = f"**{texts('rising-heading')}**\n{paper_texts.subtext(texts('rising-note'))}"
    message.add_text("\n".join((head, *rows)))


def rising_facts(texts: Texts, topic: RisingTopic) -> str:
    """Return a rising topic's number of papers and its shares before and now."""
    before, now = (f"{100 * share:.1f}".removesuffix(".0") for share in (topic.baseline_share, topic.share))
    count = texts("choice-papers", count=topic.papers)
    return f"{count} · {before}% → {now}%"


def _rising_row(texts: Texts, rank: int, topic: RisingTopic) -> str:
    name = f"{rank} · **{paper_texts.escape_untrusted(topic.text, max_length=MAX_TITLE_LENGTH)}**"
    translation = paper_texts.escape_untrusted(topic.translation or "", max_length=MAX_TITLE_LENGTH)
    facts = rising_facts(texts, topic)
    return f"{paper_texts.join_dotted(name, translation)} · {facts}"


def _rising_menu(texts: Texts, topics: Sequence[RisingTopic], span: Span) -> ui.Item[ui.LayoutView] | None:
    options = [
        select_option(topic.text, topic.text, description=topic.translation or None)
        for topic in topics
        if len(topic.text) <= discord_text.SELECT_VALUE
    ]
    return select_menu(texts("rising-pick"), pack_custom_id(SELECT, span), options)


def _span_menu(texts: Texts, answer: TrendAnswer) -> ui.Item[ui.LayoutView] | None:
    options = [
        select_option(texts(f"trend-span-{span.value}"), span.value, selected=span is answer.span)
        for span in Span
    ]
    return select_menu(texts("choose-period"), pack(answer.topic, answer.span, SELECT_SPAN), options)


def _navigation_buttons(
    texts: Texts, answer: TrendAnswer, *, may_share: bool
) -> list[ui.Item[ui.LayoutView] | None]:
    topic, span = answer.topic, answer.span
    buttons: list[ui.Item[ui.LayoutView] | None] = []
    if topic.text and answer.trend.total:
        buttons.append(button(texts("trend-list"), list_state.pack_state(topic)))
    if topic.text:
        buttons.append(client_messages.follow_button(texts, topic))
        buttons.append(button(texts("rising-heading-short"), pack(make_topic("", span), span)))
    if may_share:
        buttons.append(button(texts("share"), pack(topic, span, SHARE)))
    return buttons


def _add_no_results(texts: Texts, message: MessageBuilder, answer: TrendAnswer) -> None:
    name = typesetting.strip_quotes(answer.topic.text)
    span = texts(f"trend-span-{answer.span.value}")
    message.add_text(texts("trend-nothing", topic=_topic_name(texts, name), period=span))
    message.add_text(paper_texts.extent_line(texts, answer.extent))


def alt_text(texts: Texts, answer: TrendAnswer) -> str:
    """Return the alt text of the chart."""
    text = f"{heading(texts, answer)}\n{monthly_figures(texts, answer.trend, plain=True)}"
    return discord_text.shorten(text, discord_text.ALT_TEXT, markdown=False)
