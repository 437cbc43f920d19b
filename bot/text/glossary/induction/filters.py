"""Filters of Korean forms of an English term: by coverage, length, other senses, and co-occurrence in papers."""

from __future__ import annotations

from bot.text.analysis import term_keys
from bot.text.glossary.induction import cooccurrence, evidence

_MIN_COVERAGE = 1 / 3
_MIN_BACK_PROBABILITY = 0.34
_SUFFICIENT_PAPERS = 4


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


def cooccurs_with_term(
    pair: evidence.TermPair, papers: int, counter: cooccurrence.CooccurrenceCounter
) -> bool:
    """Require a frequent word to be in the same papers as its English term more often than by chance."""
    frequency = counter.korean_counts[pair.korean]
    if frequency <= 4 * papers + 1 or not counter.papers:
        return True
    one_word = len(term_keys.content_words(pair.english)) == 1
    if papers > 1 and frequency <= 25 * papers:
        return True
    needed = (6.0 if one_word else 3.0) if papers == 1 else (4.0 if one_word else 2.0)
    further_papers = max(0, counter.pair_counts[pair] - papers)
    by_chance = (frequency - papers) * counter.english_counts[pair.english] / counter.papers
    return further_papers >= needed * by_chance and further_papers > 0
