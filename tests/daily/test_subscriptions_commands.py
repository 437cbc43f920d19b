"""The `/daily` commands: creating, editing, previewing and removing subscriptions with options and forms."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import discord
import pytest
from discord import app_commands
from inline_snapshot import snapshot

from bot.client import handler_context
from bot.features.daily import options as daily_options
from storage import accounts, models, outbox
from tests.support import sample_archive
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    raw_components,
    shown_text,
)
from tests.support.digest_builders import add_facts
from tests.support.world import read_lists

CHECKBOX, CHANNEL_SELECT = 23, 8
"""Discord's types of components (resources/components)."""


async def _stored(harness: ClientHarness) -> list[models.Subscription]:
    return await harness.subscriptions.list_rows(guild_id=harness.guild.id)


async def _setup(harness: ClientHarness, **options: Any) -> tuple[Any, Any]:
    """Run `/daily setup`. Returns the preview and the summary with its buttons."""
    result = await harness.manager.slash(harness.channel, "daily setup", **options)
    preview, summary = [result.response, *result.followups][-2:]
    return preview, summary


async def _open_form(harness: ClientHarness) -> Any:
    """Run `/daily setup` with nothing typed. Returns the result with the form."""
    return await harness.manager.slash(harness.channel, "daily setup")


def _fields(form: Any) -> list[dict[str, Any]]:
    return [row["component"] for row in form.modal["components"]]


def _chosen(field: dict[str, Any]) -> list[str]:
    """Return the preselected values of a menu."""
    return [option["value"] for option in field["options"] if option.get("default")]


async def _submit(
    harness: ClientHarness, form: Any, channel: Any, time: str = "", topic: str = "", **chosen: list[str]
) -> Any:
    """Submit the set-up form. Returns the last message of the answer."""
    values = {"channel": [channel], "time": time, "topic": topic, **chosen}
    return last_response(await harness.manager.submit_modal(form, values))


async def test_daily_post_screens_match_their_snapshots(harness: ClientHarness) -> None:
    press = harness.manager_press
    preview, summary = await _setup(harness, time="9시", timezone="Asia/Seoul")
    assert preview.ephemeral
    shown = [harness.screen(preview).partition("\n**1")[0], harness.screen(summary)]
    started = await press(summary, "setup-start")
    shown.append(harness.screen(started))
    await press(started, "pause")
    await harness.add_subscription(topic="language")
    _, again = await _setup(harness, topic="강화 학습 -survey", time="18:00", days="mon-fri")
    opened = await harness.manage("daily edit", post="1")
    confirmation = await press(opened, "remove")
    shown.append(harness.screen(again, confirmation))
    shown.append(harness.screen(await press(confirmation, "remove")))
    assert "\n".join(shown) == snapshot("""\
**Preview:** this is what would be posted now.
## 📰 Papers for January 1, 2026
-# Top 5 of 6 by votes
### Daily post in #papers
Every day at 9:00 AM (Seoul)
The 5 most upvoted papers
English · Compact
✓ All the permissions are in place
First post: Jan 02 00:00 in your time zone (Jan 02 00:00)
-# It has the newest papers at that time; a day without new papers has no post.
[Start] [Edit] [More settings]

### All set
Daily post in #papers
Every day at 9:00 AM (Seoul)
The 5 most upvoted papers
English · Compact
Next: Jan 02 00:00 (Jan 02 00:00), with what is new by then
-# To set a minimum of votes or a source, use the options **votes** and **from** of `/daily edit`.
[Preview] [Post now] [Pause] [Remove]
[Edit] [More settings] [All daily posts]

### Daily post in #papers
Topic: 강화 학습 without survey
Monday to Friday at 6:00 PM (UTC)
The 5 most upvoted papers
English · Compact
✓ All the permissions are in place
First post: Jan 01 18:00 in your time zone (Jan 01 18:00)
-# It has the newest papers at that time; a day without new papers has no post.
**#papers already has 2 daily posts**
- **Daily · 9:00 AM (Seoul) · #papers** · Paused manually.
- **language · 9:00 AM (UTC) · #papers** · Next: Jan 01 09:00 (Jan 01 09:00), with what is new by
  then
-# To set a minimum of votes or a source, use the options **votes** and **from** of `/daily edit`.
[Start] [Edit] [More settings]

Remove **Daily · 9:00 AM · #papers**? Pausing keeps its settings.
[Remove] [Back]

**Daily · 9:00 AM · #papers** was removed. What it has posted stays.
[All daily posts]
""")


