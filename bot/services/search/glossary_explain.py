"""Evidence of the glossary: the concepts that a term names, their forms, and the papers that support each form."""

from __future__ import annotations

from dataclasses import dataclass

from bot.services.search import index_query
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import resolver
from storage.database import Connection
from storage.search import index

_COUNT_LIMIT = 100_000
_MAX_TERM_LENGTH = 200


@dataclass(frozen=True, slots=True)
class FormEvidence:
    """A form of a concept: `explained` papers define it, `papers` contain it, `seeded`: the seed list has it."""

    text: str
    language: str
    explained: int
    papers: int
    seeded: bool
    share: float
    alias: bool
    searched: bool


async def explain_term(
    connection: Connection, glossary: resolver.Glossary, term: str
) -> tuple[tuple[str, list[FormEvidence]], ...]:
    """Return the concepts that a term names, the best supported first: English key and forms, the most usual first."""
    return tuple(
        [
            (concept.key, [await _form_evidence(connection, form) for form in concept.forms])
            for concept in glossary.find_concepts(term[:_MAX_TERM_LENGTH])
        ]
    )


async def _form_evidence(connection: Connection, form: concepts.SurfaceForm) -> FormEvidence:
    return FormEvidence(
        text=form.text,
        language=form.language,
        explained=form.papers,
        papers=await _count_papers(connection, form.text),
        seeded=form.seeded,
        share=form.share,
        alias=form.is_alias,
        searched=form.expands and not form.is_alias,
    )


async def _count_papers(connection: Connection, text: str) -> int:
    query = index_query.from_text(text)
    return 0 if query is None else await index.count_matches(connection, query.anywhere, limit=_COUNT_LIMIT)
