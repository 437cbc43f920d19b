"""Links, paths, settings and reference tables in the documentation are correct."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from bot import cli
from bot.core import settings

ROOT = Path(__file__).parents[1]
GUIDES = [ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [*GUIDES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_links_point_to_existing_files_and_headings() -> None:
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


def test_paths_in_the_documents_exist() -> None:
    folders = ROOT, ROOT / "bot", ROOT / "bot" / "features"
    rooms = {path.name for folder in folders[1:] for path in folder.iterdir() if path.is_dir()}
    tops = rooms | {"bot", "storage", "docs"}
    missing = [
        (page.name, name)
        for page in GUIDES
        for name in re.findall(r"`([a-z_]+(?:/[a-z_0-9.]+)+)`", read(page))
        if name.partition("/")[0] in tops
        and not any((top / f"{name}{end}").exists() for top in folders for end in ("", ".py"))
    ]
    assert missing == []


def test_settings_in_the_documents_exist() -> None:
    known = {settings.setting_name(name) for name in settings.Settings.model_fields}
    known |= {f"{name}_FILE" for name in known}
    pattern = re.compile(r"\b(?:PAPERROUND_[A-Z][A-Z_]*|DISCORD_TOKEN|HF_ENDPOINT)\b(?!_)")
    assert {name for page in GUIDES for name in pattern.findall(read(page))} <= known


def _find_shell_commands(text: str) -> Iterator[list[str]]:
    """Yield the words after `paperround` of each command in code spans and blocks."""
    blocks = re.findall(r"```.*?```", text, re.DOTALL)
    spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for code in (*blocks, *spans):
        for line in re.findall(r"(?<![\w./\"-])paperround (?!paperround)([a-z-][^\n#|&]*)", code):
            yield line.split("  ")[0].split()


def test_shell_commands_in_the_documents_exist_with_their_options() -> None:
    app: Any = typer.main.get_command(cli.build_app())
    wrong, number = [], 0
    for page in DOCUMENTS:
        for words in _find_shell_commands(read(page)):
            command, rest = app, [*words]
            while rest and rest[0] in getattr(command, "commands", {}):
                command = command.commands[rest.pop(0)]
            known = {name for option in command.params for name in option.opts}
            unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
            number += 1
            if command is app or unknown:
                wrong.append((page.name, " ".join(words)))
    assert (wrong, number > 100) == ([], True), number


def test_reference_tables_match_the_code() -> None:
    """`make docs` generates them."""
    made = subprocess.run(
        [sys.executable, ROOT / "docs" / "reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode, made.stdout) == (0, ""), made.stderr
