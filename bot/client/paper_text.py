"""Texts of papers that all messages share (title, votes, authors, the origin of a summary), as escaped Discord Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from bot.archive import summaries
from bot.archive.arxiv_ids import huggingface_url
from bot.archive.summaries import Basis
from bot.client.message_builder import shorten_label
from bot.client.translations import Texts
from bot.outbox import contents
from bot.rendering import discord_text, templates
from bot.text import typography
from storage import models

MAX_AUTHORS = 3
MAX_URL_LENGTH = 160
"""A longer address is replaced by the paper's page on Hugging Face, so that a title always fits."""

TITLE_LENGTHS = (1000, 300, 200, 120, 60)
MAX_NAME_LENGTH = 80
MAX_ORGANIZATION_LENGTH = 60
MAX_MODEL_LENGTH = 60

format_votes = templates.render_votes

_ORIGIN_KEYS = {models.DigestFormat.LISTING: "summary-listing", None: "summary-abstract"}
"""The texts for summaries that no digest's writer wrote."""
_FOREIGN_ORIGIN_KEYS = {
    models.DigestFormat.LISTING: "summary-listing-in-other-language",
    None: "summary-abstract-in-other-language",
}
"""The same for those in another language than the reader's: short, since they stand below each paper of a post."""


def format_title(text: str | None, arxiv_id: str) -> str:
    """Return a title as plain text on one line, LaTeX as Unicode; the arXiv id for a paper without a title."""
    return discord_text.to_single_line(typography.render_title(text or "")) or arxiv_id


def title_link(
    text: str | None, arxiv_id: str, url: str, *, max_characters: int = 1600, max_bytes: int = 4000
) -> str:
    """Return the title as a link of at most `max_characters` code points and `max_bytes` bytes, or at the shortest.

    A paper without a title shows its arXiv id.
    """
    address = url if len(url) <= MAX_URL_LENGTH and discord_text.safe_url(url) else huggingface_url(arxiv_id)
    plain, link = format_title(text, arxiv_id), ""
    for length in TITLE_LENGTHS:
        link = discord_text.masked_link(discord_text.shorten(plain, length, markdown=False), address)
        if len(link) <= max_characters and discord_text.utf8_bytes(link) <= max_bytes:
            break
    return link


def format_authors(names: Sequence[str], *, truncated: bool = False) -> str:
    """Return the first three authors and the number of the others, `+…` if the digest did not list them all."""
    shown = ", ".join(escape_untrusted(name, max_length=MAX_NAME_LENGTH) for name in names[:MAX_AUTHORS])
    more = len(names) - MAX_AUTHORS
    if more > 0:
        return f"{shown} +{more}{'…' if truncated else ''}"
    return f"{shown} +…" if truncated and shown else shown


def format_organization(name: str | None) -> str:
    """Return the organization behind the authors, shortened; "" if it is unknown."""
    return escape_untrusted(name, max_length=MAX_ORGANIZATION_LENGTH) if name else ""


def format_stars(number: int | None) -> str:
    """Return a number of stars as `★ 950` or `★ 1.2k`; "" for none."""
    if not number:
        return ""
    return f"★ {number if number < 1000 else f'{number // 100 / 10:g}k'}"


def code_and_project(texts: Texts, paper: contents.PostPaper) -> discord_text.SafeMarkdown:
    """Return the links to the code, with its stars, and to the project; none with a very long address."""
    code = f"{texts('link-code')} {format_stars(paper.code_stars)}".rstrip()
    links = (
        discord_text.masked_link(label, url)
        for label, url in ((code, paper.code_url), (texts("link-project"), paper.project_url))
        if url and len(url) <= MAX_URL_LENGTH and discord_text.safe_url(url)
    )
    return discord_text.SafeMarkdown(join_dotted(*links))


def format_heading(texts: Texts, heading: str) -> str:
    """Return a section's heading, the newsletter's labels in the reader's language."""
    name = summaries.label_name(heading)
    return texts(f"label-{name}") if name else heading


def summary_line(texts: Texts, summary: summaries.Summary) -> str:
    """Return the writer of a summary, its date and what it was written from."""
    if summary.format is None or summary.format in _ORIGIN_KEYS:
        return texts(_ORIGIN_KEYS[summary.format])
    day = texts(f"format-{summary.format.value}", date=texts.format_date(summary.date))
    return join_dotted(day, _basis_text(texts, summary))


def _basis_text(texts: Texts, summary: summaries.Summary) -> str:
    """Return what a digest's summary was written from, and with which model if Paperround wrote it."""
    if summary.basis in (Basis.PAPER, Basis.ABSTRACT) and summary.writer is not None:
        model = escape_untrusted(summary.writer, max_length=MAX_MODEL_LENGTH)
        return texts(f"written-from-{summary.basis.value}", model=model)
    return texts(f"basis-{summary.basis.value if summary.basis else 'unknown'}")


def language_note(texts: Texts, language: str | None) -> str:
    """Return that a text is in another language than the reader's; "" if it is not, or if there is no text."""
    return texts("summary-in-other-language") if language not in (None, texts.locale.value) else ""


def post_note(texts: Texts, summary: summaries.Summary | None, *, with_language: bool = True) -> str:
    """Return the small print below a paper of a post: its origin unless other people wrote it, and its language.

    `with_language` is False if the foot of the post says the language of all its papers.
    """
    if summary is None:
        return ""
    note = language_note(texts, summary.language) if with_language else ""
    if note and summary.basis is Basis.EXTRACT:
        return texts("basis-extract-in-other-language")
    if summary.writer is not None or summary.basis in (Basis.EXTRACT, Basis.HUGGINGFACE):
        return join_dotted(_basis_text(texts, summary), note)
    key = (_FOREIGN_ORIGIN_KEYS if note else _ORIGIN_KEYS).get(summary.format)
    return texts(key) if key else note


def join_dotted(*texts: str | None) -> str:
    """Join the texts that are not empty with a middle dot."""
    return " · ".join(text for text in texts if text)


def subtext(text: str) -> str:
    """Return a line of small print; "" for an empty text."""
    return f"-# {text}" if text else ""


def escape_untrusted(text: str, *, max_length: int = 100) -> str:
    """Return untrusted text on one line, escaped and shortened."""
    return discord_text.escape_text(shorten_label(text, max_length))
