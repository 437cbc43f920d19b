"""Korean spellings of Latin words and names, by all of their sounds: 제미나이 is Gemini, 트랜스포머 transformer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache

from bot.text import analyser

MIN_SYLLABLES, MAX_SYLLABLES = 2, 12
MIN_NAME_LENGTH, MAX_NAME_LENGTH = 3, 40
_MAX_NAMES, _MIN_SHARE = 3, 0.4
"""Names returned per spelling, each of at least this share of the papers of the first."""
_MAX_LETTERS_PER_SYLLABLE, _MAX_LETTERS_PER_SOUND = 5, 12
_INITIAL_ORDER = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWEL_ORDER = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINAL_ORDER = "-ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"

# The spellings of each sound in English words and names, as the National Institute of Korean Language transcribes them
# (외래어 표기법), and as people write them.
_INITIAL_SOUNDS = {
    "ㄱ": "g+|gh|gu", "ㄲ": "k+|c+|g", "ㄴ": "n+|kn|gn", "ㄷ": "d+|t|th", "ㄸ": "t+|d",
    "ㄹ": "l+|r+|wr|rh", "ㅁ": "m+", "ㅂ": "b+|v+", "ㅃ": "p+|b+", "ㅅ": "s+|sh|sch|sc|c|th|ps", "ㅆ": "s+|c",
    "ㅇ": "", "ㅈ": "j|g+|z+|dg", "ㅉ": "z+|j|ts", "ㅊ": "ch|tch|t", "ㅋ": "k+|c+|q|ck|ch|kh|x",
    "ㅌ": "t+|th", "ㅍ": "p+|f+|ph", "ㅎ": "h|wh",
}  # fmt: skip
_VOWELS = {
    "ㅏ": "a+|ah|ar|u", "ㅐ": "a|e|ae|ai|ay|air|are", "ㅑ": "ya|ia|ja", "ㅒ": "ya",
    "ㅓ": "u|er|o|e|ur|or|ir|ear|a|io|ou|eo|ar|ia",
    "ㅔ": "e|a|ai|ay|ei|ea|ae|er", "ㅕ": "ye|yeo|yu|io", "ㅖ": "ye|je|e",
    "ㅗ": "o|oa|au|aw|ow|ou|or|oe|al|oo", "ㅘ": "wa|ua|oa|oi",
    "ㅙ": "we|wa", "ㅚ": "we|oe|oi", "ㅛ": "yo|io|eo", "ㅜ": "u|oo|ou|ew|w|o|ue", "ㅝ": "wo|wa|we|uo|ua|one|wer",
    "ㅞ": "we|wa|ue|e", "ㅟ": "wi|whi|ui|we|ue|y|yu|wee", "ㅠ": "u|yu|ew|ue|you|eau", "ㅡ": "|e|u", "ㅢ": "ui|eui|i",
    "ㅣ": "i|e|ee|ea|y|ie|ei|ey",
}  # fmt: skip
_FINAL_SOUNDS = {
    "-": "", "ㄱ": "k|c|ck|g+|que|ke|x", "ㄲ": "k|ck", "ㄴ": "n+|ne", "ㄷ": "d|t", "ㄹ": "l+|le|r", "ㅁ": "m+|me",
    "ㅂ": "p+|b+|pe|be", "ㅅ": "t+|te|d+|s|th|ts", "ㅇ": "ng|n|ngue", "ㅋ": "k", "ㅌ": "t", "ㅍ": "p|f",
}  # fmt: skip
_DIPHTHONGS = {
    ("ㅏ", "ㅣ"): "i|y|igh|ie|ai|ei|ye|ay|uy", ("ㅔ", "ㅣ"): "a|ai|ay|ei|ey|e", ("ㅐ", "ㅣ"): "a|ai|ay|ei|ey|e",
    ("ㅗ", "ㅣ"): "oi|oy", ("ㅏ", "ㅜ"): "ou|ow|au|ao", ("ㅗ", "ㅜ"): "o|ow|oa|au", ("ㅣ", "ㅓ"): "ia|ear|ier|ere|eo",
    ("ㅏ", "ㅓ"): "ire|ier|yer", ("ㅣ", "ㅏ"): "ia|ya|ea",
}  # fmt: skip
"""Spellings of two vowels in a row, besides those of each."""
_SYLLABLES = {
    "큐": "q|qu|cu|cue|ku|que", "션": "tion|sion|ssion|shon|cian", "전": "sion|gen|jen|zen|john|son",
    "처": "ture|cher|cha",
    "스": "s+|ce|se|th", "직": "sic|gic|zic", "즈": "s|z|ze|se", "츠": "ts|tz", "치": "ch|tch|chi|ci",
    "시": "shi|si|sea|see|sy|c|sh|ci", "지": "ge|ji|gi|zi|gy|zy|dge",
    "쉬": "sh|shi",
    "이": "e|ee|i|ea|y", "아이": "i", "에이": "a", "엑스": "x|ex", "오": "o|au|aw|al",
}  # fmt: skip
"""Further spellings of whole syllables."""


class SoundIndex:
    """Latin names, each with its number of papers, to find those that a Korean spelling sounds like."""

    def __init__(self, names: Mapping[str, int]) -> None:
        self._by_letter: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for name, papers in names.items():
            letters = _letters(name)
            if len(letters) >= MIN_NAME_LENGTH:
                self._by_letter[letters[0]].append((letters, name, papers))

    def find(self, text: str) -> list[str]:
        """Return the names that a Korean word or phrase sounds like, of most papers first; those of far fewer are left out."""
        hangul = "".join(text.split())
        if not MIN_SYLLABLES <= len(hangul) <= MAX_SYLLABLES or not analyser.is_syllables(hangul):
            return []
        has_consonants = re.compile(_consonants(hangul)).match
        found = [
            (papers, letters, name)
            for letter in _first_letters(hangul)
            for letters, name, papers in self._by_letter.get(letter, ())
            if len(hangul) <= len(letters) + 2 and has_consonants(letters) and _spells(hangul, letters)
        ]
        by_letters: dict[str, tuple[int, str]] = {}
        for papers, letters, name in sorted(found):
            by_letters[letters] = papers + by_letters.get(letters, (0, ""))[0], name
        ranked = sorted(by_letters.values(), key=lambda pair: (-pair[0], pair[1]))[:_MAX_NAMES]
        return [name for papers, name in ranked if papers >= _MIN_SHARE * ranked[0][0]]


def _consonants(hangul: str) -> str:
    """Return the pattern of letters that have the first consonants of all syllables in order, which few names do."""
    pattern = final = ""
    for syllable in hangul:
        before, (initial, _, final) = final, _decompose(syllable)
        if initial != "ㅇ" and (before, initial) != ("ㄱ", "ㅅ"):
            spellings = f"{_INITIAL_SOUNDS[initial]}|{_SYLLABLES.get(syllable, '')}".split("|")
            pattern += f".*?[{''.join(sorted({one[0] for one in spellings if one}))}]"
    return pattern


def sounds_like(hangul: str, name: str) -> bool:
    """Tell whether a Korean spelling may stand for a Latin name."""
    letters = _letters(name)
    return (
        len(letters) >= MIN_NAME_LENGTH
        and 1 < len(hangul) <= MAX_SYLLABLES
        and analyser.is_syllables(hangul)
        and _spells(hangul, letters)
    )


def name_pattern(hangul: str) -> str | None:
    """Return a regular expression for the spellings of a person's name; German ones too (볼프: Wolf). None for other texts."""
    if not (1 < len(hangul) <= MAX_SYLLABLES and analyser.is_syllables(hangul)):
        return None
    pattern = "".join(_pieces(hangul)).replace("|(?<=x)", "")
    return pattern.replace("b+|v+", "b+|v+|w").replace("|ew|w|", "|ew|w|wo+|") + "e?"


