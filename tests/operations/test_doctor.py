"""Findings of `doctor`: values, where they were set, problems, and no secrets."""

import os
import resource
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bot.client import command_sync
from bot.core import program, settings
from bot.core.clock import system_clock
from bot.core.model_server import ModelError
from bot.core.settings import Settings
from bot.features.alerts.service import Alerts
from bot.features.daily.service import Subscriptions
from bot.features.operations import conditions, doctor, post_overview
from bot.sources import kinds
from storage import database, errors, key_values, migrate, models, sources, tables
from tests.storage.test_migrate import make_read_only
from tests.support import alert_builders, outbox_builders

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
VERSION = program.describe_version()
SECRET = "MTAw.secret-of-the-bot.xyz"


@pytest.fixture(autouse=True)
def _empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, away from the checkout's `.env` and `paperround.toml`."""
    monkeypatch.chdir(tmp_path)


async def accept_token(_: Settings) -> command_sync.Application:
    return command_sync.Application("Paperround#0001", 1, mock.Mock())


async def reject_token(_: Settings) -> command_sync.Application:
    raise errors.PaperroundError("Discord does not accept DISCORD_TOKEN.")


async def examine(
    check: doctor.TokenCheck = accept_token, ask_health: doctor.HealthCheck | None = None
) -> dict[str, conditions.Finding]:
    findings = await doctor.examine(settings.load(), check, ask_health)
    by_name = {finding.what: finding for finding in findings}
    assert len(by_name) == len(findings)
    return by_name


async def add_webhook_post(db: database.Database) -> models.Subscription:
    """Add a daily post by a webhook, whose message of NOW waits."""
    draft = models.Subscription(guild_id=models.NO_GUILD, channel_id=812345678901234567)
    added = await Subscriptions(db, system_clock).add(draft, webhook_token="a-secret_of-the-webhook")
    fields: dict[str, Any] = {"guild_id": None, "subscription_id": added.id, "local_on": NOW.date()}
    await outbox_builders.add(db, outbox_builders.new_delivery("d", added.channel_id, NOW, **fields))
    return added


async def test_of_a_lost_database_nothing_is_left_to_add(tmp_path: Path) -> None:
    """Its sources and posts are in the file that docs/operating.md, *Bad days*, wants back."""
    (tmp_path / "paperround.db-wal").touch()
    findings = await examine()
    assert "is gone" in findings["database"].note
    assert not findings.keys() & {"sources", "daily posts"}


async def test_a_new_installation_has_three_steps_left(tmp_path: Path) -> None:
    findings = await examine()
    left = [finding.what for finding in findings.values() if finding.status is conditions.Status.TODO]
    assert left == [*findings][:3] == ["Discord", "sources", "daily posts"]
    assert findings["database"].status is conditions.Status.WARNING
    (tmp_path / "paperround.db.sender.lock").touch()
    lost = (await examine())["database"]
    assert (lost.status, "paperround restore" in lost.note) == (conditions.Status.ERROR, True)
    assert [finding for finding in findings.values() if not finding.ok] == []
    timezone = findings["PAPERROUND_TIMEZONE"]
    assert (timezone.value, timezone.origin) == ("UTC", "default")
    assert "`paperround setup`" in findings["Discord"].note
    assert findings["sources"].note == kinds.NO_SOURCE
    assert str(tmp_path / "paperround.db") in findings["database"].note
    assert not (tmp_path / "paperround.db").exists()


def test_an_inbox_that_brought_papers_is_counted_as_the_source_that_it_is(tmp_path: Path) -> None:
    """The list of sources is below the count."""
    extent = models.ArchiveExtent(2, date(2026, 11, 29), date(2026, 11, 30))
    of_inbox = conditions.State(
        settings=Settings(inbox=tmp_path), now=datetime(2026, 11, 30, tzinfo=UTC), extent=extent
    )
    values = {row.what: (row.value, row.status) for row in conditions.list_steps(of_inbox)}
    assert values["sources"] == ("1", conditions.Status.OK)


async def test_a_folder_where_no_database_can_be_created_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)  # root may write everywhere
    database = (await examine())["database"]
    assert (database.ok, f"{tmp_path} may not be written to by this user" in database.note) == (False, True)


