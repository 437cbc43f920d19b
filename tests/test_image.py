"""The `Dockerfile`'s image, run with Docker or Podman. `make test-image` runs it; `make test` skips it."""

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from tests.support import digest_builders, patience

pytestmark = pytest.mark.image

ROOT = Path(__file__).parents[1]
TAG = "paperround-test"
SCRIPT = "id -u; paperround ingest /inbox/day.md && paperround digest 2026-01-05"


def _is_running(engine: str) -> bool:
    return subprocess.run([engine, "info"], capture_output=True, timeout=patience.scaled(60)).returncode == 0


def test_image_stores_a_digest_as_its_user_on_a_read_only_root(tmp_path: Path) -> None:
    found = filter(None, map(shutil.which, ("docker", "podman")))
    engine = next((path for path in found if _is_running(path)), None)
    if engine is None:
        pytest.skip("needs Docker or Podman")
    subprocess.run([engine, "build", "--tag", TAG, ROOT], check=True, timeout=patience.scaled(900))
    tmp_path.chmod(0o755)  # the container's user reads it
    digest = digest_builders.newsletter(date(2026, 1, 5), [("2601.00001", 9)])
    (tmp_path / "day.md").write_text(digest, encoding="utf-8")
    command = [engine, "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--volume", f"{tmp_path}:/inbox:ro"]
    printed = subprocess.check_output(
        [*command, TAG, "sh", "-c", SCRIPT], text=True, timeout=patience.scaled(120)
    )
    assert printed.startswith("10001\n")
    assert "2601.00001" in printed
