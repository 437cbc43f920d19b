"""`python -m tests.fake_discord`: serve until killed. Prints the API's URL, then the control API's, each on a line."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fake_discord import accounts, channels, control, interactions, messages, server


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="fake_discord", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the API and Gateway; 0 takes a free one")
    parser.add_argument("--state", type=Path, help='JSON: {"guilds": [...], "channels": [...]} to begin with')
    parser.add_argument("--openapi", type=Path, help="Discord's OpenAPI document, to check payloads against")
    parser.add_argument("--seed", type=int, default=0, help="of the dice that draws faults")
    parser.add_argument("--shards", type=int, default=1, help="how many GET /gateway/bot recommends")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args()))


async def serve(options: argparse.Namespace) -> None:
    """Open both ports and stay up."""
    fake = server.make_fake(options.openapi, options.seed)
    fake.shards = options.shards
    if options.state:
        await control.populate(fake, json.loads(options.state.read_text()))
    port = await _start_site(make_api_app(fake), options.port)
    fake.url = f"http://127.0.0.1:{port}{server.API}"
    fake.gateway.url = f"ws://127.0.0.1:{port}/gateway"
    print(fake.url, flush=True)
    print(f"http://127.0.0.1:{await _start_site(make_control_app(fake), 0)}", flush=True)
    await asyncio.Event().wait()


def make_api_app(fake: server.Fake) -> web.Application:
    """What the bot sees: REST and Gateway."""
    app = web.Application(middlewares=[server.api_middleware], client_max_size=25 << 20)
    app[server.FAKE] = fake
    for room in (messages, channels, accounts, interactions):
        room.add_routes(app)
    app.router.add_get("/gateway", fake.gateway.serve)
    app.router.add_get("/gateway/", fake.gateway.serve)
    return app


def make_control_app(fake: server.Fake) -> web.Application:
    """What tests see."""
    app = web.Application(client_max_size=25 << 20)
    app[server.FAKE] = fake
    control.add_routes(app)
    return app


async def _start_site(app: web.Application, port: int) -> int:
    runner: Any = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    taken: int = runner.addresses[0][1]
    return taken


if __name__ == "__main__":
    main()
