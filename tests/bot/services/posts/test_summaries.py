"""The choice of a paper's summary by language and format."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from bot.services.posts import summaries
from storage import models
from storage.models import DigestFormat, Locale

DAY = date(2026, 1, 5)


def appearance(language: str, digest_format: DigestFormat, on: date = DAY) -> models.Appearance:
    sections = (models.Section(None, f"{language} {digest_format} {on}"),)
    entry = models.Entry(1, "2601.00001", "A title", "u", sections=sections)
    return models.Appearance(1, digest_format, on, language, entry)


def detail(*appearances: models.Appearance) -> models.PaperDetail:
    names = dict.fromkeys(models.PaperDetail.__dataclass_fields__)
    given = {"arxiv_id": "2601.00001", "url": "u", "last_on": DAY, "authors": (), "authors_truncated": False}
    return models.PaperDetail(**{**names, **given, "abstract": "abstract", "appearances": appearances})  # type: ignore[arg-type]


def test_the_readers_language_comes_first_then_the_newsletter_then_the_newest() -> None:
    english, korean = (appearance(language, DigestFormat.REVIEW) for language in ("en", "ko"))
    newsletter = appearance("en", DigestFormat.NEWSLETTER)
    newest = replace(newsletter, date=date(2026, 1, 6))
    paper = detail(english, korean, newsletter, newest)
    assert summaries.best_appearance(paper, Locale.KO) == korean
    assert summaries.best_appearance(paper, Locale.EN) == newest
    assert summaries.best_appearance(paper, Locale.EN, DigestFormat.REVIEW) == english


def test_the_abstract_is_shown_if_no_digest_has_a_summary() -> None:
    assert summaries.summary_sections(detail(), Locale.EN) == (models.Section(None, "abstract"),)
    assert summaries.summary_sections(replace(detail(), abstract=None), Locale.EN) == ()
