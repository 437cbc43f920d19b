"""Compare numbers in texts by value, so that 3.5B, 35억 and 3,500,000,000 are equal. Pure.

Each number in a claim must occur in the cited paragraph. Units and number words such as 두 or "three" are left
to the judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import chain, pairwise
from typing import NamedTuple

from bot.text import plain, typography

# Number words in papers. A claim may use digits instead.

_ONES = "one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: value for value, word in enumerate(f"{_ONES} {_TEENS}".split(), start=1)}
_WORDS |= {word: 10 * value for value, word in enumerate(_TENS.split(), start=2)}
_ONE, _TEEN, _TEN = (f"(?:{words.replace(' ', '|')})" for words in (_ONES, _TEENS, _TENS))
_BELOW_HUNDRED = rf"(?:{_TEN}(?:[ -]{_ONE})?|{_TEEN}|{_ONE})"
_ENGLISH = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<hundreds>{_ONE}|a)[ -]hundred(?:[ -](?:and[ -])?(?P<rest>{_BELOW_HUNDRED}))?"
    rf"|(?P<plain>{_BELOW_HUNDRED})|an?(?= (?:thousand|million|billion|trillion)\b))(?=fold\b|(?![A-Za-z]))",
    re.IGNORECASE,
)
_NAMED: Mapping[str, int | Fraction] = {
    r"(?:no|none|zero)": 0,
    r"(?:twice|doubl(?:e|es|ed|ing)|both|pairs?|second|half|halv(?:e|es|ed|ing))": 2,
    r"(?:thrice|tripl(?:e|es|ed|ing)|thirds?)": 3,
    r"(?:quadrupl(?:e|es|ed|ing)|fourth|quarters?)": 4,
    r"(?:single|first|once|sole)": 1,
    r"dozen": 12,
    r"order of magnitude": 10,
    r"orders of magnitude": 100,
    r"(?:half|halv(?:e|es|ed|ing))": Fraction(1, 2),
    r"third": Fraction(1, 3),
    r"(?:quarter|one in four)": Fraction(1, 4),
    r"(?:fifth|one in five)": Fraction(1, 5),
    r"tenth": Fraction(1, 10),
}
"""Patterns of other words in papers that mean a number."""

# Numbers with 만, 억 and 조, such as 1억 2,000만.

_SMALL = {"": 1, "십": 10, "백": 100, "천": 1000}
_LARGE = {"": 1, "만": 10**4, "억": 10**8, "조": 10**12}
_PART = (
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?)"
    r"(?:(?:[십백천]?[만억조]|[십백천])(?![들족약큼])| [십백천]?[만억조](?![가-힣]))"
)
_KOREAN = re.compile(
    rf"(?<![\d.,A-Za-z]){_PART}(?: ?{_PART}){{0,3}}(?:(?<=[만억조]) ?\d{{1,3}}(?:,?\d{{3}})?(?!\d|[.,]\d|[만억조]))?"
)
_KOREAN_PART = re.compile(r"([\d,]+(?:\.\d+)?) ?([십백천]?)([만억조]?)")

# Parts of a text to remove before searching: LaTeX, emphasis, URLs, and references such as "Table 3".

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]{1,9}")
_THIN_SPACE = re.compile(r"(?<=\d)(?:[\u2009\u202f\u00a0]|\\[,;!])(?=\d{3}(?!\d))")
_EXPONENT = re.compile(r"\^\s?\{\s?([-+−]?)\s?(\d{1,4})\s?\}")
_COMMAND = re.compile(r"\\(?!times|cdot)[a-zA-Z]{1,30}")
_MARKUP = str.maketrans(dict.fromkeys("*`{}$\\", None) | {"−": "-", "–": "-", "—": "-", "‑": "-", "×": "x"})
_LINK = re.compile(r"\]\([^()\s]{0,2000}\)|https?://[^\s)>\]]{1,2000}")
_REFERENCE = re.compile(
    r"\[\d{1,3}(?:\s?[,;–-]\s?\d{1,3}){0,20}\]"
    r"|(?:\b(?:Tables?|Tabs?\.|Figures?|Figs?\.|Sections?|Secs?\.|Equations?|Eqs?\.|Appendix|Algorithm|Theorem|Lemma)[ ~]|§ ?)"
    r"\(?[A-Z]?\.?\d{1,3}(?:\.\d{1,2}){0,3}[a-z]?\)?"
)

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w.])\.\d+)"
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "bn": 9, "mn": 6}
_SCALES |= {"k": 3, "K": 3, "M": 6, "B": 9, "b": 9, "T": 12}
_SCALE = r"(?:[ -]?(?:hundred|thousand|million|billion|trillion)s?|(?:bn|mn|[kKMBbT])|\s[KMB](?!['/-]))(?![A-Za-z0-9])"
_LETTER = "A-Za-z\u00c0-\u024f\u0370-\u03ff"
_NAME = rf"(?!x\d)[{_LETTER}](?:[{_LETTER}0-9_]|(?<=\d)\.(?=\d)|-(?=[{_LETTER}0-9])|/(?=\d))*"
_TOKEN = re.compile(
    rf"(?P<name>{_NAME})|(?P<number>{_DIGITS})(?:(?P<scale>{_SCALE})"
    r"|[eE](?P<e>[-+]?\d{1,2})(?![A-Za-z0-9])|\s?(?:x|\\times|\\cdot)\s?10\s?\^\s?(?P<ten>[-+]?\d{1,2})|\s?\^\s?(?P<power>\d{1,2}))?"
)
_RANGE = re.compile(rf"(?<![\d.,])({_DIGITS})(\s?(?:[-~,]|to|and|or|, and)\s?{_DIGITS}({_SCALE}))")
_SIZE_IN_NAME = re.compile(r"(?<![0-9A-Za-z.])(\d+(?:\.\d+)?)([BMT]?)(?![0-9A-Za-z.])", re.ASCII)
_MAX_DIGITS = 30

# How a number in a claim may differ from a number in the paragraph.

_FRACTION = re.compile(r"(?P<below>\d{1,3})\s?분의\s?(?P<above>\d{1,3})")
_POINTS = re.compile(r"\s?-?(?:%\s?p|pp\b|%?\s?-?포인트|점|(?:percentage |percent |% )?points?\b)")
_TIMES = re.compile(r"\s?-?(?:배|x\b|times\b|fold\b)")
_PERCENT = re.compile(r"\s?(?:%|퍼센트|per ?cent)")
_TIME = re.compile(r"[\s-]?(초|분|시간|일|주|second|minute|hour|day|week)")
_SECONDS = {"초": 1, "second": 1, "분": 60, "minute": 60, "시간": 3600, "hour": 3600}
_SECONDS |= {"일": 86_400, "day": 86_400, "주": 604_800, "week": 604_800}
_MAX_ROUNDING = Fraction(7, 100)


class _Number(NamedTuple):
    """A number in a text with its possible values."""

    start: int
    end: int
    values: tuple[Fraction, ...]


class Paragraph:
    """The numbers in a paragraph."""

    def __init__(self, text: str) -> None:
        source = _ENGLISH.sub(_read_english, _plain(_REFERENCE.sub(" ", _LINK.sub("]", text))))
        self._values = {
            Fraction(value)
            for word, value in _NAMED.items()
            if re.search(rf"\b{word}\b", source, re.IGNORECASE)
        }
        self._seconds: set[Fraction] = set()
        self._differences: set[Fraction] = set()
        self._ratios: set[Fraction] = set()
        for sentence in (one for line in source.split("\n") for one in plain.split_sentences(line)):
            row = [
                (value, _TIME.match(sentence, number.end))
                for number in _find(sentence, in_source=True)
                for value in number.values
            ]
            values = [value for value, _ in row]
            self._values.update(values)
            self._seconds |= {value * _SECONDS[unit[1]] for value, unit in row if unit}
            for pair in chain(pairwise(values), zip(values, values[2:], strict=False)):
                small, large = sorted(pair)
                self._differences.add(large - small)
                self._ratios |= {large / small} if small else set()

    def find_problems(self, claim: str) -> list[str]:
        """Return a problem for each number in a claim that the paragraph does not support.

        Numbers may be rounded or converted to another unit of time. Percentage points and decimals may be the
        difference of two numbers that are close together in a sentence, and factors such as "3.1x" their
        ratio.
        """
        text = _plain(claim)
        missing = [match[0] for match in _FRACTION.finditer(text) if not self._has_share(match)]
        text = _FRACTION.sub(" ", text)
        for number in _find(text, in_source=False):
            digits, unit = text[number.start : number.end], text[number.end : number.end + 20]
            if not any(self._has(value, digits, unit) for value in number.values):
                missing.append((digits + unit.split(" ")[0])[:24].rstrip(".,;)"))
        return [f'the number "{shown}" is not in the paragraph of the span' for shown in missing]

    def _has_share(self, match: re.Match[str]) -> bool:
        """Return whether the paragraph contains a fraction such as 3분의 1, or the same share in percent."""
        share = Fraction(int(match["above"]), int(match["below"]) or 1)
        near = (abs(value - share) for other in self._values for value in (other, other / 100))
        return any(distance <= _MAX_ROUNDING / 2 for distance in near)

    def _has(self, value: Fraction, digits: str, unit: str) -> bool:
        possible = self._values
        time = _TIME.match(unit)
        is_percent, is_points, is_times = (pattern.match(unit) for pattern in (_PERCENT, _POINTS, _TIMES))
        if value == 0 and not (is_percent or is_points or is_times):
            return True
        if is_percent:
            possible = possible | {100 * other for other in self._values if other < 1}
        if is_points or "." in digits:
            possible = possible | self._differences
        if is_times:
            possible = possible | self._ratios
        if time:
            possible = possible | {other / _SECONDS[time[1]] for other in self._seconds}
        rounding = _rounding_of(value, digits)
        return any(abs(other - value) <= rounding for other in possible)


def _rounding_of(value: Fraction, digits: str) -> Fraction:
    """Return how far off a shown number may be: half a unit of its last digit, 0.05 for 8.5 and 5,000 for 420,000."""
    whole, _, decimals = digits.replace(",", "").partition(".")
    zeros = len(str(value)) - len(str(value).rstrip("0")) if value.denominator == 1 else 0
    places = zeros if zeros or not whole.isdigit() else -sum(map(str.isdigit, decimals))
    return min(Fraction(10) ** places / 2, _MAX_ROUNDING * value)


def _plain(text: str) -> str:
    """Return a text with numbers in digits: 1{,}200 as 1,200, 10⁶ as 10^6, 1억 2천만 as 120000000."""
    text = _THIN_SPACE.sub("", text.replace("{,}", ","))
    text = _SUPERSCRIPT.sub(lambda match: "^" + match[0].translate(_SUPERSCRIPTS), text)
    text = _EXPONENT.sub(r"^\1\2", typography.normalise("NFKC", text))
    text = _COMMAND.sub(" ", text).replace("\\times", "x").replace("\\cdot", "x").translate(_MARKUP)
    return _RANGE.sub(r"\1\3\2", _KOREAN.sub(_read_korean, text))


def _read_english(match: re.Match[str]) -> str:
    words = re.split("[ -]", (match["plain"] or match["rest"] or "").lower())
    value = sum(_WORDS.get(word, 0) for word in words)
    if match["hundreds"]:
        value += 100 * _WORDS.get(match["hundreds"].lower(), 1)
    return str(value or 1)


def _read_korean(match: re.Match[str]) -> str:
    total = section = Fraction(0)
    for number, small, large in _KOREAN_PART.findall(match[0]):
        section += Fraction(number.replace(",", "")) * _SMALL[small]
        if large:
            total += section * _LARGE[large]
            section = Fraction(0)
    total += section
    return str(total) if total.denominator == 1 else format(float(total), ".12g")


def _find(text: str, *, in_source: bool) -> Iterator[_Number]:
    """Yield the numbers in a text. Skips digits in names, except sizes and ranks (Llama-7B, top-5)."""
    for match in _TOKEN.finditer(text):
        name, digits = match["name"], match["number"]
        if name and in_source:
            for size in _SIZE_IN_NAME.finditer(name):
                if size[2] or name.islower():
                    yield _Number(*match.span(), (Fraction(size[1]) * 10 ** _SCALES.get(size[2], 0),))
        elif digits and len(digits) <= _MAX_DIGITS:
            yield _Number(*match.span(), tuple(_read_values(match)))


def _read_values(match: re.Match[str]) -> Iterator[Fraction]:
    value = Fraction(match["number"].replace(",", "").rstrip("."))
    if scale := match["scale"]:
        name = scale.strip(" -").removesuffix("s")
        yield value * 10 ** _SCALES[name]
        if name in ("k", "K"):
            yield value * 1024  # a context of 32K tokens has 32,768
        if scale[0].isspace() and len(name) == 1:
            yield value  # as in "the 7 B trees"
    elif exponent := match["e"] or match["ten"]:
        yield value * Fraction(10) ** int(exponent)
    elif match["power"] and value <= 100:
        yield value ** min(int(match["power"]), 40)
        yield value
    else:
        yield value
