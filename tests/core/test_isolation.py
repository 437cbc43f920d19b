"""Isolated blocks log errors, and child processes have limits and end with their parent."""

import asyncio
import math
import operator
import os
import sys
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import psutil
import pytest
import structlog

from bot.archive import parse
from bot.core import isolation
from storage.errors import NotADigestError
from tests.support import child_functions, patience
from tests.support.fork_server import ROOT


def test_isolated_block_logs_and_returns_the_error() -> None:
    error = ValueError("broken")
    with (
        structlog.testing.capture_logs() as events,
        isolation.isolated(structlog.get_logger(), "step failed", step=1) as failures,
    ):
        raise error
    assert failures == [error]
    assert events == [{"event": "step failed", "step": 1, "exc_info": error, "log_level": "error"}]


_PARENT = """
import asyncio
from bot.core import isolation
from tests.support import child_functions

async def run():
    async for pid in isolation.stream_isolated(child_functions.wait, seconds=None, megabytes=None, with_database=False):
        print(pid, flush=True)

asyncio.run(run())
"""

SECRETS = (
    *("DISCORD_TOKEN", "PAPERROUND_DATABASE_URL", "PAPERROUND_WRITER_KEY", "PAPERROUND_MCP_TOKEN"),
    *("HTTPS_PROXY", "https_proxy", "HF_TOKEN", "A_SECRET_OF_ANOTHER_PROGRAM"),
)


START = isolation._start


@pytest.fixture(autouse=True)
def _started_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start children as the bot does: those of other tests are forked."""
    monkeypatch.setattr(isolation, "_start", START)


async def run(
    function: Callable[..., Any], *arguments: Any, seconds: float | None = None, megabytes: int | None = None
) -> Any:
    return await isolation.run_isolated(function, *arguments, seconds=seconds, megabytes=megabytes)


async def run_all(function: Callable[..., Any], *arguments: Any, megabytes: int | None = None) -> list[Any]:
    results = isolation.stream_isolated(
        function, *arguments, seconds=None, megabytes=megabytes, with_database=False
    )
    async with aclosing(results):
        return [result async for result in results]


async def test_child_gets_large_arguments_but_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SECRETS, "PGPASSWORD", "TZ"):
        monkeypatch.setenv(name, f"value of {name}")
    assert await run(len, b"x" * 3_000_000) == 3_000_000
    environment = await run(child_functions.read_environment)
    assert not [name for name, value in environment.items() if "value of" in value and name != "TZ"]
    assert environment["TZ"] == "value of TZ"
    environment = await isolation.run_isolated(
        child_functions.read_environment, seconds=None, megabytes=None, with_database=True
    )
    assert [name for name in (*SECRETS, "PGPASSWORD") if name in environment] == ["PGPASSWORD"]
    assert await run(os.getsid, 0) != os.getsid(0)


async def test_results_arrive_as_plain_data() -> None:
    text = "half a pair: \ud83d, a line\n"
    assert await run(child_functions.make_record) == {"day": "2026-01-05", "names": ["a", "b", "c"]}
    assert await run(asyncio.sleep, 0, text) == text
    assert await run_all(child_functions.print_and_yield, 7, 3) == [7, 7, 7]


async def test_our_errors_have_the_same_type_in_the_parent_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotADigestError, match="binary"):
        await run(parse.decode, b"\0" * 9)
    with pytest.raises(isolation.ChildError, match="ZeroDivisionError"):
        await run(operator.truediv, 1, 0)
    monkeypatch.setattr(parse.decode, "__qualname__", "of_another_version")
    with pytest.raises(isolation.ChildError, match="of_another_version"):
        await run(parse.decode, b"")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(isolation.ChildError, match="no process can be started"):
        await run(len, "")


async def test_child_over_its_limits_fails_with_a_reason() -> None:
    with pytest.raises(isolation.ChildLimitError, match="within 60 MB of memory"):
        await run(child_functions.take_memory, megabytes=60)
    with pytest.raises(isolation.ChildLimitError, match="within 1 seconds of CPU time"):
        await run(math.factorial, 10_000_000, seconds=1)
    with pytest.raises(isolation.ChildError, match="ended with status 3"):
        await run(os._exit, 3)
    with pytest.raises(isolation.ChildLimitError, match="ended with SIGABRT"):
        await run(os.abort)


@pytest.mark.parametrize(("count", "megabytes"), [(1, None), (60, 50)])
async def test_big_results_fail(count: int, megabytes: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_MAX_RESULT_BYTES", 500_000)
    with pytest.raises(isolation.ChildLimitError, match="its results cannot be read"):
        await run_all(child_functions.print_and_yield, "x" * 1_000_000, count, megabytes=megabytes)


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_closing_or_cancelling_the_stream_ends_the_child(is_cancelled: bool) -> None:
    results = isolation.stream_isolated(
        child_functions.wait, seconds=None, megabytes=None, with_database=False
    )
    child = psutil.Process(await anext(results))
    if is_cancelled:
        reading = asyncio.ensure_future(anext(results))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    await results.aclose()
    assert not child.is_running()


async def test_child_ends_when_its_parent_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PARENT), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    await asyncio.to_thread(child.wait, patience.scaled(60))
