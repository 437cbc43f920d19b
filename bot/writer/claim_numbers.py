"""Numbers of a claim: each has to be in the source with its unit; the notation may differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

from bot.text import typography

# Number words of Korean and English as digits: 세 단계 and "three stages" become 3, 1억 2천만 becomes 120000000.

_ONES = "one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ENGLISH = {
    **{word: value for value, word in enumerate(f"{_ONES} {_TEENS}".split(), start=1)},
    **{word: 10 * value for value, word in enumerate(_TENS.split(), start=2)},
}
_ONE, _TEEN, _TEN = ("(?:" + words.replace(" ", "|") + ")" for words in (_ONES, _TEENS, _TENS))
_BELOW_HUNDRED = rf"(?:{_TEN}(?:[ -]{_ONE})?|{_TEEN}|{_ONE})"
_ENGLISH_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9])(?<![A-Za-z]-)(?:(?P<hundreds>{_ONE}|a)[ -]hundred(?:[ -](?:and[ -])?(?P<rest>{_BELOW_HUNDRED}))?"
    rf"|(?P<plain>{_BELOW_HUNDRED})|(?P<article>an?)(?= (?:thousand|million|billion|trillion)\b))(?=fold\b|(?![A-Za-z]))",
    re.IGNORECASE,
)
_MULTIPLES = (
    (re.compile(r"\b(?:twice|doubl(?:e|es|ed|ing))\b", re.IGNORECASE), "2 times"),
    (re.compile(r"\b(?:thrice|tripl(?:e|es|ed|ing))\b", re.IGNORECASE), "3 times"),
    (re.compile(r"\bquadrupl(?:e|es|ed|ing)\b", re.IGNORECASE), "4 times"),
    (re.compile(r"\ba dozen\b", re.IGNORECASE), "12"),
    (re.compile(r"\b(?:an|one) order of magnitude\b", re.IGNORECASE), "10 times"),
    (re.compile(r"\btwo orders of magnitude\b", re.IGNORECASE), "100 times"),
)

COUNTERS = (
    "단계|가지|개|명|번|배|종|층|장|건|편|차례|곳|대|쌍|축|방향|갈래|부분|분야|모델|데이터|벤치마크|방법|모듈|언어|작업|과제"
    "|유형|요소|시간|달|해|주|곱|겹|차원|쪽|점|줄|문장|실험|토큰|파라미터|매개변수|이미지|퍼센트|포인트|비트|바이트|초|분|원|달러"
    "|회|위|팀|그룹|계층|묶음|사람|영역|측면|손실|목표|헤드|블록|년|월|일|세트|스텝|에폭|클래스|문제|질문|샘플|영상|프레임|국"
    "|마리|채|권|살|인|차|구간|종류|후보|예시|라운드|턴|메가|기가|킬로"
)
"""Korean counters and the nouns that are often counted."""
_NATIVE_ONES = dict(
    zip(["두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉"], range(2, 10), strict=True)
)
_NATIVE_TENS = dict(
    zip(["열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"], range(10, 100, 10), strict=True)
)
_NATIVE = re.compile(
    rf"(?<![가-힣])(?:(?P<tens>{'|'.join(_NATIVE_TENS)})(?P<more>한|{'|'.join(_NATIVE_ONES)})?|(?P<twenty>스무)"
    rf"|(?P<ones>{'|'.join(_NATIVE_ONES)}))(?= ?(?:{COUNTERS})|(?<!열) (?=[가-힣A-Za-z]))"
)
_AND_HALF = re.compile(r"(?<![\d.])(\d{1,4}) ?(시간|분|년|개월|배|일) ?반(?![가-힣]{2})")
_SMALL = {"": 1, "십": 10, "백": 100, "천": 1000}
_LARGE = {"": 1, "만": 10**4, "억": 10**8, "조": 10**12}
_MIXED_PART = (
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?)"
    r"(?:(?:[십백천]?[만억조]|[십백천])(?![들족약큼])| [십백천]?[만억조](?![가-힣]))"
)
_MIXED = re.compile(
    rf"(?<![\d.,A-Za-z]){_MIXED_PART}(?: ?{_MIXED_PART}){{0,3}}(?:(?<=[만억조]) ?\d{{1,3}}(?:,?\d{{3}})?(?!\d|[.,]\d|[만억조]))?"
)
_MIXED_TOKEN = re.compile(r"([\d,]+(?:\.\d+)?) ?([십백천]?)([만억조]?)")


def to_digits(text: str) -> str:
    """Return a text with its number words as digits. 수백 and 서너 name no number and stay."""
    for pattern, digits in _MULTIPLES:
        text = pattern.sub(digits, text)
    text = _ENGLISH_NUMBER.sub(_read_english, text)
    if not any("가" <= letter <= "힣" for letter in text):
        return text
    text = _AND_HALF.sub(r"\1.5\2", text)
    text = _NATIVE.sub(_read_native, text)
    return _MIXED.sub(_read_mixed, text)


def _read_english(match: re.Match[str]) -> str:
    if match["article"]:
        return "1"
    words = re.split("[ -]", (match["plain"] or match["rest"] or "").lower())
    value = sum(_ENGLISH.get(word, 0) for word in words)
    if match["hundreds"]:
        value += 100 * _ENGLISH.get(match["hundreds"].lower(), 1)
    follows_fold = match.string[match.end() : match.end() + 4].lower() == "fold"
    return f"{value}-" if follows_fold else str(value)


def _read_native(match: re.Match[str]) -> str:
    if match["twenty"]:
        return "20"
    if match["ones"]:
        return str(_NATIVE_ONES[match["ones"]])
    return str(_NATIVE_TENS[match["tens"]] + {**_NATIVE_ONES, "한": 1}.get(match["more"] or "", 0))


def _read_mixed(match: re.Match[str]) -> str:
    """Return the sum of the parts of a number such as 1억 2,000만: each part is smaller than the unit before it."""
    total = Fraction(0)
    section = Fraction(0)
    for number, small, large in _MIXED_TOKEN.findall(match[0]):
        section += Fraction(number.replace(",", "")) * _SMALL[small]
        if large:
            total += section * _LARGE[large]
            section = Fraction(0)
    total += section
    return str(total.numerator) if total.denominator == 1 else format(float(total), ".12g")


# Units behind numbers, in both languages, as a dimension and a factor: 7 GB is 7,000,000,000 of `byte`.
#
# Any other word behind a number, such as 개, 명, layers or tokens, counts things, and counters are not compared.

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
    (r"(?:degrees )?[Kk]elvins?(?![a-z])|켈빈", "kelvin", 1),
    (r"°\s?F|℉|degrees Fahrenheit|화씨", "fahrenheit", 1),
    (r"°\s?C?|℃|degrees?(?: Celsius)?(?![a-z])|섭씨\s?도|도(?=[ 이가를로만의.,]|$)", "degree", 1),
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
_FIRST_LETTER = re.compile(r"\s?-?[%°℃×µμA-Za-z가-힣]")


def read_unit(text: str, position: int) -> tuple[str, Fraction, int] | None:
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


# Text for comparing numbers and names: without LaTeX, emphasis, addresses and citations, in one form of Unicode.

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]{1,9}")
_THIN_SPACE = re.compile(r"(?<=\d)(?:[\u2009\u202f\u00a0]|\\[,;!])(?=\d{3}(?!\d))")
_TEX_WRAPPER = re.compile(r"\\(?:text|math|operatorname)[a-z]{0,6}\s?\{([^{}]{0,200})\}")
_EXPONENT = re.compile(r"\^\s?\{\s?([-+−]?)\s?(\d{1,4})\s?\}")
_MATH = re.compile(r"\$(?!\s)([^$\n]{1,300})(?<!\s)\$(?!\d)")
"""As in Pandoc's Markdown, so that prices are not read as math."""
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


