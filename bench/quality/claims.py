"""The check of claims on sets of made-up papers: `python -m bench.quality.claims [--judge MODEL] [FILE…]`.

A file has papers, each with true and false claims by language and kind, written by people who had not seen the check.
Without files it reads all of the folder `claims` beside this module. With `--judge` that model of the server of
`PAPERROUND_WRITER_URL` decides as it does for the writer, on five claims of a paper and language at a time, in mixed order.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from bot.core.settings import Settings
from bot.writer import claims as writer_claims
from bot.writer import language_model, prompts
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


Judge = Callable[[str, Mapping[prompts.Claim, Sequence[str]]], Mapping[prompts.Claim, str]]
"""Returns what a judge has against each claim, given the excerpts of the paper and the doubts of each."""
BATCH = 5


def check_file(file: Path, judge: Judge | None) -> Iterator[Result]:
    """Yield the result of each claim of a file, each checked alone."""
    for paper in json.loads(file.read_text(encoding="utf-8"))["papers"]:
        rows = sorted(paper["claims"], key=lambda row: hashlib.sha256(row["claim"].encode()).digest())
        for language in models.Locale:
            of_language = [row for row in rows if row["language"] == language.value]
            for start in range(0, len(of_language), BATCH):
                yield from check_claims(paper, language, of_language[start : start + BATCH], judge)


def check_claims(
    paper: Mapping[str, Any], language: models.Locale, rows: Sequence[Mapping[str, Any]], judge: Judge | None
) -> Iterator[Result]:
    """Yield the results of claims about a paper, which a judge sees together."""
    source = f"{paper['title']}\n{paper['text']}"
    claims = [prompts.Claim("results", row["claim"], row["span"]) for row in rows]
    findings = [writer_claims.check_claims([claim], source, language)[0][0] for claim in claims]
    problems = {claim: found.problems for claim, found in zip(claims, findings, strict=True)}
    asked = {claim: found.doubts for claim, found in zip(claims, findings, strict=True) if not found.faults}
    if judge is not None and asked:
        excerpts = writer_claims.ClaimChecker(source).list_excerpts([*asked])
        problems |= {claim: (text,) if text else () for claim, text in judge(excerpts, asked).items()}
    for row, claim in zip(rows, claims, strict=True):
        yield Result(language.value, row["truth"], row["kind"], claim.text, problems[claim])


async def ask(
    name: str, excerpts: str, asked: Mapping[prompts.Claim, Sequence[str]]
) -> dict[prompts.Claim, str]:
    """Return the verdicts of a model of the writer's server."""
    settings = Settings()
    if settings.writer_url is None:
        raise SystemExit("--judge needs PAPERROUND_WRITER_URL, the address of the model's server")
    key = None if settings.writer_key is None else settings.writer_key.get_secret_value()
    tokens = prompts.JUDGE_TOKENS_PER_CLAIM * len(asked)
    async with language_model.open_model(settings.writer_url, name, key, lambda: datetime.now(UTC)) as model:
        answer, _ = await model.complete(
            prompts.build_judgement(excerpts, asked), prompts.JUDGE_SCHEMA, max_tokens=tokens
        )
    return prompts.read_verdicts(answer, asked)


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
    """Check all files, and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--judge", metavar="MODEL")
    options = parser.parse_args()

    def judge(excerpts: str, asked: Mapping[prompts.Claim, Sequence[str]]) -> Mapping[prompts.Claim, str]:
        return asyncio.run(ask(options.judge, excerpts, asked))

    results = [
        result
        for file in options.files or sorted(FOLDER.glob("*.json"))
        for result in check_file(file, judge if options.judge else None)
    ]
    print_rates(results)


if __name__ == "__main__":
    main()
