"""Turns the forms of a query into what is asked of the index: tokens, and links for neighbouring words. Pure.

A question may let too much through, since links stand for several words; ranking, which sees the texts, does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from bot.services.search import document_tokens
from bot.text.analysis import analyser, korean, term_keys
from bot.text.glossary.model import expansion
from bot.text.matching import term_variants
from storage.search.query import AllOf, BooleanQuery, all_of, any_of, prune_phrases, query_tokens, with_suffix

_MAX_FORMS = 16
_MIN_COMPOUND_SYLLABLES = 4
"""Syllables from which a Korean word may be two: 강화학습 is looked for as 강화 학습 too."""


class IndexQuery(NamedTuple):
    """What a paper must hold: everything `anywhere`, in the `titled`, in title and body (`both`), twice in the body (`again`),
    or `often`. Of several parts: any in the title (`any_titled`) or twice in the body (`any_again`); so one, and the others
    anywhere (`one_titled`, `one_again`); or all but one of three or more in the title (`most_titled`).
    """

    anywhere: BooleanQuery
    in_title: BooleanQuery
    in_title_and_body: BooleanQuery
    repeated: BooleanQuery
    frequent: BooleanQuery
    any_in_title: BooleanQuery
    any_repeated: BooleanQuery
    one_in_title: BooleanQuery
    one_repeated: BooleanQuery
    most_in_title: BooleanQuery


def from_segments(segments: Iterable[expansion.Segment]) -> IndexQuery | None:
    """Ask for papers with all segments, each in one of its forms; None for nothing to ask for."""
    return combine_all([one for segment in segments if (one := from_segment(segment)) is not None])


def from_segment(segment: expansion.Segment) -> IndexQuery | None:
    """Ask for papers with one of a segment's forms."""
    return combine_any(
        [one for form in segment.forms[:_MAX_FORMS] if (one := from_text(form.text)) is not None]
    )


@lru_cache(maxsize=1 << 12)
def from_text(text: str) -> IndexQuery | None:
    """Ask for papers with one writing of a term, in any spacing if it is Korean."""
    if korean.has_hangul(text):
        spaced = analyser.stemmed_words(text)
        closed = analyser.stemmed_words(term_keys.korean_key(text))
        writings = [spaced] if "".join(spaced) == "".join(closed) else [spaced, closed]
        return combine_any([_korean_query(words) for words in writings if words])
    return combine_any([_latin_query(sequence.split()) for sequence in term_variants.latin_variants(text)])


def from_words(words: Sequence[str], *, adjacent: bool = True) -> IndexQuery | None:
    """Ask for words, as the analyser gives them, one behind the other, or anywhere if not `linked`."""
    if not words:
        return None
    if adjacent:
        return _korean_query(words) if any(map(korean.is_hangul, words)) else _latin_query(words)
    return combine_all(
        [_korean_query([word]) if korean.is_hangul(word) else _latin_query([word]) for word in words]
    )


def combine_all(asked: Sequence[IndexQuery]) -> IndexQuery | None:
    """Ask for papers that answer all questions."""
    if not asked:
        return None
    if len(asked) == 1:
        return asked[0]
    titled, again = [one.in_title for one in asked], [one.repeated for one in asked]
    anywhere = [one.anywhere for one in asked]
    found = (
        *(all_of([getattr(one, name) for one in asked]) for name in _CONJUNCTIVE_FIELDS),
        any_of(titled),
        any_of(again),
        _one_special(titled, anywhere),
        _one_special(again, anywhere),
        _all_but_one(titled),
    )
    return IndexQuery(*[one for one in found if one is not None])


_CONJUNCTIVE_FIELDS = ("anywhere", "in_title", "in_title_and_body", "repeated", "frequent")
_MAX_ALTERNATIVES = 5


def _one_special(special: Sequence[BooleanQuery], others: Sequence[BooleanQuery]) -> BooleanQuery | None:
    """Ask for one part in a special way and all others in another."""
    if len(special) > _MAX_ALTERNATIVES:
        # One part against each of the others would be asked for in too many words.
        return all_of([any_of(special), *others])
    return any_of([all_of([one, *others[:place], *others[place + 1 :]]) for place, one in enumerate(special)])


