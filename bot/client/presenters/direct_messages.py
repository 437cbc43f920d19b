"""Opens the direct messages of a reader who asked for some."""

from __future__ import annotations

import discord
import structlog

from bot.client.context import Interaction
from bot.client.translations import Texts
from bot.services.bundle import Services

log = structlog.get_logger(__name__)


async def open_dm(interaction: Interaction, services: Services, texts: Texts) -> None:
    """Open the reader's direct messages now, on request: Discord treats opening many at once as spam."""
    try:
        dm_channel_id = (await interaction.user.create_dm()).id
    except discord.HTTPException as error:
        log.info("direct message not opened", user=interaction.user.id, code=error.code)
        dm_channel_id = None
    await services.readers.update(interaction.user.id, locale=texts.locale, dm_channel_id=dm_channel_id)
