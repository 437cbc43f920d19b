"""Parses search queries: words, "phrases", -words, |, author:, from:, in:, like:, since:, until: and votes:.

Any text is a valid query. What is not an operator is searched for or reported in `ignored`. Few words are operators:

- `NOT word`, in capitals, leaves out that word, as `-word` does.
- `OR`, as `|`, parts a text into sides, and so do *or* and 또는 between sides of up to four words. A side has all of its words.
- One clause at the end leaves out all that stands in it: from a comma, semicolon or dash with *not*, *no*, *without*, *except*
  or *excluding* behind it to the end, or from the last comma to 제외, 빼고 or 말고. It has one phrase, or several with *and*,
  *or*, 와, 과, 이나 or a comma between them.

A text that has only such a clause is words, and so is every other word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import compress, groupby, zip_longest
from operator import not_
from typing import Any

from bot.text import analyser, plain, questions, typed_dates, typography
from bot.text.parsed_query import EITHER, ParsedQuery
from storage.models import NO_FILTERS, Filters

MAX_QUERY_LENGTH = 300
"""In characters. Longer queries are cut."""
LIKE_LIST = "like:list"
"""The term for papers that are like those of the server's list."""
_MAX_WORDS = 24
_MAX_IGNORED = 4
_MARKS = (
    "DOUBLE QUOTATION",
    "LOW-9 QUOTATION",
    "HIGH-REVERSED-9",
    "FULLWIDTH QUOTATION",
    "POINTING DOUBLE ANGLE",
)
_BRACKETS = ("DOUBLE ANGLE BRACKET", "CORNER BRACKET", "DOUBLE PRIME QUOTATION")


def _is_quotation_mark(sign: str) -> bool:
    name = unicodedata.name(sign, "")
    return any(part in name for part in (*_MARKS, *_BRACKETS)) and "SINGLE" not in name


