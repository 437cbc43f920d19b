"""Compare numbers in texts by value, so that 3.5B, 35억 and 3,500,000,000 are equal. Pure.

Each number in a claim must occur in the cited paragraph. Units and number words such as 두 or "three" are left
to the judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from bot.text import plain, typography

# Number words in papers. A claim may use digits instead: 3분의 1 for a third, 2배 for twice.

_COUNTS = (
    "no none zero|one first once single|two both double doubles half pair second twice|three third triple|four fourth quarter"
    "|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
)
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_WORDS = {word: value for value, words in enumerate(_COUNTS.split("|")) for word in words.split()}
_WORDS |= {word: 10 * value for value, word in enumerate(_TENS.split("|"), start=2)}
_ONES = "one|two|three|four|five|six|seven|eight|nine"
_ENGLISH = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<tens>{_TENS})[ -](?P<ones>{_ONES})|(?P<word>{'|'.join(_WORDS)}))"
    r"(?=fold\b|s?(?![A-Za-z]))",
    re.IGNORECASE | re.ASCII,
)

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
_SCALE = r"(?:[ -]?(?:hundred|thousand|million|billion|trillion)s?|(?:bn|mn|[kKMBbT]))(?![A-Za-z0-9])"
_LETTER = "A-Za-z\u00c0-\u024f\u0370-\u03ff"
_NAME = rf"(?!x\d)[{_LETTER}](?:[{_LETTER}0-9_]|(?<=\d)\.(?=\d)|-(?=[{_LETTER}0-9])|/(?=\d))*"
_TOKEN = re.compile(
    rf"(?P<name>{_NAME})|(?P<number>{_DIGITS})(?:(?P<scale>{_SCALE})"
    r"|[eE](?P<e>[-+]?\d{1,2})(?![A-Za-z0-9])|\s?(?:x|\\times|\\cdot)\s?10\s?\^\s?(?P<ten>[-+]?\d{1,2})|\s?\^\s?(?P<power>\d{1,2}))?"
)
_SIZE_IN_NAME = re.compile(r"(?<![0-9A-Za-z.])(\d+(?:\.\d+)?)([BMT]?)(?![0-9A-Za-z.])", re.ASCII)
_MAX_DIGITS = 30

# How a number in a claim may differ from a number in the paragraph.

_POINTS = re.compile(r"\s?-?(?:%\s?p|pp\b|%?\s?-?포인트|점|(?:percentage |percent |% )?points?\b)")
_PERCENT = re.compile(r"\s?(?:%|퍼센트|per ?cent)")
_TIME = re.compile(r"[\s-]?(초|분|시간|일|주|second|minute|hour|day|week)")
_SECONDS = {"초": 1, "second": 1, "분": 60, "minute": 60, "시간": 3600, "hour": 3600}
_SECONDS |= {"일": 86_400, "day": 86_400, "주": 604_800, "week": 604_800}
_MAX_ROUNDING = Fraction(7, 100)


class _Number(NamedTuple):
    start: int
    end: int
    value: Fraction


class Paragraph:
    """The numbers in a paragraph."""

    def __init__(self, text: str) -> None:
        source = _ENGLISH.sub(_read_english, _plain(_REFERENCE.sub(" ", _LINK.sub("]", text))))
        self._values: set[Fraction] = set()
        self._seconds: set[Fraction] = set()
        self._differences: set[Fraction] = set()
        for sentence in (one for line in source.split("\n") for one in plain.split_sentences(line)):
            numbers = list(_find(sentence, in_source=True))
            for number in numbers:
                self._values.add(number.value)
                if unit := _TIME.match(sentence, number.end):
                    self._seconds.add(number.value * _SECONDS[unit[1]])
            self._differences |= {abs(one.value - other.value) for one, other in pairwise(numbers)}

    def find_problems(self, claim: str) -> list[str]:
        """Return a problem for each number in a claim that the paragraph does not support.

        Numbers may be rounded or converted to another unit of time. Percentage points and decimals may be the
        difference of two numbers that are next to each other in a sentence.
        """
        text = _plain(claim)
        missing = []
        for number in _find(text, in_source=False):
            digits, unit = text[number.start : number.end], text[number.end : number.end + 20]
            if not self._has(number.value, digits, unit):
                missing.append((digits + unit.split(" ")[0])[:24].rstrip(".,;)"))
        return [f'the number "{shown}" is not in the paragraph of the span' for shown in missing]

    def _has(self, value: Fraction, digits: str, unit: str) -> bool:
        possible = self._values
        if _PERCENT.match(unit):
            possible = possible | {100 * other for other in self._values if other < 1}
        if _POINTS.match(unit) or "." in digits:
            possible = possible | self._differences
        if time := _TIME.match(unit):
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
    return _KOREAN.sub(_read_korean, text)


def _read_english(match: re.Match[str]) -> str:
    return str(sum(_WORDS[part.lower()] for part in match.group("tens", "ones", "word") if part))


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
                    yield _Number(*match.span(), Fraction(size[1]) * 10 ** _SCALES.get(size[2], 0))
        elif digits and len(digits) <= _MAX_DIGITS:
            yield _Number(*match.span(), _read_value(match))


def _read_value(match: re.Match[str]) -> Fraction:
    value = Fraction(match["number"].replace(",", "").rstrip("."))
    scale, exponent = match["scale"], match["e"] or match["ten"]
    if scale or exponent:
        power = _SCALES[scale.strip(" -").removesuffix("s")] if scale else exponent
        return value * Fraction(f"1e{power}")
    if match["power"] and value <= 100:
        return Fraction(value ** min(int(match["power"]), 40))
    return value
