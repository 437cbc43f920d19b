"""The search service over a small archive, on both engines where its statements differ."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.papers import paper_texts
from bot.search.results import Hint, MatchKind, SearchRequest, SearchResult, Sort
from bot.search.service import SearchService
from bot.text.parsed_query import ReadingKind
from storage import models
from storage.database import Database
from storage.models import Filters
from tests.support.sample_archive import (
    NOW,
    SMALL,
    NewsletterPaper,
    add_digest,
    make_ingest,
    make_paper,
    search_over,
)

both_engines = pytest.mark.engines("sqlite", "postgresql")
ON, ALL, SOME = MatchKind
ROBOTS = make_paper(1, "Robots", "로봇입니다.")


async def ask(search: SearchService, query: str, **fields: object) -> SearchResult:
    return await search.search(SearchRequest(query, **fields))  # type: ignore[arg-type]


async def ids(search: SearchService, query: str, **fields: object) -> list[str]:
    return [row.key for row in (await ask(search, query, **fields)).rows]


def digits(result: SearchResult, kind: MatchKind) -> str:
    """Return the last digits of the ids of a page's papers of a kind, in their order."""
    return "".join(row.key[-1] for row in result.rows if result.kinds[row.key] is kind)


async def test_every_form_of_a_topic_finds_its_paper(search: SearchService) -> None:
    queries = '소형 언어 모델|small language models|소형언어모델|SLM|"language model"|TinyTalk'
    for query in queries.split("|"):
        assert (await ids(search, query))[:1] == ["2501.00001"]
    questions = "small language models 논문|papers about the small language model|소형 언어 모델에 대한 연구"
    for question in questions.split("|"):
        assert (await ask(search, question)).kinds == {"2501.00001": ON}


async def test_added_forms_are_in_the_language_that_was_not_typed(search: SearchService) -> None:
    added = {
        "강화학습": ("reinforcement learning",),
        "reinforcement learning": ("강화 학습",),
        "RL": ("강화 학습",),
        "로봇 강화학습": ("robotics", "reinforcement learning"),
        # One of each concept that a word means.
        "추론": ("inference", "reasoning"),
        "LLM": ("대규모 언어 모델",),
        "RAG": ("검색 증강 생성",),
        # What was typed in both languages is not said in a rarer form.
        "RAG 검색증강생성": (),
        "LLM 대규모언어모델": (),
        "zeppelins": (),
        '"reinforcement learning"': (),
    }
    assert {query: (await ask(search, query)).read.translations for query in added} == added


async def test_korean_compounds_match_in_any_spacing(db: Database) -> None:
    closed = make_paper(4, "One", "멀티턴 학습에서 키프레임을 종단간으로 고릅니다.")
    apart = make_paper(5, "Two", "멀티 턴 학습에서 키 프레임을 종단 간으로 고릅니다.")
    service = await search_over(db, closed, apart)
    for query in ("멀티턴", "멀티 턴", "멀티-턴", "키프레임", "키 프레임", "종단간", "종단 간"):
        assert set(await ids(service, query)) == {"2501.00004", "2501.00005"}, query


# The three kinds.

KINDS = (
    make_paper(1, "Robot Planning", "로봇 계획입니다.", votes=1),
    make_paper(2, "Kettles", "주전자입니다. 차를 끓입니다. 로봇이 한 번 계획을 세웁니다.", votes=50),
    make_paper(3, "Robots in Snow", "눈입니다.", votes=90),
    make_paper(4, "Plans of a Robot", "Planning for robots. 로봇.", votes=None),
    make_paper(5, "Tea", "차입니다. 차가 식습니다. 로봇이 한 번 계획을 듣습니다.", votes=70),
    make_paper(6, "Planning Tea", "차입니다.", votes=8),
)


@both_engines
async def test_papers_on_the_topic_come_before_those_with_all_terms_and_with_some(db: Database) -> None:
    for day, paper in enumerate(KINDS, start=1):
        await add_digest(db, f"2025-01-0{day}", paper)
    service = SearchService(db)
    for query in ("robot planning", "로봇 계획", "로봇 계획에 대한 논문 찾아줘"):
        result = await ask(service, query)
        kinds = [sorted(digits(result, kind)) for kind in (ON, ALL, SOME)]
        assert kinds == [["1", "4"], ["2", "5"], ["3", "6"]]
        assert [result.kinds[row.key] for row in result.rows] == [ON, ON, ALL, ALL, SOME, SOME]
        assert (result.on_topic, result.all_terms, result.total) == (2, 2, 6)
    # The counts are of all pages, and a later page has the kinds of its papers.
    second = await ask(service, "robot planning", limit=3, offset=3)
    assert [*second.kinds.values()] == [ALL, SOME, SOME]
    assert (second.on_topic, second.all_terms, second.total) == (2, 2, 6)