QUOTES = str.maketrans(
    dict.fromkeys("－‐‑﹣", "-")
    | dict.fromkeys(filter(_is_quotation_mark, map(chr, (*range(0xA0, 0x3030), *range(0xFF00, 0xFF70)))), '"')
)
"""Quotation marks and hyphens of any script, by their names in Unicode, each as one character of the query language."""
_AS_TYPED = QUOTES | {
    ord(typography.normalise("NFKC", chr(letter))): letter for letter in range(0x3131, 0x3164)
}
"""Also the letters of Hangul that stand alone (ㅋㅋ), which NFKC makes parts of a syllable, which are shown otherwise."""
# Operators of other search engines are accepted as synonyms. Title operators have no effect.
_FIELDS = {
    **dict.fromkeys(("author", "authors", "au", "by", "저자"), "author"),
    **dict.fromkeys(("from", "institution", "affiliation", "기관", "소속"), "institution"),
    **dict.fromkeys(("in", "학회"), "label"),
    **dict.fromkeys(("like", "similar", "비슷", "비슷한", "유사", "유사한", "닮은"), "like"),
    **dict.fromkeys(("since", "after", "이후", "부터"), "since"),
    **dict.fromkeys(("until", "까지"), "until"),
    **dict.fromkeys(("before", "이전"), "before"),
    **dict.fromkeys(("votes", "vote", "upvotes", "min_votes", "추천", "투표", "표"), "votes"),
    **dict.fromkeys(("title", "intitle", "ti", "abs", "제목"), "words"),
}
_LIST = ("list", "ourlist", "목록", "우리목록", "리스트", "우리리스트")
"""What a paper may be like, without spaces and hyphens: the server's list."""
_OUR = ("our", "우리")
"""What the list's name begins with: *비슷:우리 목록*."""
_FIELD = rf"(?a:{'|'.join(_FIELDS)})(?::|(?=[<>=]))"
_SPACED = re.compile(
    rf"(?<![^\s(])(?:((?a:{'|'.join(name for name, field in _FIELDS.items() if field == 'votes')}))\s*([<>]=?|=)\s*(?=[0-9])"
    rf"|((?a:{'|'.join(_FIELDS)}))\s+(?=:))",
    re.IGNORECASE,
)
"""A filter's name with spaces around its sign: `votes >= 10`, `author : lin`."""
_COMPARISON = re.compile(r"[^\W\d_]+[<>]=?[0-9]+")
"""What looks like a filter, and is one only with a known name."""
_CLAUSE = re.compile(
    rf"""
    (?=\S) (?:(?P<joiner>(?:(?:and|but)\s+)?(?:not|without|except|excluding)|or|\||또는)\s+(?=[-–−]?(?:{_FIELD})))?
    (?P<sign>[-–−]?) (?:(?P<field>(?a:{"|".join(_FIELDS)}))(?::|(?=[<>=])))? (?:"(?P<quoted>[^"]*)"?|(?P<word>\S*))
    """,
    re.IGNORECASE | re.VERBOSE,
)
COMMA = re.compile(r"(?<!\d)[,、;—–]|[,、;—–](?!\d)")
"""A comma, semicolon or dash that is not in a number."""
# Between two words, but not in a fraction, a date or I/O; and in a link of Markdown.
_WORD_SEPARATOR = re.compile(rf"(?<=[^\W\d_][^\W\d_])[/|:(](?=[^\W\d_]{{2}})|\]\(|{COMMA.pattern}")
_SLASHES = str.maketrans("·ㆍ", "//")
"""Koreans write 초해상도·이미지 복원 where others have a slash."""
_VOTES = re.compile(r"([<>]?)(=?)([0-9]{1,6})(?:\+|\.\.|(?:-|\.\.)([0-9]{1,6}))?")
_SIGNS = "/|&—–"
_COMMAS = (",", "、", ";", "—", "–")
_MEANING_EITHER = (EITHER, "or", "또는")
_MAX_SIDE = 4
"""The most words of a side of *or*: no paper has all words of a long one, and to part sentences costs 0.02 of `bench.quality`."""
_NOT = ("not", "no", "without", "except", "excluding")
_KOREAN_NOT = re.compile(r"(.*)(?:제외|빼고|말고)[.!?]*")
_NOT_OF_FIELD = re.compile(
    rf"(?<!\S)({_FIELD}(?:\"[^\"]*\"|\S+))(?:은|는|을|를)? (?:제외|빼고|말고)\S*", re.IGNORECASE
)
_NOT_ALONE = ("only", "just", "merely")
"""*Not only* leaves nothing out."""
_KOREAN_AND = ("이나", "나", "와", "과")
_KOREAN_PARTICLES = ("은", "는", "을", "를")
_AFTER_CONSONANTS = ("이나", "과", "은", "을")
"""The endings of these that follow a syllable with a final consonant; the others follow one without."""
_DAY = timedelta(days=1)


def name_author(text: str, query: ParsedQuery) -> str:
    """Return the name in a text for an author: without the limits that it has as a query, such as since:2025 and votes:20."""
    if query.filters == NO_FILTERS and not query.authors:
        return text
    return query.text or " ".join(query.authors[:1])


@lru_cache(maxsize=1 << 10)  # a post's topic is asked for in several places
def parse_query(text: str, today: date | None = None) -> ParsedQuery:
    """Parse any text as a query, which may be empty. Takes linear time.

    Dates relative to a day, as in since:yesterday, are only understood if `today` is given.
    """
    clean = typography.normalise("NFKC", plain.clean_typed(text)).translate(_AS_TYPED)[:MAX_QUERY_LENGTH]
    clean = clean.replace("``", '"').replace("''", '"')  # as in LaTeX
    builder = _QueryBuilder(today)
    for match in _CLAUSE.finditer(_NOT_OF_FIELD.sub(r"not \1", _SPACED.sub(r"\1\2\3", clean))):
        builder.add(match)
    return builder.build()


