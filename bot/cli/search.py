"""Commands that search the archive as the bot does: `search`, `author`, `paper` and `glossary`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import arguments, context, output

if TYPE_CHECKING:
    from bot.services.search import results
    from bot.services.search.glossary_explain import FormEvidence
    from bot.services.search.service import SearchService
    from storage import models
    from storage.database import Database

Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many papers at most.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("search")(search)
    app.command("author")(author)
    app.command("paper")(paper)
    app.command("glossary")(glossary)


def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY]",
            help='Words, in Korean or English; in it "a phrase", -word, author:, since:, until: and votes: work.'
            " Put -- before one that begins with -.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--author", metavar="NAME", help="Only this person's papers.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="From this date on.")] = None,
    min_votes: Annotated[
        int, typer.Option("--min-votes", min=0, help="Leave out papers with fewer votes.")
    ] = 0,
    limit: Limit = 20,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each score is made of.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Find papers on a topic, best first. The query may be empty if there is a filter."""
    first = None if since is None else arguments.parse_date(since)

    async def command(service: SearchService) -> results.SearchResult:
        from bot.services.search.results import SearchRequest

        return await service.search(
            SearchRequest(
                " ".join(query or ()),
                author=name or "",
                since=first,
                min_votes=min_votes or None,
                limit=limit,
                explain=explain,
            )
        )

    result = context.run_with_service(_create_search, command)
    print_papers(result.rows, as_json, empty="Nothing found.", explanations=result.explanations)
    # Next to JSON too: an ignored part of the query would go unnoticed otherwise.
    for line in _notes(result) if not as_json else _warnings(result):
        output.error(line)


def author(
    name: Annotated[str, typer.Argument(metavar="NAME", help="In any order, with or without diacritics.")],
    limit: Limit = 20,
    as_json: output.AsJson = False,
) -> None:
    """Find a person's papers, top-voted first."""
    result = context.run_with_service(_create_search, lambda service: service.find_author(name, limit=limit))
    if as_json:
        output.print_json(
            {
                "author": result.author,
                "matches": list(result.matches),
                "forms": list(result.name_variants),
                "papers": [to_dict(row) for row in result.rows],
            }
        )
        return
    print_papers(result.rows, False, empty=f"Nobody of the name {name!r} is known.")
    if len(result.matches) > 1:
        output.error(f"{result.author}; other matches: {', '.join(result.matches[1:6])}")


def paper(
    paper_id: Annotated[
        str, typer.Argument(metavar="ID", help="An arXiv id, or an address at arXiv or Hugging Face.")
    ],
    as_json: output.AsJson = False,
) -> None:
    """Show all that is known of one paper."""

    async def find(service: SearchService) -> tuple[models.PaperDetail | None, dict[int, str]]:
        detail = await service.find_paper(paper_id)
        return detail, await service.list_sources(detail) if detail else {}

    detail, sources = context.run_with_service(_create_search, find)
    if as_json:
        output.print_json(None if detail is None else detail_to_dict(detail, sources))
    elif detail is None:
        output.error(f"There is no paper {paper_id!r} in the archive.")
    else:
        _print_detail(detail)
    sys.exit(1 if detail is None else 0)


def glossary(
    term: Annotated[
        str, typer.Argument(metavar="TERM", help="A term in Korean or English, or an abbreviation.")
    ],
    as_json: output.AsJson = False,
) -> None:
    """Show the forms of a term, what speaks for them, and how many papers each has."""
    from dataclasses import asdict

    concepts = context.run_with_service(_create_search, lambda service: service.explain_term(term))
    if as_json:
        data = [{"key": key, "forms": [asdict(form) for form in forms]} for key, forms in concepts]
        output.print_json({"term": term, "concepts": data})
        return
    columns = ("concept", "form", "language", "explained in", "papers", "from")
    rows = [
        (key, form.text, form.language, form.explained, form.papers, _origin(form))
        for key, forms in concepts
        for form in forms
    ]
    output.print_table(columns, rows, empty=f"{term!r} is in no concept; it is searched for as it is.")


def _origin(form: FormEvidence) -> str:
    origins = [*(["digests"] if form.explained else []), *(["starting list"] if form.seeded else [])]
    return ", ".join(origins) + ("" if form.searched else "; asked for, not searched for")


def to_dict(row: models.PaperRow) -> dict[str, Any]:
    """Return a row of a paper list as JSON."""
    return {
        "arxiv_id": row.arxiv_id,
        "title": row.title,
        "date": row.date.isoformat(),
        "votes": row.votes,
        "authors": list(row.authors),
        "score": row.score,
    }


