"""The Gateway: sessions, heartbeats, events, replays, and dropped connections.

It keeps `docs/services.md`, section *Gateway*.
"""

import asyncio
import copy
import json
import secrets
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import discord
from aiohttp import WSMsgType, web
from simcord import intents
from simcord.backend import serializers

from tests.fake_discord import model
from tests.fake_discord.model import Json

HEARTBEAT_INTERVAL_MS = 41_250
REPLAY_BUFFER_SIZE = 500


class Opcode(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class CloseCode(IntEnum):
    UNKNOWN_ERROR = 4000
    AUTHENTICATION_FAILED = 4004


@dataclass
class Session:
    """A session of the only shard. It ends with its connection."""

    socket: web.WebSocketResponse
    intents: int = 0
    seq: int = 0
    events: list[Json] = field(default_factory=list)


class Gateway:
    """All Gateway sessions. `url` is the Gateway's URL in GET /gateway/bot and READY."""

    def __init__(self, world: model.World) -> None:
        self.url = ""
        self.sessions: list[Session] = []
        self.identifies = 0
        self.session_starts = 1000
        self.closed_until = 0.0
        self._world = world
        self._send_tasks: set[asyncio.Task[None]] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if time.monotonic() < self.closed_until:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await _send(socket, {"op": Opcode.HELLO, "d": {"heartbeat_interval": HEARTBEAT_INTERVAL_MS}})
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self._receive(socket, json.loads(frame.data))
        return socket

    async def _receive(self, socket: web.WebSocketResponse, message: Json) -> None:
        match message["op"]:
            case Opcode.HEARTBEAT:
                self._spawn(_acknowledge(socket))
            case Opcode.IDENTIFY:
                await self._identify(socket, message["d"])
            case Opcode.RESUME:
                # Sessions end with their connection, so the client must identify again.
                await _send(socket, {"op": Opcode.INVALID_SESSION, "d": False})
            case _:
                pass  # e.g. presence updates

    async def _identify(self, socket: web.WebSocketResponse, data: Json) -> None:
        if data["token"] != model.TOKEN:
            await socket.close(code=CloseCode.AUTHENTICATION_FAILED)
            return
        self.identifies += 1
        self.session_starts -= 1
        session = Session(socket, data["intents"])
        self.sessions.append(session)
        guilds = self._world.guilds.values()
        ready = {
            "v": 10,
            "user": serializers.user_payload(self._world.bot_user),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": secrets.token_hex(16),
            "resume_gateway_url": self.url,
            "shard": [0, 1],
            "application": {"id": str(model.APPLICATION_ID), "flags": 0},
        }
        self._send_event(session, "READY", ready)
        for guild in guilds:
            body: Json = {**serializers.guild_create_payload(self._world, guild)}
            active = [thread for thread in body["threads"] if not thread["thread_metadata"]["archived"]]
            body |= {"threads": active, "joined_at": guild.members[model.BOT_ID].joined_at}
            self._dispatch_to(session, "GUILD_CREATE", body)

    def dispatch(self, event: str, data: Mapping[str, Any]) -> None:
        """Send an event to all sessions that asked for its kind."""
        for session in self.sessions:
            self._dispatch_to(session, event, data)

    def _dispatch_to(self, session: Session, event: str, data: Mapping[str, Any]) -> None:
        """Send what a session may see of an event, if it may see it at all."""
        granted, needed = discord.Intents._from_value(session.intents), intents.required_intent(event, data)
        if needed is not None and not getattr(granted, needed):
            return
        shown = copy.deepcopy(dict(data))
        if event == "GUILD_CREATE":
            intents.prune_guild_create(shown, granted, model.BOT_ID)
        if event == "MESSAGE_CREATE" and not granted.message_content:
            intents.censor_message(shown, model.BOT_ID, backend=self._world)
        self._send_event(session, event, shown)

    def _send_event(self, session: Session, event: str, data: Json) -> None:
        session.seq += 1
        frame = {"op": Opcode.DISPATCH, "t": event, "s": session.seq, "d": data}
        session.events = [*session.events[-REPLAY_BUFFER_SIZE:], frame]
        if not session.socket.closed:
            self._spawn(_send(session.socket, frame))

    def _spawn(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(sending)
        self._send_tasks.add(task)
        task.add_done_callback(self._send_tasks.discard)

    async def replay(self, kind: str) -> None:
        """Repeat the events of a kind, with their original sequence numbers."""
        for session in self.sessions:
            for event in session.events:
                if event["t"] == kind:
                    await _send(session.socket, event)

    async def drop(self, *, closed_for: float = 0.0, code: int = CloseCode.UNKNOWN_ERROR) -> None:
        """Close all connections with `code`, and reject new ones for `closed_for` seconds."""
        self.closed_until = time.monotonic() + closed_for
        dropped, self.sessions = self.sessions, []
        await asyncio.gather(*(session.socket.close(code=code) for session in dropped))

    def count_connected(self) -> int:
        return sum(not session.socket.closed for session in self.sessions)


async def _acknowledge(socket: web.WebSocketResponse) -> None:
    # discord.py's heartbeat thread must first record that it sent the heartbeat.
    await asyncio.sleep(0.05)
    if not socket.closed:
        await _send(socket, {"op": Opcode.HEARTBEAT_ACK})


async def _send(socket: web.WebSocketResponse, frame: Json) -> None:
    try:
        await socket.send_str(json.dumps(frame, ensure_ascii=False))
    except ConnectionError:
        return  # the client has disconnected
