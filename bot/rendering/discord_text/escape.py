"""Escaping of untrusted text (titles, names, users' input), so that Discord shows no mention, link or markup in it.

The Markdown of digests is rendered by `rendering.markdown` instead.
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
    """Text that is Discord Markdown and is not escaped again."""

    __slots__ = ()


def to_single_line(text: str) -> str:
    """Return `text` on one line, composed (NFC), without control, invisible and direction characters.

    For surfaces that show no Markdown: labels, options, modal titles, thread names.
    """
    return _SPACES.sub(" ", strip_invisible(text)).strip()


def strip_invisible(text: str) -> str:
    """Return `text` composed (NFC), without control, invisible and direction characters; `\\n` stays."""
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", _CONTROL.sub(" ", text)))


def escape_text(text: str) -> SafeMarkdown:
    """Return `text` on one line, escaped so that Discord shows it unchanged anywhere in a message."""
    if isinstance(text, SafeMarkdown):
        return text
    return SafeMarkdown(escape_line_start(escape_inline(to_single_line(text))))


def escape_inline(text: str) -> str:
    """Return `text` with all markup escaped that works within a line."""
    return _MARKUP.sub(_escape_match, text)


def escape_line_start(text: str) -> str:
    """Return `text`, the start of a line, with the sign escaped that would make a heading, list, quote or small print."""
    match = _LINE_START.match(text)
    if not match:
        return text
    if match["number"]:
        return f"{match['number']}\\{text[match.end() :]}"
    return f"\\{text}"


def _escape_match(match: re.Match[str]) -> str:
    if match["mark"]:
        return f"\\{match['mark']}"
    if match["url"]:
        # The backslash escapes the colon that follows: Discord shows the same text but no link.
        return f"{match['url']}\\"
    if match["everyone"]:
        return f"@{ZERO_WIDTH_SPACE}{match['everyone']}"
    return "\\:"


def safe_url(url: str) -> str | None:
    """Return `url` encoded for a masked link, or None if it must not be linked.

    Only http and https with a host and without user name, at most 512 characters. Spaces, parentheses and all other
    characters that could end the link are percent-encoded.
    """
    stripped = url.strip()
    if not _HTTP_SCHEME.match(stripped) or to_single_line(stripped) != unicodedata.normalize("NFC", stripped):
        return None
    try:
        parts = urlsplit(stripped)
        host, user = parts.hostname, parts.username
    except ValueError:
        return None
    encoded = quote(stripped, safe=_URL_SAFE)
    if not host or user is not None or len(encoded) > limits.LINK_URL:
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
