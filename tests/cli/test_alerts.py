"""`paperround alerts`."""

from __future__ import annotations

import pytest

from tests.support.shell_fixtures import Paperround


def test_alerts_are_added_changed_listed_and_removed(paperround: Paperround) -> None:
    added = paperround(
        *("alerts", "add", "--user", "7", "--keyword", "강화 학습", "--min-votes", "3", "--json")
    ).data
    assert (added["user"], added["kind"], added["text"], added["min_votes"]) == (
        "7",
        "keyword",
        "강화 학습",
        3,
    )
    paperround("alerts", "add", "--user", "7", "--author", "Ada Lovelace", "--institution", "KAIST")
    first, second = paperround("alerts", "list", "--json").data
    assert [term["kind"] for term in second["terms"]] == ["author", "institution"]
    options = ("--exclude", "robot", "--translations", "--when", "weekly", "--weekday", "tue", "--at", "8:30")
    quiet = ("--silent", "--max-a-day", "3", "--language", "ko")
    changed = paperround("alerts", "edit", str(added["id"]), *options, *quiet, "--json").data
    assert changed == first | {
        "excluded": ["robot"],
        "translations": True,
        "forms": changed["forms"],
        "when": "weekly",
        "weekday": 2,
        "at": "08:30",
        "language": "ko",
        "max_a_day": 3,
        "silent": True,
    }
    assert "reinforcement learning" in changed["forms"][0]
    paperround("alerts", "edit", str(second["id"]), "--all")
    shown = paperround("alerts", "list").stdout
    assert "강화 학습 −robot" in shown
    assert "weekly Tue 08:30 UTC, at most 3 messages a day, silent" in shown
    assert "Ada Lovelace + KAIST" in shown
    for bad in (
        ("--when", "soon"),
        ("--language", "de"),
        ("--weekday", "day"),
        ("--max-papers", "0"),
        ("--max-a-day", "-1"),
    ):
        assert paperround("alerts", "edit", str(added["id"]), *bad).exit_status == 2
    assert paperround("alerts", "remove", str(added["id"])).exit_status == 0
    assert paperround("alerts", "remove", str(added["id"])).exit_status == 2
    assert paperround("alerts", "edit", str(added["id"]), "--all").exit_status == 2
    assert paperround("alerts", "add", "--user", "7").exit_status == 2


def test_a_time_without_a_zone_is_that_of_the_reader_of_the_daily_posts_or_of_the_language(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(user: str, *options: str) -> str:
        command = ("alerts", "add", "--user", user, "--keyword", "RL", "--when", "daily", *options)
        return paperround(*command).stdout.splitlines()[-1].split("  ")[-2].strip()

    assert add("1", "--at", "8am") == "daily 08:00 UTC"
    assert add("2", "--at", "9am KST") == "daily 09:00 Asia/Seoul"
    assert paperround("alerts", "edit", "2", "--at", "soon").exit_status == 2
    assert "Give at least one option" in paperround("alerts", "edit", "2").stderr
    monkeypatch.setenv("PAPERROUND_LOCALE", "ko")
    assert add("3", "--at", "9am") == "daily 09:00 Asia/Seoul"
    post = ("channels", "add", "--guild", "5", "--channel")
    paperround(*post, "6", "--at", "9am Berlin")
    assert add("4") == "daily 09:00 Europe/Berlin"
    paperround(*post, "7", "--at", "9am New York")
    assert add("5") == "daily 09:00 Asia/Seoul"
    assert add("6", "--timezone", "london") == "daily 09:00 Europe/London"


def test_a_preview_names_an_equal_alert(paperround: Paperround) -> None:
    added = paperround("alerts", "add", "--user", "7", "--keyword", "RL", "--json").data
    seen = paperround("alerts", "preview", "--user", "7", "--keyword", "rl", "--json").data
    assert seen == {"papers": 0, "max_per_day": 0, "complete": True, "existing": added["id"], "latest": []}
    said = paperround("alerts", "preview", "--author", "Who Ever").stdout
    assert said == "No papers matched in the last 30 days.\n"
    assert [row["name"] for row in paperround("alerts", "institutions", "카이", "--json").data] == [
        "카이스트"
    ]
