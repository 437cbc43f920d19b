"""Commands that search the archive as the bot does: `search`, `author` and `paper`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer.core

from bot.cli import shell

if TYPE_CHECKING:
    from bot.search import results as search_results
    from bot.search.lookup import LookUp
    from bot.search.service import SearchService
    from bot.text import questions
    from storage import models
    from storage.database import Database
    from storage.snapshot import Snapshot

_NOTHING = "Nothing found."
_UNKNOWN_AUTHOR = "No author is called {name!r}. Try another spelling, or only the family name."
_CORRECTED_AUTHOR = "No author is called {name!r}; showing the closest name, {author}."
_MAX_NAMES = 5
_NO_QUERY = "Give a query (words, a question or an arXiv ID) or a filter such as --author or --since."
EMPTY_ARCHIVE = (
    "The archive has no papers yet. Add some with `paperround sources fetch` or `paperround ingest`."
)
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="Maximum number of papers.")]


class _SearchCommand(typer.core.TyperCommand):
    """A command that takes `--json=full` for `--json-full`: a flag of the parser takes no value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments."""
        end = args.index("--") if "--" in args else len(args)
        options = ["--json-full" if argument == "--json=full" else argument for argument in args[:end]]
        return super().parse_args(ctx, [*options, *args[end:]])


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("search", cls=_SearchCommand)(search)
    app.command("author")(author)
    app.command("paper")(paper)


def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY]",
            help='Words in Korean or English, with "a phrase", -word, author:, since:, until: and votes: if needed.'
            " Put -- before a query that begins with -.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--author", metavar="NAME", help="Only this author's papers.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="From this date on.")] = None,
    min_votes: Annotated[int, typer.Option("--min-votes", min=0, max=1_000_000, help="Minimum votes.")] = 0,
    limit: Limit = 20,
    explain: Annotated[bool, typer.Option("--explain", help="Show the components of each score.")] = False,
    literal: Annotated[
        bool, typer.Option("--literal", help="Exact words only: no other forms, no spelling correction.")
    ] = False,
    as_json: shell.AsJson = False,
    full_json: Annotated[
        bool,
        typer.Option(
            "--json-full",
            help="Print JSON with the total, corrections and meanings too, not only the papers; same as --json=full.",
        ),
    ] = False,
) -> None:
    """Find papers on a topic, best first. A filter works without a query too."""
    from storage import errors

    first = None if since is None else shell.parse_date(since)
    if not ("".join(query or ()).strip() or name or since or min_votes):
        raise errors.UsageError(_NO_QUERY)

    def look_up(view: Snapshot) -> tuple[search_results.SearchResult, str, str]:
        from bot.search.results import SearchRequest

        request = SearchRequest(
            " ".join(query or ()),
            author=name or "",
            since=first,
            min_votes=min_votes or None,
            limit=limit,
            explain=explain,
            literal=literal,
        )
        lookup = _create_lookup()
        result = lookup.search(view, request)
        if not name:
            return result, "" if result.rows else _explain_nothing(view, _NOTHING), ""
        named = lookup.find_author(view, name, limit=1)
        empty = _explain_nothing(view, _NOTHING if named.author else _UNKNOWN_AUTHOR.format(name=name))
        corrected = _CORRECTED_AUTHOR.format(name=name, author=named.author) if named.is_corrected else ""
        return result, "" if result.rows else empty, corrected

    result, empty, corrected = shell.run_on_snapshot(look_up)
    if corrected:
        shell.error(corrected)
    if full_json:
        shell.print_json(answer_to_dict(result))
    else:
        print_papers(
            result.rows, as_json, empty=empty, explanations=result.explanations, missing=result.missing
        )
    # Next to JSON too: an ignored part of the query would go unnoticed otherwise.
    for line in _warnings(result) if as_json or full_json else _notes(result):
        shell.error(line)


def _create_lookup() -> LookUp:
    from bot.search.glossary import GlossaryReader
    from bot.search.lookup import LookUp

    return LookUp(GlossaryReader().read_current, everyday=load_everyday())


def load_everyday() -> questions.Everyday:
    """Return the everyday words with the operator's; what is wrong with the file is said on stderr."""
    from bot.text import questions

    everyday, problems = questions.load_everyday(shell.load_settings().everyday_words)
    for problem in problems:
        shell.error(problem)
    return everyday


def _explain_nothing(view: Snapshot, sentence: str) -> str:
    """Return the sentence for a search without results: that the archive is empty, if it is."""
    from storage import search as stored

    return sentence if stored.count_top(view) else EMPTY_ARCHIVE


