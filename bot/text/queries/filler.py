"""Filler of queries: question words, requests, polite endings and generic words, recognised by their kind.

A kind is a word list in English; in Korean, where one verb has dozens of forms, it is a pattern of stems and endings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from bot.text.analysis import normalisation, stopwords
from bot.text.queries import korean_filler

Kind = Literal["function", "request", "paper", "generic", "ambiguous", "verb", ""]
"""The kind of a word of a query.

function, request: carries no topic. paper: a word for papers; none at either end of a query or next to filler.
generic: none at the end of a query or before filler. ambiguous: none after filler or first, if filler follows or nothing.
verb: none in a sentence, as are words of praise that are terms themselves (SOTA). "": content.
"""
_FUNCTION = (
    # Question words and auxiliary verbs.
    "what what's whats which who whom whose why when where how is isn't are was were be been being am do does did"
    " can can't could should would will may might must shall cannot have has had having"
    # Pronouns.
    " i i'm im i'd we us you your my me our it its it's they them their this that these those there there's here"
    " he she someone somebody anyone things stuff"
    # Prepositions, conjunctions and adverbs.
    " any some all each every other such so than then if while but not don't doesn't yet nor either also just only even"
    " still really very quite too much many more most less least lot lots several various different without within onto"
    " about around between over under through during across per like vs versus because instead using used"
    " based regarding concerning related towards toward"
    # Time and quality.
    " recent recently latest new newest newer current currently today nowadays lately best better"
    " good great top popular famous important interesting influential notable promising simple easy easily beginner"
    " introductory actually automatically properly correctly simply possible please thanks hi hello"
)
_REQUEST = (
    "find show give tell suggest recommend look looking want wanted need know help get see read interested curious"
    " wondering exist exists"
)
_PAPER = "paper papers article articles publication publications preprint preprints literature"
_GENERIC = (
    "method methods approach approaches technique techniques way ways idea ideas example examples overview trend trends"
    " difference differences pros cons tips progress advances comparison"
)
_AMBIGUOUS = (
    "study studies research search searching finding list recommendation recommendations recommended explain describe"
    " work works summary results explained problem problems performance"
)
_VERBS = (
    "make makes making made let lets try tries trying keep keeps happen happens doing done go goes improve improves"
    " improving reduce reduces reducing increase increasing decrease prevent preventing avoid avoiding fix fixing solve"
    " solves solving handle handling deal dealing tackle tackling address addressing propose proposes present presents"
    " introduce introduces shows apply applying achieve perform build building create creating become becomes enable"
    " enables allow allows require requires run whether cause causes people learn understand studying investigate"
    " state-of-the-art sota compare comparing compared use uses up turn turning put putting take taking own"
    " teach teaches teaching get gets getting bring brings bringing come comes coming stop stops"
    " stopping say says saying showing big huge ones wrong"
    " letting pick picking finished always right well once rather part inside"
)
_ENGLISH: dict[str, Kind] = {
    **dict.fromkeys(_VERBS.split(), "verb"),
    **dict.fromkeys(_AMBIGUOUS.split(), "ambiguous"),
    **dict.fromkeys(_GENERIC.split(), "generic"),
    **dict.fromkeys(_PAPER.split(), "paper"),
    **dict.fromkeys(_REQUEST.split(), "request"),
    **dict.fromkeys((*_FUNCTION.split(), *stopwords.FUNCTION_WORDS), "function"),
}
_KOREAN: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("request", korean_filler.REQUEST),
    ("paper", korean_filler.PAPER),
    ("function", korean_filler.FUNCTION),
    ("ambiguous", korean_filler.AMBIGUOUS),
    ("generic", korean_filler.GENERIC),
    ("verb", korean_filler.VERB),
)
_MAX_FILLER_LENGTH = 16
_EDGE = " \t\n\"'`.,;:!?~…()[]{}<>·“”‘’。、"
_ADNOMINAL_ENDINGS = ("는", "한", "된")
_PHRASES = tuple(
    tuple(phrase.split())
    for phrase in (
        "state of the art",
        "pros and cons",
        "as well as",
        "in terms of",
        "in order to",
        "up to date",
    )
)
"""Fixed phrases with words that may be content on their own."""


def trim(word: str) -> str:
    """Return a word of a query without the punctuation around it."""
    return word.strip(_EDGE)


def classify(word: str) -> Kind:
    """Return the kind of one word of a query, which may be in any case and with punctuation."""
    folded = normalisation.fold(trim(word[:64])).replace("’", "'")
    if not any(map(str.isalnum, folded)):
        return "function"
    if folded.isascii():
        return _ENGLISH.get(folded, "")
    if len(folded) > _MAX_FILLER_LENGTH:
        return ""
    is_verb = folded in korean_filler.list_verb_forms()
    return next((kind for kind, pattern in _KOREAN if pattern.fullmatch(folded)), "verb" if is_verb else "")


def has_topic(words: Sequence[str]) -> bool:
    """Tell whether any word of a query may carry a topic: papers, question words and requests alone do not."""
    return any(classify(word) in ("", "verb", "ambiguous") for word in words)


def topic_mask(words: Sequence[str], protected: Sequence[bool] | None = None) -> list[bool]:
    """Return for each word of a query whether it carries a topic; all True if none would.

    `protected` words are part of a known term of several words, such as the "of" of "chain of thought".
    """
    kinds = list(map(classify, words))
    if protected is not None:
        kinds = ["" if is_protected else kind for kind, is_protected in zip(kinds, protected, strict=True)]
    for start, end in _find_phrases(words):
        kinds[start:end] = ["function"] * (end - start)
    dropped = [kind in ("function", "request") for kind in kinds]
    _drop_by_neighbours(words, kinds, dropped)
    if any(dropped) or any(
        kind == "verb" and not word.isascii() for kind, word in zip(kinds, words, strict=True)
    ):
        # A sentence: its verbs say what is done to the topic.
        dropped = [is_dropped or kind == "verb" for is_dropped, kind in zip(dropped, kinds, strict=True)]
        _drop_by_neighbours(words, kinds, dropped)
    return [not is_dropped for is_dropped in dropped] if not all(dropped) else [True] * len(dropped)


def _drop_by_neighbours(words: Sequence[str], kinds: Sequence[Kind], dropped: list[bool]) -> None:
    """Drop words for papers, generic and ambiguous words where their place in the query says that they are filler."""
    last = len(kinds) - 1
    for index in range(last, -1, -1):
        precedes = index == last or dropped[index + 1]
        if kinds[index] in ("generic", "paper") and precedes:
            dropped[index] = True
        elif kinds[index] == "ambiguous" and precedes and index and kinds[index - 1] == "paper":
            dropped[index] = True  # 논문 추천, 논문 요약
    for index, kind in enumerate(kinds):
        # Behind a verb it is what the verb qualifies: 웹을 돌아다니는 연구.
        follows = index == 0 or dropped[index - 1] or words[index - 1].endswith(_ADNOMINAL_ENDINGS)
        precedes = index == last or dropped[index + 1]
        if follows and (kind == "paper" or (kind == "ambiguous" and precedes)):
            dropped[index] = True


def _find_phrases(words: Sequence[str]) -> list[tuple[int, int]]:
    """Return the start and the end of each fixed phrase."""
    folded = tuple(trim(word).lower() for word in words)
    return [
        (start, start + len(phrase))
        for start in range(len(folded))
        for phrase in _PHRASES
        if folded[start : start + len(phrase)] == phrase
    ]
