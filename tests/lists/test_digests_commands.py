"""`/digest` and `/top`: typed days and periods, the menu of days, and the buttons of a daily post."""

import json
from dataclasses import replace
from datetime import date

from bot.app.workers import Workers
from bot.features.daily import post as daily_post
from bot.features.daily.service import OnDemandPosts
from storage import accounts, models
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    last_response,
    post_daily,
    raw_components,
    send_parts,
    shown_text,
)
from tests.support.sample_archive import NewsletterPaper, add_digest


async def test_digest_shows_the_newest_day_by_default(harness: ClientHarness) -> None:
    shown = shown_text(await harness.ask("digest"))
    newest = harness.texts.format_date(date(2026, 1, 1))
    assert harness.texts("list-digest-heading", date=newest, count=6) in shown
    assert shown.index("▲\u00a081") < shown.index("▲\u00a057") < shown.index("▲\u00a012")
    # All papers of the day fit on one screen. Those without votes come last.
    assert "6 · Speech without a Score" in shown


async def test_a_day_says_how_many_of_its_papers_are_not_posted(harness: ClientHarness) -> None:
    """`/trends` and searches count them."""
    papers = [{"arxiv_id": "2601.00077", "title": "Kites"}]
    announced = {"format": "look-up", "date": "2026-01-01", "papers": papers}
    await Workers(harness.container).ingest.add_text(json.dumps(announced), location="announced.json")
    shown = shown_text(await harness.ask("digest"))
    assert "Kites" not in shown
    assert harness.texts("list-digest-rest", count=1) in shown


async def test_digest_accepts_days_in_natural_language(harness: ClientHarness) -> None:
    for typed in ("2025-12-30", "2025.12.30", "2025. 12. 30.", "30 Dec", "12/30", "last tuesday", "그저께"):
        shown = shown_text(await harness.ask("digest", date=typed))
        assert "Papers for December 30, 2025 · 1" in shown
        assert "Weather in a Small Language Model" in shown
    for typed in ("tomorrow", "내일"):
        shown = shown_text(await harness.ask("digest", date=typed))
        assert shown.startswith(harness.texts("no-list-digest-yet", date="January 2, 2026")), shown
    for typed in ("soon", "2025-02-30", "99999999999", "2025-13-01"):
        answer = await harness.ask("digest", date=typed)
        assert shown_text(answer) == harness.texts("no-date", text=typed, example="2026-01-01")


async def test_top_sorts_by_votes_within_a_period(harness: ClientHarness) -> None:
    result = await harness.ask("top")
    shown = shown_text(result)
    assert harness.texts("list-top-heading", period=harness.texts("period-week")) in shown
    assert shown.index("▲\u00a081") < shown.index("▲\u00a057") < shown.index("▲\u00a033")
    assert harness.texts("period-all") in shown_text(await harness.select(result, ["a"], custom_id="pr:lp:"))
    of_topic = shown_text(await harness.ask("top", topic="로봇", period="a"))
    assert "Maps for Robots" in of_topic
    assert "Colour from Grey" not in of_topic


async def test_an_empty_archive_is_reported(empty_harness: ClientHarness) -> None:
    commands = {"digest": {}, "top": {}, "topic": {"query": "로봇"}, "author": {"name": "ada"}}
    for command, options in commands.items():
        answer = await empty_harness.ask(command, **options)
        assert empty_harness.texts("archive-empty") in shown_text(answer)


async def test_top_accepts_periods_in_natural_language(harness: ClientHarness) -> None:
    paper = NewsletterPaper("2512.00001", "Robots of a Week", "글입니다.")
    await add_digest(harness.container.database, "2025-12-26", paper)
    for typed, shown in (("지난주", "22"), ("a month", "2025"), ("dec", "December 2025"), ("2025", "· 2025")):
        listed = await harness.ask("top", period=typed, topic="robots")
        heading, *_ = shown_text(listed).splitlines()
        assert shown in heading
        assert "since" not in heading
        assert "Robots of a Week" in shown_text(listed)
    week = await harness.select(listed, ["w"], custom_id="pr:lp")
    assert harness.texts("period-week") in shown_text(week).splitlines()[0]
    refused = shown_text(await harness.ask("top", period="someday"))
    assert refused == harness.texts("no-date", text="someday", example="2026-01-01")


async def test_a_post_numbers_its_papers_and_has_an_alert_button(harness: ClientHarness) -> None:
    message = await post_daily(harness)
    shown = shown_text(message)
    menu = next(part["options"] for part in raw_components(message) if part.get("options"))
    assert [option["label"].split(" · ")[0] for option in menu] == [str(n + 1) for n in range(len(menu))]
    assert all(f"**{number} · " in shown for number in range(1, len(menu) + 1))
    modal = await harness.reader.click(message, label=harness.texts("post-follow"))
    previewed = last_response(await harness.reader.submit_modal(modal, {"keyword": "강화 학습"}))
    assert previewed.ephemeral
    assert harness.texts("alert-made") in shown_text(await harness.press(previewed, "alert-create"))
    (alert,) = await harness.alerts.list_rows(user_id=harness.reader.id)
    assert [term.text for term in alert.terms] == ["강화 학습"]
    listed = await harness.press(message, "alert-day")
    assert listed.ephemeral
    assert "\n5 · " in shown_text(listed)


