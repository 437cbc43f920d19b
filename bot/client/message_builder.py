"""Build messages and modals within Discord's limits, and message bodies for the outbox."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeVar

import discord
import structlog
from discord import ui

from bot.client.custom_ids import CUSTOM_ID, fits, unpack_custom_id
from bot.i18n.texts import Texts
from bot.outbox import contents
from bot.rendering import discord_text
from storage import models

log = structlog.get_logger(__name__)

AMBER = 0xF4B400
"""Accent colour of ordinary messages."""
RED = 0xD93025
"""Accent colour of messages that require action."""
COMPONENTS_V2 = 1 << 15
SUPPRESS_EMBEDS = 1 << 2
SUPPRESS_NOTIFICATIONS = 1 << 12
TIMEOUT_SECONDS = 900.0
NO_MENTIONS: dict[str, list[str]] = {"parse": []}


def allowed_mentions(role_id: int | None) -> dict[str, list[str]]:
    return NO_MENTIONS if role_id is None else {"parse": [], "roles": [str(role_id)]}


def layout_payload(view: ui.LayoutView, *, mention_role_id: int | None = None) -> dict[str, Any]:
    """Return a layout as the body of a message that can notify no one but the role `mention_role_id`."""
    return {
        "components": view.to_components(),  # type: ignore[no-untyped-call]
        "flags": COMPONENTS_V2,
        "allowed_mentions": allowed_mentions(mention_role_id),
    }


def silenced(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a message or forum post with its notifications suppressed."""
    if "message" in payload:
        return payload | {"message": silenced(payload["message"])}
    return payload | {"flags": int(payload.get("flags") or 0) | SUPPRESS_NOTIFICATIONS}


def without_actions(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a message body without the buttons and menus that need a bot. Links stay."""
    return payload | {"components": _list_passive(payload.get("components") or ())}


def _list_passive(components: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the components without a custom id, and drop containers that become empty."""
    passive = []
    for component in components:
        if "components" in component:
            children = _list_passive(component["components"])
            passive += [component | {"components": children}] if children else []
        elif "custom_id" not in component:
            passive.append(component)
    return passive


def plain_payload(content: str, *, mention_role_id: int | None = None) -> dict[str, Any]:
    """Return the message body of a plain text without link previews. It may mention one role."""
    mentions = allowed_mentions(mention_role_id)
    return {"content": content, "flags": SUPPRESS_EMBEDS, "allowed_mentions": mentions}


class DynamicComponent(ui.DynamicItem[ui.Item[Any]], template=CUSTOM_ID):
    """A button or select menu that works after a restart, since its custom id contains the action."""

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - discord.py's signature
        item: ui.Item[Any],
        match: re.Match[str],  # noqa: ARG003
        /,
    ) -> Self:
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.client.component_router.dispatch(interaction, unpack_custom_id(self.custom_id))


class MessageFullError(Exception):
    """Raised if a message cannot hold a text or an item. Its contents have to be divided among more messages or pages."""


