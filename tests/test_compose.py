"""The Compose files are valid by the Compose Specification's JSON schema, and their containers have few privileges."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.app import front
from bot.core import settings
from bot.sources import huggingface, kinds
from storage import database
from tests.support import patience

ROOT = Path(__file__).parents[1]
COMPOSE_FILE = ROOT / "docker-compose.yml"
SCALE_FILE = ROOT / "docker-compose.scale.yml"
CHECK = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]


def validate(file: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema, of the dev extra, brings the schema")
    return subprocess.run([*CHECK, str(file)], capture_output=True, text=True, timeout=patience.scaled(120))


def load(file: Path) -> dict[str, dict[str, Any]]:
    """Return the services of a Compose file."""
    yaml = pytest.importorskip("ruamel.yaml", reason="check-jsonschema, of the dev extra, brings it")
    return dict(yaml.YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))["services"])


def test_the_password_of_a_new_primary_is_no_argument_of_a_command(tmp_path: Path) -> None:
    psql = tmp_path / "psql"
    psql.write_text('#!/bin/sh\necho "$@" > "$PGDATA/arguments"\ncat > "$PGDATA/script"\n', encoding="utf-8")
    psql.chmod(0o755)
    path, password = f"{tmp_path}:{os.environ['PATH']}", "pa55-of-postgres"
    environment = {"PATH": path, "PGDATA": str(tmp_path), "POSTGRES_PASSWORD": password}
    script = ["bash", str(ROOT / "deploy" / "postgres-first.sh")]
    subprocess.run(script, check=True, env=environment, timeout=patience.scaled(60))
    assert password not in (tmp_path / "arguments").read_text(encoding="utf-8")
    assert "\\getenv password POSTGRES_PASSWORD\n" in (tmp_path / "script").read_text(encoding="utf-8")


@pytest.fixture
def service() -> dict[str, Any]:
    return load(COMPOSE_FILE)["paperround"]


@pytest.mark.parametrize("file", [COMPOSE_FILE, SCALE_FILE], ids=lambda file: file.name)
def test_a_compose_file_is_valid_by_the_specification(file: Path) -> None:
    result = validate(file)
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


BOT_VOLUMES = ["data:/data", "./inbox:/inbox:ro"]
POSTGRES_SCRIPT = "./deploy/postgres.sh:/deploy/postgres.sh:ro"
CONTAINERS: dict[Path, dict[str, tuple[list[str], list[str]]]] = {
    COMPOSE_FILE: {"paperround": (["/tmp"], BOT_VOLUMES)},
    SCALE_FILE: {
        "postgres-1": (
            ["/tmp", "/var/run/postgresql"],
            [
                "postgres-1:/var/lib/postgresql/data",
                POSTGRES_SCRIPT,
                "./deploy/postgres-first.sh:/docker-entrypoint-initdb.d/first.sh:ro",
            ],
        ),
        "postgres-2": (
            ["/tmp", "/var/run/postgresql"],
            ["postgres-2:/var/lib/postgresql/data", POSTGRES_SCRIPT],
        ),
        **dict.fromkeys(("leader-1", "leader-2", "front-1", "front-2"), (["/tmp"], BOT_VOLUMES)),
        "caddy": (
            ["/tmp"],
            ["./deploy/Caddyfile:/etc/caddy/Caddyfile:ro", "caddy-data:/data", "caddy-config:/config"],
        ),
    },
}
"""What the containers of each file may write to, in memory and in volumes."""


@pytest.mark.parametrize("file", CONTAINERS, ids=lambda file: file.name)
def test_the_containers_have_few_privileges_and_bounded_memory(file: Path) -> None:
    services = load(file)
    written = {name: (service["tmpfs"], service["volumes"]) for name, service in services.items()}
    assert written == CONTAINERS[file]
    for name, service in services.items():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert service["pids_limit"]
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"
        assert "privileged" not in service
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert not source.startswith("./deploy") or (ROOT / source).is_file()


def test_the_parts_of_the_large_file_find_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    services = load(SCALE_FILE)
    ways: dict[str, list[str]] = {}
    for name, service in services.items():
        role = service.get("command", ["", "", "", name.partition("-")[0]])[3]
        ways.setdefault(role, []).append(name)
    assert ways == {
        "postgres": ["postgres-1", "postgres-2"],
        "leader": ["leader-1", "leader-2"],
        "front": ["front-1", "front-2"],
        "caddy": ["caddy"],
    }
    for name in (*ways["leader"], *ways["front"]):
        url = database.parse_url(services[name]["environment"]["PAPERROUND_DATABASE_URL"])
        assert url.query == {
            "host": tuple(f"{name}:5432" for name in ways["postgres"]),
            "target_session_attrs": "primary",
        }
    caddy = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    port = services["front-1"]["environment"]["PAPERROUND_INTERACTIONS"].rpartition(":")[2]
    assert f"reverse_proxy {' '.join(f'{name}:{port}' for name in ways['front'])} {{" in caddy
    assert f"handle {front.PATH} {{" in caddy
    names = set(re.findall(r"\$\{?([A-Z_]+)", SCALE_FILE.read_text(encoding="utf-8") + caddy))
    for name in names:  # in `.env`, which the bot reads too
        monkeypatch.setenv(name, "value")
    assert settings.find_unknown() == []


def test_docker_and_compose_ask_the_running_bot(service: dict[str, Any]) -> None:
    command = ["paperround", "healthcheck"]
    assert service["healthcheck"]["test"] == ["CMD", *command]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"CMD {command!r}".replace("'", '"') in dockerfile
    assert "PAPERROUND_HTTP=127.0.0.1:" in dockerfile, "without it the check has nobody to ask"
    assert service["environment"]["PAPERROUND_HTTP"].startswith("0.0.0.0:")
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
