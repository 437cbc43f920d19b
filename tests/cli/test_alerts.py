"""`paperround alerts`."""

from __future__ import annotations

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
    changed = paperround("alerts", "change", str(added["id"]), *options, *quiet, "--json").data
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
    for bad in (
        ("--when", "soon"),
        ("--language", "de"),
        ("--weekday", "day"),
        ("--max-papers", "0"),
        ("--max-a-day", "-1"),
    ):
        assert paperround("alerts", "change", str(added["id"]), *bad).exit_status == 2
    assert paperround("alerts", "remove", str(added["id"])).exit_status == 0
    assert paperround("alerts", "remove", str(added["id"])).exit_status == 2
    assert paperround("alerts", "change", str(added["id"]), "--all").exit_status == 2
    assert paperround("alerts", "add", "--user", "7").exit_status == 2


def test_a_preview_names_an_equal_alert(paperround: Paperround) -> None:
    added = paperround("alerts", "add", "--user", "7", "--keyword", "RL", "--json").data
    seen = paperround("alerts", "preview", "--user", "7", "--keyword", "rl", "--json").data
    assert seen == {"papers": 0, "max_per_day": 0, "existing": added["id"], "latest": []}
    assert "0 papers" in paperround("alerts", "preview", "--author", "Who Ever").stdout
    assert [row["name"] for row in paperround("alerts", "institutions", "카이", "--json").data] == [
        "카이스트"
    ]
