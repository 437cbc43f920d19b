"""Questions that describe a topic in everyday words."""

from bot.search import results as search_results
from bot.search.results import SearchRequest
from storage import models
from storage.database import Database
from tests.support.sample_archive import NewsletterPaper, make_paper, search_over

SPEECH = make_paper(1, "FlowVoice: Zero-Shot Speech Synthesis", "Vocoder with prosody.", votes=1)
FILLER = [NewsletterPaper(f"2502.{number:05}", f"Pruning {number}", "weights") for number in range(1, 41)]


async def test_a_question_finds_a_paper_by_topic_without_common_words(db: Database) -> None:
    service = await search_over(db, SPEECH, *FILLER)
    for question in ("글자를 목소리로 읽어주는 논문 찾아줘", "which papers turn writing into a spoken voice"):
        found = await service.search(SearchRequest(question))
        assert (found.rows[0].key, found.on_topic) == (SPEECH.arxiv_id, 0)
        assert "speech synthesis" in " ".join(forms for term in found.read.term_forms for forms in term)
    asked = await service.search(SearchRequest("which text-to-speech papers read writing aloud"))
    assert "text-to-speech" in asked.read.terms
    assert "text-to-speech" not in asked.read.translations, "what is asked for by name is not said again"


UNRELATED = {
    "benchmarks for coding agents": "video games",
    "what is the cheapest way to finetune a 7b model": "combinatorial optimization",
    "모델을 4비트로 줄이면 성능이 얼마나 나빠지나요": "안전 정렬",
}
"""Questions, and topics that they do not describe."""
RELATED = {
    "anything on getting AI to make presentation slides for me?": "slide generation",
    "발표 자료 PPT 자동으로 만들어 주는 논문": "슬라이드 생성",
    "anything that combines touch sensing with cameras?": "tactile sensing",
    "그림 그려주는 AI": "text-to-image generation",
    "CT나 MRI에서 종양 같은 부위 자동으로 잘라내기": "의료 이미지 분할",
}


async def test_a_paper_without_any_word_is_found_only_by_a_question_on_its_topic(db: Database) -> None:
    ids = {topic: f"2501.10{n:03}" for n, topic in enumerate((*UNRELATED.values(), *RELATED.values()))}
    about = [NewsletterPaper(id_, "Steps", f"{topic}. It is on {topic}.") for topic, id_ in ids.items()]
    service = await search_over(db, SPEECH, *about, *FILLER)
    for question, topic in (UNRELATED | RELATED).items():
        found = await service.search(SearchRequest(question, limit=50))
        listed = {row.key for row in found.rows}
        assert (ids[topic] in listed) is (question in RELATED), question


async def test_a_match_only_in_the_title_shows_the_summary(db: Database) -> None:
    service = await search_over(db, SPEECH, *FILLER)
    found = await service.search(SearchRequest("FlowVoice", snippet_locale=models.Locale.EN))
    assert "Vocoder" in found.snippets[SPEECH.arxiv_id].text
    patterns = search_results.build_patterns([["laundry"]])
    assert not await db.fetch(search_results.list_snippets, found.rows, models.Locale.EN, patterns)
