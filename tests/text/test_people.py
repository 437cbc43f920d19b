"""Names of people and institutions: spellings, scripts and distances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import bylines, institutions, people, seed

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
    """Return the distance between a query and a name."""
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
        assert people.consonant_keys(latin) <= people.consonant_keys(hangul)


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
    keys = [{institutions.make_key(form) for form in forms} for forms in institutions._rows().values()]
    assert all(len(of) == 1 for of in keys)
    assert len(set().union(*keys)) == len([*seed.read_rows("institutions.tsv")]) > 100


@pytest.mark.parametrize("pair", ["kai=KAIST", "카이=카이스트", "서울=서울대학교", "zzz="])
def test_institutions_are_completed_in_the_typed_language(pair: str) -> None:
    typed, name = pair.split("=")
    assert institutions.complete(typed)[:1] == ([name] if name else [])


def test_institutions_are_completed_from_any_word_in_their_names() -> None:
    full_name = "Korea Advanced Institute of Science and Technology"
    assert institutions.complete("advanced inst")[0] == full_name


_WRITERS = {
    "papers from the Google DeepMind team on agents": [("Google DeepMind", 1, 6)],
    "Google's work on robots": [("Google", 0, 1)],
    "삼성전자 연구진이 쓴 논문": [("삼성전자", 0, 3)],
    "robots by Jane Roe": [("Jane Roe", 1, 4)],
    "김건우 교수 논문": [("김건우", 0, 2)],
    "papers from Samsung and by KAIST": [("Samsung", 1, 4), ("KAIST", 4, 6)],
    "papers by Google, Apple or Meta AI": [("Google", 1, 3), ("Apple", 3, 5), ("Meta AI", 5, 7)],
    "메타나 구글이 쓴 논문": [("메타", 0, 1), ("구글", 1, 3)],
    "robots by google deepmind": [("google deepmind", 1, 4)],
    "anything by kaiming he?": [("kaiming he", 1, 4)],
    "트리 다오가 쓴 어텐션 논문": [("트리 다오", 0, 3)],
    "어텐션 논문 구글 딥마인드가 쓴": [("구글 딥마인드", 2, 5)],
    "papers by Dr. Tri Dao": [("Tri Dao", 1, 5)],
    "구글 딥마인드": [("구글 딥마인드", 0, 2)],
    "Google DeepMind robotics": [("Google DeepMind", 0, 2)],
    "메타나 구글": [("메타", 0, 1), ("구글", 1, 2)],
    "엔비디아": [("엔비디아", 0, 1)],
    "Hugging Face": [("Hugging Face", 0, 2)],
    "스탠포드와 메타가 함께 쓴 논문": [("스탠포드", 0, 1), ("메타", 1, 4)],
    "스탠포드대 논문": [("스탠포드대", 0, 1)],
    "what did Geoffrey Hinton write": [("Geoffrey Hinton", 2, 5)],
    "메타 AI 논문": [("메타 AI", 0, 2)],
    "오픈 AI 논문": [("오픈 AI", 0, 2)],
    "카카오 브레인 연구": [("카카오 브레인", 0, 2)],
    "Stanford AI Lab papers": [("Stanford AI", 0, 3)],
    "스탠포드 대학 논문": [("스탠포드 대학", 0, 2)],
    "현대 AI 논문": [],
    "meta ai agents": [],
    "Qwen or DeepSeek": [],
    "Hugging Face models": [],
    "the Google model": [],
    "메타 학습": [],
    "learning from scratch": [],
    "사람이 만든 데이터": [],
    "cached by KV": [],
    "": [],
}


@pytest.mark.parametrize("question", _WRITERS)
def test_writers_are_found_by_the_words_around_their_names(question: str) -> None:
    found = bylines.find_writers(question.split())
    assert [(writer.name, writer.start, writer.end) for writer in found] == _WRITERS[question]


_PIECES = "by from the Google 삼성이 쓴 연구진 교수 papers 's 김건우가 Jane ."


@given(st.lists(st.sampled_from(_PIECES.split()) | st.text(max_size=9)))
def test_writers_found_in_any_text_do_not_overlap(words: list[str]) -> None:
    ends = [0]
    for writer in bylines.find_writers(words):
        assert ends[-1] - 1 <= writer.start < writer.end <= len(words)
        ends.append(writer.end)