def answer_to_dict(result: search_results.SearchResult) -> dict[str, Any]:
    """Return the whole answer to a search as JSON. Each paper says which terms it lacks."""
    return {
        **shell.pick(result, "total total_is_exact complete"),
        "partial": result.is_partial,
        "also": list(result.added_forms),
        **shell.pick(result, "corrected meanings period"),
        "from": list(result.writers),
        **shell.pick(result, "suggestions"),
        "papers": [
            {**_explained(row, result.explanations), "missing": list(result.missing.get(row.arxiv_id, ()))}
            for row in result.rows
        ],
    }


def _explained(row: models.PaperRow, explanations: Mapping[str, dict[str, float]]) -> dict[str, Any]:
    return to_dict(row) | ({"explain": explanations.get(row.arxiv_id)} if explanations else {})


def author(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name's parts in any order, with or without diacritics.")
    ],
    limit: Limit = 20,
    as_json: shell.AsJson = False,
) -> None:
    """Find an author's papers, sorted by votes."""
    from storage import errors

    if not name.strip():
        raise errors.UsageError("NAME is an empty string. Give an author's name.")

    def look_up(view: Snapshot) -> tuple[search_results.AuthorResult, str]:
        found = _create_lookup().find_author(view, name, limit=limit)
        unknown = _UNKNOWN_AUTHOR.format(name=name)
        return found, "" if found.author else _explain_nothing(view, unknown)

    result, empty = shell.run_on_snapshot(look_up)
    if as_json:
        shell.print_json(author_to_dict(result))
        return
    print_papers(result.rows, False, empty=empty)
    if result.is_corrected:
        shell.error(_CORRECTED_AUTHOR.format(name=name, author=result.author))
    if result.namesakes:
        shell.error(f"Papers by several people with this name: {_name_some(result.namesakes)}")
    elif len(result.matches) > 1:
        shell.error(f"{result.author}; other matches: {_name_some(result.matches[1:])}")


def _name_some(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more


def author_to_dict(result: search_results.AuthorResult) -> dict[str, Any]:
    """Return an author's papers as JSON."""
    return {
        **shell.pick(result, "author matches namesakes"),
        "forms": list(result.name_variants),
        "corrected": result.is_corrected,
        "papers": [to_dict(row) for row in result.rows],
    }


def paper(
    paper_id: Annotated[
        str, typer.Argument(metavar="PAPER", help="An arXiv ID, a link to the paper, or a part of its title.")
    ],
    as_json: shell.AsJson = False,
) -> None:
    """Show everything known about a paper."""

    async def find(service: SearchService) -> tuple[models.PaperDetail | None, dict[int, str]]:
        detail = await service.find_paper(paper_id)
        return detail, await service.list_sources(detail) if detail else {}

    detail, sources = shell.run_with_service(create_search, find)
    if as_json:
        shell.print_json(None if detail is None else detail_to_dict(detail, sources))
    elif detail is None:
        shell.error(
            f"The archive has no paper {paper_id!r}. `paperround search WORDS` finds papers by title."
        )
    else:
        _print_detail(detail)
    sys.exit(1 if detail is None else 0)


def to_dict(row: models.PaperRow) -> dict[str, Any]:
    """Return a row of a paper list as JSON."""
    return shell.pick(row, "arxiv_id title date votes authors score")


def detail_to_dict(detail: models.PaperDetail, sources: Mapping[int, str]) -> dict[str, Any]:
    """Return the details of a paper as JSON, with the `sources` of its digests by id."""
    from bot.archive import summaries
    from storage import models

    return {
        **shell.pick(
            detail, "arxiv_id title url first_on votes votes_read_at authors authors_truncated abstract"
        ),
        **shell.pick(
            detail, "thumbnail video media venue model_url code_url project_url keywords categories"
        ),
        "in_digest": detail.is_listed,
        "date": detail.last_on.isoformat(),
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
                "summary_missing": summaries.misses_summary(appearance),
            }
            for appearance in detail.appearances
        ],
        "summaries": [
            {
                "format": appearance.format.value,
                "language": summaries.find_language(appearance),
                "basis": basis and basis.value,
                "source": sources.get(appearance.digest_id),
                "date": appearance.date.isoformat(),
                "shown": bool(summaries.shown_sections(appearance.entry)),
            }
            for appearance in detail.appearances
            if appearance.format is not models.DigestFormat.LOOKUP
            for basis in (summaries.find_appearance_basis(appearance),)
        ],
    }


