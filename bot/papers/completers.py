"""Autocomplete of topics, authors, papers, days and periods."""

from __future__ import annotations

import contextlib
from datetime import date

from bot.archive.complete_days import list_dates_around
from bot.client.autocomplete import Choices, complete_last_of, guarded, make_choices
from bot.client.handler_context import Interaction
from bot.core import clock
from bot.i18n import texts as i18n_texts
from bot.i18n import typed_values
from bot.i18n.texts import Texts
from bot.papers import paper_texts
from bot.papers.list_state import Period
from bot.rendering import discord_text
from bot.rendering.discord_text import shorten_label
from bot.text import institutions, query_parser, typed_dates
from storage import archive, errors, models, sources
from storage.papers import count_by_date


@guarded
async def topics(interaction: Interaction, current: str) -> Choices:
    """Complete topics from the archive, those in the user's language first; after from:, institutions, after in:, labels."""
    operator, is_operator, name = current.rpartition(":")
    of_operator = query_parser.parse_query(f"{''.join(operator.split()[-1:])}:KAIST" if is_operator else "")
    if of_operator.labels:
        labels = await _complete_labels(interaction, name)
        return make_choices((label, f'{operator}:"{label}"') for label in labels)
    if of_operator.institutions:
        return make_choices(
            (name, f'{operator}:"{name}"') for name in institutions.complete(name.strip(' "'))
        )
    texts = await interaction.client.texts_for(interaction)
    matches = await interaction.client.services.search.complete_topic(current, texts.locale)
    return make_choices((topic.name, topic.value) for topic in matches)


async def _complete_labels(interaction: Interaction, typed: str) -> list[str]:
    labels = await interaction.client.services.database.fetch(sources.list_labels)
    return [label for key, label in labels.items() if models.label_key(typed) in key]


@guarded
async def authors(interaction: Interaction, current: str) -> Choices:
    """Complete authors, showing the number of their papers."""
    texts = await interaction.client.texts_for(interaction)
    choices = []
    for author in await interaction.client.services.search.complete_author(current):
        suffix = f" — {texts('choice-papers', count=author.papers or 0)}"
        name = shorten_label(author.name, discord_text.CHOICE_NAME - len(suffix))
        choices.append((name + suffix, author.value))
    return make_choices(choices)


topic_lists = complete_last_of(topics)
author_lists = complete_last_of(authors)


@guarded
async def papers(interaction: Interaction, current: str) -> Choices:
    """Complete papers by id or title. The title comes last because narrow screens cut off the end."""
    choices = []
    for paper in await interaction.client.services.search.complete_paper(current):
        is_long, votes = len(paper.value) > discord_text.CHOICE_VALUE, paper_texts.format_votes(paper.votes)
        name = discord_text.join_dotted(votes if is_long else f"{paper.value} {votes}", paper.name)
        choices.append((name, models.alias_of(paper.value) if is_long else paper.value))
    return make_choices(choices)


@guarded
async def dates(interaction: Interaction, current: str) -> Choices:
    """Complete days that have a digest, showing the number of their papers, and labels of sources.

    A day without a digest offers the nearest days; an unfinished word offers the newest days.
    """
    client, database = interaction.client, interaction.client.services.database
    texts, today = await client.texts_for(interaction), await client.today_for(interaction)
    span = typed_dates.read_typed_date(current, today)
    async with database.read() as connection:
        first, last = span or (None, None)
        days = await archive.list_dates(connection, since_on=first, until_on=last) if span else []
        # A source may date its lists in the future; such days are offered only if they are typed.
        until_on = clock.latest_date(client.services.clock())
        listed = await archive.list_dates(connection, until_on=until_on)
        days += [day for day in listed if current.strip() in day.isoformat()] or ([] if span else listed)
        if span and not days:
            days = paper_texts.nearest_days(await list_dates_around(connection, span[1]), *span)
        days = list(dict.fromkeys(days))[: discord_text.AUTOCOMPLETE_CHOICES]
        counts = await count_by_date(connection, days)
    labels = await _complete_labels(interaction, current) if current.strip() else ()
    return make_choices(
        [*((label, label) for label in labels), *paper_texts.label_days(texts, counts, today)]
    )


@guarded
async def periods(interaction: Interaction, current: str) -> Choices:
    """Complete periods: the one that was typed, then those whose names contain the text: recent ones, years, months."""
    client, typed = interaction.client, " ".join(current.casefold().split())
    texts, today = await client.texts_for(interaction), await client.today_for(interaction)
    extent = await client.services.search.get_extent()
    text_ids = {period.value: period.text_id for period in Period} | _RECENT_PERIODS
    named = [
        (texts(text_id), value)
        for value, text_id in text_ids.items()
        if typed in value
        or any(typed in i18n_texts.for_locale(locale)(text_id).casefold() for locale in models.Locale)
    ]
    calendar = _list_calendar_periods(texts, extent.first_on or today, today)
    named += [(name, value) for name, value in calendar if typed in name.casefold()]
    # A text of one character is the value of a period of a list.
    with contextlib.suppress(errors.UsageError):
        if len(typed) > 1:
            meant = texts.format_period(*typed_values.parse_dates(typed, today))
            is_named = any(typed in (name.casefold(), value) for name, value in named)
            named = named if is_named else [(meant, typed), *(pair for pair in named if pair[0] != meant)]
    return make_choices(named)


def _list_calendar_periods(texts: Texts, first: date, today: date) -> list[tuple[str, str]]:
    """Return the names and ISO values of the years and then the months from a day until today, newest first."""
    years = range(today.year, first.year - 1, -1)
    months = [(year, month) for year in years for month in range(12, 0, -1)]
    since, until = (first.year, first.month), (today.year, today.month)
    spans = [(f"{year}", typed_dates.calendar_span(year)) for year in years]
    spans += [
        (f"{year}-{month:02}", typed_dates.calendar_span(year, month))
        for year, month in months
        if since <= (year, month) <= until
    ]
    return [(texts.format_period(*span), value) for value, span in spans]


_RECENT_PERIODS = {
    "today": "day-today",
    "yesterday": "day-yesterday",
    "this week": "period-this-week",
    "last week": "period-last-week",
    "this month": "period-this-month",
    "last month": "period-last-month",
    "this year": "period-this-year",
    "last year": "period-last-year",
}
"""The text ids of the names of periods, by what is typed for them."""
