"""The full text of a paper: Hugging Face's Markdown of it, else the HTML of arXiv, else that of ar5iv.

Each may answer with another page than the paper, so a text counts only if it holds the paper's id and title and at least
MIN_WORDS words. All but a short page is read in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from yarl import URL

from bot.archive import html_pages
from bot.core import isolation
from bot.core.clock import Clock
from bot.sources import base, fetcher
from bot.text import analyser, typography
from storage import models

# Hidden text: what a page holds but a reader of it does not see, by attributes, inline styles and style sheets.
#
# Text is also planted in papers for language models to read: white on white, of size zero, or outside the page.

_DECLARATION = re.compile(r"([a-z-]{1,40})\s{0,9}:\s{0,9}([^;]{1,200})")
_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))")
_CSS_PART = re.compile(r"[.#][\w-]{1,80}|\[[\w-]{1,80}|^[a-z][a-z0-9]{0,20}", re.IGNORECASE)
_CONDITION = re.compile(r":(?!nth-|first-|last-|only-|is\(|where\()")
"""A pseudo-element, or a pseudo-class that tells little of what is shown, such as `:empty` and `:hover`."""
_COMMON_NAMES = "[class [id [style [href [src [lang [title [type [role [width [height"
_COMMON_ATTRIBUTES = frozenset(_COMMON_NAMES.split())
_LENGTH = re.compile(
    r"([+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(?:e[+-]?[0-9]{1,3})?)\s?(px|pt|em|rem|ex|%|vw|vh|mm|cm|in)?"
)
_HEX = re.compile("#([0-9a-f]{3,8})")
_CHANNELS = re.compile(r"(rgb|hsl)a?\(([^)]{1,80})\)")
_TRANSFORM = re.compile(r"([a-z0-9]{1,20})\(([^()]{0,200})\)?")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u00ad\U000e0000-\U000e007f]")

_WHITE_FROM = 0xF0
"""Value from which a colour's red, green and blue count as white."""
_MIN_FONT_SIZES = {"px": 4.0, "pt": 3.0, "em": 0.3, "rem": 0.3, "ex": 0.6, "%": 30.0, "vw": 0.3, "vh": 0.3}
_MIN_FONT_SIZES |= {"mm": 1.0, "cm": 0.1, "in": 0.04, "": 0.01}
_PIXELS = {
    "px": 1.0,
    "pt": 1.3,
    "em": 16.0,
    "rem": 16.0,
    "ex": 8.0,
    "%": 5.0,
    "vw": 5.0,
    "vh": 5.0,
    "mm": 3.8,
}
_PIXELS |= {"cm": 38.0, "in": 96.0, "": 1.0}
_OFF_PAGE = -500.0, 3000.0
"""Positions in pixels, to the left or the top and to the right or the bottom, from which an element lies outside the page."""
_POSITION_NAMES = "left top right bottom inset margin margin-left margin-top margin-right margin-bottom"
_POSITIONS = frozenset(_POSITION_NAMES.split())
_HIDING_VALUES = {
    "display": ("none",),
    "visibility": ("hidden", "collapse"),
    "content-visibility": ("hidden",),
}
_WHITE_COLOURS = "white snow ivory ghostwhite floralwhite whitesmoke mintcream azure lightyellow lightcyan aliceblue honeydew"
_WHITE_NAMES = frozenset(
    (_WHITE_COLOURS + " seashell oldlace cornsilk lavenderblush linen beige canvas").split()
)
_MAX_STYLE = 4000


def drop_invisible(text: str) -> str:
    """Return a text without characters that have no glyph, such as zero-width spaces and Unicode's tags."""
    return _INVISIBLE.sub("", text)


