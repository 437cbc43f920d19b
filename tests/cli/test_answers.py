"""`paperround trends`, `similar`, `why` and `status`, which answer as in Discord, and `glossary`."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from tests.support import digest_builders
from tests.support.shell_fixtures import ADD_CHANNEL, PAPERS, Paperround


def test_trends_count_papers_and_votes_by_month(filled: Paperround) -> None:
    months = filled("trends", "--months", "2", "--json").data["months"]
    votes = sum(votes or 0 for _, votes in PAPERS)
    # The month before is not listed: the archive begins in January.
    assert months == [{"month": "2026-01", "papers": len(PAPERS), "votes": votes}]
    assert re.search(rf"2026-01 +{len(PAPERS)} +{votes}", filled("trends").stdout)
    assert filled("trends", "zebra", "--months", "1", "--json").data["months"][0]["papers"] == 0
    nothing = filled("trends", "zebra", "crossing")
    assert (nothing.exit_status, nothing.stdout) == (0, "No papers on “zebra crossing” in this period.\n")


def test_similar_lists_other_papers_and_names_an_unknown_one(filled: Paperround) -> None:
    found = [row["arxiv_id"] for row in filled("similar", PAPERS[0][0], "--json").data]
    assert PAPERS[0][0] not in found
    unknown = filled("similar", "2601.99999")
    assert unknown.exit_status == 1
    assert "2601.99999" in unknown.stderr


def test_why_says_what_became_of_a_paper_in_a_channel(filled: Paperround) -> None:
    filled(*ADD_CHANNEL)
    answer = filled("why", PAPERS[0][0], "--channel", "20")
    assert "before this daily post was set up" in answer.stdout
    assert not re.search(r"<t:|\*\*|<#", answer.stdout)
    [row] = filled("why", PAPERS[0][0], "--channel", "20", "--json").data
    assert (row["cause"], row["digest"]) == ("before-subscription", "2026-01-05")
    assert filled("why", "2601.99999", "--channel", "20").exit_status == 1
    other = filled("why", PAPERS[0][0], "--channel", "21")
    assert other.exit_status == 2
    assert "channels list" in other.stderr


def test_status_shows_the_newest_digest_and_the_next_post_once_in_the_zone_of_the_post(
    filled: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(*ADD_CHANNEL)
    monkeypatch.setenv("PAPERROUND_TIMEZONE", "Europe/Berlin")
    assert re.search(r", read .* \d\d:\d\d Europe/Berlin\n", filled("status").stdout)
    answer = filled("status", "--channel", "20")
    assert "2026-01-05" in answer.stdout
    assert re.search(r"#20 .*\nNext: \w{3} \d\d \w{3} \d{4} 09:00 Asia/Seoul\n", answer.stdout)
    assert "alert" not in answer.stdout
    data = filled("status", "--json").data
    assert (data["newest_digest"], data["posts"], data["problems"]) == ("2026-01-05", [], [])


def test_suspicious_forms_are_listed_with_their_figures(filled: Paperround, tmp_path: Path) -> None:
    assert filled("glossary", "--suspicious", "--json").data == []
    assert filled("glossary", "--suspicious").stdout.startswith("Papers confirm all forms.")
    assert filled("glossary").exit_status == 2
    digest = tmp_path / "many.md"
    papers = [(f"2502.{number:05}", number) for number in range(1, 31)]
    digest.write_text(digest_builders.newsletter(date(2025, 2, 2), papers, text="벤치마크에서 좋아요."))
    assert filled("ingest", str(digest)).exit_status == 0
    assert filled("reindex").exit_status == 0
    (row,) = filled("glossary", "--suspicious", "--json").data
    assert (row["form"], row["term"], row["papers"], row["confirmed"]) == ("벤치마크", "benchmark", 30, 0)
    table = filled("glossary", "--suspicious").stdout
    assert "0.00" in table
    assert max(map(len, table.splitlines())) <= 80
