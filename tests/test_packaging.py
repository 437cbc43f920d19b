"""What is installed: the wheel holds all that the code reads at run time, and a checkout finds the live templates."""

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
NEEDED = (
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
    """The names of the files in a wheel that is built from a copy of the checkout, without network."""
    pytest.importorskip("hatchling", reason="the wheel is built with hatchling, which the dev extra brings")
    folder = tmp_path_factory.mktemp("wheel")
    for name in NEEDED:
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
        # As links, since the link bot/templates is what puts the templates into the package.
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _environment() -> dict[str, str]:
    # pytest-cov would otherwise measure the build as well.
    return {name: value for name, value in os.environ.items() if not name.startswith("COV_CORE_")}


def _files(folder: str, pattern: str) -> set[str]:
    """Return the files below a folder of the checkout, by their paths in it."""
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(pattern) if path.is_file()}
    assert found, f"nothing like {pattern} in {folder}"
    return found


@pytest.mark.parametrize("package", CODE)
def test_the_wheel_holds_every_module(wheel: frozenset[str], package: str) -> None:
    assert _files(package, "*.py") <= wheel


def test_the_wheel_holds_every_template_under_its_package(wheel: frozenset[str]) -> None:
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
def test_the_wheel_holds_the_data_that_code_reads(wheel: frozenset[str], folder: str, pattern: str) -> None:
    assert _files(folder, pattern) <= wheel


def test_the_wheel_holds_no_file_that_only_the_workshop_needs(wheel: frozenset[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(CODE)
    assert not [name for name in wheel if name.endswith((".pyc", ".db", ".lock", ".env"))]


def test_the_wheel_offers_the_command(wheel: frozenset[str]) -> None:
    assert any(name.endswith(".dist-info/entry_points.txt") for name in wheel)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)


def test_a_checkout_reads_the_live_templates_through_a_link() -> None:
    link = ROOT / "bot" / "templates"
    assert link.is_symlink()
    assert not Path(os.readlink(link)).is_absolute()
    assert link.resolve() == ROOT / "templates"
    in_package = {one.name for one in (resources.files("bot") / "templates").iterdir()}
    assert in_package == {path.name for path in (ROOT / "templates").iterdir()}


def test_data_of_the_package_is_found_where_the_code_looks_for_it() -> None:
    texts = translations.load()
    assert all(texts.for_locale(locale)("broken", reference="1") for locale in models.Locale)
    assert samples.sample_texts()
