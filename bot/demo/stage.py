"""The demo's stage: does on SimCord's page what Discord does by itself.

It runs typed lines that begin with `/`, shows posts that are sent without an action on the page, scrolls to new answers,
removes old private answers, each of which would make the page slower, and lets SimCord's clock run. SimCord has no public
interface for most of these, so its back end and its pages are used directly, here alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import discord
import simcord
import structlog
from simcord.interactions import command_leaves

from bot import isolation
from bot.demo import typed_commands
from storage import models

log = structlog.get_logger(__name__)

Viewer: TypeAlias = "simcord.MemberActor | simcord.UserHandle"

CHECK_SECONDS = 0.5
CLOCK_SECONDS = 3.0
"""Seconds that SimCord's clock may be behind. The limits of a reader's requests per second are counted by it."""
EPHEMERAL = discord.MessageFlags(ephemeral=True).value
MAX_PRIVATE_ANSWERS = 8
"""Private answers that stay on the page, the newest ones."""
HINTS = {
    models.Locale.EN: {
        "unknown": "There is no command {line}. Type / and choose one from the list, or try /help.",
        "group": "There is no such command. Type one of these: {names}.",
        "missing": "`{command}` needs {missing}: for example `{command} {missing}: …`.",
        "choice": "`{command}` does not know that {option}. Choose one: {names}.",
        "refused": "`{command}` cannot use that: {reason}",
    },
    models.Locale.KO: {
        "unknown": "{line} 명령어는 없어요. /를 입력해 목록에서 고르거나 /도움말을 입력해 보세요.",
        "group": "그런 명령어는 없어요. 이 중에서 입력해 주세요: {names}",
        "missing": "`{command}` 명령어에는 {missing} 값이 필요해요. 예: `{command} {missing}: …`",
        "choice": "`{command}` 명령어의 {option} 값으로는 쓸 수 없어요. 이 중에서 골라 주세요: {names}",
        "refused": "`{command}` 명령어에 쓸 수 없는 값이에요: {reason}",
    },
}


class Stage:
    """Watches one channel for one reader. `page` is the served page of SimCord."""

    def __init__(
        self,
        env: simcord.Env,
        page: simcord.Preview,
        channel: simcord.ChannelHandle,
        viewer: Viewer,
        locale: models.Locale,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timer, self._advanced_at = timer, timer()
        self._env = env
        self._page = page
        self._channel = channel
        self._viewer = viewer
        self._locale, self._texts = locale, HINTS[locale]
        self._newest = self._newest_message_id()
        self._turn = asyncio.Lock()
        self._page_action = page._action
        # Without turns the page takes an action that overlaps a step for lost, and accepts no other one.
        vars(page)["_action"] = self._act_in_turn

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set."""
        while not stop.is_set():
            # The page goes on without what a step does.
            with isolation.isolated(log, "the demo's stage failed", reraise=(simcord.SetupError,)):
                await self._step_unless_busy()
            await asyncio.sleep(CHECK_SECONDS)

    async def _act_in_turn(self, context_id: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
        waited = self._turn.locked()
        async with self._turn:
            page = self._page._pages.get(context_id or "")
            if waited and page is not None:
                # The step published the page again, and an action on an older state of it is refused.
                body = {**body, "published_revision": page.revision}
            return await self._page_action(context_id, body)

    async def _step_unless_busy(self) -> None:
        try:
            async with self._turn:
                await self.step()
        except simcord.SetupError as error:
            log.debug("the demo's page is busy", reason=str(error))

    async def step(self) -> None:
        """Run typed lines; if there are new messages, remove old private answers and show the newest message."""
        await self._advance_clock()
        for message in self._typed_lines():
            await self._run_line(message.content)
            self._env.backend.delete_message(self._channel.id, message.id)
        newest = self._newest_message_id()
        if newest != self._newest:
            self._remove_old_answers()
            # The browser's pages are not those of Preview.show, which is for captures.
            for page in self._page._pages.values():
                page.target_id = page.window_end_id = newest
            await self._page.refresh()
            self._newest = newest

    async def _advance_clock(self) -> None:
        elapsed = self._timer() - self._advanced_at
        if elapsed >= CLOCK_SECONDS:
            await self._env.advance_time(elapsed)
            self._advanced_at += elapsed

    def _messages(self) -> list[Any]:
        stored: Mapping[int, Any] = self._env.backend.messages.get(self._channel.id, {})
        return [message for _, message in sorted(stored.items()) if message.visible_to(self._viewer.id)]

    def _newest_message_id(self) -> int:
        return max((message.id for message in self._messages()), default=0)

    def _typed_lines(self) -> Iterator[Any]:
        for message in self._messages():
            if message.author_id == self._viewer.id and message.content.startswith("/"):
                yield message

    def _remove_old_answers(self) -> None:
        private = [message for message in self._messages() if message.flags & EPHEMERAL]
        for message in private[:-MAX_PRIVATE_ANSWERS]:
            self._env.backend.delete_message(self._channel.id, message.id)

    async def _run_line(self, line: str) -> None:
        """Run a typed command, or say how to choose one."""
        found = typed_commands.find_command(line, self._leaves())
        if found is None:
            if names := typed_commands.list_group(line, self._leaves(), self._locale.value):
                await self._say("group", names=" · ".join(names))
            else:
                await self._say("unknown", line=line.split()[0][:50])
            return
        name, leaf, rest = found
        values = typed_commands.read_options(leaf, rest)
        if missing := typed_commands.list_missing(leaf, values):
            await self._say("missing", command=f"/{name}", missing=missing[0])
            return
        if refused := typed_commands.find_unknown_choice(leaf, values, self._locale.value):
            option, names = refused
            await self._say("choice", command=f"/{name}", option=option, names=" · ".join(names))
            return
        try:
            options = self._convert(leaf, values)
            if isinstance(self._viewer, simcord.MemberActor):
                await self._viewer.slash(self._channel, name, **options)
            else:
                await self._viewer.slash(name, **options)
        except (ValueError, simcord.OptionError) as error:
            await self._say("refused", command=f"/{name}", reason=str(error)[:200])

    def _convert(self, leaf: typed_commands.CommandSpec, values: Mapping[str, str]) -> dict[str, Any]:
        """Return the options in their types; a channel is named with or without #. Raises ValueError."""
        options: dict[str, Any] = {}
        for option in leaf.get("options") or ():
            if (value := values.get(option["name"])) is not None:
                converted = typed_commands.convert(option, value)
                is_channel = option["type"] == typed_commands.CHANNEL
                options[option["name"]] = self._find_channel(str(converted)) if is_channel else converted
        return options

    def _find_channel(self, name: str) -> simcord.ChannelHandle:
        if name.removeprefix("#") != self._channel.name:
            raise ValueError(f"there is no channel {name}, only #{self._channel.name}")
        return self._channel

    def _leaves(self) -> Iterator[tuple[Sequence[typed_commands.CommandSpec], typed_commands.CommandSpec]]:
        """Yield each command with the groups above it."""
        commands = self._env.backend.visible_commands(user_id=self._viewer.id, channel_id=self._channel.id)
        for command in commands:
            for path, leaf in command_leaves(command):
                nodes = [command]
                for name in path[1:]:
                    nodes.append(next(node for node in nodes[-1]["options"] if node["name"] == name))
                yield nodes, leaf

    async def _say(self, key: str, **values: str) -> None:
        """Answer as the bot, which reads no messages in Discord."""
        channel = self._env.bot.get_partial_messageable(self._channel.id)
        await channel.send(self._texts[key].format(**values))
