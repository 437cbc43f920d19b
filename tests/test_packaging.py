"""Packaging: the wheel contains all files that the code reads, and a checkout reads `templates` through a link."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import resources
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from bot.client import translations
from bot.demo import sample_digests
from storage import models
from tests.support import patience

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
        command, cwd=folder, capture_output=True, text=True, timeout=patience.scaled(120), env=_environment()
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


def test_the_wheel_contains_every_template_in_its_package(wheel: frozenset[str]) -> None:
    assert {f"bot/{path}" for path in _files("templates", "*.j2")} <= wheel


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        *((package, "*.py") for package in CODE),
        ("bot/client/locales", "*.ftl"),
        ("bot/demo/samples", "*.md"),
        ("bot/demo/pictures", "*.png"),
        ("bot/text", "*.tsv"),
        ("bot/text", "*.txt"),
    ],
)
def test_the_wheel_contains_every_module_and_data_file(
    wheel: frozenset[str], folder: str, pattern: str
) -> None:
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
    texts = translations.Translations()
    assert all(texts.for_locale(locale)("broken", reference="1") for locale in models.Locale)
    assert sample_digests.sample_texts()


def _requirements() -> list[Requirement]:
    """Return all requirements of the project, its build and its extras, without references to other extras."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    extras = project["project"]["optional-dependencies"].values()
    texts = [
        *project["project"]["dependencies"],
        *project["build-system"]["requires"],
        *(t for e in extras for t in e),
    ]
    return [Requirement(text) for text in texts]


def _pinned() -> dict[str, Version]:
    """Return the versions in constraints.txt by canonical name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


@pytest.mark.parametrize("requirement", _requirements(), ids=str)
def test_every_dependency_is_capped_at_the_next_major_version(requirement: Requirement) -> None:
    pinned = _pinned()[canonicalize_name(requirement.name)]
    caps = [Version(part.version) for part in requirement.specifier if part.operator == "<"]
    assert len(caps) == 1, f"{requirement} has no cap"
    assert requirement.specifier.contains(pinned), f"{requirement} excludes the version in constraints.txt"
    if requirement.name != "tzdata":
        assert caps[0] <= Version(str(pinned.major + 1))
    assert not requirement.specifier.contains(Version("9999"))


def test_the_constraints_are_exact_versions() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#") and line.count("==") != 1] == []
    assert all(len(version.release) >= 2 for version in _pinned().values())
