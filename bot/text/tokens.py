"""Tokens of canonical texts in the search index, and the token phrases that find a term there.

A text becomes tokens separated by spaces. `GAP` marks punctuation or a stripped particle; no phrase
crosses it. Latin words are stems. Adjacent Hangul words form one run of overlapping pairs of syllables, so
that a phrase matches in any spacing (강화학습, 강화 학습). Single tokens, which belong to no phrase, come after the
text:
- `^pair`: the first two syllables of a Hangul word (자동화 lacks ^동화, 강화 학습 lacks ^화학)
- `$word`: a whole Hangul word of two syllables
- other spellings of Latin words
- `=key`: one for each occurrence of a seeded concept, so that a single token finds a frequent term
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from bot.text import analyser, seed, term_keys

VERSION = "22"
"""Increased when tokens change. An index with another version is rebuilt."""
GAP = "."
BEGINNING, WHOLE, CONCEPT = "^", "$", "="
"""Prefixes of single tokens: the first syllables of a word, a whole word of two syllables, and a seeded concept."""
_LONG_TAIL = 6
"""Words this many syllables long are not compounds of their first two syllables: 애플리케이션 does not contain 애플."""


def tokenize(canonical: str, others: Container[str] = ()) -> str:
    """Convert a canonical text (see the analyser) to tokens, without those of the concepts in `others` (`list_other_senses`)."""
    text, _, variants = canonical.rpartition("\n")
    words: list[str] = []
    beginnings = _place(text.replace("\n", "  ").split(" "), words)
    singles = [*beginnings, *variants.split()]
    singles += _list_concepts(words, singles, others)
    return " ".join((*words, GAP, *singles)) if singles else " ".join(words)


def _place(canonical_words: Iterable[str], placed: list[str]) -> list[str]:
    """Append the tokens of canonical words ("" for punctuation) to `placed`. Return the single tokens of Hangul words."""
    beginnings: list[str] = []
    run = ""
    for core, singles, following in map(_read_word, canonical_words):
        run += core
        beginnings += singles
        if following and run:
            placed += analyser.bigrams(run)
            run = ""
        placed += following
    if run:
        placed += analyser.bigrams(run)
    return beginnings


@lru_cache(maxsize=1 << 12)
def _read_word(word: str) -> tuple[str, Sequence[str], Sequence[str]]:
    """Return the syllables of a Hangul word, its single tokens, and the tokens that end its run, as other words do."""
    core = word.removesuffix(analyser.PARTICLE_MARK)
    if not analyser.is_syllables(core):
        return "", (), analyser.word_tokens(word) if word else (GAP,)
    begins = len(core) < 3 or (len(core) < _LONG_TAIL and core[:3] not in seed.read_words("other_words.txt"))
    singles = (BEGINNING + core[:2],) if begins else ()
    return core, (*singles, WHOLE + core) if len(core) == 2 else singles, () if core == word else (GAP,)


@analyser.remembered(1 << 13, max_length=200)
def phrases(form: str) -> tuple[tuple[str, ...], ...]:
    """Return the token phrases that find a form of a term in any spelling.

    A form of two syllables matches only at the beginning of a word. A single token, such as `=key`, is its own phrase.
    """
    if form[:1] in (CONCEPT, WHOLE):
        return ((form,),)
    if not analyser.has_hangul(form):
        variants = [tuple(variant.split()) for variant in term_keys.latin_variants(form)]
        if " " not in form and not form.replace("-", "").isalnum():  # FLUX.1, in texts with a gap
            inside = list[str]()
            _place(analyser.canonicalise(form).partition("\n")[0].strip().split(" "), inside)
            variants.append(tuple(inside[: -1 if inside[-1:] == [GAP] else None]))
        return tuple(dict.fromkeys(filter(None, variants)))
    variants = []
    for spelling in (form, term_keys.korean_key(form)):
        words = analyser.canonical_words(spelling)
        if words:
            words[-1] = words[-1].removesuffix(analyser.PARTICLE_MARK)
            tokens: list[str] = []
            beginnings = _place(words, tokens)
            is_one_word = [BEGINNING + token for token in tokens] == beginnings[:1]  # 로봇, but not 키-값
            variants.append(tuple(beginnings[:1] if is_one_word else tokens))
            if len(words) == 2 and analyser.is_number(words[0]) and " " not in spelling and len(words[1]) < 4:
                variants.append(("".join(words),))  # 700만
    return tuple(dict.fromkeys(filter(None, variants)))


@lru_cache(maxsize=1)
def _concept_forms() -> Mapping[str, set[str]]:
    """Return the forms of seeded concepts, keyed by English key, except abbreviations of two letters or of several terms."""
    forms: dict[str, set[str]] = {}
    meanings = Counter(text for term in seed.load_terms() for text in term.abbreviations)
    for term in seed.load_terms():
        if not term.is_common_word:
            short = (text for text in term.abbreviations if len(text) > 2 and meanings[text] == 1)
            korean = (text for text in term.korean if text not in term.only_read)
            forms.setdefault(term_keys.english_key(term.english[0]), set()).update(
                (*term.english, *short, *korean)
            )
    return forms


class _Concept(NamedTuple):
    """The forms represented by a concept's token, as term keys and phrases. Forms that contain another form are left out."""

    form_keys: frozenset[str]
    phrases: frozenset[tuple[str, ...]]


