"""Reads a file of references in a process of its own, with little memory and time: the file may be made to take more."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Sequence

from bot import child_process
from bot.errors import PaperroundError
from bot.services.shelf import reference_parser
from bot.services.shelf.reference_parser import Reference
from bot.sources.http import charset
from bot.sources.http.errors import FetchError
from bot.time_slices import TimeSlices

MAX_SECONDS = 40.0
_MAX_CPU_MINUTES = 0.5
_MAX_MEGABYTES = 400
_ANSWER_MARK = b"\n--answer--\n"
_REFERENCES_PER_LINE = 50


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
    return await parse_answer(output)


async def parse_answer(output: bytes) -> tuple[list[Reference], list[str], int]:
    """Return the answer of the process, parsed in slices: in a thread, one call would hold the interpreter as long."""
    slices = TimeSlices()
    lines = io.BytesIO(output)
    lines.seek(output.rindex(_ANSWER_MARK) + len(_ANSWER_MARK))
    answer = json.loads(lines.readline())
    if "reason" in answer:
        raise UnreadableFileError(answer["reason"])
    references: list[Reference] = []
    for line in lines:
        references += json.loads(line)
        await slices.pause()
    return references, answer["problems"], answer["left_out"]


def format_answer(references: Sequence[Reference], problems: Sequence[str], left_out: int) -> bytes:
    """Return the answer of the process: a line with the problems, then lines with some references each."""
    head = {"problems": problems, "left_out": left_out}
    starts = range(0, len(references), _REFERENCES_PER_LINE)
    lines = (references[start : start + _REFERENCES_PER_LINE] for start in starts)
    return b"\n".join(json.dumps(part).encode() for part in (head, *lines))


def main() -> None:
    """Run the process: read a file from stdin and write its references, or the reason against it, to stdout."""
    request = child_process.read_request()
    child_process.limit_cpu_time(_MAX_CPU_MINUTES)
    try:
        with child_process.memory_limit(_MAX_MEGABYTES):
            text = charset.decode_text(child_process.read_data(request))
            answer = format_answer(*reference_parser.parse_references(text))
    except (reference_parser.NoReferencesError, FetchError) as error:
        answer = _format_reason(str(error))
    except MemoryError:
        answer = _format_reason(f"it cannot be read within {_MAX_MEGABYTES} MB of memory")
    sys.stdout.buffer.write(_ANSWER_MARK + answer)


def _format_reason(text: str) -> bytes:
    return json.dumps({"reason": text}).encode()


if __name__ == "__main__":
    main()
