"""Floors for search quality on a real archive, if there is one next to the checkout, and checks of the judged questions."""

from collections.abc import Iterator

import pytest

from bench.quality import __main__ as quality
from bench.quality import author_names, corpus, end_to_end, measures, questions

FILES = corpus.list_files()
needs_archive = pytest.mark.skipif(not FILES, reason="no archive of digests next to the checkout")


@pytest.fixture(scope="module")
def archive() -> Iterator[end_to_end.StoredSearch]:
    """The whole archive, which takes four seconds to read."""
    with end_to_end.open_archive(FILES) as opened:
        yield opened


def test_every_test_question_has_a_paper_judged_relevant() -> None:
    judgements = questions.load_judgements()
    judged = {query.number for query in questions.load_queries() if query.kind in ("question", "mix")}
    assert set(judgements) == judged
    assert all(2 in grades.values() for grades in judgements.values())


@needs_archive
def test_quality_for_tuning_questions_meets_the_minimum_scores(archive: end_to_end.StoredSearch) -> None:
    queries = [query for query in questions.load_queries() if query.half == "tuned"]
    figures = questions.summarise(questions.measure(queries, corpus.load_papers(FILES), archive))
    print(figures)
    assert figures["question"]["ndcg@10"] >= 0.2
    assert figures["mix"]["ndcg@10"] >= 0.65


FLOORS = {
    "cross": 0.88,
    "p@10": 0.93,
    "core": 0.93,
    "triple": 0.80,
    "spacing": 0.95,
    "word p@10": 0.94,
    "word core": 0.84,
    "mixed p@10": 0.96,
    "mixed core": 0.84,
}


@pytest.mark.all_faults
@pytest.mark.promise
@needs_archive
def test_quality_for_held_out_queries_and_names_meets_the_floors(archive: end_to_end.StoredSearch) -> None:
    papers, names = corpus.load_papers(FILES), measures.MetricSamples()
    figures, concept_count = quality.measure(papers, archive.search, [False])
    people = author_names.list_people(FILES)
    author_names.measure(people, archive.author, archive.complete_author, names, sample_size=50)
    print(f"{len(papers)} papers, {concept_count} concepts:", figures)
    assert {name: figures[name] for name, floor in FLOORS.items() if figures[name] < floor} == {}
    means = names.means()
    print(means)
    assert means["all: right"] >= 0.95
    assert means["one error: offered"] >= 0.94
    assert means[f"{author_names.PREFIX}: offered"] >= 0.95


@pytest.mark.all_faults
@pytest.mark.promise
@needs_archive
def test_ten_digests_are_enough_to_learn_forms_of_a_term() -> None:
    with end_to_end.open_archive(FILES[:10]) as archive:
        figures, _ = quality.measure(corpus.load_papers(FILES[:10]), archive.search, [False])
    assert figures["cross"] >= 0.75