def print_papers(
    rows: Sequence[models.PaperRow],
    as_json: bool,
    *,
    empty: str,
    explanations: Mapping[str, dict[str, float]] = MappingProxyType({}),
    missing: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Print papers as JSON or as a table."""
    if as_json:
        shell.print_json([_explained(row, explanations) for row in rows])
        return
    table = [
        [row.arxiv_id, row.date, row.votes, row.title, ", ".join(row.authors[:3])]
        + ([", ".join(missing.get(row.arxiv_id, ()))] if missing else [])
        + (
            [
                ", ".join(
                    f"{name} {value:g}" for name, value in explanations.get(row.arxiv_id, {}).items() if value
                )
            ]
            if explanations
            else []
        )
        for row in rows
    ]
    columns = ["id", "date", "votes", "title", "authors"]
    columns += [*(["missing"] if missing else []), *(["score"] if explanations else [])]
    shell.print_table(columns, table, empty=empty)


def _warnings(result: search_results.SearchResult) -> list[str]:
    from bot.text import query_parser

    left_out, forms = ", ".join(result.ignored), ", ".join(query_parser.list_accepted_forms(result.ignored))
    left_out += f" (use {forms})" if forms else ""
    corrected = ", ".join(f"{typed} → {meant}" for typed, meant in result.corrected)
    return [
        *([f"Not understood and ignored: {left_out}"] if result.ignored else []),
        *([f"Corrected: {corrected}; --literal searches as typed."] if result.corrected else []),
        *(
            [f"The archive has no paper {result.unknown_id}. Search for words from its title."]
            if result.unknown_id
            else []
        ),
    ]


def _notes(result: search_results.SearchResult) -> list[str]:
    notes = _warnings(result)
    writers = f"from {', '.join(result.writers)}" if result.writers else ""
    searched = " · ".join(filter(None, (result.period, writers, *result.terms)))
    if result.explanations:
        notes.append(f"Read as: {searched}")
    elif result.is_shortened or result.period or result.writers:
        notes.append(f"Searched for: {searched}")
    if result.meanings:
        notes.append(f"The query has several meanings: {', '.join(result.meanings)}")
    if result.added_forms:
        notes.append(f"Also searched for: {', '.join(result.added_forms)}")
    if result.is_inside:
        notes.append("Found only inside longer words.")
    if result.is_partial and not result.complete:
        notes.append("No paper matches the whole query; these match parts of it.")
    elif result.is_partial:
        full = f"{result.complete} paper{'s match' if result.complete > 1 else ' matches'} the whole query"
        notes.append(f"{full}; the others match parts of it.")
    suggestions = [text for text in result.suggestions if not result.rows or text not in result.terms]
    if suggestions:
        notes.append(f"Did you mean: {', '.join(suggestions)}")
    if result.total > len(result.rows):
        notes.append(f"{result.total}{'' if result.total_is_exact else '+'} in all; --limit shows more.")
    return notes


def _print_detail(detail: models.PaperDetail) -> None:
    from bot.archive import summaries
    from storage import models

    votes = "unknown" if detail.votes is None else detail.votes
    shell.echo(f"{detail.arxiv_id}  {detail.title or '(no title)'}")
    days = dict.fromkeys((str(detail.first_on), str(detail.last_on)))
    listed = f"in digests: {' to '.join(days)}" if detail.is_listed else "not in a digest"
    shell.echo(f"{detail.url}\nvotes: {votes}   {listed}")
    authors = ", ".join(detail.authors) or "unknown"
    shell.echo(f"authors: {authors}{' …' if detail.authors_truncated else ''}")
    links = ("accepted at", detail.venue), ("code", detail.code_url), ("model", detail.model_url)
    for label, value in (*links, *(("media", address) for address in detail.media)):
        if value:
            shell.echo(f"{label}: {value}")
    locale = shell.load_settings().locale
    for appearance in sorted(detail.appearances, key=lambda row: summaries.find_language(row) != locale):
        shell.echo(f"\n{appearance.date} ({appearance.format.value})")
        sections = summaries.shown_sections(appearance.entry)
        if summaries.misses_summary(appearance):
            shell.echo("(no summary: the text is a model's refusal, made up, or empty)")
        for section in sections:
            shell.echo(f"{section.heading}: {section.body}" if section.heading else section.body)
    best = summaries.best_summary(detail, models.Locale(locale))
    if best is not None and best.format is None:
        shell.echo(f"\nabstract: {detail.abstract}")


def create_search(database: Database) -> SearchService:
    """Return the search service of a database."""
    from bot.search.service import SearchService

    return SearchService(database, everyday=load_everyday())
