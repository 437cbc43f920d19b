"""`paperround search`, `author` and `paper`."""

from __future__ import annotations

import pytest

from tests.bot.cli.conftest import PAPERS, Paperround


def test_search_and_author_print_their_json(filled: Paperround) -> None:
    rows = filled("search", "trained with care", "--json").data
    assert {row["arxiv_id"] for row in rows} == {arxiv_id for arxiv_id, _ in PAPERS}
    assert filled("search", "quaternion", "--json").data == []
    assert filled("search", "quaternion").exit_status == 0
    by_author = filled("author", "lovelace, ada", "--json").data
    assert by_author["author"] == "Ada Lovelace"
    assert len(by_author["papers"]) == 3
    assert filled("search", "--author", "min-jun kim", "--min-votes", "6", "--json").data[0]["votes"] == 81


def test_a_search_needs_no_quotes_and_names_ignored_parts(filled: Paperround) -> None:
    answer = filled("search", "trained", "with", "care", "votes:many", "--json")
    assert len(answer.data) == 3
    assert "votes:many" in answer.stderr
    assert filled("search", "--", "-care", "trained").stdout.startswith("Nothing found.")


def test_a_search_without_results_suggests_a_query(filled: Paperround) -> None:
    answer = filled("search", "reinforcment lerning")
    assert answer.stdout.startswith("Nothing found.")
    assert "reinforcement learning" in answer.stderr


@pytest.mark.parametrize(
    "name",
    [
        "2601.00002",
        "2601.00002v3",
        "https://arxiv.org/pdf/2601.00002v1",
        "https://huggingface.co/papers/2601.00002",
    ],
)
def test_a_paper_is_found_by_id_and_url(filled: Paperround, name: str) -> None:
    assert filled("paper", name, "--json").data["arxiv_id"] == "2601.00002"


def test_an_unknown_paper_is_null_with_status_one(filled: Paperround) -> None:
    answer = filled("paper", "2601.99999", "--json")
    assert (answer.exit_status, answer.data) == (1, None)