_LONG_PREFIXES = {"kilo": "k", "mega": "M", "giga": "G", "tera": "T", "peta": "P"}
_LONG_BYTES = re.compile(rf"\b({'|'.join(_LONG_PREFIXES)})bytes?\b", re.IGNORECASE)


def to_plain_text(text: str) -> str:
    """Return a text with numbers as they are read: 1{,}200 as 1,200, 92.4\\% as 92.4%, 10⁶ as 10^6."""
    text = _THIN_SPACE.sub("", text.replace("{,}", ","))
    text = _SUPERSCRIPT.sub(lambda match: "^" + match[0].translate(_SUPERSCRIPTS), text)
    text = typography.normalise("NFKC", text).translate(_SIGNS)
    text = text.replace("**", "").replace("`", "")
    if "byte" in text:
        text = _LONG_BYTES.sub(lambda match: f"{_LONG_PREFIXES[match[1].lower()]}B", text)
    if "\\" in text or "{" in text or "$" in text:
        text = _without_tex(text)
    return _TIMES_BETWEEN.sub("×", text)


def plain_source(text: str) -> str:
    """Return `to_plain_text` of a paper without what numbers only by position: citations, "Table 3", headings."""
    text = _LINK.sub("]", text) if "](" in text or "://" in text else text
    text = _HEADING_NUMBER.sub(r"\1", _NUMERIC_CITATION.sub(" ", text))
    return to_plain_text(_REFERENCE.sub(" ", text))


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


