"""Numbers of a claim: each has to be in the source with its unit; the styles of writing may differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from fractions import Fraction

from bot.text.claims import numerals, plain_text, units

Reading = tuple[Fraction, str]
"""A value in the base of its dimension, and the dimension; "" for a number without a unit."""
Mention = tuple[int, int, frozenset[Reading], str]
"""Start, end, the possible readings, and the sign: "-", "", or "~" for either."""

_LETTER = "A-Za-z\u00c0-\u024f\u0370-\u03ff"
_TOKEN = re.compile(
    rf"(?P<times>(?<![\w])[xX×](?=\d))|(?P<name>[{_LETTER}](?:[{_LETTER}0-9_]|(?<=\d)\.(?=\d)|-(?=[{_LETTER}0-9]))*)"
    r"|(?P<number>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w.])\.\d+)"
)
_POWER = re.compile(r"(?:[eE]([-+]?\d{1,2})(?![A-Za-z0-9]|\.\d)|\s?[×x*·]\s?10\s?\^\s?([-+]?\d{1,2}))")
_CARET = re.compile(r"\s?\^\s?([-+]?\d{1,2})")
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "bn": 9, "mn": 6}
_SCALES |= {"k": 3, "K": 3, "M": 6, "B": 9, "b": 9, "T": 12, "G": 9}
_SCALE = re.compile(
    r"(?:[ -]?(hundred|thousand|million|billion|trillion)s?|(bn|mn|[kKMBbTG]))(?![A-Za-z0-9])|\s([KMB])(?![A-Za-z0-9'/-])"
)
_SIZE_IN_NAME = re.compile(r"(?<![0-9A-Za-z.])(\d+(?:\.\d+)?)([BMT])(?![0-9A-Za-z])", re.ASCII)
_DIGITS_IN_LOWER = re.compile(r"(?<=[a-z]-)(\d+(?:\.\d+)?)(?![0-9A-Za-z.])")
_FRACTION = re.compile(r"(\d{1,4})\s?분의\s?(\d{1,4})|(?<![\d/])(\d{1,4})/(\d{1,4})(?![\d/])")
_JOINS = re.compile(
    r"\s?(?:[-–~,/±;|]|→|->|to|and|or|및|와|과|에서|부터|vs\.?|versus|, ?and|, ?or|\(|=)\s?(?:about |약 )?"
)
_COUNTER = re.compile(rf"\s?(?:여 ?)?(?:{numerals.COUNTERS})")
_WORDS_OF_NUMBERS: dict[re.Pattern[str], int | Fraction] = {
    re.compile(r"\b(?:half|halv(?:e|es|ed|ing))\b", re.I): Fraction(1, 2),
    re.compile(r"\bthird\b", re.I): Fraction(1, 3),
    re.compile(r"\bquarter\b", re.I): Fraction(1, 4),
    re.compile(r"\b2[- ]thirds\b", re.I): Fraction(2, 3),
    re.compile(r"\b3[- ]quarters\b", re.I): Fraction(3, 4),
    re.compile(r"\b(?:both|pairs?|dual|couple|two-|bi-|either|second|twofold|half)\b", re.I): 2,
    re.compile(r"\b(?:single|once|sole|first|an?)\b", re.I): 1,
    re.compile(r"\b(?:triplets?|third|trio)\b", re.I): 3,
    re.compile(r"\b(?:fourth|quarters?)\b", re.I): 4,
    re.compile(r"\bfifth\b", re.I): 5,
    re.compile(r"\borders? of magnitude\b", re.I): 10,
    re.compile(r"(?<!\d )\bhundreds?\b", re.I): 100,
    re.compile(r"(?<!\d )\bthousands?\b", re.I): 1000,
    re.compile(r"(?<!\d )\bmillions?\b", re.I): 10**6,
    re.compile(r"(?<!\d )\bbillions?\b", re.I): 10**9,
}
_MONTHS = "january february march april may june july august september october november december"
_MONTH = re.compile(
    rf"\b({_MONTHS.replace(' ', '|')})\b(?= \d)|(?<=\d )({_MONTHS.replace(' ', '|')})\b", re.I
)
_LOWERING = re.compile(
    r"reduc|decreas|drop|lower|declin|fewer|less|fall|fell|loss|lose|shrink|감소|하락|줄|낮|떨어|감축|적",
    re.I,
)
_FACTOR = re.compile(r"factors? of (?:about |around |up to |nearly |over |~)?$")
_NEARBY = 60
_MAX_DIGITS = 30


class SourceNumbers:
    """The numbers of a paper's text, with all of their readings."""

    def __init__(self, text: str) -> None:
        # By paragraph: a regular expression over a long text would hold up other threads.
        paragraphs = text.split("\n\n")
        digits = "\n\n".join(numerals.to_digits(plain_text.plain_source(part)) for part in paragraphs)
        self._readings: dict[Fraction, set[tuple[str, str]]] = {}
        for block, stated in _blocks(digits):
            for start, end, readings, sign in find_numbers(block, in_source=True):
                shown_sign = sign or _falling(block, start, end)
                for value, dimension in readings:
                    self._readings.setdefault(value, set()).add((dimension, shown_sign))
                    if not dimension:
                        for unit, factor in stated:
                            self._readings.setdefault(value * factor, set()).add((unit, shown_sign))
        for pattern, named in _WORDS_OF_NUMBERS.items():
            if pattern.search(digits):
                self._readings.setdefault(Fraction(named), set()).add(("", ""))
        for match in _MONTH.finditer(digits):
            month = _MONTHS.split().index((match[1] or match[2]).lower()) + 1
            self._readings.setdefault(Fraction(month), set()).add(("", ""))

    def has(self, reading: Reading, sign: str, *, is_counted: bool) -> bool:
        """Whether a number is in the source. `is_counted`: the claim counts things with it."""
        value, dimension = reading
        return any(
            _is_same_unit(dimension, other, is_whole=value.denominator == 1, is_counted=is_counted)
            and _is_same_sign(sign, other_sign)
            for other, other_sign in self._readings.get(value, ())
        )


