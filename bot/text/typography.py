"""LaTeX of titles and formulas as text, and typography for readers: dashes and quotes.

Only spans between dollar signs and known commands with braces go through pylatexenc, one span at a time: in a whole title it
would drop everything after a percent sign. The index has the text, but not the typography.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from functools import lru_cache
from typing import Any, Literal

_MAX_BRACE_DEPTH = 12
_MAX_SPANS = 20
"""Formulas, and commands, of a text that are converted: each costs 0.1 ms. Further ones stay as they are."""

# As in Pandoc's Markdown, no space may follow or precede the inner text, so that prices are not math.
_MATH = re.compile(r"(?<![\\$])\$(?![\s$])([^$\n]{1,300})(?<![\s\\])\$(?!\$)([0-9]?)")
_MATH_SYNTAX = re.compile(r"[\\^_{]")
_BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
"""An argument, in which two levels of others may be."""
_COMMAND = re.compile(rf"\\([A-Za-z]{{1,24}}|[\"'`^~=.])(?:{_BRACES})+|\\[\"'`^~=.][A-Za-z]")
# Commands for files, environments and references, which pylatexenc does not render as text.
_NON_TEXT_COMMANDS = frozenset(("input", "include", "begin", "end", "verb", "item", "cite", "ref", "label"))
_ESCAPED = re.compile(r"\\([$%&_#{}])")

MAX_MARKS = 30
"""Combining marks in a row, as in Unicode's stream-safe text format (UAX #15, 13): no language has more than a few."""
_MARKS_IN_ROW = re.compile(
    f"((?:[^\\w\\s\\0-\x7f]|[\uff9e\uff9f]){{{MAX_MARKS}}})(?:[^\\w\\s\\0-\x7f]|[\uff9e\uff9f])+"
)
"""Also of other signs that are not letters, such as lines: marks alone are no class of regular expressions."""


def normalise(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """Return foreign text in a normal form: `limit_marks`, then `unicodedata.normalize`, which nothing else calls."""
    return unicodedata.normalize(form, limit_marks(text))


def limit_marks(text: str) -> str:
    """Return `text` with at most MAX_MARKS combining marks or other signs that are not ASCII in a row, in linear time.

    CPython sorts the marks of a run by insertion, which is quadratic and keeps all other threads waiting.
    """
    return text if len(text) <= MAX_MARKS or text.isascii() else _MARKS_IN_ROW.sub(r"\1", text)


def to_plain_text(title: str) -> str:
    """Return `title` with its LaTeX as plain text; a title without `$` and backslash is returned unchanged."""
    if "$" not in title and "\\" not in title:
        return title
    return (_convert_title if len(title) <= _MAX_LENGTH else _convert_title.__wrapped__)(title)


@lru_cache(maxsize=1024)
def _convert_title(title: str) -> str:
    converted = _MATH.sub(_math_text, title, count=_MAX_SPANS)
    return _ESCAPED.sub(r"\1", _COMMAND.sub(_command_text, converted, count=_MAX_SPANS))


def _math_text(match: re.Match[str]) -> str:
    """Return the text of a span between dollar signs; "$5-$10" is not math."""
    inner, digit_behind = match.groups()
    if digit_behind and not _MATH_SYNTAX.search(inner):
        return match[0]
    return _convert_span(f"${inner}$") + digit_behind


def _command_text(match: re.Match[str]) -> str:
    """Return the text of a command with its arguments; an unknown one stays as it is."""
    command = match[1]
    if command in _NON_TEXT_COMMANDS:
        return match[0]
    is_known = not command or _converter().latex_context.get_macro_spec(command) is not None
    return _convert_span(match[0]) if is_known else match[0]


def _convert_span(span: str) -> str:
    """Return one span as text, or unchanged if it is nested too deeply or cannot be converted."""
    if span.count("{") > _MAX_BRACE_DEPTH or span.count("[") > _MAX_BRACE_DEPTH:
        return span
    return (_latex_to_text(span) or "").strip() or span


def _latex_to_text(latex: str) -> str | None:
    """Return the text; None where pylatexenc fails: on `\\href` always, on other commands and tables without their arguments."""
    try:
        text: str = _converter().latex_to_text(
            re.sub(r"(?<!\\)%", r"\\%", latex), latex_context=_parsed_commands()
        )
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return text


@lru_cache(maxsize=1)
def _converter() -> Any:
    """Return the converter, made on first use: pylatexenc is slow to import and rarely needed."""
    from pylatexenc.latex2text import LatexNodes2Text

    # It warns of each command without its argument, of which a title can have hundreds.
    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)
    return LatexNodes2Text(math_mode="text", keep_comments=True)


