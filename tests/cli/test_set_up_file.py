"""Exporting the set-up as a file, and applying a file completely or not at all."""

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli import set_up_file
from bot.cli.set_up_file import SetUpFile
from bot.core import settings as core_settings
from bot.features.alerts.service import Alerts
from bot.features.daily import options
from bot.features.daily.service import Subscriptions
from bot.sources import kinds
from storage import daily, errors, key_values, migrate, models
from storage.database import Database

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
SECRET = "s3cr3t-token-of-a-webhook"
WORD = models.AlertTerm(models.AlertKind.KEYWORD, 'diffusion "모델"')


def _service(database: Database) -> SetUpFile:
    return SetUpFile(database, lambda: NOW, core_settings.Settings())


async def _apply(database: Database, text: str) -> list[str]:
    service = _service(database)
    plan = await service.apply(text, "set-up.toml", keep=False)
    assert await service.apply(text, "set-up.toml") == plan
    return list(plan.changes)


async def _set_up(database: Database) -> None:
    registry = kinds.build_source_registry(database, lambda: NOW, core_settings.Settings())
    await registry.add("https://huggingface.co", priority=3)
    # Add this before the next one, as will happen in the other database.
    await registry.add("https://reader:pa55word@papers.example/feed")
    await registry.add("arxiv:cs.CL,cs.LG", options={"cross_lists": "yes", "since": "2025-01-02"})
    posts = Subscriptions(database, lambda: NOW)
    await posts.add(models.Subscription(guild_id=10, channel_id=20, min_votes=3))
    weekly = models.Subscription(
        guild_id=10,
        channel_id=1 << 60,
        at_time="18:30",
        days=(1, 2, 3, 4, 5),
        style=models.Style.WEEKLY,
        mention_role_id=77,
        source="https://reader:***@papers.example/feed",
    )
    await posts.pause((await posts.add(weekly)).id)
    by_webhook = models.Subscription(
        guild_id=models.NO_GUILD, channel_id=555, topic='"RL" \\ \x7f확산', silent=True
    )
    await posts.add(by_webhook, webhook_token=SECRET)
    alerts = Alerts(database, lambda: NOW)
    in_channel = models.Alert(
        0, 7, (WORD,), NOW, channel_id=20, guild_id=10, excluded=("survey",), timing=models.AlertTiming.WEEKLY
    )
    await alerts.add(in_channel)
    await alerts.add(models.Alert(0, 7, (WORD,), NOW))  # a reader's own alert


@pytest.fixture
async def made(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(sqlite_template, tmp_path / "made.db")
    opened = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'made.db'}")
    await _set_up(opened)
    yield opened
    await opened.close()


@pytest.mark.engines("sqlite", "postgresql")
async def test_an_exported_set_up_can_be_applied_to_an_empty_database(db: Database, made: Database) -> None:
    exported = await _service(made).export()
    assert 'days = "mon-fri"' in exported
    assert not [secret for secret in (SECRET, "pa55word") if secret in exported]
    assert exported.count("[[alerts]]") == exported.count("silent = true") == 1
    with pytest.raises(errors.UsageError) as refused:
        await _apply(db, exported)
    assert str(refused.value).count("Write the whole") == 2
    assert "[[" not in await _service(db).export()
    # Each secret has to be given once, as the error says.
    whole = exported.replace("reader:***", "reader:pa55word", 1)
    whole = whole.replace('"555"', f'"https://discord.com/api/webhooks/555/{SECRET}"')
    assert len(await _apply(db, whole)) == 7
    assert await _service(db).export() == exported
    assert await _apply(db, whole) == await _apply(db, exported) == []


async def test_an_entry_keeps_the_settings_that_it_leaves_out(db: Database) -> None:
    await _apply(db, EVERYTHING)
    exported = await _service(db).export()
    partly = """
    sources = [{ source = "https://papers.example/feed.xml" }]
    posts = [
      { guild = "10", channel = "20", paused = true },
      { webhook = "555", paused = false, top = 4 },
    ]
    alerts = [
      { user = "7", guild = "10", channel = "20", when = "daily" },
      { user = "8", keywords = ["robot"], min_votes = 9 },
    ]
    """
    changes = await _apply(db, partly)
    assert [change.rpartition(": ")[2] for change in changes] == [
        "paused false → true",
        "top 5 → 4, paused true → false",
        'when "weekly" → "daily"',
        "min_votes 0 → 9",
    ]
    assert await _apply(db, partly) == []
    assert len(await _apply(db, exported)) == 3, "a file by `config export` names all settings"
    assert await _service(db).export() == exported


