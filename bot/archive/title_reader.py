"""Read the titles that texts give to papers: a link's label, or the text next to or above a link."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

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
_LEADING = re.compile(r"^[^\w\"“'‘(\[$\\~]+")
"""Signs in front of a title."""
_TRAILING = re.compile(r"(?<![^\w\"”'’)\]$?!%.*+#~…])[^\w\"”'’)\]$?!%.*+#~…]++$")
CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff]{2}|[^\\W\\d_\u3040-\u30ff\u3400-\u9fff]{2,}")
"""A word of a title, or as much of a script without spaces."""
_SENTENCE_END = re.compile(r"[a-z]{3}[.;] |[.,;]$")
_NAME = re.compile("[\uac00-\ud7a3]{2,4}|[\u3400-\u9fff]{2,4}")
"""A name without a space in it: Korean, Chinese or Japanese."""
_PARTICLES = frozenset(
    ("van", "von", "der", "den", "de", "da", "di", "du", "del", "dos", "la", "le", "al", "el", "bin", "ibn")
)
_MARKS = r"[\s\d*†‡§¶#¹²³⁴-⁹,]"
_BEHIND_NAME = re.compile(rf"(?<!{_MARKS}){_MARKS}*+(?:\([^()]{{0,200}}\){_MARKS}*+)?$")
"""The marks and the affiliation behind a name."""
_ITEM = re.compile(r"\A\s*+(?:[-*+•]|[0-9]{1,4}[.)])\s++(?:\[[ xX]\]\s)?")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(?P<title>.{1,300}?)(?<=\S)\1")
_QUOTED = re.compile(
    r"[\"“](?P<title>[^\"“”「」『』《》]{8,300})[\"”]|[「『《](?P<other>[^\"“”「」『』《》]{3,300})[」』》]"
)
_TITLE_END = re.compile(r"\s[-–—|·]\s")
_OPENED = re.compile(r"\s?(?:[(\[<【][^()\[\]<>【】]*|\((?=[^()]*\b(?:et al|[12][0-9]{3})\b)[^()]*+\)\W*)$")
"""A bracket that is still open, as before a link, or the authors or the year in brackets."""
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


def read_title(label: str, min_words: int = 4, *, is_of_arxiv: bool = True) -> str | None:
    """Return Markdown as a title, or None if it is a caption, a person, a number, a URL or a translation.

    One word less is enough with a colon, and two less in Korean, but not fewer than two. What has a sign of Korean, Chinese or
    Japanese is a translation for a paper `is_of_arxiv`.
    """
    title = _NUMBER.sub("", label[: 2 * MAX_TITLE_LENGTH].strip(" \t#>|"))
    title = _NUMBER.sub("", _strip_emphasis(_LEADING.sub("", _strip_emphasis(title))))
    title = _TRAILING.sub("", title.replace(CUT, " ")).strip()
    if title.count("[") != title.count("]"):
        title = title.strip("[]")
    title = fields.strip_quotes(title.removeprefix("[[").removesuffix("]]"))
    if not is_of_arxiv and not title.endswith(".."):
        title = title.removesuffix(".")
    words = len(_WORD.findall(title[:MAX_TITLE_LENGTH]))
    is_id = title.isascii() and " " not in title and ("/" in title or ":" in title)
    is_other = is_id or "://" in title or "![" in label or _is_no_title(title, is_of_arxiv=is_of_arxiv)
    is_caption = words < 10 and fields.is_button(title)
    fewer = max(": " in title, min(2, min_words - 2) if _HANGUL.search(title) else 0)
    return None if is_other or is_caption or words < min_words - fewer else title


def _is_no_title(title: str, *, is_of_arxiv: bool) -> bool:
    return len(title) > MAX_TITLE_LENGTH or (is_of_arxiv and CJK.search(title) is not None)


def clean_title(value: str, *, is_of_arxiv: bool) -> str | None:
    """Return plain text as a title, or None if it is a number, a URL or a translation, as in `read_title`."""
    title = " ".join(value[: 2 * MAX_TITLE_LENGTH].split())
    is_other = "://" in title or not any(map(str.isalpha, title))
    return None if is_other or _is_no_title(title, is_of_arxiv=is_of_arxiv) else title


def _read_bare(text: str, *, is_of_arxiv: bool) -> str | None:
    """Return text without marks as a title, or None if it may be a sentence or a list of names."""
    is_other = text.lstrip().startswith("(") or "](" in text or text.rstrip().endswith(".")
    title = None if is_other else read_title(text, is_of_arxiv=is_of_arxiv)
    if title is None or not has_words(title) or _SENTENCE_END.search(title):
        return None
    return None if read_people(title) else title


def has_words(title: str) -> bool:
    """Return whether a title has as many words as one without marks needs."""
    return len(_WORD.findall(title)) >= (3 if _HANGUL.search(title) else 4)


def read_people(text: str) -> tuple[str, ...]:
    """Return the people in a line that is a list of names, perhaps with a venue behind a semicolon, or nothing."""
    for part in (text, text.partition(";")[0]):
        people, is_shortened = fields.parse_authors(_strip_emphasis(part[: 2 * MAX_TITLE_LENGTH].strip()))
        names = [_BEHIND_NAME.sub("", name) for name in people]
        if len(names) + is_shortened > 1 and all(map(is_name, names)):
            return tuple(names)
    return ()


def is_name(text: str) -> bool:
    """Return whether a text may be a person's name: two to five words in capitals, or one in a script without them."""
    words = text.split()
    in_capitals = all(word[0].isupper() or word in _PARTICLES for word in words)
    return _NAME.fullmatch(text) is not None or (2 <= len(words) <= 5 and in_capitals)


