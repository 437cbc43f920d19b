"""Drafts without a server: claims that fail, long prompts, the token budget, the circuit breaker."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.writer import drafting, language_model, prompts
from bot.writer.claims import Findings
from bot.writer.drafting import FAILURES, PAUSES_SECONDS, CircuitBreaker
from bot.writer.language_model import LanguageModel, Message, ModelError
from bot.writer.prompts import Claim, claims_to_json
from storage import migrate, models, writer
from storage.database import Database

NOW = datetime(2026, 11, 18, tzinfo=UTC)
DRAFT = writer.Draft(
    "2611.10001", models.DigestFormat.NEWSLETTER, models.Locale.EN, "1", "small", NOW, "hash"
)
NEW, HOW, RESULT = (
    Claim(section, f"{section} is told.", "span")
    for section in ("whats_new", "technical_details", "performance_highlights")
)
WRONG = RESULT._replace(text="It has 99 %.")


class Script(LanguageModel):
    """A model whose calls end as the test says."""

    def __init__(self, *outcomes: str | ModelError, tokens: int = 10) -> None:
        self._outcomes = list(outcomes)
        self._tokens = tokens
        self.asked: list[Any] = []

    async def complete(
        self, messages: Sequence[Message], schema: Any, *, max_tokens: int
    ) -> tuple[str, int | None]:
        self.asked.append(messages)
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, ModelError):
            raise outcome
        return outcome, self._tokens


Write = Callable[..., Awaitable[tuple[writer.Draft, Script]]]


@pytest.fixture
def write(sqlite_db: Database) -> Write:
    """Write a draft with a model that answers with these outcomes.

    Claims with "99" in them are doubtful, and those with "link" have a fault.
    """

    async def run(
        *outcomes: str | ModelError, judge: Script | None = None, **options: int
    ) -> tuple[writer.Draft, Script]:
        script = Script(*outcomes, **options)
        drafter = drafting.Drafter(
            sqlite_db,
            lambda: NOW,
            script,
            drafting.TokenBudget(sqlite_db, lambda: NOW),
            drafting.CircuitBreaker(lambda: 0.0, no_sleep),
            judge=judge,
            sleep=no_sleep,
            random=lambda: 0.5,
        )
        messages: list[list[Message]] = [[{"role": "user", "content": text}] for text in ("long", "short")]
        return await drafter.write(DRAFT, iter(messages), find_wrong), script

    return run


async def find_wrong(claims: drafting.Claims) -> tuple[list[Findings], str]:
    findings = [
        Findings(["a link"] if "link" in claim.text else [], ["wrong"] if "99" in claim.text else [])
        for claim in claims
    ]
    return findings, "the excerpts"


async def no_sleep(_: float) -> None:
    return None


def claims_of(draft: writer.Draft) -> list[str]:
    """Return the texts of the claims that passed."""
    return [claim["text"] for claims in json.loads(draft.text or "{}").values() for claim in claims]


@pytest.mark.parametrize(
    ("repair", "texts", "dropped"),
    [
        ([NEW, HOW, RESULT], [NEW.text, HOW.text, RESULT.text], 0),
        ([NEW, HOW, WRONG], [NEW.text, HOW.text], 1),
        ([NEW._replace(text="It has 99 %, too."), HOW, RESULT], [NEW.text, HOW.text, RESULT.text], 0),
        ([NEW, HOW], [NEW.text, HOW.text], 1),
    ],
)
async def test_a_repair_replaces_what_failed_and_nothing_else(
    write: Write, repair: list[Claim], texts: list[str], dropped: int
) -> None:
    draft, script = await write(claims_to_json([NEW, HOW, WRONG]), claims_to_json(repair))
    assert claims_of(draft) == texts
    assert (draft.claims_dropped, draft.state, draft.calls) == (dropped, writer.DraftState.CHECKED, 2)
    assert '"It has 99 %.": wrong' in script.asked[1][-1]["content"]


async def test_a_server_that_counts_too_few_tokens_gets_round_no_cap(
    write: Write, sqlite_db: Database
) -> None:
    draft, script = await write(claims_to_json([NEW, HOW, RESULT]))  # it says 10
    schema = prompts.build_schema(DRAFT.format)
    size = len(language_model.prompt_of(script.asked[0], schema)) + len(claims_to_json([NEW, HOW, RESULT]))
    assert draft.tokens == size // drafting.MAX_BYTES_PER_TOKEN > 10
    async with sqlite_db.read() as connection:
        assert await writer.get_token_totals(connection, NOW.date()) == (draft.tokens, draft.tokens)


@pytest.mark.parametrize("tokens", [10**9, 10**40])
async def test_a_server_that_counts_too_many_spends_no_cap(
    write: Write, sqlite_db: Database, tokens: int
) -> None:
    answer = claims_to_json([NEW, HOW, RESULT])
    draft, script = await write(answer, tokens=tokens)
    size = len(language_model.prompt_of(script.asked[0], prompts.build_schema(DRAFT.format)) + answer)
    assert draft.tokens == size + prompts.MAX_TOKENS[DRAFT.format] < 10_000
    async with sqlite_db.read() as connection:
        assert await writer.get_token_totals(connection, NOW.date()) == (draft.tokens, draft.tokens)


async def test_an_answer_is_read_off_the_event_loop(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    read, threads = prompts.read_answer, []

    def note_thread(answer: str, *args: Any, **options: Any) -> tuple[Claim, ...]:
        threads.append(threading.current_thread())
        return read(answer, *args, **options)

    monkeypatch.setattr(prompts, "read_answer", note_thread)
    await write(claims_to_json([NEW, HOW, RESULT]))
    assert threads[0] is not threading.main_thread()


async def test_half_an_emoji_loses_no_draft(write: Write, sqlite_db: Database) -> None:
    answer = claims_to_json([NEW._replace(text="It shines \0EMOJI."), HOW, RESULT])
    draft, _ = await write(answer.replace("EMOJI", "\\ud83d"))
    assert claims_of(draft) == ["It shines .", HOW.text, RESULT.text]
    assert (draft.state, draft.calls) == (writer.DraftState.CHECKED, 1)
    async with sqlite_db.transaction() as connection:
        await writer.save_draft(connection, [draft])


async def test_neither_does_one_whose_answers_are_cut_off(write: Write) -> None:
    draft, script = await write(*[ModelError(language_model.CUT_OFF, tokens=1)] * drafting.MAX_CALLS)
    size = len(language_model.prompt_of(script.asked[0], prompts.build_schema(DRAFT.format)).encode())
    assert draft.tokens == drafting.MAX_CALLS * (size // drafting.MAX_BYTES_PER_TOKEN) > drafting.MAX_CALLS


async def test_a_failed_repair_keeps_what_passed(write: Write) -> None:
    error = ModelError("wrong key", is_fatal=True)
    draft, _ = await write(claims_to_json([NEW, HOW, WRONG]), error)
    assert claims_of(draft) == [NEW.text, HOW.text]
    assert draft.problems[-1] == "wrong key"


async def test_a_prompt_that_is_too_long_is_shortened(write: Write) -> None:
    error = ModelError("context length", is_retryable=False, is_too_long=True)
    draft, script = await write(error, claims_to_json([NEW, HOW, RESULT]))
    assert [request[0]["content"] for request in script.asked] == ["long", "short"]
    assert draft.state is writer.DraftState.CHECKED
    failed, _ = await write(error, error)
    assert (failed.state, failed.calls, failed.problems[-1]) == (
        writer.DraftState.FAILED,
        2,
        "context length",
    )


async def test_four_calls_without_an_answer_are_the_end(write: Write) -> None:
    draft, script = await write(*[ModelError("no answer", is_outage=True)] * 3, "no JSON", "never asked")
    assert (draft.state, draft.calls, len(script.asked)) == (writer.DraftState.FAILED, 4, 4)
    assert draft.problems[-1] == "its answer cannot be used: it has no JSON object"


def verdicts_of(*reasons: str) -> str:
    """Return a judge's answer: a verdict on each claim, proved if it has no reason."""
    rows = [
        {"claim": number, "reason": reason, "is_proved": not reason}
        for number, reason in enumerate(reasons, start=1)
    ]
    return json.dumps({"verdicts": rows})


