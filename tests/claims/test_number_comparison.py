"""Numbers in claims: the same value matches in any notation; another value or scale does not."""

from hypothesis import given
from hypothesis import strategies as st

from bot.claims import number_comparison

SAME = [
    ("1.2M", "120만", "1,200,000", "1.2 million", "1.2 × 10^6", "1.2e6", "$1.2\\times 10^{6}$", "1{,}200{,}000"),
    ("3.5B", "35억", "3.5 billion", "3,500,000,000", "3.5b"),
    ("48.2k", "48,200", "4만 8,200", "48.2K", "48.2 thousand"),
    ("12%", "12퍼센트", "12 ％", "12 percent", "１２%", "12\\%", "$12\\%$"),
    ("3.2×", "3.2배", "3.2x", "3.2 times", "3.2-fold", "3.2$\\times$", "a factor of 3.2"),
    ("1억 2천만", "120M", "1.2억", "120 million", "1억 2,000만"),
    ("2.4조", "2.4T", "2.4 trillion"),
    ("4-bit", "4비트"),
    ("14 pp", "14%p", "14 percentage points", "14퍼센트포인트", "14 points", "14포인트"),
    ("90 minutes", "90분", "1.5 hours", "1.5시간"),
    ("5,000명", "5천 명", "5k people"),
]  # fmt: skip
OTHER = [
    ("12%", "0.12%", "120%", "13%"),
    ("1.2M", "12만", "1.2B", "1.2k", "1,200만"),
    ("3.5B", "3.5M", "350억", "3.5억"),
    ("48.2k", "48.2", "482", "4,820"),
    ("3.2×", "32배", "2.3배"),
    ("one-third", "4분의 1", "3분의 2"),
    ("90 minutes", "2시간", "3,000초"),
]


def matches(claim: str, source: str) -> bool:
    """Return whether the source contains the number in the claim."""
    return not number_comparison.Paragraph(f"The value is {source}.").find_problems(f"값은 {claim}.")


def test_a_number_matches_in_every_notation_and_no_other_value_or_scale() -> None:
    pairs = [(claim, source) for forms in SAME for claim in forms for source in forms]
    assert [pair for pair in pairs if not matches(*pair)] == []
    assert [(other, forms[0]) for forms in OTHER for other in forms[1:] if matches(other, forms[0])] == []


THERE = (
    "24시간: 24 hours|12층: 12-layer|10~20%: 10 to 20%|61.2, 70.1%: 61.2, and 70.1%|16x16: 16 × 16|3분의 1만큼: one-third"
    "|2025년 5월 9일: 2025-05-09|GPU 8개: eight GPUs|92.4를: 92.4%|수백만 개: many|한 가지: a way|세 단계: many"
    "|10^6: 10⁶|5위: top-5|70억: Llama-2-7B|34개: thirty-four|2배: twice"
    "|약 42만: 418,000|4점 가까이: 3.8 points|11.6점: from 51.3 to 62.9%|25%: a rate of 0.25"
    "|1단계: a single stage"
)
MISSING = (
    "3개: Table 3|12개: as shown before [12]|4개: GPT-4|1,000개: ImageNet-1k|7개: see https://example.org/7"
    "|11.7점: from 51.3 to 62.9%|60%: 52.7%|2개: 10 to 20%|1개: a pair"
)


def test_accepts_a_number_that_the_paragraph_supports_and_no_other() -> None:
    assert [pair for pair in THERE.split("|") if not matches(*pair.split(": ", 1))] == []
    assert [pair for pair in MISSING.split("|") if matches(*pair.split(": ", 1))] == []


@given(st.integers(1, 10**13))
def test_matches_whole_numbers_written_in_korean(value: int) -> None:
    parts, rest = [], value
    for name, size in (("조", 10**12), ("억", 10**8), ("만", 10**4)):
        count, rest = divmod(rest, size)
        parts += [f"{count:,}{name}"] if count else []
    parts += [f"{rest:,}"] if rest else []
    assert matches(" ".join(parts) + "개", f"{value:,}")


@given(st.integers(2, 10**9), st.integers(2, 10**9))
def test_values_match_only_if_one_rounds_to_the_other(first: int, second: int) -> None:
    is_near = abs(first - second) <= 0.07 * first
    assert matches(f"{first:,}개", f"{first}")
    assert is_near or not matches(f"{first:,}개", f"{second}")
