"""The seed list is well formed; the forms of an expansion."""

from __future__ import annotations

from collections import Counter

from bot.glossary import concepts
from bot.text import analyser, term_keys


def test_each_line_has_a_korean_and_an_english_form() -> None:
    assert len(concepts.load_terms()) >= 300
    for term in concepts.load_terms():
        assert term.key
        assert term.korean
        assert term.english
        assert all(analyser.has_hangul(form) or form.isascii() for form in term.korean)
        assert not any(analyser.has_hangul(form) for form in (*term.english, *term.abbreviations))


def test_no_line_has_a_korean_form_twice() -> None:
    for term in concepts.load_terms():
        assert max(Counter(map(term_keys.korean_key, term.korean)).values()) == 1, term


def test_the_heaviest_form_per_key_is_kept_in_the_spelling_with_most_spaces() -> None:
    forms = concepts.deduplicate_forms(
        [
            concepts.WeightedForm("강화 학습", 0.5),
            concepts.WeightedForm("강화학습", 0.8),
            concepts.WeightedForm("RL", 1.0),
            concepts.WeightedForm("-", 1.0),
        ]
    )
    assert [(form.text, form.weight) for form in forms] == [("RL", 1.0), ("강화 학습", 0.8)]


def test_added_forms_exclude_typed_hidden_and_light_forms() -> None:
    segment = concepts.Segment(
        "강화학습",
        (
            concepts.WeightedForm("강화 학습", 1.0),
            concepts.WeightedForm("reinforcement learning", 1.0),
            concepts.WeightedForm("reinforc", 1.0, is_shown=False),
            concepts.WeightedForm("RL", 0.1),
        ),
    )
    assert segment.added_forms == ["reinforcement learning"]


def test_a_literal_expansion_has_one_form_per_word() -> None:
    segments = concepts.literal_expansion("LLM 추론").segments
    assert [[form.text for form in segment.forms] for segment in segments] == [["LLM"], ["추론"]]
