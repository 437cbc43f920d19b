"""What a reader is told when something cannot be done: a refusal in words, or an apology with a reference to the log.

The only place, beside the command line's `main`, that makes sentences of exceptions.
"""

from __future__ import annotations

import secrets
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.client.components import custom_ids
from bot.client.context import Interaction
from bot.client.interactions import responses
from bot.client.translations import Argument
from bot.client.views import notices

log = structlog.get_logger(__name__)


class UserError(app_commands.AppCommandError):
    """Something that we will not or cannot do, with the key of the sentence that says why and what would work."""

    def __init__(self, key: str, **arguments: Argument) -> None:
        super().__init__(key)
        self.key = key
        self.arguments = arguments


async def handle_error(interaction: Interaction, error: BaseException) -> None:
    """Answer a failed interaction privately. Never raises: an answer that cannot be given is only logged."""
    cause = (
        error.__cause__ if isinstance(error, app_commands.CommandInvokeError) and error.__cause__ else error
    )
    key, arguments = _error_message(interaction, cause)
    try:
        words = await interaction.client.texts_for(interaction)
        await responses.reply_privately(interaction, notices.error_view(words(key, **arguments)))
    except Exception as failed:  # noqa: BLE001 - the interaction is gone (10062), or storage: nobody is left to tell
        log.warning("interaction_unanswered", error=str(failed), kind=type(failed).__name__, about=key)


def _error_message(
    interaction: discord.Interaction[Any], error: BaseException
) -> tuple[str, dict[str, Argument]]:
    if isinstance(error, UserError):
        return error.key, error.arguments
    if isinstance(error, custom_ids.InvalidCustomIdError):
        return "outdated-control", {}
    if isinstance(error, app_commands.MissingPermissions):
        return "needs-manage-server", {}
    if isinstance(error, app_commands.NoPrivateMessage):
        return "only-in-servers", {}
    if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        return "outdated-command", {}
    reference = secrets.token_hex(3)
    log.error(
        "interaction_failed",
        reference=reference,
        interaction=interaction.id,
        command=interaction.command.qualified_name if interaction.command else None,
        exc_info=error,
    )
    return "broken", {"reference": reference}
