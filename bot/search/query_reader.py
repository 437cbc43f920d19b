"""Reads a query: the words that it searches for, as parts with all their forms in both languages.

A part is the longest run of words known to the glossary or the table of everyday words, or else a word
without its particles. Filler is left out. Sentences are also compared by the topics they describe. Token
phrases find the forms of a part (see `bot.text.tokens`).
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import groupby, zip_longest
from operator import itemgetter

from bot.search import term_resolver
from bot.text import analyser, concepts, query_parser, questions, term_keys, tokens
from bot.text.concepts import Form, QueryPart
from bot.text.parsed_query import EITHER, ParsedQuery

_EVERYDAY_WEIGHT, _TRANSLATED_WEIGHT = 0.9, 0.4
IMPLIED_WEIGHT = 0.6
"""The weight of the terms of a question's main topic."""
_MIN_IMPLIED_WEIGHT, _MAX_IMPLIED = 0.2, 5
"""The lowest weight and the highest number of topics whose terms are added."""
_MAX_TYPED_WORDS, _MAX_RUN = 24, 6
"""The maximum number of words read from a query, and in one term."""
_MAX_COMPOUND = 20
"""In syllables. Longer words are not split into terms."""
_MAX_CACHED = 1 << 12
SPELLING_AND_VERSION = re.compile(
    rf"([{analyser.SYLLABLES}]+(?: [{analyser.SYLLABLES}]+)*) ?([^{analyser.SYLLABLES}]*)"
)

ChooseNames = Callable[[str, Sequence[str]], Sequence[str]]
"""Takes a Korean word and similar-sounding names. Returns the names that occur in papers together with the word."""


