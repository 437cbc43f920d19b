"""The largest case of each view whose size follows from what is stored: it fits, and what has no room is counted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from discord import ui
from simcord.components import walk_components

from bot.client import message_builder
from bot.core import day_close, schedule
from bot.features.alerts import messages as alerts_messages
from bot.features.alerts import service as alerts_service
from bot.features.club import messages as club_messages
from bot.features.club import service as club_service
from bot.features.daily import messages as daily_messages
from bot.features.operations import messages as operations_messages
from bot.features.operations.service import LastPost, StatusReport
from bot.i18n import texts
from storage import club as stored_club
from storage import models, zotero
from tests.support import alert_builders, outbox_builders, payload_checks, rendered_posts

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
ID = 10**18
"""An id as long as Discord's are."""
LONG = "_*가나" * 250
"""A reason of 1,000 characters, as a service may give it."""
WORDS = "*강화* 학습_" * 11
languages = pytest.mark.parametrize("locale", list(models.Locale))


def _calendar() -> schedule.Calendar:
    return schedule.Calendar(NOW, day_close.DayClose(time(12), ZoneInfo("UTC"), timedelta()))


def _posts(reason: str, count: int = 100) -> list[models.Subscription]:
    return [
        models.Subscription(
            id=number,
            guild_id=ID,
            channel_id=ID + number,
            at_time="21:30",
            timezone="America/Argentina/Buenos_Aires",
            days=(1, 2, 3, 4, 6, 7),
            topic=WORDS,
            source=f"https://digests.example/{'long-path/' * 20}",
            style=models.Style.WEEKLY,
            state=models.ActivityState.PAUSED,
            reason=reason,
            last_on=date(2026, 1, 4),
            created_at=datetime(2025, 1, 1, tzinfo=UTC),
        )
        for number in range(1, count + 1)
    ]


def _delivery(number: int, reason: str, subscription_id: int | None = None) -> models.Delivery:
    return models.Delivery(
        id=number,
        key=str(number),
        kind=models.DeliveryKind.CLUB,
        subscription_id=subscription_id,
        guild_id=ID,
        channel_id=ID + number,
        locale=models.Locale.EN,
        local_on=date(2026, 1, 1),
        state=models.DeliveryState.STOPPED,
        reason=reason,
        planned_at=NOW,
        due_at=NOW,
        expires_at=NOW,
    )


def _source(number: int, reason: str) -> models.StoredSource:
    return models.StoredSource(
        id=number,
        url=f"https://digests.example/{number}/{'long-path/' * 20}",
        kind=models.SourceKind.FEED,
        priority=0,
        options={},
        added_at=NOW,
        failures=1_000_000,
        status=models.FetchStatus.FAILED,
        reason=reason,
    )


def _alert(number: int) -> models.Alert:
    draft = alert_builders.draft(*(f"{WORDS}{term}"[-100:] for term in range(20)), user_id=ID)
    draft = replace(draft, id=number, excluded=(WORDS,) * 20, right_lost_at=NOW)
    return replace(draft, channel_id=ID + number, guild_id=ID)


@languages
def test_of_a_list_whose_first_text_alone_has_room_the_others_are_counted(locale: models.Locale) -> None:
    language = texts.for_locale(locale)
    for count in (1, 2, 7):
        builder = message_builder.MessageBuilder()
        builder.add_list(["가" * 5000] * count, lambda left: message_builder.tell_left(language, left))
        _, _, left = _shown(builder.view).partition("\n")
        assert left == (language("and-more", count=count - 1) if count > 1 else "")


def _report(reason: str, posts: int) -> StatusReport:
    rows = _posts(reason, posts)
    problems = [_delivery(number, reason, number if number < 3 else None) for number in range(1, 6)]
    return StatusReport(
        listed_on=[date(2025, 12, 1)],
        last_ingested_at=NOW,
        subscriptions=tuple((row, LastPost(_delivery(row.id, reason), None)) for row in rows),
        last_days={},
        calendar=_calendar(),
        ready=(),
        problem_deliveries=tuple(problems),
        refused_papers={row.id: ("2601.00001",) * 25 for row in problems},
        plain={},
        alert_count=25,
        paused_alerts=25,
        lost_alerts=[_alert(number) for number in range(25)],
        today_reason=models.Reason.DMS_CLOSED,
        zotero=zotero.Trouble(None, [("2601.00001", LONG)] * 25),
        sources=[_source(number, LONG) for number in range(20)],
        is_discord_well=False,
    )


def _shown(view: ui.LayoutView) -> str:
    payload = message_builder.layout_payload(view)
    payload_checks.check_message(payload)
    return "\n".join(part["content"] for part in walk_components(payload["components"]) if "content" in part)


