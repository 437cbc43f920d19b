"""/topic and /author, with their lists' controls."""

from __future__ import annotations

import pytest

from bot.services.accounts.text_tokens import token_of
from bot.services.search import glossary
from storage import models
from tests.support import sample_archive
from tests.support.client_harness import World, answer, custom_ids_of, post_daily, texts_of


async def test_a_topic_is_answered_privately_with_the_papers_that_hold_it(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="소형 언어 모델")
    assert result.ephemeral
    shown = texts_of(answer(result))
    assert "Small Language Models (at Work): A \\*Survey\\*" in shown
    assert "https://arxiv.org/abs/2501.00001" in shown
    assert "▲ 81 · 2026-01-01" in shown
    assert "**소형 언어 모델**" in shown
    assert world.words("follow-topic") in shown


async def test_a_topic_that_means_more_than_typed_says_so_and_can_be_taken_literally(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="소형 언어 모델")
    assert "small language model" in texts_of(answer(result)).lower()
    literal = await world.reader.click(answer(result), label=world.words("list-literally"))
    assert world.words("list-with-forms") in texts_of(answer(literal))


async def test_nothing_found_says_what_the_archive_holds_and_leads_on(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="xyzzyplugh")
    shown = texts_of(answer(result))
    assert world.words("archive-extent", count=7, first="2025-12-30", last="2026-01-01") in shown
    newest = await world.reader.click(answer(result), label=world.words("newest-digest"))
    assert "2501.00002" in texts_of(answer(newest))


async def test_pages_turn_in_place(english_world: World) -> None:
    world = english_world
    result = await world.reader.slash(world.channel, "author", name="ada lovelace")
    first = answer(result)
    assert "Ada Lovelace · 4 papers" in texts_of(first)
    digest = answer(await world.reader.slash(world.channel, "digest"))
    turned = await world.reader.click(digest, label="▶")
    assert answer(turned).id == digest.id
    assert "**6 · " in texts_of(answer(turned))
    assert "2/2" in texts_of(answer(turned))
    back = await world.reader.click(answer(turned), label="◀")
    assert "**1 · " in texts_of(answer(back))


async def test_buttons_still_work_after_a_restart(english_world: World) -> None:
    world = english_world
    digest = answer(await world.reader.slash(world.channel, "digest"))
    await world.env.restart_bot(world.core.bot(shard_count=1, locale=models.Locale.EN))
    turned = await world.reader.click(digest, label="▶")
    assert "**6 · " in texts_of(answer(turned))


@pytest.mark.parametrize("length", [70, 500])
async def test_a_long_query_survives_in_its_buttons(english_world: World, length: int) -> None:
    world = english_world
    query = ("small language models " * 40)[:length].strip()
    result = await world.reader.slash(world.channel, "topic", query=query)
    shown = answer(result)
    assert any(token_of(query) in custom_id for custom_id in custom_ids_of(shown)) == (length > 72)
    menu = next(one for one in custom_ids_of(shown) if one.startswith("pr:lp:"))
    changed = await world.reader.select(shown, ["y"], custom_id=menu)
    assert "Small Language Models" in texts_of(answer(changed))


async def test_a_period_and_votes_narrow_the_list(english_world: World) -> None:
    world = english_world
    result = await world.reader.slash(world.channel, "topic", query="language models", votes=50)
    assert "at least ▲ 50" in texts_of(answer(result))
    assert "2501.00006" not in texts_of(answer(result))


async def test_an_author_is_found_in_any_order_and_can_be_ordered_by_date(world: World) -> None:
    result = await world.reader.slash(world.channel, "author", name="NOETHER emmy")
    assert "Emmy Noether" in texts_of(answer(result))
    by_date = await world.reader.click(answer(result), label=world.words("list-by-date"))
    assert world.words("list-by-votes") in texts_of(answer(by_date))


