"""The demo command, and its page in headless Chromium."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import simcord

from bot.demo import server, texts
from storage import models
from tests.support import browser, patience

TIMEOUT_SECONDS = 120
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.browser


@asynccontextmanager
async def run_command(folder: Path) -> AsyncIterator[str]:
    """Run `paperround demo` in English, and yield its first URL. Ctrl-C must end it with status 0."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--port", "0", "--locale", "en"),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.send_signal(signal.SIGINT)
        await patience.wait_for(process.communicate(), TIMEOUT_SECONDS)
    assert process.returncode == 0


@asynccontextmanager
async def serve_here(printed: pytest.CaptureFixture[str]) -> AsyncIterator[str]:
    """Serve the demo in Korean from this process, and yield its first URL. Ctrl-C must end it."""
    serving = asyncio.create_task(server.serve(port=0, locale=models.Locale.KO))
    text = ""

    def find_address() -> re.Match[str] | None:
        nonlocal text
        text += printed.readouterr().out
        return re.search(r"http://\S+(?=\n)", text)

    try:
        await patience.wait_until(lambda: serving.done() or find_address() is not None)
        address = find_address()
        assert address is not None, text
        yield address[0]
    finally:
        signal.raise_signal(signal.SIGINT)
        await patience.wait_for(serving, TIMEOUT_SECONDS)


class Shown(NamedTuple):
    """The page's texts in one language."""

    title: str
    address: str
    post: tuple[str, ...]
    hints: tuple[str, str]
    """Parts of the replies to a line that is not a command, and to an unknown command."""
    see_all: str
    """A button in the daily post, which stays on the page."""
    menu: str
    menu_header: str
    command: tuple[str, str, str]
    """A command, a value for its first option, and the heading of the reply."""
    readme: tuple[str, str]
    """The file and section that suggest lines."""


SHOWN = {
    "en": Shown(
        "Paperround demo",
        "the whole address that the terminal printed",
        (
            "Papers for January 1, 2026",
            "of 12 by votes",
            "reinforcement learning",
            "Pick papers: read, save, our list",
        ),
        ("answers commands", "or try /topic"),
        "All the day's papers",
        "Look up papers",
        "Reader used Look up papers",
        ("/top", "last week", "Top papers · Dec 22"),
        ("README.md", "## Try these first"),
    ),
    "ko": Shown(
        "Paperround 데모",
        "터미널에 나온 주소를 # 뒤까지",
        (
            "2026년 1월 1일의 논문",
            "12편 중 추천을 가장 많이 받은 5편",
            "요약에 “강화 학습”",
            "논문을 고르세요: 읽기, 저장, 우리 목록",
        ),
        ("봇을 멘션한 메시지", "/주제 명령어를"),
        "그날의 논문 모두 보기",
        "논문 찾기",
        "독자 · 논문 찾기",
        ("/인기", "지난주", "인기 논문 · 2025"),
        ("README.ko.md", "## 먼저 입력해 볼 것"),
    ),
}
ANSWERS = {
    "/topic small language model": ("small language model · 7 papers", "Hymba puts attention heads"),
    "/topic 강화학습": ("강화학습 · 18 papers", "Searched: 강화학습 (reinforcement learning"),
    "/topic like:list": ("like our list", "SmolVLA", "10 of your list are on"),
    "/paper 2502.02737": ("SmolLM2: When Smol Goes Big", "GitHub"),
    "/ask question:How do I shrink the KV cache for long inputs?": ("The nearest passages", "SnapKV"),
    "/ask paper:2501.12948 question:How is a reasoning model rewarded?": ("checks the final answer",),
    "/alerts add keyword:diffusion channel:vision": ("Inference-Time Scaling for Diffusion Models",),
    "/daily setup channel:vision time:9am topic:diffusion": ("#vision", "Topic: diffusion", "First post:"),
    "/trends": ("12 papers so far", "Rising topics of the last 30 days", "7% → 16%"),
    "/club setup channel:papers day:wed time:5pm": ("Wednesdays at 5:00 PM", "Next vote:"),
    "+1 day": ("⏩", "January 2, 2026"),
    "/주제 강화학습": ("강화학습 · 18편",),
    "/주제 small language model": ("small language model · 7편", "SmolLM2"),
    "/주제 비슷:우리 목록": ("우리 목록과 비슷한", "SmolVLA", "우리 목록 중 10편이"),
    "/논문 2502.02737": ("SmolLM2: When Smol Goes Big", "GitHub"),
    "/질문 질문:긴 입력에서 KV 캐시를 줄이려면?": ("SnapKV",),
    "/질문 질문:긴 글을 읽을 때 어텐션을 빠르게 하려면?": ("FlashAttention",),
    "/질문 논문:2501.12948 질문:추론 모델에는 보상을 어떻게 줘요?": ("checks the final answer",),
    "/알림 추가 단어:확산 모델 채널:vision": ("Inference-Time Scaling for Diffusion Models",),
    "/자동게시 설정 채널:vision 시각:오전 9시 주제:확산 모델": ("#vision", "확산 모델", "첫 게시:"),
    "/스터디 설정 채널:papers 요일:수 시각:오후 5시": ("매주 수요일 오후 5:00", "다음 투표:"),
    "+1일": ("⏩", "2026년 1월 2일"),
    "/동향": ("지금까지 1월 12편", "최근 30일 동안 떠오르는 주제", "7% → 16%"),
}
"""What the page shows after each line that the README or the page suggests."""


