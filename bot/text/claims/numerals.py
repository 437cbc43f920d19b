"""Number words of Korean and English as digits: 세 단계 and "three stages" become 3, 1억 2천만 becomes 120000000."""

from __future__ import annotations

import re
from fractions import Fraction

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
_DAYS = dict(
    zip(
        ["이틀", "사흘", "나흘", "닷새", "엿새", "여드레", "아흐레", "열흘"],
        (2, 3, 4, 5, 6, 8, 9, 10),
        strict=True,
    )
)
_DAY_NAMES = re.compile(rf"(?<![가-힣])(?:{'|'.join(_DAYS)})")
_SINO_DIGITS = dict(zip("일이삼사오육칠팔구", range(1, 10), strict=True))
_SMALL = {"": 1, "십": 10, "백": 100, "천": 1000}
_LARGE = {"": 1, "만": 10**4, "억": 10**8, "조": 10**12}
_SINO = re.compile(
    rf"(?<![가-힣\d.,])(?:[일이삼사오육칠팔구]?[십백천]){{1,3}}[일이삼사오육칠팔구]?"
    rf"(?:[만억조](?![들족약큼])|(?= ?(?:{COUNTERS})))|(?<![가-힣\d])(?:만|억)(?= (?:개|명|장|건|번))"
    rf"|(?<![가-힣])[삼사오육칠팔구](?=단계|차원|층|배)"
)
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
    text = _DAY_NAMES.sub(lambda match: f"{_DAYS[match[0]]}일", text)
    text = _NATIVE.sub(_read_native, text)
    return _MIXED.sub(_read_mixed, _SINO.sub(_read_sino, text))


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


def _read_sino(match: re.Match[str]) -> str:
    value, digit = 0, 0
    for letter in match[0]:
        if letter in _SINO_DIGITS:
            digit = _SINO_DIGITS[letter]
        elif letter in _LARGE:
            value, digit = (value + digit or 1) * _LARGE[letter], 0
        else:
            value, digit = value + (digit or 1) * _SMALL[letter], 0
    return str(value + digit)


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
