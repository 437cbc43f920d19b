"""The headings of a newsletter's highlights: the bold beginnings of its bullets."""

from __future__ import annotations

from bot.digests.markdown import lines

_COLONS = (":", "：")
_DASHES = ("- ", "– ", "— ")
_MAX_HEADING_LENGTH = 200


def split_heading(text: str) -> tuple[str | None, str]:
    """A bullet's heading, its bold beginning before a colon or dash (`**New**: it …`), and the rest."""
    if text.startswith("***") and (close := text.find("***: ", 3)) > 3 and "*" not in (bold := text[3:close]):
        return bold.strip(" :：") or None, text[close + 5 :].strip()
    if not text.startswith(("**", "__")):
        return None, text
    parsed = lines.parse_bold(text)
    if not parsed or len(parsed[0]) > _MAX_HEADING_LENGTH:
        return None, text
    bold, rest = parsed
    if rest.startswith(_COLONS):
        return bold.rstrip(" :："), rest[1:].strip()
    if bold.endswith(_COLONS):
        return bold.rstrip(" :："), rest
    if rest.startswith(_DASHES):
        return bold, rest[2:].strip()
    return None, text