@languages
@pytest.mark.parametrize(("reason", "posts"), [(LONG, 100), ("no-history", 10)])
def test_status_where_everything_is_wrong(locale: models.Locale, reason: str, posts: int) -> None:
    language = texts.for_locale(locale)
    view = operations_messages.status_view(
        language, _report(reason, posts), guild_id=ID, can_manage=True, names={ID + 1: "가" * 100}
    )
    shown = _shown(view)
    assert (
        language("alert-manage") in shown
    )  # lost alerts beyond three are counted, with the button that shows them
    left = [
        number
        for number in range(posts + 1)
        if language("left-out", count=number, button=language("subscription-all")) in shown
    ]
    assert left
    assert f"<#{ID + 1}>" in shown


@languages
@pytest.mark.parametrize("reason", [LONG, "webhook-gone"])
def test_the_list_of_daily_posts(locale: models.Locale, reason: str) -> None:
    language, rows = texts.for_locale(locale), _posts(reason)
    shown = _shown(daily_messages.list_view(language, rows, _calendar(), "`/daily setup`", {}, 0))
    assert any(language("and-more", count=count) in shown for count in range(15, 25))


@languages
def test_the_preview_of_a_daily_post_in_a_channel_that_has_a_hundred(locale: models.Locale) -> None:
    language, rows = texts.for_locale(locale), [replace(row, channel_id=ID) for row in _posts(LONG)]
    permissions = dict.fromkeys(
        ("view_channel", "send_messages", "embed_links", "read_message_history"), False
    )
    view = daily_messages.setup_view(
        language, rows[0], "token", permissions, _calendar(), lambda name: f"</{name}:{ID}>", rows, ()
    )
    assert any(language("and-more", count=count) in _shown(view) for count in range(90, 100))


def _paper(number: int) -> models.PaperRow:
    about: dict[str, Any] = {"title": "[가]" * 400, "votes": 99_999, "authors": (), "thumbnail": None}
    paper = rendered_posts.bare_paper(f"2601.{number:05}", date(2026, 1, 1), **about)
    return rendered_posts.saved(paper, id=number)


def _preview(language: texts.Texts, alerts: list[models.Alert]) -> ui.LayoutView:
    latest = [_paper(number) for number in range(3)]
    preview = alerts_service.AlertPreview(10_000, latest, tuple((WORDS,) * 20), alerts[1], 10_000)
    return alerts_messages.preview_view(language, alerts[1], preview, "key", "wider")


ALERTS: dict[str, Callable[[texts.Texts, list[models.Alert]], ui.LayoutView]] = {
    "own": lambda language, own: alerts_messages.list_view(language, own, "`/alerts add`", {}, (ID, 100)),
    "of a channel": lambda language, own: alerts_messages.channel_view(language, own * 4, ID, 1, {}),
    "one": lambda language, own: alerts_messages.alert_view(language, own[0], "made", is_own=False),
    "a preview": _preview,
}


@languages
@pytest.mark.parametrize("name", ALERTS)
def test_alerts(locale: models.Locale, name: str) -> None:
    assert _shown(ALERTS[name](texts.for_locale(locale), [_alert(number) for number in range(25)]))


@languages
def test_sources(locale: models.Locale) -> None:
    language, rows = texts.for_locale(locale), [_source(number, LONG) for number in range(100)]
    extent = models.ArchiveExtent(10**6, date(2020, 1, 1), date(2026, 1, 1))
    stored = [f"https://{number}.example/feed" for number in range(200)]
    shown = _shown(operations_messages.sources_view(language, rows, 3, stored=stored, extent=extent, now=NOW))
    assert language("sources-heading", count=100) in shown


@languages
def test_a_clubs_meetings(locale: models.Locale) -> None:
    place = {"channel_id": ID + 1, "timezone": "America/Argentina/Buenos_Aires"}
    club = outbox_builders.new_club(ID, NOW, locale=locale, **place)
    past = [
        stored_club.PastMeeting(date(2026, 1, 1), paper.key, paper.title, paper.url, ID + paper.id, 10**6)
        for paper in map(_paper, range(club_service.MAX_PAST))
    ]
    candidates = [_paper(number) for number in range(club_service.MAX_CANDIDATES)]
    overview = club_service.Overview(club, club_service.Meeting(date(2026, 1, 9), NOW, NOW), candidates, past)  # type: ignore[arg-type]
    view = club_messages.club_view(
        texts.for_locale(locale),
        overview,
        "`/club now`",
        "`/status`",
        "x" * 200,
        can_manage=True,
        is_visible=True,
    )
    assert "arxiv.org/abs/2601.00000" in _shown(view)