def is_hidden(attributes: Mapping[str, str], *, has_background: bool) -> bool:
    """Whether an element with these attributes (names in lower case) and its content is not shown.

    `has_background`: it lies on a colour, on which white text can be read.
    """
    if (
        "hidden" in attributes
        or "popover" in attributes
        or attributes.get("aria-hidden", "").strip().lower() == "true"
    ):
        return True
    if not has_background and _is_white(attributes.get("color", "")):
        return True
    style = attributes.get("style")
    return style is not None and is_hiding(style, has_background=has_background, is_inline=True)


def is_hiding(style: str, *, has_background: bool = False, is_inline: bool = False) -> bool:
    """Whether any declaration of a style hides what it applies to.

    `is_inline`: it is an element's own, where a size or colour that cannot be computed hides; papers' have plain ones.
    """
    if len(style) > _MAX_STYLE:
        return True
    declared = _read_style(style)
    if _is_clipped(declared):
        return True
    on_colour = has_background or has_dark_background(style)
    return any(_hides(name, value, on_colour, is_inline) for name, value in declared)


def _hides(name: str, value: str, on_colour: bool, is_inline: bool) -> bool:
    if value in _HIDING_VALUES.get(name, ()):
        return True
    is_computed = is_inline and "(" in value
    match name:
        case "font-size":
            return is_computed or _has_small_size(value, _MIN_FONT_SIZES)
        case "font":
            return is_computed or _has_small_size(value, {"px": 4.0, "pt": 3.0})
        case "opacity" | "zoom":
            return is_computed or _is_zero(value, 0.1)
        case "clip" | "clip-path" | "filter":
            return value not in ("auto", "none", "inherit", "initial", "unset")
        case "transform":
            return any(_moves_away(*match.groups()) for match in _TRANSFORM.finditer(value))
        case "z-index":
            return value.startswith("-")
        case "text-indent":
            return is_computed or _is_off_page(value.lstrip("-"), 500.0) or _is_off_page(value, 500.0)
        case "color" | "--ltx-fg-color" | "-webkit-text-fill-color":
            is_unknown = is_computed and not _CHANNELS.search(value)
            return _is_transparent(value) or ((is_unknown or _is_white(value)) and not on_colour)
    return name in _POSITIONS and (is_computed or _is_off_page(value))


def has_dark_background(style: str) -> bool:
    """Whether a style sets a background other than white."""
    declared = dict(_read_style(style))
    for name in ("background-color", "background", "--ltx-bg-color"):
        value = declared.get(name)
        if value and value not in ("none", "inherit", "initial", "unset"):
            is_known = "(" not in value or _CHANNELS.match(value) is not None
            return is_known and not (_is_white(value) or _is_transparent(value))
    return False


def hiding_selectors(css: str) -> frozenset[str]:
    """Return what elements that a style sheet hides have: a class (`.name`), id (`#name`), attribute (`[name`) or tag.

    Of a selector its last part counts, wherever it stands; a tag counts only if it stands alone.
    """
    found: set[str] = set()
    for rule in _drop_comments(css[:500_000]).split("}")[:-1]:
        selectors, brace, body = rule.rpartition("{")
        if brace and is_hiding(body):
            # In front of them, the rule of a medium may begin.
            for selector in selectors.rpartition("{")[2][-400:].split(","):
                words = selector.replace(">", " ").replace("+", " ").replace("~", " ").split()
                if words and not _CONDITION.search(words[-1]):
                    parts = _CSS_PART.findall(words[-1].partition(":")[0])
                    last = parts[-1] if parts else ""
                    if (last[:1] in ".#[" or len(words) == 1) and last not in _COMMON_ATTRIBUTES:
                        found.add(last if last[:1] in ".#" else last.lower())
    return frozenset(found - {"", "html", "body"})


def _drop_comments(css: str) -> str:
    first, *rest = css.split("/*")
    return first + "".join(part.partition("*/")[2] for part in rest)


