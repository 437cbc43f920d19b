"""`paperround alerts`: manages readers' alerts as `/alerts` does, without calling Discord."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import shell

if TYPE_CHECKING:
    from bot.alerts.service import Alerts
    from storage import models
    from storage.database import Database

_COLUMNS = ("id", "user", "channel", "kind", "text", "min_votes", "when", "state", "reason")
_PREVIEW_COLUMNS = ("arxiv_id", "title", "date", "votes")

AlertId = Annotated[int, typer.Argument(metavar="ID", help="The ID that `alerts list` shows.")]
User = Annotated[int, typer.Option("--user", min=1, help="The user's Discord ID.")]


def _condition_options(
    keyword: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Words to look for; may be repeated.")
    ] = None,
    author: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A name to look for; may be repeated.")
    ] = None,
    institution: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A university or company; may be repeated.")
    ] = None,
    match_all: Annotated[
        bool | None,
        typer.Option(
            "--all/--any", help="Whether a paper must match all of these words and names, or any one."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Exclude papers with these words; may be repeated."),
    ] = None,
    min_votes: Annotated[int | None, typer.Option(help="Notify once a paper has this many votes.")] = None,
    language: Annotated[
        str | None, typer.Option(metavar="en|ko|any", help="Only papers with a summary in this language.")
    ] = None,
    translations: Annotated[
        bool | None, typer.Option("--translations/--as-typed", help="Also match translations.")
    ] = None,
) -> dict[str, Any]:
    """Return the options for what an alert matches, by the field of the alert. Raises UsageError."""
    from storage import models

    kinds = models.AlertKind
    texts = {kinds.KEYWORD: keyword, kinds.AUTHOR: author, kinds.INSTITUTION: institution}
    given = _given(
        terms=tuple(models.AlertTerm(kind, text) for kind in texts for text in texts[kind] or ()) or None,
        match_all=match_all,
        excluded=None if exclude is None else tuple(filter(None, exclude)),
        min_votes=min_votes,
        translations=translations,
    )
    if language is not None:
        is_any = language == "any"
        given["language"] = None if is_any else shell.parse_choice(models.Locale, language, "language")
    return given


def _timing_options(
    when: Annotated[
        str | None,
        typer.Option(metavar="now|daily|weekly", help="Right away, or collected into one message."),
    ] = None,
    at_time: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="HH:MM",
            help='Time of a daily or weekly message, with its zone if needed: "9am KST".',
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE", help="IANA zone of --at. Default: the user's own, else the daily posts' zone."
        ),
    ] = None,
    weekday: Annotated[str | None, typer.Option(metavar="mon", help="Day of a weekly message.")] = None,
    max_papers: Annotated[int | None, typer.Option(help="Maximum papers per message, 1 to 25.")] = None,
    max_a_day: Annotated[
        int | None,
        typer.Option(
            "--max-a-day",
            metavar="N",
            help="Maximum messages per day (0: no limit). Further papers wait for the next day.",
        ),
    ] = None,
    silent: Annotated[
        bool | None, typer.Option("--silent/--with-notification", help="Send without a notification.")
    ] = None,
) -> dict[str, Any]:
    """Return the options for when an alert is sent, by the field of the alert. Raises UsageError."""
    from bot.client import options as client_options
    from bot.daily import schedule
    from storage import models

    typed = client_options.move_zone({"at": at_time, "zone": timezone}, "at", "zone")
    return _given(
        timing=None if when is None else shell.parse_choice(models.AlertTiming, when, "value of --when"),
        at_time=shell.parse_time(typed["at"]),
        timezone=shell.parse_zone(typed["zone"]),
        weekday=None if weekday is None else schedule.parse_days(weekday)[0],
        max_papers=max_papers,
        max_a_day=max_a_day,
        silent=silent,
    )


@shell.with_options(_condition_options, _timing_options)
def add(options: dict[str, Any], user: User, as_json: shell.AsJson = False) -> None:
    """Create an alert, delivered by DM."""
    draft = _new_draft(user, options)

    async def command(database: Database) -> models.Alert:
        zone = options.get("timezone") or await _find_zone(database, user)
        return await _create_alerts(database).add(replace(draft, timezone=zone))

    _print_alert(shell.run_with_service(lambda database: database, command, creating=True), as_json)


async def _find_zone(database: Database, user: int) -> str:
    """Return the zone of a time without one: the reader's own, that of the daily posts, the language's, or the settings'.

    Of daily posts in several zones those count that the reader set up.
    """
    from bot.client.accounts import Readers
    from bot.core.clock import system_clock
    from bot.daily.service import Subscriptions
    from storage import models

    settings, reader = shell.load_settings(), await Readers(database, system_clock).get(user)
    if reader is not None and reader.timezone:
        return reader.timezone
    rows = await Subscriptions(database, system_clock).list_rows()
    own = [row.timezone for row in rows if row.created_by == user]
    zones = own or list({row.timezone for row in rows})
    if own or len(zones) == 1:
        return zones[-1]
    locale = (reader and reader.locale) or models.Locale(settings.locale)
    return "Asia/Seoul" if locale is models.Locale.KO else settings.timezone


def list_rows(
    user: Annotated[int | None, typer.Option("--user", help="Only this user's alerts.")] = None,
    as_json: shell.AsJson = False,
) -> None:
    """List alerts."""
    rows = shell.run_with_service(_create_alerts, lambda alerts: alerts.list_rows(user_id=user))
    shown = [to_dict(alert) if as_json else _to_row(alert) for alert in rows]
    shell.print_rows(shown, _COLUMNS, as_json, empty="No alerts.")


@shell.with_options(_condition_options, _timing_options)
def edit(options: dict[str, Any], alert_id: AlertId, as_json: shell.AsJson = False) -> None:
    """Edit an alert. Options you omit keep their values; new words, authors or institutions replace all of its terms."""
    shell.require_change(options)

    async def command(alerts: Alerts) -> models.Alert:
        stored = {alert.id: alert for alert in await alerts.list_rows()}
        if alert_id not in stored:
            raise _unknown(alert_id)
        return await alerts.change(alert_id, replace(stored[alert_id], **options))

    _print_alert(shell.run_with_service(_create_alerts, command), as_json)


@shell.with_options(_condition_options)
def preview(
    options: dict[str, Any],
    user: Annotated[
        int, typer.Option("--user", min=0, help="Also show whether this user already has the same alert.")
    ] = 0,
    as_json: shell.AsJson = False,
) -> None:
    """Count the papers from the last 30 days that an alert with these options would match, and show the latest three."""
    draft = _new_draft(user, options)
    found = shell.run_with_service(_create_alerts, lambda alerts: alerts.preview(draft))
    latest = [shell.pick(row, " ".join(_PREVIEW_COLUMNS)) for row in found.latest]
    existing = None if found.existing is None else found.existing.id
    if as_json:
        counts = {
            "papers": found.paper_count,
            "max_per_day": found.max_per_day,
            "complete": found.is_complete,
        }
        shell.print_json({**counts, "existing": existing, "latest": latest})
        return
    if found.paper_count:
        papers = "1 paper" if found.paper_count == 1 else f"{found.paper_count} papers"
        shell.echo(f"{papers} in the last 30 days; the most on one day: {found.max_per_day}.")
    else:
        shell.echo("No papers matched in the last 30 days.")
    if not found.is_complete:
        shell.echo("There was too much text to check it all; papers with fewer votes were left out.")
    if existing is not None:
        shell.echo(f"Same as alert {existing}.")
    if latest:
        shell.print_rows(latest, _PREVIEW_COLUMNS, False, empty="")


def list_institutions(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="Start of the name.")] = "",
    as_json: shell.AsJson = False,
) -> None:
    """List institutions: those known in both languages, and those of recent papers."""
    names = shell.run_with_service(_create_alerts, lambda alerts: alerts.list_institutions(prefix))
    shell.print_rows(
        [{"name": name} for name in names],
        ("name",),
        as_json,
        empty="No institution has a name that begins with this. Try fewer letters.",
    )


def remove(alert_id: AlertId, as_json: shell.AsJson = False) -> None:
    """Remove an alert."""
    removed = shell.run_with_service(_create_alerts, lambda alerts: alerts.remove([alert_id]))
    if not removed:
        raise _unknown(alert_id)
    shell.print_result({"removed": alert_id}, f"Alert {alert_id} removed.", as_json)


def _unknown(alert_id: int) -> Exception:
    from storage import errors

    return errors.UsageError(f"No alert has the ID {alert_id}. `paperround alerts list` shows all of them.")


def _new_draft(user: int, options: Mapping[str, Any]) -> models.Alert:
    """Return an alert to add. Raises UsageError without terms."""
    from bot.core.clock import system_clock
    from storage import errors, models

    if "terms" not in options:
        raise errors.UsageError("Give --keyword, --author or --institution.")
    return replace(models.Alert(0, user, (), system_clock()), **options)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _print_alert(alert: models.Alert, as_json: bool) -> None:
    if as_json:
        shell.print_json(to_dict(alert))
    else:
        shell.print_rows([_to_row(alert)], _COLUMNS, False, empty="")


def _to_row(alert: models.Alert) -> dict[str, Any]:
    """Return an alert for a table: all of several terms are joined with `+`, excluded words have a minus sign."""
    from storage import models

    terms = (" + " if alert.match_all else ", ").join(term.text for term in alert.terms)
    day = calendar.day_abbr[alert.weekday - 1] + " " if alert.timing is models.AlertTiming.WEEKLY else ""
    at = f" {day}{alert.at_time} {alert.timezone}" if alert.timing is not models.AlertTiming.AT_ONCE else ""
    most = ""
    if alert.max_a_day:
        most = f", at most {alert.max_a_day} message{'s' * (alert.max_a_day > 1)} a day"
    return to_dict(alert) | {
        "text": " ".join([terms, *(f"−{word}" for word in alert.excluded)]),
        "when": f"{alert.timing.value}{at}{most}{', silent' if alert.silent else ''}",
    }


def to_dict(alert: models.Alert) -> dict[str, Any]:
    """Return an alert as JSON, with Discord ids as strings. `kind` is that of the first term, `text` all of them."""
    return {
        **shell.pick(alert, "id min_votes state reason match_all excluded language translations forms"),
        **shell.pick(alert, "timezone weekday max_papers max_a_day silent"),
        "user": str(alert.user_id),
        "channel": None if alert.channel_id is None else str(alert.channel_id),
        "kind": alert.terms[0].kind.value,
        "text": ", ".join(term.text for term in alert.terms),
        "terms": [shell.pick(term, "kind text") for term in alert.terms],
        "when": alert.timing.value,
        "at": alert.at_time,
    }


def _create_alerts(database: Database) -> Alerts:
    from bot.alerts.service import Alerts
    from bot.core.clock import system_clock

    return Alerts(database, system_clock)
