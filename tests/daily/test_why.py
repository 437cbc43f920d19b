"""The explanations of `/why` before and after a post."""

from typing import Any

import pytest

from bot.features.daily.why import Cause
from bot.i18n import texts as i18n_texts
from storage import models
from storage.models import Reason, SourceKind
from tests.support.world import AWAY, DAY, FORBIDDEN, MONDAY, World, moment


async def post(world: World, text: str, **options: Any) -> models.Subscription:
    """Add a daily post and send Monday's."""
    row = await world.daily(**options)
    await world.list("Mon", text)
    await world.at("Mon 09:00")
    return row


async def causes(world: World, name: str) -> list[Cause]:
    return [found.cause for found in (await world.why(name)).explanations]


async def test_why_names_the_date_and_message_of_a_posted_paper(world: World) -> None:
    world.discord.answer = AWAY
    await post(world, "A▲9")
    assert await causes(world, "A") == [Cause.WAITING]
    world.discord.answer = None
    await world.wait(minutes=1)
    await world.list("Tue", "A▲90 B▲1")
    await world.at("Tue 09:00")
    found = await world.explain("A")
    assert (found.cause, found.digest_on, found.at) == (Cause.POSTED, MONDAY, moment("Mon 09:01"))
    assert found.part is not None
    assert found.part.message_id is not None


async def test_why_explains_a_skipped_paper_by_its_current_votes_or_rank(world: World) -> None:
    await post(world, "A▲50 B▲40 C▲30 D▲20 E▲3 F", min_votes=10)
    few = await world.explain("E")
    assert (few.cause, few.votes) == (Cause.TOO_FEW_VOTES, 3)
    assert await causes(world, "F") == [Cause.VOTES_UNKNOWN]
    await world.list("Mon", "A▲50 B▲40 C▲30 D▲99 E▲3 H▲60", at="Mon 11:00")
    for name, cause, rank, at in (
        ("C", Cause.BELOW_TOP, 4, None),  # of what was listed then
        ("D", Cause.NOT_CHOSEN_THEN, 1, None),
        ("H", Cause.UPCOMING, 1, moment("Tue 09:00")),  # added after the post, before the day closed
    ):
        found = await world.explain(name)
        assert (found.cause, found.rank, found.digest_on, found.at) == (cause, rank, MONDAY, at)


async def test_papers_of_the_upcoming_post_are_explained(world: World) -> None:
    await world.daily(min_votes=5)
    await world.list("Mon", "A▲9 B▲8 C▲7 D▲1", at="Mon 08:00")
    at = moment("Mon 09:00")
    coming, behind = await world.explain("B"), await world.explain("C")
    assert (coming.cause, coming.rank, coming.candidate_count, coming.at) == (Cause.UPCOMING, 2, 3, at)
    assert (behind.cause, behind.rank, behind.at) == (Cause.BELOW_TOP, 3, at)
    assert await causes(world, "D") == [Cause.TOO_FEW_VOTES]


async def test_a_late_paper_of_the_upcoming_post_has_no_number(world: World) -> None:
    await post(world, "A▲9")
    await world.list("Tue", "B▲5", at="Tue 14:00")
    await world.list("Mon", "A▲9 L▲50", at="Tue 14:00")
    found = await world.explain("L")
    assert (found.cause, found.digest_on) == (Cause.UPCOMING, MONDAY)
    values: dict[str, Any] = {"rank": found.rank, "total": found.candidate_count, "date": "DAY", "at": "THEN"}
    for locale in models.Locale:
        text = i18n_texts.for_locale(locale)("why-coming", **values)
        assert "DAY" in text
        assert not any(map(str.isdigit, text))


async def test_why_reports_papers_from_before_the_first_post_as_too_early(world: World) -> None:
    await world.list("Sun-1", "A▲99")
    await world.list("Mon", "B▲5")
    await world.at("Mon 07:00")
    await world.daily()
    for when in ("Mon 08:00", "Mon 09:00"):
        await world.at(when)
        found = await world.explain("A")
        assert (found.cause, found.digest_on) == (Cause.TOO_EARLY, MONDAY - DAY)


async def test_a_paper_below_the_top_of_a_day_that_the_first_post_brought_later_is_explained_by_its_rank(
    world: World,
) -> None:
    await world.list("Mon", "A▲9 B▲8 C▲7")
    await world.at("Tue 07:00")
    await world.daily()
    await world.at("Tue 09:00")
    assert await causes(world, "A") == [Cause.POSTED]
    found = await world.explain("C")
    assert (found.cause, found.rank, found.digest_on) == (Cause.BELOW_TOP, 3, MONDAY)


async def test_a_day_without_a_post_here_is_not_called_one_that_passed_the_paper_by(world: World) -> None:
    await world.list("Sun-1", "A▲99", at="Sun-1 08:00")
    await world.at("Sun-1 10:00")
    await post(world, "B▲5")
    found = await world.explain("A")
    assert (found.cause, found.digest_on) == (Cause.TOO_EARLY, MONDAY - DAY)


