"""Builds a glossary from texts in one call, for archives that fit in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bot.text.analysis import analyser
from bot.text.glossary.extraction import mentions
from bot.text.glossary.induction import build, evidence
from bot.text.glossary.model import seed
from bot.text.glossary.resolution import resolver


def count_mentions(texts: Iterable[str]) -> list[evidence.MentionCount]:
    """Return the mention counts of texts, one text per paper."""
    counts = Counter(mention for text in texts for mention in mentions.extract_mentions(text))
    return list(counts.items())


def build_glossary(texts: list[str], terms: Iterable[seed.SeedTerm]) -> resolver.Glossary:
    """Return the glossary of texts, one text per paper, and of the seed terms."""
    draft = build.draft_glossary(count_mentions(texts), terms)
    counter = draft.cooccurrence_counter()
    for text in texts:
        counter.add(analyser.canonicalise(text))
    return resolver.Glossary(
        build.build_concepts(draft, counter), draft.senses, draft.confirmed_table(counter)
    )
