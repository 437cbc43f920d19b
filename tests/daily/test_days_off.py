"""Days without posts: a post that falls on one comes on the next day that is not, with all that came meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app.client import DiscordRenderer
from bot.client import translations
from bot.core import day_close
from bot.daily import messages
from bot.daily import planner as daily_planner
from bot.daily.service import Subscriptions
from bot.daily.why import Cause
from bot.outbox import contents
from storage.errors import UsageError
from storage.models import Locale, Style
from tests.support import rendered_posts
from tests.support.planner_harness import DAY, HOUR, MONDAY, SEOUL_9AM, PlannerHarness

TEXTS = translations.Translations()


def rest_on(planning: PlannerHarness, *days: int) -> day_close.DaysOff:
    """Give the planner days off, by their number from MONDAY on."""
    off = day_close.DaysOff([{MONDAY + number * DAY for number in days}])
    planning.planner = daily_planner.DailyPlanner(
        planning.database, planning.deliveries, planning.search.match_papers, off=off
    )
    return off


async def store_days(planning: PlannerHarness, count: int) -> None:
    """Store a paper 2601.0000N for each day from MONDAY on, before nine o'clock in Seoul."""
    for number in range(count):
        at = SEOUL_9AM + number * DAY - HOUR
        await planning.store(MONDAY + number * DAY, (f"2601.0000{number + 1}", 9), at=at)


@pytest.mark.parametrize(
    ("options", "off", "days", "posted"),
    [
        ({}, (), 2, {0: "2601.00001", 1: "2601.00002"}),
        ({}, (0,), 2, {1: "2601.00002 2601.00001"}),
        # Longer than digests are fresh: days off make none older.
        (
            {},
            (1, 2, 3, 4, 5),
            7,
            {0: "2601.00001", 6: "2601.00007 2601.00006 2601.00005 2601.00004 2601.00003 2601.00002"},
        ),
        ({"days": (1,)}, (0,), 2, {1: "2601.00002 2601.00001"}),
        ({"days": (1,)}, (0, 1, 2), 4, {3: "2601.00004 2601.00003 2601.00002 2601.00001"}),
        # The week is still that of its Monday.
        (
            {"style": Style.WEEKLY, "days": (1,)},
            (0, 1),
            8,
            {2: "2601.00001", 7: " ".join(f"2601.0000{number}" for number in range(8, 1, -1))},
        ),
    ],
)
async def test_a_post_is_put_off_to_the_next_day_with_posts_and_loses_nothing(
    planning: PlannerHarness, options: dict[str, Any], off: tuple[int, ...], days: int, posted: dict[int, str]
) -> None:
    rest_on(planning, *off)
    subscription_id = await planning.subscribe(top_n=9, **options)
    # Not the first post, which shows the newest day alone.
    await planning.change(subscription_id, last_digest_on=MONDAY - DAY)
    await store_days(planning, days)
    seen: dict[int, str] = {}
    for number in range(days):
        if await planning.tick(SEOUL_9AM + number * DAY):
            seen[number] = (await planning.list_contents())[-1]
    assert seen == posted
    assert not any(payload["missed"] for payload in await planning.list_payloads())


@pytest.mark.parametrize("is_edited", [False, True])
async def test_a_post_that_was_put_off_waits_for_its_time_after_a_restart_or_an_edit(
    planning: PlannerHarness, is_edited: bool
) -> None:
    rest_on(planning, 0)
    subscription_id = await planning.subscribe(top_n=9)
    await planning.change(subscription_id, last_digest_on=MONDAY - DAY)
    await store_days(planning, 1)
    await planning.tick(SEOUL_9AM)
    restart = SEOUL_9AM + DAY - HOUR
    if is_edited:
        wanted = replace(await planning.get_subscription(subscription_id), min_votes=1)
        await Subscriptions(planning.database, lambda: restart).edit(wanted)
    else:
        await planning.planner.reschedule(restart)
    assert await planning.tick(restart) == 0
    subscription = await planning.get_subscription(subscription_id)
    assert (subscription.next_due_at, subscription.due_on) == (SEOUL_9AM + DAY, MONDAY)
    assert [await planning.tick(SEOUL_9AM + DAY), await planning.tick(SEOUL_9AM + DAY)] == [1, 0]