def _read_style(style: str) -> list[tuple[str, str]]:
    """Return the declarations of a style in their order; of one name any may be what is shown."""
    plain = _drop_comments(style[:_MAX_STYLE].lower())
    plain = _ESCAPE.sub(lambda match: match[2] or chr(min(int(match[1], 16), 0xFFFF)), plain)
    return [(name, value.partition("!")[0].strip()) for name, value in _DECLARATION.findall(plain)]


def _read_length(value: str | None) -> tuple[float, str] | None:
    """Return the number and the unit of a length, the unit "" for a bare number; None for anything else."""
    match = _LENGTH.fullmatch(value or "")
    return (float(match[1]), match[2] or "") if match else None


def _has_small_size(value: str, minimum: Mapping[str, float]) -> bool:
    lengths = map(_read_length, value.replace("/", " ").split())
    return any(length and length[0] < minimum.get(length[1], 0.0) for length in lengths)


def _is_zero(value: str | None, limit: float) -> bool:
    length = _read_length(value)
    return length is not None and length[0] / (100 if length[1] == "%" else 1) < limit


def _is_off_page(value: str, most: float = _OFF_PAGE[1]) -> bool:
    lengths = [length for length in map(_read_length, value.split()) if length]
    return any(not _OFF_PAGE[0] < number * _PIXELS[unit] < most for number, unit in lengths)


def _moves_away(function: str, arguments: str) -> bool:
    """Whether a function of `transform` hides; LaTeXML turns tables, and scales and moves them to their place."""
    values = arguments.replace(",", " ")
    if function in ("scale", "scalex", "scaley"):
        return any(_is_zero(value.lstrip("-"), 0.1) for value in values.split())
    if function in ("translate", "translatex", "translatey"):
        return _is_off_page(values.replace("-", ""), 1000.0)
    return function not in ("rotate", "skew", "skewx", "skewy")


def _is_clipped(declared: Iterable[tuple[str, str]]) -> bool:
    hides_rest = any(
        name.startswith("overflow") and ("hidden" in value or "clip" in value) for name, value in declared
    )
    sizes = ("width", "height", "max-height", "max-width")
    return hides_rest and any(name in sizes and _is_zero(value, 2.0) for name, value in declared)


def _is_transparent(colour: str) -> bool:
    colour = colour.strip()
    if colour == "transparent":
        return True
    if match := _CHANNELS.search(colour):
        parts = _split_channels(match[2])
        return len(parts) == 4 and _is_zero(parts[3], 0.1)
    if match := _HEX.fullmatch(colour):
        digits = match[1]
        return (len(digits) == 8 and digits[6:] < "1a") or (len(digits) == 4 and digits[3] < "2")
    return False


def _is_white(colour: str) -> bool:
    colour = colour.strip().lower()
    if colour in _WHITE_NAMES:
        return True
    if match := _HEX.fullmatch(colour):
        digits = "".join(digit * 2 for digit in match[1][:3]) if len(match[1]) < 6 else match[1][:6]
        return all(int(digits[index : index + 2], 16) >= _WHITE_FROM for index in (0, 2, 4))
    if match := _CHANNELS.search(colour):
        lengths = [_read_length(part) or (0.0, "") for part in _split_channels(match[2])[:3]]
        values = [number * (2.55 if unit == "%" else 1.0) for number, unit in lengths]
        return len(values) == 3 and min(values[2:] if match[1] == "hsl" else values) >= _WHITE_FROM
    return False


def _split_channels(text: str) -> list[str]:
    return text.replace(",", " ").replace("/", " ").split()


# The text of a paper's HTML, as LaTeXML makes it, as Markdown: headings, paragraphs, lists and rows of tables.
#
# A formula is read once, as TeX. Hidden text, references, acknowledgements, marks of citations and notes are left out.

