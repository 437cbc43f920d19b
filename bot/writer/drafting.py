"""Writes the draft of one paper: asks the model, checks the answer, has it repaired once, and drops what fails again."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import structlog

from bot.archive import arxiv_ids, listing, summaries
from bot.archive.summaries import Basis as SummariesBasis
from bot.core import isolation
from bot.core.clock import Clock
from bot.glossary.resolver import Glossary
from bot.writer import claims as writer_claims
from bot.writer import language_model, paper_text, prompts
from bot.writer.language_model import ModelError
from storage import errors, models, writer
from storage.database import Connection, Database
from storage.errors import StorageError

# The token budget: reserves before each call what it may use at most, and settles with what it used.
#
# Days and months are in UTC. Several processes may share a budget: each reservation is one transaction.

BYTES_PER_TOKEN = 2
"""UTF-8 bytes of a prompt per reserved token: fewer than any tokenizer needs on average, in either language."""

MARK = "token budget"
"""The beginning of a refusal, by which it is known from other problems of a draft."""
OnReserved = Callable[[Connection], Awaitable[None]]


class BudgetError(errors.PaperroundError):
    """A cap would be passed by the next call."""


def estimate_tokens(prompt: str, max_tokens: int) -> int:
    """Return the tokens to reserve for a prompt and an answer of at most `max_tokens`."""
    return -(-len(prompt.encode()) // BYTES_PER_TOKEN) + max_tokens


class TokenBudget:
    """The tokens that may be used in a day and in a month; None for no cap."""

    def __init__(
        self, database: Database, clock: Clock, *, daily: int | None = None, monthly: int | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._daily, self._monthly = daily, monthly
        self._open = 0
        self._settled = asyncio.Condition()

    async def reserve(self, tokens: int, on_reserved: OnReserved) -> date:
        """Reserve tokens and call `on_reserved` in the same transaction. Returns the day of the reservation.

        While other calls run, it waits for them to settle instead of refusing. Raises BudgetError.
        """
        async with self._settled:
            while True:
                day = self._clock().date()
                async with self._database.transaction() as connection:
                    if await writer.reserve_tokens(
                        connection, day, tokens, daily=self._daily, monthly=self._monthly
                    ):
                        await on_reserved(connection)
                        self._open += 1
                        return day
                if self._open == 0:
                    raise BudgetError(await self._describe(tokens, day))
                await self._settled.wait()

    async def settle(self, connection: Connection, day: date, *, reserved: int, used: int) -> None:
        """Replace a reservation by what the call used, in the transaction that stores its outcome."""
        await writer.settle_tokens(connection, day, reserved=reserved, used=used)

    async def release(self) -> None:
        """Say that a call has ended, settled or not."""
        async with self._settled:
            self._open -= 1
            self._settled.notify_all()

    async def _describe(self, tokens: int, day: date) -> str:
        async with self._database.read() as connection:
            of_day, of_month = await writer.get_token_totals(connection, day)
        is_daily = self._daily is not None and of_day + tokens > self._daily
        total, cap, period = (of_day, self._daily, "day") if is_daily else (of_month, self._monthly, "month")
        return f"{MARK}: the next call may use {tokens:,} tokens, and {total:,} of the {period}'s {cap:,} are used"


# The circuit breaker of the model's server: pauses all calls when it asks for that or fails, and gives up in the end.

FAILURES = 5
"""Outages in a row that open the circuit."""
PAUSES_SECONDS = (5.0, 10.0)
"""The pauses after the first openings in a row; the next opening ends the run's calls."""
MAX_RETRY_AFTER_SECONDS = 900.0
"""A server that asks for a longer pause is asked no more in this run."""


