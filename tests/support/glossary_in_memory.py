"""From papers to a glossary in one call, for archives that fit in memory; storage takes the same steps apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bot.text.analysis import analyser
from bot.text.glossary.extraction import mentions
from bot.text.glossary.induction import build, evidence
from bot.text.glossary.model import seed
from bot.text.glossary.resolution import resolver


def count_mentions(texts: Iterable[str]) -> list[evidence.MentionCount]:
    """Count the mentions of texts, one a paper."""
    counted = Counter(mention for text in texts for mention in mentions.extract_mentions(text))
    return [evidence.MentionCount(mention, papers) for mention, papers in counted.items()]


def build_glossary(texts: list[str], terms: Iterable[seed.SeedTerm]) -> resolver.Glossary:
    """Make the glossary of texts, one a paper, beginning with the terms of a starting list."""
    made = build.draft_glossary(count_mentions(texts), terms)
    seen = made.cooccurrence_counter()
    for text in texts:
        seen.add(analyser.canonicalise(text))
    return resolver.Glossary(build.build_concepts(made, seen), made.senses, made.mention_evidence.table)
