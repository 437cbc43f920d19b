"""Writes the drafts of a day's papers in one format and language.

Each paper is read and written in a task of its own, so that one that is read slowly holds back no other.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

import structlog

from bot import isolation
from bot.clock import Clock
from bot.digests import listing
from bot.digests.elements import empty_statements, refusals, summary_basis
from bot.services.writer import budget, drafting, prompts
from bot.sources import language_model
from bot.text.claims import check
from bot.text.glossary.resolution.resolver import Glossary
from storage import models
from storage.database import Database
from storage.errors import StorageError
from storage.writer import drafts

log = structlog.get_logger(__name__)

Reader = Callable[[listing.Paper], Awaitable[models.PaperText]]
"""Returns the text of a paper with its basis; an empty text if there is none."""
OnProblem = Callable[[str], None]
Basis = summary_basis.Basis
State = drafts.DraftState
WINDOW_DIVISORS = (1, 4, 12)
"""A model whose window is too small for the paper gets a quarter of it, then a twelfth, in whole sections where it can."""
FINAL = frozenset({State.CHECKED, State.REFUSED})
"""The states that last while the input is the same. A failed draft is written again in the next run."""


class DraftWriter:
    """Writes the drafts of one format and language with one model, in one run."""

    def __init__(
        self, database: Database, clock: Clock, drafter: drafting.Drafter, read: Reader, glossary: Glossary
    ) -> None:
        self._database = database
        self._clock = clock
        self._drafter = drafter
        self._read = read
        self._glossary = glossary

    async def write_all(
        self,
        papers: Sequence[listing.Paper],
        like: drafts.Draft,
        *,
        on_done: Callable[[int], None],
        on_problem: OnProblem,
        seconds: float | None = None,
        keeps_calls: bool = False,
    ) -> dict[str, drafts.Draft]:
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

    async def estimate(self, papers: Sequence[listing.Paper], like: drafts.Draft) -> list[tuple[Basis, int]]:
        """Return the basis of each paper and the tokens to reserve for its first call, 0 if none is needed."""
        async with self._database.read() as connection:
            known = await drafts.find(connection, like, [paper["arxiv_id"] for paper in papers])

        async def estimate_one(paper: listing.Paper) -> tuple[Basis, int]:
            draft = known.get(paper["arxiv_id"])
            if draft is not None and self._is_done(paper, draft):
                return Basis(draft.basis or "none"), 0
            source = await self._read(paper)
            if source.basis == Basis.NONE:
                return Basis.NONE, 0
            requests, _ = await self._prepare(paper, like, source)
            prompt = language_model.prompt_of(next(requests), prompts.build_schema(like.format))
            return Basis(source.basis), budget.estimate_tokens(prompt, prompts.MAX_TOKENS[like.format])

        return list(await asyncio.gather(*map(estimate_one, papers)))

    async def _plan(
        self, papers: Sequence[listing.Paper], like: drafts.Draft, *, keeps_calls: bool
    ) -> dict[str, drafts.Draft]:
        """Return the known drafts of the papers, and a new one for each paper without a draft or with a failed one."""
        async with self._database.read() as connection:
            known = await drafts.find(connection, like, [paper["arxiv_id"] for paper in papers])
        new = []
        for paper in papers:
            draft = known.get(paper["arxiv_id"])
            if draft is None or (draft.state is State.FAILED and not keeps_calls):
                new.append(replace(like, arxiv_id=paper["arxiv_id"], state=State.READING))
            elif draft.state is State.FAILED:
                new.append(replace(draft, state=State.READING, updated_at=like.updated_at))
        async with self._database.transaction() as connection:
            await drafts.save(connection, new)
        known |= {draft.arxiv_id: draft for draft in new}
        return {paper["arxiv_id"]: known[paper["arxiv_id"]] for paper in papers}

    async def _write_isolated(self, paper: listing.Paper, draft: drafts.Draft) -> drafts.Draft:
        """Return the draft of a paper, written and stored. An error of ours fails this paper alone."""
        failures: list[Exception] = []
        with isolation.collected(failures, reraise=(StorageError,)):
            return await self._write(paper, draft)
        [error] = failures
        if not isinstance(error, budget.BudgetError):
            isolation.log_error(log, "draft not written", error, paper=paper["arxiv_id"])
        reason = str(error) or type(error).__name__
        return await self._save(replace(draft, state=State.FAILED, problems=(reason,)))

    @staticmethod
    def _is_done(paper: listing.Paper, draft: drafts.Draft) -> bool:
        """Return whether nothing is to be written: the paper was read in full, or its abstract is the same."""
        if draft.state is State.CHECKED and draft.basis == Basis.PAPER:
            return True
        abstract = str(paper.get("abstract") or "")
        return draft.state in FINAL and draft.input_hash == hash_input(paper, abstract)

    async def _write(self, paper: listing.Paper, draft: drafts.Draft) -> drafts.Draft:
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
        self, paper: listing.Paper, draft: drafts.Draft, source: models.PaperText
    ) -> tuple[Iterator[drafting.Messages], drafting.Check]:
        """Return the messages of a draft, with less and less of a long paper, and the check of its claims."""
        title, language = str(paper.get("title") or paper["arxiv_id"]), draft.language
        shown = await asyncio.to_thread(prompts.fit_source, source.text)
        terms: tuple[str, ...] = ()
        if language is models.Locale.KO:
            terms = await asyncio.to_thread(prompts.list_terms, self._glossary, shown)
        basis, text = Basis(source.basis), f"{title}\n{source.text}"

        def build_requests() -> Iterator[drafting.Messages]:
            for divisor in WINDOW_DIVISORS:
                part = prompts.fit_source(shown, prompts.MAX_SOURCE_CHARACTERS // divisor)
                yield prompts.build_messages(title, part, basis, draft.format, language, terms)

        def check_claims(claims: drafting.Claims) -> dict[int, Sequence[str]]:
            pairs = [(claim.text, claim.span) for claim in claims]
            problems = check.check(pairs, text, language, terms=terms, object_to=_object_to)
            return {index: found for index, found in enumerate(problems) if found}

        return build_requests(), check_claims

    async def _save(self, draft: drafts.Draft) -> drafts.Draft:
        async with self._database.transaction() as connection:
            await drafts.save(connection, [draft])
        return draft


def hash_input(paper: listing.Paper, text: str) -> str:
    """Return what identifies the input of a draft: the hash of the title and the text that is read."""
    return hashlib.sha256(json.dumps([paper.get("title"), text]).encode()).hexdigest()


def _object_to(text: str) -> str | None:
    """Return what is wrong with a claim that says nothing."""
    is_empty = refusals.is_refusal(text) or empty_statements.is_empty_statement(text)
    return "it says nothing about the paper" if is_empty else None
