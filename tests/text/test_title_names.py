"""Names in titles: keys of heads, of typed names, and how well they match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import analyser, term_keys

ORDER = (term_keys.EXACT, term_keys.VERSION, term_keys.VERSION_AND_MORE, term_keys.LEADING, 0.0)


def degree(typed: str, title: str) -> float:
    return term_keys.match_titles(term_keys.query_names(typed), analyser.canonicalise(title))


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("mamba", "Mamba: Linear-Time Sequence Modeling"),
        ("the mamba paper", "Mamba: Linear-Time Sequence Modeling"),
        ("sam2", "SAM 2: Segment Anything in Images and Videos"),
        ("SAM-2 논문", "SAM 2: Segment Anything in Images and Videos"),
        ("deepseekr1", "DeepSeek-R1: Incentivizing Reasoning Capability"),
        ("deepseek r1", "DeepSeek-R1: Incentivizing Reasoning Capability"),
        ("qwen2.5vl", "Qwen2.5-VL Technical Report"),
        ("qwen 2.5 vl 기술 보고서", "Qwen2.5-VL Technical Report"),
        ("Phi-3 technical report", "Phi-3 Technical Report: A Highly Capable Model"),
        ("gpt4o", "GPT-4o System Card"),
        ("flash attention", "FlashAttention: Fast and Memory-Efficient Exact Attention"),
        ("sage attention 2", "SageAttention2 Technical Report: Accurate 4 Bit Attention"),
        ("diffusion drive 2", "DiffusionDrive2: Planning"),
        ("snapkv", "Snap KV: A Cache"),
        ("tulu 3", "TÜLU 3: Pushing Frontiers"),
        ("yolo v10", "YOLOv10: Real-Time Object Detection"),
        ("transformer squared", "Transformer^2: Self-adaptive LLMs"),
        ("트랜스포머 제곱", "트랜스포머^2: 적응"),
        ("controlnet plus plus", "ControlNet++: Consistency Feedback"),
    ],
)
def test_a_name_is_the_head_of_its_title_however_it_is_joined(typed: str, title: str) -> None:
    assert degree(typed, title) == term_keys.EXACT


def test_a_name_then_its_versions_then_titles_that_begin_with_it() -> None:
    titles = (
        "LLaMA: Open Models",
        "Llama 2: Open Chat Models",
        "The Llama 3 Herd of Models",
        "Llama Guard: Safety",
        "Merging Llama",
    )
    assert tuple(degree("llama", title) for title in titles) == ORDER


def test_the_version_asked_for_is_the_only_one() -> None:
    assert degree("llama 3", "The Llama 3 Herd of Models") > 0
    assert degree("llama 3", "Llama 2: Open Chat Models") == 0
    assert degree("llama 3", "LLaMA: Open Models") == 0


@pytest.mark.parametrize("title", ["VideoMamba: Video", "Graph Mamba: Graphs", "On the Mamba"])
def test_a_name_elsewhere_is_no_head(title: str) -> None:
    assert degree("mamba", title) == 0


def test_the_names_of_a_title_are_found_by_what_is_typed() -> None:
    title = analyser.canonicalise("Qwen2.5 Technical Report")
    assert term_keys.query_names("qwen 2.5") <= set(term_keys.full_names(title))
    assert term_keys.query_names("Qwen") <= set(term_keys.full_names(title))
    herd = analyser.canonicalise("The Llama 3 Herd of Models")
    assert term_keys.query_names("llama3") <= set(term_keys.leading_names(herd))


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_has_few_short_names(typed: str, title: str) -> None:
    canonical = analyser.canonicalise(title)
    names = (*term_keys.full_names(canonical), *term_keys.leading_names(canonical))
    assert len(names) <= 4
    assert all(1 < len(name) <= 40 and not name.isspace() for name in names)
    assert degree(typed, title) in ORDER
