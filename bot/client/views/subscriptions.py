"""/daily: the wizard that sets a daily post up, the list of a server's, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import discord
from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import notices, paper_text, schedule_text
from bot.services.daily import schedule
from bot.services.daily.subscriptions import SubscriptionOptions
from storage import models

START = "ds"
START_NOW = "dsn"
EDIT = "de"
SELECT = "dp"
SHOW_PREVIEW = "dv"
POST_NOW = "dn"
PAUSE = "dz"
RESUME = notices.RESUME
REMOVE = "dx"
REMOVE_CONFIRMED = "dxx"
LIST = "dl"
MAX_LISTED = 20

_STYLE_CODES = {style: style.value[0] + style.value[-1] for style in models.Style}
"""Two letters a style, so that a whole order fits into a custom id."""


@dataclass(frozen=True, slots=True)
class SubscriptionDraft:
    """A daily post that is not set up yet."""

    channel_id: int
    options: SubscriptionOptions


@dataclass(frozen=True, slots=True)
class PermissionCheck:
    """One permission that a post needs, by its key in the texts, and whether the bot has it there."""

    key: str
    granted: bool


def pack(draft: SubscriptionDraft, verb: str) -> str:
    """Return the custom id that asks for something to be done with a draft."""
    wishes = draft.options
    days = sum(1 << (day - 1) for day in wishes.days)
    fields = (
        draft.channel_id,
        wishes.at_time.replace(":", ""),
        days,
        wishes.top_n,
        min(wishes.min_votes, 99_999),
        wishes.locale,
        _STYLE_CODES[wishes.style],
        int(wishes.say_when_empty),
        wishes.timezone,
    )
    return custom_ids.pack(verb, *fields)


def unpack(action: custom_ids.Action) -> SubscriptionDraft:
    """Read a draft back. Raises UnreadableError."""
    channel_id, at_time, days, top_n, min_votes, locale, style, empty, timezone = action.fields(9)
    with custom_ids.map_parse_errors():
        wishes = SubscriptionOptions(
            at_time=f"{at_time[:2]}:{at_time[2:]}",
            timezone=timezone,
            days=tuple(day for day in schedule.EVERY_DAY if int(days) >> (day - 1) & 1),
            top_n=int(top_n),
            min_votes=int(min_votes),
            locale=models.Locale(locale),
            style={short: full for full, short in _STYLE_CODES.items()}[style],
            say_when_empty=empty == "1",
        )
        return SubscriptionDraft(int(channel_id), wishes)


def setup_view(
    words: Texts, draft: SubscriptionDraft, checks: Sequence[PermissionCheck], first_at: datetime
) -> ui.LayoutView:
    """Return what is to be posted, the permissions that it needs, when it would come first, and the buttons to start."""
    ready = all(check.granted for check in checks)
    message = message_builder.MessageBuilder(accent=message_builder.AMBER if ready else message_builder.RED)
    message.add_text(f"### {words('setup-heading', channel=f'<#{draft.channel_id}>')}")
    message.add_text(options_text(words, draft.options))
    message.add_separator()
    message.add_text(permissions_text(words, checks))
    message.add_text(
        words("setup-first", at=format_timestamp(first_at, "F"), relative=format_timestamp(first_at, "R"))
    )
    message.add_buttons(
        message_builder.button(words("setup-start"), pack(draft, START), style=discord.ButtonStyle.primary),
        message_builder.button(words("setup-start-now"), pack(draft, START_NOW)),
        message_builder.button(words("change"), pack(draft, EDIT)),
    )
    return message.view


def permissions_text(words: Texts, checks: Sequence[PermissionCheck]) -> str:
    """Return the permissions, each with what to switch on where if it is missing."""
    lines = [
        words("permissions-ready") if all(check.granted for check in checks) else words("permissions-missing")
    ]
    for check in checks:
        name = words(f"permission-{check.key}")
        lines.append(f"✓ {name}" if check.granted else f"✗ **{name}** · {words('permission-where')}")
    return "\n".join(lines)


def options_text(words: Texts, wishes: SubscriptionOptions) -> str:
    """Return what an order asks for, a line a question."""
    lines = [
        schedule_text.format_schedule(words, wishes.at_time, wishes.timezone, wishes.days),
        words("order-papers", count=wishes.top_n)
        + (f" · {words('order-votes', votes=wishes.min_votes)}" if wishes.min_votes else ""),
        paper_text.join_dotted(
            words(f"language-{wishes.locale.value}"),
            words(f"style-{wishes.style.value}"),
            words("order-say-empty") if wishes.say_when_empty else words("order-silent-empty"),
        ),
    ]
    return "\n".join(lines)


def subscription_detail_view(
    words: Texts, order: models.Subscription, wishes: SubscriptionOptions, headline: str = ""
) -> ui.LayoutView:
    """Return one daily post and what can be done with it. `headline` says what has just happened to it."""
    stopped = order.state is not models.ActivityState.ACTIVE
    message = message_builder.MessageBuilder(accent=message_builder.RED if stopped else message_builder.AMBER)
    heading = words("order-heading", channel=f"<#{order.channel_id}>")
    message.add_text(f"### {headline or heading}")
    message.add_text(("" if not headline else f"{heading}\n") + options_text(words, wishes))
    message.add_text(next_post_text(words, order))
    message.add_buttons(
        message_builder.button(words("order-preview"), custom_ids.pack(SHOW_PREVIEW, order.id)),
        message_builder.button(words("order-now"), custom_ids.pack(POST_NOW, order.id)),
        message_builder.button(words("resume-post"), custom_ids.pack(RESUME, order.id))
        if stopped
        else message_builder.button(words("order-pause"), custom_ids.pack(PAUSE, order.id)),
        message_builder.button(words("remove"), custom_ids.pack(REMOVE, order.id)),
        message_builder.button(words("order-all"), custom_ids.pack(LIST)),
    )
    return message.view


def list_view(words: Texts, found: Sequence[models.Subscription], setup_command: str) -> ui.LayoutView:
    """Return a server's daily posts with a menu to pick one, or how to set the first one up."""
    message = message_builder.MessageBuilder()
    if not found:
        message.add_text(words("no-orders", command=setup_command))
        return message.view
    message.add_text(f"### {words('orders-heading', count=len(found))}")
    lines = []
    for order in found[:MAX_LISTED]:
        when = schedule_text.format_schedule(words, order.at_time, order.timezone, order.days)
        lines.append(paper_text.join_dotted(f"- <#{order.channel_id}>", when, next_post_text(words, order)))
    if len(found) > MAX_LISTED:
        lines.append(words("and-more", count=len(found) - MAX_LISTED))
    message.add_text("\n".join(lines))
    return _with_select_menu(words, message, found)


