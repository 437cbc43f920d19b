"""The demo's stage without a browser: actions, hints, and the commands and options of typed lines."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from bot.demo import simcord_additions, simcord_internals
from bot.demo.simcord_additions import Stage
from storage import models
from storage.database import Database
from tests.support import case_files
from tests.support.client_harness import ClientHarness, open_harness, shown_text


def _page(harness: ClientHarness, viewer: Any = None) -> Any:
    """Return a stand-in for SimCord's page. Its actions let the environment settle."""

    async def act(_context: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
        await harness.env.settle()
        return dict(body)

    pages = {"open": SimpleNamespace(revision=7, channel_id=0)}
    viewers = (viewer or harness.reader,)
    return SimpleNamespace(_pages=pages, refresh=harness.env.settle, _action=act, viewers=viewers)


async def test_action_waits_for_the_current_line_to_finish(sqlite_db: Database) -> None:
    async with open_harness(sqlite_db, models.Locale.EN) as harness:
        page = _page(harness)
        simcord_additions = Stage(harness.env, page, [harness.channel], models.Locale.EN, harness.env.settle)
        await harness.reader.send(harness.channel, "/paper diffusion")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(simcord_additions.watch())
            while not harness.env._operation_label:  # noqa: ASYNC110 - SimCord sets no event
                await asyncio.sleep(0)
            assert await page._action(None, {}) == {}


async def test_a_refused_command_is_no_failed_action(sqlite_db: Database) -> None:
    async with open_harness(sqlite_db, models.Locale.EN) as harness:
        Stage(harness.env, _page(harness), [harness.channel], models.Locale.EN, harness.env.settle)
        before = harness.env.error_cursor
        said = await harness.ask("club list")
        assert "This server has no club yet" in shown_text(said)
        assert harness.env.errors_since(before) == ()


async def test_a_typed_line_opens_the_form_that_answers_it(sqlite_db: Database) -> None:
    async with open_harness(sqlite_db, models.Locale.EN) as harness:
        page = _page(harness, harness.manager)
        place = {"channel_id": harness.channel.id, "target_id": 0, "window_end_id": 0}
        shown, source = (
            SimpleNamespace(**place, viewer=harness.manager, modal=None, modal_handle=None) for _ in range(2)
        )
        page._pages, published = {"open": shown, "source": source}, []
        page._publish = lambda page, *, reason: published.append(page)
        simcord_additions = Stage(harness.env, page, [harness.channel], models.Locale.EN, harness.env.settle)
        await harness.manager.send(harness.channel, "/daily setup")
        await simcord_additions.step()
        assert shown.modal.modal["title"] == harness.texts("help-set-up")
        assert published == [shown, source]
        # A page that is opened later shows the source's form.
        simcord_internals.close_form(page, shown.modal_handle)
        assert source.modal is None


async def test_a_typed_mention_reaches_the_bot(sqlite_db: Database) -> None:
    async with open_harness(sqlite_db, models.Locale.EN) as harness:
        page = _page(harness, harness.manager)
        page._pages = {}
        simcord_additions = Stage(harness.env, page, [harness.channel], models.Locale.EN, harness.env.settle)
        long = f"@Paperround {'why ' * 497}"
        for typed in ("@Paperround Why do lamps burn?", long):
            await harness.manager.send(harness.channel, typed)
        await simcord_additions._show_new(harness.channel)
        await simcord_additions._show_new(harness.channel)
        assert harness.bot.user is not None
        sent = [one.content for one in harness.channel.history() if one.author.id == harness.manager.id]
        named = f"<@{harness.bot.user.id}>"
        assert {f"{named} Why do lamps burn?", f"{named} {'why ' * 500}"[:2_000]} == {*sent}


async def test_invalid_line_gets_one_hint_in_the_readers_language(sqlite_db: Database) -> None:
    expected = case_files.load(__file__, "test_invalid_line_gets_one_hint_in_the_readers_language")
    async with open_harness(sqlite_db, models.Locale.EN) as harness:
        for position, locale in enumerate((models.Locale.EN, models.Locale.KO)):
            simcord_additions = Stage(
                harness.env, _page(harness, harness.manager), [harness.channel], locale, harness.env.settle
            )
            for line, *texts in expected:
                await harness.manager.send(harness.channel, line)
                for _ in range(3):
                    await simcord_additions.step()
                rows = list(harness.env.backend.messages[harness.channel.id].values())
                answers = [row for row in rows if texts[position] in row.content]
                assert len(answers) == 1, [row.content for row in rows]
                assert [row.visible_to(harness.reader.id) for row in answers] == [False]
        await harness.reader.send(harness.channel, "/daily setup")
        for viewer, channel, line, hint in (
            (harness.reader, harness.channel, "", "**Manage Server**"),
            (harness.user, harness.user.dm_channel, "/daily setup", "only in a server"),
            (harness.user, harness.user.dm_channel, "/alerts add x channel:quiet", "**channel** can be: "),
        ):
            if line:
                await harness.user.send_dm(line)
            page = _page(harness, viewer)
            await Stage(harness.env, page, [channel], models.Locale.EN, harness.env.settle).step()
            assert hint in [*harness.env.backend.messages[channel.id].values()][-1].content


def option(name: str, korean: str, kind: int = simcord_additions.STRING, **more: Any) -> dict[str, Any]:
    return {"name": name, "name_localizations": {"ko": korean}, "type": kind, **more}


TOPIC = option("topic", "주제") | {
    "options": [
        option("query", "검색어", required=True),
        option("votes", "추천", simcord_additions.INTEGER),
        option("period", "기간", choices=[option("month", "한 달", value="30")]),
    ]
}
ADD = option("add", "추가") | {"options": [option("keyword", "단어")]}
ALERTS = option("alerts", "알림") | {"options": [ADD]}
ASK = option("ask", "질문") | {
    "options": [option("paper", "논문", required=True), option("question", "질문", required=True)]
}
HELP = option("help", "도움말")
LEAVES = [([TOPIC], TOPIC), ([ALERTS, ADD], ADD), ([ASK], ASK), ([HELP], HELP)]


@pytest.mark.parametrize(
    ("line", "name", "values"), case_files.load(__file__, "test_parses_a_lines_command_and_options")
)
def test_parses_a_lines_command_and_options(line: str, name: str, values: dict[str, str]) -> None:
    found = simcord_additions.find_command(line, LEAVES)
    assert found is not None
    path, leaf, rest = found
    assert " ".join(node["name"] for node in path) == name
    assert simcord_additions.read_options(leaf, rest) == values


DAYS = option(
    "days",
    "요일",
    choices=[
        option(name, korean, value=value)
        for name, korean, value in (
            ("Mondays", "월요일", "mon"),
            ("Fridays", "금요일", "fri"),
            ("Weekdays (Monday to Friday)", "평일", "mon-fri"),
            ("Monday, Wednesday and Friday", "월·수·금", "mon,wed,fri"),
            ("Compact: one message", "간략: 메시지 하나에 모두", "compact"),
            ("Cards: one message per paper", "카드: 논문마다 메시지 하나", "cards"),
        )
    ],
)


@pytest.mark.parametrize(
    ("typed", "value"), case_files.load(__file__, "test_a_weekday_is_chosen_by_its_short_name")
)
def test_a_weekday_is_chosen_by_its_short_name(typed: str, value: str) -> None:
    assert simcord_additions.convert_command(DAYS, typed) == value
