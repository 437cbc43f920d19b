"""`/daily`: the setup wizard, the list of a server's subscriptions, and the view of a single subscription."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import discord
from discord import ui

from bot.accounts import service as accounts_service
from bot.client import custom_ids, message_builder, paper_text
from bot.client import messages as client_messages
from bot.client.message_builder import StatelessModal
from bot.client.messages import MentionLookup
from bot.client.translations import Texts
from bot.core import errors
from bot.daily import choice, schedule
from bot.daily.service import MAX_TOPIC_LENGTH as SERVICE_MAX_TOPIC_LENGTH
from bot.daily.service import SubscriptionOptions, TopicForecast, options_of
from bot.daily.why import Cause, Explanation, WhyAnswer
from bot.lists import card as lists_card
from bot.rendering import discord_text, templates
from storage import models
from storage.models import Reason

# Schedules and points in time as texts of the interface. A post's own texts come from templates.


def format_timestamp(at: datetime, style: str) -> str:
    """Return Discord's markup of a time, which each client shows in its own time zone."""
    return f"<t:{int(at.timestamp())}:{style}>"


def format_schedule(texts: Texts, options: SubscriptionOptions | models.Subscription) -> str:
    """Return a schedule: `Every day at 09:00 (Seoul)`."""
    zone = templates.render_zone(options.timezone, texts.locale.value)
    text_id = "schedule" if options.when is models.When.HOUR else "schedule-complete"
    return texts(text_id, days=format_days(texts, options.days), time=options.at_time, zone=zone)


def format_days(texts: Texts, days: Sequence[int]) -> str:
    """Return the names of ISO weekdays; all days or all workdays have one name."""
    if tuple(days) == templates.EVERY_DAY:
        return texts("every-day")
    if tuple(days) == templates.WORKDAYS:
        return texts("workdays")
    return texts("on-days", days="·".join(format_weekday(texts, day) for day in days))


def format_weekday(texts: Texts, day: int) -> str:
    """Return the short name of an ISO weekday."""
    return templates.render_weekday(day, texts.locale.value)


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
RESUME = client_messages.RESUME
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
        verb, TOKEN_MARK + accounts_service.make_token(text) if text else _pack_short(channel_id, options)
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
        format_schedule(texts, options),
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
        return client_messages.text_view(texts("no-subscriptions", command=setup_command))
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
    return paper_text.join_dotted(topic, format_schedule(texts, row), next_post_text(texts, row))


