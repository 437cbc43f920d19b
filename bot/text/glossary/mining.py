"""From papers to a glossary in one call, for archives that fit in memory; storage takes the same steps apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bot.text import analyser
from bot.text.glossary import drafting, evidence, mentions, resolution, seed


def count(texts: Iterable[str]) -> list[evidence.MentionCount]:
    """Count the mentions of texts, one a paper."""
    counted = Counter(mention for text in texts for mention in mentions.extract(text))
    return [evidence.MentionCount(mention, papers) for mention, papers in counted.items()]


def mine(texts: list[str], terms: Iterable[seed.Term]) -> resolution.Glossary:
    """Make the glossary of texts, one a paper, beginning with the terms of a starting list."""
    made = drafting.draft(count(texts), terms)
    seen = made.questions()
    for text in texts:
        seen.add(analyser.canonical(text))
    return resolution.Glossary(drafting.finish(made, seen), made.readings, made.found.table)
