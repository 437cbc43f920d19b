"""Quality on a real archive, where one lies beside the checkout. The figures are printed; floors are held."""

from __future__ import annotations

import pytest

from bench.quality import __main__ as quality
from bench.quality import author_names, corpus, end_to_end, in_memory, measures, mined_concepts
from bot.text.glossary.model import seed

FILES = corpus.list_files()
pytestmark = pytest.mark.skipif(not FILES, reason="no archive of digests beside the checkout")

FLOORS_ALL_DIGESTS = {
    "cross": 0.88,
    "p@10": 0.93,
    "core": 0.93,
    "triple": 0.80,
    "spacing": 0.95,
    "word p@10": 0.96,
    "word core": 0.84,
    "mixed p@10": 0.96,
    "mixed core": 0.84,
}
FLOORS_TEN_DIGESTS = {"cross": 0.75}
FLOORS_EXPLAINED = {"cross": 0.96, "p@10": 0.93, "core": 0.96, "triple": 0.93, "spacing": 0.95}
"""Floors for what the digests themselves explain, a little below what is reached."""
FLOORS_EXPLAINED_TEN_DIGESTS = {"cross": 0.85, "core": 0.90}


@pytest.fixture(scope="module")
def concepts() -> list[measures.Concept]:
    """What the digests explain, but for the third that may be looked at."""
    found = mined_concepts.mine_concepts(corpus.load_papers(FILES))
    return [one for one in found if not one.is_tuning]


@pytest.mark.parametrize(
    ("digests", "floors", "of_explained"),
    [
        (len(FILES), FLOORS_ALL_DIGESTS, FLOORS_EXPLAINED),
        (10, FLOORS_TEN_DIGESTS, FLOORS_EXPLAINED_TEN_DIGESTS),
    ],
)
def test_queries_kept_apart_reach_the_figures_aimed_at(
    digests: int, floors: dict[str, float], of_explained: dict[str, float], concepts: list[measures.Concept]
) -> None:
    papers = corpus.load_papers(FILES[:digests])
    search = in_memory.InMemorySearch(papers, in_memory.build_glossary(papers, seed.load_terms()))
    figures, counted = quality.measure(papers, search.search, [False])
    print(f"{len(papers)} papers, {counted} concepts:", figures)
    assert {name: figures[name] for name, least in floors.items() if figures[name] < least} == {}
    drawn = measures.MetricSamples()
    counted = mined_concepts.measure(concepts, papers, search.search, drawn)
    means = drawn.means()
    print(f"{counted} concepts that digests explain:", means)
    assert {name: means[name] for name, least in of_explained.items() if means[name] < least} == {}


def test_look_ups_over_a_database_reach_them_too_and_find_people_however_they_are_written() -> None:
    papers, figures = corpus.load_papers(FILES), measures.MetricSamples()
    truth = measures.GroundTruth(papers)
    with end_to_end.open_archive(FILES) as stored:
        for query, parts, tuned_on in measures.load_mixed_queries():
            if not tuned_on:
                wanted = [measures.find_papers_of_part(part, truth) for part in parts]
                measures.measure_mixed(query, wanted, stored.search, len(papers), figures)
        people = author_names.list_people(FILES)
        author_names.measure(people, stored.author, stored.complete_author, figures, sample_size=50)
    means = figures.means()
    print(means)
    assert means["mixed p@10"] >= 0.96
    assert means["all: right"] >= 0.95
    assert means["one error: offered"] >= 0.94
    assert means[f"{author_names.PREFIX}: offered"] >= 0.95
