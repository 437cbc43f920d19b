"""Alerts and corrections as a fresh digest raises them, on both engines."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import errors
from bot.services.alerts import alert_index, matcher
from bot.services.alerts.alerts import Alerts
from bot.services.alerts.notifier import AlertNotifier
from bot.services.outbox import outcomes, suspension
from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.text.analysis import normalisation
from storage import alerts, digests, key_values, models
from storage import errors as storage_errors
from storage.database import Connection, Database
from storage.outbox import attempts, holds, queries
from tests.support import digest_builders

NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
MONDAY = date(2026, 1, 5)
KEYWORD, AUTHOR = models.AlertKind.KEYWORD, models.AlertKind.AUTHOR


class Recorder:
    """Renders an alert as its papers and reasons, and remembers the posts that it was given."""

    def __init__(self) -> None:
        self.alerts: list[contents.AlertPost] = []
        self.refuses = False

    def render_alert(self, post: contents.AlertPost) -> tuple[contents.RenderedPart, ...]:
        if self.refuses:
            raise ValueError("a template of the operator's with a mistake in it")
        self.alerts.append(post)
        return (contents.RenderedPart(models.PartKind.MESSAGE, {"content": post.marker}),)

    def render_daily(self, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        raise AssertionError

    def render_notice(self, post: contents.NoticePost) -> tuple[contents.RenderedPart, ...]:
        raise AssertionError


class Bench:
    """Rules and digests on a database, and what readers would be told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.renderer = Recorder()
        numbers = itertools.count()
        self.alerts = Alerts(database, lambda: NOW)
        self.deliveries = DeliveryFactory(lambda: self.renderer, lambda: f"n{next(numbers)}")
        self.telling = AlertNotifier(self.deliveries)

    async def put(
        self, on: date, *papers: tuple[str, int | None], words: str = "", place: str | None = None
    ) -> None:
        async def on_fresh(
            connection: Connection, digest_id: int, paper_ids: Sequence[int], revision: int
        ) -> None:
            await self.telling.notify(connection, digest_id, paper_ids, revision, NOW)

        text = digest_builders.newsletter(on, papers, text=words)
        await digest_builders.ingest_digest(self.database, text, at=NOW, on_fresh=on_fresh, location=place)

    async def follow(
        self, text: str, *, user_id: int = 7, kind: models.AlertKind = KEYWORD, min_votes: int = 0
    ) -> int:
        return (await self.alerts.add(user_id=user_id, kind=kind, text=text, min_votes=min_votes)).id

    async def expire(self, now: datetime) -> None:
        suspender = suspension.DestinationSuspender(self.deliveries)
        recorder = outcomes.OutcomeRecorder(self.database, suspender, self.deliveries, rng=random.Random(1))
        await recorder.expire(now)

    def told(self) -> list[list[str]]:
        return [[match.paper.arxiv_id for match in post.matches] for post in self.renderer.alerts]


@pytest.fixture
def bench(db: Database) -> Bench:
    return Bench(db)


async def test_a_reader_gets_one_message_a_digest_with_every_reason(bench: Bench) -> None:
    await bench.follow("강화 학습")
    await bench.follow("kim minjun", kind=AUTHOR)
    await bench.follow("lovelace, ada", kind=AUTHOR)
    await bench.put(MONDAY, ("2601.00001", 5), ("2601.00002", 9), words="강화학습(RL)을 쓴다.")
    assert bench.told() == [["2601.00002", "2601.00001"]]
    reasons = bench.renderer.alerts[0].matches[0].reasons
    assert [(reason.text, reason.found_in) for reason in reasons] == [
        ("강화 학습", contents.MatchField.TEXT),
        ("Kim Min-jun", contents.MatchField.AUTHOR),
        ("Ada Lovelace", contents.MatchField.AUTHOR),
    ]
    async with bench.database.read() as connection:
        planned = await queries.list_rows(connection, user_id=7)
    assert [one.kind for one in planned] == [models.DeliveryKind.ALERT]
    assert planned[0].priority < 50


async def test_nobody_is_told_of_a_paper_twice(bench: Bench) -> None:
    await bench.follow("care")
    await bench.put(MONDAY, ("2601.00001", 5))
    await bench.put(MONDAY, ("2601.00001", 6), ("2601.00002", 1), place="another source")
    assert bench.told() == [["2601.00001"], ["2601.00002"]]


