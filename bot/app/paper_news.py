"""The jobs around saved papers: the sweep over arXiv and Hugging Face, and the planning of the weekly message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog
from aiolimiter import AsyncLimiter

from bot import isolation
from bot.app import fetching
from bot.app.container import Container
from bot.services.news import planner, sweep
from bot.services.polling import registry
from bot.sources import paper_watch
from storage.models import SourceKind

log = structlog.get_logger(__name__)

INTERVAL = timedelta(minutes=15)


@asynccontextmanager
async def open_jobs(
    container: Container, *, on_planned: Callable[[], None]
) -> AsyncIterator[list[tuple[Callable[[], Awaitable[None]], timedelta]]]:
    """Yield the job with its interval. `on_planned` is called after messages were planned."""
    async with fetching.open_fetcher(container.settings, container.clock) as fetch:
        reader = paper_watch.PaperWatch(
            fetch,
            registry.service_endpoints(container.settings),
            container.source_throttles[SourceKind.ARXIV],
            AsyncLimiter(1, paper_watch.HUGGINGFACE_SECONDS).acquire,
        )
        sweeper = sweep.PaperSweep(container.database, container.clock, reader)
        news = planner.NewsPlanner(
            container.database,
            container.clock,
            container.deliveries,
            locale=container.locale,
            timezone=container.settings.timezone,
        )

        async def job() -> None:
            # Cancelled when the run ends; APScheduler would log that with a traceback.
            with suppress(asyncio.CancelledError), isolation.isolated(log, "news of saved papers failed"):
                if found := await sweeper.run():
                    log.info("news of saved papers found", count=found)
                if planned := await news.run():
                    log.info("news of saved papers planned", count=planned)
                    on_planned()

        yield [(job, INTERVAL)]
