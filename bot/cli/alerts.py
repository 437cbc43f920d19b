"""`paperround alerts`: readers' standing rules, for operators and scripts; the same as `/alerts`. Asks Discord nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import context, output

if TYPE_CHECKING:
    from storage import models


def group() -> typer.Typer:
    """Return the command group."""
    app = typer.Typer(help="Readers' alerts.", no_args_is_help=True)
    app.command("add")(add)
    app.command("list")(list_rows)
    app.command("remove")(remove)
    return app


def add(
    user: Annotated[int, typer.Option("--user", min=1, help="The reader's Discord id.")],
    keyword: Annotated[
        str | None, typer.Option("--keyword", metavar="TEXT", help="Words to look for.")
    ] = None,
    author: Annotated[
        str | None, typer.Option("--author", metavar="NAME", help="A name to look for.")
    ] = None,
    min_votes: Annotated[int, typer.Option("--min-votes", help="Only papers with so many votes.")] = 0,
    as_json: output.AsJson = False,
) -> None:
    """Make an alert for a keyword or an author; the reader is told by DM."""
    from bot import errors
    from storage import models

    if (keyword is None) == (author is None):
        raise errors.UsageError("Give either --keyword or --author.")
    kind = models.AlertKind.KEYWORD if author is None else models.AlertKind.AUTHOR

    async def command(service: Any) -> models.Alert:
        alert: models.Alert = await service.add(
            user_id=user, kind=kind, text=keyword or author or "", min_votes=min_votes
        )
        return alert

    _print([to_dict(_call_service(command))], as_json, single=True)


def list_rows(
    user: Annotated[int | None, typer.Option("--user", help="Only this reader's.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Show the alerts."""
    found = _call_service(lambda service: service.list_rows(user_id=user))
    _print([to_dict(alert) for alert in found], as_json)


def remove(
    alert_id: Annotated[int, typer.Argument(metavar="ID", help="The id that `alerts list` shows.")],
    as_json: output.AsJson = False,
) -> None:
    """End an alert."""
    from bot import errors

    removed = _call_service(lambda service: service.remove([alert_id]))
    if not removed:
        raise errors.UsageError(
            f"There is no alert with the id {alert_id}. `paperround alerts list` shows which there are."
        )
    if as_json:
        output.print_json({"removed": alert_id})
    else:
        output.echo(f"Alert {alert_id} is gone.")


def to_dict(alert: models.Alert) -> dict[str, Any]:
    """Return an alert as JSON shows it: ids of Discord as strings."""
    return {
        "id": alert.id,
        "user": str(alert.user_id),
        "channel": None if alert.channel_id is None else str(alert.channel_id),
        "kind": alert.kind.value,
        "text": alert.text,
        "min_votes": alert.min_votes,
        "state": alert.state.value,
        "reason": alert.reason,
    }


def _print(found: list[dict[str, Any]], as_json: bool, *, single: bool = False) -> None:
    if as_json:
        output.print_json(found[0] if single else found)
        return
    columns = ("id", "user", "channel", "kind", "text", "min_votes", "state", "reason")
    output.print_table(
        columns, [[row[name] for name in columns] for row in found], empty="There are no alerts."
    )


def _call_service(command: Any) -> Any:
    async def run() -> Any:
        from bot.clock import system_clock
        from bot.services.alerts.alerts import Alerts

        async with context.open_storage() as database:
            return await command(Alerts(database, system_clock))

    return context.run_command(run)
