"""Compares papers with alerts.

An alert is a saved query. It matches a paper if a search for its terms would return the paper as a complete match:
the search's reader interprets the terms, and its engine finds them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import chain, islice, product
from types import MappingProxyType
from typing import NamedTuple, TypeAlias, TypeVar, assert_never

import structlog

from bot.archive import summaries
from bot.core import isolation
from bot.search import index as search_index
from bot.search import results as search_results
from bot.search.engine import Engine
from bot.search.service import OpenPapers, SearchService
from bot.text import analyser, concepts, institutions, people, term_keys
from bot.text.parsed_query import ParsedQuery
from bot.text.query_parser import split_names
from storage import alerts, errors, models, search
from storage.database import Database
from storage.snapshot import Snapshot, chunked

log = structlog.get_logger(__name__)

NOT_COMPARED = "paper not compared with alerts"
"""The log event for a paper or an alert that triggers a bug, which must not block the others."""


class MatchField(StrEnum):
    TITLE = "title"
    TEXT = "text"
    AUTHOR = "author"
    INSTITUTION = "institution"
    LABEL = "label"


_MAX_CHOICES = 64
"""The most combinations of alternatives (herons | newts) in a term."""


@dataclass(frozen=True, slots=True)
class AlertReason:
    """Why a paper matches an alert.

    `text` is the form found in the paper, the author as the paper spells the name, or the institution as typed. `topic` is
    the term as typed; for a name it equals `text`. `forms` has the form found for each part of the term.
    """

    kind: models.AlertKind
    text: str
    found_in: MatchField
    topic: str
    forms: tuple[str, ...] = ()


Reasons: TypeAlias = tuple[AlertReason, ...]


# Queries.

Key = TypeVar("Key", int, str)
Forms: TypeAlias = tuple[concepts.Form, ...]
"""Alternative forms, the typed one first. A paper must contain at least one."""


class AlertQuery(NamedTuple):
    """The parsed query of an alert.

    A paper must contain all parts of an alternative of a keyword, the usual one first, and none of the `excluded` forms. It
    must be in the lists with the `labels` of a keyword.
    """

    terms: Mapping[models.AlertTerm, Sequence[Sequence[Forms]]]
    excluded: Forms
    match_all: bool
    labels: Mapping[models.AlertTerm, Sequence[str]] = MappingProxyType({})


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


def _make_query(alert: models.Alert, read: Mapping[str, ParsedQuery]) -> AlertQuery:
    terms = {
        term: _list_alternatives(read[term.text]) if term.kind is models.AlertKind.KEYWORD else ()
        for term in alert.terms
    }
    asked = {form.text for every in terms.values() for parts in every for forms in parts for form in forms}
    excluded = dict[concepts.Form, None]()
    for word in alert.excluded:
        parts = read[word].parts
        forms = _list_certain(parts[0].forms) if len(parts) == 1 else ()
        wanted = (form for form in forms if form.text not in asked)
        excluded |= dict.fromkeys((concepts.Form(word.strip('"')), *wanted))
    labels = {term: read[term.text].labels for term in terms if term.text in read}
    return AlertQuery(terms, tuple(excluded), alert.match_all, labels)


def _list_alternatives(read: ParsedQuery) -> Sequence[Sequence[Forms]]:
    choices = islice(product(*(part.either or ((part,),) for part in read.parts)), _MAX_CHOICES)
    alternatives = (*map(chain.from_iterable, choices), *((whole,) for whole in read.wholes))
    return [[_list_certain(part.forms) for part in parts] for parts in alternatives]


def _list_certain(forms: Iterable[concepts.Form]) -> Forms:
    # Skip forms that only affect the ranking of search results, such as translations of a single word.
    return tuple(form for form in forms if form.is_shown or form.weight >= 1)


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
            text = institutions.make_key(term.text)
        case models.AlertKind.KEYWORD:
            quoted = '"' * (term.text != term.text.strip('"'))
            text = quoted + (term_keys.term_key(term.text) or analyser.fold(term.text))
        case _:
            assert_never(term.kind)
    return f"{term.kind.value[0]}:{text}"


# Papers.


class PaperMatcher:
    """Compares some papers with any number of alerts."""

    def __init__(self, papers: OpenPapers) -> None:
        self._engine, self._rows, self._labelled = papers
        self._ids = [row.id for row in self._rows]
        self._by_forms: dict[Forms, Mapping[int, tuple[str, bool]]] = {}

    def match(self, query: AlertQuery) -> dict[int, Reasons]:
        """Return the papers that match, by id, each with a reason for each matching term. Votes are ignored."""
        by_term = [
            self._match_term(term, parts, query.labels.get(term, ())) for term, parts in query.terms.items()
        ]
        if not any(by_term):
            return {}
        ids = set[int]().union(*by_term)
        if query.match_all:
            ids.intersection_update(*by_term)
        ids -= self._find(query.excluded).keys() if ids else set()
        return {id_: tuple(reasons[id_] for reasons in by_term if id_ in reasons) for id_ in sorted(ids)}

    def match_all(self, queries: Mapping[Key, AlertQuery]) -> dict[Key, dict[int, Reasons]]:
        """Return the papers that match each alert, without alerts that trigger a bug, which must not block the others."""
        failures = list[Exception]()
        with isolation.collected(failures):
            return {key: self.match(query) for key, query in queries.items()}
        if len(queries) == 1:
            isolation.log_error(log, NOT_COMPARED, failures[0], alert=next(iter(queries)))
            return {}
        alone = [self.match_all({key: query}) for key, query in queries.items()]
        return {key: reasons for matching in alone for key, reasons in matching.items()}

    def _match_term(
        self, term: models.AlertTerm, alternatives: Sequence[Sequence[Forms]], labels: Sequence[str] = ()
    ) -> dict[int, AlertReason]:
        kind, text = term
        match kind:
            case models.AlertKind.AUTHOR:
                alike = (pair for key in people.list_keys(text) for pair in self._authors.get(key, ()))
                named = [(paper_id, name) for paper_id, name in alike if is_author(text, name)]
                return {id_: AlertReason(kind, name, MatchField.AUTHOR, name) for id_, name in named}
            case models.AlertKind.INSTITUTION:
                reason = AlertReason(kind, text, MatchField.INSTITUTION, text)
                return dict.fromkeys(self._engine.list_from(text, self._ids), reason)
            case models.AlertKind.KEYWORD:
                reasons = dict[int, AlertReason]()
                for parts in reversed(alternatives):
                    reasons |= self._match_words(text, parts)
                if not any(alternatives):  # in: alone
                    of_it = ", ".join(labels)
                    reasons = dict.fromkeys(self._ids, AlertReason(kind, of_it, MatchField.LABEL, text))
                return {id_: reason for id_, reason in reasons.items() if self._has_labels(id_, labels)}
            case _:
                assert_never(kind)

    def _has_labels(self, paper_id: int, labels: Iterable[str]) -> bool:
        return all(
            any(paper_id in self._labelled.get(models.label_key(one), ()) for one in split_names(label))
            for label in labels
        )

    def _match_words(self, text: str, parts: Sequence[Forms]) -> dict[int, AlertReason]:
        """Return the papers that have a form of each part, with the reason."""
        by_part = []
        for forms in parts:
            by_part.append(self._find(forms))
            if not by_part[-1]:
                return {}
        reasons = {}
        for paper_id in set[int](*by_part[:1]).intersection(*by_part[1:]):
            by_word = [of_part[paper_id] for of_part in by_part]
            in_title = all(is_in_title for _, is_in_title in by_word)
            reasons[paper_id] = AlertReason(
                models.AlertKind.KEYWORD,
                by_word[0][0] if len(by_word) == 1 else text,
                MatchField.TITLE if in_title else MatchField.TEXT,
                text.strip('"'),
                tuple(form for form, _ in by_word),
            )
        return reasons

    def _find(self, forms: Forms) -> Mapping[int, tuple[str, bool]]:
        """Return the papers with any of the forms, with the first one that each has and whether it is in the title."""
        if forms not in self._by_forms:
            self._by_forms[forms] = self._engine.list_forms(forms, self._ids)
        return self._by_forms[forms]

    @cached_property
    def _authors(self) -> Mapping[str, Sequence[tuple[int, str]]]:
        """The papers' ids and authors by the keys of the authors' names."""
        authors = defaultdict[str, list[tuple[int, str]]](list)
        for row in self._rows:
            for name in row.authors:
                for key in people.list_keys(name):
                    authors[key].append((row.id, name))
        return authors


def index_papers(view: Snapshot, paper_ids: Sequence[int]) -> PaperMatcher:
    """Return papers indexed by themselves, which takes milliseconds for each paper. The stored index may be out of date."""
    documents = search.list_documents(view, paper_ids, summaries.select_shown)
    engine = Engine(search_index.index_in_memory(documents))
    labelled = search.list_labelled(view, paper_ids=paper_ids)
    return PaperMatcher(OpenPapers(engine, search.list_paper_rows(view, paper_ids), labelled))


def is_author(name: str, author: str) -> bool:
    """Return whether an author has this name in any spelling, word order or script, maybe with a middle one."""
    distance = people.name_distance(tuple(people.name_tokens(name)), author)
    return distance < people.INITIAL_TYPED or people.is_same_name(name, author)


MAX_REASONS = 6
"""The maximum number of reasons given for a paper."""


def merge_reasons(reasons: Iterable[AlertReason]) -> Reasons:
    """Return the reasons why a paper matches several alerts: one per topic, at most MAX_REASONS."""
    by_topic: dict[tuple[models.AlertKind, str], AlertReason] = {}
    for reason in reasons:
        by_topic.setdefault((reason.kind, analyser.fold(reason.topic)), reason)
    return tuple(by_topic.values())[:MAX_REASONS]


def find_sentence(
    paper: models.PaperDetail, words: Iterable[str], locale: models.Locale
) -> search_results.Snippet | None:
    """Return a sentence of the paper that contains one of the words, with their places, or None."""
    patterns = search_results.build_patterns([[word] for word in words])
    return search_results.find_snippet(paper, locale, patterns) if patterns else None


# All alerts.

_READ_AT_ONCE = 200
"""The number of alerts parsed before other tasks may run; each takes 0.2 ms."""


class AlertQueries:
    """The queries of all alerts in memory. Each use parses new alerts, or all of them if the glossary has changed."""

    def __init__(self, database: Database, searching: SearchService) -> None:
        self._database = database
        self._search = searching
        self._version: str | None = None
        self._queries: dict[str, AlertQuery] = {}

    async def match(self, papers: PaperMatcher) -> list[tuple[int, int]]:
        """Return pairs of an alert's id and the id of a paper that it matches."""
        ids_by_key = defaultdict[str, list[int]](list)
        async with self._database.read() as connection:
            for alert_id, key in await alerts.list_keys(connection):
                ids_by_key[key].append(alert_id)
        version = await self._database.look_up(search.get_glossary_version)
        queries = self._queries if version == self._version else {}
        self._queries = {key: queries[key] for key in ids_by_key if key in queries}
        self._version = version
        new = [ids[0] for key, ids in ids_by_key.items() if key not in queries]
        for batch in chunked(new, _READ_AT_ONCE):
            rows = await self._database.fetch(alerts.list_rows, ids=batch)
            read = await read_alerts(self._search, rows)
            self._queries.update((row.key, read[row.id]) for row in rows if row.id in read)
        matching = await asyncio.to_thread(papers.match_all, self._queries)
        return [
            (alert_id, paper_id)
            for key, reasons in matching.items()
            for alert_id in ids_by_key[key]
            for paper_id in reasons
        ]
