"""The summary of an entry as readers may see it, and what it was written from: the one accessor outside parsing and exports.

Both are computed from the stored text, so that what was stored before these rules existed needs no second reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from bot.digests.elements import empty_statements, language, summary_basis, writer_labels
from bot.digests.elements.summary_basis import Basis
from storage import models

_LABELS = frozenset(label.lower() for label in summary_basis.NEWSLETTER_LABELS)
_FULL_TEXT_SINCE = date(2024, 6, 10)
"""Until then the newsletter's highlights were written from the abstract, without labels (its pipeline's history)."""


def shown_sections(entry: models.Entry) -> tuple[models.Section, ...]:
    """The sections without empty statements and labels of the basis; none for a refusal or an invention."""
    if entry.summary_missing or not entry.sections or summary_basis.find_basis(entry.sections) is Basis.NONE:
        return ()
    return empty_statements.drop_empty_statements(writer_labels.drop_labels(entry.sections))


def find_basis(digest_format: models.DigestFormat, day: date, entry: models.Entry) -> Basis | None:
    """What the summary of an entry of this day was written from; None if that is unknown."""
    if entry.summary_missing or not shown_sections(entry):
        return Basis.NONE
    labelled = writer_labels.find_basis(entry.sections) or summary_basis.find_basis(entry.sections)
    return labelled or FORMAT_BASIS[digest_format](day, entry)


def find_appearance_basis(appearance: models.Appearance) -> Basis | None:
    """What the summary of a stored entry was written from. Paperround's writer labels all but the whole paper."""
    basis = find_basis(appearance.format, appearance.date, appearance.entry)
    return Basis.PAPER if basis is None and appearance.writer is not None else basis


def find_language(appearance: models.Appearance) -> str:
    """The language of the summary of an entry, which may differ from that of its digest."""
    return language.detect_section_language(appearance.entry.sections) or appearance.language


def is_newsletter_label(heading: str | None) -> bool:
    """Whether a heading is one of the newsletter's three."""
    return heading is not None and _normalise_label(heading) in _LABELS


def label_name(heading: str) -> str:
    """The name of one of the newsletter's headings, such as `technical-details`."""
    return _normalise_label(heading).replace("'", "").replace(" ", "-")


def _normalise_label(heading: str) -> str:
    return heading.strip("* :").lower().replace("’", "'")


def _newsletter_basis(day: date, entry: models.Entry) -> Basis | None:
    if any(is_newsletter_label(section.heading) for section in entry.sections):
        return Basis.PAPER
    return Basis.ABSTRACT if day < _FULL_TEXT_SINCE else None


def _abstract_basis(day: date, entry: models.Entry) -> Basis | None:
    """Hugging Face's summaries are written from the abstract."""
    return Basis.ABSTRACT


def _unknown_basis(day: date, entry: models.Entry) -> Basis | None:
    """Unless its text says so: a review was written from an address, by a model with a web search."""
    return None


FORMAT_BASIS: Mapping[models.DigestFormat, Callable[[date, models.Entry], Basis | None]] = {
    models.DigestFormat.NEWSLETTER: _newsletter_basis,
    models.DigestFormat.REVIEW: _unknown_basis,
    models.DigestFormat.LISTING: _abstract_basis,
}
"""By format, what its texts are written from where they do not say so themselves."""