async def test_an_entry_names_a_post_by_any_of_its_settings(db: Database) -> None:
    channel = 'guild = "10", channel = "20"'
    later = f'{{ {channel}, at = "18:00", topic = "diffusion", mention = "77" }}'
    await _apply(db, f'posts = [{{ {channel}, at = "09:00" }}, {later}]')
    service = _service(db)
    with pytest.raises(
        errors.UsageError, match=r"posts 1: It could be any of these: .*09:00.*18:00.* on diffusion"
    ):
        await service.apply(f"posts = [{{ {channel}, removed = true }}]", "set-up.toml")
    # Removed is what has all settings of the entry: a wrong one removes nothing, and this is said.
    wrong = f'posts = [{{ {channel}, at = "10:00", removed = true }}, {{ guild = "1", channel = "2", removed = true }}]'
    plan = await service.apply(wrong, "set-up.toml")
    assert (plan.changes, plan.unchanged, len(plan.others)) == ((), 0, 2)
    other_time, other_channel = plan.unmatched
    assert ": posts 1: nothing to remove" in other_time
    assert "at 09:00 (UTC)" in other_time
    assert other_channel.endswith(": posts 2: nothing to remove: no stored entry has these settings.")
    changes = await _apply(db, f'posts = [{{ {channel}, topic = "diffusion", mention = "" }}]')
    assert [change.rpartition(": ")[2] for change in changes] == ['mention "77" → ""']
    assert len(await _apply(db, f'posts = [{{ {channel}, at = "9:00", removed = true }}]')) == 1
    [left] = await db.fetch(daily.list_rows)
    assert left.topic == "diffusion"
    # The only one left: its place is enough.
    assert len(await _apply(db, f"posts = [{{ {channel}, removed = true }}]")) == 1
    assert "[[" not in await service.export()


async def test_what_is_renamed_is_removed_and_added_and_said_first(db: Database) -> None:
    await _apply(db, EVERYTHING)
    exported = await _service(db).export()
    ids = {row.id for row in await db.fetch(daily.list_rows)}
    renamed = exported.replace('topic = "diffusion"', 'topic = "robots"')
    renamed = renamed.replace('keywords = [\n    "diffusion",', 'keywords = [\n    "robots",')
    renamed = renamed.replace('topic = ""', 'topic = "newts"')
    plan = await _service(db).apply(renamed, "set-up.toml", keep=False)
    assert [change.split()[0] for change in plan.changes] == ["remove", "add"] * 3, plan
    assert "on diffusion: the file has another entry in its place" in plan.changes[0]
    assert plan.changes[1].endswith("on robots")
    assert (plan.unchanged, len(plan.others)) == (1, 1)  # the reader's own alert is not in the file
    assert len(await _apply(db, renamed)) == 6
    assert await _service(db).export() == renamed
    assert await _apply(db, renamed) == []
    rows = await db.fetch(daily.list_rows)
    assert ({row.topic for row in rows}, ids & {row.id for row in rows}) == ({"robots", "newts"}, set())
    assert await db.fetch(daily.list_unaddressed) == [], "a renamed post keeps its webhook"


async def test_a_new_entry_removes_nothing_that_the_file_has_too(db: Database) -> None:
    place = 'guild = "10", channel = "20"'
    one, two = (f'{{ {place}, at = "09:00", topic = "{topic}" }}' for topic in ("robots", "newts"))
    await _apply(db, f"posts = [{one}]")
    [added] = await _apply(db, f"posts = [{two}, {one}]")
    assert added.startswith("add ")
    # One of two has another time now, whichever comes first; a third topic takes the place of none.
    later = one.replace("09:00", "18:00")
    for text in (f"posts = [{later}, {two}]", f"posts = [{two}, {one}]"):
        [changed] = await _apply(db, text)
        assert changed.startswith("change "), changed
    [added] = await _apply(db, f"posts = [{one.replace('robots', 'herons')}]")
    assert added.startswith("add ")
    assert len(await db.fetch(daily.list_rows)) == 3
    # Two new ones take the place of no single one, here that on herons.
    more = ", ".join(one.replace("robots", topic) for topic in ("crows", "rooks"))
    changes = await _apply(db, f"posts = [{one}, {two}, {more}]")
    assert [change.split()[0] for change in changes] == ["add", "add"], changes
    assert len(await db.fetch(daily.list_rows)) == 5


