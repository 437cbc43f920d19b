"""Tests that compare the documents with the code: settings, commands, make targets, paths, tables, metrics, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import discord
import pytest
import typer
from discord import app_commands

from bench import shape
from bot import cli
from bot.app import client, container, health
from bot.archive import parse
from bot.client import router, translations
from bot.core import settings
from bot.rendering import templates
from storage import database, models, tables

ROOT = Path(__file__).parents[1]
PROSE = [ROOT / name for name in ("README.md", "README.ko.md", "CHANGELOG.md", "CONTRIBUTING.md")]
DOCUMENTS = [*PROSE, *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
GUIDES = [ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES_WITH_PATHS = [
    *GUIDES,
    ROOT / "CONTRIBUTING.md",
    *(path for path in DECISIONS if "Superseded by" not in path.read_text(encoding="utf-8")),
]
IMAGES = ROOT / "docs" / "images"

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)

SKIPPED_FOLDERS = frozenset({".git", ".hypothesis", "__pycache__", "build", "dist", "htmlcov"})
TEXT_SUFFIXES = frozenset(
    {".py", ".md", ".toml", ".txt", ".sh", ".yml", ".j2", ".ftl", ".tsv", ".mako", ".svg", ""}
)
# Written in two pieces, so that the search does not match this file.
MACHINE_PATHS = ["/wo" + "rk/", "/ro" + "ot/", "/opt/py" + "pi"]
REGISTRIES = [
    "pypi." + "org",
    "python" + "hosted.org",
    "registry.npm" + "js",
    "docker" + ".io",
    "ghcr" + ".io",
]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def _rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")] for row in ROW.findall(text)]


def _row_of(code: str, text: str) -> list[str]:
    """Return the one row whose first cell names `code` itself, not a longer name that starts with it."""
    pattern = re.compile(rf"`{re.escape(code)}(?=[`\s])(?! [a-z])")
    rows = [row for row in _rows(text) if pattern.search(row[0])]
    assert len(rows) == 1, f"{code} should begin one row of a table, not {len(rows)}"
    return rows[0]


# Settings


@pytest.mark.parametrize("name", sorted(settings.Settings.model_fields))
def test_every_setting_is_on_its_page_with_its_default(name: str) -> None:
    default = settings.Settings.model_fields[name].default
    cells = _row_of(settings.setting_name(name), _page("settings.md"))
    if default is None or default == ():
        assert "`" not in cells[1], "there is no default"
    else:
        shown = ",".join(default) if isinstance(default, tuple) else default
        assert cells[1] == f"`{shown}`"


@pytest.mark.parametrize("path", GUIDES, ids=_name)
def test_no_page_names_a_setting_that_does_not_exist(path: Path) -> None:
    known = {settings.setting_name(name) for name in settings.Settings.model_fields}
    text = path.read_text(encoding="utf-8")
    mentioned = set(re.findall(r"\b(?:PAPERROUND_[A-Z_]+|DISCORD_TOKEN|HF_ENDPOINT)\b(?!_)", text))
    assert mentioned - {"PAPERROUND_"} <= known


# The shell


def _shell_commands() -> Iterator[tuple[str, click.Command]]:
    def walk(command: Any, name: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
        subcommands: dict[str, Any] = getattr(command, "commands", {})
        if not subcommands:
            yield " ".join(name), command
        for word, subcommand in subcommands.items():
            yield from walk(subcommand, (*name, word))

    return walk(typer.main.get_command(cli.build_app()), ())


@pytest.mark.parametrize(("name", "command"), [pytest.param(*pair, id=pair[0]) for pair in _shell_commands()])
def test_every_shell_command_is_on_its_page_with_its_options(name: str, command: Any) -> None:
    cells = _row_of(f"paperround {name}", _page("commands.md"))
    options = {
        option
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option not in ("--json", "--help")
    }
    assert {option for option in options if not re.search(rf"{option}\b", cells[0])} == set()


@pytest.mark.parametrize("path", GUIDES, ids=_name)
def test_no_page_names_a_shell_command_that_does_not_exist(path: Path) -> None:
    known = {name for name, _ in _shell_commands()}
    groups = {name.split()[0] for name in known if " " in name}
    for words in re.findall(r"`paperround ([a-z]+(?: [a-z]+)?)", path.read_text(encoding="utf-8")):
        first, _, second = words.partition(" ")
        name = words if first in groups and second else first
        assert name in known | groups, f"paperround {words}"


# Formats


def test_the_formats_on_the_page_about_sources_are_digests() -> None:
    blocks = re.findall(r"^(`{3,})\w*\n(.+?)^\1$", _page("sources.md"), re.MULTILINE | re.DOTALL)
    digests = [parse.parse_text(text) for _, text in blocks if re.match("## Daily|# Daily", text)]
    assert [(digest.format, [entry.title for entry in digest.entries]) for [digest] in digests] == [
        (models.DigestFormat.NEWSLETTER, ["The paper's title"]),
        (models.DigestFormat.REVIEW, ["The paper's title"]),
    ]


# Discord


@pytest.fixture
async def commands(
    sqlite_db: database.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[app_commands.Command[Any, ..., Any]]:
    """All slash commands of the bot, as registered with Discord."""
    monkeypatch.chdir(tmp_path)  # a folder without .env
    bot = container.Container(settings.Settings(), sqlite_db).create_bot(shard_count=1)
    for cog in client.COGS:
        await bot.add_cog(cog(bot))
    return [command for command in bot.tree.walk_commands() if isinstance(command, app_commands.Command)]


def _korean_name(command: app_commands.Command[Any, ..., Any]) -> str:
    texts = translations.Translations().for_locale(models.Locale.KO)
    words = command.qualified_name.split()
    names = ["-".join(words[:length]) for length in range(1, len(words) + 1)]
    return " ".join(texts(f"command-{name}.name") for name in names)


async def test_every_slash_command_is_on_its_page_in_both_languages_with_its_options(
    commands: list[app_commands.Command[Any, ..., Any]],
) -> None:
    assert commands
    for command in commands:
        cells = _row_of(f"/{command.qualified_name}", _page("commands.md"))
        assert cells[1] == f"`/{_korean_name(command)}`"
        options = [str(option.display_name) for option in command.parameters]
        missing = [name for name in options if f"`{name}`" not in cells[2]]
        assert missing == [], f"options of /{command.qualified_name}"


async def test_the_page_of_commands_names_no_slash_command_that_does_not_exist(
    commands: list[app_commands.Command[Any, ..., Any]],
) -> None:
    known = {f"/{command.qualified_name}" for command in commands}
    documented = {
        cell.strip("`") for row in _rows(_page("commands.md")) for cell in row[:1] if cell.startswith("`/")
    }
    assert documented == known


def test_the_invitation_asks_for_exactly_the_permissions_that_the_readme_explains() -> None:
    page = _page("install.md")
    [number] = re.findall(r"permissions=(\d+)", page)
    assert int(number) == router.INVITED.value
    requested = [name for name, granted in discord.Permissions(int(number)) if granted]
    explained = page.partition("| permission | what for |")[2].partition("\n\n")[0]
    titles = [row.split("|")[0].strip() for row in ROW.findall(explained)][1:]
    aliases = {"view_channel": "read_messages"}
    explained_names = [title.lower().replace(" ", "_") for title in titles]
    assert sorted(aliases.get(name, name) for name in explained_names) == sorted(requested)


def test_the_readme_is_a_landing_page_and_has_lines_to_copy() -> None:
    for name, words in (("README.md", 700), ("README.ko.md", 700)):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert len(text.split()) <= words
        for line in ("git clone", "make demo", "docker compose run --rm paperround paperround setup", "▲"):
            assert line in text, f"{name}: {line}"


# The code


def test_every_make_target_is_in_contributing() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*##", text, re.MULTILINE)
    assert targets
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [target for target in targets if not re.search(rf"`?make {target}\b(?!-)", page)] == []


def test_hardly_anything_catches_every_exception() -> None:
    modules = [module for package in shape.PACKAGES for module in shape.read_modules(package)]
    assert shape.count_broad_excepts(modules) <= 11


def test_the_architecture_names_every_room() -> None:
    rooms = {path.parent.name for path in (ROOT / "bot").glob("*/__init__.py")} | {"storage"}
    documented = re.findall(r"`(\w+)`", "".join(row[0] for row in _rows(_page("architecture.md"))))
    assert {room for room in rooms if room not in documented} == set()


def test_every_module_that_a_page_names_exists() -> None:
    """A path in the pages is below `bot`, `bot/…`, `storage/…` or `tests/…`, with or without its ending."""
    rooms = {path.name for path in (ROOT / "bot").iterdir() if path.is_dir()}
    missing = []
    for page in PAGES_WITH_PATHS:
        for name in re.findall(r"`([a-z_]+(?:/[a-z_0-9.]+)+)`", page.read_text(encoding="utf-8")):
            if name.partition("/")[0] not in {*rooms, "bot", "storage", "tests", "bench", "docs"}:
                continue
            places = [folder / f"{name}{ending}" for folder in (ROOT, ROOT / "bot") for ending in ("", ".py")]
            if not any(place.exists() for place in places):
                missing.append((_name(page), name))
    assert missing == []


def test_the_page_about_storage_names_every_table() -> None:
    text = _page("storage.md")
    assert [name for name in tables.metadata.tables if f"`{name}`" not in text] == []


def test_the_delivery_page_names_every_state_of_the_outbox() -> None:
    text = _page("delivery.md")
    states = {state.value for kind in (models.PartState, models.DeliveryState) for state in kind}
    assert {state for state in states if f"`{state}`" not in text} == set()
    assert {kind.value for kind in models.PartKind if f"`{kind.value}`" not in text} == set()


# The operators' pages


def test_every_template_block_and_filter_is_on_the_page_about_wording() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "templates").glob("*.j2")}
    blocks = {block for text in files.values() for block in re.findall(r"{% block (\w+) %}", text)}
    custom_filters = set(templates.FILTERS) - {"safe", "trim"}
    assert {
        name for name in {*files, *blocks, *custom_filters} if f"`{name}`" not in _page("wording.md")
    } == set()


def test_every_metric_is_on_the_page_about_operating() -> None:
    names = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in health.Metrics().registry.collect()
    }
    assert names
    assert {name for name in names if f"`{name}" not in _page("operating.md")} == set()


def test_every_kind_and_status_of_a_source_is_on_the_page_about_sources() -> None:
    # The command line shows `gone` as `failed`.
    statuses = {status.value for status in models.FetchStatus} - {"gone"}
    kinds = {kind.value for kind in models.SourceKind}
    assert {name for name in kinds | statuses if f"| `{name}` |" not in _page("sources.md")} == set()


# All pages


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_relative_link_points_to_a_file_or_heading(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        link_path, _, heading = target.partition("#")
        file = (path.parent / link_path).resolve() if link_path else path
        if file.is_relative_to(IMAGES) and not IMAGES.is_dir():
            continue  # the pictures are generated from the demo
        assert file.exists(), target
        if heading:
            assert heading in _anchors(file), target


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_pages_have_no_exclamation_marks(path: Path) -> None:
    prose = CODE.sub("", path.read_text(encoding="utf-8")).replace("![", "[")
    assert "!" not in prose


@pytest.mark.parametrize("path", DECISIONS, ids=_name)
def test_every_decision_is_short_and_has_the_same_parts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    assert len(text.splitlines()) <= 60
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Context", "Options", "Decision", "Consequences", "Revisit when"]
    index = (path.parent / "README.md").read_text(encoding="utf-8")
    assert f"({path.name})" in index


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def _texts() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.iterdir()):
        if path.name.startswith(".venv") or path.name in SKIPPED_FOLDERS or path.name.endswith("_cache"):
            continue
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            if file.suffix in TEXT_SUFFIXES and file.is_file() and not SKIPPED_FOLDERS & set(file.parts):
                yield _name(file), file.read_text(encoding="utf-8", errors="replace")


def test_no_file_names_a_local_path_or_a_package_registry() -> None:
    matches = [
        (name, pattern)
        for name, text in _texts()
        if name != ".coverage"
        for pattern in [*MACHINE_PATHS, *REGISTRIES]
        if pattern in text
    ]
    assert matches == []
