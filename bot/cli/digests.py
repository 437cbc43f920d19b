"""Commands that read and write digests: `parse`, `ingest`, `digest` and `export`."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import arguments, context, output

if TYPE_CHECKING:
    from datetime import date

    from bot.services.ingest.files import TextFile
    from bot.services.ingest.results import IngestResult
    from bot.services.ingest.service import IngestService
    from storage import models

Paths = Annotated[list[str], typer.Argument(metavar="PATH…", help="Files, or folders with *.md and *.txt.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("parse")(parse)
    app.command("ingest")(ingest)
    app.command("digest")(digest)
    app.command("export")(export)


def parse(
    paths: Paths,
    as_json: Annotated[
        bool, typer.Option("--json", help="Has no effect: it prints JSON Lines anyway.")
    ] = False,
) -> None:
    """Print what the digests in files say, as JSON Lines: one digest a line."""
    from bot.services.ingest import files

    problems = 0
    found = list(files.find_files(paths))
    for file in output.with_progress(found, files.read_found, "Parsing"):
        for problem in _print_file(file):
            output.error(problem)
            problems += 1
    sys.exit(1 if problems else 0)


def _print_file(file: TextFile | models.LocatedProblem) -> Iterator[str]:
    """Print the digests of one file as JSON and yield its problems as sentences."""
    from bot import errors
    from bot.digests import json_output
    from bot.digests import parse as parser
    from storage import models

    if isinstance(file, models.LocatedProblem):
        yield _format_problem(file.location, None, file.message)
        return
    try:
        digests = parser.parse_text(file.text)
    except errors.NotADigestError as error:
        yield _format_problem(file.name, None, str(error))
        return
    for parsed in digests:
        output.print_json(json_output.digest_to_json(parsed, file.name))
        for problem in parsed.problems:
            yield _format_problem(file.name, problem.line, problem.message)


def ingest(
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH…", help="Files, or folders.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Read the stored texts again with today's parser.")
    ] = False,
    as_json: output.AsJson = False,
) -> None:
    """Store the digests of files; what is stored already changes nothing."""
    from bot import errors

    if not paths and not again:
        raise errors.UsageError(
            "Name files or folders to ingest, or give --again to read the stored texts again."
        )
    result, problems = context.run_command(lambda: _ingest(paths or [], again))
    digests, papers, new = result.digests, result.papers, result.new_papers
    output.print_result(
        {
            "digests": digests,
            "papers": papers,
            "new_papers": new,
            "problems": len(problems),
            "problem_list": problems,
        },
        _count_sentence(digests, papers, new, len(problems)),
        as_json,
    )
    sys.exit(1 if problems else 0)


def _count_sentence(digests: int, papers: int, new: int, problems: int) -> str:
    """Return what an ingest brought, with the number of problems if there are any."""
    trouble = f" {problems} problem{'s' if problems != 1 else ''}, named above." if problems else ""
    if not digests:
        return f"Nothing was stored.{trouble}" if problems else "Nothing was stored: no file holds a digest."
    counts = [f"{digests} digest{'s' if digests != 1 else ''}", f"{papers} paper{'s' if papers != 1 else ''}"]
    return f"{', '.join(counts)}, {new} of them new.{trouble}"


async def _ingest(paths: list[str], again: bool) -> tuple[IngestResult, list[dict[str, Any]]]:
    """Ingest files, name their problems on stderr, and return them too, each with its file and line."""
    from bot.services.indexing import glossary_service
    from bot.services.ingest import files
    from bot.services.ingest.results import IngestResult

    total, problems = IngestResult(), list[dict[str, Any]]()
    async with context.open_container() as container:
        await container.load_mentions()
        service = container.create_ingest()
        read_files = output.with_progress(list(files.find_files(paths)), files.read_found, "Ingesting")
        streams = [service.add_files(read_files), *([_reparse_all(service)] if again else [])]
        for stream in streams:
            async with aclosing(stream):
                async for name, result in stream:
                    total += result
                    for problem in result.problems:
                        file = name or problem.location
                        output.error(_format_problem(file, problem.line, problem.message))
                        problems.append({"file": file, "line": problem.line, "message": problem.message})
        await container.alert_planner.drain()
        glossary = glossary_service.GlossaryService(container.database, container.clock)
        if await glossary.is_stale():
            await glossary.rebuild()
    return total, problems


async def _reparse_all(service: IngestService) -> AsyncGenerator[tuple[str, IngestResult], None]:
    """Yield the results with an empty file name: each problem has its location."""
    async for result in service.reparse_all():
        yield "", result


def _format_problem(location: str, line: int | None, message: str) -> str:
    return f"{location}:{line}: {message}" if line is not None else f"{location}: {message}"


def digest(
    on: Annotated[
        str | None,
        typer.Argument(metavar="DATE", help="YYYY-MM-DD, today or yesterday; the newest if not given."),
    ] = None,
    top: Annotated[int | None, typer.Option("--top", min=1, max=1000, help="How many papers.")] = None,
    min_votes: Annotated[
        int, typer.Option("--min-votes", min=0, help="Leave out papers with fewer votes.")
    ] = 0,
    as_json: output.AsJson = False,
) -> None:
    """Show the papers of one date, top-voted first, as a new channel would get them."""
    from bot.cli.search import print_papers

    requested_day = None if on is None else arguments.parse_date(on)

    async def command() -> tuple[Sequence[models.PaperRow], date | None]:
        from storage import digests, papers

        async with context.open_storage() as database, database.read() as connection:
            newest = await digests.list_dates(connection, limit=1)
            day = requested_day or (newest[0] if newest else None)
            if day is None:
                return [], None
            return await papers.list_by_date(connection, day, min_votes=min_votes, limit=top), day

    rows, day = context.run_command(command)
    empty = "The archive is empty." if day is None else f"There is no paper for {day}."
    # A paper's own date is that of its latest digest, which the JSON keeps.
    shown = rows if as_json or day is None else [replace(row, date=day) for row in rows]
    print_papers(shown, as_json, empty=empty)


def export(
    form: Annotated[str, typer.Option("--format", help="newsletter, review, json, csv or bibtex.")],
    on: Annotated[str | None, typer.Option("--date", metavar="D", help="One date, YYYY-MM-DD.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="D", help="From this date on.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="D", help="Up to this date.")] = None,
    target: Annotated[
        str | None, typer.Option("--output", metavar="PATH", help="A file instead of stdout.")
    ] = None,
    as_json: output.AsJson = False,
) -> None:
    """Write stored digests in a format that others read."""
    from bot import errors

    if on is not None and (since is not None or until is not None):
        raise errors.UsageError("Give either --date, or --since and --until.")
    first, last = (arguments.parse_date(text) if text else None for text in (on or since, on or until))
    text = context.run_command(lambda: _export("json" if as_json else form, first, last))
    if target is None:
        output.print_document(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise errors.PaperroundError(
            f"{target} cannot be written: {error.strerror}. Name another file."
        ) from None


async def _export(form: str, first: date | None, last: date | None) -> str:
    from bot.rendering.export.formats import ExportFormat
    from bot.rendering.wording.templates import Templates
    from bot.services.operations import export as export_service

    export_format = arguments.parse_choice(ExportFormat, form, "export format")
    async with context.open_storage() as database:
        templates = Templates(context.load_settings().templates)
        return await export_service.export_digests(
            database, export_format, templates, since_on=first, until_on=last
        )