async def test_following_makes_the_alert_in_one_click_and_only_once(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="reinforcement learning")
    label = world.words("follow-topic")
    made = await world.reader.click(answer(result), label=label)
    assert world.words("alert-made") in texts_of(answer(made))
    rules = await world.bot.services.alerts.list_rows(user_id=world.reader.id)
    assert [(rule.kind, rule.text) for rule in rules] == [
        (models.AlertKind.KEYWORD, "reinforcement learning")
    ]
    reader = await world.bot.services.readers.get(world.reader.id)
    assert reader is not None
    assert reader.dm_channel_id is not None
    again = await world.reader.click(answer(result), label=label)
    assert texts_of(answer(again)) == world.words("alert-already")


async def test_a_list_is_shared_for_everybody_by_who_may_write(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="로봇")
    shared = await world.reader.click(answer(result), label=world.words("share"))
    assert not answer(shared).ephemeral
    assert world.words("shared-by", name="reader") in texts_of(answer(shared))
    opened = await world.manager.click(answer(shared), label=world.words("list-more-privately", count=1))
    assert answer(opened).ephemeral
    assert answer(opened).id != answer(shared).id


async def test_sharing_is_not_offered_where_the_reader_may_not_write(world: World) -> None:
    result = await world.reader.slash(world.quiet, "topic", query="로봇")
    assert world.words("share") not in texts_of(answer(result))


async def test_direct_messages_get_the_same_answers_without_sharing(world: World) -> None:
    result = await world.user.slash("topic", query="로봇")
    shown = texts_of(answer(result))
    assert "Maps for Robots" in shown
    assert world.words("share") not in shown


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
        shown = texts_of(answer(result))
        assert "@everyone" not in shown
        assert "](http://evil" not in shown
        assert "<@123>" not in shown.replace("\\<", "")


async def test_a_typing_error_offers_what_was_perhaps_meant(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="강화 핵습")
    shown = texts_of(answer(result))
    assert "강화 학습" in shown
    meant = await world.reader.click(answer(result), label="강화 학습")
    assert "Rewards That Teach Reasoning" in texts_of(answer(meant))


@pytest.mark.parametrize("query", ["🤖", "-diffusion", "?!"])
async def test_what_is_like_nothing_still_leads_on_and_cannot_be_followed(world: World, query: str) -> None:
    result = await world.reader.slash(world.channel, "topic", query=query)
    shown = texts_of(answer(result))
    assert world.words("try-instead") in shown
    assert world.words("follow-topic") not in shown


async def test_filters_that_say_nothing_are_named(world: World) -> None:
    for query in ("robots votes:many", "zzzzzz votes:many"):
        result = await world.reader.slash(world.channel, "topic", query=query)
        assert world.words("list-ignored", filters="votes:many") in texts_of(answer(result))


async def test_an_empty_list_says_what_narrowed_it_and_offers_to_let_that_go(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="로봇", votes=500)
    assert world.words("order-votes", votes=500) in texts_of(answer(result))
    wider = await world.reader.click(answer(result), label=world.words("any-votes"))
    assert "Maps for Robots" in texts_of(answer(wider))
    result = await world.reader.slash(world.channel, "topic", query="로봇", votes=500, period="w")
    assert world.words("without-filters") in texts_of(answer(result))
    result = await world.reader.slash(world.channel, "topic", query="xyzzyplugh", period="w")
    assert world.words("period-week") in texts_of(answer(result))
    assert world.words("all-time") in texts_of(answer(result))


async def test_a_known_author_without_such_papers_is_not_called_unknown(world: World) -> None:
    result = await world.reader.slash(world.channel, "author", name="ada lovelace", votes=500)
    shown = texts_of(answer(result))
    assert world.words("no-list-author-papers", author="Ada Lovelace") in shown
    assert world.words("no-list-author", author="Ada Lovelace") not in shown


