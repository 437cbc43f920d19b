"""What summaries are worth: refusals, empty statements, inventions, what readers may see, and extracts of abstracts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import parse, summaries
from bot.archive.summaries import Basis
from bot.writer import publication
from storage.models import DigestFormat, Entry, Section
from tests.support import basis_texts

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
        "I’m unable to browse the web. If you share the abstract, I would be happy to help!",
        "I apologize, but the page is not available.",
        "As an AI, I have no access to external pages.",
        "I cannot open the PDF. Could you paste the abstract?",
        "It seems the link is not accessible. Please check the URL.",
        "❌ 요약 실패",
        "요약 중 오류 발생: timed out",
        "[Summary not available]",
        "Error: 429 Too Many Requests",
        "Error code: 429 - rate limit reached",
        "Error: API quota exceeded",
        "Rate limit exceeded for this model",
        "You exceeded your current quota, please check your plan.",
        "Failed to generate summary: timeout",
        "An error occurred while generating the summary.",
        "API 할당량을 초과했습니다",
        "达到API配额限制",
        "您的账户余额不足，请充值。",
        "生成失败，请重试",
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
        "Rate limit estimation in cellular networks is learnt by a graph network.",
        "Error correction codes for quantum memories are learnt with transformers.",
        "Failed trajectories teach agents more than successes.",
        "API 사용 한도를 고려한 스케줄링을 제안한다.",
        "本文研究配额分配问题，提出新的调度算法。",
        "模型在请求调度上达到额度均衡，优于基线。",
        "Quota exceeded requests are studied in cloud schedulers, with a rule that is fair.",
        "Error processing in humans is studied.",
        "500 images are enough to train it.",
        "Unable to process long inputs, models degrade.",
        "Generation failed for 3% of prompts.",
        "请求处理速度提升了三倍。",
        "该模型总结失败，我们提出新方法来改进它",
        "The paper cannot be praised enough. "
        + "It studies small models with care and with good results. " * 4,
    ],
)
def test_a_summary_on_any_subject_is_not_a_refusal(text: str) -> None:
    assert not summaries.is_refusal(text)


@given(st.text())
def test_any_text_can_be_classified(text: str) -> None:
    assert summaries.is_refusal(text) in (True, False)


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
        Section("4. 실험", "- **데이터셋**: A와 B\n- **마스킹**: 정보는 제공되지 않습니다.\n- **모델**: 7B"),
        Section("6. 한계", "한계점에 대한 구체적인 언급은 없습니다."),
        Section("7. 후속", "더 큰 모델로 넓힙니다. 구체적인 계획은 명시되어 있지 않습니다."),
    )
    assert summaries.drop_empty_statements(sections) == (
        Section("4. 실험", "- **데이터셋**: A와 B\n- **모델**: 7B"),
        Section("7. 후속", "더 큰 모델로 넓힙니다."),
    )


@given(st.lists(st.text(max_size=300), max_size=3))
def test_nothing_is_added(bodies: list[str]) -> None:
    sections = tuple(Section(None, body) for body in bodies)
    kept = summaries.drop_empty_statements(sections)
    assert len(kept) <= len(sections)
    assert sum(len(section.body) for section in kept) <= sum(map(len, bodies))


CHAPTER = Section(
    "2. 핵심 기여", "작은 모델이 큰 모델의 점수를 따라가는 학습 방법을 제안합니다. 자료는 절반만 씁니다."
)


def with_chapters(preamble: str) -> tuple[Section, ...]:
    return Section(None, preamble), CHAPTER, CHAPTER


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
        "죄송합니다만, 제공하신 링크와 내용은 현재 접근할 수 없습니다. 다른 자료를 알려 주시면 정리해 보겠습니다.",
        "죄송합니다만, 제공하신 arXiv 링크는 현재 접근할 수 없습니다.",
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
    sections = (CHAPTER, CHAPTER, Section(None, "한계는 속도입니다.\n\n" + note))
    assert summaries.find_basis(sections) is Basis.NONE


@pytest.mark.parametrize(
    "preamble",
    [
        "죄송하지만 전문에 접근할 수 없었습니다. 공개된 초록을 바탕으로 정리했습니다.",
        "논문의 본문을 직접 확인할 수 없어 초록(abstract)의 내용으로 요약해 드립니다.",
        "I cannot open the full text of the paper, so this summary is based on the abstract.",
    ],
)
def test_a_summary_of_the_abstract_is_not_an_invention(preamble: str) -> None:
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
    assert summaries.find_basis((CHAPTER, Section("7. 후속 연구", text))) is None


def test_no_text_was_written_from_nothing() -> None:
    assert summaries.find_basis(()) is Basis.NONE


@given(st.lists(st.text(), max_size=3))
def test_any_text_has_a_basis_or_none(bodies: list[str]) -> None:
    sections = tuple(Section(None, body) for body in bodies)
    assert summaries.find_basis(sections) in (None, *Basis)


CHAPTERS = [
    "핵심 동기와 문제 정의",
    "주요 기여",
    "모델 구조",
    "실험 설정",
    "정량적 결과",
    "한계점",
    "후속 연구",
]
BODY = "제안한 방법은 자료를 절반만 쓰고도 정확도가 3% 높습니다. 비교 대상은 네 가지입니다."
NOTATIONS = ["## {number}. {title}", "**{number}. {title}**", "{number}. **{title}**"]


def parse_summary(place: str, text: str, notation: str) -> Entry:
    """Parse a review with the text at its place."""
    blocks = []
    for number, title in enumerate(CHAPTERS, 1):
        heading = notation.format(number=number, title=title)
        blocks.append(f"{heading}\n\n{text if number == 1 and place == 'first' else BODY}")
    if place == "only":
        blocks = [text]
    elif place == "before":
        blocks.insert(0, text)
    elif place == "after":
        blocks += ["---", text]
    summary = "\n\n".join(blocks)
    head = "# 📰 Daily Papers (2026-01-05)\n\n## 2601.00001\n🔗 https://huggingface.co/papers/2601.00001\n\n**Summary**:\n"
    review = f"{head}{summary}\n"
    [digest] = parse.parse_text(review)
    return digest.entries[0]


def found_basis(place: str, text: str, notation: str) -> Basis | None:
    entry = parse_summary(place, text, notation)
    assert entry.summary_missing == (not summaries.shown_sections(entry))
    return summaries.find_shown_basis(DigestFormat.REVIEW, entry)


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(
    ("rule", "texts", "expected"),
    [
        ("refusal", basis_texts.REFUSED, Basis.NONE),
        ("invention", basis_texts.INVENTED, Basis.NONE),
        ("abstract", basis_texts.FROM_ABSTRACT, Basis.ABSTRACT),
    ],
)
def test_every_text_of_a_rule_is_found(
    rule: str, texts: dict[str, list[str]], expected: Basis, notation: str
) -> None:
    placed = [(place, text) for place, group in texts.items() for text in group]
    missed = [text for place, text in placed if found_basis(place, text, notation) is not expected]
    assert missed == [], f"{rule}: recall {1 - len(missed) / len(placed):.2f}"


@pytest.mark.parametrize("place", ["before", "first", "after"])
def test_no_sound_text_is_lost(place: str) -> None:
    lost = [text for text in basis_texts.SOUND_TEXTS if found_basis(place, text, NOTATIONS[0]) is not None]
    assert lost == [], f"precision: {len(lost)} of {len(basis_texts.SOUND_TEXTS)} lost"


SOUND = "작은 모델을 큰 모델만큼 학습시키는 방법을 제안합니다."
EMPTY = "마스킹 방식에 대한 정보는 제공되지 않았습니다."
INVENTED = "죄송하지만 논문을 확인할 수 없었습니다. 제목을 바탕으로 추정하여 요약해 드리겠습니다."


def entry(*sections: Section, missing: bool = False) -> Entry:
    return Entry(1, "2501.00001", None, "u", sections=sections, summary_missing=missing)


def test_empty_statements_are_not_shown_and_inventions_not_at_all() -> None:
    sound = Section("1. 동기", SOUND)
    assert summaries.shown_sections(entry(sound, Section("4. 실험", EMPTY))) == (sound,)
    assert summaries.shown_sections(entry(Section(None, INVENTED), sound)) == ()
    assert summaries.shown_sections(entry(sound, missing=True)) == ()
    assert summaries.shown_sections(entry()) == ()


@pytest.mark.parametrize(
    ("label", "basis"),
    [
        ("This is an extract of the abstract in its own words.", Basis.EXTRACT),
        ("This is Hugging Face's summary of the abstract, an extract in its own words.", Basis.HUGGINGFACE),
    ],
)
def test_a_former_label_still_says_the_basis_and_is_not_shown(label: str, basis: Basis) -> None:
    labelled = Section("What's New", f"{SOUND}\n{label}")
    assert summaries.find_shown_basis(DigestFormat.NEWSLETTER, entry(labelled)) is basis
    assert summaries.shown_sections(entry(labelled)) == (Section("What's New", SOUND),)


@pytest.mark.parametrize(
    ("digest_format", "sections", "basis"),
    [
        (DigestFormat.NEWSLETTER, [Section("What's New", SOUND)], None),
        (DigestFormat.NEWSLETTER, [Section(None, SOUND)], None),
        (DigestFormat.REVIEW, [Section("1. 동기", SOUND)], None),
        (DigestFormat.REVIEW, [Section(None, INVENTED), Section("1. 동기", SOUND)], Basis.NONE),
        (DigestFormat.REVIEW, [Section("4. 실험", EMPTY)], Basis.NONE),
        (DigestFormat.REVIEW, [], Basis.NONE),
        (DigestFormat.LIST, [Section("TL;DR", SOUND)], None),
        (DigestFormat.LISTING, [Section(None, SOUND)], Basis.ABSTRACT),
    ],
)
def test_the_basis_is_unknown_unless_the_text_or_a_service_says_it(
    digest_format: DigestFormat, sections: list[Section], basis: Basis | None
) -> None:
    assert summaries.find_shown_basis(digest_format, entry(*sections)) is basis


@pytest.mark.parametrize(
    "error",
    [
        "Error: API quota exceeded",
        "达到API配额限制",
        "429 RESOURCE_EXHAUSTED. {'error': {'code': 429}}",
        "Resource has been exhausted (e.g. check quota).",
        "Error generating summary: timeout",
        "The model is overloaded. Please try again later.",
        "503 Service Unavailable",
        "翻译失败：请求超时",
        "API 호출 한도 초과",
    ],
)
def test_an_error_of_a_models_server_is_not_part_of_a_summary(error: str) -> None:
    parts = (Section("Motivation", SOUND), Section("Method", f"{error}\n\n{error}"), Section("Result", error))
    assert summaries.drop_refusal(parts) == parts[:1]
    assert summaries.drop_refusal(parts[1:]) == ()
    line = Section("TL;DR", f"{SOUND}\n- {error}")
    assert summaries.shown_sections(entry(line)) == (Section("TL;DR", SOUND),)


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("What's New", "whats-new"),
        ("**What’s new**:", "whats-new"),
        ("performance highlights", "performance-highlights"),
        ("1. 동기", None),
        (None, None),
    ],
)
def test_the_newsletters_labels_are_recognised(heading: str | None, name: str | None) -> None:
    assert summaries.label_name(heading) == name


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
