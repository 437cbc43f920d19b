"""The settings of a subscription: one table, which the options of `/daily`, its forms and `paperround channels` follow.

A new setting has a row here, a field of `models.Subscription` with its column, and a parameter of the commands of the shell,
which typer reads from signatures. Imports discord.py only to parse what was typed there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.core import clock
from bot.daily import choice, schedule
from bot.text import query_parser
from storage import errors
from storage.models import Locale, Style, Subscription, When

MAX_TOPIC_LENGTH = 200
MAX_TOP_N = 25
"""Discord's limit on the options of a select menu, which lists the papers of a post."""
MAX_VOTES = 99_999
WEBHOOK_STYLES = (Style.COMPACT, Style.CARDS, Style.WEEKLY)
WEEKLY_DAYS = (1,)
"""The weekday, as ISO counts them, of a weekly post for which none was chosen."""
NO_TOPIC = ("-", "–", "—")
CHECKED = "options"
"""The menu of a form that holds its settings with two values."""


@dataclass(frozen=True, slots=True)
class TextField:
    """A line of text. `example` is shown while it is empty, or the text with the id `hint`."""

    key: str
    max_length: int
    example: str = ""
    hint: str = ""
    if_empty: str | None = None
    """What an empty line means; None if the line must not be empty."""


@dataclass(frozen=True, slots=True)
class ChoiceField:
    """A menu of values, of which one can be chosen, and of weekdays several. The prefix gives the text id of a value."""

    key: str
    values: tuple[str, ...]
    label_prefix: str = ""


@dataclass(frozen=True, slots=True)
class RoleField:
    """A menu of the server's roles."""

    key: str


@dataclass(frozen=True, slots=True)
class CheckField:
    """An option in the menu of all such settings of a form, and the values of the setting with it and without."""

    key: str
    on: When | bool = True
    off: When | bool = False


