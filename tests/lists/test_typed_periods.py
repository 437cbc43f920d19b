"""`since:` and `until:` in every spelling that docs/commands.md accepts: dates are read as people type them."""

import itertools

from tests.support.client_harness import ClientHarness, shown_text

PERIODS = [
    "since:2025 until:2026",
    "since:2025-12 until:2026-01",
    "since:2025-12-01 until:2026-01-31",
    "since:dec until:jan",
    "since:yesterday until:today",
    "이후:2025년 까지:2026년",
    '이후:2025년12월 까지:"2026년 1월"',
    "이후:작년 까지:오늘",
    'since:"dec 30" until:"last week"',
    "after:2025 before:2027",
]


async def test_lists_read_both_operators(harness: ClientHarness) -> None:
    ignored = harness.texts("list-ignored", filters="").rstrip("* ")
    options = (("topic", "query"), ("top", "topic"), ("author", "name"), ("paper", "paper"))
    for period, (command, option) in itertools.product(PERIODS, options):
        typed = f"Ada Lovelace {period}" if command == "author" else f"language model {period}"
        answer = shown_text(await harness.ask(command, **{option: typed}))
        assert ignored not in answer, (command, typed)
        assert not harness.unexpected_errors(), (command, typed)


async def test_an_authors_papers_of_a_period(harness: ClientHarness) -> None:
    for period, shown in (("since:2025 until:2025-12", "Weather"), ("이후:2026", "A Sixth Paper")):
        answer = shown_text(await harness.ask("author", name=f"ada lovelace {period}"))
        assert [title in answer for title in ("Weather", "A Sixth Paper")] == [
            title == shown for title in ("Weather", "A Sixth Paper")
        ], answer


async def test_a_typed_period_of_the_top_list_is_named_and_kept_while_paging(harness: ClientHarness) -> None:
    answer = await harness.ask("top", period="dec 2025", topic="language model")
    assert "December 2025" in shown_text(answer)
    assert "2501.00006" not in shown_text(answer), "a paper of January"
