"""Writes and prints the digest of a day, in one format and language. Without a model, its texts are extracts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from bot import errors
from bot.clock import Clock
from bot.digests import listing
from bot.digests.elements import summary_basis
from bot.rendering.wording.templates import Templates
from bot.services.ingest.service import IngestService
from bot.services.posts import extracts
from bot.services.writer import calls, draft_writer, manifest, printing, prompts, publication
from bot.sources import huggingface
from storage import models
from storage.database import Database
from storage.writer import drafts

KINDS = ("written", "from_abstract", "refused", "failed")
"""What became of a paper. `refused`: there was no text at all."""
RETRY_SECONDS = 600.0
"""Time after which the running bot tries failed papers again."""
OnProgress = Callable[[int, int], None]
"""Gets the number of finished papers, and of all."""
Drafts = Mapping[str, drafts.Draft]


class WriterService:
    """Writes digests in one run. Without a model, `writer` and `model_calls` are None."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        source: huggingface.HuggingFaceSource,
        templates: Templates,
        ingest: IngestService,
        publisher: publication.Publisher,
        writer: draft_writer.DraftWriter | None = None,
        model_calls: calls.ModelCalls | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._source = source
        self._templates = templates
        self._ingest = ingest
        self._publisher = publisher
        self._writer = writer
        self._calls = model_calls

    async def write(
        self,
        day: date,
        form: models.DigestFormat,
        language: models.Locale,
        *,
        limit: int | None = None,
        file: Path | None = None,
        seconds: float | None = None,
        on_progress: OnProgress = lambda *_: None,
        on_problem: draft_writer.OnProblem,
        on_notice: draft_writer.OnProblem = lambda _: None,
    ) -> tuple[dict[str, int], bool]:
        """Write, print and publish a digest. Returns the counts of the run, and whether the digest is printed.

        Problems of papers go to `on_problem`, an edit that was found to `on_notice`.

        With `seconds`, papers that are not written by then are printed as extracts, and nothing is printed while there is
        time to try failed papers again. Raises PaperroundError.
        """
        ends_at = None if seconds is None else self._clock() + timedelta(seconds=seconds - RETRY_SECONDS)
        if file is not None:
            await asyncio.to_thread(publication.check_writable, file)
        papers = (await manifest.load(self._database, self._source, self._clock, day, self._ingest))[:limit]
        written: Drafts = {}
        before = self._totals()
        if self._writer is not None and self._calls is not None:
            like = drafts.Draft("", form, language, prompts.VERSION, self._calls.model_name, self._clock())
            total = len(papers)
            written = await self._writer.write_all(
                papers,
                like,
                on_done=lambda done: on_progress(done, total),
                on_problem=on_problem,
                seconds=seconds,
            )
        text, kinds = await asyncio.to_thread(self._print, day, form, language, papers, written)
        is_retried = kinds["failed"] > 0 and ends_at is not None and self._clock() < ends_at
        is_printed = not is_retried
        try:
            if is_printed and not await self._publisher.publish(text, day, form, language, file):
                on_notice(f"{file or f'the {form.value} of {day}'}: {publication.EDITED}")
        except errors.PaperroundError as error:  # the papers are written: the counts say so
            on_problem(str(error))
            is_printed = False
        calls_before, tokens_before = before
        calls_after, tokens_after = self._totals()
        counts = {
            "papers": len(papers),
            **{kind: kinds[kind] for kind in KINDS},
            "claims_dropped": sum(draft.claims_dropped for draft in written.values()),
            "calls": calls_after - calls_before,
            "tokens": tokens_after - tokens_before,
        }
        return counts, is_printed

    async def estimate(
        self, day: date, form: models.DigestFormat, language: models.Locale, *, limit: int | None = None
    ) -> dict[str, int]:
        """Return the counts that `write` would have, with one call for each paper, and store no draft."""
        papers = (await manifest.load(self._database, self._source, self._clock, day))[:limit]
        kinds: Counter[str] = Counter()
        tokens = []
        if self._writer is None or self._calls is None:
            kinds.update("from_abstract" if extracts.choose(paper) else "refused" for paper in papers)
        else:
            like = drafts.Draft("", form, language, prompts.VERSION, self._calls.model_name, self._clock())
            for basis, needed in await self._writer.estimate(papers, like):
                kinds[_kind_of_basis(basis)] += 1
                tokens += [needed] if needed else []
        counts = {kind: kinds[kind] for kind in KINDS}
        return {
            "papers": len(papers),
            **counts,
            "claims_dropped": 0,
            "calls": len(tokens),
            "tokens": sum(tokens),
        }

    def _totals(self) -> tuple[int, int]:
        """Return the requests and tokens of the run so far."""
        return (0, 0) if self._calls is None else (self._calls.count, self._calls.tokens)

    def _print(
        self,
        day: date,
        form: models.DigestFormat,
        language: models.Locale,
        papers: Sequence[listing.Paper],
        written: Drafts,
    ) -> tuple[str, Counter[str]]:
        """Return the digest's text, and how many papers there are of each of KINDS. Runs in a thread."""
        kinds: Counter[str] = Counter()
        entries = []
        for rank, paper in enumerate(papers, 1):
            draft = written.get(paper["arxiv_id"])
            sections: tuple[models.Section, ...] = ()
            if draft is not None and draft.state is drafts.DraftState.CHECKED:
                claims = prompts.read_answer(draft.text or "", form, is_partial_allowed=True)
                basis = summary_basis.Basis(draft.basis or "none")
                sections = printing.build_sections(form, language, claims, basis, draft.claims_dropped)
                kinds[_kind_of_basis(basis)] += 1
            else:
                if (extract := extracts.choose(paper)) is not None:
                    sections = printing.build_extract(form, language, *extract)
                is_failed = draft is not None and draft.state is not drafts.DraftState.REFUSED
                kinds["failed" if is_failed else "from_abstract" if sections else "refused"] += 1
            entries.append(printing.build_entry(rank, paper, sections))
        return printing.render_digest(day, form, entries, self._templates), kinds


def _kind_of_basis(basis: summary_basis.Basis) -> str:
    if basis is summary_basis.Basis.PAPER:
        return "written"
    return "refused" if basis is summary_basis.Basis.NONE else "from_abstract"
