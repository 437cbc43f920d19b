"""What readers may see of an entry's summary, and what it was written from."""

from __future__ import annotations

from datetime import date

import pytest

from bot.archive import summaries
from bot.archive.summaries import Basis
from storage import models
from storage.models import DigestFormat, Section

SOUND = "작은 모델을 큰 모델만큼 학습시키는 방법을 제안합니다."
EMPTY = "마스킹 방식에 대한 정보는 제공되지 않았습니다."
INVENTED = "죄송하지만 논문을 확인할 수 없었습니다. 제목을 바탕으로 추정하여 요약해 드리겠습니다."
LATE, EARLY = date(2025, 1, 2), date(2024, 6, 9)


def entry(*sections: Section, missing: bool = False) -> models.Entry:
    return models.Entry(1, "2501.00001", None, "u", sections=sections, summary_missing=missing)


def test_empty_statements_are_not_shown_and_inventions_not_at_all() -> None:
    sound = Section("1. 동기", SOUND)
    assert summaries.shown_sections(entry(sound, Section("4. 실험", EMPTY))) == (sound,)
    assert summaries.shown_sections(entry(Section(None, INVENTED), sound)) == ()
    assert summaries.shown_sections(entry(sound, missing=True)) == ()
    assert summaries.shown_sections(entry()) == ()


@pytest.mark.parametrize(
    ("digest_format", "day", "sections", "basis"),
    [
        (DigestFormat.NEWSLETTER, LATE, [Section("What's New", SOUND)], Basis.PAPER),
        (DigestFormat.NEWSLETTER, EARLY, [Section("Technical Details", SOUND)], Basis.PAPER),
        (DigestFormat.NEWSLETTER, EARLY, [Section(None, SOUND)], Basis.ABSTRACT),
        (DigestFormat.NEWSLETTER, LATE, [Section(None, SOUND)], None),
        (DigestFormat.REVIEW, LATE, [Section("1. 동기", SOUND)], None),
        (DigestFormat.REVIEW, LATE, [Section(None, INVENTED), Section("1. 동기", SOUND)], Basis.NONE),
        (DigestFormat.REVIEW, LATE, [Section("4. 실험", EMPTY)], Basis.NONE),
        (DigestFormat.REVIEW, LATE, [], Basis.NONE),
    ],
)
def test_the_basis_follows_from_the_text_the_format_and_the_date(
    digest_format: DigestFormat, day: date, sections: list[Section], basis: Basis | None
) -> None:
    assert summaries.find_shown_basis(digest_format, day, entry(*sections)) is basis


def test_every_format_has_a_basis() -> None:
    for digest_format in DigestFormat:
        assert summaries.find_shown_basis(digest_format, LATE, entry(Section(None, SOUND))) in (None, *Basis)


@pytest.mark.parametrize(
    ("heading", "is_label"),
    [
        ("What's New", True),
        ("**What’s new**:", True),
        ("performance highlights", True),
        ("1. 동기", False),
        (None, False),
    ],
)
def test_the_newsletters_labels_are_recognised(heading: str | None, is_label: bool) -> None:
    assert summaries.is_newsletter_label(heading) is is_label
