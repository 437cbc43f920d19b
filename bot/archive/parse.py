"""The parsers' entry point: bytes to text, text to digests, and digests to the JSON of `paperround parse`.

JSON is detected by its first characters, written formats by a heading with "daily papers" and a date. Any
other text is tried as a list of papers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from typing import Any

from bot.archive import arxiv_ids, bibtex, fields, html_pages, markdown_lines, paper_list, schemes, written
from bot.text import charsets
from storage import errors
from storage.models import Digest, DigestFormat, Entry

FILE_SUFFIXES = frozenset({".md", ".markdown", ".txt", ".json", ".jsonl", ".html", ".htm", ".bib"})
"""Suffixes of digest files, in lower case."""

MAX_BYTES = 5 * 1024 * 1024
"""The largest file or page that is read: enough for half a year of digests."""
_JSON_START = re.compile(
    rf"\s*(?:\{{(?![{{%])|\[\s*(?:[\[{{\]]|\"(?:https?://[^\s\"]{{1,300}}|{arxiv_ids.ID}(?:v[0-9]{{1,3}})?)\"\s*,))"
)
_HTML_BLOCK_TAG = re.compile(
    r"<(?:!doctype\s|html|head|body|h[1-6]|p|ul|ol|li|div|article|section|pre|br)\b", re.IGNORECASE
)
_PROLOG = re.compile(
    r"(?:\s++|<!--.*?-->|<\?.*?\?>|(?P<doctype><!doctype\b[^\[>]*+(?:\[.*?\]\s*+)?>))*+"
    r"(?P<start><(?:[a-z]\w*+:)?(?P<root>[a-z]\w*+))?",
    re.IGNORECASE | re.DOTALL,
)
"""What may be before the first tag of XML and HTML, and the beginning of that tag."""
_PAGES, _FEEDS = ("html", "head", "body"), ("rss", "feed", "rdf")
_MARKDOWN_MARK = re.compile(r"^(?:#{1,6}[ \t]|[ \t]{0,3}[-*+][ \t]|\|)|\]\(https?://", re.MULTILINE)
_SNIFF_LENGTH = 20_000


def is_json(text: str) -> bool:
    """Return whether a text starts like JSON rather than a Markdown link or a template."""
    return _JSON_START.match(text) is not None


def find_root(text: str) -> int | None:
    """Return where the first tag of XML or HTML begins, or None if a text begins with something else."""
    prolog = _PROLOG.match(text)
    return prolog.start("start") if prolog and prolog["root"] else None


def is_feed(text: str) -> bool:
    """Return whether a text is RSS or Atom, which may begin with a DOCTYPE."""
    prolog = _PROLOG.match(text)
    return prolog is not None and (prolog["root"] or "").lower() in _FEEDS


def is_page(text: str) -> bool:
    """Return whether a text is a whole HTML page rather than a feed."""
    prolog = _PROLOG.match(text)
    if prolog is None or is_feed(text):
        return False
    return prolog["doctype"] is not None or (prolog["root"] or "").lower() in _PAGES


def is_html(text: str) -> bool:
    """Return whether a text is an HTML page or fragment.

    A fragment has block elements and no Markdown headings, lists, tables or links.
    """
    if is_page(text):
        return True
    has_blocks = _HTML_BLOCK_TAG.search(text, 0, _SNIFF_LENGTH) is not None
    return has_blocks and _MARKDOWN_MARK.search(text, 0, _SNIFF_LENGTH) is None


def check_size(size: int) -> None:
    """Raise NotADigestError for too many bytes."""
    if size > MAX_BYTES:
        limit = f"{MAX_BYTES >> 20} MB"
        raise errors.NotADigestError(
            f"it is {size / 2**20:.0f} MB; a file may have {limit}. Split it, or take its .bib"
        )


def decode(data: bytes) -> str:
    """Decode the text of a file. Raises NotADigestError for too many bytes, and if no charset fits."""
    check_size(len(data))
    try:
        return charsets.decode(data)
    except charsets.UndecodableError as error:
        raise errors.NotADigestError(str(error)) from error


def parse_text(
    text: str, name: str = "", on: date | None = None, listing_form: DigestFormat = DigestFormat.LISTING
) -> tuple[Digest, ...]:
    """Parse all digests in a text of any format, ordered by their first dates.

    `name`, the path or URL, may contain a list's date; papers without a date get `on`. A service's listing
    gets the format `listing_form`; a publisher's listing counts as a list. Raises NotADigestError with a
    reason if there is no digest. Other content that cannot be parsed is a problem of the digest that contains
    or precedes it.
    """
    text = markdown_lines.normalise(text)
    if not text or text.isspace():
        raise errors.NotADigestError("it is empty")
    if is_json(text):
        return paper_list.parse_json(text, name, on, listing_form)
    if is_feed(text):
        raise errors.NotADigestError(
            "it is a feed (RSS or Atom): add its address with `paperround sources add`"
        )
    if text.lstrip().startswith("<?xml") and not is_html(text):
        raise errors.NotADigestError("it is XML, but neither a page of HTML nor a feed")
    if is_html(text):
        text = html_pages.to_markdown(text, name if "://" in name else "")
    if name.lower().endswith(".bib") or bibtex.ENTRY.match(text.lstrip()):
        return paper_list.parse_bibtex(text, name, on)
    rows = text.split("\n")
    digests = written.parse(rows)
    is_review = any(digest.format is DigestFormat.REVIEW for digest in digests)
    # A text with votes or authors is a newsletter rather than a list.
    if digests and (is_review or any(map(fields.parse_labelled_field, rows))):
        return digests
    try:
        lists = paper_list.parse(rows, name, on)
    except errors.NotADigestError:
        if not digests:
            raise
        return digests
    return lists if _count_papers(lists) > _count_papers(digests) else digests


def _count_papers(digests: Iterable[Digest]) -> int:
    return sum(len(digest.entries) for digest in digests)


def digest_to_json(digest: Digest, file: str) -> dict[str, Any]:
    """Return a digest as a JSON object, without a date if it is rolling. The keys and their order are a contract."""
    return {
        "file": file,
        "format": digest.format.value,
        "date": None if digest.is_rolling else digest.date.isoformat(),
        "papers": [paper_to_json(entry) for entry in digest.entries],
        "problems": [{"line": row.line, "message": row.message} for row in digest.problems],
    }


def paper_to_json(entry: Entry) -> dict[str, Any]:
    others = {
        name: value for name, value in asdict(entry).items() if name not in ("rank", "paper_key", "names")
    }
    named = {"rank": entry.rank, "arxiv_id": entry.arxiv_id}
    keyed = {"key": entry.paper_key, "doi": schemes.doi_of(entry.paper_key)}
    return {**named, **others, "authors": list(entry.authors), "sections": list(others["sections"]), **keyed}
