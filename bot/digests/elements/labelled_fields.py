"""The labelled lines of a paper: votes, authors, cover, video. A value that cannot be parsed is never guessed."""

from __future__ import annotations

import re
import sys
from operator import itemgetter

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
_URL = re.compile(r"\s{0,9}<?(https?://[^\s)>]+)")
_TAG = re.compile(r"<\s{0,3}(video|source|img|iframe)\b", re.IGNORECASE)
_SRC = re.compile(r"""\bsrc\s{0,3}=\s{0,3}["']?([^\s"'<>]+)""", re.IGNORECASE)


def parse_labelled_field(line: str) -> tuple[str, str] | None:
    """The field of a line, also of a bold one or a bullet: "votes" or "authors", and its value. None for other lines."""
    first = line[:1]
    if first not in _LABEL_START and not _is_symbol(first):
        return None
    if line.startswith("Vote: "):
        return "votes", line[6:].strip()
    if line.startswith("Authors: "):
        return "authors", line[9:].strip()
    if _is_symbol(first):
        symbol, _, line = line.partition(" ")
        if symbol[0] in _UPVOTE_SYMBOLS and parse_votes(line.strip())[0] is not None:
            return "votes", line.strip()
    match = _LABEL.match(line)
    if not match:
        return None
    name = "authors" if match["name"].lower() in {"author", "authors", "저자"} else "votes"
    return name, match["value"].strip()


def _is_symbol(char: str) -> bool:
    return char >= "\u2190" and not char.isalnum() and char != "●"


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
        return _clean_authors(_parse_quoted_list(value))
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
        return _parse_html_media(line)
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


def _parse_html_media(line: str) -> tuple[str | None, str | None] | None:
    tag = _TAG.search(line)
    src = _SRC.search(line, tag.end()) if tag else None
    if not tag or not src:
        return None
    return (src[1], None) if tag[1].lower() == "img" else (None, src[1])


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


def _clean_authors(items: list[str]) -> tuple[tuple[str, ...], bool]:
    """Names without truncation marks, which can be anywhere: some scripts shuffle the list."""
    names = [name for item in items if (name := item.strip())]
    if len(names) > 1 and names[-1].startswith(("and ", "& ")) and not _is_truncation_mark(names[-1]):
        names[-1] = names[-1].partition(" ")[2].strip()
    kept = [name for name in names if name[0] not in _TRUNCATION_STARTS or not _is_truncation_mark(name)]
    truncated = len(kept) < len(names)
    if kept:
        last = _TRAILING_TRUNCATION.sub("", kept[-1]) if len(kept[-1]) < 200 else kept[-1]
        last = last.rstrip("+… ").removesuffix("...").rstrip()
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
