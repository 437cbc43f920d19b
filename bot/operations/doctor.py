"""`paperround doctor`: checks settings, database and token, and reports values, their origins and problems."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import pydantic

from bot.client import command_sync, webhook
from bot.core import isolation
from bot.core.clock import latest_date, system_clock
from bot.core.settings import Settings, find_unknown, setting_name, setting_origins
from bot.operations import service
from bot.outbox import outcomes
from bot.rendering.templates import Templates
from bot.sources import kinds
from bot.text import questions
from storage import (
    alerts,
    daily,
    errors,
    key_values,
    locks,
    migrate,
    models,
    outbox,
    papers,
    snapshot,
    sources,
)

TokenCheck = Callable[[Settings], Awaitable[command_sync.Application]]
"""Returns the bot of the token, or raises PaperroundError."""

NO_TOKEN = "`paperround setup` asks for one and writes it to .env; `paperround demo` works without one."
NO_POST = (
    "No channel has a daily post. Use `/daily setup` in Discord, or a file for `paperround config apply`."
)
GONE = (
    "Discord no longer knows this webhook. Create another one in the channel's settings › Integrations. Then let"
    " `paperround config apply` add the post with its URL, and remove this one with `removed = true`."
)
IDLE_FRONTS = (
    "The fronts receive no commands. Enter their proxy's address, followed by /interactions, as the Interactions Endpoint URL"
    " on the application's General Information page (https://discord.com/developers/applications)."
)
UNCERTAIN = (
    "It is unclear whether the post of {days} arrived. Check the channel; if it is missing, pause and resume the post by"
    " `paperround config apply`, which sends it again."
)


class Status(StrEnum):
    """The urgency of a finding, the most urgent first. `doctor` ends with status 1 while an error or a step is left."""

    ERROR = "error"
    TODO = "todo"
    WARNING = "warning"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `origin` is where a setting's value came from; `note` is a problem or a hint."""

    what: str
    value: str
    origin: str = ""
    status: Status = Status.OK
    note: str = ""

    @property
    def well(self) -> bool:
        """Whether this is not an error."""
        return self.status is not Status.ERROR

    @property
    def is_default(self) -> bool:
        """Whether this is a setting that is not set, of which there is nothing to say."""
        return self.origin == "default" and self.status is Status.OK and not self.note

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON."""
        return {**asdict(self), "well": self.well}


async def examine(settings: Settings, check_token: TokenCheck) -> list[Finding]:
    """Run all checks; what is left to do comes first. Problems are findings, never exceptions."""
    of_database, needs_token, live = await _database(settings)
    findings = [
        *await _discord(settings, check_token, live, is_needed=needs_token),
        *of_database,
        *_settings(settings),
    ]
    return sorted(findings, key=lambda finding: [*Status].index(finding.status))


def _settings(settings: Settings) -> list[Finding]:
    origins = setting_origins()
    findings = []
    for name in Settings.model_fields:
        label, value = setting_name(name), getattr(settings, name)
        well, note = _check_path(label, value)
        status = Status.OK if well else Status.ERROR
        findings.append(Finding(label, _display_value(label, value), origins[label], status, note))
    return findings + [
        Finding(name, "ignored", origin, Status.WARNING, f"{name} is not a setting; its value is ignored.")
        for name, origin in find_unknown().items()
    ]


def _display_value(label: str, value: Any) -> str:
    if isinstance(value, pydantic.SecretStr):
        return "set, not shown" if value.get_secret_value() else "empty"
    if label == "PAPERROUND_DATABASE_URL":
        try:
            return migrate.redact_url(str(value))
        except errors.StorageError:
            return "not shown: there may be a password in it"
    if value is None or value == ():
        return "–"
    return errors.redact(", ".join(map(str, value)) if isinstance(value, tuple) else str(value))


def _check_path(label: str, value: Any) -> tuple[bool, str]:
    if label == "PAPERROUND_EVERYDAY_WORDS":
        _, wrong = questions.load_everyday(value)
        return not wrong, "; ".join(wrong)
    if label not in {"PAPERROUND_INBOX", "PAPERROUND_TEMPLATES"} or value is None:
        return True, ""
    if label == "PAPERROUND_INBOX" and not value.exists():
        return True, "The folder is missing; `paperround run` creates it."
    if not value.is_dir():
        return False, f"{value} is not a folder. Create it, or unset {label}."
    problems = Templates(value).find_problems() if label == "PAPERROUND_TEMPLATES" else []
    return not problems, "; ".join(map(str, problems))


async def _database(settings: Settings) -> tuple[list[Finding], bool, Sequence[models.Process]]:
    """Return the findings, whether anything is to be posted otherwise than by webhooks, or nothing at all, and the processes."""
    failures: list[Exception] = []
    with isolation.collected(failures):
        return await _examine_database(settings)
    # Such as a table that is missing, or a value of a row that no version writes.
    error = str(failures[0]).partition("\n")[0][:200]
    note = (
        f"Its schema or a row is not as this version expects ({type(failures[0]).__name__}: {error})."
        " Replace it with a backup, or check PAPERROUND_DATABASE_URL."
    )
    return [Finding("database", "cannot be read", status=Status.ERROR, note=errors.redact(note))], True, ()


async def _examine_database(settings: Settings) -> tuple[list[Finding], bool, Sequence[models.Process]]:
    name = "database"
    try:
        if (path := snapshot.find_missing_file(settings.database_url)) is not None:
            note = f"{path} does not exist; `paperround run` creates it. If you already have a database, change to its folder."
            has_source = bool(settings.sources)
            return (
                [
                    Finding(name, "none yet", status=Status.WARNING, note=note),
                    *_steps(len(settings.sources), has_source, 0),
                ],
                True,
                (),
            )
        opened = await migrate.open_database(settings.database_url)
    except errors.StorageError as error:
        return [Finding(name, "cannot be used", status=Status.ERROR, note=str(error))], True, ()
    try:
        async with opened.read() as connection:
            extent = await papers.get_extent(connection, until_on=latest_date(system_clock()))
            rows = await sources.list_rows(connection)
            counted = await sources.count_papers(connection, system_clock().date() - kinds.YIELD_DAYS)
            posts, has_alert = await daily.list_rows(connection), await alerts.exist(connection)
            tokens = await key_values.list_by_prefix(connection, key_values.WEBHOOK)
            stopped = await outbox.list_rows(connection, state=models.DeliveryState.STOPPED)
            uncertain = [row for row in stopped if row.is_uncertain]
            live = await locks.list_processes(connection, system_clock())
        async with opened.transaction() as connection:
            await key_values.remove(connection, "doctor")  # is refused by a database that is read-only
        source_count = len(rows) or len(settings.sources)
        is_fed = source_count > 0 or (settings.inbox is not None and extent.paper_count > 0)
        return (
            [
                Finding(
                    name,
                    f"schema {await migrate.current_revision(opened)},"
                    f" {extent.paper_count} paper{'s' if extent.paper_count != 1 else ''}",
                ),
                *_steps(source_count, is_fed, len(posts), has_alert),
                *await _webhooks(settings, posts, tokens, uncertain),
                *(_source(row, kinds.of_stored(row, counted.get(row.url, {}))) for row in rows),
            ],
            has_alert or not posts or not all(row.is_by_webhook for row in posts),
            live,
        )
    except errors.StorageError as error:
        return [Finding(name, "cannot be read or written", status=Status.ERROR, note=str(error))], True, ()
    finally:
        await opened.close()


def _steps(source_count: int, is_fed: bool, post_count: int, has_alert: bool = False) -> list[Finding]:
    """Say whether there is anything to post, and where: alerts are sent without any daily post."""
    return [
        _step("sources", str(source_count), is_done=is_fed, note=kinds.NO_SOURCE),
        _step("daily posts", str(post_count), is_done=post_count > 0 or has_alert, note=NO_POST),
    ]


async def _webhooks(
    settings: Settings,
    posts: Sequence[models.Subscription],
    tokens: Mapping[str, str],
    uncertain: Sequence[models.Delivery],
) -> list[Finding]:
    """Name the webhooks of daily posts: those that Discord does not know, and posts that may not have arrived."""
    by_id = {int(key.removeprefix(key_values.WEBHOOK)): token for key, token in tokens.items()}
    failures = await webhook.check_all(settings, by_id)
    findings = []
    for row in posts:
        if not row.is_by_webhook:
            continue
        failure, notes = failures.get(row.channel_id), []
        days = ", ".join(f"{of.local_on}" for of in uncertain if of.subscription_id == row.id)
        is_gone = failure is not None and failure.classification == outcomes.WEBHOOK_GONE
        if is_gone:
            notes.append(GONE)
        elif failure is not None:
            notes.append(f"It could not be checked with Discord: {failure}.")
        if row.state is not models.ActivityState.ACTIVE and not is_gone:
            notes.append("It is paused.")
        if days:
            notes.append(UNCERTAIN.format(days=days))
        is_only = all(other.channel_id == row.channel_id for other in posts)
        left = Status.TODO if is_gone and is_only else Status.WARNING
        value = f"webhook {webhook.shorten_address(row.channel_id)}"
        status = left if notes else Status.OK
        findings.append(Finding(f"daily post {row.id}", value, status=status, note=" ".join(notes)))
    return findings


def _step(what: str, value: str, *, is_done: bool, note: str) -> Finding:
    return Finding(what, value) if is_done else Finding(what, value, status=Status.TODO, note=note)


def _source(row: models.StoredSource, brought: kinds.Yield) -> Finding:
    """Say how many papers a day a source brings."""
    name, number = f"source {errors.redact(row.url)}", brought.papers_a_day
    if row.failures:
        return Finding(name, "failed", status=Status.WARNING, note=row.reason or "")
    if number is None:
        return Finding(name, "not read yet" if row.last_attempt_at is None else brought.brings.value)
    return Finding(name, f"{brought.brings.value}, about {number} paper{'s' if number != 1 else ''} a day")


async def _discord(
    settings: Settings, check_token: TokenCheck, live: Sequence[models.Process], *, is_needed: bool
) -> list[Finding]:
    """Say whether the token is accepted, and who answers the commands if a front has to do with it."""
    if settings.discord_token is None and not is_needed:
        return [Finding("Discord", "no token", note="All posts go through webhooks, which need no token.")]
    if settings.discord_token is None:
        return [_step("Discord", "no token", is_done=False, note=NO_TOKEN)]
    try:
        application = await check_token(settings)
    except errors.PaperroundError as error:
        return [Finding("Discord", "not logged in", status=Status.ERROR, note=str(error))]
    findings = [Finding("Discord", f"logged in as {application.name}")]
    address, has_front = application.interactions_url, locks.has_front(live)
    if address is not None:
        status, note = (Status.OK, "") if has_front else (Status.WARNING, service.NO_FRONT)
        findings.append(Finding("commands", f"sent to {address}", status=status, note=note))
    elif has_front:
        findings.append(Finding("commands", "sent over the Gateway", status=Status.WARNING, note=IDLE_FRONTS))
    return findings
