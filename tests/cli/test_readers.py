"""`paperround readers`."""

from __future__ import annotations

from tests.support.shell_fixtures import Paperround


def test_what_is_kept_about_a_reader_is_shown_and_removed(paperround: Paperround) -> None:
    for user in ("7", "8"):
        paperround("alerts", "add", "--user", user, "--keyword", "강화 학습")
    found = paperround("readers", "data", "--user", "7", "--json").data
    (alert,) = found["tables"]["alerts"]
    assert "강화 학습" in str(alert["terms"])
    assert "alerts" in paperround("readers", "data", "--user", "7").stdout
    assert paperround("readers", "forget", "--user", "7", "--json").data["removed"]["alerts"] == 1
    assert "Nothing is kept" in paperround("readers", "forget", "--user", "7").stdout
    assert [alert["user"] for alert in paperround("alerts", "list", "--json").data] == ["8"]
