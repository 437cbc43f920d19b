"""Splits a paper's text (Markdown) into passages: paragraphs, captions, tables and listings, each with its section."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import NamedTuple

import structlog

from bot.archive import arxiv_ids, schemes
from bot.core import isolation
from bot.sources import base
from bot.text import plain
from storage import models

log = structlog.get_logger(__name__)

MAX_PASSAGES = 1_500
_MIN_LENGTH, MAX_LENGTH = 60, 1_200
"""Characters: a shorter block, such as a formula, is joined to the one before, and a longer text is split by sentences."""
_MAX_TABLE_LENGTH = 3_000
_MAX_HEADING_LENGTH = 250
_MAX_CPU_SECONDS, _MAX_MEGABYTES = 30.0, 400
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_BOLD_HEADING = re.compile(r"\*\*([^*\n]{1,80})\*\*:?")
_EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|(?<!_)_++(?!\w)")
_CAPTION = re.compile(
    r"\W{0,4}(?:figure|fig\.?|table|tab\.|algorithm|listing|그림|표|알고리즘)\s?[0-9A-Z]", re.IGNORECASE
)
_TABLE = re.compile(r"^[^\S\n]*+\|.*\|[^\S\n]*$", re.MULTILINE)
_FENCE = re.compile(r"^(?:```|~~~)", re.MULTILINE)


class Passage(NamedTuple):
    """A piece of a paper's text as written. `section` has the nearest headings; `anchor` is its place in arXiv's HTML, or ""."""

    section: str
    text: str
    anchor: str = ""


def split(text: models.PaperText) -> list[Passage]:
    """Return the passages of a paper in order, without its title. Takes linear time."""
    passages: list[Passage] = []
    headings: list[tuple[int, str]] = []
    is_first = True
    for block in _list_blocks(text.text):
        if (heading := _read_heading(block)) is not None:
            is_title = is_first and heading[0] == 1
            headings = [] if is_title else [*(other for other in headings if other[0] < heading[0]), heading]
            is_first = False
            continue
        section = " › ".join(title for _, title in headings[-2:])
        anchors = (arxiv_ids.section_anchor(title) for _, title in reversed(headings))
        anchor = next(filter(None, anchors), "")
        is_whole = bool(_CAPTION.match(block) or _TABLE.search(block) or _FENCE.match(block))
        is_short = len(block) < _MIN_LENGTH and not is_whole
        last = passages[-1] if passages else None
        if is_short and last and last.section == section and len(last.text) < MAX_LENGTH:
            passages[-1] = last._replace(text=f"{last.text}\n\n{block}")
        elif is_whole:
            passages.append(Passage(section, block[:_MAX_TABLE_LENGTH], anchor))
        else:
            passages += (Passage(section, piece, anchor) for piece in _cut(block))
        if len(passages) >= MAX_PASSAGES:
            break
    return [passage for passage in passages if any(map(str.isalpha, passage.text))]


async def split_off_loop(text: models.PaperText) -> list[Passage]:
    """Split a paper off the event loop: a long one in a child process, whose limits on time and memory leave it none."""
    if len(text.text) < base.LARGE_BYTES:
        return await asyncio.to_thread(split, text)
    try:
        rows = await isolation.run_isolated(split, text, seconds=_MAX_CPU_SECONDS, megabytes=_MAX_MEGABYTES)
    except isolation.ChildLimitError as error:
        log.warning("text of a paper not split", paper=text.paper_key, reason=str(error))
        return []
    return [Passage(*row) for row in rows]


def _list_blocks(text: str) -> Iterator[str]:
    """Yield the text between empty lines and headings. A fenced listing is one block."""
    block: list[str] = []
    is_fenced = False
    for line in (*text.splitlines(), ""):
        if _FENCE.match(line):
            is_fenced = not is_fenced
        if not is_fenced and (not line.strip() or _HEADING.match(line)):
            if block:
                yield "\n".join(block)
            block = [line] if line.strip() else []
            if block:
                yield block.pop()
        else:
            block.append(line.rstrip())
    yield from ["\n".join(block)] * bool(block)


def _read_heading(block: str) -> tuple[int, str] | None:
    """Return the level and the text of a heading. A long one is a paragraph."""
    if len(block) > _MAX_HEADING_LENGTH + 20:  # a paragraph, also without its signs
        return None
    if match := _HEADING.fullmatch(block):
        title = _EMPHASIS.sub("", match[2]).strip("# ")
        return (len(match[1]), title) if len(title) <= _MAX_HEADING_LENGTH else None
    if match := _BOLD_HEADING.fullmatch(block):
        return 7, match[1].strip()
    return None


def _cut(block: str) -> Iterator[str]:
    """Split a paragraph after sentences into pieces of at most MAX_LENGTH characters, a longer sentence by itself."""
    start = end = 0
    for after in (*plain.find_ends(block), len(block)):
        if after - start > MAX_LENGTH and end > start:
            yield block[start:end].strip()
            start = end
        end = after
    for first in range(start, len(block), _MAX_TABLE_LENGTH):
        yield block[first : first + _MAX_TABLE_LENGTH].strip()


def locate(text: models.PaperText, passage: Passage) -> str:
    """Return the address of a passage's section in arXiv's HTML if the text was made from it, else of the PDF.

    An abstract or summary has the address of the paper's page.
    """
    if text.basis != "paper":
        return schemes.page_url(text.paper_key)
    if text.url.endswith(f"/html/{text.paper_key}"):
        return f"{text.url}#{passage.anchor}" if passage.anchor else text.url
    return arxiv_ids.pdf_url(text.paper_key)
