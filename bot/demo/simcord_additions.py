"""The demo's stage: adds Discord behaviour that SimCord's page lacks.

It sends due posts, moves the clock, runs typed lines that begin with `/`, and shows new messages and scrolls
to them. SimCord has no public interface for most of this: see `simcord_internals`.
"""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import discord
import simcord
import structlog
from babel.dates import format_date
from simcord.results import ResponseMessage

from bot.core import isolation
from bot.demo import sample_digests, simcord_internals
from bot.demo import texts as demo_texts
from bot.demo.simcord_page import (
    CommandSpec,
    Viewer,
    list_leaves,
    list_menu_commands,
    list_open,
    list_shown,
    local_name,
    local_text,
)
from bot.features.alerts import planner
from storage import models

log = structlog.get_logger(__name__)

STRING, INTEGER, BOOLEAN, CHANNEL = 3, 4, 5, 7
MESSAGE = 2_000
"""The most characters of a message."""
QUERIES = ("query", "topic", "keyword", "without", "search", "question")
"""The options whose text may contain any `word:`, as in `since:2025`."""
UNKNOWN = re.compile(r"(?:^|\s)(?!arxiv:|doi:)([^\W\d]+):(?=[^\s/])", re.IGNORECASE)
"""Text that looks like an option's name before its value."""


def find_command(
    line: str, leaves: Iterable[tuple[Sequence[CommandSpec], CommandSpec]]
) -> tuple[Sequence[CommandSpec], CommandSpec, str] | None:
    """Find a line's command. Returns (groups and command, command, rest of the line), or None.

    `leaves` are commands, as returned by `list_leaves`.
    """
    words = line.removeprefix("/").split()
    matching = [
        (path, leaf)
        for path, leaf in leaves
        if len(path) <= len(words)
        and all(word.casefold() in _names(node) for node, word in zip(path, words, strict=False))
    ]
    if not matching:
        return None
    path, leaf = max(matching, key=lambda item: len(item[0]))
    rest = line.removeprefix("/").split(maxsplit=len(path))[len(path) :]
    return path, leaf, "".join(rest)


def find_nearest(line: str, leaves: Iterable[tuple[Sequence[CommandSpec], CommandSpec]], locale: str) -> str:
    """Return the command, in a Discord locale, that an unknown line may mean: one with a name like its first word, else the
    first whose description has this word, else `/help`.
    """
    typed = line.removeprefix("/").partition(" ")[0].casefold()
    shown = [("/" + " ".join(local_name(node, locale) for node in path), path, leaf) for path, leaf in leaves]
    named = {name: command for command, path, _ in reversed(shown) for node in path for name in _names(node)}
    described = (
        command for command, _, leaf in shown if typed and typed in local_text(leaf, "description", locale)
    )
    close = difflib.get_close_matches(typed, named, n=1)
    return named[close[0]] if close else next(described, named["help"])


def read_options(leaf: CommandSpec, rest: str) -> dict[str, str]:
    """Parse options typed as `name:value`, keyed by English name. Raises OptionError with the name that no option has.

    Other text is the first option's value, or one word for each required option and the rest for the last.
    """
    options = list(leaf.get("options") or ())
    by_name = {name: option["name"] for option in options for name in _names(option)}
    if not by_name:
        return {}
    names = "|".join(map(re.escape, sorted(by_name, key=len, reverse=True)))
    first, *pairs = re.split(rf"(?:^|\s)({names}):\s*", rest, flags=re.IGNORECASE)
    values = {by_name[name.casefold()]: value.strip() for name, value in zip(*[iter(pairs)] * 2, strict=True)}
    needed = [one["name"] for one in options if one.get("required") and one["name"] not in values]
    needed = needed or [options[0]["name"]]
    for name, value in zip(needed, first.strip().split(maxsplit=len(needed) - 1), strict=False):
        values.setdefault(name, value)
    text = options[0]["name"]
    for option in options[1:]:
        # In a query, `votes:20` may be followed by more words; a range is a part of it: `votes:10..20`.
        number, _, words = values.get(option["name"], "").partition(" ")
        if option["type"] == INTEGER and options[0]["type"] == STRING:
            if ".." in number or number.startswith(("<", ">")):
                words = f"{option['name']}:{values.pop(option['name'])}"
            elif words:
                values[option["name"]] = number
            values |= {text: f"{values.get(text, '')} {words}".strip()} if words else {}
    for name in values.keys() - QUERIES:
        if unknown := UNKNOWN.search(values[name]):
            raise simcord.OptionError("option-unknown", unknown[1], "the command has no such option")
    return values


