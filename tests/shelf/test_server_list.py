"""A server's list: members fill it, read it with `/saved`, and take papers off; others see nothing of it."""

import asyncio
import hmac
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa

from bot.archive.digest_writer import unlisted_papers
from bot.archive.references import read_references
from bot.client import verbs
from bot.client.guilds import Guilds
from bot.client.message_builder import button, select_menu, select_option
from bot.features.operations.readers import Readers
from bot.features.operations.retention import GUILD_RETENTION, Retention
from bot.papers.list_state import ListKind, ListState, pack_state
from storage import accounts, club, models, papers, shelf
from storage.database import Database
from storage.errors import UsageError
from tests.shelf.test_shelf_commands import pick, send_control
from tests.storage.test_saved_papers import OTHER, READER, add_papers
from tests.support import reader_rows
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    post_daily,
    raw_components,
    shown_text,
)

SURVEY, REWARDS, SPEECH, MAPS = (f"2501.0000{number}" for number in range(1, 5))
SECRET = b"known to the bot alone"
LIST = {"list": "server"}


@pytest.fixture
def member(harness: ClientHarness) -> Any:
    """An ordinary member, beside the reader."""
    return harness.guild.add_member(harness.env.create_user("mina"))


async def add(harness: ClientHarness, arxiv_id: str, by: Any = None, where: Any = None) -> Any:
    card = await harness.ask("paper", by=by, where=where, paper=arxiv_id)
    key = "list-has" if harness.texts("list-has") in labels_of(card) else "list-add"
    return await harness.press(card, key, by=by)


def labels_of(message: Any) -> list[str]:
    return [part["label"] for part in raw_components(message) if part.get("label")]


@both_languages
async def test_members_fill_a_list_and_read_it(harness: ClientHarness, member: Any) -> None:
    """What the list is, is said once in a server; who added a paper to who adds it again."""
    texts, reader = harness.texts, harness.reader
    what = texts("list-what", command=harness.bot.mentions("saved"))
    first = await add(harness, SURVEY)
    assert texts("list-added", count=1, known=0) in shown_text(first)
    assert what in shown_text(first)
    assert what not in shown_text(await add(harness, REWARDS))
    again = await add(harness, SURVEY, by=member)
    assert texts("list-added", count=0, known=1) in shown_text(again)
    assert f"<@{reader.id}>" in shown_text(again)
    of = {"reader": first, "member": again, "manager": await add(harness, SURVEY, by=harness.manager)}
    may_remove = {name: texts("list-remove") in labels_of(message) for name, message in of.items()}
    assert may_remove == {"reader": True, "member": False, "manager": True}
    found = await harness.ask("topic", by=member, query="language model")
    menu = f"pr:{verbs.LIST_SELECTED}"
    [several] = [part for part in raw_components(found) if part.get("custom_id") == menu]
    known = [option["value"] for option in several["options"]]
    added = [arxiv_id for arxiv_id in known if arxiv_id not in (SURVEY, REWARDS)]
    said = shown_text(await harness.choose(found, menu, *known, by=member))
    assert texts("list-added", count=len(added), known=len(known) - len(added)) in said

    word = "서버" if texts.locale is models.Locale.KO else "server"
    listed = await harness.ask("saved", by=member, list=word)
    assert texts("list-heading", server="Paper Club", count=2 + len(added)) in shown_text(listed)
    assert {f"<@{one.id}>" in shown_text(listed) for one in (reader, member)} == {True}
    assert texts("saved-import") not in labels_of(listed), "only a member's own list is imported"
    mine = await harness.choose(listed, tag_menu(listed), "#mine", by=member)
    assert texts("list-heading", server="Paper Club", count=len(added)) in shown_text(mine)
    own = shown_text(await harness.ask("saved", by=member))
    assert texts("no-list-saved").partition("\n")[0].removeprefix("### ") in own, (
        "it is nobody's private shelf"
    )


def tag_menu(listed: Any) -> str:
    return next(name for name in component_ids(listed) if name.startswith("pr:sg:"))


