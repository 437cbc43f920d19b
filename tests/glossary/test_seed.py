"""The seed list is well formed and has no duplicates."""

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
