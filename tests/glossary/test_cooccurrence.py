"""Document frequencies of terms and term pairs."""

from __future__ import annotations

from bot.glossary import induction
from bot.text import analyser

PAIR = induction.TermPair("강화학습", "reinforc learn")


def test_terms_and_pairs_are_counted_once_per_paper() -> None:
    counter = induction.CooccurrenceCounter([PAIR], {PAIR.english: ["rl"]})
    for text in ("강화 학습과 강화학습은 RL이다", "강화학습", "Reinforcement learning", "다른 글"):
        counter.add(analyser.canonicalise(text))
    assert counter.papers == 4
    assert counter.korean_counts[PAIR.korean] == 2
    assert counter.english_counts[PAIR.english] == 2
    assert counter.pair_counts[PAIR] == 1
