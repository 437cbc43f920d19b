"""The language of a digest is detected from its summaries."""

from __future__ import annotations

import pytest

from bot.archive import fields
from storage import models


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("소형 언어 모델(Small Language Model; SLM)의 개발을 다룹니다.", "ko"),
        ("A small model with one Korean word, 모델, in a long English sentence.", "en"),
        ("", "en"),
        ("2026: 42 %", "en"),
    ],
)
def test_the_language_is_that_of_the_summaries_letters(body: str, expected: str) -> None:
    entry = models.Entry(1, "2601.00001", None, "", sections=(models.Section("What's New", body),))
    assert fields.detect_language([entry]).value == expected
