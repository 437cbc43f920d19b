"""`paperround run --once` as a process in a folder, with posts whose hour has passed today."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from bot.core.clock import system_clock
from tests.fake_discord import model
from tests.fake_discord.server import FakeDiscord
from tests.support import digest_builders, fork_server, patience
from tests.support.shell_fixtures import CommandResult

PAPER = "2601.00001"


def midday_zone(hour: int = 12) -> str:
    """Return a time zone in which it is in the hour 12 or 13 now, on the date of UTC."""
    ahead = hour - system_clock().hour
    return f"Etc/GMT{-ahead:+d}"


def post(**place: object) -> str:
    """Return an entry of a set-up file for a post that has been due since 11:30 today."""
    given = {"at": "11:30", "timezone": midday_zone()} | place
    return "[[posts]]\n" + "".join(f'{name} = "{value}"\n' for name, value in given.items())


def post_in(channel_id: int) -> str:
    return post(guild=model.GUILD_ID, channel=channel_id)


@dataclass
class SingleRuns:
    """Runs in `folder`, which gets a source: a folder with today's digest."""

    fake: FakeDiscord
    folder: Path
    settings: dict[str, str | None] = field(default_factory=dict)

    def write_digest(
        self, on: date | None = None, papers: Sequence[str] = (PAPER,), folder: Path | None = None
    ) -> None:
        inbox = folder or self.folder / "inbox"
        inbox.mkdir(exist_ok=True)
        text = digest_builders.newsletter(on or system_clock().date(), [(id_, 9) for id_ in papers])
        (inbox / f"{papers[0]}.md").write_text(text, encoding="utf-8")

    def write_set_up(self, *entries: str) -> None:
        (self.folder / "posts.toml").write_text("\n".join(entries), encoding="utf-8")

    async def run(
        self, *options: str, module: str = "bot", before: Sequence[str] = (), **settings: str | None
    ) -> CommandResult:
        """Run `paperround run --once` with the set-up file, and wait for its end."""
        out, err = self.folder / "stdout", self.folder / "stderr"
        for file in (out, err):
            file.write_text("")
        wanted = {**os.environ, **self.fake.environment(), "PAPERROUND_INBOX": str(self.folder / "inbox")}
        wanted = {
            name: value
            for name, value in {**wanted, **self.settings, **settings}.items()
            if value is not None
        }
        arguments = (*before, "run", "--once", "--set-up", "posts.toml", *options)
        process = fork_server.ForkedProcess(
            module, arguments, cwd=self.folder, env=wanted, log=out, errors=err
        )
        try:
            status = await patience.wait_for(asyncio.to_thread(process.wait))
        finally:
            process.kill()
        return CommandResult(status, out.read_text(), err.read_text())