async def test_the_details_and_why_tell_of_the_day_off(planning: PlannerHarness) -> None:
    off = rest_on(planning, 0)
    subscription_id = await planning.subscribe()
    await store_days(planning, 1)
    now = SEOUL_9AM + HOUR
    for _ in range(2):  # before the tick that puts it off, and after
        [explained] = (await planning.explain("2601.00001", now, off=off)).explanations
        assert (explained.cause, explained.at) == (Cause.UPCOMING, SEOUL_9AM + DAY)
        await planning.tick(SEOUL_9AM)
    subscription = await planning.get_subscription(subscription_id)
    assert subscription.next_due_at == SEOUL_9AM + DAY
    answer = await planning.explain("2601.00001", now, off=off)
    paper = await planning.search.find_paper("2601.00001")
    assert paper is not None
    for locale in Locale:
        texts = TEXTS.for_locale(locale)
        day = texts.format_date(MONDAY)
        assert day in messages.next_post_text(texts, subscription)
        view = messages.why_view(texts, paper, answer, guild_id=10, mention="/{}".format)
        shown = json.dumps(view.to_components(), ensure_ascii=False)  # type: ignore[no-untyped-call]
        assert texts("why-put-off", day=day) in shown


def test_public_holidays_of_korea_and_the_dates_of_a_file_are_off(tmp_path: Path) -> None:
    pytest.importorskip("holidays", reason="holidays is in the dev extra")
    file = tmp_path / "lab.txt"
    file.write_text("# the lab's\n2026-12-28..2026-12-31 winter break\n2026-06-03\n", encoding="utf-8")
    off = day_close.load_days_off(["KR", str(file)])
    for day in ("2026-02-17", "2026-09-25", "2026-10-05", "2026-12-28", "2026-12-31", "2026-06-03"):
        assert date.fromisoformat(day) in off, day  # 설날, 추석, a substitute of 개천절, and the file's
    assert date(2026, 11, 23) not in off
    assert off.next_open(date(2026, 12, 25)) == date(2026, 12, 26)
    assert off.go_back(date(2027, 1, 1), 1) == date(2026, 12, 27)


def test_without_an_end_of_days_off_a_day_counts_as_one_with_posts() -> None:
    class Always:
        def __contains__(self, day: object) -> bool:
            return True

    off = day_close.DaysOff([Always()])
    assert off.next_open(MONDAY) - MONDAY == timedelta(days=day_close.MAX_DAYS_IN_A_ROW)
    assert MONDAY - off.go_back(MONDAY, 2) > timedelta(days=day_close.MAX_DAYS_IN_A_ROW)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("2026-01-01\nsometime", "line 2: 'sometime'"),
        ("2026-02-30", "line 1: '2026-02-30'"),
        ("2026-12-31..2026-12-01", "a range must not end before"),
        ("2026-01-01..9999-01-01", "longer than a year"),
        ("2026-01-01..", "line 1"),
        ("x" * 100_000, "line 1"),
        (
            "# the lab's\n" + "2026-01-01..2026-12-31\n" * 40_000,
            "line 56: '2026-01-01..2026-12-31': this line takes the file over",
        ),
    ],
)
def test_a_wrong_line_is_named(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match=r"PAPERROUND_DAYS_OFF: lab\.txt") as caught:
        day_close.read_dates(text, "lab.txt")
    assert hint in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("item", "hint"),
    [
        ("ZZ", "ZZ are not known"),
        ("KR-XX", "KR-XX are not known"),
        ("/no/such/file", "nor a readable file"),
        ("/dev/null", "not a regular file"),
    ],
)
def test_an_unusable_item_is_named(item: str, hint: str) -> None:
    pytest.importorskip("holidays", reason="holidays is in the dev extra")
    with pytest.raises(UsageError, match=hint):
        day_close.load_days_off([item])


def test_silent_messages_raise_no_notification_in_each_style() -> None:
    renderer: DiscordRenderer = rendered_posts.new_renderer()
    for style in Style:
        for silent in (False, True):
            post = rendered_posts.daily((rendered_posts.paper(),), style=style, silent=silent)
            for part in renderer.render_daily(post):
                if part.kind not in contents.MARKED_KINDS:
                    continue
                for body in (part.payload, part.fallback):
                    if body:
                        flags = body.get("message", body).get("flags", 0)
                        assert bool(flags & (1 << 12)) == silent, (style, part.kind)
