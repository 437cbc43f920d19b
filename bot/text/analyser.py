"""The analyser splits text into the tokens shared by indexing, search, alerts and autocomplete.

Latin words are folded and stemmed; Hangul words lose their particles. The index stores the same words in order, with
runs of Hangul as overlapping bigrams, so that a phrase is a sequence of adjacent tokens. Unordered variants for
single-word matches follow: joined forms (gpt-4o also as gpt4o) and parts (gpt4o also as gpt).

There is no morphological analysis. An ending is stripped only where doing so cannot hide a word from a query.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from itertools import pairwise
from typing import NamedTuple, TypeVar

import Stemmer

from bot.text import seed, typography

SYLLABLES = "\uac00-\ud7a3"
"""Hangul syllables, for a character class in a regular expression."""
HANGUL = f"\u1100-\u11ff{SYLLABLES}"
"""Hangul syllables and letters (NFKC), for a character class in a regular expression."""

SHORT_PARTICLES = frozenset("을를은는이가의에와과도로만")
"""One-syllable particles, which can also follow a one-syllable noun: 뇌를, 말이, 책도."""
_LONG_PARTICLES = frozenset(("에서", "으로", "에게", "까지", "부터", "처럼", "보다", "에는", "에도"))
_FINALS = 28
_VOWELS_AND_FINALS = 21 * _FINALS
_KEYS_FROM = {
    0x1100: "ㄱ ㄲ ㄴ ㄷ ㄸ ㄹ ㅁ ㅂ ㅃ ㅅ ㅆ ㅇ ㅈ ㅉ ㅊ ㅋ ㅌ ㅍ ㅎ",
    0x1161: "ㅏ ㅐ ㅑ ㅒ ㅓ ㅔ ㅕ ㅖ ㅗ ㅗㅏ ㅗㅐ ㅗㅣ ㅛ ㅜ ㅜㅓ ㅜㅔ ㅜㅣ ㅠ ㅡ ㅡㅣ ㅣ",
    0x11A8: "ㄱ ㄲ ㄱㅅ ㄴ ㄴㅈ ㄴㅎ ㄷ ㄹ ㄹㄱ ㄹㅁ ㄹㅂ ㄹㅅ ㄹㅌ ㄹㅍ ㄹㅎ ㅁ ㅂ ㅂㅅ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ",
}
_KEYS = {
    code: keys for first, listed in _KEYS_FROM.items() for code, keys in enumerate(listed.split(), first)
}
"""The keys for each letter of a decomposed syllable on a Korean keyboard. Some letters take two keys."""
_SYLLABLE = re.compile(f"[{SYLLABLES}]")
_SYLLABLES_ONLY = re.compile(f"[{SYLLABLES}]+")

Value = TypeVar("Value")
_MAX_CACHED_LENGTH = 64


def remembered(
    maxsize: int, *, max_length: int = _MAX_CACHED_LENGTH
) -> Callable[[Callable[[str], Value]], Callable[[str], Value]]:
    """Cache a function's results for the last `maxsize` texts of at most `max_length` characters.

    Longer texts are not cached: the results for a query of 2,000 characters can take 50 kB.
    """

    def decorate(compute: Callable[[str], Value]) -> Callable[[str], Value]:
        remember = lru_cache(maxsize)(compute)

        @wraps(compute)
        def find(text: str) -> Value:
            return (remember if len(text) <= max_length else compute)(text)

        return find

    return decorate


@lru_cache(maxsize=1)
def _endings_by_last_syllable() -> dict[str, list[str]]:
    """Return particles and verb or adverb endings (제안합니다) by last syllable, longest first.

    이, 가, 도, 로, 과 and 지 are excluded because too many nouns end in them (평가, 높이, 지도, 효과). Bigrams still match
    a noun before such a particle.
    """
    return group_endings(seed.read_data("endings.txt").split())


def group_endings(endings: Iterable[str]) -> dict[str, list[str]]:
    """Return endings by last syllable, longest first."""
    groups: dict[str, list[str]] = {}
    for ending in sorted(endings, key=len, reverse=True):
        groups.setdefault(ending[-1], []).append(ending)
    return groups


def strip_ending(word: str) -> str:
    """Return a Hangul word without its particles and verb endings, keeping at least two syllables.

    Only endings rare in nouns are stripped: 학습을 becomes 학습, but 평가 and 해상도 stay.
    """
    endings = _endings_by_last_syllable()
    while len(word) > 2:
        for ending in endings.get(word[-1], ()):
            if word.endswith(ending) and len(word) - len(ending) >= 2:
                word = word[: -len(ending)]
                break
        else:
            return word
    return word


def monosyllabic_noun(word: str) -> str | None:
    """Return the noun of a word that is a one-syllable noun and a particle (뇌 for 뇌를); None for other words."""
    if len(word) == 3 and word[1:] in _LONG_PARTICLES:
        return word[0]
    return word[0] if len(word) == 2 and word[1] in SHORT_PARTICLES else None


def is_particle(ending: str) -> bool:
    """Return whether an ending is a particle that can follow any noun, even a Latin one: LLM을, LLM에서."""
    return ending in SHORT_PARTICLES or ending in _LONG_PARTICLES


def bigrams(run: str) -> list[str]:
    """Return the overlapping pairs of syllables in a run; a single syllable is returned as it is."""
    return [*map(str.__add__, run, run[1:])] or [run]


_LATIN_KEYS, _HANGUL_KEYS = (
    "qwertyuiopasdfghjklzxcvbnm",
    "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ",
)
OTHER_LAYOUT = str.maketrans(_LATIN_KEYS + _HANGUL_KEYS, _HANGUL_KEYS + _LATIN_KEYS)
"""What the keys give while the keyboard has the other layout: 로봇 for fhqht, LLM for ㅣㅣㅡ."""


def keystrokes(text: str) -> str:
    """Replace each Hangul syllable with the letters typed for it on a Korean keyboard.

    While someone types 모델, the field shows 모, 몯 and 모데, which are prefixes of 모델 only letter by letter.
    """
    return text if text.isascii() else typography.normalise("NFD", text).translate(_KEYS)


def has_final_consonant(letter: str) -> bool:
    return is_syllables(letter) and split_syllable(letter)[2] > 0


def split_syllable(syllable: str) -> tuple[int, int, int]:
    """Return the indexes (in Unicode order) of a syllable's initial, vowel and final; 0 if it has no final."""
    first, rest = divmod(ord(syllable) - ord("가"), _VOWELS_AND_FINALS)
    return first, *divmod(rest, _FINALS)


