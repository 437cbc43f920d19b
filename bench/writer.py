"""Benchmarks of the writer against the fake model, which is a process of its own: checks, time, memory, the event loop."""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psutil
from aiohttp import web

from bench import figures
from bench.figures import Figure
from bot.app import container
from bot.archive import parse
from bot.core import logs
from bot.core.settings import Settings
from bot.writer import drafting, paper_text
from storage import models
from tests.fake_model import process
from tests.support import paper_pages

DAY = date(2026, 11, 18)
FAULTY = {"paper_count": 100, "fault_share": 0.2, "wrong_share": 0.1, "is_stubborn": True}
"""A fifth of the calls fail, and one number in ten is wrong, in the repair again."""
TIMED = {"paper_count": 50, "delay": 2.0}
"""A model of a real size takes longer for a paper."""
PAGE_BYTES = 5_000_000
FORMATS = (models.DigestFormat.NEWSLETTER, models.DigestFormat.REVIEW)


@asynccontextmanager
async def _open(folder: str, url: str) -> AsyncIterator[container.Container]:
    settings = Settings.model_validate(
        {
            "database_url": f"sqlite+aiosqlite:///{folder}/paperround.db",
            "hf_endpoint": url,
            "arxiv_html_url": f"{url}/html",
            "fetch_allow": url.removeprefix("http://"),
            "writer_url": f"{url}/v1",
            "writer_model": process.MODEL,
        }
    )
    async with container.open_container(settings) as opened:
        yield opened


async def _write(
    opened: container.Container, form: models.DigestFormat, language: models.Locale, file: Path
) -> tuple[dict[str, int], str]:
    """Return the counts of a run and what it printed."""
    async with container.open_writer(opened, opened.create_ingest()) as writer:
        counts, _ = await writer.write(DAY, form, language, file=file, on_problem=lambda _: None)
    return counts, file.read_text("utf-8")


async def measure_faults(model: process.FakeModelProcess) -> list[Figure]:
    """Return what became of papers and numbers with a faulty model, for both formats in both languages."""
    lost = failed = wrong = planted_count = true_count = kept = unread = most_calls = 0
    with tempfile.TemporaryDirectory() as folder:
        async with _open(folder, model.url) as opened:
            for form in FORMATS:
                for language in models.Locale:
                    model.reset(**FAULTY)
                    counts, text = await _write(opened, form, language, Path(folder, f"{form}-{language}.md"))
                    answers = _first_answers(model.log())
                    planted = {claim for row in model.log() for claim in row.get("planted", ())}
                    numbered = [
                        claim
                        for row in answers.values()
                        for claim in row["texts"]
                        if claim not in planted and any(map(str.isdecimal, claim))
                    ]
                    planted_count += len(planted)
                    wrong += sum(claim in text for claim in planted)
                    true_count += len(numbered)
                    kept += sum(claim in text for claim in numbered)
                    [digest] = parse.parse_text(text)
                    lost += counts["papers"] - len(digest.entries)
                    failed += counts["failed"]
                    unread += len(digest.problems)
                    most_calls = max(most_calls, counts["calls"])
    return [
        Figure(f"wrong numbers printed, of {planted_count} planted", wrong, "claims", max_value=0),
        Figure(
            f"true numbers dropped, of {true_count}", true_count - kept, "claims", max_value=true_count / 100
        ),
        Figure("papers missing in what is printed, of 400", lost, "papers", max_value=0),
        Figure("papers whose four calls all failed, printed as extracts", failed, "papers", max_value=4),
        Figure("problems of the parsers with what is printed", unread, "problems", max_value=0),
        Figure("calls for 100 papers with a fifth failing, at most", most_calls, "calls", max_value=400),
    ]


