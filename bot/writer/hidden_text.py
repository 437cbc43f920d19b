"""Hidden text: what a page holds but a reader of it does not see, by attributes, inline styles and style sheets.

Text is also planted in papers for language models to read: white on white, of size zero, or outside the page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_DECLARATION = re.compile(r"([a-z-]{1,40})\s{0,9}:\s{0,9}([^;]{1,200})")
_CSS_SELECTOR = re.compile(r"\s*(?:[a-z][a-z0-9]{0,20})?([.#][\w-]{1,80})\s*", re.IGNORECASE)
_LENGTH = re.compile(r"(-?[0-9]{0,9}(?:\.[0-9]{1,9})?)\s?(px|pt|em|rem|ex|%|vw|vh|mm|cm|in)?")
_HEX = re.compile("#([0-9a-f]{3,8})")
_CHANNELS = re.compile(r"(rgb|hsl)a?\(([^)]{1,80})\)")
_SCALED_TO_NOTHING = re.compile(r"scale[xy]?\(\s*0?(?:\.0+)?\s*[,)]")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u00ad\U000e0000-\U000e007f]")

_WHITE_FROM = 0xF0
"""Value from which a colour's red, green and blue count as white."""
_MIN_FONT_SIZES = {"px": 4.0, "pt": 3.0, "em": 0.3, "rem": 0.3, "ex": 0.6, "%": 30.0, "vw": 0.3, "vh": 0.3}
_MIN_FONT_SIZES |= {"mm": 1.0, "cm": 0.1, "in": 0.04, "": 0.01}
_OFF_PAGE = -500.0
"""Position in pixels from which an element lies outside the page."""


def drop_invisible(text: str) -> str:
    """Return a text without characters that have no glyph, such as zero-width spaces and Unicode's tags."""
    return _INVISIBLE.sub("", text)


def is_hidden(attributes: Mapping[str, str], *, has_background: bool) -> bool:
    """Whether an element with these attributes (names in lower case) and its content is not shown.

    `has_background`: it lies on a colour, on which white text can be read.
    """
    if "hidden" in attributes or attributes.get("aria-hidden", "").strip().lower() == "true":
        return True
    if not has_background and _is_white(attributes.get("color", "")):
        return True
    style = attributes.get("style")
    return style is not None and is_hiding(style, has_background=has_background)


def is_hiding(style: str, *, has_background: bool = False) -> bool:
    """Whether the declarations of a style hide what they apply to."""
    values = _read_style(style)
    if values.get("display") == "none" or values.get("visibility") in ("hidden", "collapse"):
        return True
    if _has_small_size(values.get("font-size", ""), _MIN_FONT_SIZES):
        return True
    if _has_small_size(values.get("font", ""), {"px": 4.0, "pt": 3.0}):
        return True
    if _is_zero(values.get("opacity"), 0.1) or _is_off_page(values) or _is_clipped(values):
        return True
    colour = values.get("color", values.get("--ltx-fg-color", ""))
    if _is_transparent(colour) or _is_transparent(values.get("-webkit-text-fill-color", "")):
        return True
    return _is_white(colour) and not (has_background or has_dark_background(style))


def has_dark_background(style: str) -> bool:
    """Whether a style sets a background other than white."""
    declared = _read_style(style)
    for name in ("background-color", "background", "--ltx-bg-color"):
        value = declared.get(name)
        if value and value not in ("none", "inherit", "initial", "unset"):
            return not (_is_white(value) or _is_transparent(value))
    return False


def hiding_selectors(css: str) -> frozenset[str]:
    """Return the classes (`.name`) and ids (`#name`) that a style sheet hides."""
    found: set[str] = set()
    first, *rest = css[:500_000].split("/*")
    without_comments = first + "".join(part.partition("*/")[2] for part in rest)
    for rule in without_comments.split("}")[:-1]:
        selectors, brace, body = rule.rpartition("{")
        if brace and is_hiding(body):
            # In front of them, the rule of a medium may begin.
            matches = map(_CSS_SELECTOR.fullmatch, selectors.rpartition("{")[2][-400:].split(","))
            found.update(match[1] for match in matches if match)
    return frozenset(found)


def _read_style(style: str) -> dict[str, str]:
    declared = _DECLARATION.findall(style[:4000].lower())
    return {name: value.replace("!important", "").strip() for name, value in declared}


def _read_length(value: str | None) -> tuple[float, str] | None:
    """Return the number and the unit of a length, the unit "" for a bare number; None for anything else."""
    match = _LENGTH.fullmatch(value or "")
    return (float(match[1]), match[2] or "") if match and match[1] not in ("", "-") else None


def _has_small_size(value: str, minimum: Mapping[str, float]) -> bool:
    lengths = map(_read_length, value.replace("/", " ").split())
    return any(length and length[0] < minimum.get(length[1], 0.0) for length in lengths)


def _is_zero(value: str | None, limit: float) -> bool:
    length = _read_length(value)
    return length is not None and length[0] / (100 if length[1] == "%" else 1) < limit


def _is_off_page(values: Mapping[str, str]) -> bool:
    names = ("left", "top", "right", "text-indent", "margin-left", "margin-top")
    lengths = [_read_length(values.get(name)) for name in names]
    return any(length and length[0] * (12 if length[1] == "em" else 1) <= _OFF_PAGE for length in lengths)


def _is_clipped(values: Mapping[str, str]) -> bool:
    clip = values.get("clip", "").replace(" ", "").replace("px", "")
    if clip in ("rect(0,0,0,0)", "rect(1,1,1,1)", "rect(0000)"):
        return True
    if _SCALED_TO_NOTHING.search(values.get("transform", "")):
        return True
    sizes = (values.get(name) for name in ("width", "height", "max-height", "max-width"))
    return "hidden" in values.get("overflow", "") and any(_is_zero(size, 2.0) for size in sizes)


def _is_transparent(colour: str) -> bool:
    colour = colour.strip()
    if colour == "transparent":
        return True
    if match := _CHANNELS.search(colour):
        parts = _split_channels(match[2])
        return len(parts) == 4 and _is_zero(parts[3], 0.1)
    if match := _HEX.fullmatch(colour):
        digits = match[1]
        return (len(digits) == 8 and digits[6:] < "1a") or (len(digits) == 4 and digits[3] < "2")
    return False


def _is_white(colour: str) -> bool:
    colour = colour.strip().lower()
    if colour in ("white", "snow", "ivory", "ghostwhite", "floralwhite", "whitesmoke", "mintcream", "azure"):
        return True
    if match := _HEX.fullmatch(colour):
        digits = "".join(digit * 2 for digit in match[1][:3]) if len(match[1]) < 6 else match[1][:6]
        return all(int(digits[index : index + 2], 16) >= _WHITE_FROM for index in (0, 2, 4))
    if match := _CHANNELS.search(colour):
        lengths = [_read_length(part) or (0.0, "") for part in _split_channels(match[2])[:3]]
        values = [number * (2.55 if unit == "%" else 1.0) for number, unit in lengths]
        return len(values) == 3 and min(values[2:] if match[1] == "hsl" else values) >= _WHITE_FROM
    return False


def _split_channels(text: str) -> list[str]:
    return text.replace(",", " ").replace("/", " ").split()
