"""A paper that was stored under two keys becomes one, whatever happened to both before, and no reader loses anything."""

import asyncio
import itertools
import os
import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa

from bot.archive import digest_writer, exports, listing, schemes
from bot.archive.ingest import IngestService
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from bot.sources import feed_entries
from storage import alerts, archive, club, daily, database, models, outbox, papers, shelf, tables, today
from storage.models import Digest, DigestFormat, Entry, PaperFacts
from storage.shelf import Owner
from storage.sources import FILES
from tests.support import patience, seeds
from tests.support.shelves import open_shelf

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
PLAYS = int(os.environ.get("PAPERROUND_PLAYS", "4"))
TITLES = ("Moss on Old Walls", "A Study of Ponds", "Kites over the Sea")
READERS, SERVER, CHANNEL, RECIPIENT = (11, 12, 13), 99, 98, "user:11"


class Play:
    """Random events around three papers with several keys each, and what readers have to find at the end."""

    def __init__(self, db: database.Database, seed: int) -> None:
        self.db, self.random, self.seed = db, random.Random(seed), seed
        number = seed % 90_000
        three = (
            f"openreview/aB{seed:08}",
            f"pmlr/v{number % 9_999 + 1}/kim26a",
            f"math/0309{number % 999 + 1:03}",
        )
        self.keys = [
            [f"2601.{number % 9_999 + 1:05}", f"doi/10.1234/p{seed}.1"],
            [f"doi/10.1234/p{seed}.2", f"acl/2026.acl-long.{number + 1}"],
            [*three],
        ]
        self.notes: dict[tuple[int, int], set[str]] = defaultdict(set)
        self.discussed: set[int] = set()
        self.posted: set[int] = set()
        self.sent_today: set[int] = set()
        self.alerted: set[int] = set()
        self.days = 0
        self.shelf = open_shelf(db, lambda: NOW)
        self.ingest = IngestService(db, lambda: NOW)

    async def list_papers(self, paper: int) -> None:
        """Store a digest that lists a paper, and perhaps another, or the paper under two keys."""
        self.days += 1
        others = self.random.choice([[], [self.key(self.random.randrange(3))], [self.key(paper)]])
        keys = dict.fromkeys([self.key(paper), *others])
        entries = tuple(
            Entry(rank, key, self.title_of(key), f"https://a.example/{key}")
            for rank, key in enumerate(keys, 1)
        )
        digest = Digest(DigestFormat.LIST, date(2026, 1, 1) + timedelta(days=self.days), entries, (), "text")
        async with self.db.transaction() as connection:
            await archive.lock_ingest(connection)
            sourced = archive.SourcedDigest(digest, "en", "h", "files", f"{self.seed}-{self.days}.md")
            [digest_id] = await archive.add(connection, [sourced], NOW)
            await digest_writer.write_digest_papers(connection, {digest_id: sourced}, {})

    async def feed(self, paper: int) -> None:
        key = self.key(paper)
        await self.ingest.add_facts(
            [PaperFacts(key, "https://f.example", "u", NOW, title=self.title_of(key), authors=("Ada Byron",))]
        )

    async def learn(self, paper: int) -> None:
        """Read facts that name a paper by all its keys."""
        first, *names = self.random.sample(self.keys[paper], len(self.keys[paper]))
        await self.ingest.add_facts(
            [PaperFacts(first, "arxiv", "u", NOW, title=self.title_of(first), names=tuple(names))]
        )

    async def save(self, paper: int) -> None:
        """Save a paper under a key with a note of its own, as an import does."""
        reader, key, note = self.random.choice(READERS), self.key(paper), f"n{self.random.randrange(10**6)}"
        cited = exports.make_key(key)
        reference = f"@misc{{x, title={{T}}, ids={{{cited}}}, annote={{{note}}}, keywords={{t{note}}}}}"
        had = self.notes[reader, paper]
        if self.random.random() < 0.03:  # it starts a process
            await self.shelf.import_file(Owner(reader), reference.encode(), is_kept=False)
        else:
            await self.save_like_import(reader, key, note)
        if not had or not await self.has_note(reader, key, had):
            had.add(note)

    async def save_like_import(self, reader: int, key: str, note: str) -> None:
        async with self.db.transaction() as connection:
            await archive.lock_ingest(connection)
            ids = await papers.get_ids(connection, [key])
            if key not in ids:
                ids |= await papers.add(connection, digest_writer.unlisted_papers([key]))
            await shelf.save_at(connection, reader, {ids[key]: NOW})
        row = await self.db.fetch(shelf.get, reader, key)
        if row is not None and not row.note:
            await self.shelf.annotate(shelf.Owner(reader), row.id, note=note, tags=f"t{note}")

    async def has_note(self, reader: int, key: str, notes: set[str]) -> bool:
        """Return whether the paper under this key has a note already, which an import keeps."""
        row = await self.db.fetch(shelf.get, reader, key)
        return row is not None and not notes.isdisjoint(row.note.split())

    async def note(self, paper: int) -> None:
        reader, text = self.random.choice(READERS), f"w{self.random.randrange(10**6)}"
        row = await self.db.fetch(shelf.get, reader, self.key(paper))
        if row is not None:
            tags = ", ".join((*row.tags, f"t{text}"))
            await self.shelf.annotate(
                shelf.Owner(reader), row.id, note=f"{row.note}\n{text}".strip(), tags=tags
            )
            self.notes[reader, paper].add(text)

    async def remove(self, paper: int) -> None:
        """Take a paper off, and put it back: nothing is lost."""
        reader = self.random.choice(READERS)
        row = await self.db.fetch(shelf.get, reader, self.key(paper))
        if row is not None:
            await self.db.write(shelf.take_off, reader, row.id, NOW)
            if self.random.random() < 0.5:
                await self.learn(paper)
            ids = await self.db.fetch(papers.get_ids, [row.key])
            await self.db.write(shelf.put_back, shelf.Owner(reader), paper_id=ids[row.key])

    async def discuss(self, paper: int) -> None:
        ids = await self.db.fetch(papers.get_ids, [self.key(paper)])
        for paper_id in ids.values():
            channel = self.seed * 10 + paper
            values = {
                "channel_id": channel,
                "paper_id": paper_id,
                "guild_id": SERVER,
                "delivery_id": 1,
                "opened_at": NOW,
            }
            async with self.db.transaction() as connection:
                known = club.club_threads.c
                is_it = known.channel_id == channel, known.paper_id == paper_id
                if await connection.scalar(sa.select(known.paper_id).where(*is_it)) is None:
                    await connection.execute(club.club_threads.insert().values(values))
            self.discussed.add(paper)

    async def post(self, paper: int) -> None:
        """Post a paper, perhaps under two of its keys, of which the last part was not sent."""
        ids = await self.db.fetch(papers.get_ids, self.keys[paper])
        shown = dict.fromkeys(self.random.sample([*ids.values()], len(ids))[:2])
        delivery_id = await self.deliver(models.DeliveryKind.DAILY, channel_id=CHANNEL, parts=len(shown))
        places = [(paper_id, position) for position, paper_id in enumerate(shown)]
        await self.db.write(daily.add_delivery_papers, {delivery_id: places})
        if places:
            self.posted.add(paper)

    async def send_today(self, paper: int) -> None:
        """Send a paper in one message with the papers of a reader's day."""
        key = self.key(paper)
        if await self.db.fetch(papers.get_ids, [key]):
            await self.deliver(models.DeliveryKind.TODAY, user_id=READERS[0], papers=(key,))
            self.sent_today.add(paper)

    async def deliver(self, kind: models.DeliveryKind, *, parts: int = 1, **values: Any) -> int:
        """Store a delivery whose first part was sent, and no other."""
        self.days += 1
        key = f"{self.seed}-{self.days}"
        times: dict[str, Any] = {"planned_at": NOW, "due_at": NOW, "expires_at": NOW, "digest_on": NOW.date()}
        new = [models.NewPart(models.PartKind.MESSAGE, "{}", f"{key}-{n}") for n in range(parts)]
        delivery = models.NewDelivery(
            key=key, kind=kind, locale=models.Locale.EN, parts=tuple(new), **times, **values
        )
        states = sa.case((tables.parts.c.position == 0, "sent"), else_="stopped")
        async with self.db.transaction() as connection:
            delivery_id = await outbox.add(connection, delivery)
            assert delivery_id is not None
            parts_of_it = tables.parts.update().where(tables.parts.c.delivery_id == delivery_id)
            await connection.execute(parts_of_it.values(state=states))
            itself = tables.deliveries.update().where(tables.deliveries.c.id == delivery_id)
            await connection.execute(itself.values(state="sent", finished_at=NOW))
        return delivery_id

    async def match(self, paper: int) -> None:
        """Match a paper with an alert, which is perhaps sent."""
        ids = await self.db.fetch(papers.get_ids, [self.key(paper)])
        for paper_id in ids.values():
            await self.db.write(alerts.add_matches, [alerts.Match(RECIPIENT, paper_id, 1, NOW, NOW)])
            if self.random.random() < 0.5:
                await self.db.write(alerts.mark_notified, {(RECIPIENT, paper_id): 1})
                self.alerted.add(paper)

    def title_of(self, key: str) -> str:
        return TITLES[next(paper for paper, keys in enumerate(self.keys) if key in keys)]

    def key(self, paper: int) -> str:
        return self.random.choice(self.keys[paper])

    async def run(self) -> None:
        events = [self.list_papers, self.feed, self.save, self.save, self.note, self.remove]
        events += [self.discuss, self.post, self.send_today, self.match, self.learn]
        for _ in range(self.random.randrange(8, 20)):
            await self.random.choice(events)(self.random.randrange(3))
        for paper, keys in enumerate(self.keys):
            await self.feed(paper)
            for first in keys[1:]:
                await self.ingest.add_facts(
                    [PaperFacts(keys[0], "last", "u", NOW, title=self.title_of(first), names=(first,))]
                )

    async def check(self) -> None:
        for paper, keys in enumerate(self.keys):
            ids = await self.db.fetch(papers.get_ids, keys)
            assert ids.keys() == {*keys}, (self.seed, ids)
            assert len({*ids.values()}) == 1, (self.seed, ids)
            paper_id = ids[keys[0]]
            async with self.db.read() as connection:
                stored = (await papers.list_merged(connection, ids=[paper_id]))[paper_id]
                entries, threads, sent = [
                    (
                        await connection.scalars(sa.select(column).where(column.table.c.paper_id == paper_id))
                    ).all()
                    for column in (
                        tables.entries.c.digest_id,
                        club.club_threads.c.channel_id,
                        alerts.matches.c.delivery_id,
                    )
                ]
                posted = await daily.list_posted(connection, [CHANNEL], [paper_id], since_at=NOW)
                seen = await today.list_sent_papers(connection, READERS[0], NOW, but_on=date.min)
            assert stored.title, (self.seed, stored)
            assert len({*entries}) == len(entries), (self.seed, stored, entries)
            assert (len(threads) == 1) == (paper in self.discussed), (self.seed, paper, threads)
            if any(models.scheme_of(key) == "arxiv" for key in keys):
                assert stored.arxiv_id in keys, (self.seed, stored.key)
            assert any(posted.values()) == (paper in self.posted), (self.seed, paper, posted)
            assert (stored.key in seen) == (paper in self.sent_today), (self.seed, paper, seen)
            assert any(sent) == (paper in self.alerted), (self.seed, paper, sent)
            for reader in READERS:
                row = await self.db.fetch(shelf.get, reader, self.random.choice(keys))
                noted = self.notes[reader, paper]
                assert (row is not None) == bool(noted), (self.seed, reader, paper, noted)
                if row is not None:
                    assert noted <= {*row.note.split()}, (self.seed, noted, row.note)
                    assert {f"t{text}" for text in noted} <= {*row.tags}, (self.seed, noted, row.tags)
        for reader in READERS:
            saved = {paper for (owner, paper), noted in self.notes.items() if owner == reader and noted}
            assert await self.db.fetch(shelf.count, reader) == len(saved), (self.seed, reader, saved)


@pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
@pytest.mark.parametrize("seed", seeds.plays(PLAYS))
async def test_in_any_order_each_paper_is_one_and_no_reader_loses_anything(
    db: database.Database, seed: int
) -> None:
    play = Play(db, seed)
    await play.run()
    await play.check()
    async with db.read() as connection:
        empty = sa.select(tables.papers.c.id).where(tables.papers.c.key.contains(":"))
        joined = [*await connection.scalars(empty)]
        assert not await papers.list_details(connection, joined, also_unlisted=True)


class KilledError(Exception):
    """The process ends."""


async def read_all(db: database.Database) -> dict[str, list[Any]]:
    async with db.read() as connection:
        return {
            table.name: sorted((await connection.execute(sa.select(table))).all(), key=repr)
            for table in tables.metadata.sorted_tables
        }


@pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
async def test_a_join_that_is_killed_at_any_statement_changes_nothing(db: database.Database) -> None:
    """Three keys of a paper, of which each was listed, saved, posted, matched and discussed, become one."""
    play, paper = Play(db, seeds.FIRST), 2
    for key in play.keys[paper]:
        with mock.patch.object(play, "key", return_value=key):
            for event in (play.list_papers, play.feed, play.save, play.send_today, play.match):
                await event(paper)
            await play.discuss(paper)
            await play.post(paper)
    former, names = await read_all(db), tuple(play.keys[paper][1:])
    facts = PaperFacts(play.keys[paper][0], "last", "u", NOW, title=TITLES[paper], names=names)
    left = 0

    def kill(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KilledError

    sa.event.listen(db.engine.sync_engine, "before_cursor_execute", kill)
    for number in itertools.count(1):
        left = number
        try:
            await play.ingest.add_facts([facts])
            break
        except KilledError:
            assert await read_all(db) == former
    sa.event.remove(db.engine.sync_engine, "before_cursor_execute", kill)
    assert number > 50
    ids = await db.fetch(papers.get_ids, play.keys[paper])
    assert len({*ids.values()}) == 1
    assert await read_all(db) != former


async def test_undo_brings_a_note_back_to_the_paper_that_the_removed_one_became(
    db: database.Database,
) -> None:
    play, reader = Play(db, seeds.FIRST), READERS[0]
    own, other = play.keys[0]
    for key, note in ((own, "one"), (other, "two")):
        await play.save_like_import(reader, key, note)
    ids = await db.fetch(papers.get_ids, [other])
    await db.write(shelf.take_off, reader, ids[other], NOW)
    await play.ingest.add_facts([PaperFacts(own, "arxiv", "u", NOW, title="Learnt", names=(other,))])
    assert await db.write(shelf.put_back, shelf.Owner(reader), removed_at=NOW) == 1
    row = await db.fetch(shelf.get, reader, other)
    assert row is not None
    assert (row.note, row.tags) == ("one\ntwo", ("tone", "ttwo"))
    async with db.read() as connection:
        found, _ = await shelf.list_rows(connection, reader, tags=["tone", "ttwo"])
    assert [paper.id for paper in found] == [row.id]


@pytest.mark.engines("sqlite", "postgresql")
@pytest.mark.parametrize("is_saved_first", [True, False])
async def test_a_paper_that_becomes_another_while_it_is_saved_is_saved_as_that(
    db: database.Database, is_saved_first: bool
) -> None:
    """On PostgreSQL both may write at once."""
    play, reader = Play(db, seeds.FIRST), READERS[0]
    own, other = play.keys[0]
    await play.ingest.add_facts([PaperFacts(other, "https://f.example", "u", NOW, title="Moss")])
    ids = [*(await db.fetch(papers.get_ids, [other])).values()]
    join = play.ingest.add_facts([PaperFacts(own, "arxiv", "u", NOW, title="Moss", names=(other,))])
    if not is_saved_first:
        await join
    async with db.transaction() as connection:
        await shelf.save(connection, reader, ids, NOW, None)
        await shelf.add_to_list(connection, SERVER, ids, reader, NOW, b"secret")
        if is_saved_first:
            joining = asyncio.create_task(join)
            await patience.wait_until_blocked(db, joining)
    if is_saved_first:
        await joining
    for owner in (reader, SERVER):
        rows, count = await db.fetch(shelf.list_rows, owner)
        assert ([(row.key, row.title) for row in rows], count) == ([(own, "Moss")], 1)


@pytest.mark.parametrize("has_it", [0, 1])
async def test_what_one_of_two_papers_has_or_is_ready_for_the_one_that_stays_has(
    db: database.Database, has_it: int
) -> None:
    """Docstring of `papers._TAKEN`: ready for an alert, a meeting; and the title that its reader's file gave it."""
    play, reader, meets_on = Play(db, seeds.FIRST), READERS[0], date(2026, 2, 3)
    keys = play.keys[1]
    async with db.transaction() as connection:
        await archive.lock_ingest(connection)
        ids = await papers.add(connection, digest_writer.unlisted_papers(keys))
        for number, (key, paper_id) in enumerate(ids.items()):
            is_it = number == has_it
            await shelf.save_at(
                connection, reader, {paper_id: NOW}, own_titles={paper_id: f"Own {key}"} if is_it else {}
            )
            match = alerts.Match(RECIPIENT, paper_id, 1, NOW, NOW if is_it else NOW + timedelta(days=1))
            await alerts.add_matches(connection, [match])
            thread = {"channel_id": 5, "guild_id": SERVER, "delivery_id": 1, "opened_at": NOW}
            thread |= {"paper_id": paper_id, "meets_on": meets_on if is_it else NOW.date()}
            await connection.execute(club.club_threads.insert().values(thread))
    await play.ingest.add_facts([PaperFacts(keys[0], "g", "u", NOW, names=(keys[1],))])
    [stays] = {*(await db.fetch(papers.get_ids, keys)).values()}
    async with db.read() as connection:
        matches, threads = alerts.matches.c, club.club_threads.c
        assert (await connection.execute(sa.select(matches.paper_id, matches.ready_at))).all() == [
            (stays, NOW)
        ]
        assert (await connection.execute(sa.select(threads.paper_id, threads.meets_on))).all() == [
            (stays, meets_on)
        ]
    row = await db.fetch(shelf.get, reader, keys[0])
    assert row is not None
    assert row.own_title == f"Own {keys[has_it]}"


async def test_a_file_that_has_two_keys_of_a_paper_is_imported_as_one(sqlite_db: database.Database) -> None:
    facts = PaperFacts("2601.00001", "arxiv", "u", NOW, title="T", names=("doi/10.1234/same",))
    await IngestService(sqlite_db, lambda: NOW).add_facts([facts])
    file = b"@misc{a, title={T}, doi={10.1234/same}}\n@misc{b, title={T}, eprint={2601.00001}}"
    imported = await open_shelf(sqlite_db, lambda: NOW).import_file(Owner(READERS[0]), file, is_kept=False)
    assert (len(imported.saved), len(imported.repeated)) == (1, 1)


@pytest.mark.parametrize("keys", [*itertools.permutations(("2601.00001", "doi/10.1234/moss"))])
async def test_what_is_left_of_two_papers_of_a_digest_or_feed_has_what_either_had(
    db: database.Database, keys: tuple[str, str]
) -> None:
    ingest = IngestService(db, lambda: NOW)
    bare, full = {"key": keys[0]}, {"key": keys[1], "title": "Moss", "votes": 3, "authors": ["Ada Byron"]}
    full |= {"summary": "It grows.", "thumbnail": "https://a.example/1.png"}
    for place, rows in (("first", [bare, full]), ("last", [full, bare])):
        digest = listing.build(date(2026, 1, 2), rows, form=DigestFormat.LIST)
        await ingest.put(place, place, [digest])
    for facts in (
        PaperFacts(keys[0], "feed", "u", NOW),
        PaperFacts(keys[1], "feed", "u", NOW, abstract="We."),
    ):
        await ingest.add_facts([facts])
    await ingest.add_facts([PaperFacts(keys[0], "arxiv", "u", NOW, title="Moss", names=keys[1:])])
    async with db.read() as connection:
        ids = await papers.get_ids(connection, keys)
        appearances = await archive.list_appearances(connection, [ids[keys[0]]])
        stored = await papers.list_merged(connection, ids=[ids[keys[0]]])
    for of in appearances[ids[keys[0]]]:
        entry, bodies = of.entry, [part.body for part in of.entry.sections]
        assert (entry.title, entry.votes, entry.authors) == ("Moss", 3, ("Ada Byron",))
        assert (entry.thumbnail, bodies, entry.summary_missing) == (full["thumbnail"], ["It grows."], False)
    assert len(appearances[ids[keys[0]]]) == 2
    assert stored[ids[keys[0]]].abstract == "We."


TITLE = "A Study of Ponds and Their Lilies"
PAGES = {
    "2601.00001": "https://arxiv.org/abs/2601.00001v2",
    "openreview/aB3dEfGh1J": "https://openreview.net/forum?id=aB3dEfGh1J",
    "pmlr/v306/kim26a": "https://proceedings.mlr.press/v306/kim26a.html",
    "doi/10.64898/2026.01.02.700001": "https://www.biorxiv.org/content/10.64898/2026.01.02.700001v1",
}
ARXIV, REVIEWS, VOLUME, PREPRINT = PAGES
LISTED = {
    "arxiv": f"- [{TITLE}]({PAGES[ARXIV]})",
    "v1": f"- [{TITLE}]({PAGES[PREPRINT]})",
    "v2": f"- [{TITLE}]({PAGES[PREPRINT].replace('v1', 'v2.full')})",
    "three": f"- {TITLE} [[OpenReview]]({PAGES[REVIEWS]}) [[PMLR]]({PAGES[VOLUME]}) [[bioRxiv]]({PAGES[PREPRINT]})",
}


@pytest.mark.parametrize("order", [*itertools.permutations(["arxiv", "three", "learn"])])
async def test_lists_and_arxiv_name_a_paper_in_any_order(
    sqlite_db: database.Database, order: tuple[str, ...]
) -> None:
    """Preprint and paper are one once arXiv has the DOI, whichever came first; the same title alone joins nothing."""
    ingest = IngestService(sqlite_db, lambda: NOW)
    other = f"- [{TITLE}](https://doi.org/10.1234/another)"
    await ingest.add_text(f"# 2026-01-01\n{other}", location="other.md")
    search = SearchService(sqlite_db)
    for name in (*order, "v1", "v2"):
        if name == "learn":
            facts = PaperFacts(ARXIV, "arxiv", "u", NOW, title=TITLE, names=(PREPRINT,))
            await ingest.add_facts([facts])
        else:
            await ingest.add_text(f"# 2026-01-02\n{LISTED[name]}", location=f"{name}.md")
        found = await search.search(SearchRequest(TITLE))
    assert (found.total, {row.key for row in found.rows}) == (2, {ARXIV, "doi/10.1234/another"})
    async with sqlite_db.read() as connection:
        rows = await papers.list_by_date(connection, date(2026, 1, 2))
        others = await papers.list_by_date(connection, date(2026, 1, 1))
    assert [row.key for row in rows] == [ARXIV]
    assert [row.key for row in others] == ["doi/10.1234/another"]
    assert {*(await sqlite_db.fetch(papers.get_ids, PAGES)).items()} == {(key, rows[0].id) for key in PAGES}
    listed = await sqlite_db.fetch(archive.find_first_days, FILES, PAGES)
    assert listed == dict.fromkeys(PAGES, date(2026, 1, 2)), "whichever key a list names it by"


async def test_a_list_that_gains_a_further_link_of_a_paper_that_it_has_makes_both_one(
    sqlite_db: database.Database,
) -> None:
    """docs/sources.md: an item with several of these pages is one paper, also where a page comes later."""
    ingest = IngestService(sqlite_db, lambda: NOW)
    await ingest.add_text(f"# 2026-01-01\n- [{TITLE}]({PAGES[VOLUME]})", location="other.md")
    for link in ("", f" [[PMLR]]({PAGES[VOLUME]})"):
        await ingest.add_text(
            f"# 2026-01-02\n- {TITLE} [[OpenReview]]({PAGES[REVIEWS]}){link}", location="a.md"
        )
    ids = await sqlite_db.fetch(papers.get_ids, [REVIEWS, VOLUME])
    assert len({*ids.values()}) == 1


async def test_two_papers_of_arxiv_are_never_one(db: database.Database) -> None:
    ingest = IngestService(db, lambda: NOW)
    for key in ("2601.00001", "2601.00002"):
        await ingest.add_facts([PaperFacts(key, "arxiv", "u", NOW, title="T", names=("doi/10.1234/same",))])
    ids = await db.fetch(papers.get_ids, ["2601.00001", "2601.00002", "doi/10.1234/same"])
    assert ids["doi/10.1234/same"] == ids["2601.00001"] != ids["2601.00002"]


async def test_arxiv_names_a_paper_by_its_published_doi(db: database.Database) -> None:
    feed = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"><entry>
    <id>http://arxiv.org/abs/2601.00001v1</id><title>A paper</title><published>2026-01-02T00:00:00Z</published>
    <summary>An abstract.</summary><author><name>Ada Byron</name></author>
    <arxiv:doi>10.1016/S0140-6736(20)30183-5</arxiv:doi></entry></feed>"""
    [entry] = feed_entries.parse_document(feed, "https://export.arxiv.org/api/query").entries
    paper = feed_entries.read_paper(entry)
    assert paper is not None
    facts = feed_entries.paper_facts(entry, paper, "u", "arxiv", NOW)
    await IngestService(db, lambda: NOW).add_facts([facts])
    ids = await db.fetch(papers.get_ids, ["2601.00001", "doi/10.1016/s0140-6736(20)30183-5"])
    assert len(ids) == 2
    assert len({*ids.values()}) == 1


async def test_papers_stored_under_keys_of_versions_stay_one_and_are_not_new(db: database.Database) -> None:
    """Before, each version of a preprint was a paper. What was saved under the key of one is that of the preprint."""
    former = {
        "doi/10.21203/rs.3.rs-8012345/v2": "doi/10.21203/rs.3.rs-8012345/v1",
        "doi/10.12688/f1000research.9259.2": "doi/10.12688/f1000research.9259.1",
        "doi/10.26434/chemrxiv-2026-abc12-v2": "doi/10.26434/chemrxiv-2026-abc12",
        "doi/10.26434/chemrxiv-2026-abc12-v3": "doi/10.26434/chemrxiv-2026-abc12",
        "doi/10.5555/newts.1.2": "doi/10.5555/newts.1.2",
    }
    stored = [*former, "doi/10.21203/rs.3.rs-8012345/v1"]
    text = "\n".join(f"- [Title of {key}](https://doi.org/{key.removeprefix('doi/')})" for key in stored)
    fresh = list[int]()
    with mock.patch.object(schemes, "_first_version", lambda doi: doi):
        await IngestService(db, lambda: NOW).add_text(text, location="2026-01-05.md")
    async with db.transaction() as connection:
        old_ids = await papers.get_ids(connection, former)
        await shelf.save_at(connection, 11, dict.fromkeys(old_ids.values(), NOW))
    row = await db.fetch(shelf.get, 11, "doi/10.21203/rs.3.rs-8012345/v2")
    assert row is not None
    await open_shelf(db, lambda: NOW).annotate(shelf.Owner(11), row.id, note="mine", tags="pond")

    async def on_fresh(_: database.Connection, paper_ids: Any) -> None:
        fresh.extend(paper_ids)

    for _ in range(2):  # as after two starts
        ingest = IngestService(db, lambda: NOW, on_fresh=on_fresh)
        result = await ingest.add_text(text, location="2026-01-05.md")
        assert (result.new_papers, fresh) == (0, [])
        ids = await db.fetch(papers.get_ids, {*former, *former.values()})
        assert [ids[key] for key in former] == [ids[key] for key in former.values()]
        assert len({*ids.values()}) == await db.fetch(shelf.count, 11) == 4
        for key in ("doi/10.21203/rs.3.rs-8012345/v2", "doi/10.21203/rs.3.rs-8012345/v1"):
            row = await db.fetch(shelf.get, 11, key)
            assert row is not None
            assert (row.note, row.tags) == ("mine", ("pond",))
