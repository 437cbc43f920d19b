"""The state of the fake Discord: guilds, channels, messages, nonces, interactions and the clock."""

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

DISCORD_EPOCH_MS = 1_420_070_400_000
"""The epoch of snowflakes: the start of 2015 in Unix milliseconds."""

TEXT, DM, ANNOUNCEMENT, ANNOUNCEMENT_THREAD, THREAD, FORUM = 0, 1, 5, 10, 11, 15
THREAD_TYPES = (ANNOUNCEMENT_THREAD, THREAD)

NONCE_WINDOW_SECONDS = 120.0
"""How long Discord remembers an enforced nonce."""

GUILD_ID = 700_000_000_000_000_000
BOT_ID = 900_000_000_000_000_001
APPLICATION_ID = 900_000_000_000_000_002
OWNER_ID = 900_000_000_000_000_003
TOKEN = "fake.token.of-the-fake-discord"

VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
READ_MESSAGE_HISTORY = 1 << 16
SEND_MESSAGES_IN_THREADS = 1 << 38
SEND_POLLS = 1 << 49
ALL_PERMISSIONS = (1 << 53) - 1
DEFAULT_PERMISSIONS = ALL_PERMISSIONS & ~(1 << 3)  # all but Administrator, which overrides channel denials


def snowflake_at(moment: float) -> int:
    """Return the smallest id of a moment (Unix seconds)."""
    return int(moment * 1000 - DISCORD_EPOCH_MS) << 22


def snowflake_time(snowflake: int) -> float:
    return ((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000


@dataclass
class Guild:
    """A guild (server)."""

    id: int
    name: str
    locale: str = "en-US"

    @property
    def role_id(self) -> int:
        """The id of the bot's role."""
        return self.id + 1


@dataclass
class Message:
    """A message: the request body, the message to which a member's one replies, and the votes for the answers of its poll."""

    id: int
    channel_id: int
    payload: Json
    components: list[Json] = field(default_factory=list, repr=False)
    """The payload's components, with the ids that the sender omitted."""
    author_id: int = BOT_ID
    reply_to: int | None = None
    deleted: bool = False
    published: bool = False
    votes: dict[int, int] = field(default_factory=dict)
    poll_ended: bool = False
    """Whether the poll was ended early."""


@dataclass
class Channel:
    """A channel, thread or DM. `denied` are the permissions denied to the bot's role."""

    id: int
    type: int
    guild_id: int | None = None
    name: str = "papers"
    parent_id: int | None = None
    denied: int = 0
    recipient_id: int | None = None
    archived: bool = False
    archive_changed_at: float = 0.0
    owner_id: int = BOT_ID
    tags: list[Json] = field(default_factory=list)
    require_tag: bool = False
    messages: list[Message] = field(default_factory=list)

    @property
    def is_thread(self) -> bool:
        return self.type in THREAD_TYPES

    @property
    def archived_at(self) -> float:
        """When a thread was last archived or unarchived, or else created."""
        return self.archive_changed_at or snowflake_time(self.id)

    def find(self, message_id: int) -> Message | None:
        """Return the message with this id, or None if it does not exist or was deleted."""
        return next((m for m in self.messages if m.id == message_id and not m.deleted), None)


@dataclass
class Webhook:
    """A channel's webhook."""

    id: int
    channel_id: int
    token: str
    deleted: bool = False


@dataclass
class Interaction:
    """An interaction with its callback, and the messages that answer it."""

    id: int
    token: str
    channel_id: int
    sent_at: float = field(default_factory=time.perf_counter)
    callback: Json | None = None
    replies: list[Message] = field(default_factory=list)
    is_acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    is_answered: asyncio.Event = field(default_factory=asyncio.Event)


class World:
    """The complete state. Times are Unix seconds of a clock that tests can move forward."""

    def __init__(self) -> None:
        self.clock_offset = 0.0
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.nonces: dict[str, tuple[float, Message]] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.interactions: dict[str, Interaction] = {}
        self.commands: list[Json] = []
        self.events: list[Json] = []
        self._last_ms = 0
        self._count = 0

    def now(self) -> float:
        """Return the fake clock's time (Unix seconds)."""
        return time.time() + self.clock_offset

    def next_snowflake(self) -> int:
        """Return a new id that contains the current time and is larger than all previous ids."""
        self._last_ms = max(self._last_ms, int(self.now() * 1000))
        self._count += 1
        if self._count == 1 << 22:
            self._count, self._last_ms = 0, self._last_ms + 1
        return ((self._last_ms - DISCORD_EPOCH_MS) << 22) | self._count

    def add_channel(self, **fields: Any) -> Channel:
        channel = Channel(**fields)
        self.channels[channel.id] = channel
        return channel

    def open_dm(self, user_id: int) -> Channel:
        """Return the DM channel with a user, creating it on first use."""
        for channel in self.channels.values():
            if channel.recipient_id == user_id:
                return channel
        return self.add_channel(id=self.next_snowflake(), type=DM, name="", recipient_id=user_id)

    def add_message(self, channel: Channel, payload: Json, **fields: Any) -> Message:
        """Add a message to its channel, and remember an enforced nonce."""
        said = {key: value for key, value in payload.items() if key not in ("nonce", "enforce_nonce")}
        made: Json = {"id": self.next_snowflake(), "channel_id": channel.id, "payload": said}
        message = Message(**made | fields)
        channel.messages.append(message)
        if payload.get("enforce_nonce"):
            self.nonces[str(payload["nonce"])] = (self.now(), message)
        return message

    def find_by_nonce(self, nonce: str) -> Message | None:
        """Return the message with a nonce, or None if it is unknown or expired."""
        sent_at, message = self.nonces.get(nonce, (-math.inf, None))
        return message if self.now() - sent_at <= NONCE_WINDOW_SECONDS else None

    def permissions(self, channel: Channel) -> int:
        """Return the bot's permissions in a channel."""
        if channel.guild_id is None:
            return ALL_PERMISSIONS
        parent = self.channels.get(channel.parent_id or 0)
        denied = channel.denied | (parent.denied if parent else 0)
        allowed = DEFAULT_PERMISSIONS & ~denied
        return allowed if allowed & VIEW_CHANNEL else 0
