"""Builds a glossary from texts in one call, for archives that fit in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bot.glossary import induction, resolver
from bot.text import analyser, seed


def count_mentions(texts: Iterable[str]) -> list[induction.MentionCount]:
    """Return the mention counts of texts, one text per paper."""
    counts = Counter(mention for text in texts for mention in induction.extract_mentions(text))
    return list(counts.items())


def build_glossary(texts: list[str], terms: Iterable[seed.SeedTerm]) -> resolver.Glossary:
    """Return the glossary of texts, one text per paper, and of the seed terms."""
    draft = induction.draft_glossary(count_mentions(texts), terms)
    counter = draft.cooccurrence_counter()
    for text in texts:
        counter.add("", analyser.canonicalise(text))
    return resolver.Glossary(induction.induce(draft, counter))
