"""Builds the writer of digests, with its model and the sources that it reads papers from."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiolimiter import AsyncLimiter

from bot.app import fetching
from bot.app.container import Container
from bot.services.indexing import glossary_service
from bot.services.ingest.service import IngestService
from bot.services.writer import (
    budget,
    calls,
    circuit_breaker,
    draft_writer,
    drafting,
    publication,
    service,
    text_reader,
)
from bot.settings import Settings
from bot.sources import huggingface, language_model, paper_text
from bot.sources.http import fetcher
from storage.database import Database
from storage.outbox import process_lock

_ADVISORY_LOCK_ID = 0x575249544552  # "WRITER" in ASCII
_RETRY_SECONDS = 0.5


def create_lock(database: Database) -> process_lock.ProcessLock:
    """Return the lock of the one process that writes: two would make each call twice."""
    return process_lock.ProcessLock(database, "writer", _ADVISORY_LOCK_ID)


@asynccontextmanager
async def waited_for_lock(database: Database, on_wait: Callable[[], None]) -> AsyncIterator[None]:
    """Hold the lock of the writer; calls `on_wait` once if another process holds it. Raises StorageError."""
    lock = create_lock(database)
    try:
        if not await lock.try_acquire():
            on_wait()
            while not await lock.try_acquire():  # noqa: ASYNC110  # another process releases it
                await asyncio.sleep(_RETRY_SECONDS)
        yield
    finally:
        await lock.release()


@asynccontextmanager
async def open_writer(container: Container, ingest: IngestService) -> AsyncIterator[service.WriterService]:
    """Open the writer for one run, without a model if none is set. Raises UsageError if the client is not installed."""
    async with fetching.open_fetcher(container.settings, container.clock) as fetch:
        source = huggingface.HuggingFaceSource(container.settings.hf_endpoint, fetch, container.day_close)
        publisher = publication.Publisher(container.database, ingest, container.settings.writer_model)
        parts = container.database, container.clock, source, container.templates, ingest, publisher
        settings = container.settings
        if settings.writer_url is None or settings.writer_model is None:
            yield service.WriterService(*parts)
            return
        key = None if settings.writer_key is None else settings.writer_key.get_secret_value()
        async with language_model.open_model(
            settings.writer_url, settings.writer_model, key, container.clock
        ) as model:
            model_calls = _create_calls(container, model)
            writer = await _create_draft_writer(container, model_calls, fetch)
            yield service.WriterService(*parts, writer, model_calls)


def inbox_of(settings: Settings) -> Path | None:
    """Return the folder of the inbox, where a digest is printed as a file that people can edit; None without one."""
    return settings.inbox if settings.inbox is not None and settings.inbox.is_dir() else None


def _create_calls(container: Container, model: language_model.LanguageModel) -> calls.ModelCalls:
    settings = container.settings
    token_budget = budget.TokenBudget(
        container.database,
        container.clock,
        daily=settings.writer_daily_tokens,
        monthly=settings.writer_monthly_tokens,
    )
    breaker = circuit_breaker.CircuitBreaker(time.monotonic, asyncio.sleep)
    return calls.ModelCalls(container.database, model, token_budget, breaker)


async def _create_draft_writer(
    container: Container, model_calls: calls.ModelCalls, fetch: fetcher.Fetcher
) -> draft_writer.DraftWriter:
    reader = paper_text.PaperTextReader(
        container.settings.hf_endpoint,
        container.settings.arxiv_html_url,
        fetch,
        now=container.clock,
        throttle=AsyncLimiter(1, paper_text.SECONDS_PER_REQUEST).acquire,
    )
    async with container.database.read() as connection:
        glossary = await glossary_service.GlossaryService(container.database).get_current(connection)
    return draft_writer.DraftWriter(
        container.database,
        container.clock,
        drafting.Drafter(model_calls, container.clock, sleep=asyncio.sleep, random=random.random),
        text_reader.TextReader(container.database, reader, container.clock).read,
        glossary,
    )
