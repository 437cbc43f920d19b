"""Abbreviations and their long forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.glossary import mentions


@pytest.mark.parametrize(
    ("text", "abbreviation", "words"),
    [
        ("we use Proximal Policy Optimization", "PPO", "Proximal Policy Optimization"),
        ("new Large Language Models", "LLMs", "Large Language Models"),
        ("Text-to-Image", "T2I", "Text-to-Image"),
        ("the Chain of Thought", "CoT", "Chain of Thought"),
        ("3D Gaussian Splatting", "3DGS", "3D Gaussian Splatting"),
        ("Low-Rank Adaptation", "LoRA", "Low-Rank Adaptation"),
        ("Reinforcement Learning from Human Feedback", "RLHF", "Reinforcement Learning from Human Feedback"),
        ("Variational Autoencoder", "VAE", "Variational Autoencoder"),
        ("Rotary Position Embedding", "RoPE", "Rotary Position Embedding"),
        ("a big model", "XYZ", None),
        ("", "RL", None),
    ],
)
def test_the_shortest_long_form_is_found(text: str, abbreviation: str, words: str | None) -> None:
    assert mentions.long_form(text, abbreviation) == words


@given(st.text(max_size=80), st.text(min_size=1, max_size=12))
def test_a_long_form_is_a_suffix_of_the_text(text: str, abbreviation: str) -> None:
    long_form = mentions.long_form(text, abbreviation)
    assert long_form is None or text.rstrip().endswith(long_form)