async def test_unknown_settings_are_reported_as_warnings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PAPERROUND_TIMEZON", "Asia/Seoul")
    monkeypatch.setenv("PAPERROUND_EMBEDDINGS_URL", "http://127.0.0.1:11434/v1")  # one that is gone
    others = (
        "EDITOR=vi\nHF_TOKEN=x\nHTTPS_PROXY=x\nPOSTGRES_PASSWORD=x\nIMAGE=x\nHF_TOKEN_FILE=x\nLOG_FILE=x\n"
    )
    (tmp_path / ".env").write_text(
        f"PAPERROUND_QQQQ=ko\nDISCORD_TOKN=x\nTOKEN=x\ndatabase_url=x\n{others}DISCORD_TOKEN_FIEL=x\n"
        "DATABASE_URL_FILE=x\nzotero_key_file=x\nNPM_TOKEN_FILE=x\nSSL_CERT_FILE=x\n"
    )
    monkeypatch.setenv("PAPERROUND_HEARTBEAT_URL_FLIE", "/run/secrets/heartbeat")
    monkeypatch.setenv("DATABASE_URL", "of another program")
    # With a byte order mark, as some editors write it.
    (tmp_path / "paperround.toml").write_text(
        'htp = "127.0.0.1:9464"\nlocale = "ko"\nHF_ENDPOINT = "https://hub.example"\n',
        encoding="utf-8-sig",
        newline="\r\n",
    )
    findings = await examine()
    warned = {name: row for name, row in findings.items() if row.value == "ignored"}
    assert {name: (row.origin, row.status) for name, row in warned.items()} == {
        "PAPERROUND_TIMEZON": ("environment", "warning"),
        "PAPERROUND_EMBEDDINGS_URL": ("environment", "warning"),
        "PAPERROUND_QQQQ": (".env", "warning"),
        "DISCORD_TOKN": (".env", "warning"),
        "TOKEN": (".env", "warning"),
        "DATABASE_URL": (".env", "warning"),
        "DISCORD_TOKEN_FIEL": (".env", "warning"),
        "DATABASE_URL_FILE": (".env", "warning"),
        "ZOTERO_KEY_FILE": (".env", "warning"),
        "PAPERROUND_HEARTBEAT_URL_FLIE": ("environment", "warning"),
        "htp": ("paperround.toml", "warning"),
    }
    meant = {
        "TOKEN": "DISCORD_TOKEN",
        "DATABASE_URL": "PAPERROUND_DATABASE_URL",
        "DISCORD_TOKEN_FIEL": "DISCORD_TOKEN_FILE",
        "DATABASE_URL_FILE": "PAPERROUND_DATABASE_URL_FILE",
        "ZOTERO_KEY_FILE": "PAPERROUND_ZOTERO_KEY_FILE",
        "PAPERROUND_HEARTBEAT_URL_FLIE": "PAPERROUND_HEARTBEAT_URL_FILE",
        "htp": "http",  # as that file has it
    }
    assert all(findings[name].note.endswith(f" Is {is_meant} meant?") for name, is_meant in meant.items())
    assert findings["PAPERROUND_QQQQ"].note.endswith(" is ignored.")


async def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", SECRET)
    url = "postgresql://bot:pass-of-the-bot@127.0.0.1:1/papers"
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", url)
    findings = await examine()
    printed = repr([finding.to_dict() for finding in findings.values()])
    assert "secret-of-the-bot" not in printed
    assert "pass-of-the-bot" not in printed
    assert findings["DISCORD_TOKEN"].value == "set, not shown"
    assert findings["Discord"].value == "logged in as Paperround#0001"
    rejected = (await examine(reject_token))["Discord"]
    assert not rejected.ok
    assert "does not accept" in rejected.note


