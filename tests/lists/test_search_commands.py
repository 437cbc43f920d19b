"""`/topic` and `/author`, and the controls of their lists."""

import re
from typing import Any

import discord
import pytest
from discord import ui

from bot.app.workers import Workers
from bot.client import custom_ids, message_builder, verbs
from bot.client.text_tokens import make_token
from bot.features.shelf.service import Shelf
from bot.outbox.contents import RenderedPart
from bot.search import glossary_service
from storage import models
from storage.models import AlertKind
from storage.shelf import Owner
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    post_daily,
    raw_components,
    send_parts,
    shown_text,
)
from tests.support.sample_archive import NewsletterPaper, add_digest, newsletter


@pytest.mark.promise
async def test_a_topic_search_is_private_and_shows_the_forms_searched_for(harness: ClientHarness) -> None:
    result = await harness.ask("topic", query="소형 언어 모델")
    assert result.ephemeral
    shown = shown_text(result)
    assert "Small Language Models (at Work): A \\*Survey\\*" in shown
    assert "https://arxiv.org/abs/2501.00001" in shown
    assert "▲\u00a081 · January 1, 2026" in shown
    assert "**소형 언어 모델**" in shown
    assert harness.texts("follow-topic") in shown
    assert "small language model" in shown.lower()


async def test_a_filter_without_a_value_is_no_author_who_sounds_like_it(harness: ClientHarness) -> None:
    paper = NewsletterPaper("2501.60001", "Geese", "A study.", authors=("Arthur Mensch",))
    text = newsletter("2025-12-01", [paper])
    await Workers(harness.container).ingest.add_text(text, location="2025-12-01.md")
    for query, is_offered in (("author:", False), ("저자:", False), ("Arthur Mensh", True)):
        shown = shown_text(await harness.ask("topic", query=query))
        assert (harness.texts("alert-author", text="Arthur Mensch") in shown) is is_offered, shown


async def test_an_answer_says_what_it_could_not_use(harness: ClientHarness) -> None:
    texts = harness.texts
    ignored, none = texts("list-ignored", filters="votes:many"), texts("try-instead")
    ignored = texts("list-ignored-forms", ignored=ignored, forms="votes:20")
    for query, said, unsaid in (
        ("로봇 지도", "Maps for Robots", none),
        ("https://arxiv.org/abs/2501.00004v2", "Maps for Robots", none),
        ("2501.99999", texts("why-not-listed", paper="2501.99999"), "Maps"),
        ("2501.999", texts("no-paper", paper="2501.999"), "Maps"),
        ("robots votes:many", ignored, none),
        ("zzzzzz votes:many", ignored, "Maps"),
        ("🤖", texts("newest-digest"), texts("follow-topic")),
        ("asdfghjkl", texts("newest-digest"), texts("follow-topic")),
        ("-diffusion", texts("newest-digest"), texts("follow-topic")),
        ("?!", texts("newest-digest"), texts("follow-topic")),
        ("   ", texts("no-words"), none),
    ):
        shown = shown_text(await harness.ask("topic", query=query))
        assert said in shown, query
        assert unsaid not in shown, query


async def test_an_author_is_named_as_most_papers_do(harness: ClientHarness) -> None:
    """The first paper that names the author has the rare spelling."""
    spellings = ("Loubna Ben allal", "Loubna Ben Allal", "Loubna Ben Allal")
    for number, name in enumerate(spellings):
        paper = NewsletterPaper(f"2512.0020{number}", f"Web {number}", "웹.", authors=(name, "Ada Lovelake"))
        await add_digest(harness.container.database, f"2025-12-0{number + 1}", paper)
    shown = shown_text(await harness.ask("author", name="loubna ben allal"))
    assert harness.texts("list-author-heading", author="Loubna Ben Allal", count=3) in shown
    others = harness.texts("list-other-authors", count=2, name="", author="", names="").split("“")[0]
    assert others not in shown
    shown = shown_text(await harness.ask("author", name="ada lovelase"))
    assert "2 authors match “ada lovelase”" in shown
    assert "No author is called" not in shown


async def test_an_ambiguous_abbreviation_has_a_button_for_each_meaning(harness: ClientHarness) -> None:
    forms = ("직접 정책 적응(Direct Policy Adaptation; DPA)", "이중 경로 주의(Dual Path Attention; DPA)")
    papers = [
        NewsletterPaper(f"2505.0000{number}", f"Paper {number}", f"{forms[number % 2]}을 써요.")
        for number in range(1, 7)
    ]
    await add_digest(harness.container.database, "2025-05-02", *papers)
    await glossary_service.GlossaryService(harness.container.database, harness.container.clock).rebuild()
    result = await harness.ask("topic", query="DPA")
    labels = [part["label"] for part in raw_components(result) if "label" in part]
    meant = [one for one in labels if re.fullmatch("dual path attention|direct policy adaptation", one, re.I)]
    assert len(meant) == 2
    label = next(label for label in meant if label.startswith(("dual", "Dual")))
    assert "이중 경로 주의" in shown_text(await harness.click(result, label=label))


