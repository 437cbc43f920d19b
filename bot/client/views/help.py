"""`/help`: every command on a line, grouped by task, and buttons for the first steps."""

from __future__ import annotations

from collections.abc import Iterable

from discord import ui

from bot.client.components import custom_ids
from bot.client.components.message_builder import MessageBuilder, button
from bot.client.translations import Texts
from bot.client.views import alert_drafts, daily_post, subscriptions
from bot.client.views.papers import list_state
from bot.client.views.post_text import MentionLookup

SECTIONS = ("help-reading", "help-keeping", "help-following", "help-channel", "help-general")
"""Fluent ids of the headings. Their attributes are the commands below them: `.daily-edit` is `/daily edit`."""


def help_view(
    texts: Texts, commands: Iterable[str], mention: MentionLookup, *, can_manage: bool
) -> ui.LayoutView:
    """Return the help text: the commands of these names, by section. `can_manage` adds the button to set a post up."""
    names = {name.replace(" ", "-"): name for name in commands}
    message = MessageBuilder()
    message.add_text(f"### {texts('help-heading')}\n{texts('help-intro')}")
    newest = list_state.ListState(list_state.ListKind.DIGEST)
    message.add_buttons(
        button(texts("newest-digest"), list_state.pack(newest)),
        button(texts("post-ask"), custom_ids.pack(daily_post.OPEN_TOPIC_MODAL)),
        alert_drafts.begin_button(texts),
        button(texts("help-set-up"), custom_ids.pack(subscriptions.SETUP)) if can_manage else None,
    )
    for section in SECTIONS:
        keys = texts.list_attributes(section)
        lines = [f"{mention(names[key])} {texts(f'{section}.{key}')}" for key in keys]
        if section == SECTIONS[0]:
            lines.append(texts("help-look-up"))
        message.add_text("\n".join([f"**{texts(section)}**", *lines]))
    return message.view