@pytest.mark.parametrize(
    ("ahead", "value"), [(59, None), (7200, "7,200 s ahead of Discord's"), (-90.4, "90 s behind Discord's")]
)
async def test_a_wrong_clock_is_found_by_discords_answer(
    monkeypatch: pytest.MonkeyPatch, ahead: float, value: str | None
) -> None:
    async def answer(_: Settings) -> command_sync.Application:
        return command_sync.Application("Paperround#0001", 1, mock.Mock(), ahead)

    monkeypatch.setenv("DISCORD_TOKEN", SECRET)
    found = (await examine(answer)).get("clock")
    assert (found and found.value) == value
    assert found is None or (found.status, "timedatectl" in found.note) == ("warning", True)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite:///letter.db",
        f"sqlite+aiosqlite:///{'long' * 75}.db",
        "postgresql://bot:pass-of-the-bot@127.0.0.1:port/papers",
        "postgresql://bot:pass-of-the-bot@127.0.0.1:99999/papers",
        "postgresql://bot:pass-of-the-bot@127.0.0.1:1/papers?unknown=1",
    ],
)
async def test_an_unusable_database_is_reported_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    (tmp_path / "letter.db").write_bytes(b"a letter, not a database\n" * 100)
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", url)
    findings = await examine(ask_health=lambda: (True, {"database": "of-a-running-bot", "version": VERSION}))
    database = findings["database"]
    assert not database.ok
    assert findings["running bot"].ok
    assert "pass-of-the-bot" not in repr(findings)
    assert len(database.note) > 20


async def test_an_unusable_folder_or_template_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "place"

    templates, inbox = "PAPERROUND_TEMPLATES", "PAPERROUND_INBOX"

    async def assert_found(name: str, note: str, *, ok: bool = False) -> None:
        with monkeypatch.context() as patch:
            patch.setenv(name, str(path))
            finding = (await examine())[name]
        assert (finding.ok, note in finding.note) == (ok, True), finding

    await assert_found(templates, "place: is not a folder")
    await assert_found(inbox, "`paperround run` creates it", ok=True)
    path.write_text("a file")
    await assert_found(inbox, "place is not a folder")
    path /= "below"
    await assert_found(inbox, f"cannot create it in {path.parent}")
    path = path.parent
    path.unlink()
    path.mkdir()
    await assert_found(templates, "", ok=True)
    (path / "daily.en.j2").write_text("{% block headline %}\n{{ day }{% endblock %}")
    await assert_found(templates, "daily.en.j2, line 2: ")


async def test_an_invalid_source_of_the_settings_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for listed, note in (("nowhere", "nowhere is neither an address nor"), ("arxiv:nothing", "cs.CL")):
        monkeypatch.setenv("PAPERROUND_SOURCES", f"https://huggingface.co {listed}")
        finding = (await examine())["PAPERROUND_SOURCES"]
        assert (finding.ok, note in finding.note) == (False, True), finding


async def test_problems_of_webhook_posts_are_reported_without_a_token(tmp_path: Path) -> None:
    opened = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}")
    added = await add_webhook_post(opened)
    async with opened.transaction() as connection:
        stopped = {"state": models.DeliveryState.STOPPED, "reason": models.Reason.UNCERTAIN}
        await connection.execute(tables.deliveries.update().values(stopped))
        gone = {"state": models.ActivityState.PAUSED, "reason": models.Reason.WEBHOOK_GONE}
        await connection.execute(tables.subscriptions.update().values(gone))
    findings = await examine()
    found = findings[f"daily post {added.id}"]
    assert (found.value, found.status) == ("webhook …/webhooks/812345678901234567/••••", "warning")
    # What docs/no-server.md and docs/no-server.md tell to do.
    for hint in (
        "it may have been deleted, or its address may be wrong",
        "`removed = true`",
        f"The post of {NOW.date()}",
        "pauses and resumes it",
    ):
        assert hint in found.note
    assert findings["Discord"].status is conditions.Status.OK
    assert "a-secret" not in repr(findings)
    await opened.write(key_values.remove, f"{key_values.WEBHOOK}{added.channel_id}")  # as after an import
    await opened.close()
    found = (await examine())[f"daily post {added.id}"]
    assert (found.status, "is missing" in found.note) == ("error", True)


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        (models.DeliveryState.WAITING, models.Reason.WEBHOOK_GONE, "It is refused: "),
        (models.DeliveryState.STOPPED, models.Reason.WEBHOOK_GONE, "It is not posted: "),
        (models.DeliveryState.WAITING, None, "It is late: "),
    ],
)
async def test_a_webhooks_post_that_is_not_posted_is_a_warning_as_in_posts(
    sqlite_db: database.Database, state: models.DeliveryState, reason: models.Reason | None, said: str
) -> None:
    added = await add_webhook_post(sqlite_db)
    async with sqlite_db.transaction() as connection:
        await connection.execute(tables.deliveries.update().values(state=state, reason=reason))
    found = (await examine())[f"daily post {added.id}"]
    assert (found.status, found.note[: len(said)]) == ("warning", said)


