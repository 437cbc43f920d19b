"""`/saved`: the list and its menus, notes and tags, removal, export and import."""

import asyncio
import re
from typing import Any
from unittest import mock

import aiohttp
import pytest
import sqlalchemy as sa

from bot.archive import digest_writer
from bot.client import message_builder, verbs
from bot.features.operations.readers import Readers
from bot.features.shelf import notes
from bot.outbox.contents import RenderedPart
from storage import accounts, models, papers, shelf
from storage.database import Connection, Database
from tests.support import digest_builders, patience
from tests.support.client_harness import ClientHarness, last_response, send_parts, shown_text

SURVEY, REWARDS = "2501.00001", "2501.00002"


async def save(harness: ClientHarness, *arxiv_ids: str) -> None:
    for arxiv_id in arxiv_ids:
        card = await harness.ask("paper", paper=arxiv_id)
        await harness.press(card, "save")


async def pick(harness: ClientHarness, listed: Any, arxiv_id: str) -> Any:
    return await harness.select(listed, [arxiv_id], custom_id=f"pr:{verbs.OPEN_SELECTED}")


async def send_control(harness: ClientHarness, item: Any, channel_id: int = 0) -> Any:
    """Send a message with a control, such as a forged one, to the reader's channel or another."""
    payload = message_builder.layout_payload(message_builder.text_view("x", item))
    part = RenderedPart(models.PartKind.MESSAGE, payload)
    return await send_parts(harness, channel_id or harness.channel.id, part)


async def test_a_saved_paper_is_found_by_its_note_and_tags(harness: ClientHarness) -> None:
    await save(harness, SURVEY, REWARDS)
    listed = await harness.ask("saved")
    assert shown_text(listed).index("Rewards That") < shown_text(listed).index("Small Language Models")
    paper = await pick(harness, listed, REWARDS)
    note = "compare with **DPO**\n@everyone"
    form = await harness.reader.click(paper, label=harness.texts("saved-edit"))
    assert str(notes.MAX_TAG_LENGTH) in str(form.modal), "a longer tag is cut"
    noted = await harness.fill(paper, "saved-edit", note=note, tags="RL, 읽을 것")
    assert noted.id == paper.id
    assert "> compare with \\*\\*DPO\\*\\*" in shown_text(noted)
    assert "@everyone" not in shown_text(noted)
    assert "#rl #읽을-것" in shown_text(noted)
    back = await harness.ask("saved")
    assert "#rl · 1" in shown_text(back)
    assert "#unread" not in shown_text(back), "it would choose all of them"
    of_tag = await harness.select(back, ["#rl"], custom_id="pr:sg:")
    assert "Small Language Models" not in shown_text(of_tag)
    assert "Rewards That" in shown_text(await harness.ask("saved", search="dpo"))
    for tag in ("#rl", "읽을 것", "RL, 읽을 것"):
        shown = shown_text(await harness.ask("saved", tag=tag))
        assert "Rewards That" in shown
        assert "Small Language Models" not in shown
    assert "Rewards That" in shown_text(await harness.ask("saved", search="reinforcement learning"))
    nothing = await harness.ask("saved", tag="none")
    assert "#none" in shown_text(nothing)
    everything = await harness.press(nothing, "saved-show-all")
    assert harness.texts("list-saved-heading", count=2) in shown_text(everything)