@pytest.mark.parametrize(
    ("stored", "sort", "expected"),
    [
        # 1, 2, 3 and 6 have the votes 1, 50, 90 and 8.
        ("1236", Sort.VOTES, ["1", "2", "36"]),
        ("1236", Sort.DATE, ["1", "2", "63"]),
        ("1236", Sort.OLDEST, ["1", "2", "36"]),
        # If three papers have all terms, an order has no others.
        ("123456", Sort.VOTES, ["14", "52", ""]),
        ("123456", Sort.DATE, ["41", "52", ""]),
        ("123456", Sort.OLDEST, ["14", "25", ""]),
    ],
)
async def test_the_kinds_stay_in_their_order_and_each_is_sorted(
    db: Database, stored: str, sort: Sort, expected: list[str]
) -> None:
    for day, paper in enumerate(KINDS, start=1):
        if str(day) in stored:
            await add_digest(db, f"2025-01-0{day}", paper)
    for query in ("robot planning", "로봇 계획"):
        result = await ask(SearchService(db), query, sort=sort)
        assert [digits(result, kind) for kind in (ON, ALL, SOME)] == expected
        assert "".join(row.key[-1] for row in result.rows) == "".join(expected)
        assert (result.on_topic, result.all_terms) == tuple(map(len, expected[:2]))


@pytest.mark.parametrize("typed", ["reasoning", "추론", "추론에 대한 논문", "papers on reasoning"])
async def test_of_papers_on_a_broad_term_votes_decide_and_titles_are_last(db: Database, typed: str) -> None:
    often = "추론은 추론을 위한 추론입니다. reasoning, reasoning and reasoning."
    search = await search_over(
        db,
        *(
            NewsletterPaper(f"2501.001{number:02}", f"Part {number} of Reasoning", often, votes=2)
            for number in range(40)
        ),
        make_paper(1, "Reasoning on Graphs", "", votes=60),
        make_paper(2, "Reasoning", often.replace("추론", "문제").replace("reasoning", "x"), votes=1),
        make_paper(5, "Small Steps", "추론을 배웁니다. 추론입니다.", votes=1),
        make_paper(3, "Latent Reasoning in Steps", often, votes=5),
        make_paper(4, "Rewards for Visual Reasoning", "추론을 배웁니다. 추론입니다.", votes=90),
    )
    found = await ids(search, typed, limit=60)
    assert [*found[:3], *found[-2:]] == [f"2501.0000{number}" for number in (2, 4, 3, 5, 1)]


async def test_a_paper_has_one_word_in_its_title_or_as_its_subject_to_be_on_it(search: SearchService) -> None:
    """2501.00003 has more votes but mentions a model only once, so it is not about models."""
    for sort in Sort:
        result = await ask(search, "모델", sort=sort)
        assert [*result.kinds.items()] == [("2501.00001", ON), ("2501.00003", ALL)]
        assert (result.on_topic, result.all_terms, result.total, result.missing) == (1, 1, 2, {})


async def test_missing_are_the_terms_of_which_the_index_has_no_form_in_a_paper(db: Database) -> None:
    service = await search_over(
        db,
        make_paper(1, "Prompts of Doctors", "의료용 LLM의 finally 남은 환각입니다."),
        make_paper(2, "Medical Finance", "의료 금융입니다."),
        make_paper(3, "Hallucination", "환각입니다."),
    )
    missing: dict[str, dict[str, tuple[str, ...]]] = {
        "금융 LLM": {"2501.00001": ("금융",), "2501.00002": ("LLM",)},
        "finance with LLMs": {"2501.00001": ("finance",), "2501.00002": ("LLMs",)},
        "의료 금융": {"2501.00001": ("금융",)},
        "hallucination finance robots": {
            "2501.00001": ("finance", "robots"),
            "2501.00002": ("hallucination", "robots"),
            "2501.00003": ("finance", "robots"),
        },
        "환각 zeppelins": {"2501.00001": ("zeppelins",), "2501.00003": ("zeppelins",)},
    }
    for query, expected in missing.items():
        result = await ask(service, query)
        assert result.missing == expected, query
        assert [*expected] == sorted(id_ for id_, kind in result.kinds.items() if kind is SOME), query


