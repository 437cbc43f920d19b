"""What digests are made of: headings that name a paper or a date, labelled lines, and single fields, cleaned and bounded.

The limits of a digest's size; text, URLs and counts of services before they are stored; votes, authors and dates as they
are written; the language of a summary. Pure.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import NamedTuple

from bot.archive import arxiv_ids, markdown_lines
from bot.text import typography
from storage.models import Entry, Locale, Section

MAX_AUTHORS = 10_000
"""The most authors of one paper: twice as many as any paper has had."""
MAX_CHARACTERS = 40_000
"""The most characters of the highlights or chapters of one paper together, with their headings: twenty times what a long review
has."""
MAX_LINE_LENGTH = 1_000
"""Characters of a title or a heading."""
MAX_NAME_LENGTH = 200
"""Characters of a name; the longest are those of collaborations."""
_MAX_TEXT_LENGTH = 20_000
MAX_URL_LENGTH = 2_000
_MAX_LABELS = 50
_MAX_MEDIA = 30
_MAX_VOTES = 10_000_000
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNPAIRED_SURROGATE = re.compile(
    # One without its other half, or after a backslash that may be an escaped one.
    r"\\u[dD](?:[89abAB](?:(?<=\\\\u..)|[\da-fA-F]{2}(?!\\u[dD][c-fC-F]))"
    r"|[c-fC-F](?<!\\u[dD][89abAB][\da-fA-F]{2}\\u..))"
)


def decode_json(text: str | bytes) -> object:
    """Return the value of a JSON text, whose texts have no lone surrogates: half of an emoji that a server has cut.

    Raises ValueError for no JSON or one nested too deeply.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "replace")
    try:
        value: object = json.loads(text)
        if _UNPAIRED_SURROGATE.search(text):
            value = json.loads(storable_text(json.dumps(value, ensure_ascii=False)))
        return value
    except RecursionError as error:
        raise ValueError(str(error)) from None


def storable_text(text: str) -> str:
    """Return the text without NUL and lone surrogates, which databases reject."""
    if not text.isascii():
        text = _SURROGATE.sub("", text)
    return text.replace("\0", "")


def bounded_key(location: str, max_length: int) -> str:
    """Return the location, or for a longer one its beginning and the SHA-256 of the whole, `max_length` characters."""
    if len(location) <= max_length:
        return location
    return location[: max_length - 64] + hashlib.sha256(location.encode("utf-8", "replace")).hexdigest()


def describe_bug(error: Exception) -> str:
    """Return what follows the name of a paper or digest that caused a bug: a process that parses has no log."""
    detail = clean_line(str(error), _MAX_BUG_LENGTH)
    return f"caused an internal error ({type(error).__name__}{f': {detail}' if detail else ''})"


_MAX_BUG_LENGTH = 120


