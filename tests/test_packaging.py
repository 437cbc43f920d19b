"""The wheel, built offline from a copy of the checkout, has all files that the code needs; its version names one schema."""

import ast
import os
import shutil
import sqlite3
import subprocess
import sys
import tomllib
import zipfile
from contextlib import closing
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from storage import key_values, migrations
from tests.support import patience, upgrades

ROOT = Path(__file__).parents[1]
BUILD_INPUTS = (
    "pyproject.toml",
    "hatch_build.py",
    "README.md",
    "LICENSE",
    ".gitignore",
    "bot",
    "storage",
    "templates",
)
SUFFIXES = frozenset({".py", ".ftl", ".md", ".png", ".tsv", ".txt", ".j2"})


def test_wheel_contains_every_module_template_and_data_file(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="the dev extra installs it")
    for name in BUILD_INPUTS:
        # bot/templates is a link.
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    # pytest-cov would measure the build.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV_CORE_")}
    environment["COMMIT"] = "1a2b3c4d5e6f7a8b"
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"]
    built = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=patience.scaled(120), env=environment
    )
    assert built.returncode == 0, built.stderr
    [file] = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(file) as opened:
        names = set(opened.namelist())
        assert opened.read("bot/commit.txt") == b"1a2b3c4d5e6f\n"
    sources = [path for folder in ("bot", "storage", "templates") for path in (ROOT / folder).rglob("*")]
    files = {path.relative_to(ROOT).as_posix() for path in sources if path.suffix in SUFFIXES}
    files = {f"bot/{name}" if name.startswith("templates/") else name for name in files}
    assert files <= names
    assert not [name for name in names if not name.startswith(("bot/", "storage/", "paperround-"))]


def test_an_installation_without_extras_has_all_that_a_bot_imports() -> None:
    """`run` imports every module at its start."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    installed, left = set[str](), [Requirement(text) for text in declared]
    while left:
        wanted = left.pop()
        if (name := canonicalize_name(wanted.name)) not in installed:
            installed.add(name)
            needed = map(Requirement, metadata.requires(name) or ())
            extras = [{"extra": extra} for extra in (wanted.extras or [""])]
            left += [one for one in needed if one.marker is None or any(map(one.marker.evaluate, extras))]
    known = metadata.packages_distributions()
    files = [file for package in ("bot", "storage") for file in (ROOT / package).rglob("*.py")]
    missing = {
        (file.name, imported)
        for file in files
        if "demo" not in file.parts and file.name != "mcp_server.py"  # extras of their own
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        for imported in _list_imported(node)
        if imported not in {"bot", "storage", "_typeshed", *sys.stdlib_module_names}
        and not installed & {*map(canonicalize_name, known.get(imported, ()))}
    }
    assert missing == set()


def _list_imported(node: ast.AST) -> list[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    if isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    return [name.partition(".")[0] for name in names]


def test_a_changed_schema_has_a_version_that_was_not_released(tmp_path: Path) -> None:
    version = Version(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])
    released = max(upgrades.STORED, key=lambda folder: Version(folder.name))
    stored = tmp_path / "paperround.db"
    upgrades.restore(released, f"sqlite+aiosqlite:///{stored}")
    with closing(sqlite3.connect(stored)) as connection:
        # 0.1.0 had no number of its schema.
        schema = dict(connection.execute("SELECT key, value FROM meta")).get(key_values.SCHEMA_VERSION)
    assert version > Version(released.name) or schema == str(migrations.VERSION), (
        f"schema {migrations.VERSION} in version {version}, which was released with {schema}: raise it in pyproject.toml"
    )
