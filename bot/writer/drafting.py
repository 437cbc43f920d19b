"""Writes the drafts of a day's papers in one format and language with one model.

`TokenBudget` and `CircuitBreaker` stand before every call. `Drafter` writes one paper: it asks the model, checks the
answer, asks the judge about what passes if there is one, has the rest repaired once, and drops what fails again.
`DraftWriter` writes all papers of a day.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import structlog

from bot.archive import arxiv_ids, listing
from bot.archive.summaries import Basis
from bot.core import isolation
from bot.core.clock import Clock
from bot.glossary.resolver import Glossary
from bot.writer import claims as writer_claims
from bot.writer import language_model, paper_text, prompts
from bot.writer.language_model import ModelError
from storage import errors, models, writer
from storage.database import Database
from storage.errors import StorageError
from storage.writer import DraftState

log = structlog.get_logger(__name__)

BYTES_PER_TOKEN = 2
"""UTF-8 bytes of a prompt per reserved token: fewer than any tokenizer needs on average, in either language."""
MAX_BYTES_PER_TOKEN = 16
"""UTF-8 bytes per token, more than any tokenizer has on average: English has 4 to 5."""

MARK = "token budget"
"""The beginning of a refusal, by which it is known from other problems of a draft."""


class BudgetError(errors.PaperroundError):
    """The next call could exceed a cap."""


def estimate_tokens(prompt: str, max_tokens: int) -> int:
    """Return the tokens to reserve for a prompt and an answer of at most `max_tokens`."""
    return -(-len(prompt.encode()) // BYTES_PER_TOKEN) + max_tokens


class TokenBudget:
    """The tokens that may be used in a day and in a month (UTC); None for no cap.

    Before each call it reserves what the call may use at most. Several processes may share a budget: each reservation is
    one transaction.
    """

    def __init__(
        self, database: Database, clock: Clock, *, daily: int | None = None, monthly: int | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._daily, self._monthly = daily, monthly
        self._open = 0
        self._settled = asyncio.Condition()

    async def reserve(self, tokens: int, *drafts: writer.Draft) -> date:
        """Reserve tokens, and store drafts in the same transaction. Returns the day of the reservation.

        While other calls run, it waits for them to settle instead of refusing. Raises BudgetError.
        """
        async with self._settled:
            while True:
                day = self._clock().date()
                async with self._database.transaction() as connection:
                    if await writer.reserve_tokens(
                        connection, day, tokens, daily=self._daily, monthly=self._monthly
                    ):
                        await writer.save_draft(connection, drafts)
                        self._open += 1
                        return day
                if self._open == 0:
                    raise BudgetError(await self._describe(tokens, day))
                await self._settled.wait()

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


FAILURES = 5
"""Outages in a row that open the circuit."""
PAUSES_SECONDS = (5.0, 10.0)
"""The pauses after the first openings in a row; the next opening ends the run's calls."""
MAX_RETRY_AFTER_SECONDS = 900.0
"""A server that asks for a longer pause is asked no more in this run."""


class CircuitBreaker:
    """Pauses all calls when the model's server asks for that or fails, and finally stops them. `timer` gives seconds."""

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
        elif (seconds := error.retry_after) is not None:
            if seconds > MAX_RETRY_AFTER_SECONDS:
                self._broken = f"it asks for a pause of {seconds:.0f} s: {error}"
            self._paused_until = max(self._paused_until, self._timer() + seconds)
        elif error.is_outage and self._timer() >= self._paused_until:
            # One that was sent before the circuit opened does not count.
            self._record_outage(error)

    def _record_outage(self, error: ModelError) -> None:
        self._failures += 1
        if self._failures < FAILURES:
            return
        if self._openings == len(PAUSES_SECONDS):
            self._broken = str(error)
            return
        self._paused_until = self._timer() + PAUSES_SECONDS[self._openings]
        self._openings += 1
        self._failures = FAILURES - 1


