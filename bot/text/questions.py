"""Reads a question as a search does: without particles, verb endings and filler, with everyday words understood.

The analyser strips only what nouns rarely end in (평가, 해상도). A query's word may lose more, where grammar allows it and
what remains is a known word: LLM의 is LLM, 로봇이 is 로봇, 학습시키나요 is 학습. Known terms stay whole.

Filler is in `filler.tsv`, everyday words for topics that papers call by another name (lie for hallucination, 옷 for garment) in
`everyday_words.tsv`.

Topic descriptions are a built-in table of everyday words for topics of machine learning, by which questions are compared. A
question is a vector over the topics (explicit semantic analysis, Gabrilovich and Markovitch 2007): "reading text aloud"
weighs speech synthesis most, though no paper says so. A paper's similarity to it is the cosine of their vectors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from typing import Literal, NamedTuple

from bot.text import analyser, people, seed, term_keys

MAX_WORD_LENGTH = 64
"""Characters; longer words are left as typed."""
_RIEUL = 8
"""The number of ㄹ as a final consonant."""
_OF_NOUNS = frozenset("하한할해되된될시")
"""First letters of the endings that make a noun a verb."""
_HANGUL_TAIL = re.compile(f"[{analyser.SYLLABLES}]+\\Z")
_LATIN = re.compile("[A-Za-z]")


@lru_cache(maxsize=1)
def _load_endings() -> tuple[dict[str, list[str]], re.Pattern[str]]:
    """Return the endings of Korean words by their last syllable, the longest first, and the pattern of up to three of them."""
    listed = next(listed for kind, listed in _read_table("filler.tsv") if kind == "ending")
    endings, by_last = sorted(listed.split(), key=len, reverse=True), dict[str, list[str]]()
    for ending in endings:
        by_last.setdefault(ending[-1], []).append(ending)
    return by_last, re.compile(f"(?:{'|'.join(endings)}){{1,3}}")


def strip_query_word(word: str, is_known: Callable[[str], bool]) -> str:
    """Return a word of a query without its particles and verb endings, or as it is.

    `is_known` tells whether a text is a word of the archive or the glossary; a known word stays whole. An unknown one loses what
    is rarely part of a noun, unless its last two syllables are a word (신경회로).
    """
    if len(word) > MAX_WORD_LENGTH or not analyser.ends_in_hangul(word) or is_known(word):
        return word
    endings, several_endings = _load_endings()
    if core := _HANGUL_TAIL.sub("", word):
        tail = word[len(core) :]
        if not _LATIN.search(core) or several_endings.fullmatch(tail):
            return core if _LATIN.search(core) else word
        # "LLM 기반" of LLM기반; a particle may be joined to a word: RAG를이용한.
        return f"{core} {tail}" if len(tail) > 1 and is_known(core) else word
    possible = endings.get(word[-1], ())
    stems = [stem for ending in possible if len(stem := word.removesuffix(ending)) > 1 and stem != word]
    known = (stem for stem in stems if is_known(stem) or is_known(analyser.strip_ending(stem)))
    # 데이터로만 has two particles.
    twice = (strip_query_word(stem, is_known) for stem in stems if len(stem) > 2)
    found = next(known, None) or next((stem for stem in twice if is_known(stem)), None)
    return found or (word if is_known(word[-2:]) or classify_filler(word) else _strip_unknown(word))


def _strip_unknown(word: str) -> str:
    """Return an unknown Korean word without an ending that is rarely part of a noun."""
    endings = _load_filler().following["sure"]
    found = (word[-length:] for length in range(min(4, len(word) - 2), 0, -1))
    ending = next((ending for ending in found if ending in endings), "")
    # 구별하는 has a noun, 움직이는 none.
    is_noun = ending[:1] in _OF_NOUNS or not is_verb(word)
    return word.removesuffix(ending) if is_noun else word


Kind = Literal["filler", "verb", "maybe", ""]
"""The kind of a word of a query.

