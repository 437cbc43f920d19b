"""Buttons, menus and forms of all features, three steps deep, pressed by a reader in English and by a manager in Korean."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from simcord.backend.errors import SetupError
from simcord.components import walk_components

from bot.app.client import COGS
from bot.client import custom_ids, router
from storage import models
from tests.support.client_harness import ClientHarness, last_response, post_daily, raw_components, shown_text

Start = Callable[[], Awaitable[Any]]
DEPTH = 3
MAX_VALUES = 3
"""The options tried of a menu."""
REMOVING = {"mf", "ad", "clubm", "dx", "dxx"}
"""Verbs that remove what the others need, pressed in a second round."""
COMMANDS: list[tuple[str, dict[str, str]]] = [
    ("topic", {"query": "language model since:2025-12 until:2026-01"}),
    ("topic", {"query": "zzzz"}),
    ("top", {}),
    ("author", {"name": "ada lovelace"}),
    ("paper", {"paper": "2501.00001"}),
    ("digest", {}),
    ("trends", {}),
    ("trends", {"topic": "language model"}),
    ("today", {}),
    ("saved", {}),
    ("alerts add", {"keyword": "robot maps"}),
    ("alerts list", {}),
    ("status", {}),
    ("help", {}),
    ("why", {"paper": "2501.00001"}),
    ("ask", {"paper": "2501.00001", "question": "Which data?"}),
    ("ask", {"question": "How are small language models trained?"}),
    ("club list", {}),
    ("club setup", {"day": "sat", "time": "17:00 UTC"}),
    ("daily setup", {"time": "9am"}),
    ("daily edit", {}),
    ("me forget", {}),
]
ELSEWHERE = {
    "amp",
    "ap",
    "auth",
    "ax",
    "clubq",
    "dso",
    "dsf",
    "dsr",
    "dst",
    "dxx",
    "help",
    "pa",
    "sg",
    "sim",
    "sn",
    "snm",
    "snx",
    "srm",
    "tb",
    "td",
    "trp",
    "ts",
}
"""Verbs of controls that only show up with other data, as in a large notification or a shared message."""
TEXT_INPUT, CHANNEL_SELECT, FILE_UPLOAD = 4, 8, 19
TYPED = {"time": "9am", "zone": "Seoul", "file": ("library.bib", b"arXiv:2501.00001")}
"""What is typed into an empty field; the others get a word."""


def _list_controls(message: Any) -> dict[tuple[str, int], tuple[str, str | None]]:
    """Return the custom ids of a message's buttons, and of its menus with each first value, by verb and number."""
    found: dict[tuple[str, int], tuple[str, str | None]] = {}
    numbers: dict[str, int] = {}
    for part in raw_components(message) if message is not None else ():
        if part.get("custom_id") and not part.get("disabled"):
            verb = custom_ids.unpack_custom_id(part["custom_id"]).verb
            values = [option["value"] for option in part.get("options", ())[:MAX_VALUES]]
            for value in values or [None]:
                numbers[verb] = number = numbers.get(verb, -1) + 1
                found[verb, number] = part["custom_id"], value
    return found


def _fill(form: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Return the value of each text and file field of a form, or what is typed into it, and the channel."""
    parts = list(walk_components(form["components"]))
    fields = [part for part in parts if part["type"] in (TEXT_INPUT, FILE_UPLOAD)]
    channels = {part["custom_id"]: [channel] for part in parts if part["type"] == CHANNEL_SELECT}
    return channels | {
        part["custom_id"]: part.get("value") or TYPED.get(part["custom_id"], "robot") for part in fields
    }


class Crawler:
    """Presses each control once a round, where it appears first."""

    def __init__(self, harness: ClientHarness, by: Any) -> None:
        self.harness, self.by = harness, by
        self.pressed: set[tuple[str, int]] = set()
        self.verbs: set[str] = set()
        self.faults: list[str] = []
        self.may_remove = False

    async def crawl(self, path: str, start: Start, depth: int = DEPTH) -> None:
        """Press the controls of a message, then those of the answers."""
        message = await start()
        self._check(path, message)
        for key in _list_controls(message) if depth else ():
            if key in self.pressed or (key[0] in REMOVING and not self.may_remove):
                continue
            self.pressed.add(key)

            async def press(key: tuple[str, int] = key) -> Any:
                nonlocal message
                if key not in _list_controls(message):  # the answer replaced it
                    message = await start()
                return await self._press(message, key)

            await self.crawl(f"{path} > {key[0]} {key[1]}", press, depth - 1)

    async def _press(self, message: Any, key: tuple[str, int]) -> Any:
        """Press a control, submit the form that opens, and return the last message of the answer."""
        if (control := _list_controls(message).get(key)) is None:
            return None  # used up by an earlier press
        custom_id, value = control
        self.verbs.add(key[0])
        try:
            if value is not None:
                result = await self.by.select(message, [value], custom_id=custom_id)
            else:
                result = await self.by.click(message, custom_id=custom_id)
        except SetupError:
            return None  # the message was edited meanwhile
        if result.modal:
            self.verbs.add(custom_ids.unpack_custom_id(result.modal["custom_id"]).verb)
            result = await self.by.submit_modal(result, _fill(result.modal, self.harness.channel))
        return last_response(result)

    def _check(self, path: str, message: Any) -> None:
        errors = self.harness.unexpected_errors()
        self.harness.env.errors.clear()
        text = shown_text(message) if message is not None else ""
        if errors or self.harness.texts("outdated-control") in text:
            self.faults.append(f"{path}: {errors or text}")


@pytest.mark.parametrize(
    ("role", "locale"), [("reader", models.Locale.EN), ("manager", models.Locale.KO)], ids=str
)
async def test_each_control_works(harness: ClientHarness, role: str) -> None:
    by = getattr(harness, role)
    await harness.add_alert("robot", user_id=by.id)
    card = await harness.ask("paper", by=by, paper="2501.00001")
    await harness.press(card, "save", by=by)
    await harness.set_up_club(channel=harness.channel, day="fri", time="17:00 UTC")
    crawler = Crawler(harness, by)
    post = await post_daily(harness)

    async def read_post() -> Any:
        return await harness.bot.get_partial_messageable(harness.channel.id).fetch_message(post.id)

    for crawler.may_remove in (False, True):
        crawler.pressed.clear()
        await crawler.crawl("the daily post", read_post)
        for name, options in COMMANDS:
            if name == "club setup":
                options = options | {"channel": harness.channel}
            if role == "manager" or not name.startswith(("daily", "club setup")):
                await crawler.crawl(f"/{name} {options}", lambda: harness.ask(name, by=by, **options))  # noqa: B023
    assert not crawler.faults, "\n".join(crawler.faults)
    if role == "manager":
        assert {
            route.verb for cog in COGS for route in router.list_routes(cog)
        } - crawler.verbs <= ELSEWHERE, "not shown by any command"
