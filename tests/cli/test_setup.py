"""`paperround setup` with and without a terminal, against the fake Discord, and the first post after it."""

import asyncio
import contextlib
import fcntl
import functools
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.client import command_sync, permissions
from bot.core.clock import system_clock
from tests.fake_discord import model, server
from tests.support import fake_huggingface, origin_server, patience, running_bot, source_payloads
from tests.support.shell_fixtures import CommandResult, Paperround, apply_set_up

pytestmark = pytest.mark.wire

COMPONENT, MODAL_SUBMIT = 3, 5  # Discord's types of interactions
CHANNEL_SELECT = 8  # Discord's type of the component

INVITATION = permissions.invitation_url(model.APPLICATION_ID)


@pytest.fixture
def setup(
    paperround: Paperround, fake: server.FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Paperround:
    """Run `paperround setup` without a terminal in an empty folder, against the fake Discord."""
    (tmp_path / "paperround.db").unlink()
    for name, value in without_token(fake).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, stdin: str = "") -> CommandResult:
        answer = paperround("setup", *arguments, stdin=stdin)
        assert model.TOKEN not in answer.stdout + answer.stderr
        return answer

    return run


def without_token(fake: server.FakeDiscord) -> dict[str, str]:
    """Return the settings for the fake Discord, without a token."""
    return {name: value for name, value in fake.environment().items() if name != "DISCORD_TOKEN"}


