"""A database that moved to a file or to another engine looks the same to readers, managers and operators."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from bot.cli.set_up_file import SetUpFile
from bot.core.settings import Settings
from storage import copying, locks, migrate, models
from storage.database import Database
from tests.conftest import create_postgres_database
from tests.support.shelves import open_shelf
from tests.support.world import CHANNEL, READER, World, arxiv_id


async def look(database: Database, now: datetime) -> list[object]:
    """Return what `/saved`, `/why` and `config export` show."""
    world = World(database)
    world.now = now
    shelf = open_shelf(database, world.clock, world.search.match_papers)
    saved = [await shelf.list_saved(READER, query, limit=10) for query in ("", "#robots", "reread")]
    explained = [await world.why(name, channel) for name in "ABC" for channel in (CHANNEL, 21)]
    return [*saved, *explained, await SetUpFile(database, world.clock, Settings()).export()]


async def post_next(world: World) -> Sequence[str]:
    """Return what is posted on Tuesday."""
    term = await world.database.write(locks.raise_term, "")  # copying held the sender's lock
    world.restart(lambda: term)
    before = len(world.sent)
    await world.at("Tue 09:00")
    return world.sent[before:]


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_moved_database_shows_the_same(db: Database, postgres_url: str, tmp_path: Path) -> None:
    """It moves to the other engine; `tests/storage/test_copying.py` has the moves within one."""
    world = World(db)
    await world.source("https://a.example/feed.xml", models.SourceKind.FEED)
    await world.daily(papers=1)
    await world.daily(papers=1, channel=21, topic="robot", locale=models.Locale.KO)
    await world.alert("language model", channel_id=21, guild_id=10)
    await world.list("Mon", "A▲9 B▲8 C▲7")
    await world.at("Mon 09:00")
    shelf = open_shelf(db, world.clock, world.search.match_papers)
    for name, tags in (("A", "robots"), ("B", "")):
        paper = await world.search.find_paper(arxiv_id(name))
        assert paper is not None
        await shelf.save(READER, [paper.id])
        await shelf.annotate(READER, paper.id, note=f"reread {name}", tags=tags)
    seen = await look(db, world.now)
    assert "reread A" in repr(seen)
    assert "feed.xml" in repr(seen)
    await world.list("Tue", "D▲9 E▲8")
    seen, sent = await look(db, world.now), []
    for move in ("copy", "export"):
        url = f"sqlite+aiosqlite:///{tmp_path / move}.db"
        if db.is_sqlite:
            url = await create_postgres_database(postgres_url)
        async with await migrate.open_database(url, migrate=True) as target:
            if move == "copy":
                await copying.copy(db, target)
            else:
                await copying.export(db, tmp_path / "all.zip")
                async with copying.open_export(tmp_path / "all.zip", None) as exported:
                    await copying.copy(exported, target)
            assert await look(target, world.now) == seen
            moved = World(target)
            moved.deliveries = world.deliveries  # whose nonces go on
            sent.append(await post_next(moved))
    assert sent == [await post_next(world)] * 2
    assert sent[0]