async def test_papers_that_a_corrected_digest_adds_are_told(bench: Bench) -> None:
    await bench.follow("care")
    await bench.put(MONDAY, ("2601.00001", 5), place="here")
    await bench.put(MONDAY, ("2601.00001", 5), ("2601.00003", 2), place="here")
    assert bench.told() == [["2601.00001"], ["2601.00003"]]


async def test_an_old_digest_raises_no_alerts(bench: Bench) -> None:
    await bench.follow("care")
    await bench.put(MONDAY - timedelta(days=10), ("2601.00001", 5))
    assert bench.told() == []


async def test_minimum_votes_and_resting_rules_keep_silent(bench: Bench) -> None:
    await bench.follow("care", min_votes=10)
    resting = await bench.follow("better", user_id=8)
    await bench.alerts.snooze([resting], user_id=8)
    await bench.put(MONDAY, ("2601.00001", 5), ("2601.00002", None), ("2601.00003", 10))
    assert bench.told() == [["2601.00003"]]


async def test_what_waited_for_a_readers_messages_to_open_comes_when_they_start_their_alerts_again(
    bench: Bench,
) -> None:
    alert_id = await bench.follow("care")
    await bench.put(MONDAY, ("2601.00001", 5))
    async with bench.database.transaction() as connection:
        await alerts.set_state(connection, [alert_id], models.ActivityState.PAUSED, reason="dms-closed")
        assert await holds.pause(connection, user_id=7, reason="dms-closed") == 1
    assert await bench.alerts.resume([alert_id], user_id=8) == 0
    async with bench.database.read() as connection:
        assert await queries.list_due(connection, NOW) == []
    assert await bench.alerts.resume([alert_id], user_id=7) == 1
    async with bench.database.read() as connection:
        assert len(await queries.list_due(connection, NOW)) == 1


async def test_what_was_never_sent_can_be_told_again(bench: Bench) -> None:
    await bench.follow("care")
    await bench.put(MONDAY, ("2601.00001", 5), ("2601.00002", 5))
    await bench.expire(NOW + timedelta(hours=25))
    await bench.put(MONDAY, ("2601.00001", 6), place="another source")
    assert bench.told()[1:] == [["2601.00001"]]


async def test_what_may_have_been_sent_is_not_told_again(bench: Bench) -> None:
    await bench.follow("care")
    await bench.put(MONDAY, ("2601.00001", 5))
    async with bench.database.transaction() as connection:
        (due,) = await queries.list_due(connection, NOW)
        await attempts.mark_sending(connection, [due.part.id], NOW)
        await attempts.mark_uncertain(connection, due.part.id, reason="uncertain")
    await bench.expire(NOW + timedelta(hours=25))
    await bench.put(MONDAY, ("2601.00001", 6), place="another source")
    assert len(bench.told()) == 1


async def test_an_alert_that_cannot_be_rendered_keeps_no_digest_out(bench: Bench) -> None:
    await bench.follow("care")
    bench.renderer.refuses = True
    await bench.put(MONDAY, ("2601.00001", 5))
    async with bench.database.read() as connection:
        assert await digests.list_dates(connection, limit=1) == [MONDAY]
    bench.renderer.refuses = False
    await bench.put(MONDAY, ("2601.00001", 6), place="another source")
    assert bench.told() == [["2601.00001"]]


async def test_latin_words_match_on_word_boundaries(bench: Bench) -> None:
    await bench.follow("car")
    await bench.put(MONDAY, ("2601.00001", 5))
    assert bench.told() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("language model", "Of large-language models."),
        ("gpt-4o", "It asks GPT4o."),
        ("fine-tuning", "모델을 Finetuning 한다."),
        ("fine-tuning", "After fine tuning, it works."),
        ("finetuning", "A fine-tuned one."),
        ("강화학습", "강화 학습으로 배운다."),
        ("언어 모델", "대규모언어모델을 쓴다."),
        ("LLMs", "LLM을 쓴다."),
        ("RL fine-tuning", "RL finetuned"),
    ],
)
async def test_a_rule_finds_its_words_however_they_are_written_and_its_preview_says_so(
    bench: Bench, text: str, words: str
) -> None:
    await bench.follow(text)
    await bench.put(MONDAY, ("2601.00001", 5), words=words)
    assert bench.told() == [["2601.00001"]]
    assert (await bench.alerts.preview(KEYWORD, text)).paper_count == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reinforcement learning", "강화 학습(RL)을 쓴다."),
        ("RAG", "Storage of fragments."),
        ("화학", "강화 학습을 쓴다."),
        ("gpt-4", "It asks GPT-4o."),
    ],
)
async def test_a_rule_finds_neither_other_words_nor_its_concept(bench: Bench, text: str, words: str) -> None:
    await bench.follow(text)
    await bench.put(MONDAY, ("2601.00001", 5), words=words)
    assert bench.told() == []
    assert (await bench.alerts.preview(KEYWORD, text)).paper_count == 0


