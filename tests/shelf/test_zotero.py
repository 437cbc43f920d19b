"""A server's list in Zotero: each paper once, through kills, limits and refusals, which somebody sees."""

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.app import container
from bot.archive import arxiv_ids, digest_writer
from bot.cli import operations as cli_operations
from bot.core.settings import Settings
from bot.features.operations import conditions, doctor
from bot.features.shelf import zotero as zotero_outbox
from bot.sources import base, fetcher
from storage import models, papers, shelf, zotero
from storage.database import Database
from tests.support import fake_zotero, killed_process, sample_archive
from tests.support.client_harness import ClientHarness, both_languages, shown_text
from tests.support.fake_zotero import FakeZotero, Library

both_engines = pytest.mark.engines("sqlite", "postgresql")
SERVER, GROUP = 9001, "groups/12345"
PAPERS = sample_archive.SMALL, sample_archive.REINFORCED, sample_archive.CHEMISTRY
FACTS = models.PaperFacts(
    "2501.00001",
    "arxiv",
    "https://export.arxiv.org/api/query",
    datetime(2025, 1, 4, tzinfo=UTC),
    title="TinyTalk: Training a Small Language Model on Clean Data",
    abstract="We train\n a small model.",
    authors=("Andrés Marafiori", "Aäron van den Oord", "The TinyTalk Team"),
    published_on=date(2024, 12, 31),
    version=1,
    comment="Withdrawn by the authors",
)


@dataclass
class Lab:
    """A server with a list, and a fake Zotero with its library. `write` is one look of the running bot at the list."""

    database: Database
    fake: FakeZotero
    now: datetime = datetime(2026, 11, 29, 12, tzinfo=UTC)
    servers: Sequence[int] = (SERVER,)
    settings: Settings = field(default_factory=Settings)
    outbox: zotero_outbox.ZoteroOutbox = field(init=False)

    @property
    def library(self) -> Library:
        return self.fake.libraries[GROUP]

    @property
    def ids(self) -> list[str]:
        """The arXiv ids of our items, in the order in which they came."""
        return [
            row["archiveID"].removeprefix("arXiv:")
            for row in self.library.items.values()
            if "archiveID" in row
        ]

    async def add(self, *arxiv_ids: str) -> None:
        async with self.database.transaction() as connection:
            ids = await papers.get_ids(connection, arxiv_ids)
            times = {ids[name]: self.now + timedelta(seconds=number) for number, name in enumerate(arxiv_ids)}
            await shelf.save_at(connection, SERVER, times)

    async def write(self, after: timedelta = timedelta(minutes=1)) -> None:
        self.now += after
        await self.outbox.write_due()

    async def told(self) -> list[str]:
        async with self.database.read() as connection:
            return [
                line
                for line in conditions.list_told(await conditions.load(connection, Settings(), self.now))
                if "Zotero" in line
            ]


@pytest.fixture
async def lab(db: Database) -> AsyncIterator[Lab]:
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    await sample_archive.make_ingest(db).add_facts([FACTS])
    holder: list[Lab] = []
    async with fake_zotero.run(lambda: holder[0].now) as fake:
        lab = Lab(db, fake)
        holder.append(lab)
        fake.libraries[GROUP] = Library()
        lab.settings = Settings(
            zotero_key=SecretStr(fake_zotero.KEY),
            zotero_library=GROUP,
            zotero_url=fake.url,
            zotero_server=None,
        )
        async with container.create_fetcher(lab.settings, lambda: lab.now) as fetch:
            library = container.find_library(lab.settings, fetch)
            assert library is not None
            lab.outbox = zotero_outbox.ZoteroOutbox(db, lambda: lab.now, library, None, lambda: lab.servers)
            yield lab


def _letters(number: int) -> str:
    """Return six of the characters that a key may have: no 0, 1 or O."""
    return f"{number:06}".translate(str.maketrans("01", "AB"))


