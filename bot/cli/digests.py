"""Commands that read and write digests: `parse`, `ingest`, `digest`, `digests remove`, `papers`, `export` and `write`."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bot.cli import shell
from bot.cli.search import create_search, explain_empty, list_papers, name_some, to_dict
from bot.core import clock
from bot.core.files import LocatedProblem
from bot.core.settings import WRITTEN_FORMATS
from storage import errors, models

if TYPE_CHECKING:
    from bot.archive.digest_writer import IngestResult
    from bot.archive.files import TextFile

MAX_TOP = 1000
OnDay = Annotated[
    date | None,
    typer.Option("--date", metavar="D", parser=shell.parse_date, help="Only this day, YYYY-MM-DD."),
]


def parse(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH…", help="Files, or folders with .md, .txt, .json or .html files."),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Has no effect: the output is JSON Lines anyway.")
    ] = False,
) -> None:
    """Parse digest files and print JSON Lines, one digest per line."""
    from bot.archive import files

    problems: list[LocatedProblem] = []
    names = list(files.find_files(paths))
    with shell.progress("Parsing") as show_count:
        for count, file in enumerate(names, 1):
            problems += _print_file(files.read_file(file))
            show_count(count, len(names))
    for problem in problems:
        shell.error(files.describe_problem(problem))
    sys.exit(1 if problems else 0)


def _print_file(file: TextFile | LocatedProblem) -> Iterator[LocatedProblem]:
    from bot.archive import parse as archive_parse

    if isinstance(file, LocatedProblem):
        yield file
        return
    try:
        digests = archive_parse.parse_text(file.text, file.name, clock.system_clock().date())
    except errors.NotADigestError as error:
        yield LocatedProblem(file.name, error.line, error.reason)
        return
    for parsed in digests:
        shell.print_json(archive_parse.digest_to_json(parsed, file.name))
        for problem in parsed.problems:
            yield LocatedProblem(file.name, problem.line, problem.message)


async def ingest(
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH…", help="Files, or folders.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Parse the stored texts again with this version's parser.")
    ] = False,
) -> shell.Output:
    """Import digest files. Digests already stored are skipped."""
    if not paths and not again:
        raise errors.UsageError(
            "Give files or folders to ingest, or --again to parse the stored texts again."
        )
    from bot.archive import files

    result, untitled = await _ingest(paths or [], again)
    # A README among digests is skipped, but a named file is expected to contain papers.
    named = {row.location for row in result.unrelated} if not result.digests else {*(paths or ())}
    unrelated = [row for row in result.unrelated if row.location not in named]
    problems = [*result.problems, *(row for row in result.unrelated if row not in unrelated)]
    for problem in problems:
        shell.error(files.describe_problem(problem))
    if unrelated:
        names = name_some([row.location for row in unrelated])
        shell.error(f"Skipped {shell.count(len(unrelated), 'file')} without papers: {names}")
    counts = {"digests": result.digests, "papers": result.papers, "new_papers": result.new_papers}
    listed = [{"file": row.location, "line": row.line, "message": row.message} for row in problems]
    sentence = _count_sentence(result.digests, result.papers, result.new_papers, len(problems))
    if untitled:
        sentence += (
            f" arXiv was not asked about {untitled} of them: `paperround sources fetch` asks,"
            " and so does the running bot."
        )
    data = {**counts, "problems": len(problems), "problem_list": listed}
    return shell.Output(data, sentence, status=1 if problems else 0)


def _count_sentence(digests: int, papers: int, new: int, problems: int) -> str:
    trouble = f" {shell.count(problems, 'problem')}, listed above." if problems else ""
    if not digests:
        return f"Nothing was stored.{trouble}" if problems else "Nothing was stored: no digest was found."
    return f"{shell.count(digests, 'digest')}, {shell.count(papers, 'paper')} ({new:,} new).{trouble}"


async def _ingest(paths: list[str], again: bool) -> tuple[IngestResult, int]:
    """Ingest files, and count their papers for whose title or authors arXiv is to be asked."""
    from bot.archive import files
    from bot.archive.digest_writer import IngestResult
    from storage import papers

    total = IngestResult()
    async with shell.open_workers(creating=bool(paths)) as workers:
        container, service = workers.container, workers.ingest
        names, stored = list(files.find_files(paths)), 0
        with shell.progress("Files stored") as show_count:
            streams = [
                service.add_files(map(files.read_file, names)),
                *([service.reparse_all()] if again else []),
            ]
            for stream in streams:
                async with aclosing(stream):
                    async for result in stream:
                        total += result
                        stored += 1
                        show_count(stored, len(names) or None)
        if await container.glossary.is_stale():
            with shell.progress("Updating glossary and index, papers read") as show_count:
                await container.glossary.rebuild(show_count)
        due = await container.database.fetch(papers.list_arxiv_due, container.clock(), limit=_MAX_COUNTED)
    return total, len(total.paper_keys.intersection(due))


_MAX_COUNTED = 100_000


async def list_rows(day: OnDay = None) -> shell.Output:
    """List digests, the last ingested first."""
    from storage import archive

    async with shell.open_storage(with_logs=False) as database:
        stored = await database.fetch(archive.list_rows, since_on=day, until_on=day)
    rows = [
        {"location": errors.redact(_join(row)), **shell.pick(row, "date_on format language ingested_at")}
        for row in sorted(stored, key=lambda row: row.ingested_at, reverse=True)
    ]
    columns = ("location", "date_on", "format", "language", "ingested_at")
    return shell.Output(rows, f"No digests{f' for {day}' if day else ''}.", columns)


def _join(row: models.StoredDigest) -> str:
    """Return the address or path of a digest: files in a folder that is a source have paths within it."""
    return os.path.join(row.source, row.location) if os.path.isabs(row.source) else row.location


async def remove(
    location: Annotated[
        str, typer.Argument(metavar="LOCATION", help="A file, a folder, a page, or a source's address.")
    ],
    day: OnDay = None,
    is_accepted: shell.IsAccepted = False,
) -> shell.Output:
    """Remove stored digests, such as those ingested by mistake, after a question. What was posted stays posted."""
    from bot.archive.ingest import IngestService
    from storage import archive, sources

    if not location.strip():
        raise errors.UsageError(
            "LOCATION is an empty string, so nothing was removed. Name a file, a folder, a page or a source."
        )
    async with shell.open_storage() as database:
        rows = await database.fetch(archive.list_rows, since_on=day, until_on=day)
        found = [row for row in rows if _is_at(row, location)]
        if not found:
            raise errors.PaperroundError(
                f"No digest is stored from {errors.redact(location)}{f' for {day}' if day else ''}. Give a file as it was"
                " ingested, a page's address, or a source as in `paperround sources list`."
            )
        confirm_removal(found, is_accepted=is_accepted)
        papers = await IngestService(database, clock.system_clock).remove_digests(found)
        live = {row.url for row in await database.fetch(sources.list_rows)}.intersection(
            row.source for row in found
        )
    names = name_some([errors.redact(_join(row)) for row in found])
    sentence = f"{shell.count(len(found), 'digest')} removed ({names}); {shell.count(papers, 'paper')} left the archive."
    notes = [
        f"{source} is still a source: what is removed comes back once it changes there. Delete it there too, or"
        f" end the source with `paperround sources remove {shlex.quote(source)}`."
        for source in sorted(map(errors.redact, live))
    ]
    return shell.Output({"digests": len(found), "papers": papers}, sentence, notes=notes)


def confirm_removal(rows: Sequence[models.StoredDigest], *, is_accepted: bool) -> None:
    """Say which digests will be removed, and ask. Raises PaperroundError if the answer is no."""
    if is_accepted:
        return
    first, last = min(row.date_on for row in rows), max(row.date_on for row in rows)
    days = f"of {first}" if first == last else f"of {first} to {last}"
    names = name_some([errors.redact(_join(row)) for row in rows])
    shell.error(
        f"{shell.count(len(rows), 'digest')} {days} will be removed with their papers, unless others have them: {names}."
    )
    if not shell.confirm("Remove?"):
        raise errors.PaperroundError("Nothing was removed.")


def _is_at(row: models.StoredDigest, location: str) -> bool:
    """Return whether a digest is from a location: a file, a folder, a page, an entry of a feed, or a source."""
    from bot.archive import digest_writer, fields
    from bot.sources import kinds
    from storage import sources

    path = os.path.abspath(os.path.expanduser(location))
    named = {location, kinds.normalise(location), path}
    named |= {fields.bounded_key(name, digest_writer.MAX_LOCATION_LENGTH) for name in named}
    names = {_join(row), row.source} - {sources.FILES}
    begin = (f"{path}/", *(f"{name}#" for name in named))
    return any(name in named or name.startswith(begin) for name in names | set(map(errors.redact, names)))


PaperName = Annotated[
    str, typer.Argument(metavar="PAPER", help="An arXiv ID, another key, a DOI or a link to the paper.")
]


async def hide_paper(paper: PaperName) -> shell.Output:
    """Hide a paper from readers, also when a source brings it again. What was sent or saved stays."""
    return await _set_hidden(paper, hidden=True)


async def show_paper(
    paper: Annotated[str | None, typer.Argument(metavar="[PAPER]", help="As for hide.")] = None,
) -> shell.Output:
    """Show a hidden paper again. It is in no post or alert because of that. Without PAPER, list the hidden ones."""
    if paper is not None:
        return await _set_hidden(paper, hidden=False)
    from storage import papers

    async with shell.open_reader() as database:
        hidden = [shell.pick(row, "key title") for row in await database.fetch(papers.list_hidden)]
    return shell.Output(hidden, "No paper is hidden.", ("key", "title"))


_HIDDEN = (
    "is hidden from posts, lists, searches, alerts, feeds and pages, also when a source brings it again. What was sent stays:"
    " `paperround posts --log` names the posts, whose messages can be deleted in Discord. Who saved it keeps it on their list."
)
_SHOWN = "is shown again. It counts as listed when it was: no post and no alert comes because of this."


def _read_key(paper: str) -> str:
    from bot.search import titles

    if (paper_key := titles.parse_id(paper)) is None:
        raise errors.UsageError(f"{paper!r} is no arXiv ID, key, DOI or link to a paper.")
    return paper_key


def _unknown_paper(paper_key: str) -> errors.PaperroundError:
    return errors.PaperroundError(
        f"The database has no paper {paper_key}. `paperround search WORDS` finds papers by title."
    )


async def _set_hidden(paper: str, *, hidden: bool) -> shell.Output:
    from bot.archive.ingest import IngestService

    paper_key = _read_key(paper)
    async with shell.open_storage() as database:
        ingest = IngestService(database, clock.system_clock)
        former = await ingest.set_hidden(paper_key, hidden=hidden)
    if former is None:
        raise _unknown_paper(paper_key)
    data = {**shell.pick(former, "key title"), "hidden": hidden, "changed": former.hidden is not hidden}
    already = "" if data["changed"] else " It was before, too."
    name = f"{former.key} ({data['title'] or 'no title'})"
    return shell.Output(data, f"{name} {_HIDDEN if hidden else _SHOWN}{already}")


async def part_paper(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="Any of its keys: an arXiv ID, another key, a DOI or a link.")
    ],
) -> shell.Output:
    """Make two papers of one that was joined by mistake. The same claim does not join them again."""
    from bot.archive.ingest import IngestService

    paper_key = _read_key(key)
    async with shell.open_storage() as database:
        parted = await IngestService(database, clock.system_clock).part(paper_key)
    if not parted:
        raise _unknown_paper(paper_key)
    if len(parted) == 1:
        raise errors.PaperroundError(f"{paper_key} is a paper by itself: no other key is joined with it.")
    rows = [shell.pick(paper, "key title") for paper in parted]
    new, other = (f"{paper.key} ({paper.title or 'no title'})" for paper in parted)
    return shell.Output(
        rows, f"{new} and {other} are two papers. What claimed that they are one does not join them again."
    )


async def digest(
    day: Annotated[
        date | None,
        typer.Argument(
            metavar="DATE",
            parser=shell.parse_date,
            help="YYYY-MM-DD, today or yesterday; by default the newest.",
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=MAX_TOP, help="Number of papers.")] = MAX_TOP,
) -> shell.Output:
    """Show a day's papers, sorted by votes. A channel's first post takes its papers from the top of this list."""
    async with shell.open_reader() as database:
        page, on = await create_search(database).get_digest(day, limit=top)
        empty = "" if page.rows else await explain_empty(database, f"No papers for {on or 'today'}.")
    listed = list_papers(map(to_dict, page.rows), empty)
    # In JSON, a paper's date is the date of its latest digest.
    rows = [{**row, "date": on} for row in listed.rows or ()]
    return replace(listed, rows=rows)


async def export(
    form: Annotated[
        Literal["newsletter", "review", "listing", "json", "csv", "bibtex"] | None,
        typer.Option("--format", case_sensitive=False, help="The format; --json alone means json."),
    ] = None,
    since: shell.Since = None,
    until: shell.Until = None,
    target: Annotated[
        Path | None, typer.Option("--output", metavar="PATH", help="Write to this file instead of stdout.")
    ] = None,
    everything: Annotated[
        Path | None,
        typer.Option("--all", metavar="FILE", help="Write everything into one file for `paperround import`."),
    ] = None,
    as_json: shell.AsJson = False,
) -> None:
    """Export stored digests, or everything. Safe while the bot runs."""
    from bot.archive import exports
    from bot.rendering.templates import Templates

    if everything is not None:
        if any(option is not None for option in (form, since, until, target)):
            raise errors.UsageError("--all writes everything. Leave the other options out.")
        shell.print_output(await _export_all(everything), as_json)
        return
    if form is None and not as_json:
        raise errors.UsageError("Name a format: --format newsletter, review, listing, json, csv or bibtex.")
    chosen = exports.ExportFormat("json" if as_json or form is None else form)
    shell.check_days(since, until)
    async with shell.open_storage() as database:
        settings = shell.load_settings()
        templates = Templates(settings.templates)
        text = await exports.export_digests(
            database, chosen, templates, since_on=since, until_on=until, locale=models.Locale(settings.locale)
        )
    shell.print_document(text, target)
    entries = re.findall(r"^@misc\{.*?^}$", text, re.MULTILINE | re.DOTALL) if form == "bibtex" else ()
    for field in ("title", "author"):
        if lacking := sum(f"\n  {field} " not in entry for entry in entries):
            shell.error(f"{lacking} of {len(entries)} entries have no {field}.")


async def _export_all(file: Path) -> shell.Output:
    from storage import copying

    with shell.progress("Copying rows") as show_count:
        async with shell.open_storage() as database:
            rows = await copying.export(database, file, show_count)
    size = f"{shell.count(rows, 'row')}, {file.stat().st_size:,} bytes"
    sentence = (
        f"Wrote {file} ({size}). It holds readers' notes and the addresses of sources: keep it private."
    )
    return shell.Output({"file": str(file), "rows": rows}, sentence)


_COUNTS = ("papers", "written", "from_abstract", "refused", "failed", "claims_dropped", "calls", "tokens")


async def write(
    day: Annotated[
        date | None,
        typer.Option(
            "--date",
            metavar="D",
            parser=shell.parse_date,
            help="The day. Default: the last one whose list has closed.",
        ),
    ] = None,
    form: Annotated[
        Literal["newsletter", "review"] | None,
        typer.Option("--format", case_sensitive=False, help="Format of the digest."),
    ] = None,
    language: Annotated[
        models.Locale | None, typer.Option("--language", case_sensitive=False, help="Language of the digest.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--output", metavar="PATH", help="Also write the digest to this file or folder."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, help="Write about only this many papers, from the top of the day's list."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate calls and tokens without calling the model.")
    ] = False,
) -> shell.Output:
    """Write a day's digest. The model summarises each paper, and each sentence is checked against the paper's text."""
    from bot.app.workers import inbox_of

    settings = shell.load_settings()
    formats = [models.DigestFormat(form)] if form else settings.writer_formats or WRITTEN_FORMATS[:1]
    locale = language or settings.writer_language or models.Locale(settings.locale)
    file = None if target is None else Path(target)
    rows: list[dict[str, Any]] = []
    problems: list[str] = []

    def on_problem(problem: str) -> None:
        problems.append(problem)
        shell.error(problem)

    async with shell.open_workers() as workers:
        container = workers.container
        day = day or container.day_close.last_closed(container.clock())
        if file is not None and len(formats) > 1 and not file.is_dir():
            raise errors.UsageError(
                "Several formats need an existing folder as --output. Create it, or choose one --format."
            )
        async with workers.open_writer() as writer:
            for each in formats:
                if dry_run:
                    counts = await writer.estimate(day, each, locale, limit=limit)
                else:
                    with shell.progress(f"{day} {each.value}") as show_progress:
                        counts, _ = await writer.write(
                            day,
                            each,
                            locale,
                            limit=limit,
                            file=file or inbox_of(container.settings),
                            on_progress=show_progress,
                            on_problem=on_problem,
                            on_notice=shell.error,
                        )
                rows.append({"date": day.isoformat(), "format": each.value, **counts})
    columns, status = ("date", "format", *_COUNTS), 1 if problems else 0
    return shell.Output(rows, columns=columns, status=status, is_json_lines=True)
