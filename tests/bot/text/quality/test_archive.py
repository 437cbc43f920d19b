"""Quality on a real archive, where one lies beside the checkout. The figures are printed; floors are held."""

from __future__ import annotations

import pytest

from bench.quality import __main__ as quality
from bench.quality import archive, memory
from bot.text.glossary import seed

FILES = archive.list_files()
pytestmark = pytest.mark.skipif(not FILES, reason="no archive of digests beside the checkout")

ALL_DIGESTS = {
    "cross": 0.88,
    "p@10": 0.93,
    "core": 0.93,
    "triple": 0.80,
    "spacing": 0.95,
    "word p@10": 0.96,
    "word core": 0.84,
    "mixed core": 0.84,
}
FIRST_TEN = {"cross": 0.75}


@pytest.mark.parametrize(("digests", "floors"), [(len(FILES), ALL_DIGESTS), (10, FIRST_TEN)])
def test_queries_kept_apart_reach_the_figures_aimed_at(digests: int, floors: dict[str, float]) -> None:
    papers = archive.load_papers(FILES[:digests])
    search = memory.MemorySearch(papers, memory.mine(papers, seed.terms()))
    figures, counted = quality.measure(papers, search.search, [False])
    print(f"{len(papers)} papers, {counted} concepts:", figures)
    assert {name: figures[name] for name, least in floors.items() if figures[name] < least} == {}
