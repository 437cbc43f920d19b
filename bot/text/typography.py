"""Converts LaTeX in titles and formulas to plain text, and normalises untrusted text.

pylatexenc only gets spans between dollar signs and known commands with braces, one at a time. Given a whole
title, it would drop everything after a percent sign.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from functools import lru_cache
from typing import Any, Literal

_MAX_BRACE_DEPTH = 12
MAX_LENGTH = 1000
"""In characters. Longer titles and formulas are not cached, and their braces stay."""
MAX_SPANS = 20
"""At most this many formulas and this many commands are converted per text, since each takes 0.1 ms."""

# As in Pandoc's Markdown, no spaces are allowed just inside the dollar signs, so that prices are not math.
_MATH = re.compile(r"(?<![\\$])\$(?![\s$])([^$\n]{1,300})(?<![\s\\])\$(?!\$)([0-9]?)")
_MATH_SYNTAX = re.compile(r"[\\^_{]")
BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
"""An argument with braces nested up to two levels."""
_COMMAND = re.compile(rf"\\([A-Za-z]{{1,24}}|[\"'`^~=.])(?:{BRACES})+|\\[\"'`^~=.][A-Za-z]")
# Commands for files, environments and references, which pylatexenc cannot convert to text.
_NON_TEXT_COMMANDS = frozenset(("input", "include", "begin", "end", "verb", "item", "cite", "ref", "label"))
_ESCAPED = re.compile(r"\\([$%&_#{}])")

MAX_MARKS = 30
"""Maximum length of a run of combining marks, as in Unicode's stream-safe text format (UAX #15, section 13)."""
_MARK = r"(?:[^\w\s\0-\x7f]|[\uff9e\uff9f])"
_ANY_MARK = re.compile(_MARK)
_MARKS_IN_ROW = re.compile(rf"(?=[^\0-\x7f\uac00-\ud7a3])({_MARK}{{{MAX_MARKS}}}){_MARK}+")
"""Also matches other symbols, because `re` has no class for combining marks. The lookahead only saves time."""


def normalise(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """Normalise untrusted text. Call this instead of `unicodedata.normalize`, which is slow on long runs of marks."""
    return unicodedata.normalize(form, limit_marks(text))


def limit_marks(text: str) -> str:
    """Shorten runs of combining marks and other non-ASCII symbols to MAX_MARKS. Takes linear time.

    CPython sorts each run of marks in quadratic time while holding the GIL.
    """
    if len(text) <= MAX_MARKS or text.isascii() or not _ANY_MARK.search(text[:: MAX_MARKS + 1]):
        return text  # each longer run has one of these characters
    return _MARKS_IN_ROW.sub(r"\1", text)


def to_plain_text(title: str) -> str:
    """Convert the LaTeX in a title to plain text."""
    if "$" not in title and "\\" not in title:
        return title
    return (_convert_title if len(title) <= MAX_LENGTH else _convert_title.__wrapped__)(title)


@lru_cache(maxsize=1024)
def _convert_title(title: str) -> str:
    converted = _MATH.sub(_math_text, title, count=MAX_SPANS)
    return _ESCAPED.sub(r"\1", _COMMAND.sub(_command_text, converted, count=MAX_SPANS))


def _math_text(match: re.Match[str]) -> str:
    """Convert a span between dollar signs to text; "$5-$10" is not math."""
    inner, digit_behind = match.groups()
    if digit_behind and not _MATH_SYNTAX.search(inner):
        return match[0]
    return _convert_span(f"${inner}$") + digit_behind


def _command_text(match: re.Match[str]) -> str:
    """Convert a command with its arguments to text. Unknown commands stay unchanged."""
    command = match[1]
    if command in _NON_TEXT_COMMANDS:
        return match[0]
    is_known = not command or _converter().latex_context.get_macro_spec(command) is not None
    return _convert_span(match[0]) if is_known else match[0]


def _convert_span(span: str) -> str:
    """Convert a span to text; leave it unchanged if it is too deeply nested or cannot be converted."""
    if span.count("{") > _MAX_BRACE_DEPTH or span.count("[") > _MAX_BRACE_DEPTH:
        return span
    return (_latex_to_text(span) or "").strip() or span


def _latex_to_text(latex: str) -> str | None:
    """Convert LaTeX to text; None if pylatexenc fails, as on `\\href` or on commands without their arguments."""
    try:
        text: str = _converter().latex_to_text(
            re.sub(r"(?<!\\)%", r"\\%", latex), latex_context=_parsed_commands()
        )
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return text


@lru_cache(maxsize=1)
def _converter() -> Any:
    """Create the converter on first use, because pylatexenc is slow to import and rarely needed."""
    from pylatexenc.latex2text import LatexNodes2Text

    # pylatexenc logs a warning for each command without its argument.
    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)
    return LatexNodes2Text(math_mode="text", keep_comments=True)


@lru_cache(maxsize=1)
def _parsed_commands() -> Any:
    """Load the table of commands once. Otherwise pylatexenc would rebuild it for every text, which takes most of its time."""
    from pylatexenc.latexwalker import get_default_latex_context_db

    return get_default_latex_context_db()