def _spells(hangul: str, letters: str) -> bool:
    """Tell whether lower-case letters spell Hangul syllables, with or without an e behind the last.

    Sound by sound, with all places that the sounds so far may end at: one pattern for all tries each way to divide the letters
    among them, which takes minutes of 20 times the same letter.
    """
    if len(letters) > min(MAX_NAME_LENGTH, _MAX_LETTERS_PER_SYLLABLE * len(hangul) - 2):
        return False
    ends = {0}
    for sound in _sounds(hangul):
        ends = {
            end
            for start in ends
            for end in range(start, min(len(letters), start + _MAX_LETTERS_PER_SOUND) + 1)
            if sound.fullmatch(letters, start, end)
        }
        if not ends:
            return False
    return len(letters) in ends or (letters.endswith("e") and len(letters) - 1 in ends)


@lru_cache(maxsize=1 << 10)
def _sounds(hangul: str) -> tuple[re.Pattern[str], ...]:
    """Return the patterns of the spellings of each sound, or of two that are spelt together."""
    return tuple(map(_compile, _pieces(hangul)))


_compile = lru_cache(maxsize=1 << 12)(re.compile)


def _pieces(hangul: str) -> Iterator[str]:
    position = 0
    while position < len(hangul):
        syllable, follower = hangul[position], hangul[position + 1 : position + 2]
        initial, vowel, final = _decompose(syllable)
        choices = [_initial(initial, hangul[position - 1] if position else "") + _group(_VOWELS[vowel])]
        step = 1
        if final == "-" and follower:
            next_initial, next_vowel, next_final = _decompose(follower)
            if next_initial == "ㅇ" and (vowel, next_vowel) in _DIPHTHONGS:
                both = _initial(initial, hangul[position - 1] if position else "") + _group(
                    _DIPHTHONGS[vowel, next_vowel]
                )
                first = "|".join(filter(None, (choices[0], _SYLLABLES.get(syllable))))
                apart = f"(?:{first}){_group(_VOWELS[next_vowel])}"
                choices, final, step = [both, apart], next_final, 2
        if step == 1 and final == "-" and syllable in _SYLLABLES:
            choices.append(_SYLLABLES[syllable])
        if step == 1 and final != "-" and syllable in _SYLLABLES:
            yield f"(?:{choices[0]}{_group(_FINAL_SOUNDS[final])}|{_SYLLABLES[syllable]})"
        else:
            yield f"(?:{'|'.join(choices)})" + _final(final, hangul[position + step : position + step + 1])
        position += step


