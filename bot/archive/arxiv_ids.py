"""Find and normalise arXiv ids (without version) in texts, links and headings.

The scheme is https://info.arxiv.org/help/arxiv_identifier.html; archive names come from
`taxonomy/definitions` in arXiv's `arxiv-base`. One malformed id makes arXiv reject the whole request, so
every id matches `ID` or passes `is_possible`.
"""

from __future__ import annotations

import re
from datetime import date

_ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga|funct-an"
    "|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math-ph|math|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics|plasm-ph|q-alg|q-bio"
    "|quant-ph|solv-int|supr-con"
)
"""The archive names in ids until March 2007. q-fin, stat, econ and eess are newer and never occur in ids."""
_MONTH = "(?:0[1-9]|1[0-2])"
_OLD_ID = (
    rf"(?:{_ARCHIVES})(?:\.[A-Za-z-]{{2,9}})?/"
    rf"(?:91(?:0[7-9]|1[0-2])|(?:9[2-9]|0[0-6]){_MONTH}|070[1-3])(?!000)[0-9]{{3}}"
)
_NEW_ID = (
    rf"(?:(?:07(?:0[4-9]|1[0-2])|(?:0[89]|1[0-4]){_MONTH})\.(?!0000)[0-9]{{4}}"
    rf"|(?:1[5-9]|[2-9][0-9]){_MONTH}\.(?!00000)[0-9]{{5}})"
)
ID = rf"(?:{_NEW_ID}|{_OLD_ID})"
"""A regular expression for ids: a month from 9107 on and a positive number with the digits of its time.

`math.GT/0309136` or `math/0309136` until 0703, `0704.0001` until 1412, `1501.00001` since.
"""
_VERSION = r"(?:v[0-9]{1,3})?"
_END = r"(?![0-9A-Za-z])"
_URL_PREFIX = (
    r"(?:(?:[a-z]{2,6}\.){0,2}arxiv\.org/(?:abs|pdf|html|ps|format|src|e-print)/"
    r"|(?:www\.)?(?:huggingface\.co|hf\.co)/papers/"
    r"|(?:www\.)?alphaxiv\.org/(?:abs|pdf|html|overview)/"
    r"|(?:www\.)?ar5iv\.org/(?:abs|html)/"
    r"|(?:dx\.)?doi\.org/10\.48550/arxiv\.)"
)
_URL = re.compile(rf"https?://{_URL_PREFIX}({ID}){_VERSION}{_END}", re.IGNORECASE)
_URL_IN_TEXT = re.compile(rf"(?<![0-9A-Za-z]){_URL_PREFIX}({ID}){_VERSION}{_END}", re.IGNORECASE)
_BARE_ID = re.compile(rf"(?:arxiv:\s?)?({ID}){_VERSION}(?:\.pdf)?(?:\s?\[[\w.-]{{2,20}}\])?", re.IGNORECASE)
_ID_ANYWHERE = re.compile(
    rf"(?<![0-9A-Za-z])(?:{_URL_PREFIX}|arxiv[^\s()<>\"'|]{{0,40}}/|arxiv:\s?)({ID}){_VERSION}{_END}",
    re.IGNORECASE,
)
"""An id in a link to arXiv or a related site (`papers.cool/arxiv/…`), or after `arXiv:`."""
_ID_IN_TEXT = re.compile(
    rf"(?:(?<![0-9A-Za-z])(?:{_URL_PREFIX}|arxiv[^\s()<>\"'|]{{0,40}}/|arxiv[:.]\s{{0,3}}|abs/)"
    rf"|(?<![0-9A-Za-z./$€£₩-])|(?<=[/\\:])(?={ID}{_VERSION}\.pdf))(?P<id>{ID}){_VERSION}(?:\.pdf)?"
    r"(?![0-9A-Za-z]|[./-][0-9A-Za-z])",
    re.IGNORECASE,
)
"""An id in a message or a file: in a link, after `arXiv:`, in a sentence (`2502.02737에서`), alone in a field, or as
the name of a PDF; not a price or a part of a longer number.
"""
_PLAIN_ID = re.compile(ID)
_MIN_ID_LENGTH, _MAX_ID_LENGTH = len("0704.0001"), 64
_MAX_URL_LENGTH = 500


