"""Conjugated forms of Korean verbs, generated from the dictionary form: 고치다 is 고치는, 고친, 고쳐주는 in a question."""

from __future__ import annotations

from functools import lru_cache

from bot.text.analysis import korean

_RIEUL, _NIEUN, _SSANG_SIOT = 8, 4, 20
"""The numbers of ㄹ, ㄴ and ㅆ as final consonants."""
_BRIGHT_VOWELS = (0, 8)
"""The numbers of ㅏ and ㅗ, which 아 follows; 어 follows the others."""
_CONTRACTED = {8: 9, 13: 14, 20: 6}
"""The vowels that 아 or 어 contracts to: ㅗ to ㅘ, ㅜ to ㅝ, ㅣ to ㅕ."""
_AFTER_STEM = ["고", "기", "기에", "기를", "지", "게", "도록", "며", "거나", "던", "지만"]
_AFTER_STEM_WITHOUT_RIEUL = ["는", "는지", "는데", "는가", "나요", "니까"]
_AFTER_VOWEL = ["면", "면서", "려면", "려고", "려는"]
_AFTER_PERFECT = ["는지", "는데", "던", "다", "을", "을때", "나요"]
_AFTER_FUTURE = ("", "까", "까요", "지", "때")
_AFTER_INFINITIVE = (
    *("", "서", "야", "도", "요", "지는", "진", "질", "지기", "보는", "보기", "놓은", "주는", "주고", "주기"),
    *("주면", "준", "줄", "줘", "줘요", "주세요", "버리는", "버린", "내는", "낸", "낼", "내기"),
)


@lru_cache(maxsize=1 << 9)
def conjugate(verb: str) -> frozenset[str]:
    """Return the forms of a regular verb (고치다), or of a phrase that ends in one (코드를 고치다), that questions have."""
    stem = verb.removesuffix("다")
    first, vowel, final = korean.split_syllable(stem[-1])
    is_open = final in (0, _RIEUL)

    def with_final(number: int) -> str:
        return stem[:-1] + korean.join_syllable(first, vowel, number)

    bare = with_final(0) if final == _RIEUL else stem
    past = with_final(_NIEUN) if is_open else f"{stem}은"
    future = with_final(_RIEUL) if is_open else f"{stem}을"
    forms = {stem + ending for ending in _AFTER_STEM}
    forms |= {bare + ending for ending in _AFTER_STEM_WITHOUT_RIEUL}
    forms |= {(stem if is_open else f"{stem}으") + ending for ending in _AFTER_VOWEL}
    forms |= {past, *(future + ending for ending in _AFTER_FUTURE)}
    infinitive = _infinitive(stem)
    forms |= {infinitive + ending for ending in _AFTER_INFINITIVE}
    perfect = infinitive[:-1] + korean.join_syllable(*korean.split_syllable(infinitive[-1])[:2], _SSANG_SIOT)
    return frozenset(forms | {perfect + ending for ending in _AFTER_PERFECT})


def _infinitive(stem: str) -> str:
    """Return the form with 아 or 어: 고쳐 of 고치, 막아 of 막, 골라 of 고르, 써 of 쓰, 해 of 하."""
    first, vowel, final = korean.split_syllable(stem[-1])
    if stem.endswith("하"):
        return f"{stem[:-1]}해"
    if final:
        return stem + ("아" if vowel in _BRIGHT_VOWELS else "어")
    if vowel in _CONTRACTED:
        return stem[:-1] + korean.join_syllable(first, _CONTRACTED[vowel], 0)
    if stem[-1] not in "쓰끄뜨크르으":
        return stem
    before = korean.split_syllable(stem[-2]) if len(stem) > 1 and korean.is_hangul(stem[-2]) else None
    is_bright = before is not None and before[1] in _BRIGHT_VOWELS
    if stem[-1] == "르" and before is not None and not before[2]:
        return stem[:-2] + korean.join_syllable(*before[:2], _RIEUL) + ("라" if is_bright else "러")
    return stem[:-1] + korean.join_syllable(first, 0 if is_bright else 4, 0)