def convert_command(option: CommandSpec, value: str) -> str | int:
    """Convert a typed value to its option's type, or to the choice with that name or value, or else to the only one whose
    name contains it, or is one word that begins with it (금 for 금요일, not 월·수·금). Raises OptionError.
    """
    if choices := option.get("choices"):
        typed = value.casefold()
        exact = [one for one in choices if typed in {*_names(one), str(one["value"]).casefold()}]
        partial = [one for one in choices if any(typed in name for name in _names(one))]
        if len(partial) > 1:
            partial = [
                one
                for one in partial
                if any(re.fullmatch(rf"{re.escape(typed)}\w*", name) for name in _names(one))
            ]
        if not exact and len(partial) != 1:
            raise _refusal(option)
        chosen: str | int = (exact or partial)[0]["value"]
        return chosen
    if option["type"] == INTEGER:
        number = int(value) if re.fullmatch(r"-?\d{1,9}", value) else None
        if number is None or not option.get("min_value", number) <= number <= option.get("max_value", number):
            raise _refusal(option)
        return number
    return value


def _refusal(option: CommandSpec) -> simcord.OptionError:
    return simcord.OptionError("option-type", option["name"], "typed values do not fit")


def _names(node: CommandSpec) -> set[str]:
    names = {node["name"], *(node.get("name_localizations") or {}).values()}
    return {name.casefold() for name in names}


LATER = re.compile(r"\+\s*([1-7])\s*(?:days?|일)")
"""A typed line that moves the clock: `+1 day`, `+3일`."""
MENTION = re.compile(r"@paperround\b\s*(.*)", re.IGNORECASE | re.DOTALL)
"""A typed mention of the bot: `@Paperround why …?`."""


async def _list_full_hours() -> list[int]:
    return [60]