def select_menu(
    texts: Texts, rows: Sequence[models.Subscription], verb: str
) -> ui.Item[ui.LayoutView] | None:
    """Return the menu that selects a subscription for the action `verb`."""
    options = [
        message_builder.select_option(
            format_schedule(texts, row),
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
    return client_messages.text_view(
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
        return client_messages.reason_text(texts, subscription.reason)
    at = format_timestamp(subscription.paused_at, "f")
    if subscription.paused_by is None:
        return texts("paused-at", at=at)
    return texts("paused-by", user=f"<@{subscription.paused_by}>", at=at)


def subscription_label(texts: Texts, subscription: models.Subscription, channel: str | None) -> str:
    """Return a subscription on one line without markup, for autocomplete."""
    name = f"#{channel}" if channel else str(subscription.channel_id)
    schedule = format_schedule(texts, subscription)
    return paper_text.join_dotted(name, short_topic(subscription) or None, schedule)


def short_topic(subscription: models.Subscription) -> str:
    """Return the topic of a subscription for a list, "" without one."""
    return discord_text.shorten(subscription.topic, MAX_TOPIC_LENGTH, markdown=False)


# Modals, and the messages that open those of subscriptions.
#
# Discord sends the submitted values with the custom id, so their handling is a component handler.

VOTES = "votes"
SUBMIT_SCHEDULE = "df"
SUBMIT_PAPERS = "dfp"
TIME = "time"
ZONE = "zone"
PAPERS = "papers"
DAYS = "days"
OPTIONS = "options"
COMPLETE = "complete"
SAY_EMPTY = "say-empty"
SERVER_PICKS = "server-picks"
ROLE = "role"
TOPIC = "topic"
LANGUAGE = "language"
STYLE = "style"


def form_values(options: SubscriptionOptions) -> dict[str, str]:
    """Return options as the values of the two forms, in the shape that Discord sends them back."""
    chosen = {
        COMPLETE: options.when is models.When.COMPLETE,
        SAY_EMPTY: options.say_when_empty,
        SERVER_PICKS: options.server_picks,
    }
    return {
        TIME: options.at_time,
        ZONE: options.timezone,
        DAYS: ",".join(schedule.DAY_NAMES[day - 1] for day in options.days),
        OPTIONS: ",".join(name for name, is_on in chosen.items() if is_on),
        ROLE: str(options.mention_role_id or ""),
        TOPIC: options.topic,
        PAPERS: str(options.top_n),
        VOTES: str(options.min_votes),
        LANGUAGE: options.locale.value,
        STYLE: options.style.value,
    }


def schedule_modal(texts: Texts, payload: str, values: Mapping[str, str]) -> StatelessModal:
    """Return the form for when a subscription posts and whom it mentions. `payload` is that of `subscriptions.target`."""
    modal = StatelessModal(texts("subscription-edit-schedule"), custom_ids.pack(SUBMIT_SCHEDULE, payload))
    modal.add_text(
        texts("subscription-form-time"), TIME, value=values[TIME], placeholder="09:00", max_length=20
    )
    modal.add_text(
        texts("subscription-form-zone"), ZONE, value=values[ZONE], placeholder="Asia/Seoul", max_length=60
    )
    days = {schedule.DAY_NAMES[day - 1]: format_weekday(texts, day) for day in schedule.EVERY_DAY}
    modal.add_choices(texts("subscription-form-days"), DAYS, days, values, max_values=len(days))
    offered = (SERVER_PICKS, SAY_EMPTY) if values[STYLE] == models.Style.WEEKLY else (COMPLETE, SAY_EMPTY)
    options = {name: texts(f"subscription-form-option-{name}") for name in offered}
    modal.add_choices(
        texts("subscription-form-options"), OPTIONS, options, values, min_values=0, max_values=len(options)
    )
    modal.add_role(texts("subscription-form-role"), ROLE, values[ROLE])
    return modal


def papers_modal(
    texts: Texts, payload: str, values: Mapping[str, str], styles: Iterable[models.Style]
) -> StatelessModal:
    """Return the form for which papers a subscription posts and how they look. `styles` fit its channel."""
    modal = StatelessModal(texts("subscription-edit-papers"), custom_ids.pack(SUBMIT_PAPERS, payload))
    modal.add_text(
        texts("subscription-form-topic"),
        TOPIC,
        value=values[TOPIC],
        placeholder=texts("subscription-form-topic-hint"),
        max_length=SERVICE_MAX_TOPIC_LENGTH,
        required=False,
    )
    modal.add_text(texts("subscription-form-papers"), PAPERS, value=values[PAPERS], max_length=2)
    modal.add_text(texts("subscription-form-votes"), VOTES, value=values[VOTES], max_length=5, required=False)
    languages = {locale.value: texts(f"language-{locale.value}") for locale in models.Locale}
    modal.add_choices(texts("subscription-form-language"), LANGUAGE, languages, values)
    names = {style.value: texts(f"style-{style.value}") for style in styles}
    modal.add_choices(texts("subscription-form-style"), STYLE, names, values)
    return modal


def existing_view(
    texts: Texts, rows: Sequence[models.Subscription], channel_id: int, options: SubscriptionOptions
) -> ui.LayoutView:
    """Return the daily posts that a channel has, with buttons to change one, or to add another with these options."""
    message = message_builder.MessageBuilder()
    message.add_text(f"### {texts('setup-exists', channel=f'<#{channel_id}>', count=len(rows))}")
    message.add_text("\n".join(f"- {list_line(texts, row)}" for row in rows[:MAX_LISTED]))
    change = message_builder.button(
        texts("setup-change"), custom_ids.pack(CHANGE, rows[0].id), style=discord.ButtonStyle.primary
    )
    if len(rows) > 1:
        message.add_select(select_menu(texts, rows, SELECT_CHANGE))
    message.add_buttons(
        change if len(rows) == 1 else None,
        message_builder.button(texts("setup-add", count=len(rows)), pack(channel_id, options, ADD)),
    )
    return message.view


def form_view(texts: Texts, subscription: models.Subscription) -> ui.LayoutView:
    """Return a stored subscription with the buttons of the two forms that change all its options."""
    message = message_builder.MessageBuilder()
    message.add_text(f"### {texts('subscription-form-heading', channel=f'<#{subscription.channel_id}>')}")
    message.add_text(options_text(texts, options_of(subscription)))
    payload = target(subscription)
    message.add_buttons(
        message_builder.button(texts("subscription-edit-schedule"), custom_ids.pack(EDIT_SCHEDULE, payload)),
        message_builder.button(texts("subscription-edit-papers"), custom_ids.pack(EDIT_PAPERS, payload)),
        message_builder.button(texts("back"), custom_ids.pack(SHOW, subscription.id)),
    )
    return message.view


def refused_view(texts: Texts, reason: str, reopen_id: str, payload: str) -> ui.LayoutView:
    """Return why a form is refused, with the button that opens it with the typed values. `payload` is that of `target`."""
    is_stored = payload.startswith(STORED_MARK)
    back = (
        custom_ids.pack(SHOW, payload.removeprefix(STORED_MARK))
        if is_stored
        else custom_ids.pack(ADD, payload)
    )
    return client_messages.text_view(
        reason,
        message_builder.button(
            texts("subscription-form-again"), reopen_id, style=discord.ButtonStyle.primary
        ),
        message_builder.button(texts("back"), back),
        accent=message_builder.RED,
    )


# `/why`: why a paper was or was not posted in the channel, one block per subscription.

MAX_SUBSCRIPTIONS = 5
MAX_CHANNELS = 10
PROBLEM_CAUSES = frozenset({Cause.NOT_DELIVERED, Cause.STOPPED})
CAUSE_TEXT_IDS: Mapping[Cause, str] = {
    Cause.POSTED: "why-posted",
    Cause.UNDER_WAY: "why-under-way",
    Cause.NOT_DELIVERED: "why-held",
    Cause.TOO_FEW_VOTES: "why-too-few-votes",
    Cause.VOTES_UNKNOWN: "why-votes-unknown",
    Cause.BELOW_TOP: "why-below-top",
    Cause.OFF_TOPIC: "why-off-topic",
    Cause.NOT_CHOSEN_THEN: "why-not-then",
    Cause.NOT_RECORDED: "why-not-recorded",
    Cause.FIRST_POST: "why-first-post",
    Cause.UPCOMING: "why-coming",
    Cause.SETTLING: "why-settling",
    Cause.CLOSING: "why-closing",
    Cause.STOPPED: "why-stopped",
    Cause.SUPERSEDED: "why-superseded",
    Cause.BEFORE_SUBSCRIPTION: "why-before-subscription",
    Cause.TOO_OLD: "why-too-old",
}
"""Fluent ids. Every text gets the same values and uses those that it needs."""


def why_view(
    texts: Texts, paper: models.PaperDetail, answer: WhyAnswer, *, guild_id: int, mention: MentionLookup
) -> ui.LayoutView:
    """Return the answer for a paper of the archive."""
    explanations, other_channel_ids = answer
    has_problem = any(explanation.cause in PROBLEM_CAUSES for explanation in explanations)
    accent = message_builder.RED if has_problem else message_builder.AMBER
    message = message_builder.MessageBuilder(accent)
    title = paper_text.title_link(paper.title, paper.arxiv_id, paper.url)
    newest = texts("nearest-digest", date=paper.last_on.isoformat())
    message.add_text(f"### {title}\n{paper_text.join_dotted(paper_text.format_votes(paper.votes), newest)}")
    message.add_separator()
    for explanation in explanations[:MAX_SUBSCRIPTIONS]:
        message.add_text(_explanation_text(texts, explanation, guild_id, mention))
    if len(explanations) > MAX_SUBSCRIPTIONS:
        message.add_text(texts("and-more", count=len(explanations) - MAX_SUBSCRIPTIONS))
    if not paper.appearances:
        message.add_text(texts("why-not-listed", paper=paper.arxiv_id))
    if other_channel_ids is not None:
        message.add_text(_no_subscription_text(texts, other_channel_ids, mention))
    read = None
    if discord_text.utf8_bytes(paper.arxiv_id) <= discord_text.CUSTOM_ID // 2:
        read = message_builder.button(texts("read"), custom_ids.pack(lists_card.OPEN_PAPER, paper.arxiv_id))
    message.add_buttons(read, client_messages.status_button(texts))
    return message.view


def unknown_paper_view(texts: Texts, arxiv_id: str) -> ui.LayoutView:
    """Return the answer for a paper that is not in the archive."""
    text = texts("why-not-listed", paper=paper_text.escape_untrusted(arxiv_id))
    return client_messages.text_view(text, client_messages.status_button(texts))


def _no_subscription_text(texts: Texts, channel_ids: Sequence[int], mention: MentionLookup) -> str:
    if not channel_ids:
        return texts("why-no-subscription", command=mention("daily setup"))
    channels = ", ".join(f"<#{channel_id}>" for channel_id in channel_ids[:MAX_CHANNELS])
    return texts("why-no-subscription-here", channels=channels)


def _explanation_text(texts: Texts, explanation: Explanation, guild_id: int, mention: MentionLookup) -> str:
    subscription, cause = explanation.subscription, explanation.cause
    if subscription is None:
        heading = texts("why-former-order")
    else:
        schedule = format_schedule(texts, subscription)
        topic = paper_text.escape_untrusted(short_topic(subscription)) or None
        heading = paper_text.join_dotted(topic, schedule, texts(f"style-{subscription.style.value}"))
    lines = [f"**{heading}**", _cause_text(texts, explanation, guild_id)]
    if cause is Cause.NOT_DELIVERED and explanation.delivery is not None:
        lines.append(client_messages.reason_text(texts, explanation.delivery.reason))
    if explanation.is_repeated:
        lines.append(paper_text.subtext(texts("why-repeated")))
    if (
        explanation.may_change
        and explanation.at is not None
        and cause not in (Cause.UPCOMING, Cause.SETTLING, Cause.CLOSING)
    ):
        at = format_timestamp(explanation.at, "R")
        lines.append(paper_text.subtext(texts("why-may-change", at=at)))
    if cause in (Cause.TOO_FEW_VOTES, Cause.BELOW_TOP, Cause.OFF_TOPIC, Cause.TOO_OLD):
        lines.append(paper_text.subtext(texts("why-edit", command=mention("daily edit"))))
    return "\n".join(lines)


def _cause_text(texts: Texts, explanation: Explanation, guild_id: int) -> str:
    subscription, delivery, cause = explanation.subscription, explanation.delivery, explanation.cause
    at_style = "f" if cause is Cause.POSTED else "R"
    values: dict[str, str | int] = {
        "date": explanation.digest_on.isoformat() if explanation.digest_on else "–",
        "at": format_timestamp(explanation.at, at_style) if explanation.at else "",
        "rank": explanation.rank,
        "total": explanation.candidate_count,
        "votes": explanation.votes or 0,
        "topic": "" if subscription is None else paper_text.escape_untrusted(subscription.topic),
    }
    if cause is Cause.NOT_DELIVERED and delivery is not None:
        values["state"] = texts(f"delivery-{delivery.state.value}")
    if subscription is not None:
        values["least"] = subscription.min_votes
        values["top"] = subscription.top_n
        values["days"] = choice.window_days(subscription)
    text = texts(CAUSE_TEXT_IDS[cause], **values)
    if cause is Cause.STOPPED and subscription is not None:
        return f"{text} {paused_text(texts, subscription)}"
    part = explanation.part
    if cause is Cause.POSTED and part and part.message_id is not None and part.channel_id is not None:
        address = f"https://discord.com/channels/{guild_id}/{part.channel_id}/{part.message_id}"
        return f"{text} [{texts('why-see-post')}]({address})"
    return text
