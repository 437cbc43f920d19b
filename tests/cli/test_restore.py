"""`paperround restore`: what it refuses, what it keeps, and that a killed one leaves a whole database."""

import fcntl
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from storage import backups, errors, locks, sqlite_file
from tests.cli.test_maintenance import run_dump
from tests.support import upgrades
from tests.support.shell_fixtures import Paperround, apply_set_up, run_python

KILLED = """
import json, os, shutil, signal, sqlite3, sys
from pathlib import Path
from storage import backups

def read(path):
    # Of a copy: what SQLite repairs here is what it repairs at the next start.
    shutil.rmtree("look", ignore_errors=True)
    os.mkdir("look")
    for file in path.parent.glob(f"{path.name}*"):
        shutil.copy(file, "look")
    opened = sqlite3.connect(f"look/{path.name}")
    queries = "SELECT value FROM meta WHERE key = 'mark'", "PRAGMA integrity_check"
    found = [opened.execute(query).fetchall() for query in queries]
    opened.close()
    return [row[0] for rows in found for row in rows]

seen, number, step = [], 0, int(sys.argv[1])
while True:
    number += step
    shutil.rmtree("bot", ignore_errors=True)
    shutil.copytree("former", "bot")
    path = Path("bot/paperround.db").absolute()
    child = os.fork()
    if not child:
        left = number
        def count(frame, event, argument):
            global left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        sys.setprofile(count)
        backups._restore(Path("backup.db").absolute(), path)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    kept = [read(file) for file in path.parent.glob("*.before-restore-*") if file.suffix.count("-") == 3]
    seen.append([read(path), kept])
    if not status:
        break
    if number % (step * 9) == 0:
        backups._restore(Path("backup.db").absolute(), path)
        seen.append([read(path), []])
print(json.dumps(seen))
"""


def mark(path: Path, value: str) -> None:
    """Store a value by which a database is recognised."""
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('mark', ?)", (value,))


def read_mark(path: Path) -> str:
    with closing(sqlite3.connect(path)) as opened:
        [(found,), (check,)] = [
            *opened.execute("SELECT value FROM meta WHERE key = 'mark'"),
            *opened.execute("PRAGMA integrity_check"),
        ]
    assert check == "ok"
    return str(found)


def leave_log(folder: Path) -> None:
    """Leave a database as a killed bot does: its last changes, with many pages, are in the log alone."""
    path = folder / "paperround.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        opened.execute("PRAGMA journal_mode=WAL")
        opened.execute("PRAGMA wal_autocheckpoint=0")
        mark(path, "after")
        opened.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('long', ?)", ("x" * 200_000,))
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", folder / f"killed{suffix}")
    for suffix in ("", "-wal"):
        (folder / f"killed{suffix}").replace(f"{path}{suffix}")


def test_restores_over_the_log_of_a_killed_bot_and_keeps_what_was_there(
    paperround: Paperround, tmp_path: Path
) -> None:
    path = tmp_path / "paperround.db"
    mark(path, "before")
    assert paperround("backup", "backup.db").exit_status == 0
    leave_log(tmp_path)
    killed = tmp_path / "paperround.db.before-restore-20260101-000000"
    os.link(path, killed)  # by a restore that was killed before it took the place
    seconds = (datetime.now(UTC) + timedelta(seconds=number) for number in range(60))
    others = [path.with_name(f"{path.name}.before-restore-{at:%Y%m%d-%H%M%S}") for at in seconds]
    for other in others:
        other.write_text("of another restore in this second")
    restored = paperround("restore", "backup.db", "--json").data
    assert not killed.exists(), "what was there is kept once"
    assert {other.read_text() for other in others} == {"of another restore in this second"}
    assert (restored["database"], restored["schema"]) == (str(path), sqlite_file.SCHEMA_VERSION)
    assert read_mark(path) == "before"
    assert read_mark(Path(restored["former"])) == "after"
    assert path.stat().st_mode & 0o777 == 0o600
    apply_set_up(paperround)
    said = paperround("restore", Path(restored["former"]).name)
    assert said.exit_status == 0
    assert read_mark(path) == "after"
    [kept] = re.findall(r"What was there is (\S+):", said.stdout)
    assert read_mark(Path(kept)) == "before"
    # Somebody moved the database of a killed bot away, but not its log.
    leave_log(tmp_path)
    path.unlink()
    assert paperround("restore", "backup.db", "--json").data["former"] is None
    assert read_mark(path) == "before"


