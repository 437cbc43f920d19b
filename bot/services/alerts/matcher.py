"""Matches papers against alerts, like a percolator: trigger terms select candidates, then each is compared. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bot.digests.elements import shown_summary
from bot.services.daily import selection
from bot.services.posts import contents
from bot.text.analysis import latex, normalisation
from bot.text.matching import candidate_terms as keyword_terms
from bot.text.matching import keyword_match
from bot.text.people import romanisation
from storage import models

AUTHOR_PREFIX = "@"
"""Prefix of the trigger terms of author alerts, which keeps them apart from those of keywords."""

SOUND_PREFIX = "@@"
"""Prefix of the trigger terms of alerts for a Hangul name, and of what names in Latin letters may be in Hangul."""

MAX_CHARACTERS = 100_000
"""Characters of a paper's texts in which keywords are looked for: ten times the longest real summaries."""

VOWEL_REMOVAL = str.maketrans("", "", "aeiou ")


def keyword_text(paper: models.PaperDetail) -> keyword_match.KeywordText:
    """Return the plain title and all summaries of a paper, prepared for matching: that is slower than one match."""
    body_texts = [paper.abstract or ""]
    for appearance in paper.appearances:
        for section in shown_summary.shown_sections(appearance.entry):
            body_texts += [section.heading or "", section.body]
    body = "\n".join(filter(None, body_texts))
    title = latex.to_plain_text((paper.title or "")[:MAX_CHARACTERS])
    return keyword_match.KeywordText(title, body[:MAX_CHARACTERS])


def alert_key(kind: models.AlertKind, text: str) -> str:
    """Return the normalised text that is the same for equal alerts."""
    if kind is models.AlertKind.AUTHOR:
        return " ".join(sorted(normalisation.fold_name(text).split()))
    return " ".join(normalisation.fold(text).split())


def trigger_term(kind: models.AlertKind, text: str) -> str | None:
    """Return the token that is among the `candidate_terms` of every matching paper; None if nothing can match."""
    if kind is models.AlertKind.KEYWORD:
        return keyword_terms.trigger_term(text)
    if romanisation.split_hangul(text) and (keys := romanisation.sound_keys(text)):
        return SOUND_PREFIX + keys[0]
    return _name_trigger_term(text) if normalisation.fold_name(text) else None


def candidate_terms(authors: Iterable[str], text: keyword_match.KeywordText) -> set[str]:
    """Return the trigger terms of all alerts that may match a paper by these authors."""
    return text.candidate_terms.union(*map(_name_candidate_terms, authors))


def _name_candidate_terms(name: str) -> set[str]:
    """Return the trigger terms of alerts for a name: as written, by its sound, and for Hangul by its spellings."""
    sounds = {SOUND_PREFIX + key for key in romanisation.sound_keys(name)}
    return sounds | {_name_trigger_term(spelling) for spelling in (name, *romanisation.spellings(name))}


def _name_trigger_term(name: str) -> str:
    """Return the sorted consonants of a name, which are the same for all its spellings and word orders."""
    return AUTHOR_PREFIX + "".join(sorted(normalisation.fold_name(name).translate(VOWEL_REMOVAL)))


def name_variants(name: str) -> set[str]:
    """Return the normal forms of a name: diacritics removed or umlauts written out, hyphenated parts split or joined."""
    joined = name.replace("-", "")
    variants = {
        fold(spelling)
        for fold in (normalisation.fold_name, normalisation.fold_name_german)
        for spelling in (name, joined)
    }
    return {" ".join(sorted(variant.split())) for variant in variants if variant}


def match(
    alert: models.Alert, paper: models.PaperDetail, text: keyword_match.KeywordText
) -> contents.AlertReason | None:
    """Return why a paper with this text matches the alert, or None. A match in the title takes precedence."""
    if not selection.meets_minimum(paper.votes, alert.min_votes):
        return None
    if alert.kind is models.AlertKind.AUTHOR:
        variants = name_variants(alert.text)
        for name in paper.authors:
            if variants & name_variants(name) or romanisation.is_same_name(alert.text, name):
                return contents.AlertReason(alert.id, alert.kind, name, contents.MatchField.AUTHOR)
        return None
    in_title, in_body = text.match(alert.text)
    if not (in_title or in_body):
        return None
    field = contents.MatchField.TITLE if in_title else contents.MatchField.TEXT
    return contents.AlertReason(alert.id, alert.kind, alert.text, field)


def match_all(
    alerts: Iterable[models.Alert], paper: models.PaperDetail, text: keyword_match.KeywordText
) -> tuple[contents.AlertReason, ...]:
    """Return the reasons of all matching alerts, each normalised text once."""
    reasons: dict[tuple[models.AlertKind, str], contents.AlertReason] = {}
    for alert in alerts:
        reason = match(alert, paper, text)
        if reason is not None:
            reasons.setdefault((reason.kind, normalisation.fold(reason.text)), reason)
    return tuple(reasons.values())
