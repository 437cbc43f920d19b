"""Turns the fake's records into the JSON that Discord answers with, and names Discord's errors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.fake_discord import world as w

Json = dict[str, Any]


class ApiError(Exception):
    """An error answer: an HTTP status, Discord's own code and, for a bad form, the tree of what is wrong."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message, self.errors = status, code, message, errors

    def body(self) -> Json:
        """The JSON body of the answer."""
        body: Json = {"message": self.message, "code": self.code}
        return body | ({"errors": self.errors} if self.errors else {})


def unknown_channel() -> ApiError:
    """404 10003: the channel was deleted, or never was."""
    return ApiError(404, 10003, "Unknown Channel")


def unknown_message() -> ApiError:
    """404 10008: the message was deleted, or never was."""
    return ApiError(404, 10008, "Unknown Message")


def render_time(seconds: float) -> str:
    """Unix seconds as Discord writes times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def snowflake_time(snowflake: int) -> float:
    """The moment, in Unix seconds, that a snowflake carries."""
    return ((snowflake >> 22) + w.DISCORD_EPOCH_MS) / 1000


def render_user(user_id: int) -> Json:
    """A user. The bot is the only bot here."""
    bot = user_id == w.BOT_ID
    name = "paperround" if bot else f"reader{user_id % 10_000}"
    return {
        "id": str(user_id),
        "username": name,
        "discriminator": "0",
        "global_name": None if bot else name,
        "avatar": None,
        "bot": bot,
        "flags": 0,
        "public_flags": 0,
    }


def render_member(guild: w.Guild, user_id: int) -> Json:
    """A member of a server; the bot carries the server's bot role."""
    return {
        "user": render_user(user_id),
        "nick": None,
        "roles": [str(guild.role_id)] if user_id == w.BOT_ID else [],
        "joined_at": render_time(snowflake_time(guild.id)),
        "deaf": False,
        "mute": False,
        "flags": 0,
    }


def render_roles(guild: w.Guild) -> list[Json]:
    """The server's two roles: @everyone, which allows nothing, and the bot's own."""
    return [
        _render_role(guild.id, "@everyone", 0, 0),
        _render_role(guild.role_id, "paperround", guild.permissions, 1),
    ]


def _render_role(role_id: int, name: str, permissions: int, position: int) -> Json:
    return {
        "id": str(role_id),
        "name": name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": position,
        "permissions": str(permissions),
        "managed": position > 0,
        "mentionable": False,
        "flags": 0,
    }


def render_channel(channel: w.Channel, world: w.World) -> Json:
    """A channel, thread or direct message."""
    body: Json = {"id": str(channel.id), "type": channel.type, "flags": 0, "last_message_id": None}
    if channel.type == w.DM:
        return body | {"recipients": [render_user(channel.recipient_id or 0)]}
    body |= {
        "guild_id": str(channel.guild_id),
        "name": channel.name,
        "parent_id": str(channel.parent_id) if channel.parent_id else None,
        "rate_limit_per_user": 0,
    }
    if channel.type in w.THREAD_TYPES:
        return body | _thread_fields(channel)
    guild = world.guilds[channel.guild_id or 0]
    return body | {
        "position": 0,
        "nsfw": False,
        "topic": None,
        "flags": (1 << 4) if channel.require_tag else 0,
        "available_tags": channel.tags,
        "permission_overwrites": [
            {"id": str(guild.role_id), "type": 0, "allow": "0", "deny": str(channel.denied)}
        ],
    }


def _thread_fields(channel: w.Channel) -> Json:
    created = render_time(snowflake_time(channel.id))
    return {
        "owner_id": str(channel.owner_id),
        "message_count": len(channel.messages),
        "total_message_sent": len(channel.messages),
        "member_count": 1,
        "applied_tags": channel.applied_tags,
        "thread_metadata": {
            "archived": channel.archived,
            "auto_archive_duration": 1440,
            "archive_timestamp": created,
            "create_timestamp": created,
            "locked": channel.locked,
        },
    }


def render_guild(guild: w.Guild, world: w.World, *, full: bool = False) -> Json:
    """A server; `full` as GUILD_CREATE carries it, with channels, threads and the bot as its only member."""
    body: Json = {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "owner_id": str(w.OWNER_ID),
        "roles": render_roles(guild),
        "emojis": [],
        "stickers": [],
        "features": [],
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "system_channel_id": str(guild.system_channel_id) if guild.system_channel_id else None,
        "system_channel_flags": 0,
        "preferred_locale": guild.locale,
    }
    if not full:
        return body
    mine = [c for c in world.channels.values() if c.guild_id == guild.id and not c.deleted]
    return body | {
        "joined_at": render_time(snowflake_time(guild.id)),
        "large": False,
        "unavailable": False,
        "member_count": 2,
        "members": [render_member(guild, w.BOT_ID)],
        "channels": [render_channel(c, world) for c in mine if c.type not in w.THREAD_TYPES],
        "threads": [render_channel(c, world) for c in mine if c.type in w.THREAD_TYPES and not c.archived],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def render_message(message: w.Message, world: w.World) -> Json:
    """A message as Discord gives it back: without the nonce, which is not kept in the history."""
    payload = message.payload
    return {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "author": render_user(message.author_id),
        "content": payload.get("content") or "",
        "timestamp": render_time(snowflake_time(message.id)),
        "edited_timestamp": render_time(message.edited_at) if message.edited_at else None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": payload.get("embeds") or [],
        "components": _assign_component_ids(payload.get("components") or [], [0]),
        "pinned": False,
        "type": 0,
        "flags": int(payload.get("flags") or 0) | (1 if message.published else 0),
    }


def _assign_component_ids(components: list[Json], last: list[int]) -> list[Json]:
    """Fill in the component ids that the sender left out, as Discord does."""
    numbered = []
    for component in components:
        last[0] += 1
        copy = {**component, "id": component.get("id") or last[0]}
        if "components" in copy:
            copy["components"] = _assign_component_ids(copy["components"], last)
        if copy.get("accessory"):
            copy["accessory"] = _assign_component_ids([copy["accessory"]], last)[0]
        numbered.append(copy)
    return numbered
