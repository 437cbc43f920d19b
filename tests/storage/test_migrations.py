"""Migrations: stored databases of former versions get the schema that `storage.tables` declares, and lose nothing."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from storage import (
    club,
    daily,
    key_values,
    migrate,
    migrations,
    models,
    paper_texts,
    papers,
    shelf,
    tables,
    writer,
)
from storage.database import Connection, Database
from tests.support import case_files, outbox_builders, upgrades
from tests.support.world import World


class Schema(NamedTuple):
    """A database's tables as SQLAlchemy reads them, and what it does not read."""

    tables: sa.MetaData
    others: set[tuple[str, ...]]


def read_schema(connection: sa.Connection) -> Schema:
    """Return the schema of a database, with the statements of indexes and the options of SQLite's tables."""
    reflected = sa.MetaData()
    reflected.reflect(connection)
    if connection.dialect.name == "postgresql":
        query = "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        return Schema(reflected, set(map(tuple, connection.exec_driver_sql(query))))
    rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
    options = r"AUTOINCREMENT|WITHOUT ROWID|PRIMARY KEY \([^)]*\)"
    others = {
        (row.name, *re.findall(options if row.type == "table" else ".+", " ".join(row.sql.split())))
        for row in rows
    }
    return Schema(reflected, others)


async def find_differences(connection: Connection, created: Schema) -> list[Any]:
    """Return how a database differs from one that was created, by Alembic and by what Alembic does not compare."""
    found = await connection.run_sync(read_schema)

    def compare(inner: sa.Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(inner, opts=options), created.tables))

    return [*await connection.run_sync(compare), *found.others ^ created.others]


async def read_created(db: Database) -> Schema:
    """Return the schema of a database that `create_all` made."""
    async with db.read() as connection:
        return await connection.run_sync(read_schema)


async def _change_nothing(connection: Connection) -> None:
    return


@asynccontextmanager
async def upgraded(
    db: Database,
    folder: Path = upgrades.STORED[0],
    before: Callable[[Connection], Awaitable[object]] = _change_nothing,
) -> AsyncIterator[Database]:
    """Open a stored installation in place of a database, after `before` in its former version."""
    await db.close()
    upgrades.restore(folder, db.url)
    async with Database(db.url) as older:
        await older.write(before)
    async with await migrate.open_database(db.url, approve=upgrades.approve) as opened:
        yield opened


@pytest.mark.promise
@pytest.mark.parametrize("folder", upgrades.STORED, ids=lambda folder: folder.name)
async def test_each_stored_version_gets_the_schema_of_a_new_database(folder: Path, db: Database) -> None:
    created = await read_created(db)
    async with upgraded(db, folder) as opened:
        assert await opened.fetch(find_differences, created) == [], "a table changed without a migration"


async def test_released_migrations_do_not_change_with_later_declarations(db: Database) -> None:
    """The names of constraints, and the times that are stored, are those of the release."""

    async def upgrade() -> tuple[list[Any], list[Any]]:
        async with upgraded(db) as opened, opened.read() as connection:
            names = "SELECT sql FROM sqlite_master WHERE type = 'table' ORDER BY name"
            if not opened.is_sqlite:
                names = "SELECT conname FROM pg_constraint ORDER BY conname"
            times = await connection.exec_driver_sql("SELECT meets_at FROM clubs ORDER BY guild_id")
            return (await connection.exec_driver_sql(names)).all(), times.all()  # type: ignore[return-value]

    before = await upgrade()
    later = {"pk": "primary_%(table_name)s", "fk": "foreign_%(table_name)s_%(column_0_N_name)s"}
    with (
        mock.patch.object(tables.metadata, "naming_convention", later),
        mock.patch.object(tables, "UtcTime", tables.Stored(sa.Text(), str, repr)),
    ):
        assert await upgrade() == before


