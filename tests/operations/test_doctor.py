"""Findings of `doctor`: values, where they were set, problems, and no secrets."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.client import command_sync
from bot.core import settings
from bot.core.clock import system_clock
from bot.core.settings import Settings
from bot.daily.service import Subscriptions
from bot.operations import doctor
from bot.sources import kinds
from storage import errors, key_values, migrate, models, tables
from tests.support import outbox_builders

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
SECRET = "MTAw.secret-of-the-bot.xyz"


@pytest.fixture(autouse=True)
def _empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, away from the checkout's `.env` and `paperround.toml`."""
    monkeypatch.chdir(tmp_path)


async def accept_token(_: Settings) -> command_sync.Application:
    return command_sync.Application("Paperround#0001", 1)


async def reject_token(_: Settings) -> command_sync.Application:
    raise errors.PaperroundError("Discord does not accept DISCORD_TOKEN.")


async def examine(check: doctor.TokenCheck = accept_token) -> dict[str, doctor.Finding]:
    findings = await doctor.examine(settings.load(), check)
    by_name = {finding.what: finding for finding in findings}
    assert len(by_name) == len(findings)
    return by_name


async def test_a_new_installation_has_three_steps_left(tmp_path: Path) -> None:
    findings = await examine()
    left = [finding.what for finding in findings.values() if finding.status is doctor.Status.TODO]
    assert left == [*findings][:3] == ["Discord", "sources", "daily posts"]
    assert [finding for finding in findings.values() if not finding.well] == []
    timezone = findings["PAPERROUND_TIMEZONE"]
    assert (timezone.value, timezone.origin) == ("UTC", "default")
    assert "`paperround setup`" in findings["Discord"].note
    assert findings["sources"].note == kinds.NO_SOURCE
    assert str(tmp_path / "paperround.db") in findings["database"].note
    assert not (tmp_path / "paperround.db").exists()


async def test_a_folder_where_no_database_can_be_created_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)  # root may write everywhere
    database = (await examine())["database"]
    assert (database.well, f"{tmp_path} may not be written to by this user" in database.note) == (False, True)


async def test_unknown_settings_are_reported_as_warnings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PAPERROUND_TIMEZON", "Asia/Seoul")
    (tmp_path / ".env").write_text("PAPERROUND_QQQQ=ko\nEDITOR=vi\n")
    # With a byte order mark, as some editors write it.
    (tmp_path / "paperround.toml").write_text(
        'htp = "127.0.0.1:9464"\nlocale = "ko"\n', encoding="utf-8-sig", newline="\r\n"
    )
    findings = await examine()
    warned = {name: row for name, row in findings.items() if row.value == "ignored"}
    assert {name: (row.origin, row.status) for name, row in warned.items()} == {
        "PAPERROUND_TIMEZON": ("environment", "warning"),
        "PAPERROUND_QQQQ": (".env", "warning"),
        "htp": ("paperround.toml", "warning"),
    }


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
    assert not rejected.well
    assert "does not accept" in rejected.note


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
    findings = await examine()
    database = findings["database"]
    assert not database.well
    assert "pass-of-the-bot" not in repr(findings)
    assert len(database.note) > 20


async def test_an_unusable_folder_or_template_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "place"

    templates, inbox = "PAPERROUND_TEMPLATES", "PAPERROUND_INBOX"

    async def assert_found(name: str, note: str, *, well: bool = False) -> None:
        with monkeypatch.context() as patch:
            patch.setenv(name, str(path))
            finding = (await examine())[name]
        assert (finding.well, note in finding.note) == (well, True), finding

    await assert_found(templates, "place is not a folder")
    await assert_found(inbox, "`paperround run` creates it", well=True)
    path.write_text("a file")
    await assert_found(inbox, "place is not a folder")
    path /= "below"
    await assert_found(inbox, f"cannot create it in {path.parent}")
    path = path.parent
    path.unlink()
    path.mkdir()
    await assert_found(templates, "", well=True)
    (path / "daily.en.j2").write_text("{% block headline %}\n{{ day }{% endblock %}")
    await assert_found(templates, "daily.en.j2, line 2: ")


async def test_an_invalid_source_of_the_settings_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for sources, note in (("nowhere", "nowhere is neither an address nor"), ("arxiv:nothing", "cs.CL")):
        monkeypatch.setenv("PAPERROUND_SOURCES", f"https://huggingface.co {sources}")
        finding = (await examine())["PAPERROUND_SOURCES"]
        assert (finding.well, note in finding.note) == (False, True), finding


async def test_problems_of_webhook_posts_are_reported_without_a_token(tmp_path: Path) -> None:
    opened = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}")
    draft = models.Subscription(guild_id=models.NO_GUILD, channel_id=812345678901234567)
    added = await Subscriptions(opened, system_clock).add(draft, webhook_token="a-secret_of-the-webhook")
    planned = outbox_builders.new_delivery(
        "d", added.channel_id, NOW, guild_id=None, subscription_id=added.id, local_on=NOW.date()
    )
    await outbox_builders.add(opened, planned)
    async with opened.transaction() as connection:
        stopped = {"state": models.DeliveryState.STOPPED, "reason": models.Reason.UNCERTAIN}
        await connection.execute(tables.deliveries.update().values(stopped))
        gone = {"state": models.ActivityState.PAUSED, "reason": models.Reason.WEBHOOK_GONE}
        await connection.execute(tables.subscriptions.update().values(gone))
    findings = await examine()
    found = findings[f"daily post {added.id}"]
    assert (found.value, found.status) == ("webhook …/webhooks/812345678901234567/••••", "warning")
    for hint in (doctor.GONE, f"the post of {NOW.date()} arrived"):
        assert hint in found.note
    assert findings["Discord"].status is doctor.Status.OK
    assert "a-secret" not in repr(findings)
    await opened.write(key_values.remove, f"{key_values.WEBHOOK}{draft.channel_id}")  # as after an import
    await opened.close()
    found = (await examine())[f"daily post {added.id}"]
    assert (found.status, "is missing" in found.note) == ("error", True)