def _proposed_lines(locale: str) -> list[str]:
    """Return the distinct lines that the README and the page suggest in a language."""
    name, heading = SHOWN[locale].readme
    section = (ROOT / name).read_text(encoding="utf-8").partition(heading)[2].partition("\n## ")[0]
    in_readme = re.findall(r"`(/[^`]+)`", section)
    on_page = [line for line, _ in texts.load(models.Locale(locale)).steps]
    assert len(in_readme) >= 6
    return list(dict.fromkeys([*in_readme, *on_page]))


async def _send(shown: browser.Browser, line: str, *sentences: str) -> None:
    """Type a line into the message box and press Enter until the page shows the sentences.

    The page sends nothing until it has loaded, and the first Enter after a command's name only selects the
    command.
    """
    await shown.wait_for("document.querySelector('textarea').value === ''")
    await shown.evaluate("document.querySelector('textarea').focus()")
    await shown.type(line)
    await shown.wait_for(f"document.querySelector('textarea').value === {line!r}")
    await shown.press_until("Enter", *sentences)


NEWEST = "[...document.querySelectorAll('.channel-message')].at(-1)"


async def _choose(shown: browser.Browser, command: str) -> None:
    """Type a command and select it from the list with Enter."""
    await shown.wait_for("document.querySelector('textarea')?.value === ''")
    await shown.evaluate("document.querySelector('textarea').focus()")
    await shown.type(command)
    await shown.wait_for("document.querySelector('.command-entry') !== null")
    await shown.press("Enter")
    await shown.wait_for("document.activeElement.matches('.command-chip')")


async def _check_enter(shown: browser.Browser, command: str, typed: str, heading: str) -> None:
    """Send a command with Enter, alone and with a value for its first option, and check the heading."""
    newest = await shown.evaluate(f"{NEWEST}.dataset.messageId")
    await _choose(shown, command)
    await shown.press("Enter")
    await shown.wait_for(f"{NEWEST}.dataset.messageId !== {newest!r}")
    await _choose(shown, command)
    options = "[...document.querySelectorAll('.command-suggestion')].map(option => option.innerText).join()"
    await shown.wait_for(options)
    assert "…" not in await shown.evaluate(options)
    await shown.click("document.querySelector('.command-suggestion')")
    await shown.wait_for("document.activeElement.matches('.command-option-input')")
    await shown.type(typed)
    await shown.wait_for(f"document.querySelector('.command-option-input').value === {typed!r}")
    await shown.wait_for("document.querySelector('.command-suggestion') === null")
    await shown.press("Enter")
    await shown.wait_for_text(heading)


async def _check_message_menu(shown: browser.Browser, locale: str) -> None:
    """Look up a message's paper through the menu that appears on hovering over the message."""
    words = SHOWN[locale]
    await _send(shown, "2502.02737", words.hints[0])
    typed = (
        "[...document.querySelectorAll('.channel-message')]"
        r".findLast(message => /(^|\n)2502\.02737(\n|$)/.test(message.innerText))"
    )
    buttons = (
        f"[...{typed}.querySelectorAll('.message-context-actions button')].filter(b => b.checkVisibility())"
    )
    assert await shown.evaluate(f"{buttons}.map(b => b.innerText).join()") == words.menu
    await shown.evaluate(f"{buttons}[0].click()")
    await shown.wait_for_text(words.menu_header)
    await shown.wait_for(f"{NEWEST}.innerText.includes('SmolLM2: When Smol Goes Big')")


async def _check_vote(shown: browser.Browser) -> None:
    """Set up the club, and vote as the ordinary member and then as the manager, while the page still starts."""
    buttons = "[...document.querySelectorAll('.component-button')]"
    await shown.evaluate(f"{buttons}.findLast(b => b.innerText.trim() === 'Set up the club').click()")
    await shown.wait_for_text("The club is set up.")
    await _send(shown, "/club now", "0 votes")
    for votes, person in (("1 vote", 1), ("2 votes", 0)):
        people = "document.querySelectorAll('#paperround nav ul')[1].querySelectorAll('a')"
        await shown.evaluate(f"{people}[{person}].click(); document.body.dataset.isOld = 'yes'")
        await shown.wait_for(
            "document.body?.dataset.isOld !== 'yes' && document.querySelector('button.poll-answer') !== null"
        )
        await shown.evaluate("document.querySelector('button.poll-answer').click()")
        await shown.evaluate("document.querySelector('.poll-submit').click()")
        await shown.wait_for(f"document.querySelector('.poll-total').innerText === {votes!r}")


