"""Phrases of what a question asks for besides its topic: words with classes, in both languages.

`request_words.tsv` gives words a class, such as "most" or "votes"; a Korean word may consist of several (추천순으로). Neighbours
with a class are a phrase, and rules say which classes together mean something, in any order and in both languages: "most" and
"votes" ask for most votes first. Filler between them does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from bot.text import analyser, plain, questions, seed

_MAX_JOINED, _MAX_TAIL = 3, 4
"""The most words of an entry, and the most syllables that "*" matches."""
_MAX_LENGTH = 24
"""In characters. Longer words have no class."""
_WORD = re.compile(
    r"[,;:.?!()“”\"·](?=\s|$)|[,;?!()“”\"·]|[^\s,;?!()“”\"·]+?(?=[.?!,;:()“”\"]*(?:\s|$)|[,;?!()“”\"·])"
)
_PARTICLES = frozenset(seed.read_data("request_particles.txt").split())
_NUMBER = re.compile(
    r"[0-9]{1,6}[개편위선]?|two|three|four|five|six|seven|eight|nine|ten|twenty", re.IGNORECASE
)
_VOTES = re.compile("[0-9]{1,6}표")
_REASON = re.compile("(?:니까?|는데|지만|거든요?|[어아]서)$")
"""The end of a clause on the reader, not on papers."""
NEGATORS = frozenset(("sure", "imperative", "lack", "instead", "no", "not", "dont", "other"))
PARTICLE = re.compile(r"(?:['’]s|[은는이가을를의에]|이?[나랑]|[와과]|하고|인데|이?지만|이?면서)\Z")
ALIKE = re.compile(rf"-(?:{'|'.join(seed.load_request_words()['alike'])})(?=[\s,;.)]|$)", re.IGNORECASE)
"""What is behind a name of what is like it: o1-style."""
_TAIL_KINDS = frozenset(("sure", "lack", "instead", "other", "use"))
"""What may be attached to a Korean noun: 강화학습말고, 파인튜닝하지 (않는)."""


class Token(NamedTuple):
    """A word or a part of one, and its class: "" for an unclassified word, "," for what separates phrases."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def is_korean(self) -> bool:
        return analyser.has_hangul(self.text)


@lru_cache(maxsize=1)
def list_known_forms() -> frozenset[str]:
    """Return the terms of the seed list, which ask for nothing: skip connection, 분포 외 탐지, 분포외탐지."""
    terms = (term for term in seed.load_terms() if not term.is_lack)
    forms = [form.casefold() for term in terms for form in (*term.korean, *term.english)]
    return frozenset((*forms, *(form.replace(" ", "") for form in forms)))


@lru_cache(maxsize=1 << 12)
def split_word(word: str, table: str) -> tuple[tuple[str, int], ...]:
    """Return the class and the length of each entry that a word consists of; () for other words."""
    entries = seed.load_request_words()[table]
    if word in entries or len(word) > _MAX_LENGTH or not word or word in list_known_forms():
        return ((entries[word][0], len(word)),) if word in entries else ()
    if not analyser.has_hangul(word):
        # "least-cited", but not "best-first" or "low-rank"
        pieces = [(entries.get(one, ("", ""))[0], len(one) + 1) for one in word.split("-")]
        kinds = {kind for kind, _ in pieces}
        is_measure = len(pieces) > 1 and "" not in kinds and kinds & {"votes", "voted", "popular", "cited"}
        return tuple(pieces) if is_measure else ()
    for end in range(len(word) - 1, 0, -1):
        kind, mark = entries.get(word[:end], ("", "?"))
        for cut in range(end, min(len(word), end + _MAX_TAIL) + 1 if mark != "?" else end):
            tail = word[end:cut]
            is_reason = table == "order" and _REASON.search(tail) is not None  # RAG는 많이 봤으니까
            is_tail = analyser.is_syllables(tail) if mark == "*" else tail in (_PARTICLES if mark else "요")
            if tail and (is_reason or not is_tail):
                continue
            if cut == len(word):
                return ((kind, cut),)
            if rest := split_word(word[cut:], table):
                return ((kind, cut), *rest)
    return ()


