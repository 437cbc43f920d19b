"""Random runs from a repository whose pushes, answers and fetches fail, are lost or late, with kills, edits and wrong clocks.

However it goes, each paper is in one message at most, and of one that is missing after a whole run a summary has named the post
by its date (docs/no-server.md, "nothing is lost"). A run is red if and only if its summary says that something failed.

Fifty plays: `pytest -n 2 --all-faults --junitxml FILE tests/faults/test_no_server_walk.py`; FILE has what each came to.
"""

import asyncio
import random
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.fake_discord.server import FakeDiscord
from tests.faults.test_no_server import TOKEN, WEBHOOK, Copy, open_copy
from tests.support import seeds, shifted_command
from tests.support.running_bot import midday_zone

pytestmark = [
    pytest.mark.wire,
    pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl"),
    pytest.mark.all_faults,
]

GIT = """\
#!/bin/bash
for word in "$@"; do
  case $word in push|ls-remote|fetch)
    exec 9> {folder}/git.lock; flock 9
    fate=$(head -n 1 {folder}/fates 2> /dev/null); sed -i 1d {folder}/fates 2> /dev/null
    case $fate in
      fails) exit 128 ;;
      lost) {git} "$@" > /dev/null 2>&1; exit 128 ;;
      late) [ "$word" = push ] && echo "cd ${PWD@Q} && {git} ${*@Q}" >> {folder}/late; exit 128 ;;
    esac
    exec 9>&- ;;
  esac
done
exec {git} "$@"
"""
"""Git, which takes a fate for each request to the repository from a file: it fails, its answer is lost, or a push comes late."""
EDITS = ("", "top = 7\n", 'topic = "paper"\n', 'topic = "paper"\n', 'days = "mon-sun"\n')
ENDS = ("removed = true\n", "paused = true\n")


@dataclass
class Play:
    copy: Copy
    seed: int
    papers: dict[str, str] = field(default_factory=dict)
    """The day of each paper, as summaries write it."""
    named: set[str] = field(default_factory=set)
    """The days of the posts that summaries have called unclear."""
    runs: int = 0
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.began_on = datetime.now(ZoneInfo(midday_zone())).date()
        self.text = (self.copy.check_out() / "posts.toml").read_text()
        wrapper = self.copy.bin / "git"
        folder, git = shlex.quote(str(self.copy.folder)), str(shutil.which("git"))
        wrapper.write_text(GIT.replace("{folder}", folder).replace("{git}", git))
        wrapper.chmod(0o755)

    async def run(self, *, faults: bool) -> None:
        fates, rng = list[str](), self.random
        if faults and rng.random() < 0.75:
            # A run asks twice, and pushes before it sends: at least three times, each time with a question whether it arrived.
            begin, length = rng.choice((0, 1, 1, 2, 2, 3, 4, 8)), rng.choice((1, 2, 6, 6, 7, 20, 60))
            first = rng.choice(("fails", "lost", "lost", "late"))
            fates = ["ok"] * begin + [first] + ["fails"] * (length - 1)
            if rng.random() < 0.3:
                fates += [rng.choice(("ok", "fails", "lost", "late")) for _ in range(8)]
        (self.copy.folder / "fates").write_text("".join(f"{fate}\n" for fate in fates))
        self.copy.place = ""
        if faults and rng.random() < 0.3:
            self.copy.place = rng.choice(
                ("before POST", "after POST", "after POST", str(rng.randrange(1, 40)))
            )
        at_once = 2 if faults and rng.random() < 0.15 else 1
        self.log.append(f"run {at_once} {fates[:12]} {self.copy.place!r}")
        checkouts = [self.copy.check_out() for _ in range(at_once)]
        for done in await asyncio.gather(*(self.copy.run(checkout=one) for one in checkouts)):
            self.log.append(f"{done.exit_status}: {done.stdout}")
            self.runs += 1
            self.named |= {
                *re.findall(r"^daily post .*?(\d{4}-\d\d-\d\d).*unclear whether", done.stdout, re.M)
            }
            is_red = "failed because" in done.stdout
            assert at_once > 1 or "another run" not in done.stdout, (done, "no other run was there")
            assert done.exit_status > 1 or is_red == bool(done.exit_status), (done, "a false colour")
        if not faults or rng.random() < 0.5:
            self.arrive()

    def arrive(self) -> None:
        """Let the pushes that are late arrive."""
        late = self.copy.folder / "late"
        if late.exists():
            for line in late.read_text().splitlines():
                done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
                self.log.append(f"late push: {done.returncode} {done.stderr[-200:]}")
            late.unlink()

    def edit(self, *lines: str) -> None:
        self.log.append(f"edit {lines}")
        self.copy.commit({"posts.toml": self.text + "".join(lines), f"edit {len(self.log)}": ""})

    async def play(self, days: int) -> str:
        """Play, and return what it came to."""
        rng, is_ended = self.random, False
        for day in range(days):
            paper = f"26{1 + day:02}.{self.seed + 10_000:05}"
            self.papers[paper] = str(self.began_on + timedelta(days=day))
            self.copy.move_clock(day)
            if rng.random() < 0.2:  # the machine's clock, which is not Discord's
                shifted_command.move(self.copy.clock, day * 86_400, rng.choice((-2, 2)) * 86_400)
            self.copy.add_digest(day, paper)
            for _ in range(rng.choice((1, 1, 2))):
                await self.run(faults=True)
                if rng.random() < 0.5:
                    is_ended = day == days - 1 and rng.random() < 0.2
                    self.edit(rng.choice(ENDS if is_ended else EDITS))
                    if is_ended:
                        break
            for _ in range(2):  # the first one may find that a late push has replaced its commit
                await self.run(faults=False)
            counts = {paper: self.count(paper) for paper in self.papers}
            assert max(counts.values()) <= 1, (counts, "sent twice")
            missing = [on for paper, on in self.papers.items() if not counts[paper]]
            # A paper comes with the post of its day or of a later one.
            pairs = zip(missing[::-1], [*sorted(self.named)[::-1], *[""] * len(missing)], strict=False)
            assert is_ended or all(on <= named for on, named in pairs), (
                counts,
                self.named,
                "lost in silence",
            )
        return (
            f"{self.runs} runs, {len(self.papers)} papers, {sum(counts.values())} came, {len(self.named)} posts named"
            f"{', ended by hand' if is_ended else ''}"
        )

    def count(self, paper: str) -> int:
        return sum(paper in str(message) for message in self.copy.fake.messages(self.copy.channel_id))


@pytest.mark.parametrize("secret", [WEBHOOK, TOKEN])
@pytest.mark.parametrize("seed", seeds.plays(25))
async def test_nothing_is_sent_twice_and_what_is_missing_is_named(
    secret: str, fake: FakeDiscord, tmp_path: Path, seed: int, record_property: Callable[[str, str], None]
) -> None:
    async with open_copy(secret, fake, tmp_path) as copy:
        play = Play(copy, seed)
        try:
            record_property("came to", await play.play(2))
        except BaseException:
            print(*play.log, sep="\n")
            raise