@pytest.mark.parametrize("folder", upgrades.STORED, ids=lambda folder: folder.name)
async def test_the_arxiv_ids_of_stored_papers_are_their_keys(folder: Path, db: Database) -> None:
    before = list[list[Any]]()

    async def read(connection: Connection) -> None:
        for columns, table in (("id, arxiv_id", "papers"), ("arxiv_id, prompt_version", "drafts")):
            rows = await connection.exec_driver_sql(f"SELECT {columns} FROM {table} ORDER BY 1, 2")
            before.append(list(map(tuple, rows)))

    async with upgraded(db, folder, read) as opened, opened.read() as connection:
        stored, drafts = tables.papers.c, writer.drafts.c
        query = sa.select(stored.id, stored.key).where(stored.scheme == "arxiv").order_by(stored.id)
        written = sa.select(drafts.paper_key, drafts.prompt_version).order_by(*drafts[:2])
        assert [list(map(tuple, await connection.execute(one))) for one in (query, written)] == before
        assert before[0]


async def test_texts_that_the_writer_published_are_still_known(db: Database) -> None:
    async def publish(connection: Connection) -> None:
        await key_values.set_value(connection, "printed:/a.md", '["a", "b"]')
        await key_values.set_value(connection, "written-by:b", "a model")

    models_by_hash = sa.select(writer.published_texts.c.hash, writer.published_texts.c.model)
    async with upgraded(db, before=publish) as opened, opened.read() as connection:
        assert await writer.list_published(connection, "/a.md") == {"a", "b"}
        assert ("b", "a model") in (await connection.execute(models_by_hash)).all()


@pytest.mark.engines("sqlite")
async def test_a_new_event_of_a_paper_has_a_number_after_those_that_threads_were_told(db: Database) -> None:
    """Also if the last one that they were told is gone: a thread would be told nothing of the next ones."""

    async def tell(connection: Connection) -> None:
        await key_values.set_value(connection, key_values.NEWS_OF_THREADS, "7")

    event = "INSERT INTO paper_events (paper_id, kind, text, found_at) SELECT id, 'code', '', '2026-01-05' FROM papers"
    async with upgraded(db, before=tell) as opened, opened.transaction() as connection:
        await connection.exec_driver_sql(f"{event} LIMIT 1")
        newest = await connection.exec_driver_sql("SELECT max(id) FROM paper_events")
        assert newest.scalar() == 8


async def test_nominations_are_on_the_servers_list_without_names(db: Database) -> None:
    """By the first, with when; another's of the same paper, at the same time or later, adds nothing.

    PRIVACY.md of 0.2.0: the paper that somebody nominated is kept for the next vote, until that is counted.
    """
    nominated = list[Any]()

    async def nominate(connection: Connection) -> None:
        rows = "SELECT guild_id, paper_id, user_id, nominated_at FROM club_nominations ORDER BY user_id"
        nominated.extend((await connection.exec_driver_sql(rows)).all())
        for number, at in (("1", "nominated_at"), ("2", "'2026-01-12 09:00:00+00:00'")):
            other = f"user_id + {number}, paper_id, {at}"
            more = f"INSERT INTO club_nominations SELECT guild_id, {other} FROM club_nominations"
            await connection.exec_driver_sql(f"{more} WHERE user_id = {nominated[0].user_id}")

    async with upgraded(db, upgrades.STORED[-1], nominate) as opened:
        [first] = nominated
        [paper], _ = await opened.fetch(shelf.list_rows, first.guild_id)
    assert (paper.id, paper.added_by) == (first.paper_id, None)
    assert paper.saved_at == datetime(2026, 1, 10, 12, 5, tzinfo=UTC)


SIX_OF_SEVEN = Path(__file__).parents[1] / "data" / "messages" / "six_of_seven.json"
"""A message of 0.3.0's development: of its seven papers, which its menu lists, the last has no text."""