def confirm_remove_view(words: Texts, order: models.Subscription) -> ui.LayoutView:
    """Return the question whether a daily post is to be removed."""
    message = message_builder.MessageBuilder()
    message.add_text(words("order-remove-sure", channel=f"<#{order.channel_id}>"))
    message.add_buttons(
        message_builder.button(
            words("remove"), custom_ids.pack(REMOVE_CONFIRMED, order.id), style=discord.ButtonStyle.danger
        ),
        message_builder.button(words("back"), custom_ids.pack(LIST)),
    )
    return message.view


def next_post_text(words: Texts, order: models.Subscription) -> str:
    """Return when the next post comes, or why none does."""
    if order.state is not models.ActivityState.ACTIVE:
        return notices.reason_text(words, order.reason)
    if order.next_due_at is None:
        return words("next-unknown")
    if order.waiting_for_on is not None:
        until = order.waiting_until_at or order.next_due_at
        return words("next-waiting", until=format_timestamp(until, "t"))
    return words("next-at", at=format_timestamp(order.next_due_at, "R"))


def format_timestamp(at: datetime, style: str) -> str:
    """Return a Discord timestamp, which everybody sees in their own zone."""
    return f"<t:{int(at.timestamp())}:{style}>"


def subscription_label(words: Texts, order: models.Subscription, channel: str | None) -> str:
    """Return an order in one line without markup, for menus and autocomplete."""
    name = f"#{channel}" if channel else str(order.channel_id)
    return paper_text.join_dotted(
        name, schedule_text.format_schedule(words, order.at_time, order.timezone, order.days)
    )


def subscription_from_draft(draft: SubscriptionDraft, guild_id: int, now: datetime) -> models.Subscription:
    """Return the draft as the order that it would become, for a preview."""
    wishes = draft.options
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
        state=models.ActivityState.ACTIVE,
        reason=None,
        created_by=None,
        created_at=now,
        next_due_at=None,
        waiting_for_on=None,
    )


def with_wishes(draft: SubscriptionDraft, **changes: Any) -> SubscriptionDraft:
    """Return the draft with some wishes changed."""
    return replace(draft, options=replace(draft.options, **changes))


def _with_select_menu(
    words: Texts, message: message_builder.MessageBuilder, found: Sequence[models.Subscription]
) -> ui.LayoutView:
    options = [
        message_builder.select_option(
            schedule_text.format_schedule(words, order.at_time, order.timezone, order.days),
            str(order.id),
            description=words("order-option", id=str(order.id), style=words(f"style-{order.style.value}")),
        )
        for order in found
    ]
    message.add_select(message_builder.select_menu(words("order-pick"), custom_ids.pack(SELECT), options))
    return message.view
