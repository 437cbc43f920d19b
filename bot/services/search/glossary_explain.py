"""Evidence of the glossary: the concepts that a term names, their forms, and the papers that support each form."""

from __future__ import annotations

from bot.services.search import index_query
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import resolver
from storage.database import Connection
from storage.search import index

_COUNT_LIMIT = 100_000
_MAX_TERM_LENGTH = 200
_MIN_SUSPICIOUS_PAPERS = 15
_SUSPICIOUS_SHARE = 0.2
"""Share of a form's papers with another form of the term, below which a person should look at it."""


FormEvidence = tuple[concepts.SurfaceForm, int]
"""A form of a concept, and the number of papers that contain it."""


TermEvidence = tuple[list[tuple[str, list[FormEvidence]]], list[str]]
"""The concepts that a term names, by English key, and the terms that it is short for, if they are several."""


async def explain_term(connection: Connection, glossary: resolver.Glossary, term: str) -> TermEvidence:
    """Return the concepts that a term names, the best supported first, each with its forms, and the term's senses."""
    text = term[:_MAX_TERM_LENGTH]
    concepts_of_term = [
        (concept.key, [(form, await _count_papers(connection, form.text)) for form in concept.forms])
        for concept in glossary.find_concepts(text)
    ]
    return concepts_of_term, glossary.list_senses(text)


def list_suspicious_forms(glossary: resolver.Glossary) -> list[tuple[str, concepts.SurfaceForm]]:
    """Return the Korean forms that few of their papers confirm, with the main English form, the weakest first."""
    weak = [
        (concept.usual_form("en") or concept.key, form)
        for concept in glossary.all_concepts()
        for form in concept.forms_in("ko")
        if not form.is_alias
        and form.found >= _MIN_SUSPICIOUS_PAPERS
        and form.confirmed < _SUSPICIOUS_SHARE * form.found
    ]
    return sorted(weak, key=lambda pair: (pair[1].confirmed / pair[1].found, -pair[1].found, pair[1].text))


async def _count_papers(connection: Connection, text: str) -> int:
    query = index_query.from_text(text)
    return 0 if query is None else await index.count_matches(connection, query.anywhere, limit=_COUNT_LIMIT)