async def test_the_lists_tags_search_and_files_are_the_servers(harness: ClientHarness, member: Any) -> None:
    texts = harness.texts
    entry = await add(harness, SURVEY)
    await add(harness, REWARDS, by=member)
    said = shown_text(await harness.fill(entry, "saved-tags", tags="RL, mine"))
    assert said == texts("saved-tags-left", names="\\#mine", count=10, length=30)
    tagged = await harness.fill(entry, "saved-tags", tags="RL, seminar")
    assert "#rl #seminar" in shown_text(tagged)
    offered = await harness.reader.autocomplete(harness.channel, "saved", "tag", "sem", **LIST)
    assert [choice["value"] for choice in offered] == ["seminar"]
    assert await harness.reader.autocomplete(harness.channel, "saved", "tag", "sem") == []
    listed = await harness.ask("saved", by=member, tag="rl", **LIST)
    assert ("Small Language" in shown_text(listed), "Rewards That" in shown_text(listed)) == (True, False)
    assert "Rewards That" in shown_text(await harness.ask("saved", by=member, search="reward", **LIST))
    sent = await harness.select(listed, ["bibtex"], custom_id="pr:sx:", by=member)
    assert texts("saved-exported", count=1, format="BibTeX") in shown_text(sent)
    [file] = sent.attachments
    data = await file.read()
    assert b"keywords" in data
    assert str(harness.reader.id).encode() not in data, "a file names papers, and no members"
    assert [row.arxiv_id for row in read_references(data, harness.env.now().date())] == [SURVEY]
    nothing = await harness.ask("saved", by=member, search="nothing of this", **LIST)
    shown = shown_text(await harness.press(nothing, "saved-show-all", by=member))
    assert texts("list-heading", server="Paper Club", count=2) in shown
    page = await pick(harness, await harness.ask("saved", **LIST), SURVEY)
    assert texts("save") in labels_of(page), "the card is the reader's own"
    assert texts("list-has") in labels_of(page)
    assert "#rl #seminar" in shown_text(await harness.press(page, "list-has"))
    await harness.press(tagged, "list-remove")
    assert texts("list-add") in labels_of(await harness.ask("paper", paper=SURVEY))


async def test_what_is_new_is_a_filter_of_the_list(harness: ClientHarness) -> None:
    """As in `/saved`, but whether or not a member is told of it."""
    texts, database = harness.texts, harness.container.database
    for arxiv_id in (SURVEY, REWARDS):
        await add(harness, arxiv_id)
    await harness.env.advance_time(3600)
    async with database.transaction() as connection:
        ids = await papers.get_ids(connection, [SURVEY])
        row = {"paper_id": ids[SURVEY], "kind": papers.EventKind.CODE, "found_at": harness.env.now()}
        await connection.execute(papers.paper_events.insert().values(text="https://github.com/a/b", **row))
    listed = await harness.ask("saved", **LIST)
    [menu] = [part for part in raw_components(listed) if part.get("custom_id") == tag_menu(listed)]
    assert f"{texts('list-view-updated')} · 1" in [option["label"] for option in menu["options"]]
    for found in (
        await harness.choose(listed, tag_menu(listed), "#updated"),
        await harness.ask("saved", search="#updated", **LIST),
    ):
        assert texts("list-heading", server="Paper Club", count=1) in shown_text(found)
        assert "Small Language" in shown_text(found)


@both_languages
async def test_the_list_says_what_the_server_did_with_a_paper(harness: ClientHarness, member: Any) -> None:
    """The club's meeting, the discussion with its link, and from three on how many members saved it; *to read* and *read*."""
    texts, now, here = harness.texts, harness.env.now(), harness.guild.id
    for arxiv_id in (SURVEY, REWARDS, SPEECH, MAPS):
        await add(harness, arxiv_id)
    async with harness.container.database.transaction() as connection:
        ids = await papers.get_ids(connection, [SURVEY, REWARDS, SPEECH, MAPS])
        thread = {"channel_id": harness.channel.id, "guild_id": here, "delivery_id": 1, "opened_at": now}
        await club.put_thread(connection, paper_id=ids[REWARDS], thread_id=55, **thread)
        met = {"thread_id": 56, "meets_on": date(2025, 12, 24)}
        await club.put_thread(connection, paper_id=ids[SPEECH], **thread, **met)
        for user_id in range(101, 104):
            await shelf.save(connection, user_id, [ids[REWARDS], ids[MAPS]][: 104 - user_id], now, here)
    listed = await harness.ask("saved", by=member, **LIST)
    shown = shown_text(listed)
    assert texts("list-heading", server="Paper Club", count=4) in shown, "what is saved is on no list"
    assert f"[{texts('list-discussed')}](https://discord.com/channels/{here}/55)" in shown
    assert shown.count(texts("list-club", date=texts.format_date(date(2025, 12, 24)))) == 1
    counts = [shown.count(texts("post-savers", count=count)) for count in (3, 2)]
    assert counts == [1, 0], "two might be recognised"
    [menu] = [part for part in raw_components(listed) if part.get("custom_id") == tag_menu(listed)]
    labels = [option["label"] for option in menu["options"]]
    assert [f"{texts('list-view-unread')} · 2", f"{texts('list-view-read')} · 1"] == labels[1:3]
    for view, found in (("unread", {SURVEY, MAPS}), ("read", {SPEECH})):
        of_view = shown_text(await harness.ask("saved", by=member, search=f"#{view}", **LIST))
        assert {arxiv_id for arxiv_id in ids if f"/abs/{arxiv_id})" in of_view} == found


