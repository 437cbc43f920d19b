"""`paperround channels`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.shell_fixtures import ADD_CHANNEL, Paperround


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
    assert added["silent"] is False
    assert "silent" in paperround("channels", "edit", number, "--silent").stdout
    assert paperround("channels", "list", "--json").data[0]["silent"] is True
    spread = paperround("channels", "edit", number, "--spread", "30m")
    assert "07:30 Asia/Seoul +12 min (spread 30m)" in spread.stdout
    assert [row["spread"] for row in paperround("channels", "list", "--json").data] == ["30m"]
    assert paperround("channels", "edit", number, "--spread", "off", "--json").data["spread"] == "0m"
    assert paperround("channels", "pause", number, "--json").data["state"] == "paused"
    assert paperround("channels", "resume", number, "--json").data["state"] == "active"
    assert paperround("channels", "remove", number).exit_status == 0
    assert paperround("channels", "list", "--json").data == []


def test_a_zone_beside_the_time_is_the_posts(paperround: Paperround) -> None:
    added = paperround(*ADD_CHANNEL, "--at", "9am KST", "--timezone", "UTC", "--json").data
    assert (added["at"], added["timezone"]) == ("09:00", "Asia/Seoul")


def test_an_identical_channel_is_refused(paperround: Paperround) -> None:
    assert paperround(*ADD_CHANNEL).exit_status == 0
    answer = paperround(*ADD_CHANNEL)
    assert answer.exit_status == 1
    assert "already" in answer.stderr


def test_a_server_has_a_limited_number_of_posts_from_the_shell_too(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bot.daily.service.MAX_POSTS", 1)
    assert paperround(*ADD_CHANNEL).exit_status == 0
    refused = paperround(*ADD_CHANNEL, "--at", "10:00")
    assert (refused.exit_status, "has 1 daily posts, which is the maximum" in refused.stderr) == (2, True)
    text = paperround("config", "export").stdout
    (tmp_path / "set-up.toml").write_text(text + text.replace("09:00", "10:00"), encoding="utf-8")
    applied = paperround("config", "apply", "set-up.toml", "--yes")
    assert (applied.exit_status, "which is the maximum" in applied.stderr) == (2, True)
    assert len(paperround("channels", "list", "--json").data) == 1


def test_an_invalid_value_is_named_with_a_valid_one(paperround: Paperround) -> None:
    for arguments, hint in (
        (("--at", "25:00"), "09:00"),
        (("--timezone", "Mars/Base"), "Asia/Seoul"),
        (("--days", "someday"), "mon"),
        (("--top", "0"), "1 to 25"),
        (("--locale", "fr"), "en or ko"),
        (("--style", "loud"), "compact"),
        (("--when", "noon"), "hour or complete"),
        (("--spread", "2h"), "Example: 30m"),
        (("--when", "complete", "--style", "weekly"), "cannot wait for a list"),
    ):
        answer = paperround(*ADD_CHANNEL, *arguments)
        assert (answer.exit_status, hint in answer.stderr) == (2, True), answer


def test_a_topic_and_a_role_are_set_changed_and_removed(paperround: Paperround) -> None:
    general = paperround(*ADD_CHANNEL, "--json").data
    assert (general["topic"], general["mention"]) == ("", None)
    added = paperround(*ADD_CHANNEL, "--topic", " RL  -survey ", "--mention", "77", "--json").data
    assert (added["topic"], added["mention"]) == ("RL -survey", "77")
    assert paperround(*ADD_CHANNEL, "--topic", "RL -survey").exit_status == 1
    number = str(added["id"])
    assert "on diffusion" in paperround("channels", "edit", number, "--topic", "diffusion").stdout
    assert paperround("channels", "list", "--json").data[1]["mention"] == "77"
    changed = paperround("channels", "edit", number, "--mention", "0", "--top", "2", "--json").data
    assert (changed["topic"], changed["mention"]) == ("diffusion", None)
    # Without its topic it would be the same as the general post.
    assert paperround("channels", "edit", number, "--topic", "").exit_status == 1
    assert paperround("channels", "edit", number, "--topic=-survey").exit_status != 0


def test_a_post_waits_for_the_day_to_be_complete_if_chosen(paperround: Paperround) -> None:
    assert paperround(*ADD_CHANNEL, "--json").data["when"] == "hour"
    added = paperround(*ADD_CHANNEL, "--at", "08:00", "--when", "complete", "--json").data
    assert added["when"] == "complete"
    number = str(added["id"])
    assert (
        "not before the day's list is complete" in paperround("channels", "edit", number, "--top", "8").stdout
    )
    assert [row["when"] for row in paperround("channels", "list", "--json").data] == ["hour", "complete"]
    refused = paperround("channels", "edit", number, "--style", "weekly")
    assert (refused.exit_status, refused.stdout) == (2, "")
    assert "weekly post is sent at its set time" in refused.stderr
    assert paperround("channels", "edit", number, "--when", "hour", "--json").data["when"] == "hour"
    weekly = paperround("channels", "edit", number, "--style", "weekly", "--json").data
    assert (weekly["when"], weekly["style"], weekly["days"]) == ("hour", "weekly", "mon")
    assert paperround("channels", "edit", number, "--when", "complete").exit_status == 2


def test_a_weekly_post_names_what_members_saved_if_chosen(paperround: Paperround) -> None:
    refused = paperround(*ADD_CHANNEL, "--server-picks")
    assert (refused.exit_status, refused.stdout) == (2, "")
    assert "--style weekly" in refused.stderr
    added = paperround(*ADD_CHANNEL, "--style", "weekly", "--server-picks", "--json").data
    assert added["server_picks"] is True
    assert "weekly with server picks" in paperround("channels", "edit", str(added["id"]), "--top", "8").stdout
    assert (
        paperround("channels", "edit", str(added["id"]), "--style", "cards", "--json").data["server_picks"]
        is False
    )


def test_an_unusable_closing_time_ends_with_one_line_that_names_it(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("half past nine", "21:30", "24:30 Asia/Seoul", "21:30 Mars/Olympus"):
        monkeypatch.setenv("PAPERROUND_DAY_CLOSES", value)
        answer = paperround(*ADD_CHANNEL, "--when", "complete")
        assert (answer.exit_status, answer.stdout) == (2, "")
        (line,) = answer.stderr.splitlines()
        assert "PAPERROUND_DAY_CLOSES" in line
        assert "America/New_York" in line


def test_people_read_what_became_of_a_channel_in_its_own_zone(paperround: Paperround) -> None:
    added = paperround(*ADD_CHANNEL, "--at", "9am", "--timezone", "seoul").stdout
    assert added.startswith(
        "Daily post 1 added: channel 20, 09:00 Asia/Seoul, every day, top 3, compact; next on "
    )
    assert added.endswith(" 09:00.\n")
    table = paperround("channels", "list").stdout
    assert "09:00 Asia/Seoul, every day, top 3" in table
    assert "+00:00" not in table
    unchanged = paperround("channels", "edit", "1")
    assert unchanged.exit_status == 2
    assert "Give at least one option" in unchanged.stderr
    unknown = paperround("channels", "edit", "1", "--at", "9am Soeul")
    assert unknown.exit_status == 2
    assert "'Soeul' is not a time zone" in unknown.stderr
    assert paperround("channels", "pause", "1").stdout.startswith("Daily post 1 paused: ")
    assert paperround("channels", "remove", "1").stdout.startswith("Daily post 1 removed: ")


def test_a_post_in_a_zone_that_this_machine_does_not_know_hides_no_other(
    paperround: Paperround, tmp_path: Path
) -> None:
    paperround(*ADD_CHANNEL, "--timezone", "Asia/Seoul")
    paperround("channels", "add", "--guild", "10", "--channel", "21")
    with closing(sqlite3.connect(tmp_path / "paperround.db")) as database, database:
        database.execute("UPDATE subscriptions SET timezone = 'Asia/Pangaea' WHERE id = 1")
    table = paperround("channels", "list").stdout.splitlines()
    assert [" UTC" in line for line in table[1:3]] == [True, True]
    assert "Asia/Pangaea" in table[1]


def test_a_post_draws_from_a_source_that_is_named_and_of_arxiv_on_a_topic_only(
    paperround: Paperround,
) -> None:
    address = "https://reader:secret@lists.example/papers.md?key=1"
    paperround("sources", "add", address)
    unknown = paperround(*ADD_CHANNEL, "--from", "https://elsewhere.example/x.md")
    assert (unknown.exit_status, "is not a source" in unknown.stderr) == (2, True)
    [shown] = [row["source"] for row in paperround("sources", "list", "--json").data]
    added = paperround(*ADD_CHANNEL, "--from", shown, "--json").data
    assert "secret" not in added["from"]
    other = paperround(*ADD_CHANNEL, "--json").data
    assert other["from"] == ""
    assert "from " in paperround("channels", "edit", str(added["id"]), "--top", "8").stdout
    assert (
        paperround("channels", "edit", str(added["id"]), "--at", "10:00", "--from", "", "--json").data["from"]
        == ""
    )
