"""Claims against their source: two sets of sentences written before the checks, the second read once they were finished."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.writer import claims as writer_claims
from bot.writer.prompts import Claim
from storage import models

DATA = Path(__file__).with_name("data")
KO, EN = models.Locale.KO, models.Locale.EN


def sentences(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("name", ["tuned.tsv", "held.tsv"])
def test_true_claims_are_kept_and_each_planted_error_is_caught(name: str) -> None:
    rows = sentences(name)
    rejected = [true for source, true, _ in rows if writer_claims.ClaimChecker(source).find_unsupported(true)]
    missed = [
        wrong for source, _, wrong in rows if not writer_claims.ClaimChecker(source).find_unsupported(wrong)
    ]
    assert len(rows) == 60
    assert missed == []
    assert rejected == []


def test_true_claims_are_kept_among_all_the_others_of_a_long_paper() -> None:
    rows = sentences("tuned.tsv") + sentences("held.tsv")
    checker = writer_claims.ClaimChecker("\n\n".join(source for source, _, _ in rows))
    assert [true for _, true, _ in rows if checker.find_unsupported(true)] == []


def test_the_problems_of_each_claim_are_returned_in_order() -> None:
    source = "# Tamarin\n\nTamarin reaches 61.3% on HellaSwag. It has 1.7B parameters."
    texts = [
        ("Tamarin은 HellaSwag에서 61.3%를 얻습니다.", "reaches 61.3% on HellaSwag"),
        ("Tamarin은 HellaSwag에서 63.1%를 얻습니다.", "reaches 63.1% on HellaSwag"),
        ("Tamarin은 매개변수 17억 개의 모델입니다.", ""),
        ("Tamarin has 1.7B parameters.", "1.7B parameters"),
        ("죄송합니다. 논문의 내용을 확인할 수 없습니다.", "Tamarin"),
        ("Tamarin은 HellaSwag에서 61.3%를 얻었습니다.", "61.3%"),
    ]
    claims = [Claim("results", text, span) for text, span in texts]
    assert writer_claims.check_claims(claims, source, KO) == [
        (),
        (
            'the number "63.1%를" does not stand in the source',
            'the span "reaches 63.1% on HellaSwag" does not stand verbatim in the source',
        ),
        ("the span is empty",),
        ("it is not written in Korean",),
        ("it says nothing about the paper",),
        ("it repeats claim 1",),
    ]


@pytest.mark.parametrize(
    ("text", "language", "problem"),
    [
        ("짧다", KO, "it has 2 characters instead of 10 to 600"),
        ("가" * 601, KO, "it has 601 characters instead of 10 to 600"),
        ("This is an English sentence.", KO, "it is not written in Korean"),
        ("이 문장은 한국어로 쓴 문장입니다.", EN, "it is not written in English"),
        ("이 연구는 의미 있는 결과를 담고 있습니다.", KO, '"이 연구는 의미 있" says nothing about the paper'),
        (
            "This paper is outstanding and should win.",
            EN,
            '"This paper is outstanding" says nothing about the paper',
        ),
        ("Code is at https://example.org now.", EN, "it holds a link or markup"),
        ("It works very well. It works very well.", EN, "it repeats itself"),
        ("the model is good the model is good the model is good", EN, "it repeats itself"),
    ],
)
def test_prose_has_its_own_problems(text: str, language: models.Locale, problem: str) -> None:
    assert writer_claims.find_prose_problems(text, language, []) == [problem]


def test_terms_and_names_leave_a_sentence_korean() -> None:
    text = "DeepSeek-R1은 사람 피드백 강화 학습(reinforcement learning from human feedback; RLHF)으로 학습합니다."
    assert (
        writer_claims.find_prose_problems(text, KO, ["DeepSeek-R1은 강화 학습으로 학습하지 않습니다."]) == []
    )


def test_the_same_sentence_about_another_number_is_no_repetition() -> None:
    assert not writer_claims.is_repetition(
        "HellaSwag에서 61.3%를 얻었습니다.", "HellaSwag에서 58.0%를 얻었습니다."
    )
    assert writer_claims.is_repetition(
        "HellaSwag에서 61.3%를 얻었습니다.", "HellaSwag에서 61.3%를 얻었습니다!"
    )


def test_a_claim_that_is_too_long_is_compared_with_nothing() -> None:
    claim = Claim("results", "1K, 2M, " * 1_000, "the")
    found = writer_claims.check_claims([claim, claim], "Sizes from 1K to 2M.", models.Locale.EN)
    assert found == [("it has 7999 characters instead of 10 to 600",)] * 2


NAMED = writer_claims.SourceNames(
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
    assert writer_claims.find_name_problems(claim, NAMED) == []


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
    assert writer_claims.find_name_problems(claim, NAMED)[0] == f'"{name}" does not stand in the source'


QUOTED = writer_claims.normalise_span(
    "We train a “sparse” encoder\n for 1,000 steps — on **eight** GPUs, and reach $92.4\\%$ accuracy; it's fast."
)


@pytest.mark.parametrize(
    "span",
    [
        'a "sparse" encoder for 1,000 steps',
        "1,000 steps - on eight GPUs",
        "on **eight** GPUs,",
        "reach 92.4% accuracy",
        "it’s fast",
    ],
)
def test_white_space_and_typography_make_no_difference(span: str) -> None:
    assert writer_claims.find_span_problems(span, QUOTED) == []


@pytest.mark.parametrize(
    "span", ["", "  ", "a dense encoder", "1,000 steps on nine GPUs", "...", "sparse steps"]
)
def test_a_span_that_does_not_stand_in_the_source_is_a_problem(span: str) -> None:
    assert len(writer_claims.find_span_problems(span, QUOTED)) == 1


def test_a_span_of_more_than_twelve_words_is_a_problem() -> None:
    span = "We train a sparse encoder for 1,000 steps - on eight GPUs, and"
    assert writer_claims.find_span_problems(span.replace("sparse", '"sparse"'), QUOTED) == [
        "the span has 13 words, at most 12 are allowed"
    ]
