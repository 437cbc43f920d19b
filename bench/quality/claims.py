"""The check of claims on sets of made-up papers: `python -m bench.quality.claims [--list] [FILE…]`.

A file has papers, each with true and false claims by language and kind, written by people who had not seen the check.
Without files it reads all of the folder `claims` beside this module.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bot.writer import claims as writer_claims
from bot.writer import prompts
from storage import models

FOLDER = Path(__file__).with_name("claims")
MAX_FALSE_PASSED, MAX_TRUE_FALLEN = 0.10, 0.05
"""The aims, of each language."""


class Result(NamedTuple):
    """A claim with what the check found wrong with it; nothing for one that passes."""

    language: str
    is_true: bool
    kind: str
    text: str
    problems: Sequence[str]


def check_file(file: Path) -> Iterator[Result]:
    """Yield the result of each claim of a file, each checked alone."""
    for paper in json.loads(file.read_text(encoding="utf-8"))["papers"]:
        source = f"{paper['title']}\n{paper['text']}"
        for claim in paper["claims"]:
            written = prompts.Claim("results", claim["claim"], claim["span"])
            [problems] = writer_claims.check_claims([written], source, models.Locale(claim["language"]))
            yield Result(claim["language"], claim["truth"], claim["kind"], claim["claim"], problems)


def print_rates(results: Sequence[Result]) -> None:
    """Print how many claims pass by truth and language, and by kind."""
    groups: dict[tuple[bool, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[result.is_true, result.language].append(result)
    for (is_true, language), rows in sorted(groups.items(), reverse=True):
        wrong = [row for row in rows if bool(row.problems) == is_true]
        aim, name = (MAX_TRUE_FALLEN, "true, fall") if is_true else (MAX_FALSE_PASSED, "false, pass")
        share = len(wrong) / len(rows)
        verdict = "met" if share <= aim else "MISSED"
        sys.stdout.write(
            f"{language} {name}: {len(wrong)} of {len(rows)} ({share:.0%}; aim {aim:.0%}: {verdict})\n"
        )
        for kind in sorted({row.kind for row in rows}):
            of_kind = [row for row in rows if row.kind == kind]
            sys.stdout.write(f"    {kind}: {sum(row in wrong for row in of_kind)} of {len(of_kind)}\n")


def main() -> None:
    """Check all files, and print the rates; with `--list` the claims that were judged wrongly first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    results = [
        result for file in options.files or sorted(FOLDER.glob("*.json")) for result in check_file(file)
    ]
    for result in results if options.list else ():
        if bool(result.problems) == result.is_true:
            shown = "; ".join(result.problems) or "passes"
            sys.stdout.write(
                f"{'T' if result.is_true else 'F'} {result.kind}: {result.text}\n      {shown}\n"
            )
    print_rates(results)


if __name__ == "__main__":
    main()
