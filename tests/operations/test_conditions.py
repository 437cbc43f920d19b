"""What the operator learns without asking: of a lost database, silent sources, old backups, and each kind of error once a day."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.app import runtime, supervision
from bot.cli import operations as shell_operations
from bot.core import settings
from bot.core.clock import DiscordClock
from bot.features.daily.service import Subscriptions
from bot.features.operations import conditions, post_overview
from bot.features.operations.liveness import Liveness
from storage import daily, database, models, outbox, tables
from tests.support import outbox_builders, patience, sample_archive
from tests.support.sample_archive import NewsletterPaper
from tests.support.shell_fixtures import Paperround, apply_set_up
from tests.support.supervised import watching

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
URL = "https://huggingface.co"


BESIDE = "-wal", "-shm", ".before-20", ".search/state.json", ".sender.lock"
OTHERS = f"sources add {URL}", "db upgrade", "posts", "backup b.db", "sources list"


@pytest.mark.parametrize(
    ("beside", "command"), [*((name, "run") for name in BESIDE), *(("-wal", command) for command in OTHERS)]
)
def test_a_missing_database_is_not_begun_anew_beside_what_it_left(
    paperround: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: str, command: str
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a.b.c")
    (tmp_path / "paperround.db").unlink()
    left = tmp_path / f"paperround.db{beside}"
    left.parent.mkdir(exist_ok=True)
    left.touch()
    answer = paperround(*command.split())
    assert answer.exit_status == 2
    assert "paperround.db is gone" in answer.stderr
    assert "paperround restore FILE" in answer.stderr
    assert not (tmp_path / "paperround.db").exists()


@pytest.mark.parametrize("change", ["moved", "replaced"])
async def test_a_bot_whose_file_is_no_longer_at_its_path_is_unhealthy(tmp_path: Path, change: str) -> None:
    file, liveness = tmp_path / "paperround.db", Liveness()
    file.write_bytes(b"a")
    async with watching(liveness, file=file):
        assert liveness.find_problems() == []
        file.rename(tmp_path / "elsewhere.db")
        if change == "replaced":
            file.write_bytes(b"b")
        await patience.wait_until(lambda: liveness.find_problems() == [supervision.LOST.format(file)])


async def list_told(db: database.Database, now: datetime) -> list[str]:
    return conditions.list_told(await db.fetch(conditions.load, settings.Settings(), now))


async def _add_source(db: database.Database, **values: Any) -> None:
    async with db.transaction() as connection:
        await connection.execute(
            tables.sources.insert().values(
                url=URL,
                kind="huggingface",
                priority=1,
                options={},
                added_at=NOW - timedelta(days=30),
                **values,
            )
        )


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_source_that_fails_for_a_day_is_a_concern_and_stays_one_sentence(
    db: database.Database,
) -> None:
    failing = {"failures": 9, "status": "failed", "reason": "503 Service Unavailable"}
    await _add_source(db, last_success_at=NOW - timedelta(hours=23), **failing)
    assert await list_told(db, NOW) == []
    said = await list_told(db, NOW + timedelta(hours=2))
    assert said == [f"{URL} could not be read since 2026-11-26: 503 Service Unavailable"]
    assert await list_told(db, NOW + timedelta(days=9)) == said


@pytest.mark.engines("sqlite", "postgresql")
async def test_days_without_a_paper_are_a_concern_once_they_are_more_than_a_long_weekend(
    db: database.Database,
) -> None:
    await _add_source(db, last_success_at=NOW, failures=0)
    await sample_archive.add_digest(db, "2026-11-24", NewsletterPaper("2611.00001", "Herons", "They wade."))
    assert await list_told(db, NOW + timedelta(days=4)) == [], "no channel has a post"
    post = models.Subscription(guild_id=1, channel_id=2, at_time="09:00")
    post = await Subscriptions(db, lambda: NOW).add(post)
    assert await list_told(db, NOW + timedelta(days=1)) == []
    [said] = await list_told(db, NOW + timedelta(days=2))
    assert said.startswith("No source has had a paper since 2026-11-24")
    by_hand = models.Reason.BY_HAND
    await db.write(daily.set_state, [post.id], models.ActivityState.PAUSED, reason=by_hand)
    assert await list_told(db, NOW + timedelta(days=2)) == [], "nobody waits"


@pytest.mark.engines("sqlite", "postgresql")
@pytest.mark.parametrize(("readers", "is_told"), [(10, False), (11, True)])
async def test_refused_direct_messages_are_told_once_they_are_of_more_than_ten_readers(
    db: database.Database, readers: int, is_told: bool
) -> None:
    for reader in range(readers):
        message = outbox_builders.new_delivery(f"m{reader}", None, NOW, user_id=100 + reader)
        await outbox_builders.add(db, message)
    refused = tables.deliveries.update().values(reason=models.Reason.DMS_CLOSED)
    await db.write(lambda connection: connection.execute(refused))
    said = await list_told(db, NOW)
    assert [sentence for sentence in said if "direct messages to more than ten readers" in sentence] == said
    assert len(said) == is_told
    state = await db.fetch(conditions.load, settings.Settings(), NOW)
    values = [found.value for found in conditions.find(state) if found.what == "direct messages"]
    assert values == [f"{readers} readers refused in a day"] * is_told


async def test_posts_says_that_a_post_waits_and_since_when(db: database.Database) -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    await Subscriptions(db, lambda: at).add(models.Subscription(guild_id=1, channel_id=2, at_time="02:00"))
    rule = settings.Settings().close_rule
    [post] = await db.fetch(post_overview.list_all, rule, NOW)
    assert (post.stuck, post.next_at) == ("waiting", NOW.replace(hour=2))
    assert "No source has had a new paper" in post.reason
    assert post_overview.only_stuck([post]) == [], "a weekend is no fault"
    [post] = await db.fetch(post_overview.list_all, rule, NOW.replace(hour=2, minute=5))
    assert post.stuck is None, "the limits of Discord's requests take minutes"


@pytest.mark.parametrize(
    ("values", "stuck"),
    [
        ({}, "not prepared"),
        ({"topic": "herons"}, "not prepared"),
        ({"topic": "zebra"}, "waiting"),
        ({"min_votes": 5_000}, "waiting"),
    ],
)
async def test_posts_says_that_a_post_whose_papers_are_there_is_not_prepared(
    db: database.Database, values: dict[str, Any], stuck: str
) -> None:
    """As while a full disk or a locked database keeps it from being planned: no fault of the sources."""
    herons = NewsletterPaper("2611.00001", "Herons", "Herons wade.")
    await sample_archive.add_digest(db, "2026-11-27", herons)
    at = datetime(2026, 11, 26, 9, tzinfo=UTC)
    draft = models.Subscription(guild_id=1, channel_id=2, at_time="02:00", **values)
    await Subscriptions(db, lambda: at).add(draft)
    find_ready, rule = shell_operations._make_finder(db), settings.Settings().close_rule
    [post] = await db.fetch(post_overview.list_all, rule, NOW, find_ready)
    assert post.stuck == stuck, post
    assert ("No source has had" in post.reason) == (stuck == "waiting")
    assert post_overview.only_stuck([post]) == [post] * (stuck == "not prepared")


def test_a_backup_that_fails_or_is_old_is_known(paperround: Paperround, tmp_path: Path) -> None:
    def find() -> dict[str, Any] | None:
        return {row["what"]: row for row in paperround("doctor", "--json").data}.get("backup")

    def ask(later: timedelta = timedelta()) -> list[str]:
        async def read() -> list[str]:
            async with database.Database(f"sqlite+aiosqlite:///{tmp_path}/paperround.db") as opened:
                return await list_told(opened, datetime.now(UTC) + later)

        return asyncio.run(read())

    assert find() is None, "nothing to lose"
    apply_set_up(paperround)
    none = find()
    assert none is not None
    assert (none["status"], none["value"]) == ("warning", "none yet")
    assert ask() == []
    assert paperround("backup", "missing/backup.db").exit_status == 1
    failed = find()
    assert failed is not None
    assert (failed["status"], failed["value"].partition(",")[0]) == ("warning", "failed")
    [said] = ask()
    assert said.startswith("The backup of ")
    assert "missing" in said
    assert paperround("backup", "backup.db").exit_status == 0
    done = find()
    assert done is not None
    assert (done["status"], done["value"].partition(",")[0]) == ("ok", "0 days old")
    assert ask(timedelta(days=7)) == []
    [said] = ask(timedelta(days=9))
    assert said.startswith("The last backup is of ")


@pytest.mark.parametrize(
    ("days", "has_post", "is_told"), [(2, False, True), (0, False, False), (2, True, False)]
)
async def test_a_bot_that_is_in_servers_and_has_no_post_says_so(
    db: database.Database, days: int, has_post: bool, is_told: bool
) -> None:
    """As one whose database was replaced by an empty one; not in the first day of a new installation."""
    if has_post:
        await Subscriptions(db, lambda: NOW).add(
            models.Subscription(guild_id=1, channel_id=2, at_time="09:00")
        )
    running = _make_runtime(db, joined_at=NOW - timedelta(days=days, hours=1))
    await running.find_operator_warnings()
    assert running.liveness.concerns == [conditions.IDLE] * is_told


@pytest.mark.parametrize(("ahead", "is_told"), [(3600, True), (-3600, True), (20, False)])
async def test_a_clock_of_the_machine_that_is_wrong_is_told(
    db: database.Database, ahead: int, is_told: bool
) -> None:
    """docs/operating.md: the bot goes by Discord's clock, and you set the machine's."""
    running = _make_runtime(db)
    clock = DiscordClock(lambda: NOW + timedelta(seconds=ahead))
    running.container.clock = clock
    await running.find_operator_warnings()
    assert conditions.WRONG_CLOCK not in running.liveness.concerns, "Discord has not answered yet"
    clock.set(NOW)
    await running.find_operator_warnings()
    assert (conditions.WRONG_CLOCK in running.liveness.concerns) == is_told


def _make_runtime(db: database.Database, joined_at: datetime = NOW) -> runtime.Runtime:
    container = SimpleNamespace(clock=lambda: NOW, settings=settings.Settings())
    workers = cast(Any, SimpleNamespace(database=db, container=container))
    bot = SimpleNamespace(guilds=[SimpleNamespace(me=SimpleNamespace(joined_at=joined_at))])
    return cast(runtime.Runtime, cast(Any, runtime.Runtime)(workers, bot, None, None, None, Liveness()))


async def test_the_running_bot_looks_after_its_sources_and_tells_of_them(
    db: database.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _add_source(db, failures=9, reason="503", last_success_at=NOW - timedelta(days=3))
    running = _make_runtime(db)
    running.liveness.record_obstacle(None)
    await running.find_operator_warnings()
    errors = list[str]()
    monkeypatch.setattr(supervision, "log", SimpleNamespace(error=errors.append, warning=errors.append))
    async with watching(running.liveness) as watch:
        for concerned in (running.liveness.concerns, [], running.liveness.concerns):
            running.liveness.concerns = concerned
            await watch.turn()
    assert errors == [f"{URL} could not be read since 2026-11-24: 503"] * 2, (
        "once each time, as an error: those reach the operator"
    )
    assert running.liveness.notices == errors[:1]
    assert running.liveness.find_problems() == []


async def test_a_file_that_was_mended_while_the_process_started_or_by_its_owner_ends_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shell_operations, "_LOOK_SECONDS", 0.01)
    file = tmp_path / ".env"
    file.write_text("PAPERROUND_KEEP_DAYS=1\n")
    before = shell_operations._stat_files(shell_operations.SETTINGS_FILES)
    file.write_text("PAPERROUND_KEEP_DAYS=90\n")  # after the settings were read, before it waits
    async with patience.limit():
        assert await shell_operations._wait_for_change("wrong", before)
        before = shell_operations._stat_files(shell_operations.SETTINGS_FILES)
        waiting = asyncio.create_task(shell_operations._wait_for_change("not readable", before))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        file.chmod(0o600 if file.stat().st_mode & 0o077 else 0o644)
        assert await waiting


async def test_what_discord_refuses_does_not_count_as_waiting(db: database.Database) -> None:
    for name, channel in (("a", 1), ("b", 2)):
        await outbox_builders.add(
            db, outbox_builders.new_delivery(name, channel, NOW - timedelta(hours=channel))
        )
    refused = tables.deliveries.update().where(tables.deliveries.c.channel_id == 2)
    await db.write(lambda connection: connection.execute(refused.values(reason=models.Reason.NO_SEND)))
    assert await db.fetch(outbox.oldest_unsent_at) == NOW - timedelta(hours=1)


def test_the_first_day_of_which_papers_are_missing_is_named() -> None:
    gaps = {"2026-11-24": [1, "2026-11-27"], "2026-11-20": [1, "2026-11-27"], "2026-11-25": [1, "2026-11-27"]}
    kind = models.SourceKind.ARXIV
    of_arxiv = models.StoredSource(1, "arxiv:cs.CL", kind, 1, {}, NOW, progress={"gaps": gaps})
    state = conditions.State(settings=settings.Settings(), now=NOW, sources=[of_arxiv])
    [said] = conditions.list_told(state)
    assert said.startswith("arxiv:cs.CL lacks papers from 2026-11-20 on")


def test_a_source_that_fails_is_a_warning_with_its_reason_and_another_is_none() -> None:
    kind, at = models.SourceKind.FEED, NOW - timedelta(hours=1)
    away = models.FetchStatus.FAILED
    rows = [
        models.StoredSource(
            1,
            "https://a.example/",
            kind,
            1,
            {},
            at,
            failures=2,
            status=away,
            reason="503",
            last_attempt_at=at,
        ),
        models.StoredSource(2, "https://b.example/", kind, 1, {}, at, last_attempt_at=at, last_success_at=at),
    ]
    state = conditions.State(settings=settings.Settings(), now=NOW, sources=rows)
    found = {row.what: (row.status, row.note) for row in conditions.find(state)}
    assert found["source https://a.example/"] == (conditions.Status.WARNING, "503")
    assert found["source https://b.example/"] == (conditions.Status.OK, "")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (403, "Make a key at https://www.zotero.org"),
        (404, "Set PAPERROUND_ZOTERO_LIBRARY"),
        (0, "Set it, and restart"),
    ],
)
def test_each_problem_of_zotero_says_what_to_do(code: int, advice: str) -> None:
    """docs/web.md, *Zotero*."""
    assert f"It is refused. {advice}" in conditions.explain_zotero("It is refused.", code)
