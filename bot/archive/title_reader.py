"""Read the titles that texts give to papers: a link's label, or the text beside or above a link."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from itertools import islice

from bot.archive import arxiv_ids, fields

CUT = "\0"
"""What is left of a link in a line. Texts have no NUL."""
MAX_TITLE_LENGTH = 300
_MAX_LINE, _MIN_TITLE_LENGTH = 400, 8
_TARGET = re.compile(r"\]\([^()\s]{1,1000}\)")
_EMPHASIS = re.compile(r"(?<![\w*\\])(\*{1,3}|_{1,3}|~~|`{1,2})(?=\S)(.{1,600}?)(?<=\S)\1(?!\w)")
_ESCAPED = re.compile(r"\\([\[\]_*#`|~<>])")
_NUMBER = re.compile(
    r"^\W{0,6}(?:[(\[【]?[0-9]{1,4}(?:[\])】]|\ufe0f?\u20e3):?\s?|[0-9]{1,4}[.:]\s(?![0-9]{1,2}[.월]\s))"
)
"""A number in front of a title, `[1]`, `2.` or `3️⃣`, but not the first one of a date: `2026. 11. 26`."""
_LEADING = re.compile(r"^(?:[^\w\"“'‘(\[$\\~]|[(\[][^()\[\]]{1,20}?['’\s][0-9]{2,4}(?:\s\w{1,12})?[)\]]\s)+")
"""Signs, and a venue with its year, in front of a title: `(ACL'24)`."""
_TRAILING = re.compile(r"(?<![^\w\"”'’)\]$?!%.*+#~…])[^\w\"”'’)\]$?!%.*+#~…]++$")
CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE_END = re.compile(r"[a-z]{3}[.;] |[.,;]$")
_FULL_STOP = re.compile(r"(?<=[a-z]{2})\. ")
_NAMES_APART = re.compile(r", | and | & |; ")
_ITEM = re.compile(r"(?<!\s)\s*+(?:[-*+•]|[0-9]{1,4}[.)])\s++(?:\[[ xX]\]\s)?")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(?P<title>.{1,300}?)(?<=\S)\1")
_QUOTED = re.compile(r"[\"“「『《](?P<title>[^\"“”「」『』《》]{8,300})[\"”」』》]")
_BOLD_LINE = re.compile(r"\W{0,6}(?:[0-9]{1,4}[.)]\s*)?(\*\*|__)(?P<title>.{1,300}?)\1[\W\d]{0,20}")
_CAPTION = re.compile(
    r"(?:read|view|see|open|download|click|check|visit|full|go to|link to|get)\b.{0,40}"
    r"\b(?:paper|arxiv|pdf|here|abstract|article|more|text)\b",
    re.IGNORECASE,
)
_BEHIND_TITLE = re.compile(r"\s[-–—|·]\s|\sby\s")
_OPENED = re.compile(r"\s?(?:[(\[<【][^()\[\]<>【】]*|\((?=[^()]*\bet al\b)[^()]*+\)\W*)$")
"""A bracket that is still open, as before a link, or the authors in brackets."""
_ID = re.compile(
    rf"(?:[(\[]?(?:doi:\s?|10\.48550/|arxiv\.org/[a-z]{{3,8}}/|arxiv\s?[:.]?\s?){{0,3}}{arxiv_ids.ID}(?:v[0-9]{{1,3}})?[)\]]?|<?https?://[^\s<>|\"']{{1,1000}}>?)(?:\s{{1,3}}[-–—·](?=\s))?",
    re.IGNORECASE,
)
"""An id or an address, and the dash between it and what it is of."""


def strip_markdown(text: str) -> str:
    """Return the first 600 characters of Markdown without links, emphasis, tags and a number in front."""
    text = _TARGET.sub("]", text[:600]).replace("[", "").replace("]", "")
    return _NUMBER.sub("", _strip_emphasis(text).lstrip("# >~").strip(" |"))


def _strip_emphasis(text: str) -> str:
    for _ in range(3 if any(mark in text for mark in "*_~`") else 0):
        text, before = _EMPHASIS.sub(r"\2", text), text
        if text == before:
            break
    text = _ESCAPED.sub(r"\1", text) if "\\" in text else text
    return " ".join((html.unescape(text) if "&" in text else text).split())


def strip_item(line: str) -> str:
    """Return a line without the mark of a list's item, and its box if it has one: `- [x] Title`."""
    return _ITEM.sub("", line, count=1)


def is_numbered(text: str) -> bool:
    """Return whether a text begins with a number, as the headings of a list's papers do."""
    return _NUMBER.match(text) is not None