@lru_cache(maxsize=1)
def _parsed_commands() -> Any:
    """Return the commands and their arguments, which pylatexenc would list afresh for each text: that takes most of its time."""
    from pylatexenc.latexwalker import get_default_latex_context_db

    return get_default_latex_context_db()


_MAX_LENGTH = 1000
"""Characters of a title and of a formula in which braces are looked at."""
_MAX_REMEMBERED_LENGTH = 80
_SCRIPT = re.compile(rf"([_^])({_BRACES})")
_LOWERED = re.compile(r"(?<![^\W_])([^\W\d_])_(?=[0-9]{1,3}(?![^\W_]))")
"""After a single letter only: snake_case is a name."""
_SPACED_DASH = re.compile(r"(?<=[^\s-]) ---? (?=[^\s-])")
_DASH = re.compile(r"(?<=\w)--(?=\w)")
_QUOTED = re.compile(r"(?<![\w`])`([^`'\n]{1,60})'(?![\w'])")
_DOUBLY_QUOTED = re.compile(r"``([^`'\n]{1,60})''")


def render_title(title: str) -> str:
    """Return a title as people write it: LaTeX as text, π0 for `$\\pi_0$` and `π_0`, dashes for hyphens."""
    has_formulas = "$" in title and len(title) <= _MAX_LENGTH
    title = to_plain_text(_convert_braced(title) if has_formulas else title)
    title = _QUOTED.sub(r"‘\1’", _DOUBLY_QUOTED.sub(r"“\1”", title))
    return render_dashes(_LOWERED.sub(r"\1", title))


def render_formula(formula: str) -> str:
    """Return the LaTeX of a formula, without its dollar signs, as text: `x_{t+1}^2` is x_(t+1)^2."""
    is_short = len(formula) <= _MAX_REMEMBERED_LENGTH  # a text repeats its formulas, page after page
    return (_convert_formula if is_short else _convert_formula.__wrapped__)(formula)


@lru_cache(maxsize=4096)
def _convert_formula(formula: str) -> str:
    braced = _convert_braced(formula) if len(formula) <= _MAX_LENGTH else formula
    return _LOWERED.sub(r"\1", to_plain_text(f"${braced}$"))


def render_dashes(text: str) -> str:
    """Return a text with dashes for two or three hyphens between words."""
    return _DASH.sub("–", _SPACED_DASH.sub(" – ", text))


def _convert_braced(formula: str) -> str:
    """Return LaTeX with the braces around subscripts and superscripts of several characters turned into parentheses."""
    return _SCRIPT.sub(_convert_script, formula, count=_MAX_SPANS)


def _convert_script(match: re.Match[str]) -> str:
    inner = to_plain_text(f"${match[2][1:-1].strip()}$")
    if inner.isalnum():
        return f"{{}}{match[1]}{inner}"  # the braces end a command in front, such as \alpha
    return f"{match[1]}({inner})".replace("{", r"\{").replace("}", r"\}")


_WHOLLY_QUOTED = re.compile('\\s*["“”„«»『』「」]([^"“”„«»『』「」]*)["“”„«»『』「」]\\s*')


def strip_quotes(text: str) -> str:
    """Return a text without the quotation marks around the whole of it, for a sentence that quotes it."""
    quoted = _WHOLLY_QUOTED.fullmatch(text)
    return text if quoted is None else quoted[1]
