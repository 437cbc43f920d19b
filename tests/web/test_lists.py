"""The list of a reader or server at an unguessable address: its papers' public facts, for those who know the address."""

import itertools
import json
import re
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from bot.archive.exports import ReferenceFormat
from bot.i18n.texts import for_locale
from storage import accounts, models, papers, shelf
from storage.database import Database
from storage.shelf import Owner
from tests.daily.test_like_list import FIVE, LikeWorld
from tests.support import sample_archive
from tests.support.shelves import open_shelf
from tests.support.world import GUILD, arxiv_id
from tests.web.conftest import WebArchive, open_archive
from tests.web.test_server import KOREAN, Elements
from tests.web.test_unlisted import FACT, TITLE

READER, TOKEN, NEWER = 4242, "0123456789abcdef0123456789abcdef", "f" * 32
SECRETS = ("for Ada's thesis", "#secret-tag", "secret-tag", f"{READER}")
ENDINGS = ("", ".bib", ".json", ".atom")
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
async def opened(archive: WebArchive) -> WebArchive:
    """An archive with a reader's list of three papers: the hostile one, one that a digest has, and one that none has."""
    database = archive.services.database
    await sample_archive.make_ingest(database).add_facts([FACT])
    async with database.transaction() as connection:
        names = ["2501.00004", "2501.00001", FACT.paper_key]
        ids = await papers.get_ids(connection, names)
        times = {ids[name]: archive.now + timedelta(minutes=number) for number, name in enumerate(names)}
        await shelf.save_at(connection, READER, times)
        for paper_id in times:
            await shelf.update(connection, READER, paper_id, note=SECRETS[0], tags=f" {SECRETS[2]} ")
        await shelf.set_address(connection, READER, TOKEN)
    return archive


async def test_its_page_files_and_feed_have_the_papers_public_facts_alone(opened: WebArchive) -> None:
    kinds = "text/html|application/x-bibtex; charset=utf-8|application/vnd.citationstyles.csl+json|application/atom"
    for ending, kind in zip(ENDINGS, kinds.split("|"), strict=True):
        status, headers, text = await opened.get(f"/lists/{TOKEN}{ending}")
        assert (status, headers["Content-Type"].startswith(kind)) == (200, True), (ending, headers)
        assert headers["X-Robots-Tag"] == "noindex"
        assert headers["Cache-Control"].startswith("private")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert [secret for secret in SECRETS if secret in text] == []
        assert TITLE in text
        assert text.index("Secret Moss") < text.index("TinyTalk")
    page = await opened.text(f"/lists/{TOKEN}")
    assert '<meta name="robots" content="noindex">' in page
    assert "Reading list · 3 papers" in page.replace("\N{NO-BREAK SPACE}", " ")
    links = Elements(page).values("href")
    assert {f"/lists/{TOKEN}{ending}" for ending in ENDINGS[1:]} <= {*links}
    assert f"https://arxiv.org/abs/{FACT.paper_key}" in links
    assert f"/papers/{FACT.paper_key}" not in links, "it has no page there"
    assert "Ann%20Beech" not in page
    assert "<script" not in page
    korean = (await opened.get(f"/lists/{TOKEN}", KOREAN))[2]
    assert "논문 목록 · 3편" in korean.replace("\N{NO-BREAK SPACE}", " ")
    listed = json.loads(await opened.text(f"/lists/{TOKEN}.json"))
    numbers = [f"arXiv:{key}" for key in (FACT.paper_key, "2501.00001", "2501.00004")]
    assert [row["number"] for row in listed] == numbers
    feed = ElementTree.fromstring(await opened.text(f"/lists/{TOKEN}.atom"))
    assert [entry.findtext(f"{ATOM}id") for entry in feed.iter(f"{ATOM}entry")] == [
        f"https://arxiv.org/abs/{name}" for name in (FACT.paper_key, "2501.00001", "2501.00004")
    ]


async def test_the_title_of_a_readers_file_is_at_no_address(opened: WebArchive) -> None:
    """docs/commands.md, *Saved papers*: of a paper that no source describes, others see its key alone."""
    own, reader, database = "Draft of my rejected thesis chapter", 77, opened.services.database
    entries = ("doi={10.1234/abc.77}", "eprint={2401.00077}")
    kept, text = (
        open_shelf(database, lambda: opened.now),
        "\n".join(f"@article{{k{number}, title={{{own}}}, {field}}}" for number, field in enumerate(entries)),
    )
    assert len((await kept.import_file(Owner(reader), text.encode(), is_kept=False)).saved) == 2
    await database.write(shelf.set_address, reader, NEWER)
    for ending, headers in itertools.product(ENDINGS, ({}, KOREAN)):
        status, _, shown = await opened.get(f"/lists/{NEWER}{ending}", headers)
        assert (status, "abc.77" in shown, "2401.00077" in shown) == (200, True, True), ending
        assert own not in shown, ending
    mine, count = await kept.export(shelf.Owner(reader), ReferenceFormat.BIBTEX)
    assert (mine.decode().count(own), count) == (2, 2), "the reader has it"


