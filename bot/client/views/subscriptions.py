"""/daily: the wizard that sets a daily post up, the list of a server's, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import discord
from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Words
from bot.client.views import notices, paper_text, schedule_text
from bot.services.daily import schedule
from bot.services.daily.subscriptions import Wishes
from storage import models

START = "ds"
START_NOW = "dsn"
CHANGE = "de"
PICK = "dp"
SHOW_PREVIEW = "dv"
POST_NOW = "dn"
PAUSE = "dz"
RESUME = notices.RESUME
REMOVE = "dx"
REMOVE_SURE = "dxx"
LIST = "dl"
LISTED = 20

_STYLES = {style: style.value[0] + style.value[-1] for style in models.Style}
"""Two letters a style, so that a whole order fits into a custom id."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A daily post that is not set up yet."""

    channel_id: int
    wishes: Wishes


@dataclass(frozen=True, slots=True)
class Check:
    """One permission that a post needs, by its key in the texts, and whether the bot has it there."""

    key: str
    granted: bool


def pack(draft: Draft, verb: str) -> str:
    """Return the custom id that asks for something to be done with a draft."""
    wishes = draft.wishes
    days = sum(1 << (day - 1) for day in wishes.days)
    fields = (
        draft.channel_id,
        wishes.at_time.replace(":", ""),
        days,
        wishes.top_n,
        min(wishes.min_votes, 99_999),
        wishes.locale,
        _STYLES[wishes.style],
        int(wishes.say_when_empty),
        wishes.timezone,
    )
    return custom_ids.pack(verb, *fields)


def unpack(action: custom_ids.Action) -> Draft:
    """Read a draft back. Raises UnreadableError."""
    channel_id, at_time, days, top_n, min_votes, locale, style, empty, timezone = action.fields(9)
    with custom_ids.reading():
        wishes = Wishes(
            at_time=f"{at_time[:2]}:{at_time[2:]}",
            timezone=timezone,
            days=tuple(day for day in schedule.EVERY_DAY if int(days) >> (day - 1) & 1),
            top_n=int(top_n),
            min_votes=int(min_votes),
            locale=models.Locale(locale),
            style={short: full for full, short in _STYLES.items()}[style],
            say_when_empty=empty == "1",
        )
        return Draft(int(channel_id), wishes)


def setup_view(words: Words, draft: Draft, checks: Sequence[Check], first_at: datetime) -> ui.LayoutView:
    """Return what is to be posted, the permissions that it needs, when it would come first, and the buttons to start."""
    ready = all(check.granted for check in checks)
    message = message_builder.Sheet(accent=message_builder.AMBER if ready else message_builder.RED)
    message.text(f"### {words('setup-heading', channel=f'<#{draft.channel_id}>')}")
    message.text(wishes_text(words, draft.wishes))
    message.rule()
    message.text(checklist(words, checks))
    message.text(words("setup-first", at=moment(first_at, "F"), relative=moment(first_at, "R")))
    message.buttons(
        message_builder.button(words("setup-start"), pack(draft, START), style=discord.ButtonStyle.primary),
        message_builder.button(words("setup-start-now"), pack(draft, START_NOW)),
        message_builder.button(words("change"), pack(draft, CHANGE)),
    )
    return message.view


def checklist(words: Words, checks: Sequence[Check]) -> str:
    """Return the permissions, each with what to switch on where if it is missing."""
    lines = [
        words("permissions-ready") if all(check.granted for check in checks) else words("permissions-missing")
    ]
    for check in checks:
        name = words(f"permission-{check.key}")
        lines.append(f"✓ {name}" if check.granted else f"✗ **{name}** · {words('permission-where')}")
    return "\n".join(lines)


def wishes_text(words: Words, wishes: Wishes) -> str:
    """Return what an order asks for, a line a question."""
    lines = [
        schedule_text.when(words, wishes.at_time, wishes.timezone, wishes.days),
        words("order-papers", count=wishes.top_n)
        + (f" · {words('order-votes', votes=wishes.min_votes)}" if wishes.min_votes else ""),
        paper_text.joined(
            words(f"language-{wishes.locale.value}"),
            words(f"style-{wishes.style.value}"),
            words("order-say-empty") if wishes.say_when_empty else words("order-silent-empty"),
        ),
    ]
    return "\n".join(lines)


