"""Renders the Markdown of digests as Discord's Markdown or plain text, and Discord's Markdown as HTML.

Headings become bold lines, images their descriptions, formulas Unicode, and tables lists. http(s) links are
kept; other text that Discord could interpret is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token
from markupsafe import Markup

from bot.rendering import discord_text, typesetting
from bot.rendering.discord_text import SafeMarkdown
from bot.text import plain

# The parser for digests: CommonMark with tables, formulas and emphasis next to Korean letters.

MATH_TOKEN = "math"
"""The type of formula tokens, whose content is LaTeX without delimiters."""

_MAX_FORMULA_LENGTH = 300
_MAX_NESTING = 50
_VARIABLE = re.compile(r"[A-Za-z]'?")
_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


@lru_cache(maxsize=2)
def get_parser(*, links: bool) -> MarkdownIt:
    """Return the cached parser. Without `links`, square brackets are plain text.

    Raw HTML is text, as many apparent tags are tokens such as `<think>`. Indented lines are not code, as
    continued bullets are indented. Link definitions and underlined headings are text, so that no line is
    lost.
    """
    markdown = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING})
    markdown.enable(["table", "strikethrough"])
    markdown.disable(["html_block", "html_inline", "code", "reference", "lheading"])
    if not links:
        markdown.disable(["link", "image"])
    markdown.core.ruler.after("block", "further_cells", _further_cells_rule)
    markdown.inline.ruler.before("escape", MATH_TOKEN, _math_rule)
    markdown.inline.ruler.at("emphasis", _emphasis_rule)
    return markdown


def _further_cells_rule(state: StateCore) -> None:
    """Add the cells of a table's row beyond the header's, which the parser would leave out."""
    lines, tokens, count = state.src.split("\n"), list[Token](), 0
    for token in state.tokens:
        count = 0 if token.type == "tr_open" else count + (token.type in ("td_open", "th_open"))
        if token.type == "tr_open" and token.map:
            cells = escapedSplit(lines[token.map[0]].strip(" \t>"))
            cells = cells[not cells[0] :]
        elif token.type == "tr_close":
            for cell in filter(None, map(str.strip, cells[count:])):
                content = Token("inline", "", 0, content=cell, children=[])
                tokens += [Token("td_open", "td", 1), content, Token("td_close", "td", -1)]
        tokens.append(token)
    state.tokens = tokens


def _math_rule(state: StateInline, silent: bool) -> bool:
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        if not state.src.startswith(opening, state.pos):
            continue
        start = state.pos + len(opening)
        end = state.src.find(closing, start, min(start + _MAX_FORMULA_LENGTH, state.posMax))
        if end < 0 or not _is_formula(opening, state.src[start:end], state.src[end + len(closing) :][:1]):
            return False
        if not silent:
            state.push(MATH_TOKEN, "", 0).content = state.src[start:end]
        state.pos = end + len(closing)
        return True
    return False


def _is_formula(opening: str, content: str, next_char: str) -> bool:
    """Return whether the content is a formula rather than a price ($5-$10) or an escaped bracket (`\\[IDK\\]`)."""
    if not content.strip():
        return False
    has_sign = any(sign in content for sign in "\\^_={")
    if opening == "$":
        if content[0].isspace() or content[-1].isspace() or content[-1] == "\\":
            return False
        return not next_char.isdigit() or has_sign
    if opening == "$$":
        return True
    return has_sign or _VARIABLE.fullmatch(content.strip()) is not None


def _emphasis_rule(state: StateInline, silent: bool) -> bool:
    """Parse emphasis by CommonMark's rule, but treat Chinese, Japanese and Korean letters as boundaries too.

    Otherwise `**모델(CoT)**을` would not be bold, since Korean particles follow without a space.
    """
    marker = state.src[state.pos]
    if silent or marker not in "_*":
        return False
    end = state.pos
    while end < state.posMax and state.src[end] == marker:
        end += 1
    before = state.src[state.pos - 1] if state.pos else " "
    after = state.src[end] if end < state.posMax else " "
    left, right = _is_flanking(after, before), _is_flanking(before, after)
    # An underscore inside a word is plain text.
    can_open = left and (marker == "*" or not right or _is_punctuation(before))
    can_close = right and (marker == "*" or not left or _is_punctuation(after))
    for _ in range(end - state.pos):
        state.push("text", "", 0).content = marker
        state.delimiters.append(
            Delimiter(
                marker=ord(marker),
                length=end - state.pos,
                token=len(state.tokens) - 1,
                end=-1,
                open=can_open,
                close=can_close,
            )
        )
    state.pos = end
    return True


def _is_flanking(inner: str, outer: str) -> bool:
    if isWhiteSpace(ord(inner)):
        return False
    boundary = isWhiteSpace(ord(outer)) or _is_punctuation(outer) or bool(_CJK.match(outer))
    return not _is_punctuation(inner) or boundary


def _is_punctuation(char: str) -> bool:
    return isMdAsciiPunct(ord(char)) or isPunctChar(char)


# The renderer of inline tokens.

_MARKS = {"strong": "**", "em": "*", "s": "~~"}
_URL = re.compile(r"https?://[!-;=?-~]+")
_TRAILING_PUNCTUATION = ".,;:!?'\"*_~]}"
_TAG = re.compile(
    r"<(/?)(br|p|div|span|center|details|summary|sub|sup|b|i|u|em|strong|small|big|font|img|video|source|audio"
    r"|iframe|a|h[1-6]|ul|ol|li|table|thead|tbody|tr|td|th|hr|blockquote|pre|code|kbd|picture|figure|figcaption"
    r"|style|script)(?:\s[^<>]*|/)?>|<!--[^<>]*-->",
    re.IGNORECASE | re.ASCII,
)

_BREAKS = frozenset(("br", "p", "div", "li", "tr", "hr"))


def render_inline(tokens: Sequence[Token], *, with_markup: bool, bold: bool = False) -> str:
    """Return inline tokens as Discord's Markdown or as plain text. Hard breaks become line breaks.

    Strong emphasis is dropped in text that is already `bold`.
    """
    inline = _InlineRenderer(with_markup, bold)
    for token in tokens:
        inline.add_token(token)
    return inline.to_text()


class _InlineRenderer:
    """Renders inline tokens. Collects text up to the next markup, so that adjacent parts are escaped together."""

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
            self._pending_text.append(typesetting.render_dashes(token.content))
        elif token.type == "softbreak":
            self._pending_text.append(" ")
        elif token.type == "hardbreak":
            self._pending_text.append("\n")
        elif token.type == MATH_TOKEN:
            self._pending_text.append(typesetting.render_formula(" ".join(token.content.split())))
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
        self._output.append(discord_text.code_span(content))

    def _add_mark(self, kind: str, *, opening: bool) -> None:
        outermost = self._depths[kind] == (0 if opening else 1)
        self._depths[kind] += 1 if opening else -1
        if not self._with_markup or not outermost:
            return
        self._flush()
        mark, last = _MARKS[kind], len(self._output) - 1
        if opening:
            # `*a*` followed by `**b**` needs a separator; two opening marks do not.
            if last >= 0 and self._output[last] in _MARKS.values() and last not in self._opened.values():
                self._output.append(discord_text.ZERO_WIDTH_SPACE)
            self._opened[kind] = len(self._output)
            self._output.append(mark)
        elif self._opened.pop(kind) == last:
            self._output.pop()
        else:
            self._output.append(mark)

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
        safe = discord_text.safe_url(href)
        if safe is None:
            self._output.append(label)
        elif not label or token.info == "auto":
            self._output.append(f"<{safe}>")
        else:
            self._output.append(f"[{label}]({safe})")

    def _flush(self) -> None:
        text = _TAG.sub(
            lambda tag: "\n" if (tag[2] or "").lower() in _BREAKS and not tag[1] else "",
            "".join(self._pending_text),
        )
        raw = plain.strip_invisible(text)
        self._pending_text.clear()
        if not raw:
            return
        if not self._with_markup:
            self._output.append(raw)
        elif self._links:
            self._output.append(
                discord_text.escape_inline(discord_text.strip_link_syntax(raw.replace("\n", " ")))
            )
        else:
            self._output.append(self._escape_with_urls(raw))

    def _escape_with_urls(self, raw: str) -> str:
        at_start = self._output[-1].endswith("\n") if self._output else not self._bold
        position, parts = 0, []
        for match in _URL.finditer(raw):
            url = _strip_trailing_punctuation(match.group())
            safe = discord_text.safe_url(url)
            if safe is not None:
                parts += [discord_text.escape_inline(raw[position : match.start()]), f"<{safe}>"]
                position = match.start() + len(url)
        parts.append(discord_text.escape_inline(raw[position:]))
        first, *others = "".join(parts).split("\n")
        lines = [discord_text.escape_line_start(first.lstrip()) if at_start else first]
        return "\n".join([*lines, *(discord_text.escape_line_start(line.lstrip()) for line in others)])


def _strip_trailing_punctuation(url: str) -> str:
    """Strip punctuation that belongs to the surrounding sentence from a bare URL."""
    trimmed = url.rstrip(_TRAILING_PUNCTUATION)
    while trimmed.endswith(")") and trimmed.count(")") > trimmed.count("("):
        trimmed = trimmed[:-1].rstrip(_TRAILING_PUNCTUATION)
    return trimmed


_LANGUAGE = re.compile(r"[A-Za-z0-9_+.#\-]{0,20}")
_CHUNK_SIZE = 8_000
_MAX_BRACKETS = 400
"""If a chunk has more square brackets, all of them are text, since nested links take the parser quadratic time."""

_MAX_INDENT_DEPTH = 5


def render_markdown(text: str) -> SafeMarkdown:
    """Return a digest's Markdown as Discord's Markdown."""
    return SafeMarkdown(_render(text, with_markup=True))


def render_plain(text: str) -> str:
    """Return a digest's Markdown as plain text: one line per block, with bullets or numbers for list items."""
    return _render(text, with_markup=False)


