"""Takes the pictures of the README and of `docs/wording.md` from the demo, using headless Chromium: `make pictures`.

A picture shows the newest message without the rest of the page. The animation shows the whole page while a topic is
being typed. The words of each message are stored beside the pictures: a test compares them with what the demo shows now.
`python -m bench.pictures NAME…` takes only the named pictures; `en` or `ko` among the names selects one language.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import simcord
from PIL import Image

from bot.app.runtime import Runtime
from bot.demo import server, simcord_additions
from bot.demo.simcord_page import Viewer
from bot.i18n.texts import for_locale
from storage import models
from tests.support import browser
from tests.support.client_harness import shown_text

Demo: TypeAlias = tuple[simcord.Env, Runtime, list[simcord.ChannelHandle], list[Viewer]]

FOLDER = Path(__file__).parents[1] / "docs" / "images"
EN, KO = models.Locale.EN, models.Locale.KO
WIDTH, HEIGHT = 960, 1400
MARGIN = 6
"""Pixels of the page shown around a message."""
MESSAGES = {
    "daily": ("", ""),
    "weekly": ("/daily setup channel:vision style:weekly", "/자동게시 설정 채널:vision 형식:weekly"),
    "topic": ("/topic small language model", "/주제 소형 언어 모델"),
    "author": ("/author loubna ben allal", "/저자 loubna ben allal"),
    "digest": ("/digest dec 30", "/다이제스트 12월 30일"),
    "card": ("/paper 2502.02737", "/논문 2502.02737"),
    "trends": ("/trends topic:reinforcement learning", "/동향 강화 학습"),
    "alert": ("", ""),
    "alert-preview": ("/alerts add keyword:diffusion", "/알림 추가 확산 모델"),
    "today": ("/today", "/오늘"),
    "saved": ("/saved", "/저장"),
    "status": ("/status", "/상태"),
    "why": ("/why paper:2502.02737", "/이유 2502.02737"),
}
"""Pictures of a single message in the order of the page, with the text to type in each language; "" if already there."""
FIRST = {"alert": 0, "daily": 1}
"""The place of the messages that are already there."""
WORDS = FOLDER / "words.json"
SAVED = ("2502.02737", "2406.17557", "2501.12948")
"""Papers of different days to save before taking the picture of saved papers: those of one moment are shown by day."""
TYPING = ("ㄱ", "가", "강", "강화")
"""The composer's text while 강화 is typed on a Korean keyboard."""
FRAME_MILLISECONDS, LAST_MILLISECONDS = 350, 3500

STILL = """
*{animation:none!important;transition:none!important;caret-color:transparent!important;scroll-behavior:auto!important}
#paperround{display:none!important} .channel-message:hover{background:none!important}
"""
HELPERS = """
window.messages = () => [...document.querySelectorAll('.channel-message')];
window.cards = () => [...document.querySelectorAll('.component-container')];
addEventListener('DOMContentLoaded', () => {
  const sheet = new CSSStyleSheet(); sheet.replaceSync(STILL); document.adoptedStyleSheets = [sheet];
});
"""


