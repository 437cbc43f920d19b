"""Matches papers against alerts, like a percolator: each alert is indexed by its alert terms, of which every paper that
matches has one. A paper's own terms retrieve candidates, and each of these is compared with the paper.

Below are the terms and the comparison, when a match is due, the retrieval of candidates, the forms of an alert's words by
the glossary, and the rebuild of the index after a change of the code or the glossary.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import zip_longest
from typing import TypeAlias, assert_never

import structlog

from bot.archive import arxiv_ids, summaries
from bot.core import clock
from bot.core.clock import TimeSlices
from bot.daily import schedule
from bot.glossary import concepts, resolver
from bot.outbox import contents
from bot.search import glossary as search_glossary
from bot.search import query as search_query
from bot.search import scoring
from bot.text import alert_terms as word_terms
from bot.text import analyser, keywords, people, typography
from storage import alerts, bulk, key_values, models, papers, search, snapshot
from storage.database import Database

AUTHOR_PREFIX = "@"
"""Prefix of the alert terms of authors, which keeps them apart from those of keywords."""

INSTITUTION_PREFIX = "#"
"""Prefix of the alert terms of institutions."""

PAPER_PREFIX = "="
"""Prefix of the alert terms of single papers."""

SOUND_PREFIX = "@@"
"""Prefix of the alert terms of a Hangul name, and of what names in Latin letters may be in Hangul."""

NAME_KINDS = (models.AlertKind.AUTHOR, models.AlertKind.INSTITUTION)
"""What facts that arrive after a digest may add to a paper."""

MAX_CHARACTERS = 100_000
"""Characters of a paper's texts in which keywords are looked for: ten times the longest real summaries."""

VOWEL_REMOVAL = str.maketrans("", "", "aeiou ")


def keyword_text(paper: models.PaperDetail) -> keywords.KeywordText:
    """Return the plain title and all summaries of a paper, prepared for matching: that is slower than one match."""
    body_texts = [paper.abstract or ""]
    for appearance in paper.appearances:
        for section in summaries.shown_sections(appearance.entry):
            body_texts += [section.heading or "", section.body]
    body = "\n".join(filter(None, body_texts))
    title = typography.to_plain_text((paper.title or "")[:MAX_CHARACTERS])
    return keywords.KeywordText(title, body[:MAX_CHARACTERS], paper.keywords)


def alert_key(alert: models.Alert) -> str:
    """Return the normalised text that is the same for alerts that match the same papers."""
    options = [f"language:{alert.language}"] if alert.language else []
    options += ["all"] * (alert.match_all and len(alert.terms) > 1) + ["translations"] * alert.translations
    options += sorted(f"-{_fold_words(word)}" for word in alert.excluded)
    return "\n".join([*sorted(map(term_key, alert.terms)), *options])


def term_key(term: models.AlertTerm) -> str:
    """Return the normalised text of a term, which is the same for equal terms."""
    if term.kind is models.AlertKind.AUTHOR:
        return f"a:{' '.join(sorted(analyser.fold_name(term.text).split()))}"
    if term.kind is models.AlertKind.INSTITUTION:
        return f"i:{people.institution_key(term.text)}"
    return f"{term.kind.value[0]}:{_fold_words(term.text)}"


def _fold_words(text: str) -> str:
    return " ".join(analyser.fold(text).split())


def alert_terms(alert: models.Alert) -> set[str]:
    """Return tokens of which every matching paper has one among its `paper_alert_terms`.

    Of an alert for all of several terms it is the most selective one. If they are exact keys, each paper that has one
    matches.
    """
    if exact := _exact_keys(alert):
        return exact
    by_term = []
    for term, forms in _terms_with_forms(alert):
        texts = (term.text, *(form for form, *_ in forms))
        if tokens := set[str]().union(*(text_alert_terms(term.kind, text) for text in texts)):
            by_term.append(tokens)
    if alert.match_all and by_term:
        return max(by_term, key=lambda tokens: min(map(_selectivity, tokens)))
    return set().union(*by_term)


def _exact_keys(alert: models.Alert) -> set[str]:
    """Return the exact keys of an alert that asks for nothing but any of some plain keywords; else none."""
    if alert.excluded or alert.language or any(alert.forms) or (alert.match_all and len(alert.terms) > 1):
        return set()
    keys = [
        word_terms.keyword_keys(term.text) if term.kind is models.AlertKind.KEYWORD else frozenset[str]()
        for term in alert.terms
    ]
    return set[str]().union(*keys) if all(keys) else set()


