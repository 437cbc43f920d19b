"""Builds a message in one container and counts Discord's limits as it grows.

A text that does not fit is refused, never cut; the caller moves it to the next page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from bot.client.components import dynamic_item as items
from bot.rendering.discord_text import escape, limits, split

AMBER = 0xF4B400
"""The accent of ordinary messages."""

RED = 0xD93025
"""The accent of messages that need action by a person."""


class MessageBuilder:
    """A message of texts, sections, separators and rows, with its budget. The `add_*` methods return whether it fits."""

    def __init__(self, accent: int = AMBER) -> None:
        self.budget = limits.Budget()
        self.budget.add()
        self._container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=accent)

    @property
    def view(self) -> ui.LayoutView:
        """The layout of the message. It has no state and no timeout, so it is not kept after sending."""
        layout = ui.LayoutView(timeout=None)
        layout.add_item(self._container)
        return layout

    def share(self, count: int) -> tuple[int, int]:
        """Return the code points and UTF-8 bytes that each of `count` more text displays may use."""
        return self.budget.characters // count, self.budget.text_bytes // count - limits.TEXT_BYTES_OVERHEAD

    def reserve(self, components: int, texts: Sequence[str] = ()) -> bool:
        """Reserve space for the last parts; the `add_reserved_*` methods add them without counting again."""
        return self.budget.add(components, texts)

    def add_text(self, markdown: str) -> bool:
        """Add a text display; nothing for a blank text."""
        if not markdown.strip():
            return True
        if not self.budget.add_text(markdown):
            return False
        self.add_reserved_text(markdown)
        return True

    def add_reserved_text(self, markdown: str) -> None:
        """Add a text display in reserved space."""
        self._container.add_item(ui.TextDisplay(markdown))

    def add_section(self, markdown: str, thumbnail: str | None, description: str | None = None) -> bool:
        """Add a text with a thumbnail; without one if its address is missing or unsafe."""
        address = escape.safe_url(thumbnail) if thumbnail else None
        if address is None:
            return self.add_text(markdown)
        if not self.budget.add(3, (markdown,)):
            return False
        alt = split.shorten(escape.to_single_line(description or ""), limits.ALT_TEXT, markdown=False)
        picture: ui.Thumbnail[ui.LayoutView] = ui.Thumbnail(address, description=alt or None)
        self._container.add_item(ui.Section(markdown, accessory=picture))
        return True

    def add_image(self, file: str, description: str) -> bool:
        """Add an image that is attached to the message, by its file name."""
        if not self.budget.add():
            return False
        alt = split.shorten(escape.to_single_line(description), limits.ALT_TEXT, markdown=False)
        picture = discord.MediaGalleryItem(f"attachment://{file}", description=alt or None)
        self._container.add_item(ui.MediaGallery(picture))
        return True

    def add_file(self, name: str) -> bool:
        """Add a file that is attached to the message, by its name."""
        if not self.budget.add():
            return False
        self._container.add_item(ui.File(f"attachment://{name}"))
        return True

    def add_separator(self, *, visible: bool = True) -> bool:
        """Add a line, or vertical space without a line."""
        if not self.budget.add():
            return False
        self._container.add_item(ui.Separator(visible=visible))
        return True

    def add_buttons(self, *buttons: ui.Item[Any] | None) -> bool:
        """Add a row of up to five buttons, without those that are None."""
        present = [button for button in buttons if button is not None]
        if not present:
            return True
        if not self.budget.add(1 + len(present)):
            return False
        self.add_reserved_row(*present)
        return True

    def add_select(self, menu: ui.Item[Any] | None) -> bool:
        """Add a row with a select menu; nothing for None."""
        if menu is None:
            return True
        if not self.budget.add(2):
            return False
        self.add_reserved_row(menu)
        return True

    def add_reserved_row(self, *items: ui.Item[Any]) -> None:
        """Add a row in reserved space; nothing without items."""
        if items:
            self._container.add_item(ui.ActionRow(*items))


def optional_row(item: ui.Item[Any] | None) -> list[ui.Item[Any]]:
    """Return a row with the item, empty for None."""
    return [] if item is None else [item]


def button(
    label: str,
    custom_id: str,
    *,
    emoji: str | None = None,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    disabled: bool = False,
) -> ui.Item[Any]:
    """Return a button for the action in `custom_id`, its label shortened to the limit."""
    shown = split.shorten(escape.to_single_line(label), limits.BUTTON_LABEL, markdown=False)
    plain: ui.Button[Any] = ui.Button(
        label=shown, custom_id=custom_id, emoji=emoji, style=style, disabled=disabled
    )
    return items.DynamicComponent(plain)


def link_button(label: str, url: str | None) -> ui.Item[Any] | None:
    """Return a button that opens an address, None for a missing or unsafe address."""
    address = escape.safe_url(url) if url else None
    return None if address is None else ui.Button(label=label, url=address)


def select_option(
    label: str, value: str, *, description: str | None = None, selected: bool = False
) -> discord.SelectOption:
    """Return an option of a select menu, its texts shortened to the limits."""
    return discord.SelectOption(
        label=split.shorten(escape.to_single_line(label), limits.SELECT_LABEL, markdown=False) or "–",
        value=value,
        description=split.shorten(
            escape.to_single_line(description or ""), limits.SELECT_DESCRIPTION, markdown=False
        )
        or None,
        default=selected,
    )


def select_menu(
    placeholder: str, custom_id: str, options: Sequence[discord.SelectOption], *, max_values: int = 1
) -> ui.Item[Any] | None:
    """Return a select menu of at most 25 options with different values; None without options.

    With `max_values` above 1 any number of them up to that may be selected, none included.
    """
    unique = {choice.value: choice for choice in options[: limits.SELECT_OPTIONS]}
    if not unique:
        return None
    plain: ui.Select[Any] = ui.Select(
        custom_id=custom_id,
        placeholder=split.shorten(placeholder, limits.SELECT_PLACEHOLDER, markdown=False),
        options=list(unique.values()),
        min_values=1 if max_values == 1 else 0,
        max_values=min(max_values, len(unique)),
    )
    return items.DynamicComponent(plain)
