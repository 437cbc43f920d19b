"""Names of institutions in both languages."""

from __future__ import annotations

import pytest

from bot.text import people


@pytest.mark.parametrize(
    ("followed", "name"),
    [
        ("KAIST", "KAIST AI"),
        ("카이스트", "School of Computing, KAIST, Daejeon, South Korea"),
        ("한국과학기술원", "Korea Advanced Institute of Science & Technology"),
        ("서울대", "Dept. of ECE, Seoul National University"),
        ("Seoul National University", "서울대학교 컴퓨터공학부"),
        ("ETH Zurich", "ETH Zürich"),
        ("Univ. of Toronto", "The University of Toronto"),
        ("DeepMind", "Google DeepMind"),
        ("구글", "Google Research"),
        ("A Lab of Ours", "a lab of ours"),
    ],
)
def test_a_name_in_either_language_is_in_an_affiliation(followed: str, name: str) -> None:
    assert people.institution_key(followed) in people.find_keys(name)


@pytest.mark.parametrize(
    ("followed", "name"),
    [
        ("KAIST", "KAUST"),
        ("KAIST", "Kaistra Labs"),
        ("Seoul National University", "Seoul National University of Education".replace("National ", "")),
        ("고려대학교", "연세대학교"),
        ("Meta", "Metabolic Institute"),
    ],
)
def test_another_institution_is_not_meant(followed: str, name: str) -> None:
    assert people.institution_key(followed) not in people.find_keys(name)


def test_no_form_belongs_to_two_institutions() -> None:
    assert people.institution_key("...") == ""
    keys = [{people.institution_key(form) for form in forms} for forms in people._rows()]
    assert all(len(of) == 1 for of in keys)
    assert len(set().union(*keys)) == len(keys) > 100


def test_completions_are_in_the_language_that_is_typed() -> None:
    counts = {"Seoul Robotics": 3, "KAIST AI": 2, "Kaist": 5, "서울대학교 의과대학": 1}
    assert people.complete_institution("kai", counts) == ["KAIST", "KAIST AI"]
    assert people.complete_institution("카이", counts) == ["카이스트"]
    assert people.complete_institution("seoul", counts)[:2] == ["Seoul Robotics", "Seoul National University"]
    assert "서울대학교" in people.complete_institution("서울", counts)
    assert (
        people.complete_institution("advanced inst", counts)[0]
        == "Korea Advanced Institute of Science and Technology"
    )
    assert people.complete_institution("zzz", counts) == []
