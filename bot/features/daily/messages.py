"""Messages of `/daily` and `/why`: the setup, subscriptions, the form and explanations.

Texts of posts come from templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import discord
from discord import ui

from bot.client import message_builder, verbs
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import StatelessModal, button
from bot.client.refusals import refusal_text
from bot.client.wording import MentionLookup
from bot.core import schedule
from bot.features.daily import choice, options
from bot.features.daily import post as daily_post
from bot.features.daily.why import Cause, Explanation, WhyAnswer
from bot.i18n.texts import Texts
from bot.papers import message_parts, paper_texts, post_names
from bot.papers.post_names import (
    MAX_LISTED,
    MAX_TOPIC_LENGTH,
    describe_topic,
    format_schedule,
    format_weekday,
    name_posts,
    next_post_text,
)
from bot.rendering import discord_text, locale_formats
from bot.search.our_lists import MIN_LISTED, Likeness
from bot.sources import kinds
from bot.text import query_parser
from storage import errors, models
from storage.models import Reason, Subscription

MAX_TOPIC_FORMS = 8
CHANNEL, TIME, TOPIC, PAPERS, DAYS = "channel", "time", "topic", "papers", "days"
LANGUAGE, STYLE, ROLE, TAG, SILENT = "language", "style", "role", "tag", "options"
"""The fields of both forms, named like the command's options. The last one is named after the menu that the checkbox
replaced, which a form that was opened before an upgrade still has."""


def post_modal(
    texts: Texts, custom_id: str, row: Subscription, channel_id: int | None, listed: int
) -> StatelessModal:
    """Return the form for where, when and what a daily post, stored or a draft, posts. `listed`: papers on our list."""
    empty = {
        TIME: texts("setup-form-time-empty"),
        TOPIC: texts("setup-form-topic-empty", missing=max(0, MIN_LISTED - listed)),
    }
    modal = StatelessModal(texts("change" if row.id else "help-set-up"), custom_id)
    modal.add_channel(texts("setup-form-channel"), CHANNEL, daily_post.POSTABLE_TYPES, channel_id)
    for name, value, length in (
        (TIME, row.at_time, options.MAX_TIME_LENGTH),
        (TOPIC, row.topic, options.MAX_TOPIC_LENGTH),
    ):
        modal.add_text(
            texts(f"setup-form-{name}"),
            name,
            value=value[:length],
            placeholder=texts(f"setup-form-{name}-hint"),
            description=empty[name],
            max_length=length,
            required=False,
        )
    counts = [
        message_builder.select_option(str(count), str(count), selected=count == row.top_n)
        for count in range(1, choice.MAX_TOP_N + 1)
    ]
    modal.add_choice(texts("setup-form-papers"), PAPERS, counts)
    days = [
        message_builder.select_option(format_weekday(texts, day, "wide"), name, selected=day in row.days)
        for day, name in enumerate(schedule.DAY_NAMES, 1)
    ]
    modal.add_choice(texts("setup-form-days"), DAYS, days, max_values=len(days))
    return modal


def more_modal(
    texts: Texts,
    custom_id: str,
    row: Subscription,
    role_id: int | None,
    styles: Sequence[models.Style],
    tags: Sequence[discord.ForumTag],
) -> StatelessModal:
    """Return the *More settings* form for how a daily post looks. `styles` and `tags` are those that its channel takes."""
    modal = StatelessModal(texts("more-settings"), custom_id)
    for name, chosen, values in ((LANGUAGE, row.locale, list(models.Locale)), (STYLE, row.style, styles)):
        offered = [
            message_builder.select_option(
                texts(f"{name}-{value.value}"), value.value, selected=value is chosen
            )
            for value in values
        ]
        modal.add_choice(texts(f"setup-form-{name}"), name, offered)
    modal.add_role(texts("subscription-form-role"), ROLE, role_id)
    if tags:
        modal.add_choice(texts("setup-tag"), TAG, _tag_options(tags, row.tag_id))
    modal.add_checkbox(texts("subscription-silent"), SILENT, checked=row.silent)
    return modal


def setup_refused_view(texts: Texts, error: errors.UsageError, token: str) -> ui.LayoutView:
    """Return why a set-up form is invalid, with a button that reopens it with what was typed, stored under `token`."""
    again = _button(
        texts, "subscription-form-again", verbs.OPEN_SETUP, token, style=discord.ButtonStyle.primary
    )
    return message_builder.text_view(refusal_text(texts, error), again, accent=message_builder.RED)


def setup_view(
    texts: Texts,
    draft: Subscription,
    token: str,
    permissions: Mapping[str, bool],
    calendar: schedule.Calendar,
    mention: MentionLookup,
    existing: Sequence[Subscription],
    tags: Sequence[discord.ForumTag],
) -> ui.LayoutView:
    """Return the setup of a draft, which is stored under `token`. `existing` are the channel's subscriptions."""
    ready = all(permissions.values())
    message = message_builder.MessageBuilder(accent=message_builder.AMBER if ready else message_builder.RED)
    message.add_text(f"### {_heading(texts, draft)}")
    message.add_text(options_text(texts, draft, tags))
    message.add_separator()
    message.add_text(permissions_text(texts, permissions))
    first_at = calendar.following(draft).at
    first = texts(
        "setup-first",
        at=discord_text.timestamp(first_at, "F"),
        relative=discord_text.timestamp(first_at, "R"),
    )
    rule = texts("setup-rule", style=draft.style.value)
    message.add_text(f"{first}\n{discord_text.subtext(rule)}")
    if existing:
        lines, foot = _describe_existing(texts, existing, calendar, mention, tags)
        left = partial(message_builder.tell_left, texts, further=max(0, len(existing) - MAX_LISTED))
        message.add_lists([(lines, left)], foot)
    message.add_buttons(
        _button(texts, "setup-start", verbs.START_POST, token, style=discord.ButtonStyle.primary),
        _button(texts, "change", verbs.OPEN_SETUP, token),
        _button(texts, "more-settings", verbs.OPEN_SETUP_MORE, token),
        # With several, the manager would have to choose one; `/daily edit` shows them.
        _button(texts, "setup-replace", verbs.REPLACE_POST, existing[0].id, token)
        if len(existing) == 1
        else None,
    )
    return message.view