def find_problems(claim: str, source: SourceNumbers, names: Set[str] = frozenset()) -> list[str]:
    """Return the numbers of a claim that are not in the source, as problems. Numbers in `names` belong to them."""
    text = numerals.to_digits(plain_text.plain(claim))
    problems = []
    for start, end, readings, sign in find_numbers(text):
        if any(text.startswith(name, max(0, start - len(name) + (end - start))) for name in names if name):
            continue
        is_counted = bool(_COUNTER.match(text, end))
        sign = sign or _falling(text, start, end)
        if not any(source.has(reading, sign, is_counted=is_counted) for reading in readings):
            shown = (text[start:end] + text[end:].split(" ")[0])[:24].rstrip(".,;)")
            problems.append(f'the number "{shown}" does not stand in the source')
    return problems


def _falling(text: str, start: int, end: int) -> str:
    """Return "~" for a number next to a word such as "fewer", by which it may be meant with or without a minus."""
    return "~" if _LOWERING.search(text[max(0, start - _NEARBY) : end + _NEARBY]) else ""


def _is_same_sign(claimed: str, other: str) -> bool:
    return claimed == other or "~" in (claimed, other)


def _is_same_unit(claimed: str, other: str, *, is_whole: bool, is_counted: bool) -> bool:
    if claimed == other:
        return True
    if not claimed:
        # A decimal may leave its unit out, but 3개 is not 3%.
        return other in units.SOFT or not (is_whole or is_counted)
    return claimed in units.SOFT and not other


def find_numbers(text: str, *, in_source: bool = False) -> list[Mention]:
    """Return the numbers of a text whose number words are digits. Digits inside a Latin name belong to the name."""
    found: list[Mention] = []
    position = 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        if match["name"]:
            found += _numbers_of_name(match, in_source=in_source)
        elif match["number"] and len(match["number"]) <= _MAX_DIGITS:
            mention = _read_number(text, match, in_source=in_source)
            found.append(mention)
            position = max(position, mention[1] if text[match.end() : mention[1]].strip() else position)
    for fraction in _fractions(text):
        if "분의" in text[fraction[0] : fraction[1]]:
            # Its two numbers mean nothing apart.
            found = [mention for mention in found if not fraction[0] <= mention[0] < fraction[1]]
        found.append(fraction)
    return sorted(_share_units(text, found))


def _numbers_of_name(match: re.Match[str], *, in_source: bool) -> Iterator[Mention]:
    """Yield the numbers of a word such as top-5; and those of a name of the source that give its size, such as 7B."""
    name = match["name"]
    if not any(map(str.isdigit, name)):
        return
    if not any(map(str.isupper, name)):
        for number in _DIGITS_IN_LOWER.finditer(name):
            start = match.start() + number.start()
            yield start, match.start() + number.end(), frozenset({(Fraction(number[1]), "")}), ""
    if in_source:
        for size in _SIZE_IN_NAME.finditer(name):
            value = Fraction(size[1]) * 10 ** _SCALES[size[2]]
            yield match.start(), match.end(), frozenset({(value, "")}), ""


