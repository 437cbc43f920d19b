"""The `/alerts` commands: previewing, creating, editing and removing alerts, and the buttons that create them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

import aiohttp
import discord
import pytest
from inline_snapshot import snapshot

from bot.features.alerts import service as alerts_service
from storage import accounts, models, tables
from tests.support import sample_archive
from tests.support.client_harness import (
    ClientHarness,
    component_ids,
    last_response,
    post_daily,
    raw_components,
    shown_text,
)

KEYWORD, AUTHOR, INSTITUTION = models.AlertKind.KEYWORD, models.AlertKind.AUTHOR, models.AlertKind.INSTITUTION
TERM = models.AlertTerm


async def _list_alerts(harness: ClientHarness) -> list[models.Alert]:
    return await harness.alerts.list_rows(user_id=harness.reader.id)


async def test_alert_screens_match_their_snapshots(harness: ClientHarness) -> None:
    preview = await harness.ask("alerts add", keyword='small language model, "로봇"', votes=10, time="7pm")
    shown = [harness.screen(preview)]
    assert await _list_alerts(harness) == []
    created = await harness.press(preview, "alert-create")
    shown.append(harness.screen(created))
    (alert,) = await _list_alerts(harness)
    assert alert.terms == (TERM(KEYWORD, "small language model"), TERM(KEYWORD, '"로봇"'))
    assert (alert.min_votes, alert.timing, alert.at_time) == (10, models.AlertTiming.DAILY, "19:00")
    reader = await harness.bot.services.database.fetch(accounts.get_reader, harness.reader.id)
    assert reader is not None
    assert (reader.dm_channel_id, reader.locale) == (harness.user.dm_channel.id, harness.texts.locale)
    detail = await harness.choose(await harness.ask("alerts list"), "pr:av", str(alert.id))
    paused = await harness.press(detail, "pause")
    shown.append(harness.screen(paused))
    assert (await _list_alerts(harness))[0].paused
    shown.append(harness.screen(await harness.ask("alerts list")))
    resumed = await harness.press(paused, "resume")
    assert not (await _list_alerts(harness))[0].paused
    assert harness.texts("alert-active") in shown_text(resumed)
    removed = await harness.press(resumed, "remove")
    shown.append(harness.screen(removed))
    assert await _list_alerts(harness) == []
    await harness.press(removed, "alert-undo")
    assert [each.terms for each in await _list_alerts(harness)] == [alert.terms]
    assert "\n".join(shown) == snapshot("""\
### Papers with “small language model” or exactly “로봇”, at
  least ▲ 10
