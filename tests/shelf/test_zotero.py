"""A server's list in Zotero: each paper once, through kills, limits and refusals, which somebody sees."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from pydantic import SecretStr

from bot.app import container
from bot.archive import digest_writer
from bot.cli import operations as cli_operations
from bot.core.settings import Settings
from bot.features.operations import doctor, operator_warnings
from bot.features.shelf import zotero as zotero_outbox
from bot.sources import base
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
                line for line in await operator_warnings.list_all(connection, self.now) if "Zotero" in line
            ]


@asynccontextmanager
async def open_lab(database: Database) -> AsyncIterator[Lab]:
    await sample_archive.add_digest(database, "2025-01-02", *PAPERS)
    await sample_archive.make_ingest(database).add_facts([FACTS])
    holder: list[Lab] = []
    async with fake_zotero.run(lambda: holder[0].now) as fake:
        lab = Lab(database, fake)
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
            lab.outbox = zotero_outbox.ZoteroOutbox(
                database, lambda: lab.now, library, None, lambda: lab.servers
            )
            yield lab


@pytest.fixture
async def lab(db: Database) -> AsyncIterator[Lab]:
    async with open_lab(db) as opened:
        yield opened


@both_engines
async def test_what_joins_the_list_comes_once_into_our_collection(lab: Lab) -> None:
    # Items that merely mention a paper are found too, and fill a page of the answer.
    citing = {"itemType": "journalArticle", "title": "Cites", "abstractNote": "after 2501.00002", "url": ""}
    for number in range(120):
        lab.library.put("items", f"CC{number}", **citing)
    lab.library.put("items", "QQQQ2222", **citing | {"url": "http://arxiv.org/abs/2501.00002v2"})
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
        "date": "2024-12-31",
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
    lab.fake.finds_new = False
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


PASSING = {"429": (429, {"Retry-After": "600"}), "503": (503, {"Retry-After": "600"}), "locked": (409, {})}


@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_is_waited_for_without_a_word(lab: Lab, fault: str) -> None:
    await lab.add("2501.00001")
    lab.fake.faults[:] = [(), (), PASSING[fault]]
    await lab.write()
    asked = len(lab.fake.requests)
    assert asked == 3
    await lab.write(timedelta(minutes=1 if fault == "locked" else 9))
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


@pytest.mark.parametrize("refusal", ["key", "rights", "library", "servers", "server"])
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
    assert {
        "key": "Invalid key",
        "rights": "Write access denied",
        "library": "404",
        "servers": "PAPERROUND_ZOTERO_SERVER",
        "server": "PAPERROUND_ZOTERO_SERVER",
    }[refusal] in told
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


STRANGE = "<html>", "null", "{}", '[{"data": 1}]', '{"failed": {"0": 1}}'


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("strange", STRANGE)
async def test_an_answer_that_is_not_zoteros_stores_nothing(lab: Lab, method: str, strange: str) -> None:
    """As that of a proxy's page: it is told, and the paper comes once Zotero answers."""
    await lab.add("2501.00001")
    lab.fake.strange = {method: strange}
    await lab.write()
    if method == "POST" or strange != "{}":  # an empty library may answer so
        assert "what answers is not Zotero" in " ".join(await lab.told())
    if method == "GET":
        with pytest.raises(base.FetchError):
            await lab.outbox.library.check()
    lab.fake.strange = {}
    await lab.write(timedelta(minutes=61))
    assert (lab.ids, await lab.told()) == (["2501.00001"], [])


async def test_a_paper_that_zotero_refuses_costs_itself_alone_and_is_named(lab: Lab) -> None:
    lab.fake.refuse = lambda item: "title is too long" if "00001" in item["archiveID"] else ""
    await lab.add("2501.00001", "2501.00002", "2501.00003")
    await lab.write()
    assert lab.ids == ["2501.00002", "2501.00003"]
    assert await lab.told() == ["2501.00001 of the list is not in Zotero: title is too long"]
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
    named = replace(FACTS, arxiv_id="2501.09999", title="Named", comment=None)
    await sample_archive.make_ingest(lab.database).add_facts([named])
    await lab.write(timedelta(hours=25))
    assert (lab.ids, await lab.told()) == (["2501.09999"], [])


async def test_a_collection_of_our_name_that_is_there_is_used(lab: Lab) -> None:
    for number in range(101):
        lab.library.put("collections", f"CC{number:06}", name=f"Seminar {number}")
    lab.library.put("collections", "BINNED22", name="Paperround", deleted=True)
    lab.library.put("collections", "MADE2222", name="Paperround")
    await lab.add("2501.00001")
    await lab.write()
    [item] = lab.library.items.values()
    assert (item["collections"], len(lab.library.collections)) == (["MADE2222"], 103)


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
    lab.fake.libraries["groups/7"] = lab.fake.libraries[GROUP]
    lab.outbox.library = replace(lab.outbox.library, name="groups/7")
    lab.fake.libraries["groups/7"] = Library()
    await lab.write()
    assert len(lab.fake.libraries["groups/7"].items) == 1


async def accept_token(_: Settings) -> Any:
    raise base.FetchError("no network in tests")


ACCESS: dict[str, tuple[dict[str, Any], str, bool]] = {
    "all groups": ({"groups": {"all": {"library": True, "write": True}}}, GROUP, True),
    "this group": ({"groups": {"12345": {"library": True, "write": True}}}, GROUP, True),
    "read alone": ({"groups": {"12345": {"library": True, "write": False}}}, GROUP, False),
    "another group": ({"groups": {"7": {"library": True, "write": True}}}, GROUP, False),
    "own": ({"user": {"library": True, "write": True}}, f"users/{fake_zotero.USER}", True),
    "of another person": ({"user": {"library": True, "write": True}}, "users/1", False),
    "nothing": ({}, GROUP, False),
}


@pytest.mark.parametrize("case", ACCESS)
async def test_doctor_asks_whether_the_key_may_write(
    lab: Lab, case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    lab.fake.access, name, may_write = ACCESS[case]
    configured = lab.settings.model_copy(update={"zotero_library": name})
    findings = await doctor.examine(configured, accept_token, check_library=cli_operations._check_library)
    [found] = [row for row in findings if row.what == "Zotero"]
    assert (found.status is doctor.Status.OK) is may_write, found
    assert may_write or name in found.note
    assert fake_zotero.KEY not in f"{findings}"


@both_languages
async def test_status_says_in_its_server_what_does_not_come_into_zotero(harness: ClientHarness) -> None:
    database, texts = harness.bot.services.database, harness.texts

    async def status() -> str:
        return shown_text(await harness.ask("status"))

    assert "Zotero" not in await status()
    for server_id, is_said in ((harness.guild.id + 1, False), (harness.guild.id, True)):
        await database.write(zotero.set_problem, zotero.ZoteroProblem(server_id, 403, "Invalid key"))
        assert (texts("status-zotero", code="403") in await status()) is is_said
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
