"""Korean text: syllable bigrams, and words without their particles and verb endings.

No morphological analysis: an ending is stripped only where that cannot hide a word from a query.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

SYLLABLES = "\uac00-\ud7a3"
"""Hangul syllables as part of a regular expression's class."""
HANGUL = f"\u1100-\u11ff{SYLLABLES}"
"""Hangul syllables and letters (NFKC) as part of a regular expression's class."""

# Endings that turn a noun of two or more syllables into a verb or an adverb: 제안합니다, 활용하여, 강화된.
_VERB_ENDINGS = (
    "하였습니다 했습니다 되었습니다 됐습니다 시켰습니다 시킵니다 시키는 시키고 시켜 하였으며 했으며 되었으며 "
    "하였다 했다 되었다 됐다 합니다 됩니다 입니다 한다 된다 이다 하는 되는 하여 되어 하고 되고 하며 되며 하기 되기 "
    "하면 되면 하지 되지 하도록 되도록 하면서 되면서 된"
)
# Particles. 이, 가, 도, 로, 과 and 지 end too many nouns to be stripped (평가, 전문가, 높이, 지도, 해상도, 효과);
# bigrams match the noun before them anyway.
_PARTICLES = (
    "으로부터 에서부터 에서는 에서의 에서도 에게서 으로서 으로써 으로는 으로의 으로도 이라는 이라고 까지의 "
    "로부터 에서 에게 으로 부터 까지 처럼 보다 만을 만의 들이 들은 들을 들의 들에 에는 에도 에만 와의 과의 로의 로서 "
    "로써 로는 라는 을 를 은 는 의 에 와 들"
)
# Every particle may follow a noun of one syllable: 뇌를, 말이, 책도.
_SHORT_PARTICLES = frozenset("을를은는이가의에와과도로만")
_LONG_PARTICLES = frozenset(("에서", "으로", "에게", "까지", "부터", "처럼", "보다", "에는", "에도"))
# The letters of a syllable in Unicode order (The Unicode Standard, 3.12); letters of two keystrokes as two.
_LEADING_CONSONANTS = tuple("ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ")
_VOWEL_KEYS = "ㅏ ㅐ ㅑ ㅒ ㅓ ㅔ ㅕ ㅖ ㅗ ㅗㅏ ㅗㅐ ㅗㅣ ㅛ ㅜ ㅜㅓ ㅜㅔ ㅜㅣ ㅠ ㅡ ㅡㅣ ㅣ"
_TRAILING_KEYS = (
    "ㄱ ㄲ ㄱㅅ ㄴ ㄴㅈ ㄴㅎ ㄷ ㄹ ㄹㄱ ㄹㅁ ㄹㅂ ㄹㅅ ㄹㅌ ㄹㅍ ㄹㅎ ㅁ ㅂ ㅂㅅ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ"
)
_VOWELS = tuple(_VOWEL_KEYS.split())
_TRAILING_CONSONANTS = ("", *_TRAILING_KEYS.split())
_HANGUL = re.compile(f"[{HANGUL}]")
_SYLLABLE = re.compile(f"[{SYLLABLES}]")
_SYLLABLES_ONLY = re.compile(f"[{SYLLABLES}]+")
_PROTECTED_WORDS = frozenset(("자유주의", "민주주의", "재정의", "사용자정의", "온라인강의"))


@lru_cache(maxsize=1)
def _endings_by_last_syllable() -> dict[str, tuple[str, ...]]:
    """Group the endings by their last syllable, longest first, so that each word is compared with few of them."""
    groups: dict[str, list[str]] = {}
    for ending in sorted(f"{_VERB_ENDINGS} {_PARTICLES}".split(), key=len, reverse=True):
        groups.setdefault(ending[-1], []).append(ending)
    return {last: tuple(group) for last, group in groups.items()}


def strip_ending(word: str) -> str:
    """Return a Hangul word without its particles and verb endings, at least two syllables long.

    Only endings that nouns rarely have are stripped: 학습을 gives 학습, 평가 and 해상도 stay.
    """
    endings = _endings_by_last_syllable()
    while len(word) > 2 and word not in _PROTECTED_WORDS:
        for ending in endings.get(word[-1], ()):
            if word.endswith(ending) and len(word) - len(ending) >= 2:
                word = word[: -len(ending)]
                break
        else:
            return word
    return word


