"""Writes the tables of the reference pages from their sources; `make docs` runs it, and a test compares.

A page has each table between `<!-- table NAME -->` and `<!-- end -->`; the text around it is written by hand.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import itertools
import re
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import discord
import pydantic
import typer
from discord import app_commands

from bot import cli
from bot.app import client, container
from bot.cli.set_up_file import AlertEntry, PostEntry, SourceEntry
from bot.client import translations
from bot.core import settings
from bot.core.clock import system_clock
from bot.features.daily import options
from bot.features.operations.metrics import Metrics
from storage import migrate

PAGES = Path(__file__).parent
_TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render_page(page: str) -> str:
    """Return the text of a page with its tables as they should be. Raises KeyError for a table that does not exist."""
    return _TABLE.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", page)


def list_pages() -> list[Path]:
    """Return the pages that have tables."""
    return [path for path in sorted(PAGES.glob("*.md")) if _TABLE.search(path.read_text(encoding="utf-8"))]


def _render_table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [[*heading], *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


SETTINGS = {
    "discord": "discord_token",
    "papers": "sources",
    "wording": "templates",
    "ports": "http",
    "operating": "heartbeat_url",
    "writer": "writer_url",
}
"""The first setting of each table of the settings page, in the order of the fields."""


def _list_settings(first: str) -> str:
    """Return the table of the settings from `first` to that of the next table."""
    rows = []
    meanings = _read_docstrings(settings.Settings)
    starts = [*meanings]
    later = [starts.index(name) for name in SETTINGS.values() if starts.index(name) > starts.index(first)]
    for name in starts[starts.index(first) : min(later, default=None)]:
        meaning = meanings[name]
        default = settings.Settings.model_fields[name].default
        shown = "" if default in (None, ()) else f"`{default}`"
        rows.append((f"`{settings.setting_name(name)}`", shown, meaning))
    return _render_table(("setting", "default", "meaning"), rows)


def _read_docstrings(class_: type) -> dict[str, str]:
    """Return the docstrings below the fields of a class. pydantic can keep them, which takes each start 30 ms."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(class_))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for field, below in itertools.pairwise(definition.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
            case ast.AnnAssign(target=ast.Name(id=name)), _:
                found[name] = ""
    return found


def _list_shell_commands() -> str:
    """Return the shell's commands, each with the first sentence of its help."""
    app: Any = typer.main.get_command(cli.build_app())
    rows = ((f"`{usage}`", purpose) for usage, purpose in _walk_shell(app, "paperround"))
    return _render_table(("command", "purpose"), rows)


def _walk_shell(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    subcommands: dict[str, click.Command] = getattr(command, "commands", {})
    for word, subcommand in subcommands.items():
        yield from _walk_shell(subcommand, f"{name} {word}")
    if not subcommands:
        arguments = [each for each in command.params if each.param_type_name == "argument" or each.required]
        yield (
            " ".join((name, *map(_render_argument, arguments))),
            " ".join(re.split(r"(?<=\.)\s", command.help or "")[0].split()),
        )


def _render_argument(argument: click.Parameter) -> str:
    shown = argument.metavar or (argument.name or "").upper()
    if argument.param_type_name == "option":
        return f"{argument.opts[0]} {shown}"
    return shown if argument.required or shown.startswith("[") else f"[{shown}]"


def _list_slash_commands() -> str:
    rows = asyncio.run(_read_slash_commands())
    return _render_table(("command", "Korean", "does"), rows)


async def _read_slash_commands() -> list[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        database = await migrate.open_database(f"sqlite+aiosqlite:///{folder}/paperround.db", migrate=True)
        try:
            bot = container.Container(settings.Settings(), database, system_clock).create_bot(shard_count=1)
            for cog in client.COGS:
                await bot.add_cog(cog(bot))
            translator = translations.CommandTranslator()
            commands = [each for each in bot.tree.walk_commands() if isinstance(each, app_commands.Command)]
            return [await _describe(each, translator) for each in commands]
        finally:
            await database.close()


async def _describe(
    command: app_commands.Command[Any, Any, Any], translator: translations.CommandTranslator
) -> tuple[str, ...]:
    korean: list[str] = []
    above: Any = command
    while above is not None:
        location: Any = app_commands.TranslationContextLocation
        kind = location.command_name if above is command else location.group_name
        context: Any = app_commands.TranslationContext(kind, above)
        name = app_commands.locale_str(above.name)
        korean.insert(0, await translator.translate(name, discord.Locale.korean, context) or above.name)
        above = above.parent
    return f"`/{command.qualified_name}`", f"`/{' '.join(korean)}`", str(command.description)


def _list_post_settings() -> str:
    """Return the settings of a daily post by their names on Discord and, if different, in a set-up file."""
    typed = []
    for field, option in options.OPTIONS.items():
        key = PostEntry.model_fields[field].alias or field
        name = "from" if option.name == "source" else option.name
        typed.append(f"`{name}`" if key == name else f"`{name}` (`{key}`)")
    more = "under *More settings* also a role (`mention`), a forum's `tag`, `silent` (without a notification)"
    return f"{', '.join(typed)}; {more}.\n"


def _list_metrics() -> str:
    rows = []
    for metric in Metrics().registry.collect():
        total = {"counter": "_total", "info": "_info"}.get(metric.type, "")
        collector: Any = Metrics().registry._names_to_collectors[metric.name]
        labels = ",".join(collector._labelnames)
        rows.append((f"`{metric.name}{total}{{{labels}}}`".replace("{}", ""), metric.documentation))
    return _render_table(("metric", "meaning"), rows)


def _list_set_up_keys() -> str:
    entries: dict[str, type[pydantic.BaseModel]] = {
        "sources": SourceEntry,
        "posts": PostEntry,
        "alerts": AlertEntry,
    }
    return "".join(f"- {name}: {_list_names(list_keys(entry))}\n" for name, entry in entries.items())


def list_keys(entry: type[pydantic.BaseModel]) -> list[str]:
    """Return the keys of an entry of the set-up file."""
    return sorted(field.alias or name for name, field in entry.model_fields.items())


def find_blocks() -> dict[str, list[str]]:
    """Return the names of the blocks in the templates of Discord's messages, by file."""
    paths = sorted((PAGES.parent / "templates").glob("*.en.j2"))
    return {
        path.name.removesuffix(".en.j2"): sorted(
            re.findall(r"\{% block (\w+) %\}", path.read_text(encoding="utf-8"))
        )
        for path in paths
    }


def _list_blocks() -> str:
    return "".join(f"- {name}: {_list_names(blocks)}\n" for name, blocks in find_blocks().items())


def _list_names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


TABLES: dict[str, Callable[[], str]] = {
    **{f"settings_{name}": partial(_list_settings, first) for name, first in SETTINGS.items()},
    "shell": _list_shell_commands,
    "discord": _list_slash_commands,
    "post": _list_post_settings,
    "metrics": _list_metrics,
    "contract_set_up": _list_set_up_keys,
    "contract_blocks": _list_blocks,
}
"""The tables by the names that pages give."""

if __name__ == "__main__":
    for path in list_pages():
        former = path.read_text(encoding="utf-8")
        page = render_page(former)
        if page != former and "--check" in sys.argv:
            print(f"{path.name} is out of date: run `make docs`")  # noqa: T201 - its output
        elif page != former:
            path.write_text(page, encoding="utf-8")
