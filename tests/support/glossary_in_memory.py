"""Build a glossary from texts in one call, for archives that fit in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bot.glossary import induction, mentions, resolver
from bot.text import analyser, seed, tokens


class TextEvidence:
    """Counts the texts (one per paper) that contain certain forms."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._documents = [
            tokens.PaperTokens("", tokens.tokenize(analyser.canonicalise(text))) for text in texts
        ]
        self.papers = len(self._documents)

    def count(self, *terms: Sequence[str]) -> int:
        return sum(
            all(any(any(document.count(form)) for form in forms) for forms in terms)
            for document in self._documents
        )


def learn(texts: Sequence[str], terms: Iterable[seed.SeedTerm]) -> list[resolver.LearntForm]:
    """Return the forms that texts (one per paper) explain."""
    counts = Counter(mention for text in texts for mention in mentions.extract_mentions(text))
    return induction.learn(counts.items(), terms, TextEvidence(texts))


def build_glossary(
    texts: Sequence[str], terms: Iterable[seed.SeedTerm], decisions: Iterable[resolver.Decision] = ()
) -> resolver.Glossary:
    """Return a glossary of the seed terms and the forms learnt from texts (one per paper)."""
    known = list(terms)
    return resolver.Glossary(known, resolver.LearntTerms(learn(texts, known)), decisions)
