"""Matches papers against alerts, like a percolator: the needles of all alerts are in automata, and each matching paper has
one of them in its haystack. So an automaton retrieves candidates, and each of these is compared with the paper.

Below are the needles and the comparison, when a match is due, the retrieval of candidates, and the forms of an alert's words
by the glossary.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import chain, zip_longest
from typing import TypeAlias, assert_never
from zoneinfo import ZoneInfo

import ahocorasick_rs
import structlog

from bot.archive import arxiv_ids, summaries
from bot.core import clock, isolation
from bot.core.clock import TimeSlices
from bot.daily import schedule
from bot.glossary import resolver
from bot.search import glossary as search_glossary
from bot.search import query as search_query
from bot.search import results as search_results
from bot.search import scoring
from bot.text import analyser, concepts, keywords, people, term_keys, typography
from storage import alerts, key_values, models, papers, search, snapshot
from storage.database import Database

log = structlog.get_logger(__name__)

AUTHOR_PREFIX, INSTITUTION_PREFIX, PAPER_PREFIX = "\n@", "\n#", "\n="
"""Beginnings of the needles of names, of institutions, of arXiv ids.

A name's needle is a line of its own in a haystack, between two line ends.
"""

MAX_CHARACTERS = 100_000
"""Characters of a paper's texts in which keywords are looked for: ten times the longest real summaries."""


class MatchField(StrEnum):
    """Part of a paper that matches an alert."""

    TITLE = "title"
    TEXT = "text"
    AUTHOR = "author"
    INSTITUTION = "institution"
    PAPER = "paper"
    """The paper itself was asked for."""


@dataclass(frozen=True, slots=True)
class AlertReason:
    """Why a paper matches. `text` is the term, a form of it or a name as the paper has it."""

    alert_id: int
    kind: models.AlertKind
    text: str
    found_in: MatchField
    crossed: tuple[int, int | None] | None = None
    """The votes that the alert asks for, if the paper reached them later, and its votes when it was matched."""
    typed: str = ""
    """A word as the alert's owner typed it."""

    @property
    def topic(self) -> str:
        """What the owner follows: words as typed, a name as the paper has it."""
        return self.typed or self.text


def keyword_text(paper: models.PaperDetail) -> keywords.KeywordText:
    """Return the plain title and all summaries of a paper, prepared for matching: that is slower than one match."""
    body_texts = [paper.abstract or ""]
    for appearance in paper.appearances:
        for section in summaries.shown_sections(appearance.entry):
            body_texts += [section.heading or "", section.body]
    body = "\n".join(filter(None, body_texts))
    title = typography.to_plain_text((paper.title or "")[:MAX_CHARACTERS])
    text = keywords.KeywordText(title, body[:MAX_CHARACTERS], paper.keywords)
    text.prepare()
    return text


def count_characters(paper: models.PaperDetail, text: keywords.KeywordText) -> int:
    """Return the characters that are compared of a paper, and kept while it is prepared: of its texts and of its names."""
    return text.characters + sum(map(len, (*paper.authors, *paper.institutions)))


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


def list_needles(
    terms: Iterable[models.AlertTerm], forms: models.AlertForms, match_all: bool
) -> frozenset[str]:
    """Return texts of which each matching paper has one in its `build_haystack`; of all of several terms the rarest one's."""
    by_term = [
        frozenset(
            needle[:MAX_NEEDLE_LENGTH]
            for text in (term.text, *own)
            for needle in term_needles(term.kind, text)
        )
        for term, own in _with_forms(terms, forms)
    ]
    if match_all and any(by_term):
        return max(filter(None, by_term), key=lambda needles: min(map(_selectivity, needles)))
    return frozenset[str]().union(*by_term)


def _selectivity(needle: str) -> tuple[bool, int]:
    return needle.startswith("\n"), len(needle.encode())


def _with_forms(
    terms: Iterable[models.AlertTerm], forms: models.AlertForms
) -> Iterator[tuple[models.AlertTerm, tuple[str, ...]]]:
    own = tuple(terms)
    return zip_longest(own, forms[: len(own)], fillvalue=())  # type: ignore[arg-type]


