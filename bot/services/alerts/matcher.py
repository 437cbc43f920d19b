"""Matches papers against alerts, like a percolator: alert terms select candidates, then each is compared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import zip_longest
from typing import assert_never

from bot.digests.elements import arxiv_ids, shown_summary
from bot.services.posts import contents
from bot.text import scoring
from bot.text.analysis import latex, normalisation
from bot.text.glossary.model import expansion
from bot.text.matching import exact_keys, keyword_match, keyword_terms
from bot.text.people import institutions, romanisation
from storage import models

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


def keyword_text(paper: models.PaperDetail) -> keyword_match.KeywordText:
    """Return the plain title and all summaries of a paper, prepared for matching: that is slower than one match."""
    body_texts = [paper.abstract or ""]
    for appearance in paper.appearances:
        for section in shown_summary.shown_sections(appearance.entry):
            body_texts += [section.heading or "", section.body]
    body = "\n".join(filter(None, body_texts))
    title = latex.to_plain_text((paper.title or "")[:MAX_CHARACTERS])
    return keyword_match.KeywordText(title, body[:MAX_CHARACTERS], paper.keywords)


def alert_key(alert: models.Alert) -> str:
    """Return the normalised text that is the same for alerts that match the same papers."""
    options = [f"language:{alert.language}"] if alert.language else []
    options += ["all"] * (alert.match_all and len(alert.terms) > 1) + ["translations"] * alert.translations
    options += sorted(f"-{_fold_words(word)}" for word in alert.excluded)
    return "\n".join([*sorted(map(term_key, alert.terms)), *options])


def term_key(term: models.AlertTerm) -> str:
    """Return the normalised text of a term, which is the same for equal terms."""
    if term.kind is models.AlertKind.AUTHOR:
        return f"a:{' '.join(sorted(normalisation.fold_name(term.text).split()))}"
    if term.kind is models.AlertKind.INSTITUTION:
        return f"i:{institutions.institution_key(term.text)}"
    return f"{term.kind.value[0]}:{_fold_words(term.text)}"


def _fold_words(text: str) -> str:
    return " ".join(normalisation.fold(text).split())


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
        by_term.append(set[str]().union(*(text_alert_terms(term.kind, text) for text in texts)))
    by_term = [tokens for tokens in by_term if tokens]
    if alert.match_all and by_term:
        return max(by_term, key=lambda tokens: min(map(_selectivity, tokens)))
    return set().union(*by_term)


def _exact_keys(alert: models.Alert) -> set[str]:
    """Return the exact keys of an alert that asks for nothing but any of some plain keywords; else none."""
    if alert.excluded or alert.language or any(alert.forms) or (alert.match_all and len(alert.terms) > 1):
        return set()
    keys = [
        exact_keys.keyword_keys(term.text) if term.kind is models.AlertKind.KEYWORD else frozenset[str]()
        for term in alert.terms
    ]
    return set[str]().union(*keys) if all(keys) else set()


def is_decided(alert: models.Alert, alert_term: str) -> bool:
    """Tell whether each paper with this alert term matches the alert, so that they need not be compared."""
    return exact_keys.is_exact(alert_term) and alert_term in _exact_keys(alert)


def _selectivity(token: str) -> tuple[bool, float]:
    is_name = token.startswith((AUTHOR_PREFIX, INSTITUTION_PREFIX, PAPER_PREFIX))
    return is_name, 0.0 if is_name else keyword_terms.selectivity(token)


def _terms_with_forms(alert: models.Alert) -> Iterator[tuple[models.AlertTerm, tuple[tuple[str, ...], ...]]]:
    return zip_longest(alert.terms, alert.forms[: len(alert.terms)], fillvalue=())  # type: ignore[arg-type]


def text_alert_terms(kind: models.AlertKind, text: str) -> frozenset[str]:
    """Return tokens of which each paper that matches a term has one among its `paper_alert_terms`; none if none can."""
    match kind:
        case models.AlertKind.KEYWORD:
            return keyword_terms.alert_terms(text)
        case models.AlertKind.INSTITUTION:
            key = institutions.institution_key(text)
            return frozenset((INSTITUTION_PREFIX + key,)) if key else frozenset()
        case models.AlertKind.AUTHOR:
            if romanisation.split_hangul(text) and (keys := romanisation.sound_keys(text)):
                return frozenset((SOUND_PREFIX + keys[0],))
            return frozenset((_name_alert_term(text),)) if normalisation.fold_name(text) else frozenset()
        case models.AlertKind.PAPER:
            return frozenset((PAPER_PREFIX + text,)) if arxiv_ids.parse_bare_id(text) == text else frozenset()
        case _:
            assert_never(kind)


def paper_alert_terms(paper: models.PaperDetail, text: keyword_match.KeywordText) -> set[str]:
    """Return the alert terms of all alerts that may match a paper; exact keys of many syllables as their beginnings."""
    return text.alert_terms.union(text.exact_keys, candidate_names(paper))


def candidate_names(paper: models.PaperDetail) -> set[str]:
    """Return the alert terms of all alerts with an author or an institution that may match a paper."""
    keys = set[str]().union(*map(institutions.find_keys, paper.institutions))
    of_institutions = {INSTITUTION_PREFIX + key for key in keys}
    of_institutions.add(PAPER_PREFIX + paper.arxiv_id)
    return of_institutions.union(*map(author_alert_terms, paper.authors))


def author_alert_terms(name: str) -> set[str]:
    """Return the alert terms for a name: as written, by its sound, and for Hangul by its spellings."""
    sounds = {SOUND_PREFIX + key for key in romanisation.sound_keys(name)}
    return sounds | {_name_alert_term(spelling) for spelling in (name, *romanisation.spellings(name))}


def _name_alert_term(name: str) -> str:
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
    alert: models.Alert,
    paper: models.PaperDetail,
    text: keyword_match.KeywordText,
    former: models.FormerNames,
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
    text: keyword_match.KeywordText,
) -> tuple[str, contents.MatchField] | None:
    """Return the term, or the name in the paper, and where the paper has it; None if it does not."""
    match term.kind:
        case models.AlertKind.AUTHOR:
            author = _find_author(term.text, paper.authors)
            return None if author is None else (author, contents.MatchField.AUTHOR)
        case models.AlertKind.INSTITUTION:
            key = institutions.institution_key(term.text)
            names = [name for name in paper.institutions if key in institutions.find_keys(name)]
            return (names[0], contents.MatchField.INSTITUTION) if names else None
        case models.AlertKind.PAPER:
            return (term.text, contents.MatchField.PAPER) if term.text == paper.arxiv_id else None
        case models.AlertKind.KEYWORD:
            in_title, in_body = text.match(term.text)
            if forms:
                # With forms of the glossary a paper must be about the topic, as in a look-up.
                in_body = _topic_segment((term.text,), *forms).is_topic_of(text.topic_document)
            field = contents.MatchField.TITLE if in_title else contents.MatchField.TEXT
            return (term.text, field) if in_title or in_body else None
        case _:
            assert_never(term.kind)


@lru_cache(maxsize=1 << 12)
def _topic_segment(*forms: tuple[str, ...]) -> scoring.CompiledSegment:
    weighted = (expansion.WeightedForm(text, 1.0, tuple(context)) for text, *context in forms)
    return scoring.CompiledSegment(expansion.Segment(forms[0][0], tuple(weighted)))


def _find_author(followed: str, authors: Iterable[str]) -> str | None:
    variants = name_variants(followed)
    for name in authors:
        if variants & name_variants(name) or romanisation.is_same_name(followed, name):
            return name
    return None


def match_all(
    alerts: Iterable[models.Alert], paper: models.PaperDetail, text: keyword_match.KeywordText
) -> tuple[contents.AlertReason, ...]:
    """Return the reasons of all matching alerts, each normalised text once."""
    reasons: dict[tuple[models.AlertKind, str], contents.AlertReason] = {}
    for alert in alerts:
        for reason in match(alert, paper, text):
            reasons.setdefault((reason.kind, normalisation.fold(reason.text)), reason)
    return tuple(reasons.values())