def _describe_existing(
    texts: Texts,
    existing: Sequence[Subscription],
    calendar: schedule.Calendar,
    mention: MentionLookup,
    tags: Sequence[discord.ForumTag],
) -> tuple[list[str], str]:
    """Return lines about a channel's subscriptions (a single one with all its settings, to compare), and small print."""
    exists = f"**{texts('setup-exists', channel=f'<#{existing[0].channel_id}>', count=len(existing))}**"
    if len(existing) > 1:
        edit = texts("subscription-edit", command=mention("daily edit"))
        return [exists, *_list_lines(texts, existing, existing, calendar)], discord_text.subtext(edit)
    settings, next_post = options_text(texts, existing[0], tags), next_post_text(texts, existing[0], calendar)
    return [exists, settings, next_post], discord_text.subtext(texts("setup-replaced"))


def _tag_options(tags: Sequence[discord.ForumTag], chosen_id: int | None) -> list[discord.SelectOption]:
    return [
        message_builder.select_option(tag.name, str(tag.id), selected=tag.id == chosen_id) for tag in tags
    ]


def _button(
    texts: Texts,
    text_id: str,
    verb: str,
    *fields: str | int,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
) -> ui.Item[ui.LayoutView]:
    return button(texts(text_id), pack_custom_id(verb, *fields), style=style)


def permissions_text(texts: Texts, permissions: Mapping[str, bool]) -> str:
    """Return one line per missing permission saying where to grant it, or a single line if none is missing."""
    missing = [name.replace("_", "-") for name, is_granted in permissions.items() if not is_granted]
    if not missing:
        return f"✓ {texts('permissions-ready')}"
    where = texts("permission-where")
    lines = [f"✗ **{texts(f'permission-{name}')}** · {where}" for name in missing]
    return "\n".join([texts("permissions-missing"), *lines])


