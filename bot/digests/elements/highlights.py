"""A newsletter's bullet: its bold beginning is the heading of a section."""

from __future__ import annotations

from bot.digests.markdown import lines

_COLONS = (":", "：")
_DASHES = ("- ", "– ", "— ")
_MAX_HEADING_LENGTH = 200


def split_heading(text: str) -> tuple[str | None, str]:
    """A bullet's bold beginning, if a colon or dash makes it a heading, and the rest: `**New**: it …`."""
    if text.startswith("***") and (close := text.find("***: ", 3)) > 3 and "*" not in (bold := text[3:close]):
        return bold.strip(" :：") or None, text[close + 5 :].strip()
    if not text.startswith(("**", "__")):
        return None, text
    found = lines.parse_bold(text)
    if not found or len(found[0]) > _MAX_HEADING_LENGTH:
        return None, text
    words, rest = found
    if rest.startswith(_COLONS):
        return words.rstrip(" :："), rest[1:].strip()
    if words.endswith(_COLONS):
        return words.rstrip(" :："), rest
    if rest.startswith(_DASHES):
        return words, rest[2:].strip()
    return None, text
