"""The single fields of a digest or of a service: cleaned, bounded, and what they say.

Text, URLs and counts of services before they are stored; the heading of a highlight; the language of a summary; the venue
in arXiv's comment. Pure.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from bot.archive import markdown_lines
from storage import errors
from storage.models import Entry, Locale, Section

_MAX_LINE_LENGTH = 1_000
_MAX_NAME_LENGTH = 200
_MAX_TEXT_LENGTH = 20_000
_MAX_URL_LENGTH = 2_000
_MAX_NAMES = 5_000
_MAX_LABELS = 50
_MAX_MEDIA = 30
_MAX_VOTES = 10_000_000
MAX_BRACKETS = 20_000
"""Of the JSON of an answer on one paper or of a model: two megabytes of empty objects would take fifty as objects of Python."""
_COMMAS_PER_BRACKET = 10
"""Commas allowed for each bracket, those in texts included: each ends a key, a string or a number that is kept as well."""


def decode_json(text: str | bytes, max_brackets: int = MAX_BRACKETS) -> object:
    """Return the value of a JSON text. Raises TooManyPartsError, or ValueError for no JSON or one nested too deeply."""
    opening: tuple[Any, Any] = (b"{", b"[") if isinstance(text, bytes) else ("{", "[")
    if sum(map(text.count, opening)) > max_brackets:
        raise errors.TooManyPartsError(f"its JSON has more than {max_brackets:,} objects and lists")
    comma: Any = b"," if isinstance(text, bytes) else ","
    if text.count(comma) > (most := max_brackets * _COMMAS_PER_BRACKET):
        raise errors.TooManyPartsError(f"its JSON has more than {most:,} values")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(str(error)) from None


def bounded_key(location: str, max_length: int) -> str:
    """Return the location, or for a longer one its beginning and the SHA-256 of the whole, `max_length` characters."""
    if len(location) <= max_length:
        return location
    return location[: max_length - 64] + hashlib.sha256(location.encode("utf-8", "replace")).hexdigest()


_VISIBLE = re.compile(
    "[^\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""A character with a glyph: no space, joiner, filler (Hangul's, blank Braille), variation selector, direction or tag."""


def is_visible(text: str) -> bool:
    """Return whether a text shows anything: a title of fillers alone cannot be seen or clicked."""
    return _VISIBLE.search(text) is not None


def clean_line(value: object, max_length: int = _MAX_LINE_LENGTH) -> str | None:
    """Return a text on one line of at most `max_length` characters, or None if it shows nothing."""
    if not isinstance(value, str):
        return None
    line = " ".join(_strip_control_characters(value[: 4 * max_length]).split())
    if not is_visible(line):
        return None
    return line if len(line) <= max_length else line[: max_length - 1].rstrip() + "…"


def clean_paragraph(value: object) -> str | None:
    """Return a text with paragraphs separated by an empty line, or None if it is empty."""
    if not isinstance(value, str):
        return None
    blocks = _strip_control_characters(value[:_MAX_TEXT_LENGTH].replace("\r\n", "\n")).split("\n\n")
    return "\n\n".join(" ".join(block.split()) for block in blocks if block.strip()) or None


def clean_lines(value: object) -> str | None:
    """Return a text with its lines, without control characters, or None if it is empty."""
    if not isinstance(value, str):
        return None
    return _strip_control_characters(value[:_MAX_TEXT_LENGTH].replace("\r\n", "\n")).strip() or None


def clean_labels(values: object) -> tuple[str, ...]:
    """Return keywords or categories, each on one line, in order, without duplicates."""
    return tuple(dict.fromkeys(clean_names(values)))[:_MAX_LABELS]


def clean_names(values: object) -> tuple[str, ...]:
    """Return the names of people, each on one line, in order. Two who share a name stay two."""
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        return ()
    lines = (line for value in values if (line := clean_line(value, _MAX_NAME_LENGTH)))
    return tuple(itertools.islice(lines, _MAX_NAMES))


def clean_url(value: object) -> str | None:
    """Return an http or https URL, or None for anything else. A line break within it is removed, as browsers do."""
    from yarl import URL

    if not isinstance(value, str) or len(value) > _MAX_URL_LENGTH:
        return None
    address = "".join(map(str.strip, value.splitlines()))
    if not address.isprintable():
        return None
    try:
        url = URL(address)
    except ValueError:
        return None
    return str(url) if url.scheme in ("http", "https") and url.raw_host else None


