"""Router of commands, components and modals: a handler in a cog gets a `Request` and returns its answer, which is sent here."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any, Concatenate, ParamSpec

import discord
from discord import app_commands

from bot.client.components import custom_ids
from bot.client.context import Interaction, Request
from bot.client.interactions import errors, responses
from bot.client.interactions.responses import Answer, Way
from bot.services.accounts.text_tokens import TextTokenStore

P = ParamSpec("P")
Check = Callable[[Interaction], None]
Handler = Callable[[Interaction, custom_ids.Action], Awaitable[None]]
CogMethod = Callable[Concatenate[Any, Request, P], Awaitable[Answer]]
Callback = Callable[Concatenate[Any, discord.Interaction[Any], P], Coroutine[Any, Any, None]]


class ComponentRouter:
    """Dispatch table from verbs to handlers, filled as cogs are loaded."""

    def __init__(self) -> None:
        self._routes: dict[str, tuple[Check | None, Handler]] = {}

    def register(self, cog: object) -> None:
        """Register the methods of `cog` that are marked with `handles`. Raises ValueError for a duplicate verb."""
        for _, method in inspect.getmembers(cog, inspect.iscoroutinefunction):
            if (mark := getattr(method, "__route__", None)) is None:
                continue
            verb, check = mark
            if verb in self._routes:
                raise ValueError(f"two handlers claim {verb!r}")
            self._routes[verb] = check, method

    async def dispatch(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Run the handler of an action. Errors and unknown verbs are reported to the user, never raised."""
        try:
            if action.verb not in self._routes:
                raise errors.UserError("outdated-control")
            check, handler = self._routes[action.verb]
            if check is not None:
                check(interaction)
            await handler(interaction, action)
        except Exception as error:  # noqa: BLE001 - discord.py would drop it, and the user would see no answer
            await errors.handle_error(interaction, error)


def answers(
    way: Way | Callable[[custom_ids.Action], Way] = responses.PRIVATELY,
) -> Callable[[CogMethod[P]], Callback[P]]:
    """Decorate a cog's method as the callback of a command: it gets a `Request`, and what it returns is sent in this way."""

    def decorate(method: CogMethod[P]) -> Callback[P]:
        @functools.wraps(method)
        async def run(
            cog: Any, interaction: discord.Interaction[Any], /, *arguments: P.args, **options: P.kwargs
        ) -> None:
            chosen = way if isinstance(way, Way) else way(*arguments)  # type: ignore[arg-type]
            if chosen.first is not None:
                await chosen.first(interaction)
            request = Request(interaction, await interaction.client.texts_for(interaction))
            await responses.send(interaction, await method(cog, request, *arguments, **options), chosen)

        # discord.py would resolve the annotations of the options with the names of this module.
        run.__signature__ = inspect.signature(method, eval_str=True)  # type: ignore[attr-defined]
        return run

    return decorate


def command(
    *, name: str, description: str, way: Way = responses.PRIVATELY
) -> Callable[[CogMethod[P]], app_commands.Command[Any, P, None]]:
    """Make a cog's method a slash command, as `app_commands.command` does, of which the answer is sent as with `answers`."""

    def decorate(method: CogMethod[P]) -> app_commands.Command[Any, P, None]:
        return app_commands.command(name=name, description=description)(answers(way)(method))

    return decorate


def handles(
    verb: str,
    way: Way | Callable[[custom_ids.Action], Way] = responses.IN_PLACE,
    *,
    check: Check | None = None,
) -> Callable[[CogMethod[P]], Callback[P]]:
    """Mark a cog's method as the handler of a verb. It gets a `Request` and the action, and what it returns is sent in this way.

    `check` runs before everything else and raises UserError to refuse. A way may depend on the action.
    """

    def decorate(method: CogMethod[P]) -> Callback[P]:
        run = answers(way)(method)
        run.__route__ = verb, check  # type: ignore[attr-defined]
        return run

    return decorate


def selected_values(interaction: discord.Interaction[Any]) -> list[str]:
    """Return the selected values of the select menu that triggered the interaction."""
    data: Any = interaction.data or {}
    return [str(value) for value in data.get("values", ())]


def selected_value(interaction: discord.Interaction[Any]) -> str:
    """Return the first selected value. Raises InvalidCustomIdError if there is none, or one that we never offer."""
    value = next(iter(selected_values(interaction)), "")
    if not value or not value.isprintable():
        raise custom_ids.InvalidCustomIdError(f"{value!r} is no value of a menu")
    return value


def modal_values(interaction: discord.Interaction[Any]) -> dict[str, str]:
    """Return the fields of a submitted modal by custom id; several selected values are joined with commas."""
    data: Any = interaction.data or {}
    values: dict[str, str] = {}
    pending = list(data.get("components", ()))
    while pending:
        component = pending.pop()
        pending += component.get("components", ())
        if "component" in component:
            pending.append(component["component"])
        if "values" in component:
            values[component["custom_id"]] = ",".join(map(str, component["values"]))
        elif "value" in component:
            # PostgreSQL stores no NUL.
            values[component["custom_id"]] = str(component["value"] or "").replace("\0", "")
    return values


def uploaded_file(interaction: discord.Interaction[Any]) -> tuple[str, int]:
    """Return the address and the size in bytes of the file of a submitted modal. Raises InvalidCustomIdError without one."""
    data: Any = interaction.data or {}
    with custom_ids.map_parse_errors():
        files = list(data["resolved"]["attachments"].values())
        if not files:
            raise ValueError("the modal has no file")
        return str(files[0]["url"]), int(files[0]["size"])


async def store_typed(tokens: TextTokenStore, payload: str, values: Mapping[str, str]) -> str:
    """Return a token for the payload and the values of a modal that was refused."""
    return await tokens.save(f"{payload}\n{json.dumps(dict(values))}")


async def load_typed(tokens: TextTokenStore, token: str) -> tuple[str, dict[str, str]]:
    """Return the payload and the values of a refused modal. Raises UserError if they were overwritten."""
    stored = await tokens.get(token)
    if stored is None:
        raise errors.UserError("outdated-control")
    payload, _, typed = stored.partition("\n")
    with custom_ids.map_parse_errors():
        return payload, json.loads(typed)


def walk_components(components: Any) -> Iterator[Any]:
    """Yield the components of a message with their children, depth first."""
    for component in components:
        yield component
        yield from walk_components(getattr(component, "children", ()))
