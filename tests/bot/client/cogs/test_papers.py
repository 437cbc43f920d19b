"""/paper and /saved, and everything that a card leads to."""

from __future__ import annotations

import pytest

from tests.support import sample_archive
from tests.support.client_harness import (
    World,
    component_ids,
    last_response,
    post_daily,
    raw_components,
    shown_text,
)

SURVEY = "2501.00001"


async def test_a_paper_is_shown_with_highlights_links_and_where_it_comes_from(world: World) -> None:
    result = await world.reader.slash(world.channel, "paper", paper=SURVEY)
    assert result.ephemeral
    shown = shown_text(last_response(result))
    assert "### [Small Language Models (at Work): A \\*Survey\\*](https://arxiv.org/abs/2501.00001)" in shown
    assert "▲ 81 · 2026-01-01 · Ada Lovelace, Grace Hopper, Kim Min-jun +2" in shown
    assert "**Technical Details**\nReads **200 papers**" in shown
    assert world.texts("format-review", date="2025-12-31") in shown
    urls = [one["url"] for one in raw_components(last_response(result)) if one.get("url")]
    assert urls == [
        f"https://arxiv.org/abs/{SURVEY}",
        f"https://arxiv.org/pdf/{SURVEY}",
        f"https://huggingface.co/papers/{SURVEY}",
    ]


@pytest.mark.parametrize(
    "asked",
    [
        "2501.00002v3",
        "https://arxiv.org/pdf/2501.00002v1",
        "https://huggingface.co/papers/2501.00002",
        "teach reasoning",
    ],
)
async def test_a_paper_is_found_by_id_address_or_title(english_world: World, asked: str) -> None:
    result = await english_world.reader.slash(english_world.channel, "paper", paper=asked)
    assert "Rewards That Teach Reasoning" in shown_text(last_response(result))


async def test_an_unknown_paper_says_what_would_work(world: World) -> None:
    result = await world.reader.slash(world.channel, "paper", paper="9999.99999")
    assert shown_text(last_response(result)) == world.texts("no-paper", paper="9999\\.99999")


async def test_what_is_no_title_is_looked_for_as_a_topic(world: World) -> None:
    result = await world.reader.slash(world.channel, "paper", paper="maps of robots")
    shown = shown_text(last_response(result))
    assert world.texts("no-paper-near") in shown
    assert "Maps for Robots" in shown


async def test_the_reviews_chapters_open_on_their_own_and_turn_their_pages(world: World) -> None:
    card = last_response(await world.reader.slash(world.channel, "paper", paper=SURVEY))
    menu = next(one for one in component_ids(card) if one.startswith("pr:chaps:"))
    table = last_response(await world.reader.select(card, ["1"], custom_id=menu))
    assert table.id != card.id
    assert "200" in shown_text(table)
    long = last_response(await world.reader.select(card, ["2"], custom_id=menu))
    assert "문장 0은" in shown_text(long)
    pages = int(next(line for line in shown_text(long).splitlines() if line.startswith("1/"))[2:])
    for _ in range(pages - 1):
        long = last_response(await world.reader.click(long, label="▶"))
    assert "문장 149는" in shown_text(long) or "문장 149은" in shown_text(long)


async def test_similar_papers_are_a_list_of_their_own(world: World) -> None:
    card = last_response(await world.reader.slash(world.channel, "paper", paper=SURVEY))
    similar = await world.reader.click(card, label=world.texts("similar"))
    assert last_response(similar).id != card.id
    assert "Small Language Models" in shown_text(last_response(similar))


async def test_an_author_is_picked_from_all_of_them(world: World) -> None:
    card = last_response(await world.reader.slash(world.channel, "paper", paper=SURVEY))
    people = last_response(await world.reader.click(card, label=world.texts("authors")))
    assert "Alan Turing" in shown_text(people)
    menu = next(one for one in component_ids(people) if one.startswith("pr:ap:"))
    papers = last_response(await world.reader.select(people, ["3"], custom_id=menu))
    assert "Emmy Noether" in shown_text(papers)
    assert "Rewards That Teach Reasoning" in shown_text(papers)


