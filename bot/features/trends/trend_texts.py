"""The words and the chart of a trend and of rising topics, on Discord and the web."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from bot.features.trends.rising import RisingTopic
from bot.features.trends.service import Interval, Month, Trend, TrendAnswer
from bot.i18n.texts import Texts
from bot.papers import paper_texts, post_names
from bot.rendering import charts, discord_text
from bot.text.parsed_query import ParsedQuery

MAX_EXPANSIONS = 5
MAX_TITLE_LENGTH = 60


def make_chart(texts: Texts, trend: Trend) -> charts.Chart:
    return charts.Chart(
        trend.months,
        label=texts("trend-papers"),
        locale=texts.locale.value,
        is_last_partial=trend.is_last_month_partial,
        by_month=trend.step is Interval.MONTH,
    )


def list_notes(texts: Texts, trend: Trend) -> list[str]:
    """Return the notes above a trend: what was corrected or is not left out, other forms, and that papers count twice."""
    corrected = post_names.correction_note(texts, trend.read)
    ignored = post_names.ignored_note(texts, trend.read)
    left_out = post_names.leave_out_note(texts, trend.read)
    also = paper_texts.name_related(texts, trend.read.added_forms, most=MAX_EXPANSIONS)
    is_more = sum(month.paper_count for month in trend.months) > trend.total
    again = texts("trend-again", step=trend.step.name.lower()) if is_more else ""
    return [
        *filter(None, (corrected, ignored, left_out, texts("list-also", forms=also) if also else "", again))
    ]


def heading(texts: Texts, answer: TrendAnswer) -> str:
    """Return the topic, its number of papers and the period covered, such as the last 12 months."""
    topic = topic_name(texts, answer.topic.text, answer.trend.read)
    span = texts(f"trend-span-{answer.span.value}")
    return texts("trend-heading", topic=topic, count=answer.trend.total, period=span)


def topic_name(texts: Texts, text: str, read: ParsedQuery) -> str:
    name = post_names.name_topic(texts, text, replace(read, ignored=()))
    return discord_text.escape_untrusted(name, max_length=MAX_TITLE_LENGTH) or texts("all-papers")


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
    return discord_text.join_dotted(last, previous, peak if peak_month not in trend.months[-2:] else None)


def _name(texts: Texts, trend: Trend, month: Month, *, with_year: bool = False) -> str:
    is_month = trend.step is Interval.MONTH
    return charts.date_name(month.starts_on, texts.locale.value, is_month=is_month, with_year=with_year)


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
        lines.append(f"{year}: {figures}" if plain else discord_text.subtext(f"**{year}** {figures}"))
    return "\n".join(lines)


def rising_facts(texts: Texts, topic: RisingTopic) -> str:
    """Return a rising topic's number of papers and its shares before and now."""
    before, now = (f"{100 * share:.1f}".removesuffix(".0") for share in (topic.baseline_share, topic.share))
    count = texts("choice-papers", count=topic.papers)
    return f"{count} · {before}% → {now}%"


def alt_text(texts: Texts, answer: TrendAnswer) -> str:
    text = f"{heading(texts, answer)}\n{monthly_figures(texts, answer.trend, plain=True)}"
    return discord_text.shorten(text, discord_text.ALT_TEXT, markdown=False)