async def test_a_damaged_page_is_found(sqlite_db: database.Database) -> None:
    path = sqlite_db.path
    assert path is not None
    await sqlite_db.close()
    content = bytearray(path.read_bytes())
    content[-8192:-4096] = b"\xff" * 4096
    path.write_bytes(content)
    found = (await examine())["database"]
    assert not found.ok
    assert "damaged" in found.note
    assert "`paperround restore FILE`" in found.note


@pytest.mark.parametrize(("kilobytes", "failing"), [(600, {"disk"}), (4, {"disk", "database"})])
async def test_a_disk_that_takes_no_more_is_found_by_writing(
    sqlite_db: database.Database, tmp_path: Path, kilobytes: int, failing: set[str]
) -> None:
    await sqlite_db.write(key_values.set_value, "a key", "so that there is a log")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1000, limits[1]))
    try:
        findings = await examine()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {name.split()[0] for name, found in findings.items() if not found.ok} == failing
    assert "Writing 1 MB" in findings[f"disk of {tmp_path}"].note
    assert await sqlite_db.fetch(key_values.get, "doctor") is None
    assert (await examine())[f"disk of {tmp_path}"].ok


@pytest.mark.parametrize(
    ("free", "least", "status"), [(5_000_000, doctor.MIN_FREE_BYTES, "warning"), (100_000, 1_000, "error")]
)
async def test_little_free_space_is_a_warning(
    sqlite_db: database.Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    free: int,
    least: int,
    status: str,
) -> None:
    """Less than a copy of the database needs is an error."""
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", least)
    found = (await examine())[f"disk of {tmp_path}"]
    assert (found.status, found.value) == (status, f"{free / 1e6:.1f} MB free")
    assert "need a copy of the database" in found.note
    [of_index] = doctor._disks([tmp_path], None)  # with PostgreSQL
    assert of_index.note in ("", "Free some space: the search index is written there.")


@pytest.mark.parametrize(
    "name", ["paperround.db.sender.lock", "paperround.db-shm", "paperround.search/8/state.json"]
)
async def test_files_that_the_bots_user_may_not_write_are_named(
    sqlite_db: database.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert "files" not in await examine()
    shut = tmp_path / name
    shut.parent.mkdir(parents=True, exist_ok=True)
    shut.touch()
    may = os.access
    # root may write everywhere
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != shut and may(path, mode))
    found = (await examine())["files"]
    assert not found.ok
    assert str(shut) in found.note
    make_read_only(monkeypatch)
    assert "files" not in await examine(), "no owner may write there"