_MAX_DEPTH_SEARCHED = 100
_EMPTY_LINES = re.compile(r"(?<![ \t])[ \t]*+\n[ \t]*(?:\n\s*)?\n")
_SPACES = re.compile(r"\s+")
_NUMERIC_CITATION = re.compile(r"[\[(]?[\s\d,;–-]*[\])]?")
_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr"
_SKIPPED_NAMES = "script style template noscript svg nav footer button select textarea iframe object annotation annotation-xml"
_SKIPPED_NAMES += " dialog datalist noframes canvas audio video rp"
_SKIPPED_CLASS_NAMES = (
    "ltx_bibliography ltx_acknowledgements ltx_acknowledgement ltx_note_mark ltx_tag_note ltx_tag_equation ltx_missing"
    " ltx_eqn_eqno ltx_ERROR ltx_page_footer ltx_page_header ltx_page_navbar ltx_page_logo ltx_TOC ltx_pagination"
    " package-alerts"
)
_BLOCK_NAMES = (
    "p div article section main table thead tbody blockquote body header figure figcaption dl dt dd ul ol pre"
)
_VOID = frozenset(_VOID_NAMES.split())
_SKIPPED = frozenset(_SKIPPED_NAMES.split())
_SKIPPED_CLASSES = frozenset(_SKIPPED_CLASS_NAMES.split())
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_OPENINGS = {
    **dict.fromkeys((*_BLOCKS, "title"), "\n\n"),
    **{name: f"\n\n{mark} " for name, mark in _HEADINGS.items()},
    "li": "\n- ",
    "br": "\n",
    "tr": "\n",
}
_CLOSES_PARAGRAPH = _BLOCKS | _HEADINGS.keys() | {"li", "tr"}
_TEX = re.compile(r"[\\^_{]")


_PHANTOM = re.compile(r"\\[hv]?phantom\s{0,9}\{[^{}]{0,500}\}")
"""What takes room in a formula and is not shown."""
_TEX_WHITE = r"(?:1(?:\.0{0,9})?|0?\.9[5-9][0-9]{0,9}|25[0-5])"
_UNSEEN_TEX = re.compile(
    r"color\s{0,9}(?:\[[A-Za-z]{1,9}\]\s{0,9})?\{\s{0,9}(?:white|"
    rf"(?:[Ff]{{6}}|{_TEX_WHITE}(?:\s{{0,9}},\s{{0,9}}{_TEX_WHITE}){{0,2}}|0(?:\s{{0,9}},\s{{0,9}}0){{3}})\s{{0,9}}\}})"
    r"|scalebox\s{0,9}\{\s{0,9}0?\.0"
)
"""White text, also by the numbers of a colour model, or text that is scaled to nothing."""