class MessageBuilder:
    """Builds a message within Discord's limits. Raises MessageFullError for what does not fit."""

    def __init__(self, accent: int = AMBER) -> None:
        self.budget = discord_text.Budget()
        self.budget.add()
        self._accent = accent
        self._items: list[ui.Item[ui.LayoutView]] = []
        self._end: list[ui.Item[ui.LayoutView]] = []
        self._custom_ids: set[str] = set()

    @property
    def view(self) -> ui.LayoutView:
        """The message's layout. It has no state and no timeout, so it can be dropped after sending."""
        layout = ui.LayoutView(timeout=None)
        layout.add_item(ui.Container(*self._items, *self._end, accent_colour=self._accent))
        return layout

    def share(self, count: int) -> tuple[int, int]:
        """Return how many code points and UTF-8 bytes each of `count` more text displays may use."""
        return (
            self.budget.characters // count,
            self.budget.text_bytes // count - discord_text.TEXT_BYTES_OVERHEAD,
        )

    def end_with(self, rows: Iterable[Iterable[ui.Item[Any] | None]], foot: str = "") -> None:
        """Reserve space for rows and a text (which may be "") at the end of the message. None items are skipped."""
        present = [fitting for row in rows if (fitting := self._list_fitting(row))]
        self._take(sum(1 + len(row) for row in present) + bool(foot), *filter(None, [foot]))
        self._end = [ui.ActionRow(*row) for row in present]
        if foot:
            self._end.append(ui.TextDisplay(foot))

    def add_text(self, markdown: str) -> None:
        """Add a text display, unless the text is blank."""
        if markdown.strip():
            self._add(ui.TextDisplay(markdown), 1, markdown)

    def add_list(self, lines: Sequence[str], tell_left: Callable[[int], str]) -> None:
        """Add a list of texts, of which at least the first is shown. `tell_left` says how many have no room, also 0."""
        self.add_text(fit_lines(lines, tell_left, *self.share(1)))

    def add_lists(self, lists: Iterable[tuple[Sequence[str], Callable[[int], str]]], foot: str) -> None:
        """Add lists as `add_list` does, each below a separator, then a text. Short lists are whole; long ones share the rest."""
        self._take(1, foot)
        given = [one for one in lists if one[0]]
        shown = [""] * len(given)
        for place in sorted(range(len(given)), key=lambda place: sum(map(len, given[place][0]))):
            shown[place] = fit_lines(*given[place], *self.share(shown.count("")))
            self._take(2, shown[place])
        for text in shown:
            self._items += [ui.Separator(visible=True), ui.TextDisplay(text)]
        self._items.append(ui.TextDisplay(foot))

    def add_section(self, markdown: str, thumbnail: str | None, description: str | None) -> None:
        """Add text with a thumbnail. The thumbnail is omitted if its URL is missing or unsafe."""
        address = discord_text.safe_url(thumbnail) if thumbnail else None
        if address is None:
            self.add_text(markdown)
            return
        alt = discord_text.shorten_label(description or "", discord_text.ALT_TEXT)
        picture: ui.Thumbnail[ui.LayoutView] = ui.Thumbnail(address, description=alt or None)
        self.add_text_with_accessory(markdown, picture)

    def add_text_with_accessory(self, markdown: str, accessory: ui.Item[Any]) -> None:
        """Add a text with an item on its right."""
        if self._list_fitting([accessory]):
            self._add(ui.Section(markdown, accessory=accessory), 3, markdown)
        else:
            self._add(ui.TextDisplay(markdown), 1, markdown)

    def add_media(self, addresses: Sequence[str], description: str) -> None:
        """Add at most ten pictures or videos by URL; `attachment://NAME` is an attached file."""
        if not addresses:
            return
        alt = discord_text.shorten_label(description, discord_text.ALT_TEXT) or None
        items = [discord.MediaGalleryItem(address, description=alt) for address in addresses]
        self._add(ui.MediaGallery(*items))

    def add_file(self, name: str) -> None:
        """Add an attached file by name."""
        self._add(ui.File(f"attachment://{name}"))

    def add_separator(self, *, visible: bool = True) -> None:
        """Add a separator line, or only vertical space."""
        self._add(ui.Separator(visible=visible))

    def add_buttons(self, *buttons: ui.Item[Any] | None) -> None:
        """Add a row of up to five buttons, or one select menu. None items are skipped."""
        if present := self._list_fitting(buttons):
            self._add(ui.ActionRow(*present), 1 + len(present))

    def _add(self, item: ui.Item[ui.LayoutView], components: int = 1, *texts: str) -> None:
        self._take(components, *texts)
        self._items.append(item)

    def _take(self, components: int, *texts: str) -> None:
        """Take components and texts from the budget. A text that was shortened to nothing does not fit either."""
        if not self.budget.add(components, texts) or not all(texts):
            raise MessageFullError(f"no room for {components} components, {[text[:80] for text in texts]}")

    def _list_fitting(self, items: Iterable[ui.Item[Any] | None]) -> list[ui.Item[Any]]:
        """Return the items without None and those whose ids are too long, and of those that do the same the first."""
        fitting = list[ui.Item[Any]]()
        for item in filter(None, items):
            custom_id = getattr(item, "custom_id", None) or ""
            if not fits(custom_id):
                log.error("a control is left out: its id is too long", custom_id=custom_id)
            elif custom_id not in self._custom_ids:
                fitting.append(item)
                self._custom_ids |= {custom_id} - {""}
        return fitting