async def test_who_added_a_paper_or_a_manager_takes_it_off(harness: ClientHarness, member: Any) -> None:
    """A forged or an old button is refused, and a second press says that it is gone."""
    texts = harness.texts
    entries = [await add(harness, arxiv_id) for arxiv_id in (SURVEY, REWARDS)]
    forged = await send_control(harness, button("forged", f"pr:listx:{SURVEY}"))
    assert shown_text(await harness.click(forged, by=member, label="forged")) == texts("list-not-yours")
    again = await add(harness, REWARDS, by=harness.manager)
    for entry, by in ((entries[0], harness.reader), (again, harness.manager)):
        assert "Taken off our list" in shown_text(await harness.press(entry, "list-remove", by=by))
    assert shown_text(await harness.click(forged, label="forged")) == texts("list-not-any-more")
    assert texts("no-list-server").splitlines()[0] in shown_text(await harness.ask("saved", **LIST))


async def test_posts_messages_and_discussions_fill_the_list(harness: ClientHarness, member: Any) -> None:
    texts, menu = harness.texts, f"pr:{verbs.LIST_SELECTED}"
    post = await post_daily(harness)
    assert texts("list-selected") not in shown_text(post)  # one menu below a post; its answer has the others
    opening = next(name for name in component_ids(post) if name.endswith(verbs.OPEN_SELECTED))
    one = await harness.choose(post, opening, SURVEY, by=member)
    assert {texts("save"), texts("list-add")} <= {*shown_text(one).splitlines()}
    several = await harness.choose(post, opening, SURVEY, REWARDS, by=member)
    assert texts("save-selected") in shown_text(several)
    discussed = await harness.choose(several, f"pr:{verbs.DISCUSS}", SURVEY, by=member)
    assert texts("list-added", count=1, known=0) in shown_text(discussed)
    await harness.choose(several, menu, SURVEY, REWARDS, by=member)
    cards = await post_daily(harness, style=models.Style.CARDS)
    assert texts("list-added", count=1, known=0) in shown_text(await harness.press(cards, "list-add"))
    message = await harness.reader.send(harness.channel, f"arxiv.org/abs/{SPEECH} arxiv.org/abs/{MAPS}")
    found = last_response(await harness.reader.context_menu(harness.channel, "Look up papers", message))
    await harness.choose(found, menu, SPEECH)
    card = await harness.ask("paper", by=member, paper=MAPS)
    assert texts("list-added", count=1, known=0) in shown_text(
        await harness.press(card, "discuss", by=member)
    )
    listed = shown_text(await harness.ask("saved", **LIST))
    assert texts("list-heading", server="Paper Club", count=5) in listed
    old = await send_control(harness, button("old", f"pr:clubp:nominate:0:{SPEECH}"))
    assert texts("list-added", count=0, known=1) in shown_text(await harness.click(old, label="old"))


