"""The conjugated forms of Korean verbs."""

from __future__ import annotations

import pytest

from bot.text import questions


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("고치다", "고치는 고친 고칠 고쳐 고쳤는지 고쳐주는 고쳐줘 고치기 고치려면"),
        ("막다", "막는 막은 막을 막아 막으면 막아주는 막고"),
        ("잊다", "잊는 잊어버리는 잊어 잊지"),
        ("고르다", "고르는 고른 골라 골라내는"),
        ("모으다", "모으는 모은 모아"),
        ("쓰다", "쓰는 쓸 써 써주는"),
        ("지우다", "지우는 지운 지워 지워주는"),
        ("보다", "보는 본 봐 봐도"),
        ("만들다", "만드는 만든 만들면 만들어 만들어내는"),
        ("번역하다", "번역하는 번역한 번역할 번역해 번역해주는"),
        ("끄다", "끄는 꺼"),
    ],
)
def test_a_verb_has_its_forms(verb: str, forms: str) -> None:
    assert set(forms.split()) <= questions.conjugate(verb)


def test_a_phrase_is_conjugated_at_its_end() -> None:
    assert {"코드를 고치는", "코드를 고쳐주는"} <= questions.conjugate("코드를 고치다")
