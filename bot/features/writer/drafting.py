"""Draft summaries of a day's papers in one format and language. Each takes one call to write and one to judge it.

Each response is stored before the next call, so a killed process never repeats a stored response. A failed
call is retried in the next round; after four failed calls in a run, the paper fails. If the server does not answer at all,
no paper fails: the run ends, and the next one writes what is left.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from bot.archive import listing
from bot.archive.summaries import Basis
from bot.claims import form_checks as claim_form
from bot.claims import judging
from bot.core import isolation, model_server
from bot.core.clock import Clock
from bot.core.model_server import ModelError, TokenBudget
from bot.features.writer import prompts
from bot.search.term_resolver import Glossary
from bot.sources import paper_text
from storage import errors, models, writer
from storage.database import Database
from storage.errors import StorageError
from storage.writer import DraftState

log = structlog.get_logger(__name__)

MAX_FAILURES = 4
"""Failed calls before a paper gets an extract, and rounds without an answer before a run ends."""
ROUND_SECONDS = 60.0
"""The pause before the next round if the server is unavailable or rate-limited, unless it asks for a longer one."""
CONCURRENCY = 4
"""Papers written in parallel. With a token cap only one, so that at most one call exceeds the cap."""
FINAL = frozenset({DraftState.CHECKED, DraftState.REFUSED, DraftState.FAILED})

NO_CLAIM = "no claim passed the checks"
"""The problem of a draft whose claims were all dropped."""
OnProblem = Callable[[str], None]
Messages = Sequence[model_server.Message]


class _RunEndedError(errors.PaperroundError):
    """Raised if this run cannot make any more calls."""


@dataclass(eq=False)
class DraftWriter:
    """Writes drafts with a model and a judge, which may be the same model.

    `tokens` counts the tokens used so far.
    """

    database: Database
    clock: Clock
    model: model_server.LanguageModel
    judge: model_server.LanguageModel
    texts: paper_text.PaperTexts
    glossary: Glossary
    budget: TokenBudget
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    tokens: int = field(default=0, init=False)
    _halt: ModelError | _RunEndedError | None = field(default=None, init=False)
    _answers: Counter[model_server.LanguageModel] = field(default_factory=Counter, init=False)
    _answers_at_outage: dict[tuple[str, model_server.LanguageModel], int] = field(
        default_factory=dict, init=False
    )
    """A model's number of answers at its first outage with a paper, by key and model."""

    @property
    def requests(self) -> int:
        return sum(model.requests for model in {self.model, self.judge})

    async def write_all(
        self,
        papers: Sequence[listing.Paper],
        form: models.DigestFormat,
        language: models.Locale,
        *,
        on_done: Callable[[int], None],
        on_problem: OnProblem,
        seconds: float | None,
        retries_failed: bool,
    ) -> dict[str, writer.Draft]:
        """Write the papers and return their drafts, by their keys. Failures are passed to `on_problem`.

        If `seconds` or a cap is exceeded, drafts stay unfinished, and the next run resumes them.
        `retries_failed` also retries papers that failed in an earlier run.
        """
        like = self._series(form, language)
        drafts = await self._find_drafts(papers, like)
        for paper in papers:
            draft = drafts.setdefault(paper["key"], replace(like, paper_key=paper["key"]))
            is_retried = retries_failed and draft.state is DraftState.FAILED
            if is_retried or draft.state not in FINAL:
                state = DraftState.WRITTEN if draft.text else DraftState.PLANNED
                # One failure is kept for the order: a paper that ends each run must not begin the next.
                failures = min(_count_failures(draft), int(not is_retried))
                calls = failures + bool(draft.text)
                drafts[paper["key"]] = replace(draft, state=state, calls=calls)
        reason = "the time is over"
        try:
            async with asyncio.timeout(seconds):
                reason = await self._write_rounds(papers, drafts, on_done)
        except TimeoutError:
            pass
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        for draft in (draft for draft in drafts.values() if draft.state is DraftState.FAILED):
            on_problem(f"{draft.paper_key}: {draft.problems[-1]}")
        if left := sum(draft.state not in FINAL for draft in drafts.values()):
            on_problem(f"{left} paper{'s' if left > 1 else ''} left: {reason}")
        return drafts

    async def estimate(
        self, papers: Sequence[listing.Paper], form: models.DigestFormat, language: models.Locale
    ) -> list[tuple[Basis, int]]:
        """Return each paper's basis and the maximum tokens of its two calls (0 if no calls are needed)."""
        like = self._series(form, language)
        drafts = await self._find_drafts(papers, like)
        estimates = []
        for paper in papers:
            draft = drafts.get(paper["key"], like)
            if _is_done(paper, draft):
                estimates.append((Basis(draft.basis or "none"), 0))
                continue
            source = await self._read_text(paper)
            messages = await self._build_messages(paper, draft, source)
            # The judge never reads more of the paper than the writer.
            tokens = 2 * model_server.estimate_tokens(
                messages, prompts.build_schema(form), prompts.MAX_TOKENS[form]
            )
            estimates.append((Basis(source.basis), 0 if source.basis == Basis.NONE else tokens))
        return estimates

    def _series(self, form: models.DigestFormat, language: models.Locale) -> writer.Draft:
        """Return an empty draft with the run's format, language, prompt version and model."""
        return writer.Draft("", form, language, prompts.VERSION, self.model.name, self.clock())

    async def _find_drafts(
        self, papers: Sequence[listing.Paper], like: writer.Draft
    ) -> dict[str, writer.Draft]:
        return await self.database.fetch(writer.find_draft, like, [paper["key"] for paper in papers])

    async def _write_rounds(
        self, papers: Sequence[listing.Paper], drafts: dict[str, writer.Draft], on_done: Callable[[int], None]
    ) -> str:
        """Write the papers in rounds, until none are left or models are away for long. Returns why any are left."""
        unanswered = 0
        while queue := [paper for paper in papers if not _is_done(paper, drafts[paper["key"]])]:
            queue.sort(key=lambda paper: _order(drafts[paper["key"]]))
            answers = self._answers.total()
            await self._write_round(queue, drafts, lambda: on_done(_count_done(papers, drafts)))
            if isinstance(self._halt, _RunEndedError):
                return str(self._halt)
            unanswered = unanswered + 1 if self._answers.total() == answers else 0
            if self._halt is not None:
                if unanswered >= MAX_FAILURES:
                    return str(self._halt)
                if unanswered == 1:
                    log.warning("the language model does not answer; trying again", reason=str(self._halt))
                await self.sleep(max(ROUND_SECONDS, self._halt.retry_after))
        return ""

    async def _write_round(
        self, queue: Sequence[listing.Paper], drafts: dict[str, writer.Draft], on_done: Callable[[], None]
    ) -> None:
        """Write each paper until a call fails. Stops early if the server is down or no call is allowed."""
        self._halt = None
        slots = asyncio.Semaphore(1 if self.budget.is_capped else CONCURRENCY)

        async def write_one(paper_key: str, paper: listing.Paper) -> None:
            async with slots:
                if self._halt is None:
                    drafts[paper_key] = await self._write_isolated(paper, drafts[paper_key])
                    on_done()

        async with asyncio.TaskGroup() as group:
            for paper in queue:
                group.create_task(write_one(paper["key"], paper))

    async def _write_isolated(self, paper: listing.Paper, draft: writer.Draft) -> writer.Draft:
        """Write and store a paper's draft. A bug only fails this paper."""
        with isolation.collected([], reraise=(StorageError,)) as failures:
            return await self._write(paper, draft)
        [error] = failures
        isolation.log_error(log, "draft not written", error, paper=paper["key"])
        reason = errors.redact(str(error)) or type(error).__name__
        return await self._save(replace(draft, state=DraftState.FAILED, problems=(reason,)))

    async def _write(self, paper: listing.Paper, draft: writer.Draft) -> writer.Draft:
        source = await self._read_text(paper)
        input_hash = _hash_input(paper, source.text)
        if draft.input_hash != input_hash:
            like = self._series(draft.format, draft.language)
            draft = replace(like, paper_key=draft.paper_key, input_hash=input_hash, basis=source.basis)
        if source.basis == Basis.NONE:
            return await self._save(replace(draft, state=DraftState.REFUSED))
        if draft.state is DraftState.PLANNED:
            draft = await self._ask_writer(draft, await self._build_messages(paper, draft, source))
        if draft.state is DraftState.WRITTEN and self._halt is None:
            draft = await self._check(draft, f"{_title_of(paper)}\n\n{source.text}")
        return draft

    async def _ask_writer(self, draft: writer.Draft, messages: Messages) -> writer.Draft:
        def read(draft: writer.Draft, answer: str) -> writer.Draft:
            text = prompts.claims_to_json(prompts.read_answer(answer, draft.format))
            return replace(draft, state=DraftState.WRITTEN, text=text, problems=())

        schema = prompts.build_schema(draft.format)
        return await self._call(draft, self.model, messages, schema, prompts.MAX_TOKENS[draft.format], read)

    async def _check(self, draft: writer.Draft, source: str) -> writer.Draft:
        """Return the draft with only those claims that have a valid form and that the judge accepts."""
        claims = prompts.read_answer(draft.text or "", draft.format)
        checker = await asyncio.to_thread(claim_form.ClaimChecker, source)
        problems = await asyncio.to_thread(checker.find_problems, claims, draft.language)
        dropped = [
            f'"{claim.text}": {"; ".join(row)}' for claim, row in zip(claims, problems, strict=True) if row
        ]
        asked = [claim for claim, row in zip(claims, problems, strict=True) if not row]
        if not asked:
            return await self._save(
                replace(draft, state=DraftState.FAILED, text=None, problems=(*dropped, NO_CLAIM))
            )

        def read(draft: writer.Draft, answer: str) -> writer.Draft:
            verdicts = judging.read_verdicts(answer, asked)
            proved = [claim for claim, verdict in zip(asked, verdicts, strict=True) if not verdict]
            denied = [f'"{claim.text}": {row}' for claim, row in zip(asked, verdicts, strict=True) if row]
            return replace(
                draft,
                state=DraftState.CHECKED if proved else DraftState.FAILED,
                text=prompts.claims_to_json(proved) if proved else None,
                claims_dropped=len(claims) - len(proved),
                problems=(*dropped, *denied, *(() if proved else (NO_CLAIM,))),
            )

        messages = judging.build_judgement(checker.list_excerpts(asked), asked)
        max_tokens = judging.JUDGE_TOKENS_PER_CLAIM * len(asked)
        return await self._call(draft, self.judge, messages, judging.JUDGE_SCHEMA, max_tokens, read)

    async def _call(
        self,
        draft: writer.Draft,
        model: model_server.LanguageModel,
        messages: Messages,
        schema: Mapping[str, Any],
        max_tokens: int,
        read: Callable[[writer.Draft, str], writer.Draft],
    ) -> writer.Draft:
        """Make one call, and store and return the draft.

        `read` adds the response to the draft, or raises AnswerError. An interrupted call stores nothing.
        """
        if (spent := await self.budget.find_spent_cap()) is not None:
            self._halt = _RunEndedError(spent)
            return draft
        answer = error = None
        try:
            answer, tokens = await self.budget.complete(model, messages, schema, max_tokens)
        except ModelError as failure:
            error, tokens = failure, failure.tokens or 0
            if error.is_fatal:
                self._halt = _RunEndedError(str(error))
            elif error.is_outage:
                self._halt = error
        else:
            self._answers[model] += 1
        self.tokens += tokens
        draft = replace(draft, calls=draft.calls + 1, tokens=draft.tokens + tokens)
        try:
            # In a thread, because parsing two megabytes takes 250 ms.
            draft = await asyncio.to_thread(read, draft, answer) if answer is not None else draft
        except judging.AnswerError as unusable:
            error = ModelError(f"its answer cannot be used: {unusable}")
        if error is not None:
            state = DraftState.FAILED if self._has_failed(draft, model, error) else draft.state
            draft = replace(draft, state=state, problems=(str(error),))
        return await self._save(draft)

    def _has_failed(self, draft: writer.Draft, model: model_server.LanguageModel, error: ModelError) -> bool:
        """Return whether a paper fails by an error. An outage is the paper's own if the model answers others after it."""
        if error.is_outage:
            answers = self._answers[model]
            if answers == self._answers_at_outage.setdefault((draft.paper_key, model), answers):
                return False
        return error.is_refusal or (not error.is_fatal and _count_failures(draft) >= MAX_FAILURES)

    async def _read_text(self, paper: listing.Paper) -> models.PaperText:
        """Return a paper's text, or else its abstract from the day's list."""
        title, abstract = str(paper.get("title") or ""), str(paper.get("abstract") or "")
        return await self.texts.read(paper["key"], title, abstract)

    async def _build_messages(
        self, paper: listing.Paper, draft: writer.Draft, source: models.PaperText
    ) -> Messages:
        shown = await asyncio.to_thread(prompts.fit_source, source.text)
        is_korean = draft.language is models.Locale.KO
        terms = await asyncio.to_thread(judging.list_terms, self.glossary, shown) if is_korean else ()
        basis = Basis(source.basis)
        return prompts.build_messages(_title_of(paper), shown, basis, draft.format, draft.language, terms)

    async def _save(self, draft: writer.Draft) -> writer.Draft:
        draft = replace(draft, updated_at=self.clock())
        await self.database.write(writer.save_draft, draft)
        return draft