def is_syllables(text: str) -> bool:
    """Return whether a text is non-empty and consists only of Hangul syllables."""
    return _SYLLABLES_ONLY.fullmatch(text) is not None


def is_hangul(word: str) -> bool:
    """Return whether a word begins with a Hangul syllable or letter."""
    return "\uac00" <= word[:1] <= "\ud7a3" or "\u1100" <= word[:1] <= "\u11ff"


def has_hangul(text: str) -> bool:
    """Return whether a text contains a Hangul syllable."""
    return not text.isascii() and _SYLLABLE.search(text) is not None


def ends_in_hangul(word: str) -> bool:
    """Return whether a word ends with a Hangul syllable or letter."""
    return is_hangul(word[-1:])


# Accents, Hebrew points and Arabic vowels; not Kana voicing marks and Indic vowel signs, because removing them would
# change the word.
_COMBINING_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]+"
)
_BASE_LETTERS = str.maketrans(
    {**dict(zip("øłđðħıŧ", "olddhit", strict=True)), "æ": "ae", "œ": "oe", "þ": "th", "ß": "ss"}
)
_GREEK_LETTER = re.compile("(?<![α-ω])[α-ω](?![α-ω])")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_NON_NAME_CHARACTERS = re.compile(r"[^\w]+|_+")
_ASCII_AND_SYLLABLES = re.compile("[\0-\x7f\uac00-\ud7a3]*")
"""Matches nearly all texts. Folding these only needs lower case, since Hangul syllables have no marks or case."""
_APOSTROPHES = str.maketrans("", "", "'’‘`´ʼ")