def is_decided(alert: models.Alert, alert_term: str) -> bool:
    """Tell whether each paper with this alert term matches the alert, so that they need not be compared."""
    return word_terms.is_exact(alert_term) and alert_term in _exact_keys(alert)


def _selectivity(token: str) -> tuple[bool, float]:
    is_name = token.startswith((AUTHOR_PREFIX, INSTITUTION_PREFIX, PAPER_PREFIX))
    return is_name, 0.0 if is_name else word_terms.selectivity(token)


def _terms_with_forms(alert: models.Alert) -> Iterator[tuple[models.AlertTerm, tuple[tuple[str, ...], ...]]]:
    return zip_longest(alert.terms, alert.forms[: len(alert.terms)], fillvalue=())  # type: ignore[arg-type]


def text_alert_terms(kind: models.AlertKind, text: str) -> frozenset[str]:
    """Return tokens of which each paper that matches a term has one among its `paper_alert_terms`; none if none can."""
    match kind:
        case models.AlertKind.KEYWORD:
            return word_terms.alert_terms(text)
        case models.AlertKind.INSTITUTION:
            key = people.institution_key(text)
            return frozenset((INSTITUTION_PREFIX + key,)) if key else frozenset()
        case models.AlertKind.AUTHOR:
            if people.split_hangul(text) and (keys := people.sound_keys(text)):
                return frozenset((SOUND_PREFIX + keys[0],))
            return frozenset((_name_alert_term(text),)) if analyser.fold_name(text) else frozenset()
        case models.AlertKind.PAPER:
            return frozenset((PAPER_PREFIX + text,)) if arxiv_ids.parse_bare_id(text) == text else frozenset()
        case _:
            assert_never(kind)


def paper_alert_terms(paper: models.PaperDetail, text: keywords.KeywordText) -> set[str]:
    """Return the alert terms of all alerts that may match a paper; exact keys of many syllables as their beginnings."""
    return text.alert_terms.union(text.exact_keys, candidate_names(paper))


def candidate_names(paper: models.PaperDetail) -> set[str]:
    """Return the alert terms of all alerts with an author or an institution that may match a paper."""
    keys = set[str]().union(*map(people.find_keys, paper.institutions))
    of_institutions = {INSTITUTION_PREFIX + key for key in keys}
    of_institutions.add(PAPER_PREFIX + paper.arxiv_id)
    return of_institutions.union(*map(author_alert_terms, paper.authors))


def author_alert_terms(name: str) -> set[str]:
    """Return the alert terms for a name: as written, by its sound, and for Hangul by its spellings."""
    sounds = {SOUND_PREFIX + key for key in people.sound_keys(name)}
    return sounds | {_name_alert_term(spelling) for spelling in (name, *people.list_spellings(name))}


def _name_alert_term(name: str) -> str:
    """Return the sorted consonants of a name, which are the same for all its spellings and word orders."""
    return AUTHOR_PREFIX + "".join(sorted(analyser.fold_name(name).translate(VOWEL_REMOVAL)))


def name_variants(name: str) -> set[str]:
    """Return the normal forms of a name: diacritics removed or umlauts written out, hyphenated parts split or joined."""
    joined = name.replace("-", "")
    variants = {
        fold(spelling)
        for fold in (analyser.fold_name, analyser.fold_name_german)
        for spelling in (name, joined)
    }
    return {" ".join(sorted(variant.split())) for variant in variants if variant}


def match(
    alert: models.Alert, paper: models.PaperDetail, text: keywords.KeywordText
) -> tuple[contents.AlertReason, ...]:
    """Return why a paper with this text matches the alert: a reason for each term that it has, none if it does not match.

    The votes are the caller's to compare. A term in the title is said to be there, also if it is in a summary too.
    """
    if alert.language is not None and all(of.language != alert.language for of in paper.appearances):
        return ()
    reasons = []
    for term, forms in _terms_with_forms(alert):
        found = _match_term(term, forms, paper, text)
        if found is not None:
            reasons.append(contents.AlertReason(alert.id, term.kind, *found))
        elif alert.match_all:
            return ()
    if reasons and any(any(text.match(word)) for word in alert.excluded):
        return ()
    return tuple(reasons)


