"""Measures questions about papers: `python -m bench.quality.ask FOLDER [--each]`.

The folder has `papers/ID.json` (`paragraphs` with `section` and `text`) and `questions.jsonl` (`paper`, `script`,
`question`, `evidence`: the numbers of the paragraphs that answer; none if the paper does not say). A paragraph is right if it
answers and the sentences that are shown of it match the question's expression in `paper_answers.tsv`, where its `id` has one.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bot.features.ask import question_parts
from bot.features.ask.passage_ranking import PaperIndex
from bot.features.ask.passages import Passage
from bot.search import term_resolver
from bot.search.results import make_excerpt
from bot.text import seed

SHOWN = 3


class Outcome(NamedTuple):
    """A question with the first paragraphs found, best first, and the sentences that are shown of each."""

    row: dict[str, Any]
    found: Sequence[int]
    shown: Sequence[str]
    answer: re.Pattern[str]

    @property
    def is_right(self) -> bool:
        """Whether the shown sentences of a paragraph that answers have the answer."""
        pairs = zip(self.found, self.shown, strict=True)
        return any(number in self.row["evidence"] and self.answer.search(text) for number, text in pairs)


def load_answers() -> dict[str, re.Pattern[str]]:
    """Read what answers, by the question's id."""
    lines = (Path(__file__).parent / "paper_answers.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if not line.startswith("#"))
    return {key: re.compile(words, re.IGNORECASE) for key, words in pairs}


def measure(folder: Path) -> list[Outcome]:
    """Ask all questions of a folder."""
    glossary = term_resolver.Glossary(seed.load_terms())
    lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    by_paper = defaultdict[str, list[dict[str, Any]]](list)
    for row in map(json.loads, filter(None, lines)):
        by_paper[row["paper"]].append(row)
    outcomes, answers = [], load_answers()
    for paper, rows in by_paper.items():
        stored = json.loads((folder / "papers" / f"{paper}.json").read_text(encoding="utf-8"))
        index = PaperIndex([Passage(part["section"], part["text"]) for part in stored["paragraphs"]])
        for row in rows:
            asked = row["question"]
            parts = question_parts.read(asked, glossary)
            ranking = index.rank(parts)
            found = ranking.order
            patterns = ranking.compile_patterns(
                parts, ranking.weights, asks_number=question_parts.asks_number(asked)
            )
            shown = [make_excerpt(index.passages[place].text, patterns).text for place in found[:SHOWN]]
            outcomes.append(
                Outcome(row, found[:SHOWN], shown, answers.get(row.get("id", ""), re.compile("")))
            )
    return outcomes


def summarise(outcomes: Sequence[Outcome]) -> str:
    """Return the figures in one line."""
    answered = [outcome for outcome in outcomes if outcome.row["evidence"]]
    of_script = {
        script: [one for one in answered if one.row["script"] == script]
        for script in ("en", "mixed", "hangul")
    }
    right, english, mixed, hangul = map(_share, (answered, *of_script.values()))
    return f"ask: right among three {right} (en {english}, mixed {mixed}, hangul {hangul})"


def _share(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(one.is_right for one in outcomes) / len(outcomes):.3f}" if outcomes else "-"


def main() -> None:
    """Print the figures, and with `--each` what was found for each question before them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", action="store_true", help="print each question with the paragraphs found")
    options = parser.parse_args()
    outcomes = measure(options.folder)
    for one in outcomes if options.each else ():
        sys.stdout.write(f"{one.row['question']}\t{one.row['evidence']}\t{one.found}\t{one.is_right}\n")
    sys.stdout.write(f"{summarise(outcomes)}\n")


if __name__ == "__main__":
    main()
