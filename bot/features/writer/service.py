"""Write and publish a day's digest in one format and language. Without a model, the texts are extracts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bot.archive import listing, summaries
from bot.archive.ingest import IngestService
from bot.core.clock import Clock
from bot.features.writer import drafting, prompts, publication
from bot.rendering.templates import Templates
from bot.sources import huggingface
from storage import errors, models, writer
from storage.database import Database

KINDS = ("written", "from_abstract", "refused", "failed")
"""The possible outcomes for a paper. `refused` means that there is no text."""
_KINDS_BY_BASIS = {summaries.Basis.PAPER: "written", summaries.Basis.NONE: "refused"}
RETRY_SECONDS = 600.0
"""Seconds before the running bot retries an unfinished day, for example after a wrong key."""
OnProgress = Callable[[int, int], None]
"""Called with the number of finished papers and the total number."""


@dataclass(frozen=True)
class WriterService:
    """Writes digests. `draft_writer` is None if no model is configured."""

    database: Database
    clock: Clock
    source: huggingface.HuggingFaceSource
    templates: Templates
    ingest: IngestService
    publisher: publication.Publisher
    draft_writer: drafting.DraftWriter | None = None

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
        on_problem: drafting.OnProblem,
        on_notice: drafting.OnProblem = lambda _: None,
    ) -> tuple[dict[str, int], bool]:
        """Write and publish a digest. Returns the run's counts, and whether the digest was published.

        `on_problem` is called with problems of papers, and `on_notice` with edits found in files. If
        `seconds` is given, nothing is published until all papers are finished or the time is up, when
        unfinished papers become extracts. If it is None, papers that failed earlier are retried. Raises
        PaperroundError.
        """
        ends_at = None if seconds is None else self.clock() + timedelta(seconds=seconds - RETRY_SECONDS)
        if file is not None:
            await asyncio.to_thread(publication.check_writable, file)
        papers = await publication.load_manifest(self.database, self.source, self.clock, day, self.ingest)
        papers = papers[:limit]
        drafts: Mapping[str, writer.Draft] = {}
        calls = tokens = 0
        if self.draft_writer is not None:
            calls, tokens = self.draft_writer.requests, self.draft_writer.tokens
            drafts = await self.draft_writer.write_all(
                papers,
                form,
                language,
                on_done=lambda done: on_progress(done, len(papers)),
                on_problem=on_problem,
                seconds=seconds,
                retries_failed=seconds is None,
            )
            calls, tokens = self.draft_writer.requests - calls, self.draft_writer.tokens - tokens
        text, kinds = await asyncio.to_thread(self._print, day, form, language, papers, drafts)
        is_finished = all(draft.state in drafting.FINAL for draft in drafts.values())
        is_printed = is_finished or ends_at is None or self.clock() >= ends_at
        try:
            if is_printed and not await self.publisher.publish(text, day, form, language, file):
                on_notice(f"{file or f'the {form.value} of {day}'}: {publication.EDITED}")
        except errors.PaperroundError as error:  # the papers are written, so the counts are returned
            on_problem(str(error))
            is_printed = False
        dropped = sum(draft.claims_dropped for draft in drafts.values())
        return _to_counts(papers, kinds, calls, tokens, dropped), is_printed

    async def estimate(
        self, day: date, form: models.DigestFormat, language: models.Locale, *, limit: int | None = None
    ) -> dict[str, int]:
        """Return the counts that `write` would return if all calls succeeded. Stores no drafts."""
        papers = (await publication.load_manifest(self.database, self.source, self.clock, day))[:limit]
        kinds: Counter[str] = Counter()
        tokens = []
        if self.draft_writer is None:
            kinds.update("from_abstract" if publication.choose(paper) else "refused" for paper in papers)
        else:
            for basis, needed in await self.draft_writer.estimate(papers, form, language):
                kinds[_KINDS_BY_BASIS.get(basis, "from_abstract")] += 1
                tokens += [needed] if needed else []
        return _to_counts(papers, kinds, 2 * len(tokens), sum(tokens))

    def _print(
        self,
        day: date,
        form: models.DigestFormat,
        language: models.Locale,
        papers: Sequence[listing.Paper],
        drafts: Mapping[str, writer.Draft],
    ) -> tuple[str, Counter[str]]:
        """Return the digest's text, and the number of papers by outcome (KINDS). Runs in a thread."""
        kinds: Counter[str] = Counter()
        entries = []
        for rank, paper in enumerate(papers, 1):
            draft = drafts.get(paper["key"])
            sections: tuple[models.Section, ...] = ()
            if draft is not None and draft.state is writer.DraftState.CHECKED:
                claims = prompts.read_answer(draft.text or "", form)
                basis = summaries.Basis(draft.basis or "none")
                sections = publication.build_sections(form, language, claims, basis, draft.claims_dropped)
                kinds[_KINDS_BY_BASIS.get(basis, "from_abstract")] += 1
            else:
                if (extract := publication.choose(paper)) is not None:
                    sections = publication.build_extract(form, language, *extract)
                is_failed = draft is not None and draft.state is not writer.DraftState.REFUSED
                kinds["failed" if is_failed else "from_abstract" if sections else "refused"] += 1
            entries.append(publication.build_entry(rank, paper, sections))
        return publication.render_digest(day, form, entries, self.templates), kinds


def _to_counts(
    papers: Sequence[listing.Paper], kinds: Counter[str], calls: int, tokens: int, dropped: int = 0
) -> dict[str, int]:
    of_kinds = {kind: kinds[kind] for kind in KINDS}
    return {"papers": len(papers), **of_kinds, "claims_dropped": dropped, "calls": calls, "tokens": tokens}
