"""Finds Latin names by their Korean spelling, sound by sound: 제미나이 is Gemini, 트랜스포머 is transformer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from bot.text import analyser, seed, typography

MIN_SYLLABLES, MAX_SYLLABLES = 2, 12
MIN_NAME_LENGTH, MAX_NAME_LENGTH = 3, 40
_MAX_NAMES, _MIN_SHARE = 3, 0.4
"""The maximum number of names returned, and the minimum share of the first name's papers that each must have."""
_MAX_LETTERS_PER_SYLLABLE, _MAX_LETTERS_PER_SOUND = 5, 12
_INITIAL_ORDER = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWEL_ORDER = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINAL_ORDER = "-ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"


@lru_cache(maxsize=2)
def _sounds(*, of_people: bool = False) -> Mapping[str, Mapping[str, str]]:
    """Return the spellings of sounds by kind and sound, if `of_people` with those only of names of people."""
    tables = seed.read_spellings("sounds.tsv")
    return {
        kind: {
            sound: "|".join(filter(None, cell.split("/")[: 1 + of_people])) for sound, cell in table.items()
        }
        for kind, table in tables.items()
    }


class SoundIndex:
    """Latin names with paper counts, searchable by Korean spelling."""

    def __init__(self, names: Mapping[str, int]) -> None:
        self._names: dict[str, list[tuple[int, str]]] = {}
        for name, papers in names.items():
            if len(letters := _letters(name)) >= MIN_NAME_LENGTH:
                self._names.setdefault(letters, []).append((papers, name))
        self._lines = "\n".join(self._names)

    def find(self, text: str) -> list[str]:
        """Return the names that a Korean text sounds like, most papers first, omitting much rarer ones."""
        hangul = "".join(text.split())
        if not MIN_SYLLABLES <= len(hangul) <= MAX_SYLLABLES or not analyser.is_syllables(hangul):
            return []
        similar = (match[0] for match in _compile(_consonants(hangul), re.MULTILINE).finditer(self._lines))
        alike = (self._names[letters] for letters in similar if spells(hangul, letters))
        by_spelling = [(sum(papers for papers, _ in names), max(names)[1]) for names in alike]
        ranked = sorted(by_spelling, key=lambda pair: (-pair[0], pair[1]))[:_MAX_NAMES]
        return [name for papers, name in ranked if papers >= _MIN_SHARE * ranked[0][0]]


@lru_cache(maxsize=1)
def _letter_pattern() -> re.Pattern[str]:
    return re.compile("|".join(sorted(_sounds()["letter"], key=len, reverse=True)))


def read_letters(hangul: str) -> str:
    """Return the letters whose names a Korean text says, at least two: GPT for 지피티; "" for another text."""
    joined, letters = "".join(hangul.split()), _sounds()["letter"]
    names = _letter_pattern().findall(joined)
    return "".join(map(letters.__getitem__, names)) if len(names) > 1 and "".join(names) == joined else ""


_CONSONANT_CLASSES = ("ㄱㄲㅋcgkq", "ㄴㅇn", "ㄷㄸㅌdt", "ㄹlr", "ㅁm", "ㅂㅃㅍbpfv", "ㅅㅆㅈㅉㅊsjz")
_CLASS_OF = {letter: of[0] for of in _CONSONANT_CLASSES for letter in of} | {"x": "ㄱㅅ"}


def list_consonants(text: str) -> str:
    """Return the classes of a text's consonants in order, the same for a name in Latin letters and Hangul; and its digits."""
    sounds = list[str]()
    for letter in analyser.fold(text):
        if analyser.is_syllables(letter):
            initial, _, final = _decompose(letter)
            sounds += [initial if initial != "ㅇ" else "", final]
        else:
            sounds.append(letter)
    return "".join(one if one.isdigit() else _CLASS_OF.get(one, "") for one in sounds)


_PLAIN_VOWELS = dict(zip("ᅣᅤᅧᅨᅭᅲ", "ᅡᅢᅥᅦᅩᅮ", strict=True))
_HEARD_AS = str.maketrans("ᅦᆮᇀᆿᇁ", "ᅢᆺᆺᆨᆸ")
_FINALS_OF_STOPS = {"ᄏ": "ᆨ", "ᄐ": "ᆺ", "ᄑ": "ᆸ"}


def respell(hangul: str) -> str:
    """Return a word with 주 for 쥬, 자 for 쟈, 초 for 쵸 and so on, as the orthography of loanwords demands."""
    letters = typography.normalise("NFD", hangul)
    letters = re.sub("(?<=[ᄌᄍᄎ])[ᅣᅤᅧᅨᅭᅲ]", lambda vowel: _PLAIN_VOWELS[vowel[0]], letters)
    return typography.normalise("NFC", letters)


def sound_key(hangul: str) -> str:
    """Return the letters of a Korean word, the same for all spellings of a loanword that sound alike.

    Writers differ where the orthography of loanwords has a rule: a syllable does not end in ㄷ, ㅌ, ㅋ or ㅍ, a stop is a
    final or has ㅡ (로봇, 로보트), and sh, ch and j end in ㅣ (캐시, 캐쉬). ㅐ and ㅔ are one sound.
    """
    letters = typography.normalise("NFD", respell(hangul)).translate(_HEARD_AS)
    letters = re.sub("(?<=[ᄉᄌᄎ])ᅱ", "ᅵ", letters)
    return re.sub("(?<=[ᅡ-ᅵ])([ᄏᄐᄑ])ᅳ(?![ᆨ-ᇂ])", lambda stop: _FINALS_OF_STOPS[stop[1]], letters)