Reading = tuple[Fraction, str]
"""A value in the base of its dimension, and the dimension; "" for a number without a unit."""


class Mention(NamedTuple):
    """A number in a text, with all possible readings. `sign` is "-", "", or "~" for either: "falls by 3.5%" may be -3.5%."""

    start: int
    end: int
    readings: frozenset[Reading]
    sign: str = ""


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
_COUNTER = re.compile(rf"\s?(?:여 ?)?(?:{COUNTERS})")
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
_MINUS = re.compile(r"(?:^|(?<=[ (~=,:|/\[]))-$")
_LOWERING = re.compile(
    "[Rr]educ|[Dd]ecreas|[Dd]rop|[Ll]ower|[Dd]eclin|[Ff]ewer|[Ll]ess|[Ff]all|[Ff]ell|[Ll]oss|[Ll]ose|[Ss]hrink"
    "|감소|하락|줄|낮|떨어|감축|적"
)
_NEARBY = 60
_FACTOR = re.compile(r"factors? of (?:about |around |up to |nearly |over |~)?$")
MAX_LENGTH = 12_000
"""Characters of a text whose numbers are read. The sentences around a span have some 6,000, a claim at most 600."""
_MAX_DIGITS = 30
_MAX_LISTED = 20
"""Numbers of a list that share a unit."""
_MAX_UNITS = 4
"""Readings of a unit and scale that a list shares."""


class SourceNumbers:
    """The numbers of a passage, up to `MAX_LENGTH`, with all of their readings."""

    def __init__(self, text: str) -> None:
        # By paragraph: a regular expression over a long text would hold up other threads.
        paragraphs = text[:MAX_LENGTH].split("\n\n")
        digits = "\n\n".join(to_digits(plain_source(part)) for part in paragraphs)
        self._readings: dict[Fraction, set[tuple[str, str]]] = {}
        for mention in find_numbers(digits, in_source=True):
            for value, dimension in mention.readings:
                self._readings.setdefault(value, set()).add((dimension, mention.sign))
        for pattern, named in _WORDS_OF_NUMBERS.items():
            if pattern.search(digits):
                self._readings.setdefault(Fraction(named), set()).add(("", ""))

    def has(self, reading: Reading, sign: str, *, is_counted: bool) -> bool:
        """Whether a number is in the source. `is_counted`: the claim counts things with it."""
        value, dimension = reading
        return any(
            _is_same_unit(dimension, other, is_whole=value.denominator == 1, is_counted=is_counted)
            and (sign == other_sign or "~" in (sign, other_sign))
            for other, other_sign in self._readings.get(value, ())
        )


def find_number_problems(
    claim: str, source: SourceNumbers, is_derived: Callable[[str, Mention], bool] | None = None
) -> list[str]:
    """Return the numbers of a claim that are not in the source, as problems.

    `is_derived` is asked about each with the text that it is in, whether it follows from the source in another way.
    """
    text = to_digits(to_plain_text(claim[:MAX_LENGTH]))
    problems = []
    for mention in find_numbers(text):
        start, end, readings, sign = mention
        is_counted = bool(_COUNTER.match(text, end))
        if any(source.has(reading, sign, is_counted=is_counted) for reading in readings):
            continue
        if is_derived is None or not is_derived(text, mention):
            shown = (text[start:end] + text[end : end + 24].split(" ")[0])[:24].rstrip(".,;)")
            problems.append(f'the number "{shown}" is not in the source')
    return problems


def _is_same_unit(claimed: str, other: str, *, is_whole: bool, is_counted: bool) -> bool:
    if claimed == other:
        return True
    if not claimed:
        # A decimal may leave its unit out, but 3개 is not 3%.
        return other in SOFT or not (is_whole or is_counted)
    return claimed in SOFT and not other


def find_numbers(text: str, *, in_source: bool = False) -> list[Mention]:
    """Return the numbers of a text whose number words are digits. Digits inside a Latin name belong to the name."""
    found: list[Mention] = []
    text, position = text[:MAX_LENGTH], 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        if match["name"]:
            found += _numbers_of_name(match, in_source=in_source)
        elif match["number"] and len(match["number"]) <= _MAX_DIGITS:
            mention = _read_number(text, match, in_source=in_source)
            found.append(mention)
            if text[position : mention.end].strip():
                position = max(position, mention.end)
    for fraction in _fractions(text):
        if "분의" in text[fraction.start : fraction.end]:
            # Its two numbers mean nothing apart.
            found = [mention for mention in found if not fraction.start <= mention.start < fraction.end]
        found.append(fraction)
    return sorted(_share_units(text, found))


