"""Labels of papers: the terms of a query that a partial match lacks, or else those that its text names; and of those left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import islice, takewhile
from typing import NamedTuple

from bot.glossary import resolver
from bot.search.engine import Engine
from bot.search.query import ReadQuery
from bot.text import analyser, concepts, questions, term_keys, tokens
from bot.text.concepts import QueryPart

_MOST_TIMES = 10
"""A term is not named beside another one that this many times fewer papers have."""
_SHORT = 2
"""A Korean word of at most this many syllables often has another meaning, or is part of another word."""


class Labels(NamedTuple):
    """What is said of a paper: the terms that it lacks, or else has, the rarest first; and those left out and yet named."""

    missing: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()


def label(
    query: ReadQuery,
    missing: Mapping[int, Iterable[QueryPart]],
    texts: Mapping[int, str],
    engine: Engine,
    glossary: resolver.Glossary,
    unread: Sequence[str],
) -> dict[int, Labels]:
    """Return the labels of papers by id, given their texts, and the parts and `unread` words that they lack by the index."""
    named = _Named(query, engine, glossary)
    unwanted = [_Named(ReadQuery(parts=(part,)), engine, glossary) for part in query.excluded]
    labels = {}
    for id_, text in texts.items():
        passing = dict.fromkeys(name for one in unwanted for name in one.list_in(text))
        wanted = (_add_synonyms(part, glossary) for part in missing.get(id_, ()) if part in query.parts)
        lacking = list(map(concepts.prepare_part, wanted))
        for read in (text, _spell_out(glossary, text)) if lacking else ():
            own = concepts.Text(read)
            lacking = [part for part in lacking if own.lacks(part)]
        sought, folded = (*(part.part.shown_text for part in lacking), *unread), analyser.fold(text)
        absent = [word for word in sought if analyser.fold(word) not in folded]
        labels[id_] = Labels(list_longest(absent), () if absent else named.list_in(text), tuple(passing))
    return labels


def list_longest(names: Iterable[str]) -> tuple[str, ...]:
    """Return names without those that are words of another one: 병리 영상, not 병리 beside it."""
    names = tuple(dict.fromkeys(names))
    return tuple(
        name for name in names if not any(f" {name} " in f" {other} " for other in names if other != name)
    )


def _add_synonyms(part: QueryPart, glossary: resolver.Glossary) -> QueryPart:
    """Return the part with the common words of its language that have its translation: 인간 for 휴먼."""
    alike = (concepts.Form(one) for word in glossary.translate(part.text) for one in glossary.translate(word))
    return part._replace(forms=concepts.merge_forms((*part.forms, *alike)))


_ABBREVIATED = re.compile(r"[A-Z][A-Za-z]{0,3}[A-Z]s?")
_ABBREVIATION = re.compile(r"(?<![A-Za-z])[A-Z][A-Za-z-]*[A-Z](?=s?(?![A-Za-z]))")


def _spell_out(glossary: resolver.Glossary, text: str) -> str:
    """Return what the abbreviations in a text mean: a paper on LLMs is one on language models."""
    found = dict.fromkeys(_ABBREVIATION.findall(text))
    return "\n".join(key for name in found for key in glossary.find(name))


class _Named:
    """The terms of a query that labels name, the rarest first."""

    def __init__(self, query: ReadQuery, engine: Engine, glossary: resolver.Glossary) -> None:
        self._engine, self._glossary = engine, glossary
        self._is_korean = analyser.has_hangul(query.text)
        parts = [one for part in query.parts if not part.is_negated for one in part.alternatives]
        self._is_alone = len(parts) == 1
        told = parts if self._is_alone else filter(self._is_telling, parts)
        self._papers = {part: engine.count_papers(part) for part in sorted(told, key=engine.count_papers)}
        self._forms = {part: [*_list_spellings(part, self._is_alone)] for part in self._papers}
        forms = [form.text for form in parts[0].forms] if self._is_alone else []
        wide = [form for form in forms if tokens.is_wide(form) and not tokens.is_left_out(form)]
        belonging = [name for token in wide for name in tokens.list_belonging(token) if not _is_short(name)]
        in_korean = [name for name in belonging if analyser.has_hangul(name) and self._is_korean]
        narrower = (*in_korean, *(name for name in belonging if not analyser.has_hangul(name)))
        unwanted = {form.key for part in query.excluded for form in part.forms}
        self._narrower = [name for name in narrower if concepts.Form(name).key not in unwanted]

    def _is_telling(self, part: QueryPart) -> bool:
        """Return whether a label names a part: also a general term if papers are about it, but no short word."""
        is_topic = part.is_term and self._glossary.is_topic(part.key)
        return is_topic or (self._engine.is_telling(part) and (part.key != "" or not _is_short(part.text)))

    def list_in(self, text: str) -> tuple[str, ...]:
        """Return the terms that a text names, without those that far more papers have than another one.

        Without such a term, it is one that belongs to the query's only term, which is told as well: LoRA (PEFT).
        """
        folded = analyser.fold(text)
        found = [part for part in self._papers if self._is_in(part, text, folded)]
        rarest = min((self._papers[part] for part in found), default=0)
        names = (part.shown_text for part in found if self._papers[part] <= _MOST_TIMES * rarest)
        narrower = (name for name in self._narrower if any(_spell(name).find_in(text, folded)))
        wider = next(iter(self._papers)).shown_text if self._narrower else ""
        return list_longest(names) or tuple(f"{name} ({wider})" for name in islice(narrower, 1))

    def _is_in(self, part: QueryPart, text: str, folded: str) -> bool:
        """Return whether a text names a part, not by a word with other meanings only."""
        forms = self._forms[part]
        return any(
            self._means(words, form, part) for form in forms for words in _spell(form).find_in(text, folded)
        )

    def _means(self, found: str, form: str, part: QueryPart) -> bool:
        """Return whether words of a text mean nothing but a part: mAP does not mean map, nor MOE a MoE."""
        is_typed, written = _is_typed(form, part), form.removesuffix("s")
        if found.isupper() and not (written.isupper() or written.islower()):
            return False
        if term_keys.is_abbreviation(found) or term_keys.is_abbreviation(form):
            senses = self._glossary.find(found)
            return senses == [part.key] if senses or not is_typed else found.casefold() == form.casefold()
        return is_typed or not analyser.has_hangul(form) or len(self._glossary.find(form)) < 2


def _list_spellings(part: QueryPart, is_alone: bool) -> Iterator[str]:
    """Yield the forms of a part by which a text plainly names it, as typed first.

    A short Korean word beside others counts if it is a term and mostly means that in papers. An abbreviation that was not typed
    may be of something else, and the terms for an everyday word are not what was typed.
    """
    hidden = {form.key for form in part.forms if not form.is_shown}
    for text in dict.fromkeys((part.shown_text, part.text)):
        if is_alone or not _is_short(text) or (part.key and term_keys.term_key(text) not in hidden):
            yield text
    for form in () if questions.find_everyday_terms(part.text) else part.clear or part.forms:
        is_plain = not (tokens.is_wide(form.text) or _ABBREVIATED.fullmatch(form.text))
        if is_plain and form.is_shown == bool(part.key):
            yield form.text


def _is_typed(form: str, part: QueryPart) -> bool:
    return term_keys.term_key(form) == term_keys.term_key(part.text)


def _is_short(form: str) -> bool:
    return len(form) <= _SHORT and analyser.is_hangul(form)


class _Spelling:
    """A form of a term, as it may stand in a text: in any spacing, its last word with another ending."""

    def __init__(self, form: str) -> None:
        self._form, self._is_latin = form, not analyser.has_hangul(form)
        self._words = _PARTS.split(analyser.fold(form).strip(" -"))
        self._last = _begin(self._words[-1]) if self._is_latin else self._words[-1]
        # Syllables may be apart.
        self._needed = [word if self._is_latin else word[:_SHORT] for word in (*self._words[:-1], self._last)]

    def find_in(self, text: str, folded: str) -> Iterator[str]:
        """Yield the words of a text that are this form, given the text also folded."""
        for match in self._pattern.finditer(text) if all(word in folded for word in self._needed) else ():
            if self._is_latin:
                is_form = _join(match[0]) == _join(self._form)
            else:
                # 최적화 기법 has no 최적화기.
                is_apart = " " in match[0] and " " not in self._form
                is_form = not (is_apart or _is_short(self._form)) or _is_whole(
                    self._form, "".join(match[0].split())
                )
            if is_form:
                yield match[0]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # A class with all syllables, or in any case, takes up to milliseconds to compile.
        before, words, rest = r"(?<![^\W_])", [*map(re.escape, self._words)], r"[^\W0-9A-Za-z_]*"
        if self._is_latin:
            words[-1], before, rest = re.escape(self._last), "(?<![A-Za-z0-9])", "[A-Za-z]*(?![A-Za-z0-9])"
        elif len("".join(words)) >= _FREE:
            before, words = "(?<![비무])", [_GAP.join(map(re.escape, word)) for word in self._words]
        return re.compile(f"{before}(?i:{_GAP.join(words)}){rest}")


_PARTS, _GAP = re.compile(r"[\s-]+"), r"[\s-]?"
_FREE = 4
"""The least number of syllables of a term that may be written in any spacing, and within a longer word.

Behind 비 or 무 the word is the opposite: 비지도 학습, 비정형 데이터.
"""


@lru_cache(maxsize=1 << 11)
def _spell(form: str) -> _Spelling:
    return _Spelling(form)


def _begin(word: str) -> str:
    """Return the letters that a word shares with its stem: stor for story."""
    shared = takewhile(lambda pair: pair[0] == pair[1], zip(word, analyser.stem(word), strict=False))
    return "".join(letter for letter, _ in shared)


def _join(text: str) -> str:
    return term_keys.english_key(text).replace(" ", "")


def _is_whole(form: str, word: str) -> bool:
    """Return whether a Korean word is a short form with nothing but a particle behind it: 의료용은, not 양자화 for 양자."""
    rest = re.sub("^[용적]", "", word.removeprefix(form))
    return not rest or analyser.is_particle(rest) or analyser.strip_ending(word) == form