def _title_of(paper: listing.Paper) -> str:
    return str(paper.get("title") or paper["key"])


def _is_done(paper: listing.Paper, draft: writer.Draft) -> bool:
    """Return whether a draft is up to date: written from the full paper, or from the same abstract."""
    abstract = str(paper.get("abstract") or "")
    is_same = draft.basis == Basis.PAPER or draft.input_hash == _hash_input(paper, abstract)
    return draft.state in FINAL and (is_same or draft.state is DraftState.FAILED)


def _count_failures(draft: writer.Draft) -> int:
    """Return how many calls have failed for an unfinished draft."""
    return draft.calls - (draft.state is DraftState.WRITTEN)


def _order(draft: writer.Draft) -> tuple[int, bool]:
    """Return a draft's sort key: fewest failures first, then drafts that only need the judge."""
    return _count_failures(draft), draft.state is not DraftState.WRITTEN


def _count_done(papers: Sequence[listing.Paper], drafts: Mapping[str, writer.Draft]) -> int:
    return sum(_is_done(paper, drafts[paper["key"]]) for paper in papers)


def _hash_input(paper: listing.Paper, text: str) -> str:
    """Return a hash of a draft's input: the title and the text."""
    return hashlib.sha256(json.dumps([paper.get("title"), text]).encode()).hexdigest()
