"""/topic and /author, with their lists' controls."""

from __future__ import annotations

import pytest

from bot.services.accounts.text_tokens import make_token
from bot.services.search import glossary_service
from storage import models
from tests.support import sample_archive
from tests.support.client_harness import World, component_ids, last_response, post_daily, shown_text


async def test_a_topic_is_answered_privately_with_the_papers_that_hold_it(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="소형 언어 모델")
    assert result.ephemeral
    shown = shown_text(last_response(result))
    assert "Small Language Models (at Work): A \\*Survey\\*" in shown
    assert "https://arxiv.org/abs/2501.00001" in shown
    assert "▲ 81 · 2026-01-01" in shown
    assert "**소형 언어 모델**" in shown
    assert world.texts("follow-topic") in shown


async def test_a_topic_that_means_more_than_typed_says_so_and_can_be_taken_literally(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="소형 언어 모델")
    assert "small language model" in shown_text(last_response(result)).lower()
    literal = await world.reader.click(last_response(result), label=world.texts("list-literally"))
    assert world.texts("list-with-forms") in shown_text(last_response(literal))


async def test_nothing_found_says_what_the_archive_holds_and_leads_on(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="xyzzyplugh")
    shown = shown_text(last_response(result))
    assert world.texts("archive-extent", count=7, first="2025-12-30", last="2026-01-01") in shown
    newest = await world.reader.click(last_response(result), label=world.texts("newest-digest"))
    assert "2501.00002" in shown_text(last_response(newest))


async def test_pages_turn_in_place(english_world: World) -> None:
    world = english_world
    result = await world.reader.slash(world.channel, "author", name="ada lovelace")
    first = last_response(result)
    assert "Ada Lovelace · 4 papers" in shown_text(first)
    digest = last_response(await world.reader.slash(world.channel, "digest"))
    turned = await world.reader.click(digest, label="▶")
    assert last_response(turned).id == digest.id
    assert "**6 · " in shown_text(last_response(turned))
    assert "2/2" in shown_text(last_response(turned))
    back = await world.reader.click(last_response(turned), label="◀")
    assert "**1 · " in shown_text(last_response(back))


async def test_buttons_still_work_after_a_restart(english_world: World) -> None:
    world = english_world
    digest = last_response(await world.reader.slash(world.channel, "digest"))
    await world.env.restart_bot(world.container.create_bot(shard_count=1, locale=models.Locale.EN))
    turned = await world.reader.click(digest, label="▶")
    assert "**6 · " in shown_text(last_response(turned))


@pytest.mark.parametrize("length", [70, 500])
async def test_a_long_query_survives_in_its_buttons(english_world: World, length: int) -> None:
    world = english_world
    query = ("small language models " * 40)[:length].strip()
    result = await world.reader.slash(world.channel, "topic", query=query)
    shown = last_response(result)
    assert any(make_token(query) in custom_id for custom_id in component_ids(shown)) == (length > 72)
    menu = next(one for one in component_ids(shown) if one.startswith("pr:lp:"))
    changed = await world.reader.select(shown, ["y"], custom_id=menu)
    assert "Small Language Models" in shown_text(last_response(changed))


async def test_a_period_and_votes_narrow_the_list(english_world: World) -> None:
    world = english_world
    result = await world.reader.slash(world.channel, "topic", query="language models", votes=50)
    assert "at least ▲ 50" in shown_text(last_response(result))
    assert "2501.00006" not in shown_text(last_response(result))


async def test_an_author_is_found_in_any_order_and_can_be_ordered_by_date(world: World) -> None:
    result = await world.reader.slash(world.channel, "author", name="NOETHER emmy")
    assert "Emmy Noether" in shown_text(last_response(result))
    by_date = await world.reader.click(last_response(result), label=world.texts("list-by-date"))
    assert world.texts("list-by-votes") in shown_text(last_response(by_date))


async def test_following_makes_the_alert_in_one_click_and_only_once(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="reinforcement learning")
    label = world.texts("follow-topic")
    made = await world.reader.click(last_response(result), label=label)
    assert world.texts("alert-made") in shown_text(last_response(made))
    rules = await world.bot.services.alerts.list_rows(user_id=world.reader.id)
    assert [(rule.kind, rule.text) for rule in rules] == [
        (models.AlertKind.KEYWORD, "reinforcement learning")
    ]
    reader = await world.bot.services.readers.get(world.reader.id)
    assert reader is not None
    assert reader.dm_channel_id is not None
    again = await world.reader.click(last_response(result), label=label)
    assert shown_text(last_response(again)) == world.texts("alert-already")


