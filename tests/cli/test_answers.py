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
    assert filled("similar", PAPERS[0][0]).stdout.startswith(f"Similar to {PAPERS[0][0]}, ")
    unknown = filled("similar", "2601.99999")
    assert unknown.exit_status == 1
    assert "2601.99999" in unknown.stderr
    assert unknown.stdout == ""
    assert filled("similar", "2601.99999", "--json").data == []


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
    assert re.search(r" · last update .* \d\d:\d\d Europe/Berlin\n", filled("status").stdout)
    monkeypatch.setenv("PAPERROUND_LOCALE", "ko")
    korean = filled("status").stdout
    assert re.search(r" · 마지막 업데이트 \d{4}년 \d+월 \d+일 \d\d:\d\d Europe/Berlin\n", korean), korean
    monkeypatch.delenv("PAPERROUND_LOCALE")
    answer = filled("status", "--channel", "20")
    assert "January 5, 2026" in answer.stdout
    assert re.search(r"#20 .*\nNext: \w{3} \d\d \w{3} \d{4} 09:00 Asia/Seoul\n", answer.stdout)
    assert "alert" not in answer.stdout
    data = filled("status", "--json").data
    assert (data["newest_digest"], data["posts"], data["problems"]) == ("2026-01-05", [], [])


def test_learnt_forms_are_listed_by_the_share_of_their_papers_that_have_the_term(
    filled: Paperround, tmp_path: Path
) -> None:
    assert filled("glossary", "--suspicious", "--json").data == []
    assert filled("glossary", "--suspicious").stdout.startswith("No forms have been learnt yet.")
    bare = filled("glossary")
    assert (bare.exit_status, bare.stderr) == (2, "paperround: Give a term, or use --suspicious.\n")
    for day, text, count in (
        (2, "벤치마크에서 보아요.", 30),
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
        ("벤치마크", "benchmark", 30, 0.0),
        ("등불 표지", "lantern signal", 3, 0.667),
        ("등롱 신호", "lantern signal", 5, 1.0),
    ]
    table = filled("glossary", "--suspicious").stdout
    assert "0.67" in table
    assert max(map(len, table.splitlines())) <= 80


def test_an_operator_forgets_and_adds_forms_for_good(filled: Paperround) -> None:
    def forms(term: str) -> set[str]:
        data = filled("glossary", term, "--json").data
        return {form["text"] for concept in data["concepts"] for form in concept["forms"]}

    assert {"환각", "할루시네이션"} <= forms("hallucination")
    forgotten = filled("glossary", "forget", "환각", "할루시네이션")
    assert forgotten.exit_status == 0
    assert "할루시네이션 is no longer a form of hallucination" in forgotten.stdout
    added = filled("glossary", "add", "hallucination", "헛소리", "--json").data
    assert added == {"term": "hallucination", "form": "헛소리", "is_added": True}
    filled("glossary", "add", "quantum foam", "양자 거품")
    for _ in range(2):
        assert "할루시네이션" not in forms("hallucination")
        assert forms("헛소리") >= {"환각", "hallucination"}
        assert forms("양자 거품") == {"quantum foam", "양자 거품"}
        assert "헛소리" in filled("search", "hallucination").stderr
        assert filled("reindex").exit_status == 0
    listed = [row for row in filled("doctor", "--json").data if row["what"].startswith("glossary")]
    assert [(row["what"], row["value"]) for row in listed] == [
        ("glossary: hallucination", "할루시네이션 removed by you"),
        ("glossary: hallucination", "헛소리 added by you"),
        ("glossary: quantum foam", "양자 거품 added by you"),
    ]
    assert filled("glossary", "add", "hallucination", "할루시네이션").exit_status == 0
    assert "할루시네이션" in forms("hallucination")


def test_a_decision_that_cannot_be_used_says_why(filled: Paperround) -> None:
    for arguments, said in [
        (("add",), "glossary add TERM FORM"),
        (("forget", "hallucination"), "TERM FORM"),
        (("add", "hallucination", "헛", "소리"), "TERM FORM"),
        (("forget", "hallucination", "등불"), "Its forms are: hallucination · 환각"),
        (("forget", "zzzz", "등불"), "is not in the glossary"),
        (("add", "등불", "등롱"), "give its English name"),
        (("add", "hallucination", "환각"), "already"),
        (("add", "hallucination", "Hallucinations"), "the term itself"),
        (("add", "hallucination", "헛"), "too short"),
        (("add", "hallucination", " ?!"), "is not a term"),
        (("add", "hallucination", "가" * 101), "1 to 100 characters"),
        (("add", "SD", "등불"), "Use one of them"),
    ]:
        refused = filled("glossary", *arguments)
        assert refused.exit_status == 2, arguments
        assert said in refused.stderr
    assert not [row for row in filled("doctor", "--json").data if "glossary" in row["what"]]
