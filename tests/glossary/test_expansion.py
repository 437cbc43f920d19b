"""Query expansions: forms without duplicates, and the forms that an answer shows."""

from __future__ import annotations

from bot.glossary import concepts


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
    assert concepts.Expansion("강화학습", (segment, segment)).added_forms == ["reinforcement learning"]


def test_a_literal_expansion_has_one_form_per_word() -> None:
    segments = concepts.literal_expansion("LLM 추론").segments
    assert [[form.text for form in segment.forms] for segment in segments] == [["LLM"], ["추론"]]