@contextlib.asynccontextmanager
async def type_lines(
    folder: Path, fake: server.FakeDiscord, answers: Sequence[tuple[str, str]], **settings: str
) -> AsyncIterator[Callable[[], str]]:
    """Run `paperround setup` in a terminal, typing each line after its question.

    Yields a function that returns the output. What still runs after the block is ended by Ctrl+C, and must end well.
    """
    try:
        ours, theirs = os.openpty()
    except OSError as error:
        pytest.skip(f"needs a pseudo-terminal, which this machine does not give: {error}")
    command = subprocess.Popen(  # noqa: ASYNC220 - it is polled between the lines
        [sys.executable, "-m", "bot", "setup"],
        cwd=folder,
        env={**os.environ, **without_token(fake), **settings},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=functools.partial(fcntl.ioctl, theirs, termios.TIOCSCTTY, 0),  # so that Ctrl+C arrives
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    shown = ""

    def read() -> str:
        nonlocal shown
        try:
            shown += os.read(ours, 65536).decode()
        except BlockingIOError:
            pass  # nothing new
        except OSError:  # the end of the output
            asyncio.get_running_loop().remove_reader(ours)
        return shown

    def is_asked(question: str, place: int) -> bool:
        # The space after a question is printed once echo is off.
        last = read()[place:].rpartition("\n")[2]
        return question in last and last.endswith(" ")

    # Always read: a terminal that nobody reads stops the one that writes.
    asyncio.get_running_loop().add_reader(ours, read)
    try:
        for question, line in answers:
            place = len(shown)
            await patience.wait_until(functools.partial(is_asked, question, place), describe=read)
            os.write(ours, f"{line}\n".encode())
        yield read
        os.write(ours, b"\x03")
        await patience.wait_until(lambda: command.poll() is not None, describe=read)
        assert command.returncode == 0, shown
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        command.kill()
        command.wait()
        os.close(ours)


@pytest.fixture
async def new_server(fake: server.FakeDiscord) -> int:
    """The id of the only channel in a server that has just invited the bot."""
    # The half of a millisecond's numbers that the fake does not give out: it may have given the first ones in this one.
    guild_id = (int(time.time() * 1000) - model.DISCORD_EPOCH_MS) << 22 | 1 << 21
    fake.add_guild(guild_id)
    [channel_id] = fake.add_channels(1, guild_id)
    return channel_id


async def press(
    fake: server.FakeDiscord, channel_id: int, messages: list[dict[str, Any]], verb: str
) -> server.Asked:
    """Press the button with this verb. Returns the press once it is acknowledged."""
    pattern = re.compile(rf'"custom_id": "(pr:[^"]*\b{verb}(?::[^"]*)?)"')
    [(custom_id, message)] = [
        (found[1], message) for message in messages if (found := pattern.search(json.dumps(message)))
    ]
    data = {"custom_id": custom_id, "component_type": 2}
    return await fake.interact(channel_id, data, kind=COMPONENT, message_id=int(message["id"]))


async def read_replies(asked: server.Asked, expected: str) -> list[dict[str, Any]]:
    """The reply's messages, once they contain `expected`."""
    await patience.wait_until(lambda: expected in json.dumps(asked.replies), describe=lambda: asked)
    return asked.replies


async def submit(fake: server.FakeDiscord, asked: server.Asked) -> server.Asked:
    """Submit the form that was opened, as it stands. Returns the submission once it is acknowledged."""
    form = asked.record.modal
    assert form is not None, asked
    fields: list[dict[str, Any]] = []
    resolved: dict[str, Any] = {}
    for label in form["components"]:
        field = label["component"]
        value: dict[str, Any] = {"value": ""}
        if field["type"] == CHANNEL_SELECT:
            ids = [str(default["id"]) for default in field["default_values"]]
            value = {"values": ids}
            resolved = {
                "channels": {id_: {"id": id_, "type": 0, "name": "new", "permissions": "0"} for id_ in ids}
            }
        chosen = {"type": field["type"], "id": field["id"], "custom_id": field["custom_id"], **value}
        fields.append({"type": label["type"], "id": label["id"], "component": chosen})
    data = {"custom_id": form["custom_id"], "components": fields, "resolved": resolved}
    return await fake.interact(asked.record.channel_id, data, kind=MODAL_SUBMIT)


async def test_setup_command_a_form_and_two_buttons_lead_to_the_first_post(
    fake: server.FakeDiscord, new_server: int, tmp_path: Path
) -> None:
    """With Enter to each question but the token's, `setup` makes the application ready and starts the bot."""
    today = system_clock().date().isoformat()
    listed = [source_payloads.daily_papers_item(f"2505.0000{votes}", votes) for votes in (5, 8)]

    async def daily_papers(request: web.BaseRequest) -> web.StreamResponse:
        items = listed if request.query.get("date") == today else ()
        status, body, _ = fake_huggingface.cut(
            source_payloads.daily_papers(*items).encode(), str(request.url)
        )
        return web.Response(status=status, body=body)

    async with origin_server.run_origin() as origin:
        origin.pages["/api/daily_papers"] = daily_papers
        settings = {
            "HF_ENDPOINT": origin.url,
            "PAPERROUND_FETCH_ALLOW": f"127.0.0.1:{origin.port}",
            "PAPERROUND_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}",
        }
        answers = [
            ("Token", model.TOKEN),
            ("Hugging Face", ""),
            ("arXiv", ""),
            ("Set them now", ""),
            ("Start", ""),
        ]
        async with type_lines(tmp_path, fake, answers, **settings) as read:
            [welcome] = await fake.wait_for_messages(new_server, read)
            assert INVITATION in read()
            assert "systemctl start paperround" in read()
            assert model.TOKEN not in read()
            assert "/daily setup" in json.dumps(welcome)
            await patience.wait_until(lambda: "2505.00008" in _read_papers(tmp_path), describe=read)
            submitted = await submit(fake, await press(fake, new_server, [welcome], "dsu"))
            summary = await read_replies(submitted, "pr:ds:")
            started = await read_replies(await press(fake, new_server, summary, "ds"), "pr:dn:")
            await press(fake, new_server, started, "dn")
            [_, post] = await fake.wait_for_messages(new_server, read, count=2)
    application = fake.application
    by_server, by_account = (
        application["integration_types_config"]["0"],
        application["integration_types_config"]["1"],
    )
    assert by_server["oauth2_install_params"] == {
        "scopes": ["applications.commands", "bot"],
        "permissions": re.findall(r"permissions=(\d+)", INVITATION)[0],
    }
    assert by_account["oauth2_install_params"] == {"scopes": ["applications.commands"], "permissions": "0"}
    assert application["icon"]
    assert application["description"]
    text = json.dumps(post, ensure_ascii=False)
    assert text.index("2505.00008") < text.index("2505.00005")
    assert "▲\u00a08" in text


def _read_papers(folder: Path) -> str:
    """Return the arXiv ids in the bot's database."""
    with contextlib.closing(sqlite3.connect(folder / "paperround.db")) as connection:
        return str(connection.execute("SELECT key FROM papers").fetchall())


async def test_welcomes_a_new_server_once_in_its_language(
    fake: server.FakeDiscord, new_server: int, tmp_path: Path
) -> None:
    fake.world.edit_guild(new_server - 1_000, {"preferred_locale": "ko"})
    [old] = fake.add_channels(1)
    async with running_bot.run_here(fake, tmp_path):
        [welcome] = await fake.wait_for_messages(new_server)
        assert "안녕하세요" in json.dumps(welcome, ensure_ascii=False)
    async with running_bot.run_here(fake, tmp_path):
        assert "할 수 있는 일 보기" in json.dumps(welcome, ensure_ascii=False)
        await read_replies(await press(fake, new_server, [welcome], "help"), "/topic")
    assert len(fake.messages(new_server)) == 1
    assert fake.messages(old) == [], "it was invited long ago"


async def test_setup_without_a_terminal_keeps_other_settings(
    setup: Paperround, fake: server.FakeDiscord, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nPAPERROUND_LOCALE=ko\nDISCORD_TOKEN=old.token.of-another-bot\nODD", "utf-8")
    file.chmod(0o644)
    sources = ("--source", "arxiv:cs.CL,cs.LG", "--source", "https://huggingface.co")
    done = await asyncio.to_thread(setup, "--token-stdin", *sources, "--json", stdin=f"{model.TOKEN}\nmore\n")
    assert done.exit_status == 0, done.stderr
    assert done.data["invitation"] == INVITATION
    assert file.read_text(encoding="utf-8").splitlines() == [
        "# mine",
        "PAPERROUND_LOCALE=ko",
        f"DISCORD_TOKEN='{model.TOKEN}'",
        "ODD",
        "PAPERROUND_SOURCES='arxiv:cs.CL,cs.LG https://huggingface.co'",
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert done.data["completed"] == []
    assert fake.log("PATCH") == [], "it was not asked"
    # A second run keeps the settings. What Discord refuses costs nothing else, and what is set stays as it is.
    fake.application["description"] = "ours"
    fake.set_faults(
        {"kind": "status", "method": "PATCH", "path": "/applications/@me", "status": 400, "times": 1}
    )
    again = await asyncio.to_thread(setup, "--yes", "--json")
    assert again.exit_status == 0, again.stderr
    assert file.read_text(encoding="utf-8").count("huggingface") == 1
    assert again.data["completed"] == ["icon"]
    assert [*again.data["by_hand"]] == ["installation"]
    assert "400" in again.data["by_hand"]["installation"]
    # Permissions that were given stay.
    administrator = {"scopes": ["bot"], "permissions": "8"}
    fake.application["integration_types_config"] = {"0": {"oauth2_install_params": administrator}}
    once_more = await asyncio.to_thread(setup, "--yes", "--json")
    assert (once_more.data["completed"], once_more.data["by_hand"]) == (["installation"], {})
    kept = fake.application["integration_types_config"]["0"]["oauth2_install_params"]
    assert kept["permissions"] == str(8 | permissions.INVITED.value)
    assert fake.application["description"] == "ours"
    requests = len(fake.log("PATCH"))
    assert (await asyncio.to_thread(setup, "--yes")).exit_status == 0
    assert len(fake.log("PATCH")) == requests, "nothing is missing"
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


async def test_failed_setup_prints_one_sentence_and_writes_nothing(
    setup: Paperround, fake: server.FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = ("--token-stdin",)
    elsewhere = {"PAPERROUND_SOURCES": "https://a.example"}
    unreachable = {"PAPERROUND_DISCORD_API_URL": "http://127.0.0.1:9/api"}
    fake.set_faults({"kind": "status", "method": "GET", "path": "/users/@me", "status": 401, "times": 1})
    cases: tuple[tuple[Sequence[str], str, Mapping[str, str], int, str], ...] = (
        (token, "wrong.token.of-another-bot", {}, 1, command_sync.WRONG_TOKEN),
        (token, "hello", {}, 1, "three parts joined by dots"),
        (token, "", {}, 2, "The first line of stdin has no token"),
        ((), "", {}, 2, "without a terminal or with --yes"),
        (token, model.TOKEN, unreachable, 1, "`paperround run` waits until Discord answers"),
        (token, model.TOKEN, {"DISCORD_TOKEN": "x"}, 2, "in the environment"),
        ((*token, "--source", "arxiv:nonsense!"), model.TOKEN, {}, 2, "nonsense!"),
        ((*token, "--source", "/a b"), model.TOKEN, {}, 2, "takes one address"),
        ((*token, "--source", "arxiv:cs.CL"), model.TOKEN, elsewhere, 2, "PAPERROUND_SOURCES is set in"),
    )
    for arguments, stdin, settings, status, reason in cases:
        with monkeypatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            answer = await asyncio.to_thread(setup, *arguments, stdin=stdin)
        assert (answer.exit_status, answer.stdout) == (status, ""), answer
        assert reason in answer.stderr
        assert len(answer.stderr.splitlines()) == 1
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ((1, 0), "Discord has no channel 7 (its server: {guild}). Are the two ids swapped?"),
        ((0, 1), "The channel {channel} is not in the server 8."),
        ((1, 1), ""),
    ],
)
async def test_a_set_up_file_with_a_channel_that_discord_does_not_have_is_told(
    paperround: Paperround,
    fake: server.FakeDiscord,
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[int, int],
    said: str,
) -> None:
    """Else it is seen when the post is due."""
    for name, value in fake.environment().items():
        monkeypatch.setenv(name, value)
    [channel] = fake.add_channels(1)
    guild = model.GUILD_ID
    has_guild, has_channel = place
    text = f'[[posts]]\nguild = "{guild if has_guild else 8}"\nchannel = "{channel if has_channel else 7}"\nat = "09:00"\n'
    answer = await asyncio.to_thread(apply_set_up, paperround, text)
    assert (answer.exit_status, "Applied." in answer.stdout) == (0, True)
    assert answer.stderr.strip().removeprefix("paperround: ") == said.format(guild=guild, channel=channel)