@lru_cache(maxsize=1 << 12)
def _read_concept(key: str) -> _Concept:
    by_form = {text: phrases(text) for text in _concept_forms().get(key, ())}
    every = {phrase for of_form in by_form.values() for phrase in of_form}
    least = frozenset(
        phrase for phrase in every if not any(_has_part(phrase, other) for other in every - {phrase})
    )
    forms = (text for text, of_form in by_form.items() if not least.isdisjoint(of_form))
    return _Concept(frozenset(map(term_keys.term_key, forms)), least)


@lru_cache(maxsize=1)
def _phrases_by_token() -> Mapping[str, list[tuple[list[str], str]]]:
    """Return all concepts' phrases and tokens, keyed by the phrase's first token. Takes 250 ms the first time."""
    by_token: dict[str, list[tuple[list[str], str]]] = {}
    for key in _concept_forms():
        for phrase in sorted(_read_concept(key).phrases):
            by_token.setdefault(phrase[0], []).append((list(phrase), concept_token(key)))
    return by_token


def prepare_concepts() -> None:
    """Load the phrases of all concepts in advance, which takes 250 ms."""
    _phrases_by_token()


def form_keys(concept: str) -> frozenset[str]:
    """Return the term keys of the forms represented by a concept's token; empty if the concept is not seeded."""
    return _read_concept(concept).form_keys


def _has_part(phrase: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return any(phrase[start : start + len(part)] == part for start in range(len(phrase)))


def concept_token(concept: str) -> str:
    return CONCEPT + concept.replace(" ", "_")


def read_concept_token(token: str) -> str:
    return token[1:].replace("_", " ")


def list_other_senses(definitions: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the tokens of the abbreviations that are explained by no word of their concept: of STT for a transformer."""
    others = set[str]()
    for short, long in definitions:
        words = {*term_keys.content_words(term_keys.english_key(long))}
        for token in (phrase[0] for phrase in phrases(short) if len(phrase) == 1):
            keys = [
                read_concept_token(concept)
                for phrase, concept in _phrases_by_token().get(token, ())
                if phrase == [token]
            ]
            forms = (term_keys.english_key(form) for key in keys for form in _concept_forms()[key])
            if keys and words.isdisjoint(word for form in forms for word in form.split()):
                others.add(token)
    return frozenset(others)


def _list_concepts(words: list[str], singles: list[str], others: Container[str]) -> Iterator[str]:
    """Yield the concept's token for each occurrence of any of its forms, also after a prefix: self-speculative decoding."""
    phrases = _phrases_by_token()
    following = {
        word.removeprefix(prefix): words[position + 1 : position + _LONG_TAIL]
        for prefix in analyser.PREFIXES.intersection(singles) - {"non"}
        for position, word in enumerate(words)
        if word.startswith(prefix) and word not in phrases
    }
    places = [(words, position) for position, word in enumerate(words) if word in phrases]
    places += [([word, *following.get(word, ())], 0) for word in singles if word in phrases]
    for text, position in places:
        for phrase, concept in phrases[text[position]]:
            is_other = len(phrase) == 1 and phrase[0] in others
            if text[position : position + len(phrase)] == phrase and not is_other:
                yield concept