async def test_a_list_is_read_elsewhere_by_its_members_alone(harness: ClientHarness, member: Any) -> None:
    """In direct messages the option offers the servers that both are in; a forged control shows nothing."""
    texts, database = harness.texts, harness.container.database
    async with database.transaction() as connection:
        await accounts.upsert_guilds(connection, {harness.guild.id: {}})
    await add(harness, SURVEY)
    outsider = harness.env.create_user("outsider")
    other = harness.env.create_guild("Elsewhere", owner=outsider)
    place = other.create_text_channel("papers")
    stranger = other.add_member(harness.env.create_user("stranger"))
    for typed in ("", "club"):
        [choice] = await harness.user.autocomplete("saved", "list", typed)
        assert (choice["name"], choice["value"]) == ("Paper Club", str(harness.guild.id))
    [here] = await harness.reader.autocomplete(harness.channel, "saved", "list", "")
    assert here["value"] == "server"
    shown = last_response(await harness.user.slash("saved", list=str(harness.guild.id)))
    assert texts("list-heading", server="Paper Club", count=1) in shown_text(shown)
    assert texts("list-add") not in labels_of(last_response(await harness.user.slash("paper", paper=SURVEY)))
    named = {"list": str(harness.guild.id)}
    for asked in (stranger.slash(place, "saved", **named), outsider.slash("saved", **named)):
        refused = last_response(await asked)
        assert shown_text(refused) == texts("list-unknown")
    empty = await harness.ask("saved", by=stranger, where=place, **LIST)
    assert texts("no-list-server").splitlines()[0] in shown_text(empty)
    for typed in ("0", f"{2**63}", "9" * 30):
        said = last_response(await harness.user.slash("saved", list=typed))
        assert shown_text(said) == texts("list-unknown")
    other.add_member(harness.user)
    async with database.transaction() as connection:
        await accounts.upsert_guilds(connection, {other.id: {}})
        ids = (await papers.get_ids(connection, [MAPS])).values()
        await shelf.add_to_list(connection, other.id, ids, 1, harness.env.now(), SECRET)
    with mock.patch.object(harness.bot.get_guild(other.id), "name", "The Paper Club of Mars"):
        shown = last_response(await harness.user.slash("saved", list="paper club"))
    assert texts("list-heading", server="Paper Club", count=1) in shown_text(shown)
    state = ListState(ListKind.SAVED, server_id=harness.guild.id)
    forged = await send_control(harness, button("forged", pack_state(state)), place.id)
    assert shown_text(await harness.click(forged, by=stranger, label="forged")) == texts("list-unknown")


@pytest.fixture
def small_lists() -> Iterator[None]:
    with mock.patch.object(shelf, "MAX_LISTED", 3), mock.patch.object(shelf, "MAX_ADDED", 2):
        yield


@pytest.mark.usefixtures("small_lists")
async def test_a_full_list_and_a_full_day_are_said(harness: ClientHarness, member: Any) -> None:
    """A discussion opens nevertheless."""
    texts = harness.texts
    for arxiv_id in (SURVEY, REWARDS):
        await add(harness, arxiv_id)
    too_many, full = texts("list-too-many", count=2), texts("list-full", count=3)
    assert shown_text(await add(harness, SPEECH)) == too_many
    assert texts("list-added", count=0, known=1) in shown_text(await add(harness, SURVEY))
    card = await harness.ask("paper", paper=SPEECH)
    said = shown_text(await harness.press(card, "discuss"))
    assert texts("club-opening", channel=harness.channel.mention) in said
    assert too_many in said
    await add(harness, SPEECH, by=member)
    assert shown_text(await add(harness, MAPS, by=member)) == full
    await harness.env.advance_time(24 * 3600)
    assert shown_text(await add(harness, MAPS)) == full
    shown = shown_text(await harness.ask("saved", **LIST))
    assert texts("list-heading", server="Paper Club", count=3) in shown


IMPORTED = {
    "lab.bib": "@misc{{a, title={{Our secret}}, doi={{10.1234/moss.1}}, note={{Mina hates it}}, keywords={{rivals}}}}\n{}",
    "lab.ris": "TY  - JOUR\nTI  - Our secret\nDO  - 10.1234/moss.1\nN1  - Mina hates it\nKW  - rivals\nER  - \n{}",
    "lab.json": '[{{"title": "Our secret", "DOI": "10.1234/moss.1", "note": "Mina hates it", "keyword": "rivals"}}, {}]',
    "zotero.csv": '"Key","Title","DOI","Url","Notes","Manual Tags"\n'
    '"A","Our secret","10.1234/moss.1","","Mina hates it","rivals"\n{}',
}
ENTRIES = {
    "lab.bib": "@misc{{{0}, title={{A}}, eprint={{{0}}}}}\n",
    "lab.ris": "TY  - JOUR\nTI  - A\nUR  - https://arxiv.org/abs/{0}\nER  - \n",
    "lab.json": '{{"title": "A", "URL": "https://arxiv.org/abs/{0}"}}, ',
    "zotero.csv": '"B","A","","https://arxiv.org/abs/{0}","",""\n',
}


