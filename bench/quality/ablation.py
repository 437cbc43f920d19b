"""Ablation: search with one of its stages switched off, by replacing functions in this process. No setting of the product.

`python -m bench.quality.ablation [FOLDER] [--outside FOLDER] [--stages STAGE …]` prints a row for each stage. The outside set is
a folder with `papers` (digests), `questions.tsv` (number, language, kind, text) and `judgments.tsv` (number, arXiv id, grade).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

from bot.glossary import induction, resolver
from bot.search import authors, completion, engine, lookup, scoring
from bot.search import query as search_query
from bot.text import concepts, people, questions, term_keys

_Replacement = tuple[object, str, object]


def _always(value: object) -> Callable[..., object]:
    return lambda *_, **__: value


def _without_names(_: object, __: object, expanded: concepts.Expansion) -> concepts.Expansion:
    return expanded


_draft_glossary, _find_term = induction.draft_glossary, induction.find_term


STAGES: dict[str, tuple[_Replacement, ...]] = {
    "reading": ((questions, "read_question", lambda text, *_: text),),
    "endings": ((questions, "strip_query_word", lambda word, _: word),),
    "filler": ((questions, "topic_mask", lambda words, *_: [True] * len(words)),),
    "periods": ((lookup, "read_period", lambda query, _: (query, "")),),
    "writers": ((authors, "read_writers", lambda _, query: query),),
    "institutions": ((people, "list_korean_names", _always([])),),
    "partial": ((engine, "_find_partial", _always([])),),
    "topics": ((questions, "describe_topics", _always({})),),
    "implied": ((search_query, "_list_implied", _always({})),),
    "everyday-words": ((questions.Everyday, "find_terms", _always(())),),
    "names": (
        (concepts.Expansion, "names", frozenset()),
        (search_query, "from_names", _always([])),
        (lookup, "add_names", _without_names),
        (term_keys, "joined_writing", _always(None)),
        (term_keys, "split_writing", _always(None)),
    ),
    "corrections": ((completion, "find_corrections", _always(())),),
    "short-words": ((completion, "_is_in_term", _always(False)),),
    "index-rank": ((engine._Request, "rank_by_index", lambda _, positions: positions),),
    "pairs": ((engine, "_MAX_COMBINED_PARTS", 0),),
    "inside": ((scoring.CompiledSegment, "is_inside", _always(False)),),
    "glossary": (
        (induction, "is_term", _always(True)),
        (induction.CooccurrenceCounter, "is_confirmed", _always(True)),
    ),
    "learning": ((induction, "draft_glossary", lambda _, terms: _draft_glossary((), terms)),),
    "repeated-words": (
        (induction, "find_term", lambda left, english, key, _: _find_term(left, english, key, {})),
    ),
    "common-words": ((resolver.Glossary, "_word_segment", lambda _, unit: concepts.literal_segment(unit)),),
    "literal-words": ((resolver, "_COMMON_WORD_WEIGHT", 1.0),),
    "compounds": ((resolver.Glossary, "_split_compound", lambda self, unit: [self._word_segment(unit)]),),
}
"""What is replaced to switch off each stage.

These are: what reads sentences, and of it endings and filler; periods; writers; English names of institutions for Korean ones;
partial matches; topics, and the terms that they imply; everyday words; names of models and papers; typing errors, and those of
words that are too short to tell; the ranking of many matches by the index (so the most popular ones are read); partial matches
with two parts of a query; the care with words inside longer ones; of the glossary the evidence that it asks for, all that it
learns, that papers repeat the words of a term, translations of common words, that a typed word weighs more than its translations,
and closed-up queries.
"""
BEFORE_INGEST = frozenset({"glossary", "learning", "repeated-words"})
"""Stages that work when an archive is ingested: its database has to be built without them."""


@contextmanager
def without(stage: str | None) -> Iterator[None]:
    """Run the body with a stage switched off; None switches off nothing."""
    questions.packaged_everyday.cache_clear()
    with ExitStack() as replaced:
        replaced.callback(questions.packaged_everyday.cache_clear)
        for owner, name, value in STAGES[stage] if stage else ():
            replaced.enter_context(mock.patch.object(owner, name, value))
        yield


def _measure_own(files: Sequence[Path], without_stage: str | None) -> dict[str, dict[str, dict[str, float]]]:
    from bench.quality import questions  # which imports this module

    halves = questions.measure_halves(files, questions.HALVES, without_stage)
    return {half: questions.summarise(outcomes) for half, outcomes in halves.items()}


def main() -> None:
    """Print the figures without each stage, as the rows of a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--outside", type=Path)
    parser.add_argument("--stages", nargs="*", choices=STAGES, default=list(STAGES))
    options = parser.parse_args()
    from bench.quality import corpus, questions

    files = corpus.list_files(options.folder or corpus.SHARED_ARCHIVE)
    print(
        "| without | questions: tuned; held; outside | mixed, held | names: MRR | typing errors | false hits |"
    )
    print("|---|---|---|---|---|---|")
    for stage in (None, *options.stages):
        own = _measure_own(files, stage)
        outside = (
            f"{questions.measure_outside(options.outside, stage)['all']:.3f}" if options.outside else "–"
        )
        tuned, held = own["tuned"], own["held"]
        typing = held["typo"]["right"] * held["typo"]["queries"]
        print(
            f"| {stage or 'nothing'} | {tuned['question']['ndcg@10']:.3f}; {held['question']['ndcg@10']:.3f}; {outside} |"
            f" {held['mix']['ndcg@10']:.3f} | {held['name']['mrr']:.2f} | {typing:.0f} | {tuned['term']['false']:.1%} |"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
