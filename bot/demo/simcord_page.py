"""The demo's page: SimCord's page with Paperround's title, channels and first steps, localised.

SimCord has no public interface for this, so handlers are replaced before its server starts.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import discord
import simcord
from aiohttp import web
from simcord.interactions import command_leaves

from bot.core import clock
from bot.demo import simcord_internals
from bot.demo import texts as demo_texts
from storage import models

Viewer: TypeAlias = "simcord.MemberActor | simcord.UserHandle"
CommandSpec = Mapping[str, Any]
"""A command or option in the JSON of Discord's API, with its localized names."""

NAMES_CHANNEL = re.compile(r"\b(?:channel|채널):")
_FILES = {"/paperround.css": "text/css", "/paperround.js": "application/javascript"}
_CHANNEL, _VIEWER = "/paperround/channel/", "/paperround/viewer/"
_ICON = "/paperround.png"
_CANCELLED, _NAVIGATION, _ZONE = "/paperround/cancelled", "/paperround/navigation", "/paperround/zone"
MAX_SHOWN = 50
"""Channels and threads listed on the page."""


def list_shown(channels: Sequence[simcord.ChannelHandle]) -> list[simcord.ChannelHandle]:
    """Return the channels and their threads. A forum is replaced by its posts."""
    shown = [
        shown
        for channel in channels
        for shown in (channel.threads if _is_forum(channel) else [channel, *channel.threads])
    ]
    return shown[:MAX_SHOWN]


def list_open(
    preview: simcord.Preview, channels: Sequence[simcord.ChannelHandle]
) -> list[simcord.ChannelHandle]:
    """Return the channels that the page's viewer can open: those listed, and the direct messages."""
    return [*list_shown(channels), own_dm(preview.viewers[0])]


def own_dm(viewer: Viewer) -> simcord.ChannelHandle:
    return (viewer.user if isinstance(viewer, simcord.MemberActor) else viewer).dm_channel


def _is_forum(channel: simcord.ChannelHandle) -> bool:
    return simcord_internals.channel_type(channel) == discord.ChannelType.forum.value


