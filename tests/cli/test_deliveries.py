"""`paperround deliveries`."""

from __future__ import annotations

from tests.support.shell_fixtures import Paperround


def test_deliveries_of_an_unknown_state_are_wrong_usage(paperround: Paperround) -> None:
    assert paperround("deliveries", "--json").data == []
    answer = paperround("deliveries", "--state", "lost")
    assert answer.exit_status == 2
    assert "uncertain" in answer.stderr