class PaperPage:
    """A parsed page: its text as Markdown, and the titles that it gives itself."""

    def __init__(self, page: str) -> None:
        self._chunks: list[str] = []
        self._open: list[tuple[str, bool, int]] = []
        self._skipped: list[str] = []
        self._hiding: set[str] = set()
        self.titles: list[str] = []
        for token in html_pages.tokenize(page):
            if isinstance(token, str):
                self._write_text(token)
            else:
                self._write_tag(*token)
        text = drop_invisible("".join(self._chunks))
        self.text = _EMPTY_LINES.sub("\n\n", text).strip() + "\n"

    def _write_text(self, text: str) -> None:
        if not self._skipped:
            self._chunks.append(_SPACES.sub(" ", html_pages.unescape(text)))
        elif self._skipped[-1] == "style":
            self._hiding |= hiding_selectors(text)

    def _write_tag(self, name: str, is_closing: bool, attributes: str) -> None:
        if self._skipped:
            self._skip(name, is_closing)
            if self._skipped or is_closing:
                return
        if is_closing:
            self._close(name)
            return
        values = html_pages.parse_attributes(attributes)
        if name == "math":
            self._write_formula(values)
        elif name in _SKIPPED or self._is_left_out(name, values):
            if name not in _VOID:
                self._skipped.append(name)
        else:
            self._start(name, values)

    def _skip(self, name: str, is_closing: bool) -> None:
        """Follow the nesting below an element that is left out, by its name alone."""
        first = self._skipped[0]
        if first == "p" and not is_closing and name in _CLOSES_PARAGRAPH:
            self._skipped.clear()
        elif name == first:
            if is_closing:
                self._skipped.pop()
            else:
                self._skipped.append(name)

    def _is_left_out(self, name: str, values: dict[str, str]) -> bool:
        classes = values.get("class", "").split()
        if not _SKIPPED_CLASSES.isdisjoint(classes):
            return True
        if "ltx_note" in classes and any(entry[0] == "h1" for entry in self._open[-5:]):
            return True
        if name == "details" and "open" not in values:
            return True
        return name in self._hiding or self._is_hidden(values)

    def _is_hidden(self, values: dict[str, str]) -> bool:
        """Whether a style sheet, or the attributes of an element themselves, hide it."""
        if not values:
            return False
        selectors = ["." + name for name in values.get("class", "").split()] + ["#" + values.get("id", "")]
        selectors += ["[" + name for name in values]
        has_background = any(entry[1] for entry in self._open[-20:])
        return not self._hiding.isdisjoint(selectors) or is_hidden(values, has_background=has_background)

    def _start(self, name: str, values: dict[str, str]) -> None:
        classes = values.get("class", "")
        is_note = name == "span" and "ltx_note_content" in classes
        if is_note:
            self._chunks.append(" (")
        elif name in ("td", "th"):
            self._chunks.append(" " if "ltx_eqn" in classes else " | ")
        elif name in _OPENINGS:
            self._chunks.append(_OPENINGS[name])
        if name not in _VOID:
            has_background = has_dark_background(values.get("style", ""))
            self._open.append(("note" if is_note else name, has_background, len(self._chunks)))

    def _close(self, name: str) -> None:
        for index in range(len(self._open) - 1, max(-1, len(self._open) - 1 - _MAX_DEPTH_SEARCHED), -1):
            entry_name, _, start = self._open[index]
            if entry_name == name or (name == "span" and entry_name == "note"):
                del self._open[index:]
                self._finish(entry_name, start)
                return

    def _finish(self, name: str, start: int) -> None:
        """Write what follows an element, whose chunks begin at `start`."""
        if name in ("title", "h1"):
            self.titles.append(" ".join("".join(self._chunks[start:]).split()))
        if name == "title":
            del self._chunks[start - 1 :]
        elif name == "note":
            self._chunks.append(")")
        elif name == "cite" and _NUMERIC_CITATION.fullmatch("".join(self._chunks[start:])):
            del self._chunks[start:]
        elif name in _HEADINGS or name in _BLOCKS:
            self._chunks.append("\n\n")

    def _write_formula(self, values: dict[str, str]) -> None:
        """Write a formula once: its TeX, if it has one, in place of its MathML."""
        if "alttext" not in values:
            self._open.append(("math", False, len(self._chunks)))
            return
        # LaTeXML hides the MathML from screen readers, not the formula.
        shown = {name: value for name, value in values.items() if name != "aria-hidden"}
        if not self._is_hidden(shown) and not _UNSEEN_TEX.search(values["alttext"]):
            tex = " ".join(_PHANTOM.sub("", values["alttext"]).replace("\\%", "%").split())
            self._chunks.append(f"${tex}$" if _TEX.search(tex) else tex)
        self._skipped.append("math")