def term_needles(kind: models.AlertKind, text: str) -> frozenset[str]:
    """Return texts of which each paper that matches a term has one in its `build_haystack`; none if no paper can."""
    match kind:
        case models.AlertKind.KEYWORD:
            return keywords.list_needles(text)
        case models.AlertKind.INSTITUTION:
            key = people.institution_key(text)
            return frozenset((f"{INSTITUTION_PREFIX}{key}\n",)) if key else frozenset()
        case models.AlertKind.AUTHOR:
            keys = people.consonant_keys(text) if analyser.fold_name(text) else ()
            return frozenset(f"{AUTHOR_PREFIX}{key}\n" for key in keys)
        case models.AlertKind.PAPER:
            is_id = arxiv_ids.parse_bare_id(text) == text
            return frozenset((f"{PAPER_PREFIX}{text}\n",)) if is_id else frozenset()
        case _:
            assert_never(kind)


def build_haystack(paper: models.PaperDetail, text: keywords.KeywordText) -> str:
    """Return a paper's names, each on a line, and what its texts are found by."""
    institutions = set[str]().union(*map(people.find_keys, paper.institutions))
    authors = set[str]().union(*map(people.consonant_keys, paper.authors))
    lines = [f"{AUTHOR_PREFIX}{key}" for key in authors] + [
        f"{INSTITUTION_PREFIX}{key}" for key in institutions
    ]
    names = "".join((*sorted(lines), PAPER_PREFIX, paper.arxiv_id, "\n"))
    return names + text.haystack


@lru_cache(maxsize=1 << 12)
def name_variants(name: str) -> frozenset[str]:
    """Return the normal forms of a name: diacritics removed or umlauts written out, hyphenated parts split or joined."""
    joined = name.replace("-", "")
    variants = {
        fold(spelling)
        for fold in (analyser.fold_name, analyser.fold_name_german)
        for spelling in (name, joined)
    }
    return frozenset(" ".join(sorted(variant.split())) for variant in variants if variant)


def match(
    alert: models.Alert, paper: models.PaperDetail, text: keywords.KeywordText
) -> tuple[AlertReason, ...]:
    """Return why a paper with this text matches the alert: a reason for each term that it has, none if it does not match.

    The votes are the caller's to compare. A term in the title is said to be there, also if it is in a summary too. A reason
    has the term, or the form of it that the paper has.
    """
    if alert.language is not None and all(of.language != alert.language for of in paper.appearances):
        return ()
    reasons = []
    for term, forms in _with_forms(alert.terms, alert.forms):
        found = _match_term(term, forms, paper, text)
        if found is not None:
            typed = term.text if term.kind is models.AlertKind.KEYWORD else ""
            reasons.append(AlertReason(alert.id, term.kind, *found, typed=typed))
        elif alert.match_all:
            return ()
    if reasons and any(any(text.match(word)) for word in alert.excluded):
        return ()
    return tuple(reasons)


def _match_term(
    term: models.AlertTerm, forms: tuple[str, ...], paper: models.PaperDetail, text: keywords.KeywordText
) -> tuple[str, MatchField] | None:
    """Return the term, or the name in the paper, and where the paper has it; None if it does not."""
    match term.kind:
        case models.AlertKind.AUTHOR:
            places, variants = _index_authors(paper.authors), name_variants(term.text)
            alike = [places.get(key, ()) for key in people.consonant_keys(term.text)]
            for place in sorted(set[int]().union(*alike)):
                name = paper.authors[place]
                if variants & name_variants(name) or people.is_same_name(term.text, name):
                    return name, MatchField.AUTHOR
            return None
        case models.AlertKind.INSTITUTION:
            key = people.institution_key(term.text)
            names = [name for name in paper.institutions if key in people.find_keys(name)]
            return (names[0], MatchField.INSTITUTION) if names else None
        case models.AlertKind.PAPER:
            return (term.text, MatchField.PAPER) if term.text == paper.arxiv_id else None
        case models.AlertKind.KEYWORD:
            found, (in_title, in_body) = term.text, text.match(term.text)
            # With forms of the glossary a paper must be about the topic, as in a look-up.
            if forms and not in_title:
                found, in_title, in_body = _find_form((term.text, *forms), text.topic_document)
            field = MatchField.TITLE if in_title else MatchField.TEXT
            return (found, field) if in_title or in_body else None
        case _:
            assert_never(term.kind)


