"""Parses questions: strips particles, verb endings and filler, and maps everyday words to terms and topics.

The analyser only strips endings that are rare in nouns (평가, 해상도). From a word in a query, more is stripped if a
known word remains: LLM의 becomes LLM, 로봇이 becomes 로봇, 학습시키나요 becomes 학습. Known terms stay whole.

`filler.tsv` lists filler, `option_words.tsv` words that name an option of a search, and `everyday_words.tsv` the terms
that papers use for everyday words ("lie" for hallucination, 옷 for garment). `topic_descriptions.tsv` describes topics
of machine learning in everyday words. A question is a vector over these topics (explicit semantic analysis, Gabrilovich
and Markovitch 2007): "reading text aloud" mostly means speech synthesis, though no paper uses those words. The
similarity of a paper and a question is the cosine of their vectors.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import compress
from operator import neg
from typing import Literal, NamedTuple, cast, get_args

from bot.text import analyser, institutions, plain, seed, term_keys, typed_dates

MAX_WORD_LENGTH = 64
"""In characters. Longer words stay as typed."""
_RIEUL = 8
"""The index of ㄹ among the final consonants."""
_ONLY_AFTER_CONSONANTS, _ONLY_AFTER_VOWELS = "이은을과으", "가는를와랑나란라"
"""First letters of endings: 로봇이 is 로봇 + 이, but 제미나이 is one word."""
_VERSION, _AFTER_VERSIONS = re.compile(r"\d{1,2}(?:\.\d+)*"), "은는이가을를의에로으와과란"
"""A number that is the version of a name, and the first letters of the endings that may follow it."""
_HANGUL_TAIL = re.compile(f"(?<![{analyser.SYLLABLES}])[{analyser.SYLLABLES}]++\\Z")


@lru_cache(maxsize=1)
def _load_endings() -> tuple[dict[str, list[str]], re.Pattern[str]]:
    """Return Korean word endings, keyed by last syllable, longest first, and a pattern for one to three endings."""
    endings = next(listed for kind, listed in seed.read_rows("filler.tsv") if kind == "ending").split()
    longest_first = sorted(endings, key=len, reverse=True)
    return analyser.group_endings(endings), re.compile(f"(?:{'|'.join(longest_first)}){{1,3}}")


def strip_query_word(word: str, is_known: Callable[[str], bool]) -> str:
    """Return a query word without particles and verb endings.

    A word for which `is_known` returns True stays whole. An ending is stripped if a known word remains, or if
    nouns rarely end that way and the last two syllables are not a word (신경회로).
    """
    if len(word) > MAX_WORD_LENGTH or not analyser.ends_in_hangul(word) or is_known(word):
        return word
    endings, several_endings = _load_endings()
    if core := _HANGUL_TAIL.sub("", word):
        tail = word[len(core) :]
        is_ending = several_endings.fullmatch(tail) or classify_filler(tail) == "filler"  # splatting중에
        is_version = _VERSION.fullmatch(core) is not None and tail[0] in _AFTER_VERSIONS
        if is_ending and (is_version or any(map(str.isalpha, core))):
            return core  # also 라마3을 and EXAONE 3.0은, but not 2025년에 or 3만
        return f"{core} {tail}" if any("a" <= letter <= "z" for letter in core.lower()) else word  # LLM기반
    possible = endings.get(word[-1], ())
    stems = [
        word[: -len(ending)] for ending in possible if word.endswith(ending) and ending_agrees(word, ending)
    ]
    for stem in stems:
        if is_known(stem) or is_known(analyser.strip_ending(stem)):
            return stem
    for stem in stems:
        # Words may have two particles: 데이터로만.
        core = strip_query_word(stem, is_known) if len(stem) > 2 else stem
        if is_known(core):
            return core
    return word if is_known(word[-2:]) or classify_filler(word) else _strip_unknown(word)


def _strip_unknown(word: str) -> str:
    """Strip an ending from an unknown Korean word if it is rarely part of a noun."""
    endings = _load_filler().following["sure"]
    tails = (word[-length:] for length in range(4, 0, -1) if word[-length:] in endings)
    return word.removesuffix(next((ending for ending in tails if ending_agrees(word, ending)), ""))


def ending_agrees(word: str, ending: str) -> bool:
    """Return whether an ending fits a word: it follows at least two syllables or letters and agrees with the last one."""
    stem = word[: -len(ending)]
    if len(stem) < 2 or not analyser.is_syllables(stem[-1]):
        return len(stem) > 1
    has_final = analyser.has_final_consonant(stem[-1])
    return ending[0] not in (_ONLY_AFTER_VOWELS if has_final else _ONLY_AFTER_CONSONANTS)


WordClass = Literal["filler", "verb", "maybe", ""]
"""The kind of a word in a query.