def clean_media(values: object) -> tuple[str, ...]:
    """Return the addresses of pictures and videos, in order, each once."""
    if not isinstance(values, Iterable) or isinstance(values, str | bytes | Mapping):
        return ()
    addresses = (address for value in values if (address := clean_url(value)))
    return tuple(dict.fromkeys(itertools.islice(addresses, _MAX_MEDIA)))


_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_VIDEOS = (".mp4", ".webm", ".mov")


def is_picture(address: str) -> bool:
    """Return whether an address names a picture that Discord shows, by its ending."""
    return _path_of(address).endswith(_PICTURES)


def is_video(address: str) -> bool:
    """Return whether an address names a video that Discord plays, by its ending."""
    return _path_of(address).endswith(_VIDEOS)


def _path_of(address: str) -> str:
    return address.partition("#")[0].partition("?")[0].lower()


def clean_votes(value: object) -> int | None:
    """Return a vote count, or None for any other value. Unknown is never 0."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_VOTES:
        return None
    return value


def clean_date(value: object) -> date | None:
    """Return the date of an ISO 8601 time, or None."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        return None


def _strip_control_characters(text: str) -> str:
    """Remove NUL, lone surrogates and other control characters except line feed and tab."""
    if text.isprintable():
        return text
    return "".join(
        letter for letter in text if letter in "\n\t" or not (letter < " " or "\ud800" <= letter <= "\udfff")
    )


_COLONS = (":", "：")
_DASHES = ("- ", "– ", "— ")
_MAX_HEADING_LENGTH = 200


def split_heading(text: str) -> tuple[str | None, str]:
    """A bullet's heading, its bold beginning before a colon or dash (`**New**: it …`), and the rest."""
    if text.startswith("***") and (close := text.find("***: ", 3)) > 3 and "*" not in (bold := text[3:close]):
        return bold.strip(" :：") or None, text[close + 5 :].strip()
    if not text.startswith(("**", "__")):
        return None, text
    parsed = markdown_lines.parse_bold(text)
    if not parsed or len(parsed[0]) > _MAX_HEADING_LENGTH:
        return None, text
    bold, rest = parsed
    if rest.startswith(_COLONS):
        return bold.rstrip(" :："), rest[1:].strip()
    if bold.endswith(_COLONS):
        return bold.rstrip(" :："), rest
    if rest.startswith(_DASHES):
        return bold, rest[2:].strip()
    return None, text


_HANGUL = re.compile("[가-힣]+")
_LATIN = re.compile("[A-Za-z]+")
_SAMPLE_CHARACTERS = 300
_MAX_SUMMARIES = 10
_MIN_LETTERS = 40
_MIN_HANGUL_SHARE = 0.2
"""Korean summaries have Latin terms, but over a third of their letters are Hangul."""


def detect_language(papers: Iterable[Entry]) -> Locale:
    """Return KO when a fifth of the summaries' letters are Hangul, else EN; titles and names do not count."""
    bodies = [section.body[:_SAMPLE_CHARACTERS] for paper in papers for section in paper.sections[:1]]
    hangul, latin = _count_letters("\n".join(bodies[:_MAX_SUMMARIES]))
    return Locale.KO if _is_korean(hangul, latin) else Locale.EN


def detect_section_language(sections: Sequence[Section]) -> Locale | None:
    """Return the language of one summary; None if it has too few letters to tell."""
    hangul, latin = _count_letters("\n".join(section.body[:_SAMPLE_CHARACTERS] for section in sections[:3]))
    if hangul + latin < _MIN_LETTERS:
        return None
    return Locale.KO if _is_korean(hangul, latin) else Locale.EN


def _count_letters(sample: str) -> tuple[int, int]:
    return sum(map(len, _HANGUL.findall(sample))), sum(map(len, _LATIN.findall(sample)))


def _is_korean(hangul: int, latin: int) -> bool:
    return bool(hangul) and hangul >= _MIN_HANGUL_SHARE * (hangul + latin)


# What authors write in arXiv's comment field, which is free text ("15 pages, 4 figures. Accepted at NeurIPS 2025").

