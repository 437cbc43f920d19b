"""What is offered while a reader types, within Discord's 25 choices of 100 characters. Never raises: an empty list instead."""

from __future__ import annotations

import asyncio
import functools
import zoneinfo
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import structlog
from discord import app_commands

from bot.client.context import Interaction
from bot.rendering.discord_text import escape, limits, split
from bot.rendering.wording import filters

if TYPE_CHECKING:
    from bot.client.translations import Texts
    from bot.services.search import results

log = structlog.get_logger(__name__)

Choices = list[app_commands.Choice[str]]
TIMEOUT_SECONDS = 2.5
"""Discord waits three."""

COMMON_TIMEZONES = (
    "Asia/Seoul",
    "UTC",
    "America/New_York",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Tokyo",
    "Asia/Shanghai",
    "Asia/Kolkata",
    "Australia/Sydney",
)


async def topics(interaction: Interaction, current: str) -> Choices:
    """Offer topics that the archive knows, in the reader's language first."""
    lookup = interaction.client.services.search

    async def ask(words: Texts) -> Choices:
        offered = await lookup.complete_topic(current, words.locale)
        return make_choices((one.name, one.value) for one in offered)

    return await _complete_within_timeout(interaction, ask)


async def authors(interaction: Interaction, current: str) -> Choices:
    """Offer authors, with the number of their papers."""
    lookup = interaction.client.services.search

    async def ask(words: Texts) -> Choices:
        return make_choices(
            (_author_label(one, words), one.value) for one in await lookup.complete_author(current)
        )

    return await _complete_within_timeout(interaction, ask)


async def papers(interaction: Interaction, current: str) -> Choices:
    """Offer papers by id or title, with their votes."""
    lookup = interaction.client.services.search

    async def ask(_: Texts) -> Choices:
        return make_choices((_paper_label(one), one.value) for one in await lookup.complete_paper(current))

    return await _complete_within_timeout(interaction, ask)


async def dates(interaction: Interaction, current: str) -> Choices:
    """Offer the dates of the latest digests that contain the typed text."""
    days = [day.isoformat() for day in await interaction.client.services.status.list_dates()]
    return make_choices((day, day) for day in days if current.strip() in day)


async def timezones(_: Interaction, current: str) -> Choices:
    """Offer time zones: the usual ones first, then all whose name holds what was typed."""
    typed = current.strip().casefold().replace(" ", "_")
    holding = [zone for zone in list_timezones() if typed in zone.casefold()]
    holding.sort(key=lambda zone: not zone.rpartition("/")[2].casefold().startswith(typed))
    return make_choices((zone, zone) for zone in holding)


@functools.lru_cache(maxsize=1)
def list_timezones() -> tuple[str, ...]:
    """Every zone, the usual ones first. Listing them reads a folder, so it is done once."""
    known = sorted(
        zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/")
    )
    return tuple(dict.fromkeys((*COMMON_TIMEZONES, *known)))


async def times(_: Interaction, current: str) -> Choices:
    """Offer times of day: the full and half hours that begin as what was typed, the morning first."""
    typed = current.strip()
    hours = [*range(6, 24), *range(6)]
    all_times = (f"{hour:02}:{minute:02}" for hour in hours for minute in (0, 30))
    return make_choices(
        (time, time) for time in all_times if time.startswith(typed) or time.lstrip("0").startswith(typed)
    )


def make_choices(pairs: Iterable[tuple[str, str]]) -> Choices:
    """Return name and value pairs as choices: at most 25, names shortened, values that would be too long left out."""
    offered: dict[str, app_commands.Choice[str]] = {}
    for name, value in pairs:
        label = split.shorten(escape.to_single_line(name), limits.CHOICE_NAME, markdown=False)
        if label and 0 < len(value) <= limits.CHOICE_VALUE:
            offered.setdefault(value, app_commands.Choice(name=label, value=value))
        if len(offered) == limits.AUTOCOMPLETE_CHOICES:
            break
    return list(offered.values())


def _author_label(author: results.Choice, words: Texts) -> str:
    end = f" — {words('choice-papers', count=author.papers or 0)}"
    name = split.shorten(escape.to_single_line(author.name), limits.CHOICE_NAME - len(end), markdown=False)
    return name + end


def _paper_label(paper: results.Choice) -> str:
    """Return id and votes before the title: a narrow screen shows only the beginning."""
    facts = f"{paper.value} {filters.render_votes(paper.votes)}"
    return f"{facts} · {paper.name}" if paper.name else facts


async def _complete_within_timeout(
    interaction: Interaction, complete: Callable[[Texts], Awaitable[Choices]]
) -> Choices:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await complete(await interaction.client.texts_for(interaction))
    except Exception as error:  # noqa: BLE001 - nothing can be said in an autocomplete; typing on still works
        log.warning("autocomplete_failed", kind=type(error).__name__, error=str(error))
        return []