@pytest.mark.usefixtures("small_lists")
@pytest.mark.parametrize("name", IMPORTED)
async def test_a_manager_fills_the_list_from_a_file_and_nothing_private_comes_along(
    harness: ClientHarness, member: Any, name: str
) -> None:
    """docs/commands.md, *Our list*: as many papers as there is room for, without titles, notes and tags."""
    texts, database = harness.texts, harness.container.database
    entries = "".join(ENTRIES[name].format(key) for key in (SURVEY, SPEECH, MAPS)).removesuffix(", ")
    file = (name, IMPORTED[name].format(entries).encode())
    assert texts("saved-import") not in labels_of(await harness.ask("saved", by=member, **LIST))
    answer = await harness.fill(
        await harness.manage("saved", **LIST), "saved-import", by=harness.manager, file=file
    )
    shown = shown_text(answer)
    assert texts("list-added", count=3, known=0) in shown
    assert texts("saved-import-full", count=1, most=3) in shown
    listed = await harness.ask("saved", by=member, **LIST)
    assert texts("list-heading", server="Paper Club", count=3) in shown_text(listed)
    assert f"<@{harness.manager.id}>" in shown_text(listed)
    rows = [
        dict(row._mapping) for row in await database.fetch(lambda c: c.execute(sa.select(shelf.saved_papers)))
    ]
    assert {row["user_id"] for row in rows} == {harness.guild.id}
    assert not any(word in str(rows) for word in ("secret", "Mina", "rivals")), rows
    taken = await harness.select(answer, [SURVEY], by=harness.manager, custom_id=f"pr:{verbs.REMOVE_SAVED}")
    assert "Small Language Models" not in shown_text(await harness.ask("saved", **LIST))
    await harness.press(taken, "alert-undo", by=harness.manager)
    assert "Small Language Models" in shown_text(await harness.ask("saved", **LIST))


async def test_only_a_manager_imports_into_the_list(harness: ClientHarness, member: Any) -> None:
    needs, server = harness.texts("needs-manage-server"), harness.guild.id
    control = button("forged", f"pr:{verbs.OPEN_IMPORT}:{server}")
    form = await member.click(await send_control(harness, control), label="forged")
    refused = await member.submit_modal(form, {"file": ("a.bib", SURVEY.encode())})
    assert shown_text(last_response(refused)) == needs
    await add(harness, SURVEY)
    remove = f"pr:{verbs.REMOVE_SAVED}:{server}"
    menu = await send_control(harness, select_menu("x", remove, [select_option("a", SURVEY)]))
    taking = await member.select(menu, [SURVEY], custom_id=remove)
    undo = await send_control(harness, button("forged", f"pr:{verbs.PUT_BACK_SAVED}:1:{server}"))
    putting = await member.click(undo, label="forged")
    assert shown_text(last_response(taking)) == shown_text(last_response(putting)) == needs
    assert "Small Language Models" in shown_text(await harness.ask("saved", **LIST))


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_member_is_forgotten_and_a_server_is_removed(harness: ClientHarness, member: Any) -> None:
    """The paper stays, by a former member; the bot's removal takes the list after thirty days."""
    texts, services, database = harness.texts, harness.bot.services, harness.container.database
    await add(harness, SURVEY)
    await add(harness, REWARDS, by=member)
    data = await services.get(Readers).export(harness.reader.id)
    [row] = json.loads(data)["tables"]["saved_papers"]
    assert (row["paper_id"], row["added_by"]) == (SURVEY, str(harness.reader.id))
    assert (row["list_of_server"], "user_id" in row) == (str(harness.guild.id), False), "it is no reader's id"
    assert read_references(data, harness.env.now().date()) == [], "an import is not filled from a list"
    asked = shown_text(await harness.ask("me forget"))
    assert "saved paper" not in asked
    await services.get(Readers).forget(harness.reader.id)
    listed = shown_text(await harness.ask("saved", **LIST))
    assert texts("list-by", name="none", date="\0").partition("\0")[0] in listed
    assert "Small Language" in listed
    assert f"<@{harness.reader.id}>" not in listed
    guilds = Guilds(database, harness.container.clock)
    await guilds.update({harness.guild.id: {}})
    await guilds.mark_left([harness.guild.id])
    for days, count in ((-1, 2), (1, 0)):
        clock = partial(datetime.__add__, harness.env.now(), GUILD_RETENTION + timedelta(days=days))
        await Retention(database, clock, days=90).purge()
        assert await database.fetch(shelf.count, harness.guild.id) == count