class CircuitBreaker:
    """Judges a server by the outcomes of its calls. `timer` gives seconds."""

    def __init__(self, timer: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._timer = timer
        self._sleep = sleep
        self._failures = 0
        self._openings = 0
        self._paused_until = timer()
        self._broken: str | None = None

    async def wait(self) -> None:
        """Wait until the next call may be sent. Raises ModelError if none may be sent in this run."""
        while self._broken is None and (seconds := self._paused_until - self._timer()) > 0:
            await self._sleep(seconds)
        if self._broken is not None:
            raise ModelError(self._broken, tokens=0, is_fatal=True)

    def record_success(self) -> None:
        """Close the circuit."""
        self._failures = self._openings = 0

    def record_failure(self, error: ModelError) -> None:
        """Pause or end the calls if this failure asks for that."""
        if error.is_fatal:
            self._broken = str(error)
        elif error.retry_after is not None:
            self._pause(error.retry_after, error)
        elif error.is_outage:
            self._record_outage(error)

    def _pause(self, seconds: float, error: ModelError) -> None:
        if seconds > MAX_RETRY_AFTER_SECONDS:
            self._broken = f"it asks for a pause of {seconds:.0f} s: {error}"
        self._paused_until = max(self._paused_until, self._timer() + seconds)

    def _record_outage(self, error: ModelError) -> None:
        if self._timer() < self._paused_until:
            return  # it was sent before the circuit opened
        self._failures += 1
        if self._failures < FAILURES:
            return
        if self._openings == len(PAUSES_SECONDS):
            self._broken = str(error)
            return
        self._paused_until = self._timer() + PAUSES_SECONDS[self._openings]
        self._openings += 1
        self._failures = FAILURES - 1


# Calls of the language model: four at a time, within the budget, each stored before the next one of its slot begins.

CONCURRENCY = 4

OnEnded = Callable[[Connection, str | language_model.ModelError, int], Awaitable[None]]
"""Stores the outcome of a call, an answer or an error, with the tokens that it used."""


class ModelCalls:
    """The calls of one run. `count` and `tokens` are those of all requests so far."""

    def __init__(
        self,
        database: Database,
        model: language_model.LanguageModel,
        token_budget: TokenBudget,
        breaker: CircuitBreaker,
    ) -> None:
        self._database = database
        self._model = model
        self._budget = token_budget
        self._breaker = breaker
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self.tokens = 0

    @property
    def model_name(self) -> str:
        """The server's name for the model."""
        return self._model.name

    @property
    def count(self) -> int:
        """Number of requests sent, with those that were refused or failed."""
        return self._model.requests

    async def call(
        self,
        messages: Sequence[language_model.Message],
        schema: Mapping[str, Any],
        max_tokens: int,
        *,
        on_reserved: OnReserved,
        on_ended: OnEnded,
    ) -> str:
        """Return the model's answer once it is stored. Raises ModelError, and BudgetError before a call.

        A call that is cut off, by a signal or a crash, keeps its reservation and stores nothing.
        """
        prompt = language_model.prompt_of(messages, schema)
        reserved = estimate_tokens(prompt, max_tokens)
        async with self._slots:
            await self._breaker.wait()
            day = await self._budget.reserve(reserved, on_reserved)
            try:
                outcome, tokens = await self._request(messages, schema, max_tokens)
                async with self._database.transaction() as connection:
                    if tokens is not None:
                        await self._budget.settle(connection, day, reserved=reserved, used=tokens)
                    await on_ended(connection, outcome, tokens or 0)
            finally:
                await self._budget.release()
        if isinstance(outcome, language_model.ModelError):
            raise outcome
        return outcome

    async def _request(
        self, messages: Sequence[language_model.Message], schema: Mapping[str, Any], max_tokens: int
    ) -> tuple[str | language_model.ModelError, int | None]:
        outcome: str | language_model.ModelError
        try:
            outcome, tokens = await self._model.complete(messages, schema, max_tokens=max_tokens)
        except language_model.ModelError as error:
            outcome, tokens = error, error.tokens
            self._breaker.record_failure(error)
        else:
            self._breaker.record_success()
        self.tokens += tokens or 0
        return outcome, tokens


MAX_CALLS = 4
"""Calls for one draft, with retries and the repair."""
FIRST_DELAY_SECONDS = 1.0
"""Delay before the second call after an outage, doubling after each."""
NO_CLAIM = "no claim passed the checks"
"""The last problem of a draft of which nothing is left."""

Messages = Sequence[language_model.Message]
Claims = Sequence[prompts.Claim]
Check = Callable[[Claims], Mapping[int, Sequence[str]]]
"""Returns the problems of each claim that fails, by its index. Runs in a thread."""


class Drafter:
    """Writes drafts of one run. `check` is given the claims, the source and the language of a draft."""

    def __init__(
        self,
        model_calls: ModelCalls,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
    ) -> None:
        self._calls = model_calls
        self._clock = clock
        self._sleep = sleep
        self._random = random

    async def write(self, draft: writer.Draft, requests: Iterator[Messages], check: Check) -> writer.Draft:
        """Return the draft in a final state, not stored yet. Each answer is stored as soon as it is there.

        `requests` are the messages with the paper, then those with less of it for a model with a small window.
        Raises BudgetError if there is no answer, and no tokens for a call.
        """
        schema, messages = prompts.build_schema(draft.format), next(requests)
        while True:
            answers = _answers_of(draft)
            failed = await asyncio.to_thread(check, answers[0]) if answers else {}
            if answers and (not failed or len(answers) > 1 or draft.calls >= MAX_CALLS):
                return await self._finish(draft, answers, failed, check)
            if draft.calls >= MAX_CALLS:
                return self._fail(draft)
            request = messages
            if answers:
                listed = _describe(answers[0], failed)
                request = prompts.build_repair(messages, prompts.claims_to_json(answers[0]), listed)
            try:
                draft, error = await self._call(draft, request, schema)
            except BudgetError as refusal:
                if not answers:
                    raise
                return await self._finish(draft, answers, failed, check, str(refusal))
            if error is None or error.is_retryable:
                continue
            if answers:
                # What the first answer has that passes is kept.
                return await self._finish(draft, answers, failed, check, str(error))
            shorter = next(requests, None) if error.is_too_long else None
            if shorter is None:
                return self._fail(draft, str(error))
            messages = shorter

    def _fail(self, draft: writer.Draft, *problems: str) -> writer.Draft:
        problems = tuple(problem for problem in problems if problem not in draft.problems[-1:])
        state, problems = writer.DraftState.FAILED, (*draft.problems, *problems)
        return replace(draft, state=state, problems=problems, updated_at=self._clock())

    async def _call(
        self, draft: writer.Draft, messages: Messages, schema: Mapping[str, Any]
    ) -> tuple[writer.Draft, language_model.ModelError | None]:
        """Return the draft after one more call, as it is stored, and the error of the call."""
        draft = replace(draft, state=writer.DraftState.WRITING, updated_at=self._clock())
        ended = draft

        async def on_reserved(connection: Connection) -> None:
            await writer.save_draft(connection, [draft])

        async def on_ended(
            connection: Connection, outcome: str | language_model.ModelError, tokens: int
        ) -> None:
            nonlocal ended
            ended = self._add_outcome(draft, outcome, tokens)
            await writer.save_draft(connection, [ended])

        max_tokens = prompts.MAX_TOKENS[draft.format]
        try:
            await self._calls.call(messages, schema, max_tokens, on_reserved=on_reserved, on_ended=on_ended)
        except language_model.ModelError as error:
            if error.is_retryable and error.is_outage and ended.calls < MAX_CALLS:
                await self._sleep(FIRST_DELAY_SECONDS * 2 ** (ended.calls - 1) * (0.5 + self._random() / 2))
            return ended, error
        return ended, None

    def _add_outcome(
        self, draft: writer.Draft, outcome: str | language_model.ModelError, tokens: int
    ) -> writer.Draft:
        draft = replace(draft, calls=draft.calls + 1, tokens=draft.tokens + tokens, updated_at=self._clock())
        if isinstance(outcome, language_model.ModelError):
            return replace(draft, problems=(*draft.problems, str(outcome)))
        try:
            claims = prompts.read_answer(outcome, draft.format, is_partial_allowed=bool(draft.text))
        except prompts.AnswerError as error:
            return replace(
                draft, problems=(*draft.problems, f"{language_model.NO_ANSWER} cannot be used: {error}")
            )
        answers = [*_answers_of(draft), claims]
        return replace(draft, text=json.dumps([prompts.claims_to_json(answer) for answer in answers]))

    async def _finish(
        self,
        draft: writer.Draft,
        answers: Sequence[Claims],
        failed: Mapping[int, Sequence[str]],
        check: Check,
        *problems: str,
    ) -> writer.Draft:
        """Return the draft with the claims that pass: those of the first answer, and corrected ones of the second."""
        [first, *others] = answers
        kept: list[prompts.Claim | None] = [
            None if index in failed else claim for index, claim in enumerate(first)
        ]
        for repaired in others:
            still_failed = await asyncio.to_thread(check, repaired)
            kept = merge_drafts(first, failed, repaired, still_failed)
            problems += tuple(_describe(repaired, still_failed))
        claims = [claim for claim in kept if claim is not None]
        state = writer.DraftState.CHECKED if claims else writer.DraftState.FAILED
        return replace(
            draft,
            state=state,
            text=prompts.claims_to_json(claims) if claims else None,
            claims_dropped=len(first) - len(claims),
            problems=(*_describe(first, failed), *problems, *(() if claims else (NO_CLAIM,))),
            updated_at=self._clock(),
        )


def merge_drafts(
    first: Claims,
    failed: Mapping[int, Sequence[str]],
    repaired: Claims,
    still_failed: Mapping[int, Sequence[str]],
) -> list[prompts.Claim | None]:
    """Return the claims of the first answer, those that failed replaced by what the second has for them, or by None.

    Claims that passed stay as they are, also if the second answer changed them.
    """
    merged: list[prompts.Claim | None] = []
    known = {claim.text for claim in first}
    for section in dict.fromkeys(claim.section for claim in first):
        before = [index for index, claim in enumerate(first) if claim.section == section]
        after = [index for index, claim in enumerate(repaired) if claim.section == section]
        is_aligned = len(before) == len(after)
        candidates = [
            None if index in still_failed or repaired[index].text in known else repaired[index]
            for index in after
        ]
        spare = [claim for claim in candidates if claim is not None]
        for position, index in enumerate(before):
            if index not in failed:
                merged.append(first[index])
            elif is_aligned:
                merged.append(candidates[position])
            else:
                merged.append(spare.pop(0) if spare else None)
    return merged


def _answers_of(draft: writer.Draft) -> list[tuple[prompts.Claim, ...]]:
    """Return the answers of a draft that is being written."""
    texts = json.loads(draft.text) if draft.text else []
    return [prompts.read_answer(text, draft.format, is_partial_allowed=True) for text in texts]


def _describe(claims: Claims, failed: Mapping[int, Sequence[str]]) -> list[str]:
    return [f'"{claims[index].text}": {"; ".join(reasons)}' for index, reasons in sorted(failed.items())]


# Writes the drafts of a day's papers in one format and language.
#
# Each paper is read and written in a task of its own, so that one that is read slowly holds back no other.

log = structlog.get_logger(__name__)

Reader = Callable[[listing.Paper], Awaitable[models.PaperText]]
"""Returns the text of a paper with its basis; an empty text if there is none."""
OnProblem = Callable[[str], None]
Basis = summaries.Basis
State = writer.DraftState
WINDOW_DIVISORS = (1, 4, 12)
"""A model whose window is too small for the paper gets a quarter of it, then a twelfth, in whole sections where it can."""
FINAL = frozenset({State.CHECKED, State.REFUSED})
"""The states that last while the input is the same. A failed draft is written again in the next run."""


class DraftWriter:
    """Writes the drafts of one format and language with one model, in one run."""

    def __init__(
        self, database: Database, clock: Clock, drafter: Drafter, read: Reader, glossary: Glossary
    ) -> None:
        self._database = database
        self._clock = clock
        self._drafter = drafter
        self._read = read
        self._glossary = glossary

    async def write_all(
        self,
        papers: Sequence[listing.Paper],
        like: writer.Draft,
        *,
        on_done: Callable[[int], None],
        on_problem: OnProblem,
        seconds: float | None = None,
        keeps_calls: bool = False,
    ) -> dict[str, writer.Draft]:
        """Return the draft of each paper by arXiv id. `like` has the format, language, prompt version and model.

        A draft that is not in a final state failed, or was not written within `seconds`; the next run goes on with it.
        `keeps_calls`: the calls for a failed draft count, so that it gets no more than another run left of them.
        """
        known = await self._plan(papers, like, keeps_calls=keeps_calls)
        unfinished = {paper["arxiv_id"]: paper for paper in papers}

        async def write_one(paper: listing.Paper) -> None:
            arxiv_id = paper["arxiv_id"]
            known[arxiv_id] = draft = await self._write_isolated(paper, known[arxiv_id])
            if draft.state is State.FAILED:
                on_problem(f"{arxiv_id}: {draft.problems[-1]}")
            del unfinished[arxiv_id]
            on_done(len(known) - len(unfinished))

        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for paper in papers:
                    group.create_task(write_one(paper))
        except TimeoutError:
            pass
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        for arxiv_id in unfinished:
            on_problem(f"{arxiv_id}: it was not written before the deadline")
        return known

    async def estimate(self, papers: Sequence[listing.Paper], like: writer.Draft) -> list[tuple[Basis, int]]:
        """Return the basis of each paper and the tokens to reserve for its first call, 0 if none is needed."""
        async with self._database.read() as connection:
            known = await writer.find_draft(connection, like, [paper["arxiv_id"] for paper in papers])

        async def estimate_one(paper: listing.Paper) -> tuple[Basis, int]:
            draft = known.get(paper["arxiv_id"])
            if draft is not None and self._is_done(paper, draft):
                return Basis(draft.basis or "none"), 0
            source = await self._read(paper)
            if source.basis == Basis.NONE:
                return Basis.NONE, 0
            requests, _ = await self._prepare(paper, like, source)
            prompt = language_model.prompt_of(next(requests), prompts.build_schema(like.format))
            return Basis(source.basis), estimate_tokens(prompt, prompts.MAX_TOKENS[like.format])

        return list(await asyncio.gather(*map(estimate_one, papers)))

    async def _plan(
        self, papers: Sequence[listing.Paper], like: writer.Draft, *, keeps_calls: bool
    ) -> dict[str, writer.Draft]:
        """Return the known drafts of the papers, and a new one for each paper without a draft or with a failed one."""
        async with self._database.read() as connection:
            known = await writer.find_draft(connection, like, [paper["arxiv_id"] for paper in papers])
        new = []
        for paper in papers:
            draft = known.get(paper["arxiv_id"])
            if draft is None or (draft.state is State.FAILED and not keeps_calls):
                new.append(replace(like, arxiv_id=paper["arxiv_id"], state=State.READING))
            elif draft.state is State.FAILED:
                new.append(replace(draft, state=State.READING, updated_at=like.updated_at))
        async with self._database.transaction() as connection:
            await writer.save_draft(connection, new)
        known |= {draft.arxiv_id: draft for draft in new}
        return {paper["arxiv_id"]: known[paper["arxiv_id"]] for paper in papers}

    async def _write_isolated(self, paper: listing.Paper, draft: writer.Draft) -> writer.Draft:
        """Return the draft of a paper, written and stored. An error of ours fails this paper alone."""
        failures: list[Exception] = []
        with isolation.collected(failures, reraise=(StorageError,)):
            return await self._write(paper, draft)
        [error] = failures
        if not isinstance(error, BudgetError):
            isolation.log_error(log, "draft not written", error, paper=paper["arxiv_id"])
        reason = str(error) or type(error).__name__
        return await self._save(replace(draft, state=State.FAILED, problems=(reason,)))

    @staticmethod
    def _is_done(paper: listing.Paper, draft: writer.Draft) -> bool:
        """Return whether nothing is to be written: the paper was read in full, or its abstract is the same."""
        if draft.state is State.CHECKED and draft.basis == Basis.PAPER:
            return True
        abstract = str(paper.get("abstract") or "")
        return draft.state in FINAL and draft.input_hash == hash_input(paper, abstract)

    async def _write(self, paper: listing.Paper, draft: writer.Draft) -> writer.Draft:
        if self._is_done(paper, draft):
            return draft
        source = await self._read(paper)
        input_hash = hash_input(paper, source.text)
        if draft.input_hash != input_hash:
            draft = replace(
                draft,
                input_hash=input_hash,
                basis=source.basis,
                state=State.READING,
                text=None,
                problems=(),
                claims_dropped=0,
                calls=0,
                tokens=0,
                updated_at=self._clock(),
            )
        if source.basis == Basis.NONE:
            draft = replace(draft, state=State.REFUSED)
        if draft.state not in FINAL:
            draft = await self._drafter.write(draft, *await self._prepare(paper, draft, source))
        return await self._save(draft)

    async def _prepare(
        self, paper: listing.Paper, draft: writer.Draft, source: models.PaperText
    ) -> tuple[Iterator[Messages], Check]:
        """Return the messages of a draft, with less and less of a long paper, and the check of its claims."""
        title, language = str(paper.get("title") or paper["arxiv_id"]), draft.language
        shown = await asyncio.to_thread(prompts.fit_source, source.text)
        terms: tuple[str, ...] = ()
        if language is models.Locale.KO:
            terms = await asyncio.to_thread(prompts.list_terms, self._glossary, shown)
        basis, text = Basis(source.basis), f"{title}\n{source.text}"

        def build_requests() -> Iterator[Messages]:
            for divisor in WINDOW_DIVISORS:
                part = prompts.fit_source(shown, prompts.MAX_SOURCE_CHARACTERS // divisor)
                yield prompts.build_messages(title, part, basis, draft.format, language, terms)

        def check_claims(claims: Claims) -> dict[int, Sequence[str]]:
            pairs = [(claim.text, claim.span) for claim in claims]
            problems = writer_claims.check_claims(pairs, text, language, terms=terms, object_to=_object_to)
            return {index: found for index, found in enumerate(problems) if found}

        return build_requests(), check_claims

    async def _save(self, draft: writer.Draft) -> writer.Draft:
        async with self._database.transaction() as connection:
            await writer.save_draft(connection, [draft])
        return draft


def hash_input(paper: listing.Paper, text: str) -> str:
    """Return what identifies the input of a draft: the hash of the title and the text that is read."""
    return hashlib.sha256(json.dumps([paper.get("title"), text]).encode()).hexdigest()


def _object_to(text: str) -> str | None:
    """Return what is wrong with a claim that says nothing."""
    is_empty = summaries.is_refusal(text) or summaries.is_empty_statement(text)
    return "it says nothing about the paper" if is_empty else None


# Reads the text of a paper once: from storage, else from where it is published, else the abstract of the day's list.


class TextReader:
    """Reads and stores texts of papers."""

    def __init__(self, database: Database, source: paper_text.PaperTextReader, clock: Clock) -> None:
        self._database = database
        self._source = source
        self._clock = clock

    async def read(self, paper: listing.Paper) -> models.PaperText:
        """Return the full text of a paper, else its abstract; an empty text with the basis `none` without either."""
        arxiv_id, abstract = paper["arxiv_id"], str(paper.get("abstract") or "")
        async with self._database.read() as connection:
            stored = await writer.get_text(connection, arxiv_id)
        if stored is not None:
            return stored
        text = await self._source.read(arxiv_id, str(paper.get("title") or ""))
        if text is None:
            basis = SummariesBasis.ABSTRACT if abstract else SummariesBasis.NONE
            url = arxiv_ids.huggingface_url(arxiv_id)
            return models.PaperText(arxiv_id, abstract, url, self._clock(), basis.value)
        async with self._database.transaction() as connection:
            await writer.save_text(connection, text)
        return text
