"""Numbers of a claim that its paper has in other words: rounded, as a share, in another unit, or following from two others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from bot.writer import claim_numbers, claim_words

SHARES = {
    50: r"\b(?:half|halve[sd]?|halving|(?:one in|every) (?:two|second))\b|절반|반으로|반감",
    33: r"\b(?:a|one) third\b|\b(?:one in|every) (?:three|third)\b",
    25: r"\b(?:a|one) (?:quarter|fourth)\b|\bone in four\b",
    20: r"\b(?:a|one) fifth\b|\bone in five\b",
    10: r"\b(?:a|one) tenth\b|\bone in ten\b",
    67: r"\btwo[- ]thirds\b|\btwo in three\b",
    75: r"\bthree[- ]quarters\b|\bthree in four\b",
    80: r"\bfour[- ]fifths\b|\bfour in five\b",
    90: r"\bnine[- ]tenths\b|\bnine in ten\b",
}
"""Shares in words, in percent."""
_NEAR_BEFORE, _NEAR_AFTER = 24, 14
_TOLERANCE = Fraction(6, 100)
_RATIO_TOLERANCE = Fraction(12, 100)
_SHARE_TOLERANCE = Fraction(35, 1000)
_MAX_BOUND = Fraction(3, 2)
MAX_NUMBERS = 24
_POINTS = ("", claim_numbers.PERCENT, claim_numbers.POINT)
_DAYS = {"일": 1, "day": 1, "주": 7, "week": 7, "달": 30, "개월": 30, "month": 30}
_PERCENT = re.compile(r"percent|per cent|퍼센트")
_HOURS = re.compile(r"hours|days|시간|일")
_HOUR_SECONDS = 3600


@lru_cache(maxsize=64)
def list_readings(text: str) -> Sequence[claim_numbers.Reading]:
    """Return the numbers of a text, up to a limit, with all that each may mean."""
    digits = claim_numbers.to_digits(claim_numbers.plain_source(text))
    mentions = claim_numbers.find_numbers(digits, in_source=True)[: 4 * MAX_NUMBERS]
    return list(dict.fromkeys(reading for mention in mentions for reading in mention.readings))


def _pairs(readings: Sequence[claim_numbers.Reading]) -> Iterator[tuple[Fraction, Fraction, str]]:
    """Yield the pairs of numbers with the same unit, the smaller one first, and the unit."""
    for (first, unit), (second, other) in combinations(readings[:MAX_NUMBERS], 2):
        if unit == other and first != second and min(first, second) > 0:
            yield min(first, second), max(first, second), unit


class _Fit(NamedTuple):
    """How near a number of the paper has to be to one of a claim, by the words around the latter."""

    value: Fraction
    half_digit: Fraction
    is_about: bool
    is_over: bool
    is_under: bool

    def takes(self, found: Fraction, tolerance: Fraction, *, is_rounded: bool = True) -> bool:
        """Whether a number is the claim's one, in the digits that are shown if `is_rounded`."""
        distance = abs(found - self.value)
        if not distance or (is_rounded and distance <= self.half_digit):
            return True
        if (self.is_about or self.is_over or self.is_under) and distance <= tolerance * self.value:
            return True
        is_above = self.is_over and self.value <= found <= self.value * _MAX_BOUND
        return is_above or (self.is_under and self.value / _MAX_BOUND <= found <= self.value)


