"""Reads a file of references in a process of its own, with little memory and time: the file may be made to take more."""

from __future__ import annotations

import asyncio
import json
import sys

from bot import child_process
from bot.errors import PaperroundError
from bot.services.shelf import reference_parser
from bot.services.shelf.reference_parser import Reference
from bot.sources.http import charset
from bot.sources.http.errors import FetchError

MAX_SECONDS = 40.0
_MAX_CPU_MINUTES = 0.5
_MAX_MEGABYTES = 400
_ANSWER_MARK = b"\n--answer--\n"


class UnreadableFileError(PaperroundError):
    """A file that holds no references, or that takes too much time or memory to read."""


async def read_references(data: bytes) -> tuple[list[Reference], list[str], int]:
    """Return what `reference_parser.parse_references` returns for a file. Raises UnreadableFileError."""
    try:
        async with asyncio.timeout(MAX_SECONDS):
            status, output = await child_process.run(__name__, {}, data)
    except TimeoutError as error:
        raise UnreadableFileError("reading it took too long") from error
    if status:
        raise UnreadableFileError(
            f"the process that read it ended with {child_process.describe_exit(status)}"
        )
    answer = await asyncio.to_thread(json.loads, output.rpartition(_ANSWER_MARK)[2])
    if "reason" in answer:
        raise UnreadableFileError(answer["reason"])
    return answer["references"], answer["problems"], answer["left_out"]


def main() -> None:
    """Run the process: read a file from stdin and write its references, or the reason against it, to stdout."""
    request = child_process.read_request()
    child_process.limit_memory(_MAX_MEGABYTES)
    child_process.limit_cpu_time(_MAX_CPU_MINUTES)
    try:
        text = charset.decode_text(child_process.read_data(request))
        references, problems, left_out = reference_parser.parse_references(text)
        answer = {"references": references, "problems": problems, "left_out": left_out}
    except (reference_parser.NoReferencesError, FetchError) as error:
        answer = {"reason": str(error)}
    except MemoryError:
        answer = {"reason": f"it cannot be read within {_MAX_MEGABYTES} MB of memory"}
    sys.stdout.buffer.write(_ANSWER_MARK + json.dumps(answer).encode())


if __name__ == "__main__":
    main()
