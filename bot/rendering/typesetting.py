"""Typesets titles and formulas for readers: LaTeX as text, dashes, quotation marks and subscripts."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.text import typography

_SCRIPT = re.compile(rf"([_^])({typography.BRACES})")
_LOWERED = re.compile(r"(?<![^\W_])([^\W\d_])_(?=[0-9]{1,3}(?![^\W_]))")
"""A subscript needs a single letter before it, because snake_case is a name."""
_SPACED_DASH = re.compile(r"(?<=[^\s-]) ---? (?=[^\s-])")
_DASH = re.compile(r"(?<=\w)--(?=\w)")
_QUOTED = re.compile(r"(?<![\w`])`([^`'\n]{1,60})'(?![\w'])")
_DOUBLY_QUOTED = re.compile(r"``([^`'\n]{1,60})''")


def render_title(title: str) -> str:
    """Typeset a title: LaTeX becomes text, `π_0` becomes π0, and double hyphens become dashes."""
    has_formulas = "$" in title and len(title) <= typography.MAX_LENGTH
    title = typography.to_plain_text(_convert_braced(title) if has_formulas else title)
    title = _QUOTED.sub(r"‘\1’", _DOUBLY_QUOTED.sub(r"“\1”", title))
    return render_dashes(_LOWERED.sub(r"\1", title))


@lru_cache(maxsize=2048)
def render_formula(formula: str) -> str:
    """Convert a formula, given without dollar signs, to text: `x_{t+1}^2` becomes x_(t+1)^2."""
    braced = _convert_braced(formula) if len(formula) <= typography.MAX_LENGTH else formula
    return _LOWERED.sub(r"\1", typography.to_plain_text(f"${braced}$"))


def render_dashes(text: str) -> str:
    """Replace double and triple hyphens between words with a dash."""
    return _DASH.sub("–", _SPACED_DASH.sub(" – ", text))


def _convert_braced(formula: str) -> str:
    """Replace the braces around subscripts and superscripts of several characters with parentheses."""
    return _SCRIPT.sub(_convert_script, formula, count=typography.MAX_SPANS)


def _convert_script(match: re.Match[str]) -> str:
    inner = typography.to_plain_text(f"${match[2][1:-1].strip()}$")
    if inner.isalnum():
        return f"{{}}{match[1]}{inner}"  # the braces end the command before them, such as \alpha
    return f"{match[1]}({inner})".replace("{", r"\{").replace("}", r"\}")


_WHOLLY_QUOTED = re.compile('\\s*["“”„«»『』「」]([^"“”„«»『』「」]*)["“”„«»『』「」]\\s*')


def strip_quotes(text: str) -> str:
    """Strip quotation marks around a whole text, which will be quoted in a sentence."""
    quoted = _WHOLLY_QUOTED.fullmatch(text)
    return text if quoted is None else quoted[1]
