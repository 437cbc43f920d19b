"""What `/daily` and `/why` show: the setup wizard, subscriptions and their forms, and why a paper was not posted.

A post's own texts come from templates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, assert_never

import discord
from discord import ui

from bot.client import message_builder
from bot.client import messages as client_messages
from bot.client.message_builder import StatelessModal, button, pack_custom_id
from bot.client.messages import MentionLookup
from bot.client.translations import Texts
from bot.daily import choice, schedule
from bot.daily.options import CHECKED, SETTINGS, CheckField, ChoiceField, RoleField, TextField
from bot.daily.service import TopicForecast
from bot.daily.why import Cause, Explanation, WhyAnswer
from bot.rendering import discord_text, templates
from bot.sources import kinds
from bot.text import typography
from storage import models
from storage.models import Reason, Style, Subscription

SETUP = "dsu"
ADD = "dsa"
START = "ds"
START_NOW = "dsn"
CHANGE = "dc"
OPEN_FORM = "de"
SUBMIT_FORM = "df"
REOPEN = "der"
SAVE = "dhs"
SHOW = "dh"
SHOW_PREVIEW = "dv"
POST_NOW = "dn"
PAUSE = "dz"
RESUME = client_messages.RESUME
REMOVE = "dx"
REMOVE_CONFIRMED = "dxx"
LIST = "dl"
COPY = "dk"
COPY_TO = "dkt"
COPY_CONFIRMED = "dkc"
MAX_COPIES = 10
"""Channels that one copy goes to; each has a line in a message."""
MAX_REFUSAL_LENGTH = 250
MAX_LISTED = 15
STORED_MARK = "="
"""Precedes the id of a stored subscription in the payload of the actions of forms; that of a draft is its token.

After the id may come `:` and the token of options that were typed for it and are not saved yet.
"""
MAX_TOPIC_LENGTH = 30
"""Characters of a topic in a list; all rows have to fit into a message."""


def format_timestamp(at: datetime, style: str) -> str:
    """Return Discord's markup of a time, which each client shows in its own time zone."""
    return f"<t:{int(at.timestamp())}:{style}>"


def format_schedule(texts: Texts, subscription: Subscription) -> str:
    """Return a schedule: `Every day at 09:00 (Seoul)`, with the delay of a channel that has one `09:00 +12 min`."""
    zone = templates.render_zone(subscription.timezone, texts.locale.value)
    text_id = "schedule" if subscription.when is models.When.HOUR else "schedule-complete"
    at_time, delay = subscription.at_time, schedule.delay_minutes(subscription)
    at = texts("schedule-delayed", time=at_time, minutes=delay) if delay else at_time
    return texts(text_id, days=format_days(texts, subscription.days), time=at, zone=zone)


def format_days(texts: Texts, days: Sequence[int]) -> str:
    """Return the names of ISO weekdays; all days or all workdays have one name."""
    if tuple(days) == templates.EVERY_DAY:
        return texts("every-day")
    if tuple(days) == templates.WORKDAYS:
        return texts("workdays")
    separator = texts("on-days-separator")
    return texts("on-days", days=separator.join(format_weekday(texts, day) for day in days))


def format_weekday(texts: Texts, day: int) -> str:
    """Return the short name of an ISO weekday."""
    return templates.render_weekday(day, texts.locale.value)


def setup_view(
    texts: Texts,
    draft: Subscription,
    token: str,
    permissions: Mapping[str, bool],
    first: tuple[datetime, datetime | None],
    same: Subscription | None = None,
) -> ui.LayoutView:
    """Return the setup wizard: settings, permissions by name, the time of the first post, the buttons to start.

    `first` is that time and the close of the list that the post waits for, None if it waits for none.
    The draft is stored under the token. `same` is a subscription of the channel that this one would repeat; it cannot be
    started then.
    """
    ready = all(permissions.values())
    message = message_builder.MessageBuilder(accent=message_builder.AMBER if ready else message_builder.RED)
    message.add_text(f"### {texts('setup-heading', channel=f'<#{draft.channel_id}>')}")
    message.add_text(options_text(texts, draft))
    message.add_separator()
    message.add_text(permissions_text(texts, permissions))
    first_at, closes_at = first
    lines = [
        texts("setup-first", at=format_timestamp(first_at, "F"), relative=format_timestamp(first_at, "R"))
    ]
    if closes_at is not None:
        closes = texts("setup-closes", time=format_timestamp(closes_at, "t"))
        lines.append(client_messages.subtext(closes))
    message.add_text("\n".join(lines))
    if same is None:
        message.add_buttons(
            _button(texts, "setup-start", START, token, style=discord.ButtonStyle.primary),
            _button(texts, "setup-start-now", START_NOW, token),
        )
    else:
        message.add_text(texts("subscription-already"))
        message.add_buttons(_change_button(texts, same.id))
    message.add_buttons(*_form_buttons(texts, token))
    return message.view


