"""`paperround deliveries`: lists the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import arguments, context, output

if TYPE_CHECKING:
    from datetime import datetime

    from storage import models


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("deliveries")(list_rows)


def list_rows(
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="S", help="planned, sent, paused, uncertain, expired or failed."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the last planned first.")] = 100,
    as_json: output.AsJson = False,
) -> None:
    """Show the outbox, the last planned first."""
    from storage import models

    chosen = None if state is None else arguments.parse_choice(models.DeliveryState, state, "state")

    async def command() -> list[dict[str, Any]]:
        from storage.outbox import queries

        async with context.open_storage() as database, database.read() as connection:
            rows = await queries.list_rows(connection, state=chosen, limit=limit)
            return [to_dict(row, await queries.list_parts(connection, row.id)) for row in rows]

    columns = ("id", "kind", "channel", "user", "date", "state", "reason", "planned_at", "sent_at", "link")
    output.print_rows(context.run_command(command), columns, as_json, empty="The outbox is empty.")


def to_dict(delivery: models.Delivery, parts: list[models.Part]) -> dict[str, Any]:
    """Return a delivery as JSON, with Discord ids as strings and times in ISO 8601, UTC."""
    return {
        "id": delivery.id,
        "key": delivery.key,
        "kind": delivery.kind.value,
        "subscription": delivery.subscription_id,
        "guild": _id_text(delivery.guild_id),
        "channel": _id_text(delivery.channel_id),
        "user": _id_text(delivery.user_id),
        "date": None if delivery.local_on is None else delivery.local_on.isoformat(),
        "papers": list(delivery.post.papers),
        "state": delivery.state.value,
        "reason": delivery.reason,
        "planned_at": _iso_text(delivery.planned_at),
        "due_at": _iso_text(delivery.due_at),
        "expires_at": _iso_text(delivery.expires_at),
        "sent_at": _iso_text(max((part.sent_at for part in parts if part.sent_at), default=None)),
        "link": _link(delivery, parts),
        "parts": [_part_to_dict(part) for part in parts],
    }


def _part_to_dict(part: models.Part) -> dict[str, Any]:
    return {
        "position": part.position,
        "kind": part.kind.value,
        "state": part.state.value,
        "attempts": part.attempts,
        "channel": _id_text(part.channel_id),
        "message": _id_text(part.message_id),
        "sent_at": _iso_text(part.sent_at),
        "next_attempt_at": _iso_text(part.next_attempt_at) if part.state.value == "planned" else None,
        "error_code": part.error_code,
        "error": part.error,
    }


def _link(delivery: models.Delivery, parts: list[models.Part]) -> str | None:
    first = next((part for part in parts if part.message_id and part.channel_id), None)
    if first is None:
        return None
    return f"https://discord.com/channels/{delivery.guild_id or '@me'}/{first.channel_id}/{first.message_id}"


def _id_text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _iso_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
