"""Relations between answers over the demo's samples, which hold however papers are found."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.search.results import MatchKind, SearchRequest, SearchResult, Sort
from bot.search.service import SearchService
from storage import migrate
from storage.models import PaperDetail
from tests.support.sample_archive import NOW, store_samples

ENGLISH = "diffusion|reasoning|quantization|math reasoning|computer vision|LLM agents|world models|multimodal"
KOREAN = "강화학습|트랜스포머|지식 증류|수학 추론|환각|비전 언어 모델"
QUESTIONS = (
    "surveys on multimodal models|survey of LLM agents|federated learning|fast text to speech|"
    "a faster alternative to attention|how can models use less memory|papers on reasoning without reinforcement learning|"
    "LoRA full fine tuning|긴 문맥 처리 방법|"
    "거짓말하는 언어 모델|코드 짜는 에이전트|로봇이 영상을 보고 배우는 연구|LLM 에이전트 평가 방법"
)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database with the demo's samples up to its first day."""
    path: Path = tmp_path_factory.mktemp("samples") / "paperround.db"
    url = f"sqlite+aiosqlite:///{path}"

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, store_samples(url)).result()
    return url


@pytest.fixture
async def service(samples: str) -> AsyncIterator[SearchService]:
    database = await migrate.open_database(samples)
    yield SearchService(database, clock=lambda: NOW)
    await database.close()


async def ask(service: SearchService, query: str, sort: Sort | None = None) -> SearchResult:
    return await service.search(SearchRequest(query, limit=300, sort=sort))


def list_kind(found: SearchResult, *kinds: MatchKind) -> set[str]:
    return {id_ for id_, kind in found.kinds.items() if kind in kinds}


def full(found: SearchResult) -> set[str]:
    return list_kind(found, MatchKind.ON_TOPIC, MatchKind.ALL_TERMS)


async def test_the_same_papers_are_on_a_term_in_any_wording_and_order(service: SearchService) -> None:
    english = ["papers on {}", "{} papers", "research about {}", "show me papers on {}", "{}!"]
    korean = ["{} 논문", "{} 관련 연구", "{}에 대한 논문 보여줘"]
    wordings = [(term, wording) for term in ENGLISH.split("|") for wording in english]
    wordings += [(term, wording) for term in KOREAN.split("|") for wording in korean]
    for term, wording in wordings:
        plain, worded = await ask(service, term), await ask(service, wording.format(term))
        on_topic = (list_kind(one, MatchKind.ON_TOPIC) for one in (worded, plain))
        assert len({*map(frozenset, on_topic)}) == 1, (term, wording)
    for term in (*ENGLISH.split("|"), *KOREAN.split("|")):
        plain = await ask(service, term)
        spaced = term.replace("강화학습", "강화 학습"), term.replace("지식 증류", "지식증류")
        for spelling in (term.upper(), *spaced):
            assert full(await ask(service, spelling)) == full(plain), spelling
        for sort in Sort:
            found = await ask(service, term, sort)
            assert list_kind(plain, MatchKind.ON_TOPIC) <= list_kind(found, MatchKind.ON_TOPIC), (term, sort)
            assert full(found) == full(plain), (term, sort)


async def test_the_kinds_have_the_papers_that_their_names_promise(service: SearchService) -> None:
    for query in (*ENGLISH.split("|"), *KOREAN.split("|"), *QUESTIONS.split("|")):
        for sort in Sort:
            found = await ask(service, query, sort)
            kinds = [found.kinds[row.key] for row in found.rows]
            assert kinds == sorted(kinds, key=[*MatchKind].index), "each divider stands once"
            counts = Counter(kinds)
            assert counts[MatchKind.ON_TOPIC] == found.on_topic, query
            assert (counts[MatchKind.ALL_TERMS], len(kinds)) == (found.all_terms, found.total), query
            assert found.missing.keys() <= list_kind(found, MatchKind.SOME_TERMS)
        for row in found.rows:
            text = await read(service, row.key)
            for term in found.missing.get(row.key, ()):
                assert not names(text, term), (query, row.title, term)


LATER = re.compile("한계|후속 연구")
"""Chapters that are not indexed (`docs/search.md`)."""


async def read(service: SearchService, arxiv_id: str) -> str:
    detail = await service.find_paper(arxiv_id)
    assert isinstance(detail, PaperDetail)
    sections = (section for one in detail.appearances for section in one.entry.sections)
    bodies = (one.body for one in sections if not LATER.search(one.heading or ""))
    return "\n".join((detail.title or "", detail.abstract or "", *bodies))


def names(text: str, forms: str) -> bool:
    spellings = (r"[\s-]*".join(map(re.escape, re.split(r"[\s-]+", form))) for form in forms.split("|"))
    return any(re.search(rf"(?<![A-Za-z]){one}(?:s|es)?(?![A-Za-z])", text, re.I) for one in spellings)