def _all_but_one(parts: Sequence[BooleanQuery]) -> BooleanQuery | None:
    if not 3 <= len(parts) <= _MAX_ALTERNATIVES:
        return all_of(parts)
    return any_of([all_of([*parts[:place], *parts[place + 1 :]]) for place in range(len(parts))])


def combine_any(asked: Sequence[IndexQuery]) -> IndexQuery | None:
    """Ask for papers that answer any of the questions."""
    if not asked:
        return None
    return IndexQuery(*[one for one in map(any_of, zip(*asked, strict=True)) if one is not None])


def collect_tokens(question: IndexQuery) -> set[str]:
    """Return all tokens of a question, to be counted for `thin`."""
    return set().union(*map(query_tokens, question))


def prune(question: IndexQuery, document_frequencies: Mapping[str, int]) -> IndexQuery:
    """Return the question with the rarest tokens of its phrases, given in how many papers each token is."""
    return IndexQuery(*(prune_phrases(one, document_frequencies) for one in question))


def _latin_query(words: Sequence[str]) -> IndexQuery:
    links = [document_tokens.shingle(left, right) for left, right in pairwise(words)]
    own = [token for word in words for token in analyser.word_tokens(word)]
    return _build([*own, *links], own)


def _korean_query(words: Sequence[str]) -> IndexQuery:
    """Ask for words written apart or as one; a single long word may also be two."""
    parts: list[BooleanQuery] = []
    sure: list[str] = []
    for word in words:
        if len(words) > 1 and _is_one_syllable(word):
            continue  # Written as one, 제로 샷 has no 샷 of its own; the pair or link with its neighbour stands for it.
        pairs = analyser.word_tokens(word)
        splits = len(words) == 1 and len(word) >= _MIN_COMPOUND_SYLLABLES and korean.is_hangul(word)
        for place, pair in enumerate(pairs):
            if splits and 1 <= place <= len(word) - 3:
                parts.append(_pair_or_shingle(pair[0], pair[1]))
                continue
            may_part = len(words) == 1 and korean.is_hangul(word) and _may_split(place, len(word))
            parts.append(_pair_or_shingle(pair[0], pair[1]) if may_part else pair)
            sure.append(pair)
    for left, right in pairwise(words):
        if korean.ends_in_hangul(left) and korean.is_hangul(right):
            parts.append(_pair_or_shingle(left[-1], right[0]))
        else:
            parts.append(document_tokens.shingle(left, right))
    begins = analyser.word_tokens(words[0])[0] if korean.is_hangul(words[0]) else None
    return _build(parts, sure, begins)


def _may_split(place: int, syllables: int) -> bool:
    """Tell whether people may write a space behind the first syllable of a word (키 프레임) or before its last (제로 샷)."""
    return (place == 0 and syllables >= _MIN_COMPOUND_SYLLABLES) or (place == syllables - 2 and syllables > 2)


def _is_one_syllable(word: str) -> bool:
    return len(word) == 1 and korean.is_hangul(word)


def _pair_or_shingle(left: str, right: str) -> BooleanQuery:
    found = any_of([left + right, document_tokens.shingle(left, right)])
    assert found is not None
    return found


def _build(
    parts: Sequence[BooleanQuery], required: Sequence[str], first_pair: str | None = None
) -> IndexQuery:
    """Make the question of the tokens and links that a form has, and of the tokens that it surely has.

    `begins` is the pair of syllables that begins its first word: in a title it must begin one, for inside of a longer word
    it counts little.
    """
    anywhere = AllOf(tuple(dict.fromkeys(parts)), phrase=True)
    own = tuple(dict.fromkeys(required))
    again, often = (
        AllOf(tuple(token + mark for token in own), phrase=True) if own else anywhere
        for mark in (document_tokens.REPEATED_MARK, document_tokens.FREQUENT_MARK)
    )
    titled = with_suffix(anywhere, document_tokens.TITLE_MARK)
    if first_pair is not None and len(first_pair) > 1:
        titled = all_of([first_pair + document_tokens.TITLE_WORD_START_MARK, titled]) or titled
    both = with_suffix(anywhere, document_tokens.TITLE_AND_BODY_MARK)
    return IndexQuery(anywhere, titled, both, again, often, titled, again, titled, again, titled)
