"""The Compose files, those in `.github`, the action and the workflow to copy match their JSON schemas."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import patience

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("compose-spec", "docker-compose*.yml"),
        ("github-workflows", ".github/workflows/*.yml"),
        ("github-workflows", "deploy/github/*.yml"),
        ("github-actions", "action.yml"),
        ("github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
        ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("dependabot", ".github/dependabot.yml"),
    ],
)
def test_files_for_other_tools_are_valid(schema: str, pattern: str) -> None:
    pytest.importorskip("check_jsonschema", reason="the dev extra installs it")
    files = list(map(str, ROOT.glob(pattern)))
    assert files
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files]
    result = subprocess.run(check, capture_output=True, text=True, timeout=patience.scaled(120))
    assert result.returncode == 0, result.stdout