def _split_tail(word: str) -> tuple[tuple[str, int], ...]:
    """Return the classes at the end of a Korean word that negates what is before it, as its own part: 강화학습말고."""
    for start in range(2, len(word) - (word[-1] != "뺀") if analyser.has_hangul(word) else 0):
        pieces = split_word(word[start:], "leave")
        kinds = [kind for kind, _ in pieces[:2]]
        if kinds and (kinds[0] in _TAIL_KINDS or kinds == ["not", "use"]):  # 강화학습안쓰는
            return (("", start), *pieces)
    return ()


@lru_cache(maxsize=1 << 4)
def read_tokens(text: str, table: str) -> Sequence[Token]:
    """Return the words of a text and their classes. Cached, since several readers of a question ask for them."""
    matches, tokens, at = list(_WORD.finditer(text)), list[Token](), 0
    words = [questions.trim_filler(match[0].casefold()).replace("’", "'") or match[0] for match in matches]
    entries = seed.load_request_words()[table]
    while at < len(matches):
        start, end = matches[at].span()
        for size in range(min(_MAX_JOINED + 1, len(words) - at), 1, -1):
            joined = " ".join(words[at : at + size])
            joined = joined if joined in entries else joined.replace("'s ", " ")
            pieces = (
                split_word(joined, table) if joined in entries or analyser.has_hangul(joined[-1:]) else ()
            )
            pieces = (
                (("plain", len(joined)),)
                if joined in list_known_forms() and joined not in entries
                else pieces
            )
            if len(pieces) == 1:
                end = matches[at + size - 1].end()
                tokens.append(Token(pieces[0][0], text[start:end], start, end))
                at += size
                break
        else:
            word = words[at].removesuffix("'s")
            pieces = (
                split_word(word, table)
                or (_split_tail(word) if table == "leave" and word not in list_known_forms() else ())
                or (("", len(word)),)
            )
            for number, (kind, length) in enumerate(pieces, 1):
                stop = end if number == len(pieces) else start + length
                tokens.append(
                    Token("," if not word[:1].strip(',;:.?!()“”"·') else kind, text[start:stop], start, stop)
                )
                start = stop
            at += 1
    kinds = ["", *(token.kind for token in tokens), ""]
    tokens = [_place(token, kinds[at], kinds[at + 2]) for at, token in enumerate(tokens)]
    for number in range(1, len(tokens) - 1) if table == "order" else ():
        before, token, behind = tokens[number - 1 : number + 2]
        # over 5 and under 10 votes
        is_joint = not token.kind and before.kind == "count" and behind.kind in ("over", "under")
        is_month = (
            before.text.casefold() in ("of", "in") and token.text.casefold() in plain.MONTHS
        )  # of may so far
        is_inside = {before.kind, behind.kind}.isdisjoint(("", ",")) and not is_month
        if is_inside and (is_joint or _is_between(token)):
            tokens[number] = token._replace(kind="glue")  # people here like the most
    return tokens


def _is_between(token: Token) -> bool:
    """Return whether a word may be between those of a phrase: filler, but no preposition, 말고 or word for papers."""
    is_apart = any(
        seed.classify(table, token.text) for table in ("beside", "clause")
    ) or questions.names_papers(token.text)
    is_apart = is_apart or ("sure", len(token.text)) in split_word(token.text, "leave")
    return token.kind == "" and not is_apart and questions.classify_filler(token.text) == "filler"


def _place(token: Token, before: str, behind: str) -> Token:
    """Return a token with the class that it has beside one of another class: 정렬 is "sort" or alignment; over 5."""
    is_count = (
        token.kind == ""
        and _NUMBER.fullmatch(token.text) is not None
        and (before in ("over", "under", "votes") or behind == "votes")
    )
    is_sort = token.kind == "align" and before == "sort"
    is_votes = token.kind == "" and _VOTES.fullmatch(token.text) is not None
    kind = "count" if is_count else "sort" if is_sort else "votes" if is_votes else token.kind
    return token._replace(kind="" if kind in ("plain", "align") else kind)


def strip_particle(name: str) -> str:
    """Return a name without the particle behind it, which agrees with its last syllable: 제미나이 of 제미나이랑."""
    found = PARTICLE.search(name)
    endings = (found[0], found[0][1:]) if found else ()
    return name.removesuffix(next((end for end in endings if end and questions.agrees(name, end)), ""))


def cut(text: str, phrase: Sequence[Token]) -> str:
    """Return a text with blanks in place of a phrase, so that all others stay where they are."""
    start, end = phrase[0].start, phrase[-1].end
    return f"{text[:start]}{' ' * (end - start)}{text[end:]}"
