"""`docker-compose.yml` is valid by the Compose Specification's JSON schema, and the container has few privileges."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.core import settings
from bot.sources import huggingface, kinds
from tests.support import patience

ROOT = Path(__file__).parents[1]
COMPOSE_FILE = ROOT / "docker-compose.yml"
CHECK = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]


def validate(file: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema, of the dev extra, brings the schema")
    return subprocess.run([*CHECK, str(file)], capture_output=True, text=True, timeout=patience.scaled(120))


@pytest.fixture
def service() -> dict[str, Any]:
    yaml = pytest.importorskip("ruamel.yaml", reason="check-jsonschema, of the dev extra, brings it")
    document = yaml.YAML(typ="safe", pure=True).load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return dict(document["services"]["paperround"])


def test_the_compose_file_is_valid_by_the_specification() -> None:
    result = validate(COMPOSE_FILE)
    assert result.returncode == 0, result.stdout


def test_a_misspelt_key_would_be_found(tmp_path: Path) -> None:
    text = COMPOSE_FILE.read_text(encoding="utf-8")
    assert "mem_limit:" in text
    (tmp_path / "docker-compose.yml").write_text(text.replace("mem_limit:", "mem_limt:"), encoding="utf-8")
    assert validate(tmp_path / "docker-compose.yml").returncode == 1


def test_one_line_without_its_mark_switches_the_default_source_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yaml = pytest.importorskip("ruamel.yaml", reason="check-jsonschema, of the dev extra, brings it")
    text = COMPOSE_FILE.read_text(encoding="utf-8")
    switched_on = text.replace("# PAPERROUND_SOURCES:", "PAPERROUND_SOURCES:")
    assert switched_on != text
    environment = yaml.YAML(typ="safe", pure=True).load(switched_on)["services"]["paperround"]["environment"]
    monkeypatch.setenv("PAPERROUND_SOURCES", environment["PAPERROUND_SOURCES"])
    assert [source.url for source in settings.load().sources] == [huggingface.ADDRESS]
    for place in ("docker-compose.yml", "docs/install.md", "docs/operating.md", "docs/sources.md"):
        assert kinds.ADD_DEFAULT in (ROOT / place).read_text(encoding="utf-8"), place


def test_the_container_has_few_privileges_and_bounded_memory(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["volumes"] == ["data:/data", "./inbox:/inbox:ro"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert "privileged" not in service


def test_docker_and_compose_ask_the_running_bot(service: dict[str, Any]) -> None:
    command = ["paperround", "healthcheck"]
    assert service["healthcheck"]["test"] == ["CMD", *command]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"CMD {command!r}".replace("'", '"') in dockerfile
    assert "PAPERROUND_HTTP=127.0.0.1:" in dockerfile, "without it the check has nobody to ask"
    assert service["environment"]["PAPERROUND_HTTP"].startswith("0.0.0.0:")
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