async def test_rules_that_another_version_stored_are_found_again(bench: Bench) -> None:
    first = await bench.follow("care")
    second = await bench.follow("lovelace, ada", kind=AUTHOR, user_id=8)
    async with bench.database.transaction() as connection:
        await alerts.set_anchors(connection, {first: "former", second: "@former"})
        await key_values.set_value(connection, key_values.ALERT_ANCHORS_VERSION, "1")
    await bench.put(MONDAY, ("2601.00001", 5))
    assert sorted(bench.told()) == [["2601.00001"], ["2601.00001"]]
    async with bench.database.transaction() as connection:
        assert await alert_index.rebuild_if_outdated(connection) == 0


async def test_many_readers_rules_are_compared_without_anybody_being_forgotten(bench: Bench) -> None:
    for user_id in range(1, 41):
        await bench.follow("care" if user_id % 2 else "cares", user_id=user_id)
    await bench.put(MONDAY, ("2601.00001", 5), ("2601.00002", 5))
    assert len(bench.told()) == 40
    assert all(len(told) == 2 for told in bench.told())


async def test_an_equal_rule_is_refused_and_fifty_are_the_most(bench: Bench) -> None:
    await bench.follow("Diffusion")
    with pytest.raises(storage_errors.DuplicateError):
        await bench.follow("diffusion ")
    for number in range(49):
        await bench.follow(f"word{number}x")
    with pytest.raises(errors.UsageError, match="50"):
        await bench.follow("one more")


@pytest.mark.parametrize("text", ["", "  ", "***", "x" * 101])
async def test_a_rule_that_cannot_match_is_refused_in_words(bench: Bench, text: str) -> None:
    with pytest.raises(errors.UsageError, match="alert"):
        await bench.follow(text)


async def test_the_preview_says_what_thirty_days_would_have_brought(bench: Bench) -> None:
    await bench.put(MONDAY - timedelta(days=20), ("2601.00001", 5), ("2601.00002", 5))
    await bench.put(MONDAY - timedelta(days=2), ("2601.00003", 5))
    await bench.put(MONDAY - timedelta(days=40), ("2601.00004", 5))
    preview = await bench.alerts.preview(KEYWORD, "with care")
    assert (preview.paper_count, preview.max_per_day) == (3, 2)
    assert preview.latest[0].arxiv_id == "2601.00003"


async def test_only_the_owner_ends_a_rule(bench: Bench) -> None:
    alert_id = await bench.follow("care")
    assert await bench.alerts.remove([alert_id], user_id=8) == 0
    assert await bench.alerts.remove([alert_id], user_id=7) == 1


@given(
    st.sampled_from(["Jürgen Müller-Lüdenscheid", "Kim Min-jun", "Søren Ågård", "王 小明", "O'Neil, Ann"]),
    st.randoms(),
)
def test_every_spelling_of_a_name_is_found_by_one_anchor(name: str, dice: random.Random) -> None:
    words = name.replace(",", "").split()
    dice.shuffle(words)
    typed = " ".join(words)
    for change in (
        str.upper,
        normalisation.fold_name,
        normalisation.fold_name_german,
        lambda text: text.replace("-", ""),
    ):
        spelt = change(typed)
        assert matcher.name_variants(spelt) & matcher.name_variants(name)
        paper = matcher.PaperText(1, "", "", (name,), None)
        assert matcher.trigger_term(AUTHOR, spelt) in matcher.candidate_terms(paper)