@pytest.mark.engines("sqlite", "postgresql")
@pytest.mark.usefixtures("small_lists")
async def test_additions_at_once_stay_within_the_limits(db: Database) -> None:
    """The limit of a member holds over all servers; the first to add a paper is named."""
    async with db.transaction() as connection:
        ids = await add_papers(connection, [*"ABCDEFGH"])
    now, added = models.NEVER.replace(year=2026), list[int]()

    async def add_one(server_id: int, paper_id: int, user_id: int) -> None:
        with suppress(UsageError):
            added.extend((await db.write(shelf.add_to_list, server_id, [paper_id], user_id, now, SECRET))[0])

    await asyncio.gather(*(add_one(9, ids[0], user_id) for user_id in range(1, 6)))
    assert added == [ids[0]], "one of five added it"
    await asyncio.gather(*(add_one(9, paper_id, 10 + paper_id) for paper_id in ids))
    assert await db.fetch(shelf.count, 9) == len(added) == 3
    await asyncio.gather(*(add_one(20 + paper_id, paper_id, 7) for paper_id in ids))
    assert len(added) == 5


@pytest.mark.engines("sqlite", "postgresql")
async def test_papers_that_several_add_at_once_are_of_the_first(db: Database) -> None:
    async with db.transaction() as connection:
        ids = await add_papers(connection, ["A", "B", "C"])
    now = models.NEVER.replace(year=2026)
    assert await db.write(shelf.add_to_list, 9, ids[:2], 1, now, SECRET) == (ids[:2], 2)
    assert await db.write(shelf.add_to_list, 9, ids, 2, now, SECRET) == (ids[2:], 3)
    rows, total = await db.fetch(shelf.list_rows, 9)
    assert ({row.id: row.added_by for row in rows}, total) == ({ids[0]: 1, ids[1]: 1, ids[2]: 2}, 3)
    assert await db.fetch(shelf.count_savers, ids) == {}, "a list is not a saver"
    await db.write(accounts.upsert_guilds, {8: {}, 9: {"name": "Lab"}})
    assert [(row.guild_id, row.name) for row in await db.fetch(shelf.list_servers, 1)] == [(9, "Lab")]


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_member_adds_so_many_a_day_whatever_is_taken_off_or_forgotten(db: Database) -> None:
    """docs/commands.md: fifty a member and day. What counts them names nobody, and another member has a day of their own."""
    async with db.transaction() as connection:
        names = [f"2501.{number:05}" for number in range(1, 161)]
        ids = sorted((await papers.add(connection, unlisted_papers(names))).values())
    at = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)

    async def may_add(user_id: int, *paper_ids: int, server_id: int = 9, now: datetime = at) -> bool:
        with suppress(UsageError):
            return bool(await db.write(shelf.add_to_list, server_id, paper_ids, user_id, now, SECRET))
        return False

    assert not await may_add(READER, *ids[:51]), "what is refused is not counted"
    assert await may_add(READER, *ids[:30])
    for paper_id in ids[:10]:
        await db.write(shelf.take_off, 9, paper_id, at)
    assert await may_add(READER, *ids[10:30], *ids[30:50]), "those on the list are not added again"
    assert not await may_add(READER, ids[50])
    await db.write(accounts.remove_reader_data, READER)
    assert not await reader_rows.find_columns(db, str(READER))
    assert not await may_add(READER, ids[50])
    assert not await may_add(READER, ids[50], server_id=10), "the limit holds over all servers"
    assert await may_add(OTHER, *ids[50:100])
    assert await may_add(READER, *ids[100:150], now=at + timedelta(hours=1)), "it is another day"
    assert not await may_add(READER, ids[150], now=at + timedelta(hours=2))


