"""Matches papers with alerts.

An alert is a saved query. It matches a paper if a search for its terms would return the paper as a complete
match. Queries of all alerts are parsed once and indexed by *keys*: a token of each form, or a name. A paper
is compared only with the queries that share a key with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeAlias, assert_never

import structlog

from bot.archive import summaries
from bot.core import isolation
from bot.search import index as search_index
from bot.search import results as search_results
from bot.search.query import ReadQuery
from bot.search.service import SearchService
from bot.text import analyser, concepts, people, term_keys, tokens
from storage import alerts, errors, models, search
from storage.database import Database, chunked

log = structlog.get_logger(__name__)

NOT_COMPARED = "paper not compared with alerts"
"""The log event for a paper or an alert that triggers a bug, which must not block the others."""


class MatchField(StrEnum):
    """The part of a paper that matched."""

    TITLE = "title"
    TEXT = "text"
    AUTHOR = "author"
    INSTITUTION = "institution"


@dataclass(frozen=True, slots=True)
class AlertReason:
    """Why a paper matches an alert.

    `text` is the form found in the paper, or the name as the paper spells it. `topic` is the term as typed;
    for a name it equals `text`. `forms` has the form found for each part of the term.
    """

    kind: models.AlertKind
    text: str
    found_in: MatchField
    topic: str
    forms: tuple[str, ...] = ()


# Queries.

Part: TypeAlias = tuple[str, ...]
"""Alternative forms, the typed one first. A paper must contain at least one."""


class TermQuery(NamedTuple):
    """A term of an alert. A paper must contain all of the `parts`, or one form of the `whole` term."""

    term: models.AlertTerm
    parts: tuple[Part, ...] = ()
    whole: Part = ()


class AlertQuery(NamedTuple):
    """The parsed query of an alert. A paper with any of the `excluded` forms does not match."""

    terms: tuple[TermQuery, ...]
    excluded: Part
    match_all: bool


async def read_alerts(searching: SearchService, rows: Iterable[models.Alert]) -> dict[int, AlertQuery]:
    """Parse alerts in the same way as searches. Returns their queries, keyed by alert id.

    An alert that triggers a bug is logged and left out.
    """
    rows, failures = list(rows), list[Exception]()
    with isolation.collected(failures, reraise=(errors.StorageError,)):
        return await _read_all(searching, rows)
    if len(rows) == 1:
        isolation.log_error(log, "alert not parsed", failures[0], alert=rows[0].id)
        return {}
    alone = [await read_alerts(searching, [row]) for row in rows]
    return {alert_id: query for read in alone for alert_id, query in read.items()}


async def _read_all(searching: SearchService, rows: Sequence[models.Alert]) -> dict[int, AlertQuery]:
    words = [term.text for row in rows for term in row.terms if term.kind is models.AlertKind.KEYWORD]
    texts = list(dict.fromkeys((*words, *(word for row in rows for word in row.excluded))))
    read = dict(zip(texts, await searching.read_queries(texts), strict=True))
    return {row.id: _make_query(row, read) for row in rows}


def _make_query(alert: models.Alert, read: Mapping[str, ReadQuery]) -> AlertQuery:
    terms = tuple(
        TermQuery(term, *_list_parts(read[term.text]))
        if term.kind is models.AlertKind.KEYWORD
        else TermQuery(term)
        for term in alert.terms
    )
    asked = {form for term in terms for part in (*term.parts, term.whole) for form in part}
    excluded = list[str]()
    for word in alert.excluded:
        parts, _ = _list_parts(read[word])
        forms = parts[0] if len(parts) == 1 else ()
        excluded += [word.strip('"'), *(form for form in forms if form not in asked)]
    return AlertQuery(terms, tuple(dict.fromkeys(excluded)), alert.match_all)


def _list_parts(read: ReadQuery) -> tuple[tuple[Part, ...], Part]:
    wholes = (_list_forms(whole) for whole in read.wholes)
    return tuple(map(_list_forms, read.parts)), tuple(form for forms in wholes for form in forms)


def _list_forms(part: concepts.QueryPart) -> Part:
    # Skip forms that only affect the ranking of search results, such as translations of a single word.
    return tuple(form.text for form in part.forms if form.is_shown or form.weight >= 1)


def alert_key(alert: models.Alert) -> str:
    """Return a key that is equal for equivalent alerts. The order, case and spacing of terms do not matter."""
    options = ["all"] * (alert.match_all and len(alert.terms) > 1)
    options += sorted(f"-{term_keys.term_key(word)}" for word in alert.excluded)
    return "\n".join([*sorted(map(term_key, alert.terms)), *options])


def term_key(term: models.AlertTerm) -> str:
    """Return a key that is equal for equivalent terms."""
    match term.kind:
        case models.AlertKind.AUTHOR:
            text = " ".join(sorted(analyser.fold_name(term.text).split()))
        case models.AlertKind.INSTITUTION:
            text = people.institution_key(term.text)
        case models.AlertKind.KEYWORD:
            quoted = '"' * (term.text != term.text.strip('"'))
            text = quoted + (term_keys.term_key(term.text) or analyser.fold(term.text))
        case _:
            assert_never(term.kind)
    return f"{term.kind.value[0]}:{text}"


# Papers.

_AUTHOR, _INSTITUTION = "@", "#"
"""Key prefixes for authors and institutions."""
_ANY = ""
"""The key for forms without letters; every paper has it."""


class PreparedPaper:
    """A paper's texts, tokenized once for comparison with many queries."""

    def __init__(self, detail: models.PaperDetail) -> None:
        self.detail = detail
        sections = [section for of in detail.appearances for section in summaries.shown_sections(of.entry)]
        texts = search_index.build_texts(
            models.IndexDocument(
                id=detail.id,
                arxiv_id=detail.arxiv_id,
                title=detail.title,
                sections=tuple(dict.fromkeys(sections)),
                abstract=detail.abstract,
                keywords=detail.keywords,
                votes=detail.votes,
                last_on=detail.last_on,
            )
        )
        self._title, self._body = map(tokens.tokenize, (texts.title, texts.body))
        self._tokens = tokens.PaperTokens(self._title, self._body)
        self._found: dict[str, tuple[bool, bool]] = {}

    def find(self, form: str) -> tuple[bool, bool]:
        """Return two booleans: whether the title contains a spelling of a term, and whether the body does."""
        if form not in self._found:
            has_key = not self.keys.isdisjoint(_list_form_keys(form))
            in_title, in_body = self._tokens.count(form) if has_key else (0, 0)
            self._found[form] = in_title > 0, in_body > 0
        return self._found[form]

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of all tokens and names in the paper."""
        detail, keys = self.detail, {_ANY, *self._title.split(), *self._body.split()}
        keys.update(_AUTHOR + key for name in detail.authors for key in people.consonant_keys(name))
        keys.update(_INSTITUTION + key for name in detail.institutions for key in people.find_keys(name))
        return frozenset(keys)


def prepare(details: Iterable[models.PaperDetail]) -> list[PreparedPaper]:
    """Return the papers prepared for comparison, without those that trigger a bug, which must not block the others."""
    prepared = []
    for detail in details:
        with isolation.isolated(log, NOT_COMPARED, paper=detail.id):
            prepared.append(PreparedPaper(detail))
    return prepared


def match(query: AlertQuery, paper: PreparedPaper) -> tuple[AlertReason, ...]:
    """Return a reason for each matching term; empty if the paper does not match. Votes are ignored."""
    reasons = []
    for term in query.terms:
        if (reason := _match_term(term, paper)) is not None:
            reasons.append(reason)
        elif query.match_all:
            return ()
    if reasons and any(any(paper.find(form)) for form in query.excluded):
        return ()
    return tuple(reasons)


def _match_term(query: TermQuery, paper: PreparedPaper) -> AlertReason | None:
    kind, text = query.term
    match kind:
        case models.AlertKind.AUTHOR:
            author = find_author(text, paper.detail.authors)
            return AlertReason(kind, author, MatchField.AUTHOR, author) if author else None
        case models.AlertKind.INSTITUTION:
            key = people.institution_key(text)
            for name in paper.detail.institutions:
                if key in people.find_keys(name):
                    return AlertReason(kind, name, MatchField.INSTITUTION, name)
            return None
        case models.AlertKind.KEYWORD:
            for parts in (query.parts, (query.whole,)):
                found = _find_parts(parts, paper)
                if found:
                    forms = tuple(form for form, _ in found)
                    in_title = all(is_in_title for _, is_in_title in found)
                    field = MatchField.TITLE if in_title else MatchField.TEXT
                    return AlertReason(
                        kind, forms[0] if len(forms) == 1 else text, field, text.strip('"'), forms
                    )
            return None
        case _:
            assert_never(kind)


def find_author(name: str, authors: Iterable[str]) -> str | None:
    """Return the first author who has this name in any spelling, word order or script, or None."""
    variants = name_variants(name)
    found = (
        author for author in authors if variants & name_variants(author) or people.is_same_name(name, author)
    )
    return next(found, None)


def _find_parts(parts: Sequence[Part], paper: PreparedPaper) -> list[tuple[str, bool]]:
    """Return each part's matching form and whether it is in the title; [] if any part is missing."""
    forms = list(filter(None, (_find_part(part, paper) for part in parts)))
    return forms if len(forms) == len(parts) else []