filler: question and function words, requests, words for papers. verb: what papers on any topic do or have (줄이는, 방법).
maybe: filler between fillers (search in "search for papers", not in "tree search"). "": content.
"""
_MAX_FILLER_LENGTH, _MAX_TAIL = 16, 4
_EDGE = " \t\n\"'`.,;:!?~…()[]{}<>·“”‘’。、"


class _Filler(NamedTuple):
    """The table of filler: the kinds of words, and of stems with the mark of what may follow; what `+` and `~` stand for."""

    words: dict[str, Kind]
    stems: dict[str, tuple[str, Kind]]
    following: dict[str, frozenset[str]]


@lru_cache(maxsize=1)
def _load_filler() -> _Filler:
    filler = _Filler({}, {}, {})
    for kind, listed in _read_table("filler.tsv"):
        if kind in ("filler", "verb", "maybe"):
            for word in listed.split():
                if word[-1] in "+~*":
                    filler.stems.setdefault(word[:-1], (word[-1], kind))  # type: ignore[arg-type]
                else:
                    filler.words.setdefault(word, kind)  # type: ignore[arg-type]
        else:
            filler.following[kind] = frozenset(listed.split())
    return filler


def _read_table(name: str) -> Iterator[tuple[str, str]]:
    for line in seed.read_data(name).splitlines():
        if not line.startswith("#"):
            left, _, right = line.partition("\t")
            yield left, right


def trim_filler(word: str) -> str:
    """Return a word of a query without the punctuation around it."""
    return word.strip(_EDGE)


def classify_filler(word: str) -> Kind:
    """Return the kind of one word of a query, which may be in any case and with punctuation."""
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
    """Return the syllables with one of these final consonants, by their numbers."""
    return "".join(map(chr, (code for code in range(0xAC00, 0xD7A4) if (code - 0xAC00) % 28 in finals)))


@lru_cache(maxsize=1)
def _verb_forms() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return patterns for verbs and adjectives with their endings in sentences, and with a dependent noun attached."""
    consonants, open_or_l = [*range(1, _RIEUL), *range(_RIEUL + 1, 28)], _list_syllables(0, _RIEUL)
    adnominal, future = _list_syllables(4, _RIEUL), _list_syllables(_RIEUL)
    verbs = (
        rf".*[{_list_syllables(6, 15, 20)}].*",  # ㄶ, ㅀ and ㅆ, which end no syllable of a noun
        rf".+[{_list_syllables(*consonants)}]는",
        rf".*[{_list_syllables(*consonants)}]나",
        rf"..+(?<=[{open_or_l}])면",
        rf".+[{future}]리는",
        *sorted(_load_filler().following["verbal"]),
    )
    joined = (
        r"(.*는)([거것걸건게법줄][가-힣]?)",
        rf"(.+[{adnominal}])([거것걸건게][가-힣]?)",
        rf"(.*[{future}])(때[가-힣]?)",
        rf"(.+[{future}])(수[가-힣]?|만한[가-힣]?)",
        r"(..+)(말고)",
    )
    return re.compile("|".join(verbs)), re.compile("|".join(joined))


def is_verb(word: str) -> bool:
    """Return whether a Korean word ends as a verb in a sentence does: 떨어지나요, 오염됐는지. Few nouns do (무게, 이미지는)."""
    return analyser.is_hangul(word) and _verb_forms()[0].fullmatch(word[:MAX_WORD_LENGTH]) is not None


def split_joined(word: str) -> Sequence[str]:
    """Return a Korean word as two if a noun such as 거, 때 or 수 is joined to a verb (돌릴수, 쓰는거), or 말고 to a noun."""
    match = _verb_forms()[1].fullmatch(word[:_MAX_FILLER_LENGTH]) if analyser.is_hangul(word) else None
    return list(filter(None, match.groups())) if match else [word]


