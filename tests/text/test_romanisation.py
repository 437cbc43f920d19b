"""Korean names in Latin letters: usual spellings are recognised in every order, and any text costs little."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import people

SYLLABLES = st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [
        ("김건우", "Gunwoo Kim"),
        ("김건우", "Geonwoo Kim"),
        ("김건우", "Geon-Woo Kim"),
        ("김건우", "Kim Gun Woo"),
        ("김 건우", "Kim, Kunwoo"),
        ("건우 김", "Geonu Gim"),
        ("김건우 교수님", "Gunwoo Kim"),
        ("김건우님", "Gunwoo Kim"),
        ("이승현", "Seunghyun Rhee"),
        ("이승현", "Sung-Hyun Yi"),
        ("이승현", "Seunghyeon Lee"),
        ("박영수", "Young Soo Pak"),
        ("박영수", "Youngsu Bak"),
        ("최지희", "Jihee Choe"),
        ("정현철", "Hyun-Chul Chung"),
        ("정현철", "Hyeoncheol Jeong"),
        ("조은경", "Eunkyung Cho"),
        ("임태훈", "Taehoon Lim"),
        ("임태훈", "Tae Hun Rim"),
        ("유규원", "Kyuwon Ryu"),
        ("노재욱", "Jaewook Roh"),
        ("백희진", "Heejin Paik"),
        ("남궁민", "Min Namkoong"),
        ("선우진", "Woojin Sun"),
        ("윤성로", "Sungroh Yoon"),
        ("허준", "Hur Joon"),
    ],
)
def test_the_usual_spellings_of_a_name_are_the_same_name(hangul: str, latin: str) -> None:
    assert people.is_same_name(hangul, latin)
    assert people.is_same_name(latin, hangul)
    assert people.sound_keys(hangul)[0] in people.sound_keys(latin)


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [
        ("김건우", "Gunwoo Lee"),
        ("김건우", "Gunho Kim"),
        ("김건우", "G. Kim"),
        ("김건우", "Kim"),
        ("김건우", "Gunwoo"),
        ("김건우", "Bryan Gunwoo Kim"),
        ("이희", "Gim Hee Lee"),
        ("김건우", "김건우"),
        ("Gunwoo Kim", "Geonwoo Kim"),
        ("강화 학습 모델", "Kang Hwa"),
        ("", ""),
    ],
)
def test_other_names_are_not_the_same(hangul: str, latin: str) -> None:
    assert not people.is_same_name(hangul, latin)


def test_a_given_name_alone_is_recognised() -> None:
    assert people.split_hangul("건우") == [("", "건우")]
    assert ("", "도현") in people.split_hangul("도현")
    assert people.split_hangul("강화 학습 모델") == []


def test_a_spelling_is_read_in_hangul() -> None:
    assert ("김", "건우") in people.hangul_readings("Kim, Geon-Woo")
    assert people.hangul_readings("Wolfgang Amadeus Mozart") == []


@given(st.text(SYLLABLES, min_size=1, max_size=6))
def test_any_hangul_name_has_few_spellings_that_are_recognised(name: str) -> None:
    for family, given_name in people.split_hangul(name):
        spellings = people.given_spellings(given_name)
        assert 0 < len(spellings) <= people.MAX_SPELLINGS
        for spelling in (next(iter(spellings)), list(spellings)[-1]):
            assert people.match_cost("", given_name, spelling) is not None or not given_name
        assert family == "" or people.family_spellings(family)


@given(st.text(SYLLABLES, min_size=2, max_size=3).filter(lambda name: not name.endswith("님")))
def test_all_spellings_of_a_name_share_its_sound_key(name: str) -> None:
    """No name ends in the honorific 님, which is read as one."""
    key, *_ = people.sound_keys(f"김{name}")
    for spelling in people.given_spellings(name):
        assert key in people.sound_keys(f"{spelling} Kim")


@given(st.text(max_size=60))
def test_any_text_is_accepted(text: str) -> None:
    people.sound_keys(text)
    assert len(list(people.list_spellings(text))) <= 20 * people.MAX_SPELLINGS
    assert len(people.hangul_readings(text)) <= people.MAX_READINGS


@pytest.mark.parametrize("text", ["a" * 60, "ye" * 40, "u" * 24 + " kim", "가" * 60])
def test_long_repetitions_stay_bounded(text: str) -> None:
    assert len(people.hangul_readings(text)) <= people.MAX_READINGS
    assert people.split_hangul("가" * 60) == []
