"""Shortens, splits and escapes text for Discord, and defines Discord's limits.

A cut never falls inside a link, a code span, an escape, a `<…>` token or a grapheme. Formatting marks that
are open at a cut are closed there and reopened on the next page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

import regex

from bot.text import plain, typography

# Discord's limits, and the budget of a message under construction.
#
# Sources: Discord's documentation (pages in brackets), its OpenAPI description ("spec"), and api#n, an issue
# of discord/discord-api-docs.

COMPONENTS = 40
"""Maximum components in a message, including nested ones [components/reference]."""

TEXT = 4000
"""Maximum code points in all text displays of a message (spec; not on the official page)."""

TEXT_BYTES_OVERHEAD = 12
"""Additional bytes counted for each text display (api#8554)."""

TEXT_BYTES = 9500
"""Maximum UTF-8 bytes in all text displays of a message, with overhead. Above 10,170 (measured), Discord
returns 500 (api#8554).
"""

CONTENT = 2000
"""Maximum code points in the content of a message without components [resources/message]."""

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
"""Maximum size of an attachment. The whole request may have 10 MB [reference, uploading files]."""

AUTOCOMPLETE_CHOICES = 25
CHOICE_NAME = 100
CHOICE_VALUE = 100
"""Autocomplete [interactions/application-commands]."""

MODAL_TITLE = 45
TEXT_INPUT_LABEL = 45
"""Modals [components/reference]."""

THREAD_NAME = 100
"""The name of a thread or forum post, at least 1 character [resources/channel]."""


def utf8_bytes(text: str) -> int:
    """Return the length of a text in UTF-8 bytes. A lone surrogate counts as three bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


@dataclass(slots=True)
class Budget:
    """Components, code points and UTF-8 bytes still available in a message under construction."""

    components: int = COMPONENTS
    characters: int = TEXT
    text_bytes: int = TEXT_BYTES

    def add(self, components: int = 1, texts: Iterable[str] = ()) -> bool:
        """Take components and texts from the budget. If they do not fit, take nothing and return False."""
        texts = list(texts)
        characters = sum(map(len, texts))
        size = sum(utf8_bytes(text) + TEXT_BYTES_OVERHEAD for text in texts)
        if components > self.components or characters > self.characters or size > self.text_bytes:
            return False
        self.components -= components
        self.characters -= characters
        self.text_bytes -= size
        return True


# Shortening and paging, in linear time. A page ends after a line if that fills at least half the page, else
# after a word, else after a grapheme. A cut is never inside an atom: a link, code span, escape or `<…>` token.

FENCE = "```"
ELLIPSIS = "…"
SPACED_ELLIPSIS = "\u00a0" + ELLIPSIS
"""The ellipsis after a complete sentence, preceded by a no-break space."""
MIN_PAGE_SIZE = 64
"""The smallest page in characters and bytes: both ends of a fence and some content."""

_MAX_ATOM = 1_000
"""The number of characters after a page that are searched for the end of an atom."""
_CLOSERS = 5
"""Characters reserved at the end of a page to close a fence or three marks."""
_MAX_CUTS = 50
"""The maximum number of cuts considered, starting from the end of a page."""
_ATOM = regex.compile(
    r"\\[!-/:-@\[-`{-~]"
    r"|\[(?:\\.|[^\[\]\\\n])*+\]\((?:<[^<>\n]*+>|[^()<>\s]*+)\)"
    r"|<(?:https?://[^<>\s]++|/[^<>\n]{1,110}:[0-9]{1,20}|t:-?[0-9]{1,15}(?::[A-Za-z])?"
    r"|(?:@[!&]?|\#)[0-9]{1,20}|a?:\w{1,32}:[0-9]{1,20})>"
    r"|https?://[!-;=?-~]++"
    r"|(?<!`)`(?!`)[^`\n]++`(?!`)|(?<!`)``(?!`)[^\n]{1,120}?(?<!`)``(?!`)"
    r"|(?P<fence>^```[!-_a-~ ]{0,20}$)|(?P<mark>\*{1,3}|~~)|(?P<blank>\n\s*\n)",
    regex.MULTILINE,
)
_MARKS = {"***": ("**", "*"), "**": ("**",), "*": ("*",), "~~": ("~~",)}
_LINE_END = regex.compile(r"\n+")
_WORD_END = regex.compile(r"\s+")
_HEADING = regex.compile(r"\*\*[^\n]*\*\*|#[^\n]*")


MAX_COLUMNS = 160
"""About two lines of a message. A Hangul syllable is two columns wide."""


def count_fitting(text: str) -> int:
    """Return how many characters of a text fit into MAX_COLUMNS, but at least one."""
    used = 0
    for number, character in enumerate(text):
        used += 2 if character >= "\u1100" else 1
        if used > MAX_COLUMNS:
            return number
    return max(len(text), 1)


def shorten(text: str, limit: int, *, max_bytes: int | None = None, markdown: bool = True) -> str:
    """Shorten a text to `limit` code points and `max_bytes` of UTF-8, ending in `…` if it is cut.

    The text is cut after a sentence if that leaves at least half the limit, else after a word, else after a
    grapheme. `markdown=False` is for labels and options, which have no markup.
    """
    byte_limit = 4 * limit if max_bytes is None else max_bytes
    if len(text) <= limit and utf8_bytes(text) <= byte_limit:
        return text
    grapheme = regex.match(r"\X", text)
    first, closing = grapheme[0] if grapheme else "", 0
    while True:
        room = limit - len(SPACED_ELLIPSIS) - closing
        byte_room = byte_limit - utf8_bytes(SPACED_ELLIPSIS) - closing
        if room < max(1, len(first)) or byte_room < max(1, utf8_bytes(first)):
            return ELLIPSIS if limit >= 1 and byte_limit >= utf8_bytes(ELLIPSIS) else ""
        end = _fit(text, 0, room, byte_room)
        cut, is_whole = _choose_cut(text, 0, end, None, markdown=markdown)
        start = text[:cut].rstrip()
        closers = _closing_marks(_list_open(start, [])) if markdown else ""
        if len(closers) <= closing:
            return start + (SPACED_ELLIPSIS if is_whole and start else ELLIPSIS) + closers
        closing = len(closers)


def shorten_label(text: str, max_length: int) -> str:
    """Return a text on one line without markup, shortened to `max_length`."""
    return shorten(to_single_line(text), max_length, markdown=False)


def split_pages(text: str, max_chars: int, max_bytes: int) -> list[str]:
    """Split a text into pages of at most `max_chars` code points and `max_bytes` of UTF-8.

    Marks open at the end of a page are closed there and reopened on the next page. Only whitespace at the
    cuts is dropped. An empty text gives no pages. Raises ValueError for limits below `MIN_PAGE_SIZE`.
    """
    if min(max_chars, max_bytes) < MIN_PAGE_SIZE:
        raise ValueError(f"a page needs room for {MIN_PAGE_SIZE} characters")
    if len(text) <= max_chars and utf8_bytes(text) <= max_bytes:
        return [text.strip("\n")] if text.strip() else []
    pages: list[str] = []
    opened: list[str] = []
    start = 0
    while start < len(text):
        prefix = "".join(opened)
        reserved = len(prefix) + _CLOSERS
        end = _fit(text, start, max_chars - reserved, max_bytes - reserved)
        cut, _ = _choose_cut(text, start, end, _LINE_END, opened=opened)
        content = text[start:cut]
        opened = _list_open(content, opened)
        in_fence = _in_fence(opened)
        page = prefix + (content.rstrip("\n") if in_fence else content.rstrip())
        if content.strip():
            pages.append(page + (_closing_marks(opened) if cut < len(text) else ""))
        start = cut
        while start < len(text) and (text[start] == "\n" if in_fence else text[start].isspace()):
            start += 1
    return pages


def _fit(text: str, start: int, chars: int, size: int) -> int:
    """Return the end of the longest slice from `start` within `chars` characters and `size` bytes."""
    end = min(len(text), start + chars)
    while end > start + 1 and (excess := utf8_bytes(text[start:end]) - size) > 0:
        end -= max(1, excess // 4)
    return max(end, start + 1)


def _choose_cut(
    text: str,
    start: int,
    end: int,
    preferred: regex.Pattern[str] | None,
    *,
    markdown: bool = True,
    opened: Sequence[str] = (),
) -> tuple[int, bool]:
    """Return where to cut a text between `start` and `end`, and whether the pattern `preferred` matches there.

    Without a pattern, the ends of lines and sentences are preferred.
    """
    if end == len(text):
        return end, True
    atoms = list(_ATOM.finditer(text, start, min(len(text), end + _MAX_ATOM))) if markdown else []

    def list_cuts(pattern: regex.Pattern[str] | None, least: int) -> list[int]:
        cuts = [match.start() for match in (pattern or _LINE_END).finditer(text, start, end + 1)]
        if pattern is None:
            cuts = sorted({*cuts, *(start + cut for cut in plain.find_ends(text[start : end + 1]))})
        cuts = [cut for cut in cuts if least < cut <= end][-_MAX_CUTS:]
        return [cut for cut in reversed(cuts) if not any(atom.start() < cut < atom.end() for atom in atoms)]

    for cut in list_cuts(preferred, start + (end - start) // 2):
        if not (markdown and _is_bound(text, start, cut, opened)):
            return cut, True
    for cut in list_cuts(_WORD_END, start):
        if text[start:cut].strip():
            return cut, False
    around = next((atom.start() for atom in atoms if atom.start() < end < atom.end()), end)
    if around > start:
        end = around
    graphemes = regex.finditer(r"\X", text, pos=start, endpos=min(len(text), end + 1))
    return max((match.start() for match in graphemes if start < match.start() <= end), default=end), False


def _is_bound(text: str, start: int, cut: int, opened: Sequence[str]) -> bool:
    """Return whether the lines before and after `cut` must stay together: after a heading, or at either edge of a fence."""
    line = text[text.rfind("\n", start, cut) + 1 if "\n" in text[start:cut] else start : cut]
    if line.startswith(FENCE) or text.startswith(f"\n{FENCE}", cut):
        return _in_fence(_list_open(text[start:cut], opened))
    return _HEADING.fullmatch(line) is not None


def _list_open(text: str, opened: Sequence[str]) -> list[str]:
    """Return the marks still open after a text, given the marks open before it. A fence cannot contain other marks."""
    marks = list(opened)
    for atom in _ATOM.finditer(text):
        if _in_fence(marks):
            marks = [] if atom["fence"] == FENCE else marks
        elif atom["fence"]:
            marks = [f"{atom['fence']}\n"]
        elif atom["blank"]:
            marks = []
        elif atom["mark"]:
            pair = _MARKS[atom["mark"]]
            if all(mark in marks for mark in pair):
                marks = [mark for mark in marks if mark not in pair]
            elif not any(mark in marks for mark in pair) and not text[atom.end() : atom.end() + 1].isspace():
                marks += pair
    return marks


def _in_fence(opened: Sequence[str]) -> bool:
    return any(mark.startswith(FENCE) for mark in opened)


def _closing_marks(opened: Sequence[str]) -> str:
    return "".join(f"\n{FENCE}" if mark.startswith(FENCE) else mark for mark in reversed(opened))


# Escaping untrusted text (titles, names, users' input), so that it has no active mentions, links or markup.
# `rendering.markdown` renders the Markdown of digests instead.

ZERO_WIDTH_SPACE = "\u200b"

_TIED = re.compile(" (?=…)|(?<=▲) ")
_MARKUP = re.compile(
    r"(?P<mark>[\\*_~|`\[\]<]"
    # A URL of any scheme, an emoji, a mail address, an invitation.
    r"|:(?=//|[A-Za-z0-9_+\-]{1,64}:)|(?<=mailto):|(?<=discord)\.(?=gg/|com/invite/)|(?<=discordapp)\.(?=com/invite/))"
    r"|@(?P<everyone>everyone|here|[!&]?[0-9]{15,20})",
    re.IGNORECASE,
)
_LINE_START = re.compile(r"(?P<number>[0-9]{1,10})(?=[.)])|(?P<sign>[#>+\-])")
_HTTP_SCHEME = re.compile(r"(?i:https?)://")
_URL_SAFE = "%/:=&?~#+!$,;'-._"


class SafeMarkdown(str):
    """Discord Markdown that must not be escaped again."""

    __slots__ = ()


def to_single_line(text: str) -> str:
    """Return the text on a single line, without invisible characters and with tied marks.

    Use this where Discord shows no Markdown: labels, options, modal titles, thread names.
    """
    return tie_marks(plain.to_single_line(text))


def tie_marks(text: str) -> str:
    """Put a no-break space before `…` and after `▲`, so that no line breaks there."""
    return _TIED.sub("\u00a0", text)


def escape_text(text: str) -> SafeMarkdown:
    """Return the text on a single line, escaped so that Discord shows it unchanged anywhere in a message."""
    if isinstance(text, SafeMarkdown):
        return text
    return SafeMarkdown(escape_line_start(escape_inline(to_single_line(text))))


def escape_inline(text: str) -> str:
    """Escape markup that works inside a line."""
    return _MARKUP.sub(
        lambda match: f"\\{match['mark']}" if match["mark"] else f"@{ZERO_WIDTH_SPACE}{match['everyone']}",
        text,
    )


def escape_line_start(text: str) -> str:
    """Escape a sign at the start of a line that would begin a heading, list, quote or small print."""
    match = _LINE_START.match(text)
    if not match:
        return text
    if match["number"]:
        return f"{match['number']}\\{text[match.end() :]}"
    return f"\\{text}"


def safe_url(url: str) -> str | None:
    """Return the URL percent-encoded for a masked link, or None if it must not be linked.

    Only http and https URLs of at most 512 characters, with a host but no user name, are linked.
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
    """Return the escaped label of a masked link, with square brackets replaced by round ones and URL schemes removed."""
    return escape_text(strip_link_syntax(to_single_line(text)))


def strip_link_syntax(text: str) -> str:
    """Replace square brackets with round ones and remove URL schemes, without escaping."""
    return _HTTP_SCHEME.sub("", text).replace("[", "(").replace("]", ")")


def masked_link(text: str, url: str) -> SafeMarkdown:
    """Return a masked link, or just the escaped text if the URL must not be linked."""
    label, safe = link_label(text), safe_url(url)
    if safe is None:
        return escape_text(text)
    return SafeMarkdown(f"[{label}]({safe})") if label else SafeMarkdown(f"<{safe}>")


def code_span(text: str) -> SafeMarkdown:
    """Return the text as a code span on one line, or "" for an empty text."""
    content = to_single_line(text)
    if "``" in content or (content.startswith("`") or content.endswith("`")):
        # Discord only supports spans of one or two backticks, so backticks inside become look-alikes.
        content = content.replace("`", "ˋ")
    if not content:
        return SafeMarkdown("")
    mark = "``" if "`" in content else "`"
    return SafeMarkdown(f"{mark}{content}{mark}")


def code_block(content: str, language: str) -> SafeMarkdown:
    """Return a code block with the same lines. Zero-width spaces break up fences inside it.

    `language`, a single word or "", selects the syntax highlighting.
    """
    inside = (
        plain.strip_invisible(content).replace("```", f"`{ZERO_WIDTH_SPACE}`{ZERO_WIDTH_SPACE}`").strip("\n")
    )
    return SafeMarkdown(f"```{language}\n{inside}\n```")


def timestamp(at: datetime, style: str) -> str:
    """Return the markup for a time, which clients display in the user's time zone."""
    return f"<t:{int(at.timestamp())}:{style}>"


def join_dotted(*texts: str | None) -> str:
    """Join non-empty texts with a middle dot."""
    return " · ".join(text for text in texts if text)


def subtext(text: str) -> str:
    """Return a text as small print, or "" if it is empty."""
    return f"-# {text}" if text else ""


def escape_untrusted(text: str, *, max_length: int = 100) -> str:
    """Return untrusted text on one line, escaped and shortened."""
    return escape_text(shorten_label(text, max_length))


def subtext_lines(text: str) -> str:
    """Return a text's non-blank lines as small print."""
    return "\n".join(subtext(line) for line in text.splitlines() if line.strip())


def channel_url(guild_id: int | None, channel_id: int | None, message_id: int | None = None) -> str:
    """Return the URL of a channel or thread, or of a message in it."""
    address = f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}"
    return f"{address}/{message_id}" if message_id else address
