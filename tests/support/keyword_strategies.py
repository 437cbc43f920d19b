"""Hypothesis strategies for keywords and texts: Korean, English, mixed, with hyphens, punctuation and rare letters."""

from __future__ import annotations

from hypothesis import strategies as st

_FRAGMENTS = st.sampled_from(
    [
        "강화학습", "강화", "학습", "을", "으로", "합니다", "뇌", "뇌를", "언어", "모델", "한",
        "LLM", "llm", "LLMs", "OASs", "oass", "C++", "C#", "RAG", "GPT-4o", "gpt4o", "3.5", "v1.3.5",
        "fine", "tuning", "tuned", "pre", "training", "self-", "data", "set", "studies", "generative", "the",
        " ", " ", " ", "-", "-", ", ", ".", "\n", "'s", "_", "·", "~", "*", "/", "\u2028",
        "é", "e\u0301", "ﬁ", "㍿", "\u1100\u1161", "\u1100", "\u1161", "ㄱ", "ß", "β", "β-", "學", "学習", "カナ", "ｶﾞ",
        "Ⅳ", "²", "İ", "ก", "สวัสดี", "سلام", "🙂", "x" * 41, "강" * 65,
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(_FRAGMENTS, max_size=12).map("".join),
    st.text(max_size=60),
    st.lists(_FRAGMENTS, max_size=4).map(" ".join),
)
"""Any text, mostly text that is hard to match keywords in."""

_WORDS = [
    "language",
    "models",
    "fine",
    "tuning",
    "pre",
    "training",
    "gpt",
    "4o",
    "self",
    "attention",
    "studies",
    "a",
    "t5",
]
_KOREAN = ["강화", "학습", "대규모", "언어", "모델", "추론", "뇌", "긴"]
_JOINERS = st.sampled_from([" ", "-", ""])


@st.composite
def _variant_pairs(draw: st.DrawFn) -> tuple[str, str]:
    words = draw(
        st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4)
        | st.lists(st.sampled_from(_KOREAN), min_size=1, max_size=4)
        | st.lists(st.sampled_from([*_WORDS, *_KOREAN]), min_size=1, max_size=4)
    )
    endings = st.sampled_from(["", "s", "을", "의", "-", "d"])
    first, second = ("".join(word + draw(_JOINERS) for word in words[:-1]) + words[-1] for _ in range(2))
    return first + draw(endings), second + draw(endings)


VARIANT_PAIRS = _variant_pairs()
"""Two spellings of the same words, which often match each other."""

KEYWORDS = st.sampled_from(
    [
        "fine-tuning",
        "강화 학습",
        "text-to-image",
        "LLM 추론",
        "vision-language model",
        "GPT-4o",
        "추론",
        "zero-shot",
        "c++",
    ]
)
"""Typical keywords of alerts."""