async def test_a_paper_that_a_full_message_left_out_returns(db: Database) -> None:
    sent = list[Any]()

    async def fill(connection: Connection) -> None:
        execute = connection.exec_driver_sql
        query = "SELECT id, channel_id FROM deliveries WHERE kind = 'daily' AND digest_on = '2026-01-06'"
        sent.append(
            (await execute(f"{query} AND state = 'sent' AND locale = 'en' ORDER BY id LIMIT 1")).one()
        )
        full = sa.text("UPDATE parts SET payload = :payload WHERE delivery_id = :id")
        await connection.execute(full, {"payload": SIX_OF_SEVEN.read_text(), "id": sent[0].id})
        await execute(f"DELETE FROM delivery_papers WHERE delivery_id = {sent[0].id}")
        await execute(
            f"INSERT INTO delivery_papers (delivery_id, paper_id, position) SELECT {sent[0].id}, id, 0"
            " FROM papers WHERE arxiv_id BETWEEN '2601.05' AND '2601.06000'"
        )

    async with upgraded(db, upgrades.STORED[-1], fill) as opened, opened.read() as connection:
        rows = await daily.list_rows(connection, channel_id=sent[0].channel_id)
        marks = await daily.list_marks(connection, rows, returned_since=datetime(2026, 1, 1, tzinfo=UTC))
        [paper_id] = {id_ for mark in marks.values() for id_ in mark.returned}
        lost = await papers.get_ids(connection, ["2601.06000"])
    assert [paper_id] == list(lost.values())


async def test_a_meeting_under_way_goes_on(db: Database) -> None:
    async with upgraded(db) as opened:
        [met] = await opened.fetch(club.list_present)
    assert (met.step, met.meets_at) == ("paper", datetime(2026, 1, 10, 17, tzinfo=UTC))


@pytest.mark.parametrize("version", [12, 29])
async def test_what_a_posts_topic_left_out_becomes_an_operator(db: Database, version: int) -> None:
    """The operators mean what the search of the version before read; what left nothing out, or does so as before, stays."""
    rows = case_files.load(__file__, "test_what_a_posts_topic_left_out_becomes_an_operator")
    topics = {old: new for before, old, new in rows if before == version}
    async with db.transaction() as connection:
        for channel_id, topic in enumerate(topics, 1):
            post = models.Subscription(guild_id=1, channel_id=channel_id, timezone="UTC", topic=topic)
            await daily.add(connection, post)
        await connection.run_sync(migrations.MIGRATIONS[version])
        stored = await daily.list_rows(connection, state=models.ActivityState.ACTIVE)
    assert {row.channel_id: row.topic for row in stored} == dict(enumerate(topics.values(), 1))


async def test_a_post_keeps_its_topic_if_the_channel_has_the_one_that_it_would_become(db: Database) -> None:
    async with db.transaction() as connection:
        for topic in ("diffusion except GANs", "diffusion without GANs", "video without GANs"):
            await daily.add(
                connection, models.Subscription(guild_id=1, channel_id=1, timezone="UTC", topic=topic)
            )
        await connection.run_sync(migrations.MIGRATIONS[12])
        rows = await daily.list_rows(connection, state=models.ActivityState.ACTIVE)
    assert {row.topic for row in rows} == {"diffusion -GANs", "diffusion without GANs", "video -GANs"}


async def test_texts_that_were_web_pages_are_removed_and_what_was_written_from_them_is_marked(
    db: Database,
) -> None:
    """Hugging Face's Markdown of a paper without arXiv HTML was its web page; texts from arXiv's HTML have that address."""
    await World(db).list("Mon", "A▲9 B▲8")
    at = datetime(2025, 5, 6, tzinfo=UTC)
    async with db.transaction() as connection:
        ids = await papers.list_newest_ids(connection, limit=2)
        rows = await papers.list_rows(connection, ids)
        urls = ("https://huggingface.co/papers/{}.md", "https://arxiv.org/html/{}")
        for row, url in zip(rows, urls, strict=True):
            text = models.PaperText(row.key, "Lamps.", url.format(row.key), at)
            await paper_texts.save(connection, text)
            draft = writer.Draft(
                row.key, models.DigestFormat.REVIEW, models.Locale.EN, "1", "m", at, "h", basis="paper"
            )
            await writer.save_draft(connection, draft)
        # As it was then, and as they were called.
        await connection.exec_driver_sql("CREATE TABLE vectors (paper_id BIGINT, kind TEXT)")
        columns = ("papers", "key"), ("paper_texts", "paper_key"), ("drafts", "paper_key")
        for table, name in columns:
            await connection.exec_driver_sql(f"ALTER TABLE {table} RENAME COLUMN {name} TO arxiv_id")
        await connection.run_sync(migrations.MIGRATIONS[25])
        for table, name in columns:
            await connection.exec_driver_sql(f"ALTER TABLE {table} RENAME COLUMN arxiv_id TO {name}")
        names = [row.key for row in rows]
        assert [await paper_texts.get(connection, name) is not None for name in names] == [False, True]
        drafts = await writer.find_draft(connection, draft, names)
        assert [drafts[name].basis for name in names] == ["none", "paper"]