def _heading(texts: Texts, subscription: Subscription) -> str:
    channel = f"<#{subscription.channel_id}>"
    return texts("subscription-heading", style=subscription.style.value, channel=channel)


def options_text(texts: Texts, subscription: Subscription, tags: Sequence[discord.ForumTag]) -> str:
    """Describe the settings on one line each: topic, source, role, schedule, papers, appearance and the forum's tag."""
    query = query_parser.parse_query(subscription.topic)
    topic = discord_text.escape_untrusted(describe_topic(texts, subscription.topic, query), max_length=200)
    role_id, min_votes = subscription.mention_role_id, subscription.min_votes
    lines = (
        texts("subscription-topic", topic=topic) if topic else "",
        post_names.leave_out_note(texts, query),
        texts("subscription-source", source=format_source(subscription, 100)) if subscription.source else "",
        "" if role_id is None else texts("subscription-mention", role=f"<@&{role_id}>"),
        format_schedule(texts, subscription),
        discord_text.join_dotted(
            texts(
                "choice-papers" if subscription.source else "subscription-papers", count=subscription.top_n
            ),
            texts("subscription-most")
            if subscription.top_n == choice.MAX_PAPERS.get(subscription.style)
            else None,
            texts("subscription-week") if subscription.style is models.Style.WEEKLY else None,
            texts("subscription-votes", votes=min_votes) if min_votes else None,
        ),
        discord_text.join_dotted(
            texts(f"language-{subscription.locale.value}"), texts(f"style-{subscription.style.value}")
        ),
        *(
            texts("subscription-tag", tag=discord_text.escape_untrusted(tag.name))
            for tag in tags
            if tag.id == subscription.tag_id
        ),
        texts("subscription-silent") if subscription.silent else "",
    )
    return "\n".join(filter(None, lines))


def format_source(subscription: Subscription, max_length: int = MAX_TOPIC_LENGTH) -> str:
    """Return the escaped name of the subscription's source, or "" for all sources."""
    return discord_text.escape_untrusted(kinds.public_label(subscription.source), max_length=max_length)


def subscription_detail_view(
    texts: Texts,
    subscription: Subscription,
    calendar: schedule.Calendar,
    edit_command: str,
    headline: str,
    tags: Sequence[discord.ForumTag],
) -> ui.LayoutView:
    """Return a subscription with its buttons. `headline` confirms the last action, if any; `tags` are those of its forum."""
    is_inactive = subscription.state is not models.ActivityState.ACTIVE
    is_troubled = is_inactive and subscription.reason != Reason.BY_HAND
    heading = _heading(texts, subscription)
    settings = options_text(texts, subscription, tags)
    edit = discord_text.subtext(texts("subscription-edit", command=edit_command))
    return message_builder.message_view(
        [
            f"### {headline or heading}",
            f"{heading}\n{settings}" if headline else settings,
            f"{next_post_text(texts, subscription, calendar)}\n{edit}",
        ],
        [
            _button(texts, "subscription-preview", verbs.SHOW_PREVIEW, subscription.id),
            _button(texts, "subscription-now", verbs.POST_NOW, subscription.id),
            _button(texts, "resume-post", verbs.RESUME_POST, subscription.id)
            if is_inactive
            else _button(texts, "pause", verbs.PAUSE_POST, subscription.id),
            _button(texts, "remove", verbs.REMOVE_POST, subscription.id),
        ],
        [
            _button(texts, "change", verbs.OPEN_EDIT, subscription.id),
            _button(texts, "more-settings", verbs.OPEN_EDIT_MORE, subscription.id),
            _button(texts, "subscription-all", verbs.LIST_POSTS),
        ],
        accent=message_builder.RED if is_troubled else message_builder.AMBER,
    )


