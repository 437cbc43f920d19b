"""The demo command, its page in headless Chromium, and its end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
TIMEOUT_SECONDS = 120
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

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
        """End the process with Ctrl-C and return its exit status."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=TIMEOUT_SECONDS)
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


def text_of(page: str) -> str:
    """Return the text of a page without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)")
def test_the_page_shows_the_daily_post_and_an_alert(demo: Demo, locale: str, tmp_path: Path) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#\S+", demo.url)
    assert CHROMIUM is not None
    browser = subprocess.run(
        [
            CHROMIUM,
            *CHROMIUM_FLAGS,
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=20000",
            "--dump-dom",
            demo.url,
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    shown = text_of(browser.stdout)
    expected = {
        "ko": (
            "2026년 1월 1일의 논문",
            "12편 가운데 추천을 가장 많이 받은 5편",
            "새 논문",
            "요약에 “강화 학습”",
            "자세히 읽을 논문을 고르세요",
        ),
        "en": (
            "Papers of January 1, 2026",
            "most votes",
            "A new paper",
            "reinforcement learning",
            "Pick a paper to read",
        ),
    }[locale]
    for sentence in (*expected, "SmolLM2", "▲ 147"):
        assert sentence in shown
    assert "Thumbnail unavailable" not in shown


def test_the_demo_ends_cleanly_on_ctrl_c(demo: Demo) -> None:
    assert demo.stop() == 0


def test_a_port_in_use_is_reported_on_one_line(demo: Demo, tmp_path: Path) -> None:
    port = demo.url.split(":")[2].split("/")[0]
    second = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--port", port],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1].startswith(f"paperround: Port {port} cannot be listened on")
    assert "Traceback" not in second.stderr
