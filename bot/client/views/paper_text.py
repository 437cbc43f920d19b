"""The small pieces that every message about a paper shares: title, votes, authors, dates. Discord Markdown, escaped."""

from __future__ import annotations

from collections.abc import Sequence

from bot.digests.elements.arxiv_ids import huggingface_url
from bot.rendering.discord_text import escape, limits, split
from bot.text.analysis import latex

MAX_AUTHORS = 3
MAX_URL_LENGTH = 160
"""Addresses longer than this give way to the paper's page on arXiv, so that texts fit by construction."""

TITLE_LENGTHS = (1000, 300, 200, 120, 60)
MAX_NAME_LENGTH = 80


def format_votes(number: int | None) -> str:
    """Return a number of votes as `▲ 81`, or `▲ –` while it is unknown."""
    return f"▲ {'–' if number is None else number}"


def format_title(text: str | None, arxiv_id: str) -> str:
    """Return a paper's title as plain text on one line, its LaTeX as Unicode; the arXiv id where there is none."""
    return escape.to_single_line(latex.to_plain_text(text or "")) or arxiv_id


def title_link(
    text: str | None, arxiv_id: str, url: str, *, max_characters: int = 1600, max_bytes: int = 4000
) -> str:
    """Return a paper's title as a link in at most `characters` code points and `size` bytes.

    The title is whole unless it is absurdly long; a paper without one shows its arXiv id.
    """
    address = url if len(url) <= MAX_URL_LENGTH and escape.safe_url(url) else huggingface_url(arxiv_id)
    plain, link = format_title(text, arxiv_id), ""
    for length in TITLE_LENGTHS:
        link = escape.masked_link(split.shorten(plain, length, markdown=False), address)
        if len(link) <= max_characters and limits.utf8_bytes(link) <= max_bytes:
            break
    return link


def format_authors(names: Sequence[str], *, truncated: bool = False) -> str:
    """Return the first three authors and how many more there are; `+` alone when the digest didn't list them all."""
    shown = ", ".join(
        escape.escape_text(split.shorten(escape.to_single_line(name), MAX_NAME_LENGTH, markdown=False))
        for name in names[:MAX_AUTHORS]
    )
    more = len(names) - MAX_AUTHORS
    if more > 0:
        return f"{shown} +{more}{'…' if truncated else ''}"
    return f"{shown} +…" if truncated and shown else shown


def join_dotted(*pieces: str | None) -> str:
    """Join the pieces that are there with a middle dot."""
    return " · ".join(piece for piece in pieces if piece)


def subtext(text: str) -> str:
    """Return a line of small print, or nothing for nothing."""
    return f"-# {text}" if text else ""


def escape_untrusted(text: str, *, max_length: int = 100) -> str:
    """Return a user's own texts, escaped and of bounded length."""
    return escape.escape_text(split.shorten(escape.to_single_line(text), max_length, markdown=False))