async def test_a_judge_overrules_doubts_and_finds_what_words_do_not_show(write: Write) -> None:
    judge = Script(verdicts_of("", "it is slower", ""), verdicts_of(""))
    faster = HOW._replace(text="It is faster.")
    answers = [claims_to_json([NEW, faster, WRONG]), claims_to_json([NEW, HOW, WRONG])]
    draft, script = await write(*answers, judge=judge)
    assert claims_of(draft) == [NEW.text, HOW.text, WRONG.text]
    assert (draft.state, draft.calls, draft.claims_dropped) == (writer.DraftState.CHECKED, 4, 0)
    assert '"It is faster.": the judge: it is slower' in script.asked[1][-1]["content"]
    first, second = (request[-1]["content"] for request in judge.asked)
    assert "the excerpts" in first
    assert "3. It has 99 %.\n   Objection: wrong" in first
    assert "1. " + HOW.text in second
    assert NEW.text not in second


async def test_what_a_judge_does_not_find_proved_twice_is_dropped(write: Write) -> None:
    judge = Script(verdicts_of("", "", "no such number"), verdicts_of("still none"))
    again = WRONG._replace(text="It has 98 %.")
    draft, _ = await write(claims_to_json([NEW, HOW, WRONG]), claims_to_json([NEW, HOW, again]), judge=judge)
    assert claims_of(draft) == [NEW.text, HOW.text]
    assert draft.problems == (
        '"It has 99 %.": the judge: no such number; wrong',
        '"It has 98 %.": the judge: still none',
    )