def _first_answers(log: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the first usable answer for each paper."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in log:
        if row["status"] == 200 and row["fault"] is None and not row["repair"]:
            found.setdefault(row["title"], row)
    return found


async def measure_run(model: process.FakeModelProcess) -> list[Figure]:
    """Return the time, the memory and the event loop's worst gap of a run over 50 papers."""
    model.reset(**TIMED)
    with tempfile.TemporaryDirectory() as folder:
        async with _open(folder, model.url) as opened:
            idle = _resident_megabytes()
            gaps, watcher = _watch_loop()
            started = time.perf_counter()
            counts, _ = await _write(opened, FORMATS[0], models.Locale.KO, Path(folder, "out.md"))
            seconds = time.perf_counter() - started
            watcher.cancel()
            peak = _peak_megabytes()
    own = math.ceil(counts["calls"] / drafting.CONCURRENCY) * TIMED["delay"]
    return [
        Figure(f"{counts['papers']} papers, {counts['calls']} calls", seconds, "s", own, max_ratio=1.1),
        Figure("memory above idle", peak - idle, "MB", max_value=100),
        *_describe_gaps("papers are written", gaps),
    ]


async def measure_page() -> list[Figure]:
    """Return the event loop's worst gap and the memory of this process while an HTML page of 5 MB is read."""
    with tempfile.TemporaryDirectory() as folder, figures.running_server("bench.writer") as url:
        async with (
            _open(folder, url) as opened,
            container.open_fetcher(opened.settings, opened.clock) as fetch,
        ):
            reader = paper_text.PaperTextReader(
                url, [f"{url}/html"], fetch, now=opened.clock, throttle=_no_throttle
            )
            idle = _resident_megabytes()
            gaps, watcher = _watch_loop()
            seconds = await figures.time_await(reader.read(paper_pages.PAPER_ID, paper_pages.TITLE))
            watcher.cancel()
            grown = _resident_megabytes() - idle
    return [
        Figure("a page of 5 MB", seconds, "s"),
        *_describe_gaps("it is read", gaps),
        Figure("memory kept of it", grown, "MB", max_value=100),
    ]


async def _no_throttle() -> None:
    """Do not wait."""


def _watch_loop() -> tuple[list[tuple[float, float]], asyncio.Task[None]]:
    """Start to measure how long the event loop is held until the task is cancelled: in CPU and wall seconds."""
    gaps = [(0.0, 0.0)]

    async def watch() -> None:
        while True:
            used, due = time.thread_time(), time.perf_counter() + 0.002
            await asyncio.sleep(0.002)
            gaps.append((time.thread_time() - used, time.perf_counter() - due))

    return gaps, asyncio.create_task(watch())


def _describe_gaps(work: str, gaps: Sequence[tuple[float, float]]) -> list[Figure]:
    """Return the longest gaps. On a busy machine the loop is late without working, so the target is for its CPU time."""
    held, late = (1000 * max(values) for values in zip(*gaps, strict=True))
    return [
        Figure(f"event loop works at once while {work}, at most", held, "ms", max_value=50),
        Figure(f"event loop late while {work}, at most", late, "ms"),
    ]


def _resident_megabytes() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


def _peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


async def _serve() -> None:
    """Serve the page of 5 MB on a free port."""
    sentence = f'<p class="ltx_p">{paper_pages.SENTENCE.format("lantern")}</p>'
    page = paper_pages.latexml_page(sentence * (PAGE_BYTES // len(sentence)))

    async def html(_: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/html/{id}", html)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}", flush=True)
    await asyncio.Event().wait()


async def _measure(model: process.FakeModelProcess) -> None:
    # The memory first: what the other measurements leave would hide it.
    for figure in [*await measure_run(model), *await measure_page(), *await measure_faults(model)]:
        figures.show(figure)


def main() -> None:
    """Print the figures."""
    if sys.argv[1:] == ["serve"]:
        asyncio.run(_serve())
        return
    logs.configure("console:error")
    with tempfile.TemporaryDirectory() as folder, process.FakeModelProcess(Path(folder)) as model:
        asyncio.run(_measure(model))


if __name__ == "__main__":
    main()
