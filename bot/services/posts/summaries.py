"""Which of a paper's summaries a reader gets: their own language first, then the newsletter's highlights. Pure."""

from __future__ import annotations

from bot.services.posts import contents
from storage import models


def best_appearance(
    detail: models.PaperDetail, locale: models.Locale, digest_format: models.DigestFormat | None = None
) -> models.Appearance | None:
    """Return the appearance whose summary suits the reader best, or None when no digest wrote one."""
    written = [
        appearance
        for appearance in detail.appearances
        if appearance.entry.sections and (digest_format is None or appearance.format is digest_format)
    ]
    return min(
        written,
        key=lambda one: (
            one.language != locale.value,
            one.format is not models.DigestFormat.NEWSLETTER,
            -one.date.toordinal(),
        ),
        default=None,
    )


def summary_sections(detail: models.PaperDetail, locale: models.Locale) -> tuple[models.Section, ...]:
    """Return the summary to show in a post: a digest's, else the abstract, else nothing."""
    best = best_appearance(detail, locale)
    if best is not None:
        return best.entry.sections
    return (models.Section(None, detail.abstract),) if detail.abstract else ()


def build_post_paper(detail: models.PaperDetail, locale: models.Locale) -> contents.PostPaper:
    """Return the paper as a post shows it to readers of that language."""
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