@lru_cache(maxsize=8)
def _index_authors(names: tuple[str, ...]) -> dict[str, list[int]]:
    """Return the places of a paper's authors by their consonants: many alerts are compared with a paper."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        for key in people.consonant_keys(name):
            places.setdefault(key, []).append(place)
    return places


def _find_form(forms: tuple[str, ...], document: term_keys.Document) -> tuple[str, bool, bool]:
    """Return the first form that a paper about the topic has, and whether it is in the title and in the texts."""
    if _topic_segment(*forms).is_topic_of(document):
        for form in forms:
            in_title, in_body = term_keys.compile_term(form).count(document)
            if in_title or in_body:
                return form, in_title > 0, in_body > 0
    return "", False, False


@lru_cache(maxsize=1 << 12)
def _topic_segment(*forms: str) -> scoring.CompiledSegment:
    weighted = tuple(concepts.WeightedForm(text, 1.0) for text in forms)
    return scoring.CompiledSegment(concepts.Segment(forms[0], weighted))


MAX_REASONS = 20
"""Reasons for a paper at most; messages show six."""


def match_all(
    alerts: Iterable[models.Alert], paper: models.PaperDetail, text: keywords.KeywordText
) -> tuple[AlertReason, ...]:
    """Return the reasons of matching alerts, each normalised topic once, at most MAX_REASONS, words not quoted yet."""
    return match_each(alerts, paper, text)[0]


def match_each(
    alerts: Iterable[models.Alert], paper: models.PaperDetail, text: keywords.KeywordText
) -> tuple[tuple[AlertReason, ...], frozenset[int]]:
    """Return what `match_all` does, and the ids of the alerts that match, of which a topic names the first alone.

    Alerts after those with MAX_REASONS are not compared.
    """
    reasons: dict[tuple[models.AlertKind, str], AlertReason] = {}
    matching: set[int] = set()
    for alert in alerts:
        for reason in match(alert, paper, text):
            reasons.setdefault((reason.kind, analyser.fold(reason.topic)), reason)
            matching.add(alert.id)
        if len(reasons) >= MAX_REASONS:
            break
    return tuple(reasons.values())[:MAX_REASONS], frozenset(matching)


def quote(reasons: Iterable[AlertReason], text: keywords.KeywordText) -> tuple[AlertReason, ...]:
    """Return the reasons of a message with their words as they stand in the paper: that reads all of its text for each word."""
    return tuple(
        replace(reason, text=text.quote(reason.text)) if reason.typed else reason for reason in reasons
    )


def find_sentence(
    paper: models.PaperDetail, words: Iterable[str], locale: models.Locale
) -> search_results.Snippet | None:
    """Return the sentence of a paper's texts that has one of the words, with it in bold; None without one.

    Summaries in the language of `locale` come first, the abstract last.
    """
    patterns = [pattern for word in words if (pattern := search_results.compile_pattern([word]))]
    texts = [
        (summaries.find_language(of), section.body)
        for of in (paper.appearances if patterns else ())
        for section in summaries.shown_sections(of.entry)
    ]
    texts.sort(key=lambda text: text[0] != locale.value)
    for pattern in patterns:
        for language, body in (*texts, (models.Locale.EN.value, paper.abstract or "")):
            if sentence := search_results.find_sentence(body, pattern):
                return search_results.Snippet(sentence, language)
    return None


def words_in_text(reasons: Iterable[AlertReason]) -> tuple[str, ...]:
    """Return the words of reasons that stand in a paper's texts, but not in its title."""
    return tuple(reason.text for reason in reasons if reason.found_in is MatchField.TEXT)


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


def day_of(alert: models.Alert, now: datetime) -> tuple[datetime, datetime]:
    """Return when the alert's day began, and its time of day on the next day (UTC)."""
    zone = _zone_of(alert.timezone)
    on, at = clock.local_date(now, zone), schedule.parse_time(alert.at_time)
    began_at = schedule.wall_clock_to_utc(on, time(0), zone)
    return began_at, schedule.wall_clock_to_utc(on + schedule.DAY, at, zone)


def _zone_of(timezone: str) -> ZoneInfo:
    # The name of a zone may come from a machine with newer rules.
    return clock.parse_zone(timezone if clock.is_known_zone(timezone) else str(UTC))


@lru_cache(maxsize=1024)
def _next_slot(at_time: str, timezone: str, days: tuple[int, ...], now: datetime) -> datetime:
    return schedule.next_due(now, schedule.Rule(schedule.parse_time(at_time), _zone_of(timezone), days)).at


