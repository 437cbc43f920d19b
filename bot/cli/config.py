"""`paperround config`: writes the set-up as a file, and makes a set-up that of a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import context, output
from storage import errors
from storage.errors import PaperroundError

if TYPE_CHECKING:
    from bot.operations.set_up_file import Plan, SetUpFile
    from storage.database import Database

MAX_BYTES = 10_000_000
"""20,000 daily posts."""


def group() -> typer.Typer:
    """Return the command group."""
    app = typer.Typer(
        help="The set-up as a file: daily posts, alerts of channels, sources.", no_args_is_help=True
    )
    app.command("export")(export)
    app.command("apply")(apply)
    return app


def export(
    target: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A file instead of stdout; an existing one is replaced."),
    ] = None,
) -> None:
    """Write the set-up as TOML, without secrets."""
    text = context.run_with_service(_create_service, lambda service: service.export())
    if target is None:
        output.print_document(text)
        return
    try:
        target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise PaperroundError(f"{target} cannot be written: {error.strerror}. Name another file.") from None


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `config export`, or one like it.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    accept: Annotated[bool, typer.Option("--yes", help="Apply it without asking.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Show what a file changes, ask, and change it all or nothing. What is not in the file stays."""
    text = _read(file)
    plan = context.run_with_service(
        _create_service, lambda service: service.plan(text, str(file)), creating=True
    )
    if not as_json:
        _print_plan(plan)
    is_wanted = bool(plan.changes) and not dry_run and (accept or _confirm())
    if is_wanted:
        context.run_command(lambda: _apply(text, file, plan))
    if as_json:
        output.print_json(
            {
                "changes": plan.changes,
                "unchanged": plan.unchanged,
                "others": plan.others,
                "applied": is_wanted,
            }
        )
    elif plan.changes and not dry_run:
        output.echo("Applied." if is_wanted else "Nothing was applied.")
    if plan.changes and not (dry_run or is_wanted):
        sys.exit(1)


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise errors.UsageError(f"{file} has over {MAX_BYTES:,} bytes. Divide it into several files.")
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise errors.UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise errors.UsageError(f"{file}, line {line}: this is not UTF-8. Save the file as UTF-8.") from None


def _print_plan(plan: Plan) -> None:
    for change in plan.changes:
        output.echo(f"  {change}")
    counts = f"{len(plan.changes)} changes; {plan.unchanged} as in the file"
    output.echo(f"{counts}; {plan.others} not in the file, which stay.")


def _confirm() -> bool:
    """Ask whether the plan is applied. Raises UsageError without a terminal."""
    if not sys.stdin.isatty():
        raise errors.UsageError(
            "There is no terminal to ask, and nothing was applied. Add --yes to apply it, or --dry-run to look only."
        )
    return typer.confirm("Apply?", default=False, err=True)


async def _apply(text: str, file: Path, plan: Plan) -> None:
    async with context.open_container() as container:
        await _create_service(container.database).apply(text, str(file), plan)
        for address in plan.reprioritised:
            await container.create_ingest().merge_source(address)


def _create_service(database: Database) -> SetUpFile:
    from bot.core.clock import system_clock
    from bot.operations.set_up_file import SetUpFile
    from bot.rendering.templates import Templates

    settings = context.load_settings()
    return SetUpFile(database, system_clock, settings, Templates(settings.templates).list_replaced())
