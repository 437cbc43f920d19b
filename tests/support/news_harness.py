"""Saved papers, services that say what became of them, and the sweep and planner of news, on a database."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory
from bot.shelf import news
from bot.shelf.news import NewsPlanner, PaperSweep, PaperWatch
from bot.sources import base
from storage import models, outbox, shelf
from storage.database import Database
from storage.models import NewsKind
from tests.support import paper_records

SAVED_AT = datetime(2026, 1, 7, 12, tzinfo=UTC)
"""A Wednesday."""
WEEK = timedelta(days=7)
Told = tuple[str, str, str]
"""The arXiv id, the kind and the value of news."""


def monday(week: int) -> datetime:
    """The Monday that begins the `week`th week after SAVED_AT, at noon."""
    return SAVED_AT + week * WEEK - timedelta(days=2)


class FakeServices(PaperWatch):
    """What arXiv and Hugging Face say of papers, set by a test, and what they were asked."""

    def __init__(self) -> None:
        self.arxiv: dict[str, tuple[dict[NewsKind, str], datetime | None]] = {}
        self.huggingface: dict[str, dict[NewsKind, str]] = {}
        self.batches: list[list[str]] = []
        self.asked: list[str] = []
        self.is_down = False
        self.most = 100
        """Papers whose answer by arXiv is not too large."""
        self.refused: set[str] = set()
        """What arXiv refuses a request for, and Hugging Face fails for."""

    def say(self, arxiv_id: str, at: datetime | None = None, **facts: str) -> None:
        """Let arXiv say this of a paper, whose last version is of `at`."""
        self.arxiv[arxiv_id] = {NewsKind(name): value for name, value in facts.items()}, at

    async def read_arxiv(
        self, arxiv_ids: Sequence[str]
    ) -> dict[str, tuple[dict[NewsKind, str], datetime | None]]:
        if self.is_down:
            raise base.FetchError("it is down")
        self.batches.append(list(arxiv_ids))
        if len(arxiv_ids) > self.most:
            raise base.AnswerTooLargeError("its feed is larger than 4 MB")
        if self.refused.intersection(arxiv_ids):
            raise base.BadRequestError("an id is not an arXiv id")
        return {id_: self.arxiv[id_] for id_ in arxiv_ids if id_ in self.arxiv}

    async def read_huggingface(self, arxiv_id: str) -> dict[NewsKind, str]:
        if self.is_down:
            raise base.FetchError("it is down")
        self.asked.append(arxiv_id)
        if arxiv_id in self.refused:
            raise base.FetchError("it is broken")
        return self.huggingface.get(arxiv_id, {})


class NewsHarness:
    """A sweep and a planner whose messages are recorded; tests move `now`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = SAVED_AT
        self.services = FakeServices()
        self.told: list[tuple[int, models.Locale, list[Told]]] = []
        numbers = itertools.count()
        self.deliveries = DeliveryFactory(lambda: self, lambda: f"n{next(numbers)}")
        self.sweep = PaperSweep(database, lambda: self.now, self.services)
        self.planner = NewsPlanner(
            database, lambda: self.now, self.deliveries, locale=models.Locale.EN, timezone="UTC"
        )
        self.ids: dict[str, int] = {}

    def render_news(self, post: news.NewsPost) -> tuple[contents.RenderedPart, ...]:
        """Record the news; the harness is its own renderer."""
        told = [(arxiv_id, kind.value, value) for arxiv_id, _, kind, value in post.news]
        self.told.append((int(post.marker.split(":")[1]), post.locale, told))
        return (contents.RenderedPart(models.PartKind.MESSAGE, {"content": post.marker}),)

    async def add_papers(self, count: int) -> list[str]:
        """Store papers; returns their arXiv ids."""
        papers = [paper_records.merged_paper(number) for number in range(1, count + 1)]
        self.ids = await paper_records.add_papers(self.database, *papers)
        return list(self.ids)

    async def save(self, user_id: int, *arxiv_ids: str) -> None:
        async with self.database.transaction() as connection:
            paper_ids = [self.ids[arxiv_id] for arxiv_id in arxiv_ids]
            await shelf.save(connection, user_id, paper_ids, self.now, None)

    async def run(self, now: datetime | None = None) -> list[Told]:
        """Sweep and plan at a time; returns what was told then."""
        self.now, count = now or self.now, len(self.told)
        await self.sweep.run()
        await self.planner.run()
        return [news for _, _, told in self.told[count:] for news in told]

    async def list_deliveries(self) -> list[models.Delivery]:
        async with self.database.read() as connection:
            return await outbox.list_rows(connection, kind=models.DeliveryKind.NEWS)