async def test_a_paper_with_the_words_of_a_term_apart_does_not_have_the_term(db: Database) -> None:
    service = await search_over(
        db,
        make_paper(1, "Knowledge Distillation of Tea", "지식 증류입니다."),
        make_paper(2, "Teapots", "증류하는 주전자입니다. 지식도 있습니다."),
        make_paper(3, "Kettles", "A distillation, and some knowledge."),
        make_paper(4, "Cups", "지식입니다."),
    )
    for query in ("knowledge distillation", "지식 증류", "지식증류"):
        assert (await ask(service, query)).kinds == {"2501.00001": ON}, query


async def test_a_term_of_two_short_words_is_not_its_first_word(db: Database) -> None:
    """키-값 is key-value, and a key frame is neither."""
    service = await search_over(
        db,
        make_paper(1, "Frames", "키 프레임을 고릅니다. 키 프레임입니다."),
        make_paper(2, "Caches", "키-값 캐시입니다. 키 값을 줄입니다."),
    )
    for query in ("key-value", "키-값", "KV"):
        assert await ids(service, query) == ["2501.00002"], query


async def test_a_version_is_not_found_without_its_name(db: Database) -> None:
    papers = (
        make_paper(1, "Herons", "Phi 3 counts herons."),
        make_paper(2, "Newts", "Version 3.0 of a pond has 9 newts and 2 toads, and 3 herons."),
    )
    service = await search_over(db, *papers)
    for query in (
        "EXAONE 3.0",
        "EXAONE 3.0은 무엇인가요?",
        "Orca 9 vs Orca 2",
        "Is Orca 9 better?",
        "Orca 9",
    ):
        assert await ids(service, query) == [], query
    assert (await ids(service, "Phi 3"))[0] == "2501.00001"


async def test_words_of_an_added_form_apart_are_no_mention_of_the_term(db: Database) -> None:
    """A chatbot is a conversational agent, which a paper with an agent and a conversational style does not name."""
    apart = make_paper(2, "Tea", "A robot and an agent, which has a conversational style.")
    service = await search_over(db, ROBOTS, apart)
    result = await ask(service, "how does a robot use a chatbot")
    assert result.missing["2501.00002"] == ("chatbot",)


async def test_a_paper_with_the_words_as_typed_in_a_row_is_first(db: Database) -> None:
    """Also where one of them says nothing of a topic."""
    service = await search_over(
        db,
        make_paper(1, "A House of Experts", "전문가 전문가: experts, a model.", votes=90),
        make_paper(2, "Tea", "주전자에는 전문가 모델이 하나 있습니다. An expert model of tea."),
        make_paper(3, "Cups", "컵은 모델 전문가가 만듭니다."),
    )
    first = {"전문가 모델": "2501.00002", "expert model": "2501.00002", "모델 전문가": "2501.00003"}
    assert {query: (await ids(service, query))[0] for query in first} == first


async def test_an_abbreviation_of_two_letters_that_was_not_typed_makes_no_match(db: Database) -> None:
    """MU is also a Greek letter, OD the name of an encoder."""
    service = await search_over(
        db,
        make_paper(1, "Forgetting by Unlearning", "언러닝을 합니다."),
        make_paper(2, "MU and OD", "The coefficient MU (μ) by OD-VAE. MU, OD."),
        make_paper(3, "Object Detection in Snow", "객체 탐지입니다."),
        # It begins with the term, and so is on it, though it names it once.
        make_paper(4, "Signs in Snow", "객체 탐지입니다. 눈 속의 표지판을 봅니다."),
    )
    for queries, found in (
        ("unlearning|machine unlearning|언러닝 논문", ["2501.00001"]),
        ("object detection|객체 탐지", ["2501.00003", "2501.00004"]),
    ):
        for query in queries.split("|"):
            assert (await ask(service, query)).kinds == dict.fromkeys(found, ON), query
    beside = await ask(service, "unlearning coefficient")
    assert beside.missing["2501.00002"] == ("unlearning",)
    for query in ("MU", "OD"):
        assert "2501.00002" in await ids(service, query), "as typed"


# Hints.