-# DM · daily 7:00 PM (UTC)
3 papers matched in the last 30 days. The latest:
- [Small Language Models (at Work): A \\*Survey\\*](https://arxiv.org/abs/2501.00001) ▲ 81
- [Maps for Robots](https://arxiv.org/abs/2501.00004) ▲ 12
- [Weather in a Small Language Model](https://arxiv.org/abs/2412.00007) ▲ 33
-# Related terms count too: small LLM, small large language model, SLM, sLLM, and their Korean
  forms. Put words in quotation marks to follow only those.
<When: Every day, in one message … 9>
[Create alert] [Edit conditions] [Change time or zone]

Alert created.
**Papers with “small language model” or exactly “로봇”, at
  least ▲ 10**
-# DM · daily 7:00 PM (UTC)
[Undo] [Edit] [Manage alerts]

### Papers with “small language model” or exactly “로봇”, at
  least ▲ 10
-# DM · daily 7:00 PM (UTC)
Paused
<When: Every day, in one message … 9>
[Edit conditions] [Change time or zone]
[Resume] [Remove] [Back]

### Your alerts · 1
- **small language model, "로봇" ▲ 10** · DM · daily 7:00 PM ·
  Paused
<Pick an alert to edit: small language model, "로봇" ▲ 10 … 1>

Removed: Papers with “small language model” or exactly “로봇”,
  at least ▲ 10
[Undo]
""")


async def test_add_without_words_and_names_opens_the_form_with_what_was_typed(harness: ClientHarness) -> None:
    for options in ({}, {"votes": 7, "without": "survey", "time": "7pm"}):
        form = await harness.reader.slash(harness.channel, "alerts add", **options)
        fields = {
            row["component"]["custom_id"]: row["component"].get("value") for row in form.modal["components"]
        }
        assert fields == {
            "keyword": None,
            "author": None,
            "institution": None,
            "without": options.get("without"),
            "votes": str(options.get("votes", 0)),
        }
        typed = {name: value or "" for name, value in fields.items()}
        empty = last_response(await harness.reader.submit_modal(form, typed))
        assert shown_text(empty).startswith(harness.texts("refused-no-terms"))
        preview = await harness.fill(empty, "alert-edit-conditions", **typed | {"keyword": "robot"})
        await harness.press(preview, "alert-create")
    plain, detailed = await _list_alerts(harness)
    assert (plain.timing, plain.min_votes) == (models.AlertTiming.AT_ONCE, 0)
    assert (detailed.timing, detailed.at_time, detailed.min_votes) == (models.AlertTiming.DAILY, "19:00", 7)
    assert detailed.excluded == ("survey",)


@pytest.mark.parametrize("locale", [models.Locale.KO])
async def test_a_preview_in_korean_names_related_terms_of_both_languages(harness: ClientHarness) -> None:
    preview = harness.screen(
        await harness.ask("alerts add", keyword='small language model, "로봇"', votes=10)
    )
    assert preview.startswith("### “small language model” 또는 정확히 “로봇” 논문, ▲ 10 이상\n")
    assert "지난 30일 동안 조건에 맞는 논문이 3편 있었어요. 최근 논문:" in preview
    assert "SLM, sLLM, 소형 언어 모델, 소규모 언어 모델" in preview


async def test_widening_drops_the_vote_minimum(harness: ClientHarness) -> None:
    preview = await harness.ask("alerts add", keyword="로봇", votes=99_999)
    widened = await harness.press(preview, "alert-widen")
    assert harness.texts("alert-widen") not in shown_text(widened)
    await harness.press(widened, "alert-create")
    assert [alert.min_votes for alert in await _list_alerts(harness)] == [0]


async def test_the_most_and_longest_alerts_fit_in_messages(harness: ClientHarness) -> None:
    """Twenty terms and twenty excluded words of a hundred characters, half of which need escaping in Markdown."""
    words, excluded = ([f"{start}{number} {'*_' * 48}"[:100] for number in range(20)] for start in "ax")
    alert = await harness.add_alert(*words, excluded=tuple(excluded), min_votes=10)
    for number in range(alerts_service.MAX_ALERTS - 1):
        await harness.add_alert(f"{number} {'a long *text* ' * 7}")
    shown = await harness.choose(await harness.ask("alerts list"), "pr:av", str(alert.id))
    assert "\\*\\_" in shown_text(shown)
    saved = await harness.choose(shown, f"pr:aet:#{alert.id}", "weekly-5")
    assert harness.texts("alert-changed") in shown_text(saved)
    await harness.press(saved, "remove")
    assert len(await _list_alerts(harness)) == alerts_service.MAX_ALERTS - 1


async def test_every_change_to_a_channel_alert_requires_manage_messages(harness: ClientHarness) -> None:
    response = await harness.ask("alerts add", keyword="로봇", channel=harness.channel)
    assert shown_text(response) == harness.texts("needs-manage-messages", channel=f"<#{harness.channel.id}>")
    preview = await harness.ask("alerts add", by=harness.manager, keyword="로봇", channel=harness.channel)
    await harness.manager.click(preview, label=harness.texts("alert-create"))
    (alert,) = await harness.alerts.list_rows(user_id=harness.manager.id)
    assert (alert.channel_id, alert.guild_id) == (harness.channel.id, harness.guild.id)
    listed = await harness.ask("alerts list", by=harness.manager)
    (menu,) = [part for part in raw_components(listed) if "options" in part]
    assert menu["options"][0]["description"] == f"#{harness.channel.name} · right away"
    card = await harness.choose(listed, "pr:av", str(alert.id), by=harness.manager)
    preview = await harness.ask("alerts add", by=harness.manager, keyword="care", channel=harness.channel)
    card = await harness.press(card, "pause", by=harness.manager)
    harness.take_roles(harness.manager)
    not_resumed = await harness.press(card, "resume", by=harness.manager)
    refused = await harness.fill(card, "alert-edit-conditions", by=harness.manager, keyword="robots")
    not_created = await harness.press(preview, "alert-create", by=harness.manager)
    for answer in (not_resumed, refused, not_created):
        assert shown_text(answer) == shown_text(response)
    left = await harness.alerts.list_rows(user_id=harness.manager.id)
    assert left == [replace(alert, paused=True)]


async def test_an_alert_is_confirmed_even_if_opening_the_dm_fails(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = mock.AsyncMock(side_effect=aiohttp.ServerDisconnectedError)
    preview = await harness.ask("alerts add", keyword="로봇")
    monkeypatch.setattr(harness.bot.http, "start_private_message", fail)
    assert harness.texts("alert-made") in shown_text(await harness.press(preview, "alert-create"))


async def test_the_options_of_the_command_are_stored(harness: ClientHarness) -> None:
    options = {
        "keyword": 'robots, "로봇"',
        "author": "Noether, Emmy",
        "institution": "카이스트",
        "without": "survey, review",
    }
    preview = await harness.ask("alerts add", **options, match="all", votes=7, when="daily", max_a_day=2)
    shown = harness.screen(preview)
    await harness.press(preview, "alert-create")
    assert f"{shown}\n{harness.screen(await harness.ask('alerts list'))}" == snapshot("""\
### Papers with “robots” and exactly “로봇” and by Emmy
  Noether and from 카이스트, without “survey”, “review”, at
  least ▲ 7
-# DM · daily 9:00 AM (UTC) · at most 2 messages a day
No papers matched in the last 30 days.
A wider alert would have matched 3 papers: Papers with
  “robots” or “로봇” or by Emmy Noether or from 카이스트, without
  “survey”, “review”
-# Related terms count too: KAIST, and their Korean forms. Put words in quotation marks to follow
  only those.
-# Papers whose institutions are unknown are not found.
<When: Every day, in one message … 9>
[Create alert] [Widen] [Edit conditions] [Change time or zone]

### Your alerts · 1
- **robots + "로봇" + Emmy Noether + 카이스트 −survey −review ▲
  7** · DM · daily 9:00 AM
<Pick an alert to edit: robots + "로봇" + Emmy Noether + 카이스트
  −survey −review ▲ 7 … 1>
""")
    (alert,) = await _list_alerts(harness)
    texts = [(KEYWORD, "robots"), (KEYWORD, '"로봇"'), (AUTHOR, "Emmy Noether"), (INSTITUTION, "카이스트")]
    assert alert.terms == tuple(TERM(kind, text) for kind, text in texts)
    assert (alert.excluded, alert.match_all, alert.min_votes) == (("survey", "review"), True, 7)
    assert (alert.timing, alert.max_a_day) == (models.AlertTiming.DAILY, 2)


TITLES = "Teapots, without Handles", "Herons, Excluding Newts", "Newts or Herons"


async def test_what_an_alert_leaves_out_is_no_list_of_what_it_follows(harness: ClientHarness) -> None:
    """The preview shows its operators. A paper's title is a phrase that leaves nothing out."""
    known = [sample_archive.NewsletterPaper(f"2512.0010{n}", title, "글") for n, title in enumerate(TITLES)]
    await sample_archive.add_digest(harness.container.database, "2025-12-02", *known)
    for keyword, words, excluded in (
        *((title, [f'"{title}"'], ()) for title in TITLES),
        ("maps or speech, language models, not survey", ["maps | speech", "language models"], ("survey",)),
        ("robots, maps, excluding surveys, benchmarks", ["robots", "maps"], ("surveys", "benchmarks")),
        ("cranes NOT survey NOT benchmark, maps", ["cranes", "maps"], ("survey", "benchmark")),
        ("drones, not surveys; maps", ["drones", "maps"], ("surveys",)),
        ("로봇, 드론, 서베이와 벤치마크 제외", ["로봇", "드론"], ("서베이", "벤치마크")),
        ("not surveys; drones", ["not surveys", "drones"], ()),
    ):
        preview = await harness.ask("alerts add", keyword=keyword)
        await harness.press(preview, "alert-create")
        alert = (await _list_alerts(harness))[-1]
        assert ([term.text for term in alert.terms], alert.excluded) == (words, excluded), keyword
        assert not alert.match_all
        shown = harness.screen(preview)
        assert "maps" not in words[0] or f"“{words[0].replace('|', 'or')}”" in shown, shown
        assert all(f"“{word}”" in shown.partition("without")[2] for word in excluded), shown


async def test_an_alert_needs_more_than_what_it_leaves_out(harness: ClientHarness) -> None:
    for keyword in ("-surveys", '-"two words"'):
        refused = shown_text(await harness.ask("alerts add", keyword=keyword))
        assert refused.startswith(harness.texts("refused-no-terms")), keyword
    signed = await harness.ask("alerts add", keyword="maps -survey")
    assert "“maps”" in (shown := harness.screen(signed))
    assert "without “survey”" in shown


async def test_the_forms_and_the_menu_change_the_draft(harness: ClientHarness) -> None:
    preview = await harness.ask(
        "alerts add",
        author="Ada Lovelace",
        match="all",
        max_a_day=3,
        time="오후 9시 반 뉴욕",
        when="weekly-1",
    )
    assert "weekly, Mon 9:30 PM" in shown_text(preview)
    changed = await harness.fill(
        preview,
        "alert-edit-conditions",
        keyword="로봇, robots",
        author="",
        institution="카이스트",
        without="설문",
        votes="50",
    )
    assert changed.id == preview.id
    assert "Ada Lovelace" not in shown_text(changed)
    (menu,) = [id_ for id_ in component_ids(changed) if id_.startswith("pr:aet:")]
    changed = await harness.choose(changed, menu, "weekly-7")
    assert "9:30 PM" in shown_text(changed)
    created = await harness.press(changed, "alert-create")
    (alert,) = await _list_alerts(harness)
    assert [term.text for term in alert.terms] == ["로봇", "robots", "카이스트"]
    assert (alert.excluded, alert.match_all) == (("설문",), True)
    assert (alert.min_votes, alert.max_a_day) == (50, 3)
    assert (alert.timing, alert.weekday, alert.at_time) == (models.AlertTiming.WEEKLY, 7, "21:30")
    assert alert.timezone == "America/New_York"
    card = await harness.press(created, "change")
    form = await harness.reader.click(card, label=harness.texts("change-time"))
    assert all(text in str(form.modal) for text in ("'21:30'", "'America/New_York'"))
    refused = await harness.fill(card, "change-time", time="later", zone="뉴욕")
    assert shown_text(refused).startswith(harness.texts("time-not-understood", text="later"))
    card = await harness.fill(refused, "subscription-form-again", time="8am 서울", zone="뉴욕")
    assert "8:00 AM (Seoul)" in shown_text(card)
    (alert,) = await _list_alerts(harness)
    assert (alert.at_time, alert.timezone, alert.weekday) == ("08:00", "Asia/Seoul", 7)


def _words(count: int) -> str:
    return ", ".join(f"word{number}" for number in range(count))


REFUSED: tuple[tuple[dict[str, str], str, dict[str, Any]], ...] = (
    ({}, "refused-no-terms", {}),
    ({"keyword": "?!"}, "refused-no-letters", {"text": "?!"}),
    ({"keyword": "the"}, "refused-only-particles", {"text": "the"}),
    ({"keyword": "like:list"}, "refused-like-list", {}),
    ({"keyword": "로봇, 비슷:목록"}, "refused-like-list", {}),
    ({"keyword": "robots last week"}, "topic-has-period", {"text": "last week"}),
    ({"keyword": "로봇, 지난달 지도"}, "topic-has-period", {"text": "지난달"}),
    ({"keyword": "2024년 4월 로봇"}, "topic-has-period", {"text": "2024년 4월"}),
    ({"keyword": _words(50)}, "refused-too-many-terms", {"most": 20, "count": 50}),
    (
        {"keyword": "로봇", "without": _words(21)},
        "refused-too-many-excluded-words",
        {"most": 20, "count": 21},
    ),
    ({"keyword": "x" * 2000}, "refused-text-too-long", {"text": "x" * 58 + "…", "most": 100, "length": 2000}),
)


async def test_a_form_error_names_the_field_and_reopens_the_form(harness: ClientHarness) -> None:
    preview = await harness.ask("alerts add", keyword="로봇")
    for values, key, arguments in REFUSED:
        response = await harness.fill(preview, "alert-edit-conditions", **{"votes": ""} | values)
        assert shown_text(response).splitlines()[0] == harness.texts(key, **arguments)
        reopened = await harness.reader.click(response, label=harness.texts("alert-edit-conditions"))
        assert all(text in str(reopened.modal) for text in values.values())
    for votes in ("many", "-1", "100000"):
        typed = {"keyword": "diffusion", "without": "설문"}
        refused = await harness.fill(preview, "alert-edit-conditions", **typed, votes=votes)
        assert shown_text(refused).splitlines()[0] == harness.texts("votes-not-a-number")
        reopened = await harness.reader.click(refused, label=harness.texts("alert-edit-conditions"))
        assert all(text in str(reopened.modal) for text in typed.values())


async def test_a_stored_alert_is_edited_from_the_list(harness: ClientHarness) -> None:
    stored = await harness.add_alert("로봇", min_votes=3)
    listed = await harness.ask("alerts list")
    detail = await harness.choose(listed, "pr:av", str(stored.id))
    refused = await harness.fill(detail, "alert-edit-conditions", keyword="the")
    assert harness.texts("refused-only-particles", text="the") in shown_text(refused)
    assert await _list_alerts(harness) == [stored]
    saved = await harness.fill(refused, "alert-edit-conditions", keyword="로봇", votes="")
    assert harness.texts("alert-changed") in shown_text(saved)
    saved = await harness.choose(saved, f"pr:aet:#{stored.id}", "daily")
    assert harness.texts("alert-changed") in shown_text(saved)
    (alert,) = await _list_alerts(harness)
    assert alert == replace(stored, timing=models.AlertTiming.DAILY, min_votes=0)
    assert harness.texts("alert-exists") in shown_text(await harness.ask("alerts add", keyword="로봇"))
    await harness.alerts.remove(stored.id)
    gone = harness.texts("no-alert", command=harness.bot.mentions("alerts list"))
    assert shown_text(await harness.press(saved, "pause")) == gone


async def test_autocomplete_completes_the_text_after_a_comma(harness: ClientHarness) -> None:
    offered = await harness.reader.autocomplete(harness.channel, "alerts add", "author", "Ada Lovelace, loub")
    assert all(choice["value"].startswith("Ada Lovelace, ") for choice in offered)

    offered = await harness.reader.autocomplete(harness.channel, "alerts add", "institution", "KAIST, 서울대")
    assert [choice["value"] for choice in offered] == ["KAIST, 서울대학교"]


async def test_topics_and_authors_can_be_followed_from_a_paper_card(harness: ClientHarness) -> None:
    card = await harness.ask("paper", paper="2501.00001")
    (menu,) = [part for part in raw_components(card) if part.get("custom_id", "").startswith("pr:fo:")]
    labels = {option["value"]: option["label"] for option in menu["options"]}
    topic, author = next((value for value in labels if value.startswith("k")), "none"), "a0"
    assert labels[topic].casefold() in ("small language model", "소형 언어 모델"), labels
    for value, kind in ((topic, KEYWORD), (author, AUTHOR)):
        made = await harness.choose(card, menu["custom_id"], value)
        assert harness.texts("alert-made") in shown_text(made)
        alert = (await _list_alerts(harness))[-1]
        assert (alert.terms, alert.min_votes) == ((TERM(kind, labels[value]),), 0)
        again = await harness.choose(card, menu["custom_id"], value)
        assert shown_text(again) == harness.texts("alert-exists")
        await harness.press(made, "alert-undo")
    assert await _list_alerts(harness) == []
    async with harness.container.database.transaction() as connection:
        await connection.execute(tables.papers.update().values(key="gone:" + tables.papers.c.key))
    gone = await harness.choose(card, menu["custom_id"], topic)
    assert shown_text(gone) == harness.texts("outdated-control")


async def test_follow_topic_fills_in_the_form(harness: ClientHarness) -> None:
    message = await post_daily(harness, topic="small language model -diffusion votes:9")
    form = await harness.reader.click(message, label=harness.texts("follow-topic"))
    assert all(f"'{text}'" in str(form.modal) for text in ("small language model", "diffusion", "9"))


async def test_an_empty_list_opens_the_form_of_a_new_alert(harness: ClientHarness) -> None:
    empty = last_response(await harness.user.slash("alerts list"))
    preview = await harness.fill(empty, "post-follow", by=harness.user, keyword="로봇")
    await harness.press(preview, "alert-create", by=harness.user)
    (alert,) = await _list_alerts(harness)
    assert (alert.terms, alert.match_all) == ((TERM(KEYWORD, "로봇"),), False)


async def _channel_alert(harness: ClientHarness, owner: Any) -> models.Alert:
    place = {"channel_id": harness.channel.id, "guild_id": harness.guild.id}
    return await harness.add_alert("로봇", user_id=owner.id, **place)


async def test_channel_moderators_see_and_stop_each_others_alerts(harness: ClientHarness) -> None:
    await _channel_alert(harness, harness.manager)
    role = harness.guild.create_role("moderators", permissions=discord.Permissions(manage_messages=True))
    other = harness.guild.add_member(harness.env.create_user("other"), roles=[role])
    assert harness.texts("alerts-here", count=1) not in shown_text(await harness.ask("alerts list"))
    await harness.publish("A▲53")
    await harness.wait(minutes=3)
    mine = await harness.press(harness.channel.last_message, "alert-manage", by=other)
    there = await harness.press(mine, label=harness.texts("alerts-here", count=1), by=other)
    card = await harness.select(there, ["1"], by=other, custom_id="pr:av")
    shown = shown_text(card)
    assert harness.texts("alert-of", owner=f"<@{harness.manager.id}>") in shown
    assert harness.texts("alert-edit-conditions") not in shown
    emptied = await harness.press(card, "remove", by=other)
    assert harness.texts("alerts-in-channel", channel=f"<#{harness.channel.id}>", count=0) in shown_text(
        emptied
    )
    assert await harness.alerts.list_rows() == []


@pytest.mark.parametrize("has_left", [False, True])
async def test_an_alert_whose_owner_lost_the_right_is_taken_over_by_one_press(
    harness: ClientHarness, has_left: bool
) -> None:
    role = harness.guild.create_role("moderators", permissions=discord.Permissions(manage_messages=True))
    owner, other = (
        harness.guild.add_member(harness.env.create_user(name), roles=[role]) for name in ("owner2", "other")
    )
    system = harness.guild.create_text_channel("system")
    settings: accounts.GuildSettings = {"system_channel_id": system.id, "locale": harness.texts.locale}
    await harness.bot.services.guilds.update({harness.guild.id: settings})
    database = harness.container.database
    await database.write(accounts.upsert_reader, owner.id, locale=harness.texts.locale)
    await _channel_alert(harness, owner)
    if has_left:
        harness.env.backend.remove_member(harness.guild.id, owner.id)
    else:
        harness.take_roles(owner)
    await harness.publish("A▲53")
    await harness.wait(minutes=3)
    assert not [row for row in await harness.alerts.list_rows() if row.paused]
    lost = harness.texts("alert-right-lost", at="\0").partition("\0")[2]
    assert lost in shown_text(await harness.manage("status"))
    await harness.wait(days=1)
    await harness.wait(days=1)
    assert [row.paused for row in await harness.alerts.list_rows()] == [True]
    assert harness.channel.history() == []
    told = system.history() if has_left else owner.user.dm_channel.history()
    [notice] = told
    # In another channel than the alert's own its words are not for all.
    assert (len(system.history()), "로봇" in shown_text(notice)) == (int(has_left), not has_left)
    assert lost in shown_text(await harness.manage("status"))
    refused = await harness.press(notice, "alert-take-over", by=harness.reader if has_left else owner.user)
    channel = f"<#{harness.channel.id}>"
    assert shown_text(refused) == harness.texts("needs-manage-messages", channel=channel)
    if has_left:
        card = await harness.press(notice, "alert-take-over", by=other)
    else:
        listed = await harness.ask("alerts list", by=other)
        there = await harness.press(listed, label=harness.texts("alerts-here", count=1), by=other)
        card = await harness.select(there, ["1"], by=other, custom_id="pr:av")
        assert lost in shown_text(card)
        card = await harness.press(card, "alert-take-over", by=other)
    assert harness.texts("alert-taken-over", count=1) in shown_text(card)
    await harness.wait(minutes=3)
    assert len(harness.channel.history()) == 1
    assert [(row.user_id, row.paused) for row in await harness.alerts.list_rows()] == [(other.id, False)]
    assert lost not in shown_text(await harness.manage("status"))


async def test_a_channel_alert_outlives_a_time_out_of_its_owner(harness: ClientHarness) -> None:
    await _channel_alert(harness, harness.manager)
    member = harness.env.backend.get_member(harness.guild.id, harness.manager.id)
    ends_at = harness.env.now() + timedelta(minutes=10)
    with mock.patch.object(discord.Member, "is_timed_out", side_effect=lambda: harness.env.now() < ends_at):
        member.timed_out_until = ends_at.isoformat()
        await harness.publish("A▲53")
        await harness.wait(minutes=4)
        assert harness.channel.history() == []
        await harness.wait(minutes=10)
    assert len(harness.channel.history()) == 1
    assert [alert.paused for alert in await harness.alerts.list_rows()] == [False]