async def test_setup_and_edit_explain_why_they_refuse_a_setting(harness: ClientHarness) -> None:
    async def refused(text: str, by: str = "edit", **options: Any) -> None:
        result = await harness.manager.slash(harness.channel, f"daily {by}", **options)
        assert shown_text(result.response).startswith(text)

    texts, edit = harness.texts, harness.bot.mentions("daily edit")
    await refused(texts("no-subscriptions", command=harness.bot.mentions("daily setup")))
    await refused(texts("preview-none"), "setup", time="18:00", votes=9999)
    await refused(texts("preview-topic", count=0), "setup", time="18:00", topic="xyzzy")
    unwritable = await harness.manage("daily setup", channel=harness.readonly_channel)
    missing = "✗ **Send Messages** · turn it on for Paperround in the channel's settings › Permissions"
    assert missing in harness.screen(unwritable)
    await refused(texts("style-does-not-fit", style="forum"), "setup", style="forum")
    await refused(texts("topic-asks-nothing"), "setup", topic="-survey")
    for topic, period in (
        ("robots last week", "last week"),
        ("지난달 로봇", "지난달"),
        ("로봇 2024년 4월", "2024년 4월"),
        ("robots, not surveys since 2025", "since 2025"),
        ("로봇, 지난달 서베이 제외", "지난달"),
        ("robots before november 2025", "before november 2025"),
        ("robots since:2019 until:2020", "robots since:2019 until:2020"),
    ):
        await refused(texts("topic-has-period", text=period), "setup", topic=topic)
    first, late = [await harness.manage("daily setup", time="09:00") for _ in range(2)]
    await harness.manager_press(first, "setup-start")
    said = await harness.manager_press(late, "setup-start")
    assert shown_text(said) == texts("subscription-already")
    await refused(texts("time-not-understood", text="weekdays at 7"), time="weekdays at 7")
    await refused(texts("no-subscription", command=edit), post="9")
    await harness.add_subscription(at_time="18:00")
    await refused(texts("subscription-which"), papers=3)


async def test_the_start_button_creates_the_post_with_its_options(harness: ClientHarness) -> None:
    _, summary = await _setup(
        harness,
        channel=harness.channel,
        time="23:45",
        timezone="america/argentina/comodrivadavia",
        papers=25,
        votes=99999,
        days="mon,wed,fri",
        topic=" 강화  학습 -survey ",
        language="ko",
        style="thread",
    )
    await harness.manager_press(summary, "setup-start")
    [stored] = await _stored(harness)
    assert (stored.at_time, stored.timezone) == ("23:45", "America/Argentina/ComodRivadavia")
    assert (stored.days, stored.top_n, stored.min_votes) == ((1, 3, 5), 25, 99999)
    assert (stored.topic, stored.locale, stored.style) == ("강화 학습 -survey", "ko", "thread")
    assert stored.created_by == harness.manager.id
    await harness.manage("daily edit", time="18:00", topic="-")
    [edited] = await _stored(harness)
    assert (edited.at_time, edited.topic, edited.days) == ("18:00", "", stored.days)


async def test_a_time_without_a_zone_has_that_of_the_newest_post_with_a_time(harness: ClientHarness) -> None:
    """docs/commands.md, *Times*: never that of a post that is gone, or of the time before its change."""

    async def choose_zone() -> tuple[str, str]:
        _, summary = await _setup(harness, topic="moss", time="8am")
        meeting = await harness.manage("club setup", channel=harness.channel, day="wed", time="5pm")
        club_zone = re.search(r"\((.*?)\)", shown_text(meeting))
        assert club_zone
        return re.findall(r"8:00 AM \((.*?)\)", shown_text(summary))[-1], club_zone[1]

    for time in ("9am Seoul", "9am New York", None):
        _, summary = await _setup(
            harness, topic=f"moss {time}", **({"time": time} if time else {"timezone": "Asia/Tokyo"})
        )
        await harness.manager_press(summary, "setup-start")
    posts = await _stored(harness)
    assert await choose_zone() == ("New York", "New York")
    await harness.manage("daily edit", post=str(posts[1].id), time="9am Berlin")
    assert await choose_zone() == ("Berlin", "Berlin")
    await harness.subscriptions.remove(posts[1].id)
    assert await choose_zone() == ("Seoul", "Seoul")
    await harness.subscriptions.remove(posts[0].id)
    assert await choose_zone() == ("UTC", "UTC")
    await harness.container.database.write(accounts.upsert_reader, harness.manager.id, timezone="Asia/Tokyo")
    assert await choose_zone() == ("Tokyo", "Tokyo")