MAX_CACHED_CHARACTERS = 1_000_000
"""Characters of the papers that stay prepared for matching; a paper takes about ten times as many bytes."""

PreparedPaper: TypeAlias = tuple[models.PaperDetail, keywords.KeywordText]


class PaperTexts:
    """Papers prepared for matching, kept in memory up to a total length of their texts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._prepared: dict[int, PreparedPaper] = {}
        self._characters = 0

    def clear(self) -> None:
        """Forget the papers, whose texts may have changed."""
        self._prepared.clear()
        self._characters = 0

    async def get(self, paper_id: int) -> PreparedPaper | None:
        """Return a paper with its text; None if no digest names it any more."""
        if paper_id not in self._prepared:
            async with self._database.read() as connection:
                for detail in await papers.list_details(connection, [paper_id]):
                    if self._characters > MAX_CACHED_CHARACTERS:
                        self.clear()
                    text = await asyncio.to_thread(keyword_text, detail)
                    self._prepared[paper_id] = detail, text
                    self._characters += count_characters(detail, text)
        return self._prepared.get(paper_id)


MAX_NEEDLE_LENGTH = 40
"""Characters of a needle: a paper that has all of a longer one has its beginning too."""
Candidate: TypeAlias = tuple[int, list[int]]
"""The id of an alert, and the places of the papers that it may match."""


class _Automaton:
    """Finds the needles that a text contains; each maps to the numbers of terms or rules."""

    def __init__(self, numbers: Mapping[str, Sequence[int]]) -> None:
        self._numbers = list(numbers.values())
        self._automaton = ahocorasick_rs.AhoCorasick(
            list(numbers), store_patterns=False, implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )

    def find(self, haystack: str) -> set[int]:
        """Return the numbers of the needles that a text has."""
        found = self._automaton.find_matches_as_indexes(haystack, overlapping=True)
        return set(
            chain.from_iterable(self._numbers[needle] for needle in {needle for needle, _, _ in found})
        )


class Followed:
    """Alerts with an automaton of their terms and excluded words: a paper is compared with those of which it has a needle."""

    def __init__(self, own: Sequence[models.Alert]) -> None:
        self._own = [replace(alert, excluded=()) for alert in own]
        self._terms: list[tuple[int, int | str]] = []
        """The place of each term's alert, with the number of the term in it; of each excluded word's with the word."""
        numbers: dict[str, list[int]] = {}
        for place, alert in enumerate(own):
            of_alert: list[tuple[int | str, frozenset[str]]] = [
                (number, list_needles([term], (forms,), match_all=False))
                for number, (term, forms) in enumerate(_with_forms(alert.terms, alert.forms))
            ]
            of_alert += [(word, keywords.list_needles(word)) for word in alert.excluded]
            for term_or_word, needles in of_alert:
                for needle in needles:
                    numbers.setdefault(needle[:MAX_NEEDLE_LENGTH], []).append(len(self._terms))
                self._terms.append((place, term_or_word))
        self._automaton = _Automaton(numbers)

    def match_all(
        self, paper: models.PaperDetail, text: keywords.KeywordText, haystack: str
    ) -> tuple[AlertReason, ...]:
        """Return what `match_all` does. `haystack` is that of the paper."""
        found: dict[int, list[int]] = {}
        excluded: dict[int, list[str]] = {}
        for place, found_of in (self._terms[term] for term in sorted(self._automaton.find(haystack))):
            if isinstance(found_of, str):
                excluded.setdefault(place, []).append(found_of)
            else:
                found.setdefault(place, []).append(found_of)
        # Before the terms: a paper that has an excluded word of each alert would be compared with the terms of all of them.
        matched = lru_cache(maxsize=None)(lambda word: any(text.match(word)))
        picked = (
            _pick_terms(self._own[place], numbers)
            for place, numbers in found.items()
            if not any(map(matched, excluded.get(place, ())))
        )
        return match_all(picked, paper, text)


def _pick_terms(alert: models.Alert, numbers: Sequence[int]) -> models.Alert:
    """Return an alert with some of its terms, of which a paper has needles; an alert for all terms as it is."""
    if alert.match_all:
        return alert
    forms = tuple(alert.forms[number] for number in numbers if number < len(alert.forms))
    return replace(alert, terms=tuple(alert.terms[number] for number in numbers), forms=forms)


class AlertIndex:
    """Retrieves the alerts that may match papers, from an automaton that stays in memory.

    Each use compares it with the stored alerts and builds it again if one has changed: nothing else says that one has, and
    no stored alert is missed, whichever process stored it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rules: list[alerts.Rule] | None = None
        self._automaton = _Automaton({})

    async def find(self, haystacks: Sequence[str]) -> list[Candidate]:
        """Return the alerts of which a haystack has a needle, by id, with the places of these haystacks."""
        async with self._database.read() as connection:
            rules = await alerts.list_rules(connection)
        if rules != self._rules:
            self._automaton = await asyncio.to_thread(_build_automaton, rules)
            self._rules = rules
        return await asyncio.to_thread(self._find, haystacks)

    def _find(self, haystacks: Sequence[str]) -> list[Candidate]:
        places: dict[int, list[int]] = {}
        for place, haystack in enumerate(haystacks):
            for alert_id in self._automaton.find(haystack):
                places.setdefault(alert_id, []).append(place)
        return sorted(places.items())


