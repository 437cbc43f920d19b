"""The table from a control's verb to its handler. What a control does is in the cogs, what it looks like in the views."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import discord

from bot.client.components import custom_ids
from bot.client.context import Interaction
from bot.client.interactions import errors

Handler = Callable[[Interaction, custom_ids.Action], Awaitable[None]]
HandlerMethod = TypeVar("HandlerMethod", bound=Callable[..., Awaitable[None]])


class ComponentRouter:
    """The table of verbs, filled by the cogs when they are loaded."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def register(self, owner: object) -> None:
        """Register every method of `owner` that is marked with `handles`. Raises ValueError for a verb taken twice."""
        for _, method in inspect.getmembers(owner, inspect.iscoroutinefunction):
            verb = getattr(method, "__verb__", None)
            if verb is None:
                continue
            if verb in self._handlers:
                raise ValueError(f"two handlers claim {verb!r}")
            self._handlers[verb] = method

    @property
    def verbs(self) -> frozenset[str]:
        """The verbs that somebody handles."""
        return frozenset(self._handlers)

    async def dispatch(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Do what a control asks for; answer kindly when it is unknown, outdated or goes wrong."""
        handler = self._handlers.get(action.verb)
        try:
            if handler is None:
                raise errors.UserError("outdated-control")
            await handler(interaction, action)
        except Exception as error:  # noqa: BLE001 - the last stop: discord.py would swallow it, the reader see nothing
            await errors.handle_error(interaction, error)


def handles(verb: str) -> Callable[[HandlerMethod], HandlerMethod]:
    """Mark a cog's coroutine method as the one that answers controls with this verb."""

    def mark(method: HandlerMethod) -> HandlerMethod:
        method.__verb__ = verb  # type: ignore[attr-defined]
        return method

    return mark


def selected_values(interaction: discord.Interaction[Any]) -> list[str]:
    """Return the values picked in the select menu that this interaction is about."""
    data: Any = interaction.data or {}
    return [str(value) for value in data.get("values", ())]


def modal_values(interaction: discord.Interaction[Any]) -> dict[str, str]:
    """Return what was typed or picked in a form, by the field's custom id; several picks are joined with commas."""
    data: Any = interaction.data or {}
    found: dict[str, str] = {}
    waiting = list(data.get("components", ()))
    while waiting:
        component = waiting.pop()
        waiting += component.get("components", ())
        if "component" in component:
            waiting.append(component["component"])
        if "values" in component:
            found[component["custom_id"]] = ",".join(map(str, component["values"]))
        elif "value" in component:
            found[component["custom_id"]] = str(component["value"] or "")
    return found
