"""Errors reach the operator: what is kept of them, the message a day, `doctor --errors` and Sentry."""

import asyncio
import gc
import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import psycopg
import pytest
import structlog
from pydantic import SecretStr

from bot.app import process, supervision
from bot.client import command_sync
from bot.client.refusals import handle_error
from bot.core import error_collector, isolation
from bot.core.settings import Settings
from bot.features.operations import conditions, guild_events
from bot.features.operations.error_reports import FailureReports
from storage import errors, migrate
from storage import failures as storage
from storage.database import Database, translate_error
from tests.fake_discord import model
from tests.support.client_harness import ClientHarness, shown_text
from tests.support.relay_harness import RelayHarness
from tests.support.shell_fixtures import Paperround

TYPED = "what a reader typed"
SENTRY = Settings(sentry_dsn=SecretStr("https://key@sentry.example.org/1"))
log = structlog.get_logger("bot.test")


def _fail(reference: str = "3f2a1c", kind: type[Exception] = ValueError) -> None:
    """Log an error with a text of a reader in its message, and in that of its cause."""
    try:
        try:
            raise KeyError(TYPED)
        except KeyError as cause:
            raise kind(f"cannot read {TYPED!r}") from cause
    except kind as error:
        isolation.log_error(log, "interaction failed", error, reference=reference, command="daily setup")


def test_an_error_is_kept_with_its_places_and_without_what_a_reader_typed(
    collected: error_collector.FailureLog,
) -> None:
    _fail()
    _fail(kind=errors.StorageError)
    logging.getLogger("library").error("Task failed: %s", TYPED)
    logging.getLogger("discord.shard").error("Attempting a reconnect")
    raised, said, foreign = collected.take()
    assert (raised.event, raised.reference, raised.command) == ("interaction failed", "3f2a1c", "daily setup")
    assert raised.kind == "ValueError"
    assert "KeyError\n" in raised.trace
    assert "in _fail" in raised.trace
    # An error for people is logged with its reason alone, without what it quotes.
    assert (said.reason, said.trace) == ("cannot read …", "")
    assert (foreign.event, foreign.trace) == ("Task failed: %s", "")
    assert TYPED not in repr((raised, said, foreign))
    assert collected.take() == []


async def test_messages_of_libraries_are_cut_to_what_is_constant(
    collected: error_collector.FailureLog,
) -> None:
    """Such as those that asyncio makes of an exception that no task awaits, or of what a callback was given."""
    loop, library = asyncio.get_running_loop(), logging.getLogger("library")

    async def fail() -> None:
        raise ValueError(TYPED)

    def fail_with(_: str) -> None:
        raise KeyError(TYPED)

    task = asyncio.create_task(fail())
    await asyncio.wait({task})
    del task
    gc.collect()
    loop.call_soon(fail_with, TYPED)
    await asyncio.sleep(0)
    loop.call_exception_handler({"message": f"{TYPED} is not known", "exception": ValueError(TYPED)})
    library.error("cannot read %s", TYPED)
    library.error(f"is not constant {TYPED}")
    library.error(f"{TYPED}: %s", 3)
    library.error(TYPED + "!")
    library.error(ValueError(TYPED))
    kept = collected.take()
    assert TYPED not in repr(kept)
    here = "library: test_messages_of_libraries_are_cut_to_what_is_constant"
    assert [one.event for one in kept] == [
        "Task exception was never retrieved",
        "Exception in callback",
        "asyncio: default_exception_handler",
        "cannot read %s",
        *[here] * 4,
    ]


async def test_what_a_takeover_or_a_stopped_database_caused_is_a_warning_and_not_kept(
    collected: error_collector.FailureLog, caplog: pytest.LogCaptureFixture
) -> None:
    """Also if another error was raised from it, or asyncio reports it. A full disk is kept."""
    taken_over = errors.SupersededError("this process is no longer the sender")
    stopped = psycopg.errors.AdminShutdown("terminating connection due to administrator command")
    lost = psycopg.OperationalError("the connection is closed")
    full = psycopg.errors.DiskFull("no space left on device")
    causes = [translate_error(one, "db", is_sqlite=False) for one in (stopped, lost, full)]
    for cause in (taken_over, *causes):
        for kind in (RuntimeError, errors.PaperroundError):
            with isolation.isolated(log, "planning failed"):
                raise kind("not planned") from cause
        with isolation.isolated(log, "planning failed"):
            raise cause or AssertionError
        context = {"message": "Task exception was never retrieved", "exception": cause}
        asyncio.get_running_loop().call_exception_handler(context)
    assert [one.event for one in collected.take()] == ["planning failed"] * 3 + [
        "Task exception was never retrieved"
    ]