async def test_a_list_is_shared_for_everybody_by_who_may_write(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="로봇")
    shared = await world.reader.click(last_response(result), label=world.texts("share"))
    assert not last_response(shared).ephemeral
    assert world.texts("shared-by", name="reader") in shown_text(last_response(shared))
    opened = await world.manager.click(
        last_response(shared), label=world.texts("list-more-privately", count=1)
    )
    assert last_response(opened).ephemeral
    assert last_response(opened).id != last_response(shared).id


async def test_sharing_is_not_offered_where_the_reader_may_not_write(world: World) -> None:
    result = await world.reader.slash(world.readonly_channel, "topic", query="로봇")
    assert world.texts("share") not in shown_text(last_response(result))


async def test_direct_messages_get_the_same_answers_without_sharing(world: World) -> None:
    result = await world.user.slash("topic", query="로봇")
    shown = shown_text(last_response(result))
    assert "Maps for Robots" in shown
    assert world.texts("share") not in shown


async def test_hostile_words_are_shown_and_do_nothing(english_world: World) -> None:
    world = english_world
    for query in (
        "@everyone",
        "**bold** [x](http://evil.example)",
        '" * ^ NEAR ( ) : -',
        "\u202e\u0000x",
        "<@123>",
    ):
        result = await world.reader.slash(world.channel, "topic", query=query)
        shown = shown_text(last_response(result))
        assert "@everyone" not in shown
        assert "](http://evil" not in shown
        assert "<@123>" not in shown.replace("\\<", "")


async def test_a_typing_error_offers_what_was_perhaps_meant(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="강화 핵습")
    shown = shown_text(last_response(result))
    assert "강화 학습" in shown
    meant = await world.reader.click(last_response(result), label="강화 학습")
    assert "Rewards That Teach Reasoning" in shown_text(last_response(meant))


@pytest.mark.parametrize("query", ["🤖", "-diffusion", "?!"])
async def test_what_is_like_nothing_still_leads_on_and_cannot_be_followed(world: World, query: str) -> None:
    result = await world.reader.slash(world.channel, "topic", query=query)
    shown = shown_text(last_response(result))
    assert world.texts("try-instead") in shown
    assert world.texts("follow-topic") not in shown


async def test_filters_that_say_nothing_are_named(world: World) -> None:
    for query in ("robots votes:many", "zzzzzz votes:many"):
        result = await world.reader.slash(world.channel, "topic", query=query)
        assert world.texts("list-ignored", filters="votes:many") in shown_text(last_response(result))


async def test_an_empty_list_says_what_narrowed_it_and_offers_to_let_that_go(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="로봇", votes=500)
    assert world.texts("order-votes", votes=500) in shown_text(last_response(result))
    wider = await world.reader.click(last_response(result), label=world.texts("any-votes"))
    assert "Maps for Robots" in shown_text(last_response(wider))
    result = await world.reader.slash(world.channel, "topic", query="로봇", votes=500, period="w")
    assert world.texts("without-filters") in shown_text(last_response(result))
    result = await world.reader.slash(world.channel, "topic", query="xyzzyplugh", period="w")
    assert world.texts("period-week") in shown_text(last_response(result))
    assert world.texts("all-time") in shown_text(last_response(result))


async def test_a_known_author_without_such_papers_is_not_called_unknown(world: World) -> None:
    result = await world.reader.slash(world.channel, "author", name="ada lovelace", votes=500)
    shown = shown_text(last_response(result))
    assert world.texts("no-list-author-papers", author="Ada Lovelace") in shown
    assert world.texts("no-list-author", author="Ada Lovelace") not in shown


async def test_a_name_in_the_topic_box_leads_to_the_person(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="noether emmy")
    label = world.texts("rule-author", text="Emmy Noether")
    person = await world.reader.click(last_response(result), label=label)
    assert "Rewards That Teach Reasoning" in shown_text(last_response(person))


async def test_a_topic_in_the_author_box_leads_to_its_papers(world: World) -> None:
    result = await world.reader.slash(world.channel, "author", name="로봇")
    assert world.texts("no-list-author", author="로봇") in shown_text(last_response(result))
    topic = await world.reader.click(last_response(result), label=world.texts("as-a-topic", count=1))
    assert "Maps for Robots" in shown_text(last_response(topic))


