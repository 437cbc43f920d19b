"""arXiv ids in texts, links and headings, in one spelling without version.

The scheme: https://info.arxiv.org/help/arxiv_identifier.html
"""

from __future__ import annotations

import re
from datetime import date

_NEW_ID = r"[0-9]{4}\.[0-9]{4,5}"
_OLD_ID = r"[a-z]{2,10}(?:-[a-z]{2,6})?(?:\.[A-Za-z]{2})?/[0-9]{7}"
_VERSION = r"(?:v[0-9]{1,3})?"
_END = r"(?![0-9A-Za-z])"
_URL_PREFIX = (
    r"(?:(?:[a-z]{2,6}\.){0,2}arxiv\.org/(?:abs|pdf|html|ps|format|src|e-print)/"
    r"|(?:www\.)?(?:huggingface\.co|hf\.co)/papers/"
    r"|(?:www\.)?alphaxiv\.org/(?:abs|pdf|html|overview)/"
    r"|(?:www\.)?ar5iv\.org/(?:abs|html)/"
    r"|(?:dx\.)?doi\.org/10\.48550/arxiv\.)"
)
_URL = re.compile(rf"https?://{_URL_PREFIX}({_NEW_ID}|{_OLD_ID}){_VERSION}{_END}", re.IGNORECASE)
_URL_IN_TEXT = re.compile(
    rf"(?<![0-9A-Za-z]){_URL_PREFIX}({_NEW_ID}|{_OLD_ID}){_VERSION}{_END}", re.IGNORECASE
)
_ID_IN_TEXT = re.compile(
    rf"(?<![0-9A-Za-z./$€£₩-])(?:arxiv:)?({_NEW_ID}){_VERSION}(?![0-9A-Za-z]|[.,/-][0-9A-Za-z])",
    re.IGNORECASE,
)
"""An id in a sentence, such as `2502.02737에서`, but no price and no part of an address or of a longer number."""
_BARE_ID = re.compile(
    rf"(?:arxiv:\s?)?({_NEW_ID}|{_OLD_ID}){_VERSION}(?:\.pdf)?(?:\s?\[[\w.-]{{2,20}}\])?", re.IGNORECASE
)
_ID_ANYWHERE = re.compile(
    rf"(?<![0-9A-Za-z])(?:{_URL_PREFIX}|arxiv[^\s()<>\"'|]{{0,40}}/|arxiv:\s?)({_NEW_ID}|{_OLD_ID}){_VERSION}{_END}",
    re.IGNORECASE,
)
"""An id in a link, also on the pages of others about arXiv's papers (`papers.cool/arxiv/…`), or after `arXiv:`."""
MARKDOWN_LINK = re.compile(
    rf"\[([^\[\]\\*_0-9][^\[\]\\*_]*)\]\((https://(?:arxiv\.org/abs|huggingface\.co/papers)/({_NEW_ID}){_VERSION})\)"
)
"""A Markdown link to a paper as most scripts write it. Groups: label, URL, id."""
_FIRST_NEW_MONTH, _FIRST_YEAR_OF_FIVE_DIGITS = 7 * 12 + 4, 15
_MIN_ID_LENGTH, _MAX_ID_LENGTH = len("0704.0001"), 64
_MAX_URL_LENGTH = 500
_PUNCTUATION = ".,;:!?()[]{}<>\"'`*_~|"
"""What stands around an id in a message, Discord's Markdown included."""


def extract_arxiv_id(text: str) -> str | None:
    """The id in `text`, or None: `text` is an id (`2502.02737v2`, `arXiv:cs/0112017`) or contains a link to a paper."""
    bare = parse_bare_id(text)
    match = None if bare else _URL_IN_TEXT.search(text)
    return _canonical(match[1]) if match else bare


