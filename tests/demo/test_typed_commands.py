"""Typed lines: the command that they name, in English and Korean, and its options in their types."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo import stage


def option(name: str, korean: str, kind: int = stage.STRING, **more: Any) -> dict[str, Any]:
    return {"name": name, "name_localizations": {"ko": korean}, "type": kind, **more}


TOPIC = option("topic", "주제") | {
    "options": [
        option("query", "검색어", required=True),
        option("votes", "추천", stage.INTEGER),
        option("period", "기간", choices=[option("month", "한 달", value="30")]),
    ]
}
ADD = option("add", "추가") | {"options": [option("keyword", "단어"), option("all", "모두", stage.BOOLEAN)]}
ALERTS = option("alerts", "알림") | {"options": [ADD]}
LEAVES = [([TOPIC], TOPIC), ([ALERTS, ADD], ADD)]


@pytest.mark.parametrize(
    ("line", "name", "values"),
    [
        ("/topic small language model", "topic", {"query": "small language model"}),
        ("/주제 소형 언어 모델", "topic", {"query": "소형 언어 모델"}),
        ("/topic query: RL votes:20", "topic", {"query": "RL", "votes": "20"}),
        ("/topic RL 추천:20", "topic", {"query": "RL", "votes": "20"}),
        ("/alerts add keyword:reinforcement learning", "alerts add", {"keyword": "reinforcement learning"}),
        ("/알림 추가 강화 학습", "alerts add", {"keyword": "강화 학습"}),
        ("/TOPIC", "topic", {}),
        ("/topic what is x: y", "topic", {"query": "what is x: y"}),
    ],
)
def test_a_line_names_a_command_and_its_options(line: str, name: str, values: dict[str, str]) -> None:
    found = stage.find_command(line, LEAVES)
    assert found is not None
    command, leaf, rest = found
    assert command == name
    assert stage.read_options(leaf, rest) == values
    assert stage.list_missing(leaf, values) == (["query"] if name == "topic" and not values else [])


@pytest.mark.parametrize("line", ["/", "/topc x", "/alerts", "topic"])
def test_a_line_that_names_no_command_gives_none(line: str) -> None:
    found = stage.find_command(line, LEAVES)
    assert (found is None) == (line != "topic")


def test_values_get_the_type_of_their_option() -> None:
    query, votes, period = TOPIC["options"]
    assert stage.convert_command(query, "20") == "20"
    assert stage.convert_command(votes, "20") == 20
    assert stage.convert_command(period, "한 달") == "30"
    assert stage.convert_command(ADD["options"][1], "yes") is True
    with pytest.raises(ValueError, match="invalid literal"):
        stage.convert_command(votes, "many")
    with pytest.raises(ValueError, match="Discord's list"):
        stage.convert_command(option("role", "역할", 8), "x")
