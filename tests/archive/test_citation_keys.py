"""Citation keys as researchers write them, each once in a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import exports


@pytest.mark.parametrize(
    ("arxiv_id", "title", "authors", "key"),
    [
        ("2502.11089", "Native Sparse Attention", ["Jingyang Yuan"], "yuan2025native"),
        ("2502.11089", "On the $\\alpha$-Über-Net", ["Loïc Müller"], "muller2025uber"),
        ("math/9910001", "A Theory of It", ["Kim Min-jun", "Ada Lovelace"], "kim1999theory"),
        ("2502.11089", "확산 모델", ["김민준"], "kim2025"),
        ("2502.11089", "확산 모델 for Speech", ["王小明", "Ada B. Lovelace"], "lovelace2025speech"),
        ("2502.11089", None, [], "arxiv:2502.11089"),
    ],
)
def test_a_key_is_surname_year_and_first_word(
    arxiv_id: str, title: str | None, authors: list[str], key: str
) -> None:
    assert exports.make_key(arxiv_id, title, authors) == key


@given(st.text(), st.lists(st.text(), max_size=2))
def test_a_key_is_short_and_valid_for_any_text(title: str, authors: list[str]) -> None:
    key = exports.make_key("2502.11089", title, authors)
    assert key.isascii()
    assert key.replace(":", "").replace(".", "").isalnum()
    assert len(key) <= 64


@given(st.lists(st.sampled_from(["a", "ab", "abc"]), max_size=120))
def test_repeated_keys_become_unique(keys: list[str]) -> None:
    unique = exports.make_unique(keys)
    assert len(set(unique)) == len(keys)
    assert all(made.startswith(key) for made, key in zip(unique, keys, strict=True))
    assert exports.make_unique(["k", "k", "k"]) == ["k", "kb", "kc"]
