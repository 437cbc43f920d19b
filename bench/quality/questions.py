"""Measures how well look-ups answer typed queries: questions, mixed keywords, names, typing errors and single terms.

The queries and judgements were written for one archive, so they give no figures for any other folder. Nothing is
tuned on the `held` queries. Paper ids and words are ours; no text of the archive is included.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from bench.quality import corpus, end_to_end
from bot.text import typography

MAX_HITS = 1000
"""The number of a term's hits checked for a true form: all papers of a small archive."""
_PAGE = 10
_FIRST = 5
_NAME_DEPTH = 50
_SAME_ANSWER = 0.6
"""The share of the intended query's first page that the misspelt query has to show."""
_NO_FORM = 0.05
"""The largest acceptable share of a term's hits without a true form."""
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query in the set.

    `answer` is the paper for a name, the intended query for a typing error, or a term's true forms.
    """

    number: int
    half: str
    kind: str
    language: str
    text: str
    answer: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A query's samples by measure, and a readable note on what was found."""

    query: JudgedQuery
    samples: Mapping[str, float]
    note: str = ""


def load_queries() -> list[JudgedQuery]:
    """Read the queries of both halves."""
    rows = (f"{line}\t\t".split("\t")[:6] for line in _lines("questions.tsv"))
    return [
        JudgedQuery(int(number), half, kind, language, text, answer)
        for number, half, kind, language, text, answer in rows
    ]


def load_judgements() -> dict[int, dict[str, int]]:
    """Read the grades of papers by question number: 2 answers the question, 1 is related. All others are unrelated."""
    judgements = {}
    for line in _lines("judgements.tsv"):
        number, *columns = line.split("\t")
        judgements[int(number)] = {
            paper: grade
            for grade, column in zip((2, 1), columns, strict=True)
            for paper in column.split("|")
            if paper
        }
    return judgements


def _lines(name: str) -> list[str]:
    return (_HERE / name).read_text(encoding="utf-8").splitlines()


def measure(
    queries: Sequence[JudgedQuery], papers: Sequence[corpus.Paper], stored: end_to_end.StoredSearch
) -> list[Outcome]:
    """Run every query and return the outcomes in the same order."""
    judgements = load_judgements()
    texts = {paper.arxiv_id: f"{typography.to_plain_text(paper.title)}\n{paper.body}" for paper in papers}
    outcomes = []
    for query in queries:
        if query.kind in ("question", "mix"):
            outcomes.append(judge_answer(query, stored.search(query.text, _PAGE), judgements[query.number]))
        elif query.kind == "name":
            outcomes.append(judge_name(query, stored.search(query.text, _NAME_DEPTH)))
        elif query.kind == "typo":
            answers = (stored.search(text, _PAGE) for text in (query.text, query.answer))
            outcomes.append(judge_typo(query, *answers))
        else:
            outcomes.append(judge_term(query, stored.search(query.text, MAX_HITS), texts))
    return outcomes


def judge_answer(query: JudgedQuery, answer: Sequence[str], grades: Mapping[str, int]) -> Outcome:
    """Return the samples for a query with graded papers."""
    found = [grades.get(paper, 0) for paper in answer[:_PAGE]]
    first = found[:_FIRST]
    useful = sum(1 for grade in grades.values() if grade)
    answers = sum(1 for grade in grades.values() if grade == 2)
    samples = {
        "ndcg@10": ndcg(found, list(grades.values())),
        "satisfying": float(
            sum(1 for grade in first if grade) >= min(2, useful) and first.count(2) >= min(1, answers)
        ),
        "nothing": float(not any(found)),
    }
    return Outcome(query, samples, " ".join(map(str, found)) or "no papers")


def ndcg(found: Sequence[int], judged: Sequence[int]) -> float:
    """Return the normalised discounted cumulative gain of the first page, with the gain 2^grade - 1."""
    best = _gain(sorted(judged, reverse=True)[:_PAGE])
    return _gain(found[:_PAGE]) / best if best else 1.0


def _gain(grades: Sequence[int]) -> float:
    return _sum_discounted([2**grade - 1 for grade in grades])


def _sum_discounted(gains: Sequence[int]) -> float:
    return math.fsum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))


def judge_name(query: JudgedQuery, answer: Sequence[str]) -> Outcome:
    """Return the reciprocal rank of the paper that a name refers to."""
    rank = answer.index(query.answer) + 1 if query.answer in answer else 0
    return Outcome(query, {"mrr": 1 / rank if rank else 0.0}, f"rank {rank}" if rank else "not found")


def judge_typo(query: JudgedQuery, typed: Sequence[str], meant: Sequence[str]) -> Outcome:
    """Return whether a misspelt query shows the same papers as the intended query."""
    share = len(set(typed) & set(meant)) / len(meant) if meant else 0.0
    return Outcome(query, {"right": float(share >= _SAME_ANSWER)}, f"{share:.0%} of «{query.answer}»")


def judge_term(query: JudgedQuery, answer: Sequence[str], texts: Mapping[str, str]) -> Outcome:
    """Return the share of hits that do not contain any true form of a term."""
    form = true_form_pattern(query.answer)
    false = [paper for paper in answer if not form.search(texts.get(paper, ""))]
    true = sum(1 for text in texts.values() if form.search(text))
    share = len(false) / len(answer) if answer else 0.0
    note = f"{len(false)} of {len(answer)} hits ({share:.0%}); {true} papers have one: {' '.join(false[:8])}"
    return Outcome(query, {"false": share, "terms over 5 %": float(share > _NO_FORM)}, note)


def true_form_pattern(forms: str) -> re.Pattern[str]:
    """Return a pattern for forms separated by bars. A leading star keeps the case; a trailing one allows any ending."""
    return re.compile("|".join(_form_patterns(forms)))


def _form_patterns(forms: str) -> Iterator[str]:
    for form in forms.split("|"):
        words = r"[\s\-]*".join(map(re.escape, re.split(r"[\s\-]", form.strip("*"))))
        if re.search("[가-힣]", form):
            yield words
        elif form.startswith("*"):
            yield rf"(?<![A-Za-z0-9]){words}s?(?![A-Za-z])"
        else:
            yield rf"(?i:(?<![a-z]){words}{'' if form.endswith('*') else '(?:s|es|ed|d)?(?![a-z])'})"


def summarise(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """Return the figures by kind. `queries` is the number of queries; the others are means."""
    figures: dict[str, dict[str, float]] = {}
    for kind in dict.fromkeys(outcome.query.kind for outcome in outcomes):
        of_kind = [outcome for outcome in outcomes if outcome.query.kind == kind]
        names = dict.fromkeys(name for outcome in of_kind for name in outcome.samples)
        figures[kind] = {"queries": len(of_kind)} | {
            name: round(fmean(o.samples[name] for o in of_kind if name in o.samples), 3) for name in names
        }
    return figures


def print_half(half: str, papers: Sequence[corpus.Paper], stored: end_to_end.StoredSearch) -> None:
    """Print the figures for half of the set, and what each query found."""
    outcomes = measure([query for query in load_queries() if query.half == half], papers, stored)
    print(f"questions, {'tuned on' if half == 'tuned' else 'held'}:")
    for kind, figures in summarise(outcomes).items():
        print(f"  {kind:9}" + "  ".join(f"{name} {value:g}" for name, value in figures.items()))
        for outcome in outcomes:
            if outcome.query.kind == kind:
                print(f"    {outcome.query.number:3} {outcome.query.text}: {outcome.note}")