@pytest.mark.parametrize(
    ("options", "days"),
    [
        ({"style": "weekly"}, (1,)),
        ({"style": "weekly", "days": "mon-sun"}, (1, 2, 3, 4, 5, 6, 7)),
        ({"style": "weekly", "days": "fri"}, (5,)),
        ({"style": "cards"}, (1, 2, 3, 4, 5, 6, 7)),
    ],
)
def test_a_post_that_becomes_weekly_defaults_to_mondays(
    options: dict[str, str], days: tuple[int, ...]
) -> None:
    changed = daily_options.apply_changes(models.Subscription(guild_id=1, channel_id=2), options)
    assert changed.days == days
    # Later edits do not change the days.
    assert daily_options.apply_changes(changed, {"style": options["style"], "papers": 3}).days == days


async def test_edit_accepts_times_in_natural_language(harness: ClientHarness) -> None:
    stored = await harness.add_subscription(at_time="07:00", timezone="Asia/Seoul")
    for typed, at_time, zone in (
        ("매일 오전 9시", "09:00", "Asia/Seoul"),
        ("at 8am", "08:00", "Asia/Seoul"),
        ("오전 9시 베를린", "09:00", "Europe/Berlin"),
        ("9am Europe/Berlin", "09:00", "Europe/Berlin"),
        ("-", "", "Europe/Berlin"),
    ):
        await harness.manage("daily edit", time=typed)
        assert await _stored(harness) == [replace(stored, at_time=at_time, timezone=zone)]


async def test_a_post_without_a_time_waits_for_the_complete_list(harness: ClientHarness) -> None:
    await read_lists(harness.container.database, harness.env.now())
    for options, is_complete in (({}, True), ({"style": "weekly"}, False), ({"time": "9am"}, False)):
        _, summary = await _setup(harness, timezone="Asia/Seoul", **options)
        # December 31's list closes at 21:30 in New York, which is 11:30 on January 1 in Seoul.
        assert ("<t:1767234600:F>" in shown_text(summary)) == is_complete
    await harness.add_subscription(at_time="", timezone="Asia/Seoul")
    closes_at = datetime(2026, 1, 2, 2, 30, tzinfo=UTC)
    await harness.env.advance_time((closes_at - harness.env.now()).total_seconds() + 60)
    until = f"<t:{int(datetime(2026, 1, 2, 14, 30, tzinfo=UTC).timestamp())}:t>"
    listed = shown_text(await harness.manage("daily edit"))
    assert harness.texts("next-complete", until=until) in listed


async def test_setup_chooses_the_style_for_the_channel_type(harness: ClientHarness) -> None:
    for create, style in (("create_news_channel", "Announcement"), ("create_forum_channel", "Forum")):
        channel = getattr(harness.guild, create)(style.lower())
        shown = shown_text(await harness.manage("daily setup", channel=channel, papers=10))
        assert style in shown
        assert (harness.texts("subscription-most") in shown) == (style == "Announcement")
    weekly = shown_text(await harness.manage("daily setup", style="weekly"))
    assert "papers of the seven days up to it" in weekly
    assert "those of the preview" not in weekly


async def test_setting_up_an_existing_post_again_shows_that_post(harness: ClientHarness) -> None:
    texts = harness.texts
    await harness.add_subscription(topic="language", timezone="Asia/Seoul")
    options = {"topic": "language", "timezone": "Asia/Seoul"}
    again = shown_text(await harness.manage("daily setup", time="9am", papers=3, **options))
    assert texts("subscription-exists") in again
    assert texts("setup-start") not in again
    assert texts("setup-start") in shown_text(await harness.manage("daily setup", time="8am", **options))


async def test_a_preview_of_cards_says_how_many_follow(harness: ClientHarness) -> None:
    notes = {"cards": "the first of 3 messages that follow", "thread": "messages in the post's thread"}
    for style, note in notes.items():
        for papers in (1, 3):
            result = await harness.manager.slash(harness.channel, "daily setup", style=style, papers=papers)
            assert (note in shown_text(result.response)) == (papers > 1)


