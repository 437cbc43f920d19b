"""Hidden text: what a page holds but a reader of it does not see, by attributes, inline styles and style sheets.

Text is also planted in papers for language models to read: white on white, of size zero, or outside the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_DECLARATION = re.compile(r"([a-z-]{1,40})\s{0,9}:\s{0,9}([^;]{1,200})")
_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))")
_CSS_PART = re.compile(r"[.#][\w-]{1,80}|\[[\w-]{1,80}|^[a-z][a-z0-9]{0,20}", re.IGNORECASE)
_CONDITION = re.compile(r":(?!nth-|first-|last-|only-|is\(|where\()")
"""A pseudo-element, or a pseudo-class that tells little of what is shown, such as `:empty` and `:hover`."""
_COMMON_NAMES = "[class [id [style [href [src [lang [title [type [role [width [height"
_COMMON_ATTRIBUTES = frozenset(_COMMON_NAMES.split())
_LENGTH = re.compile(
    r"([+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(?:e[+-]?[0-9]{1,3})?)\s?(px|pt|em|rem|ex|%|vw|vh|mm|cm|in)?"
)
_HEX = re.compile("#([0-9a-f]{3,8})")
_CHANNELS = re.compile(r"(rgb|hsl)a?\(([^)]{1,80})\)")
_TRANSFORM = re.compile(r"([a-z0-9]{1,20})\(([^()]{0,200})\)?")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u00ad\U000e0000-\U000e007f]")

_WHITE_FROM = 0xF0
"""Value from which a colour's red, green and blue count as white."""
_MIN_FONT_SIZES = {"px": 4.0, "pt": 3.0, "em": 0.3, "rem": 0.3, "ex": 0.6, "%": 30.0, "vw": 0.3, "vh": 0.3}
_MIN_FONT_SIZES |= {"mm": 1.0, "cm": 0.1, "in": 0.04, "": 0.01}
_PIXELS = {
    "px": 1.0,
    "pt": 1.3,
    "em": 16.0,
    "rem": 16.0,
    "ex": 8.0,
    "%": 5.0,
    "vw": 5.0,
    "vh": 5.0,
    "mm": 3.8,
}
_PIXELS |= {"cm": 38.0, "in": 96.0, "": 1.0}
_OFF_PAGE = -500.0, 3000.0
"""Positions in pixels, to the left or the top and to the right or the bottom, from which an element lies outside the page."""
_POSITION_NAMES = "left top right bottom inset margin margin-left margin-top margin-right margin-bottom"
_POSITIONS = frozenset(_POSITION_NAMES.split())
_HIDING_VALUES = {
    "display": ("none",),
    "visibility": ("hidden", "collapse"),
    "content-visibility": ("hidden",),
}
_WHITE_COLOURS = "white snow ivory ghostwhite floralwhite whitesmoke mintcream azure lightyellow lightcyan aliceblue honeydew"
_WHITE_NAMES = frozenset(
    (_WHITE_COLOURS + " seashell oldlace cornsilk lavenderblush linen beige canvas").split()
)
_MAX_STYLE = 4000


def drop_invisible(text: str) -> str:
    """Return a text without characters that have no glyph, such as zero-width spaces and Unicode's tags."""
    return _INVISIBLE.sub("", text)


def is_hidden(attributes: Mapping[str, str], *, has_background: bool) -> bool:
    """Whether an element with these attributes (names in lower case) and its content is not shown.

    `has_background`: it lies on a colour, on which white text can be read.
    """
    if (
        "hidden" in attributes
        or "popover" in attributes
        or attributes.get("aria-hidden", "").strip().lower() == "true"
    ):
        return True
    if not has_background and _is_white(attributes.get("color", "")):
        return True
    style = attributes.get("style")
    return style is not None and is_hiding(style, has_background=has_background, is_inline=True)


def is_hiding(style: str, *, has_background: bool = False, is_inline: bool = False) -> bool:
    """Whether any declaration of a style hides what it applies to.

    `is_inline`: it is an element's own, where a size or colour that cannot be computed hides; papers' have plain ones.
    """
    if len(style) > _MAX_STYLE:
        return True
    declared = _read_style(style)
    if _is_clipped(declared):
        return True
    on_colour = has_background or has_dark_background(style)
    return any(_hides(name, value, on_colour, is_inline) for name, value in declared)


