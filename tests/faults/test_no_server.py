"""The workflow to copy: its script against a bare repository, the fake Discord, and runs that die, collide or are lost."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.clock import system_clock
from tests.fake_discord import model
from tests.fake_discord.server import FakeDiscord
from tests.support import clock_file, digest_builders, patience
from tests.support.shell_fixtures import CommandResult
from tests.support.single_runs import post, post_in

pytestmark = [pytest.mark.wire, pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")]

ROOT = Path(__file__).parents[2]
BRANCH = "refs/heads/paperround-state"
STEP = re.findall(r"- run: (.+)", (ROOT / "deploy/github/paperround.yml").read_text())[-1]
"""What the workflow runs after the installation."""
COMMAND = """\
#!/bin/sh
exec {python} -c 'import sys, pathlib
sys.path.insert(0, "{root}")
from tests.support import shifted_clock
shifted_clock.shift_clocks(pathlib.Path("{clock}"))
from bot import cli
cli.main()' "$@"
"""
DIES = """\
#!/bin/sh
{command} "$@" &
while ! grep -q sent {sending}; do kill -0 $! || exit 1; done
kill -9 $!
wait $!
"""


def git(*arguments: str, cwd: Path, status: int = 0) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == status, done
    return done.stdout.strip()


@dataclass
class Copy:
    """A copy of the repository on a bare one, which keeps `docs/services.md`, section *GitHub*.

    Each run is in a new checkout, as on a new machine.
    """

    fake: FakeDiscord
    folder: Path
    channel_id: int
    secrets: dict[str, str]
    runs: int = 0
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bare, self.bin, self.clock = self.folder / "bare", self.folder / "bin", self.folder / "clock"
        git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), cwd=self.folder)
        self.inbox = self.folder / "inbox"
        for made in (self.bin, self.inbox):
            made.mkdir()
        self.replace_command(COMMAND.format(python=sys.executable, root=ROOT, clock=self.clock))
        self.move_clock(0)
        entry = post_in(self.channel_id) if TOKEN in self.secrets else post(webhook="${DISCORD_WEBHOOK}")
        self.commit(
            {"posts.toml": entry, "deploy/github/run.sh": (ROOT / "deploy/github/run.sh").read_text()}
        )

    def commit(self, files: dict[str, str]) -> None:
        checkout = self.check_out()
        for name, text in files.items():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_text(text)
        git("add", ".", cwd=checkout)
        author = ("-c", "user.name=a", "-c", "user.email=a@localhost")
        git(*author, "commit", "--quiet", "-m", "files", cwd=checkout)
        git("push", "--quiet", "origin", "HEAD:main", cwd=checkout)

    def add_digest(self, day: int, paper: str) -> None:
        """Add a digest of today or a later day to the folder that is the only source."""
        on = system_clock().date() + timedelta(days=day)
        (self.inbox / f"{paper}.md").write_text(digest_builders.newsletter(on, [(paper, 9)]))

    def move_clock(self, days: float) -> None:
        clock_file.write(self.clock, days * 86_400, 0)
        self.fake.world.clock.elapsed = days * 86_400

    def replace_command(self, text: str) -> None:
        file = self.bin / "paperround"
        file.write_text(text)
        file.chmod(0o755)

    def check_out(self) -> Path:
        self.runs += 1
        checkout = self.folder / f"check out {self.runs}"
        git("clone", "--quiet", "--depth", "1", f"file://{self.bare}", str(checkout), cwd=self.folder)
        return checkout

    async def run(self, *, checkout: Path | None = None, **settings: str) -> CommandResult:
        """Run the script as the workflow does. Secrets must be neither in its output nor in what it stored."""
        checkout = checkout or self.check_out()
        temporary = checkout.with_name(f"{checkout.name}-temp")
        temporary.mkdir()
        summary = temporary / "summary"
        given = {name: value for name, value in self.fake.environment().items() if name != "DISCORD_TOKEN"}
        environment = {
            **os.environ,
            **given,
            "DISCORD_TOKEN": "",
            **{name: f"{value}\n" for name, value in self.secrets.items()},
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(temporary),
            "TMPDIR": str(temporary),
            "GITHUB_STEP_SUMMARY": str(summary),
            "PUSH_PAUSE": "0",
            "PAPERROUND_INBOX": str(self.inbox),
            **settings,
        }
        process = await asyncio.create_subprocess_exec(
            *STEP.split(),
            cwd=checkout,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await patience.wait_for(process.communicate(), 90)
        assert process.returncode is not None
        said = out.decode()
        self.said.append(said)
        assert said in summary.read_text()
        for secret in self.secrets.values():
            assert secret not in said
            assert secret.rpartition("/")[2] not in said
        return CommandResult(process.returncode, said, "")

    def state(self) -> str:
        return git("for-each-ref", "--format=%(objectname)", BRANCH, cwd=self.bare)

    def read_state(self) -> bytes:
        command = ["git", "cat-file", "blob", f"{BRANCH}:state"]
        return subprocess.run(command, cwd=self.bare, capture_output=True, check=True).stdout

    def posts(self) -> list[str]:
        """Return which of the papers is in each message of the channel."""
        texts = map(json.dumps, self.fake.messages(self.channel_id))
        return [paper for text in texts for paper in PAPERS if paper in text]


PAPERS = ("2601.00001", "2601.00002")


WEBHOOK, TOKEN = "DISCORD_WEBHOOK", "DISCORD_TOKEN"
both = pytest.mark.parametrize("secret", [WEBHOOK, pytest.param(TOKEN, marks=pytest.mark.all_faults)])
"""A run is a process of two seconds, so by default only what is harder: with a webhook, Discord cannot be asked."""


@pytest.fixture
def secret() -> str:
    return WEBHOOK


@pytest.fixture
def copy(secret: str, fake: FakeDiscord, tmp_path: Path) -> Copy:
    fake.lift_rate_limits()
    [channel_id] = fake.add_channels(1)
    address = fake.add_webhook(channel_id)
    return Copy(fake, tmp_path, channel_id, {secret: model.TOKEN if secret == TOKEN else address})


@pytest.mark.promise
async def test_a_week_of_runs_posts_each_day_once(copy: Copy) -> None:
    copy.add_digest(0, PAPERS[0])
    first = await copy.run()
    assert first.exit_status == 0, first
    assert ": sent\n" in first.stdout
    assert copy.posts() == [PAPERS[0]]
    # The state is one commit, without a word of the secret or of a paper.
    history = git("rev-list", BRANCH, cwd=copy.bare)
    assert history == copy.state()
    assert copy.read_state().startswith(b"Salted__")
    assert PAPERS[0].encode() not in copy.read_state()
    # Later that day there is nothing to send.
    again = await copy.run()
    assert (again.exit_status, "not due until" in again.stdout) == (0, True), again
    assert git("rev-list", "--count", BRANCH, cwd=copy.bare) == "1"
    # The second day, and a week later one without papers.
    copy.move_clock(1)
    copy.add_digest(1, PAPERS[1])
    second = await copy.run(SITE_URL="https://papers.example.org")
    assert second.exit_status == 0, second
    assert "web archive" in second.stdout
    assert copy.posts() == [*PAPERS]
    copy.move_clock(8)
    quiet = await copy.run()
    assert quiet.exit_status == 0, quiet
    print(*copy.said, sep="\n---\n")
    assert copy.posts() == [*PAPERS]


@both
@pytest.mark.promise
async def test_what_cannot_be_stored_is_not_sent_or_not_sent_again(copy: Copy) -> None:
    copy.add_digest(0, PAPERS[0])
    refusal = copy.bare / "hooks" / "pre-receive"
    refusal.write_text("#!/bin/sh\nexit 1\n")
    refusal.chmod(0o755)
    lost = await copy.run()
    print(lost.stdout)
    assert (lost.exit_status, copy.posts(), copy.state()) == (1, [], "")
    # The push before sending is taken, the one after is not.
    refusal.write_text(f"#!/bin/sh\n[ -e {copy.folder}/one ] && exit 1\ntouch {copy.folder}/one\n")
    half = await copy.run()
    print(half.stdout)
    assert (half.exit_status, copy.posts()) == (1, [PAPERS[0]])
    refusal.unlink()
    await expect_doubt(copy)
    last = await copy.run()
    assert (last.exit_status, copy.posts()) == (0, [PAPERS[0]])


@both
@pytest.mark.promise
async def test_a_run_that_dies_while_it_sends_doubles_nothing(copy: Copy) -> None:
    copy.add_digest(0, PAPERS[0])
    command = copy.bin / "paperround"
    command.rename(copy.bin / "whole")
    sending = copy.folder / "sending"
    sending.touch()
    copy.replace_command(DIES.format(command=copy.bin / "whole", sending=sending))
    run = asyncio.create_task(copy.run())
    await patience.wait_until(lambda: bool(copy.posts()) or run.done(), describe=lambda: copy.said)
    sending.write_text("sent")
    dead = await run
    print(dead.stdout)
    assert dead.exit_status != 0, dead
    (copy.bin / "whole").rename(command)
    await expect_doubt(copy)


async def expect_doubt(copy: Copy) -> None:
    """With a token the next run knows what was sent, with a webhook it names what it does not send again."""
    after = await copy.run()
    print(after.stdout)
    if TOKEN in copy.secrets:
        assert (after.exit_status, ": sent\n" in after.stdout) == (0, True)
    else:
        assert (after.exit_status, "daily post 1 in …/webhooks/" in after.stdout) == (1, True)
        assert "failed because" in after.stdout
    assert copy.posts() == [PAPERS[0]]


@pytest.mark.parametrize("secret", [TOKEN])
@pytest.mark.promise
async def test_two_runs_at_once_and_a_restored_state(copy: Copy) -> None:
    copy.add_digest(0, PAPERS[0])
    empty = git("mktree", cwd=copy.bare)
    author = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    other = git(*author, "commit-tree", empty, "-m", "other", cwd=copy.bare)
    command = copy.bin / "paperround"
    command.rename(copy.bin / "whole")
    replaces = f"git -C {copy.bare} update-ref {BRANCH} {other}"
    copy.replace_command(f'#!/bin/sh\n{replaces}\nexec {copy.bin / "whole"} "$@"\n')
    beaten = await copy.run()
    print(beaten.stdout)
    assert (beaten.exit_status, copy.posts(), copy.state()) == (1, [], other)
    assert "another run has replaced it" in beaten.stdout
    # Nothing begins anew where there is a state that cannot be read.
    (copy.bin / "whole").rename(command)
    unreadable = await copy.run()
    assert (unreadable.exit_status, copy.posts(), copy.state()) == (1, [], other)
    assert "no secret opens the branch" in unreadable.stdout
    git("update-ref", "-d", BRANCH, cwd=copy.bare)
    # A state from before the post is put back.
    (copy.inbox / f"{PAPERS[0]}.md").unlink()
    await copy.run()
    older = copy.state()
    copy.move_clock(1 / 24)  # the folder is looked into again
    copy.add_digest(0, PAPERS[0])
    sent = await copy.run()
    print(sent.stdout)
    assert copy.posts() == [PAPERS[0]]
    git("update-ref", BRANCH, older, cwd=copy.bare)
    restored = await copy.run()
    print(restored.stdout)
    assert (restored.exit_status, copy.posts()) == (0, [PAPERS[0]])


async def test_secrets_are_not_printed(copy: Copy) -> None:
    """Also if the command itself prints them, whole or in part, which `Copy.run` looks for."""
    address = copy.secrets[WEBHOOK]
    copy.replace_command(
        f"#!/bin/sh\necho 'wrong: {address} or {address.rpartition('/')[2]}?thread_id=1'\nexit 2\n"
    )
    wrong = await copy.run()
    assert (wrong.exit_status, wrong.stdout.splitlines()[0]) == (2, "wrong: *** or ***?thread_id=1")


async def test_a_missing_secret_and_a_repository_that_is_away_are_named(copy: Copy) -> None:
    secrets, copy.secrets = copy.secrets, {}
    bare = await copy.run()
    assert (bare.exit_status, "there is no secret" in bare.stdout) == (1, True), bare
    copy.secrets = secrets
    checkout = copy.check_out()
    git("remote", "set-url", "origin", str(copy.folder / "away"), cwd=checkout)
    away = await copy.run(checkout=checkout)
    assert (away.exit_status, "the repository does not answer" in away.stdout) == (1, True), away
    copy.commit({"posts.toml": '[[posts]]\nwebhook = "${DISCORD_WEBHOOK_2}"\n'})
    unnamed = await copy.run()
    assert (unnamed.exit_status, "the secret DISCORD_WEBHOOK_2 is not set" in unnamed.stdout) == (1, True), (
        unnamed
    )
    copy.commit(
        {
            "posts.toml": '[[posts]]\nat = "nine"\n# webhook = "${DISCORD_WEBHOOK_2}"\nwebhook = "${DISCORD_WEBHOOK}"\n'
        }
    )
    wrong = await copy.run()
    assert (wrong.exit_status, "/posts.toml:1: posts 1: at: " in wrong.stdout) == (2, True), wrong
    empty = copy.check_out()
    (empty / "posts.toml").unlink()
    without = await copy.run(checkout=empty)
    assert (without.exit_status, "no file posts.toml" in without.stdout) == (1, True), without
    assert (copy.posts(), copy.state()) == ([], "")