def _button(
    texts: Texts,
    text_id: str,
    verb: str,
    *fields: str | int,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
) -> ui.Item[ui.LayoutView]:
    return button(texts(text_id), pack_custom_id(verb, *fields), style=style)


def _change_button(texts: Texts, payload: str | int) -> ui.Item[ui.LayoutView]:
    return _button(texts, "setup-edit", CHANGE, payload, style=discord.ButtonStyle.primary)


def _form_buttons(texts: Texts, payload: str) -> list[ui.Item[ui.LayoutView]]:
    return [_button(texts, form.title, OPEN_FORM, name, payload) for name, form in FORMS.items()]


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
            topics = " · ".join(map(client_messages.escape_untrusted, suggestions))
            lines.append(texts("list-perhaps", topics=topics))
        return "\n".join(lines)
    fewest, most = min(counts.values()), max(counts.values())
    papers = texts("forecast-papers" if fewest == most else "forecast-papers-range", fewest=fewest, most=most)
    line = texts(
        "forecast-recent" if is_recent else "forecast-past", days=len(counts), until=until, papers=papers
    )
    return f"{line}\n{client_messages.subtext(texts('forecast-once'))}"


def options_text(texts: Texts, subscription: Subscription) -> str:
    """Return the settings in lines: topic, source and role if there are any, schedule, papers, appearance."""
    topic = client_messages.escape_untrusted(typography.strip_quotes(subscription.topic))
    role_id, min_votes = subscription.mention_role_id, subscription.min_votes
    spread = subscription.spread_minutes
    lines = (
        texts("subscription-topic", topic=topic) if topic else "",
        texts("subscription-source", source=format_source(subscription, 100)) if subscription.source else "",
        "" if role_id is None else texts("subscription-mention", role=f"<@&{role_id}>"),
        format_schedule(texts, subscription),
        texts("subscription-spread", spread=spread, minutes=schedule.delay_minutes(subscription))
        if spread
        else "",
        client_messages.join_dotted(
            texts(
                "choice-papers" if subscription.source else "subscription-papers", count=subscription.top_n
            ),
            texts("subscription-votes", votes=min_votes) if min_votes else None,
        ),
        client_messages.join_dotted(
            texts(f"language-{subscription.locale.value}"),
            texts(f"style-{subscription.style.value}"),
            texts("subscription-say-empty" if subscription.say_when_empty else "subscription-silent-empty"),
        ),
        texts("subscription-server-picks") if subscription.server_picks else "",
        texts("subscription-silent") if subscription.silent else "",
    )
    return "\n".join(filter(None, lines))


def format_source(subscription: Subscription, max_length: int = MAX_TOPIC_LENGTH) -> str:
    """Return the name of the source that a subscription draws from, escaped; "" for all."""
    return client_messages.escape_untrusted(kinds.public_label(subscription.source), max_length=max_length)


def subscription_detail_view(texts: Texts, subscription: Subscription, headline: str = "") -> ui.LayoutView:
    """Return a subscription with the buttons for its actions. `headline` confirms the last action."""
    is_inactive = subscription.state is not models.ActivityState.ACTIVE
    message = message_builder.MessageBuilder(message_builder.RED if is_inactive else message_builder.AMBER)
    heading = texts("subscription-heading", channel=f"<#{subscription.channel_id}>")
    message.add_text(f"### {headline or heading}")
    message.add_text(("" if not headline else f"{heading}\n") + options_text(texts, subscription))
    message.add_text(next_post_text(texts, subscription))
    message.add_buttons(
        _button(texts, "subscription-preview", SHOW_PREVIEW, subscription.id),
        _button(texts, "subscription-now", POST_NOW, subscription.id),
        _button(texts, "resume-post", RESUME, subscription.id)
        if is_inactive
        else _button(texts, "subscription-pause", PAUSE, subscription.id),
        _button(texts, "remove", REMOVE, subscription.id),
    )
    message.add_buttons(
        _button(texts, "change", CHANGE, subscription.id),
        _button(texts, "subscription-copy", COPY, subscription.id),
        _button(texts, "subscription-all", LIST),
    )
    return message.view


