"""Error messages for users: the text of a UserError, or a general one with a reference to the log entry."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import discord
import structlog
from discord import app_commands

from bot import isolation
from bot.client.components import custom_ids, message_builder
from bot.client.context import Interaction
from bot.client.interactions import responses
from bot.client.translations import Argument
from bot.client.views import notices

log = structlog.get_logger(__name__)


class UserError(app_commands.AppCommandError):
    """A request that is refused or cannot be met. `key` is the text that explains why."""

    def __init__(self, key: str, **arguments: Argument) -> None:
        super().__init__(key)
        self.key = key
        self.arguments = arguments


@contextmanager
def map_service_errors(text_ids: Mapping[type[Exception], str], **arguments: int) -> Iterator[None]:
    """Raise UserError with the Fluent id of an exception that is in the table; others pass through."""
    try:
        yield
    except tuple(text_ids) as error:
        text_id = next(text_id for kind, text_id in text_ids.items() if isinstance(error, kind))
        raise UserError(text_id, **arguments) from error


async def handle_error(interaction: Interaction, error: BaseException) -> None:
    """Report an error privately. Never raises: if the answer fails too, it is logged."""
    cause = (
        error.__cause__ if isinstance(error, app_commands.CommandInvokeError) and error.__cause__ else error
    )
    key, arguments = _error_message(interaction, cause)
    try:
        texts = await interaction.client.texts_for(interaction)
        view = notices.text_view(texts(key, **arguments), accent=message_builder.RED)
        await responses.reply_privately(interaction, view)
    except Exception as failure:  # noqa: BLE001 - an expired interaction (10062) or storage: no other way to answer
        log.warning("interaction not answered", error=str(failure), kind=type(failure).__name__, about=key)


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
    isolation.log_error(
        log,
        "interaction failed",
        error,
        reference=reference,
        interaction=interaction.id,
        command=interaction.command.qualified_name if interaction.command else None,
    )
    return "broken", {"reference": reference}