def fold(text: str) -> str:
    """Return `text` in NFC without case, compatibility forms and diacritics. Folding twice changes nothing.

    A Greek letter by itself becomes its name: beta for β. Hangul is unchanged, except for half-width and similar forms.
    """
    if text.isascii() or _ASCII_AND_SYLLABLES.fullmatch(text):
        return text.lower()
    folded = typography.normalise("NFKC", text).casefold()
    folded = _COMBINING_MARKS.sub("", typography.normalise("NFKD", folded)).translate(_BASE_LETTERS)
    folded = _GREEK_LETTER.sub(lambda letter: _name_greek(letter[0]), folded)
    return typography.normalise("NFC", folded.casefold())


def _name_greek(letter: str) -> str:
    """Return the English name of a Greek letter. Unicode spells lambda without its b."""
    return unicodedata.name(letter).rsplit(" ", 1)[-1].lower().replace("lamda", "lambda")


def fold_name(name: str) -> str:
    """Fold a person's name: drop apostrophes and replace other punctuation with single spaces.

    "Hoàng-Anh  O'Neil" becomes "hoang anh oneil". Word order is kept.
    """
    if name.isascii() and name.replace(" ", "").isalpha():
        return " ".join(name.lower().split())  # fast path for most names
    folded = fold(name.translate(_APOSTROPHES)).translate(
        _APOSTROPHES
    )  # ŉ has an apostrophe once it is folded
    return " ".join(_NON_NAME_CHARACTERS.sub(" ", folded).split())


def fold_name_german(name: str) -> str:
    """Fold a name like `fold_name`, but spell out umlauts: "Müller" becomes "mueller".

    ø becomes oe and å becomes aa, as in Danish and Norwegian passports.
    """
    if name.isascii():
        return fold_name(name)
    return fold_name(typography.normalise("NFC", name).casefold().translate(_UMLAUTS))


def fold_title(title: str) -> str:
    """Return a title's letters and digits alone, so that spellings with other case, punctuation or LaTeX are equal, and *&*."""
    return "".join(filter(str.isalnum, fold(typography.to_plain_text(title)).replace("&", "and")))


def are_titles_alike(one: str | None, other: str | None) -> bool:
    """Return whether two titles may be those of one paper: equal but for spelling, a few letters, or a subtitle of one of them.

    Numbers have to be the same. A title that is unknown is like no other.
    """
    from rapidfuzz import fuzz  # imported here because most readings compare no titles

    if not one or not other:
        return False
    folded = fold_title(one), fold_title(other)
    if folded[0] == folded[1]:
        return True
    heads = [fold_title(title.partition(":")[0]) for title in (one, other)]
    if folded[1] == heads[0] or folded[0] == heads[1]:
        return True
    first, second = ("".join(filter(str.isdigit, title)) for title in folded)
    return first == second and fuzz.ratio(*folded) >= _LEAST_LIKENESS


_LEAST_LIKENESS = 92
"""The least likeness of one paper's titles, of 100."""

MAX_TOKEN_LENGTH = 40
"""In characters. Longer words are truncated."""