def has_topic(words: Sequence[str]) -> bool:
    """Tell whether any word of a query may carry a topic: papers, question words and requests alone do not."""
    return any(classify_filler(word) != "filler" for word in words)


def topic_mask(words: Sequence[str], protected: Sequence[bool] = ()) -> list[bool]:
    """Return for each word of a query whether it carries a topic; all True if none would.

    `protected` words are part of a known term of several words, such as the "of" of "chain of thought".
    """
    kinds = ["filler", *map(classify_filler, words), "filler"]
    for number in compress(range(1, len(kinds)), protected):
        kinds[number] = ""
    for number in range(1, len(kinds) - 1):
        if kinds[number] == "maybe" and kinds[number - 1] in ("filler", "verb"):
            kinds[number] = "" if kinds[number + 1] == "" else "filler"
    mask = [kind in ("", "maybe") for kind in kinds[1:-1]]
    return mask if any(mask) else [True] * len(words)


@lru_cache(maxsize=1)
def _everyday_words() -> Mapping[str, tuple[str, ...]]:
    """Return the terms used in papers by the keys of everyday words and phrases. Takes 30 ms once."""
    rows = (*load_rows(), *people.list_korean_names())
    return {_key(word): terms for words, terms in reversed(rows) for word in reversed(words)}


@lru_cache(maxsize=1)
def _everyday_forms() -> frozenset[str]:
    return frozenset(word.replace(" ", "") for words, _ in load_rows() for word in words)


def is_everyday(text: str) -> bool:
    """Return whether a Korean text is an everyday word as it stands, with no ending stripped."""
    return text.replace(" ", "") in _everyday_forms()


def is_noun(text: str) -> bool:
    """Return whether a Korean word or phrase ends in a noun: not 까먹는, 모르는 걸, 트랜스포머말고."""
    word = text.rpartition(" ")[2]
    ending = word.removeprefix(_strip_unknown(word))
    is_particle = not ending or ending in _load_filler().following["+"]
    return is_particle and not is_verb(word) and classify_filler(word) != "filler"


@analyser.remembered(1 << 12)
def find_everyday_terms(text: str) -> tuple[str, ...]:
    """Return the terms by which papers call what a word or a phrase of everyday language means; () for any other."""
    table, key = _everyday_words(), _key(text)
    # The analyser leaves some particles on, as in 같은 인물이.
    noun = analyser.monosyllabic_noun(text) or strip_query_word(key, table.__contains__)
    return table.get(key) or table.get(noun, ())


@lru_cache(maxsize=1)
def load_rows() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Return the everyday words and phrases, each time with the terms of papers; Korean verbs as people type them."""
    return tuple(
        (tuple(words.split("|")), tuple(terms.split("|")))
        for words, terms in _read_table("everyday_words.tsv")
    )


@analyser.remembered(1 << 12)
def _key(text: str) -> str:
    """Return the key of a word or phrase: of Latin words their stems, of Korean ones their letters without particles."""
    if not analyser.has_hangul(text):
        return term_keys.english_key(text)
    return "".join(_strip_unknown(analyser.strip_term(term_keys.korean_key(word))) for word in text.split())


# The topics that a question describes.

_MAX_WORDS = 24
_FILLER_WEIGHT = 0.5
"""Of words that may be filler (방법, improve), as they tell topics apart less often."""
_SHARPNESS = 2
"""The exponent of a topic's weight: what describes the question best counts most."""

TopicVector = Mapping[int, float]
"""The weights of topics by their number; the main one has 1."""


def describe_topics(text: str) -> TopicVector:
    """Return the topics that a question is about, by its words in any order; empty if no description has any of them."""
    weights: dict[int, float] = {}
    for word in map(trim_filler, text.split()[:_MAX_WORDS]):
        kind = classify_filler(word)
        topics = () if kind == "filler" else find_topics(word)
        if not topics:
            continue
        weight = inverse_topic_frequency(len(topics)) * (_FILLER_WEIGHT if kind else 1)
        for topic in topics:
            weights[topic] = weights.get(topic, 0.0) + weight
    heaviest = max(weights.values(), default=1.0)
    return {topic: (weight / heaviest) ** _SHARPNESS for topic, weight in weights.items()}


