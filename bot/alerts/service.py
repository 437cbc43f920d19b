"""The use cases around alerts: create, change, list, preview, snooze, resume, remove.

A draft is validated first: each length is bounded, and what can match nothing is refused.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from bot.alerts import matcher
from bot.core import clock
from bot.core.clock import Clock
from bot.daily import schedule
from bot.search import glossary as search_glossary
from bot.text import analyser, keywords, people, term_keys
from storage import accounts, alerts, archive, errors, models, outbox, papers
from storage import database as storage_database
from storage.database import Connection, Database

EMPTY_DRAFT = models.Alert(id=0, user_id=0, terms=(), created_at=datetime(1970, 1, 1, tzinfo=UTC))
MAX_TERMS = 20
"""Terms of an alert, and likewise excluded words."""
MAX_TEXT_LENGTH = term_keys.MAX_TERM_LENGTH
"""Characters of a term or of an excluded word."""
MAX_VOTES = 1_000_000
MAX_PAPERS = 25
MAX_A_DAY = 99
"""Papers in a message at most."""


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
    if not 0 <= draft.min_votes <= MAX_VOTES:
        raise errors.UsageError(
            f"The minimum number of votes is {draft.min_votes}; it must be from 0 to {MAX_VOTES}."
        )
    if not 1 <= draft.max_papers <= MAX_PAPERS:
        raise errors.UsageError(
            f"The maximum number of papers per message is {draft.max_papers}; it must be from 1 to {MAX_PAPERS}."
        )
    if not 0 <= draft.max_a_day <= MAX_A_DAY:
        raise errors.UsageError(
            f"The maximum number of messages per day is {draft.max_a_day}; it must be from 0 to {MAX_A_DAY}."
        )
    if not 1 <= draft.weekday <= 7:
        raise errors.UsageError(f"The weekday is {draft.weekday}; it must be from 1 (Monday) to 7.")
    clock.parse_zone(draft.timezone)
    at = schedule.parse_time(draft.at_time)
    checked = replace(draft, terms=terms, excluded=excluded, at_time=f"{at:%H:%M}")
    _check_exclusions(checked)
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
    if not matcher.term_needles(*term):
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


def _check_exclusions(alert: models.Alert) -> None:
    """Raise UsageError if each paper that has the terms has an excluded word too."""
    impossible = [term for term in alert.terms if _implied(term, alert.excluded)]
    if len(impossible) == len(alert.terms) or (alert.match_all and impossible):
        word = _implied(impossible[0], alert.excluded)
        raise errors.UsageError(
            f"Nothing can match: every paper with “{impossible[0].text}” also has “{word}”, which is excluded."
            " Remove one of the two.",
            "excludes-all",
            text=impossible[0].text,
            word=str(word),
        )


def _implied(term: models.AlertTerm, excluded: Iterable[str]) -> str | None:
    """Return the excluded word that every text with the term has; None if there is none."""
    if term.kind is not models.AlertKind.KEYWORD:
        return None
    text = keywords.KeywordText(term.text, "")
    return next((word for word in excluded if any(text.match(word))), None)


MAX_CHARACTERS = 2_000_000
"""Characters of the papers that are compared, which stay prepared, ten bytes each: 2,000 summaries. A month of digests has a
sixth; comparing them takes 3.5 s of CPU the first time."""
MAX_COMPARED = 20_000
"""Papers that are compared, and whose texts are looked at for changes: of a hundred characters each they have as many."""
_BATCH_SIZE = 50


class _Prepared(NamedTuple):
    fingerprint: int
    """Of the paper's texts."""
    paper: models.PaperDetail
    """Without its sections."""
    text: keywords.KeywordText


