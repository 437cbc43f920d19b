"""Matches papers against alerts, like a percolator: trigger terms select candidates, then each is compared. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from bot.services.daily import selection
from bot.services.posts import contents
from bot.text.analysis import latex, normalisation
from bot.text.matching import candidate_terms as keyword_terms
from bot.text.matching import keyword_match
from storage import models

AUTHOR_PREFIX = "@"
"""Prefix of the trigger terms of author alerts, which keeps them apart from those of keywords."""

VOWEL_REMOVAL = str.maketrans("", "", "aeiou ")


@dataclass(frozen=True)
class PaperText:
    """The texts of a paper that alerts are matched against: plain title, all summaries, author names."""

    paper_id: int
    title: str
    body: str
    authors: tuple[str, ...]
    votes: int | None

    @cached_property
    def keyword_text(self) -> keyword_match.KeywordText:
        """Title and body prepared for keyword matching; the preparation is slower than one match."""
        return keyword_match.KeywordText(self.title, self.body)


def build_paper_text(detail: models.PaperDetail) -> PaperText:
    """Return the texts of a paper from all its digests."""
    body_texts = [detail.abstract or ""]
    for appearance in detail.appearances:
        for section in appearance.entry.sections:
            body_texts += [section.heading or "", section.body]
    return PaperText(
        detail.id,
        latex.to_plain_text(detail.title or ""),
        "\n".join(filter(None, body_texts)),
        detail.authors,
        detail.votes,
    )


def alert_key(kind: models.AlertKind, text: str) -> str:
    """Return the normalised text that is the same for equal alerts."""
    if kind is models.AlertKind.AUTHOR:
        return " ".join(sorted(normalisation.fold_name(text).split()))
    return " ".join(normalisation.fold(text).split())


def trigger_term(kind: models.AlertKind, text: str) -> str | None:
    """Return the token that is among the `candidate_terms` of every matching paper; None if nothing can match."""
    if kind is models.AlertKind.KEYWORD:
        return keyword_terms.trigger_term(text)
    return _name_trigger_term(text) if normalisation.fold_name(text) else None


def candidate_terms(text: PaperText) -> set[str]:
    """Return the trigger terms of all alerts that may match this paper."""
    return text.keyword_text.candidate_terms | {_name_trigger_term(name) for name in text.authors}


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


def match(alert: models.Alert, text: PaperText) -> contents.AlertReason | None:
    """Return why the paper matches the alert, or None. A match in the title takes precedence."""
    if not selection.meets_minimum(text.votes, alert.min_votes):
        return None
    if alert.kind is models.AlertKind.AUTHOR:
        variants = name_variants(alert.text)
        name = next((name for name in text.authors if variants & name_variants(name)), None)
        return (
            None
            if name is None
            else contents.AlertReason(alert.id, alert.kind, name, contents.MatchField.AUTHOR)
        )
    in_title, in_body = text.keyword_text.match(alert.text)
    if not (in_title or in_body):
        return None
    field = contents.MatchField.TITLE if in_title else contents.MatchField.TEXT
    return contents.AlertReason(alert.id, alert.kind, alert.text, field)


def match_all(alerts: Iterable[models.Alert], text: PaperText) -> tuple[contents.AlertReason, ...]:
    """Return the reasons of all matching alerts, each normalised text once."""
    reasons: dict[tuple[models.AlertKind, str], contents.AlertReason] = {}
    for alert in alerts:
        reason = match(alert, text)
        if reason is not None:
            reasons.setdefault((reason.kind, normalisation.fold(reason.text)), reason)
    return tuple(reasons.values())
