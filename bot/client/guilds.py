"""The settings of servers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bot.core.clock import Clock
from storage import accounts, daily, outbox
from storage.database import Database
from storage.models import ActivityState, Reason
from storage.snapshot import chunked


class Guilds:
    """The settings of servers. They are kept for a while after the bot leaves, since many servers invite it again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_ids(self, *, named: bool = False) -> frozenset[int]:
        """Return the ids of stored servers that the bot has not left, or those of them whose name is stored."""
        return frozenset(await self._database.fetch(accounts.list_present_guilds, named=named))

    async def update(self, by_id: Mapping[int, accounts.GuildSettings]) -> None:
        """Store fields of servers that the bot is in. None leaves the stored value unchanged.

        Resumes posts to servers that the bot rejoined, and retries refused ones.
        """
        for ids in chunked(by_id):
            async with self._database.transaction() as connection:
                chosen = {guild_id: by_id[guild_id] for guild_id in ids}
                await accounts.upsert_guilds(connection, chosen)
                await daily.resume_returned(connection, ids)
                await outbox.try_now(connection, self._clock(), guild_id=ids)

    async def try_refused(self, **destinations: Collection[int]) -> None:
        """Retry refused deliveries to channels or servers now."""
        async with self._database.read() as connection:
            if not await outbox.list_refused(connection, **destinations):
                return  # a large server's channels change every minute
        await self._database.write(outbox.try_now, self._clock(), **destinations)

    async def mark_left(self, guild_ids: Collection[int]) -> None:
        """Record that the bot left these servers, and pause their daily posts."""
        if not guild_ids:
            return
        async with self._database.transaction() as connection:
            await accounts.mark_guild_left(connection, sorted(guild_ids), self._clock())
            for guild_id in sorted(guild_ids):
                active = await daily.list_rows(connection, guild_id=guild_id, state=ActivityState.ACTIVE)
                ids = [subscription.id for subscription in active]
                await daily.set_state(connection, ids, ActivityState.PAUSED, reason=Reason.GUILD_LEFT)
