"""Concepts (English terms with all their Korean, English and abbreviated forms) and the parts of a query."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from itertools import islice, product
from typing import Literal, NamedTuple

from bot.text import analyser, questions, seed, term_keys, tokens

Language = Literal["ko", "en", "abbr"]

DOMINANT_SHARE = 0.6
"""An abbreviation means only one term if at least this share of the explaining papers agree."""
SEED_PAPERS = 2
"""A seeded abbreviation counts as if this many papers explained it."""
ALL_PAPERS = frozenset(
    map(term_keys.term_key, ("AI", "artificial intelligence", "machine learning", "deep learning"))
)
"""Terms that all papers are about, whether or not they say so."""


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
    concept (see `bot.text.tokens`), or "". The text may also be the token of what belongs to a concept.
    """

    text: str
    weight: float = 1.0
    is_shown: bool = True
    is_sure: bool = True
    token: str = ""

    @property
    def key(self) -> str:
        """The term key, which is the same for equivalent spellings."""
        return self.text if tokens.is_wide(self.text) else term_keys.term_key(self.text)


_OBJECT = re.compile(f"(?<=[{analyser.SYLLABLES}])(?:[을를]|에서?)$")


_NEGATION = re.compile(
    r"(?:말고|아닌|외의|빼고|대신|제외하고|없이|없는)\Z|^(?:without|no|other than|beyond)\b"
)


class QueryPart(NamedTuple):
    """A part of a query; a paper matches it by any of its forms. `key` is the concept's key, or "" for plain words.

    `is_term`: whether it is a term, a name or a quoted phrase, and not an ordinary word. `clear` are the English forms of
    an English term whose Korean form means another one too: reasoning, since 추론 is inference as well. `either` are the
    alternatives of which it consists: GAN or VAE, and `each` the parts of an alternative of several words, of which a paper
    needs all, or a title that says what is left out. `is_topic`: where it is left out, papers may mention it.
    """

    text: str
    forms: tuple[Form, ...]
    key: str = ""
    is_term: bool = False
    clear: tuple[Form, ...] = ()
    either: tuple[QueryPart, ...] = ()
    each: tuple[QueryPart, ...] = ()
    is_topic: bool = False

    @property
    def alternatives(self) -> tuple[QueryPart, ...]:
        """The parts of which a paper needs only one."""
        return self.either or (self,)

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


def join_alternatives(parts: Sequence[QueryPart], joint: str) -> QueryPart:
    """Return the part that a paper matches by any form of any of these parts; `joint` is the word for "or"."""
    *texts, last = (part.text for part in parts)
    return QueryPart(
        f"{', '.join(texts)} {joint} {last}",
        merge_forms(form for part in parts for form in part.forms),
        "|".join(part.key or term_keys.term_key(part.text) for part in parts),
        is_term=all(part.is_term for part in parts),
        either=tuple(parts),
    )


def change(part: QueryPart, change_one: Callable[[QueryPart], QueryPart]) -> QueryPart:
    """Return a part with each part of which it consists changed."""
    if part.each:
        return join_all([change_one(one) for one in part.each])
    if not part.either:
        return change_one(part)
    either = tuple(change(one, change_one) for one in part.either)
    return part._replace(forms=merge_forms(form for one in either for form in one.forms), either=either)


def join_words(first: QueryPart, second: QueryPart) -> QueryPart:
    """Return the part for two words in a row, as typed and in each language."""
    typed = Form(f"{first.text} {second.text}")
    plain = ([form for form in part.forms if not tokens.is_wide(form.text)] for part in (first, second))
    joined = (
        Form(f"{one.text} {other.text}", one.weight * other.weight, one.is_shown and other.is_shown)
        for one, other in islice(product(*plain), _MAX_PAIRS)
        if analyser.has_hangul(one.text) == analyser.has_hangul(other.text)
    )
    return QueryPart(typed.text, merge_forms((typed, *joined)), is_term=True)


def join_all(parts: Sequence[QueryPart]) -> QueryPart:
    """Return the part for all of some parts, which a paper may have apart."""
    return reduce(join_words, parts)._replace(each=tuple(parts)) if len(parts) > 1 else parts[0]


_MAX_PAIRS = 64


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


_USUAL_WEIGHT = 0.8
"""The lowest weight of a form whose near terms tell that a text has its part."""


