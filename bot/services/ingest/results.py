"""The results of an ingest, as records that can be added up."""

from __future__ import annotations

from dataclasses import dataclass, field

from storage import models


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Counts of an ingest. Of the `digests` read some were new, some were corrections, the rest were known."""

    digests: int = 0
    new_digests: int = 0
    corrected_digests: int = 0
    new_papers: int = 0
    arxiv_ids: frozenset[str] = field(default=frozenset(), repr=False)
    problems: tuple[models.LocatedProblem, ...] = ()

    @property
    def papers(self) -> int:
        """Number of different papers in the digests."""
        return len(self.arxiv_ids)

    @property
    def changed(self) -> bool:
        """Whether anything was stored."""
        return self.new_digests + self.corrected_digests + self.new_papers > 0

    def __add__(self, other: IngestResult) -> IngestResult:
        return IngestResult(
            self.digests + other.digests,
            self.new_digests + other.new_digests,
            self.corrected_digests + other.corrected_digests,
            self.new_papers + other.new_papers,
            self.arxiv_ids | other.arxiv_ids,
            self.problems + other.problems,
        )
