"""Validation of the drafts of alerts."""

from __future__ import annotations

from typing import Any

import pytest

from bot.alerts import service as alerts_service
from bot.core import errors
from storage import models
from tests.support import alert_builders


@pytest.mark.parametrize(
    ("texts", "fields", "message"),
    [
        ((), {}, "needs a word"),
        (("", "  "), {}, "at least one letter"),
        (("***",), {}, "at least one letter"),
        (("x" * 2000,), {}, "100 characters; this one has 2000"),
        ([f"word{number}" for number in range(50)], {}, "20 terms; this one has 50"),
        (("의",), {}, "only particles"),
        (("은 는", "에서"), {}, "only particles"),
        (("of the",), {}, "only particles"),
        (("University of Science",), {"kind": models.AlertKind.INSTITUTION}, "whole name"),
        (("robot",), {"excluded": ["?!"]}, "at least one letter"),
        (("robot",), {"excluded": [f"word{number}" for number in range(21)]}, "20 excluded words"),
        (("Robots",), {"excluded": ["robot"]}, "Nothing can match"),
        (("로봇 팔", "로봇팔"), {"excluded": ["로봇"]}, "Nothing can match"),
        (("robot", "speech"), {"excluded": ["speech"], "match_all": True}, "Nothing can match"),
        (("robot",), {"min_votes": -1}, "from 0"),
        (("robot",), {"max_papers": 0}, "from 1 to"),
        (("robot",), {"weekday": 8}, "weekday"),
        (("robot",), {"at_time": "25:00"}, "HH:MM"),
        (("robot",), {"timezone": "Mars/Olympus"}, "time zone"),
    ],
)
def test_a_draft_that_cannot_work_is_refused_with_what_to_change(
    texts: list[str], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.UsageError, match=message):
        alerts_service.validate_alert(alert_builders.draft(*texts, **fields))


def test_equal_drafts_have_the_same_key() -> None:
    first = alerts_service.validate_alert(
        alert_builders.draft("Language  Model", "로봇", "로봇 ", match_all=True, excluded=("beam", "Car"))
    )
    second = alert_builders.draft("로봇", "language model", match_all=True, excluded=("car", "Beam"))
    assert first.terms == ((models.AlertKind.KEYWORD, "Language Model"), (models.AlertKind.KEYWORD, "로봇"))
    assert first.key == alerts_service.validate_alert(second).key
    others = [
        alert_builders.draft("로봇", "language model", excluded=("car", "Beam")),
        alert_builders.draft("로봇", "language model", match_all=True, excluded=("car",)),
        alert_builders.draft(
            "로봇", "language model", match_all=True, excluded=("car", "Beam"), translations=True
        ),
        alert_builders.draft("로봇", "language model", kind=models.AlertKind.AUTHOR, match_all=True),
    ]
    assert len({first.key, *(alerts_service.validate_alert(other).key for other in others)}) == 5


def test_one_term_that_an_exclusion_kills_does_not_kill_the_alert() -> None:
    draft = alert_builders.draft("robot arm", "speech", excluded=("robot",))
    assert alerts_service.validate_alert(draft).excluded == ("robot",)
