"""Exhaustive search in memory: the reference ranking, with which search in a database should agree."""

from __future__ import annotations

from collections.abc import Sequence

from bench.quality import corpus
from bot.glossary import resolver
from bot.search import scoring
from bot.text import analyser, query_parser, seed, term_keys, typography
from tests.support import glossary_in_memory

_MAX_PARTIAL_MATCHES = 10


class InMemorySearch:
    """A search that scores every paper for every query."""

    def __init__(self, papers: Sequence[corpus.Paper], glossary: resolver.Glossary) -> None:
        self.glossary = glossary
        self._papers = [
            (
                paper,
                analyser.canonicalise(typography.to_plain_text(paper.title)),
                analyser.canonicalise(paper.body),
            )
            for paper in papers
        ]

    def search(self, text: str, limit: int) -> list[str]:
        """Return the arXiv ids of the best papers."""
        query = query_parser.parse_query(text)
        scorer = scoring.Scorer(self.glossary.expand(query.text), query.phrases, query.excluded)
        scored = []
        for paper, title, body in self._papers:
            # A document caches matches, so each search makes its own.
            document = term_keys.Document(title, body, paper.votes, paper.published_on)
            score = scorer.score(document)
            if score is not None:
                scored.append((score, paper.arxiv_id))
        ranked = sorted(scored, key=lambda pair: pair[0].sort_key, reverse=True)
        complete = sum(score.is_complete for score, _ in ranked)
        return [arxiv_id for _, arxiv_id in ranked[: min(limit, complete or _MAX_PARTIAL_MATCHES)]]


def build_glossary(papers: Sequence[corpus.Paper], terms: Sequence[seed.SeedTerm]) -> resolver.Glossary:
    """Induce the glossary of papers."""
    return glossary_in_memory.build_glossary(
        [f"{typography.to_plain_text(paper.title)}\n{paper.body}" for paper in papers], terms
    )