def extract_arxiv_id(text: str) -> str | None:
    """Return the arXiv id that a text consists of (`2502.02737v2`, `arXiv:cs/0112017`) or links to."""
    bare = parse_bare_id(text)
    match = None if bare else _URL_IN_TEXT.search(text)
    return _canonical(match[1]) if match else bare


def parse_bare_id(text: str) -> str | None:
    """Return the id in a text that is only an id (optionally with a version, `arXiv:` or `.pdf`), otherwise None."""
    text = text.strip()
    match = _BARE_ID.fullmatch(text) if _MIN_ID_LENGTH <= len(text) <= _MAX_ID_LENGTH else None
    return _canonical(match[1]) if match else None


def list_arxiv_ids(text: str, on: date) -> list[str]:
    """Return the distinct plausible ids in a message or file of any format, in order. `on` is today's date."""
    found = dict.fromkeys(_canonical(match["id"]) for match in _ID_IN_TEXT.finditer(text))
    return [arxiv_id for arxiv_id in found if is_possible(arxiv_id, on)]


def find_ids(text: str) -> list[tuple[str, int]]:
    """Return each id in a link or after `arXiv:`, with the offset of its end."""
    if not any(mark in text for mark in ("xiv", "Xiv", "XIV", "/papers/", "ar5iv")):
        return []
    return [(_canonical(match[1]), match.end(1)) for match in _ID_ANYWHERE.finditer(text)]


def names_paper(text: str) -> bool:
    """Return whether a text contains an arXiv id, even one without a link or prefix."""
    return _ID_IN_TEXT.search(text) is not None


def is_possible(arxiv_id: str, on: date | None = None) -> bool:
    """Return whether arXiv may have assigned an id (by the date `on`, if given).

    The month after `on` is allowed too, because it starts earlier in time zones ahead of UTC.
    """
    if not _PLAIN_ID.fullmatch(arxiv_id):
        return False
    if on is None or "/" in arxiv_id:
        return True
    return int(arxiv_id[:2]) * 12 + int(arxiv_id[2:4]) <= (on.year % 100) * 12 + on.month + 1


def parse_link_at(text: str, start: int) -> tuple[str, str, int] | None:
    """Parse the paper link at `start` into its id, URL and end offset, or return None.

    The link ends at white space, `)`, `>`, `]` or a quote.
    """
    match = _URL.match(text, start)
    if not match:
        return None
    end = match.end()
    limit = min(len(text), end + _MAX_URL_LENGTH)
    while end < limit and text[end] not in " \t)>]\"'":
        end += 1
    return _canonical(match[1]), text[start:end], end


def find_link(text: str) -> tuple[str, str, int] | None:
    """Return the id, URL and end offset of the first paper link in a text, or None."""
    match = _URL.search(text)
    return parse_link_at(text, match.start()) if match else None


def abstract_url(arxiv_id: str) -> str:
    """Return the URL of a paper's page on arXiv."""
    return f"https://arxiv.org/abs/{arxiv_id}"


def pdf_url(arxiv_id: str) -> str:
    """Return the URL of a paper's newest PDF."""
    return f"https://arxiv.org/pdf/{arxiv_id}"


def huggingface_url(arxiv_id: str) -> str:
    """Return the URL of a paper's page on Hugging Face."""
    return f"https://huggingface.co/papers/{arxiv_id}"


def _canonical(arxiv_id: str) -> str:
    """Return an id in arXiv's preferred form: old ids in lower case and without the subject class."""
    if "/" not in arxiv_id:
        return arxiv_id
    archive, _, number = arxiv_id.lower().partition("/")
    return f"{archive.partition('.')[0]}/{number}"
