from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import summaries
from storage import models


@pytest.mark.parametrize(
    "sentence",
    [
        "- **비교 대상**: 비교한 모델에 대한 구체적인 정보는 제공되지 않았습니다.",
        "학습률은 명시되어 있지 않습니다.",
        "* **데이터셋**: 논문에서는 데이터셋에 대한 언급이 없습니다.",
        "구체적인 수치는 공개되지 않았다.",
        "- 하드웨어: 확인할 수 없습니다.",
        "3. 한계: 해당 사항 없음",
        "- 배치 크기에 대한 설명은 논문에 포함되어 있지 않음",
        "The paper does not specify the optimizer.",
        "- **Masking**: not specified.",
        "Details of the training data are not provided.",
        "No further information is given.",
        "- N/A",
    ],
)
def test_a_sentence_that_says_that_nothing_is_said_is_empty(sentence: str) -> None:
    assert summaries.is_empty_statement(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "- **비교 대상**: 이름은 언급하지 않지만, 크기가 같은 세 모델입니다.",
        "조사 논문으로, 새로운 실험 결과를 제공하지 않습니다.",
        "이 방법은 라벨을 제공하지 않아도 학습됩니다.",
        "사용자에게 설명이 없으면 점수가 떨어집니다.",
        "모델은 질문에 없는 정보를 언급하지 않도록 학습됩니다.",
        "기존 데이터셋은 깊이 정보를 담고 있지 않습니다.",
        "The model does not report false facts, and accuracy rises by 3%.",
        "Labels are not available at test time, so the model adapts by itself.",
        "성능이 12% 올랐습니다.",
        "이 모델은 거짓 정보를 제공하지 않습니다.",
        "The model does not provide false answers.",
        "Labels are not available.",
        "",
    ],
)
def test_a_sentence_that_says_something_is_kept(sentence: str) -> None:
    assert not summaries.is_empty_statement(sentence)


def test_what_is_left_of_a_section_is_kept_in_its_form() -> None:
    sections = (
        models.Section(
            "4. 실험", "- **데이터셋**: A와 B\n- **마스킹**: 정보는 제공되지 않습니다.\n- **모델**: 7B"
        ),
        models.Section("6. 한계", "한계점에 대한 구체적인 언급은 없습니다."),
        models.Section("7. 후속", "더 큰 모델로 넓힙니다. 구체적인 계획은 명시되어 있지 않습니다."),
    )
    assert summaries.drop_empty_statements(sections) == (
        models.Section("4. 실험", "- **데이터셋**: A와 B\n- **모델**: 7B"),
        models.Section("7. 후속", "더 큰 모델로 넓힙니다."),
    )


@given(st.lists(st.text(max_size=300), max_size=3))
def test_nothing_is_added(bodies: list[str]) -> None:
    sections = tuple(models.Section(None, body) for body in bodies)
    kept = summaries.drop_empty_statements(sections)
    assert len(kept) <= len(sections)
    assert sum(len(section.body) for section in kept) <= sum(map(len, bodies))