NEGATING = re.compile(r"not|without|except|excluding|(?:제외|빼고|말고|아닌).*", re.IGNORECASE)
_BUT_NOT = re.compile(r"\b(?:(?:and|but) (?:not|without|except|excluding)|but no)\b", re.IGNORECASE)
_JOINED_NOT = re.compile(r"(?<=\S)(?=(?:제외|빼고|말고)(?:하고|한)?(?!\S))")
_MAX_TERM = 4
"""The most words of a term that a word such as *not* is about."""


def find_negated(query: ParsedQuery) -> tuple[str, str] | None:
    """Return the query without what the first word such as *not* or 말고 in a text is about, and this term; None without one.

    It is the longest term next to that word, else a word. Nothing is left out: this is only offered.
    """
    words = split_words(_JOINED_NOT.sub(" ", _BUT_NOT.sub("not", query.text)))
    is_date = questions.mask_dates(words)  # not before 2025
    negating = (
        place
        for place, (word, following) in enumerate(zip_longest(words, words[1:], fillvalue=""))
        if NEGATING.fullmatch(word) and not is_date[place] and following.casefold() not in _NOT_ALONE
    )
    place = next(negating, None)
    if place is None:
        return None
    if words[place].isascii():
        start = next((n for n in range(place + 1, len(words)) if _is_content(words[n])), len(words))
        spans = [(start, start + size) for size in range(_MAX_TERM, 0, -1)]
    else:
        spans = [(place - size, place) for size in range(min(place, _MAX_TERM), 0, -1)]
    for start, end in (span for span in spans if EITHER not in words[slice(*span)]):
        term = questions.strip_query_word(_trim_filler(words[start:end]), questions.is_term)
        if questions.is_term(term) or (end - start == 1 and term and not questions.classify_filler(term)):
            rest = [*words[: min(start, place)], *words[max(end, place + 1) :]]
            without = replace(query, text=" ".join(rest), excluded=(*query.excluded, term))
            has_rest = any(map(_is_content, rest)) or query.phrases or query.is_limited
            return (write_query(without), term) if has_rest else None
    return None


def leave_out(query: str, terms: Iterable[str]) -> str:
    """Return a query that also leaves out some words or phrases. A query that is too long is cut before them."""
    bare = (" ".join(term.translate(QUOTES).replace('"', " ").split()).lstrip("-–− ") for term in terms)
    clauses = (f'-"{term}"' if " " in term or ":" in term else f"-{term}" for term in bare if term)
    typed = split_words(query)
    added = [clause for clause in dict.fromkeys(clauses) if clause not in typed]
    most = MAX_QUERY_LENGTH - sum(len(clause) + 1 for clause in added)
    return " ".join(filter(None, [query[: max(most, 0)].strip() if added else query, *added]))


_EXAMPLES = {
    "author": "NAME",
    "institution": "KAIST",
    "label": "ICLR2026",
    "like": "list",
    "votes": "20",
    **dict.fromkeys(("since", "until", "before"), "2025-01-31"),
}


def list_accepted_forms(ignored: Iterable[str]) -> list[str]:
    """Return a valid example for each ignored filter, with the filter name as typed: since:2025-01-31 for since:december."""
    names = [
        match["field"]
        for match in map(_CLAUSE.match, ignored)
        if match and match["field"] and not (match["sign"] or match["joiner"])
    ]
    examples = {name: _EXAMPLES.get(_FIELDS.get(name.lower(), "")) for name in names}
    return [f"{name}:{example}" for name, example in examples.items() if example]