def test_a_copied_database_is_restored_with_the_log_beside_it(paperround: Paperround, tmp_path: Path) -> None:
    """After a kill the log is part of the database, and who copies its folder has both."""
    path, copy = tmp_path / "paperround.db", tmp_path / "copy"
    mark(path, "before")
    leave_log(tmp_path)
    copy.mkdir()
    for name in ("paperround.db", "paperround.db-wal"):
        (tmp_path / name).replace(copy / name)
    assert paperround("restore", "copy/paperround.db").exit_status == 0
    assert read_mark(path) == "after"


@pytest.mark.parametrize("damage", ["a page", "its schema", "half of it", "all of it"])
def test_a_damaged_database_is_replaced_and_kept(paperround: Paperround, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "paperround.db"
    mark(path, "before")
    paperround("backup", "backup.db")
    leave_log(tmp_path)
    content = bytearray(path.read_bytes())
    match damage:
        case "a page":
            content[-8192:-4096] = b"\xff" * 4096
        case "its schema":
            content[100:4096] = b"\xff" * 3996
        case "half of it":
            del content[len(content) // 2 :]
        case _:
            content[:] = b"a letter"
    path.write_bytes(content)
    restored = paperround("restore", "backup.db", "--json").data
    assert read_mark(path) == "before"
    assert not (tmp_path / "paperround.db-wal").exists()
    # What SQLite could not write into the file is kept beside it.
    assert Path(restored["former"]).exists()
    assert Path(f"{restored['former']}-wal").exists() is (damage in {"half of it", "all of it"})


def _change(statement: str, file: Path) -> None:
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute(statement)


def _copy(change: Callable[[bytes], bytes], file: Path) -> None:
    file.write_bytes(change(Path("paperround.db").read_bytes()))


def _write_newer(file: Path) -> None:
    shutil.copy("paperround.db", file)
    _change("UPDATE meta SET value = value + 1 WHERE key = 'schema:version'", file)


def _write_archive(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("paperround.db", "")


OTHER = "CREATE TABLE meta (key TEXT, photo BLOB)"
ENDLESS = (
    "CREATE VIEW meta AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n)"
    " SELECT key, 'x' AS value FROM n"
)
WORD = "CREATE TABLE meta AS SELECT 'schema:version' AS key, 'abc' AS value"
REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "There is no file"),
    "a folder": (Path.mkdir, "is not a file"),
    "empty": (Path.touch, "is empty"),
    "a letter": (lambda file: file.write_text("Dear reader"), "is not a SQLite database"),
    "a dump": (lambda file: file.write_bytes(b"PGDMP\1\2\3"), "a dump of PostgreSQL"),
    "an export": (_write_archive, "`paperround import`"),
    "of another program": (partial(_change, OTHER), "of another program"),
    "an endless view": (partial(_change, ENDLESS), "of another program"),
    "with a word for a schema": (partial(_change, WORD), "of another program"),
    "of a newer version": (_write_newer, "newer version"),
    "cut": (partial(_copy, lambda text: text[:150_000]), "damaged or incomplete"),
    "cut in its header": (partial(_copy, lambda text: text[:60]), "damaged or incomplete"),
    "damaged": (
        partial(_copy, lambda text: text[:-8192] + b"\xff" * 4096 + text[-4096:]),
        "damaged or incomplete",
    ),
    "the database": (lambda file: file.symlink_to("paperround.db"), "the database itself"),
    "a pipe": (os.mkfifo, "is not a file"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_no_backup_is_refused_and_nothing_changes(
    paperround: Paperround, tmp_path: Path, what: str
) -> None:
    write, reason = REFUSED[what]
    write(tmp_path / "file")
    before = (tmp_path / "paperround.db").read_bytes()
    refused = paperround("restore", "file")
    assert (refused.exit_status, refused.stdout) == (1, "")
    assert reason in refused.stderr
    assert (tmp_path / "paperround.db").read_bytes() == before
    assert [*tmp_path.glob("*.before-*"), *tmp_path.glob(".*")] == []


def test_refuses_beside_a_bot_and_beside_whatever_has_the_database_open(
    paperround: Paperround, tmp_path: Path
) -> None:
    apply_set_up(paperround)
    paperround("backup", "backup.db")
    with (tmp_path / "paperround.db.sender.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "is in use. Stop the bot" in paperround("restore", "backup.db").stderr
    with closing(sqlite3.connect(tmp_path / "paperround.db", isolation_level=None)) as standby:
        standby.execute("PRAGMA journal_mode=WAL")
        standby.execute("SELECT count(*) FROM meta").fetchall()
        assert "is in use. Stop the bot" in paperround("restore", "backup.db").stderr
    assert paperround("restore", "backup.db").exit_status == 0


LATER = """
import sqlite3
opened = sqlite3.connect("paperround.db", timeout=0, isolation_level=None)
for wait in (0, 600_000):
    try:
        opened.execute(f"PRAGMA busy_timeout={wait}")
        opened.execute("PRAGMA journal_mode=WAL")
        opened.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('mark', 'later')")
        print("written", flush=True)
    except sqlite3.OperationalError as error:
        print(error, flush=True)
"""


def test_a_command_that_opens_the_database_in_the_last_steps_of_a_restore_does_not_spoil_it(
    paperround: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "paperround.db"
    mark(path, "before")
    paperround("backup", "backup.db")
    mark(path, "after")
    put, commands = backups.put_in_place, list[subprocess.Popen[str]]()

    def put_late(file: Path, target: Path) -> None:
        if target == path:
            command = [sys.executable, "-c", LATER]
            commands.append(subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True))
            pipe = commands[0].stdout
            assert pipe is not None
            assert pipe.readline() == "database is locked\n"
        put(file, target)

    monkeypatch.setattr(backups, "put_in_place", put_late)
    assert paperround("restore", "backup.db").exit_status == 0
    assert "readonly" in commands[0].communicate()[0]
    assert read_mark(path) == "before"
    assert {file.name for file in tmp_path.glob("paperround.db-*")} == set()


def test_a_disk_without_links_gets_a_copy_and_a_full_one_changes_nothing(
    paperround: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "paperround.db"
    mark(path, "before")
    paperround("backup", "backup.db")
    mark(path, "after")

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse)
        former = paperround("restore", "backup.db", "--json").data["former"]
    assert (read_mark(path), read_mark(Path(former))) == ("before", "after")
    mark(path, "later")
    files = {file: file.read_bytes() for file in tmp_path.iterdir()}
    for kilobytes in (20, 100, 300):
        for command in ("restore backup.db", "backup new.db", "export --all new.zip"):
            with upgrades.files_limited(kilobytes * 1024):
                ended = paperround(*command.split())
            assert ended.exit_status == 1, (command, kilobytes, ended.stdout)
            assert len(ended.stderr.splitlines()) == 1, ended.stderr
            assert "Internal error" not in ended.stderr
    files.pop(path)  # each command opens it in WAL mode
    after = {file: file.read_bytes() for file in tmp_path.iterdir() if file in files}
    assert after == files
    assert not [*tmp_path.glob("new.*"), *tmp_path.glob(".*.partial")]
    assert read_mark(path) == "later"


COMPOSE = Path(__file__).parents[2]
ROOT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.mark.all_faults
def test_a_restore_killed_at_any_moment_leaves_the_former_database_or_the_backup(tmp_path: Path) -> None:
    (tmp_path / "former").mkdir()
    for name in ("backup.db", "former/paperround.db"):
        with closing(sqlite3.connect(tmp_path / name)) as opened, opened:
            opened.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
            opened.execute("INSERT INTO meta VALUES ('schema:version', '18'), ('mark', 'before')")
    leave_log(tmp_path / "former")
    seen = json.loads(run_python(KILLED, 7, cwd=tmp_path, env=ROOT).stdout)
    states = [state for state, _ in seen]
    assert len(states) > 40
    assert all(state in (["before", "ok"], ["after", "ok"]) for state in states), states
    assert ["before", "ok"] in states
    assert ["after", "ok"] in states
    # What was there is kept whole before its place is taken.
    assert all(kept == [["after", "ok"]] for state, kept in seen if state[0] == "before" and kept)


def test_the_line_for_docker_restores_from_standard_input_or_changes_nothing(
    paperround: Paperround, tmp_path: Path
) -> None:
    path = tmp_path / "paperround.db"
    lines = (COMPOSE / "docker-compose.yml").read_text("utf-8").replace("\n#", "\n")
    [script] = re.findall(r"sh -c '(cat .*?)' <backup.db", lines, re.DOTALL)
    script = script.replace("/data", str(tmp_path))
    environment = ROOT | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def restore(content: bytes) -> tuple[int, str, bool]:
        command = ["sh", "-c", script]
        ended = subprocess.run(
            command, input=content, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL
        )
        return ended.returncode, read_mark(path), (tmp_path / "new.db").exists()

    mark(path, "before")
    paperround("backup", "backup.db")
    mark(path, "after")
    backup = (tmp_path / "backup.db").read_bytes()
    assert [restore(content) for content in (b"", backup[:150_000])] == [(1, "after", False)] * 2
    assert restore(backup) == (0, "before", False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_in_the_folder_of_the_bot_belongs_to_the_bot(
    paperround: Paperround, tmp_path: Path
) -> None:
    path = tmp_path / "paperround.db"
    os.chown(tmp_path, 65534, 65534)
    assert paperround("backup", "backup.db").exit_status == 0
    for command in ("restore backup.db", "db upgrade"):
        for file in tmp_path.glob("paperround.db*"):
            file.unlink()
        assert paperround(*command.split()).exit_status == 0
        assert path.exists()
        owners = {file.name: file.stat().st_uid for file in tmp_path.glob("*") if file.is_file()}
        assert set(owners.values()) == {65534}, owners
    # The bot's user may have put a link there.
    (tmp_path / "of-root").write_text("root")
    for name in ("link", "paperround.db.sender.lock"):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).symlink_to("of-root")
    sqlite_file.give_to_owner(tmp_path / "link", tmp_path)
    with pytest.raises(errors.StorageError, match="lock cannot be written"):
        locks.open_lock_file(path, "sender")
    assert (tmp_path / "of-root").read_text() == "root"
    assert (tmp_path / "of-root").stat().st_uid == 0


def test_all_commands_say_the_same_of_an_older_database(paperround: Paperround, tmp_path: Path) -> None:
    stored = upgrades.STORED[0]
    upgrades.restore(stored, f"sqlite+aiosqlite:///{tmp_path / 'old.db'}")
    said = "`paperround db upgrade` upgrades it, and so does `paperround run`"
    restored = paperround("restore", "old.db")
    assert (restored.exit_status, said in restored.stdout) == (0, True)
    assert restored.stdout.endswith(
        "To go back to an older version, install that before you start the bot.\n"
    )
    for command in ("posts", "sources list", "backup new.db", "search moss"):
        assert said in paperround(*command.split()).stderr
    assert said in paperround("doctor").stdout


@pytest.mark.engines("postgresql")
def test_for_postgresql_it_names_the_commands(
    paperround: Paperround, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(database_url).set(password="se cret'")
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", url.render_as_string(hide_password=False))
    apply_set_up(paperround)

    [dump] = re.findall("`(pg_dump .*?)`", paperround("backup", "of today.dump").stderr)
    run_dump(dump)
    (tmp_path / "empty.dump").touch()
    (tmp_path / "plain.sql").write_text("CREATE TABLE meta ();")
    for file, reason in (
        ("none.dump", "no file none.dump"),
        (".", "is not a file"),
        ("empty.dump", "is empty"),
        ("plain.sql", "Name a file that `pg_dump --format=custom` wrote"),
        ("paperround.db", "`paperround db copy` moves it"),
    ):
        refused = paperround("restore", file)
        assert (refused.exit_status, reason in refused.stderr) == (1, True), refused
    said = paperround("restore", "of today.dump")
    assert said.exit_status == 2
    assert "cret" not in said.stderr
    lines = [line.removeprefix("paperround: ") for line in said.stderr.splitlines()]
    for command in lines[1:3]:
        run_dump(command)
    [name] = re.findall(r"name (\S+) in PAPERROUND_DATABASE_URL", said.stderr)
    restored = url.set(database=name).render_as_string(hide_password=False)
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", restored)
    assert 'channel = "20"' in paperround("config", "export").stdout
