"""The servers that the bot is in: what is known of each, and what happens to its posts when the bot comes and goes."""

from __future__ import annotations

from collections.abc import Collection

from bot.clock import Clock
from bot.services.posts.contents import Reason
from storage import guilds, models, subscriptions
from storage.database import Connection, Database


class Guilds:
    """Keeps servers. Nothing is deleted when the bot leaves: an invitation by mistake undone is common."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, guild_id: int) -> models.Guild | None:
        """Return what is known of a server, or None."""
        async with self._database.read() as connection:
            return await guilds.get(connection, guild_id)

    async def list_ids(self) -> frozenset[int]:
        """Return the ids of the servers that the bot is known to be in."""
        async with self._database.read() as connection:
            found = await guilds.list_rows(connection)
        return frozenset(guild.guild_id for guild in found if guild.left_at is None)

    async def update(
        self,
        guild_id: int,
        *,
        locale: models.Locale | None = None,
        timezone: str | None = None,
        installed_by: int | None = None,
        system_channel_id: int | None = None,
    ) -> None:
        """Keep what is given of a server; what is None stays as it was."""
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
        """Note that the bot is no longer in these servers, and pause their daily posts."""
        if not guild_ids:
            return
        async with self._database.transaction() as connection:
            await guilds.mark_left(connection, sorted(guild_ids), self._clock())
            for guild_id in sorted(guild_ids):
                await self._pause_subscriptions(connection, guild_id)

    async def reconcile(self, present_ids: Collection[int]) -> list[int]:
        """Note the servers that the bot left while it was away: all that are known but not `present`. Returns them."""
        gone = sorted(await self.list_ids() - set(present_ids))
        await self.mark_left(gone)
        return gone

    async def _pause_subscriptions(self, connection: Connection, guild_id: int) -> None:
        active = await subscriptions.list_rows(
            connection, guild_id=guild_id, state=models.ActivityState.ACTIVE
        )
        await subscriptions.set_state(
            connection,
            [one.id for one in active],
            models.ActivityState.PAUSED,
            reason=Reason.GUILD_LEFT,
        )
