"""Installation into an empty environment, as with `pipx install .`, and of the files that `make release` built."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from tests.support import digest_builders, patience

pytestmark = pytest.mark.install

ROOT = Path(__file__).parents[1]


@pytest.fixture(
    scope="module", params=[ROOT, *sorted(ROOT.glob("dist/paperround-*"))], ids=lambda path: path.name
)
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `paperround` in a new environment without extras."""
    environment = tmp_path_factory.mktemp("environment")
    if request.param == ROOT:
        return _install_service(environment)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True, timeout=patience.scaled(120))
    pip: list[str | Path] = [environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "-c", ROOT / "constraints.txt", request.param], check=True, timeout=patience.scaled(600)
    )
    return environment / "bin" / "paperround"


def _install_service(folder: Path) -> Path:
    """Run the commands of the systemd unit that install the program, and return the one that it starts."""
    unit = (ROOT / "deploy/paperround.service").read_text("utf-8").replace("/usr/local/bin/", f"{folder}/")
    unit = unit.replace("/opt/paperround", f"{folder}/opt").replace("python3 ", f"{sys.executable} ")
    commands = [line[4:] for line in unit.splitlines() if line.startswith("#   ") and str(folder) in line]
    *installing, upgrading = commands
    assert len(installing) == 2
    assert installing[0].partition(" && ")[2] in upgrading
    for line in installing:
        subprocess.run(["sh", "-ec", line], cwd=ROOT, check=True, timeout=patience.scaled(720))
    [started] = [line.partition("=")[2] for line in unit.splitlines() if line.startswith("ExecStart=")]
    assert (folder / "paperround").resolve() == Path(started.split()[0])
    return folder / "paperround"


def _run(command: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command outside the checkout in an empty environment."""
    environment = {"PATH": os.defpath, "HOME": str(folder)}
    return subprocess.run(
        [command, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=patience.scaled(120),
    )


def test_installed_command_stores_a_digest(command: Path, tmp_path: Path) -> None:
    digest = digest_builders.newsletter(date(2026, 1, 5), [("2601.00001", 5)])
    (tmp_path / "day.md").write_text(digest, encoding="utf-8")
    assert _run(command, tmp_path, "--version").stdout.startswith("paperround ")
    assert _run(command, tmp_path, "ingest", "day.md").returncode == 0
    assert "2601.00001" in _run(command, tmp_path, "digest", "2026-01-05").stdout
