"""Splitting abstracts into plain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import plain

# `|` marks the end of a sentence.
PROSE = [
    "We study scaling, e.g. Llama 3.1 and Qwen (cf. Fig. 2 and Sec. 3.1).| Our filter (i.e. $p < 0.5$) reaches 92.4% vs. 88.1%.",
    "Kim et al. (2024) show this.| Later, Wu et al. improve it by 3.5 points.| See Eq. 4 for details.",
    'It is 3.2x faster w.r.t. FLOPs.| "Is it done?" they ask.| Yes!| J. Smith and A. B. Lee proposed it in the U.S. in 2019.',
    "Code is at https://github.com/a.b/c.| See www.example.org/x.y for more.",
    "이 논문은 새 방법을 제안한다.| 정확도는 92.4%이다.| 기존 방법(Kim et al. 2024)보다 3.5배 빠르다!| 코드는 공개했습니다.",
    "1. First we train.| 2. Then we test.| It works in Section 3.| Nothing else...| The end",
    "We use approx. 10 GPUs, i.e., A100s.| The i.i.d. assumption fails.| *Emphasis.*",
    "First line\nbreaks here.| Second sentence.\n\n|Third one.",
]


@pytest.mark.parametrize("marked", PROSE)
def test_splits_abstracts_into_sentences(marked: str) -> None:
    text = marked.replace("|", "")
    assert plain.split_sentences(text) == [part.strip() for part in marked.split("|")]


@given(st.text(st.sampled_from("aB1 .!?()$[]\n“”다。e.g"), max_size=150))
def test_splitting_sentences_loses_no_text(text: str) -> None:
    found = plain.split_sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence in text for sentence in found)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        # U+200B is "intended for invisible word separation" (The Unicode Standard, 23.2); joiners are inside of words.
        ("how\u200bdo\u200bagents\u200bplan", "how do agents plan"),
        ("강화\u200b학습", "강화 학습"),
        ("how\u200cdo\u200dagents\u2060plan", "howdoagentsplan"),
        # https://discord.com/developers/docs/reference#message-formatting
        ("<@123456789012345678> <#1> <@&2> @everyone how do agents plan?", "how do agents plan?"),
        ("</topic:12> <:robot:34> <a:robot:56> <t:1618953630:R> agents<@!7>plan @here", "agents plan"),
        ("</daily setup:9> <id:customize> agents", "agents"),
        ("<b> < 1 <@x> a@everyone.org @everyones", "<b> < 1 <@x> a@everyone.org @everyones"),
    ],
)
def test_typed_text_has_words_where_readers_see_them_and_no_mentions(typed: str, read: str) -> None:
    assert " ".join(plain.clean_typed(typed).split()) == read
