"""Small archives of newsletters, stored through the ingest service."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.archive.ingest import IngestService
from bot.demo import sample_digests
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import migrate
from storage.database import Database

NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class NewsletterPaper:
    arxiv_id: str
    title: str
    text: str
    votes: int | None = 10
    authors: Sequence[str] = ("Ada Lovelace",)


def make_paper(
    number: int, title: str, text: str, votes: int | None = 10, authors: Sequence[str] = ("Ada Lovelace",)
) -> NewsletterPaper:
    """Return a paper of January 2025, whose id ends in a number."""
    return NewsletterPaper(f"2501.{number:05}", title, text, votes, authors)


def newsletter(date: str, papers: Iterable[NewsletterPaper]) -> str:
    entries = (
        f"### [{paper.title}](https://arxiv.org/abs/{paper.arxiv_id})\n\n"
        f"Vote: {'-' if paper.votes is None else paper.votes}\n\nAuthors: {', '.join(paper.authors)}\n\n"
        f"- ***What's New***: {paper.text}\n"
        for paper in papers
    )
    return "\n".join((f"## Daily Papers ({date})\n", *entries))


def make_ingest(database: Database) -> IngestService:
    """Return an ingest service without alerts."""
    return IngestService(database, lambda: NOW)


async def add_digest(database: Database, date: str, *papers: NewsletterPaper) -> None:
    """Ingest a newsletter. A second one with the same date is a correction."""
    await make_ingest(database).add_text(newsletter(date, papers), location=f"{date}.md")


async def search_over(database: Database, *papers: NewsletterPaper) -> SearchService:
    """Ingest a newsletter, and return a search service."""
    await add_digest(database, "2025-01-02", *papers)
    return SearchService(database)


SMALL = NewsletterPaper(
    "2501.00001",
    "TinyTalk: Training a Small Language Model on Clean Data",
    "TinyTalk는 소형 언어 모델(Small Language Model; SLM)을 깨끗한 데이터로 학습합니다.",
    votes=40,
    authors=("Andrés Marafiori", "Jürgen Müller"),
)
REINFORCED = NewsletterPaper(
    "2501.00002",
    "Rewarding Steps: Reinforcement Learning for Planning",
    "강화 학습(Reinforcement Learning; RL)으로 계획을 세웁니다. 강화학습은 보상을 따릅니다.",
    votes=7,
    authors=("Junyang Lin", "Ada Lovelace"),
)
CHEMISTRY = NewsletterPaper("2501.00003", "Molecules in Motion", "화학 반응을 예측하는 모델입니다.", votes=90)


async def store_samples(url: str) -> None:
    """Create a database with the demo's samples up to its first day, and their index."""
    database = await migrate.open_database(url)
    ingest = make_ingest(database)
    for sample in sample_digests.sample_texts():
        if sample.date_on <= NOW.date():
            await ingest.add_text(sample.text, source=sample.source, location=sample.name)
    await SearchService(database).search(SearchRequest("index"))
    await database.close()
