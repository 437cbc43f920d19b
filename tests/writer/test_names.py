"""Latin names of claims: in any spelling they have to be in the source."""

from __future__ import annotations

import pytest

from bot.writer import claims

SOURCE = claims.SourceNames(
    "We compare GPT-4o, Llama 3 and Qwen2.5-72B on ImageNet-1k, MMLU-Pro and LiveCodeBench. Large language models (LLMs)"
    " are tuned with reinforcement learning and scalable quantization by Müller et al. (2024) on H100 GPUs. Stable Diffusion"
    " XL is a baseline. SketchFirst draws before it answers.",
    terms=["메타 학습(meta-learning; MAML)"],
)


@pytest.mark.parametrize(
    "claim",
    [
        "GPT4o와 gpt-4o, GPT-4O를 비교합니다.",
        "Llama 3, LLaMA-3, Llama3를 씁니다.",
        "Qwen 2.5 72B와 Qwen2.5를 씁니다.",
        "ImageNet 1K와 Live Code Bench에서 잽니다.",
        "대규모 언어 모델(large language model; LLM)을 H100 GPU 8개로 학습합니다.",
        "강화 학습(reinforcement learning; RL)을 씁니다.",
        "메타 학습(meta-learning; MAML)을 씁니다.",
        "양자화(quantized) 확장성(scalability)이 좋습니다.",
        "Muller 등의 방법을 따릅니다.",
        "Notably, Müller's Stable Diffusion XL is compared with Llama 3.",
        "SketchFirst는 MMLU-Pro에서 120 ms, 7GB로 답합니다.",
        "It holds up on held-out, real-world and noise-free images of ImageNet-1k.",
        "Using large models improves MMLU-Pro; training takes 3 hours.",
    ],
)
def test_names_of_the_source_are_known_in_any_spelling(claim: str) -> None:
    assert claims.find_name_problems(claim, SOURCE) == []


@pytest.mark.parametrize(
    ("claim", "name"),
    [
        ("GPT-4를 씁니다.", "GPT-4"),
        ("Llama 4를 씁니다.", "Llama 4"),
        ("Qwen3를 씁니다.", "Qwen3"),
        ("Qwen2를 씁니다.", "Qwen2"),
        ("ImageNet-21k에서 잽니다.", "ImageNet-21k"),
        ("SketchLast는 답합니다.", "SketchLast"),
        ("Zephyrix achieves more.", "Zephyrix"),
        ("It follows Yamashita here.", "Yamashita"),
        ("강화 학습(Lumenora; LMN)을 씁니다.", "Lumenora"),
        ("superbench에서 잽니다.", "superbench"),
        ("A100으로 학습합니다.", "A100"),
    ],
)
def test_an_invented_name_is_a_problem(claim: str, name: str) -> None:
    assert claims.find_name_problems(claim, SOURCE)[0] == f'"{name}" does not stand in the source'
