"""The query language: operators are parsed, and any text is a valid query."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import query_parser
from bot.text.parsed_query import ParsedQuery
from storage.models import Filters

_FRAGMENT_LIST = '";-;(;);author:;since:;until: ;votes:;|;강화 학습;LLM; ;2025-01;*;^;NEAR(;);:;\x00;👍'
FRAGMENTS = st.sampled_from(_FRAGMENT_LIST.split(";"))
QUERIES = st.one_of(st.text(max_size=400), st.lists(FRAGMENTS, max_size=60).map("".join))


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "": ParsedQuery(),
        "LLM 추론": ParsedQuery(text="LLM 추론"),
        '"chain of thought" 추론': ParsedQuery(text="추론", phrases=("chain of thought",)),
        "“생각의 사슬”": ParsedQuery(phrases=("생각의 사슬",)),
        "ㅋㅋ ㄱㅎㅅ ㅏㅏ": ParsedQuery(text="ㅋㅋ ㄱㅎㅅ ㅏㅏ"),
        "diffusion -video": ParsedQuery(text="diffusion", excluded=("video",)),
        '-"large language model" RL': ParsedQuery(text="RL", excluded=("large language model",)),
        'author:"Junyang Lin" votes:20': ParsedQuery(authors=("Junyang Lin",), filters=Filters(min_votes=20)),
        "author:Müller since:2025-01-15": ParsedQuery(
            authors=("Müller",), filters=Filters(since_on=date(2025, 1, 15))
        ),
        "저자:홍길동 이후:2025": ParsedQuery(authors=("홍길동",), filters=Filters(since_on=date(2025, 1, 1))),
        "votes:>=5 RAG": ParsedQuery(text="RAG", filters=Filters(min_votes=5)),
        "since:yesterday RAG": ParsedQuery(text="RAG", ignored=("since:yesterday",)),
        'an "open quote': ParsedQuery(text="an", phrases=("open quote",)),
        '" * ^ NEAR ( ) : -': ParsedQuery(phrases=("* ^ NEAR ( ) : -",)),
        "* ^ ( ) : - 👍": ParsedQuery(),
        "author: lin reasoning": ParsedQuery(text="reasoning", authors=("lin",)),
        '저자: "Lin, Junyang" 추론': ParsedQuery(text="추론", authors=("Lin, Junyang",)),
        "by:lin": ParsedQuery(authors=("lin",)),
        "since:2025년5월": ParsedQuery(filters=Filters(since_on=date(2025, 5, 1))),
        "after:>=2025": ParsedQuery(filters=Filters(since_on=date(2025, 1, 1))),
        "until:2024-02": ParsedQuery(filters=Filters(until_on=date(2024, 2, 29))),
        "before:2025": ParsedQuery(filters=Filters(until_on=date(2024, 12, 31))),
        "까지:2025-01-05": ParsedQuery(filters=Filters(until_on=date(2025, 1, 5))),
        "since:1127 RAG": ParsedQuery(text="RAG", ignored=("since:1127",)),
        "votes>50": ParsedQuery(filters=Filters(min_votes=51)),
        "herons votes >= 10": ParsedQuery(text="herons", filters=Filters(min_votes=10)),
        "herons votes<= 20": ParsedQuery(text="herons", filters=Filters(max_votes=20)),
        "추천 > 50 로봇": ParsedQuery(text="로봇", filters=Filters(min_votes=51)),
        "votes : 10": ParsedQuery(filters=Filters(min_votes=10)),
        "author : lin": ParsedQuery(authors=("lin",)),
        "votes > nothing": ParsedQuery(text="votes nothing"),
        "robots from > 5": ParsedQuery(text="robots from 5"),
        "herons year>2020 stars>=10": ParsedQuery(text="herons", ignored=("year>2020", "stars>=10")),
        "votes:1,000": ParsedQuery(filters=Filters(min_votes=1000)),
        "추천:50": ParsedQuery(filters=Filters(min_votes=50)),
        "RAG votes:50..100": ParsedQuery(text="RAG", filters=Filters(min_votes=50, max_votes=100)),
        "votes:<20": ParsedQuery(filters=Filters(max_votes=19)),
        "추천<=20": ParsedQuery(filters=Filters(max_votes=20)),
        "RAG -author:lin": ParsedQuery(text="RAG", ignored=("-author:lin",)),
        "RAG author:": ParsedQuery(text="RAG", ignored=("author:",)),
        "since: the beginning": ParsedQuery(text="since the beginning"),
        "title:diffusion": ParsedQuery(text="diffusion"),
        "diffusion −video –image": ParsedQuery(text="diffusion", excluded=("video", "image")),
        "diffusion – video": ParsedQuery(text="diffusion video"),
        "reasoning|inference 추론/학습": ParsedQuery(text="reasoning | inference 추론 / 학습"),
        "I/O 3/4": ParsedQuery(text="I/O 3/4"),
    }.items(),
)
def test_operators_are_parsed(text: str, expected: ParsedQuery) -> None:
    assert query_parser.parse_query(text) == expected


def test_relative_dates_are_read_if_the_day_is_known() -> None:
    query = query_parser.parse_query('RAG since:어제 before:"last month" until:someday', date(2026, 1, 1))
    assert (query.filters.since_on, query.filters.until_on) == (date(2025, 12, 31), date(2025, 11, 30))
    assert (query.text, query.ignored) == ("RAG", ("until:someday",))


@given(QUERIES)
def test_any_text_gives_a_query_without_control_characters(text: str) -> None:
    query = query_parser.parse_query(text)
    assert not any(letter < " " for part in (query.text, *query.phrases, *query.authors) for letter in part)


def test_an_ignored_filter_gets_an_example_with_the_typed_name() -> None:
    ignored = query_parser.parse_query("since:december 이후:12월 votes:abc -author:lin").ignored
    assert ignored == ("since:december", "이후:12월", "votes:abc", "-author:lin")
    forms = query_parser.list_accepted_forms(ignored)
    assert forms == ["since:2025-01-31", "이후:2025-01-31", "votes:20"]
    assert query_parser.parse_query(" ".join(forms)).ignored == ()


@pytest.mark.parametrize(
    ("text", "words", "since"),
    [
        ("RAG since:dec 30", "RAG", date(2025, 12, 30)),
        ("since:dec 1 agents", "agents", date(2025, 12, 1)),
        ("이후:12월 1일 로봇", "로봇", date(2025, 12, 1)),
        ("since:dec agents", "agents", date(2025, 12, 1)),
        ("since:2025-12 3D", "3D", date(2025, 12, 1)),
    ],
)
def test_a_date_of_a_filter_may_have_several_words(text: str, words: str, since: date) -> None:
    query = query_parser.parse_query(text, date(2026, 1, 4))
    assert (query.text, query.filters.since_on, query.ignored) == (words, since, ())


@pytest.mark.parametrize(
    ("query", "terms", "left_out"),
    [
        ("robots", ["survey"], "robots -survey"),
        ("robots", ["world model", "-maps", '"two words"'], 'robots -"world model" -maps -"two words"'),
        ("robots -survey", ["survey", "maps"], "robots -survey -maps"),
        ("robots", ["author:ada"], 'robots -"author:ada"'),
        ("", ["survey"], "-survey"),
        ("로봇", ["『강화 학습』", "－지도"], '로봇 -"강화 학습" -지도'),
        ("robots", ["", "-", " "], "robots"),
    ],
)
def test_words_to_leave_out_become_operators(query: str, terms: list[str], left_out: str) -> None:
    assert query_parser.leave_out(query, terms) == left_out


def test_a_long_query_is_cut_before_the_words_to_leave_out() -> None:
    text = query_parser.leave_out("robot " * 300, ["survey"])
    assert text.endswith(" -survey")
    assert len(text) <= 300


@pytest.mark.parametrize(
    ("query", "excluded", "rest"),
    [
        ('robots -"world model" maps -survey', ["world model", "survey"], "robots maps"),
        ('"a -b c" -d', ["d"], '"a -b c"'),
        ("e-mail -", [], "e-mail -"),
        ("robots −survey –maps -“a b”", ["survey", "maps", "a b"], "robots"),
        ("robots -votes:20", [], "robots -votes:20"),
        ('robots -"open', ["open"], "robots"),
        ('"language model"-vision', ["vision"], '"language model"'),
        ("로봇 －지도 -『강화 학습』", ["지도", "강화 학습"], "로봇"),
        ("robots ‑survey -《deep sea》 -〝far sea〞", ["survey", "deep sea", "far sea"], "robots"),
        ("robots -title:maps -author:lin", ["maps"], "robots -author:lin"),
    ],
)
def test_what_a_query_leaves_out_is_found_and_taken_back(query: str, excluded: list[str], rest: str) -> None:
    read = query_parser.parse_query(query)
    assert (list(read.excluded), read.wanted) == (excluded, rest)
    for term in excluded:
        others = [other for other in excluded if other != term]
        assert list(query_parser.parse_query(query_parser.leave_out(read.wanted, others)).excluded) == others


@given(st.lists(FRAGMENTS.filter(lambda one: one != "\x00"), max_size=60).map("".join))
def test_what_a_query_wants_leaves_nothing_out(query: str) -> None:
    assert not query_parser.parse_query(query_parser.parse_query(query).wanted).excluded


@pytest.mark.parametrize(
    "text",
    [
        "robots, not surveys",
        "maps or robots",
        "robots or maps, 서베이 말고",
        '"snow geese" or robots, without maps',
        'robots -labels NOT "snow geese" since:2025 votes:10..20 from:KAIST',
        'swans "snow geese" or robots in kitchens, no "tall kettles" or maps',
    ],
)
def test_a_written_query_is_the_query_again(text: str) -> None:
    query = query_parser.parse_query(text)
    assert query.meant
    assert query_parser.parse_query(query.meant) == query


READINGS = {
    # Signs, and single words.
    "robots NOT survey NOT benchmark": "robots -survey -benchmark",
    "robots AND NOT survey AND NOT benchmark": "robots -survey -benchmark",
    'NOT "world model" AND robots': 'robots -"world model"',
    "robots OR drones NOT survey": "robots | drones -survey",
    "robots in small kitchens or drones at sea": "robots in small kitchens | drones at sea",
    "부엌의 로봇 또는 드론": "부엌의 로봇 | 드론",
    "how do robots walk or drones fly": "how do robots walk | drones fly",
    "how do robots walk upstairs or down": "",
    "robots or drones at sea by night": "",
    "how do robots walk upstairs OR drones": "how do robots walk upstairs | drones",
    # The clause at the end: all that stands in it, as one phrase or several.
    "robots, not surveys": "robots -surveys",
    "robots, no surveys.": "robots -surveys",
    "robots, without world models": 'robots -"world models"',
    "robots, except surveys and benchmarks": "robots -surveys -benchmarks",
    "robots, excluding surveys, benchmarks, or maps": "robots -surveys -benchmarks -maps",
    "robots, not surveys, not benchmarks": "robots -surveys -benchmarks",
    'robots, excluding "art, music" or maps': 'robots -"art, music" -maps',
    "robots, drones, not a survey": "robots drones -survey",
    "robots or drones, not surveys": "robots | drones -surveys",
    "author:Carr, not surveys": 'author:"Carr" -surveys',
    "robots, not surveys votes:10": "robots votes:10 -surveys",
    "강화 학습, 서베이 제외": "강화 학습 -서베이",
    "LLM 환각, 의료는 빼고": "LLM 환각 -의료",
    "로봇 또는 에이전트, 서베이 말고": "로봇 | 에이전트 -서베이",
    "로봇, 서베이와 벤치마크 제외": "로봇 -서베이 -벤치마크",
    "로봇, 서베이나 세계 모델은 제외": '로봇 -서베이 -"세계 모델"',
    "로봇, 마을 빼고": "로봇 -마을",
    "에이전트, 웹이나 뇌와 결과 해석은 말고": '에이전트 -웹 -뇌 -"결과 해석"',
    "로봇, GAN과 GPT-4는 제외": "로봇 -GAN -GPT-4",
    "Kim,Lee 빼고": "Kim -Lee",
    "GPT-4,서베이제외": "GPT-4 -서베이",
    "1,000 tokens, without quantization": "1,000 tokens -quantization",
    "robots; no surveys": "robots -surveys",
    "robots, no surveys, since 2025-03": "robots since 2025-03 -surveys",
    "로봇, 지난주, 서베이 빼고": "로봇 지난주 -서베이",
    "robots — no surveys": "robots -surveys",
    "robots, but not surveys": "robots -surveys",
    # A Korean clause begins at the last comma.
    "로봇, 드론, 서베이 제외": "로봇 드론 -서베이",
    '"state of the art" | 빼고': "",
}
"""The query that each text is, as it is typed with signs; "" if its words are searched for (docs/search.md)."""
_WORDS = (
    "not surveys|서베이 제외|, without labels|robots not surveys|robots, not only surveys"
    "|robots that are not surveys and not benchmarks|language models without attention|서베이 말고 로봇"
    "|서베이도 벤치마크도 아닌 로봇|로봇, 서베이 제외하고|로봇 (서베이, 벤치마크 제외)|robots, drones"
    "|로봇 아니면 지도|whether OR|robots, not|로봇, 제외|TD(λ) RL (reinforcement learning)|서베이,벤치마크 말고 로봇"
    "|or , excluding 말고"
)
READINGS |= dict.fromkeys(_WORDS.split("|"), "")
"""Everything else is words."""


@pytest.mark.parametrize(("typed", "meant"), READINGS.items())
def test_what_leaves_out_is_a_sign_a_word_in_capitals_or_a_clause_at_the_end(typed: str, meant: str) -> None:
    query = query_parser.parse_query(typed, date(2026, 1, 4))
    assert (query.meant, query.ignored) == (meant, ())
    assert meant or not query.excluded


OFFERED: dict[str, str | None] = {
    "papers on robots that are not surveys": "papers on robots that are -surveys",
    "language models without attention": "language models -attention",
    "robots except the world models votes:10": 'robots votes:10 -"world models"',
    "강화 학습 말고 로봇 논문": '로봇 논문 -"강화 학습"',
    "speech recognition but no text-to-speech": "speech recognition -text-to-speech",
    "robots and not the surveys": "robots -surveys",
    'author:"Tri Dao" not mamba': 'author:"Tri Dao" -mamba',
    '"kv cache" without surveys': '"kv cache" -surveys',
    "서베이가 아닌 로봇": "로봇 -서베이",
    "서베이제외하고 로봇": "로봇 -서베이",
}
_NOT_OFFERED = (
    "not surveys|robots not before 2025|robots|not all of them|robots -surveys|robots, not only surveys"
)
OFFERED |= dict.fromkeys(_NOT_OFFERED.split("|"))


@pytest.mark.parametrize(("typed", "offered"), OFFERED.items())
def test_what_a_sentence_seems_to_leave_out_is_offered(typed: str, offered: str | None) -> None:
    found = query_parser.find_negated(query_parser.parse_query(typed))
    assert (found and found[0]) == offered


@pytest.mark.parametrize(
    ("typed", "text", "ignored"),
    [
        ("robots NOT author:Carr", "robots", ["NOT author:Carr"]),
        ("robots OR author:Carr", "robots", ["OR author:Carr"]),
        ("로봇 NOT 저자:홍길동", "로봇", ["NOT 저자:홍길동"]),
        ("robots except author:Carr", "robots", ["except author:Carr"]),
        ('robots without in:"ICLR 2025"', "robots", ['without in:"ICLR 2025"']),
        ('로봇 저자:"홍 길동"은 제외하고', "로봇", ['not 저자:"홍 길동"']),
        ("robots, not 2024", "robots", ["2024"]),
        ("robots, not from 2024", "robots", ["2024"]),
    ],
)
def test_what_cannot_be_left_out_is_reported_and_neither_found_nor_left_out(
    typed: str, text: str, ignored: list[str]
) -> None:
    query = query_parser.parse_query(typed)
    assert (query.text, list(query.ignored), query.excluded, query.authors) == (text, ignored, (), ())


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("author:Beech OR author:Carr", 'author:"Beech | Carr"'),
        ("author:Beech | author:Carr or author:Dee", 'author:"Beech | Carr | Dee"'),
        ("robots from:KAIST OR from:NAVER", 'robots from:"KAIST | NAVER"'),
        ("저자:홍길동 또는 저자: 이순신", 'author:"홍길동 | 이순신"'),
    ],
)
def test_or_between_two_names_means_papers_of_either(typed: str, written: str) -> None:
    query = query_parser.parse_query(typed)
    assert query_parser.write_query(query) == written
    assert query_parser.parse_query(written) == query
