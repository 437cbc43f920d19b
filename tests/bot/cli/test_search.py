"""`paperround search`, `author` and `paper`."""

from __future__ import annotations

from pathlib import Path

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


REVIEW = """# 📰 Daily Papers (2026-01-05)

## 2601.00001
🔗 https://huggingface.co/papers/2601.00001

**Summary**:
죄송합니다만, 본문을 확인할 수 없었습니다. 제목을 바탕으로 추정하여 정리해 드리겠습니다.

**1. 핵심 동기**

발명된 문장인 얼룩말이 여기에 있습니다.

**2. 결과**

빠릅니다.
"""


def test_an_invented_summary_is_kept_but_neither_shown_nor_searched(
    paperround: Paperround, tmp_path: Path
) -> None:
    file = tmp_path / "review.md"
    file.write_text(REVIEW, "utf-8")
    assert paperround("ingest", str(file)).exit_status == 0
    data = paperround("paper", "2601.00001", "--json").data
    assert data["summaries"] == [
        {
            "format": "review",
            "language": "ko",
            "basis": "none",
            "source": "files",
            "date": "2026-01-05",
            "shown": False,
        }
    ]
    assert data["digests"][0]["summary_missing"]
    assert data["digests"][0]["sections"]
    assert "얼룩말" not in paperround("paper", "2601.00001").stdout
    assert paperround("search", "얼룩말", "--json").data == []