@both_engines
async def test_what_joins_the_list_comes_once_into_our_collection(lab: Lab) -> None:
    # Items that merely mention a paper fill more than a page of what is read.
    citing = {"itemType": "journalArticle", "title": "Cites", "abstractNote": "after 2501.00002", "url": ""}
    for number in range(120):
        lab.library.put("items", f"CC{_letters(number)}", **citing)
    lab.library.put("items", "QQQQ2222", **citing | {"url": "http://arxiv.org/abs/2501.00002v2"})
    later = replace(FACTS, source="huggingface", location="b", published_on=date(2025, 2, 1))
    await sample_archive.make_ingest(lab.database).add_facts([later])
    await lab.add("2501.00001", "2501.00002", "2501.00003")
    await lab.write()
    [collection] = lab.library.collections.values()
    assert collection["name"] == "Paperround"
    assert lab.ids == ["2501.00001", "2501.00003"], "the other one was there by its URL"
    item = lab.library.items[next(key for key, row in lab.library.items.items() if "archiveID" in row)]
    expected = {
        "itemType": "preprint",
        "title": FACTS.title,
        "creators": [
            {"creatorType": "author", "firstName": "Andrés", "lastName": "Marafiori"},
            {"creatorType": "author", "firstName": "Aäron", "lastName": "van den Oord"},
            {"creatorType": "author", "name": "The TinyTalk Team"},
        ],
        "date": "2024-12-31",  # the first of those that its sources give
        "abstractNote": "We train a small model.",
        "url": "https://arxiv.org/abs/2501.00001",
        "archiveID": "arXiv:2501.00001",
        "tags": [],
        "collections": [collection["key"]],
        "extra": "Withdrawn by the authors",
    }
    assert {name: item[name] for name in expected} == expected
    written = len(lab.fake.written)
    async with lab.database.transaction() as connection:
        ids = await papers.get_ids(connection, ["2501.00001"])
        await shelf.remove(connection, SERVER, ids["2501.00001"])
    await lab.write()
    assert "2501.00001" in lab.ids, "what is taken off the list stays"
    await lab.add("2501.00001")
    await lab.write()
    assert len(lab.fake.written) == written
    assert await lab.told() == []


@both_engines
@pytest.mark.parametrize("ends_at", ["an answer", "a commit", "a stored commit"])
async def test_nothing_is_lost_or_doubled_by_a_kill_at_any_place(lab: Lab, ends_at: str) -> None:
    await lab.add(*(paper.arxiv_id for paper in PAPERS))
    lab.fake.lags = True
    for number in range(9):
        if ends_at == "an answer":
            lab.fake.faults[:] = [*[()] * number, None]
            await lab.write(timedelta(hours=13))
            lab.fake.faults.clear()
        else:
            with killed_process.killed_at(lab.database, number + 1, is_stored=ends_at == "a stored commit"):
                await lab.write(timedelta(hours=13))
    await lab.write(timedelta(hours=13))
    assert sorted(lab.ids) == sorted(paper.arxiv_id for paper in PAPERS)
    assert len(lab.library.collections) == 1
    assert await lab.told() == []
    asked = len(lab.fake.requests)
    await lab.write()
    assert len(lab.fake.requests) == asked, "nothing waits"


OWN_FIELDS: tuple[dict[str, str], ...] = (
    {"archiveID": "arXiv:2501.00001"},
    {"archiveID": "2501.00001v3"},
    {"DOI": "10.48550/arXiv.2501.00001"},
    {"DOI": "https://doi.org/10.48550/arxiv.2501.00001"},
    {"url": "http://arxiv.org/abs/2501.00001v2"},
    {"url": "https://www.arxiv.org/pdf/2501.00001v1.pdf"},
    {"url": "https://export.arxiv.org/abs/2501.00001?context=cs#S1"},
    {"extra": "Publisher: arXiv\narXiv:2501.00001 [cs.CL]"},
    {"extra": "arXiv: 2501.00001\nversion: 2"},
    {"extra": "DOI: 10.48550/arXiv.2501.00001\nCitation Key: small2025"},
    {"extra": "tex.eprint: 2501.00001"},
)
"""How Zotero's translators and BibTeX imports name a paper: `Archive ID`, DOI, URL, or a line of Extra."""
OF_OTHERS: tuple[dict[str, Any], ...] = (
    {"extra": "arXiv admin note: text overlap with arXiv:2501.00001"},
    {"extra": "Supersedes arXiv:2501.00001v1"},
    {"extra": "Comment on https://arxiv.org/abs/2501.00001 (12 pages)"},
    {"url": "https://github.com/someone/arxiv-2501.00001-code"},
    {"title": "A review of arXiv:2501.00001", "url": "https://example.org/review"},
    {"archiveID": "arXiv:2501.00001", "deleted": True},
    {"itemType": "attachment", "parentItem": "QQQQ2223", "url": "https://arxiv.org/pdf/2501.00001"},
)
MOSS, JOINED = "doi/10.1234/moss.1", "2501.00009"
OWN_OF_MOSS = (
    {"DOI": "10.1234/MOSS.1"},
    {"url": "https://doi.org/10.1234/moss.1"},
    {"extra": "DOI: 10.1234/moss.1"},
)
OTHERS_THAN_MOSS = (
    {"extra": "Comment on 10.1234/moss.1"},
    {"DOI": "10.1234/moss.12"},
    {"title": "10.1234/moss.1"},
)


