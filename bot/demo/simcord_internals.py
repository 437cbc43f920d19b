"""SimCord's private names, which the demo needs for what it has no public interface for. No other module uses one.

`tests/demo/test_internals.py` names the version that they are of.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from typing import Any

import simcord
from aiohttp import web
from discord import app_commands
from simcord.preview import _markdown

from storage import errors

Handler = Callable[[web.Request], Awaitable[Any]]
Act = Callable[[str | None, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Does what a page asks for, by the page's id and the request's body."""


def channel_type(channel: simcord.ChannelHandle) -> int:
    return int(channel._channel.type)


class PageServer:
    """The server of a preview's pages, whose handlers are replaced before it starts."""

    def __init__(self, preview: simcord.Preview) -> None:
        self._server: Any = preview._server
        self.serve_file: Handler = self._server._static
        self.serve_commands: Handler = self._server._commands

    def replace(self, serve_file: Handler, serve_commands: Handler, paths: Iterable[str]) -> None:
        """Replace the handlers of files and of the list of commands, and serve more paths as files."""
        self._server._STATIC_FILES = self._server._STATIC_FILES | dict.fromkeys(paths, "")
        self._server._static, self._server._commands = serve_file, serve_commands

    def respond(self, text: str, content_type: str) -> web.Response:
        """Return a response with the server's security headers."""
        return web.Response(text=text, content_type=content_type, headers=self._server._SECURITY_HEADERS)

    def is_authorized(self, request: web.Request) -> bool:
        """Return whether a request has the secret of the page's address."""
        return bool(self._server._authorized(request))


@cache
def reuse_parsers() -> None:
    """Let SimCord build a Markdown parser for each kind of field, not for each text, which took a third of a reply's time."""
    build_parser, current = _markdown._markdown_parser, dict[str, Any]()
    parsers: dict[tuple[tuple[str, object], ...], Any] = {}

    def get_parser(policy: Mapping[str, bool | str], context: Mapping[str, Any]) -> Any:
        # The parser resolves mentions with the context that it was built with, and each text is parsed at once.
        current.clear()
        current.update(context)
        key = tuple(policy.items())
        if key not in parsers:
            parsers[key] = build_parser(policy, current)
        return parsers[key]

    vars(_markdown)["_markdown_parser"] = get_parser


def wrap_actions(preview: simcord.Preview, wrap: Callable[[Act], Act]) -> None:
    """Replace what the pages' actions do."""
    vars(preview)["_action"] = wrap(preview._action)


def leave_out_refusals(env: simcord.Env) -> None:
    """Record no refusal as an error. The bot answers it, and the page would say of its action that it failed."""
    record = env._record_error

    def record_error(error: BaseException) -> None:
        if not isinstance(
            getattr(error, "original", error), (app_commands.AppCommandError, errors.UsageError)
        ):
            record(error)

    vars(env)["_record_error"] = record_error


def find_revision(preview: simcord.Preview, page_id: str | None) -> int | None:
    """Return the number of a page's newest state, or None for an unknown page."""
    page = preview._pages.get(page_id or "")
    return None if page is None else page.revision


def scroll_to(preview: simcord.Preview, channel_id: int, message_id: int) -> None:
    """Let the pages of a channel show a message at their end. Unlike `Preview.show`, it is not for captures alone."""
    for page in preview._pages.values():
        if page.channel_id == channel_id:
            page.target_id = page.window_end_id = message_id


def open_form(preview: simcord.Preview, channel_id: int, result: Any) -> None:
    """Show the form that answered a typed line on the pages of its channel."""
    for page in preview._pages.values():
        if page.channel_id == channel_id and page.viewer.id == result._interaction.user_id:
            page.modal, page.modal_handle = result, f"m_{secrets.token_urlsafe(12)}"
            preview._publish(page, reason="navigation")


def close_form(preview: simcord.Preview, handle: str) -> None:
    """Close a cancelled form on the server too, on each page that shows it under a handle of its own.

    While a form is open there, menus list no channels, and pages that are opened later show it.
    """
    pages = list(preview._pages.values())
    cancelled = [page.modal for page in pages if page.modal_handle == handle]
    for page in [one for one in pages if one.modal in cancelled]:
        page.modal = page.modal_handle = None
        preview._publish(page, reason="navigation")


def show_channel(preview: simcord.Preview, chosen: Any, channel: simcord.ChannelHandle) -> None:
    """Show a channel to a viewer on pages that are opened later. Pages already open must be reloaded."""
    source: Any = preview._python
    preview.channel = channel
    preview.viewers = (chosen, *(other for other in preview.viewers if other.id != chosen.id))
    source.viewer = chosen
    source.channel_id, source.target_id = channel.id, preview._initial_target(chosen, channel.id)
    source.window_end_id = source.target_id
    for id_ in [id_ for id_ in preview._pages if id_ != source.id]:
        preview._close_page(id_)
    preview._publish(source, reason="navigation")