async def test_two_notes_of_a_paper_that_had_two_keys_can_be_edited_whole(harness: ClientHarness) -> None:
    """CHANGELOG: both papers are joined with all notes and tags. The tags over ten are named when they go."""
    database, keys = harness.container.database, [SURVEY, "openreview/aB3dEfGh1J"]
    for number, key in enumerate(keys):
        tags = " ".join(f"{'tag' * 8}{number}{tag}" for tag in range(notes.MAX_TAGS))
        async with database.transaction() as connection:
            ids = await papers.get_ids(connection, [key])
            ids = ids or await papers.add(connection, digest_writer.unlisted_papers([key]))
            await shelf.save_at(connection, harness.reader.id, {ids[key]: harness.env.now()})
            noted = {"note": f"{number}" * (notes.MAX_NOTE_LENGTH - 100), "tags": f" {tags} "}
            await shelf.update(connection, harness.reader.id, ids[key], **noted)
    fact = models.PaperFacts(SURVEY, "arxiv", "u", harness.env.now(), names=(keys[1],))
    await digest_builders.add_facts(database, fact)
    card = await harness.ask("paper", paper=SURVEY)
    form = await harness.reader.click(card, label=harness.texts("saved-edit"))
    before, tags = (part["component"]["value"] for part in form.modal["components"])
    typed = {"note": f"{before[:-1]}!", "tags": tags}
    left = last_response(await harness.reader.submit_modal(form, typed))
    row = await database.fetch(shelf.get, harness.reader.id, SURVEY)
    assert row is not None
    assert (row.note, len(row.note)) == (f"{before[:-1]}!", 2 * (notes.MAX_NOTE_LENGTH - 100) + 1)
    assert len(row.tags) == notes.MAX_TAGS
    assert f"#{tags.split(', ')[notes.MAX_TAGS]}" in shown_text(left)


async def test_a_paper_typed_as_a_tag_can_be_opened_and_saved(harness: ClientHarness) -> None:
    card = await harness.press(
        await harness.ask("saved", tag=SURVEY), label=harness.texts("read-paper", id=SURVEY)
    )
    await harness.press(card, "save")
    assert harness.texts("list-saved-heading", count=1) in shown_text(await harness.ask("saved"))


async def test_the_search_form_filters_the_list(harness: ClientHarness) -> None:
    await save(harness, SURVEY, REWARDS)
    found = await harness.fill(await harness.ask("saved"), "saved-search", text="강화 학습" + " " * 90)
    assert "Rewards That" in shown_text(found)
    assert "Small Language Models" not in shown_text(found)


async def test_a_removed_paper_leaves_the_list(harness: ClientHarness) -> None:
    await save(harness, SURVEY, REWARDS)
    paper, other = [await pick(harness, await harness.ask("saved"), SURVEY) for _ in range(2)]
    removed = await harness.press(paper, "unsave")
    assert harness.texts("saved-edit") not in shown_text(removed)
    left = await harness.ask("saved")
    assert "Small Language Models" not in shown_text(left)
    assert "Rewards That" in shown_text(left)
    assert harness.texts("saved-not-any-more") in shown_text(await harness.press(other, "saved-edit"))


async def test_a_paper_that_is_saved_again_has_its_note_and_tags(harness: ClientHarness) -> None:
    """docs/commands.md: on its card, for a day; another reader's are their own."""
    await save(harness, SURVEY)
    paper = await pick(harness, await harness.ask("saved"), SURVEY)
    noted = await harness.fill(paper, "saved-edit", note="for Friday", tags="ponds")
    back = await harness.press(await harness.press(noted, "unsave"), "save")
    assert "#ponds" in shown_text(back)
    for text in ("for Friday", "#ponds"):
        assert text in shown_text(await harness.ask("saved"))


async def test_the_listed_papers_are_exported_in_the_chosen_format(harness: ClientHarness) -> None:
    await save(harness, SURVEY, REWARDS)
    listed = await harness.ask("saved")
    sent = await harness.select(listed, ["bibtex"], custom_id="pr:sx:")
    assert harness.texts("saved-exported", count=2, format="BibTeX") in shown_text(sent)
    [file] = sent.attachments
    assert file.filename == "paperround.bib"
    assert b"@misc{lovelace2025small:" in await file.read()
    listed = await harness.ask("saved", search="reward")
    chosen = await harness.select(listed, ["ris"], custom_id="pr:sx:")
    [file] = chosen.attachments
    assert file.filename == "paperround.ris"
    assert (await file.read()).count(b"TY  - ") == 1
    await harness.press(await pick(harness, listed, REWARDS), "unsave")
    chosen = await harness.select(listed, ["ris"], custom_id="pr:sx:")
    assert shown_text(chosen) == harness.texts("saved-nothing-to-export")