@pytest.mark.parametrize(
    ("key", "fields", "written"),
    [
        *(("2501.00001", OWN_FIELDS, []), ("2501.00001", OF_OTHERS, ["preprint"])),
        *((MOSS, OWN_OF_MOSS, []), (MOSS, OTHERS_THAN_MOSS, ["journalArticle"])),
        *((JOINED, OWN_OF_MOSS, []), (JOINED, [{"url": f"https://arxiv.org/abs/{JOINED}"}], [])),
    ],
    ids=["own", "others", "own of a DOI", "others than a DOI", "own of a further DOI", "own of both"],
)
async def test_an_item_is_a_paper_if_it_has_its_id_or_url_alone_in_a_field(
    lab: Lab, key: str, fields: Sequence[dict[str, Any]], written: list[str]
) -> None:
    """docs/web.md: by any of its keys, as those of a preprint and its article."""
    ingest = sample_archive.make_ingest(lab.database)
    await ingest.add_facts([replace(FACTS, paper_key=MOSS, location="b")])
    if key == JOINED:
        await ingest.add_facts([replace(FACTS, paper_key=JOINED, names=(MOSS,))])
    await lab.add(key)
    for number, data in enumerate(fields):
        library = lab.fake.libraries[f"groups/{number}"] = Library()
        library.put("items", "QQQQ2222", **{"itemType": "preprint", "title": "Small", "creators": []} | data)
        lab.outbox.library = replace(lab.outbox.library, name=f"groups/{number}")
        await lab.write()
        assert [item["itemType"] for item in [*library.items.values()][1:]] == written, data
    assert await lab.told() == []


async def test_what_changes_in_the_library_is_read_again_and_nothing_else(lab: Lab) -> None:
    for number in range(120):
        lab.library.put("items", f"CC{_letters(number)}", itemType="preprint", title="Pond")
    lab.library.put("items", "QQQQ2222", itemType="preprint", title="Reinforced", archiveID="2501.00002")
    lab.library.put("items", "QQQQ2223", itemType="preprint", title="Chemistry", archiveID="2501.00003")
    await lab.add("2501.00001")
    await lab.write()
    lab.library.put("items", "CCAAAAAA", itemType="preprint", title="Pond", archiveID="arXiv:2501.00002")
    lab.library.put("items", "QQQQ2222", itemType="preprint", title="Reinforced", archiveID="2502.00002")
    del lab.library.items["QQQQ2223"]
    asked = len(lab.fake.requests)
    await lab.add("2501.00002", "2501.00003")
    await lab.write()
    assert [path for method, path, _ in lab.fake.requests[asked:] if method == "POST"] == [f"/{GROUP}/items"]
    assert "2501.00003" in lab.ids
    assert len([row for row in lab.library.items.values() if row["title"] == PAPERS[1].title]) == 0
    assert len(lab.fake.requests) - asked <= 5


async def test_a_pause_that_zotero_asks_for_is_kept_while_its_items_are_read(lab: Lab) -> None:
    for number in range(120):
        lab.library.put("items", f"CC{_letters(number)}", itemType="preprint", title="Pond")
    lab.fake.headers["Backoff"] = "3600"
    await lab.add("2501.00001")
    for _ in range(4):
        asked = len(lab.fake.requests)
        await lab.write(timedelta(minutes=61))
        assert len(lab.fake.requests) - asked <= 4
        asked = len(lab.fake.requests)
        await lab.write(timedelta(minutes=59))
        assert len(lab.fake.requests) == asked
        lab.now -= timedelta(minutes=59)
    assert lab.ids == ["2501.00001"], "what was read before a pause is not read again"
    assert await lab.told() == []


PASSING = {
    "429": (429, {"Retry-After": "600"}),
    "503": (503, {"Retry-After": "600"}),
    "503 with Backoff": (503, {"Backoff": "600"}),
    "429 with Backoff": (429, {"Backoff": "600"}),
    "429 with both": (429, {"Backoff": "600", "Retry-After": "10"}),
    "403 with Backoff": (403, {"Backoff": "6000"}),
    "locked": (409, {}),
    "locked for long": (409, {"Retry-After": "600"}),
}


@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_is_waited_for_without_a_word(lab: Lab, fault: str) -> None:
    await lab.add("2501.00001")
    lab.fake.faults[:] = [(), (), PASSING[fault]]
    await lab.write()
    asked = len(lab.fake.requests)
    assert asked == 3
    minutes = 1 if fault == "locked" else 99 if fault.startswith("403") else 9
    await lab.write(timedelta(minutes=minutes))
    assert len(lab.fake.requests) == asked
    await lab.write(timedelta(minutes=2))
    assert (lab.ids, await lab.told()) == (["2501.00001"], [])


async def test_a_pause_that_zotero_asks_for_is_kept_between_papers(lab: Lab) -> None:
    lab.fake.headers["Backoff"] = "90"
    await lab.add("2501.00001", "2501.00002")
    await lab.write()
    assert lab.ids == ["2501.00001"], "what was begun is completed"
    asked = len(lab.fake.requests)
    await lab.write(timedelta(seconds=80))
    assert len(lab.fake.requests) == asked
    await lab.write(timedelta(seconds=11))
    assert lab.ids == ["2501.00001", "2501.00002"]
    assert await lab.told() == []


