"""Find and normalise arXiv ids (without version) in texts, links and headings.

The scheme is https://info.arxiv.org/help/arxiv_identifier.html; archive names come from
`taxonomy/definitions` in arXiv's `arxiv-base`. One malformed id makes arXiv reject the whole request, so
every id matches `ID` or passes `is_possible`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
ID = rf"(?a:{_NEW_ID}|{_OLD_ID})"
"""A regular expression for ids: a month from 9107 on and a positive number with the digits of its time.

`math.GT/0309136` or `math/0309136` until 0703, `0704.0001` until 1412, `1501.00001` since.
"""
MAY_HAVE_ID = re.compile("[0-9][0-9]{3}[0-9.]")
"""Finds something in each text with an id, and takes little time, as patterns do that begin with a set of characters."""
_VERSION = r"(?:v[0-9]{1,3}(?:[-–]v[0-9]{1,3})?)?"
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")
_NO_PICTURE = rf"(?![^\s()<>\"'|]{{0,200}}(?:{'|'.join(map(re.escape, PICTURES))})\b)"
_PREFIX = (
    r"(?:(?:arx|alphax|ar5)iv[^\s()<>\"'|]{0,60}?[/:.=_+-]"
    r"|(?:huggingface\.co|hf\.co|emergentmind\.com)/papers/"
    r"|lanl\.gov/abs/"
    r"|arxiv(?:\s?id)?\s?[:：.#]?\s{0,3})"
)
"""What is before the id in a link to arXiv or to a site about its papers (`papers.cool/arxiv/…`), in a DOI, or after
`arXiv:`.
"""
_NAMED_ID = re.compile(
    rf"(?<![0-9A-Za-z]){_PREFIX}({ID}){_VERSION}(?![0-9A-Za-z]){_NO_PICTURE}", re.IGNORECASE
)
_SITES = ("xiv", "Xiv", "XIV", "5iv", "papers", "lanl.gov")
_BARE_ID = re.compile(
    rf"(?:doi:\s?)?(?:10\.48550/)?(?:arxiv(?:[:.]\s?|\s))?({ID}){_VERSION}(?:\.pdf)?(?:\s?\[[\w.-]{{2,20}}\])?",
    re.IGNORECASE,
)
_END = rf"(?![0-9A-Za-z]|[./-](?!{ID})[0-9A-Za-z]){_NO_PICTURE}"
_ID_IN_TEXT = re.compile(
    rf"(?:(?<![0-9A-Za-z])(?:{_PREFIX}|abs/)|(?<![0-9A-Za-z./$€£₩-])|(?<=[/\\:])(?={ID}{_VERSION}\.pdf))"
    rf"({ID}){_VERSION}(?:\.pdf)?{_END}",
    re.IGNORECASE,
)
"""An id in a message or a file: in a link, after `arXiv:`, in a sentence (`2502.02737에서`), alone in a field, or as
the name of a PDF; not a price or a part of a longer number.
"""
_PIECE_LENGTH, _LONGEST_MATCH = 5_000, 400
"""Characters searched at a time: one search holds Python's lock, so that 2 MB would stop the event loop for seconds."""
ADDRESS = re.compile(r"[^\s()<>\[\]\"'|]{8,500}")
_PLAIN_ID = re.compile(ID)
_LIKE_ID = re.compile(r"(?<![0-9A-Za-z./$€£₩,-])[0-9]{3,5}\.[0-9]{3,6}(?![0-9A-Za-z.%])")
_MIN_ID_LENGTH, _MAX_ID_LENGTH = len("0704.0001"), 64


def extract_arxiv_id(text: str) -> str | None:
    """Return the arXiv id that a text consists of (`2502.02737v2`), or the first that it links to or names (`arXiv:…`)."""
    return parse_bare_id(text) or next(iter(find_ids(text)), None)


def parse_bare_id(text: str) -> str | None:
    """Return the id in a text that is only an id (with a version, `arXiv:`, a DOI's prefix or `.pdf`), otherwise None."""
    text = text.strip()
    match = _BARE_ID.fullmatch(text) if _MIN_ID_LENGTH <= len(text) <= _MAX_ID_LENGTH else None
    return _canonical(match[1]) if match else None


def find_mistyped(text: str) -> str:
    """Return the first number in a text that looks like an id but is invalid, such as 2502.273 or 25020.2737; "" without one."""
    return next((one for one in _LIKE_ID.findall(text) if not _PLAIN_ID.fullmatch(one)), "")