# The Markdown of a paper: cleaned of links, pictures and hidden text, and cut before references and acknowledgements.

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.{0,300})")
_BOLD_HEADING = re.compile(r"\*\*([^*\n]{1,80})\*\*:?")
_UNDERLINED = re.compile(
    r"^(?=.{1,300}$)(?![^\S\n]*[#|>-])[^\S\n]*(\S.*)\n(?:(=)={2,200}|-{3,201})[ \t]*$", re.MULTILINE
)
_CUT_TITLE = re.compile(
    r"[\W_]*(?:(?:[0-9]{1,2}|[IVX]{1,5}|[A-Z])(?:\.[0-9]{1,2}){0,2}[.)]?\s+)?"
    r"(?:references?(?:\s+and\s+notes)?|bibliography|literature cited|works cited|acknowledge?ments?|참고\s?문헌|감사의 [글말])"
    r"[\W_]*",
    re.IGNORECASE,
)
_PICTURE = re.compile(r"!\[[^\[\]\n]{0,500}\]\([^()\s]{0,2000}(?:\s\"[^\"\n]{0,200}\")?\)")
_LINK = re.compile(
    r"\[([^\[\]\n]{0,500})\]\(<?[^()\s]{0,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?(?:\s\"[^\"\n]{0,200}\")?\)"
)
_MARKDOWN_CITATION = re.compile(r"\s?\[[0-9]{1,3}(?:\s?[,;–-]\s?[0-9]{1,3}){0,20}\]")
_TAGS = "span|div|p|font|b|i|em|strong|small|sub|sup|u|a|section|details|summary|td|tr|table|li|ul|ol|h[1-6]|mark|code"
_TAG = re.compile(rf"<(/?)({_TAGS})(\s[^<>]{{0,2000}})?/?>", re.IGNORECASE)
_RAW = re.compile(r"<!--|<(script|style)\b", re.IGNORECASE)
_RAW_ENDS = {None: re.compile("-->")} | {
    name: re.compile(rf"</{name}\s{{0,9}}>", re.IGNORECASE) for name in ("script", "style")
}


def clean_markdown(markdown: str) -> str:
    """Return Markdown without hidden text, HTML, pictures and the addresses of links; the text of links stays."""
    text = drop_invisible(markdown)
    text = "".join(_shown(_drop_raw(text))) if "<" in text else text
    text = _LINK.sub(r"\1", _LINK.sub(r"\1", _PICTURE.sub("", text)))
    return _MARKDOWN_CITATION.sub("", text)


def _drop_raw(text: str) -> str:
    """Return Markdown without comments, scripts and style sheets. One that is not closed is text."""
    kept, position, unclosed = [], 0, set()
    for start in _RAW.finditer(text):
        name = start[1] and start[1].lower()
        if start.start() < position or name in unclosed:
            continue
        if end := _RAW_ENDS[name].search(text, start.end()):
            kept.append(text[position : start.start()])
            position = end.end()
        else:
            # Then none further on is closed either: each is sought once.
            unclosed.add(name)
    return " ".join([*kept, text[position:]])


def _shown(text: str) -> Iterator[str]:
    """Yield the parts of a text outside tags of HTML and outside the elements that are hidden."""
    position, hidden_name, depth = 0, "", 0
    for tag in _TAG.finditer(text):
        name, attributes = tag[2].lower(), (tag[3] or "").strip()
        if attributes and "=" not in attributes and "hidden" not in attributes.lower():
            continue  # an inequality, such as `a <b and c> d`
        if not hidden_name:
            yield text[position : tag.start()]
            if not tag[1] and is_hidden(html_pages.parse_attributes(attributes), has_background=False):
                hidden_name, depth = name, 1
        elif name == hidden_name:
            depth += -1 if tag[1] else 1
            hidden_name = hidden_name if depth else ""
        position = tag.end()
    if not hidden_name:
        yield text[position:]


def cut_sections(markdown: str) -> str:
    """Return the text without its references and acknowledgements, with headings in one form (`## 2 Method`)."""
    kept: list[str] = []
    cut_level = 0
    plain = _UNDERLINED.sub(lambda match: f"{'#' if match[2] else '##'} {match[1].strip()}", markdown)
    for line in plain.split("\n"):
        level, title = _read_heading(line)
        if level and (not cut_level or level <= cut_level):
            cut_level = level if _CUT_TITLE.fullmatch(title) else 0
        if not cut_level:
            kept.append(line)
    return re.sub(r"\n[ \t]*\n\s*\n", "\n\n", "\n".join(kept)).strip() + "\n"


