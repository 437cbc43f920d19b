"""Converts the LaTeX of titles to plain text, for the index and for `typography`; the rest of a title is unchanged.

Only spans between dollar signs and known commands with braces go through pylatexenc, one span at a time: in a whole
title it would drop everything after a percent sign.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_MAX_SPAN_LENGTH = 300
_MAX_BRACE_DEPTH = 12

# As in Pandoc's Markdown, no space may follow or precede the inner text, so that prices are not math.
_MATH = re.compile(r"(?<![\\$])\$(?![\s$])([^$\n]{1,300})(?<![\s\\])\$(?!\$)([0-9]?)")
_MATH_SYNTAX = re.compile(r"[\\^_{]")
_COMMAND = re.compile(r"\\([A-Za-z]{1,24}|[\"'`^~=.])(?=\{)|\\[\"'`^~=.](?=[A-Za-z])")
# Commands for files, environments and references, which pylatexenc does not render as text.
_NON_TEXT_COMMANDS = frozenset(("input", "include", "begin", "end", "verb", "item", "cite", "ref", "label"))
_ASCII_SIGNS = {"textasciicircum": "^", "textasciitilde": "~", "textbraceleft": "{", "textbraceright": "}"}
"""Commands that pylatexenc does not know or takes for accents without a letter."""
_ESCAPED = re.compile(r"\\([$%&_#{}])")


def to_plain_text(title: str) -> str:
    """Return `title` with its LaTeX as plain text; a title without `$` and backslash is returned unchanged."""
    if "$" not in title and "\\" not in title:
        return title
    title = _MATH.sub(_math_text, title)
    title = _replace_commands(title)
    return _ESCAPED.sub(r"\1", title)


def _math_text(match: re.Match[str]) -> str:
    """Return the text of a span between dollar signs; "$5-$10" is not math."""
    inner, digit_behind = match.groups()
    if digit_behind and not _MATH_SYNTAX.search(inner):
        return match[0]
    return _convert_span(f"${inner}$") + digit_behind


def _replace_commands(title: str) -> str:
    """Replace each known command and its argument by its text; unknown commands stay as they are."""
    pieces: list[str] = []
    position = 0
    for match in _COMMAND.finditer(title):
        if match.start() < position:
            continue
        end = end_of_argument(title, match.end())
        if end is None or (match[1] and not _is_text_command(match[1])):
            continue
        pieces += [title[position : match.start()], _convert_span(title[match.start() : end])]
        position = end
    return "".join([*pieces, title[position:]])


def end_of_argument(title: str, start: int) -> int | None:
    """Return the end of the braces (or the one letter) at `start`; None if they are not closed within the longest span."""
    if title[start] != "{":
        return start + 1
    depth = 0
    for index in range(start, min(len(title), start + _MAX_SPAN_LENGTH)):
        depth += (title[index] == "{") - (title[index] == "}")
        if depth == 0:
            return index + 1
    return None


def _convert_span(span: str) -> str:
    """Return one span as text, or unchanged if it is nested too deeply."""
    if span.count("{") > _MAX_BRACE_DEPTH or span.count("[") > _MAX_BRACE_DEPTH:
        return span
    text: str = _converter().latex_to_text(re.sub(r"(?<!\\)%", r"\\%", span))
    return text.strip() if text.strip() else span


def _is_text_command(command: str) -> bool:
    """Tell whether pylatexenc can convert this command with an argument to text."""
    return (
        command not in _NON_TEXT_COMMANDS and _converter().latex_context.get_macro_spec(command) is not None
    )


@lru_cache(maxsize=1)
def _converter() -> Any:
    """Return the converter, made on first use: pylatexenc is slow to import and rarely needed."""
    from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db

    context = get_default_latex_context_db()
    signs = [MacroTextSpec(name, simplify_repl=sign) for name, sign in _ASCII_SIGNS.items()]
    context.add_context_category("ascii-signs", macros=signs, prepend=True)
    return LatexNodes2Text(latex_context=context, math_mode="text", keep_comments=True)


def decode_field(field: str) -> str:
    """Return the text of a whole BibTeX field, in which, unlike in a title, all of LaTeX counts: `{\\"o}`, `\\&`, `~`."""
    if "\\" not in field and "$" not in field:
        return field.replace("~", " ").replace("{", "").replace("}", "")
    try:
        text: str = _converter().latex_to_text(re.sub(r"(?<!\\)%", r"\\%", field))
    except RecursionError:
        return field.replace("{", "").replace("}", "")
    return text
