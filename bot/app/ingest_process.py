"""Ingests a large file of the inbox in a process of its own, so that neither its memory nor its work is the bot's.

The process opens the database itself, as `paperround ingest` does. Its memory is limited: a file that takes more is refused.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot import child_process, isolation
from bot.app.container import Container
from bot.clock import Clock
from bot.services.ingest import files
from bot.services.ingest.results import IngestResult
from bot.services.ingest.service import IngestService
from bot.settings import Settings
from storage import errors as storage_errors
from storage import migrate, models

log = structlog.get_logger(__name__)

MAX_MEGABYTES = 320
"""Limit of the data segment of the process, of which the interpreter and the modules are about 50."""
MAX_CPU_MINUTES = 15.0
"""Limit of the CPU time of the process. A file of 15 MB with 60,000 papers takes about one minute."""
MAX_PROBLEMS = 1_000
"""Problems of one file that are reported; the log has one line for each."""
_SETTINGS = {"database_url", "alert_days", "expire_hours", "locale", "templates"}
_MAX_OUTPUT = 2_000


async def add_file(container: Container, ingest: IngestService, name: str) -> IngestResult:
    """Store the digests of one file; problems are as in `IngestService.add_files`.

    Raises ChildError if the process failed, and what storing in this process raises.
    """
    if container.database.is_shareable and await asyncio.to_thread(files.is_large, name):
        try:
            return await _add_in_process(container, name)
        except child_process.ChildStartError as error:
            log.warning("a large file is read in this process", file=name, reason=str(error))
    return await ingest.add_file(await asyncio.to_thread(files.read_file, name))


async def _add_in_process(container: Container, name: str) -> IngestResult:
    settings = container.settings.model_dump(mode="json", include=_SETTINGS)
    url = container.database.url.render_as_string(hide_password=False)
    request = {
        "settings": {**settings, "database_url": url},
        "now": container.clock().isoformat(),
        "file": name,
        "megabytes": MAX_MEGABYTES,
        "cpu_minutes": MAX_CPU_MINUTES,
    }
    status, output = await child_process.run(__name__, request)
    text = output.decode("utf-8", "replace").strip()
    if status == 0:
        return _decode_result(json.loads(text.rpartition("\n")[2]))
    reason = child_process.describe_exit(status)
    if status < 0:
        # The system ended it, most likely for its memory or its CPU time; reading it again would end the same way.
        return _refusal(name, f"the process that read it ended with {reason}")
    raise child_process.ChildError(f"the process that read it ended with {reason}: {text[-_MAX_OUTPUT:]}")


def main() -> None:
    """Run the process: read the request from stdin, ingest the file, and write the result to stdout."""
    request = child_process.read_request()
    child_process.limit_cpu_time(request["cpu_minutes"])
    child_process.exit_with_parent()
    failures: list[Exception] = []
    result = None
    with isolation.collected(failures), child_process.memory_limit(request["megabytes"]):
        result = asyncio.run(_ingest(request))
    if result is None:
        [error] = failures
        if isinstance(error, storage_errors.StorageError):
            sys.exit(str(error))
        if not child_process.is_out_of_memory(error):
            raise error
        message = f"it is too large to be read within {request['megabytes']} MB of memory"
        result = _refusal(request["file"], message)
    sys.stdout.write(f"{_encode_result(result)}\n")


async def _ingest(request: dict[str, Any]) -> IngestResult:
    settings = Settings(**request["settings"])
    database = await migrate.open_database(settings.database_url, migrate=False)
    try:
        container = Container(settings, database, _clock_from(datetime.fromisoformat(request["now"])))
        return await container.create_ingest().add_file(files.read_file(request["file"]))
    finally:
        await database.close()


def _clock_from(now: datetime) -> Clock:
    """Return a clock that goes on from the parent's time, which may differ from the system's."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)


def _refusal(name: str, message: str) -> IngestResult:
    return IngestResult(problems=(models.LocatedProblem(name, None, message),))


def _encode_result(result: IngestResult) -> str:
    problems = list(result.problems[:MAX_PROBLEMS])
    if excess := len(result.problems) - len(problems):
        problems.append(models.LocatedProblem(problems[0].location, None, f"it has {excess} more problems"))
    fields = {name: getattr(result, name) for name in IngestResult.__dataclass_fields__}
    return json.dumps(
        {
            **fields,
            "arxiv_ids": sorted(result.arxiv_ids),
            "problems": [asdict(problem) for problem in problems],
        }
    )


def _decode_result(fields: dict[str, Any]) -> IngestResult:
    problems = tuple(models.LocatedProblem(**problem) for problem in fields["problems"])
    return IngestResult(**{**fields, "arxiv_ids": frozenset(fields["arxiv_ids"]), "problems": problems})


if __name__ == "__main__":
    main()
