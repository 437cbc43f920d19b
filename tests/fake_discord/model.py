"""The state of the fake Discord: SimCord's, with ids that tests choose and a clock that runs on and can be moved."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from simcord._clock import Clock
from simcord.backend import Backend
from simcord.backend.models import Channel, Message, ThreadMetadata, User

Json = dict[str, Any]

DISCORD_EPOCH_MS = 1_420_070_400_000
"""The epoch of snowflakes: the start of 2015 in Unix milliseconds."""

TEXT, ANNOUNCEMENT, ANNOUNCEMENT_THREAD, THREAD, FORUM = 0, 5, 10, 11, 15
SENT_TYPES = (0, 19)
"""The types of ordinary messages and replies. The others are about a channel."""

NONCE_WINDOW = timedelta(minutes=2)
"""How long Discord remembers an enforced nonce."""

GUILD_ID = 700_000_000_000_000_000
BOT_ID = 900_000_000_000_000_001
APPLICATION_ID = 900_000_000_000_000_002
OWNER_ID = 900_000_000_000_000_003
TOKEN = "fake.token.of-the-fake-discord"

SEND_MESSAGES = 1 << 11
READ_MESSAGE_HISTORY = 1 << 16


def snowflake_time(snowflake: int) -> datetime:
    milliseconds = (snowflake >> 22) + DISCORD_EPOCH_MS
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


class MovableClock(Clock):
    """The system's clock, which tests can move forward."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.elapsed)


class AnnouncementThread(Channel):
    """A thread on an announcement, which SimCord does not count among the threads."""

    is_thread = property(lambda _: True)


class _Users(dict[int, User]):
    """All users, of which each exists."""

    def __missing__(self, user_id: int) -> User:
        user = self[user_id] = User(user_id, f"reader{user_id % 10_000}")
        return user


class World(Backend):
    def __init__(self) -> None:
        super().__init__(clock=MovableClock())
        self.http_requests = self.transcript = cast("list[Any]", deque(maxlen=0))  # which would only grow
        self.application_id = APPLICATION_ID
        self.users = _Users()
        self.bot_user = self.users[BOT_ID] = User(BOT_ID, "paperround", bot=True)
        self.nonces: dict[str, tuple[datetime, Message]] = {}
        self.nonce: str | None = None
        """That of the message which is being created. It comes back in the message's event."""
        self.tag_required: set[int] = set()
        """The forums whose posts need a tag."""

    def emit(self, event: str, payload: Mapping[str, Any]) -> None:
        super().emit(event, {**payload, "nonce": self.nonce} if event == "MESSAGE_CREATE" else payload)

    def add_guild(self, guild_id: int, **settings: Any) -> None:
        """Add a guild that has invited the bot when it was created."""
        guild = self.create_guild("Lab", id=guild_id, owner_id=OWNER_ID, **settings)
        guild.members[BOT_ID].joined_at = snowflake_time(guild_id).isoformat()

    def add_channel(self, channel_id: int, kind: int, guild_id: int, **fields: Any) -> Channel:
        """Add a channel with the fields of SimCord's, or a thread, which may be `archived`."""
        archived, is_thread = fields.pop("archived", False), "parent_id" in fields
        make = AnnouncementThread if kind == ANNOUNCEMENT_THREAD else Channel
        channel = make(id=channel_id, type=kind, guild_id=guild_id, **{"name": "papers", **fields})
        guild = self.get_guild(guild_id)
        if is_thread:
            created_at = snowflake_time(channel_id).isoformat()
            channel.owner_id = channel.owner_id or BOT_ID
            channel.thread_metadata = ThreadMetadata(
                archived, archive_timestamp=created_at, create_timestamp=created_at
            )
        (guild.thread_ids if is_thread else guild.channel_ids).append(channel_id)
        self.channels[channel_id] = channel
        self.messages.setdefault(channel_id, {})
        return channel

    def list_sent(self, channel_id: int, after: int = 0) -> list[Message]:
        """Return a channel's messages after an id, oldest first, without answers to interactions."""
        return [
            message
            for id_, message in sorted(self.messages[channel_id].items())
            if id_ > after and message.interaction_metadata is None and message.type in SENT_TYPES
        ]