def _read_heading(line: str) -> tuple[int, str]:
    """Return level and title of a heading; level 0 for any other line. A line in bold counts only if it is cut."""
    if match := _HEADING.match(line):
        return len(match[1]), match[2]
    bold = _BOLD_HEADING.fullmatch(line.strip())
    if bold and _CUT_TITLE.fullmatch(bold[1]):
        return 6, bold[1]
    return (6, line) if len(line) <= 40 and line.isupper() and _CUT_TITLE.fullmatch(line) else (0, "")


log = structlog.get_logger(__name__)

MIN_WORDS = 400
MAX_CHARACTERS = 400_000
"""A longer text is cut."""
SECONDS_PER_REQUEST = 3.0
"""Minimum time between two requests to arXiv, which its terms of use ask for; ar5iv is arXiv's too."""

PROCESS_LENGTH = 20_000
"""Bytes of a page, and characters of a paper, from which a process of its own reads it."""
_MAX_CPU_SECONDS, _MAX_MEGABYTES = 30.0, 400
"""Limits of that process. The largest page that is fetched, 20 MB, takes ten seconds."""
_MARKDOWN_TYPES = ("text/markdown", "text/x-markdown")
_MARKDOWN_HEAD = "Markdown Content:"
_HEAD_CHARACTERS = 6_000
"""Characters in which a Markdown document names its title; a citation of the paper comes later."""
_LATEXML_MARK = re.compile(
    r"class\s?=\s?[\"'][^\"'>]{0,300}\bltx_|generat(?:or|ed)\b[^>]{0,200}LaTeXML|LaTeXML[^>]{0,100}\bgenerator\b",
    re.IGNORECASE,
)
_VERSION = re.compile(r"v[0-9]{1,3}/?$")
_WORD = re.compile(r"(?<!\w)[\d_]*+[^\W\d_]")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_MAX_TITLE_EXCESS = 1.3
_MAX_TITLE_ADDITION = 12
"""Letters that a page's own title may add to the paper's, such as an id; or a share of its length."""
_ARXIV_HOSTS = ("arxiv.org", "ar5iv.org")


class RejectedPageError(base.FetchError):
    """The page is not the text of the paper."""


