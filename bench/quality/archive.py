"""Measures questions to the whole archive: `python -m bench.quality.archive [FOLDER] [--only tuned|held] [--each]`.

A passage is right if its paper is one that answers and the sentences that are shown of it have the words that answer, by a
regular expression. The questions are ours, written before any result was seen, each with the papers that it was written from.
The judgements of the tuned half were completed by pooling: of each question with an answer, the passages of the first six
papers were read, by this module, by the words of titles, and by search with their first chapter, shuffled and without their
ranks, and judged by what the question asks before any weight was changed (338 passages; nine papers added). Few questions for a
fact have a second paper. The held half was pooled in the same way after the weights were set, and judged by somebody who had
set none (303 passages; two papers added, two removed), before its figures were read once.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.quality import corpus, end_to_end
from bot.core.clock import system_clock
from bot.features.ask.answers import Answer
from bot.features.ask.archive_questions import ArchiveQuestions
from bot.text import analyser
from storage import models


class Row(NamedTuple):
    """A question. `answers` are patterns of what answers, by arXiv id; `absent` is a name that no paper has, or ""."""

    half: str
    kind: str
    text: str
    answers: dict[str, re.Pattern[str]]
    absent: str


class Outcome(NamedTuple):
    """A question with its answer, and the CPU seconds that it took."""

    row: Row
    answer: Answer
    seconds: float

    def list_right(self) -> list[bool]:
        """Return of each passage whether what is shown of it is right."""
        return [
            (pattern := self.row.answers.get(one.paper.key)) is not None
            and pattern.search(one.excerpt.text) is not None
            for one in self.answer.found
        ]


def load(half: str) -> list[Row]:
    """Read the questions of a half."""
    lines = (Path(__file__).parent / "archive_questions.tsv").read_text(encoding="utf-8").splitlines()
    rows = []
    for line in lines:
        if line.startswith("#"):
            continue
        of_half, kind, _, text, told = line.split("\t")
        absent = told.removeprefix("absent: ") if told.startswith("absent: ") else ""
        pairs = [] if absent or told == "none" else [pair.split(" = ", 1) for pair in told.split("; ")]
        answers = {arxiv_id: re.compile(words, re.IGNORECASE) for arxiv_id, words in pairs}
        rows += [Row(of_half, kind, text, answers, absent)] if of_half == half else []
    return rows


def measure(rows: Sequence[Row], stored: end_to_end.StoredSearch) -> list[Outcome]:
    """Ask all questions."""
    service = ArchiveQuestions(stored.database, stored.service, stored.glossary, system_clock)
    outcomes = []

    async def ask(row: Row) -> Outcome:
        locale = models.Locale.KO if analyser.has_hangul(row.text) else models.Locale.EN
        began = time.process_time()
        answer = await service.answer(row.text, locale)
        return Outcome(row, answer, time.process_time() - began)

    async def ask_all() -> None:
        outcomes.extend([await ask(row) for row in rows])

    stored.run(ask_all())
    return outcomes


def summarise(outcomes: Sequence[Outcome]) -> str:
    """Return the figures in one line."""
    answerable = [one for one in outcomes if one.row.answers]
    right = [one.list_right() for one in answerable]
    named = [one for one in outcomes if one.row.absent]
    found = sum(
        any(one.row.absent.startswith(name) or name == one.row.absent for name in one.answer.absent)
        for one in named
    )
    seconds = sorted(one.seconds for one in outcomes)
    return (
        f"archive: right among three {_share([any(one[:3]) for one in right])}, among five {_share(list(map(any, right)))},"
        f" right papers {sum(map(sum, right)) / len(right):.2f};"
        f" without passages {sum(not one.answer.found for one in outcomes)} of {len(outcomes)};"
        f" absent names {found} of {len(named)};"
        f" CPU p50 {1000 * seconds[len(seconds) // 2]:.0f} ms, p95 {1000 * seconds[int(0.95 * len(seconds))]:.0f} ms"
    )


def _share(values: Sequence[bool]) -> str:
    return f"{sum(values) / len(values):.3f}"


def main() -> None:
    """Print the figures, and with `--each` what was found for each question before them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=corpus.SHARED_ARCHIVE)
    parser.add_argument("--only", choices=["tuned", "held"], default="tuned", help="held: for a last look")
    parser.add_argument("--each", action="store_true")
    options = parser.parse_args()
    with end_to_end.open_archive(corpus.list_files(options.folder)) as stored:
        outcomes = measure(load(options.only), stored)
    for one in outcomes if options.each else ():
        found = [f"{passage.paper.key} {passage.source.passage.section[:12]}" for passage in one.answer.found]
        right = "".join("+" if right else "-" for right in one.list_right())
        sys.stdout.write(f"{one.row.text}\t{right}\t{one.answer.is_near}\t{one.answer.absent}\t{found}\n")
    sys.stdout.write(f"{summarise(outcomes)}\n")


if __name__ == "__main__":
    main()