def _unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: the field `name` of a subscription, and how people give it and see it."""

    name: str
    key: str
    """The option of `paperround channels`, and the key in its JSON."""
    dump: Callable[[Any], Any] = _unchanged
    """Returns a value as JSON."""
    load: Callable[[Any], Any] = _unchanged
    """Returns the value of a text that `dump` returned. Raises UsageError or ValueError."""
    option: str = ""
    """The option of `/daily`, "" for a setting of the shell alone."""
    description: str = ""
    """What `/daily` says of the option."""
    takes: type[str | int | bool] = str
    """What the option takes, if not a role."""
    limits: tuple[int, int] | None = None
    """The least and the greatest number, or length of a text, that the option takes."""
    choices: Mapping[str, str] | None = None
    """The values that `/daily` offers, by label."""
    parse: Callable[[Any], Any] = _unchanged
    """Returns the value of a text that was typed. Raises UserError or ValueError."""
    field: TextField | ChoiceField | RoleField | CheckField | None = None
    """Where a form asks for it."""


# Discord's parsers are imported when something was typed there: the shell does without discord.py.


def _parse_time(text: str) -> str:
    from bot.client import options as client_options

    return client_options.parse_time(text)


def _parse_zone(text: str) -> str:
    from bot.client import options as client_options

    return client_options.parse_zone(text)


def _parse_topic(text: str) -> str:
    """Return a topic on one line, "" for a lone hyphen. Raises UserError for one that no paper can match."""
    from bot.client.router import UserError

    if text.strip() in NO_TOPIC:
        return ""
    try:
        topic = validate_topic(text)
    except errors.UsageError:
        topic = ""
    if not topic:
        raise UserError("topic-asks-nothing")
    return topic


def _parse_role(role: Any) -> int | None:
    """Return the id of a role, or of one in a form; None for none and for @everyone.

    @everyone means no role: a daily ping of everyone is never wanted.
    """
    from bot.client import message_builder

    if isinstance(role, str):
        return message_builder.parse_number(role) or None
    return None if role.is_default() else int(role.id)


def _parse_spread(text: str) -> int:
    """Return the minutes of a spread. Raises UserError."""
    from bot.client.router import UserError

    try:
        return schedule.parse_spread(text)
    except errors.UsageError:
        raise UserError("spread-not-understood", high=schedule.MAX_SPREAD) from None


def format_days(days: tuple[int, ...]) -> str:
    """Return ISO weekdays as `schedule.parse_days` takes them: `mon,tue`."""
    return ",".join(schedule.DAY_NAMES[day - 1] for day in days)


_ROWS = (
    Setting(
        "at_time",
        "at",
        option="time",
        description="Time, such as 09:00, 9am or 9am KST",
        limits=(1, 40),
        parse=_parse_time,
        field=TextField("time", 40, hint="alert-form-time-hint"),
    ),
    Setting(
        "timezone",
        "timezone",
        option="timezone",
        description="The time zone, such as Asia/Seoul",
        limits=(1, 60),
        parse=_parse_zone,
        field=TextField("zone", 60, "Asia/Seoul"),
    ),
    Setting(
        "top_n",
        "top",
        option="papers",
        description="Number of papers (1 to 25)",
        takes=int,
        limits=(1, MAX_TOP_N),
        field=TextField("papers", 2),
    ),
    Setting(
        "min_votes",
        "min_votes",
        option="votes",
        description="Minimum votes",
        takes=int,
        limits=(0, MAX_VOTES),
        field=TextField("votes", 5, if_empty="0"),
    ),
    Setting(
        "days",
        "days",
        dump=format_days,
        load=schedule.parse_days,
        option="days",
        description="Days to post on",
        choices={
            "Every day": "mon-sun",
            "Monday to Friday": "mon-fri",
            "Mondays": "mon",
            "Tuesdays": "tue",
            "Wednesdays": "wed",
            "Thursdays": "thu",
            "Fridays": "fri",
            "Saturdays": "sat",
            "Sundays": "sun",
            "Monday, Wednesday, Friday": "mon,wed,fri",
            "Tuesday, Thursday": "tue,thu",
            "Weekends": "sat,sun",
        },
        parse=schedule.parse_days,
        field=ChoiceField("days", schedule.DAY_NAMES),
    ),
    Setting(
        "locale",
        "locale",
        option="language",
        description="The post's language",
        choices={"English": Locale.EN.value, "Korean": Locale.KO.value},
        parse=Locale,
        field=ChoiceField("language", tuple(Locale), "language-"),
    ),
    Setting(
        "style",
        "style",
        option="style",
        description="The post's style",
        choices={
            "Compact: one message": Style.COMPACT.value,
            "Cards: one message per paper": Style.CARDS.value,
            "Thread: papers in a thread": Style.THREAD.value,
            "Forum: one post per day": Style.FORUM.value,
            "Announcement: published to followers": Style.ANNOUNCEMENT.value,
            "Weekly: the week's papers not posted here yet": Style.WEEKLY.value,
        },
        parse=Style,
        field=ChoiceField("style", tuple(Style), "style-"),
    ),
    Setting(
        "say_when_empty",
        "say_when_empty",
        option="when_empty",
        description="Post a note on days without papers",
        takes=bool,
        field=CheckField("say-empty"),
    ),
    Setting("wait_minutes", "wait_minutes"),
    Setting("settle_hours", "settle_hours"),
    Setting("fresh_days", "fresh_days"),
    Setting(
        "topic",
        "topic",
        option="topic",
        description="Only papers that match, as in /topic; a hyphen for all papers",
        limits=(1, MAX_TOPIC_LENGTH),
        parse=_parse_topic,
        field=TextField("topic", MAX_TOPIC_LENGTH, hint="subscription-form-topic-hint", if_empty=NO_TOPIC[0]),
    ),
    Setting(
        "source",
        "from",
        dump=errors.redact,
        option="source",
        description="Only papers from this source; a hyphen for all sources",
        limits=(1, 100),
    ),
    Setting(
        "mention_role_id",
        "mention",
        dump=lambda role_id: None if role_id is None else str(role_id),
        option="role",
        description="A role to mention above the papers; @everyone for none",
        parse=_parse_role,
        field=RoleField("role"),
    ),
    Setting(
        "when",
        "when",
        option="when",
        description="At the set time, or once the day's list is complete",
        choices={
            "Once the day's list is complete, not before the set time": When.COMPLETE.value,
            "At the set time, with the papers listed by then": When.HOUR.value,
        },
        parse=When,
        field=CheckField("complete", When.COMPLETE, When.HOUR),
    ),
    Setting(
        "server_picks",
        "server_picks",
        option="server_picks",
        description="Weekly style: plus this server's most saved and shared papers",
        takes=bool,
        field=CheckField("server-picks"),
    ),
    Setting(
        "silent",
        "silent",
        option="silent",
        description="Post without a notification",
        takes=bool,
        field=CheckField("silent"),
    ),
    Setting(
        "spread_minutes",
        "spread",
        dump=lambda minutes: f"{minutes}m",
        load=schedule.parse_spread,
        option="spread",
        description="Delay the post by up to this long, such as 30m, to avoid the busiest minute; 0 for none",
        limits=(1, 20),
        parse=_parse_spread,
    ),
)

SETTINGS: Mapping[str, Setting] = {setting.name: setting for setting in _ROWS}
"""The settings by the field of a subscription, in the order of the shell's JSON."""


def apply_changes(subscription: Subscription, typed: Mapping[str, Any]) -> Subscription:
    """Return the subscription with what was typed, by the options of `/daily`; None keeps a value. Raises UserError."""
    from bot.client.router import UserError

    if typed.get("time"):
        from bot.client import options as client_options

        typed = client_options.move_zone(typed, "time", "timezone")
    changes = {
        setting.name: _parse(setting, typed[setting.option])
        for setting in SETTINGS.values()
        if typed.get(setting.option) is not None
    }
    changed = with_changes(subscription, changes)
    if changed.style is Style.WEEKLY and "when" not in changes:
        changed = replace(changed, when=When.HOUR)
    if changed.when is When.COMPLETE and changed.style is Style.WEEKLY:
        raise UserError("weekly-at-its-hour")
    if changes.get("server_picks") and changed.style is not Style.WEEKLY:
        raise UserError("server-picks-are-weekly")
    return changed