KEYS = "zotero.org/settings/keys"
REFUSALS: dict[str, tuple[str, ...]] = {
    "key": ("Invalid key", "PAPERROUND_ZOTERO_KEY", KEYS),
    "rights": ("Write access denied", KEYS),
    "library": ("404", "PAPERROUND_ZOTERO_LIBRARY"),
    "servers": ("PAPERROUND_ZOTERO_SERVER",),
    "server": (f"PAPERROUND_ZOTERO_SERVER must name one of the servers that the bot is in: {SERVER}",),
}
"""What is said of each: the setting (docs/operating.md), and where a key is made only if it is the key."""


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_what_lasts_is_told_and_goes_on_once_it_is_mended(lab: Lab, refusal: str) -> None:
    await lab.add("2501.00001")
    library, access = lab.library, lab.fake.access
    if refusal == "key":
        lab.outbox.library = replace(lab.outbox.library, key="of-nobody")
    elif refusal == "rights":
        lab.fake.access = {"groups": {"12345": {"library": True, "write": False}}}
    elif refusal == "library":
        del lab.fake.libraries[GROUP]
    elif refusal == "servers":
        lab.servers = (SERVER, 9002)
    else:
        lab.outbox.server_id = 9002
    await lab.write()
    [told] = await lab.told()
    assert all(said in told for said in REFUSALS[refusal]), told
    assert (KEYS in told) is (KEYS in REFUSALS[refusal])
    if refusal in ("key", "library", "server"):
        assert told.endswith("restart the bot."), "docs/web.md: a setting counts from a restart on"
    assert fake_zotero.KEY not in told
    findings = await doctor.examine(Settings(database_url=lab.database.url), accept_token)
    assert [row.note for row in findings if row.what == "list in Zotero"] == [told]
    asked = len(lab.fake.requests)
    await lab.write(timedelta(minutes=30))
    assert len(lab.fake.requests) == asked
    lab.fake.libraries[GROUP], lab.fake.access, lab.servers = library, access, (SERVER,)
    lab.outbox.library, lab.outbox.server_id = replace(lab.outbox.library, key=fake_zotero.KEY), None
    await lab.write(timedelta(minutes=31))
    assert (lab.ids, await lab.told()) == (["2501.00001"], [])


HELD_UP = 500, 502, 503, 504, 409, None


@pytest.mark.parametrize("status", HELD_UP)
async def test_a_paper_at_which_zotero_fails_for_days_costs_itself_alone(
    lab: Lab, status: int | None
) -> None:
    """docs/web.md: one that cannot be written is named after a day, and the others come. None: the connection ends."""

    def fail(request: web.BaseRequest, body: str) -> web.Response | None:
        if request.method == "GET" or "2501.00001" not in body:
            return None
        if status is None and request.transport is not None:
            request.transport.abort()
        return web.Response(status=status or 500, text="An error occurred")

    lab.fake.instead = fail
    await lab.add("2501.00001", "2501.00002")
    await lab.write()
    await lab.write(timedelta(minutes=3))
    await lab.add("2501.00003")
    await lab.write(timedelta(minutes=3))
    assert sorted(lab.ids) == ["2501.00002", "2501.00003"]
    asked = len(lab.fake.requests)
    await lab.write(timedelta(minutes=1))
    assert len(lab.fake.requests) == asked, "it is not asked each twenty seconds"
    for _ in range(23):
        await lab.write(timedelta(hours=1))
        assert await lab.told() == []
    await lab.write(timedelta(hours=1))
    [told] = await lab.told()
    assert told.startswith("2501.00001 of the list is not in Zotero: ")
    lab.fake.instead = fake_zotero.answer_itself
    await lab.write(timedelta(hours=25))
    assert (sorted(lab.ids), await lab.told()) == (["2501.00001", "2501.00002", "2501.00003"], [])


@pytest.mark.parametrize("is_of_writing", [False, True])
async def test_a_library_that_is_away_for_days_is_told_once(lab: Lab, is_of_writing: bool) -> None:
    """Maintenance may be of writing alone. What the answers say in addition differs each time."""

    def fail(request: web.BaseRequest, _: str) -> web.Response | None:
        number = len(lab.fake.requests)
        if is_of_writing and request.method == "GET":
            return None
        return web.Response(status=(500, 502, 503)[number % 3], text=f"Request 7f{number} failed")

    lab.fake.instead = fail
    await lab.add(*(paper.arxiv_id for paper in PAPERS))
    told = []
    for hours in range(72):
        await lab.write(timedelta(hours=1))
        told += [await lab.told()] if hours > 24 else []
        assert hours > 23 or await lab.told() == []
    lab.fake.instead = fake_zotero.answer_itself
    library = {line for lines in told for line in lines if line.startswith("The list does not come")}
    assert len(library) == 1 if not is_of_writing else all(told)
    await lab.write(timedelta(hours=25))
    await lab.write(timedelta(minutes=3))
    assert (len(lab.ids), await lab.told()) == (3, [])