@both_languages
async def test_an_offered_query_has_the_operators_of_the_readers_language(harness: ClientHarness) -> None:
    operator = {models.Locale.KO: "저자", models.Locale.EN: "author"}[harness.texts.locale]
    shown = await harness.ask("topic", query=f"{operator}:Ada Lovelace")
    found = await harness.press(shown, label=f'{operator}:"Ada Lovelace"')
    assert "Ada Lovelace" in shown_text(found)


async def test_the_menus_of_a_list_preserve_a_long_query(harness: ClientHarness) -> None:
    for length in [70, 500]:
        query = ("small language models " * 40)[:length].strip()
        shown = await harness.ask("topic", query=query)
        assert any(make_token(query) in custom_id for custom_id in component_ids(shown)) == (length > 72)
        assert "Small Language Models" in shown_text(await harness.select(shown, ["y"], custom_id="pr:lp:"))


async def test_an_alert_created_from_a_list_has_its_search_terms(harness: ClientHarness) -> None:
    keyword, author = AlertKind.KEYWORD, AlertKind.AUTHOR
    for query, *terms in (
        ("author:lovelace since:december", (author, "Ada Lovelace")),
        ("how do I make attention faster?", (keyword, "attention")),
        ("로봇을 빠르게 하는 방법", (keyword, "로봇")),
        ("로봇 요약", (keyword, "로봇"), (keyword, "요약")),
        ("author:hopper 로봇 since:2025", (keyword, "로봇"), (author, "Grace Hopper")),
        ("reinforcment lerning", (keyword, "reinforcement learning")),
    ):
        result = await harness.ask("topic", query=query)
        follow = "follow-author" if {kind for kind, _ in terms} == {author} else "follow-topic"
        made = await harness.press(result, follow)
        if harness.texts("alert-made") not in shown_text(made):
            await harness.press(made, "alert-create")
        alert = (await harness.alerts.list_rows(user_id=harness.reader.id))[-1]
        assert (list(alert.terms), alert.match_all) == (terms, len(terms) > 1)


async def test_following_a_list_twice_creates_one_alert(harness: ClientHarness) -> None:
    by_author = await harness.ask("author", name="Lovelace, Ada")
    assert harness.texts("alert-made") in shown_text(await harness.press(by_author, "follow-author"))
    result = await harness.ask("topic", query="reinforcement learning -survey votes:5")
    label = harness.texts("follow-topic")
    assert harness.texts("alert-made") in shown_text(await harness.click(result, label=label))
    alerts = await harness.alerts.list_rows(user_id=harness.reader.id)
    assert [(*alert.terms, *alert.excluded, alert.min_votes) for alert in alerts] == [
        ((AlertKind.AUTHOR, "Ada Lovelace"), 0),
        ((AlertKind.KEYWORD, "reinforcement learning"), "survey", 5),
    ]
    repeated = await harness.click(result, label=label)
    assert harness.texts("alert-exists", place="").strip() in shown_text(repeated)
    assert await harness.alerts.list_rows(user_id=harness.reader.id) == alerts


async def test_a_shared_list_can_be_deleted_by_its_sharer_alone(harness: ClientHarness) -> None:
    channel = harness.bot.get_partial_messageable(harness.channel.id)
    answer = await harness.ask("topic", query="로봇")
    shared, said = await harness.share(answer)
    again = await harness.press(answer, "share")
    assert (again.ephemeral, shown_text(again)) == (True, "Already shared in this channel.")
    assert (shared.ephemeral, said.ephemeral) == (False, True)
    assert harness.texts("shared-by", name="reader") in shown_text(shared)
    label = harness.texts("list-more-privately", count=1)
    opened = await harness.click(shared, label=label, by=harness.manager)
    assert opened.ephemeral
    assert opened.id != shared.id
    post = await channel.send("a message that nobody shared")
    for message_id, presser in ((shared.id, harness.manager), (post.id, harness.reader)):
        forged = ui.LayoutView(timeout=None)
        custom_id = custom_ids.pack_custom_id(verbs.UNSHARE, message_id)
        forged.add_item(ui.ActionRow(ui.Button[Any](label="forged", custom_id=custom_id)))
        part = RenderedPart(models.PartKind.MESSAGE, message_builder.layout_payload(forged))
        sent = await send_parts(harness, harness.channel.id, part)
        shown = shown_text(last_response(await presser.click(sent, label="forged")))
        assert shown == harness.texts("outdated-control")
        assert (await channel.fetch_message(message_id)).id == message_id
    taken_back = await harness.press(said, "share-take-back")
    assert shown_text(taken_back) == harness.texts("share-taken-back")
    with pytest.raises(discord.NotFound):
        await channel.fetch_message(shared.id)
    assert (await harness.share(answer))[1].ephemeral, "what was taken back is shared again"
    assert (await harness.share(await harness.ask("topic", query="로봇")))[1].ephemeral, "another answer"


