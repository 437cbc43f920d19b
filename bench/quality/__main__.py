"""Prints the quality figures of an archive: `python -m bench.quality [FOLDER] [--only tuned|held]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.quality import author_names, corpus, end_to_end, measures, questions

MAX_AUTHORS = 300
"""Number of authors sampled for each kind of name variant."""


def measure(
    papers: Sequence[corpus.Paper], search: measures.SearchFunction, sets: Sequence[bool]
) -> tuple[dict[str, float], int]:
    """Return the figures for the chosen halves of our queries (True: tuning), and the number of concepts measured."""
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
    """Ingest the archive, run the queries and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=corpus.SHARED_ARCHIVE)
    parser.add_argument("--only", choices=["tuned", "held"], default="tuned", help="held: for a last look")
    options = parser.parse_args()
    files = corpus.list_files(options.folder)
    if not files:
        sys.exit("no digests there")
    papers = corpus.load_papers(files)
    with end_to_end.open_archive(files) as stored:
        figures, counted = measure(papers, stored.search, [options.only == "tuned"])
        print(f"{len(papers)} papers, {counted} concepts")
        print("  " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))
        _print_names(author_names.list_people(files), stored)
        questions.print_half(options.only, papers, stored)


def _print_names(people: Sequence[str], stored: end_to_end.StoredSearch) -> None:
    figures = measures.MetricSamples()
    author_names.measure(people, stored.author, stored.complete_author, figures, sample_size=MAX_AUTHORS)
    print(f"{len(people)} people: first · right (first, or who is first fits as well) · offered")
    for name, share in figures.means().items():
        print(f"  {name:32}{share:.3f}  of {len(figures.samples[name])}")


if __name__ == "__main__":
    main()