@pytest.mark.parametrize("is_with_key", [True, False])
async def test_one_cause_is_told_once_without_our_key(lab: Lab, is_with_key: bool) -> None:
    """As a gateway's answers, which quote the request and have an id each. The key is not cut in the middle, either."""
    told, logged = set[str](), []
    quoted = f"{'x' * 170} {fake_zotero.KEY}" if is_with_key else ""
    lab.fake.instead = lambda *_: web.Response(
        status=403, text=f"Blocked, request {len(lab.fake.requests)}-a7. {quoted}"
    )
    await lab.add("2501.00001")
    for _ in range(4):
        await lab.write(timedelta(minutes=61))
        told |= {*await lab.told()}
        logged.append(await lab.database.fetch(zotero.get_problem))
    [line] = told
    assert "Zotero answers 403: Blocked, request" in line
    assert fake_zotero.KEY[:9] not in f"{line} {logged}"


@pytest.mark.parametrize("status", [400, 413])
async def test_an_item_that_is_refused_as_a_whole_costs_itself_alone(lab: Lab, status: int) -> None:
    lab.fake.faults[:] = [(), (), (), (status, {})]
    await lab.add("2501.00001", "2501.00002")
    await lab.write()
    assert lab.ids == ["2501.00002"]
    assert await lab.told() == [f"2501.00001 of the list is not in Zotero: Zotero answers {status}: a fault"]


async def test_a_paper_taken_off_while_it_is_looked_at_comes_once_it_is_added_again(lab: Lab) -> None:
    await lab.add("2501.00001")
    listed = zotero.list_waiting

    async def take_off(*arguments: Any) -> list[int]:
        waiting = await listed(*arguments)
        async with lab.database.transaction() as connection:
            for paper_id in waiting:
                await shelf.remove(connection, SERVER, paper_id)
        return waiting

    with mock.patch.object(zotero, "list_waiting", take_off):
        await lab.write()
    assert lab.ids == []
    await lab.add("2501.00001")
    await lab.write()
    assert (lab.ids, await lab.told()) == (["2501.00001"], [])


async def test_papers_never_tried_come_before_those_at_which_zotero_failed(lab: Lab) -> None:
    ids = [f"2501.{number:05}" for number in range(101, 105)]
    async with lab.database.transaction() as connection:
        await papers.add(connection, digest_writer.unlisted_papers(ids))
    named = [replace(FACTS, paper_key=name, title=f"Paper {name}", comment=None) for name in ids]
    await sample_archive.make_ingest(lab.database).add_facts(named)

    def fail(request: web.BaseRequest, body: str) -> web.Response | None:
        is_of_these = request.method == "POST" and any(name in body for name in ids[:3])
        return web.Response(status=500, text="An error occurred") if is_of_these else None

    lab.fake.instead = fail
    await lab.add(*ids)
    await lab.write()
    assert lab.ids == [], "three failures in a row end a look"
    await lab.write(timedelta(minutes=3))
    assert lab.ids == ids[3:]


def _answer_others(request: web.BaseRequest, number: int) -> Any:
    """Answer as a server whose items are always others, of which it gives what was asked for."""
    if "versions" in request.query_string:
        return {f"CC{_letters(number * 1000 + item)}": number * 1000 for item in range(200)}
    keys = request.query.get("itemKey", request.query.get("collectionKey", "")).split(",")
    return [{"key": key, "version": 1, "data": {"url": "x" * 300, "name": "no"}} for key in keys]


def _answer_nothing(request: web.BaseRequest, _: int) -> Any:
    """Answer as a server that never gives what it has."""
    is_of_versions = "versions" in request.query_string
    return {f"CC{_letters(item)}": 7 for item in range(200)} if is_of_versions else []


def _answer_pages(*_: object) -> Any:
    """Answer as a server whose pages are always full."""
    data = {"key": "AAAAAAAA", "name": "no", "url": "x" * 300}
    return [{"key": "AAAAAAAA", "version": 1, "data": data}] * 100


@pytest.mark.parametrize("answer", [_answer_others, _answer_nothing, _answer_pages])
async def test_what_is_read_ends_whatever_the_server_answers(lab: Lab, answer: Any) -> None:
    lab.fake.instead = lambda request, _: web.json_response(answer(request, len(lab.fake.requests)))
    await lab.add("2501.00001")
    await lab.write()
    assert len(lab.fake.requests) <= 12