class Stage:
    """Watches a server's channels for the viewer of SimCord's `page`. `deliver` plans and sends due posts, and returns
    whether papers are new. `list_minutes` returns, in order, the minutes of an hour at which something is due, with 60.
    """

    def __init__(
        self,
        env: simcord.Env,
        page: simcord.Preview,
        channels: Sequence[simcord.ChannelHandle],
        locale: models.Locale,
        deliver: Callable[[], Awaitable[bool | None]],
        list_minutes: Callable[[], Awaitable[list[int]]] = _list_full_hours,
    ) -> None:
        self._env, self._list_minutes = env, list_minutes
        self._deliver = deliver
        self._page = page
        self._channels = channels
        self._locale, self._texts = locale, demo_texts.load(locale).hints
        self._newest = {channel.id: self._newest_message_id(channel) for channel in list_shown(channels)}
        self._turn = asyncio.Lock()
        # The page treats an action that overlaps a step as lost, and then accepts no more actions.
        simcord_internals.wrap_actions(page, self._take_turns)
        simcord_internals.leave_out_refusals(env)

    @property
    def _viewer(self) -> Viewer:
        viewer: Viewer = self._page.viewers[0]
        return viewer

    async def watch(self) -> None:
        """Take one step, unless the page is busy. Errors are logged."""
        with isolation.isolated(log, "the demo's stage failed"):
            try:
                async with self._turn:
                    await self.step()
            except simcord.SetupError as error:
                log.debug("the demo's page is busy", reason=str(error))

    def _take_turns(self, act: simcord_internals.Act) -> simcord_internals.Act:
        """Return an action that waits for its turn."""

        async def act_in_turn(page_id: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
            async with self._turn:
                revision = simcord_internals.find_revision(self._page, page_id)
                if revision is not None:
                    # The page rejects actions on an old state, which the browser may have, as it polls twice a
                    # second.
                    body = {**body, "published_revision": revision}
                return await act(page_id, body)

        return act_in_turn

    async def step(self) -> None:
        """Send due posts, run typed lines, and scroll to new messages."""
        await self._deliver()
        for channel in list_open(self._page, self._channels):
            await self._show_new(channel)

    async def _show_new(self, channel: simcord.ChannelHandle) -> None:
        for message in self._messages(channel):
            if message.author_id == self._viewer.id and message.content.startswith("/"):
                await self._run_line(channel, message.content)
                self._env.backend.delete_message(channel.id, message.id)
            elif message.author_id == self._viewer.id and message.id > self._newest.get(channel.id, 0):
                if later := LATER.fullmatch(message.content.strip()):
                    await self._move_clock(channel, int(later[1]))
                elif typed := MENTION.fullmatch(message.content.strip()):
                    # The page offers no list of members after "@", which makes a mention of a name.
                    self._env.backend.delete_message(channel.id, message.id)
                    await self._mention(channel, typed[1])
                elif message.content.startswith(self._mention_text):
                    pass  # the bot reads it
                else:
                    self._hint(channel, "text")
        await self._scroll(channel)

    async def _move_clock(self, channel: simcord.ChannelHandle, days: int) -> None:
        await self._announce(channel, "passing")
        passing = await self._scroll(channel)
        # Stop at each due time, so that everything is sent at its time, and alerts minutes after new papers.
        for minute in await self._list_minutes() * 24 * days:
            seconds = 60 * minute - self._env.now().timestamp() % 3600
            if seconds <= 0:
                continue
            await self._env.advance_time(seconds)
            if await self._deliver():
                await self._env.advance_time(planner.GATHERING_TIME.seconds)
                await self._deliver()
        self._env.backend.delete_message(channel.id, passing)
        now, last_on = self._env.now(), sample_digests.sample_texts()[-1].date_on
        key = "over" if now.date() > last_on else "later"
        last = format_date(last_on, "long", locale=self._locale.value)
        await self._announce(channel, key, now=discord.utils.format_dt(now, "F"), last=last)

    @property
    def _mention_text(self) -> str:
        assert self._env.bot.user is not None
        return f"<@{self._env.bot.user.id}>"

    async def _mention(self, channel: simcord.ChannelHandle, text: str) -> None:
        """Send what the viewer typed as a message that mentions the bot."""
        content = f"{self._mention_text} {text}"[:MESSAGE]
        if isinstance(self._viewer, simcord.MemberActor):
            await self._viewer.send(channel, content)
        else:
            await self._viewer.send_dm(content)
        await self._deliver()

    async def _scroll(self, channel: simcord.ChannelHandle) -> int:
        """Show the newest message on the pages of its channel, and return its id."""
        newest = self._newest_message_id(channel)
        if newest != self._newest.get(channel.id, 0):
            simcord_internals.scroll_to(self._page, channel.id, newest)
            await self._page.refresh()
            self._newest[channel.id] = newest
        return newest

    def _messages(self, channel: simcord.ChannelHandle) -> list[Any]:
        stored: Mapping[int, Any] = self._env.backend.messages.get(channel.id, {})
        return [message for _, message in sorted(stored.items()) if message.visible_to(self._viewer.id)]

    def _newest_message_id(self, channel: simcord.ChannelHandle) -> int:
        return max((message.id for message in self._messages(channel)), default=0)

    async def _run_line(self, channel: simcord.ChannelHandle, line: str) -> None:
        """Run a typed command or a message menu command, or explain how to choose one."""
        if await self._run_menu_command(channel, line):
            return
        leaves = list(list_leaves(self._env, self._viewer, channel))
        command = find_command(line, leaves)
        if command is None:
            place = "servers" if channel.guild is None else "managers"
            is_hidden = find_command(line, list_leaves(self._env, None, channel)) is not None
            near = find_nearest(line, leaves, self._locale.value)
            self._hint(channel, place if is_hidden else "unknown", line=line[:50], near=near)
            return
        path, leaf, rest = command
        name = " ".join(node["name"] for node in path)
        try:
            options = self._convert(leaf, read_options(leaf, rest))
            if isinstance(self._viewer, simcord.MemberActor):
                result = await self._viewer.slash(channel, name, **options)
            else:
                result = await self._viewer.slash(name, **options)
            if result.modal is not None:
                simcord_internals.open_form(self._page, channel.id, result)
        except simcord.OptionError as error:
            if error.code == "option-unknown":
                names = ", ".join(local_name(option, self._locale.value) for option in leaf["options"])
                self._hint(channel, "no_option", line=line[:50], option=str(error.option), allowed=names)
                return
            key = "missing" if error.code == "option-required" else "option"
            option = next(option for option in leaf["options"] if option["name"] == error.option)
            shown, allowed = local_name(option, self._locale.value), self._describe_values(option)
            key = "length" if key == "option" and "max_length" in option else key
            limits = {"least": option.get("min_length", 1), "most": option.get("max_length")}
            self._hint(channel, key, line=line[:50], option=shown, allowed=allowed, **limits)

    async def _run_menu_command(self, channel: simcord.ChannelHandle, line: str) -> bool:
        """Run a message menu command, which is sent as its name and a message id. Returns False for any other line."""
        name, _, message_id = line.removeprefix("/").rpartition(" ")
        names = [command["name"] for command in list_menu_commands(self._env, self._viewer, channel)]
        target = next((row for row in self._messages(channel) if str(row.id) == message_id), None)
        if target is None or name not in names or not isinstance(self._viewer, simcord.MemberActor):
            return False
        await self._viewer.context_menu(channel, name, ResponseMessage(self._env, target))
        return True

    def _convert(self, leaf: CommandSpec, values: Mapping[str, str]) -> dict[str, Any]:
        """Convert options to their types. A channel's name may start with #. Raises OptionError."""
        options: dict[str, Any] = {}
        for option in leaf.get("options") or ():
            if (value := values.get(option["name"])) is None:
                continue
            if option["type"] != CHANNEL:
                options[option["name"]] = convert_command(option, value)
            elif (named_channel := self._list_channels(option).get(value.removeprefix("#"))) is not None:
                options[option["name"]] = named_channel
            else:
                raise _refusal(option)
        return options

    def _list_channels(self, option: CommandSpec) -> dict[str | None, simcord.ChannelHandle]:
        """Return the channels of the types that an option takes, by name."""
        types = option.get("channel_types")
        named = [channel for channel in self._channels if channel.name]
        return {
            channel.name: channel
            for channel in named
            if not types or simcord_internals.channel_type(channel) in types
        }

    def _describe_values(self, option: CommandSpec) -> str:
        """Return what an option takes, for a hint: its choices, channels or numbers, or "" for a text."""
        if option["type"] == CHANNEL:
            return ", ".join(f"#{name}" for name in self._list_channels(option))
        if choices := option.get("choices"):
            return ", ".join(local_name(choice, self._locale.value) for choice in choices)
        if option["type"] == INTEGER:
            return f"{option.get('min_value', 0)}–{option.get('max_value', '')}"
        if option["type"] == BOOLEAN:
            return "True, False"
        return ""

    def _hint(self, channel: simcord.ChannelHandle, key: str, **values: object) -> None:
        """Reply to the viewer alone, as Discord's own hints do."""
        self._env.backend.create_message(
            channel.id,
            self._env.backend.bot_user.id,
            self._texts[key].format(**values),
            flags=discord.MessageFlags(ephemeral=True).value,
            interaction_metadata={"user": {"id": str(self._viewer.id)}},
            broadcast=False,
        )

    async def _announce(self, channel: simcord.ChannelHandle, key: str, **values: str) -> None:
        """Announce the clock in the channel, unless the bot may not write there."""
        sender = self._env.bot.get_partial_messageable(channel.id)
        with suppress(discord.Forbidden):
            await sender.send(self._texts[key].format(**values))
