"""The documents name what exists: links, paths, settings, commands of the shell and of Discord."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import typer
from discord import app_commands

from bot import cli
from bot.app import client, container
from bot.core import settings
from storage import database

ROOT = Path(__file__).parents[1]
GUIDES = [ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [*GUIDES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def first_cells(text: str) -> list[str]:
    """Return the first cell of each row of the tables."""
    return [row.split("|")[0].strip() for row in re.findall(r"^\|(.+)\|$", text, re.MULTILINE)]


def test_links_lead_to_files_and_headings() -> None:
    broken = []
    for page in DOCUMENTS:
        for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", read(page)):
            name, _, heading = target.partition("#")
            file = page.parent / name if name else page
            if ":" in target or "images/" in target:
                continue
            headings = re.findall(r"^#+ (.+)$", read(file), re.MULTILINE) if file.is_file() else []
            anchors = {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headings}
            if not file.exists() or (heading and heading not in anchors):
                broken.append((page.name, target))
    assert broken == []


def test_paths_in_the_pages_exist() -> None:
    tops = {path.name for path in (ROOT / "bot").iterdir() if path.is_dir()} | {"bot", "storage", "docs"}
    missing = [
        (page.name, name)
        for page in GUIDES
        for name in re.findall(r"`([a-z_]+(?:/[a-z_0-9.]+)+)`", read(page))
        if name.partition("/")[0] in tops
        and not any((top / f"{name}{end}").exists() for top in (ROOT, ROOT / "bot") for end in ("", ".py"))
    ]
    assert missing == []


def test_every_setting_is_on_its_page_and_no_page_names_another() -> None:
    known = {settings.setting_name(name) for name in settings.Settings.model_fields}
    listed = " ".join(first_cells(read(ROOT / "docs" / "settings.md")))
    assert {name for name in known if f"`{name}" not in listed} == set()
    pattern = re.compile(r"\b(?:PAPERROUND_[A-Z][A-Z_]*|DISCORD_TOKEN|HF_ENDPOINT)\b(?!_)")
    assert {name for page in GUIDES for name in pattern.findall(read(page))} <= known


def shell_commands(command: click.Command, name: str) -> Iterator[str]:
    subcommands: dict[str, click.Command] = getattr(command, "commands", {})
    if not subcommands:
        yield name
    for word, subcommand in subcommands.items():
        yield from shell_commands(subcommand, f"{name} {word}")


def test_the_page_of_commands_has_those_of_the_shell_and_no_other() -> None:
    app: Any = typer.main.get_command(cli.build_app())
    known = set(shell_commands(app, "paperround"))
    words = [re.findall(r"`(paperround(?: [a-z]+)+)", cell) for cell in first_cells(COMMANDS)]
    listed = {name for found in words for name in found}
    assert known <= listed
    others = {name for name in listed if not any(f"{name} ".startswith(f"{command} ") for command in known)}
    assert others == set()


async def test_the_page_of_commands_has_those_of_discord_and_no_other(sqlite_db: database.Database) -> None:
    bot = container.Container(settings.Settings(), sqlite_db).create_bot(shard_count=1)
    for cog in client.COGS:
        await bot.add_cog(cog(bot))
    walked = bot.tree.walk_commands()
    known = {f"/{row.qualified_name}" for row in walked if isinstance(row, app_commands.Command)}
    assert {cell.strip("`") for cell in first_cells(COMMANDS) if cell.startswith("`/")} == known
