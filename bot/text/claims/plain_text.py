"""Text for comparing numbers and names: without LaTeX, emphasis, addresses and citations, in one form of Unicode."""

from __future__ import annotations

import re
import unicodedata

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]{1,9}")
_THIN_SPACE = re.compile(r"(?<=\d)(?:[\u2009\u202f\u00a0]|\\[,;!])(?=\d{3}(?!\d))")
_TEX_WRAPPER = re.compile(r"\\(?:text|math|operatorname)[a-z]{0,6}\s?\{([^{}]{0,200})\}")
_EXPONENT = re.compile(r"\^\s?\{\s?([-+−]?)\s?(\d{1,4})\s?\}")
_MATH = re.compile(r"\$(?!\s)([^$\n]{1,300})(?<!\s)\$(?!\d)")
"""As in Pandoc's Markdown, so that prices are no math."""
_COMMAND = re.compile(r"\\[a-zA-Z]{1,30}")
_LINK = re.compile(r"\]\([^()\s]{0,2000}\)|https?://[^\s)>\]]{1,2000}")
_NUMERIC_CITATION = re.compile(r"\[\d{1,3}(?:\s?[,;–-]\s?\d{1,3}){0,20}\]")
_REFERENCE = re.compile(
    r"\b(?:Tables?|Tabs?\.|Figures?|Figs?\.|Sections?|Secs?\.|Sect\.|Equations?|Eqs?\.|Appendix|Algorithm|Theorem|Lemma"
    r"|Chapter)[ ~]\(?[A-Z]?\.?\d{1,3}(?:\.\d{1,2}){0,3}[a-z]?\)?(?:(?:,| and|-|–) ?\d{1,3}(?![\d.%]))?"
    r"|§ ?\d{1,3}(?:\.\d{1,2}){0,3}"
)
_HEADING_NUMBER = re.compile(r"^(#{1,6} +)(?:\d{1,2}|[A-Z])(?:\.\d{1,2}){0,3}\.?(?= )", re.MULTILINE)
_SIGNS = str.maketrans(
    {"−": "-", "–": "–", "—": "–", "‐": "-", "‑": "-", "‒": "–", "∼": "~", "≈": "~", "·": "·"}
)
_TIMES_BETWEEN = re.compile(r"(?<=\d)\s?[xX](?=\d)|(?<=\d)[xX](?=[A-Z][A-Za-z]*\d)")


def plain(text: str) -> str:
    """Return a text with numbers as they are read: 1{,}200 as 1,200, 92.4\\% as 92.4%, 10⁶ as 10^6."""
    text = _THIN_SPACE.sub("", text.replace("{,}", ","))
    text = _SUPERSCRIPT.sub(lambda match: "^" + match[0].translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
    text = text.replace("**", "").replace("`", "")
    if "\\" in text or "{" in text or "$" in text:
        text = _without_tex(text)
    return _TIMES_BETWEEN.sub("×", text)


def plain_source(text: str) -> str:
    """Return a paper's text as `plain` does, without what numbers only by position: citations, "Table 3", headings."""
    text = _LINK.sub("]", text) if "](" in text or "://" in text else text
    text = _HEADING_NUMBER.sub(r"\1", _NUMERIC_CITATION.sub(" ", text))
    return plain(_REFERENCE.sub(" ", text))


def _without_tex(text: str) -> str:
    text = _MATH.sub(r"\1", text)
    text = _TEX_WRAPPER.sub(r"\1", _TEX_WRAPPER.sub(r"\1", text))
    text = _EXPONENT.sub(lambda match: f"^{match[1].replace('−', '-')}{match[2]}", text)
    for command, plain_form in (
        ("\\times", "×"),
        ("\\cdot", "×"),
        ("\\pm", "±"),
        ("\\%", "%"),
        ("\\$", "＄"),
        ("\\_", "_"),
    ):
        text = text.replace(command, plain_form)
    text = _COMMAND.sub(" ", text).replace("\\", " ")
    return text.replace("{", " ").replace("}", " ").replace("＄", "$")