class QueryReader:
    """Interprets queries using a glossary, with a cache. Thread-safe."""

    def __init__(self, glossary: term_resolver.Glossary) -> None:
        self.glossary = glossary
        weak = weakref.proxy(self)  # without a cycle of references, which would keep former glossaries
        self._find = lru_cache(maxsize=_MAX_CACHED)(partial(QueryReader._make_part, weak))
        self._imply = lru_cache(maxsize=_MAX_CACHED)(partial(QueryReader._make_implied, weak))

    def read(self, query: ParsedQuery, choose_names: ChooseNames = lambda _, names: names) -> ParsedQuery:
        """Interpret a query, adding all forms of its terms in both languages."""
        runs = self._list_runs(query.text)
        words = [word for run in runs for word in run]
        text = " ".join(words) or query.text
        parts, wholes = self._read_parts(text, runs), list[QueryPart]()
        # All papers are on AI, whether or not they say so.
        parts = [part for part in parts if part.key not in concepts.ALL_PAPERS] or parts
        has_choice = any(part.either for part in parts)
        if not has_choice and (len(parts) > 1 or not (parts and parts[0].key)):
            parts, wholes = self._add_names(parts, wholes, words, choose_names)
        is_sentence = len(words) < len(query_parser.split_words(query.text))
        topics = questions.describe_topics(query.text) if is_sentence else {}
        quoted = (concepts.quoted_part(phrase) for phrase in query.phrases)
        return replace(
            query,
            sought=text,
            parts=_distinct((*parts, *quoted)),
            wholes=tuple(wholes),
            without=tuple(map(self._read_excluded, query.excluded)),
            names=frozenset()
            if query.phrases or has_choice
            else _list_name_keys([text, query.text], parts, wholes),
            topics=topics,
            implied=self._list_implied(topics, query.text),
            meanings=tuple(self.glossary.list_senses(parts[0].text)) if len(parts) == 1 else (),
        )

    def _read_excluded(self, term: str) -> QueryPart:
        """Return the part for an excluded text: a term or common word in all its forms, else the words as typed."""
        part = self._find(term) if self.glossary.find(term) else None
        return (part or QueryPart(term, self._typed_forms(term))).sure()

    def list_kinds(self, read: ParsedQuery) -> tuple[QueryPart, ...]:
        """Return the parts for the terms whose English name has a term in it that a query leaves out: LLM for language models.

        A term that the query asks for is not left out.
        """
        keys = {f" {form.key} " for part in read.without for form in part.forms if form.key}
        kinds = {
            concept.key
            for concept in self.glossary.all_concepts()
            if any(key in f" {concept.key} " for key in keys)
        }
        kinds -= {part.key for part in read.parts}
        return tuple(QueryPart(key, self.glossary.forms_of(key), key).sure() for key in sorted(kinds))

    def is_known(self, text: str) -> bool:
        """Return whether the whole text is a term or an everyday word for one."""
        return self._find(text) is not None

    # Words.

    def _list_runs(self, text: str) -> list[list[str]]:
        """Return the words of a query that name its topic, without particles, in runs with nothing left out between them.

        A term has all its words, and so has a query of mere filler. The sides of `|` are one run.
        """
        if self.glossary.find(text):
            return [text.split()]
        split = query_parser.split_words(text)[:_MAX_TYPED_WORDS]
        if EITHER in split:
            sides = (" ".join(side) for is_sign, side in groupby(split, EITHER.__eq__) if not is_sign)
            of_sides = (run for side in sides for run in ([EITHER], *self._list_runs(side)))
            return [[word for run in of_sides for word in run][1:]]
        typed = [
            word
            for word in (word if word[0] == '"' else questions.trim_filler(word) for word in split)
            if word
        ]
        words = list(map(self._strip, typed))
        in_term = [False] * len(words)
        for start, end, _ in self._split(words):
            if end - start > 1:
                in_term[start:end] = [True] * (end - start)
        mask = questions.topic_mask(typed, in_term)
        named = [
            is_content and (in_run or self.is_known(word) or not questions.is_verb(word))
            for is_content, in_run, word in zip(mask, in_term, words, strict=True)
        ]
        marked = zip(named if any(named) else mask, words, strict=True)
        runs = [
            [single for _, word in run for single in ([word] if word[0] == '"' else word.split())]
            for is_kept, run in groupby(marked, itemgetter(0))
            if is_kept
        ]
        return runs or [text.split()]

    def _strip(self, word: str) -> str:
        if word[0] == '"' or questions.classify_filler(word) == "filler":
            return word
        return questions.strip_query_word(
            word, lambda stem: self.glossary.is_word(stem) or questions.is_everyday(stem)
        )

    # Parts.

    def _read_parts(self, text: str, runs: Sequence[Sequence[str]]) -> Sequence[QueryPart]:
        """Return the whole query if it is one term, else its terms and words.

        Words in two languages are usually two terms: LLM 추론, but not 과학을 위한 AI.
        """
        whole = self._find(text) if len(runs) == 1 and EITHER not in runs[0] else None
        if whole is None:
            return [part for run in runs for part in self._divide(run)]
        if len(runs[0]) > 1 and analyser.has_hangul(text) and not term_resolver.is_korean_only(text):
            parts = self._divide(runs[0], whole=False)
            if all(part.key for part in parts) or not (
                self.glossary.is_seeded(text) or questions.find_everyday_terms(text)
            ):
                return parts
        return [whole]

    def read_as_words(self, term: QueryPart) -> tuple[QueryPart, ...]:
        """Return the parts for the words of a term, however it is spaced."""
        typed = term_keys.term_key(term.text)
        spaced = next((form.text for form in term.forms if form.key == typed), term.text)
        return _distinct(self._divide(spaced.split(), whole=False))

    def _split(
        self, words: Sequence[str], *, whole: bool = True
    ) -> Iterator[tuple[int, int, QueryPart | None]]:
        """Split words into the longest known terms. Yields (start, end, term); None for an unknown word."""
        start = 0
        while start < len(words):
            for end in range(min(len(words), start + _MAX_RUN), start, -1):
                run = " ".join(words[start:end])
                part = self._find(run) if whole or end - start < len(words) else None
                if part:
                    break
            else:
                end, part = start + 1, None
            yield start, end, part
            start = end

    def _divide(self, words: Sequence[str], *, whole: bool = True) -> list[QueryPart]:
        if EITHER in words:
            groups = (list(group) for is_sign, group in groupby(words, EITHER.__eq__) if not is_sign)
            return [concepts.choose(map(self._divide, groups))]
        parts = list[QueryPart]()
        for start, _, part in self._split(words, whole=whole):
            parts += [part] if part else self._read_word(words[start])
        return [part for part in parts if tokens.phrases(part.text)]

    def _read_word(self, word: str) -> Sequence[QueryPart]:
        """Return the part for an unknown word, or the parts for a compound of known words: 대규모언어모델추론."""
        if word[0] == '"':
            return [concepts.quoted_part(word.strip('"'))]
        key = analyser.strip_ending(term_keys.korean_key(word))
        is_short = term_resolver.is_korean_only(word) and len(key) <= _MAX_COMPOUND
        pieces = self._cut(key) if is_short else []
        pieces = pieces if len(pieces) > 1 else [word]
        return [self._find(piece) or QueryPart(piece, self._typed_forms(piece)) for piece in pieces]

    def _cut(self, word: str) -> list[str]:
        """Split a word into known words, preferring a long first word; [] if impossible."""
        for end in range(len(word), 1, -1):
            if self.glossary.is_word(word[:end]) and (end == len(word) or (rest := self._cut(word[end:]))):
                return [word[:end], *(rest if end < len(word) else [])]
        return []

    def _typed_forms(self, text: str) -> tuple[Form, ...]:
        """Return the forms of a typed text: itself, a joined name split into words, and translations of a common word."""
        split = term_keys.split_writing(text)
        named = [Form(split, is_shown=False)] if split else []
        translated = (
            Form(word, _TRANSLATED_WEIGHT, is_shown=False) for word in self.glossary.translate(text)
        )
        return (Form(text), *named, *translated)

    def _make_part(self, text: str) -> QueryPart | None:
        """Return the part if the whole text is a term or an everyday word for one, otherwise None."""
        if EITHER in text.split():
            return None
        keys, terms = self.glossary.find(text), questions.find_everyday_terms(text)
        if keys and self._is_compound(text):
            keys = []
        if not (keys or terms):
            return None
        by_term = zip_longest(*map(self.glossary.forms_of, keys))  # 추론 is inference or reasoning
        named = [form for forms in by_term for form in forms if form]
        return QueryPart(
            text,
            concepts.merge_forms(
                (*self._typed_forms(text), *named, *self._forms_of(terms, _EVERYDAY_WEIGHT))
            ),
            keys[0] if keys else term_keys.term_key(terms[0]),
        )

    def _is_compound(self, text: str) -> bool:
        """Return whether a term that only papers explain consists of known terms: KV cache compression."""
        words = text.split()
        if len(words) < 2 or analyser.has_hangul(text) or self.glossary.is_seeded(text):
            return False
        return all(part is not None and part.key for *_, part in self._split(words, whole=False))

    def _forms_of(self, terms: Iterable[str], weight: float) -> list[Form]:
        """Return the forms of several synonymous terms, with weights multiplied by `weight`."""
        forms = list[Form]()
        for term in terms:
            keys = self.glossary.find(term)
            forms += [Form(term), *(form for key in keys for form in self.glossary.forms_of(key))]
        return [form._replace(weight=form.weight * weight) for form in forms]

    def _list_implied(self, topics: Mapping[int, float], text: str) -> dict[int, QueryPart]:
        """Return the parts for a question's main topics, keyed by topic number, likeliest first."""
        shared = questions.find_shared_topics(text) if topics else ()
        main = sorted(topics, key=lambda topic: (-topics[topic], topic))[:_MAX_IMPLIED]
        return {
            topic: self._imply(topic)
            for topic in main
            if topics[topic] >= _MIN_IMPLIED_WEIGHT and topic in shared
        }

    def _make_implied(self, topic: int) -> QueryPart:
        terms = questions.load_topic_terms()[topic]
        return QueryPart(terms[0], concepts.merge_forms(self._forms_of(terms, 1)), terms[0])

    # Names by sound.

    def _add_names(
        self, parts: Sequence[QueryPart], wholes: list[QueryPart], words: list[str], choose: ChooseNames
    ) -> tuple[Sequence[QueryPart], list[QueryPart]]:
        """Add names that sound like unknown Korean words: Gemini for 제미나이.

        A name that matches the whole query, with or without a version, becomes an alternative to all parts.
        """
        if len(parts) > 1 and all(part.key for part in parts):
            return parts, wholes  # known terms
        text = " ".join(words)
        if whole := self._list_names(" ".join(term_keys.trim_title(words)), choose):
            return parts, [QueryPart(text, (Form(text), *map(Form, whole))), *wholes]
        if len(parts) < 2:
            return parts, wholes

        def add_names(part: QueryPart) -> QueryPart:
            names = () if part.key else self._list_names(analyser.strip_ending(part.text), choose)
            return part._replace(forms=(*part.forms, *map(Form, names)))

        return list(map(add_names, parts)), wholes

    def _list_names(self, text: str, choose: ChooseNames) -> list[str]:
        match = SPELLING_AND_VERSION.fullmatch(text)
        # One syllable sounds like too many names: 앱을 like ABR.
        is_short = match is None or len(analyser.monosyllabic_noun(match[1]) or match[1]) < 2
        if match is None or is_short:
            return []
        if self.glossary.is_word(match[1]):  # 클로드3 is a version of Claude
            concepts_of = self.glossary.find_concepts(match[1]) if match[2] else ()
            names: Sequence[str] = [name for one in concepts_of if (name := one.usual_form("en"))]
        else:
            names = choose(match[1], self.glossary.names_by_sound.find(match[1]))
        return [f"{name} {match[2]}".strip() for name in names]


def _list_name_keys(
    texts: Sequence[str], parts: Sequence[QueryPart], wholes: Sequence[QueryPart]
) -> frozenset[str]:
    """Return the keys of the names that a query may be: its texts, and the forms of its only part."""
    alone = (*wholes, *(parts if len(parts) == 1 else ()))
    forms = (form.text for part in alone for form in part.forms if form.is_shown)
    names = (*texts, *forms)
    return frozenset[str]().union(*map(term_keys.query_names, names))


def _distinct(parts: Iterable[QueryPart]) -> tuple[QueryPart, ...]:
    """Return the parts that can be searched for, without duplicates."""
    distinct: dict[str, QueryPart] = {}
    for part in parts:
        if tokens.phrases(part.text):
            distinct.setdefault(part.key or term_keys.term_key(part.text), part)
    return tuple(distinct.values())
