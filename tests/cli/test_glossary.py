"""`paperround glossary`."""

from __future__ import annotations

from tests.support.shell_fixtures import Paperround


def test_an_operator_forgets_and_adds_forms_for_good(filled: Paperround) -> None:
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
