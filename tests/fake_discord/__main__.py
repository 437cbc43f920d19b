"""`python -m tests.fake_discord`: serve until killed, and print the URLs of the API and the control API."""

import argparse
import asyncio
import contextlib
from pathlib import Path

from aiohttp import web

from tests.fake_discord import accounts, channels, control, interactions, messages, server
from tests.support import origin_server


def main() -> None:
    parser = argparse.ArgumentParser(prog="fake_discord", description=__doc__)
    parser.add_argument("--openapi", type=Path, help="Discord's OpenAPI document, for payload validation")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args().openapi))


async def serve(openapi: Path | None) -> None:
    fake = server.make_fake(openapi)
    api = web.Application(middlewares=[server.api_middleware], client_max_size=25 << 20)
    for module in (messages, channels, accounts, interactions):
        api.add_routes(module.routes)
    api.router.add_get("/gateway", fake.gateway.serve)
    api.router.add_get("/gateway/", fake.gateway.serve)
    controls = web.Application(client_max_size=25 << 20)
    control.add_routes(controls)
    api[server.FAKE] = controls[server.FAKE] = fake
    async with _serving(api) as port, _serving(controls) as control_port:
        fake.url = f"http://127.0.0.1:{port}{server.API}"
        fake.gateway.url = f"ws://127.0.0.1:{port}/gateway"
        print(fake.url, flush=True)
        print(f"http://127.0.0.1:{control_port}", flush=True)
        await asyncio.Event().wait()


def _serving(app: web.Application) -> contextlib.AbstractAsyncContextManager[int]:
    return origin_server.serving(web.AppRunner(app, access_log=None, shutdown_timeout=1))


if __name__ == "__main__":
    main()
