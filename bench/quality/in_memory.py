"""A search over all papers in memory: the plain truth of our ranking, with which the stored one must agree."""

from __future__ import annotations

from collections.abc import Sequence

from bench.quality import corpus
from bot.text import query_parser, scoring
from bot.text.analysis import latex
from bot.text.glossary.model import seed
from bot.text.glossary.resolution import resolver
from tests.support import glossary_in_memory


class InMemorySearch:
    """Scores every paper for every query."""

    def __init__(self, papers: Sequence[corpus.Paper], glossary: resolver.Glossary) -> None:
        self.glossary = glossary
        self._documents = [
            (
                paper.arxiv_id,
                scoring.analyse_document(
                    latex.to_plain_text(paper.title), paper.body, paper.votes, paper.published_on
                ),
            )
            for paper in papers
        ]

    def search(self, typed: str, limit: int) -> list[str]:
        """Return the ids of the best papers."""
        asked = query_parser.parse_query(typed)
        ranked = scoring.Scorer(self.glossary.expand(asked.text), asked.phrases, asked.excluded)
        scored = [
            (score, paper) for paper, one in self._documents if (score := ranked.score(one)) is not None
        ]
        return [paper for _, paper in scoring.rank(scored, limit)]


def build_glossary(papers: Sequence[corpus.Paper], terms: Sequence[seed.SeedTerm]) -> resolver.Glossary:
    """Make the glossary of papers."""
    return glossary_in_memory.build_glossary(
        [f"{latex.to_plain_text(paper.title)}\n{paper.body}" for paper in papers], terms
    )
