"""Typography for readers: raised and lowered digits and letters (π₀, VCT²), dashes and quotation marks. Not for the index."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.text.analysis import latex

_RAISED = str.maketrans(
    "0123456789+-−=()abcdefghijklmnoprstuvwxyzT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀ"
)
_LOWERED = str.maketrans("0123456789+-−=()aehijklmnoprstuvx.", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ.")
_MAX_LENGTH = 1000
"""Characters of a title and of a formula in which braces are looked at."""
_MAX_REMEMBERED_LENGTH = 80
_MAX_SIGNS = 40
"""Dollar signs and backslashes of a title that is converted: each costs 0.1 ms, in lists on the event loop."""
_TABLES = {"^": _RAISED, "_": _LOWERED}
_BRACED = re.compile(r"[_^](?=\{)")
_LOWERED_SIGN = re.compile(r"(?<![^\W_])([^\W\d_])_([0-9]{1,3}(?:\.[0-9])?|[a-z])(?![^\W_])")
"""After a single letter only: V_AI and snake_case are names."""
_RAISED_SIGN = re.compile(r"(?<=[\w)₀-₉ₐ-ₜ])\^(-?[0-9]{1,3}|[A-Za-z](?![A-Za-z]))")
_SPACED_DASH = re.compile(r"(?<=[^\s-]) ---? (?=[^\s-])")
_DASH = re.compile(r"(?<=\w)--(?=\w)")
_QUOTED = re.compile(r"(?<![\w`])`([^`'\n]{1,60})'(?![\w'])")
_DOUBLY_QUOTED = re.compile(r"``([^`'\n]{1,60})''")


def render_title(title: str) -> str:
    """Return a title as people write it: LaTeX as text, π₀ for `$\\pi_0$` and `π_0`, dashes for hyphens.

    A title with more signs of LaTeX than any paper's keeps them.
    """
    if title.count("$") + title.count("\\") > _MAX_SIGNS:
        return render_dashes(title)
    has_formulas = "$" in title and len(title) <= _MAX_LENGTH
    title = latex.to_plain_text(_convert_braced(title) if has_formulas else title)
    title = _QUOTED.sub(r"‘\1’", _DOUBLY_QUOTED.sub(r"“\1”", title))
    return render_dashes(_convert_signs(title))


def render_formula(formula: str) -> str:
    """Return the LaTeX of a formula, without its dollar signs, as text: `x_{t+1}^2` is xₜ₊₁²."""
    return (_remember_formula if len(formula) <= _MAX_REMEMBERED_LENGTH else _convert_formula)(formula)


def _convert_formula(formula: str) -> str:
    braced = _convert_braced(formula) if len(formula) <= _MAX_LENGTH else formula
    return _convert_signs(latex.to_plain_text(f"${braced}$"))


_remember_formula = lru_cache(maxsize=4096)(_convert_formula)
"""A text repeats its formulas, page after page, and each takes 0.1 ms."""


def render_dashes(text: str) -> str:
    """Return a text with dashes for two or three hyphens between words."""
    return _DASH.sub("–", _SPACED_DASH.sub(" – ", text))


def _convert_braced(formula: str) -> str:
    """Return LaTeX with scripts in braces as Unicode scripts, or in parentheses where Unicode lacks a letter."""
    pieces: list[str] = []
    position = 0
    for match in _BRACED.finditer(formula):
        end = latex.end_of_argument(formula, match.end()) if match.start() >= position else None
        if end is not None:
            inner = latex.to_plain_text(f"${formula[match.end() + 1 : end - 1].strip()}$")
            pieces += [formula[position : match.start()], _convert_script(match[0], inner)]
            position = end
    return "".join([*pieces, formula[position:]])


def _convert_script(sign: str, inner: str) -> str:
    joined, table = inner.replace(" ", ""), _TABLES[sign]
    if joined and all(ord(letter) in table for letter in joined):
        return "{}" + joined.translate(table)  # the braces end a command in front, such as \alpha
    if joined.isalnum():
        return f"{sign}{joined}"
    return f"{sign}({inner})".replace("{", r"\{").replace("}", r"\}")


def _convert_signs(text: str) -> str:
    if "_" not in text and "^" not in text:
        return text
    text = _LOWERED_SIGN.sub(lambda match: match[1] + _translate(match[2], "_"), text)
    return _RAISED_SIGN.sub(lambda match: _translate(match[1], "^"), text)


def _translate(letters: str, sign: str) -> str:
    table = _TABLES[sign]
    return letters.translate(table) if all(ord(letter) in table for letter in letters) else sign + letters
