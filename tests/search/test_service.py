"""The search service over a small archive, on both engines where its statements differ."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import chain, islice, permutations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.client import paper_texts
from bot.search import labels
from bot.search.results import SearchRequest, Sort
from bot.search.service import SearchService
from storage import models
from storage.database import Database
from storage.search import Filters
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

both_engines = pytest.mark.engines("sqlite", "postgresql")


async def ids(search: SearchService, query: str, **filters: object) -> list[str]:
    """Return the arXiv ids of the papers that a query finds."""
    return [row.arxiv_id for row in (await search.search(SearchRequest(query, **filters))).rows]  # type: ignore[arg-type]


async def test_every_form_of_a_topic_finds_its_paper(search: SearchService) -> None:
    queries = '소형 언어 모델|small language models|소형언어모델|SLM|"language model"|TinyTalk'
    for query in queries.split("|"):
        assert (await ids(search, query))[:1] == ["2501.00001"]
    questions = "small language models 논문|papers about the small language model|소형 언어 모델에 대한 연구"
    for question in questions.split("|"):
        result = await search.search(SearchRequest(question))
        assert ([row.arxiv_id for row in result.rows], result.is_partial) == (["2501.00001"], False)
    assert "reinforcement learning" in (await search.search(SearchRequest("강화학습"))).added_forms


@both_engines
async def test_a_period_in_a_question_becomes_a_filter(db: Database) -> None:
    await sample_archive.add_digest(db, "2025-01-02", sample_archive.SMALL, sample_archive.REINFORCED)
    await sample_archive.add_digest(db, "2025-02-03", sample_archive.CHEMISTRY)
    service = SearchService(db, clock=lambda: datetime(2025, 2, 20, tzinfo=UTC))
    for query in ("지난달 모델", "models from last month", "2025년 1월 모델"):
        result = await service.search(SearchRequest(query))
        assert result.period == (date(2025, 1, 1), date(2025, 1, 31))
        assert result.rows
        assert {row.date for row in result.rows} == {date(2025, 1, 2)}
    alone = await service.search(SearchRequest("이번 달 논문 추천해줘"))
    assert [row.arxiv_id for row in alone.rows] == ["2501.00003"]


async def test_a_period_without_papers_means_the_one_before(db: Database) -> None:
    for number, day in enumerate(("2023-12-03", "2024-04-10", "2024-06-02", "2025-05-11"), 1):
        await sample_archive.add_digest(db, day, NewsletterPaper(f"2301.0000{number}", "Robots", "로봇"))
    service = SearchService(db, clock=lambda: datetime(2025, 5, 12, 3, tzinfo=UTC))  # a Monday
    for query, since, until in (
        ("what's hot this week", "2025-05-06", "2025-05-12"),
        ("이번 주 인기 논문", "2025-05-06", "2025-05-12"),
        ("top papers of last week", "2025-05-05", "2025-05-11"),
        ("4월에 나온 로봇 논문", "2024-04-01", "2024-04-30"),
        ("best papers of april", "2024-04-01", "2024-04-30"),
        ("robots since june", "2024-06-01", None),
        ("robots from april 10", "2024-04-10", "2024-04-10"),
        ("December papers", "2023-12-01", "2023-12-31"),
        ("papers of may", "2025-05-01", "2025-05-31"),
        ("papers of march", "2025-03-01", "2025-03-31"),
        ("papers of april 2025", "2025-04-01", "2025-04-30"),
        ("이번 달 논문", "2025-05-01", "2025-05-31"),
    ):
        period = (await service.search(SearchRequest(query))).period
        assert period == tuple(day and date.fromisoformat(day) for day in (since, until)), query
    await sample_archive.add_digest(db, "2025-05-12", NewsletterPaper("2505.00001", "Maps", "지도"))
    period = (await service.search(SearchRequest("이번 주 인기 논문"))).period
    assert period == (date(2025, 5, 12), date(2025, 5, 18))


async def test_korean_compounds_match_in_any_spacing(db: Database) -> None:
    closed = NewsletterPaper("2501.00004", "One", "멀티턴 학습에서 키프레임을 종단간으로 고릅니다.")
    apart = NewsletterPaper("2501.00005", "Two", "멀티 턴 학습에서 키 프레임을 종단 간으로 고릅니다.")
    service = await sample_archive.search_over(db, closed, apart)
    for query in ("멀티턴", "멀티 턴", "멀티-턴", "키프레임", "키 프레임", "종단간", "종단 간"):
        assert set(await ids(service, query)) == {"2501.00004", "2501.00005"}, query


@both_engines
async def test_a_snippet_is_a_matching_sentence_from_any_summary(db: Database) -> None:
    older = NewsletterPaper(
        "2410.24164", "Zephyr: A Robot Policy", "로봇 정책입니다. 자율 주행으로 넓힙니다."
    )
    newer = NewsletterPaper("2410.24164", "Zephyr: A Robot Policy", "빨래를 갭니다.")
    await sample_archive.add_digest(db, "2025-01-02", older)
    await sample_archive.add_digest(db, "2025-01-03", newer)
    for query, text in (("자율주행", "**자율 주행**으로 넓힙니다."), ("zephyr", "빨래를 갭니다.")):
        result = await SearchService(db).search(SearchRequest(query, snippet_locale=models.Locale.KO))
        assert [paper_texts.mark_matches(snippet) for snippet in result.snippets.values()] == [text]


@both_engines
async def test_filters_in_the_query_and_in_the_request_both_apply(search: SearchService) -> None:
    assert await ids(search, "모델 votes:50") == ["2501.00003"]
    assert await ids(search, "모델", since=date(2025, 1, 3)) == ["2501.00003"]
    assert await ids(search, "", min_votes=10) == ["2501.00003", "2501.00001"]
    assert await ids(search, "모델 -화학") == ["2501.00001"]
    assert await ids(search, "모델 until:2025-01-02") == ["2501.00001"]
    assert await ids(search, "모델 before:2025-01-02") == []
    assert await ids(search, "since:2025-01-03 until:2025-01") == ["2501.00003"]
    assert await ids(search, "모델 until:2025", until=date(2025, 1, 2)) == ["2501.00001"]
    assert await ids(search, "모델 since:yesterday") == []
    unusable = await search.search(SearchRequest("모델 votes:many since:soon"))
    assert (unusable.ignored, len(unusable.rows)) == (("votes:many", "since:soon"), 2)
    assert (await search.search(SearchRequest("votes:many"))).ignored == ("votes:many",)
    assert await ids(search, "") == []


async def test_a_title_with_latex_is_found_as_rendered_and_as_written(db: Database) -> None:
    title = r"$\pi_0$: A \textbf{Bold} Model"
    service = await sample_archive.search_over(db, NewsletterPaper("2505.09999", title, "It moves arms."))
    for query in ("π0", "pi0", "pi_0", "bold model", '"bold model"'):
        assert (await ids(service, query))[:1] == ["2505.09999"], query


@both_engines
async def test_digests_and_top_lists_are_sorted_by_votes(search: SearchService) -> None:
    newest, newest_on = await search.get_digest()
    assert (newest_on, newest.total) == (date(2025, 1, 3), 1)
    day, _ = await search.get_digest(date(2025, 1, 2))
    assert [row.arxiv_id for row in day.rows] == ["2501.00001", "2501.00002"]
    assert [row.votes for row in (await search.search(SearchRequest(limit=2, sort=Sort.VOTES))).rows] == [
        90,
        40,
    ]
    # 2501.00003 has more votes but mentions a model only once, so it is not about models.
    assert await ids(search, "모델") == ["2501.00001", "2501.00003"]
    for sort in (Sort.VOTES, Sort.DATE, Sort.OLDEST):
        about = await search.search(SearchRequest("모델", sort=sort))
        assert [row.arxiv_id for row in about.rows] == ["2501.00001", "2501.00003"]
        assert (about.complete, about.mentioning, about.total) == (1, 1, 2)
        assert about.matched == {"2501.00003": ()}, "a word may mean something else once"


@both_engines
async def test_an_id_or_a_link_as_a_query_finds_the_paper(search: SearchService) -> None:
    queries = (
        "2501.00002|2501.00002v3|2501.00002v1,|(2501.00002)|２５０１.００００２|https://huggingface.co/papers/2501.00002"
        "|https://arxiv.org/pdf/2501.00002v1|https://arxiv.org/abs/2501.00002"
    )
    for query in queries.split("|"):
        result = await search.search(SearchRequest(query))
        assert ([row.arxiv_id for row in result.rows], result.total) == (["2501.00002"], 1)
        detail = await search.find_paper(query)
        assert detail is not None
        assert detail.arxiv_id == "2501.00002"


async def test_a_title_written_as_one_word_is_found_by_two(db: Database) -> None:
    title = "FlashAttention: Fast and Memory-Efficient Exact Attention"
    service = await sample_archive.search_over(db, NewsletterPaper("2205.14135", title, "It reads tiles."))
    detail = await service.find_paper("flash attention")
    assert detail is not None
    assert detail.arxiv_id == "2205.14135"
    assert await service.find_paper("exact flash") is None


async def test_a_model_is_excluded_with_what_titles_call_it_but_not_with_what_others_mention(
    db: Database,
) -> None:
    titles = ("Diffusion-based Image Generation", "Next-Scale Image Generation", "Image Generation by Tokens")
    texts = (
        "이미지 생성입니다.",
        "이미지 생성입니다. 기존 diffusion보다 낫습니다.",
        "이미지 생성에 diffusion model을 씁니다.",
    )
    rows = enumerate(zip(titles, texts, strict=True), start=1)
    papers = [NewsletterPaper(f"2501.0000{number}", *row) for number, row in rows]
    service = await sample_archive.search_over(db, *papers)
    for query, unwanted in (
        ("image generation without diffusion models", "diffusion models"),
        ("확산 모델 없이 이미지 생성", "확산 모델"),
        ("image generation -diffusion", "diffusion"),
    ):
        result = await service.search(SearchRequest(query))
        assert (result.complete, result.excluded) == (0, (unwanted,))
        assert [*result.passing] == [row.arxiv_id for row in result.rows] == ["2501.00002"]
        assert set(result.passing) <= set(result.missing), "it is no full match"


async def test_a_term_that_no_paper_has_finds_its_parts_as_near_matches(db: Database) -> None:
    service = await sample_archive.search_over(
        db, NewsletterPaper("2501.00001", "Short Memory", "A KV cache is made smaller.")
    )
    result = await service.search(SearchRequest("KV cache compression"))
    assert [row.arxiv_id for row in result.rows] == ["2501.00001"]
    assert result.complete == 0, "a smaller cache is near to the term, which the paper does not name"
    for phrases, title in (('"kv cache"', "Short Memory"), ('"short memory" "kv cache"', "Short Memory")):
        result = await service.search(SearchRequest(phrases))
        assert [row.title for row in result.rows] == [title]
    for phrases in ('"cache compression"', '"short memory" "cache compression"'):
        assert (await service.search(SearchRequest(phrases))).complete == 0, (
            "a quoted phrase is sought as it is"
        )


async def test_papers_by_a_writer_are_left_out(db: Database) -> None:
    rows = (("Ada Lovelace", "Grace Hopper"), ("Grace Hopper",), ("Alan Turing",))
    papers = [
        NewsletterPaper(f"2501.0000{number}", f"Robots {number}", "로봇입니다.", authors=names)
        for number, names in enumerate(rows, start=1)
    ]
    service = await sample_archive.search_over(db, *papers)
    for query in (
        "robots not by Ada Lovelace",
        "Ada Lovelace가 안 쓴 로봇 논문",
        "로봇인데 Ada Lovelace 교수님 논문 말고",
    ):
        result = await service.search(SearchRequest(query))
        assert ({row.arxiv_id for row in result.rows}, result.excluded) == (
            {"2501.00002", "2501.00003"},
            ("Ada Lovelace",),
        ), query
    assert await ids(service, "robots except Ada Lovelace's and Alan Turing's papers") == ["2501.00002"]
    bare = await service.search(SearchRequest("what did Grace Hopper put out"))
    assert (bare.writers, len(bare.rows)) == (("Grace Hopper",), 2)


@both_engines
async def test_the_oldest_and_the_least_upvoted_papers_come_first_if_asked_for(db: Database) -> None:
    for day, votes in ((2, 5), (3, None), (4, 9), (5, 1)):
        paper = NewsletterPaper(f"2501.0000{day}", f"Robots {day}", "로봇입니다.", votes=votes)
        await sample_archive.add_digest(db, f"2025-01-0{day}", paper)
    service = SearchService(db)
    oldest = ["2501.00002", "2501.00003", "2501.00004", "2501.00005"]
    for query in ("oldest papers", "the oldest paper on robots", "가장 오래된 로봇 논문부터"):
        assert await ids(service, query) == oldest, query
    for query in ("least upvoted papers", "추천 제일 적은 로봇 논문"):
        assert await ids(service, query) == ["2501.00005", "2501.00002", "2501.00004", "2501.00003"], query
    for query in ("papers without votes", "추천 없는 로봇 논문", "robots votes:<1"):
        assert await ids(service, query) == ["2501.00003"], query
    for query in ("robots with at most 5 votes, most votes first", "로봇 추천 5개 이하 추천순"):
        assert await ids(service, query) == ["2501.00002", "2501.00005", "2501.00003"], query
    for query in ("2 papers on robots, most votes first", "로봇 추천 많은 거 2개"):
        assert await ids(service, query) == ["2501.00004", "2501.00002"], query
        assert (await service.search(SearchRequest(query, limit=1, offset=1))).total == 2
        assert (await service.search(SearchRequest(query, limit=9, offset=2))).rows == ()
    assert await ids(service, "로봇 추천 1,000개 미만 추천순") == [
        "2501.00004",
        "2501.00002",
        "2501.00005",
        "2501.00003",
    ]
    assert await ids(service, "robots with over 1,000 votes") == []
    for query in ("robots with at least 5 votes, newest first", "추천 5개 이상인 것 중 최신 논문"):
        assert await ids(service, query) == ["2501.00004", "2501.00002"], query
    assert await ids(service, "which author has the most papers?") == []
    service = SearchService(db, clock=lambda: datetime(2025, 1, 10, tzinfo=UTC))
    for query, since in (
        ("what's trending right now", 4),
        ("지난 7일 논문", 4),
        ("past week", 4),
        ("최근 3일", 8),
    ):
        period = (await service.search(SearchRequest(query))).period
        assert period == (date(2025, 1, since), date(2025, 1, 10)), query


async def test_partial_matches_in_the_order_asked_for_are_near_ones(db: Database) -> None:
    near = NewsletterPaper("2501.00002", "Planning for Robots", "로봇이 계획을 세웁니다.")
    far = NewsletterPaper("2501.00003", "On Paint", "그림 이야기에 로봇이 한 번 나옵니다.")
    await sample_archive.add_digest(db, "2025-01-02", near)
    await sample_archive.add_digest(db, "2025-01-03", far)
    found = await ids(SearchService(db), "newest papers on robots planning warehouses")
    assert found[0] == "2501.00002"


async def test_partial_matches_without_votes_come_last_under_most_votes(db: Database) -> None:
    texts = {9: "로봇 계획입니다.", 1: "로봇이 계획을 세웁니다.", 3: "로봇 계획입니다."}
    texts[2] = "로봇이 warehouses 계획을 세웁니다. Robot planning for warehouses. Faster than diffusion."
    service = await sample_archive.search_over(
        db,
        *(
            NewsletterPaper(f"2501.0000{n}", f"Work {n}", text, votes=n if n > 1 else None)
            for n, text in texts.items()
        ),
    )
    query = "most upvoted papers on robots planning warehouses"
    assert await ids(service, query) == ["2501.00002", "2501.00009", "2501.00003", "2501.00001"]
    without = await ids(service, f"{query} without diffusion")
    assert without == ["2501.00009", "2501.00003", "2501.00002", "2501.00001"]


async def test_an_exclusion_has_no_full_match_that_mentions_what_is_asked_for_in_passing(
    db: Database,
) -> None:
    service = await sample_archive.search_over(
        db,
        NewsletterPaper("2501.00001", "Small Kernels", "커널입니다. 영상 생성 결과는 그대로입니다."),
        NewsletterPaper("2501.00002", "Diffusion for Video Generation", "확산 모델로 영상 생성을 합니다."),
    )
    result = await service.search(SearchRequest("video generation without diffusion"))
    assert ([row.arxiv_id for row in result.rows], result.complete) == (["2501.00001"], 0)


async def test_in_an_order_papers_with_another_meaning_of_an_english_term_in_korean_come_last_by_the_korean_form(
    db: Database,
) -> None:
    papers = (
        NewsletterPaper(
            "2501.00001", "Chains of Thought", "추론(reasoning)을 기릅니다. 추론이 길어집니다.", votes=1
        ),
        NewsletterPaper(
            "2501.00002", "Small Bits", "추론이 빨라집니다. 추론(inference) 비용이 줄어듭니다.", votes=99
        ),
    )
    service = await sample_archive.search_over(db, *papers)
    found = await service.search(SearchRequest("most upvoted papers on reasoning"))
    assert [row.arxiv_id for row in found.rows] == ["2501.00001", "2501.00002"]
    assert (found.complete, found.matched) == (1, {"2501.00002": ()})
    assert len(await ids(service, "추천 많은 추론 논문")) == 2


async def test_what_is_left_to_later_work_is_neither_found_nor_left_out_and_a_comparison_is_a_mention(
    db: Database,
) -> None:
    later = "짧은 규칙으로 추론합니다. 후속 연구에서는 강화 학습(Reinforcement Learning; RL)을 결합합니다."
    service = await sample_archive.search_over(
        db,
        NewsletterPaper("2501.00001", "Rewards", "강화 학습으로 추론을 기릅니다.", votes=1),
        NewsletterPaper("2501.00002", "Budgets", later, votes=99),
        NewsletterPaper(
            "2501.00003", "Trees", "추론합니다. 강화 학습(RL)보다 강화 학습 없이 낫습니다.", votes=50
        ),
    )
    result = await service.search(SearchRequest("most upvoted papers on reinforcement learning"))
    assert [row.arxiv_id for row in result.rows] == ["2501.00001", "2501.00003"]
    assert (result.complete, set(result.missing)) == (1, {"2501.00003"})
    for query in ("추론, 강화학습 없이", "추론 -강화학습"):
        found = await service.search(SearchRequest(query))
        assert found.passing.get("2501.00002") == ("강화학습",)
        assert "2501.00001" not in [row.arxiv_id for row in found.rows]


async def test_enough_papers_without_what_is_left_out_need_no_others(db: Database) -> None:
    papers = [
        NewsletterPaper(f"2501.0000{n}", f"Image Generation {n}", "이미지 생성입니다.") for n in range(1, 5)
    ]
    other = NewsletterPaper(
        "2501.00009", "Image Generation", "이미지 생성에서 diffusion보다 낫습니다.", votes=99
    )
    service = await sample_archive.search_over(db, *papers, other)
    result = await service.search(SearchRequest("image generation without diffusion"))
    assert (len(result.rows), result.passing) == (4, {})


async def test_a_label_names_what_a_paper_mentions_in_passing(db: Database) -> None:
    text = "MoE를 씁니다. 기존 video generation보다 낫습니다."
    service = await sample_archive.search_over(db, NewsletterPaper("2501.00001", "Mixture of Experts", text))
    result = await service.search(SearchRequest("mixture of experts but not for vision"))
    assert result.passing == {"2501.00001": ("video generation (vision)",)}, "the text has no form of vision"


async def test_all_full_matches_are_in_the_order_asked_for(db: Database) -> None:
    papers = [
        NewsletterPaper("2501.00001", "Reasoning Models", "강화 학습 기반 추론 모델입니다.", votes=16),
        NewsletterPaper(
            "2501.00002",
            "R1: Reasoning by Reinforcement Learning",
            "강화 학습으로 추론 능력을 키운 모델입니다.",
            votes=96,
        ),
        NewsletterPaper("2501.00003", "Scaling", "추론 모델에 강화 학습을 씁니다.", votes=33),
        NewsletterPaper("2501.00004", "Other", "추론 모델을 평가합니다.", votes=50),
    ]
    service = await sample_archive.search_over(db, *papers)
    found = await service.search(SearchRequest("강화학습 기반 추론 모델 추천순"))
    full = [row.votes or 0 for row in found.rows if row.arxiv_id not in found.missing]
    assert full == sorted(full, reverse=True)
    assert len(full) > 1


@pytest.mark.parametrize(
    ("query", "lacks"),
    [
        ("금융 LLM", "금융"),
        ("finance with LLMs", "finance"),
        ("robotics and prompt injection", "robotics"),
        ("prompt injection and hallucinations", "prompt injection"),
        ("의료 금융", "금융"),
    ],
)
async def test_a_partial_match_lacks_the_telling_word(db: Database, query: str, lacks: str) -> None:
    papers = (
        NewsletterPaper(
            "2501.00001", "Prompts of Doctors", "마지막으로, 의료용 LLM의 finally 남은 환각입니다."
        ),
        NewsletterPaper("2501.00002", "Medical Finance", "의료 금융입니다."),
        NewsletterPaper("2501.00003", "Hallucination", "환각입니다."),
    )
    service = await sample_archive.search_over(db, *papers)
    found = await service.search(SearchRequest(query))
    assert lacks in found.missing["2501.00001"]


async def test_a_paper_with_a_word_of_the_same_stem_does_not_lack_a_term(db: Database) -> None:
    """Nor does one that has the word as typed, in another sense or not."""
    papers = (
        NewsletterPaper("2501.00003", "Sampling by Diffusion", "디퓨전의 추론 알고리즘입니다."),
        NewsletterPaper("2501.00001", "라우터를 없앤 전문가 혼합", "라우터 대신 규칙을 씁니다."),
        NewsletterPaper("2501.00002", "음성", "음성 인식입니다."),
    )
    service = await sample_archive.search_over(db, *papers)
    routed = await service.search(SearchRequest("MoE 라우팅 expert 균형"))
    assert "라우팅" not in routed.missing.get("2501.00001", ())
    sampled = await service.search(SearchRequest("파인튜닝 없이 디퓨전 추론 빠르게 하는 방법들"))
    assert "추론" in sampled.terms
    assert sampled.missing["2501.00003"] == ()
    assert await ids(service, "STT") == await ids(service, "스피치 투 텍스트") == ["2501.00002"]


async def test_a_partial_match_of_a_negation_is_named_by_the_term_that_its_paper_has(db: Database) -> None:
    service = await sample_archive.search_over(
        db,
        NewsletterPaper("2501.00001", "Selective Scans", "비지도 학습입니다."),
        NewsletterPaper("2501.00002", "Robots", "로봇 팔입니다."),
    )
    result = await service.search(SearchRequest("라벨 없이 로봇 팔"))
    assert result.terms[0] == "라벨 없이", "what the reader typed"
    assert (*result.matched.get("2501.00001", ()), *result.missing["2501.00001"]) != ("라벨 없이",)
    assert not any("라벨 없이" in names for names in result.missing.values())
    others = await service.search(SearchRequest("alternatives to transformers other than Mamba"))
    assert ("Mamba" in others.added_forms, others.excluded) == (False, ("transformers", "Mamba"))


@both_engines
async def test_papers_with_code_are_found_by_the_links_of_their_digests(db: Database) -> None:
    papers = [
        {"arxiv_id": f"2501.0000{n}", "title": "Maps for Robots", "summary": "Robots."} | code
        for n, code in enumerate(({"code_url": "https://github.com/a/b"}, {}), start=1)
    ]
    listing = json.dumps({"format": "listing", "date": "2025-01-02", "papers": papers})
    await sample_archive.make_ingest(db).add_text(listing, location="listing.json")
    for query in ("robot papers with code", "코드 있는 로봇 논문", "papers with code"):
        result = await SearchService(db).search(SearchRequest(query))
        assert ([row.arxiv_id for row in result.rows], result.has_code) == (["2501.00001"], True)
        assert result.ignored == ()


async def test_a_paper_with_either_alternative_is_a_full_match(db: Database) -> None:
    service = await sample_archive.search_over(
        db,
        NewsletterPaper("2501.00004", "Generative adversarial networks for faces", "GAN을 씁니다."),
        NewsletterPaper("2501.00005", "A VAE of molecules", "VAE를 씁니다."),
        NewsletterPaper("2501.00006", "Planning agents", "계획합니다."),
    )
    for question in ("GAN or VAE", "gan 또는 vae", "GAN이나 VAE 논문", "GAN/VAE"):
        result = await service.search(SearchRequest(question))
        assert {row.arxiv_id for row in result.rows} == {"2501.00004", "2501.00005"}, question
        assert (result.complete, result.missing, result.matched) == (2, {}, {})
        assert result.is_shortened, "the answer says how it was read"


async def test_words_of_speech_cost_no_full_match_and_are_named(db: Database) -> None:
    service = await sample_archive.search_over(
        db,
        NewsletterPaper("2501.00004", "Planning agents", "에이전트가 계획합니다."),
        NewsletterPaper("2501.00005", "Speech recognition", "음성을 인식합니다."),
    )
    read: dict[str, tuple[tuple[str, ...], int]] = {
        "gotcha agents plz": (("gotcha",), 0),
        "뽀샤시한 에이전트 논문": (("뽀샤시",), 1),
        "papers on agents you would frame": (("frame",), 1),
        "agents my interns devoured over brunch": (("interns", "brunch"), 1),
        "what's the vibe on agents": (("vibe",), 1),
        "agents in zorkmids": (("zorkmids",), 0),
        "quantum agents": ((), 0),
        "FooNet agents": ((), 0),
        "foonet2 agents": ((), 0),
        "foo-net agents": ((), 0),
    }
    for question, (words, complete) in read.items():
        result = await service.search(SearchRequest(question))
        assert (result.unread, result.complete) == (words, complete), question
    alone = await service.search(SearchRequest("gotcha"))
    assert (alone.total, alone.unread) == (0, ())


async def test_papers_by_one_of_several_writers(db: Database) -> None:
    service = await sample_archive.search_over(
        db,
        NewsletterPaper("2501.00004", "Agents", "Google의 에이전트입니다."),
        NewsletterPaper("2501.00005", "Robots", "Microsoft의 로봇입니다."),
        NewsletterPaper("2501.00006", "Speech", "음성입니다."),
    )
    both = {"2501.00004", "2501.00005"}
    for question in ("papers from Google or Microsoft", "구글이나 마이크로소프트 논문"):
        result = await service.search(SearchRequest(question))
        assert {row.arxiv_id for row in result.rows} == both, question
        assert len(result.writers) == 1
        assert result.only_named == result.writers, "no paper gives its authors' institution"
        assert {term.kind for term in result.alert_terms} == {models.AlertKind.INSTITUTION}
    assert await ids(service, "papers from Google or Microsoft on robots") == ["2501.00005"]
    assert (await service.search(SearchRequest("구글 리서치 논문"))).only_named == ("구글",)
    alone = await service.search(SearchRequest("구글이 쓴 논문 중 음성 빼고"))
    assert (alone.complete, alone.total) == (1, 1), "the only paper left is a full match"


async def test_a_name_in_hangul_is_read_as_a_writer_without_saying_so(db: Database) -> None:
    papers = (
        NewsletterPaper("2501.00001", "Mamba", "맘바와 트리 구조입니다.", authors=("Tri Dao", "Albert Gu")),
        NewsletterPaper("2501.00002", "Attention", "어텐션입니다.", authors=("Tri Dao",)),
        NewsletterPaper(
            "2501.00003", "Quantized", "모델 양자화입니다.", authors=("Tim Dettmers", "Song Han")
        ),
        NewsletterPaper("2501.00005", "Distilled", "증류입니다.", authors=("Geoffrey Hinton", "Shane Legg")),
    )
    service = await sample_archive.search_over(db, *papers)
    for query, found in (
        ("트리 다오 논문", "12"),
        ("트리 다오", "12"),
        ("트리 다오랑 앨버트 구", "1"),
        ("팀 데트머스나 앨버트 구", "13"),
        ("앨버트 구 말고 트리 다오", "2"),
        ("트리 다오 논문인데 맘바는 빼고", "2"),
        ("앨버트 구의 논문", "1"),
        ("데트머스 양자화 논문", "3"),
        ("트리 다오 최신 논문", "12"),
        ("트리 다오가 쓴거", "12"),
        ("트리 다오가 낸거 중에 맘바", "1"),
        ("데트머스 교수 논문", "3"),
        ("송한 양자화", "3"),
        ("힌튼 논문 뭐 있어?", "5"),
        ("상어 논문", ""),
    ):
        result = await service.search(SearchRequest(query))
        assert (query, sorted(row.arxiv_id[-1] for row in result.rows)) == (query, [*found])
        assert result.writers or query.startswith(("데트머스", "상어")), query
    for query in ("papers by Hinton or LeCun", "papers by LeCun or Hinton"):
        result = await service.search(SearchRequest(query))
        assert (result.writers, result.unknown_writers) == (("Hinton",), ("LeCun",)), query
        assert [row.arxiv_id for row in result.rows] == ["2501.00005"], query
    for query in ("얀 르쿤 논문 중 추천 많은 거", "newest by Yann LeCun"):
        result = await service.search(SearchRequest(query))
        assert (len(result.unknown_writers), result.rows, result.terms) == (1, (), ())
    for query in ("그림을 생성하는 연구", "글자를 목소리로 읽어주는 논문", "트리 구조 모델"):
        result = await service.search(SearchRequest(query))
        assert (result.unknown_writers, result.writers) == ((), ())


async def test_papers_from_an_institution_can_be_left_out(db: Database) -> None:
    papers = [
        {"arxiv_id": f"2501.0000{n}", "title": "Maps for Robots", "summary": "Robots.", "organization": name}
        for n, name in enumerate(("Google", "Stanford University"), start=1)
    ]
    listing = json.dumps({"format": "listing", "date": "2025-01-02", "papers": papers})
    await sample_archive.make_ingest(db).add_text(listing, location="listing.json")
    for query in (
        "robot papers not from google",
        "구글 논문 제외하고 로봇",
        "robot papers except the ones from Google",
    ):
        assert await ids(SearchService(db), query) == ["2501.00002"]
    assert (await SearchService(db).search(SearchRequest("papers from Stanford"))).only_named == ()


async def test_a_title_that_begins_with_an_institution_counts_as_its_paper(db: Database) -> None:
    titles = ("DeepSeekMath: Reasoning", "Reasoning by Intelligence")
    papers = [
        NewsletterPaper(f"2501.0000{n}", title, "추론입니다.") for n, title in enumerate(titles, start=1)
    ]
    service = await sample_archive.search_over(db, *papers)
    assert await ids(service, "reasoning papers not from DeepSeek") == ["2501.00002"]
    assert await ids(service, "papers from DeepSeek") == ["2501.00001"]
    assert "2501.00002" not in await ids(service, "papers from Intel")


async def test_an_institution_is_not_read_from_an_ordinary_word_of_a_text(db: Database) -> None:
    texts = (
        "메타 토큰(Meta Token)을 앞에 붙입니다.",
        "Meta AI가 공개한 모델입니다.",
        "사과(apple)를 집습니다.",
    )
    papers = [NewsletterPaper(f"2501.0000{n}", f"Robots {n}", text) for n, text in enumerate(texts, start=1)]
    service = await sample_archive.search_over(db, *papers)
    for query in ("메타 논문", "papers from Meta", "메타에서 나온 로봇 논문"):
        assert await ids(service, query) == ["2501.00002"]
    result = await service.search(SearchRequest("papers from Apple"))
    assert (result.writers, result.unknown_writers) == ((), ("Apple",))


async def test_papers_by_an_unknown_writer_without_a_topic_are_not_all_others(search: SearchService) -> None:
    for query in ("papers by Kaiming He excluding vision", "홍길동이 쓴 논문, 비전 빼고"):
        result = await search.search(SearchRequest(query))
        assert (len(result.unknown_writers), result.rows) == (1, ())


async def test_a_writer_whom_no_paper_has_is_said_to_be_unknown(search: SearchService) -> None:
    for query, name in (
        ("papers by Ada Unknown on models", "Ada Unknown"),  # not those by Ada
        ("papers by Kaiming He", "Kaiming He"),
        ("papers from Korea university about quantization", "Korea university"),
        ("홍길동이 쓴 모델 논문", "홍길동"),
        ("홍길동이 쓴 논문", "홍길동"),
        ("얀 르쿤이 쓴 논문", "얀 르쿤"),
        ("Song Han이 쓴 논문", "Song Han"),
        ("Jimmy Ba의 논문", "Jimmy Ba"),
        ("Song Han 교수님 논문", "Song Han"),
        ("Kaiming Lin", "Kaiming Lin"),
        ("Ada Quux papers", "Ada Quux"),
    ):
        result = await search.search(SearchRequest(query))
        assert (result.unknown_writers, result.ignored) == ((name,), ())
        assert name not in result.terms
    for query in (
        "요즘 사람이 만든 정답 없이 배우는 모델 연구",
        "딥러닝의 논문",
        "BERT의 논문",
        "AI가 만든 글",
    ):
        result = await search.search(SearchRequest(query))
        assert (result.unknown_writers, result.writers) == ((), ())


async def test_an_institution_without_papers_is_searched_for_and_said_to_be_unknown(
    search: SearchService,
) -> None:
    for query, name in (("papers from NVIDIA", "NVIDIA"), ("카이스트에서 나온 논문", "카이스트")):
        result = await search.search(SearchRequest(query))
        assert (result.unknown_writers, result.terms, result.writers) == ((name,), (name,), ())


async def test_a_writer_in_latin_letters_is_read_in_a_korean_question(db: Database) -> None:
    paper = {"arxiv_id": "2501.00001", "title": "Maps", "summary": "Maps.", "authors": ["Grace Ito"]}
    listing = json.dumps({"format": "listing", "date": "2025-01-02", "papers": [paper]})
    await sample_archive.make_ingest(db).add_text(listing, location="listing.json")
    for query in ("Grace Ito가 쓴 논문", "Grace Ito의 논문", "Grace Ito 교수님 논문", "Grace Ito's papers"):
        result = await SearchService(db).search(SearchRequest(query))
        assert ([row.arxiv_id for row in result.rows], result.writers) == (["2501.00001"], ("Grace Ito",))
        assert result.corrected == ()


async def test_a_paper_is_found_by_its_name_and_the_word_model(db: Database) -> None:
    paper = NewsletterPaper("2304.02643", "Segment Anything", "사진에서 물체를 오려 냅니다.")
    service = await sample_archive.search_over(db, paper)
    assert await ids(service, "who wrote the paper about the segment anything model") == ["2304.02643"]


async def test_an_abbreviation_in_a_title_is_not_called_missing(db: Database) -> None:
    paper = NewsletterPaper("2501.00001", "HALoGEN: Fantastic LLM Hallucinations", "환각을 잽니다.")
    service = await sample_archive.search_over(db, paper)
    result = await service.search(SearchRequest("why do language models hallucinate and dream"))
    assert "language models" not in str(result.missing)


async def test_what_a_paper_begins_with_is_not_said_to_be_there_only_in_comparison(db: Database) -> None:
    paper = NewsletterPaper("2501.00001", "On R1", "강화 학습만으로 추론 능력이 기존보다 자랍니다.")
    service = await sample_archive.search_over(db, paper)
    assert (await service.search(SearchRequest("강화학습 없이 추론 능력"))).passing == {}


async def test_a_method_without_the_means_that_its_name_has_leaves_out_papers_on_both(db: Database) -> None:
    texts = (
        "Reinforcement learning from human feedback.",
        "Reinforcement learning offline.",
        "RLHF.",
        "강화학습",
        "Deep reinforcement learning from human preferences",
    )
    rows = enumerate(texts, start=1)
    papers = [NewsletterPaper(f"2501.0000{number}", f"Study {number}", text) for number, text in rows]
    service = await sample_archive.search_over(db, *papers)
    for query in (
        *("reinforcement learning without human feedback", "RL without human feedback", "RL but not RLHF"),
        *("인간 피드백 없이 강화학습", "사람 피드백 안 쓰는 강화학습", "RLHF 말고 강화학습"),
    ):
        assert sorted(await ids(service, query)) == ["2501.00002", "2501.00004"], query


async def test_what_is_left_out_is_in_no_title_in_any_form_or_as_one_of_its_kinds(db: Database) -> None:
    titles = [
        "Dense Passage Retrieval",
        "Retrieval Augmentation Reduces Errors",
        "Retrieval-Augmented Language Models",
        "RAGTruth: Errors of Retrieval",
        "VideoRAG: Retrieval over Videos",
        "DRAG: Retrieval of Pictures",
        "Fine-Tuning at Scale",
        "QLoRA: Fine-Tuning",
        "Training Agents to Reason",
        "Training Agents to Walk",
        "Robots and LLMs",
        "Robots and Vision Language Models",
        "Robots on Mars",
    ]
    papers = [NewsletterPaper(f"2501.000{n}", title, "본문.") for n, title in enumerate(titles, start=10)]
    service = await sample_archive.search_over(db, *papers)
    for queries, kept in (
        ("RAG 빼고 검색|retrieval, but no RAG|검색 -RAG|검색 증강 생성 안 쓰는 검색", [10, 15]),
        ("fine-tuning without LoRA|LoRA 말고 미세 조정", [16]),
        ("추론 아닌 에이전트|추론빼고 에이전트|agents without reasoning", [19]),
        ("robots not about language models|newest robots not about language models", [22]),
        ("언어 모델 관련 없는 최신 로봇 논문", [22]),
    ):
        for query in queries.split("|"):
            assert sorted(await ids(service, query)) == [f"2501.000{n}" for n in kept], query


async def _list_kept(db: Database, titles: Sequence[str], query: str) -> set[str]:
    papers = [NewsletterPaper(f"2501.000{n}", title, "본문.") for n, title in enumerate(titles, start=10)]
    service = await sample_archive.search_over(db, *papers)
    return {titles[int(one[-2:]) - 10] for one in await ids(service, query)}


@pytest.mark.parametrize(
    ("query", "seen", "others"),
    [
        ("models other than Mamba", ["MambaMixer Models", "SambaMamba Models", "VMamba Models"], ["Mambo"]),
        ("models not using diffusion", ["DiffusionDet Models", "StableDiffusion Models"], ["Infusion"]),
        ("models without BERT", ["BERTopic Models", "BERT4Rec Models", "DistilBERT Models"], ["HUBERT"]),
        ("models, no web agents", ["WebAgent Models", "Models for WebAgents", "Web-Agent Models"], ["Webs"]),
        ("Mamba 빼고 models", ["MambaMixer Models", "VideoMamba: Models"], ["Samba"]),
    ],
)
async def test_a_name_inside_a_word_of_a_title_is_left_out(
    db: Database, query: str, seen: list[str], others: list[str]
) -> None:
    kept = [f"{other} Models" for other in others]
    assert await _list_kept(db, [*seen, *kept], query) == set(kept)


@pytest.mark.parametrize(
    ("queries", "belonging", "others"),
    [
        (
            ("models, not multimodal ones", "models, no vision-language models"),
            ["Vision-Language Reward Models", "Training LVLMs: Models", "Multimodal Mathematics for Models"],
            ["Vision Models", "Language Models"],
        ),
        (
            ("agents, no LLMs", "LLM 빼고 agents"),
            ["Small Language Models as Agents", "Language Models as Agents"],
            ["Agents that Walk"],
        ),
        (("agents without web agents", "웹 에이전트 빼고 agents"), ["A Web Navigating Agent"], ["Agents"]),
        (
            (
                "image restoration, nothing that only does super-resolution",
                "초해상도만 하는 건 빼고 이미지 복원",
            ),
            ["Video Super-Resolution"],
            ["Image Restoration"],
        ),
        (("avatars, no human faces", "사람 얼굴 빼고 avatars"), ["Head Avatars"], ["Full-Body Avatars"]),
        (("benchmarks except coding benchmarks",), ["A Code Generation Benchmark"], ["A Speech Benchmark"]),
        (("3D models, no Gaussian splatting",), ["GaussianAnything: 3D Models"], ["3D Models"]),
        (("agents, nothing on vision", "비전 빼고 agents"), ["Video Agents"], ["Agents"]),
        (("papers not about language models",), ["Chain of Thought", "The KV Cache"], ["Video"]),
        (
            ("agents, no benchmarks", "벤치마크 빼고 agents"),
            ["An Evaluation Platform for Agents"],
            ["Agents"],
        ),
        (
            ("agents, surveys excluded", "서베이 빼고 agents"),
            ["Agents: Opportunities and Challenges", "Agents: A Systematic Review"],
            ["Agents"],
        ),
        (
            ("agents excluding medical applications", "의료 분야 빼고 agents", "의료 데이터 빼고 agents"),
            ["Agents for Medical Questions"],
            ["Agents for Applications"],
        ),
        (
            ("agents except llava variants", "llava 변형 빼고 agents"),
            ["Agents by LLaVA", "LLaVA-Gemma: Agents"],
            ["Agents"],
        ),
        (
            ("surveys, anything but LLM reasoning surveys",),
            ["A Survey of Reasoning with Large Language Models"],
            ["A Survey of Reasoning", "A Survey of Large Language Models"],
        ),
        (
            ("retrieval, no multimodal document retrieval", "멀티모달 문서 검색 빼고 retrieval"),
            ["Multi-modal Retrieval over Multi-page Documents"],
            ["Document Retrieval", "Multi-modal Retrieval"],
        ),
        (("avatars, 인물 ID 보존은 빼고",), ["ID-Preserved Avatars"], ["Avatars with IDs"]),
        (("텍스트로 3D 만드는 거 말고 meshes",), ["Text-to-3D Meshes"], ["3D Meshes"]),
        (("agents that don't rely on a VLA model",), ["DeeR-VLA for Agents"], ["Agents"]),
        (("speech, no speech synthesis", "음성합성 말고 speech"), ["Speech Generation"], ["Speech"]),
        (("safety that isn't about images", "이미지 말고 safety"), ["Multi-Modal Safety"], ["Safety"]),
        (
            ("tokenizers, not vision", "비전 쪽 아닌 tokenizers"),
            ["Tokenizers of Visual Tokens"],
            ["Tokenizers"],
        ),
        (("심볼릭(MIDI) 빼고 music",), ["Symbolic Music"], ["Music"]),
        (("preference, not DPO",), ["Direct Preference Optimization"], ["Direct Optimization of Preference"]),
    ],
)
async def test_what_belongs_to_what_is_left_out_is_left_out(
    db: Database, queries: tuple[str, ...], belonging: list[str], others: list[str]
) -> None:
    for query in queries:
        assert await _list_kept(db, [*belonging, *others], query) == set(others), query


async def test_a_query_with_only_signs_or_exclusions_finds_nothing(db: Database) -> None:
    await sample_archive.add_digest(db, "2025-02-02", sample_archive.SMALL)
    for query, count in (("🙈", 0), ("-video", 0), ("", 1), ("since:2025-01", 1)):
        assert (await SearchService(db).search(SearchRequest(query, until=date(2025, 3, 1)))).total == count


async def test_a_reader_sees_a_sentence_in_their_language_before_one_that_matches(db: Database) -> None:
    listing = {
        "format": "listing",
        "date": "2025-01-02",
        "papers": [{"arxiv_id": "2501.00001", "title": "Kettles", "summary": "A first sentence. It boils."}],
    }
    ingest = sample_archive.make_ingest(db)
    await ingest.add_text(json.dumps(listing), location="listing.json")
    await sample_archive.add_digest(
        db, "2025-01-03", NewsletterPaper("2501.00001", "Kettles", "강화 학습을 씁니다.")
    )
    service = SearchService(db)
    for locale, shown in ((models.Locale.EN, "A first sentence."), (models.Locale.KO, "강화 학습을 씁니다.")):
        result = await service.search(SearchRequest("강화학습", snippet_locale=locale))
        assert result.snippets["2501.00001"].text == shown


async def test_a_question_is_answered_in_the_order_and_without_what_it_names(db: Database) -> None:
    rows = ((1, "강화 학습으로 추론합니다.", 9), (2, "추론합니다.", 5), (3, "추론을 봅니다.", 7))
    papers = [
        NewsletterPaper(f"2501.0000{n}", f"Study {n}", f"{text} {text}", votes=v) for n, text, v in rows
    ]
    await sample_archive.add_digest(db, "2025-01-02", *papers)
    await sample_archive.add_digest(
        db, "2025-02-02", NewsletterPaper("2502.00001", "New", "추론합니다.", votes=99)
    )
    service = SearchService(db, clock=lambda: datetime(2025, 2, 20, tzinfo=UTC))
    assert await ids(service, "지난달 추천 많은 논문") == ["2501.00001", "2501.00003", "2501.00002"]
    assert await ids(
        service, "most upvoted papers of january on reasoning without reinforcement learning"
    ) == ["2501.00003", "2501.00002"]
    result = await service.search(SearchRequest("best of the weak december"))
    assert not any("weak" in typed or "december" in typed for typed, _ in result.corrected)
    assert (await service.search(SearchRequest("most cited papers"))).unordered == ("most cited",)


async def test_a_request_without_a_topic_lists_all_papers_and_a_function_word_none(db: Database) -> None:
    papers = [NewsletterPaper(f"2501.0000{n}", f"The Robots {n}", "그 로봇입니다.", votes=n) for n in (1, 2)]
    service = await sample_archive.search_over(db, *papers)
    for query in ("show me papers", "what should I read", "논문 추천해줘", "입문자용 논문"):
        assert await ids(service, query) == ["2501.00002", "2501.00001"], query
    for query, ahead in (
        ("다음주 인기 논문", "다음주"),
        ("most popular papers next week", "next week"),
        ("what should we read next week", "next week"),
        ("papers similar to DeepSeek-R1", "similar to"),
        ("DeepSeek-R1과 비슷한 논문", "비슷한"),
    ):
        assert (await service.search(SearchRequest(query))).ignored == (ahead,), query
    for query in ("the", "그", "it"):
        assert await ids(service, query) == [], query


_NAMED = ("RAG", "zeppelins", "음성 합성", "해파리", "뇌", "scene graph", "연구 자동화")
_ASKED = (
    "most upvoted {} papers",
    "newest papers on {} from march 2024",
    "papers on {} first published in 2024, oldest first",
    "최근 {} 논문",
    "{} 연구 추천순",
    "지난달 {} 최신 논문 순으로",
    "{} 논문 (최신순)",
)
_BESIDE = (
    "{}",
    "{0} and {1}",
    "{0} / {1}",
    "{0}·{1}",
    "{0} ({1})",
    "{0} without {1}",
    "{1} 말고 {0}",
    "{0} such as {1}",
)


@pytest.mark.parametrize("asked", _ASKED)
async def test_each_content_word_is_sought_left_out_or_said_to_be_neither(db: Database, asked: str) -> None:
    await sample_archive.add_digest(db, "2025-01-02", sample_archive.SMALL, sample_archive.REINFORCED)
    service = SearchService(db, clock=lambda: datetime(2025, 2, 20, tzinfo=UTC))
    for (first, second), beside in islice(product(permutations(_NAMED, 2), _BESIDE), 0, None, 5):
        query = asked.format(beside.format(first, second))
        said = await service.search(SearchRequest(query))
        read = (*said.terms, *chain(*said.term_forms), *said.excluded, *said.described, *said.unread)
        shown = " ".join((*read, *said.ignored, *said.unordered, *chain(*said.corrected))).casefold()
        words = f"{first} {second}" if "1" in beside else first
        assert [word for word in words.casefold().split() if word not in shown] == [], query
        assert said.sort, query


_TOPICS = (
    "RAG zeppelins 해파리 강화학습이나 데이터나|모델 scene|graph 음성|합성 병원 quokka|말고 LLM말고 교육같은 "
    "음악|만들어주는 without|wombats"
)
_STEMS = "rag zeppelin 해파리 강화 데이터 scene graph 음성 합성 병원 quokka wombat llm 교육 음악 만들"
_SPEECH = "papers on|논문|please|최신순으로|most upvoted|지난달|알려줘|because my column needs|or|다른|하는데|in january"
_spliced = st.tuples(
    *(st.sampled_from(one) for one in (_SPEECH.split("|"), _TOPICS.split(), ("", ",", "...")))
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(spliced=st.lists(_spliced, min_size=1, max_size=9))
async def test_no_word_of_a_question_is_lost_unsaid(
    search: SearchService, spliced: list[tuple[str, str, str]]
) -> None:
    """A question is read, or says that it is not (`docs/search.md`)."""
    query = " ".join(f"{said} {topic.replace('|', ' ')}{end}" for said, topic, end in spliced)
    result = await search.search(SearchRequest(query))
    shown = (*result.terms, *chain(*result.term_forms), *result.excluded, *result.described, *result.unread)
    shown = (*shown, *result.ignored, *result.unordered, *chain(*result.corrected), *result.writers)
    shown = (*shown, *result.unknown_writers)
    account = " ".join(shown).casefold()
    words = [stem for stem in _STEMS.split() if stem in query.casefold()]
    assert [word for word in words if word not in account] == [], query


@pytest.mark.parametrize(
    ("query", "ignored"),
    [
        ("reduce the memory of zeppelins", ("reduce",)),
        ("how do I stop zeppelins from lying", ("stop",)),
        ("싼 음성 합성", ("싼",)),
        ("해파리를 없애는 방법 알려줘", ("없애는",)),
        ("틀린 답을 고치는 에이전트 추천순", ("고치는",)),
        ("음성 합성 옷 갈아입히는 논문", ("갈아입히는",)),
        ("could you show me some good papers on RAG please", ()),
        ("best RAG survey in the whole archive", ()),
        ("oldest RAG paper across our entire collection", ()),
        ("RAG itself, newest first", ()),
        ("survey on robotics and reinforcement learning", ()),
        ("newest RAG papers before Monday's meeting", ()),
        ("most upvoted RAG papers, I need them by tomorrow's lab meeting", ()),
        ("혹시 음성 합성 관련해서 괜찮은 논문 있으면 공유해주실 수 있나요?", ()),
        ("전체에서 제일 인기 많은 음성 합성 논문", ()),
        ("아카이브 전체 통틀어 음성 합성 논문 추천순", ()),
    ],
)
async def test_only_words_of_a_topic_are_said_not_to_be_searched_for(
    db: Database, query: str, ignored: tuple[str, ...]
) -> None:
    await sample_archive.add_digest(db, "2025-01-02", sample_archive.SMALL, sample_archive.REINFORCED)
    said = await SearchService(db, clock=lambda: datetime(2025, 2, 20, tzinfo=UTC)).search(
        SearchRequest(query)
    )
    assert (said.ignored, said.unread, said.period) == (ignored, (), (None, None))
    assert {"whole", "entire", "itself", "전체", "meeting"}.isdisjoint(said.terms)


async def test_a_label_names_only_what_a_paper_plainly_names(db: Database) -> None:
    """Words that look or sound like a term are no mention of it: nor is 학습 속도, the speed of training, 학습률.

    Words with other meanings are not named either: 장기 (organ, long-term), 지도 (map, supervision), map and mAP, 설문 (survey,
    questionnaire), nor words that were not typed.
    """
    papers = [
        NewsletterPaper(
            "2411.18613", "CAT4D: Create Anything in 4D", "비디오에서 움직이는 장면을 설계합니다."
        ),
        NewsletterPaper("2404.07965", "Rho-1", "Selective Language Modeling (SLM)은 토큰을 골라 배웁니다."),
        NewsletterPaper("2501.00663", "Titans", "학습 속도는 순환 모델보다 느립니다. 스케줄은 같습니다."),
        NewsletterPaper("2305.14314", "QLoRA", "Finetuning on phones with fewer bits."),
        NewsletterPaper(
            "2501.00664",
            "Boxes",
            "장기 컨텍스트입니다. 지도 학습으로 mAP를 높입니다. 양자화와 최적화 기법입니다.",
        ),
        NewsletterPaper(
            "2501.00666",
            "Talks",
            "긴 컨텍스트의 시계열 정렬입니다. 설문 응답을 설문으로 모읍니다. 테스트 시 확장성이 좋습니다. "
            "다국어 텍스트-이미지 쌍과 텍스트-이미지 과제입니다. 오디오북과 오디오북입니다.",
        ),
    ]
    service = await sample_archive.search_over(db, *papers)
    for query, unnamed in (
        ("캐드 설계 조립", "캐드"),
        ("폰에서 돌아가는 작은 언어모델", "작은 언어모델"),
        ("학습률 스케줄", "학습률"),
        ("PEFT 폰", "PEFT"),
        ("장기 이식 컨텍스트", "장기"),
        ("지도 만드는 자율주행 컨텍스트", "지도"),
        ("maps for driving 학습", "maps"),
        ("양자 컴퓨팅 컨텍스트", "양자"),
        ("최적화기 컨텍스트", "최적화기"),
        ("MoE 컨텍스트", "MoE"),
        ("시계열 컨텍스트", "시계열"),
        ("서베이 컨텍스트", "서베이"),
        ("text-to-image 컨텍스트", "text-to-image"),
        ("테스트타임 스케일링 컨텍스트", "테스트타임 스케일링"),
        ("오디오 컨텍스트", "오디오"),
        ("여러 언어 컨텍스트", "multilingual"),
    ):
        found = await service.search(SearchRequest(query))
        said = {term for labels in found.matched.values() for term in labels}
        assert not said & {unnamed}, query
        assert not any(term.startswith(">") for term in said), query


@pytest.mark.parametrize("text", ["비정형 데이터를 처리합니다.", "비지도 학습입니다."])
def test_the_opposite_of_a_term_is_no_mention_of_it(text: str) -> None:
    for term in ("정형 데이터", "지도 학습"):
        assert [*labels._spell(term).find_in(text, text)] == []
        assert [*labels._spell(term).find_in(f"{term}을 씁니다.", f"{term}을 씁니다.")]


@pytest.mark.parametrize(
    "query", ["휴먼 아바타 압축", "인물 아바타 압축", "human avatar compression", "사람 동작 압축"]
)
async def test_a_word_is_not_missing_whose_synonym_a_paper_has(db: Database, query: str) -> None:
    paper = NewsletterPaper("2501.00665", "Avatars", "옷 입은 인간의 아바타와 모션을 만듭니다.")
    found = await (await sample_archive.search_over(db, paper)).search(SearchRequest(query))
    missing = {word for words in found.missing.values() for word in words}
    assert missing <= {"압축", "compression"}


@pytest.mark.promise
async def test_a_paper_of_several_days_is_in_the_period_of_each_and_shown_as_of_it(db: Database) -> None:
    old = NewsletterPaper("2501.00001", "Robots of Yore", "A robot.", votes=9)
    again = NewsletterPaper("2501.00002", "Robots Twice", "A robot.", votes=20)
    await sample_archive.add_digest(db, "2025-12-31", old, again)
    await sample_archive.add_digest(
        db, "2026-01-01", NewsletterPaper("2601.00001", "Robots Now", "A robot.", votes=3), again
    )
    service = SearchService(db)
    december = await service.search(SearchRequest("most upvoted robots of december 2025"))
    assert [(row.arxiv_id, row.date) for row in december.rows] == [
        ("2501.00002", date(2025, 12, 31)),
        ("2501.00001", date(2025, 12, 31)),
    ]
    assert await ids(service, "most upvoted robots of january 2026") == ["2501.00002", "2601.00001"]
    # Of one day, the papers with the most votes come first, newest or oldest day first.
    assert await ids(service, "newest papers on robots") == ["2501.00002", "2601.00001", "2501.00001"]
    assert await ids(service, "oldest papers on robots") == ["2501.00001", "2501.00002", "2601.00001"]
    author = await service.find_author("Ada Lovelace", filters=Filters(until_on=date(2025, 12, 31)))
    assert [row.date for row in author.rows] == [date(2025, 12, 31)] * 2


async def test_a_paper_with_one_ordinary_word_is_not_listed_beside_papers_with_a_term(db: Database) -> None:
    papers = [NewsletterPaper(f"2501.001{n:02}", f"Scores {n}", "A benchmark.", votes=n) for n in range(40)]
    coding = NewsletterPaper("2501.00001", "Typing", "Code generation with tests.")
    service = await sample_archive.search_over(db, coding, *papers)
    for query in (
        "code generation benchmark",
        "코드 생성 벤치마크",
        "newest papers on code generation benchmark",
    ):
        found = await service.search(SearchRequest(query))
        assert [row.arxiv_id for row in found.rows] == ["2501.00001"], query
        assert (
            found.matched == {"2501.00001": ("코드 생성" if "코드" in query else "code generation",)}
            or found.missing
        )
    assert await ids(service, "federated learning benchmark") == []


async def test_full_matches_without_votes_are_said_to_have_none(db: Database) -> None:
    full = NewsletterPaper("2501.00001", "Robot Hallucination", "A robot.", votes=None)
    partial = NewsletterPaper("2501.00002", "Hallucination", "Of words.", votes=9)
    service = await sample_archive.search_over(db, full, partial)
    found = await service.search(SearchRequest("most upvoted papers on robot hallucination"))
    assert (found.complete, found.total, found.is_unvoted) == (1, 2, True)


async def test_few_papers_with_a_term_are_followed_by_those_with_its_parts(db: Database) -> None:
    papers = [
        NewsletterPaper("2501.00001", "Robot Policies at Home", "Robot policy입니다."),
        NewsletterPaper("2501.00002", "Pouring Tea", "A robot pours tea."),
        NewsletterPaper("2501.00003", "Pictures and Words", "A multimodal chat."),
    ]
    service = await sample_archive.search_over(db, *papers)
    for query, full, near in (("robot policy", ["2501.00001"], ["2501.00002"]), ("MLLM", [], [])):
        found = await service.search(SearchRequest(query))
        assert [row.arxiv_id for row in found.rows] == [*full, *near], query
        assert [*found.missing] == near, query


@pytest.mark.parametrize(
    ("query", "found"),
    [("RAG", "Retrieval-Augmented Answers"), ("CLIP", "Pictures and Captions"), ("SVD", "Low-Rank Weights")],
)
async def test_an_abbreviation_does_not_find_papers_that_use_it_for_something_else(
    db: Database, query: str, found: str
) -> None:
    rows = [
        ("Retrieval-Augmented Answers", "RAG에 검색을 더합니다. RAG(retrieval-augmented generation)입니다."),
        ("Region-Aware Text-to-Image Generation via Binding", "RAG는 두 작업입니다. RAG를 씁니다."),
        ("Pictures and Captions", "CLIP을 학습합니다. CLIP은 큽니다."),
        ("Stable Steps", "Gradients are clipped. We clip again and clip spikes."),
        ("Low-Rank Weights", "SVD로 나눕니다. SVD를 씁니다."),
        ("Moving Pictures", "Stable Video Diffusion (SVD)을 씁니다. SVD입니다."),
    ]
    papers = (NewsletterPaper(f"2501.0000{n}", title, text) for n, (title, text) in enumerate(rows, start=1))
    result = await (await sample_archive.search_over(db, *papers)).search(SearchRequest(query))
    assert [row.title for row in result.rows[: result.complete]] == [found]


@pytest.mark.parametrize(
    "query", ["architectures without attention", "attention 없는 아키텍처", "image models without diffusion"]
)
async def test_a_paper_that_does_without_something_is_not_left_out_for_naming_it(
    db: Database, query: str
) -> None:
    papers = (
        NewsletterPaper(
            "2312.00752",
            "Mamba",
            "어텐션 없이 상태 공간 모델로 셉니다. 어텐션보다 빠릅니다. 어텐션은 느립니다.",
        ),
        NewsletterPaper("2312.00753", "Image Models", "Images without diffusion. A diffusion model is slow."),
        NewsletterPaper(
            "2312.00754", "Image Diffusion", "Images by diffusion with attention. State space models fail."
        ),
    )
    found = await (await sample_archive.search_over(db, *papers)).search(SearchRequest(query))
    ids = [row.arxiv_id for row in found.rows]
    assert ids[0] == ("2312.00753" if "image" in query else "2312.00752")
    assert "2312.00754" not in ids