def with_changes(subscription: Subscription, changes: Mapping[str, Any]) -> Subscription:
    """Return the subscription with these fields changed. One that becomes weekly comes on Mondays unless days were chosen."""
    changed = replace(subscription, **changes)
    becomes_weekly = Style.WEEKLY is changed.style is not subscription.style
    if becomes_weekly and "days" not in changes and changed.days == schedule.EVERY_DAY:
        return replace(changed, days=WEEKLY_DAYS)
    return changed


def _parse(setting: Setting, typed: Any) -> Any:
    if setting.takes is not int or setting.limits is None:
        return setting.parse(typed)
    from bot.client import options as client_options

    return client_options.parse_number(str(typed), f"{setting.option}-not-a-number", *setting.limits)


def apply_form(subscription: Subscription, form: Sequence[str], values: Mapping[str, str]) -> Subscription:
    """Return the subscription with the values of the form that asks for these settings.

    Raises UserError, and InvalidCustomIdError for values that no form offers.
    """
    from bot.client import message_builder

    checked = values.get(CHECKED, "").split(",")
    typed: dict[str, Any] = {}
    for setting in map(SETTINGS.__getitem__, form):
        match setting.field:
            case CheckField(key, on, off):
                typed[setting.option] = on if key in checked else off
            case TextField(key, if_empty=str() as if_empty):
                typed[setting.option] = values.get(key, "").strip() or if_empty
            case RoleField(key):
                is_everyone = values.get(key) == str(subscription.guild_id)
                typed[setting.option] = "0" if is_everyone else values.get(key) or "0"
            case field:
                assert field is not None  # a form asks for it
                typed[setting.option] = values.get(field.key)
    with message_builder.map_parse_errors():
        return apply_changes(subscription, typed)


def form_values(subscription: Subscription) -> dict[str, str]:
    """Return the settings as the values of the forms, in the shape that Discord sends them back."""
    values: dict[str, str] = {}
    checked: list[str] = []
    for setting in SETTINGS.values():
        value = getattr(subscription, setting.name)
        if isinstance(setting.field, CheckField):
            checked += [setting.field.key] if value == setting.field.on else []
        elif setting.field is not None:
            values[setting.field.key] = "" if value is None else str(setting.dump(value))
    return values | {CHECKED: ",".join(checked)}


def validated(subscription: Subscription) -> Subscription:
    """Return the subscription with time and days normalised; `server_picks` stays on for a weekly post only.

    Raises UsageError, which names the setting and valid values.
    """
    clock.parse_zone(subscription.timezone)
    for text, value, low, high in (
        ("number of papers (--top) is {}", subscription.top_n, 1, MAX_TOP_N),
        ("minimum number of votes (--min-votes) is {}", subscription.min_votes, 0, 1_000_000),
        ("maximum age of a digest (--fresh-days) is {} days", subscription.fresh_days, 1, 14),
        ("wait for a digest (--wait-minutes) is {} minutes", subscription.wait_minutes, 0, 1440),
        ("time for votes to settle (--settle-hours) is {} hours", subscription.settle_hours, 0, 72),
        ("spread (--spread) is {} minutes", subscription.spread_minutes, 0, schedule.MAX_SPREAD),
    ):
        if not low <= value <= high:
            raise errors.UsageError(f"The {text.format(value)}; it must be from {low} to {high}.")
    if not subscription.days or not set(subscription.days) <= set(schedule.EVERY_DAY):
        raise errors.UsageError("There must be at least one weekday. Use mon, tue, wed, thu, fri, sat, sun.")
    is_weekly = choice.is_rolling(subscription)
    if subscription.is_by_webhook and subscription.style not in WEBHOOK_STYLES:
        raise errors.UsageError(
            f"A webhook cannot post in the style {subscription.style.value}. Use {', '.join(WEBHOOK_STYLES)}."
        )
    if subscription.is_by_webhook and (subscription.mention_role_id is not None or subscription.server_picks):
        raise errors.UsageError(
            "A webhook post cannot mention a role or list server picks. Leave out --mention and --server-picks."
        )
    if subscription.when is When.COMPLETE and is_weekly:
        raise errors.UsageError(
            "A weekly post is sent at its set time; it cannot wait for a list to close. Use --when hour."
        )
    return replace(
        subscription,
        at_time=f"{schedule.parse_time(subscription.at_time):%H:%M}",
        days=tuple(sorted(set(subscription.days))),
        topic=validate_topic(subscription.topic),
        server_picks=subscription.server_picks and is_weekly,
    )


def validate_topic(topic: str) -> str:
    """Return a topic on one line. Raises UsageError for one that is too long, or that no paper can match."""
    line = " ".join(topic.replace("\0", " ").encode("utf-8", "replace").decode().split())
    if len(line) > MAX_TOPIC_LENGTH:
        raise errors.UsageError(
            f"A topic can have up to {MAX_TOPIC_LENGTH} characters; this one has {len(line)}. Shorten it."
        )
    query = query_parser.parse_query(line)
    if line and not (query.has_text or query.authors or query.has_range_filters):
        raise errors.UsageError(
            f"The topic {line!r} has nothing to search for. Use words, author: or votes:."
        )
    return line