def _hides(name: str, value: str, on_colour: bool, is_inline: bool) -> bool:
    if value in _HIDING_VALUES.get(name, ()):
        return True
    is_computed = is_inline and "(" in value
    match name:
        case "font-size":
            return is_computed or _has_small_size(value, _MIN_FONT_SIZES)
        case "font":
            return is_computed or _has_small_size(value, {"px": 4.0, "pt": 3.0})
        case "opacity" | "zoom":
            return is_computed or _is_zero(value, 0.1)
        case "clip" | "clip-path" | "filter":
            return value not in ("auto", "none", "inherit", "initial", "unset")
        case "transform":
            return any(_moves_away(*match.groups()) for match in _TRANSFORM.finditer(value))
        case "z-index":
            return value.startswith("-")
        case "text-indent":
            return is_computed or _is_off_page(value.lstrip("-"), 500.0) or _is_off_page(value, 500.0)
        case "color" | "--ltx-fg-color" | "-webkit-text-fill-color":
            is_unknown = is_computed and not _CHANNELS.search(value)
            return _is_transparent(value) or ((is_unknown or _is_white(value)) and not on_colour)
    return name in _POSITIONS and (is_computed or _is_off_page(value))


def has_dark_background(style: str) -> bool:
    """Whether a style sets a background other than white."""
    declared = dict(_read_style(style))
    for name in ("background-color", "background", "--ltx-bg-color"):
        value = declared.get(name)
        if value and value not in ("none", "inherit", "initial", "unset"):
            is_known = "(" not in value or _CHANNELS.match(value) is not None
            return is_known and not (_is_white(value) or _is_transparent(value))
    return False


def hiding_selectors(css: str) -> frozenset[str]:
    """Return what elements that a style sheet hides have: a class (`.name`), id (`#name`), attribute (`[name`) or tag.

    Of a selector its last part counts, wherever it stands; a tag counts only if it stands alone.
    """
    found: set[str] = set()
    for rule in _drop_comments(css[:500_000]).split("}")[:-1]:
        selectors, brace, body = rule.rpartition("{")
        if brace and is_hiding(body):
            # In front of them, the rule of a medium may begin.
            for selector in selectors.rpartition("{")[2][-400:].split(","):
                words = selector.replace(">", " ").replace("+", " ").replace("~", " ").split()
                if words and not _CONDITION.search(words[-1]):
                    parts = _CSS_PART.findall(words[-1].partition(":")[0])
                    last = parts[-1] if parts else ""
                    if (last[:1] in ".#[" or len(words) == 1) and last not in _COMMON_ATTRIBUTES:
                        found.add(last if last[:1] in ".#" else last.lower())
    return frozenset(found - {"", "html", "body"})


def _drop_comments(css: str) -> str:
    first, *rest = css.split("/*")
    return first + "".join(part.partition("*/")[2] for part in rest)


def _read_style(style: str) -> list[tuple[str, str]]:
    """Return the declarations of a style in their order; of one name any may be what is shown."""
    plain = _drop_comments(style[:_MAX_STYLE].lower())
    plain = _ESCAPE.sub(lambda match: match[2] or chr(min(int(match[1], 16), 0xFFFF)), plain)
    return [(name, value.partition("!")[0].strip()) for name, value in _DECLARATION.findall(plain)]


def _read_length(value: str | None) -> tuple[float, str] | None:
    """Return the number and the unit of a length, the unit "" for a bare number; None for anything else."""
    match = _LENGTH.fullmatch(value or "")
    return (float(match[1]), match[2] or "") if match else None


def _has_small_size(value: str, minimum: Mapping[str, float]) -> bool:
    lengths = map(_read_length, value.replace("/", " ").split())
    return any(length and length[0] < minimum.get(length[1], 0.0) for length in lengths)


def _is_zero(value: str | None, limit: float) -> bool:
    length = _read_length(value)
    return length is not None and length[0] / (100 if length[1] == "%" else 1) < limit


def _is_off_page(value: str, most: float = _OFF_PAGE[1]) -> bool:
    lengths = [length for length in map(_read_length, value.split()) if length]
    return any(not _OFF_PAGE[0] < number * _PIXELS[unit] < most for number, unit in lengths)


def _moves_away(function: str, arguments: str) -> bool:
    """Whether a function of `transform` hides; LaTeXML turns tables, and scales and moves them to their place."""
    values = arguments.replace(",", " ")
    if function in ("scale", "scalex", "scaley"):
        return any(_is_zero(value.lstrip("-"), 0.1) for value in values.split())
    if function in ("translate", "translatex", "translatey"):
        return _is_off_page(values.replace("-", ""), 1000.0)
    return function not in ("rotate", "skew", "skewx", "skewy")


def _is_clipped(declared: Iterable[tuple[str, str]]) -> bool:
    hides_rest = any(
        name.startswith("overflow") and ("hidden" in value or "clip" in value) for name, value in declared
    )
    sizes = ("width", "height", "max-height", "max-width")
    return hides_rest and any(name in sizes and _is_zero(value, 2.0) for name, value in declared)


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
    if colour in _WHITE_NAMES:
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
