"""The image, built from the `Dockerfile` and run: size, health, a post to the fake Discord, SIGTERM, charts, a read-only root.

Built with buildah by a recipe outside the repository, on a stand-in for the base image: it tells nothing of the real base
image, `docker compose` and memory limits. Needs root; `make test-image` runs it, `make test` skips it.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.core.clock import system_clock
from tests.conftest import SHARED_FOLDER
from tests.fake_discord import process
from tests.support import digest_builders, origin_server, patience

pytestmark = [pytest.mark.image, pytest.mark.wire]

ROOT = Path(__file__).parents[1]
RECIPE = SHARED_FOLDER / "image" / "build.sh"
CONTEXT = (
    "Dockerfile",
    ".dockerignore",
    "pyproject.toml",
    "constraints.txt",
    "README.md",
    "LICENSE",
    "bot",
    "storage",
    "templates",
)
TAG = "paperround-test"
BUILDAH = ["buildah", "--storage-driver", "vfs"]
USER_ID = 10001
ALERT_SECONDS = 300
READER_ID = 900_000_000_000_000_001

START_SECONDS = 60
"""The start period of the Dockerfile's health check."""
STOP_SECONDS = 15
"""The grace of docker-compose.yml."""


@dataclass(frozen=True)
class Container:
    """A container of the image. Its root is read-only but for /tmp and the volume /data, a folder of the host."""

    root: Path
    environment: Sequence[str]
    data: Path
    port: int

    def command(self, *command: str, **environment: str) -> list[str]:
        """Return the host's command that runs a command in the container, as the image's user and in its environment.

        The mounts are in a namespace of the command's own.
        """
        root = shlex.quote(str(self.root))
        variables = [f"{name}={value}" for name, value in environment.items()]
        assignments = [*self.environment, f"PAPERROUND_HTTP=127.0.0.1:{self.port}", *variables]
        lines = (
            f"mount --bind {root} {root}",
            f"mount -o remount,bind,ro {root}",
            f"mount -t tmpfs none {root}/tmp",
            f"mount --rbind /proc {root}/proc",
            f"mount --rbind /dev {root}/dev",
            f"mount --bind {shlex.quote(str(self.data))} {root}/data",
            f"exec chroot --userspec={USER_ID}:{USER_ID} {root}"
            f" env -i -C /data {shlex.join(assignments)} {shlex.join(command)}",
        )
        return ["unshare", "--mount", "sh", "-ec", "\n".join(lines)]

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.command(*command, **environment), capture_output=True, timeout=patience.scaled(300), cwd="/"
        )


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image's name, built from a copy of the checkout."""
    if os.geteuid() != 0:
        pytest.skip("building an image without an engine needs root")
    if not RECIPE.exists() or not shutil.which("buildah") or not shutil.which("debootstrap"):
        pytest.skip("the recipe, buildah or debootstrap is absent")
    folder = tmp_path_factory.mktemp("image")
    for name in CONTEXT:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder / name)
    built = subprocess.run(
        ["bash", str(RECIPE), str(folder), TAG], capture_output=True, text=True, timeout=patience.scaled(900)
    )
    assert built.returncode == 0, built.stderr
    return f"localhost/{TAG}"


def _inspect(image: str, field: str) -> list[str]:
    command = [
        *BUILDAH,
        "inspect",
        "--type",
        "image",
        "--format",
        f"{{{{range .OCIv1.Config.{field}}}}}{{{{println .}}}}{{{{end}}}}",
    ]
    return subprocess.check_output([*command, image], text=True).splitlines()


@pytest.fixture(scope="module")
def mounted(image: str) -> Iterator[tuple[Path, list[str]]]:
    """The root folder and the environment of a container of the image."""
    name = subprocess.check_output([*BUILDAH, "from", "--pull-never", image], text=True).strip()
    try:
        root = Path(subprocess.check_output([*BUILDAH, "mount", name], text=True).strip())
        yield root, [line for line in _inspect(image, "Env") if line]
    finally:
        subprocess.run([*BUILDAH, "rm", name], capture_output=True, check=True)


@pytest.fixture
def container(mounted: tuple[Path, list[str]]) -> Iterator[Container]:
    # pytest's folders are private to root, and the container's user must reach its volume.
    data = Path(tempfile.mkdtemp(prefix="paperround-data-"))
    os.chown(data, USER_ID, USER_ID)
    container = Container(*mounted, data, origin_server.find_free_port())
    if container.run("true").returncode:
        pytest.skip("mounts are not permitted here")
    yield container
    shutil.rmtree(data)


@pytest.fixture
async def fake_discord() -> AsyncIterator[process.FakeDiscord]:
    async with process.FakeDiscord() as running:
        await running.add_guild()
        yield running


@asynccontextmanager
async def running_bot(container: Container, fake: process.FakeDiscord) -> AsyncIterator[int]:
    """Run the image's command; yields the process id when it is healthy. It must end well by SIGTERM."""
    log_path = container.data / "bot.log"
    with log_path.open("wb") as log:
        command = container.command("paperround", "run", **fake.environment())
        bot = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, cwd="/")
    try:
        async with patience.limit(START_SECONDS):
            while (await asyncio.to_thread(container.run, "paperround", "healthcheck")).returncode:
                assert bot.returncode is None, log_path.read_text()
        yield bot.pid  # each program of the command replaces the one before
        bot.terminate()
        assert await patience.wait_for(bot.wait(), STOP_SECONDS) == 0, log_path.read_text()
    except TimeoutError:
        raise AssertionError(log_path.read_text()[-4000:]) from None
    finally:
        if bot.returncode is None:
            bot.kill()
            await bot.wait()


async def test_a_fresh_container_becomes_healthy_posts_as_its_user_and_ends_by_sigterm(
    container: Container, fake_discord: process.FakeDiscord
) -> None:
    assert container.run("paperround", "healthcheck").returncode == 1  # nothing runs yet
    async with running_bot(container, fake_discord) as process_id:
        status = (Path("/proc") / str(process_id) / "status").read_text()
        assert f"Uid:\t{USER_ID}\t{USER_ID}" in status
        set_up = f'[[alerts]]\nuser = "{READER_ID}"\nkeywords = ["trained with care"]\n'
        (container.data / "set-up.toml").write_text(set_up, encoding="utf-8")
        added = container.run("paperround", "config", "apply", "/data/set-up.toml", "--yes")
        assert added.returncode == 0, added.stderr
        digest = digest_builders.newsletter(system_clock().date(), [("2601.00001", 9)])
        await patience.wait_until((container.data / "inbox").is_dir)
        (container.data / "inbox" / "digest.md").write_text(digest, encoding="utf-8")
        # The alert is held for some minutes to be gathered.
        await patience.wait_until(lambda: _has_messages(fake_discord), ALERT_SECONDS)
        assert "2601.00001" in str(await fake_discord.all_messages())
    assert (container.data / "paperround.db").stat().st_uid == USER_ID


async def _has_messages(fake: process.FakeDiscord) -> bool:
    return bool(await fake.all_messages())