async def test_an_unknown_author_is_not_blamed_on_filters(world: World) -> None:
    result = await world.reader.slash(world.channel, "author", name="xyzzyplugh")
    shown = shown_text(last_response(result))
    assert world.texts("try-name") in shown
    assert world.texts("try-wider") not in shown


async def test_the_most_voted_of_a_topic_say_how_it_was_understood(world: World) -> None:
    result = await world.reader.slash(world.channel, "top", topic="강화학습", period="a")
    also = world.texts("list-also", forms="reinforcement learning")
    assert also in shown_text(last_response(result))
    result = await world.reader.slash(world.channel, "top", topic="강화 핵습", period="a")
    assert "강화 학습" in shown_text(last_response(result))


async def test_an_id_in_the_topic_box_gives_that_paper(english_world: World) -> None:
    world = english_world
    result = await world.reader.slash(world.channel, "topic", query="https://arxiv.org/abs/2501.00004v2")
    assert "Maps for Robots" in shown_text(last_response(result))


@pytest.mark.parametrize(
    ("query", "kind", "text", "votes"),
    [
        ("로봇 since:2025 votes:5", models.AlertKind.KEYWORD, "로봇", 5),
        ('"small language models" -speech', models.AlertKind.KEYWORD, "small language models", 0),
        ("author:lovelace votes:9", models.AlertKind.AUTHOR, "lovelace", 9),
    ],
)
async def test_following_a_query_watches_its_words_not_its_operators(
    english_world: World, query: str, kind: models.AlertKind, text: str, votes: int
) -> None:
    world = english_world
    result = await world.reader.slash(world.channel, "topic", query=query)
    label = world.texts("follow-author" if kind is models.AlertKind.AUTHOR else "follow-topic")
    await world.reader.click(last_response(result), label=label)
    rules = await world.bot.services.alerts.list_rows(user_id=world.reader.id)
    assert [(rule.kind, rule.text, rule.min_votes) for rule in rules] == [(kind, text, votes)]


async def test_only_spaces_ask_for_a_word(english_world: World) -> None:
    result = await english_world.reader.slash(english_world.channel, "topic", query="   ")
    assert shown_text(last_response(result)) == english_world.texts("no-words")


async def test_autocomplete_offers_authors(world: World) -> None:
    authors = await world.reader.autocomplete(world.channel, "author", "name", "lovel")
    papers = world.texts("choice-papers", count=4)
    assert [(one["name"], one["value"]) for one in authors] == [(f"Ada Lovelace — {papers}", "Ada Lovelace")]


async def test_autocomplete_offers_topics_with_their_other_names(world: World) -> None:
    for typed, name in (
        ("소형", "소형 언어 모델 · small language model (SLM)"),
        ("small l", "small language model (SLM) · 소형 언어 모델"),
    ):
        offered = await world.reader.autocomplete(world.channel, "topic", "query", typed)
        assert offered[0]["name"] == name


async def test_autocomplete_offers_phrases_of_titles_that_the_command_finds(english_world: World) -> None:
    world = english_world
    papers = (
        sample_archive.NewsletterPaper("2501.00011", "Quiet Harbour Lights", "A lamp."),
        sample_archive.NewsletterPaper(
            "2501.00012", "Painting Quiet Harbour Lights @everyone", "Another lamp."
        ),
    )
    await sample_archive.add_digest(world.container.database, "2026-01-01", *papers)
    await glossary_service.GlossaryService(world.container.database, world.container.clock).rebuild()
    (offered,) = await world.reader.autocomplete(world.channel, "topic", "query", "quiet h")
    assert offered["value"] == "Quiet Harbour Lights"
    found = shown_text(
        last_response(await world.reader.slash(world.channel, "topic", query=offered["value"]))
    )
    assert world.texts("list-topic-heading", topic="Quiet Harbour Lights", count=2) in found


async def test_the_form_under_a_post_asks_for_a_topic(world: World) -> None:
    message = await post_daily(world)
    form = await world.reader.click(message, label=world.texts("post-ask"))
    assert form.modal is not None
    found = await world.reader.submit_modal(form, {"query": "로봇"})
    assert last_response(found).ephemeral
    assert "Maps for Robots" in shown_text(last_response(found))


async def test_a_form_that_outlived_a_restart_is_still_answered(english_world: World) -> None:
    world = english_world
    form = await world.reader.click(await post_daily(world), label=world.texts("post-ask"))
    await world.env.restart_bot(world.container.create_bot(shard_count=1, locale=models.Locale.EN))
    found = await world.reader.submit_modal(form, {"query": "로봇"})
    assert "Maps for Robots" in shown_text(last_response(found))
