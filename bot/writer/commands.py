"""/write: what the writer of digests does. It is set up by operators; managers may look."""

from __future__ import annotations

from collections import Counter
from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.archive.summaries import Basis
from bot.client import message_builder, router
from bot.client import messages as client_messages
from bot.client.context import Client, Request
from bot.client.translations import Texts
from bot.writer import service as writer_service
from storage import models
from storage import writer as stored_writer

MAX_REASON_LENGTH = 160
_STATUS_ERROR = writer_service.STATUS_ERROR


def write_status_view(
    texts: Texts,
    writer: writer_service.WriterStatus,
    written: writer_service.WrittenDay,
    tokens: tuple[int, int],
) -> ui.LayoutView:
    """Return how far the digests of a day are, why papers failed, and the tokens of day and month."""
    failed = Counter(kind for draft in written.drafts if (kind := writer_service.find_failure(draft)))
    message = message_builder.MessageBuilder(message_builder.RED if failed else message_builder.AMBER)
    if writer.model is None:
        message.add_text(f"### {texts('write-heading')}\n{texts('write-off')}")
        return message.view
    model = client_messages.escape_untrusted(writer.model, max_length=client_messages.MAX_MODEL_LENGTH)
    day = texts.format_date(written.day) if written.day else ""
    facts = client_messages.join_dotted(day, model, texts(f"write-language-{writer.language.value}"))
    message.add_text(f"### {texts('write-heading')}\n{client_messages.subtext(facts)}")
    if written.drafts:
        forms = dict.fromkeys(draft.format for draft in written.drafts)
        message.add_text("\n".join(_progress(texts, form, written) for form in forms))
    else:
        message.add_text(texts("write-nothing-yet"))
    if failed:
        message.add_separator()
        message.add_text("\n".join(_reason(texts, kind, count) for kind, count in failed.most_common()))
    errors = [row.problems[-1] for row in written.drafts if writer_service.find_failure(row) == _STATUS_ERROR]
    if errors:  # what the server says is quoted; the other reasons are ours
        quoted = client_messages.escape_untrusted(errors[-1], max_length=MAX_REASON_LENGTH)
        message.add_text(client_messages.subtext(quoted))
    message.add_separator()
    of_day, of_month = tokens
    lines = [_used(texts, "day", of_day, writer.daily_tokens)]
    if writer.monthly_tokens is not None:
        lines.append(_used(texts, "month", of_month, writer.monthly_tokens))
    message.add_text("\n".join(lines))
    return message.view


def _progress(texts: Texts, form: models.DigestFormat, written: writer_service.WrittenDay) -> str:
    """Return how many papers of a day are written in a format; below it, from what, and what became of the others."""
    counts = Counter(_outcome(draft) for draft in written.drafts if draft.format is form)
    counts["waiting"] += max(0, written.papers - counts.total())
    others = ("abstract", "refused", "failed", "waiting")
    count = texts("write-written", count=counts["paper"] + counts["abstract"], total=written.papers)
    line = client_messages.join_dotted(f"**{texts(f'write-format-{form.value}')}**", count)
    details = [texts(f"write-{name}", count=counts[name]) for name in others if counts[name]]
    return "\n".join(
        [line, *([client_messages.subtext(client_messages.join_dotted(*details))] if details else [])]
    )


def _outcome(draft: stored_writer.Draft) -> str:
    if draft.state is stored_writer.DraftState.CHECKED:
        return "abstract" if draft.basis == Basis.ABSTRACT else "paper"
    is_final = draft.state in (stored_writer.DraftState.REFUSED, stored_writer.DraftState.FAILED)
    return draft.state.value if is_final else "waiting"


def _reason(texts: Texts, kind: str, count: int) -> str:
    return client_messages.join_dotted(texts(f"write-failed-{kind}"), texts("write-failed", count=count))


def _used(texts: Texts, period: str, used: int, cap: int | None) -> str:
    if cap is None:
        return texts(f"write-tokens-{period}", used=f"{used:,}")
    return texts(f"write-tokens-{period}-capped", used=f"{used:,}", cap=f"{cap:,}")


@app_commands.guild_only()
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class WriteCog(commands.GroupCog, name="write", description="Digests that Paperround writes"):
    """The writer's status."""

    def __init__(self, bot: Client) -> None:
        self._writer = bot.services.writer

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Require a manager, even if the server's command settings allow others."""
        router.require_manager(interaction)
        return True

    @router.command(
        name="status", description="What was written, what could not be written, tokens used today"
    )
    async def status(self, request: Request) -> ui.LayoutView:
        """Show the drafts of the newest day and the token budget."""
        drafts, tokens = await self._writer.list_drafts(), await self._writer.get_tokens()
        return write_status_view(request.texts, self._writer, drafts, tokens)