def dress(
    preview: simcord.Preview,
    channels: Sequence[simcord.ChannelHandle],
    locale: models.Locale,
    archive_url: str,
    use_zone: Callable[[str], Awaitable[None]],
) -> None:
    """Turn SimCord's page into Paperround's, linked to the web archive. Call this before it is served.

    `use_zone` is called with the browser's time zone if it differs from the page's.
    """
    simcord_internals.reuse_parsers()
    server = simcord_internals.PageServer(preview)
    respond = server.respond

    async def serve(request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.startswith("/paperround/"):
            if not server.is_authorized(request):
                raise web.HTTPSeeOther("/")  # whose own text says which address to open
            answer = await _act(request, preview, channels, locale, use_zone)
            return respond(answer, "text/html")
        if path == _ICON:
            return web.FileResponse(Path(str(resources.files("bot.features.web"))) / "avatar.png")
        if path.startswith("/fonts/"):  # 17 MB that SimCord would read into memory for each page
            folder = Path(simcord.__file__).parent / "preview" / "static"
            return web.FileResponse(folder / path[1:], headers={"Cache-Control": "max-age=86400"})
        if path in _FILES:
            text = (resources.files(__package__) / "page" / path[1:]).read_text(encoding="utf-8")
            if path.endswith(".js"):
                text = f"const TEXTS = {json.dumps(_texts(preview, locale))};\n{text}"
            return respond(text, _FILES[path])
        original = await server.serve_file(request)
        if path == "/":
            return respond(_render(original.text, preview, channels, locale, archive_url), "text/html")
        assert isinstance(original, web.StreamResponse)
        return original

    async def list_commands(request: web.Request) -> web.StreamResponse:
        original = await server.serve_commands(request)
        assert isinstance(original, web.Response)
        if locale is models.Locale.EN or original.status != web.HTTPOk.status_code:
            return original
        catalog = json.loads(original.text or "")
        _localize(catalog, preview, locale.value)
        return respond(json.dumps(catalog), "application/json")

    paths = [f"{_CHANNEL}{{id}}", f"{_VIEWER}{{id}}", _CANCELLED, _NAVIGATION, _ZONE]
    server.replace(serve, list_commands, [*_FILES, *paths, _ICON])


async def _act(
    request: web.Request,
    preview: simcord.Preview,
    channels: Sequence[simcord.ChannelHandle],
    locale: models.Locale,
    use_zone: Callable[[str], Awaitable[None]],
) -> str:
    """Do what the page's script asks for, and return the text of the answer. Raises HTTPNotFound."""
    path, id_ = request.path, request.match_info.get("id")
    if path == _NAVIGATION:
        return _render_navigation(preview, channels, locale)
    if path == _CANCELLED:
        simcord_internals.close_form(preview, request.query_string)
    elif path == _ZONE:
        preview.timezone = clock.stored_zone(request.query.get("name", "")).key
        await use_zone(preview.timezone)
        _show(preview, preview.viewers[0], preview.channel)
    elif viewer := next((viewer for viewer in preview.viewers if str(viewer.id) == id_), None):
        _show(preview, viewer, preview.channel if preview.channel.guild else own_dm(viewer))
    elif channel := next((row for row in list_open(preview, channels) if str(row.id) == id_), None):
        _show(preview, preview.viewers[0], channel)
    else:
        raise web.HTTPNotFound
    return ""


def _render(
    page: str,
    preview: simcord.Preview,
    channels: Sequence[simcord.ChannelHandle],
    locale: models.Locale,
    archive_url: str,
) -> str:
    """Return SimCord's page with Paperround's title, channels, members and first steps."""
    words, is_dm = _escaped_words(locale), preview.channel.guild is None
    steps = "".join(
        f'<li><button type="button" data-line="{html.escape(line)}"><code>{html.escape(line)}</code>'
        f"{html.escape(what)}</button></li>"
        for line, what in demo_texts.load(locale).steps
        if not (is_dm and NAMES_CHANNEL.search(line))
    )
    side = (
        f'<aside id="paperround"><header><h1>{words["title"]}</h1><p>{words["about"]}</p></header>'
        f'<nav aria-label="{words["channels"]}">{_render_navigation(preview, channels, locale)}</nav>'
        f'<p><a href="{archive_url}/?lang={locale.value}" target="_blank" rel="noopener">{words["archive"]}</a></p>'
        f"<details><summary>{words['steps']}</summary><ol>{steps}</ol><p>{words['how']}</p></details></aside>"
        f'<p id="paperround-address" role="alert" hidden>{words["address"]}</p>'
    )
    changes = {
        '<html lang="en">': f'<html lang="{locale.value}">',
        "<title>SimCord Preview</title>": f'<title>{words["title"]}</title><link rel="icon" href="{_ICON}">',
        "</head>": '<link rel="stylesheet" href="/paperround.css"></head>',
        '<div id="preview-shell"': f'{side}<div id="preview-shell"',
        "</body>": '<script type="module" src="/paperround.js"></script></body>',
    }
    for old, new in changes.items():
        page = page.replace(old, new, 1)
    return page


def _escaped_words(locale: models.Locale) -> dict[str, str]:
    return {name: html.escape(text) for name, text in demo_texts.load(locale).words.items()}


def _render_navigation(
    preview: simcord.Preview, channels: Sequence[simcord.ChannelHandle], locale: models.Locale
) -> str:
    words, links = _escaped_words(locale), ""
    shown_ids = {row.id for row in list_shown(channels)}
    for channel in channels:
        # A forum has no messages of its own; its posts are listed below it.
        links += f"<li><span>{_label(channel, words)}</span></li>" if _is_forum(channel) else ""
        for row in (channel, *channel.threads):
            if row.id in shown_ids:
                current = " aria-current=page" if row.id == preview.channel.id else ""
                links += f'<li><a href="{_CHANNEL}{row.id}"{current}>{_label(row, words)}</a></li>'
    dm = own_dm(preview.viewers[0])
    current = " aria-current=page" if dm.id == preview.channel.id else ""
    links += f'<li><a href="{_CHANNEL}{dm.id}"{current}>{_label(dm, words)}</a></li>'
    people = "".join(
        f'<li><a href="{_VIEWER}{viewer.id}"{" aria-current=page" if viewer is preview.viewers[0] else ""}>'
        f"{html.escape(_name(viewer))} · {words['member' if number else 'manager']}</a></li>"
        for number, viewer in enumerate(sorted(preview.viewers, key=lambda viewer: viewer.id))
    )
    return f"<h2>{words['channels']}</h2><ul>{links}</ul><h2>{words['viewers']}</h2><ul>{people}</ul>"


def _name(viewer: Viewer) -> str:
    user = viewer.user if isinstance(viewer, simcord.MemberActor) else viewer
    return user.global_name or user.name


def _label(channel: simcord.ChannelHandle, words: Mapping[str, str]) -> str:
    if channel.name is None:
        return f"@ {words['dm']}"
    return f"{'›' if channel.is_thread else '#'} {html.escape(channel.name)}"


def _texts(preview: simcord.Preview, locale: models.Locale) -> dict[str, Any]:
    """Return the values for the page's script: translations, and the names of message menu commands."""
    texts = demo_texts.load(locale)
    listed = list_menu_commands(preview.env, preview.viewers[0], preview.channel)
    menu = {command["name"]: local_name(command, locale.value) for command in listed}
    is_english = locale is models.Locale.EN
    # SimCord's own names are English.
    leaves = [] if is_english else list(list_leaves(preview.env, preview.viewers[0], preview.channel))
    commands = {
        " ".join(node["name"] for node in path[:depth]): " ".join(
            local_name(node, locale.value) for node in path[:depth]
        )
        for path, _ in leaves
        for depth in range(1, len(path) + 1)  # SimCord only names the group
    }
    options = {
        option["name"]: local_name(option, locale.value)
        for _, leaf in leaves
        for option in leaf.get("options") or ()
    }
    return {
        "exact": {**texts.exact, **menu},
        "patterns": texts.patterns,
        "commands": commands,
        "options": options,
        "menu": menu,
        **({"zone": preview.timezone} if is_english else {}),
    }


def _localize(catalog: dict[str, Any], preview: simcord.Preview, locale: str) -> None:
    """Translate the commands, descriptions and choices in the page's picker for a Discord locale.

    Options keep their English names, which the page sends with their values.
    """
    leaves = {
        tuple(node["name"] for node in path): (path, leaf)
        for path, leaf in list_leaves(preview.env, preview.viewers[0], preview.channel)
    }
    for entry in catalog["entries"]:
        path, leaf = leaves[tuple(entry["path"])]
        entry["invocation"] = " ".join(local_name(node, locale) for node in path)
        entry["description"] = local_text(leaf, "description", locale)
        options = {option["name"]: option for option in leaf.get("options") or ()}
        for shown in entry["options"]:
            option = options[shown["name"]]
            shown["description"] = local_text(option, "description", locale)
            for shown_choice, choice in zip(shown["choices"], option.get("choices") or (), strict=True):
                shown_choice["name"] = local_name(choice, locale)


def list_leaves(
    env: simcord.Env, viewer: Any, channel: simcord.ChannelHandle
) -> Iterator[tuple[list[CommandSpec], CommandSpec]]:
    """Yield the commands visible to a viewer in a channel, or all, as (names of the groups and the command, command)."""
    commands = [spec for (_, kind), spec in env.backend.commands.get(None, {}).items() if kind == 1]
    if viewer is not None:
        commands = env.backend.visible_commands(user_id=viewer.id, channel_id=channel.id)
    for command in commands:
        for path, leaf in command_leaves(command):
            nodes: list[CommandSpec] = [command]
            for name in path[1:]:
                nodes.append(next(node for node in nodes[-1]["options"] if node["name"] == name))
            yield nodes, leaf


def list_menu_commands(env: simcord.Env, viewer: Any, channel: simcord.ChannelHandle) -> list[CommandSpec]:
    """Return the message menu commands that a viewer sees in a channel; SimCord cannot run any in a DM."""
    if not isinstance(viewer, simcord.MemberActor):
        return []
    kind = discord.AppCommandType.message.value
    return list(env.backend.visible_commands(user_id=viewer.id, channel_id=channel.id, type=kind))


def local_name(node: CommandSpec, locale: str) -> str:
    return local_text(node, "name", locale)


def local_text(node: CommandSpec, key: str, locale: str) -> str:
    """Return a text of a command, option or choice in a Discord locale."""
    return str((node.get(f"{key}_localizations") or {}).get(locale, node.get(key, "")))


def _show(preview: simcord.Preview, viewer: Viewer, channel: simcord.ChannelHandle) -> None:
    """Show a channel to a viewer on pages that are opened later. Pages already open must be reloaded."""
    user = viewer.user if isinstance(viewer, simcord.MemberActor) else viewer
    # SimCord shows a server's channel to its member, and a DM to its user.
    chosen = user if channel.guild is None else simcord.MemberActor(preview.env, channel.guild, user)
    simcord_internals.show_channel(preview, chosen, channel)