BIBTEX = b"""@misc{a, title={Small}, eprint={2501.00001}}
@misc{b, title={In no digest}, eprint={2401.09999}}
@misc{c, title={No id}}
"""


async def import_file(harness: ClientHarness, data: bytes, name: str = "library.bib", **fields: Any) -> Any:
    return await harness.fill(await harness.ask("saved"), "saved-import", file=(name, data), **fields)


async def test_a_pending_import_saves_nothing_for_a_deleted_reader(harness: ClientHarness) -> None:
    await save(harness, SURVEY)
    services = harness.bot.services
    async with services.transfers.admitted(harness.manager.id):
        importing = asyncio.create_task(import_file(harness, BIBTEX))
        await patience.wait_until(lambda: harness.reader.id in services.transfers._turns)
        assert (await services.get(Readers).forget(harness.reader.id))["saved_papers"] == 1
    await importing
    assert await services.database.fetch(accounts.count_reader_data, harness.reader.id) == {}
    await import_file(harness, BIBTEX)
    assert await services.database.fetch(accounts.count_reader_data, harness.reader.id) == {"saved_papers": 2}


async def test_an_import_keeps_the_tags_of_others_files_if_its_reader_wants_them(
    harness: ClientHarness,
) -> None:
    file = b'"Key","Title","Url","Manual Tags","Automatic Tags"\n"A","Small","arxiv.org/abs/2501.00001","to read; RL","cs"\n'
    await import_file(harness, file, "zotero.csv")
    assert "#rl" not in shown_text(await harness.ask("saved"))
    await import_file(harness, file, "zotero.csv", tags=True)
    shown = shown_text(await harness.ask("saved"))
    assert "#rl" in shown
    assert "#to-read" in shown
    assert "#cs" not in shown


async def test_an_import_reports_saved_and_skipped_papers(harness: ClientHarness) -> None:
    answer = await import_file(harness, BIBTEX)
    shown = shown_text(answer)
    assert f"- {harness.texts('saved-import-unlisted', count=1)}" in shown
    assert harness.texts("saved-imported", count=2) in shown
    taken_back = await harness.select(answer, ["2401.09999"], custom_id=f"pr:{verbs.REMOVE_SAVED}")
    assert "2401.09999" not in shown_text(await harness.ask("saved"))
    await harness.press(taken_back, "alert-undo")
    listed = await harness.press(answer, "saved-show-all")
    assert "2401.09999" in shown_text(listed)
    paper = await pick(harness, listed, "2401.09999")
    assert harness.texts("share") not in shown_text(paper)
    again = shown_text(await import_file(harness, BIBTEX))
    assert harness.texts("saved-import-known", count=2) in again
    unreadable = await import_file(harness, b"%PDF-1.7 \xff\xfe\xff")
    assert shown_text(unreadable) == harness.texts("saved-import-no-ids")
    large = await import_file(harness, b"@" * 20_000_000)
    assert shown_text(large) == harness.texts("saved-import-too-large", megabytes=2)