"filler" is for question words, function words, requests and words for papers. "verb" is for what is not searched for if there
is a topic: what papers on any topic do or have (방법), and what changes their meaning (줄이는). "maybe" is
filler next to filler (search in "search for papers", not in "tree search"). "" is content.
"""
_MAX_FILLER_LENGTH, _MAX_TAIL = 16, 4
_JAMO = "".join(map(chr, (*range(0x1100, 0x1200), *range(0x3131, 0x3164))))
_EDGE = " \t\n\"'`*|.,;:!?~…()[]{}<>·“”‘’。、" + _JAMO
"""Punctuation and single Korean letters, such as ㅋㅋ and ㅠㅠ, in both of their Unicode blocks."""


@lru_cache(maxsize=1)
def _option_pattern() -> re.Pattern[str]:
    """Return the pattern for the words of options, each option a group; a Korean one goes on to the word's end."""
    groups = []
    for option, listed in seed.read_rows("option_words.tsv"):
        words = (word.replace("_", " ") + (r"\b" if word.isascii() else r"\w*") for word in listed.split())
        groups.append(f"(?P<{option}>{'|'.join(words)})")
    return re.compile(rf"(?<![\w-])(?:{'|'.join(groups)})")


def list_options(text: str, topic: Collection[str]) -> list[str]:
    """Return the search options that words of a query ask for, such as "order", unless the words belong to its topic."""
    named = (
        match.lastgroup or ""
        for match in _option_pattern().finditer(text.casefold())
        if not set(match[0].split()).issubset(topic)
    )
    return list(dict.fromkeys(named))


_MAX_DATE_WORDS = 6
_DATE_END = re.compile(r"(?<=[가-힣])(?:에서|에는|에|의|엔|쯤)$")


def mask_dates(words: Sequence[str]) -> list[bool]:
    """Return for each word of a query whether it is of a date or period, which no paper is about: 2025년 1월에, last month.

    Neither a year alone, which may be a benchmark's, nor a word that may be a month or a day (May, sat) is a date.
    """
    is_date = [_is_date(word.casefold()) for word in words]
    # Reading a run takes 50 µs, so that only one with a part of a date is read.
    may_begin = [
        whole or typed_dates.is_date_word(word) or any(map(str.isdigit, word))
        for whole, word in zip(is_date, words, strict=True)
    ]
    for start in range(len(words)):
        for end in range(min(len(words), start + _MAX_DATE_WORDS), start + 1, -1):
            run = " ".join(words[start:end]).casefold()
            if any(may_begin[start:end]) and _is_date(run) and not _is_amount(run, words[end : end + 1]):
                is_date[start:end] = [True] * (end - start)
                break
    return is_date


def _is_amount(run: str, following: Sequence[str]) -> bool:
    """Return whether a bound with a number like a year is of what follows it: up to 2048 tokens, after 2000 steps."""
    bound, number = typed_dates.split_bound(run)
    is_number = bound != "since" and number.isdecimal()
    return is_number and any(not classify_filler(word) for word in following)


def find_dates(text: str) -> str:
    """Return the words of a query that are of dates or periods, as typed."""
    words = text.split()
    return " ".join(compress(words, mask_dates(list(map(trim_filler, words)))))


def read_period(text: str, today: date) -> typed_dates.Span | None:
    """Return the first and last day of a date or period in a query, with or without a particle; None for other text."""
    return typed_dates.read_typed_date(_DATE_END.sub("", text), today)


@analyser.remembered(1 << 12)
def _is_date(text: str) -> bool:
    text = _DATE_END.sub("", text)
    if " " not in text and text.isascii():
        is_whole = len(text) > len("12-31") and "-" in text  # 2025-01
        is_month = text in plain.MONTHS and len(text) > len("may") and text != "march"
        return is_month or text in ("today", "yesterday") or (is_whole and typed_dates.is_date(text))
    return any(map(str.isalpha, text)) and typed_dates.is_date(text)


class _Filler(NamedTuple):
    """The filler table: kinds by word, marks and kinds by stem, and the endings allowed after a stem with `+` or `~`."""

    words: dict[str, WordClass]
    stems: dict[str, tuple[str, WordClass]]
    following: dict[str, frozenset[str]]


