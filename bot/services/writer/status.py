"""What is being written, what was refused and what the model has used today: the data of `/write status`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.clock import Clock
from bot.services.writer import budget, drafting, prompts
from bot.sources import language_model
from storage import digests, entries, models
from storage.database import Connection, Database
from storage.writer import drafts, token_ledger

_DAYS = 7
"""Days looked back for a listing with drafts. The newest one is not written before it is complete."""


NO_TOKENS, STATUS_ERROR, UNKNOWN = "no-tokens", "status-error", "unknown"
FAILURES = {
    budget.MARK: NO_TOKENS,
    drafting.NO_CLAIM: "no-claim",
    language_model.UNREACHABLE: "unreachable",
    language_model.STATUS_ERROR: STATUS_ERROR,
    language_model.NO_REPLY: "no-reply",
    language_model.CUT_OFF: "cut-off",
    language_model.NO_ANSWER: "no-answer",
}
"""The kinds of failures by the beginning of a draft's last problem."""


def find_failure(draft: drafts.Draft) -> str | None:
    """Return why a draft failed, one of FAILURES or UNKNOWN; None if it did not fail."""
    if draft.state is not drafts.DraftState.FAILED:
        return None
    reason = " ".join(draft.problems[-1:])
    return next((kind for start, kind in FAILURES.items() if reason.startswith(start)), UNKNOWN)


class WriterStatus:
    """Reads the drafts of the newest day that is or was written. `model` is None while the writer is off."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        model: str | None,
        formats: Sequence[models.DigestFormat],
        language: models.Locale,
        daily_tokens: int | None,
        monthly_tokens: int | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._formats = formats
        self.model = model
        self.language = language
        self.daily_tokens = daily_tokens
        self.monthly_tokens = monthly_tokens

    async def list_drafts(self) -> tuple[date | None, int, list[drafts.Draft]]:
        """Return the newest day of the last week with drafts, the number of its papers, and the drafts by paper and format.

        Without drafts it is the newest day that has a listing; None without a listing.
        """
        newest: tuple[date | None, int, list[drafts.Draft]] = (None, 0, [])
        async with self._database.read() as connection:
            since_on = self._clock().date() - timedelta(days=_DAYS)
            for row in await digests.list_rows(connection, since_on=since_on):
                if row.format is not models.DigestFormat.LISTING:
                    continue
                ids = [paper.arxiv_id for paper in await entries.list_papers(connection, [row.id])]
                if found := await self._find_drafts(connection, ids):
                    return row.date, len(ids), found
                newest = newest if newest[0] else (row.date, len(ids), [])
        return newest

    async def has_spent_budget(self) -> bool:
        """Return whether papers of the newest day are not written because a cap is reached."""
        _, _, found = await self.list_drafts()
        return any(find_failure(draft) == NO_TOKENS for draft in found)

    async def get_tokens(self) -> tuple[int, int]:
        """Return the tokens that are used or reserved today, and this month (UTC)."""
        async with self._database.read() as connection:
            return await token_ledger.get_totals(connection, self._clock().date())

    async def _find_drafts(self, connection: Connection, arxiv_ids: Sequence[str]) -> list[drafts.Draft]:
        found: list[drafts.Draft] = []
        for digest_format in self._formats if self.model is not None else ():
            like = drafts.Draft(
                "", digest_format, self.language, prompts.VERSION, self.model or "", self._clock()
            )
            by_id = await drafts.find(connection, like, arxiv_ids)
            found += [by_id[arxiv_id] for arxiv_id in arxiv_ids if arxiv_id in by_id]
        return found
