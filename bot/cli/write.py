"""`paperround write`: writes the digest of a day with a language model, or from extracts without one."""

from __future__ import annotations

import contextlib
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import arguments, context, output

if TYPE_CHECKING:
    from bot.settings import Settings
    from storage import models
    from storage.writer import drafts

_COLUMNS = (
    "date",
    "format",
    "papers",
    "written",
    "from_abstract",
    "refused",
    "failed",
    "claims_dropped",
    "calls",
    "tokens",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("write")(write)


def write(
    on: Annotated[
        str | None, typer.Option("--date", metavar="D", help="The day; the last closed one if not given.")
    ] = None,
    form: Annotated[str | None, typer.Option("--format", help="newsletter or review.")] = None,
    language: Annotated[str | None, typer.Option("--language", help="ko or en.")] = None,
    target: Annotated[
        str | None,
        typer.Option("--output", metavar="PATH", help="A file or a folder for the digest, besides storage."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only the first papers of the day's list.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate calls and tokens, and call nothing.")
    ] = False,
    show: Annotated[
        str | None,
        typer.Option("--show", metavar="ID", help="Show what was written about a paper, with its checks."),
    ] = None,
    as_json: output.AsJson = False,
) -> None:
    """Write the digest of a day: each paper is read, summarised by the model and checked against its text."""
    if show is not None:
        _show(show, as_json)
        return
    from bot import logs

    settings = context.load_settings()
    # Not on stdout, and without the places that have no text of a paper: the counts say how many there are.
    logs.configure(settings.log if settings.log.endswith("debug") else "console:warning")
    day = None if on is None else arguments.parse_date(on)
    formats = _parse_formats(settings, form)
    locale = _parse_language(settings, language)
    file = None if target is None else Path(target)
    rows, problems = context.run_command(lambda: _write(day, formats, locale, file, limit, dry_run=dry_run))
    for row in rows:
        if as_json:
            output.print_json(row)
    if not as_json:
        output.print_table(_COLUMNS, [[row[name] for name in _COLUMNS] for row in rows], empty="")
    sys.exit(1 if problems else 0)


def _parse_formats(settings: Settings, form: str | None) -> tuple[models.DigestFormat, ...]:
    from bot import errors
    from bot.settings import WRITTEN_FORMATS
    from storage import models

    if form is None:
        return settings.writer_formats or WRITTEN_FORMATS[:1]
    chosen = arguments.parse_choice(models.DigestFormat, form, "format")
    if chosen not in WRITTEN_FORMATS:
        raise errors.UsageError(f"A {chosen.value} cannot be written. Use {' or '.join(WRITTEN_FORMATS)}.")
    return (chosen,)


def _parse_language(settings: Settings, language: str | None) -> models.Locale:
    from storage import models

    if language is None:
        return settings.writer_language or models.Locale(settings.locale)
    return arguments.parse_choice(models.Locale, language, "language")


async def _write(
    day: date | None,
    formats: tuple[models.DigestFormat, ...],
    language: models.Locale,
    file: Path | None,
    limit: int | None,
    *,
    dry_run: bool,
) -> tuple[list[dict[str, Any]], int]:
    """Return the counts of each format, and the number of problems, which are printed at once."""
    from bot import errors
    from bot.app import writing

    problems: list[str] = []

    def on_problem(problem: str) -> None:
        problems.append(problem)
        output.error(problem)

    def on_wait() -> None:
        output.error("another process is writing on this database; waiting for it")

    rows = []
    async with contextlib.AsyncExitStack() as stack:
        container = await stack.enter_async_context(context.open_container())
        day = day or container.day_close.last_closed(container.clock())
        if file is not None and len(formats) > 1 and not file.is_dir():
            raise errors.UsageError("Name a folder with --output, or one --format.")
        if not dry_run:
            await stack.enter_async_context(writing.waited_for_lock(container.database, on_wait))
        await container.load_mentions()
        async with writing.open_writer(container, container.create_ingest()) as writer:
            for form in formats:
                if dry_run:
                    counts = await writer.estimate(day, form, language, limit=limit)
                else:
                    with output.progress_bar(f"{day} {form.value}") as show_progress:
                        counts, _ = await writer.write(
                            day,
                            form,
                            language,
                            limit=limit,
                            file=file or writing.inbox_of(container.settings),
                            on_progress=show_progress,
                            on_problem=on_problem,
                            on_notice=output.error,
                        )
                rows.append({"date": day.isoformat(), "format": form.value, **counts})
        await container.alert_planner.drain()
    return rows, len(problems)


def _show(text: str, as_json: bool) -> None:
    """Print the drafts of a paper: each claim with its span and its problems."""
    from bot import errors
    from bot.digests.elements import arxiv_ids

    arxiv_id = arxiv_ids.extract_arxiv_id(text)
    if arxiv_id is None:
        raise errors.UsageError(f"{text[:40]!r} is not an arXiv id or link.")

    async def command() -> list[drafts.Draft]:
        from storage.writer import drafts

        async with context.open_storage() as database, database.read() as connection:
            return await drafts.list_by_paper(connection, arxiv_id)

    rows = context.run_command(command)
    if not rows:
        raise errors.PaperroundError(f"Nothing has been written about {arxiv_id}.")
    for draft in rows:
        record = _draft_to_dict(draft)
        if as_json:
            output.print_json(record)
        else:
            _print_draft(record)


def _draft_to_dict(draft: drafts.Draft) -> dict[str, Any]:
    """Return the JSON object of a draft; `claims` are those that passed, or the last answer while it is written."""
    import json

    from bot.services.writer import prompts
    from storage.writer.drafts import DraftState

    texts = [draft.text] if draft.state is DraftState.CHECKED else json.loads(draft.text or "[]")[-1:]
    claims = [
        claim._asdict()
        for text in texts
        if text
        for claim in prompts.read_answer(text, draft.format, is_partial_allowed=True)
    ]
    return {
        "arxiv_id": draft.arxiv_id,
        "format": draft.format.value,
        "language": draft.language.value,
        "model": draft.model,
        "prompt_version": draft.prompt_version,
        "state": draft.state.value,
        "basis": draft.basis,
        "calls": draft.calls,
        "tokens": draft.tokens,
        "claims_dropped": draft.claims_dropped,
        "claims": claims,
        "problems": list(draft.problems),
        "updated_at": draft.updated_at.isoformat(),
    }


def _print_draft(record: dict[str, Any]) -> None:
    head = (
        "format",
        "language",
        "model",
        "state",
        "basis",
        "calls",
        "tokens",
        "claims_dropped",
        "updated_at",
    )
    output.echo(" · ".join(f"{name} {record[name]}" for name in head if record[name] is not None))
    columns = ("section", "text", "span")
    output.print_table(
        columns, [[claim[name] for name in columns] for claim in record["claims"]], empty="No claims."
    )
    for problem in record["problems"]:
        output.echo(f"failed: {problem}")