def _find_part(part: Part, paper: PreparedPaper) -> tuple[str, bool] | None:
    """Return the first form found in the title and True, or else the first in the body and False; None if not found."""
    in_title = ((form, True) for form in part if paper.find(form)[0])
    return next(in_title, None) or next(((form, False) for form in part if paper.find(form)[1]), None)


@lru_cache(maxsize=1 << 12)
def name_variants(name: str) -> frozenset[str]:
    """Return normalised spellings of a name: without accents, with umlauts spelled out, with words or hyphens joined."""
    joined = name.replace("-", "")
    variants = {
        fold(spelling)
        for fold in (analyser.fold_name, analyser.fold_name_german)
        for spelling in (name, joined)
    }
    words = tuple(people.name_tokens(name))
    spellings = [*map(str.split, variants), words, *people.join_words(words)]
    return frozenset(" ".join(sorted(spelling)) for spelling in spellings if spelling)


MAX_REASONS = 6
"""The maximum number of reasons given for a paper."""


def match_all(queries: Iterable[AlertQuery], paper: PreparedPaper) -> tuple[AlertReason, ...]:
    """Return the reasons from all matching queries: one per topic, at most MAX_REASONS."""
    reasons: dict[tuple[models.AlertKind, str], AlertReason] = {}
    for query in queries:
        for reason in match(query, paper):
            reasons.setdefault((reason.kind, analyser.fold(reason.topic)), reason)
    return tuple(reasons.values())[:MAX_REASONS]