async def test_two_posts_on_one_topic_are_told_apart_by_their_other_settings(db: Database) -> None:
    place = 'guild = "10", channel = "20", timezone = "UTC"'
    korean, english = (f'{{ {place}, at = "09:00", locale = "{locale}" }}' for locale in ("ko", "en"))
    assert len(await _apply(db, f"posts = [{korean}, {english}]")) == 2
    [changed] = await _apply(db, f"posts = [{english.replace('09', '08')}, {korean}]")
    assert changed.endswith(': at "09:00" → "08:00"')
    # The rest may be left out in an entry that has only one to mean.
    [changed] = await _apply(db, f'posts = [{{ {place}, locale = "ko", top = 3 }}]')
    assert changed.endswith(": top 5 → 3")


async def test_a_number_that_is_not_whole_and_true_are_refused_by_key(sqlite_db: Database) -> None:
    of_guild = ("1.23456789012345678e17", "true", "10.0", '"1e5"')
    others = ["mention = 77.0", "mention = false", "top = true", "min_votes = 2.0", "silent = 1"]
    for wrong in (
        *(f"guild = {value}" for value in of_guild),
        *(f'guild = "10"\n{line}' for line in [*others, "days = [1.0]"]),
    ):
        key = wrong.splitlines()[-1].partition(" ")[0]
        said = rf"set-up.toml:\d: posts 1: {key}: .*(whole number|boolean)"
        with pytest.raises(errors.UsageError, match=said):
            await _apply(sqlite_db, f'{ALERT}[[posts]]\nchannel = "20"\n{wrong}\n')
    assert "[[" not in await _service(sqlite_db).export()


async def test_an_entry_removes_an_alert_or_a_webhook_post_by_its_place(db: Database) -> None:
    await _apply(db, EVERYTHING)
    by_place = """
    posts = [{ webhook = "555", removed = true }]
    alerts = [{ user = "7", guild = "10", channel = "20", removed = true }, { user = "8", removed = true }]
    """
    assert [change.split()[0] for change in await _apply(db, by_place)] == ["remove"] * 3
    assert len((await _service(db).apply(by_place, "set-up.toml")).unmatched) == 3


@pytest.mark.engines("sqlite", "postgresql")
async def test_the_address_of_a_webhook_that_is_missing_or_new_is_stored(db: Database) -> None:
    """`export --all` holds all but webhooks' tokens; after the import, `config apply` puts them back."""
    await _apply(db, EVERYTHING)
    await _apply(db, 'posts = [{ webhook = "555", paused = false }]')
    exported = await _service(db).export()
    key = f"{key_values.WEBHOOK}555"
    await db.write(key_values.remove, key)
    assert await db.fetch(daily.list_unaddressed) == [555]
    with pytest.raises(errors.UsageError, match="Write the whole URL"):
        await _apply(db, exported)
    for token in ("token-of-a-webhook", "token-of-a-webhook?thread_id=9"):
        async with db.transaction() as connection:
            [post] = [row for row in await daily.list_rows(connection) if row.is_by_webhook]
            gone = models.Reason.WEBHOOK_GONE
            await daily.set_state(connection, [post.id], models.ActivityState.PAUSED, reason=gone)
        file = f'posts = [{{ webhook = "https://discord.com/api/webhooks/555/{token}" }}]'
        [change] = await _apply(db, file)
        assert change.endswith(": the webhook's address")
        assert "token-of" not in change
        assert await db.fetch(key_values.get, key) == token
        assert (await Subscriptions(db, lambda: NOW).get(post.id)).state is models.ActivityState.ACTIVE
        assert await _apply(db, file) == []


async def test_applying_the_same_file_twice_changes_nothing(db: Database) -> None:
    assert len(await _apply(db, EVERYTHING)) == 5
    exported = await _service(db).export()
    assert await _apply(db, EVERYTHING) == await _apply(db, exported) == []
    assert exported.count("[[alerts]]") == 1, "a reader's own alert is not exported"
    posts = {row.channel_id: row for row in await Subscriptions(db, lambda: NOW).list_rows()}
    in_channel, by_webhook = posts[20], posts[555]
    assert (in_channel.mention_role_id, in_channel.days) == (77, (1, 2, 3, 4, 5))
    assert in_channel.source == "https://papers.example/feed.xml"
    assert (by_webhook.is_by_webhook, by_webhook.state) == (True, models.ActivityState.PAUSED)
    of_channel, of_reader = await Alerts(db, lambda: NOW).list_rows()
    assert (of_channel.channel_id, of_reader.channel_id, of_reader.user_id) == (20, None, 8)
    kinds_of_terms = [term.kind.value for term in of_channel.terms]
    assert kinds_of_terms == ["keyword", "author", "institution"]
    assert (of_channel.weekday, of_channel.max_a_day) == (5, 2)
    # Entries to remove are matched in the same way as entries to change.
    removed = re.sub(r"(?m)^\[\[.*", r"\g<0>\nremoved = true", EVERYTHING)
    assert [change.split()[0] for change in await _apply(db, removed)] == ["remove"] * 5
    assert "[[" not in await _service(db).export()
    assert await _apply(db, removed) == []