class RecentPapers:
    """Compares alerts with the papers of the last days, for previews. It keeps these prepared, and reads only what changed."""

    def __init__(self) -> None:
        self._prepared: dict[int, _Prepared] = {}
        self._lock = asyncio.Lock()

    async def list_matching(
        self, database: Database, alert: models.Alert, since_on: date
    ) -> tuple[list[tuple[int, date]], bool]:
        """Return the ids and dates of the papers since a date that match, the latest first, then by votes, and whether all fit.

        If they are more than MAX_COMPARED, or their texts and names exceed MAX_CHARACTERS, those with the most votes are
        compared. What waits for another comparison holds no connection.
        """
        matching: list[int] = []
        compared: dict[int, _Prepared] = {}
        characters = 0
        async with self._lock, database.read() as connection:
            recent = await archive.list_fingerprints(connection, since_on, MAX_COMPARED)
            ranked = sorted(recent, key=lambda id_: (*models.votes_descending(recent[id_][1]), id_))
            for batch in storage_database.chunked(ranked, _BATCH_SIZE):
                # A paper is prepared again if it changed, and dropped once it is not recent any more.
                kept = {
                    id_: self._prepared[id_]
                    for id_ in batch
                    if id_ in self._prepared and self._prepared[id_].fingerprint == recent[id_][2]
                }
                missing = [id_ for id_ in batch if id_ not in kept]
                details = await papers.list_details(connection, missing) if missing else []
                batch_of = kept | await asyncio.to_thread(_prepare, details, recent)
                matching += await asyncio.to_thread(_list_matching, alert, list(batch_of.values()), recent)
                compared |= batch_of
                characters += sum(matcher.count_characters(one.paper, one.text) for one in batch_of.values())
                if characters > MAX_CHARACTERS:
                    break
            self._prepared = compared
        found_on = [(paper_id, *recent[paper_id][:2]) for paper_id in matching]
        found_on.sort(key=lambda row: (-row[1].toordinal(), *models.votes_descending(row[2]), row[0]))
        is_complete = len(compared) == len(recent) < MAX_COMPARED
        return [(paper_id, last_on) for paper_id, last_on, _ in found_on], is_complete


def _prepare(details: Iterable[models.PaperDetail], recent: archive.Fingerprints) -> dict[int, _Prepared]:
    prepared: dict[int, _Prepared] = {}
    for detail in details:
        text = matcher.keyword_text(detail)
        appearances = tuple(replace(of, entry=replace(of.entry, sections=())) for of in detail.appearances)
        light = replace(detail, abstract=None, appearances=appearances)
        prepared[detail.id] = _Prepared(recent[detail.id][2], light, text)
    return prepared


def _list_matching(
    alert: models.Alert, prepared: Sequence[_Prepared], recent: archive.Fingerprints
) -> list[int]:
    matching = []
    for _, paper, text in prepared:
        votes = recent[paper.id][1]
        if models.meets_minimum(votes, alert.min_votes) and matcher.match(alert, paper, text):
            matching.append(paper.id)
        text.forget()
    return matching


MAX_ALERTS = 50
PREVIEW_DAYS = 30
INSTITUTIONS_CACHE_SECONDS = 600.0
INSTITUTION_DAYS = 365
"""Days of papers whose institutions are offered."""
SNOOZE_DURATION = timedelta(days=7)


class AlertPreview(NamedTuple):
    """Matches of the last PREVIEW_DAYS. `latest` are the latest three, `existing` is an identical alert of the reader.
    `unknown` are the names that no stored paper has.

    `is_complete` is False if those days have more text than is compared, so that papers with fewer votes were left out.
    """

    paper_count: int
    max_per_day: int
    latest: list[models.PaperRow]
    existing: models.Alert | None = None
    unknown: tuple[models.AlertTerm, ...] = ()
    is_complete: bool = True