def fit_lines(lines: Sequence[str], tell_left: Callable[[int], str], characters: int, size: int) -> str:
    """Return at least the first text, and others as far as they fit into code points and UTF-8 bytes, with how many do not."""
    for count in range(len(lines), 0, -1):
        text = "\n".join(filter(None, (*lines[:count], tell_left(len(lines) - count))))
        if len(text) <= characters and discord_text.utf8_bytes(text) <= size:
            return text
    left = f"\n{tell_left(len(lines) - 1)}".rstrip("\n")
    room = characters - len(left), size - discord_text.utf8_bytes(left)
    return discord_text.shorten(lines[0], room[0], max_bytes=room[1]) + left if lines else ""


def tell_left(texts: Texts, count: int, *, further: int = 0, where: str = "") -> str:
    """Return how many of a list's texts are not shown ("" for none), and the label of the button that shows them, if any."""
    count += further
    return texts("left-out" if where else "and-more", count=count, button=where) if count else ""


def button(
    label: str,
    custom_id: str,
    *,
    emoji: str | None = None,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
) -> ui.Item[Any]:
    """Return a button for the action in `custom_id`, with its label shortened."""
    shown = discord_text.shorten_label(label, discord_text.BUTTON_LABEL)
    return DynamicComponent(ui.Button(label=shown, custom_id=custom_id, emoji=emoji, style=style))


def link_button(label: str, url: str | None) -> ui.Item[Any] | None:
    """Return a button that opens a URL, or None if the URL is missing or unsafe."""
    address = discord_text.safe_url(url) if url else None
    return None if address is None else ui.Button(label=label, url=address)


def select_option(
    label: str, value: str, *, description: str | None = None, selected: bool = False
) -> discord.SelectOption:
    """Return a select menu option with shortened texts."""
    return discord.SelectOption(
        label=discord_text.shorten_label(label, discord_text.SELECT_LABEL) or "–",
        value=value,
        description=discord_text.shorten_label(description or "", discord_text.SELECT_DESCRIPTION) or None,
        default=selected,
    )


def select_menu(
    placeholder: str,
    custom_id: str,
    options: Sequence[discord.SelectOption],
    *,
    max_values: int = 1,
    min_values: int | None = None,
) -> ui.Item[Any] | None:
    """Return a select menu of at most 25 options with distinct values, or None if there are no options.

    If `max_values` is above 1, users may select nothing unless `min_values` is given.
    """
    fitting = [choice for choice in options if len(choice.value) <= discord_text.SELECT_VALUE]
    unique = {choice.value: choice for choice in fitting[: discord_text.SELECT_OPTIONS]}
    if not unique:
        return None
    return DynamicComponent(
        ui.Select(
            custom_id=custom_id,
            placeholder=discord_text.shorten(placeholder, discord_text.SELECT_PLACEHOLDER, markdown=False),
            options=list(unique.values()),
            min_values=(1 if max_values == 1 else 0) if min_values is None else min_values,
            max_values=min(max_values, len(unique)),
        )
    )


