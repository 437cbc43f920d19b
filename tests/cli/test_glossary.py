"""`paperround glossary`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.support import digest_builders
from tests.support.shell_fixtures import Paperround


def test_suspicious_lists_the_most_doubtful_forms_first(filled: Paperround, tmp_path: Path) -> None:
    assert filled("glossary", "--suspicious", "--json").data == []
    assert filled("glossary", "--suspicious").stdout.startswith("No forms have been learnt yet.")
    for day, text, count in (
        (5, "등롱 신호(lantern signal)를 보아요.", 5),
        (3, "등불 표지(lantern signal)를 보아요.", 2),
        (4, "등불 표지를 보아요.", 1),
    ):
        papers = [(f"2502.{100 * day + number:05}", number) for number in range(1, count + 1)]
        digest = tmp_path / f"{day}.md"
        digest.write_text(digest_builders.newsletter(date(2025, 2, day), papers, text=text))
        assert filled("ingest", str(digest)).exit_status == 0
    assert filled("reindex").exit_status == 0
    rows = filled("glossary", "--suspicious", "--json").data
    assert [(row["form"], row["term"], row["papers"], row["share"]) for row in rows] == [
        ("등불 표지", "lantern signal", 3, 0.667),
        ("등롱 신호", "lantern signal", 5, 1.0),
    ]
    table = filled("glossary", "--suspicious").stdout
    assert "0.667" in table
    assert max(map(len, table.splitlines())) <= 80


def test_forgotten_and_added_forms_survive_a_reindex(filled: Paperround) -> None:
    def forms(term: str) -> set[str]:
        data = filled("glossary", term, "--json").data
        return {form["text"] for concept in data["concepts"] for form in concept["forms"]}

    assert {"환각", "할루시네이션"} <= forms("hallucination")
    assert "You have added and forgotten no forms." in filled("glossary").stdout
    forgotten = filled("glossary", "forget", "환각", "할루시네이션")
    assert forgotten.exit_status == 0
    assert "할루시네이션 is no longer a form of hallucination" in forgotten.stdout
    added = filled("glossary", "add", "hallucination", "헛소리", "--json").data
    assert added == {"term": "hallucination", "form": "헛소리", "is_added": True}
    filled("glossary", "add", "quantum foam", "양자 거품")
    assert [(row["form"], row["is"]) for row in filled("glossary", "--json").data] == [
        ("할루시네이션", "forgotten"),
        ("헛소리", "added"),
        ("양자 거품", "added"),
    ]
    for _ in range(2):
        assert "할루시네이션" not in forms("hallucination")
        assert forms("헛소리") >= {"환각", "hallucination"}
        assert forms("양자 거품") == {"quantum foam", "양자 거품"}
        assert "헛소리" in filled("search", "hallucination").stderr
        assert filled("reindex").exit_status == 0
    assert filled("glossary", "add", "hallucination", "할루시네이션").exit_status == 0
    assert "할루시네이션" in forms("hallucination")