class Above(NamedTuple):
    """What the lines above a paper's links say: its title, whether that is in bold, and its people."""

    title: str | None
    is_bold: bool
    people: tuple[str, ...]


def read_above(lines: Sequence[str]) -> Above:
    """Return what the lines above a paper's links say.

    The title is the line in bold, or else the first of four words, or of one. A single name is below it.
    """
    paragraph = next((at for at in range(len(lines), 0, -1) if not lines[at - 1].strip()), 0)
    texts, people = list[str](), tuple[str, ...]()
    for at, line in enumerate(lines):
        field = fields.parse_labelled_field(line)
        named = read_people(field[1] if field and field[0] == "authors" else line)
        people = people or named
        text = _TARGET.sub("]", strip_item(line)).strip()
        # A link is the title only in the paragraph of the paper's own links.
        is_link = "](" in line and (at < paragraph or not _is_bracketed(text.strip("*_")))
        if not (named or field or is_link or text.rstrip(" *_").endswith(_ENDS)):
            texts.append(text)
    return _choose(texts, people)


def _choose(texts: Sequence[str], people: tuple[str, ...]) -> Above:
    titles, bold = list[str](), list[str]()
    for text in texts:
        if title := read_title(text, 1, is_of_arxiv=False):
            titles.append(title)
            bold += [title] if _BOLD.fullmatch(text) else []
    plain = [title for title in titles if not _SENTENCE_END.search(title)]
    title = next(iter([*bold, *filter(has_words, plain), *plain]), None)
    below = titles[titles.index(title) + 1 :][:1] if title else []
    return Above(title, bool(bold), people or tuple(filter(is_name, below)))


_ENDS = (".", ":", "。", "：", ";", ",")
"""The ends of lines that are no title."""


def _is_bracketed(text: str) -> bool:
    return text[:1] == "[" and text[-1:] == "]" and text.count("[") == 1


def _list_marked(parts: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the texts in bold, then those in quotation marks, each with the fewest words of a title."""
    for pattern, marks in ((_BOLD, "*_"), (_QUOTED, '"“「『《')):
        for part in parts:
            for match in islice(pattern.finditer(part), 3) if any(mark in part for mark in marks) else ():
                yield match[match.lastgroup or 0], 4 if pattern is _QUOTED and match["title"] else 2


def find_unlinked(
    parts: Sequence[str], *, are_cells: bool, has_others: bool, is_of_arxiv: bool
) -> str | None:
    """Return the title in a paper's own line: bold or quoted text, or the text next to the link, or None.

    `parts` are a row's cells, or one line with `CUT` in the place of links. Text after a link counts if the
    line has no text before it. If the line `has_others`, other papers, only bold or quoted text counts.
    """
    cut = (
        _ID.sub(CUT, part[: 2 * _MAX_LINE]) if "://" in part or arxiv_ids.MAY_HAVE_ID.search(part) else part
        for part in parts
    )
    parts = [part for whole in cut for part in whole[: 2 * _MAX_LINE].split(CUT)]
    parts = [part for part in parts if len(part) >= _MIN_TITLE_LENGTH or not are_cells]
    marked = (read_title(text, fewest, is_of_arxiv=is_of_arxiv) for text, fewest in _list_marked(parts))
    if title := next(filter(None, marked), None):
        return title
    for number, part in enumerate(() if has_others else parts):
        text = _OPENED.sub("", _ITEM.sub("", part, count=1))
        text = _TITLE_END.split(text, maxsplit=1)[0] if number and not are_cells else text
        title = _read_bare(text, is_of_arxiv=is_of_arxiv)
        if title or (not are_cells and _WORD.search(text)):
            return title
    return None
