"""`paperround templates`: checks the operator's templates."""

from __future__ import annotations

import sys

import typer

from bot.cli import context, output


def group() -> typer.Typer:
    """Return the command group."""
    app = typer.Typer(help="Templates for the wording of posts.", no_args_is_help=True)
    app.callback()(lambda: None)
    app.command("check")(check)
    return app


def check(as_json: output.AsJson = False) -> None:
    """Name what is wrong with the templates in PAPERROUND_TEMPLATES, by file and line."""
    from bot import errors
    from bot.rendering.wording.templates import Templates

    folder = context.load_settings().templates
    if folder is not None and not folder.is_dir():
        raise errors.UsageError(f"{folder} is not a folder. Create it, or remove the setting.")
    problems = Templates(folder).find_problems()
    if as_json:
        output.print_json(
            [{"file": row.location, "line": row.line, "reason": row.message} for row in problems]
        )
    elif folder is None:
        output.echo("PAPERROUND_TEMPLATES is not set; all templates are the bundled ones.")
    elif not problems:
        output.echo(f"The templates in {folder} have no errors.")
    for problem in problems:
        output.error(str(problem))
    sys.exit(1 if problems else 0)
