"""What a card's smaller buttons show: all authors to pick from, and the BibTeX entry."""

from __future__ import annotations

import re
import unicodedata

from discord import ui

from bot.client import custom_ids
from bot.client.translations import Words
from bot.client.views import cards, lists, phrases, sheet
from bot.rendering import escape, fitting, limits
from storage import models

AUTHOR_CHOSEN = "ap"
CITED_AUTHORS = 60
_LETTERS = re.compile(r"[^a-z0-9]+")


def authors_view(words: Words, detail: models.PaperDetail, page: int) -> ui.LayoutView:
    """Return a page of up to 25 authors: their names, and a menu to see one's papers. `page` counts from 0."""
    size = limits.SELECT_OPTIONS
    pages = max(1, -(-len(detail.authors) // size))
    page = min(page, pages - 1)
    first = page * size
    shown = detail.authors[first : first + size]
    message = sheet.Sheet()
    title = phrases.quoted(detail.title or detail.arxiv_id, length=200)
    message.text(words("authors-heading", title=title))
    message.text(
        phrases.small(
            words(
                "authors-listed",
                count=len(detail.authors),
                truncated="yes" if detail.authors_truncated else "no",
            )
        )
    )
    message.text(", ".join(phrases.quoted(name, length=phrases.LONGEST_NAME) for name in shown))
    options = [sheet.option(name, str(first + number)) for number, name in enumerate(shown)]
    message.select(
        sheet.menu(words("choose-author"), custom_ids.pack(AUTHOR_CHOSEN, detail.arxiv_id), options)
    )
    if pages > 1:
        # Page 0 of a custom id asks for a new message, so the pages of this one count from 1.
        turn = lists.pager(
            page,
            pages,
            lambda wanted: custom_ids.pack(cards.AUTHORS, wanted + 1, detail.arxiv_id),
            "pr:page:a",
        )
        message.buttons(*turn)
    return message.view


def cite_view(words: Words, detail: models.PaperDetail) -> ui.LayoutView:
    """Return the BibTeX entry in a block that is easily copied."""
    message = sheet.Sheet()
    message.text(words("cite-heading", title=phrases.quoted(detail.title or detail.arxiv_id, length=200)))
    entry = bibtex(detail).replace("```", "'''")
    message.text(f"```bibtex\n{fitting.shorten(entry, 3000, max_bytes=8000, markdown=False)}\n```")
    return message.view


def bibtex(detail: models.PaperDetail) -> str:
    """Return a paper's BibTeX entry. The year is that of its arXiv id, else of its first digest."""
    names = [escape.plain(name) for name in detail.authors[:CITED_AUTHORS]]
    if len(detail.authors) > CITED_AUTHORS or detail.authors_truncated:
        names.append("others")
    match = re.match(r"([0-9]{2})[0-9]{2}\.", detail.arxiv_id)
    year = 2000 + int(match[1]) if match else detail.first_on.year
    fields = {
        "title": f"{{{escape.plain(detail.title or detail.arxiv_id)}}}",
        "author": " and ".join(names),
        "year": str(year),
        "eprint": detail.arxiv_id,
        "archivePrefix": "arXiv",
        "url": phrases.arxiv_url(detail.arxiv_id),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{_key(detail, year)},", *lines, "}"])


def _key(detail: models.PaperDetail, year: int) -> str:
    name = detail.authors[0].split()[-1] if detail.authors and detail.authors[0].split() else "paper"
    word = next((one for one in (detail.title or "").split() if len(one) > 3), "")
    plain = unicodedata.normalize("NFKD", f"{name}{year}{word}").encode("ascii", "ignore").decode().lower()
    return _LETTERS.sub("", plain) or f"arxiv{_LETTERS.sub('', detail.arxiv_id)}"