@pytest.mark.engines("sqlite", "postgresql")
async def test_the_last_hundred_are_kept_and_come_back_once_the_database_does(
    db: Database, collected: error_collector.FailureLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = FailureReports(db, lambda: pytest.fail("no notice"), None, None)  # type: ignore[arg-type]
    for number in range(60):
        _fail(f"a{number}")
    assert not await reports.report(collected, None)

    def lose() -> None:
        _fail("meanwhile")
        raise errors.DatabaseAwayError("the database is away")

    first, second = ([f"b{number}" for number in numbers] for numbers in (range(100), range(100, 130)))
    with monkeypatch.context() as broken:
        broken.setattr(db, "transaction", lose)
        for references in (first, second):
            for reference in references:
                _fail(reference)
            await reports.report(collected, None)
    _fail("last")
    await reports.report(collected, None)
    rows = await db.fetch(storage.list_rows)
    logged = [*first, "meanwhile", *second, "meanwhile", "last"]
    assert [row.reference for row in rows] == logged[-100:]
    assert collected.take() == []


Tell = Callable[..., Awaitable[list[str]]]


@pytest.fixture
async def tell(harness: ClientHarness, collected: error_collector.FailureLog) -> Tell:
    """Report errors after some time, which is given as for a `timedelta`. Returns the operator's new messages."""
    background = await harness.start_runtime()
    reports = background.container.failure_reports

    async def tell(**later: float) -> list[str]:
        before = len(harness.received())
        await harness.env.advance_time(timedelta(**later).total_seconds())
        await reports.report(collected, harness.reader.id)
        await background.relay.drain(reports._clock())
        return [shown_text(message) for message in harness.received()][before:]

    return tell


async def test_the_operator_gets_one_message_a_day(harness: ClientHarness, tell: Tell) -> None:
    assert await tell() == []
    for reference in ("aaaaaa", "bbbbbb"):
        _fail(reference)
    [first] = await tell(minutes=1)
    assert "- 2 × interaction failed (ValueError): bbbbbb, aaaaaa" in first
    assert "`paperround doctor --errors`" in first
    _fail("cccccc")
    assert await tell(hours=23) == []
    [second] = await tell(hours=1)
    assert "- 1 × interaction failed (ValueError): cccccc" in second
    assert await tell(days=2) == [], "nothing new"
    assert harness.runtime is not None
    reports = harness.runtime.container.failure_reports
    reports._clock = lambda: harness.env.now() + timedelta(days=400)
    _fail("dddddd")
    assert len(await tell()) == 1
    reports._clock = harness.env.now
    _fail("eeeeee")
    assert "eeeeee" in (await tell())[-1], "a clock that was wrong and is set back hides none for a year"


@pytest.mark.parametrize("notice", [supervision.DOUBLED, conditions.IDLE])
async def test_a_message_names_the_database_and_the_machine_of_its_bot(
    harness: ClientHarness, tell: Tell, notice: str
) -> None:
    """docs/operating.md, *Errors*: of two bots with one token each sends its own, so it must show which bot is meant."""
    log.error(notice)
    [told] = await tell(minutes=1)
    assert harness.runtime is not None
    place = f"{harness.runtime.container.database.label} on {socket.gethostname()}"
    assert place in told.splitlines()[0].replace("\\", ""), told
    assert notice.removesuffix(".") in told.replace("\\", ""), "it is not cut"


def test_a_bot_without_posts_first_looks_for_another_bot() -> None:
    """As the second bot of two with one token: its sentence must not have the first one's database overwritten."""
    assert conditions.IDLE.index("another bot") < conditions.IDLE.index("paperround restore")
    assert "Stop the other bot" not in supervision.DOUBLED, "each of the two says it"


async def test_each_kind_of_error_has_its_message_a_day_with_the_worst_first(tell: Tell) -> None:
    log.error(supervision.FULL.format("/data"))
    [first] = await tell(minutes=1)
    assert "The disk of" in first
    for number in range(10):
        _fail(f"aaaaa{number}")
    isolation.log_error(log, "planning failed", ValueError())
    log.error(supervision.DOUBLED)
    log.error(supervision.FULL.format("/data"))
    [second] = await tell(hours=1)
    lines = [line for line in second.splitlines() if line.startswith("- ")]
    kinds = "Another process", "planning failed", "interaction failed"
    assert [next(words for words in kinds if words in line) for line in lines] == [*kinds]
    assert await tell(hours=20) == []
    [third] = await tell(hours=3)
    assert "The disk of" in third, "a day after its first message"
    assert "Another process" not in third


async def test_the_operator_learns_the_reason_of_an_error_that_says_it_for_people(tell: Tell) -> None:
    """The example of docs/operating.md, *Errors*."""
    reason = "The search index in /data/paperround.search cannot be written (Permission denied)."
    raised = errors.PaperroundError(reason)
    isolation.log_error(log, "maintenance failed; will retry later", raised, reference="886eea")
    [told] = await tell(minutes=1)
    assert f"- 1 × maintenance failed; will retry later: 886eea. {reason}" in told.splitlines()


async def test_a_minute_without_a_new_error_writes_nothing(
    db: Database, collected: error_collector.FailureLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = FailureReports(db, lambda: pytest.fail("no notice"), None, None)  # type: ignore[arg-type]
    monkeypatch.setattr(db, "transaction", lambda: pytest.fail("a write transaction"))
    assert not await reports.report(collected, 1)


async def test_the_reference_that_a_reader_sees_is_that_of_the_kept_error(
    harness: ClientHarness, collected: error_collector.FailureLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError(TYPED)

    monkeypatch.setattr(harness.bot.services.search, "find_paper", fail)
    harness.expected_errors.append(RuntimeError)
    shown = shown_text(await harness.ask("paper", paper=TYPED))
    [kept] = collected.take()
    assert kept.reference in shown
    assert kept.command == "paper"
    assert TYPED not in repr(kept)
    assert handle_error.__name__ in kept.trace or "find_paper" in kept.trace


async def test_the_operator_is_the_applications_owner(wire: RelayHarness) -> None:
    application = wire.client.application
    assert command_sync.find_operator(application) == model.OWNER_ID
    assert command_sync.find_operator(None) is None


def test_doctor_prints_the_errors(paperround: Paperround) -> None:
    assert paperround("doctor", "--errors").stdout == "No errors are kept.\n"
    at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    kept = storage.Failure(
        failed_at=at,
        event="Nobody can be told.",
        reference="3f2a1c",
        command="top",
        kind="ValueError",
        reason="Channel 5",
        trace="ValueError\n",
    )

    async def add() -> None:
        async with await migrate.open_database("sqlite+aiosqlite:///paperround.db") as database:
            await database.write(storage.add, [kept])

    asyncio.run(add())
    printed = paperround("doctor", "--errors")
    assert printed.stdout.startswith(
        "2026-01-05 09:00:00Z 3f2a1c Nobody can be told (/top): Channel 5\nValueError\n"
    )
    assert printed.exit_status == 0
    [row] = paperround("doctor", "--errors", "--json").data
    assert (row["reference"], row["failed_at"]) == ("3f2a1c", at.isoformat())


def test_sentry_is_imported_only_if_it_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    assert process.open_sentry(Settings()) is None
    with pytest.raises(errors.UsageError, match="sentry"):
        process.open_sentry(SENTRY)


def test_sentry_gets_what_is_kept_and_nothing_more(
    monkeypatch: pytest.MonkeyPatch, collected: error_collector.FailureLog
) -> None:
    """Neither texts of readers nor the machine's name, its folders or its environment."""
    sdk = pytest.importorskip("sentry_sdk", reason="the extra sentry is not installed")
    sent: list[dict[str, Any]] = []

    class Kept(sdk.transport.Transport):  # type: ignore[misc, name-defined]
        """Sentry: `docs/services.md`, section *Sentry*."""

        def capture_envelope(self, envelope: Any) -> None:
            sent.extend(item.payload.json for item in envelope.items)

    monkeypatch.setattr(sdk, "init", partial(sdk.init, transport=Kept))
    monkeypatch.setenv("SENTRY_ENVIRONMENT", "a machine of mine")
    with collected.listening(process.open_sentry(SENTRY)):
        _fail()
    sdk.flush()
    [event] = sent
    assert {*event} == {
        *("event_id", "timestamp", "platform", "level"),
        *("release", "message", "tags", "exception"),
    }
    assert event["tags"] == {"reference": "3f2a1c", "command": "daily setup"}
    raised = event["exception"]["values"]
    assert [(one["type"], {*one}) for one in raised] == [
        (kind, {"type", "stacktrace"}) for kind in ("KeyError", "ValueError")
    ]
    [frame] = raised[1]["stacktrace"]["frames"]
    assert (frame["filename"], frame["function"]) == ("tests/operations/test_error_reports.py", "_fail")
    for hidden in (TYPED, socket.gethostname(), str(Path.cwd()), "machine of mine"):
        assert hidden not in repr(sent)


@pytest.mark.parametrize(
    ("nonce", "is_known", "is_doubled"), [(None, False, False), (123, False, True), (123, True, False)]
)
async def test_a_message_of_ours_is_anothers_only_by_a_nonce_that_is_not_ours(
    nonce: int | None, is_known: bool, is_doubled: bool
) -> None:
    """What a reader shares from an answer has none."""
    observed, me = list[bool](), object()
    services = SimpleNamespace(
        guilds=None, database=SimpleNamespace(fetch=mock.AsyncMock(return_value=is_known))
    )
    bot = SimpleNamespace(shard_count=None, services=services, user=me, observe_interaction=observed.append)
    cog = guild_events.GuildEventsCog(cast(Any, bot))
    await cog.on_message(cast(Any, SimpleNamespace(author=me, nonce=nonce)))
    await cog.on_message(cast(Any, SimpleNamespace(author=object(), nonce=123)))
    assert observed == [True] * is_doubled