async def test_a_preview_is_private_and_plans_nothing(harness: ClientHarness) -> None:
    for style in ("compact", "cards", "weekly"):
        subscription = await harness.add_subscription(style=models.Style(style))
        card = await harness.manage("daily edit")
        result = await harness.manager.click(card, label=harness.texts("subscription-preview"))
        assert "Small Language Models" in shown_text(last_response(result))
        assert all(message.ephemeral for message in result.followups)
        await harness.subscriptions.remove(subscription.id)
    assert await harness.container.database.fetch(outbox.list_rows) == []
    await harness.plan_post(await harness.add_subscription(top_n=10))
    previewed = await harness.manager_press(await harness.manage("daily edit"), "subscription-preview")
    assert shown_text(previewed).startswith(harness.texts("preview-nothing-new"))


@both_languages
async def test_post_now_does_not_repeat_papers(harness: ClientHarness) -> None:
    """Nor is the next post said to come: it has what is new by then."""
    here = f"<#{harness.channel.id}>"
    await harness.add_subscription(top_n=25)
    card = await harness.manage("daily edit")
    posting = await harness.manager_press(card, "subscription-now")
    assert shown_text(posting) == harness.texts("subscription-posting", channel=here)
    (delivery,) = await harness.container.database.fetch(outbox.list_rows)
    assert delivery.kind is models.DeliveryKind.ON_DEMAND
    assert delivery.papers[0] == "2501.00001"
    again = await harness.manager_press(card, "subscription-now")
    assert shown_text(again) == harness.texts("subscription-nothing-new", channel=here)
    by_then = {models.Locale.EN: "with what is new by then", models.Locale.KO: "그때까지 들어온 새 논문"}
    assert by_then[harness.texts.locale] in shown_text(await harness.manage("daily edit"))


async def test_only_managers_get_suggestions_for_posts(harness: ClientHarness) -> None:
    await harness.add_subscription()
    for command in await harness.bot.tree.fetch_commands():
        if command.name == "daily":
            harness.guild.set_command_permissions(command, {harness.reader: True})
    for user, offered in ((harness.manager, 1), (harness.reader, 0)):
        assert len(await user.autocomplete(harness.channel, "daily edit", "post", "")) == offered


async def test_edit_finds_a_post_by_id(harness: ClientHarness) -> None:
    at_six = await harness.add_subscription(at_time="18:00", timezone="America/New_York")
    about, at_shown = await harness.add_subscription(topic="Diffusion"), harness.texts.format_time("18:00")
    offered = await harness.manager.autocomplete(harness.channel, "daily edit", "post", at_shown)
    assert [choice["value"] for choice in offered] == [str(at_six.id)]
    listed = await harness.manage("daily edit")
    assert shown_text(listed).count(") · <#") == 2, "each has its zone"
    selected = await harness.manager.select(listed, [str(at_six.id)], custom_id="pr:dh")
    assert f"pr:de:{at_six.id}" in component_ids(last_response(selected))
    await harness.manage("daily edit", post=str(about.id), time="19:00")
    assert {row.id: row.at_time for row in await _stored(harness)} == {at_six.id: "18:00", about.id: "19:00"}
    # "6" is an unknown id; it does not mean the post at six o'clock.
    unknown = harness.texts("no-subscription", command=harness.bot.mentions("daily edit"))
    assert shown_text(await harness.manage("daily edit", post="6")) == unknown
    refused = shown_text(await harness.manage("daily edit", post="#vision"))
    assert "vision" in refused
    assert "Diffusion · " in refused, "the posts that there are"
    assert f"pr:de:{about.id}" in component_ids(await harness.manage("daily edit", post="diffusion"))
    for post in ("#papers", "Papers", f"<#{harness.channel.id}>"):
        assert "pr:dh" in component_ids(await harness.manage("daily edit", post=post))
    apart = await harness.add_subscription(topic="agents -GUI")
    for named in ("agents -GUI", "agents without GUI"):  # as it is typed, and as it is shown
        assert f"pr:de:{apart.id}" in component_ids(await harness.manage("daily edit", post=named))