async def test_the_one_file_of_another_owner_is_named_and_not_all_others(
    sqlite_db: database.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `chown root: paperround.db`: who gave all other files to root would stop the bot for good."""
    assert sqlite_db.path is not None
    for name in ("a", "b", "c"):
        (tmp_path / "paperround.search" / name).mkdir(parents=True)
    folder = [tmp_path / "paperround.search", *(tmp_path / "paperround.search").iterdir()]
    for file in [*tmp_path.glob("paperround.db*"), *folder]:
        os.chown(file, 999, -1) if os.geteuid() == 0 else None
    sqlite_db.path.chmod(0o644)
    if os.geteuid() != 0:
        pytest.skip("only root may change an owner")
    os.chown(sqlite_db.path, 0, -1)
    found = (await examine())["files"]
    assert f"(uid 999) may not write {sqlite_db.path}" in found.note
    assert "paperround.search" not in found.note
    for file in tmp_path.glob("paperround.db*"):
        file.chmod(0o664)  # the bot's user may be in the group
    assert (await examine())["files"].value == "of uid 999"


async def test_files_that_root_made_are_accused_and_not_the_database(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    """As after `paperround reindex` as root: the bot's user is the database's, however many files root made."""
    if os.geteuid() != 0:
        pytest.skip("only root may change an owner")
    for file in tmp_path.glob("paperround.db*"):
        os.chown(file, 999, -1)
    made = [tmp_path / "paperround.search" / str(number) for number in range(20)]
    for folder in made:
        folder.mkdir(parents=True)
    found = (await examine())["files"]
    assert found.note.startswith(f"The bot's user (uid 999) may not write {tmp_path / 'paperround.search'}, ")
    assert "paperround.db" not in found.note


@pytest.mark.parametrize(
    ("healthy", "said", "status", "note"),
    [
        (True, {}, "ok", ""),
        (False, {"problems": ["The disk is too full."]}, "error", "The disk is too full."),
        (
            None,
            {},
            "warning",
            "no valid answer It does not run, or not at this address. If it should, its log says why",
        ),
        (True, {"notices": ["The installed files were replaced."]}, "warning", "were replaced"),
        (True, {"notices": ["It failed: 503", "The last backup is of 2026."]}, "warning", "503. The last"),
        (True, {"version": "0.2.0 (an-older-one)"}, "error", "restart it"),
        (True, {"database": "of-another-bot"}, "warning", "uses another database"),
    ],
)
async def test_a_running_bot_is_asked(
    healthy: bool | None, said: dict[str, object], status: str, note: str
) -> None:
    def ask() -> tuple[bool, dict[str, object]]:
        if healthy is None:
            raise errors.PaperroundError("unhealthy: no valid answer")
        this = {"database": database.Database(settings.load().database_url).fingerprint, "version": VERSION}
        return healthy, {"role": "sender"} | this | said

    found = (await examine(ask_health=ask))["running bot"]
    assert (found.status, note in found.note) == (status, True)
    assert healthy is None or str(said.get("version", VERSION)) in found.value
    assert "running bot" not in await examine()


@pytest.mark.engines("sqlite", "postgresql")
async def test_stuck_posts_are_listed_by_server_with_the_reason(
    db: database.Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", database_url)
    now = system_clock()
    subscriptions = Subscriptions(db, system_clock)
    states: dict[int, tuple[models.DeliveryState | None, str | None]] = {
        21: (models.DeliveryState.SENT, None),
        22: (models.DeliveryState.WAITING, models.Reason.NO_SEND),
        23: (models.DeliveryState.WAITING, None),
        24: (models.DeliveryState.STOPPED, models.Reason.UNCERTAIN),
        25: (models.DeliveryState.STOPPED, models.Reason.TOO_OLD),
        26: (models.DeliveryState.STOPPED, models.Reason.REFUSED_CONTENT),
        27: (None, models.Reason.NO_ACCESS),
        28: (None, models.Reason.BY_HAND),
        30: (models.DeliveryState.STOPPED, models.Reason.BY_HAND),
    }
    for channel, (state, reason) in states.items():
        draft = models.Subscription(guild_id=10 + channel % 2, channel_id=channel, at_time="09:00")
        added = await subscriptions.add(draft)
        fields: dict[str, Any] = {
            "guild_id": added.guild_id,
            "subscription_id": added.id,
            "expires_at": now + timedelta(days=1),
        }
        planned = outbox_builders.new_delivery(f"d{channel}", channel, now - timedelta(hours=1), **fields)
        await outbox_builders.add(db, planned)
        async with db.transaction() as connection:
            of_post = tables.deliveries.c.channel_id == channel
            ended = {} if state is models.DeliveryState.WAITING else {"finished_at": now}
            values = {
                "state": state or models.DeliveryState.SENT,
                "reason": reason if state else None,
            } | ended
            await connection.execute(tables.deliveries.update().where(of_post).values(values))
            if state in (None, models.DeliveryState.SENT):
                of_delivery = tables.parts.c.nonce == f"d{channel}/0"
                sent = tables.parts.update().where(of_delivery).values(state=models.PartState.SENT)
                await connection.execute(sent)
            if state is None:
                paused = tables.subscriptions.update().where(tables.subscriptions.c.id == added.id)
                await connection.execute(paused.values(state=models.ActivityState.PAUSED, reason=reason))
    other = outbox_builders.new_delivery(
        "alert", 29, now - timedelta(hours=1), guild_id=10, kind=models.DeliveryKind.ALERT
    )
    await outbox_builders.add(db, other)
    found = await db.fetch(post_overview.list_all, settings.load().close_rule, now)
    assert {post.channel: post.stuck for post in found} == {
        21: None, 22: "refused", 23: "late", 24: "unclear", 25: "not posted", 26: None, 27: "paused", 28: None, 29: "late",
        30: None,
    }  # fmt: skip
    by_channel = {post.channel: post for post in found}
    assert by_channel[21].last_at == now
    assert by_channel[22].last_at is None
    assert "Turn on Send Messages for Paperround" in by_channel[22].reason
    assert by_channel[28].reason == "Paused manually."
    assert [post.channel for post in found if post.next_at is None] == [28, 27]
    findings = await examine()
    assert findings["server 10"].value == "3 stuck posts"
    assert "Channel 22 (daily, refused)" in findings["server 10"].note
    assert findings["server 11"].value == "3 stuck posts"
    assert {findings[f"server {number}"].status for number in (10, 11)} == {conditions.Status.WARNING}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "ok"),
        (ModelError("Connection error: refused", is_outage=True), "warning"),
        (ModelError("Error code: 401 - no such key", is_fatal=True), "error"),
    ],
)
async def test_doctor_asks_the_language_model(error: ModelError | None, status: str) -> None:
    configured = Settings(writer_url="http://127.0.0.1:1/v1", writer_model="small")
    check = mock.AsyncMock(side_effect=error)
    findings = await doctor.examine(configured, accept_token, check_model=check)
    [found] = [row for row in findings if row.what == "language model"]
    assert (found.status, str(error or "") in found.note) == (status, True), found
    found_without = await doctor.examine(Settings(), accept_token, check_model=check)
    assert "language model" not in {row.what for row in found_without}


async def test_votes_that_are_missing_from_a_list_are_a_warning(sqlite_db: database.Database) -> None:
    lacking = models.Skipped(models.SkipReason.NO_VOTES, 31, ("2026-11-30",))
    async with sqlite_db.transaction() as connection:
        row = await sources.add(
            connection, url="https://huggingface.co", kind=models.SourceKind.HUGGINGFACE, now=NOW
        )
        await sources.set_health(
            connection, replace(row, reading=models.ReadingReport(31, warnings=(lacking,)))
        )
    found = (await examine())["votes of https://huggingface.co"]
    assert (found.status, "31 no votes (2026-11-30)" in found.note) == ("warning", True), found


async def test_what_other_lists_have_does_not_count_as_left_out(sqlite_db: database.Database) -> None:
    """docs/sources.md: repetitions, new versions and other categories of arXiv."""
    of = models.SkipReason
    others = [models.Skipped(reason, 90) for reason in (of.REPEATED, of.NEW_VERSION, of.OTHER_CATEGORY)]
    async with sqlite_db.transaction() as connection:
        row = await sources.add(connection, url="arxiv:cs.CL", kind=models.SourceKind.ARXIV, now=NOW)
    for number in (2, 3):
        reading = models.ReadingReport(2, skipped=(*others, models.Skipped(of.NO_ID, number)))
        await sqlite_db.write(sources.set_health, replace(row, reading=reading))
        assert ("reading of arxiv:cs.CL" in await examine()) == (number > 2)


async def test_an_alert_needs_a_token_beside_posts_by_webhooks(sqlite_db: database.Database) -> None:
    await add_webhook_post(sqlite_db)
    assert (await examine())["Discord"].status is conditions.Status.OK
    await Alerts(sqlite_db, system_clock).add(alert_builders.draft("herons", user_id=7))
    found = (await examine())["Discord"]
    assert (found.status, found.note) == (conditions.Status.TODO, doctor.NO_TOKEN)
