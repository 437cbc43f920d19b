"""Views of `/trends`: a topic's papers and votes by month, as a chart and as numbers, and rising topics."""

from __future__ import annotations

from collections.abc import Sequence

from discord import ui

from bot.client import custom_ids, verbs
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import MessageBuilder, button, select_menu, select_option
from bot.features.trends.rising import RisingTopic
from bot.features.trends.service import Span, TrendAnswer, make_topic
from bot.features.trends.trend_texts import (
    MAX_TITLE_LENGTH,
    heading,
    list_notes,
    monthly_figures,
    rising_facts,
    summary,
    topic_name,
)
from bot.i18n.texts import Texts
from bot.papers import list_state, message_parts, paper_texts
from bot.rendering import discord_text, typesetting

IMAGE_FILENAME = "trend.png"


def pack(topic: list_state.ListState, span: Span, verb: str = verbs.SHOW_TREND) -> str:
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
    message.add_text(discord_text.subtext(texts("shared-by", name=sharer)))
    _add_trend(texts, message, answer)
    message.add_buttons(button(texts("trend-privately"), pack(answer.topic, answer.span)))
    return message.view


def _add_trend(texts: Texts, message: MessageBuilder, answer: TrendAnswer) -> None:
    trend = answer.trend
    message.add_text(f"### {heading(texts, answer)}")
    message.add_text("\n".join(map(discord_text.subtext, list_notes(texts, trend))))
    if answer.has_image:
        message.add_media([f"attachment://{IMAGE_FILENAME}"], monthly_figures(texts, trend, plain=True))
    message.add_text(summary(texts, trend))
    if not answer.has_image:
        # If there is a picture, the numbers are its alt text.
        numbers = discord_text.subtext(texts("trend-numbers", step=trend.step.name.lower()))
        message.add_text(f"{numbers}\n{monthly_figures(texts, trend)}")


def _add_rising(texts: Texts, message: MessageBuilder, rising: Sequence[RisingTopic]) -> None:
    message.add_separator()
    if not rising:
        message.add_text(discord_text.subtext(texts("rising-none")))
        return
    rows = [_rising_row(texts, rank, topic) for rank, topic in enumerate(rising, start=1)]
    head = f"**{texts('rising-heading')}**\n{discord_text.subtext(texts('rising-note'))}"
    message.add_text("\n".join((head, *rows)))


def _rising_row(texts: Texts, rank: int, topic: RisingTopic) -> str:
    name = f"{rank} · **{discord_text.escape_untrusted(topic.text, max_length=MAX_TITLE_LENGTH)}**"
    translation = discord_text.escape_untrusted(topic.translation or "", max_length=MAX_TITLE_LENGTH)
    facts = rising_facts(texts, topic)
    return f"{discord_text.join_dotted(name, translation)} · {facts}"


def _rising_menu(texts: Texts, topics: Sequence[RisingTopic], span: Span) -> ui.Item[ui.LayoutView] | None:
    options = [
        select_option(topic.text, topic.text, description=topic.translation or None) for topic in topics
    ]
    return select_menu(texts("rising-pick"), pack_custom_id(verbs.SELECT_TREND, span), options)


def _span_menu(texts: Texts, answer: TrendAnswer) -> ui.Item[ui.LayoutView] | None:
    options = [
        select_option(texts(f"trend-span-{span.value}"), span.value, selected=span is answer.span)
        for span in Span
    ]
    return select_menu(
        texts("choose-period"), pack(answer.topic, answer.span, verbs.SELECT_TREND_SPAN), options
    )


def _navigation_buttons(
    texts: Texts, answer: TrendAnswer, *, may_share: bool
) -> list[ui.Item[ui.LayoutView] | None]:
    topic, span = answer.topic, answer.span
    buttons: list[ui.Item[ui.LayoutView] | None] = []
    if topic.text and answer.trend.total:
        buttons.append(button(texts("trend-list"), list_state.pack_state(topic)))
        term = list_state.find_alert_term(answer.trend.read)
        buttons.append(message_parts.follow_button(texts, topic, [term] if term else []))
    if topic.text:
        buttons.append(button(texts("rising-heading-short"), pack(make_topic("", span), span)))
    if may_share:
        buttons.append(button(texts("share"), pack(topic, span, verbs.SHARE_TREND)))
    return buttons


def _add_no_results(texts: Texts, message: MessageBuilder, answer: TrendAnswer) -> None:
    name = topic_name(texts, typesetting.strip_quotes(answer.topic.text), answer.trend.read)
    span = texts(f"trend-span-{answer.span.value}")
    message.add_text(texts("no-list-top-topic", topic=name, period=span))
    message.add_text(paper_texts.extent_line(texts, answer.trend.extent))
