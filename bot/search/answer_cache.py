"""Keeps the answer to a search for its later pages.

An answer is made on one snapshot of the database and one state of the index. Its later pages come from the same answer for a
quarter of an hour, though papers have arrived since.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bot.core.clock import Clock
from bot.search import interpretation
from bot.search.authors import Archive
from bot.search.engine import Engine, Matches
from bot.search.interpretation import Interpretation, LoadVocabulary
from bot.search.query_reader import QueryReader
from bot.search.results import SearchRequest, SearchResult
from bot.text.parsed_query import ParsedQuery
from storage import search

_MAX_ANSWERS, _PERIOD = 64, timedelta(minutes=15)
"""The number of answers kept, and how long the later pages of one ignore changes to the archive."""


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The papers found so far, the engine and reader that found them, and what all pages have in common."""

    common: SearchResult
    matches: Matches
    engine: Engine
    reader: QueryReader
    made_at: datetime

    @property
    def query(self) -> ParsedQuery:
        return self.common.read


class SearchAnswers:
    """The latest answers, from which their later pages come. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: dict[object, SearchAnswer] = {}

    def page(self, archive: Archive, request: SearchRequest, load: LoadVocabulary) -> SearchResult:
        """Return a page of an answer."""
        answer = self._get(archive, request, load)
        matches = answer.matches
        page = [*matches.scores][request.offset : request.offset + request.limit]
        rows = search.list_paper_rows(
            archive.view, page, matches.scores, until_on=answer.query.limits.until_on
        )
        kinds = matches.kinds
        return replace(
            answer.common,
            rows=tuple(rows),
            kinds={row.key: kinds[row.id] for row in rows},
            missing={
                row.key: tuple(part.shown_text for part in parts)
                for row in rows
                if (parts := matches.missing.get(row.id))
            },
            is_stale=archive.is_stale,
        )

    def _get(self, archive: Archive, request: SearchRequest, load: LoadVocabulary) -> SearchAnswer:
        """Return the kept answer, extended to the end of the page if necessary, or a new one."""
        now, end, key = self._clock(), request.offset + request.limit, self._key_of(request)
        with self._lock:
            former = answer = self._answers.get(key)
        if answer is None or (
            (answer.engine, answer.reader) != (archive.engine, archive.reader)
            and (request.offset == 0 or now - answer.made_at > _PERIOD)
        ):
            former, answer = None, self._make(archive, request, load)
        elif len(answer.matches.scores) < min(end, answer.matches.total):
            longer = interpretation.list_matches(answer.engine, Interpretation(answer.query), request)
            answer = replace(answer, matches=answer.matches.continued(longer))
        self._keep(request, answer, instead_of=former)
        return answer

    def _keep(self, request: SearchRequest, answer: SearchAnswer, *, instead_of: SearchAnswer | None) -> None:
        """Keep an answer for later pages. If it is made of another one, it only takes that one's place."""
        now, key = self._clock(), self._key_of(request)
        with self._lock:
            if instead_of is not None and self._answers.get(key) is not instead_of:
                return
            self._answers.pop(key, None)
            # An answer keeps its version of the index and of the glossary in memory.
            for old in [old for old, made in self._answers.items() if made.made_at < now - _PERIOD]:
                del self._answers[old]
            self._answers[key] = answer
            while len(self._answers) > _MAX_ANSWERS:
                del self._answers[next(iter(self._answers))]

    def _key_of(self, request: SearchRequest) -> tuple[SearchRequest, date]:
        """Return the key of an answer, which all its pages share."""
        return replace(request, limit=0, offset=0, snippet_locale=None), self._clock().date()

    def _make(self, archive: Archive, request: SearchRequest, load: LoadVocabulary) -> SearchAnswer:
        today = request.today or self._clock().date()
        read = interpretation.interpret(
            archive,
            request.query,
            today,
            parsed=request.parsed,
            options=request.filters,
            is_search=True,
            load=load,
        )
        query, matches = interpretation.find(archive, read, request)
        return SearchAnswer(
            interpretation.describe(archive, query, matches, read),
            matches,
            archive.engine,
            archive.reader,
            self._clock(),
        )
