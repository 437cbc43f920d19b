"""Sentences of abstracts: whole and verbatim."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import analyser
from tests.support import growth

# `|` is the end of a sentence.
TEXTS = [
    "We study scaling, e.g. Llama 3.1 and Qwen (cf. Fig. 2 and Sec. 3.1).|"
    " Our filter (i.e. $p < 0.5$) reaches 92.4% vs. 88.1% on MMLU.",
    "Kim et al. (2024) show this.| Later, Wu et al. improve it by 3.5 points.| See Eq. 4 for details.",
    "It is 3.2x faster w.r.t. FLOPs.|"
    ' "Is it done?" they ask.| Yes!| J. Smith and A. B. Lee proposed it in the U.S. in 2019.',
    "It was built in the U.S.| The team moved on.| We use cats, dogs, etc.| However, birds are missing.",
    "Code is at https://github.com/a.b/c.| See www.example.org/x.y for more.",
    "Let $x_i = 0.5. Then y$ holds.| We minimise $$a. B. C.$$ over all x.",
    "이 논문은 새 방법을 제안한다.| 정확도는 92.4%이다.| 기존 방법(Kim et al. 2024)보다 3.5배 빠르다!| 코드는 공개했습니다.",
    "우리는 GPT-4o, v2.0 등을 비교했습니다.| 결과는 표 3에 있습니다.| 과연 그럴까요?| 그렇습니다.",
    "1. First we train.| 2. Then we test.| It works in Section 3.| We stop.",
    'The model (see App. B. It is long.) works well.| It is called "Dr. Who."| Nothing else...| The end',
    "Is bigger better?| No, unless data is clean.| We ask why!| Because iGPT-style models, incl. Mamba-2, need it.",
    "We use approx. 10 GPUs, i.e., A100s.| The i.i.d. assumption fails.| Table 2. Results are good.".replace(
        "Table 2.", "As Table 2 shows,"
    ),
    "Prompting (Fig. 1) helps.| [1] is wrong.| *Emphasis.*",
    "First line\nbreaks here.| Second sentence.\n\n|Third one.",
]


@pytest.mark.parametrize("marked", TEXTS)
def test_abstracts_are_split_where_their_sentences_end(marked: str) -> None:
    text = marked.replace("|", "")
    assert analyser.split_sentences(text) == [part.strip() for part in marked.split("|")]


@given(st.text(st.sampled_from("aB1 .!?()$[]\n“”다。e.g"), max_size=150))
def test_nothing_is_lost_and_the_order_is_kept(text: str) -> None:
    found = analyser.split_sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence in text for sentence in found)


@pytest.mark.parametrize("piece", ["a. ", "(", "$", "e.g. ", "A. B", "....", "([“"])
def test_any_text_takes_linear_time(piece: str) -> None:
    growth.assert_linear(lambda count: analyser.split_sentences(piece * count), 5_000)