async def test_a_post_of_what_is_like_the_list_is_applied_once_and_none_by_webhook(db: Database) -> None:
    """docs/planning.md: with a label it goes through its source's papers, which the file need not name."""
    source = '[[sources]]\nsource = "https://papers.example/feed.xml"\nkind = "feed"\noptions = {label = "ICLR 2026"}\n'
    topics = ("비슷:우리 목록 -survey", 'like:list in:"ICLR 2026"')
    posts = [f"[[posts]]\nguild = 1\nchannel = 2\ntopic = '{topic}'\n" for topic in topics]
    file = "".join([source, *posts])
    assert [change.split()[0] for change in await _apply(db, file)] == ["add"] * 3
    assert await _apply(db, file) == await _apply(db, await _service(db).export()) == []
    by_webhook = '[[posts]]\nwebhook = "https://discord.com/api/webhooks/555/token-of-a-webhook"\ntopic = "like:list"\n'
    with pytest.raises(errors.UsageError, match="of no server"):
        await _apply(db, by_webhook)


EVERYTHING = """
[[sources]]
source = "https://papers.example/feed.xml"
kind = "feed"
priority = 3
options = { timezone = "Asia/Seoul" }

[[posts]]
guild = "10"
channel = "20"
at = "18:30"
timezone = "Asia/Seoul"
top = 7
min_votes = 2
days = "mon-fri"
locale = "ko"
style = "weekly"
topic = "diffusion"
from = "https://papers.example/feed.xml"
mention = "77"
silent = true

[[posts]]
webhook = "https://discord.com/api/webhooks/555/token-of-a-webhook"
paused = true

[[alerts]]
user = 7
guild = "10"
channel = "20"
keywords = ["diffusion"]
authors = ["Kim Minsu"]
institutions = ["KAIST"]
match_all = true
excluded = ["survey"]
min_votes = 4
when = "weekly"
at = "08:00"
timezone = "Asia/Seoul"
weekday = "fri"
max_a_day = 2

[[alerts]]
user = "8"
keywords = ["robot"]
paused = true
"""


POST = '[[posts]]\nguild = "10"\nchannel = "20"\n'
HOOK = '[[posts]]\nwebhook = "https://discord.com/api/webhooks/5/token-of-a-webhook"\n'
ALERT = '[[alerts]]\nguild = "10"\nchannel = "20"\nuser = "7"\nkeywords = ["RL"]\n'
WRONG: tuple[tuple[str, str, str], ...] = (
    ("[[posts]\n", "line 5", "not valid TOML"),
    ("[[post]]\n", "post", "unknown key; known are sources, posts, alerts."),
    ('[[posts]]\nguild = "10"\n', "posts 2", "needs either"),
    (ALERT.replace('guild = "10"\n', ""), "alerts 1", "needs its guild"),
    ('[[posts]]\nguild = "10"\nchannel = "0"\n', "posts 2", "channel: Input should be greater than 0"),
    (POST + "colour = 1\n", "posts 2", "colour: unknown key; known are removed, guild, channel, "),
    (POST + "top = 26\n", "posts 2", "less than or equal to 25"),
    (POST + "min_votes = -1\n", "posts 2", "greater than or equal to 0"),
    (POST + 'days = "someday"\n', "posts 2", "weekday"),
    (POST + 'style = "loud"\n', "posts 2", "compact"),
    (POST + 'at = "25:00"\n', "posts 2", "25:00"),
    (POST + 'from = "arxiv:cs.XX"\n', "posts 2", "is not a source"),
    (POST + 'webhook = "5"\n', "posts 2", "needs either"),
    ('[[posts]]\nwebhook = "5"\n', "posts 2", "Write the whole URL"),
    (
        "".join(
            f'[[posts]]\nwebhook = "https://ptb.discord.com/api/webhooks/5/token-of-a-webhook?thread_id={n}"\n'
            for n in (7, 8)
        ),
        "posts 3",
        "one place",
    ),
    ('[[posts]]\nwebhook = "https://example.com/5"\n', "posts 2", "not a Discord webhook URL"),
    (HOOK + 'style = "forum"\n', "posts 2", "compact, cards, weekly"),
    (POST + 'timezone = "UTC"\n' + POST + 'timezone = "UTC"\n', "posts 3", "already"),
    (ALERT.replace("RL", "the"), "alerts 1", "only of common words"),
    (ALERT.replace('user = "7"\n', ""), "alerts 1", "user: Field required"),
    ('[[sources]]\nsource = "https://a:***@b.example/"\n', "sources 1", "has a secret"),
    ('[[sources]]\nsource = "arxiv:nothing"\n', "sources 1", "cs.CL"),
    ('[[sources]]\nsource = "arxiv:cs.CL"\n' * 2, "sources 2", "in the file already"),
    ('[[sources]]\nsource = "arxiv:cs.CL"\n[sources.options]\nsince = "soon"\n', "sources 1", "soon"),
)
"""Invalid entries to put after a valid post: each with the name of the entry and a part of the error."""


