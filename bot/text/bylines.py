"""Finds the writers that a question names, people and institutions, by the words around their names.

English: (by, from, at) (the) (Dr.) NAME ('s) (team) (wrote). Korean: NAME (교수) (particle) (함께) (쓴). Names that "or"
or "and" joins share these words: 메타나 구글이 쓴. `_Question.list_at` reads both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from bot.text import analyser, institutions, questions, seed

NAME_SYLLABLES = 3
"""The length of a full Korean name."""
_MAX_WRITERS, _MAX_QUESTION_WORDS = 3, 48
_MAX_PERSON_WORDS, _MAX_BARE_WORDS = 4, 3
"""The most words of a person's name, and of one that no word says to have written."""
_EDGE = " .,;:?!…\"'()"
_SUFFIX = re.compile(
    rf"(?<=[\w{analyser.SYLLABLES}])(['’]s|에서는|에서|측은|측|이[나든랑]|하고|이?라는|[이가은는의사나든와과랑님씨])\Z"
)
_GROUP = re.compile(
    r"(?:연구진|연구팀|연구원들|연구원|연구소|팀|랩|교수님?|박사님?)(?:들)?(?:이|가|은|는|의|에서)?"
    r"|(?:team|labs?|group|researchers|scientists)(?:['’]s)?"
)
_POSSESSIVE = ("'s", "’s")
_BEFORE_NOUNS = ("", "의", "님", "씨", "라는", "이라는")
"""What may be between a name in Hangul and a word for papers."""
_THINGS = ("거", "것", "건", "걸", "게")
_NOT_IN_NAMES = frozenset(("before", "written", "papers", "join", "the", "along"))

Sign = Literal["lead", "led", "joined", "group", "written", "papers", "owner", "possessive"]
"""What is around a name: "by" before it; a writer before or behind it that is joined to it; behind it a word for a group
or a professor, for having written, or for papers; that it has 's, or 's or 의 before a word for papers.
"""
Kind = Literal["institution", "beside", "said", "capitals", "bare"]
"""A known institution that is said to have written; one beside a topic (OpenAI 강화 학습); a name that the words around it
say to have written; a name in capitals; one with a word of no paper.
"""


class Writer(NamedTuple):
    """A name in a question, with the words from `start` to `end` that say that it wrote.

    `joint` is how the next writer is joined to it: "or", "and", or "" without one.
    """

    name: str
    start: int
    end: int
    kind: Kind
    signs: frozenset[Sign]
    joint: str = ""


def find_writers(
    words: Sequence[str],
    accepts: Callable[[Writer], bool] = lambda writer: writer.kind not in ("beside", "bare"),
    is_new: Callable[[str], bool] = lambda _: False,
) -> list[Writer]:
    """Return the writers that a question names and `accepts` returns True for, without overlaps.

    A bare name has a word for which `is_new` returns True: no ordinary word, and in no paper.
    """
    question, writers, start = _Question(words[:_MAX_QUESTION_WORDS], is_new), list[Writer](), 0
    while start < len(question.words) and len(writers) < _MAX_WRITERS:
        joint, at = question.read_joint(start) if writers and writers[-1].end == start else ("", start)
        writer = next(filter(accepts, question.list_at(at, is_led=bool(joint))), None)
        if writer and joint:
            writers[-1] = writers[-1]._replace(end=writer.start, joint=joint)
        writers += [writer] if writer else []
        start = writer.end if writer else start + 1
    return writers


@analyser.remembered(1 << 12)
def _list_roles(text: str) -> frozenset[str]:
    """Return what a word may be beside a name or in one: classes of table `writer`, "group", "papers", "join", "institution"."""
    lower = text.lower()
    lower = lower[:-1] if lower.endswith(_THINGS) and seed.classify("writer", lower[:-1]) else lower  # 낸거
    roles = {seed.classify("writer", lower), "join" if seed.classify("join", lower) else ""}
    roles |= {"group" if _GROUP.fullmatch(lower) else "", "papers" if questions.names_papers(lower) else ""}
    may_begin = institutions.may_begin(text) or institutions.find_key(strip_particle(text))
    return frozenset(filter(None, (*roles, "institution" if may_begin else "")))


def strip_particle(text: str) -> str:
    """Return a name without the particle or 's behind it."""
    return _SUFFIX.sub("", text.strip(_EDGE))


class _Span(NamedTuple):
    """The words of a name from `start` to `end`; from `first` to `last` with those that say that it wrote."""

    start: int
    end: int
    first: int
    last: int
    signs: frozenset[Sign]