async def test_a_judge_is_not_asked_about_a_fault_and_cannot_overrule_it(write: Write) -> None:
    linked = RESULT._replace(text="Follow the link.")
    answer = claims_to_json([NEW, HOW, linked])
    judge = Script(verdicts_of("", ""))
    draft, _ = await write(answer, answer, judge=judge)
    assert claims_of(draft) == [NEW.text, HOW.text]
    assert len(judge.asked) == 1
    assert linked.text not in judge.asked[0][-1]["content"]


@pytest.mark.parametrize(
    "answer",
    [
        "no JSON",
        verdicts_of("", ""),
        json.dumps({"verdicts": [{"claim": 1, "reason": "", "is_proved": "yes"}] * 3}),
        json.dumps({"verdicts": [{"claim": 2, "reason": "", "is_proved": True}] * 3}),
        json.dumps({"verdicts": [1, 2, 3]}),
        json.dumps({"verdicts": {"1": True}}),
    ],
)
async def test_a_judge_whose_answer_cannot_be_used_is_asked_again(write: Write, answer: str) -> None:
    judge = Script(answer, verdicts_of("", "", ""))
    draft, _ = await write(claims_to_json([NEW, HOW, RESULT]), judge=judge)
    assert claims_of(draft) == [NEW.text, HOW.text, RESULT.text]
    assert (draft.calls, len(judge.asked)) == (3, 2)


@pytest.mark.parametrize(
    ("outcomes", "problem"),
    [
        ([ModelError("no answer")] * 6, "the judge gave no verdicts"),
        ([ModelError("no such model", is_fatal=True)], "the judge gave no verdicts: no such model"),
    ],
)
async def test_without_the_judge_nothing_is_published(
    write: Write, outcomes: list[ModelError], problem: str
) -> None:
    draft, _ = await write(claims_to_json([NEW, HOW, RESULT]), judge=Script(*outcomes))
    assert (draft.state, draft.problems[-1]) == (writer.DraftState.FAILED, problem)
    assert draft.calls <= drafting.MAX_JUDGED_CALLS


async def test_without_the_judge_a_repair_is_left_out(write: Write) -> None:
    judge = Script(verdicts_of("", "", "no such number"), ModelError("no such model", is_fatal=True))
    again = WRONG._replace(text="It has 98 %.")
    draft, _ = await write(claims_to_json([NEW, HOW, WRONG]), claims_to_json([NEW, HOW, again]), judge=judge)
    assert claims_of(draft) == [NEW.text, HOW.text]
    assert draft.state is writer.DraftState.CHECKED


async def test_the_calls_of_the_judge_are_within_the_budget(write: Write, sqlite_db: Database) -> None:
    answer = claims_to_json([NEW, HOW, RESULT])
    judge = Script(verdicts_of("", "", ""))
    draft, _ = await write(answer, judge=judge)
    async with sqlite_db.read() as connection:
        assert await writer.get_token_totals(connection, NOW.date()) == (draft.tokens, draft.tokens)


async def test_what_is_begun_is_judged_before_more_is_begun(sqlite_db: Database) -> None:
    count = 3 * drafting.MAX_BEGUN
    script = Script(*[claims_to_json([NEW, HOW, RESULT])] * count)
    judge = Script(*[verdicts_of("", "", "")] * count)
    unjudged = []

    class Watched(drafting.CircuitBreaker):
        async def wait(self) -> None:  # before each call
            unjudged.append(len(script.asked) - len(judge.asked))
            await super().wait()

    drafter = drafting.Drafter(
        sqlite_db,
        lambda: NOW,
        script,
        drafting.TokenBudget(sqlite_db, lambda: NOW),
        Watched(lambda: 0.0, no_sleep),
        judge=judge,
        sleep=no_sleep,
        random=lambda: 0.5,
    )
    drafts = [replace(DRAFT, arxiv_id=f"2611.1{number:04}") for number in range(count)]
    messages = [{"role": "user", "content": "a paper"}]
    written = await asyncio.gather(*(drafter.write(draft, iter([messages]), find_wrong) for draft in drafts))
    assert {draft.state for draft in written} == {writer.DraftState.CHECKED}
    assert max(unjudged) <= drafting.MAX_BEGUN


