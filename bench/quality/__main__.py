"""Prints the quality figures of an archive: `python -m bench.quality [FOLDER] [--only tuned|held]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.quality import archive, measures, memory
from bot.text.glossary import seed


def measure(
    papers: Sequence[archive.Paper], search: measures.Search, sets: Sequence[bool]
) -> tuple[dict[str, float], int]:
    """Return the figures over the parts of our set asked for (tuned on: True), and how many concepts counted."""
    truth = measures.Truth(papers)
    figures = measures.Figures()
    counted = sum(
        measures.measure_concept(concept, truth, search, len(papers), figures)
        for concept in measures.load_concepts()
        if concept.tuned_on in sets
    )
    for word in measures.load_words():
        if word.tuned_on in sets:
            measures.measure_word(word, truth, search, len(papers), figures)
    for query, parts, tuned_on in measures.load_mixed():
        if tuned_on in sets:
            found = [measures.truth_of_part(part, truth) for part in parts]
            measures.measure_mixed(query, found, search, len(papers), figures)
    return figures.means(), counted


def main() -> None:
    """Measure with and without the starting list, on all digests and on the first ten."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=archive.SHARED)
    parser.add_argument("--only", choices=["tuned", "held"], default="held")
    asked = parser.parse_args()
    files = archive.list_files(asked.folder)
    if not files:
        sys.exit("no digests there")
    for name, some, terms in (
        ("all, with the starting list", files, seed.terms()),
        ("all, without it", files, ()),
        ("first ten, with the starting list", files[:10], seed.terms()),
    ):
        started = time.perf_counter()
        papers = archive.load_papers(some)
        search = memory.MemorySearch(papers, memory.mine(papers, terms))
        figures, counted = measure(papers, search.search, [asked.only == "tuned"])
        print(f"{name}: {len(papers)} papers, {counted} concepts, {time.perf_counter() - started:.1f} s")
        print("  " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
