"""How well refusals, inventions and summaries of the abstract are told from sound texts, by rule."""

from __future__ import annotations

from datetime import date

import pytest

from bot.archive import parse, summaries
from bot.archive.summaries import Basis
from storage import models
from tests.support import basis_texts

CHAPTERS = [
    "핵심 동기와 문제 정의",
    "주요 기여",
    "모델 구조",
    "실험 설정",
    "정량적 결과",
    "한계점",
    "후속 연구",
]
BODY = "제안한 방법은 자료를 절반만 쓰고도 정확도가 3% 높습니다. 비교 대상은 네 가지입니다."
DAY = date(2026, 1, 5)
NOTATIONS = ["## {number}. {title}", "**{number}. {title}**", "{number}. **{title}**"]


def parse_summary(place: str, text: str, notation: str) -> models.Entry:
    """Parse a review with the text at its place."""
    blocks = []
    for number, title in enumerate(CHAPTERS, 1):
        heading = notation.format(number=number, title=title)
        blocks.append(f"{heading}\n\n{text if number == 1 and place == 'first' else BODY}")
    if place == "only":
        blocks = [text]
    elif place == "before":
        blocks.insert(0, text)
    elif place == "after":
        blocks += ["---", text]
    summary = "\n\n".join(blocks)
    head = "# 📰 Daily Papers (2026-01-05)\n\n## 2601.00001\n🔗 https://huggingface.co/papers/2601.00001\n\n**Summary**:\n"
    review = f"{head}{summary}\n"
    [digest] = parse.parse_text(review)
    return digest.entries[0]


def found_basis(place: str, text: str, notation: str) -> Basis | None:
    entry = parse_summary(place, text, notation)
    assert entry.summary_missing == (not summaries.shown_sections(entry))
    return summaries.find_shown_basis(models.DigestFormat.REVIEW, DAY, entry)


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(
    ("rule", "texts", "expected"),
    [
        ("refusal", basis_texts.REFUSED, Basis.NONE),
        ("invention", basis_texts.INVENTED, Basis.NONE),
        ("abstract", basis_texts.FROM_ABSTRACT, Basis.ABSTRACT),
    ],
)
def test_every_text_of_a_rule_is_found(
    rule: str, texts: list[tuple[str, str]], expected: Basis, notation: str
) -> None:
    missed = [text for place, text in texts if found_basis(place, text, notation) is not expected]
    assert missed == [], f"{rule}: recall {1 - len(missed) / len(texts):.2f}"


@pytest.mark.parametrize("place", ["before", "first", "after"])
def test_no_sound_text_is_lost(place: str) -> None:
    lost = [text for text in basis_texts.SOUND_TEXTS if found_basis(place, text, NOTATIONS[0]) is not None]
    assert lost == [], f"precision: {len(lost)} of {len(basis_texts.SOUND_TEXTS)} lost"
