"""`python -m bench.hostile.text`: what hostile texts cost each function that reads foreign text, and the attacks that were found.

`PYTHONPATH` of another checkout measures that one, as far as it has the functions.
"""

from __future__ import annotations

import logging
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import partial
from types import FrameType

from bot.archive import parse
from bot.shelf import references
from bot.text import typography
from bot.writer import claim_numbers, paper_text
from tests.support import digest_builders, foreign_text

LENGTH = 100_000
_MAX_SECONDS = 3.0
_WORST = 20
_RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    ' xmlns:z="http://www.zotero.org/namespaces/export#" xmlns:bib="http://purl.org/net/biblio#"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
)


class _TooLongError(BaseException):
    """The limit of a measurement; no reader catches it."""


def measure(run: Callable[[], object], limit: float) -> tuple[float, bool]:
    """Return the CPU seconds of a call, and whether it was ended at the limit."""
    signal.signal(signal.SIGVTALRM, _end)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    started, ended = time.process_time(), False
    try:
        run()
    except _TooLongError:
        ended = True
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return time.process_time() - started, ended


def _end(_number: int, _frame: FrameType | None) -> None:
    raise _TooLongError


def _titles(piece: str) -> str:
    papers = [(f"2505.{number:05}", 3) for number in range(600)]
    text = digest_builders.newsletter(date(2025, 5, 6), papers)
    return text.replace("[Paper ", f"[{piece * (160 // len(piece))} ")


def _shared(reference: str, shared: str) -> str:
    items = f"<bib:Article><z:itemType>j</z:itemType>{reference}</bib:Article>" * 8_000
    return f"{_RDF}{items}{shared}</rdf:RDF>"


def list_attacks() -> dict[str, Callable[[], object]]:
    """Return the attacks that were found, by what they are."""
    comments = "<!--" * 60_500
    journal = '<bib:Journal rdf:about="#c"><dc:title>' + "<a>x</a>" * 100_000 + "</dc:title></bib:Journal>"
    note = '<bib:Memo rdf:about="#c"><rdf:value>' + "x &amp;lt; y " * 100_000 + "</rdf:value></bib:Memo>"
    attacks: dict[str, Callable[[], object]] = {
        "1,000 characters of sizes": lambda: claim_numbers.SourceNumbers("1K, 2M, " * 125),
        "100 KB of sizes": lambda: claim_numbers.SourceNumbers("1K, 2M, " * 12_500),
        "242 KB of open comments": lambda: paper_text.clean_markdown(comments),
        "a journal of 8,000 references": lambda: references.parse_references(
            _shared('<dcterms:isPartOf rdf:resource="#c"/>', journal)
        ),
        "a note of 8,000 references": lambda: references.parse_references(
            _shared('<dcterms:isReferencedBy rdf:resource="#c"/>', note)
        ),
        "100 KB of $x$ in one field": lambda: typography.decode_field("$x$" * 33_000),
    }
    for piece in ("plain ", "\\textbf{a}", "\\'{e}", "$\\frac$ "):
        text = _titles(piece)
        attacks[f"titles of 600 papers: {piece}"] = partial(_read_titles, text)
    return attacks


def _read_titles(text: str) -> None:
    """Do with titles what an ingest does: the parser, and three readers of each title."""
    for digest in parse.parse_text(text):
        for entry in digest.entries:
            for _ in range(3):
                typography.to_plain_text(entry.title or "")


class _Counter(logging.Handler):
    """Counts the lines of a log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = 0

    def emit(self, _record: logging.LogRecord) -> None:
        self.lines += 1


def main() -> None:
    """Print the figures: first the attacks, each at most 40 seconds, then the slowest readers and shapes."""
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    counter = _Counter()
    logging.getLogger().addHandler(counter)
    for name, run in list_attacks().items():
        lines, (seconds, ended) = counter.lines, measure(run, 40.0)
        rest = f"{counter.lines - lines:,} log lines" if counter.lines > lines else ""
        print(f"{name:<40} {'>' if ended else ' '}{seconds:7.2f} CPU s  {rest}".rstrip(), flush=True)
    print(f"{'largest memory of all':<40} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:8} MB")
    if "--attacks" in sys.argv:
        return
    found: list[tuple[float, str, str]] = []
    for name, read in foreign_text.list_readers().items():
        with suppress(Exception):
            read("warm")
        for shape, write in foreign_text.SHAPES.items():
            text = write(LENGTH)
            with suppress(Exception):
                seconds, _ = measure(partial(read, text), _MAX_SECONDS)
                found.append((seconds, name, shape))
    found.sort(reverse=True)
    slow = sum(seconds > 0.5 for seconds, _, _ in found)
    print(f"\n{len(found):,} pairs of reader and shape at {LENGTH:,} characters: {slow} over 0.5 CPU s")
    for seconds, name, shape in found[:_WORST]:
        print(f"{seconds:7.2f}  {name}: {shape}")


if __name__ == "__main__":
    main()
