"""The workflow to copy: its script against a bare repository, the fake Discord, and runs that die, collide or are lost."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.clock import system_clock
from tests.fake_discord import model
from tests.fake_discord.server import FakeDiscord
from tests.support import digest_builders, fork_server, patience, running_bot, shifted_command
from tests.support.running_bot import post, post_in
from tests.support.shell_fixtures import CommandResult

pytestmark = [pytest.mark.wire, pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")]

ROOT = Path(__file__).parents[2]
BRANCH = "refs/heads/paperround-state"
STEP = re.findall(r"- run: (.+)", (ROOT / "action.yml").read_text())[-1]
"""What the action runs after the installation."""
PUSH_TOKEN = "ghs_pushes-the-state-alone"
COMMAND = """\
#!{python} -SI
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asking:
    asking.connect("{socket}")
    asking.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n")
    status, out = json.loads(asking.makefile().read())
print(out, end="")
sys.exit(status if status >= 0 else 128 - status)
"""
"""The command `paperround`, which the test runs in a process with all modules loaded."""


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
    commands: int = 0

    def __post_init__(self) -> None:
        self.bare, self.bin, self.clock = self.folder / "bare", self.folder / "bin", self.folder / "clock"
        git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), cwd=self.folder)
        self.inbox = self.folder / "inbox"
        for made in (self.bin, self.inbox):
            made.mkdir()
        self.place = ""
        self.replace_command(COMMAND.format(python=sys.executable, socket=self.folder / "socket"))
        self.move_clock(0)
        entry = post_in(self.channel_id) if TOKEN in self.secrets else post(webhook="${DISCORD_WEBHOOK}")
        self.commit({"posts.toml": entry})

    def commit(self, files: dict[str, str], *, without: str = "") -> None:
        checkout = self.check_out()
        if without:
            (checkout / without).unlink()
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
        shifted_command.move(self.clock, days * 86_400)
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

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Run what the command is given."""
        async with await asyncio.start_unix_server(self._serve, self.folder / "socket", limit=1 << 20):
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arguments, cwd, environment = json.loads(await reader.readline())
        assert PUSH_TOKEN not in environment.values()
        before = str(self.clock), str(self.folder / "places"), self.place
        self.commands += 1
        log = self.folder / f"output {self.commands}"
        process = fork_server.ForkedProcess(
            "tests.support.shifted_command", [*before, *arguments], cwd=Path(cwd), env=environment, log=log
        )
        status = await asyncio.to_thread(process.wait)
        writer.write(json.dumps([status, log.read_text()]).encode())
        writer.close()

    async def run(self, *, checkout: Path | None = None, **settings: str) -> CommandResult:
        """Run the action's step as GitHub does. Secrets must be neither in its output nor in what it stored.

        Between its first and last line the runner takes no commands (GitHub's *Stopping and starting workflow commands*).
        """
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
            "PUSH_TOKEN": PUSH_TOKEN,
            "GITHUB_ACTION_PATH": str(ROOT),
            "PAPERROUND_INBOX": str(self.inbox),
            **settings,
        }
        process = await asyncio.create_subprocess_exec(
            *("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEP),
            cwd=checkout,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await patience.wait_for(process.communicate(), 90)
        assert process.returncode is not None
        said = out.decode()
        print(said, end="\n---\n")
        stopped = re.fullmatch(r"::stop-commands::([0-9a-f]{32})\n(.*)::\1::\n", said, re.DOTALL)
        assert stopped
        said = stopped[2]
        assert said in summary.read_text()
        assert PUSH_TOKEN not in said + (checkout / ".git/config").read_text()
        for secret in self.secrets.values():
            assert secret not in said
            assert secret.partition("?")[0].rstrip("/").rpartition("/")[2] not in said
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


@pytest.fixture
def secret() -> str:
    return WEBHOOK


@asynccontextmanager
async def open_copy(secret: str, fake: FakeDiscord, tmp_path: Path) -> AsyncIterator[Copy]:
    fake.lift_rate_limits()
    [channel_id] = fake.add_channels(1)
    address = fake.add_webhook(channel_id)
    copied = Copy(fake, tmp_path, channel_id, {secret: model.TOKEN if secret == TOKEN else address})
    async with copied.serving():
        yield copied


@pytest.fixture
async def copy(secret: str, fake: FakeDiscord, tmp_path: Path) -> AsyncIterator[Copy]:
    async with open_copy(secret, fake, tmp_path) as opened:
        yield opened


@pytest.mark.promise
@pytest.mark.all_faults
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
    assert copy.posts() == [*PAPERS]


async def test_a_secret_and_a_workflow_are_enough(copy: Copy) -> None:
    """Hugging Face's list, the source without a set-up file, is away here; the inbox is read all the same."""
    copy.commit({"README.md": "A repository of one's own."}, without="posts.toml")
    copy.add_digest(0, PAPERS[0])
    address = copy.secrets.pop(WEBHOOK)
    inputs: dict[str, Any] = {
        "WEBHOOK": address,
        "POST_AT": "11:30",
        "POST_TIMEZONE": running_bot.midday_zone(),
    }
    for _ in range(2):
        run = await copy.run(**inputs)
        assert address not in run.stdout
        assert "source https://huggingface.co: failed because" in run.stdout
        assert copy.posts() == [PAPERS[0]]
    wrong = await copy.run(**inputs | {"POST_LOCALE": "fr"})
    assert "posts 1: locale" in wrong.stdout


def lose_second_state(copy: Copy) -> Path:
    """Let the branch take a run's state before sending, and not the one after it, until the returned hook is removed."""
    refusal = copy.bare / "hooks" / "pre-receive"
    refusal.write_text(
        f"""\
#!/bin/sh
read old new name
[ $name = refs/heads/main ] && exit 0
[ -e {copy.folder}/one ] && exit 1
touch {copy.folder}/one
"""
    )
    refusal.chmod(0o755)
    return refusal


@pytest.mark.all_faults
async def test_an_uncertain_post_is_named_until_a_person_has_settled_it(copy: Copy) -> None:
    copy.add_digest(0, PAPERS[0])
    refusal = lose_second_state(copy)
    assert (await copy.run()).exit_status == 1
    refusal.unlink()
    # The next run comes a day later, and has a post of its own.
    copy.move_clock(1)
    copy.add_digest(1, PAPERS[1])
    after = await copy.run()
    assert (after.exit_status, copy.posts()) == (1, [*PAPERS])
    assert re.search("^daily post 1 in .*: failed because it is unclear", after.stdout, re.MULTILINE)
    assert ": sent\n" in after.stdout
    later = await copy.run()
    assert later.exit_status == 0
    said = f"^daily post 1 in .*, of {system_clock().date()}: It is unclear whether"
    assert re.search(said, later.stdout, re.MULTILINE)
    assert re.search("^daily post 1 in [^,]*: not due until", later.stdout, re.MULTILINE)
    text = (copy.check_out() / "posts.toml").read_text()
    for paused in ("true", "false"):
        copy.commit({"posts.toml": f"{text}paused = {paused}\n"})
        assert (await copy.run()).exit_status == 0
    assert copy.posts() == [*PAPERS, PAPERS[0]]
    settled = await copy.run()
    assert (settled.exit_status, "unclear" in settled.stdout) == (0, False)


@pytest.mark.all_faults
async def test_a_post_that_the_bot_paused_keeps_runs_red(copy: Copy) -> None:
    copy.add_digest(0, PAPERS[0])
    assert (await copy.run()).exit_status == 0
    copy.fake.world.webhooks.clear()
    ended = []
    for day in range(1, 6):
        copy.move_clock(day)
        copy.add_digest(day, f"2601.0001{day}")
        ended.append(await copy.run())
    assert [run.exit_status for run in ended] == [1] * 5
    # docs/no-server.md: what to do stands in the summary, each post is named once, and one of a former day with its date.
    assert ": failed because it is paused. Discord doesn't accept this webhook" in ended[-1].stdout
    for run in ended:
        assert "`removed = true`" in run.stdout
        lines = [line for line in run.stdout.splitlines() if line.startswith("daily post")]
        assert len({*lines}) == len(lines), lines
    # By hand, it is no failure.
    copy.commit({"posts.toml": f"{(copy.check_out() / 'posts.toml').read_text()}paused = true\n"})
    await copy.run()
    by_hand = await copy.run()
    assert by_hand.exit_status == 0, by_hand


@pytest.mark.all_faults
@pytest.mark.parametrize("needs_token", [False, True])
async def test_a_post_that_is_ended_is_not_posted_again(copy: Copy, needs_token: bool) -> None:
    """Also if it gives way to one that needs a token, which is missing: that is said, and the set-up is stored."""
    copy.add_digest(0, PAPERS[0])
    text = (copy.check_out() / "posts.toml").read_text()
    assert (await copy.run()).exit_status == 0
    copy.commit({"posts.toml": f"{text}removed = true\n{post_in(copy.channel_id) if needs_token else ''}"})
    ended = await copy.run()
    assert (ended.exit_status, "set-up: remove daily post" in ended.stdout) == (1, True)
    if needs_token:
        assert "sending: failed because DISCORD_TOKEN is not set" in ended.stdout
        assert "it is a secret" in ended.stdout, "docs/no-server.md: there is no .env"
    copy.commit({"posts.toml": ""})
    copy.move_clock(1)
    copy.add_digest(1, PAPERS[1])
    after = await copy.run()
    assert (after.exit_status, copy.posts()) == (1, [PAPERS[0]])  # a file without a post is a failure


@pytest.mark.all_faults
async def test_a_post_that_the_file_no_longer_has_is_named_until_it_is_ended(copy: Copy) -> None:
    """docs/no-server.md, *To move a post*: with another webhook's address the old post goes on."""
    copy.add_digest(0, PAPERS[0])
    assert "is not in the file" not in (await copy.run()).stdout
    copy.secrets["DISCORD_WEBHOOK_2"] = copy.fake.add_webhook(copy.channel_id, 2)
    moved = post(webhook="${DISCORD_WEBHOOK_2}")
    ended = '[[posts]]\nwebhook = "800000000000000001"\nremoved = true\n'
    said = []
    for text in (moved, f"{moved}\n{ended}", f"{moved}\n"):
        copy.commit({"posts.toml": text})
        said.append((await copy.run()).stdout)
    named = "set-up: daily post through webhook 800000000000000001 at 11:30"
    assert [named in text for text in said] == [True, False, False]
    goes_on = "is not in the file and goes on: an entry with its webhook or channel and `removed = true`"
    assert goes_on in said[0]


@pytest.mark.all_faults
async def test_a_run_that_found_nothing_pushes_nothing(copy: Copy) -> None:
    # The date of a reading is stored, so the two runs and what they make due are kept from midnight (UTC).
    start = 0.1 if system_clock().hour == 23 else 0.0
    copy.move_clock(start)
    copy.add_digest(0, PAPERS[0])
    assert (await copy.run()).exit_status == 0
    stored = copy.state()
    copy.move_clock(start + 0.01)  # the folder is read again
    assert ((await copy.run()).exit_status, copy.state()) == (0, stored)
    copy.add_digest(0, PAPERS[1])
    assert (await copy.run()).exit_status == 0
    assert copy.state() != stored, "a paper was found"


@pytest.mark.parametrize("secret", [TOKEN])
@pytest.mark.promise
@pytest.mark.all_faults
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
    await copy.run()
    assert copy.posts() == [PAPERS[0]]
    git("update-ref", BRANCH, older, cwd=copy.bare)
    restored = await copy.run()
    assert (restored.exit_status, copy.posts()) == (0, [PAPERS[0]])


async def test_secrets_are_not_printed(copy: Copy) -> None:
    """Also if the command itself prints them, whole or in part, which `Copy.run` looks for."""
    address = copy.secrets[WEBHOOK]
    copy.replace_command(
        f"#!/bin/sh\necho 'wrong: {address} or {address.rpartition('/')[2]}?thread_id=1'\nexit 2\n"
    )
    wrong = await copy.run()
    assert (wrong.exit_status, wrong.stdout.splitlines()[0]) == (2, "wrong: *** or ***?thread_id=1")
    token = address.rpartition("/")[2]
    copy.replace_command(
        f"#!/bin/sh\necho 'POST https://discord.com/api/v10/webhooks/1/{token}?wait=true'\nexit 2\n"
    )
    for end in ("/", "?thread_id=5", "/?thread_id=5"):
        copy.secrets = {WEBHOOK: f"{address}{end}"}
        other = await copy.run()
        assert other.stdout.splitlines()[0] == "POST https://discord.com/api/v10/webhooks/1/***?wait=true"


async def test_what_is_pasted_with_quotation_marks_is_the_secret(copy: Copy) -> None:
    copy.add_digest(0, PAPERS[0])
    copy.secrets = {WEBHOOK: f'"{copy.secrets[WEBHOOK]}"'}
    run = await copy.run()
    assert (run.exit_status, copy.posts()) == (0, [PAPERS[0]]), run


@pytest.mark.parametrize("secret", [TOKEN])
@pytest.mark.all_faults
async def test_a_mistyped_first_secret_is_corrected_without_further_steps(copy: Copy) -> None:
    copy.add_digest(0, PAPERS[0])
    right, copy.secrets = copy.secrets, {TOKEN: "mis.typed.token"}
    wrong = await copy.run()
    assert (wrong.exit_status, "Discord does not accept DISCORD_TOKEN" in wrong.stdout) == (1, True)
    copy.secrets = right
    run = await copy.run()
    assert (run.exit_status, copy.posts()) == (0, [PAPERS[0]]), run


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
    assert unnamed.exit_status == 1
    said = "set-up: failed because the secret DISCORD_WEBHOOK_2 does not reach this run. Nothing was sent."
    assert f"\n{said}" in f"\n{unnamed.stdout}"
    assert "the line `DISCORD_WEBHOOK_2: ${{ secrets.DISCORD_WEBHOOK_2 }}` below `env:`" in unnamed.stdout
    place = 'webhook = "${DISCORD_WEBHOOK}" # or "${DISCORD_WEBHOOK_3}"'
    copy.commit({"posts.toml": f'[[posts]]\nat = "nine"\n# webhook = "${{DISCORD_WEBHOOK_2}}"\n{place}\n'})
    wrong = await copy.run()
    assert (wrong.exit_status, "/posts.toml:1: posts 1: at: " in wrong.stdout) == (2, True), wrong
    assert (copy.posts(), copy.state()) == ([], "")
