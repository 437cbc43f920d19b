"""Texts of our own for `test_summary_basis_figures`, written before the rules were run on them.

Each is (place, text); the place is "before" the chapters, "first" (in the first chapter), "after" (below the last), or "only".
"""

REFUSED = [
    (
        "only",
        "죄송합니다만, 해당 링크의 논문을 열어 볼 수 없었습니다. 논문의 제목이나 PDF를 공유해 주시면 요약해 드리겠습니다.",
    ),
    ("only", "현재 제공된 URL에 접속할 수 없습니다. 링크를 다시 확인해 주시기 바랍니다."),
    ("only", "죄송하지만 요청하신 논문에 대한 정보를 찾지 못했습니다. 추가 정보를 주시면 도움이 됩니다."),
    ("only", "I'm sorry, but I couldn't find the paper at the link. Could you share its title or the PDF?"),
    ("only", "Unfortunately, I am unable to open external links. Please paste the text of the paper."),
    ("only", "안타깝게도 이 논문의 내용을 확인할 수 없었습니다. 다른 링크를 알려 주세요."),
]
INVENTED = [
    (
        "before",
        '죄송합니다만, 링크를 확인할 수 없었습니다. 제목인 "Tiny Nets 2.0: Big"을 토대로 일반적인 내용을 정리해 드리겠습니다.',
    ),
    (
        "before",
        "죄송합니다만, 본문에 접근할 수 없어 정확한 요약이 어렵습니다. 제목과 일반적인 지식을 바탕으로 구성해 보았습니다.",
    ),
    (
        "before",
        "현재 링크(https://huggingface.co/papers/2505.99999)를 직접 열람할 수 없으므로, 제목에서 유추한 내용을 요약합니다.",
    ),
    (
        "before",
        "제공해 주신 링크의 페이지를 불러오지 못했습니다. 다만 제목을 기반으로 한 추정 내용을 항목별로 정리해 드립니다.",
    ),
    (
        "before",
        "아쉽게도 논문 전문을 확인하지 못했습니다. 따라서 관련 분야의 일반적인 연구 동향을 바탕으로 다음과 같이 요약하였습니다.",
    ),
    (
        "before",
        "유감스럽게도 해당 논문의 세부 내용은 찾을 수 없었습니다. 아래 내용은 유사한 연구들을 참고하여 추론한 것입니다.",
    ),
    ("before", "논문 원문에 접근이 제한되어 있어 제목만으로 내용을 추정해 설명드리겠습니다."),
    (
        "before",
        "요청하신 논문은 웹에서 검색되지 않았습니다. 제목을 통해 예상되는 핵심을 정리해 드리겠습니다.",
    ),
    (
        "before",
        "죄송합니다. 논문에 직접 접근하지 못했지만, 일반적인 정보를 바탕으로 요약을 제공해 드리겠습니다.",
    ),
    (
        "before",
        "저는 해당 URL에 접근할 수 없습니다. 그러나 제가 가진 지식을 활용하여 가능한 한 자세히 답변드리겠습니다.",
    ),
    (
        "before",
        "정확한 논문 내용을 확인하기 어려워, 일반적으로 알려진 정보를 토대로 작성하였음을 알려드립니다.",
    ),
    ("before", "해당 논문에 대한 구체적인 정보가 부족하여, 제목에 기반한 일반적인 요약을 제공합니다."),
    (
        "before",
        "I'm sorry, but I can't access the paper directly. Based on the title, here's a general summary of it.",
    ),
    (
        "before",
        "The paper could not be retrieved. The following chapters are inferred from its title and general knowledge.",
    ),
    ("before", "I wasn't able to open the URL, so I'll answer from my general knowledge of the topic."),
    ("before", "As I do not have access to the full text, this review is an educated guess."),
    (
        "first",
        "죄송하지만 링크의 논문을 확인할 수 없어, 제목을 바탕으로 핵심 동기를 추정했습니다. 큰 모델은 느립니다.",
    ),
    (
        "first",
        "대형 모델의 비용이 문제입니다. (참고: 본문을 확인하지 못하여 일반적인 지식을 바탕으로 작성한 내용입니다.)",
    ),
    (
        "first",
        "논문 본문을 직접 확인하지 못했으나, 제목으로 미루어 볼 때 추론 속도를 다루는 것으로 추정됩니다.",
    ),
    ("first", "Note: I could not read the paper; this chapter and the ones below are based on the title."),
    (
        "first",
        "이 논문은 로봇의 파지를 다룹니다. 실제 논문을 확인하지 못했기 때문에 이하 내용은 제목에서 추론한 것입니다.",
    ),
    (
        "after",
        "위 요약은 제목과 일반적인 지식을 바탕으로 작성된 것이므로 실제 논문의 내용과 다를 수 있습니다.",
    ),
    ("after", "※ 이 내용은 논문 원문이 아닌 제목에 근거하여 추정한 것입니다."),
    ("after", "참고: 본 답변은 논문에 직접 접근하지 못한 상태에서 일반적인 이해를 바탕으로 작성되었습니다."),
    (
        "after",
        "이상의 내용은 논문을 직접 확인하지 못해 추측에 기반한 요약입니다. 정확한 정보는 원문을 참고하시기 바랍니다.",
    ),
    ("after", "위의 정리는 예상되는 내용이며, 실제 논문과 차이가 있을 수 있습니다."),
    ("after", "Please note that this summary is based on the title and may differ from the actual paper."),
    ("after", "The above is a plausible outline; I did not have access to the paper."),
    (
        "after",
        "*위 내용은 일반적인 정보를 바탕으로 작성되었으며, 실제 논문의 내용과는 차이가 있을 수 있으니 양해 부탁드립니다.*",
    ),
]
FROM_ABSTRACT = [
    ("before", "죄송합니다만 논문 전문에는 접근할 수 없었습니다. 공개된 초록을 바탕으로 요약해 드립니다."),
    ("before", "본문을 확인할 수 없어 초록에 나온 내용만 정리했습니다."),
    ("before", "I could not open the PDF; what follows is drawn from the abstract."),
    ("after", "이 요약은 논문의 초록만을 바탕으로 작성되었습니다."),
    ("after", "This summary is based on the abstract only."),
]
SOUND = [
    "제목과 초록만으로 논문의 인용 수를 예측하는 모델을 제안합니다. 본문을 읽지 않아도 정확도가 높습니다.",
    "죄송하다는 표현을 남발하는 모델의 거절 행동을 분석합니다. 안전 조정의 부작용을 보입니다.",
    "일반적인 지식을 바탕으로 한 질문 응답에서 모델이 추측하는 경향을 측정합니다.",
    "웹 에이전트가 링크를 열 수 없는 상황에서도 과제를 마치게 하는 방법입니다. 페이지를 찾지 못하면 되돌아갑니다.",
    "이 논문은 환각을 다룹니다. 모델은 문서를 찾지 못하면 사전 지식을 바탕으로 답변을 생성합니다.",
    "PDF에서 표를 읽지 못하는 문제를 해결했습니다. 기존 도구는 12%의 문서에서 본문을 불러오지 못했습니다.",
    "아쉽게도 기존 방법은 긴 문서의 내용을 파악하지 못했습니다. 제안한 방법은 기억을 둡니다.",
    "논문의 제목에서 키워드를 추출하고 관련 연구를 추천하는 시스템을 설명합니다.",
    "깊이 추정과 자세 추정을 함께 학습합니다. 추정한 값은 실제 값과 차이가 있을 수 있습니다.",
    "사용자가 제공한 자료만으로 답할 수 없을 때 모델은 관련 문서를 검색합니다. 그러나 검색 결과가 없으면 추론해 답합니다.",
    "다음 내용을 다룹니다. 첫째, 사전 지식을 활용하여 구성한 그래프입니다. 둘째, 추론한 결과의 검증입니다.",
    "본 논문은 제목 그대로 작은 모델이 왜 강한지 설명합니다. 실험은 세 가지 자료로 했습니다.",
    "위 내용을 종합하면, 사전 학습된 지식을 바탕으로 구성한 보상이 사람의 평가와 가장 비슷합니다.",
    "이 연구에서는 유사한 연구들이 다루지 않은 저자원 언어를 다룹니다. 관련 연구를 참고하여 기준을 정했습니다.",
    "실제 연구 환경과 시뮬레이션은 다를 수 있습니다. 이를 줄이기 위해 영역 무작위화를 썼습니다.",
    '제공된 링크의 논문은 "Fast Nets"입니다. 이 논문은 추론을 빠르게 합니다.',
    '해당 논문은 "작은 선생님"이라는 제목을 가지고 있습니다. 이 연구는 지식 증류를 제안합니다.',
    "해당 논문을 일곱 가지 항목으로 요약해 드리겠습니다. 추론 비용을 절반으로 줄입니다.",
    "논문의 내용을 아래와 같이 정리했습니다. 사전 지식 없이도 학습됩니다.",
    "마스킹 방식에 대한 정보는 논문에서 확인할 수 없었습니다. 데이터는 공개 자료 세 가지입니다.",
    "제공된 자료에서 비교 대상의 수치는 확인할 수 없었습니다. 그러나 제안한 방법이 더 빠르다고 보고합니다.",
    "구체적인 한계점은 명시되지 않았으나, 계산량이 커질 것으로 추정됩니다.",
    "논문에서 직접 언급하지는 않았지만, 모델 크기에 따른 한계가 예상됩니다.",
    "저자들은 코드를 공개하지 않아 재현이 어렵습니다. 자료는 요청하면 제공한다고 합니다.",
    "현재 모델은 영상 전체를 볼 수 없어 일부 프레임에서 사건을 추론합니다.",
    "모델이 제목을 보고 본문을 생성하게 하면 사실과 다른 내용을 추측하여 작성합니다. 이를 줄이는 보상을 제안합니다.",
    "기사 제목을 바탕으로 요약을 생성하는 과제에서 최고 성능을 보였습니다.",
    "질문은 논문 제목을 기반으로 작성되었습니다. 사람이 세 번 확인했습니다.",
    "평가자는 초록만을 바탕으로 작성한 요약과 본문을 읽고 쓴 요약을 비교했습니다.",
    "이 요약 모델은 초록을 바탕으로 정리한 문장을 뽑습니다.",
    "언어 모델이 논문을 확인할 수 없을 때 지어낸 요약을 내놓는 빈도를 재는 벤치마크입니다.",
    "사용자가 원문에 접근할 수 없는 경우를 가정해 추론된 근거를 함께 보여 줍니다.",
    "이전 연구는 일반 상식에 의존했지만, 이 연구는 문서의 근거를 씁니다.",
    "다음은 주요 결과입니다. 추정 오차가 30% 줄었습니다.",
    "아래는 제안한 방법의 단계입니다. 먼저 문서를 나누고, 관련 연구의 지식을 활용해 묶습니다.",
    "We study how models answer from general knowledge when the document cannot be opened.",
    "The title of a paper is enough to predict its citations; we infer the field from the title.",
    "An agent could not open the link in 12% of the pages, so it relied on prior knowledge.",
    "This paper asks whether a summary may differ from the paper it summarises, and how often.",
    "Here is what the method does: it drafts from general knowledge and then checks each claim.",
    "This review covers two hundred papers on reasoning. Here are the main lines of work.",
    "The following sections describe the model, the data and the results.",
    "Unfortunately, previous detectors cannot read long documents; ours can.",
    "We apologise in advance for the many acronyms of this field, which we list in a table.",
    "I is the identity matrix; without access to the full gradient we estimate it from samples.",
    "Based on the abstract syntax tree, the model infers types without reading the whole file.",
    "Sorry-Bench measures refusals: models that say sorry too often lose points.",
    "A plausible explanation is that attention spreads; the authors test three hypotheses.",
    "The authors speculate that larger models would do better, but have no access to the hardware.",
    "Using prior knowledge of physics, the network infers the missing frames.",
    "The dataset was written from the abstracts and titles of a million articles.",
    "Related work is surveyed briefly, and assumptions are listed in the appendix.",
]
_ENDS = ["코드는 공개되어 있습니다.", "학습에는 그래픽 카드 여덟 장을 썼습니다."]
SOUND_TEXTS = [f"{text} {end}" for text in SOUND for end in _ENDS]
