"""Discord's limits and the budget of a message."""

from __future__ import annotations

from bot.rendering import discord_text
from tests.support import payload_checks


def test_hangul_reaches_the_limit_of_bytes_before_that_of_characters() -> None:
    assert payload_checks.fit_in_message(["가" * 3100])
    assert not payload_checks.fit_in_message(["가" * 3200])
    assert payload_checks.fit_in_message(["a" * 4000])
    assert not payload_checks.fit_in_message(["a" * 4001])


def test_each_text_costs_twelve_additional_bytes() -> None:
    texts = ["가" * 100] * 30
    assert sum(map(discord_text.utf8_bytes, texts)) == 9000
    assert payload_checks.fit_in_message(texts)
    assert not payload_checks.fit_in_message(["가" * 100] * 31)


def test_the_limit_of_bytes_is_below_the_sum_that_discord_refuses() -> None:
    assert discord_text.TEXT_BYTES < 10_170


def test_a_budget_refuses_without_taking() -> None:
    budget = discord_text.Budget(components=2)
    assert budget.add_text("one")
    assert not budget.add(2, ["two", "three"])
    assert (budget.components, budget.characters) == (1, discord_text.TEXT - 3)
    assert budget.add_text("two")
    assert not budget.add_text("three")


def test_the_compact_post_of_five_papers_takes_29_components() -> None:
    budget = discord_text.Budget()
    assert budget.add(1)
    assert budget.add_text("headline and subline")
    for _ in range(5):
        assert budget.add(4, ["a paper: section, text, thumbnail, separator"])
    assert budget.add(2)
    assert budget.add(4)
    assert budget.add_text("footer")
    assert discord_text.COMPONENTS - budget.components == 29


def test_a_lone_surrogate_can_be_measured() -> None:
    assert discord_text.utf8_bytes("\ud800") == 3
