"""`/help`: every command on a line, grouped by task, and buttons for the first steps."""

from __future__ import annotations

from discord import ui

from bot.client.components import custom_ids
from bot.client.components.message_builder import MessageBuilder, button
from bot.client.translations import Texts
from bot.client.views import alert_drafts, daily_post, subscriptions
from bot.client.views.papers import list_state
from bot.client.views.post_text import MentionLookup

READING_COMMANDS = ("today", "digest", "top", "topic", "author", "paper", "trends")
SHELF_COMMANDS = ("saved list", "saved export", "saved import")
ALERT_COMMANDS = ("alerts add", "alerts list", "alerts pause", "alerts remove")
SUBSCRIPTION_COMMANDS = (
    "daily setup",
    "daily list",
    "daily edit",
    "daily preview",
    "daily now",
    "daily pause",
    "daily remove",
    "write status",
)
GENERAL_COMMANDS = ("status", "why", "sources", "me news", "me data", "me forget", "help")


def help_view(texts: Texts, mention: MentionLookup, *, can_manage: bool) -> ui.LayoutView:
    """Return the help text: a reader's commands, then those for channels. `can_manage` adds the button to set a post up."""
    message = MessageBuilder()
    message.add_text(f"### {texts('help-heading')}\n{texts('help-intro')}")
    newest = list_state.ListState(list_state.ListKind.DIGEST)
    message.add_buttons(
        button(texts("newest-digest"), list_state.pack(newest)),
        button(texts("post-ask"), custom_ids.pack(daily_post.OPEN_TOPIC_MODAL)),
        alert_drafts.begin_button(texts),
        button(texts("help-set-up"), custom_ids.pack(subscriptions.SETUP)) if can_manage else None,
    )
    for heading, names in (
        ("help-reading", READING_COMMANDS),
        ("help-keeping", SHELF_COMMANDS),
        ("help-following", ALERT_COMMANDS),
        ("help-channel", SUBSCRIPTION_COMMANDS),
        ("help-general", GENERAL_COMMANDS),
    ):
        lines = [_command_line(texts, mention, name) for name in names]
        if names is READING_COMMANDS:
            lines.append(texts("help-look-up"))
        message.add_text("\n".join([f"**{texts(heading)}**", *lines]))
    return message.view


def _command_line(texts: Texts, mention: MentionLookup, name: str) -> str:
    return f"{mention(name)} {texts('help-' + name.replace(' ', '-'))}"
