"""The Discord client with its cogs, commands and error handlers, and the renderer of posts."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from functools import cached_property
from typing import Any

import discord
import structlog
import yarl
from discord import app_commands

from bot.app.features import FEATURES
from bot.client import command_sync, custom_ids, message_builder, refusals, router, translations
from bot.client.handler_context import Client
from bot.client.wording import MentionLookup, PostWording
from bot.core import isolation
from bot.i18n import texts as i18n_texts
from bot.outbox import contents
from bot.rendering.templates import Templates
from storage import models

log = structlog.get_logger(__name__)

COGS = tuple(cog for feature in FEATURES for cog in feature.cogs)


class PaperroundCommandTree(app_commands.CommandTree["PaperroundBot"]):
    async def on_error(
        self, interaction: discord.Interaction[PaperroundBot], error: app_commands.AppCommandError, /
    ) -> None:
        await refusals.handle_error(interaction, error)


MIN_SESSION_STARTS = 10
"""For each shard. A tenth of all session starts is enough, too."""
SESSION_STARTS_SECONDS = 600.0


class _ShardNotConnectedError(Exception):
    """Raised to make a shard connect again.

    discord.py recurses in its own error handler: during an outage each log entry repeats all earlier errors,
    and after some hundred attempts the stack overflows.
    """


class PaperroundBot(Client):
    """The client with all cogs, components and commands."""

    tree_class = PaperroundCommandTree

    @cached_property
    def component_router(self) -> router.ComponentRouter:
        return router.ComponentRouter()

    @cached_property
    def _launching_ids(self) -> set[int]:
        """The shards that are connecting for the first time."""
        return set()

    async def launch_shard(self, gateway: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        """Start a shard once Discord allows enough sessions, and retry until it connects."""
        if shard_id in self._launching_ids:
            raise _ShardNotConnectedError
        self._launching_ids.add(shard_id)
        try:
            while True:
                await self._wait_for_session_starts()
                with suppress(_ShardNotConnectedError):
                    await super().launch_shard(gateway, shard_id, initial=initial)
                    return
                initial = False
        finally:
            self._launching_ids.discard(shard_id)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Start a new session once Discord allows enough of them."""
        if not initial:
            await self._wait_for_session_starts()
        await super().before_identify_hook(shard_id, initial=initial)

    async def _wait_for_session_starts(self) -> None:
        """Wait while few of the day's IDENTIFYs are left: Discord resets the token after the last one."""
        while True:
            shards, _, limit = await self.http.get_bot_gateway()
            if limit["remaining"] >= min(
                MIN_SESSION_STARTS * (self.shard_count or shards), limit["total"] // 10
            ):
                return
            seconds = limit["reset_after"] / 1000
            log.warning(
                "few session starts left; waiting for Discord to allow more before connecting to the Gateway",
                remaining=limit["remaining"],
                resets_in_seconds=round(seconds),
            )
            await asyncio.sleep(min(seconds, SESSION_STARTS_SECONDS))

    def is_gateway_connected(self) -> bool:
        """Return whether the bot was ready and all shards are connected; `is_ready` ignores disconnects."""
        return (
            self.is_ready()
            and not self.is_closed()
            and not any(shard.is_closed() for shard in self.shards.values())
        )

    async def setup_hook(self) -> None:
        """Load the cogs; without a Gateway (tests, the demo), also register the commands.

        Otherwise a background task registers them, since Discord may delay that for minutes.
        """
        await self.tree.set_translator(translations.CommandTranslator())
        for cog_class in COGS:
            cog = cog_class(self)
            await self.add_cog(cog)
            self.component_router.register(cog)
        self.add_dynamic_items(message_builder.DynamicComponent)
        if self.shard_count is not None:
            with isolation.isolated(log, "commands not synchronised"):
                await command_sync.sync_commands(self.tree, self.services.database, self.mentions)

    async def on_interaction(self, interaction: discord.Interaction[PaperroundBot]) -> None:
        """Count interactions, and handle those that discord.py ignores: unknown custom ids, modals opened before a restart."""
        if interaction.type is not discord.InteractionType.autocomplete:
            self.observe_interaction(False)
        data: Any = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        if interaction.type is discord.InteractionType.modal_submit:
            await self.component_router.dispatch(interaction, custom_ids.unpack_custom_id(custom_id))
        elif interaction.type is discord.InteractionType.component and not custom_ids.CUSTOM_ID.fullmatch(
            custom_id
        ):
            await refusals.handle_error(interaction, refusals.UserError("outdated-control"))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        error = sys.exc_info()[1]
        assert error is not None
        isolation.log_error(log, "event handler failed", error, event_name=event_method)


RENDERERS = {kind: render for feature in FEATURES for kind, render in feature.renderers.items()}


class DiscordRenderer:
    """Renders posts as messages for the outbox. `mention` returns the mention of a command, such as `daily edit`."""

    def __init__(self, templates: Templates, mention: MentionLookup, web_url: str | None) -> None:
        self._wordings = {
            locale: PostWording(i18n_texts.for_locale(locale), templates, mention, web_url)
            for locale in models.Locale
        }

    def wording_for(self, locale: models.Locale) -> PostWording:
        """Return the texts of posts in a language, for replies that show a post again."""
        return self._wordings[locale]

    def render(self, post: contents.Post) -> tuple[contents.RenderedPart, ...]:
        """Return a post's messages in sending order."""
        return RENDERERS[type(post)](self._wordings[post.locale], post)