_MAX_LENGTH = 1_000
_MAX_VENUE_LENGTH = 60
_VENUES = """
    NeurIPS, NIPS, ICML, ICLR, COLM, COLT, AISTATS, UAI, AAAI, IJCAI, ECAI, MLSys, CoLLAs,
    CVPR, ICCV, ECCV, WACV, BMVC, ACCV, 3DV, MICCAI, MIDL, ICIP, ICPR, SIGGRAPH Asia, SIGGRAPH,
    ACL, EMNLP, NAACL, EACL, AACL, COLING, CoNLL, LREC-COLING, LREC, IJCNLP, SemEval,
    INTERSPEECH, ICASSP, ASRU, SLT, ISMIR, WASPAA, ICRA, IROS, CoRL, L4DC, HRI,
    KDD, WWW, The Web Conference, SIGIR, CIKM, WSDM, RecSys, ECIR, ICDM, PAKDD, VLDB, SIGMOD,
    ACM MM, ACM Multimedia, ICME, CHI, UIST, CSCW, IUI, FAccT, AIES, SaTML, CHIL, ICAIF,
    ICSE, FSE, ASE, ISSTA, OSDI, SOSP, NSDI, ASPLOS, ISCA, HPCA, DAC, USENIX Security, NDSS,
    TMLR, JMLR, TACL, TPAMI, IJCV, TNNLS, JAIR, DMLR, RA-L, TASLP
"""
"""Conferences and journals by the names that authors use. A longer name stands before one that it contains."""
_NAMES = [name.strip() for name in _VENUES.split(",")]
_CANONICAL = {name.lower(): name for name in _NAMES}
_YEAR = r"(?:\s{0,2}[-'’,]?\s{0,2}(?P<year>20\d\d|(?<=[-'’])\d\d))?(?!\w)"
VENUE = re.compile(rf"(?<![\w-])(?P<name>{'|'.join(map(re.escape, _NAMES))}){_YEAR}", re.IGNORECASE)
_ACCEPTED = re.compile(
    r"(?i:\b(?:accepted|published|to (?:appear|be published)|appear(?:s|ed|ing)?)"
    r"(?: (?:as|for)(?: an?)?(?: [\w-]+){1,3}?)? (?:at|to|by|in|for)(?: publication (?:at|to|by|in))?"
    r"(?: the| proceedings of(?: the)?)?) (?P<name>[A-Z][^.,;()\[\]|]{2,80})"
)
_SAYS_ACCEPTED = re.compile(
    r"\b(?:accept|appear|publish|camera|oral|spotlight|highlight|poster|findings|proceedings|track)",
    re.IGNORECASE,
)
"""Without a year, a name alone may be a word of another meaning."""
_NOT_ACCEPTED = re.compile(
    r"\b(?:under (?:peer[ -])?review|in submission|submitted|submission|rejected|withdrawn from|preprint"
    r"|exten(?:ded version|sion) of)\b",
    re.IGNORECASE,
)
_WITHDRAWN = re.compile(
    r"\A\W{0,3}withdrawn\b(?! from (?!arxiv))|\b(?:paper|submission|article|manuscript|work|preprint|version|it)"
    r" (?:has been|have been|was|is|is being) (?:\w+ )?(?:withdrawn|retracted)\b(?! from (?!arxiv))",
    re.IGNORECASE,
)


def find_venue(comment: str | None) -> str | None:
    """Return where a paper was accepted, such as `NeurIPS 2025`, `ICML 2025 workshop` or `Findings of EMNLP 2025`.

    None if the comment says nothing of it, or only where the paper was submitted.
    """
    for clause in re.split(r"(?<=[^\d.])\.(?=\s|\Z)|[;|\n]", (comment or "")[:_MAX_LENGTH]):
        if _NOT_ACCEPTED.search(clause):
            continue
        match = VENUE.search(clause)
        if match and (match["year"] or _SAYS_ACCEPTED.search(clause)):
            name, year = _CANONICAL[match["name"].lower()], match["year"]
            venue = f"{name} {year if len(year) == 4 else f'20{year}'}" if year else name
            if "workshop" in clause.lower():
                return f"{venue} workshop"
            return f"Findings of {venue}" if "findings" in clause.lower() else venue
        if match := _ACCEPTED.search(clause):
            return match["name"].strip(" \"'")[:_MAX_VENUE_LENGTH].rstrip()
    return None


def says_withdrawn(comment: str | None) -> bool:
    """Return whether a comment, or the abstract of a withdrawn version, says that the paper is withdrawn."""
    return _WITHDRAWN.search((comment or "")[:_MAX_LENGTH]) is not None
