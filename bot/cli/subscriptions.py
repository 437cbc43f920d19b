"""`paperround channels`: manages the daily posts of channels as `/daily` does; Discord is asked only about a webhook."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import shell

if TYPE_CHECKING:
    from bot.core.settings import Settings
    from bot.daily.service import Subscriptions
    from storage import models
    from storage.database import Database

_COLUMNS = ("id", "channel", "post", "topic", "from", "state", "next")
MAX_LINE = 1_000
SubscriptionId = Annotated[int, typer.Argument(metavar="ID", help="The ID that `channels list` shows.")]


def _post_options(
    at: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="Time of day, in the zone of --timezone.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help="IANA zone, e.g. Asia/Seoul.")] = None,
    top: Annotated[int | None, typer.Option(help="Number of papers, 1 to 25.")] = None,
    min_votes: Annotated[int | None, typer.Option(help="Minimum votes.")] = None,
    days: Annotated[
        str | None, typer.Option(metavar="mon,tue", help="Weekdays; by default every day.")
    ] = None,
    locale: Annotated[str | None, typer.Option(help="Language of the post: en or ko.")] = None,
    style: Annotated[
        str | None, typer.Option(help="compact, cards, thread, forum, announcement or weekly.")
    ] = None,
    say_when_empty: Annotated[
        bool | None,
        typer.Option("--say-when-empty/--silent-when-empty", help="Post a note on days without papers."),
    ] = None,
    wait_minutes: Annotated[
        int | None, typer.Option(help="Minutes to wait for a late digest, 0 to 1440.")
    ] = None,
    settle_hours: Annotated[
        int | None, typer.Option(help="Hours to let votes accumulate before the post, 0 to 72.")
    ] = None,
    fresh_days: Annotated[int | None, typer.Option(help="Maximum age of a digest in days, 1 to 14.")] = None,
    topic: Annotated[
        str | None, typer.Option(metavar="QUERY", help='Only papers that match; "" for all papers.')
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="SOURCE", help='Only papers from this source; "" for all sources.'),
    ] = None,
    mention: Annotated[
        int | None, typer.Option(metavar="ROLE", min=0, help="The ID of a role to mention; 0 for none.")
    ] = None,
    when: Annotated[
        str | None,
        typer.Option(metavar="hour|complete", help="At the set time, or once the day's list is complete."),
    ] = None,
    server_picks: Annotated[
        bool | None,
        typer.Option(
            "--server-picks/--no-server-picks",
            help="In a weekly post, also list the server's most saved and shared papers.",
        ),
    ] = None,
    silent: Annotated[
        bool | None, typer.Option("--silent/--with-notification", help="Post without a notification.")
    ] = None,
    spread: Annotated[
        str | None,
        typer.Option(
            metavar="30m", help="Delay the post by up to this long, to avoid the busiest minute; 0: none."
        ),
    ] = None,
) -> dict[str, Any]:
    """Return the settings of a daily post that are given, by the field of its subscription. Raises UsageError."""
    typed: Mapping[str, Any] = {**locals(), "from": source}
    from bot.daily import schedule
    from bot.daily.options import SETTINGS
    from storage import models

    if at is not None:
        from bot.client import options as client_options

        typed = client_options.move_zone(typed, "at", "timezone")
    parse = shell.parse_choice
    parsers: dict[str, Callable[[Any], Any]] = {
        "at": shell.parse_time,
        "timezone": shell.parse_zone,
        "days": schedule.parse_days,
        "locale": lambda text: parse(models.Locale, text, "language"),
        "style": lambda text: parse(models.Style, text, "style"),
        "when": lambda text: parse(models.When, text, "value of --when"),
        "mention": lambda role_id: role_id or None,
        "spread": schedule.parse_spread,
    }
    return {
        setting.name: parsers[setting.key](value) if setting.key in parsers else value
        for setting in SETTINGS.values()
        if (value := typed[setting.key]) is not None
    }


@shell.with_options(_post_options)
def add(
    given: dict[str, Any],
    guild: Annotated[int | None, typer.Option("--guild", min=1, help="The server's ID.")] = None,
    channel: Annotated[int | None, typer.Option("--channel", min=1, help="The channel's ID.")] = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Post through this webhook, without a bot. - reads the URL from stdin."
        ),
    ] = None,
    as_json: shell.AsJson = False,
) -> None:
    """Add a daily post. The bot sends it to a channel, or it goes through a webhook."""
    from storage import errors, models

    settings, token = shell.load_settings(), None
    if webhook is not None and guild is None and channel is None:
        guild = models.NO_GUILD
        channel, token = _read_webhook(webhook, settings)
    elif webhook is not None or guild is None or channel is None:
        raise errors.UsageError("Give a channel with --guild and --channel, or a webhook with --webhook.")
    draft = models.Subscription(
        guild_id=guild, channel_id=channel, timezone=settings.timezone, locale=models.Locale(settings.locale)
    )
    draft = _with_changes(draft, given)
    if token is not None:
        _check_webhook(draft, token, settings)
    _run("added", lambda subscriptions: subscriptions.add(draft, webhook_token=token), as_json)


def _read_webhook(address: str, settings: Settings) -> tuple[int, str]:
    """Return the id and the token of a webhook whose address was typed. Raises UsageError."""
    from bot.client import webhook

    if address == "-" and sys.stdin.isatty():
        address = typer.prompt("Webhook URL (not shown)", hide_input=True)
    elif address == "-":
        address = sys.stdin.readline(MAX_LINE)
    return webhook.parse_address(address, settings.discord_api_url)


def _check_webhook(draft: models.Subscription, token: str, settings: Settings) -> None:
    """Raise UsageError for a setting that a webhook cannot have, and PaperroundError if Discord does not know it.

    A Discord that cannot be asked is said on stderr.
    """
    from bot.client import webhook
    from bot.daily import options
    from bot.outbox import outcomes
    from storage import errors

    options.validated(draft)
    failures = shell.run_command(lambda: webhook.check_all(settings, {draft.channel_id: token}))
    failure = failures.get(draft.channel_id)
    if failure is not None and failure.classification == outcomes.WEBHOOK_GONE:
        raise errors.PaperroundError(
            "Discord does not know this webhook. Copy its URL again, from the channel's settings › Integrations."
        )
    if failure is not None:
        shell.error(
            f"The webhook could not be checked with Discord: {failure}. `paperround doctor` checks it again."
        )


def list_rows(
    guild: Annotated[int | None, typer.Option("--guild", help="Only the posts of this server.")] = None,
    as_json: shell.AsJson = False,
) -> None:
    """List the daily posts of all channels."""
    from storage import errors

    subscription_rows = shell.run_with_service(
        _create_subscriptions, lambda subscriptions: subscriptions.list_rows(guild_id=guild)
    )
    if as_json:
        shell.print_json([to_dict(subscription) for subscription in subscription_rows])
        return
    rows = [
        {
            "id": subscription.id,
            "channel": _name_place(subscription),
            "post": _describe(subscription),
            "topic": subscription.topic,
            "from": errors.redact(subscription.source),
            "state": subscription.state.value,
            "next": _format_next(subscription),
        }
        for subscription in subscription_rows
    ]
    shell.print_rows(rows, _COLUMNS, False, empty="No daily posts. `paperround channels add` adds one.")


@shell.with_options(_post_options)
def edit(given: dict[str, Any], subscription_id: SubscriptionId, as_json: shell.AsJson = False) -> None:
    """Edit a daily post. Options you omit keep their values."""
    shell.require_change(given)

    async def command(subscriptions: Subscriptions) -> models.Subscription:
        return await subscriptions.edit(_with_changes(await subscriptions.get(subscription_id), given))

    _run("edited", command, as_json)


def pause(subscription_id: SubscriptionId, as_json: shell.AsJson = False) -> None:
    """Pause a daily post."""
    _run("paused", lambda subscriptions: subscriptions.pause(subscription_id), as_json)


def resume(subscription_id: SubscriptionId, as_json: shell.AsJson = False) -> None:
    """Resume a daily post."""
    _run("resumed", lambda subscriptions: subscriptions.resume(subscription_id), as_json)


def remove(subscription_id: SubscriptionId, as_json: shell.AsJson = False) -> None:
    """Remove a daily post."""
    _run("removed", lambda subscriptions: subscriptions.remove(subscription_id), as_json)


def to_dict(subscription: models.Subscription) -> dict[str, Any]:
    """Return a subscription as JSON, with Discord ids as strings and times in ISO 8601, UTC."""
    from bot.daily.options import SETTINGS

    due = subscription.next_due_at
    settings = {setting.key: setting.dump(getattr(subscription, name)) for name, setting in SETTINGS.items()}
    by_webhook = subscription.is_by_webhook
    return {
        "id": subscription.id,
        "guild": None if by_webhook else str(subscription.guild_id),
        "channel": None if by_webhook else str(subscription.channel_id),
        "webhook": _name_place(subscription) if by_webhook else None,
        **settings,
        "state": subscription.state.value,
        "reason": subscription.reason,
        "next_due_at": None if due is None else due.isoformat(),
    }


def _run(
    verb: str, command: Callable[[Subscriptions], Awaitable[models.Subscription]], as_json: bool
) -> None:
    """Run a command and print the subscription that it returns, with what became of it."""
    from storage import errors

    subscription = shell.run_with_service(_create_subscriptions, command, creating=verb == "added")
    place = "webhook" if subscription.is_by_webhook else "channel"
    sentence = (
        f"Daily post {subscription.id} {verb}: {place} {_name_place(subscription)}, {_describe(subscription)}"
    )
    if subscription.topic:
        sentence += f", on {subscription.topic}"
    if subscription.source:
        sentence += f", from {errors.redact(subscription.source)}"
    if verb not in ("paused", "removed"):
        upcoming = _format_next(subscription)
        sentence += f"; next on {upcoming}" if upcoming else "; nothing scheduled"
    shell.print_result(to_dict(subscription), f"{sentence}.", as_json)


def _name_place(subscription: models.Subscription) -> str:
    """Return the id of the channel, or the shortened address of the webhook."""
    if not subscription.is_by_webhook:
        return str(subscription.channel_id)
    from bot.client import webhook

    return webhook.shorten_address(subscription.channel_id)


def _describe(subscription: models.Subscription) -> str:
    """Return the schedule and the papers: `09:00 Asia/Seoul, every day, top 5, compact`."""
    from bot.daily import schedule
    from bot.daily.options import format_days

    is_every_day = subscription.days == schedule.EVERY_DAY
    spread, delay = subscription.spread_minutes, schedule.delay_minutes(subscription)
    parts = (
        f"{subscription.at_time} {subscription.timezone}"
        + (f" +{delay} min (spread {spread}m)" if spread else ""),
        "every day" if is_every_day else format_days(subscription.days),
        "not before the day's list is complete" if subscription.when.value == "complete" else "",
        f"top {subscription.top_n}"
        + (
            f" with at least {subscription.min_votes} vote{'s' if subscription.min_votes > 1 else ''}"
            if subscription.min_votes
            else ""
        ),
        subscription.style.value + (" with server picks" if subscription.server_picks else ""),
        "silent" if subscription.silent else "",
    )
    return ", ".join(filter(None, parts))


def _format_next(subscription: models.Subscription) -> str | None:
    """Return the time of the next post in the post's own zone, in UTC if that is unknown here; None if none is due."""
    from bot.core.clock import is_known_zone, parse_zone

    due = subscription.next_due_at if subscription.state.value == "active" else None
    if due is None:
        return None
    zone = subscription.timezone
    return (
        shell.format_time(due, parse_zone(zone))
        if is_known_zone(zone)
        else f"{shell.format_time(due, UTC)} UTC"
    )


def _create_subscriptions(database: Database) -> Subscriptions:
    from bot.core.clock import system_clock
    from bot.daily.service import Subscriptions

    return Subscriptions(database, system_clock)


def _with_changes(subscription: models.Subscription, given: Mapping[str, Any]) -> models.Subscription:
    """Return the subscription with the given settings. Raises UsageError."""
    from bot.daily import options
    from storage import errors, models

    changed = options.with_changes(subscription, given)
    if given.get("server_picks") and changed.style is not models.Style.WEEKLY:
        raise errors.UsageError("--server-picks is for weekly posts only. Add --style weekly.")
    return changed