@asynccontextmanager
async def running_demo(locale: models.Locale, folder: Path) -> AsyncIterator[str]:
    """Run `paperround demo` and yield the address of its page."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--port", "0", "--locale", locale.value),
        cwd=folder,
        env=os.environ
        | {
            "PYTHONUNBUFFERED": "1",
            "PYTHONHASHSEED": "0",
            "GIT_DIR": os.devnull,
        },  # no commit beside the version
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.send_signal(signal.SIGINT)
        await process.wait()


class Camera:
    """Drives a page of the demo: types, presses buttons and takes pictures."""

    def __init__(self, page: browser.Browser, locale: models.Locale) -> None:
        self._page, self._locale = page, locale

    async def open(self, url: str) -> None:
        await self._page.call("Page.enable")
        source = HELPERS.replace("STILL", json.dumps(STILL))
        await self._page.call("Page.addScriptToEvaluateOnNewDocument", source=source)
        await self._page.open(url, width=WIDTH, height=HEIGHT)
        await self._page.wait_for("window.cards?.().length > 0 && simcordPreview.ready")
        await self._settle()

    async def take_message(self, name: str, typed: str) -> None:
        """Take a picture of the reply to a typed line, or of a message that is already there."""
        if name == "saved":
            for paper in SAVED:
                await self._do(f"/{'논문' if self._locale is KO else 'paper'} {paper}")
                await self._press("저장" if self._locale is KO else "Save")
        newest = await self._do(typed)
        place = str(FIRST.get(name, ""))
        if not place:  # Of a reply in two parts, take the first.
            place = f"cards().findIndex(c => c.closest('.channel-message').dataset.messageId > {newest!r})"
            await self._page.wait_for(f"{place} >= 0")
            await self._settle()
        self._save(name, await self._shoot(f"cards().at({place})"))

    async def _do(self, typed: str) -> str:
        """Send a line, if any. Returns the id of the message that had been the newest."""
        newest = str(await self._page.evaluate("messages().at(-1).dataset.messageId"))
        if typed:
            await self._send(typed)
            await self._page.wait_for(f"messages().at(-1).dataset.messageId !== {newest!r}")
        await self._settle()
        return newest

    async def _press(self, label: str) -> None:
        """Press a button of the newest message."""
        button = (
            f"[...messages().at(-1).querySelectorAll('button')].find(b => b.innerText.trim() === {label!r})"
        )
        await self._page.wait_for(f"{button} && !{button}.disabled")
        await self._page.evaluate(f"{button}.click()")
        await self._settle()

    async def take_typing(self, name: str) -> None:
        """Take an animation of a topic that is typed, chosen from the suggestions and answered."""
        await self._page.call(
            "Emulation.setDeviceMetricsOverride", width=800, height=560, deviceScaleFactor=1, mobile=False
        )
        await self._settle()
        await self._page.evaluate("cards().at(-1).scrollIntoView()")
        await self._settle()
        frames = [await self._shoot()]
        await self._choose_topic()
        frames.append(await self._shoot())
        for text in TYPING:
            await self._page.evaluate("document.activeElement.select()")
            await self._page.type(text)
            await self._settle()
            frames.append(await self._shoot())
        newest = await self._page.evaluate("messages().at(-1).dataset.messageId")
        await self._page.press("Enter")
        await self._settle()
        frames.append(await self._shoot())
        while await self._page.evaluate(f"messages().at(-1).dataset.messageId === {newest!r}"):
            await self._page.press("Enter")
            await asyncio.sleep(3)
        await self._settle()
        await self._page.evaluate("messages().at(-1).scrollIntoView()")
        await self._settle()
        frames.append(await self._shoot())
        durations = [1200, *[FRAME_MILLISECONDS] * (len(frames) - 3), 1200, LAST_MILLISECONDS]
        small = [frame.quantize(96, dither=Image.Dither.NONE) for frame in frames]
        small[0].save(
            self._path(name, "gif"),
            save_all=True,
            append_images=small[1:],
            duration=durations,
            loop=0,
            optimize=True,
        )

    async def _choose_topic(self) -> None:
        """Type the command's name and select it, so that the cursor is in its option."""
        await self._clear()
        await self._page.evaluate("document.querySelector('#channel-composer-input').focus()")
        await self._page.type("/주제" if self._locale is KO else "/topic")
        await self._page.wait_for("document.querySelector('.command-entry') !== null")
        await self._page.press("Enter")
        await self._page.wait_for("document.querySelector('.command-pill input') !== null")
        await self._page.evaluate("document.querySelector('.command-pill input').focus()")

    async def _clear(self) -> None:
        await self._page.evaluate(
            "(() => { const i = document.querySelector('#channel-composer-input');"
            " if (i) { i.value = ''; i.dispatchEvent(new Event('input', {bubbles: true})); } })()"
        )

    async def _send(self, line: str) -> None:
        """Type and send a line, dismissing the list of commands."""
        await self._page.evaluate(
            f"(() => {{ const i = document.querySelector('#channel-composer-input'); i.value = {line!r};"
            " i.dispatchEvent(new Event('input', {bubbles: true}));"
            " i.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true, cancelable: true}));"
            " i.form.requestSubmit(); })()"
        )

    async def _settle(self) -> None:
        """Wait until the page and its pictures have not changed for a second."""
        last, same = None, 0
        while same < 5:
            shown = await self._page.evaluate(
                "document.body.innerText + document.querySelectorAll('button:disabled').length"
                " + [...document.images].every(i => i.complete) + simcordPreview.ready"
            )
            same, last = (same + 1 if shown == last else 0), shown
            await asyncio.sleep(0.25)

    async def _shoot(self, element: str = "") -> Image.Image:
        """Return a picture of the element selected by a JavaScript expression, or of the whole page without one."""
        clip = {}
        if element:
            await self._page.evaluate(f"{element}.scrollIntoView({{block: 'center'}})")
            box = json.loads(await self._page.evaluate(f"JSON.stringify({element}.getBoundingClientRect())"))
            width, height = box["width"] + 2 * MARGIN, box["height"] + 2 * MARGIN
            area = {
                "x": box["x"] - MARGIN,
                "y": box["y"] - MARGIN,
                "width": width,
                "height": height,
                "scale": 1,
            }
            clip = {"clip": area}
        answer = await self._page.call("Page.captureScreenshot", format="png", **clip)
        return Image.open(io.BytesIO(base64.b64decode(answer["data"]))).convert("RGB")

    def _save(self, name: str, picture: Image.Image) -> None:
        picture.save(self._path(name, "png"), optimize=True)

    def _path(self, name: str, ending: str) -> Path:
        return FOLDER / f"{name}-{self._locale.value}.{ending}"


