"""The JSON of Discord for the records in `model`."""

import re
from datetime import UTC, datetime

from tests.fake_discord import model
from tests.fake_discord.model import Json

COMMAND = 2
"""The type of an interaction by a slash command."""


def render_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def render_user(user_id: int) -> Json:
    is_bot = user_id == model.BOT_ID
    name = "paperround" if is_bot else f"reader{user_id % 10_000}"
    return {
        "id": str(user_id),
        "username": name,
        "discriminator": "0",
        "global_name": None if is_bot else name,
        "avatar": None,
        "bot": is_bot,
    }


def render_member(guild: model.Guild, user_id: int) -> Json:
    """Render a guild member. The bot has the guild's bot role."""
    return {
        "user": render_user(user_id),
        "roles": [str(guild.role_id)] if user_id == model.BOT_ID else [],
        "joined_at": render_time(model.snowflake_time(guild.id)),
        "deaf": False,
        "mute": False,
        "flags": 0,
    }


def _render_role(role_id: int, name: str, permissions: int, position: int) -> Json:
    return {"id": str(role_id), "name": name, "position": position, "permissions": str(permissions)}


def render_channel(channel: model.Channel, world: model.World) -> Json:
    body: Json = {"id": str(channel.id), "type": channel.type, "flags": 0, "last_message_id": None}
    if channel.type == model.DM:
        return body | {"recipients": [render_user(channel.recipient_id or 0)]}
    body |= {
        "guild_id": str(channel.guild_id),
        "name": channel.name,
        "parent_id": str(channel.parent_id) if channel.parent_id else None,
    }
    if channel.is_thread:
        return body | _thread_fields(channel)
    guild = world.guilds[channel.guild_id or 0]
    return body | {
        "position": 0,
        "flags": (1 << 4) if channel.require_tag else 0,
        "available_tags": channel.tags,
        "permission_overwrites": [
            {"id": str(guild.role_id), "type": 0, "allow": "0", "deny": str(channel.denied)}
        ],
    }


def _thread_fields(channel: model.Channel) -> Json:
    return {
        "owner_id": str(channel.owner_id),
        "message_count": len(channel.messages),
        "total_message_sent": len(channel.messages),
        "member_count": 1,
        "applied_tags": [],
        "thread_metadata": {
            "archived": channel.archived,
            "auto_archive_duration": 1440,
            "archive_timestamp": render_time(channel.archived_at),
            "create_timestamp": render_time(model.snowflake_time(channel.id)),
            "locked": False,
        },
    }


def render_guild(guild: model.Guild, world: model.World, *, full: bool = False) -> Json:
    """Render a guild. `full` adds the fields of GUILD_CREATE: channels, threads, and the bot as a member."""
    body: Json = {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(model.OWNER_ID),
        "roles": [
            _render_role(guild.id, "@everyone", 0, 0),
            _render_role(guild.role_id, "paperround", model.DEFAULT_PERMISSIONS, 1),
        ],
        "features": [],
        "system_channel_id": None,
        "preferred_locale": guild.locale,
    }
    if not full:
        return body
    channels = [channel for channel in world.channels.values() if channel.guild_id == guild.id]
    threads = [channel for channel in channels if channel.is_thread]
    return body | {
        "joined_at": render_time(model.snowflake_time(guild.id)),
        "large": False,
        "unavailable": False,
        "member_count": 2,
        "members": [render_member(guild, model.BOT_ID)],
        "channels": [render_channel(channel, world) for channel in channels if channel not in threads],
        "threads": [render_channel(thread, world) for thread in threads if not thread.archived],
    }