@lru_cache(maxsize=1)
def _load_filler() -> _Filler:
    filler = _Filler({}, {}, {})
    for row_kind, listed in seed.read_rows("filler.tsv"):
        if row_kind in get_args(WordClass):
            kind = cast("WordClass", row_kind)
            for word in listed.split():
                if word[-1] in "+~*":
                    filler.stems.setdefault(word[:-1], (word[-1], kind))
                else:
                    filler.words.setdefault(word, kind)
        else:
            filler.following[row_kind] = frozenset(listed.split())
    for _, listed in seed.read_rows("option_words.tsv"):
        for word in listed.split():
            filler.stems.setdefault(word, ("*", "filler"))
            filler.words.setdefault(word, "filler")
    return filler


_NOW = frozenset(("today", "this week", "this month", "오늘", "이번주", "이번 주", "이번달", "이번 달"))


def asks_what_to_read(text: str) -> bool:
    """Return whether a query asks for nothing but what there is to read: "what should I read?", this week."""
    words = list(map(trim_filler, _option_pattern().sub(" ", text.casefold()).split()))
    is_date = mask_dates(words)
    is_now = " ".join(compress(words, is_date)) in _NOW
    rest = [word for word, is_of_date in zip(words, is_date, strict=True) if not (is_now and is_of_date)]
    asks = is_now or (len(rest) > 1 and any(word == "read" or word.startswith("읽") for word in rest))
    return asks and all(classify_filler(word) == "filler" or _READ.fullmatch(word) for word in rest)


_READ = re.compile("read(?:ing)?|읽[가-힣]{1,3}|볼까요?|볼만한|추천[가-힣]{0,2}")


def trim_filler(word: str) -> str:
    """Return a word without punctuation around it. The signs of .NET and TD(λ) belong to the word, and `|` alone is one."""
    bare = word.strip(_EDGE) or ("|" if word == "|" else "")
    if bare != word and (signed := analyser.SIGNED_WORD.search(word)):
        start = word.find(bare)
        return word[min(start, signed.start()) : max(start + len(bare), signed.end())]
    return bare


@analyser.remembered(1 << 12)
def classify_filler(word: str) -> WordClass:
    """Return the kind of a query word, ignoring case and punctuation."""
    folded = analyser.fold(trim_filler(word[:MAX_WORD_LENGTH])).replace("’", "'")
    if not any(map(str.isalnum, folded)):
        return "filler"
    filler = _load_filler()
    if folded in filler.words or len(folded) > _MAX_FILLER_LENGTH or not analyser.is_hangul(folded):
        return filler.words.get(folded, "")
    for end in range(len(folded), 0, -1):
        mark, kind = filler.stems.get(folded[:end], ("", ""))
        rest = folded[end:]
        if mark and (not rest or (len(rest) <= _MAX_TAIL if mark == "*" else rest in filler.following[mark])):
            return kind
    return ""


def _list_syllables(*finals: int) -> str:
    """Return all syllables that have one of these final consonants, given by index."""
    return "".join(map(chr, (code for code in range(0xAC00, 0xD7A4) if (code - 0xAC00) % 28 in finals)))


@lru_cache(maxsize=1)
def _verb_forms() -> re.Pattern[str]:
    """Return a pattern for verbs and adjectives in sentences."""
    open_or_l, adnominal, future = (_list_syllables(*finals) for finals in ((0, _RIEUL), (4,), (_RIEUL,)))
    verbs = (
        rf".*[{_list_syllables(6, 15, 20)}].*",  # ㄶ, ㅀ and ㅆ do not occur in nouns
        rf".*(?![{open_or_l}])[가-힣](?:나|(?<=..)는)",
        rf".+[{adnominal}]데",
        rf"..+(?<=[{open_or_l}])면",
        rf".+[{future}]리는",
        *sorted(_load_filler().following["verbal"]),
    )
    return re.compile("|".join(verbs))


@analyser.remembered(1 << 12)
def is_verb(word: str) -> bool:
    """Return whether a Korean word ends like a verb and rarely like a noun: 떨어지나요, 오염됐는지."""
    return analyser.is_hangul(word) and _verb_forms().fullmatch(word[:MAX_WORD_LENGTH]) is not None


def topic_mask(words: Sequence[str], protected: Sequence[bool]) -> list[bool]:
    """Return for each query word whether it carries a topic; all True if no word does.

    `protected` words belong to a known term of several words, such as "of" in "chain of thought".
    """
    kinds = ["filler", *map(classify_filler, words), "filler"]
    for number in compress(range(1, len(kinds)), protected):
        kinds[number] = ""
    for number in range(1, len(kinds) - 1):
        if kinds[number] == "maybe" and (
            kinds[number - 1] in ("filler", "verb") or (number > 1 and is_verb(words[number - 2]))
        ):
            kinds[number] = "" if kinds[number + 1] == "" else "filler"
    mask = [kind in ("", "maybe") for kind in kinds[1:-1]]
    return mask if any(mask) else [True] * len(words)