def list_view(
    texts: Texts, rows: Sequence[Subscription], setup_command: str, names: Mapping[int, str], verb: str = SHOW
) -> ui.LayoutView:
    """Return the subscriptions of a server with a menu for the action `verb`; without any, how to set one up.

    `names` has the names of their channels, as far as the bot sees them.
    """
    if not rows:
        return client_messages.text_view(texts("no-subscriptions", command=setup_command))
    message = message_builder.MessageBuilder()
    message.add_text(f"### {texts('subscriptions-heading', count=len(rows))}")
    lines = [f"- <#{row.channel_id}> · {list_line(texts, row)}" for row in rows[:MAX_LISTED]]
    if len(rows) > MAX_LISTED:
        lines.append(texts("and-more", count=len(rows) - MAX_LISTED))
    message.add_text("\n".join(lines))
    message.add_select(select_menu(texts, rows, names, verb))
    return message.view


def list_line(texts: Texts, row: Subscription) -> str:
    """Return a subscription on a line of a list, without its channel."""
    topic = client_messages.escape_untrusted(short_topic(row))
    source = format_source(row)
    return client_messages.join_dotted(topic, source, format_schedule(texts, row), next_post_text(texts, row))


def select_menu(
    texts: Texts, rows: Sequence[Subscription], names: Mapping[int, str], verb: str, payload: str = ""
) -> ui.Item[ui.LayoutView] | None:
    """Return the menu that selects a subscription for the action `verb`. An option shows no mention, but the channel's name."""
    options = [
        message_builder.select_option(
            client_messages.join_dotted(_name_channel(names, row), format_schedule(texts, row)),
            str(row.id),
            description=client_messages.join_dotted(
                texts("subscription-option", id=str(row.id), style=texts(f"style-{row.style.value}")),
                short_topic(row) or None,
            ),
        )
        for row in rows
    ]
    return message_builder.select_menu(
        texts("subscription-pick"), pack_custom_id(verb, *filter(None, [payload])), options
    )


def copy_view(
    texts: Texts,
    subscription: Subscription,
    checked: Mapping[int, str] = MappingProxyType({}),
    token: str = "",
) -> ui.LayoutView:
    """Return what is copied, a menu of channels, and what would become of those that are chosen.

    `checked` has for each of them why it gets no copy, "" if it gets one; the token is that of the choice.
    """
    message = message_builder.MessageBuilder()
    message.add_text(f"### {texts('copy-heading', channel=f'<#{subscription.channel_id}>')}")
    message.add_text(options_text(texts, subscription))
    message.add_separator()
    message.add_text(_copies_text(texts, checked, "copy-will") or texts("copy-choose", most=str(MAX_COPIES)))
    menu_id = pack_custom_id(COPY_TO, subscription.id)
    message.add_select(message_builder.channel_menu(texts("copy-menu"), menu_id, max_values=MAX_COPIES))
    count = sum(not reason for reason in checked.values())
    start = texts("copy-start", count=count)
    message.add_buttons(
        button(start, pack_custom_id(COPY_CONFIRMED, token), style=discord.ButtonStyle.primary)
        if count
        else None,
        _button(texts, "back", SHOW, subscription.id),
    )
    return message.view


def copied_view(texts: Texts, copied: Mapping[int, str]) -> ui.LayoutView:
    """Return which channels have a copy now; of the others why not, as in `copy_view`."""
    text = _copies_text(texts, copied, "copy-done")
    return client_messages.text_view(text, _button(texts, "subscription-all", LIST))


def _copies_text(texts: Texts, checked: Mapping[int, str], text_id: str) -> str:
    return "\n".join(
        f"✗ <#{id_}>: {discord_text.shorten(reason, MAX_REFUSAL_LENGTH)}"
        if reason
        else f"✓ {texts(text_id, channel=f'<#{id_}>')}"
        for id_, reason in checked.items()
    )