ORDERED = (
    "newest robots|the latest papers on robots|most recent robots|최신 로봇 논문|로봇 최신|newest robots without snow"
    "|눈 말고 로봇 추천순|추천 많은 로봇|top voted robots|most voted robots|newest papers|최신 논문"
    "|most upvoted robots|oldest robots|robots sorted by votes|로봇 추천순|로봇 최신순|인기순 로봇"
)
UNORDERED = (
    "robots without snow|눈 없이 로봇|robots|로봇 논문 추천해줘|skip connections|obstacle avoidance|notebooks"
    "|novel robots|추천 시스템|재학습 없이|재학습 없이 로봇|without retraining|robots without labels|라벨 없이 로봇"
    "|robots that avoid obstacles"
)
"""Texts with a word for an order that is not searched for, and others, whose words belong to terms or are not of an order."""


async def test_words_of_an_option_that_are_not_searched_for_give_a_hint_at_it(db: Database) -> None:
    service = await search_over(db, ROBOTS)
    for queries, hints in ((ORDERED, [Hint.ORDER]), (UNORDERED, [])):
        for query in queries.split("|"):
            assert [*(await ask(service, query)).hints] == hints, query


# Filters.


@both_engines
async def test_filters_in_the_query_and_in_the_request_both_apply(search: SearchService) -> None:
    assert await ids(search, "모델 votes:50") == ["2501.00003"]
    assert await ids(search, "모델 votes:10..50") == await ids(search, "모델 votes:<=50") == ["2501.00001"]
    assert await ids(search, "", filters=Filters(min_votes=10)) == ["2501.00003", "2501.00001"]
    assert await ids(search, "모델 -화학") == ["2501.00001"]
    assert await ids(search, "모델 until:2025-01-02") == ["2501.00001"]
    assert await ids(search, "모델 before:2025-01-02") == []
    assert await ids(search, "모델 since:yesterday") == []
    unusable = await ask(search, "모델 votes:many since:soon")
    assert (unusable.read.ignored, len(unusable.rows)) == (("votes:many", "since:soon"), 2)
    assert (await ask(search, "votes:many")).read.ignored == ("votes:many",)


@pytest.mark.parametrize("query", ["모델", ""])
async def test_of_two_periods_or_votes_the_narrower_applies(search: SearchService, query: str) -> None:
    """Whichever of them is in the query and which in the request, as a menu's period is."""
    first, second, third = (date(2025, 1, day) for day in (1, 2, 3))
    for narrow, wide in ((third, first), (third, date.min)):
        assert await ids(search, f"{query} since:{wide}", filters=Filters(narrow)) == ["2501.00003"]
        assert await ids(search, f"{query} since:{narrow}", filters=Filters(wide)) == ["2501.00003"]
    small = ["2501.00001"] if query else ["2501.00001", "2501.00002"]
    assert await ids(search, f"{query} until:2025", filters=Filters(until_on=second)) == small
    assert await ids(search, f"{query} until:{second}", filters=Filters(until_on=date(2025, 12, 31))) == small
    assert await ids(search, f"{query} since:{first} until:2025", filters=Filters(second, second)) == small
    assert await ids(search, f"{query} since:{third}", filters=Filters(until_on=second)) == [], (
        "they have no day in common"
    )
    assert await ids(search, f"{query} votes:50", filters=Filters(min_votes=5)) == ["2501.00003"]
    assert await ids(search, f"{query} votes:5", filters=Filters(min_votes=50)) == ["2501.00003"]


async def test_no_paper_is_about_what_is_left_out_in_any_form_of_either_language(db: Database) -> None:
    rows = (
        ("Diffusion-based Image Generation", "이미지 생성입니다."),
        ("Next-Scale Image Generation", "이미지 생성입니다. 기존 확산 모델보다 낫습니다."),
        ("Image Generation by Tokens", "이미지 생성에 diffusion model을 씁니다."),
        ("Image Generation by Hand", "이미지 생성입니다. 확산을 막습니다."),
        ("Image Generation by Foot", "이미지 생성입니다. 주전자(kettle)를 그립니다."),
    )
    papers = [make_paper(n, *row) for n, row in enumerate(rows, start=1)]
    service = await search_over(db, *papers)
    for query, kept in (
        ("image generation -diffusion", "245"),
        ("이미지 생성 -확산", "245"),
        ("이미지 생성 -디퓨전", "245"),
        ('image generation -"diffusion model"', "1245"),
        ("이미지 생성 -확산모델", "1245"),
        ("image generation -diffusion -foot", "24"),
        ("image generation -zeppelins", "12345"),
        ("image generation -kettles", "1234"),  # no concept: wherever it stands
    ):
        result = await ask(service, query)
        assert sorted(row.key[-1] for row in result.rows) == [*kept], query
        assert result.read.excluded == tuple(words.strip('"') for words in query.split(" -")[1:])