async def test_citing_gives_bibtex(english_world: World) -> None:
    card = last_response(await english_world.reader.slash(english_world.channel, "paper", paper=SURVEY))
    shown = shown_text(last_response(await english_world.reader.click(card, label="Cite")))
    assert "@misc{arxiv:2501.00001," in shown
    assert "{Ada Lovelace and Grace Hopper and" in shown
    assert "{2501.00001}" in shown


async def test_saving_shows_on_the_card_and_in_the_saved_list(world: World) -> None:
    card = last_response(await world.reader.slash(world.channel, "paper", paper=SURVEY))
    saved = last_response(await world.reader.click(card, label=world.texts("save")))
    assert saved.id == card.id
    listed = shown_text(last_response(await world.reader.slash(world.channel, "saved")))
    assert world.texts("list-saved-heading", count=1) in listed
    assert "Small Language Models" in listed
    assert world.texts("share") not in listed
    removed = last_response(await world.reader.click(saved, label=world.texts("unsave")))
    assert world.texts("save") in shown_text(removed)
    empty = shown_text(last_response(await world.reader.slash(world.channel, "saved")))
    assert world.texts("no-list-saved").splitlines()[0] in empty


async def test_a_shared_card_is_for_everybody_and_saves_for_whoever_presses(world: World) -> None:
    card = last_response(await world.reader.slash(world.channel, "paper", paper=SURVEY))
    shared = last_response(await world.reader.click(card, label=world.texts("share")))
    assert not shared.ephemeral
    assert world.texts("shared-by", name="reader") in shown_text(shared)
    said = await world.manager.click(shared, label=world.texts("save"))
    assert last_response(said).ephemeral
    rows, total = await world.bot.services.readers.list_saved(world.manager.id, limit=5)
    assert (total, [row.arxiv_id for row in rows]) == (1, [SURVEY])


async def test_the_daily_posts_menu_opens_the_card_privately(world: World) -> None:
    message = await post_daily(world)
    menu = next(one for one in component_ids(message) if one.endswith("/open"))
    opened = await world.reader.select(message, ["2501.00002"], custom_id=menu)
    assert last_response(opened).ephemeral
    assert "Rewards That Teach Reasoning" in shown_text(last_response(opened))


async def test_cards_open_and_save_from_their_own_messages(world: World) -> None:
    from storage import models

    message = await post_daily(world, style=models.Style.CARDS)
    assert "A Sixth Paper" in shown_text(message)
    opened = await world.reader.click(message, label=world.texts("read"))
    assert last_response(opened).ephemeral
    said = await world.reader.click(message, label=world.texts("save"))
    assert world.texts("paper-saved", command=world.bot.mentions("saved")) == shown_text(last_response(said))


async def test_autocomplete_offers_papers_by_id(english_world: World) -> None:
    offered = await english_world.reader.autocomplete(english_world.channel, "paper", "paper", "2501.0000")
    choices = {choice["value"]: choice["name"] for choice in offered}
    assert choices["2501.00002"] == "2501.00002 ▲ 57 · Rewards That Teach Reasoning"
    assert choices["2501.00003"] == "2501.00003 ▲ – · Speech without a Score"


async def test_a_long_title_is_shortened_behind_its_votes(english_world: World) -> None:
    world = english_world
    paper = sample_archive.NewsletterPaper("2501.00011", "Lanterns " * 40, "A lamp.", votes=1234)
    await sample_archive.add_digest(world.container.database, "2026-01-01", paper)
    (offered,) = await world.reader.autocomplete(world.channel, "paper", "paper", "lanterns")
    assert len(offered["name"]) <= 100
    assert offered["name"].startswith("2501.00011 ▲ 1234 · Lanterns Lanterns")
    assert offered["name"].endswith("…")
