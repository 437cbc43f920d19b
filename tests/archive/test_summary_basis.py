from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import summaries
from bot.archive.summaries import Basis
from storage import models

CHAPTER = models.Section(
    "2. 핵심 기여", "작은 모델이 큰 모델의 점수를 따라가는 학습 방법을 제안합니다. 자료는 절반만 씁니다."
)


def with_chapters(preamble: str) -> tuple[models.Section, ...]:
    return models.Section(None, preamble), CHAPTER, CHAPTER


@pytest.mark.parametrize(
    "preamble",
    [
        "죄송하지만 링크를 열어 논문의 내용을 확인할 수 없었습니다. 대신 제목을 바탕으로 예상되는 내용을 정리해 드리겠습니다.",
        "현재 해당 논문의 원문에 직접 접근할 수 없어, 논문 제목과 일반적인 지식을 토대로 요약해 드립니다.",
        "제공된 URL의 페이지를 불러오지 못했습니다.\n\n아래는 제목에서 유추한 내용을 정리한 것입니다.",
        "요청하신 논문의 본문을 찾을 수 없었습니다. 다만 관련 분야의 연구 동향에 따라 아래와 같이 추정해 설명드립니다.",
        "아쉽게도 PDF를 읽지 못했습니다. 배경 지식을 활용하여 작성했습니다.",
        "직접 논문을 열람할 수 없으므로, 일반적인 내용을 추론하여 답변드립니다.",
        "I could not access the paper. Based on its title, here is a plausible summary.",
        "I'm unable to open the link, so the following is inferred from the title and general knowledge.",
        "I don't have access to the full text of this article. I will outline it from general knowledge.",
        "Without access to the PDF, this summary is based on the title alone.",
    ],
)
def test_a_summary_that_was_guessed_from_the_title_was_written_from_nothing(preamble: str) -> None:
    assert summaries.find_basis(with_chapters(preamble)) is Basis.NONE


@pytest.mark.parametrize(
    "note",
    [
        "위 내용은 논문 제목과 일반적인 지식을 바탕으로 작성되었으며 실제 논문과 다를 수 있습니다.",
        "※ 본 요약은 제목에서 추론한 내용이므로 실제 내용과 차이가 있을 수 있습니다.",
        "*이상의 정리는 유사한 연구를 참고하여 추정한 것입니다. 정확한 내용은 원문을 확인해 주세요.*",
        "Note: this summary is inferred from the title and may not reflect the actual paper.",
        "The above summary was written from general knowledge.",
    ],
)
def test_a_closing_note_that_admits_the_guess_counts_too(note: str) -> None:
    sections = (CHAPTER, CHAPTER, models.Section(None, "한계는 속도입니다.\n\n" + note))
    assert summaries.find_basis(sections) is Basis.NONE


@pytest.mark.parametrize(
    "preamble",
    [
        "죄송하지만 전문에 접근할 수 없었습니다. 공개된 초록을 바탕으로 정리했습니다.",
        "논문의 본문을 직접 확인할 수 없어 초록(abstract)의 내용으로 요약해 드립니다.",
        "I cannot open the full text of the paper, so this summary is based on the abstract.",
    ],
)
def test_a_summary_of_the_abstract_is_no_invention(preamble: str) -> None:
    assert summaries.find_basis(with_chapters(preamble)) is Basis.ABSTRACT


@pytest.mark.parametrize(
    "text",
    [
        "이 논문은 제목만으로 논문의 분야를 맞히는 분류기를 제안합니다. 본문을 읽지 못하는 상황을 가정합니다.",
        "웹 페이지에서 정보를 찾을 수 없는 질문을 다룹니다. 에이전트는 일반적인 지식을 바탕으로 답합니다.",
        "기존 검색 방법은 링크를 따라가지 못해 필요한 문서를 찾을 수 없었습니다. 제안한 방법은 이를 푼다.",
        "이 요약 모델은 초록을 바탕으로 제목을 생성합니다. 실제 논문과의 차이는 작습니다.",
        "본 논문은 추론 과정에서 사전 지식을 활용하는 방법을 설명합니다.",
        "다음 내용을 제안합니다. 첫째, 일반적인 지식을 담은 모델에서 유사한 연구를 찾습니다.",
        "죄송하다는 말을 지나치게 하는 모델을 분석한 연구입니다. 거절이 줄어듭니다.",
        "모델이 PDF를 읽지 못했습니다라는 오류를 내는 경우가 12%였습니다. 새 파서를 쓰면 2%입니다.",
        "The agent cannot open the link on most pages. We train it on screenshots instead.",
        "A classifier guesses the field of a paper from the title alone; general knowledge helps.",
        "This overview compares twenty methods. The above results hold for both datasets.",
        "We show that models answer from general knowledge when the document is missing.",
        "추정 오차를 줄이기 위해 유사한 논문의 그래프를 바탕으로 학습했습니다.",
        "논문 제목을 바탕으로 인용 수를 예측합니다. 위 설명 변수는 모두 유의합니다.",
    ],
)
def test_a_summary_of_such_a_subject_is_sound(text: str) -> None:
    assert summaries.find_basis(with_chapters(text)) is None
    assert summaries.find_basis((CHAPTER, models.Section("7. 후속 연구", text))) is None


def test_no_text_was_written_from_nothing() -> None:
    assert summaries.find_basis(()) is Basis.NONE


@given(st.lists(st.text(), max_size=3))
def test_any_text_has_a_basis_or_none(bodies: list[str]) -> None:
    sections = tuple(models.Section(None, body) for body in bodies)
    assert summaries.find_basis(sections) in (None, *Basis)
