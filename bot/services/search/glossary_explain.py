"""Explains the glossary: the concepts that a term names, their forms, what speaks for each and how many papers hold it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.services.search import index_query
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import resolver
from storage.database import Connection
from storage.search import index

_COUNT_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class FormEvidence:
    """One writing. `explained` papers gloss it so, `papers` hold it; `seeded`: the starting list says it too."""

    text: str
    language: str
    explained: int
    papers: int
    seeded: bool
    share: float
    alias: bool
    searched: bool


@dataclass(frozen=True, slots=True)
class ConceptEvidence:
    """A concept, named by its English key, and its forms, the usual ones first."""

    key: str
    forms: tuple[FormEvidence, ...]


async def explain_term(
    connection: Connection, glossary: resolver.Glossary, term: str
) -> tuple[ConceptEvidence, ...]:
    """Return what is known of a term, the best supported concept first; nothing for a term of no concept."""
    return tuple(
        [
            ConceptEvidence(one.key, tuple([await _form_evidence(connection, form) for form in one.forms]))
            for one in glossary.find_concepts(term[:200])
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
    question = index_query.from_text(text)
    if question is None:
        return 0
    return await index.count_matches(connection, question.anywhere, limit=_COUNT_LIMIT)
