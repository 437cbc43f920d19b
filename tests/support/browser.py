"""Headless Chromium, driven over the DevTools protocol."""

import asyncio
import itertools
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import patience

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)"
)
FLAGS = (
    *("--headless", "--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
WAIT_SECONDS = 60.0


class _NavigatedError(Exception):
    """Raised if the browser left the page while evaluating an expression there."""


class Browser:
    """A browser with one page. Coordinates and sizes are in CSS pixels."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = await self._socket.receive_json(timeout=patience.scaled(WAIT_SECONDS))
            if answer.get("id") == number:
                if re.search("navigated|context", answer.get("error", {}).get("message", "")):
                    raise _NavigatedError
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    async def open(self, url: str, *, width: int = 1280, height: int = 900) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.call("Emulation.setDeviceMetricsOverride", **metrics)
        await self.call("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; None while the browser changes pages."""
        try:
            answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        except _NavigatedError:
            return None
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def text(self) -> str:
        return " ".join(str(await self.evaluate("document.body?.innerText") or "").split())

    async def wait_for(self, expression: str) -> None:
        """Wait until a JavaScript expression is true. Raises TimeoutError with the page's text."""
        async with self._waiting(expression):
            while not await self.evaluate(expression):  # noqa: ASYNC110 - the browser sets no event
                await asyncio.sleep(0.1)

    async def wait_for_text(self, *sentences: str) -> None:
        for sentence in sentences:
            await self.wait_for(
                f"document.body && document.body.innerText.replace(/\\s+/g, ' ').includes({sentence!r})"
            )

    async def type(self, text: str) -> None:
        """Insert text at the focus."""
        await self.call("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        code = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowDown": 40}[key]
        shared = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        await self.call(
            "Input.dispatchKeyEvent", type="keyDown", text="\r" if key == "Enter" else "", **shared
        )
        await self.call("Input.dispatchKeyEvent", type="keyUp", **shared)

    async def click(self, element: str) -> None:
        """Click the element that a JavaScript expression returns, once it is visible."""
        await self.wait_for(f"{element}?.checkVisibility()")
        place = f"(rect => [rect.x + rect.width / 2, rect.y + rect.height / 2])({element}.getBoundingClientRect())"
        x, y = await self.evaluate(place)
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def press_until(self, key: str, *sentences: str) -> None:
        """Press a key every half second until the page shows all sentences."""
        shown, attempt = "", 0
        async with self._waiting(sentences):
            while not all(sentence in shown for sentence in sentences):
                if attempt % 5 == 0:
                    await self.press(key)
                attempt += 1
                await asyncio.sleep(0.1)
                shown = await self.text()

    @asynccontextmanager
    async def _waiting(self, wanted: object) -> AsyncIterator[None]:
        try:
            async with patience.limit(WAIT_SECONDS):
                yield
        except TimeoutError:
            raise TimeoutError(f"{wanted}\n{(await self.text())[-2000:]}") from None


@asynccontextmanager
async def open_browser(folder: Path) -> AsyncIterator[Browser]:
    """Start Chromium with its profile in a folder, and connect to its first page."""
    assert CHROMIUM is not None
    flags = (*FLAGS, "--remote-debugging-port=0", f"--user-data-dir={folder}")
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *flags, "about:blank", stderr=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        port_file = folder / "DevToolsActivePort"
        await patience.wait_until(lambda: port_file.exists() and bool(port_file.read_text()))
        address = f"http://127.0.0.1:{port_file.read_text().split()[0]}/json/list"
        async with aiohttp.ClientSession() as session:
            async with session.get(address) as response:
                pages = [page for page in await response.json() if page["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Browser(socket)
    finally:
        process.terminate()
        await process.wait()
