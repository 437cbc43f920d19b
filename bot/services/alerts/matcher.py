"""Which rules a paper fits, and where. Pure: plain text in, reasons out; the rules are found by their anchors first."""

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
"""Begins an author rule's anchor, so that it never meets a keyword's."""

VOWEL_REMOVAL = str.maketrans("", "", "aeiou ")


@dataclass(frozen=True)
class PaperText:
    """A paper as rules look at it: the title as people read it, the whole of its summaries, its authors' names."""

    paper_id: int
    title: str
    body: str
    authors: tuple[str, ...]
    votes: int | None

    @cached_property
    def keyword_text(self) -> keyword_match.KeywordText:
        """Title and body prepared for keywords, which takes longer than to compare one with them."""
        return keyword_match.KeywordText(self.title, self.body)


def build_paper_text(detail: models.PaperDetail) -> PaperText:
    """Return a paper's texts, those of all its digests together."""
    pieces = [detail.abstract or ""]
    for appearance in detail.appearances:
        for section in appearance.entry.sections:
            pieces += [section.heading or "", section.body]
    return PaperText(
        detail.id,
        latex.to_plain_text(detail.title or ""),
        "\n".join(filter(None, pieces)),
        detail.authors,
        detail.votes,
    )


def alert_key(kind: models.AlertKind, text: str) -> str:
    """Return a rule's text in the form in which equal rules are equal."""
    if kind is models.AlertKind.AUTHOR:
        return " ".join(sorted(normalisation.fold_name(text).split()))
    return " ".join(normalisation.fold(text).split())


def trigger_term(kind: models.AlertKind, text: str) -> str | None:
    """Return the one token that every matching paper has in its `anchors`; None when nothing could match."""
    if kind is models.AlertKind.KEYWORD:
        return keyword_terms.trigger_term(text)
    return _name_trigger_term(text) if normalisation.fold_name(text) else None


def candidate_terms(text: PaperText) -> set[str]:
    """Return the tokens under which the rules that may match this paper are kept."""
    return text.keyword_text.candidate_terms | {_name_trigger_term(name) for name in text.authors}


def _name_trigger_term(name: str) -> str:
    """Return what all spellings of a name share: its consonants, sorted (umlauts, hyphens and order do not matter)."""
    return AUTHOR_PREFIX + "".join(sorted(normalisation.fold_name(name).translate(VOWEL_REMOVAL)))


def name_variants(name: str) -> set[str]:
    """Return the keys of a name: without diacritics, with umlauts written out, with hyphened parts apart and joined."""
    joined = name.replace("-", "")
    forms = {
        fold(form)
        for fold in (normalisation.fold_name, normalisation.fold_name_german)
        for form in (name, joined)
    }
    return {" ".join(sorted(form.split())) for form in forms if form}


def match(alert: models.Alert, text: PaperText) -> contents.AlertReason | None:
    """Return why the paper fits the rule, or None. The title is named before the summary."""
    if not selection.meets_minimum(text.votes, alert.min_votes):
        return None
    if alert.kind is models.AlertKind.AUTHOR:
        wanted = name_variants(alert.text)
        name = next((name for name in text.authors if wanted & name_variants(name)), None)
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
    """Return every reason, each wording once."""
    found: dict[tuple[models.AlertKind, str], contents.AlertReason] = {}
    for alert in alerts:
        reason = match(alert, text)
        if reason is not None:
            found.setdefault((reason.kind, normalisation.fold(reason.text)), reason)
    return tuple(found.values())
