"""Router of components and modals: the verb of a custom id to its handler in a cog."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import discord

from bot.client.components import custom_ids
from bot.client.context import Interaction
from bot.client.interactions import errors, responses

Check = Callable[[Interaction], None]
FirstResponse = Callable[[Interaction], Awaitable[None]]
Handler = Callable[[Interaction, custom_ids.Action], Awaitable[None]]
HandlerMethod = TypeVar("HandlerMethod", bound=Callable[..., Awaitable[None]])


class ComponentRouter:
    """Dispatch table from verbs to handlers, filled as cogs are loaded."""

    def __init__(self) -> None:
        self._routes: dict[str, tuple[Check | None, FirstResponse | None, Handler]] = {}

    def register(self, cog: object) -> None:
        """Register the methods of `cog` that are marked with `handles`. Raises ValueError for a duplicate verb."""
        for _, method in inspect.getmembers(cog, inspect.iscoroutinefunction):
            if (mark := getattr(method, "__route__", None)) is None:
                continue
            verb, check, first = mark
            if verb in self._routes:
                raise ValueError(f"two handlers claim {verb!r}")
            self._routes[verb] = check, first, method

    async def dispatch(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Run the handler of an action. Errors and unknown verbs are reported to the user, never raised."""
        try:
            if action.verb not in self._routes:
                raise errors.UserError("outdated-control")
            check, first, handler = self._routes[action.verb]
            if check is not None:
                check(interaction)
            if first is not None:
                await first(interaction)
            await handler(interaction, action)
        except Exception as error:  # noqa: BLE001 - discord.py would drop it, and the user would see no answer
            await errors.handle_error(interaction, error)


def handles(
    verb: str, *, check: Check | None = None, first: FirstResponse | None = responses.acknowledge
) -> Callable[[HandlerMethod], HandlerMethod]:
    """Mark a cog's coroutine method as the handler of a verb.

    `check` runs before it and raises UserError to refuse; then the interaction gets the response `first`, unless it is
    None because the handler responds by itself.
    """

    def mark(method: HandlerMethod) -> HandlerMethod:
        method.__route__ = verb, check, first  # type: ignore[attr-defined]
        return method

    return mark


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


def walk_components(components: Any) -> Iterator[Any]:
    """Yield the components of a message with their children, depth first."""
    for component in components:
        yield component
        yield from walk_components(getattr(component, "children", ()))
