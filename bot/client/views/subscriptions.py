"""/daily: the wizard that sets a daily post up, the list of a server's, and one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

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


def pack(channel_id: int, options: SubscriptionOptions, verb: str) -> str:
    """Return the custom id of an action on a subscription that is not stored yet."""
    days = sum(1 << (day - 1) for day in options.days)
    return custom_ids.pack(
        verb,
        channel_id,
        options.at_time.replace(":", ""),
        days,
        options.top_n,
        min(options.min_votes, 99_999),
        options.locale,
        _STYLE_CODES[options.style],
        int(options.say_when_empty),
        options.timezone,
    )


def unpack(action: custom_ids.Action) -> tuple[int, SubscriptionOptions]:
    """Return the channel id and the options that `pack` wrote. Raises InvalidCustomIdError."""
    channel_id, at_time, days, top_n, min_votes, locale, style, empty, timezone = action.fields(9)
    with custom_ids.map_parse_errors():
        return int(channel_id), SubscriptionOptions(
            at_time=f"{at_time[:2]}:{at_time[2:]}",
            timezone=timezone,
            days=tuple(day for day in schedule.EVERY_DAY if int(days) >> (day - 1) & 1),
            top_n=int(top_n),
            min_votes=int(min_votes),
            locale=models.Locale(locale),
            style={code: style for style, code in _STYLE_CODES.items()}[style],
            say_when_empty=empty == "1",
        )


def setup_view(
    texts: Texts,
    channel_id: int,
    options: SubscriptionOptions,
    permissions: Mapping[str, bool],
    first_at: datetime,
) -> ui.LayoutView:
    """Return the setup wizard: options, permissions by name, the time of the first post, the buttons to start."""
    ready = all(permissions.values())
    message = message_builder.MessageBuilder(accent=message_builder.AMBER if ready else message_builder.RED)
    message.add_text(f"### {texts('setup-heading', channel=f'<#{channel_id}>')}")
    message.add_text(options_text(texts, options))
    message.add_separator()
    message.add_text(permissions_text(texts, permissions))
    message.add_text(
        texts("setup-first", at=format_timestamp(first_at, "F"), relative=format_timestamp(first_at, "R"))
    )
    start_id = pack(channel_id, options, START)
    message.add_buttons(
        message_builder.button(texts("setup-start"), start_id, style=discord.ButtonStyle.primary),
        message_builder.button(texts("setup-start-now"), pack(channel_id, options, START_NOW)),
        message_builder.button(texts("change"), pack(channel_id, options, EDIT)),
    )
    return message.view


def permissions_text(texts: Texts, permissions: Mapping[str, bool]) -> str:
    """Return a line per permission, with where to grant it if it is missing."""
    lines = [texts("permissions-ready" if all(permissions.values()) else "permissions-missing")]
    for permission, is_granted in permissions.items():
        name = texts(f"permission-{permission.replace('_', '-')}")
        lines.append(f"✓ {name}" if is_granted else f"✗ **{name}** · {texts('permission-where')}")
    return "\n".join(lines)


def options_text(texts: Texts, wishes: SubscriptionOptions) -> str:
    """Return what an order asks for, a line a question."""
    lines = [
        schedule_text.format_schedule(texts, wishes.at_time, wishes.timezone, wishes.days),
        texts("order-papers", count=wishes.top_n)
        + (f" · {texts('order-votes', votes=wishes.min_votes)}" if wishes.min_votes else ""),
        paper_text.join_dotted(
            texts(f"language-{wishes.locale.value}"),
            texts(f"style-{wishes.style.value}"),
            texts("order-say-empty") if wishes.say_when_empty else texts("order-silent-empty"),
        ),
    ]
    return "\n".join(lines)


def subscription_detail_view(
    texts: Texts, order: models.Subscription, wishes: SubscriptionOptions, headline: str = ""
) -> ui.LayoutView:
    """Return one daily post and what can be done with it. `headline` says what has just happened to it."""
    stopped = order.state is not models.ActivityState.ACTIVE
    message = message_builder.MessageBuilder(accent=message_builder.RED if stopped else message_builder.AMBER)
    heading = texts("order-heading", channel=f"<#{order.channel_id}>")
    message.add_text(f"### {headline or heading}")
    message.add_text(("" if not headline else f"{heading}\n") + options_text(texts, wishes))
    message.add_text(next_post_text(texts, order))
    message.add_buttons(
        message_builder.button(texts("order-preview"), custom_ids.pack(SHOW_PREVIEW, order.id)),
        message_builder.button(texts("order-now"), custom_ids.pack(POST_NOW, order.id)),
        message_builder.button(texts("resume-post"), custom_ids.pack(RESUME, order.id))
        if stopped
        else message_builder.button(texts("order-pause"), custom_ids.pack(PAUSE, order.id)),
        message_builder.button(texts("remove"), custom_ids.pack(REMOVE, order.id)),
        message_builder.button(texts("order-all"), custom_ids.pack(LIST)),
    )
    return message.view


def list_view(texts: Texts, found: Sequence[models.Subscription], setup_command: str) -> ui.LayoutView:
    """Return a server's daily posts with a menu to pick one, or how to set the first one up."""
    message = message_builder.MessageBuilder()
    if not found:
        message.add_text(texts("no-orders", command=setup_command))
        return message.view
    message.add_text(f"### {texts('orders-heading', count=len(found))}")
    lines = []
    for order in found[:MAX_LISTED]:
        when = schedule_text.format_schedule(texts, order.at_time, order.timezone, order.days)
        lines.append(paper_text.join_dotted(f"- <#{order.channel_id}>", when, next_post_text(texts, order)))
    if len(found) > MAX_LISTED:
        lines.append(texts("and-more", count=len(found) - MAX_LISTED))
    message.add_text("\n".join(lines))
    return _with_select_menu(texts, message, found)