def find_sentence(
    paper: models.PaperDetail, words: Iterable[str], locale: models.Locale
) -> search_results.Snippet | None:
    """Return a sentence of the paper that contains one of the words, in bold, or None."""
    patterns = search_results.build_patterns([[word] for word in words])
    return search_results.find_snippet(paper, locale, patterns) if patterns else None


# The index.


def list_keys(query: AlertQuery) -> frozenset[str]:
    """Return index keys of a query; every matching paper has at least one. Only the rarest required term is used."""
    by_term = [max(_list_term_keys(term), key=_selectivity, default=frozenset()) for term in query.terms]
    return max(by_term, key=_selectivity) if query.match_all else frozenset[str]().union(*by_term)


def _list_term_keys(query: TermQuery) -> list[frozenset[str]]:
    """Return the keys for each part of a term."""
    kind, text = query.term
    match kind:
        case models.AlertKind.AUTHOR:
            return [frozenset(_AUTHOR + key for key in people.consonant_keys(text))]
        case models.AlertKind.INSTITUTION:
            return [frozenset((_INSTITUTION + people.institution_key(text),))]
        case models.AlertKind.KEYWORD:
            return [
                frozenset[str]().union(*map(_list_form_keys, (*part, *query.whole))) for part in query.parts
            ]
        case _:
            assert_never(kind)