def _consonants(hangul: str, *, of_people: bool = False) -> str:
    """Return a pattern to preselect names that contain the initial consonants of all syllables in order."""
    pattern, sounds = "", _sounds(of_people=of_people)
    final = ""
    for syllable in hangul:
        before, (initial, vowel, final) = final, _decompose(syllable)
        kind, sound = ("vowel", vowel) if initial == "ㅇ" and not pattern else ("initial", initial)
        if kind == "vowel" or (initial != "ㅇ" and (before, initial) != ("ㄱ", "ㅅ")):
            both = [of for pair, of in sounds["vowels"].items() if kind == "vowel" and pair[0] == vowel]
            spellings = "|".join((sounds[kind][sound], sounds["syllable"].get(syllable, ""), *both))
            firsts = {spelling[0] for spelling in spellings.split("|") if spelling}
            pattern += f"{'.*?' if before else '^'}[{''.join(firsts)}]"
    return pattern + ".*"


def name_pattern(hangul: str) -> str | None:
    """Return a pattern for the spellings of a word of a person's name; None for other texts."""
    if not (1 <= len(hangul) <= MAX_SYLLABLES and analyser.is_syllables(hangul)):
        return None
    return "".join(_pieces(hangul, of_people=True)) + "e?"


def name_outline(hangul: str) -> str:
    """Return a pattern for words with the consonants of a word for which `name_pattern` has a pattern."""
    return _consonants(hangul, of_people=True).removeprefix("^").replace("*?", "*")


def spells(hangul: str, letters: str) -> bool:
    """Return whether lower-case letters spell Hangul syllables, ignoring a silent e at the end.

    Tracks every position where the sounds matched so far may end, because a single pattern could backtrack
    for minutes on one letter repeated 20 times.
    """
    if (
        not len(hangul) - 2
        <= len(letters)
        <= min(MAX_NAME_LENGTH, _MAX_LETTERS_PER_SYLLABLE * len(hangul) - 2)
    ):
        return False
    ends = {0}
    for sound in _patterns(hangul):
        ends = {
            end
            for start in ends
            for end in range(start, min(len(letters), start + _MAX_LETTERS_PER_SOUND) + 1)
            if sound.fullmatch(letters, start, end)
        }
    return len(letters) in ends or (letters.endswith("e") and len(letters) - 1 in ends)


@lru_cache(maxsize=1 << 10)
def _patterns(hangul: str) -> tuple[re.Pattern[str], ...]:
    return tuple(map(_compile, _pieces(hangul)))


_compile = lru_cache(maxsize=1 << 12)(re.compile)


def _pieces(hangul: str, *, of_people: bool = False) -> Iterator[str]:
    """Yield a pattern for the spellings of each syllable, or of two syllables whose vowels are spelled together.

    A final ㄱ is in the pattern of a ㅅ after it, because x spells both. ㄹ after a bare ㅡ is not an l (프로, 플로).
    """
    sounds, position, before = _sounds(of_people=of_people), 0, ("", "")
    vowels = sounds["vowel"]
    while position < len(hangul):
        syllable, following = hangul[position], hangul[position + 1 : position + 2]
        initial, vowel, final = _decompose(syllable)
        start = "r+" if (*before, initial) == ("ㅡ", "-", "ㄹ") else _group(sounds["initial"][initial])
        stop = _group(sounds["final"]["ㄱ"]) if (before[1], initial) == ("ㄱ", "ㅅ") else ""
        listed, onset = sounds["syllable"].get(syllable, ""), sounds["onset"].get(initial + vowel, "")
        rest, whole, position = vowels[vowel], onset, position + 1
        next_initial, next_vowel, next_final = _decompose(following or "가")
        if final == "-" and next_initial == "ㅇ" and (both := sounds["vowels"].get(vowel + next_vowel)):
            alternatives = "|".join(filter(None, (start + _group(rest), onset, listed)))
            whole, rest, listed = f"(?:{alternatives}){_group(vowels[next_vowel])}", both, ""
            vowel, final, position = next_vowel, next_final, position + 1
        end = _final(sounds["final"], final, hangul[position : position + 1])
        rhymes = filter(None, (_group(rest) + end, sounds["rhyme"].get(vowel + final)))
        tail = _group("|".join(rhymes))
        spelt = "|".join((start + tail, *filter(None, (whole and _group(whole) + end, listed))))
        yield _group(f"{stop}{_group(spelt)}|x{tail}" if stop else spelt)
        before = vowel, final


def _final(finals: Mapping[str, str], final: str, follower: str) -> str:
    """Return the spellings of a final consonant. ㄹ before ㄹ adds no letter, ㄱ before ㅅ is read with it."""
    if follower and (final, _decompose(follower)[0]) in (("ㄹ", "ㄹ"), ("ㄱ", "ㅅ")):
        return ""
    return _group(finals.get(final, "-"))


def _group(spellings: str) -> str:
    return f"(?:{spellings})" if spellings else ""


def _decompose(syllable: str) -> tuple[str, str, str]:
    initial, vowel, final = analyser.split_syllable(syllable)
    return _INITIAL_ORDER[initial], _VOWEL_ORDER[vowel], _FINAL_ORDER[final]


def _letters(name: str) -> str:
    """Return a name's folded letters; "" if it has anything but Latin letters, hyphens and spaces."""
    letters = re.sub(r"[\s\-]+", "", analyser.fold(name))
    return letters if letters.isascii() and letters.isalpha() else ""
