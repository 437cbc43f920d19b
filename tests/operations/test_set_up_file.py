"""The set-up as a file: written, and applied all or nothing."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.alerts.service import Alerts
from bot.core import settings as core_settings
from bot.daily.service import Subscriptions
from bot.operations import set_up_file
from bot.operations.set_up_file import SetUpFile
from bot.sources import kinds
from storage import alerts, daily, errors, migrate, models
from storage.database import Database

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
SECRET = "s3cr3t-token-of-a-webhook"
WORD = models.AlertTerm(models.AlertKind.KEYWORD, 'diffusion "모델"')


def _service(database: Database, templates: tuple[str, ...] = ()) -> SetUpFile:
    return SetUpFile(database, lambda: NOW, core_settings.Settings(), templates)


async def _apply(database: Database, text: str) -> list[str]:
    service = _service(database)
    plan = await service.plan(text, "set-up.toml")
    assert await service.apply(text, "set-up.toml", plan) == plan
    return list(plan.changes)


async def _set_up(database: Database) -> None:
    registry = kinds.build_source_registry(database, lambda: NOW, core_settings.Settings())
    await registry.add("https://huggingface.co", priority=3)
    # The oldest of its priority, as it will be where it is added before the file is applied.
    await registry.add("https://reader:pa55word@papers.example/feed", language=models.Locale.KO)
    await registry.add("arxiv:cs.CL,cs.LG", options={"cross_lists": "yes", "since": "2025-01-02"})
    posts = Subscriptions(database, lambda: NOW)
    await posts.add(
        models.Subscription(guild_id=10, channel_id=20, wait_minutes=0, when=models.When.COMPLETE)
    )
    weekly = models.Subscription(
        guild_id=10,
        channel_id=1 << 60,
        at_time="18:30",
        days=(1, 5),
        style=models.Style.WEEKLY,
        mention_role_id=77,
        source="https://reader:***@papers.example/feed",
    )
    await posts.pause((await posts.add(weekly)).id)
    by_webhook = models.Subscription(
        guild_id=models.NO_GUILD, channel_id=555, topic='"RL" \\ \x7f확산', silent=True, spread_minutes=30
    )
    await posts.add(by_webhook, webhook_token=SECRET)
    alerts = Alerts(database, lambda: NOW)
    in_channel = models.Alert(
        0, 7, (WORD,), NOW, channel_id=20, guild_id=10, excluded=("survey",), timing=models.AlertTiming.WEEKLY
    )
    await alerts.add(in_channel)
    await alerts.snooze([1])
    await alerts.add(models.Alert(0, 7, (WORD,), NOW))  # a reader's own


@pytest.mark.engines("sqlite", "postgresql")
async def test_of_two_files_applied_at_once_one_is_applied_and_the_other_is_told_in_one_line(
    db: Database,
) -> None:
    text = "".join(f'[[sources]]\nsource = "https://a{number}.example/feed.xml"\n' for number in range(5))
    plans = [await _service(db).plan(text, "set-up.toml") for _ in range(2)]
    results = await asyncio.gather(
        *(_service(db).apply(text, "set-up.toml", plan) for plan in plans), return_exceptions=True
    )
    [refused] = [result for result in results if isinstance(result, BaseException)]
    assert isinstance(refused, errors.UsageError)
    assert str(refused).startswith("The set-up has changed in the meantime, and nothing was applied.")


@pytest.fixture
async def made(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """Another database, with a set-up."""
    shutil.copy(sqlite_template, tmp_path / "made.db")
    opened = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'made.db'}")
    await _set_up(opened)
    yield opened
    await opened.close()


@pytest.mark.engines("sqlite", "postgresql")
async def test_an_exported_set_up_gives_the_same_file_in_an_empty_database(
    db: Database, made: Database
) -> None:
    exported = await _service(made).export()
    assert not [secret for secret in (SECRET, "pa55word") if secret in exported]
    assert exported.count("[[alerts]]") == exported.count('spread = "30m"') == 1
    with pytest.raises(errors.UsageError) as refused:
        await _apply(db, exported)
    assert "channels add --webhook -" in str(refused.value)
    assert "sources add" in str(refused.value)
    empty = await _service(db).export()
    assert "[[" not in empty
    # The secrets are given first, as the refusal says.
    registry = kinds.build_source_registry(db, lambda: NOW, core_settings.Settings())
    await registry.add("https://reader:pa55word@papers.example/feed", language=models.Locale.KO)
    by_webhook = models.Subscription(guild_id=models.NO_GUILD, channel_id=555)
    await Subscriptions(db, lambda: NOW).add(by_webhook, webhook_token=SECRET)
    assert len(await _apply(db, exported)) == 6
    assert await _service(db).export() == exported
    assert await _apply(db, exported) == []


async def test_sources_that_differ_only_in_their_secret_are_not_taken_for_each_other(
    sqlite_db: Database,
) -> None:
    registry = kinds.build_source_registry(sqlite_db, lambda: NOW, core_settings.Settings())
    posts = Subscriptions(sqlite_db, lambda: NOW)
    for channel_id, token in ((20, "aaa"), (30, "bbb")):
        address = f"https://lab.example/feed.xml?token={token}"
        await registry.add(address, kind=models.SourceKind.FEED)
        await posts.add(models.Subscription(guild_id=10, channel_id=channel_id, source=address))
    exported = await _service(sqlite_db).export()
    only_posts = exported[exported.index("[[posts]]") :]
    for text in (exported, only_posts):
        with pytest.raises(errors.UsageError, match="stands for 2 sources") as refused:
            await _apply(sqlite_db, text)
        assert "aaa" not in str(refused.value)
    # As the refusal says.
    _, first, _ = only_posts.split("[[posts]]")
    whole = first.replace("***", "aaa").replace("top = 5", "top = 7")
    assert len(await _apply(sqlite_db, f"[[posts]]{whole}")) == 1
    rows = {row.channel_id: row for row in await posts.list_rows()}
    assert [(rows[id_].source[-3:], rows[id_].top_n) for id_ in (20, 30)] == [("aaa", 7), ("bbb", 5)]


async def test_a_changed_file_changes_what_it_names_and_leaves_the_rest(made: Database) -> None:
    exported = await _service(made).export()
    posts, alerts = Subscriptions(made, lambda: NOW), Alerts(made, lambda: NOW)
    before = {row.id: row for row in await posts.list_rows()}
    changed = exported.replace('at = "18:30"', 'at = "7pm"').replace("paused = true\n", "")
    with pytest.raises(errors.UsageError, match="7pm"):
        await _apply(made, changed)
    changed = changed.replace('at = "7pm"', 'at = "19:00"').replace('excluded = ["survey"]', "min_votes = 4")
    text = changed[: changed.index("[[sources]]")] + changed[changed.index("[[posts]]") :]
    assert await _apply(made, text) == [
        f'change daily post in channel {1 << 60} at 19:00 (UTC): at "18:30" → "19:00", paused true → false',
        'change alert in channel 20 for diffusion "모델": excluded ["survey"] → [], min_votes 0 → 4',
    ]
    after = {row.id: row for row in await posts.list_rows()}
    assert before.keys() == after.keys()
    assert [row.at_time for row in after.values()] == ["09:00", "19:00", "09:00"]
    assert {row.state for row in after.values()} == {models.ActivityState.ACTIVE}
    (in_channel,) = (row for row in await alerts.list_rows() if row.channel_id)
    assert (in_channel.min_votes, in_channel.excluded, in_channel.id) == (4, (), 1)
    assert await _service(made).export() == changed


async def test_what_discord_blocks_is_not_written_as_paused(made: Database) -> None:
    """It comes back by itself, and a file that says otherwise would pause it for good when it is applied later."""
    await Alerts(made, lambda: NOW).resume([1])
    exported = await _service(made).export()
    async with made.transaction() as connection:
        reason = models.Reason.NO_SEND
        active = await daily.list_rows(connection, state=models.ActivityState.ACTIVE)
        blocked = models.ActivityState.PAUSED
        assert await daily.set_state(connection, [row.id for row in active], blocked, reason=reason)
        in_channel = [row.id for row in await alerts.list_rows(connection) if row.channel_id]
        assert await alerts.set_state(connection, in_channel, blocked, reason=reason, by_hand=False)
    assert await _service(made).export() == exported
    assert await _apply(made, exported) == []
    paused = exported.replace('channel = "20"\n', 'channel = "20"\npaused = true\n', 1)
    assert [change.rpartition(": ")[2] for change in await _apply(made, paused)] == ["paused false → true"]
    assert await _service(made).export() != exported


async def test_a_post_that_is_not_in_the_file_stays_beside_two_new_ones(db: Database) -> None:
    await Subscriptions(db, lambda: NOW).add(models.Subscription(guild_id=10, channel_id=20))
    place = '[[posts]]\nguild = "10"\nchannel = "20"\n'
    text = f'{place}topic = "vision"\n{place}topic = "speech"\n'
    assert [change.split()[0] for change in await _apply(db, text)] == ["add", "add"]
    rows = await Subscriptions(db, lambda: NOW).list_rows()
    assert [row.topic for row in rows] == ["", "vision", "speech"]
    assert await _apply(db, text) == []


async def test_a_plan_that_is_outdated_is_not_applied(made: Database) -> None:
    service = _service(made)
    text = (await service.export()).replace('at = "18:30"', 'at = "19:30"')
    plan = await service.plan(text, "set-up.toml")
    await service.apply(text, "set-up.toml", plan)
    with pytest.raises(errors.UsageError, match="changed in the meantime"):
        await service.apply(text, "set-up.toml", plan)


async def test_every_setting_of_a_record_is_a_key_of_the_file() -> None:
    """A new setting is in the file without a line there; what is not a setting is named here."""
    kept_out = {
        "id", "state", "reason", "created_by", "created_at", "next_due_at", "due_on",
        "waiting_for_on", "waiting_until_at", "last_digest_on", "paused_by", "paused_at",
    }  # fmt: skip
    names = {row.name for row in fields(models.Subscription)}
    assert names - set(set_up_file.POSTS.fields.values()) == kept_out
    names = {row.name for row in fields(models.Alert)}
    bookkeeping = {"id", "created_at", "key", "forms", "state", "reason", "paused_until_at"}
    assert names - set(set_up_file.ALERTS.fields.values()) == bookkeeping


async def test_a_file_that_changes_too_much_at_once_is_refused_at_its_line(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_up_file, "MAX_CHANGES", 2)
    posts = [f'[[posts]]\nguild = "10"\nchannel = "{number}"\n' for number in range(20, 24)]
    with pytest.raises(errors.UsageError, match=r"set-up\.toml, line 7: more than 2 entries"):
        await _apply(db, "".join(posts[:3]))
    assert await Subscriptions(db, lambda: NOW).list_rows() == []
    for count in (2, 4):  # what is there already does not count
        assert len(await _apply(db, "".join(posts[:count]))) == 2


async def test_a_file_full_of_problems_is_not_checked_to_its_end(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0
    add = Subscriptions.add

    async def count_and_add(self: Subscriptions, draft: models.Subscription) -> models.Subscription:
        nonlocal tried
        tried += 1
        return await add(self, draft)

    monkeypatch.setattr(Subscriptions, "add", count_and_add)
    with pytest.raises(errors.UsageError, match=r"set-up\.toml: and more\.\nNothing was applied"):
        await _apply(db, '[[posts]]\nguild = "10"\nchannel = "20"\n' * 1_000)
    assert tried <= set_up_file.MAX_FOUND + 1
    assert await Subscriptions(db, lambda: NOW).list_rows() == []


def test_dots_of_keys_are_bounded_before_they_are_parsed() -> None:
    for text in (
        "a" + ".a" * 100_000 + " = 1",
        f"[sources{'.a' * 100_000}]",
        "[[posts]]\nat = 1\nx = { " + '"a" . ' * 50_000 + "a = 1 }",
        '[[posts]]\nat = "' + '\\"' * 50_000 + "\\\n" + "a." * 100_000,
    ):
        with pytest.raises(errors.UsageError, match=r"line \d: a key has more than 20 dots"):
            set_up_file.parse(text, "set-up.toml")
    kept = (
        '[[alerts]]\nchannel = "1"\nterms = [["keyword", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w"]] # '
        + "." * 80
    )
    assert set_up_file.parse(kept, "set-up.toml")[1]["alerts"]
