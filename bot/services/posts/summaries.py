"""Chooses a paper's summary for a reader: their language first, then the newsletter's highlights. Pure."""

from __future__ import annotations

from bot.services.posts import contents
from storage import models

FORMAT_PREFERENCE = {
    models.DigestFormat.NEWSLETTER: 0,
    models.DigestFormat.REVIEW: 1,
    models.DigestFormat.LISTING: 2,
}
"""Which format's summary is shown first, the lowest number before the others."""


def best_appearance(
    detail: models.PaperDetail, locale: models.Locale, digest_format: models.DigestFormat | None = None
) -> models.Appearance | None:
    """Return the appearance with the best summary for readers of `locale`, or None if no digest has one."""
    with_summary = [
        appearance
        for appearance in detail.appearances
        if appearance.entry.sections and (digest_format is None or appearance.format is digest_format)
    ]
    return min(
        with_summary,
        key=lambda appearance: (
            appearance.language != locale.value,
            FORMAT_PREFERENCE[appearance.format],
            -appearance.date.toordinal(),
        ),
        default=None,
    )


def summary_sections(detail: models.PaperDetail, locale: models.Locale) -> tuple[models.Section, ...]:
    """Return the summary for a post: from a digest, else the abstract, else empty."""
    best = best_appearance(detail, locale)
    if best is not None:
        return best.entry.sections
    return (models.Section(None, detail.abstract),) if detail.abstract else ()


def build_post_paper(detail: models.PaperDetail, locale: models.Locale) -> contents.PostPaper:
    """Return a paper as post content for readers of `locale`."""
    return contents.PostPaper(
        arxiv_id=detail.arxiv_id,
        title=detail.title,
        url=detail.url,
        date=detail.last_on,
        votes=detail.votes,
        authors=detail.authors,
        authors_truncated=detail.authors_truncated,
        thumbnail=detail.thumbnail,
        sections=summary_sections(detail, locale),
    )
