"""The settings of an alert as they are typed, and drafts, which are stored under tokens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.alerts import commands as alerts_commands
from bot.alerts import options as alerts_options
from bot.alerts.service import EMPTY_DRAFT
from bot.client.accounts import TOKEN_LENGTH, TextPurpose, TextTokenStore
from bot.client.custom_ids import InvalidCustomIdError
from bot.client.router import UserError
from storage import models
from storage.database import Database
from tests.support import alert_builders
from tests.support.alert_harness import NOW


async def test_a_draft_is_loaded_by_its_token_without_its_reader(sqlite_db: Database) -> None:
    tokens = TextTokenStore(sqlite_db, lambda: NOW)
    chosen = replace(
        EMPTY_DRAFT,
        id=5,
        terms=tuple(models.AlertTerm(kind, f"{kind} 강화 학습: “x”, y") for kind in models.AlertKind),
        match_all=True,
        excluded=("설문", ";"),
        min_votes=99_999,
        language=models.Locale.KO,
        translations=True,
        timing=models.AlertTiming.WEEKLY,
        at_time="21:30",
        timezone="Asia/Seoul",
        weekday=7,
        max_papers=25,
        channel_id=2**63 - 1,
    )
    for draft in (EMPTY_DRAFT, chosen):
        of_reader = replace(draft, user_id=7, guild_id=8, created_at=NOW)
        token = await alerts_commands.store_draft(tokens, 7, of_reader)
        assert len(token) == TOKEN_LENGTH
        assert await alerts_commands.load_draft(tokens, token) == draft


async def test_a_token_that_is_gone_or_not_a_drafts_is_an_outdated_component(sqlite_db: Database) -> None:
    tokens = TextTokenStore(sqlite_db, lambda: NOW)
    with pytest.raises(UserError, match="outdated-control"):
        await alerts_commands.load_draft(tokens, "0" * TOKEN_LENGTH)
    for text in ("a long topic", "[]", '{"id":1}'):
        token = await tokens.save(7, TextPurpose.ALERT, text)
        with pytest.raises(InvalidCustomIdError):
            await alerts_commands.load_draft(tokens, token)


def test_a_form_keeps_the_papers_of_an_alert_which_have_no_field() -> None:
    paper = models.AlertTerm(models.AlertKind.PAPER, "2505.04321")
    draft = alert_builders.draft(terms=(paper, models.AlertTerm(models.AlertKind.KEYWORD, "old")))
    word = models.AlertTerm(models.AlertKind.KEYWORD, "robots")
    assert alerts_options.apply_conditions(draft, {"keyword": "robots"}).terms == (word, paper)


@pytest.mark.parametrize(
    ("typed", "items"),
    [
        ("강화 학습, diffusion", ["강화 학습", "diffusion"]),
        (" one ,, two,\n", ["one", "two"]),
        ("Doe, Jane; Roe, Ann", ["Doe, Jane", "Roe, Ann"]),
        ("로봇，확산、언어", ["로봇", "확산", "언어"]),
        (" , ;\n", []),
    ],
)
def test_items_are_separated_by_commas_or_semicolons(typed: str, items: list[str]) -> None:
    assert alerts_options.split_items(typed) == items
    assert alerts_options.split_items(alerts_options.join_items(items)) == items
