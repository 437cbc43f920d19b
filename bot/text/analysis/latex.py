"""Turns the LaTeX of titles into plain text, for cards as for the index. It never touches the rest of a title.

Only what stands between dollar signs and known commands with braces go through pylatexenc, each span by
itself: given a whole title it would swallow everything behind a percent sign.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_MAX_SPAN_LENGTH = 300
_MAX_BRACE_DEPTH = 12

# As in Pandoc's Markdown there is no space inside the dollar signs, so that prices stay prices.
_MATH = re.compile(r"(?<![\\$])\$(?![\s$])([^$\n]{1,300})(?<![\s\\])\$(?!\$)([0-9]?)")
_MATH_SYNTAX = re.compile(r"[\\^_{]")
_COMMAND = re.compile(r"\\([A-Za-z]{1,24}|[\"'`^~=.])(?=\{)|\\[\"'`^~=.](?=[A-Za-z])")
# Known to pylatexenc, but not as text: files and environments.
_NON_TEXT_COMMANDS = frozenset(("input", "include", "begin", "end", "verb", "item", "cite", "ref", "label"))
_ESCAPED = re.compile(r"\\([$%&_#{}])")


def to_plain_text(title: str) -> str:
    """Return `title` with its LaTeX as plain text; one without `$` and backslash is returned unchanged."""
    if "$" not in title and "\\" not in title:
        return title
    title = _MATH.sub(_math_text, title)
    title = _replace_commands(title)
    return _ESCAPED.sub(r"\1", title)


def _math_text(match: re.Match[str]) -> str:
    """Return the text of a span between dollar signs; "$5-$10" is none."""
    inner, digit_behind = match.groups()
    if digit_behind and not _MATH_SYNTAX.search(inner):
        return match[0]
    return _convert_span(f"${inner}$") + digit_behind


def _replace_commands(title: str) -> str:
    """Replace each known command and its braces by its text; unknown ones stay as they are."""
    pieces: list[str] = []
    position = 0
    for match in _COMMAND.finditer(title):
        if match.start() < position:
            continue
        end = _end_of_argument(title, match.end())
        if end is None or (match[1] and not _is_text_command(match[1])):
            continue
        pieces += [title[position : match.start()], _convert_span(title[match.start() : end])]
        position = end
    return "".join([*pieces, title[position:]])


def _end_of_argument(title: str, start: int) -> int | None:
    """Return where the braces (or the one letter) at `start` end; None if they do not within the longest span."""
    if title[start] != "{":
        return start + 1
    depth = 0
    for index in range(start, min(len(title), start + _MAX_SPAN_LENGTH)):
        depth += (title[index] == "{") - (title[index] == "}")
        if depth == 0:
            return index + 1
    return None


def _convert_span(span: str) -> str:
    """Return one span as text, or as it is when it is nested deeper than any title."""
    if span.count("{") > _MAX_BRACE_DEPTH or span.count("[") > _MAX_BRACE_DEPTH:
        return span
    text: str = _converter().latex_to_text(re.sub(r"(?<!\\)%", r"\\%", span))
    return text.strip() if text.strip() else span


def _is_text_command(command: str) -> bool:
    """Tell whether pylatexenc has a text for this command with an argument."""
    return (
        command not in _NON_TEXT_COMMANDS and _converter().latex_context.get_macro_spec(command) is not None
    )


@lru_cache(maxsize=1)
def _converter() -> Any:
    """Make the converter on first use: pylatexenc takes a while to import, and hardly a title needs it."""
    from pylatexenc.latex2text import LatexNodes2Text

    return LatexNodes2Text(math_mode="text", keep_comments=True)