def match_added_names(
    alert: models.Alert, paper: models.PaperDetail, text: keywords.KeywordText, former: models.FormerNames
) -> bool:
    """Tell whether a paper matches the alert, and an author or institution of it that the paper lacked with `former` names."""
    before = replace(paper, authors=former[0], organization=None, affiliations=former[1])
    names = [term for term in alert.terms if term.kind in NAME_KINDS]
    is_added = any(
        _match_term(term, (), paper, text) and not _match_term(term, (), before, text) for term in names
    )
    return is_added and bool(match(alert, paper, text))


def _match_term(
    term: models.AlertTerm,
    forms: tuple[tuple[str, ...], ...],
    paper: models.PaperDetail,
    text: keywords.KeywordText,
) -> tuple[str, contents.MatchField] | None:
    """Return the term, or the name in the paper, and where the paper has it; None if it does not."""
    match term.kind:
        case models.AlertKind.AUTHOR:
            places, variants = _index_authors(paper.authors), name_variants(term.text)
            keys = variants | _sounds(term.text, of_ascii=not term.text.isascii())
            for place in sorted({place for key in keys for place in places.get(key, ())}):
                name = paper.authors[place]
                if variants & name_variants(name) or people.is_same_name(term.text, name):
                    return name, contents.MatchField.AUTHOR
            return None
        case models.AlertKind.INSTITUTION:
            key = people.institution_key(term.text)
            names = [name for name in paper.institutions if key in people.find_keys(name)]
            return (names[0], contents.MatchField.INSTITUTION) if names else None
        case models.AlertKind.PAPER:
            return (term.text, contents.MatchField.PAPER) if term.text == paper.arxiv_id else None
        case models.AlertKind.KEYWORD:
            in_title, in_body = text.match(term.text)
            if forms:
                # With forms of the glossary a paper must be about the topic, as in a look-up.
                in_body = _topic_segment((term.text,), *forms).is_topic_of(text.topic_document)
            if not (in_title or in_body):
                return None
            written = ((term.text,), *forms)
            quoted = next((form for form, *_ in written if any(text.match(form))), term.text)
            return quoted, contents.MatchField.TITLE if text.match(quoted)[0] else contents.MatchField.TEXT
        case _:
            assert_never(term.kind)


@lru_cache(maxsize=8)
def _index_authors(names: tuple[str, ...]) -> dict[str, list[int]]:
    """Return the places of a paper's authors by their variants and sounds: many alerts are compared with a paper.

    A name that is in `names` in another script has one of the sounds.
    """
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        for key in name_variants(name) | _sounds(name, of_ascii=name.isascii()):
            places.setdefault(key, []).append(place)
    return places


def _sounds(name: str, *, of_ascii: bool) -> set[str]:
    """Return the sounds of a name, as keys of the names in ASCII or of those in Hangul."""
    return {f"{SOUND_PREFIX}{of_ascii:d}{key}" for key in people.sound_keys(name)}


@lru_cache(maxsize=1 << 12)
def _topic_segment(*forms: tuple[str, ...]) -> scoring.CompiledSegment:
    weighted = (concepts.WeightedForm(text, 1.0, tuple(context)) for text, *context in forms)
    return scoring.CompiledSegment(concepts.Segment(forms[0][0], tuple(weighted)))


def match_all(
    alerts: Iterable[models.Alert], paper: models.PaperDetail, text: keywords.KeywordText
) -> tuple[contents.AlertReason, ...]:
    """Return the reasons of all matching alerts, each normalised text once."""
    reasons: dict[tuple[models.AlertKind, str], contents.AlertReason] = {}
    for alert in alerts:
        for reason in match(alert, paper, text):
            reasons.setdefault((reason.kind, analyser.fold(reason.text)), reason)
    return tuple(reasons.values())


GATHERING_TIME = timedelta(minutes=3)
"""An alert that is sent at once waits for this time, so that what matches meanwhile is in the same message."""


def due_at(alert: models.Alert, now: datetime) -> datetime:
    """Return when a match of `now` (UTC) is due: soon, or at the next time of day of a daily or weekly alert.

    A time that does not exist or exists twice on a date is one moment, as for daily posts.
    """
    match alert.timing:
        case models.AlertTiming.AT_ONCE:
            return now + GATHERING_TIME
        case models.AlertTiming.DAILY:
            return _next_slot(alert.at_time, alert.timezone, schedule.EVERY_DAY, now)
        case models.AlertTiming.WEEKLY:
            return _next_slot(alert.at_time, alert.timezone, (alert.weekday,), now)
        case _:
            assert_never(alert.timing)


