"""Renderer of a paragraph's inline tokens: Discord's Markdown, or plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.token import Token

from bot.rendering.discord_text import escape
from bot.rendering.markdown import parser
from bot.text.analysis import typography

_MARKS = {"strong": "**", "em": "*", "s": "~~"}
_URL = re.compile(r"https?://[!-;=?-~]+")
_TRAILING_PUNCTUATION = ".,;:!?'\"*_~]}"
_TAG = re.compile(
    r"<(/?)(br|p|div|span|center|details|summary|sub|sup|b|i|u|em|strong|small|big|font|img|video|source|audio"
    r"|iframe|a|h[1-6]|ul|ol|li|table|thead|tbody|tr|td|th|hr|blockquote|pre|code|kbd|picture|figure|figcaption"
    r"|style|script)(?:\s[^<>]*|/)?>|<!--[^<>]*-->",
    re.IGNORECASE,
)


def render_inline(tokens: Sequence[Token], *, with_markup: bool, bold: bool = False) -> str:
    """Return the tokens as text, hard breaks as line ends.

    With markup the text is Discord's Markdown, all other text escaped. Within `bold` text strong emphasis is dropped.
    """
    inline = _InlineRenderer(with_markup, bold)
    for token in tokens:
        inline.add_token(token)
    return inline.to_text()


class _InlineRenderer:
    """Renders inline tokens. Raw text is collected up to the next markup, so that adjacent parts are escaped as one."""

    def __init__(self, with_markup: bool, bold: bool) -> None:
        self._with_markup = with_markup
        self._bold = bold
        self._output: list[str] = []
        self._pending_text: list[str] = []
        self._depths = {"strong": int(bold), "em": 0, "s": 0}
        self._opened: dict[str, int] = {}
        self._links: list[tuple[str, int]] = []

    def add_token(self, token: Token) -> None:
        kind, _, end = token.type.rpartition("_")
        if token.type in ("text", "text_special"):
            self._pending_text.append(typography.render_dashes(token.content))
        elif token.type == "softbreak":
            self._pending_text.append(" ")
        elif token.type == "hardbreak":
            self._pending_text.append("\n")
        elif token.type == parser.MATH_TOKEN:
            self._pending_text.append(typography.render_formula(" ".join(token.content.split())))
        elif token.type == "image":
            self._pending_text.append(
                " ".join(child.content for child in token.children or () if child.content)
            )
        elif token.type == "code_inline":
            self._add_code(token.content)
        elif kind == "link":
            self._add_link(token)
        elif kind in _MARKS:
            self._add_mark(kind, opening=end == "open")

    def to_text(self) -> str:
        self._flush()
        lines = (line.strip() for line in "".join(self._output).split("\n"))
        return "\n".join(line for line in lines if line)

    def _add_code(self, content: str) -> None:
        if not self._with_markup or self._links:
            self._pending_text.append(content)
            return
        self._flush()
        self._output.append(escape.code_span(content))

    def _add_mark(self, kind: str, *, opening: bool) -> None:
        outermost = self._depths[kind] == (0 if opening else 1)
        self._depths[kind] += 1 if opening else -1
        if not self._with_markup or not outermost:
            return
        self._flush()
        mark = _MARKS[kind]
        if opening:
            self._separate_marks()
            self._opened[kind] = len(self._output)
            self._output.append(mark)
        elif self._opened.pop(kind) == len(self._output) - 1:
            self._output.pop()
        else:
            self._output.append(mark)

    def _separate_marks(self) -> None:
        """Separate `*a*` and a following `**b**` by a zero-width space; two opening marks can touch."""
        last = len(self._output) - 1
        if last >= 0 and self._output[last] in _MARKS.values() and last not in self._opened.values():
            self._output.append(escape.ZERO_WIDTH_SPACE)

    def _add_link(self, token: Token) -> None:
        if not self._with_markup:
            return
        self._flush()
        if token.type == "link_open":
            self._links.append((str(token.attrs.get("href", "")), len(self._output)))
            return
        href, start = self._links.pop()
        label = "".join(self._output[start:]).strip()
        del self._output[start:]
        safe = escape.safe_url(href)
        if safe is None:
            self._output.append(label)
        elif not label or token.info == "auto":
            self._output.append(f"<{safe}>")
        else:
            self._output.append(f"[{label}]({safe})")

    def _flush(self) -> None:
        raw = escape.strip_invisible(_TAG.sub(_replace_html_tag, "".join(self._pending_text)))
        self._pending_text.clear()
        if not raw:
            return
        if not self._with_markup:
            self._output.append(raw)
        elif self._links:
            self._output.append(escape.escape_inline(escape.strip_link_syntax(raw.replace("\n", " "))))
        else:
            self._output.append(self._escape_with_urls(raw))

    def _escape_with_urls(self, raw: str) -> str:
        at_start = self._output[-1].endswith("\n") if self._output else not self._bold
        position, parts = 0, []
        for match in _URL.finditer(raw):
            url = _strip_trailing_punctuation(match.group())
            safe = escape.safe_url(url)
            if safe is not None:
                parts += [escape.escape_inline(raw[position : match.start()]), f"<{safe}>"]
                position = match.start() + len(url)
        parts.append(escape.escape_inline(raw[position:]))
        first, *others = "".join(parts).split("\n")
        lines = [escape.escape_line_start(first.lstrip()) if at_start else first]
        return "\n".join([*lines, *(escape.escape_line_start(line.lstrip()) for line in others)])


def _replace_html_tag(tag: re.Match[str]) -> str:
    return "\n" if (tag[2] or "").lower() in ("br", "p", "div", "li", "tr", "hr") and not tag[1] else ""


def _strip_trailing_punctuation(url: str) -> str:
    """Return a bare URL without the punctuation of the sentence around it."""
    trimmed = url.rstrip(_TRAILING_PUNCTUATION)
    while trimmed.endswith(")") and trimmed.count(")") > trimmed.count("("):
        trimmed = trimmed[:-1].rstrip(_TRAILING_PUNCTUATION)
    return trimmed
