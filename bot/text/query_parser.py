"""Parses search queries: words, "phrases", -words, |, author:, from:, since:, until: and votes:.

Any text is a valid query. What is not an operator is searched for or reported in `ignored`. A few words of a sentence
mean an operator: see `operator_words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from datetime import date, timedelta
from typing import Any

from bot.text import analyser, operator_words, plain, questions, typed_dates, typography
from bot.text.parsed_query import ParsedQuery
from storage.models import NO_FILTERS, Filters

MAX_QUERY_LENGTH = 300
"""In characters. Longer queries are cut."""
_MAX_WORDS = 24
_MAX_IGNORED = 4
QUOTES = str.maketrans(dict.fromkeys("“”„«»『』「」＂", '"') | {"－": "-"})
"""Quotation marks and the full-width minus as typed in Korean text, each as one character of the query language."""
# Operators of other search engines are accepted as synonyms. Title operators have no effect.
_FIELDS = {
    **dict.fromkeys(("author", "authors", "au", "by", "저자"), "author"),
    **dict.fromkeys(("from", "institution", "affiliation", "기관", "소속"), "institution"),
    **dict.fromkeys(("since", "after", "이후", "부터"), "since"),
    **dict.fromkeys(("until", "까지"), "until"),
    **dict.fromkeys(("before", "이전"), "before"),
    **dict.fromkeys(("votes", "vote", "upvotes", "min_votes", "추천", "투표", "표"), "votes"),
    **dict.fromkeys(("title", "intitle", "ti", "abs", "제목"), "words"),
}
_FIELD = rf"(?:{'|'.join(_FIELDS)})(?::|(?=[<>=]))"
_CLAUSE = re.compile(
    rf"""
    (?=\S) (?:(?P<joiner>(?:(?:and|but)\s+)?not|or|\||또는|혹은|아니면)\s+(?=[-–−]?(?:{_FIELD})))?
    (?P<sign>[-–−]?) (?:(?P<field>{"|".join(_FIELDS)})(?::|(?=[<>=])))? (?:"(?P<quoted>[^"]*)"?|(?P<word>\S*))
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Between two words, but not in a fraction, a date or I/O.
_WORD_SEPARATOR = re.compile(r"(?<=[^\W\d_][^\W\d_])([/|,;:(])(?=[^\W\d_]{2})")
_SLASHES = str.maketrans("·ㆍ", "//")
"""Koreans write 초해상도·이미지 복원 where others have a slash."""
_VOTES = re.compile(r"([<>]?)(=?)([0-9]{1,6})(?:\+|\.\.|(?:-|\.\.)([0-9]{1,6}))?")
_SIGNS = "/|&—–"
_NEGATION = "not|without|except|excluding"
_GROUP = re.compile(
    rf"""
    "[^"]*"?  # brackets in a phrase are part of it
    | (?P<negation> (?<!\S)[-–−] | (?<!\S)(?:(?:and|but)\s+)?(?:{_NEGATION})\s+ )?
      \( (?P<group> (?: [^()]++ | \([^()]*+\)? )*+ ) (?:\)|$)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_LEFT_OUT = re.compile(rf"(?:{_NEGATION})\s++(.++)|(.*\S)\s*+(?:제외|빼고|말고)", re.IGNORECASE)
_LIST_JOINER = re.compile(r"(?<!\s)\s*+(?:[,|/]|\b(?:or|nor|and)\b|또는|혹은)\s*+", re.IGNORECASE)
_BETWEEN = re.compile(r"(?<!\s)(?:\s++(?:or|또는|혹은)\s++|\s*+\|\s*+)", re.IGNORECASE)
_UNREADABLE = re.compile(rf"\bAND\b|[()]|(?i:\b(?:{_NEGATION})\b|(?:{'|'.join(_FIELDS)}):)")
"""What a group that is left out cannot have: terms that are left out only together, a second *not*, filters."""
_JOINING = re.compile(rf"and|or|[|,&]|-.*|{_NEGATION}|또는|혹은", re.IGNORECASE)
_DAY = timedelta(days=1)


def parse_author(text: str, today: date | None = None) -> tuple[str, ParsedQuery]:
    """Return the name in a query for an author, and the query's filters, such as since:2025 and votes:20."""
    query = parse_query(text, today)
    if query.filters == NO_FILTERS and not query.authors:
        return text, ParsedQuery()
    return query.text or " ".join(query.authors[:1]), query


def parse_query(text: str, today: date | None = None, *, is_question: bool = False) -> ParsedQuery:
    """Parse any text as a query, which may be empty. Takes linear time.

    Dates relative to a day, as in since:yesterday, are only understood if `today` is given. In a question, words leave nothing
    out: "without" is one like others.
    """
    clean = typography.normalise("NFKC", plain.clean_typed(text)).translate(QUOTES)[:MAX_QUERY_LENGTH]
    opened, unreadable = (clean, []) if is_question else _open_groups(clean)
    builder = _QueryBuilder(today, unreadable, is_question=is_question)
    for match in _CLAUSE.finditer(opened):
        builder.add(match)
    query = builder.build()
    return query if opened == clean else replace(query, meant=write_query(query))


_MAX_DEPTH = 4
"""How deep a group can be in others; brackets further inside are no words."""


def _open_groups(text: str, depth: int = 0) -> tuple[str, list[str]]:
    """Return a query without brackets around alternatives and what is left out, and the groups that cannot be read.

    `-(a OR b)` and `(excluding a, b)` are `-a -b`; an *and* next to `(a OR b)` ends the words that belong together.
    """
    unreadable = list[str]()

    def open_group(match: re.Match[str]) -> str:
        group, negation = match["group"], match["negation"]
        if group is None:
            return match[0]
        if not negation and (inside := _LEFT_OUT.fullmatch(group.strip())):
            group, negation = inside[1] or inside[2], match[0]
        if negation:
            if _UNREADABLE.search(group):
                unreadable.append(match[0].strip())
                return " "
            terms = list(filter(None, _LIST_JOINER.split(group.strip())))
            is_content = all(questions.classify_filler(term) != "filler" for term in terms)
            return f" {leave_out('', terms)} " if is_content else match[0]
        if match.start() and not match.string[match.start() - 1].isspace():
            return match[0]
        group = _open_groups(group, depth + 1)[0] if depth < _MAX_DEPTH else group
        if not _BETWEEN.search(group):
            return match[0]
        before, following = (
            match.string[: match.start()].split()[-1:],
            match.string[match.end() :].split()[:1],
        )
        joiner, after = (
            "and " if word and not (_JOINING.fullmatch(word[0]) or ":" in group) else ""
            for word in (before, following)
        )
        return f"{joiner}{_BETWEEN.sub(' | ', group.strip())}{' ' * bool(after)}{after.strip()}"

    return _GROUP.sub(open_group, text), unreadable


def _find_excluded(query: str) -> list[tuple[re.Match[str], str]]:
    """Return the clauses of a query without groups that leave something out, each with what it leaves out."""
    signed = (clause for clause in _CLAUSE.finditer(query[:MAX_QUERY_LENGTH]) if clause["sign"])
    return [(clause, read[0]) for clause in signed if (read := parse_query(clause[0]).excluded)]


def list_excluded(query: str) -> list[str]:
    """Return the words and phrases that a query leaves out, as `-word` and `-"two words"`, in their order."""
    return [term for _, term in _find_excluded(_open_groups(query.translate(QUOTES))[0])]


def leave_out(query: str, terms: Iterable[str]) -> str:
    """Return a query that also leaves out some words or phrases. A query that is too long is cut before them."""
    bare = (" ".join(term.translate(QUOTES).replace('"', " ").split()).lstrip("-–− ") for term in terms)
    known = list_excluded(query)
    new = [term for term in dict.fromkeys(bare) if term and term not in known]
    added = [f'-"{term}"' if " " in term or ":" in term else f"-{term}" for term in new]
    most = MAX_QUERY_LENGTH - sum(len(clause) + 1 for clause in added)
    return " ".join(filter(None, [query[: max(most, 0)].strip() if added else query, *added]))


def readmit_term(query: str, term: str | None = None) -> str:
    """Return a query without the clauses that leave out a term, or without all that leave something out."""
    if (opened := _open_groups(query.translate(QUOTES))[0]) != query.translate(QUOTES):
        query = " ".join(opened.split())
    for clause, excluded in reversed(_find_excluded(query.translate(QUOTES))):
        if term in (None, excluded):
            query = f"{query[: clause.start()].rstrip()} {query[clause.end() :].lstrip()}".strip()
    return query


_EXAMPLES = {
    "author": "NAME",
    "institution": "KAIST",
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
    def __init__(self, today: date | None, ignored: Iterable[str], *, is_question: bool) -> None:
        self._today, self._is_question = today, is_question
        self._words, self._excluded = list[str](), list[str]()
        self._named = {"author": list[str](), "institution": list[str]()}
        self._ignored = list(ignored)
        self._last = ""
        self._ranges: dict[str, Any] = {}
        self._pending: tuple[str, str, str] | None = None
        self._dated: tuple[str, str] | None = None

    def add(self, clause: re.Match[str]) -> None:
        """Add a word or quoted phrase with its optional sign and operator.

        A filter whose value is unusable is ignored.
        """
        joiner, sign, name, quoted, word = clause.groups("")
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
        if field in ("", "words"):
            term = value or (clause[0].strip(" :") if field else "")
            term = f'"{term}"' if quoted and term and not sign else term
            self._add_term(term, self._excluded if sign else self._words)
        elif not value and not sign:
            self._pending = field, clause[0], joiner if field == last else joiner and "not"
        elif sign or not self._add_filter(field, value, joiner if field == last else joiner and "not"):
            self._ignored.append(clause[0].strip())

    def _add_filter(self, field: str, value: str, joiner: str = "") -> bool:
        """Add a filter if its value is usable; after *or*, as an alternative to the last name. Returns whether it was added."""
        names = self._named.get(field)
        if joiner and not (names and joiner.lower() in operator_words.MEANING_EITHER):
            return False  # what a filter may not have, and a filter or some word, cannot be sought
        if names is not None:
            has_name = any(map(str.isalnum, value))
            if joiner and has_name:
                value = f"{names.pop()} {operator_words.EITHER} {value}"
            names += [value] if has_name else []
            return has_name
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
        if analyser.stemmed_words(text) or (text in (*_SIGNS, *operator_words.COMMAS) and terms):
            terms.append(text)

    def build(self) -> ParsedQuery:
        """Return the parsed query, limited to a maximum number of parts. Further words are ignored."""
        typed = [word for words in self._words for word in _separate(words)]
        words, phrases = _part_phrases(
            [word for word in typed[:_MAX_WORDS] if word not in operator_words.COMMAS]
        )
        if self._pending is not None:
            self._ignored.append(self._pending[1].strip())
        read, left_out = operator_words.read(typed[:_MAX_WORDS], leaves_out=not self._is_question)
        query = ParsedQuery(
            text=_join(words),
            phrases=phrases[:8],
            excluded=tuple(self._excluded[:8]),
            authors=tuple(self._named["author"][:4]),
            institutions=tuple(self._named["institution"][:4]),
            ignored=(*self._ignored[:_MAX_IGNORED], *filter(None, [" ".join(typed[_MAX_WORDS:])])),
            filters=Filters(**self._ranges),
        )
        words, phrases = _part_phrases(read)
        meant = replace(
            query, text=_join(words), phrases=phrases[:8], excluded=(*query.excluded, *left_out)[:8]
        )
        return meant if meant == query else replace(meant, meant=write_query(meant))


def _separate(word: str) -> list[str]:
    """Return a word in several where a sign parts it: reasoning|inference."""
    return [word] if word[:1] == '"' else _WORD_SEPARATOR.sub(r" \1 ", word.translate(_SLASHES)).split()


def _part_phrases(words: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return words with the phrases that are alternatives, and the other phrases."""
    rest, phrases = list[str](), list[str]()
    for before, word, following in zip(("", *words), words, (*words[1:], ""), strict=False):
        if word[0] == '"' and operator_words.EITHER not in (before, following):
            phrases.append(word.strip('"'))
        else:
            rest.append(word)
    return rest, tuple(phrases)


def _join(words: Iterable[str]) -> str:
    return " ".join(words).rstrip("/| ")


def split_names(name: str) -> list[str]:
    """Return the names of a filter, of which a paper has to have one: author:"Ada Lovelace | Emmy Noether"."""
    return [single for part in name.split(operator_words.EITHER) if (single := part.strip())]


def split_words(text: str) -> list[str]:
    """Return the words of a query's text, phrases in quotation marks whole."""
    return [clause[0] for clause in _CLAUSE.finditer(text)] if '"' in text else text.split()


_IN_KOREAN = {"author": "저자", "from": "기관", "since": "이후", "until": "까지", "votes": "추천"}


def name_in_korean(query: str) -> str:
    """Return a written query with its operators in Korean."""
    return re.sub(rf"(?<!\S)({'|'.join(_IN_KOREAN)}):", lambda match: f"{_IN_KOREAN[match[1]]}:", query)


def write_span(first: date, last: date) -> str:
    """Return days as the operators of a query, a whole year or month as one."""
    for text in (f"{first.year:04}", f"{first:%Y-%m}"):
        if typed_dates.read_calendar(text) == (first, last):
            return f"since:{text} until:{text}"
    return f"since:{first} until:{last}"


def write_query(query: ParsedQuery) -> str:
    """Return a query as it is typed, so that parsing it gives the query again."""
    since, until, *limits = astuple(query.filters)
    most = "" if limits[1] is None else f"..{limits[1]}"
    clauses = (
        query.text,
        *(f'"{phrase}"' for phrase in query.phrases),
        *(f'author:"{name}"' for name in query.authors),
        *(f'from:"{name}"' for name in query.institutions),
        f"since:{since}" if since else "",
        f"until:{until}" if until else "",
        "" if limits == [None, None] else f"votes:{limits[0] or 0}{most}",
    )
    return leave_out(" ".join(filter(None, clauses)), query.excluded)