def _check_port_in_use(url: str, folder: Path) -> None:
    """Check that a second demo on the same port fails with one line."""
    port = url.split(":")[2].split("/")[0]
    second = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--port", port],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=patience.scaled(TIMEOUT_SECONDS),
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1].startswith(f"paperround: Cannot listen on port {port}:")
    assert "Traceback" not in second.stderr


@browser.needs_chromium
@pytest.mark.parametrize("locale", [pytest.param("ko", marks=pytest.mark.all_faults), "en"])
async def test_demo_replies_to_all_lines_suggested_on_its_page(
    locale: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = SHOWN[locale]
    demo = serve_here(capsys) if locale == "ko" else run_command(tmp_path)
    async with demo as url, browser.open_browser(tmp_path / "profile") as shown:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#\S+", url)
        await shown.open(url.partition("#")[0], width=400)
        await shown.wait_for_text(words.title, words.address)
        for width in (400, 1280):
            await shown.open(url, width=width)
            await shown.wait_for_text(words.title, *words.post, "SmolLM2", "▲ 147")
            assert await shown.evaluate("document.title") == words.title
            assert await shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
            # SimCord's script sets the size that its server knows, which may be that of another window.
            app, stage = "document.getElementById('preview-app')", "document.querySelector('.preview-stage')"
            await shown.evaluate(f"{app}.style.width = '960px'")
            assert await shown.evaluate(f"{app}.clientWidth === {stage}.clientWidth")
            for word in ("SimCord", "Inspector", "Capture", "Refresh", "Thumbnail unavailable"):
                assert word not in await shown.text(), word
        clicked, *typed = _proposed_lines(locale)
        assert clicked == texts.load(models.Locale(locale)).steps[0][0]
        await shown.wait_for("simcordPreview.ready")
        await shown.evaluate("document.querySelector('#paperround [data-line]').click()")
        await shown.wait_for_text(*ANSWERS[clicked])
        if locale == "ko":
            await shown.evaluate("document.querySelector('textarea').focus()")
            await shown.type("/주")
            await shown.wait_for_text("/주제", "주제로 논문을 검색해요")
            text = await shown.text()
            for word in (
                "Only you can see this",
                "Reader used",
                " used /",
                "Message #",
                "OPTIONS",
                "selected.",
            ):
                assert word not in text
            await shown.evaluate(
                "document.querySelector('textarea').select(); document.execCommand('delete')"
            )
        for line in typed:
            await _send(shown, line, *ANSWERS[line])
        await _check_enter(shown, *words.command)
        # An unknown command gets a reply even if a button press is still being handled.
        await shown.evaluate(
            f"[...document.querySelectorAll('.component-button')].find(b => b.innerText.trim() === {words.see_all!r})"
            ".click(); const box = document.querySelector('textarea'); box.value = '/topc x';"
            " box.dispatchEvent(new Event('input', {bubbles: true})); box.form.requestSubmit(); box.form.requestSubmit()"
        )
        await shown.wait_for_text(words.hints[1])
        await _check_message_menu(shown, locale)
        if locale == "en":
            await _check_vote(shown)
        channels = await shown.evaluate("document.querySelector('#paperround nav ul').innerText")
        assert channels.split("\n") == [
            *(f"# {name}" for name in ("papers", "vision", "robots", "news", "locked", "reading")),
            f"@ {texts.load(models.Locale(locale)).words['dm']}",
        ]
        await shown.evaluate("document.querySelectorAll('#paperround nav a')[1].click()")
        await shown.wait_for("document.querySelector('#channel-name')?.innerText === 'vision'")
        await shown.evaluate(
            "document.querySelectorAll('#paperround nav ul')[1].querySelectorAll('a')[1].click()"
        )
        viewer = (
            "document.querySelectorAll('#paperround nav ul')[1]?.querySelector('[aria-current]')?.innerText"
        )
        await shown.wait_for(f"{viewer}?.endsWith({texts.load(models.Locale(locale)).words['member']!r})")
        archive = await shown.evaluate("document.querySelector('#paperround > p a').href")
        await shown.open(archive, width=400)
        await shown.wait_for_text("Attention Is All You Need", "▲ 158")
        assert await shown.evaluate("document.documentElement.lang") == locale
        others = (
            "[...document.images].map(image => image.src).filter(src => !src.startsWith(location.origin))"
        )
        assert await shown.evaluate(others) == [], "nothing is fetched from elsewhere"
        if locale == "en":
            _check_port_in_use(url, tmp_path)


def test_all_translated_words_exist_on_simcords_page() -> None:
    folder = Path(simcord.__file__).parent / "preview"
    files = [path for path in folder.rglob("*") if path.suffix in (".js", ".html", ".py")]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in files)
    composed = {
        "Send message (Enter)",
        "Thumbnail unavailable",
        "This form will be submitted to Paperround. Do not share passwords or other sensitive information.",
    }
    korean = texts.load(models.Locale.KO).exact
    assert {word for word in korean if word not in sources} == composed
    assert {"Drop files here or", "browse"} <= korean.keys()
    english = texts.load(models.Locale.EN)
    assert texts.load(models.Locale.KO).words.keys() == english.words.keys()
    assert texts.load(models.Locale.KO).hints.keys() == english.hints.keys()
