"""The other forms of an alert's words, by the glossary: exactly those that a look-up of the words shows. Pure."""

from __future__ import annotations

from bot.services.search import query_expansion
from bot.text.glossary.model import expansion
from bot.text.glossary.resolution import resolver
from storage import models

MAX_FORMS = 20
"""Added forms of a term at most."""


def list_forms(glossary: resolver.Glossary, alert: models.Alert) -> models.AlertForms:
    """Return for each term the forms that match too, each with its context; none without the switch, or of a name."""
    return tuple(
        _term_forms(glossary, term.text)
        if alert.translations and term.kind is models.AlertKind.KEYWORD
        else ()
        for term in alert.terms
    )


def _term_forms(glossary: resolver.Glossary, text: str) -> tuple[tuple[str, ...], ...]:
    expanded = query_expansion.expand(glossary, text)
    # Forms of a part of the words alone would match papers about that part.
    wholes = (*(expanded.segments if len(expanded.segments) == 1 else ()), *expanded.composed)
    shown = query_expansion.added_forms(expansion.Expansion(expanded.text, wholes))
    context_of = {form.text: form.context for whole in wholes for form in whole.forms}
    return tuple((form, *context_of.get(form, ())) for form in shown[:MAX_FORMS])
