"""The servers that the bot is in, and the pausing of their posts when it leaves."""

from __future__ import annotations

from collections.abc import Collection

from bot.clock import Clock
from bot.services.posts.contents import Reason
from storage import guilds, models, subscriptions
from storage.database import Database


class Guilds:
    """The use cases around servers. When the bot leaves, all is kept for the retention time: many invite it again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, guild_id: int) -> models.Guild | None:
        """Return a stored server, or None."""
        async with self._database.read() as connection:
            return await guilds.get(connection, guild_id)

    async def list_ids(self) -> frozenset[int]:
        """Return the ids of the stored servers that the bot has not left."""
        async with self._database.read() as connection:
            rows = await guilds.list_rows(connection)
        return frozenset(guild.guild_id for guild in rows if guild.left_at is None)

    async def update(
        self,
        guild_id: int,
        *,
        locale: models.Locale | None = None,
        timezone: str | None = None,
        installed_by: int | None = None,
        system_channel_id: int | None = None,
    ) -> None:
        """Store the given fields of a server; a field that is None keeps its value."""
        async with self._database.transaction() as connection:
            await guilds.upsert(
                connection,
                guild_id,
                now=self._clock(),
                locale=locale,
                timezone=timezone,
                installed_by=installed_by,
                system_channel_id=system_channel_id,
            )

    async def mark_left(self, guild_ids: Collection[int]) -> None:
        """Record that the bot left these servers, and pause their daily posts."""
        if not guild_ids:
            return
        async with self._database.transaction() as connection:
            await guilds.mark_left(connection, sorted(guild_ids), self._clock())
            for guild_id in sorted(guild_ids):
                active = await subscriptions.list_rows(
                    connection, guild_id=guild_id, state=models.ActivityState.ACTIVE
                )
                ids = [subscription.id for subscription in active]
                paused = models.ActivityState.PAUSED
                await subscriptions.set_state(connection, ids, paused, reason=Reason.GUILD_LEFT)

    async def reconcile(self, present_ids: Collection[int]) -> list[int]:
        """Mark the stored servers that are not in `present_ids` as left. Returns their ids."""
        left_ids = sorted(await self.list_ids() - set(present_ids))
        await self.mark_left(left_ids)
        return left_ids
