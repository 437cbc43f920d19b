"""Authors of papers, and the users and guilds that read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Locale(StrEnum):
    """The interface languages. The language of a digest uses the same codes."""

    EN = "en"
    KO = "ko"


@dataclass(frozen=True, slots=True)
class Author:
    """An author: the folded name as key, the display name and the number of papers."""

    id: int
    key: str
    name: str
    paper_count: int


@dataclass(frozen=True, slots=True)
class Reader:
    """A user's settings: language, time zone and the DM channel opened at the user's request."""

    user_id: int
    locale: Locale | None
    timezone: str | None
    dm_channel_id: int | None


@dataclass(frozen=True, slots=True)
class Guild:
    """A guild of which the bot is a member, or was one until `left_at`."""

    guild_id: int
    locale: Locale | None
    timezone: str | None
    installed_by: int | None
    system_channel_id: int | None
    left_at: datetime | None
