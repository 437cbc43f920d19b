"""`python -m tests.fake_model`: serve until killed. Prints the address of the server."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from pathlib import Path

from aiohttp import web

from tests.fake_model import server
from tests.support import origin_server


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="fake_model", description=__doc__)
    parser.add_argument("--log", type=Path, help="file to which each request is appended as a line of JSON")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args().log))


async def serve(log: Path | None) -> None:
    """Serve on a free port until cancelled."""
    runner = web.AppRunner(
        server.make_app(log), access_log=None, shutdown_timeout=1, handler_cancellation=True
    )
    async with origin_server.serving(runner) as port:
        print(f"http://127.0.0.1:{port}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
