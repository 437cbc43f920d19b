"""Chooses a paper's summary for a reader: their language first, then by what it was written from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from bot.digests.elements import language, shown_summary, writer_labels
from bot.digests.elements.summary_basis import Basis
from bot.services.posts import contents, extracts
from bot.time_slices import TimeSlices
from storage import models

_BASIS_RANK = {Basis.PAPER: 0, None: 1, Basis.ABSTRACT: 2, Basis.HUGGINGFACE: 3, Basis.EXTRACT: 4}
WRITER_RANK = {
    models.DigestFormat.NEWSLETTER: 0,
    models.DigestFormat.REVIEW: 0,
    models.DigestFormat.LISTING: 1,
    None: 2,
}
"""Digests that someone wrote come before Hugging Face's sentence, and that before the abstract (None)."""
_FORMATS = tuple(models.DigestFormat)


def best_summary(detail: models.PaperDetail, locale: models.Locale) -> contents.Summary | None:
    """Return the best summary for readers of `locale`: a digest's or the abstract, None if there is neither.

    By language, then a digest before the abstract, then by basis, whole before partial, newer before older.
    """
    return min(_summaries(detail), key=lambda summary: _sort_key(summary, locale), default=None)


def best_appearance(
    detail: models.PaperDetail, locale: models.Locale, digest_format: models.DigestFormat
) -> models.Appearance | None:
    """Return the appearance with the best summary of a format for readers of `locale`, or None."""
    candidates = (
        (summary, appearance)
        for appearance in detail.appearances
        if appearance.format is digest_format and (summary := _digest_summary(appearance)) is not None
    )
    best = min(candidates, key=lambda candidate: _sort_key(candidate[0], locale), default=None)
    return best and best[1]


def summary_sections(detail: models.PaperDetail, locale: models.Locale) -> tuple[models.Section, ...]:
    """Return the sections of the best summary, or none."""
    best = best_summary(detail, locale)
    return best.sections if best else ()


async def prepare_extracts(details: Iterable[models.PaperDetail], locales: Collection[models.Locale]) -> None:
    """Choose the extracts that posts of some papers show to readers of `locales`, in slices of time.

    `build_post_paper` then finds them in the cache, so that a post of many papers does not hold up the event loop.
    """
    slices = TimeSlices()
    for detail in details:
        best = [best_summary(detail, locale) for locale in locales] if detail.abstract else []
        if any(summary is not None and summary.format is None for summary in best):
            extracts.choose_sentences(detail.abstract or "", detail.title or "")
        await slices.pause()


def build_post_paper(detail: models.PaperDetail, locale: models.Locale) -> contents.PostPaper:
    """Return a paper as post content for readers of `locale`. Of an abstract it has an extract."""
    best = best_summary(detail, locale)
    if best is not None and best.format is None:
        best = _extract(best, detail.title or "")
    return contents.PostPaper(
        arxiv_id=detail.arxiv_id,
        title=detail.title,
        url=detail.url,
        date=detail.last_on,
        votes=detail.votes,
        authors=detail.authors,
        authors_truncated=detail.authors_truncated,
        thumbnail=detail.thumbnail,
        sections=best.sections if best else (),
        summary=best,
        organization=detail.organization,
        code_url=detail.code_url,
        code_stars=detail.code_stars,
        project_url=detail.project_url,
    )


def build_pick(row: models.PaperRow, saved: int, shared: int) -> contents.ServerPick:
    """Return a paper that members saved or shared, with the numbers of members."""
    paper = contents.PostPaper(
        row.arxiv_id, row.title, row.url, row.date, row.votes, row.authors, thumbnail=row.thumbnail
    )
    return paper, saved, shared


def _summaries(detail: models.PaperDetail) -> Iterator[contents.Summary]:
    for appearance in detail.appearances:
        if summary := _digest_summary(appearance):
            yield summary
    if detail.abstract:
        sections = (models.Section(None, detail.abstract),)
        written_in = language.detect_section_language(sections) or models.Locale.EN
        yield contents.Summary(sections, written_in, None, detail.last_on, Basis.ABSTRACT)


def _extract(summary: contents.Summary, title: str) -> contents.Summary:
    """Return the best sentences of an abstract in its place."""
    text = " ".join(extracts.choose_sentences(summary.sections[0].body, title))
    return replace(summary, sections=(models.Section(None, text),), basis=Basis.EXTRACT) if text else summary


def _digest_summary(appearance: models.Appearance) -> contents.Summary | None:
    entry = appearance.entry
    sections = shown_summary.shown_sections(entry)
    if not sections:
        return None
    basis = shown_summary.find_appearance_basis(appearance)
    written_in = shown_summary.find_language(appearance)
    is_partial = len(sections) < len(writer_labels.drop_labels(entry.sections))
    day, digest_id = appearance.date, appearance.digest_id
    return contents.Summary(
        sections, written_in, appearance.format, day, basis, digest_id, is_partial, appearance.writer
    )


def _sort_key(summary: contents.Summary, locale: models.Locale) -> tuple[object, ...]:
    return (
        summary.language != locale.value,
        WRITER_RANK[summary.format],
        _BASIS_RANK[summary.basis],
        summary.is_partial,
        -summary.date.toordinal(),
        0 if summary.format is None else _FORMATS.index(summary.format),
    )
