"""The papers of the day by DM: at the reader's hour across clock changes, once, and not to closed DMs."""

from __future__ import annotations

import asyncio
import pkgutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from bot.alerts import matcher
from bot.app.container import Container, delivery_kinds
from bot.archive import listing, summaries
from bot.client import translations
from bot.core.settings import Settings
from bot.outbox.outcomes import Classification, Disposition, suspend_destination
from bot.today import profiles, service
from bot.today.service import TodayPlanner
from storage import accounts, models, outbox, today
from storage.database import Connection, Database
from tests.support import alert_builders, killed_process, outbox_builders, patience, sample_archive
from tests.support.sample_archive import NewsletterPaper

pytestmark = pytest.mark.engines("sqlite", "postgresql")


READER = 7
START = datetime(2025, 3, 8, 12, tzinfo=UTC)


class _Planned:
    """A planner with a clock, and a reader in New York who wants the papers at 02:30."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now = START
        self.container = Container(Settings(), db, lambda: self.now)
        self.container.texts = translations.Translations()
        self.services = self.container.create_services()
        self.planner: TodayPlanner = self.container.create_today_planner(self.services)

    async def subscribe(self, at_time: str = "02:30") -> None:
        async with self.db.transaction() as connection:
            await accounts.upsert_reader(
                connection, READER, now=self.now, timezone="America/New_York", locale=models.Locale.KO
            )
        await self.services.today.send_daily(READER, at_time, "UTC")

    async def add_day(self, on: str, number: int) -> None:
        ids = [f"2503.{number:02}{paper:03}" for paper in range(1, 8)]
        await sample_archive.add_digest(
            self.db, on, *(NewsletterPaper(arxiv_id, f"Paper {arxiv_id}", "A study.") for arxiv_id in ids)
        )

    async def add_lookup(self, on: date, items: Sequence[dict[str, Any]]) -> None:
        """Store new papers for look-up, as those of an arXiv category."""
        digest = listing.build(on, items, form=models.DigestFormat.LOOKUP)
        ingest = self.container.create_ingest()
        await ingest.add_digests([digest], source="arxiv:cs.CL", location=f"arxiv:cs.CL/{on}")

    async def run_until(self, until: datetime) -> list[datetime]:
        """Tick every half hour; return when deliveries were planned."""
        planned = []
        while self.now < until:
            if await self.planner.tick(self.now):
                planned.append(self.now)
            self.now += timedelta(minutes=30)
        return planned

    async def list_deliveries(self) -> list[models.Delivery]:
        async with self.db.read() as connection:
            return await outbox.list_rows(connection, kind=models.DeliveryKind.TODAY)


@pytest.mark.parametrize(
    "failing", ["bot.today.profiles.Profiles.learn", "bot.today.service.TodayService._build"]
)
async def test_a_reader_for_whom_it_fails_holds_up_no_other(
    db: Database, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    planned = _Planned(db)
    for user_id in (READER, READER + 1, READER + 2):
        await planned.services.today.send_daily(user_id, "15:00", "UTC")
    await planned.add_day("2025-03-08", 1)
    method = pkgutil.resolve_name(failing)

    async def fail_for_one(*arguments: Any, **options: Any) -> Any:
        if any(getattr(argument, "user_id", 0) == READER + 1 for argument in arguments):
            raise ValueError("a paper that cannot be ranked")
        return await method(*arguments, **options)

    monkeypatch.setattr(failing, fail_for_one)
    await planned.run_until(START + timedelta(hours=4))
    assert {row.user_id for row in await planned.list_deliveries()} == {READER, READER + 2}


async def test_each_day_is_sent_once_at_the_local_hour_across_both_clock_changes(db: Database) -> None:
    planned = _Planned(db)
    await planned.subscribe()
    for number, on in enumerate(["2025-03-07", "2025-03-08", "2025-03-09", "2025-03-10"], start=1):
        await planned.add_day(on, number)
        await planned.run_until(datetime.fromisoformat(f"{on}T12:00Z") + timedelta(days=2))
    deliveries = await planned.list_deliveries()
    # On March 9 the clock jumps from 02:00 to 03:00 in New York, and 02:30 is the first minute after that.
    assert [(row.local_on, row.planned_at.hour, row.planned_at.minute) for row in reversed(deliveries)] == [
        (date(2025, 3, 9), 7, 0),
        (date(2025, 3, 10), 6, 30),
        (date(2025, 3, 11), 6, 30),
        (date(2025, 3, 12), 6, 30),
    ]
    assert {row.digest_on for row in deliveries} == {date(2025, 3, day) for day in (7, 8, 9, 10)}
    assert all(row.locale is models.Locale.KO and len(row.post.papers) == 5 for row in deliveries)


async def test_a_reader_who_moves_west_misses_no_day_and_gets_none_twice(sqlite_db: Database) -> None:
    """The morning of March 9 comes twice: in Seoul, and 14 hours later in New York, with a new digest meanwhile."""
    planned = _Planned(sqlite_db)
    await planned.subscribe("09:00")
    async with sqlite_db.transaction() as connection:
        await accounts.upsert_reader(connection, READER, now=planned.now, timezone="Asia/Seoul")
    await planned.services.today.send_daily(READER, "09:00", "UTC")
    async with sqlite_db.transaction() as connection:
        await accounts.upsert_reader(connection, READER, now=planned.now, timezone="America/New_York")
    arrived: list[datetime] = []
    for number, (on, until) in enumerate((("2025-03-08", 9), ("2025-03-09", 12)), start=1):
        await planned.add_day(on, number)
        arrived += await planned.run_until(datetime(2025, 3, until, 2, tzinfo=UTC))
    assert arrived == [datetime(2025, 3, 9, 0, tzinfo=UTC), datetime(2025, 3, 9, 13, tzinfo=UTC)]
    deliveries = list(reversed(await planned.list_deliveries()))
    assert [row.digest_on for row in deliveries] == [date(2025, 3, 8), date(2025, 3, 9)]
    assert [row.local_on for row in deliveries] == [date(2025, 3, 9)] * 2


async def test_a_zone_that_changes_moves_the_hour_and_plans_no_second_message(sqlite_db: Database) -> None:
    planned = _Planned(sqlite_db)
    await planned.subscribe("09:00")
    await planned.add_day("2025-03-07", 1)
    assert len(await planned.run_until(START + timedelta(days=1))) == 1
    async with sqlite_db.transaction() as connection:
        await accounts.upsert_reader(connection, READER, now=planned.now, timezone="Asia/Seoul")
    assert await planned.run_until(planned.now + timedelta(days=2)) == []
    await planned.add_day("2025-03-10", 2)
    (moment,) = await planned.run_until(planned.now + timedelta(days=1))
    assert moment.hour == 0  # 09:00 in Seoul


async def test_planning_again_after_a_crash_before_the_schedule_was_stored_adds_nothing(
    sqlite_db: Database,
) -> None:
    planned = _Planned(sqlite_db)
    await planned.subscribe("09:00")
    await planned.add_day("2025-03-07", 1)
    async with sqlite_db.read() as connection:
        before = await today.get(connection, READER)
    assert before is not None
    assert before.next_due_at is not None
    assert await planned.planner.tick(before.next_due_at) == 1
    async with sqlite_db.transaction() as connection:
        await today.change(connection, READER, last_digest_on=None)
    assert await planned.planner.tick(before.next_due_at) == 0
    assert len(await planned.list_deliveries()) == 1


@pytest.mark.parametrize("is_forgotten", [False, True])
async def test_a_reader_who_stops_it_while_picked_topics_are_stored_gets_no_more(
    sqlite_db: Database, is_forgotten: bool
) -> None:
    planned = _Planned(sqlite_db)
    await planned.subscribe("09:00")
    reader_profiles, presses = planned.services.profiles, ["stop"]
    find = reader_profiles.find

    async def find_while_stopping(user_id: int) -> models.Profile:
        profile = await find(user_id)
        if presses:
            presses.clear()
            await planned.services.today.stop_daily(READER)
            if is_forgotten:
                await planned.services.reader_data.forget(READER)
        return profile

    with mock.patch.object(reader_profiles, "find", find_while_stopping):
        await planned.services.today.pick_topics(READER, ["robotics"])
    await planned.add_day("2025-03-07", 1)
    assert await planned.run_until(START + timedelta(days=2)) == []
    async with sqlite_db.read() as connection:
        profile = await today.get(connection, READER)
    assert (profile and profile.topics) == (None if is_forgotten else ("robotics",))


async def test_closed_dms_suspend_it_until_the_reader_asks_again(sqlite_db: Database) -> None:
    planned = _Planned(sqlite_db)
    await planned.subscribe("09:00")
    await planned.add_day("2025-03-07", 1)
    await planned.run_until(START + timedelta(days=1))
    (delivery,) = await planned.list_deliveries()
    closed = Classification(Disposition.DESTINATION_BLOCKED, models.Reason.DMS_CLOSED)
    async with sqlite_db.transaction() as connection:
        await suspend_destination(
            connection, planned.container.deliveries, delivery_kinds(), delivery, closed, planned.now
        )
    await planned.add_day("2025-03-09", 2)
    assert await planned.run_until(START + timedelta(days=3)) == []
    async with sqlite_db.read() as connection:
        stored = await today.get(connection, READER)
    assert stored is not None
    assert stored.next_due_at is None
    assert (stored.at_time, stored.reason) == ("09:00", models.Reason.DMS_CLOSED)
    await planned.services.today.send_daily(READER, None, "UTC")
    assert len(await planned.run_until(START + timedelta(days=5))) == 1


async def test_a_digest_dated_ahead_ends_no_readers_papers_and_one_for_tomorrow_is_sent(db: Database) -> None:
    planned = _Planned(db)
    await planned.subscribe()
    days = [f"2025-03-{day:02}" for day in range(10, 14)]
    for number, on in enumerate(days, start=1):
        if number == 2:
            await sample_archive.add_digest(
                db, "2099-12-31", NewsletterPaper("2503.99999", "Ahead", "A study.")
            )
        if number == 3:  # a reader whom such a digest has reached already
            async with db.transaction() as connection:
                profile = await today.get(connection, READER)
                assert profile
                await today.set_schedules(connection, [replace(profile, last_digest_on=date(2099, 12, 31))])
        planned.now = datetime.fromisoformat(f"{on}T00:00Z") - timedelta(hours=20)
        await planned.add_day(on, number)  # it is still the day before in UTC
        await planned.run_until(planned.now + timedelta(days=1))
    digest_dates = [str(row.digest_on) for row in reversed(await planned.list_deliveries())]
    assert digest_dates == days


async def test_a_day_of_digests_comes_before_new_papers_for_lookup_which_count_where_nothing_else_is(
    sqlite_db: Database,
) -> None:
    planned = _Planned(sqlite_db)
    await planned.subscribe()
    for day, on in enumerate((date(2025, 3, 6), date(2025, 3, 9)), start=6):
        items = [{"arxiv_id": f"2503.{day}{number:04}", "title": f"New {number}"} for number in range(1, 8)]
        await planned.add_lookup(on, items)
        await planned.run_until(datetime(2025, 3, day + 4, 6, tzinfo=UTC))
        if day == 6:
            await planned.add_day("2025-03-07", 1)
    assert [row.digest_on for row in await planned.list_deliveries()] == [date(2025, 3, 7), date(2025, 3, 6)]


async def test_a_reader_sees_what_they_follow_among_the_new_papers_for_lookup_of_the_day(
    sqlite_db: Database,
) -> None:
    planned = _Planned(sqlite_db)
    await planned.subscribe()
    draft = alert_builders.draft("Ada Byron", kind=models.AlertKind.AUTHOR, user_id=READER)
    await planned.services.alerts.add(draft)
    names = {f"2503.2{number:04}": f"Name {number}" for number in range(1, 40)} | {"2503.20040": "Ada Byron"}
    items = [
        {"arxiv_id": name, "title": f"New {name}", "authors": [author]} for name, author in names.items()
    ]
    await planned.add_lookup(date(2025, 3, 7), items)
    await planned.add_day("2025-03-07", 1)
    await planned.run_until(datetime(2025, 3, 9, 12, tzinfo=UTC))
    [delivery] = await planned.list_deliveries()
    assert delivery.post.papers[0] == "2503.20040"
    assert len(delivery.post.papers) == 5


async def test_a_paper_is_prepared_once_for_all_readers_and_compared_with_what_it_may_match(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = _Planned(sqlite_db)
    await planned.add_day("2025-03-07", 7)
    services = planned.services
    for user_id in (READER, READER + 1):
        for number in range(5):
            words = [f"word {number} {term}" for term in range(10)]
            names = [
                models.AlertTerm(models.AlertKind.AUTHOR, f"Ö-{number}-x{term} Müller") for term in range(9)
            ]
            terms = (*alert_builders.draft(*words).terms, *names)
            await services.alerts.add(alert_builders.draft(user_id=user_id, terms=terms))
        await services.alerts.add(alert_builders.draft("Paper 2503.07006", "other", user_id=user_id))
    prepare, compare = mock.Mock(wraps=matcher.keyword_text), mock.Mock(wraps=matcher.match)
    monkeypatch.setattr(matcher, "keyword_text", prepare)
    monkeypatch.setattr(matcher, "match", compare)
    wanted = [(models.Profile(user_id), models.Locale.EN) for user_id in (READER, READER + 1)]
    posts = await services.today.build_posts(wanted, date(2025, 3, 7))
    assert [post.picks[0][0].arxiv_id for post in posts] == ["2503.07006"] * 2
    assert [reason for *_, reason in posts[0].picks[0][2]] == [0]
    assert prepare.call_count == 7
    assert [call.args[0].terms for call in compare.call_args_list] == [
        alert_builders.draft("Paper 2503.07006").terms
    ] * 2


async def test_a_day_of_many_new_papers_costs_one_reading_of_each_and_extracts_of_the_shown_ones(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = _Planned(sqlite_db)
    items: list[dict[str, Any]] = [
        {"arxiv_id": f"2503.2{number:04}", "title": f"New {number}", "abstract": "We study it. It works."}
        for number in range(1, 61)
    ]
    facts = [models.PaperFacts(source="arxiv", location="u", read_at=START, **item) for item in items]
    await planned.container.create_ingest().add_facts(facts)
    await planned.add_lookup(date(2025, 3, 7), items)
    extract = mock.Mock(wraps=profiles.extract_features)
    choose = mock.Mock(wraps=summaries.choose_sentences)
    monkeypatch.setattr(profiles, "extract_features", extract)
    monkeypatch.setattr(summaries, "choose_sentences", choose)
    post = await planned.services.today.build_post(READER, models.Locale.EN)
    assert post is not None
    assert len(post.picks) == 5
    assert extract.call_count == 60
    assert {call.args[1] for call in choose.call_args_list} == {paper.title for paper, _, _ in post.picks}


async def test_a_list_that_has_barely_begun_does_not_take_the_place_of_the_days_papers(db: Database) -> None:
    planned = _Planned(db)
    await planned.subscribe()  # in New York at 02:30, which is 07:30 UTC
    ingest = planned.container.create_ingest()

    def papers_of(day: int, numbers: Sequence[int]) -> list[dict[str, Any]]:
        return [{"arxiv_id": f"2503.{day:02}{number:03}", "title": f"Paper {number}"} for number in numbers]

    # An arXiv category has the papers already, so that a list that grows adds none to the archive.
    await planned.add_lookup(
        date(2025, 3, 1), [row for day in range(8, 12) for row in papers_of(day, range(1, 31))]
    )
    for day in range(8, 12):
        on = date(2025, 3, day)
        planned.now = datetime(2025, 3, day, 1, tzinfo=UTC)
        # The first paper of the day's list is there in the early hours, the others at noon.
        for hour, numbers in ((12, [1]), (23, range(1, 31))):
            digest = listing.build(on, papers_of(day, numbers))
            await ingest.add_digests(
                [digest], source="https://huggingface.co", location=f"https://a.example/{on}"
            )
            await planned.run_until(datetime(2025, 3, day, hour, tzinfo=UTC))
    sent = [(row.local_on, row.digest_on, len(row.post.papers)) for row in await planned.list_deliveries()]
    assert sent == [(date(2025, 3, day), date(2025, 3, day - 1), 5) for day in (11, 10, 9)]


async def test_a_round_of_several_days_that_is_killed_before_and_after_each_commit_sends_each_day_once(
    db: Database,
) -> None:
    planned = _Planned(db)
    readers = READER, READER + 1, READER + 2
    for user_id in readers:
        await planned.services.today.send_daily(user_id, "15:00", "UTC")
    await planned.add_day("2025-03-07", 1)
    await planned.run_until(START + timedelta(hours=4))
    days = [date(2025, 3, day) for day in (8, 9, 10)]
    for number, on in enumerate(days, start=2):
        await planned.add_day(on.isoformat(), number)
    now = datetime(2025, 3, 10, 15, tzinfo=UTC)
    kills, is_finished = 0, False
    while not is_finished:
        for number, is_stored in ((1, False), (2, False), (1, True)):
            with killed_process.killed_at(db, number, is_stored=is_stored):
                await planned.planner.tick(now)
                is_finished = True
            kills += not is_finished
    assert kills > len(days)
    deliveries = await planned.list_deliveries()
    expected = [(user_id, on) for user_id in readers for on in (date(2025, 3, 7), *days)]
    assert sorted((row.user_id or 0, row.digest_on or now.date()) for row in deliveries) == expected
    assert all(len(row.post.papers) == 5 for row in deliveries)


async def test_an_expiry_that_is_killed_or_comes_while_the_next_day_is_planned_loses_no_day(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = _Planned(db)
    await planned.services.today.send_daily(READER, "15:00", "UTC")
    await planned.add_day("2025-03-07", 1)
    await planned.run_until(START + timedelta(hours=4))
    await planned.add_day("2025-03-08", 2)
    recorder = outbox_builders.make_recorder(db, planned.container.deliveries)
    late = START + timedelta(hours=27)
    build_posts = service.TodayService.build_posts

    async def expire_first(*arguments: Any) -> Any:
        for is_stored in (False, True):
            with killed_process.killed_at(db, 1, is_stored=is_stored):
                await recorder.expire(late)
        return await build_posts(*arguments)

    monkeypatch.setattr(service.TodayService, "build_posts", expire_first)
    await planned.planner.tick(late)
    await planned.planner.tick(late)
    deliveries = [(row.digest_on, row.state.value) for row in reversed(await planned.list_deliveries())]
    assert deliveries == [
        (date(2025, 3, 7), "expired"),
        (date(2025, 3, 7), "planned"),
        (date(2025, 3, 8), "planned"),
    ]


async def test_days_that_are_sent_at_once_are_read_once_for_all_readers(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = _Planned(sqlite_db)
    monkeypatch.setattr(service, "BATCH_SIZE", 1)
    monkeypatch.setattr(profiles, "SAMPLE_SIZE", 0)
    for user_id in (READER, READER + 1, READER + 2):
        await planned.services.today.send_daily(user_id, "15:00", "UTC")
    days = [date(2025, 3, day) for day in range(4, 4 + service.MAX_DAYS_AT_ONCE)]
    async with sqlite_db.transaction() as connection:
        before = date(2025, 3, 3)
        due = await today.list_scheduled(connection, START)
        await today.set_schedules(connection, [replace(row, last_digest_on=before) for row in due])
    for number, on in enumerate(days):
        await planned.add_day(on.isoformat(), number)
    extract = mock.Mock(wraps=profiles.extract_features)
    monkeypatch.setattr(profiles, "extract_features", extract)
    await planned.run_until(START + timedelta(hours=4))
    assert len(await planned.list_deliveries()) == 3 * len(days)
    assert extract.call_count == 7 * len(days)


async def test_a_reader_who_is_forgotten_while_a_message_is_planned_gets_none(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = _Planned(db)
    await planned.services.today.send_daily(READER, "15:00", "UTC")
    await planned.add_day("2025-03-08", 1)
    add_all, forgetting = outbox.add_all, list[asyncio.Future[dict[str, int]]]()

    async def add_and_forget(connection: Connection, new: Sequence[models.NewDelivery]) -> dict[str, int]:
        ids = await add_all(connection, new)
        forgetting.append(asyncio.ensure_future(planned.services.reader_data.forget(READER)))
        # It ends before this transaction does, unless it waits for it.
        await asyncio.wait(forgetting, timeout=patience.scaled(0.2))
        return ids

    monkeypatch.setattr(outbox, "add_all", add_and_forget)
    await planned.planner.tick(START + timedelta(hours=4))
    assert (await forgetting[0])["deliveries"] == 1
    assert await planned.services.reader_data.count(READER) == {}


async def test_of_a_day_with_more_text_than_arxiv_has_the_most_voted_papers_are_read_and_the_others_listed(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = _Planned(sqlite_db)
    count, text = 300, "A long study of one thing. " * 10
    listed = [
        NewsletterPaper(f"2503.01{number:03}", f"Paper {number}", text, votes=count - number)
        for number in range(count)
    ]
    await sample_archive.add_digest(sqlite_db, "2025-03-07", *listed)
    for word in ("Paper 1", f"Paper {count - 1}"):
        await planned.services.alerts.add(alert_builders.draft(word, user_id=READER))
    monkeypatch.setattr(profiles, "MAX_DAY_CHARACTERS", 10_000)
    monkeypatch.setattr(profiles, "SAMPLE_SIZE", 0)
    extract, prepare = mock.Mock(wraps=profiles.extract_features), mock.Mock(wraps=matcher.keyword_text)
    monkeypatch.setattr(profiles, "extract_features", extract)
    monkeypatch.setattr(matcher, "keyword_text", prepare)
    post = await planned.services.today.build_post(READER, models.Locale.EN)
    assert post is not None
    assert [paper.arxiv_id for paper, _, _ in post.picks] == [
        "2503.01001",
        *(f"2503.01{number:03}" for number in (0, 2, 3, 4)),
    ]
    read = -(-10_000 // len(text)) + profiles.PAPERS_AT_ONCE
    assert 0 < extract.call_count <= read < count
    assert 0 < prepare.call_count <= read
