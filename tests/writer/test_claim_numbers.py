"""Numbers of claims: one value in any style is the same, another scale or unit is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.writer import claim_numbers

SAME = [
    (
        "1.2M",
        "120만",
        "1,200,000",
        "1.2 million",
        "1.2 × 10^6",
        "1.2e6",
        "$1.2\\times 10^{6}$",
        "1{,}200{,}000",
    ),
    ("3.5B", "35억", "3.5 billion", "3,500,000,000", "3.5b"),
    ("48.2k", "48,200", "4만 8,200", "48.2K", "48.2 thousand"),
    ("12%", "12퍼센트", "12 ％", "12 percent", "12 per cent", "１２%", "12\\%", "twelve percent", "$12\\%$"),
    ("3.2×", "3.2배", "3.2x", "3.2 times", "3.2-fold", "3.2$\\times$", "a factor of 3.2"),
    ("세 단계", "3-stage", "three stages", "3단계", "three-stage", "3개의 단계"),
    ("7 GB", "7GB", "7기가바이트", "7,000 MB"),
    ("120 ms", "120밀리초", "0.12 s", "0.12초"),
    ("1억 2천만", "120M", "1.2억", "120 million", "1억 2,000만"),
    ("2.4조", "2.4T", "2.4 trillion"),
    ("25 languages", "언어 25개", "스물다섯 개", "twenty-five"),
    ("4-bit", "4비트", "four bits"),
    ("14 pp", "14%p", "14 percentage points", "14퍼센트포인트", "14 points", "14포인트"),
    ("90 minutes", "90분", "ninety min"),
    ("5,000명", "5천 명", "5k people"),
]
OTHER = [
    ("12%", "12배", "12 points", "12ms", "0.12%", "120%", "12%p"),
    ("1.2M", "12만", "1.2B", "1.2k", "1,200만", "1.2"),
    ("3.5B", "3.5M", "350억", "3.5억"),
    ("48.2k", "48.2", "482", "4,820"),
    ("7 GB", "7 MB", "7%", "7비트"),
    ("세 단계", "네 단계", "3%", "3배"),
    ("-3.5", "3.5"),
    ("3.2×", "3.2%", "32배"),
    ("$4.50", "4.50원", "4.50원입니다", "45달러", "4.50%"),
    ("one-third", "4분의 1", "3분의 2"),
]


def is_supported(claim: str, source: str) -> bool:
    return not claim_numbers.find_number_problems(
        f"값은 {claim}.", claim_numbers.SourceNumbers(f"The value is {source}.")
    )


@pytest.mark.parametrize("forms", SAME, ids=lambda forms: forms[0])
def test_every_style_of_a_number_is_the_same_number(forms: tuple[str, ...]) -> None:
    assert [(claim, source) for claim in forms for source in forms if not is_supported(claim, source)] == []


@pytest.mark.parametrize("forms", OTHER, ids=lambda forms: forms[0])
def test_another_value_scale_unit_or_sign_is_another_number(forms: tuple[str, ...]) -> None:
    assert [other for other in forms[1:] if is_supported(other, forms[0])] == []


SUPPORTED = (
    "24시간: 24 hours|24시간: 24h|24시간: 24|12층: 12-layer|10~20%: 10 to 20%"
    "|10%에서 20%: from 10 to 20%|61.2, 70.1%: 61.2, and 70.1%|16x16: 16 × 16|3분의 1만큼: 1/3"
    "|3분의 1: one-third|2025년 5월 9일: 2025-05-09|3.5% 감소: -3.5%"
    "|-3.5%: fewer by 3.5%|32K: 32,768|GPU 8개: eight GPUs|92.4를: 92.4%|수백만 개: many|한 가지: a way"
    "|10^6: 10⁶|5위: top-5|70억: Llama-2-7B|10배: an order of magnitude|100배: two orders of magnitude"
)


@pytest.mark.parametrize(("claim", "source"), [pair.split(": ") for pair in SUPPORTED.split("|")])
def test_true_numbers_are_kept(claim: str, source: str) -> None:
    assert is_supported(claim, source)


UNSUPPORTED = (
    "3개: Table 3|12개: as shown before [12]|4개: GPT-4|1,000개: ImageNet-1k|3개: 3%"
    "|7개: see https://example.org/7"
)


@pytest.mark.parametrize(("claim", "source"), [pair.split(": ") for pair in UNSUPPORTED.split("|")])
def test_digits_of_names_tables_and_citations_support_no_number(claim: str, source: str) -> None:
    assert not is_supported(claim, source)


@pytest.mark.parametrize(
    ("source", "claim", "is_found"),
    [
        ("sizes of 7B, 32B and 72B", "7e18", False),
        ("10, 20 and 30%", "10%", True),
        ("1.2-1.5M", "1,200,000", True),
        ("1, 2K, 3%", "1%", False),
        (f"{'1, ' * 18}5%", "1%", True),
        (f"7, {'1, ' * 40}5%", "7%", False),
    ],
)
def test_a_list_shares_the_unit_behind_its_last_number(source: str, claim: str, is_found: bool) -> None:
    problems = claim_numbers.find_number_problems(claim, claim_numbers.SourceNumbers(source))
    assert (problems == []) is is_found


@given(st.integers(1, 10**13))
def test_a_whole_number_in_korean_is_read_back(value: int) -> None:
    parts, rest = [], value
    for name, size in (("조", 10**12), ("억", 10**8), ("만", 10**4)):
        count, rest = divmod(rest, size)
        parts += [f"{count:,}{name}"] if count else []
    parts += [f"{rest:,}"] if rest else []
    assert is_supported(" ".join(parts) + "개", f"{value:,}")


@given(st.decimals(1, 999, places=1), st.sampled_from([("k", 3), ("M", 6), ("B", 9), ("T", 12)]))
def test_scales_are_read_as_their_values(number: object, scale: tuple[str, int]) -> None:
    name, power = scale
    whole = int(float(str(number)) * 10) * 10 ** (power - 1)
    assert is_supported(f"{number}{name}", f"{whole:,}")
    assert is_supported(f"{whole:,}", f"{number}{name}")


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_two_values_support_each_other_only_if_they_are_equal(first: int, second: int) -> None:
    assert is_supported(f"{first:,}개", f"{second}") == (first == second)


@given(st.text(st.sampled_from("0123456789.,-% ×x만억조천백십두세네kMB^{}\\$ab()/~"), max_size=60))
def test_any_text_is_read_and_a_text_supports_its_own_numbers(text: str) -> None:
    assert isinstance(claim_numbers.to_digits(text), str)
    assert isinstance(claim_numbers.find_numbers(text), list)


@given(st.integers(1, 999))
def test_english_number_words_are_read(value: int) -> None:
    ones = ("", *f"{claim_numbers._ONES} {claim_numbers._TEENS}".split())
    tens = ("", "", *claim_numbers._TENS.split())
    hundreds, rest = divmod(value, 100)
    words = ones[rest] if rest < 20 else f"{tens[rest // 10]}{'-' if rest % 10 else ''}{ones[rest % 10]}"
    text = f"{ones[hundreds]} hundred{' and ' if words else ''}{words}" if hundreds else words
    assert claim_numbers.to_digits(f"has {text} parts") == f"has {value} parts"