async def test_a_look_ends_at_its_deadline_and_the_next_one_goes_on(lab: Lab) -> None:
    """As at a server that answers so slowly that the items of a large library take longer."""
    answered, never = lab.fake._answer, asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.Response:
        if len(lab.fake.requests) >= 3:
            await never.wait()
        return await answered(request)

    await lab.add("2501.00001")
    with (
        mock.patch.object(lab.fake, "_answer", answer),
        mock.patch.object(zotero_outbox, "DEADLINE", timedelta(seconds=0.5)),
    ):
        await lab.write()
    assert (lab.ids, await lab.told()) == ([], [])
    await lab.write(timedelta(minutes=3))
    assert lab.ids == ["2501.00001"]


STRANGE = (
    "<html>",
    "null",
    "{}",
    '[{"data": 1}]',
    '{"failed": {"0": 1}}',
    "[" * 100_000,
    "[" + "9" * 9_000 + "]",
    '{"A": 1e999}',
    '{"A": NaN}',
)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("strange", STRANGE)
async def test_an_answer_that_is_not_zoteros_stores_nothing(lab: Lab, method: str, strange: str) -> None:
    """As that of a proxy's page: it is told, and the paper comes once Zotero answers."""
    await lab.add("2501.00001")
    lab.fake.instead = lambda asked, _: web.Response(text=strange) if asked.method == method else None
    await lab.write()
    if method == "POST" or strange != "{}":  # an empty library may answer so
        assert "what answers is not Zotero" in (told := " ".join(await lab.told()))
        assert KEYS not in told
    if method == "GET":
        with pytest.raises(base.FetchError):
            await lab.outbox.library.check()
    lab.fake.instead = fake_zotero.answer_itself
    await lab.write(timedelta(minutes=61))
    assert (lab.ids, await lab.told()) == (["2501.00001"], [])


async def test_a_paper_that_zotero_refuses_costs_itself_alone_and_is_named(lab: Lab) -> None:
    """The others come in the order in which they joined the list. The reason is text, without our key."""
    reason = f"no &lt;title&gt; for {fake_zotero.KEY}"
    lab.fake.refuse = lambda item: reason if "00001" in item["archiveID"] else ""
    await lab.add("2501.00003", "2501.00001", "2501.00002")
    await lab.write()
    assert lab.ids == ["2501.00003", "2501.00002"]
    assert await lab.told() == ["2501.00001 of the list is not in Zotero: no <title> for ***"]
    lab.fake.refuse = lambda _: ""
    await lab.write(timedelta(hours=25))
    assert lab.ids[-1] == "2501.00001"
    assert await lab.told() == []


async def test_a_paper_without_a_title_is_named_after_a_day(lab: Lab) -> None:
    async with lab.database.transaction() as connection:
        ids = await papers.add(connection, digest_writer.unlisted_papers(["2501.09999"]))
        await shelf.save_at(connection, SERVER, {ids["2501.09999"]: lab.now})
    await lab.write()
    assert await lab.told() == []
    await lab.write(timedelta(hours=24))
    assert await lab.told() == ["2501.09999 of the list is not in Zotero: its title is not known yet"]
    named = replace(FACTS, paper_key="2501.09999", title="Named", comment=None)
    await sample_archive.make_ingest(lab.database).add_facts([named])
    await lab.write(timedelta(hours=25))
    assert (lab.ids, await lab.told()) == (["2501.09999"], [])


async def test_a_collection_of_our_name_that_is_there_is_used(lab: Lab) -> None:
    for number in range(101):
        lab.library.put("collections", f"CC{_letters(number)}", name=f"Seminar {number}")
    lab.library.put("collections", "BINNED22", name="Paperround", deleted=True)
    lab.library.put("collections", "MADE2222", name="Paperround")
    await lab.add("2501.00001")
    await lab.write()
    [item] = lab.library.items.values()
    assert (item["collections"], len(lab.library.collections)) == (["MADE2222"], 103)


@pytest.mark.parametrize(
    "ends_as", ["in the trash", "twice in the trash", "renamed", "erased", "erased meanwhile"]
)
async def test_papers_come_into_a_collection_that_people_see(lab: Lab, ends_as: str) -> None:
    """docs/web.md: in the collection *Paperround*, which is made if there is none. One in the trash shows nobody a paper."""
    await lab.add("2501.00001")
    await lab.write()
    for _ in range(2 if ends_as.startswith("twice") else 1):
        for key in [*lab.library.collections]:
            if ends_as.endswith("trash"):
                lab.library.put("collections", key, name="Paperround", deleted=True)
            elif ends_as == "renamed":
                lab.library.put("collections", key, name="Reading")
            elif ends_as == "erased":
                del lab.library.collections[key]
        if ends_as == "erased meanwhile":
            stale = [*lab.library.collections]
            lab.library.collections.clear()
            lookup = mock.AsyncMock(side_effect=stale)
            with mock.patch.object(zotero_outbox.ZoteroLibrary, "find_collection", lookup):
                await lab.add("2501.00002")
                await lab.write()
        await lab.add("2501.00003" if "2501.00002" in lab.ids else "2501.00002")
        await lab.write(timedelta(minutes=3))
    shown = {key for key, row in lab.library.collections.items() if not row.get("deleted")}
    [item] = [row for row in lab.library.items.values() if row["archiveID"] == f"arXiv:{lab.ids[-1]}"]
    assert (len(shown), {*item["collections"]}) == (1, shown)
    assert len(lab.ids) == (3 if ends_as.startswith("twice") else 2)
    assert await lab.told() == []