_LETTER = rf"[^\W_{HANGUL}]"
_SIGNED = (
    rf"(?<!{_LETTER})(?:"
    r"(?<![^\s(\[\"'“‘])\.[A-Za-z]{2,10}(?!\.)"  # .NET
    r"|[A-Za-z](?:/[A-Za-z])+"  # I/O
    r"|(?<!\*)(?:[A-Za-z]|[A-Z]{2,4})(?:\\|\^\{?)?\*\}?(?!\*)"  # A*, RRT*, and in LaTeX
    r"|[A-Za-z]\^\{?[A-Za-z0-9]{1,2}\}?"  # R^2
    rf"|[A-Za-z]{{1,5}}\((?!s){_LETTER}\)"  # TD(λ), but not model(s)
    rf")(?!{_LETTER})"
)
"""A word that is another one without its signs. C++ and C# are among the others."""
# 3.1 and qwen2.5 stay whole; c++ and c# keep their punctuation.
_WORD = rf"(?:{_SIGNED}|{_LETTER}{{1,64}}(?:(?<=[0-9])\.[0-9]{{1,8}}){{0,4}}(?:\+\+|#)?)"
_WORDS, SIGNED_WORD = re.compile(_WORD), re.compile(_SIGNED)
_LATEX_SIGNS = str.maketrans("", "", "\\^{}")
"""Markup between a word and its sign in LaTeX and Markdown: A^{*}, A\\*. R^2 is R2, as R² is."""
_JOINERS = "-‐‑'’_"
# The bounds limit the size of a cache entry. Longer runs are split.
_RUNS = re.compile(rf"[{HANGUL}]{{1,64}}|{_WORD}(?:[{_JOINERS}]{_WORD}){{0,7}}")
# Phrases do not cross this punctuation: "텍스트, 이미지" is not "텍스트-이미지".
_RUNS_AND_BREAKS = re.compile(rf"{_RUNS.pattern}|[,;:.!?()\[\]/|·]")
_THOUSANDS = re.compile(r"(?<![0-9,.])[0-9]{1,3}(?:,[0-9]{3}){1,6}(?![0-9])")
_LINE_ENDS = re.compile("[\n\r\u2028\u2029]\\s*")
_SPLIT_AT_JOINERS = str.maketrans(dict.fromkeys(_JOINERS, " "))
_LETTERS_THEN_DIGITS = re.compile(r"([a-z]{2,})([0-9][a-z0-9.]*)")
_DIGITS_THEN_UNIT = re.compile(r"([0-9][0-9.]*)([a-z]{2,4})")
_PLURAL_ACRONYM = re.compile(r"[A-Z][A-Za-z0-9]*[A-Z][a-z0-9]?s")
_VOWELS = frozenset("aeiouy")
_DERIVATIONAL_SUFFIXES = ("er", "or", "ive", "ness", "ity", "able", "ible")
"""Suffixes for agents and qualities. The stemmer would reduce such words to the verb or noun."""
_MIN_DERIVED_LENGTH = 6
_NO_CACHE = 0
# Verbs in -ize and their nouns in American and British spelling, but not "supervise" or "promise".
_VERB_IN_IZE = re.compile(
    r"([a-z]{3,}i)z(?:e[ds]?|ing|ations?)|([a-z]{3,}i)sations?|([a-z]{2,}(?:al|an|ar|en|er|il|im|on)i)s(?:e[ds]?|ing)"
)
PREFIXES = frozenset(
    ("pre", "post", "multi", "self", "auto", "non", "semi", "co", "re", "super", "hyper", "meta")
)
"""Prefixes that are joined to the next word, because papers write them joined, hyphenated or separately."""

PARTICLE_MARK = "~"
"""Marks a stripped particle in canonical text, so that 이미지를 생성 does not match 이미지 생성."""


class Run(NamedTuple):
    """The canonical words of a text without spaces or punctuation, and their spelling variants."""

    words: tuple[str, ...]
    variants: tuple[str, ...] = ()


def stemmed_words(text: str) -> list[str]:
    """Return the words of a text in order: Latin words stemmed, Hangul words whole but without particles."""
    return [word.removesuffix(PARTICLE_MARK) for word in canonical_words(text)]