@lru_cache(maxsize=1024)
def _next_slot(at_time: str, timezone: str, days: tuple[int, ...], now: datetime) -> datetime:
    # The name of a zone may come from a machine with newer rules.
    zone = clock.parse_zone(timezone if clock.is_known_zone(timezone) else str(UTC))
    return schedule.next_due(now, schedule.parse_time(at_time), zone, days).at


PAPER_BATCH_SIZE = 25
"""Papers whose terms are looked up at once; a paper has thousands."""
MAX_CACHED_CHARACTERS = 1_000_000
"""Characters of the papers that stay prepared for matching; a paper takes about ten times as many bytes."""

Candidate: TypeAlias = tuple[int, str, Sequence[int]]
"""The id of an alert, one of its alert terms, and the papers that have it."""
Candidates: TypeAlias = tuple[str, list[Candidate]]
"""A recipient (`user:<id>` or `channel:<id>`), and their alerts with the papers that these may match."""
PreparedPaper: TypeAlias = tuple[models.PaperDetail, keywords.KeywordText]


class PaperTexts:
    """Papers prepared for matching. The latest stay in memory; others are read and prepared again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._prepared: dict[int, PreparedPaper] = {}

    def clear(self) -> None:
        """Forget the papers, whose texts may have changed."""
        self._prepared.clear()

    async def get(self, paper_id: int) -> PreparedPaper | None:
        """Return a paper with its text; None if no digest names it any more."""
        if paper_id not in self._prepared:
            async with self._database.read() as connection:
                for detail in await papers.list_details(connection, [paper_id]):
                    text = await asyncio.to_thread(prepare_text, detail)
                    characters = text.characters + sum(text.characters for _, text in self._prepared.values())
                    while self._prepared and characters > MAX_CACHED_CHARACTERS:
                        _, oldest = self._prepared.pop(next(iter(self._prepared)))
                        characters -= oldest.characters
                    self._prepared[paper_id] = detail, text
        return self._prepared.get(paper_id)


def prepare_text(detail: models.PaperDetail) -> keywords.KeywordText:
    """Return what `keyword_text` returns, prepared for any number of matches."""
    text = keyword_text(detail)
    text.prepare()
    return text


class AlertTermSource:
    """Retrieves candidates by the alert terms that stored alerts have in common with the papers."""

    def __init__(self, database: Database, texts: PaperTexts) -> None:
        self._database = database
        self._texts = texts

    async def iterate(
        self, paper_ids: Sequence[int], after: str | None, *, only_names: bool = False
    ) -> AsyncGenerator[Candidates, None]:
        """Yield each recipient after `after` once, in ascending order of their names; what matches is decided later.

        `only_names` leaves out alerts without an author or an institution. All candidates are retrieved, as ids, before
        the first recipient.
        """
        found: dict[str, list[Candidate]] = {}
        for batch in bulk.chunked(paper_ids, PAPER_BATCH_SIZE):
            prepared = [one for paper_id in batch if (one := await self._texts.get(paper_id))]
            papers_by_term = await self.list_terms(prepared, only_names=only_names)
            await self._retrieve(papers_by_term, after, found)
        recipients = list(found)
        heapq.heapify(recipients)  # sorting a hundred thousand at once would block the event loop
        while recipients:
            recipient = heapq.heappop(recipients)
            yield recipient, found.pop(recipient)

    async def list_terms(
        self, prepared: Sequence[PreparedPaper], *, only_names: bool = False
    ) -> dict[str, list[int]]:
        """Return the alert terms of stored alerts that papers have, each with the papers. Reads no alert.

        `only_names` leaves out those of keywords.
        """
        terms = {
            detail.id: await asyncio.to_thread(candidate_names, detail)
            if only_names
            else await asyncio.to_thread(paper_alert_terms, detail, text)
            for detail, text in prepared
        }
        async with self._database.read() as connection:
            distinct = await asyncio.to_thread(lambda: set[str]().union(*terms.values()))
            long = await asyncio.to_thread(lambda: set(filter(word_terms.is_beginning, distinct)))
            beginnings = frozenset(await alerts.list_term_beginnings(connection, long))
            for detail, text in prepared:
                terms[detail.id] |= await asyncio.to_thread(text.long_keys, beginnings)
            distinct = await asyncio.to_thread(
                lambda: set[str]().union(*terms.values()) - (long - beginnings)
            )
            stored = frozenset(await alerts.list_stored_terms(connection, distinct))
        return await asyncio.to_thread(_invert, terms, stored)

    async def _retrieve(
        self, papers_by_term: Mapping[str, list[int]], after: str | None, found: dict[str, list[Candidate]]
    ) -> None:
        """Add the candidates of a few papers to `found`."""
        slices = TimeSlices()
        async with self._database.read() as connection:
            async for rows in alerts.stream_alerts(connection, papers_by_term):
                for term, alert_id, user_id, channel_id in rows:
                    recipient = alerts.recipient_name(user_id, channel_id)
                    if after is None or recipient > after:
                        found.setdefault(recipient, []).append((alert_id, term, papers_by_term[term]))
                    await slices.pause()


def _invert(terms: Mapping[int, Set[str]], stored: frozenset[str]) -> dict[str, list[int]]:
    """Return for each stored term the papers that have it."""
    papers_by_term: dict[str, list[int]] = {}
    for paper_id, own in terms.items():
        for term in own & stored:
            papers_by_term.setdefault(term, []).append(paper_id)
    return papers_by_term


MAX_FORMS = 20
"""Added forms of a term at most."""


def list_forms(glossary: resolver.Glossary, alert: models.Alert) -> models.AlertForms:
    """Return for each term the forms that match too, each with its context; none without the switch, or of a name.

    They are those that a look-up of the words shows, without forms that one explanation alone speaks for.
    """
    return tuple(
        _term_forms(glossary, term.text)
        if alert.translations and term.kind is models.AlertKind.KEYWORD
        else ()
        for term in alert.terms
    )


def _term_forms(glossary: resolver.Glossary, text: str) -> tuple[tuple[str, ...], ...]:
    expanded = search_query.expand_query(glossary, text).sure()
    # Forms of a part of the words alone would match papers about that part.
    wholes = (*(expanded.segments if len(expanded.segments) == 1 else ()), *expanded.composed)
    shown = search_query.added_forms(concepts.Expansion(expanded.text, wholes))
    context_of = {form.text: form.context for whole in wholes for form in whole.forms}
    return tuple((form, *context_of.get(form, ())) for form in shown[:MAX_FORMS])


log = structlog.get_logger(__name__)

VERSION = "6"
"""Raise it when alert terms change while the analyser's tokens do not."""