@both_languages
async def test_all_posts_of_a_server_have_distinct_names_and_can_be_opened(harness: ClientHarness) -> None:
    same = "a topic that is longer than a list shows"
    several: tuple[dict[str, Any], ...] = (
        {},
        {"locale": models.Locale.KO, "style": models.Style.CARDS},
        {"locale": models.Locale.EN, "style": models.Style.CARDS},
        {"timezone": "Europe/Berlin"},
        {"topic": f"{same}, and one"},
        {"topic": f"{same}, and another"},
        *({"topic": f"topic {number}"} for number in range(50)),
    )
    for fields in several:
        await harness.add_subscription(**fields)
    ids, labels = [], []
    page = await harness.manage("daily edit")
    for number in range(1, 4):
        [menu] = [part for part in raw_components(page) if "options" in part]
        ids += [int(option["value"]) for option in menu["options"]]
        labels += [option["label"] for option in menu["options"]]
        if number < 3:
            page = last_response(await harness.manager.click(page, custom_id=f"pr:dl:{number}"))
    assert sorted(ids) == [row.id for row in await _stored(harness)]
    assert len(set(labels)) == len(ids)
    first = (await _stored(harness))[:3]
    named = [harness.texts(f"language-{row.locale.value}") in labels[ids.index(row.id)] for row in first]
    assert named == [True] * 3


async def test_more_settings_changes_language_and_style_of_a_draft_and_of_a_post(
    harness: ClientHarness,
) -> None:
    _, summary = await _setup(harness, time="18:00")
    form = await harness.manager_press(summary, "more-settings")
    language, style, *_ = _fields(form)
    assert (_chosen(language), _chosen(style)) == ([harness.texts.locale.value], ["compact"])
    assert "forum" not in [option["value"] for option in style["options"]], "no text channel takes it"
    summary = last_response(
        await harness.manager.submit_modal(form, {"language": ["ko"], "style": ["cards"], "role": []})
    )
    started = await harness.manager_press(summary, "setup-start")
    [stored] = await _stored(harness)
    assert (stored.locale, stored.style, stored.at_time) == ("ko", "cards", "18:00")
    form = await harness.manager_press(started, "more-settings")
    await harness.manager.submit_modal(form, {"language": ["en"], "style": [], "role": []})
    assert await _stored(harness) == [replace(stored, locale=models.Locale.EN)]


async def test_more_settings_changes_the_role_and_the_switches(harness: ClientHarness) -> None:
    role = harness.guild.create_role("rl-readers", mentionable=True)
    _, summary = await _setup(harness, topic="RL", time="18:00")
    form = await harness.manager_press(await harness.manager_press(summary, "setup-start"), "more-settings")
    changed = last_response(await harness.manager.submit_modal(form, {"role": [role], "options": True}))
    for text in (harness.texts("subscription-mention", role=f"<@&{role.id}>"), "Without a notification"):
        assert text in shown_text(changed)
    (stored,) = await _stored(harness)
    assert (stored.topic, stored.mention_role_id, stored.silent) == ("RL", role.id, True)
    form = await harness.manager_press(changed, "more-settings")
    *_, mentioned, silent = _fields(form)
    assert [str(default["id"]) for default in mentioned["default_values"]] == [str(role.id)]
    assert (silent["type"], silent["default"]) == (CHECKBOX, True)
    everyone = {"role": [harness.guild.default_role], "options": False}
    await harness.manager.submit_modal(form, everyone)
    assert await _stored(harness) == [replace(stored, mention_role_id=None, silent=False)]


@pytest.mark.parametrize(
    ("typed", "topic"),
    [
        # A sentence or a name is what /topic reads; other words stay as they are, and so does a topic that was stored.
        ("robots, not surveys", "robots -surveys"),
        ("로봇, 서베이 말고", "로봇 -서베이"),
        ("papers from NVIDIA, not robots", 'from:"NVIDIA" -robots'),
        ("Mira Holt", 'author:"Mira Holt"'),
        ("robot manipulation", "robot manipulation"),
        ("robots -surveys", "robots -surveys"),
    ],
)
async def test_a_typed_topic_is_stored_as_what_topic_reads(
    harness: ClientHarness, typed: str, topic: str
) -> None:
    paper = sample_archive.NewsletterPaper("2512.00101", "Kettles", "주전자예요.", authors=("Mira Holt",))
    await sample_archive.add_digest(harness.container.database, "2025-12-02", paper)
    facts = models.PaperFacts(paper.arxiv_id, "huggingface", "x", sample_archive.NOW, organization="NVIDIA")
    await add_facts(harness.container.database, facts)
    _, summary = await _setup(harness, topic=typed, time="18:00")
    await harness.manager_press(summary, "setup-start")
    assert (await _stored(harness))[0].topic == topic


