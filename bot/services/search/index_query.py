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
from storage.search.query import AllOf, Wanted, all_of, any_of, marked, thinned, tokens_of

_MOST_FORMS = 16
_CLOSED_UP_FROM = 4
"""Syllables from which a Korean word may be two: 강화학습 is looked for as 강화 학습 too."""


class Question(NamedTuple):
    """What a paper must hold: everything `anywhere`, in the `titled`, in title and body (`both`), twice in the body (`again`),
    or `often`. Of several parts: any in the title (`any_titled`) or twice in the body (`any_again`); so one, and the others
    anywhere (`one_titled`, `one_again`); or all but one of three or more in the title (`most_titled`).
    """

    anywhere: Wanted
    titled: Wanted
    both: Wanted
    again: Wanted
    often: Wanted
    any_titled: Wanted
    any_again: Wanted
    one_titled: Wanted
    one_again: Wanted
    most_titled: Wanted


def of_segments(segments: Iterable[expansion.Segment]) -> Question | None:
    """Ask for papers with all segments, each in one of its forms; None for nothing to ask for."""
    return together([one for segment in segments if (one := of_forms(segment)) is not None])


def of_forms(segment: expansion.Segment) -> Question | None:
    """Ask for papers with one of a segment's forms."""
    return either([one for form in segment.forms[:_MOST_FORMS] if (one := of_text(form.text)) is not None])


@lru_cache(maxsize=1 << 12)
def of_text(text: str) -> Question | None:
    """Ask for papers with one writing of a term, in any spacing if it is Korean."""
    if term_keys.has_hangul(text):
        spaced = analyser.words(text)
        closed = analyser.words(term_keys.korean_key(text))
        writings = [spaced] if "".join(spaced) == "".join(closed) else [spaced, closed]
        return either([_korean(words) for words in writings if words])
    return either([_latin(sequence.split()) for sequence in term_variants.latin_sequences(text)])


def of_words(words: Sequence[str], *, linked: bool = True) -> Question | None:
    """Ask for words, as the analyser gives them, one behind the other, or anywhere if not `linked`."""
    if not words:
        return None
    if linked:
        return _korean(words) if any(map(korean.is_hangul, words)) else _latin(words)
    return together([_korean([word]) if korean.is_hangul(word) else _latin([word]) for word in words])


def together(asked: Sequence[Question]) -> Question | None:
    """Ask for papers that answer all questions."""
    if not asked:
        return None
    if len(asked) == 1:
        return asked[0]
    titled, again = [one.titled for one in asked], [one.again for one in asked]
    anywhere = [one.anywhere for one in asked]
    found = (
        *(all_of([getattr(one, name) for one in asked]) for name in _OF_ALL),
        any_of(titled),
        any_of(again),
        _one_of(titled, anywhere),
        _one_of(again, anywhere),
        _most_of(titled),
    )
    return Question(*[one for one in found if one is not None])


_OF_ALL = ("anywhere", "titled", "both", "again", "often")
_FEW = 5


def _one_of(special: Sequence[Wanted], others: Sequence[Wanted]) -> Wanted | None:
    """Ask for one part in a special way and all others in another."""
    if len(special) > _FEW:
        # One part against each of the others would be asked for in too many words.
        return all_of([any_of(special), *others])
    return any_of([all_of([one, *others[:place], *others[place + 1 :]]) for place, one in enumerate(special)])


def _most_of(parts: Sequence[Wanted]) -> Wanted | None:
    if not 3 <= len(parts) <= _FEW:
        return all_of(parts)
    return any_of([all_of([*parts[:place], *parts[place + 1 :]]) for place in range(len(parts))])


def either(asked: Sequence[Question]) -> Question | None:
    """Ask for papers that answer any of the questions."""
    if not asked:
        return None
    return Question(*[one for one in map(any_of, zip(*asked, strict=True)) if one is not None])


def tokens(question: Question) -> set[str]:
    """Return all tokens of a question, to be counted for `thin`."""
    return set().union(*map(tokens_of, question))


def thin(question: Question, papers: Mapping[str, int]) -> Question:
    """Return the question with the rarest tokens of its phrases, given in how many papers each token is."""
    return Question(*(thinned(one, papers) for one in question))


def _latin(words: Sequence[str]) -> Question:
    links = [document_tokens.link(left, right) for left, right in pairwise(words)]
    own = [token for word in words for token in analyser.word_tokens(word)]
    return _question([*own, *links], own)


def _korean(words: Sequence[str]) -> Question:
    """Ask for words written apart or as one; a single long word may also be two."""
    parts: list[Wanted] = []
    sure: list[str] = []
    for word in words:
        if len(words) > 1 and _is_one_syllable(word):
            continue  # Written as one, 제로 샷 has no 샷 of its own; the pair or link with its neighbour stands for it.
        pairs = analyser.word_tokens(word)
        splits = len(words) == 1 and len(word) >= _CLOSED_UP_FROM and korean.is_hangul(word)
        for place, pair in enumerate(pairs):
            if splits and 1 <= place <= len(word) - 3:
                parts.append(_pair_or_link(pair[0], pair[1]))
                continue
            may_part = len(words) == 1 and korean.is_hangul(word) and _may_part(place, len(word))
            parts.append(_pair_or_link(pair[0], pair[1]) if may_part else pair)
            sure.append(pair)
    for left, right in pairwise(words):
        if korean.ends_in_hangul(left) and korean.is_hangul(right):
            parts.append(_pair_or_link(left[-1], right[0]))
        else:
            parts.append(document_tokens.link(left, right))
    begins = analyser.word_tokens(words[0])[0] if korean.is_hangul(words[0]) else None
    return _question(parts, sure, begins)


def _may_part(place: int, syllables: int) -> bool:
    """Tell whether people may write a space behind the first syllable of a word (키 프레임) or before its last (제로 샷)."""
    return (place == 0 and syllables >= _CLOSED_UP_FROM) or (place == syllables - 2 and syllables > 2)


def _is_one_syllable(word: str) -> bool:
    return len(word) == 1 and korean.is_hangul(word)


def _pair_or_link(left: str, right: str) -> Wanted:
    found = any_of([left + right, document_tokens.link(left, right)])
    assert found is not None
    return found


def _question(parts: Sequence[Wanted], sure: Sequence[str], begins: str | None = None) -> Question:
    """Make the question of the tokens and links that a form has, and of the tokens that it surely has.

    `begins` is the pair of syllables that begins its first word: in a title it must begin one, for inside of a longer word
    it counts little.
    """
    anywhere = AllOf(tuple(dict.fromkeys(parts)), phrase=True)
    own = tuple(dict.fromkeys(sure))
    again, often = (
        AllOf(tuple(token + mark for token in own), phrase=True) if own else anywhere
        for mark in (document_tokens.AGAIN, document_tokens.OFTEN)
    )
    titled = marked(anywhere, document_tokens.TITLED)
    if begins is not None and len(begins) > 1:
        titled = all_of([begins + document_tokens.STARTS, titled]) or titled
    both = marked(anywhere, document_tokens.BOTH)
    return Question(anywhere, titled, both, again, often, titled, again, titled, again, titled)
