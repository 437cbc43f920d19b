"""Filters of Korean forms of an English term: by coverage, length, other senses, and the papers that confirm them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.text.analysis import term_keys
from bot.text.glossary.induction import cooccurrence, evidence

_MIN_COVERAGE = 1 / 3
_MIN_BACK_PROBABILITY = 0.34
_SUFFICIENT_PAPERS = 4
_MIN_WORD_SHARES = (0.4, 0.2, 0.12)
"""Smallest share of a form's papers that have another form of a single word, if up to one, three or more papers explain it."""
_MIN_PHRASE_SHARES = (0.25, 0.12, 0.08)
_MIN_FREQUENCY = 8
"""Papers with a Korean form from which their share decides."""
_VERB_ENDING = re.compile(
    r"(?:하|되|시키|이)는$|[하되]기$|(?:하여|하고|하며|되어|하다|된다)$|[가-힣](?:된|한)$"
)
_DIGIT = re.compile("[0-9]")


def is_plausible(pair: evidence.TermPair, gloss: evidence.PairEvidence, total_papers: int) -> bool:
    """Judge a pair by its own evidence; `total_papers` is the number of papers with this Korean form for any term."""
    content = len(term_keys.content_words(pair.english))
    return (
        _is_covered(gloss, content, len(pair.korean))
        and _is_long_enough(pair.korean, content)
        and gloss.papers >= _MIN_BACK_PROBABILITY * total_papers
    )


def _is_covered(gloss: evidence.PairEvidence, content: int, syllables: int) -> bool:
    """Require aligned words, fewer the more papers there are.

    Where no word aligns, as many words as the English term has suffice, or one closed-up word of that length.
    """
    if gloss.papers >= _SUFFICIENT_PAPERS:
        return True
    if gloss.papers == 1 and gloss.abbreviated_papers and gloss.coverage < 1 / 2:
        return False
    if gloss.coverage >= _MIN_COVERAGE:
        return gloss.papers >= 2 or abs(gloss.word_count - gloss.expected_words) <= 1
    is_closed_up = gloss.word_count == 1 and syllables >= 2 * max(content, gloss.expected_words)
    return gloss.coverage == 0 and (gloss.word_count == gloss.expected_words or is_closed_up)


def _is_long_enough(korean: str, content: int) -> bool:
    """Require two syllables per English word, with one or two less allowed: 학습 is not supervised fine-tuning."""
    syllables = len(korean)
    return syllables >= max(1, 2 * content - (1 if content <= 2 else 2))


def is_subsumed_by(
    pair: evidence.TermPair, gloss: evidence.PairEvidence, subsuming: evidence.TermPair, papers: int
) -> bool:
    """Tell whether a Korean form rather translates a term contained in the English one: 선호도 최적화 is not *direct* PO.

    `papers` explain the form by the shorter term `subsuming`; a much better supported longer term remains.
    """
    longer, shorter = set(pair.english.split()), set(subsuming.english.split())
    return shorter < longer and gloss.coverage < 1 and gloss.papers <= 3 * papers


def is_term(pair: evidence.TermPair) -> bool:
    """Tell whether a Korean form can be a term: of two syllables or more, without a verb's ending or foreign digits."""
    return (
        len(pair.korean) > 1
        and not _VERB_ENDING.search(pair.korean)
        and set(_DIGIT.findall(pair.korean)) <= set(_DIGIT.findall(pair.english))
    )


def is_confirmed(pair: evidence.TermPair, papers: int, counter: cooccurrence.CooccurrenceCounter) -> bool:
    """Require that papers with a Korean form have another form of the term too, the more the fewer explain it."""
    if counter.korean_counts[pair.korean] < _MIN_FREQUENCY:
        return _is_likelier_than_chance(pair, papers, counter)
    is_word = len(term_keys.content_words(pair.english)) == 1
    shares = _MIN_WORD_SHARES if is_word else _MIN_PHRASE_SHARES
    return counter.share(pair) >= shares[min(papers, _SUFFICIENT_PAPERS) // 2]


def _is_likelier_than_chance(
    pair: evidence.TermPair, papers: int, counter: cooccurrence.CooccurrenceCounter
) -> bool:
    """Require a form in few papers to be in the papers of its term more often than by chance."""
    frequency = counter.korean_counts[pair.korean]
    if frequency <= 4 * papers + 1:
        return True
    needed = 3.0 if papers > 1 else 6.0
    by_chance = (frequency - papers) * counter.english_counts[pair.english] / counter.papers
    further_papers = counter.pair_counts[pair] - papers
    return further_papers > 0 and further_papers >= needed * by_chance


def confirmed_translations(
    pair: evidence.TermPair, counter: cooccurrence.CooccurrenceCounter
) -> Iterator[tuple[str, str]]:
    """Yield (word, translation) in each direction in which most papers of the translation have the word too."""
    if counter.pair_counts[pair] > 1:
        if counter.share(pair) >= _MIN_WORD_SHARES[0]:
            yield pair.english, pair.korean
        if counter.share_of_english(pair) >= _MIN_WORD_SHARES[0]:
            yield pair.korean, pair.english