async def test_a_post_is_changed_by_its_own_screen(harness: ClientHarness) -> None:
    _, summary = await _setup(harness, topic="RL", time="18:00")
    await harness.manager_press(summary, "setup-start")
    card = await harness.manage("daily edit")
    form = await harness.manager_press(card, "change")
    channel, time, topic, papers, days = _fields(form)
    assert [str(default["id"]) for default in channel["default_values"]] == [str(harness.channel.id)]
    assert (time["value"], topic["value"]) == ("18:00", "RL")
    assert _chosen(papers) == ["5"]
    assert _chosen(days) == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    values = {"channel": [harness.channel], "time": "9am", "topic": "robot", "papers": ["25"]}
    changed = last_response(await harness.manager.submit_modal(form, values | {"days": ["mon", "fri"]}))
    assert harness.texts("subscription-edited") in shown_text(changed)
    (stored,) = await _stored(harness)
    assert (stored.at_time, stored.topic, stored.top_n, stored.days) == ("09:00", "robot", 25, (1, 5))
    form = await harness.manager_press(changed, "change")
    assert [_chosen(field) for field in _fields(form)[3:]] == [["25"], ["mon", "fri"]]
    # What is left unchosen stays; and a form that was opened before these fields were in it is answered.
    values |= {"papers": [], "days": []}
    await harness.manager.submit_modal(form, values)
    assert await _stored(harness) == [stored]
    # In another channel it would be another post: what was posted here stays known here.
    other = harness.guild.create_text_channel("vision")
    form = await harness.manager_press(await harness.manage("daily edit"), "change")
    values |= {"channel": [other], "time": "", "topic": ""}
    setup = last_response(await harness.manager.submit_modal(form, values))
    assert await _stored(harness) == [stored]
    await harness.manager_press(setup, "setup-start")
    assert [row.channel_id for row in await _stored(harness)] == [harness.channel.id, other.id]


async def test_a_more_settings_form_opened_before_the_upgrade_is_answered(harness: ClientHarness) -> None:
    """It had a menu with one option where the checkbox is, with the same custom id."""
    await harness.add_subscription()
    menu = {"type": 3, "custom_id": "options", "min_values": 0, "required": False}
    menu["options"] = [{"label": "Without a notification", "value": "silent"}]
    for chosen in (["silent"], []):
        form = await harness.manager_press(await harness.manage("daily edit"), "more-settings")
        replaced = form._interaction.modal["components"][-1]
        replaced["component"] = menu | {"id": replaced["component"]["id"]}
        await harness.manager.submit_modal(form, {"role": [], "options": chosen})
        assert [row.silent for row in await _stored(harness)] == [bool(chosen)]


@both_languages
async def test_setup_without_options_opens_a_form(harness: ClientHarness) -> None:
    """A channel menu with this channel chosen, a time and a topic; all fit Discord's limits of forms."""
    form = await _open_form(harness)
    channel, time, topic, *_ = _fields(form)
    assert (channel["type"], channel["channel_types"]) == (CHANNEL_SELECT, [0, 5, 15])
    assert [str(default["id"]) for default in channel["default_values"]] == [str(harness.channel.id)]
    assert [time["required"], topic["required"]] == [False, False]
    other = harness.guild.create_text_channel("vision")
    summary = await _submit(harness, form, other, "9am Berlin", "robot")
    await harness.manager_press(summary, "setup-start")
    (stored,) = await _stored(harness)
    assert (stored.channel_id, stored.at_time, stored.timezone) == (other.id, "09:00", "Europe/Berlin")
    assert stored.topic == "robot"
    # The button below /help opens it too, and an empty form is a post of everything once the day's list is complete.
    again = await harness.manager_press(await harness.manage("help"), "help-set-up")
    await harness.manager_press(await _submit(harness, again, harness.channel), "setup-start")
    assert [(row.at_time, row.topic) for row in await _stored(harness)] == [("09:00", "robot"), ("", "")]