class Text:
    """A text of a paper, folded once for all questions about what it has."""

    def __init__(self, text: str) -> None:
        self._text, self._folded = text, analyser.fold(text)
        self._scripts = {False, analyser.has_hangul(text)}

    @cached_property
    def _joined(self) -> str:
        return "".join(self._folded.split())

    def lacks(self, part: SoughtPart) -> bool:
        """Return whether it has no form of a part, in which not all words of one are, joined to others or apart.

        A text with a term near to a part has it as well: function calling for tool use. A term that is known in one language
        alone, and not a name, may be in a text in the other.
        """
        return (part.is_name or part.scripts >= self._scripts) and not any(map(self._has, part.traces))

    def _has(self, traces: Traces) -> bool:
        return (
            all(word in self._folded for word in traces.beginnings)
            and all(word in self._joined for word in traces.korean)
            and all(word.casefold() in self._folded and _has_short(self._text, word) for word in traces.short)
        )


class Traces(NamedTuple):
    """What a text with a form has: beginnings of its Korean and English words, and its short words."""

    korean: Sequence[str] = ()
    beginnings: Sequence[str] = ()
    short: Sequence[str] = ()


class SoughtPart(NamedTuple):
    """A part with what tells that a text has it. `scripts`: whether each form is Korean."""

    part: QueryPart
    is_name: bool
    scripts: frozenset[bool]
    traces: tuple[Traces, ...]


@lru_cache(maxsize=1 << 7)
def prepare_part(part: QueryPart) -> SoughtPart:
    """Return what tells that a text has a part: its forms, and the terms that are about the same topic.

    Of a negation, it is what the reader does not want.
    """
    sought, known = part, [form.text for form in part.forms if form.weight >= _USUAL_WEIGHT]
    if part.is_negated:
        part, known = literal_part(_NEGATION.sub("", part.text).strip()), []
    forms = dict.fromkeys((*(form.text for form in part.forms), *_list_near(known)))
    return SoughtPart(
        sought,
        is_name(part.text) or sought is not part,
        frozenset(analyser.has_hangul(form.text) for form in part.forms),
        tuple(filter(any, map(_list_traces, forms))),
    )


def _list_near(texts: Iterable[str]) -> Iterator[str]:
    return (term for text in texts for term in load_near_terms().get(_write_plainly(text), ()))


@lru_cache(maxsize=1)
def load_near_terms() -> Mapping[str, set[str]]:
    """Return the terms near to each term: those of its topics, and of its groups in `near_terms.tsv`."""
    near = defaultdict[str, set[str]](set)
    groups = (tuple(row[0].split("|")) for row in seed.read_rows("near_terms.tsv"))
    for terms in (*questions.load_topic_terms(), *groups):
        for term in terms:
            near[_write_plainly(term)].update(terms)
    return near


def _write_plainly(text: str) -> str:
    """Return a term without case, spaces, hyphens and plural."""
    return analyser.fold(text).replace("-", "").replace(" ", "").removesuffix("s")


@analyser.remembered(1 << 10)
def _list_traces(form: str) -> Traces:
    if analyser.has_hangul(form):
        # 라우팅 also has the beginning of 라우터.
        context = analyser.split_context(analyser.fold(form))
        return Traces([word[: max(2, len(word) - 1)] for word in context if len(word) > 1])
    words = [word for word in _WORDS_OF_FORM.split(form) if word and word not in analyser.FUNCTION_WORDS]
    words = [word for word in words if not seed.classify("alike", word)] or words
    long = [analyser.fold(word) for word in words if len(word) > _MAX_SHORT]
    return Traces((), [*map(_beginning, long)], [word for word in words if len(word) <= _MAX_SHORT])


def _beginning(word: str) -> str:
    """Return the beginning that related words share: generat for generators, generation and generative.

    A noun's stem may end in other letters than its verb's: reduc for reduction and reduce, comprehen for comprehension.
    """
    stem = analyser.stem(word)
    stem = _LETTERS_OF_NOUN.sub("", stem) if word.endswith(("ion", "ions")) else stem
    stem = stem[: max(_MAX_SHORT + 2, len(word) - _MAX_SHORT)]
    return stem if word.startswith(stem) else stem[:-1]


_LETTERS_OF_NOUN = re.compile(r"(?<=\w{4})(?:pt|s|(?<=uc)t)$")


def _has_short(text: str, word: str) -> bool:
    """Return whether a text has a word of few letters: RL also within RLHF, but not within "world"."""
    within = "" if sum(map(str.isupper, word)) > 1 else "(?i)(?<![A-Za-z])"
    return re.search(f"{within}{re.escape(word)}", text) is not None


_WORDS_OF_FORM = re.compile(r"[^\w+#.]+")
_MAX_SHORT = 3
