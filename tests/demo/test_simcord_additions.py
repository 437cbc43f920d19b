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
    expected = {
        "hello, what is new today?": ("answers commands", "봇을 멘션한 메시지"),
        "/me erase": ("/me erase could not be read", "/me erase: 알 수 없는 명령"),
        "/topik RL": ("or try /topic.", "/주제 명령어를"),
        "/왜 2502.02737": ("or try /help.", "/이유 명령어를"),
        "/topic RL votes:abc": ("**votes** can be: 0–99999", "**추천**에는 이렇게 넣을 수 있어요: 0–99999"),
        "/author": ("the option **name** is missing", "**이름**도 넣어 주세요"),
        "/daily setup papers:999": ("**papers** can be: 1–25", "**논문수**에는 이렇게 넣을 수 있어요: 1–25"),
        "/daily setup days:someday": (
            "**days** can be: Every day, Mondays, Tuesdays, Wednesdays, Thursdays, Fridays, Saturdays, Sundays, Weekdays (",
            "넣을 수 있어요: 매일, 월요일, 화요일, 수요일, 목요일, 금요일, 토요일, 일요일, 평일, 주말, 월·수·금",
        ),
        "/daily setup style:x": ("**style** can be: ", "**형식**에는 이렇게 넣을 수 있어요: 간략:"),
        "/alerts add channel:nowhere": ("**channel** can be: ", "**채널**에는 이렇게 넣을 수 있어요: #"),
        "/club setup channel:papers day:someday time:5pm": (
            "**day** can be: Mondays,",
            "**요일**에는 이렇게 넣을 수 있어요: 월요일",
        ),
        "/why 2502.02737 채널:vision": ("not have the option **채널**. Its options: paper", "옵션: 논문"),
        "/daily edit channel:papers papers:3": ("Its options: post, time,", "옵션: 게시, 시각,"),
        "/daily setup time:오전 10시 논문:3": ("not have the option **논문**", "**논문** 옵션은 없어요"),
        "/daily setup papers:3 요일이:금": ("not have the option **요일이**", "**요일이** 옵션은 없어요"),
        f"/club setup channel:papers day:wed time:{'9' * 41}": (
            "**time** has 1 to 40 characters.",
            "**시각**에는 1~40자를 쓸 수 있어요.",
        ),
    }
    async with open_harness(sqlite_db, models.Locale.EN) as harness:
        for position, locale in enumerate((models.Locale.EN, models.Locale.KO)):
            simcord_additions = Stage(
                harness.env, _page(harness, harness.manager), [harness.channel], locale, harness.env.settle
            )
            for line, texts in expected.items():
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
    ("line", "name", "values"),
    [
        ("/topic small language model", "topic", {"query": "small language model"}),
        ("/주제 소형 언어 모델", "topic", {"query": "소형 언어 모델"}),
        ("/topic query: RL votes:20", "topic", {"query": "RL", "votes": "20"}),
        ("/topic RL 추천:20", "topic", {"query": "RL", "votes": "20"}),
        ("/topic RL votes:20 -video", "topic", {"query": "RL -video", "votes": "20"}),
        ("/topic RL votes:10..20 -video", "topic", {"query": "RL votes:10..20 -video"}),
        ("/주제 RL 추천:<20", "topic", {"query": "RL votes:<20"}),
        ("/alerts add keyword:reinforcement learning", "alerts add", {"keyword": "reinforcement learning"}),
        ("/알림 추가 강화 학습", "alerts add", {"keyword": "강화 학습"}),
        ("/질문 2502.02737 몇 토큰이에요?", "ask", {"paper": "2502.02737", "question": "몇 토큰이에요?"}),
        ("/ask RL question: how?", "ask", {"paper": "RL", "question": "how?"}),
        ("/TOPIC", "topic", {}),
        ("/help me", "help", {}),
        ("/topic what is x: y", "topic", {"query": "what is x: y"}),
        ("/topic RL votes:20 since:2025", "topic", {"query": "RL since:2025", "votes": "20"}),
        ("/topic author:Kim RL", "topic", {"query": "author:Kim RL"}),
        ("/알림 추가 since:2025 RL", "alerts add", {"keyword": "since:2025 RL"}),
        ("/ask arXiv:2502.02737 why:how?", "ask", {"paper": "arXiv:2502.02737", "question": "why:how?"}),
    ],
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
    ("typed", "value"),
    [
        ("금", "fri"),
        ("금요일", "fri"),
        ("월", "mon"),
        ("Monday", "mon"),
        ("friday", "fri"),
        ("mon", "mon"),
        ("weekdays", "mon-fri"),
        ("평일", "mon-fri"),
    ],
)
def test_a_weekday_is_chosen_by_its_short_name(typed: str, value: str) -> None:
    assert simcord_additions.convert_command(DAYS, typed) == value
