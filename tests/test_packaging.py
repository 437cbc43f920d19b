"""Packaging: the wheel contains all files that the code reads, and a checkout reads `templates` through a link."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path

import pytest

from bot.client import translations
from bot.demo import samples
from storage import models

ROOT = Path(__file__).parents[1]
BUILD_INPUTS = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    ".gitignore",
    "bot",
    "storage",
    "templates",
    "tests",
    "bench",
)
CODE = ("bot", "storage")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Names of the files in a wheel built from a copy of the checkout, without network."""
    pytest.importorskip("hatchling", reason="hatchling, of the dev extra, builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    for name in BUILD_INPUTS:
        _copy(ROOT / name, folder / name)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"]
    built = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, env=_environment()
    )
    assert built.returncode == 0, built.stderr
    [file] = (folder / "out").glob("*.whl")
    with zipfile.ZipFile(file) as opened:
        return frozenset(opened.namelist())


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        # Keep links: bot/templates, which includes the templates in the package, is one.
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _environment() -> dict[str, str]:
    # Without these variables pytest-cov does not measure the build.
    return {name: value for name, value in os.environ.items() if not name.startswith("COV_CORE_")}


def _files(folder: str, pattern: str) -> set[str]:
    """Return the paths of matching files below a folder, relative to the checkout."""
    paths = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(pattern) if path.is_file()}
    assert paths, f"no {pattern} in {folder}"
    return paths


@pytest.mark.parametrize("package", CODE)
def test_the_wheel_contains_every_module(wheel: frozenset[str], package: str) -> None:
    assert _files(package, "*.py") <= wheel


def test_the_wheel_contains_every_template_in_its_package(wheel: frozenset[str]) -> None:
    assert {f"bot/{path}" for path in _files("templates", "*.j2")} <= wheel


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("bot/client/locales", "*.ftl"),
        ("bot/demo/samples", "*.md"),
        ("bot/demo/pictures", "*.png"),
        ("bot/text/glossary", "*.tsv"),
        ("storage/migrations/versions", "*.py"),
    ],
)
def test_the_wheel_contains_the_data_files(wheel: frozenset[str], folder: str, pattern: str) -> None:
    assert _files(folder, pattern) <= wheel


def test_the_wheel_contains_no_development_files(wheel: frozenset[str]) -> None:
    folders = {name.partition("/")[0] for name in wheel}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == set(CODE)
    assert not [name for name in wheel if name.endswith((".pyc", ".db", ".lock", ".env"))]


def test_the_wheel_has_the_command_and_the_license(wheel: frozenset[str]) -> None:
    assert any(name.endswith(".dist-info/entry_points.txt") for name in wheel)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)


def test_a_checkout_reads_the_templates_through_a_relative_link() -> None:
    link = ROOT / "bot" / "templates"
    assert link.is_symlink()
    assert not Path(os.readlink(link)).is_absolute()
    assert link.resolve() == ROOT / "templates"
    in_package = {path.name for path in (resources.files("bot") / "templates").iterdir()}
    assert in_package == {path.name for path in (ROOT / "templates").iterdir()}


def test_the_code_finds_the_data_files_of_the_package() -> None:
    texts = translations.load()
    assert all(texts.for_locale(locale)("broken", reference="1") for locale in models.Locale)
    assert samples.sample_texts()