NEAR_MIDNIGHT = datetime(2026, 1, 5, 23, 59, tzinfo=UTC)
CAP = 1_000


@pytest.mark.parametrize(("prompt", "tokens"), [("", 10), ("abc", 12), ("한국어", 15)])
def test_a_prompt_is_estimated_by_half_of_its_bytes(prompt: str, tokens: int) -> None:
    assert drafting.estimate_tokens(prompt, 10) == tokens


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 600), st.floats(0, 1), st.booleans(), st.integers(0, 5)), max_size=12)
)
def test_no_order_of_calls_passes_the_cap(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, plan: list[tuple[int, float, bool, int]]
) -> None:
    path = tmp_path_factory.mktemp("budget") / "paperround.db"
    path.write_bytes(sqlite_template.read_bytes())
    asyncio.run(_run_calls(f"sqlite+aiosqlite:///{path}", plan))


async def _run_calls(url: str, plan: list[tuple[int, float, bool, int]]) -> None:
    """Run calls at the same time, each with a reservation, the used share, whether its outcome is known, and its length."""
    database = await migrate.open_database(url)
    tokens = drafting.TokenBudget(database, lambda: NEAR_MIDNIGHT, daily=CAP)
    totals = []

    async def call(reserved: int, share: float, is_known: bool, turns: int) -> None:
        try:
            day = await tokens.reserve(reserved)
        except drafting.BudgetError:
            return
        for _ in range(turns):
            await asyncio.sleep(0)
        async with database.transaction() as connection:
            if is_known:
                await writer.settle_tokens(connection, day, reserved=reserved, used=int(reserved * share))
            totals.append((await writer.get_token_totals(connection, day))[0])
        await tokens.release()

    await asyncio.gather(*(call(*row) for row in plan))
    await database.close()
    assert max(totals, default=0) <= CAP


async def test_a_call_waits_for_others_before_it_is_refused(sqlite_db: Database) -> None:
    tokens = drafting.TokenBudget(sqlite_db, lambda: NEAR_MIDNIGHT, monthly=CAP)
    day = await tokens.reserve(700)
    waiting = asyncio.ensure_future(tokens.reserve(700))
    await asyncio.sleep(0)
    async with sqlite_db.transaction() as connection:
        await writer.settle_tokens(connection, day, reserved=700, used=100)
    await tokens.release()
    assert await waiting == NEAR_MIDNIGHT.date()
    await tokens.release()
    with pytest.raises(
        drafting.BudgetError, match=r"token budget: .* 701 tokens, and 800 of the month's 1,000"
    ):
        await tokens.reserve(701)


OUTAGE = ModelError("no answer", is_outage=True)


class Clock:
    """A clock that moves by what is slept."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(lambda: clock.seconds, clock.sleep)


async def test_outages_in_a_row_pause_the_calls_longer_each_time_and_end_them(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    for _ in range(FAILURES - 1):
        breaker.record_failure(OUTAGE)
    await breaker.wait()
    assert clock.seconds == 0
    for seconds in PAUSES_SECONDS:
        began_at = clock.seconds
        breaker.record_failure(OUTAGE)
        breaker.record_failure(OUTAGE)  # of a call that was sent before the pause
        await breaker.wait()
        assert clock.seconds - began_at == seconds
    breaker.record_failure(OUTAGE)
    with pytest.raises(ModelError, match="no answer"):
        await breaker.wait()


async def test_an_answer_closes_the_circuit(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(FAILURES):
        breaker.record_success()
        breaker.record_failure(OUTAGE)
    await breaker.wait()
    assert clock.seconds == 0


async def test_all_calls_wait_as_long_as_the_server_asks(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.record_failure(ModelError("slow down", retry_after=7))
    breaker.record_failure(ModelError("slow down", retry_after=3))
    await breaker.wait()
    assert clock.seconds == 7


@pytest.mark.parametrize(
    "error", [ModelError("wrong key", is_fatal=True), ModelError("come tomorrow", retry_after=86_400)]
)
async def test_a_failure_that_will_not_pass_ends_the_calls(
    breaker: CircuitBreaker, error: ModelError
) -> None:
    breaker.record_failure(error)
    with pytest.raises(ModelError, match=str(error)):
        await breaker.wait()