class _QueryBuilder:
    def __init__(self, today: date | None) -> None:
        self._today = today
        self._words, self._excluded, self._wanted = list[str](), list[str](), list[str]()
        self._named = {"author": list[str](), "institution": list[str](), "label": list[str]()}
        self._is_like_list = False
        self._ignored = list[str]()
        self._last = ""
        self._ranges: dict[str, Any] = {}
        self._pending: tuple[str, str, str] | None = None
        self._dated: tuple[str, str] | None = None

    def add(self, clause: re.Match[str]) -> None:
        """Add a word or quoted phrase with its optional sign and operator, and the comma after it."""
        word = clause["word"] or ""
        bare = word[:-1] if word.endswith(_COMMAS) else word
        known = len(self._excluded)
        self._add_clause(clause, bare)
        self._wanted += [clause[0]] if len(self._excluded) == known else []
        self._words += [word[-1:]] if bare != word else []

    def _add_clause(self, clause: re.Match[str], word: str) -> None:
        """Add a clause with its word or phrase. A filter whose value is unusable is ignored."""
        joiner, sign, name, quoted, _ = clause.groups("")
        field = _FIELDS[name.lower()] if name else ""
        value = " ".join((quoted or word).split())
        pending, self._pending = self._pending, None
        dated, self._dated = self._dated, None
        last, self._last = self._last, field
        if dated and not (sign or field or quoted) and self._add_filter(dated[0], f"{dated[1]} {value}"):
            return  # since:dec 30
        if pending is not None and not sign and not field:
            # "author: lin" means "author:lin"; "since: the beginning" is two words.
            pending_field, raw, joiner = pending
            if self._add_filter(pending_field, value, joiner):
                self._last = pending_field
                return
            self._add_term(raw.strip(" :"), self._words)
        if _COMPARISON.fullmatch(clause[0]) and not field:
            self._ignored.append(clause[0])
        elif field in ("", "words"):
            term = value or (clause[0].strip(" :") if field else "")
            term = f'"{term}"' if quoted and term and not sign else term
            self._add_term(term, self._excluded if sign else self._words)
        elif not sign and (not value or (field == "like" and value.casefold() in _OUR)):
            self._pending = field, clause[0], joiner if field == last else joiner and "not"
        elif sign or not self._add_filter(field, value, joiner if field == last else joiner and "not"):
            self._ignored.append(clause[0].strip())

    def _add_filter(self, field: str, value: str, joiner: str = "") -> bool:
        """Add a filter if its value is usable; after *or*, as an alternative to the last name. Returns whether it was added."""
        names = self._named.get(field)
        if joiner and not (names and joiner.lower() in _MEANING_EITHER):
            return False  # what a filter may not have, and a filter or some word, cannot be sought
        if names is not None:
            has_name = any(map(str.isalnum, value))
            if joiner and has_name:
                value = f"{names.pop()} {EITHER} {value}"
            names += [value] if has_name else []
            return has_name
        if field == "like":
            is_list = re.sub(r"[\s-]", "", value.casefold()) in _LIST
            self._is_like_list |= is_list
            return is_list
        if field == "votes":
            if match := _VOTES.fullmatch(value.replace(",", "")):
                votes, beyond = int(match[3]), bool(match[1] and not match[2])
                self._ranges |= (
                    {"max_votes": votes - beyond}
                    if match[1] == "<"
                    else {"min_votes": votes + beyond, "max_votes": int(match[4]) if match[4] else None}
                )
            return match is not None
        try:
            typed = value.removeprefix(">").removeprefix("=")
            span = (
                typed_dates.read_typed_date(typed, self._today)
                if self._today
                else typed_dates.read_calendar(typed)
            )
        except ValueError:  # 31 February
            return False
        if span is None:
            return False
        first, last = span
        self._dated = field, value
        if field == "since":
            self._ranges["since_on"] = first
        else:
            self._ranges["until_on"] = last if field == "until" else max(first, date.min + _DAY) - _DAY
        return True

    def _add_term(self, text: str, terms: list[str]) -> None:
        if analyser.stemmed_words(text) or (text in (*_SIGNS,) and terms):
            terms.append(text)

    def build(self) -> ParsedQuery:
        """Return the parsed query, limited to a maximum number of parts. Further words are ignored."""
        typed = [word for words in self._words for word in _separate(words)]
        if self._pending is not None:
            self._ignored.append(self._pending[1].strip())
        asked, clause = _split_clause(typed)
        is_date = questions.mask_dates(clause)  # robots, no surveys, since December
        asked, clause = [*asked, *compress(clause, is_date)], [*compress(clause, map(not_, is_date))]
        is_limited = any((*self._named.values(), self._is_like_list, self._ranges))
        left_out = _list_terms(clause) if is_limited or any(map(_is_content, asked)) else []
        dates = [term for term in left_out if typed_dates.is_date(term)]
        asked, negated = _take_negated(asked if left_out else typed)
        left_out = [term for term in left_out if term not in dates]
        sides = _part_sides(asked[:_MAX_WORDS])
        has_sides = len(sides) > 1
        rest = [word for word in sides[0] if word[0] != '"']
        query = ParsedQuery(
            text=f" {EITHER} ".join(map(" ".join, sides)) if has_sides else " ".join(rest),
            phrases=() if has_sides else tuple(word.strip('"') for word in sides[0] if word[0] == '"')[:8],
            excluded=tuple(dict.fromkeys((*self._excluded, *negated, *left_out)))[:8],
            authors=tuple(self._named["author"][:4]),
            institutions=tuple(self._named["institution"][:4]),
            labels=tuple(self._named["label"][:4]),
            is_like_list=self._is_like_list,
            ignored=(*self._ignored[:_MAX_IGNORED], *dates, *filter(None, [" ".join(asked[_MAX_WORDS:])])),
            filters=Filters(**self._ranges),
            wanted=" ".join(self._wanted),
        )
        is_as_typed = not (negated or left_out or dates) and (
            not has_sides or typed.count(EITHER) == len(sides) - 1
        )
        return query if is_as_typed else with_meaning(query)


