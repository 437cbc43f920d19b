from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import summaries

FILLER = "모델은 적은 자료로도 잘 배우며 여러 과제에서 앞선 방법을 크게 앞지른다. " * 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "죄송합니다.",
        "정말 죄송하지만 도와드릴 수 없습니다.",
        "해당 논문에 대한 정보를 찾을 수 없습니다.",
        "현재 이 논문의 내용을 확인할 수 없었습니다. 다른 논문을 알려 주시면 요약하겠습니다.",
        "요청하신 페이지를 불러오지 못했습니다.",
        "링크가 존재하지 않는 것 같습니다.",
        "논문의 링크나 본문을 제공해 주시면 요약해 드리겠습니다.",
        "**죄송합니다.** 링크를 열 수 없습니다.\n\n- 제목을 알려 주세요.\n- 저자를 알려 주세요.",
        "I'm sorry, but I can't assist with that request.",
        "I am unable to access external links.",
        "I cannot open the PDF. Could you paste the abstract?",
        "It seems the link is not accessible. Please check the URL.",
        "❌ 요약 실패",
        "요약 중 오류 발생: timed out",
        "[Summary not available]",
        "Error: 429 Too Many Requests",
        "None",
        "-",
    ],
)
def test_a_stock_phrase_is_a_refusal(text: str) -> None:
    assert summaries.is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "이 논문은 작은 모델을 다룬다.",
        "이 논문은 큰 모델이 읽을 수 없는 글을 작은 모델이 읽게 한다.",
        "이 논문의 방법에는 추가 학습이 필요하지 않습니다.",
        "이 논문은 앞선 방법이 풀지 못했던 문제를 푼다.",
        "이 논문이 다루는 문제는 지금까지 누구도 풀지 못했습니다.",
        "Error typing is a way to make rewards smarter.",
        "요약 모델에 없던 능력을 더한다.",
        "긴 글은 한 번에 읽을 수 없다.",
        "요약 모델을 다룬다.",
        "죄송합니다만 전문을 볼 수 없었습니다. 초록을 바탕으로 요약합니다. " + FILLER,
        "Unfortunately, I cannot open the link. From the abstract: "
        + "The model learns from few examples. " * 6,
        "A model that fails is studied.",
        "Errors of models are studied.",
        "The paper cannot be praised enough. "
        + "It studies small models with care and with good results. " * 4,
    ],
)
def test_a_summary_on_any_subject_is_no_refusal(text: str) -> None:
    assert not summaries.is_refusal(text)


@given(st.text())
def test_any_text_can_be_classified(text: str) -> None:
    assert summaries.is_refusal(text) in (True, False)
