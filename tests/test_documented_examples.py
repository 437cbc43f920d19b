"""What the documents and the help texts tell people to type, typed."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bot.demo import sample_digests
from storage import models
from tests.support.client_harness import ClientHarness, both_languages, shown_text
from tests.support.sample_archive import make_ingest

ROOT = Path(__file__).parents[1]
COMMANDS = (ROOT / "docs/commands.md").read_text(encoding="utf-8").partition("## In the shell")[0]
SPAN = re.compile(r"`([^`\n]+)`")
KOREAN_NAMES = dict(re.findall(r"^\| `/([a-z ]+)` \| `/([^`]+)` \|", COMMANDS, re.MULTILINE))
"""The Korean name of each command, from the table of the documents."""
NEEDED: dict[str, dict[str, Any]] = {
    "topic": {"query": "robot"},
    "author": {"name": "Ada Lovelace"},
    "paper": {"paper": "2501.00001"},
    "why": {"paper": "2501.00001"},
    "ask": {"paper": "2501.00001", "question": "Which data?"},
    "alerts add": {"keyword": "robot"},
    "daily setup": {"channel": "papers"},
    "daily mentions": {"answer": True},
    "club setup": {"channel": "papers", "day": "fri", "time": "5pm"},
}
"""Values of options without which a command cannot be sent."""
PERIODS = ("digest", "date"), ("top", "period"), ("topic", "period"), ("author", "period")
QUERIES = ("topic", "query"), ("trends", "topic"), ("top", "topic")
TIMES = ("daily setup", "time"), ("daily edit", "time"), ("alerts add", "time"), ("club setup", "time")
TYPED = {
    **dict.fromkeys(("dec 30", "그저께", "지난주", "last month", "2025-12", "최근 2주"), PERIODS),
    "robots -survey since:2025-12 until:2025-12": QUERIES,
    **dict.fromkeys(
        (
            '"a phrase"',
            "-word",
            '-"some words"',
            "NOT word",
            "RLHF 2025",
            "AIME 2025",
            "since:2025 until:2025",
        ),
        QUERIES,
    ),
    **dict.fromkeys(("robots -survey", "robots NOT survey", "robots, not world models"), QUERIES),
    **dict.fromkeys(("로봇, 서베이와 벤치마크는 제외", "로봇 또는 드론, 서베이 제외"), QUERIES),
    **dict.fromkeys(("|", "OR", "AND"), ()),
    **dict.fromkeys(("doi:", "doi/10.64898/2026.11.20.700001"), ()),  # of papers that no sample has
    **dict.fromkeys(("A*", ".NET", "I/O", "C++"), QUERIES),
    **dict.fromkeys(("herons in winter or newts", r"herons \| newts"), QUERIES),
    **dict.fromkeys(("9am KST", "9시 서울"), TIMES),
    '"reinforcement learning"': (("alerts add", "keyword"),),
    **dict.fromkeys(("#rl", "#unread", "#read", "#updated", "#mine"), (("saved", "tag"),)),
    "arxiv:2502.11089": (("paper", "paper"),),
    "votes:10..20": (("topic", "query"), ("top", "topic")),
    **dict.fromkeys(("NVIDIA", "Tri Dao", "tridao", "from:KAIST", "기관:네이버"), (("topic", "query"),)),
    **dict.fromkeys(('from:"NVIDIA"', "robots -surveys"), (("topic", "query"), ("daily setup", "topic"))),
    **dict.fromkeys(('in:"ICLR 2026"', "학회:ICLR2026"), (*QUERIES, ("daily setup", "topic"))),
    'robots in:"ICLR 2026"': (("alerts add", "keyword"),),
    **dict.fromkeys(("like:list", "비슷:우리 목록"), ()),  # of a list, which the sample does not have
}
"""Where each example of the documents is typed."""
OPERATORS = {"author:": "Ada", "저자:": "Ada", "추천:": "10"} | dict.fromkeys(
    ("since:", "until:", "이후:", "까지:"), "오늘"
)
"""The operators of a query, each with a value."""


def _examples() -> Iterator[tuple[str, str, str]]:
    """Yield the command, option and text of each example in docs/commands.md outside its tables."""
    names = {f"/{name}" for name in KOREAN_NAMES} | {"/daily", "/club"}
    settings = set(SPAN.findall(COMMANDS.partition("<!-- table post -->")[2])) | {"edit", "max_a_day"}
    text = re.sub(r"<!-- table discord -->.*?<!-- end -->", "", COMMANDS, flags=re.DOTALL)
    for example in dict.fromkeys(SPAN.findall(text)):
        if example in OPERATORS:
            yield from (
                (name, option, f"language model {example}{OPERATORS[example]}")
                for name, option in (("topic", "query"), ("top", "topic"), ("paper", "paper"))
            )
        elif example not in names | settings and not example.startswith("PAPERROUND_"):
            typed = f"robot {example}" if example.startswith("-") else example
            yield from ((name, option, typed) for name, option in TYPED[example])


async def _type(harness: ClientHarness, command: str, **typed: Any) -> str:
    """Send a command as the manager, and return the answer. Fails if the command raises any error."""
    options = {**NEEDED.get(command, {}), **typed}
    if isinstance(name := options.get("channel"), str):
        options["channel"] = harness.channel if name == "papers" else harness.guild.create_text_channel(name)
    if command == "daily edit" and not await harness.subscriptions.list_rows(guild_id=harness.guild.id):
        await harness.add_subscription()
    run = harness.set_up_club if command == "club setup" else partial(harness.manage, command)
    answer = shown_text(await run(**options))
    assert not harness.env.errors, (command, typed, answer)
    return answer


@both_languages
async def test_each_command_answers(harness: ClientHarness) -> None:
    await _type(harness, "club setup")
    for command in KOREAN_NAMES:
        assert await _type(harness, command), command


async def test_examples_of_the_commands_page(harness: ClientHarness) -> None:
    ignored = harness.texts("list-ignored", filters="").strip()
    for command, option, text in _examples():
        assert ignored not in await _type(harness, command, **{option: text}), (command, option, text)


@both_languages
async def test_examples_of_the_readmes(harness: ClientHarness) -> None:
    name, heading = {
        models.Locale.EN: ("README.md", "## Try these first"),
        models.Locale.KO: ("README.ko.md", "## 먼저 입력해 볼 것"),
    }[harness.texts.locale]
    section = (ROOT / name).read_text(encoding="utf-8").partition(heading)[2].partition("\n## ")[0]
    lines = [span for span in SPAN.findall(section) if span.startswith("/")]
    assert lines
    ingest = make_ingest(harness.container.database)
    for sample in sample_digests.sample_texts():  # the demo's papers
        await ingest.add_text(sample.text, source=sample.source, location=sample.name)
    for line in lines:
        assert await _type_line(harness, line), line


async def _type_line(harness: ClientHarness, line: str) -> str:
    """Send a line of a README as the manager, and return the answer."""
    names = (
        KOREAN_NAMES if harness.texts.locale is models.Locale.KO else {name: name for name in KOREAN_NAMES}
    )
    command = max((name for name, shown in names.items() if line.startswith(f"/{shown}")), key=len)
    rest = line.removeprefix(f"/{names[command]}").strip()
    is_korean = harness.texts.locale is models.Locale.KO
    options = {
        (option["name_localizations"]["ko"] if is_korean else option["name"]): option
        for option in (await _payload(harness, command))["options"]
    }
    found = re.split(rf"(?:^| )({'|'.join(options)}):", rest)
    typed = dict(zip(found[1::2], found[2::2], strict=True))
    if found[0]:
        typed[next(iter(options))] = found[0]
    chosen = {options[shown]["name"]: _choose(options[shown], value) for shown, value in typed.items()}
    return await _type(harness, command, **chosen)


def _choose(option: dict[str, Any], typed: str) -> str:
    """Return the value of the choice that Discord offers for a typed text, or the text."""
    choices: list[dict[str, Any]] = option.get("choices", [])
    names = ((choice["value"], choice["name_localizations"]["ko"]) for choice in choices)
    return next((value for value, name in names if name.startswith(typed)), typed)


async def _payload(harness: ClientHarness, command: str) -> dict[str, Any]:
    tree, (name, *inner) = harness.bot.tree, command.split()
    found: Any = tree.get_command(name)
    if inner:
        found = found.get_command(*inner)
    translator: Any = tree.translator
    payload: dict[str, Any] = await found.get_translated_payload(tree, translator)
    return payload


HELPS = {
    "no-date": ("digest", "date"),
    "time-not-understood": ("daily setup", "time"),
    "zone-unknown": ("daily setup", "timezone"),
    "refused-no-letters": ("alerts add", "keyword"),
    "refused-only-particles": ("alerts add", "keyword"),
    "refused-no-institution": ("alerts add", "institution"),
    "alert-not-possible": ("alerts add", "keyword"),
    "no-paper": ("paper", "paper"),
}
"""Texts that say what to type instead, and where."""


def _find_examples(text: str) -> list[str]:
    """Return the examples in a help text: after "such as" or 예:, or before 처럼."""
    found = re.search(r"(?:such as|for example,|예:) (.+?)(?:;|: |\. |\.?$|, an? (?:link|DOI)|, or )", text)
    found = found or re.search(r"(?:^|\. )([^.]+?)(?:처럼| 같은 날짜| 같은 기간)", text)
    listed = re.split(r", | or |이나 ", found[1]) if found else []
    return [one.rpartition("**")[0].rpartition("**")[2] if "**" in one else one for one in listed]


@both_languages
async def test_examples_of_the_help_texts(harness: ClientHarness) -> None:
    typed: list[tuple[str, str, str]] = []
    text: Any
    for text_id, place in HELPS.items():
        text = harness.texts(text_id, text="x", paper="x", example="2026-01-01")
        typed += [(*place, example) for example in _find_examples(text)]
    for command in KOREAN_NAMES:
        for option in (await _payload(harness, command)).get("options", ()):
            is_korean = harness.texts.locale is models.Locale.KO
            text = (
                (option.get("description_localizations") or {}).get("ko")
                if is_korean
                else option["description"]
            )
            typed += [(command, option["name"], example) for example in _find_examples(text or "")]
    assert len(typed) > 15
    for command, name, example in typed:
        assert await _type(harness, command, **{name: example}), (command, name, example)
