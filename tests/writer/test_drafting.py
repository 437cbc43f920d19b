"""Drafts by a scripted model: retries, token caps, deadlines and changed papers."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.core.model_server import LanguageModel, Message, ModelError, TokenBudget
from bot.features.writer import drafting, prompts
from bot.sources import paper_text
from storage import models, writer
from storage.database import Database
from storage.writer import DraftState
from tests.support import glossary_in_memory, patience

NOW = datetime(2026, 11, 18, tzinfo=UTC)
TEXT = "The router reaches 61.3% on LampBench, 4.2 points above the baseline."
SPAN = "The router reaches 61.3% on LampBench"
TRUE, WRONG, LINK = TEXT, "The router reaches 99.9% on LampBench.", "It is at https://evil.example now."
FORM, LANGUAGE = models.DigestFormat.NEWSLETTER, models.Locale.EN

Outcome = str | Exception | Callable[[], Any]


def answer_of(*texts: str) -> str:
    sections = [*prompts.SECTIONS[FORM]]
    claims = [[{"text": text, "span": SPAN}] for text in texts]
    return json.dumps(dict(zip(sections, claims, strict=False)))


def verdicts_of(*proved: bool) -> str:
    rows = [{"claim": number, "reason": "so", "is_proved": row} for number, row in enumerate(proved, 1)]
    return json.dumps({"verdicts": rows})


class Script(LanguageModel):
    """A model with scripted outcomes. The last outcome repeats."""

    def __init__(self, *outcomes: Outcome, tokens: int | None = 10) -> None:
        self.name = "small"
        self.requests = 0
        self._outcomes = list(outcomes)
        self._tokens = tokens
        self.asked: list[Sequence[Message]] = []

    async def complete(
        self, messages: Sequence[Message], schema: Any, *, max_tokens: int
    ) -> tuple[str, int | None]:
        self.requests += 1
        self.asked.append(messages)
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if callable(outcome):
            await outcome()
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome), self._tokens


class Reader:
    """A reader that finds no full text, so that the abstract is used."""

    async def read(self, arxiv_id: str, title: str) -> None:
        return None


class Desk:
    """Writes a day's papers, several times on the same database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.pauses: list[float] = []
        self.problems: list[str] = []

    async def write(
        self, model: LanguageModel, judge: LanguageModel | None = None, *, count: int = 1, **options: Any
    ) -> list[writer.Draft]:
        caps = [options.pop(name, None) for name in ("daily", "monthly")]
        draft_writer = drafting.DraftWriter(
            self.database,
            lambda: NOW,
            model,
            judge or model,
            paper_text.PaperTexts(self.database, lambda: NOW, lambda: nullcontext(Reader())),  # type: ignore[arg-type]
            glossary_in_memory.build_glossary([], ()),
            TokenBudget(self.database, lambda: NOW, *caps),
            sleep=self._sleep,
        )
        papers: Sequence[Any] = options.pop("papers", None) or [
            {"key": f"2611.{10_001 + number}", "title": f"Lamps {number}", "abstract": TEXT}
            for number in range(count)
        ]
        self.problems = []
        options = {"seconds": None, "retries_failed": False} | options
        drafts = await draft_writer.write_all(
            papers, FORM, LANGUAGE, on_done=lambda _: None, on_problem=self.problems.append, **options
        )
        return [drafts[paper["key"]] for paper in papers]

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def used(self) -> int:
        return (await self.database.fetch(writer.get_token_totals, NOW.date()))[0]


@pytest.fixture
async def desk(sqlite_db: Database) -> Desk:
    return Desk(sqlite_db)


def printed(draft: writer.Draft) -> list[str]:
    return [claim.text for claim in prompts.read_answer(draft.text, FORM)] if draft.text else []