def confirm_remove_view(texts: Texts, order: models.Subscription) -> ui.LayoutView:
    """Return the question whether a daily post is to be removed."""
    message = message_builder.MessageBuilder()
    message.add_text(texts("order-remove-sure", channel=f"<#{order.channel_id}>"))
    message.add_buttons(
        message_builder.button(
            texts("remove"), custom_ids.pack(REMOVE_CONFIRMED, order.id), style=discord.ButtonStyle.danger
        ),
        message_builder.button(texts("back"), custom_ids.pack(LIST)),
    )
    return message.view


def next_post_text(texts: Texts, order: models.Subscription) -> str:
    """Return when the next post comes, or why none does."""
    if order.state is not models.ActivityState.ACTIVE:
        return notices.reason_text(texts, order.reason)
    if order.next_due_at is None:
        return texts("next-unknown")
    if order.waiting_for_on is not None:
        until = order.waiting_until_at or order.next_due_at
        return texts("next-waiting", until=format_timestamp(until, "t"))
    return texts("next-at", at=format_timestamp(order.next_due_at, "R"))


def format_timestamp(at: datetime, style: str) -> str:
    """Return a Discord timestamp, which everybody sees in their own zone."""
    return f"<t:{int(at.timestamp())}:{style}>"


def subscription_label(texts: Texts, order: models.Subscription, channel: str | None) -> str:
    """Return an order in one line without markup, for menus and autocomplete."""
    name = f"#{channel}" if channel else str(order.channel_id)
    return paper_text.join_dotted(
        name, schedule_text.format_schedule(texts, order.at_time, order.timezone, order.days)
    )


def _with_select_menu(
    texts: Texts, message: message_builder.MessageBuilder, found: Sequence[models.Subscription]
) -> ui.LayoutView:
    options = [
        message_builder.select_option(
            schedule_text.format_schedule(texts, order.at_time, order.timezone, order.days),
            str(order.id),
            description=texts("order-option", id=str(order.id), style=texts(f"style-{order.style.value}")),
        )
        for order in found
    ]
    message.add_select(message_builder.select_menu(texts("order-pick"), custom_ids.pack(SELECT), options))
    return message.view
