"""Concepts (English terms with all their Korean, English and abbreviated forms) and the parts of a query."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from bot.text import analyser, questions, seed, term_keys

Language = Literal["ko", "en", "abbr"]

DOMINANT_SHARE = 0.6
"""An abbreviation means only one term if at least this share of the explaining papers agree."""
SEED_PAPERS = 2
"""A seeded abbreviation counts as if this many papers explained it."""


class SurfaceForm(NamedTuple):
    """One spelling of a concept.

    `papers` counts the papers that define the form; `seeded` forms come from the seed list or the operator. `confirmed`
    papers have a Korean form and the English term or abbreviation. A form with `searched=False` is only recognised in
    queries, because a shorter form already finds it or because it usually means something else in papers.
    """

    text: str
    language: Language
    papers: int = 0
    seeded: bool = False
    confirmed: int = 0
    searched: bool = True

    @property
    def is_sure(self) -> bool:
        """Whether filters may use the form: it is English, in the seed list, or defined by several papers."""
        return self.language == "en" or self.seeded or self.papers > 1

    @property
    def is_presentable(self) -> bool:
        """Whether replies may show the form. A form from only one paper is often a slip or a word in capitals: LARGE."""
        return self.searched and (self.is_sure or self.confirmed > 1)


@dataclass(frozen=True, slots=True)
class Concept:
    """A term and its forms, each language's main form first. `key` is the key of the English term."""

    key: str
    forms: tuple[SurfaceForm, ...]

    @property
    def support(self) -> int:
        """The number of papers that define any of the forms, but at least 1."""
        return max(1, sum(form.papers for form in self.forms))

    def forms_in(self, language: Language) -> list[SurfaceForm]:
        """Return the forms in one language."""
        return [form for form in self.forms if form.language == language]

    def usual_form(self, language: Language) -> str:
        """Return the main form that can be shown in a language, or ""."""
        return next((form.text for form in self.forms_in(language) if form.is_presentable), "")


class AbbreviationSense(NamedTuple):
    """A sense of an abbreviation: its English key and name, and the number and share of papers that define it."""

    key: str
    share: float
    papers: int
    text: str = ""


# Parts of a query, used to search the index, check single papers and write answers.


class Form(NamedTuple):
    """A form to search for.

    Replies do not mention a form with `is_shown=False`, such as the translation of a single word. A form with
    `is_sure=False` affects ranking but not filters. `token` is the index token that represents this form of a seeded
    concept (see `bot.text.tokens`), or "".
    """

    text: str
    weight: float = 1.0
    is_shown: bool = True
    is_sure: bool = True
    token: str = ""

    @property
    def key(self) -> str:
        """The term key, which is the same for equivalent spellings."""
        return term_keys.term_key(self.text)


_OBJECT = re.compile(f"(?<=[{analyser.SYLLABLES}])(?:[을를]|에서?)$")


_NEGATION = re.compile(
    r"(?:말고|아닌|외의|빼고|대신|제외하고|없이|없는)\Z|^(?:without|no|other than|beyond)\b"
)


class QueryPart(NamedTuple):
    """A part of a query; a paper matches it by any of its forms. `key` is the concept's key, or "" for plain words.

    `is_term`: whether it is a term, a name or a quoted phrase, and not an ordinary word. `clear` are the English forms of
    an English term whose Korean form means another one too: reasoning, since 추론 is inference as well.
    """

    text: str
    forms: tuple[Form, ...]
    key: str = ""
    is_term: bool = False
    clear: tuple[Form, ...] = ()

    @property
    def is_negated(self) -> bool:
        """Whether it names what is sought by what it is not: 트랜스포머 말고, without labels."""
        return _NEGATION.search(self.text) is not None

    @property
    def shown_text(self) -> str:
        """The part's name in replies: without particles, or the term that an everyday verb means."""
        start, space, word = self.text.rpartition(" ")
        if not analyser.is_hangul(word) or self.is_negated:
            return self.text
        if space or self.key:
            # For a verb (까먹는, 모르는 걸, AI가 쓴), show the term that papers use, preferably in Korean.
            names = [form.text for form in self.forms if form.is_shown and form.text != self.text]
            korean = filter(analyser.has_hangul, names)
            term = "" if questions.is_noun(self.text) else next(korean, names[0] if names and space else "")
            return term or start + space + _OBJECT.sub("", word)
        return word[0] if len(word) == 2 and word[1] in "을를" else analyser.strip_ending(word)


def literal_part(*texts: str) -> QueryPart:
    """Return a part that matches only these exact texts."""
    return QueryPart(" ".join(texts[:1]), tuple(map(Form, texts)), is_term=True)


def is_name(word: str) -> bool:
    """Return whether a word is written like a name: FineWeb, GPT-4o."""
    return (
        word[:1].isalnum()
        and any(map(str.isalpha, word))
        and any(c.isupper() or c.isdigit() for c in word[1:])
    )


def merge_forms(forms: Iterable[Form]) -> tuple[Form, ...]:
    """Keep one form per term key, with the highest weight among its spellings. Returns the heaviest forms first.

    The text is the spelling with the most spaces and hyphens, because its index query covers all spacings.
    """
    by_key: dict[str, Form] = {}
    for form in sorted(forms, key=lambda candidate: -candidate.weight):
        key = form.key
        known = by_key.setdefault(key, form)
        if known is not form:
            is_spaced = len(form.text.replace("-", " ").split()) > len(known.text.replace("-", " ").split())
            by_key[key] = known._replace(
                text=form.text if is_spaced else known.text, token=known.token or form.token
            )
    by_key.pop("", None)
    return tuple(by_key.values())


