"""Buttons, menus and forms of all features, three steps deep, pressed by a reader in English and by a manager in Korean; and
those of texts of any length, in the options of commands, forms, posts of all kinds and mentions."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from simcord.backend.errors import SetupError
from simcord.components import walk_components

from bot.app.client import COGS
from bot.client import custom_ids, router
from bot.outbox.contents import RenderedPart
from storage import models
from tests.support import rendered_posts
from tests.support.client_harness import (
    ClientHarness,
    last_response,
    post_daily,
    raw_components,
    send_parts,
    shown_text,
)

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
    *("amp", "ap", "auth", "ax", "clubp", "clubq", "dso", "dsf", "dsr", "dst", "dxx", "help", "listu", "pa"),
    *("sac", "san", "saves", "sg", "sim", "sn", "snm", "snx", "srm", "sru", "tb", "td", "trp", "ts", "tt"),
}
"""Verbs of controls that only show up with other data, as in a large notification or a shared message."""
TEXT_OPTIONS = [
    ("topic", {"query": 2_000, "without": 300}),
    ("topic", {"query": 2_000}),
    ("top", {"topic": 300}),
    ("author", {"name": 300}),
    ("paper", {"paper": 500}),
    ("ask", {"question": 500}),
    ("ask", {"question": 500, "paper": 500}),
    ("alerts add", {"keyword": 2_000}),
    ("alerts add", {"author": 2_000, "institution": 2_000, "without": 2_000}),
    ("why", {"paper": 500}),
    ("trends", {"topic": 300}),
    ("saved", {"search": 300, "tag": 60}),
    ("daily setup", {"topic": 200}),
]
"""Commands whose options take any text, with the most characters of each."""
LONGEST, MESSAGE, NAME = 4_000, 2_000, 100
"""The most characters of a form's field, of a simulated message, and of the name of a thread or an event."""
LENGTHS = st.integers(1, 130) | st.integers(1, LONGEST)
"""A custom id has at most 100 characters: about these, each may matter."""
TEXTS = st.builds(
    lambda words, length: (words * length)[:length],
    st.sampled_from(
        ("language model ", "언어 모델은 ", "robot, maps | ", "🤖", 'author:"Ada Lovelace" ', "a:b/-")
    ),
    LENGTHS,
)
KNOWN = ("2501.00001", "2501.00002")
"""Papers of the harness's archive."""
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


def _fill(form: dict[str, Any], channel: Any, text: str = "") -> dict[str, Any]:
    """Return the value of each text and file field of a form, or what is typed into it, and the channel.

    If there is a `text`, it is typed into all fields but those for a time, as far as they take it.
    """
    parts = list(walk_components(form["components"]))
    fields = [part for part in parts if part["type"] in (TEXT_INPUT, FILE_UPLOAD)]
    channels = {part["custom_id"]: [channel] for part in parts if part["type"] == CHANNEL_SELECT}
    typed = {
        part["custom_id"]: TYPED.get(part["custom_id"], text[: part.get("max_length")]) for part in fields
    }
    return channels | {
        name: (not text and part.get("value")) or typed[name] or "robot"
        for part in fields
        for name in (part["custom_id"],)
    }


class Crawler:
    """Presses each control once a round, where it appears first."""

    def __init__(self, harness: ClientHarness, by: Any, text: str = "") -> None:
        self.harness, self.by, self.text = harness, by, text
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
            result = await self.by.submit_modal(result, _fill(result.modal, self.harness.channel, self.text))
        return last_response(result)

    def _check(self, path: str, message: Any) -> None:
        errors = self.harness.unexpected_errors()
        self.harness.env.errors.clear()
        text = shown_text(message) if message is not None else ""
        broken = self.harness.texts("broken", reference="\0").partition("\0")[0]
        if errors or broken in text or self.harness.texts("outdated-control") in text:
            self.faults.append(f"{path}: {errors or text}")


@pytest.mark.parametrize(
    ("role", "locale"),
    [pytest.param("reader", models.Locale.EN, marks=pytest.mark.all_faults), ("manager", models.Locale.KO)],
    ids=str,
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


@pytest.mark.promise
@pytest.mark.all_faults
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@pytest.mark.parametrize("locale", models.Locale, ids=str)
@example(text="A question of fifty-six letters has no room by a marker?")
@example(text="언어 모델은 " * 600)
@given(text=TEXTS)
async def test_each_control_works_with_a_text_of_any_length(harness: ClientHarness, text: str) -> None:
    """A custom id has at most 100 characters, and beside the marker of a delivery fewer are left."""
    crawler = Crawler(harness, harness.manager, text)

    async def mention() -> Any:
        """Return the answer to a mention, which has a delivery's marker."""
        assert harness.bot.user is not None
        runtime = harness.runtime or await harness.start_runtime()
        await harness.manager.send(harness.channel, f"<@{harness.bot.user.id}> {text}"[:MESSAGE])
        await harness.env.settle()
        await runtime.relay.drain(harness.env.now())
        return max(harness.channel.history(), key=lambda message: message.id)

    async def deliver(part: RenderedPart) -> Any:
        return await send_parts(harness, harness.channel.id, part)

    await crawler.crawl("a mention", mention, depth=2)
    for name, made in rendered_posts.each_kind(text, harness.texts.locale, KNOWN).items():
        parts = harness.container.renderer.render(made)
        named = [part.payload.get("body", part.payload).get("name", "") for part in parts]
        assert max(map(len, named)) <= NAME, (name, text)
        for place, part in enumerate(parts):
            if part.kind is models.PartKind.MESSAGE:
                await crawler.crawl(f"{name}, message {place}", partial(deliver, part), depth=1)
    for name, options in TEXT_OPTIONS:
        typed = {option: text[:most] for option, most in options.items()}
        typed |= {"time": "9am"} if name == "daily setup" else {}
        start = partial(harness.ask, name, by=harness.manager, **typed)
        await crawler.crawl(f"/{name} {[*options]}", start, depth=2)
    assert not crawler.faults, "\n".join(crawler.faults)