def _selectivity(keys: frozenset[str]) -> int:
    """Estimate how rare these keys are in papers: longer is rarer, and a syllable counts as three letters."""
    return min((len(key.encode()) for key in keys), default=0)


@lru_cache(maxsize=1 << 14)
def _list_form_keys(form: str) -> frozenset[str]:
    # Use the longest token, preferring the middle one: in a Korean term it spans two words, so it is rarer.
    keys = {
        max((len(token), -abs(2 * number + 1 - len(phrase)), token) for number, token in enumerate(phrase))[2]
        for phrase in tokens.phrases(form)
    }
    return frozenset(keys or (_ANY,))


_READ_AT_ONCE = 200
"""The number of alerts parsed before other tasks may run; each takes 0.2 ms."""


class AlertIndex:
    """An index of all alert queries in memory. Each use parses new alerts, or all of them if the glossary has changed."""

    def __init__(self, database: Database, search: SearchService) -> None:
        self._database = database
        self._search = search
        self._rows: list[tuple[int, str]] = []
        self._version: str | None = None
        self._queries: dict[str, AlertQuery] = {}
        self._by_key: dict[str, list[tuple[AlertQuery, list[int]]]] = {}

    async def find(self, papers: Sequence[PreparedPaper]) -> list[tuple[int, models.PaperDetail]]:
        """Return pairs of an alert's id and a paper that it matches."""
        async with self._database.read() as connection:
            rows = await alerts.list_keys(connection)
        version = await self._database.look_up(search.get_glossary_version)
        if (rows, version) != (self._rows, self._version):
            known = self._queries if version == self._version else {}
            self._queries = await self._read({key: id_ for id_, key in rows}, known)
            self._by_key = await asyncio.to_thread(_index, rows, self._queries)
            self._rows, self._version = rows, version
        return await asyncio.to_thread(self._find, papers)

    async def _read(self, ids: Mapping[str, int], known: Mapping[str, AlertQuery]) -> dict[str, AlertQuery]:
        """Return the queries, keyed by alert key. `ids` maps each alert key to the id of an alert."""
        queries = {key: known[key] for key in ids.keys() & known.keys()}
        for batch in chunked([id_ for key, id_ in ids.items() if key not in known], _READ_AT_ONCE):
            async with self._database.read() as connection:
                rows = await alerts.list_rows(connection, ids=batch)
            read = await read_alerts(self._search, rows)
            queries.update((row.key, read[row.id]) for row in rows if row.id in read)
        return queries

    def _find(self, papers: Sequence[PreparedPaper]) -> list[tuple[int, models.PaperDetail]]:
        found = []
        for paper in papers:
            candidates: dict[int, tuple[AlertQuery, list[int]]] = {}
            with isolation.isolated(log, NOT_COMPARED, paper=paper.detail.id):
                keys = paper.keys & self._by_key.keys()
                candidates = {id(row): row for key in keys for row in self._by_key[key]}
            for query, alert_ids in candidates.values():
                with isolation.isolated(log, NOT_COMPARED, paper=paper.detail.id, alerts=alert_ids):
                    if match(query, paper):
                        found += [(alert_id, paper.detail) for alert_id in alert_ids]
        return found


def _index(
    rows: Iterable[tuple[int, str]], queries: Mapping[str, AlertQuery]
) -> dict[str, list[tuple[AlertQuery, list[int]]]]:
    alert_ids: dict[str, list[int]] = {}
    for alert_id, key in rows:
        alert_ids.setdefault(key, []).append(alert_id)
    by_token: dict[str, list[tuple[AlertQuery, list[int]]]] = {}
    for key, query in queries.items():
        row = query, alert_ids.get(key, [])
        with isolation.isolated(log, "alert not indexed", alerts=row[1]):
            for token in list_keys(query):
                by_token.setdefault(token, []).append(row)
    return by_token