def list_absent(parts: Iterable[QueryPart], text: str, *, is_strict: bool = False) -> list[QueryPart]:
    """Return the parts of which a text has no form and not even one of its words, joined to others or apart.

    A text with a term near to a part has it as well: function calling for tool use. If `is_strict`, three letters of a
    word are enough: facial for face.

    A term that is known in one language alone, and not a name, may be in a text in the other.
    """
    folded = analyser.fold(text)
    joined, scripts = "".join(folded.split()), {False, analyser.has_hangul(text)}
    return [
        part
        for part in parts
        if (is_name(part.text) or {analyser.has_hangul(form.text) for form in part.forms} >= scripts)
        and not any(_has(text, folded, joined, form, is_strict) for form in _list_signs(part))
    ]


_USUAL_WEIGHT = 0.8
"""The lowest weight, in parts of the heaviest, of a form that a label calls by the name of its part."""


def stands_alone(part: QueryPart, text: str, find: Callable[[str], Sequence[str]]) -> bool:
    """Return whether a text has a usual form of a term by itself: not in End-to-End, nor "cloud" in "point cloud".

    `find` returns the keys of a term.
    """
    heaviest = max((form.weight for form in part.forms), default=1.0)  # a topic's forms are lighter
    least = _USUAL_WEIGHT * heaviest
    usual = (analyser.fold(form.text).split() for form in part.forms if form.weight >= least)
    whole = analyser.fold(text)
    forms = [typed for form in usual if (typed := [word.removesuffix("s") for word in form])]
    forms = [typed for typed in forms if all(word in whole for word in typed)]
    words = [word.strip("()[],.;:*\"'") for word in whole.split()] if forms else []
    for typed in forms:
        for at in range(len(words) - len(typed) + 1):
            end = at + len(typed)
            # Most words are told apart without stripping endings.
            if typed[0] in words[at] and all(map(_is_word, typed, words[at:end])):
                longer = (
                    " ".join((*words[start : stop - 1], analyser.strip_ending(words[stop - 1])))
                    for start in range(max(0, at - 2), at + 1)
                    for stop in range(end, min(len(words), end + 2) + 1)
                    if (start, stop) != (at, end)
                )
                if not any(find(run) for run in longer):
                    return True
    return False


def _is_word(typed: str, word: str) -> bool:
    return typed in {one.removesuffix("s") for one in (word, analyser.strip_ending(word))}


@lru_cache(maxsize=1 << 6)
def _list_signs(part: QueryPart) -> tuple[str, ...]:
    """Return the forms of a part, and the terms that are about the same topic."""
    usual = (part.key, *(form.key for form in part.forms if form.weight >= _USUAL_WEIGHT))
    near = (term for key in usual for term in _load_near_terms().get(key, ()))
    return tuple(dict.fromkeys((*(form.text for form in part.forms), *near)))


@lru_cache(maxsize=1)
def _load_near_terms() -> Mapping[str, set[str]]:
    """Return the terms near to each term, by its key: those of its topics, and of its groups in `near_terms.tsv`."""
    near = defaultdict[str, set[str]](set)
    groups = (tuple(row[0].split("|")) for row in seed.read_rows("near_terms.tsv"))
    for terms in (*questions.load_topic_terms(), *groups):
        for term in terms:
            near[term_keys.term_key(term)].update(terms)
    return near


def _has(text: str, folded: str, joined: str, form: str, is_strict: bool) -> bool:
    words, short, starts = _list_traces(form)
    if analyser.has_hangul(form):
        return any(word in joined for word in words)
    begins = (re.search(f"(?<![a-z]){re.escape(start)}", folded) for start in starts if start in folded)
    return (
        any(word in folded for word in words)
        or any(_has_short(text, word) for word in short)
        or (is_strict and any(begins))
    )


@analyser.remembered(1 << 10)
def _list_traces(form: str) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """Return the beginnings of a form's words that tell that a text has it, its short words, and strict beginnings."""
    if analyser.has_hangul(form):
        # 라우팅 also has the beginning of 라우터.
        context = analyser.split_context(analyser.fold(form))
        return [word[: max(2, len(word) - 1)] for word in context if len(word) > 1], (), ()
    words = [word for word in _WORDS_OF_FORM.split(form) if word and word not in analyser.FUNCTION_WORDS]
    long = [analyser.fold(word) for word in words if len(word) > _MAX_SHORT]
    short = [word for word in words if len(word) <= _MAX_SHORT]
    return list(map(_beginning, long)), short, [word[:_MAX_SHORT] for word in long]


def _beginning(word: str) -> str:
    """Return the beginning that related words share: generat for generators, generation and generative."""
    return analyser.stem(word)[: max(_MAX_SHORT + 1, len(word) - _MAX_SHORT)]


def _has_short(text: str, word: str) -> bool:
    """Return whether a text has a word of few letters: RL also within RLHF, but not within "world"."""
    within = "" if sum(map(str.isupper, word)) > 1 else "(?i)(?<![A-Za-z])"
    return re.search(f"{within}{re.escape(word)}", text) is not None


_WORDS_OF_FORM = re.compile(r"[^\w+#.]+")
_MAX_SHORT = 3
