"""A paper in a post: its facts, with the summary and the quotation for the post's readers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from bot.archive import summaries
from bot.archive.summaries import Basis, Summary, best_summary
from bot.search import results as search_results
from bot.search.results import SharedConcept
from storage import models


@dataclass(frozen=True, slots=True, kw_only=True)
class PostPaper(models.PaperDetail):
    """A paper in a post, with the whole `summary` for the post's language; the renderer shortens it to fit the style.

    `quoted` is the sentence with the matched words. `savers` is how many members of the post's server saved the paper
    there, 0 if they are too few to say so. `shared` are the concepts that it has in common with papers of the server's list.
    """

    summary: Summary | None
    quoted: search_results.Snippet | None
    savers: int
    shared: tuple[SharedConcept, ...] = ()

    @property
    def sections(self) -> tuple[models.Section, ...]:
        """The sections of the summary, in the digest's order."""
        return self.summary.sections if self.summary else ()


def is_in_other_language(papers: Iterable[PostPaper], locale: models.Locale) -> bool:
    """Return whether none of these papers has a summary in the post's language."""
    languages = (paper.summary.language if paper.summary else None for paper in papers)
    return summaries.are_all_foreign(languages, locale)


def build_post_paper(
    detail: models.PaperDetail,
    locale: models.Locale,
    *,
    quoted: search_results.Snippet | None = None,
    savers: int = 0,
    shared: tuple[SharedConcept, ...] = (),
) -> PostPaper:
    """Return a paper as content for readers of `locale`. An abstract is shortened to an extract."""
    summary = best_summary(detail, locale)
    if summary is not None and summary.format is None:
        summary = _extract(summary)
    facts = {each.name: getattr(detail, each.name) for each in fields(models.PaperDetail)}
    return PostPaper(**facts, summary=summary, quoted=quoted, savers=savers, shared=shared)


def _extract(summary: Summary) -> Summary:
    text = " ".join(summaries.choose_sentences(summary.sections[0].body))
    return replace(summary, sections=(models.Section(None, text),), basis=Basis.EXTRACT)