@lru_cache(maxsize=1)
def _everyday_words() -> Mapping[str, tuple[str, ...]]:
    """Return the terms that papers use for everyday words and phrases, keyed by the latter. Takes 30 ms the first time."""
    rows = (*load_rows(), *institutions.list_korean_names())
    return {_key(word): terms for words, terms in reversed(rows) for word in reversed(words)}


@lru_cache(maxsize=1)
def _everyday_forms() -> frozenset[str]:
    return frozenset(word.replace(" ", "") for words, _ in load_rows() for word in words)


def is_everyday(text: str) -> bool:
    """Return whether a Korean text is an everyday word exactly as typed, without stripping an ending."""
    return text.replace(" ", "") in _everyday_forms()


@lru_cache(maxsize=1)
def _seeded_keys() -> frozenset[str]:
    return frozenset(
        term_keys.term_key(text)
        for term in seed.load_terms()
        for text in (*term.korean, *term.english, *term.abbreviations)
    )


@analyser.remembered(1 << 12)
def is_term(text: str) -> bool:
    """Return whether a text is a term of the seed list or an everyday word for one."""
    return term_keys.term_key(text) in _seeded_keys() or bool(find_everyday_terms(text))


def is_ending(text: str) -> bool:
    """Return whether a text is a particle or the ending of a verb."""
    return any(text in _load_filler().following[kind] for kind in ("+", "~", "sure"))


def is_noun(text: str) -> bool:
    """Return whether a Korean word or phrase ends in a noun, unlike 까먹는, 모르는 걸 or 트랜스포머말고."""
    word = text.rpartition(" ")[2]
    ending = word.removeprefix(_strip_unknown(word))
    is_particle = not ending or ending in _load_filler().following["+"]
    return is_particle and not is_verb(word) and classify_filler(word) != "filler"


@analyser.remembered(1 << 12)
def find_everyday_terms(text: str) -> tuple[str, ...]:
    """Return the terms that papers use for an everyday word or phrase; () for any other text."""
    table, key = _everyday_words(), _key(text)
    if terms := table.get(key):
        return terms
    # The analyser does not strip all particles: 같은 인물이.
    noun = analyser.monosyllabic_noun(text) or strip_query_word(key, table.__contains__)
    last = text.rpartition(" ")[2] if " " in text and analyser.has_hangul(text) else ""
    # Of 영상 이해 and Gen 무엇인가요, the second word is no ending.
    is_word = last and key.removeprefix(noun) == _key(last) and (noun.isascii() or is_noun(last))
    return () if is_word else table.get(noun, ())


