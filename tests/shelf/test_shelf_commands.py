"""/saved: the list with its menus, a paper's note, tags and removal, and the file."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bot.client import message_builder, translations
from bot.shelf import messages as shelf_messages
from storage import models
from tests.support import patience
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    shown_text,
)

SURVEY, REWARDS, MAPS = "2501.00001", "2501.00002", "2501.00003"


async def save(harness: ClientHarness, *arxiv_ids: str) -> None:
    """Save papers from their cards."""
    for arxiv_id in arxiv_ids:
        card = await harness.ask("paper", paper=arxiv_id)
        await harness.reader.click(card, label=harness.texts("save"))


async def open_list(harness: ClientHarness, **options: str) -> Any:
    """Return the answer of /saved list."""
    return await harness.ask("saved list", **options)


def menu_id(message: Any, verb: str) -> str:
    """Return the id of the component with a verb."""
    return next(name for name in component_ids(message) if name.startswith(f"pr:{verb}:"))


async def pick(harness: ClientHarness, listed: Any, arxiv_id: str) -> Any:
    """Pick a paper from the list."""
    return await harness.choose(listed, menu_id(listed, "sp"), arxiv_id)


async def test_a_saved_paper_gets_a_note_and_tags_and_is_found_by_them(harness: ClientHarness) -> None:
    await save(harness, SURVEY, REWARDS)
    listed = await open_list(harness)
    assert shown_text(listed).index("Rewards That") < shown_text(listed).index("Small Language Models")
    paper = await pick(harness, listed, REWARDS)
    assert paper.id == listed.id
    noted = await harness.fill(paper, "saved-edit-note", text="compare with **DPO**\n@everyone")
    assert "> compare with \\*\\*DPO\\*\\*" in shown_text(noted)
    assert "@everyone" not in shown_text(noted)
    tagged = await harness.fill(noted, "saved-edit-tags", text="RL, 읽을 것")
    assert "#rl #읽을-것" in shown_text(tagged)
    back = await harness.press(tagged, "saved-back")
    assert back.id == listed.id
    menu = menu_id(back, "sg")
    assert "Small Language Models" not in shown_text(await harness.choose(back, menu, "#rl"))
    assert "Rewards That" in shown_text(await open_list(harness, search="dpo"))
    for tag in ("#rl", "읽을 것", "RL, 읽을 것"):
        shown = shown_text(await open_list(harness, tag=tag))
        assert "Rewards That" in shown
        assert "Small Language Models" not in shown
    assert "Rewards That" in shown_text(await open_list(harness, search="reinforcement learning"))
    nothing = await open_list(harness, tag="none")
    assert "#none" in shown_text(nothing)
    everything = await harness.press(nothing, "saved-show-all")
    assert harness.texts("list-saved-heading", count=2) in shown_text(everything)


async def test_the_list_is_sorted_and_searched_by_its_components(harness: ClientHarness) -> None:
    await save(harness, SURVEY, REWARDS)
    listed = await open_list(harness)
    menu = menu_id(listed, "so")
    oldest = await harness.choose(listed, menu, "oldest")
    assert shown_text(oldest).index("Small Language Models") < shown_text(oldest).index("Rewards That")
    found = await harness.fill(oldest, "saved-search", text="강화 학습" + " " * 90)
    assert "Rewards That" in shown_text(found)
    assert "Small Language Models" not in shown_text(found)


async def test_a_removal_can_be_undone_with_its_note_after_a_restart(harness: ClientHarness) -> None:
    await save(harness, SURVEY)
    paper = await pick(harness, await open_list(harness), SURVEY)
    modal = await harness.reader.click(paper, label=harness.texts("saved-edit-note"))
    await harness.reader.submit_modal(modal, {"text": "kept"})
    removed = await harness.press(paper, "saved-remove")
    command = harness.bot.mentions("saved import")
    assert harness.texts("no-list-saved", command=command) in shown_text(await open_list(harness))
    await harness.env.restart_bot(harness.container.create_bot(shard_count=1, locale=harness.texts.locale))
    restored = await harness.press(removed, "saved-undo")
    assert "> kept" in shown_text(restored)
    [saved], _ = await harness.bot.services.shelf.list_saved(harness.reader.id)
    await harness.bot.services.shelf.remove(harness.reader.id, saved.id)
    assert harness.texts("saved-not-any-more") in shown_text(await harness.press(restored, "saved-edit-note"))


async def test_a_file_of_the_saved_papers_is_sent_in_the_chosen_format(harness: ClientHarness) -> None:
    assert harness.texts("saved-nothing-to-export") in shown_text(await harness.ask("saved export"))
    await save(harness, SURVEY, REWARDS)
    sent = await harness.ask("saved export")
    assert harness.texts("saved-exported", count=2, format="BibTeX") in shown_text(sent)
    [file] = sent.attachments
    assert file.filename == "paperround.bib"
    assert b"@misc{lovelace2025small," in await file.read()
    listed = await open_list(harness, search="reward")
    chosen = await harness.choose(listed, menu_id(listed, "sx"), "ris")
    [file] = chosen.attachments
    assert file.filename == "paperround.ris"
    assert (await file.read()).count(b"TY  - ") == 1


async def test_a_picked_paper_is_shared_by_a_member_who_may_write(harness: ClientHarness) -> None:
    await save(harness, SURVEY)
    paper = await pick(harness, await open_list(harness), SURVEY)
    shared = await harness.press(paper, "share")
    assert not shared.ephemeral
    quiet = await harness.ask("saved list", where=harness.readonly_channel)
    assert harness.texts("share") not in shown_text(await harness.choose(quiet, menu_id(quiet, "sp"), SURVEY))


async def test_a_paper_that_is_saved_again_has_its_note_again(harness: ClientHarness) -> None:
    await save(harness, SURVEY)
    paper = await pick(harness, await open_list(harness), SURVEY)
    noted = await harness.fill(paper, "saved-edit-note", text="mine")
    removed = await harness.press(noted, "saved-remove")
    await save(harness, SURVEY)
    assert "> mine" in shown_text(await harness.press(removed, "saved-undo"))
    card = await harness.ask("paper", paper=SURVEY)
    await harness.press(await harness.press(card, "unsave"), "save")
    assert "> mine" in shown_text(await pick(harness, await open_list(harness), SURVEY))


async def test_a_tag_and_a_search_that_are_longer_together_than_the_form_are_shortened_in_it(
    harness: ClientHarness,
) -> None:
    await save(harness, SURVEY)
    listed = await open_list(harness, tag="t" * 60, search="word " * 59)
    form = (await harness.reader.click(listed, label=harness.texts("saved-search"))).modal
    assert form is not None
    field = form["components"][0]["component"]
    assert len(field["value"]) == field["max_length"] == 300


BIBTEX = b"""@misc{a, title={Small}, eprint={2501.00001}, keywords={RL}}
@misc{b, title={Out of <@1> reach}, author={Kim, Min-jun}, eprint={2401.09999}}
@misc{c, title={No id}}
@misc{d, title={Broken} eprint={2401.00003}}
"""


async def import_file(harness: ClientHarness, data: bytes, name: str = "library.bib") -> Any:
    """Return the answer of /saved import for a file."""
    file = (name, data)
    return await harness.ask("saved import", file=file)


async def test_nothing_is_saved_of_a_file_that_waited_while_its_reader_was_forgotten(
    harness: ClientHarness,
) -> None:
    await save(harness, SURVEY)
    services = harness.bot.services
    async with services.transfers.admitted(harness.manager.id):
        importing = asyncio.create_task(import_file(harness, BIBTEX))
        await patience.wait_until(lambda: harness.reader.id in services.transfers._waiting)
        assert (await services.reader_data.forget(harness.reader.id))["saved_papers"] == 1
    await importing
    assert await services.reader_data.count(harness.reader.id) == {}
    await import_file(harness, BIBTEX)
    assert await services.reader_data.count(harness.reader.id) == {"saved_papers": 2}


@both_languages
async def test_an_import_says_what_it_took_and_keeps_papers_that_no_digest_has(
    harness: ClientHarness,
) -> None:
    answer = await import_file(harness, BIBTEX)
    shown = shown_text(answer)
    for key, count in (("unlisted", 1), ("without_id", 1), ("broken", 1)):
        assert f"- {harness.texts(f'saved-import-{key}', count=count)}" in shown
    assert harness.texts("saved-imported", count=2) in shown
    assert f"  - No id · {harness.texts('saved-import-line', number='3')}" in shown
    assert f"  - {harness.texts('saved-import-line', number='4')}" in shown
    assert "#" not in shown.replace("### ", "")
    listed = await harness.press(answer, "saved-show-all")
    assert "Out of" in shown_text(listed)
    assert "[Out of \\<@1> reach](https://arxiv.org/abs/2401.09999)**\nMin-jun Kim\n" in shown_text(listed)
    paper = await pick(harness, listed, "2401.09999")
    assert "Min-jun Kim" in shown_text(paper)
    assert harness.texts("share") not in shown_text(paper)
    again = shown_text(await import_file(harness, BIBTEX))
    assert harness.texts("saved-import-known", count=2) in again
    unreadable = await import_file(harness, b"%PDF-1.7 \xff\xfe\xff")
    assert shown_text(unreadable) == harness.texts("saved-import-unreadable")
    large = await import_file(harness, b"@" * 20_000_000)
    assert shown_text(large) == harness.texts("saved-import-too-large", megabytes=2)


async def test_the_list_takes_a_file_and_is_shared_without_notes(harness: ClientHarness) -> None:
    await save(harness, SURVEY)
    file = ("library.bib", BIBTEX.replace(b"keywords={RL}", b"annote={secret}"))
    answer = await harness.fill(await open_list(harness), "saved-import", file=file)
    assert harness.texts("saved-imported", count=1) in shown_text(answer)
    large = ("library.bib", b"@" * 3_000_000)
    answer = await harness.fill(await open_list(harness), "saved-import", file=large)
    assert shown_text(answer) == harness.texts("saved-import-too-large", megabytes=2)
    survey = await harness.bot.services.shelf.get(harness.reader.id, SURVEY)
    assert survey is not None
    await harness.bot.services.shelf.set_note(harness.reader.id, survey.id, "secret")
    listed = await open_list(harness)
    assert "secret" in shown_text(listed)
    shared = await harness.press(listed, "share")
    assert not shared.flags.ephemeral
    assert harness.texts("saved-shared", name="reader", count=2) in shown_text(shared)
    assert "Small Language Models" in shown_text(shared)
    assert "secret" not in shown_text(shared)
    # The title of a file is whatever its reader wrote there.
    assert "Out of \\<@1> reach" in shown_text(listed)
    assert "Out of" not in shown_text(shared)
    assert "2401.09999" in shown_text(shared)


async def save_as(harness: ClientHarness, member: Any, *arxiv_ids: str) -> None:
    """Let a member save papers from their cards."""
    for arxiv_id in arxiv_ids:
        card = await harness.ask("paper", by=member, paper=arxiv_id)
        await member.click(card, custom_id=menu_id(card, "save"))


async def test_the_servers_shelf_counts_members_and_never_the_saves_of_one_or_two_alone(
    harness: ClientHarness,
) -> None:
    async def open_shelf(topic: str = "") -> str:
        options = {"topic": topic} if topic else {}
        return shown_text(await harness.ask("top", saved=True, **options))

    period = harness.texts("period-week")
    await save(harness, SURVEY, REWARDS)
    await import_file(harness, b"@misc{a, eprint={2501.00003}}")
    assert harness.texts("no-list-server-picks", period=period).splitlines()[0] in await open_shelf()
    await save_as(harness, harness.manager, SURVEY)
    assert harness.texts("no-list-server-picks", period=period).splitlines()[0] in await open_shelf()
    await save_as(harness, harness.guild.add_member(harness.env.create_user("third")), SURVEY)
    card = await harness.ask("paper", paper=REWARDS)
    await harness.reader.click(card, label=harness.texts("share"))
    shown = await open_shelf()
    assert harness.texts("list-server-picks-heading", period=period, count=2) in shown
    assert shown.index("Small Language Models") < shown.index("Rewards That")
    assert f"-# {harness.texts('server-picks-saved', count=3)}" in shown
    assert f"-# {harness.texts('server-picks-shared', count=1)}" in shown
    assert "Small Language Models" not in await open_shelf("reinforcement learning")
    alone = last_response(await harness.user.slash("top", saved=True))
    assert shown_text(alone) == harness.texts("only-in-servers")


async def test_a_server_opts_in_to_what_members_saved_in_weekly_posts_alone(harness: ClientHarness) -> None:
    for name in ("third", "fourth"):
        await save_as(harness, harness.guild.add_member(harness.env.create_user(name)), SURVEY)
    await save(harness, SURVEY)
    refused = await harness.ask("daily setup", by=harness.manager, style="cards", server_picks=True)
    assert shown_text(refused) == harness.texts("server-picks-are-weekly")
    answers = await harness.manager.slash(harness.channel, "daily setup", style="weekly", server_picks=True)
    preview, wizard = [answers.response, *answers.followups][-2:]
    assert harness.texts("subscription-server-picks") in shown_text(wizard)
    assert "### This server's top papers this week\n-# " in shown_text(preview)
    assert "\n- Saved by 3 · [Small" in shown_text(preview)
    await harness.manager.click(wizard, label=harness.texts("setup-start"))
    changed = await harness.ask("daily edit", by=harness.manager, style="compact")
    assert harness.texts("subscription-server-picks") not in shown_text(changed)
    [subscription] = await harness.bot.services.subscriptions.list_rows(guild_id=harness.guild.id)
    assert not subscription.server_picks


@pytest.mark.parametrize(
    "error",
    [
        discord.NotFound(SimpleNamespace(status=404, reason="Not Found"), "asset not found"),  # type: ignore[arg-type]
        aiohttp.ClientPayloadError("the connection was closed"),
    ],
)
async def test_a_file_that_cannot_be_downloaded_is_asked_for_again(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def fail(_: str) -> bytes:
        raise error

    monkeypatch.setattr(harness.bot.http, "get_from_cdn", fail)
    assert shown_text(await import_file(harness, BIBTEX)) == harness.texts("upload-failed")


@pytest.mark.parametrize("title", ["*" * 1000, "[x](http://a.b)" * 80, "가" * 1000, "😀" * 900])
@pytest.mark.parametrize("address", ["https://a.example/" + "x" * 140, "https://a.example/" + "(" * 140])
def test_a_shared_list_shows_each_paper_however_long_its_title_and_address(title: str, address: str) -> None:
    rows = [
        models.SavedPaper(
            id=number,
            arxiv_id=f"2401.{number:05}",
            title=title,
            url=address,
            date=date(2026, 1, 1),
            votes=10**9,
            authors=(),
            saved_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for number in range(shelf_messages.MAX_SHARED)
    ]
    texts = translations.Translations().for_locale(models.Locale.KO)
    shown = shelf_messages.shared_view(texts, rows, 400, "*" * 300, sharer="\\*" * 32)
    assert str(message_builder.layout_payload(shown)).count("- [") == len(rows)
