"""A search for a field or a family of methods finds the papers on what belongs to it, under their own names."""

import pytest

from bot.search.results import SearchRequest
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

LORA = NewsletterPaper(
    "2106.09685",
    "LoRA: Low-Rank Adaptation of Large Language Models",
    "The weights stay frozen; two small matrices beside each layer are learnt.",
)
SEGMENT = NewsletterPaper("2304.02643", "Segment Anything", "A promptable model and a billion masks.")
PREFERENCES = NewsletterPaper(
    "1706.03741",
    "Deep reinforcement learning from human preferences",
    "People compare two clips of behaviour, and a reward is learnt from that.",
)
INSTRUCT = NewsletterPaper(
    "2203.02155",
    "Training language models to follow instructions with human feedback",
    "Labellers rank answers, and the model is trained by their ranking.",
)
SERVING = NewsletterPaper(
    "2309.06180",
    "Paged memory for serving",
    "Requests share the memory of a GPU in pages. Many models are served at once, some of them with LoRA.",
)
ANSWERS = NewsletterPaper(
    "2401.00001", "A note on PEFT", "Parameter-efficient fine-tuning (PEFT) in few words.", votes=0
)

WORDS_AND_PICTURES = NewsletterPaper("2405.00001", "A look at VLMs", "What such a model sees.", votes=0)
SMALL = NewsletterPaper("2504.05299", "SmolVLM: Redefining small and efficient models", "Few visual tokens.")
ONE_TOKEN = NewsletterPaper("2501.03895", "LLaVA-Mini", "One token for an image.")
QUICK = NewsletterPaper("2501.00011", "A note on efficient inference", "Answers cost less.", votes=0)
TUNED = NewsletterPaper("2411.17786", "Finetuning-free faces", "Pictures of one person.")
UNTRAINED = NewsletterPaper(
    "2411.14430", "Layers that matter", "Edits images without any additional training."
)
AS_IS = NewsletterPaper("2411.14431", "Sketches", "추가 학습 없이 그립니다.", votes=0)
DRAFT = NewsletterPaper("2211.17192", "Speculative decoding", "A small model writes drafts.")


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        (["VLM", "vision-language model", "시각-언어 모델"], [WORDS_AND_PICTURES, SMALL, ONE_TOKEN]),
        (["PEFT", "parameter-efficient fine-tuning", "파라미터 효율적 미세 조정"], [ANSWERS, LORA]),
        (["computer vision", "컴퓨터 비전", "vision papers", "비전 논문"], [SEGMENT]),
        (["RLHF", "인간 피드백 강화 학습"], [PREFERENCES, INSTRUCT]),
        (["efficient inference", "efficient LLM inference", "효율적인 추론"], [QUICK, DRAFT]),
    ],
)
async def test_a_wider_term_finds_papers_about_what_belongs_to_it(
    db: Database, queries: list[str], expected: list[NewsletterPaper]
) -> None:
    papers = (
        LORA,
        SEGMENT,
        PREFERENCES,
        INSTRUCT,
        SERVING,
        ANSWERS,
        WORDS_AND_PICTURES,
        SMALL,
        ONE_TOKEN,
        QUICK,
        DRAFT,
    )
    service = await sample_archive.search_over(db, *papers)
    for query in queries:
        found = await service.search(SearchRequest(query, limit=50))
        assert sorted(row.arxiv_id for row in found.rows) == sorted(paper.arxiv_id for paper in expected), (
            query
        )
        # What names the wider term itself comes first.
        assert found.rows[0].arxiv_id == expected[0].arxiv_id, query
        assert not found.missing, query


async def test_agents_need_not_name_ai(db: Database) -> None:
    agent = NewsletterPaper("2401.00004", "An agent that books trips", "The agent plans and pays.")
    service = await sample_archive.search_over(db, agent, LORA)
    for query in ("AI agents", "AI 에이전트"):
        found = await service.search(SearchRequest(query, limit=50))
        assert (found.on_topic, found.total) == (1, 1), query


async def test_a_noun_finds_its_verb(db: Database) -> None:
    paper = NewsletterPaper(
        "2104.07567", "Retrieval Augmentation Reduces Hallucination in Conversation", "It does."
    )
    service = await sample_archive.search_over(db, paper, LORA)
    found = await service.search(SearchRequest("hallucination reduction", limit=50))
    assert (found.on_topic, found.rows[0].arxiv_id) == (1, paper.arxiv_id)


async def test_the_name_of_a_task_is_not_met_by_an_ordinary_word(db: Database) -> None:
    infinite = NewsletterPaper(
        "2404.07143", "Attention by segments", "Each segment is read once. Segments add up."
    )
    hardware = NewsletterPaper(
        "2502.11089", "Hardware-Aligned Attention", "Blocks are aligned with the hardware."
    )
    service = await sample_archive.search_over(db, infinite, hardware, SEGMENT)
    for query, expected in {"segmentation": 1, "세그멘테이션": 1, "alignment": 0, "정렬": 0}.items():
        found = await service.search(SearchRequest(query, limit=50))
        assert found.on_topic + found.all_terms == expected, query


async def test_a_method_without_something_is_found_by_each_usual_way_to_say_so(db: Database) -> None:
    service = await sample_archive.search_over(db, LORA, SEGMENT, TUNED, UNTRAINED, AS_IS)
    expected = {paper.arxiv_id for paper in (TUNED, UNTRAINED, AS_IS)}
    for query in ("training-free methods", "without fine-tuning", "재학습 없이", "파인튜닝이 필요 없는"):
        found = await service.search(SearchRequest(query))
        assert {row.arxiv_id for row in found.rows} == expected, query


@pytest.mark.parametrize(
    ("query", "about", "beside"),
    [
        ("speculative decoding", "Early exit and self-speculative decoding", "Drafts by a small model"),
        ("추측 디코딩", "Early exit and self-speculative decoding", "Drafts by a small model"),
        ("long video", "Depth for super-long videos", "Depth of streets"),
        ("image-to-video", "Image-to-video with a plan", "이미지와 비디오를 이해하는 모델"),
        ("긴 영상 이해", "Long-form video understanding", "Generating long videos"),
        ("text-to-image", "Text-to-image by steps", "텍스트, 이미지 검색"),
        ("text-to-video", "텍스트-비디오 생성 모델", "텍스트와 비디오의 정렬"),
    ],
)
async def test_a_paper_on_a_term_has_it_in_its_title_also_behind_a_prefix(
    db: Database, query: str, about: str, beside: str
) -> None:
    papers = [NewsletterPaper("2405.00001", about, about), NewsletterPaper("2405.00002", beside, beside)]
    found = await (await sample_archive.search_over(db, *papers)).search(SearchRequest(query))
    assert (found.rows[0].arxiv_id, found.on_topic) == ("2405.00001", 1)


async def test_from_images_to_video_is_not_image_to_video(db: Database) -> None:
    clips = NewsletterPaper("2501.05874", "VideoRAG", "Retrieval moves from text and images to video.")
    moving = NewsletterPaper(
        "2501.05875", "Moving Pictures", "Image to video generation. Image-to-video models."
    )
    service = await sample_archive.search_over(db, clips, moving)
    for query in ("video generation", "영상 생성"):
        found = await service.search(SearchRequest(query))
        assert [row.arxiv_id for row in found.rows] == [moving.arxiv_id], query