async def test_a_set_up_form_opens_again_with_what_was_typed(harness: ClientHarness) -> None:
    form, chosen = await _open_form(harness), {"papers": ["9"], "days": ["mon", "tue"]}
    refused = await _submit(harness, form, harness.channel, "half nine", "diffusion", **chosen)
    assert shown_text(refused).startswith(harness.texts("time-not-understood", text="half nine"))
    form = await harness.manager_press(refused, "subscription-form-again")
    assert [field.get("value") for field in _fields(form)[1:3]] == ["half nine", "diffusion"]
    summary = await _submit(harness, form, harness.channel, "9:30", "diffusion")
    edited = await harness.manager_press(summary, "change")
    assert [_chosen(field) for field in _fields(edited)[3:]] == [["9"], ["mon", "tue"]]
    assert [field.get("value") for field in _fields(edited)[1:3]] == ["09:30", "diffusion"]
    await harness.manager_press(await _submit(harness, edited, harness.channel, "", "RL"), "setup-start")
    assert [(row.at_time, row.topic) for row in await _stored(harness)] == [("", "RL")]


async def test_a_forum_post_has_the_tag_that_its_manager_chose(harness: ClientHarness) -> None:
    """In a form; a tag for moderators, which the bot may not set, is not offered."""
    forum = harness.guild.create_forum_channel("papers-forum")
    tags = [
        {"id": str(id_), "name": name, "moderated": name == "Staff", "emoji_id": None, "emoji_name": None}
        for id_, name in enumerate(("Staff", "News", "Papers"), 4)
    ]
    harness.env.backend.edit_channel(forum.id, {"available_tags": tags})
    await harness.env.settle()
    summary = await _submit(harness, await _open_form(harness), forum)
    form = await harness.manager_press(summary, "more-settings")
    *_, tag, _ = _fields(form)
    assert [option["label"] for option in tag["options"]] == ["News", "Papers"]
    chosen = last_response(await harness.manager.submit_modal(form, {"tag": ["6"], "role": []}))
    assert harness.texts("subscription-tag", tag="Papers") in shown_text(chosen)
    started = await harness.manager_press(chosen, "setup-start")
    assert [row.tag_id for row in await _stored(harness)] == [6]
    assert harness.texts("subscription-tag", tag="Papers") in shown_text(started)
    _, part = await harness.plan_post((await _stored(harness))[0])
    assert json.loads(part.payload or "")["applied_tags"] == ["6"]
    form = await harness.manager_press(started, "more-settings")
    assert _chosen(_fields(form)[3]) == ["6"]
    for wanted, tag_id in ((["5"], 5), ([], None)):
        form = await harness.manager_press(started, "more-settings")
        await harness.manager.submit_modal(form, {"role": [], "tag": wanted, "options": False})
        assert [row.tag_id for row in await _stored(harness)] == [tag_id]


async def test_choosing_a_role_requires_permission_to_mention_it(harness: ClientHarness) -> None:
    role = harness.guild.create_role("rl-readers")
    refusal = harness.texts("needs-mention-role", role=f"<@&{role.id}>", channel=f"<#{harness.channel.id}>")
    stored = await harness.add_subscription()
    form = await harness.manager_press(await harness.manage("daily edit"), "more-settings")
    refused = await harness.manager.submit_modal(form, {"role": [role], "options": False})
    assert shown_text(last_response(refused)) == refusal
    await harness.subscriptions.edit(replace(stored, mention_role_id=role.id))
    await harness.subscriptions.pause(stored.id)
    card = await harness.manage("daily edit")
    assert shown_text(await harness.manager_press(card, "resume-post")) == refusal
    await harness.subscriptions.edit(stored)
    resumed = await harness.manager_press(card, "resume-post")
    assert harness.texts("subscription-resumed") in shown_text(resumed)