@pytest.mark.parametrize("written", ["hf.co/papers", "https://huggingface.co/", "./digests"])
async def test_an_address_in_any_spelling_is_the_stored_one(
    sqlite_db: Database, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single run applies its file each time: a post that is removed and added is due again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digests").mkdir()
    post = f'[[posts]]\nguild = "10"\nchannel = "20"\nfrom = "{written}"\nat = "09:00"\n'
    file = f'[[sources]]\nsource = "{written}"\n{post}'
    assert len(await _apply(sqlite_db, file)) == 2
    assert await _apply(sqlite_db, file) == []


async def test_an_invalid_entry_is_reported_by_name_and_nothing_is_changed(sqlite_db: Database) -> None:
    for wrong, entry, hint in WRONG:
        with pytest.raises(errors.UsageError) as refused:
            await _apply(sqlite_db, f'{POST}topic = "diffusion"\n{wrong}')
        assert (entry in str(refused.value), hint in str(refused.value)) == (True, True), (wrong, refused)
    assert "[[" not in await _service(sqlite_db).export()


async def test_all_problems_are_reported_at_once_with_their_lines_and_keys(sqlite_db: Database) -> None:
    text = (
        f'{POST}at = "25:00"\ntimezone = "Mars/X"\ndays = "someday"\n\n[[sources]]\nsource = "nowhere"\n'
        f'\n{ALERT}at = "noon"\n[[alerts]]\nuser = "7"\nkeywords = ["the"]\n[other]\n'
    )
    with pytest.raises(errors.UsageError) as refused:
        await _apply(sqlite_db, text)
    starts = [
        "set-up.toml: other: unknown key",
        "set-up.toml:1: posts 1: at: '25:00'",
        "set-up.toml:1: posts 1: timezone: 'Mars/X'",
        "set-up.toml:1: posts 1: days: 'someday'",
        "set-up.toml:11: alerts 1: at: 'noon'",
        "set-up.toml:8: sources 1: nowhere",
        "set-up.toml:17: alerts 2: ",
        "Nothing was applied.",
    ]
    found = str(refused.value).splitlines()
    assert [line.startswith(start) for line, start in zip(found, starts, strict=True)] == [True] * 8, found


async def test_a_redacted_address_shared_by_two_sources_is_refused(sqlite_db: Database) -> None:
    registry = kinds.build_source_registry(sqlite_db, lambda: NOW, core_settings.Settings())
    for token in ("aaa", "bbb"):
        await registry.add(f"https://lab.example/feed.xml?token={token}", kind=models.SourceKind.FEED)
    for table in ("sources]]\nsource", 'posts]]\nguild = "10"\nchannel = "20"\nfrom'):
        with pytest.raises(errors.UsageError) as refused:
            await _apply(sqlite_db, f'[[{table} = "https://lab.example/feed.xml?token=***"\n')
        assert "aaa" not in str(refused.value)


async def test_a_post_without_a_time_is_named_by_what_it_waits_for(made: Database) -> None:
    text = f'[[posts]]\nguild = "10"\nchannel = "{1 << 59}"\ntimezone = "UTC"\n'
    assert await _apply(made, text) == [
        f"add daily post in channel {1 << 59} once the list is complete (UTC)"
    ]


async def test_only_changed_entries_of_a_file_are_applied(made: Database) -> None:
    exported = await _service(made).export()
    posts, alerts = Subscriptions(made, lambda: NOW), Alerts(made, lambda: NOW)
    before = {row.id: row for row in await posts.list_rows()}
    changed = exported.replace('at = "18:30"', 'at = "7pm"').replace("paused = true", "paused = false")
    with pytest.raises(errors.UsageError, match="7pm"):
        await _apply(made, changed)
    changed = changed.replace('at = "7pm"', 'at = "19:00"')
    changed = changed.replace('excluded = [\n    "survey",\n]\nmin_votes = 0', "excluded = []\nmin_votes = 4")
    text = changed[: changed.index("[[sources]]")] + changed[changed.index("[[posts]]") :]
    assert await _apply(made, text) == [
        f'change daily post in channel {1 << 60} at 19:00 (UTC): at "18:30" → "19:00", paused true → false',
        'change alert in channel 20 for diffusion "모델": excluded ["survey"] → [], min_votes 0 → 4',
    ]
    after = {row.id: row for row in await posts.list_rows()}
    assert before.keys() == after.keys()
    assert [row.at_time for row in after.values()] == ["", "19:00", ""]
    assert {row.state for row in after.values()} == {models.ActivityState.ACTIVE}
    (in_channel,) = (row for row in await alerts.list_rows() if row.channel_id)
    assert (in_channel.min_votes, in_channel.excluded, in_channel.id) == (4, (), 1)
    assert await _service(made).export() == changed


async def test_a_post_blocked_by_discord_is_not_exported_as_paused(made: Database) -> None:
    """Such a post resumes automatically; a file with `paused` would later pause it for good."""
    await Alerts(made, lambda: NOW).resume(1)
    exported = await _service(made).export()
    async with made.transaction() as connection:
        reason = models.Reason.NO_SEND
        active = await daily.list_rows(connection, state=models.ActivityState.ACTIVE)
        blocked = models.ActivityState.PAUSED
        assert active
        await daily.set_state(connection, [row.id for row in active], blocked, reason=reason)
    assert await _service(made).export() == exported
    assert await _apply(made, exported) == []
    [before] = [entry for entry in exported.split("\n\n") if 'channel = "20"' in entry and "[[posts" in entry]
    paused = exported.replace(before, before.replace("paused = false", "paused = true"))
    assert [change.rpartition(": ")[2] for change in await _apply(made, paused)] == ["paused false → true"]
    assert await _service(made).export() != exported


async def test_a_post_without_a_zone_gets_the_zone_of_its_server_or_language(db: Database) -> None:
    file = """
posts = [
  { guild = 10, channel = 20 },
  { guild = 10, channel = 21, timezone = "Europe/Berlin" },
  { guild = 11, channel = 30, locale = "ko" },
  { guild = 12, channel = 40 },
]
"""
    await _apply(db, file)
    await _apply(db, "posts = [{ guild = 11, channel = 31 }]")
    rows = await db.fetch(daily.list_rows)
    zones = {row.channel_id: row.timezone for row in rows}
    assert zones == {20: "Europe/Berlin", 21: "Europe/Berlin", 30: "Asia/Seoul", 31: "Asia/Seoul", 40: "UTC"}
    assert await _apply(db, file) == []


async def test_a_weekly_post_without_days_comes_on_mondays(db: Database) -> None:
    weekly = 'posts = [{ guild = 10, channel = 20, style = "weekly" }'
    await _apply(db, f'{weekly}, {{ guild = 10, channel = 21, style = "weekly", days = "fri" }}]')
    rows = await db.fetch(daily.list_rows)
    assert {row.channel_id: row.days for row in rows} == {20: (1,), 21: (5,)}
    assert await _apply(db, f"{weekly}]") == []


async def test_the_file_covers_every_setting_of_a_record() -> None:
    """Only the fields listed here are not settings."""
    kept_out = {
        "id", "state", "reason", "created_by", "created_at", "last_on",
    }  # fmt: skip
    names = {row.name for row in fields(models.Subscription)} - kept_out
    assert names == {"guild_id", "channel_id", *options.SETTINGS}, "no row in the table of settings"
    assert names == set(set_up_file.PostEntry.model_fields) - {"removed", "webhook", "paused"}
    bookkeeping = {"id", "created_at", "key", "paused", "right_lost_at"}
    kinds_of_terms = len(models.AlertKind)
    names = {row.name for row in fields(models.Alert)} - bookkeeping - {"terms"}
    entry = set(set_up_file.AlertEntry.model_fields) - {"removed", "paused"}
    assert len(names) + kinds_of_terms == len(entry)
