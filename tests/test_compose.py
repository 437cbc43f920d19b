"""The Compose files match the Compose Specification's JSON schema."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import patience

ROOT = Path(__file__).parents[1]


def test_compose_files_are_valid() -> None:
    pytest.importorskip("check_jsonschema", reason="the dev extra installs it")
    files = map(str, ROOT.glob("docker-compose*.yml"))
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", *files]
    result = subprocess.run(check, capture_output=True, text=True, timeout=patience.scaled(120))
    assert result.returncode == 0, result.stdout