async def test_the_button_of_a_weekly_post_lists_the_weeks_papers(harness: ClientHarness) -> None:
    listed = await harness.press(await post_daily(harness, style=models.Style.WEEKLY), "post-week")
    week = harness.texts.format_period(date(2025, 12, 26), date(2026, 1, 1))
    assert shown_text(listed).startswith(f"### {harness.texts('list-top-heading', period=week)}")


@both_languages
async def test_a_button_shows_a_post_in_the_other_language(harness: ClientHarness) -> None:
    subscription = await harness.add_subscription(top_n=2)
    await harness.plan_post(subscription)
    post, _ = await harness.bot.services.get(OnDemandPosts).preview(subscription)
    parts = harness.container.renderer.render(replace(post, marker="daily:1:2026-01-01"))
    message = await send_parts(harness, harness.channel.id, *parts)
    counts = {
        models.Locale.EN: "3–4 of 6 by votes; the top 2 were already posted here",
        models.Locale.KO: "6편 중 추천순 3~4위 · 순위가 더 높은 2편은 이미 올라왔어요",
    }
    assert counts[harness.texts.locale] in shown_text(message)
    other = daily_post.OTHER_LOCALE[harness.texts.locale]
    result = await harness.press(message, f"language-{other.value}")
    shown, wording = shown_text(result), harness.container.renderer.wording_for(other)
    assert result.ephemeral
    assert wording.ui_texts("post-pick") in shown
    assert f"/{message.id})" in shown.partition("\n")[0]
    assert all(f"**{number} · " in shown for number in (1, 2))
    translated = replace(post, subscription=replace(subscription, locale=other))
    assert daily_post.header(wording, translated, "") not in shown


async def test_a_period_shows_its_newest_day_and_a_menu_of_the_others(harness: ClientHarness) -> None:
    result = await harness.ask("digest", date="12월")
    shown = shown_text(result)
    assert harness.texts("list-digest-of-period", count=2, period="December 2025") in shown
    assert harness.texts.format_date(date(2025, 12, 31)) in shown
    other = await harness.select(result, ["2025-12-30"], custom_id="pr:ld:")
    assert "Weather in a Small Language Model" in shown_text(other)
    assert harness.texts("choose-day") in shown_text(other)


async def test_yesterday_refers_to_the_readers_time_zone(harness: ClientHarness) -> None:
    database = harness.bot.services.database
    await database.write(accounts.upsert_reader, harness.user.id, timezone="America/Los_Angeles")
    assert "December 30, 2025" in shown_text(await harness.ask("digest", date="yesterday"))
    for period, shown in (("yesterday", "December 30, 2025"), ("this month", "December 2025")):
        assert shown in shown_text(await harness.ask("topic", query="language models", period=period))
    listed = shown_text(await harness.ask("author", name="ada lovelace until:today"))
    assert "A Sixth Paper" not in listed, "a paper of January 1"
    choices = await harness.reader.autocomplete(harness.channel, "digest", "date", "yesterday")
    assert {"name": "Yesterday · 1 paper", "value": "2025-12-30"}.items() <= choices[0].items()


async def test_a_day_without_a_digest_offers_the_nearest_days(harness: ClientHarness) -> None:
    def button(on: str) -> str:
        return harness.texts("nearest-digest", date=harness.texts.format_date(date.fromisoformat(on)))

    nearest_of = {"2031-01-01": "2026-01-01", "9999-12-31": "2026-01-01", "2020-02-29": "2025-12-30"}
    for typed, nearest in nearest_of.items():
        response = await harness.ask("digest", date=typed)
        assert harness.texts.format_date(date.fromisoformat(typed)) in shown_text(response)
        opened = await harness.click(response, label=button(nearest))
        assert harness.texts.format_date(date.fromisoformat(nearest)) in shown_text(opened)
    fog = NewsletterPaper("2412.00009", "Fog", "Fog.")
    await add_digest(harness.container.database, "2025-12-20", fog)
    between = shown_text(await harness.ask("digest", date="12/24"))
    assert between.index(button("2025-12-20")) < between.index(button("2025-12-30"))


async def test_an_empty_top_list_suggests_the_period_of_all_time(harness: ClientHarness) -> None:
    shown = shown_text(await harness.ask("top", topic="qwertyuiop"))
    period = harness.texts("period-week")
    assert harness.texts("no-list-top-topic", topic="qwertyuiop", period=period) in shown
    assert harness.texts("period-all") not in shown
    await harness.env.advance_time(40 * 86_400)
    empty_week = await harness.ask("top", topic="로봇")
    assert harness.texts("no-list-top-topic", topic="로봇", period=period) in shown_text(empty_week)
    label = f"{harness.texts('period-all')} · {harness.texts('choice-papers', count=1)}"
    assert "Maps for Robots" in shown_text(await harness.click(empty_week, label=label))
