"""The fake Discord as a context and as a pytest fixture."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.fake_discord import routes, server
from tests.support import origin_server

__all__ = ["routes"]  # whose import adds the endpoints that differ from SimCord's


@asynccontextmanager
async def open_fake() -> AsyncIterator[server.FakeDiscord]:
    """Serve a fake Discord with one guild on loopback, in the event loop of the test."""
    app = web.Application(middlewares=[server.api_middleware], client_max_size=25 << 20)
    fake = app[server.FAKE] = server.FakeDiscord()
    fake.add_guild()
    app.router.add_route("*", server.API + "/{path:.*}", server.serve)
    app.router.add_get("/gateway{slash:/?}", fake.gateway.serve)
    async with origin_server.serving(web.AppRunner(app, access_log=None, shutdown_timeout=0.1)) as port:
        fake.url = f"http://127.0.0.1:{port}"
        fake.gateway.url = fake.gateway_url
        yield fake
        await fake.gateway.drop()


@pytest.fixture
async def fake() -> AsyncIterator[server.FakeDiscord]:
    async with open_fake() as opened:
        yield opened
