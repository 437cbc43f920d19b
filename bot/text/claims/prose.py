"""The prose of a claim: its length and language, empty phrases, links, and repetition of itself or of another claim."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from storage import models

MIN_CHARACTERS = 10
MAX_CHARACTERS = 600
_MIN_HANGUL_SHARE = 0.35
"""Of the letters of a Korean claim, without those in parentheses; names are Latin."""
_MAX_HANGUL_SHARE = 0.1
_HANGUL = re.compile("[가-힣]")
_LATIN_WORD = re.compile("[A-Za-z]+")
_PARENTHESES = re.compile(r"\([^()]{0,300}\)")
_LINK = re.compile(r"https?://|www\.|\]\(|</?[a-z]{1,10}[ >/]|```", re.IGNORECASE)
_FILLER = re.compile(
    r"(?:이|본) (?:논문|연구)(?:은|는) (?:매우 )?(?:흥미롭|중요하|의미 ?있)|기여할 (?:것|수 있을 것)으로 (?:기대|예상|보)"
    r"|(?:새로운 가능성|중요성|잠재력)을 (?:시사|보여|제시|열)|귀추가 주목|주목할 만한 (?:성과|결과|연구)"
    r"|(?:향후|앞으로의?) 연구에 (?:도움|기여|중요한)|(?:획기적|혁신적)인 (?:성과|연구|돌파구)"
    r"|\b(?:paves? the way|opens? (?:up )?(?:new|exciting) (?:avenues|possibilities|doors)|sheds? (?:new )?light on"
    r"|game[- ]chang(?:er|ing)|groundbreaking|revolutioni[sz]\w+|exciting (?:direction|result|work)s?"
    r"|deserves? (?:the best|a high|high)|more research is needed|further research is (?:needed|required)"
    r"|(?:this|the) paper is (?:very |truly )?(?:interesting|important|excellent|remarkable|outstanding))",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(?:[.,]\d+)*")
_MIN_SIMILARITY = 0.72
_REPEATED_WORDS = 4
_MAX_REPEATS = 2
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def find_problems(text: str, language: models.Locale, earlier: Sequence[str]) -> list[str]:
    """Return what is wrong with a claim as a text, apart from what its paper says. `earlier` are the claims before it."""
    problems = []
    if not MIN_CHARACTERS <= len(text.strip()) <= MAX_CHARACTERS:
        problems.append(
            f"it has {len(text.strip())} characters instead of {MIN_CHARACTERS} to {MAX_CHARACTERS}"
        )
    share = _hangul_share(text)
    if language is models.Locale.KO and share < _MIN_HANGUL_SHARE:
        problems.append("it is not written in Korean")
    if language is models.Locale.EN and share > _MAX_HANGUL_SHARE:
        problems.append("it is not written in English")
    if match := _FILLER.search(text):
        problems.append(f'"{match[0].strip()}" says nothing about the paper')
    if _LINK.search(text):
        problems.append("it holds a link or markup")
    if _repeats_itself(text):
        problems.append("it repeats itself")
    for number, other in enumerate(earlier, start=1):
        if is_repetition(text, other):
            problems.append(f"it repeats claim {number}")
            break
    return problems


def _hangul_share(text: str) -> float:
    bare = _PARENTHESES.sub("", text)
    hangul = len(_HANGUL.findall(bare))
    # A name is one word of a Korean sentence, however long it is.
    latin = sum(min(len(word), 3) for word in _LATIN_WORD.findall(bare))
    return hangul / (hangul + latin) if hangul + latin else 0.0


def is_repetition(text: str, other: str) -> bool:
    """Whether two claims say the same. The same sentence about another name or number is another claim."""
    if _tokens(text) != _tokens(other):
        return False
    first, second = _trigrams(text), _trigrams(other)
    return len(first & second) >= _MIN_SIMILARITY * max(1, len(first | second))


def _tokens(text: str) -> Collection[str]:
    return {token.casefold() for token in _TOKEN.findall(text) if token[0].isdigit() or not token.islower()}


def _trigrams(text: str) -> set[str]:
    letters = "".join(letter for letter in text.casefold() if letter.isalnum())
    return {letters[index : index + 3] for index in range(max(1, len(letters) - 2))}


def _repeats_itself(text: str) -> bool:
    words = text.casefold().split()
    runs = [
        tuple(words[index : index + _REPEATED_WORDS]) for index in range(len(words) - _REPEATED_WORDS + 1)
    ]
    if any(runs.count(run) > _MAX_REPEATS for run in set(runs)):
        return True
    sentences = [sentence.casefold().strip(" .!?") for sentence in _SENTENCE_END.split(text)]
    return len(set(sentences)) < len(sentences)
