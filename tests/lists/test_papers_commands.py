"""/paper and the components of a card."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bot.archive import listing
from storage import models
from tests.support import source_payloads
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    post_daily,
    raw_components,
    shown_text,
)

SURVEY = "2501.00001"
PAGE = re.compile(r"\d+/\d+")


@both_languages
async def test_a_card_shows_highlights_links_and_the_digest_of_a_paper(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "paper", paper=SURVEY)
    assert result.ephemeral
    shown = shown_text(last_response(result))
    assert "### [Small Language Models (at Work): A \\*Survey\\*](https://arxiv.org/abs/2501.00001)" in shown
    listed = {"en": "in the digest of 2026-01-01", "ko": "2026-01-01 다이제스트"}[harness.texts.locale.value]
    assert f"▲ 81 · {SURVEY} · {listed} · Ada Lovelace, Grace Hopper, Kim Min-jun +2" in shown
    label = {"en": "Technical Details", "ko": "기술 내용"}[harness.texts.locale.value]
    assert f"**{label}**\nReads **200 papers**" in shown
    basis = {"en": "written from the full paper", "ko": "논문 전문을 읽고 작성"}[harness.texts.locale.value]
    assert basis in shown
    assert harness.texts("format-review", date="2025-12-31") in shown
    urls = [part["url"] for part in raw_components(last_response(result)) if part.get("url")]
    assert urls == [
        f"https://arxiv.org/abs/{SURVEY}",
        f"https://arxiv.org/pdf/{SURVEY}",
        f"https://huggingface.co/papers/{SURVEY}",
    ]


async def test_a_card_of_a_listings_paper_shows_its_summary_and_where_it_comes_from(
    harness: ClientHarness,
) -> None:
    text = source_payloads.listing_text(date(2026, 1, 1), ["2501.00077"])
    ingest = harness.container.create_ingest()
    code_url = "https://github.com/example/small"
    read_at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    listed = models.PaperFacts("2501.00077", "huggingface", "u", read_at, code_url=code_url)
    await ingest.add_facts([replace(listed, organization="A Lab", code_stars=1200)])
    await ingest.add_text(text, location="huggingface")
    result = await harness.reader.slash(harness.channel, "paper", paper="2501.00077")
    shown = shown_text(last_response(result))
    assert "A sentence about 2501.00077." in shown
    assert (
        f"▲ 10 · 2501.00077 · {harness.texts('card-listed', date='2026-01-01')} · Ada Lovelace, Kim Minsu · A Lab"
        in shown
    )
    labels = [part.get("label") for part in raw_components(last_response(result))]
    assert "GitHub ★ 1.2k" in labels
    assert harness.texts("summary-listing") in shown


@both_languages
async def test_a_card_of_a_listings_paper_without_a_summary_blames_nobody(harness: ClientHarness) -> None:
    text = listing.build(date(2026, 1, 1), [{"arxiv_id": "2501.00078", "title": "Untold", "votes": 3}]).text
    await harness.container.create_ingest().add_text(text, location="huggingface")
    result = await harness.reader.slash(harness.channel, "paper", paper="2501.00078")
    missing = {"en": "no usable summary", "ko": "쓸 수 있는 요약 없음"}[harness.texts.locale.value]
    listed = harness.texts("format-listing", date="2026-01-01")
    assert f"-# {listed} ({missing})" in shown_text(last_response(result)).splitlines()


async def test_a_paper_is_found_by_id_url_or_title(harness: ClientHarness) -> None:
    for query in ("2501.00002v3", "https://huggingface.co/papers/2501.00002", "teach reasoning"):
        result = await harness.reader.slash(harness.channel, "paper", paper=query)
        assert "Rewards That Teach Reasoning" in shown_text(last_response(result))


async def test_an_unknown_paper_is_reported(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "paper", paper="9999.99999")
    assert shown_text(last_response(result)) == harness.texts("no-paper", paper="9999\\.99999")


async def test_a_paper_that_no_digest_has_can_be_opened_elsewhere(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "paper", paper="https://arxiv.org/pdf/2501.99999v2")
    assert result.ephemeral
    shown = shown_text(last_response(result))
    assert harness.texts("lookup-unreachable", paper="2501\\.99999") in shown
    urls = [part["url"] for part in raw_components(last_response(result)) if part.get("url")]
    assert urls == ["https://arxiv.org/abs/2501.99999", "https://huggingface.co/papers/2501.99999"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("read **2501.00002v1**, it is good", ["### [Rewards That Teach Reasoning]"]),
        (
            "<https://www.alphaxiv.org/abs/2501.00001> (https://hf.co/papers/2501.00002) arXiv:2501.99999 @everyone",
            ["A \\*Survey\\*", "Rewards That Teach Reasoning", "(https://arxiv.org/abs/2501.99999)"],
        ),
        ("2501.99999", ["2501\\.99999"]),
        ("at 12:30 for 2025.0527 won " + "2" * 1900, ["alphaXiv"]),
        (" ".join(f"2501.{number:05}" for number in range(100, 180)), ["2501.00109"]),
    ],
)
async def test_the_papers_of_a_message_are_looked_up_privately(
    harness: ClientHarness, text: str, expected: list[str]
) -> None:
    message = await harness.manager.send(harness.channel, text)
    result = await harness.reader.context_menu(harness.channel, "Look up papers", message)
    assert result.ephemeral
    shown = shown_text(last_response(result))
    assert [part for part in expected if part not in shown] == []
    assert "everyone" not in shown
    assert "2501.00110" not in shown


async def test_a_text_that_is_not_a_title_is_searched_as_a_topic(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "paper", paper="maps of robots")
    shown = shown_text(last_response(result))
    assert harness.texts("no-paper-near") in shown
    assert "Maps for Robots" in shown


@both_languages
async def test_a_review_is_read_in_place_from_chapter_to_chapter_and_back_to_the_card(
    harness: ClientHarness,
) -> None:
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper=SURVEY))
    if harness.texts.locale is models.Locale.EN:
        assert "Review in Korean: choose a chapter" in shown_text(card)
    menu = next(name for name in component_ids(card) if name.startswith("pr:chaps:"))
    chapter = last_response(await harness.reader.select(card, ["1"], custom_id=menu))
    assert chapter.id == card.id
    assert "200" in shown_text(chapter)
    position, pages = map(int, next(filter(PAGE.fullmatch, shown_text(chapter).splitlines())).split("/"))
    texts = []
    for _ in range(pages - position):
        chapter = last_response(await harness.reader.click(chapter, label="▶"))
        texts.append(shown_text(chapter))
    assert "문장 0은" in texts[0]
    assert "문장 149는" in texts[-1] or "문장 149은" in texts[-1]
    assert f"{pages}/{pages}" in texts[-1]
    earlier = shown_text(last_response(await harness.reader.click(chapter, label="◀")))
    assert f"{pages - 1}/{pages}" in earlier
    back = last_response(await harness.reader.click(chapter, label=harness.texts("back-to-paper")))
    assert back.id == card.id
    assert harness.texts("cite") in shown_text(back)


async def test_similar_papers_are_a_list_in_a_new_message(harness: ClientHarness) -> None:
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper=SURVEY))
    similar = await harness.reader.click(card, label=harness.texts("similar"))
    assert last_response(similar).id != card.id
    assert "Small Language Models" in shown_text(last_response(similar))


async def test_an_author_is_selected_from_all_authors(harness: ClientHarness) -> None:
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper=SURVEY))
    authors = last_response(await harness.reader.click(card, label=harness.texts("authors")))
    assert "Alan Turing" in shown_text(authors)
    menu = next(name for name in component_ids(authors) if name.startswith("pr:ap:"))
    papers = last_response(await harness.reader.select(authors, ["3"], custom_id=menu))
    assert "Emmy Noether" in shown_text(papers)
    assert "Rewards That Teach Reasoning" in shown_text(papers)


async def test_cite_returns_bibtex(harness: ClientHarness) -> None:
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper=SURVEY))
    shown = shown_text(last_response(await harness.reader.click(card, label="Cite")))
    assert "@misc{lovelace2025small," in shown
    assert "{Ada Lovelace and Grace Hopper and" in shown
    assert "{2501.00001}" in shown


async def test_a_saved_paper_is_marked_on_the_card_and_listed(harness: ClientHarness) -> None:
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper=SURVEY))
    saved = last_response(await harness.reader.click(card, label=harness.texts("save")))
    assert saved.id == card.id
    listed = shown_text(last_response(await harness.reader.slash(harness.channel, "saved list")))
    assert harness.texts("list-saved-heading", count=1) in listed
    assert "Small Language Models" in listed
    removed = last_response(await harness.reader.click(saved, label=harness.texts("unsave")))
    assert harness.texts("save") in shown_text(removed)
    empty = shown_text(last_response(await harness.reader.slash(harness.channel, "saved list")))
    command = harness.bot.mentions("saved import")
    assert harness.texts("no-list-saved", command=command) in empty


async def test_a_shared_card_is_public_and_saves_for_the_user_who_clicks(harness: ClientHarness) -> None:
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper=SURVEY))
    shared = last_response(await harness.reader.click(card, label=harness.texts("share")))
    assert not shared.ephemeral
    assert harness.texts("shared-by", name="reader") in shown_text(shared)
    response = await harness.manager.click(shared, label=harness.texts("save"))
    assert last_response(response).ephemeral
    rows, total = await harness.bot.services.shelf.list_saved(harness.manager.id, limit=5)
    assert (total, [row.arxiv_id for row in rows]) == (1, [SURVEY])


async def test_messages_of_the_cards_style_open_and_save_their_paper(harness: ClientHarness) -> None:
    message = await post_daily(harness, style=models.Style.CARDS)
    assert "A Sixth Paper" in shown_text(message)
    opened = await harness.reader.click(message, label=harness.texts("read"))
    assert last_response(opened).ephemeral
    response = await harness.reader.click(message, label=harness.texts("save"))
    assert harness.texts("paper-saved", command=harness.bot.mentions("saved list")) == shown_text(
        last_response(response)
    )