def _separate(word: str) -> list[str]:
    """Return a word in several where a sign parts it: reasoning|inference."""
    if word[:1] == '"':
        return [word]
    return _WORD_SEPARATOR.sub(lambda sign: f" {sign[0]} ", word.translate(_SLASHES)).split()


def _is_content(word: str) -> bool:
    return questions.classify_filler(word) != "filler"


def _split_clause(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the words of a query before the clause at its end that leaves something out, and those of the clause."""
    commas = [place for place, word in enumerate(words) if word in _COMMAS]
    for place in commas:
        start = place + 1 + (words[place + 1 : place + 2] in (["but"], ["and"]))
        negating = [word.casefold() for word in words[start : start + 2]]
        if negating and negating[0] in _NOT and negating[-1] not in _NOT_ALONE:
            return words[:place], words[start + 1 :]
    if commas and (ending := _KOREAN_NOT.fullmatch(words[-1])):
        *clause, last = filter(None, [*words[commas[-1] : -1], ending[1]])
        return words[: commas[-1]], [*clause[1:], _strip(last, _KOREAN_PARTICLES)]
    return words, ()


def split_clause(text: str) -> tuple[str, list[str]]:
    """Return a text without the clause at its end that leaves something out, and what that leaves out."""
    words = (part for word in split_words(text.translate(QUOTES)) for part in _separate(word))
    asked, clause = _split_clause([*words])
    left_out = _list_terms(clause) if any(map(_is_content, asked)) else []
    return (" ".join(asked) if left_out else text), left_out


def _strip(word: str, endings: Iterable[str]) -> str:
    """Return a word without the first of some endings that fits it: 웹 for 웹이나, 서베이 for 서베이나, but 마을 for 마을."""
    for ending in endings:
        stem = word.removesuffix(ending)
        if stem and stem != word:
            is_hangul, has_final = analyser.is_syllables(stem[-1]), analyser.has_final_consonant(stem[-1])
            if not is_hangul or has_final is (ending in _AFTER_CONSONANTS):
                return stem
    return word


def _list_terms(clause: Iterable[str]) -> list[str]:
    """Return the words and phrases of a clause that leaves something out, without filler around them: a survey, 서베이 논문."""
    words = list[str]()
    for word in clause:
        bare = word if questions.is_term(word) else _strip(word, _KOREAN_AND)
        words += [bare] if bare == word else [bare, EITHER]
    groups = (list(group) for is_joiner, group in groupby(words, _joins_terms) if not is_joiner)
    return [term for group in groups if (term := _trim_filler(group))]


def _joins_terms(word: str) -> bool:
    return word in _COMMAS or word.casefold() in ("and", *_MEANING_EITHER)


def _trim_filler(words: Sequence[str]) -> str:
    named = [place for place, word in enumerate(words) if _is_content(word)]
    text = " ".join(words[named[0] : named[-1] + 1]) if named else ""
    return questions.trim_filler(" ".join(text.replace('"', " ").split()))


def _take_negated(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the words of a query without NOT and AND, and the words that NOT leaves out."""
    rest, negated, is_negated = list[str](), list[str](), False
    for word in words:
        if is_negated and _is_content(word):
            negated.append(_trim_filler([word]))
            is_negated = False
        elif word == "NOT":
            is_negated = True
        elif word != "AND":
            rest.append(word)
    return rest, negated


def _part_sides(words: Iterable[str]) -> list[list[str]]:
    """Return the words of each side of the words for *either*: in a sentence, whose sides are long, these are words."""
    listed = [word for word in words if word not in _COMMAS]
    sides = _split_sides(listed, lambda word: word.casefold() in _MEANING_EITHER)
    if max(map(len, sides)) > _MAX_SIDE:
        sides = _split_sides(listed, lambda word: word in (EITHER, "OR"))
    return sides


def _split_sides(words: Iterable[str], is_either: Callable[[str], bool]) -> list[list[str]]:
    """Split words where both sides have something to search for."""
    sides = [list[str]()]
    for word in words:
        if not is_either(word):
            sides[-1].append(word)
        elif any(map(_is_content, sides[-1])):
            sides.append([])
    if len(sides) > 1 and not any(map(_is_content, sides[-1])):
        sides[-2:] = [sides[-2] + sides[-1]]
    return sides


def split_names(name: str) -> list[str]:
    """Return the names of a filter, of which a paper has to have one: author:"Ada Lovelace | Emmy Noether"."""
    return [single for part in name.split(EITHER) if (single := part.strip())]


def split_words(text: str) -> list[str]:
    """Return the words of a query's text, phrases in quotation marks whole."""
    return [clause[0] for clause in _CLAUSE.finditer(text)] if '"' in text else text.split()


_IN_KOREAN = {
    "author": "저자",
    "from": "기관",
    "in": "학회",
    "like": "비슷",
    "since": "이후",
    "until": "까지",
    "votes": "추천",
}


def name_in_korean(query: str) -> str:
    """Return a written query with its operators in Korean."""
    query = re.sub(rf"(?<!\S){LIKE_LIST}(?!\S)", "like:목록", query)
    return re.sub(rf"(?<!\S)({'|'.join(_IN_KOREAN)}):", lambda match: f"{_IN_KOREAN[match[1]]}:", query)


def write_span(first: date | None, last: date | None) -> str:
    """Return limits of days as the operators of a query, a whole year or month as one."""
    for text in (f"{first.year:04}", f"{first:%Y-%m}") if first and last else ():
        if typed_dates.read_calendar(text) == (first, last):
            return f"since:{text} until:{text}"
    return " ".join(f"{name}:{day}" for name, day in (("since", first), ("until", last)) if day)


def write_query(query: ParsedQuery) -> str:
    """Return a query as it is typed, so that parsing it gives the query again."""
    return leave_out(_write_wanted(query), query.excluded)


def with_meaning(query: ParsedQuery) -> ParsedQuery:
    """Return a query that was read from words, with the text for it in signs."""
    return replace(query, wanted=_write_wanted(query), meant=write_query(query))


def _write_wanted(query: ParsedQuery) -> str:
    since, until, *limits = astuple(query.filters)
    most = "" if limits[1] is None else f"..{limits[1]}"
    clauses = (
        query.text,
        *(f'"{phrase}"' for phrase in query.phrases),
        *(f'author:"{name}"' for name in query.authors),
        *(f'from:"{name}"' for name in query.institutions),
        *(f'in:"{name}"' for name in query.labels),
        write_span(since, until),
        LIKE_LIST if query.is_like_list else "",
        "" if limits == [None, None] else f"votes:{limits[0] or 0}{most}",
    )
    return " ".join(filter(None, clauses))