async def test_a_paper_whose_title_says_that_it_is_without_what_is_left_out_stays(db: Database) -> None:
    titles = (
        "Kettle-Free Herons",
        "Herons Without Kettles",
        "No Kettle for Herons",
        "주전자 없는 왜가리 (herons)",
        "Kettles of Herons",
    )
    service = await search_over(
        db, *(make_paper(n, title, "Herons.") for n, title in enumerate(titles, start=1))
    )
    found = await ask(service, "herons, no kettles")
    assert sorted(row.key[-1] for row in found.rows) == [*"1234"]


async def test_a_period_that_is_to_be_left_out_is_said_and_neither_used_nor_a_word(
    search: SearchService,
) -> None:
    for query in (
        "강화 학습 except 2025",
        "강화 학습 not January 2025",
        "강화 학습 2025년 빼고",
        "강화 학습, not 2025",
    ):
        found = await ask(search, query, today=date(2026, 1, 1))
        assert found.rows == (await search.search(SearchRequest("강화 학습"))).rows != ()
        assert "2025" in " ".join(found.read.ignored)
        assert found.read.filters == Filters()


async def test_a_query_with_only_signs_or_exclusions_finds_nothing(db: Database) -> None:
    await add_digest(db, "2025-02-02", SMALL)
    service = SearchService(db)
    for query, excluded in (("🙈", ()), ("-video", ("video",)), ("-", ()), ("- -", ())):
        result = await ask(service, query)
        assert (result.total, result.read.excluded) == (0, excluded), query
    for query in ("", "-video", "since:2025-01"):
        found = await ask(service, query, filters=Filters(until_on=date(2025, 3, 1)))
        assert found.total == 1, "a period has papers"
    assert (await ask(service, "🙈", filters=Filters(until_on=date(2025, 3, 1)))).total == 0
    for query in ("", "the", "그", "it", "since:2025-03 until:2025-01"):
        assert await ids(service, query) == [], query


# Orders.


@both_engines
async def test_digests_and_top_lists_are_sorted_by_votes(search: SearchService) -> None:
    newest, newest_on = await search.get_digest(None, limit=10)
    assert (newest_on, newest.total) == (date(2025, 1, 3), 1)
    day, _ = await search.get_digest(date(2025, 1, 2), limit=10)
    assert [row.key for row in day.rows] == ["2501.00001", "2501.00002"]
    top = await ask(search, "", limit=2, sort=Sort.VOTES)
    assert [row.votes for row in top.rows] == [90, 40]


@both_engines
async def test_an_order_has_ties_newest_first_then_as_listed_and_unknown_votes_last(db: Database) -> None:
    votes_by_day = {2: (None, 5, 5, 0), 3: (9, 5), 4: (5, None), 5: (1,)}
    service = SearchService(db)
    for day, votes in votes_by_day.items():
        papers = [
            NewsletterPaper(f"2501.000{day}{9 - place}", "Robots", "로봇입니다.", votes=count)
            for place, count in enumerate(votes)
        ]
        await add_digest(db, f"2025-01-0{day}", *papers)
        await ids(service, "robots")  # so that the index has the days one after another
    for query in ("robots", "로봇 논문", "since:2025"):
        for sort, expected in (
            (Sort.VOTES, "39 49 38 28 27 59 26 48 29"),
            (Sort.DATE, "59 49 48 39 38 28 27 26 29"),
            (Sort.OLDEST, "28 27 26 29 39 38 49 48 59"),
        ):
            assert " ".join(key[-2:] for key in await ids(service, query, sort=sort)) == expected, query
    assert [one[-2:] for one in await ids(service, "robots votes:<1", sort=Sort.VOTES)] == ["26", "48", "29"]


async def test_of_the_papers_that_lack_a_term_an_order_has_the_near_ones(db: Database) -> None:
    """The newest paper with any of the words says little."""
    near = make_paper(2, "Planning for Robots", "로봇이 계획을 세웁니다.", votes=None)
    nearer = make_paper(4, "Robots and Planning", "로봇이 계획을 세웁니다.", votes=3)
    far = make_paper(3, "On Paint", "그림 이야기에 로봇이 한 번 나옵니다.", votes=99)
    await add_digest(db, "2025-01-02", near, nearer)
    await add_digest(db, "2025-01-03", far)
    service, query = SearchService(db), "papers on robots planning warehouses"
    assert set(await ids(service, query)) == {"2501.00002", "2501.00003", "2501.00004"}
    for sort in (Sort.VOTES, Sort.DATE):
        assert await ids(service, query, sort=sort) == ["2501.00004", "2501.00002"]