ALERT_BATCH_SIZE = 200


async def rebuild_if_outdated(database: Database) -> int:
    """Recompute all alert terms if another version computed them, in batches. Returns the number of alerts.

    If only the glossary is another one, it is those of alerts with forms of the other language. An interrupted run is
    repeated from the start: the version is stored last.
    """
    async with database.read() as connection:
        stored_version = await key_values.get(connection, key_values.ALERT_TERMS_VERSION)
        version = f"{_version()}|{await snapshot.read(connection, search.get_glossary_version)}"
    if stored_version == version:
        return 0
    only_translations = stored_version is not None and stored_version.partition("|")[0] == _version()
    glossary = None
    async with database.read() as connection:
        # Loading it takes a few tenths of a second.
        if await alerts.list_after(connection, 0, limit=1, only_translations=True):
            glossary = await search_glossary.GlossaryService(database).get_current(connection)
    count = after_id = 0
    slices = TimeSlices()
    while True:
        async with database.read() as connection:
            batch = await alerts.list_after(
                connection, after_id, limit=ALERT_BATCH_SIZE, only_translations=only_translations
            )
        if not batch:
            break
        terms: dict[int, set[str]] = {}
        changed: dict[int, models.AlertForms] = {}
        for alert in batch:
            forms = list_forms(glossary, alert) if glossary and alert.translations else ()
            if forms != alert.forms:
                changed[alert.id] = forms
            terms[alert.id] = alert_terms(replace(alert, forms=forms))
            await slices.pause()
        async with database.transaction() as connection:
            await alerts.set_forms(connection, changed)
            await alerts.replace_terms(connection, terms)
        count, after_id = count + len(batch), batch[-1].id
    async with database.transaction() as connection:
        await key_values.set_value(connection, key_values.ALERT_TERMS_VERSION, version)
    if stored_version is not None:
        log.info("alert terms recomputed", alerts=count, version=version)
    return count


def _version() -> str:
    # Imported here because most commands never need it; an ingest has loaded it already.
    from bot.search import index as search_index

    return f"{VERSION}/{search_index.VERSION}"