def _build_automaton(rules: Iterable[alerts.Rule]) -> _Automaton:
    alert_ids: dict[str, list[int]] = {}
    for alert_id, terms, forms, match_all in rules:
        with isolation.isolated(log, "an alert is not matched", alert=alert_id):
            for needle in _list_rule_needles(terms, forms, match_all):
                alert_ids.setdefault(needle, []).append(alert_id)
    return _Automaton(alert_ids)


@lru_cache(maxsize=1 << 14)
def _list_rule_needles(terms: str, forms: str, match_all: int) -> frozenset[str]:
    # Many alerts have the same rule, and few have changed since the last automaton.
    return list_needles(*alerts.parse_rule(terms, forms, match_all))


MAX_FORMS = 20
"""Added forms of a term at most."""


def list_forms(glossary: resolver.Glossary, alert: models.Alert) -> models.AlertForms:
    """Return for each term the forms that match too; none without the switch, or of a name.

    They are those that a look-up of the words shows, without forms that one explanation alone speaks for.
    """
    return tuple(
        _term_forms(glossary, term.text)
        if alert.translations and term.kind is models.AlertKind.KEYWORD
        else ()
        for term in alert.terms
    )


def _term_forms(glossary: resolver.Glossary, text: str) -> tuple[str, ...]:
    expanded = search_query.expand_query(glossary, text).sure()
    # Forms of a part of the words alone would match papers about that part.
    wholes = (*(expanded.segments if len(expanded.segments) == 1 else ()), *expanded.composed)
    return search_query.added_forms(concepts.Expansion(expanded.text, wholes))[:MAX_FORMS]


FORMS_BATCH_SIZE = 200


async def refresh_forms(database: Database) -> None:
    """Compute and store the forms of all alerts that have them, in batches, if the glossary has changed since the last time.

    An interrupted run is repeated from the start: the version is stored last.
    """
    async with database.read() as connection:
        version = str(await snapshot.read(connection, search.get_glossary_version))
        if version == await key_values.get(connection, key_values.ALERT_FORMS_VERSION):
            return
    service, after_id = search_glossary.GlossaryService(database), 0
    slices = TimeSlices()
    while True:
        async with database.read() as connection:
            if not (batch := await alerts.list_translated(connection, after_id, limit=FORMS_BATCH_SIZE)):
                break
            glossary = await service.get_current(connection)
        changed: dict[int, models.AlertForms] = {}
        for alert in batch:
            # An alert for which this fails keeps its forms, and must not hold up the others.
            with isolation.isolated(log, "forms of an alert not renewed", alert=alert.id):
                if (forms := list_forms(glossary, alert)) != alert.forms:
                    changed[alert.id] = forms
            await slices.pause()
        async with database.transaction() as connection:
            # One that its reader has changed meanwhile got forms of its new terms.
            current = await alerts.list_translated(
                connection, after_id, limit=FORMS_BATCH_SIZE, for_update=True
            )
            terms = {alert.id: alert.terms for alert in current}
            same = {alert.id for alert in batch if terms.get(alert.id) == alert.terms}
            await alerts.set_forms(connection, {id_: own for id_, own in changed.items() if id_ in same})
        after_id = batch[-1].id
    async with database.transaction() as connection:
        await key_values.set_value(connection, key_values.ALERT_FORMS_VERSION, version)