@pytest.mark.parametrize(
    "change",
    [
        "DROP INDEX ix_papers_votes",
        "ALTER TABLE clubs ADD COLUMN extra INTEGER",
        "CREATE UNIQUE INDEX uq_more ON papers (title)",
        "DROP INDEX ix_matches_unsent; CREATE INDEX ix_matches_unsent ON matches (ready_at, paper_id)",
        ("saved_papers", "note TEXT DEFAULT '' NOT NULL", "note TEXT DEFAULT ''"),
        ("saved_papers", "note TEXT DEFAULT '' NOT NULL", "note TEXT DEFAULT 'none' NOT NULL"),
        ("parts", ", CONSTRAINT uq_parts_nonce UNIQUE (nonce)", ""),
        ("alerts", " AUTOINCREMENT", ""),
        ("feedback", "PRIMARY KEY (user_id, paper_id)", "PRIMARY KEY (paper_id, user_id)"),
    ],
    ids=str,
)
@pytest.mark.engines("sqlite")
async def test_a_change_without_a_migration_is_found(
    db: Database, change: str | tuple[str, str, str]
) -> None:
    created = await read_created(db)
    async with migrate._open_for_migration(db) as connection:
        if isinstance(change, str):
            for statement in change.split("; "):
                await connection.exec_driver_sql(statement)
        else:
            name, old, new = change
            await connection.run_sync(migrations.rebuild_table, name, {old: new})
        assert await find_differences(connection, created)


async def test_a_rebuilt_table_keeps_rows_references_ids_and_indexes(db: Database) -> None:
    posts = [outbox_builders.new_subscription(channel_id) for channel_id in (20, 21, 22)]
    async with db.transaction() as connection:
        ids = [await daily.add(connection, post) for post in posts]
        await daily.remove(connection, ids[2])
        before = await daily.list_rows(connection)
    indexes = (await read_created(db)).others
    await outbox_builders.add(db, outbox_builders.new_delivery(subscription_id=ids[1]))
    await db.close()
    subscription_id = sa.select(tables.deliveries.c.subscription_id)
    with upgrades.more_migrations(upgrades.relax_topics, upgrades.add_remarks):
        opened = await migrate.open_database(db.url, approve=upgrades.approve)
        async with opened.transaction() as connection:
            assert await daily.list_rows(connection) == before
            assert await connection.scalar(subscription_id) == ids[1]
            assert indexes <= (await connection.run_sync(read_schema)).others
            await connection.execute(sa.text("UPDATE subscriptions SET topic = NULL"))
            assert await daily.add(connection, posts[2]) == ids[2] + 1, "an id is never given twice"
            # References work again after the upgrade.
            await daily.remove(connection, ids[1])
            assert await connection.scalar(subscription_id) is None
            assert await connection.scalar(sa.text("SELECT count(*) FROM remarks")) == 0
        await opened.close()


@pytest.mark.parametrize(("position", "texts"), [(0, 3), (1, 2)])
def test_the_header_of_a_post_is_in_its_first_message_alone(position: int, texts: int) -> None:
    """Of a second message that shows all its papers, the last one would come again."""
    options = [{"value": arxiv_id} for arxiv_id in ("2601.00001", "2601.00002", "2601.00003")]
    menu = {"type": 1, "components": [{"type": 3, "options": options}]}
    payload = {"components": [{"type": 17, "components": [*[{"type": 10}] * texts, menu]}]}
    not_shown = migrations._list_papers_not_shown(payload, has_header=position == 0)
    assert not_shown == ["2601.00003"]