class Alerts:
    """Creates and changes alerts. `user_id` restricts a method to that reader's own alerts."""

    def __init__(
        self, database: Database, clock: Clock, glossary: search_glossary.GlossaryService | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._institutions: tuple[float, dict[str, int]] | None = None
        self._recent_papers = RecentPapers()
        self._glossary = glossary or search_glossary.GlossaryService(database, clock)

    async def add(self, draft: models.Alert) -> models.Alert:
        """Create the alert of a draft, sent by DM unless the draft has a channel.

        Raises UsageError if it cannot match anything or the reader has MAX_ALERTS, DuplicateError for an equal one.
        """
        new = replace(await self._check(draft), created_at=self._clock())
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
        checked = await self._check(draft)
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
                state=stored.state,
                reason=stored.reason,
                paused_until_at=stored.paused_until_at,
            )
            changed = await alerts.change(connection, changed)
            due_at = matcher.due_at(changed, self._clock())
            await alerts.reschedule_matches(connection, changed.id, due_at=due_at)
            return changed

    async def _check(self, draft: models.Alert) -> models.Alert:
        """Return a draft in normal form with its forms in the other language. Raises UsageError."""
        checked = await asyncio.to_thread(validate_alert, draft)
        if not checked.translations:
            return replace(checked, forms=())
        async with self._database.read() as connection:
            glossary = await self._glossary.get_current(connection)
        return replace(checked, forms=await asyncio.to_thread(matcher.list_forms, glossary, checked))

    async def list_institutions(self, prefix: str, *, limit: int = 25) -> list[str]:
        """Return institutions whose name in either language begins with `prefix`, those of most recent papers first."""
        names = await asyncio.to_thread(people.complete_institution, prefix, await self._count_institutions())
        return names[:limit]

    async def _count_institutions(self) -> dict[str, int]:
        now = asyncio.get_running_loop().time()
        if self._institutions is None or now - self._institutions[0] > INSTITUTIONS_CACHE_SECONDS:
            async with self._database.read() as connection:
                since_on = (self._clock() - timedelta(days=INSTITUTION_DAYS)).date()
                self._institutions = now, await papers.count_institutions(connection, since_on=since_on)
        return self._institutions[1]

    async def list_rows(self, *, user_id: int | None = None) -> list[models.Alert]:
        """Return all alerts, or a reader's, of these without those for one paper whose message was sent."""
        async with self._database.read() as connection:
            rows = await alerts.list_rows(connection, user_id=user_id)
            if user_id is None or all(row.terms[0].kind is not models.AlertKind.PAPER for row in rows):
                return rows
            answered = set(await alerts.list_answered_matches(connection, len(rows), user_id=user_id))
            return [row for row in rows if row.id not in answered]

    async def remove(self, alert_ids: Sequence[int], *, user_id: int | None = None) -> int:
        """Delete alerts. Returns their number."""
        async with self._database.transaction() as connection:
            own = await self._list_own(connection, alert_ids, user_id)
            return await alerts.remove(connection, [alert.id for alert in own])

    async def snooze(self, alert_ids: Sequence[int], *, user_id: int | None = None) -> int:
        """Suspend alerts for a week, except those that are paused until resumed. Returns the number suspended."""
        async with self._database.transaction() as connection:
            own = await self._list_own(connection, alert_ids, user_id)
            own = [alert for alert in own if alert.state is models.ActivityState.ACTIVE]
            until_at = self._clock() + SNOOZE_DURATION
            await alerts.pause(connection, [alert.id for alert in own], until_at=until_at)
            return len(own)

    async def pause(self, alert_ids: Sequence[int], *, user_id: int | None = None) -> int:
        """Suspend alerts until they are resumed. Returns their number."""
        async with self._database.transaction() as connection:
            own = await self._list_own(connection, alert_ids, user_id)
            paused, reason = models.ActivityState.PAUSED, models.Reason.BY_HAND
            await alerts.set_state(connection, [alert.id for alert in own], paused, reason=reason)
            return len(own)

    async def resume(self, alert_ids: Sequence[int], *, user_id: int | None = None) -> int:
        """Resume snoozed or paused alerts; their paused deliveries are due at once. Returns their number.

        With one that Discord kept from its destination, the reader's others there are resumed too.
        """
        now = self._clock()
        async with self._database.transaction() as connection:
            own = await self._list_own(connection, alert_ids, user_id)
            resumed = {alert.id for alert in own}
            for alert in own:
                if alert.is_blocked:
                    others = await alerts.list_rows(connection, user_id=alert.user_id)
                    resumed |= {
                        row.id for row in others if row.is_blocked and row.channel_id == alert.channel_id
                    }
            for dm_user_id in {alert.user_id for alert in own if alert.channel_id is None}:
                await outbox.try_now(connection, now, user_id=[dm_user_id])
            for channel_id in {alert.channel_id for alert in own if alert.channel_id is not None}:
                await outbox.try_now(connection, now, channel_id=[channel_id])
            await alerts.set_state(connection, sorted(resumed), models.ActivityState.ACTIVE)
            return len(resumed)

    async def _list_own(
        self, connection: Connection, alert_ids: Sequence[int], user_id: int | None
    ) -> list[models.Alert]:
        stored = [await alerts.get(connection, alert_id) for alert_id in alert_ids]
        return [alert for alert in stored if alert is not None and user_id in (None, alert.user_id)]

    async def preview(self, draft: models.Alert) -> AlertPreview:
        """Return the matches of such an alert in the last PREVIEW_DAYS. Raises UsageError as `add` does."""
        alert = await self._check(draft)
        since_on = (self._clock() - timedelta(days=PREVIEW_DAYS)).date()
        matching, is_complete = await self._recent_papers.list_matching(self._database, alert, since_on)
        per_day = Counter(last_on for _, last_on in matching)
        async with self._database.read() as connection:
            existing = await alerts.find_equal(connection, alert)
            latest = await papers.list_rows(connection, [paper_id for paper_id, _ in matching[:3]])
        busiest = max(per_day.values(), default=0)
        return AlertPreview(len(matching), busiest, latest, existing, is_complete=is_complete)
