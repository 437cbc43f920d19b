"""Writes the draft of one paper: asks the model, checks the answer, has it repaired once, and drops what fails again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.clock import Clock
from bot.services.writer import budget, calls, prompts
from bot.sources import language_model
from storage.database import Connection
from storage.writer import drafts

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
        model_calls: calls.ModelCalls,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
    ) -> None:
        self._calls = model_calls
        self._clock = clock
        self._sleep = sleep
        self._random = random

    async def write(self, draft: drafts.Draft, requests: Iterator[Messages], check: Check) -> drafts.Draft:
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
            except budget.BudgetError as refusal:
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

    def _fail(self, draft: drafts.Draft, *problems: str) -> drafts.Draft:
        problems = tuple(problem for problem in problems if problem not in draft.problems[-1:])
        state, problems = drafts.DraftState.FAILED, (*draft.problems, *problems)
        return replace(draft, state=state, problems=problems, updated_at=self._clock())

    async def _call(
        self, draft: drafts.Draft, messages: Messages, schema: Mapping[str, Any]
    ) -> tuple[drafts.Draft, language_model.ModelError | None]:
        """Return the draft after one more call, as it is stored, and the error of the call."""
        draft = replace(draft, state=drafts.DraftState.WRITING, updated_at=self._clock())
        ended = draft

        async def on_reserved(connection: Connection) -> None:
            await drafts.save(connection, [draft])

        async def on_ended(
            connection: Connection, outcome: str | language_model.ModelError, tokens: int
        ) -> None:
            nonlocal ended
            ended = self._add_outcome(draft, outcome, tokens)
            await drafts.save(connection, [ended])

        max_tokens = prompts.MAX_TOKENS[draft.format]
        try:
            await self._calls.call(messages, schema, max_tokens, on_reserved=on_reserved, on_ended=on_ended)
        except language_model.ModelError as error:
            if error.is_retryable and error.is_outage and ended.calls < MAX_CALLS:
                await self._sleep(FIRST_DELAY_SECONDS * 2 ** (ended.calls - 1) * (0.5 + self._random() / 2))
            return ended, error
        return ended, None

    def _add_outcome(
        self, draft: drafts.Draft, outcome: str | language_model.ModelError, tokens: int
    ) -> drafts.Draft:
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
        draft: drafts.Draft,
        answers: Sequence[Claims],
        failed: Mapping[int, Sequence[str]],
        check: Check,
        *problems: str,
    ) -> drafts.Draft:
        """Return the draft with the claims that pass: those of the first answer, and corrected ones of the second."""
        [first, *others] = answers
        kept: list[prompts.Claim | None] = [
            None if index in failed else claim for index, claim in enumerate(first)
        ]
        for repaired in others:
            still_failed = await asyncio.to_thread(check, repaired)
            kept = merge(first, failed, repaired, still_failed)
            problems += tuple(_describe(repaired, still_failed))
        claims = [claim for claim in kept if claim is not None]
        state = drafts.DraftState.CHECKED if claims else drafts.DraftState.FAILED
        return replace(
            draft,
            state=state,
            text=prompts.claims_to_json(claims) if claims else None,
            claims_dropped=len(first) - len(claims),
            problems=(*_describe(first, failed), *problems, *(() if claims else (NO_CLAIM,))),
            updated_at=self._clock(),
        )


def merge(
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


def _answers_of(draft: drafts.Draft) -> list[tuple[prompts.Claim, ...]]:
    """Return the answers of a draft that is being written."""
    texts = json.loads(draft.text) if draft.text else []
    return [prompts.read_answer(text, draft.format, is_partial_allowed=True) for text in texts]


def _describe(claims: Claims, failed: Mapping[int, Sequence[str]]) -> list[str]:
    return [f'"{claims[index].text}": {"; ".join(reasons)}' for index, reasons in sorted(failed.items())]
