"""Names of people and institutions: spellings, scripts and distances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import institutions, people, seed

_TERMS = {
    "Jürgen Müller": "jurgen muller juergen mueller",
    "Mueller": "mueller muller",
    "Xuan-Son Nguyen": "xuan son nguyen xuanson sonnguyen",
    "O'Neil": "oneil",
    "김철수": "김철수",
}


@pytest.mark.parametrize(("name", "terms"), _TERMS.items())
def test_index_terms_cover_all_spellings(name: str, terms: str) -> None:
    assert {*terms.split()} <= {*people.index_terms(name)}


def distance_to(query: str, name: str) -> float:
    return people.name_distance(tuple(people.name_tokens(query)), name)


@pytest.mark.parametrize(
    ("query", "nearest_first"),
    [
        ("Lin, Junyang", ["Lin Junyang", "Junyang Lin", "Jun-Yang Lin", "Junyang Q. Lin", "Junyan Lin"]),
        ("J. Lin", ["J. Lin", "Junyang Lin", "Jun Yang Lin", "Lin Junyang"]),
        ("Junyang Lin", ["Junyang Lin", "J. Lin", "Junyang Liu", "Kun J. Lin"]),
        ("Muller", ["Muller", "Müller", "Ada Müller", "Miller"]),
        ("Xin Xue", ["Xin Xue", "Xin Xü", "Xin Xie"]),
    ],
)
def test_closer_names_have_a_smaller_distance(query: str, nearest_first: list[str]) -> None:
    distances = [distance_to(query, name) for name in nearest_first]
    assert distances == sorted(distances)


SYLLABLES = st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
SAME_NAMES = {
    "김건우": "Gunwoo Kim|Geonwoo Kim|Geon-Woo Kim|Kim Gun Woo",
    "김 건우": "Kim, Kunwoo",
    "건우 김": "Geonu Gim",
    "김건우 교수님": "Gunwoo Kim",
    "김건우님": "Gunwoo Kim",
    "이승현": "Seunghyun Rhee|Sung-Hyun Yi|Seunghyeon Lee",
    "박영수": "Young Soo Pak|Youngsu Bak",
    "최지희": "Jihee Choe",
    "정현철": "Hyun-Chul Chung|Hyeoncheol Jeong",
    "조은경": "Eunkyung Cho",
    "임태훈": "Taehoon Lim|Tae Hun Rim",
    "유규원": "Kyuwon Ryu",
    "노재욱": "Jaewook Roh",
    "백희진": "Heejin Paik",
    "남궁민": "Min Namkoong",
    "선우진": "Woojin Sun",
    "윤성로": "Sungroh Yoon",
    "허준": "Hur Joon",
}


@pytest.mark.parametrize(("hangul", "spellings"), SAME_NAMES.items())
def test_a_usual_spelling_matches_the_hangul_name(hangul: str, spellings: str) -> None:
    for latin in spellings.split("|"):
        assert people.is_same_name(hangul, latin)
        assert people.is_same_name(latin, hangul)
        assert not people.list_keys(latin).isdisjoint(people.list_keys(hangul))


_OTHER_NAMES = (
    "김건우=Gunwoo Lee|김건우=Gunho Kim|김건우=G. Kim|김건우=Kim|김건우=Gunwoo|김건우=Bryan Gunwoo Kim|이희=Gim Hee Lee"
    "|김건우=김건우|Gunwoo Kim=Geonwoo Kim|강화 학습 모델=Kang Hwa|="
)


@pytest.mark.parametrize("pair", _OTHER_NAMES.split("|"))
def test_a_spelling_of_a_different_name_does_not_match(pair: str) -> None:
    assert not people.is_same_name(*pair.split("="))


@given(st.text(SYLLABLES, min_size=1, max_size=6))
def test_every_hangul_name_has_a_few_spellings_that_match_it(name: str) -> None:
    for family, given_name in people.split_hangul(name):
        spellings = people.given_spellings(given_name)
        assert 0 < len(spellings) <= people.MAX_SPELLINGS
        for spelling in (next(iter(spellings)), list(spellings)[-1]):
            assert people.match_cost("", given_name, spelling) is not None or not given_name
        assert family == "" or people.family_spellings(family)


_AFFILIATIONS = {
    "KAIST": "KAIST AI",
    "카이스트": "School of Computing, KAIST, Daejeon, South Korea",
    "한국과학기술원": "Korea Advanced Institute of Science & Technology",
    "서울대": "Dept. of ECE, Seoul National University",
    "Seoul National University": "서울대학교 컴퓨터공학부",
    "ETH Zurich": "ETH Zürich",
    "Univ. of Toronto": "The University of Toronto",
    "DeepMind": "Google DeepMind",
    "구글": "Google Research",
    "A Lab of Ours": "a lab of ours",
    "Our Lab": "Dept. of Moss, Our Lab (Lichen)",
}


@pytest.mark.parametrize(("institution", "affiliation"), _AFFILIATIONS.items())
def test_an_institution_is_found_in_an_affiliation(institution: str, affiliation: str) -> None:
    assert institutions.make_token(institution) in institutions.make_tokens([affiliation])


def test_no_two_institutions_share_a_name() -> None:
    assert institutions.make_key("...") == ""
    rows = [*seed.read_rows("institutions.tsv")]
    keys = [{institutions.make_key(form.removesuffix("?")) for form in row} for row in rows]
    assert all(len(of_row) == 1 for of_row in keys)
    assert len(set().union(*keys)) == len(rows) > 100


@pytest.mark.parametrize("pair", ["kai=KAIST", "카이=카이스트", "서울=서울대학교", "zzz="])
def test_institutions_are_completed_in_the_typed_language(pair: str) -> None:
    typed, name = pair.split("=")
    assert institutions.complete(typed)[:1] == ([name] if name else [])


def test_institutions_are_completed_from_any_word_in_their_names() -> None:
    full_name = "Korea Advanced Institute of Science and Technology"
    assert institutions.complete("advanced inst")[0] == full_name