def render_message(message: model.Message, world: model.World) -> Json:
    """Render a message without its nonce, which is not part of Discord's history."""
    payload = message.payload
    return {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "author": render_user(message.author_id),
        "content": payload.get("content") or "",
        "timestamp": render_time(model.snowflake_time(message.id)),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "attachments": [],
        "embeds": payload.get("embeds") or [],
        "components": message.components,
        **({"poll": _render_poll(message, world)} if payload.get("poll") else {}),
        "pinned": False,
        "type": 0,
        "flags": int(payload.get("flags") or 0) | (1 if message.published else 0),
    }


def render_member_message(message: model.Message, world: model.World) -> Json:
    """Render MESSAGE_CREATE for a bot without the message content intent.

    It gets the text of a message that mentions it, by name or as a reply to one of its messages.
    """
    channel, body = world.channels[message.channel_id], render_message(message, world)
    guild = world.guilds[channel.guild_id or 0]
    mentioned = dict.fromkeys(map(int, re.findall(r"<@!?([0-9]+)>", body["content"])))
    body |= {"guild_id": str(guild.id), "member": render_member(guild, message.author_id)}
    if message.reply_to is not None and (original := channel.find(message.reply_to)) is not None:
        place = {"channel_id": str(channel.id), "guild_id": str(guild.id)}
        body |= {"type": 19, "message_reference": {**place, "message_id": str(original.id)}}
        mentioned[original.author_id] = None
    if model.BOT_ID not in mentioned:
        body["content"] = ""
    return body | {"mentions": [render_user(user_id) for user_id in mentioned], "mention_roles": []}


def render_interaction(interaction: model.Interaction, world: model.World, fields: Json) -> Json:
    """Render INTERACTION_CREATE. `fields` are data, and optionally type (else a command), user_id and message_id."""
    user_id = fields.get("user_id") or model.OWNER_ID
    channel = world.channels[interaction.channel_id]
    event: Json = {
        "id": str(interaction.id),
        "token": interaction.token,
        "application_id": str(model.APPLICATION_ID),
        "type": fields.get("type", COMMAND),
        "data": fields["data"],
        "channel_id": str(channel.id),
        "channel": render_channel(channel, world),
        "version": 1,
        "locale": "en-US",
        "app_permissions": str(world.permissions(channel)),
        "entitlements": [],
        "authorizing_integration_owners": {"0": str(channel.guild_id or 0)},
        "context": 0 if channel.guild_id else 1,
        "attachment_size_limit": 10 << 20,
    }
    if message_id := fields.get("message_id"):
        replies = (reply for other in world.interactions.values() for reply in other.replies)
        [message] = [one for one in (*channel.messages, *replies) if one.id == message_id and not one.deleted]
        event["message"] = render_message(message, world)
    if channel.guild_id is None:
        return event | {"user": render_user(user_id)}
    guild = world.guilds[channel.guild_id]
    return event | {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "guild_locale": guild.locale,
        "member": render_member(guild, user_id) | {"permissions": str(model.ALL_PERMISSIONS)},
    }


def _render_poll(message: model.Message, world: model.World) -> Json:
    """Render a poll with its votes, which are final once the poll has ended."""
    poll = message.payload["poll"]
    expiry = model.snowflake_time(message.id) + 3600 * (poll.get("duration") or 24)
    numbers = range(1, len(poll["answers"]) + 1)
    # Discord numbers them from 1 today, and recommends against relying on it (resources/poll).
    ids = {number: 10 * (len(poll["answers"]) - number + 1) for number in numbers}
    counts = [
        {"id": ids[number], "count": message.votes.get(number, 0), "me_voted": False}
        for number in numbers
        if message.votes.get(number)
    ]
    return {
        "question": poll["question"],
        "answers": [
            {"answer_id": ids[number], "poll_media": answer["poll_media"]}
            for number, answer in zip(numbers, poll["answers"], strict=True)
        ],
        "expiry": render_time(expiry),
        "allow_multiselect": bool(poll.get("allow_multiselect")),
        "layout_type": 1,
        "results": {"answer_counts": counts, "is_finalized": message.poll_ended or world.now() >= expiry},
    }