async def test_what_an_own_list_takes_is_counted_under_a_code_of_the_bot(harness: ClientHarness) -> None:
    """PRIVACY.md: a code that only the bot can make; the buttons of cards, menus and discussions count under the same."""
    object.__setattr__(harness.bot.services, "secret", b"a token")
    await harness.press(await add(harness, SURVEY), "list-remove")
    await harness.press(await harness.ask("paper", paper=REWARDS), "discuss")
    async with harness.container.database.read() as connection:
        [(asker, number)] = (
            await connection.execute(
                sa.text("SELECT asker, number FROM question_counts WHERE asker LIKE 'list:%'")
            )
        ).all()
    assert number == 2
    day, reader = harness.env.now().date(), harness.reader.id
    guessed = hmac.new(b"", f"{day}:{reader}".encode(), "sha256").hexdigest()
    assert f"{reader}" not in asker
    assert guessed[:16] not in asker, "who has the database alone cannot make it"


async def test_taking_off_is_undone_on_its_answer(harness: ClientHarness, member: Any) -> None:
    """With its tags, who added it and when; for who may take it off, as often as it is pressed, for a day."""
    texts, database, server = harness.texts, harness.container.database, harness.guild.id
    entry = await add(harness, SURVEY)
    await harness.fill(entry, "saved-tags", tags="seminar")
    [before], _ = await database.fetch(shelf.list_rows, server)
    await harness.env.advance_time(3600)
    gone = await harness.press(entry, "list-remove")
    assert [part["type"] for part in raw_components(gone) if part.get("custom_id")] == [2], "*Undo* alone"
    forged = await send_control(harness, button("forged", f"pr:{verbs.PUT_BACK_LISTED}:{SURVEY}"))
    refused = texts("list-not-any-more")
    assert shown_text(await harness.click(forged, by=member, label="forged")) == refused
    for press in (harness.press(gone, "alert-undo"), harness.click(forged, label="forged")):
        back = await press
        assert "#seminar" in shown_text(back)
        assert f"<@{harness.reader.id}>" in shown_text(back)
        assert await database.fetch(shelf.list_rows, server) == ([before], 1)
    await harness.press(gone, "list-remove")
    await harness.bot.services.get(Readers).forget(harness.reader.id)
    assert not await reader_rows.find_columns(database, str(harness.reader.id))
    back = await harness.click(forged, by=harness.manager, label="forged")
    assert "#seminar" in shown_text(back)
    assert f"<@{harness.reader.id}>" not in shown_text(back)
    await harness.press(back, "list-remove", by=harness.manager)
    later = partial(datetime.__add__, harness.env.now(), timedelta(days=1, hours=1))
    await Retention(database, later, days=90).purge()
    assert shown_text(await harness.click(forged, by=harness.manager, label="forged")) == refused


async def test_what_is_put_back_counts_to_the_lists_maximum(harness: ClientHarness, member: Any) -> None:
    gone = await harness.press(await add(harness, SURVEY), "list-remove")
    await add(harness, REWARDS, by=member)
    with mock.patch.object(shelf, "MAX_LISTED", 1):
        assert shown_text(await harness.press(gone, "alert-undo")) == harness.texts("list-full", count=1)
    assert await harness.container.database.fetch(shelf.count, harness.guild.id) == 1
    await add(harness, SURVEY, by=member)
    assert f"<@{member.id}>" in shown_text(await harness.press(gone, "alert-undo")), "who added it anew stays"


@pytest.fixture
async def last(harness: ClientHarness) -> Any:
    """The reader's server, the last of 41 with a list. The database knows all of them."""
    database, owner = harness.container.database, harness.env.create_user("another")
    names = *(f"Lab {number}" for number in range(40)), "Last Club"
    servers = [harness.env.create_guild(name, owner=owner) for name in names]
    servers[-1].add_member(harness.user)
    async with database.transaction() as connection:
        for number, server in enumerate(servers):
            await accounts.upsert_guilds(connection, {server.id: {"name": server.name}})
            ids = await papers.get_ids(connection, [SURVEY])
            await shelf.add_to_list(connection, server.id, ids.values(), number, harness.env.now(), SECRET)
    return servers[-1]


@pytest.fixture
def asked(harness: ClientHarness) -> Iterator[mock.Mock]:
    """What Discord was asked about members."""
    asked = mock.Mock(wraps=harness.bot.http.get_member)
    with mock.patch.object(harness.bot.http, "get_member", asked):
        yield asked