def list_view(
    texts: Texts,
    rows: Sequence[Subscription],
    calendar: schedule.Calendar,
    setup_command: str,
    channels: Mapping[int, str],
    page: int = 0,
) -> ui.LayoutView:
    """Return a page of a server's subscriptions with a menu to open one, or instructions for setting one up.

    `channels` has the names of the channels that the bot can see.
    """
    if not rows:
        return message_builder.text_view(texts("no-subscriptions", command=setup_command))
    page_id = partial(pack_custom_id, verbs.LIST_POSTS)
    shown, pager = message_builder.paginate(texts, rows, page, discord_text.SELECT_OPTIONS, page_id)
    labels = name_posts(texts, rows, channels)
    # Menu options cannot show mentions, so they show channel names.
    options = [
        message_builder.select_option(
            labels[row.id],
            str(row.id),
            description=discord_text.join_dotted(
                texts("subscription-option", id=str(row.id), style=texts(f"style-{row.style.value}")),
                locale_formats.render_zone(row.timezone, texts.locale.value),
            ),
        )
        for row in shown
    ]
    lines = _list_lines(texts, shown, rows, calendar)
    message = message_builder.MessageBuilder()
    message.add_text(f"### {texts('subscriptions-heading', count=len(rows))}")
    message.add_list(lines, partial(message_builder.tell_left, texts, further=len(shown) - len(lines)))
    message.add_buttons(
        message_builder.select_menu(texts("subscription-pick"), pack_custom_id(verbs.SHOW_POST), options)
    )
    message.add_buttons(*pager)
    return message.view


def _list_lines(
    texts: Texts, rows: Sequence[Subscription], of_server: Sequence[Subscription], calendar: schedule.Calendar
) -> list[str]:
    """Return lines about the first MAX_LISTED subscriptions."""
    names = name_posts(texts, of_server, with_zone=True)
    upcoming = {row.id: next_post_text(texts, row, calendar) for row in rows[:MAX_LISTED]}
    return [f"- {discord_text.join_dotted(f'**{names[id_]}**', text)}" for id_, text in upcoming.items()]


def confirm_remove_view(texts: Texts, subscription: Subscription, name: str) -> ui.LayoutView:
    return message_builder.text_view(
        texts("subscription-remove-sure", post=f"**{name}**"),
        _button(
            texts, "remove", verbs.REMOVE_POST_CONFIRMED, subscription.id, style=discord.ButtonStyle.danger
        ),
        _button(texts, "back", verbs.LIST_POSTS),
    )


def list_topic_words(texts: Texts, forms: Sequence[str], suggestions: Sequence[str] = ()) -> list[str]:
    """Return small print on a topic without papers: the other terms that count, and topics to try instead."""
    named = paper_texts.name_related(texts, forms, most=MAX_TOPIC_FORMS)
    others = ", ".join(discord_text.escape_untrusted(topic) for topic in suggestions[:MAX_TOPIC_FORMS])
    lines = (
        texts("list-also", forms=named) if named else "",
        texts("list-perhaps", topics=others) if others else "",
    )
    return [discord_text.subtext(line) for line in lines if line]


def why_view(
    texts: Texts,
    paper: models.PaperDetail,
    answer: WhyAnswer,
    forms: Mapping[str, Sequence[str]],
    *,
    guild_id: int,
) -> ui.LayoutView:
    """Return the explanations for a paper that is in the archive. `forms` are the other terms that count, by topic."""
    stopped = [each.subscription for each in answer.explanations if each.cause is Cause.STOPPED]
    has_problem = any(row.reason != Reason.BY_HAND for row in stopped)
    accent = message_builder.RED if has_problem else message_builder.AMBER
    message = message_builder.MessageBuilder(accent)
    title = paper_texts.title_link(paper)
    message.add_text(f"### {title}\n{paper_texts.format_votes(paper.votes)}")
    message.add_separator()
    names = name_posts(texts, answer.rows)
    for explanation in answer.explanations:
        name = names[explanation.subscription.id]
        lines = [f"**{name}**", _explanation_text(texts, explanation, guild_id)]
        if explanation.likeness is not None:
            lines.append(
                discord_text.subtext(_likeness_text(texts, explanation.likeness, explanation.nearest))
            )
        elif explanation.cause is Cause.OFF_TOPIC:
            lines += list_topic_words(texts, forms[explanation.subscription.topic])
        message.add_text("\n".join(lines))
    if answer.left_out:
        message.add_text(texts("and-more", count=answer.left_out))
    if not answer.explanations:
        message.add_text(texts("why-no-subscription", command=texts.name_command("daily setup")))
    read = _button(texts, "read", verbs.OPEN_PAPER, paper.key)
    message.add_buttons(read, message_parts.status_button(texts))
    return message.view


