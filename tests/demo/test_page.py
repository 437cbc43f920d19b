"""The demo command, its page in headless Chromium, and its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import browser, patience

TIMEOUT_SECONDS = 120
README = Path(__file__).parents[2] / "README.md"

pytestmark = pytest.mark.browser


class Demo:
    """`paperround demo` as a process; `url` is the first line that it prints."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo", "--port", "0", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=patience.scaled(TIMEOUT_SECONDS))
        return self.process.returncode


@pytest.fixture(params=["ko", "en"])
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def demo(tmp_path: Path, locale: str) -> Iterator[Demo]:
    demo = Demo(tmp_path, "--locale", locale)
    yield demo
    if demo.process.poll() is None:
        demo.stop()


POST = {
    "ko": (
        "2026년 1월 1일의 논문",
        "12편 중 추천을 가장 많이 받은 5편",
        "요약에 “강화 학습”",
        "자세히 읽을 논문을 고르세요",
    ),
    "en": ("Papers for January 1, 2026", "of 12 by votes", "reinforcement learning", "Pick a paper to read"),
}
ANSWERS = {
    "/topic small language model": ("small language model · 4 papers", "소형 언어 모델"),
    "/topic 소형 언어 모델": ("소형 언어 모델 · 4 papers", "SmolLM2"),
    "/author loubna ben allal": ("Loubna Ben Allal",),
    "/alerts add keyword:diffusion": ("Inference-Time Scaling for Diffusion Models",),
    "/daily setup time:9am": ("already has a daily post", "Change the existing one", "Add a second"),
    "/주제 소형 언어 모델": ("소형 언어 모델 · 4편", "SmolLM2"),
    "/저자 loubna ben allal": ("Loubna Ben Allal",),
    "/논문 2502.02737": ("SmolLM2: When Smol Goes Big",),
}
"""What the page shows after each line that the README proposes to type."""
TRENDS = {
    "en": ("/trends", "Feb: 10", "Nov: 28", "Rising topics of the last 30 days", "10.5% → 14.8%"),
    "ko": ("/동향", "2월 10", "11월 28", "최근 30일 동안 떠오르는 주제", "10.5% → 14.8%"),
}
"""The line for trends, and what shows a year of months and a topic that rises."""


def _lines_of_readme(locale: str) -> list[str]:
    """Return the commands that the README's English or Korean part proposes for the demo."""
    english, _, korean = README.read_text(encoding="utf-8").partition("## 한국어")
    if locale == "ko":
        [paragraph] = re.findall(r"- \*\*찾기\.\*\*.*", korean)
        return re.findall(r"`(/[^`]+)`", paragraph)
    section = english.partition("## Try it")[2].partition("\n## ")[0]
    return re.findall(r"`(/[^`]+)`", section)


async def _send(page: browser.Browser, line: str, *sentences: str) -> None:
    """Type a line into the message box and press Enter until the page shows the sentences.

    Before it has loaded, the page sends nothing and says so, and Enter on the whole name of a command chooses it first.
    """
    await page.evaluate("document.querySelector('textarea').focus()")
    await page.type(line)
    await page.wait_for(f"document.querySelector('textarea').value === {line!r}")
    await page.press_until("Enter", *sentences)


@pytest.mark.skipif(browser.CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)")
async def test_the_lines_of_the_readme_do_on_the_page_what_it_says(
    demo: Demo, locale: str, tmp_path: Path
) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#\S+", demo.url)
    lines = _lines_of_readme(locale)
    assert len(lines) >= 3
    async with browser.open_browser(tmp_path / "profile") as page:
        await page.open(demo.url)
        await page.wait_for_text(*POST[locale], "SmolLM2", "▲ 147")
        assert "Thumbnail unavailable" not in await page.text()
        for line in lines:
            await _send(page, line, *ANSWERS[line])
        await _send(page, TRENDS[locale][0], *TRENDS[locale][1:])
        # A line that is no command is answered too.
        await _send(page, "/topc x", "/도움말" if locale == "ko" else "or try /help")


def test_the_demo_ends_cleanly_on_ctrl_c(demo: Demo) -> None:
    assert demo.stop() == 0


def test_a_port_in_use_is_reported_on_one_line(demo: Demo, tmp_path: Path) -> None:
    port = demo.url.split(":")[2].split("/")[0]
    second = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--port", port],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=patience.scaled(TIMEOUT_SECONDS),
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1].startswith(f"paperround: Port {port} cannot be listened on")
    assert "Traceback" not in second.stderr
