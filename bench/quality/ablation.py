"""Ablation: search with one of its stages switched off, by replacing functions in this process. No setting of the product."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from unittest import mock

from bot.glossary import concepts, induction, resolver
from bot.search import completion, engine, similar
from bot.search import query as search_query
from bot.text import analyser, questions, term_keys, topics

_GUESSED_WEIGHT = 0.5
_Replacement = tuple[object, str, object]


def _always(value: object) -> Callable[..., object]:
    return lambda *_, **__: value


def _no_partial_matches(*_: object, **__: object) -> tuple[dict[int, float], list[engine.PartialHit]]:
    return {}, []


def _without_names(_: object, __: object, expanded: concepts.Expansion) -> concepts.Expansion:
    return expanded


_expand = search_query.expand_query
_draft_glossary, _find_term = induction.draft_glossary, induction.find_term


def _expand_with_initials(glossary: resolver.Glossary, text: str) -> concepts.Expansion:
    """Expand a query and add the initials of an English one of three or four words, as search did before."""
    expanded = _expand(glossary, text)
    content = term_keys.content_words(term_keys.english_key(expanded.text))
    if analyser.has_hangul(expanded.text) or not 3 <= len(content) <= 4 or not all(map(str.isalpha, content)):
        return expanded
    initials = "".join(word[0] for word in content).upper()
    form = concepts.WeightedForm(initials, _GUESSED_WEIGHT, tuple(content), is_shown=False)
    if len(expanded.segments) == 1:
        (whole,) = expanded.segments
        return replace(expanded, segments=(replace(whole, forms=(*whole.forms, form)),))
    return replace(expanded, composed=(*expanded.composed, concepts.Segment(expanded.text, (form,))))


STAGES: dict[str, tuple[_Replacement, ...]] = {
    "particles": ((questions, "read_question", lambda text, *_: text),),
    "partial": ((engine, "_find_partial", _no_partial_matches),),
    "topics": ((topics, "describe", _always({})),),
    "lay-words": ((questions, "find_terms", _always(())),),
    "names": (
        (concepts.Expansion, "names", frozenset()),
        (search_query, "from_names", _always([])),
        (similar, "add_names", _without_names),
        (term_keys, "joined_writing", _always(None)),
        (term_keys, "split_writing", _always(None)),
    ),
    "initials": (
        (search_query, "expand_query", _expand_with_initials),
        (resolver, "is_everyday_word", _always(False)),
    ),
    "corrections": ((completion, "find_corrections", _always(())),),
    "index-rank": ((engine._Request, "rank_by_index", lambda _, positions: positions),),
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
    "meanings": ((resolver.Glossary, "_rivals", _always(())), (resolver.Glossary, "_context", _always(()))),
}
"""What is replaced to switch off each stage: what reads sentences, partial matches, topics, lay words, names of models and
papers, the refusal to guess abbreviations (so they are guessed), typing errors, the ranking of many matches by the index (so the
most popular ones are read); of the glossary the evidence that it asks for, all that it learns, that papers repeat the words
of a term, translations of common words, that a typed word weighs more than its translations, closed-up queries, and what tells
the meanings of an abbreviation apart.
"""
BEFORE_INGEST = frozenset({"glossary", "learning", "repeated-words"})
"""Stages that work when an archive is ingested: its database has to be built without them."""


@contextmanager
def without(stage: str | None) -> Iterator[None]:
    """Run the body with a stage switched off; None switches off nothing."""
    with ExitStack() as replaced:
        for owner, name, value in STAGES[stage] if stage else ():
            replaced.enter_context(mock.patch.object(owner, name, value))
        yield