async def test_a_readers_server_is_offered_after_forty_others(
    harness: ClientHarness, last: Any, asked: mock.Mock
) -> None:
    """Discord is asked for 25 servers a minute (docs/security.md), for none twice, and for none by a name that no server has."""

    async def offer(typed: str) -> tuple[list[str], int]:
        asked.reset_mock()
        choices = await harness.user.autocomplete("saved", "list", typed)
        return [choice["name"] for choice in choices], asked.call_count

    assert await offer("zzz") == ([], 0)
    assert await offer("LAST") == ([last.name], 1)
    assert await offer("") == ([last.name], 24), "what is known leaves room"
    assert await offer("") == ([last.name], 0)
    await harness.env.advance_time(61)
    assert await offer("last") == ([last.name], 1), "who left may not read for longer than a minute"
    assert await offer("") == ([last.name], 24)


async def test_servers_in_which_a_reader_was_active_are_offered_first(
    harness: ClientHarness, last: Any, asked: mock.Mock
) -> None:
    save = harness.container.database.write
    [paper_id] = (await harness.container.database.fetch(papers.get_ids, [SURVEY])).values()
    offer = partial(harness.user.autocomplete, "saved", "list", "")
    await save(shelf.save, harness.user.id, [paper_id], harness.env.now(), None)
    assert await offer() == []
    await save(shelf.remove, harness.user.id, paper_id)
    await save(shelf.save, harness.user.id, [paper_id], harness.env.now(), last.id)
    await harness.env.advance_time(61)
    asked.reset_mock()
    assert [choice["name"] for choice in await offer()] == [last.name]
    assert asked.call_count == 25


async def test_typed_numbers_ask_discord_nothing(harness: ClientHarness, asked: mock.Mock) -> None:
    """A server that the bot is not in, or has left, has no list."""
    http, unknown = harness.bot.http, harness.texts("list-unknown")
    fetched = mock.Mock(wraps=http.get_guild)
    left = harness.guild.id
    guilds = Guilds(harness.container.database, harness.container.clock)
    await guilds.update({left: {}})
    await guilds.mark_left([left])
    with mock.patch.object(http, "get_guild", fetched):
        for number in (10**17, 10**17 + 1, left):
            said = last_response(await harness.user.slash("saved", list=f"{number}"))
            assert shown_text(said) == unknown
            await harness.user.autocomplete("saved", "tag", "", list=f"{number}")
    assert (asked.call_count, fetched.call_count) == (0, 0)


async def test_each_control_of_lists_answers_each_press(harness: ClientHarness, member: Any) -> None:
    """Pressed twice, by another member too, and after a restart: each press has an answer, and no error is logged."""
    object.__setattr__(harness.bot.services, "lists_url", "https://papers.example/")
    for by in (harness.reader, member):
        for arxiv_id in (SURVEY, REWARDS, SPEECH):
            await harness.press(await harness.ask("paper", by=by, paper=arxiv_id), "save", by=by)
    entry = await add(harness, SURVEY)
    await add(harness, REWARDS, by=member)
    listed = [await harness.ask("saved"), await harness.ask("saved", by=harness.manager, **LIST)]
    shown = [entry, *listed, await harness.ask("saved", tag="none")]
    shown.append(await harness.press(listed[1], "address", by=harness.manager))
    shown.append(await harness.press(await add(harness, SPEECH), "list-remove"))
    menu = select_menu("x", f"pr:{verbs.REMOVE_SAVED}", [select_option("A", SURVEY)])
    controls = {
        part["custom_id"]: part
        for message in shown
        for part in raw_components(message)
        if "custom_id" in part
    }
    assert len(controls) > 15
    parts = [*controls.values(), menu.to_component_dict() if menu else {}]
    for has_restarted in (False, True):
        if has_restarted:
            await harness.env.restart_bot(harness.container.create_bot(shard_count=1))
        for part in parts:
            for by in (harness.reader,) if has_restarted else (harness.reader, harness.reader, member):
                name, options = part["custom_id"], part.get("options", [])
                item = select_menu("x", name, [select_option(one["label"], one["value"]) for one in options])
                message = await send_control(harness, item if options else button("x", name))
                values = {"values": [options[-1]["value"]]} if options else {}
                press = by.select if options else by.click
                answer = await press(message, custom_id=name, **values)
                assert answer.modal or last_response(answer) is not None, part
