"""The Gateway: HELLO, IDENTIFY, READY, GUILD_CREATE, heartbeats, RESUME with replay, and drops on demand."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fake_discord import wire
from tests.fake_discord import world as w

Json = dict[str, Any]

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID_SESSION, HELLO, HEARTBEAT_ACK = (
    0,
    1,
    2,
    6,
    7,
    9,
    10,
    11,
)
UNKNOWN_ERROR, AUTHENTICATION_FAILED = 4000, 4004
REPLAY_BUFFER_SIZE = 500


@dataclass
class Session:
    """One shard's session; it outlives its connections as long as it can be resumed."""

    id: str
    shard: tuple[int, int]
    seq: int = 0
    events: list[Json] = field(default_factory=list)
    socket: web.WebSocketResponse | None = None


class Gateway:
    """All sessions. `url` is what GET /gateway/bot and READY tell."""

    def __init__(self, world: w.World) -> None:
        self.url = ""
        self.heartbeat_ms = 41_250
        self._send_tasks: set[asyncio.Task[None]] = set()
        self.reset(world)

    def reset(self, world: w.World) -> None:
        """Begin without sessions, for this world."""
        self.sessions: dict[str, Session] = {}
        self.identifies = 0
        self.resumes = 0
        self.closed_until = 0.0
        self._world = world

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket connection until either side ends it."""
        if time.monotonic() < self.closed_until:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await _send(socket, {"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_ms}})
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self._receive(socket, json.loads(frame.data))
        return socket

    async def _receive(self, socket: web.WebSocketResponse, message: Json) -> None:
        match message["op"]:
            case 1:
                self._spawn(_acknowledge(socket))
            case 2:
                await self._identify(socket, message["d"])
            case 6:
                await self._resume(socket, message["d"])
            case _:
                pass  # presence and the like: nobody here looks at it

    async def _identify(self, socket: web.WebSocketResponse, data: Json) -> None:
        if data["token"] != w.TOKEN:
            await socket.close(code=AUTHENTICATION_FAILED)
            return
        self.identifies += 1
        shard, count = data.get("shard") or (0, 1)
        session = Session(secrets.token_hex(16), (shard, count), socket=socket)
        self.sessions[session.id] = session
        guilds = [g for g in self._world.guilds.values() if g.present and self._is_on_shard(g.id, session)]
        ready = {
            "v": 10,
            "user": wire.render_user(w.BOT_ID),
            "guilds": [{"id": str(g.id), "unavailable": True} for g in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": [shard, count],
            "application": {"id": str(w.APPLICATION_ID), "flags": 0},
        }
        self._send_event(session, "READY", ready)
        for guild in guilds:
            self._send_event(session, "GUILD_CREATE", wire.render_guild(guild, self._world, full=True))

    async def _resume(self, socket: web.WebSocketResponse, data: Json) -> None:
        session = self.sessions.get(data["session_id"])
        if session is None:
            await _send(socket, {"op": INVALID_SESSION, "d": False})
            return
        self.resumes += 1
        session.socket = socket
        for event in session.events:
            if event["s"] > data["seq"]:
                await _send(socket, event)
        self._send_event(session, "RESUMED", {})

    @staticmethod
    def _is_on_shard(guild_id: int, session: Session) -> bool:
        shard, count = session.shard
        return (guild_id >> 22) % count == shard

    def dispatch(self, event: str, data: Json, guild_id: int | None = None) -> int:
        """Send an event to the sessions of the server's shard (shard 0 without a server). Gives their number."""
        hit = 0
        for session in list(self.sessions.values()):
            if self._is_on_shard(guild_id or 0, session):
                self._send_event(session, event, data)
                hit += session.socket is not None and not session.socket.closed
        return hit

    def _send_event(self, session: Session, event: str, data: Json) -> None:
        session.seq += 1
        frame = {"op": DISPATCH, "t": event, "s": session.seq, "d": data}
        session.events = [*session.events[-REPLAY_BUFFER_SIZE:], frame]
        if session.socket is not None and not session.socket.closed:
            self._spawn(_send(session.socket, frame))

    def _spawn(self, sending: Any) -> None:
        task = asyncio.ensure_future(sending)
        self._send_tasks.add(task)
        task.add_done_callback(self._send_tasks.discard)

    async def drop(self, *, forget: bool = False, closed_for: float = 0.0, code: int = UNKNOWN_ERROR) -> int:
        """Close every connection; `forget` the sessions too, and refuse new ones for `closed_for` seconds."""
        self.closed_until = time.monotonic() + closed_for
        sockets = [s.socket for s in self.sessions.values() if s.socket is not None and not s.socket.closed]
        if forget:
            self.sessions.clear()
        await asyncio.gather(*(socket.close(code=code) for socket in sockets))
        return len(sockets)

    def count_connected(self) -> int:
        """How many shards are connected and have identified."""
        return sum(s.socket is not None and not s.socket.closed for s in self.sessions.values())


async def _acknowledge(socket: web.WebSocketResponse) -> None:
    # At once would be before discord.py's own thread has noted that it sent the heartbeat.
    await asyncio.sleep(0.05)
    if not socket.closed:
        await _send(socket, {"op": HEARTBEAT_ACK})


async def _send(socket: web.WebSocketResponse, frame: Json) -> None:
    try:
        await socket.send_str(json.dumps(frame, ensure_ascii=False))
    except ConnectionError:
        return  # the client has gone; it gets the event when it resumes
