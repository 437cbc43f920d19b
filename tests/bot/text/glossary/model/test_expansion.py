"""Query expansions: forms without duplicates, and the forms that an answer shows."""

from __future__ import annotations

from bot.text.glossary.model import expansion


def test_the_heaviest_form_per_key_is_kept_in_the_spelling_with_most_spaces() -> None:
    forms = expansion.deduplicate_forms(
        [
            expansion.WeightedForm("강화 학습", 0.5),
            expansion.WeightedForm("강화학습", 0.8),
            expansion.WeightedForm("RL", 1.0),
            expansion.WeightedForm("-", 1.0),
        ]
    )
    assert [(form.text, form.weight) for form in forms] == [("RL", 1.0), ("강화 학습", 0.8)]


def test_added_forms_exclude_typed_hidden_and_light_forms() -> None:
    segment = expansion.Segment(
        "강화학습",
        (
            expansion.WeightedForm("강화 학습", 1.0),
            expansion.WeightedForm("reinforcement learning", 1.0),
            expansion.WeightedForm("reinforc", 1.0, is_shown=False),
            expansion.WeightedForm("RL", 0.1),
        ),
    )
    assert segment.added_forms == ["reinforcement learning"]
    assert expansion.Expansion("강화학습", (segment, segment)).added_forms == ["reinforcement learning"]


def test_a_literal_expansion_has_one_form_per_word() -> None:
    segments = expansion.literal_expansion("LLM 추론").segments
    assert [[form.text for form in segment.forms] for segment in segments] == [["LLM"], ["추론"]]
