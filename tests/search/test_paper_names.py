"""`/paper` by the names that people say: in Hangul, with spaces or numbers in words, and names that titles lack."""

import pytest

from bot.search.glossary_service import GlossaryService
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage.database import Database
from tests.conftest import OpenFilled
from tests.support.sample_archive import NewsletterPaper, add_digest, make_paper

PAPERS = """
1706.03762 | Attention Is All You Need | 어텐션 이즈 올 유 니드
1810.04805 | BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding | 버트, BERT paper
1512.03385 | Deep Residual Learning for Image Recognition | 레스넷, res net
2005.14165 | Language Models are Few-Shot Learners | 지피티 3, gpt3
2203.02155 | Training language models to follow instructions with human feedback | instruct gpt
2010.11929 | An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale | 비전 트랜스포머, ViT
2205.14135 | FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness | 플래시 어텐션
2307.08691 | FlashAttention-2: Faster Attention with Better Parallelism and Work Partitioning | 플래시어텐션2, flash attention 2
2407.21783 | The Llama 3 Herd of Models | llama three, 라마3
2307.09288 | Llama 2: Open Foundation and Fine-Tuned Chat Models | 라마 2
2312.00752 | Mamba: Linear-Time Sequence Modeling with Selective State Spaces | 맘바 논문
2304.02643 | Segment Anything | 세그먼트 애니띵
2106.09685 | LoRA: Low-Rank Adaptation of Large Language Models | 로라
2305.14314 | QLoRA: Efficient Finetuning of Quantized LLMs | 큐로라
2305.18290 | Direct Preference Optimization: Your Language Model is Secretly a Reward Model | 디피오
2501.12948 | DeepSeek-R1: Incentivizing Reasoning Capability in LLMs via Reinforcement Learning | 딥시크 R1, deep seek r1
2401.04088 | Mixtral of Experts | 믹스트랄
2112.10752 | High-Resolution Image Synthesis with Latent Diffusion Models | 스테이블 디퓨전
2302.05543 | Adding Conditional Control to Text-to-Image Diffusion Models | 컨트롤넷
2212.04356 | Robust Speech Recognition via Large-Scale Weak Supervision | 위스퍼
2302.04761 | Toolformer: Language Models Can Teach Themselves to Use Tools | 툴포머
2203.15556 | Training Compute-Optimal Large Language Models | 친칠라
2506.01844 | SmolVLA: A Vision-Language-Action Model for Affordable and Efficient Robotics | 스몰브이엘에이
2411.15640 | AfriMed-QA: A Pan-African Medical Question-Answering Benchmark | afrimed qa
2404.14469 | SnapKV: LLM Knows What You are Looking for Before Generation | 스냅 kv
"""
"""The id, the title, and the names that people say."""
ROWS = [row.split(" | ") for row in PAPERS.strip().splitlines()]
TITLES = {arxiv_id: title for arxiv_id, title, *_ in ROWS}
SAID = {name: arxiv_id for arxiv_id, _, *said in ROWS for names in said for name in names.split(", ")}


async def _add_papers(database: Database) -> None:
    papers = (NewsletterPaper(arxiv_id, title, "A new way.") for arxiv_id, title in TITLES.items())
    await add_digest(database, "2025-01-02", *papers)
    await GlossaryService(database).rebuild()


@pytest.fixture
async def service(open_filled: OpenFilled) -> SearchService:
    return SearchService(await open_filled(_add_papers))


async def test_a_paper_is_found_by_the_name_that_people_say(service: SearchService) -> None:
    found = {said: await service.find_paper(said) for said in SAID}
    assert {said: paper and paper.key for said, paper in found.items()} == SAID


async def test_topics_and_ordinary_words_name_no_paper(service: SearchService) -> None:
    for text in ("agents", "추론", "강화학습 논문", "로봇", "시스템", "비전"):
        assert await service.find_paper(text) is None, text