class _Question:
    """The words of a question, and what each of them may be beside a name."""

    def __init__(self, words: Sequence[str], is_new: Callable[[str], bool]) -> None:
        self.words, self._is_new = words, is_new
        self._texts = [word.strip(_EDGE) for word in words]
        self._roles = list(map(_list_roles, self._texts))
        # Each name before them asks again. Cached methods would keep the question, and what tells new names, in a cycle.
        self._behind: dict[int, tuple[int, frozenset[Sign]]] = {}
        self._said: dict[int, bool] = {}

    def list_at(self, start: int, *, is_led: bool = False) -> Iterator[Writer]:
        """Yield the possible writers from a word, likeliest first: known institutions, longer names, bare names last.

        If `is_led`, a writer ahead is joined to it.
        """
        if start < len(self.words) and not (self._is("the", start) or self._is_latin_title(start)):
            yield from self._list_institutions(start, is_led=is_led)
            yield from sorted(
                self._list_people(start, is_led=is_led), key=lambda writer: writer.kind == "bare"
            )

    def read_joint(self, end: int) -> tuple[str, int]:
        """Return how what is before `end` is joined to the next words, and where these start: "or", "and" or ""."""
        if self.words[end - 1].endswith(","):  # Google, Meta or Apple
            behind = (seed.classify("join", word) for word in self.words[end : end + institutions.MAX_WORDS])
            if joint := next(filter(None, behind), ""):
                return joint, end
        if self._is("join", end):
            return seed.classify("join", self._texts[end]), end + 1 + self._is("before", end + 1)
        endings = (seed.classify("join", f"-{self.words[end - 1][-size:]}") for size in (2, 1))
        return next(filter(None, endings), ""), end

    def _list_spans(self, start: int, most: int, *, is_led: bool) -> Iterator[_Span]:
        """Yield the spans of at most `most` words from a word, the longest first, with what is around them."""
        first = start - (start > 1 and self._is("the", start - 1))
        first -= self._is_latin_title(first - 1)
        first = first - 1 if self._is("before", first - 1) else start
        ahead: set[Sign] = {"led"} if is_led else {"lead"} if first < start else set()
        for end in range(min(len(self.words), start + most), start, -1):
            last, behind = self._read_behind(end)
            yield _Span(start, end, first, last, behind | ahead)

    def _list_institutions(self, start: int, *, is_led: bool) -> Iterator[Writer]:
        """Yield the known institutions from a word. One whose models have its name must be said to have written."""
        most = institutions.MAX_WORDS if self._is("institution", start) else 0
        for span in self._list_spans(start, most, is_led=is_led):
            names = self._list_names(span)
            if name := next(filter(institutions.find_key, names), None):
                is_said = (
                    bool(span.signs - {"led"})
                    or (is_led and not institutions.is_ordinary(names[0]))
                    or institutions.is_unmistakable(name)
                    or self._consists_of_institutions()
                )
                if is_said or not institutions.makes_models(name):
                    kind: Kind = "institution" if is_said else "beside"
                    yield Writer(name, span.first, span.last, kind, span.signs)

    def _list_people(self, start: int, *, is_led: bool) -> Iterator[Writer]:
        """Yield the names of people and unknown institutions from a word, the longest first."""
        is_capital, most = self.words[start][:1].isupper(), 0
        while most < min(
            len(self.words) - start, institutions.MAX_WORDS if is_capital else _MAX_PERSON_WORDS
        ):
            if self._roles[start + most] & _NOT_IN_NAMES:
                break
            most += 1
        for span in self._list_spans(start, most, is_led=is_led):
            is_new = any(map(self._is_new, self.words[start : span.end]))
            names = self._list_names(span) if is_new or is_capital or span.signs else ()
            names = () if any(map(institutions.find_key, names)) else names
            for name in names:
                find_kind = self._find_hangul_kind if analyser.has_hangul(name) else self._find_latin_kind
                if kind := find_kind(name, span, is_stem=name != names[0]):
                    yield Writer(name, span.first, span.last, kind, span.signs)
                if is_new and span.end - start <= _MAX_BARE_WORDS and self._may_be_bare(name, span):
                    yield Writer(name, span.first, span.last, "bare", span.signs)

    def _find_hangul_kind(self, name: str, span: _Span, *, is_stem: bool) -> Kind | None:
        """Return "said" for a name behind "by", before 교수, or with a particle before 쓴; except before 교수, a full name."""
        has_verb = is_stem and not span.signs.isdisjoint(("written", "owner", "joined"))
        is_full = " " in name or len(name) == NAME_SYLLABLES
        is_said = "group" in span.signs or (is_full and (has_verb or self._is_led(span)))
        return "said" if is_said and analyser.is_syllables(name.replace(" ", "")) else None

    def _find_latin_kind(self, name: str, span: _Span, *, is_stem: bool) -> Kind | None:
        """Return "said" for a name behind "by" (in capitals or of several words), or in capitals before Korean words or 's."""
        words = name.split()
        has_capitals = all(word[:1].isupper() for word in words) and not name.isupper()
        if self._is_led(span):
            is_name = has_capitals or 1 < len(words) <= _MAX_PERSON_WORDS
            behind = "".join(self.words[span.end : span.end + 1])
            is_cut = behind[:1].isupper() and not behind.isupper()
            return "said" if is_name and not is_cut else None
        is_full = has_capitals and (len(words) > 1 or "papers" in span.signs)
        if not is_full or self._is_cut_ahead(span.start):
            return None
        is_marked = is_stem or analyser.has_hangul("".join(self.words[span.end : span.last]))
        if is_marked and not span.signs.isdisjoint(("group", "written", "owner", "joined")):
            return "said"
        return "capitals" if 1 < len(words) <= _MAX_BARE_WORDS else None

    def _may_be_bare(self, name: str, span: _Span) -> bool:
        """Return whether a text may be a name: syllables, without a particle before a word for papers, or Latin letters."""
        if not analyser.has_hangul(name):
            return not self._is_cut_ahead(span.start)
        tail = self._texts[span.end - 1].removeprefix(name.split()[-1])
        is_loose = span.end < span.last or "papers" not in span.signs
        return analyser.is_syllables(name.replace(" ", "")) and (is_loose or tail in _BEFORE_NOUNS)

    def _is_led(self, span: _Span) -> bool:
        return "led" in span.signs or ("lead" in span.signs and self._texts[span.first].lower() != "at")

    def _is_cut_ahead(self, start: int) -> bool:
        """Return whether a word before a Latin name may belong to it: Han of Song Han."""
        ahead = self.words[start - 1] if start else ""
        return ahead[:1].isupper() and ahead.isalpha() and ahead.isascii()

    def _read_behind(self, end: int) -> tuple[int, frozenset[Sign]]:
        """Return where the words behind a name end that say that it wrote, and what is behind it: 연구진이 함께 쓴."""
        if end in self._behind:
            return self._behind[end]
        last, signs = end + self._is("group", end), set[Sign]()
        signs |= {"group"} if last > end else set[Sign]()
        verb = next((at for at in range(last, len(self.words)) if not self._is("along", at)), last)
        if self._is("written", verb):
            last = verb + 1
            signs.add("written")
        if self._is("papers", last):
            signs.add("papers")
        word = self._texts[end - 1]
        if word.endswith(_POSSESSIVE):
            signs.add("possessive")
        if "papers" in signs and last == end and word.endswith((*_POSSESSIVE, "의")):
            signs.add("owner")
        if not signs - {"papers"}:
            joint, at = self.read_joint(end)
            signs |= {"joined"} if joint and self._has_said(at) else set[Sign]()
        return self._behind.setdefault(end, (last, frozenset(signs)))

    def _has_said(self, at: int) -> bool:
        """Return whether a writer is named from a word, by words around the name."""
        if at not in self._said:
            self._said[at] = any(writer.kind in ("institution", "said") for writer in self.list_at(at))
        return self._said[at]

    def _is(self, role: str, at: int) -> bool:
        return 0 <= at < len(self.words) and role in self._roles[at]

    def _is_latin_title(self, at: int) -> bool:
        return self._is("title", at) and self._texts[at].isascii()

    def _list_names(self, span: _Span) -> Sequence[str]:
        """Return a name as typed, and without its particle."""
        typed = " ".join(self.words[span.start : span.end]).strip(_EDGE)
        stem = strip_particle(typed)
        return [stem] if typed == stem or typed.endswith(_POSSESSIVE) else [typed, stem]

    def _consists_of_institutions(self) -> bool:
        """Return whether a question consists of institutions, but for makers of models of their name: 엔비디아, 메타나 구글."""
        names, at, joint = list[str](), 0, "and"
        while joint and at < len(self.words):
            ends = range(len(self.words), at, -1)
            stems = ((strip_particle(" ".join(self.words[at:end])), end) for end in ends)
            name, end = next((one for one in stems if institutions.find_key(one[0])), ("", at + 1))
            joint, at = self.read_joint(end) if name else ("", at)
            names.append(name)
        is_whole = at == len(self.words) and all(names)
        is_alone = len(names) == 1 and institutions.is_ordinary(names[0])
        return is_whole and not is_alone and not any(map(institutions.makes_models, names))