def canonical_words(text: str) -> list[str]:
    """Return the words of a text's canonical form in order, including each `PARTICLE_MARK`."""
    runs = map(_analyse_run, _RUNS.findall(_normalise(text)))
    return [word for run in runs for word in run.words]


def is_number(word: str) -> bool:
    """Return whether a canonical word is a number: 700, 7.62."""
    return word.replace(".", "", 1).isdecimal()


def join_thousands(text: str) -> str:
    """Return a text with its numbers in one piece: 1000 for 1,000."""
    return _THOUSANDS.sub(lambda number: number[0].replace(",", ""), text) if "," in text else text


def _normalise(text: str) -> str:
    return join_thousands(typography.normalise("NFKC", text))


def canonicalise(text: str) -> str:
    """Return the canonical form of a text, from which tokens are made.

    Words are separated by single spaces, punctuation becomes two spaces, and line breaks stay. Spelling variants
    follow on a line of their own, which no phrase matches. Each line starts and ends with a space, so that " word "
    matches a whole Latin word. A Hangul word ends with `PARTICLE_MARK` if its particle was stripped.
    """
    lines = _LINE_ENDS.split(_normalise(text))
    chunks = [[_canonical_chunk(chunk) for chunk in line.split()] for line in lines]
    words = " \n".join("".join(chunk.words for chunk in line) for line in chunks)
    variants = "  ".join(chunk.variants for line in chunks for chunk in line if chunk.variants)
    return f"{words} \n {variants} " if variants else f"{words} \n" if words else ""


def list_words(text: str) -> list[str]:
    """Return the Latin words of a text, folded, each with the signs that belong to it."""
    return [fold(word.translate(_LATEX_SIGNS)) for word in _WORDS.findall(text)]


def word_tokens(word: str) -> list[str]:
    """Return the tokens of a canonical word: a Latin word itself, or the bigrams of a Hangul word."""
    return bigrams(word.removesuffix(PARTICLE_MARK)) if is_hangul(word) else [word]


def stem(word: str) -> str:
    """Return the stem of one folded Latin word. Stemming a stem changes nothing."""
    return _stem_to_fixpoint(word[:MAX_TOKEN_LENGTH])


def join_prefixes(parts: list[str]) -> list[str]:
    """Join prefixes to the word after them, so that pre-training, self-attention and fine-tuning are single words."""
    joined: list[str] = []
    for part in parts:
        if joined and (joined[-1] in PREFIXES or (joined[-1] == "fine" and part.startswith("tun"))):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


class _Chunk(NamedTuple):
    """Canonical words, each preceded by a space, and their variants, separated by two spaces."""

    words: str
    variants: str


@remembered(1 << 13)
def _canonical_chunk(chunk: str) -> _Chunk:
    """Analyse a text without spaces. Punctuation becomes an extra space."""
    pieces = _RUNS_AND_BREAKS.findall(chunk)
    runs = [_analyse_run(piece) if any(map(str.isalnum, piece)) else Run(()) for piece in pieces]
    words = "".join(f" {' '.join(run.words)}" for run in runs)
    variants = [variant for run in runs for variant in run.variants]
    # A number with its unit is a word: the 만 of 700만 begins no word with what follows, as it does to 만매.
    for number, run in pairwise(runs):
        if number.words and is_number(number.words[-1]) and run.words and is_hangul(run.words[0]):
            unit = run.words[0].removesuffix(PARTICLE_MARK)
            variants += dict.fromkeys(f"{number.words[-1]}{unit[:size]}" for size in (1, 2, 3))
    return _Chunk(words, "  ".join(variants))


def _analyse_run(run: str) -> Run:
    if is_hangul(run):
        word = strip_ending(run)
        noun = monosyllabic_noun(word)
        return Run((word if word == run else word + PARTICLE_MARK,), (noun,) if noun else ())
    return _analyse_latin(run)