@lru_cache(maxsize=1)
def load_rows() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Return groups of everyday words and phrases and the terms that papers use for them."""
    return tuple(
        (tuple(words.split("|")), tuple(terms.split("|")))
        for words, terms in seed.read_rows("everyday_words.tsv")
    )


def _key(text: str) -> str:
    """Return the key of a word or phrase: stems of Latin words; Korean words joined without particles."""
    if not analyser.has_hangul(text):
        return term_keys.english_key(text)
    return "".join(map(_korean_key, text.split()))


@analyser.remembered(1 << 12)
def _korean_key(word: str) -> str:
    return _strip_unknown(analyser.strip_ending(term_keys.korean_key(word)))


# Topics.

_MAX_WORDS = 24
_FILLER_WEIGHT = 0.75
"""The weight of possible filler (방법, improve), which distinguishes topics less well."""
_SHARPNESS = 2
"""The exponent for topic weights; it makes the best topics stand out."""

TopicVector = Mapping[int, float]
"""Weights by topic number. The main topic has weight 1."""


def describe_topics(text: str) -> TopicVector:
    weights: dict[int, float] = {}
    for _, kind, topics in _list_word_topics(text):
        weight = inverse_topic_frequency(len(topics)) * (_FILLER_WEIGHT if kind else 1)
        for topic in topics:
            weights[topic] = weights.get(topic, 0.0) + weight
    heaviest = max(weights.values(), default=1.0)
    return {topic: (weight / heaviest) ** _SHARPNESS for topic, weight in weights.items()}


def find_shared_topics(text: str) -> frozenset[int]:
    """Return the topics that at least two words of a question describe: one alone is often a coincidence."""
    counts = Counter(topic for *_, topics in _list_word_topics(text) for topic in topics)
    return frozenset(topic for topic, count in counts.items() if count > 1)


def find_clear_topics(text: str) -> Collection[int]:
    """Return the topics that at least two nouns of a question describe."""
    counts = Counter(
        topic
        for word, kind, topics in _list_word_topics(text)
        if not (kind or is_verb(word)) and len(topics) <= _MAX_PAPER_WORD_TOPICS
        for topic in topics
    )
    return [topic for topic in counts if counts[topic] > 1]


@lru_cache(maxsize=4)
def _list_word_topics(text: str) -> Sequence[tuple[str, WordClass, Collection[int]]]:
    """Return each word of a question that is not filler and describes a topic, with its kind and its topics."""
    words = ((word, classify_filler(word)) for word in map(trim_filler, text.split()[:_MAX_WORDS]))
    return [
        (word, kind, topics) for word, kind in words if kind != "filler" and (topics := find_topics(word))
    ]


def inverse_topic_frequency(topics: int) -> float:
    """Return the squared IDF of a word that occurs in this many descriptions."""
    return math.log(1 + len(load_topic_terms()) / topics) ** 2


@lru_cache(maxsize=1 << 10)
def find_topics(word: str) -> frozenset[int]:
    """Return the topics whose descriptions contain a word, ignoring particles and endings."""
    folded = analyser.fold(word)[:MAX_WORD_LENGTH]
    if analyser.has_hangul(folded):
        return frozenset(_find_hangul_topics(folded))
    topics = [load_topic_words().get(stem, ()) for stem in term_keys.english_stems(folded.replace("-", " "))]
    return frozenset(topics[0]).intersection(*topics[1:]) if topics else frozenset()


def _find_hangul_topics(word: str) -> Collection[int]:
    words = load_topic_words()
    stem = strip_query_word(word, lambda stem: stem != word and stem in words)
    spellings = {word, stem, analyser.strip_ending(word), analyser.monosyllabic_noun(word) or word}
    return set[int]().union(*(words.get(spelling, ()) for spelling in spellings))


@lru_cache(maxsize=1)
def load_topic_terms() -> tuple[tuple[str, ...], ...]:
    """Return the terms that papers use for each topic, indexed by topic number."""
    return tuple(terms for terms, _ in _load_topics())


@lru_cache(maxsize=1)
def load_topic_words() -> Mapping[str, tuple[int, ...]]:
    """Map each word stem to the topics described with it. The first call takes 100 ms."""
    topics: dict[str, set[int]] = {}
    for number, (terms, words) in enumerate(_load_topics()):
        for stem in analyser.stemmed_words(" ".join((*terms, words)).replace("-", " ")):
            topics.setdefault(stem, set()).add(number)
    return {word: tuple(sorted(topics[word])) for word in topics.keys() - analyser.FUNCTION_WORDS}


@lru_cache(maxsize=1)
def _load_topics() -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return the terms and description of each topic. Each group of everyday words is a topic too."""
    everyday = ((terms, " ".join(words)) for words, terms in load_rows())
    described = (
        (tuple(terms.split("|")), " ".join(words))
        for terms, *words in seed.read_rows("topic_descriptions.tsv")
    )
    return (*described, *everyday)


_MAX_PAPER_WORD_TOPICS = 40
"""Words in more descriptions than this reveal nothing about a topic."""


def prepare_topics() -> None:
    _load_weighted_words()


def find_paper_topics(words: Mapping[str, int], most: int) -> list[tuple[int, float]]:
    """Return a paper's `most` heaviest topics, given its word counts. The weights form a vector of length 1."""
    weighted, weights = _load_weighted_words(), defaultdict[int, float](float)
    for word in weighted.keys() & words.keys():
        weight, topics = weighted[word]
        weight *= 1 + math.log(words[word])
        for topic in topics:
            weights[topic] += weight
    length = math.hypot(*weights.values()) or 1.0
    heaviest = sorted(zip(map(neg, weights.values()), weights, strict=True))[:most]
    return [(topic, -weight / length) for weight, topic in heaviest]


@lru_cache(maxsize=1)
def _load_weighted_words() -> dict[str, tuple[float, tuple[int, ...]]]:
    """Return the weight and topics of each word in the descriptions, except very common words."""
    return {
        word: (inverse_topic_frequency(len(topics)), topics)
        for word, topics in load_topic_words().items()
        if len(topics) <= _MAX_PAPER_WORD_TOPICS
    }