def confirm_remove_view(texts: Texts, subscription: Subscription) -> ui.LayoutView:
    """Return the confirmation of a removal."""
    sure = texts("subscription-remove-sure", channel=f"<#{subscription.channel_id}>")
    return client_messages.text_view(
        f"{sure}\n- {list_line(texts, subscription)}",
        _button(texts, "remove", REMOVE_CONFIRMED, subscription.id, style=discord.ButtonStyle.danger),
        _button(texts, "back", LIST),
    )


def next_post_text(texts: Texts, subscription: Subscription) -> str:
    """Return the time of the next post, or the reason why there is none."""
    if subscription.state is not models.ActivityState.ACTIVE:
        return paused_text(texts, subscription)
    if subscription.next_due_at is None:
        return texts("next-unknown")
    if subscription.waiting_for_on is not None:
        until = subscription.waiting_until_at or subscription.next_due_at
        text_id = "next-waiting" if subscription.when is models.When.HOUR else "next-complete"
        return texts(text_id, until=format_timestamp(until, "t"))
    at = f"{format_timestamp(subscription.next_due_at, 'f')} ({format_timestamp(subscription.next_due_at, 'R')})"
    put_off_from = schedule.put_off_from(subscription)
    if put_off_from is None:
        return texts("next-at", at=at)
    return texts("next-put-off", at=at, day=texts.format_date(put_off_from))


def paused_text(texts: Texts, subscription: Subscription) -> str:
    """Return why a subscription posts nothing; of one that was paused by hand, by whom and when."""
    if subscription.reason != Reason.BY_HAND or subscription.paused_at is None:
        return client_messages.reason_text(texts, subscription.reason)
    at = format_timestamp(subscription.paused_at, "f")
    if subscription.paused_by is None:
        return texts("paused-at", at=at)
    return texts("paused-by", user=f"<@{subscription.paused_by}>", at=at)


def subscription_label(texts: Texts, subscription: Subscription, names: Mapping[int, str]) -> str:
    """Return a subscription on one line without markup, for autocomplete."""
    schedule = format_schedule(texts, subscription)
    return client_messages.join_dotted(
        _name_channel(names, subscription), short_topic(subscription) or None, schedule
    )


def _name_channel(names: Mapping[int, str], subscription: Subscription) -> str:
    """Return a channel without markup: its name, of one that the bot does not see the id."""
    channel_id = subscription.channel_id
    return f"#{names[channel_id]}" if channel_id in names else str(channel_id)


def short_topic(subscription: Subscription) -> str:
    """Return the topic of a subscription for a list, "" without one."""
    return discord_text.shorten(subscription.topic, MAX_TOPIC_LENGTH, markdown=False)


VOTES = "votes"
"""Fields of the forms of alerts, which have the labels of those of subscriptions."""


class Form(NamedTuple):
    """A form: the text id of its title, and the settings that it asks for, in order."""

    title: str
    settings: tuple[str, ...]


FORMS: Mapping[str, Form] = {
    "schedule": Form(
        "subscription-edit-schedule",
        (
            "at_time",
            "timezone",
            "days",
            "when",
            "server_picks",
            "say_when_empty",
            "silent",
            "mention_role_id",
        ),
    ),
    "papers": Form("subscription-edit-papers", ("topic", "top_n", "min_votes", "locale", "style")),
}


def form_modal(
    texts: Texts, form_name: str, payload: str, values: Mapping[str, str], styles: Collection[Style]
) -> StatelessModal:
    """Return a form of a subscription. `payload` says of which: see STORED_MARK. `styles` fit its channel."""
    form = FORMS[form_name]
    modal = StatelessModal(texts(form.title), pack_custom_id(SUBMIT_FORM, form_name, payload))
    # A weekly post cannot wait for a day, and another one does not list what members saved.
    left_out = "when" if values["style"] == Style.WEEKLY else "server_picks"
    names = [name for name in form.settings if name != left_out]
    checks = [field.key for name in names if isinstance(field := SETTINGS[name].field, CheckField)]
    for name in names:
        field = SETTINGS[name].field
        assert field is not None  # the form asks for it
        key = CHECKED if isinstance(field, CheckField) else field.key
        label = texts(f"subscription-form-{key}")
        match field:
            case TextField():
                modal.add_text(
                    label,
                    key,
                    value=values[key],
                    placeholder=texts(field.hint) if field.hint else field.example,
                    max_length=field.max_length,
                    required=field.if_empty is None,
                )
            case ChoiceField(key="days"):
                days = {schedule.DAY_NAMES[day - 1]: format_weekday(texts, day) for day in schedule.EVERY_DAY}
                modal.add_choices(label, key, days, values, max_values=len(days))
            case ChoiceField():
                offered = styles if name == "style" else field.values
                labels = {value: texts(f"{field.label_prefix}{value}") for value in offered}
                modal.add_choices(label, key, labels, values)
            case RoleField():
                modal.add_role(label, key, values[key])
            case CheckField():
                if field.key == checks[0]:
                    labels = {check: texts(f"subscription-form-option-{check}") for check in checks}
                    modal.add_choices(label, key, labels, values, min_values=0, max_values=len(checks))
            case _:
                assert_never(field)
    return modal