SLIPS = {
    "Toolforma": "2302.04761",
    "tolformer": "2302.04761",
    "FlashAttenton": "2205.14135",
    "flahsattention": "2205.14135",
    "Mabma": "2312.00752",
    "SmolVAL": "2506.01844",
    "AfriMad-QA": "2411.15640",
}
"""Names with a letter left out, another one, or two of them swapped, and a long one with two errors."""


async def test_a_name_with_a_slip_is_the_paper_of_that_name_alone(service: SearchService) -> None:
    opened = {slip: await service.find_paper(slip) for slip in SLIPS}
    assert {slip: paper and paper.key for slip, paper in opened.items()} == SLIPS
    listed = {slip: await service.search(SearchRequest(slip)) for slip in SLIPS}
    assert {slip: found.rows[0].key for slip, found in listed.items() if found.read.corrected} == SLIPS
    # Other words that have the consonants of BERT, Mamba and LoRA, or a name's letters with more errors.
    for other in ("Bahrat", "membrane", "LiRo", "Toolboxes"):
        assert await service.find_paper(other) is None, other
        assert not (await service.search(SearchRequest(other))).rows, other


async def test_a_name_near_to_one_in_the_archive_is_offered(service: SearchService) -> None:
    assert await service.find_near_name("툴포머즈") == "Toolformer"
    assert await service.find_near_name("ㅏㅏㅏ") is None
    # A number is no sound, as the 5 of GPT-5 is none of GitHub.
    assert await service.find_near_name("235343") is None
    assert await service.find_paper("235343") is None


async def test_a_title_that_goes_on_after_a_name_is_not_the_paper_of_that_name(db: Database) -> None:
    titles = (
        "Stable Audio Open",
        "Quiet Herons Are Fast: A Study",
        "Newt Gen: A Pond",
        "Newt Gen Bench: More Ponds",
        "Four Quiet Herons Dance Slowly",
    )
    papers = (make_paper(n, title, "A pond.", votes=n) for n, title in enumerate(titles, 1))
    await add_digest(db, "2025-01-02", *papers)
    service = SearchService(db)
    for text, arxiv_id in {
        "Stable Audio": None,
        "quiet herons": None,
        "stable audio open": "2501.00001",
        "Quiet Herons Are Fast": "2501.00002",
        "Newt Gen": "2501.00003",
        "newtgen": "2501.00003",
        "Four Quiet Herons": None,
        "Four Quiet Herons Dance": "2501.00005",
    }.items():
        found = await service.find_paper(text)
        assert (found and found.key) == arxiv_id, text


async def test_a_name_that_a_summary_has_is_not_that_of_a_paper_that_sounds_so(db: Database) -> None:
    papers = (
        make_paper(1, "Zebra: Stripes of Ponds", "A pond."),
        make_paper(2, "Clear Pictures", "Restores pictures as SUPIR does. SOPRA is slower."),
    )
    await add_digest(db, "2025-01-02", *papers)
    await GlossaryService(db).rebuild()
    service = SearchService(db)
    for text in ("SUPIR", "sopra"):
        assert await service.find_paper(text) is None, text
    near = await service.find_paper("Zibra")
    assert near is not None
    assert near.key == "2501.00001"


@pytest.mark.parametrize(
    ("typed", "arxiv_id"),
    [
        ("Flashattention: Fast & Memory Efficient Exact Attention With IO Awareness", "2205.14135"),
        (r"{LoRA}: \emph{Low-Rank} Adaptation of Large Language Models.", "2106.09685"),
        ("Mamba and Linear-Time Sequence Modeling with Selective State Spaces", None),
        ("Segment", None),
    ],
)
async def test_a_title_of_a_reference_is_found_however_it_is_set(
    service: SearchService, typed: str, arxiv_id: str | None
) -> None:
    assert (await service.find_titled([typed])).get(typed) == arxiv_id