_VISIBLE = re.compile(
    "[^\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""A character with a glyph: no space, joiner, filler (Hangul's, blank Braille), variation selector, direction or tag."""


def is_visible(text: str) -> bool:
    """Return whether a text shows anything: a title of fillers alone cannot be seen or clicked."""
    return _VISIBLE.search(text) is not None


def clean_line(value: object, max_length: int = MAX_LINE_LENGTH) -> str | None:
    """Return a text on one line of at most `max_length` characters, or None if it shows nothing."""
    if not isinstance(value, str):
        return None
    line = " ".join(_strip_control_characters(value[: 4 * max_length]).split())
    if not is_visible(line):
        return None
    return cut_line(line, max_length)


def cut_line(line: str, max_length: int) -> str:
    """Return a line of at most `max_length` characters, with an ellipsis for what is cut."""
    return line if len(line) <= max_length else line[: max_length - 1].rstrip() + "…"


def clean_paragraph(value: object) -> str | None:
    """Return a text with paragraphs separated by an empty line, or None if it is empty."""
    blocks = (clean_lines(value) or "").split("\n\n")
    return "\n\n".join(" ".join(block.split()) for block in blocks if block.strip()) or None


def clean_lines(value: object) -> str | None:
    """Return a text with its lines, without control characters, or None if it is empty."""
    if not isinstance(value, str):
        return None
    return _strip_control_characters(value[:_MAX_TEXT_LENGTH].replace("\r\n", "\n")).strip() or None


def clean_labels(values: object) -> tuple[str, ...]:
    """Return keywords or categories, each on one line, in order, without duplicates."""
    return tuple(dict.fromkeys(_clean_lines(values)))[:_MAX_LABELS]


def clean_names(values: object) -> tuple[str, ...]:
    """Return the names of people, each on one line, in order. Two who share a name stay two; `*` and the like are not names."""
    return tuple(line for line in _clean_lines(values) if any(map(str.isalpha, line)))


def _clean_lines(values: object) -> tuple[str, ...]:
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        return ()
    lines = (line for value in values if (line := clean_line(value, MAX_NAME_LENGTH)))
    return tuple(itertools.islice(lines, MAX_AUTHORS))


def clean_url(value: object) -> str | None:
    """Return an http or https URL, or None for anything else. A line break within it is removed, as browsers do."""
    from yarl import URL

    if not isinstance(value, str) or len(value) > MAX_URL_LENGTH:
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
    """Remove NUL, lone surrogates and other control characters except line feed and tab, and shorten runs of marks."""
    if not text.isprintable():
        text = "".join(
            letter
            for letter in text
            if letter in "\n\t" or not (letter < " " or "\ud800" <= letter <= "\udfff")
        )
    return typography.limit_marks(text)


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
    first = (section for paper in papers for section in paper.sections[:1])
    return _detect_language(itertools.islice(first, _MAX_SUMMARIES), 1) or Locale.EN


def detect_section_language(sections: Sequence[Section]) -> Locale | None:
    """Return the language of one summary; None if it has too few letters to tell."""
    return _detect_language(sections[:3], _MIN_LETTERS)


def _detect_language(sections: Iterable[Section], min_letters: int) -> Locale | None:
    sample = "\n".join(section.body[:_SAMPLE_CHARACTERS] for section in sections)
    hangul, latin = (sum(map(len, letters.findall(sample))) for letters in (_HANGUL, _LATIN))
    if hangul + latin < min_letters:
        return None
    return Locale.KO if hangul >= _MIN_HANGUL_SHARE * (hangul + latin) else Locale.EN


# Headings that name a paper.

_LINK_CAPTIONS = frozenset(
    {"", "abs", "abstract", "arxiv", "hf", "html", "link", "paper", "pdf", "url", "논문", "링크", "원문"}
)
_MAX_TITLE_LINES = 3
_MAX_TITLE_LINE_LENGTH = 500


class PaperHeading(NamedTuple):
    """A heading with an arXiv id, in the rows from `row` to `end` (not included): titles can span lines.

    `url` is None without a link in the heading, `title` is None if the heading is only the id.
    """

    row: int
    end: int
    level: int
    arxiv_id: str
    title: str | None
    url: str | None


def parse_paper_heading(heading: markdown_lines.Heading, rows: Sequence[str]) -> PaperHeading | None:
    """The paper of a heading with a link, a URL, or an id alone, first or last; None for other headings."""
    text, end = heading.text, heading.row + 1
    simple_link = arxiv_ids.MARKDOWN_LINK.fullmatch(text)
    if simple_link:
        label, url, paper_id = simple_link.groups()
        title = " ".join(label.split()) if is_visible(label) else None
        return PaperHeading(heading.row, end, heading.level, paper_id, title, url)
    if text.startswith("[") and "](" not in text:
        text, end = _join_title_lines(text, rows, end)
    parsed = _parse_links(text) if "://" in text else _parse_id_heading(text)
    if not parsed:
        return None
    paper_id, label, url = parsed
    title = _clean_title(label)
    if title and len(title) < 30 and arxiv_ids.extract_arxiv_id(title) == paper_id:
        title = None
    return PaperHeading(heading.row, end, heading.level, paper_id, title, url)


def _join_title_lines(text: str, rows: Sequence[str], end: int) -> tuple[str, int]:
    """The heading with the lines up to its link, since arXiv wraps long titles, and their end; unchanged without one."""
    joined = text
    for row in range(end, min(end + _MAX_TITLE_LINES, len(rows))):
        line = rows[row].strip()
        if not line or line.startswith("#") or len(line) > _MAX_TITLE_LINE_LENGTH:
            break
        joined += " " + line
        if "](" in line:
            return joined, row + 1
    return text, end


def cut_sections(sections: Iterable[Section]) -> Iterator[Section]:
    """Yield the sections up to MAX_CHARACTERS, the last of them cut, and long headings too."""
    room = MAX_CHARACTERS
    for section in sections:
        if room <= 0:
            break
        heading = cut_line(section.heading or "", MAX_LINE_LENGTH)[: room - 1]
        yield Section(heading or None, section.body[: room - len(heading)])
        room -= len(heading) + len(section.body)


def _parse_links(text: str) -> tuple[str, str, str] | None:
    """Id, title and URL of a heading such as `[Title](https://…)`.

    The title can contain brackets and links. The link that closes the first bracket wins; if the brackets of the
    title do not match, the last link to a paper does.
    """
    last: tuple[str, str, int] | None = None
    opened = text.find("[")
    depth, position = 0, max(opened, 0)
    middle = text.find("](", position)
    while opened >= 0 and middle >= 0:
        depth += text.count("[", position, middle) - text.count("]", position, middle)
        position = middle + 1
        depth -= 1
        start = middle + 3 if text.startswith("<", middle + 2) else middle + 2
        if link := arxiv_ids.parse_link_at(text, start):
            last = link[0], link[1], middle
            if depth == 0:
                break
        middle = text.find("](", position)
    if last:
        arxiv_id, url, middle = last
        return arxiv_id, _link_title(text, middle), url
    if link := arxiv_ids.find_link(text):
        arxiv_id, url, end = link
        return arxiv_id, text[: end - len(url)].rstrip("(<[ -–—:"), url
    return None


def _link_title(text: str, middle: int) -> str:
    """The title in a heading whose link's label ends at `middle`: the label, unless it is a caption such as "PDF"."""
    depth, opened = 1, middle
    while depth and opened > 0:
        opened -= 1
        depth += (text[opened] == "]") - (text[opened] == "[")
    before = text[:opened]
    if depth or before.count("[") > before.count("]"):
        opened = text.find("[")
        before = text[:opened]
    label, before = text[opened + 1 : middle], before.strip(" *_-–—:|")
    is_title = label.strip(" *_").lower() not in _LINK_CAPTIONS and not arxiv_ids.parse_bare_id(label)
    return label if is_title or not before else before


def _parse_id_heading(text: str) -> tuple[str, str, None] | None:
    """Id and title of a heading without URL: the id alone (`2502.02737`), before the title or, in brackets, after it."""
    head, _, rest = text.partition(" ")
    paper_id = arxiv_ids.parse_bare_id(head.strip("[]():`*"))
    if paper_id:
        return paper_id, rest.lstrip("-–—: "), None
    rest, _, tail = text.rpartition(" ")
    paper_id = arxiv_ids.parse_bare_id(tail.strip("()[]`*")) if tail[:1] in "([" else None
    return (paper_id, rest, None) if paper_id else None


def _clean_title(title: str) -> str | None:
    """The title on one line, without escaped brackets and bold around all of it. None if nothing is left."""
    if "\\" in title:
        title = title.replace("\\[", "[").replace("\\]", "]")
    title = " ".join(title.split())
    for mark in ("**", "__"):
        if title.startswith(mark) and len(title) > 4 and title.endswith(mark) and mark not in title[2:-2]:
            title = title[2:-2].strip()
    return title if is_visible(title) else None


# The labelled lines of a paper: votes, authors, cover, video. A value that cannot be parsed is never guessed.

_LABEL = re.compile(
    r"(?:[-*+•]\s)?(?P<open>\*{1,3}|_{1,2})?"
    r"(?P<name>votes?|upvotes?|likes|추천|투표|authors?|저자)"
    r"\s?(?(open)(?:(?P=open)\s?[:：]|[:：]\s?(?P=open))|[:：])[ \t]*(?P<value>.*)",
    re.IGNORECASE | re.DOTALL,
)
_LABEL_START = frozenset("vVuUlLaA추투저*_-+•")
_UPVOTE_SYMBOLS = frozenset("👍⬆🔼🔺▲")
_COUNT = re.compile(
    r"([0-9]+|[0-9]{1,3}(?:[,\u00a0\u202f][0-9]{3})+)(?:\s?(?:votes?|upvotes?|likes?|표|👍))?", re.IGNORECASE
)
_UNKNOWN_VALUES = frozenset(
    {"", "-", "--", "–", "—", "?", "n/a", "na", "none", "null", "nan", "unknown", "미상", "없음"}
)
_MAX_VOTE_DIGITS = 9
_QUOTE = re.compile(r"['\"]")
_QUOTED = {
    "'": re.compile(r"([^'\\]*+(?:\\.[^'\\]*+)*+)'", re.DOTALL),
    '"': re.compile(r'([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL),
}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([ntr])|(.))", re.DOTALL)
_TRUNCATION_MARK = re.compile(
    r"\+\s?[0-9]{0,4}(?:\s(?:more|others?|authors?|more authors))?|(?:and\s)?(?:[0-9]{1,4}\s)?(?:more|others)(?:\sauthors)?"
    r"|(?:and\s)?[0-9]{1,4}\s(?:more|others?)\sauthors?|외\s?[0-9]{0,4}\s?[명인]?|et\.? al\.?"
)
_TRAILING_TRUNCATION = re.compile(
    r"\s(?:et\.? al\.?|and (?:[0-9]{1,4} )?(?:others|more)(?: authors)?|외 [0-9]{1,4}\s?[명인]"
    r"|[(\[]?\+\s?[0-9]{1,4}(?: more| others| authors)?[)\]]?)$"
)
_TRUNCATION_STARTS = frozenset("+.…0123456789aemo외[(&")
_TRUNCATION_LAST_CHARS = frozenset(".…+)]0123456789명인")
_TRUNCATION_WORDS = ("al", "more", "others", "authors")
_FIRST_CHAR = itemgetter(0)
_VIDEO_WORD = re.compile(r"video|watch|영상|비디오|동영상", re.IGNORECASE)
_VIDEO_FILE = re.compile(r"\.(?:mp4|webm|mov|m4v)(?:[?#]|$)", re.IGNORECASE)
_URL = re.compile(r"\s{0,9}<?(https?://[^\s)>]{1,2000})")
_TAG = re.compile(r"<\s{0,3}(video|source|img|iframe)\b", re.IGNORECASE)
_SRC = re.compile(r"""\bsrc\s{0,3}=\s{0,3}["']?([^\s"'<>]{1,2000})""", re.IGNORECASE)


def parse_labelled_field(line: str) -> tuple[str, str] | None:
    """The field of a line, also of a bold one or a bullet: "votes" or "authors", and its value. None for other lines."""
    first = line[:1]
    is_symbol = first >= "\u2190" and not first.isalnum() and first != "●"
    if not is_symbol and first not in _LABEL_START:
        return None
    if is_symbol:
        symbol, _, line = line.partition(" ")
        if symbol[0] in _UPVOTE_SYMBOLS and parse_votes(line.strip())[0] is not None:
            return "votes", line.strip()
    match = _LABEL.match(line)
    if not match:
        return None
    name = "authors" if match["name"].lower() in {"author", "authors", "저자"} else "votes"
    return name, match["value"].strip()


def parse_votes(value: str) -> tuple[int | None, bool]:
    """The number, None if the digest does not know it, and whether the value could be parsed as either."""
    if value.isdecimal() and value.isascii() and len(value) <= _MAX_VOTE_DIGITS:
        return int(value), True
    value = value.strip("*_` ")
    if value.lower() in _UNKNOWN_VALUES:
        return None, True
    match = _COUNT.fullmatch(value) if len(value) < 40 else None
    digits = re.sub("[^0-9]", "", match[1]) if match else ""
    return (int(digits), True) if 0 < len(digits) <= _MAX_VOTE_DIGITS else (None, False)


def parse_authors(value: str) -> tuple[tuple[str, ...], bool]:
    """The names in order, and whether the digest shortened the list.

    They are separated by commas or semicolons, or in a Python or JSON list.
    """
    if value.startswith("["):
        # In quotes the plus sign is the name's own.
        marks = "… " if value[1:2] in ("'", '"') else _MARKS
        return _clean_authors(_parse_quoted_list(value), marks)
    if ";" not in value:
        names = [*map(str.strip, value.split(","))]
        if len(names) > 1 and "" not in names and not _may_be_truncated(names):
            return tuple(names), False
    if value.lower().strip("*_` ") in _UNKNOWN_VALUES:
        return (), False
    return _clean_authors(value.split(";" if ";" in value else ","))


def parse_media(line: str) -> tuple[str | None, str | None] | None:
    """The URLs of the cover and the video at the start of a line, in Markdown or HTML; None if there is neither."""
    if line.startswith("<"):
        tag = _TAG.search(line)
        src = _SRC.search(line, tag.end()) if tag else None
        if not tag or not src:
            return None
        return (src[1], None) if tag[1].lower() == "img" else (None, src[1])
    link = _find_markdown_link(line, line.find("![")) if "![" in line[:8] else None
    if link:
        return (None, link[1]) if _VIDEO_FILE.search(link[1]) else (link[1], None)
    link = _find_markdown_link(line, 0) if line.startswith("[") else None
    if link and (_VIDEO_WORD.search(link[0]) or _VIDEO_FILE.search(link[1])):
        return None, link[1]
    return None


def _find_markdown_link(line: str, start: int) -> tuple[str, str] | None:
    """Label and URL of the first Markdown link at or after `start`."""
    middle = line.find("](", start)
    match = _URL.match(line, middle + 2) if middle > 0 else None
    return (line[start:middle][:200], match[1]) if match else None


def _parse_quoted_list(value: str) -> list[str]:
    """Items of a list in the notation of `repr` or JSON. Text between them can only be a truncation mark, given as "+"."""
    names: list[str] = []
    position = 0
    while opening := _QUOTE.search(value, position):
        closing = _QUOTED[opening[0]].match(value, opening.end())
        if not closing:
            return value.strip("[] ").replace('"', "").split(",")
        if any(mark in value[position : opening.start()] for mark in ("+", "...", "…")):
            names.append("+")
        names.append(_unescape(closing[1]))
        position = closing.end()
    if not names:
        return value.strip("[] ").split(",")
    return [*names, "+"] if any(mark in value[position:] for mark in ("+", "...", "…")) else names


def _unescape(text: str) -> str:
    """A quoted text without its backslashes; JSON's surrogate pairs become one character."""
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(_unescape_match, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")


def _unescape_match(match: re.Match[str]) -> str:
    number = match[1] or match[2] or match[3]
    if number:
        return chr(int(number, 16)) if int(number, 16) <= sys.maxunicode else "\ufffd"
    return " " if match[4] else match[5]


_MARKS = "+… "


def _clean_authors(items: list[str], marks: str = _MARKS) -> tuple[tuple[str, ...], bool]:
    """Names without truncation marks, which can be anywhere: some scripts shuffle the list. The last may end in `marks`."""
    names = [name for item in items if (name := item.strip())]
    if len(names) > 1 and names[-1].startswith(("and ", "& ")) and not _is_truncation_mark(names[-1]):
        names[-1] = names[-1].partition(" ")[2].strip()
    kept = [name for name in names if name[0] not in _TRUNCATION_STARTS or not _is_truncation_mark(name)]
    truncated = len(kept) < len(names)
    if kept:
        last = _TRAILING_TRUNCATION.sub("", kept[-1]) if len(kept[-1]) < 200 else kept[-1]
        last = last.rstrip(marks).removesuffix("...").rstrip()
        truncated = truncated or last != kept[-1]
        kept[-1:] = [last] if last else []
    return tuple(kept), truncated


def _may_be_truncated(names: list[str]) -> bool:
    """A quick check: False rules truncation out, as for nearly all lists."""
    last = names[-1]
    return (
        last[-1] in _TRUNCATION_LAST_CHARS
        or last.endswith(_TRUNCATION_WORDS)
        or not _TRUNCATION_STARTS.isdisjoint(map(_FIRST_CHAR, names))
    )


def _is_truncation_mark(name: str) -> bool:
    bare = name.strip("[]().… ")
    return not bare or (len(bare) < 40 and _TRUNCATION_MARK.fullmatch(bare) is not None)


# Dates, in unambiguous spellings only: the year first, or the month by name.

_DASH = r"[-‐-―−./]"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_YEAR_FIRST = re.compile(
    rf"(?<![0-9.])((?:19|20)[0-9]{{2}})\s?(?:{_DASH}|년)\s?([0-9]{{1,2}})\s?(?:{_DASH}|월)\s?([0-9]{{1,2}})(?![0-9])"
)
_SOLID = re.compile(r"(?<![0-9.])(20[0-9]{2})([0-9]{2})([0-9]{2})(?![0-9.])")
_MONTH_FIRST = re.compile(
    rf"\b{_MONTH}\s([0-9]{{1,2}})(?:st|nd|rd|th)?,?\s((?:19|20)[0-9]{{2}})\b", re.IGNORECASE
)
_DAY_FIRST = re.compile(
    rf"\b([0-9]{{1,2}})(?:st|nd|rd|th)?\s{_MONTH},?\s((?:19|20)[0-9]{{2}})\b", re.IGNORECASE
)
_MAX_DATED_LENGTH = 300


def parse_date(heading: str) -> tuple[date | None, str] | None:
    """The date in a heading, or None with the reason if it is not a date; None without anything like a date.

    Never guesses between day and month.
    """
    if len(heading) > _MAX_DATED_LENGTH:
        return None
    candidates = {(int(y), int(m), int(d)) for y, m, d in _YEAR_FIRST.findall(heading)}
    if not candidates:
        named = [*_MONTH_FIRST.findall(heading), *((m, d, y) for d, m, y in _DAY_FIRST.findall(heading))]
        candidates = {(int(y), _month_of(m), int(d)) for m, d, y in named}
    candidates = candidates or {(int(y), int(m), int(d)) for y, m, d in _SOLID.findall(heading)}
    if not candidates:
        return None
    if len(candidates) > 1:
        return None, "the heading has more than one date"
    year, month, day = candidates.pop()
    on = _make_date(year, month, day)
    return on, "" if on else f"the date {year:04}-{month:02}-{day:02} does not exist"


def _month_of(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


_MENTIONS_PAPERS = re.compile(r"daily\s{1,3}papers?|데일리\s?페이퍼|오늘의\s?논문", re.IGNORECASE)


class DateHeading(NamedTuple):
    """A heading that dates the rows below it, up to the row `end` (not included). `error`: why it has no `date`."""

    heading: markdown_lines.Heading
    date: date | None
    error: str
    end: int
    mentions_papers: bool


class DatedRows(NamedTuple):
    """The rows of a page and a date heading; `headings` are those below it, before the next date heading."""

    rows: Sequence[str]
    day: DateHeading
    headings: Sequence[markdown_lines.Heading]
    papers_by_row: Mapping[int, PaperHeading]


def find_date_headings(
    headings: Sequence[markdown_lines.Heading], papers_by_row: Mapping[int, PaperHeading], end: int
) -> list[DateHeading]:
    """The date headings in order: those that mention daily papers or, if none does, the dated ones of one level."""
    dated = [
        (heading, parsed)
        for heading in headings
        if heading.row not in papers_by_row
        and not markdown_lines.split_number(heading.text)[0]
        and (parsed := parse_date(heading.text))
    ]
    chosen = [pair for pair in dated if _MENTIONS_PAPERS.search(pair[0].text)]
    mentions_papers = bool(chosen)
    if not mentions_papers:
        level = _level_above_papers([heading for heading, _ in dated], sorted(papers_by_row))
        chosen = [pair for pair in dated if level in (0, pair[0].level)]
    ends = [heading.row for heading, _ in chosen[1:]] + [end]
    return [
        DateHeading(heading, *parsed, stop, mentions_papers)
        for (heading, parsed), stop in zip(chosen, ends, strict=bool(chosen))
    ]


def _level_above_papers(dated: Sequence[markdown_lines.Heading], paper_rows: Sequence[int]) -> int:
    """The level of the dated heading above the first paper below any: a page may have a date too. 0 if none."""
    first = next((row for row in paper_rows if dated and row > dated[0].row), 0)
    return next((heading.level for heading in reversed(dated) if heading.row < first), 0)


# Dates as lists write them: also spans of days, and in paths.

_RANGE = re.compile(
    rf"\b{_MONTH}\s?[0-9]{{1,2}}(?:st|nd|rd|th)?\s?(?:-|–|—|~|to)\s?(?:{_MONTH}\s?)?([0-9]{{1,2}})(?:st|nd|rd|th)?\W{{1,5}}(20[0-9]{{2}})\b",
    re.IGNORECASE,
)
_NUMBER_RANGE = re.compile(
    r"(20[0-9]{2})\W([0-9]{1,2})\W([0-9]{1,2})\s?(?:-|–|—|~|to)\s?(?:(20[0-9]{2})\W)?([0-9]{1,2})\W([0-9]{1,2})(?![0-9])"
)
_PATH_WEEK = re.compile(r"(?<![0-9])(?:([01][0-9])([0-3][0-9])-)([01][0-9])([0-3][0-9])(?![0-9])")
_ISO_WEEK = re.compile(r"(?<![0-9])(20[0-9]{2})[-_/]?W(0[1-9]|[1-4][0-9]|5[0-2])(?![0-9])", re.IGNORECASE)
_PATH_YEAR = re.compile(r"(?<![0-9])(20[0-9]{2})(?![0-9])")
_OF = re.compile(r"(?<=[0-9a-z])\s+(?:of|if)\s+(?=[A-Z])")
UPDATED = re.compile(r"updat|last |更新|갱신|업데이트|generated", re.IGNORECASE)


def find_date(text: str) -> date | None:
    """The date in a heading or a cell, or the last one of a span of days; None for none, several, and none that exists."""
    text = text[:300]
    if range_ := _RANGE.search(text):
        first, second, day, year = range_.groups()
        return _make_date(year, _month_of(second or first), day)
    if range_ := _NUMBER_RANGE.search(text):
        first_year, _, _, last_year, month, day = range_.groups()
        return _make_date(last_year or first_year, month, day)
    text = _OF.sub(" ", text.translate(_CJK_DATES))
    parsed = parse_date(text)
    return parsed[0] if parsed else None


_CJK_DATES = {ord("年"): "-", ord("月"): "-", ord("日"): " "}


def find_path_date(name: str) -> date | None:
    """The date in a file's name or in the last folders of its path or address; of a week its last day."""
    parts = name.split("?")[0].rstrip("/").split("/")[-4:]
    parts[-1] = parts[-1].rpartition(".")[0] or parts[-1]
    path = "/".join(parts)
    for text in (*reversed(parts), path):
        if on := find_date(text.replace("_", " ")) or find_date(text.replace("-", " ")):
            return on
    if (weeks := list(_PATH_WEEK.finditer(path))) and (years := _PATH_YEAR.findall(path)):
        first, _, month, day = weeks[-1].groups()
        return _make_date(int(years[-1]) + (month < first), month, day)
    week = _ISO_WEEK.search(path)
    return date.fromisocalendar(int(week[1]), int(week[2]), 7) if week else None


def _make_date(year: str | int, month: str | int, day: str | int) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