async def test_a_failed_download_asks_for_the_file_again(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = mock.AsyncMock(side_effect=aiohttp.ClientPayloadError("the connection was closed"))
    monkeypatch.setattr(harness.bot.http, "get_from_cdn", fail)
    assert shown_text(await import_file(harness, BIBTEX)) == harness.texts("upload-failed")


@pytest.mark.parametrize("is_of_server", [False, True])
async def test_a_list_has_an_address_that_is_renewed_and_closed(
    harness: ClientHarness, is_of_server: bool
) -> None:
    """Also if it is empty. For a server's list, only managers see the button (docs/web.md)."""
    who = harness.manager if is_of_server else harness.reader
    card = await harness.ask("paper", by=who, paper=SURVEY)
    entry = await harness.press(card, "list-add" if is_of_server else "save", by=who)
    options = {"list": "server"} if is_of_server else {}
    owner_id = harness.guild.id if is_of_server else who.id
    services, database = harness.bot.services, harness.bot.services.database

    async def open_list() -> Any:
        return await harness.ask("saved", by=who, **options)

    closed = await harness.press(await open_list(), "address", by=who)
    assert "PAPERROUND_WEB_URL" in shown_text(closed)
    object.__setattr__(services, "lists_url", "https://papers.example/")
    first = await harness.press(await open_list(), "address", by=who)
    [token] = {*re.findall(r"https://papers\.example/lists/([0-9a-f]{32})\b", shown_text(first))}
    assert all(f"/lists/{token}{ending})" in shown_text(first) for ending in (".bib", ".json", ".atom"))
    again = await harness.press(await open_list(), "address", by=who)
    assert token in shown_text(again)
    assert await database.fetch(shelf.find_owner, token) == owner_id
    renewed = await harness.press(again, "address-renew", by=who)
    assert renewed.id == again.id
    assert token not in shown_text(renewed)
    assert await database.fetch(shelf.find_owner, token) is None
    assert harness.texts("address-closed") in shown_text(
        await harness.press(renewed, "address-close", by=who)
    )
    assert await find_address(database, owner_id) is None
    await harness.press(entry, "list-remove" if is_of_server else "unsave", by=who)
    assert harness.texts("address") in shown_text(await open_list()), "the list is empty"
    if is_of_server:
        assert harness.texts("address") not in shown_text(await harness.ask("saved", **options))
        harness.take_roles(who)
        refused = await harness.press(first, "address-renew", by=who)
        assert harness.texts("needs-manage-server") in shown_text(refused)
        assert await find_address(database, owner_id) is None
    else:
        await harness.press(await open_list(), "address", by=who)
        await database.write(accounts.remove_reader_data, owner_id)
        assert await find_address(database, owner_id) is None


async def find_address(database: Database, owner_id: int) -> str | None:
    own = shelf.list_addresses.c.user_id == owner_id
    async with database.read() as connection:
        return await connection.scalar(sa.select(shelf.list_addresses.c.token).where(own))


@pytest.mark.engines("sqlite", "postgresql")
async def test_presses_at_once_leave_the_address_that_the_last_one_tells(db: Database) -> None:
    """What is opened twice is one address; what is closed after it was renewed is closed."""
    shown = await asyncio.gather(*(db.write(shelf.set_address, 7, f"{n}" * 32, keep=True) for n in range(6)))
    [token] = {*shown}
    assert await db.fetch(shelf.find_owner, token or "") == 7
    for number in range(10):
        renewed, closed = asyncio.Event(), f"{number:032}"

        async def renew(connection: Connection, renewed: asyncio.Event, token: str) -> None:
            await shelf.set_address(connection, 7, token)
            renewed.set()
            await asyncio.sleep(0.01)  # the other press waits for this one meanwhile

        async def close(renewed: asyncio.Event) -> None:
            await renewed.wait()
            await db.write(shelf.set_address, 7, None)

        await db.write(shelf.set_address, 7, "a" * 32)
        await asyncio.gather(db.write(renew, renewed, closed), close(renewed))
        assert await find_address(db, 7) is None


async def test_tags_that_are_not_kept_are_named(harness: ClientHarness) -> None:
    """An eleventh, one that is too long, and the name of a filter, which would hide it. The note is kept."""
    await save(harness, SURVEY)
    card = await harness.ask("paper", paper=SURVEY)
    noted = await harness.fill(
        card, "saved-edit", note="kept", tags=f"unread, {'y' * 31}, {','.join('abcdefghijk')}"
    )
    named = harness.texts("saved-tags-left", names=f"\\#unread, #{'y' * 31}, #k", count=10, length=30)
    assert shown_text(noted) == named
    listed = shown_text(await harness.ask("saved"))
    assert ("kept" in listed, "#j" in listed, "#k" in listed) == (True, True, False)
