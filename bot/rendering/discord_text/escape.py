"""Foreign text made harmless for Discord: nothing in it becomes a mention, a link, a heading or any other markup.

Titles, names and users' words pass through here; the digests' Markdown goes through `markdown`.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit

from bot.rendering.discord_text import limits

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
_MARKUP = re.compile(
    r"(?P<mark>[\\*_~|`\[\]<])"
    r"|(?P<url>(?i:https?|steam|discord)(?=://))"
    r"|@(?P<everyone>(?i:everyone|here)|[!&]?[0-9]{15,20})"
    r"|:(?P<emoji>(?=[A-Za-z0-9_+\-]{1,64}:))"
)
_LINE_START = re.compile(r"(?P<number>[0-9]{1,10})(?=[.)])|(?P<sign>[#>+\-])")
_HTTP_SCHEME = re.compile(r"(?i:https?)://")
_URL_SAFE = "%/:=&?~#+!$,;'-._"


class SafeMarkdown(str):
    """Text that is Discord Markdown already and must not be escaped again."""

    __slots__ = ()


def to_single_line(text: str) -> str:
    """Return `text` on one line, composed (NFC), without control, invisible and direction characters.

    For places that show no Markdown: labels, options, modal titles, thread names.
    """
    return _SPACES.sub(" ", strip_invisible(text)).strip()


def strip_invisible(text: str) -> str:
    """Return `text` composed (NFC), without control, invisible and direction characters; `\\n` stays."""
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", _CONTROL.sub(" ", text)))


def escape_text(text: str) -> SafeMarkdown:
    """Return `text` on one line so that Discord shows it as it is, wherever in a message it stands."""
    if isinstance(text, SafeMarkdown):
        return text
    return SafeMarkdown(escape_line_start(escape_inline(to_single_line(text))))


def escape_inline(text: str) -> str:
    """Escape all markup that works within a line. The text is otherwise left as it is."""
    return _MARKUP.sub(_escape_match, text)


def escape_line_start(text: str) -> str:
    """Escape what would make a heading, list, quote or small print of a line; for text at a line's start."""
    found = _LINE_START.match(text)
    if not found:
        return text
    if found["number"]:
        return f"{found['number']}\\{text[found.end() :]}"
    return f"\\{text}"


def _escape_match(found: re.Match[str]) -> str:
    if found["mark"]:
        return f"\\{found['mark']}"
    if found["url"]:
        # The scheme's colon follows: escaped, it shows the same and links nothing.
        return f"{found['url']}\\"
    if found["everyone"]:
        return f"@{ZERO_WIDTH_SPACE}{found['everyone']}"
    return "\\:"


def safe_url(url: str) -> str | None:
    """Return `url` so that it can stand in a masked link, or None for one that we do not link.

    Only http and https with a host and without user names, at most 512 characters; spaces, parentheses
    and everything that could end the link are percent-encoded.
    """
    address = url.strip()
    if not _HTTP_SCHEME.match(address) or to_single_line(address) != unicodedata.normalize("NFC", address):
        return None
    try:
        parts = urlsplit(address)
        host, user = parts.hostname, parts.username
    except ValueError:
        return None
    encoded = quote(address, safe=_URL_SAFE)
    if not host or user is not None or len(encoded) > limits.LINK_URL:
        return None
    return encoded


def link_label(text: str) -> SafeMarkdown:
    """Return escaped text for the label of a masked link: round brackets for square ones, no URL in it."""
    return escape_text(strip_link_syntax(to_single_line(text)))


def strip_link_syntax(text: str) -> str:
    """Return `text` with round brackets for square ones and no URL: unescaped, for a link's label."""
    return _HTTP_SCHEME.sub("", text).replace("[", "(").replace("]", ")")


def masked_link(text: str, url: str) -> SafeMarkdown:
    """Return a masked link, or only its escaped label when the URL is not one that we link."""
    name, address = link_label(text), safe_url(url)
    if address is None:
        return escape_text(text)
    return SafeMarkdown(f"[{name}]({address})") if name else SafeMarkdown(f"<{address}>")


def code_span(text: str) -> SafeMarkdown:
    """Return `text` as an inline code span, on one line; empty for empty text."""
    content = to_single_line(text)
    if "``" in content or (content.startswith("`") or content.endswith("`")):
        # Discord knows spans of one or two backticks; a look-alike keeps the content whole.
        content = content.replace("`", "ˋ")
    if not content:
        return SafeMarkdown("")
    mark = "``" if "`" in content else "`"
    return SafeMarkdown(f"{mark}{content}{mark}")


def code_block(content: str, language: str = "") -> SafeMarkdown:
    """Return `content` as a code block, its lines kept; a fence inside it is taken apart by a zero-width space.

    `language` is for Discord's colours and must be a bare word.
    """
    inside = strip_invisible(content).replace("```", f"`{ZERO_WIDTH_SPACE}`{ZERO_WIDTH_SPACE}`").strip("\n")
    return SafeMarkdown(f"```{language}\n{inside}\n```")