def existing_view(
    texts: Texts, rows: Sequence[Subscription], names: Mapping[int, str], token: str, typed: str
) -> ui.LayoutView:
    """Return the daily posts that a channel has, with buttons to change one, or to add the draft of the token.

    `typed` is the token of the typed options, "" without any.
    """
    message = message_builder.MessageBuilder()
    heading = texts("setup-exists", channel=f"<#{rows[0].channel_id}>", count=len(rows))
    message.add_text(f"### {heading}")
    message.add_text("\n".join(f"- {list_line(texts, row)}" for row in rows[:MAX_LISTED]))
    if len(rows) > 1:
        message.add_select(select_menu(texts, rows, names, CHANGE, f":{typed}" if typed else ""))
    message.add_buttons(
        _change_button(texts, f"{rows[0].id}:{typed}" if typed else rows[0].id) if len(rows) == 1 else None,
        button(texts("setup-add", count=len(rows)), pack_custom_id(ADD, token)),
    )
    return message.view


def form_view(texts: Texts, subscription: Subscription, typed: str = "") -> ui.LayoutView:
    """Return a stored subscription with the buttons of the two forms that change all its settings.

    `typed` is the token of options that it has already here, with a button that saves them.
    """
    payload = f"{STORED_MARK}{subscription.id}{typed and f':{typed}'}"
    message = message_builder.MessageBuilder()
    message.add_text(f"### {texts('subscription-form-heading', channel=f'<#{subscription.channel_id}>')}")
    message.add_text(options_text(texts, subscription))
    message.add_buttons(
        _button(texts, "alert-save", SAVE, payload, style=discord.ButtonStyle.primary) if typed else None,
        *_form_buttons(texts, payload),
        _button(texts, "back", SHOW, subscription.id),
    )
    return message.view


def refused_view(texts: Texts, reason: str, reopen_id: str, payload: str) -> ui.LayoutView:
    """Return why a form is refused, with the button that opens it with the typed values. `payload` as in `form_modal`."""
    back_verb = CHANGE if payload.startswith(STORED_MARK) else ADD
    back = _button(texts, "back", back_verb, payload.removeprefix(STORED_MARK))
    return client_messages.refused_view(texts, reason, reopen_id, back)


MAX_SUBSCRIPTIONS = 5
MAX_CHANNELS = 10
PROBLEM_CAUSES = frozenset({Cause.NOT_DELIVERED, Cause.STOPPED})


def why_view(
    texts: Texts, paper: models.PaperDetail, answer: WhyAnswer, *, guild_id: int, mention: MentionLookup
) -> ui.LayoutView:
    """Return the answer for a paper of the archive."""
    has_problem = any(explanation.cause in PROBLEM_CAUSES for explanation in answer.explanations)
    accent = message_builder.RED if has_problem else message_builder.AMBER
    message = message_builder.MessageBuilder(accent)
    title = client_messages.title_link(paper.title, paper.arxiv_id, paper.url)
    newest = texts("nearest-digest", date=texts.format_date(paper.last_on))
    # Its date is then that of a source for search and alerts, which posts no digests.
    if any(map(_is_only_looked_up, answer.explanations)):
        newest = ""
    message.add_text(
        f"### {title}\n{client_messages.join_dotted(client_messages.format_votes(paper.votes), newest)}"
    )
    message.add_separator()
    for explanation in answer.explanations[:MAX_SUBSCRIPTIONS]:
        message.add_text(_explanation_text(texts, explanation, guild_id, mention))
    if more := answer.left_out + max(0, len(answer.explanations) - MAX_SUBSCRIPTIONS):
        message.add_text(texts("and-more", count=more))
    if not paper.appearances:
        message.add_text(texts("why-not-listed", paper=paper.arxiv_id))
    if answer.other_channel_ids is not None:
        others = ", ".join(f"<#{channel_id}>" for channel_id in answer.other_channel_ids[:MAX_CHANNELS])
        message.add_text(
            texts("why-no-subscription-here", channels=others)
            if others
            else texts("why-no-subscription", command=mention("daily setup"))
        )
    read = None
    if discord_text.utf8_bytes(paper.arxiv_id) <= discord_text.CUSTOM_ID // 2:
        read = _button(texts, "read", client_messages.OPEN_PAPER, paper.arxiv_id)
    message.add_buttons(read, client_messages.status_button(texts))
    return message.view


