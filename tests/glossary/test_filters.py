"""What the induction never takes as a Korean form: digits, verb endings, single syllables."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import glossary_in_memory

STEMS = st.sampled_from(["변환", "강화", "희소", "생성", "양자화", "신호"])
ENDINGS = (
    "하는",
    "되는",
    "시키는",
    "하기",
    "되기",
    "하여",
    "하고",
    "하며",
    "되어",
    "하다",
    "된다",
    "된",
    "한",
    "이는",
)
NOT_FORMS = st.one_of(
    st.builds(str.__add__, STEMS, st.sampled_from(ENDINGS)),
    st.sampled_from(list("층열값망점")),
    st.builds(lambda stem, number: f"{stem} {number}", STEMS, st.integers(1, 2030)),
    st.builds(lambda stem, number: f"{stem}{number}", STEMS, st.integers(1, 99)),
)
TERMS = st.sampled_from(
    ["transformation", "sparse layer", "signal", "generated value", "reinforcement", "layer"]
)
MENTIONS = st.tuples(STEMS | NOT_FORMS, TERMS)
SEVERAL = st.lists(st.tuples(MENTIONS, st.integers(1, 12)), min_size=1, max_size=6)
NEVER = re.compile("[0-9]|(?:하|되|시키|이)는$|[하되]기$|(?:하여|하고|하며|되어|하다|된다)$|.[된한]$")


@settings(max_examples=60, deadline=None)
@given(SEVERAL)
def test_digits_verb_endings_and_single_syllables_are_never_forms(
    explained: list[tuple[tuple[str, str], int]],
) -> None:
    texts = [
        f"이 연구는 {form}({term})을 다룹니다." for (form, term), papers in explained for _ in range(papers)
    ]
    concepts = glossary_in_memory.build_glossary(texts, ()).all_concepts()
    forms = [form.text for concept in concepts for form in concept.forms_in("ko")]
    assert not [form for form in forms if len(form) < 2 or NEVER.search(form)]


def test_a_noun_that_papers_explain_is_a_form() -> None:
    (concept,) = glossary_in_memory.build_glossary(
        ["희소 계층(sparse layer)을 다룹니다."] * 4, ()
    ).all_concepts()
    assert [form.text for form in concept.forms_in("ko")] == ["희소 계층"]