def _likeness_text(texts: Texts, likeness: Likeness, nearest: Sequence[str]) -> str:
    """Return how near a paper is to the server's list, what both have in common, and the papers that it is nearest to."""
    titles = " · ".join(discord_text.escape_untrusted(title, max_length=80) for title in nearest)
    return texts(
        "why-like",
        share=round(100 * max(0.0, likeness.degree / likeness.line)),
        shared=paper_texts.name_shared(texts, likeness.reasons) or "none",
        titles=titles,
    )


def line_text(texts: Texts, alike: Mapping[int, Likeness], titles: Mapping[int, str]) -> str:
    """Return how many of the compared papers are like the server's list, and the nearest one that is not, with its title."""
    below = {key: one.degree / one.line for key, one in alike.items() if one.reasons and not one.is_like}
    following = max(below, key=below.__getitem__, default=0)
    return texts(
        "preview-like",
        count=len(alike),
        like=sum(one.is_like for one in alike.values()),
        title=discord_text.escape_untrusted(titles.get(following, ""), max_length=80) or "none",
        share=round(100 * max(0.0, below.get(following, 0.0))),
    )


def _explanation_text(texts: Texts, explanation: Explanation, guild_id: int) -> str:
    cause = explanation.cause
    lines = [_cause_text(texts, explanation, guild_id)]
    if cause in (Cause.WAITING, Cause.UNCERTAIN, Cause.UNSENT) and explanation.reason:
        lines.append(post_names.reason_text(texts, explanation.reason))
    if cause is Cause.BELOW_TOP and explanation.at is not None:
        at = discord_text.timestamp(explanation.at, "R")
        lines.append(discord_text.subtext(texts("why-may-change", at=at)))
    if cause in (Cause.TOO_FEW_VOTES, Cause.BELOW_TOP, Cause.OFF_TOPIC):
        lines.append(discord_text.subtext(texts("why-edit", command=texts.name_command("daily edit"))))
    return "\n".join(lines)


def _cause_text(texts: Texts, explanation: Explanation, guild_id: int) -> str:
    subscription, cause = explanation.subscription, explanation.cause
    is_posted = cause in (Cause.POSTED, Cause.POSTED_BY_ANOTHER)
    at_style = "f" if is_posted else "R"
    values: dict[str, str | int] = {
        "date": texts.format_date(explanation.digest_on) if explanation.digest_on else "–",
        "at": discord_text.timestamp(explanation.at, at_style) if explanation.at else "",
        "rank": explanation.rank,
        "total": explanation.candidate_count,
        "votes": explanation.votes or 0,
        "topic": discord_text.escape_untrusted(describe_topic(texts, subscription.topic)),
        "source": format_source(subscription) or "none",
        "least": subscription.min_votes,
        "top": explanation.taken,
        "by": explanation.reason or "",
    }
    text = texts(f"why-{cause.value}", **values)
    if cause is Cause.STOPPED:
        return f"{text} {post_names.reason_text(texts, subscription.reason)}"
    part = explanation.part
    if is_posted and part and part.message_id is not None and part.channel_id is not None:
        address = discord_text.channel_url(guild_id, part.channel_id, part.message_id)
        return f"{text} [{texts('why-see-post')}]({address})"
    return text
