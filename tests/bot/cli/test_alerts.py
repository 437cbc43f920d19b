"""`paperround alerts`."""

from __future__ import annotations

from tests.bot.cli.conftest import Paperround


def test_alerts_are_added_listed_and_removed(paperround: Paperround) -> None:
    added = paperround(
        "alerts", "add", "--user", "7", "--keyword", "강화 학습", "--min-votes", "3", "--json"
    ).data
    assert (added["user"], added["kind"], added["text"], added["min_votes"]) == (
        "7",
        "keyword",
        "강화 학습",
        3,
    )
    paperround("alerts", "add", "--user", "7", "--author", "Ada Lovelace")
    assert len(paperround("alerts", "list", "--json").data) == 2
    assert paperround("alerts", "remove", str(added["id"])).exit_status == 0
    assert paperround("alerts", "remove", str(added["id"])).exit_status == 2
    assert paperround("alerts", "add", "--user", "7").exit_status == 2
