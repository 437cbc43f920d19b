"""One paragraph's tokens to text: Discord's Markdown, or plain text without any markup."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.token import Token

from bot.rendering.discord_text import escape
from bot.rendering.markdown import parser
from bot.text.analysis import latex

_MARKS = {"strong": "**", "em": "*", "s": "~~"}
_ADDRESS = re.compile(r"https?://[!-;=?-~]+")
_TRAILING = ".,;:!?'\"*_~]}"
_TAG = re.compile(
    r"<(/?)(br|p|div|span|center|details|summary|sub|sup|b|i|u|em|strong|small|big|font|img|video|source|audio"
    r"|iframe|a|h[1-6]|ul|ol|li|table|thead|tbody|tr|td|th|hr|blockquote|pre|code|kbd|picture|figure|figcaption"
    r"|style|script)(?:\s[^<>]*|/)?>|<!--[^<>]*-->",
    re.IGNORECASE,
)


def render_inline(tokens: Sequence[Token], *, marked: bool, bold: bool = False) -> str:
    """Return the tokens as text, hard breaks as line ends.

    `marked` gives Discord's Markdown with all other text escaped, otherwise there is no markup at all.
    Inside a `bold` surrounding strong emphasis is left out.
    """
    inline = _Inline(marked, bold)
    for token in tokens:
        inline.take(token)
    return inline.finished()


class _Inline:
    """Gathers raw text until markup comes, so that nothing active can be put together from harmless pieces."""

    def __init__(self, marked: bool, bold: bool) -> None:
        self._marked = marked
        self._bold = bold
        self._out: list[str] = []
        self._raw: list[str] = []
        self._depths = {"strong": int(bold), "em": 0, "s": 0}
        self._opened: dict[str, int] = {}
        self._links: list[tuple[str, int]] = []

    def take(self, token: Token) -> None:
        kind, _, end = token.type.rpartition("_")
        if token.type in ("text", "text_special"):
            self._raw.append(token.content)
        elif token.type == "softbreak":
            self._raw.append(" ")
        elif token.type == "hardbreak":
            self._raw.append("\n")
        elif token.type == parser.MATH:
            self._raw.append(_formula_text(token.content))
        elif token.type == "image":
            self._raw.append(" ".join(child.content for child in token.children or () if child.content))
        elif token.type == "code_inline":
            self._take_code(token.content)
        elif kind == "link":
            self._take_link(token)
        elif kind in _MARKS:
            self._take_mark(kind, opening=end == "open")

    def finished(self) -> str:
        self._flush()
        lines = (line.strip() for line in "".join(self._out).split("\n"))
        return "\n".join(line for line in lines if line)

    def _take_code(self, content: str) -> None:
        if not self._marked or self._links:
            self._raw.append(content)
            return
        self._flush()
        self._out.append(escape.code(content))

    def _take_mark(self, kind: str, *, opening: bool) -> None:
        outermost = self._depths[kind] == (0 if opening else 1)
        self._depths[kind] += 1 if opening else -1
        if not self._marked or not outermost:
            return
        self._flush()
        mark = _MARKS[kind]
        if opening:
            self._separate_marks()
            self._opened[kind] = len(self._out)
            self._out.append(mark)
        elif self._opened.pop(kind) == len(self._out) - 1:
            self._out.pop()
        else:
            self._out.append(mark)

    def _separate_marks(self) -> None:
        """Keep `*a*` and a following `**b**` apart; two marks that both open may touch."""
        last = len(self._out) - 1
        if last >= 0 and self._out[last] in _MARKS.values() and last not in self._opened.values():
            self._out.append(escape.ZERO_WIDTH_SPACE)

    def _take_link(self, token: Token) -> None:
        if not self._marked:
            return
        self._flush()
        if token.type == "link_open":
            self._links.append((str(token.attrs.get("href", "")), len(self._out)))
            return
        href, start = self._links.pop()
        label = "".join(self._out[start:]).strip()
        del self._out[start:]
        address = escape.safe_url(href)
        if address is None:
            self._out.append(label)
        elif not label or token.info == "auto":
            self._out.append(f"<{address}>")
        else:
            self._out.append(f"[{label}]({address})")

    def _flush(self) -> None:
        raw = escape.visible(_TAG.sub(_tag_text, "".join(self._raw)))
        self._raw.clear()
        if not raw:
            return
        if not self._marked:
            self._out.append(raw)
        elif self._links:
            self._out.append(escape.escape_inline(escape.unlinked(raw.replace("\n", " "))))
        else:
            self._out.append(self._escaped(raw))

    def _escaped(self, raw: str) -> str:
        at_start = self._out[-1].endswith("\n") if self._out else not self._bold
        done, pieces = 0, []
        for found in _ADDRESS.finditer(raw):
            written = _trimmed(found.group())
            address = escape.safe_url(written)
            if address is not None:
                pieces += [escape.escape_inline(raw[done : found.start()]), f"<{address}>"]
                done = found.start() + len(written)
        pieces.append(escape.escape_inline(raw[done:]))
        first, *others = "".join(pieces).split("\n")
        lines = [escape.escape_start(first.lstrip()) if at_start else first]
        return "\n".join([*lines, *(escape.escape_start(line.lstrip()) for line in others)])


def _tag_text(tag: re.Match[str]) -> str:
    return "\n" if (tag[2] or "").lower() in ("br", "p", "div", "li", "tr", "hr") and not tag[1] else ""


def _formula_text(formula: str) -> str:
    """Return a formula in Unicode as far as that goes."""
    return latex.plain(f"${' '.join(formula.split())}$")


def _trimmed(address: str) -> str:
    """Return a bare URL without the punctuation of the sentence that it ends."""
    trimmed = address.rstrip(_TRAILING)
    while trimmed.endswith(")") and trimmed.count(")") > trimmed.count("("):
        trimmed = trimmed[:-1].rstrip(_TRAILING)
    return trimmed
