"""Questions that describe a topic in everyday words: papers on it are found and ranked, and the answer names it."""

from __future__ import annotations

import pytest

from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

SPEECH = NewsletterPaper(
    "2501.00001", "FlowVoice: Zero-Shot Speech Synthesis", "Vocoder with prosody.", votes=1
)
FILLER = [NewsletterPaper(f"2502.{number:05}", f"Pruning {number}", "weights") for number in range(1, 41)]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("글자를 목소리로 읽어주는 논문 찾아줘", "speech synthesis"),
        ("which papers turn writing into a spoken voice", "speech synthesis"),
    ],
)
async def test_a_paper_without_a_word_of_the_question_is_found_and_its_topic_is_said(
    db: Database, question: str, name: str
) -> None:
    await sample_archive.add_digest(db, "2025-01-02", SPEECH, *FILLER)
    found = await SearchService(db).search(SearchRequest(question))
    assert found.rows[0].arxiv_id == SPEECH.arxiv_id
    assert found.complete == 0
    assert name in " ".join(forms for term in found.term_forms for forms in term)
    literal = await SearchService(db).search(SearchRequest(question, literal=True))
    assert SPEECH.arxiv_id not in {row.arxiv_id for row in literal.rows}


async def test_the_paper_that_a_question_names_stays_first(db: Database) -> None:
    rival = NewsletterPaper(
        "2501.00004", "Speech synthesis", "FlowVoice, text to speech, narration, prosody.", votes=90
    )
    await sample_archive.add_digest(db, "2025-01-02", SPEECH, rival, *FILLER)
    found = await SearchService(db).search(SearchRequest("FlowVoice 논문 보여줘"))
    assert found.rows[0].arxiv_id == SPEECH.arxiv_id


@pytest.mark.parametrize(
    "question", ["강화 학습에 대한 논문 찾아줘", "show me papers about reinforcement learning"]
)
async def test_a_request_for_a_term_finds_what_the_term_finds(db: Database, question: str) -> None:
    about = [NewsletterPaper(f"2501.1000{n}", f"강화 학습 {n}", "reinforcement learning") for n in range(3)]
    other = NewsletterPaper("2501.20000", "A machine learning study", "학습 방법")
    await sample_archive.add_digest(db, "2025-01-02", *about, other, *FILLER)
    search = SearchService(db)
    term = await search.search(SearchRequest("강화 학습"))
    found = await search.search(SearchRequest(question))
    assert {row.arxiv_id for row in found.rows} == {row.arxiv_id for row in term.rows} != set()
    assert not found.missing


async def test_a_topic_that_is_asked_for_by_name_is_not_said_again(db: Database) -> None:
    await sample_archive.add_digest(db, "2025-01-02", SPEECH, *FILLER)
    found = await SearchService(db).search(SearchRequest("which text-to-speech papers read writing aloud"))
    assert "text-to-speech" in found.terms
    assert "text-to-speech" not in found.added_forms