CONCURRENCY, MAX_BEGUN = 4, 8
"""Calls at a time, and drafts that are begun and not finished: some are checked while calls are made for others."""
MAX_CALLS, MAX_JUDGED_CALLS = 4, 7
"""Calls for one draft, with retries and the repair; without a judge and with one."""
FIRST_DELAY_SECONDS = 1.0
"""Delay before the second call after an outage, doubling after each."""
NOT_JUDGED = "the judge gave no verdicts"
NO_CLAIM = "no claim passed the checks"
"""The last problem of a draft of which nothing is left."""

Messages = Sequence[language_model.Message]
Claims = Sequence[prompts.Claim]
Problems = dict[int, Sequence[str]]
"""What is wrong with each claim that fails, by its index."""
Check = Callable[[Claims], Awaitable[tuple[Sequence[writer_claims.Findings], str]]]
"""Returns what is wrong with each claim, and the excerpts of the paper by which a judge decides."""


class Drafter:
    """Writes single drafts of one run. `tokens` are those that its calls have used so far.

    With a `judge` a claim that passes the check is kept only if that model finds it proved.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        model: language_model.LanguageModel,
        token_budget: TokenBudget,
        breaker: CircuitBreaker,
        *,
        judge: language_model.LanguageModel | None = None,
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
    ) -> None:
        self._database = database
        self._clock = clock
        self._judge = judge
        self._max_calls = MAX_CALLS if judge is None else MAX_JUDGED_CALLS
        self._budget = token_budget
        self._breaker = breaker
        self._sleep = sleep
        self._random = random
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._begun = asyncio.Semaphore(MAX_BEGUN)
        self.model = model
        self.tokens = 0

    @property
    def requests(self) -> int:
        """The number of requests sent so far, to the model and to the judge."""
        return self.model.requests + (self._judge.requests if self._judge else 0)

    async def write(self, draft: writer.Draft, requests: Iterator[Messages], check: Check) -> writer.Draft:
        """Return the draft in a final state, not stored yet. Each answer is stored as soon as it is there.

        `requests` are the messages with the paper, then those with less of it for a model with a small window.
        Raises BudgetError if there is no answer, and no tokens for a call.
        """
        # Else the first calls of all drafts would come before the judge's, and a cap would be spent on answers that are
        # never judged.
        async with self._begun:
            return await self._write(draft, requests, check)

    async def _write(self, draft: writer.Draft, requests: Iterator[Messages], check: Check) -> writer.Draft:
        messages = next(requests)
        verdicts: dict[prompts.Claim, str] = {}
        while True:
            answers = _answers_of(draft)
            failed: Problems = {}
            if answers:
                draft, failed, refusal = await self._check(draft, answers[0], check, verdicts)
                if refusal is not None:
                    return self._fail(draft, refusal)
            if answers and (not failed or len(answers) > 1 or draft.calls >= self._max_calls):
                return await self._finish(draft, answers, failed, check, verdicts)
            if draft.calls >= self._max_calls:
                return self._fail(draft)
            request = messages
            if answers:
                listed = _describe(answers[0], failed)
                request = prompts.build_repair(messages, prompts.claims_to_json(answers[0]), listed)
            try:
                draft, error = await self._call(
                    draft,
                    self.model,
                    request,
                    prompts.build_schema(draft.format),
                    prompts.MAX_TOKENS[draft.format],
                    _add_answer,
                )
            except BudgetError as refusal:
                if not answers:
                    raise
                return await self._finish(draft, answers, failed, check, verdicts, str(refusal))
            if error is None or error.is_retryable:
                continue
            if answers:
                # What the first answer has that passes is kept.
                return await self._finish(draft, answers, failed, check, verdicts, str(error))
            shorter = next(requests, None) if error.is_too_long else None
            if shorter is None:
                return self._fail(draft, str(error))
            messages = shorter

    def _fail(self, draft: writer.Draft, *problems: str) -> writer.Draft:
        new = tuple(problem for problem in problems if problem not in draft.problems[-1:])
        return replace(
            draft, state=DraftState.FAILED, problems=(*draft.problems, *new), updated_at=self._clock()
        )

    async def _check(
        self, draft: writer.Draft, claims: Claims, check: Check, verdicts: dict[prompts.Claim, str]
    ) -> tuple[writer.Draft, Problems, str | None]:
        """Return the draft after the judge's calls, what is wrong with each claim, and why the judge did not answer.

        `verdicts` are the judge's so far, and get the new ones.
        """
        findings, excerpts = await check(claims)
        if self._judge is None:
            return (
                draft,
                {index: found.problems for index, found in enumerate(findings) if found.problems},
                None,
            )
        asked = {
            claim: doubts
            for claim, (faults, doubts) in zip(claims, findings, strict=True)
            if not faults and claim not in verdicts
        }
        refusal = None
        if asked:
            draft, refusal = await self._ask_judge(self._judge, draft, asked, excerpts, verdicts)
        failed: Problems = {}
        for index, (claim, found) in enumerate(zip(claims, findings, strict=True)):
            if found.faults:
                failed[index] = found.problems
            elif verdict := verdicts.get(claim, refusal):
                failed[index] = (verdict, *found.doubts)
        return draft, failed, refusal

    async def _ask_judge(
        self,
        judge: language_model.LanguageModel,
        draft: writer.Draft,
        claims: Mapping[prompts.Claim, Sequence[str]],
        excerpts: str,
        verdicts: dict[prompts.Claim, str],
    ) -> tuple[writer.Draft, str | None]:
        """Add the judge's verdicts on claims. Returns the draft after its calls, and why there is no answer."""

        def read(draft: writer.Draft, answer: str) -> writer.Draft:
            verdicts.update(prompts.read_verdicts(answer, claims))
            return draft

        messages = prompts.build_judgement(excerpts, claims)
        max_tokens = prompts.JUDGE_TOKENS_PER_CLAIM * len(claims)
        while draft.calls < self._max_calls:
            try:
                draft, error = await self._call(
                    draft, judge, messages, prompts.JUDGE_SCHEMA, max_tokens, read
                )
            except BudgetError as refusal:
                return draft, str(refusal)
            if claims.keys() <= verdicts.keys():
                return draft, None
            if error is not None and not error.is_retryable:
                return draft, f"{NOT_JUDGED}: {error}"
        return draft, NOT_JUDGED

    async def _call(
        self,
        draft: writer.Draft,
        model: language_model.LanguageModel,
        messages: Messages,
        schema: Mapping[str, Any],
        max_tokens: int,
        read: Callable[[writer.Draft, str], writer.Draft],
    ) -> tuple[writer.Draft, ModelError | None]:
        """Return the draft after one more call, as it is stored, and the error of the call. Raises BudgetError.

        `read` returns the draft with an answer, or raises AnswerError. A call that is cut off, by a signal or a crash, keeps
        its reservation and stores nothing.
        """
        reserved = estimate_tokens(language_model.prompt_of(messages, schema), max_tokens)
        draft = replace(draft, state=DraftState.WRITING, updated_at=self._clock())
        async with self._slots:
            try:
                await self._breaker.wait()
            except ModelError as error:
                return draft, error
            day = await self._budget.reserve(reserved, draft)
            try:
                outcome, used = await self._request(model, messages, schema, max_tokens)
                # In a thread: an answer of two megabytes takes a quarter of a second to read.
                draft = await asyncio.to_thread(self._add_outcome, draft, outcome, used or 0, read)
                async with self._database.transaction() as connection:
                    if used is not None:
                        await writer.settle_tokens(connection, day, reserved=reserved, used=used)
                    await writer.save_draft(connection, [draft])
            finally:
                await self._budget.release()
        if isinstance(outcome, str):
            return draft, None
        if outcome.is_retryable and outcome.is_outage and draft.calls < self._max_calls:
            await self._sleep(FIRST_DELAY_SECONDS * 2 ** (draft.calls - 1) * (0.5 + self._random() / 2))
        return draft, outcome

    async def _request(
        self,
        model: language_model.LanguageModel,
        messages: Messages,
        schema: Mapping[str, Any],
        max_tokens: int,
    ) -> tuple[str | ModelError, int | None]:
        """Return the answer, or the error, with the tokens that it used; None if that is unknown."""
        outcome: str | ModelError
        try:
            outcome, tokens = await model.complete(messages, schema, max_tokens=max_tokens)
        except ModelError as error:
            outcome, tokens = error, error.tokens
            self._breaker.record_failure(error)
        else:
            self._breaker.record_success()
        # A request that was refused used none; a server that counts too little would use more than the caps allow, and one
        # that counts more than one for each byte would spend a month's cap with one call.
        if tokens or (isinstance(outcome, str) and tokens is not None):
            answer = outcome if isinstance(outcome, str) else ""
            size = len(language_model.prompt_of(messages, schema).encode()) + len(answer.encode())
            tokens = min(max(tokens, size // MAX_BYTES_PER_TOKEN), size + max_tokens)
        self.tokens += tokens or 0
        return outcome, tokens

    def _add_outcome(
        self,
        draft: writer.Draft,
        outcome: str | ModelError,
        tokens: int,
        read: Callable[[writer.Draft, str], writer.Draft],
    ) -> writer.Draft:
        draft = replace(draft, calls=draft.calls + 1, tokens=draft.tokens + tokens, updated_at=self._clock())
        if isinstance(outcome, ModelError):
            return replace(draft, problems=(*draft.problems, str(outcome)))
        try:
            return read(draft, outcome)
        except prompts.AnswerError as error:
            problem = f"{language_model.NO_ANSWER} cannot be used: {error}"
            return replace(draft, problems=(*draft.problems, problem))

    async def _finish(
        self,
        draft: writer.Draft,
        answers: Sequence[Claims],
        failed: Problems,
        check: Check,
        verdicts: dict[prompts.Claim, str],
        *problems: str,
    ) -> writer.Draft:
        """Return the draft with the claims that pass: those of the first answer, and corrected ones of the second."""
        [first, *others] = answers
        claims = [claim for index, claim in enumerate(first) if index not in failed]
        for repaired in others:
            draft, still_failed, _ = await self._check(draft, repaired, check, verdicts)
            claims = _merge(first, failed, repaired, still_failed)
            problems += tuple(_describe(repaired, still_failed))
        return replace(
            draft,
            state=DraftState.CHECKED if claims else DraftState.FAILED,
            text=prompts.claims_to_json(claims) if claims else None,
            claims_dropped=len(first) - len(claims),
            problems=(*_describe(first, failed), *problems, *(() if claims else (NO_CLAIM,))),
            updated_at=self._clock(),
        )


def _merge(first: Claims, failed: Problems, repaired: Claims, still_failed: Problems) -> list[prompts.Claim]:
    """Return the claims of the first answer, those that failed replaced by what the second has for them, or left out.

    Claims that passed stay as they are, also if the second answer changed them.
    """
    merged: list[prompts.Claim | None] = []
    known = {claim.text for claim in first}
    for section in dict.fromkeys(claim.section for claim in first):
        before = [index for index, claim in enumerate(first) if claim.section == section]
        candidates = [
            None if index in still_failed or claim.text in known else claim
            for index, claim in enumerate(repaired)
            if claim.section == section
        ]
        spare = [claim for claim in candidates if claim is not None]
        for position, index in enumerate(before):
            if index not in failed:
                merged.append(first[index])
            elif len(before) == len(candidates):
                merged.append(candidates[position])
            elif spare:
                merged.append(spare.pop(0))
    return [claim for claim in merged if claim is not None]


def _add_answer(draft: writer.Draft, answer: str) -> writer.Draft:
    """Return the draft with one more answer. Raises AnswerError."""
    claims = prompts.read_answer(answer, draft.format, is_partial_allowed=bool(draft.text))
    answers = [*_answers_of(draft), claims]
    return replace(draft, text=json.dumps([prompts.claims_to_json(answer) for answer in answers]))


def _answers_of(draft: writer.Draft) -> list[tuple[prompts.Claim, ...]]:
    """Return the answers of a draft that is being written."""
    texts = json.loads(draft.text) if draft.text else []
    return [prompts.read_answer(text, draft.format, is_partial_allowed=True) for text in texts]


def _describe(claims: Claims, failed: Problems) -> list[str]:
    return [f'"{claims[index].text}": {"; ".join(reasons)}' for index, reasons in sorted(failed.items())]


OnProblem = Callable[[str], None]
WINDOW_DIVISORS = (1, 4, 12)
"""A model whose window is too small for the paper gets a quarter of it, then a twelfth, in whole sections where it can."""
FINAL = frozenset({DraftState.CHECKED, DraftState.REFUSED})
"""The states that last while the input is the same. A failed draft is written again in the next run."""


class DraftWriter:
    """Writes the drafts of one format and language with the model of `drafter`, in one run.

    Each paper is read and written in a task of its own, so that one that is read slowly holds back no other.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        drafter: Drafter,
        reader: paper_text.PaperTextReader,
        glossary: Glossary,
    ) -> None:
        self._database = database
        self._clock = clock
        self._reader = reader
        self._glossary = glossary
        self.drafter = drafter

    async def write_all(
        self,
        papers: Sequence[listing.Paper],
        form: models.DigestFormat,
        language: models.Locale,
        *,
        on_done: Callable[[int], None],
        on_problem: OnProblem,
        seconds: float | None = None,
    ) -> dict[str, writer.Draft]:
        """Return the draft of each paper by arXiv id.

        A draft that is not in a final state failed, or was not written within `seconds`; the next run goes on with it.
        """
        known = await self._plan(papers, self._series(form, language))
        unfinished = {paper["arxiv_id"]: paper for paper in papers}

        async def write_one(paper: listing.Paper) -> None:
            arxiv_id = paper["arxiv_id"]
            known[arxiv_id] = draft = await self._write_isolated(paper, known[arxiv_id])
            if draft.state is DraftState.FAILED:
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

    async def estimate(
        self, papers: Sequence[listing.Paper], form: models.DigestFormat, language: models.Locale
    ) -> list[tuple[Basis, int]]:
        """Return the basis of each paper and the tokens to reserve for its first call, 0 if none is needed."""
        like = self._series(form, language)
        known = await self._find_drafts(papers, like)

        async def estimate_one(paper: listing.Paper) -> tuple[Basis, int]:
            draft = known.get(paper["arxiv_id"])
            if draft is not None and _is_done(paper, draft):
                return Basis(draft.basis or "none"), 0
            source = await self._read(paper)
            if source.basis == Basis.NONE:
                return Basis.NONE, 0
            requests, _ = await self._prepare(paper, like, source)
            prompt = language_model.prompt_of(next(requests), prompts.build_schema(form))
            return Basis(source.basis), estimate_tokens(prompt, prompts.MAX_TOKENS[form])

        return list(await asyncio.gather(*map(estimate_one, papers)))

    def _series(self, form: models.DigestFormat, language: models.Locale) -> writer.Draft:
        """Return a draft without a paper: its format, language, prompt version and model are those of all."""
        return writer.Draft("", form, language, prompts.VERSION, self.drafter.model.name, self._clock())

    async def _find_drafts(
        self, papers: Sequence[listing.Paper], like: writer.Draft
    ) -> dict[str, writer.Draft]:
        async with self._database.read() as connection:
            return await writer.find_draft(connection, like, [paper["arxiv_id"] for paper in papers])

    async def _plan(self, papers: Sequence[listing.Paper], like: writer.Draft) -> dict[str, writer.Draft]:
        """Return the known drafts of the papers, and a new one for each paper without a draft or with a failed one."""
        known = await self._find_drafts(papers, like)
        new = [
            replace(like, arxiv_id=paper["arxiv_id"], state=DraftState.READING)
            for paper in papers
            if (draft := known.get(paper["arxiv_id"])) is None or draft.state is DraftState.FAILED
        ]
        async with self._database.transaction() as connection:
            await writer.save_draft(connection, new)
        known |= {draft.arxiv_id: draft for draft in new}
        return {paper["arxiv_id"]: known[paper["arxiv_id"]] for paper in papers}

    async def _write_isolated(self, paper: listing.Paper, draft: writer.Draft) -> writer.Draft:
        """Return the draft of a paper, written and stored. A bug fails this paper alone."""
        failures: list[Exception] = []
        with isolation.collected(failures, reraise=(StorageError,)):
            return await self._write(paper, draft)
        [error] = failures
        if not isinstance(error, BudgetError):
            isolation.log_error(log, "draft not written", error, paper=paper["arxiv_id"])
        reason = str(error) or type(error).__name__
        return await self._save(replace(draft, state=DraftState.FAILED, problems=(reason,)))

    async def _write(self, paper: listing.Paper, draft: writer.Draft) -> writer.Draft:
        if _is_done(paper, draft):
            return draft
        source = await self._read(paper)
        input_hash = _hash_input(paper, source.text)
        if draft.input_hash != input_hash:
            draft = replace(
                draft,
                input_hash=input_hash,
                basis=source.basis,
                state=DraftState.READING,
                text=None,
                problems=(),
                claims_dropped=0,
                calls=0,
                tokens=0,
                updated_at=self._clock(),
            )
        if source.basis == Basis.NONE:
            draft = replace(draft, state=DraftState.REFUSED)
        if draft.state not in FINAL:
            draft = await self.drafter.write(draft, *await self._prepare(paper, draft, source))
        return await self._save(draft)

    async def _read(self, paper: listing.Paper) -> models.PaperText:
        """Return a paper's text from storage, else from where it is published, else the abstract of the day's list.

        Without any it is an empty text with the basis `none`. A text that was read is stored.
        """
        arxiv_id, abstract = paper["arxiv_id"], str(paper.get("abstract") or "")
        async with self._database.read() as connection:
            stored = await writer.get_text(connection, arxiv_id)
        if stored is not None:
            return stored
        text = await self._reader.read(arxiv_id, str(paper.get("title") or ""))
        if text is None:
            basis = Basis.ABSTRACT if abstract else Basis.NONE
            url = arxiv_ids.huggingface_url(arxiv_id)
            return models.PaperText(arxiv_id, abstract, url, self._clock(), basis.value)
        async with self._database.transaction() as connection:
            await writer.save_text(connection, text)
        return text

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

        async def check_claims(claims: Claims) -> tuple[Sequence[writer_claims.Findings], str]:
            is_short = len(text) < paper_text.PROCESS_LENGTH
            run = asyncio.to_thread if is_short else self._reader.run_in_process
            findings, excerpts = await run(writer_claims.check_claims, claims, text, language, terms)
            # What a process returns has tuples in place of records.
            return [writer_claims.Findings(*found) for found in findings], excerpts

        return build_requests(), check_claims

    async def _save(self, draft: writer.Draft) -> writer.Draft:
        async with self._database.transaction() as connection:
            await writer.save_draft(connection, [draft])
        return draft


def _is_done(paper: listing.Paper, draft: writer.Draft) -> bool:
    """Return whether nothing is to be written: the paper was read in full, or its abstract is the same."""
    if draft.state is DraftState.CHECKED and draft.basis == Basis.PAPER:
        return True
    abstract = str(paper.get("abstract") or "")
    return draft.state in FINAL and draft.input_hash == _hash_input(paper, abstract)


def _hash_input(paper: listing.Paper, text: str) -> str:
    """Return what identifies the input of a draft: the hash of the title and the text that is read."""
    return hashlib.sha256(json.dumps([paper.get("title"), text]).encode()).hexdigest()
