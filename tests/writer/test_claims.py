"""Claims against their source: two sets of sentences written before the checks, the second read once they were finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bench.quality import claims as quality_claims
from bot.text import analyser
from bot.writer import claims as writer_claims
from bot.writer import prompts
from bot.writer.prompts import Claim
from storage import models
from tests.fake_model import writing
from tests.support import growth

DATA = Path(__file__).with_name("data")
KO, EN = models.Locale.KO, models.Locale.EN


def sentences(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def is_kept(text: str, span: str, source: str) -> bool:
    """Whether a claim passes, apart from how much of it is Latin names."""
    language = KO if analyser.has_hangul(text) else EN
    [found], _ = writer_claims.check_claims([Claim("results", text, span)], source, language)
    return all(problem.startswith("it is not written in") for problem in found.problems)


@pytest.mark.parametrize("name", ["tuned.tsv", "held.tsv"])
def test_true_claims_are_kept_and_each_planted_error_is_caught(name: str) -> None:
    rows = sentences(name)
    rejected = [true for source, true, _ in rows if not is_kept(true, writing.span_of(source), source)]
    missed = [wrong for source, _, wrong in rows if is_kept(wrong, writing.span_of(source), source)]
    assert len(rows) == 60
    assert missed == []
    assert rejected == []


@pytest.mark.parametrize("markup", ["||", "**", "__", "~~", "<>", "*", "\\*"])
def test_a_claim_is_compared_as_it_is_shown(markup: str) -> None:
    source = "A Title\n\nThe method reaches 9 points on LampBench with 24 layers."
    span = "The method reaches 9 points on LampBench"
    assert is_kept(f"{span} with {markup}24 layers{markup}.", span, source)
    for false in (
        f"The method reaches 9{markup}9{markup}9 points on LampBench.",
        f"The method does n{markup}o{markup}t reach 9 points on LampBench.",
    ):
        assert not is_kept(false, span, source)


def test_a_judge_is_shown_what_readers_see() -> None:
    [_, asked] = prompts.build_judgement("", {Claim("results", "It reaches 9||9 **points**.", "x"): []})
    assert asked["content"].endswith("1. It reaches 99 points.")


def test_a_judge_decides_on_the_doubts_and_not_on_the_faults() -> None:
    file = quality_claims.FOLDER / "open1.json"
    asked: list[Claim] = []

    def deny(excerpts: str, claims: Mapping[Claim, Sequence[str]]) -> dict[Claim, str]:
        assert all(" ".join(claim.span.split()) in excerpts for claim in claims)
        asked.extend(claims)
        return dict.fromkeys(claims, "denied")

    denied = list(quality_claims.check_file(file, deny))
    approved = list(quality_claims.check_file(file, lambda _, claims: dict.fromkeys(claims, "")))
    assert all(row.problems for row in denied)
    faults = {row.text for row in approved if row.problems}
    assert faults.isdisjoint(claim.text for claim in asked)
    assert len(faults) + len(asked) == len(approved) == 100


def test_a_judge_gets_the_sentences_around_a_span_and_no_other_paragraph() -> None:
    paragraphs = [f"Paragraph {number} says that letter {number} is sent." for number in range(9)]
    claims = [
        Claim("results", f"Letter {number} is sent off.", f"says that letter {number} is sent")
        for number in (4, 8)
    ]
    _, excerpts = writer_claims.check_claims(claims, "A Title\n" + "\n\n".join(paragraphs), EN)
    assert excerpts.split("\n\n")[1:] == [paragraphs[number] for number in (3, 4, 5, 7, 8)]
    assert excerpts.startswith("A Title")


def test_true_claims_are_kept_among_all_the_others_of_a_long_paper() -> None:
    rows = sentences("tuned.tsv") + sentences("held.tsv")
    paper = "\n\n".join(source for source, _, _ in rows)
    assert [true for source, true, _ in rows if not is_kept(true, writing.span_of(source), paper)] == []


def test_claims_with_the_words_of_a_paper_but_another_meaning_are_caught() -> None:
    paper = (DATA / "flashroute.md").read_text(encoding="utf-8")
    rows = [(truth == "true", text, span) for _, truth, text, span in sentences("flashroute.tsv")]
    wrong = [(text, span) for is_true, text, span in rows if is_kept(text, span, paper) != is_true]
    assert len(rows) == 63
    assert wrong == []


def test_the_open_claims_of_four_people_are_judged_as_well_as_before() -> None:
    files = sorted(quality_claims.FOLDER.glob("open*.json"))
    results = [row for file in files for row in quality_claims.check_file(file, None)]
    for language, passed, fallen in (("en", 27, 6), ("ko", 35, 5)):
        rows = [row for row in results if row.language == language]
        assert [row.is_true for row in rows].count(True) == len(rows) // 2 == 150
        assert sum(not row.is_true and not row.problems for row in rows) <= passed
        assert sum(row.is_true and bool(row.problems) for row in rows) <= fallen


@pytest.mark.parametrize(
    ("claim", "span"),
    [
        ("The latency grows to 41% here.", "latency falls to 41% on the large set"),
        ("라우터는 여러 대의 서버에서 검증되었습니다.", "All trials used a single server"),
        ("Every run ends in a failure.", "some of the runs end in a failure"),
        ("저자들은 돈을 받고 결과를 부풀렸습니다.", "All trials used a single server"),
        ("On BigSet the latency falls to 41%.", "latency falls to 41% on the large set"),
        ("The students were trained at 300 kelvin.", "cooled to 300 degrees Celsius before each run"),
    ],
)
def test_what_a_lie_has_to_change_is_caught_in_a_paper_of_another_kind(claim: str, span: str) -> None:
    paper = (
        "A Study of Servers\n\nOn SmallSet the latency falls to 41% on the large set, and on BigSet to 12%. All trials used a"
        " single server. We saw that some of the runs end in a failure. It was cooled to 300 degrees Celsius before each run."
    )
    assert not is_kept(claim, span, paper)


@pytest.mark.parametrize(
    ("claim", "span"),
    [
        ("The latency is reduced to 41% on SmallSet.", "latency falls to 41% on the large set"),
        ("실험은 모두 서버 한 대로 했습니다.", "All trials used a single server"),
        ("Not every run succeeds.", "some of the runs end in a failure"),
        ("It was cooled for about four weeks.", "It was cooled for 28 days"),
        ("A quarter of the labels are wrong.", "labels are flipped at a rate of 0.25"),
        ("하루에 3시간 반이 걸립니다.", "takes 3.5 hours a day"),
    ],
)
def test_other_words_for_the_same_are_kept_in_a_paper_of_another_kind(claim: str, span: str) -> None:
    paper = (
        "A Study of Servers\n\nOn SmallSet the latency falls to 41% on the large set, and on BigSet to 12%. All trials used a"
        " single server. We saw that some of the runs end in a failure.\n\nIt was cooled for 28 days. The labels are flipped"
        " at a rate of 0.25. All of it takes 3.5 hours a day."
    )
    assert is_kept(claim, span, paper)


@pytest.mark.parametrize(
    ("claim", "span"),
    [
        ("The router can be applied to encoder models.", "encoder models, because it needs the"),
        ("It reaches 71.3% on RULER.", "it is 3.1 times faster than"),
    ],
)
def test_another_span_of_the_same_paragraph_does_not_prove_a_claim(claim: str, span: str) -> None:
    paper = (DATA / "flashroute.md").read_text(encoding="utf-8")
    assert not is_kept(claim, span, paper)


def test_the_problems_of_each_claim_are_returned_in_order() -> None:
    source = "# Tamarin\n\nTamarin reaches 61.3% on HellaSwag. It has 1.7B parameters in all."
    texts = [
        ("Tamarin은 HellaSwag에서 61.3%를 얻습니다.", "Tamarin reaches 61.3% on HellaSwag"),
        ("Tamarin은 HellaSwag에서 63.1%를 얻습니다.", "reaches 63.1% on HellaSwag"),
        ("Tamarin은 매개변수 17억 개의 모델입니다.", ""),
        ("Tamarin has 1.7B parameters.", "has 1.7B parameters in all"),
        ("죄송합니다. 이 요청은 처리하기 어렵습니다.", "Tamarin reaches 61.3% on"),
        ("Tamarin은 HellaSwag에서 61.3%를 얻었습니다.", "Tamarin reaches 61.3% on HellaSwag"),
    ]
    claims = [Claim("results", text, span) for text, span in texts]
    findings, _ = writer_claims.check_claims(claims, source, KO)
    assert [found.problems for found in findings] == [
        (),
        ('the span "reaches 63.1% on HellaSwag" is not a verbatim part of any paragraph of the source',),
        ("the span is empty",),
        ("it is not written in Korean",),
        ("it says nothing about the paper",),
        ("it repeats claim 1",),
    ]


@pytest.mark.parametrize(
    ("text", "language", "problem"),
    [
        ("짧다", KO, "it must have 10 to 600 characters, not 2"),
        ("가" * 601, KO, "it must have 10 to 600 characters, not 601"),
        ("This is an English sentence.", KO, "it is not written in Korean"),
        ("이 문장은 한국어로 쓴 문장입니다.", EN, "it is not written in English"),
        ("이 연구는 의미 있는 결과를 담고 있습니다.", KO, '"이 연구는 의미 있" says nothing about the paper'),
        (
            "This paper is outstanding and should win.",
            EN,
            '"This paper is outstanding" says nothing about the paper',
        ),
        *(
            (f"All is at {address} and nowhere else.", EN, "it contains a link or markup")
            for address in (
                *(
                    "https://example.org",
                    "discord.gg/flashroute",
                    "evil.com/login",
                    "evil[.]com",
                    "hxxp://evil",
                ),
                *("ftp : //evil", "evil．com", "evil.zip", "evil.finance", "paypal.de/login", "evil.ai/x"),
                *("evil.рф", "192.168.0.1/x", "evil․com/x", "evil｡com/x"),
                # Joined when markup, entities and formulas are taken out of what is printed and shown.
                *(
                    "http:**//evil.ai",
                    "http:``//evil.ai",
                    "http:<!--//evil.ai",
                    "http:![//evil.ai",
                    "http:</a//evil.ai",
                ),
                *(
                    r"http:\//evil.ai",
                    "https:&sol;/evil.ai",
                    "https&#58;//evil.ai",
                    "http:$//evil.ai$",
                    "evil.**com",
                ),
                *("https:**//evil.**com", "h**ttps:**//evil.ai", "discord&period;gg/abc"),
                *("[here]**(https:**//evil.ai)", r"[here]\(https:**//evil.ai)", "http:*//evil.ai"),
            )
        ),
        ("The router is very fast 🔥🔥🔥", EN, "it contains emoji or other symbols"),
        (f"The router is fa{chr(0x301) * 100}st.", EN, "it has several combining marks in a row"),
        ("It works very well. It works very well.", EN, "it repeats itself"),
        ("the model is good the model is good the model is good", EN, "it repeats itself"),
    ],
)
def test_prose_has_its_own_problems(text: str, language: models.Locale, problem: str) -> None:
    assert writer_claims.find_prose_problems(text, language, []) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        "The model reads 3.5 million tokens, e.g. those of Fig. 2 vs. Table 1.",
        "It uses Qwen2.5-VL, i.e. a model of 7.0B parameters, in ratio 1:2.",
        "It is better than GPT-4.1/o3, ViT-B/16 and v2.0/v2.1 by 0.5/0.7 points, e.g./i.e. with CUDA v12.1.0.1.",
        "Müller et al. use the ∆-rule → it converges ☑ quickly.",
    ],
)
def test_ordinary_punctuation_is_not_a_link(text: str) -> None:
    assert writer_claims.find_prose_problems(text, EN, []) == []


def test_terms_and_names_leave_a_sentence_korean() -> None:
    text = "DeepSeek-R1은 사람 피드백 강화 학습(reinforcement learning from human feedback; RLHF)으로 학습합니다."
    assert (
        writer_claims.find_prose_problems(text, KO, ["DeepSeek-R1은 강화 학습으로 학습하지 않습니다."]) == []
    )


def test_the_same_sentence_about_another_number_is_not_a_repetition() -> None:
    assert not writer_claims.is_repetition(
        "HellaSwag에서 61.3%를 얻었습니다.", "HellaSwag에서 58.0%를 얻었습니다."
    )
    assert writer_claims.is_repetition(
        "HellaSwag에서 61.3%를 얻었습니다.", "HellaSwag에서 61.3%를 얻었습니다!"
    )


@pytest.mark.parametrize(
    "piece",
    ["1.5% of it, ", "not no never ", "Abc-1 (x) 3 ", "from 1 to 2 ", "a", "3 times faster than it. "],
)
def test_what_a_claim_is_compared_with_is_bounded(piece: str) -> None:
    def check(count: int) -> None:
        source = f"Tamarin reaches 61.3% on HellaSwag. {piece * count}"
        writer_claims.ClaimChecker(source).check(
            [Claim("results", "Tamarin reaches 61.3% on HellaSwag.", "Tamarin reaches 61.3% on HellaSwag")]
            * 3,
            EN,
        )

    growth.assert_linear(check, 8_000)


@pytest.mark.parametrize("piece", ["3.5% ", "not ", "x-1 ", "from 1 to 2 ", "가1 "])
def test_a_claim_that_is_too_long_is_compared_with_nothing(piece: str) -> None:
    claims = [Claim("results", piece * 400, "Tamarin reaches 61.3% on HellaSwag")]
    [found], _ = writer_claims.check_claims(claims, "Tamarin reaches 61.3% on HellaSwag.", EN)
    assert not any("stand" in problem for problem in found.problems)


def test_an_empty_source_proves_nothing() -> None:
    [found], excerpts = writer_claims.check_claims([Claim("results", "It works well.", "works")], "\n\n", EN)
    assert (bool(found.faults), excerpts) == (True, "")


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
        "Qwen2.5-72B와 Qwen2.5를 씁니다.",
        "ImageNet 1K와 LiveCodeBench에서 잽니다.",
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
        ("Llama-4를 씁니다.", "Llama-4"),
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
    assert writer_claims.find_name_problems(claim, NAMED)[0] == f'"{name}" is not in the source'


QUOTED = writer_claims.normalise_span(
    "We train a “sparse” encoder\n for 1,000 steps — on **eight** GPUs, and reach $92.4\\%$ accuracy; it's fast."
)


@pytest.mark.parametrize(
    "span",
    [
        'a "sparse" encoder for 1,000 steps',
        "1,000 steps - on eight GPUs",
        "steps — on **eight** GPUs,",
        "and reach 92.4% accuracy",
        "92.4% accuracy; it’s fast",
    ],
)
def test_white_space_and_typography_make_no_difference(span: str) -> None:
    assert writer_claims.find_span_problems(span, QUOTED) == []


@pytest.mark.parametrize(
    "span",
    [
        "",
        "  ",
        "...",
        "train a dense encoder",
        "1,000 steps on nine GPUs",
        "rain a sparse encoder",
        "train a sparse encoder for 1",
        "ain a sparse encoder for",
    ],
)
def test_a_span_that_does_not_stand_in_the_source_is_a_problem(span: str) -> None:
    assert len(writer_claims.find_span_problems(span, QUOTED)) == 1


def test_a_span_of_more_than_twelve_words_is_a_problem() -> None:
    span = "We train a sparse encoder for 1,000 steps - on eight GPUs, and reach"
    assert writer_claims.find_span_problems(span.replace("sparse", '"sparse"'), QUOTED) == [
        "the span must have 4 to 12 words, not 13"
    ]
