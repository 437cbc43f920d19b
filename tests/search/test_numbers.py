"""Numbers with units and thousands, and that what is bold is nowhere said to be missing."""

import itertools
import random

import pytest

from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage.database import Database
from storage.models import Locale
from tests.support import seeds
from tests.support.sample_archive import make_paper, search_over

TEXTS = (
    "모델은 700만 매개변수로 이전보다 2배 빠르게 학습합니다",
    "17억개 파라미터 모델이 14개의 벤치마크에서 7.62배 효율적입니다",
    "It covers more than 1,000 languages with windows of 8,192 tokens",
    "11조 토큰으로 학습한 Kestrel-2는 24개 언어를 지원합니다",
    "The k-NN index keeps 800,000 samples in a mini-batch of 512",
    "It renders audio at 48kHz on a card with 24 GB",
    "Kestrel은 상태 공간 모델이며 3차원 데이터를 1.5배 압축합니다",
)


@pytest.fixture
async def service(db: Database) -> SearchService:
    return await search_over(
        db, *(make_paper(number, f"Paper {number}", text) for number, text in enumerate(TEXTS, 1))
    )


@pytest.mark.parametrize(
    ("query", "number"),
    [
        *(("700만", 0), ("2배", 0), ("700만 매개변수", 0), ("17억", 1), ("14개", 1), ("7.62배", 1)),
        *(("1000", 2), ("1,000", 2), ("1000 languages", 2), ("8192", 2), ("11조", 3), ("24개", 3)),
        *(("knn", 4), ("minibatch", 4), ("800000 samples", 4), ("3차원", 6), ("1.5배", 6)),
        *(("48 kHz", 5), ("48kHz", 5), ("48 kHz audio", 5), ("24GB", 5), ("24 GB card", 5)),
    ],
)
async def test_a_number_is_found_by_itself_and_with_its_unit(
    service: SearchService, query: str, number: int
) -> None:
    result = await service.search(SearchRequest(query, snippet_locale=Locale.KO))
    key = f"2501.{number + 1:05}"
    assert (result.rows[0].key, key in result.missing, result.read.absent) == (key, False, ())


async def test_what_is_bold_is_nowhere_said_to_be_missing(service: SearchService) -> None:
    rng = random.Random(seeds.OF_RUN)
    words = [*itertools.chain.from_iterable(map(str.split, TEXTS)), "vs", "transformers", "오늘", "로봇"]
    for _ in range(300):
        query = " ".join(rng.sample(words, rng.randrange(1, 5)))
        result = await service.search(SearchRequest(query, snippet_locale=Locale.KO))
        for row in result.rows:
            pieces = result.snippets[row.key].pieces if row.key in result.snippets else ()
            bold = {text.casefold() for text, is_match in pieces if is_match}
            lacking = {term.casefold() for term in (*result.missing.get(row.key, ()), *result.read.absent)}
            assert not bold & lacking, query
