"""`paperround search`, `author`, `paper` and `glossary`."""

import shutil
from pathlib import Path

from tests.support.shell_fixtures import PAPERS, Paperround, run_python


def test_search_and_author_print_papers_and_corrected_names(filled: Paperround) -> None:
    rows = filled("search", "trained with care", "--json").data
    assert {row["arxiv_id"] for row in rows} == {arxiv_id for arxiv_id, _ in PAPERS}
    assert filled("search", "quaternion", "--json").data == []
    assert filled("search", "quaternion").exit_status == 0
    by_author = filled("author", "lovelace, ada", "--json").data
    assert by_author["author"] == "Ada Lovelace"
    assert len(by_author["papers"]) == 3
    assert filled("author", "김민준", "--json").data["author"] == "Kim Min-jun"
    misspelt = filled("author", "ada lovelase")
    assert "No author is called 'ada lovelase'; showing the closest name, Ada Lovelace" in misspelt.stderr
    unknown = filled("author", "yoshua bengio").stdout
    assert "No author is called 'yoshua bengio'. Try another spelling" in unknown
    assert filled("search", 'author:"min-jun kim" votes:6', "--json").data[0]["votes"] == 81


def test_a_search_loads_neither_sqlalchemy_nor_a_log_library(filled: Paperround) -> None:
    """Both take longer to load than a search takes."""
    program = (
        "import sys; from bot import cli\n"
        "try: cli.main()\n"
        "finally: print(*sorted({'sqlalchemy', 'aiosqlite', 'structlog', 'discord'} & sys.modules.keys()))"
    )
    for arguments, loaded in ((("search", "care", "--json"), ""), (("digest",), "aiosqlite sqlalchemy")):
        assert run_python(program, *arguments).stdout.splitlines()[-1] == loaded


def test_a_damaged_file_is_named(filled: Paperround) -> None:
    path = Path("paperround.db")
    assert filled("search", "care").exit_status == 0
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(len(content) - 4096))
    answer = filled("search", "care")
    assert (answer.exit_status, answer.stderr.count("\n")) == (1, 1)
    assert (
        "paperround.db is damaged. Stop the bot and put a backup in its place: `paperround restore FILE`"
        in answer.stderr
    )


def test_full_json_has_totals_and_missing_terms(filled: Paperround) -> None:
    answer = filled("search", "--json-full", "trained care quaternion", "--limit", "2").data
    assert [*answer] == [
        *("total", "on_topic", "all_terms", "terms", "also", "read_as", "absent", "corrected"),
        *("meanings", "without", "ignored", "suggestions", "papers"),
    ]
    assert answer["absent"] == ["quaternion"]
    assert (answer["total"], answer["on_topic"], answer["all_terms"]) == (3, 0, 0)
    assert [paper["kind"] for paper in answer["papers"]] == ["some"] * 2
    assert [paper["missing"] for paper in answer["papers"]] == [["quaternion"]] * 2
    complete = filled("search", "trained with care", "--json-full").data
    assert "some" not in {paper["kind"] for paper in complete["papers"]}
    assert {paper["arxiv_id"] for paper in complete["papers"]} == {arxiv_id for arxiv_id, _ in PAPERS}
    assert isinstance(filled("search", "--json", "care").data, list)


def test_an_index_that_cannot_be_written_is_a_problem_on_stderr(filled: Paperround) -> None:
    shutil.rmtree("paperround.search")
    Path("paperround.search").write_text("no folder", encoding="utf-8")
    answer = filled("search", "trained with care", "--json")
    assert answer.data == []
    assert "papers may be missing" in answer.stderr


def test_words_to_leave_out_are_typed_as_in_discord(filled: Paperround) -> None:
    query = ["trained with care", "-2601.00001", "-hummingbird", "--limit", "2", "-video"]
    found = filled("search", *query, "--json-full")
    assert (found.exit_status, found.data["without"]) == (0, ["2601.00001", "hummingbird", "video"])
    assert len(found.data["papers"]) == 2
    assert filled("search", "-h").stdout.startswith("Usage: ")
    assert "No such option: --limits" in filled("search", "care", "--limits", "2").stderr


