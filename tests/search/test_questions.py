"""Questions that describe a topic in everyday words, and questions that name the writers of papers."""

from datetime import UTC, datetime

import pytest

from bot.search import results as search_results
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from bot.text import concepts
from storage import models
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

SPEECH = NewsletterPaper(
    "2501.00001", "FlowVoice: Zero-Shot Speech Synthesis", "Vocoder with prosody.", votes=1
)
FILLER = [NewsletterPaper(f"2502.{number:05}", f"Pruning {number}", "weights") for number in range(1, 41)]


QUESTIONS = (
    "글자를 목소리로 읽어주는 논문 찾아줘",
    "양자화를 이용한 모델 압축",
    "컴퓨터 화면을 보고 대신 클릭해주는 에이전트",
    "optimizers better than Adam",
    "embedding models for search, please recommend",
    "how is load balanced in mixture of experts",
)


async def test_a_question_finds_a_paper_by_topic_without_common_words(db: Database) -> None:
    service = await sample_archive.search_over(db, SPEECH, *FILLER)
    for question in ("글자를 목소리로 읽어주는 논문 찾아줘", "which papers turn writing into a spoken voice"):
        found = await service.search(SearchRequest(question))
        assert (found.rows[0].arxiv_id, found.complete) == (SPEECH.arxiv_id, 0)
        assert "speech synthesis" in " ".join(forms for term in found.term_forms for forms in term)
    asked = await service.search(SearchRequest("which text-to-speech papers read writing aloud"))
    assert "text-to-speech" in asked.terms
    assert "text-to-speech" not in asked.added_forms, "a topic that is asked for by name is not said again"


UNRELATED = {
    "benchmarks for coding agents": "video game agents",
    "what are good benchmarks for web agents": "GraphRAG",
    "which papers came out last week about video": "image segmentation",
    "does chain of thought reasoning work or is it fake": "multimodal reasoning",
    "what is the cheapest way to finetune a 7b model": "combinatorial optimization",
    "확산 모델 없이 이미지 생성하는 방법": "시각 지시 튜닝",
    "에이전트 제외하고 코드 생성 논문": "GPU 커널",
    "강화학습 없이 추론 능력 키우기": "검증 가능한 보상 기반 강화 학습",
    "강화학습 없이 추론 능력 키우는 방법": "그룹 상대 정책 최적화",
    "모델을 4비트로 줄이면 성능이 얼마나 나빠지나요": "안전 정렬",
}
"""Topics that a walk through the demo found called related to questions, falsely."""
RELATED = {
    "anything on getting AI to make presentation slides for me?": "slide generation",
    "발표 자료 PPT 자동으로 만들어 주는 논문": "슬라이드 생성",
    "anything that combines touch sensing with cameras?": "tactile sensing",
    "CT나 MRI에서 종양 같은 부위 자동으로 잘라내기": "의료 이미지 분할",
}


async def test_a_topic_is_called_related_only_to_a_question_that_describes_it(db: Database) -> None:
    topics = dict(enumerate((*UNRELATED.values(), *RELATED.values())))
    about = [NewsletterPaper(f"2501.10{n:03}", "Steps", f"{t}. It is on {t}.") for n, t in topics.items()]
    service = await sample_archive.search_over(db, SPEECH, *about, *FILLER)
    for question, topic in UNRELATED.items():
        found = await service.search(SearchRequest(question, limit=50))
        assert topic not in found.added_forms, question
    for question, topic in RELATED.items():
        found = await service.search(SearchRequest(question, limit=50))
        assert topic in found.added_forms, question


async def test_a_match_only_in_the_title_shows_the_summary(db: Database) -> None:
    service = await sample_archive.search_over(db, SPEECH, *FILLER)
    found = await service.search(SearchRequest("FlowVoice", snippet_locale=models.Locale.EN))
    assert "Vocoder" in found.snippets[SPEECH.arxiv_id].text
    patterns = search_results.build_patterns([["laundry"]])
    assert not await db.fetch(search_results.list_snippets, found.rows, models.Locale.EN, patterns)


STORED = NewsletterPaper("2501.00001", "Narrow Weights", "Quantization of weights.", authors=("Jane Roe",))
NAMED = NewsletterPaper("2501.00002", "Coarse Steps", "삼성이 양자화를 다룹니다.", authors=("Kim Gunwoo",))
ELSEWHERE = NewsletterPaper("2501.00003", "Fine Steps", "양자화를 삼성 휴대폰에서 씁니다.")
NEITHER = NewsletterPaper("2501.00004", "Plain Steps", "Quantization for all.")