def _read_number(text: str, match: re.Match[str], *, in_source: bool) -> Mention:
    start, end = match.span()
    values = [Fraction(match[0].replace(",", ""))]
    if power := _POWER.match(text, end):
        values = [values[0] * Fraction(10) ** int(power[1] or power[2])]
        end = power.end()
    elif caret := _CARET.match(text, end):
        exponent = int(caret[1])
        small = values[0].denominator == 1 and 1 < values[0] <= 100 and abs(exponent) <= 40
        values = [values[0] ** exponent, *values] if small and in_source else values
        values = [values[0] ** exponent] if small and not in_source else values
        end = caret.end()
    elif scale := _SCALE.match(text, end):
        values = _scaled(values[0], scale)
        end = scale.end()
    return start, *_with_unit(text, start, end, values), _sign(text, start)


def _scaled(value: Fraction, scale: re.Match[str]) -> list[Fraction]:
    name = scale[1] or scale[2] or scale[3]
    values = [value * 10 ** _SCALES[name]]
    if name in "kK" and value.denominator == 1 and value.numerator.bit_count() == 1:
        values.append(value * 1024)  # a context of 32K tokens has 32,768
    if scale[3]:
        values.append(value)  # as in "Figure 7 B"
    return values


def _with_unit(text: str, start: int, end: int, values: list[Fraction]) -> tuple[int, frozenset[Reading]]:
    unit = units.read(text, end)
    if unit is None:
        before = text[max(0, start - 1) : start]
        readings = {(value, "") for value in values}
        if before == "$":
            readings = {(value, "dollar") for value in values}
        elif _FACTOR.search(text, max(0, start - 30), start) or (
            before in ("×", "x", "X") and not text[max(0, start - 2) : start - 1].isalnum()
        ):
            readings |= {(value, units.TIMES) for value in values}
        return end, frozenset(readings)
    dimension, factor, unit_end = unit
    readings = {(value * factor, dimension) for value in values}
    # Five times, or 8× A100, may also be a count.
    is_count = text[end:unit_end].strip(" -").lower() in ("times", "fold", "folds") or _counts_things(
        text, unit_end
    )
    if dimension == units.TIMES and is_count:
        readings |= {(value, "") for value in values if value.denominator == 1}
    return unit_end, frozenset(readings)


def _counts_things(text: str, end: int) -> bool:
    """Whether a × stands between a number and what it counts or multiplies: 8× A100, 16×16."""
    follows = text[end : end + 2].lstrip()
    return text[end - 1] in "×xX" and (follows[:1].isdigit() or follows[:1].isupper())


def _sign(text: str, start: int) -> str:
    is_minus = text[max(0, start - 1) : start] == "-"
    before = text[max(0, start - 2) : start - 1] if start > 1 else ""
    return "-" if is_minus and (not before or before in " (~=,:|/[") else ""


def _fractions(text: str) -> Iterator[Mention]:
    for match in _FRACTION.finditer(text):
        below, above = (match[1], match[2]) if match[1] else (match[4], match[3])
        if int(below):
            end = match.end() if match[1] else match.start() + 1
            yield match.start(), end, frozenset({(Fraction(int(above), int(below)), "")}), ""


def _share_units(text: str, found: list[Mention]) -> list[Mention]:
    """Give the unit and scale behind the last number of a range or list to those before it: 10 to 20%, 1.2-1.5M."""
    shared = list(found)
    for index in range(len(found) - 2, -1, -1):
        start, end, readings, sign = shared[index]
        next_start, _, next_readings, _ = shared[index + 1]
        between = text[end:next_start].removesuffix("-") if text[end:next_start] != "-" else "-"
        if any(dimension for _, dimension in readings) or not _JOINS.fullmatch(between):
            continue
        plain_value = _plain_value(text, next_start)
        extra = {
            (value * other / plain_value, dimension)
            for value, _ in readings
            for other, dimension in next_readings
            if plain_value and (dimension or other != plain_value)
        }
        shared[index] = start, end, readings | extra, sign
    return shared


def _plain_value(text: str, start: int) -> Fraction | None:
    match = _TOKEN.match(text, start)
    return Fraction(match["number"].replace(",", "")) if match and match["number"] else None


def _blocks(text: str) -> Iterator[tuple[str, set[tuple[str, Fraction]]]]:
    """Yield the paragraphs and tables of a text with the units that they or their neighbours state apart from numbers."""
    blocks = [block for block in text.split("\n\n") if block.strip()]
    stated = [units.find_stated(block) for block in blocks]
    for index, block in enumerate(blocks):
        yield block, set().union(*stated[max(0, index - 1) : index + 2])