def _is_only_looked_up(explanation: Explanation) -> bool:
    """Return whether only sources for search and alerts have the paper: a post that draws from all others lacks it."""
    subscription = explanation.subscription
    return (
        explanation.cause is Cause.OTHER_SOURCE
        and subscription is not None
        and not format_source(subscription)
    )


def unknown_paper_view(texts: Texts, arxiv_id: str) -> ui.LayoutView:
    """Return the answer for a paper that is not in the archive."""
    text = texts("why-not-listed", paper=client_messages.escape_untrusted(arxiv_id))
    return client_messages.text_view(text, client_messages.status_button(texts))


def _explanation_text(texts: Texts, explanation: Explanation, guild_id: int, mention: MentionLookup) -> str:
    subscription, cause = explanation.subscription, explanation.cause
    if subscription is None:
        heading = texts("why-former-subscription")
    else:
        topic = client_messages.escape_untrusted(short_topic(subscription)) or None
        heading = client_messages.join_dotted(
            topic,
            format_source(subscription),
            format_schedule(texts, subscription),
            texts(f"style-{subscription.style.value}"),
        )
    lines = [f"**{heading}**", _cause_text(texts, explanation, guild_id)]
    if cause is Cause.NOT_DELIVERED and explanation.delivery is not None:
        lines.append(client_messages.reason_text(texts, explanation.delivery.reason))
    if explanation.is_repeated:
        lines.append(client_messages.subtext(texts("why-repeated")))
    if (
        explanation.may_change
        and explanation.at is not None
        and cause not in (Cause.UPCOMING, Cause.SETTLING, Cause.CLOSING)
    ):
        at = format_timestamp(explanation.at, "R")
        lines.append(client_messages.subtext(texts("why-may-change", at=at)))
    put_off_from = None if subscription is None else schedule.put_off_from(subscription)
    if explanation.may_change and put_off_from is not None:
        lines.append(client_messages.subtext(texts("why-put-off", day=texts.format_date(put_off_from))))
    if cause in (Cause.TOO_FEW_VOTES, Cause.BELOW_TOP, Cause.OFF_TOPIC, Cause.TOO_OLD):
        lines.append(client_messages.subtext(texts("why-edit", command=mention("daily edit"))))
    return "\n".join(lines)


def _cause_text(texts: Texts, explanation: Explanation, guild_id: int) -> str:
    subscription, delivery, cause = explanation.subscription, explanation.delivery, explanation.cause
    at_style = "f" if cause is Cause.POSTED else "R"
    values: dict[str, str | int] = {
        "date": texts.format_date(explanation.digest_on) if explanation.digest_on else "–",
        "at": format_timestamp(explanation.at, at_style) if explanation.at else "",
        "rank": explanation.rank,
        "total": explanation.candidate_count,
        "votes": explanation.votes or 0,
        "topic": "" if subscription is None else client_messages.escape_untrusted(subscription.topic),
        "source": (subscription and format_source(subscription)) or "none",
    }
    if cause is Cause.NOT_DELIVERED and delivery is not None:
        values["state"] = texts(f"delivery-{delivery.state.value}")
    if subscription is not None:
        values["least"] = subscription.min_votes
        values["top"] = subscription.top_n
        values["days"] = choice.window_days(subscription)
    text = texts(f"why-{cause.value}", **values)
    if cause is Cause.STOPPED and subscription is not None:
        return f"{text} {paused_text(texts, subscription)}"
    part = explanation.part
    if cause is Cause.POSTED and part and part.message_id is not None and part.channel_id is not None:
        address = f"https://discord.com/channels/{guild_id}/{part.channel_id}/{part.message_id}"
        return f"{text} [{texts('why-see-post')}]({address})"
    return text
