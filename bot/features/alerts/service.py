"""The alerts service: creates, changes, lists, previews, pauses, resumes and removes alerts.

Drafts are validated first: lengths are limited, and terms that cannot match anything are rejected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, assert_never

from bot.core import clock, schedule
from bot.core.clock import Clock
from bot.i18n import typed_values
from bot.papers import list_state
from bot.search import alert_matcher
from bot.search.service import SearchService
from bot.text import analyser, institutions, people, plain, query_parser
from storage import accounts, alerts, errors, models, outbox, papers, search
from storage.database import Database

EMPTY_DRAFT = models.Alert(id=0, user_id=0, terms=(), created_at=datetime.min.replace(tzinfo=UTC))
MAX_TERMS = 20
"""The maximum number of terms, and of excluded words, in an alert."""
MAX_TEXT_LENGTH = 100
"""The maximum length of a term or an excluded word."""
MAX_VOTES = 99_999
MAX_A_DAY = 99
"""The highest daily message limit that can be set."""


def validate_alert(draft: models.Alert) -> models.Alert:
    """Return the normalised draft with its key. Raises UsageError, which says what to change."""
    unique: dict[str, models.AlertTerm] = {}
    for kind, text in draft.terms:
        term = models.AlertTerm(kind, _to_line(text))
        unique.setdefault(alert_matcher.term_key(term), term)
    terms = tuple(unique.values())
    if not terms:
        raise errors.UsageError("An alert needs a word, an author or an institution.", "refused-no-terms")
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
    return replace(checked, key=alert_matcher.alert_key(checked))


def _to_line(text: str) -> str:
    return " ".join(plain.clean_typed(text).split())


def _check_count(noun: str, count: int, remedy: str) -> None:
    if count > MAX_TERMS:
        raise errors.UsageError(
            f"An alert may have up to {MAX_TERMS} {noun}; this one has {count}. {remedy}",
            f"refused-too-many-{noun.replace(' ', '-')}",
            most=MAX_TERMS,
            count=count,
        )


def _check_term(term: models.AlertTerm) -> None:
    if len(term.text) > MAX_TEXT_LENGTH:
        raise errors.UsageError(
            f"A word or name may have up to {MAX_TEXT_LENGTH} characters; this one has {len(term.text)}. Shorten it.",
            "refused-text-too-long",
            text=term.text,
            most=MAX_TEXT_LENGTH,
            length=len(term.text),
        )
    if not _has_letters(term):
        raise errors.UsageError(
            f"“{term.text}” has no letters or numbers to look for. Change or remove it.",
            "refused-no-letters",
            text=term.text,
        )
    if term.kind is models.AlertKind.INSTITUTION and institutions.is_generic(term.text):
        raise errors.UsageError(
            f"“{term.text}” does not identify an institution. Give its full name.",
            "refused-no-institution",
            text=term.text,
        )
    if term.kind is models.AlertKind.KEYWORD and query_parser.parse_query(term.text).is_like_list:
        raise errors.UsageError(
            "What is like a server's list comes as a daily post, not as an alert.", "refused-like-list"
        )
    is_phrase = term.kind is not models.AlertKind.KEYWORD or term.text.startswith('"')
    if not is_phrase:
        typed_values.refuse_period(term.text)
    words = [analyser.fold(word).strip(".,;:!?'\"()[]") for word in term.text.split()]
    if term.kind is models.AlertKind.KEYWORD and all(
        not word or analyser.is_particle(word) or word in analyser.FUNCTION_WORDS for word in words
    ):
        raise errors.UsageError(
            f"“{term.text}” consists only of common words that appear in every paper. Add a more specific word.",
            "refused-only-particles",
            text=term.text,
        )


def _has_letters(term: models.AlertTerm) -> bool:
    match term.kind:
        case models.AlertKind.KEYWORD:
            return bool(analyser.stemmed_words(term.text))
        case models.AlertKind.AUTHOR:
            return any(people.name_tokens(term.text))
        case models.AlertKind.INSTITUTION:
            return bool(institutions.make_key(term.text))
        case _:
            assert_never(term.kind)


MAX_ALERTS = 25
"""The maximum number of alerts per reader, limited by the size of a menu."""
PREVIEW_DAYS = 30


class AlertPreview(NamedTuple):
    """Matches of the last PREVIEW_DAYS: their number, the latest three papers, and the related terms that also match.

    If nothing matches, `wider` may be a draft that would have matched `wider_count` papers.
    """

    paper_count: int
    latest: list[models.PaperRow]
    related: tuple[str, ...]
    wider: models.Alert | None = None
    wider_count: int = 0


def _check_number(count: int) -> None:
    """Raise UsageError if a reader with this number of alerts may not have another."""
    if count >= MAX_ALERTS:
        raise errors.UsageError(
            f"This user already has {MAX_ALERTS} alerts, the maximum. Remove one first.",
            "refused-too-many",
            most=MAX_ALERTS,
        )


class Alerts:
    """The alerts service. A `user_id` restricts a method to that reader's alerts."""

    def __init__(self, database: Database, clock: Clock, search: SearchService | None = None) -> None:
        self._database = database
        self._clock = clock
        self._search = search or SearchService(database)

    async def add(self, draft: models.Alert) -> models.Alert:
        """Create an alert, sent by DM unless the draft has a channel.

        Raises UsageError if the draft is invalid or the reader already has MAX_ALERTS, and DuplicateError for
        an identical alert.
        """
        new = replace(await asyncio.to_thread(validate_alert, draft), created_at=self._clock())
        async with self._database.transaction() as connection:
            await accounts.lock_reader(connection, new.user_id)
            _check_number(await alerts.count_by_user(connection, new.user_id))
            return await alerts.add(connection, new)

    async def change(self, alert_id: int, draft: models.Alert, *, user_id: int | None = None) -> models.Alert:
        """Replace an alert's conditions and timing; its destination and whether it is paused do not change.

        Raises the errors of `add`, and UsageError if the alert no longer exists or has another owner.
        """
        checked = await asyncio.to_thread(validate_alert, draft)
        async with self._database.transaction() as connection:
            stored = await alerts.get(connection, alert_id, for_update=True)
            if stored is None or user_id not in (None, stored.user_id):
                raise errors.UsageError(f"Alert {alert_id} no longer exists. Add a new one.", "refused-gone")
            changed = replace(
                checked,
                id=stored.id,
                user_id=stored.user_id,
                guild_id=stored.guild_id,
                channel_id=stored.channel_id,
                created_at=stored.created_at,
                paused=stored.paused,
                right_lost_at=stored.right_lost_at,
            )
            return await alerts.change(connection, changed)

    async def list_rows(
        self, *, user_id: int | None = None, channel_id: int | None = None, ids: Sequence[int] | None = None
    ) -> list[models.Alert]:
        """Return all alerts, or only those of a reader, of a channel or with these ids, oldest first."""
        return await self._database.fetch(alerts.list_rows, user_id=user_id, channel_id=channel_id, ids=ids)

    async def list_matched(
        self, recipient: str, since_at: datetime, until_at: datetime, *, page: int
    ) -> tuple[list[models.PaperRow], int, int]:
        """Return a page of a recipient's papers that became ready between two times (UTC), most votes first.

        With it come the number of all of them and the page's, which is the last if there are fewer pages.
        """
        size = list_state.ListState(list_state.ListKind.DIGEST).size
        async with self._database.read() as connection:
            ids = await alerts.list_matched(connection, recipient, since_at, until_at)
            page = min(page, max(0, len(ids) - 1) // size)
            rows = await papers.list_rows(connection, ids[page * size :][:size])
        return rows, len(ids), page

    async def remove(self, alert_id: int) -> None:
        """Delete an alert if it still exists."""
        await self._database.write(alerts.remove, [alert_id])

    async def pause(self, alert_id: int) -> None:
        await self._database.write(alerts.set_paused, alert_id, paused=True)

    async def resume(self, alert_id: int) -> None:
        """Resume a paused alert and retry its refused messages immediately."""
        async with self._database.transaction() as connection:
            if (alert := await alerts.get(connection, alert_id)) is None:
                return
            if alert.channel_id is None:
                await outbox.try_now(connection, self._clock(), user_id=[alert.user_id])
            else:
                await outbox.try_now(connection, self._clock(), channel_id=[alert.channel_id])
            await alerts.set_paused(connection, alert.id, paused=False)

    async def take_over(self, alert_id: int, user_id: int) -> int:
        """Make a reader the owner of an alert whose owner lacks the right to its channel, and resume it.

        The same for the others of that owner in that channel, except equals of the reader's own. Returns their number; 0
        if the owner has the right. Raises UsageError for more than MAX_ALERTS, and DuplicateError for equals alone.
        """
        async with self._database.transaction() as connection:
            await accounts.lock_reader(connection, user_id)
            stored = await alerts.get(connection, alert_id, for_update=True)
            if stored is None or stored.right_lost_at is None:
                return 0
            owner_id, channel_id = stored.user_id, stored.channel_id
            lost = [
                row
                for row in await alerts.list_rows(connection, user_id=owner_id, channel_id=channel_id)
                if row.right_lost_at
            ]
            _check_number(await alerts.count_by_user(connection, user_id) + len(lost) - 1)
            refused: errors.DuplicateError | None = None
            for alert in lost:
                taken = replace(alert, user_id=user_id, paused=False, right_lost_at=None)
                try:
                    await alerts.change(connection, taken)
                except errors.DuplicateError as error:
                    lost, refused = [row for row in lost if row is not alert], error
            if refused is not None and not lost:
                raise refused
            return len(lost)

    async def complete_names(self, draft: models.Alert) -> models.Alert:
        """Return a draft in which a last name that only one author has is that author's whole name.

        Raises UsageError for one that several have: an alert matches whole names.
        """
        terms = list[models.AlertTerm]()
        for term in draft.terms:
            name = term.text.strip()
            is_alone = len(people.name_tokens(name)) == 1 and not analyser.has_hangul(name)
            if term.kind is models.AlertKind.AUTHOR and is_alone:
                found = await self._search.find_author(name, limit=1)
                if len(found.matches) > 1:
                    raise errors.UsageError(
                        f"Several authors are called “{name}”. Give a whole name, such as {found.matches[0]}.",
                        "refused-last-name",
                        text=name,
                        author=found.matches[0],
                    )
                name = name if found.is_corrected else found.author or name
            terms.append(term._replace(text=name))
        return replace(draft, terms=tuple(terms))

    async def preview(self, draft: models.Alert) -> AlertPreview:
        """Return the papers from the last PREVIEW_DAYS that match the draft. Raises the same errors as `add`."""
        alert = await asyncio.to_thread(validate_alert, draft)
        await self._database.fetch(alerts.require_no_equal, alert)
        since_on = (self._clock() - timedelta(days=PREVIEW_DAYS - 1)).date()
        recent = alert_matcher.PaperMatcher(await self._search.open_recent(since_on))
        words = [term.text for term in alert.terms if term.kind is not models.AlertKind.AUTHOR]
        read = await self._search.read_queries(words)
        related = tuple(dict.fromkeys(form for query in read for form in query.added_forms))
        rows = await self._find_matching(recent, alert)
        for other in () if rows else _widen(alert):
            if matching := await self._find_matching(recent, other):
                return AlertPreview(0, [], related, other, len(matching))
        return AlertPreview(len(rows), rows[:3], related)

    async def _find_matching(
        self, recent: alert_matcher.PaperMatcher, alert: models.Alert
    ) -> list[models.PaperRow]:
        """Return the papers that match, newest first."""
        queries = await alert_matcher.read_alerts(self._search, [alert])
        matching = await asyncio.to_thread(recent.match_all, queries)
        ids = [paper_id for reasons in matching.values() for paper_id in reasons]
        rows = await self._database.look_up(search.list_paper_rows, ids, with_authors=False)
        rows = [row for row in rows if models.meets_minimum(row.votes, alert.min_votes)]
        return sorted(
            rows, key=lambda row: (-row.date.toordinal(), *models.votes_descending(row.votes), row.id)
        )


def _widen(alert: models.Alert) -> list[models.Alert]:
    """Return wider drafts, least changed first: without the vote minimum, then with each word alone."""
    words = tuple(
        models.AlertTerm(term.kind, word)
        for term in alert.terms
        for word in (term.text.strip('"').split() if term.kind is models.AlertKind.KEYWORD else (term.text,))
    )
    wider = [replace(alert, min_votes=0)] if alert.min_votes else []
    if len(words) <= MAX_TERMS and (alert.match_all or words != alert.terms):
        wider.append(replace(alert, terms=words, match_all=False, min_votes=0))
    return wider
