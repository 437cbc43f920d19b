"""Prints the quality figures of an archive: `python -m bench.quality [FOLDER] [--only tuned|held]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.quality import author_names, corpus, end_to_end, in_memory, measures, mined_concepts
from bot.text.glossary.model import seed

MAX_AUTHORS = 300
"""People who are asked for in each way of writing their names."""


def measure(
    papers: Sequence[corpus.Paper], search: measures.SearchFunction, sets: Sequence[bool]
) -> tuple[dict[str, float], int]:
    """Return the figures over the parts of our set asked for (tuned on: True), and how many concepts counted."""
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
            found = [measures.find_papers_of_part(part, truth) for part in parts]
            measures.measure_mixed(query, found, search, len(papers), figures)
    return figures.means(), counted


def main() -> None:
    """Measure with and without the starting list, on all digests and on the first ten; and what readers get."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=corpus.SHARED_ARCHIVE)
    parser.add_argument("--only", choices=["tuned", "held"], default="held")
    asked = parser.parse_args()
    files = corpus.list_files(asked.folder)
    if not files:
        sys.exit("no digests there")
    concepts = mined_concepts.mine_concepts(corpus.load_papers(files))
    asked_for = [one for one in concepts if one.is_tuning == (asked.only == "tuned")]
    for name, some, terms in (
        ("all, with the starting list", files, seed.load_terms()),
        ("all, without it", files, ()),
        ("first ten, with the starting list", files[:10], seed.load_terms()),
    ):
        papers = corpus.load_papers(some)
        searched = in_memory.InMemorySearch(papers, in_memory.build_glossary(papers, terms))
        _print(name, papers, searched.search, asked.only == "tuned")
        _print_explained(asked_for, papers, searched.search)
    _print_other_half(files, asked_for)
    for name, some in (("all, stored and asked as readers do", files), ("first ten, stored", files[:10])):
        with end_to_end.open_archive(some) as stored:
            papers = corpus.load_papers(some)
            _print(name, papers, stored.search, asked.only == "tuned")
            _print_explained(asked_for, papers, stored.search)
            if len(some) == len(files):
                _print_names(author_names.list_people(some), stored)


def _print_other_half(files: Sequence[Path], asked: Sequence[measures.Concept]) -> None:
    """Ask one half of the digests with the glossary of the other one."""
    papers, mined = corpus.load_papers(files[1::2]), corpus.load_papers(files[::2])
    for name, terms in (("with the starting list", seed.load_terms()), ("without it", ())):
        searched = in_memory.InMemorySearch(papers, in_memory.build_glossary(mined, terms))
        print(f"one half by the glossary of the other, {name}: {len(papers)} papers")
        _print_explained(asked, papers, searched.search)


def _print_explained(
    asked: Sequence[measures.Concept], papers: Sequence[corpus.Paper], search: measures.SearchFunction
) -> None:
    figures = measures.MetricSamples()
    counted = mined_concepts.measure(asked, papers, search, figures)
    told = "  ".join(f"{key} {value:.3f}" for key, value in figures.means().items())
    print(f"  {counted} concepts that digests explain: {told}")


def _print_names(people: Sequence[str], stored: end_to_end.StoredSearch) -> None:
    figures = measures.MetricSamples()
    author_names.measure(people, stored.author, stored.complete_author, figures, sample_size=MAX_AUTHORS)
    means = figures.means()
    print(f"{len(people)} people: first · right (first, or who is first fits as well) · offered")
    for kind in dict.fromkeys(name.rpartition(": ")[0] for name in means):
        told = " · ".join(f"{means[f'{kind}: {one}']:.3f}" for one in ("first", "right", "offered"))
        print(f"  {kind:24}{len(figures.samples[f'{kind}: first']):6}  {told}")


def _print(
    name: str, papers: Sequence[corpus.Paper], search: measures.SearchFunction, tuned_on: bool
) -> None:
    started = time.perf_counter()
    figures, counted = measure(papers, search, [tuned_on])
    print(f"{name}: {len(papers)} papers, {counted} concepts, {time.perf_counter() - started:.1f} s")
    print("  " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
