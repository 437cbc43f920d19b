"""Relations between answers over the demo's samples, which hold however papers are found."""

import asyncio
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.demo import sample_digests
from bot.search.results import SearchRequest, SearchResult, Sort
from bot.search.service import SearchService
from storage import migrate
from storage.models import PaperDetail
from tests.support import sample_archive

ENGLISH = "diffusion|reasoning|quantization|math reasoning|computer vision|LLM agents|world models|multimodal"
KOREAN = "강화학습|트랜스포머|지식 증류|수학 추론|환각|비전 언어 모델"
QUESTIONS = (
    "surveys on multimodal models|latest survey of LLM agents|federated learning|fast text to speech|"
    "a faster alternative to attention|how can models use less memory|most upvoted papers on reasoning|"
    "LoRA full fine tuning|긴 문맥 처리 방법|"
    "거짓말하는 언어 모델|코드 짜는 에이전트|로봇이 영상을 보고 배우는 연구|LLM 에이전트 평가 방법"
)
LEFT_OUT = {
    ("reasoning", "reinforcement learning"): "reinforcement learning|RL|강화학습|강화 학습",
    ("agents", "GUI"): "GUI",
    ("quantization", "LoRA"): "LoRA|QLoRA|low-rank adaptation",
    ("hallucination", "RAG"): "RAG|retrieval-augmented generation|검색 증강 생성",
}
"""What is sought and left out, with the forms that no listed paper names."""


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database with the demo's samples up to its first day."""
    path: Path = tmp_path_factory.mktemp("samples") / "paperround.db"
    url = f"sqlite+aiosqlite:///{path}"

    async def fill() -> None:
        database = await migrate.open_database(url)
        ingest = sample_archive.make_ingest(database)
        for sample in sample_digests.sample_texts():
            if sample.date_on <= sample_archive.NOW.date():
                await ingest.add_text(sample.text, source=sample.source, location=sample.name)
        await SearchService(database).search(SearchRequest("index"))
        await database.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, fill()).result()
    return url


@pytest.fixture
async def service(samples: str) -> AsyncIterator[SearchService]:
    database = await migrate.open_database(samples)
    yield SearchService(database, clock=lambda: sample_archive.NOW)
    await database.close()


async def ask(service: SearchService, query: str, sort: Sort | None = None) -> SearchResult:
    return await service.search(SearchRequest(query, limit=300, sort=sort))


def full(found: SearchResult) -> set[str]:
    return {row.arxiv_id for row in found.rows} - found.missing.keys()


async def test_a_term_has_the_same_papers_in_any_wording_spelling_and_order(service: SearchService) -> None:
    english = ["papers on {}", "{} papers", "research about {}", "show me papers on {}", "{}!"]
    korean = ["{} 논문", "{} 관련 연구", "{}에 대한 논문 보여줘"]
    wordings = [(term, wording) for term in ENGLISH.split("|") for wording in english]
    wordings += [(term, wording) for term in KOREAN.split("|") for wording in korean]
    for term, wording in wordings:
        plain, worded = await ask(service, term), await ask(service, wording.format(term))
        assert (full(worded), worded.complete) == (full(plain), plain.complete), (term, wording)
    for term in (*ENGLISH.split("|"), *KOREAN.split("|")):
        plain = await ask(service, term)
        for spelling in (
            term.upper(),
            term.replace("강화학습", "강화 학습"),
            term.replace("지식 증류", "지식증류"),
        ):
            assert full(await ask(service, spelling)) == full(plain), spelling
        for sort in Sort:
            found = await ask(service, term, sort)
            every = {row.arxiv_id for row in found.rows}
            assert full(plain) <= full(found), (term, sort)
            if found.mentioning:
                every_plain = {row.arxiv_id for row in plain.rows}
                counts = found.complete + found.mentioning, plain.complete + plain.mentioning
                assert (every, counts[0]) == (every_plain, counts[1]), (term, sort)


async def test_the_papers_below_the_divider_say_what_they_lack_or_have(service: SearchService) -> None:
    for query in (*ENGLISH.split("|"), *QUESTIONS.split("|")):
        found = await ask(service, query)
        partial = [row.arxiv_id in found.missing for row in found.rows]
        assert partial == sorted(partial), "the divider stands once"
        assert (partial.count(False), len(partial)) == (found.complete, found.total), query
        for row in found.rows:
            labels = [kind.get(row.arxiv_id, ()) for kind in (found.missing, found.matched, found.passing)]
            assert row.arxiv_id in found.missing or not any(labels), (query, row.title)
            text = await read(service, row.arxiv_id)
            for term in labels[0]:
                assert not names(text, term), (query, row.title, term)
                assert term not in ("full", "처리"), "ordinary words may be in other words"


async def test_no_paper_is_listed_that_names_what_is_left_out(service: SearchService) -> None:
    for (sought, unwanted), forms in LEFT_OUT.items():
        plain = await ask(service, sought)
        for query in (
            f"{sought} without {unwanted}",
            f"{sought} excluding {unwanted}",
            f"{unwanted} 빼고 {sought}",
        ):
            found = await ask(service, query)
            assert found.excluded
            for row in found.rows:
                text = await read(service, row.arxiv_id)
                assert (row.arxiv_id in found.passing) == names(text, forms), (query, row.title)
            for arxiv_id in full(plain) - {row.arxiv_id for row in found.rows}:
                assert names(await read(service, arxiv_id), forms), (query, arxiv_id)


async def read(service: SearchService, arxiv_id: str) -> str:
    detail = await service.find_paper(arxiv_id)
    assert isinstance(detail, PaperDetail)
    sections = (section for one in detail.appearances for section in one.entry.sections)
    return "\n".join((detail.title or "", detail.abstract or "", *(one.body for one in sections)))


def names(text: str, forms: str) -> bool:
    spellings = (r"[\s-]*".join(map(re.escape, re.split(r"[\s-]+", form))) for form in forms.split("|"))
    return any(
        re.search(rf"(?<![A-Za-z]){one}(?:s|es)?(?![A-Za-z])", text, re.IGNORECASE) for one in spellings
    )