async def test_only_well_formed_claims_reach_the_judge(desk: Desk) -> None:
    model, judge = Script(answer_of(TRUE, WRONG, "It is better.")), Script(verdicts_of(True, False))
    [draft] = await desk.write(model, judge)
    assert (draft.state, printed(draft), draft.claims_dropped) == (DraftState.CHECKED, [TRUE], 2)
    assert (draft.calls, draft.tokens, await desk.used()) == (2, 20, 20)
    [asked] = judge.asked
    assert TRUE in asked[-1]["content"]
    assert WRONG not in asked[-1]["content"]
    assert [problem.partition(": ")[2] for problem in draft.problems] == [
        'the number "99.9%" is not in the paragraph of the span',
        "the judge: so",
    ]
    [again] = await desk.write(model, judge)
    assert again == draft
    assert (model.requests, judge.requests) == (1, 1)


async def test_draft_without_valid_claims_is_not_sent_to_the_judge(desk: Desk) -> None:
    model, judge = Script(answer_of(LINK, WRONG)), Script(verdicts_of())
    [draft] = await desk.write(model, judge)
    assert (draft.state, draft.text, judge.requests) == (DraftState.FAILED, None, 0)
    assert draft.problems[-1] == drafting.NO_CLAIM
    assert len(desk.problems) == 1


@pytest.mark.parametrize(
    "outcome",
    [
        ModelError("Error code: 413", tokens=0),
        "no JSON at all",
        verdicts_of(True, True),
        verdicts_of(),
        '{"verdicts": [{"claim": 2, "is_proved": true}]}',
    ],
)
async def test_retries_a_failed_judgement_without_writing_again(desk: Desk, outcome: Outcome) -> None:
    model, judge = Script(answer_of(TRUE)), Script(outcome)
    [draft] = await desk.write(model, judge)
    assert draft.state is DraftState.FAILED
    assert (model.requests, judge.requests) == (1, drafting.MAX_FAILURES)
    [same] = await desk.write(model, judge)
    assert (same, judge.requests) == (draft, drafting.MAX_FAILURES)
    [judged] = await desk.write(model, Script(verdicts_of(True)), retries_failed=True)
    assert (judged.state, printed(judged), model.requests) == (DraftState.CHECKED, [TRUE], 1)


async def test_round_after_an_outage_is_told_and_starts_with_other_papers(desk: Desk) -> None:
    """A typed `write` would else be silent for minutes."""
    outage = ModelError("Error code: 429", tokens=0, is_outage=True)
    model = Script(outage, outage, answer_of(TRUE))
    with capture_logs() as entries:
        drafts = await desk.write(model, Script(verdicts_of(True)), count=3, daily=10**9)
    said = [entry["reason"] for entry in entries if entry["log_level"] == "warning"]
    assert said == ["Error code: 429"]
    assert {draft.state for draft in drafts} == {DraftState.CHECKED}
    assert [draft.calls for draft in drafts] == [3, 3, 2]
    assert desk.pauses == [drafting.ROUND_SECONDS] * 2


async def test_a_paper_at_which_the_server_fails_alone_becomes_an_extract(desk: Desk) -> None:
    """A judge that answers others, before and after, and breaks down at this paper's claims each time."""
    outage = ModelError("Error code: 500", tokens=0, is_outage=True)
    proved = verdicts_of(True)
    judge = Script(outage, proved, outage, outage, outage)
    drafts = await desk.write(Script(answer_of(TRUE)), judge, count=2, daily=10**9)
    assert [draft.state for draft in drafts] == [DraftState.FAILED, DraftState.CHECKED]
    assert judge.requests == drafting.MAX_FAILURES + 1


@pytest.mark.parametrize("count", [1, 5, 9])
async def test_papers_wait_for_a_judge_that_is_away(desk: Desk, count: int) -> None:
    outage = ModelError("Error code: 502", tokens=0, is_outage=True)
    model = Script(answer_of(TRUE))
    drafts = await desk.write(model, Script(outage), count=count)
    assert {draft.state for draft in drafts} == {DraftState.WRITTEN}
    drafts = await desk.write(model, Script(verdicts_of(True)), count=count)
    assert {draft.state for draft in drafts} == {DraftState.CHECKED}
    assert model.requests == count