def detail_to_dict(detail: models.PaperDetail, sources: Mapping[int, str]) -> dict[str, Any]:
    """Return the details of a paper as JSON, with the `sources` of its digests by id."""
    from bot.digests.elements import shown_summary

    return {
        "arxiv_id": detail.arxiv_id,
        "title": detail.title,
        "url": detail.url,
        "date": detail.last_on.isoformat(),
        "first_on": detail.first_on.isoformat(),
        "votes": detail.votes,
        "votes_read_at": None if detail.votes_read_at is None else detail.votes_read_at.isoformat(),
        "authors": list(detail.authors),
        "authors_truncated": detail.authors_truncated,
        "abstract": detail.abstract,
        "thumbnail": detail.thumbnail,
        "video": detail.video,
        "code_url": detail.code_url,
        "project_url": detail.project_url,
        "keywords": list(detail.keywords),
        "categories": list(detail.categories),
        "digests": [
            {
                "date": appearance.date.isoformat(),
                "format": appearance.format.value,
                "language": appearance.language,
                "rank": appearance.entry.rank,
                "votes": appearance.entry.votes,
                "sections": [
                    {"heading": section.heading, "body": section.body}
                    for section in appearance.entry.sections
                ],
                "summary_missing": not shown_summary.shown_sections(appearance.entry),
            }
            for appearance in detail.appearances
        ],
        "summaries": [
            _summary_to_dict(appearance, sources.get(appearance.digest_id))
            for appearance in detail.appearances
        ],
    }


def _summary_to_dict(appearance: models.Appearance, source: str | None) -> dict[str, Any]:
    from bot.digests.elements import shown_summary

    basis = shown_summary.find_basis(appearance.format, appearance.date, appearance.entry)
    return {
        "format": appearance.format.value,
        "language": shown_summary.find_language(appearance),
        "basis": None if basis is None else basis.value,
        "source": source,
        "date": appearance.date.isoformat(),
        "shown": bool(shown_summary.shown_sections(appearance.entry)),
    }


def print_papers(
    rows: Sequence[models.PaperRow],
    as_json: bool,
    *,
    empty: str,
    explanations: dict[str, dict[str, float]] | None = None,
) -> None:
    """Print papers as JSON or as a table."""
    if as_json:
        data = [to_dict(row) for row in rows]
        for paper_data in data if explanations else ():
            paper_data["explain"] = (explanations or {}).get(paper_data["arxiv_id"])
        output.print_json(data)
        return
    table = [
        [row.arxiv_id, row.date, row.votes, row.title, ", ".join(row.authors[:3])]
        + ([_format_score(explanations.get(row.arxiv_id))] if explanations else [])
        for row in rows
    ]
    columns = ["id", "date", "votes", "title", "authors", *(["score"] if explanations else [])]
    output.print_table(columns, table, empty=empty)


def _format_score(parts: dict[str, float] | None) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in (parts or {}).items() if value)


def _warnings(result: results.SearchResult) -> list[str]:
    left_out = ", ".join(result.ignored)
    return [f"Could not be used and was left out: {left_out}"] if result.ignored else []


def _notes(result: results.SearchResult) -> list[str]:
    notes = _warnings(result)
    if result.added_forms:
        notes.append(f"also: {', '.join(result.added_forms)}")
    if result.is_partial:
        notes.append("Few papers have all of the words, so some of these have only most of them.")
    if result.suggestions:
        notes.append(f"Perhaps: {', '.join(result.suggestions)}")
    if result.total > len(result.rows):
        notes.append(f"{result.total} in all; --limit shows more.")
    return notes


def _print_detail(detail: models.PaperDetail) -> None:
    from bot.digests.elements import shown_summary

    votes = "unknown" if detail.votes is None else detail.votes
    output.echo(f"{detail.arxiv_id}  {detail.title or '(no title)'}")
    output.echo(f"{detail.url}\nvotes: {votes}   in digests: {detail.first_on} to {detail.last_on}")
    output.echo(f"authors: {', '.join(detail.authors)}{' …' if detail.authors_truncated else ''}")
    for appearance in detail.appearances:
        output.echo(f"\n{appearance.date} ({appearance.format.value})")
        sections = shown_summary.shown_sections(appearance.entry)
        if not sections:
            output.echo("(no summary: its text is a refusal, invented, or empty)")
        for section in sections:
            output.echo(f"{section.heading}: {section.body}" if section.heading else section.body)


def _create_search(database: Database) -> SearchService:
    from bot.services.search.service import SearchService

    return SearchService(database)
