"""`paperround channels`: the daily posts of channels, for operators and scripts; the same as `/daily`. Asks Discord nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import context, output

if TYPE_CHECKING:
    from bot.services.daily.subscriptions import SubscriptionOptions, Subscriptions
    from storage import models

Guild = Annotated[int, typer.Option("--guild", min=1, help="The server's id.")]
Channel = Annotated[int, typer.Option("--channel", min=1, help="The channel's id.")]
AtTime = Annotated[
    str | None, typer.Option("--at", metavar="HH:MM", help="Time of day in the channel's zone.")
]
Timezone = Annotated[
    str | None, typer.Option("--timezone", metavar="ZONE", help="IANA zone, e.g. Asia/Seoul.")
]
Top = Annotated[int | None, typer.Option("--top", help="How many papers, 1 to 25.")]
MinVotes = Annotated[int | None, typer.Option("--min-votes", help="Leave out papers with fewer votes.")]
Days = Annotated[
    str | None, typer.Option("--days", metavar="mon,tue", help="Weekdays; every day if not given.")
]
Locale = Annotated[str | None, typer.Option("--locale", help="en or ko.")]
StyleName = Annotated[
    str | None, typer.Option("--style", help="compact, cards, thread, forum, announcement or weekly.")
]
SayWhenEmpty = Annotated[
    bool | None, typer.Option("--say-when-empty/--silent-when-empty", help="On a day without papers.")
]
WaitMinutes = Annotated[
    int | None, typer.Option("--wait-minutes", help="How long to wait for a late digest.")
]
SettleHours = Annotated[
    int | None, typer.Option("--settle-hours", help="Let votes gather for so long first.")
]
FreshDays = Annotated[int | None, typer.Option("--fresh-days", help="How old a digest may be.")]
SubscriptionId = Annotated[int, typer.Argument(metavar="ID", help="The id that `channels list` shows.")]


def group() -> typer.Typer:
    """Return the command group."""
    app = typer.Typer(help="Daily posts of channels.", no_args_is_help=True)
    app.command("add")(add)
    app.command("list")(list_rows)
    app.command("edit")(edit)
    app.command("pause")(pause)
    app.command("resume")(resume)
    app.command("remove")(remove)
    return app


def add(
    guild: Guild,
    channel: Channel,
    at: AtTime = None,
    timezone: Timezone = None,
    top: Top = None,
    min_votes: MinVotes = None,
    days: Days = None,
    locale: Locale = None,
    style: StyleName = None,
    say_when_empty: SayWhenEmpty = None,
    wait_minutes: WaitMinutes = None,
    settle_hours: SettleHours = None,
    fresh_days: FreshDays = None,
    as_json: output.AsJson = False,
) -> None:
    """Begin a daily post in a channel."""
    from bot.services.daily.subscriptions import SubscriptionOptions

    settings = context.load_settings()
    wishes = _with_changes(
        SubscriptionOptions(timezone=settings.timezone, locale=_parse_locale(settings.locale)),
        at, timezone, top, min_votes, days, locale, style, say_when_empty, wait_minutes, settle_hours, fresh_days,
    )  # fmt: skip

    async def command(service: Subscriptions) -> models.Subscription:
        return await service.add(guild_id=guild, channel_id=channel, options=wishes)

    _print(_call_service(command), as_json)


def list_rows(
    guild: Annotated[int | None, typer.Option("--guild", help="Only this server's.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Show the daily posts of all channels."""

    async def command(service: Subscriptions) -> list[models.Subscription]:
        return await service.list_rows(guild_id=guild)

    found = [to_dict(subscription) for subscription in _call_service(command)]
    if as_json:
        output.print_json(found)
        return
    columns = (
        "id",
        "guild",
        "channel",
        "at",
        "timezone",
        "days",
        "top",
        "min_votes",
        "style",
        "state",
        "next_due_at",
    )
    output.print_table(
        columns, [[row[name] for name in columns] for row in found], empty="No channel has a daily post."
    )


