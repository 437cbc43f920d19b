"""`paperround channels`."""

from __future__ import annotations

import pytest

from tests.bot.cli.conftest import ADD_CHANNEL, Paperround


def test_a_channel_is_added_listed_changed_paused_resumed_and_removed(paperround: Paperround) -> None:
    added = paperround(*ADD_CHANNEL, "--days", "mon-fri", "--locale", "ko", "--json").data
    assert (added["channel"], added["days"], added["locale"], added["top"]) == (
        "20",
        "mon,tue,wed,thu,fri",
        "ko",
        3,
    )
    assert added["next_due_at"].endswith("00:00:00+00:00")
    assert [row["id"] for row in paperround("channels", "list", "--json").data] == [added["id"]]
    number = str(added["id"])
    assert (
        paperround("channels", "edit", number, "--top", "8", "--at", "7:30", "--json").data["at"] == "07:30"
    )
    assert paperround("channels", "pause", number, "--json").data["state"] == "paused"
    assert paperround("channels", "resume", number, "--json").data["state"] == "active"
    assert paperround("channels", "remove", number).exit_status == 0
    assert paperround("channels", "list", "--json").data == []


def test_an_identical_channel_is_refused(paperround: Paperround) -> None:
    assert paperround(*ADD_CHANNEL).exit_status == 0
    answer = paperround(*ADD_CHANNEL)
    assert answer.exit_status == 1
    assert "already" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--at", "25:00"), "09:00"),
        (("--timezone", "Seoul"), "Asia/Seoul"),
        (("--days", "someday"), "mon"),
        (("--top", "0"), "1 to 25"),
        (("--locale", "fr"), "en or ko"),
        (("--style", "loud"), "compact"),
    ],
)
def test_an_invalid_value_is_named_with_a_valid_one(
    paperround: Paperround, arguments: tuple[str, str], hint: str
) -> None:
    answer = paperround(*ADD_CHANNEL, *arguments)
    assert answer.exit_status == 2
    assert hint in answer.stderr