def read_title(label: str, min_words: int = 4) -> str | None:
    """Return Markdown as a title, or None if it is a caption, a person, a number, a URL or a translation.

    One word less is enough with a colon.
    """
    title = _NUMBER.sub("", label[: 2 * MAX_TITLE_LENGTH].strip(" \t#>|"))
    title = _NUMBER.sub("", _strip_emphasis(_LEADING.sub("", _strip_emphasis(title))))
    title = _TRAILING.sub("", title.replace(CUT, " ")).strip()
    if title.count("[") != title.count("]"):
        title = title.strip("[]")
    title = fields.strip_quotes(title)
    words = len(_WORD.findall(title[:MAX_TITLE_LENGTH]))
    is_other = "://" in title or "![" in label or len(title) > MAX_TITLE_LENGTH or CJK.search(title)
    is_caption = words < 10 and _CAPTION.match(title)
    return None if is_other or is_caption or words < min_words - (": " in title) else title


def clean_title(value: str, min_words: int) -> str | None:
    """Return plain text as a title, or None if it is a number, a URL or a translation, or has too few words."""
    title = " ".join(value[: 2 * MAX_TITLE_LENGTH].split())
    is_number = not any(map(str.isalpha, title))
    is_other = is_number or "://" in title or len(title) > MAX_TITLE_LENGTH or CJK.search(title)
    return None if is_other or len(_WORD.findall(title)) < min_words else title


def _read_bare(text: str) -> str | None:
    """Return text without marks as a title, or None if it may be a sentence or a list of names."""
    names, *rest = _FULL_STOP.split(text, maxsplit=2) if ". " in text else [text]
    if rest and _are_names(_NUMBER.sub("", names.lstrip())):
        return read_title(rest[0])
    is_aside = text.lstrip().startswith("(") and text.rstrip().find(")") == len(text.rstrip()) - 1
    title = None if is_aside or "](" in text or text.rstrip().endswith(".") else read_title(text)
    if title is None or len(_WORD.findall(title)) < 4 or _SENTENCE_END.search(title):
        return None
    if _are_names(title.rpartition(": ")[2]):
        return None
    before, _, last = title.rpartition(" - ")
    return before if before and _are_names(last) else title


def _are_names(text: str) -> bool:
    """Return whether a text is a list of people: names of two to four words in capitals, with commas between them."""
    names = [name.split() for name in _NAMES_APART.split(text)]
    return any(mark in text for mark in ",;") and all(
        2 <= len(name) <= 4 and all(word[0].isupper() or word in _PARTICLES for word in name)
        for name in names
    )


_PARTICLES = frozenset(
    [
        *("van", "de", "der", "den", "von", "del", "della", "di"),
        *("da", "la", "le", "bin", "al", "el", "ten", "ter"),
    ]
)


def read_labelled(line: str) -> str | None:
    """Return the title in a line "Title: …", or None."""
    label = fields.TITLE_LABEL.match(line) if ":" in line or "：" in line else None
    return read_title(line[label.end() :], min_words=1) if label else None


def find_above(line: str, below: str, *, is_first: bool) -> str | None:
    """Return the title that a line without an id gives to a paper in the lines below it, or None.

    It is bold, a summary, an item with lines of its own, or the first line of a paragraph (`is_first`).
    """
    if len(line) > _MAX_LINE:
        return None
    if ("**" in line or "__" in line) and (match := _BOLD_LINE.fullmatch(line.strip())):
        return read_title(match["title"])
    if item := _ITEM.match(line):
        indent = len(line) - len(line.lstrip())
        is_deeper = len(below) - len(below.lstrip()) > indent
        is_parent = bool(below.strip()) and (is_deeper or not _ITEM.match(below))
        return _read_bare(line[item.end() :]) if is_parent else None
    has_label = "**:" in line or ":**" in line
    return _read_bare(line.strip("- \t")) if is_first and not has_label else None


def find_beside(parts: Sequence[str], *, are_cells: bool, has_others: bool) -> str | None:
    """Return the title in a paper's own line: bold or quoted text, or the text beside the link, or None.

    `parts` are a row's cells, or one line with `CUT` in the place of links. Text behind a link counts if the
    line has no text before it. If the line `has_others`, other papers, only bold or quoted text counts.
    """
    cut = (
        _ID.sub(CUT, part[: 2 * _MAX_LINE]) if "://" in part or arxiv_ids.MAY_HAVE_ID.search(part) else part
        for part in parts
    )
    parts = [part for whole in cut for part in whole[: 2 * _MAX_LINE].split(CUT)]
    parts = [part for part in parts if len(part) >= _MIN_TITLE_LENGTH or not are_cells]
    for pattern, marks in ((_BOLD, "*_"), (_QUOTED, '"“「『《')):
        for part in parts:
            if not any(mark in part for mark in marks):
                continue
            for match in islice(pattern.finditer(part), 3):
                if title := read_title(match["title"]):
                    return title
    for number, part in enumerate(() if has_others else parts):
        text = _OPENED.sub("", _ITEM.sub("", part, count=1))
        text = _BEHIND_TITLE.split(text, maxsplit=1)[0] if number and not are_cells else text
        title = _read_bare(text)
        if title or (not are_cells and _WORD.search(text)):
            return title
    return None
