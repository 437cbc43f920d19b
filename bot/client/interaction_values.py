"""The contents of interactions and messages: values of menus and forms, custom ids, texts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import discord

from bot.client import custom_ids
from bot.rendering import discord_text

AnyInteraction = discord.Interaction[Any]

MAX_LENGTH = 20_000
"""The most characters read from a message: five times the longest message."""


def is_ephemeral(interaction: AnyInteraction) -> bool:
    return interaction.message is not None and interaction.message.flags.ephemeral


def display_name(interaction: AnyInteraction) -> str:
    """Return the user's display name in this server, escaped and limited to 60 characters."""
    return discord_text.escape_untrusted(interaction.user.display_name, max_length=60)


def selected_values(interaction: AnyInteraction) -> list[str]:
    """Return the values selected in the interaction's menu, at most as many as a menu can have."""
    data: Any = interaction.data or {}
    return [str(value) for value in data.get("values", ())[: discord_text.SELECT_OPTIONS]]


def selected_value(interaction: AnyInteraction) -> str:
    """Return the first selected value. Raises InvalidCustomIdError if it is missing or not printable."""
    value = next(iter(selected_values(interaction)), "")
    if not value or not value.isprintable():
        raise custom_ids.InvalidCustomIdError(f"{value!r} is not a value of a menu")
    return value


class ModalValues(dict[str, str]):
    """The fields of a submitted modal. Raises InvalidCustomIdError for one that it lacks, as where a button was forged."""

    def __missing__(self, name: str) -> str:
        raise custom_ids.InvalidCustomIdError(f"there is no field {name!r}")


def modal_values(interaction: AnyInteraction) -> ModalValues:
    """Return a submitted modal's fields by custom id.

    Multiple selected values are joined by commas. A checkbox has the value "True" or "".
    """
    data: Any = interaction.data or {}
    values = ModalValues()
    pending = list(data.get("components", ()))
    while pending:
        component = pending.pop()
        pending += component.get("components", ())
        if "component" in component:
            pending.append(component["component"])
        if "values" in component:
            values[component["custom_id"]] = ",".join(map(str, component["values"]))
        elif "value" in component:
            # PostgreSQL cannot store NUL.
            values[component["custom_id"]] = str(component["value"] or "").replace("\0", "")
    return values


def uploaded_file(interaction: AnyInteraction) -> tuple[str, int]:
    """Return the URL and size (bytes) of a submitted modal's file. Raises InvalidCustomIdError if missing."""
    data: Any = interaction.data or {}
    with custom_ids.map_parse_errors():
        file, *_ = data["resolved"]["attachments"].values()
        return str(file["url"]), int(file["size"])


def walk_components(components: Any) -> Iterator[Any]:
    """Yield a message's components, including children and accessories, depth first."""
    for component in components:
        yield component
        yield from walk_components(getattr(component, "children", ()))
        yield from walk_components(filter(None, (getattr(component, "accessory", None),)))


def find_marker(interaction: AnyInteraction) -> str | None:
    """Return the delivery marker in a component's message, which an edit must keep, or None."""
    return next(filter(None, map(custom_ids.find_marker, list_custom_ids(interaction.message))), None)


def list_custom_ids(message: discord.Message | None) -> list[str]:
    """Return the custom ids in a message, in order."""
    components = walk_components(message.components if message else ())
    return [custom_id for component in components if (custom_id := getattr(component, "custom_id", None))]


def read_text(message: discord.Message) -> str:
    """Return a message's texts, URLs and names of files, one per line, with link previews, forwarded messages and a poll."""
    return "\n".join(_parts(message))[:MAX_LENGTH]


def _parts(message: discord.Message) -> Iterator[str]:
    parts: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    for part in parts:
        yield part.content
        for embed in part.embeds:
            author, footer = embed.author, embed.footer
            texts = (author.name, author.url, embed.url, embed.title, embed.description)
            fields = ((field.name, field.value) for field in embed.fields)
            yield from filter(None, chain(texts, *fields, (footer.text,)))
        for component in walk_components(part.components):
            yield from filter(None, (getattr(component, name, None) for name in ("content", "url")))
        yield from (file.filename for file in part.attachments)
    if poll := message.poll:
        yield from filter(None, (poll.question, *(answer.text for answer in poll.answers)))
