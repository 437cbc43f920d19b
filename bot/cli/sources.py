"""`paperround sources`: add, list, edit and remove sources, and fetch from all of them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import shell
from bot.cli.digests import confirm_removal
from bot.core import settings
from bot.core.clock import system_clock
from storage import errors, models
from storage.database import Database

if TYPE_CHECKING:
    from bot.sources.kinds import SourceRegistry, Yield

Url = Annotated[
    str,
    typer.Argument(
        metavar="URL",
        help="A URL, which may have a date as {date:%Y-%m-%d}; arXiv categories such as arxiv:cs.CL; or a folder.",
    ),
]
_YIELD = ("brings", "papers_a_day", "latest_day", "latest_papers", "undated_files")
_REPORT = ("found", "stored", "known", "left_out")
_SOURCE_COLUMNS = (
    "source",
    "kind",
    "label",
    "priority",
    "status",
    "reason",
    "found",
    "left_out",
    *_YIELD,
    "failures",
    "last_success_at",
    "next_attempt_at",
    "progress",
)
_LABEL_HELP = (
    "A name for searches with in:, such as ICLR 2026. Posts take its lists only if they name the source."
)
_PRIORITY_HELP = "Where sources disagree, the highest number wins; among equals, the oldest source."
_NO_SOURCES = "No sources. `paperround sources add https://huggingface.co` adds a daily list."
_SETTING = "PAPERROUND_SOURCES"
_FAILURES = ("failed", "refused")
_REPORT_COLUMNS = ("source", "status", "reason", "digests", "papers", "new_papers", *_REPORT)


async def add(
    url: Url,
    kind: Annotated[
        models.SourceKind | None, typer.Option("--kind", case_sensitive=False, help="Guessed if not given.")
    ] = None,
    priority: Annotated[int, typer.Option("--priority", help=_PRIORITY_HELP)] = 0,
    timezone: Annotated[
        str | None, typer.Option("--timezone", metavar="ZONE", help="The publisher's IANA time zone.")
    ] = None,
    since_time: Annotated[
        str | None, typer.Option("--from", metavar="HH:MM", help="The earliest time to fetch today's digest.")
    ] = None,
    cross_lists: Annotated[
        bool, typer.Option("--cross-lists", help="arXiv: include papers cross-listed from other categories.")
    ] = False,
    since: Annotated[
        date | None,
        typer.Option(
            "--since",
            metavar="DATE",
            parser=shell.parse_date,
            help="arXiv: include papers submitted since this day.",
        ),
    ] = None,
    every: Annotated[int | None, typer.Option("--every", min=1, help="Minutes between checks.")] = None,
    label: Annotated[str | None, typer.Option("--label", metavar="LABEL", help=_LABEL_HELP)] = None,
    as_json: shell.AsJson = False,
) -> shell.Output:
    """Add a source and poll it once, for a minute at most."""
    values = {
        "timezone": timezone,
        "from": since_time,
        "every": every,
        "cross_lists": "yes" if cross_lists else None,
        "since": since,
        "label": label or None,
    }
    options = {name: str(value) for name, value in values.items() if value is not None}
    from bot.archive import files

    async with shell.open_workers(creating=True) as workers:
        registry = _create_registry(workers.database)
        added = await registry.add(url, kind=kind, priority=priority, options=options)
        async with workers.open_poller() as poller:
            report = await poller.fetch_first(added)
        is_failed = report.status.value in _FAILURES
        if is_failed and not as_json and sys.stdin.isatty():
            shell.error(
                f"{errors.redact(added.url)} could not be read: {report.reason or report.status.value}"
            )
            if not shell.confirm("Keep it, and try again later?"):
                await registry.remove(added.url)
                return shell.Output(None, f"{errors.redact(added.url)} was not added.", status=1)
    address = errors.redact(added.url)
    found = shell.pick(report.result, "digests papers new_papers")
    sentence = f"{address} ({added.kind.value}) was added. It brought {shell.count(report.result.papers, 'paper')} in"
    sentence = f"{sentence} {shell.count(report.result.digests, 'list')}."
    if is_failed or not report.result.papers:
        sentence = f"{address} ({added.kind.value}) was added, and brought nothing yet"
        sentence += "." if is_failed else f": {report.reason or 'no papers'}."
        sentence += f" `paperround sources remove {shlex.quote(address)}` takes it back."
    status = {"status": report.status.value, "reason": report.reason or None}
    data = to_dict(added) | status | found | report_to_dict(report.reading)
    notes = [report.reason] if is_failed and report.reason else []
    notes += map(files.describe_problem, report.result.problems)
    text = "\n".join((sentence, *_describe_left_out(address, report.reading)))
    return shell.Output(data, text, notes=notes, status=1 if is_failed else 0)


async def list_rows() -> shell.Output:
    """List sources with their health, the most trusted first. For titles, authors and votes, arXiv and Hugging Face win."""
    async with shell.open_storage(with_logs=False) as database:
        registry = _create_registry(database)
        await registry.add_configured(shell.load_settings().sources)
        found = await registry.list_yields()
    rows = [
        to_dict(row) | (_yield_to_dict(brought) if row.last_attempt_at else dict.fromkeys(_YIELD))
        for row, brought in found
    ]
    unused = {
        name
        for name in ("label", "priority", "failures", "undated_files")
        if not any(row[name] for row in rows)
    }
    columns = [name for name in _SOURCE_COLUMNS if name not in unused]
    notes = [
        f"{row['source']}: {shell.count(number, 'file')} {'has' if number == 1 else 'have'} no date in name or text, so"
        " that the papers are dated 60 days back and not posted. Name a file by its day, such as 2026-11-27.md."
        for row in rows
        if (number := row["undated_files"])
    ]
    return _list_sources(rows, columns, [row.reading for row, _ in found], notes)


async def edit(
    url: Url,
    priority: Annotated[int | None, typer.Option("--priority", help=_PRIORITY_HELP)] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="LABEL", help=f"{_LABEL_HELP} '' removes it.")
    ] = None,
) -> None:
    """Change the priority or the label of a source. Posts and ranks follow for papers fetched from now on."""
    if priority is None and label is None:
        raise errors.UsageError("Give --priority or --label.")
    async with shell.open_storage(with_logs=False) as database:
        await _create_registry(database).change(url, priority=priority, label=label)
    changes = [] if priority is None else [f"priority {priority}"]
    changes += [] if label is None else [f"the label {label}" if label else "no label"]
    shell.echo(f"{errors.redact(url)} now has {' and '.join(changes)}.")


async def remove(
    url: Url,
    with_digests: Annotated[
        bool,
        typer.Option(
            "--with-digests",
            help="Also remove what it brought, after a question. What was posted stays posted.",
        ),
    ] = False,
    is_accepted: shell.IsAccepted = False,
) -> None:
    """Remove a source. Digests already fetched are kept, with the lowest priority, or removed too."""
    from bot.archive.ingest import IngestService
    from bot.sources import kinds
    from storage import archive

    async with shell.open_storage() as database:
        registry = _create_registry(database)
        if with_digests:
            if found := await registry.list_digests(url):
                confirm_removal(found, is_accepted=is_accepted)
            address, digests, papers = await registry.remove_digests(
                url, IngestService(database, system_clock)
            )
            result = f"with {shell.count(digests, 'list')}; {shell.count(papers, 'paper')} left the archive."
            shell.echo(f"{errors.redact(url)} was removed {result}")
        else:
            address = await registry.remove(url)
            kept = await database.fetch(archive.list_rows, origin=archive.Origin(address, with_lookup=True))
            command = f"`paperround sources remove {shlex.quote(errors.redact(url))} --with-digests`"
            result = f" Its digests are kept; {command} removes them." if kept else ""
            shell.echo(f"{errors.redact(url)} was removed.{result}")
    named = {row.url for row in shell.load_settings().sources}
    if address in named | set(map(kinds.normalise, named)):
        place = settings.setting_origins()[_SETTING]
        shell.error(
            f"{_SETTING} ({place}) names it, so that the next start adds it again. Remove it there too."
        )


async def fetch(since: shell.Since = None, until: shell.Until = None) -> shell.Output:
    """Fetch from all sources now. With --since and --until, fetch each day between them."""
    from bot.archive import files

    async with shell.open_workers(creating=bool(shell.load_settings().sources)) as workers:
        days = _days_between(since, until, workers.clock().date()) if since or until else None
        with shell.progress("Reading sources"):
            async with workers.open_poller() as poller:
                reports = await poller.fetch_all(days=days)
    rows: list[dict[str, Any]] = [
        {
            "source": errors.redact(report.source.url),
            "status": report.status.value,
            "reason": report.reason,
            **shell.pick(report.result, "digests papers new_papers"),
            **report_to_dict(report.reading),
        }
        for report in reports
    ]
    is_failed = any(report.status.value in _FAILURES or report.missed_days for report in reports)
    problems = [files.describe_problem(problem) for report in reports for problem in report.result.problems]
    listed = _list_sources(rows, _REPORT_COLUMNS, [report.reading for report in reports], problems)
    return replace(listed, status=1 if is_failed or problems else 0)


def to_dict(row: models.StoredSource) -> dict[str, Any]:
    from bot.sources import arxiv_categories

    back_fill = arxiv_categories.read_back_fill(row.progress)
    return {
        **shell.pick(row, "kind priority reason failures last_attempt_at last_success_at next_attempt_at"),
        "source": errors.redact(row.url),
        "options": dict(row.options),
        "label": row.options.get("label"),
        "status": row.status and row.status.value,
        "progress": back_fill and back_fill.describe(),
        **report_to_dict(row.reading),
    }


def report_to_dict(report: models.ReadingReport | None) -> dict[str, Any]:
    """Convert the report on a reading for JSON output; each value is None without one."""
    if report is None:
        return dict.fromkeys((*_REPORT, "remarks"))
    return {"found": report.found, **report.to_json()}


def _list_sources(
    data: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    reports: Sequence[models.ReadingReport | None],
    notes: Sequence[str],
) -> shell.Output:
    """Return an output with a table of sources and what their readings left out."""
    rows = [
        {
            **row,
            "brings": row.get("brings") or "not read yet",
            "left_out": sum(of["number"] for of in row["left_out"] or ()),
        }
        for row in data
    ]
    addressed = zip((row["source"] for row in data), reports, strict=True)
    left_out = [line for address, report in addressed for line in _describe_left_out(address, report)]
    return shell.Output(data, _NO_SOURCES, columns, rows, left_out, notes)


def _describe_left_out(address: str, report: models.ReadingReport | None) -> Iterator[str]:
    """Yield what a reading of a source left out, and what it lacks in the rest."""
    from bot.archive import sorting

    if report is None:
        return
    if report.skipped:
        counts = f"{report.stored:,} stored, {report.known:,} known, {report.skipped_count:,} left out"
        found = f"{shell.count(report.found, 'item')} found: {counts}"
        yield f"{address}: {found}: {sorting.describe(report.skipped)}."
    if report.warnings:
        yield f"{address}: of the items kept: {sorting.describe(report.warnings)}."


def _yield_to_dict(brought: Yield) -> dict[str, Any]:
    day, papers = brought.latest or (None, None)
    return dict(
        zip(_YIELD, (brought.brings.value, brought.papers_a_day, day, papers, brought.undated), strict=True)
    )


def _days_between(since: date | None, until: date | None, today: date) -> list[date]:
    """Return the days from `since` to `until`, inclusive. `until` defaults to today, and `since` to `until`."""
    first, last = since or until or today, until or today
    shell.check_days(first, last)
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _create_registry(database: Database) -> SourceRegistry:
    from bot.sources.kinds import build_source_registry

    return build_source_registry(database, system_clock, shell.load_settings())
