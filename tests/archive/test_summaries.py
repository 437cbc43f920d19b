"""Refusals and invented summaries, displayed sections, and extracts from abstracts."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import summaries
from bot.archive.summaries import Basis
from bot.features.writer import publication
from storage.models import Appearance, DigestFormat, Entry, Section

FILLER = "모델은 적은 자료로도 잘 배우며 여러 과제에서 앞선 방법을 크게 앞지른다. " * 4


SOUND = "작은 모델을 큰 모델만큼 학습시키는 방법을 제안합니다."
INVENTED = "죄송하지만 논문을 확인할 수 없었습니다. 제목을 바탕으로 추정하여 요약해 드리겠습니다."


def test_basis_is_unknown_unless_text_or_format_states_it() -> None:
    for digest_format, sections, basis in (
        (DigestFormat.NEWSLETTER, [Section("What's New", SOUND)], None),
        (DigestFormat.NEWSLETTER, [Section(None, SOUND)], None),
        (DigestFormat.REVIEW, [Section("1. 동기", SOUND)], None),
        (DigestFormat.REVIEW, [Section(None, INVENTED), Section("1. 동기", SOUND)], Basis.NONE),
        (DigestFormat.REVIEW, [], Basis.NONE),
        (DigestFormat.LIST, [Section("TL;DR", SOUND)], None),
        (DigestFormat.LISTING, [Section(None, SOUND)], Basis.ABSTRACT),
    ):
        entry = Entry(1, "2501.00001", None, "u", sections=tuple(sections))
        appearance = Appearance(1, digest_format, date(2026, 1, 1), "ko", entry)
        assert summaries.find_appearance_basis(appearance) is basis, digest_format
        written = basis or Basis.PAPER
        assert summaries.find_appearance_basis(replace(appearance, writer="m")) is written, digest_format


def test_newsletter_headings_have_names() -> None:
    rows = [
        ("What's New", "whats-new"),
        ("**What’s new**:", "whats-new"),
        ("performance highlights", "performance-highlights"),
        ("1. 동기", None),
        (None, None),
    ]
    assert [(heading, summaries.label_name(heading)) for heading, _ in rows] == rows


ABSTRACTS = [
    [
        "Long-context models read far more than they use, e.g. when a question needs a single line.",
        "We propose Lantern, a retriever inside the model that keeps 5.5% of the keys (cf. Fig. 2).",
        "Following Smith et al. (2023), the keys are chosen for each head by a small classifier.",
        "It is 3.2x faster w.r.t. wall-clock time on a single GPU.",
        "Code is available at https://github.com/example/lantern.",
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
def test_extract_has_up_to_three_sentences_in_order(abstract: list[str]) -> None:
    chosen = [*summaries.choose_sentences(" ".join(abstract))]
    positions = [abstract.index(sentence) for sentence in chosen]
    assert positions == sorted(positions)
    assert 1 <= len(chosen) <= 3
    if len(abstract) > 4:
        assert len(chosen) == 3
        assert not any("https://" in sentence for sentence in chosen)


def test_extract_skips_a_truncated_sentence() -> None:
    assert [*summaries.choose_sentences("We propose a very good method. It reaches 92.4% on the te")] == [
        "We propose a very good method."
    ]
    assert summaries.choose_sentences("It has no end at all") == ("It has no end at all",)
    assert summaries.choose_sentences(" ") == ()


def test_prefers_hugging_faces_summary_to_an_extract() -> None:
    summary = "Lantern reads long contexts. It is fast. It is small. It is new."
    assert publication.choose(paper(summary=summary, abstract="Other.")) == (summary, Basis.HUGGINGFACE)
    chosen = publication.choose(paper(abstract=" ".join(ABSTRACTS[0])))
    assert chosen is not None
    assert chosen[1] is Basis.EXTRACT
    assert publication.choose(paper()) is None
    assert publication.choose(paper(abstract=" \n")) is None


@given(st.text(max_size=300))
def test_extract_is_verbatim_for_any_abstract(abstract: str) -> None:
    assert all(sentence in abstract for sentence in summaries.choose_sentences(abstract))


REFUSALS = [
    *("", " \n", "N/A", "None", "-", "죄송합니다.", "[Error: 429 Too Many Requests]"),
    "해당 논문의 내용을 찾을 수 없습니다.",
    "**죄송합니다.** 링크를 열 수 없습니다.\n\n- 제목을 알려 주세요.\n- 저자를 알려 주세요.",
    "I'm sorry, but I can't assist with that request.",
    "I cannot open the PDF. Could you paste the abstract?",
    "Error: API quota exceeded",
]
SUMMARIES = [
    "이 논문은 작은 모델을 다룬다.",
    "이 논문은 큰 모델이 읽을 수 없는 글을 작은 모델이 읽게 한다.",
    "이 논문의 방법에는 추가 학습이 필요하지 않습니다.",
    "이 논문이 다루는 문제는 지금까지 누구도 풀지 못했습니다.",
    "긴 글은 한 번에 읽을 수 없다.",
    "죄송합니다만 전문을 볼 수 없었습니다. 초록을 바탕으로 요약합니다. " + FILLER,
    "Unfortunately, I cannot open the link. From the abstract: " + "The model learns fast. " * 6,
    "Error typing is a way to make rewards smarter.",
    "Unable to process long inputs, models degrade.",
    "The paper cannot be praised enough. " + "It studies small models with care. " * 6,
]


def test_a_refusal_is_told_from_a_summary() -> None:
    assert [text for text in (*REFUSALS, *SUMMARIES) if summaries.is_refusal(text)] == REFUSALS


def test_apology_reveals_the_basis_of_a_summary() -> None:
    rows = [
        ("죄송하지만 논문을 확인할 수 없었습니다. 제목을 바탕으로 추정하여 요약해 드리겠습니다.", Basis.NONE),
        ("I'm sorry, I could not open it. Based on its title, here is a plausible summary.", Basis.NONE),
        ("죄송하지만 전문에 접근할 수 없었습니다. 공개된 초록을 바탕으로 정리했습니다.", Basis.ABSTRACT),
        ("논문 제목을 바탕으로 인용 수를 예측합니다.", None),
        ("We show that models answer from general knowledge when the document is missing.", None),
    ]
    assert [
        (preamble, summaries.find_basis((Section(None, preamble), Section("2. 결과", SOUND))))
        for preamble, _ in rows
    ] == rows