class PaperTextReader:
    """Reads papers one at a time or several at once. `throttle` delays requests to arXiv alone."""

    def __init__(
        self,
        endpoint: str,
        html_bases: Sequence[str],
        fetch: fetcher.Fetcher,
        *,
        now: Clock,
        throttle: base.Throttle,
    ) -> None:
        self._markdown_base = f"{endpoint.rstrip('/')}/papers"
        self._html_bases = tuple(base.rstrip("/") for base in html_bases)
        self._fetcher = fetch
        self._now = now
        self._throttle = throttle
        self._process = asyncio.Semaphore(1)

    async def read(self, arxiv_id: str, title: str) -> models.PaperText | None:
        """Return the text of a paper, or None if no place has it. Raises nothing for a place that cannot be read."""
        addresses = [(f"{self._markdown_base}/{arxiv_id}.md", "text/markdown")]
        addresses += [(f"{base}/{arxiv_id}", "text/html") for base in self._html_bases]
        for address, media_type in addresses:
            try:
                text = await self._read_page(address, media_type, arxiv_id, title)
            except base.FetchError as error:
                log.info("no text of the paper there", paper=arxiv_id, place=address, reason=error.reason)
            else:
                return models.PaperText(arxiv_id, text, address, self._now())
        return None

    async def _read_page(self, address: str, media_type: str, arxiv_id: str, title: str) -> str:
        response = await self._fetcher.get(
            address,
            accept=f"{media_type}, */*;q=0.1",
            throttle=self._throttle if _is_arxiv(address) else base.no_throttle,
        )
        if _page_path(response.url) != _page_path(address):
            raise RejectedPageError(f"it redirects to {response.url}")
        is_markdown, has_type = media_type == "text/markdown", response.media_type in _MARKDOWN_TYPES
        body = bytes(response.body or b"")
        arguments = body, response.charset, arxiv_id, title, is_markdown, has_type
        if len(body) < PROCESS_LENGTH:
            return parse_paper(*arguments)
        try:
            text: str = await self.run_in_process(parse_paper, *arguments)
        except isolation.ChildError as error:
            raise base.FetchError(str(error)) from error
        return text

    async def run_in_process(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function returns in a process with limits, one at a time. Raises ChildError, and what it raises.

        Where no process can be started, a thread does it.
        """
        async with self._process:
            with contextlib.suppress(isolation.ChildStartError):
                return await isolation.run_isolated(
                    function, *arguments, seconds=_MAX_CPU_SECONDS, megabytes=_MAX_MEGABYTES
                )
            return await asyncio.to_thread(function, *arguments)


def _is_arxiv(address: str) -> bool:
    host = URL(address).host or ""
    return any(host == name or host.endswith(f".{name}") for name in _ARXIV_HOSTS)


def _page_path(address: str) -> str:
    """Return the path of an address without a version: `…/2505.01234v2/` is the paper 2505.01234."""
    return _VERSION.sub("", URL(address).path.rstrip("/")).lower()


def parse_paper(
    body: bytes, charset_name: str | None, arxiv_id: str, title: str, is_markdown: bool, has_type: bool
) -> str:
    """Return the text of a paper's page. Raises FetchError if the page is not the paper.

    `has_type`: the server says that it is Markdown.
    """
    page = base.decode_text(body, charset_name)
    if not re.search(rf"(?<![\w.]){re.escape(arxiv_id)}(?!\d)", page):
        raise RejectedPageError(f"it does not contain {arxiv_id}")
    text = _read_markdown(page, title, has_type=has_type) if is_markdown else _read_html(page, title)
    if (words := sum(1 for _ in _WORD.finditer(text))) < MIN_WORDS:
        raise RejectedPageError(f"it has only {words} words")
    return cut_sections(text)[:MAX_CHARACTERS]


def _read_markdown(page: str, title: str, *, has_type: bool) -> str:
    start = page.lstrip("\ufeff \t\r\n")
    head, mark, content = start.partition(_MARKDOWN_HEAD)
    has_head = bool(mark) and len(head) <= _HEAD_CHARACTERS
    if start.startswith("<") or not (has_type or has_head):
        raise RejectedPageError("it is not Markdown")
    if not any(form in _compact(start[:_HEAD_CHARACTERS]) for form in _title_forms(title)):
        raise RejectedPageError("it has a different title")
    return clean_markdown(content if has_head else start)


def _read_html(page: str, title: str) -> str:
    if not _LATEXML_MARK.search(page):
        raise RejectedPageError("it was not made by LaTeXML")
    parsed = PaperPage(page)
    if not any(_is_title(title, own) for own in parsed.titles):
        raise RejectedPageError(f"it has a different title: {(parsed.titles or ['none'])[0]}")
    return parsed.text


def _is_title(title: str, own: str) -> bool:
    """Whether a page's own title is the paper's, without case, spaces and punctuation; it may add an id or a site."""
    page_forms = _title_forms(own)
    return any(
        form in page_form
        and len(page_form) <= max(_MAX_TITLE_EXCESS * len(form), len(form) + _MAX_TITLE_ADDITION)
        for form in _title_forms(title)
        for page_form in page_forms
    )


def _title_forms(title: str) -> set[str]:
    """Return the letters and digits of a title, with its LaTeX as text and as it is; none for an empty title."""
    return {form for form in (_compact(typography.to_plain_text(title)), _compact(title)) if form}


def _compact(text: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", analyser.fold(text))
