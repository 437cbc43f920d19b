"""Search quality on a real archive, if there is one next to the checkout: prints the figures and asserts floors."""

from __future__ import annotations

import pytest

from bench.quality import __main__ as quality
from bench.quality import author_names, corpus, end_to_end, in_memory, measures, mined_concepts
from bot.glossary import concepts as glossary_concepts

FILES = corpus.list_files()
pytestmark = pytest.mark.skipif(not FILES, reason="no archive of digests next to the checkout")

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
"""Floors for the terms that digests explain, slightly below the figures reached."""
FLOORS_EXPLAINED_TEN_DIGESTS = {"cross": 0.85, "core": 0.90}


@pytest.fixture(scope="module")
def concepts() -> list[measures.Concept]:
    """Concepts that digests explain, without the third used for tuning."""
    mined = mined_concepts.mine_concepts(corpus.load_papers(FILES))
    return [concept for concept in mined if not concept.is_tuning]


@pytest.mark.parametrize(
    ("digests", "floors", "of_explained"),
    [
        (len(FILES), FLOORS_ALL_DIGESTS, FLOORS_EXPLAINED),
        (10, FLOORS_TEN_DIGESTS, FLOORS_EXPLAINED_TEN_DIGESTS),
    ],
)
def test_held_out_queries_reach_the_floors(
    digests: int, floors: dict[str, float], of_explained: dict[str, float], concepts: list[measures.Concept]
) -> None:
    papers = corpus.load_papers(FILES[:digests])
    search = in_memory.InMemorySearch(
        papers, in_memory.build_glossary(papers, glossary_concepts.load_terms())
    )
    figures, concept_count = quality.measure(papers, search.search, [False])
    print(f"{len(papers)} papers, {concept_count} concepts:", figures)
    assert {name: figures[name] for name, floor in floors.items() if figures[name] < floor} == {}
    samples = measures.MetricSamples()
    concept_count = mined_concepts.measure(concepts, papers, search.search, samples)
    means = samples.means()
    print(f"{concept_count} concepts that digests explain:", means)
    assert {name: means[name] for name, floor in of_explained.items() if means[name] < floor} == {}


def test_search_over_a_database_reaches_the_floors_and_finds_people_in_any_spelling() -> None:
    papers, figures = corpus.load_papers(FILES), measures.MetricSamples()
    truth = measures.GroundTruth(papers)
    with end_to_end.open_archive(FILES) as archive:
        for query, parts, tuned_on in measures.load_mixed_queries():
            if not tuned_on:
                relevant = [measures.find_papers_of_part(part, truth) for part in parts]
                measures.measure_mixed(query, relevant, archive.search, len(papers), figures)
        people = author_names.list_people(FILES)
        author_names.measure(people, archive.author, archive.complete_author, figures, sample_size=50)
    means = figures.means()
    print(means)
    assert means["mixed p@10"] >= 0.96
    assert means["all: right"] >= 0.95
    assert means["one error: offered"] >= 0.94
    assert means[f"{author_names.PREFIX}: offered"] >= 0.95
