"""Extracts: Hugging Face's sentence, or whole sentences of the abstract."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import summaries
from bot.archive.summaries import Basis
from bot.writer import publication

# Sentences of abstracts, written for these tests.
ABSTRACTS = [
    [
        "Long-context models read far more than they use, e.g. when a question needs a single line.",
        "We propose Lantern, a retriever inside the model that keeps 5.5% of the keys (cf. Fig. 2).",
        "Following Smith et al. (2023), the keys are chosen for each head by a small classifier.",
        "Lantern keeps 98.7% of the accuracy on LongBench vs. 91.2% for the best baseline.",
        "It is 3.2x faster w.r.t. wall-clock time on a single GPU.",
        "Code is available at https://github.com/example/lantern.",
    ],
    [
        "Is data more important than size?",
        "This paper trains 1.7B models on five mixtures of web text and code, i.e. the same tokens in other shares.",
        "We find that $L = 1.69 + 406.4/N^{0.34}$ holds for all mixtures but one.",
        "Surprisingly, the fifth mixture, proposed by J. Doe et al. in the U.S., needs 40% fewer tokens.",
        "All models are released.",
    ],
    [
        "로봇은 말로 된 길 안내를 따르다가 자주 길을 잃습니다.",
        "본 논문은 지도 질문 48,200개를 모은 데이터셋 RouteTalk을 제안합니다.",
        "비전-언어 모델(vision-language model; VLM)을 이 데이터로 조정하면 오류가 절반으로 줄어듭니다.",
        "기존 방법(Kim et al. 2024)보다 3.5배 빠르며 정확도는 83.5%입니다.",
        "코드는 https://example.org에 공개합니다.",
    ],
    ["A single sentence, as in Sec. 3.1 of No. 5, is enough."],
    ["One.", "We show two things about very short abstracts.", "Three."],
]


def paper(**fields: Any) -> Any:
    return {"arxiv_id": "2601.00001", "title": "Lantern: Reading Long Contexts", **fields}


@pytest.mark.parametrize("abstract", ABSTRACTS, ids=range(len(ABSTRACTS)))
def test_at_most_three_whole_sentences_are_chosen_verbatim_and_in_order(abstract: list[str]) -> None:
    chosen = [*summaries.choose_sentences(" ".join(abstract), "Lantern")]
    positions = [abstract.index(sentence) for sentence in chosen]
    assert positions == sorted(positions)
    assert 1 <= len(chosen) <= 3
    if len(abstract) > 4:
        assert len(chosen) == 3
        assert not any("https://" in sentence for sentence in chosen)


def test_what_the_paper_proposes_is_chosen() -> None:
    chosen = [*summaries.choose_sentences(" ".join(ABSTRACTS[0]), "Lantern: Reading Long Contexts")]
    assert ABSTRACTS[0][1] in chosen
    assert ABSTRACTS[0][3] in chosen


def test_a_sentence_that_is_cut_off_is_not_chosen() -> None:
    assert [*summaries.choose_sentences("We propose a very good method. It reaches 92.4% on the te")] == [
        "We propose a very good method."
    ]
    assert summaries.choose_sentences("It has no end at all") == ("It has no end at all",)
    assert summaries.choose_sentences(" ") == ()


def test_the_summary_of_hugging_face_is_whole_and_comes_first() -> None:
    summary = "Lantern reads long contexts. It is fast. It is small. It is new."
    assert publication.choose(paper(summary=summary, abstract="Other.")) == (summary, Basis.HUGGINGFACE)
    chosen = publication.choose(paper(abstract=" ".join(ABSTRACTS[0])))
    assert chosen is not None
    assert chosen[1] is Basis.EXTRACT
    assert publication.choose(paper()) is None
    assert publication.choose(paper(abstract=" \n")) is None


@given(
    st.permutations([sentence for abstract in ABSTRACTS[:3] for sentence in abstract[:-1]]),
    st.integers(1, 12),
)
def test_any_mix_of_sentences_gives_whole_ones(mixed: list[str], count: int) -> None:
    mixed = mixed[:count]
    chosen = [*summaries.choose_sentences(" ".join(mixed))]
    assert [mixed.index(sentence) for sentence in chosen] == sorted(map(mixed.index, chosen))
    assert len(chosen) == min(3, count)


@given(st.text(max_size=300))
def test_any_abstract_gives_parts_of_itself(abstract: str) -> None:
    assert all(sentence in abstract for sentence in summaries.choose_sentences(abstract))