class StatelessModal(ui.Modal):
    """A modal without state: the handler of its verb receives the submission, even after a restart."""

    def __init__(self, title: str, custom_id: str) -> None:
        shown = discord_text.shorten(title, discord_text.MODAL_TITLE, markdown=False)
        super().__init__(title=shown, custom_id=custom_id, timeout=TIMEOUT_SECONDS)

    def add_text(
        self,
        label: str,
        custom_id: str,
        *,
        value: str = "",
        placeholder: str = "",
        max_length: int = 100,
        required: bool = True,
        multiline: bool = False,
        description: str | None = None,
    ) -> None:
        """Add a text field. `value` is its initial text, which may be longer than what is typed, up to Discord's limit."""
        value = value[: discord_text.TEXT]
        field: ui.TextInput[Any] = ui.TextInput(
            style=discord.TextStyle.paragraph if multiline else discord.TextStyle.short,
            custom_id=custom_id,
            default=value or None,
            placeholder=placeholder or None,
            max_length=max(max_length, len(value)),  # Discord refuses the whole form otherwise
            required=required,
        )
        self._add_field(label, field, description)

    def add_file(self, label: str, custom_id: str, description: str) -> None:
        self._add_field(label, ui.FileUpload(custom_id=custom_id, max_values=1), description)

    def add_checkbox(self, label: str, custom_id: str, *, checked: bool) -> None:
        field: ui.Checkbox[Any] = ui.Checkbox(custom_id=custom_id, default=checked)
        self._add_field(label, field)

    def add_choice(
        self, label: str, custom_id: str, options: list[discord.SelectOption], *, max_values: int = 1
    ) -> None:
        """Add an optional menu from which one option, or up to `max_values`, can be selected."""
        field: ui.Select[Any] = ui.Select(
            custom_id=custom_id, options=options, min_values=0, max_values=max_values, required=False
        )
        self._add_field(label, field)

    def add_channel(
        self, label: str, custom_id: str, kinds: list[discord.ChannelType], channel_id: int | None
    ) -> None:
        """Add a menu of the server's channels of some kinds, with `channel_id` preselected."""
        selected = [] if channel_id is None else [discord.Object(channel_id, type=discord.abc.GuildChannel)]
        field: ui.ChannelSelect[Any] = ui.ChannelSelect(
            custom_id=custom_id, channel_types=kinds, default_values=selected
        )
        self._add_field(label, field)

    def add_role(self, label: str, custom_id: str, role_id: int | None) -> None:
        """Add an optional menu of the server's roles, with `role_id` preselected."""
        selected = [] if role_id is None else [discord.Object(role_id, type=discord.Role)]
        field: ui.RoleSelect[Any] = ui.RoleSelect(
            custom_id=custom_id, min_values=0, required=False, default_values=selected
        )
        self._add_field(label, field)

    def _add_field(self, label: str, field: ui.Item[Any], description: str | None = None) -> None:
        text = discord_text.shorten(label, discord_text.TEXT_INPUT_LABEL, markdown=False)
        self.add_item(ui.Label(text=text, description=description, component=field))


AUTO_ARCHIVE_MINUTES = 4320
"""Discord archives an inactive thread after this time: three days, one of four allowed values."""


def thread_payload(name: str) -> dict[str, Any]:
    """Return the name, shortened, and the settings of a new thread."""
    shown = discord_text.shorten(name, discord_text.THREAD_NAME, markdown=False)
    return {"name": shown, "auto_archive_duration": AUTO_ARCHIVE_MINUTES}


T = TypeVar("T")


def pager(texts: Texts, page: int, pages: int, custom_id: Callable[[int], str]) -> list[ui.Item[Any]]:
    """Return buttons for the previous and next page, such as `◀ Page 1` and `Page 3 of 3 ▶` on the second of three.

    `custom_id` maps a page, counted from 0, to a custom id.
    """
    buttons = [button(texts("page-before", page=page), custom_id(page - 1))] if page else []
    if page + 1 < pages:
        buttons.append(button(texts("page-after", page=page + 2, pages=pages), custom_id(page + 1)))
    return buttons


def paginate(
    texts: Texts, items: Sequence[T], page: int, size: int, custom_id: Callable[[int], str]
) -> tuple[Sequence[T], list[ui.Item[Any]]]:
    """Return the items of a page, at most the last, and the `pager` below them."""
    pages = max(1, -(-len(items) // size))
    page = min(page, pages - 1)
    return items[page * size :][:size], pager(texts, page, pages, custom_id)


def text_view(text: str, *buttons: ui.Item[Any] | None, accent: int = AMBER) -> ui.LayoutView:
    """Return a message with a single text (trusted Markdown) and up to five buttons."""
    return message_view([text], buttons, accent=accent)


def message_view(
    texts: Iterable[str], *rows: Sequence[ui.Item[Any] | None], accent: int = AMBER
) -> ui.LayoutView:
    """Return a message with texts (trusted Markdown; blank ones are left out) above rows of up to five buttons, or one menu."""
    message = MessageBuilder(accent)
    for text in texts:
        message.add_text(text)
    for row in rows:
        message.add_buttons(*row)
    return message.view


def render_message(view: ui.LayoutView, plain: dict[str, Any]) -> tuple[contents.RenderedPart, ...]:
    """Return a message with its body as plain text, which is sent if Discord refuses the layout."""
    return (contents.RenderedPart(models.PartKind.MESSAGE, layout_payload(view), plain),)


def marked_plain_payload(text: str, marker: str) -> dict[str, Any]:
    """Return a plain message that carries a marker as the fragment of a link."""
    return plain_payload(f"{text}\n-# [Paperround](<https://discord.com/#{marker}>)")
