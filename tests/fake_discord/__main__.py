"""`python -m tests.fake_discord`: serve until killed. Prints the URLs of the API and of the control API."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from pathlib import Path

from aiohttp import web

from tests.fake_discord import accounts, channels, control, interactions, messages, server
from tests.support import origin_server


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="fake_discord", description=__doc__)
    parser.add_argument("--openapi", type=Path, help="Discord's OpenAPI document, for payload validation")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args().openapi))


async def serve(openapi: Path | None) -> None:
    """Serve the API and the control API until cancelled."""
    fake = server.make_fake(openapi)
    async with _serving(make_api_app(fake)) as port, _serving(make_control_app(fake)) as control_port:
        fake.url = f"http://127.0.0.1:{port}{server.API}"
        fake.gateway.url = f"ws://127.0.0.1:{port}/gateway"
        print(fake.url, flush=True)
        print(f"http://127.0.0.1:{control_port}", flush=True)
        await asyncio.Event().wait()


def make_api_app(fake: server.Fake) -> web.Application:
    """Return the application with the REST API and the Gateway."""
    app = web.Application(middlewares=[server.api_middleware], client_max_size=25 << 20)
    app[server.FAKE] = fake
    for module in (messages, channels, accounts, interactions):
        module.add_routes(app)
    app.router.add_get("/gateway", fake.gateway.serve)
    app.router.add_get("/gateway/", fake.gateway.serve)
    return app


def make_control_app(fake: server.Fake) -> web.Application:
    """Return the application with the control API."""
    app = web.Application(client_max_size=25 << 20)
    app[server.FAKE] = fake
    control.add_routes(app)
    return app


def _serving(app: web.Application) -> contextlib.AbstractAsyncContextManager[int]:
    return origin_server.serving(web.AppRunner(app, access_log=None, shutdown_timeout=1))


if __name__ == "__main__":
    main()
