"""`paperround alerts`: manages readers' alerts as `/alerts` does, without calling Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import context, output

if TYPE_CHECKING:
    from bot.services.alerts.alerts import Alerts
    from storage import models
    from storage.database import Database

_COLUMNS = ("id", "user", "channel", "kind", "text", "min_votes", "state", "reason")


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
    from bot.clock import system_clock
    from storage import models

    if (keyword is None) == (author is None):
        raise errors.UsageError("Give either --keyword or --author.")
    kind = models.AlertKind.KEYWORD if author is None else models.AlertKind.AUTHOR

    async def command(alerts: Alerts) -> models.Alert:
        terms = (models.AlertTerm(kind, keyword or author or ""),)
        return await alerts.add(models.Alert(0, user, terms, system_clock(), min_votes=min_votes))

    row = to_dict(context.run_with_service(_create_alerts, command))
    if as_json:
        output.print_json(row)
    else:
        output.print_rows([row], _COLUMNS, False, empty="")


def list_rows(
    user: Annotated[int | None, typer.Option("--user", help="Only this reader's.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Show the alerts."""
    rows = context.run_with_service(_create_alerts, lambda alerts: alerts.list_rows(user_id=user))
    output.print_rows([to_dict(alert) for alert in rows], _COLUMNS, as_json, empty="There are no alerts.")


def remove(
    alert_id: Annotated[int, typer.Argument(metavar="ID", help="The id that `alerts list` shows.")],
    as_json: output.AsJson = False,
) -> None:
    """End an alert."""
    from bot import errors

    removed = context.run_with_service(_create_alerts, lambda alerts: alerts.remove([alert_id]))
    if not removed:
        raise errors.UsageError(
            f"There is no alert with the id {alert_id}. `paperround alerts list` shows which there are."
        )
    output.print_result({"removed": alert_id}, f"Alert {alert_id} is gone.", as_json)


def to_dict(alert: models.Alert) -> dict[str, Any]:
    """Return an alert as JSON, with Discord ids as strings."""
    return {
        "id": alert.id,
        "user": str(alert.user_id),
        "channel": None if alert.channel_id is None else str(alert.channel_id),
        "kind": alert.terms[0].kind.value,
        "text": ", ".join(term.text for term in alert.terms),
        "min_votes": alert.min_votes,
        "state": alert.state.value,
        "reason": alert.reason,
    }


def _create_alerts(database: Database) -> Alerts:
    from bot.clock import system_clock
    from bot.services.alerts.alerts import Alerts

    return Alerts(database, system_clock)
