"""`paperround glossary --suspicious`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.support import digest_builders
from tests.support.shell_fixtures import Paperround


def test_suspicious_forms_are_listed_with_their_figures(filled: Paperround, tmp_path: Path) -> None:
    assert filled("glossary", "--suspicious", "--json").data == []
    assert filled("glossary", "--suspicious").stdout.startswith("Papers confirm all forms.")
    assert filled("glossary").exit_status == 2
    digest = tmp_path / "many.md"
    papers = [(f"2502.{number:05}", number) for number in range(30)]
    digest.write_text(digest_builders.newsletter(date(2025, 2, 2), papers, text="벤치마크에서 좋아요."))
    assert filled("ingest", str(digest)).exit_status == 0
    assert filled("reindex").exit_status == 0
    (row,) = filled("glossary", "--suspicious", "--json").data
    assert (row["form"], row["term"], row["papers"], row["confirmed"]) == ("벤치마크", "benchmark", 30, 0)
    table = filled("glossary", "--suspicious").stdout
    assert "0.00" in table
    assert max(map(len, table.splitlines())) <= 80