@pytest.mark.promise
async def test_a_paper_of_several_days_is_in_the_period_of_each_and_shown_as_of_it(db: Database) -> None:
    old = make_paper(1, "Robots of Yore", "A robot.", votes=9)
    again = make_paper(2, "Robots Twice", "A robot.", votes=20)
    await add_digest(db, "2025-12-31", old, again)
    now = NewsletterPaper("2601.00001", "Robots Now", "A robot.", votes=3)
    await add_digest(db, "2026-01-01", now, again)
    service = SearchService(db)
    december = await ask(service, "robots since:2025-12 until:2025-12", sort=Sort.VOTES)
    assert [(row.key, row.date) for row in december.rows] == [
        ("2501.00002", date(2025, 12, 31)),
        ("2501.00001", date(2025, 12, 31)),
    ]
    january = await ids(service, "robots", filters=Filters(date(2026, 1, 1)), sort=Sort.VOTES)
    assert january == ["2501.00002", "2601.00001"]
    # Of one day, the papers with the most votes come first, newest or oldest day first.
    newest = await ids(service, "robots", sort=Sort.DATE)
    assert newest == ["2501.00002", "2601.00001", "2501.00001"]
    oldest = await ids(service, "robots", sort=Sort.OLDEST)
    assert oldest == ["2501.00001", "2501.00002", "2601.00001"]
    author = await service.find_author("Ada Lovelace", filters=Filters(until_on=date(2025, 12, 31)), limit=10)
    assert [row.date for row in author.rows] == [date(2025, 12, 31)] * 2


# Papers that are asked for by id or by name.


@both_engines
async def test_an_id_or_a_link_as_a_query_finds_the_paper(search: SearchService) -> None:
    queries = (
        "2501.00002|2501.00002v3|2501.00002v1,|(2501.00002)|２５０１.００００２|https://huggingface.co/papers/2501.00002"
        "|https://arxiv.org/pdf/2501.00002v1|https://arxiv.org/abs/2501.00002"
    )
    for query in queries.split("|"):
        result = await ask(search, query)
        assert (result.kinds, result.total, result.on_topic) == ({"2501.00002": ON}, 1, 1)
        detail = await search.find_paper(query)
        assert detail is not None
        assert detail.key == "2501.00002"


async def test_a_title_with_latex_is_found_as_rendered_and_as_written(db: Database) -> None:
    title = r"$\pi_0$: A \textbf{Bold} Model"
    service = await search_over(db, NewsletterPaper("2505.09999", title, "It moves arms."))
    for query in ("π0", "pi0", "pi_0", "bold model", '"bold model"'):
        assert (await ids(service, query))[:1] == ["2505.09999"], query


async def test_a_title_is_found_by_its_name_in_one_or_two_words_and_with_the_word_model(db: Database) -> None:
    service = await search_over(
        db,
        NewsletterPaper("2205.14135", "FlashAttention: Fast and Exact Attention", "It reads tiles."),
        NewsletterPaper("2304.02643", "Segment Anything", "사진에서 물체를 오려 냅니다."),
    )
    detail = await service.find_paper("flash attention")
    assert detail is not None
    assert detail.key == "2205.14135"
    assert await service.find_paper("exact flash") is None
    for query in ("the segment anything model", "segment anything 모델"):
        assert (await ids(service, query))[0] == "2304.02643", query


async def test_quoted_phrases_are_sought_as_they_are(db: Database) -> None:
    paper = make_paper(1, "Short Memory", "A KV cache is made smaller.")
    service = await search_over(db, paper)
    for phrases, counts in (
        ('"kv cache"', (1, 0)),
        ('"short memory" "kv cache"', (1, 0)),
        ('"cache compression"', (0, 0)),
        ('"short memory" "cache compression"', (0, 1)),
    ):
        result = await ask(service, phrases)
        assert (result.on_topic + result.all_terms, len(result.missing)) == counts, phrases


