"""Typesets titles and formulas for readers: LaTeX as text, dashes, quotation marks and subscripts."""

from __future__ import annotations

import re

from bot.text import typography

_LOWERED = re.compile(r"(?<![^\W_])([^\W\d_])_(?=[0-9]{1,3}(?![^\W_]))")
"""A subscript needs a single letter before it, because snake_case is a name."""
_SPACED_DASH = re.compile(r"(?<=[^\s-]) ---? (?=[^\s-])")
_DASH = re.compile(r"(?<=[\w)”’])--(-?)(?=[\w(“‘$])")
_QUOTED = re.compile(r"(?<![\w`])`([^`'\n]{1,60})'(?![\w'])")
_DOUBLY_QUOTED = re.compile(r"``([^`'\n]{1,60})''")


def render_title(title: str) -> str:
    """Typeset a title: LaTeX becomes text, `π_0` becomes π0, and double hyphens become dashes."""
    title = _QUOTED.sub(r"‘\1’", _DOUBLY_QUOTED.sub(r"“\1”", typography.to_plain_text(title)))
    return render_dashes(_LOWERED.sub(r"\1", title))


def render_formula(formula: str) -> str:
    """Typeset a formula, given without dollar signs: `x_{t+1}^2` becomes x_(t+1)^2."""
    return _LOWERED.sub(r"\1", typography.formula_to_text(formula))


def render_dashes(text: str) -> str:
    """Replace double and triple hyphens between words with a dash, as TeX does; in spaces, all have one length."""
    return _DASH.sub(lambda dash: "—" if dash[1] else "–", _SPACED_DASH.sub(" – ", text))


_WHOLLY_QUOTED = re.compile('\\s*["“”„«»『』「」]([^"“”„«»『』「」]*)["“”„«»『』「」]\\s*')


def strip_quotes(text: str) -> str:
    """Strip quotation marks around a whole text, which will be quoted in a sentence."""
    quoted = _WHOLLY_QUOTED.fullmatch(text)
    return text if quoted is None else quoted[1]
