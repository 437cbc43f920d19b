"""Quality of lists of papers: of each project in a folder, the arXiv ids that become papers and the titles that are right.

`python -m bench.quality.lists FOLDER`, where `FOLDER/<owner>__<repo>/<path>` are files as projects publish them. Titles are
compared with those of `FOLDER/titles.tsv` and `FOLDER/<owner>__<repo>/truth.tsv`, whose rows begin with an id and end with
its title. A paper without a title is not wrong: arXiv gives it by the id.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

from rapidfuzz import fuzz

from bot.archive import arxiv_ids, parse
from storage import errors

_ON = date(2026, 11, 21)
_ID = re.compile(r"(?<![0-9.])([0-9]{4}\.[0-9]{4,5})(?:v[0-9]{1,2})?(?![0-9])")
_SUFFIXES = {".md", ".txt", ".json", ".jsonl", ".html", ".markdown"}
_MIN_LIKENESS = 95


def list_ids(text: str) -> set[str]:
    """Return every number in a text that may be an arXiv id, independently of the parsers."""
    return {found for found in _ID.findall(text) if arxiv_ids.is_possible(found, _ON)}


def is_right(title: str, expected: str) -> bool:
    """Whether two spellings are the same title: letters and digits alone count, or nearly all of them."""
    spelled, wanted = ("".join(filter(str.isalnum, text.lower())) for text in (title, expected))
    return spelled == wanted or fuzz.ratio(spelled, wanted) >= _MIN_LIKENESS


def main(folder: Path) -> None:
    """Print a row for each project."""
    titles = dict[str, str]()
    for file in [folder / "titles.tsv", *sorted(folder.glob("*/truth.tsv"))]:
        rows = file.read_text("utf-8").splitlines() if file.exists() else []
        titles |= {row.split("\t")[0]: row.split("\t")[-1] for row in rows}
    print(f"{'project':48} {'ids':>6} {'papers':>6} {'read':>6} {'titles':>6} {'right':>11} {'invented':>8}")
    for project in sorted(path for path in folder.iterdir() if path.is_dir()):
        ids, found, invented = set[str](), set[str](), set[str]()
        named = defaultdict[str, set[str]](set)
        problems = []
        for file in sorted(path for path in project.rglob("*") if path.suffix.lower() in _SUFFIXES):
            name = file.relative_to(project).as_posix()
            try:
                text = parse.decode(file.read_bytes())
                ids |= list_ids(text)
                digests = parse.parse_text(text, name, _ON)
            except errors.NotADigestError as error:
                problems.append(f"    {name}: {error}")
                continue
            days = [digest.date.isoformat() + "*" * digest.is_rolling for digest in digests]
            problems.append(
                f"    {name}: {digests[0].format}, {len(digests)} days, {min(days)} to {max(days)}"
            )
            for entry in (entry for digest in digests for entry in digest.entries):
                found.add(entry.arxiv_id)
                if entry.arxiv_id not in text.lower():
                    invented.add(entry.arxiv_id)
                if entry.title:
                    named[entry.arxiv_id].add(entry.title)
        checked = [
            (arxiv_id, title) for arxiv_id in named if titles.get(arxiv_id) for title in named[arxiv_id]
        ]
        wrong = [pair for pair in checked if not is_right(pair[1], titles[pair[0]])]
        share = f"{len(found & ids) / len(ids):.0%}" if ids else "-"
        right = f"{len(checked) - len(wrong)}/{len(checked)}"
        print(
            f"{project.name:48} {len(ids):6} {len(found):6} {share:>6} {len(named):6} {right:>11} {len(invented):8}"
        )
        print("\n".join(problems))
        for arxiv_id, title in wrong[:5]:
            print(f"    wrong: {arxiv_id} {title!r}, not {titles[arxiv_id]!r}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
