"""Texts shared by all messages about papers: titles, votes, authors. Escaped Discord Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from bot.digests.elements.arxiv_ids import huggingface_url
from bot.rendering.discord_text import escape, limits, split
from bot.text.analysis import latex

MAX_AUTHORS = 3
MAX_URL_LENGTH = 160
"""A longer address is replaced by the paper's page on Hugging Face, so that a title always fits."""

TITLE_LENGTHS = (1000, 300, 200, 120, 60)
MAX_NAME_LENGTH = 80


def format_votes(number: int | None) -> str:
    """Return a number of votes as `▲ 81`, or `▲ –` if it is unknown."""
    return f"▲ {'–' if number is None else number}"


def format_title(text: str | None, arxiv_id: str) -> str:
    """Return a title as plain text on one line, LaTeX as Unicode; the arXiv id for a paper without a title."""
    return escape.to_single_line(latex.to_plain_text(text or "")) or arxiv_id


def title_link(
    text: str | None, arxiv_id: str, url: str, *, max_characters: int = 1600, max_bytes: int = 4000
) -> str:
    """Return the title as a link of at most `max_characters` code points and `max_bytes` bytes, or at the shortest.

    A paper without a title shows its arXiv id.
    """
    address = url if len(url) <= MAX_URL_LENGTH and escape.safe_url(url) else huggingface_url(arxiv_id)
    plain, link = format_title(text, arxiv_id), ""
    for length in TITLE_LENGTHS:
        link = escape.masked_link(split.shorten(plain, length, markdown=False), address)
        if len(link) <= max_characters and limits.utf8_bytes(link) <= max_bytes:
            break
    return link


def format_authors(names: Sequence[str], *, truncated: bool = False) -> str:
    """Return the first three authors and the number of the others, `+…` if the digest did not list them all."""
    shown = ", ".join(
        escape.escape_text(split.shorten(escape.to_single_line(name), MAX_NAME_LENGTH, markdown=False))
        for name in names[:MAX_AUTHORS]
    )
    more = len(names) - MAX_AUTHORS
    if more > 0:
        return f"{shown} +{more}{'…' if truncated else ''}"
    return f"{shown} +…" if truncated and shown else shown


def join_dotted(*texts: str | None) -> str:
    """Join the texts that are not empty with a middle dot."""
    return " · ".join(text for text in texts if text)


def subtext(text: str) -> str:
    """Return a line of small print; "" for an empty text."""
    return f"-# {text}" if text else ""


def escape_untrusted(text: str, *, max_length: int = 100) -> str:
    """Return untrusted text on one line, escaped and shortened."""
    return escape.escape_text(split.shorten(escape.to_single_line(text), max_length, markdown=False))
