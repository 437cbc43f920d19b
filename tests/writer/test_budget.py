"""The token budget: no order of calls, losses and settlements passes a cap."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.writer import drafting
from storage import migrate, writer
from storage.database import Connection, Database

NOW = datetime(2026, 1, 5, 23, 59, tzinfo=UTC)
CAP = 1_000


async def nothing(connection: Connection) -> None:
    """Store nothing with a reservation."""


@pytest.mark.parametrize(("prompt", "tokens"), [("", 10), ("abc", 12), ("한국어", 15)])
def test_a_prompt_is_estimated_by_half_of_its_bytes(prompt: str, tokens: int) -> None:
    assert drafting.estimate_tokens(prompt, 10) == tokens


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 600), st.floats(0, 1), st.booleans(), st.integers(0, 5)), max_size=12)
)
def test_no_order_of_calls_passes_the_cap(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, plan: list[tuple[int, float, bool, int]]
) -> None:
    path = tmp_path_factory.mktemp("budget") / "paperround.db"
    path.write_bytes(sqlite_template.read_bytes())
    asyncio.run(_run_calls(f"sqlite+aiosqlite:///{path}", plan))


async def _run_calls(url: str, plan: list[tuple[int, float, bool, int]]) -> None:
    """Run calls at the same time, each with a reservation, the used share, whether its outcome is known, and its length."""
    database = await migrate.open_database(url)
    tokens = drafting.TokenBudget(database, lambda: NOW, daily=CAP)
    totals = []

    async def call(reserved: int, share: float, is_known: bool, turns: int) -> None:
        try:
            day = await tokens.reserve(reserved, nothing)
        except drafting.BudgetError:
            return
        for _ in range(turns):
            await asyncio.sleep(0)
        async with database.transaction() as connection:
            if is_known:
                await tokens.settle(connection, day, reserved=reserved, used=int(reserved * share))
            totals.append((await writer.get_token_totals(connection, day))[0])
        await tokens.release()

    await asyncio.gather(*(call(*row) for row in plan))
    await database.close()
    assert max(totals, default=0) <= CAP


async def test_a_call_waits_for_others_before_it_is_refused(sqlite_db: Database) -> None:
    tokens = drafting.TokenBudget(sqlite_db, lambda: NOW, monthly=CAP)
    day = await tokens.reserve(700, nothing)
    waiting = asyncio.ensure_future(tokens.reserve(700, nothing))
    await asyncio.sleep(0)
    async with sqlite_db.transaction() as connection:
        await tokens.settle(connection, day, reserved=700, used=100)
    await tokens.release()
    assert await waiting == NOW.date()
    await tokens.release()
    with pytest.raises(
        drafting.BudgetError, match=r"token budget: .* 701 tokens, and 800 of the month's 1,000"
    ):
        await tokens.reserve(701, nothing)
