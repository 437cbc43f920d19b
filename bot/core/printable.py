"""Makes text from outside safe for a terminal or a log: no control sequences, no passwords.

Titles of digests, pages of servers and names in Discord may hold a terminal's escape sequences or change the direction of
text; addresses in the settings may hold passwords. It loads neither structlog nor the settings, for commands that need none.
"""

from __future__ import annotations

import re

from storage import errors

CONTROLS = re.compile(
    # C0 except tab and line feed, DEL, C1, and the characters that change a line's end or direction.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def make_printable(text: str) -> str:
    """Return a text with control and direction characters and lone surrogates as escapes (`\\x1b`), passwords hidden."""
    if not (text.isascii() and text.isprintable()):
        for pattern in (CONTROLS, _SURROGATES):
            text = pattern.sub(lambda match: ascii(match[0])[1:-1], text)
    return errors.redact(text)


def escape_in_json(line: str) -> str:
    """Return a line of JSON with what `CONTROLS` names and lone surrogates escaped; both can only be within its strings."""
    for pattern in (CONTROLS, _SURROGATES):
        line = pattern.sub(lambda match: f"\\u{ord(match[0]):04x}", line)
    return line