async def test_a_word_with_hyphens_that_no_paper_has_is_read_as_its_words(db: Database) -> None:
    service = await search_over(
        db,
        ROBOTS,
        make_paper(2, "Teapot Melodies", "It turns an image of a teapot to music."),
        make_paper(3, "GPT Pours Tea", "주전자를 기울입니다."),
    )
    for query, found in {
        "teapot-to-music": "2501.00002",
        "image-to-music models": "2501.00002",
        "GPT-like models": "2501.00003",
        "robot-like": "2501.00001",
        "로봇-like 모델": "2501.00001",
    }.items():
        assert await ids(service, query) == [found], query


async def test_papers_on_what_takes_a_things_place_come_before_those_on_the_thing(db: Database) -> None:
    service = await search_over(
        db,
        make_paper(1, "Faster Attention", "어텐션을 빠르게 합니다. It speeds up attention.", votes=90),
        make_paper(2, "State Tea", "Attention has a recurrent alternative."),
    )
    queries = "alternatives to attention|is there an alternative to attention?|어텐션 alternatives"
    for query in queries.split("|"):
        assert (await ids(service, query))[0] == "2501.00002", query


async def test_a_quoted_phrase_beside_one_word_is_needed_too(db: Database) -> None:
    service = await search_over(db, ROBOTS, make_paper(2, "Robots in Thin Ice", "로봇입니다."))
    for query in ('robots "thin ice"', '로봇 "thin ice"'):
        result = await ask(service, query)
        assert (result.kinds["2501.00001"], result.missing["2501.00001"]) == (SOME, ("thin ice",))


# Snippets.


@both_engines
async def test_a_snippet_is_a_matching_sentence_from_any_summary(db: Database) -> None:
    title = "Zephyr: A Robot Policy"
    older = NewsletterPaper("2410.24164", title, "로봇 정책입니다. 자율 주행으로 넓힙니다.")
    newer = NewsletterPaper("2410.24164", title, "빨래를 갭니다.")
    await add_digest(db, "2025-01-02", older)
    await add_digest(db, "2025-01-03", newer)
    for query, text in (("자율주행", "**자율 주행**으로 넓힙니다."), ("zephyr", "빨래를 갭니다.")):
        result = await ask(SearchService(db), query, snippet_locale=models.Locale.KO)
        assert [paper_texts.mark_matches(snippet) for snippet in result.snippets.values()] == [text]


async def test_a_reader_sees_a_sentence_in_their_language_before_one_that_matches(db: Database) -> None:
    listing = {
        "format": "listing",
        "date": "2025-01-02",
        "papers": [
            {
                "arxiv_id": "2501.00001",
                "title": "Kettles",
                "summary": "A first sentence. It boils. An LLM will judge.",
            }
        ],
    }
    ingest = make_ingest(db)
    await ingest.add_text(json.dumps(listing), location="listing.json")
    korean = make_paper(1, "Kettles", "강화 학습을 씁니다. LLM 심판이 있어요.")
    await add_digest(db, "2025-01-03", korean)
    service = SearchService(db)
    for query, locale, shown in (
        ("강화학습", models.Locale.EN, "A first sentence."),
        ("강화학습", models.Locale.KO, "강화 학습을 씁니다."),
        # Of a term that is in the other language alone, a sentence has its words.
        ("LLM as a judge", models.Locale.EN, "An LLM will judge."),
    ):
        result = await ask(service, query, snippet_locale=locale)
        assert result.snippets["2501.00001"].text == shown


async def test_a_day_in_a_filter_is_the_readers_day(db: Database) -> None:
    await add_digest(db, "2025-01-02", ROBOTS)
    service = SearchService(db, clock=lambda: datetime(2025, 1, 2, 20, tzinfo=UTC))
    assert await ids(service, "robots since:today") == ["2501.00001"]
    assert await ids(service, "robots since:today", today=date(2025, 1, 3)) == []
    assert await ids(service, "로봇 이후:어제", today=date(2025, 1, 3)) == ["2501.00001"]


IN_2024 = (
    NewsletterPaper("2412.00001", "Herons at Night", "왜가리의 강화 학습입니다.", votes=9),
    NewsletterPaper("2412.00002", "Ponds of AIME 2024", "AIME 2024로 평가한 수학 모델입니다."),
)
IN_2025 = (
    make_paper(1, "Herons by Day", "왜가리의 강화 학습입니다."),
    make_paper(2, "Ponds by January 2012 or ImageNet 2012", "ImageNet 2012로 평가합니다."),
)


