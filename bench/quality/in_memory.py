"""A search over all papers in memory: the plain truth of our ranking, with which the stored one must agree."""

from __future__ import annotations

from collections.abc import Sequence

from bench.quality import corpus
from bot.text import query_parser, scoring
from bot.text.analysis import analyser, latex
from bot.text.glossary.model import seed
from bot.text.glossary.resolution import resolver
from bot.text.matching import term_variants
from tests.support import glossary_in_memory


class InMemorySearch:
    """Scores every paper for every query."""

    def __init__(self, papers: Sequence[corpus.Paper], glossary: resolver.Glossary) -> None:
        self.glossary = glossary
        self._papers = [
            (
                paper,
                analyser.canonicalise(latex.to_plain_text(paper.title)),
                analyser.canonicalise(paper.body),
            )
            for paper in papers
        ]

    def search(self, typed: str, limit: int) -> list[str]:
        """Return the ids of the best papers."""
        asked = query_parser.parse_query(typed)
        ranked = scoring.Scorer(self.glossary.expand(asked.text), asked.phrases, asked.excluded)
        scored = []
        for paper, title, body in self._papers:
            # A document caches matches, so each search makes its own.
            document = term_variants.Document(title, body, paper.votes, paper.published_on)
            score = ranked.score(document)
            if score is not None:
                scored.append((score, paper.arxiv_id))
        return [arxiv_id for _, arxiv_id in scoring.rank(scored, limit)]


def build_glossary(papers: Sequence[corpus.Paper], terms: Sequence[seed.SeedTerm]) -> resolver.Glossary:
    """Make the glossary of papers."""
    return glossary_in_memory.build_glossary(
        [f"{latex.to_plain_text(paper.title)}\n{paper.body}" for paper in papers], terms
    )
