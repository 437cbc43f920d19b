"""The use cases around alerts: create, change, list, preview, pause, resume, remove.

A draft is validated first: each length is bounded, and what can match nothing is refused.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, assert_never

from bot.alerts import matcher
from bot.core import clock
from bot.core.clock import Clock
from bot.daily import schedule
from bot.search.results import SearchRequest, Sort
from bot.search.service import SearchService
from bot.text import analyser, people
from storage import accounts, alerts, errors, models, outbox, papers
from storage.database import Database, chunked

EMPTY_DRAFT = models.Alert(id=0, user_id=0, terms=(), created_at=datetime(1970, 1, 1, tzinfo=UTC))
MAX_TERMS = 20
"""Terms of an alert, and likewise excluded words."""
MAX_TEXT_LENGTH = 100
"""Characters of a term or of an excluded word."""
MAX_VOTES = 99_999
MAX_A_DAY = 99
"""Messages a day at most."""


def validate_alert(draft: models.Alert) -> models.Alert:
    """Return a draft in normal form, with its key. Raises UsageError, whose message says what to change."""
    unique: dict[str, models.AlertTerm] = {}
    for kind, text in draft.terms:
        term = models.AlertTerm(kind, _to_line(text))
        unique.setdefault(matcher.term_key(term), term)
    terms = tuple(unique.values())
    if not terms:
        raise errors.UsageError("An alert needs a word, an author or an institution.", "no-terms")
    _check_count("terms", len(terms), "Add a second alert.")
    for term in terms:
        _check_term(term)
    excluded = tuple(dict.fromkeys(filter(None, map(_to_line, draft.excluded))))
    _check_count("excluded words", len(excluded), "Remove some.")
    for word in excluded:
        _check_term(models.AlertTerm(models.AlertKind.KEYWORD, word))
    clock.parse_zone(draft.timezone)
    at = schedule.parse_time(draft.at_time)
    checked = replace(draft, terms=terms, excluded=excluded, at_time=f"{at:%H:%M}")
    return replace(checked, key=matcher.alert_key(checked))


def _to_line(text: str) -> str:
    return " ".join(analyser.clean_typed(text).split())


def _check_count(noun: str, count: int, remedy: str) -> None:
    if count > MAX_TERMS:
        raise errors.UsageError(
            f"An alert may have up to {MAX_TERMS} {noun}; this one has {count}. {remedy}",
            f"too-many-{noun.replace(' ', '-')}",
            most=MAX_TERMS,
            count=count,
        )


def _check_term(term: models.AlertTerm) -> None:
    if len(term.text) > MAX_TEXT_LENGTH:
        raise errors.UsageError(
            f"A word or name may have up to {MAX_TEXT_LENGTH} characters; this one has {len(term.text)}. Shorten it.",
            "text-too-long",
            text=term.text,
            most=MAX_TEXT_LENGTH,
            length=len(term.text),
        )
    if not _has_letters(term):
        raise errors.UsageError(
            f"“{term.text}” has no letters or numbers to look for. Change or remove it.",
            "no-letters",
            text=term.text,
        )
    if term.kind is models.AlertKind.INSTITUTION and people.is_generic(term.text):
        raise errors.UsageError(
            f"“{term.text}” does not identify an institution. Give its full name.",
            "no-institution",
            text=term.text,
        )
    words = [analyser.fold(word).strip(".,;:!?'\"()[]") for word in term.text.split()]
    if term.kind is models.AlertKind.KEYWORD and all(
        not word or analyser.is_particle(word) or word in analyser.FUNCTION_WORDS for word in words
    ):
        raise errors.UsageError(
            f"“{term.text}” consists only of common words that appear in every paper. Add a more specific word.",
            "only-particles",
            text=term.text,
        )


def _has_letters(term: models.AlertTerm) -> bool:
    match term.kind:
        case models.AlertKind.KEYWORD:
            return bool(analyser.stemmed_words(term.text))
        case models.AlertKind.AUTHOR:
            return bool(analyser.fold_name(term.text)) and any(people.consonant_keys(term.text))
        case models.AlertKind.INSTITUTION:
            return bool(people.institution_key(term.text))
        case _:
            assert_never(term.kind)


MAX_ALERTS = 50
PREVIEW_DAYS = 30
MAX_COMPARED = 300
"""Papers of each term that a preview compares, the latest ones: they take half a second of CPU."""
COMPARED_AT_ONCE = 50
INSTITUTIONS_CACHE_SECONDS = 600.0
INSTITUTION_DAYS = 365
"""Days of papers whose institutions are offered."""
WEEK = timedelta(days=7)


class AlertPreview(NamedTuple):
    """Matches of the last PREVIEW_DAYS: the latest three, the forms that the words stand for too, an identical alert.

    `wider` is a draft that would have matched `wider_count` papers, if this one would have matched none.
    """

    paper_count: int
    max_per_day: int
    latest: list[models.PaperRow]
    existing: models.Alert | None = None
    related: tuple[str, ...] = ()
    wider: models.Alert | None = None
    wider_count: int = 0


class Alerts:
    """Creates and changes alerts. `user_id` restricts a method to that reader's own alerts."""

    def __init__(self, database: Database, clock: Clock, search: SearchService | None = None) -> None:
        self._database = database
        self._clock = clock
        self._search = search or SearchService(database)
        self._institutions: tuple[float, dict[str, int]] | None = None

    async def add(self, draft: models.Alert) -> models.Alert:
        """Create the alert of a draft, sent by DM unless the draft has a channel.

        Raises UsageError if it cannot match anything or the reader has MAX_ALERTS, DuplicateError for an equal one.
        """
        new = replace(await asyncio.to_thread(validate_alert, draft), created_at=self._clock())
        async with self._database.transaction() as connection:
            await accounts.lock_reader(connection, new.user_id)
            if await alerts.count_by_user(connection, new.user_id) >= MAX_ALERTS:
                raise errors.UsageError(
                    f"This user already has {MAX_ALERTS} alerts, the maximum. Remove one first.",
                    "too-many",
                    most=MAX_ALERTS,
                )
            return await alerts.add(connection, new)

    async def change(self, alert_id: int, draft: models.Alert, *, user_id: int | None = None) -> models.Alert:
        """Replace what an alert matches and when it is sent; its destination and a pause stay. Raises as `add` does.

        UsageError too if the alert is gone or another reader's.
        """
        checked = await asyncio.to_thread(validate_alert, draft)
        async with self._database.transaction() as connection:
            stored = await alerts.get(connection, alert_id, for_update=True)
            if stored is None or user_id not in (None, stored.user_id):
                raise errors.UsageError(f"Alert {alert_id} no longer exists. Add a new one.", "gone")
            changed = replace(
                checked,
                id=stored.id,
                user_id=stored.user_id,
                guild_id=stored.guild_id,
                channel_id=stored.channel_id,
                created_at=stored.created_at,
                paused_until_at=stored.paused_until_at,
            )
            return await alerts.change(connection, changed)

    async def list_institutions(self, prefix: str, *, limit: int = 25) -> list[str]:
        """Return institutions whose name in either language begins with `prefix`, those of most recent papers first."""
        now = asyncio.get_running_loop().time()
        if self._institutions is None or now - self._institutions[0] > INSTITUTIONS_CACHE_SECONDS:
            async with self._database.read() as connection:
                since_on = (self._clock() - timedelta(days=INSTITUTION_DAYS)).date()
                self._institutions = now, await papers.count_institutions(connection, since_on=since_on)
        names = await asyncio.to_thread(people.complete_institution, prefix, self._institutions[1])
        return names[:limit]

    async def list_rows(self, *, user_id: int | None = None) -> list[models.Alert]:
        """Return all alerts, or a reader's, oldest first."""
        async with self._database.read() as connection:
            return await alerts.list_rows(connection, user_id=user_id)

    async def remove(self, alert_id: int) -> None:
        """Delete an alert, if it still exists."""
        async with self._database.transaction() as connection:
            await alerts.remove(connection, [alert_id])

    async def pause(self, alert_id: int, duration: timedelta | None = None) -> None:
        """Pause an alert for a time, or until it is resumed."""
        until_at = models.UNTIL_RESUMED if duration is None else self._clock() + duration
        async with self._database.transaction() as connection:
            await alerts.pause(connection, alert_id, until_at)

    async def resume(self, alert_id: int) -> None:
        """Resume a paused alert; what Discord refused there is tried again now."""
        async with self._database.transaction() as connection:
            if (alert := await alerts.get(connection, alert_id)) is None:
                return
            if alert.channel_id is None:
                await outbox.try_now(connection, self._clock(), user_id=[alert.user_id])
            else:
                await outbox.try_now(connection, self._clock(), channel_id=[alert.channel_id])
            await alerts.pause(connection, alert.id, None)

    async def preview(self, draft: models.Alert) -> AlertPreview:
        """Return the matches of such an alert in the last PREVIEW_DAYS. Raises UsageError as `add` does.

        A search for its words finds the papers, which are then compared as new ones are.
        """
        alert = await asyncio.to_thread(validate_alert, draft)
        async with self._database.read() as connection:
            (query,) = await matcher.read_rules(self._search, connection, [matcher.Rule.of(alert)])
            existing = await alerts.find_equal(connection, alert)
        found = await self._find_recent(alert, query)
        wider, wider_count = None, 0
        for other in () if found else _widen(alert):
            async with self._database.read() as connection:
                (read,) = await matcher.read_rules(self._search, connection, [matcher.Rule.of(other)])
            if matching := await self._find_recent(other, read):
                wider, wider_count = other, len(matching)
                break
        per_day = Counter(row.date for row in found)
        return AlertPreview(
            paper_count=len(found),
            max_per_day=max(per_day.values(), default=0),
            latest=found[:3],
            existing=existing,
            related=tuple(dict.fromkeys(form for term in query.terms for form in term.added_forms)),
            wider=wider,
            wider_count=wider_count,
        )

    async def _find_recent(self, alert: models.Alert, query: matcher.AlertQuery) -> list[models.PaperRow]:
        """Return the papers of the last PREVIEW_DAYS that match, the latest first."""
        since_on = (self._clock() - timedelta(days=PREVIEW_DAYS)).date()
        candidates: dict[int, models.PaperRow] = {}
        for term in alert.terms:
            candidates |= {row.id: row for row in await self._find_term(term, since_on)}
        matching = set[int]()
        for batch in chunked(candidates, COMPARED_AT_ONCE):
            async with self._database.read() as connection:
                details = await papers.list_details(connection, batch)
            matching |= await asyncio.to_thread(_list_matching, query, details)
        rows = [row for id_, row in candidates.items() if id_ in matching]
        rows = [row for row in rows if models.meets_minimum(row.votes, alert.min_votes)]
        rows.sort(key=lambda row: (-row.date.toordinal(), *models.votes_descending(row.votes), row.id))
        return rows

    async def _find_term(self, term: models.AlertTerm, since_on: date) -> list[models.PaperRow]:
        """Return the latest papers since a date that may match a term."""
        match term.kind:
            case models.AlertKind.KEYWORD:
                request = SearchRequest(term.text, since=since_on, limit=MAX_COMPARED, sort=Sort.DATE)
            case models.AlertKind.AUTHOR:
                request = SearchRequest(author=term.text, since=since_on, limit=MAX_COMPARED, sort=Sort.DATE)
            case models.AlertKind.INSTITUTION:
                request = SearchRequest(
                    f"from {term.text}", since=since_on, limit=MAX_COMPARED, sort=Sort.DATE
                )
            case _:
                assert_never(term.kind)
        result = await self._search.search(request)
        return [row for row in result.rows if row.arxiv_id not in result.missing and row.date >= since_on]


def _widen(alert: models.Alert) -> list[models.Alert]:
    """Return wider drafts, the nearest first: without the votes, with other forms of the words, with any of the words."""
    wider = [replace(alert, min_votes=0)] if alert.min_votes else []
    terms = tuple(term._replace(text=term.text.strip('"')) for term in alert.terms)
    if terms != alert.terms:
        wider.append(replace(alert, terms=terms, min_votes=0))
    words = tuple(
        models.AlertTerm(term.kind, word)
        for term in terms
        for word in (term.text.split() if term.kind is models.AlertKind.KEYWORD else (term.text,))
    )
    if 1 < len(words) <= MAX_TERMS and (alert.match_all or words != terms):
        wider.append(replace(alert, terms=words, match_all=False, min_votes=0))
    return wider


def _list_matching(query: matcher.AlertQuery, details: Sequence[models.PaperDetail]) -> set[int]:
    return {detail.id for detail in details if matcher.match(query, matcher.PaperText(detail))}