def parse_bare_id(text: str) -> str | None:
    """The id if `text` is nothing else, with or without version, `arXiv:` or `.pdf`; otherwise None."""
    text = text.strip()
    match = _BARE_ID.fullmatch(text) if _MIN_ID_LENGTH <= len(text) <= _MAX_ID_LENGTH else None
    if not match:
        return None
    arxiv_id = _canonical(match[1])
    # A bare number is an id only in a month that exists; 2025.0527 is a date.
    return arxiv_id if "/" in arxiv_id or 1 <= int(arxiv_id[2:4]) <= 12 else None


def list_arxiv_ids(text: str, limit: int, on: date) -> list[str]:
    """Return the possible ids that a text names or links to, in order, each once, at most `limit`. `on` is today's date."""
    found: dict[str, None] = {}
    for word in text.split():
        links = list(_URL_IN_TEXT.finditer(word))
        names = [_canonical(match[1]) for match in links or _ID_IN_TEXT.finditer(word)]
        names += filter(None, [parse_bare_id(word.strip(_PUNCTUATION))])
        found |= dict.fromkeys(name for name in names if is_possible(name, on))
        if len(found) >= limit:
            break
    return list(found)[:limit]


def find_ids(text: str) -> list[tuple[str, int]]:
    """Return the ids in links and after `arXiv:`, each time that they occur, with the end of each in `text`."""
    if not any(mark in text for mark in ("xiv", "Xiv", "XIV", "/papers/", "ar5iv")):
        return []
    found = ((_canonical(match[1]), match.end(1)) for match in _ID_ANYWHERE.finditer(text))
    return [(arxiv_id, end) for arxiv_id, end in found if is_possible(arxiv_id, date.max.replace(year=2099))]


def is_possible(arxiv_id: str, on: date) -> bool:
    """Return whether arXiv can have assigned an id by a date: its month has begun, and its number has that year's digits.

    The next month counts as begun too, since it begins earlier in zones ahead of UTC.
    """
    if "/" in arxiv_id:
        return 1 <= int(arxiv_id[-5:-3]) <= 12
    year, month, number = int(arxiv_id[:2]), int(arxiv_id[2:4]), arxiv_id[5:]
    next_month = (on.year % 100) * 12 + on.month + 1
    is_begun = _FIRST_NEW_MONTH <= year * 12 + month <= next_month
    return 1 <= month <= 12 and is_begun and len(number) == (4 if year < _FIRST_YEAR_OF_FIVE_DIGITS else 5)


def parse_link_at(text: str, start: int) -> tuple[str, str, int] | None:
    """Id, URL and end of the link to a paper at exactly `start`, or None. It ends at white space, `)`, `>` or a quote."""
    match = _URL.match(text, start)
    if not match:
        return None
    end = match.end()
    limit = min(len(text), end + _MAX_URL_LENGTH)
    while end < limit and text[end] not in " \t)>]\"'":
        end += 1
    return _canonical(match[1]), text[start:end], end


def find_link(text: str) -> tuple[str, str, int] | None:
    """Id, URL and end of the first link to a paper anywhere in `text`, or None."""
    match = _URL.search(text)
    return parse_link_at(text, match.start()) if match else None


def abstract_url(arxiv_id: str) -> str:
    """The URL of a paper's page on arXiv."""
    return f"https://arxiv.org/abs/{arxiv_id}"


def pdf_url(arxiv_id: str) -> str:
    """The URL of the newest PDF of a paper."""
    return f"https://arxiv.org/pdf/{arxiv_id}"


def huggingface_url(arxiv_id: str) -> str:
    """The URL of a paper's page on Hugging Face."""
    return f"https://huggingface.co/papers/{arxiv_id}"


def _canonical(arxiv_id: str) -> str:
    """An old id (`math.GT/0309136`) in arXiv's preferred form: lower case, without subject class."""
    if "/" not in arxiv_id:
        return arxiv_id
    archive, _, number = arxiv_id.lower().partition("/")
    return f"{archive.partition('.')[0]}/{number}"
