"""Choosing a paper's summary by language, author and basis."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bot.archive import summaries
from bot.archive.summaries import Basis
from bot.papers import post_papers
from storage import models
from storage.models import DigestFormat, Locale

DAY = date(2026, 1, 5)
TEXTS = {
    "ko": "작은 언어 모델을 큰 모델만큼 잘 학습시키는 방법을 제안하고 세 가지 벤치마크에서 비교한 연구예요. 자료는 절반만 써요.",
    "en": "A method that trains a small language model as well as a large one, compared on three benchmarks.",
}
INVENTED = "죄송하지만 논문을 확인할 수 없었습니다. 제목을 바탕으로 추정하여 요약해 드리겠습니다."


def appearance(
    language: str,
    digest_format: DigestFormat,
    on: date = DAY,
    *,
    labelled: bool = False,
    text: str | None = None,
) -> models.Appearance:
    heading = "What's New" if labelled else None
    sections = (models.Section(heading, text or TEXTS[language]), models.Section("2. 기여", TEXTS[language]))
    entry = models.Entry(1, "2601.00001", "A title", "u", sections=sections)
    return models.Appearance(1, digest_format, on, language, entry)


def detail(*appearances: models.Appearance, abstract: str | None = None) -> models.PaperDetail:
    names = dict.fromkeys(models.PaperDetail.__dataclass_fields__)
    given = {"key": "2601.00001", "url": "u", "last_on": DAY, "authors": (), "authors_truncated": False}
    return models.PaperDetail(**{**names, **given, "abstract": abstract, "appearances": appearances})  # type: ignore[arg-type]


def chosen(
    paper: models.PaperDetail, locale: Locale
) -> tuple[DigestFormat | None, str, date, Basis | None] | None:
    best = summaries.best_summary(paper, locale)
    return None if best is None else (best.format, best.language, best.date, best.basis)


def test_summaries_are_ranked_by_priority_then_writer_then_source_age() -> None:
    def ranked(
        rank: int, age: int, digest_format: DigestFormat = DigestFormat.REVIEW, **more: Any
    ) -> models.Appearance:
        return replace(
            appearance("en", digest_format, **more), source_rank=models.SourceRank(rank, age), digest_id=age
        )

    old, young = ranked(0, 2), ranked(0, 3, DigestFormat.NEWSLETTER, on=date(2026, 1, 9), labelled=True)
    listing, lifted = ranked(0, 1, DigestFormat.LISTING), ranked(-1, 9, DigestFormat.LISTING)
    other = replace(appearance("ko", DigestFormat.REVIEW), source_rank=models.SourceRank(-9, 0))
    label = summaries.BASIS_LABELS[Locale.EN][Basis.EXTRACT]
    extract = ranked(0, 0, text=f"{TEXTS['en']}\n{label}")
    for given, expected in [
        ([young, listing, other], young),
        ([young, listing, old], old),
        ([young, extract, listing], young),
        ([old, young, lifted], lifted),
    ]:
        for order in (given, given[::-1]):
            best = summaries.best_summary(detail(*order), Locale.EN)
            assert best is not None
            assert best.digest_id == expected.digest_id


def test_a_summary_in_the_readers_language_is_preferred_to_a_newer_one() -> None:
    english, korean = (appearance(language, DigestFormat.REVIEW) for language in ("en", "ko"))
    newsletter, newer = (
        replace(appearance("en", DigestFormat.NEWSLETTER, on, labelled=True), writer="a model")
        for on in (DAY, date(2026, 1, 6))
    )
    newest_review = appearance("en", DigestFormat.REVIEW, date(2026, 1, 9))
    paper = detail(newest_review, english, korean, newsletter, newer)
    assert chosen(paper, Locale.KO) == (DigestFormat.REVIEW, "ko", DAY, None)
    assert chosen(paper, Locale.EN) == (DigestFormat.NEWSLETTER, "en", date(2026, 1, 6), Basis.PAPER)
    assert summaries.best_appearance(paper.appearances, Locale.EN, DigestFormat.REVIEW) == newest_review
    assert summaries.best_appearance(detail(newsletter).appearances, Locale.EN, DigestFormat.REVIEW) is None


def test_an_english_reader_gets_the_abstract_instead_of_a_korean_digest() -> None:
    korean = appearance("ko", DigestFormat.NEWSLETTER, labelled=True)
    paper = detail(korean, abstract=TEXTS["en"])
    assert chosen(paper, Locale.EN) == (None, "en", DAY, Basis.ABSTRACT)
    assert chosen(paper, Locale.KO) == (DigestFormat.NEWSLETTER, "ko", DAY, None)
    assert chosen(detail(korean), Locale.EN) == (DigestFormat.NEWSLETTER, "ko", DAY, None)
    assert chosen(detail(abstract=TEXTS["en"]), Locale.KO) == (None, "en", DAY, Basis.ABSTRACT)
    review = detail(appearance("en", DigestFormat.REVIEW), abstract=TEXTS["en"])
    assert chosen(review, Locale.EN) == (DigestFormat.REVIEW, "en", DAY, None)


@pytest.mark.parametrize("flagged", [False, True])
def test_an_invented_summary_is_never_shown(flagged: bool) -> None:
    invention = appearance("ko", DigestFormat.REVIEW, text=None if flagged else INVENTED)
    entry = replace(invention.entry, summary_missing=flagged)
    paper = detail(replace(invention, entry=entry))
    assert summaries.best_summary(paper, Locale.KO) is None
    assert post_papers.build_post_paper(paper, Locale.KO).summary is None
    assert summaries.best_appearance(paper.appearances, Locale.KO, DigestFormat.REVIEW) is None


def test_a_summarys_language_is_detected_from_its_text() -> None:
    korean_in_english_digest = replace(appearance("ko", DigestFormat.NEWSLETTER), language="en")
    paper = detail(korean_in_english_digest, abstract=TEXTS["en"])
    assert chosen(paper, Locale.EN) == (None, "en", DAY, Basis.ABSTRACT)