def render_html(text: str) -> Markup:
    """Render text with Discord's Markdown as HTML: raw HTML escaped, no images, and only http(s) links."""
    parser = _get_html_parser()
    chunks = (
        chunk.replace("[", "(") if chunk.count("[") > _MAX_BRACKETS else chunk for chunk in _chunks(text)
    )
    return Markup("".join(map(parser.render, chunks)))  # noqa: S704 - the parser escapes all that it does not know


def read_plain_line(text: str) -> str:
    """Return text with Discord's Markdown as plain text on one line."""
    tokens = (token for chunk in _chunks(text.lstrip("# ")) for token in _get_html_parser().parse(chunk))
    pieces = [
        child.content or " " * child.type.endswith("break")
        for token in tokens
        for child in token.children or ()
    ]
    return discord_text.to_single_line("".join(pieces))


@lru_cache(maxsize=1)
def _get_html_parser() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": _MAX_NESTING})
    markdown.enable("strikethrough")
    # Discord shows entities as text as well.
    markdown.disable(["html_block", "html_inline", "code", "reference", "lheading", "image", "entity"])
    markdown.inline.ruler.at("emphasis", _emphasis_rule)
    markdown.validateLink = lambda url: url.startswith(("http://", "https://"))  # type: ignore[method-assign]
    return markdown