def inverse_topic_frequency(topics: int) -> float:
    """Return the weight of a word that this number of descriptions have: the square of its IDF."""
    return math.log(1 + len(load_topic_terms()) / topics) ** 2


@lru_cache(maxsize=1 << 10)
def find_topics(word: str) -> frozenset[int]:
    """Return the topics whose descriptions have a word of a question, without its particles and endings."""
    folded = analyser.fold(word)[:MAX_WORD_LENGTH]
    if analyser.has_hangul(folded):
        return frozenset(_find_hangul_topics(folded))
    found = [load_topic_words().get(stem, ()) for stem in term_keys.english_stems(folded.replace("-", " "))]
    return frozenset(found[0]).intersection(*found[1:]) if found else frozenset()


def _find_hangul_topics(word: str) -> Collection[int]:
    words = load_topic_words()
    stem = strip_query_word(word, lambda stem: stem != word and stem in words)
    spellings = {word, stem, analyser.strip_term(word), analyser.monosyllabic_noun(word) or word}
    return set[int]().union(*(words.get(spelling, ()) for spelling in spellings))


@lru_cache(maxsize=1)
def load_topic_terms() -> tuple[tuple[str, ...], ...]:
    """Return the terms by which papers call each topic, by its number."""
    return tuple(terms for terms, _ in _load_topics())


@lru_cache(maxsize=1)
def load_topic_words() -> Mapping[str, tuple[int, ...]]:
    """Return the topics of each word of the descriptions, as the analyser writes it. Takes some 100 ms once."""
    topics: dict[str, set[int]] = {}
    for number, (terms, words) in enumerate(_load_topics()):
        for stem in analyser.stemmed_words(" ".join((*terms, words)).replace("-", " ")):
            topics.setdefault(stem, set()).add(number)
    return {word: tuple(sorted(topics[word])) for word in topics.keys() - analyser.FUNCTION_WORDS}


@lru_cache(maxsize=1)
def _load_topics() -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return the terms of each topic with the words of its description; the everyday words are topics too."""
    everyday = ((terms, " ".join(words)) for words, terms in load_rows())
    described = ((tuple(terms.split("|")), words) for terms, words in _read_table("topic_descriptions.tsv"))
    return tuple((terms, re.sub("[,\t]", " ", words)) for terms, words in (*described, *everyday))


_MAX_PAPER_WORD_TOPICS = 40
"""Words in more descriptions tell nothing about a paper's topic."""


def prepare_topics() -> None:
    """Load the topics, which takes some 100 ms."""
    _load_weighted_words()


def find_paper_topics(words: Mapping[str, int], most: int) -> list[tuple[int, float]]:
    """Return the heaviest topics of a paper by its counted canonical words, with their weights as a unit vector."""
    weighted, weights = _load_weighted_words(), dict[int, float]()
    for word in weighted.keys() & words.keys():
        weight, topics = weighted[word]
        weight *= 1 + math.log(words[word])
        for topic in topics:
            weights[topic] = weights.get(topic, 0.0) + weight
    length = math.hypot(*weights.values()) or 1.0
    heaviest = sorted(weights, key=lambda topic: (-weights[topic], topic))[:most]
    return [(topic, weights[topic] / length) for topic in heaviest]


@lru_cache(maxsize=1)
def _load_weighted_words() -> dict[str, tuple[float, tuple[int, ...]]]:
    """Return the words of the descriptions with their weights and topics."""
    return {
        word: (inverse_topic_frequency(len(topics)), topics)
        for word, topics in load_topic_words().items()
        if len(topics) <= _MAX_PAPER_WORD_TOPICS
    }
