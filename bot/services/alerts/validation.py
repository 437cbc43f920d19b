"""Validates drafts of alerts: bounds every length, refuses what can match nothing, and folds what identifies an alert. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot import errors
from bot.services.alerts import matcher
from bot.services.daily import schedule
from bot.text.analysis import korean, normalisation, stopwords
from bot.text.matching import keyword_match
from bot.text.people import institutions
from storage import models

MAX_TERMS = 20
"""Terms of an alert, and likewise excluded words."""
MAX_TEXT_LENGTH = 100
"""Characters of a term or of an excluded word."""
MAX_VOTES = 1_000_000
MAX_PAPERS = 25
"""Papers in a message at most."""


def validate(draft: models.Alert) -> models.Alert:
    """Return a draft in normal form, with its key. Raises UsageError, whose message says what to change."""
    terms = _unique_terms(draft.terms)
    if not terms:
        raise errors.UsageError("An alert needs a word, an author or an institution.", "no-terms")
    _check_count("terms", len(terms))
    for term in terms:
        _check_term(term)
    excluded = tuple(dict.fromkeys(filter(None, map(_to_line, draft.excluded))))
    _check_count("excluded words", len(excluded))
    for word in excluded:
        _check_term(models.AlertTerm(models.AlertKind.KEYWORD, word))
    _check_settings(draft)
    at = schedule.parse_time(draft.at_time)
    checked = replace(draft, terms=terms, excluded=excluded, at_time=f"{at:%H:%M}")
    _check_exclusions(checked)
    return replace(checked, key=matcher.alert_key(checked))


def _to_line(text: str) -> str:
    return " ".join(text.replace("\0", "").split())


def _unique_terms(terms: Iterable[models.AlertTerm]) -> tuple[models.AlertTerm, ...]:
    unique: dict[str, models.AlertTerm] = {}
    for kind, text in terms:
        term = models.AlertTerm(kind, _to_line(text))
        unique.setdefault(matcher.term_key(term), term)
    return tuple(unique.values())


def _check_count(noun: str, count: int) -> None:
    if count > MAX_TERMS:
        raise errors.UsageError(
            f"An alert may have {MAX_TERMS} {noun}; this one has {count}. Make a second alert.",
            f"too-many-{noun.replace(' ', '-')}",
            most=MAX_TERMS,
            count=count,
        )


def _check_term(term: models.AlertTerm) -> None:
    if len(term.text) > MAX_TEXT_LENGTH:
        raise errors.UsageError(
            f"A text of an alert may have {MAX_TEXT_LENGTH} characters; this one has {len(term.text)}. Shorten it.",
            "text-too-long",
            text=term.text,
            most=MAX_TEXT_LENGTH,
            length=len(term.text),
        )
    if not matcher.text_alert_terms(*term):
        raise errors.UsageError(
            "An alert needs a word or a name, with at least one letter.", "no-letters", text=term.text
        )
    if term.kind is models.AlertKind.INSTITUTION and institutions.is_generic(term.text):
        raise errors.UsageError(
            f"“{term.text}” is no name of one institution. Give its whole name.",
            "no-institution",
            text=term.text,
        )
    if term.kind is models.AlertKind.KEYWORD and all(map(_is_function_word, term.text.split())):
        raise errors.UsageError(
            f"“{term.text}” is in every text: it has only particles or such words. Add a word with a meaning.",
            "only-particles",
            text=term.text,
        )


def _is_function_word(word: str) -> bool:
    folded = normalisation.fold(word).strip(".,;:!?'\"()[]")
    return not folded or korean.is_particle(folded) or folded in stopwords.FUNCTION_WORDS


def _check_settings(draft: models.Alert) -> None:
    if not 0 <= draft.min_votes <= MAX_VOTES:
        raise errors.UsageError(f"Minimum votes is {draft.min_votes}; it must be from 0 to {MAX_VOTES}.")
    if not 1 <= draft.max_papers <= MAX_PAPERS:
        raise errors.UsageError(
            f"A message may have from 1 to {MAX_PAPERS} papers; {draft.max_papers} were asked for."
        )
    if not 1 <= draft.weekday <= 7:
        raise errors.UsageError(f"The weekday is {draft.weekday}; it must be from 1 (Monday) to 7.")
    schedule.parse_zone(draft.timezone)


def _check_exclusions(alert: models.Alert) -> None:
    """Raise UsageError if each paper that has the terms has an excluded word too."""
    impossible = [term for term in alert.terms if _implied(term, alert.excluded)]
    if len(impossible) == len(alert.terms) or (alert.match_all and impossible):
        word = _implied(impossible[0], alert.excluded)
        raise errors.UsageError(
            f"Nothing can match: each paper with “{impossible[0].text}” has “{word}” too, which is excluded."
            " Remove one of the two.",
            "excludes-all",
            text=impossible[0].text,
            word=str(word),
        )


def _implied(term: models.AlertTerm, excluded: Iterable[str]) -> str | None:
    """Return the excluded word that every text with the term has; None if there is none."""
    if term.kind is not models.AlertKind.KEYWORD:
        return None
    text = keyword_match.KeywordText(term.text, "")
    return next((word for word in excluded if any(text.match(word))), None)
