"""`/daily`: the setup wizard, the list of a server's subscriptions, and the view of a single subscription."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import discord
from discord import ui

from bot import errors
from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import notices, schedule_text
from bot.client.views.papers import paper_text
from bot.client.views.schedule_text import format_timestamp
from bot.rendering.discord_text import split
from bot.services.accounts import text_tokens
from bot.services.daily import schedule
from bot.services.daily.on_demand import TopicForecast
from bot.services.daily.subscriptions import SubscriptionOptions, options_of
from bot.services.posts.contents import Reason
from storage import models

SETUP = "dsu"
ADD = "dsa"
START = "ds"
START_NOW = "dsn"
CHANGE = "dc"
SELECT_CHANGE = "dcp"
EDIT_SCHEDULE = "de"
EDIT_PAPERS = "dep"
REOPEN = "der"
SHOW = "dh"
SELECT = "dp"
SHOW_PREVIEW = "dv"
POST_NOW = "dn"
PAUSE = "dz"
RESUME = notices.RESUME
REMOVE = "dx"
REMOVE_CONFIRMED = "dxx"
LIST = "dl"
MAX_LISTED = 15
TOKEN_MARK = "@"
STORED_MARK = "="
MAX_TOPIC_LENGTH = 30
"""Characters of a topic in a list; all rows have to fit into a message."""

_STYLE_CODES = {style: style.value[0] + style.value[-1] for style in models.Style}
"""Two letters per style, so that all options fit into a custom id."""


def pack(channel_id: int, options: SubscriptionOptions, verb: str) -> str:
    """Return the custom id of an action on a subscription that is not stored yet.

    Options with a topic or a role are too long for it. The custom id has the token of `long_text` then.
    """
    text = long_text(channel_id, options)
    return custom_ids.pack(
        verb, TOKEN_MARK + text_tokens.make_token(text) if text else _pack_short(channel_id, options)
    )


def target(subscription: models.Subscription) -> str:
    """Return the payload of the form's actions: a stored subscription by its id, the wizard's by its options."""
    if subscription.id:
        return f"{STORED_MARK}{subscription.id}"
    return custom_ids.unpack(pack(subscription.channel_id, options_of(subscription), EDIT_SCHEDULE)).payload


def long_text(channel_id: int, options: SubscriptionOptions) -> str:
    """Return the text to store under a token for the options, "" if they fit into a custom id."""
    if not options.topic and options.mention_role_id is None:
        return ""
    return "\n".join((_pack_short(channel_id, options), str(options.mention_role_id or 0), options.topic))


def find_token(action: custom_ids.Action) -> str | None:
    """Return the token of the options that `pack` did not write into the custom id, None if it did."""
    is_token = action.payload.startswith(TOKEN_MARK)
    return action.payload.removeprefix(TOKEN_MARK) if is_token else None


def _pack_short(channel_id: int, options: SubscriptionOptions) -> str:
    days = sum(1 << (day - 1) for day in options.days)
    fields = (
        channel_id,
        options.at_time.replace(":", ""),
        days,
        options.top_n,
        min(options.min_votes, 99_999),
        options.locale,
        _STYLE_CODES[options.style],
        int(options.say_when_empty),
        int(options.when is models.When.COMPLETE),
        int(options.server_picks),
        options.timezone,
    )
    return ":".join(map(str, fields))


def unpack(action: custom_ids.Action, stored: str = "") -> tuple[int, SubscriptionOptions]:
    """Return the channel id and the options that `pack` wrote, or those of its text as `stored` under a token.

    Raises InvalidCustomIdError.
    """
    short, role, topic = stored.split("\n") if stored else (action.payload, "0", "")
    action = custom_ids.Action(action.verb, short)
    channel_id, at_time, days, top_n, min_votes, locale, style, empty, complete, picks, timezone = (
        action.fields(11)
    )
    day_bits = custom_ids.parse_number(days)
    with custom_ids.map_parse_errors():
        options = SubscriptionOptions(
            at_time=f"{at_time[:2]}:{at_time[2:]}",
            timezone=timezone,
            days=tuple(day for day in schedule.EVERY_DAY if day_bits >> (day - 1) & 1),
            top_n=custom_ids.parse_number(top_n),
            min_votes=custom_ids.parse_number(min_votes),
            locale=models.Locale(locale),
            style={code: style for style, code in _STYLE_CODES.items()}[style],
            say_when_empty=empty == "1",
            when=models.When.COMPLETE if complete == "1" else models.When.HOUR,
            server_picks=picks == "1",
            topic=topic,
            mention_role_id=custom_ids.parse_number(role) or None,
        )
    try:
        return custom_ids.parse_number(channel_id), options.validated()
    except errors.UsageError as error:
        raise custom_ids.InvalidCustomIdError(str(error)) from error


def setup_view(
    texts: Texts,
    channel_id: int,
    options: SubscriptionOptions,
    permissions: Mapping[str, bool],
    first_at: datetime,
    forecast: str = "",
    same: models.Subscription | None = None,
) -> ui.LayoutView:
    """Return the setup wizard: options, permissions by name, the time of the first post, the buttons to start.

    `forecast` is the text of `forecast_text`, "" without a topic. `same` is a subscription of the channel that this one
    would repeat; it cannot be started then.
    """
    ready = all(permissions.values())
    message = message_builder.MessageBuilder(accent=message_builder.AMBER if ready else message_builder.RED)
    message.add_text(f"### {texts('setup-heading', channel=f'<#{channel_id}>')}")
    message.add_text(options_text(texts, options))
    message.add_text(forecast)
    message.add_separator()
    message.add_text(permissions_text(texts, permissions))
    message.add_text(
        texts("setup-first", at=format_timestamp(first_at, "F"), relative=format_timestamp(first_at, "R"))
    )
    if same is not None:
        message.add_text(texts("subscription-already"))
    message.add_buttons(*_setup_buttons(texts, channel_id, options, same))
    message.add_buttons(
        message_builder.button(texts("subscription-edit-schedule"), pack(channel_id, options, EDIT_SCHEDULE)),
        message_builder.button(texts("subscription-edit-papers"), pack(channel_id, options, EDIT_PAPERS)),
    )
    return message.view


def _setup_buttons(
    texts: Texts, channel_id: int, options: SubscriptionOptions, same: models.Subscription | None
) -> list[ui.Item[ui.LayoutView]]:
    """Return the buttons that start a subscription, or the one that changes the equal one."""
    primary = discord.ButtonStyle.primary
    if same is not None:
        return [
            message_builder.button(texts("setup-change"), custom_ids.pack(CHANGE, same.id), style=primary)
        ]
    return [
        message_builder.button(texts("setup-start"), pack(channel_id, options, START), style=primary),
        message_builder.button(texts("setup-start-now"), pack(channel_id, options, START_NOW)),
    ]


def permissions_text(texts: Texts, permissions: Mapping[str, bool]) -> str:
    """Return a line per permission, with where to grant it if it is missing."""
    lines = [texts("permissions-ready" if all(permissions.values()) else "permissions-missing")]
    for permission, is_granted in permissions.items():
        name = texts(f"permission-{permission.replace('_', '-')}")
        lines.append(f"✓ {name}" if is_granted else f"✗ **{name}** · {texts('permission-where')}")
    return "\n".join(lines)


def forecast_text(texts: Texts, forecast: TopicForecast | None, suggestions: Sequence[str] = ()) -> str:
    """Return how often a topic would have been posted lately. For one that never was, `suggestions` are other topics."""
    if forecast is None:
        return texts("forecast-empty")
    until_on, is_recent, counts = forecast
    until = texts.format_date(until_on)
    if not counts:
        lines = [texts("forecast-recent-none" if is_recent else "forecast-past-none", until=until)]
        if suggestions:
            topics = " · ".join(map(paper_text.escape_untrusted, suggestions))
            lines.append(texts("list-perhaps", topics=topics))
        return "\n".join(lines)
    fewest, most = min(counts.values()), max(counts.values())
    papers = texts("forecast-papers" if fewest == most else "forecast-papers-range", fewest=fewest, most=most)
    line = texts(
        "forecast-recent" if is_recent else "forecast-past", days=len(counts), until=until, papers=papers
    )
    return f"{line}\n{paper_text.subtext(texts('forecast-once'))}"


def options_text(texts: Texts, options: SubscriptionOptions) -> str:
    """Return the options in lines: topic and role if there are any, schedule, papers, appearance."""
    topic = paper_text.escape_untrusted(options.topic)
    role_id = options.mention_role_id
    lines = [
        *([texts("subscription-topic", topic=topic)] if topic else []),
        *([] if role_id is None else [texts("subscription-mention", role=f"<@&{role_id}>")]),
        schedule_text.format_schedule(texts, options),
        paper_text.join_dotted(
            texts("subscription-papers", count=options.top_n),
            texts("subscription-votes", votes=options.min_votes) if options.min_votes else None,
        ),
        paper_text.join_dotted(
            texts(f"language-{options.locale.value}"),
            texts(f"style-{options.style.value}"),
            texts("subscription-say-empty" if options.say_when_empty else "subscription-silent-empty"),
        ),
        *([texts("subscription-server-picks")] if options.server_picks else []),
    ]
    return "\n".join(lines)


def subscription_detail_view(
    texts: Texts, subscription: models.Subscription, headline: str = ""
) -> ui.LayoutView:
    """Return a subscription with the buttons for its actions. `headline` confirms the last action."""
    is_inactive = subscription.state is not models.ActivityState.ACTIVE
    message = message_builder.MessageBuilder(message_builder.RED if is_inactive else message_builder.AMBER)
    heading = texts("subscription-heading", channel=f"<#{subscription.channel_id}>")
    message.add_text(f"### {headline or heading}")
    message.add_text(("" if not headline else f"{heading}\n") + options_text(texts, options_of(subscription)))
    message.add_text(next_post_text(texts, subscription))
    message.add_buttons(
        message_builder.button(texts("subscription-preview"), custom_ids.pack(SHOW_PREVIEW, subscription.id)),
        message_builder.button(texts("subscription-now"), custom_ids.pack(POST_NOW, subscription.id)),
        message_builder.button(texts("resume-post"), custom_ids.pack(RESUME, subscription.id))
        if is_inactive
        else message_builder.button(texts("subscription-pause"), custom_ids.pack(PAUSE, subscription.id)),
        message_builder.button(texts("remove"), custom_ids.pack(REMOVE, subscription.id)),
    )
    message.add_buttons(
        message_builder.button(texts("change"), custom_ids.pack(CHANGE, subscription.id)),
        message_builder.button(texts("subscription-all"), custom_ids.pack(LIST)),
    )
    return message.view


def list_view(
    texts: Texts, rows: Sequence[models.Subscription], setup_command: str, verb: str = SELECT
) -> ui.LayoutView:
    """Return the subscriptions of a server with a menu for the action `verb`; without any, how to set one up."""
    if not rows:
        return notices.text_view(texts("no-subscriptions", command=setup_command))
    message = message_builder.MessageBuilder()
    message.add_text(f"### {texts('orders-heading', count=len(rows))}")
    lines = [f"- <#{row.channel_id}> · {list_line(texts, row)}" for row in rows[:MAX_LISTED]]
    if len(rows) > MAX_LISTED:
        lines.append(texts("and-more", count=len(rows) - MAX_LISTED))
    message.add_text("\n".join(lines))
    message.add_select(select_menu(texts, rows, verb))
    return message.view


def list_line(texts: Texts, row: models.Subscription) -> str:
    """Return a subscription on a line of a list, without its channel."""
    topic = paper_text.escape_untrusted(short_topic(row))
    return paper_text.join_dotted(
        topic, schedule_text.format_schedule(texts, row), next_post_text(texts, row)
    )


def select_menu(
    texts: Texts, rows: Sequence[models.Subscription], verb: str
) -> ui.Item[ui.LayoutView] | None:
    """Return the menu that selects a subscription for the action `verb`."""
    options = [
        message_builder.select_option(
            schedule_text.format_schedule(texts, row),
            str(row.id),
            description=paper_text.join_dotted(
                texts("subscription-option", id=str(row.id), style=texts(f"style-{row.style.value}")),
                short_topic(row) or None,
            ),
        )
        for row in rows
    ]
    return message_builder.select_menu(texts("subscription-pick"), custom_ids.pack(verb), options)


def confirm_remove_view(texts: Texts, subscription: models.Subscription) -> ui.LayoutView:
    """Return the confirmation of a removal."""
    remove_id = custom_ids.pack(REMOVE_CONFIRMED, subscription.id)
    return notices.text_view(
        texts("subscription-remove-sure", channel=f"<#{subscription.channel_id}>"),
        message_builder.button(texts("remove"), remove_id, style=discord.ButtonStyle.danger),
        message_builder.button(texts("back"), custom_ids.pack(LIST)),
    )


def next_post_text(texts: Texts, subscription: models.Subscription) -> str:
    """Return the time of the next post, or the reason why there is none."""
    if subscription.state is not models.ActivityState.ACTIVE:
        return paused_text(texts, subscription)
    if subscription.next_due_at is None:
        return texts("next-unknown")
    if subscription.waiting_for_on is not None:
        until = subscription.waiting_until_at or subscription.next_due_at
        text_id = "next-waiting" if subscription.when is models.When.HOUR else "next-complete"
        return texts(text_id, until=format_timestamp(until, "t"))
    at = format_timestamp(subscription.next_due_at, "f")
    return texts("next-at", at=f"{at} ({format_timestamp(subscription.next_due_at, 'R')})")


def paused_text(texts: Texts, subscription: models.Subscription) -> str:
    """Return why a subscription posts nothing; of one that was paused by hand, by whom and when."""
    if subscription.reason != Reason.BY_HAND or subscription.paused_at is None:
        return notices.reason_text(texts, subscription.reason)
    at = format_timestamp(subscription.paused_at, "f")
    if subscription.paused_by is None:
        return texts("paused-at", at=at)
    return texts("paused-by", user=f"<@{subscription.paused_by}>", at=at)


def subscription_label(texts: Texts, subscription: models.Subscription, channel: str | None) -> str:
    """Return a subscription on one line without markup, for autocomplete."""
    name = f"#{channel}" if channel else str(subscription.channel_id)
    schedule = schedule_text.format_schedule(texts, subscription)
    return paper_text.join_dotted(name, short_topic(subscription) or None, schedule)


def short_topic(subscription: models.Subscription) -> str:
    """Return the topic of a subscription for a list, "" without one."""
    return split.shorten(subscription.topic, MAX_TOPIC_LENGTH, markdown=False)
