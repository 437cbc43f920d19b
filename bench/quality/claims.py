"""Measures the checking of claims about made-up papers: `python -m bench.quality.claims [--judge MODEL] [FILE…]`.

A file has papers, each with true and false claims by language and kind, written by people who had not seen the check.
By default, all files in the folder `claims` beside this module are read. With `--judge`, that model on the server of
`PAPERROUND_WRITER_URL` decides as it does for the writer, on up to five claims of a paper and language at a time, in
mixed order. Without it, every well-formed claim passes.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple

from bot.claims import form_checks as claim_form
from bot.claims import judging
from bot.core import model_server
from bot.core.settings import Settings
from storage import models

FOLDER = Path(__file__).with_name("claims")
BATCH = 5
Judge = Callable[[str, Sequence[judging.Claim]], Sequence[str]]
"""Returns a judge's objection to each claim, given excerpts of the paper; "" if the claim is proved."""


class Result(NamedTuple):
    """A claim and the problems found with it; none if it passes."""

    language: str
    is_true: bool
    kind: str
    text: str
    problems: Sequence[str]


def approve(_: str, claims: Sequence[judging.Claim]) -> Sequence[str]:
    """Accept every claim as proved."""
    return [""] * len(claims)


def check_file(file: Path, judge: Judge) -> Iterator[Result]:
    """Yield the result for each claim in a file."""
    for paper in json.loads(file.read_text(encoding="utf-8"))["papers"]:
        rows = sorted(paper["claims"], key=lambda row: hashlib.sha256(row["claim"].encode()).digest())
        for language in models.Locale:
            of_language = [row for row in rows if row["language"] == language.value]
            for start in range(0, len(of_language), BATCH):
                yield from check_claims(paper, language, of_language[start : start + BATCH], judge)


def check_claims(
    paper: Mapping[str, Any], language: models.Locale, rows: Sequence[Mapping[str, Any]], judge: Judge
) -> Iterator[Result]:
    """Yield the results for claims about a paper, which are judged together."""
    checker = claim_form.ClaimChecker(f"{paper['title']}\n\n{paper['text']}")
    claims = [judging.Claim("results", row["claim"], row["span"]) for row in rows]
    found = checker.find_problems(claims, language)
    asked = [claim for claim, problems in zip(claims, found, strict=True) if not problems]
    verdicts = dict(zip(asked, judge(checker.list_excerpts(asked), asked) if asked else (), strict=True))
    for row, claim, problems in zip(rows, claims, found, strict=True):
        verdict = verdicts.get(claim)
        yield Result(
            language.value, row["truth"], row["kind"], claim.text, [*problems, *filter(None, [verdict])]
        )


async def ask(name: str, excerpts: str, claims: Sequence[judging.Claim]) -> Sequence[str]:
    """Return the verdicts of a model on the writer's server."""
    settings = Settings()
    if settings.writer_url is None:
        raise SystemExit("--judge needs PAPERROUND_WRITER_URL, the address of the model's server")
    key = None if settings.writer_key is None else settings.writer_key.get_secret_value()
    async with aclosing(model_server.ModelServer(settings.writer_url, key)) as server:
        model = model_server.LanguageModel(server, name)
        messages = judging.build_judgement(excerpts, claims)
        max_tokens = judging.JUDGE_TOKENS_PER_CLAIM * len(claims)
        answer, _ = await model.complete(messages, judging.JUDGE_SCHEMA, max_tokens=max_tokens)
    return judging.read_verdicts(answer, claims)


def print_rates(results: Sequence[Result]) -> None:
    """Print how many claims are misjudged, by truth and language and by kind."""
    groups: dict[tuple[bool, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[result.is_true, result.language].append(result)
    for (is_true, language), rows in sorted(groups.items(), reverse=True):
        wrong = [row for row in rows if bool(row.problems) == is_true]
        name = "true, lost" if is_true else "false, printed"
        sys.stdout.write(f"{language} {name}: {len(wrong)} of {len(rows)} ({len(wrong) / len(rows):.1%})\n")
        for kind in sorted({row.kind for row in wrong}):
            of_kind = [row for row in rows if row.kind == kind]
            sys.stdout.write(f"    {kind}: {sum(row in wrong for row in of_kind)} of {len(of_kind)}\n")


def main() -> None:
    """Check all files and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--judge", metavar="MODEL")
    options = parser.parse_args()

    def judge(excerpts: str, claims: Sequence[judging.Claim]) -> Sequence[str]:
        return asyncio.run(ask(options.judge, excerpts, claims))

    files = options.files or sorted(FOLDER.glob("*.json"))
    print_rates([row for file in files for row in check_file(file, judge if options.judge else approve)])


if __name__ == "__main__":
    main()
