"""The wheel, built offline from a copy of the checkout, contains all files that the code needs."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import patience

ROOT = Path(__file__).parents[1]
BUILD_INPUTS = ("pyproject.toml", "README.md", "LICENSE", ".gitignore", "bot", "storage", "templates")
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
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"]
    built = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=patience.scaled(120), env=environment
    )
    assert built.returncode == 0, built.stderr
    [file] = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(file) as opened:
        names = set(opened.namelist())
    sources = [path for folder in ("bot", "storage", "templates") for path in (ROOT / folder).rglob("*")]
    files = {path.relative_to(ROOT).as_posix() for path in sources if path.suffix in SUFFIXES}
    files = {f"bot/{name}" if name.startswith("templates/") else name for name in files}
    assert files <= names
    assert not [name for name in names if not name.startswith(("bot/", "storage/", "paperround-"))]