def order_view(words: Words, order: models.Subscription, wishes: Wishes, headline: str = "") -> ui.LayoutView:
    """Return one daily post and what can be done with it. `headline` says what has just happened to it."""
    stopped = order.state is not models.SubscriptionState.ACTIVE
    message = message_builder.Sheet(accent=message_builder.RED if stopped else message_builder.AMBER)
    heading = words("order-heading", channel=f"<#{order.channel_id}>")
    message.text(f"### {headline or heading}")
    message.text(("" if not headline else f"{heading}\n") + wishes_text(words, wishes))
    message.text(next_text(words, order))
    message.buttons(
        message_builder.button(words("order-preview"), custom_ids.pack(SHOW_PREVIEW, order.id)),
        message_builder.button(words("order-now"), custom_ids.pack(POST_NOW, order.id)),
        message_builder.button(words("resume-post"), custom_ids.pack(RESUME, order.id))
        if stopped
        else message_builder.button(words("order-pause"), custom_ids.pack(PAUSE, order.id)),
        message_builder.button(words("remove"), custom_ids.pack(REMOVE, order.id)),
        message_builder.button(words("order-all"), custom_ids.pack(LIST)),
    )
    return message.view


def list_view(words: Words, found: Sequence[models.Subscription], setup_command: str) -> ui.LayoutView:
    """Return a server's daily posts with a menu to pick one, or how to set the first one up."""
    message = message_builder.Sheet()
    if not found:
        message.text(words("no-orders", command=setup_command))
        return message.view
    message.text(f"### {words('orders-heading', count=len(found))}")
    lines = []
    for order in found[:LISTED]:
        when = schedule_text.when(words, order.at_time, order.timezone, order.days)
        lines.append(paper_text.joined(f"- <#{order.channel_id}>", when, next_text(words, order)))
    if len(found) > LISTED:
        lines.append(words("and-more", count=len(found) - LISTED))
    message.text("\n".join(lines))
    return _with_menu(words, message, found)


def sure_view(words: Words, order: models.Subscription) -> ui.LayoutView:
    """Return the question whether a daily post is to be removed."""
    message = message_builder.Sheet()
    message.text(words("order-remove-sure", channel=f"<#{order.channel_id}>"))
    message.buttons(
        message_builder.button(
            words("remove"), custom_ids.pack(REMOVE_SURE, order.id), style=discord.ButtonStyle.danger
        ),
        message_builder.button(words("back"), custom_ids.pack(LIST)),
    )
    return message.view


def next_text(words: Words, order: models.Subscription) -> str:
    """Return when the next post comes, or why none does."""
    if order.state is not models.SubscriptionState.ACTIVE:
        return notices.reason_text(words, order.reason)
    if order.next_due_at is None:
        return words("next-unknown")
    if order.waiting_for_on is not None:
        until = order.waiting_until_at or order.next_due_at
        return words("next-waiting", until=moment(until, "t"))
    return words("next-at", at=moment(order.next_due_at, "R"))


def moment(at: datetime, style: str) -> str:
    """Return a Discord timestamp, which everybody sees in their own zone."""
    return f"<t:{int(at.timestamp())}:{style}>"


def label(words: Words, order: models.Subscription, channel: str | None) -> str:
    """Return an order in one line without markup, for menus and autocomplete."""
    name = f"#{channel}" if channel else str(order.channel_id)
    return paper_text.joined(name, schedule_text.when(words, order.at_time, order.timezone, order.days))


def draft_subscription(draft: Draft, guild_id: int, now: datetime) -> models.Subscription:
    """Return the draft as the order that it would become, for a preview."""
    wishes = draft.wishes
    return models.Subscription(
        id=0,
        guild_id=guild_id,
        channel_id=draft.channel_id,
        at_time=wishes.at_time,
        timezone=wishes.timezone,
        days=wishes.days,
        top_n=wishes.top_n,
        min_votes=wishes.min_votes,
        locale=wishes.locale,
        style=wishes.style,
        say_when_empty=wishes.say_when_empty,
        fresh_days=wishes.fresh_days,
        wait_minutes=wishes.wait_minutes,
        settle_hours=wishes.settle_hours,
        state=models.SubscriptionState.ACTIVE,
        reason=None,
        created_by=None,
        created_at=now,
        next_due_at=None,
        waiting_for_on=None,
    )


def with_wishes(draft: Draft, **changes: Any) -> Draft:
    """Return the draft with some wishes changed."""
    return replace(draft, wishes=replace(draft.wishes, **changes))


def _with_menu(
    words: Words, message: message_builder.Sheet, found: Sequence[models.Subscription]
) -> ui.LayoutView:
    options = [
        message_builder.option(
            schedule_text.when(words, order.at_time, order.timezone, order.days),
            str(order.id),
            description=words("order-option", id=str(order.id), style=words(f"style-{order.style.value}")),
        )
        for order in found
    ]
    message.select(message_builder.menu(words("order-pick"), custom_ids.pack(PICK), options))
    return message.view