def edit(
    subscription_id: SubscriptionId,
    at: AtTime = None,
    timezone: Timezone = None,
    top: Top = None,
    min_votes: MinVotes = None,
    days: Days = None,
    locale: Locale = None,
    style: StyleName = None,
    say_when_empty: SayWhenEmpty = None,
    wait_minutes: WaitMinutes = None,
    settle_hours: SettleHours = None,
    fresh_days: FreshDays = None,
    as_json: output.AsJson = False,
) -> None:
    """Change a daily post; what is not given stays."""
    from bot.services.daily.subscriptions import options_of

    async def command(service: Subscriptions) -> models.Subscription:
        old = options_of(await service.get(subscription_id))
        wishes = _with_changes(
            old, at, timezone, top, min_votes, days, locale, style, say_when_empty, wait_minutes, settle_hours, fresh_days
        )  # fmt: skip
        return await service.edit(subscription_id, wishes)

    _print(_call_service(command), as_json)


def pause(subscription_id: SubscriptionId, as_json: output.AsJson = False) -> None:
    """Stop a daily post until it is resumed."""
    _print(_call_service(lambda service: service.pause(subscription_id)), as_json)


def resume(subscription_id: SubscriptionId, as_json: output.AsJson = False) -> None:
    """Go on with a paused daily post."""
    _print(_call_service(lambda service: service.resume(subscription_id)), as_json)


def remove(subscription_id: SubscriptionId, as_json: output.AsJson = False) -> None:
    """End a daily post for good."""
    _print(_call_service(lambda service: service.remove(subscription_id)), as_json)


def to_dict(subscription: models.Subscription) -> dict[str, Any]:
    """Return a subscription as JSON shows it: ids of Discord as strings, moments in ISO 8601, UTC."""
    from bot.services.daily.schedule import DAY_NAMES

    due = subscription.next_due_at
    return {
        "id": subscription.id,
        "guild": str(subscription.guild_id),
        "channel": str(subscription.channel_id),
        "at": subscription.at_time,
        "timezone": subscription.timezone,
        "days": ",".join(DAY_NAMES[day - 1] for day in subscription.days),
        "top": subscription.top_n,
        "min_votes": subscription.min_votes,
        "locale": subscription.locale.value,
        "style": subscription.style.value,
        "say_when_empty": subscription.say_when_empty,
        "wait_minutes": subscription.wait_minutes,
        "settle_hours": subscription.settle_hours,
        "fresh_days": subscription.fresh_days,
        "state": subscription.state.value,
        "reason": subscription.reason,
        "next_due_at": None if due is None else due.isoformat(),
    }


def _print(subscription: models.Subscription, as_json: bool) -> None:
    data = to_dict(subscription)
    if as_json:
        output.print_json(data)
        return
    output.echo(
        f"{data['id']}: channel {data['channel']}, {data['at']} {data['timezone']} ({data['days']}), top {data['top']},"
        f" {data['style']}, {data['state']}, next {data['next_due_at'] or '–'}"
    )


def _call_service(command: Any) -> Any:
    async def run() -> Any:
        from bot.clock import system_clock
        from bot.services.daily.subscriptions import Subscriptions

        async with context.open_storage() as database:
            return await command(Subscriptions(database, system_clock))

    return context.run_command(run)


def _parse_locale(name: str) -> models.Locale:
    from bot import errors
    from storage import models

    try:
        return models.Locale(name.strip().lower())
    except ValueError:
        raise errors.UsageError(f"{name!r} is no language of the interface. Use en or ko.") from None


def _parse_style(name: str) -> models.Style:
    from bot import errors
    from storage import models

    try:
        return models.Style(name.strip().lower())
    except ValueError:
        choices = ", ".join(style.value for style in models.Style)
        raise errors.UsageError(f"{name!r} is no style. Use one of {choices}.") from None


def _with_changes(
    wishes: SubscriptionOptions,
    at: str | None,
    timezone: str | None,
    top: int | None,
    min_votes: int | None,
    days: str | None,
    locale: str | None,
    style: str | None,
    say_when_empty: bool | None,
    wait_minutes: int | None,
    settle_hours: int | None,
    fresh_days: int | None,
) -> SubscriptionOptions:
    from dataclasses import replace

    from bot.services.daily.schedule import parse_days

    given: dict[str, Any] = {
        "at_time": at,
        "timezone": timezone,
        "top_n": top,
        "min_votes": min_votes,
        "days": None if days is None else parse_days(days),
        "locale": None if locale is None else _parse_locale(locale),
        "style": None if style is None else _parse_style(style),
        "say_when_empty": say_when_empty,
        "wait_minutes": wait_minutes,
        "settle_hours": settle_hours,
        "fresh_days": fresh_days,
    }
    return replace(wishes, **{name: value for name, value in given.items() if value is not None})
