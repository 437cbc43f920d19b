"""The Markdown of a paper: cleaned of links, pictures and hidden text, and cut before references and acknowledgements."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.sources import hidden_text

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.{0,300})")
_BOLD_HEADING = re.compile(r"\*\*([^*\n]{1,80})\*\*:?")
_UNDERLINE = re.compile(r"(=|-)\1{2,200}[ \t]*")
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
_NUMERIC_CITATION = re.compile(r"\s?\[[0-9]{1,3}(?:\s?[,;–-]\s?[0-9]{1,3}){0,20}\]")
_TAGS = "span|div|p|font|b|i|em|strong|small|sub|sup|u|a|section|details|summary|td|tr|table|li|ul|ol|h[1-6]|mark|code"
_TAG = re.compile(rf"<(/?)({_TAGS})(\s[^<>]{{0,2000}})?/?>", re.IGNORECASE)
_DROPPED = re.compile(
    r"<!--.{0,100000}?-->|<(script|style)\b.{0,100000}?</\1\s{0,9}>", re.IGNORECASE | re.DOTALL
)
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z-]{1,40})(?:\s{0,9}=\s{0,9}(?:"([^"]{0,2000})"|'([^']{0,2000})'|([^\s"'>]{1,500})))?"""
)
_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*\n")


def clean(markdown: str) -> str:
    """Return Markdown without hidden text, HTML, pictures and the addresses of links; the text of links stays."""
    text = hidden_text.drop_invisible(markdown)
    text = "".join(_shown(_DROPPED.sub(" ", text))) if "<" in text else text
    text = _LINK.sub(r"\1", _LINK.sub(r"\1", _PICTURE.sub("", text)))
    return _NUMERIC_CITATION.sub("", text)


def _shown(text: str) -> Iterator[str]:
    """Yield the parts of a text outside tags of HTML and outside the elements that are hidden."""
    position, hidden_name, depth = 0, "", 0
    for tag in _TAG.finditer(text):
        name, attributes = tag[2].lower(), (tag[3] or "").strip()
        if attributes and "=" not in attributes and "hidden" not in attributes.lower():
            continue  # an inequality, such as `a <b and c> d`
        if not hidden_name:
            yield text[position : tag.start()]
            if not tag[1] and hidden_text.is_hidden(_attributes(attributes), has_background=False):
                hidden_name, depth = name, 1
        elif name == hidden_name:
            depth += -1 if tag[1] else 1
            hidden_name = hidden_name if depth else ""
        position = tag.end()
    if not hidden_name:
        yield text[position:]


def _attributes(text: str) -> dict[str, str]:
    return {name.lower(): double or single or bare for name, double, single, bare in _ATTRIBUTE.findall(text)}


def cut(markdown: str) -> str:
    """Return the text without its references and acknowledgements, with headings in one form (`## 2 Method`)."""
    kept: list[str] = []
    cut_level = 0
    for line in _with_plain_headings(markdown.split("\n")):
        level, title = _read_heading(line)
        if level and (not cut_level or level <= cut_level):
            cut_level = level if _CUT_TITLE.fullmatch(title) else 0
        if not cut_level:
            kept.append(line)
    return _EMPTY_LINES.sub("\n\n", "\n".join(kept)).strip() + "\n"


def _with_plain_headings(lines: list[str]) -> Iterator[str]:
    """Yield lines with underlined headings as `# Title` and `## Title`."""
    position = 0
    while position < len(lines):
        line = lines[position]
        below = _UNDERLINE.fullmatch(lines[position + 1]) if position + 1 < len(lines) else None
        if below and line.strip() and len(line) <= 300 and not line.lstrip().startswith(("#", "|", "-", ">")):
            yield f"{'#' if below[1] == '=' else '##'} {line.strip()}"
            position += 1
        else:
            yield line
        position += 1


def _read_heading(line: str) -> tuple[int, str]:
    """Return level and title of a heading; level 0 for any other line. A line in bold counts only if it is cut."""
    if match := _HEADING.match(line):
        return len(match[1]), match[2]
    bold = _BOLD_HEADING.fullmatch(line.strip())
    if bold and _CUT_TITLE.fullmatch(bold[1]):
        return 6, bold[1]
    return (6, line) if len(line) <= 40 and line.isupper() and _CUT_TITLE.fullmatch(line) else (0, "")