def render_heading(text: str) -> SafeMarkdown:
    """Return a section's heading as a single escaped line without emphasis, to be shown in bold."""
    line = " ".join(text[:_CHUNK_SIZE].split())
    [token] = get_parser(links=line.count("[") <= _MAX_BRACKETS).parseInline(line)
    plain = render_inline(token.children or [], with_markup=False)
    return SafeMarkdown(discord_text.escape_inline(discord_text.to_single_line(plain).rstrip(":： ")))


def _render(text: str, *, with_markup: bool) -> str:
    writer = _BlockRenderer(with_markup)
    for chunk in _chunks(text):
        links = chunk.count("[") <= _MAX_BRACKETS
        for token in get_parser(links=links).parse(chunk):
            writer.add_token(token)
    return "\n".join(writer.lines).strip("\n")


def _chunks(text: str) -> Iterator[str]:
    """Yield the text in chunks of limited length, cut at blank lines outside fences if possible.

    The parser can take more than linear time for hostile text.
    """
    lines: list[str] = []
    size, in_fence = 0, False
    for long_line in text.splitlines():
        for start in range(0, max(len(long_line), 1), _CHUNK_SIZE):
            line = long_line[start : start + _CHUNK_SIZE]
            if line.lstrip(" ").startswith(("```", "~~~")):
                in_fence = not in_fence
            is_full = size + len(line) > _CHUNK_SIZE and not (in_fence and size < 8 * _CHUNK_SIZE)
            if is_full or (size > _CHUNK_SIZE // 2 and not line.strip() and not in_fence):
                yield "\n".join(lines)
                lines, size = [], 0
            lines.append(line)
            size += len(line) + 1
    yield "\n".join(lines)


@dataclass(slots=True)
class _Container:
    """An open list or quote. `bullet` is the current item's bullet or number until it has been written."""

    kind: str
    number: int | None = None
    bullet: str = ""
    has_content: bool = False

    @property
    def width(self) -> int:
        return 0 if self.kind == "quote" else 2 if self.number is None else 3


class _BlockRenderer:
    """Renders block tokens as lines. Whether a blank line separates two blocks depends on the kinds of both blocks."""

    def __init__(self, with_markup: bool) -> None:
        self.lines: list[str] = []
        self._with_markup = with_markup
        self._containers: list[_Container] = []
        self._starts_list = False
        self._last_kind = ""
        self._block_kind = "paragraph"
        self._cells: list[str] = []
        self._table_rows: list[list[str]] = []

    def add_token(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._containers.append(_Container("list"))
            case "ordered_list_open":
                self._containers.append(_Container("list", number=int(token.attrs.get("start", 1))))
            case "blockquote_open":
                self._containers.append(_Container("quote"))
            case "bullet_list_close" | "ordered_list_close" | "blockquote_close":
                self._containers.pop()
            case "list_item_open":
                container = self._containers[-1]
                container.bullet = "- "
                if container.number is not None:
                    container.bullet = f"{container.number}. "
                    container.number += 1
            case "heading_open" | "paragraph_open":
                self._block_kind = token.type.removesuffix("_open")
            case "fence" | "code_block":
                self._add_code(token)
            case "hr":
                self._last_kind = "rule" if self.lines else ""
            case "inline":
                self._add_inline(token)
            case _:
                self._add_table_token(token)

    def _add_inline(self, token: Token) -> None:
        children = token.children or []
        if self._block_kind == "cell":
            # The first cell is bold.
            cell = render_inline(children, with_markup=self._with_markup, bold=not self._cells)
            self._cells.append(" ".join(cell.split()))
            return
        is_heading = self._block_kind == "heading"
        text = render_inline(children, with_markup=self._with_markup, bold=is_heading)
        if is_heading and text and self._with_markup:
            text = f"**{text.replace(chr(10), ' ')}**"
        self._write(self._block_kind, text)

    def _add_code(self, token: Token) -> None:
        info = token.info.strip()
        language = info if _LANGUAGE.fullmatch(info) else ""
        content = token.content if language == info else f"{info}\n{token.content}"
        if not self._with_markup:
            self._write("paragraph", plain.strip_invisible(content).strip("\n"))
        elif content.strip():
            # Discord recognises fences only at the start of a line, so omit bullets and indentation.
            self._append("fence", discord_text.code_block(content, language).split("\n"))

    def _add_table_token(self, token: Token) -> None:
        match token.type:
            case "table_open":
                self._table_rows = []
            case "tr_open":
                self._cells = []
            case "th_open" | "td_open":
                self._block_kind = "cell"
            case "tr_close":
                self._table_rows.append(self._cells)
            case "table_close":
                self._block_kind = "paragraph"
                self._write_table()

    def _write_table(self) -> None:
        """Write each row as a line that fits on a phone: `- **first** · second header: second · …`."""
        header, *rows = self._table_rows
        if not self._with_markup:
            for row in self._table_rows:
                self._write("paragraph", " · ".join(filter(None, row)))
            return
        lines = []
        for row in rows or [header]:
            parts = [f"**{row[0]}**"] if row[0] else []
            for head, cell in zip_longest(header[1:], row[1:], fillvalue=""):
                if cell:
                    parts.append(f"{head}: {cell}" if head and rows else cell)
            lines.append("- " + " · ".join(parts))
        self._append("table", lines)

    def _write(self, kind: str, text: str) -> None:
        if not text.strip():
            return
        first, further = self._prefixes()
        kind = "item" if first != further else kind
        lines = text.split("\n")
        self._append(kind, [first + lines[0], *(further + line for line in lines[1:])])

    def _prefixes(self) -> tuple[str, str]:
        in_quote = any(container.kind == "quote" for container in self._containers)
        quote = "> " if self._with_markup and in_quote else ""
        lists = [container for container in self._containers if container.kind == "list"][:_MAX_INDENT_DEPTH]
        if not lists:
            return quote, quote
        indent = " " * sum(container.width for container in lists[:-1])
        bullet = next((c.bullet for c in reversed(self._containers) if c.bullet), "")
        self._starts_list = not lists[-1].has_content
        for container in self._containers:
            container.bullet, container.has_content = "", True
        further = quote + indent + " " * lists[-1].width
        return (quote + indent + bullet if bullet else further), further

    def _append(self, kind: str, lines: list[str]) -> None:
        if self.lines and self._needs_blank_line(kind, lines[0]):
            self.lines.append("")
        self.lines += lines
        self._last_kind = kind

    def _needs_blank_line(self, kind: str, line: str) -> bool:
        if self._last_kind == "rule":
            return True
        if not self._with_markup or self._last_kind == "heading" or "fence" in (kind, self._last_kind):
            return False
        if kind == "item":
            # Without a blank line before it, a list can only begin with 1.
            return line[:1].isdigit() and self._starts_list and not line.startswith("1.")
        in_item = any(container.kind == "list" for container in self._containers)
        return not (kind == "paragraph" and in_item)