async def test_a_name_in_the_topic_box_leads_to_the_person(world: World) -> None:
    result = await world.reader.slash(world.channel, "topic", query="noether emmy")
    label = world.words("rule-author", text="Emmy Noether")
    person = await world.reader.click(answer(result), label=label)
    assert "Rewards That Teach Reasoning" in texts_of(answer(person))


async def test_a_topic_in_the_author_box_leads_to_its_papers(world: World) -> None:
    result = await world.reader.slash(world.channel, "author", name="로봇")
    assert world.words("no-list-author", author="로봇") in texts_of(answer(result))
    topic = await world.reader.click(answer(result), label=world.words("as-a-topic", count=1))
    assert "Maps for Robots" in texts_of(answer(topic))


async def test_an_unknown_author_is_not_blamed_on_filters(world: World) -> None:
    result = await world.reader.slash(world.channel, "author", name="xyzzyplugh")
    shown = texts_of(answer(result))
    assert world.words("try-name") in shown
    assert world.words("try-wider") not in shown


async def test_the_most_voted_of_a_topic_say_how_it_was_understood(world: World) -> None:
    result = await world.reader.slash(world.channel, "top", topic="강화학습", period="a")
    also = world.words("list-also", forms="reinforcement learning")
    assert also in texts_of(answer(result))
    result = await world.reader.slash(world.channel, "top", topic="강화 핵습", period="a")
    assert "강화 학습" in texts_of(answer(result))


async def test_an_id_in_the_topic_box_gives_that_paper(english_world: World) -> None:
    world = english_world
    result = await world.reader.slash(world.channel, "topic", query="https://arxiv.org/abs/2501.00004v2")
    assert "Maps for Robots" in texts_of(answer(result))


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
    label = world.words("follow-author" if kind is models.AlertKind.AUTHOR else "follow-topic")
    await world.reader.click(answer(result), label=label)
    rules = await world.bot.services.alerts.list_rows(user_id=world.reader.id)
    assert [(rule.kind, rule.text, rule.min_votes) for rule in rules] == [(kind, text, votes)]


async def test_only_spaces_ask_for_a_word(english_world: World) -> None:
    result = await english_world.reader.slash(english_world.channel, "topic", query="   ")
    assert texts_of(answer(result)) == english_world.words("no-words")


async def test_autocomplete_offers_authors(world: World) -> None:
    authors = await world.reader.autocomplete(world.channel, "author", "name", "lovel")
    papers = world.words("choice-papers", count=4)
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
        sample_archive.Paper("2501.00011", "Quiet Harbour Lights", "A lamp."),
        sample_archive.Paper("2501.00012", "Painting Quiet Harbour Lights @everyone", "Another lamp."),
    )
    await sample_archive.add(world.core.database, "2026-01-01", *papers)
    await glossary.Glossaries(world.core.database, world.core.clock).rebuild()
    (offered,) = await world.reader.autocomplete(world.channel, "topic", "query", "quiet h")
    assert offered["value"] == "Quiet Harbour Lights"
    found = texts_of(answer(await world.reader.slash(world.channel, "topic", query=offered["value"])))
    assert world.words("list-topic-heading", topic="Quiet Harbour Lights", count=2) in found


async def test_the_form_under_a_post_asks_for_a_topic(world: World) -> None:
    message = await post_daily(world)
    form = await world.reader.click(message, label=world.words("post-ask"))
    assert form.modal is not None
    found = await world.reader.submit_modal(form, {"query": "로봇"})
    assert answer(found).ephemeral
    assert "Maps for Robots" in texts_of(answer(found))


async def test_a_form_that_outlived_a_restart_is_still_answered(english_world: World) -> None:
    world = english_world
    form = await world.reader.click(await post_daily(world), label=world.words("post-ask"))
    await world.env.restart_bot(world.core.bot(shard_count=1, locale=models.Locale.EN))
    found = await world.reader.submit_modal(form, {"query": "로봇"})
    assert "Maps for Robots" in texts_of(answer(found))
