"""Answers what a person wrote, with whom and on what. Whom a name means is `author_matching`'s."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from bot.services.search import author_matching, glossary_service
from bot.services.search import results as found
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import resolver
from storage import authors, models, papers
from storage.database import Connection
from storage.search import index

MAX_COAUTHORS = 8
MAX_TOPICS = 5
MAX_TOPIC_PAPERS = 60
"""Papers of a person, the last stored, that topics are read from."""


async def find_author(
    connection: Connection,
    glossary: resolver.Glossary,
    name: str,
    *,
    sort: str,
    since: date | None,
    min_votes: int | None,
    limit: int,
    offset: int,
    locale: models.Locale = models.Locale.EN,
) -> found.AuthorResult:
    """Return a page of the papers of the person who fits best, with co-authors and the other matches."""
    people = await author_matching.find_authors(connection, name)
    if not people:
        return found.AuthorResult()
    best = people[0]
    ids = await authors.list_paper_ids(connection, [best.id])
    rows = filter_rows(await papers.list_rows(connection, ids), since, None, min_votes or 0)
    coauthors = await authors.list_coauthors(connection, best.id, limit=MAX_COAUTHORS)
    forms = await authors.list_name_variants(connection, best.id)
    shown = _display_name(best, forms)
    return found.AuthorResult(
        author=shown,
        matches=(shown, *(one.name for one in people[1:])),
        name_variants=tuple(forms),
        rows=tuple(sort_rows(rows, sort)[offset : offset + limit]),
        total=len(rows),
        coauthors=tuple(one.name for one, _ in coauthors),
        topics=_topics(
            glossary, await index.list_by_paper_ids(connection, sorted(ids)[-MAX_TOPIC_PAPERS:]), locale
        ),
    )


def _display_name(person: models.Author, forms: Sequence[str]) -> str:
    """Return how a name is written most often; with its accents where any paper has them, since they tell more."""
    accented = [form for form in forms if not form.isascii()]
    return next(iter((*accented, *forms)), person.name)


def _topics(
    glossary: resolver.Glossary, texts: Mapping[int, index.IndexRow], locale: models.Locale
) -> tuple[str, ...]:
    """Return the terms that most of these papers explain in parentheses, by their usual names in a language."""
    counts: Counter[str] = Counter()
    for paper in texts.values():
        terms = {part for mention in paper.texts.mentions for part in glossary_service.mention_terms(mention)}
        found = {concept.key: concept for term in terms for concept in glossary.find_concepts(term)[:1]}
        counts.update(_concept_name(concept, locale) for concept in found.values())
    # Of equals the first by name, since sets and tables have no order that holds.
    return tuple(sorted(counts, key=lambda topic: (-counts[topic], topic))[:MAX_TOPICS])


def _concept_name(concept: concepts.Concept, locale: models.Locale) -> str:
    """Return a concept's name: in the reader's language if more than one paper has it so, else in English."""
    own = (
        form
        for form in concept.forms_in(locale.value)
        if not form.is_alias and (form.seeded or form.papers > 1)
    )
    names = own if locale is not models.Locale.EN else iter(())
    english = (form.text for form in concept.forms_in("en"))
    return next((form.text for form in names), None) or next(english, concept.key)


async def list_paper_ids(connection: Connection, name: str) -> frozenset[int]:
    """Return the papers of everybody whom a name may mean."""
    people = await author_matching.find_authors(connection, name)
    if not people:
        return frozenset()
    return frozenset(await authors.list_paper_ids(connection, [one.id for one in people]))


def filter_rows(
    rows: Iterable[models.PaperRow], since: date | None, until: date | None, min_votes: int
) -> list[models.PaperRow]:
    """Return the papers of a period that have votes enough; unknown votes meet no minimum above 0."""
    return [
        row
        for row in rows
        if (since is None or row.date >= since)
        and (until is None or row.date <= until)
        and (min_votes <= 0 or (row.votes or 0) >= min_votes)
    ]


def sort_rows(rows: Sequence[models.PaperRow], sort: str) -> list[models.PaperRow]:
    """Return papers newest first, or top-voted first with unknown votes last."""
    newest = sorted(rows, key=lambda row: (row.date, row.id), reverse=True)
    if sort == "date":
        return newest
    return sorted(newest, key=lambda row: (row.votes is None, -(row.votes or 0)))