async def test_a_longer_pause_that_the_server_asks_for_is_kept(desk: Desk) -> None:
    waits = [ModelError("429", tokens=0, is_outage=True, retry_after=seconds) for seconds in (300.0, 5.0)]
    [draft] = await desk.write(Script(*waits, answer_of(TRUE)), Script(verdicts_of(True)))
    assert draft.state is DraftState.CHECKED
    assert desk.pauses == [300.0, drafting.ROUND_SECONDS]


async def test_wrong_key_ends_the_run_without_failing_papers(desk: Desk) -> None:
    model = Script(ModelError("Error code: 401", tokens=0, is_fatal=True))
    drafts = await desk.write(model, count=6, daily=10**9)
    assert model.requests == 1
    assert {draft.state for draft in drafts} == {DraftState.PLANNED}
    assert desk.pauses == []
    drafts = await desk.write(Script(answer_of(TRUE)), Script(verdicts_of(True)), count=6)
    assert {draft.state for draft in drafts} == {DraftState.CHECKED}


@pytest.mark.parametrize("period", ["daily", "monthly"])
async def test_at_most_one_call_exceeds_a_token_cap(desk: Desk, period: str) -> None:
    model = Script(answer_of(TRUE), tokens=1_000)
    judge = Script(verdicts_of(True), tokens=100)
    drafts = await desk.write(model, judge, count=9, **{period: 3_200})
    states = [*[DraftState.CHECKED] * 2, DraftState.WRITTEN, *[DraftState.PLANNED] * 6]
    assert [draft.state for draft in drafts] == states
    assert await desk.used() == 3_200
    [problem] = desk.problems
    assert problem.startswith("7 papers left: token budget: 3,200 of the ")
    drafts = await desk.write(model, judge, count=9, **{period: 3_201})
    assert drafts[2].state is DraftState.CHECKED
    assert (model.requests, await desk.used()) == (3, 3_300)


async def test_a_call_without_a_token_count_counts_as_the_maximum(desk: Desk) -> None:
    await desk.write(Script(answer_of(TRUE), tokens=None), Script(verdicts_of(True)))
    assert prompts.MAX_TOKENS[FORM] < await desk.used() < 10_000


async def test_run_after_a_timeout_reuses_stored_responses(desk: Desk) -> None:
    is_asked = asyncio.Event()

    async def hang() -> None:
        is_asked.set()
        await asyncio.Event().wait()

    model = Script(answer_of(TRUE))
    [draft] = await desk.write(model, Script(hang), seconds=patience.Until(is_asked))
    # The response was stored, but the run ended before the draft was returned.
    assert draft.state is DraftState.PLANNED
    assert desk.problems == ["1 paper left: the time is over"]
    [draft] = await desk.write(model, Script(verdicts_of(True)))
    assert (draft.state, model.requests) == (DraftState.CHECKED, 1)


async def test_rewrites_a_changed_abstract_and_refuses_an_empty_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, judge = Script(answer_of(TRUE)), Script(verdicts_of(True))
    await desk.write(model, judge)
    monkeypatch.setattr(f"{__name__}.TEXT", f"{TEXT} It is new.")
    await desk.write(model, judge)
    assert model.requests == 2
    monkeypatch.setattr(f"{__name__}.TEXT", "")
    [draft] = await desk.write(model, judge)
    assert (draft.state, model.requests) == (DraftState.REFUSED, 2)


async def test_bug_fails_only_one_paper(desk: Desk) -> None:
    model = Script(RuntimeError("a bug"), answer_of(TRUE))
    drafts = await desk.write(model, Script(verdicts_of(True)), count=3, daily=10**9)
    assert [draft.state for draft in drafts] == [DraftState.FAILED, *[DraftState.CHECKED] * 2]
    assert desk.problems == ["2611.10001: a bug"]
