"""Errors as readers see them: a UserError's text, or a generic text with a reference to the log entry."""

from __future__ import annotations

import secrets

import discord
import structlog
from discord import app_commands

from bot.client import custom_ids, message_builder
from bot.client.handler_context import Interaction
from bot.client.interaction_values import AnyInteraction
from bot.client.responses import reply_privately
from bot.core import isolation
from bot.i18n.texts import Texts
from bot.rendering import discord_text
from storage import errors

log = structlog.get_logger(__name__)


class UserError(app_commands.AppCommandError, errors.UsageError):
    """Raised for a request that is rejected or cannot be fulfilled. `arguments` are Markdown."""

    def __init__(self, key: str, **arguments: str | int) -> None:
        errors.UsageError.__init__(self, key, key, **arguments)


_REFUSALS = {
    custom_ids.InvalidCustomIdError: "outdated-control",
    app_commands.MissingPermissions: "needs-manage-server",
    app_commands.NoPrivateMessage: "only-in-servers",
    app_commands.TransformerError: "rights-unknown",  # a channel that the Gateway has not sent yet
    app_commands.CommandNotFound: "outdated-command",
    app_commands.CommandSignatureMismatch: "outdated-command",
}


_ANSWERED = 40060
_TOO_LATE = frozenset({10008, 10015, 10062, _ANSWERED, 50027})
"""Discord's codes for interactions that are unknown, expired or answered, or whose message is deleted."""


def refusal_text(texts: Texts, error: errors.UsageError) -> str:
    """Return why a request was refused. Raises KeyError if the error has no text for readers."""
    arguments = error.arguments
    if not isinstance(error, UserError):
        arguments = {
            name: discord_text.escape_untrusted(value, max_length=60) if isinstance(value, str) else value
            for name, value in arguments.items()
        }
    return texts(error.key, **arguments)


async def handle_error(interaction: Interaction, error: BaseException) -> None:
    """Report an error privately. Never raises: a failure to reply is logged."""
    if isinstance(error, app_commands.CommandInvokeError) and error.__cause__:
        error = error.__cause__
    if isinstance(error, discord.HTTPException) and error.code in _TOO_LATE:
        if error.code == _ANSWERED and interaction.id not in interaction.client.observer.answered_ids:
            interaction.client.observe_interaction(True)
        log.warning("interaction too late", reason=str(error), interaction=interaction.id)
        return
    refusal = _explain(interaction, error)
    try:
        text = refusal_text(await interaction.client.texts_for(interaction), refusal)
        await reply_privately(interaction, message_builder.text_view(text, accent=message_builder.RED))
    except Exception as failure:  # noqa: BLE001 - e.g. an expired interaction or no database: no way to reply
        kind = type(failure).__name__
        log.warning("interaction not answered", error=str(failure), kind=kind, about=refusal.key)


def _explain(interaction: AnyInteraction, error: BaseException) -> errors.UsageError:
    if isinstance(error, errors.UsageError) and error.key:
        return error
    for kind, key in _REFUSALS.items():
        if isinstance(error, kind):
            return UserError(key)
    reference = secrets.token_hex(3)
    isolation.log_error(
        log,
        "interaction failed",
        error,
        reference=reference,
        interaction=interaction.id,
        command=interaction.command.qualified_name if interaction.command else None,
    )
    return UserError("broken", reference=reference)