def strip_term(term: str) -> str:
    """Return a term that begins in Hangul without its ending (see `strip_ending`); others, such as LLM을, as they are."""
    return strip_ending(term) if is_hangul(term) else term


def monosyllabic_noun(word: str) -> str | None:
    """Return the noun of a word that consists of one syllable and a particle (뇌를 gives 뇌), or None."""
    if len(word) == 3 and word[1:] in _LONG_PARTICLES:
        return word[0]
    return word[0] if len(word) == 2 and word[1] in _SHORT_PARTICLES else None


def is_particle(ending: str) -> bool:
    """Tell whether `ending` is a particle that can follow any noun, including a Latin one: LLM을, LLM에서."""
    return ending in _SHORT_PARTICLES or ending in _LONG_PARTICLES


def fewest_pieces(word: str, is_known: Callable[[str], bool], max_length: int) -> list[str] | None:
    """Return `word` cut into the fewest known pieces of 2 to `max_length` syllables; None if there is no such cut."""
    best: list[list[str] | None] = [[]] + [None] * len(word)
    for end in range(2, len(word) + 1):
        for start in range(max(0, end - max_length), end - 1):
            previous, piece = best[start], word[start:end]
            if previous is None or not is_known(piece):
                continue
            shortest = best[end]
            if shortest is None or len(previous) + 1 < len(shortest):
                best[end] = [*previous, piece]
    return best[len(word)]


def bigrams(run: str) -> list[str]:
    """Return the overlapping pairs of syllables of a run; a single syllable is returned as it is."""
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def keystrokes(text: str) -> str:
    """Return `text` with each Hangul syllable as the letters typed for it on a Korean keyboard.

    The prefixes of 모델 while it is typed are 모, 몯 and 모데: they are prefixes of it only letter by letter.
    """
    return "".join(map(_letter_keystrokes, text)) if _HANGUL.search(text) else text


@lru_cache(maxsize=1 << 12)
def _letter_keystrokes(letter: str) -> str:
    if is_syllables(letter):
        first, vowel, last = split_syllable(letter)
        return _LEADING_CONSONANTS[first] + _VOWELS[vowel] + _TRAILING_CONSONANTS[last]
    for base, letters in ((0x1100, _LEADING_CONSONANTS), (0x1161, _VOWELS), (0x11A7, _TRAILING_CONSONANTS)):
        if 0 <= ord(letter) - base < len(letters):
            return letters[ord(letter) - base]
    return letter


def has_final_consonant(letter: str) -> bool:
    """Tell whether a letter is a Hangul syllable with a final consonant."""
    return is_syllables(letter) and split_syllable(letter)[2] > 0


def split_syllable(syllable: str) -> tuple[int, int, int]:
    """Return the numbers, in Unicode order, of the first consonant, the vowel and the final consonant (0: none)."""
    first, rest = divmod(ord(syllable) - ord("가"), len(_VOWELS) * len(_TRAILING_CONSONANTS))
    return first, *divmod(rest, len(_TRAILING_CONSONANTS))


def join_syllable(first: int, vowel: int, final: int) -> str:
    """Return the syllable of which `split_syllable` gives these numbers."""
    return chr(ord("가") + (first * len(_VOWELS) + vowel) * len(_TRAILING_CONSONANTS) + final)


def is_syllables(text: str) -> bool:
    """Tell whether a text consists of Hangul syllables, at least one."""
    return _SYLLABLES_ONLY.fullmatch(text) is not None


def is_hangul(word: str) -> bool:
    """Tell whether a word begins with a Hangul syllable or letter."""
    return "\uac00" <= word[:1] <= "\ud7a3" or "\u1100" <= word[:1] <= "\u11ff"


def has_hangul(text: str) -> bool:
    """Tell whether a text holds a Hangul syllable."""
    return _SYLLABLE.search(text) is not None


def ends_in_hangul(word: str) -> bool:
    """Tell whether a word ends with a Hangul syllable or letter."""
    return is_hangul(word[-1:])