async def test_a_paper_outside_arxiv_has_a_page_and_is_cited_by_its_key(archive: WebArchive) -> None:
    """docs/web.md: `/papers/doi/10.1234/abc`, and what a list's file names it."""
    key, address, database = "doi/10.1234/moss.1", "https://doi.org/10.1234/moss.1", archive.services.database
    text = f"# 2025-01-04\n\n- [Moss on Old Walls at Night]({address})\n"
    await sample_archive.make_ingest(database).add_text(text, location="2025-01-04.md")
    page = Elements(shown := await archive.text(f"/papers/{key}"))
    assert address in page.values("href")
    assert not any("arxiv.org" in link or "huggingface.co/papers" in link for link in page.values("href"))
    assert for_locale(models.Locale.EN)("paper-elsewhere") in shown
    async with database.transaction() as connection:
        ids = await papers.get_ids(connection, [key])
        await shelf.save_at(connection, READER, {ids[key]: archive.now})
        await shelf.set_address(connection, READER, TOKEN)
    assert f"/papers/{key}" in Elements(await archive.text(f"/lists/{TOKEN}")).values("href")
    assert f"@article{{{key},\n" in await archive.text(f"/lists/{TOKEN}.bib")
    assert f"<id>{address}</id>" in await archive.text(f"/lists/{TOKEN}.atom")


async def test_a_list_without_papers_has_files_and_a_page_with_its_own_title(archive: WebArchive) -> None:
    await archive.services.database.write(shelf.set_address, READER, TOKEN)
    for headers, title, sentence in (
        ({}, "Reading list · 0 papers", "This list has no papers."),
        (KOREAN, "공유한 논문 목록 · 0편", "이 목록에는 논문이 없어요."),
    ):
        page = (await archive.get(f"/lists/{TOKEN}", headers))[2].replace("\N{NO-BREAK SPACE}", " ")
        assert f"<title>{title}" in page
        assert page.count(sentence) == 1
        assert "/saved" not in page
    feed = ElementTree.fromstring(await archive.text(f"/lists/{TOKEN}.atom"))
    assert (feed.findtext(f"{ATOM}updated") or "").startswith(f"{archive.now:%Y-%m-%d}T00:00:00")
    assert json.loads(await archive.text(f"/lists/{TOKEN}.json")) == []
    assert await archive.text(f"/lists/{TOKEN}.bib") == ""


async def test_a_withdrawn_paper_is_marked_in_lists(opened: WebArchive) -> None:
    withdrawn = replace(FACT, paper_key="2501.00001", title=None, comment="Withdrawn by the authors")
    await sample_archive.make_ingest(opened.services.database).add_facts([withdrawn])
    for path in (f"/lists/{TOKEN}", "/search?q=TinyTalk"):
        assert (await opened.text(path)).count("Withdrawn by its authors") == 1, path
    assert "저자가 철회한 논문" in (await opened.get(f"/lists/{TOKEN}", KOREAN))[2]


async def test_a_renewed_a_closed_and_a_guessed_address_have_nothing(opened: WebArchive) -> None:
    database = opened.services.database
    await database.write(shelf.set_address, READER, NEWER)
    for ending in ENDINGS:
        assert (await opened.get(f"/lists/{NEWER}{ending}"))[0] == 200
        for wrong in (TOKEN, NEWER[:-1], NEWER.upper(), "%00", "a" * 101, "..", f"{NEWER}/"):
            assert (await opened.get(f"/lists/{wrong}{ending}"))[0] == 404, wrong
    assert (await opened.get(f"/lists/{NEWER}?page=501"))[0] == 404
    whole = await opened.text(f"/lists/{NEWER}.bib")
    assert await opened.text(f"/lists/{NEWER}.bib?page=2") == whole, "a file has no pages"
    assert NEWER not in await opened.text("/sitemap.xml") + await opened.text("/robots.txt")
    await database.write(shelf.set_address, READER, None)
    assert (await opened.get(f"/lists/{NEWER}"))[0] == 404