def _initial(initial: str, before: str) -> str:
    """Return spellings of an initial: ㅅ behind ㄱ may be in an x, and ㄹ behind a bare ㅡ is not an l (프로, 플로)."""
    _, vowel, final = _decompose(before) if before else ("", "", "")
    if initial == "ㄹ" and (vowel, final) == ("ㅡ", "-"):
        return "r+"
    return _group(_INITIAL_SOUNDS[initial] + ("|(?<=x)" if (final, initial) == ("ㄱ", "ㅅ") else ""))


def _final(final: str, follower: str) -> str:
    """Return the spellings of a final consonant; ㄹ before ㄹ is one letter with it."""
    if final == "ㄹ" and follower and _decompose(follower)[0] == "ㄹ":
        return ""
    return _group(_FINAL_SOUNDS.get(final, "-"))


def _group(spellings: str) -> str:
    return f"(?:{spellings})" if spellings else ""


def _decompose(syllable: str) -> tuple[str, str, str]:
    initial, vowel, final = analyser.split_syllable(syllable)
    return _INITIAL_ORDER[initial], _VOWEL_ORDER[vowel], _FINAL_ORDER[final]


@lru_cache(maxsize=1 << 10)
def _first_letters(hangul: str) -> str:
    initial, vowel, _ = _decompose(hangul[0])
    spellings = "|".join(
        (_INITIAL_SOUNDS[initial] or _VOWELS[vowel], _SYLLABLES.get(hangul[0], ""), _INITIAL_SOUNDS[initial])
    )
    if initial == "ㅇ":
        spellings += "|" + "|".join(value for (first, _), value in _DIPHTHONGS.items() if first == vowel)
    return "".join(sorted({spelling[0] for spelling in spellings.split("|") if spelling}))


def _letters(name: str) -> str:
    """Return the folded letters of a name; "" if it has others than Latin ones, hyphens and spaces."""
    letters = analyser.fold(name)
    if not letters.isalpha():
        letters = re.sub(r"[\s\-]+", "", letters)
    return letters if letters.isascii() and letters.isalpha() else ""
