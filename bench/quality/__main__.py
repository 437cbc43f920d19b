"""Prints the quality figures of an archive: `python -m bench.quality [FOLDER] [--only tuned|held]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.quality import author_names, corpus, end_to_end, in_memory, measures, mined_concepts, questions
from bot.text import seed

MAX_AUTHORS = 300
"""Sampled authors per kind of name variant."""


def measure(
    papers: Sequence[corpus.Paper], search: measures.SearchFunction, sets: Sequence[bool]
) -> tuple[dict[str, float], int]:
    """Return the figures over parts of our set (True: for tuning), and the number of concepts measured."""
    truth = measures.GroundTruth(papers)
    figures = measures.MetricSamples()
    counted = sum(
        measures.measure_concept(concept, truth, search, len(papers), figures)
        for concept in measures.load_concepts()
        if concept.is_tuning in sets
    )
    for word in measures.load_words():
        if word.is_tuning in sets:
            measures.measure_word(word, truth, search, len(papers), figures)
    for query, parts, tuned_on in measures.load_mixed_queries():
        if tuned_on in sets:
            relevant = [measures.find_papers_of_part(part, truth) for part in parts]
            measures.measure_mixed(query, relevant, search, len(papers), figures)
    return figures.means(), counted


def main() -> None:
    """Measure in memory, with and without the seed list, on all digests and on ten; then end to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=corpus.SHARED_ARCHIVE)
    parser.add_argument("--only", choices=["tuned", "held"], default="held")
    options = parser.parse_args()
    files = corpus.list_files(options.folder)
    if not files:
        sys.exit("no digests there")
    concepts = mined_concepts.mine_concepts(corpus.load_papers(files))
    selected = [concept for concept in concepts if concept.is_tuning == (options.only == "tuned")]
    for name, some, terms in (
        ("all, with the seed list", files, seed.load_terms()),
        ("all, without it", files, ()),
        ("first ten, with the seed list", files[:10], seed.load_terms()),
    ):
        papers = corpus.load_papers(some)
        search = in_memory.InMemorySearch(papers, in_memory.build_glossary(papers, terms))
        _print(name, papers, search.search, options.only == "tuned")
        _print_explained(selected, papers, search.search)
    _print_other_half(files, selected)
    for name, some in (("all, stored and asked as readers do", files), ("first ten, stored", files[:10])):
        with end_to_end.open_archive(some) as stored:
            papers = corpus.load_papers(some)
            _print(name, papers, stored.search, options.only == "tuned")
            _print_explained(selected, papers, stored.search)
            if len(some) == len(files):
                _print_names(author_names.list_people(some), stored)
    questions.print_halves(files)


def _print_other_half(files: Sequence[Path], concepts: Sequence[measures.Concept]) -> None:
    """Measure one half of the digests with the glossary of the other half."""
    papers, mined = corpus.load_papers(files[1::2]), corpus.load_papers(files[::2])
    for name, terms in (("with the seed list", seed.load_terms()), ("without it", ())):
        search = in_memory.InMemorySearch(papers, in_memory.build_glossary(mined, terms))
        print(f"one half by the glossary of the other, {name}: {len(papers)} papers")
        _print_explained(concepts, papers, search.search)


def _print_explained(
    concepts: Sequence[measures.Concept], papers: Sequence[corpus.Paper], search: measures.SearchFunction
) -> None:
    figures = measures.MetricSamples()
    counted = mined_concepts.measure(concepts, papers, search, figures)
    text = "  ".join(f"{key} {value:.3f}" for key, value in figures.means().items())
    print(f"  {counted} concepts that digests explain: {text}")


def _print_names(people: Sequence[str], stored: end_to_end.StoredSearch) -> None:
    figures = measures.MetricSamples()
    author_names.measure(people, stored.author, stored.complete_author, figures, sample_size=MAX_AUTHORS)
    means = figures.means()
    print(f"{len(people)} people: first · right (first, or who is first fits as well) · offered")
    for kind in dict.fromkeys(name.rpartition(": ")[0] for name in means):
        values = " · ".join(f"{means[f'{kind}: {rank}']:.3f}" for rank in ("first", "right", "offered"))
        print(f"  {kind:24}{len(figures.samples[f'{kind}: first']):6}  {values}")


def _print(
    name: str, papers: Sequence[corpus.Paper], search: measures.SearchFunction, tuned_on: bool
) -> None:
    started = time.perf_counter()
    figures, counted = measure(papers, search, [tuned_on])
    print(f"{name}: {len(papers)} papers, {counted} concepts, {time.perf_counter() - started:.1f} s")
    print("  " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
