"""Build a glossary from texts in one call, for archives that fit in memory."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from bot.search import index, term_induction, term_mentions, term_resolver
from bot.search.engine import Engine
from bot.text import seed
from storage import models


def index_texts(texts: Iterable[str], *, as_titles: bool = False) -> Engine:
    """Return the search engine of papers with one text each, whose ids count from 0."""
    return Engine(
        index.index_in_memory(
            models.IndexDocument(
                id=number,
                key="",
                title=text if as_titles else None,
                sections=() if as_titles else (models.Section(None, text),),
                abstract=None,
                keywords=(),
                votes=None,
                days=(date(2026, 1, 1),),
                institutions=(),
            )
            for number, text in enumerate(texts)
        )
    )


def learn(texts: Sequence[str], terms: Iterable[seed.SeedTerm]) -> list[term_resolver.LearntForm]:
    """Return the forms that texts (one per paper) explain."""
    counts = Counter(mention for text in texts for mention in term_mentions.extract_mentions(text))
    return term_induction.learn(counts.items(), terms, index_texts(texts))


def build_glossary(
    texts: Sequence[str], terms: Iterable[seed.SeedTerm], decisions: Iterable[term_resolver.Decision] = ()
) -> term_resolver.Glossary:
    """Return a glossary of the seed terms and the forms learnt from texts (one per paper)."""
    known = list(terms)
    return term_resolver.Glossary(known, term_resolver.LearntTerms(learn(texts, known)), decisions)
