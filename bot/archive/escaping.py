"""Write texts into BibTeX and tables so that they are read again as they were."""

from __future__ import annotations

import re

from bot.rendering import discord_text

_COMMANDS = {
    "\\": r"\textbackslash{}",
    # Not `\{`: BibTeX counts escaped braces too.
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in "$&#%_"} | _COMMANDS)
PARAGRAPH = r"\par{}"
_TEXTS = {PARAGRAPH: "\n"} | {command: text for text, command in _COMMANDS.items()}
_ESCAPED = re.compile("|".join([*map(re.escape, _TEXTS), r"\\[$&#%_]"]))
_CELL_START, _FORMULA = r"(?:^|(?<=[;\t\r\n]))", r'(?=[ "]*[=+\-@＝＋－＠]|(?<![^\'])[\t\r])'
_UNESCAPED = re.compile(_CELL_START + _FORMULA)
_ESCAPED_CELL = re.compile(f"{_CELL_START}'{_FORMULA}")


def escape_bibtex(text: str) -> str:
    """Return the text on one line with LaTeX special characters escaped."""
    plain = discord_text.to_single_line(text)
    return plain.translate(_ESCAPES)


def unescape_bibtex(text: str) -> str:
    """Return a text as it was before `escape_bibtex`, of which `PARAGRAPH` was between lines."""
    return _ESCAPED.sub(lambda match: _TEXTS.get(match[0], match[0][-1]), text)


def escape_formula(value: object) -> object:
    """Put an apostrophe before each formula that a spreadsheet would evaluate, also if it splits cells at other signs."""
    return _UNESCAPED.sub("'", value) if isinstance(value, str) else value


def unescape_formula(text: str) -> str:
    """Return a text as it was before `escape_formula`."""
    return _ESCAPED_CELL.sub("", text)
