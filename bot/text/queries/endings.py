"""Particles and verb endings of the words of a query: LLM의 is LLM, 로봇이 is 로봇, 학습시키나요 is 학습.

The analyser strips only what nouns rarely end in (평가, 해상도). A query's word may lose more, where grammar allows it
and what remains is a known word.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.text.analysis import korean

MAX_WORD_LENGTH = 64
"""Characters; longer words are left as typed."""
_PARTICLE_LIST = (
    "이 가 은 는 을 를 의 에 에서 에게 한테 로 으로 로서 으로서 로써 으로써 와 과 랑 이랑 하고 도 만 까지 부터 처럼 같이 보다"
    " 마다 이나 나 이란 란 이라는 라는 이라고 라고 이든 든 뿐 밖에 대로 별 용 들 인 이고 이며 인데 인가 인가요 이야 야 이다"
    " 입니다 입니까 인지 이냐 요 에요 예요 이에요"
)
_PARTICLE = "|".join(sorted(_PARTICLE_LIST.split(), key=len, reverse=True))
_HANGUL_TAIL = re.compile(rf"[{korean.SYLLABLES}]+\Z")
_LATIN = re.compile("[A-Za-z]")
_PARTICLES = re.compile(f"(?:{_PARTICLE}){{1,3}}")
# The particle that follows a final consonant, or none (ㄹ counts as none before 로): 로봇이 is 로봇 + 이, 전문가 is one word.
_AFTER_CONSONANT = ("이랑", "이나", "이란", "이라는", "이라고", "이고", "이며", "이", "과")
_AFTER_VOWEL = ("랑", "나", "란", "라는", "라고", "가", "로")
_ANY_LIST = (
    "에서의 에서는 에서도 에서 으로 에게 한테 까지 부터 처럼 같이 보다 마다 입니다 인가요 인가"
    " 인지 인데 하고 적인 적으로 적 뿐 용 별 도 만 인"
)
_AFTER_ANY = tuple(_ANY_LIST.split())
_VERB_LIST = (
    "하나요 할까요 할까 하는지 하는가 하는데 하려면 하려고 하려는 하게 하자 해요 합니까 하죠 한 할 해 해서 해야 했나요 했을때"
    " 하는 하고 하기 하지 하며 하면 하여 한다 합니다 하던 할때 해주는"
    " 시키나요 시킬까요 시킬까 시키는지 시키려면 시키는 시키고 시키기 시킬 시킨 시켜 시켜서 시키면"
    " 되나요 될까요 될까 되는지 되는가 되려면 되게 된 될 돼 돼요 돼서 되어 되는 되고 되기 되면"
)
_VERB_ENDINGS = tuple(sorted(_VERB_LIST.split(), key=len, reverse=True))
_RIEUL = 8
"""The number of ㄹ as a final consonant."""


def strip_query_word(word: str, is_known: Callable[[str], bool]) -> str:
    """Return a word of a query without its particles and verb endings, or as it is.

    `is_known` tells whether a text is a word of the archive or the glossary; a known word stays whole.
    """
    if len(word) > MAX_WORD_LENGTH or not korean.ends_in_hangul(word):
        return word
    core = _HANGUL_TAIL.sub("", word)
    if _LATIN.search(core):
        return _strip_after_latin(word, core, word[len(core) :], is_known)
    return word if core else _strip_hangul(word, is_known)


def _strip_after_latin(word: str, core: str, tail: str, is_known: Callable[[str], bool]) -> str:
    """Return LLM for LLM의, and "LLM 기반" for LLM기반 if both are known."""
    if is_known(word):
        return word
    if _PARTICLES.fullmatch(tail):
        return core
    # A particle may be joined to a word: RAG를이용한.
    return f"{core} {tail}" if len(tail) > 1 and is_known(core) else word


def _strip_hangul(word: str, is_known: Callable[[str], bool]) -> str:
    if is_known(word) or len(word) < 3:
        return word
    for stem in _possible_stems(word):
        if len(stem) >= 2 and (is_known(stem) or is_known(korean.strip_ending(stem))):
            return stem
    return word


def _possible_stems(word: str) -> list[str]:
    """Return what may remain of a word without one ending, the longest ending first."""
    stems = [word[: -len(ending)] for ending in _VERB_ENDINGS if word.endswith(ending)]
    stems += [word[: -len(ending)] for ending in _AFTER_ANY if word.endswith(ending)]
    for endings, wants_consonant in ((_AFTER_CONSONANT, True), (_AFTER_VOWEL, False)):
        for ending in endings:
            if word.endswith(ending) and len(word) > len(ending):
                stem = word[: -len(ending)]
                if _has_consonant(stem[-1], ending) == wants_consonant:
                    stems.append(stem)
    return stems


def _has_consonant(syllable: str, ending: str) -> bool:
    """Tell whether a syllable has a final consonant; before 로, ㄹ is none."""
    final = korean.split_syllable(syllable)[2]
    return final > 0 and not (ending == "로" and final == _RIEUL)