async def test_a_paper_that_its_day_s_first_post_passed_by_is_ranked_though_listed_the_day_before(
    world: World,
) -> None:
    await world.list("Sun-1", "C▲1", at="Sun-1 08:00")
    await world.at("Sun-1 10:00")
    await post(world, "A▲9 B▲5 C▲1")
    assert (await world.explain("C")).cause is Cause.BELOW_TOP


async def test_why_reports_when_a_weekly_post_skips_or_includes_a_paper(world: World) -> None:
    await world.daily(style=models.Style.WEEKLY, days=(1,), papers=1)
    await world.list("Thu-1", "A▲9 B▲40")
    behind = await world.explain("A")
    assert (behind.cause, behind.rank, behind.at) == (Cause.BELOW_TOP, 2, moment("Mon 09:00"))
    await world.at("Mon 09:00")
    assert await causes(world, "B") == [Cause.POSTED]
    await world.list("Thu", "I▲9", at="Tue 09:00")
    coming = await world.explain("I")
    assert (coming.cause, coming.at) == (Cause.UPCOMING, moment("Mon+1 09:00"))


@pytest.mark.promise
@pytest.mark.parametrize("style", [models.Style.WEEKLY, models.Style.COMPACT])
async def test_what_a_list_gains_after_a_posts_hour_on_its_own_day_comes_with_the_next(
    world: World, style: models.Style
) -> None:
    await world.daily(style=style, days=(1,), papers=3)
    await world.list("Mon", "A▲9", at="Mon 08:00")
    await world.at("Mon 09:00")
    await world.list("Mon", "A▲9 B▲8", at="Mon 11:00")
    await world.written("Fri-1", "D▲7", at="Mon 12:00")
    for name in "BD":
        coming = await world.explain(name)
        assert (coming.cause, coming.at) == (Cause.UPCOMING, moment("Mon+1 09:00"))
    await world.list("Fri", "C▲6", at="Fri 11:00")
    await world.at("Mon+1 09:00")
    assert world.sent == ["A", "B C D"]


@pytest.mark.parametrize("style", [models.Style.WEEKLY, models.Style.COMPACT])
async def test_a_paper_below_the_top_of_a_weeks_post_is_ranked_among_the_weeks_papers(
    world: World, style: models.Style
) -> None:
    await world.daily(style=style, days=(1,), papers=2)
    await world.list("Wed-1", "A▲9 B▲8")
    await world.list("Fri-1", "C▲7 D▲6")
    await world.at("Mon 09:00")
    await world.list("Mon", "E▲99", at="Mon 11:00")
    found = await world.explain("C")
    assert (found.cause, found.rank, found.candidate_count) == (Cause.BELOW_TOP, 3, 4)


async def test_off_topic_papers_and_other_sources_are_explained(world: World) -> None:
    await world.source("https://example.org/feed", SourceKind.FEED)
    await world.daily(source="https://example.org/feed")
    await world.daily(topic="moss", papers=1)
    await world.list("Mon", 'A▲9 "Rivers" B▲5 "How moss grows" C▲4 "Of moss"')
    assert await causes(world, "A") == [Cause.OTHER_SOURCE, Cause.OFF_TOPIC]
    assert await causes(world, "B") == [Cause.OTHER_SOURCE, Cause.UPCOMING]
    await world.at("Mon 09:00")
    assert await causes(world, "A") == [Cause.OTHER_SOURCE, Cause.OFF_TOPIC]
    assert await causes(world, "C") == [Cause.OTHER_SOURCE, Cause.BELOW_TOP]


async def test_a_paper_of_another_post_in_the_channel_is_explained_by_topic_first(world: World) -> None:
    await world.daily(topic="moss", at="18:00 Seoul")
    await post(world, 'A▲9 "Rivers" B▲5 "How moss grows"')
    assert await causes(world, "A") == [Cause.OFF_TOPIC, Cause.POSTED]
    assert await causes(world, "B") == [Cause.POSTED_BY_ANOTHER, Cause.POSTED]


async def test_refused_expired_and_paused_posts_are_explained(world: World) -> None:
    world.discord.answer = FORBIDDEN
    row = await post(world, "A▲9")
    refused = await world.explain("A")
    assert (refused.cause, refused.reason) == (Cause.WAITING, Reason.NO_SEND)
    await world.relay.expire(moment("Tue 10:00"))
    assert await causes(world, "A") == [Cause.UPCOMING]
    await world.force(row, state=models.ActivityState.PAUSED, reason=Reason.NO_SEND)
    stopped = await world.explain("A")
    assert (stopped.cause, stopped.subscription.reason) == (Cause.STOPPED, Reason.NO_SEND)


@pytest.mark.parametrize("locale", models.Locale)
def test_every_cause_has_a_text(locale: models.Locale) -> None:
    values: dict[str, Any] = dict.fromkeys(("rank", "total", "votes", "least", "top"), 3)
    values |= {"date": "2026-01-01", "at": "", "topic": "diffusion", "source": "none", "by": "arxiv"}
    for cause in Cause:
        assert i18n_texts.for_locale(locale)(f"why-{cause.value}", **values)