def open_stage(locale: models.Locale, demo: Demo) -> simcord_additions.Stage:
    """Return a stage that runs what a demo's first viewer types, without a page."""
    env, runtime, channels, viewers = demo
    page: Any = SimpleNamespace(_pages={}, refresh=env.settle, _action=env.settle, viewers=viewers)
    return simcord_additions.Stage(
        env, page, channels, locale, server.make_delivery(runtime), partial(server.list_minutes, runtime)
    )


async def read_words(locale: models.Locale, demo: Demo) -> AsyncIterator[tuple[str, list[str]]]:
    """Yield the name of each picture and the words of its message, line by line, as a new demo shows them now.

    Times, ids and the commit of the version are left out.
    """
    _, _, (papers, *_), (reader, *_) = demo
    assert isinstance(reader, simcord.MemberActor)
    shown = open_stage(locale, demo)

    async def answer(line: str) -> Any:
        newest = papers.history(viewer=reader)[-1].id
        await reader.send(papers, line)
        await shown.step()
        return next(one for one in papers.history(viewer=reader) if one.id > newest)

    for name, lines in MESSAGES.items():
        if name == "saved":
            for paper in SAVED:
                card = await answer(f"/paper {paper}")
                await reader.click(card, label=for_locale(locale)("save"))
        line = lines[locale is KO]
        message = await answer(line) if line else papers.history(viewer=reader)[FIRST[name]]
        words = re.sub(r"(?<=<t:)\d+|\d{17,20}| \([0-9a-f]{12}(?:-dirty)?\)", "", shown_text(message))
        yield f"{name}-{locale.value}", words.splitlines()


async def store_words(locale: models.Locale, wanted: set[str], folder: Path) -> None:
    """Store the words of the pictures that were taken."""
    stored = json.loads(WORDS.read_text(encoding="utf-8")) if WORDS.exists() else {}
    async with server.open_demo(locale, folder) as demo:
        async for name, words in read_words(locale, demo):
            if not wanted or name.rpartition("-")[0] in wanted:
                stored[name] = words
    text = json.dumps(dict(sorted(stored.items())), ensure_ascii=False, indent=1)
    WORDS.write_text(f"{text}\n", encoding="utf-8")


async def take_all(locale: models.Locale, wanted: set[str]) -> None:
    """Take the pictures for one language."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running_demo(locale, Path(folder)) as url,
            browser.open_browser(Path(folder) / "profile") as page,
        ):
            camera = Camera(page, locale)
            await camera.open(url)
            if not wanted or "typing" in wanted:
                await camera.take_typing("typing")
                await camera.open(url)
            for name, lines in MESSAGES.items():
                if not wanted or name in wanted:
                    await camera.take_message(name, lines[locale is KO])
        await store_words(locale, wanted, Path(folder))
    sys.stdout.write(f"{locale.value}: done\n")


async def main() -> None:
    """Take the pictures named by the arguments."""
    names = set(sys.argv[1:])
    languages = names & {locale.value for locale in models.Locale}
    for locale in models.Locale:
        if not languages or locale.value in languages:
            await take_all(locale, names - languages)


if __name__ == "__main__":
    asyncio.run(main())
