"""Labels of papers: the terms of a query that a partial match lacks, or else those that its text names; and of those left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import islice, product, takewhile
from typing import NamedTuple

from bot.glossary import resolver
from bot.search.engine import Engine
from bot.search.query import ReadQuery
from bot.text import analyser, concepts, questions, seed, term_keys, tokens
from bot.text.concepts import QueryPart

_MOST_TIMES = 10
"""A term is not named beside another one that this many times fewer papers have."""
_MOST_SYNONYMS = 64
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
    typed: str,
) -> dict[int, Labels]:
    """Return the labels of papers by id, given their texts, the parts and `unread` words that they lack by the index, and the
    query as `typed`.
    """
    named = _Named(query, engine, glossary, typed)
    excluded = map(_name_by_form, query.excluded)
    unwanted = [_Named(ReadQuery(parts=(part,)), engine, glossary, part.text, 1) for part in excluded]
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


def _name_by_form(part: QueryPart) -> QueryPart:
    """Return an excluded part with the text of its first form, unless its text is one: diffusion, left out as 확산모델."""
    texts = [form.text for form in part.forms if not tokens.is_wide(form.text)]
    is_own = not texts or any(_is_typed(text, part) for text in texts)
    return part if is_own else part._replace(text=texts[0])


def list_longest(names: Iterable[str]) -> tuple[str, ...]:
    """Return names without those that are words of another one: 병리 영상, not 병리 beside it."""
    names = tuple(dict.fromkeys(names))
    return tuple(
        name for name in names if not any(f" {name} " in f" {other} " for other in names if other != name)
    )


def _add_synonyms(part: QueryPart, glossary: resolver.Glossary) -> QueryPart:
    """Return the part with the common words that have the translations of its own: 인간 for 휴먼, 인간 모션 for 사람 동작."""
    each = [] if part.is_negated else [_list_synonyms(word, glossary) for word in part.text.split()]
    alike = (concepts.Form(" ".join(words)) for words in islice(product(*each), _MOST_SYNONYMS))
    return part._replace(forms=concepts.merge_forms((*part.forms, *alike)))


def _list_synonyms(word: str, glossary: resolver.Glossary) -> Sequence[str]:
    translated = glossary.translate(word)
    keys = (key for text in translated for key in glossary.find(text))
    alike = (form.text for key in keys for form in glossary.forms_of(key) if form.is_shown)
    return [*dict.fromkeys((word, *(one for text in translated for one in glossary.translate(text)), *alike))]


_ABBREVIATED = re.compile(r"[A-Z][A-Za-z]{0,3}[A-Z]s?")
_ABBREVIATION = re.compile(r"(?<![A-Za-z])[A-Z][A-Za-z-]*[A-Z](?=s?(?![A-Za-z]))")


def _spell_out(glossary: resolver.Glossary, text: str) -> str:
    """Return what the abbreviations in a text mean: a paper on LLMs is one on language models."""
    found = dict.fromkeys(_ABBREVIATION.findall(text))
    return "\n".join(key for name in found for key in glossary.find(name))


class _Named:
    """The terms of a query that labels name as they are typed, the rarest first.

    A word that may have another meaning is named if it is in the title, or in the text `least` times.
    """

    def __init__(
        self, query: ReadQuery, engine: Engine, glossary: resolver.Glossary, typed: str, least: int = 2
    ) -> None:
        self._engine, self._glossary, self._least = engine, glossary, least
        is_korean, joined = analyser.has_hangul(typed), term_keys.korean_key(typed)
        parts = [one for part in query.parts if not part.is_negated for one in part.alternatives]
        self._is_alone = len(parts) == 1
        told = [part for part in parts if self._is_alone or self._is_telling(part)]
        told = [one for one in told if all(term_keys.korean_key(w) in joined for w in one.shown_text.split())]
        self._papers = {part: engine.count_papers(part) for part in sorted(told, key=engine.count_papers)}
        self._forms = {part: [*_list_spellings(part)] for part in self._papers}
        forms = [form.text for form in parts[0].forms] if self._is_alone else []
        wide = [form for form in forms if tokens.is_wide(form) and not tokens.is_left_out(form)]
        belonging = [name for token in wide for name in tokens.list_belonging(token) if _is_clear(name)]
        in_korean = [name for name in belonging if analyser.has_hangul(name) and is_korean]
        narrower = (*in_korean, *(name for name in belonging if not analyser.has_hangul(name)))
        unwanted = {word for part in query.excluded for word in part.text.casefold().split()}
        self._narrower = [name for name in narrower if not any(word in name.casefold() for word in unwanted)]

    def _is_telling(self, part: QueryPart) -> bool:
        """Return whether a label names a part: also a general term if papers are about it."""
        return (part.is_term and self._glossary.is_topic(part.key)) or self._engine.is_telling(part)

    def list_in(self, text: str) -> tuple[str, ...]:
        """Return the terms that a text names, without those that far more papers have than another one.

        Without such a term, it is one that belongs to the query's only term, which is told as well: LoRA (PEFT).
        """
        folded = analyser.fold(text)
        found = {part: count for part in self._papers if (count := self._count_in(part, text, folded))}
        most = _MOST_TIMES * min(map(self._papers.__getitem__, found), default=0)
        told = (part for part, count in found.items() if count >= self._least and self._papers[part] <= most)
        narrower = (name for name in self._narrower if any(_spell(name).find_in(text, folded)))
        of_wider = (f"{name} ({part.shown_text})" for part in self._papers for name in narrower)
        return list_longest(part.shown_text for part in told) or tuple(islice(of_wider, 1))

    def _count_in(self, part: QueryPart, text: str, folded: str) -> int:
        """Return how often a text names a part, at least `least` times if a title or words with only one meaning do."""
        places, end = set[int](), text.find("\n")
        for form in self._forms[part]:
            is_clear = _is_clear(form) and _is_clear(part.key or form)
            is_clear = is_clear or (_is_typed(form, part) and not analyser.has_hangul(form))
            for found in _spell(form).find_in(text, folded):
                if self._means(found[0], form, part):
                    if is_clear or concepts.is_name(found[0]) or found.start() < end:
                        return self._least
                    places.add(found.start())
        return len(places)

    def _means(self, found: str, form: str, part: QueryPart) -> bool:
        """Return whether words of a text mean nothing but a part: mAP does not mean map, nor MOE a MoE."""
        is_typed, written = _is_typed(form, part), form.removesuffix("s")
        if found.isupper() and not (written.isupper() or written.islower()):
            return False
        if term_keys.is_abbreviation(found) or term_keys.is_abbreviation(form):
            senses = self._glossary.find(found)
            return senses == [part.key] if senses or not is_typed else found.casefold() == form.casefold()
        return not analyser.has_hangul(form) or len(self._glossary.find(form)) < 2


def _list_spellings(part: QueryPart) -> Iterator[str]:
    """Yield the forms of a part by which a text plainly names it, as typed first.

    An abbreviation that was not typed may be of something else, and the terms for an everyday word are not what was typed.
    """
    listed = () if questions.find_everyday_terms(part.text) else part.forms
    plain = (
        form.text
        for form in listed
        if form.is_shown == bool(part.key)
        and not (tokens.is_wide(form.text) or _ABBREVIATED.fullmatch(form.text))
    )
    vague = seed.read_words("vague_words.txt")
    forms = dict.fromkeys((part.shown_text, part.text, *plain))
    return (form for form in forms if term_keys.korean_key(form) not in vague)


def _is_clear(form: str) -> bool:
    """Return whether a form has several words or is a name: what one word names may be another thing elsewhere."""
    return len(_PARTS.split(form)) > 1 or concepts.is_name(form)


def _is_typed(form: str, part: QueryPart) -> bool:
    return term_keys.term_key(form) == term_keys.term_key(part.text)


class _Spelling:
    """A form of a term, as it may stand in a text: in any spacing, its last word with another ending."""

    def __init__(self, form: str) -> None:
        self._form, self._is_latin = form, not analyser.has_hangul(form)
        self._words = _PARTS.split(analyser.fold(form).strip(" -"))
        self._last = _begin(self._words[-1]) if self._is_latin else self._words[-1]
        # Syllables may be apart.
        self._needed = [word if self._is_latin else word[:_SHORT] for word in (*self._words[:-1], self._last)]

    def find_in(self, text: str, folded: str) -> Iterator[re.Match[str]]:
        """Yield where a text has this form, given the text also folded."""
        for match in self._pattern.finditer(text) if all(word in folded for word in self._needed) else ():
            if self._is_latin:
                is_form = _join(match[0]) == _join(self._form)
            else:
                # 최적화 기법 has no 최적화기, nor 오디오북 오디오.
                is_form = " " in self._form or _is_whole(self._form, "".join(match[0].split()))
            if is_form:
                yield match

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # A class with all syllables, or in any case, takes up to milliseconds to compile.
        before, words, rest = r"(?<![^\W_])", [*map(re.escape, self._words)], r"(?!성)[^\W0-9A-Za-z_]*"
        if self._is_latin:
            words[-1], before, rest = re.escape(self._last), "(?<![A-Za-z0-9])", "[A-Za-z]*(?![A-Za-z0-9])"
        elif len("".join(words)) >= _FREE:
            before, words = "(?<![비무])", [_GAP.join(map(re.escape, word)) for word in self._words]
        return re.compile(f"{before}(?i:{_GAP.join(words)}){rest}")


_PARTS, _GAP = re.compile(r"[\s-]+"), r"[\s-]?"
_FREE = 4
"""The least number of syllables of a term that may be written in any spacing, and within a longer word.

Behind 비 or 무 the word is the opposite: 비지도 학습, 비정형 데이터. With 성 it is a property: 확장성 is not 확장.
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