def is_derived(
    text: str,
    mention: claim_numbers.Mention,
    in_sentence: Sequence[claim_numbers.Reading],
    in_window: Sequence[claim_numbers.Reading],
) -> bool:
    """Whether a number of a claim is one of the passage in other words, or follows from two of the sentence."""
    before = text[max(0, mention.start - _NEAR_BEFORE) : mention.start]
    after = text[mention.end : mention.end + _NEAR_AFTER]
    near = claim_words.pad(f"{before} | {after}")
    is_over = claim_words.has("over", near) or after.startswith("여")
    for value, dimension in mention.readings:
        fit = _Fit(
            value,
            _half_digit(text, mention, value),
            claim_words.has("about", near),
            is_over,
            claim_words.has("under", near),
        )
        has_percent = "%" in _PERCENT.sub("%", text)
        is_restated = any(
            _is_restated(fit, dimension, reading, after, has_percent=has_percent) for reading in in_window
        )
        is_share = not dimension and 0 < value < 1 and "분의" in text
        shares = [found / 100 for found, unit in in_sentence if is_share and unit == claim_numbers.PERCENT]
        if (
            value == 0
            or any(abs(value - share) <= _SHARE_TOLERANCE for share in shares)
            or is_restated
            or _is_result(
                fit,
                dimension,
                in_sentence,
                is_difference=claim_words.has("difference", claim_words.pad(text)),
            )
        ):
            return True
        # 8 cards for 31 hours are 248 hours.
        if dimension in ("", claim_numbers.HOUR) and _HOURS.search(
            text, mention.end, mention.end + 2 * _NEAR_AFTER
        ):
            pairs = combinations([found for found, _ in in_sentence[:MAX_NUMBERS]], 2)
            if any(fit.takes(one * other, _TOLERANCE, is_rounded=False) for one, other in pairs):
                return True
    return False


def _is_restated(
    fit: _Fit, dimension: str, reading: claim_numbers.Reading, after: str, *, has_percent: bool
) -> bool:
    """Whether a number is one of the passage, rounded or in another unit of time."""
    found, unit = reading
    is_share = dimension == claim_numbers.PERCENT and fit.value in SHARES
    if is_share and unit in ("", dimension):
        share = found if unit else 100 * found
        if abs(share - fit.value) <= 100 * _SHARE_TOLERANCE:
            return True
    is_same = unit == dimension or {unit, dimension} <= {"", claim_numbers.POINT}
    is_same = is_same or (has_percent and (dimension, unit) == ("", claim_numbers.PERCENT))
    if is_same and reading != (fit.value, dimension) and fit.takes(found, _TOLERANCE, is_rounded=False):
        return True
    days = [days for name, days in _DAYS.items() if after.lstrip().startswith(name)]
    if (dimension, unit) == ("", claim_numbers.HOUR):
        return any(fit.takes(found / (24 * each), _RATIO_TOLERANCE, is_rounded=False) for each in days)
    if dimension == unit == "" and any(fit.takes(found / each, Fraction(0)) for each in days if each > 1):
        return True
    if (dimension, unit) == (claim_numbers.HOUR, "second"):
        return fit.takes(found / _HOUR_SECONDS, _TOLERANCE)
    return (dimension, unit) == ("second", claim_numbers.HOUR) and fit.takes(
        found * _HOUR_SECONDS, _TOLERANCE
    )


def _is_result(
    fit: _Fit, dimension: str, readings: Sequence[claim_numbers.Reading], *, is_difference: bool
) -> bool:
    """Whether a number is the difference, the ratio or the share of two numbers with one unit."""
    is_point = dimension == claim_numbers.POINT
    for small, large, unit in _pairs(readings):
        if dimension == claim_numbers.TIMES and fit.takes(large / small, _RATIO_TOLERANCE):
            return True
        if dimension == claim_numbers.PERCENT:
            results = [small / large, *([1 - small / large, large / small - 1] if is_difference else [])]
            if any(fit.takes(100 * result, _TOLERANCE) for result in results):
                return True
        is_unit = dimension in ("", unit) or {dimension, unit} <= {*_POINTS}
        if (is_point or (is_difference and is_unit)) and fit.takes(large - small, Fraction(0)):
            return True
    return False


def _half_digit(text: str, mention: claim_numbers.Mention, value: Fraction) -> Fraction:
    """Return half of the last digit that is shown of a number: 0.05 for 8.5."""
    match = re.match(r"[\d,]+(?:\.(\d+))?", text[mention.start : mention.end])
    shown = Fraction(match[0].replace(",", "")) if match and match[0].strip(",") else value
    scale = value / shown if shown else Fraction(1)
    return abs(scale) * Fraction(1, 2 * 10 ** len((match[1] if match else "") or ""))
