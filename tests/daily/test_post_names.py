"""How posts are named to readers: their topics in words, in both languages."""

import pytest

from bot.i18n import texts
from bot.papers import post_names
from storage.models import Locale


@pytest.mark.parametrize(
    ("topic", "english", "korean"),
    [
        ("", "", ""),
        ("diffusion", "diffusion", "diffusion"),
        ("강화 학습", "강화 학습", "강화 학습"),
        ("agents -GUI", "agents without GUI", "agents, GUI 제외"),
        ("agents, not GUI", "agents without GUI", "agents, GUI 제외"),
        ("로봇 -서베이 -지도", "로봇 without 서베이, 지도", "로봇, 서베이, 지도 제외"),
        ('from:"Meta"', "from Meta", "Meta 소속"),
        ('author:"Mira Holt"', "by Mira Holt", "저자 Mira Holt"),
        ("herons | newts", "herons or newts", "herons 또는 newts"),
        ("herons or newts", "herons or newts", "herons 또는 newts"),
        ('"language model" | herons', '"language model" or herons', '"language model" 또는 herons'),
        (
            'robots from:"NVIDIA" votes:10 -"motion planning"',
            "robots from NVIDIA without motion planning with at least ▲\u00a010",
            "robots, NVIDIA 소속, motion planning 제외, ▲\u00a010 이상",
        ),
        # No words are for these.
        ("robots since:2025", "robots · since January 1, 2025", "robots · 2025년 1월 1일부터"),
        ("robots votes:<5", "robots votes:<5", "robots votes:<5"),
        ("A* C++ .NET I/O", "A* C++ .NET I/O", "A* C++ .NET I/O"),
    ],
)
def test_a_topic_is_said_in_words(topic: str, english: str, korean: str) -> None:
    assert post_names.describe_topic(texts.for_locale(Locale.EN), topic) == english
    assert post_names.describe_topic(texts.for_locale(Locale.KO), topic) == korean