def _numbers_of_name(match: re.Match[str], *, in_source: bool) -> Iterator[Mention]:
    """Yield the numbers of a word such as top-5; and those of a name of the source that give its size, such as 7B."""
    name = match["name"]
    if not any(map(str.isdigit, name)):
        return
    if not any(map(str.isupper, name)):
        for number in _DIGITS_IN_LOWER.finditer(name):
            readings = frozenset({(Fraction(number[1]), "")})
            yield Mention(match.start() + number.start(), match.start() + number.end(), readings)
    if in_source:
        for size in _SIZE_IN_NAME.finditer(name):
            value = Fraction(size[1]) * 10 ** _SCALES[size[2]]
            yield Mention(*match.span(), frozenset({(value, "")}))


def _read_number(text: str, match: re.Match[str], *, in_source: bool) -> Mention:
    start, end = match.span()
    values = [_read_decimal(match[0])]
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
    end, readings = _with_unit(text, start, end, values)
    sign = "-" if _MINUS.search(text, max(0, start - 2), start) else ""
    if _LOWERING.search(text, max(0, start - _NEARBY), end + _NEARBY):
        sign = sign or "~"
    return Mention(start, end, readings, sign)


def _read_decimal(number: str) -> Fraction:
    plain = number.replace(",", "")
    return Fraction(plain) if "." in plain else Fraction(int(plain))


def _scaled(value: Fraction, scale: re.Match[str]) -> list[Fraction]:
    name = scale[1] or scale[2] or scale[3]
    values = [value * 10 ** _SCALES[name]]
    if name in "kK" and value.denominator == 1 and value.numerator.bit_count() == 1:
        values.append(value * 1024)  # a context of 32K tokens has 32,768
    if scale[3]:
        values.append(value)  # as in "Figure 7 B"
    return values


def _with_unit(text: str, start: int, end: int, values: list[Fraction]) -> tuple[int, frozenset[Reading]]:
    unit = read_unit(text, end)
    if unit is None:
        before = text[max(0, start - 1) : start]
        readings = {(value, "") for value in values}
        if before == "$":
            readings = {(value, "dollar") for value in values}
        elif _FACTOR.search(text, max(0, start - 30), start) or (
            before in ("×", "x", "X") and not text[max(0, start - 2) : start - 1].isalnum()
        ):
            readings |= {(value, TIMES) for value in values}
        return end, frozenset(readings)
    dimension, factor, unit_end = unit
    readings = {(value * factor, dimension) for value in values}
    # Five times, or 8× A100, may also be a count.
    is_compared = _COMPARED.match(text, unit_end)
    is_count = not is_compared and text[end:unit_end].strip(" -").lower() in ("times", "fold", "folds")
    if dimension == TIMES and is_count:
        readings |= {(value, "") for value in values if value.denominator == 1}
    return unit_end, frozenset(readings)


_COMPARED = re.compile(
    r" (?:as|more|less|fewer|the|higher|lower|faster|slower|larger|smaller|better|longer)\b"
)


def _fractions(text: str) -> Iterator[Mention]:
    for match in _FRACTION.finditer(text):
        below, above = (match[1], match[2]) if match[1] else (match[4], match[3])
        if int(below):
            end = match.end() if match[1] else match.start() + 1
            yield Mention(match.start(), end, frozenset({(Fraction(int(above), int(below)), "")}))


def _share_units(text: str, found: list[Mention]) -> list[Mention]:
    """Give the unit and scale behind the last number of a range or list to those before it: 10 to 20%, 1.2-1.5M.

    A number with a unit or scale of its own takes over none, so that readings do not multiply along a list.
    """
    shared = list(found)
    units: list[tuple[Fraction, str]] = []
    count = 0
    for index in range(len(found) - 1, -1, -1):
        mention, own = found[index], _units_of(text, found[index])
        if units and not own:
            between = text[mention.end : found[index + 1].start]
            between = between if between == "-" else between.removesuffix("-")
            count += 1
            if count == _MAX_LISTED or not _JOINS.fullmatch(between):
                units = []
            extra = {
                (value * factor, dimension) for value, _ in mention.readings for factor, dimension in units
            }
            shared[index] = mention._replace(readings=mention.readings | extra)
        if own is None or own:
            units, count = own or [], 0
    return shared


def _units_of(text: str, mention: Mention) -> list[tuple[Fraction, str]] | None:
    """Return the units and scales behind a number, as factor and dimension; None for a number in a name or fraction."""
    match = _TOKEN.match(text, mention.start)
    if not match or not match["number"]:
        return None
    value = _read_decimal(match["number"])
    if mention.readings == {(value, "")}:
        return []
    others = sorted(reading for reading in mention.readings if reading != (value, ""))
    return [(other / value, dimension) for other, dimension in others[:_MAX_UNITS] if value]
