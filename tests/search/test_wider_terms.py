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


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        (["PEFT", "parameter-efficient fine-tuning", "파라미터 효율적 미세 조정"], [ANSWERS, LORA]),
        (["computer vision", "컴퓨터 비전", "vision papers", "비전 논문"], [SEGMENT]),
        (["RLHF", "인간 피드백 강화 학습"], [PREFERENCES, INSTRUCT]),
    ],
)
async def test_a_wider_term_finds_papers_about_what_belongs_to_it(
    db: Database, queries: list[str], expected: list[NewsletterPaper]
) -> None:
    papers = (LORA, SEGMENT, PREFERENCES, INSTRUCT, SERVING, ANSWERS)
    service = await sample_archive.search_over(db, *papers)
    for query in queries:
        found = await service.search(SearchRequest(query, limit=50))
        full = [row.arxiv_id for row in found.rows[: found.complete]]
        assert sorted(full) == sorted(paper.arxiv_id for paper in expected), query
        # What names the wider term itself comes first.
        assert full[0] == expected[0].arxiv_id, query