@pytest.fixture
async def search(db: Database) -> SearchService:
    """Four papers on quantization: two list their institutions, and the texts of two mention Samsung."""
    await sample_archive.add_digest(db, "2025-01-02", STORED, NAMED, ELSEWHERE, NEITHER)
    ingest = sample_archive.make_ingest(db)
    read_at = datetime(2025, 1, 3, tzinfo=UTC)
    for paper, organization in ((STORED, "Samsung Research"), (ELSEWHERE, "Oslo Sound Lab")):
        fact = models.PaperFacts(
            paper.arxiv_id, "huggingface", "https://hf", read_at, organization=organization
        )
        await ingest.add_facts([fact])
    return SearchService(db)


async def _ids(search: SearchService, query: str) -> set[str]:
    return {row.arxiv_id for row in (await search.search(SearchRequest(query))).rows}


@pytest.mark.engines("sqlite", "postgresql")
async def test_an_institution_matches_listed_affiliations_or_else_the_text(search: SearchService) -> None:
    for query in (
        "papers from Samsung on quantization",
        "anything new by Samsung on quantization?",
        "삼성이 쓴 양자화 논문",
        "삼성전자 연구진의 양자화 논문",
        "Samsung papers",
        "what did Samsung publish",
        "Samsung quantization",
        "삼성 양자화",
    ):
        result = await search.search(SearchRequest(query))
        assert {row.arxiv_id for row in result.rows} == {STORED.arxiv_id, NAMED.arxiv_id}, query
        assert result.writers
        followed = {term.kind: term.text for term in result.alert_terms}
        assert followed[models.AlertKind.INSTITUTION] in ("Samsung", "삼성", "삼성전자"), query
        assert followed.get(models.AlertKind.KEYWORD, "quantization") in ("quantization", "양자화"), query
    assert await _ids(search, "papers from Oslo Sound Lab") == {ELSEWHERE.arxiv_id}


async def test_an_institution_that_is_also_a_word_is_read_beside_a_topic_and_a_word_for_papers(
    db: Database, search: SearchService
) -> None:
    paper = NewsletterPaper("2501.00005", "Masks", "비전 모델입니다. 메타 토큰을 씁니다.")
    await sample_archive.add_digest(db, "2025-01-03", paper)
    fact = models.PaperFacts(
        paper.arxiv_id, "huggingface", "https://hf", datetime(2025, 1, 3, tzinfo=UTC), organization="Meta AI"
    )
    await sample_archive.make_ingest(db).add_facts([fact])
    for query, writers in (
        ("메타 비전 논문", ("메타",)),
        ("Meta vision", ("Meta",)),
        ("meta vision papers", ("meta",)),
        ("samsung or meta vision", ("samsung or meta",)),
        ("메타 분석", ()),
        ("meta analysis", ()),
        ("메타 토큰 논문", ()),
        ("메타 러닝 논문", ()),
    ):
        assert (query, (await search.search(SearchRequest(query))).writers) == (query, writers)


async def test_a_person_named_as_the_writer_becomes_a_filter(search: SearchService) -> None:
    for query in ("work by Jane Roe on quantization", "papers by Jane Roe"):
        assert await _ids(search, query) == {STORED.arxiv_id}
    for query in ("김건우 교수 논문", "김건우가 쓴 양자화 논문"):
        assert await _ids(search, query) == {NAMED.arxiv_id}


async def test_names_that_are_not_given_as_writers_are_searched_for(search: SearchService) -> None:
    for query in (
        "quantization by Google",
        "quantization by Someone Unknown",
        "from scratch",
        "삼성 휴대폰",
        "papers from January",
        "현대 양자화",
    ):
        assert (await search.search(SearchRequest(query))).writers == (), query


async def test_suggests_the_query_without_an_institution_that_excludes_all_papers(
    search: SearchService,
) -> None:
    result = await search.search(SearchRequest("papers from Samsung on steps that are plain"))
    assert "steps" in " ".join(result.suggestions)


@pytest.mark.parametrize(
    ("asked", "title", "lacks"),
    [
        ("reduction", "Retrieval Augmentation Reduces Hallucination in Conversation", False),
        ("production", "Producing Speech", False),
        ("comprehension", "Comprehending Long Texts", False),
        ("assumption", "What Retrieval Assumes", False),
        ("description", "Describing Images", False),
        ("evaluation", "How to Evaluate Agents", False),
        ("detection", "Detecting Objects", False),
        ("reduction", "Regret of Reading", True),
        ("extension", "Extracting Text", True),
        ("description", "Deserts from Above", True),
        ("finance", "Finally, a Model", True),
        ("prompt injection", "Prompts of Doctors", True),
        ("query", "Queries without Words", False),
        ("training-free", "No Training", True),
        ("o1-style", "LLaVA-o1", False),
    ],
)
def test_a_noun_whose_verb_a_text_has_is_not_missing(asked: str, title: str, lacks: bool) -> None:
    part = concepts.prepare_part(concepts.literal_part(asked))
    assert concepts.Text(title).lacks(part) is lacks