async def test_a_key_at_an_address_is_its_papers_alone(opened: WebArchive) -> None:
    """A document cites it: neither other papers of the list nor a corrected title and authors change it."""
    database, ingest = opened.services.database, sample_archive.make_ingest(opened.services.database)
    twin = replace(FACT, paper_key="2501.00777", title=FACT.title, authors=FACT.authors)
    path = f"/lists/{TOKEN}.bib"

    async def read_keys() -> dict[str, str]:
        text = await opened.text(path)
        found = re.findall(r"@misc{(.*),(?:\n  .*)*?\n  eprint        = {(.*)},", text)
        assert len(found) == text.count("@misc{")
        return {arxiv_id: key for key, arxiv_id in found}

    first = await read_keys()
    await ingest.add_facts([twin])
    ids = await database.fetch(papers.get_ids, [twin.paper_key, FACT.paper_key])
    for at in (opened.now + timedelta(days=1), opened.now - timedelta(days=1)):
        await database.write(shelf.save_at, READER, {ids[twin.paper_key]: at})
        grown = await read_keys()
        assert {**grown, **first} == grown
        assert len({*grown.values()}) == 4
        await database.write(shelf.remove, READER, ids[twin.paper_key])
        assert await read_keys() == first
    later = FACT.read_at + timedelta(days=1)
    await ingest.add_facts([replace(FACT, title="Another Title", authors=("Zed Zhou",), read_at=later)])
    text = await opened.text(path)
    assert "Another Title" in text
    assert await read_keys() == first
    listed = json.loads(await opened.text(f"/lists/{TOKEN}.json"))
    assert {row["id"] for row in listed} == {*first.values()}, "both files have one key for a paper"


async def test_the_feed_does_not_tell_when_in_the_day_a_paper_was_saved(opened: WebArchive) -> None:
    """docs/security.md: its papers' public facts alone; docs/web.md: the day on which it was added."""
    async with opened.services.database.read() as connection:
        rows, _ = await shelf.list_rows(connection, READER)
    for ending in ENDINGS:
        text = await opened.text(f"/lists/{TOKEN}{ending}")
        assert [at for row in rows if (at := f"{row.saved_at:%H:%M}") in text] == [], ending
    feed = ElementTree.fromstring(await opened.text(f"/lists/{TOKEN}.atom"))
    updated = {entry.findtext(f"{ATOM}updated") for entry in feed.iter(f"{ATOM}entry")}
    assert updated == {f"{opened.now.date()}T00:00:00+00:00"}


@pytest.mark.engines("sqlite", "postgresql")
async def test_signs_that_no_database_stores_are_no_address(db: Database) -> None:
    async with open_archive(db) as archive:
        for sign in ("%00", "a%00b", "%ED%A0%80"):
            for path in ("lists", "papers", "authors", "days"):
                for ending in ("", ".atom"):
                    status, _, _ = await archive.get(f"/{path}/{sign}{ending}")
                    assert status == 404, (path, sign)
            for path in ("search", "ask", "trends", "search.atom"):
                status, _, _ = await archive.get(f"/{path}?q={sign}")
                assert status in (200, 404), (path, sign)


async def test_what_is_like_a_servers_list_is_at_its_address_and_in_a_feed(archive: WebArchive) -> None:
    """Of a list with fewer than five papers the page says what is missing; a reader's list has no such page."""
    world = LikeWorld(database := archive.services.database)
    await world.prepare(*FIVE[:4])
    await database.write(accounts.upsert_guilds, {GUILD: {"name": "Lab"}})
    await database.write(shelf.set_address, GUILD, TOKEN)
    await database.write(shelf.set_address, READER, NEWER)
    near = f"/lists/{TOKEN}?like=list"
    status, _, text = await archive.get(near, KOREAN)
    assert status == 404
    assert "우리 목록</em>에 제목이나 초록이 있는 논문이 5편 이상" in text
    await world.put(FIVE[4])
    assert near in Elements(await archive.text(f"/lists/{TOKEN}")).values("href")
    _, headers, shown = await archive.get(near, KOREAN)
    assert headers["X-Robots-Tag"] == "noindex"
    links = Elements(shown).values("href")
    like, others = [f"/papers/{arxiv_id(name)}" for name in ("R6", "R7")], [f"/papers/{arxiv_id('S1')}"]
    assert {*like} <= {*links}
    assert not {*others, f"/papers/{arxiv_id(FIVE[0])}"} & {*links}
    assert "우리 목록 중 5편이 <em>강화 학습</em> 논문" in shown
    feed = ElementTree.fromstring(await archive.text(f"/lists/{TOKEN}.atom?like=list"))
    named = {entry.findtext(f"{ATOM}id", "").rpartition("/")[2] for entry in feed.iter(f"{ATOM}entry")}
    assert named == {arxiv_id("R6"), arxiv_id("R7")}
    assert "/papers/" not in (await archive.get(f"/lists/{NEWER}?like=list"))[2]