def list_arxiv_ids(text: str, on: date) -> list[str]:
    """Return the distinct plausible ids in a message or file of any format, in order. `on` is today's date."""
    return [arxiv_id for arxiv_id in dict.fromkeys(_iterate_ids(text)) if is_possible(arxiv_id, on)]


def names_paper(text: str) -> bool:
    """Return whether a text contains an arXiv id, even one without a link or prefix."""
    return next(_iterate_ids(text), None) is not None


def _iterate_ids(text: str) -> Iterator[str]:
    return (arxiv_id for arxiv_id, _, _ in find_places(unquote(text)))


def find_places(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each id in a text, even one without a link or prefix, with the start and the end of what names it."""
    for start in range(0, len(text), _PIECE_LENGTH):
        stop = start + _PIECE_LENGTH
        for match in _ID_IN_TEXT.finditer(text, start, stop + _LONGEST_MATCH):
            if match.start() < stop:
                yield _canonical(match[1]), match.start(), match.end()


def find_ids(text: str) -> list[str]:
    """Return each id in a link or after `arXiv:`, except in the address of a picture."""
    return [arxiv_id for arxiv_id, _, _ in find_named_places(unquote(text))]


def find_named_places(text: str) -> list[tuple[str, int, int]]:
    """Return each id in a link or after `arXiv:`, with the start and the end of what names it."""
    named = _NAMED_ID.finditer(text) if any(site in text for site in _SITES) else ()
    return [(_canonical(match[1]), *match.span()) for match in named]


def first_day(arxiv_id: str) -> date:
    """Return the first day of the month in an id, in which arXiv received the paper."""
    number = arxiv_id.rpartition("/")[2]
    year = int(number[:2])
    return date(year + (1900 if year > 90 else 2000), int(number[2:4]), 1)


def parse_link_at(text: str, start: int) -> tuple[str, str] | None:
    """Return the id and URL of the paper link at `start`, or None.

    The link ends at white space, a bracket or a quote. Without `http`, the URL is that of arXiv.
    """
    address = ADDRESS.match(text, start)
    if address is None or not (ids := find_ids(address[0])):
        return None
    is_url = address[0].startswith(("http://", "https://"))
    return ids[0], (address[0] if is_url else abstract_url(ids[0]))


def find_link(text: str) -> tuple[str, str] | None:
    links = (parse_link_at(text, match.start()) for match in _SCHEME.finditer(text))
    return next(filter(None, links), None)


_SCHEME = re.compile("https?://", re.IGNORECASE)


def is_possible(arxiv_id: str, on: date | None = None) -> bool:
    """Return whether arXiv may have assigned an id (by the date `on`, if given).

    The month after `on` is allowed too, because it starts earlier in time zones ahead of UTC.
    """
    if not _PLAIN_ID.fullmatch(arxiv_id):
        return False
    if on is None or "/" in arxiv_id:
        return True
    return int(arxiv_id[:2]) * 12 + int(arxiv_id[2:4]) <= (on.year % 100) * 12 + on.month + 1


def abstract_url(arxiv_id: str) -> str:
    return f"https://arxiv.org/abs/{arxiv_id}"


def pdf_url(arxiv_id: str) -> str:
    return f"https://arxiv.org/pdf/{arxiv_id}"


_SECTION = re.compile(r"\W{0,2}([0-9]{1,2}|[A-Z](?=[. ]))((?:\.[0-9]{1,2}){0,2})[.)]?\s+[^a-z\s]")


def section_anchor(heading: str) -> str:
    """Return a section's fragment in arXiv's HTML, by LaTeXML: S3.SS1 for "3.1 Data", A2 for "B Proofs"; "" without a number."""
    if (match := _SECTION.match(heading)) is None:
        return ""
    first, rest = match[1], match[2].split(".")[1:]
    top = f"S{first}" if first.isdecimal() else f"A{ord(first) - ord('A') + 1}"
    return ".".join((top, *(f"{'SSS' if depth else 'SS'}{part}" for depth, part in enumerate(rest))))


def huggingface_url(arxiv_id: str) -> str:
    return f"https://huggingface.co/papers/{arxiv_id}"


def _canonical(arxiv_id: str) -> str:
    """Return an id in arXiv's preferred form: old ids in lower case and without the subject class."""
    if "/" not in arxiv_id:
        return arxiv_id
    archive, _, number = arxiv_id.lower().partition("/")
    return f"{archive.partition('.')[0]}/{number}"


def unquote(text: str) -> str:
    """Return a text with the separators of an encoded URL (`arxiv.org%2Fabs%2F…`) decoded."""
    if "%2" not in text:
        return text
    return text.replace("%3A", ":").replace("%3a", ":").replace("%2F", "/").replace("%2f", "/")