async def test_a_key_that_lost_its_right_to_write_is_told_once(lab: Lab) -> None:
    """Each later look finds the collection, which does not mean that the key may write again."""
    await lab.add("2501.00001")
    await lab.write()
    lab.fake.access = {"groups": {"12345": {"library": True, "write": False}}}
    await lab.add("2501.00002")
    await lab.write()
    [told] = await lab.told()
    stored = list[zotero.ZoteroProblem | None]()
    with mock.patch.object(zotero, "set_problem", lambda _, problem: note(stored, problem)):
        await lab.write(timedelta(minutes=61))
    assert "Write access denied" in told
    assert [problem and problem.code for problem in stored] == [403]


async def note(stored: list[zotero.ZoteroProblem | None], problem: zotero.ZoteroProblem | None) -> None:
    stored.append(problem)


async def test_another_library_gets_the_whole_list(lab: Lab) -> None:
    await lab.add("2501.00001")
    await lab.write()
    lab.outbox.library = replace(lab.outbox.library, name="groups/7")
    lab.fake.libraries["groups/7"] = Library()
    await lab.write()
    assert len(lab.fake.libraries["groups/7"].items) == 1


async def accept_token(_: Settings) -> Any:
    raise base.FetchError("no network in tests")


ANY_GROUP = {"groups": {"all": {"library": True, "write": True}}}
OWN = {"user": {"library": True, "write": True}}
ACCESS: dict[str, tuple[dict[str, Any], str, conditions.Status]] = {
    "all groups": (ANY_GROUP, GROUP, conditions.Status.OK),
    "this group": ({"groups": {"12345": {"library": True, "write": True}}}, GROUP, conditions.Status.OK),
    "read alone": ({"groups": {"12345": {"library": True, "write": False}}}, GROUP, conditions.Status.ERROR),
    "another group": ({"groups": {"7": {"library": True, "write": True}}}, GROUP, conditions.Status.ERROR),
    "own": (OWN, f"users/{fake_zotero.USER}", conditions.Status.OK),
    "of another person": (OWN, "users/1", conditions.Status.ERROR),
    "nothing": ({}, GROUP, conditions.Status.ERROR),
    "no library": (ANY_GROUP, "groups/404", conditions.Status.ERROR),
    "away": (ANY_GROUP, GROUP, conditions.Status.WARNING),
    "no network": (ANY_GROUP, GROUP, conditions.Status.WARNING),
}