@pytest.mark.parametrize(
    ("typed", "read_as", "found"),
    [
        ("herons 2025", "herons since:2025 until:2025", {"2501.00001"}),
        (
            "what papers on herons are from 2024?",
            "what papers on herons are since:2024 until:2024",
            {"2412.00001"},
        ),
        ("herons in 2024 -ponds", "herons since:2024 until:2024 -ponds", {"2412.00001"}),
        ("2025년 강화학습", "강화학습 since:2025 until:2025", {"2501.00001"}),
        ("강화 학습 2024년에", "강화 학습 since:2024 until:2024", {"2412.00001"}),
        ("AIME 2024", "", {"2412.00002"}),
        ("ImageNet 2012", "", {"2501.00002"}),
        ("Ponds of AIME 2024", "", {"2412.00002"}),
        ("Ponds by January 2012", "", {"2501.00002"}),
        ("by January 2012 ponds", "ponds until:2012-01-31", set()),
        ("herons before 2025", "herons until:2024-12-31", {"2412.00001"}),
        ("왜가리 2025년 이전", "왜가리 until:2024-12-31", {"2412.00001"}),
        ("herons up to december 2024 at night", "herons at night until:2024-12-31", {"2412.00001"}),
        ("12월까지 나온 왜가리 논문", "나온 왜가리 논문 until:2024-12-31", {"2412.00001"}),
        ("herons after december 2024", "herons since:2025-01-01 until:2025-01-30", {"2501.00001"}),
        ("2024년 12월 이후 왜가리", "왜가리 since:2024-12-01 until:2025-01-30", {"2412.00001", "2501.00001"}),
        ("herons after 2024 steps", "", set()),
        ("herons 1127", "", {"2412.00001", "2501.00001"}),
        ("herons of 2024 and 2025", "", set()),
        ("herons since 2025", "herons since:2025-01-01 until:2025-01-30", {"2501.00001"}),
        ("2025년 1월 강화학습", "강화학습 since:2025-01 until:2025-01", {"2501.00001"}),
        ("herons December 2024", "herons since:2024-12 until:2024-12", {"2412.00001"}),
        ("지난달 왜가리", "왜가리 since:2024-12 until:2024-12", {"2412.00001"}),
        ("최근 한달 동안의 왜가리", "왜가리 since:2024-12-31 until:2025-01-30", {"2501.00001"}),
        ("지난 사흘 왜가리", "왜가리 since:2025-01-28 until:2025-01-30", set()),
        ("herons by day from last month", "herons by day since:2024-12 until:2024-12", {"2412.00001"}),
        ("왜가리 어제", "왜가리 since:2025-01-29 until:2025-01-29", set()),
        ("1월에 나온 논문", "since:2025-01 until:2025-01", {"2501.00001", "2501.00002"}),
        ("January 2025", "since:2025-01 until:2025-01", {"2501.00001", "2501.00002"}),
    ],
)
async def test_a_date_beside_words_is_that_time_unless_it_is_part_of_a_name(
    db: Database, typed: str, read_as: str, found: set[str]
) -> None:
    await add_digest(db, "2024-12-30", *IN_2024)
    search = await search_over(db, *IN_2025)
    result = await search.search(SearchRequest(typed, today=date(2025, 1, 30)))
    assert (result.read.meant, {row.key for row in result.rows[: len(found)]}) == (read_as, found)
    if read_as:
        assert result.total == len(found)
        [back] = [reading.query for reading in result.read.others if reading.kind is ReadingKind.WORDS]
        assert back.endswith('"')
        assert back.strip('"').rpartition('"')[2] in typed
        assert (await SearchService(db).search(SearchRequest(back))).read.meant == ""


async def test_later_pages_are_of_the_same_answer_for_a_quarter_of_an_hour(db: Database) -> None:
    await add_digest(db, "2024-12-30", *IN_2024)
    now = NOW
    service = SearchService(db, clock=lambda: now)
    assert (await ask(service, "강화 학습", limit=1)).on_topic == 1
    await add_digest(db, "2025-01-02", *IN_2025)
    assert (await ask(service, "강화 학습", limit=1, offset=1)).on_topic == 1
    now += timedelta(minutes=16)
    assert (await ask(service, "강화 학습", limit=1, offset=1)).on_topic == 2
    await add_digest(db, "2025-01-03", make_paper(3, "Herons", "왜가리의 강화 학습입니다."))
    assert (await ask(service, "강화 학습", limit=1)).on_topic == 3, "a first page is of a new answer"
