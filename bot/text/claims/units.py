"""Units behind numbers, in both languages, as a dimension and a factor: 7 GB is 7,000,000,000 of `byte`.

What is no unit here, such as 개, 명, layers or tokens, counts things, and counters are not compared.
"""

from __future__ import annotations

import re
from fractions import Fraction

PERCENT, POINT, TIMES, HOUR = "percent", "point", "times", "hour"
SOFT = frozenset({POINT, HOUR, "dollar", "won", "euro"})
"""Dimensions that a text may leave out."""

_PREFIXES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_KOREAN_PREFIXES = {"": "", "킬로": "k", "메가": "M", "기가": "G", "테라": "T", "페타": "P"}
_PLAIN = (
    (
        r"%\s?p(?![a-z])|%\s?-?(?:포인트|points?)|퍼센트\s?포인트|(?:percentage|percent|%)[ -]points?|pp(?![a-z])|p\.p\.",
        POINT,
        1,
    ),
    (r"%|퍼센트|per\s?cent(?![a-z])|pct(?![a-z])", PERCENT, 1),
    (r"포인트|점(?![가-힣]*[진검차점])|points?(?![a-z])|pts?(?![a-z])", POINT, 1),
    (
        r"배(?![치열경포분터율속우워움운심])|배속|×|[xX](?![A-Za-z0-9])|times(?![a-z])|folds?(?![a-z])",
        TIMES,
        1,
    ),
    (r"ms(?![a-z])|milliseconds?(?![a-z])|msec(?![a-z])|밀리초", "second", Fraction(1, 1000)),
    (r"[µμu]s(?![a-z])|microseconds?(?![a-z])|마이크로초", "second", Fraction(1, 10**6)),
    (r"ns(?![a-z])|nanoseconds?(?![a-z])|나노초", "second", Fraction(1, 10**9)),
    (r"s(?![A-Za-z0-9])|secs?(?![a-z])|seconds?(?![a-z])|초(?![과기점반록당히월안])", "second", 1),
    (r"mins?(?![a-z])|minutes?(?![a-z])|분(?![류석포할야기산리량위명의])", "second", 60),
    (r"hrs?(?![a-z])|hours?(?![a-z])|h(?![A-Za-z0-9])|시간", HOUR, 1),
    (r"bits?(?![a-z])|비트", "bit", 1),
    (r"dB(?![a-z])|데시벨", "decibel", 1),
    (r"°\s?C|℃|degrees Celsius|섭씨\s?도", "celsius", 1),
    (r"km(?![a-z])|kilomet(?:er|re)s?(?![a-z])|킬로미터", "meter", 1000),
    (r"cm(?![a-z])|centimet(?:er|re)s?(?![a-z])|센티미터", "meter", Fraction(1, 100)),
    (r"mm(?![a-z])|millimet(?:er|re)s?(?![a-z])|밀리미터", "meter", Fraction(1, 1000)),
    (r"met(?:er|re)s?(?![a-z])|미터", "meter", 1),
    (r"kg(?![a-z])|kilograms?(?![a-z])|킬로그램", "gram", 1000),
    (r"달러|dollars?(?![a-z])|USD(?![a-z])", "dollar", 1),
    (
        r"원(?![가-힣]*[리형천격인])(?=[은는이가을를의에으로도만입였씩 .,)]|$)|KRW(?![a-z])|won(?![a-z])",
        "won",
        1,
    ),
    (r"유로|euros?(?![a-z])|EUR(?![a-z])", "euro", 1),
)
_PREFIXED = (
    ("byte", r"B(?![A-Za-z])|[bB]ytes?(?![a-z])", "바이트"),
    ("hertz", r"Hz(?![a-z])", "헤르츠"),
    ("flop", r"FLOPS?(?![a-z])|FLOPs(?![a-z])|flops?(?![a-z])", "플롭스"),
    ("watt", r"W(?![A-Za-z])|watts?(?![a-z])", "와트"),
    ("bps", r"bps(?![a-z])|b/s", "비피에스"),
)


def _compile() -> list[tuple[re.Pattern[str], str, dict[str, Fraction] | Fraction]]:
    rows: list[tuple[re.Pattern[str], str, dict[str, Fraction] | Fraction]] = []
    factors = {name: Fraction(value) for name, value in {**_PREFIXES, **_BINARY}.items()}
    for dimension, latin, hangul in _PREFIXED:
        # "B" alone is a billion, or a name.
        needed = "" if dimension != "byte" else "(?<=[kKMGTPi])"
        latin_form = rf"(?P<p>[kKMGTPE]i?|)(?:{needed}(?:{latin.split('|')[0]})|{'|'.join(latin.split('|')[1:]) or '(?!)'})"
        hangul_form = rf"(?P<h>{'|'.join(filter(None, _KOREAN_PREFIXES))}|){hangul}"
        rows.append((re.compile(rf"\s?-?(?:{latin_form}|{hangul_form})"), dimension, factors))
    for pattern, dimension, factor in _PLAIN:
        rows.append((re.compile(rf"\s?-?(?:{pattern})"), dimension, Fraction(factor)))
    return rows


_ROWS = _compile()
_PARTS = re.compile(r"[,;]|\bin\b")
_HEAD_SCALES = {"K": 10**3, "k": 10**3, "M": 10**6, "B": 10**9}
_FIRST_LETTER = re.compile(r"\s?-?[%°℃×µμA-Za-z가-힣]")
_STANDALONE = re.compile(
    r"[(\[]\s?(?:in\s)?([^()\[\]\n]{1,40}?)\s?[)\]]|\bin (percent|%|ms|seconds|GB|points)\b"
)


def read(text: str, position: int) -> tuple[str, Fraction, int] | None:
    """Return dimension, factor and end of the unit at a position, behind at most one space; None if there is none."""
    if not _FIRST_LETTER.match(text, position):
        return None
    for pattern, dimension, factor in _ROWS:
        match = pattern.match(text, position)
        if match:
            if isinstance(factor, dict):
                prefix = match["p"] or _KOREAN_PREFIXES.get(match["h"] or "", "")
                factor = factor.get(prefix, Fraction(1))
            return dimension, factor, match.end()
    return None


def find_stated(text: str) -> set[tuple[str, Fraction]]:
    """Return the units that a text states apart from numbers, such as the "(%)" in the head of a table."""
    found: set[tuple[str, Fraction]] = set()
    for match in _STANDALONE.finditer(text):
        for part in _PARTS.split(match[1] or match[2]):
            inner = part.strip()
            unit = read(inner, 0)
            if unit and unit[2] == len(inner):
                found.add(unit[:2])
            elif inner in _HEAD_SCALES:
                found.add(("", Fraction(_HEAD_SCALES[inner])))
    return found