@pytest.mark.promise
async def test_hostile_queries_are_escaped(harness: ClientHarness) -> None:
    hostile = ("@everyone", "**b** [x](http://evil.example)", '" * ^ NEAR ( ) : -', "\u202e\u0000x", "<@123>")
    for query in hostile:
        shown = shown_text(await harness.ask("topic", query=query))
        assert "@everyone" not in shown
        assert "](http://evil" not in shown
        assert "<@123>" not in shown.replace("\\<", "")


async def test_an_empty_list_suggests_removing_its_filters(harness: ClientHarness) -> None:
    one = harness.texts("choice-papers", count=1)
    result = await harness.ask("topic", query="로봇", votes=500)
    assert harness.texts("subscription-votes", votes=500) in shown_text(result)
    updated = await harness.click(result, label=f"{harness.texts('without-filters')} · {one}")
    assert "Maps for Robots" in shown_text(updated)
    result = await harness.ask("topic", query="language models", votes=50)
    assert "at least ▲\u00a050" in shown_text(result)
    assert "2501.00006" not in shown_text(result)
    result = await harness.ask("topic", query="xyzzyplugh", period="w")
    assert harness.texts("period-week") in shown_text(result)
    assert harness.texts("period-all") not in shown_text(result)
    extent = harness.texts("archive-extent", count=7, first="December 30, 2025", last="January 1, 2026")
    assert extent in shown_text(result)
    assert "2501.00002" in shown_text(await harness.click(result, label=harness.texts("newest-digest")))


async def test_forms_and_buttons_work_after_a_restart(harness: ClientHarness) -> None:
    listed, guide = await harness.ask("top"), await harness.ask("help")
    for has_restarted in (False, True):
        modal = await harness.reader.click(guide, label=harness.texts("post-ask"))
        assert modal.modal is not None
        if has_restarted:
            bot = harness.container.create_bot(shard_count=1, locale=models.Locale.EN)
            await harness.env.restart_bot(bot)
            assert "**6 · " in shown_text(await harness.turn(listed))
        response = last_response(await harness.reader.submit_modal(modal, {"query": "로봇"}))
        assert response.ephemeral
        assert "Maps for Robots" in shown_text(response)


async def test_an_author_is_found_by_any_form_of_the_name(harness: ClientHarness) -> None:
    texts = harness.texts
    known = texts("no-list-author-papers", author="Ada Lovelace")
    for name, votes, said, unsaid in (
        ("김민준", 0, "Kim Min-jun · ", texts("try-name")),
        ("ada lovelase", 0, texts("list-name-corrected", name="ada lovelase"), texts("try-name")),
        ("lovelace, ada", 0, "Ada Lovelace · ", texts("list-name-corrected", name="lovelace, ada")),
        ("ada lovelace", 500, known, texts("no-list-author", author="Ada Lovelace")),
        ("xyzzyplugh", 0, texts("try-name"), texts("period-all")),
        ("xyzzy plugh", 0, texts("try-name"), texts("follow-author")),
        ("Prof. Ada Lovelace", 0, "### Ada Lovelace · ", texts("try-name")),
        ("Maps for Robots", 0, "Maps for Robots · 1 paper", texts("try-name")),
        ("2501.00005", 0, "2501.00005 · 1 paper", texts("try-name")),
    ):
        shown = shown_text(await harness.ask("author", name=name, votes=votes))
        assert said in shown
        assert unsaid not in shown
    nobody = await harness.ask("author", name="Emmy Nutter")
    assert "Rewards That Teach Reasoning" in shown_text(await harness.click(nobody, label="Emmy Noether"))
    result = await harness.ask("author", name="NOETHER emmy")
    assert "Emmy Noether" in shown_text(result)
    by_date = await harness.select(result, ["date"], custom_id="pr:lp:")
    assert f"{texts('period-all')} · {texts('list-by-date')}" in shown_text(by_date)


async def test_papers_are_saved_from_a_posts_menu(harness: ClientHarness) -> None:
    post = await post_daily(harness)
    ids = ["2501.00001", "2501.00004", "2501.00005"]
    command = harness.bot.mentions("saved")
    opening = next(name for name in component_ids(post) if name.endswith(verbs.OPEN_SELECTED))
    several = await harness.choose(post, opening, *ids)
    for chosen in (ids, ids[:1]):
        said = await harness.select(several, chosen, custom_id="pr:saves")
        assert said.ephemeral
        assert shown_text(said) == harness.texts("paper-saved", count=len(chosen), command=command)
    page = await harness.bot.services.get(Shelf).load_page(Owner(harness.reader.id))
    assert (page.total, sorted(row.key for row in page.papers)) == (3, ids)
