"""Texts for Discord: shortened or split into pages without loss, within Discord's limits, and escaped.

A cut is never inside a link, a code span, an escape, a `<…>` token or a grapheme. Marks that are open at a cut are
closed there and opened again on the next page.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import quote, urlsplit

import regex

from bot.text import typography

# The tokens of Discord Markdown, as far as a cut must respect it. Finding them takes linear time.

FENCE = "```"


class Boundary(IntEnum):
    """The quality of a cut after a token, the best first."""

    BLOCK = 0
    LINE = 1
    SENTENCE = 2
    WORD = 3
    GRAPHEME = 4


@dataclass(slots=True)
class Token:
    """A part of a text that is kept whole.

    Atomic tokens (links, mentions, code spans, marks) lose their meaning when cut; the others can be split into
    graphemes. `toggles` are the marks that the token opens or closes: `**`, `*`, `~~`, or a fence's first line.
    """

    text: str
    is_atomic: bool = False
    toggles: tuple[str, ...] = ()
    is_opening: bool = False
    boundary: Boundary = Boundary.GRAPHEME

    @property
    def is_closing(self) -> bool:
        """Whether the token closes a mark or fence."""
        return bool(self.toggles) and not self.is_opening


_FENCE_OPEN = regex.compile(r"^```[!-_a-~ ]{0,20}\n", regex.MULTILINE)
_FENCE_CLOSE = regex.compile(r"^```[ \t]*(?:\n|\Z)", regex.MULTILINE)
_WORD = r"[A-Za-z0-9가-힣ぁ-んァ-ヶ一-龥]{1,24}+(?![\p{M}\p{Cf}])"
_TOKEN = regex.compile(
    r"(?P<hard>\\[!-/:-@\[-`{-~]"
    r"|\[(?:\\.|[^\[\]\\\n])*+\]\((?:<[^<>\n]*+>|[^()<>\s]*+)\)"
    r"|<(?:https?://[^<>\s]++|/[^<>\n]{1,110}:[0-9]{1,20}|t:-?[0-9]{1,15}(?::[A-Za-z])?"
    r"|(?:@[!&]?|\#)[0-9]{1,20}|a?:\w{1,32}:[0-9]{1,20})>"
    r"|https?://[!-;=?-~]++)"
    r"|(?P<span>`++)"
    r"|(?P<mark>\*{1,3}|~~)"
    rf"|[ \t]++|\n++|{_WORD}|\X"
)
_PLAIN_TOKEN = regex.compile(rf"[ \t]++|\n++|{_WORD}|\X")
_SENTENCE_ENDS = ".!?…"
_WIDE_SENTENCE_ENDS = "。！？"
_AFTER_SENTENCE = "\"'”’)]」』)*~"
_MARKS = {"***": ("**", "*"), "**": ("**",), "*": ("*",), "~~": ("~~",)}


def tokenize(text: str, *, markdown: bool = True) -> list[Token]:
    """Return the tokens of `text`; joined they are the text. Without `markdown` it has no markup."""
    if not markdown:
        tokens = [Token(match.group()) for match in _PLAIN_TOKEN.finditer(text)]
        _assign_boundaries(tokens)
        return tokens
    tokens = []
    position = 0
    while fence := _FENCE_OPEN.search(text, position):
        close = _FENCE_CLOSE.search(text, fence.end())
        if not close:
            break
        tokens += _tokenize_prose(text[position : fence.start()])
        if tokens:
            tokens[-1].boundary = Boundary.BLOCK
        tokens += _tokenize_fence(fence.group(), text[fence.end() : close.start()], close.group())
        position = close.end()
    return tokens + _tokenize_prose(text[position:])


def _tokenize_fence(first: str, content: str, last: str) -> list[Token]:
    tokens = [Token(match.group()) for match in _PLAIN_TOKEN.finditer(content)]
    for token in tokens:
        if token.text.startswith("\n"):
            token.boundary = Boundary.LINE
        elif token.text.isspace():
            token.boundary = Boundary.WORD
    opening = Token(first, is_atomic=True, toggles=(first,), is_opening=True)
    return [opening, *tokens, Token(last, is_atomic=True, toggles=(first,), boundary=Boundary.BLOCK)]


def _tokenize_prose(text: str) -> list[Token]:
    tokens: list[Token] = []
    runs: dict[int, list[int]] = defaultdict(list)
    for run in regex.finditer(r"`++", text):
        runs[run.end() - run.start()].append(run.start())
    marks = _OpenMarks()
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None  # \X matches any character
        kind, end = match.lastgroup, match.end()
        token = Token(match.group(), is_atomic=kind in ("hard", "mark"))
        if kind == "span":
            # A span ends at the next run of as many backticks on its line; a run without one is text.
            length, starts = end - position, runs[end - position]
            following = bisect_right(starts, position)
            if following < len(starts) and "\n" not in text[end : starts[following]]:
                end = starts[following] + length
            token = Token(text[position:end], is_atomic=True)
        elif kind == "mark":
            before = tokens[-1].text if tokens else " "
            marks.pair(
                token, after_space=before[-1:].isspace(), before_space=text[end : end + 1].strip() == ""
            )
        elif kind is None and token.text.startswith("\n\n"):
            marks.clear()
        tokens.append(token)
        position = end
    marks.clear()
    _assign_boundaries(tokens)
    return tokens


class _OpenMarks:
    """Pairs the marks of one block. A mark without partner is text."""

    def __init__(self) -> None:
        self._open: dict[str, Token] = {}

    def pair(self, token: Token, *, after_space: bool, before_space: bool) -> None:
        marks = _MARKS[token.text]
        if all(mark in self._open for mark in marks) and not after_space:
            for mark in marks:
                del self._open[mark]
            token.toggles = tuple(reversed(marks))
        elif not any(mark in self._open for mark in marks) and not before_space:
            self._open.update(dict.fromkeys(marks, token))
            token.toggles, token.is_opening = marks, True

    def clear(self) -> None:
        for mark, token in self._open.items():
            token.toggles = tuple(toggled for toggled in token.toggles if toggled != mark)
        self._open.clear()


def _assign_boundaries(tokens: list[Token]) -> None:
    line_start = 0
    for index, token in enumerate(tokens):
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.text.startswith("\n"):
            level = Boundary.BLOCK if len(token.text) > 1 else Boundary.LINE
            # A heading is not separated from the text below it.
            token.boundary = Boundary.WORD if _is_heading(tokens, line_start, index) else level
            line_start = index + 1
        elif token.text.isspace() and index > line_start:
            ended = _ends_sentence(tokens, line_start, index) and not following[:1].islower()
            token.boundary = Boundary.SENTENCE if ended else Boundary.WORD
        elif token.text[-1] in _WIDE_SENTENCE_ENDS:
            token.boundary = Boundary.SENTENCE


def _is_heading(tokens: list[Token], start: int, end: int) -> bool:
    if start >= end:
        return False
    first, last = tokens[start], tokens[end - 1]
    return first.text == "#" or ("**" in first.toggles and first.is_opening and "**" in last.toggles)


def _ends_sentence(tokens: list[Token], start: int, index: int) -> bool:
    while index > start and tokens[index - 1].text[-1] in _AFTER_SENTENCE:
        index -= 1
    # `1.` at the start of a line is a number, not a sentence.
    if index - start < 3:
        return False
    return tokens[index - 1].text[-1] in _SENTENCE_ENDS and not tokens[index - 1].is_atomic


# Discord's limits for messages and other surfaces, and the budget of a message under construction.
#
# Sources: Discord's documentation (pages in brackets), its OpenAPI description ("spec"), or api#n, an issue
# of discord/discord-api-docs.

COMPONENTS = 40
"""Components of a message, nested ones included [components/reference]."""

TEXT = 4000
"""Code points of all text displays of a message together (spec; not on the official page)."""

TEXT_BYTES_OVERHEAD = 12
"""Bytes that a text display costs in addition to its own (api#8554)."""

TEXT_BYTES = 9500
"""UTF-8 bytes of all text displays, each with its overhead. Discord answers 500 above 10,170 (api#8554), a
measured value, hence the margin."""

SELECT_OPTIONS = 25
SELECT_LABEL = 100
SELECT_DESCRIPTION = 100
SELECT_VALUE = 100
SELECT_PLACEHOLDER = 150
"""Select menus [components/reference]."""

BUTTON_LABEL = 80
ROW_BUTTONS = 5
CUSTOM_ID = 100
LINK_URL = 512
ALT_TEXT = 1024
"""Buttons, custom ids, links, and the alt text of images and files [components/reference]."""

EMBEDS = 10
EMBED_TITLE = 256
"""Embeds [resources/message embed limits]."""

FILE_BYTES = 9_500_000
"""An attachment: 10 MB with the rest of its request [reference, uploading files]."""

AUTOCOMPLETE_CHOICES = 25
CHOICE_NAME = 100
CHOICE_VALUE = 100
"""Autocomplete [interactions/application-commands]."""

MODAL_TITLE = 45
TEXT_INPUT_LABEL = 45
"""Modals [components/reference]."""

THREAD_NAME = 100
"""Name of a thread or a forum post, at least 1 character [resources/channel]."""


def utf8_bytes(text: str) -> int:
    """Return the length of `text` in UTF-8. A lone surrogate counts as three bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


@dataclass(slots=True)
class Budget:
    """The remaining components, code points and UTF-8 bytes of a message under construction.

    `add` and `add_text` return False and take nothing if the budget does not suffice.
    """

    components: int = COMPONENTS
    characters: int = TEXT
    text_bytes: int = TEXT_BYTES

    def add(self, components: int = 1, texts: Iterable[str] = ()) -> bool:
        """Take `components` and the lengths of `texts`, which are not counted as components."""
        texts = list(texts)
        characters = sum(map(len, texts))
        size = sum(utf8_bytes(text) + TEXT_BYTES_OVERHEAD for text in texts)
        if components > self.components or characters > self.characters or size > self.text_bytes:
            return False
        self.components -= components
        self.characters -= characters
        self.text_bytes -= size
        return True

    def add_text(self, text: str) -> bool:
        """Take one text display: a component and its text."""
        return self.add(1, (text,))


ELLIPSIS = "…"
SPACED_ELLIPSIS = "\u00a0" + ELLIPSIS
"""The ellipsis after a whole sentence; a line never breaks before it."""
MIN_PAGE_SIZE = 64
"""Characters and bytes that a page needs at least: room for both ends of a fence and some content."""

_MIN_FILL_RATIO = 0.5
_MIN_LOOKAHEAD = 20_000
"""Characters of a text that is shortened in which marks and links are sought."""


def shorten(text: str, limit: int, *, max_bytes: int | None = None, markdown: bool = True) -> str:
    """Return `text`, or its beginning with `…`, in at most `limit` code points and `max_bytes` of UTF-8.

    The cut is after a sentence if that keeps half of the limit, else after a word, else after a grapheme. With
    `markdown=False` the text has no markup, as in labels and options.
    """
    byte_limit = 4 * limit if max_bytes is None else max_bytes
    if len(text) <= limit and utf8_bytes(text) <= byte_limit:
        return text
    if limit < 1 or byte_limit < utf8_bytes(ELLIPSIS):
        return ""
    # What is behind the limit tells only whether a mark or link that begins before it ends.
    prefix = text[: max(4 * limit, _MIN_LOOKAHEAD)] if markdown else text[: limit + 64]
    page = _Page(limit, byte_limit, reserved=SPACED_ELLIPSIS)
    rest = tokenize(prefix, markdown=markdown)[::-1]
    page.fill(rest)
    return page.render_shortened(rest)


def split_pages(text: str, max_chars: int = TEXT, max_bytes: int = TEXT_BYTES) -> list[str]:
    """Return `text` in pages of at most `max_chars` code points and `max_bytes` UTF-8 bytes each.

    The cut is between blocks if that fills half of a page, else between lines, sentences, words, graphemes. Only
    whitespace at the cuts is dropped; an empty text gives no page. Raises ValueError for limits below `MIN_PAGE_SIZE`.
    """
    if min(max_chars, max_bytes) < MIN_PAGE_SIZE:
        raise ValueError(f"a page needs room for {MIN_PAGE_SIZE} characters")
    if len(text) <= max_chars and utf8_bytes(text) <= max_bytes:
        return [text.strip("\n")] if text.strip() else []
    pages: list[str] = []
    opened: list[str] = []
    rest = tokenize(text)[::-1]
    while rest:
        page = _Page(max_chars, max_bytes, open_marks=opened)
        page.fill(rest, split_atomic=True)
        rendered, opened = page.render(page.choose_split_index(rest), rest)
        if rendered.strip():
            pages.append(rendered)
        while rest and not _in_fence(opened) and rest[-1].text.isspace():
            rest.pop()
    return pages


def _in_fence(opened: list[str]) -> bool:
    return any(mark.startswith(FENCE) for mark in opened)


def _closing_marks(opened: list[str]) -> str:
    return "".join(f"\n{FENCE}" if mark.startswith(FENCE) else mark for mark in reversed(opened))


def _toggle_marks(opened: list[str], token: Token) -> list[str]:
    for mark in token.toggles:
        opened = [other for other in opened if other != mark] if mark in opened else [*opened, mark]
    return opened


class _Page:
    """A page under construction: its tokens, the marks open at its end, and the last boundary of each level."""

    def __init__(
        self, max_chars: int, max_bytes: int, *, open_marks: list[str] | None = None, reserved: str = ""
    ) -> None:
        self._marks_at_start = self._open_marks = open_marks or []
        self._prefix = "".join(self._marks_at_start)
        self._max_chars = max_chars - len(reserved)
        self._max_bytes = max_bytes - utf8_bytes(reserved)
        self._chars = len(self._prefix)
        self._bytes = utf8_bytes(self._prefix)
        self._tokens: list[Token] = []
        self._boundaries: dict[Boundary, int] = {}
        self._preferred_boundaries: dict[Boundary, int] = {}

    def fill(self, rest: list[Token], *, split_atomic: bool = False) -> None:
        """Move tokens from the end of `rest` to the page while they fit.

        A token that does not fit into a page less than half full is split into graphemes. An atomic token or a
        grapheme is split only with `split_atomic` and on an empty page.
        """
        while rest:
            token = rest.pop()
            if self._try_append(token):
                continue
            shards = [token.text]
            is_alone = split_atomic and not self._tokens
            if is_alone or (not token.is_atomic and self._fill_ratio() < _MIN_FILL_RATIO):
                shards = regex.findall(r"\X", token.text)
            if is_alone and len(shards) == 1:
                step = max(1, min(self._max_chars, self._max_bytes) // 16)
                shards = [token.text[start : start + step] for start in range(0, len(token.text), step)]
            rest.extend([Token(shard) for shard in reversed(shards)] if len(shards) > 1 else [token])
            if len(shards) == 1:
                return

    def choose_split_index(self, rest: list[Token]) -> int:
        """Return the number of tokens to keep on the page."""
        if not rest:
            return len(self._tokens)
        self._record_boundary(rest[-1])
        for level in Boundary:
            if level in self._preferred_boundaries:
                return self._preferred_boundaries[level]
        return self._boundaries[min(self._boundaries)] if self._boundaries else len(self._tokens)

    def render(self, count: int, rest: list[Token]) -> tuple[str, list[str]]:
        """Return the page of the first `count` tokens and the marks open at its end; put the other tokens back to `rest`."""
        rest.extend(reversed(self._tokens[count:]))
        text, opened = self._render_first(count)
        text = text.rstrip("\n") if _in_fence(opened) else text.rstrip()
        return text + (_closing_marks(opened) if rest else ""), opened

    def render_shortened(self, rest: list[Token]) -> str:
        """Return the page cut at its best boundary, with an ellipsis."""
        if rest:
            self._record_boundary(rest[-1])
        ends = [cut for level, cut in self._preferred_boundaries.items() if level <= Boundary.SENTENCE]
        if ends:
            count, ellipsis = max(ends), SPACED_ELLIPSIS
        else:
            anywhere = max(self._boundaries.values(), default=0)
            count, ellipsis = self._preferred_boundaries.get(Boundary.WORD, anywhere), ELLIPSIS
        text, opened = self._render_first(count)
        return text.rstrip() + (ellipsis if text.strip() else ELLIPSIS) + _closing_marks(opened)

    def _render_first(self, count: int) -> tuple[str, list[str]]:
        opened = self._marks_at_start
        for token in self._tokens[:count]:
            opened = _toggle_marks(opened, token)
        return self._prefix + "".join(token.text for token in self._tokens[:count]), opened

    def _try_append(self, token: Token) -> bool:
        opened = _toggle_marks(self._open_marks, token) if token.toggles else self._open_marks
        closers = len(_closing_marks(opened)) if opened else 0
        chars = self._chars + len(token.text)
        size = self._bytes + utf8_bytes(token.text)
        if chars + closers > self._max_chars or size + closers > self._max_bytes:
            return False
        self._record_boundary(token)
        self._tokens.append(token)
        self._open_marks, self._chars, self._bytes = opened, chars, size
        return True

    def _record_boundary(self, following: Token) -> None:
        if not self._tokens or self._tokens[-1].is_opening or following.is_closing:
            return
        level = self._tokens[-1].boundary
        self._boundaries[level] = len(self._tokens)
        if self._fill_ratio() >= _MIN_FILL_RATIO:
            self._preferred_boundaries[level] = len(self._tokens)

    def _fill_ratio(self) -> float:
        return max(self._chars / max(self._max_chars, 1), self._bytes / max(self._max_bytes, 1))


# Escaping of untrusted text (titles, names, users' input), so that Discord shows no mention, link or markup in it. The
# Markdown of digests is rendered by `rendering.markdown` instead.

ZERO_WIDTH_SPACE = "\u200b"

_INVISIBLE = re.compile(
    "["
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"  # soft hyphen, joiners and fillers without a glyph
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, bidi overrides, isolates
    "\ud800-\udfff"  # lone surrogates: not encodable
    "\U000e0000-\U000e007f"  # tags: invisible copies of ASCII
    "]"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_SPACES = re.compile(r"\s+")
_TIED = re.compile(" (?=…)|(?<=▲) ")
_UNIT = re.compile("(?<=[0-9])(?=[\uac00-\ud7a3])")
_MARKUP = re.compile(
    r"(?P<mark>[\\*_~|`\[\]<]"
    # An address of any scheme, an emoji, an address of mail, an invitation.
    r"|:(?=//|[A-Za-z0-9_+\-]{1,64}:)|(?<=mailto):|(?<=discord)\.(?=gg/|com/invite/)|(?<=discordapp)\.(?=com/invite/))"
    r"|@(?P<everyone>everyone|here|[!&]?[0-9]{15,20})",
    re.IGNORECASE,
)
_LINE_START = re.compile(r"(?P<number>[0-9]{1,10})(?=[.)])|(?P<sign>[#>+\-])")
_HTTP_SCHEME = re.compile(r"(?i:https?)://")
_URL_SAFE = "%/:=&?~#+!$,;'-._"


class SafeMarkdown(str):
    """Text that is Discord Markdown and is not escaped again."""

    __slots__ = ()


def to_single_line(text: str) -> str:
    """Return `text` on one line, composed (NFC), without control, invisible and direction characters.

    For surfaces that show no Markdown: labels, options, modal titles, thread names. Marks are tied as by `tie_marks`.
    """
    return tie_marks(_SPACES.sub(" ", strip_invisible(text)).strip())


def tie_marks(text: str) -> str:
    """Return `text` with a no-break space before `…` and behind `▲`: a line never begins with one or ends with the other."""
    return _TIED.sub("\u00a0", text)


def keep_together(text: str) -> str:
    """Return `text` so that no line ends within it: neither at a space nor between a number and its Korean unit (4월, 19편)."""
    return tie_units(text).replace(" ", "\u00a0")


def tie_units(text: str) -> str:
    """Return `text` so that no line ends between a number and its Korean unit (1일, 12명), where Discord would break it."""
    return _UNIT.sub("\u2060", text)


def strip_invisible(text: str) -> str:
    """Return `text` composed (NFC), without control, invisible and direction characters; `\\n` stays."""
    if text.isascii() and text.isprintable():
        return text
    return typography.normalise("NFC", _INVISIBLE.sub("", _CONTROL.sub(" ", text)))


def escape_text(text: str) -> SafeMarkdown:
    """Return `text` on one line, escaped so that Discord shows it unchanged anywhere in a message."""
    if isinstance(text, SafeMarkdown):
        return text
    return SafeMarkdown(escape_line_start(escape_inline(to_single_line(text))))


def escape_inline(text: str) -> str:
    """Return `text` with all markup escaped that works within a line."""
    return _MARKUP.sub(
        lambda match: f"\\{match['mark']}" if match["mark"] else f"@{ZERO_WIDTH_SPACE}{match['everyone']}",
        text,
    )


def escape_line_start(text: str) -> str:
    """Return `text`, the start of a line, with the sign escaped that would make a heading, list, quote or small print."""
    match = _LINE_START.match(text)
    if not match:
        return text
    if match["number"]:
        return f"{match['number']}\\{text[match.end() :]}"
    return f"\\{text}"


def safe_url(url: str) -> str | None:
    """Return `url` encoded for a masked link, or None if it must not be linked.

    Only http and https with a host and without user name, at most 512 characters. Spaces, parentheses and all other
    characters that could end the link are percent-encoded.
    """
    stripped = url.strip()
    if not _HTTP_SCHEME.match(stripped) or to_single_line(stripped) != typography.normalise("NFC", stripped):
        return None
    try:
        parts = urlsplit(stripped)
        host, user = parts.hostname, parts.username
    except ValueError:
        return None
    encoded = quote(stripped, safe=_URL_SAFE)
    if not host or user is not None or len(encoded) > LINK_URL:
        return None
    return encoded


def link_label(text: str) -> SafeMarkdown:
    """Return escaped text for the label of a masked link, with round brackets for square ones and without URLs."""
    return escape_text(strip_link_syntax(to_single_line(text)))


def strip_link_syntax(text: str) -> str:
    """Return `text` for a link's label, unescaped, with round brackets for square ones and without URL schemes."""
    return _HTTP_SCHEME.sub("", text).replace("[", "(").replace("]", ")")


def masked_link(text: str, url: str) -> SafeMarkdown:
    """Return a masked link, or the escaped text if the URL must not be linked."""
    label, safe = link_label(text), safe_url(url)
    if safe is None:
        return escape_text(text)
    return SafeMarkdown(f"[{label}]({safe})") if label else SafeMarkdown(f"<{safe}>")


def code_span(text: str) -> SafeMarkdown:
    """Return `text` as an inline code span, on one line; empty for empty text."""
    content = to_single_line(text)
    if "``" in content or (content.startswith("`") or content.endswith("`")):
        # Discord supports spans of one or two backticks; a look-alike keeps the content readable.
        content = content.replace("`", "ˋ")
    if not content:
        return SafeMarkdown("")
    mark = "``" if "`" in content else "`"
    return SafeMarkdown(f"{mark}{content}{mark}")


def code_block(content: str, language: str = "") -> SafeMarkdown:
    """Return `content` as a code block of the same lines; zero-width spaces break up fences inside it.

    `language` selects the syntax highlighting and must be one word.
    """
    inside = strip_invisible(content).replace("```", f"`{ZERO_WIDTH_SPACE}`{ZERO_WIDTH_SPACE}`").strip("\n")
    return SafeMarkdown(f"```{language}\n{inside}\n```")