@pytest.mark.parametrize("case", ACCESS)
async def test_doctor_says_whether_the_key_may_write(
    lab: Lab, case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """docs/web.md: a missing library is named with its setting; of a Zotero that is away nothing is to be solved."""
    monkeypatch.chdir(tmp_path)
    lab.fake.access, name, status = ACCESS[case]
    if case == "away":
        lab.fake.instead = lambda *_: web.Response(status=503, text="a fault")
    elif case == "no network":
        fail = mock.AsyncMock(side_effect=base.FetchError("no network"))
        monkeypatch.setattr(fetcher.HttpFetcher, "call", fail)
    elif case != "no library":
        lab.fake.libraries.setdefault(name, Library())
    configured = lab.settings.model_copy(update={"zotero_library": name})
    findings = await doctor.examine(configured, accept_token, check_library=cli_operations._check_library)
    [found] = [row for row in findings if row.what == "Zotero"]
    said = {"no library": "PAPERROUND_ZOTERO_LIBRARY", "away": "Nothing is to be done"}
    said |= {"no network": said["away"]}
    expected = said.get(case, "" if status is conditions.Status.OK else name)
    assert (found.status, expected in found.note) == (status, True), found
    assert fake_zotero.KEY not in f"{findings}"


async def test_refused_papers_are_told_until_two_days_after_the_last_try_five_by_name(lab: Lab) -> None:
    ids = [f"2501.{number:05}" for number in range(101, 108)]
    named = [replace(FACTS, paper_key=name, title=f"Paper {name}", comment=None) for name in ids]
    async with lab.database.transaction() as connection:
        await papers.add(connection, digest_writer.unlisted_papers(ids))
    await sample_archive.make_ingest(lab.database).add_facts(named)
    lab.fake.refuse = lambda _: "too long"
    await lab.add(*ids)
    await lab.write()
    assert [line.split()[0] for line in await lab.told()] == ids[:5]
    lab.now += timedelta(hours=47)
    assert len(await lab.told()) == 5, "a look may be late"
    lab.now += timedelta(hours=2)
    assert await lab.told() == [], "it is not tried any more"


SAID = {
    0: ("the setting of its server is wrong", "서버 설정이 잘못됐어요"),
    200: ("what answers is not Zotero", "응답한 곳이 Zotero가 아니에요"),
    403: ("its key is wrong, or may not write", "키가 잘못됐거나"),
    404: ("there is no such library", "그런 라이브러리가 없어요"),
    503: ("Zotero has been away", "하루 동안"),
    413: ("refuses it with code 413", "코드 413번"),
}
"""What `/status` says about each trouble, in English and Korean (docs/web.md)."""


@both_languages
async def test_status_says_in_its_server_what_does_not_come_into_zotero(harness: ClientHarness) -> None:
    database, texts = harness.bot.services.database, harness.texts

    async def status() -> str:
        return shown_text(await harness.ask("status"))

    assert "Zotero" not in await status()
    for server_id, is_said in ((harness.guild.id + 1, False), (harness.guild.id, True)):
        await database.write(zotero.set_problem, zotero.ZoteroProblem(server_id, 403, "Invalid key"))
        assert ("Zotero" in await status()) is is_said
    for code, sentences in SAID.items():
        await database.write(zotero.set_problem, zotero.ZoteroProblem(harness.guild.id, code, "a reason"))
        assert sentences[texts.locale.value == "ko"] in await status(), code
    later = (harness.env.now() + timedelta(hours=1)).isoformat()
    problem = zotero.ZoteroProblem(harness.guild.id, 503, "it is away", later)
    await database.write(zotero.set_problem, problem)
    assert "Zotero" not in await status()
    await database.write(zotero.set_problem, None)
    async with database.transaction() as connection:
        ids = await papers.get_ids(connection, ["2501.00001"])
        for paper_id in ids.values():
            await shelf.save_at(connection, harness.guild.id, {paper_id: harness.env.now()})
            refused = harness.guild.id, GROUP, paper_id, harness.env.now(), "title is too long"
            await zotero.record(connection, *refused)
    assert "2501.00001" in (said := await status())
    assert "Zotero" in said


@pytest.mark.parametrize("library", [None, "12345", "groups/", "group/1"])
def test_settings_that_name_no_library_are_refused(library: str | None) -> None:
    with pytest.raises(ValueError, match=r"PAPERROUND_ZOTERO_LIBRARY|is not a library"):
        Settings(zotero_key=SecretStr("k"), zotero_library=library)


async def test_a_members_long_field_is_read_to_its_first_lines_and_outside_the_event_loop(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """50 items with 64 kB of lines in Extra stood the bot still for seconds."""
    threads, parse = set[int](), arxiv_ids.parse_bare_id

    def parse_noted(text: str) -> str | None:
        threads.add(threading.get_ident())
        return parse(text)

    monkeypatch.setattr(arxiv_ids, "parse_bare_id", parse_noted)
    lines = ["arXiv: 2401.00001", *["a"] * 32_000, "2401.00002"]
    lab.library.put("items", "AAAA2222", extra="\n".join(lines))
    lab.library.put("items", "AAAA2223", archiveID="arXiv:2401.00003")
    with mock.patch.object(zotero_outbox, "_BEFORE_ID", wraps=zotero_outbox._BEFORE_ID) as pattern:
        assert await lab.outbox.library.list_ids() == {"2401.00001", "2401.00003"}
    assert pattern.match.call_count <= 2 * zotero_outbox.MAX_LINES
    assert threads
    assert threading.get_ident() not in threads


async def test_our_key_is_hidden_however_zotero_quotes_it(lab: Lab) -> None:
    key = fake_zotero.KEY
    entities = "".join(f"&#{ord(sign)};" for sign in key)
    escapes = "".join(f"\\u{ord(sign):04x}" for sign in key)
    for status, quoted in itertools.product((200, 400, 413, 503), (key, entities, escapes)):
        message = f"the key {quoted} may not"
        refused = json.dumps({"success": {}, "failed": {"0": {"code": 400, "message": message}}})
        answer = partial(web.Response, status=status, text=refused if status == 200 else message)
        lab.fake.instead = lambda *_, answer=answer: answer()
        try:
            said = await lab.outbox.library.add("2401.00001", {"archiveID": "arXiv:2401.00001"}, "C")
        except base.FetchError as error:
            said = str(error)
        assert "may not" in said
        assert all(text not in said for text in (key, quoted)), said
