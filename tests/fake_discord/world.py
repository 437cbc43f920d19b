"""What the fake Discord knows: guilds, channels, messages, nonces, and its own clock. No HTTP here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

DISCORD_EPOCH_MS = 1_420_070_400_000
"""Discord's epoch, the first second of 2015, in Unix milliseconds."""

TEXT, DM, ANNOUNCEMENT, ANNOUNCEMENT_THREAD, THREAD, FORUM, MEDIA = 0, 1, 5, 10, 11, 15, 16
THREAD_TYPES = (ANNOUNCEMENT_THREAD, THREAD)
THREAD_ONLY_TYPES = (FORUM, MEDIA)

BOT_ID = 900_000_000_000_000_001
APPLICATION_ID = 900_000_000_000_000_002
OWNER_ID = 900_000_000_000_000_003
TOKEN = "fake.token.of-the-fake-discord"

VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
READ_MESSAGE_HISTORY = 1 << 16
SEND_MESSAGES_IN_THREADS = 1 << 38
ALL_PERMISSIONS = (1 << 53) - 1
DEFAULT_PERMISSIONS = ALL_PERMISSIONS & ~(1 << 3)  # everything but Administrator, which would beat overwrites


@dataclass
class Guild:
    """A server. `permissions` are those of the bot's own role; `present` is false once the bot was removed."""

    id: int
    name: str
    permissions: int = DEFAULT_PERMISSIONS
    locale: str = "en-US"
    system_channel_id: int | None = None
    present: bool = True

    @property
    def role_id(self) -> int:
        """The id of the bot's own role."""
        return self.id + 1


@dataclass
class Channel:
    """A channel, thread or direct message. `denied` are permissions taken from the bot's role here."""

    id: int
    type: int
    guild_id: int | None = None
    name: str = "papers"
    parent_id: int | None = None
    denied: int = 0
    deleted: bool = False
    recipient_id: int | None = None
    closed: bool = False
    locked: bool = False
    archived: bool = False
    owner_id: int = BOT_ID
    tags: list[Json] = field(default_factory=list)
    applied_tags: list[str] = field(default_factory=list)
    require_tag: bool = False
    messages: list[Message] = field(default_factory=list)

    def find(self, message_id: int) -> Message | None:
        """The message with this id, unless it was deleted."""
        return next((m for m in self.messages if m.id == message_id and not m.deleted), None)


@dataclass
class Message:
    """One message as it was asked for: `payload` is the request's body, edits merged in."""

    id: int
    channel_id: int
    payload: Json
    author_id: int = BOT_ID
    nonce: str | None = None
    edited_at: float | None = None
    deleted: bool = False
    published: bool = False
    thread_id: int | None = None


class World:
    """Everything there is. Times are Unix seconds by the fake's own clock, which tests can move forward."""

    def __init__(self, nonce_window: float = 120.0) -> None:
        self.nonce_window = nonce_window
        self.clock_offset = 0.0
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.dm_channel_ids: dict[int, int] = {}
        self.nonces: dict[str, tuple[float, int, int]] = {}
        self.commands: dict[int | None, list[Json]] = {}
        self._last_ms = 0
        self._count = 0

    def now(self) -> float:
        """The moment by the fake's clock, in Unix seconds."""
        return time.time() + self.clock_offset

    def next_snowflake(self) -> int:
        """A new id that carries the present moment and is larger than every one before it."""
        self._last_ms = max(self._last_ms, int(self.now() * 1000))
        self._count += 1
        if self._count == 1 << 22:
            self._count, self._last_ms = 0, self._last_ms + 1
        return ((self._last_ms - DISCORD_EPOCH_MS) << 22) | self._count

    def add_guild(self, guild: Guild) -> Guild:
        """Put a server into the world (again), with the bot in it."""
        self.guilds[guild.id] = guild
        return guild

    def add_channel(self, channel: Channel) -> Channel:
        """Put a channel, thread or direct message into the world."""
        self.channels[channel.id] = channel
        return channel

    def open_dm(self, user_id: int) -> Channel:
        """The bot's direct-message channel with this user; always the same one."""
        if user_id not in self.dm_channel_ids:
            channel = Channel(id=self.next_snowflake(), type=DM, name="", recipient_id=user_id)
            self.dm_channel_ids[user_id] = self.add_channel(channel).id
        return self.channels[self.dm_channel_ids[user_id]]

    def add_message(self, channel: Channel, payload: Json, *, message_id: int | None = None) -> Message:
        """Store a message at the end of its channel."""
        nonce = payload.get("nonce")
        message = Message(
            id=message_id or self.next_snowflake(),
            channel_id=channel.id,
            payload={k: v for k, v in payload.items() if k not in ("nonce", "enforce_nonce")},
            nonce=None if nonce is None else str(nonce),
        )
        channel.messages.append(message)
        if message.nonce is not None and payload.get("enforce_nonce"):
            self.nonces[message.nonce] = (self.now(), channel.id, message.id)
        return message

    def find_by_nonce(self, nonce: str) -> tuple[Channel, int] | None:
        """The channel and id of the message that this nonce made, while the window is open."""
        found = self.nonces.get(nonce)
        if found is None or self.now() - found[0] > self.nonce_window:
            return None
        return self.channels[found[1]], found[2]

    def permissions(self, channel: Channel) -> int:
        """What the bot may do in this channel: the role's permissions less the channel's denials."""
        if channel.guild_id is None:
            return ALL_PERMISSIONS
        guild = self.guilds.get(channel.guild_id)
        if guild is None or not guild.present:
            return 0
        parent = (
            self.channels.get(channel.parent_id)
            if channel.type in THREAD_TYPES and channel.parent_id
            else None
        )
        denied = channel.denied | (parent.denied if parent else 0)
        allowed = guild.permissions & ~denied
        return allowed if allowed & VIEW_CHANNEL else 0
