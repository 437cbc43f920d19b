"""The papers, co-authors and topics of an author. Names are matched by `author_matching`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bot.services.indexing import glossary_service
from bot.services.search import author_matching, korean_names
from bot.services.search.results import AuthorResult, Sort, votes_descending
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import resolver
from bot.text.people import names
from bot.time_slices import TimeSlices
from storage import authors, models, papers
from storage.database import Connection
from storage.search import index

MAX_COAUTHORS = 8
MAX_TOPICS = 5
_MIN_TITLES = 2
"""Titles that have a single word, such as quantization but not background, before it counts as a topic."""
MAX_TOPIC_PAPERS = 60
"""Papers of an author, the last stored, that topics are read from."""


async def find_author(
    connection: Connection,
    glossary: resolver.Glossary,
    name: str,
    *,
    sort: Sort,
    filters: index.Filters,
    locale: models.Locale = models.Locale.EN,
) -> AuthorResult:
    """Return all papers of the author whose name matches best, with co-authors, topics and the other matching names.

    If several people may be meant, by a Hangul name or by one word of their names, the papers are those of all.
    """
    matches = await author_matching.find_authors(connection, name)
    if not matches:
        return AuthorResult()
    best = matches[0]
    namesakes = korean_names.list_namesakes(matches, name) or _list_bearers(matches, name)
    paper_ids = await authors.list_paper_ids(connection, [author.id for author in namesakes or [best]])
    rows = await papers.list_rows(connection, paper_ids)
    allowed = [row for row in rows if filters.allow(row.date, row.votes)]
    coauthors = await authors.list_coauthors(connection, best.id, limit=MAX_COAUTHORS)
    is_one = len(namesakes) < 2
    variants_by_id = await authors.list_name_variants(connection, [author.id for author in matches])
    variants = variants_by_id.get(best.id, [])
    shown = [display_name(author, variants_by_id.get(author.id, ())) for author in matches]
    people = {author.id: name for author, name in zip(matches, shown, strict=True)}
    indexed = await index.list_by_paper_ids(connection, sorted(paper_ids)[-MAX_TOPIC_PAPERS:])
    return AuthorResult(
        rows=tuple(sort_rows(allowed, sort)),
        total=len(allowed),
        author=shown[0],
        matches=tuple(shown),
        name_variants=tuple(variants),
        coauthors=tuple(author.name for author, _ in coauthors) if is_one else (),
        topics=await _list_topics(glossary, indexed.values(), locale) if is_one else (),
        namesakes=() if is_one else tuple(people[author.id] for author in namesakes),
        is_corrected=author_matching.is_correction(name, best) and not namesakes,
    )


def _list_bearers(matches: Sequence[models.Author], name: str) -> list[models.Author]:
    """Return the authors one of whose names is the only word of a name; none if it is a whole name."""
    words = names.name_tokens(name)
    named = [(author, names.name_tokens(author.name)) for author in matches]
    if len(words) != 1 or any(tokens == words for _, tokens in named):
        return []
    return [author for author, tokens in named if words[0] in tokens]


def display_name(author: models.Author, variants: Sequence[str]) -> str:
    """Return the most frequent spelling of a name; one with diacritics if there is one, since it says more."""
    accented = [variant for variant in variants if not variant.isascii()]
    return next(iter((*accented, *variants)), author.name)


async def _list_topics(
    glossary: resolver.Glossary, rows: Iterable[index.IndexRow], locale: models.Locale
) -> tuple[str, ...]:
    """Return the concepts that most of these papers explain in parentheses, by their usual forms in a language."""
    counts, support, slices = Counter[str](), dict[str, int](), TimeSlices()
    for row in rows:
        explained = (_explained_concept(glossary, mention) for mention in row.texts.mentions)
        by_key = {concept.key: concept for concept in explained if concept is not None}
        for concept in by_key.values():
            name = _concept_name(concept, locale)
            counts[name] += 1
            support[name] = sum(form.papers for form in concept.forms)
        await slices.pause()
    # What other papers explain too says more; then the name decides, since the order of a set varies between runs.
    ranked = sorted(counts, key=lambda topic: (-counts[topic], -support[topic], topic))
    return tuple(ranked[:MAX_TOPICS])


def _explained_concept(glossary: resolver.Glossary, mention: str) -> concepts.Concept | None:
    """Return the concept that a mention explains; None for a word of no title, and for an ambiguous abbreviation."""
    term = next(iter(glossary_service.mention_terms(mention)), "")
    found = glossary.find_concepts(term)
    if not found or (len(found) > 1 and term.isupper()):
        return None
    concept = found[0]
    is_term = " " in term or "-" in term or bool(concept.forms_in("abbr"))
    _, in_titles = glossary.title_statistics
    return concept if is_term or in_titles.get(concept.key, 0) >= _MIN_TITLES else None


def _concept_name(concept: concepts.Concept, locale: models.Locale) -> str:
    """Return a concept's usual form in the reader's language, else in English."""
    korean = concept.usual_form("ko") if locale is models.Locale.KO else ""
    return korean or concept.usual_form("en") or concept.key


async def list_paper_ids(connection: Connection, name: str) -> frozenset[int]:
    """Return the papers of all authors whose names match."""
    matches = await author_matching.find_authors(connection, name)
    return frozenset(await authors.list_paper_ids(connection, [author.id for author in matches]))


def sort_rows(rows: Sequence[models.PaperRow], sort: Sort) -> list[models.PaperRow]:
    """Return papers newest first by date, or top-voted first with unknown votes last by any other order."""
    newest = sorted(rows, key=lambda row: (row.date, row.id), reverse=True)
    return newest if sort is Sort.DATE else sorted(newest, key=votes_descending)
