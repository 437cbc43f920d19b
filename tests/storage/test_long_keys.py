"""The alias of a long key, which buttons carry for years: it stays the paper's in a copy, a backup, a join and an upgrade."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.archive import digest_writer
from bot.archive.ingest import IngestService
from storage import archive, backups, copying, migrate, models, papers
from storage.database import Connection, Database
from tests.support import paper_records, upgrades

KEY = f"cvf/CVPR2026/Kim_{'Editing_Long_Videos_' * 11}"
ALIAS = "~HYWMMUzyMQgPD-pBvHuJZg"


async def _add(db: Database, *keys: str) -> dict[str, int]:
    return await db.write(papers.add, digest_writer.unlisted_papers(keys))


def test_an_alias_is_the_same_in_all_versions() -> None:
    """Messages that were sent hold it."""
    assert models.alias_of(KEY) == ALIAS
    assert models.alias_of("2601.00001") == "2601.00001"
    assert models.alias_of("doi/10.1234/moss.2026.9") == "doi/10.1234/moss.2026.9"


@pytest.mark.parametrize("way", ["copy", "file", "backup"])
async def test_a_long_keys_alias_is_the_papers_in_a_copy(
    db: Database, target: Database, tmp_path: Path, way: str
) -> None:
    ids, file = await _add(db, KEY, "2601.00001"), tmp_path / "moved"
    if way == "copy":
        await copying.copy(db, target)
    elif way == "file":
        await copying.export(db, file)
        async with copying.open_export(file, target.path) as opened:
            await copying.copy(opened, target)
    else:
        if db.path is None or target.path is None:
            pytest.skip("PostgreSQL has pg_dump")
        await backups.copy_to(db, file)
        await target.close()
        await backups.restore(file, target.path)
    assert await target.fetch(papers.get_ids, [ALIAS]) == {ALIAS: ids[KEY]}
    assert await target.fetch(papers.list_current_keys, [ALIAS, KEY]) == [KEY]


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_long_keys_alias_goes_to_the_other_engine(db: Database, tmp_path: Path) -> None:
    async with await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}", migrate=True) as first:
        ids = await _add(first, KEY)
        await copying.copy(first, db)
    async with await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'b.db'}", migrate=True) as last:
        await copying.copy(db, last)
        assert await last.fetch(papers.get_ids, [ALIAS]) == ids | {ALIAS: ids.pop(KEY)}


@pytest.mark.parametrize("names", [(KEY, "doi/10.1234/moss"), ("doi/10.1234/moss", KEY)])
async def test_a_long_keys_alias_goes_with_a_paper_that_is_joined(
    db: Database, names: tuple[str, str]
) -> None:
    await _add(db, *names)
    facts = models.PaperFacts("2601.00001", "arxiv", "u", paper_records.NOW, title="Moss", names=names)
    await IngestService(db, lambda: paper_records.NOW).add_facts([facts])
    assert await db.fetch(papers.list_current_keys, [ALIAS, *names]) == ["2601.00001"]
    paper = await db.fetch(papers.get_detail, ALIAS)
    assert paper is not None
    assert paper.title == "Moss"


async def test_an_alias_is_gone_with_its_paper_and_names_it_again(db: Database) -> None:
    first, _ = (await _add(db, KEY, "2601.00001")).values()
    async with db.transaction() as connection:
        await archive.lock_ingest(connection)
        assert await papers.purge_unkept(connection, 9) == 1
    assert await db.fetch(papers.get_ids, [ALIAS]) == {}
    [again] = (await _add(db, KEY)).values()
    assert await db.fetch(papers.get_ids, [ALIAS]) == {ALIAS: again}
    assert first != again


async def test_papers_with_long_keys_have_aliases_after_an_upgrade(db: Database) -> None:
    await db.close()
    upgrades.restore(upgrades.STORED[-1], db.url)

    async def name(connection: Connection) -> None:
        first = "(SELECT min(id) FROM papers)"
        await connection.execute(
            sa.text(f"UPDATE papers SET arxiv_id = :key WHERE id = {first}"), {"key": KEY}
        )

    async with Database(db.url) as older:
        await older.write(name)
    async with await migrate.open_database(db.url, approve=upgrades.approve) as opened:
        ids = await opened.fetch(papers.get_ids, [KEY, ALIAS])
        assert ids[KEY] == ids[ALIAS]