def test_search_reports_how_it_interpreted_the_query(filled: Paperround) -> None:
    answer = filled("search", "trained", "with", "care", "votes:many", "--json")
    assert (len(answer.data), "votes:many" in answer.stderr) == (3, True)
    assert "votes:many (use votes:20)" in answer.stderr
    for arguments, start, said in (
        (("--", "-care", "trained"), "Nothing found.", ""),
        (("trained quaternion",), "id", "Papers: 3 that lack a word (some; 60 at most)."),
        (("trained", "--limit", "1"), "id", "3 in all; --limit shows more."),
        (("papers trained with care please",), "id", "Searched: trained · care"),
        (("2601.99999",), "", "The archive has no paper 2601.99999."),
        (("reinforcment lerning",), "Nothing found.", ""),
    ):
        answer = filled("search", *arguments)
        assert (answer.stdout.lstrip().startswith(start), said in answer.stderr) == (True, True), answer
    table = filled("search", "trained quaternion").stdout
    assert "missing" in table
    assert "quaternion" in table
    assert "Searched" not in filled("search", "trained care").stderr
    for nothing in ((), ("--json",), ("",)):
        answer = filled("search", *nothing)
        assert (answer.exit_status, answer.stdout) == (2, "")
        assert "QUERY" in answer.stderr


def test_a_search_is_in_the_chosen_order(filled: Paperround) -> None:
    orders = {
        order: [paper["arxiv_id"] for paper in filled("search", "trained", "--order", order, "--json").data]
        for order in ("best", "votes", "newest", "oldest")
    }
    by_votes = sorted(PAPERS, key=lambda paper: -(paper[1] or 0))
    assert orders["votes"] == [arxiv_id for arxiv_id, _ in by_votes]
    assert all(sorted(ids) == sorted(orders["best"]) for ids in orders.values())
    refused = filled("search", "trained", "--order", "least")
    assert (refused.exit_status, refused.stdout) == (2, "")


def test_finds_a_paper_by_id_or_url(filled: Paperround) -> None:
    for name in ("2601.00002", "https://arxiv.org/pdf/2601.00002v1"):
        assert filled("paper", name, "--json").data["arxiv_id"] == "2601.00002"
    refused = "## 2601.00009\n🔗 https://huggingface.co/papers/2601.00009\n\n**Summary**:\n죄송합니다. 논문을 볼 수 없습니다.\n"
    Path("refused.md").write_text(f"# 📰 Daily Papers (2026-01-05)\n\n{refused}", encoding="utf-8")
    assert filled("ingest", "refused.md").exit_status == 0
    assert "(no summary: " in filled("paper", "2601.00009").stdout
    answer = filled("paper", "2601.99999", "--json")
    assert (answer.exit_status, answer.data) == (1, None)
    moss, ferns = "https://doi.org/10.1234/Moss.1", "https://openreview.net/forum?id=aB3dEfGh1J"
    elsewhere = f"- [Moss on Old Walls at Night]({moss})\n- [Ferns in the Rain of Towns]({ferns})\n"
    Path("2026-01-06.md").write_text(f"# 2026-01-06\n\n{elsewhere}", encoding="utf-8")
    assert filled("ingest", "2026-01-06.md").exit_status == 0
    for typed, key, doi in (
        (moss, "doi/10.1234/moss.1", "10.1234/moss.1"),
        (ferns, "openreview/aB3dEfGh1J", None),
    ):
        found = filled("paper", typed, "--json").data
        assert [found[name] for name in ("key", "arxiv_id", "doi")] == [key, None, doi]
        assert found["url"].lower() == typed.lower()
    of_arxiv = filled("paper", "2601.00002", "--json").data
    assert (of_arxiv["key"], of_arxiv["doi"]) == ("2601.00002", "10.48550/arXiv.2601.00002")


def test_forgotten_and_added_forms_survive_a_reindex(filled: Paperround) -> None:
    def forms(term: str) -> set[str]:
        data = filled("glossary", term, "--json").data
        return {form["text"] for concept in data["concepts"] for form in concept["forms"]}

    assert {"환각", "할루시네이션"} <= forms("hallucination")
    assert "환각" in filled("glossary", "hallucination").stdout
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
        assert "hallucination" in filled("search", "헛소리").stderr
        assert filled("reindex").exit_status == 0
    assert filled("glossary", "add", "hallucination", "할루시네이션").exit_status == 0
    assert "할루시네이션" in forms("hallucination")