@pytest.mark.parametrize("is_paused", [False, True])
async def test_a_change_is_refused_if_the_rights_for_it_cannot_be_asked(
    harness: ClientHarness, is_paused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has an outage since the bot's start; then a role is new since its channels came."""
    role = harness.guild.create_role("rl-readers")
    stored = await harness.add_subscription()
    if is_paused:
        stored = await harness.subscriptions.edit(replace(stored, mention_role_id=role.id))
        await harness.subscriptions.pause(stored.id)
        [stored] = await _stored(harness)
    card = await harness.manage("daily edit")
    forms = [] if is_paused else [await harness.manager_press(card, "more-settings") for _ in range(2)]

    async def change(role: Any) -> str:
        if not forms:
            return shown_text(await harness.manager_press(card, "resume-post"))
        values = {"role": [role], "options": False}
        return shown_text(last_response(await harness.manager.submit_modal(forms.pop(), values)))

    guild = harness.bot.get_guild(harness.guild.id)
    with monkeypatch.context() as outage:
        outage.setattr(guild, "unavailable", True)
        outage.setattr(guild, "_channels", {})
        outage.setattr(handler_context, "asyncio", SimpleNamespace(sleep=mock.AsyncMock()))
        assert await change(role) == harness.texts("rights-unknown")
    if not is_paused:
        monkeypatch.setattr(discord.Guild, "get_role", lambda *_: None)
        assert await change(role) == harness.texts("rights-unknown")
    assert await _stored(harness) == [stored]


@pytest.mark.parametrize("is_late", [False, True])
async def test_before_the_gateway_has_sent_the_channels_nothing_is_lost_or_false(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch, is_late: bool
) -> None:
    """READY names the servers, each GUILD_CREATE after it has the channels (docs/services.md): commands come between them.

    A handler waits for them, and then says what is true; it never takes a channel for a deleted one.
    """
    stored = await harness.add_subscription(topic="language")
    card, form = await harness.manage("daily edit"), await _open_form(harness)
    guild = harness.bot.get_guild(harness.guild.id)
    acts: dict[str, Callable[[], Awaitable[Any]]] = {
        "submit": lambda: _submit(harness, form, harness.channel, "9am"),
        "edit": lambda: harness.manage("daily edit", time="10:00"),
        "press": lambda: harness.manager_press(card, "subscription-now"),
        "setup": lambda: harness.manage("daily setup", time="9am"),
    }
    shown = {}
    for name, act in acts.items():
        with monkeypatch.context() as starting:
            starting.setattr(guild, "unavailable", True)
            starting.setattr(guild, "_channels", {})

            async def pause(_: float, starting: pytest.MonkeyPatch = starting) -> None:
                if not is_late:
                    starting.undo()

            monkeypatch.setattr(handler_context, "asyncio", SimpleNamespace(sleep=pause))
            shown[name] = shown_text(await act())
    unknown = harness.texts("rights-unknown")
    if is_late:
        assert shown == dict.fromkeys(acts, unknown)
        assert await _stored(harness) == [stored]
    else:
        assert unknown not in shown.values()
        assert harness.texts("channel-not-here") not in shown.values()
        assert [row.at_time for row in await _stored(harness)] == ["10:00"]


@pytest.mark.parametrize(("command", "options"), [("daily setup", {}), ("club setup", {"day": "sat"})])
async def test_a_channel_that_the_gateway_has_not_sent_is_no_error(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch, command: str, options: dict[str, str]
) -> None:
    """discord.py looks an option's channel up before a handler runs."""
    harness.expected_errors.append(app_commands.TransformerError)
    monkeypatch.setattr(harness.bot.get_guild(harness.guild.id), "_channels", {})
    shown = await harness.manage(command, channel=harness.channel, time="9am", **options)
    assert shown_text(shown) == harness.texts("rights-unknown")


async def test_a_second_setup_can_replace_the_channels_post(harness: ClientHarness) -> None:
    old = await harness.add_subscription(top_n=3)
    setup = await harness.manager.slash(
        harness.channel, "daily setup", channel=harness.channel, style="cards", time="10:00", papers=4
    )
    exists = harness.texts("setup-exists", channel=f"<#{harness.channel.id}>", count=1)
    _, of_old = shown_text(setup.followups[-1]).split(f"**{exists}**")
    for setting in (harness.texts("subscription-papers", count=3), harness.texts("style-compact")):
        assert setting in of_old, "what the new one would change"
    replaced = await harness.manager_press(setup.followups[-1], "setup-replace")
    assert harness.texts("subscription-edited") in shown_text(replaced)
    [row] = await harness.subscriptions.list_rows(guild_id=harness.guild.id)
    assert (row.id, row.style, row.at_time, row.top_n) == (old.id, models.Style.CARDS, "10:00", 4)
    assert row.last_on == old.last_on, "what it posted stays its own"
    # Beside two posts, the button could not say which one it means.
    await harness.add_subscription(at_time="11:00")
    setup = await harness.manager.slash(harness.channel, "daily setup", channel=harness.channel, time="12:00")
    assert harness.texts("setup-replace") not in shown_text(setup.followups[-1])
