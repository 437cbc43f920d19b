"""What is stored about a reader (`readers`, as `/me` shows it, and `saved`) and in the outbox (`deliveries`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import shell

if TYPE_CHECKING:
    from datetime import datetime

    from bot.client.accounts import ReaderData
    from bot.shelf.service import Shelf
    from storage import models
    from storage.database import Database

User = Annotated[int, typer.Option("--user", min=1, help="The user's Discord ID.")]


def data(user: User, as_json: shell.AsJson = False) -> None:
    """Show the data kept about a user. Row counts by table; everything with --json."""
    found = shell.run_with_service(_create_readers, lambda service: service.collect(user))
    if as_json:
        shell.print_json(found)
    else:
        _print_counts({name: len(rows) for name, rows in found["tables"].items()})


def forget(user: User, as_json: shell.AsJson = False) -> None:
    """Delete everything kept about a user. Messages waiting to be sent are deleted too."""
    counts = shell.run_with_service(_create_readers, lambda service: service.forget(user))
    if as_json:
        shell.print_json({"user": str(user), "removed": counts})
    else:
        _print_counts(counts, "deleted rows")


def _print_counts(counts: dict[str, int], heading: str = "rows") -> None:
    shell.print_table(("table", heading), counts.items(), empty="No data is kept about this user.")


def _create_readers(database: Database) -> ReaderData:
    from bot.client.accounts import ReaderData
    from bot.core.clock import system_clock

    return ReaderData(database, system_clock)


def print_saved(
    user: User,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="Print the papers in this format: bibtex, ris, csl-json, markdown or csv."
        ),
    ] = None,
    tag: Annotated[str, typer.Option("--tag", help="Only papers with this tag.")] = "",
    search: Annotated[
        str, typer.Option("--search", help="Only papers that match this query; notes are searched too.")
    ] = "",
    as_json: shell.AsJson = False,
) -> None:
    """List or export a user's saved papers, newest first."""
    from bot.archive.exports import ReferenceFormat
    from bot.shelf import references
    from storage import errors

    query = references.make_query(tag, search)
    if form is None:
        saved, _ = shell.run_with_service(_create_saved, lambda shelf: shelf.list_saved(user, query))
        columns = ("arxiv_id", "title", "votes", "saved_at", "tags", "note")
        shell.print_rows([_to_dict(row) for row in saved], columns, as_json, empty="No saved papers.")
        return
    if form not in list(ReferenceFormat):
        raise errors.UsageError(f"{form!r} is not a format. Use one of: {', '.join(ReferenceFormat)}.")
    if as_json:
        raise errors.UsageError("Use either --format or --json.")
    chosen = ReferenceFormat(form)
    data, _ = shell.run_with_service(_create_saved, lambda shelf: shelf.export(user, chosen, query))
    shell.print_document(data.decode())


def _to_dict(paper: models.SavedPaper) -> dict[str, Any]:
    names = "arxiv_id title url authors votes saved_at tags note"
    return {**shell.pick(paper, names), "in_digest": paper.is_listed}


def _create_saved(database: Database) -> Shelf:
    from bot.core.clock import system_clock
    from bot.search.service import SearchService
    from bot.shelf.service import Shelf

    return Shelf(database, system_clock, SearchService(database).match_papers)


def list_deliveries(
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="S", help="planned, sent, paused, uncertain, expired or failed."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Maximum number of deliveries.")] = 100,
    as_json: shell.AsJson = False,
) -> None:
    """List deliveries, newest first."""
    from storage import models

    chosen = None if state is None else shell.parse_choice(models.DeliveryState, state, "state")

    async def command() -> list[dict[str, Any]]:

        from storage import outbox

        async with shell.open_storage() as database, database.read() as connection:
            rows = await outbox.list_rows(connection, state=chosen, limit=limit)
            return [to_dict(row, await outbox.list_parts(connection, row.id)) for row in rows]

    columns = ("id", "kind", "channel", "user", "date", "state", "reason", "planned_at", "sent_at", "link")
    shell.print_rows(shell.run_command(command), columns, as_json, empty="No deliveries.")


def to_dict(delivery: models.Delivery, parts: list[models.Part]) -> dict[str, Any]:
    """Return a delivery as JSON, with Discord ids as strings and times in ISO 8601, UTC."""
    first = next((part for part in parts if part.message_id and part.channel_id), None)
    address = f"https://discord.com/channels/{delivery.guild_id or '@me'}"
    return {
        **shell.pick(delivery, "id key kind state reason planned_at due_at expires_at"),
        "subscription": delivery.subscription_id,
        "guild": _id_text(delivery.guild_id),
        "channel": _id_text(delivery.channel_id),
        "user": _id_text(delivery.user_id),
        "date": None if delivery.local_on is None else delivery.local_on.isoformat(),
        "papers": list(delivery.post.papers),
        "sent_at": _iso_text(max((part.sent_at for part in parts if part.sent_at), default=None)),
        "link": f"{address}/{first.channel_id}/{first.message_id}" if first is not None else None,
        "parts": [_part_to_dict(part) for part in parts],
    }


def _part_to_dict(part: models.Part) -> dict[str, Any]:
    return {
        **shell.pick(part, "position kind state attempts sent_at error_code error"),
        "channel": _id_text(part.channel_id),
        "message": _id_text(part.message_id),
        "next_attempt_at": _iso_text(part.next_attempt_at) if part.state.value == "planned" else None,
    }


def _id_text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _iso_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