@remembered(1 << 13)
def _analyse_latin(run: str) -> Run:
    """Split a compound at hyphens, apostrophes and underscores; its other spellings become variants."""
    parts = [
        part for part in map(_fold_word, run.translate(_SPLIT_AT_JOINERS).split()) if part and part != "s"
    ]
    if not parts:
        return Run(())
    candidates = list(parts)
    signed = [part for part in parts if not part.replace(".", "x").isalnum() or part[0] == "."]
    candidates += ["".join(parts)] if len(parts) < 4 and not signed else []  # k-NN is found by knn
    # RRT* is found by RRT, and I/O by IO.
    candidates += (plain for part in signed if len(plain := "".join(filter(str.isalnum, part))) > 1)
    for pattern in (_LETTERS_THEN_DIGITS, _DIGITS_THEN_UNIT):
        # Split gpt4o into gpt and 4o as well, so that a model matches with and without its version, and 48kHz into 48 and khz.
        for joined in filter(None, map(pattern.fullmatch, parts)):
            candidates += joined.groups()
    stems = tuple(stem(part) for part in join_prefixes(parts))
    stem_set = set(stems)
    variants = dict.fromkeys(token for token in map(stem, candidates) if token not in stem_set)
    return Run(stems, tuple(variants))


def _fold_word(part: str) -> str:
    """Fold a word of a compound. Drops the s of plurals like LMs; the stemmer skips words without a vowel."""
    return fold(part[:-1] if _PLURAL_ACRONYM.fullmatch(part) else part.translate(_LATEX_SIGNS))


@lru_cache(maxsize=1 << 13)
def _stem_to_fixpoint(word: str) -> str:
    """Stem repeatedly until nothing changes, because Snowball may stem its own results further.

    A word of up to three letters is its own stem: Tri is not try.
    """
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word[-1] == "s" and word[-2] != "s" and _VOWELS.isdisjoint(word):
        return word[:-1]
    if (derived := _stem_derived(word)) is not None:
        return derived
    # Stemmers are stateful and threads run concurrently, so create one per call.
    stemmer = Stemmer.Stemmer("english", _NO_CACHE)
    stemmed = word
    while (shorter := stemmer.stemWord(stemmed)) != stemmed:
        stemmed = shorter
    is_of_y = len(stemmed) == 3 and stemmed[-1] == "i" and (word[2] == "y" or word[2:4] == "ie")
    return stemmed[:2] + "y" if is_of_y else str(stemmed)


@lru_cache(maxsize=1)
def _list_unstemmed() -> frozenset[str]:
    """Return words that are not stemmed, because others with their stem are about other topics.

    They are names of institutions (Cohere is not coherent), segmentation (of a sequence are segments) and hardware-aligned.
    """
    names = (name.lower() for forms in seed.read_rows("institutions.tsv") for name in forms)
    return frozenset(("segmentation", "aligned", *filter(str.isalpha, names)))


def _stem_derived(word: str) -> str | None:
    """Return a derived word without its inflection; None if the word has no derivational suffix.

    This keeps "tokenizer" and "tokenization" distinct from "token", "adapter" from "adaptation", and "generative" from
    "generated".
    """
    for form in (word, word.removesuffix("s")):
        if form in _list_unstemmed():
            return form
    if verb := _VERB_IN_IZE.fullmatch(word):
        return f"{verb[verb.lastindex or 0]}z"
    if word.endswith("ies"):
        word = f"{word[:-3]}y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    elif word.endswith(("ering", "oring", "ered", "ored")):
        word = word.removesuffix("ing").removesuffix("ed")
    return word if len(word) >= _MIN_DERIVED_LENGTH and word.endswith(_DERIVATIONAL_SUFFIXES) else None


_FUNCTION_LIST = "a an and as at by for from in into is of on or the to via with"
FUNCTION_WORDS = frozenset(_FUNCTION_LIST.split())
"""English words that carry no meaning within a term."""
